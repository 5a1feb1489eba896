using System.Collections.Concurrent;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Operations;

/// <summary>What operations look like now, for all who watch them on this node: counted at most twice a second each, however
/// many watch.</summary>
/// <remarks>Safe for any number of callers. Bounded by the number of streams that may be open; an operation that nobody asked
/// for since a minute is forgotten when another one is looked at.</remarks>
internal sealed class OperationWatch(IGrainFactory grains, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private const int SweepAbove = 64;
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Look> _looks = new(StringComparer.Ordinal);

    public Task<OperationDescription?> Describe(string id)
    {
        var now = time.GetTimestamp();
        var look = _looks.GetOrAdd(id, _ => new Look());
        lock (look)
        {
            // A count that takes long is not repeated sooner because of that.
            if (look.Running is { IsCompleted: false }) return look.Running;
            if (look.Running is { IsCompletedSuccessfully: true } && time.GetElapsedTime(look.At, now) < Interval) return look.Running;
            look.At = now;
            look.Running = OperationEndpoints.Grain(grains, id).Describe();
            if (_looks.Count > SweepAbove) Sweep(now);
            return look.Running;
        }
    }

    private void Sweep(long now)
    {
        foreach (var (id, look) in _looks)
        {
            if (time.GetElapsedTime(look.At, now) > ForgetAfter) _looks.TryRemove(id, out _);
        }
    }

    private sealed class Look
    {
        public long At;
        public Task<OperationDescription?>? Running;
    }
}
