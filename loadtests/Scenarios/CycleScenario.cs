using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Report;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// iPads fetch queued commands and acknowledge them; each acknowledgement is durable before it is answered with the next command. One request
/// beside the first is one command. Beside it: a queue in grain state written by Orleans' AdoNet storage, one row at a time.
/// </summary>
internal static class CycleScenario
{
    private const int CommandsEach = 20;
    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options);
        var connections = run.Connections(32);
        var fleet = await run.Enrolled(bed, run.IPads(6_000));
        run.Say("queueing");
        for (var i = 0; i < CommandsEach; i++) await ScenarioRun.Queue(bed, only: run.Options.Rows > 0 ? fleet : null);

        run.Say("warm-up");
        // A third of the fleet: until then the runtime still compiles.
        var warm = fleet.IPads.Count / 3;
        Cycle(fleet, 0, warm, connections, run, "warm-up");
        run.Say("measuring");
        var ours = run.Measure(bed, () => Cycle(fleet, warm, fleet.IPads.Count, connections, run, "fetch, acknowledge, next"));
        Check(run.Report, fleet);
        var done = (fleet.IPads.Count - warm) * CommandsEach;
        var rate = done / ours.Load.Seconds;
        run.Report.Add("commands acknowledged and durable a second", rate, "");
        run.Report.Add("CPU-s of server and database per 1,000 requests", ours.ServerPerThousand + ours.DatabasePerThousand, "");
        if (bed.Postgres is not null) run.Report.Add("commands in one transaction", done / (double)ours.Spent.Commits, "on average");

        if (!run.Options.Baseline || bed.Postgres is null) return;
        run.Say("the same with AdoNet grain storage");
        var theirs = await AdoNet(run, bed.Postgres, fleet, connections);
        run.Report.Add("times the rate of one-row-at-a-time AdoNet storage", rate / theirs, "");
    }

    /// <summary>Nothing lost, nothing twice, everything in the order of acceptance.</summary>
    private static void Check(ScenarioReport report, LoadFleet fleet)
    {
        report.Check("every command reached its iPad and its report was answered 200", fleet.IPads.All(ipad => ipad.Acknowledged.Count == CommandsEach));
        report.Check("no command was handed out again after that",
            fleet.IPads.All(ipad => ipad.Repeated == 0 && ipad.Acknowledged.Distinct().Count() == ipad.Acknowledged.Count));
        var order = fleet.IPads[0].Acknowledged;
        report.Check("every iPad had them in the order in which they were accepted", fleet.IPads.All(ipad => ipad.Acknowledged.SequenceEqual(order)));
    }

    /// <summary>Sessions of the iPads from one number to another, each once.</summary>
    private static LoadResult Cycle(LoadFleet fleet, int from, int to, int connections, ScenarioRun run, string name)
    {
        // A worker is always in the middle of one iPad's session, so that each request is measured by itself.
        var next = from - 1;
        var ipads = new LoadIPad?[connections * 16];
        var handed = new string?[connections * 16];
        var own = new HttpConnection?[connections * 16];
        return Load.Full(name, fleet.Target, connections, duration: null, (worker, connection) =>
        {
            var at = worker * 16;
            if (ipads[at] is not { } ipad)
            {
                var number = Interlocked.Increment(ref next);
                if (number >= to) return -1;
                ipad = ipads[at] = fleet.IPads[number];
                if (fleet.Identity == LoadIdentity.Mtls) own[at] = new HttpConnection(fleet.Target, ipad.ForTls);
            }

            var uuid = handed[at];
            var answer = (own[at] ?? connection).Send(uuid is null ? ipad.Idle : ipad.Report(uuid));
            if (answer.Status != 200) return answer.Status;
            if (uuid is not null) ipad.Took(uuid);
            handed[at] = answer.Body.IsEmpty ? null : ipad.Handed(answer.Body.Span);
            if (!answer.Body.IsEmpty) return answer.Status;
            ipads[at] = null;
            own[at]?.Dispose();
            own[at] = null;
            return answer.Status;
        }, run.Counting("requests"));
    }

    private static async Task<double> AdoNet(ScenarioRun run, PrivatePostgres postgres, LoadFleet fleet, int connections)
    {
        const int ipads = 600;
        var database = await postgres.CreateDatabase("adonet");
        await ChildProcess.Run("dotnet", Path.Combine(AppContext.BaseDirectory, "FleetMdm.Silo.dll"), "migrate", "--Storage:Provider=PostgreSQL",
            $"--Storage:ConnectionString={database}", $"--Secrets:MasterKey={Convert.ToBase64String(new byte[32])}");

        var port = FreePorts.Next();
        await using var server = await ChildProcess.DotNet("FleetMdm.LoadTests.dll", [BareServer.AdoNet, $"{port}", database, $"{CommandsEach}"], BareServer.Ready);
        var meter = new ProcessMeter(server.Id);
        var target = new HttpTarget(new Uri($"http://localhost:{port}"));
        var next = -1;
        int Session(HttpConnection connection, LoadIPad ipad)
        {
            var answer = connection.Send(ipad.Idle);
            var done = 0;
            while (!answer.Body.IsEmpty)
            {
                answer = connection.Send(ipad.Report(Messages.CommandUuid(answer.Body.Span)));
                done++;
            }

            return done;
        }

        var commands = 0;
        LoadResult Phase(string name, int until)
        {
            return Load.Full(name, target, connections, null, (_, connection) =>
            {
                var number = Interlocked.Increment(ref next);
                if (number >= until) return -1;
                Interlocked.Add(ref commands, Session(connection, fleet.IPads[number]));
                return 200;
            });
        }

        Phase("warm-up", ipads / 4);
        (next, commands) = (ipads / 4 - 1, 0);
        var (server0, database0) = (meter.CpuSeconds, postgres.Meter.CpuSeconds);
        var load = Phase("AdoNet grain storage (an entry is an iPad's session)", ipads);
        run.Report.Add(load, new Spent(meter.CpuSeconds - server0, postgres.Meter.CpuSeconds - database0, meter.AnonymousBytes, 0));
        return commands / load.Seconds;
    }
}
