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
    public static byte[] Sign(byte[] profile, X509Certificate2 signer, ReadOnlyMemory<byte> issuer) => Sign(profile, signer, [issuer]);

    /// <summary>The same with any number of certificates above the signer's.</summary>
    public static byte[] Sign(byte[] profile, X509Certificate2 signer, IReadOnlyList<ReadOnlyMemory<byte>> issuers)
    {
        var cms = new SignedCms(new ContentInfo(profile));
        var cmsSigner = new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, signer)
        {
            DigestAlgorithm = new Oid(Sha256),
            IncludeOption = X509IncludeOption.EndCertOnly,
        };
        foreach (var issuer in issuers)
            cmsSigner.Certificates.Add(X509CertificateLoader.LoadCertificate(issuer.Span));
        cms.ComputeSignature(cmsSigner);
        foreach (var issuer in cmsSigner.Certificates)
            issuer.Dispose();
        return cms.Encode();
    }
}
