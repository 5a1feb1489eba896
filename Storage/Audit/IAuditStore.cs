namespace FleetMdm.Storage.Audit;

/// <summary>Who did what. Records are added; the database itself refuses to change one, and to delete one before its retention ends.</summary>
/// <remarks>What is written with a change of the device plane travels in its transaction: <c>EnrolmentChange.Audit</c>, <c>QueueAppend.Audit</c>,
/// <c>QueueFinish.Audit</c>, <c>OperationAppend.Audit</c>, and beside an invitation. Everything else comes by <see cref="Write"/>.</remarks>
public interface IAuditStore
{
    /// <summary>Adds a record; when it returns the record is durable. Idempotent by id.</summary>
    Task Write(AuditRecord record);

    /// <summary>Newest first, before the given id of the page before.</summary>
    Task<IReadOnlyList<AuditRecord>> List(AuditFilter filter, Guid? before, int limit);

    /// <summary>Who sent these commands of one enrolment, by CommandUUID; a command of an operation is the operation's (<see cref="FindStarters"/>).</summary>
    /// <param name="acceptedAfter">None of them was accepted before.</param>
    Task<IReadOnlyDictionary<string, AuditRecord>> FindSenders(
        string enrolmentId, IReadOnlyCollection<string> commandUuids, DateTimeOffset acceptedAfter);

    /// <summary>Who started these operations, by id.</summary>
    Task<IReadOnlyDictionary<string, AuditRecord>> FindStarters(IReadOnlyCollection<string> operationIds);
}

/// <summary>All parts that are set must hold.</summary>
public sealed record AuditFilter
{
    public static readonly AuditFilter Everything = new();

    /// <summary>A token's or iPad's id, or a token's name at the time, exactly.</summary>
    public string? Who { get; init; }
    /// <summary>Exactly; or a prefix that ends in a dot: <c>token.</c>.</summary>
    public string? Verb { get; init; }
    public string? TargetKind { get; init; }
    /// <summary>The target's id, exactly. An iPad's finds the operations that sent it a command too, as long as its queue or history holds that command.</summary>
    public string? Target { get; init; }
    public DateTimeOffset? From { get; init; }
    /// <summary>Before this time.</summary>
    public DateTimeOffset? To { get; init; }
    public AuditResult? Result { get; init; }
}
