using FleetMdm.Storage.Audit;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresPeopleStoreTests(PostgresFixture fixture) : PeopleStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqlitePeopleStoreTests(SqliteFixture fixture) : PeopleStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class PeopleStoreTests(StoreFixture fixture)
{
    internal static School School(string name) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        Name = name,
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private static Person New(string given, string family, string? schoolId = null, PersonRole role = PersonRole.Pupil) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        SchoolId = schoolId,
        Role = role,
        GivenName = given,
        FamilyName = family,
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private static SchoolClass Class(string name, string schoolId) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        SchoolId = schoolId,
        Name = name,
        EndsOn = new DateOnly(2027, 6, 11),
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static async Task<string> AtSchool(Node node, string name)
    {
        var school = School(name);
        Assert.Equal(SchoolOutcome.Written, await node.Schools.Create(school, null));
        return school.Id;
    }

    private static async Task<Person> Add(Node node, Person person)
    {
        Assert.Equal(PersonOutcome.Written, await node.People.Create(Scope.District, person, null));
        return person;
    }

    [Fact]
    public async Task A_person_is_kept_as_they_were_written()
    {
        await using var node = await Fresh();
        var school = await AtSchool(node, "North");
        var person = New("Åsa", "Öberg", school) with
        {
            SourceId = "u-1",
            Username = "asob",
            Email = "asa@school.example",
            ManagedAccount = "Asa@appleid.school.example",
            Grade = "7",
            Active = false,
            LeftAt = Make.Now,
        };
        await Add(node, person);
        Assert.Equal(PersonOutcome.Written, await node.People.Create(Scope.District, person, null));

        Assert.Equal(new PersonRow(person, "North"), await node.People.Find(Scope.District, person.Id));
        Assert.Equal(PersonOutcome.SourceTaken, await node.People.Create(Scope.District, New("A", "B") with { SourceId = "u-1" }, null));
        Assert.Equal(PersonOutcome.AccountTaken, await node.People.Create(Scope.District, New("A", "B") with { ManagedAccount = "asa@APPLEID.school.example" }, null));
        Assert.Equal(PersonOutcome.NoSchool, await node.People.Create(Scope.District, New("A", "B", Guid.NewGuid().ToString()), null));
    }

    [Fact]
    public async Task Of_two_who_change_a_person_the_later_one_is_told()
    {
        await using var node = await Fresh();
        var person = await Add(node, New("Ali", "Berg"));
        var changed = person with { Grade = "8", Version = 2 };
        Assert.Equal(PersonOutcome.Written, await node.People.Change(Scope.District, changed, AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.PersonChange)));
        Assert.Equal(PersonOutcome.Written, await node.People.Change(Scope.District, changed, null));
        Assert.Equal(PersonOutcome.VersionConflict, await node.People.Change(Scope.District, person with { Grade = "9", Version = 2 }, null));
        Assert.Equal("8", (await node.People.Find(Scope.District, person.Id))!.Person.Grade);
        Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 9));
    }

    [Fact]
    public async Task People_are_listed_by_family_name_page_by_page_and_found_by_what_the_reader_may_see()
    {
        await using var node = await Fresh();
        var school = await AtSchool(node, "North");
        foreach (var (given, family) in ((string, string)[])[("Cia", "Berg"), ("Ali", "Berg"), ("Bo", "alm"), ("Disa", "Öst"), ("", "Zorro_")])
            await Add(node, New(given, family, given == "Bo" ? null : school) with { Email = $"{given}mail%@x.example".ToLowerInvariant(), Active = given != "Cia" });

        var names = new List<string>();
        Person? after = null;
        while (await node.People.List(Scope.District, new PersonFilter(), after, 2) is { Count: > 0 } page)
        {
            names.AddRange(page.Select(row => $"{row.Person.GivenName} {row.Person.FamilyName}".Trim()));
            after = page[^1].Person;
        }

        Assert.Equal(["Bo alm", "Ali Berg", "Cia Berg", "Zorro_", "Disa Öst"], names);
        Assert.Equal(["Ali"], await Find(new PersonFilter { Text = "BERG ali" }));
        Assert.Equal(["Ali"], await Find(new PersonFilter { Text = "ali berg" }));
        Assert.Equal(["Disa"], await Find(new PersonFilter { Text = "öST", NamesOnly = true }));
        Assert.Equal([""], await Find(new PersonFilter { Text = "o_" }));
        Assert.Equal(5, (await Find(new PersonFilter { Text = "mail%@" })).Count);
        Assert.Empty(await Find(new PersonFilter { Text = "mail%@", NamesOnly = true }));
        Assert.Equal(["Cia"], await Find(new PersonFilter { SchoolId = school, Active = false, Role = PersonRole.Pupil }));
        Assert.Empty(await Find(new PersonFilter { Role = PersonRole.Staff }));

        async Task<List<string>> Find(PersonFilter filter) => [.. (await node.People.List(Scope.District, filter, null, 9)).Select(row => row.Person.GivenName)];
    }

    [Fact]
    public async Task A_class_has_pupils_and_teachers_and_what_is_deleted_leaves_nothing_behind()
    {
        await using var node = await Fresh();
        var school = await AtSchool(node, "North");
        var seven = Class("7B", school) with { SourceId = "c-1" };
        Assert.Equal(PersonOutcome.Written, await node.Classes.Create(Scope.District, seven, null));
        Assert.Equal(PersonOutcome.SourceTaken, await node.Classes.Create(Scope.District, Class("x", school) with { SourceId = "c-1" }, null));
        Person ali = await Add(node, New("Ali", "Berg", school)), tea = await Add(node, New("Tea", "Chur", school, PersonRole.Teacher));
        Assert.Equal(PersonOutcome.Written, await node.Classes.SetMember(Scope.District, seven.Id, ali.Id, PersonRole.Teacher, null));
        Assert.Equal(PersonOutcome.Written, await node.Classes.SetMember(Scope.District, seven.Id, ali.Id, PersonRole.Pupil, null));
        Assert.Equal(PersonOutcome.Written, await node.Classes.SetMember(Scope.District, seven.Id, tea.Id, PersonRole.Teacher, null));
        Assert.Equal(PersonOutcome.NoPerson, await node.Classes.SetMember(Scope.District, seven.Id, Guid.NewGuid().ToString(), PersonRole.Pupil, null));

        Assert.Equal(new ClassRow(seven, "North", 1, 1), await node.Classes.Find(Scope.District, seven.Id));
        Assert.Equal([("Berg", PersonRole.Pupil), ("Chur", PersonRole.Teacher)],
            (await node.Classes.ListMembers(Scope.District, seven.Id, null, 9)).Select(member => (member.Person.FamilyName, member.Role)));
        Assert.Equal("7B", Assert.Single(await node.People.ListClasses(Scope.District, ali.Id, 9)).Class.Name);
        Assert.Equal(SchoolOutcome.InUse, await node.Schools.Delete(Scope.District, school, null));
        Assert.Equal(2, (await node.Schools.Find(Scope.District, school))!.People);

        Assert.Equal(PersonOutcome.Written, await node.People.Delete(Scope.District, tea.Id, null));
        Assert.Equal(PersonOutcome.NotFound, await node.People.Delete(Scope.District, tea.Id, null));
        Assert.Equal(0, (await node.Classes.Find(Scope.District, seven.Id))!.Teachers);
        Assert.Equal(PersonOutcome.Written, await node.Classes.Delete(Scope.District, seven.Id, null));
        Assert.Empty(await node.People.ListClasses(Scope.District, ali.Id, 9));
        Assert.NotNull(await node.People.Find(Scope.District, ali.Id));
    }

    [Fact]
    public async Task What_the_rights_do_not_cover_does_not_exist()
    {
        await using var node = await Fresh();
        var (mine, theirs) = (await AtSchool(node, "Mine"), await AtSchool(node, "Theirs"));
        Person own = await Add(node, New("Own", "A", mine)), guest = await Add(node, New("Guest", "B", theirs, PersonRole.Teacher)), other = await Add(node, New("Other", "C", theirs));
        var nobody = await Add(node, New("Staff", "D"));
        SchoolClass here = Class("Here", mine), there = Class("There", theirs);
        await node.Classes.Create(Scope.District, here, null);
        await node.Classes.Create(Scope.District, there, null);
        await node.Classes.SetMember(Scope.District, here.Id, guest.Id, PersonRole.Teacher, null);
        await node.Classes.SetMember(Scope.District, there.Id, guest.Id, PersonRole.Teacher, null);
        var scope = Scope.Of([mine]);

        Assert.Equal(["Own", "Guest"], (await node.People.List(scope, new PersonFilter(), null, 9)).Select(row => row.Person.GivenName));
        Assert.NotNull(await node.People.Find(scope, guest.Id));
        Assert.Null(await node.People.Find(scope, other.Id));
        Assert.Null(await node.People.Find(scope, nobody.Id));
        Assert.Equal(["Here"], (await node.People.ListClasses(scope, guest.Id, 9)).Select(one => one.Class.Name));
        Assert.Equal(["Here"], (await node.Classes.List(scope, new ClassFilter(), null, 9)).Select(row => row.Class.Name));
        Assert.Null(await node.Classes.Find(scope, there.Id));
        Assert.Empty(await node.Classes.ListMembers(scope, there.Id, null, 9));
        Assert.Equal(PersonOutcome.NotFound, await node.People.Change(scope, other with { Version = 2 }, null));
        Assert.Equal(PersonOutcome.NotFound, await node.People.Delete(scope, other.Id, null));
        Assert.Equal(PersonOutcome.NotFound, await node.People.Change(scope, guest with { Version = 2 }, null));
        Assert.Equal(PersonOutcome.NotFound, await node.People.Delete(scope, guest.Id, null));
        Assert.Equal(PersonOutcome.NoSchool, await node.People.Change(scope, own with { SchoolId = theirs, Version = 2 }, null));
        Assert.Equal(PersonOutcome.NoSchool, await node.People.Create(scope, New("X", "Y", theirs), null));
        Assert.Equal(PersonOutcome.NoSchool, await node.Classes.Create(scope, Class("X", theirs), null));
        Assert.Equal(PersonOutcome.NotFound, await node.Classes.SetMember(scope, there.Id, own.Id, PersonRole.Pupil, null));
        Assert.Equal(PersonOutcome.NoPerson, await node.Classes.SetMember(scope, here.Id, other.Id, PersonRole.Pupil, null));
        Assert.Equal(PersonOutcome.NotFound, await node.Classes.Delete(scope, there.Id, null));
    }
}
