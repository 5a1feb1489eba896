using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Assignments;

/// <summary>Assignments that do not come to all their iPads at once: whose turn it is, and what became of a wave. All of it stands in rows, so that whichever node looks goes on
/// where another one stopped.</summary>
/// <remarks>An iPad whose turn has not come has no row, and its grain does not come to know of the assignment. Each change asks again whether the roll-out is in the wave that the
/// caller thinks: a node that was late changes nothing.</remarks>
public interface IRollOutStore
{
    /// <summary>Those that go on, of assignments in force.</summary>
    Task<IReadOnlyList<RunningRollOut>> ListRunning();

    /// <summary>What became of the present wave, on enrolled iPads.</summary>
    Task<WaveCounts> Count(RunningRollOut rollOut);

    /// <summary>What most iPads of a wave said that failed; null: none said anything.</summary>
    Task<string?> MostFrequentReason(string id, int wave);

    /// <summary>Begins the first wave, if there is an iPad for it by now.</summary>
    /// <returns>For how many iPads something changed.</returns>
    Task<long> Begin(string id, DateTimeOffset now);

    /// <summary>Ends a wave and begins the next one. After the last one the roll-out is over: whatever comes under the assignment later gets it at once.</summary>
    /// <returns>False: it is in another wave, or does not go on.</returns>
    Task<bool> NextWave(string id, int ended, DateTimeOffset now);

    /// <summary>No further iPad gets it until somebody lets it go on.</summary>
    /// <param name="withdraw">Those of the wave that it was not sent to yet do not get it either.</param>
    /// <returns>False: it is in another wave, or does not go on.</returns>
    Task<bool> Stop(string id, int wave, bool withdraw, string reason, AuditRecord? audit);

    /// <summary>It goes on with the next wave: whoever says so accepts the failures.</summary>
    /// <returns>Null: there is no such assignment. False: its roll-out has not stopped.</returns>
    Task<bool?> GoOn(Scope scope, string id, DateTimeOffset now, AuditRecord? audit);

    /// <summary>Ends the assignment: it is taken from the iPads that have it. If it is put in force again, its roll-out begins anew.</summary>
    /// <returns>Null: there is no such assignment. False: it is rolled out to nobody, or to all.</returns>
    Task<bool?> TakeBack(Scope scope, string id, DateTimeOffset now, string by, AuditRecord? audit);

    /// <summary>How the waves of one stand, those that have begun, on enrolled iPads.</summary>
    Task<IReadOnlyList<RollOutWaveRow>> ListWaves(string id);

    /// <summary>Those that have stopped by themselves, by name.</summary>
    Task<IReadOnlyList<(string Id, string Name)>> ListStopped(Scope scope, int limit);
}

/// <summary>How an assignment comes to its iPads, where it does not come to all at once.</summary>
public sealed record AssignmentRollOut
{
    public required OperationPace Pace { get; init; }
    public OperationPhase Phase { get; init; } = OperationPhase.Running;
    /// <summary>The present wave, from 1; 0: none has begun.</summary>
    public int Wave { get; init; }
    /// <summary>Up to this wave somebody has accepted the failures.</summary>
    public int Excused { get; init; }
    /// <summary>How many iPads lacked it when the first wave began.</summary>
    public long Total { get; init; }
    /// <summary>So many iPads of waves may have it now; null: all that the target finds.</summary>
    public long? Limit { get; init; } = 0;
    /// <summary>When the present wave began.</summary>
    public DateTimeOffset? WaveAt { get; init; }
    /// <summary>Why it stopped by itself.</summary>
    public string? StopReason { get; init; }

    /// <summary>How many have been reached when each wave ends; of the last one: all, also those that came since.</summary>
    public IReadOnlyList<long> Ends => Pace.Ends(Total);

    public bool IsLast => Wave >= Ends.Count;

    /// <summary>How many may be reached in a wave; null: all.</summary>
    public long? LimitOf(int wave) => wave < Ends.Count ? Ends[wave - 1] : null;
}

public sealed record RunningRollOut(string Id, string Name, AssignmentRollOut RollOut);

/// <param name="IPads">That were reached by it and are enrolled.</param>
/// <param name="Failed">They refused it; it is tried again.</param>
public sealed record RollOutWaveRow(int Wave, long IPads, long Installed, long Failed, long NotApplicable);
