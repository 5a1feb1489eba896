using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.SetUp;

namespace FleetMdm.Api.Schools;

/// <summary>The schools of the district: names, hours, what their networks take.</summary>
/// <remarks>Owns <c>/api/v1/schools</c>, <c>/api/v1/unknown-schools</c>, <c>/schools</c> and the table <c>schools</c>. Everybody who may read reads them; administrators
/// change them. iPads, invitations and placeholders name their school by its name.</remarks>
internal static class SchoolsRoom
{
    public static void AddSchools(this IServiceCollection services)
    {
        services.AddSingleton<SchoolService>();
        services.AddSingleton<ISetUp, SchoolSetUp>();
        services.AddSingleton(new ConsoleEntry(33, "/schools", "Schools", "M3 8.5 10 4l7 4.5M5 9v7h10V9M8.5 16v-4h3v4", 'h', Rights.SchoolRead));
    }

    public static void MapSchools(this AdminRoutes routes)
    {
        SchoolEndpoints.MapRest(routes.Api);
        SchoolPages.MapPages(routes.Pages);
    }
}
