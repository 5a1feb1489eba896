using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// An X.509 certificate as far as an identity needs it, read from DER with bounds and without native handles (loading an
/// <see cref="X509Certificate2"/> costs a few hundred microseconds). Immutable; safe for several threads.
/// </summary>
public sealed class IdentityCertificate
{
    /// <summary>An identity certificate is 1 to 2 KiB; Apple's own with attestation stay below 4.</summary>
    public const int MaxBytes = 16 * 1024;

    private const int MaxExtensions = 32;

    private static readonly Asn1Tag Version = new(TagClass.ContextSpecific, 0, isConstructed: true);
    private static readonly Asn1Tag IssuerUniqueId = new(TagClass.ContextSpecific, 1);
    private static readonly Asn1Tag SubjectUniqueId = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag Extensions = new(TagClass.ContextSpecific, 3, isConstructed: true);

    private string? _sha256Hex;
    private List<(string Oid, byte[] Value)>? _attestation;

    private IdentityCertificate(ReadOnlyMemory<byte> der, byte[] sha256)
    {
        Der = der;
        Sha256 = sha256;
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var certificate = outer.ReadSequence();
        outer.ThrowIfNotEmpty();

        Signed = certificate.PeekEncodedValue();
        var tbs = certificate.ReadSequence();
        var algorithm = certificate.PeekEncodedValue();
        SignatureOid = SignatureAlgorithm.ReadOid(certificate);
        Signature = SignatureAlgorithm.ReadSignature(certificate);
        certificate.ThrowIfNotEmpty();

        if (tbs.HasData && tbs.PeekTag() == Version)
            tbs.ReadSequence(Version);
        SerialNumber = tbs.ReadIntegerBytes();

        // The whole of it, parameters too (RFC 5280, 4.1.1.2): what stands outside the signed part must add nothing of its own.
        if (!tbs.ReadEncodedValue().Span.SequenceEqual(algorithm.Span))
            throw new IdentityException(IdentityRefusal.BadCms, "The certificate names two different signature algorithms.");
        Issuer = ReadName(tbs);
        var validity = tbs.ReadSequence();
        NotBefore = ReadTime(validity);
        NotAfter = ReadTime(validity);
        Subject = ReadName(tbs);
        PublicKeyInfo = tbs.ReadEncodedValue();
        Key = VerificationKey.Parse(PublicKeyInfo);
        if (tbs.HasData && tbs.PeekTag().HasSameClassAndValue(IssuerUniqueId))
            tbs.ReadEncodedValue();
        if (tbs.HasData && tbs.PeekTag().HasSameClassAndValue(SubjectUniqueId))
            tbs.ReadEncodedValue();
        if (tbs.HasData)
            ReadExtensions(tbs.ReadSequence(Extensions).ReadSequence());
    }

    /// <summary>The whole certificate.</summary>
    public ReadOnlyMemory<byte> Der { get; }

    /// <summary>SHA-256 of <see cref="Der"/>: what an iPad's enrolment is pinned to. Not to be changed.</summary>
    public byte[] Sha256 { get; }

    /// <summary><see cref="Sha256"/> in lower-case hexadecimal.</summary>
    public string Sha256Hex => _sha256Hex ??= Convert.ToHexStringLower(Sha256);

    public DateTimeOffset NotBefore { get; private set; }

    /// <summary>The last second at which it is valid.</summary>
    public DateTimeOffset NotAfter { get; private set; }

    /// <summary>Big-endian, as in the certificate.</summary>
    public ReadOnlyMemory<byte> SerialNumber { get; }

    /// <summary>Encoded Name.</summary>
    public ReadOnlyMemory<byte> Issuer { get; }

    /// <summary>Encoded Name.</summary>
    public ReadOnlyMemory<byte> Subject { get; }

    /// <summary>Encoded SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> PublicKeyInfo { get; }

    /// <summary>True with basicConstraints CA.</summary>
    public bool IsCa { get; private set; }

    /// <summary>The subject for people, as in <c>CN=iPad, O=District</c>.</summary>
    public string SubjectName => new X500DistinguishedName(Subject.Span).Name;

    /// <summary>All that a person needs to find out which certificate this is. What its issuer wrote into the names is not changed.</summary>
    public string Description =>
        $"subject \"{NameOf(Subject)}\", issuer \"{NameOf(Issuer)}\", serial number {Convert.ToHexString(SerialNumber.Span)}, valid {NotBefore:yyyy-MM-dd} to {NotAfter:yyyy-MM-dd}, SHA-256 {Sha256Hex}";

    private static string NameOf(ReadOnlyMemory<byte> name)
    {
        try
        {
            return new X500DistinguishedName(name.Span).Name;
        }
        catch (CryptographicException)
        {
            return "unreadable";
        }
    }

    /// <summary>SHA-256 of the certificate that this one renews; null when it does not say. To be believed of our own CA only.</summary>
    public byte[]? Renews { get; private set; }

    /// <summary>The iPad that a certificate of an enrolment over the air is for; null when it does not say. To be believed of our own CA only.</summary>
    internal ProvenDevice? OverTheAirDevice { get; private set; }

