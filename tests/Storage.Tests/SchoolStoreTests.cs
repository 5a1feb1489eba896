using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresSchoolStoreTests(PostgresFixture fixture) : SchoolStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteSchoolStoreTests(SqliteFixture fixture) : SchoolStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class SchoolStoreTests(StoreFixture fixture)
{
    private static School New(string name, string? code = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        Name = name,
        Code = code,
        TimeZone = "Europe/Stockholm",
        Hours = [new SchoolHours(DayOfWeek.Monday, 480, 930), new SchoolHours(DayOfWeek.Friday, 480, 840)],
        AtOnce = 40,
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private static async Task<string> IPad(Node node, string school, EnrolmentStatus status = EnrolmentStatus.Enrolled)
    {
        var change = Make.Change(Make.Device() with { School = school, Status = status });
        Assert.Equal(CommitOutcome.Committed, (await node.Devices.Commit(change)).Outcome);
        return change.Row.Id;
    }

    private static async Task Known(Node node, string serial, string school) =>
        await node.Placeholders.Write(Scope.District, new PlaceholderWrite { Rows = [new Placeholder { SerialNumber = serial, School = school }], By = "ada", At = Make.Now });

    private static Task Invite(Node node, string school) => node.Enrolments.CreateInvitation(
        new Invitation { Id = Make.Id(), School = school, CreatedAt = Make.Now, ExpiresAt = Make.Now.AddDays(7), CreatedBy = "ada" });

    private static AuditRecord Record(string verb) => AuditRecord.New(Make.Now, AuditActor.Server, verb);

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    [Fact]
    public async Task A_school_is_kept_as_it_was_written()
    {
        await using var node = await Fresh();
        var school = New("Åsö skola", "ÅS") with { SourceId = "org-1" };
        Assert.Equal(SchoolOutcome.Written, await node.Schools.Create(school, Record(AuditVerbs.SchoolCreate)));
        Assert.Equal(SchoolOutcome.Written, await node.Schools.Create(school, null));

        var found = (await node.Schools.Find(Scope.District, school.Id))!;
        Assert.Equal(school with { Hours = [], SortName = null }, found.School with { Hours = [], SortName = null });
        Assert.Equal(school.Hours, found.School.Hours);
        Assert.Equal((0, 0, 0), (found.IPads, found.People, found.Waiting));
        Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 10));
        Assert.Equal(school.Id, (await node.Schools.FindByName(Scope.District, "Åsö skola"))!.Id);
    }

    [Fact]
    public async Task Name_code_and_source_belong_to_one_school()
    {
        await using var node = await Fresh();
        await node.Schools.Create(New("North", "ns") with { SourceId = "1" }, null);

        Assert.Equal(SchoolOutcome.NameTaken, await node.Schools.Create(New("North"), null));
        Assert.Equal(SchoolOutcome.CodeTaken, await node.Schools.Create(New("Other", "NS"), null));
        Assert.Equal(SchoolOutcome.SourceTaken, await node.Schools.Create(New("Other") with { SourceId = "1" }, null));
        var south = New("South");
        await node.Schools.Create(south, null);
        Assert.Equal(SchoolOutcome.NameTaken, await node.Schools.Change(Scope.District, south with { Name = "North", Version = 2 }, null));
        Assert.Equal("South", (await node.Schools.Find(Scope.District, south.Id))!.School.Name);
    }

    [Fact]
    public async Task A_new_name_goes_to_iPads_invitations_and_placeholders_and_a_grain_that_remembers_the_old_one_cannot_write_it_back()
    {
        await using var node = await Fresh();
        var school = New("North");
        await node.Schools.Create(school, null);
        var (pad, other) = (await IPad(node, "North"), await IPad(node, "South"));
        await Known(node, "SERIAL1", "North");
        await Invite(node, "North");
        var remembered = (await node.Devices.Load(pad)).Row!;

        var renamed = school with { Name = "Nordskolan", Version = 2 };
        Assert.Equal(SchoolOutcome.Written, await node.Schools.Change(Scope.District, renamed, Record(AuditVerbs.SchoolChange)));
        Assert.Equal(SchoolOutcome.Written, await node.Schools.Change(Scope.District, renamed, null));

        Assert.Equal("Nordskolan", (await node.Queries.FindDevice(pad))!.School);
        Assert.Equal("South", (await node.Queries.FindDevice(other))!.School);
        Assert.Equal("Nordskolan", (await node.Placeholders.Find("SERIAL1"))!.School);
        Assert.Equal(["South"], (await node.Schools.ListUnknown(Scope.District, 10)).Select(unknown => unknown.Name));
        Assert.Equal(CommitOutcome.VersionConflict, (await node.Devices.Commit(Make.Change(remembered with { Version = remembered.Version + 1 }))).Outcome);
        Assert.Equal((1, 1), ((await node.Schools.Find(Scope.District, school.Id))!.IPads, (await node.Schools.Find(Scope.District, school.Id))!.Waiting));
        Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 10));
    }

    [Fact]
    public async Task Of_two_who_change_a_school_the_later_one_is_told()
    {
        await using var node = await Fresh();
        var school = New("North");
        await node.Schools.Create(school, null);

        Assert.Equal(SchoolOutcome.Written, await node.Schools.Change(Scope.District, school with { Code = "A", Version = 2 }, null));
        Assert.Equal(SchoolOutcome.VersionConflict, await node.Schools.Change(Scope.District, school with { Code = "B", Version = 2, UpdatedBy = "bob" }, null));
        Assert.Equal(SchoolOutcome.NotFound, await node.Schools.Change(Scope.District, New("None") with { Version = 2 }, null));
        Assert.Equal("A", (await node.Schools.Find(Scope.District, school.Id))!.School.Code);
    }

    [Fact]
    public async Task A_school_with_iPads_or_placeholders_cannot_be_deleted()
    {
        await using var node = await Fresh();
        School north = New("North"), south = New("South"), west = New("West");
        foreach (var school in (School[])[north, south, west]) await node.Schools.Create(school, null);
        await IPad(node, "North");
        await IPad(node, "West", EnrolmentStatus.Unenrolled);
        await Known(node, "SERIAL2", "South");

        Assert.Equal(SchoolOutcome.InUse, await node.Schools.Delete(Scope.District, north.Id, null));
        Assert.Equal(SchoolOutcome.InUse, await node.Schools.Delete(Scope.District, south.Id, null));
        Assert.Equal(SchoolOutcome.Written, await node.Schools.Delete(Scope.District, west.Id, null));
        Assert.Equal(SchoolOutcome.NotFound, await node.Schools.Delete(Scope.District, west.Id, null));
    }

    [Fact]
    public async Task Schools_are_listed_page_by_page_and_found_by_a_part_of_name_or_code()
    {
        await using var node = await Fresh();
        foreach (var name in (string[])["beta", "Alpha", "Östra 100%", "gamma", "Delta"]) await node.Schools.Create(New(name, "C-" + name[..2]), null);

        var pages = new List<string>();
        School? after = null;
        while (await node.Schools.List(Scope.District, null, null, after, 2) is { Count: > 0 } page)
        {
            pages.AddRange(page.Select(row => row.School.Name));
            after = page[^1].School;
        }

        Assert.Equal(["Alpha", "beta", "Delta", "gamma", "Östra 100%"], pages);
        Assert.Equal(["Östra 100%"], Names(await node.Schools.List(Scope.District, "öSTRA", null, null, 9)));
        Assert.Equal(["Östra 100%"], Names(await node.Schools.List(Scope.District, "0%", null, null, 9)));
        Assert.Equal(["Delta"], Names(await node.Schools.List(Scope.District, "c-de", false, null, 9)));
        Assert.Empty(await node.Schools.List(Scope.District, "delta", true, null, 9));
    }

    [Fact]
    public async Task What_the_rights_do_not_cover_does_not_exist()
    {
        await using var node = await Fresh();
        School mine = New("Mine"), theirs = New("Theirs");
        await node.Schools.Create(mine, null);
        await node.Schools.Create(theirs, null);
        await IPad(node, "Nobody's");
        var scope = Scope.Of([mine.Id]);

        Assert.Equal(["Mine"], Names(await node.Schools.List(scope, null, null, null, 9)));
        Assert.Empty(await node.Schools.List(Scope.Of([]), null, null, null, 9));
        Assert.Null(await node.Schools.Find(scope, theirs.Id));
        Assert.Null(await node.Schools.FindByName(scope, "Theirs"));
        Assert.Empty(await node.Schools.ListUnknown(scope, 9));
        Assert.Equal(SchoolOutcome.NotFound, await node.Schools.Change(scope, theirs with { Version = 2 }, null));
        Assert.Equal(SchoolOutcome.NotFound, await node.Schools.Delete(scope, theirs.Id, null));
    }

    [Fact]
    public async Task A_name_that_no_school_has_is_told_once_with_what_it_stands_on()
    {
        await using var node = await Fresh();
        await node.Schools.Create(New("Known"), null);
        foreach (var name in (string[])["Known", "Nort", "Nort"]) await IPad(node, name);
        await IPad(node, "Left", EnrolmentStatus.Unenrolled);
        await Known(node, "SERIAL3", "Nort");
        await Invite(node, "Elsewhere");

        Assert.Equal([new UnknownSchool("Elsewhere", 0, 1, 0), new UnknownSchool("Nort", 2, 0, 1)], await node.Schools.ListUnknown(Scope.District, 9));
        Assert.Single(await node.Schools.ListUnknown(Scope.District, 1));
    }

    private static IEnumerable<string> Names(IReadOnlyList<SchoolStanding> rows) => rows.Select(row => row.School.Name);
}
