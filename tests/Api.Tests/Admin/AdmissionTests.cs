using FleetMdm.Api.Limits;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Api.Tests.Admin;

public sealed class AdmissionTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(3);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task What_is_over_the_limit_waits_in_order_and_what_is_over_the_queue_is_refused_at_once()
    {
        var gate = new AdmissionGate(concurrency: 2, queue: 2, Wait, _time);
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
    public async Task Who_waits_too_long_or_goes_away_gives_up_its_turn()
    {
        var gate = new AdmissionGate(1, 5, Wait, _time);
        Assert.True(await gate.EnterAsync(default));
        using var gone = new CancellationTokenSource();
        var leaver = gate.EnterAsync(gone.Token).AsTask();
        var patient = gate.EnterAsync(default).AsTask();
        await gone.CancelAsync();
        Assert.False(await leaver);
        _time.Advance(Wait);
        Assert.False(await patient);

        gate.Leave();
        Assert.True(await gate.EnterAsync(default));
    }

    [Fact]
    public async Task Never_more_are_inside_than_may_be_and_no_place_is_lost()
    {
        const int Places = 4;
        var gate = new AdmissionGate(Places, 1000, TimeSpan.FromMinutes(1), TimeProvider.System);
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
        var gate = new AdmissionGate(10, 10, Wait, _time);
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

    [Theory]
    [InlineData(nameof(LimitsOptions.DeviceConcurrency), 0)]
    [InlineData(nameof(LimitsOptions.AdminQueue), -1)]
    [InlineData(nameof(LimitsOptions.CommandBodyBytes), 5)]
    [InlineData(nameof(LimitsOptions.QueueMilliseconds), 100_000)]
    public void A_limit_out_of_range_is_named(string name, int value)
    {
        var services = new ServiceCollection();
        services.AddFleetLimits(new ConfigurationBuilder()
            .AddInMemoryCollection([new($"Limits:{name}", value.ToString(System.Globalization.CultureInfo.InvariantCulture))]).Build());
        using var provider = services.BuildServiceProvider();
        var refused = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IOptions<LimitsOptions>>().Value);
        Assert.StartsWith($"Limits:{name} must be ", refused.Message);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
            // Another thread was faster: look again.
        }
    }
}
