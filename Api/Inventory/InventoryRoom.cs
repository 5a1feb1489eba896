using FleetMdm.Api.Devices;

namespace FleetMdm.Api.Inventory;

/// <summary>What iPads have on them: apps, profiles, certificates, settings, users, and where one is that is lost.</summary>
/// <remarks>Owns the lists below <c>/api/v1/devices/{id}</c> and <c>/ipads/{id}</c>. Only reads, by <c>IInventoryStore</c>: the lists are written by the
/// iPad's grain with the iPad's answers. Viewers may read all but the location, which is for administrators and leaves a record.</remarks>
internal static class InventoryRoom
{
    /// <summary>Of the first tab, behind the commands'.</summary>
    private const int FirstTab = 20;

    public static void AddInventory(this IServiceCollection services)
    {
        services.AddSingleton<InventoryService>();
        foreach (var (i, kind) in InventoryKinds.All.Where(kind => kind.Path == kind.Tab).Index())
            services.AddSingleton(new DeviceTab(FirstTab + i, kind.Path, kind.Words) { Fits = device => device.Kind != "SharedUser" });
    }

    public static void MapInventory(this AdminRoutes routes)
    {
        InventoryEndpoints.MapRest(routes.Api);
        InventoryPages.MapPages(routes.Pages);
    }
}
