namespace FleetMdm.Grains.Nodes;

/// <summary>
/// The newest append that this node was told of, as a number that only grows. A grain that read its queue at an older number
/// reads it once more when its iPad next reports.
/// </summary>
public sealed class QueueEpoch
{
    private long _current;

    public long Current => Volatile.Read(ref _current);

    public void Advance() => Interlocked.Increment(ref _current);
}
