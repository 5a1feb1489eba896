using System.Net;
using System.Net.Http.Headers;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Push;

namespace FleetMdm.Grains.Push;

/// <summary>How a try to send a push ended.</summary>
internal enum ApnsAttemptKind
{
    Answered,
    /// <summary>No answer within the deadline.</summary>
    Deadline,
    /// <summary>The stream was refused, or the connection ended under it: whether APNs took the push is not known.</summary>
    Interrupted,
    /// <summary>No connection could be made.</summary>
    Unreachable,
}

/// <param name="Answer">When it was answered.</param>
/// <param name="Problem">When it was not: what went wrong, without anything secret.</param>
internal readonly record struct ApnsAttempt(ApnsAttemptKind Kind, ApnsAnswer Answer, string? Problem = null);

/// <summary>
/// One connection to APNs with one push certificate: how much may be under way on it, and when it had better rest.
/// </summary>
/// <remarks>
/// Threading: any number of requests run on it; its numbers are under its lock. Bounded: by <see cref="InFlightLimit"/>, which trouble halves
/// once a round, not once a request. When it broke it rests before it connects anew, longer each time, since APNs takes rapid
/// reconnecting for an attack; when APNs says how long to stay away, it stays away that long. When nothing at all is answered
/// any more, it is given up for a new connection. What fails here is retried by the sender: pushes are safe to repeat.
/// </remarks>
internal sealed class ApnsLane : IDisposable
{
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(30);
    /// <summary>A Retry-After beyond this is a mistake of some proxy.</summary>
    private static readonly TimeSpan LongestRequestedRest = TimeSpan.FromHours(1);
    /// <summary>Without a Retry-After, a busy APNs is left alone for so long.</summary>
    private static readonly TimeSpan BusyRest = TimeSpan.FromSeconds(1);
    /// <summary>After so many deadlines in a row without any answer the connection is dead, whatever TCP says.</summary>
    private const int DeadlinesInARow = 8;

    private readonly Lock _lock = new();
    private readonly ApnsConnections _connections;
    private readonly TimeProvider _time;
    private readonly InFlightLimit _limit;
    private readonly TimeSpan _expiration;
    private readonly TimeSpan _deadline;
    private HttpMessageInvoker _invoker;
    private int _inFlight;
    private int _round;
    private int _troubles;
    private int _deadlines;
    private long _restUntil;
    private bool _retired;

    public ApnsLane(PushIdentity identity, ApnsConnections connections, PushOptions options, TimeProvider time)
    {
        Identity = identity;
        _connections = connections;
        _time = time;
        _limit = new InFlightLimit(options.MaxInFlightPerConnection);
        _expiration = TimeSpan.FromHours(options.ExpirationHours);
        _deadline = TimeSpan.FromSeconds(options.AnswerSeconds);
        _invoker = connections.Connect(identity);
        _restUntil = time.GetTimestamp();
    }

    public PushIdentity Identity { get; }

    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>How much more may be started now.</summary>
    /// <param name="rest">When nothing may because it rests: how long still; otherwise null.</param>
    public int Room(out TimeSpan? rest)
    {
        lock (_lock)
        {
            var left = _time.GetElapsedTime(_time.GetTimestamp(), _restUntil);
            rest = left > TimeSpan.Zero ? left : null;
            return rest is null && !_retired ? _limit.Value - _inFlight : 0;
        }
    }

    /// <summary>Counts a request that is about to be sent.</summary>
    public void Enter()
    {
        lock (_lock)
            _inFlight++;
    }

    /// <summary>Sends one push, which was counted by <see cref="Enter"/>. Never throws.</summary>
    public async Task<ApnsAttempt> Send(PushOrder order)
    {
        HttpMessageInvoker invoker;
        int round;
        lock (_lock)
            (invoker, round) = (_invoker, _round);
        var attempt = await Post(invoker, order);
        lock (_lock)
        {
            if (invoker == _invoker)
                Learn(attempt, round);
            _inFlight--;
            if (_retired && _inFlight == 0)
                _invoker.Dispose();
        }
        return attempt;
    }

    /// <summary>APNs refuses the certificate: close the connection, and let a single request try it after the rest.</summary>
    public void StartOver()
    {
        lock (_lock)
        {
            _limit.Probe();
            Reconnect();
        }
    }

    /// <summary>Starts nothing more, and closes when what is under way has ended.</summary>
    public void Retire()
    {
        lock (_lock)
        {
            _retired = true;
            if (_inFlight == 0)
                _invoker.Dispose();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _retired = true;
            _invoker.Dispose();
        }
    }

