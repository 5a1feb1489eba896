using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Storage.Devices;

/// <summary>A pending command as a grain remembers it: without its body.</summary>
public sealed record QueuedRow
{
    /// <summary>The order of acceptance, over the whole fleet.</summary>
    public required long Sequence { get; init; }
    /// <summary>Upper case; unique within an enrolment, shared by the rows of an operation.</summary>
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    /// <summary>SHA-256 of the Command dictionary; <see cref="IDeviceStore.LoadBody"/> gives it.</summary>
    public required byte[] BodyHash { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public string? OperationId { get; init; }
    /// <summary>Its operation was cancelled: the grain drops it instead of delivering it.</summary>
    public bool OperationCancelled { get; init; }
    public int NotNowCount { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
    /// <summary>How often it was handed to the iPad, which then came again without having answered it. An answer of any kind begins anew.</summary>
    public int UnansweredCount { get; init; }
    public DateTimeOffset? UnansweredAt { get; init; }
}

/// <summary>A command to append for one enrolment.</summary>
public sealed record QueueAppend
{
    public required string EnrolmentId { get; init; }
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    /// <summary>The Command dictionary, an XML plist fragment; stored once by its content.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>Written in the same transaction, and only if the command is appended by it.</summary>
    public AuditRecord? Audit { get; init; }
}

/// <param name="Sequence">Of the row that is queued now, or was before.</param>
/// <param name="BodyHash">Keyed hash of the body; see <see cref="IDeviceStore.IsBody"/>.</param>
/// <param name="AlreadyThere">The same CommandUUID is queued or in the history of this enrolment: nothing was appended.</param>
public sealed record QueueAppended(long Sequence, byte[] BodyHash, bool AlreadyThere);

/// <summary>How a command's life ended. Stored as a number: never renumber.</summary>
public enum CommandEnding : short
{
    Acknowledged = 1,
    Error = 2,
    CommandFormatError = 3,
    /// <summary>By an administrator, before the iPad had it.</summary>
    Cancelled = 4,
    Expired = 5,
    /// <summary>The iPad enrolled again (Authenticate).</summary>
    Reenrolled = 6,
    /// <summary>The iPad checked out.</summary>
    CheckedOut = 7,
    /// <summary>An administrator removed the enrolment.</summary>
    Removed = 8,
    /// <summary>The iPad was erased.</summary>
    Erased = 9,
    /// <summary>The user of a Shared iPad whom the command waited for is not on the iPad any more.</summary>
    UserDeleted = 10,
}

/// <summary>Moves one command from the queue to the history. Repeating it changes nothing.</summary>
public sealed record QueueFinish
{
    public required string EnrolmentId { get; init; }
    public required long Sequence { get; init; }
    /// <summary>The command's, as it is queued.</summary>
    public required byte[] BodyHash { get; init; }
    public required CommandEnding Ending { get; init; }
    public required DateTimeOffset FinishedAt { get; init; }
    public DateTimeOffset? SentAt { get; init; }
    /// <summary>The iPad's report, whole; null where none came or <see cref="ResultHash"/> is set.</summary>
    public ReadOnlyMemory<byte>? Result { get; init; }
    /// <summary>A large report, stored before by <see cref="IDeviceStore.StoreBody"/>.</summary>
    public byte[]? ResultHash { get; init; }
    public string? ErrorSummary { get; init; }
    /// <summary>Written in the same transaction, and only if it moves the command.</summary>
    public AuditRecord? Audit { get; init; }
    /// <summary>For webhooks; likewise. Null: nobody wants to be told.</summary>
    public WebhookEvent? Event { get; init; }
    /// <summary>The CommandUUID of a command that installs or removes a profile: what the library keeps of it is written in the same transaction. Null: it is
    /// another command.</summary>
    public string? ProfileCommand { get; init; }
    /// <summary>The PayloadIdentifier that it installed or removed, when the iPad said that it did: if the library has it and another command sent it, what the
    /// library keeps of it changes too. Null: it did not, or it cannot be told.</summary>
    public string? ProfileIdentifier { get; init; }
    /// <summary>Kept with a profile of the library that another command replaced.</summary>
    internal const string ReplacedReason = "A command that is not from the library installed a profile with this identifier.";
    /// <summary>What the answer tells of the iPad, written in the same transaction; null: nothing that is kept.</summary>
    public InventoryChange? Inventory { get; init; }
}

/// <summary>Remembers what the iPad did with a command that stays queued: it put it off (NotNow), or did not answer.</summary>
public sealed record QueueMark
{
    public required string EnrolmentId { get; init; }
    public required long Sequence { get; init; }
    public int NotNowCount { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
    public int UnansweredCount { get; init; }
    public DateTimeOffset? UnansweredAt { get; init; }

    /// <summary>As the row shall be.</summary>
    public static QueueMark Of(string enrolmentId, QueuedRow row) => new()
    {
        EnrolmentId = enrolmentId,
        Sequence = row.Sequence,
        NotNowCount = row.NotNowCount,
        NotNowAt = row.NotNowAt,
        UnansweredCount = row.UnansweredCount,
        UnansweredAt = row.UnansweredAt,
    };
}

/// <summary>A finished command.</summary>
public sealed record HistoryRow
{
    public required string EnrolmentId { get; init; }
    public required long Sequence { get; init; }
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    public required byte[] BodyHash { get; init; }
    public required CommandEnding Ending { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    public DateTimeOffset? SentAt { get; init; }
    public required DateTimeOffset FinishedAt { get; init; }
    public int NotNowCount { get; init; }
    public string? OperationId { get; init; }
    public string? ErrorSummary { get; init; }
    /// <summary>Not filled in lists.</summary>
    public byte[]? Result { get; init; }
    public byte[]? ResultHash { get; init; }
}
