using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Devices;
using DeviceFilter = FleetMdm.Grains.Interfaces.DeviceFilter;

namespace FleetMdm.Grains.Tests.Operations;

/// <summary>One command for many iPads.</summary>
public abstract class OperationRules(GrainCluster cluster)
{
    private async Task<List<TestIPad>> Fleet(int count)
    {
        var fleet = new List<TestIPad>();
        for (var i = 0; i < count; i++) fleet.Add(await new TestIPad(cluster, forgetful: false).Enrolled());
        return fleet;
    }

    private IOperationGrain NewOperation() => cluster.Grains.GetGrain<IOperationGrain>(Guid.NewGuid().ToString());

    private static OperationOrder For(IReadOnlyList<string> ids, string uuid, string requestType = "DeviceInformation") => new()
    {
        Target = new OperationTarget { Ids = ids },
        Command = TestIPad.Order(requestType, uuid),
        RequestedBy = "test",
    };

    [Fact]
    public async Task An_operation_reaches_iPads_whose_grains_had_read_their_queues_before()
    {
        var fleet = await Fleet(12);
        foreach (var ipad in fleet) Assert.Null(await ipad.Connect());

        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        var operation = NewOperation();
        var accepted = await operation.Start(For([.. fleet.Select(ipad => ipad.Id), "no-such-iPad"], uuid));
        Assert.Equal(12, accepted.Total);
        Assert.Equal(["no-such-iPad"], accepted.UnknownIds);

        // The push goes out only after every node has confirmed: whoever follows it finds the command.
        foreach (var ipad in fleet)
        {
            await ipad.NextPush();
            Assert.Equal(uuid, await ipad.Connect());
            Assert.Null(await ipad.Acknowledge(uuid));
        }

        cluster.Clock.Advance(TimeSpan.FromSeconds(1));
        var description = await operation.Describe();
        Assert.Equal((12, 0, 12), (description!.Total, description.Queued, description.Acknowledged));
        Assert.NotNull(description.AnnouncedAt);
    }

    [Fact]
    public async Task A_single_command_and_an_operation_keep_the_order_of_their_acceptance()
    {
        var ipad = (await Fleet(1))[0];
        var first = await ipad.Enqueue();
        var second = Guid.NewGuid().ToString().ToUpperInvariant();
        await NewOperation().Start(For([ipad.Id], second));
        var third = await ipad.Enqueue();
        await WaitForAnnouncement();

        Assert.Equal(first, await ipad.Connect());
        Assert.Equal(second, await ipad.Acknowledge(first));
        Assert.Equal(third, await ipad.Acknowledge(second));
        Assert.Null(await ipad.Acknowledge(third));

        async Task WaitForAnnouncement()
        {
            using var patience = new CancellationTokenSource(GrainCluster.Patience);
            while ((await cluster.Operations.ListUnfinished(cluster.Clock.GetUtcNow().AddDays(1))).Count > 0)
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
        }
    }

    [Fact]
    public async Task Starting_an_operation_twice_queues_it_once()
    {
        var ipad = (await Fleet(1))[0];
        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        var operation = NewOperation();
        await operation.Start(For([ipad.Id], uuid));
        await operation.Start(For([ipad.Id], uuid));
        await ipad.NextPush();

        Assert.Equal(uuid, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(uuid));
    }

    [Fact]
    public async Task Cancelling_an_operation_keeps_its_commands_from_iPads_that_have_not_come_yet()
    {
        var fleet = await Fleet(2);
        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        var operation = NewOperation();
        await operation.Start(For([.. fleet.Select(ipad => ipad.Id)], uuid));
        await fleet[0].NextPush();
        Assert.Equal(uuid, await fleet[0].Connect());
        await fleet[0].Acknowledge(uuid);

        Assert.True(await operation.Cancel());
        Assert.Null(await fleet[1].Connect());
        Assert.Equal(CommandEnding.Cancelled, await fleet[1].EndingOf(uuid));
        cluster.Clock.Advance(TimeSpan.FromSeconds(1));
        var description = await operation.Describe();
        Assert.Equal((1, 1, 0), (description!.Acknowledged, description.Ended, description.Queued));
        Assert.NotNull(description.CancelledAt);
    }

    [Fact]
    public async Task A_filter_reaches_only_the_iPads_that_it_describes()
    {
        var fleet = await Fleet(2);
        var serial = (await cluster.Queries.FindDevice(fleet[0].Id))!.SerialNumber!;
        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        var accepted = await NewOperation().Start(new OperationOrder
        {
            Target = new OperationTarget { Filter = new DeviceFilter { SerialNumber = serial } },
            Command = TestIPad.Order("SecurityInfo", uuid),
            RequestedBy = "test",
        });

        Assert.Equal(1, accepted.Total);
        await fleet[0].NextPush();
        Assert.Equal(uuid, await fleet[0].Connect());
        Assert.Null(await fleet[1].Connect());
    }

    [Fact]
    public async Task An_operation_that_nobody_started_is_unknown()
    {
        Assert.Null(await NewOperation().Describe());
        Assert.False(await NewOperation().Cancel());
    }

    [Fact]
    public async Task An_operation_that_a_dead_node_left_unannounced_is_resumed()
    {
        var ipad = (await Fleet(1))[0];
        Assert.Null(await ipad.Connect());
        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        var id = Guid.NewGuid().ToString();

        // As if the node had died right after its transaction.
        await cluster.Operations.Append(new Storage.Operations.OperationAppend
        {
            Id = id,
            CommandUuid = uuid,
            RequestType = "DeviceInformation",
            Body = TestIPad.Order("DeviceInformation", uuid).Command,
            AcceptedAt = cluster.Clock.GetUtcNow(),
            RequestedBy = "test",
            Ids = [ipad.Id],
        });

        Assert.Contains(id, await cluster.Operations.ListUnfinished(cluster.Clock.GetUtcNow().AddSeconds(1)));
        await cluster.Grains.GetGrain<IOperationGrain>(id).Resume();
        await ipad.NextPush();
        Assert.Equal(uuid, await ipad.Connect());
    }
}
