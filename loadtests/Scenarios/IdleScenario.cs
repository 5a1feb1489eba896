using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// iPads poll and nothing is queued. Beside it, in the same run and with the same driver and requests, a bare Kestrel endpoint that reads the
/// body and answers 200: rounds of both alternate, so that a noisy neighbour hits both.
/// </summary>
internal static class IdleScenario
{
    private const int Rounds = 3;

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options);
        var fleet = await run.Enrolled(bed, run.IPads(2_000));
        var connections = run.Connections(16);
        var each = run.For(30) / Rounds;
        Poll(fleet, fleet.Target, "warm-up", connections, ScenarioRun.WarmUp);

        await using var bare = run.Options is { Baseline: true, Identity: not LoadIdentity.Mtls } ? await StartBare() : null;
        var bareMeter = bare is null ? null : new ProcessMeter(bare.Process.Id);
        if (bare is not null) Poll(fleet, bare.Target, "warm-up", connections, ScenarioRun.WarmUp);
        var (ours, theirs) = (0.0, 0.0);
        var before = bed.Spent();
        for (var round = 1; round <= Rounds; round++)
        {
            run.Say($"round {round} of {Rounds}");
            ours += run.Measure(bed, () => Poll(fleet, fleet.Target, $"idle polls, round {round}", connections, each)).Load.PerSecond;
            if (bare is null) continue;
            var cpu = bareMeter!.CpuSeconds;
            var load = Poll(fleet, bare.Target, $"bare Kestrel, round {round}", connections, each);
            run.Report.Add(load, new Spent(bareMeter.CpuSeconds - cpu, 0, bareMeter.AnonymousBytes, 0));
            theirs += load.PerSecond;
        }

        var commits = bed.Spent().Since(before).Commits;
        var rate = Math.Floor(ours / Rounds / 2);
        run.Say($"paced at {rate:N0} a second");
        var paced = run.Measure(bed, () => Paced(fleet, $"idle polls, {rate:N0} a second", connections * 2, rate, each));
        if (theirs > 0) run.Report.Add("requests per second, of bare Kestrel's", ours / theirs, "");
        if (bed.Postgres is not null) run.Report.Add("database transactions in all rounds (health, clustering, last contact, sizes of tables)", commits, "");
        if (bed.Server is not null) run.Report.Add("server CPU-s per 1,000 polls at half load", paced.ServerPerThousand, "");
        run.Report.Check("every poll was answered 200", run.Report.Phases.All(phase => phase.Load.Measurement.Failures == 0));
    }

    public static LoadResult Poll(LoadFleet fleet, HttpTarget target, string name, int connections, TimeSpan duration) =>
        Load.Full(name, target, connections, duration, Step(fleet, connections));

    public static LoadResult Paced(LoadFleet fleet, string name, int connections, double rate, TimeSpan duration) =>
        Load.Paced(name, fleet.Target, connections, rate, duration, Step(fleet, connections));

    /// <summary>Each worker has iPads of its own, so that no iPad is in two connections at once; of those that keep to its node, where they do.</summary>
    private static LoadStep Step(LoadFleet fleet, int connections)
    {
        var at = new int[connections * 16];
        var workers = (connections + fleet.Kept - 1) / fleet.Kept;
        var each = fleet.IPads.Count / fleet.Kept / workers * workers;
        if (each == 0) throw new LoadException("There have to be at least as many iPads as connections.");
        return (worker, connection) =>
        {
            var (node, place) = (worker % fleet.Kept, worker / fleet.Kept);
            var ipad = fleet.IPads[node + (fleet.Kept * ((place + (at[worker * 16]++ * workers)) % each))];
            return fleet.WithConnection(ipad, connection, c => c.Send(ipad.Idle).Status);
        };
    }

    private static async Task<BareTarget> StartBare()
    {
        var port = FreePorts.Next();
        var process = await ChildProcess.DotNet("FleetMdm.LoadTests.dll", [BareServer.Bare, $"{port}"], BareServer.Ready, asServer: true);
        return new BareTarget(process, new HttpTarget(new Uri($"http://localhost:{port}")));
    }
}
