namespace FleetMdm.Api.DeviceImports;

/// <summary>Lists of iPads of other servers: looked at, then applied as a whole.</summary>
/// <remarks>Owns <c>/api/v1/device-imports</c>, <c>/device-imports</c> and the table <c>device_imports</c>. Needs <c>device.change</c>. It writes placeholders and holdings, removes
/// nothing, and takes no iPad from anybody.</remarks>
internal static class DeviceImportsRoom
{
    public static void AddDeviceImports(this IServiceCollection services) => services.AddSingleton<DeviceImportService>();

    public static void MapDeviceImports(this AdminRoutes routes)
    {
        DeviceImportEndpoints.MapRest(routes.Api);
        DeviceImportPages.MapPages(routes.Pages);
    }
}
