using FleetMdm.Storage.Hosting;

namespace FleetMdm.Api.SelfService;

/// <summary>What pupils, teachers and staff do for themselves: see their own iPads and what the school can see and do, report one, find it, hand it back, enrol one, download a profile.</summary>
/// <remarks>Owns <c>/my</c>, <c>/api/v1/my</c> and the table <c>self_service_acts</c>. Who asks is the person whom the account is linked to; each statement names that person, so what is
/// another's does not exist. It changes holdings, incidents, invitations and queues by the contracts of their rooms. For whoever has <c>self.use</c>.</remarks>
internal static class SelfServiceRoom
{
    public static void AddSelfService(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<SelfServiceOptions>(configuration, SelfServiceOptions.Section, options => options.FindFault());
        services.AddSingleton<SelfServiceService>();
        services.AddSingleton<SelfServiceLostMode>();
    }

    public static void MapSelfService(this AdminRoutes routes)
    {
        SelfServiceEndpoints.MapRest(routes.Api);
        SelfServicePages.MapPages(routes.Pages);
    }
}
