using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FleetMdm.Protocol.Identity;
using Org.BouncyCastle.Cms;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Security;

namespace FleetMdm.Protocol.Automated;

/// <summary>Why the file of a server token cannot be used.</summary>
public enum ServerTokenProblem
{
    /// <summary>It is no file of a token at all.</summary>
    NotAToken,
    /// <summary>It is encrypted for another certificate than this one's.</summary>
    OtherKey,
    /// <summary>What is inside is not what it must be.</summary>
    Incomplete,
    Expired,
}

/// <summary>The file of a server token cannot be used; the message says it to a person.</summary>
public sealed class ServerTokenException(ServerTokenProblem problem, string message, Exception? inner = null) : Exception(message, inner)
{
    public ServerTokenProblem Problem { get; } = problem;
}

/// <summary>
/// What lets this server ask Apple for the iPads of a district
/// (<see href="https://developer.apple.com/documentation/devicemanagement/examining-server-tokens">Apple, "Examining server tokens"</see>).
/// </summary>
public sealed record ServerToken(string ConsumerKey, string ConsumerSecret, string AccessToken, string AccessSecret, DateTimeOffset ExpiresAt)
{
    /// <summary>A file has three kilobytes.</summary>
    public const int MaxFileBytes = 64 * 1024;

    private const int LongestText = 2_000;
    private const string Begin = "-----BEGIN MESSAGE-----";
    private const string End = "-----END MESSAGE-----";

    /// <summary>Reads a <c>.p7m</c> as the portal gives it: S/MIME, a CMS message to the certificate of this server, and in it the token as JSON.</summary>
    /// <param name="file">As it was uploaded.</param>
    /// <param name="privateKey">PKCS#8, of the certificate.</param>
    /// <exception cref="ServerTokenException">It cannot be used.</exception>
    public static ServerToken Read(ReadOnlyMemory<byte> file, byte[] privateKey, DateTimeOffset now)
    {
        if (file.Length is 0 or > MaxFileBytes) throw NotAToken();
        var token = Parse(Decrypt(Cms(file.Span), privateKey));
        return token.ExpiresAt > now
            ? token
            : throw new ServerTokenException(ServerTokenProblem.Expired, $"The token ended on {token.ExpiresAt:yyyy-MM-dd}. Download a new one in Apple School Manager, and check this server's clock.");
    }

    /// <summary>As it is kept, sealed.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes<string[]>([ConsumerKey, ConsumerSecret, AccessToken, AccessSecret, ExpiresAt.ToString("O")]);

    public static ServerToken FromBytes(ReadOnlySpan<byte> kept) => JsonSerializer.Deserialize<string[]>(kept) is [var key, var secret, var token, var tokenSecret, var ends]
        ? new ServerToken(key, secret, token, tokenSecret, DateTimeOffset.Parse(ends, System.Globalization.CultureInfo.InvariantCulture))
        : throw new CryptographicException("This is no token.");

    /// <summary>Without its secrets.</summary>
    public override string ToString() => $"ServerToken {{ ExpiresAt = {ExpiresAt:O} }}";

    /// <summary>The binary message in a file with or without the heads of a mail.</summary>
    private static byte[] Cms(ReadOnlySpan<byte> file)
    {
        // Binary CMS begins with a SEQUENCE.
        if (file[0] == 0x30) return file.ToArray();
        var text = Encoding.Latin1.GetString(file).Replace("\r\n", "\n", StringComparison.Ordinal);
        var body = text.IndexOf("\n\n", StringComparison.Ordinal) is > 0 and var end && text[..end].Contains(':', StringComparison.Ordinal) ? text[end..] : text;
        var base64 = string.Concat(body.Split('\n').Where(line => !line.StartsWith("-----", StringComparison.Ordinal)).Select(line => line.Trim()));
        var bytes = new byte[base64.Length];
        return base64.Length > 0 && Convert.TryFromBase64String(base64, bytes, out var length) && length > 0 ? bytes[..length] : throw NotAToken();
    }

    private static byte[] Decrypt(byte[] cms, byte[] privateKey)
    {
        try
        {
            BerGuard.Check(cms);
            var recipients = new CmsEnvelopedData(cms).GetRecipientInfos().GetRecipients();
            AsymmetricKeyParameter key = PrivateKeyFactory.CreateKey(privateKey);
            foreach (var recipient in recipients.Take(8))
            {
                if (TryOpen(recipient, key) is { } content) return content;
            }
        }
        catch (Exception e) when (e is not ServerTokenException)
        {
            throw NotAToken(e);
        }

        throw new ServerTokenException(ServerTokenProblem.OtherKey,
            "The file is encrypted for another key. Download this server's certificate here, upload it to the same service in Apple School Manager, and download the token anew.");
    }

    private static byte[]? TryOpen(RecipientInformation recipient, AsymmetricKeyParameter key)
    {
        try
        {
            return recipient.GetContent(key);
        }
        catch (Exception e) when (e is CmsException or InvalidCipherTextException or CryptoException or ArgumentException or IOException or InvalidOperationException or GeneralSecurityException)
        {
            return null;
        }
    }

    private static ServerToken Parse(byte[] content)
    {
        // With another key the padding may fit by chance: what comes out is noise.
        if (!IsText(content)) throw new ServerTokenException(ServerTokenProblem.OtherKey,
            "The file is encrypted for another key. Download this server's certificate here, upload it to the same service in Apple School Manager, and download the token anew.");
        var text = Encoding.UTF8.GetString(content);
        var begin = text.IndexOf(Begin, StringComparison.Ordinal);
        var end = text.IndexOf(End, StringComparison.Ordinal);
        var inner = begin >= 0 && end > begin ? text[(begin + Begin.Length)..end] : text[Math.Max(0, text.IndexOf('{'))..];
        try
        {
            using var json = JsonDocument.Parse(inner.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal).Trim());
            return new ServerToken(Text(json, "consumer_key"), Text(json, "consumer_secret"), Text(json, "access_token"), Text(json, "access_secret"),
                DateTimeOffset.Parse(Text(json, "access_token_expiry"), System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal));
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            throw new ServerTokenException(ServerTokenProblem.Incomplete, "The file can be opened, but holds no server token. Choose the file that \"Download Token\" gives.", e);
        }
    }

    private static string Text(JsonDocument json, string name) => json.RootElement.GetProperty(name).GetString() is { Length: > 0 and <= LongestText } text ? text : throw new FormatException(name);

    private static bool IsText(byte[] content) => content.Length > 0 && content.All(one => one is (byte)'\r' or (byte)'\n' or (byte)'\t' || (one >= 0x20 && one != 0x7F));

    private static ServerTokenException NotAToken(Exception? inner = null) => new(
        ServerTokenProblem.NotAToken, "This is no server token. Choose the file that \"Download Token\" gives in Apple School Manager; its name ends in .p7m.", inner);
}
