using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Incidents;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresIncidentStoreTests(PostgresFixture fixture) : IncidentStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteIncidentStoreTests(SqliteFixture fixture) : IncidentStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class IncidentStoreTests(StoreFixture fixture)
{
    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static Incident New(string device, IncidentKind kind, int minute = 0) =>
        new() { Id = Guid.NewGuid().ToString(), Version = 1, DeviceId = device, Kind = kind, OpenedAt = Make.Now.AddMinutes(minute), OpenedBy = "ada" };

    private static DeviceNote Note(Incident incident, NoteKind what, string? text = null, int minute = 0) => new()
    {
        Id = Guid.NewGuid().ToString(),
        DeviceId = incident.DeviceId,
        IncidentId = incident.Id,
        What = what,
        Kind = incident.Kind,
        Text = text,
        At = Make.Now.AddMinutes(minute),
        By = "ada",
    };

    internal static async Task Open(Node node, string device, IncidentKind kind, bool closed)
    {
        var incident = New(device, kind);
        Assert.Equal(IncidentOutcome.Written, await node.Incidents.Open(Scope.District, incident, Note(incident, NoteKind.Opened), null));
        if (closed)
            Assert.Equal(IncidentOutcome.Written, await node.Incidents.Change(Scope.District, incident with { Version = 2, ClosedAt = Make.Now, ClosedBy = "ada" }, Note(incident, NoteKind.Closed), null));
    }

    private static AuditRecord Record(string verb) => AuditRecord.New(Make.Now, AuditActor.Server, verb);

    [Fact]
    public async Task An_incident_is_opened_once_changed_by_version_closed_and_opened_again()
    {
        await using var node = await Fresh();
        var device = (await Make.Enrolled(node)).Id;
        var incident = New(device, IncidentKind.BrokenScreen);
        var opened = Note(incident, NoteKind.Opened, "It fell.");
        for (var n = 0; n < 2; n++) Assert.Equal(IncidentOutcome.Written, await node.Incidents.Open(Scope.District, incident, opened, Record(AuditVerbs.IncidentOpen)));
        var second = New(device, IncidentKind.BrokenScreen);
        Assert.Equal(IncidentOutcome.IsOpen, await node.Incidents.Open(Scope.District, second, Note(second, NoteKind.Opened), null));

        var repair = incident with { Version = 2, Kind = IncidentKind.InRepair };
        var sent = Note(repair, NoteKind.Changed, "Sent away.", minute: 1);
        for (var n = 0; n < 2; n++) Assert.Equal(IncidentOutcome.Written, await node.Incidents.Change(Scope.District, repair, sent, Record(AuditVerbs.IncidentChange)));
        Assert.Equal(IncidentOutcome.VersionConflict, await node.Incidents.Change(Scope.District, repair, Note(repair, NoteKind.Changed), null));
        Assert.Equal(IncidentOutcome.Written, await node.Incidents.Open(Scope.District, second, Note(second, NoteKind.Opened), null));
        Assert.Equal(IncidentOutcome.IsOpen, await node.Incidents.Change(Scope.District, repair with { Version = 3, Kind = IncidentKind.BrokenScreen }, Note(repair, NoteKind.Changed), null));

        var closed = repair with { Version = 3, ClosedAt = Make.Now.AddDays(1), ClosedBy = "bo" };
        Assert.Equal(IncidentOutcome.Written, await node.Incidents.Change(Scope.District, closed, Note(repair, NoteKind.Closed, minute: 2), null));
        Assert.Equal(new IncidentRow(closed, "iPad", "DMPX1", null, "Sent away."), await node.Incidents.Find(Scope.District, incident.Id));
        Assert.Equal([NoteKind.Closed, NoteKind.Changed, NoteKind.Opened], (await node.Incidents.ListNotes(Scope.District, device, incident.Id, null, 9)).Select(note => note.What));
        Assert.Equal(1, await node.Incidents.CountOpen(Scope.District));
        Assert.Equal(2, (await node.Audit.List(AuditFilter.Everything, null, 9)).Count);

        Assert.True(await node.Incidents.RemoveNote(Scope.District, device, sent.Id, null));
        Assert.Equal("It fell.", (await node.Incidents.Find(Scope.District, incident.Id))!.Said);
        Assert.Equal(3, (await node.Incidents.ListNotes(Scope.District, device, incident.Id, null, 9)).Count);
    }

    [Fact]
    public async Task What_the_rights_do_not_cover_does_not_exist()
    {
        await using var node = await Fresh();
        School mine = PeopleStoreTests.School("Mine"), theirs = PeopleStoreTests.School("Theirs");
        await node.Schools.Create(mine, null);
        await node.Schools.Create(theirs, null);
        string own = (await Make.Enrolled(node, row => row with { School = "Mine" })).Id, other = (await Make.Enrolled(node, row => row with { School = "Theirs" })).Id;
        var hidden = New(other, IncidentKind.Lost);
        await node.Incidents.Open(Scope.District, hidden, Note(hidden, NoteKind.Opened), null);
        for (var n = 0; n < 3; n++)
        {
            var one = New(own, (IncidentKind)(n + 1), n);
            await node.Incidents.Open(Scope.District, one, Note(one, NoteKind.Opened), null);
        }

        var scope = Scope.Of([mine.Id]);
        var found = new List<IncidentRow>();
        while (await node.Incidents.List(scope, new IncidentFilter { Open = true }, found.LastOrDefault()?.Incident.Id, 2) is { Count: > 0 } page) found.AddRange(page);
        Assert.Equal([IncidentKind.Lost, IncidentKind.InRepair, IncidentKind.BrokenScreen], found.Select(row => row.Incident.Kind));
        Assert.Single(await node.Incidents.List(Scope.District, new IncidentFilter { SchoolId = theirs.Id, Kind = IncidentKind.Lost, Open = true }, null, 9));
        Assert.Equal(3, await node.Incidents.CountOpen(scope));
        Assert.Null(await node.Incidents.Find(scope, hidden.Id));
        Assert.Empty(await node.Incidents.ListNotes(scope, other, null, null, 9));
        Assert.Equal(IncidentOutcome.NotFound, await node.Incidents.Change(scope, hidden with { Version = 2 }, Note(hidden, NoteKind.Note), null));
        Assert.Equal(IncidentOutcome.NoDevice, await node.Incidents.AddNote(scope, Note(hidden, NoteKind.Note), null));
        Assert.False(await node.Incidents.RemoveNote(scope, other, Guid.NewGuid().ToString(), null));
    }
}
