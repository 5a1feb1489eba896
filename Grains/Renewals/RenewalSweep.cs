using System.Security.Cryptography;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Renewals;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Renewals;

/// <summary>
/// Keeps the identity certificates of iPads alive. 1. Once an hour it finds those that end soon, and plans each. 2. Each minute it looks at
/// those that are due, by their iPads' grains. 3. Once an hour it plans those of a former CA. 4. Once a day it says how many need a person.
/// </summary>
/// <remarks>Bounded: a minute starts its part of <see cref="RenewalOptions.PerHour"/>, and an hour no more than that, whatever node it runs on. An
/// iPad that cannot be looked at is put off, so that it never stands before the others.</remarks>
internal sealed partial class RenewalSweep(
    IRenewalStore store, IGrainFactory grains, IOptions<RenewalOptions> options, RenewalMetrics metrics, TimeProvider time, ILogger<RenewalSweep> logger)
    : ISweepDuty
{
    private static readonly TimeSpan PlanEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan WarnEvery = TimeSpan.FromDays(1);
    private static readonly TimeSpan PutOffFor = TimeSpan.FromHours(1);

    private const int PageSize = 500;
    private const int MostPages = 1_000;
    private const int AtATime = 8;

    /// <summary>Looks that start nothing cost little: commands that wait, and what is over.</summary>
    private const int MostLooks = 2_000;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>How many this node has started when, in the last hour: the rows of those that are done are gone.</summary>
    private readonly Queue<(long At, int Count)> _started = [];

    private long? _plannedAt;
    private long? _movedAt;
    private long? _warnedAt;

    /// <summary>A little less than a minute: with each tick of the sweep, whatever its timer's jitter.</summary>
    public TimeSpan Every => TimeSpan.FromSeconds(50);

    public async Task Run(CancellationToken cancellationToken)
    {
        // 1
        if (IsDue(_plannedAt, PlanEvery))
        {
            await Plan(cancellationToken);
            _plannedAt = time.GetTimestamp();
        }

        // 2
        await Look(cancellationToken);

        // 3
        if (IsDue(_movedAt, PlanEvery))
        {
            // Also when it fails: a node of an older version cannot be asked, and the rest of the sweep must go on.
            _movedAt = time.GetTimestamp();
            await PlanMoves(cancellationToken);
        }

        // 4
        var counts = await store.Count();
        metrics.Counted(counts);
        if (counts.WithProblem == 0 || !IsDue(_warnedAt, WarnEvery)) return;
        LogProblems(logger, counts.WithProblem);
        _warnedAt = time.GetTimestamp();
    }

    private bool IsDue(long? last, TimeSpan every) => last is not { } at || time.GetElapsedTime(at) >= every;

    private async Task Plan(CancellationToken cancellationToken)
    {
        var before = time.GetUtcNow() + TimeSpan.FromDays(options.Value.DaysBefore);
        for (var page = 0; page < MostPages && !cancellationToken.IsCancellationRequested; page++)
        {
            var ending = await store.ListEnding(before, PageSize);
            await store.Add([.. ending.Select(identity => RenewalPart.Plan(identity, options.Value))]);
            if (ending.Count < PageSize) break;
        }
    }

    /// <summary>iPads whose certificate is of a former CA get one of the present CA, spread as those that end on one day.</summary>
    private async Task PlanMoves(CancellationToken cancellationToken)
    {
        if (await grains.GetGrain<ICertificateAuthorityGrain>(ICertificateAuthorityGrain.Key).Find() is not { } authority) return;
        foreach (var former in authority.FormerCas ?? [])
        {
            var issuer = SHA256.HashData(former.Certificate);
            var isFirst = authority.FirstCa is { } first && first.AsSpan().SequenceEqual(issuer);
            string? after = null;
            for (var page = 0; page < MostPages && !cancellationToken.IsCancellationRequested; page++)
            {
                var identities = await store.ListIssuedBy(issuer, isFirst, after, PageSize);
                await store.Add([.. identities.Select(identity => RenewalPart.PlanMove(identity, former.ReplacedAt, options.Value))]);
                if (identities.Count < PageSize) break;
                after = identities[^1].DeviceId;
            }
        }
    }

    private async Task Look(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var perMinute = (options.Value.PerHour + 59) / 60;
        while (_started.TryPeek(out var oldest) && time.GetElapsedTime(oldest.At) >= Hour) _started.Dequeue();
        var lastHour = Math.Max(_started.Sum(run => run.Count), await store.CountStarted(now - Hour));
        var left = (int)Math.Min(perMinute, options.Value.PerHour - lastHour);
        for (var looks = 0; left > 0 && looks < MostLooks && !cancellationToken.IsCancellationRequested;)
        {
            var due = await store.ListDue(now, left);
            var started = 0;
            await Parallel.ForEachAsync(
                due,
                new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken },
                async (id, _) =>
                {
                    if (await LookAt(id, now) == RenewalStep.Started) Interlocked.Increment(ref started);
                });
            if (started > 0) _started.Enqueue((time.GetTimestamp(), started));
            if (due.Count < left) break;
            left -= started;
            looks += due.Count;
        }
    }

    private async Task<RenewalStep> LookAt(string id, DateTimeOffset now)
    {
        try
        {
            return await grains.GetGrain<IDeviceGrain>(id).RenewIdentity(now: false);
        }
        catch (Exception e)
        {
            LogPutOff(logger, id, e);
            await store.Postpone(id, now + PutOffFor);
            return RenewalStep.NotDue;
        }
    }

    [LoggerMessage(2457, LogLevel.Warning, "The renewal of the identity certificate of {Id} could not be looked at; it is looked at again in an hour")]
    private static partial void LogPutOff(ILogger logger, string id, Exception exception);

    [LoggerMessage(2456, LogLevel.Warning,
        "The identity certificates of {Count} iPads end soon, or are of a former CA, and are not renewed. The console says why, under Certificates. An iPad is lost when its certificate has ended")]
    private static partial void LogProblems(ILogger logger, long count);
}
