using FleetMdm.Api.Access;
using FleetMdm.Api.Console;

namespace FleetMdm.Api.Placeholders;

/// <summary>iPads that are known by their serial number before they enrol, and serial numbers that are not as they were.</summary>
/// <remarks>Owns <c>/api/v1/placeholders</c>, <c>/api/v1/placeholder-imports</c>, <c>/api/v1/shared-serial-numbers</c> and <c>/placeholders</c>. The device grain
/// reads a placeholder when its iPad enrols (NamingPart).</remarks>
internal static class PlaceholdersRoom
{
    public static void AddPlaceholders(this IServiceCollection services)
    {
        services.AddSingleton<PlaceholderService>();
        services.AddSingleton(new ConsoleEntry(32, "/placeholders", "Placeholders", "M3 5h14v10H3ZM6 8h3v4H6ZM11 8.5h3M11 11.5h3", 'l', Rights.DeviceRead));
    }

    public static void MapPlaceholders(this AdminRoutes routes)
    {
        PlaceholderEndpoints.MapRest(routes.Api);
        PlaceholderPages.MapPages(routes.Pages);
    }
}
