namespace FleetMdm.Grains.Interfaces;

/// <summary>
/// The one grain that stands for a node (key: the silo's address, placed on that silo and nowhere else). Operations tell it
/// that queue rows were appended behind the backs of the iPads' grains.
/// </summary>
[Alias("fleetmdm.node")]
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>From the moment it returns, every iPad's grain on this node looks at its queue once more when its iPad
    /// next reports.</summary>
    [Alias("QueueChanged")]
    Task QueueChanged();
}
