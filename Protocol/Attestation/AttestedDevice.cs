using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Attestation;

/// <summary>What an attestation of Apple's says of an iPad. Apple may leave any of it out: then it is not proved, and nothing is wrong.</summary>
public sealed record AttestedDevice
{
    private const byte OctetString = 4;

    /// <summary>Apple makes a new one after seven days; one day more for clocks.</summary>
    private static readonly TimeSpan Repeated = TimeSpan.FromDays(8);

    public string? SerialNumber { get; init; }
    public string? Udid { get; init; }
    public string? OsVersion { get; init; }
    /// <summary>Of the Secure Enclave's own system.</summary>
    public string? SepOsVersion { get; init; }
    /// <summary>The model, as Apple's list of updates names it.</summary>
    public string? SoftwareUpdateDeviceId { get; init; }
    /// <summary>What the attestation was asked with, as it stands there. Null: it does not say.</summary>
    public byte[]? Freshness { get; init; }
    /// <summary>SHA-256 of the SubjectPublicKeyInfo that it vouches for.</summary>
    public required byte[] PublicKeySha256 { get; init; }
    /// <summary>The certificate that says it.</summary>
    public required IdentityCertificate Leaf { get; init; }

    /// <summary>Whether an iPad that is asked at this time would still send it, since Apple makes no newer one yet.</summary>
    public bool IsStillSent(DateTimeOffset askedAt) => Leaf.NotBefore >= askedAt - Repeated;

    /// <summary>Whether it is as fresh as was asked for: made for exactly these bytes. Apple writes them as they are; as an ASN.1 octet string they are taken too.</summary>
    public bool IsFor(ReadOnlySpan<byte> freshness) =>
        freshness.Length > 0 && Freshness is { } made &&
        (made.AsSpan().SequenceEqual(freshness) || (made.Length == freshness.Length + 2 && made[0] == OctetString && made[1] == freshness.Length && made.AsSpan(2).SequenceEqual(freshness)));
}

/// <summary>An attestation that proves nothing. The words are for the administrator, and hold no secret.</summary>
public sealed class AttestationException(string message, Exception? inner = null) : Exception(message, inner);
