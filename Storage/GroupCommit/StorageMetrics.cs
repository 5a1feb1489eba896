using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Storage.GroupCommit;

/// <summary>The meter <c>FleetMdm.Storage</c>.</summary>
internal sealed class StorageMetrics : IDisposable
{
    public const string MeterName = "FleetMdm.Storage";

    private readonly Histogram<int> _batchSize;
    private readonly Histogram<double> _latency;
    private readonly ConcurrentDictionary<string, Func<int>> _depths = new();

    public StorageMetrics(IMeterFactory? factory = null)
    {
        Meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _batchSize = Meter.CreateHistogram(
            "fleetmdm.storage.batch.size", "{item}", "Callers served by one transaction.", advice: FleetInstruments.Sizes);
        _latency = Meter.CreateHistogram(
            "fleetmdm.storage.batch.duration", "s", "From the start of a batch until it is durable.", advice: FleetInstruments.Durations);
        Meter.CreateObservableGauge("fleetmdm.storage.lane.depth", ObserveDepths, "{item}", "Callers waiting for the next batch.");
        Conflicts = Meter.CreateStandingCounter("fleetmdm.storage.conflicts", "{change}", "Changes refused since another activation wrote.");
        Retries = Meter.CreateStandingCounter("fleetmdm.storage.retries", "{batch}", "Batches repeated after a failure of the database.");
        Rejected = Meter.CreateStandingCounter("fleetmdm.storage.rejected", "{item}", "Rows that the database refused.");
    }

    public Meter Meter { get; }

    public StandingCounter Conflicts { get; }

    public StandingCounter Retries { get; }

    public StandingCounter Rejected { get; }

    public void Batch(string lane, int size, TimeSpan duration)
    {
        var tag = new KeyValuePair<string, object?>("lane", lane);
        _batchSize.Record(size, tag);
        _latency.Record(duration.TotalSeconds, tag);
    }

    public IDisposable WatchDepth(string lane, Func<int> depth)
    {
        _depths[lane] = depth;
        return new Watch(() => _depths.TryRemove(new(lane, depth)));
    }

    public void Dispose() => Meter.Dispose();

    private IEnumerable<Measurement<int>> ObserveDepths()
    {
        foreach (var (lane, depth) in _depths)
            yield return new(depth(), new KeyValuePair<string, object?>("lane", lane));
    }

    private sealed class Watch(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
