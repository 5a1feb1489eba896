using System.Net;
using FleetMdm.Api.Limits;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Api.Tests.Admin;

public sealed class AdmissionTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_large_body_that_is_slow_makes_room_for_another_one()
    {
        var bodies = new LargeBodies(_time);
        using var slow = new BodyDeadline(TimeSpan.FromHours(1), _time);
        using var here = new BodyDeadline(TimeSpan.FromHours(1), _time);
        using var quick = new BodyDeadline(TimeSpan.FromHours(1), _time);
        using var first = bodies.Begin(1, here);
        using var second = bodies.Begin(1, slow);
        here.Arrived();
        _time.Advance(LargeBodies.Slow);
        using var third = bodies.Begin(1, quick);
        bodies.MakeRoom(1);
        Assert.Equal((false, true, false), (here.HasPassed, slow.HasPassed, quick.HasPassed));

        // Nobody else is slow, and an address with as much asks for nothing.
        bodies.MakeRoom(1);
        Assert.False(quick.HasPassed);
    }

    [Fact]
    public void An_address_that_sends_many_large_bodies_makes_room_sooner_for_one_that_sends_few()
    {
        var bodies = new LargeBodies(_time);
        var many = Enumerable.Range(0, 8).Select(_ => new BodyDeadline(TimeSpan.FromHours(1), _time)).ToList();
        var begun = many.Select(deadline => bodies.Begin(1, deadline)).ToList();
        bodies.MakeRoom(2);
        Assert.DoesNotContain(many, deadline => deadline.HasPassed);
        _time.Advance(LargeBodies.SlowForMany);
        bodies.MakeRoom(1);
        Assert.DoesNotContain(many, deadline => deadline.HasPassed);
        bodies.MakeRoom(2);
        Assert.Single(many, deadline => deadline.HasPassed);
        begun.ForEach(one => one.Dispose());
        many.ForEach(deadline => deadline.Dispose());
    }

    [Fact]
    public void One_token_holds_an_eighth_of_the_event_streams()
    {
        var shares = new StreamShares(Options.Create(new LimitsOptions { AdminStreams = 16 }));
        using var first = shares.TryBegin("viewer");
        using var second = shares.TryBegin("viewer");
        Assert.NotNull(second);
        Assert.Null(shares.TryBegin("viewer"));
        using var other = shares.TryBegin("administrator");
        Assert.NotNull(other);
        second.Dispose();
        using var again = shares.TryBegin("viewer");
        Assert.NotNull(again);
    }

    [Fact]
    public async Task What_is_over_the_limit_waits_in_order_and_what_is_over_the_queue_is_refused_at_once()
    {
        using var gate = new AdmissionGate(InOrder(concurrency: 2, queue: 2), _time);
        Assert.True(await gate.EnterAsync(default));
        Assert.True(await gate.EnterAsync(default));
        var third = gate.EnterAsync(default).AsTask();
        var fourth = gate.EnterAsync(default).AsTask();
        Assert.False(await gate.EnterAsync(default));
        Assert.Equal((2, 2), (gate.Running, gate.Waiting));

        gate.Leave();
        Assert.True(await third);
        Assert.False(fourth.IsCompleted);
        gate.Leave();
        Assert.True(await fourth);
        gate.Leave();
        gate.Leave();
        Assert.Equal((0, 0), (gate.Running, gate.Waiting));
    }

    [Fact]
    public async Task Where_the_newest_goes_first_only_those_who_came_early_wait_in_vain()
    {
        using var gate = new AdmissionGate(InOrder(concurrency: 1, queue: 3) with { NewestFirst = true }, _time);
        Assert.True(await gate.EnterAsync(default));
        var waiting = Enumerable.Range(0, 3).Select(_ => gate.EnterAsync(default).AsTask()).ToArray();

        gate.Leave();
        Assert.True(await waiting[2]);
        gate.Leave();
        Assert.True(await waiting[1]);
        Assert.False(waiting[0].IsCompleted);
        _time.Advance(Wait);
        Assert.False(await waiting[0]);
    }

    [Fact]
    public async Task While_the_cores_are_busy_fewer_are_let_in_and_the_others_as_soon_as_they_are_not()
    {
        var busy = true;
        using var gate = new AdmissionGate(
            InOrder(concurrency: 5, queue: 10) with { NewestFirst = true, WhileBusy = 2, AreCoresBusy = () => busy }, _time);
        Assert.True(await gate.EnterAsync(default));
        Assert.True(await gate.EnterAsync(default));
        var waiting = Enumerable.Range(0, 5).Select(_ => gate.EnterAsync(default).AsTask()).ToArray();
        Assert.Equal((2, 5), (gate.Running, gate.Waiting));

        gate.Leave();
        Assert.True(await waiting[4]);
        Assert.Equal((2, 4), (gate.Running, gate.Waiting));

        busy = false;
        Assert.True(await gate.EnterAsync(default));
        gate.Leave();
        Assert.True(await waiting[3] && await waiting[2]);
        Assert.Equal((4, 2), (gate.Running, gate.Waiting));

        busy = true;
        gate.Leave();
        gate.Leave();
        Assert.Equal((2, 2), (gate.Running, gate.Waiting));
        gate.Leave();
        Assert.True(await waiting[1]);
        gate.Leave();
        Assert.True(await waiting[0]);
        gate.Leave();
        gate.Leave();
        Assert.Equal((0, 0), (gate.Running, gate.Waiting));
    }

    [Fact]
    public async Task Of_many_who_came_at_once_each_waits_for_a_time_of_its_own()
    {
        using var gate = new AdmissionGate(InOrder(concurrency: 1, queue: 100) with { ShortestWait = Wait / 3 }, _time);
        Assert.True(await gate.EnterAsync(default));
        var waiting = Enumerable.Range(0, 100).Select(_ => gate.EnterAsync(default).AsTask()).ToArray();

        _time.Advance(Wait / 3 - TimeSpan.FromMilliseconds(1));
        Assert.Equal(100, gate.Waiting);
        _time.Advance(Wait / 3);
        Assert.InRange(gate.Waiting, 1, 99);
        _time.Advance(Wait / 2);
        Assert.All(await Task.WhenAll(waiting), Assert.False);
    }

    [Fact]
    public async Task Who_waits_too_long_or_goes_away_gives_up_its_turn()
    {
        using var gate = new AdmissionGate(InOrder(1, 5), _time);
        Assert.True(await gate.EnterAsync(default));
        using var gone = new CancellationTokenSource();
        var leaver = gate.EnterAsync(gone.Token).AsTask();
        var patient = gate.EnterAsync(default).AsTask();
        await gone.CancelAsync();
        _time.Advance(Wait / 2);
        Assert.False(await leaver);
        Assert.False(patient.IsCompleted);
        _time.Advance(Wait / 2);
        Assert.False(await patient);

        gate.Leave();
        Assert.True(await gate.EnterAsync(default));
    }

    [Fact]
    public async Task Never_more_are_inside_than_may_be_and_no_place_is_lost()
    {
        const int Places = 4;
        using var gate = new AdmissionGate(InOrder(Places, 1000) with { LongestWait = TimeSpan.FromMinutes(1) }, TimeProvider.System);
        int inside = 0, most = 0, served = 0;
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Task.Run(async () =>
        {
            using var impatient = new CancellationTokenSource();
            var entering = gate.EnterAsync(impatient.Token);
            if (i % 7 == 0) await impatient.CancelAsync();
            if (!await entering) return;
            var now = Interlocked.Increment(ref inside);
            InterlockedMax(ref most, now);
            await Task.Yield();
            Interlocked.Decrement(ref inside);
            Interlocked.Increment(ref served);
            gate.Leave();
        })));
        Assert.InRange(most, 1, Places);
        Assert.InRange(served, 400, 500);
        Assert.Equal((0, 0), (gate.Running, gate.Waiting));
    }

    [Fact]
    public async Task Entering_while_there_is_room_allocates_nothing()
    {
        using var gate = new AdmissionGate(InOrder(10, 10), _time);
        Assert.True(await gate.EnterAsync(default));
        gate.Leave();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            var entered = gate.EnterAsync(default);
            if (entered.IsCompletedSuccessfully) gate.Leave();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task An_iPad_that_waits_in_vain_is_told_when_to_come_again_and_an_administrator_at_once_where_nobody_may_wait()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Limits:DeviceConcurrency"] = "1",
            ["Limits:DeviceQueue"] = "1",
            ["Limits:AdminConcurrency"] = "1",
            ["Limits:AdminQueue"] = "0",
            ["Limits:DeviceQueueMilliseconds"] = $"{Wait.TotalMilliseconds}",
        });
        builder.Services.AddSingleton<TimeProvider>(_time);
        builder.Services.AddFleetLimits(builder.Configuration);
        await using var app = builder.Build();
        using var inside = new SemaphoreSlim(0);
        var leave = new TaskCompletionSource();
        app.UseRouting();
        app.UseFleetLimits();
        async Task Slow()
        {
            inside.Release();
            await leave.Task;
        }

        app.MapGet("/ipad", Slow).RequireDeviceAdmission();
        app.MapGet("/administrator", Slow).RequireAdminAdmission();
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        var gates = app.Services.GetRequiredService<FleetGates>();

        Task<HttpResponseMessage>[] first = [client.GetAsync("/ipad"), client.GetAsync("/administrator")];
        Assert.True(await inside.WaitAsync(Patience) && await inside.WaitAsync(Patience));
        using var administrator = await client.GetAsync("/administrator").WaitAsync(Patience);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, administrator.StatusCode);

        var waiting = client.GetAsync("/ipad");
        Assert.True(SpinWait.SpinUntil(() => gates[Traffic.Device].Waiting == 1, Patience));
        Assert.False(waiting.IsCompleted);
        // It stands in line, but its wait may begin a moment later.
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                _time.Advance(Wait);
                return gates[Traffic.Device].Waiting == 0;
            },
            Patience));
        using var ipad = await waiting.WaitAsync(Patience);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ipad.StatusCode);
        Assert.NotNull(ipad.Headers.RetryAfter);

        leave.SetResult();
        foreach (var served in first) (await served.WaitAsync(Patience)).Dispose();
    }

    [Theory]
    [InlineData(nameof(LimitsOptions.DeviceConcurrency), 0)]
    [InlineData(nameof(LimitsOptions.AdminQueue), -1)]
    [InlineData(nameof(LimitsOptions.CommandBodyBytes), 5)]
    [InlineData(nameof(LimitsOptions.QueueMilliseconds), 100_000)]
    [InlineData(nameof(LimitsOptions.DeviceQueueMilliseconds), 0)]
    [InlineData(nameof(LimitsOptions.TlsHandshakes), 0)]
    public void A_limit_out_of_range_is_named(string name, int value)
    {
        var services = new ServiceCollection();
        services.AddFleetLimits(new ConfigurationBuilder()
            .AddInMemoryCollection([new($"Limits:{name}", value.ToString(System.Globalization.CultureInfo.InvariantCulture))]).Build());
        using var provider = services.BuildServiceProvider();
        var refused = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IOptions<LimitsOptions>>().Value);
        Assert.StartsWith($"Limits:{name} must be ", refused.Message);
    }

    private static AdmissionRules InOrder(int concurrency, int queue) => new() { Concurrency = concurrency, Queue = queue, LongestWait = Wait };

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
            // Another thread was faster: look again.
        }
    }
}
