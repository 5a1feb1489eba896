using System.Text.Json;

namespace FleetMdm.LoadTests.Report;

/// <summary>The report for programs: every figure with its unit in its name.</summary>
internal static class JsonReport
{
    private static readonly double[] Percentiles = [50, 75, 90, 95, 99, 99.9, 100];
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static void Write(ScenarioReport report, string file) => File.WriteAllText(file, JsonSerializer.Serialize(
        new
        {
            scenario = report.Scenario,
            parameters = report.Parameters,
            machine = report.Machine,
            at = report.At,
            phases = report.Phases.Select(phase => new
            {
                name = phase.Load.Name,
                workers = phase.Load.Workers,
                seconds = Round(phase.Load.Seconds),
                requests = phase.Load.Measurement.Count,
                requestsPerSecond = Round(phase.Load.PerSecond),
                latencyMilliseconds = Percentiles.ToDictionary(
                    p => p.ToString(System.Globalization.CultureInfo.InvariantCulture), p => phase.Load.Measurement.Latencies.GetValueAtPercentile(p) / 1000.0),
                statuses = phase.Load.Measurement.Statuses,
                serverCpuSecondsPer1000 = Round(phase.ServerPerThousand),
                databaseCpuSecondsPer1000 = Round(phase.DatabasePerThousand),
                serverBytes = phase.Spent.ServerBytes,
                databaseTransactions = phase.Spent.Commits,
                perSecond = phase.Load.Measurement.PerSecond,
            }),
            figures = report.Figures.Select(figure => new { what = figure.What, value = Round(figure.Value), unit = figure.Unit }),
            curves = report.Curves.Select(curve => new { name = curve.Name, unit = curve.Unit, points = curve.Points.Select(p => new[] { Round(p.Second), Round(p.Value) }) }),
            checks = report.Checks.Select(check => new { what = check.What, holds = check.Holds }),
        },
        Indented));

    private static double Round(double value) => double.IsFinite(value) ? Math.Round(value, 4) : 0;
}
