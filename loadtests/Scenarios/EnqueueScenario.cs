using System.Diagnostics;
using System.Text.Json.Nodes;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// Operations over the whole fleet, whose grains are cold, while some iPads poll at a steady rate; then single commands by REST, as many as go.
/// </summary>
internal static class EnqueueScenario
{
    private const int PollingIPads = 2_000;
    private const int PollsPerSecond = 1_000;
    private const int Operations = 5;
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(4);

    public static async Task Run(ScenarioRun run)
    {
        var rows = Math.Max(run.Options.Rows, run.IPads(50_000));
        await using var bed = await TestBed.Start(run.Options with { Rows = rows });
        var fleet = await run.Enrolled(bed, rows: rows, ipads: PollingIPads);
        IdleScenario.Poll(fleet, fleet.Target, "warm-up", 16, ScenarioRun.WarmUp);
        await Operation(bed);

        run.Say("operations while iPads poll");
        var latencies = new List<double>();
        var duration = Between * (Operations + 1);
        var polls = Task.Run(() => run.Measure(bed, () => IdleScenario.Paced(fleet, $"idle polls during {Operations} operations", 32, PollsPerSecond, duration)));
        for (var i = 0; i < Operations; i++)
        {
            await Task.Delay(Between, TimeProvider.System);
            latencies.Add(await Operation(bed));
        }

        var polled = await polls;
        latencies.Sort();
        run.Report.Add($"an operation over {rows:N0} iPads is durable and answered after, median", latencies[latencies.Count / 2], "s");
        run.Report.Add("the slowest of them", latencies[^1], "s");
        run.Report.Add("queue rows a second, median", rows / latencies[latencies.Count / 2], "");
        run.Report.Check("every poll was answered 200", polled.Load.Measurement.Failures == 0);

        run.Say("single commands");
        var next = -1;
        var requests = fleet.IPads.Select(ipad => ScenarioRun.AdminRequest(bed, $"/api/v1/devices/{ipad.Udid}/commands",
            new JsonObject { ["requestType"] = "DeviceInformation", ["queries"] = new JsonArray("DeviceName", "OSVersion") })).ToArray();
        LoadResult Commands(string name, TimeSpan time) => Load.Full(name, fleet.Target, run.Connections(32), time,
            (_, connection) => connection.Send(requests[Interlocked.Increment(ref next) % requests.Length]).Status);
        Commands("warm-up", ScenarioRun.WarmUp);
        var single = run.Measure(bed, () => Commands("single commands by REST", run.For(10)));
        run.Report.Add("single commands accepted a second", single.Load.PerSecond, "");
        run.Report.Check("every command was accepted", single.Load.Measurement.Failures == 0);
    }

    /// <summary>Seconds until it was answered 202.</summary>
    private static async Task<double> Operation(TestBed bed)
    {
        var began = Stopwatch.GetTimestamp();
        await ScenarioRun.Queue(bed);
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
