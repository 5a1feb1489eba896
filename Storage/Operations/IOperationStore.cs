using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Returns;

namespace FleetMdm.Storage.Operations;

/// <summary>Operations: one command appended for many enrolments in one transaction.</summary>
public interface IOperationStore
{
    /// <summary>Stores the operation and appends a queue row for each enrolment of its target that is Authenticated or
    /// Enrolled, in one transaction. Idempotent by id: a repetition returns what stands already.</summary>
    /// <exception cref="OperationRefusedException">It is for no enrolment, or not for as many as was expected. Nothing is stored.</exception>
    Task<OperationRow> Append(OperationAppend operation);

    /// <summary>What an operation with this target and these requirements would do, now: who would get it, and why others would not.</summary>
    /// <param name="scope">Whose iPads it may be for.</param>
    /// <param name="ids">Exactly one of this and <paramref name="filter"/>.</param>
    /// <param name="filter">Empty: all.</param>
    /// <param name="requirements">Of the command.</param>
    /// <param name="examples">At most so many of each reason.</param>
    /// <param name="holdersOf">A profile of the library: only those that it was sent to. Needs a filter.</param>
    Task<OperationPlan> Plan(Scope scope, IReadOnlyList<string>? ids, DeviceFilter? filter, IReadOnlyList<DeviceRequirement> requirements, int examples, string? holdersOf = null);

    /// <summary>Why enrolments were left out of an operation, with their numbers.</summary>
    Task<IReadOnlyList<OperationReason>> ListReasons(string id);

    /// <summary>The enrolments that were left out, by id, after <paramref name="after"/> (keyset paging).</summary>
    Task<IReadOnlyList<LeftOutRow>> ListLeftOut(string id, string? after, int limit);

    /// <summary>Forgets who was left out of operations that are older; the numbers stay.</summary>
    /// <returns>How many were forgotten; fewer than <paramref name="limit"/>: there are no more.</returns>
    Task<int> ForgetLeftOut(DateTimeOffset acceptedBefore, int limit);

    /// <summary>How many enrolments an operation with this filter would be for, now.</summary>
    Task<long> CountTarget(Scope scope, DeviceFilter filter);

    /// <summary>For the server itself.</summary>
    Task<OperationRow?> Find(string id);

    /// <summary>For a person: one that reaches no further than their rights.</summary>
    Task<OperationRow?> Find(Scope scope, string id);

    /// <summary>Newest first, those that reach no further than the scope. <paramref name="before"/> is the last id of the page before.</summary>
    Task<IReadOnlyList<OperationRow>> List(Scope scope, string? before, int limit);

    /// <summary>Counts of the operation's rows in queue and history.</summary>
    Task<OperationCounts> Count(string id);

    /// <summary>The enrolments of an operation and what became of its command on each, by id, after <paramref name="after"/> (keyset paging).</summary>
    /// <param name="part">Only those that <see cref="OperationCounts"/> counts there; null: all.</param>
    Task<IReadOnlyList<OperationDeviceRow>> ListDevices(string id, OperationPart? part, string? after, int limit);

    /// <summary>How many of those on which it failed are enrolled: for as many another operation with <see cref="OperationAppend.FailedOf"/> would be.</summary>
    Task<long> CountFailures(Scope scope, string id);

    /// <summary>What it did with a profile of the library, by those on which it failed last; null: nothing.</summary>
    Task<ProfileOrder?> FindProfile(string id);

    /// <summary>Marks it cancelled (once; a repetition keeps the first time). False when there is none, or when it is finished.</summary>
    /// <param name="audit">Written in the same transaction, by the first call only.</param>
    Task<bool> Cancel(string id, DateTimeOffset at, AuditRecord? audit = null);

    Task MarkAnnounced(string id, DateTimeOffset at);

    /// <summary>How far the pushes of an operation have gone, by sequence; null sets it to done.</summary>
    Task MarkPushed(string id, long? afterSequence, long pushed);

    /// <summary>Operations that are not announced, or whose pushes are not done: to be resumed after a node died.</summary>
    Task<IReadOnlyList<string>> ListUnfinished(DateTimeOffset acceptedBefore);

    /// <summary>The next enrolments of an operation that are still queued and have a live push token, in order of sequence.</summary>
    Task<IReadOnlyList<OperationPushTarget>> PushTargets(string id, long afterSequence, int limit);
}

