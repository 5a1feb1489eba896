using FleetMdm.Grains.Interfaces;
using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace FleetMdm.Grains.Nodes;

/// <summary>Places a grain on the silo whose address is its key, and nowhere else.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.node-placement")]
public sealed class NodePlacement : PlacementStrategy
{
    public static readonly NodePlacement Instance = new();
}

[AttributeUsage(AttributeTargets.Class)]
public sealed class NodePlacementAttribute() : PlacementAttribute(NodePlacement.Instance);

/// <summary>A silo that is gone is a call that fails: the caller looks at the membership again.</summary>
internal sealed class NodePlacementDirector : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var wanted = SiloAddress.FromParsableString(target.GrainIdentity.Key.ToString()!);
        if (Array.IndexOf(context.GetCompatibleSilos(target), wanted) < 0)
            throw new FleetUnavailableException($"The node {wanted} is not part of the cluster.");
        return Task.FromResult(wanted);
    }
}
