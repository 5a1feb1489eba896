using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.VirtualFleet.Apns;

/// <summary>
/// The certification authority of the simulated Apple: it issues the TLS certificate of the simulated APNs and the push certificates that
/// customers would get from identity.apple.com/pushcert.
/// </summary>
public sealed class ApnsAuthority : IDisposable
{
    private const string UidOid = "0.9.2342.19200300.100.1.1";
    private const string CommonNameOid = "2.5.4.3";
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const int PushKeyBits = 2048;

    /// <summary>Clocks of one machine differ by nothing, those of two by little.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3650);
    private static readonly TimeSpan CertificateLife = TimeSpan.FromDays(365);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TimeProvider _time;

    public ApnsAuthority(TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        var request = new CertificateRequest("CN=Simulated Apple Root CA,O=VirtualFleet", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = _time.GetUtcNow();
        using var selfSigned = request.CreateSelfSigned(now - AuthorityLife, now + AuthorityLife);
        Root = X509CertificateLoader.LoadCertificate(selfSigned.RawData);
    }

    /// <summary>The root certificate, without its key.</summary>
    public X509Certificate2 Root { get; }

    /// <summary>The root in PEM: what a client of the simulated APNs has to trust.</summary>
    public string RootPem => Root.ExportCertificatePem();

    /// <summary>A push certificate, as Apple's portal issues it.</summary>
    /// <param name="topic">The UID of its subject; null makes a new one, <c>com.apple.mgmt.External.…</c>.</param>
    /// <param name="notBefore">Null: now.</param>
    /// <param name="notAfter">Null: in a year.</param>
    public MintedPushCertificate MintPushCertificate(string? topic = null, DateTimeOffset? notBefore = null, DateTimeOffset? notAfter = null)
    {
        topic ??= NewTopic();
        var now = _time.GetUtcNow();
        using var key = RSA.Create(PushKeyBits);
        var request = new CertificateRequest(SubjectOf(topic), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        AddPushExtensions(request);
        using var certificate = Issue(request, notBefore ?? now - ClockSkew, notAfter ?? now + CertificateLife);
        return new MintedPushCertificate(topic, certificate.CopyWithPrivateKey(key));
    }

    /// <summary>The certificate alone, for a request of somebody who has the key.</summary>
    /// <param name="request">PKCS#10 in PEM.</param>
    /// <param name="topic">Null: a new one.</param>
    public X509Certificate2 IssuePushCertificate(string request, string? topic = null)
    {
        var asked = CertificateRequest.LoadSigningRequestPem(request, HashAlgorithmName.SHA256);
        // Apple writes the subject, not the customer.
        var own = new CertificateRequest(SubjectOf(topic ?? NewTopic()), asked.PublicKey, HashAlgorithmName.SHA256);
        AddPushExtensions(own);
        var now = _time.GetUtcNow();
        return Issue(own, now - ClockSkew, now + CertificateLife);
    }

    private static string NewTopic() => $"com.apple.mgmt.External.{Guid.NewGuid()}";

    private static X500DistinguishedName SubjectOf(string topic)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCountryOrRegion("US");
        subject.Add(CommonNameOid, $"APSP:{Guid.NewGuid()}");
        subject.Add(UidOid, topic);
        return subject.Build();
    }

    private static void AddPushExtensions(CertificateRequest request)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ClientAuthentication)], true));
    }

    internal X509Certificate2 IssueServerCertificate(IReadOnlyList<string> hostNames)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        foreach (var name in hostNames)
            names.AddDnsName(name);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Simulated APNs", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], false));
        var now = _time.GetUtcNow();
        using var certificate = Issue(request, now - ClockSkew, now + CertificateLife);
        using var joined = certificate.CopyWithPrivateKey(key);
        // Windows' TLS needs the key in a store of its own; elsewhere this only copies it.
        return X509CertificateLoader.LoadPkcs12(joined.Export(X509ContentType.Pfx), null);
    }

    /// <summary>Whether this authority issued the certificate and it is valid now.</summary>
    internal bool Vouches(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().LocalDateTime;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(certificate);
    }

    /// <summary>The topic of a push certificate, or null.</summary>
    internal static string? TopicOf(X509Certificate2 certificate) => certificate.SubjectName.EnumerateRelativeDistinguishedNames()
        .Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == UidOid)
        .Select(part => part.GetSingleElementValue())
        .FirstOrDefault();

    public void Dispose()
    {
        Root.Dispose();
        _key.Dispose();
    }

    private X509Certificate2 Issue(CertificateRequest request, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        serial[0] |= 0x40;
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Root, true, false));
        return request.Create(Root.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), notBefore, notAfter, serial);
    }
}
