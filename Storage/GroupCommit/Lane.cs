using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Storage.GroupCommit;

/// <summary>
/// Group commit: the reads or writes of many callers travel in one transaction.
/// </summary>
/// <remarks>
/// <para>Threading: any thread may call <c>Run</c>; one loop takes items out in the order in which they came and
/// executes one batch at a time. There is no linger by the clock: a batch is whatever came while the batch before was on its way,
/// and who is about to come when it is back; so a lonely write travels at once and batches grow with the load.</para>
/// <para>Bounded: <see cref="LaneLimits.Capacity"/> items wait at most; then callers wait at the door. <see cref="LaneLimits.MaxWait"/> after it came
/// an item is given up without an attempt, so no wait is longer than that and one attempt.</para>
/// <para>Failure: data errors are cornered by halving the batch until the one row fails alone. What may pass is repeated for
/// <see cref="LaneLimits.RetryFor"/>, with the batch marked as repeated. Then every caller of the batch gets
/// <see cref="StoreUnavailableException"/>; the next batch gets a single attempt until one succeeds, so that a database that is away does not
/// make everybody wait in line. A crash loses what no caller was told to be done.</para>
/// </remarks>
internal sealed partial class Lane : IAsyncDisposable
{
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LastBackOff = TimeSpan.FromMilliseconds(500);

    // Back-off and bounds are about the real database and the real network: they run on the real clock even where tests turn
    // the clock of the domain.
    private static readonly TimeProvider Clock = TimeProvider.System;

    private readonly Channel<LaneItem> _channel;
    private readonly IBatchExecutor _executor;
    private readonly StorageMetrics _metrics;
    private readonly ILogger _logger;
    private readonly string _name;
    private readonly LaneLimits _limits;
    private readonly CancellationTokenSource _stop = new();
    private readonly IDisposable _depth;
    private readonly Task _loop;
    private volatile bool _away;

