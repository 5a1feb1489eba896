using FleetMdm.Grains.Push;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Sweeps;

/// <summary>
/// Repeats the pushes that a process took with it when it died, or gave up while APNs did not take them: those of commands whose iPad was
/// neither pushed to since nor seen. Without it they would wait for the sweep over silent iPads, after a quarter of an hour.
/// </summary>
/// <remarks>Bounded: <see cref="MostInARun"/> iPads a run, at the pace of the outbox. A push too many wakes an iPad for nothing: one whose
/// command was sent with <c>push: false</c>, or whose push is on its way at that very moment.</remarks>
internal sealed partial class LostPushSweep(
    IFleetQueries fleet, PushOutbox outbox, PushCertificateSource certificate, IOptions<PushOptions> options, TimeProvider time,
    ILogger<LostPushSweep> logger) : IPushesLostDuty
{
    private const int PageSize = 500;
    private const int MostInARun = 100_000;

    /// <summary>By then the pushes of the living are out and APNs' answers are in the store: what is left was lost.</summary>
    private static readonly TimeSpan Settles = TimeSpan.FromSeconds(3);

    /// <summary>Once, when the sweep begins in this process.</summary>
    public TimeSpan Every => TimeSpan.MaxValue;

    /// <remarks>What was accepted before this process's outbox began was left to another one, which may have died.</remarks>
    public Task Run(CancellationToken cancellationToken) => Repeat(outbox.Began, cancellationToken);

    public async Task PushesLost(CancellationToken cancellationToken)
    {
        var lost = time.GetUtcNow();
        await Task.Delay(Settles, time, cancellationToken);
        await Repeat(lost, cancellationToken);
    }

    private async Task Repeat(DateTimeOffset acceptedBefore, CancellationToken cancellationToken)
    {
        // What is older is the silent sweep's.
        var acceptedSince = time.GetUtcNow() - TimeSpan.FromMinutes(options.Value.SweepSilentMinutes);
        if (certificate.TryUse(out _) is null || acceptedBefore <= acceptedSince)
            return;
        var found = 0;
        string? after = null;
        do
        {
            var page = await fleet.ListUntold(acceptedSince, acceptedBefore, after, PageSize);
            await outbox.AddAsync(page, cancellationToken);
            found += page.Count;
            after = page.Count < PageSize ? null : page[^1].EnrolmentId;
        }
        while (after is not null && found < MostInARun);
        if (found > 0)
            LogFound(logger, found);
    }

    [LoggerMessage(2455, LogLevel.Information, "Pushes were lost: {Count} iPads that nobody told of their newest command are pushed to")]
    private static partial void LogFound(ILogger logger, int count);
}