public sealed record OperationAppend
{
    public required string Id { get; init; }
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    public required ReadOnlyMemory<byte> Body { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public required string RequestedBy { get; init; }
    /// <summary>What the rights of the one who asked cover: it reaches no iPad outside, whatever the target says.</summary>
    public Scope Scope { get; init; } = Scope.District;
    /// <summary>False: nobody is woken; <see cref="OperationRow.PushedAfter"/> starts as done.</summary>
    public bool Push { get; init; } = true;
    /// <summary>Exactly one of Ids, Filter and FailedOf is set; an empty filter means all. User channels are only meant when named by
    /// id, or by a filter with their kind.</summary>
    public IReadOnlyList<string>? Ids { get; init; }
    public DeviceFilter? Filter { get; init; }
    /// <summary>The operation whose failures it tries again.</summary>
    public string? FailedOf { get; init; }
    /// <summary>Null: it begins on all at once. Otherwise nobody has it in the queue yet.</summary>
    public OperationPace? Pace { get; init; }
    /// <summary>The repeating operation that it is a run of.</summary>
    public string? RepeatId { get; init; }
    /// <summary>The target in the words of the one who asked, to be shown.</summary>
    public string? Asked { get; init; }
    /// <summary>How many enrolments it must be for; null: it does not matter.</summary>
    public long? Expected { get; init; }
    /// <summary>For more than one enrolment, <see cref="Expected"/> must be set.</summary>
    public bool MustBeExpected { get; init; }
    /// <summary>Enrolments that do not meet them are left out, and named. They count neither in the total nor in <see cref="Expected"/>.</summary>
    public IReadOnlyList<DeviceRequirement> Requirements { get; init; } = [];
    /// <summary>What it does with a profile of the library; kept for each enrolment, in the same transaction. Null: nothing.</summary>
    public ProfileOrder? Profile { get; init; }
    /// <summary>It erases iPads that return by themselves; who they are is kept, in the same transaction. Null: it does not.</summary>
    public ReturnAppend? Return { get; init; }
    /// <summary>Only enrolments that have <see cref="Profile"/>, or were sent it and did not remove it; user channels too.</summary>
    public bool HoldersOnly { get; init; }
    /// <summary>Written in the same transaction, with the number of enrolments.</summary>
    public AuditRecord? Audit { get; init; }
}

public sealed record OperationRow
{
    public required string Id { get; init; }
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    public required byte[] BodyHash { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    public required string RequestedBy { get; init; }
    public required long Total { get; init; }
    /// <summary>Ids that were asked for and not found (or not enrolled); at most 1,000. Only filled by Append the first time.</summary>
    public IReadOnlyList<string> UnknownIds { get; init; } = [];
    public DateTimeOffset? AnnouncedAt { get; init; }
    public DateTimeOffset? CancelledAt { get; init; }
    /// <summary>Pushes were handed over up to this sequence; null: all of them.</summary>
    public long? PushedAfter { get; init; }
    public long Pushed { get; init; }
    /// <summary><see cref="OperationAppend.Asked"/>; null: from before it was kept.</summary>
    public string? Asked { get; init; }
    /// <summary>How many of its target did not get it, since they would have refused it.</summary>
    public long LeftOut { get; init; }
    /// <summary>That it was started with: a repetition reaches no further.</summary>
    public Scope Scope { get; init; } = Scope.District;
    /// <summary><see cref="OperationPace"/> as JSON; null: it began on all at once.</summary>
    public string? Pace { get; init; }
    /// <summary>Null: it began on all at once.</summary>
    public OperationPhase? Phase { get; init; }
    public string? RetryOf { get; init; }
    public string? RepeatId { get; init; }
}

/// <summary>An operation was not stored.</summary>
/// <param name="found">How many enrolments it would be for.</param>
/// <param name="reasons">Why others would not get it.</param>
public sealed class OperationRefusedException(long found, IReadOnlyList<OperationReason> reasons) : Exception($"The operation would be for {found} enrolments.")
{
    public long Found { get; } = found;

    public IReadOnlyList<OperationReason> Reasons { get; } = reasons;
}

/// <summary>Parts of an operation, as <see cref="OperationCounts"/> counts them.</summary>
public enum OperationPart
{
    Queued,
    NotNow,
    Acknowledged,
    Failed,
    Ended,
    /// <summary>Waits for its turn: it has no command yet. Not in the counts.</summary>
    NotBegun,
    /// <summary>Had left when its turn came. Not in the counts.</summary>
    Skipped,
}

/// <summary>One enrolment of an operation.</summary>
public sealed record OperationDeviceRow
{
    public required string EnrolmentId { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    /// <summary>Null: its command waits, or it has none.</summary>
    public CommandEnding? Ending { get; init; }
    /// <summary><see cref="OperationPart.NotBegun"/> or <see cref="OperationPart.Skipped"/>; null: it has the command, or had it.</summary>
    public OperationPart? Part { get; init; }
    public required int NotNowCount { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
    public DateTimeOffset? SentAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public string? ErrorSummary { get; init; }
}

public sealed record OperationCounts(long Queued, long NotNow, long Acknowledged, long Failed, long Ended);

/// <param name="Sequence">Of its queue row.</param>
public sealed record OperationPushTarget(long Sequence, PushTarget Target);
