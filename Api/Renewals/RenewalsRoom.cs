namespace FleetMdm.Api.Renewals;

/// <summary>Identity certificates of iPads that end soon.</summary>
/// <remarks>Owns <c>/api/v1/renewals</c>, the renewal of one iPad, and <c>/certificates</c>. It makes the renewing profile when an iPad fetches it;
/// when that is, is decided by the iPad's grain (RenewalPart).</remarks>
internal static class RenewalsRoom
{
    public static void AddRenewals(this IServiceCollection services) => services.AddSingleton<RenewalProfiles>();

    public static void MapRenewals(this AdminRoutes routes)
    {
        RenewalEndpoints.MapRest(routes.Api);
        RenewalPages.MapPages(routes.Pages);
    }
}
