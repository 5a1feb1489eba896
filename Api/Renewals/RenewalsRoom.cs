using FleetMdm.Api.Access;
using FleetMdm.Api.Console;

namespace FleetMdm.Api.Renewals;

/// <summary>Identity certificates of iPads that end soon.</summary>
/// <remarks>Owns <c>/api/v1/renewals</c>, the renewal of one iPad, and <c>/certificates</c>. It makes the renewing profile when an iPad fetches it;
/// when that is, is decided by the iPad's grain (RenewalPart).</remarks>
internal static class RenewalsRoom
{
    public static void AddRenewals(this IServiceCollection services)
    {
        services.AddSingleton<RenewalProfiles>();
        services.AddSingleton<IAttention, RenewalAttention>();
        services.AddSingleton(new ConsoleEntry(35, "/certificates", "Certificates", "M4 4h12v8H4ZM10 12v5l2-1.5L14 17v-5M7 7h6M7 9.5h3", 'k', Rights.CertificateRead));
    }

    public static void MapRenewals(this AdminRoutes routes)
    {
        RenewalEndpoints.MapRest(routes.Api);
        RenewalPages.MapPages(routes.Pages);
    }
}
