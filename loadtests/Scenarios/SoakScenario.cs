using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Report;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>Polls and commands at a steady rate for a long time: memory of the server and latency must stay flat.</summary>
internal static class SoakScenario
{
    private const int PollsPerSecond = 1_000;

    /// <summary>No iPad polls more often, however few there are: a handful is for looking at.</summary>
    private const int SecondsBetweenPolls = 5;

    private const int Slices = 10;

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options);
        var fleet = await run.Enrolled(bed, run.IPads(5_000));
        IdleScenario.Poll(fleet, fleet.Target, "warm-up", 16, ScenarioRun.WarmUp);
        var slice = run.For(600) / Slices;
        var memory = new List<(double, double)>();
        var p99 = new List<double>();
        var commands = 0;
        for (var i = 0; i < Slices; i++)
        {
            run.Say($"slice {i + 1} of {Slices}");
            await ScenarioRun.Queue(bed, only: run.Options.Rows > 0 ? fleet : null);
            commands++;
            var next = -1;
            var phase = run.Measure(bed, () => Load.Paced($"slice {i + 1}: sessions", fleet.Target, run.Connections(32), Math.Clamp(fleet.IPads.Count / SecondsBetweenPolls, 1, PollsPerSecond), slice, (_, connection) =>
            {
                // Workers take iPads in turn; with fewer workers than iPads no iPad is in two sessions at once.
                var ipad = fleet.IPads[Interlocked.Increment(ref next) % fleet.IPads.Count];
                fleet.WithConnection(ipad, connection, c => ipad.Session(c));
                return 200;
            }));
            memory.Add((slice.TotalSeconds * (i + 1), phase.Spent.ServerBytes / 1048576.0));
            p99.Add(phase.Load.Measurement.Latencies.GetValueAtPercentile(99) / 1000.0);
        }

        run.Report.Add(new Curve("memory of the server", "MB", memory));
        // The first slices fill caches; from the second fifth on nothing may grow.
        var (early, late) = (memory.Skip(2).Take(3).Average(m => m.Item2), memory.TakeLast(3).Average(m => m.Item2));
        run.Report.Add("memory of the last three slices, of that of the third to fifth", late / early, "");
        run.Report.Add("p99 of the last three slices, of that of the third to fifth", p99.TakeLast(3).Average() / p99.Skip(2).Take(3).Average(), "");
        run.Report.Check("every session was answered", run.Report.Phases.All(phase => phase.Load.Measurement.Failures == 0));
        run.Report.Check("every command was acknowledged, once", fleet.IPads.All(ipad => ipad.Acknowledged.Count == commands && ipad.Repeated == 0));
    }
}
