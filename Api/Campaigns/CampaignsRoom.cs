using FleetMdm.Api.Console;

namespace FleetMdm.Api.Campaigns;

/// <summary>The end of a year: iPads that come back are written down, collected with a scanner, and erased.</summary>
/// <remarks>Owns <c>/api/v1/campaigns</c>, <c>/campaigns</c>, and the tables <c>campaigns</c> and <c>campaign_devices</c>. Who sees iPads sees campaigns, of their schools their part;
/// <see cref="Access.Rights.DeviceChange"/> makes them and collects. Erasing is an operation like every other: its target is the filter <c>collected:</c>.</remarks>
internal static class CampaignsRoom
{
    public static void AddCampaigns(this IServiceCollection services)
    {
        services.AddSingleton<CampaignService>();
        services.AddSingleton(new ConsoleEntry(26, "/campaigns", "End of year", "M4 6h12v11H4ZM4 9h12M7 4v3M13 4v3M7 13l2 2 4-4", 'f'));
    }

    public static void MapCampaigns(this AdminRoutes routes)
    {
        CampaignEndpoints.MapRest(routes.Api);
        CampaignPages.MapPages(routes.Pages);
    }
}
