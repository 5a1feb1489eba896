namespace FleetMdm.Grains.Interfaces;

/// <summary>The one grain (key 0) that puts audit records into their chain, about a second after they were written.</summary>
[Alias("fleetmdm.audit-chain")]
public interface IAuditChainGrain : IGrainWithIntegerKey
{
    /// <summary>Keeps it at work; every node may call it.</summary>
    [Alias("Wake")]
    Task Wake();

    /// <summary>When it returns, what was written before is in the chain. Returns the number of the last record.</summary>
    [Alias("Seal")]
    Task<long> Seal();
}
