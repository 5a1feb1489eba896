using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.Reenrolment;

/// <summary>Another device says that it is an iPad which is enrolled already.</summary>
public sealed record ClaimView
{
    /// <summary>The enrolled iPad.</summary>
    public required string DeviceId { get; init; }
    /// <summary>Names this very claim, for the decision.</summary>
    public required Guid ClaimId { get; init; }
    /// <summary>open, allowed or refused.</summary>
    [OneOf("open", "allowed", "refused")]
    public required string State { get; init; }
    /// <summary>What the device says of itself.</summary>
    public string? SerialNumber { get; init; }
    /// <summary>As in <c>iPad14,1</c>; what the device says of itself.</summary>
    public string? ProductName { get; init; }
    /// <summary>What the device says of itself.</summary>
    public string? DeviceName { get; init; }
    /// <summary>From where its last message came.</summary>
    public string? Address { get; init; }
    /// <summary>The invitation by which it got its certificate: the first 6 characters of its id.</summary>
    public string? Invitation { get; init; }
    public required DateTimeOffset FirstAt { get; init; }
    public required DateTimeOffset LastAt { get; init; }
    /// <summary>How many times this id was claimed since it was last decided about.</summary>
    public required long Attempts { get; init; }
    public DateTimeOffset? DecidedAt { get; init; }
    /// <summary>The name of the token that decided.</summary>
    public string? DecidedBy { get; init; }
    /// <summary>Until when an allowed device may enrol.</summary>
    public DateTimeOffset? AllowedUntil { get; init; }

    /// <summary>Enough to tell invitations apart, too little to enrol by one.</summary>
    private const int InvitationPrefix = 6;

    internal static ClaimView Of(Claim claim) => new()
    {
        DeviceId = claim.DeviceId,
        ClaimId = claim.ClaimId,
        State = claim.Decision.ToString().ToLowerInvariant(),
        SerialNumber = claim.SerialNumber,
        ProductName = claim.ProductName,
        DeviceName = claim.DeviceName,
        Address = claim.Address,
        Invitation = claim.InvitationId is { Length: > InvitationPrefix } id ? id[..InvitationPrefix] + "…" : null,
        FirstAt = claim.FirstAt,
        LastAt = claim.LastAt,
        Attempts = claim.Attempts,
        DecidedAt = claim.DecidedAt,
        DecidedBy = claim.DecidedBy,
        AllowedUntil = claim.AllowedUntil,
    };
}

/// <summary>Which claim is decided.</summary>
public sealed record ClaimRequest
{
    /// <summary>As it was shown: a claim that has changed since is not decided unseen.</summary>
    public required Guid ClaimId { get; init; }
}

/// <summary>For how long one iPad may be taken over by another certificate.</summary>
public sealed record DeviceReenrolmentRequest
{
    /// <summary>1 to 720; absent: 24.</summary>
    public int? Hours { get; init; }
}

/// <summary>Which iPads may be taken over by another certificate, and for how long. Exactly one of ids and filter.</summary>
public sealed record ReenrolmentRequest
{
    /// <summary>1 to 100000 enrolment ids.</summary>
    public IReadOnlyList<string>? Ids { get; init; }
    /// <summary>All that it finds. It must have at least one part.</summary>
    public DeviceFilterRequest? Filter { get; init; }
    /// <summary>1 to 720; absent: 24.</summary>
    public int? Hours { get; init; }
}

/// <summary>The permission as it stands.</summary>
public sealed record ReenrolmentView
{
    /// <summary>How many iPads it is for; ids that nobody has are not counted.</summary>
    public required long Count { get; init; }
    public required DateTimeOffset Until { get; init; }
}
