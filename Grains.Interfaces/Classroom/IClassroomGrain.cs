using Orleans.Concurrency;

namespace FleetMdm.Grains.Interfaces;

/// <summary>The one grain (key 0) that looks after Apple's Classroom: works out what iPads should know of their classes when something changed, and has certificates renewed.</summary>
[Alias("fleetmdm.classroom")]
public interface IClassroomGrain : IGrainWithIntegerKey
{
    /// <summary>A school was switched on or off: all iPads are looked at, soon.</summary>
    [Alias("Switched"), AlwaysInterleave]
    Task Switched();

    /// <summary>Keeps it at work; every node may call it.</summary>
    [Alias("Wake"), AlwaysInterleave]
    Task Wake();
}
