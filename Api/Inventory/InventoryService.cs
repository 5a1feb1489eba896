using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Api.Inventory;

/// <summary>Reads the lists of one iPad, for REST and for pages.</summary>
internal sealed class InventoryService(IInventoryStore store, DeviceLookup devices)
{
    private const int LongestKey = 400;

    /// <summary>The iPad, and what it has told.</summary>
    /// <exception cref="ApiProblem">404: there is no such iPad.</exception>
    public async Task<(DeviceRow Device, IReadOnlyDictionary<InventoryList, InventoryListRow> Known)> Find(string id)
    {
        var device = await devices.Row(id);
        return (device, (await store.FindLists(device.Id)).ToDictionary(row => row.List));
    }

    public async Task<InventoryListView> Read(string deviceId, InventoryListRow? row, InventoryList list, string? after, int limit)
    {
        var from = Text.Optional("after", after, LongestKey);
        var items = row is null ? [] : await store.ListItems(deviceId, list, from, limit + 1);
        var page = Page.Of(items, limit, InventoryItemView.Of, item => item.Key);
        return new InventoryListView
        {
            AsOf = row?.AsOf,
            ChangedAt = row?.ChangedAt,
            Count = row?.Items ?? 0,
            Cut = row?.Cut ?? false,
            Items = page.Items,
            Next = page.Next,
        };
    }
}
