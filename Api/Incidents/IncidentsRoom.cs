using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Storage.Incidents;

namespace FleetMdm.Api.Incidents;

/// <summary>Notes on iPads, and what is wrong with them: broken screen, in repair, lost.</summary>
/// <remarks>Owns <c>/api/v1/incidents</c>, <c>/api/v1/devices/{id}/notes</c>, <c>/api/v1/devices/{id}/incidents</c>, the tab <c>/ipads/{id}/notes</c>, <c>/incidents</c> and the
/// tables <c>incidents</c> and <c>device_notes</c>. Who sees iPads sees notes; <c>incident.change</c> writes them. Records say that something was written, never
/// what.</remarks>
internal static class IncidentsRoom
{
    private const int Tab = 7;

    public static void AddIncidents(this IServiceCollection services)
    {
        services.AddSingleton<IncidentService>();
        services.AddSingleton<IAttention, IncidentAttention>();
        services.AddSingleton(new DeviceTab(Tab, IncidentPages.Name, "Notes") { Fits = device => device.Kind != "SharedUser" });
    }

    public static void MapIncidents(this AdminRoutes routes)
    {
        IncidentEndpoints.MapRest(routes.Api);
        IncidentPages.MapPages(routes.Pages);
    }
}

/// <summary>Incidents that are open. Read from an index that holds them alone.</summary>
internal sealed class IncidentAttention(IIncidentStore store) : IAttention
{
    private const int Order = 45;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var open = await store.CountOpen(reader.Scope);
        return open == 0 ? [] : [new AttentionItem(Order, open, open == 1 ? "incident is open" : "incidents are open", "/incidents")];
    }
}
