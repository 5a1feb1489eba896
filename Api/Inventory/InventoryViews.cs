using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Api.Inventory;

/// <summary>One page of a list that an iPad told.</summary>
public sealed record InventoryListView
{
    /// <summary>When the iPad last told it; null: it has not told it since it enrolled.</summary>
    public DateTimeOffset? AsOf { get; init; }
    /// <summary>When it last was another list than the one before.</summary>
    public DateTimeOffset? ChangedAt { get; init; }
    /// <summary>How many items there are on all pages.</summary>
    public required int Count { get; init; }
    /// <summary>The iPad told more than 1000 items; the others are not kept.</summary>
    public required bool Cut { get; init; }
    /// <summary>In order of their keys.</summary>
    public required IReadOnlyList<InventoryItemView> Items { get; init; }
    /// <summary>For the next page's <c>after</c>; null on the last page.</summary>
    public string? Next { get; init; }
}

/// <summary>One item of a list.</summary>
public sealed record InventoryItemView
{
    /// <summary>The identifier of an app or a profile, the SHA-256 of a certificate, the UUID of a provisioning profile, the name of a setting, a
    /// restriction or a user.</summary>
    public required string Key { get; init; }
    /// <summary>For people.</summary>
    public string? Name { get; init; }
    /// <summary>The version of an app or a profile, the state of a managed app, the value of a setting or a restriction.</summary>
    public string? Value { get; init; }
    /// <summary>When a certificate or a provisioning profile ends.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>What else the iPad said, by Apple's keys with a small first letter. A flag that is absent is false, or was not told.</summary>
    public required JsonElement Details { get; init; }

    internal static InventoryItemView Of(InventoryItem item) => new()
    {
        Key = item.Key,
        Name = item.Name,
        Value = item.Value,
        ExpiresAt = item.ExpiresAt,
        Details = JsonDocument.Parse(item.Details).RootElement.Clone(),
    };
}

/// <summary>What a page of the console shows of one list.</summary>
/// <param name="Known">The lists that the iPad has told, with how many items.</param>
/// <param name="Asked">The iPad was asked a moment ago.</param>
public sealed record InventoryPageView(
    FleetUser User, DeviceRow Device, InventoryKindView Kind, IReadOnlyDictionary<InventoryList, InventoryListRow> Known, InventoryListView List,
    string FormKey, bool Asked);
