using FleetMdm.Grains.Nodes;

namespace FleetMdm.Grains.Devices;

/// <summary>How new it is what a grain remembers of its rows.</summary>
/// <param name="Epoch">The newest append that this node was told of before the rows were read.</param>
/// <param name="ReadAt">When they were read.</param>
public readonly record struct MemoryOfRows(long Epoch, DateTimeOffset ReadAt)
{
    /// <summary>Even without news, memory is not believed for longer: whatever went wrong mends itself.</summary>
    private static readonly TimeSpan BelievedFor = TimeSpan.FromMinutes(15);

    public bool IsBelieved(QueueEpoch epoch, DateTimeOffset now) => epoch.IsSettled && Epoch == epoch.Current && ReadAt.IsWithin(BelievedFor, now);
}
