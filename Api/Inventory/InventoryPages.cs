using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Inventory;

/// <summary>A page for each list of an iPad. What stands in it is a component of its own, <see cref="InventoryTab"/>.</summary>
internal static class InventoryPages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        // Where an iPad is stands on its page of lost mode.
        foreach (var kind in InventoryKinds.All.Where(kind => !kind.IsForAdministrators))
        {
            pages.MapGet($"/ipads/{{id}}/{kind.Path}",
                (string id, HttpContext context, DeviceFrames frames, InventoryService service) => Show(id, kind, context, frames, service)).Needs(Rights.DeviceRead);
            pages.MapPost($"/ipads/{{id}}/{kind.Path}",
                    (string id, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log) => Ask(id, kind, context, ids, lookup, log)).Needs(Rights.DeviceRefresh)
                .Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        }
    }

    /// <summary>Sends the command that asks for the list, and shows the list again.</summary>
    private static async Task<IResult> Ask(string id, InventoryKindView kind, HttpContext context, RequestIds ids, DeviceLookup lookup, CommandLog log)
    {
        await PageForms.Read(context, ids);
        await CommandEndpoints.Enqueue(id, context, kind.Question, null, push: true, lookup, log);
        return PageForms.See($"/ipads/{Uri.EscapeDataString(id)}/{kind.Path}?done=asked");
    }

    private static async Task<RazorComponentResult<InventoryPage>> Show(
        string id, InventoryKindView kind, HttpContext context, DeviceFrames frames, InventoryService service)
    {
        var (device, known) = await service.Find(id);
        var list = await service.Read(device.Id, known.GetValueOrDefault(kind.List), kind.List, null, InventoryReader.MostEntries);
        return new RazorComponentResult<InventoryPage>(new { View = new InventoryPageView(await frames.Of(context, device.Id), kind, known, list) });
    }
}
