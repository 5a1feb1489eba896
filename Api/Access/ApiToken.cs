using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Api.Access;

/// <summary>API tokens as text: <c>fleetmdm_</c> and 32 random bytes in Base64url. The prefix lets scanners of leaked secrets, and
/// people, recognise one.</summary>
public static class ApiToken
{
    public const string Prefix = "fleetmdm_";

    public const int SecretBytes = 32;

    private const int EncodedLength = 43;

    public static string Create() => From(RandomNumberGenerator.GetBytes(SecretBytes));

    public static string From(ReadOnlySpan<byte> secret) => Prefix + Base64Url.EncodeToString(secret);

    /// <summary>What is stored of a token.</summary>
    public static byte[] Hash(string token) => SHA256.HashData(Encoding.ASCII.GetBytes(token));

    /// <summary>Whether this can be a token at all; says nothing on whether it is one.</summary>
    public static bool LooksRight(string token)
    {
        if (token.Length != Prefix.Length + EncodedLength || !token.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        foreach (var c in token.AsSpan(Prefix.Length))
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_')) return false;
        }

        return true;
    }
}
