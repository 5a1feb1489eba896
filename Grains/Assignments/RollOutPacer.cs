using FleetMdm.Grains.Operations;
using FleetMdm.Storage;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Operations;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Assignments;

/// <summary>Moves roll-outs of assignments on: by the same rule as waves of operations. It keeps nothing that matters: where each stands is in the store.</summary>
/// <remarks>One call at a time, by the plan grain.</remarks>
internal sealed partial class RollOutPacer(IRollOutStore store, ILogger<RollOutPacer> logger)
{
    /// <summary>Its counting takes milliseconds for each thousand.</summary>
    private const int LargeWave = 1_000;

    private static readonly TimeSpan LargeWaveEvery = TimeSpan.FromSeconds(30);

    /// <summary>One that found nobody to begin with.</summary>
    private static readonly TimeSpan BeginEvery = TimeSpan.FromMinutes(1);

    private readonly Dictionary<(string Id, int Wave), DateTimeOffset> _next = [];

    public async Task Look(DateTimeOffset now)
    {
        var running = await store.ListRunning();
        foreach (var gone in _next.Keys.Except(running.Select(Key)).ToList()) _next.Remove(gone);
        foreach (var one in running.Where(one => !_next.TryGetValue(Key(one), out var at) || now >= at))
        {
            try
            {
                await LookAt(one, now);
            }
            catch (Exception e) when (e is not (StoreUnavailableException or OperationCanceledException))
            {
                // It holds up no other assignment.
                _next[Key(one)] = now + BeginEvery;
                LogFailed(one.Name, one.Id, e);
            }
        }
    }

    private async Task LookAt(RunningRollOut one, DateTimeOffset now)
    {
        if (one.RollOut.Wave == 0)
        {
            _next[Key(one)] = now + BeginEvery;
            await store.Begin(one.Id, now);
            return;
        }

        var counts = await store.Count(one);
        if (counts.Begun > LargeWave) _next[Key(one)] = now + LargeWaveEvery;
        var (verdict, reason) = WavePart.Judge(one.RollOut.Pace, new OperationWaveRow(one.RollOut.Wave, 0, 0, one.RollOut.WaveAt, null), counts, one.RollOut.Excused, now);
        if (verdict == WaveVerdict.Stop) await Stop(one, counts, reason!, now);
        else if (verdict == WaveVerdict.End && await store.NextWave(one.Id, one.RollOut.Wave, now)) LogWaveEnded(one.Name, one.Id, one.RollOut.Wave, one.RollOut.Ends.Count);
    }

    private async Task Stop(RunningRollOut one, WaveCounts counts, string reason, DateTimeOffset now)
    {
        if (counts.Failed > 0 && await store.MostFrequentReason(one.Id, one.RollOut.Wave) is { } said) reason += $". Most often: {said}";
        var audit = AuditRecord.New(now, AuditActor.Server, AuditVerbs.AssignmentStop) with
        {
            TargetKind = AuditTargets.Assignment,
            TargetId = one.Id,
            Detail = $"{one.Name}: {reason}",
        };
        // Who only did not answer may still have it.
        if (await store.Stop(one.Id, one.RollOut.Wave, withdraw: counts.Failed > 0, reason, audit)) LogStopped(one.Name, one.Id, reason);
    }

    private static (string Id, int Wave) Key(RunningRollOut one) => (one.Id, one.RollOut.Wave);

    [LoggerMessage(2930, LogLevel.Warning, "The roll-out of the assignment {Name} ({Id}) stopped by itself: {Reason}")]
    private partial void LogStopped(string name, string id, string reason);

    [LoggerMessage(2932, LogLevel.Error, "The roll-out of the assignment {Name} ({Id}) could not be looked at. It is looked at again in a minute; other assignments go on")]
    private partial void LogFailed(string name, string id, Exception exception);

    [LoggerMessage(2931, LogLevel.Information, "Roll-out of the assignment {Name} ({Id}): wave {Wave} of {Waves} has ended")]
    private partial void LogWaveEnded(string name, string id, int wave, int waves);
}
