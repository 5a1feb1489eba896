using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresRollOutStoreTests(PostgresFixture fixture) : RollOutStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteRollOutStoreTests(SqliteFixture fixture) : RollOutStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Assignments that come to their iPads in waves, the same on both databases.</summary>
public abstract class RollOutStoreTests(StoreFixture fixture)
{
    private static Assignment New(params string[] waves) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        Name = "one",
        Kind = AssignmentKind.Setting,
        Item = "setting:DeviceName",
        Command = [1, 2, 3],
        Asked = [4],
        Phase = AssignmentPhase.InForce,
        RollOut = new AssignmentRollOut { Pace = new OperationPace { Waves = waves, StopPercent = 10 } },
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static async Task<List<DeviceRow>> Enrol(Node node, int count)
    {
        var rows = new List<DeviceRow>();
        for (var i = 0; i < count; i++) rows.Add(await Make.Enrolled(node, row => row with { SerialNumber = $"R{i}" }));
        return rows;
    }

    private static async Task<IReadOnlyList<AssignmentDeviceRow>> Reached(Node node, string id) => await node.Assignments.ListDevices(Scope.District, id, null, null, 100);

    private static async Task<AssignmentRollOut> Standing(Node node, string id) => (await node.Assignments.Find(Scope.District, id))!.Assignment.RollOut!;

    private static async Task Put(Node node, string deviceId, string id, AssignmentState state, string? reason = null)
    {
        var before = (await node.Assignments.ListOfDevice(deviceId)).Select(row => row.Standing).Single(one => one.AssignmentId == id);
        var after = before with
        {
            State = state,
            Installed = state == AssignmentState.Installed ? 1 : null,
            Revision = 1,
            Attempts = (short)(state == AssignmentState.Failed ? 1 : 0),
            Reason = reason,
            ChangedAt = before.ChangedAt.AddSeconds(1),
        };
        Assert.True(await node.Assignments.Write(deviceId, [new AssignmentChange(before, after)]));
    }

    [Fact]
    public async Task It_comes_to_as_many_as_each_wave_has_then_to_all_and_afterwards_to_newcomers_at_once()
    {
        await using var node = await Fresh();
        var ipads = await Enrol(node, 8);
        var assignment = New("2", "50%", "100%");

        Assert.Equal(AssignmentOutcome.Written, await node.Assignments.Create(Scope.District, assignment, null));

        var first = await Reached(node, assignment.Id);
        Assert.Equal(2, first.Count);
        Assert.Equal((1, 8L, 2L), await Standing(node, assignment.Id) is var one ? (one.Wave, one.Total, one.Limit!.Value) : default);
        // A grain of another iPad that asks by itself is not told, and its row says that there is nothing to do.
        var other = ipads.First(ipad => first.All(row => row.DeviceId != ipad.Id));
        Assert.Empty((await node.Assignments.Match(other.Id, Make.Now)).Ids);
        Assert.Null((await node.Devices.Load(other.Id)).PlanDueAt);
        Assert.Equal([assignment.Id], (await node.Assignments.Match(first[0].DeviceId, Make.Now)).Ids);
        // Whoever looks anew does not begin the next wave by that.
        Assert.Equal(0, await node.Assignments.Reach(_ => true, Make.Now));

        var number = await node.Assignments.Number();
        Assert.False(await node.RollOuts.NextWave(assignment.Id, 2, Make.Now));
        Assert.True(await node.RollOuts.NextWave(assignment.Id, 1, Make.Now));
        Assert.False(await node.RollOuts.NextWave(assignment.Id, 1, Make.Now));
        Assert.Equal(4, (await Reached(node, assignment.Id)).Count);
        Assert.Equal(number + 1, await node.Assignments.Number());

        Assert.True(await node.RollOuts.NextWave(assignment.Id, 2, Make.Now));
        Assert.Equal(8, (await Reached(node, assignment.Id)).Count);
        Assert.Equal([(1, 2L), (2, 2L), (3, 4L)], (await node.RollOuts.ListWaves(assignment.Id)).Select(wave => (wave.Wave, wave.IPads)));
        Assert.Single(await node.RollOuts.ListRunning());

        Assert.True(await node.RollOuts.NextWave(assignment.Id, 3, Make.Now));
        Assert.Empty(await node.RollOuts.ListRunning());
        Assert.Equal(OperationPhase.Over, (await Standing(node, assignment.Id)).Phase);
        var newcomer = await Make.Enrolled(node, row => row with { SerialNumber = "NEW" });
        Assert.Equal([assignment.Id], (await node.Assignments.Match(newcomer.Id, Make.Now)).Ids);
        Assert.Equal(1, await node.Assignments.Reach(_ => true, Make.Now));
    }

    [Fact]
    public async Task One_that_stopped_takes_out_whom_it_was_not_sent_to_and_reaches_nobody_until_it_goes_on()
    {
        await using var node = await Fresh();
        await Enrol(node, 6);
        var assignment = New("3", "100%");
        await node.Assignments.Create(Scope.District, assignment, null);
        var wave = await Reached(node, assignment.Id);
        await Put(node, wave[0].DeviceId, assignment.Id, AssignmentState.Failed, "It has expired.");
        await Put(node, wave[1].DeviceId, assignment.Id, AssignmentState.Installed);
        var running = Assert.Single(await node.RollOuts.ListRunning());
        Assert.Equal(new WaveCounts(0, 3, Make.Now, 1, 1, 2), await node.RollOuts.Count(running));
        Assert.Equal("It has expired.", await node.RollOuts.MostFrequentReason(assignment.Id, 1));

        Assert.True(await node.RollOuts.Stop(assignment.Id, 1, withdraw: true, "1 of the first 2 failed", AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.AssignmentStop)));

