using System.Text.Json;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Operations;
using Microsoft.Extensions.DependencyInjection;
using DeviceFilter = FleetMdm.Grains.Interfaces.DeviceFilter;

namespace FleetMdm.Grains.Tests.Operations;

/// <summary>Operations that are started again and again.</summary>
public abstract class RepeatRules(GrainCluster cluster)
{
    private IRepeatStore Repeats => cluster.Service<IRepeatStore>();

    private async Task<TestIPad> Enrolled(string school)
    {
        var ipad = new TestIPad(cluster, forgetful: false);
        ipad.Certificate = await ipad.Invited(invitation => invitation with { School = school });
        return await ipad.Enrolled();
    }

    /// <summary>Due in a minute, and then each day.</summary>
    private async Task<RepeatingOperation> Create(string school)
    {
        var due = cluster.Clock.GetUtcNow().AddMinutes(1);
        var repeating = new RepeatingOperation
        {
            Id = Guid.NewGuid().ToString(),
            Name = "Every day",
            RequestType = "RestartDevice",
            BodyHash = await cluster.Devices.StoreBody(TestIPad.Order("RestartDevice", "").Command),
            Target = JsonSerializer.Serialize(new OperationTarget { Filter = new DeviceFilter { School = school } }),
            Asked = "{}",
            Push = true,
            Force = false,
            Days = Enum.GetValues<DayOfWeek>(),
            AtMinutes = (int)due.TimeOfDay.TotalMinutes,
            TimeZone = "UTC",
            State = RepeatState.Running,
            NextAt = due,
            CreatedAt = cluster.Clock.GetUtcNow(),
            CreatedBy = "test",
        };
        Assert.True(await Repeats.Create(repeating, null));
        return repeating;
    }

    private async Task<RepeatingOperation> Sweep(string id)
    {
        var provider = cluster.Cluster.GetSiloServiceProvider(cluster.Cluster.GetActiveSilos().First().SiloAddress);
        await provider.GetServices<ISweepDuty>().OfType<RepeatSweep>().Single().Run(CancellationToken.None);
        return (await Repeats.Find(id))!;
    }

    [Fact]
    public async Task Each_run_is_an_operation_of_its_own_for_those_that_the_filter_finds_then()
    {
        var school = Guid.NewGuid().ToString();
        var first = await Enrolled(school);
        var repeating = await Create(school);
        Assert.Null((await Sweep(repeating.Id)).LastAt);

        cluster.Clock.Advance(TimeSpan.FromMinutes(2));
        var ran = await Sweep(repeating.Id);
        Assert.True(ran.NextAt > cluster.Clock.GetUtcNow());
        Assert.Equal(repeating.AtMinutes, (int)ran.NextAt!.Value.TimeOfDay.TotalMinutes);
        Assert.Equal(ran.LastAt, (await Sweep(repeating.Id)).LastAt);
        var run = Assert.Single(await Repeats.ListRuns(repeating.Id, 10));
        Assert.Equal((ran.LastOperationId, 1), (run.Id, run.Total));
        await first.NextPush();
        Assert.Equal(run.CommandUuid, await first.Connect());
        await first.Acknowledge(run.CommandUuid);

        // Three days were missed: one run, late, and for the new iPad too.
        var second = await Enrolled(school);
        cluster.Clock.Advance(TimeSpan.FromDays(3));
        ran = await Sweep(repeating.Id);
        await Sweep(repeating.Id);
        var runs = await Repeats.ListRuns(repeating.Id, 10);
        Assert.Equal([2, 1], runs.Select(one => one.Total));
        Assert.True(ran.NextAt > cluster.Clock.GetUtcNow());
        await second.NextPush();
        Assert.Equal(runs[0].CommandUuid, await second.Connect());
        await second.Acknowledge(runs[0].CommandUuid);
    }

    [Fact]
    public async Task A_node_that_dies_between_the_start_and_the_note_has_the_run_started_once()
    {
        var school = Guid.NewGuid().ToString();
        await Enrolled(school);
        var repeating = await Create(school);
        cluster.Clock.Advance(TimeSpan.FromMinutes(2));
        await Sweep(repeating.Id);
        // As if it had not been noted.
        Assert.True(await Repeats.Set(repeating.Id, RepeatState.Paused, null, null));
        Assert.True(await Repeats.Set(repeating.Id, RepeatState.Running, repeating.NextAt, null));
        var ran = await Sweep(repeating.Id);
        Assert.Equal(ran.LastOperationId, Assert.Single(await Repeats.ListRuns(repeating.Id, 10)).Id);
    }

    [Fact]
    public async Task A_run_for_nobody_is_noted_with_the_reason_and_one_that_is_paused_does_not_run()
    {
        var repeating = await Create(Guid.NewGuid().ToString());
        cluster.Clock.Advance(TimeSpan.FromMinutes(2));
        var ran = await Sweep(repeating.Id);
        Assert.Equal((null, "No enrolled iPad matched, or none could run the command."), (ran.LastOperationId, ran.LastProblem));
        Assert.Empty(await Repeats.ListRuns(repeating.Id, 10));

        Assert.True(await Repeats.Set(repeating.Id, RepeatState.Paused, null, null));
        cluster.Clock.Advance(TimeSpan.FromDays(2));
        Assert.Equal(ran.LastAt, (await Sweep(repeating.Id)).LastAt);
        Assert.True(await Repeats.Set(repeating.Id, RepeatState.Ended, null, null));
        Assert.False(await Repeats.Set(repeating.Id, RepeatState.Running, cluster.Clock.GetUtcNow(), null));
    }
}
