using FleetMdm.Storage.Queries;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Push;

/// <summary>
/// Wakes iPads again that have commands waiting and were not heard of for a while: whatever became of their pushes, their commands
/// are not forgotten.
/// </summary>
/// <remarks>Bounded: <see cref="MostInARun"/> iPads a run, at the pace of the outbox. An iPad that APNs took a push for is left
/// alone for <see cref="PushOptions.SweepRepeatHours"/>.</remarks>
internal sealed partial class SilentPushSweep(
    IFleetQueries fleet, PushOutbox outbox, PushCertificateSource certificate, IOptions<PushOptions> options, TimeProvider time,
    ILogger<SilentPushSweep> logger) : ISweepDuty
{
    private const int PageSize = 500;
    private const int MostInARun = 100_000;

    /// <summary>Where the last run stopped.</summary>
    private string? _after;

    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public async Task Run(CancellationToken cancellationToken)
    {
        // Without a certificate nothing would be sent, and all would be found again.
        if (certificate.TryUse(out _) is null)
            return;
        var now = time.GetUtcNow();
        var silentSince = now - TimeSpan.FromMinutes(options.Value.SweepSilentMinutes);
        var pushedBefore = now - TimeSpan.FromHours(options.Value.SweepRepeatHours);
        var found = 0;
        while (found < MostInARun)
        {
            var page = await fleet.ListSilent(silentSince, pushedBefore, _after, PageSize);
            await outbox.AddAsync(page, cancellationToken);
            found += page.Count;
            _after = page.Count < PageSize ? null : page[^1].EnrolmentId;
            if (_after is null)
                break;
        }
        if (found > 0)
            LogFound(logger, found);
    }

    [LoggerMessage(2451, LogLevel.Information, "{Count} silent iPads with commands waiting are pushed to again")]
    private static partial void LogFound(ILogger logger, int count);
}
