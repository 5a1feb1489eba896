using System.Diagnostics.Metrics;

namespace FleetMdm.Api.Device;

/// <summary>Meter <c>FleetMdm.Device</c>: what iPads send and how they are answered.</summary>
public sealed class DeviceMetrics
{
    public const string MeterName = "FleetMdm.Device";

    private readonly Counter<long> _messages;
    private readonly Counter<long> _refusals;

    public DeviceMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _messages = meter.CreateCounter<long>("fleetmdm.device.messages", "{message}", "Messages of iPads that were taken, by type");
        _refusals = meter.CreateCounter<long>("fleetmdm.device.refusals", "{message}", "Messages of iPads that were refused, by reason and status");
    }

    public void Taken(string messageType) => _messages.Add(1, new KeyValuePair<string, object?>("type", messageType));

    public void Refused(string reason, int status) => _refusals.Add(
        1, new KeyValuePair<string, object?>("reason", reason), new KeyValuePair<string, object?>("status", status));
}
