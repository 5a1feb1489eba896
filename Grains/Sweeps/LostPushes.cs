using FleetMdm.Grains.Push;

namespace FleetMdm.Grains.Sweeps;

/// <summary>Remembers that this node gave pushes up for reasons that do not lie with their iPads, until somebody sees to it that they are
/// looked for (<see cref="PushLifecycle"/>).</summary>
/// <remarks>Any thread. Which ones they were, the store knows: <see cref="LostPushSweep"/>.</remarks>
internal sealed class LostPushes
{
    private int _some;

    public void Note() => Volatile.Write(ref _some, 1);

    /// <summary>Whether there were some since it was last asked.</summary>
    public bool Take() => Volatile.Read(ref _some) != 0 && Interlocked.Exchange(ref _some, 0) != 0;
}
