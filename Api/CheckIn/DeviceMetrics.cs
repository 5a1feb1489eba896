using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Api.CheckIn;

/// <summary>Meter <c>FleetMdm.Device</c>: what iPads send and how they are answered.</summary>
public sealed class DeviceMetrics
{
    public const string MeterName = "FleetMdm.Device";

    /// <summary>By type. Counted here and read when somebody asks: a measurement with a tag costs each message ten times as much.</summary>
    private readonly ConcurrentDictionary<string, StandingCounter> _messages = new(StringComparer.Ordinal);
    private readonly Counter<long> _refusals;

    public DeviceMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        meter.CreateObservableCounter(
            "fleetmdm.device.messages",
            () => _messages.Select(type => new Measurement<long>(type.Value.Value, new KeyValuePair<string, object?>("type", type.Key))),
            "{message}", "Messages of iPads that were taken, by type");
        _refusals = meter.CreateCounter<long>("fleetmdm.device.refusals", "{message}", "Messages of iPads that were refused, by reason and status");
    }

    public void Taken(string messageType) => _messages.GetOrAdd(messageType, static _ => new StandingCounter()).Add(1);

    public void Refused(string reason, int status) => _refusals.Add(
        1, new KeyValuePair<string, object?>("reason", reason), new KeyValuePair<string, object?>("status", status));
}
