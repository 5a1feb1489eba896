using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Operations;

/// <summary>Operations that do not begin on all their iPads at once: whose turn it is, and what became of a wave. All of it stands in rows, so that whichever node
/// drives an operation knows the same.</summary>
/// <remarks>Each change asks again whether the operation still runs, and is in the wave that the caller thinks: a node that was late changes nothing.</remarks>
public interface IOperationPaceStore
{
    /// <summary>Null: there is no such operation, or it began on all at once.</summary>
    Task<PacedOperation?> Find(string id);

    Task<IReadOnlyList<OperationWaveRow>> ListWaves(string id);

    /// <summary>Those that run and whose next action is due.</summary>
    Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit);

    Task<WaveCounts> Count(string id, OperationWaveRow wave);

    /// <summary>The error that most iPads of a wave answered; null: none said one.</summary>
    Task<string?> MostFrequentError(string id, OperationWaveRow wave);

    /// <summary>By school, up to a position: most iPads first.</summary>
    Task<IReadOnlyList<WaitingSchool>> ListWaiting(string id, long last);

    /// <summary>Appends the queue rows of those whose turn it is, and has them announced and pushed; skips those that have left.</summary>
    /// <returns>How many began; null: it is not its turn any more.</returns>
    Task<long?> Begin(string id, PacedBegin begin);

    /// <summary>Ends a wave and begins the next one.</summary>
    Task NextWave(string id, int ended, DateTimeOffset at);

    /// <summary>When it is looked at again.</summary>
    Task SetNext(string id, DateTimeOffset? at);

    /// <summary>Nothing more begins.</summary>
    Task Finish(string id, DateTimeOffset at);

    /// <summary>False: it does not run. What has begun goes on.</summary>
    /// <param name="reason">Why it stopped by itself; null: somebody paused it.</param>
    Task<bool> Pause(string id, string? reason, AuditRecord? audit);

    /// <summary>False: it is not paused. One that stopped by itself goes on with the next wave.</summary>
    Task<bool> GoOn(string id, DateTimeOffset now, AuditRecord? audit);

    /// <summary>Operations that try the failures of this one again, newest first.</summary>
    Task<IReadOnlyList<OperationRow>> ListRetries(string id, int limit);

    /// <summary>Forgets who was a member of operations that are older.</summary>
    /// <returns>How many rows went; fewer than <paramref name="limit"/>: there are no more.</returns>
    Task<int> ForgetMembers(DateTimeOffset acceptedBefore, int limit);
}
