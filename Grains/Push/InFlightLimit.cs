namespace FleetMdm.Grains.Push;

/// <summary>
/// How many requests a connection may have under way: grows with success, is halved by trouble, as TCP does with its window.
/// Not for several threads.
/// </summary>
internal sealed class InFlightLimit(int most)
{
    /// <summary>Few enough for a service that has just started to take them all.</summary>
    private const int Start = 64;

    private double _limit = Math.Min(Start, most);
    private double _threshold = most;

    public int Value => (int)_limit;

    /// <param name="inFlight">How many were under way: a limit that is not used is not raised.</param>
    public void Succeeded(int inFlight)
    {
        if (inFlight < _limit / 2)
            return;
        // Below the threshold it doubles with each round of answers, beyond it it grows by one a round.
        _limit = Math.Min(most, _limit + (_limit < _threshold ? 1 : 1 / _limit));
    }

    public void Halve()
    {
        _threshold = Math.Max(1, _limit / 2);
        _limit = _threshold;
    }

    /// <summary>Back to a single one, that tries whether it works again.</summary>
    public void Probe()
    {
        _threshold = Math.Max(1, _limit / 2);
        _limit = 1;
    }
}
