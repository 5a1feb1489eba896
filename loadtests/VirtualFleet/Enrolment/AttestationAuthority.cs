using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>What an attestation is to say. A property that is null is left out, as Apple's servers do with what they could not verify.</summary>
public sealed record AttestationClaims
{
    public string? SerialNumber { get; init; }
    public string? Udid { get; init; }
    public string? OsVersion { get; init; }
    public string? SepOsVersion { get; init; }
    public string? SoftwareUpdateDeviceId { get; init; }
    public byte[]? Freshness { get; init; }
    /// <summary>When its certificate ends, from its beginning.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(30);
}

/// <summary>
/// Apple's attestation servers, simulated, with a root of their own: a root and a CA below it on P-384, and a leaf for each attestation, with Apple's object identifiers.
/// <see href="https://developer.apple.com/documentation/devicemanagement/deviceinformationresponse/queryresponses-data.dictionary"/>
/// </summary>
public sealed class AttestationAuthority : IDisposable
{
    private const string Arc = "1.2.840.113635.100.8.";
    private const int SerialBytes = 10;

    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly ECDsa _issuerKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _issuer;
    private readonly TimeProvider _time;

    public AttestationAuthority(TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        var begin = _time.GetUtcNow().AddYears(-1);
        var root = Ca("CN=Simulated Enterprise Attestation Root CA, O=FleetMdm, C=SE", _rootKey, 1);
        _root = root.Create(root.SubjectName, X509SignatureGenerator.CreateForECDsa(_rootKey), begin, begin.AddYears(25), RandomNumberGenerator.GetBytes(SerialBytes));
        var issuer = Ca("CN=Simulated Enterprise Attestation Sub CA 1, O=FleetMdm, C=SE", _issuerKey, 0);
        _issuer = issuer.Create(_root.SubjectName, X509SignatureGenerator.CreateForECDsa(_rootKey), begin, begin.AddYears(15), RandomNumberGenerator.GetBytes(SerialBytes));
    }

    /// <summary>For <c>Attestation:RootFiles</c> of the server under test.</summary>
    public string Pem => _root.ExportCertificatePem();

    /// <summary>The chain for a key: the leaf, and the CA that issued it.</summary>
    /// <param name="key">Its public part is attested.</param>
    /// <param name="claims">What it says.</param>
    public IReadOnlyList<byte[]> Attest(ECDsa key, AttestationClaims claims)
    {
        var now = _time.GetUtcNow();
        var request = new CertificateRequest($"CN={Convert.ToHexString(RandomNumberGenerator.GetBytes(SerialBytes))}, OU=AAA Certification, O=FleetMdm", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        Add("9.1", claims.SerialNumber);
        Add("9.2", claims.Udid);
        Add("9.4", claims.SoftwareUpdateDeviceId);
        Add("10.1", claims.OsVersion);
        Add("10.2", claims.SepOsVersion);
        if (claims.Freshness is { } freshness)
            request.CertificateExtensions.Add(new X509Extension(Arc + "11.1", freshness, critical: false));
        using var leaf = request.Create(_issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(_issuerKey), now.AddMinutes(-1), now + claims.Lifetime, RandomNumberGenerator.GetBytes(SerialBytes));
        return [leaf.RawData, _issuer.RawData];

        // The bytes of the text themselves, as Apple writes them.
        void Add(string oid, string? value)
        {
            if (value is not null)
                request.CertificateExtensions.Add(new X509Extension(Arc + oid, Encoding.UTF8.GetBytes(value), critical: false));
        }
    }

    public void Dispose()
    {
        _root.Dispose();
        _issuer.Dispose();
        _rootKey.Dispose();
        _issuerKey.Dispose();
    }

    private static CertificateRequest Ca(string name, ECDsa key, int below)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA384);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, below, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        return request;
    }
}
