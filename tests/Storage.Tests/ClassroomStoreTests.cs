using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresClassroomStoreTests(PostgresFixture fixture) : ClassroomStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteClassroomStoreTests(SqliteFixture fixture) : ClassroomStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>What iPads should know of their classes, the same on both databases.</summary>
public abstract class ClassroomStoreTests(StoreFixture fixture)
{
    private static readonly DateOnly Today = DateOnly.FromDateTime(Make.Now.UtcDateTime);

    private static readonly byte[] One = [.. Enumerable.Repeat((byte)1, 32)], Two = [.. Enumerable.Repeat((byte)2, 32)];

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static async Task<string> School(Node node, string name, bool on = true)
    {
        var school = new School { Id = Guid.NewGuid().ToString(), Version = 1, Name = name, CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Schools.Create(school, null);
        if (on) Assert.True(await node.Classroom.Switch(Scope.District, school.Id, true, Make.Now, "ada", null));
        return school.Id;
    }

    private static async Task<string> Class(Node node, string school, string name, params (string Person, PersonRole Role)[] members)
    {
        var made = new SchoolClass { Id = Guid.NewGuid().ToString(), Version = 1, SchoolId = school, Name = name, Active = true, CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Classes.Create(Scope.District, made, null);
        foreach (var (person, role) in members) Assert.Equal(PersonOutcome.Written, await node.Classes.SetMember(Scope.District, made.Id, person, role, null));
        return made.Id;
    }

    private static async Task<string> Pad(Node node, string person)
    {
        var pad = await Make.Enrolled(node);
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(pad.Id, person));
        return pad.Id;
    }

    private static ClassroomWish Wish(string device, string person, byte[] content, PersonRole role = PersonRole.Pupil, params string[] classes) => new(device, person, role, content, 2, null, classes);

    private static async Task<AssignmentStanding?> Standing(Node node, string device) =>
        (await node.Assignments.ListOfDevice(device)).SingleOrDefault(one => one.Standing.AssignmentId == IClassroomStore.AssignmentId)?.Standing;

    private static async Task Becomes(Node node, string device, Func<AssignmentStanding, AssignmentStanding> change)
    {
        var standing = (await Standing(node, device))!;
        Assert.True(await node.Assignments.Write(device, [new AssignmentChange(standing, change(standing))]));
    }

    [Fact]
    public async Task Equal_content_changes_nothing_another_one_is_a_revision_and_what_goes_is_to_be_removed()
    {
        await using var node = await Fresh();
        var person = await HoldingStoreTests.Person(node, "Berg");
        await School(node, "North");
        var pad = await Pad(node, person);
        Assert.Null(await Standing(node, pad));

        Assert.Equal(1, await node.Classroom.Write([pad], [Wish(pad, person, One)], Make.Now));
        Assert.Equal(0, await node.Classroom.Write([pad], [Wish(pad, person, One)], Make.Now));
        Assert.Equal((AssignmentState.Waiting, 1), ((await Standing(node, pad))!.State, (await node.Classroom.Find(pad))!.Revision));
        // Whoever enrols later comes under it too.
        Assert.Equal([IClassroomStore.AssignmentId], (await node.Assignments.Match(pad, Make.Now)).Ids);

        await Becomes(node, pad, one => one with { State = AssignmentState.Installed, Revision = 1, Installed = 1, DueAt = null });
        var number = await node.Assignments.Number();
        Assert.Equal(0, await node.Classroom.Write([pad], [Wish(pad, person, One)], Make.Now));
        Assert.Equal(number, await node.Assignments.Number());
        Assert.Equal(1, await node.Classroom.Write([pad], [Wish(pad, person, Two)], Make.Now));
        Assert.Equal((AssignmentState.Waiting, 2), ((await Standing(node, pad))!.State, (await node.Classroom.Find(pad))!.Revision));
        Assert.True(await node.Assignments.Number() > number);

        await Becomes(node, pad, one => one with { State = AssignmentState.Installed, Revision = 2, Installed = 2, DueAt = null });
        Assert.Equal(1, await node.Classroom.Write([pad], [], Make.Now));
        Assert.Equal(AssignmentState.Leaving, (await Standing(node, pad))!.State);
        // It comes back before it was removed: a number that the iPad has not had.
        await node.Classroom.Write([pad], [Wish(pad, person, Two)], Make.Now);
        Assert.Equal((AssignmentState.Waiting, 3), ((await Standing(node, pad))!.State, (await node.Classroom.Find(pad))!.Revision));
    }

    [Fact]
    public async Task A_certificate_that_ends_is_one_more_revision_once()
    {
        await using var node = await Fresh();
        var person = await HoldingStoreTests.Person(node, "Berg");
        await School(node, "North");
        var (pad, other) = (await Pad(node, person), await Pad(node, person));
        await node.Classroom.Write([pad, other], [Wish(pad, person, One), Wish(other, person, One)], Make.Now);
        await node.Classroom.Issued(pad, 1, One, Make.Now.AddDays(100));
        await node.Classroom.Issued(other, 1, One, Make.Now.AddDays(200));
        // Of an earlier revision: it is not the one that the iPad has.
        await node.Classroom.Issued(other, 0, Two, Make.Now.AddDays(1));
        await Becomes(node, pad, one => one with { State = AssignmentState.Installed, Revision = 1, Installed = 1, DueAt = null });

        Assert.Equal(0, await node.Classroom.RenewCertificates(Make.Now.AddDays(99), Make.Now, 10));
        Assert.Equal(1, await node.Classroom.RenewCertificates(Make.Now.AddDays(101), Make.Now, 10));
        Assert.Equal(0, await node.Classroom.RenewCertificates(Make.Now.AddDays(101), Make.Now, 10));

        Assert.Equal((2, null, AssignmentState.Waiting), ((await node.Classroom.Find(pad))!.Revision, (await node.Classroom.Find(pad))!.CertificateEndsAt, (await Standing(node, pad))!.State));
        Assert.Equal(1, (await node.Classroom.Find(other))!.Revision);
    }

    [Fact]
    public async Task Facts_have_the_names_that_an_iPad_may_know_and_classes_of_schools_that_are_off_are_none()
    {
        await using var node = await Fresh();
        var (tea, ali, bo) = (await HoldingStoreTests.Person(node, "Tea"), await HoldingStoreTests.Person(node, "Ali"), await HoldingStoreTests.Person(node, "Bo"));
        var (north, south) = (await School(node, "North"), await School(node, "South", on: false));
        var seven = await Class(node, north, "7B", (tea, PersonRole.Teacher), (ali, PersonRole.Pupil), (bo, PersonRole.Pupil), (await HoldingStoreTests.Person(node, "Left", active: false), PersonRole.Pupil));
        await Class(node, south, "8A", (tea, PersonRole.Teacher), (ali, PersonRole.Pupil));
        var (hers, his, nobodys) = (await Pad(node, tea), await Pad(node, ali), (await Make.Enrolled(node)).Id);
        await node.Classroom.NumberClasses(Today);
        await node.Classroom.NumberClasses(Today);

        var facts = (await node.Classroom.ReadFacts([hers, his, nobodys], Today)).ToDictionary(one => one.DeviceId);

        Assert.Equal(2, facts.Count);
        var teachers = Assert.Single(facts[hers].Groups);
        Assert.Equal((seven, 1, PersonRole.Teacher), (teachers.ClassId, teachers.Beacon, teachers.Role));
        Assert.Equal(new[] { ali, bo }.Order(StringComparer.Ordinal), teachers.Pupils.Select(one => one.Id));
        var pupils = Assert.Single(facts[his].Groups);
        Assert.Equal([ali], pupils.Pupils.Select(one => one.Id));
        Assert.Equal([tea], pupils.Teachers.Select(one => one.Id));

        // A class keeps its number, and a new one gets another.
        var next = await Class(node, north, "9C", (tea, PersonRole.Teacher));
        await node.Classroom.NumberClasses(Today);
        Assert.Equal([(seven, 1), (next, 2)], (await node.Classroom.ReadFacts([hers], Today))[0].Groups.Select(group => (group.ClassId, group.Beacon!.Value)).OrderBy(group => group.Item2));
    }

    [Fact]
    public async Task Whom_a_change_touches_is_found_by_class_by_person_and_by_what_was_told_before()
    {
        await using var node = await Fresh();
        var (tea, ali, cia) = (await HoldingStoreTests.Person(node, "Tea"), await HoldingStoreTests.Person(node, "Ali"), await HoldingStoreTests.Person(node, "Cia"));
        var north = await School(node, "North");
        var (seven, eight) = (await Class(node, north, "7B", (tea, PersonRole.Teacher), (ali, PersonRole.Pupil)), await Class(node, north, "8A", (cia, PersonRole.Pupil)));
        var (hers, his, other) = (await Pad(node, tea), await Pad(node, ali), await Pad(node, cia));
        async Task<string[]> Touched(ClassroomThing thing, string id) => [.. (await node.Classroom.ListTouched(thing, id)).Order(StringComparer.Ordinal)];
        string[] both = [.. new[] { hers, his }.Order(StringComparer.Ordinal)];

        Assert.Equal(both, await Touched(ClassroomThing.Class, seven));
        Assert.Equal(both, await Touched(ClassroomThing.Person, ali));
        Assert.Equal([other], await Touched(ClassroomThing.Class, eight));
        Assert.Equal([his], await Touched(ClassroomThing.Device, his));

        await node.Classroom.Write([hers, his], [Wish(hers, tea, One, PersonRole.Teacher, seven), Wish(his, ali, One, PersonRole.Pupil, seven)], Make.Now);
        await node.Classes.Delete(Scope.District, seven, null);
        Assert.Equal(both, await Touched(ClassroomThing.Class, seven));
        Assert.Equal(new[] { hers, his, other }.Order(StringComparer.Ordinal), await node.Classroom.ListAll(null, 10));
    }

    [Fact]
    public async Task Where_there_can_be_no_profile_that_of_the_holder_before_goes_and_the_problem_is_told()
    {
        await using var node = await Fresh();
        var (ali, bo) = (await HoldingStoreTests.Person(node, "Ali"), await HoldingStoreTests.Person(node, "Bo"));
        var north = await School(node, "North");
        var seven = await Class(node, north, "7B", (ali, PersonRole.Pupil), (bo, PersonRole.Pupil));
        var pad = await Pad(node, ali);
        await node.Classroom.Write([pad], [Wish(pad, ali, One, PersonRole.Pupil, seven)], Make.Now);
        await Becomes(node, pad, one => one with { State = AssignmentState.Installed, Revision = 1, Installed = 1, DueAt = null });
        var troubled = Wish(pad, bo, Two, PersonRole.Pupil, seven) with { Problem = "Too many." };

        Assert.Equal(1, await node.Classroom.Write([pad], [troubled], Make.Now));

        Assert.Equal(AssignmentState.Leaving, (await Standing(node, pad))!.State);
        Assert.Empty((await node.Assignments.Match(pad, Make.Now)).Ids);
        Assert.True(await node.Assignments.Write(pad, [new AssignmentChange(await Standing(node, pad), null)]));
        Assert.Equal(0, await node.Classroom.Write([pad], [troubled], Make.Now));
        Assert.Equal("Too many.", (await node.Classroom.Find(pad))!.Problem);
        Assert.Equal([(AssignmentState.NotApplicable, 1L)], (await node.Classroom.Count(Scope.District, [north])).Select(one => (one.State!.Value, one.Count)));
        Assert.Equal("Too many.", Assert.Single(await node.Classroom.ListDevices(Scope.District, north, AssignmentState.NotApplicable, null, 10)).Device.Problem);
        Assert.Empty(await node.Classroom.ListDevices(Scope.District, north, AssignmentState.Waiting, null, 10));
        // The problem goes, and the content is what it was.
        Assert.Equal(1, await node.Classroom.Write([pad], [troubled with { Problem = null }], Make.Now));
        Assert.Equal(AssignmentState.Waiting, (await Standing(node, pad))!.State);
    }

    [Fact]
    public async Task A_profile_that_says_something_else_than_was_worked_out_hides_no_change_from_the_next_look()
    {
        await using var node = await Fresh();
        var ali = await HoldingStoreTests.Person(node, "Ali");
        await School(node, "North");
        foreach (var next in (byte[][])[One, Two])
        {
            var pad = await Pad(node, ali);
            await node.Classroom.Write([pad], [Wish(pad, ali, One)], Make.Now);
            await node.Classroom.Issued(pad, 1, Two, Make.Now.AddDays(100));
            Assert.Null((await node.Classroom.Find(pad))!.CertificateEndsAt);
            await Becomes(node, pad, one => one with { State = AssignmentState.Installed, Revision = 1, Installed = 1, DueAt = null });

            Assert.Equal(1, await node.Classroom.Write([pad], [Wish(pad, ali, next)], Make.Now));
            await node.Classroom.Issued(pad, 2, next, Make.Now.AddDays(100));
            Assert.Equal(Make.Now.AddDays(100), (await node.Classroom.Find(pad))!.CertificateEndsAt);
            Assert.Equal(0, await node.Classroom.Write([pad], [Wish(pad, ali, next)], Make.Now));
        }
    }

    [Fact]
    public async Task The_number_of_a_class_that_is_over_is_free_and_a_class_that_is_over_gets_none()
    {
        await using var node = await Fresh();
        var tea = await HoldingStoreTests.Person(node, "Tea");
        var north = await School(node, "North");
        var pad = await Pad(node, tea);
        var seven = await Class(node, north, "7B", (tea, PersonRole.Teacher));
        await node.Classroom.NumberClasses(Today);
        async Task<int?> Number(string id) => (await node.Classroom.ReadFacts([pad], Today)).SelectMany(one => one.Groups).Single(group => group.ClassId == id).Beacon;
        Assert.Equal(1, await Number(seven));

        var made = (await node.Classes.Find(Scope.District, seven))!.Class;
        await node.Classes.Change(Scope.District, made with { Version = 2, EndsOn = Today.AddDays(-1) }, null);
        var eight = await Class(node, north, "8A", (tea, PersonRole.Teacher));
        await node.Classroom.NumberClasses(Today);
        await node.Classes.Change(Scope.District, made with { Version = 3, EndsOn = null }, null);

        Assert.Equal((1, null), (await Number(eight), await Number(seven)));
        await node.Classroom.NumberClasses(Today);
        Assert.Equal((1, 2), (await Number(eight), await Number(seven)));
    }

    [Fact]
    public async Task Who_looks_after_everything_else_renews_it_only_when_it_looks_at_all()
    {
        await using var node = await Fresh();
        var ali = await HoldingStoreTests.Person(node, "Ali");
        await School(node, "North");
        string[] pads = [.. new[] { await Pad(node, ali), await Pad(node, ali), await Pad(node, ali) }.Order(StringComparer.Ordinal)];
        await node.Classroom.Write(pads, [.. pads.Select(pad => Wish(pad, ali, One))], Make.Now);
        await Becomes(node, pads[0], one => one with { State = AssignmentState.Installed, Revision = 0, Installed = 0, DueAt = null });

        Assert.Equal(0, await node.Assignments.Reach(_ => false, Make.Now));
        Assert.Equal(1, await node.Assignments.Reach(_ => true, Make.Now));

        // Each iPad once, page by page, whether it has a holder, a row or both.
        var found = new List<string>();
        while (await node.Classroom.ListAll(found.LastOrDefault(), 1) is [var next]) found.Add(next);
        Assert.Equal(pads, found);
    }

    [Fact]
    public async Task A_school_is_switched_once_and_only_by_those_whose_it_is()
    {
        await using var node = await Fresh();
        var (north, south) = (await School(node, "North", on: false), await School(node, "South", on: false));
        var scope = Scope.Of([north]);
        AuditRecord Record() => AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.ClassroomSwitch);

        Assert.Null(await node.Classroom.Switch(scope, south, true, Make.Now, "ada", Record()));
        Assert.True(await node.Classroom.Switch(scope, north, true, Make.Now, "ada", Record()));
        Assert.False(await node.Classroom.Switch(scope, north, true, Make.Now, "bo", Record()));
        Assert.Single(await node.Audit.List(new AuditFilter { Verb = AuditVerbs.ClassroomSwitch }, null, 10));
        Assert.Equal([("North", true, "ada")], (await node.Classroom.ListSchools(scope, null, 10)).Select(one => (one.Name, one.On, one.SwitchedBy)));
        Assert.Equal(["South"], (await node.Classroom.ListSchools(Scope.District, (await node.Classroom.FindSchool(Scope.District, north))!, 10)).Select(one => one.Name));
        Assert.True(await node.Classroom.Switch(scope, north, false, Make.Now, "ada", null));
        Assert.False(await node.Classroom.IsUsed());
        // It is no assignment of people, though one row of it stays.
        Assert.Empty(await node.Assignments.List(Scope.District, null, null, 10));
        Assert.Null(await node.Assignments.Find(Scope.District, IClassroomStore.AssignmentId));
        Assert.Equal(AssignmentOutcome.NotFound, await node.Assignments.Delete(Scope.District, IClassroomStore.AssignmentId, Make.Now, null));
    }

