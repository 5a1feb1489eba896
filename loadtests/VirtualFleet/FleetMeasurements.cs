using System.Collections.Concurrent;
using HdrHistogram;

namespace FleetMdm.VirtualFleet;

/// <summary>Latencies of one kind, in microseconds up to an hour, to three digits. Safe for any thread.</summary>
public sealed class Latency(string name)
{
    private static readonly long HighestMicroseconds = (long)TimeSpan.FromHours(1).TotalMicroseconds;

    private readonly LongConcurrentHistogram _histogram = new(1, HighestMicroseconds, 3);

    public string Name => name;
    public long Count => _histogram.TotalCount;

    public void Record(TimeSpan elapsed) =>
        _histogram.RecordValue(Math.Clamp((long)elapsed.TotalMicroseconds, 1, HighestMicroseconds));

    /// <param name="percentile">0 to 100.</param>
    /// <returns>Zero when nothing was recorded.</returns>
    public TimeSpan At(double percentile) =>
        Count == 0 ? TimeSpan.Zero : TimeSpan.FromMicroseconds(_histogram.GetValueAtPercentile(percentile));

    public TimeSpan Highest => Count == 0 ? TimeSpan.Zero : TimeSpan.FromMicroseconds(_histogram.GetMaxValue());
}

/// <summary>What a fleet measures and counts over all its iPads.</summary>
public sealed class FleetMeasurements
{
    private const int HighestStatus = 599;

    /// <summary>Commands that are tallied at one time; beyond, the oldest is forgotten.</summary>
    private const int MostTallies = 100_000;

    private readonly long[] _answers = new long[HighestStatus + 1];
    private readonly ConcurrentDictionary<string, CommandTally> _tallies = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _tallyAges = new();

    /// <summary>One HTTP request of the enrolment: invitation, SCEP.</summary>
    public Latency Enrolment { get; } = new("enrolment request");

    /// <summary>One PUT of a check-in message or a report.</summary>
    public Latency Request { get; } = new("request");

    /// <summary>From a push's arrival until the iPad has the answer to its Idle.</summary>
    public Latency PushToConnect { get; } = new("push to connect");

    /// <summary>From <see cref="IPadFleet.Enqueued(string)"/> until the server has taken the final report.</summary>
    public Latency EnqueueToAcknowledged { get; } = new("enqueue to acknowledged");

    /// <summary>Requests that got no answer at all: refused, broken or timed out.</summary>
    public long NoAnswer => Interlocked.Read(ref _answers[0]);

    /// <summary>How many answers had that HTTP status.</summary>
    public long Answers(int status) => Interlocked.Read(ref _answers[status]);

    /// <summary>Every HTTP status that was seen, with how often.</summary>
    public IReadOnlyDictionary<int, long> AnswersByStatus =>
        Enumerable.Range(100, HighestStatus - 99).Where(status => Answers(status) > 0).ToDictionary(status => status, Answers);

    /// <summary>Reports that the server answered 2xx to, for one command over all iPads.</summary>
    public CommandTally Tally(string commandUuid)
    {
        if (_tallies.TryGetValue(commandUuid, out var known))
            return known;
        var made = new CommandTally();
        var tally = _tallies.GetOrAdd(commandUuid, made);
        if (ReferenceEquals(tally, made))
        {
            _tallyAges.Enqueue(commandUuid);
            if (_tallyAges.Count > MostTallies && _tallyAges.TryDequeue(out var oldest))
                _tallies.TryRemove(oldest, out _);
        }
        return tally;
    }

    internal void Answered(int status) => Interlocked.Increment(ref _answers[status is >= 100 and <= HighestStatus ? status : 0]);
}

/// <summary>Accepted reports of one command, over all the iPads that had it.</summary>
public sealed class CommandTally
{
    /// <summary>Final reports that came before anybody said when the command was queued; more are not timed.</summary>
    private const int MostEarly = 100_000;

    private readonly Lock _lock = new();
    private List<long>? _early;
    private long _acknowledged, _failed, _notNow, _enqueuedAt;

    public long Acknowledged => Interlocked.Read(ref _acknowledged);
    /// <summary>Error and CommandFormatError.</summary>
    public long Failed => Interlocked.Read(ref _failed);
    /// <summary>Reports, not iPads: one iPad may say NotNow several times.</summary>
    public long NotNow => Interlocked.Read(ref _notNow);

    /// <summary>Tells when the command was queued, and gets the final reports that came before that was told.</summary>
    /// <param name="timestamp">Of the fleet's clock.</param>
    internal IReadOnlyList<long> Enqueued(long timestamp)
    {
        lock (_lock)
        {
            _enqueuedAt = timestamp;
            var early = _early ?? [];
            _early = null;
            return early;
        }
    }

    /// <summary>A final report at this timestamp: when the command was queued, or null when nobody said so far.</summary>
    internal long? Finished(long timestamp)
    {
        lock (_lock)
        {
            if (_enqueuedAt != 0)
                return _enqueuedAt;
            if ((_early ??= []).Count < MostEarly)
                _early.Add(timestamp);
            return null;
        }
    }

    internal void Count(string status)
    {
        switch (status)
        {
            case "Acknowledged":
                Interlocked.Increment(ref _acknowledged);
                break;
            case "NotNow":
                Interlocked.Increment(ref _notNow);
                break;
            default:
                Interlocked.Increment(ref _failed);
                break;
        }
    }
}
