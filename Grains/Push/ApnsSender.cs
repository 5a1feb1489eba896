using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Observability;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Protocol.Push;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Push;

/// <summary>
/// Sends this node's pushes to APNs. The journey of a push, from a device's grain on:
/// <list type="number">
/// <item><see cref="PushOutbox"/> of the device's node: coalesced, gathered into batches;</item>
/// <item><see cref="PushGrain"/>, on some node: hands the batch to that node's sender;</item>
/// <item><see cref="Offer"/>: refused when it could not be sent, else queued;</item>
/// <item><see cref="Dispatch"/>: the lane with the most room takes it;</item>
/// <item><see cref="ApnsLane"/>: one HTTP/2 request;</item>
/// <item><see cref="Settle"/>: APNs' answer is recorded (<see cref="PushResults"/>), or the push is tried again.</item>
/// </list>
/// </summary>
/// <remarks>
/// Threading: any thread offers; one loop dispatches; requests run on the thread pool. Bounded: the queue (<see cref="QueueCapacity"/>, including
/// what is under way and what waits to be tried again), each lane's requests, each push's tries. Full: <see cref="Offer"/> takes fewer than it
/// was offered, and the outbox keeps the rest. What is lost when the process dies: pushes, which the sweep repeats; never commands.
/// A new certificate gets new lanes; the old ones end what they have under way.
/// </remarks>
internal sealed partial class ApnsSender : IDisposable
{
    /// <summary>Four seconds' worth at the default pace: enough to keep the lanes busy, little enough to lose.</summary>
    private const int QueueCapacity = 20_000;

    /// <summary>The first try and the repetitions: spread over about a minute, after which the sweep is the better judge.</summary>
    private const int MostAttempts = 5;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(500);
    private const int DelayFactor = 4;
    /// <summary>APNs counts pushes to one iPad over some time: a quick repetition would only add to them.</summary>
    private static readonly TimeSpan TooManyDelay = TimeSpan.FromSeconds(30);
    /// <summary>A push that is told to wait longer is given up: its place is worth more, and a sweep repeats it.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(2);

    private readonly PushCertificateSource _certificate;
    private readonly ApnsConnections _connections;
    private readonly PushResults _results;
    private readonly LostPushes _lost;
    private readonly PushMetrics _metrics;
    private readonly PushOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ApnsSender> _logger;
    private readonly PushQueue _queue;
    private readonly Wakeup _laneFree;
    private readonly LogThrottle _dropLog;
    private readonly LogThrottle _troubleLog;
    private readonly LogThrottle _malformedLog;
    private readonly Lock _swap = new();
    private volatile ApnsLane[] _lanes = [];
    private long _inFlight;
    private volatile bool _full;
    private bool _disposed;

    public ApnsSender(
        PushCertificateSource certificate, ApnsConnections connections, PushResults results, LostPushes lost, PushMetrics metrics,
        IOptions<PushOptions> options, TimeProvider time, ILogger<ApnsSender> logger)
    {
        _certificate = certificate;
        _connections = connections;
        _results = results;
        _lost = lost;
        _metrics = metrics;
        _options = options.Value;
        _time = time;
        _logger = logger;
        _queue = new PushQueue(QueueCapacity, new Pacer(_options.RateOn(Environment.ProcessorCount), time), time);
        _laneFree = new Wakeup(time);
        _dropLog = new LogThrottle(time);
        _troubleLog = new LogThrottle(time);
        _malformedLog = new LogThrottle(time);
        metrics.InFlight = () => Interlocked.Read(ref _inFlight);
        certificate.Changed += UseCurrentCertificate;
        UseCurrentCertificate();
    }

    /// <summary>Pushes that are queued, under way, or wait to be tried again.</summary>
    public int Count => _queue.Count;

    /// <summary>The node stops: from now on there is no room.</summary>
    public void TakeNoMore() => _full = true;

