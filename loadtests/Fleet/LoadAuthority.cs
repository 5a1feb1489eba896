using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.LoadTests.Fleet;

/// <summary>
/// A CA of the load test's own, that the server under test is told to trust (FleetMdm: <c>Mdm:TrustedIdentityCas</c>), as it would trust that of
/// the server which a district comes from. iPads then need no SCEP, and a fleet is made in seconds.
/// </summary>
/// <remarks>All iPads share a few keys; their certificates differ, which is what a server tells them apart by.</remarks>
public sealed class LoadAuthority : IDisposable
{
    private const int Keys = 4;
    private const int Days = 3650;

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    private readonly AsymmetricAlgorithm[] _keys;

    /// <param name="rsa">iPads make RSA-2048 keys by SCEP; EC is what the newest do by ACME.</param>
    public LoadAuthority(bool rsa)
    {
        var request = new CertificateRequest("CN=Load test CA", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        var now = TimeProvider.System.GetUtcNow();
        _certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(Days));
        _keys = [.. Enumerable.Range(0, Keys).Select(AsymmetricAlgorithm (_) => rsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256))];
    }

    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>A certificate for the iPad with this number, without its key.</summary>
    public byte[] Issue(int number)
    {
        var name = new X500DistinguishedName($"CN=iPad {number}");
        var request = _keys[number % Keys] switch
        {
            RSA rsa => new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            ECDsa ec => new CertificateRequest(name, ec, HashAlgorithmName.SHA256),
            _ => throw new InvalidOperationException("A key is RSA or EC."),
        };
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(
            _certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), now.AddHours(-1), now.AddDays(Days - 2), RandomNumberGenerator.GetBytes(16));
        return certificate.RawData;
    }

    /// <summary>The same with its key, for TLS and for signatures.</summary>
    public X509Certificate2 WithKey(int number, byte[] der)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der);
        return _keys[number % Keys] switch
        {
            RSA rsa => certificate.CopyWithPrivateKey(rsa),
            ECDsa ec => certificate.CopyWithPrivateKey(ec),
            _ => throw new InvalidOperationException("A key is RSA or EC."),
        };
    }

    public void Dispose()
    {
        foreach (var key in _keys) key.Dispose();
        _certificate.Dispose();
        _key.Dispose();
    }
}
