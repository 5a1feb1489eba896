using System.Text.Json;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Api.Assignments;

/// <summary>How an assignment comes to its iPads, where it does not come to all at once. <c>{}</c>: the first 10, then a tenth, then all.</summary>
public sealed record RollOutRequest
{
    /// <summary>How many have been reached when each wave ends: numbers of iPads, or shares as in "10%", at most 20 of them. What they leave is one more wave.
    /// <c>[10, "10%", "100%"]</c> when absent.</summary>
    public IReadOnlyList<JsonElement>? Waves { get; init; }
    /// <summary>1 to 100: it stops by itself when more than so many of a hundred that answered in a wave failed. 10 when absent.</summary>
    public int? StopWhenFailed { get; init; }
    /// <summary>1 to 1000: so many must have answered before a wave is judged, or all of a smaller wave. 5 when absent.</summary>
    public int? Sample { get; init; }
    /// <summary>1 to 100: the next wave begins when so many of a hundred of this one have ended. 90 when absent.</summary>
    public int? NextWhenDone { get; init; }
    /// <summary>1 to 720: or so many hours after it began. 24 when absent.</summary>
    public int? WaveHours { get; init; }

    /// <exception cref="ApiProblem">400.</exception>
    internal AssignmentRollOut ToRollOut() => new()
    {
        Pace = new OperationPace
        {
            Waves = Waves is null ? ["10", "10%", "100%"] : OperationPaces.Waves("rollOut.waves", Waves),
            StopPercent = Text.Number("rollOut.stopWhenFailed", StopWhenFailed ?? 10, 1, 100),
            Sample = Text.Number("rollOut.sample", Sample ?? 5, 1, 1000),
            DonePercent = Text.Number("rollOut.nextWhenDone", NextWhenDone ?? 90, 1, 100),
            WaveHours = Text.Number("rollOut.waveHours", WaveHours ?? 24, 1, 720),
        },
    };
}

/// <summary>How an assignment comes to its iPads, and how far it is.</summary>
public sealed record RollOutView
{
    /// <summary>Running, Paused (it stopped by itself) or Over (all have it, or get it at once).</summary>
    public required string State { get; init; }
    /// <summary>Why it stopped by itself.</summary>
    public string? StopReason { get; init; }
    /// <summary>The present wave, from 1; 0: none has begun.</summary>
    public required int Wave { get; init; }
    /// <summary>How many waves it has. Before it begins: as many as were asked for.</summary>
    public required int Of { get; init; }
    /// <summary>When the present wave began.</summary>
    public DateTimeOffset? WaveBeganAt { get; init; }
    /// <summary>Each wave; only where one assignment is asked for, and when it has begun.</summary>
    public IReadOnlyList<RollOutWaveView>? Waves { get; init; }
    /// <summary>How it goes, as a sentence.</summary>
    public required string Words { get; init; }
    public int? StopWhenFailed { get; init; }
    public required int Sample { get; init; }
    public required int NextWhenDone { get; init; }
    public required int WaveHours { get; init; }

    /// <summary>It can go on, or be taken back.</summary>
    internal bool IsUnderWay => State != nameof(OperationPhase.Over);

    internal bool HasStopped => State == nameof(OperationPhase.Paused);

    /// <summary>For lists, after a comma.</summary>
    internal string Short => State switch
    {
        nameof(OperationPhase.Over) => "",
        nameof(OperationPhase.Paused) => ", stopped by itself",
        _ => Wave == 0 ? ", in waves" : FormattableString.Invariant($", wave {Wave} of {Of}"),
    };

    internal static RollOutView? From(AssignmentRollOut? one, IReadOnlyList<RollOutWaveRow>? waves = null)
    {
        if (one is null) return null;
        var ends = one.Ends;
        return new RollOutView
        {
            State = one.Phase.ToString(),
            StopReason = one.StopReason,
            Wave = one.Wave,
            Of = one.Wave == 0 ? one.Pace.Waves.Count : ends.Count,
            WaveBeganAt = one.WaveAt,
            Waves = waves is null || one.Wave == 0 ? null
                : [.. ends.Select((end, i) => RollOutWaveView.Of(i + 1, end - (i == 0 ? 0 : ends[i - 1]), i < one.Wave ? waves.FirstOrDefault(row => row.Wave == i + 1) : null))],
            Words = Rest.Text.Capital(OperationPaces.Words(one.Pace)),
            StopWhenFailed = one.Pace.StopPercent,
            Sample = one.Pace.Sample,
            NextWhenDone = one.Pace.DonePercent,
            WaveHours = one.Pace.WaveHours,
        };
    }
}

/// <summary>One wave, in numbers of enrolled iPads; of an assignment for users: of users.</summary>
public sealed record RollOutWaveView
{
    public required int Number { get; init; }
    /// <summary>For how many it was meant when the roll-out began.</summary>
    public required long Size { get; init; }
    /// <summary>How many it has reached.</summary>
    public required long Reached { get; init; }
    public required long Installed { get; init; }
    /// <summary>They refused it; it is tried again.</summary>
    public required long Failed { get; init; }
    /// <summary>They cannot have it.</summary>
    public required long NotApplicable { get; init; }

    internal static RollOutWaveView Of(int number, long size, RollOutWaveRow? row) => new()
    {
        Number = number,
        Size = size,
        Reached = row?.IPads ?? 0,
        Installed = row?.Installed ?? 0,
        Failed = row?.Failed ?? 0,
        NotApplicable = row?.NotApplicable ?? 0,
    };
}
