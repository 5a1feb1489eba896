namespace FleetMdm.Grains.Nodes;

/// <summary>
/// The newest append that this node was told of, as a number that only grows. A grain that read its queue at an older number
/// reads it once more when its iPad next reports.
/// </summary>
/// <remarks>While nodes come and go no number is the newest: each message then reads what it needs, so that two activations of one iPad, which
/// the cluster cannot rule out in these seconds, both see what the other has done.</remarks>
public sealed class QueueEpoch
{
    private long _current;
    private int _moving;

    public long Current => Volatile.Read(ref _current);

    /// <summary>Whether memory may be believed at all.</summary>
    public bool IsSettled => Volatile.Read(ref _moving) == 0;

    /// <summary>Nodes came or went. Until <see cref="EndMove"/>, which is owed for each of these, nothing is believed.</summary>
    public void BeginMove() => Interlocked.Increment(ref _moving);

    public void EndMove()
    {
        // First, so that what was read before the end is not believed after it.
        Advance();
        Interlocked.Decrement(ref _moving);
    }

    public void Advance() => Interlocked.Increment(ref _current);
}
