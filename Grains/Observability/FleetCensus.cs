using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Observability;

/// <summary>Counts what waits and who is enrolled, for <see cref="FleetMetrics"/>: once for all nodes, not at each scrape of each.</summary>
/// <remarks>Both counts read a table from end to end. The queue is narrow (a million rows take a tenth of a second) and changes fast;
/// the enrolments are wide and change slowly.</remarks>
internal sealed class FleetCensus(IFleetQueries fleet, FleetMetrics metrics, TimeProvider time) : ISweepDuty
{
    private static readonly TimeSpan EnrolmentsEvery = TimeSpan.FromMinutes(10);

    private long? _enrolmentsAt;

    /// <summary>A little less than a minute: with each tick of the sweep, whatever its timer's jitter.</summary>
    public TimeSpan Every => TimeSpan.FromSeconds(50);

    public async Task Run(CancellationToken cancellationToken)
    {
        metrics.Counted(await fleet.CountWaiting());
        if (_enrolmentsAt is { } last && time.GetElapsedTime(last) < EnrolmentsEvery)
            return;
        metrics.Counted(await fleet.CountDevices(Scope.District));
        _enrolmentsAt = time.GetTimestamp();
    }
}
