namespace FleetMdm.Api.EnrolmentImports;

/// <summary>iPads that are enrolled at another MDM server go on here: their enrolments are taken over as they are.</summary>
/// <remarks>Owns <c>/api/v1/enrolment-imports</c> and <c>/enrolment-imports</c>; no table. For administrators of the district: who imports vouches for whose certificate is whose. The
/// iPads' own grains write what came, as if the iPads had said it.</remarks>
internal static class EnrolmentImportsRoom
{
    public static void AddEnrolmentImports(this IServiceCollection services) => services.AddSingleton<EnrolmentImportService>();

    public static void MapEnrolmentImports(this AdminRoutes routes)
    {
        EnrolmentImportEndpoints.MapRest(routes.Api);
        EnrolmentImportPages.MapPages(routes.Pages);
    }
}
