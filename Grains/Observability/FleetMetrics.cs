using System.Diagnostics.Metrics;
using System.Text.Json;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Grains.Observability;

/// <summary>
/// Meter <c>FleetMdm.Fleet</c>: what one node tells of all. The node on which the sweep runs counts now and then and serves what it
/// has counted; where it ran before, the figures are withdrawn when they are old.
/// </summary>
internal sealed class FleetMetrics : IDisposable
{
    // Several counts that did not come: the sweep runs elsewhere.
    private static readonly TimeSpan BelieveWaitingFor = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan BelieveEnrolmentsFor = TimeSpan.FromMinutes(25);

    private readonly TimeProvider _time;
    private readonly Meter _meter;
    private volatile Count<WaitingCommands>? _waiting;
    private volatile Count<IReadOnlyDictionary<EnrolmentStatus, long>>? _enrolments;

    public FleetMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        _meter = meters.Create("FleetMdm.Fleet");
        _meter.CreateObservableGauge("fleetmdm.fleet.commands", Commands, "{command}", "Commands waiting in all queues, by state");
        _meter.CreateObservableGauge("fleetmdm.fleet.enrolments", Enrolments, "{enrolment}", "Enrolments by status, user channels not counted");
        HistoryDropped = _meter.CreateStandingCounter(
            "fleetmdm.history.dropped", "{row}", "Rows of the history (and bodies that nothing needs any more) dropped by retention");
        Claims = _meter.CreateStandingCounter(
            "fleetmdm.enrolment.claims", "{message}", "Messages of devices that say they are an iPad which is enrolled with another certificate; refused");
    }

    public StandingCounter HistoryDropped { get; }

    public StandingCounter Claims { get; }

    public void Counted(WaitingCommands waiting) => _waiting = new(waiting, _time.GetTimestamp());

    public void Counted(IReadOnlyDictionary<EnrolmentStatus, long> enrolments) => _enrolments = new(enrolments, _time.GetTimestamp());

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Commands()
    {
        if (_waiting is not { } count || _time.GetElapsedTime(count.At) > BelieveWaitingFor)
            return [];
        return [Labelled(count.What.All - count.What.NotNow, "state", "queued"), Labelled(count.What.NotNow, "state", "not-now")];
    }

    private IEnumerable<Measurement<long>> Enrolments()
    {
        if (_enrolments is not { } count || _time.GetElapsedTime(count.At) > BelieveEnrolmentsFor)
            return [];
        return Enum.GetValues<EnrolmentStatus>().Select(status => Labelled(
            count.What.GetValueOrDefault(status), "status", JsonNamingPolicy.KebabCaseLower.ConvertName(status.ToString())));
    }

    private static Measurement<long> Labelled(long value, string label, string name) => new(value, new KeyValuePair<string, object?>(label, name));

    private sealed record Count<T>(T What, long At);
}
