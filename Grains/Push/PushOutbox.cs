using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Observability;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Push;

/// <summary>Where the grains of this node leave the iPads that are to be woken.</summary>
/// <remarks>
/// Threading: any thread adds; one loop gives what is there to the push grains at once. While <see cref="MostCalls"/> calls are under way
/// pushes gather, so that batches grow with the load and a single push waits for nothing. Bounded: <see cref="Capacity"/> pushes, half
/// of them for operations and sweeps. Full: <see cref="TryAdd"/> says false and never waits, <see cref="AddAsync"/> waits. Pushes for
/// one enrolment that wait together become one. What is lost when the node dies, the outbox is full or a push grain cannot be reached: pushes, which the
/// sweep repeats; never commands.
/// </remarks>
public sealed partial class PushOutbox
{
    private const int Capacity = 50_000;
    private const int LargestBatch = 256;
    /// <summary>One for each push grain, on average.</summary>
    private const int MostCalls = PushGrain.Count;
    /// <summary>A sender that had no room is asked again after so long.</summary>
    private static readonly TimeSpan FullDelay = TimeSpan.FromMilliseconds(100);
    /// <summary>A push grain whose node died cannot be reached until the others have noticed; its next activation is elsewhere. They take a dozen
    /// seconds at most.</summary>
    private const int MostAttempts = 10;
    private static readonly TimeSpan FailedDelay = TimeSpan.FromSeconds(2);

    private readonly PushQueue _queue;
    private readonly IGrainFactory _grains;
    private readonly LostPushes _lost;
    private readonly PushMetrics _metrics;
    private readonly ILogger<PushOutbox> _logger;
    private readonly SemaphoreSlim _calls = new(MostCalls);
    private readonly LogThrottle _fullLog;
    private readonly LogThrottle _failedLog;

    internal PushOutbox(IGrainFactory grains, LostPushes lost, PushMetrics metrics, TimeProvider time, ILogger<PushOutbox> logger)
    {
        _grains = grains;
        _lost = lost;
        _metrics = metrics;
        _logger = logger;
        _queue = new PushQueue(Capacity, pacer: null, time);
        Began = time.GetUtcNow();
        _fullLog = new LogThrottle(time);
        _failedLog = new LogThrottle(time);
    }

    /// <summary>When it began to take pushes: with the process.</summary>
    internal DateTimeOffset Began { get; }

    /// <summary>Pushes that have not been taken by a push grain yet.</summary>
    internal int Count => _queue.Count;

    /// <summary>Leaves one push, at once. False: the outbox is full and the push is lost; the command is not.</summary>
    public bool TryAdd(PushTarget target)
    {
        if (_queue.TryAdd(Order(target), paced: false))
            return true;
        _lost.Note();
        _metrics.Count(PushResult.Full);
        if (_fullLog.Due(out var suppressed))
            LogFull(_logger, suppressed);
        return false;
    }

    /// <summary>Leaves the pushes of an operation or a sweep, and waits until there is room for all of them: they go out at
    /// the configured pace, after the single ones.</summary>
    public Task AddAsync(IReadOnlyList<PushTarget> targets, CancellationToken cancellationToken) =>
        _queue.AddPacedAsync(targets.Select(Order), cancellationToken);

    /// <summary>The loop that empties it.</summary>
    internal async Task Run(CancellationToken cancellationToken)
    {
        var batch = new List<PushItem>(LargestBatch);
        while (!cancellationToken.IsCancellationRequested)
        {
            // First, so that what comes meanwhile is in the batch.
            await _calls.WaitAsync(cancellationToken);
            _calls.Release();
            if (!_queue.TryTake(out var first, out var wait))
            {
                await _queue.Wait(wait, cancellationToken);
                continue;
            }
            batch.Add(first);
            while (batch.Count < LargestBatch && _queue.TryTake(out var next, out _))
                batch.Add(next);
            foreach (var share in batch.GroupBy(item => (Key: PushGrain.KeyOf(item.Order.EnrolmentId), item.Paced)))
            {
                await _calls.WaitAsync(cancellationToken);
                // Not awaited: it ends by finishing or returning each of its items.
                _ = Hand(share.Key.Key, share.Key.Paced, [.. share]);
            }
            batch.Clear();
        }
    }

    private async Task Hand(long key, bool paced, PushItem[] items)
    {
        try
        {
            _metrics.Batch(items.Length);
            var taken = await _grains.GetGrain<IPushGrain>(key).Push(new PushBatch([.. items.Select(item => item.Order)], paced));
            for (var i = 0; i < items.Length; i++)
            {
                if (i < taken.Taken)
                    _queue.Finish(items[i]);
                else
                    _queue.Return(items[i], FullDelay);
            }
            if (paced && taken.Taken < items.Length)
                _queue.HoldPaced(FullDelay);
        }
        catch (Exception e)
        {
            if (_failedLog.Due(out var suppressed))
                LogGrainFailed(_logger, suppressed, e);
            foreach (var item in items)
            {
                if (++item.Attempts < MostAttempts)
                {
                    _queue.Return(item, Jitter.Around(FailedDelay));
                    continue;
                }
                _lost.Note();
                _metrics.Count(PushResult.GrainFailed);
                _queue.Finish(item);
            }
        }
        finally
        {
            _calls.Release();
        }
    }

    private static PushOrder Order(PushTarget target) => new(target.EnrolmentId, target.Topic, target.Token, target.PushMagic);

    [LoggerMessage(2430, LogLevel.Warning, "The push outbox is full: pushes are lost ({Suppressed} more since the last such line). Their commands stay queued; the sweep pushes again")]
    private static partial void LogFull(ILogger logger, long suppressed);

    [LoggerMessage(2431, LogLevel.Warning, "A push grain could not be reached ({Suppressed} more since the last such line); its pushes are tried again")]
    private static partial void LogGrainFailed(ILogger logger, long suppressed, Exception exception);
}
