using System.Diagnostics.Metrics;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Grains.Webhooks;

/// <summary>Meter <c>FleetMdm.Webhooks</c>: what this node sends.</summary>
internal sealed class WebhookMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Histogram<double> _duration;

    public WebhookMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("FleetMdm.Webhooks");
        Delivered = _meter.CreateStandingCounter("fleetmdm.webhooks.delivered", "{event}", "Events that a receiver took");
        Failed = _meter.CreateStandingCounter("fleetmdm.webhooks.failed", "{request}", "Requests to receivers that failed; most are tried again");
        Dead = _meter.CreateStandingCounter("fleetmdm.webhooks.dead", "{event}", "Events that were given up");
        _duration = _meter.CreateHistogram("fleetmdm.webhooks.duration", "s", "From sending an event until the receiver's answer", advice: FleetInstruments.Durations);
    }

    public StandingCounter Delivered { get; }

    public StandingCounter Failed { get; }

    public StandingCounter Dead { get; }

    public void Answered(TimeSpan duration) => _duration.Record(duration.TotalSeconds);

    public void Dispose() => _meter.Dispose();
}
