using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>A certificate and its private key, as they are kept: the key is a secret and is to be sealed at rest.</summary>
/// <param name="Certificate">DER.</param>
/// <param name="PrivateKey">PKCS #8, not encrypted.</param>
public sealed record KeyedCertificate(byte[] Certificate, byte[] PrivateKey)
{
    /// <summary>The certificate with its key attached, for signing and for TLS. The caller disposes of it.</summary>
    /// <exception cref="CryptographicException">Not a certificate, not a key, or the key of another certificate.</exception>
    public X509Certificate2 Open()
    {
        using var certificate = X509CertificateLoader.LoadCertificate(Certificate);
        if (certificate.GetKeyAlgorithm() == Oids.EcPublicKey)
        {
            using var ec = ECDsa.Create();
            ec.ImportPkcs8PrivateKey(PrivateKey, out _);
            return certificate.CopyWithPrivateKey(ec);
        }
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(PrivateKey, out _);
        return certificate.CopyWithPrivateKey(rsa);
    }

    /// <summary>As PKCS #12 under a password (AES-256, SHA-256), for taking it elsewhere.</summary>
    public byte[] ExportPkcs12(string password)
    {
        using var opened = Open();
        return opened.ExportPkcs12(Pkcs12ExportPbeParameters.Pbes2Aes256Sha256, password);
    }

    /// <summary>As PKCS #12 for a profile (3DES, SHA-1): the only form that every iPadOS opens. The password stands in the same profile, so nothing rests on it.</summary>
    public byte[] ExportForProfile(string password)
    {
        using var opened = Open();
        return opened.ExportPkcs12(Pkcs12ExportPbeParameters.Pkcs12TripleDesSha1, password);
    }

    /// <exception cref="CryptographicException">Wrong password, not PKCS #12, or no private key in it.</exception>
    public static KeyedCertificate FromPkcs12(ReadOnlySpan<byte> pkcs12, string password)
    {
        using var opened = X509CertificateLoader.LoadPkcs12(pkcs12, password, X509KeyStorageFlags.Exportable);
        using var key = opened.GetECDsaPrivateKey() ?? (AsymmetricAlgorithm?)opened.GetRSAPrivateKey()
            ?? throw new CryptographicException("The PKCS #12 has no RSA or EC private key.");
        return new KeyedCertificate(opened.RawData, key.ExportPkcs8PrivateKey());
    }

    /// <summary>Does not print the key.</summary>
    public override string ToString() => $"certificate {Convert.ToHexStringLower(SHA256.HashData(Certificate))}";
}
