using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Inventory;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Inventory;

/// <summary>The list of the apps of all iPads.</summary>
internal static class InstalledAppPages
{
    private const int AppsOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages) =>
        pages.MapGet("/apps", List).Needs(Rights.DeviceRead).WithQuery("q", "after").AddEndpointFilter((invocation, next) => QueryNames.Check(invocation, next));

    /// <summary>The filter that finds the iPads with an app.</summary>
    internal static string FilterFor(string identifier) =>
        FilterParser.Write(new FilterCondition(FilterField.HasApp, FilterOperator.Equal, new FilterText(identifier)));

    private static async Task<RazorComponentResult<InstalledAppsPage>> List(HttpContext context, IInstalledAppStore store, string? q, string? after)
    {
        var text = string.IsNullOrWhiteSpace(q) ? null : q.Trim();
        var apps = await InstalledAppEndpoints.Read(store, text, after, AppsOnPage);
        return new RazorComponentResult<InstalledAppsPage>(new { View = new InstalledAppsPageView(FleetUser.Of(context), apps, text, after is not null) });
    }
}
