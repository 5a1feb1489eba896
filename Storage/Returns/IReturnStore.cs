using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Returns;

/// <summary>Erasures after which iPads return by themselves, and which iPads have not come back.</summary>
/// <remarks>They are written with their operation (<see cref="Operations.OperationAppend.Return"/>), whose id and whose scope they have. An iPad's own grain writes when it was told, when it said
/// that it erases itself, and when it was enrolled again.</remarks>
public interface IReturnStore
{
    /// <summary>A week: a school that was closed over a weekend is found again.</summary>
    const int MostHours = 168;

    Task<ReturnRow?> Find(Scope scope, string id);

    /// <summary>Newest first: those that reach no further than the scope.</summary>
    Task<IReadOnlyList<ReturnRow>> List(Scope scope, (DateTimeOffset CreatedAt, string Id)? after, int limit);

    /// <summary>How they stand, in numbers of iPads, by school.</summary>
    Task<IReadOnlyList<ReturnCount>> Count(IReadOnlyList<string> ids, DateTimeOffset now);

    /// <summary>By the id of the iPad, after <paramref name="after"/>.</summary>
    /// <param name="state">Only those; null: all.</param>
    /// <param name="school">Only those that were of this school, by its name; null: of any.</param>
    Task<IReadOnlyList<ReturnDeviceRow>> ListDevices(string id, ReturnState? state, string? school, DateTimeOffset now, string? after, int limit);

    /// <summary>How many iPads of the scope are looked for, in returns that are not closed.</summary>
    Task<long> CountMissing(Scope scope, DateTimeOffset now);

    /// <summary>Nobody waits any more for those that have not come back. Once more changes nothing.</summary>
    /// <returns>False: there is none within the scope.</returns>
    Task<bool> Close(Scope scope, string id, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>The command leaves for the iPad.</summary>
    /// <returns>Null: it is in no return.</returns>
    Task<Return?> HandOver(string enrolmentId, string commandUuid, DateTimeOffset at);

    /// <summary>The iPad did not take it: it does not erase itself.</summary>
    Task TakeBack(string enrolmentId, string commandUuid);

    /// <summary>The iPad acknowledged that it erases itself.</summary>
    Task Erased(string enrolmentId, string commandUuid, DateTimeOffset at);

    /// <summary>The iPad is enrolled. Where it is in no return, or came back before, nothing changes.</summary>
    /// <param name="invitation">By which it enrolled.</param>
    Task CameBack(string enrolmentId, string? invitation, DateTimeOffset at);

    /// <summary>The iPad is on its way back: it was told to erase itself, and has not enrolled since. Null: it is not.</summary>
    Task<AwayIPad?> FindAway(string enrolmentId);

    /// <summary>How an iPad returns that asks for it itself; null: it does not.</summary>
    Task<ReturnAnswer?> FindAnswer();

    /// <param name="answer">With the version that it takes the place of; 0: there is none yet.</param>
    /// <returns>False: it was changed meanwhile.</returns>
    Task<bool> WriteAnswer(ReturnAnswer answer, AuditRecord? audit);

    /// <summary>No iPad returns any more because it asks. What was answered stays good.</summary>
    /// <returns>False: there was none.</returns>
    Task<bool> DeleteAnswer(DateTimeOffset at, AuditRecord? audit);

    /// <summary>Forgets the iPads of returns that were made before this time, and the returns.</summary>
    /// <returns>How many rows; fewer than <paramref name="limit"/>: there are no more.</returns>
    Task<int> Forget(DateTimeOffset createdBefore, int limit);
}

/// <summary>What is written of a return with its operation.</summary>
/// <param name="InvitationId">By which its iPads enrol again.</param>
public sealed record ReturnAppend(string WifiProfileId, string WifiName, int Hours, bool KeepApps, string InvitationId);

public sealed record Return
{
    /// <summary>Of its operation.</summary>
    public required string Id { get; init; }
    public required string WifiProfileId { get; init; }
    public required string WifiName { get; init; }
    public required int Hours { get; init; }
    public required bool KeepApps { get; init; }
    public required string InvitationId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ClosedAt { get; init; }
    public string? ClosedBy { get; init; }
}

/// <param name="CancelledAt">Of its operation.</param>
public sealed record ReturnRow(Return Return, long Total, long LeftOut, string RequestedBy, string? Asked, DateTimeOffset? CancelledAt, bool IsPaused, bool IsPaced);

/// <summary>How an iPad stands in a return.</summary>
public enum ReturnState : short
{
    /// <summary>Its turn has not come.</summary>
    NotBegun = 0,
    /// <summary>The command waits for it.</summary>
    Waiting = 1,
    /// <summary>The command left for it, and it has said nothing since.</summary>
    Told = 2,
    /// <summary>It has said that it erases itself, and its time is not over.</summary>
    Erased = 3,
    /// <summary>Its time is over.</summary>
    Missing = 4,
    Back = 5,
    /// <summary>It answered an error, and was not erased.</summary>
    Failed = 6,
    /// <summary>The command was cancelled, has expired, or the iPad had left.</summary>
    Ended = 7,
}

/// <summary>By what an iPad enrolled again. Stored as a number: never renumber.</summary>
public enum ReturnedBy : short
{
    /// <summary>The profile that it was given.</summary>
    OwnProfile = 1,
    AutomatedEnrolment = 2,
    /// <summary>By hand, with another profile.</summary>
    Another = 3,
}

/// <param name="School">Null: of none.</param>
public sealed record ReturnCount(string ReturnId, string? School, ReturnState State, long Count);

/// <summary>An iPad of a return, and what is known of it now.</summary>
public sealed record ReturnDeviceRow
{
    public required string DeviceId { get; init; }
    public required ReturnState State { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    public string? School { get; init; }
    public string? AssetTag { get; init; }
    public DateTimeOffset? HandedAt { get; init; }
    public DateTimeOffset? ErasedAt { get; init; }
    public DateTimeOffset? DueAt { get; init; }
    public DateTimeOffset? ReturnedAt { get; init; }
    public ReturnedBy? ReturnedBy { get; init; }
    /// <summary>NotNow of its command, as long as it waits.</summary>
    public int NotNowCount { get; init; }
    public CommandEnding? Ending { get; init; }
    public string? ErrorSummary { get; init; }
    /// <summary>When somebody last said to be this iPad, and was refused.</summary>
    public DateTimeOffset? ClaimedAt { get; init; }
    /// <summary>It has said who it is, and not how it is woken: its enrolment is not done.</summary>
    public bool IsEnrolling { get; init; }
    public bool HasBypassCode { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
}

/// <param name="DeviceName">As it was called before it was erased.</param>
/// <param name="KeepsApps">Its bootstrap token stays good.</param>
public sealed record AwayIPad(string? DeviceName, bool KeepsApps);

public sealed record ReturnAnswer
{
    public int Version { get; init; }
    public required string WifiProfileId { get; init; }
    public required bool KeepApps { get; init; }
    public required bool PreserveDataPlan { get; init; }
    /// <summary>By which its iPads enrol again; kept when it is changed.</summary>
    public required string InvitationId { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
}
