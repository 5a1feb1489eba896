using System.Globalization;
using System.Net;
using System.Text;

namespace FleetMdm.LoadTests.Report;

/// <summary>One page that needs nothing else: tables, curves over time, and each phase's latencies by percentile.</summary>
internal static class HtmlReport
{
    private const int Width = 860;
    private const int Height = 220;
    private const int Left = 64;
    private const int Bottom = 28;

    /// <summary>Percentiles by their nines: the tail is what hurts, so it gets room.</summary>
    private static readonly double[] Percentiles = [0, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99];

    public static void Write(ScenarioReport report, string file)
    {
        var page = new StringBuilder();
        page.Append($$"""
            <!doctype html><html lang="en"><meta charset="utf-8"><title>{{Text(report.Scenario)}}: FleetMdm load test</title>
            <style>
            body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733; }
            table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .25rem .7rem; border-bottom: 1px solid #d5dce3; text-align: right; }
            td:first-child, th:first-child { text-align: left; } svg { display: block; margin: .4rem 0 1.4rem; } h2 { margin-top: 2rem; font-size: 1.15rem; }
            .no { color: #b3261e; font-weight: 600; } small { color: #5a6875; }
            </style>
            <h1>{{Text(report.Scenario)}}</h1><p>{{Text(report.Parameters)}}<br><small>{{Text(report.Machine)}}; {{report.At:yyyy-MM-dd HH:mm}} UTC</small></p>
            """);
        WritePhases(report, page);
        if (report.Figures.Count > 0)
        {
            page.Append("<h2>Figures</h2><table>");
            foreach (var figure in report.Figures) page.Append($"<tr><td>{Text(figure.What)}<td>{Number(figure.Value)}<td>{Text(figure.Unit)}");
            page.Append("</table>");
        }

        page.Append("<h2>Checks</h2><ul>");
        foreach (var check in report.Checks) page.Append($"<li{(check.Holds ? "" : " class=no")}>{(check.Holds ? "yes" : "NO")}: {Text(check.What)}");
        page.Append("</ul><h2>Over time</h2>");
        foreach (var curve in report.Curves.Where(curve => curve.Points.Count > 1))
            Plot(page, $"{curve.Name} ({curve.Unit})", [.. curve.Points.Select(p => (p.Second, p.Value))], second => $"{second:0.#} s");
        page.Append("<h2>Latency by percentile (ms)</h2>");
        foreach (var phase in report.Phases)
        {
            Plot(page, phase.Load.Name,
                [.. Percentiles.Select((p, i) => ((double)i, phase.Load.Measurement.Latencies.GetValueAtPercentile(p) / 1000.0))],
                i => i == Math.Floor(i) && i < Percentiles.Length ? Percentiles[(int)i].ToString(CultureInfo.InvariantCulture) : "", Percentiles.Length - 1);
        }

        File.WriteAllText(file, page.Append("</html>").ToString());
    }

    private static void WritePhases(ScenarioReport report, StringBuilder page)
    {
        page.Append("<table><tr><th>phase<th>requests<th>per second<th>p50 ms<th>p99 ms<th>p99.9 ms<th>max ms<th>not 2xx<th>server CPU-s per 1,000<th>database CPU-s per 1,000");
        foreach (var phase in report.Phases)
        {
            var latencies = phase.Load.Measurement.Latencies;
            page.Append($"<tr><td>{Text(phase.Load.Name)}<td>{phase.Load.Measurement.Count:N0}<td>{phase.Load.PerSecond:N0}");
            foreach (var percentile in new[] { 50, 99, 99.9, 100 }) page.Append($"<td>{Number(latencies.GetValueAtPercentile(percentile) / 1000.0)}");
            page.Append($"<td>{phase.Load.Measurement.Failures:N0}<td>{Number(phase.ServerPerThousand)}<td>{Number(phase.DatabasePerThousand)}");
        }

        page.Append("</table>");
    }

    private static void Plot(StringBuilder page, string title, (double X, double Y)[] points, Func<double, string> label, int ticks = 6)
    {
        var maxX = Math.Max(points.Max(p => p.X), 1e-9);
        var maxY = Math.Max(points.Max(p => p.Y), 1e-9) * 1.08;
        double X(double x) => Left + (x / maxX * (Width - Left - 20));
        double Y(double y) => Height - Bottom - (y / maxY * (Height - Bottom - 10));
        page.Append($"<p>{Text(title)}</p><svg width={Width} height={Height} font-size=11 fill=#5a6875>");
        for (var i = 0; i <= 4; i++)
        {
            var y = maxY * i / 4;
            page.Append(CultureInfo.InvariantCulture, $"<line x1={Left} x2={Width - 20} y1={Y(y):0} y2={Y(y):0} stroke=#e3e8ed /><text x={Left - 6} y={Y(y) + 4:0} text-anchor=end>{Number(y)}</text>");
        }

        for (var i = 0; i <= ticks; i++)
            page.Append(CultureInfo.InvariantCulture, $"<text x={X(maxX * i / ticks):0} y={Height - 8} text-anchor=middle>{Text(label(maxX * i / ticks))}</text>");
        page.Append("<polyline fill=none stroke=#1565c0 stroke-width=1.6 points=\"");
        foreach (var (x, y) in points) page.Append(CultureInfo.InvariantCulture, $"{X(x):0.#},{Y(y):0.#} ");
        page.Append("\"/></svg>");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Number(double value) =>
        double.IsNaN(value) ? "–" : value.ToString(value >= 1000 ? "N0" : "0.###", CultureInfo.InvariantCulture);
}
