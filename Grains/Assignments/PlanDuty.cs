using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;

namespace FleetMdm.Grains.Assignments;

/// <summary>Sees to it that somebody looks after what is assigned, whichever node died.</summary>
internal sealed class PlanDuty(IGrainFactory grains) : INodeLostDuty
{
    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public Task Run(CancellationToken cancellationToken) => grains.GetGrain<IPlanGrain>(0).Wake();
}
