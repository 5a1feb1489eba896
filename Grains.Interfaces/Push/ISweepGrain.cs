namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// The one grain (key 0) that looks over the whole fleet now and then: wakes iPads that were silent too long with commands
/// waiting, resumes operations that a dead node left, drops what is past its retention.
/// </summary>
[Alias("fleetmdm.sweep")]
public interface ISweepGrain : IGrainWithIntegerKey
{
    /// <summary>Starts what is due and returns; every node calls it once a minute, and calls too early do nothing.</summary>
    [Alias("Tick")]
    Task Tick();

    /// <summary>A node is gone: what it may have taken with it is looked for at once. Returns when that has begun; every node that noticed
    /// calls it, and the second call does nothing.</summary>
    [Alias("NodeLost")]
    Task NodeLost();

    /// <summary>A node gave pushes up, since APNs did not take them or its queues were full: their iPads are looked for. Returns when that has
    /// begun, or is about to.</summary>
    [Alias("PushesLost")]
    Task PushesLost();
}
