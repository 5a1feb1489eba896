using FleetMdm.Api.Access;
using FleetMdm.Api.Devices;

namespace FleetMdm.Api.ActivationLock;

/// <summary>The code that lifts Activation Lock: fetched from the iPad, kept sealed, shown to those who may see secrets and say why.</summary>
/// <remarks>Owns <c>/api/v1/devices/{id}/activation-lock</c> and the tab of this name. The iPad's grain keeps the code when the iPad tells it
/// (<c>IActivationLockStore</c>); here it is only read. Each reading is a record with a reason.</remarks>
internal static class ActivationLockRoom
{
    private const int Tab = 61;

    public static void AddActivationLock(this IServiceCollection services)
    {
        services.AddSingleton<ActivationLockService>();
        services.AddSingleton(new DeviceTab(Tab, ActivationLockPages.Name, "Activation Lock", Rights.SecretRead) { Fits = device => device.Kind == "Device" });
    }

    public static void MapActivationLock(this AdminRoutes routes)
    {
        ActivationLockEndpoints.MapRest(routes.Api);
        ActivationLockPages.MapPages(routes.Pages);
    }
}
