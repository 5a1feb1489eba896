using FleetMdm.Storage.GroupCommit;
using Microsoft.Extensions.Logging.Abstractions;

namespace FleetMdm.Storage.Tests;

/// <summary>What a lane promises whatever executes its batches. The executor here is a gate that the test opens; no database is stood in for.</summary>
public sealed class LaneTests : IAsyncDisposable
{
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    private readonly Gate _gate = new();
    private readonly StorageMetrics _metrics = new();
    private Lane? _lane;

    private Lane Open(LaneLimits? limits = null) => _lane = new Lane("test", _gate, _metrics, NullLogger.Instance, limits);

    public async ValueTask DisposeAsync()
    {
        _gate.Open();
        if (_lane is not null)
            await _lane.DisposeAsync();
        _metrics.Dispose();
    }

    [Fact]
    public async Task What_comes_while_a_batch_is_on_its_way_travels_together()
    {
        var lane = Open();
        var first = lane.Run(new LoadItem("first"));
        await _gate.Entered(1);
        var rest = Enumerable.Range(0, 100).Select(i => lane.Run(new LoadItem($"{i}"))).ToList();

        _gate.Open();
        await first.WaitAsync(Guard);
        await Task.WhenAll(rest).WaitAsync(Guard);

        Assert.Equal([1, 100], _gate.Batches.Select(b => b.Items.Count));
    }

    [Fact]
    public async Task A_batch_has_at_most_so_many_items_and_bytes()
    {
        var lane = Open();
        var first = lane.Run(new LoadItem("first"));
        await _gate.Entered(1);
        var small = Enumerable.Range(0, Batch.MaxItems + 1).Select(i => lane.Run(new LoadItem($"{i}"))).ToList();
        var large = Enumerable.Range(0, 5).Select(i => lane.Run(new StoreBodyItem(Make.Hash(), new byte[Batch.MaxBytes / 2]))).ToList();
        var huge = lane.Run(new StoreBodyItem(Make.Hash(), new byte[Batch.MaxBytes * 2]));

        _gate.Open();
        await Task.WhenAll(small).WaitAsync(Guard);
        await Task.WhenAll(large).WaitAsync(Guard);
        await huge.WaitAsync(Guard);
        await first.WaitAsync(Guard);

        Assert.Equal([1, Batch.MaxItems, 2, 1, 1, 1, 1, 1], _gate.Batches.Select(b => b.Items.Count));
    }

    [Fact]
    public async Task A_full_lane_makes_its_callers_wait_and_not_for_ever()
    {
        var wait = TimeSpan.FromMilliseconds(300);
        var lane = Open(new LaneLimits { Capacity = 2, MaxWait = wait });
        var first = lane.Run(new LoadItem("first"));
        await _gate.Entered(1);
        var inside = new[] { lane.Run(new LoadItem("a")), lane.Run(new LoadItem("b")) };
        var entered = TimeProvider.System.GetTimestamp();

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => lane.Run(new LoadItem("c")).WaitAsync(Guard));
        Assert.Contains("full", refused.Message);

