using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Operations;

/// <summary>Operations: one command appended for many enrolments in one transaction.</summary>
public interface IOperationStore
{
    /// <summary>Stores the operation and appends a queue row for each enrolment of its target that is Authenticated or
    /// Enrolled, in one transaction. Idempotent by id: a repetition returns what stands already.</summary>
    /// <exception cref="OperationRefusedException">It is for no enrolment, or not for as many as was expected. Nothing is stored.</exception>
    Task<OperationRow> Append(OperationAppend operation);

    /// <summary>How many enrolments an operation with this filter would be for, now.</summary>
    Task<long> CountTarget(DeviceFilter filter);

    Task<OperationRow?> Find(string id);

    /// <summary>Newest first. <paramref name="before"/> is the last id of the page before.</summary>
    Task<IReadOnlyList<OperationRow>> List(string? before, int limit);

    /// <summary>Counts of the operation's rows in queue and history.</summary>
    Task<OperationCounts> Count(string id);

    /// <summary>The enrolments of an operation and what became of its command on each, by id, after <paramref name="after"/> (keyset paging).</summary>
    /// <param name="part">Only those that <see cref="OperationCounts"/> counts there; null: all.</param>
    Task<IReadOnlyList<OperationDeviceRow>> ListDevices(string id, OperationPart? part, string? after, int limit);

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
    /// <summary>False: nobody is woken; <see cref="OperationRow.PushedAfter"/> starts as done.</summary>
    public bool Push { get; init; } = true;
    /// <summary>Exactly one of Ids and Filter is set; an empty filter means all. User channels are only meant when named by
    /// id, or by a filter with their kind.</summary>
    public IReadOnlyList<string>? Ids { get; init; }
    public DeviceFilter? Filter { get; init; }
    /// <summary>The target in the words of the one who asked, to be shown.</summary>
    public string? Asked { get; init; }
    /// <summary>How many enrolments it must be for; null: it does not matter.</summary>
    public long? Expected { get; init; }
    /// <summary>For more than one enrolment, <see cref="Expected"/> must be set.</summary>
    public bool MustBeExpected { get; init; }
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
}

/// <summary>An operation was not stored.</summary>
/// <param name="found">How many enrolments it would be for.</param>
public sealed class OperationRefusedException(long found) : Exception($"The operation would be for {found} enrolments.")
{
    public long Found { get; } = found;
}

/// <summary>Parts of an operation, as <see cref="OperationCounts"/> counts them.</summary>
public enum OperationPart
{
    Queued,
    NotNow,
    Acknowledged,
    Failed,
    Ended,
}

/// <summary>One enrolment of an operation.</summary>
public sealed record OperationDeviceRow
{
    public required string EnrolmentId { get; init; }
    public string? SerialNumber { get; init; }
    public string? DeviceName { get; init; }
    /// <summary>Null: its command waits.</summary>
    public CommandEnding? Ending { get; init; }
    public required int NotNowCount { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
    public DateTimeOffset? SentAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public string? ErrorSummary { get; init; }
}

public sealed record OperationCounts(long Queued, long NotNow, long Acknowledged, long Failed, long Ended);

/// <param name="Sequence">Of its queue row.</param>
public sealed record OperationPushTarget(long Sequence, PushTarget Target);
