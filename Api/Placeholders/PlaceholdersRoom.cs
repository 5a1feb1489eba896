namespace FleetMdm.Api.Placeholders;

/// <summary>iPads that are known by their serial number before they enrol, and serial numbers that are not as they were.</summary>
/// <remarks>Owns <c>/api/v1/placeholders</c>, <c>/api/v1/placeholder-imports</c>, <c>/api/v1/shared-serial-numbers</c> and <c>/placeholders</c>. The device grain
/// reads a placeholder when its iPad enrols (NamingPart).</remarks>
internal static class PlaceholdersRoom
{
    public static void AddPlaceholders(this IServiceCollection services) => services.AddSingleton<PlaceholderService>();

    public static void MapPlaceholders(this AdminRoutes routes)
    {
        PlaceholderEndpoints.MapRest(routes.Api);
        PlaceholderPages.MapPages(routes.Pages);
    }
}
