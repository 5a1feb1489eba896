using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Automated;

/// <summary>The key for which Apple encrypts a server token, with its certificate: a shell around the public key, that matters for the upload only.</summary>
public static class ServerKey
{
    private const int Bits = 2048;

    private static readonly TimeSpan Lasts = TimeSpan.FromDays(5 * 365);

    /// <returns>The certificate in DER, and the key as PKCS#8; a secret. Takes up to a second.</returns>
    public static (byte[] Certificate, byte[] PrivateKey) Create(string organization, DateTimeOffset now)
    {
        using var key = RSA.Create(Bits);
        var name = new X500DistinguishedNameBuilder();
        name.AddOrganizationName(organization);
        name.AddCommonName("Automated Device Enrolment");
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyEncipherment, true));
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now + Lasts);
        return (certificate.RawData, key.ExportPkcs8PrivateKey());
    }

    public static string ToPem(byte[] certificate) => new(PemEncoding.Write("CERTIFICATE", certificate));
}
