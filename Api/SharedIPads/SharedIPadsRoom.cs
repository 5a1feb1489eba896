using FleetMdm.Api.Access;
using FleetMdm.Api.Devices;

namespace FleetMdm.Api.SharedIPads;

/// <summary>The users of a Shared iPad: who is on it, what waits for whom; log out and delete users.</summary>
/// <remarks>Owns the tab <c>/ipads/{id}/shared-ipad</c> and <c>/api/v1/devices/{id}/shared-ipad</c>. It keeps nothing: who is on an iPad stands in its inventory, channels of users and
/// what waits for them in <c>IUserChannelStore</c>, and each change is a command of the iPad. How Shared iPads work is assigned (Assignments).</remarks>
internal static class SharedIPadsRoom
{
    private const int Tab = 15;

    public static void AddSharedIPads(this IServiceCollection services)
    {
        services.AddSingleton<SharedIPadService>();
        services.AddSingleton(new DeviceTab(Tab, SharedIPadPages.Name, "Users", Rights.DeviceRead) { Fits = device => device.IsShared == true });
    }

    public static void MapSharedIPads(this AdminRoutes routes)
    {
        SharedIPadEndpoints.MapRest(routes.Api);
        SharedIPadPages.MapPages(routes.Pages);
    }
}
