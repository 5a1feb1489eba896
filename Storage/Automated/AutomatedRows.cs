namespace FleetMdm.Storage.Automated;

/// <summary>Why the list of a server is not fetched. Stored as a number: never renumber.</summary>
public enum AutomatedProblem : short
{
    None = 0,
    /// <summary>Apple takes the token no more: another one was downloaded, or the service was deleted there.</summary>
    TokenRejected = 1,
    /// <summary>The token has ended.</summary>
    TokenExpired = 2,
    /// <summary>The organisation has to accept Apple's new terms.</summary>
    TermsNotSigned = 3,
    AccessDenied = 4,
    /// <summary>Apple does not answer, or answers that it cannot.</summary>
    Unreachable = 5,
    /// <summary>Apple answers what nobody here understands.</summary>
    Unexpected = 6,
    /// <summary>Apple refuses an enrolment profile.</summary>
    ProfileRefused = 7,
    /// <summary>Sealed under another master key.</summary>
    Unreadable = 8,
}

/// <summary>A device management service of Apple School Manager that this server speaks for.</summary>
public sealed record AutomatedServer
{
    public required string Id { get; init; }
    /// <summary>1 for the first, one more with each change by a person.</summary>
    public required int Version { get; init; }
    public required string Name { get; init; }
    /// <summary>DER: what Apple encrypts tokens for.</summary>
    public required byte[] Certificate { get; init; }
    /// <summary>PKCS#8, sealed for <see cref="KeyPurpose"/>.</summary>
    public required byte[] SealedKey { get; init; }
    public required DateTimeOffset KeyMadeAt { get; init; }
    /// <summary>Sealed for <see cref="TokenPurpose"/>; null: none was uploaded.</summary>
    public byte[]? SealedToken { get; init; }
    public DateTimeOffset? TokenExpiresAt { get; init; }
    public DateTimeOffset? TokenAt { get; init; }
    public string? TokenBy { get; init; }
    public string? AppleUuid { get; init; }
    public string? AppleName { get; init; }
    public string? Organization { get; init; }
    public string? OrganizationId { get; init; }
    /// <summary>As many as Apple allows.</summary>
    public int PageSize { get; init; } = 100;
    /// <summary>By which its iPads get their identity; a secret.</summary>
    public required string InvitationId { get; init; }
    /// <summary>The profile of iPads that have no other one.</summary>
    public string? ProfileId { get; init; }

    /// <summary>One more with each write of its grain.</summary>
    public long Revision { get; init; }
    public string? Cursor { get; init; }
    /// <summary>The cursor is of a fetch that has not ended.</summary>
    public bool Fetching { get; init; }
    public long Generation { get; init; }
    public DateTimeOffset? FetchedAt { get; init; }
    public DateTimeOffset? SyncedAt { get; init; }
    /// <summary>When there is something to do; null: it has no token.</summary>
    public DateTimeOffset? NextAt { get; init; }
    public int Failures { get; init; }
    public AutomatedProblem Problem { get; init; }
    public string? ProblemDetail { get; init; }
    public DateTimeOffset? ProblemAt { get; init; }
    /// <summary>Which iPad should have which profile is to be looked at anew.</summary>
    public bool Review { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }

    public static string KeyPurpose(string id) => $"automated-key/{id}";

    public static string TokenPurpose(string id) => $"automated-token/{id}";

    /// <summary>Without its secrets.</summary>
    public override string ToString() => $"AutomatedServer {{ Id = {Id}, Name = {Name} }}";
}

/// <param name="Devices">iPads that are on it.</param>
/// <param name="Released">That were, and are not any more.</param>
public sealed record AutomatedServerRow(AutomatedServer Server, string? ProfileName, long Devices, long Released);

/// <summary>A token that was checked.</summary>
public sealed record AutomatedToken(byte[] Sealed, DateTimeOffset ExpiresAt, DateTimeOffset At, string By, AutomatedAccount? Account);

/// <summary>What Apple says of a server.</summary>
public sealed record AutomatedAccount(string? Uuid, string? Name, string? Organization, string? OrganizationId, int PageSize);

/// <summary>Whether Apple says that an iPad is there, or is gone.</summary>
public enum AutomatedOperation
{
    /// <summary>In a list of all.</summary>
    Listed,
    Added,
    Modified,
    Deleted,
}

