using System.Globalization;
using Spectre.Console;

namespace FleetMdm.LoadTests.Report;

/// <summary>The table at the end.</summary>
internal static class ConsoleReport
{
    /// <summary>A file or a pipe has no width; the table needs so much.</summary>
    private const int WidthOfFiles = 180;

    public static void Write(ScenarioReport report)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = WidthOfFiles;
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLineInterpolated($"[bold]{report.Scenario}[/] {report.Parameters}; {report.Machine}");
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var heading in new[] { "", "requests", "per s", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "not 2xx", "server CPU-s/1,000", "database CPU-s/1,000", "server MB" })
            table.AddColumn(new TableColumn(heading) { Alignment = heading.Length == 0 ? Justify.Left : Justify.Right });
        foreach (var phase in report.Phases)
        {
            var measured = phase.Load.Measurement;
            table.AddRow(
                Markup.Escape(phase.Load.Name), Number(measured.Count, 0), Number(phase.Load.PerSecond, 0), Milliseconds(phase, 50), Milliseconds(phase, 99),
                Milliseconds(phase, 99.9), Milliseconds(phase, 100), Number(measured.Failures, 0), Number(phase.ServerPerThousand, 3),
                Number(phase.DatabasePerThousand, 3), Number(phase.Spent.ServerBytes / 1048576.0, 0));
        }

        AnsiConsole.Write(table);
        foreach (var figure in report.Figures)
            AnsiConsole.MarkupLineInterpolated($"{figure.What}: [bold]{Number(figure.Value, 3)}[/] {figure.Unit}");
        foreach (var check in report.Checks)
            AnsiConsole.MarkupLineInterpolated($"{(check.Holds ? "yes" : "NO ")}  {check.What}");
    }

    private static string Milliseconds(Phase phase, double percentile) =>
        Number(phase.Load.Measurement.Latencies.GetValueAtPercentile(percentile) / 1000.0, 2);

    private static string Number(double value, int digits) =>
        double.IsNaN(value) ? "–" : value.ToString("N" + digits, CultureInfo.InvariantCulture);
}
