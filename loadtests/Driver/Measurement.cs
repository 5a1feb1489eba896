using System.Diagnostics;
using HdrHistogram;

namespace FleetMdm.LoadTests.Driver;

/// <summary>What one worker measures; merged when all have ended, so that nobody waits for anybody meanwhile.</summary>
public sealed class Measurement
{
    private const long HighestMicroseconds = 600_000_000;
    private const int Digits = 3;

    private readonly long _origin;
    private readonly List<int> _perSecond = [];

    /// <param name="origin">A timestamp: the zero of the timeline.</param>
    public Measurement(long origin) => _origin = origin;

    /// <summary>Latencies in microseconds.</summary>
    public LongHistogram Latencies { get; } = new(1, HighestMicroseconds, Digits);

    /// <summary>How often each status came; 0: no answer.</summary>
    public SortedDictionary<int, long> Statuses { get; } = [];

    /// <summary>How many ended in each second of the timeline.</summary>
    public IReadOnlyList<int> PerSecond => _perSecond;

    public long Count => Latencies.TotalCount;

    /// <summary>Notes something that began (or should have begun) and ended at these timestamps.</summary>
    public void Record(long began, long ended, int status)
    {
        var elapsed = (ended - began) * 1_000_000 / Stopwatch.Frequency;
        Latencies.RecordValue(Math.Clamp(elapsed, 1, HighestMicroseconds));
        Statuses[status] = Statuses.GetValueOrDefault(status) + 1;
        var second = (int)Math.Max(0, (ended - _origin) / Stopwatch.Frequency);
        while (_perSecond.Count <= second) _perSecond.Add(0);
        _perSecond[second]++;
    }

    public void Add(Measurement other)
    {
        Latencies.Add(other.Latencies);
        foreach (var (status, count) in other.Statuses) Statuses[status] = Statuses.GetValueOrDefault(status) + count;
        while (_perSecond.Count < other._perSecond.Count) _perSecond.Add(0);
        for (var i = 0; i < other._perSecond.Count; i++) _perSecond[i] += other._perSecond[i];
    }

    /// <summary>All answers but those of 2xx.</summary>
    public long Failures => Statuses.Where(status => status.Key is < 200 or > 299).Sum(status => status.Value);
}
