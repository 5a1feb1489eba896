using FleetMdm.Storage.Hosting;

namespace FleetMdm.Api.Teaching;

/// <summary>The teacher's page: their own classes, the iPads of their pupils, and what a teacher does in a lesson.</summary>
/// <remarks>Owns <c>/teach</c> and <c>/api/v1/teach</c>. Who asks is the person whom the account is linked to; each statement names that person, so a class that they do not teach, and
/// an iPad of another class, do not exist. Commands go to the queue as everybody's. For whoever has <c>class.teach</c>.</remarks>
internal static class TeachingRoom
{
    public static void AddTeaching(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<TeachingOptions>(configuration, TeachingOptions.Section);
        services.AddSingleton<TeachingService>();
    }

    public static void MapTeaching(this AdminRoutes routes)
    {
        TeachingEndpoints.MapRest(routes.Api);
        TeachingPages.MapPages(routes.Pages);
    }
}
