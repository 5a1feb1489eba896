using FleetMdm.Grains.Push;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Sweeps;

/// <summary>
/// Wakes iPads again that have commands waiting and were not heard of for a while: whatever became of their pushes, their commands
/// are not forgotten.
/// </summary>
/// <remarks>Bounded: <see cref="MostInARun"/> iPads a run, at the pace of the outbox. An iPad is left alone for
/// <see cref="PushOptions.SweepRepeatHours"/> when APNs has taken a push for it since its command came.</remarks>
internal sealed partial class SilentPushSweep(
    IFleetQueries fleet, PushOutbox outbox, PushCertificateSource certificate, IOptions<PushOptions> options, TimeProvider time,
    ILogger<SilentPushSweep> logger) : ISweepDuty
{
    private const int PageSize = 500;
    private const int MostInARun = 100_000;

    /// <summary>The clocks of two nodes differ by less. A time further ahead is of a clock that was wrong for a while; an iPad must not be
    /// left waiting until it has come true.</summary>
    private static readonly TimeSpan ClocksDiffer = TimeSpan.FromMinutes(5);

    /// <summary>Where the last run stopped.</summary>
    private string? _after;

    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public async Task Run(CancellationToken cancellationToken)
    {
        // Without a certificate nothing would be sent, and all would be found again.
        if (certificate.TryUse(out _) is null)
            return;
        var now = time.GetUtcNow();
        var since = new SilentSince(
            Silent: now - TimeSpan.FromMinutes(options.Value.SweepSilentMinutes),
            Pushed: now - TimeSpan.FromHours(options.Value.SweepRepeatHours),
            Ahead: now + ClocksDiffer);
        var found = 0;
        while (found < MostInARun)
        {
            var page = await fleet.ListSilent(since, _after, PageSize);
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
