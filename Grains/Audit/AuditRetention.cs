using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Audit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Audit;

/// <summary>Drops audit records that are past their retention, in small pieces. Nothing else can delete one.</summary>
internal sealed partial class AuditRetention(
    IAuditChain store, IOptions<RetentionOptions> options, TimeProvider time, ILogger<AuditRetention> logger) : ISweepDuty
{
    private const int PieceSize = 1_000;
    private const int MostPieces = 1_000;
    /// <summary>Between the pieces, for those who work.</summary>
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);

    public TimeSpan Every => TimeSpan.FromHours(1);

    public async Task Run(CancellationToken cancellationToken)
    {
        if (options.Value.AuditDays == 0)
            return;
        var before = time.GetUtcNow() - TimeSpan.FromDays(options.Value.AuditDays);
        var total = 0;
        for (var piece = 0; piece < MostPieces; piece++)
        {
            var dropped = await store.Drop(before, PieceSize);
            total += dropped;
            if (dropped < PieceSize)
                break;
            await Task.Delay(Breath, time, cancellationToken);
        }

        if (total > 0)
            LogDropped(logger, total, before);
    }

    [LoggerMessage(2471, LogLevel.Information, "{Count} audit records from before {Before:yyyy-MM-dd} were dropped")]
    private static partial void LogDropped(ILogger logger, int count, DateTimeOffset before);
}
