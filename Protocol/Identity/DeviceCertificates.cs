using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>Who signed an iPad's answer to a Profile Service profile.</summary>
public enum DeviceSigner
{
    /// <summary>The iPad, with the certificate that Apple gave it.</summary>
    DeviceCertificate,
    /// <summary>The iPad, with the certificate that it got from us one step before.</summary>
    OverTheAirStep,
    /// <summary>Anybody. The signature holds; nobody here knows the issuer of its certificate, or the certificate has ended.</summary>
    Stranger,
}

/// <summary>An answer whose signature holds.</summary>
/// <param name="Signer">Who made it.</param>
/// <param name="Certificate">With which certificate.</param>
/// <param name="Device">For the second step: the iPad that the certificate is for.</param>
/// <param name="Why">For a stranger: why nobody knows it.</param>
public sealed record SignedAnswer(DeviceSigner Signer, IdentityCertificate Certificate, ProvenDevice? Device = null, string? Why = null);

/// <summary>
/// Checks answers to a Profile Service profile: CMS, signed with the certificate that Apple gave the iPad, or in the next step with ours
/// (Apple, "Over-the-Air Profile Delivery and Configuration").
/// </summary>
/// <remarks>
/// The only place where SHA-1 and RSA keys of 1,024 bits are taken in certificates: the Apple iPhone Device CA is of 2007 and has both. It is a trust
/// anchor, so its own end (2014) is not looked at, as Apple's document wants it; Apple still issues with it. The dates of the iPad's certificate
/// are looked at. Immutable; safe for several threads.
/// </remarks>
public sealed class DeviceCertificates
{
    /// <summary>A signed answer is 3 to 8 KiB with its chain.</summary>
    public const int MaxAnswerBytes = 32 * 1024;

    private const string Resource = "apple-iphone-device-ca.pem";

    private static readonly TimeSpan ClockSkew = TimeSpan.FromDays(1);

    private readonly IReadOnlyList<IdentityCertificate> _deviceCas;

    /// <param name="further">CAs whose certificates count as Apple's: of simulated iPads.</param>
    public DeviceCertificates(IEnumerable<IdentityCertificate> further) => _deviceCas = [Apple, .. further];

    /// <summary>The certificate of the Apple iPhone Device CA.</summary>
    public static IdentityCertificate Apple { get; } = ReadApple();

    /// <summary>Reads an answer; nothing is checked yet, so that what costs little can be looked at first.</summary>
    /// <exception cref="IdentityException">It cannot be read.</exception>
    public static DeviceAnswer Read(ReadOnlyMemory<byte> cms)
    {
        var parsed = CmsSignedData.Parse(cms);
        return new DeviceAnswer(parsed, parsed.Content ?? throw new IdentityException(IdentityRefusal.BadCms, "The signature is without its content."));
    }

    /// <summary>Whose signature it is.</summary>
    /// <param name="answer">As it was read.</param>
    /// <param name="ownCas">Of the certificates of the second step: one may have been issued just before the CA was changed.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="IdentityException">The signature does not hold, or is of a kind that is not taken.</exception>
    public SignedAnswer Check(DeviceAnswer answer, IReadOnlyList<IdentityCertificate> ownCas, DateTimeOffset now)
    {
        // One signature on a certificate, then the one on the answer: whoever sends it does not choose how many.
        var certificate = answer.Signer;
        var signed = WhoSigned(certificate, ownCas, now);
        answer.CheckSignature();
        return signed;
    }

    private SignedAnswer WhoSigned(IdentityCertificate certificate, IReadOnlyList<IdentityCertificate> ownCas, DateTimeOffset now)
    {
        if (ownCas.FirstOrDefault(ca => certificate.Issuer.Span.SequenceEqual(ca.Subject.Span)) is { } ownCa)
        {
            return certificate.IsSignedBy(ownCa, WeakestHash.Sha256) && certificate.ExtendedKeyUsage?.Contains(Oids.OverTheAirStep) == true
                && certificate.OverTheAirDevice is { } device
                ? IsCurrent(certificate, now) ? new SignedAnswer(DeviceSigner.OverTheAirStep, certificate, device)
                    : throw new IdentityException(IdentityRefusal.Expired, "The certificate of the step before has ended: begin again with the invitation.")
                : throw new IdentityException(IdentityRefusal.WrongUsage, "The certificate is not one of this step.");
        }

        if (!_deviceCas.Any(ca => IsIssued(certificate, ca)))
            return new SignedAnswer(DeviceSigner.Stranger, certificate, Why: "its issuer is not known");
        if (certificate.IsCa || certificate.KeyUsage is { } usage && !usage.HasFlag(X509KeyUsageFlags.DigitalSignature))
            throw new IdentityException(IdentityRefusal.WrongUsage, "The certificate is not an iPad's.");
        return IsCurrent(certificate, now)
            ? new SignedAnswer(DeviceSigner.DeviceCertificate, certificate)
            : new SignedAnswer(DeviceSigner.Stranger, certificate, Why: "it has ended, or has not begun");
    }

    private static bool IsIssued(IdentityCertificate certificate, IdentityCertificate ca)
    {
        try
        {
            return certificate.IsSignedBy(ca, WeakestHash.Sha1);
        }
        catch (IdentityException e) when (e.Refusal == IdentityRefusal.UnsupportedAlgorithm)
        {
            return false;
        }
    }

    /// <summary>The iPad's clock is not ours.</summary>
    private static bool IsCurrent(IdentityCertificate certificate, DateTimeOffset now) =>
        now >= certificate.NotBefore - ClockSkew && now <= certificate.NotAfter;

    private static IdentityCertificate ReadApple()
    {
        using var stream = typeof(DeviceCertificates).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{Resource} is missing in this build.");
        using var reader = new StreamReader(stream);
        var pem = reader.ReadToEnd();
        return IdentityCertificate.Parse(Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data]));
    }
}

/// <summary>An answer that was read and not yet checked.</summary>
public sealed class DeviceAnswer
{
    private readonly CmsSignedData _cms;

    internal DeviceAnswer(CmsSignedData cms, byte[] content) => (_cms, Content) = (cms, content);

    /// <summary>A property list.</summary>
    public byte[] Content { get; }

    internal IdentityCertificate Signer => _cms.Signer;

    internal void CheckSignature() => _cms.CheckSignature(Content, WeakestHash.Sha1);
}
