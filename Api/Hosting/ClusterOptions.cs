namespace FleetMdm.Api.Hosting;

public enum NodeRole
{
    /// <summary>Grains and API in one process.</summary>
    All,
    /// <summary>Grains only.</summary>
    Silo,
    /// <summary>API only: a client of the silos.</summary>
    Api,
}

/// <summary>Section <c>Cluster</c>. One box needs none of it; a cluster needs PostgreSQL.</summary>
public sealed class FleetClusterOptions
{
    public const string Section = "Cluster";

    public NodeRole Role { get; set; } = NodeRole.All;

    /// <summary>True: several nodes find each other through PostgreSQL. False: this process is the whole fleet.</summary>
    public bool Enabled { get; set; }

    /// <summary>Nodes of one installation share it.</summary>
    public string ClusterId { get; set; } = "fleetmdm";

    /// <summary>The address that other nodes reach this one by; null: found from the machine's name.</summary>
    public string? AdvertisedAddress { get; set; }

    /// <summary>Between silos; 0 takes a free one (one box only).</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>For nodes in role <see cref="NodeRole.Api"/>, 30000 as a rule; 0: none.</summary>
    public int GatewayPort { get; set; } = 0;

    /// <summary>How long a node that was told to stop goes on serving while its health checks already say no, in seconds, 0 to 120: longer than the
    /// load balancer needs to notice. Only with <see cref="Enabled"/>.</summary>
    public int DrainSeconds { get; set; } = 10;

    internal string? FindFault()
    {
        if (SiloPort is < 0 or > 65535) return $"Cluster:SiloPort must be 0 to 65535, but is {SiloPort}.";
        if (GatewayPort is < 0 or > 65535) return $"Cluster:GatewayPort must be 0 to 65535, but is {GatewayPort}.";
        if (DrainSeconds is < 0 or > 120) return $"Cluster:DrainSeconds must be 0 to 120, but is {DrainSeconds}.";
        if (Enabled && SiloPort == 0) return "Cluster:SiloPort must be set to a fixed port when Cluster:Enabled is true.";
        if (!Enabled && Role != NodeRole.All) return $"Cluster:Role is {Role}, which needs Cluster:Enabled and PostgreSQL.";
        if (string.IsNullOrWhiteSpace(ClusterId) || ClusterId.Length > 100) return "Cluster:ClusterId must be 1 to 100 characters.";
        if (AdvertisedAddress is not null && !System.Net.IPAddress.TryParse(AdvertisedAddress, out _))
            return $"Cluster:AdvertisedAddress must be an IP address, but is \"{AdvertisedAddress}\".";
        return null;
    }
}
