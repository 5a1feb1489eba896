using System.Globalization;
using System.Text.Json;

namespace FleetMdm.Protocol.Push;

/// <summary>What an answer of APNs asks of the sender.</summary>
public enum ApnsOutcome
{
    /// <summary>200: APNs has it, and delivers it when the iPad can be reached. Not: the iPad has it.</summary>
    Accepted,
    /// <summary>The token will never work again: no more pushes until the next TokenUpdate.</summary>
    TokenDead,
    /// <summary>APNs refuses the push certificate: nothing can be sent until it is replaced.</summary>
    CertificateRefused,
    /// <summary>Too many pushes to this one iPad: later.</summary>
    TooManyRequests,
    /// <summary>APNs cannot now: later, not before <see cref="ApnsAnswer.RetryAfter"/>.</summary>
    Busy,
    /// <summary>The request is wrong, and would be wrong again: a fault of this server.</summary>
    Malformed,
}

/// <summary>
/// An answer of APNs.
/// <see href="https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns"/>
/// </summary>
/// <param name="Outcome">What it asks of the sender.</param>
/// <param name="Reason">APNs' word for it, as <c>Unregistered</c>; <c>HTTP 502</c> when there was none (a proxy's answer).</param>
/// <param name="Since">With 410: the last moment at which APNs knew that the token was dead.</param>
/// <param name="RetryAfter">With 429 and 5xx: how long to wait, when APNs says so.</param>
public readonly record struct ApnsAnswer(
    ApnsOutcome Outcome,
    string? Reason = null,
    DateTimeOffset? Since = null,
    TimeSpan? RetryAfter = null)
{
    /// <summary>An answer's body is a small JSON object: what is longer is not read.</summary>
    public const int LongestBody = 4096;

    private const int LongestReason = 64;
    private const int JsonDepth = 4;
    private static readonly DateTimeOffset LatestTimestamp = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly ApnsAnswer Accepted = new(ApnsOutcome.Accepted);

    /// <summary>Reads an answer. Never throws: what cannot be understood is judged by its status alone.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="body">The first <see cref="LongestBody"/> bytes of the body.</param>
    /// <param name="retryAfter">The header Retry-After, if there was one: seconds, or a date.</param>
    /// <param name="now">The present time, which a date in Retry-After is compared with.</param>
    public static ApnsAnswer Read(int status, ReadOnlySpan<byte> body, string? retryAfter, DateTimeOffset now)
    {
        if (status == 200)
            return Accepted;
        var (reason, since) = ReadBody(body);
        var outcome = Judge(status, reason);
        return new ApnsAnswer(
            outcome,
            reason ?? string.Create(CultureInfo.InvariantCulture, $"HTTP {status}"),
            outcome == ApnsOutcome.TokenDead ? since : null,
            outcome is ApnsOutcome.Busy or ApnsOutcome.TooManyRequests ? ReadRetryAfter(retryAfter, now) : null);
    }

    private static ApnsOutcome Judge(int status, string? reason) => (status, reason) switch
    {
        // The token belongs to another app, environment or server: as dead as one that is unregistered.
        (400, "BadDeviceToken" or "DeviceTokenNotForTopic") => ApnsOutcome.TokenDead,
        // About the connection, not about the request.
        (400, "IdleTimeout") => ApnsOutcome.Busy,
        (403, _) => ApnsOutcome.CertificateRefused,
        (408, _) => ApnsOutcome.Busy,
        // Only with one of APNs' own reasons: an enrolment is not silenced by the 410 of some proxy.
        (410, "Unregistered" or "ExpiredToken") => ApnsOutcome.TokenDead,
        (429, _) => ApnsOutcome.TooManyRequests,
        ( >= 500, _) => ApnsOutcome.Busy,
        _ => ApnsOutcome.Malformed,
    };

    private static (string? Reason, DateTimeOffset? Since) ReadBody(ReadOnlySpan<byte> body)
    {
        string? reason = null;
        DateTimeOffset? since = null;
        var json = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = JsonDepth });
        try
        {
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
                return default;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var isReason = json.ValueTextEquals("reason"u8);
                var isTimestamp = json.ValueTextEquals("timestamp"u8);
                json.Read();
                if (isReason && json.TokenType == JsonTokenType.String)
                    reason = ReadReason(json.GetString()!);
                else if (isTimestamp && json.TokenType == JsonTokenType.Number && json.TryGetInt64(out var milliseconds))
                    since = ReadTimestamp(milliseconds);
                else
                    json.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not APNs' JSON (a proxy's page, cut in the middle): what was read so far still holds.
        }
        return (reason, since);
    }

    /// <summary>Reasons are stored and shown: only a plain word counts as one.</summary>
    private static string? ReadReason(string text) =>
        text.Length is > 0 and <= LongestReason && text.All(char.IsAsciiLetterOrDigit) ? text : null;

    private static DateTimeOffset? ReadTimestamp(long milliseconds) =>
        milliseconds > 0 && milliseconds < LatestTimestamp.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : null;

    private static TimeSpan? ReadRetryAfter(string? header, DateTimeOffset now)
    {
        if (int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            return TimeSpan.FromSeconds(seconds);
        if (DateTimeOffset.TryParseExact(header, "r", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
            return at > now ? at - now : TimeSpan.Zero;
        return null;
    }
}
