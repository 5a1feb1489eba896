using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>A certificate that may identify an iPad.</summary>
/// <param name="Sha256"><inheritdoc cref="IdentityCertificate.Sha256"/></param>
/// <param name="NotAfter">The last second at which it is valid.</param>
/// <param name="Renews">SHA-256 of the certificate that this one renews; null when it does not say. Only with <paramref name="IssuedByUs"/>.</param>
/// <param name="IssuedByUs">By the built-in CA, not by a further trusted one.</param>
/// <param name="Expired">It is within the grace period after its end.</param>
public sealed record VerifiedIdentity(byte[] Sha256, DateTimeOffset NotAfter, byte[]? Renews, bool IssuedByUs, bool Expired)
{
    /// <summary>The certificate names client authentication. One of a further CA that does not may go on where it is pinned, and enrols nothing.</summary>
    public bool ForClients { get; init; } = true;

    /// <summary><see cref="Sha256"/> in lower-case hexadecimal.</summary>
    public string Sha256Hex => Convert.ToHexStringLower(Sha256);
}

public sealed record IdentityVerifierSettings
{
    /// <summary>The built-in CA, and its predecessors. Their certificates must name client authentication.</summary>
    public required IReadOnlyList<IdentityCertificate> OwnCas { get; init; }

    /// <summary>CAs whose certificates identify iPads that come from another server: each the direct issuer.</summary>
    public IReadOnlyList<IdentityCertificate> TrustedCas { get; init; } = [];

    /// <summary>For how long an expired certificate still identifies its iPad; it cannot get a new one otherwise.</summary>
    public TimeSpan ExpiredGrace { get; init; }

    /// <summary>In signatures of messages. iPads were seen to use SHA-1.</summary>
    public WeakestHash Signatures { get; init; } = WeakestHash.Sha1;

    /// <summary>In certificates of <see cref="TrustedCas"/>.</summary>
    public WeakestHash TrustedCertificates { get; init; } = WeakestHash.Sha256;

    /// <summary>How far the time that a signature says may be from now, either way. Null: it is not looked at. One that says none is taken.</summary>
    public TimeSpan? SigningTimeTolerance { get; init; }

    /// <inheritdoc cref="KnownIdentities"/>
    public int CacheCapacity { get; init; } = KnownIdentities.DefaultCapacity;
}

/// <summary>
/// Decides whether a certificate may identify an iPad: issued (by signature, not only by name) by one of the given CAs, in its
/// time, and meant for it. Whether it is the one that an enrolment is pinned to is the device grain's question.
/// </summary>
/// <remarks>
/// The CAs are trust anchors (RFC 5280, 6.1.1): their own dates are not looked at. Immutable but for its cache of known
/// certificates; thread-safe. When CAs or options change, make a new one.
/// </remarks>
public sealed class IdentityVerifier
{
    private readonly IdentityVerifierSettings _settings;
    private readonly KnownIdentities _known;

    public IdentityVerifier(IdentityVerifierSettings settings)
    {
        _settings = settings;
        _known = new KnownIdentities(settings.CacheCapacity);
    }

    /// <summary>How many certificates are known; for metrics.</summary>
    public int KnownCount => _known.Count;

    /// <summary>The CAs whose certificates are taken, for people.</summary>
    public IEnumerable<string> Issuers => _settings.OwnCas.Concat(_settings.TrustedCas).Select(ca => ca.SubjectName);

    /// <summary>Checks an <c>Mdm-Signature</c> over <paramref name="body"/> and the certificate that made it.</summary>
    /// <exception cref="IdentityException">Any refusal.</exception>
    public VerifiedIdentity VerifySignature(ReadOnlySpan<byte> body, string? headerValue, DateTimeOffset now)
    {
        var cms = MdmSignature.Parse(headerValue, _known);
        // The issuer first: a stranger's certificate then costs no public key operation.
        var identity = Verify(cms.Signer, now);
        cms.CheckSignature(body, _settings.Signatures);
        if (_settings.SigningTimeTolerance is { } tolerance && cms.SigningTime is { } signed && (now - signed).Duration() > tolerance)
            throw new IdentityException(IdentityRefusal.WrongTime, $"The signature says that it was made at {signed:u}: too far from now.");
        return identity;
    }