        Assert.False(await node.RollOuts.Stop(assignment.Id, 1, withdraw: true, "again", null));
        Assert.Single(await node.Audit.List(new AuditFilter { Verb = AuditVerbs.AssignmentStop }, null, 10));
        Assert.Equal([wave[0].DeviceId, wave[1].DeviceId], (await Reached(node, assignment.Id)).Select(row => row.DeviceId));
        Assert.Empty((await node.Assignments.Match(wave[2].DeviceId, Make.Now)).Ids);
        Assert.Equal(0, await node.Assignments.Reach(_ => true, Make.Now));
        Assert.False(await node.RollOuts.NextWave(assignment.Id, 1, Make.Now));
        Assert.Equal([(assignment.Id, "one")], await node.RollOuts.ListStopped(Scope.District, 5));
        Assert.Empty(await node.RollOuts.ListStopped(Scope.Of(["elsewhere"]), 5));
        // A change that does not ask for it leaves it as it is.
        await node.Assignments.Change(Scope.District, assignment with { Version = 2, Name = "two", RollOut = null }, null);
        Assert.Equal((OperationPhase.Paused, "1 of the first 2 failed"), await Standing(node, assignment.Id) is var one ? (one.Phase, one.StopReason) : default);
        Assert.Equal(2, (await Reached(node, assignment.Id)).Count);

        Assert.Null(await node.RollOuts.GoOn(Scope.Of(["elsewhere"]), assignment.Id, Make.Now, null));
        Assert.True(await node.RollOuts.GoOn(Scope.District, assignment.Id, Make.Now, null));
        Assert.False(await node.RollOuts.GoOn(Scope.District, assignment.Id, Make.Now, null));
        Assert.Equal(6, (await Reached(node, assignment.Id)).Count);
        Assert.Equal((OperationPhase.Running, 2, 1), await Standing(node, assignment.Id) is var on ? (on.Phase, on.Wave, on.Excused) : default);
    }

    [Fact]
    public async Task One_that_is_taken_back_leaves_its_iPads_and_begins_with_the_first_wave_when_it_is_put_in_force_again()
    {
        await using var node = await Fresh();
        await Enrol(node, 6);
        var assignment = New("2", "100%");
        await node.Assignments.Create(Scope.District, assignment, null);
        var wave = await Reached(node, assignment.Id);
        await Put(node, wave[0].DeviceId, assignment.Id, AssignmentState.Installed);
        await node.RollOuts.NextWave(assignment.Id, 1, Make.Now);

        Assert.Null(await node.RollOuts.TakeBack(Scope.Of(["elsewhere"]), assignment.Id, Make.Now, "ada", null));
        Assert.True(await node.RollOuts.TakeBack(Scope.District, assignment.Id, Make.Now, "ada", null));

        Assert.False(await node.RollOuts.TakeBack(Scope.District, assignment.Id, Make.Now, "ada", null));
        Assert.Equal([AssignmentState.Leaving], (await Reached(node, assignment.Id)).Select(row => row.Standing.State));
        var ended = (await node.Assignments.Find(Scope.District, assignment.Id))!.Assignment;
        Assert.Equal((AssignmentPhase.Over, 2, Make.Now, 0), (ended.Phase, ended.Version, ended.EndsAt!.Value, ended.RollOut!.Wave));
        Assert.Empty(await node.RollOuts.ListRunning());

        await node.Assignments.Change(Scope.District, assignment with { Version = 3, RollOut = null, UpdatedAt = Make.Now.AddHours(1) }, null);
        Assert.Equal(2, (await Reached(node, assignment.Id)).Count(row => row.Standing.State == AssignmentState.Waiting));
        Assert.Equal(1, (await Standing(node, assignment.Id)).Wave);
    }

    [Fact]
    public async Task One_for_nobody_yet_begins_with_the_first_that_comes_and_one_that_is_asked_for_anew_counts_only_those_that_lack_it()
    {
        await using var node = await Fresh();
        var assignment = New("2", "100%");
        await node.Assignments.Create(Scope.District, assignment, null);
        Assert.Equal((0, 0L), await Standing(node, assignment.Id) is var one ? (one.Wave, one.Limit!.Value) : default);

        var ipads = await Enrol(node, 2);
        Assert.Empty((await node.Assignments.Match(ipads[0].Id, Make.Now)).Ids);
        Assert.Equal(2, await node.RollOuts.Begin(assignment.Id, Make.Now));
        Assert.Equal(0, await node.RollOuts.Begin(assignment.Id, Make.Now));
        // Two iPads are one wave.
        Assert.True(await node.RollOuts.NextWave(assignment.Id, 1, Make.Now));
        Assert.Equal(OperationPhase.Over, (await Standing(node, assignment.Id)).Phase);

        await Enrol(node, 5);
        await node.Assignments.Change(Scope.District, assignment with { Version = 2 }, null);
        Assert.Equal(4, (await Reached(node, assignment.Id)).Count);
        Assert.Equal((1, 5L), await Standing(node, assignment.Id) is var anew ? (anew.Wave, anew.Total) : default);
    }
}
