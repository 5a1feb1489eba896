using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Webhooks;

/// <inheritdoc cref="IWebhookDispatchGrain"/>
/// <remarks>What happened stands in the store until it was taken from there, in one transaction: this grain may be lost at any moment. Two of them for a moment take turns.</remarks>
[GrainType("webhook-dispatch")]
internal sealed partial class WebhookDispatchGrain(IWebhookStore store, WebhookInterest interest, TimeProvider clock, ILogger<WebhookDispatchGrain> logger) : Grain, IWebhookDispatchGrain
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>In one transaction.</summary>
    private const int PieceSize = 500;

    private bool _looking;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(static (grain, _) => grain.Tick(), this, new GrainTimerCreationOptions(LookEvery, LookEvery) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    /// <summary>Once a minute: those of a node that died go on, and what was written for webhooks that are gone is cleared away.</summary>
    public async Task Wake()
    {
        await DispatchAll();
        foreach (var standing in await store.List())
        {
            if (standing is { Webhook.State: WebhookState.Active, Waiting: > 0 }) Tell(standing.Webhook.Id);
        }
    }

    public async Task Changed()
    {
        await interest.Refresh();
        foreach (var standing in await store.List()) Tell(standing.Webhook.Id);
    }

    public Task Dispatch() => DispatchAll();

    private async Task Tick()
    {
        if (_looking || !interest.Any) return;
        _looking = true;
        try
        {
            await DispatchAll();
        }
        catch (Exception e)
        {
            LogFailed(e);
        }
        finally
        {
            _looking = false;
        }
    }

    private async Task DispatchAll()
    {
        int taken;
        do
        {
            (taken, var webhooks) = await store.FanOut(PieceSize, clock.GetUtcNow());
            Tell(webhooks);
        }
        while (taken == PieceSize);

        bool more;
        do
        {
            (more, var webhooks) = await store.FanOutAudit(AuditEvent.DataOf, PieceSize, clock.GetUtcNow());
            Tell(webhooks);
        }
        while (more);
    }

    private void Tell(IReadOnlyList<string> webhooks)
    {
        foreach (var id in webhooks) Tell(id);
    }

    /// <summary>Nobody waits for it: it looks by itself, too.</summary>
    private void Tell(string id) => GrainFactory.GetGrain<IWebhookGrain>(id).Wake().Ignore();

    [LoggerMessage(2537, LogLevel.Warning, "Events could not be taken to their webhooks; it is tried again in a second")]
    private partial void LogFailed(Exception exception);
}
