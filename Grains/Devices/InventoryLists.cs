using System.Globalization;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Grains.Devices;

/// <summary>What an iPad's answer changes in the lists that are kept of it: rules without a store, a clock or a grain.</summary>
internal static class InventoryLists
{
    /// <summary>A day of asking every half hour.</summary>
    public const int MostPlaces = 50;

    private const string DisableLostMode = "DisableLostMode";

    /// <summary>Behind the key of where it is now.</summary>
    private const string Past = "past.";

    /// <summary>The list that the answer to this command tells; null: none.</summary>
    public static InventoryList? Of(string requestType) => InventoryReader.KindOf(requestType) switch
    {
        InventoryKind.Apps => InventoryList.Apps,
        InventoryKind.ManagedApps => InventoryList.ManagedApps,
        InventoryKind.Profiles => InventoryList.Profiles,
        InventoryKind.Certificates => InventoryList.Certificates,
        InventoryKind.ProvisioningProfiles => InventoryList.ProvisioningProfiles,
        InventoryKind.Security => InventoryList.Security,
        InventoryKind.Restrictions => InventoryList.Restrictions,
        InventoryKind.Users => InventoryList.Users,
        InventoryKind.Location => InventoryList.Location,
        _ => null,
    };

    /// <summary>The iPad was found: where it was is nobody's business any more.</summary>
    public static bool EndsLostMode(string requestType) => requestType == DisableLostMode;

    public static InventoryChange ForgetLocation(DateTimeOffset now) => new() { List = InventoryList.Location, Digest = default, At = now, Forget = true };

    /// <summary>Where an iPad is, and where it was before, as long as it is lost: the newest first, at most <see cref="MostPlaces"/>.</summary>
    /// <param name="told">The one item that the iPad told.</param>
    /// <param name="stored">What is kept. The value of an item is when it was told.</param>
    public static InventoryAnswer WithPast(InventoryAnswer told, IReadOnlyList<InventoryItem> stored, DateTimeOffset now)
    {
        var newest = told.Entries.Select(entry => entry with { Value = now.ToString("O", CultureInfo.InvariantCulture) });
        var past = stored.Where(item => item.Value is not null).Select(item => new InventoryEntry(
            item.Key.StartsWith(Past, StringComparison.Ordinal) ? item.Key : KeyOf(item.Value!), item.Name, item.Value, item.ExpiresAt, item.Details));
        return new InventoryAnswer([.. newest, .. past.OrderBy(entry => entry.Key, StringComparer.Ordinal).DistinctBy(entry => entry.Key).Take(MostPlaces - 1)], Cut: false);
    }

    /// <summary>Keys stand in their order: the newest first.</summary>
    private static string KeyOf(string at) => string.Create(CultureInfo.InvariantCulture,
        $"{Past}{long.MaxValue - (DateTimeOffset.TryParse(at, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time) ? time.ToUnixTimeMilliseconds() : 0):D19}");

    public static InventoryChange Same(InventoryList list, Guid digest, DateTimeOffset now) => new() { List = list, Digest = digest, At = now };

    /// <param name="before">The digest of what is stored; null: nothing is.</param>
    /// <param name="stored">Its items.</param>
    public static InventoryChange Difference(
        InventoryList list, Guid? before, IReadOnlyList<InventoryItem> stored, InventoryAnswer told, Guid digest, DateTimeOffset now)
    {
        var known = stored.ToDictionary(item => item.Key, StringComparer.Ordinal);
        var put = new List<InventoryItem>();
        foreach (var entry in told.Entries)
        {
            var item = new InventoryItem(entry.Key, entry.Name, entry.Value, ToMilliseconds(entry.ExpiresAt), entry.Details);
            if (!known.Remove(entry.Key, out var was) || was != item) put.Add(item);
        }

        // What is left was not told any more.
        return new InventoryChange
        {
            List = list,
            Digest = digest,
            At = now,
            Difference = new InventoryDifference(before, put, [.. known.Keys], told.Entries.Count, told.Cut),
        };
    }

    /// <summary>As the store keeps it.</summary>
    private static DateTimeOffset? ToMilliseconds(DateTimeOffset? time) =>
        time is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()) : null;
}