/// <summary>An iPad as Apple tells it.</summary>
public sealed record AppleDevice
{
    /// <summary>In upper case.</summary>
    public required string SerialNumber { get; init; }
    public AutomatedOperation Operation { get; init; }
    public DateTimeOffset? OperationAt { get; init; }
    public string? Model { get; init; }
    public string? Description { get; init; }
    public string? Color { get; init; }
    public string? AssetTag { get; init; }
    public string? Family { get; init; }
    public string? Os { get; init; }
    /// <summary>In upper case, without hyphens.</summary>
    public string? ProfileUuid { get; init; }
    public string? ProfileStatus { get; init; }
    public DateTimeOffset? ProfileAssignedAt { get; init; }
    public DateTimeOffset? ProfilePushedAt { get; init; }
    public string? AssignedBy { get; init; }
    public DateTimeOffset? AssignedAt { get; init; }
    /// <summary>Until when it has to move to the service without an erase, as Apple says; of one that left its service: to another one, if Apple said so.</summary>
    public DateTimeOffset? MigrationDeadline { get; init; }
}

/// <summary>A page as it is to be kept, with where the list goes on.</summary>
public sealed record AutomatedPage
{
    /// <summary>No serial number twice.</summary>
    public required IReadOnlyList<AppleDevice> Devices { get; init; }
    public required string? Cursor { get; init; }
    /// <summary>There is more of this fetch.</summary>
    public required bool Fetching { get; init; }
    public required long Generation { get; init; }
    /// <summary>It is the last page of a fetch: what it did not list has left.</summary>
    public bool EndsFetch { get; init; }
    public required DateTimeOffset NextAt { get; init; }
    public required DateTimeOffset At { get; init; }
}

/// <summary>How the profile of an iPad stands. Stored as a number: never renumber.</summary>
public enum AutomatedState : short
{
    /// <summary>No profile is meant for it.</summary>
    None = 0,
    Waiting = 1,
    Assigned = 2,
    /// <summary>Apple refused it; it is tried again.</summary>
    Failed = 3,
    /// <summary>Apple wants it left alone for a while.</summary>
    Throttled = 4,
    /// <summary>Apple says that it is not on this server.</summary>
    NotAccessible = 5,
}

/// <summary>An iPad, with how it stands here.</summary>
public sealed record AutomatedDevice
{
    public required AppleDevice Apple { get; init; }
    public required string ServerId { get; init; }
    public required DateTimeOffset FirstAt { get; init; }
    public required DateTimeOffset ChangedAt { get; init; }
    /// <summary>Since when Apple says that it is not on the server any more.</summary>
    public DateTimeOffset? ReleasedAt { get; init; }
    /// <summary>Chosen for it.</summary>
    public string? ProfileId { get; init; }
    public required AutomatedState State { get; init; }
    public string? WantedUuid { get; init; }
    public required DateTimeOffset StateAt { get; init; }
    public DateTimeOffset? NextAt { get; init; }
    public int Attempts { get; init; }
    public string? Reason { get; init; }
    public DateTimeOffset? AskedAt { get; init; }
    public string? AskedOs { get; init; }
    public string? Answer { get; init; }
    /// <summary>Since when Apple says that it moves to the service; null: it does not.</summary>
    public DateTimeOffset? MigrationSince { get; init; }
}

/// <summary>For lists.</summary>
/// <param name="School">Of its placeholder.</param>
/// <param name="Wanted">The profile that it should have: its own, its group's, its school's, or the server's.</param>
/// <param name="DeviceId">The enrolled iPad with this serial number; null: none is.</param>
/// <param name="Origin">Whose profile that is.</param>
/// <param name="Migration">Whether it moves between services; never <see cref="AutomatedMigration.Late"/>, which is a matter of the time.</param>
/// <param name="GroupId">The group whose profile would count for it, if it has none of its own.</param>
public sealed record AutomatedDeviceRow(
    AutomatedDevice Device, string? ServerName, string? Name, string? School, string? WantedId, string? Wanted, string? DeviceId, AutomatedOrigin Origin, string? GroupId, string? Group,
    AutomatedMigration Migration);

/// <summary>Whether an iPad moves between device management services without an erase (iPadOS 26). As a statement answers it: never renumber.</summary>
public enum AutomatedMigration : short
{
    None = 0,
    /// <summary>It has to come here by its deadline.</summary>
    Comes = 1,
    /// <summary>Its deadline has passed, and it has not come.</summary>
    Late = 2,
    Came = 3,
    /// <summary>It is enrolled here, and on no service of this server any more: it moves to another one, or the organisation gave it away.</summary>
    Leaves = 4,
}

