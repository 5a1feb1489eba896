using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Inventory;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Inventory;

/// <summary><c>/api/v1/apps/installed</c>: the apps of the whole fleet.</summary>
internal static class InstalledAppEndpoints
{
    /// <summary>A number, a dot and an identifier.</summary>
    private const int LongestCursor = 300;

    public static void MapRest(RouteGroupBuilder api)
    {
        var apps = api.MapGroup("/apps/installed").Needs(Rights.DeviceRead).WithTags("Inventory");
        apps.MapGet("", List).WithQuery("q", "after", "limit").Fails(400);
        apps.MapGet("/{identifier}", Get).Fails(400, 404);
    }

    /// <summary>List the apps of all iPads, those on the most iPads first</summary>
    /// <remarks>Counted from what enrolled iPads last answered to InstalledApplicationList. A school is counted each minute, half a million iPads every hour
    /// or two; <c>countedAt</c> says when. Which iPads have an app: <c>GET /api/v1/devices?filter=hasApp:…</c></remarks>
    /// <param name="q">A part of the name or the identifier, in whatever case.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<InstalledAppsView>> List(IInstalledAppStore store, string? q = null, string? after = null, string? limit = null) =>
        TypedResults.Ok(await Read(store, string.IsNullOrWhiteSpace(q) ? null : q.Trim(), after, Page.Limit(limit)));

    /// <summary>One app: on how many iPads it is by now</summary>
    /// <remarks><c>devices</c> is counted when you ask. The versions are those of the last count.</remarks>
    /// <param name="identifier">Its bundle identifier.</param>
    public static async Task<Ok<InstalledAppDetailView>> Get(string identifier, IInstalledAppStore store)
    {
        var known = await store.Find(Text.Required("identifier", identifier, 255));
        var devices = await store.CountNow(identifier);
        if (known is null && devices == 0) throw ApiProblem.NotFound("No enrolled iPad has told that it has this app.");
        return TypedResults.Ok(new InstalledAppDetailView
        {
            Identifier = identifier,
            Name = known?.Name,
            Devices = devices,
            CountedAt = known is null ? null : (await store.LastCount())?.CountedAt,
            Versions = InstalledAppView.VersionsOf(known),
        });
    }

    internal static async Task<InstalledAppsView> Read(IInstalledAppStore store, string? q, string? after, int limit)
    {
        var place = Place(after);
        var counted = await store.LastCount();
        var rows = await store.List(Text.Optional("q", q), place, limit + 1);
        var page = Page.Of(rows, limit, InstalledAppView.Of, NextOf);
        return new InstalledAppsView { CountedAt = counted?.CountedAt, Devices = counted?.Devices, Cut = counted?.Cut ?? false, Items = page.Items, Next = page.Next };
    }

    private static string NextOf(InstalledApp app) => string.Create(CultureInfo.InvariantCulture, $"{app.Devices}.{app.Identifier}");

    private static InstalledAppPlace? Place(string? after)
    {
        if (after is null) return null;
        var dot = Text.Required("after", after, LongestCursor).IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && long.TryParse(after.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var devices)
            ? new InstalledAppPlace(devices, after[(dot + 1)..])
            : throw ApiProblem.InvalidCursor();
    }
}
