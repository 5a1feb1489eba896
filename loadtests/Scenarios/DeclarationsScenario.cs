using System.Text.Json.Nodes;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// What declarative management costs. iPads that have their declarations report the same status again: beside it, in the same run, idle polls; rounds of both alternate, so that a noisy neighbour
/// hits both. They ask for their tokens, and what that reads in the store is counted. Then something new is declared to all of them, and each takes it: requests by kind, and CPU.
/// </summary>
internal static class DeclarationsScenario
{
    private const int Rounds = 3;
    private const int MostRounds = 5;
    private const double MostPolls = 2;

    /// <summary>By Apple's protocol: the poll that gets the command, its acknowledgement, the list, a configuration and the activation that names it, the report.</summary>
    private const int FewestRequests = 6;

    /// <summary>Where the answer to <c>tokens</c> comes from when it is not in memory.</summary>
    private static readonly string[] TablesOfTokens = ["declaration_", "assignment", "devices", "pins", "queue"];

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options, InventoryScenario.NoQuestions);
        if (bed.Server is null) throw new LoadException("declarations needs a server that is started here.");
        var (ipads, connections) = (run.IPads(10_000), run.Connections(16));
        var fleet = await run.Enrolled(bed, ipads);
        DeclarativeIPad[] all = [.. fleet.IPads.Select(ipad => new DeclarativeIPad(ipad))];

        run.Say("iPads take their first declaration");
        await Declare(bed, "Organisation", "com.apple.management.organization-info", new JsonObject { ["Name"] = "District" });
        // What they say of themselves may change what they are asked to report: then they are told once more.
        for (var round = 1; ; round++)
        {
            var first = new DeclarativeCounts();
            Session(run, fleet, all, connections, first, null, bed);
            if (first.All == ipads) break;
            if (round == MostRounds) throw new LoadException("The server asks the iPads for more and more.");
        }

        run.Report.Add("bytes of a status report", all[0].List.Report.Length, "");

        // 1. The same report again, and polls.
        var each = run.For(30) / Rounds;
        var (reports, polls) = (new Side(), new Side());
        Again(fleet, all, connections, "warm-up", ScenarioRun.WarmUp / 2, report: true);
        Again(fleet, all, connections, "warm-up", ScenarioRun.WarmUp / 2, report: false);
        for (var round = 1; round <= Rounds; round++)
        {
            run.Say($"round {round} of {Rounds}");
            polls.Add(run.Measure(bed, () => Again(fleet, all, connections, $"idle polls, round {round}", each / 2, report: false)));
            reports.Add(run.Measure(bed, () => Again(fleet, all, connections, $"status reports of idle iPads, round {round}", each / 2, report: true)));
        }

        run.Report.Add("CPU of the server for a status report, of that for an idle poll", reports.ServerPerRequest / polls.ServerPerRequest, "");
        run.Report.Add("duration of a status report, of that of an idle poll", reports.SecondsPerRequest / polls.SecondsPerRequest, "");
        run.Report.Check($"a status report of an idle iPad costs at most {MostPolls} idle polls", reports.ServerPerRequest <= MostPolls * polls.ServerPerRequest);

        // 2. Tokens.
        run.Say("tokens");
        var store = bed.Postgres is null ? null : await StoreWrites.Watch(bed);
        var before = store is null ? null : await store.CountReads();
        var tokens = run.Measure(bed, () => Load.Full("tokens", fleet.Target, connections, each, Step(fleet, all, connections, one => one.Tokens)));
        var after = store is null ? null : await store.CountReads();
        if (before is not null && after is not null)
        {
            var read = StoreWrites.Between(before, after, "declaration_");
            run.Report.Add("reads of declarations in the store, for all of them", read, "");
            run.Report.Add("reads of all that an iPad's answer could need, for each", (double)StoreWrites.Between(before, after, TablesOfTokens) / tokens.Load.Measurement.Count, "");
            run.Report.Check("tokens are answered from memory", read == 0);
        }

        // 3. Something new for all.
        run.Say("something new is declared to all");
        await Declare(bed, "Passcode", "com.apple.configuration.passcode.settings", new JsonObject { ["MinimumLength"] = 6 });
        var counts = new DeclarativeCounts();
        var (spent, took) = (bed.Spent(), Session(run, fleet, all, connections, counts, "each iPad takes a new declaration", bed));
        var cost = bed.Spent().Since(spent);
        run.Report.Add("requests of an iPad that takes a new declaration", (double)counts.All / ipads, "");
        foreach (var (what, count) in new[]
                 {
                     ("polls", counts.Polls), ("acknowledgements", counts.Acknowledgements), ("tokens", counts.Tokens), ("lists", counts.Items), ("declarations", counts.Declarations), ("reports", counts.Reports),
                 })
            run.Report.Add($"– {what}", (double)count / ipads, "");
        run.Report.Add("– beside the poll and the acknowledgement of any command", (double)(counts.All - counts.Polls - counts.Acknowledgements) / ipads, "");
        run.Report.Add("CPU of the server for each iPad", cost.ServerSeconds * 1_000 / ipads, "ms");
        if (bed.Postgres is not null) run.Report.Add("CPU of the database for each iPad", cost.DatabaseSeconds * 1_000 / ipads, "ms");
        run.Report.Add("CPU of the server for each iPad, in idle polls", cost.ServerSeconds / ipads / polls.ServerPerRequest, "");
        run.Report.Check("no request was refused", took!.Load.Measurement.Failures == 0 && run.Report.Phases.All(phase => phase.Load.Measurement.Failures == 0));
        run.Report.Check("no iPad makes a request that Apple's protocol does not need", counts.All == (long)FewestRequests * ipads);

        var quiet = new DeclarativeCounts();
        Session(run, fleet, all, connections, quiet, null, bed);
        run.Report.Check("an iPad that has everything is asked nothing more", quiet.All == ipads);
        var stands = await bed.Admin.GetAsync("/api/v1/assignments?q=Passcode");
        run.Report.Check("the server knows that each iPad has it", (long)stands["items"]![0]!["iPads"]!["installed"]! == ipads);
    }

    private static Task<JsonNode> Declare(TestBed bed, string name, string type, JsonObject payload) => bed.Admin.PostAsync(
        "/api/v1/assignments", new JsonObject { ["name"] = name, ["declaration"] = new JsonObject { ["type"] = type, ["payload"] = payload } });

    /// <summary>Each iPad comes once.</summary>
    private static Report.Phase? Session(ScenarioRun run, LoadFleet fleet, DeclarativeIPad[] all, int connections, DeclarativeCounts counts, string? name, TestBed bed)
    {
        var turns = new Turns(fleet, 0, fleet.IPads.Count);
        LoadResult Load() => Driver.Load.Full(name ?? "warm-up", fleet.Target, connections, duration: null, (worker, connection) =>
            turns.Next(worker) is { } ipad ? fleet.WithConnection(ipad, connection, own => all[ipad.Number].Session(own, counts)) : -1, run.Counting("iPads"));
        if (name is not null) return run.Measure(bed, Load);
        if (Load() is { Measurement.Failures: > 0 } failed) throw new LoadException($"iPads were refused: {ScenarioRun.Statuses(failed.Measurement)}.");
        return null;
    }

    private static LoadResult Again(LoadFleet fleet, DeclarativeIPad[] all, int connections, string name, TimeSpan duration, bool report) => report
        ? Load.Full(name, fleet.Target, connections, duration, Step(fleet, all, connections, one => one.Report))
        : IdleScenario.Poll(fleet, fleet.Target, name, connections, duration);

    /// <summary>Each worker has iPads of its own.</summary>
    private static LoadStep Step(LoadFleet fleet, DeclarativeIPad[] all, int connections, Func<DeclarativeIPad, byte[]> request)
    {
        var at = new int[connections * 16];
        var each = fleet.IPads.Count / connections * connections;
        if (each == 0) throw new LoadException("There have to be at least as many iPads as connections.");
        return (worker, connection) =>
        {
            var ipad = fleet.IPads[(worker + (at[worker * 16]++ * connections)) % each];
            return fleet.WithConnection(ipad, connection, own => own.Send(request(all[ipad.Number])).Status);
        };
    }

    /// <summary>What the rounds of one kind of request took.</summary>
    private sealed class Side
    {
        private double _seconds, _server;
        private long _requests;

        public double ServerPerRequest => _server / _requests;
        public double SecondsPerRequest => _seconds / _requests;

        public void Add(Report.Phase phase)
        {
            if (phase.Load.Measurement.Failures > 0) throw new LoadException($"iPads were refused: {ScenarioRun.Statuses(phase.Load.Measurement)}.");
            _seconds += phase.Load.Seconds;
            _server += phase.Spent.ServerSeconds;
            _requests += phase.Load.Measurement.Count;
        }
    }
}
