using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Profiles;

/// <summary>Signs profiles, so that an iPad shows who made them and refuses changed ones.</summary>
public static class ProfileSigner
{
    private const string Sha256 = "2.16.840.1.101.3.4.2.1";

    /// <summary>CMS SignedData with the profile inside, the signer's certificate and its issuer's.</summary>
    /// <param name="signer">With its private key.</param>
    /// <param name="issuer">DER.</param>
    public static byte[] Sign(byte[] profile, X509Certificate2 signer, ReadOnlyMemory<byte> issuer)
    {
        var cms = new SignedCms(new ContentInfo(profile));
        using var issuerCertificate = X509CertificateLoader.LoadCertificate(issuer.Span);
        var cmsSigner = new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, signer)
        {
            DigestAlgorithm = new Oid(Sha256),
            IncludeOption = X509IncludeOption.EndCertOnly,
        };
        cmsSigner.Certificates.Add(issuerCertificate);
        cms.ComputeSignature(cmsSigner);
        return cms.Encode();
    }
}
