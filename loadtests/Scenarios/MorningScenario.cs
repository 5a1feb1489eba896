using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// A cold server at eight o'clock: of a large fleet some thousands wake up within ten seconds, evenly, each with one poll that activates its grain
/// from storage. Then the memory of a grain that is active and idle.
/// </summary>
internal static class MorningScenario
{
    private const int Seconds = 10;

    public static async Task Run(ScenarioRun run)
    {
        var fleetSize = run.Options.Rows > 0 ? run.Options.Rows : 100_000;
        await using var bed = await TestBed.Start(run.Options);
        var awake = run.IPads(20_000);
        var fleet = await run.Enrolled(bed, rows: fleetSize, ipads: awake);
        run.Say("restarting the server");
        await bed.Restart();

        // A server that has just started has compiled nothing; a few other iPads have been here before eight.
        var early = bed.NewFleet(500);
        early.Enrol(16);
        IdleScenario.Poll(early, early.Target, "warm-up", 16, ScenarioRun.WarmUp);

        var idle = bed.Server is null ? 0 : await ServerHeap.Live(bed);
        run.Say("morning");
        var next = -1;
        var morning = run.Measure(bed, () => Load.Paced($"{awake:N0} of {Math.Max(fleetSize, awake):N0} iPads wake up", fleet.Target, run.Connections(64),
            awake / (double)Seconds, TimeSpan.FromSeconds(Seconds), (_, connection) =>
            {
                var ipad = fleet.IPads[Interlocked.Increment(ref next) % awake];
                return fleet.WithConnection(ipad, connection, c => c.Send(ipad.Idle).Status);
            }));
        run.Report.Check("no iPad was refused", morning.Load.Measurement.Failures == 0);
        if (bed.Server is null) return;
        run.Say("memory");
        run.Report.Add("memory of the server for an iPad that is active and idle", (await ServerHeap.Live(bed) - idle) / 1024.0 / awake, "KB");
    }
}
