using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Webhooks;

/// <summary>Programs elsewhere are told what happens.</summary>
/// <remarks>Owns the tables <c>webhooks</c>, <c>webhook_outbox</c> and <c>webhook_deliveries</c>, by <see cref="IWebhookStore"/>. iPads' grains write an event with what happened
/// (<see cref="EventPart"/>), while <see cref="WebhookInterest"/> says that somebody wants it; one grain takes it to the webhooks, and a grain for each webhook sends.</remarks>
internal static class WebhookServices
{
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddSingleton<WebhookInterest>();
        services.AddHostedService(provider =>
        {
            // Its counters are served as zeros from the start: what is missing cannot be told from what is not counted.
            _ = provider.GetRequiredService<WebhookMetrics>();
            return provider.GetRequiredService<WebhookInterest>();
        });
        services.AddSingleton<WebhookSigner>();
        services.AddSingleton<WebhookSender>();
        services.AddSingleton<WebhookBody>();
        services.AddSingleton<WebhookMetrics>();
        services.AddSingleton<ISweepDuty, WebhookDuty>();
        services.AddSingleton<ISweepDuty, WebhookRetention>();
        return services;
    }
}

/// <summary>Sees to it that events go on, whichever node died.</summary>
internal sealed class WebhookDuty(IGrainFactory grains) : INodeLostDuty
{
    public TimeSpan Every => TimeSpan.FromMinutes(1);

    public Task Run(CancellationToken cancellationToken) => grains.GetGrain<IWebhookDispatchGrain>(0).Wake();
}

/// <summary>Forgets events that were delivered, or given up, long ago.</summary>
internal sealed class WebhookRetention(IWebhookStore store, IOptions<WebhookOptions> options, TimeProvider time) : ISweepDuty
{
    private const int PieceSize = 1_000;
    private const int MostPieces = 1_000;

    public TimeSpan Every => TimeSpan.FromMinutes(10);

    public async Task Run(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        for (var piece = 0; piece < MostPieces && !cancellationToken.IsCancellationRequested; piece++)
        {
            if (await store.Forget(now - TimeSpan.FromDays(options.Value.DeliveredDays), now - TimeSpan.FromDays(options.Value.DeadDays), PieceSize) < PieceSize) break;
        }
    }
}
