using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Limits;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Api.Apps;

/// <summary>In-house apps: uploaded here, described to iPads by a manifest, and downloaded by them.</summary>
/// <remarks>Owns <c>/api/v1/apps</c>, <c>/hosted-apps</c>, and for iPads <c>/app/{token}</c>. The bytes are in the database (<c>IHostedAppStore</c>), so each node serves them. iPads bring
/// no credentials: the token in the address is what lets them download this one app.</remarks>
internal static class AppsRoom
{
    public static void AddHostedApps(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<AppsOptions>(configuration, AppsOptions.Section, options => options.FindFault());
        services.AddSingleton<HostedAppService>();
        services.AddSingleton(new ConsoleEntry(37, "/hosted-apps", "In-house apps", "M4 4h5v5H4ZM11 4h5v5h-5ZM4 11h5v5H4ZM11 11h5v5h-5Z", 'y', Rights.AppRead));
    }

    public static void MapHostedApps(this AdminRoutes routes)
    {
        HostedAppEndpoints.MapRest(routes.Api);
        HostedAppPages.MapPages(routes.Pages);
    }

    /// <summary>What iPads fetch.</summary>
    public static void MapAppDownloads(this IEndpointRouteBuilder device)
    {
        var group = device.MapGroup("/app/{token}").AllowAnonymous().ExcludeFromDescription().RequireEnrolmentAdmission();
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        group.MapMethods("/manifest.plist", methods, (string token, HttpContext context, HostedAppService apps) => apps.Manifest(token, context));
        group.MapMethods("/icon.png", methods, (string token, HttpContext context, HostedAppService apps) => apps.Icon(token, context));
        group.MapMethods("/app.ipa", methods, (string token, HttpContext context, HostedAppService apps) => apps.Download(token, context));
    }
}
