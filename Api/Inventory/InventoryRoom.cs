using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;

namespace FleetMdm.Api.Inventory;

/// <summary>What iPads have on them: apps, profiles, certificates, settings, users, and where one is that is lost.</summary>
/// <remarks>Owns the lists below <c>/api/v1/devices/{id}</c> and <c>/ipads/{id}</c>, and the apps of the fleet at <c>/api/v1/apps/installed</c> and <c>/apps</c>,
/// which a sweep counts. Only reads, by <c>IInventoryStore</c> and <c>IInstalledAppStore</c>: the lists are written by the
/// iPad's grain with the iPad's answers. Viewers may read all but the location, which is for administrators and leaves a record.</remarks>
internal static class InventoryRoom
{
    /// <summary>Of the first tab, behind the commands'.</summary>
    private const int FirstTab = 20;

    public static void AddInventory(this IServiceCollection services)
    {
        services.AddSingleton<InventoryService>();
        services.AddSingleton(new ConsoleEntry(36, "/apps", "Apps", "M4 4h5v5H4ZM11 4h5v5h-5ZM4 11h5v5H4ZM11 11h5v5h-5Z", 'e', Rights.DeviceRead, ForSchools: false));
        foreach (var (i, kind) in InventoryKinds.All.Where(kind => kind.Path == kind.Tab).Index())
            services.AddSingleton(new DeviceTab(FirstTab + i, kind.Path, kind.Words) { Fits = device => device.Kind != "SharedUser" });
    }

    public static void MapInventory(this AdminRoutes routes)
    {
        InventoryEndpoints.MapRest(routes.Api);
        InstalledAppEndpoints.MapRest(routes.Api);
        InventoryPages.MapPages(routes.Pages);
        InstalledAppPages.MapPages(routes.Pages);
    }
}
