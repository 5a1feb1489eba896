using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Exams;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresExamStoreTests(PostgresFixture fixture) : ExamStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteExamStoreTests(SqliteFixture fixture) : ExamStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Exams and their iPads, the same on both databases.</summary>
public abstract class ExamStoreTests(StoreFixture fixture)
{
    private static readonly DateTimeOffset Begins = Make.Now.AddHours(1), Ends = Make.Now.AddHours(2);

    private static Exam New(string name, string? target = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        Name = name,
        Target = target,
        Kind = ExamKind.OneApp,
        Asked = [1],
        Profile = [2, 3],
        Needs = [new ExamNeed(new DeviceRequirement(DeviceRequirementKind.Supervision, "It"), "It needs supervision.")],
        StartsAt = Begins,
        EndsAt = Ends,
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static Task<DeviceRow> Enrol(Node node, string serial, bool? supervised = true) =>
        Make.Enrolled(node, row => row with { SerialNumber = serial, DeviceName = serial, IsSupervised = supervised });

    private static async Task<(string Serial, ExamState State)[]> States(Node node, string id) =>
        [.. (await node.Exams.ListDevices(Scope.District, id, [], null, 100)).Select(row => (row.SerialNumber!, row.Shown)).OrderBy(one => one.Item1)];

    private static async Task<ExamStanding> Standing(Node node, string device) => Assert.Single(await node.Exams.Standings(device)).Standing;

    /// <summary>As the grain of the iPad writes it.</summary>
    private static async Task Lock(Node node, DeviceRow ipad)
    {
        var before = await Standing(node, ipad.Id);
        Assert.True(await node.Exams.Write(ipad.Id, [new ExamChange(before, before with { State = ExamState.Locked, Revision = 1, Installed = 1, DueAt = Ends, PushAt = null, LockedAt = Begins })]));
    }

    [Fact]
    public async Task Its_iPads_are_written_down_when_it_begins_and_nothing_moves_them_afterwards()
    {
        await using var node = await Fresh();
        var (a, b, c) = (await Enrol(node, "A1"), await Enrol(node, "B1", supervised: false), await Enrol(node, "C1"));
        var group = new DeviceGroup { Id = Guid.NewGuid().ToString(), Version = 1, Name = "9B", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Groups.Create(Scope.District, group, null);
        await node.Groups.Add(Scope.District, group.Id, new MemberChoice(["A1", "B1"], null), Make.Now, _ => null);
        var exam = New("maths", "group:9b");
        Assert.Equal(ExamOutcome.Written, await node.Exams.Create(Scope.District, exam, [], null));
        Assert.Empty(await States(node, exam.Id));
        // What it names stays as long as it has not begun.
        Assert.Equal(GroupOutcome.InUse, await node.Groups.Delete(Scope.District, group.Id, null));
        Assert.Equal(["maths"], await node.Groups.ListUsers(Scope.District, group.Id, 5));

        Assert.Equal(new ExamTurn(0, 0), await node.Exams.Turn(Begins.AddMilliseconds(-1)));
        Assert.Equal(new ExamTurn(1, 0), await node.Exams.Turn(Begins));
        Assert.Equal(new ExamTurn(0, 0), await node.Exams.Turn(Begins));

        Assert.Equal([("A1", ExamState.Planned), ("B1", ExamState.NotPossible)], await States(node, exam.Id));
        Assert.Equal(Begins, (await node.Devices.Load(a.Id)).ExamDueAt);
        Assert.Null((await node.Devices.Load(c.Id)).ExamDueAt);
        Assert.Equal("It needs supervision.", (await Standing(node, b.Id)).Reason);
        Assert.Equal(GroupOutcome.Written, await node.Groups.Delete(Scope.District, group.Id, null));
        Assert.Equal(2, (await States(node, exam.Id)).Length);
        var stored = (await node.Exams.Find(Scope.District, exam.Id))!.Exam;
        Assert.Equal((ExamPhase.Running, 1, "maths"), (stored.Phase, stored.Revision, stored.Name));
        Assert.Equal([2, 3], stored.Profile);
        Assert.Equal(exam.Needs, stored.Needs);
        var record = Assert.Single(await node.Audit.List(new AuditFilter { Verb = AuditVerbs.ExamBegin }, null, 5));
        Assert.Equal((exam.Id, 2L), (record.TargetId, record.Count));
    }

    [Fact]
    public async Task At_the_end_whoever_was_sent_a_lock_is_to_be_released_and_others_are_free()
    {
        await using var node = await Fresh();
        var (a, b) = (await Enrol(node, "A1"), await Enrol(node, "B1"));
        var exam = New("maths", "serial:A1 or serial:B1");
        await node.Exams.Create(Scope.District, exam, [], null);
        await node.Exams.Turn(Begins);
        await Lock(node, a);
        Assert.Equal(Ends, (await node.Devices.Load(a.Id)).ExamDueAt);

        Assert.Equal(new ExamTurn(0, 1), await node.Exams.Turn(Ends));

        Assert.Equal([("A1", ExamState.Releasing), ("B1", ExamState.NeverLocked)], await States(node, exam.Id));
        var standing = await Standing(node, a.Id);
        Assert.Equal((Ends, Ends), (standing.DueAt, standing.PushAt));
        Assert.Null((await node.Devices.Load(b.Id)).ExamDueAt);
        Assert.Equal((exam.Id, 1L), Assert.Single(await node.Exams.ListUnreleased(Scope.District, 5)) is var one ? (one.Id, one.Devices) : default);
        Assert.Equal(ExamOutcome.NotReleased, await node.Exams.Delete(Scope.District, exam.Id, null, null));

        Assert.True(await node.Exams.Write(a.Id, [new ExamChange(standing, standing with { State = ExamState.Released, DueAt = null, PushAt = null, ReleasedAt = Ends })]));
        Assert.Empty(await node.Exams.ListUnreleased(Scope.District, 5));
        Assert.Equal(0, await node.Exams.Forget(Ends));
        Assert.Equal(1, await node.Exams.Forget(Ends.AddDays(1)));
        Assert.Empty(await States(node, exam.Id));
    }

    [Fact]
    public async Task What_was_changed_in_between_is_not_written_over()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var exam = New("maths", "serial:A1");
        await node.Exams.Create(Scope.District, exam, [], null);
        await node.Exams.Turn(Begins);
        var read = await Standing(node, ipad.Id);
        var sent = read with { State = ExamState.Sent, Revision = 1, CommandUuid = "U" };
        Assert.Equal(1, await node.Exams.Release(Scope.District, exam.Id, [ipad.Id], Begins.AddMinutes(1), _ => null));

        Assert.False(await node.Exams.Write(ipad.Id, [new ExamChange(read, sent)]));

        Assert.Equal([("A1", ExamState.NeverLocked)], await States(node, exam.Id));
        // Put in again, and the same write once more, as after a lost answer.
        Assert.Equal((ExamOutcome.Written, 1L), await node.Exams.Add(Scope.District, exam.Id, [ipad.Id], Begins.AddMinutes(2), _ => null));
        var again = await Standing(node, ipad.Id);
        Assert.Equal((ExamState.Planned, (DateTimeOffset?)null), (again.State, again.FreedAt));
        var change = new ExamChange(again, again with { State = ExamState.Sent, Revision = 1, CommandUuid = "U" });
        Assert.True(await node.Exams.Write(ipad.Id, [change]));
        Assert.True(await node.Exams.Write(ipad.Id, [change]));
        Assert.False(await node.Exams.Write(ipad.Id, [new ExamChange(again, again with { State = ExamState.Sent, Revision = 1, CommandUuid = "V" })]));
    }

    [Fact]
    public async Task A_later_end_is_told_to_all_that_are_in_it_and_an_early_one_releases_them()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var exam = New("maths", "serial:A1");
        await node.Exams.Create(Scope.District, exam, [], null);
        Assert.Equal(ExamOutcome.NotRunning, await node.Exams.Prolong(Scope.District, exam.Id, Ends.AddHours(1), Begins, "ada", null));
        await node.Exams.Turn(Begins);
        await Lock(node, ipad);

        Assert.Equal(ExamOutcome.Written, await node.Exams.Prolong(Scope.District, exam.Id, Ends.AddHours(1), Begins.AddMinutes(5), "ada", null));
        Assert.Equal(ExamOutcome.Written, await node.Exams.Prolong(Scope.District, exam.Id, Ends.AddHours(1), Begins.AddMinutes(5), "ada", null));

        var row = Assert.Single(await node.Exams.Standings(ipad.Id));
        Assert.Equal((2, Ends.AddHours(1), ExamState.Locked, Begins.AddMinutes(5)), (row.Wanted, row.EndsAt, row.Standing.State, row.Standing.DueAt));
        Assert.Equal(new ExamTurn(0, 0), await node.Exams.Turn(Ends));

        long? told = null;
        Assert.Equal(ExamOutcome.Written, await node.Exams.ReleaseAll(Scope.District, exam.Id, Ends, "eve", count =>
        {
            told = count;
            return null;
        }));
        Assert.Equal(1, told);
        Assert.Equal([("A1", ExamState.Releasing)], await States(node, exam.Id));
        var over = (await node.Exams.Find(Scope.District, exam.Id))!.Exam;
        Assert.Equal((ExamPhase.Over, Ends, "eve"), (over.Phase, over.EndsAt, over.EndedBy));
        Assert.Equal(ExamOutcome.NotRunning, await node.Exams.Prolong(Scope.District, exam.Id, Ends.AddHours(3), Ends, "ada", null));
        Assert.Equal((ExamOutcome.NotRunning, 0L), await node.Exams.Add(Scope.District, exam.Id, [ipad.Id], Ends, _ => null));
    }

