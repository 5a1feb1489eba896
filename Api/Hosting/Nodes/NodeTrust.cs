using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.Hosting.Nodes;

/// <summary>How the nodes of a cluster know each other: each makes its own certificate from the master key, which all of them have.</summary>
/// <remarks>
/// The key of the nodes' CA follows from the master key and the name of the cluster, so nothing is stored, sent or configured. A node's own
/// key is new with each start and is never written anywhere. Its certificate is made anew long before it ends. Another cluster's nodes
/// are strangers, though they have the same master key. Safe from any thread.
/// </remarks>
public sealed class NodeTrust : IDisposable
{
    /// <summary>A certificate is good for so long.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    /// <summary>With less than this left it is made anew: a connection to a node whose clock is wrong by days still comes about.</summary>
    public static readonly TimeSpan RenewBefore = TimeSpan.FromDays(20);

    /// <summary>It counts from before now: clocks of nodes differ.</summary>
    private static readonly TimeSpan Backdated = TimeSpan.FromDays(1);

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const int SerialLength = 16;

    private static readonly DateTimeOffset Ever = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset ForEver = new(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);

    private readonly TimeProvider _time;
    private readonly ECDsa _caKey;
    private readonly X509Certificate2 _ca;
    private readonly Lock _lock = new();
    private X509Certificate2? _own;

    public NodeTrust(SecretSealer sealer, string clusterId, TimeProvider time)
    {
        _time = time;
        _caKey = KeyOf(sealer, clusterId);
        var request = new CertificateRequest("CN=FleetMdm nodes", _caKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _ca = request.CreateSelfSigned(Ever, ForEver);
    }

    /// <summary>This node's certificate with its key. Connections that were made with an older one go on.</summary>
    public X509Certificate2 Own
    {
        get
        {
            lock (_lock)
            {
                if (_own is null || _own.NotAfter.ToUniversalTime() - _time.GetUtcNow().UtcDateTime < RenewBefore) _own = Issue();
                return _own;
            }
        }
    }

    /// <summary>Whether whoever shows this certificate has the master key, and means this cluster.</summary>
    public bool IsNode(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_ca);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        return chain.Build(certificate) && chain.ChainElements.Count == 2;
    }

    public void Dispose()
    {
        _own?.Dispose();
        _ca.Dispose();
        _caKey.Dispose();
    }

    private X509Certificate2 Issue()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=FleetMdm node", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication), new Oid(ClientAuthentication)], true));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_ca, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = _time.GetUtcNow();
        using var certificate = request.Create(_ca, now - Backdated, now + Lifetime, RandomNumberGenerator.GetBytes(SerialLength));
        using var keyed = certificate.CopyWithPrivateKey(key);
        // By way of PKCS #12: SChannel on Windows takes no key that was never stored.
        return X509CertificateLoader.LoadPkcs12(keyed.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>A scalar of the curve from more bits than it has, so that none is likelier than another (FIPS 186-5, A.2.1).</summary>
    private static ECDsa KeyOf(SecretSealer sealer, string clusterId)
    {
        const int Surplus = 8;
        const int Length = 32;
        var order = new BigInteger(Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"), isUnsigned: true, isBigEndian: true);
        var material = sealer.Derive($"nodes/{clusterId}", Length + Surplus);
        var scalar = (new BigInteger(material, isUnsigned: true, isBigEndian: true) % (order - 1)) + 1;
        var bytes = scalar.ToByteArray(isUnsigned: true, isBigEndian: true);
        var padded = new byte[Length];
        bytes.CopyTo(padded, Length - bytes.Length);
        var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = padded });
        CryptographicOperations.ZeroMemory(material);
        CryptographicOperations.ZeroMemory(padded);
        return key;
    }
}
