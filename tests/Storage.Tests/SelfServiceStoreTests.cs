using FleetMdm.Storage.Access;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;
using FleetMdm.Storage.SelfService;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresSelfServiceStoreTests(PostgresFixture fixture) : SelfServiceStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteSelfServiceStoreTests(SqliteFixture fixture) : SelfServiceStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>What is a person's own, and what a teacher teaches, on both databases.</summary>
public abstract class SelfServiceStoreTests(StoreFixture fixture)
{
    private static readonly DateOnly Today = DateOnly.FromDateTime(Make.Now.UtcDateTime);

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static Account Account(string name, string? subject = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        UserName = name,
        Name = name,
        Role = "self-service",
        Issuer = subject is null ? null : "https://issuer",
        Subject = subject,
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private static async Task<string> Person(Node node, string family, string? email = null, string? account = null, bool active = true)
    {
        var id = await HoldingStoreTests.Person(node, family);
        var row = (await node.People.Find(Scope.District, id))!.Person;
        Assert.Equal(PersonOutcome.Written, await node.People.Change(Scope.District, row with { Version = 2, Email = email, ManagedAccount = account, Active = active }, null));
        return id;
    }

    [Fact]
    public async Task Ones_own_iPad_is_found_until_the_loan_is_over_it_is_returned_or_the_person_has_left()
    {
        await using var node = await Fresh();
        var device = (await Make.Enrolled(node)).Id;
        var person = await HoldingStoreTests.Person(node, "Berg");
        Assert.Equal(HandOutOutcome.Written, (await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(device, person, Today))).Outcome);

        Assert.Equal(device, (await node.SelfService.FindDevice(person, device, Today))!.Device.Id);
        Assert.Null(await node.SelfService.FindDevice(person, device, Today.AddDays(1)));
        Assert.Single(await node.SelfService.ListDevices(person, 9));
        Assert.Null(await node.SelfService.FindDevice(await HoldingStoreTests.Person(node, "Other"), device, Today));

        Assert.True(await node.SelfService.AskReturn(person, device, Today, Make.Now, null));
        Assert.True(await node.SelfService.AskReturn(person, device, Today, Make.Now.AddDays(1), null));
        Assert.Equal(Make.Now, (await node.SelfService.FindDevice(person, device, Today))!.Holding.ReturnAskedAt);
        Assert.Equal(1, await node.Holdings.CountReturnAsked(Scope.District));
        Assert.Single(await node.Holdings.List(Scope.District, new HoldingFilter { ReturnAsked = true }, null, 9));

        Assert.True(await node.Holdings.Return(Scope.District, device, Make.Now, "ada", null));
        Assert.Null(await node.SelfService.FindDevice(person, device, Today));
        Assert.False(await node.SelfService.AskReturn(person, device, Today, Make.Now, null));
        Assert.Equal(0, await node.Holdings.CountReturnAsked(Scope.District));
    }

