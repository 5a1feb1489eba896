using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Grains.Webhooks;

/// <summary>What a receiver answered.</summary>
/// <param name="Status">Null: it did not answer.</param>
/// <param name="Error">Why it is no success, in words; null: it is one.</param>
/// <param name="RetryAfter">When it wants to be asked again.</param>
internal sealed record WebhookAnswer(int? Status, string? Error, TimeSpan? RetryAfter = null)
{
    private const int Gone = 410;

    public bool IsSuccess => Error is null;

    /// <summary>It wants nothing any more.</summary>
    public bool IsGone => Status == Gone;
}

/// <summary>When an event is tried again, and when it is given up: pure functions.</summary>
internal static class DeliveryPart
{
    /// <summary>After each try, as Standard Webhooks advises: about three days in all.</summary>
    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10),
        TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>Those that failed together do not come together again.</summary>
    private const double Jitter = 0.2;

    /// <summary>A receiver may not put an event off for longer at once.</summary>
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(24);

    /// <summary>One that was not tried often, since its receiver was away, is given up all the same.</summary>
    private static readonly TimeSpan OldestEvent = TimeSpan.FromDays(5);

    /// <summary>Failures of different events, one after the other, after which the receiver itself is taken to be away.</summary>
    public const int FailuresUntilAway = 5;

    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(5);

    public static int MostAttempts => Pauses.Length + 1;

    /// <param name="random">From 0 to 1.</param>
    public static WebhookTry Judge(WebhookDelivery delivery, WebhookAnswer answer, DateTimeOffset now, double random)
    {
        if (answer.IsSuccess) return new WebhookTry(delivery.Sequence, delivery.Lane, WebhookDeliveryState.Delivered, now, null, answer.Status, null);
        var attempt = delivery.Attempts + 1;
        if (answer.IsGone || attempt >= MostAttempts || now - delivery.At > OldestEvent)
            return new WebhookTry(delivery.Sequence, delivery.Lane, WebhookDeliveryState.Dead, now, null, answer.Status, answer.Error);
        var pause = Pauses[attempt - 1] * (1 + (Jitter * random));
        if (answer.RetryAfter is { } asked && asked > pause) pause = asked < LongestRetryAfter ? asked : LongestRetryAfter;
        return new WebhookTry(delivery.Sequence, delivery.Lane, WebhookDeliveryState.Waiting, now, now + pause, answer.Status, answer.Error);
    }

    /// <summary>For how long nothing at all is sent to a receiver that has failed so often in a row; null: the others go on.</summary>
    public static TimeSpan? Rest(int failures, WebhookAnswer answer)
    {
        var asked = answer.RetryAfter is { } said ? said < LongestRest ? said : LongestRest : (TimeSpan?)null;
        if (failures < FailuresUntilAway) return asked;
        var rest = TimeSpan.FromSeconds(Math.Min(LongestRest.TotalSeconds, Math.Pow(2, Math.Min(failures - FailuresUntilAway, 20))));
        return asked > rest ? asked : rest;
    }
}
