using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace FleetMdm.Protocol.Attestation;

/// <summary>A nonce that is ours and has not ended. Whether it was used is not known yet.</summary>
/// <param name="Sha256">Fit for storing until it ends.</param>
public sealed record AcmeNonce(byte[] Sha256, DateTimeOffset ExpiresAt);

/// <summary>
/// Nonces and accounts of ACME, in texts that say by themselves that they are ours: each node of the cluster knows those of the others, and a stranger who asks for a million of them
/// leaves nothing behind.
/// </summary>
/// <remarks>
/// <para>nonce: 16 random bytes, when it ends (seconds since 1970, 8 bytes), 16 bytes of an HMAC-SHA-256</para>
/// <para>account: its key (SubjectPublicKeyInfo), 16 bytes of an HMAC-SHA-256</para>
/// <para>Both in Base64url. The first byte under the HMAC says which of the two it is.</para>
/// </remarks>
public static class AcmeTokens
{
    /// <summary>Between two requests of an iPad are seconds.</summary>
    public static readonly TimeSpan NonceLasts = TimeSpan.FromMinutes(15);

    private const int RandomBytes = 16;
    private const int MacBytes = 16;
    private const byte ForNonce = (byte)'n';
    private const byte ForAccount = (byte)'k';

    /// <summary>RSA of 4,096 bits.</summary>
    private const int MaxAccountBytes = 600;

    public static string CreateNonce(ReadOnlySpan<byte> key, DateTimeOffset now)
    {
        var content = new byte[RandomBytes + sizeof(long)];
        RandomNumberGenerator.Fill(content.AsSpan(0, RandomBytes));
        BinaryPrimitives.WriteInt64BigEndian(content.AsSpan(RandomBytes), (now + NonceLasts).ToUnixTimeSeconds());
        return Seal(key, ForNonce, content);
    }

    /// <summary>Null: it is none of ours, or has ended.</summary>
    public static AcmeNonce? ReadNonce(ReadOnlySpan<byte> key, string nonce, DateTimeOffset now)
    {
        if (Open(key, ForNonce, nonce, RandomBytes + sizeof(long)) is not { Length: RandomBytes + sizeof(long) } content) return null;
        var end = DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadInt64BigEndian(content.AsSpan(RandomBytes)));
        return now <= end ? new AcmeNonce(SHA256.HashData([ForNonce, .. content]), end) : null;
    }

    public static string CreateAccount(ReadOnlySpan<byte> key, AcmeKey account) => Seal(key, ForAccount, account.PublicKeyInfo);

    /// <summary>Null: no account of ours.</summary>
    public static AcmeKey? ReadAccount(ReadOnlySpan<byte> key, string account) =>
        Open(key, ForAccount, account, MaxAccountBytes) is { } publicKey ? AcmeKey.FromPublicKeyInfo(publicKey) : null;

    private static string Seal(ReadOnlySpan<byte> key, byte kind, byte[] content) => Base64Url.EncodeToString([.. content, .. Mac(key, kind, content)]);

    private static byte[]? Open(ReadOnlySpan<byte> key, byte kind, string text, int most) =>
        AcmeText.Decode(text, most + MacBytes) is { Length: > MacBytes } bytes && CryptographicOperations.FixedTimeEquals(Mac(key, kind, bytes.AsSpan(0, bytes.Length - MacBytes)), bytes.AsSpan(bytes.Length - MacBytes))
            ? bytes[..^MacBytes]
            : null;

    private static byte[] Mac(ReadOnlySpan<byte> key, byte kind, ReadOnlySpan<byte> content) => HMACSHA256.HashData(key, (byte[])[kind, .. content])[..MacBytes];
}
