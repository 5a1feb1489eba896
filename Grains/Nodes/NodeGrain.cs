using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Grains.Nodes;

/// <inheritdoc cref="INodeGrain"/>
[GrainType("node"), NodePlacement]
internal sealed class NodeGrain(QueueEpoch epoch) : Grain, INodeGrain
{
    public Task QueueChanged()
    {
        epoch.Advance();
        return Task.CompletedTask;
    }
}
