using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresHoldingStoreTests(PostgresFixture fixture) : HoldingStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteHoldingStoreTests(SqliteFixture fixture) : HoldingStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class HoldingStoreTests(StoreFixture fixture)
{
    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    internal static async Task<string> Person(Node node, string family, bool active = true)
    {
        var person = new Person
        {
            Id = Guid.NewGuid().ToString(),
            Version = 1,
            Role = PersonRole.Pupil,
            GivenName = "Ali",
            FamilyName = family,
            Active = active,
            CreatedAt = Make.Now,
            CreatedBy = "ada",
            UpdatedAt = Make.Now,
            UpdatedBy = "ada",
        };
        Assert.Equal(PersonOutcome.Written, await node.People.Create(Scope.District, person, null));
        return person.Id;
    }

    internal static HandOut Give(string device, string person, DateOnly? until = null, bool returnFirst = false, int minute = 0) => new()
    {
        Holding = new Holding { Id = Guid.NewGuid().ToString(), DeviceId = device, PersonId = person, DueOn = until, GivenAt = Make.Now.AddMinutes(minute), GivenBy = "ada" },
        ReturnFirst = returnFirst,
        Audit = AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.DeviceHandOut),
        AuditOfReturn = AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.DeviceReturn),
    };

    [Fact]
    public async Task Of_many_who_hand_out_an_iPad_at_once_one_does_and_the_others_are_told_who_has_it()
    {
        await using var node = await Fresh();
        var device = (await Make.Enrolled(node)).Id;
        var people = new List<string>();
        for (var n = 0; n < 6; n++) people.Add(await Person(node, "P" + n));

        var results = await Task.WhenAll(people.Select(person => node.Holdings.HandOut(Scope.District, Give(device, person))));

        Assert.Single(results, result => result.Outcome == HandOutOutcome.Written);
        var holder = Assert.Single(await node.Holdings.List(Scope.District, new HoldingFilter { DeviceId = device }, null, 9)).Holding.PersonId;
        Assert.All(results.Where(result => result.Outcome != HandOutOutcome.Written), result => Assert.Equal((HandOutOutcome.Taken, holder), (result.Outcome, result.By!.Holding.PersonId)));
        Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 99));
    }

    [Fact]
    public async Task The_same_once_more_changes_nothing_and_leaves_no_record()
    {
        await using var node = await Fresh();
        var (device, person) = ((await Make.Enrolled(node)).Id, await Person(node, "Berg"));
        var give = Give(device, person, new DateOnly(2026, 6, 1));
        for (var n = 0; n < 2; n++) Assert.Equal(HandOutOutcome.Written, (await node.Holdings.HandOut(Scope.District, give)).Outcome);
        Assert.Equal(HandOutOutcome.Written, (await node.Holdings.HandOut(Scope.District, Give(device, person, new DateOnly(2026, 6, 1), minute: 5))).Outcome);

        var row = Assert.Single(await node.Holdings.List(Scope.District, new HoldingFilter { PersonId = person }, null, 9));
        Assert.Equal(new HoldingRow(give.Holding, "Ali", "Berg", false, "iPad", "DMPX1"), row);
        Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 9));
        Assert.True(await node.Holdings.Return(Scope.District, device, Make.Now.AddDays(1), "ada", null));
        Assert.False(await node.Holdings.Return(Scope.District, device, Make.Now.AddDays(2), "ada", null));
        Assert.Null(await node.Holdings.PersonOf(device));
    }

    [Fact]
    public async Task Loans_are_listed_by_their_day_and_the_history_by_time_page_by_page()
    {
        await using var node = await Fresh();
        var person = await Person(node, "Berg");
        var devices = new List<string>();
        for (var n = 0; n < 5; n++)
        {
            devices.Add((await Make.Enrolled(node)).Id);
            await node.Holdings.HandOut(Scope.District, Give(devices[n], person, n == 4 ? null : new DateOnly(2026, 6, 10 - (n / 2)), minute: n));
        }

        Assert.Equal(4, (await All(new HoldingFilter { Loans = true })).Count);
        Assert.Equal(devices[2..4].Order(StringComparer.Ordinal), (await All(new HoldingFilter { Loans = true })).Take(2).Order(StringComparer.Ordinal));
        Assert.Equal(devices.AsEnumerable().Reverse(), await All(new HoldingFilter { PersonId = person }));
        Assert.Equal(2, (await All(new HoldingFilter { DueBefore = new DateOnly(2026, 6, 10) })).Count);
        Assert.Equal(2, await node.Holdings.CountOverdue(Scope.District, new DateOnly(2026, 6, 10)));
        Assert.Equal(devices.Order(StringComparer.Ordinal), (await node.Holdings.Current(Scope.District, [.. devices, "other"])).Keys.Order(StringComparer.Ordinal));

        async Task<List<string>> All(HoldingFilter filter)
        {
            var found = new List<HoldingRow>();
            while (await node.Holdings.List(Scope.District, filter, found.LastOrDefault()?.Holding.Id, 2) is { Count: > 0 } page) found.AddRange(page);
            return [.. found.Select(row => row.Holding.DeviceId)];
        }
    }

    [Fact]
    public async Task What_the_rights_do_not_cover_does_not_exist()
    {
        await using var node = await Fresh();
        School mine = PeopleStoreTests.School("Mine"), theirs = PeopleStoreTests.School("Theirs");
        await node.Schools.Create(mine, null);
        await node.Schools.Create(theirs, null);
        var own = (await Make.Enrolled(node, row => row with { School = "Mine", SerialNumber = "OWN" })).Id;
        var other = (await Make.Enrolled(node, row => row with { School = "Theirs", SerialNumber = "OTHER" })).Id;
        var person = await Person(node, "Berg");
        foreach (var device in (string[])[own, other]) await node.Holdings.HandOut(Scope.District, Give(device, person, new DateOnly(2026, 1, 1)));
        var scope = Scope.Of([mine.Id]);

        Assert.Equal([own], (await node.Holdings.List(scope, new HoldingFilter(), null, 9)).Select(row => row.Holding.DeviceId));
        Assert.Equal([own], (await node.Holdings.Current(scope, [own, other])).Keys);
        Assert.Equal(1, await node.Holdings.CountOverdue(scope, new DateOnly(2026, 6, 1)));
        Assert.Equal([own], await node.Holdings.FindDevices(scope, "own"));
        Assert.Empty(await node.Holdings.FindDevices(scope, "other"));
        Assert.False(await node.Holdings.Return(scope, other, Make.Now, "ada", null));
        Assert.Equal(HandOutOutcome.NoDevice, (await node.Holdings.HandOut(scope, Give(other, person))).Outcome);
        Assert.Equal(HandOutOutcome.NoPerson, (await node.Holdings.HandOut(scope, Give(own, person))).Outcome);
        Assert.Equal(HandOutOutcome.PersonLeft, (await node.Holdings.HandOut(Scope.District, Give(own, await Person(node, "Left", active: false), returnFirst: true))).Outcome);
    }
}
