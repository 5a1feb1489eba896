using System.Globalization;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Operations;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Operations;

// Whose turn it is, of an operation with a pace:
//
//   1. is it time at all     it runs, its command has not expired, its start has come
//   2. the wave              has it ended, so that the next one begins? did too many fail, so that it stops by itself?
//   3. the schools           whose window is open, by the clock of each
//   4. begin                 one transaction: queue rows for those, within the free places of their schools
//   5. when to look again    the next window, a place that may become free, the end of the wave
//
// All of it stands in rows. A node that dies in between leaves next_at in the past, and the sweep of another one goes on.

/// <summary>Takes operations with a pace one step on. Called by the operation's grain only.</summary>
internal sealed partial class OperationPacer(IOperationPaceStore store, IOptions<OperationOptions> options, TimeProvider time, ILogger<OperationPacer> logger)
{
    /// <summary>A place of a school may be free: an iPad takes some seconds for a command.</summary>
    public static readonly TimeSpan SlotEvery = TimeSpan.FromSeconds(15);

    /// <summary>Counting a large wave reads as many rows.</summary>
    private static readonly TimeSpan LargeWaveEvery = TimeSpan.FromMinutes(1);
    private const int LargeWave = 2_000;

    /// <summary>Failures are told while it waits for a window; nothing depends on it.</summary>
    private static readonly TimeSpan FailuresEvery = TimeSpan.FromMinutes(5);

    /// <summary>Somebody may change a school's hours.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    /// <summary>More than a page shows.</summary>
    private const int MostWaits = 50;

    /// <returns>When it is to be looked at again; null: not before somebody does something.</returns>
    public async Task<DateTimeOffset?> Advance(string id)
    {
        while (true)
        {
            // 1
            if (await store.Find(id) is not { Phase: OperationPhase.Running, CancelledAt: null } operation) return null;
            var (pace, now) = (operation.Pace, time.GetUtcNow());
            if (operation.ExpiresAt <= now)
            {
                await store.Finish(id, now);
                return null;
            }

            if (pace.StartAt > now) return await LookAgain(id, pace.StartAt.Value);

            // 2
            var waves = await store.ListWaves(id);
            var wave = waves[operation.Wave - 1];
            var isLast = operation.Wave == waves.Count;
            var counts = await store.Count(id, wave);
            var (verdict, reason) = WavePart.Judge(pace, wave, counts, operation.Excused, now);
            if (verdict == WaveVerdict.Stop && !(isLast && counts.Waiting == 0))
            {
                await Stop(id, wave, reason!);
                return null;
            }

            if (verdict == WaveVerdict.End && !isLast)
            {
                await store.NextWave(id, operation.Wave, now);
                continue;
            }

            // 3
            var waiting = await store.ListWaiting(id, wave.Last);
            var open = waiting.Where(school => Opening(pace, school, now) is null).ToList();

            // 4
            if (open.Count > 0)
            {
                var begin = new PacedBegin(
                    operation.Wave, wave.Last, open.Count == waiting.Count ? null : [.. open.Select(school => school.School)], now, now - TimeSpan.FromMinutes(pace.SlotMinutes));
                if (await store.Begin(id, begin) is null) continue;
                waiting = await store.ListWaiting(id, wave.Last);
            }

            // 5
            if (waiting.Count == 0 && isLast)
            {
                await store.Finish(id, now);
                return null;
            }

            var next = waiting.Count == 0
                ? now + (wave.Last - wave.First < LargeWave ? SlotEvery : LargeWaveEvery)
                : waiting.Min(school => Opening(pace, school, now) ?? now + SlotEvery);
            if (pace.StopPercent is not null && counts.Ended < counts.Begun) next = Earlier(next, now + FailuresEvery);
            return await LookAgain(id, Earlier(next, now + LongestWait));
        }
    }

    /// <summary>What those that have not begun wait for, in the present wave.</summary>
    public async Task<IReadOnlyList<OperationWait>> Waits(PacedOperation operation, OperationWaveRow wave, bool isLast)
    {
        var (pace, now) = (operation.Pace, time.GetUtcNow());
        if (operation.Phase != OperationPhase.Running || operation.CancelledAt is not null || operation.NotBegun == 0) return [];
        if (pace.StartAt > now) return [new OperationWait(OperationWait.Start, null, operation.NotBegun, pace.StartAt, Clock(pace.StartAt.Value, options.Value.Zone(), now))];
        var waiting = await store.ListWaiting(operation.Id, wave.Last);
        if (waiting.Count == 0) return isLast ? [] : [new OperationWait(OperationWait.Wave, null, operation.NotBegun, null, null)];
        return
        [
            .. from school in waiting.Take(MostWaits)
               let opening = Opening(pace, school, now)
               let name = school.School.Length == 0 ? null : school.School
               select opening is null
                   ? new OperationWait(pace.SchoolLimits && school.AtOnce is not null ? OperationWait.Places : OperationWait.Turn, name, school.IPads, null, null)
                   : opening == DateTimeOffset.MaxValue
                       ? new OperationWait(OperationWait.Never, name, school.IPads, null, null)
                       : new OperationWait(OperationWait.Window, name, school.IPads, opening, Clock(opening.Value, Zone(school), now)),
        ];
    }

    /// <summary>When iPads of a school may begin; null: now. One that never may is far away.</summary>
    private DateTimeOffset? Opening(OperationPace pace, WaitingSchool school, DateTimeOffset now)
    {
        if (pace.Window is not { } window) return null;
        var (ranges, zone) = (WindowPart.Ranges(window, school.Hours.Count > 0 ? school.Hours : options.Value.Hours()), Zone(school));
        return WindowPart.IsOpen(ranges, zone, now) ? null : WindowPart.NextOpening(ranges, zone, now) ?? DateTimeOffset.MaxValue;
    }

    private TimeZoneInfo Zone(WaitingSchool school) =>
        school.TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : options.Value.Zone();

    private static string Clock(DateTimeOffset at, TimeZoneInfo zone, DateTimeOffset now)
    {
        var (then, today) = (TimeZoneInfo.ConvertTime(at, zone), TimeZoneInfo.ConvertTime(now, zone));
        return then.ToString(then.Date == today.Date ? "HH:mm" : "dddd HH:mm", CultureInfo.InvariantCulture)
            + (then.Date > today.Date.AddDays(6) ? then.ToString(", yyyy-MM-dd", CultureInfo.InvariantCulture) : "");
    }

    private async Task Stop(string id, OperationWaveRow wave, string reason)
    {
        if (await store.MostFrequentError(id, wave) is { } error) reason += $". Most often: {error}";
        var audit = AuditRecord.New(time.GetUtcNow(), AuditActor.Server, AuditVerbs.OperationPause) with
        {
            TargetKind = AuditTargets.Operation,
            TargetId = id,
            Detail = reason,
        };
        if (await store.Pause(id, reason, audit)) LogStopped(logger, id, reason);
    }

    private async Task<DateTimeOffset?> LookAgain(string id, DateTimeOffset at)
    {
        await store.SetNext(id, at);
        return at;
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    [LoggerMessage(2113, LogLevel.Warning, "Operation {Id} stopped by itself: {Reason}")]
    private static partial void LogStopped(ILogger logger, string id, string reason);
}
