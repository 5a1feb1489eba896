using FleetMdm.Api.Apps;
using FleetMdm.Api.AppsAndBooks;
using FleetMdm.Api.CheckIn;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Observability;
using FleetMdm.Api.Profiles;

namespace FleetMdm.Api;

/// <summary>The API as a whole: what a process that serves HTTP adds and maps.</summary>
public static class FleetApi
{
    public static void AddFleetApi(this WebApplicationBuilder builder)
    {
        builder.ConfigureFleetWeb();
        builder.Services.AddSingleton<TrustedProxies>();
        builder.Services.AddSingleton<ServerMetrics>();
        builder.Services.AddSingleton<ServerCertificates>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ServerCertificates>());
        builder.Services.AddDeviceEndpoints();
        builder.Services.AddEnrolment(builder.Configuration);
        builder.AddAdminApi();
    }

    // The order is the security story:
    //
    //   0. a body with two ends is refused; the listener that only redirects ends here
    //   1. routing; each listener serves its own side only
    //   2. admission, for each kind of traffic by itself (Api/Limits)
    //   3. for the administrators' side alone: headers, errors, credentials (Api/AdminApi). Nothing of it runs for an iPad, so
    //      nothing of it can answer an iPad 401
    //   4. the endpoints

    public static void MapFleetApi(this WebApplication app)
    {
        app.UseDraining();
        app.UseStrictFraming();
        app.UseForwardedScheme();
        app.UseRedirection();
        app.UseRouting();
        app.UseListenerSides();
        app.MapAdminApi();

        var device = app.MapGroup("").WithMetadata(SideMetadata.Device).RequireDeviceAdmission();
        device.MapEnrolment();
        device.MapAppDownloads();
        device.MapContentNotifications();
        PublicProfileEndpoint.Map(device);
        device.MapDeviceEndpoints();
    }

    /// <summary>A node without an API of its own still says whether it is alive.</summary>
    public static void MapFleetHealth(this WebApplication app) => app.MapHealth();
}
