using System.Diagnostics.Metrics;
using System.Text.Json;

namespace FleetMdm.Api.Enrolment;

/// <summary>What enrolling iPads were answered.</summary>
public sealed class EnrolmentMetrics : IDisposable
{
    public const string MeterName = "FleetMdm.Enrolment";

    private readonly Meter _meter;
    private readonly Counter<long> _scep;
    private readonly Counter<long> _profiles;
    private readonly Counter<long> _acme;

    public EnrolmentMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(MeterName);
        _scep = _meter.CreateCounter<long>("fleetmdm.scep.requests", "{request}", "SCEP certificate requests by their result.");
        _profiles = _meter.CreateCounter<long>("fleetmdm.enrolment.profiles", "{profile}", "Enrolment profiles asked for, by their result.");
        _acme = _meter.CreateCounter<long>("fleetmdm.acme.requests", "{request}", "Requests of ACME by their result; certificates are counted besides.");
    }

    /// <param name="result"><c>Issued</c>, <c>IssuedBefore</c>, <c>Renewed</c>, <c>Repeated</c>, or the name of the refusal.</param>
    public void CountScep(string result) => _scep.Add(1, Label(result));

    /// <param name="result"><c>Answered</c>, <c>Issued</c>, <c>IssuedBefore</c>, <c>Renewed</c>, <c>BadAttestation</c>, or the name of the refusal.</param>
    public void CountAcme(string result) => _acme.Add(1, Label(result));

    public void CountProfile(string result) => _profiles.Add(1, Label(result));

    /// <summary>As all values of labels are written, but for Apple's own names.</summary>
    private static KeyValuePair<string, object?> Label(string result) => new("result", JsonNamingPolicy.KebabCaseLower.ConvertName(result));

    public void Dispose() => _meter.Dispose();
}
