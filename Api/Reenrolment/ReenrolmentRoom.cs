using FleetMdm.Api.Console;

namespace FleetMdm.Api.Reenrolment;

/// <summary>iPads that enrol anew while they are enrolled: claims of other certificates, and who may take over without one.</summary>
/// <remarks>Owns <c>/api/v1/claims</c>, <c>/api/v1/reenrolment</c>, the claim and the permission of one iPad, and <c>/claims</c>. The rules are the
/// device grain's (EnrolmentPart); what people decide is written to the store, where the grain reads it when such a certificate comes.</remarks>
internal static class ReenrolmentRoom
{
    public static void AddReenrolment(this IServiceCollection services)
    {
        services.AddSingleton<ReenrolmentService>();
        services.AddSingleton<IAttention, ClaimAttention>();
    }

    public static void MapReenrolment(this AdminRoutes routes)
    {
        ReenrolmentEndpoints.MapRest(routes.Api);
        ClaimPages.MapPages(routes.Pages);
    }
}
