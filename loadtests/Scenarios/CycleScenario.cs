using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Report;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// iPads fetch queued commands and acknowledge them; each acknowledgement is durable before it is answered with the next command. One request
/// beside the first is one command. Beside it, in the same run: the same server with queues that Orleans' AdoNet storage writes, one row at a time;
/// rounds of both alternate, so that a noisy neighbour hits both.
/// </summary>
internal static class CycleScenario
{
    private const int CommandsEach = 20;
    private const int Rounds = 3;

    /// <summary>The other server is so much slower: for rounds of about the same time.</summary>
    private const int FewerIPads = 5;

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options);
        var (connections, ipads) = (run.Connections(32), run.IPads(10_000));
        var ours = new Side(bed, await Queued(run, bed, ipads));
        await using var otherBed = run.Options.Baseline && bed.Postgres is not null ? await TestBed.Start(run.Options, adoNet: true) : null;
        var theirs = otherBed is null ? null : new Side(otherBed, await Queued(run, otherBed, ipads / FewerIPads));

        // As much as the rounds: the runtime compiles what is called often in the course of half a minute, and more than once.
        for (var round = 1; round <= Rounds; round++)
        {
            run.Say($"warm-up {round} of {Rounds}");
            ours.Next(run, connections, "warm-up");
            theirs?.Next(run, connections, "warm-up");
        }

        for (var round = 1; round <= Rounds; round++)
        {
            run.Say($"measuring, round {round} of {Rounds}");
            ours.Measure(run, connections, $"fetch, acknowledge, next, round {round}");
            theirs?.Measure(run, connections, $"with AdoNet queues, round {round}");
        }

        Check(run.Report, ours.Fleet);
        if (theirs is not null) run.Report.Check("the server for comparison did the same", theirs.Fleet.IPads.All(ipad => ipad.Acknowledged.Count == CommandsEach));
        run.Report.Add("commands acknowledged and durable a second", ours.PerSecond, "");
        run.Report.Add("CPU-s of server and database per 1,000 requests", ours.CpuPerThousandRequests, "");
        if (bed.Postgres is not null) run.Report.Add("commands in one transaction", ours.Commands / (double)ours.Commits, "on average");
        if (theirs is null) return;
        run.Report.Add("commands a second of the same server with one-row-at-a-time AdoNet queues", theirs.PerSecond, "");
        run.Report.Add("its CPU-s of server and database per 1,000 requests", theirs.CpuPerThousandRequests, "");
        run.Report.Add("times that rate", ours.PerSecond / theirs.PerSecond, "");
    }

    private static async Task<LoadFleet> Queued(ScenarioRun run, TestBed bed, int ipads)
    {
        var fleet = await run.Enrolled(bed, ipads);
        run.Say("queueing");
        for (var i = 0; i < CommandsEach; i++) await ScenarioRun.Queue(bed, only: run.Options.Rows > 0 ? fleet : null);
        return fleet;
    }

    /// <summary>One of the servers, with its iPads, a part of which work in each round.</summary>
    private sealed class Side(TestBed bed, LoadFleet fleet)
    {
        private int _parts, _done;
        private double _seconds, _cpu;
        private long _requests;

        public LoadFleet Fleet => fleet;
        public int Commands { get; private set; }
        public long Commits { get; private set; }
        public double PerSecond => Commands / _seconds;
        public double CpuPerThousandRequests => _cpu * 1_000 / _requests;

        public LoadResult Next(ScenarioRun run, int connections, string name)
        {
            var from = _done;
            _done = fleet.IPads.Count * ++_parts / (2 * Rounds);
            return Cycle(fleet, from, _done, connections, run, name);
        }

        public void Measure(ScenarioRun run, int connections, string name)
        {
            var from = _done;
            var phase = run.Measure(bed, () => Next(run, connections, name));
            Commands += (_done - from) * CommandsEach;
            Commits += phase.Spent.Commits;
            _seconds += phase.Load.Seconds;
            _requests += phase.Load.Measurement.Count;
            _cpu += phase.Spent.ServerSeconds + phase.Spent.DatabaseSeconds;
        }
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
        var turns = new Turns(fleet, from, to);
        var ipads = new LoadIPad?[connections * 16];
        var handed = new string?[connections * 16];
        var own = new HttpConnection?[connections * 16];
        return Load.Full(name, fleet.Target, connections, duration: null, (worker, connection) =>
        {
            var at = worker * 16;
            if (ipads[at] is not { } ipad)
            {
                if (turns.Next(worker) is not { } taken) return -1;
                ipad = ipads[at] = taken;
                if (fleet.Identity == LoadIdentity.Mtls) own[at] = new HttpConnection(fleet.Target, ipad.Number, ipad.ForTls);
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
}
