using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Devices;
using FleetMdm.Testing;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>Two clusters that do not know of each other on one database: each has a grain for the same iPad, as two nodes have for a
/// moment when one of them was given up and does not know it.</summary>
public sealed class TwoClusters : IAsyncLifetime
{
    private PostgresDatabase? _database;

    public GrainCluster One { get; private set; } = null!;
    public GrainCluster Other { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresDatabase.Create();
        One = new OnDatabase(_database);
        Other = new OnDatabase(_database);
        await One.InitializeAsync();
        await Other.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (One is not null) await One.DisposeAsync();
        if (Other is not null) await Other.DisposeAsync();
        if (_database is not null) await _database.DisposeAsync();
    }

    private sealed class OnDatabase(PostgresDatabase database) : GrainCluster
    {
        protected override short Silos => 1;

        protected override Task<IReadOnlyDictionary<string, string?>> OpenStore(string folder) =>
            Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?>
            {
                ["Storage:Provider"] = "PostgreSQL",
                ["Storage:ConnectionString"] = database.ConnectionString,
            });

        protected override Task CloseStore() => Task.CompletedTask;
    }
}

/// <summary>What a second activation of an iPad's grain may do, and what it may not.</summary>
public sealed class TwoActivationsTests(TwoClusters clusters) : IClassFixture<TwoClusters>
{
    /// <summary>The same iPad, by way of either node; both have its grain, and its first two commands in memory.</summary>
    private async Task<(TestIPad Here, TestIPad There, string First, string Second)> OnBoth()
    {
        var here = await new TestIPad(clusters.One, forgetful: false).Enrolled();
        var first = await here.Enqueue(push: false);
        var second = await here.Enqueue(push: false);
        var there = new TestIPad(clusters.Other, forgetful: false, here.Id) { Certificate = here.Certificate, PushMagic = here.PushMagic };
        Assert.Equal(first, await there.Connect());
        return (here, there, first, second);
    }

    [Fact]
    public async Task A_conversation_that_began_there_and_goes_on_here_repeats_nothing()
    {
        var (here, there, first, second) = await OnBoth();
        Assert.Equal(second, await there.Acknowledge(first));

        // Here both are waiting still, and the report on the second one comes here.
        Assert.Null(await here.Acknowledge(second));

        Assert.Equal(CommandEnding.Acknowledged, await here.EndingOf(first));
        Assert.Equal(CommandEnding.Acknowledged, await here.EndingOf(second));
    }

    [Fact]
    public async Task A_command_that_was_handed_over_here_and_finished_there_makes_this_memory_worthless()
    {
        var (here, there, first, second) = await OnBoth();
        Assert.Equal(first, await here.Connect());
        Assert.Equal(second, await there.Acknowledge(first));
        Assert.Null(await there.Acknowledge(second));

        // The report on the first is repeated here: neither of the two comes again.
        Assert.Null(await here.Acknowledge(first));
    }

    [Fact]
    public async Task A_change_of_the_enrolment_over_a_newer_one_is_refused_and_then_made_on_top_of_it()
    {
        var (here, there, _, _) = await OnBoth();
        there.PushMagic = "there";
        Assert.Equal(DeviceRefusal.None, (await there.TokenUpdate()).Refusal);

        here.PushMagic = "here";
        await Assert.ThrowsAsync<FleetUnavailableException>(() => here.TokenUpdate());
        Assert.Equal("there", (await clusters.One.Queries.FindDevice(here.Id))!.PushMagic);

        Assert.Equal(DeviceRefusal.None, (await here.TokenUpdate()).Refusal);
        Assert.Equal("here", (await clusters.One.Queries.FindDevice(here.Id))!.PushMagic);
    }

    [Fact]
    public async Task What_was_queued_there_is_seen_here_when_nodes_have_come_or_gone()
    {
        var (here, there, first, second) = await OnBoth();
        Assert.Equal(second, await there.Acknowledge(first));
        Assert.Null(await there.Acknowledge(second));
        await here.Connect();
        var third = await there.Enqueue(push: false);

        clusters.One.Service<QueueEpoch>().Advance();

        Assert.Equal(third, await here.Connect());
    }

    [Fact]
    public async Task While_nodes_come_and_go_a_conversation_may_change_sides_at_any_time()
    {
        var (here, there, first, second) = await OnBoth();
        var epochs = new[] { clusters.One.Service<QueueEpoch>(), clusters.Other.Service<QueueEpoch>() };
        Array.ForEach(epochs, epoch => epoch.BeginMove());
        try
        {
            Assert.Equal(first, await here.Connect());
            Assert.Equal(second, await there.Acknowledge(first));
            Assert.Equal(second, await here.Connect());
            Assert.Null(await there.Acknowledge(second));
        }
        finally
        {
            Array.ForEach(epochs, epoch => epoch.EndMove());
        }

        Assert.Null(await here.Connect());
        Assert.Null(await there.Connect());
    }

    [Fact]
    public async Task A_node_that_cannot_confirm_its_membership_answers_nothing_and_changes_nothing()
    {
        var (here, _, first, _) = await OnBoth();
        var before = await clusters.One.Queries.FindDevice(here.Id);
        var lease = clusters.One.Service<NodeLease>();
        lease.Begin(TimeSpan.Zero);
        try
        {
            await Assert.ThrowsAsync<FleetUnavailableException>(() => here.Connect());
            await Assert.ThrowsAsync<FleetUnavailableException>(() => here.Acknowledge(first));
            await Assert.ThrowsAsync<FleetUnavailableException>(() => here.Enqueue());
            await Assert.ThrowsAsync<FleetUnavailableException>(() => here.Authenticate());
            await Assert.ThrowsAsync<FleetUnavailableException>(() => here.CheckOut());
        }
        finally
        {
            lease.Begin(TimeSpan.FromHours(1));
        }

        Assert.Equal(before!.Version, (await clusters.One.Queries.FindDevice(here.Id))!.Version);
        Assert.Equal(first, await here.Connect());
    }
}
