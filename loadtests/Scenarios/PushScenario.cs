using System.Diagnostics;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>The sender alone: operations over many iPads with push; how many notifications a second the simulated APNs (in this process, on
/// the same cores) takes, and whether more were under way than allowed.</summary>
internal static class PushScenario
{
    private const int InFlightPerConnection = 500;
    private const int Connections = 2;

    /// <summary>After one, a sixth of the machine still compiles.</summary>
    private const int WarmUps = 3;

    public static async Task Run(ScenarioRun run)
    {
        if (run.Options.Target is not null) throw new LoadException("push starts its own server.");
        var rows = Math.Max(run.Options.Rows, run.IPads(50_000));
        var settings = new Dictionary<string, string>
        {
            ["Push:RatePerSecond"] = "1000000",
            ["Push:Connections"] = $"{Connections}",
            ["Push:MaxInFlightPerConnection"] = $"{InFlightPerConnection}",
        };
        await using var bed = await TestBed.Start(run.Options, settings);
        await run.Enrolled(bed, rows: rows, ipads: 100);
        for (var again = 0; again < WarmUps; again++) await Push(run, bed, rows, "warm-up");

        run.Say("measuring");
        var before = bed.Spent();
        var (seconds, curve) = await Push(run, bed, rows, "pushes");
        var spent = bed.Spent().Since(before);
        run.Report.Add(new Report.Curve("notifications taken by APNs", "per second", curve));
        run.Report.Add("notifications a second, from the operation's start to its last push", rows / seconds, "");
        run.Report.Add("notifications a second, best second", curve.Count == 0 ? 0 : curve.Max(point => point.Value), "");
        run.Report.Add("CPU-s of the server per 1,000 notifications", spent.ServerSeconds * 1000 / rows, "");
        run.Report.Add("most under way at once", bed.Apns!.Statistics.MostInFlight, $"(allowed: {Connections * InFlightPerConnection})");
        run.Report.Check("never more under way than allowed", bed.Apns.Statistics.MostInFlight <= Connections * InFlightPerConnection);
        run.Report.Check("every iPad was pushed to", bed.Apns.Statistics.Accepted >= (WarmUps + 1L) * rows);
    }

    private static async Task<(double Seconds, List<(double Second, double Value)> Curve)> Push(ScenarioRun run, TestBed bed, int rows, string what)
    {
        var start = bed.Apns!.Statistics.Accepted;
        var began = Stopwatch.GetTimestamp();
        await ScenarioRun.Queue(bed, push: true);
        var curve = new List<(double, double)>();
        var (lastCount, lastAt) = (start, 0.0);
        while (bed.Apns.Statistics.Accepted - start < rows)
        {
            if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromMinutes(2)) throw new LoadException($"Only {bed.Apns.Statistics.Accepted - start} of {rows} pushes came in two minutes.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            var at = Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (at - lastAt < 1) continue;
            var count = bed.Apns.Statistics.Accepted;
            curve.Add((at, (count - lastCount) / (at - lastAt)));
            (lastCount, lastAt) = (count, at);
            run.Counting(what)?.Invoke(count - start);
        }

        return (Stopwatch.GetElapsedTime(began).TotalSeconds, curve);
    }
}
