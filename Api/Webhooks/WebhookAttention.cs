using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Api.Webhooks;

/// <summary>Webhooks that fail for long, were disabled, or have given something up.</summary>
internal sealed class WebhookAttention(IWebhookStore store, TimeProvider time) : IAttention
{
    private const int Order = 60;

    /// <summary>A receiver is restarted now and then.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        if (!reader.May(Rights.WebhookRead)) return [];
        var now = time.GetUtcNow();
        return [.. (await store.List()).Select(one => Of(one, now)).OfType<AttentionItem>()];
    }

    private static AttentionItem? Of(WebhookStanding standing, DateTimeOffset now)
    {
        var (name, path) = (standing.Webhook.Name, "/webhooks/" + standing.Webhook.Id);
        if (standing.Webhook.State == WebhookState.Disabled) return new AttentionItem(Order, 1, $"webhook was disabled, since its receiver wants nothing any more: {name}", path);
        if (standing.FailingSince is { } since && now - since > Long && standing.Webhook.State == WebhookState.Active)
            return new AttentionItem(Order, standing.Waiting, $"{(standing.Waiting == 1 ? "event waits" : "events wait")} for a webhook that fails: {name}", path);
        return standing.Dead > 0 ? new AttentionItem(Order, standing.Dead, $"{(standing.Dead == 1 ? "event was" : "events were")} given up for a webhook: {name}", path) : null;
    }
}