    /// <summary>Draws the conclusions from an attempt on the present connection.</summary>
    /// <param name="round">When the request was sent: trouble of an earlier round was counted already.</param>
    private void Learn(ApnsAttempt attempt, int round)
    {
        switch (attempt.Kind)
        {
            case ApnsAttemptKind.Answered when attempt.Answer.Outcome != ApnsOutcome.Busy:
                // Also 429: it is about one iPad, not about this connection.
                _limit.Succeeded(_inFlight);
                _troubles = 0;
                _deadlines = 0;
                return;
            case ApnsAttemptKind.Answered:
                _deadlines = 0;
                Rest(attempt.Answer.RetryAfter is { } asked ? Shorter(asked, LongestRequestedRest) : BusyRest);
                break;
            case ApnsAttemptKind.Deadline when ++_deadlines >= DeadlinesInARow:
                StartOver();
                return;
        }
        if (round != _round)
            return;
        _round++;
        _limit.Halve();
        if (attempt.Kind is not (ApnsAttemptKind.Interrupted or ApnsAttemptKind.Unreachable))
            return;
        Rest(Jitter.Around(Shorter(ShortestRest * Math.Pow(2, _troubles), LongestRest)));
        _troubles = Math.Min(_troubles + 1, 16);
    }

    private void Rest(TimeSpan duration) =>
        _restUntil = Math.Max(_restUntil, _time.GetTimestamp() + (long)(duration.TotalSeconds * _time.TimestampFrequency));

    private void Reconnect()
    {
        if (_retired)
            return;
        // What is under way on the old one fails, and is retried.
        _invoker.Dispose();
        _invoker = _connections.Connect(Identity);
        _deadlines = 0;
    }

    private async Task<ApnsAttempt> Post(HttpMessageInvoker invoker, PushOrder order)
    {
        var apns = ApnsRequest.Mdm(order.Token, order.Topic, order.PushMagic, _time.GetUtcNow() + _expiration);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_connections.Endpoint, apns.Path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ReadOnlyMemoryContent(apns.Body),
        };
        request.Headers.TryAddWithoutValidation(ApnsRequest.PushTypeHeader, ApnsRequest.PushType);
        request.Headers.TryAddWithoutValidation(ApnsRequest.TopicHeader, apns.Topic);
        request.Headers.TryAddWithoutValidation(ApnsRequest.PriorityHeader, ApnsRequest.Priority);
        request.Headers.TryAddWithoutValidation(ApnsRequest.ExpirationHeader, apns.Expiration);
        // The network goes by the real clock, whatever the time is for the fleet.
        using var deadline = new CancellationTokenSource(_deadline);
        try
        {
            using var response = await invoker.SendAsync(request, deadline.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.OK)
                return new ApnsAttempt(ApnsAttemptKind.Answered, ApnsAnswer.Accepted);
            var answer = await ReadAnswer(response, deadline.Token).ConfigureAwait(false);
            return new ApnsAttempt(ApnsAttemptKind.Answered, answer);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return new ApnsAttempt(ApnsAttemptKind.Deadline, default, "no answer within the deadline");
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError or HttpRequestError.VersionNegotiationError)
        {
            return new ApnsAttempt(ApnsAttemptKind.Unreachable, default, Describe(e));
        }
        // Also when the connection was given up or the lane was disposed of under the request.
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return new ApnsAttempt(ApnsAttemptKind.Interrupted, default, Describe(e));
        }
    }

    private async Task<ApnsAnswer> ReadAnswer(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = new byte[ApnsAnswer.LongestBody];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return ApnsAnswer.Read((int)response.StatusCode, body.AsSpan(0, length), Text(response.Headers.RetryAfter), _time.GetUtcNow());
    }

    private static string? Text(RetryConditionHeaderValue? retryAfter) => retryAfter?.ToString();

    /// <summary>The chain of messages: .NET puts host and port into them, never the path.</summary>
    private static string Describe(Exception exception) =>
        exception.InnerException is { } inner ? $"{exception.Message} {inner.Message}" : exception.Message;

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}

/// <summary>Spreads what would otherwise happen at the same moment.</summary>
internal static class Jitter
{
    /// <summary>Between half and one and a half of the duration.</summary>
    public static TimeSpan Around(TimeSpan duration) => duration * (0.5 + Random.Shared.NextDouble());
}
