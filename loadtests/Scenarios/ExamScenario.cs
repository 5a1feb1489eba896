using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Report;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// The exam starts: one operation installs the profile that locks every iPad into one app. Each iPad waits for its push, connects, takes the command
/// and acknowledges it. Time counts from the administrator's request.
/// </summary>
internal static class ExamScenario
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static async Task Run(ScenarioRun run)
    {
        if (run.Options.Target is not null) throw new LoadException("exam starts its own server, since it needs its pushes.");
        await using var bed = await TestBed.Start(run.Options);
        var count = run.IPads(20_000);
        var connections = run.Connections(64);

        // A first, small exam compiles every step.
        var rehearsal = await run.Enrolled(bed, 1_000);
        await Exam(run, bed, [rehearsal], connections, null);
        var fleet = await run.Enrolled(bed, count);

        var before = bed.Spent();
        var locked = await Exam(run, bed, [rehearsal, fleet], connections, run.Report);
        var spent = bed.Spent().Since(before);
        foreach (var share in new[] { 0.5, 0.95, 0.99, 1 })
            run.Report.Add($"{share:P0} of {count + 1_000:N0} iPads locked after", locked.Count < Need(share) ? double.NaN : locked[Need(share) - 1], "s");
        run.Report.Add("CPU of server and database for one iPad", (spent.ServerSeconds + spent.DatabaseSeconds) * 1000 / locked.Count, "ms");
        run.Report.Add(new Curve("iPads locked", "iPads", Cumulative(locked)));
        run.Report.Check("every iPad was locked, once", locked.Count == count + 1_000 && fleet.IPads.All(ipad => ipad.Acknowledged.Count == 1 && ipad.Repeated == 0));
        int Need(double share) => (int)Math.Ceiling((count + 1_000) * share);
    }

    private static async Task<List<double>> Exam(ScenarioRun run, TestBed bed, LoadFleet[] fleets, int connections, ScenarioReport? report)
    {
        var woken = new BlockingCollection<(LoadFleet Fleet, LoadIPad IPad)>();
        var subscriptions = fleets.SelectMany(fleet => fleet.IPads.Select(ipad => bed.Apns!.Subscribe(fleet.Token(ipad.Number), _ => woken.Add((fleet, ipad))))).ToList();
        var all = subscriptions.Count;
        var locked = new ConcurrentBag<double>();
        var began = 0L;
        var sessions = Task.Run(() => Load.Full("iPads' sessions (push, Idle, command, Acknowledged)", fleets[0].Target, connections, null, (_, connection) =>
        {
            if (!woken.TryTake(out var next, Patience)) return -1;
            var done = next.Fleet.WithConnection(next.IPad, connection, c => next.IPad.Session(c));
            if (done > 0) locked.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            if (locked.Count >= all) woken.CompleteAdding();
            return 200;
        }, run.Counting("iPads locked")));
        var before = bed.Spent();
        began = Stopwatch.GetTimestamp();
        await bed.Admin.PostAsync("/api/v1/operations", new JsonObject
        {
            ["target"] = new JsonObject { ["all"] = true },
            ["command"] = new JsonObject { ["requestType"] = "InstallProfile", ["payload"] = Convert.ToBase64String(ExamProfile.Bytes()) },
        });
        var answered = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var load = await sessions;
        foreach (var subscription in subscriptions) subscription.Dispose();
        report?.Add(load, bed.Spent().Since(before));
        report?.Add("the administrator's request was answered after", answered, "s");
        return [.. locked.Order()];
    }

    private static List<(double, double)> Cumulative(List<double> locked)
    {
        const int points = 200;
        var step = Math.Max(1, locked.Count / points);
        return [.. locked.Select((second, i) => (second, (double)(i + 1))).Where((_, i) => i % step == 0)];
    }
}
