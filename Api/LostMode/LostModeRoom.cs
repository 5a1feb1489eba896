using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Api.LostMode;

/// <summary>An iPad that is lost: lock it with a message, ask where it is, let it sound, and end it.</summary>
/// <remarks>Owns the tab <c>/ipads/{id}/lost-mode</c>. It keeps nothing: the commands go to the queue, and where the iPad is and was stands in its inventory, as long as it is
/// lost. For administrators; who looks where an iPad is says why, and that is recorded. All that are lost are found by the filter <c>lost</c>.</remarks>
internal static class LostModeRoom
{
    private const int Tab = 60;

    public static void AddLostMode(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<LostModeOptions>(configuration, LostModeOptions.Section, options => options.FindFault());
        services.AddSingleton<IAttention, LostModeAttention>();
        services.AddSingleton(new DeviceTab(Tab, LostModePages.Name, "Lost mode", Rights.CommandLostMode) { Fits = device => device.Kind == "Device" });
    }

    public static void MapLostMode(this AdminRoutes routes) => LostModePages.MapPages(routes.Pages);
}
