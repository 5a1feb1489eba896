using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Push;

/// <summary>A request for a push certificate with the key that it is for. A holder of Apple's MDM vendor certificate signs the request
/// (<see cref="PushRequestSigner"/>); Apple's portal makes the certificate.
/// <see href="https://developer.apple.com/documentation/devicemanagement/setting-up-push-notifications-for-your-device-management-customers"/></summary>
/// <param name="Request">PKCS#10, DER.</param>
/// <param name="PrivateKey">PKCS#8. A secret: to be sealed before it is stored, and wiped after.</param>
public sealed record PushSigningRequest(byte[] Request, byte[] PrivateKey)
{
    /// <summary>What Apple asks for.</summary>
    private const int KeyBits = 2048;

    /// <param name="organization">Of the district, as the request names it; Apple puts a subject of its own into the certificate.</param>
    public static PushSigningRequest Create(string organization)
    {
        using var key = RSA.Create(KeyBits);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName("MDM push certificate");
        subject.AddOrganizationName(organization);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return new PushSigningRequest(request.CreateSigningRequest(), key.ExportPkcs8PrivateKey());
    }

    /// <summary>PEM, as vendors take it.</summary>
    public static string ToPem(ReadOnlySpan<byte> request) => PemEncoding.WriteString("CERTIFICATE REQUEST", request) + "\n";

    /// <summary>Whether the certificate is for the key of this request.</summary>
    public static bool IsFor(byte[] request, X509Certificate2 certificate) =>
        CertificateRequest.LoadSigningRequest(request, HashAlgorithmName.SHA256).PublicKey.ExportSubjectPublicKeyInfo().AsSpan()
            .SequenceEqual(certificate.PublicKey.ExportSubjectPublicKeyInfo());

    /// <summary>Without the key.</summary>
    public override string ToString() => $"PushSigningRequest {{ {Request.Length} bytes }}";
}
