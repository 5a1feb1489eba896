using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Org.BouncyCastle.Cms;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>What a server token says, and the file in which Apple School Manager hands it out.
/// <see href="https://developer.apple.com/documentation/devicemanagement/examining-server-tokens"/></summary>
public sealed record SimulatedServerToken(
    string ConsumerKey, string ConsumerSecret, string AccessToken, string AccessSecret, DateTimeOffset ExpiresAt)
{
    private const int LineLength = 64;

    internal static SimulatedServerToken New(DateTimeOffset expiresAt) => new(
        "CK_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)), "CS_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20)),
        "AT_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(40)), "AS_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20)), expiresAt);

    /// <summary>The <c>.p7m</c>: S/MIME with a CMS message to this certificate, in BER with indefinite lengths, RSA and AES-128-CBC.</summary>
    /// <param name="certificatePem">What was uploaded at the portal.</param>
    public byte[] ToFile(string certificatePem)
    {
        var json = new JsonObject
        {
            ["consumer_key"] = ConsumerKey,
            ["consumer_secret"] = ConsumerSecret,
            ["access_token"] = AccessToken,
            ["access_secret"] = AccessSecret,
            ["access_token_expiry"] = ExpiresAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        }.ToJsonString();
        // Lines break in the middle of words: whoever reads it has to join them.
        var message = new StringBuilder("Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n-----BEGIN MESSAGE-----\r\n");
        for (var at = 0; at < json.Length; at += LineLength)
            message.Append(json.AsSpan(at, Math.Min(LineLength, json.Length - at))).Append("\r\n");
        message.Append("-----END MESSAGE-----\r\n");
        return Encrypt(Encoding.UTF8.GetBytes(message.ToString()), certificatePem);
    }

    /// <summary>Any content in such a file, for tests of what a reader refuses.</summary>
    public static byte[] Encrypt(byte[] content, string certificatePem)
    {
        using var certificate = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(certificatePem);
        var generator = new CmsEnvelopedDataStreamGenerator(new SecureRandom());
        generator.AddKeyTransRecipient(new X509CertificateParser().ReadCertificate(certificate.RawData));
        generator.SetBufferSize(100);
        using var cms = new MemoryStream();
        using (var open = generator.Open(cms, CmsEnvelopedGenerator.Aes128Cbc))
            open.Write(content);
        var text = new StringBuilder(
            "Content-Type: application/pkcs7-mime; name=\"smime.p7m\"; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7m\"\r\nContent-Description: S/MIME Encrypted Message\r\n\r\n");
        text.Append(Convert.ToBase64String(cms.ToArray(), Base64FormattingOptions.InsertLineBreaks)).Append("\r\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
