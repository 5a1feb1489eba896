using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Attestation;

/// <summary>What Apple's attestations prove of an iPad.</summary>
public sealed record AttestationView
{
    public required string DeviceId { get; init; }
    public required AttestedIdentityView Identity { get; init; }
    /// <summary>The newest question for an attestation of the iPad's properties; null: nobody has asked.</summary>
    public AttestedPropertiesView? Properties { get; init; }
}

/// <summary>How the identity certificate that the iPad uses was issued.</summary>
public sealed record AttestedIdentityView
{
    /// <summary>Apple has vouched for the iPad and for its key, which is in its Secure Enclave.</summary>
    public required bool Attested { get; init; }
    /// <summary>Why not; null: it is attested.</summary>
    public string? Reason { get; init; }
    public ProvedView? Proved { get; init; }
    /// <summary>When.</summary>
    public DateTimeOffset? ProvedAt { get; init; }
}

/// <summary>What was proved. What is null, Apple has left out: it is not proved.</summary>
public sealed record ProvedView
{
    public string? SerialNumber { get; init; }
    public string? Udid { get; init; }
    public string? OsVersion { get; init; }
    /// <summary>Of the Secure Enclave's own system.</summary>
    public string? SepOsVersion { get; init; }
    /// <summary>The model, as Apple's list of updates names it.</summary>
    public string? SoftwareUpdateDeviceId { get; init; }
}

/// <summary>A question for an attestation (DevicePropertiesAttestation), and what came of it.</summary>
public sealed record AttestedPropertiesView
{
    /// <summary>The DeviceInformation command that asks.</summary>
    public required string CommandUuid { get; init; }
    public required DateTimeOffset AskedAt { get; init; }
    public required string AskedBy { get; init; }
    /// <summary>waiting (for the iPad), proved, differs (another iPad, or properties that differ from what the iPad says), notProved (the iPad did not attest, or it proves nothing) or gone (the answer is deleted).</summary>
    [OneOf("waiting", "proved", "differs", "notProved", "gone")]
    public required string State { get; init; }
    /// <summary>The state in words.</summary>
    public required string Reason { get; init; }
    /// <summary>Made for this question. false: Apple makes a new one every seven days; the iPad has sent the one of before.</summary>
    public bool? Fresh { get; init; }
    public DateTimeOffset? AnsweredAt { get; init; }
    public ProvedView? Proved { get; init; }
    /// <summary>What differs from what the iPad says, in words.</summary>
    public IReadOnlyList<string> Differences { get; init; } = [];
}

/// <summary>A question that is queued.</summary>
/// <param name="CommandUuid">Of the DeviceInformation command.</param>
public sealed record AttestationAsked(string DeviceId, string CommandUuid, DateTimeOffset AskedAt);
