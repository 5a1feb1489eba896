using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Inventory;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Inventory;

/// <summary>Counts the apps of the fleet anew. It costs no more than a hundredth of the time: a school is counted each minute, a district with half
/// a million iPads every hour or two.</summary>
internal sealed partial class InstalledAppSweep(IInstalledAppStore store, TimeProvider time, ILogger<InstalledAppSweep> logger) : ISweepDuty
{
    private const int Share = 100;

    private long? _ended;
    private TimeSpan _took;
    private bool _told;

    /// <summary>A little less than a minute: with each tick of the sweep, whatever its timer's jitter.</summary>
    public TimeSpan Every => TimeSpan.FromSeconds(50);

    public async Task Run(CancellationToken cancellationToken)
    {
        if (_ended is { } ended && time.GetElapsedTime(ended) < _took * Share) return;
        var began = time.GetTimestamp();
        var apps = await store.CountAll(cancellationToken);
        _took = time.GetElapsedTime(began);
        _ended = time.GetTimestamp();
        if (await store.LastCount() is not { Cut: true })
        {
            _told = false;
            return;
        }

        if (!_told) LogCut(logger, apps);
        _told = true;
    }

    [LoggerMessage(2462, LogLevel.Warning, "iPads have more than {Count} different apps: the list of apps of the fleet is not whole")]
    private static partial void LogCut(ILogger logger, int count);
}
