using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.SetUp;

namespace FleetMdm.Api.Automated;

/// <summary>Automated Device Enrolment: the district's services in Apple School Manager, the iPads on them, their enrolment profiles, and those that wait in Setup Assistant.</summary>
/// <remarks>Owns <c>/api/v1/automated</c> and <c>/automated</c>, and on the iPads' side <c>/mdm/automated/enroll</c> (<see cref="AutomatedEnrolmentEndpoint"/>), <c>/my/out-of-the-box</c> for an iPad on which somebody signs in (<see cref="SetUpSignInPages"/>). The tables are
/// <c>automated_*</c>; the grain of a server alone talks to Apple. Only for the whole district.</remarks>
internal static class AutomatedRoom
{
    public static void AddAutomated(this IServiceCollection services)
    {
        services.AddSingleton<AutomatedService>();
        services.AddSingleton<AutomatedProfileService>();
        services.AddSingleton<SetUpSignIn>();
        services.AddHostedService<AutomatedAddressTeller>();
        services.AddSingleton<IAttention, AutomatedAttention>();
        services.AddSingleton<ISetUp, AutomatedSetUp>();
        services.AddSingleton(new ConsoleEntry(31, "/automated", "Automated enrolment", "M4 6h12v9H4ZM7 6V4h6v2M10 9v4M8 11l2-2 2 2", 'b', Rights.AutomatedRead, ForSchools: false));
    }

    public static void MapAutomated(this AdminRoutes routes)
    {
        AutomatedEndpoints.MapRest(routes.Api);
        AutomatedPages.MapPages(routes.Pages);
        SetUpSignInPages.MapPages(routes.Open, routes.Pages);
    }
}
