using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Webhooks;

// What waits for one webhook:
//
//   1. due      the store names what may be tried now: of each iPad its oldest event alone
//   2. send     a few at once; an event is in the hands of one request
//   3. judge    delivered, tried again later, or given up (DeliveryPart)
//   4. settle   that is durable; then the iPad's next event follows
//
// When this grain is lost between 2 and 4, the event is sent once more: receivers tell it by its id.

/// <inheritdoc cref="IWebhookGrain"/>
[GrainType("webhook")]
internal sealed partial class WebhookGrain(
    IWebhookStore store, WebhookBody bodies, WebhookSender sender, WebhookMetrics metrics, IOptions<WebhookOptions> options, TimeProvider clock, ILogger<WebhookGrain> logger)
    : Grain, IWebhookGrain
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TrimEvery = TimeSpan.FromSeconds(30);

    private const string NotInFormat = "Left out: MicroMDM has no such event.";

    private readonly HashSet<long> _inFlight = [];
    private readonly CancellationTokenSource _stopping = new();
    private int _failures;
    private DateTimeOffset _restUntil;
    private DateTimeOffset _trimAt;
    private bool _looking;
    private bool _again;

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(static (grain, _) => grain.Look(), this, new GrainTimerCreationOptions(LookEvery, LookEvery) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => await _stopping.CancelAsync();

    public Task Wake() => Look();

    private async Task Look()
    {
        if (_looking)
        {
            _again = true;
            return;
        }

        _looking = true;
        try
        {
            do
            {
                _again = false;
                await LookOnce();
            }
            while (_again);
        }
        catch (Exception e)
        {
            LogFailed(Id, e);
        }
        finally
        {
            _looking = false;
        }
    }

    private async Task LookOnce()
    {
        var now = clock.GetUtcNow();
        if (now < _restUntil || _inFlight.Count >= Most) return;
        var due = await store.Due(Id, now, Most + _inFlight.Count);
        if (due.Count == 0 && now < _trimAt) return;
        if (await store.Load(Id) is not { State: WebhookState.Active } webhook)
        {
            // Nobody to send to; what waits is in the store.
            if (_inFlight.Count == 0) DeactivateOnIdle();
            return;
        }

        if (now >= _trimAt)
        {
            if (await store.Trim(Id, options.Value.MostWaiting, options.Value.MostDead, now) is > 0 and var given)
            {
                metrics.Dead.Add(given);
                LogTrimmed(Id, webhook.Name, given);
            }

            _trimAt = now + TrimEvery;
            // Some of them may just have been given up.
            due = await store.Due(Id, now, Most + _inFlight.Count);
        }

        // 1
        foreach (var delivery in due)
        {
            if (_inFlight.Count >= Most) break;
            if (_inFlight.Add(delivery.Sequence)) _ = Deliver(webhook, delivery);
        }
    }

    /// <summary>One that fails in a row is taken to be away: then one request at a time finds out whether it is back.</summary>
    private int Most => _failures >= DeliveryPart.FailuresUntilAway ? 1 : options.Value.Concurrency;

    private async Task Deliver(Webhook webhook, WebhookDelivery delivery)
    {
        try
        {
            // 2
            var started = clock.GetTimestamp();
            var body = await bodies.Of(webhook.Format, delivery);
            if (body is null)
            {
                await store.Settle(Id, new WebhookTry(delivery.Sequence, delivery.Lane, WebhookDeliveryState.Delivered, clock.GetUtcNow(), null, null, NotInFormat));
                return;
            }

            var answer = await sender.Send(webhook, delivery.EventId, body, _stopping.Token);

            // 3
            var now = clock.GetUtcNow();
            var result = DeliveryPart.Judge(delivery, answer, now, Random.Shared.NextDouble());
            _failures = answer.IsSuccess ? 0 : _failures + 1;
            if (answer.IsSuccess)
            {
                metrics.Answered(clock.GetElapsedTime(started));
                metrics.Delivered.Add(1);
            }
            else
            {
                metrics.Failed.Add(1);
                if (DeliveryPart.Rest(_failures, answer) is { } rest && now + rest > _restUntil) _restUntil = now + rest;
                if (_failures == DeliveryPart.FailuresUntilAway) LogAway(Id, webhook.Name, answer.Error);
            }

            if (result.State == WebhookDeliveryState.Dead)
            {
                metrics.Dead.Add(1);
                LogDead(Id, webhook.Name, delivery.Kind, delivery.EventId, result.Error);
            }

            // 4
            await store.Settle(Id, result);
            if (answer.IsGone) await Disable(answer);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Whoever goes on sends it.
        }
        catch (Exception e)
        {
            LogNotSettled(Id, delivery.EventId, e);
            // Not at once again: the store is away, or the event cannot be written.
            _restUntil = clock.GetUtcNow() + LookEvery;
        }
        finally
        {
            _inFlight.Remove(delivery.Sequence);
        }

        await Look();
    }

    private async Task Disable(WebhookAnswer answer)
    {
        if (await store.Load(Id) is not { State: WebhookState.Active } webhook) return;
        var now = clock.GetUtcNow();
        await store.Change(
            webhook with { Version = webhook.Version + 1, State = WebhookState.Disabled, StateReason = answer.Error, UpdatedAt = now },
            AuditRecord.New(now, AuditActor.Server, AuditVerbs.WebhookDisable) with { TargetKind = AuditTargets.Webhook, TargetId = Id, Detail = webhook.Name });
        LogDisabled(Id, webhook.Name);
    }

    [LoggerMessage(2531, LogLevel.Warning, "Looking after what waits for the webhook {Id} failed; it goes on in a second")]
    private partial void LogFailed(string id, Exception exception);

    [LoggerMessage(2532, LogLevel.Warning, "The receiver of the webhook {Id} ({Name}) seems to be away: {Error} One request at a time finds out when it is back")]
    private partial void LogAway(string id, string name, string? error);

    [LoggerMessage(2533, LogLevel.Warning, "Webhook {Id} ({Name}): the event {Kind} {EventId} was given up: {Error}")]
    private partial void LogDead(string id, string name, string kind, string eventId, string? error);

    [LoggerMessage(2534, LogLevel.Warning, "Webhook {Id} ({Name}): too many events waited, and the {Count} oldest were given up")]
    private partial void LogTrimmed(string id, string name, int count);

    [LoggerMessage(2535, LogLevel.Warning, "Webhook {Id}: what became of the event {EventId} could not be kept; it is sent again")]
    private partial void LogNotSettled(string id, string eventId, Exception exception);

    [LoggerMessage(2536, LogLevel.Warning, "The webhook {Id} ({Name}) was disabled: its receiver answered 410")]
    private partial void LogDisabled(string id, string name);
}
