using System.Formats.Asn1;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>The kind of the CA's own key.</summary>
public enum CaKeyType
{
    EcP256,
    EcP384,
    Rsa3072,
    Rsa4096,
}

/// <summary>
/// A built-in certificate authority: one self-signed root that signs end certificates only (RFC 5280 profile). What is
/// issued is bound to its purpose, so that a certificate of our own services never passes for an iPad's, or the other way round.
/// </summary>
/// <remarks>Immutable; safe for several threads (each use takes a handle of its own on the key).</remarks>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>Apple refuses TLS server certificates that live longer (support.apple.com/102028: 398 days, of which one is slack).</summary>
    public static readonly TimeSpan MaxServerLifetime = TimeSpan.FromDays(397);

    /// <summary>Certificates are back-dated by this much: an iPad just erased may have a slow clock.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    /// <summary>RFC 5280 allows 20 bytes; 16 are enough never to meet twice.</summary>
    private const int SerialBytes = 16;

    private readonly X509Certificate2 _ca;
    private readonly HashAlgorithmName _hash;
    private readonly bool _ec;
    private readonly string? _organization;

    public CertificateAuthority(KeyedCertificate keyed)
    {
        _ca = keyed.Open();
        Certificate = IdentityCertificate.Parse(_ca.RawData);
        if (!Certificate.IsCa)
            throw new CryptographicException("The certificate is not a CA's.");
        _ec = Certificate.Key.Kind == KeyKind.Ec;
        _organization = _ca.SubjectName.EnumerateRelativeDistinguishedNames()
            .FirstOrDefault(part => !part.HasMultipleElements && part.GetSingleElementType().Value == Oids.OrganizationName)?.GetSingleElementValue();
        _hash = Certificate.Key is { Kind: KeyKind.Ec, Bits: 384 } ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;
    }

    public IdentityCertificate Certificate { get; }

    public void Dispose() => _ca.Dispose();

    /// <summary>Makes a new root.</summary>
    /// <param name="organization">Shown to the people who install the trust profile.</param>
    /// <param name="number">From 2 on it stands in the name, so that nobody takes a CA for its predecessor.</param>
    public static KeyedCertificate CreateRoot(CaKeyType keyType, string organization, DateTimeOffset now, TimeSpan lifetime, int number = 1)
    {
        using AsymmetricAlgorithm key = keyType switch
        {
            CaKeyType.EcP256 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
            CaKeyType.EcP384 => ECDsa.Create(ECCurve.NamedCurves.nistP384),
            CaKeyType.Rsa3072 => RSA.Create(3072),
            CaKeyType.Rsa4096 => RSA.Create(4096),
            _ => throw new ArgumentOutOfRangeException(nameof(keyType), keyType, "Not a kind of CA key."),
        };
        var name = number == 1 ? $"{organization} MDM root" : string.Create(CultureInfo.InvariantCulture, $"{organization} MDM root {number}");
        return SelfSign(Request(Name(name, organization), key,
            keyType == CaKeyType.EcP384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256), key, now, lifetime);
    }

    /// <summary>Makes a root (EC P-256) that iPads trust for TLS with one server only: whoever steals its key can be no other.</summary>
    /// <param name="host">The DNS name, in ASCII, or IP address by which iPads reach the server. Names below a DNS name are permitted too.</param>
    public static KeyedCertificate CreateTlsRoot(string organization, string host, DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(Name($"{organization} MDM server root", organization), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(NameConstraints.Permit(host));
        return SelfSign(request, key, now, lifetime);
    }

    /// <summary>Makes a root (RSA) that iPads accept each other by in Apple's Classroom: one for teachers, one for pupils.</summary>
    /// <param name="whose">As it stands in its name: <c>Leader</c> or <c>Member</c>.</param>
    public static KeyedCertificate CreateClassroomRoot(string organization, string whose, DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = RSA.Create(2048);
        var name = string.Create(CultureInfo.InvariantCulture, $"{organization} Classroom {whose} CA {now.Year}");
        return SelfSign(Request(Name(name, organization), key, HashAlgorithmName.SHA256), key, now, lifetime);
    }

    /// <summary>The names that <see cref="CreateTlsRoot"/> of this host permits to a server certificate, the host first.</summary>
    public static IReadOnlyList<string> NamesOfTlsRoot(string host) => NameConstraints.Names(host);

    private static KeyedCertificate SelfSign(CertificateRequest request, AsymmetricAlgorithm key, DateTimeOffset now, TimeSpan lifetime)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var generator = key is ECDsa ec
            ? X509SignatureGenerator.CreateForECDsa(ec)
            : X509SignatureGenerator.CreateForRSA((RSA)key, RSASignaturePadding.Pkcs1);
        using var certificate = request.Create(request.SubjectName, generator, now - ClockSkew, now + lifetime, NewSerial());
        return new KeyedCertificate(certificate.RawData, key.ExportPkcs8PrivateKey());
    }

    /// <summary>
    /// The certificate that opens SCEP requests and signs SCEP answers. Always RSA: SCEP's envelope is RSA key transport, which
    /// the CA's EC key cannot do (RFC 8894, 2.1.2 and 3.1).
    /// </summary>
    public KeyedCertificate IssueRegistrationAuthority(string organization, DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = RSA.Create(2048);
        var request = Request(Name($"{organization} MDM registration", organization), key, HashAlgorithmName.SHA256);
        return Issue(request, key, X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, [], now, lifetime);
    }

    /// <summary>Signs enrolment profiles; RSA, which every iOS takes.</summary>
    public KeyedCertificate IssueProfileSigner(string organization, DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = RSA.Create(2048);
        var request = Request(Name($"{organization} MDM profiles", organization), key, HashAlgorithmName.SHA256);
        return Issue(request, key, X509KeyUsageFlags.DigitalSignature, [], now, lifetime);
    }

    /// <summary>By which an iPad shows itself to others in Apple's Classroom: as the one that calls, and as the one that is called. RSA, since Apple names no other kind of key.</summary>
    /// <param name="commonName">Begins with <c>leader</c> or <c>member</c>: by that iPads tell teachers from pupils.</param>
    public KeyedCertificate IssueClassroomIdentity(string commonName, DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = RSA.Create(2048);
        var request = Request(Name(commonName, _organization), key, HashAlgorithmName.SHA256);
        return Issue(request, key, X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, [Oids.ServerAuthentication, Oids.ClientAuthentication], now, lifetime);
    }

    /// <summary>A TLS server certificate (EC P-256).</summary>
    /// <param name="names">DNS names and IP addresses; the first is the common name. At least one.</param>
    /// <param name="lifetime">At most <see cref="MaxServerLifetime"/>.</param>
    public KeyedCertificate IssueServer(IReadOnlyList<string> names, DateTimeOffset now, TimeSpan lifetime)
    {
        ArgumentOutOfRangeException.ThrowIfZero(names.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lifetime, MaxServerLifetime);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
                alternatives.AddIpAddress(address);
            else
                alternatives.AddDnsName(name);
        }
        var request = Request(Name(names[0], null), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(alternatives.Build());
        // The skew counts towards the limit that Apple checks.
        return Issue(request, key, X509KeyUsageFlags.DigitalSignature, [Oids.ServerAuthentication], now,
            lifetime > MaxServerLifetime - ClockSkew ? lifetime - ClockSkew : lifetime);
    }

    /// <summary>An iPad's identity certificate, for the key of its checked request. Its name is the server's to say: one that the requester chose
    /// could pass for somebody else's where only names are shown.</summary>
    /// <param name="renews">SHA-256 of the certificate that it renews, which it then says itself: also a database that was restored
    /// from before the renewal learns it.</param>
    /// <exception cref="IdentityException">UnsupportedAlgorithm: the platform cannot use the key.</exception>
    public IdentityCertificate IssueIdentity(CertificateSigningRequest csr, DateTimeOffset now, TimeSpan lifetime, byte[]? renews = null)
    {
        try
        {
            // Told apart by the key, so that two certificates of an iPad can be compared by people.
            var subject = Name($"iPad {Convert.ToHexStringLower(csr.PublicKeySha256.AsSpan(0, 8))}", _organization);
            var request = new CertificateRequest(subject, PublicKey.CreateFromSubjectPublicKeyInfo(csr.PublicKeyInfo.Span, out _), _hash);
            if (renews is not null)
                request.CertificateExtensions.Add(new X509Extension(Oids.RenewedCertificate, OctetString(renews), critical: false));
            var usage = csr.IsRsa
                ? X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment
                : X509KeyUsageFlags.DigitalSignature;
            return IdentityCertificate.Parse(Sign(request, usage, [Oids.ClientAuthentication], now, lifetime));
        }
        catch (CryptographicException e)
        {
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, "The request's key cannot be certified.", e);
        }
    }

    /// <summary>A certificate for the second step of an enrolment over the air (<see cref="DeviceCertificates"/>): it says which iPad it is for, and identifies
    /// none to anybody else.</summary>
    /// <exception cref="IdentityException">UnsupportedAlgorithm: the platform cannot use the key.</exception>
    public IdentityCertificate IssueOverTheAirStep(CertificateSigningRequest csr, ProvenDevice device, DateTimeOffset now, TimeSpan lifetime)
    {
        try
        {
            var subject = Name($"iPad {device.SerialNumber}, enrolling", _organization);
            var request = new CertificateRequest(subject, PublicKey.CreateFromSubjectPublicKeyInfo(csr.PublicKeyInfo.Span, out _), _hash);
            request.CertificateExtensions.Add(new X509Extension(Oids.OverTheAirDevice, device.Encode(), critical: false));
            return IdentityCertificate.Parse(Sign(request, X509KeyUsageFlags.DigitalSignature, [Oids.OverTheAirStep], now, lifetime));
        }
        catch (CryptographicException e)
        {
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, "The request's key cannot be certified.", e);
        }
    }

    private KeyedCertificate Issue(CertificateRequest request, AsymmetricAlgorithm key, X509KeyUsageFlags usage,
        string[] purposes, DateTimeOffset now, TimeSpan lifetime) =>
        new(Sign(request, usage, purposes, now, lifetime), key.ExportPkcs8PrivateKey());

    private byte[] Sign(CertificateRequest request, X509KeyUsageFlags usage, string[] purposes, DateTimeOffset now, TimeSpan lifetime)
    {
        var extensions = request.CertificateExtensions;
        extensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        extensions.Add(new X509KeyUsageExtension(usage, true));
        if (purposes.Length > 0)
        {
            var list = new OidCollection();
            foreach (var purpose in purposes)
                list.Add(new Oid(purpose));
            extensions.Add(new X509EnhancedKeyUsageExtension(list, false));
        }
        extensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        extensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_ca, includeKeyIdentifier: true, includeIssuerAndSerial: false));

        var notBefore = Later(now - ClockSkew, Certificate.NotBefore);
        var notAfter = now + lifetime < Certificate.NotAfter ? now + lifetime : Certificate.NotAfter;
        using var ec = _ec ? _ca.GetECDsaPrivateKey() : null;
        using var rsa = _ec ? null : _ca.GetRSAPrivateKey();
        var generator = ec is not null
            ? X509SignatureGenerator.CreateForECDsa(ec)
            : X509SignatureGenerator.CreateForRSA(rsa!, RSASignaturePadding.Pkcs1);
        // The request was made for its own key's kind; the CA signs with its own.
        var issued = new CertificateRequest(request.SubjectName, request.PublicKey, _hash);
        foreach (var extension in extensions)
            issued.CertificateExtensions.Add(extension);
        using var certificate = issued.Create(_ca.SubjectName, generator, notBefore, notAfter, NewSerial());
        return certificate.RawData;
    }

    private static byte[] OctetString(byte[] value)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(value);
        return writer.Encode();
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    /// <summary>Positive and without a leading zero byte, so that every encoder writes it the same.</summary>
    private static byte[] NewSerial()
    {
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)((serial[0] & 0x3F) | 0x40);
        return serial;
    }

    private static CertificateRequest Request(X500DistinguishedName name, AsymmetricAlgorithm key, HashAlgorithmName hash) =>
        key is ECDsa ec ? new CertificateRequest(name, ec, hash) : new CertificateRequest(name, (RSA)key, hash, RSASignaturePadding.Pkcs1);

    private static X500DistinguishedName Name(string commonName, string? organization)
    {
        var builder = new X500DistinguishedNameBuilder();
        // Both are limited to 64 characters by RFC 5280, appendix A.1.
        // The builder encodes the last one first: organization, then name, as is usual.
        builder.AddCommonName(Cut(commonName));
        if (organization is not null)
            builder.AddOrganizationName(Cut(organization));
        return builder.Build();
    }

    private static string Cut(string name) => name.Length <= 64 ? name : name[..64];
}
