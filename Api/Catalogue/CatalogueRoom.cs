namespace FleetMdm.Api.Catalogue;

/// <summary>What Apple defines for iPads, for programs and forms: the types of commands and of profile payloads, with a JSON Schema each.</summary>
/// <remarks>Owns <c>/api/v1/command-types</c> and <c>/api/v1/payload-types</c>. Everything is read from <c>Protocol/Catalogue</c> and is the same on each
/// node of a version, so it is written once and answered from memory. Everybody who may read may read it.</remarks>
internal static class CatalogueRoom
{
    public static void AddCatalogue(this IServiceCollection services)
    {
        services.AddSingleton<CatalogueAnswers>();
    }

    public static void MapCatalogue(this AdminRoutes routes)
    {
        CatalogueEndpoints.MapRest(routes.Api);
    }
}
