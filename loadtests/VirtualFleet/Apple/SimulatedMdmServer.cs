using System.Text.Json.Nodes;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>A "device management service" as a person has created it in the simulated Apple School Manager.</summary>
public sealed class SimulatedMdmServer
{
    internal SimulatedMdmServer(string name) => Name = name;

    public string Name { get; }

    /// <summary>As <c>GET /account</c> says it.</summary>
    public string Uuid { get; } = Guid.NewGuid().ToString("N").ToUpperInvariant();

    /// <summary>Null: nobody has downloaded one.</summary>
    public SimulatedServerToken? Token { get; internal set; }

    /// <summary>The public key that was uploaded, in PEM.</summary>
    public string? CertificatePem { get; internal set; }

    /// <summary>Requests of this server that are worked on at this moment, and the most that ever were.</summary>
    public int AtOnce { get; internal set; }

    public int MostAtOnce { get; internal set; }

    internal List<DeviceEvent> Events { get; } = [];

    internal Dictionary<string, JsonObject> Profiles { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>When requests of the last minute came.</summary>
    internal Queue<DateTimeOffset> LastRequests { get; } = [];

    internal Dictionary<string, Session> Sessions { get; } = new(StringComparer.Ordinal);
}

/// <summary>A line of the log of operations that sync pages come from.</summary>
internal sealed record DeviceEvent(string Type, DateTimeOffset At, JsonObject Device);

/// <summary>Begun by <c>GET /session</c>.</summary>
internal sealed class Session(DateTimeOffset endsAt)
{
    public DateTimeOffset EndsAt { get; } = endsAt;
    public int Requests { get; set; }
}

/// <summary>Where a server has come to in its list.</summary>
/// <param name="Server">Whose it is.</param>
/// <param name="Serials">Of a fetch: what was there when it began; null: of a sync.</param>
/// <param name="At">The next one of the list, or of the log.</param>
/// <param name="Then">Of a fetch: where sync goes on.</param>
internal sealed record DeviceCursor(SimulatedMdmServer Server, DateTimeOffset MadeAt, IReadOnlyList<string>? Serials, int At, int Then)
{
    public bool IsExhausted => Serials is not null && At >= Serials.Count;
}

/// <summary>An iPad that the organisation has bought.</summary>
public sealed class SimulatedPurchase
{
    internal SimulatedPurchase(string serialNumber) => SerialNumber = serialNumber;

    public string SerialNumber { get; }
    public string Model { get; set; } = "iPad (10th generation)";
    public string Description { get; set; } = "IPAD 10.9 WIFI 64GB BLUE";
    public string Color { get; set; } = "BLUE";
    public string AssetTag { get; set; } = "";

    /// <summary>Null: it is on no server.</summary>
    public SimulatedMdmServer? Server { get; internal set; }

    public DateTimeOffset? AssignedAt { get; internal set; }
    public string? ProfileUuid { get; internal set; }
    public string ProfileStatus { get; internal set; } = "empty";
    public DateTimeOffset? ProfileAssignedAt { get; internal set; }
    public DateTimeOffset? ProfilePushedAt { get; internal set; }
    public DateTimeOffset? MigrationDeadline { get; set; }

    /// <summary>The service that it moves away from; null: it does not move, or has begun to.</summary>
    public SimulatedMdmServer? MigratesFrom { get; internal set; }
    internal DateTimeOffset? ThrottledUntil { get; set; }

    /// <summary>How often a profile was to be assigned to it.</summary>
    public int TimesAssigned { get; internal set; }
}
