using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Authentication;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// Thousands of iPads open a connection in the same moment, each with its certificate, and poll once: far more TLS handshakes than the server can do in
/// the time that one may take. Who is turned away, or has waited for as long as an iPad waits, comes again a few seconds later.
/// </summary>
internal static class StormScenario
{
    /// <summary>As an iPad.</summary>
    private static readonly TimeSpan GivesUpAfter = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private const int ComesAgainWithinSeconds = 10;
    private const int QuestionsPerSecond = 2;

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options with { Identity = LoadIdentity.Mtls });
        var fleet = await run.Enrolled(bed, run.IPads(5_000));
        run.Say("warm-up");
        IdleScenario.Poll(fleet, fleet.Target, "warm-up", 16, ScenarioRun.WarmUp);
        foreach (var ipad in fleet.IPads) _ = (ipad.Idle, ipad.ForTls);

        run.Say($"{fleet.IPads.Count:N0} iPads connect");
        using var over = new CancellationTokenSource(Patience);
        var asking = Task.Run(() => Ask(bed, fleet.Target, over.Token));
        var attempts = 0;
        var phase = await run.Measure(bed, () => Storm(fleet, () => Interlocked.Increment(ref attempts), over.Token));
        await over.CancelAsync();
        var asked = await asking;

        var served = phase.Load.Measurement;
        foreach (var share in new[] { 50, 95, 99, 100 })
            run.Report.Add($"{share} % of the iPads served after", served.Latencies.GetValueAtPercentile(share) / 1_000_000.0, "s");
        run.Report.Add("connections made for each iPad", attempts / (double)fleet.IPads.Count, "");
        run.Report.Add("an administrator meanwhile, on new connections: median", asked.Count == 0 ? double.NaN : asked.Order().ElementAt(asked.Count / 2), "s");
        run.Report.Add("an administrator meanwhile: at most", asked.Count == 0 ? double.NaN : asked.Max(), "s");
        run.Report.Check("every iPad was served", served.Statuses is { Count: 1 } && served.Statuses.ContainsKey(200));
    }

    private static async Task<LoadResult> Storm(LoadFleet fleet, Action attempt, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        var measurement = new Measurement(began);
        await Task.WhenAll(fleet.IPads.Select(ipad => Task.Run(async () =>
        {
            var status = await Wake(fleet, ipad, attempt, cancellationToken);
            lock (measurement) measurement.Record(began, Stopwatch.GetTimestamp(), status);
        }, CancellationToken.None)));
        return new LoadResult("iPads that connect in the same moment", fleet.IPads.Count, Stopwatch.GetElapsedTime(began).TotalSeconds, measurement);
    }

    /// <returns>200 when it was served in the end; 0 when not.</returns>
    private static async Task<int> Wake(LoadFleet fleet, LoadIPad ipad, Action attempt, CancellationToken cancellationToken)
    {
        while (true)
        {
            attempt();
            using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            giveUp.CancelAfter(GivesUpAfter);
            if (await Poll(fleet.Target, ipad.Number, ipad.Idle, ipad.ForTls, giveUp.Token) == 200) return 200;
            if (cancellationToken.IsCancellationRequested) return 0;
            await Task.Delay(TimeSpan.FromSeconds(ComesAgainWithinSeconds * Random.Shared.NextDouble()), TimeProvider.System, CancellationToken.None);
        }
    }

    private static async Task<int> Poll(
        HttpTarget target, int turn, ReadOnlyMemory<byte> request, System.Net.Security.SslStreamCertificateContext? certificate, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await target.ConnectAsync(turn, certificate, cancellationToken);
            await using var broken = cancellationToken.Register(stream.Dispose);
            return (await HttpExchange.Send(stream, request, new byte[HttpExchange.LongestAnswer])).Status;
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException or ObjectDisposedException)
        {
            return 0;
        }
    }

    /// <summary>Someone who opens the console again and again, by a new connection each time; how long it took.</summary>
    private static async Task<List<double>> Ask(TestBed bed, HttpTarget target, CancellationToken over)
    {
        var seconds = new List<double>();
        var request = ScenarioRun.AdminGet(bed, "/api/v1/status");
        while (!over.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            if (await Poll(target, 0, request, null, over) == 200) seconds.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            await Task.Delay(TimeSpan.FromSeconds(1.0 / QuestionsPerSecond), TimeProvider.System, CancellationToken.None);
        }

        return seconds;
    }
}
