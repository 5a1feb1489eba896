using System.Diagnostics;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Report;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// Five times as many messages as the server can take, for a minute, and an administrator who wants something meanwhile. The messages are of
/// the dearest kind, iPads that enrol anew: so one driver on the same machine can send that many.
/// </summary>
internal static class OverloadScenario
{
    private const int Times = 5;

    /// <summary>More than the server lets in and lets wait together, so that it has to refuse.</summary>
    private const int Connections = 6_000;

    /// <summary>As many as keep the server busy, and none waits long.</summary>
    private const int Usual = 64;
    private const int UsualSeconds = 15;
    private const int AfterSeconds = 30;

    /// <summary>Full speed is to be back after at most so many.</summary>
    private const int Recovery = 10;

    /// <summary>A part of a core is busy with compiling for minutes. Warm is a server that has not become faster by more than this share since the last time.</summary>
    private const double StillWarming = 0.03;
    private const int MostWarmUps = 12;
    private const double FullSpeed = 0.9;
    private const int QuestionsPerSecond = 5;

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options);
        var fleet = await run.Enrolled(bed, run.IPads(20_000), run.Options.Rows, Usual);
        var messages = fleet.IPads.Select(ipad => ipad.Authenticate()).ToArray();
        var next = -1;
        ReadOnlyMemory<byte> Next() => messages[(uint)Interlocked.Increment(ref next) % (uint)messages.Length];
        LoadStep enrolAnew = (_, connection) => connection.Send(Next().Span).Status;
        LoadResult Full(string name, int seconds = UsualSeconds) => Load.Full(name, fleet.Target, Usual, TimeSpan.FromSeconds(seconds), enrolAnew);

        var (last, now) = (0.0, Full("warm-up").PerSecond);
        for (var more = 1; more < MostWarmUps && now > last * (1 + StillWarming); more++)
        {
            run.Say($"warming up: {now:N0} a second");
            (last, now) = (now, Full("warm-up").PerSecond);
        }

        run.Say("capacity");
        var before = run.Measure(bed, () => Full("before: as many as go"));
        var capacity = before.Load.PerSecond;

        run.Say($"{Times} times {capacity:N0} a second");
        var peak = new List<(double, double)>();
        using var over = new CancellationTokenSource();
        var time = run.For(60);
        var watching = Task.Run(() => Watch(bed, peak, over.Token));
        var asking = Task.Run(() => Ask(bed, fleet.Target, time));
        var overwhelming = new Flood($"overload: {Times} times that", fleet.Target, run.Connections(Connections), capacity * Times, time, Next);
        overwhelming.Connect();
        var start = bed.Spent();
        var answers = Task.Run(overwhelming.Run);
        await Task.Delay(time, TimeProvider.System);

        // While the last ones still wait for their answers.
        var meanwhile = bed.Spent();
        var fullAgain = Full("after: as many as go", AfterSeconds);
        var end = bed.Spent();
        var flood = run.Report.Add(await answers, meanwhile.Since(start));
        var after = run.Report.Add(fullAgain, end.Since(meanwhile));
        await over.CancelAsync();
        await watching;
        var asked = run.Report.Add(await asking, default);

        var statuses = flood.Load.Measurement.Statuses;
        run.Report.Add("requests a second that were sent, of the capacity", flood.Load.Measurement.Count / time.TotalSeconds / capacity, "");
        run.Report.Add("share of the flood that was answered 503", statuses.GetValueOrDefault(503) / (double)flood.Load.Measurement.Count, "");
        var seconds = (int)time.TotalSeconds;
        run.Report.Add("messages done a second during the flood, of the capacity", overwhelming.Done.Take(seconds).Sum() / time.TotalSeconds / capacity, "");
        var newcomers = after.Load.Measurement.PerSecond;
        var recovered = RecoveredAfter([.. newcomers.Zip(overwhelming.Done.Skip(seconds), (one, other) => one + other)], capacity * FullSpeed);
        var recoveredAlone = RecoveredAfter(newcomers, capacity * FullSpeed);
        Tell($"full speed again ({FullSpeed:P0}), with what still waited", recovered);
        Tell("full speed again of newcomers alone", recoveredAlone);
        run.Report.Add(new Curve("memory of the server", "MB", peak));
        run.Report.Add("memory of the server: before", before.Spent.ServerBytes / 1048576.0, "MB");
        run.Report.Add("memory of the server: at most", peak.Max(point => point.Item2), "MB");
        run.Report.Check("answers were 200 or 503 with Retry-After, nothing else", statuses.Keys.All(status => status is 200 or 503));
        run.Report.Check("some were refused: it was more than the server takes", statuses.ContainsKey(503));
        run.Report.Check("the administrator always got an answer", asked.Load.Measurement.Failures == 0);
        run.Report.Check($"full speed again of newcomers alone within {Recovery} s", recoveredAlone <= Recovery);

        void Tell(string what, int? after) => run.Report.Add(after is null ? $"{what}: not within" : $"{what}: after at most", after ?? AfterSeconds, "s");
    }

    /// <summary>The end of the first second in which it was that fast; null: there was none.</summary>
    private static int? RecoveredAfter(IReadOnlyList<int> perSecond, double fast)
    {
        for (var second = 0; second < perSecond.Count; second++)
        {
            if (perSecond[second] >= fast) return second + 1;
        }

        return null;
    }

    private static async Task Watch(TestBed bed, List<(double, double)> memory, CancellationToken over)
    {
        var began = Stopwatch.GetTimestamp();
        while (!over.IsCancellationRequested)
        {
            memory.Add((Stopwatch.GetElapsedTime(began).TotalSeconds, (bed.Server?.AnonymousBytes ?? 0) / 1048576.0));
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, over).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>An administrator looks at the list of iPads again and again.</summary>
    private static LoadResult Ask(TestBed bed, HttpTarget target, TimeSpan duration)
    {
        var request = ScenarioRun.AdminGet(bed, "/api/v1/devices?limit=50");
        return Load.Paced("an administrator meanwhile", target, 4, QuestionsPerSecond, duration, (_, connection) => connection.Send(request).Status);
    }
}
