using FleetMdm.Grains.Observability;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Campaigns;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Returns;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Sweeps;

/// <summary>Makes room for the coming months of the history, and drops finished commands that are past their retention, in pieces that
/// hold no lock for long.</summary>
internal sealed partial class HistoryRetention(
    IStoreControl store, IOptions<RetentionOptions> options, FleetMetrics metrics, TimeProvider time, ILogger<HistoryRetention> logger)
    : ISweepDuty
{
    private const int MostPieces = 1_000;
    /// <summary>Between the pieces, for those who work.</summary>
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);

    public TimeSpan Every => TimeSpan.FromHours(1);

    public async Task Run(CancellationToken cancellationToken)
    {
        // Also where nothing is ever dropped: a server may run for longer than it has made room for.
        await store.PrepareHistory(cancellationToken);
        if (options.Value.HistoryDays == 0)
            return;
        var finishedBefore = time.GetUtcNow() - TimeSpan.FromDays(options.Value.HistoryDays);
        var total = 0L;
        for (var piece = 0; piece < MostPieces; piece++)
        {
            var dropped = await store.DropHistory(finishedBefore, cancellationToken);
            if (dropped == 0)
                break;
            total += dropped;
            metrics.HistoryDropped.Add(dropped);
            await Task.Delay(Breath, time, cancellationToken);
        }
        if (total > 0)
            LogDropped(logger, total, finishedBefore);
    }

    [LoggerMessage(2453, LogLevel.Information, "{Count} commands that were finished before {FinishedBefore:yyyy-MM-dd} were dropped from the history")]
    private static partial void LogDropped(ILogger logger, long count, DateTimeOffset finishedBefore);
}

/// <summary>Forgets answers that were kept for repeated requests.</summary>
internal sealed class IdempotencyRetention(IIdempotencyStore store, TimeProvider time) : ISweepDuty
{
    /// <summary>Nobody repeats a request after a day and means the same one.</summary>
    private static readonly TimeSpan Keep = TimeSpan.FromDays(1);
    private const int PieceSize = 1_000;
    private const int MostPieces = 100;

    public TimeSpan Every => TimeSpan.FromMinutes(10);

    public async Task Run(CancellationToken cancellationToken)
    {
        var claimedBefore = time.GetUtcNow() - Keep;
        for (var piece = 0; piece < MostPieces && !cancellationToken.IsCancellationRequested; piece++)
        {
            if (await store.Prune(claimedBefore, PieceSize) < PieceSize)
                break;
        }
    }
}

/// <summary>Forgets campaigns of the end of a year that were closed long ago.</summary>
internal sealed class CampaignRetention(ICampaignStore store, IOptions<RetentionOptions> options, TimeProvider time) : ISweepDuty
{
    public TimeSpan Every => TimeSpan.FromHours(1);

    public Task Run(CancellationToken cancellationToken) =>
        options.Value.HistoryDays == 0 ? Task.CompletedTask : store.Forget(time.GetUtcNow() - TimeSpan.FromDays(options.Value.HistoryDays));
}

/// <summary>Forgets which iPads returned to service, as old as the history.</summary>
internal sealed class ReturnRetention(IReturnStore store, IOptions<RetentionOptions> options, TimeProvider time) : ISweepDuty
{
    private const int PieceSize = 5_000;
    private const int MostPieces = 20;

    public TimeSpan Every => TimeSpan.FromHours(1);

    public async Task Run(CancellationToken cancellationToken)
    {
        if (options.Value.HistoryDays == 0) return;
        var before = time.GetUtcNow() - TimeSpan.FromDays(options.Value.HistoryDays);
        for (var piece = 0; piece < MostPieces && !cancellationToken.IsCancellationRequested; piece++)
        {
            if (await store.Forget(before, PieceSize) < PieceSize) break;
        }
    }
}
