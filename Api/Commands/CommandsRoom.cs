using FleetMdm.Api.Devices;

namespace FleetMdm.Api.Commands;

/// <summary>Commands for one iPad: queued, cancelled, and what became of them.</summary>
/// <remarks>Owns <c>/api/v1/devices/{id}/commands</c> and <c>/ipads/{id}/commands</c> and <c>/ipads/{id}/command</c>. The queue is the iPad's grain's; the history is read from the store. Other rooms
/// read commands by <see cref="CommandLog"/>.</remarks>
internal static class CommandsRoom
{
    public static void AddCommands(this IServiceCollection services)
    {
        services.AddSingleton<CommandLog>();
        services.AddSingleton(new DeviceTab(10, "commands", "Commands") { Count = device => device.Queue.Count > 0 ? device.Queue.Count : null });
    }

    public static void MapCommands(this AdminRoutes routes)
    {
        CommandEndpoints.MapRest(routes.Api);
        CommandPages.MapPages(routes.Pages);
        CommandFormPages.MapPages(routes.Pages);
    }
}
