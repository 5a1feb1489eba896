using System.Diagnostics.Metrics;

namespace FleetMdm.Storage.Hosting;

/// <summary>What all meters of the server have in common. docs/metrics.md lists the instruments.</summary>
public static class FleetInstruments
{
    /// <summary>Bounds of histograms in seconds: from an answer out of memory to the patience of an iPad. The default of OpenTelemetry
    /// is for milliseconds: everything below five seconds would fall into one bucket.</summary>
    public static readonly InstrumentAdvice<double> Durations = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    /// <summary>Bounds of histograms that count what travels together.</summary>
    public static readonly InstrumentAdvice<int> Sizes = new()
    {
        HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    };

    /// <summary>A counter that is served from the start, at 0: what never happened is then told from what nobody counts.</summary>
    public static StandingCounter CreateStandingCounter(this Meter meter, string name, string unit, string description)
    {
        var counter = new StandingCounter();
        meter.CreateObservableCounter(name, () => counter.Value, unit, description);
        return counter;
    }
}

/// <summary>See <see cref="FleetInstruments.CreateStandingCounter"/>. Any thread.</summary>
public sealed class StandingCounter
{
    private long _value;

    public long Value => Volatile.Read(ref _value);

    public void Add(long count) => Interlocked.Add(ref _value, count);
}
