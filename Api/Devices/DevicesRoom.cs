namespace FleetMdm.Api.Devices;

/// <summary>The iPads: their list, the page of one, push and removal.</summary>
/// <remarks>Owns <c>/api/v1/devices</c> and <c>/ipads</c>. Reads by <c>IFleetQueries</c>; whatever changes an iPad goes through its grain.
/// Other rooms find an iPad by <see cref="DeviceLookup"/>.</remarks>
internal static class DevicesRoom
{
    public static void AddDevices(this IServiceCollection services)
    {
        services.AddSingleton<DeviceLookup>();
    }

    public static void MapDevices(this AdminRoutes routes)
    {
        DeviceEndpoints.MapRest(routes.Api);
        DevicePages.MapPages(routes.Pages);
        DeviceActionPages.MapPages(routes.Pages);
    }
}
