using System.Diagnostics.Metrics;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Renewals;

namespace FleetMdm.Grains.Renewals;

/// <summary>Meter <c>FleetMdm.Renewals</c>: identity certificates that end soon. The node on which the sweep runs serves the counts.</summary>
internal sealed class RenewalMetrics : IDisposable
{
    /// <summary>Several counts that did not come: the sweep runs elsewhere.</summary>
    private static readonly TimeSpan BelieveFor = TimeSpan.FromMinutes(10);

    private readonly TimeProvider _time;
    private readonly Meter _meter;
    private volatile Tuple<RenewalCounts, long>? _counts;

    public RenewalMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        _meter = meters.Create("FleetMdm.Renewals");
        _meter.CreateObservableGauge("fleetmdm.renewals", Counts, "{certificate}", "Identity certificates of iPads that end soon, by the state of their renewal");
        Started = _meter.CreateStandingCounter("fleetmdm.renewals.started", "{renewal}", "Commands queued that make an iPad renew its identity certificate");
        Done = _meter.CreateStandingCounter("fleetmdm.renewals.done", "{renewal}", "iPads that spoke for the first time with a renewed identity certificate");
        Failed = _meter.CreateStandingCounter("fleetmdm.renewals.failed", "{renewal}", "Renewals that ended without a new identity certificate; they are tried again");
    }

    public StandingCounter Started { get; }

    public StandingCounter Done { get; }

    public StandingCounter Failed { get; }

    public void Counted(RenewalCounts counts) => _counts = Tuple.Create(counts, _time.GetTimestamp());

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Counts()
    {
        if (_counts is not var (counts, at) || _time.GetElapsedTime(at) > BelieveFor) return [];
        return
        [
            Of(counts.WithProblem, "problem"), Of(counts.UnderWay, "under-way"), Of(counts.All - counts.WithProblem - counts.UnderWay, "planned"),
        ];

        static Measurement<long> Of(long count, string state) => new(count, new KeyValuePair<string, object?>("state", state));
    }
}
