using FleetMdm.Grains.Nodes;

namespace FleetMdm.Grains.Outside;

/// <summary>How often a token may be used. One request after the other: not for several threads.</summary>
/// <param name="lease">This node is sure to be the one that may ask.</param>
/// <param name="clock">Of the node.</param>
/// <param name="most">Requests.</param>
/// <param name="per">In so much time.</param>
internal sealed class RequestBudget(NodeLease lease, TimeProvider clock, int most, TimeSpan per)
{
    private readonly Queue<long> _requests = [];

    /// <summary>Waits until a request may go out, and counts it.</summary>
    public async Task Take(CancellationToken stopping)
    {
        while (true)
        {
            stopping.ThrowIfCancellationRequested();
            lease.Check();
            while (_requests.TryPeek(out var oldest) && clock.GetElapsedTime(oldest) >= per) _requests.Dequeue();
            if (_requests.Count < most) break;
            // The clock went on since it was read: what is over is no wait, and least of all an endless one.
            var wait = per - clock.GetElapsedTime(_requests.Peek());
            if (wait > TimeSpan.Zero) await Task.Delay(wait, clock, stopping);
        }

        _requests.Enqueue(clock.GetTimestamp());
    }
}
