using FleetMdm.Api.Devices;

namespace FleetMdm.Api.Declarations;

/// <summary>What an iPad has by declarations, and what it has said of itself by status reports.</summary>
/// <remarks>Owns <c>/api/v1/devices/{id}/declarations</c> and the tab <c>/ipads/{id}/declarations</c>, and reads the tables <c>declaration_devices</c> and <c>declaration_sets</c>, which the grain of
/// the iPad writes. Who sees iPads sees it. What is declared is an assignment.</remarks>
internal static class DeclarationsRoom
{
    private const int Tab = 4;

    public static void AddDeclarations(this IServiceCollection services)
    {
        services.AddSingleton<DeclarationService>();
        services.AddSingleton(new DeviceTab(Tab, DeclarationPages.Name, "Declarations") { Fits = device => device.Kind != "SharedUser" });
    }

    public static void MapDeclarations(this AdminRoutes routes)
    {
        DeclarationEndpoints.MapRest(routes.Api);
        DeclarationPages.MapPages(routes.Pages);
    }
}
