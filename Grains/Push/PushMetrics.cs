using System.Diagnostics.Metrics;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Grains.Push;

/// <summary>Meter <c>FleetMdm.Push</c>: what this node pushes.</summary>
internal sealed class PushMetrics
{
    public const string MeterName = "FleetMdm.Push";

    private readonly Counter<long> _pushes;
    private readonly Histogram<double> _duration;
    private readonly Histogram<int> _batch;

    public PushMetrics(IMeterFactory meters, PushCertificateSource certificate, TimeProvider time)
    {
        var meter = meters.Create(MeterName);
        _pushes = meter.CreateCounter<long>(
            "fleetmdm.push.notifications", "{push}", "Pushes by result; retried ones are counted once more when they end");
        _duration = meter.CreateHistogram(
            "fleetmdm.push.duration", "s", "From sending a request to APNs until its answer", advice: FleetInstruments.Durations);
        _batch = meter.CreateHistogram(
            "fleetmdm.push.batch.size", "{push}", "Pushes in one call of a push grain", advice: FleetInstruments.Sizes);
        meter.CreateObservableGauge("fleetmdm.push.in_flight", () => InFlight(), "{request}", "Requests to APNs under way");
        meter.CreateObservableGauge("fleetmdm.push.queue.length", () => QueueLength(), "{push}", "Pushes that wait in this node's outbox and sending queue");
        meter.CreateObservableGauge("fleetmdm.push.certificate.expiry", () => certificate.Current is { } identity
            ? [new Measurement<double>((identity.NotAfter - time.GetUtcNow()).TotalDays)]
            : Array.Empty<Measurement<double>>(), "d", "Days until the push certificate expires; absent without one");
    }

    /// <summary>Set by the sender.</summary>
    public Func<long> InFlight { get; set; } = static () => 0;

    /// <summary>Set by the sender; the outbox adds itself.</summary>
    public Func<long> QueueLength { get; set; } = static () => 0;

    public void Count(string result, int pushes = 1) => _pushes.Add(pushes, new KeyValuePair<string, object?>("result", result));

    public void Answered(TimeSpan duration) => _duration.Record(duration.TotalSeconds);

    public void Batch(int pushes) => _batch.Record(pushes);
}