    [Fact]
    public async Task Who_does_not_come_is_woken_again_after_pauses_that_grow()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var exam = New("maths", "serial:A1");
        await node.Exams.Create(Scope.District, exam, [], null);
        await node.Exams.Turn(Begins);
        await Lock(node, ipad);
        await node.Exams.Turn(Ends);
        var (now, pauses) = (Ends, new List<double>());
        for (var push = 0; push < 9; push++)
        {
            Assert.Equal(ipad.Id, Assert.Single(await node.Exams.TakePushes(now, 10)).EnrolmentId);
            Assert.Empty(await node.Exams.TakePushes(now, 10));
            var next = (await Standing(node, ipad.Id)).PushAt!.Value;
            pauses.Add((next - now).TotalMinutes);
            now = next;
        }

        Assert.Equal([1, 2, 5, 10, 20, 40, 60, 60, 60], pauses);
        // Somebody presses the button: at once, and from the beginning.
        await node.Exams.Release(Scope.District, exam.Id, [ipad.Id], now.AddMinutes(-30), _ => null);
        Assert.Single(await node.Exams.TakePushes(now.AddMinutes(-30), 10));
        Assert.Equal(now.AddMinutes(-29), (await Standing(node, ipad.Id)).PushAt);
    }

    [Fact]
    public async Task An_iPad_that_was_erased_or_removed_is_not_waited_for()
    {
        await using var node = await Fresh();
        var (a, b) = (await Enrol(node, "A1"), await Enrol(node, "B1"));
        var exam = New("maths", "serial:A1 or serial:B1");
        await node.Exams.Create(Scope.District, exam, [], null);
        await node.Exams.Turn(Begins);
        await Lock(node, a);
        await Lock(node, b);
        await node.Devices.Commit(Make.Change(a with { Version = a.Version + 1, Status = EnrolmentStatus.Erased }));
        // While the exam runs it may come back, and is locked again.
        Assert.Equal(0, await node.Exams.CloseGone(Begins));
        Assert.Equal([("A1", ExamState.Gone), ("B1", ExamState.Locked)], await States(node, exam.Id));

        await node.Exams.Turn(Ends);
        Assert.Equal(1, await node.Exams.CloseGone(Ends));

        Assert.Equal([("A1", ExamState.Gone), ("B1", ExamState.Releasing)], await States(node, exam.Id));
        Assert.Empty(await node.Exams.Standings(a.Id));
        Assert.Equal(1, (await node.Exams.Count(Scope.District, [exam.Id])).Single(one => one.State == ExamState.Gone).Count);
        Assert.False(await node.Exams.Reopen(b.Id, exam.Id, Ends));
    }

    [Fact]
    public async Task A_lock_that_is_told_late_opens_the_row_again()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "A1");
        var exam = New("maths", "serial:A1");
        await node.Exams.Create(Scope.District, exam, [], null);
        await node.Exams.Turn(Begins);
        await Lock(node, ipad);
        var standing = await Standing(node, ipad.Id);
        await node.Exams.Write(ipad.Id, [new ExamChange(standing, standing with { State = ExamState.Released, DueAt = null, PushAt = null })]);

        Assert.True(await node.Exams.Reopen(ipad.Id, exam.Id, Ends));

        Assert.Equal((ExamState.Releasing, Ends), (await Standing(node, ipad.Id)) is var open ? (open.State, open.DueAt) : default);
    }

    [Fact]
    public async Task One_that_has_begun_cannot_be_changed_and_one_whose_time_the_server_missed_locks_nobody()
    {
        await using var node = await Fresh();
        await Enrol(node, "A1");
        var exam = New("maths", "serial:A1");
        await node.Exams.Create(Scope.District, exam, [], null);
        var changed = exam with { Version = 2, Name = "physics", StartsAt = Begins.AddMinutes(5), UpdatedAt = Make.Now.AddMinutes(1) };
        Assert.Equal(ExamOutcome.Written, await node.Exams.Change(Scope.District, changed, [], null));
        Assert.Equal(ExamOutcome.Written, await node.Exams.Change(Scope.District, changed, [], null));
        Assert.Equal(ExamOutcome.VersionConflict, await node.Exams.Change(Scope.District, changed with { Name = "art" }, [], null));

        Assert.Equal(new ExamTurn(0, 1), await node.Exams.Turn(Ends.AddDays(1)));

        Assert.Empty(await States(node, exam.Id));
        Assert.Equal((ExamPhase.Over, true), (await node.Exams.Find(Scope.District, exam.Id))!.Exam is var over ? (over.Phase, over.Problem is not null) : default);
        Assert.Equal(ExamOutcome.HasBegun, await node.Exams.Change(Scope.District, changed with { Version = 3 }, [], null));
        Assert.Equal(ExamOutcome.Written, await node.Exams.Delete(Scope.District, exam.Id, null, null));
    }

    [Fact]
    public async Task A_plan_counts_who_can_who_cannot_and_who_is_in_another_exam()
    {
        await using var node = await Fresh();
        var (a, _) = (await Enrol(node, "A1"), await Enrol(node, "B1", supervised: false));
        await node.Exams.Create(Scope.District, New("first", "serial:A1"), [], null);
        await node.Exams.Create(Scope.District, New("by name") with { StartsAt = Begins, EndsAt = Ends }, [a.Id], null);
        await node.Exams.Create(Scope.District, New("later", "serial:A1") with { StartsAt = Ends, EndsAt = Ends.AddHours(1) }, [], null);

        var plan = await node.Exams.Plan(
            Scope.District, null, new ExamTarget("serial:B1", [], null, null, [a.Id], Make.Now), Begins, Ends, [new DeviceRequirement(DeviceRequirementKind.Supervision, "It")], "org.example.exam", 5);

        Assert.Equal((2, 1), (plan.Total, plan.Fits));
        Assert.Equal(1, Assert.Single(plan.Reasons).Devices);
        Assert.Equal([("by name", 1L), ("first", 1L)], plan.Overlaps.Select(one => (one.Name, one.Devices)).OrderBy(one => one.Name));
        await Assert.ThrowsAsync<FilterException>(() => node.Exams.Plan(Scope.District, null, new ExamTarget("group:nobody", [], null, null, [], Make.Now), Begins, Ends, [], null, 5));
    }

    [Fact]
    public async Task People_of_a_school_see_its_exams_and_put_in_only_its_iPads()
    {
        await using var node = await Fresh();
        var school = new School { Id = Guid.NewGuid().ToString(), Version = 1, Name = "Elm", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Schools.Create(school, null);
        var own = await Make.Enrolled(node, row => row with { SerialNumber = "A1", School = "Elm" });
        var other = await Make.Enrolled(node, row => row with { SerialNumber = "B1", School = "Oak" });
        var scope = Scope.Of([school.Id]);
        await node.Exams.Create(Scope.District, New("of the district", "serial:A1"), [], null);
        var exam = New("of Elm") with { SchoolId = school.Id };
        Assert.Equal(ExamOutcome.Written, await node.Exams.Create(scope, exam, [own.Id, other.Id], null));

        Assert.Equal(["of Elm"], (await node.Exams.List(scope, null, null, false, null, 10)).Select(row => row.Exam.Name));
        Assert.Equal([("A1", ExamState.Planned)], await States(node, exam.Id));
        Assert.Equal([own.Id], (await node.Exams.Resolve(scope, ["A1", "B1", "nobody"])).Values);
        Assert.Equal((ExamOutcome.Written, 0L), await node.Exams.Add(scope, exam.Id, [other.Id], Make.Now, _ => null));
        Assert.Null(await node.Exams.Find(Scope.Of([Guid.NewGuid().ToString()]), exam.Id));
        Assert.Equal(["of Elm"], (await node.Exams.ListOfDevices([own.Id])).Select(one => one.Name));
    }

    [Fact]
    public async Task The_iPads_that_pupils_of_a_class_have_are_in_it_and_stay_in_it_when_a_person_is_deleted()
    {
        await using var node = await Fresh();
        var school = new School { Id = Guid.NewGuid().ToString(), Version = 1, Name = "Elm", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Schools.Create(school, null);
        var (a, b) = (await Make.Enrolled(node, row => row with { SerialNumber = "A1", School = "Elm" }), await Make.Enrolled(node, row => row with { SerialNumber = "B1", School = "Elm" }));
        await Make.Enrolled(node, row => row with { SerialNumber = "C1", School = "Elm" });
        var (ali, bo) = (await HoldingStoreTests.Person(node, "Ali"), await HoldingStoreTests.Person(node, "Bo"));
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(a.Id, ali, null));
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(b.Id, bo, null));
        var @class = Guid.NewGuid().ToString();
        await node.Classes.Create(
            Scope.District, new SchoolClass { Id = @class, Version = 1, SchoolId = school.Id, Name = "9B", Active = true, CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" }, null);
        await node.Exams.Create(Scope.District, New("maths") with { ClassIds = [@class], Except = "serial:B1" }, [], null);
        var exam = (await node.Exams.List(Scope.District, null, null, false, null, 5))[0].Exam;
        Assert.Equal([@class], exam.ClassIds);
        var target = new ExamTarget(null, [@class], null, null, [], Make.Now);
        Assert.Equal(0, (await node.Exams.Plan(Scope.District, null, target, Begins, Ends, [], null, 5)).Total);
        foreach (var pupil in new[] { ali, bo }) Assert.Equal(PersonOutcome.Written, await node.Classes.SetMember(Scope.District, @class, pupil, PersonRole.Pupil, null));
        Assert.Equal(2, (await node.Exams.Plan(Scope.District, null, target, Begins, Ends, [], null, 5)).Total);
        Assert.Equal(1, Assert.Single((await node.Exams.Plan(Scope.District, null, target, Begins, Ends, [], null, 5)).Overlaps).Devices);

        await node.Exams.Turn(Begins);
        await node.People.Delete(Scope.District, ali, null);

        Assert.Equal([("A1", ExamState.Planned)], await States(node, exam.Id));
    }

    private static async Task<SchoolClass> Class(Node node, string name)
    {
        var school = new School { Id = Guid.NewGuid().ToString(), Version = 1, Name = $"School of {name}", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Schools.Create(school, null);
        var made = new SchoolClass { Id = Guid.NewGuid().ToString(), Version = 1, SchoolId = school.Id, Name = name, Active = true, CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Classes.Create(Scope.District, made, null);
        return made;
    }

    private static Exam Lesson(SchoolClass of, string app = "org.example.app", DateTimeOffset? at = null) => New($"{of.Name}: {app}") with
    {
        SchoolId = of.SchoolId,
        Lesson = new ExamLesson(of.Id, app, "App"),
        StartsAt = at ?? Make.Now,
        EndsAt = (at ?? Make.Now).AddMinutes(45),
        UpdatedAt = at ?? Make.Now,
    };

    [Fact]
    public async Task A_class_has_one_lock_at_a_time_and_the_same_once_more_changes_nothing()
    {
        await using var node = await Fresh();
        var (a, b) = (await Enrol(node, "A1"), await Enrol(node, "B1"));
        var (of, other) = (await Class(node, "7B"), await Class(node, "8C"));
        Assert.Null(await node.Exams.FindLesson(of.Id, Make.Now));
        var first = Lesson(of);
        var records = 0;
        AuditRecord? Record(Exam standing, long count)
        {
            records++;
            return null;
        }

        Assert.Equal((ExamOutcome.Written, 1L), (await node.Exams.LockLesson(first, [a.Id], Record)) is var one ? (one.Outcome, one.Count) : default);
        // Another press, another teacher, an iPad more: all in the one lock.
        Assert.Equal(0, (await node.Exams.LockLesson(Lesson(of), [a.Id], Record)).Count);
        Assert.Equal(1, (await node.Exams.LockLesson(Lesson(of), [a.Id, b.Id], Record)).Count);
        Assert.Equal(2, records);
        Assert.Equal([("A1", ExamState.Planned), ("B1", ExamState.Planned)], await States(node, first.Id));
        var refused = await node.Exams.LockLesson(Lesson(of, "org.example.other"), [a.Id], Record);
        Assert.Equal((ExamOutcome.OtherApp, first.Id), (refused.Outcome, refused.Standing!.Id));
        Assert.Equal(ExamOutcome.Written, (await node.Exams.LockLesson(Lesson(other), [b.Id], Record)).Outcome);
        Assert.Equal(ExamOutcome.NotFound, (await node.Exams.LockLesson(Lesson(of with { Id = Guid.NewGuid().ToString() }), [a.Id], Record)).Outcome);
        Assert.Equal(ExamOutcome.Nobody, (await node.Exams.LockLesson(Lesson(await Class(node, "9D")), ["nobody"], Record)).Outcome);
        Assert.Empty(await node.Exams.List(Scope.District, null, null, false, null, 10));
        Assert.Equal(2, (await node.Exams.List(Scope.District, null, null, true, null, 10)).Count);

        // Its time is over, and nobody has ended it yet: the next one begins all the same.
        await Lock(node, a);
        var next = Lesson(of, "org.example.other", Make.Now.AddHours(1));
        Assert.Equal((ExamOutcome.Written, 1L), (await node.Exams.LockLesson(next, [a.Id], Record)) is var later ? (later.Outcome, later.Count) : default);
        Assert.Equal([("A1", ExamState.Releasing), ("B1", ExamState.NeverLocked)], await States(node, first.Id));
        Assert.Equal(next.Id, (await node.Exams.FindLesson(of.Id, next.StartsAt))!.Exam.Id);
    }

    [Fact]
    public async Task An_exam_keeps_its_iPads_and_a_lesson_hears_which()
    {
        await using var node = await Fresh();
        var (a, b) = (await Enrol(node, "A1"), await Enrol(node, "B1"));
        var of = await Class(node, "7B");
        Assert.Equal(ExamOutcome.Written, await node.Exams.Create(Scope.District, New("maths") with { StartsAt = Make.Now }, [a.Id], null));
        var held = await node.Exams.LockLesson(Lesson(of), [a.Id], (_, _) => null);
        Assert.Equal((ExamOutcome.Nobody, a.Id), (held.Outcome, Assert.Single(held.Held)));
        var lesson = Lesson(of);
        held = await node.Exams.LockLesson(lesson, [a.Id, b.Id], (_, _) => null);
        Assert.Equal((ExamOutcome.Written, 1L, a.Id), (held.Outcome, held.Count, Assert.Single(held.Held)));
        Assert.Equal([("B1", ExamState.Planned)], await States(node, lesson.Id));
        Assert.True(Assert.Single(await node.Exams.Standings(b.Id)).IsLesson);
        Assert.False(Assert.Single(await node.Exams.Standings(a.Id)).IsLesson);
        Assert.Equal([b.Id], await node.Exams.ListDeviceIds(Scope.District, lesson.Id, [a.Id, b.Id]));
        Assert.Equal([true], (await node.Exams.ListOfDevices([b.Id])).Select(one => one.IsLesson));
        // Nothing of a lesson stands in the way of a plan.
        Assert.DoesNotContain((await node.Exams.Plan(Scope.District, null, new ExamTarget(null, [], null, null, [b.Id], Make.Now), Make.Now, Ends, [], null, 5)).Overlaps, one => one.ExamId == lesson.Id);
    }

    [Fact]
    public async Task A_plan_says_how_many_exams_at_that_time_it_did_not_compare_and_who_lacks_the_app_is_counted_before_it_begins()
    {
        await using var node = await Fresh();
        var a = await Enrol(node, "A1");
        await Enrol(node, "B1");
        for (var i = 0; i < 23; i++) Assert.Equal(ExamOutcome.Written, await node.Exams.Create(Scope.District, New($"exam {i}", "serial:A1"), [], null));
        var plan = await node.Exams.Plan(Scope.District, null, new ExamTarget("serial:A1", [], null, null, [], Make.Now), Begins, Ends, [], null, 5);
        Assert.Equal((20, 3L), (plan.Overlaps.Count, plan.NotCompared));

        var coming = (await node.Exams.List(Scope.District, "exam 22", null, false, null, 1))[0].Exam;
        Assert.Equal(0, await node.Exams.CountWithoutApp(Scope.District, coming.Id, "org.example.exam", Make.Now));
        var queued = await node.Devices.Append(Make.Command(a.Id));
        var told = new InventoryChange { List = InventoryList.Apps, Digest = Guid.NewGuid(), At = Make.Now, Difference = new InventoryDifference(null, [new InventoryItem("org.example.other", "Other", "1", null, "{}")], [], 1, Cut: false) };
        Assert.True(await node.Devices.Finish(Make.Finish(a.Id, queued.Sequence) with { Inventory = told }));
        Assert.Equal(1, await node.Exams.CountWithoutApp(Scope.District, coming.Id, "org.example.exam", Make.Now));
    }
}
