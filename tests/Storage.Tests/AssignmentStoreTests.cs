using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresAssignmentStoreTests(PostgresFixture fixture) : AssignmentStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteAssignmentStoreTests(SqliteFixture fixture) : AssignmentStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>What iPads should have, the same on both databases.</summary>
public abstract class AssignmentStoreTests(StoreFixture fixture)
{
    private static Assignment New(string name, string? target = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        Name = name,
        Kind = AssignmentKind.Setting,
        Item = "setting:DeviceName",
        Command = [1, 2, 3],
        Asked = [4],
        Target = target,
        Phase = AssignmentPhase.InForce,
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static Task<DeviceRow> Enrol(Node node, string serial) => Make.Enrolled(node, row => row with { SerialNumber = serial, DeviceName = serial });

    private static async Task<(string Serial, AssignmentState State)[]> States(Node node, string id) =>
        [.. (await node.Assignments.ListDevices(Scope.District, id, null, null, 100)).Select(row => (row.SerialNumber!, row.Standing.State)).OrderBy(one => one.Item1)];

    private static async Task Install(Node node, DeviceRow ipad, string id, int revision = 1) => await Put(
        node, ipad, new AssignmentStanding { AssignmentId = id, State = AssignmentState.Installed, Installed = revision, Revision = revision, ChangedAt = Make.Now });

    private static async Task Put(Node node, DeviceRow ipad, AssignmentStanding after)
    {
        var before = (await node.Assignments.ListOfDevice(ipad.Id)).Select(row => row.Standing).FirstOrDefault(one => one.AssignmentId == after.AssignmentId);
        Assert.True(await node.Assignments.Write(ipad.Id, [new AssignmentChange(before, after)]));
    }

    [Fact]
    public async Task A_new_one_waits_for_all_iPads_of_its_target_and_only_their_grains_are_due()
    {
        await using var node = await Fresh();
        var (a, b) = (await Enrol(node, "A1"), await Enrol(node, "B1"));
        await Make.Enrolled(node, row => row with { SerialNumber = "A2", Status = EnrolmentStatus.Unenrolled });
        var assignment = New("one", "serial:A1");

        Assert.Equal(AssignmentOutcome.Written, await node.Assignments.Create(Scope.District, assignment, null));

        Assert.Equal([("A1", AssignmentState.Waiting)], await States(node, assignment.Id));
        Assert.Equal(Make.Now, (await node.Devices.Load(a.Id)).PlanDueAt);
        Assert.Null((await node.Devices.Load(b.Id)).PlanDueAt);
        Assert.Equal([new AssignmentCount(assignment.Id, AssignmentState.Waiting, 1)], await node.Assignments.Count([assignment.Id]));
        var stored = (await node.Assignments.Find(Scope.District, assignment.Id))!.Assignment;
        Assert.Equal(assignment with { Command = null, Asked = null }, stored with { Command = null, Asked = null });
        Assert.Equal([1, 2, 3], stored.Command!);
    }

    [Fact]
    public async Task A_command_that_is_on_no_queue_any_more_is_due_at_once_also_when_its_node_died_before_it_took_note()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var (assignment, declared) = (New("one", "serial:A1"), New("two", "serial:A1"));
        foreach (var one in new[] { assignment, declared }) await node.Assignments.Create(Scope.District, one, null);
        var (brings, declares) = (AssignmentCommands.Bringing + "52E5-8B8E-9C61-0F2A4D5E6B7C", "F1EE7008-52E5-8B8E-9C61-0F2A4D5E6B7C");
        var tomorrow = Make.Now.AddDays(1);
        var appended = await node.Devices.Append(Make.Command(ipad.Id, brings));
        await Put(node, ipad, new AssignmentStanding { AssignmentId = assignment.Id, State = AssignmentState.Sent, CommandUuid = brings, Revision = 1, DueAt = tomorrow, ChangedAt = Make.Now });
        // What an iPad fetches by itself waits for its report, whatever became of the command.
        await Put(node, ipad, new AssignmentStanding { AssignmentId = declared.Id, State = AssignmentState.Sent, CommandUuid = declares, Revision = 1, DueAt = tomorrow, ChangedAt = Make.Now });

        Assert.Equal(tomorrow, (await node.Devices.Load(ipad.Id)).PlanDueAt);
        await node.Devices.Finish(Make.Finish(ipad.Id, appended.Sequence));

        Assert.True((await node.Devices.Load(ipad.Id)).PlanDueAt < Make.Now);
    }

