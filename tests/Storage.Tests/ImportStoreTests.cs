using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Imports;
using FleetMdm.Storage.People;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresImportStoreTests(PostgresFixture fixture) : ImportStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteImportStoreTests(SqliteFixture fixture) : ImportStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class ImportStoreTests(StoreFixture fixture)
{
    private static readonly DateTimeOffset Now = Make.Now;

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static ImportedPerson Person(string id, string? school, string family = "Berg", PersonRole role = PersonRole.Pupil, string? email = null, string? account = null, bool active = true) =>
        new(id, school, role, "Ali", family, null, email, account, "7", active, 2);

    private static ImportFile File(bool complete, ImportedSchool[] schools, ImportedPerson[] people, ImportedClass[]? classes = null, ImportedMember[]? members = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Format = "oneRoster",
        Complete = complete,
        Columns = PersonImportColumns.All,
        Notes = "{}",
        CreatedAt = Now,
        CreatedBy = "ada",
        Schools = schools,
        People = people,
        Classes = classes ?? [],
        Members = members ?? [],
    };

    private static async Task<ImportApplied> Apply(Node node, ImportFile file, long? removals = null, AuditRecord? audit = null)
    {
        await node.Imports.Stage(file);
        return await node.Imports.Apply(file.Id, removals, Now, "ada", audit);
    }

    private static ImportedSchool New(string source, string name) => new(Guid.NewGuid().ToString(), source, name, null, IsNew: true);

    private static async Task<ImportedSchool> Known(Node node, ImportedSchool school) =>
        school with { Id = (await node.Schools.FindByName(Scope.District, school.Name))!.Id, IsNew = false };

    [Fact]
    public async Task A_file_is_applied_as_a_whole_and_the_same_file_again_changes_nothing()
    {
        await using var node = await Fresh();
        var school = New("org", "North");
        ImportedPerson[] people = [Person("u1", school.Id, account: "A@x.example"), Person("u2", school.Id, "Åsö", email: "u2@x.example"), Person("t1", school.Id, "Chur", PersonRole.Teacher)];
        ImportedClass[] classes = [new("c1", school.Id, "7B", "7b", new DateOnly(2027, 6, 11), Active: true)];
        ImportedMember[] members = [new("c1", "u1", PersonRole.Pupil, true), new("c1", "t1", PersonRole.Teacher, true)];
        var file = File(true, [school], people, classes, members);
        await node.Imports.Stage(file);
        var expected = new ImportCounts(1, 3, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0);
        Assert.Equal(expected, await node.Imports.Compare(file.Id));
        Assert.Empty(await node.People.List(Scope.District, new PersonFilter(), null, 9));
        Assert.Equal(["t1", "u1", "u2"], (await node.Imports.ListChanges(file.Id, ImportChangeKind.Added, null, 9)).Select(change => change.SourceId));

        var record = AuditRecord.New(Now, AuditActor.Server, AuditVerbs.ImportApply);
        Assert.Equal(new ImportApplied(ImportOutcome.Applied, expected), await node.Imports.Apply(file.Id, null, Now, "ada", record));
        Assert.Equal(new ImportApplied(ImportOutcome.Applied, expected), await node.Imports.Apply(file.Id, null, Now, "ada", record));

        var found = (await node.People.List(Scope.District, new PersonFilter { Text = "ÅSÖ ali" }, null, 9)).Single();
        Assert.Equal(("u2", "North", "u2@x.example"), (found.Person.SourceId, found.School, found.Person.Email));
        Assert.Equal("u1", (await node.People.List(Scope.District, new PersonFilter { Text = "a@X.example" }, null, 9)).Single().Person.SourceId);
        Assert.Equal("u2", (await node.People.List(Scope.District, new PersonFilter { Text = "ali åsö" }, null, 9)).Single().Person.SourceId);
        var row = (await node.Classes.List(Scope.District, new ClassFilter(), null, 9)).Single();
        Assert.Equal((1, 1, new DateOnly(2027, 6, 11)), (row.Pupils, row.Teachers, row.Class.EndsOn));
        Assert.Equal(3, Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 9)).Count);

        var known = await Known(node, school);
        var again = await Apply(node, File(true, [known], [.. people.Select(one => one with { SchoolId = known.Id })], [classes[0] with { SchoolId = known.Id }], members), audit: record);
        Assert.True(again.Counts!.IsNothing);
        Assert.Equal(3, again.Counts.PeopleUnchanged);
        Assert.All(await node.People.List(Scope.District, new PersonFilter(), null, 9), person => Assert.Equal(1, person.Person.Version));
    }

    [Fact]
    public async Task Who_is_not_in_a_complete_file_has_left_and_nobody_of_another_school_or_added_by_hand()
    {
        await using var node = await Fresh();
        ImportedSchool north = New("n", "North"), south = New("s", "South");
        var many = Enumerable.Range(0, 20).Select(i => Person($"n{i:D2}", north.Id, $"F{i:D2}")).ToArray();
        ImportedClass[] classes = [new("c1", north.Id, "7B", null, null, true), new("c2", north.Id, "8B", null, null, true)];
        ImportedMember[] members = [new("c1", "n00", PersonRole.Pupil, true), new("c1", "n19", PersonRole.Pupil, true), new("c2", "n01", PersonRole.Pupil, true)];
        await Apply(node, File(true, [north, south], [.. many, Person("s1", south.Id)], classes, members));
        north = await Known(node, north);
        var byHand = new Person
        {
            Id = Guid.NewGuid().ToString(),
            Version = 1,
            SchoolId = north.Id,
            Role = PersonRole.Staff,
            GivenName = "By",
            FamilyName = "Hand",
            CreatedAt = Now,
            CreatedBy = "ada",
            UpdatedAt = Now,
            UpdatedBy = "ada",
        };
        await node.People.Create(Scope.District, byHand, null);

        var smaller = File(true, [north], [.. many[..19].Select((one, i) => one with { SchoolId = north.Id, FamilyName = i == 0 ? "Changed" : one.FamilyName })],
            [classes[0] with { SchoolId = north.Id, Name = "7 B" }], [new("c1", "n00", PersonRole.Teacher, true)]);
        await node.Imports.Stage(smaller);
        var counts = await node.Imports.Compare(smaller.Id);
        Assert.Equal(new ImportCounts(0, 0, 1, 1, 18, 20, 0, 1, 1, 0, 1, 1), counts);
        Assert.Equal(["n19"], (await node.Imports.ListChanges(smaller.Id, ImportChangeKind.Removed, null, 9)).Select(change => change.SourceId));
        Assert.Equal(["n00"], (await node.Imports.ListChanges(smaller.Id, ImportChangeKind.Changed, null, 9)).Select(change => change.SourceId));
        Assert.Equal(ImportOutcome.Applied, (await node.Imports.Apply(smaller.Id, null, Now, "ada", null)).Outcome);

        var left = await node.People.List(Scope.District, new PersonFilter { Active = false }, null, 9);
        Assert.Equal(["n19"], left.Select(row => row.Person.SourceId));
        Assert.Equal(Now, left[0].Person.LeftAt);
        Assert.Equal(["8B"], (await node.Classes.List(Scope.District, new ClassFilter { Active = false }, null, 9)).Select(row => row.Class.Name));
        var seven = (await node.Classes.List(Scope.District, new ClassFilter { Active = true }, null, 9)).Single();
        Assert.Equal(("7 B", 0, 1), (seven.Class.Name, seven.Pupils, seven.Teachers));

        // Back again.
        await Apply(node, File(false, [north], [many[19] with { SchoolId = north.Id }]));
        Assert.Empty(await node.People.List(Scope.District, new PersonFilter { Active = false }, null, 9));
    }

    [Fact]
    public async Task A_file_that_takes_away_more_than_a_tenth_is_applied_only_with_the_right_number()
    {
        await using var node = await Fresh();
        var school = New("n", "North");
        var many = Enumerable.Range(0, 10).Select(i => Person($"n{i}", school.Id)).ToArray();
        await Apply(node, File(true, [school], many));
        school = await Known(node, school);
        var smaller = File(true, [school], [.. many[..8].Select(one => one with { SchoolId = school.Id })]);
        await node.Imports.Stage(smaller);

        Assert.True((await node.Imports.Compare(smaller.Id)).RemovesMany);
        Assert.Equal(ImportOutcome.RemovesMany, (await node.Imports.Apply(smaller.Id, null, Now, "ada", null)).Outcome);
        Assert.Equal(ImportOutcome.RemovesMany, (await node.Imports.Apply(smaller.Id, 3, Now, "ada", null)).Outcome);
        Assert.Empty(await node.People.List(Scope.District, new PersonFilter { Active = false }, null, 9));
        Assert.Equal(ImportOutcome.Applied, (await node.Imports.Apply(smaller.Id, 2, Now, "ada", null)).Outcome);
        Assert.Equal(2, (await node.People.List(Scope.District, new PersonFilter { Active = false }, null, 9)).Count);
    }

    [Fact]
    public async Task A_delta_takes_away_what_it_names_and_leaves_the_rest()
    {
        await using var node = await Fresh();
        var school = New("n", "North");
        var many = Enumerable.Range(0, 30).Select(i => Person($"n{i:D2}", school.Id)).ToArray();
        await Apply(node, File(true, [school], many, [new("c1", school.Id, "7B", null, null, true)], [.. many[..3].Select(one => new ImportedMember("c1", one.SourceId, PersonRole.Pupil, true))]));
        school = await Known(node, school);

        var delta = await Apply(node, File(false, [school], [many[0] with { SchoolId = school.Id, Active = false }, Person("unknown", school.Id, active: false)], [],
            [new("c1", "n01", PersonRole.Pupil, false), new("c1", "n05", PersonRole.Pupil, true)]));

        Assert.Equal(new ImportCounts(0, 0, 0, 1, 0, 30, 0, 0, 0, 1, 0, 1), delta.Counts);
        Assert.Equal(["n00"], (await node.People.List(Scope.District, new PersonFilter { Active = false }, null, 9)).Select(row => row.Person.SourceId));
        Assert.Equal(3, (await node.Classes.List(Scope.District, new ClassFilter(), null, 9)).Single().Pupils);
    }

    [Fact]
    public async Task A_column_that_the_file_does_not_have_stays_as_it_stands()
    {
        await using var node = await Fresh();
        var school = New("n", "North");
        await Apply(node, File(true, [school], [Person("u1", school.Id, email: "u1@x.example", account: "u1@y.example", role: PersonRole.Teacher)]));

        await Apply(node, File(false, [], [Person("u1", null, "Other")]) with { Columns = [PersonImportColumns.Grade] });

        var person = (await node.People.List(Scope.District, new PersonFilter { Text = "u1@y" }, null, 9)).Single();
        Assert.Equal(("Other", "North", "u1@x.example", PersonRole.Teacher), (person.Person.FamilyName, person.School, person.Person.Email, person.Person.Role));
    }

    [Fact]
    public async Task An_account_of_another_person_is_found_before_anything_is_applied()
    {
        await using var node = await Fresh();
        var school = New("n", "North");
        await Apply(node, File(true, [school], [Person("u1", school.Id, account: "one@x.example")]));
        school = await Known(node, school);
        var clash = File(false, [school], [Person("u2", school.Id, account: "ONE@x.example")]);
        await node.Imports.Stage(clash);
        Assert.Equal([new ImportClash("u2", 2)], await node.Imports.FindClashes(clash.Id, 9));
        // The database itself refuses too, and then nothing of the file is there.
        await Assert.ThrowsAnyAsync<Exception>(() => node.Imports.Apply(clash.Id, null, Now, "ada", null));
        Assert.Single(await node.People.List(Scope.District, new PersonFilter(), null, 9));
        Assert.Null((await node.Imports.Find(clash.Id))!.AppliedAt);
    }

    [Fact]
    public async Task What_is_not_applied_goes_after_a_day_and_what_is_discarded_at_once()
    {
        await using var node = await Fresh();
        var school = New("n", "North");
        var old = File(true, [school], [Person("u1", school.Id)]) with { CreatedAt = Now - IImportStore.KeptFor - TimeSpan.FromMinutes(1) };
        await node.Imports.Stage(old);
        var other = File(true, [school], [Person("u2", school.Id)]);
        await node.Imports.Stage(other);

        Assert.Null(await node.Imports.Find(old.Id));
        Assert.Equal(ImportOutcome.NotFound, (await node.Imports.Apply(old.Id, null, Now, "ada", null)).Outcome);
        Assert.True(await node.Imports.Discard(other.Id));
        Assert.False(await node.Imports.Discard(other.Id));
        Assert.Equal(0, (await node.Imports.Compare(other.Id)).PeopleAdded);
    }

    [Fact]
    public async Task Fifty_thousand_people_are_staged_and_applied_in_a_minute()
    {
        await using var node = await Fresh();
        var school = New("n", "North");
        var many = Enumerable.Range(0, 50_000).Select(i => Person($"u{i:D6}", school.Id, $"Family {i}")).ToArray();
        var begun = TimeProvider.System.GetTimestamp();

        var applied = await Apply(node, File(true, [school], many, [new("c", school.Id, "All", null, null, true)], [.. many.Select(one => new ImportedMember("c", one.SourceId, PersonRole.Pupil, true))]));

        Assert.Equal((50_000, 50_000), (applied.Counts!.PeopleAdded, applied.Counts.MembersAdded));
        Assert.InRange(TimeProvider.System.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromMinutes(1));
        TestContext.Current.TestOutputHelper?.WriteLine($"{TimeProvider.System.GetElapsedTime(begun)}");
    }
}
