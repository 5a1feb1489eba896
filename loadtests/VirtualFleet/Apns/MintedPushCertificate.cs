using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.VirtualFleet.Apns;

/// <summary>A push certificate with its key, in the forms that a customer may upload.</summary>
public sealed class MintedPushCertificate(string topic, X509Certificate2 certificate) : IDisposable
{
    private static readonly PbeParameters Protection = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000);

    public string Topic { get; } = topic;

    public X509Certificate2 Certificate { get; } = certificate;

    /// <summary>Certificate and key in one text.</summary>
    public string ToPem()
    {
        using var key = Certificate.GetRSAPrivateKey()!;
        return Certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    /// <summary>Certificate and encrypted key in one text.</summary>
    public string ToPem(string password)
    {
        using var key = Certificate.GetRSAPrivateKey()!;
        return Certificate.ExportCertificatePem() + "\n" + key.ExportEncryptedPkcs8PrivateKeyPem(password, Protection) + "\n";
    }

    public byte[] ToPkcs12(string password) => Certificate.ExportPkcs12(Protection, password);

    public void Dispose() => Certificate.Dispose();
}
