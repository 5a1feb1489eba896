namespace FleetMdm.Api.Exports;

/// <summary>The way out: everything of the district in open formats, and the enrolments for another server.</summary>
/// <remarks>Owns <c>/api/v1/export</c>, <c>/api/v1/enrolment-exports</c> and <c>/export</c>; no table. It reads by <c>IExportStore</c>, and by the services of the rooms whose rows hold
/// something sealed. The first archive is for those who may read everything, and holds no secret. The second is for administrators who say why, and only its receiver can open it.
/// One at a time on a node.</remarks>
internal static class ExportsRoom
{
    public static void AddExports(this IServiceCollection services)
    {
        services.AddSingleton<ExportTurn>();
        services.AddSingleton<DistrictExport>();
        services.AddSingleton<EnrolmentExport>();
    }

    public static void MapExports(this AdminRoutes routes)
    {
        ExportEndpoints.MapRest(routes.Api);
        ExportPages.MapPages(routes.Pages);
    }
}
