using System.Diagnostics;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Servers;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>Whole enrolments as an iPad does them: the invitation's profile, its signature checked, SCEP, Authenticate, TokenUpdate. RSA keys
/// are made beforehand. The simulated iPads do real cryptography, so most of the time is theirs: read the server's CPU seconds.</summary>
internal static class ScepScenario
{
    private const int WarmUpIPads = 50;
    private const int SharedKeys = 8;

    public static async Task Run(ScenarioRun run)
    {
        if (run.Options.Target is not null) throw new LoadException("scep starts its own server.");
        await using var bed = await TestBed.Start(run.Options with { Identity = Fleet.LoadIdentity.Mtls });
        await using var fleet = new IPadFleet(new FleetOptions
        {
            Trust = await TrustProfile.FetchAsync(bed.Url),
            Apns = bed.Apns,
            Keys = KeySource.Shared(SharedKeys),
            MaxConcurrentEnrolments = run.Connections(16),
        });
        var count = run.IPads(1_000);
        var ipads = Enumerable.Range(0, count + WarmUpIPads).Select(_ => fleet.Add()).ToList();
        // The plain profile, as in the versions that are compared.
        var invitation = new Uri((await bed.Admin.CreateInvitationAsync("Load test")).Url + "?profile=plain");
        run.Say("warm-up");
        await fleet.EnrolAllAsync(ipads.Take(WarmUpIPads), invitation);

        var before = bed.Spent();
        var began = Stopwatch.GetTimestamp();
        var measurement = new Measurement(began);
        await fleet.EnrolAllAsync(ipads.Skip(WarmUpIPads), invitation, _ =>
        {
            lock (measurement) measurement.Record(Stopwatch.GetTimestamp(), Stopwatch.GetTimestamp(), 200);
        });
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var requests = fleet.Measurements.Enrolment.Count + fleet.Measurements.Request.Count;
        var spent = bed.Spent().Since(before);
        run.Report.Add(new LoadResult("enrolments (latency not measured)", run.Connections(16), seconds, measurement), spent);
        run.Report.Add("enrolments a second", count / seconds, "");
        run.Report.Add("requests of one enrolment", requests / (double)(count + WarmUpIPads), "");
        run.Report.Add("CPU of the server for one enrolment", spent.ServerSeconds * 1000 / count, "ms");
        run.Report.Add("CPU of the database for one enrolment", spent.DatabaseSeconds * 1000 / count, "ms");
        run.Report.Check("every iPad enrolled", ipads.TrueForAll(ipad => ipad.IsEnrolled));
    }
}
