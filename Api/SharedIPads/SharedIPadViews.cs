using FleetMdm.Api.Devices;

namespace FleetMdm.Api.SharedIPads;

/// <summary>Who is on a Shared iPad, and what waits for whom.</summary>
public sealed record SharedIPadView
{
    /// <summary>null: the iPad has not said so since it enrolled.</summary>
    public bool? IsShared { get; init; }
    /// <summary>When the iPad last told who is on it; null: it has not told it since it enrolled.</summary>
    public DateTimeOffset? AsOf { get; init; }
    /// <summary>Those on the iPad, and those for whom something waits. Guests are on no list.</summary>
    public required IReadOnlyList<SharedUserView> Users { get; init; }
    /// <summary>More waits than is shown.</summary>
    public required bool Cut { get; init; }
}

/// <summary>A user of a Shared iPad.</summary>
public sealed record SharedUserView
{
    /// <summary>The Managed Apple Account.</summary>
    public required string UserName { get; init; }
    /// <summary>For people.</summary>
    public string? Name { get; init; }
    /// <summary>The iPad has named the user when it last told who is on it.</summary>
    public required bool IsOnIPad { get; init; }
    /// <summary>At that time.</summary>
    public required bool IsLoggedIn { get; init; }
    /// <summary>What is not in iCloud yet: it would be lost.</summary>
    public required bool HasDataToSync { get; init; }
    /// <summary>Bytes.</summary>
    public long? DataUsed { get; init; }
    /// <summary>Bytes; null: there is none.</summary>
    public long? DataQuota { get; init; }
    /// <summary>When the user was last there, as far as the server has met the user.</summary>
    public DateTimeOffset? LastSeenAt { get; init; }
    /// <summary>The user's own enrolment, for commands to this user: <c>/api/v1/devices/{id}/commands</c>. null: the user has none, or it has ended.</summary>
    public string? EnrolmentId { get; init; }
    /// <summary>The iPad holds the login up until the user's commands were handed over.</summary>
    public required bool IsAwaiting { get; init; }
    /// <summary>Why it waits, in words; null: nothing does.</summary>
    public string? Words { get; init; }
    public required IReadOnlyList<SharedUserCommandView> Waiting { get; init; }
    /// <summary>The profiles that the user should have on this iPad, by assignment, and those that are to go.</summary>
    public required IReadOnlyList<SharedUserProfileView> Profiles { get; init; }
    /// <summary>The person whose managed Apple Account it is; null: nobody has it, or the token may not see accounts of people.</summary>
    public string? PersonId { get; init; }
    public string? Person { get; init; }
}

/// <summary>A profile that a user of a Shared iPad should have.</summary>
public sealed record SharedUserProfileView
{
    public required string AssignmentId { get; init; }
    /// <summary>Of the assignment.</summary>
    public required string Name { get; init; }
    public string? ProfileName { get; init; }
    /// <summary>waiting, sent, installed, failed, notApplicable, leaving, removing or removalFailed.</summary>
    public required string State { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>A sentence: how it is, and why not yet.</summary>
    public required string Words { get; init; }
    public DateTimeOffset? TriedAgainAt { get; init; }
    public string? CommandUuid { get; init; }
}

/// <summary>A command that waits for a user.</summary>
public sealed record SharedUserCommandView
{
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    public required DateTimeOffset Since { get; init; }
    public required int NotNowCount { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
}

/// <summary>Whom to delete. Exactly one of <c>userName</c> and <c>all</c>.</summary>
public sealed record DeleteUsersRequest
{
    /// <summary>The Managed Apple Account.</summary>
    public string? UserName { get; init; }
    /// <summary>true: all users.</summary>
    public bool? All { get; init; }
    /// <summary>true: also what is not in iCloud yet. It is lost.</summary>
    public bool? Force { get; init; }
}

/// <summary>What the tab shows.</summary>
public sealed record SharedIPadPageView(DeviceFrameView Frame, SharedIPadView Shared);
