using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Observability;
using FleetMdm.Grains.Push;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Grains.Tests.Push;

public sealed class PushQueueTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void It_holds_as_many_as_it_may_and_paced_ones_half_of_that()
    {
        var queue = new PushQueue(4, null, _time);

        Assert.True(queue.TryAdd(Order("a"), paced: true));
        Assert.True(queue.TryAdd(Order("b"), paced: true));
        Assert.False(queue.TryAdd(Order("c"), paced: true));
        Assert.True(queue.TryAdd(Order("d"), paced: false));
        Assert.True(queue.TryAdd(Order("e"), paced: false));
        Assert.False(queue.TryAdd(Order("f"), paced: false));
        Assert.Equal(4, queue.Count);
    }

    [Fact]
    public void What_is_under_way_keeps_its_place_until_it_is_finished()
    {
        var queue = new PushQueue(1, null, _time);
        queue.TryAdd(Order("a"), paced: false);
        Assert.True(queue.TryTake(out var a, out _));
        Assert.False(queue.TryAdd(Order("b"), paced: false));

        queue.Finish(a);

        Assert.True(queue.TryAdd(Order("b"), paced: false));
    }

    [Fact]
    public void The_newest_order_for_an_enrolment_takes_the_place_of_the_older()
    {
        var queue = new PushQueue(1, null, _time);
        queue.TryAdd(Order("a", "old"), paced: false);

        Assert.True(queue.TryAdd(Order("a", "new"), paced: false));

        Assert.Equal("new", Take(queue)!.Order.PushMagic);
        Assert.Null(Take(queue));
    }

    [Fact]
    public void A_single_command_lifts_a_paced_push_out_of_its_line_once()
    {
        var queue = new PushQueue(4, null, _time);
        queue.TryAdd(Order("a"), paced: true);
        queue.TryAdd(Order("b"), paced: true);
        queue.TryAdd(Order("b"), paced: false);
        // Its place among the paced ones is free again.
        Assert.True(queue.TryAdd(Order("c"), paced: true));

        Assert.Equal(["b", "a", "c"], TakeAll(queue));
        Assert.Equal(3, queue.Count);
    }

    [Fact]
    public void One_that_is_returned_comes_again_after_its_time_and_keeps_its_place()
    {
        var queue = new PushQueue(1, null, _time);
        queue.TryAdd(Order("a"), paced: false);
        var a = Take(queue)!;
        a.Attempts = 3;

        queue.Return(a, TimeSpan.FromSeconds(10));

        Assert.False(queue.TryTake(out _, out var wait));
        Assert.Equal(TimeSpan.FromSeconds(10), wait);
        Assert.False(queue.TryAdd(Order("b"), paced: false));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(3, Take(queue)!.Attempts);
    }

    [Fact]
    public void One_that_is_returned_while_a_newer_one_waits_is_done()
    {
        var queue = new PushQueue(2, null, _time);
        queue.TryAdd(Order("a", "old"), paced: false);
        var old = Take(queue)!;
        queue.TryAdd(Order("a", "new"), paced: false);

        queue.Return(old, TimeSpan.Zero);

        Assert.Equal(1, queue.Count);
        Assert.Equal("new", Take(queue)!.Order.PushMagic);
        Assert.Null(Take(queue));
    }

    [Fact]
    public void A_newer_order_for_one_that_waits_to_be_tried_again_joins_it()
    {
        var queue = new PushQueue(4, null, _time);
        queue.TryAdd(Order("a", "old"), paced: true);
        var old = Take(queue)!;
        old.Attempts = 1;
        queue.Return(old, TimeSpan.FromSeconds(10));

        Assert.True(queue.TryAdd(Order("a", "new"), paced: false));

        Assert.Null(Take(queue));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("new", Take(queue)!.Order.PushMagic);
        Assert.Null(Take(queue));
    }

    [Fact]
    public async Task Adding_paced_ones_waits_for_room()
    {
        var queue = new PushQueue(4, null, _time);

        var adding = queue.AddPacedAsync([Order("a"), Order("b"), Order("c"), Order("d")], CancellationToken.None);

        Assert.False(adding.IsCompleted);
        queue.Finish(Take(queue)!);
        Assert.False(adding.IsCompleted);
        queue.Finish(Take(queue)!);
        await adding.WaitAsync(PushNode.Patience);
        Assert.Equal(["c", "d"], TakeAll(queue));
    }

    [Fact]
    public async Task Who_waits_for_room_can_be_cancelled()
    {
        var queue = new PushQueue(2, null, _time);
        using var cancel = new CancellationTokenSource();
        var adding = queue.AddPacedAsync([Order("a"), Order("b")], cancel.Token);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => adding);
    }

    [Fact]
    public void Paced_ones_leave_at_their_pace_and_single_ones_pass_them()
    {
        var queue = new PushQueue(100, new Pacer(10, _time), _time);
        foreach (var id in new[] { "a", "b", "c" })
            queue.TryAdd(Order(id), paced: true);
        Assert.Equal(["a"], TakeAll(queue));
        Assert.False(queue.TryTake(out _, out var wait));
        Assert.Equal(TimeSpan.FromMilliseconds(100), wait);

        queue.TryAdd(Order("single"), paced: false);

        Assert.Equal(["single"], TakeAll(queue));
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(["b"], TakeAll(queue));
        // A long pause is not caught up with.
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(["c"], TakeAll(queue));
    }

    [Fact]
    public void Paced_ones_can_be_held_back()
    {
        var queue = new PushQueue(100, null, _time);
        queue.TryAdd(Order("a"), paced: true);
        queue.TryAdd(Order("b"), paced: false);

        queue.HoldPaced(TimeSpan.FromSeconds(1));

        Assert.Equal(["b"], TakeAll(queue));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["a"], TakeAll(queue));
    }

    [Fact]
    public async Task The_waiting_loop_wakes_when_something_is_added_and_when_the_time_has_come()
    {
        var queue = new PushQueue(4, null, _time);
        var waiting = queue.Wait(null, CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        queue.TryAdd(Order("a"), paced: false);
        await waiting.WaitAsync(PushNode.Patience);

        var timed = queue.Wait(TimeSpan.FromSeconds(5), CancellationToken.None);
        Assert.False(timed.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(5));
        await timed.WaitAsync(PushNode.Patience);
    }

    [Fact]
    public void The_limit_grows_while_it_is_used_and_is_halved_by_trouble()
    {
        var limit = new InFlightLimit(200);
        Assert.Equal(64, limit.Value);
        for (var i = 0; i < 64; i++)
            limit.Succeeded(inFlight: 64);
        Assert.Equal(128, limit.Value);
        for (var i = 0; i < 1000; i++)
            limit.Succeeded(inFlight: 1);
        Assert.Equal(128, limit.Value);

        limit.Halve();
        Assert.Equal(64, limit.Value);
        for (var i = 0; i < 64; i++)
            limit.Succeeded(inFlight: 64);
        Assert.InRange(limit.Value, 64, 65);

        limit.Probe();
        Assert.Equal(1, limit.Value);
        for (var i = 0; i < 100_000; i++)
            limit.Succeeded(inFlight: 200);
        Assert.Equal(200, limit.Value);
        for (var i = 0; i < 20; i++)
            limit.Halve();
        Assert.Equal(1, limit.Value);
    }

    [Fact]
    public void One_log_line_a_minute_passes_and_tells_how_many_did_not()
    {
        var throttle = new LogThrottle(_time);
        Assert.True(throttle.Due(out var suppressed));
        Assert.Equal(0, suppressed);
        Assert.False(throttle.Due(out _));
        Assert.False(throttle.Due(out _));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(throttle.Due(out suppressed));
        Assert.Equal(2, suppressed);
    }

    private static PushOrder Order(string id, string magic = "m") => new(id, "topic", [1], magic);

    private static PushItem? Take(PushQueue queue) => queue.TryTake(out var item, out _) ? item : null;

    private static List<string> TakeAll(PushQueue queue)
    {
        var ids = new List<string>();
        while (Take(queue) is { } item)
            ids.Add(item.Order.EnrolmentId);
        return ids;
    }
}
