using FleetMdm.Api.Access;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Audit;

/// <summary>The audit in the console: all of it, and what was done to one iPad as a tab of its page.</summary>
internal static class AuditPages
{
    private const int RecordsOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/audit", Show).Needs(Rights.AuditRead);
        pages.MapGet("/ipads/{id}/history", OfDevice).Needs(Rights.AuditRead);
    }

    private static async Task<RazorComponentResult<DeviceHistoryPage>> OfDevice(string id, HttpContext context, DeviceFrames frames, IAuditStore store, string? after)
    {
        var frame = await frames.Of(context, id);
        var query = new AuditQuery(null, null, null, frame.Device.Id, null, null, null);
        return new RazorComponentResult<DeviceHistoryPage>(new
        {
            Frame = frame,
            Records = await AuditEndpoints.Read(store, query, after, RecordsOnPage),
            IsLaterPage = after is not null,
        });
    }

    private static async Task<RazorComponentResult<AuditPage>> Show(HttpContext context, IAuditStore store, string? after)
    {
        var query = AuditQuery.Of(context.Request);
        var page = await AuditEndpoints.Read(store, query, after, RecordsOnPage);
        return new RazorComponentResult<AuditPage>(new { View = new AuditPageView(FleetUser.Of(context), query, page, after is not null) });
    }
}

/// <summary>What the page of the audit shows.</summary>
public sealed record AuditPageView(FleetUser User, AuditQuery Query, Page<AuditView> Page, bool IsLaterPage);
