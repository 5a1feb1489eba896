namespace FleetMdm.Storage.Inventory;

/// <summary>The lists that an iPad is asked for. Stored as a number: never renumber.</summary>
public enum InventoryList : short
{
    Apps = 1,
    ManagedApps = 2,
    Profiles = 3,
    Certificates = 4,
    ProvisioningProfiles = 5,
    Security = 6,
    Restrictions = 7,
    Users = 8,
    /// <summary>Where an iPad in lost mode was. Forgotten when that ends.</summary>
    Location = 9,
}

/// <summary>What is known of one list of one iPad, without its items.</summary>
/// <param name="Digest">Stands for the list as the iPad told it: the same as long as that is.</param>
/// <param name="AsOf">When it was last told.</param>
/// <param name="ChangedAt">When it last was another one than before.</param>
/// <param name="Items">How many there are.</param>
/// <param name="Cut">The iPad told more than are kept.</param>
public sealed record InventoryListRow(InventoryList List, Guid Digest, DateTimeOffset AsOf, DateTimeOffset ChangedAt, int Items, bool Cut);

/// <summary>One item of a list.</summary>
/// <param name="Key">Unique within the list.</param>
/// <param name="Value">The version of an app, the value of a setting.</param>
/// <param name="Details">A JSON object.</param>
public sealed record InventoryItem(string Key, string? Name, string? Value, DateTimeOffset? ExpiresAt, string Details);

/// <summary>What an answer changes in the inventory of an iPad, in the transaction of the answer.</summary>
public sealed record InventoryChange
{
    public required InventoryList List { get; init; }
    /// <summary>Of the list that was told.</summary>
    public required Guid Digest { get; init; }
    public required DateTimeOffset At { get; init; }
    /// <summary>Null: the list is the same, and only the time moves.</summary>
    public InventoryDifference? Difference { get; init; }
    /// <summary>The list is forgotten instead.</summary>
    public bool Forget { get; init; }
}

/// <summary>From one list to the next.</summary>
/// <param name="Before">The digest of the list that it was worked out from; null: there was none. Where another one stands by now, nothing is
/// changed.</param>
/// <param name="Put">New items, and those that are other than before.</param>
/// <param name="Dropped">The keys of those that are gone.</param>
public sealed record InventoryDifference(Guid? Before, IReadOnlyList<InventoryItem> Put, IReadOnlyList<string> Dropped, int Items, bool Cut)
{
    /// <summary>False: the words differ, and what is kept of them does not.</summary>
    public bool IsNews => Before is null || Put.Count > 0 || Dropped.Count > 0;
}

/// <summary>What becomes of an iPad's inventory when its enrolment changes.</summary>
public enum InventoryEnd
{
    Kept,
    /// <summary>Nobody looks for it here any more.</summary>
    LocationForgotten,
    /// <summary>The iPad is another one now: it was erased, or enrolled anew.</summary>
    Forgotten,
}
