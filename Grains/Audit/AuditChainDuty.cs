using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;

namespace FleetMdm.Grains.Audit;

/// <summary>Sees to it that somebody seals the audit records, whichever node died.</summary>
internal sealed class AuditChainDuty(IGrainFactory grains) : INodeLostDuty
{
    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public Task Run(CancellationToken cancellationToken) => grains.GetGrain<IAuditChainGrain>(0).Wake();
}