    [Fact]
    public async Task Counts_are_by_school_role_and_state_and_a_class_without_a_teachers_iPad_is_named()
    {
        await using var node = await Fresh();
        var (tea, ali) = (await HoldingStoreTests.Person(node, "Tea"), await HoldingStoreTests.Person(node, "Ali"));
        var north = await School(node, "North");
        var seven = await Class(node, north, "7B", (tea, PersonRole.Teacher), (ali, PersonRole.Pupil));
        await Class(node, north, "8A", (ali, PersonRole.Pupil));
        var (hers, his) = (await Pad(node, tea), await Pad(node, ali));
        await node.Classroom.Write([hers, his], [Wish(hers, tea, One, PersonRole.Teacher, seven), Wish(his, ali, One, PersonRole.Pupil, seven)], Make.Now);
        await Becomes(node, hers, one => one with { State = AssignmentState.Installed, Revision = 1, Installed = 1, DueAt = null });

        Assert.Equal(
            [(PersonRole.Pupil, AssignmentState.Waiting, 1L), (PersonRole.Teacher, AssignmentState.Installed, 1L)],
            (await node.Classroom.Count(Scope.District, [north])).Select(one => (one.Role, one.State!.Value, one.Count)).OrderBy(one => one.Role));
        Assert.Empty(await node.Classroom.Count(Scope.Of([Guid.NewGuid().ToString()]), [north]));
        Assert.Equal(1, (await node.Classroom.CountWithoutTeacher([north], Today))[north]);
        Assert.Equal(["8A"], (await node.Classroom.ListWithoutTeacher(Scope.District, north, Today, null, 10)).Select(one => one.Name));
        Assert.Equal([hers], (await node.Classroom.ListDevices(Scope.District, north, AssignmentState.Installed, null, 10)).Select(one => one.DeviceId));
        Assert.Equal(2, (await node.Classroom.ListDevices(Scope.District, north, null, null, 10)).Count);
    }
}
