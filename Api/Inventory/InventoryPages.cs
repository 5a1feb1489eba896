using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Storage.Inventory;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Inventory;

/// <summary>A page for each list of an iPad. What stands in it is a component of its own, <see cref="InventoryTab"/>.</summary>
internal static class InventoryPages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        foreach (var kind in InventoryKinds.All)
        {
            var page = pages.MapGet($"/ipads/{{id}}/{kind.Path}",
                (string id, HttpContext context, DeviceFrames frames, InventoryService service, AuditTrail trail) => Show(id, kind, context, frames, service, trail));
            if (kind.IsForAdministrators) page.RequireAuthorization(FleetPolicies.Administer);
        }
    }

    private static async Task<RazorComponentResult<InventoryPage>> Show(
        string id, InventoryKindView kind, HttpContext context, DeviceFrames frames, InventoryService service, AuditTrail trail)
    {
        var (device, known) = await service.Find(id);
        if (kind.List == InventoryList.Location) await InventoryEndpoints.RecordLook(context, trail, device.Id);
        var list = await service.Read(device.Id, known.GetValueOrDefault(kind.List), kind.List, null, InventoryReader.MostEntries);
        return new RazorComponentResult<InventoryPage>(new { View = new InventoryPageView(await frames.Of(context, device.Id), kind, known, list) });
    }
}
