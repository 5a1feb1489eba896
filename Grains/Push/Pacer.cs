namespace FleetMdm.Grains.Push;

/// <summary>Lets so many pass a second, evenly (a token bucket). Not for several threads.</summary>
internal sealed class Pacer(int perSecond, TimeProvider time)
{
    /// <summary>How much may be caught up with after a pause: enough for the timers' grain, too little for a flood.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(5);

    private readonly double _most = Math.Max(1, perSecond * Burst.TotalSeconds);
    private double _tokens = Math.Max(1, perSecond * Burst.TotalSeconds);
    private long _at = time.GetTimestamp();

    /// <summary>Zero: one may pass, and is counted. Otherwise: how long to wait before asking again.</summary>
    public TimeSpan TryPass()
    {
        var now = time.GetTimestamp();
        _tokens = Math.Min(_most, _tokens + time.GetElapsedTime(_at, now).TotalSeconds * perSecond);
        _at = now;
        if (_tokens >= 1)
        {
            _tokens -= 1;
            return TimeSpan.Zero;
        }
        var wait = TimeSpan.FromSeconds((1 - _tokens) / perSecond);
        return wait < ShortestWait ? ShortestWait : wait;
    }
}
