using System.Runtime.InteropServices;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Report;

/// <summary>Something that the scenario promised to check.</summary>
public sealed record Check(string What, bool Holds);

/// <summary>A figure that is neither a rate nor a latency.</summary>
public sealed record Figure(string What, double Value, string Unit);

/// <summary>A load phase and what it cost.</summary>
public sealed record Phase(LoadResult Load, Spent Spent)
{
    /// <summary>CPU seconds for 1,000 requests; not a number where nobody measured them for this phase alone.</summary>
    public double ServerPerThousand => Spent == default ? double.NaN : Spent.ServerSeconds * 1000 / Load.Measurement.Count;

    /// <inheritdoc cref="ServerPerThousand"/>
    public double DatabasePerThousand => Spent == default ? double.NaN : Spent.DatabaseSeconds * 1000 / Load.Measurement.Count;
}

/// <summary>The points of a curve over seconds.</summary>
public sealed record Curve(string Name, string Unit, IReadOnlyList<(double Second, double Value)> Points);

/// <summary>What came of a scenario; filled while it runs.</summary>
public sealed class ScenarioReport(string scenario, string parameters)
{
    private readonly List<Phase> _phases = [];
    private readonly List<Figure> _figures = [];
    private readonly List<Check> _checks = [];
    private readonly List<Curve> _curves = [];

    public string Scenario => scenario;
    public string Parameters => parameters;
    public string Machine { get; } =
        $"{Environment.ProcessorCount} cores, {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30} GiB, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";
    public DateTimeOffset At { get; } = TimeProvider.System.GetUtcNow();
    public IReadOnlyList<Phase> Phases => _phases;
    public IReadOnlyList<Figure> Figures => _figures;
    public IReadOnlyList<Check> Checks => _checks;
    public IReadOnlyList<Curve> Curves => _curves;
    public bool AllHold => _checks.TrueForAll(check => check.Holds);

    public Phase Add(LoadResult load, Spent spent)
    {
        var phase = new Phase(load, spent);
        _phases.Add(phase);
        // The last second is not a whole one.
        var seconds = Math.Max(1, (int)load.Seconds);
        _curves.Add(new Curve(load.Name, "per second", [.. load.Measurement.PerSecond.Take(seconds).Select((count, second) => ((double)second, (double)count))]));
        return phase;
    }

    public void Add(string what, double value, string unit) => _figures.Add(new Figure(what, value, unit));

    public void Add(Curve curve) => _curves.Add(curve);

    public void Check(string what, bool holds) => _checks.Add(new Check(what, holds));
}
