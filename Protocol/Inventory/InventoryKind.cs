namespace FleetMdm.Protocol.Inventory;

/// <summary>What an iPad can be asked about itself, beside DeviceInformation.</summary>
public enum InventoryKind
{
    Apps,
    ManagedApps,
    Profiles,
    Certificates,
    ProvisioningProfiles,
    Security,
    Restrictions,
    Users,
    Location,
}

/// <summary>One thing that an iPad says of itself.</summary>
/// <param name="Key">Names it within its list: the identifier of an app, the fingerprint of a certificate, the name of a setting.</param>
/// <param name="Name">For people; null: it has none.</param>
/// <param name="Value">The version of an app, the value of a setting; null: none.</param>
/// <param name="ExpiresAt">When it ends; null: never, or it is not known.</param>
/// <param name="Details">The rest, as a JSON object.</param>
public sealed record InventoryEntry(string Key, string? Name, string? Value, DateTimeOffset? ExpiresAt, string Details);

/// <param name="Entries">No two have the same key.</param>
/// <param name="Cut">There were more than are kept.</param>
public sealed record InventoryAnswer(IReadOnlyList<InventoryEntry> Entries, bool Cut);
