namespace FleetMdm.Grains.Interfaces;

/// <summary>The command that makes an iPad renew its identity certificate, as its grain hands it over: whoever answers the iPad makes the enrolment
/// profile with a fresh challenge. Neither is stored.</summary>
[GenerateSerializer, Immutable, Alias("fleetmdm.renewal-order")]
public sealed record RenewalOrder
{
    [Id(0)] public required string CommandUuid { get; init; }
    /// <summary>SHA-256 of the certificate that is to be renewed.</summary>
    [Id(1)] public required byte[] Renews { get; init; }
    /// <summary>Host, and port unless it is 443, of the URLs that the iPad was enrolled with; null: this was not kept.</summary>
    [Id(2)] public string? Authority { get; init; }
    /// <summary>The topic that the iPad was enrolled with.</summary>
    [Id(3)] public required string Topic { get; init; }
    /// <summary>What the enrolment profile allows the server to do, as a sum of Apple's numbers; null: everything.</summary>
    [Id(4)] public int? AccessRights { get; init; }
}

/// <summary>What a look at an iPad's renewal led to.</summary>
public enum RenewalStep : byte
{
    /// <summary>There is nothing to renew.</summary>
    Nothing = 0,
    /// <summary>It is not time yet.</summary>
    NotDue = 1,
    /// <summary>The command is queued by this look.</summary>
    Started = 2,
    /// <summary>A command waits for the iPad.</summary>
    Waiting = 3,
    /// <summary>A person has to do something first.</summary>
    Impossible = 4,
}
