using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Push;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Operations;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Grains.Tests.Push;

/// <summary>What is done for the fleet now and then. Time moves only when a test moves it.</summary>
public sealed class SweepTests
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    [Fact]
    public async Task A_silent_iPad_with_commands_waiting_is_woken_again_and_not_too_often()
    {
        await using var node = await PushNode.Start(time: _time);
        var silent = await node.Enrol();
        var idle = await node.Enrol();
        await silent.Enqueue(push: false);

        await Tick(node, TimeSpan.FromMinutes(5));
        await Tick(node, TimeSpan.FromMinutes(11));
        await Recorded(node, silent);
        Assert.Equal(1, node.Apns.Statistics.Accepted);
        Assert.Null(await idle.PushResult());

        // Not before SweepRepeatHours are over.
        await Tick(node, TimeSpan.FromMinutes(10));
        await Tick(node, TimeSpan.FromHours(5));
        Assert.Equal(1, node.Apns.Statistics.Requests);
        await Tick(node, TimeSpan.FromHours(1));
        await node.Apns.Statistics.When(seen => seen.Accepted == 2).WaitAsync(PushNode.Patience);
    }

    [Fact]
    public async Task When_a_node_is_lost_the_pushes_that_it_took_along_are_repeated_at_once()
    {
        await using var node = await PushNode.Start(time: _time);
        var untold = await node.Enrol();
        var told = await node.Enrol();
        await told.Enqueue();
        await Recorded(node, told);
        await Tick(node, TimeSpan.FromMinutes(1));

        // The moment before.
        await untold.Enqueue(push: false);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await node.Grains.GetGrain<ISweepGrain>(0).NodeLost();
        await Recorded(node, untold);

        // Another node tells it of the same loss; then another node is lost, and took nothing along.
        await node.Grains.GetGrain<ISweepGrain>(0).NodeLost();
        _time.Advance(TimeSpan.FromMinutes(1));
        await node.Grains.GetGrain<ISweepGrain>(0).NodeLost();
        await node.Eventually(() => node.SweepHasEnded());

        Assert.Equal(2, node.Apns.Statistics.Requests);
    }

    [Fact]
    public async Task Without_a_certificate_nobody_is_swept()
    {
        await using var node = await PushNode.Start(time: _time, install: false);
        var silent = await node.Enrol();
        await silent.Enqueue(push: false);

        await Tick(node, TimeSpan.FromMinutes(30));

        Assert.Equal(0, node.Counted(PushResult.NoCertificate));
        await node.InstallAndUse(node.Certificate);
        await Tick(node, TimeSpan.FromMinutes(2));
        await node.Apns.Statistics.When(seen => seen.Accepted == 1).WaitAsync(PushNode.Patience);
    }

    [Fact]
    public async Task An_operation_whose_node_died_before_it_could_announce_is_taken_up_again()
    {
        await using var node = await PushNode.Start(time: _time);
        var ipad = await node.Enrol();
        var id = Guid.NewGuid().ToString();
        await node.Service<IOperationStore>().Append(new OperationAppend
        {
            Id = id,
            CommandUuid = Guid.NewGuid().ToString().ToUpperInvariant(),
            RequestType = "DeviceInformation",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = _time.GetUtcNow(),
            RequestedBy = "a test",
            Ids = [ipad.Id],
        });

        await Tick(node, TimeSpan.FromSeconds(90));

        // Its drive starts by a timer of its own.
        await node.Eventually(async () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return (await node.Service<IOperationStore>().Find(id))!.AnnouncedAt is not null;
        });
        await node.Apns.Statistics.When(seen => seen.Accepted == 1).WaitAsync(PushNode.Patience);
    }

    [Fact]
    public async Task History_is_dropped_when_its_time_is_over_and_not_before()
    {
        await using var node = await PushNode.Start(time: _time);
        var ipad = await node.Enrol();
        var uuid = await ipad.Enqueue(push: false);
        await ipad.Acknowledge(uuid);

        await Tick(node, TimeSpan.FromDays(89));
        Assert.NotNull(await node.Queries.FindHistory(ipad.Id, uuid));

        _time.Advance(TimeSpan.FromDays(2));
        await node.Grains.GetGrain<ISweepGrain>(0).Tick();
        await node.Eventually(async () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            return await node.Queries.FindHistory(ipad.Id, uuid) is null;
        });
    }

    [Fact]
    public async Task History_can_be_kept_for_ever()
    {
        await using var node = await PushNode.Start(time: _time, settings: new Dictionary<string, string?> { ["Retention:HistoryDays"] = "0" });
        var ipad = await node.Enrol();
        var uuid = await ipad.Enqueue(push: false);
        await ipad.Acknowledge(uuid);

        await Tick(node, TimeSpan.FromDays(200));

        Assert.NotNull(await node.Queries.FindHistory(ipad.Id, uuid));
    }

    [Fact]
    public async Task Answers_for_repeated_requests_are_forgotten_after_a_day()
    {
        await using var node = await PushNode.Start(time: _time);
        var store = node.Service<IIdempotencyStore>();
        await store.Claim("scope", "key", [1], _time.GetUtcNow());

        await Tick(node, TimeSpan.FromHours(23));
        Assert.False((await store.Claim("scope", "key", [1], _time.GetUtcNow())).IsNew);
        await Tick(node, TimeSpan.FromHours(2));

        Assert.True((await store.Claim("scope", "key", [1], _time.GetUtcNow())).IsNew);
    }

    [Fact]
    public async Task Ticks_that_come_too_early_do_nothing_and_a_duty_that_fails_is_tried_again()
    {
        var duty = new CountingDuty();
        var logger = new Microsoft.Extensions.Logging.Abstractions.NullLogger<SweepGrain>();
        var grain = new SweepGrain([duty], _time, logger);

        await grain.Tick();
        await duty.Ran(1);
        await grain.Running;
        await grain.Tick();
        _time.Advance(TimeSpan.FromSeconds(44));
        await grain.Tick();
        Assert.Equal(1, duty.Runs);

        _time.Advance(TimeSpan.FromMinutes(1));
        await grain.Tick();
        await duty.Ran(2);
        await grain.OnDeactivateAsync(new DeactivationReason(DeactivationReasonCode.ShuttingDown, ""), CancellationToken.None);
        Assert.True(duty.WasCancelled);
    }

    /// <summary>Moves the time, ticks, and waits until the sweep's duties are done and their pushes are out.</summary>
    private async Task Tick(PushNode node, TimeSpan later)
    {
        _time.Advance(later);
        await node.Grains.GetGrain<ISweepGrain>(0).Tick();
        await node.SweepEnded();
        await node.Eventually(() => node.Outbox.Count == 0 && node.Sender.Count == 0);
    }

    private async Task Recorded(PushNode node, PushedIPad ipad) => await node.Eventually(async () =>
    {
        _time.Advance(TimeSpan.FromMilliseconds(250));
        return await ipad.PushResult() == PushResult.Accepted;
    });

    private sealed class CountingDuty : ISweepDuty
    {
        private readonly SemaphoreSlim _ran = new(0);

        public int Runs { get; private set; }

        public bool WasCancelled { get; private set; }

        public TimeSpan Every => TimeSpan.FromMinutes(1);

        public async Task Run(CancellationToken cancellationToken)
        {
            Runs++;
            _ran.Release();
            if (Runs == 1)
                throw new InvalidOperationException("on purpose");
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                WasCancelled = true;
                throw;
            }
        }

        public async Task Ran(int times)
        {
            Assert.True(await _ran.WaitAsync(PushNode.Patience));
            Assert.Equal(times, Runs);
        }
    }
}
