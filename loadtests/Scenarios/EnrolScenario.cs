using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>New iPads: Authenticate, then TokenUpdate, both durable when answered. Keys and certificates are made beforehand.</summary>
internal static class EnrolScenario
{
    private const int WarmUpIPads = 25_000;

    /// <summary>iPads at once, as of a few classes that unpack theirs. The more there are, the larger the batches.</summary>
    private const int Usual = 128;

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options);
        var connections = run.Connections(Usual);
        run.Say("making iPads");
        var warm = bed.NewFleet(Math.Min(WarmUpIPads, run.IPads(WarmUpIPads)));
        var fleet = bed.NewFleet(run.IPads(15_000));
        run.Say("warm-up");
        warm.Enrol(connections);
        if (run.Options.Rows > 0 || run.Options.History > 0) await bed.Fill(warm.IPads[0], run.Options.Rows, run.Options.History);
        run.Say("measuring");
        var enrolled = run.Measure(bed, () => fleet.Enrol(connections, run.Counting("enrolled")));
        run.Report.Add("pairs of Authenticate and TokenUpdate a second", enrolled.Load.PerSecond, "");
        run.Report.Check("every iPad enrolled", enrolled.Load.Measurement.Failures == 0);
    }
}
