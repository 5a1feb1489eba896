using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Operations;

/// <summary>Stored as a number: never renumber.</summary>
public enum RepeatState : short
{
    Running = 1,
    Paused = 2,
    /// <summary>It never runs again.</summary>
    Ended = 3,
}

/// <summary>An operation that is started again and again, on days of the week at a time.</summary>
public sealed record RepeatingOperation
{
    /// <summary>Lower-case UUID.</summary>
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string RequestType { get; init; }
    /// <summary>Of the command, as it was stored.</summary>
    public required byte[] BodyHash { get; init; }
    /// <summary>The target as JSON, as grains take it.</summary>
    public required string Target { get; init; }
    /// <summary>The target in the words of the one who asked, as JSON.</summary>
    public required string Asked { get; init; }
    public OperationPace? Pace { get; init; }
    public required bool Push { get; init; }
    public required bool Force { get; init; }
    /// <summary>How long the command of a run is delivered; null: until it is cancelled.</summary>
    public int? ExpiresHours { get; init; }
    public required IReadOnlyList<DayOfWeek> Days { get; init; }
    /// <summary>Minutes after midnight.</summary>
    public required int AtMinutes { get; init; }
    /// <summary>As in the IANA database.</summary>
    public required string TimeZone { get; init; }
    public required RepeatState State { get; init; }
    /// <summary>Null: it does not run.</summary>
    public DateTimeOffset? NextAt { get; init; }
    public DateTimeOffset? LastAt { get; init; }
    public string? LastOperationId { get; init; }
    /// <summary>Why the last run started no operation.</summary>
    public string? LastProblem { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
}

/// <summary>Operations that are started again and again.</summary>
public interface IRepeatStore
{
    /// <summary>More than a district needs.</summary>
    const int Most = 500;

    /// <summary>False: there are <see cref="Most"/> that have not ended. A repetition after a lost answer is true.</summary>
    Task<bool> Create(RepeatingOperation repeating, AuditRecord? audit);

    Task<RepeatingOperation?> Find(string id);

    /// <summary>By id, after another one.</summary>
    Task<IReadOnlyList<RepeatingOperation>> List(string? after, int limit);

    /// <summary>Its runs, newest first.</summary>
    Task<IReadOnlyList<OperationRow>> ListRuns(string id, int limit);

    Task<IReadOnlyList<RepeatingOperation>> ListDue(DateTimeOffset now, int limit);

    /// <summary>Notes a run, and when the next one is. Nothing changes when somebody has noted it, or has paused it meanwhile.</summary>
    /// <param name="due">When it was due: as it stands there.</param>
    /// <param name="operationId">What it started; null: nothing.</param>
    Task NoteRun(string id, DateTimeOffset due, DateTimeOffset at, DateTimeOffset next, string? operationId, string? problem);

    /// <summary>False: there is none, or it has ended; then it cannot change.</summary>
    /// <param name="next">When it runs next; null: it does not.</param>
    Task<bool> Set(string id, RepeatState state, DateTimeOffset? next, AuditRecord? audit);

    /// <summary>Forgets those that have ended and last ran before; their runs stay.</summary>
    /// <returns>How many were forgotten; fewer than <paramref name="limit"/>: there are no more.</returns>
    Task<int> ForgetEnded(DateTimeOffset before, int limit);
}
