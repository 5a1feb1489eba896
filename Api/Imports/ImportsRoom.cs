namespace FleetMdm.Api.Imports;

/// <summary>Files of people and classes: looked at first, then applied as a whole.</summary>
/// <remarks>Owns <c>/api/v1/people-imports</c>, <c>/people/import</c>, <c>/people/imports</c> and the tables <c>imports</c> and <c>import_…</c>, where the rows of a file wait
/// between the two steps. For administrators.</remarks>
internal static class ImportsRoom
{
    public static void AddImports(this IServiceCollection services) => services.AddSingleton<ImportService>();

    public static void MapImports(this AdminRoutes routes)
    {
        ImportEndpoints.MapRest(routes.Api);
        ImportPages.MapPages(routes.Pages);
    }
}
