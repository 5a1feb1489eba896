using FleetMdm.Api.Access;
using FleetMdm.Api.Console;

namespace FleetMdm.Api.Webhooks;

/// <summary>Webhooks: programs elsewhere are told what happens.</summary>
/// <remarks>Owns <c>/api/v1/webhooks</c> and <c>/webhooks</c>. The tables are the store's (<c>IWebhookStore</c>); grains send. Who has <see cref="Rights.WebhookChange"/> chooses what leaves the
/// district, so it is for the whole district only.</remarks>
internal static class WebhooksRoom
{
    public static void AddWebhooks(this IServiceCollection services)
    {
        services.AddSingleton<WebhookService>();
        services.AddSingleton<IAttention, WebhookAttention>();
        services.AddSingleton(new ConsoleEntry(52, "/webhooks", "Webhooks", "M4 10h8M9 6l4 4-4 4M14 4h2v12h-2", 'q', Rights.WebhookRead));
    }

    public static void MapWebhooks(this AdminRoutes routes)
    {
        WebhookEndpoints.MapRest(routes.Api);
        WebhookPages.MapPages(routes.Pages);
    }
}
