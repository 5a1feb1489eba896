using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Push;

/// <summary>
/// A push certificate with its private key: what lets a server wake the iPads that enrolled under its topic.
/// <see href="https://developer.apple.com/documentation/devicemanagement/setting-up-push-notifications-for-your-device-management-customers"/>
/// </summary>
public sealed class PushCertificate : IDisposable
{
    /// <summary>How the topic of every MDM push certificate begins.</summary>
    public const string TopicPrefix = "com.apple.mgmt.";

    /// <summary>Attribute UID of the subject: the topic.</summary>
    private const string UidOid = "0.9.2342.19200300.100.1.1";

    private PushCertificate(X509Certificate2 certificate, string topic)
    {
        Certificate = certificate;
        Topic = topic;
        NotBefore = new DateTimeOffset(certificate.NotBefore.ToUniversalTime());
        NotAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
    }

    /// <summary>The certificate, with its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary><c>com.apple.mgmt.…</c>, the UID in the subject.</summary>
    public string Topic { get; }

    public string Subject => Certificate.Subject;

    /// <summary>Hexadecimal, upper case.</summary>
    public string SerialNumber => Certificate.SerialNumber;

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    /// <summary>Reads an upload, and checks everything that can be checked without asking Apple.</summary>
    /// <param name="content">PEM with the certificate and its key in any order (the key may be encrypted, further certificates
    /// are ignored), or PKCS#12.</param>
    /// <param name="password">Of the key; null or empty for none.</param>
    /// <param name="now">The present time.</param>
    /// <param name="keptKey">PKCS#8: the key of the request that was made here. It joins a certificate that comes alone, as Apple's portal gives it (PEM or
    /// DER). Empty: there is none.</param>
    /// <exception cref="PushCertificateException">It cannot be used.</exception>
    public static PushCertificate Read(ReadOnlySpan<byte> content, string? password, DateTimeOffset now, ReadOnlySpan<byte> keptKey = default)
    {
        var (certificate, key) = PushCertificateFile.FindAlone(content) is { } alone ? WithKept(alone, keptKey)
            : PushCertificateFile.IsPem(content) ? PushCertificateFile.ReadPem(content, password)
            : PushCertificateFile.ReadPkcs12(content, password);
        using (certificate)
        using (key)
        {
            var result = Join(certificate, key);
            try
            {
                if (now >= result.NotAfter)
                    throw Problem(PushCertificateProblem.Expired, $"The certificate expired on {Day(result.NotAfter)}. Renew it in Apple's push certificate portal, with the same Apple Account.");
                if (now < result.NotBefore)
                    throw Problem(PushCertificateProblem.NotYetValid, $"The certificate is not valid before {Day(result.NotBefore)}. Check the clock of this server.");
                return result;
            }
            catch
            {
                result.Dispose();
                throw;
            }
        }
    }

    private static (X509Certificate2 Certificate, AsymmetricAlgorithm Key) WithKept(X509Certificate2 certificate, ReadOnlySpan<byte> keptKey)
    {
        if (!keptKey.IsEmpty)
        {
            var key = PushCertificateFile.ImportKey(keptKey);
            if (certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo())) return (certificate, key);
            key.Dispose();
        }

        using (certificate)
        {
            throw keptKey.IsEmpty
                ? Problem(PushCertificateProblem.NoPrivateKey,
                    "The file has no private key, and no request was made here. Put the certificate from Apple and the private key into one file.")
                : Problem(PushCertificateProblem.KeyDoesNotMatch,
                    "The certificate is not for the newest request that was made here. Upload the certificate that Apple's portal made from that request.");
        }
    }

    /// <summary>Puts a stored certificate and its key together again. Does not look at the dates.</summary>
    /// <param name="certificate">DER.</param>
    /// <param name="privateKey">PKCS#8.</param>
    /// <exception cref="PushCertificateException">They do not belong together.</exception>
    public static PushCertificate Open(ReadOnlySpan<byte> certificate, ReadOnlySpan<byte> privateKey)
    {
        using var parsed = X509CertificateLoader.LoadCertificate(certificate);
        using var key = PushCertificateFile.ImportKey(privateKey);
        return Join(parsed, key);
    }

    /// <summary>The certificate in DER.</summary>
    public byte[] ExportCertificate() => Certificate.RawData;

    /// <summary>The private key in PKCS#8. A secret: to be sealed before it is stored, and wiped after.</summary>
    public byte[] ExportPrivateKey()
    {
        using AsymmetricAlgorithm key = (AsymmetricAlgorithm?)Certificate.GetRSAPrivateKey() ?? Certificate.GetECDsaPrivateKey()!;
        return key.ExportPkcs8PrivateKey();
    }

    public void Dispose() => Certificate.Dispose();

    private static PushCertificate Join(X509Certificate2 certificate, AsymmetricAlgorithm key)
    {
        var topic = ReadTopic(certificate);
        try
        {
            var joined = key switch
            {
                RSA rsa => certificate.CopyWithPrivateKey(rsa),
                ECDsa ec => certificate.CopyWithPrivateKey(ec),
                _ => throw Problem(PushCertificateProblem.UnsupportedKey, "The private key is neither RSA nor EC."),
            };
            return new PushCertificate(Persisted(joined), topic);
        }
        catch (CryptographicException e)
        {
            throw Problem(PushCertificateProblem.Unreadable, "The certificate or its key is damaged.", e);
        }
        catch (ArgumentException e)
        {
            throw Problem(PushCertificateProblem.KeyDoesNotMatch,
                "The private key does not belong to this certificate. Upload the key that the signing request was made with.", e);
        }
    }

    /// <summary>Windows' TLS cannot use a key that lives in memory only: there it takes a detour over PKCS#12.</summary>
    private static X509Certificate2 Persisted(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows())
            return certificate;
        using (certificate)
            return X509CertificateLoader.LoadPkcs12(
                certificate.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
    }

    private static string ReadTopic(X509Certificate2 certificate)
    {
        string? uid = null;
        try
        {
            uid = certificate.SubjectName.EnumerateRelativeDistinguishedNames()
                .Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == UidOid)
                .Select(part => part.GetSingleElementValue())
                .FirstOrDefault();
        }
        catch (CryptographicException)
        {
            // A subject that cannot be read has no topic.
        }

        if (string.IsNullOrEmpty(uid))
            throw Problem(PushCertificateProblem.NoTopic, "The certificate's subject has no UID, so it is not from Apple's push certificate portal (identity.apple.com/pushcert).");
        if (!uid.StartsWith(TopicPrefix, StringComparison.Ordinal) || uid.Length == TopicPrefix.Length || uid.Any(c => c is <= ' ' or > '~'))
            throw Problem(PushCertificateProblem.NotAnMdmTopic, $"The UID in the certificate's subject does not begin with {TopicPrefix}: it is not an MDM push certificate.");
        return uid;
    }

    private static string Day(DateTimeOffset time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static PushCertificateException Problem(PushCertificateProblem problem, string message, Exception? inner = null) =>
        new(problem, message, inner);
}
