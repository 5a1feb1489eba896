using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace FleetMdm.VirtualFleet.Apns;

/// <summary>
/// POST /3/device/TOKEN: checked in the order of Apple's documentation, and answered from its tables.
/// <see href="https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns"/>
/// </summary>
internal sealed class ApnsEndpoint(
    ApnsAuthority authority, ApnsPostbox postbox, ApnsFaults faults, ApnsStatistics statistics, TimeProvider time)
{
    private const string DevicePath = "/3/device/";
    private const int LongestPayload = 4096;
    private const int LongestCollapseId = 64;
    private static readonly TimeSpan LongestStorage = TimeSpan.FromDays(30);

    private readonly ConcurrentDictionary<string, CertificateVerdict> _verdicts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _revoked = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ConnectionContext> _connections = new(StringComparer.Ordinal);
    private volatile TaskCompletionSource? _held;

    public void Revoke(X509Certificate2 certificate)
    {
        _revoked[certificate.Thumbprint] = true;
        _verdicts.Clear();
    }

    /// <summary>Keeps every request waiting until the returned object is disposed of.</summary>
    public IDisposable Hold()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _held = held;
        return new Release(this, held);
    }

    /// <summary>Connection middleware: knows each connection, to be able to cut it.</summary>
    public async Task Watch(ConnectionContext connection, ConnectionDelegate next)
    {
        _connections[connection.ConnectionId] = connection;
        statistics.ConnectionOpened();
        try
        {
            await next(connection);
        }
        finally
        {
            _connections.TryRemove(connection.ConnectionId, out _);
            statistics.ConnectionClosed();
        }
    }

    public void CutConnections()
    {
        foreach (var connection in _connections.Values)
            connection.Abort();
    }

    public async Task Handle(HttpContext context)
    {
        var connection = context.Connection.Id;
        statistics.Begin(connection);
        try
        {
            if (_held is { } held)
                await held.Task.WaitAsync(context.RequestAborted);
            if (faults.AnswerDelay > TimeSpan.Zero)
                await Task.Delay(faults.AnswerDelay, time, context.RequestAborted);
            await Answer(context);
        }
        catch (OperationCanceledException)
        {
            // The client went away.
        }
        finally
        {
            statistics.End(connection);
        }
    }

    private async Task Answer(HttpContext context)
    {
        var request = context.Request;
        if (!HttpProtocol.IsHttp2(request.Protocol))
        {
            await Refuse(context, 505, "HttpVersionNotSupported");
            return;
        }
        var token = request.Path.Value is { } path && path.StartsWith(DevicePath, StringComparison.Ordinal)
            ? path[DevicePath.Length..].ToLowerInvariant() : null;
        if (faults.Choose(token ?? "") is { } fault && !await Fail(context, fault))
            return;

        var verdict = Judge(context.Connection.ClientCertificate);
        if (verdict.Refusal is { } refusal)
            await Refuse(context, 403, refusal);
        else if (token is null)
            await Refuse(context, 404, "BadPath");
        else if (!HttpMethods.IsPost(request.Method))
            await Refuse(context, 405, "MethodNotAllowed");
        else if (token.Length == 0)
            await Refuse(context, 400, "MissingDeviceToken");
        else if (CheckHeaders(request.Headers, verdict.Topic!) is { } wrong)
            await Refuse(context, 400, wrong);
        else
            await Take(context, token, verdict.Topic!);
    }

    private async Task Take(HttpContext context, string token, string topic)
    {
        var payload = new byte[LongestPayload + 1];
        var length = await context.Request.Body.ReadAtLeastAsync(payload, payload.Length, throwOnEndOfStream: false, context.RequestAborted);
        var box = token.All(char.IsAsciiHexDigitLower) && token.Length % 2 == 0 ? postbox.Find(token) : null;
        if (length == 0)
            await Refuse(context, 400, "PayloadEmpty");
        else if (length > LongestPayload)
            await Refuse(context, 413, "PayloadTooLarge");
        else if (box is null)
            await Refuse(context, 400, "BadDeviceToken");
        else if (box.Topic is not null && box.Topic != topic)
            await Refuse(context, 400, "DeviceTokenNotForTopic");
        else if (box.DeadSince is { } since)
            await Refuse(context, 410, "Unregistered", since);
        else
        {
            var now = time.GetUtcNow();
            var until = context.Request.Headers["apns-expiration"] is [{ } text] ? UntilWhen(text, now) : now + LongestStorage;
            postbox.Post(box, new ApnsNotification(topic, payload.AsMemory(0, length), now), until);
            statistics.CountAccepted();
            context.Response.StatusCode = 200;
            context.Response.Headers["apns-id"] = context.Request.Headers["apns-id"] is [{ } id] ? id : Guid.NewGuid().ToString().ToUpperInvariant();
        }
    }

    private static DateTimeOffset UntilWhen(string expiration, DateTimeOffset now)
    {
        var seconds = Math.Min(long.Parse(expiration, CultureInfo.InvariantCulture), (now + LongestStorage).ToUnixTimeSeconds());
        return DateTimeOffset.FromUnixTimeSeconds(seconds);
    }

    /// <summary>Apple's word for the first header that is wrong, or null.</summary>
    private static string? CheckHeaders(IHeaderDictionary headers, string certificateTopic)
    {
        var id = headers["apns-id"];
        var topic = headers["apns-topic"];
        var type = headers["apns-push-type"];
        var priority = headers["apns-priority"];
        var expiration = headers["apns-expiration"];
        var collapse = headers["apns-collapse-id"];
        if (id.Count > 1 || topic.Count > 1 || type.Count > 1 || priority.Count > 1 || expiration.Count > 1 || collapse.Count > 1)
            return "DuplicateHeaders";
        if (id is [{ } idText] && !Guid.TryParseExact(idText, "D", out _))
            return "BadMessageId";
        if (expiration is [{ } until] && !(until.Length is > 0 and <= 12 && until.All(char.IsAsciiDigit)))
            return "BadExpirationDate";
        if (priority is [not ("10" or "5" or "1")])
            return "BadPriority";
        if (collapse is [{ Length: > LongestCollapseId }])
            return "BadCollapseId";
        if (type is not ["mdm"])
            return "InvalidPushType";
        // A certificate for one topic need not name it.
        if (topic is [{ } named] && named != certificateTopic)
            return "TopicDisallowed";
        return null;
    }

    /// <summary>Does what the fault says. True: go on and answer as usual.</summary>
    private async Task<bool> Fail(HttpContext context, ApnsFault fault)
    {
        switch (fault)
        {
            case ApnsFault.Answer answer:
                if (answer.RetryAfterSeconds is { } seconds)
                    context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                await Refuse(context, answer.Status, answer.Reason, answer.Timestamp);
                return false;
            case ApnsFault.Hang:
                await Task.Delay(Timeout.InfiniteTimeSpan, time, context.RequestAborted);
                return false;
            case ApnsFault.Reset reset:
                context.Features.GetRequiredFeature<IHttpResetFeature>().Reset(reset.Code);
                return false;
            case ApnsFault.GoAway:
                context.Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>().RequestClose();
                return true;
            default:
                if (_connections.TryGetValue(context.Connection.Id, out var connection))
                    connection.Abort();
                return false;
        }
    }

    private async Task Refuse(HttpContext context, int status, string? reason, DateTimeOffset? timestamp = null)
    {
        statistics.CountRefused(reason ?? status.ToString(CultureInfo.InvariantCulture));
        context.Response.StatusCode = status;
        context.Response.Headers["apns-id"] = Guid.NewGuid().ToString().ToUpperInvariant();
        if (reason is null)
            return;
        var body = timestamp is { } at
            ? JsonSerializer.SerializeToUtf8Bytes(new { reason, timestamp = at.ToUnixTimeMilliseconds() })
            : JsonSerializer.SerializeToUtf8Bytes(new { reason });
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private CertificateVerdict Judge(X509Certificate2? certificate)
    {
        if (certificate is null)
            return new CertificateVerdict(null, "MissingProviderToken", DateTimeOffset.MaxValue);
        var now = time.GetUtcNow();
        if (_verdicts.TryGetValue(certificate.Thumbprint, out var known) && now < known.GoodUntil)
            return known;
        var topic = ApnsAuthority.TopicOf(certificate);
        var good = topic is not null && !_revoked.ContainsKey(certificate.Thumbprint) && authority.Vouches(certificate);
        var verdict = new CertificateVerdict(
            topic, good ? null : "BadCertificate", good ? new DateTimeOffset(certificate.NotAfter.ToUniversalTime()) : now);
        _verdicts[certificate.Thumbprint] = verdict;
        return verdict;
    }

    private sealed record CertificateVerdict(string? Topic, string? Refusal, DateTimeOffset GoodUntil);

    private sealed class Release(ApnsEndpoint endpoint, TaskCompletionSource held) : IDisposable
    {
        public void Dispose()
        {
            endpoint._held = null;
            held.TrySetResult();
        }
    }
}