    [Fact]
    public async Task Of_many_at_once_as_many_are_taken_as_may_be_and_the_same_counts_once()
    {
        await using var node = await Fresh();
        var person = await HoldingStoreTests.Person(node, "Berg");
        SelfServiceAct Act(string id, int minute = 0) => new(id, person, SelfServiceActKind.Report, null, Make.Now.AddMinutes(minute));
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => node.SelfService.Take(Act("a" + n), 3, Make.Now.AddDays(-1))));
        Assert.Equal(3, taken.Count(one => one));
        var first = Array.IndexOf(taken, true);
        Assert.True(await node.SelfService.Take(Act("a" + first), 3, Make.Now.AddDays(-1)));
        Assert.True(await node.SelfService.Take(Act("later", 2000), 3, Make.Now.AddMinutes(2000).AddDays(-1)));
        Assert.False(await node.SelfService.Take(Act("x") with { PersonId = "nobody" }, 3, Make.Now.AddDays(-1)));
    }

    [Fact]
    public async Task An_address_is_of_the_one_person_who_has_it_and_is_there()
    {
        await using var node = await Fresh();
        var ali = await Person(node, "Berg", email: "Ali.Berg@Example.org", account: "ali@managed.example");
        Assert.Equal(ali, (await node.Accounts.FindPersonByAddress(["ali.berg@example.ORG"]))!.Id);
        Assert.Equal(ali, (await node.Accounts.FindPersonByAddress(["ALI@managed.example", "ali.berg@example.org"]))!.Id);
        Assert.Null(await node.Accounts.FindPersonByAddress(["berg@example.org"]));
        Assert.Null(await node.Accounts.FindPersonByAddress(["%", "", "ali.berg@example.org\u0131"]));
        var other = await Person(node, "Other", account: "other@managed.example");
        Assert.Null(await node.Accounts.FindPersonByAddress(["ali.berg@example.org", "other@managed.example"]));
        await Person(node, "Left", email: "ali.berg@example.org", active: false);
        Assert.Null(await node.Accounts.FindPersonByAddress(["ali.berg@example.org"]));
        Assert.Equal(other, (await node.Accounts.FindPersonByAddress(["OTHER@managed.example"]))!.Id);
    }

    [Fact]
    public async Task Of_two_accounts_of_a_provider_one_is_linked_and_a_forgotten_person_is_nobodys()
    {
        await using var node = await Fresh();
        var person = await HoldingStoreTests.Person(node, "Berg");
        var accounts = Enumerable.Range(0, 4).Select(n => Account("a" + n, "s" + n)).ToList();
        foreach (var account in accounts) Assert.Equal(AccountOutcome.Written, await node.Accounts.Create(account, null, null));
        var linked = await Task.WhenAll(accounts.Select(account => node.Accounts.LinkPerson(account.Id, person, Make.Now, "provider", null)));
        Assert.Single(linked, one => one);
        var id = accounts[Array.IndexOf(linked, true)].Id;
        Assert.Equal(person, (await node.Accounts.Find(Scope.District, id))!.PersonId);
        Assert.True(await node.Accounts.LinkPerson(id, person, Make.Now, "provider", null));
        Assert.False(await node.Accounts.LinkPerson(id, await HoldingStoreTests.Person(node, "Other"), Make.Now, "provider", null));
        Assert.Equal(PersonOutcome.Written, await node.People.Delete(Scope.District, person, null));
        Assert.Null((await node.Accounts.Find(Scope.District, id))!.PersonId);
    }

    [Fact]
    public async Task A_teacher_has_their_classes_and_the_iPads_of_their_pupils_within_the_schools_of_the_account()
    {
        await using var node = await Fresh();
        var school = new School { Id = Guid.NewGuid().ToString(), Version = 1, Name = "North", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        Assert.Equal(SchoolOutcome.Written, await node.Schools.Create(school, null));
        var (teacher, pupil, other) = (await HoldingStoreTests.Person(node, "T"), await HoldingStoreTests.Person(node, "P"), await HoldingStoreTests.Person(node, "O"));
        async Task<string> Class(string name, string teaches, string learns, DateOnly? ends = null)
        {
            var made = new SchoolClass { Id = Guid.NewGuid().ToString(), Version = 1, SchoolId = school.Id, Name = name, EndsOn = ends, CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
            Assert.Equal(PersonOutcome.Written, await node.Classes.Create(Scope.District, made, null));
            await node.Classes.SetMember(Scope.District, made.Id, teaches, PersonRole.Teacher, null);
            await node.Classes.SetMember(Scope.District, made.Id, learns, PersonRole.Pupil, null);
            return made.Id;
        }

        var (mine, theirs) = (await Class("7B", teacher, pupil, Today), await Class("8C", other, other));
        var (pad, foreign) = ((await Make.Enrolled(node)).Id, (await Make.Enrolled(node)).Id);
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(pad, pupil));
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(foreign, other));

        var taught = Assert.Single(await node.Teaching.ListClasses(Scope.District, teacher, Today));
        Assert.Equal((mine, 1, 1), (taught.Class.Id, taught.Pupils, taught.IPads));
        Assert.Equal(pad, Assert.Single(await node.Teaching.ListPupils(Scope.District, teacher, mine, Today)).Device!.Id);
        Assert.Equal(pad, (await node.Teaching.FindDevice(Scope.Of([school.Id]), teacher, mine, pad, Today))!.Device!.Id);
        Assert.Null(await node.Teaching.FindDevice(Scope.Of([Guid.NewGuid().ToString()]), teacher, mine, pad, Today));
        Assert.Null(await node.Teaching.FindDevice(Scope.District, teacher, mine, foreign, Today));
        Assert.Null(await node.Teaching.FindDevice(Scope.District, teacher, theirs, foreign, Today));
        Assert.Empty(await node.Teaching.ListPupils(Scope.District, teacher, theirs, Today));
        Assert.Null(await node.Teaching.FindClass(Scope.District, pupil, mine, Today));
        Assert.Empty(await node.Teaching.ListClasses(Scope.District, teacher, Today.AddDays(1)));
    }

    [Fact]
    public async Task Who_enrols_an_iPad_has_it_unless_somebody_else_does_or_they_gave_it_back()
    {
        await using var node = await Fresh();
        var device = (await Make.Enrolled(node)).Id;
        var person = await HoldingStoreTests.Person(node, "Berg");
        Holding New(int minute) => HoldingStoreTests.Give(device, person, minute: minute).Holding;
        await node.Holdings.HandOutInvited(New(1), Make.Now, null);
        Assert.NotNull(await node.SelfService.FindDevice(person, device, Today));
        await node.Holdings.Return(Scope.District, device, Make.Now.AddMinutes(2), "ada", null);
        await node.Holdings.HandOutInvited(New(3), Make.Now, null);
        Assert.Null(await node.SelfService.FindDevice(person, device, Today));
        await node.Holdings.HandOutInvited(New(5), Make.Now.AddMinutes(4), null);
        Assert.NotNull(await node.SelfService.FindDevice(person, device, Today));
    }
}
