using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Exports;

/// <summary>Who may open what is encrypted: the holder of the private key of a certificate.</summary>
/// <remarks>A certificate, and no passphrase: who makes the export need not be able to read it, nothing secret travels to whoever receives it, and nobody can try passphrases.
/// CMS EnvelopedData (RFC 5652) with AES-256 and RSA-OAEP, which <c>openssl cms</c> opens.</remarks>
internal sealed class ExportReceiver
{
    /// <summary>For the file name of what is encrypted.</summary>
    public const string Ending = ".p7m";

    private const int SmallestKey = 2048;
    private const string Field = "certificate";
    private const string Aes256Cbc = "2.16.840.1.101.3.4.1.42";


    private readonly X509Certificate2 _certificate;

    private ExportReceiver(X509Certificate2 certificate) => _certificate = certificate;

    /// <summary>For people: the subject and the SHA-256.</summary>
    public string Name => $"{Text.Printable(_certificate.Subject, 200)}, SHA-256 {_certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant()}";

    /// <param name="file">PEM, or DER.</param>
    /// <param name="now">It must be valid.</param>
    /// <exception cref="ApiProblem">400: nobody could, or should, encrypt for it.</exception>
    public static ExportReceiver Of(ReadOnlySpan<byte> file, DateTimeOffset now)
    {
        var certificate = Read(file);
        if (certificate.NotAfter < now || certificate.NotBefore > now) throw ApiProblem.Field(Field, "It is not valid today. Make another one.");
        using var key = certificate.GetRSAPublicKey() ?? throw ApiProblem.Field(Field, "It has no RSA key. The files are encrypted with the key of the certificate, so it must be RSA.");
        if (key.KeySize < SmallestKey) throw ApiProblem.Field(Field, $"Its RSA key has {key.KeySize} bits. It must have at least {SmallestKey}.");
        if (certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault() is { } usage && (usage.KeyUsages & X509KeyUsageFlags.KeyEncipherment) == 0)
            throw ApiProblem.Field(Field, "It is not for encryption: its key usage lacks keyEncipherment.");
        return new ExportReceiver(certificate);
    }

    public byte[] Encrypt(byte[] content)
    {
        var message = new EnvelopedCms(new ContentInfo(content), new AlgorithmIdentifier(new Oid(Aes256Cbc)));
        message.Encrypt(new CmsRecipient(SubjectIdentifierType.IssuerAndSerialNumber, _certificate, RSAEncryptionPadding.OaepSHA256));
        return message.Encode();
    }

    private static X509Certificate2 Read(ReadOnlySpan<byte> file)
    {
        try
        {
            if (file.IndexOf("-----BEGIN"u8) < 0) return X509CertificateLoader.LoadCertificate(file);
            var pem = Encoding.UTF8.GetString(file);
            if (pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
                throw ApiProblem.Field(Field, "There is a private key in it. It was not kept, but it has travelled: make another pair, and send the certificate alone.");
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            return certificates.Count == 1 ? certificates[0] : throw ApiProblem.Field(Field, certificates.Count == 0 ? "There is no certificate in it." : "There are several certificates in it. Send the receiver's own one alone.");
        }
        catch (CryptographicException)
        {
            throw ApiProblem.Field(Field, "It is no certificate, neither PEM nor DER.");
        }
    }
}
