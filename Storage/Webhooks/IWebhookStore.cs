using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Webhooks;

/// <summary>Who is told what happens, what they are still to be told, and what became of it.</summary>
/// <remarks>An event is written where it happened (<c>QueueFinish.Event</c>, <c>EnrolmentChange.Event</c>), taken from there once into a delivery for each webhook that wants it
/// (<see cref="FanOut"/>), and kept until it was delivered or given up. Audit records come from their chain (<see cref="FanOutAudit"/>).</remarks>
public interface IWebhookStore
{
    const int MostWebhooks = 50;

    Task<IReadOnlyList<WebhookStanding>> List();

    Task<WebhookStanding?> Find(string id);

    /// <summary>Without how it is, which costs a look at all that waits.</summary>
    Task<Webhook?> Load(string id);

    /// <summary>Which types all webhooks together want, that are not disabled.</summary>
    Task<IReadOnlyList<string>> Wanted();

    Task<WebhookOutcome> Create(Webhook webhook, AuditRecord audit);

    /// <summary>Writes name, address, events, format, secrets and state, with a version one higher than it stands.</summary>
    Task<WebhookOutcome> Change(Webhook webhook, AuditRecord? audit);

    /// <summary>With all that it was still to be told. False: there is none.</summary>
    Task<bool> Delete(string id, AuditRecord audit);

    /// <summary>Takes at most <paramref name="limit"/> events from where they were written. Returns how many, and the webhooks that have something new.</summary>
    Task<(int Taken, IReadOnlyList<string> Webhooks)> FanOut(int limit, DateTimeOffset now);

    /// <summary>The next records of the chain for those that want records. True: there may be more.</summary>
    Task<(bool More, IReadOnlyList<string> Webhooks)> FanOutAudit(Func<ChainedRecord, string> data, int limit, DateTimeOffset now);

    /// <summary>What is to be tried now: at most one of a lane.</summary>
    Task<IReadOnlyList<WebhookDelivery>> Due(string webhookId, DateTimeOffset now, int limit);

    /// <summary>Keeps what became of a try. The next of its lane follows when it has ended.</summary>
    Task Settle(string webhookId, WebhookTry result);

    Task<IReadOnlyList<WebhookDelivery>> ListDeliveries(string webhookId, WebhookDeliveryState? state, long? before, int limit);

    /// <summary>Adds one for this webhook alone. Returns null where there is none.</summary>
    Task<WebhookDelivery?> Add(string webhookId, WebhookEvent single, DateTimeOffset now);

    /// <summary>What was given up, or delivered, is to be tried again, in no order. Null: all that were given up, <paramref name="limit"/> at most.</summary>
    Task<int> SendAgain(string webhookId, long? sequence, int limit, DateTimeOffset now, AuditRecord? audit);

    /// <summary>Gives up the oldest that wait beyond <paramref name="mostWaiting"/>, and forgets the oldest that were given up beyond <paramref name="mostDead"/>.</summary>
    Task<int> Trim(string webhookId, int mostWaiting, int mostDead, DateTimeOffset now);

    /// <summary>Forgets at most <paramref name="limit"/> that were delivered, or given up, before.</summary>
    Task<int> Forget(DateTimeOffset deliveredBefore, DateTimeOffset deadBefore, int limit);
}

/// <summary>How its events are written. Stored as a number: never renumber.</summary>
public enum WebhookFormat : short
{
    /// <summary>As Standard Webhooks has it.</summary>
    Standard = 0,
    /// <summary>As MicroMDM writes them.</summary>
    MicroMdm = 1,
}

/// <summary>Stored as a number: never renumber.</summary>
public enum WebhookState : short
{
    Active = 0,
    /// <summary>Events are kept, and not sent.</summary>
    Paused = 1,
    /// <summary>By the server, when the receiver said that it is gone. Nothing new is kept.</summary>
    Disabled = 2,
}

/// <summary>Stored as a number: never renumber.</summary>
public enum WebhookDeliveryState : short
{
    Waiting = 0,
    Delivered = 1,
    Dead = 2,
}

/// <summary>Who is told.</summary>
public sealed record Webhook
{
    public required string Id { get; init; }
    public int Version { get; init; }
    public required string Name { get; init; }
    public required string Url { get; init; }
    public required IReadOnlyList<string> Events { get; init; }
    public WebhookFormat Format { get; init; }
    public WebhookState State { get; init; }
    public string? StateReason { get; init; }
    /// <summary>Sealed for <see cref="SecretPurpose"/>.</summary>
    public required byte[] Secret { get; init; }
    public byte[]? OldSecret { get; init; }
    public DateTimeOffset? OldSecretUntil { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }

    public static string SecretPurpose(string id) => "webhook-secret/" + id;
}

/// <summary>A webhook, and how it is.</summary>
public sealed record WebhookStanding(Webhook Webhook, DateTimeOffset? FailingSince, DateTimeOffset? DeliveredAt, string? LastError, long Delivered, long Dropped, long Waiting, long Dead, DateTimeOffset? OldestWaiting);

/// <summary>An event for one webhook.</summary>
public sealed record WebhookDelivery
{
    public required long Sequence { get; init; }
    public required string EventId { get; init; }
    public required DateTimeOffset At { get; init; }
    public required string Kind { get; init; }
    public string? DeviceId { get; init; }
    public string? Lane { get; init; }
    public string? Subject { get; init; }
    public required string Data { get; init; }
    public WebhookDeliveryState State { get; init; }
    public int Attempts { get; init; }
    public DateTimeOffset? NextAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public int? Status { get; init; }
    public string? Error { get; init; }
}

/// <summary>What became of a try.</summary>
/// <param name="State">Waiting: it is tried again at <paramref name="NextAt"/>.</param>
public sealed record WebhookTry(long Sequence, string? Lane, WebhookDeliveryState State, DateTimeOffset At, DateTimeOffset? NextAt, int? Status, string? Error);

public enum WebhookOutcome
{
    Written,
    NotFound,
    /// <summary>Somebody else has changed it in between.</summary>
    VersionConflict,
    TooMany,
}
