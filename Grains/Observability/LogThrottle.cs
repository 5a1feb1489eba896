namespace FleetMdm.Grains.Observability;

/// <summary>Lets one log line a minute pass, and counts the others. For any number of threads.</summary>
internal sealed class LogThrottle(TimeProvider time)
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long? _last;
    private long _suppressed;

    /// <param name="suppressed">How many were not written since the last one that was.</param>
    public bool Due(out long suppressed)
    {
        lock (_lock)
        {
            suppressed = _suppressed;
            var now = time.GetTimestamp();
            if (_last is { } last && time.GetElapsedTime(last, now) < Every)
            {
                _suppressed++;
                return false;
            }
            _last = now;
            _suppressed = 0;
            return true;
        }
    }
}
