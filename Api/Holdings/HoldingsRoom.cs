using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;

namespace FleetMdm.Api.Holdings;

/// <summary>Who has which iPad: handed out for good or on loan, returned, and the history of it.</summary>
/// <remarks>Owns <c>/api/v1/devices/{id}/holder</c>, <c>/api/v1/people/{id}/devices</c>, <c>/api/v1/loans</c>, the tab <c>/ipads/{id}/person</c>, <c>/loans</c> and the
/// table <c>holdings</c>. An iPad has one person at a time, which an index holds. Who may see people sees names; <c>device.change</c> hands out. No record of what
/// was done names a person.</remarks>
internal static class HoldingsRoom
{
    private const int Tab = 5;

    public static void AddHoldings(this IServiceCollection services)
    {
        services.AddSingleton<HoldingService>();
        services.AddSingleton<IAttention, HoldingAttention>();
        services.AddSingleton(new DeviceTab(Tab, HoldingPages.Name, "Person") { Fits = device => device.Kind != "SharedUser" });
    }

    public static void MapHoldings(this AdminRoutes routes)
    {
        HoldingEndpoints.MapRest(routes.Api);
        HoldingPages.MapPages(routes.Pages);
    }
}