    public Lane(string name, IBatchExecutor executor, StorageMetrics metrics, ILogger logger, LaneLimits? limits = null)
    {
        _limits = limits ?? LaneLimits.Default;
        _channel = Channel.CreateBounded<LaneItem>(
            new BoundedChannelOptions(_limits.Capacity) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
        _name = name;
        _executor = executor;
        _metrics = metrics;
        _logger = logger;
        _depth = metrics.WatchDepth(name, () => _channel.Reader.Count);
        _loop = Task.Run(Loop);
    }

    /// <summary>The last batch could not be executed, and none has been since: the database is away, or its disk is full.</summary>
    public bool IsAway => _away;

    /// <summary>Runs between the execution of a batch and the answer to its callers. Set by tests that lose the answer.</summary>
    internal Func<Batch, Task>? AfterExecution { get; set; }

    /// <exception cref="StoreRejectedException">The database refused this very item.</exception>
    /// <exception cref="StoreUnavailableException">Nothing is promised.</exception>
    public async Task<T> Run<T>(LaneItem item, Task<T> done)
    {
        item.EnteredAt = Clock.GetTimestamp();
        if (!_channel.Writer.TryWrite(item))
            await WaitForRoom(item);
        return await done;
    }

    public Task<T> Run<T>(LaneItem<T> item) => Run(item, item.Done);

    private async Task WaitForRoom(LaneItem item)
    {
        using var patience = new CancellationTokenSource(_limits.MaxWait, Clock);
        try
        {
            await _channel.Writer.WriteAsync(item, patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new StoreUnavailableException($"The store did not keep up: lane {_name} was full for {_limits.MaxWait.TotalSeconds} s.");
        }
        catch (ChannelClosedException)
        {
            throw new StoreUnavailableException("The store is shutting down.");
        }
    }

    private async Task Loop()
    {
        var reader = _channel.Reader;
        LaneItem? next = null;
        var crowded = false;
        while (next is not null || await reader.WaitToReadAsync())
        {
            // Those who were answered a moment ago, and those who are about to ask, go first.
            if (crowded)
                await Task.Yield();
            var batch = new Batch();
            while ((next is not null || reader.TryRead(out next)) && (GivenUp(next) || batch.TryAdd(next)))
                next = null;
            crowded = batch.Items.Count > 1;
            if (batch.Items.Count > 0)
                await Settle(batch);
        }
    }

    private bool GivenUp(LaneItem item)
    {
        if (Clock.GetElapsedTime(item.EnteredAt) <= _limits.MaxWait)
            return false;
        item.Fail(new StoreUnavailableException($"The store did not keep up: {_limits.MaxWait.TotalSeconds} s in lane {_name}."));
        return true;
    }

    /// <summary>Ends when every item of the batch has its answer; never throws.</summary>
    private async Task Settle(Batch batch)
    {
        var (kind, failure) = await Attempt(batch);
        if (failure is null)
        {
            foreach (var item in batch.Items)
                item.Complete();
        }
        else if (kind != FailureKind.Data)
        {
            var unavailable = new StoreUnavailableException($"The database is not available: {failure.Message}", failure);
            LogUnavailable(_logger, _name, batch.Items.Count, failure.Message);
            foreach (var item in batch.Items)
                item.Fail(unavailable);
        }
        else if (batch.Items.Count == 1 && failure is WorkRefusedException)
        {
            batch.Items[0].Fail(failure);
        }
        else if (batch.Items.Count == 1)
        {
            _metrics.Rejected.Add(1);
            LogRejected(_logger, _name, batch.Items[0].GetType().Name, failure.Message);
            batch.Items[0].Fail(new StoreRejectedException($"The database refused this row: {failure.Message}", failure));
        }
        else
        {
            var half = batch.Items.Count / 2;
            await Settle(Part(batch, 0, half));
            await Settle(Part(batch, half, batch.Items.Count));
        }
    }

    private static Batch Part(Batch whole, int from, int to)
    {
        var part = new Batch { Repeated = whole.Repeated };
        for (var i = from; i < to; i++)
            part.TryAdd(whole.Items[i]);
        return part;
    }

    private async Task<(FailureKind, Exception?)> Attempt(Batch batch)
    {
        var start = Clock.GetTimestamp();
        var backOff = FirstBackOff;
        long? failedAt = null;
        while (true)
        {
            try
            {
                await _executor.Execute(batch, _stop.Token);
                if (AfterExecution is { } fault)
                    await fault(batch);
                _away = false;
                _metrics.Batch(_name, batch.Items.Count, Clock.GetElapsedTime(start));
                return (default, null);
            }
            catch (Exception exception)
            {
                var kind = _stop.IsCancellationRequested ? FailureKind.Lasting : _executor.Classify(exception);
                if (kind == FailureKind.Data)
                    return (kind, exception);
                batch.Repeated = true;
                // From the first failure on: an attempt that ran into its time-out, or whose connection died with the server, has used up the
                // time, not the chance.
                failedAt ??= Clock.GetTimestamp();
                var enough = Clock.GetElapsedTime(failedAt.Value) + backOff > _limits.RetryFor;
                if (kind == FailureKind.Lasting || _away || enough)
                {
                    _away = true;
                    return (kind, exception);
                }

                _metrics.Retries.Add(1);
                LogRetry(_logger, _name, exception.Message);
            }

            await Task.Delay(backOff, Clock, CancellationToken.None);
            backOff = backOff * 2 < LastBackOff ? backOff * 2 : LastBackOff;
        }
    }

    /// <summary>Takes nothing new, lets what was accepted run to its end, then closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_channel.Writer.TryComplete())
            return;
        _stop.CancelAfter(_limits.DrainFor);
        try
        {
            await _loop;
        }
        catch (Exception exception)
        {
            Debug.Fail(exception.ToString());
        }

        _depth.Dispose();
        _stop.Dispose();
        await _executor.DisposeAsync();
    }

    [LoggerMessage(1001, LogLevel.Warning, "Lane {Lane}: {Count} callers were told that the database is not available: {Reason}")]
    private static partial void LogUnavailable(ILogger logger, string lane, int count, string reason);

    [LoggerMessage(1002, LogLevel.Warning, "Lane {Lane}: the database refused one {Kind}: {Reason}")]
    private static partial void LogRejected(ILogger logger, string lane, string kind, string reason);

    [LoggerMessage(1003, LogLevel.Information, "Lane {Lane}: repeating a batch after: {Reason}")]
    private static partial void LogRetry(ILogger logger, string lane, string reason);
}
