using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Devices;

/// <summary>The iPads: their list, the page of one, push and removal.</summary>
/// <remarks>Owns <c>/api/v1/devices</c>, <c>/ipads</c> and <c>/search</c>. Reads by <c>IFleetQueries</c>; whatever changes an iPad goes through its grain.
/// Other rooms find an iPad by <see cref="DeviceLookup"/>, and add a tab to its page by <see cref="DeviceTab"/>.</remarks>
internal static class DevicesRoom
{
    public static void AddDevices(this IServiceCollection services)
    {
        services.AddSingleton<DeviceLookup>();
        services.AddSingleton<DeviceFrames>();
        services.AddSingleton<FleetCounts>();
        services.AddSingleton<IAttention, DeviceAttention>();
        services.AddSingleton<ISetUp, DeviceSetUp>();
        services.AddSingleton(new ConsoleEntry(10, "/ipads", "iPads", "M5 3h10a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1ZM9 14.5h2", 'i', Rights.DeviceRead));
        services.AddSingleton(provider => new ScopedThing(["/api/v1/devices/{id}", "/ipads/{id}"], "id",
            // A user of a Shared iPad is where the iPad is.
            async (scope, id) => await provider.GetRequiredService<IFleetQueries>().FindDevice(scope, id.Split(':')[0]) is not null, DeviceLookup.NotFound));
        services.AddSingleton(new DeviceTab(0, "", "Overview"));
    }

    public static void MapDevices(this AdminRoutes routes)
    {
        DeviceEndpoints.MapRest(routes.Api);
        DevicePages.MapPages(routes.Pages);
        DeviceActionPages.MapPages(routes.Pages);
    }
}
