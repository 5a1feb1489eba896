namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// The one grain (key 0) that looks after what is assigned: begins and ends assignments, looks anew at which iPads come under them when something changed that they depend on, and
/// wakes iPads that have something to do.
/// </summary>
[Alias("fleetmdm.plan")]
public interface IPlanGrain : IGrainWithIntegerKey
{
    /// <summary>An assignment was changed: when it returns, every node knows, and iPads are being woken.</summary>
    [Alias("Changed")]
    Task Changed();

    /// <summary>Keeps it at work; every node may call it.</summary>
    [Alias("Wake")]
    Task Wake();
}
