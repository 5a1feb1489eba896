using FleetMdm.Api.Access;
using FleetMdm.Api.Devices;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Declarations;

/// <summary>The tab of an iPad.</summary>
internal static class DeclarationPages
{
    public const string Name = "declarations";

    public static void MapPages(RouteGroupBuilder pages) => pages.MapGet($"/ipads/{{id}}/{Name}", Show).Needs(Rights.DeviceRead);

    private static async Task<RazorComponentResult<DeviceDeclarationsPage>> Show(string id, HttpContext context, DeviceFrames frames, DeclarationService service)
    {
        var frame = await frames.Of(context, id);
        return new RazorComponentResult<DeviceDeclarationsPage>(new { Frame = frame, Declarations = await service.Of(frame.Device.Id) });
    }
}
