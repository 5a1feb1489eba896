using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Grains.Nodes;

/// <summary>
/// Whether this node may speak for its iPads. In a cluster the others give a node's iPads away when it does not answer; a node that was
/// paused does not know that yet when it goes on. So it confirms every few seconds that it is still a member, and what was
/// confirmed counts for a time that is shorter than the others need to give it up.
/// </summary>
/// <remarks>
/// Threads: one loop renews, grains ask. A node that is the whole fleet never begins a lease and always holds it. What a lapsed lease
/// costs: messages are answered 503 until the membership can be read again, as they are when the database is away.
/// </remarks>
public sealed class NodeLease(TimeProvider clock)
{
    private static readonly long Always = -1;

    private long _validFor = Always;
    private long _renewedAt;

    /// <summary>From now on this node has to confirm its membership.</summary>
    /// <param name="validFor">For how long one confirmation counts.</param>
    public void Begin(TimeSpan validFor)
    {
        _renewedAt = clock.GetTimestamp();
        Volatile.Write(ref _validFor, validFor.Ticks);
    }

    /// <summary>The membership was read, and this node is in it.</summary>
    /// <param name="askedAt">Timestamp of before the question: what happened since then is not in the answer.</param>
    public void Renew(long askedAt) => Volatile.Write(ref _renewedAt, askedAt);

    public bool IsHeld
    {
        get
        {
            var validFor = Volatile.Read(ref _validFor);
            return validFor == Always || clock.GetElapsedTime(Volatile.Read(ref _renewedAt)).Ticks < validFor;
        }
    }

    /// <exception cref="FleetUnavailableException">The lease has lapsed: another node may have this one's iPads.</exception>
    public void Check()
    {
        if (!IsHeld)
            throw new FleetUnavailableException("This node has not been able to confirm that it is still part of the cluster.");
    }
}
