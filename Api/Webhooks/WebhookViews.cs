using System.Text.Json;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Api.Webhooks;

/// <summary>A webhook, as a whole.</summary>
public sealed record WebhookRequest
{
    /// <summary>For people. At most 200 characters.</summary>
    public required string Name { get; init; }
    /// <summary>Where events are sent: https, without a user name and password.</summary>
    public required string Url { get; init; }
    /// <summary>1 to 50 types of events, as command.finished; or what types begin with, ending in a dot: device. and audit. are all of a kind.</summary>
    public required IReadOnlyList<string> Events { get; init; }
    /// <summary>standard, or micromdm: as MicroMDM writes its events, without those of the audit. standard when absent.</summary>
    [OneOf("standard", "micromdm")]
    public string? Format { get; init; }
}

/// <summary>A webhook, and how it is.</summary>
public sealed record WebhookView
{
    public required string Id { get; init; }
    /// <summary>One more with each change. The <c>ETag</c> is the same.</summary>
    public required int Version { get; init; }
    public required string Name { get; init; }
    public required string Url { get; init; }
    public required IReadOnlyList<string> Events { get; init; }
    [OneOf("standard", "micromdm")]
    public required string Format { get; init; }
    /// <summary>active; paused (events are kept, and not sent); disabled (its receiver answered 410: nothing new is kept).</summary>
    [OneOf("active", "paused", "disabled")]
    public required string State { get; init; }
    /// <summary>Why it is disabled.</summary>
    public string? StateReason { get; init; }
    /// <summary>Until when events are signed with the secret before too.</summary>
    public DateTimeOffset? OldSecretUntil { get; init; }
    /// <summary>Since when nothing was delivered although it was tried.</summary>
    public DateTimeOffset? FailingSince { get; init; }
    public string? LastError { get; init; }
    public DateTimeOffset? DeliveredAt { get; init; }
    /// <summary>How many events were delivered.</summary>
    public required long Delivered { get; init; }
    /// <summary>How many events wait.</summary>
    public required long Waiting { get; init; }
    public DateTimeOffset? OldestWaiting { get; init; }
    /// <summary>How many were given up and can be sent again.</summary>
    public required long Dead { get; init; }
    /// <summary>How many were given up and forgotten, since there were too many.</summary>
    public required long Dropped { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    internal static WebhookView Of(WebhookStanding standing)
    {
        var webhook = standing.Webhook;
        return new WebhookView
        {
            Id = webhook.Id,
            Version = webhook.Version,
            Name = webhook.Name,
            Url = webhook.Url,
            Events = webhook.Events,
            Format = webhook.Format == WebhookFormat.MicroMdm ? "micromdm" : "standard",
            State = JsonNamingPolicy.CamelCase.ConvertName(webhook.State.ToString()),
            StateReason = webhook.StateReason,
            OldSecretUntil = webhook.OldSecret is null ? null : webhook.OldSecretUntil,
            FailingSince = standing.FailingSince,
            LastError = standing.LastError,
            DeliveredAt = standing.DeliveredAt,
            Delivered = standing.Delivered,
            Waiting = standing.Waiting,
            OldestWaiting = standing.OldestWaiting,
            Dead = standing.Dead,
            Dropped = standing.Dropped,
            CreatedAt = webhook.CreatedAt,
            CreatedBy = webhook.CreatedBy,
            UpdatedAt = webhook.UpdatedAt,
        };
    }
}

/// <param name="Webhook">As it stands.</param>
/// <param name="Secret">What events are signed with. It is in this answer and nowhere else.</param>
public sealed record WebhookMade(WebhookView Webhook, string Secret);

/// <summary>A new secret.</summary>
public sealed record WebhookRotateRequest
{
    /// <summary>How many hours events are signed with the secret before too, 0 to 168; 24 when absent.</summary>
    public int? OverlapHours { get; init; }
}

/// <summary>An event for a webhook, and what became of it.</summary>
public sealed record WebhookDeliveryView
{
    /// <summary>Its number: the higher, the later.</summary>
    public required string Id { get; init; }
    /// <summary>The receiver knows it by this id (webhook-id).</summary>
    public required string EventId { get; init; }
    public required string Type { get; init; }
    public required DateTimeOffset At { get; init; }
    public string? DeviceId { get; init; }
    /// <summary>The CommandUUID of a command.</summary>
    public string? Subject { get; init; }
    [OneOf("waiting", "delivered", "dead")]
    public required string State { get; init; }
    /// <summary>How often it was tried.</summary>
    public required int Attempts { get; init; }
    /// <summary>When it is tried next; absent: an earlier event of the same iPad goes first, or it has ended.</summary>
    public DateTimeOffset? NextAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    /// <summary>What the receiver answered last.</summary>
    public int? Status { get; init; }
    public string? Error { get; init; }

    internal static WebhookDeliveryView Of(WebhookDelivery delivery) => new()
    {
        Id = delivery.Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture),
        EventId = delivery.EventId,
        Type = delivery.Kind,
        At = delivery.At,
        DeviceId = delivery.DeviceId,
        Subject = delivery.Subject,
        State = JsonNamingPolicy.CamelCase.ConvertName(delivery.State.ToString()),
        Attempts = delivery.Attempts,
        NextAt = delivery.NextAt,
        FinishedAt = delivery.FinishedAt,
        Status = delivery.Status,
        Error = delivery.Error,
    };
}

/// <param name="Count">How many are sent again.</param>
public sealed record WebhookResent(int Count);