    /// <summary>Checks a certificate whose key's possession was proved elsewhere (TLS, or a trusted proxy).</summary>
    /// <param name="der">Copied when it is not known yet.</param>
    /// <exception cref="IdentityException">Any refusal.</exception>
    public VerifiedIdentity Verify(ReadOnlySpan<byte> der, DateTimeOffset now)
    {
        if (der.IsEmpty)
            throw new IdentityException(IdentityRefusal.Missing, "The request has no certificate.");
        if (der.Length > IdentityCertificate.MaxBytes)
            throw new IdentityException(IdentityRefusal.BadCms, $"The certificate is longer than {IdentityCertificate.MaxBytes} bytes.");
        Span<byte> sha256 = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(der, sha256);
        return At(_known.Find(sha256) ?? CheckIssuer(IdentityCertificate.Parse(der.ToArray(), sha256.ToArray()), signs: false), now);
    }

    /// <summary>Checks the certificate of a signature; its key is wanted again with the next one.</summary>
    private VerifiedIdentity Verify(IdentityCertificate certificate, DateTimeOffset now)
    {
        var known = _known.Find(certificate.Sha256) ?? CheckIssuer(certificate, signs: true);
        if (known.Certificate is null)
            _known.Add(new KnownIdentity(known.Identity, known.NotBefore, certificate));
        return At(known, now);
    }

    private VerifiedIdentity At(KnownIdentity known, DateTimeOffset now)
    {
        var identity = known.Identity;
        if (now < known.NotBefore)
            throw new IdentityException(IdentityRefusal.NotYetValid, $"The certificate is valid from {known.NotBefore:u}.");
        if (now <= identity.NotAfter)
            return identity;
        if (now - identity.NotAfter > _settings.ExpiredGrace)
            throw new IdentityException(IdentityRefusal.Expired, $"The certificate expired at {identity.NotAfter:u}.");
        return identity with { Expired = true };
    }

    private KnownIdentity CheckIssuer(IdentityCertificate certificate, bool signs)
    {
        var own = _settings.OwnCas.Any(ca => certificate.IsSignedBy(ca, WeakestHash.Sha256));
        if (!own && !_settings.TrustedCas.Any(ca => certificate.IsSignedBy(ca, _settings.TrustedCertificates)))
            throw new IdentityException(IdentityRefusal.UntrustedIssuer, "The certificate was not issued by a CA that is trusted here.");
        CheckUsage(certificate, own);
        var identity = new VerifiedIdentity(certificate.Sha256, certificate.NotAfter, own ? certificate.Renews : null, own, Expired: false)
        {
            ForClients = certificate.ExtendedKeyUsage?.Contains(Oids.ClientAuthentication) == true,
        };
        var known = new KnownIdentity(identity, certificate.NotBefore, signs ? certificate : null);
        _known.Add(known);
        return known;
    }

    private static void CheckUsage(IdentityCertificate certificate, bool own)
    {
        if (certificate.IsCa)
            throw Wrong("it is a CA's");
        if (certificate.UnknownCriticalExtension is { } oid)
            throw Wrong($"its critical extension {oid} is not known here");
        if (certificate.KeyUsage is { } usage && !usage.HasFlag(X509KeyUsageFlags.DigitalSignature))
            throw Wrong("its key is not for signatures");
        var usages = certificate.ExtendedKeyUsage;
        // Our CA also issues certificates for its own services, which must never pass for an iPad's.
        if (usages is null ? own : !usages.Contains(Oids.ClientAuthentication) && !usages.Contains(Oids.AnyUsage))
            throw Wrong("it is not for client authentication");
    }

    private static IdentityException Wrong(string why) =>
        new(IdentityRefusal.WrongUsage, $"The certificate cannot identify an iPad: {why}.");
}
