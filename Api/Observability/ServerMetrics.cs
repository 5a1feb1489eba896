using System.Diagnostics.Metrics;

namespace FleetMdm.Api.Observability;

/// <summary>Meter <c>FleetMdm.Server</c>: what iPads meet before they have said a word.</summary>
public sealed class ServerMetrics : IDisposable
{
    private readonly Meter _meter;
    private DateTimeOffset? _certificateEnds;

    public ServerMetrics(IMeterFactory meters, TimeProvider time)
    {
        _meter = meters.Create("FleetMdm.Server");
        _meter.CreateObservableGauge(
            "fleetmdm.server.certificate.expiry",
            () => _certificateEnds is { } ends ? [new Measurement<double>((ends - time.GetUtcNow()).TotalDays)] : Array.Empty<Measurement<double>>(),
            "d",
            "Days until the TLS certificate that this node presents expires; absent before the first connection");
    }

    /// <summary>Which certificate new connections get from now on.</summary>
    public void Presents(DateTime notAfter) => _certificateEnds = new DateTimeOffset(notAfter.ToUniversalTime());

    public void Dispose() => _meter.Dispose();
}
