using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>An iPad's identity: the certificate that SCEP brought, and its key.</summary>
public sealed class DeviceIdentity
{
    private readonly X509Certificate2 _certificate;

    /// <param name="certificate">With its private key.</param>
    public DeviceIdentity(X509Certificate2 certificate)
    {
        if (!certificate.HasPrivateKey)
            throw new ArgumentException("An identity needs its private key.", nameof(certificate));
        _certificate = certificate;
        Sha256 = certificate.GetCertHashString(HashAlgorithmName.SHA256);
    }

    public X509Certificate2 Certificate => _certificate;

    /// <summary>Of the certificate's DER, upper-case hex.</summary>
    public string Sha256 { get; }

    /// <summary>
    /// The <c>Mdm-Signature</c> header: Base64 of a detached CMS signature over the body.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/managing-certificates-in-mdm-servers-and-devices"/>
    /// </summary>
    public string Sign(byte[] body)
    {
        var cms = new SignedCms(new ContentInfo(body), detached: true);
        cms.ComputeSignature(new CmsSigner(SubjectIdentifierType.IssuerAndSerialNumber, _certificate)
        {
            DigestAlgorithm = new Oid("2.16.840.1.101.3.4.2.1"),
            IncludeOption = X509IncludeOption.EndCertOnly,
        }, silent: true);
        return Convert.ToBase64String(cms.Encode());
    }
}
