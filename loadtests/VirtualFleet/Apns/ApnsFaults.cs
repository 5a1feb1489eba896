using System.Collections.Concurrent;

namespace FleetMdm.VirtualFleet.Apns;

/// <summary>One way to go wrong.</summary>
public abstract record ApnsFault
{
    private ApnsFault()
    {
    }

    /// <summary>An answer with a reason from Apple's table.</summary>
    /// <param name="Timestamp">For 410.</param>
    /// <param name="RetryAfterSeconds">For 429 and 503.</param>
    public sealed record Answer(int Status, string? Reason, DateTimeOffset? Timestamp = null, int? RetryAfterSeconds = null) : ApnsFault;

    /// <summary>No answer until the client gives up.</summary>
    public sealed record Hang : ApnsFault;

    /// <summary>The stream is reset: 7 is REFUSED_STREAM (not worked on), 2 is INTERNAL_ERROR.</summary>
    public sealed record Reset(int Code) : ApnsFault;

    /// <summary>The connection says GOAWAY, finishes what it took, this request included, and closes.</summary>
    public sealed record GoAway : ApnsFault;

    /// <summary>The connection is cut, with everything that is under way on it.</summary>
    public sealed record Abort : ApnsFault;

    public static readonly ApnsFault Unregistered = new Answer(410, "Unregistered", DateTimeOffset.UnixEpoch.AddYears(50));
    public static readonly ApnsFault Busy = new Answer(503, "ServiceUnavailable");
    public static readonly ApnsFault TooManyRequests = new Answer(429, "TooManyRequests");
    public static readonly ApnsFault Silence = new Hang();
    public static readonly ApnsFault RefusedStream = new Reset(7);
    public static readonly ApnsFault ConnectionCut = new Abort();
    public static readonly ApnsFault GoingAway = new GoAway();
}

/// <summary>Faults on demand. Safe for any number of callers; takes effect with the next request.</summary>
public sealed class ApnsFaults
{
    private readonly ConcurrentDictionary<string, ApnsFault> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<ApnsFault> _next = new();
    private readonly Lock _lock = new();
    private readonly Random _random;
    private ApnsFault? _always;
    private double _share;

    internal ApnsFaults(int seed) => _random = new Random(seed);

    /// <summary>How long each answer takes, as a far-away service would; zero at first.</summary>
    public TimeSpan AnswerDelay { get; set; }

    /// <summary>Every push to this token fails so, until it is cleared.</summary>
    public void ForToken(byte[] token, ApnsFault fault) => _tokens[Convert.ToHexStringLower(token)] = fault;

    public void ClearToken(byte[] token) => _tokens.TryRemove(Convert.ToHexStringLower(token), out _);

    /// <summary>The next requests, whoever they are for, fail so.</summary>
    public void Next(ApnsFault fault, int count = 1)
    {
        for (var i = 0; i < count; i++)
            _next.Enqueue(fault);
    }

    /// <summary>A share of all requests, 0 to 1, fails so, chosen by a generator with a fixed seed.</summary>
    public void Always(ApnsFault fault, double share = 1)
    {
        lock (_lock)
            (_always, _share) = (fault, share);
    }

    public void Clear()
    {
        _tokens.Clear();
        _next.Clear();
        AnswerDelay = TimeSpan.Zero;
        lock (_lock)
            (_always, _share) = (null, 0);
    }

    internal ApnsFault? Choose(string token)
    {
        if (_tokens.TryGetValue(token, out var forToken))
            return forToken;
        if (_next.TryDequeue(out var next))
            return next;
        lock (_lock)
            return _always is not null && (_share >= 1 || _random.NextDouble() < _share) ? _always : null;
    }
}