    /// <summary>Takes as many as there is room for, from the front.</summary>
    public PushBatchTaken Offer(IReadOnlyList<PushOrder> orders, bool paced)
    {
        if (_full)
            return new PushBatchTaken(0, 0);
        if (_certificate.TryUse(out var unusable) is not { } identity)
        {
            _lost.Note();
            Drop(unusable, orders.Count);
            return new PushBatchTaken(orders.Count, orders.Count);
        }
        var dropped = 0;
        for (var i = 0; i < orders.Count; i++)
        {
            var order = orders[i];
            var fault = order.Topic != identity.Topic ? PushResult.OtherTopic
                : order.Token.Length is 0 or > ApnsRequest.LongestToken ? PushResult.NoToken
                : null;
            if (fault is not null)
            {
                dropped++;
                Drop(fault, 1);
                _results.Failed(order.EnrolmentId, fault);
            }
            else if (!_queue.TryAdd(order, paced))
            {
                return new PushBatchTaken(i, dropped);
            }
        }
        return new PushBatchTaken(orders.Count, dropped);
    }

    /// <summary>The loop that brings pushes and lanes together.</summary>
    public async Task Dispatch(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            if (FreeLane(out var rest) is not { } lane)
            {
                await _laneFree.Wait(rest, cancellationToken);
                continue;
            }
            if (!_queue.TryTake(out var item, out var wait))
            {
                await _queue.Wait(wait, cancellationToken);
                continue;
            }
            if (_certificate.TryUse(out var unusable) is null)
            {
                _lost.Note();
                Drop(unusable, 1);
                _queue.Finish(item);
            }
            else if (item.Order.Topic != lane.Identity.Topic)
            {
                Drop(PushResult.OtherTopic, 1);
                _queue.Finish(item);
            }
            else
            {
                lane.Enter();
                Interlocked.Increment(ref _inFlight);
                // Not awaited: it ends in Settle. On the pool, so that several cores write to several connections.
                _ = Task.Run(() => Send(lane, item), CancellationToken.None);
            }
        }
    }

    public void Dispose()
    {
        _certificate.Changed -= UseCurrentCertificate;
        lock (_swap)
        {
            _disposed = true;
            foreach (var lane in _lanes)
                lane.Dispose();
        }
    }

    private ApnsLane? FreeLane(out TimeSpan? rest)
    {
        rest = null;
        ApnsLane? best = null;
        var most = 0;
        foreach (var lane in _lanes)
        {
            var room = lane.Room(out var itsRest);
            if (room > most)
                (best, most) = (lane, room);
            if (itsRest is not null && (rest is null || itsRest < rest))
                rest = itsRest;
        }
        return best;
    }

    private async Task Send(ApnsLane lane, PushItem item)
    {
        try
        {
            item.Attempts++;
            var started = _time.GetTimestamp();
            var attempt = await lane.Send(item.Order);
            if (attempt.Kind == ApnsAttemptKind.Answered)
                _metrics.Answered(_time.GetElapsedTime(started));
            Settle(lane, item, attempt);
        }
        catch (Exception e)
        {
            // A fault in this class: the push is lost, its place is not.
            _lost.Note();
            LogUnexpected(_logger, e);
            _queue.Finish(item);
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
            _laneFree.Set();
        }
    }

    private void Settle(ApnsLane lane, PushItem item, ApnsAttempt attempt)
    {
        if (attempt.Kind != ApnsAttemptKind.Answered)
        {
            if (_troubleLog.Due(out var suppressed))
                LogTrouble(_logger, attempt.Kind, attempt.Problem, suppressed);
            Retry(item, TimeSpan.Zero, PushResult.NoAnswer, answered: false);
            return;
        }
        _certificate.Answered();
        var (id, answer) = (item.Order.EnrolmentId, attempt.Answer);
        switch (answer.Outcome)
        {
            case ApnsOutcome.Accepted:
                _certificate.Accept(lane.Identity.Version);
                _metrics.Count(PushResult.Accepted);
                _results.Accepted(id);
                break;
            case ApnsOutcome.TokenDead:
                _metrics.Count(answer.Reason!);
                _results.TokenDead(item.Order, answer.Reason!, answer.Since);
                break;
            case ApnsOutcome.CertificateRefused when lane.Identity.Version != _certificate.Current?.Version:
                // Of the certificate that was replaced meanwhile: the new one has not been tried.
                Retry(item, TimeSpan.Zero, PushResult.CertificateRefused, answered: false);
                return;
            case ApnsOutcome.CertificateRefused:
                if (_certificate.Refuse(lane.Identity.Version, answer.Reason!))
                {
                    LogCertificateRefused(_logger, lane.Identity.Version, lane.Identity.Topic, answer.Reason);
                    foreach (var each in _lanes)
                        each.StartOver();
                }
                _lost.Note();
                Drop(PushResult.CertificateRefused, 1);
                break;
            case ApnsOutcome.TooManyRequests:
                Retry(item, answer.RetryAfter > TooManyDelay ? answer.RetryAfter.Value : TooManyDelay, answer.Reason!, answered: true);
                return;
            case ApnsOutcome.Busy:
                Retry(item, answer.RetryAfter ?? TimeSpan.Zero, answer.Reason!, answered: false);
                return;
            default:
                if (_malformedLog.Due(out var others))
                    LogMalformed(_logger, id, answer.Reason, others);
                _metrics.Count(answer.Reason!);
                _results.Failed(id, answer.Reason!);
                break;
        }
        _queue.Finish(item);
    }

    /// <param name="atLeast">How long to wait at least.</param>
    /// <param name="reason">What it comes to when it is given up.</param>
    /// <param name="answered">APNs' last word on this push; otherwise the sweep is free to repeat it soon.</param>
    private void Retry(PushItem item, TimeSpan atLeast, string reason, bool answered)
    {
        var delay = Jitter.Around(FirstDelay * Math.Pow(DelayFactor, item.Attempts - 1));
        if (delay < atLeast)
            delay = atLeast + Jitter.Around(FirstDelay);
        if (item.Attempts >= MostAttempts || delay > LongestDelay)
        {
            _metrics.Count(reason);
            if (answered || reason == PushResult.NoAnswer)
                _results.Failed(item.Order.EnrolmentId, reason);
            if (!answered)
                _lost.Note();
            if (reason == PushResult.NoAnswer)
                _certificate.Unanswered();
            _queue.Finish(item);
            return;
        }
        _metrics.Count(PushResult.Retried);
        _queue.Return(item, delay);
    }

    private void Drop(string result, int pushes)
    {
        _metrics.Count(result, pushes);
        if (_dropLog.Due(out var suppressed))
            LogDropped(_logger, result, suppressed);
    }

    private void UseCurrentCertificate()
    {
        lock (_swap)
        {
            if (_disposed || _certificate.Current is not { } identity)
                return;
            var old = _lanes;
            if (old.Length > 0 && old[0].Identity.Version >= identity.Version)
                return;
            _lanes = [.. Enumerable.Range(0, _options.Connections).Select(_ => new ApnsLane(identity, _connections, _options, _time))];
            foreach (var lane in old)
                lane.Retire();
        }
        _laneFree.Set();
    }

    [LoggerMessage(2410, LogLevel.Warning, "Pushes are given up: {Result} ({Suppressed} more since the last such line). Their commands stay queued; the sweep pushes again")]
    private static partial void LogDropped(ILogger logger, string result, long suppressed);

    [LoggerMessage(2411, LogLevel.Warning, "APNs did not answer a push ({Kind}): {Problem} ({Suppressed} more since the last such line). It is tried again")]
    private static partial void LogTrouble(ILogger logger, ApnsAttemptKind kind, string? problem, long suppressed);

    [LoggerMessage(2412, LogLevel.Error, "APNs refuses push certificate version {Version} (topic {Topic}): {Reason}. No iPad is woken until it is renewed; it is tried again every minute")]
    private static partial void LogCertificateRefused(ILogger logger, long version, string topic, string? reason);

    [LoggerMessage(2413, LogLevel.Error, "APNs calls a push for {EnrolmentId} malformed: {Reason} ({Suppressed} more since the last such line)")]
    private static partial void LogMalformed(ILogger logger, string enrolmentId, string? reason, long suppressed);

    [LoggerMessage(2414, LogLevel.Error, "A push was lost by an unexpected fault; the sweep repeats it")]
    private static partial void LogUnexpected(ILogger logger, Exception exception);
}