        // A timer may be a few milliseconds ahead of the clock that the lane looks at.
        while (TimeProvider.System.GetElapsedTime(entered) <= wait) await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);

        // Those inside have waited too long by now: they are given up without an attempt.
        _gate.Open();
        await first.WaitAsync(Guard);
        foreach (var task in inside)
            Assert.Contains("did not keep up", (await Assert.ThrowsAsync<StoreUnavailableException>(() => task.WaitAsync(Guard))).Message);
        Assert.Single(_gate.Batches);
    }

    [Fact]
    public async Task A_poisoned_item_is_cornered_and_the_others_keep_their_order()
    {
        var lane = Open();
        var first = lane.Run(new LoadItem("first"));
        await _gate.Entered(1);
        var tasks = Enumerable.Range(0, 50).Select(i => lane.Run(new LoadItem(i == 17 ? "poison" : $"{i}"))).ToList();

        _gate.Open();
        await first.WaitAsync(Guard);
        await Assert.ThrowsAsync<StoreRejectedException>(() => tasks[17].WaitAsync(Guard));
        await Task.WhenAll(tasks.Where((_, i) => i != 17)).WaitAsync(Guard);

        var done = _gate.Batches.Where(b => !b.Loads.Exists(l => l.EnrolmentId == "poison")).SelectMany(b => b.Loads.Select(l => l.EnrolmentId));
        Assert.Equal(Enumerable.Range(0, 50).Where(i => i != 17).Select(i => $"{i}").Prepend("first"), done);
        Assert.All(_gate.Batches, b => Assert.False(b.Repeated));
    }

    [Fact]
    public async Task What_may_pass_is_repeated_and_marked_so()
    {
        var lane = Open();
        _gate.Open();
        _gate.Failures.Enqueue(new TimeoutException());
        _gate.Failures.Enqueue(new TimeoutException());

        await lane.Run(new LoadItem("a")).WaitAsync(Guard);

        Assert.Equal(3, _gate.Batches.Count);
        Assert.All(_gate.Batches, b => Assert.True(b.Repeated));
    }

    [Fact]
    public async Task A_database_that_stays_away_is_asked_once_a_batch_until_it_is_back()
    {
        var lane = Open(new LaneLimits { RetryFor = TimeSpan.FromMilliseconds(200) });
        _gate.Open();
        _gate.Always = new TimeoutException("away");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => lane.Run(new LoadItem("a")).WaitAsync(Guard));
        var attempts = _gate.Batches.Count;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => lane.Run(new LoadItem("b")).WaitAsync(Guard));
        Assert.True(attempts > 1);
        Assert.Equal(attempts + 1, _gate.Batches.Count);

        _gate.Always = null;
        await lane.Run(new LoadItem("c")).WaitAsync(Guard);
        _gate.Failures.Enqueue(new TimeoutException());
        await lane.Run(new LoadItem("d")).WaitAsync(Guard);
    }

    [Fact]
    public async Task What_lasts_is_not_repeated()
    {
        var lane = Open();
        _gate.Open();
        _gate.Always = new StoreUnavailableException("no schema");

        await Assert.ThrowsAsync<StoreUnavailableException>(() => lane.Run(new LoadItem("a")).WaitAsync(Guard));

        Assert.Single(_gate.Batches);
    }

    [Fact]
    public async Task A_stop_lets_accepted_items_run_to_their_end_and_takes_no_more()
    {
        var lane = Open();
        var first = lane.Run(new LoadItem("first"));
        await _gate.Entered(1);
        var waiting = lane.Run(new LoadItem("waiting"));

        var stopping = lane.DisposeAsync();
        var late = await Assert.ThrowsAsync<StoreUnavailableException>(() => lane.Run(new LoadItem("late")).WaitAsync(Guard));
        _gate.Open();
        await stopping.AsTask().WaitAsync(Guard);

        Assert.Contains("shutting down", late.Message);
        await first.WaitAsync(Guard);
        await waiting.WaitAsync(Guard);
        Assert.True(_gate.Disposed);
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_ever()
    {
        var lane = Open(new LaneLimits { DrainFor = TimeSpan.FromMilliseconds(100) });
        var stuck = lane.Run(new LoadItem("stuck"));
        await _gate.Entered(1);

        await lane.DisposeAsync().AsTask().WaitAsync(Guard);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => stuck.WaitAsync(Guard));
    }

    [Fact]
    public async Task Depth_size_retries_and_refusals_are_measured()
    {
        var measured = new System.Collections.Concurrent.ConcurrentDictionary<string, double>();
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter == _metrics.Meter)
                l.EnableMeasurementEvents(instrument);
        };
        void Add(string name, double value) => measured.AddOrUpdate(name, value, (_, sum) => sum + value);
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Add(instrument.Name, value));
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument.Name, value));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Add(instrument.Name, value));
        listener.Start();
        var lane = Open();
        var first = lane.Run(new LoadItem("first"));
        await _gate.Entered(1);
        var rest = Enumerable.Range(0, 3).Select(i => lane.Run(new LoadItem($"{i}"))).ToList();
        var poison = lane.Run(new LoadItem("poison"));

        listener.RecordObservableInstruments();
        Assert.Equal(4, measured["fleetmdm.storage.lane.depth"]);
        _gate.Failures.Enqueue(new TimeoutException());
        _gate.Open();
        await first.WaitAsync(Guard);
        await Task.WhenAll(rest).WaitAsync(Guard);
        await Assert.ThrowsAsync<StoreRejectedException>(() => poison.WaitAsync(Guard));

        listener.RecordObservableInstruments();
        Assert.Equal(4, measured["fleetmdm.storage.batch.size"]);
        Assert.Equal(1, measured["fleetmdm.storage.retries"]);
        Assert.Equal(1, measured["fleetmdm.storage.rejected"]);
        Assert.True(measured["fleetmdm.storage.batch.duration"] > 0);
    }

    private sealed class Gate : IBatchExecutor
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SemaphoreSlim _entered = new(0);

        public List<Batch> Batches { get; } = [];

        public Queue<Exception> Failures { get; } = new();

        public Exception? Always { get; set; }

        public bool Disposed { get; private set; }

        public void Open() => _open.TrySetResult();

        public async Task Entered(int times)
        {
            for (var i = 0; i < times; i++)
                Assert.True(await _entered.WaitAsync(Guard));
        }

        public async Task Execute(Batch batch, CancellationToken cancellationToken)
        {
            Batches.Add(batch);
            _entered.Release();
            await _open.Task.WaitAsync(cancellationToken);
            if (Always is { } always)
                throw always;
            if (Failures.TryDequeue(out var failure))
                throw failure;
            if (batch.Loads.Exists(l => l.EnrolmentId == "poison"))
                throw new InvalidOperationException("poison");
        }

        public FailureKind Classify(Exception exception) => exception switch
        {
            TimeoutException => FailureKind.Transient,
            StoreUnavailableException => FailureKind.Lasting,
            _ => FailureKind.Data,
        };

        public ValueTask DisposeAsync()
        {
            Disposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
