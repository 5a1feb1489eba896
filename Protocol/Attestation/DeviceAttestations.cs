using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Attestation;

/// <summary>
/// Checks attestations of Apple's (managed device attestation): a chain of certificates that ends in the Apple Enterprise Attestation Root CA, whose leaf says in extensions of Apple's
/// own what the iPad is (Apple, DeviceInformation response, DevicePropertiesAttestation).
/// </summary>
/// <remarks>Immutable; safe for several threads. A chain costs one signature for each of at most <see cref="AttestationStatement.MaxCertificates"/> certificates.</remarks>
public sealed class DeviceAttestations
{
    private const string Resource = "apple-enterprise-attestation-root-ca.pem";

    /// <summary>Certificates of Apple's begin when they are made; our clock may be behind.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    /// <summary>A property is a short text.</summary>
    private const int LongestText = 100;

    /// <summary>Of a freshness code: up to 32 bytes.</summary>
    private const int LongestFreshness = 64;

    private readonly IReadOnlyList<IdentityCertificate> _roots;

    /// <param name="further">Roots that count as Apple's: of simulated iPads.</param>
    public DeviceAttestations(IEnumerable<IdentityCertificate> further) => _roots = [Apple, .. further];

    /// <summary>The certificate of the Apple Enterprise Attestation Root CA.</summary>
    public static IdentityCertificate Apple { get; } = ReadApple();

    /// <summary>What a chain proves.</summary>
    /// <param name="chain">DER, the leaf first. The root may be left out.</param>
    /// <param name="now">When the attestation is to hold.</param>
    /// <exception cref="AttestationException">Nothing.</exception>
    public AttestedDevice Check(IReadOnlyList<byte[]> chain, DateTimeOffset now)
    {
        if (chain.Count is 0 or > AttestationStatement.MaxCertificates)
            throw new AttestationException($"An attestation has 1 to {AttestationStatement.MaxCertificates} certificates, and not {chain.Count}.");
        var certificates = Parse(chain);
        CheckChain(certificates, now);
        return Read(certificates[0]);
    }

    private static IdentityCertificate[] Parse(IReadOnlyList<byte[]> chain)
    {
        try
        {
            return
            [
                .. chain.Select(der =>
                {
                    BerGuard.Check(der);
                    return IdentityCertificate.Parse(der);
                }),
            ];
        }
        catch (IdentityException e)
        {
            throw new AttestationException($"A certificate of the attestation cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Each is signed by the next one, and the last by a root. Whoever sends the chain chooses neither.</summary>
    private void CheckChain(IReadOnlyList<IdentityCertificate> chain, DateTimeOffset now)
    {
        // The root itself may be the last one: it is known, and proves nothing by being sent.
        var count = chain.Count > 1 && _roots.Any(root => root.Der.Span.SequenceEqual(chain[^1].Der.Span)) ? chain.Count - 1 : chain.Count;
        try
        {
            for (var i = 0; i < count; i++)
            {
                var (certificate, isLeaf) = (chain[i], i == 0);
                if (certificate.IsCa == isLeaf) throw new AttestationException(isLeaf ? "The first certificate of the attestation is a CA's." : "A certificate of the attestation that should be a CA's is none.");
                if (!isLeaf && certificate.KeyUsage is { } usage && !usage.HasFlag(X509KeyUsageFlags.KeyCertSign))
                    throw new AttestationException("A certificate of the attestation must not sign others.");
                if (certificate.UnknownCriticalExtension is { } unknown) throw new AttestationException($"A certificate of the attestation has a critical extension that is not known here: {unknown}.");
                if (now < certificate.NotBefore - ClockSkew) throw new AttestationException("A certificate of the attestation is not valid yet. Look at the server's clock.");
                if (now > certificate.NotAfter) throw new AttestationException("A certificate of the attestation has ended.");
                var issuers = i + 1 < count ? [chain[i + 1]] : _roots;
                if (!issuers.Any(issuer => certificate.IsSignedBy(issuer, WeakestHash.Sha256)))
                    throw new AttestationException(i + 1 < count ? "The certificates of the attestation do not follow from each other." : "The attestation does not end in the Apple Enterprise Attestation Root CA.");
            }
        }
        catch (IdentityException e)
        {
            throw new AttestationException($"A certificate of the attestation is not taken: {e.Message}", e);
        }
    }

    private static AttestedDevice Read(IdentityCertificate leaf)
    {
        var values = Extensions(leaf);
        return new AttestedDevice
        {
            SerialNumber = Text(Oids.AttestedSerialNumber),
            Udid = Text(Oids.AttestedUdid),
            OsVersion = Text(Oids.AttestedOsVersion),
            SepOsVersion = Text(Oids.AttestedSepOsVersion),
            SoftwareUpdateDeviceId = Text(Oids.AttestedSoftwareUpdateDeviceId),
            Freshness = values.GetValueOrDefault(Oids.AttestedFreshness) is { Length: > 0 and <= LongestFreshness } freshness ? freshness : null,
            PublicKeySha256 = SHA256.HashData(leaf.PublicKeyInfo.Span),
            Leaf = leaf,
        };

        string? Text(string oid)
        {
            if (values.GetValueOrDefault(oid) is not { Length: > 0 and <= LongestText } value) return null;
            var text = Encoding.UTF8.GetString(Unwrapped(value, UniversalTagNumber.UTF8String, UniversalTagNumber.PrintableString, UniversalTagNumber.IA5String, UniversalTagNumber.OctetString)).Trim();
            return text.Length > 0 && text.All(c => char.IsAscii(c) && !char.IsControl(c)) ? text : null;
        }
    }

    /// <summary>Apple writes the text as it is. One that is one ASN.1 string, from its first to its last byte, is taken too.</summary>
    private static byte[] Unwrapped(byte[] value, params ReadOnlySpan<UniversalTagNumber> kinds)
    {
        foreach (var kind in kinds)
        {
            if (value.Length > 2 && value[0] == (byte)kind && value[1] == value.Length - 2) return value[2..];
        }

        return value;
    }

    /// <summary>Those of Apple's arc for attestations, by their identifier.</summary>
    private static Dictionary<string, byte[]> Extensions(IdentityCertificate leaf)
    {
        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (oid, value) in leaf.Attestation)
        {
            if (!found.TryAdd(oid, value)) throw new AttestationException("The attestation says something twice.");
        }

        return found;
    }

    private static IdentityCertificate ReadApple()
    {
        using var stream = typeof(DeviceAttestations).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{Resource} is missing in this build.");
        using var reader = new StreamReader(stream);
        var pem = reader.ReadToEnd();
        return IdentityCertificate.Parse(Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data]));
    }
}
