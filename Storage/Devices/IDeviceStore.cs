using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Storage.Devices;

/// <summary>
/// The device plane: enrolments, queues, history. Each method's task ends when its own rows are durable (fsync'd by the
/// database), and rows of many callers travel in one statement (group commit); loads travel together too.
/// </summary>
/// <remarks>
/// Threading: safe for any number of callers. Order: the writes of one enrolment take effect in the order in which they were
/// called. Bounded: a full lane makes its callers wait. Failure: a row that the database refuses fails alone
/// (<see cref="StoreRejectedException"/>); <see cref="StoreUnavailableException"/> means that nothing was promised, the outcome
/// may be unknown, and the same call may be repeated.
/// </remarks>
public interface IDeviceStore
{
    /// <summary>One enrolment with its pins and its queue.</summary>
    Task<DeviceSnapshot> Load(string enrolmentId);

    /// <summary>Changes one enrolment, with what belongs to the change, in one transaction.</summary>
    Task<EnrolmentCommitted> Commit(EnrolmentChange change);

    /// <summary>Appends a command at the end of the queue. Idempotent by (enrolment, CommandUUID).</summary>
    Task<QueueAppended> Append(QueueAppend command);

    /// <summary>Moves a command to the history. Idempotent by (enrolment, sequence): false when it was not queued any more.</summary>
    Task<bool> Finish(QueueFinish finish);

    Task Mark(QueueMark mark);

    /// <summary>Remembers when iPads were last seen; a later time wins. One statement for all.</summary>
    Task Touch(IReadOnlyList<(string EnrolmentId, DateTimeOffset At)> seen);

    /// <summary>Remembers what APNs answered. One statement for all.</summary>
    Task RecordPushes(IReadOnlyList<PushRecord> pushes);

    /// <summary>A Command dictionary or a large report by the keyed hash of its content; null when it is unknown.
    /// Small bodies are cached in memory (bounded).</summary>
    ValueTask<byte[]?> LoadBody(byte[] hash);

    /// <summary>Stores a body once by content, sealed; returns its keyed hash when it is durable.</summary>
    Task<byte[]> StoreBody(ReadOnlyMemory<byte> body);

    /// <summary>Whether a body is the one that is stored under this hash. Asks nobody.</summary>
    bool IsBody(byte[] hash, ReadOnlyMemory<byte> body);

    /// <summary>What is known of a certificate: who issued it for whom, and whose it is. Batched like Load.</summary>
    Task<Enrolment.CertificateStanding> FindCertificate(byte[] sha256);
}

/// <summary>One change of an enrolment.</summary>
public sealed record EnrolmentChange
{
    /// <summary>The row as it shall be; its <see cref="DeviceRow.Version"/> is what it shall become.</summary>
    public required DeviceRow Row { get; init; }
    /// <summary>Made once for the change, so that a repetition after a lost answer is recognised.</summary>
    public required Guid WriteId { get; init; }
    /// <summary>Pins this certificate to the row's device, for good; refused when it is, or was, another one's, or speaks no more.</summary>
    public Pin? Pin { get; init; }
    /// <summary>The device's other pins that were pinned before this time speak no more; null: all go on. They are kept, so that their
    /// certificates are known for whose they were.</summary>
    public DateTimeOffset? DropPinsBefore { get; init; }
    /// <summary>What becomes of the token in escrow; null: it stays as it is stored.</summary>
    public EscrowChange? UnlockToken { get; init; }
    /// <summary>Likewise.</summary>
    public EscrowChange? BootstrapToken { get; init; }
    /// <summary>Moves this command of the enrolment to the history, with the iPad's answer, in the same transaction and before <see cref="EndQueue"/>: what an
    /// answer changes is kept with it or not at all. Its audit record is not written; <see cref="Audit"/> is.</summary>
    public QueueFinish? Finish { get; init; }
    /// <summary>Ends everything that is queued, with this ending, into the history.</summary>
    public CommandEnding? EndQueue { get; init; }
    /// <summary>Sets the user channels of this device to Unenrolled, their queues ended likewise.</summary>
    public bool EndUserChannels { get; init; }
    /// <summary>Written in the same transaction, and only if the change passes.</summary>
    public IReadOnlyList<AuditRecord> Audit { get; init; } = [];
    /// <summary>For webhooks; likewise. Null: nobody wants to be told.</summary>
    public WebhookEvent? Event { get; init; }
    /// <summary>What becomes of what the iPad said that is on it.</summary>
    public InventoryEnd Inventory { get; init; }
    /// <summary>Takes a place of an invitation, or gives one back; null: neither.</summary>
    public InvitationPlace? Place { get; init; }
    /// <summary>The time of the change.</summary>
    public required DateTimeOffset At { get; init; }
}

/// <param name="Sealed">The new token, see <see cref="Secrets.SecretSealer"/>; null: there is none any more.</param>
public sealed record EscrowChange(byte[]? Sealed)
{
    public static readonly EscrowChange Forget = new((byte[]?)null);
}

/// <param name="InvitationId">Whose place.</param>
/// <param name="Delta">1: takes one; -1: gives one back.</param>
public sealed record InvitationPlace(string InvitationId, int Delta);

public enum CommitOutcome
{
    Committed,
    /// <summary>Another activation wrote in between: load again. Nothing was changed.</summary>
    VersionConflict,
    /// <summary>The certificate is, or was, pinned to another device, or speaks no more. Nothing was changed.</summary>
    PinnedElsewhere,
}

/// <param name="Outcome">What became of the change.</param>
/// <param name="EndedUserChannels">Ids of the user channels that were ended.</param>
/// <param name="Finished">The command of <see cref="EnrolmentChange.Finish"/> was moved by this very call. False: it was not queued any more, or the answer
/// to an attempt was lost.</param>
public sealed record EnrolmentCommitted(CommitOutcome Outcome, IReadOnlyList<string> EndedUserChannels, bool Finished = false);

/// <param name="EnrolmentId">Which enrolment.</param>
/// <param name="At">When APNs answered, or the push was given up.</param>
/// <param name="Result"><c>accepted</c>, the reason that APNs gave, or <see cref="NoAnswer"/>.</param>
public sealed record PushRecord(string EnrolmentId, DateTimeOffset At, string Result)
{
    /// <summary>APNs did not answer in all tries: the iPad was not told, and sweeps are free to push again soon.</summary>
    public const string NoAnswer = "no-answer";
}
