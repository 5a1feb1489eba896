using System.Diagnostics.Metrics;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Grains.AppsAndBooks;

/// <summary>Meter <c>FleetMdm.AppsAndBooks</c>: what this node asks of Apple.</summary>
internal sealed class ContentMetrics : IDisposable
{
    private readonly Meter _meter;

    public ContentMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("FleetMdm.AppsAndBooks");
        Given = _meter.CreateStandingCounter("fleetmdm.licences.given", "{licence}", "Licences that Apple gave to iPads");
        Returned = _meter.CreateStandingCounter("fleetmdm.licences.returned", "{licence}", "Licences that Apple took back");
        Refused = _meter.CreateStandingCounter("fleetmdm.licences.refused", "{licence}", "Licences that Apple did not give or take back; most are tried again");
        Failed = _meter.CreateStandingCounter("fleetmdm.licences.rounds_failed", "{round}", "Rounds with Apple that ended early; each is tried again");
        Warned = _meter.CreateStandingCounter("fleetmdm.licences.token_warnings", "{warning}", "Warnings that a content token ends: 30, 14, 7 and 1 days before");
    }

    public StandingCounter Given { get; }

    public StandingCounter Returned { get; }

    public StandingCounter Refused { get; }

    public StandingCounter Failed { get; }

    public StandingCounter Warned { get; }

    public void Dispose() => _meter.Dispose();
}
