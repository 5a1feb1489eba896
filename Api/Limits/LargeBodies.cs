using FleetMdm.Api.Hosting;

namespace FleetMdm.Api.Limits;

/// <summary>The large bodies of iPads that are being received, by address. When all places are taken and another one waits, a slow one makes room.</summary>
/// <remarks>Whose certificate it is cannot be proved before the body is here. So whoever has copies of certificates can begin large bodies and send them slowly: those
/// hold places only while nobody wants them. The one that is ended is answered 408, and its iPad comes again. Any thread; one short lock; bounded by the gate.</remarks>
public sealed class LargeBodies(TimeProvider time)
{
    /// <summary>Most reports are here within a second or two. Who takes longer makes room for an address that has far fewer.</summary>
    public static readonly TimeSpan SlowForMany = TimeSpan.FromSeconds(3);

    /// <summary>Who takes as long as that makes room for anybody.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(12);

    private readonly Lock _gate = new();
    private readonly SharedLine<Receiving> _receiving = new(newestFirst: true);

    /// <summary>To be disposed when the request is done.</summary>
    public IDisposable Begin(UInt128 address, BodyDeadline deadline)
    {
        var receiving = new Receiving(this, deadline, time.GetTimestamp());
        lock (_gate) receiving.Entry = _receiving.Add(address, receiving);
        return receiving;
    }

    /// <summary>Ends one that is slow, if there is one. Called for somebody who waits.</summary>
    /// <param name="address">Of who waits; see <see cref="ClientAddress.KeyOf"/>.</param>
    public void MakeRoom(UInt128 address)
    {
        Receiving? slow;
        lock (_gate)
        {
            // The oldest first.
            slow = _receiving.All.Select(entry => entry.Item).FirstOrDefault(one => !one.Deadline.HasArrived);
            if (slow is null || !IsSlow(slow, Slow))
            {
                slow = _receiving.LastOfHeavierThan(address)?.Item;
                if (slow is null || slow.Deadline.HasArrived || !IsSlow(slow, SlowForMany)) return;
            }

            _receiving.Remove(slow.Entry!);
        }

        slow.Deadline.Yield();
    }

    private bool IsSlow(Receiving one, TimeSpan after) => time.GetElapsedTime(one.Since) >= after;

    private sealed class Receiving(LargeBodies owner, BodyDeadline deadline, long since) : IDisposable
    {
        public BodyDeadline Deadline => deadline;

        public long Since => since;

        public SharedLine<Receiving>.Entry? Entry { get; set; }

        public void Dispose()
        {
            lock (owner._gate) owner._receiving.Remove(Entry!);
        }
    }
}
