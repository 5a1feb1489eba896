using System.Security.Cryptography;
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

    /// <summary>The <c>Mdm-Signature</c> header over this body, in the shape that iPads were seen to send.</summary>
    public string Sign(byte[] body) => MdmSignature.Sign(body, _certificate);
}