    [Fact]
    public async Task A_change_of_the_target_touches_those_that_come_and_those_that_leave_and_nobody_else()
    {
        await using var node = await Fresh();
        var (a, b, c) = (await Enrol(node, "A1"), await Enrol(node, "B1"), await Enrol(node, "C1"));
        var assignment = New("one", "serial:A1 or serial:B1");
        await node.Assignments.Create(Scope.District, assignment, null);
        await Install(node, a, assignment.Id);
        await Install(node, b, assignment.Id);

        var narrower = assignment with { Version = 2, Target = "serial:B1 or serial:C1", UpdatedAt = Make.Now.AddHours(1) };
        Assert.Equal(AssignmentOutcome.Written, await node.Assignments.Change(Scope.District, narrower, null));

        Assert.Equal([("A1", AssignmentState.Leaving), ("B1", AssignmentState.Installed), ("C1", AssignmentState.Waiting)], await States(node, assignment.Id));
        Assert.Equal(DeviceSnapshot.NothingDue, (await node.Devices.Load(b.Id)).PlanDueAt);
        Assert.Equal(AssignmentOutcome.VersionConflict, await node.Assignments.Change(Scope.District, narrower with { Name = "other" }, null));
        Assert.Equal(AssignmentOutcome.Written, await node.Assignments.Change(Scope.District, narrower, null));
        Assert.Equal(AssignmentOutcome.VersionConflict, await node.Assignments.Change(Scope.District, narrower with { Command = [9] }, null));

        // Who never had it hears nothing.
        await node.Assignments.Change(Scope.District, narrower with { Version = 3, Target = "serial:B1" }, null);
        Assert.Equal([("A1", AssignmentState.Leaving), ("B1", AssignmentState.Installed)], await States(node, assignment.Id));
        Assert.NotNull(c);
    }

    [Fact]
    public async Task What_is_deleted_leaves_all_iPads_and_is_forgotten_with_the_last_of_them()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var assignment = New("one");
        await node.Assignments.Create(Scope.District, assignment, null);
        await Install(node, ipad, assignment.Id);

        Assert.Equal(AssignmentOutcome.Written, await node.Assignments.Delete(Scope.District, assignment.Id, Make.Now, null));

