using System.Reflection;
using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Devices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>A silo on SQLite whose store lets a test do something while a body is being read.</summary>
public sealed class ClusterWithSlowBodies : GrainCluster
{
    public Action? WhileABodyIsRead
    {
        set => ((SlowBodies)(object)Devices).While = value;
    }

    protected override short Silos => 1;

    protected override Task<IReadOnlyDictionary<string, string?>> OpenStore(string folder) =>
        Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?> { ["Storage:Provider"] = "Sqlite" });

    protected override Task CloseStore() => Task.CompletedTask;

    protected override void Configure(IServiceCollection services)
    {
        var own = services.Last(service => service.ServiceType == typeof(IDeviceStore)).ImplementationFactory!;
        services.Replace(ServiceDescriptor.Singleton(provider => SlowBodies.Around((IDeviceStore)own(provider))));
    }
}

/// <summary>The store as it is, with something that happens while a body is read.</summary>
public class SlowBodies : DispatchProxy
{
    private IDeviceStore? _store;

    public Action? While { get; set; }

    public static IDeviceStore Around(IDeviceStore store)
    {
        var around = Create<IDeviceStore, SlowBodies>();
        ((SlowBodies)(object)around)._store = store;
        return around;
    }

    protected override object? Invoke(MethodInfo? method, object?[]? arguments)
    {
        if (method!.Name == nameof(IDeviceStore.LoadBody)) While?.Invoke();
        return method.Invoke(_store, BindingFlags.DoNotWrapExceptions, null, arguments, null);
    }
}

/// <summary>What must hold at the moment when a command is handed over.</summary>
public sealed class HandOverTests(ClusterWithSlowBodies cluster) : IClassFixture<ClusterWithSlowBodies>
{
    [Fact]
    public async Task A_node_that_was_given_up_while_it_read_a_command_does_not_hand_it_over()
    {
        using var ipad = await new TestIPad(cluster, forgetful: false).Enrolled();
        var command = await ipad.Enqueue(push: false);
        var lease = cluster.Service<NodeLease>();
        cluster.WhileABodyIsRead = () => lease.Begin(TimeSpan.Zero);
        try
        {
            await Assert.ThrowsAsync<FleetUnavailableException>(ipad.Connect);
        }
        finally
        {
            cluster.WhileABodyIsRead = null;
            lease.Begin(TimeSpan.FromDays(36_500));
        }

        Assert.Equal(command, await ipad.Connect());
        Assert.Equal(0, (await ipad.Grain.Describe())!.Queue.Single().UnansweredCount);
    }

    [Fact]
    public void A_row_that_comes_late_takes_its_place_by_its_sequence_and_only_once()
    {
        var queue = new DeviceQueue();
        queue.Replace([Row(1), Row(5)]);
        queue.Add(Row(3));
        queue.Add(Row(7));
        queue.Add(Row(3));
        queue.Add(Row(0));
        Assert.Equal([0, 1, 3, 5, 7], queue.Commands.Select(command => command.Row.Sequence));
        Assert.Equal(0, queue.Next(DateTimeOffset.UnixEpoch)?.Row.Sequence);
    }

    private static QueuedRow Row(long sequence) => new()
    {
        Sequence = sequence,
        CommandUuid = $"{sequence}",
        RequestType = "ProfileList",
        BodyHash = [],
        AcceptedAt = DateTimeOffset.UnixEpoch,
    };
}
