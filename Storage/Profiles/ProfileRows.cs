using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Profiles;

/// <summary>A profile of the library with its newest version.</summary>
public sealed record ProfileRow
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    /// <summary>The PayloadIdentifier: on an iPad, a profile with the same one is replaced. Unique in the library, and the same in all versions.</summary>
    public required string Identifier { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    /// <summary>Of the newest version.</summary>
    public required ProfileVersionRow Newest { get; init; }
    /// <summary>Since when everybody who has the link can get it; null: nobody can.</summary>
    public DateTimeOffset? LinkedAt { get; init; }
    /// <summary>The link may give secrets away.</summary>
    public bool LinkSecrets { get; init; }
    /// <summary>Who may download it when they have signed in for themselves.</summary>
    public OfferedTo OfferedTo { get; init; }
    /// <summary>They may have the secrets in it.</summary>
    public bool OfferedSecrets { get; init; }

    /// <summary>Whether these people may have it as it stands: whatever a change has let through, what is filled in for an iPad and secrets that nobody has let go are given to nobody.</summary>
    public bool IsOfferedTo(OfferedTo people) => (OfferedTo & people) != 0 && Newest.Variables.Count == 0 && (OfferedSecrets || !Newest.HasSecrets);
}

/// <summary>Kinds of people, added up. Stored as a number: never renumber.</summary>
[Flags]
public enum OfferedTo
{
    Nobody = 0,
    Pupils = 1,
    Teachers = 2,
    Staff = 4,
}

/// <summary>One version, without what it holds.</summary>
public sealed record ProfileVersionRow
{
    public required string ProfileId { get; init; }
    /// <summary>1 for the first, then one more with each change.</summary>
    public required int Version { get; init; }
    /// <summary>The PayloadUUID of the profile, in upper case: an iPad's list of profiles tells the version by it.</summary>
    public required string Uuid { get; init; }
    public required string Name { get; init; }
    public string? Description { get; init; }
    /// <summary>It came signed, and is sent byte for byte as it came.</summary>
    public required bool Signed { get; init; }
    public required bool HasSecrets { get; init; }
    /// <summary>Which variables stand in it.</summary>
    public required IReadOnlyList<string> Variables { get; init; }
    public required IReadOnlyList<ProfilePart> Payloads { get; init; }
    /// <summary>Bytes.</summary>
    public required int Size { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    /// <summary>Why it was changed, if that was said.</summary>
    public string? Note { get; init; }
    /// <summary>The version that it has the content of, when somebody went back to it.</summary>
    public int? RestoredFrom { get; init; }
}

/// <summary>A payload of a profile, without its settings.</summary>
public sealed record ProfilePart(string Type, string Identifier, string Uuid, string? Name);

/// <summary>A version to be written.</summary>
public sealed record ProfileWrite
{
    public required string Identifier { get; init; }
    /// <summary><see cref="ProfileVersionRow.Version"/> is 1 for a new profile; else one more than the version that this change is based on.</summary>
    public required ProfileVersionRow Version { get; init; }
    /// <summary>The profile as iPads take it: XML with its variables, or signed as it came.</summary>
    public required ReadOnlyMemory<byte> Content { get; init; }
    /// <summary>Written in the same transaction, and only if the version is.</summary>
    public AuditRecord? Audit { get; init; }
}

public enum ProfileWriteOutcome
{
    Written,
    /// <summary>Another profile of the library has this PayloadIdentifier.</summary>
    IdentifierTaken,
    /// <summary>Somebody else has changed it in between, or has made it public, which this version must not be.</summary>
    VersionConflict,
    NotFound,
    /// <summary>The library is full.</summary>
    TooMany,
}

/// <summary>A profile as this server has signed it.</summary>
/// <param name="Signer">SHA-256 of the certificate.</param>
/// <param name="Content">CMS.</param>
public sealed record SignedProfile(byte[] Signer, byte[] Content);

/// <summary>What an operation does with a profile of the library.</summary>
/// <param name="ProfileId">Which.</param>
/// <param name="Version">The version that is installed.</param>
/// <param name="Remove">It is removed.</param>
public sealed record ProfileOrder(string ProfileId, int Version, bool Remove);

/// <summary>How a profile of the library stands on an iPad. Made from what was sent last and what the iPad last said.</summary>
public enum ProfileState
{
    /// <summary>The command waits for the iPad, or the iPad works on it.</summary>
    OnItsWay = 1,
    /// <summary>The same for its removal.</summary>
    BeingRemoved = 2,
    /// <summary>The iPad refused it.</summary>
    Failed = 3,
    /// <summary>The command ended before the iPad had it: it was cancelled or expired.</summary>
    NotSent = 4,
    Installed = 5,
    /// <summary>The iPad lists another version, or a profile from elsewhere with the same identifier.</summary>
    OtherVersion = 6,
    /// <summary>The iPad installed it, and lists it no more: it was removed on the iPad.</summary>
    RemovedOnDevice = 7,
    /// <summary>It was to be removed, and is still there.</summary>
    RemovalFailed = 8,
    Removed = 9,
}

/// <summary>A profile of the library on an iPad.</summary>
public sealed record ProfileStanding
{
    public required string ProfileId { get; init; }
    public required string Identifier { get; init; }
    public required string Name { get; init; }
    public required string DeviceId { get; init; }
    public string? DeviceName { get; init; }
    public string? SerialNumber { get; init; }
    public required ProfileState State { get; init; }
    /// <summary>The version that was sent last.</summary>
    public required int Version { get; init; }
    /// <summary>The newest of the library.</summary>
    public required int NewestVersion { get; init; }
    public required string CommandUuid { get; init; }
    /// <summary>When the state of the command last changed.</summary>
    public required DateTimeOffset ChangedAt { get; init; }
    /// <summary>Why it failed or ended.</summary>
    public string? Reason { get; init; }
    /// <summary>When the iPad last told its profiles; null: never, or it was not asked.</summary>
    public DateTimeOffset? ToldAt { get; init; }
    /// <summary>It told a profile with this identifier.</summary>
    public required bool Told { get; init; }
    /// <summary>The version that it told; null: none that the library has.</summary>
    public int? ToldVersion { get; init; }
    /// <summary>What it told of the profile, as the inventory keeps it.</summary>
    public string? ToldDetails { get; init; }
    /// <summary>What the version that was sent last holds.</summary>
    public required IReadOnlyList<ProfilePart> Payloads { get; init; }
}

/// <param name="State">Which.</param>
/// <param name="Count">How many enrolled iPads.</param>
/// <param name="Outdated">How many of them were last sent an older version than the newest.</param>
public sealed record ProfileCount(ProfileState State, long Count, long Outdated);