    /// <summary>What an attestation of Apple's says, by object identifier, as it stands there.</summary>
    internal IReadOnlyList<(string Oid, byte[] Value)> Attestation => _attestation ?? [];

    internal VerificationKey Key { get; }
    internal ReadOnlyMemory<byte> Signed { get; }
    internal string SignatureOid { get; }
    internal byte[] Signature { get; }
    internal ReadOnlyMemory<byte>? KeyIdentifier { get; private set; }

    /// <summary>Null when the certificate does not limit it.</summary>
    internal X509KeyUsageFlags? KeyUsage { get; private set; }

    /// <summary>Null when the certificate does not limit it.</summary>
    internal IReadOnlyList<string>? ExtendedKeyUsage { get; private set; }

    /// <summary>The first critical extension that this class does not know; such a certificate must not be used (RFC 5280, 4.2).</summary>
    internal string? UnknownCriticalExtension { get; private set; }

    /// <param name="der">Kept, not copied.</param>
    /// <exception cref="IdentityException">BadCms: too long or not a certificate; UnsupportedAlgorithm: its key.</exception>
    public static IdentityCertificate Parse(ReadOnlyMemory<byte> der)
    {
        if (der.Length > MaxBytes)
            throw new IdentityException(IdentityRefusal.BadCms, $"The certificate is longer than {MaxBytes} bytes.");
        return Parse(der, SHA256.HashData(der.Span));
    }

    internal static IdentityCertificate Parse(ReadOnlyMemory<byte> der, byte[] sha256)
    {
        try
        {
            return new IdentityCertificate(der, sha256);
        }
        catch (AsnContentException e)
        {
            throw new IdentityException(IdentityRefusal.BadCms, "The certificate is not valid DER.", e);
        }
    }

    /// <summary>True when <paramref name="issuer"/> signed this certificate: by name and by signature.</summary>
    internal bool IsSignedBy(IdentityCertificate issuer, WeakestHash weakest)
    {
        if (!Issuer.Span.SequenceEqual(issuer.Subject.Span))
            return false;
        var algorithm = SignatureAlgorithm.Of(SignatureOid);
        if (algorithm.IsWeakerThan(weakest))
            throw new IdentityException(IdentityRefusal.UnsupportedAlgorithm, $"The certificate is signed with {algorithm.Hash}.");
        return issuer.Key.Verify(CryptographicOperations.HashData(algorithm.Hash, Signed.Span), algorithm, Signature);
    }

    private static ReadOnlyMemory<byte> ReadName(AsnReader reader)
    {
        var name = reader.PeekEncodedValue();
        reader.ReadSequence();
        return name;
    }

    internal static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag() == Asn1Tag.UtcTime ? reader.ReadUtcTime(2049) : reader.ReadGeneralizedTime();

    private void ReadExtensions(AsnReader list)
    {
        for (var count = 0; list.HasData; count++)
        {
            if (count == MaxExtensions)
                throw new IdentityException(IdentityRefusal.BadCms, $"The certificate has more than {MaxExtensions} extensions.");
            var extension = list.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var critical = extension.PeekTag() == Asn1Tag.Boolean && extension.ReadBoolean();
            var content = extension.ReadOctetString();
            if (oid.StartsWith(Oids.AttestationArc, StringComparison.Ordinal))
            {
                // Its value need not be ASN.1.
                if (critical) UnknownCriticalExtension ??= oid;
                (_attestation ??= []).Add((oid, content));
                continue;
            }

            var value = new AsnReader(content, AsnEncodingRules.DER);
            switch (oid)
            {
                case Oids.SubjectKeyIdentifier:
                    KeyIdentifier = value.ReadOctetString();
                    break;
                case Oids.BasicConstraints:
                    var constraints = value.ReadSequence();
                    IsCa = constraints.HasData && constraints.PeekTag() == Asn1Tag.Boolean && constraints.ReadBoolean();
                    break;
                case Oids.KeyUsage:
                    KeyUsage = ReadKeyUsage(value);
                    break;
                case Oids.ExtendedKeyUsage:
                    var usages = new List<string>();
                    for (var usage = value.ReadSequence(); usage.HasData;)
                        usages.Add(usage.ReadObjectIdentifier());
                    ExtendedKeyUsage = usages;
                    break;
                case Oids.SubjectAlternativeName:
                    // Says who it is for; identity here is the certificate itself, by its hash.
                    break;
                case Oids.RenewedCertificate:
                    Renews = value.ReadOctetString();
                    break;
                case Oids.OverTheAirDevice:
                    OverTheAirDevice = ProvenDevice.Read(value);
                    break;
                default:
                    if (critical)
                        UnknownCriticalExtension ??= oid;
                    break;
            }
        }
    }

    private static X509KeyUsageFlags ReadKeyUsage(AsnReader value)
    {
        var bits = value.ReadBitString(out _);
        var flags = bits.Length > 0 ? (X509KeyUsageFlags)bits[0] : X509KeyUsageFlags.None;
        // The ninth bit, decipherOnly, is the first of the second byte.
        return bits.Length > 1 && (bits[1] & 0x80) != 0 ? flags | X509KeyUsageFlags.DecipherOnly : flags;
    }

    public override string ToString() => $"certificate {Sha256Hex}";
}