        Assert.Null(await node.Assignments.Find(Scope.District, assignment.Id));
        Assert.Equal(0, await node.Assignments.Forget());
        var standing = Assert.Single(await node.Assignments.ListOfDevice(ipad.Id)).Standing;
        Assert.Equal((AssignmentState.Leaving, 1, Make.Now), (standing.State, standing.Installed, standing.DueAt));
        Assert.True(await node.Assignments.Write(ipad.Id, [new AssignmentChange(standing, null)]));
        Assert.Equal(1, await node.Assignments.Forget());
        // Its name is free at once.
        Assert.Equal(AssignmentOutcome.Written, await node.Assignments.Create(Scope.District, New("One"), null));
    }

    [Fact]
    public async Task One_begins_and_ends_at_its_time_and_the_plan_has_a_new_number()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var assignment = New("one") with { StartsAt = Make.Now.AddHours(1), EndsAt = Make.Now.AddHours(2) };
        await node.Assignments.Create(Scope.District, assignment, null);
        Assert.Empty(await States(node, assignment.Id));
        var number = await node.Assignments.Number();

        Assert.Equal(0, await node.Assignments.Turn(Make.Now.AddMinutes(59)));
        Assert.Equal(1, await node.Assignments.Turn(Make.Now.AddMinutes(60)));
        Assert.Equal([("A1", AssignmentState.Waiting)], await States(node, assignment.Id));
        Assert.True(await node.Assignments.Number() > number);
        await Install(node, ipad, assignment.Id);
        Assert.Equal(1, await node.Assignments.Turn(Make.Now.AddHours(2)));
        Assert.Equal([("A1", AssignmentState.Leaving)], await States(node, assignment.Id));
        Assert.Equal(AssignmentPhase.Over, (await node.Assignments.Find(Scope.District, assignment.Id))!.Assignment.Phase);
    }

    [Fact]
    public async Task A_group_moves_its_iPads_when_somebody_looks_and_only_those_that_depend_on_it_are_looked_at()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var group = new DeviceGroup { Id = Guid.NewGuid().ToString(), Version = 1, Name = "Cart", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Groups.Create(Scope.District, group, null);
        var assignment = New("one", "group:cart and os<99") with { Except = "serial:Z1" };
        await node.Assignments.Create(Scope.District, assignment, null);
        Assert.Empty(await States(node, assignment.Id));
        await node.Groups.Add(Scope.District, group.Id, new MemberChoice(["A1"], null), Make.Now, _ => null);

        Assert.Equal(0, await node.Assignments.Reach(fields => fields.Contains(FilterField.Person), Make.Now));
        Assert.Equal(1, await node.Assignments.Reach(fields => fields.Contains(FilterField.Group), Make.Now));
        Assert.Equal(0, await node.Assignments.Reach(fields => fields.Contains(FilterField.Group), Make.Now));

        Assert.Equal([("A1", AssignmentState.Waiting)], await States(node, assignment.Id));
        Assert.Equal([assignment.Id], (await node.Assignments.Match(ipad.Id, Make.Now)).Ids);
        Assert.Equal(GroupOutcome.InUse, await node.Groups.Delete(Scope.District, group.Id, null));
        Assert.Equal(["one"], await node.Groups.ListUsers(Scope.District, group.Id, 5));
    }

    [Fact]
    public async Task Only_iPads_of_its_school_come_under_it_and_only_its_people_see_it()
    {
        await using var node = await Fresh();
        var school = new School { Id = Guid.NewGuid().ToString(), Version = 1, Name = "Northside", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Schools.Create(school, null);
        await Make.Enrolled(node, row => row with { SerialNumber = "N1", School = "Northside" });
        await Make.Enrolled(node, row => row with { SerialNumber = "S1", School = "Southside" });
        var assignment = New("one") with { SchoolId = school.Id };

        await node.Assignments.Create(Scope.District, assignment, null);

        Assert.Equal([("N1", AssignmentState.Waiting)], await States(node, assignment.Id));
        Assert.Null(await node.Assignments.Find(Scope.Of([Guid.NewGuid().ToString()]), assignment.Id));
        Assert.Equal("Northside", (await node.Assignments.Find(Scope.Of([school.Id]), assignment.Id))!.School);
        Assert.Empty(await node.Assignments.List(Scope.Of([]), null, null, 10));
        Assert.Equal(AssignmentOutcome.NotFound, await node.Assignments.Delete(Scope.Of([]), assignment.Id, Make.Now, null));
        Assert.Equal(AssignmentOutcome.UnknownSchool, await node.Assignments.Create(Scope.District, New("two") with { SchoolId = Guid.NewGuid().ToString() }, null));
    }

    [Fact]
    public async Task A_plan_counts_who_can_have_it_who_comes_and_who_leaves()
    {
        await using var node = await Fresh();
        var a = await Make.Enrolled(node, row => row with { SerialNumber = "A1", DeviceName = "A1", IsSupervised = true });
        await Make.Enrolled(node, row => row with { SerialNumber = "B1", DeviceName = "B1", IsSupervised = false });
        var assignment = New("one", "serial:A1");
        await node.Assignments.Create(Scope.District, assignment, null);
        await Install(node, a, assignment.Id);

        var plan = await node.Assignments.Plan(Scope.District, assignment.Id, new AssignmentTarget("serial:B1", null, null, Make.Now), [new DeviceRequirement(DeviceRequirementKind.Supervision, "x")], 5);

        Assert.Equal((1L, 0L, 1L, 1L), (plan.Total, plan.Fits, plan.Arriving, plan.Leaving));
        Assert.Equal("B1", Assert.Single(Assert.Single(plan.Reasons).Examples).SerialNumber);
        Assert.Equal("A1", Assert.Single(plan.LeavingExamples).SerialNumber);
        var fresh = await node.Assignments.Plan(Scope.District, null, new AssignmentTarget(null, null, null, Make.Now), [], 5);
        Assert.Equal((2L, 2L, 2L, 0L), (fresh.Total, fresh.Fits, fresh.Arriving, fresh.Leaving));
    }

    [Fact]
    public async Task iPads_are_woken_until_they_came_and_what_became_of_a_command_is_found()
    {
        await using var node = await Fresh();
        var ipad = await Make.Enrolled(node, row => row with { SerialNumber = "A1", Topic = "t", PushToken = [1], PushMagic = "m" });
        var assignment = New("one");
        await node.Assignments.Create(Scope.District, assignment, null);
        var now = Make.Now.AddSeconds(1);

        Assert.Equal(ipad.Id, Assert.Single(await node.Assignments.ListUntold(now, now, now.AddHours(-8), null, 10)).EnrolmentId);
        // It may have come before its grain knew.
        await node.Devices.Touch([(ipad.Id, now)]);
        Assert.Single(await node.Assignments.ListUntold(now, now, now.AddHours(-8), null, 10));
        await node.Devices.RecordPushes([new PushRecord(ipad.Id, now, "accepted")]);
        Assert.Empty(await node.Assignments.ListUntold(now, now, now.AddHours(-8), null, 10));
        Assert.Single(await node.Assignments.ListUntold(now, Make.Now, now.AddHours(-8), null, 10));
        Assert.Single(await node.Assignments.ListUntold(now.AddHours(9), now, now.AddHours(1), null, 10));

        var uuid = Make.Id();
        var appended = await node.Devices.Append(Make.Command(ipad.Id, uuid));
        await Put(node, ipad, new AssignmentStanding { AssignmentId = assignment.Id, State = AssignmentState.Sent, Revision = 1, CommandUuid = uuid, ChangedAt = now });
        Assert.Null(Assert.Single(await node.Assignments.ListOfDevice(ipad.Id)).Ending);
        await node.Devices.Finish(Make.Finish(ipad.Id, appended.Sequence));
        Assert.Equal(CommandEnding.Acknowledged, Assert.Single(await node.Assignments.ListOfDevice(ipad.Id)).Ending);
    }

    [Fact]
    public async Task What_a_grain_has_worked_out_is_not_written_over_what_somebody_has_changed_in_between()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var (one, two) = (New("one"), New("two"));
        await node.Assignments.Create(Scope.District, one, null);
        await node.Assignments.Create(Scope.District, two, null);
        var (rows, number) = await node.Assignments.Standings(ipad.Id);
        var read = rows.ToDictionary(row => row.Standing.AssignmentId, row => row.Standing);
        await node.Assignments.Change(Scope.District, one with { Version = 2, Target = "serial:NOBODY" }, null);
        Assert.True((await node.Assignments.Standings(ipad.Id)).Number > number);

        var changes = rows.Select(row => new AssignmentChange(row.Standing, row.Standing with { State = AssignmentState.Sent, Revision = 1, CommandUuid = "U", ChangedAt = Make.Now.AddSeconds(1) })).ToList();
        Assert.False(await node.Assignments.Write(ipad.Id, changes));
        Assert.Equal(read[two.Id], Assert.Single(await node.Assignments.ListOfDevice(ipad.Id)).Standing);

        // Once more, after an answer that was lost, is the same.
        List<AssignmentChange> mine = [changes.Single(change => change.Before!.AssignmentId == two.Id)];
        Assert.True(await node.Assignments.Write(ipad.Id, mine));
        Assert.True(await node.Assignments.Write(ipad.Id, mine));
        Assert.False(await node.Assignments.Write(ipad.Id, [new AssignmentChange(null, read[two.Id])]));
    }

    [Fact]
    public async Task A_target_that_cannot_be_used_is_refused_and_nothing_is_stored()
    {
        await using var node = await Fresh();
        await Enrol(node, "A1");
        await Assert.ThrowsAsync<FilterException>(() => node.Assignments.Create(Scope.District, New("one", "group:nobody"), null));
        Assert.Empty(await node.Assignments.List(Scope.District, null, null, 10));
        Assert.Equal(AssignmentOutcome.UnknownReference, await node.Assignments.Create(Scope.District, New("one") with { Kind = AssignmentKind.Profile, Reference = Guid.NewGuid().ToString() }, null));
    }

    [Fact]
    public async Task Its_record_says_how_many_iPads_it_touched()
    {
        await using var node = await Fresh();
        await Enrol(node, "A1");
        await Enrol(node, "A2");
        var record = AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.AssignmentCreate);

        await node.Assignments.Create(Scope.District, New("one"), record);

        Assert.Equal(2, Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 10)).Count);
    }
}