/// <summary>iPads that move between services.</summary>
/// <param name="Comes">Whose deadline has not passed.</param>
/// <param name="Within">Of those, whose deadline is within so many days, in the order that was asked for.</param>
/// <param name="Late">That did not come by their deadline.</param>
/// <param name="Came">That moved here.</param>
/// <param name="Leaves">That are enrolled here and left their service.</param>
public sealed record AutomatedMigrationCounts(long Comes, IReadOnlyList<long> Within, long Late, long Came, long Leaves);

/// <summary>Where the profile of an iPad comes from: the first of these that has one counts. As a statement answers it: never renumber.</summary>
public enum AutomatedOrigin : short
{
    /// <summary>None of them has one.</summary>
    None = 0,
    /// <summary>Chosen for the iPad.</summary>
    IPad = 1,
    Group = 2,
    School = 3,
    Server = 4,
}

/// <summary>All parts that are set must hold.</summary>
public sealed record AutomatedDeviceFilter
{
    public string? ServerId { get; init; }
    public AutomatedState? State { get; init; }
    /// <summary>true: only those that left; false: only those that are there.</summary>
    public bool? Released { get; init; }
    /// <summary>By the placeholder; the name.</summary>
    public string? School { get; init; }
    public AutomatedMigration? Migration { get; init; }
    /// <summary>At what time <see cref="Migration"/> is looked at.</summary>
    public DateTimeOffset Now { get; init; }
    /// <summary>The beginning of the serial number.</summary>
    public string? Text { get; init; }
}

/// <param name="State">Which.</param>
/// <param name="Count">iPads that are on the server.</param>
public sealed record AutomatedCount(string ServerId, AutomatedState State, long Count);

/// <summary>An enrolment profile as a person keeps it.</summary>
public sealed record AutomatedProfile
{
    public required string Id { get; init; }
    public required int Version { get; init; }
    public required string Name { get; init; }
    /// <summary>JSON.</summary>
    public required string Definition { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
}

/// <param name="SchoolId">Which.</param>
/// <param name="School">Its name.</param>
public sealed record AutomatedSchool(string SchoolId, string School, string ProfileId, string ProfileName);

/// <summary>The profile of the iPads of a group.</summary>
/// <param name="Priority">Of several groups of an iPad, the lowest counts; of equal ones, the first name.</param>
public sealed record AutomatedGroup(string GroupId, string Group, string ProfileId, string ProfileName, int Priority);

/// <summary>A profile as it was told to Apple.</summary>
public sealed record AutomatedDefinition(string ProfileId, string Digest, string AppleUuid);

/// <summary>An iPad whose profile is to be assigned.</summary>
public sealed record AutomatedOrder(string SerialNumber, string Uuid, int Attempts);

/// <summary>What became of it.</summary>
public sealed record AutomatedAnswer(string SerialNumber, AutomatedState State, int Attempts, DateTimeOffset? NextAt, string? Reason);

/// <summary>Where iPads ask for their profile.</summary>
/// <param name="Anchors">DER.</param>
/// <param name="SignInUrl">Where people sign in on an iPad in Setup Assistant; null: nowhere.</param>
public sealed record AutomatedAddress(string Url, IReadOnlyList<byte[]> Anchors, string? SignInUrl = null);

public enum AutomatedOutcome
{
    Written,
    NotFound,
    VersionConflict,
    NameTaken,
    /// <summary>Another server of this district speaks for that service of Apple's.</summary>
    ServiceTaken,
    UnknownProfile,
    UnknownSchool,
    UnknownGroup,
    /// <summary>Its iPads come by its rule, which says nothing of one that is not enrolled.</summary>
    GroupHasRule,
    InUse,
    TooMany,
}

/// <summary>How an iPad that waits in Setup Assistant stands. Stored as a number: never renumber.</summary>
public enum HoldState : short
{
    Held = 1,
    /// <summary>It is told to go on.</summary>
    Going = 2,
    GoingIncomplete = 3,
    LetGo = 4,
    LetGoIncomplete = 5,
    /// <summary>It left, or enrolled anew.</summary>
    Left = 6,
}

/// <summary>An iPad that waits, or waited, in Setup Assistant.</summary>
public sealed record AutomatedHold
{
    public required string DeviceId { get; init; }
    public string? SerialNumber { get; init; }
    public required DateTimeOffset EnrolledAt { get; init; }
    /// <summary>Then it is let go, whatever is missing.</summary>
    public required DateTimeOffset UntilAt { get; init; }
    public required HoldState State { get; init; }
    public string? CommandUuid { get; init; }
    /// <summary>What it was let go without.</summary>
    public string? Missing { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>For lists.</summary>
public sealed record AutomatedHoldRow(AutomatedHold Hold, string? DeviceName, string? School);
