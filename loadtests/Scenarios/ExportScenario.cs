using System.Diagnostics;
using System.Net.Http.Headers;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>The list of a large fleet as CSV: how long it takes, and how much memory of the server.</summary>
internal static class ExportScenario
{
    private const int Rounds = 3;
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options);
        if (bed.Postgres is null || bed.Server is not { } meter) throw new LoadException("export needs a server and a PostgreSQL that are started here.");
        var rows = Math.Max(run.Options.Rows, run.IPads(100_000));
        run.Say($"filling the database with {rows:N0} iPads");
        await District.Fill(bed.ConnectionString, rows);
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bed.AdminToken);
        // The first one compiles the code.
        await Export(http, bed);
        var (times, growths, lines) = (new List<double>(), new List<double>(), 0L);
        for (var round = 1; round <= Rounds; round++)
        {
            run.Say($"exporting, round {round} of {Rounds}");
            var before = meter.AnonymousBytes;
            var began = Stopwatch.GetTimestamp();
            var export = Export(http, bed);
            var most = before;
            while (await Task.WhenAny(export, Task.Delay(Glance, TimeProvider.System)) != export) most = Math.Max(most, meter.AnonymousBytes);
            lines = await export;
            times.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            growths.Add(Math.Max(0, most - before) / 1e6);
        }

        times.Sort();
        run.Report.Add($"CSV of {rows:N0} iPads, median", times[Rounds / 2], "s");
        run.Report.Add("rows a second, median", rows / times[Rounds / 2], "");
        run.Report.Add("memory of the server at its most above that before", growths.Max(), "MB");
        run.Report.Check("the file has a line for each iPad, and one with the names", lines == rows + 1);
    }

    /// <summary>Reads it all and keeps nothing.</summary>
    /// <returns>Lines.</returns>
    private static async Task<long> Export(HttpClient http, TestBed bed)
    {
        using var response = await http.GetAsync(new Uri(bed.Url, "/api/v1/devices/export"), HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[64 * 1024];
        var lines = 0L;
        int read;
        while ((read = await body.ReadAsync(buffer)) > 0) lines += buffer.AsSpan(0, read).Count((byte)'\n');
        return lines;
    }
}
