using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresScopeTests(PostgresFixture fixture) : ScopeTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteScopeTests(SqliteFixture fixture) : ScopeTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>What rights for some schools cover, the same on both databases.</summary>
public abstract class ScopeTests(StoreFixture fixture)
{
    private static readonly DeviceFilter All = DeviceFilter.Everything;

    private async Task<(Node Node, School Mine, School Theirs, List<DeviceRow> Own, List<DeviceRow> Others)> District()
    {
        var node = await (await fixture.CreateAnother()).OpenNode();
        School mine = PeopleStoreTests.School("Mine"), theirs = PeopleStoreTests.School("Theirs");
        await node.Schools.Create(mine, null);
        await node.Schools.Create(theirs, null);
        var (own, others) = (new List<DeviceRow>(), new List<DeviceRow>());
        for (var n = 0; n < 5; n++)
        {
            var number = n;
            own.Add(await Make.Enrolled(node, row => row with { School = "Mine", SerialNumber = $"OWN{number}", DeviceName = $"b{5 - number}" }));
            // Of another school, of no school, and of one that does not exist.
            others.Add(await Make.Enrolled(node, row => row with { School = number switch { 0 => null, 1 => "Nowhere", _ => "Theirs" }, SerialNumber = $"OTHER{number}", DeviceName = $"b{number}" }));
            await node.Devices.Touch([(own[^1].Id, Make.Now.AddMinutes(-number)), (others[^1].Id, Make.Now.AddMinutes(-number))]);
        }

        return (node, mine, theirs, own, others);
    }

    private static OperationAppend Operation(Scope scope, IReadOnlyList<string>? ids = null, DeviceFilter? filter = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        CommandUuid = Make.Id(),
        RequestType = "RestartDevice",
        Body = "<dict/>"u8.ToArray(),
        AcceptedAt = Make.Now,
        RequestedBy = "ada",
        Ids = ids,
        Filter = ids is null ? filter ?? All : null,
        Scope = scope,
    };

    [Fact]
    public async Task Every_order_lists_the_iPads_of_the_schools_page_by_page_and_no_others()
    {
        var (node, mine, theirs, own, others) = await District();
        await using var closing = node;
        var scope = Scope.Of([mine.Id]);
        foreach (var by in Enum.GetValues<DeviceSort>())
        {
            foreach (var descending in (bool[])[false, true])
            {
                foreach (var filter in (DeviceFilter[])[All, new() { Expression = DeviceExpression.Parse("os>=0", Make.Now) }])
                {
                    var order = new DeviceOrder(by, descending);
                    var expected = (await node.Queries.ListDevices(Scope.District, filter, null, 100, order)).Where(row => row.School == "Mine").Select(row => row.Id);
                    var found = new List<DeviceRow>();
                    while (await node.Queries.ListDevices(scope, filter, found.Count == 0 ? null : DeviceCursor.Of(found[^1], order), 2, order) is { Count: > 0 } page) found.AddRange(page);
                    Assert.Equal(expected, found.Select(row => row.Id));
                }
            }
        }

        Assert.Equal((5, 8, 10), (await node.Queries.Count(scope, All), await node.Queries.Count(Scope.Of([mine.Id, theirs.Id]), All), await node.Queries.Count(Scope.District, All)));
        Assert.Equal(0, await node.Queries.Count(Scope.Of([]), All));
        Assert.Equal(0, await node.Queries.Count(scope, new DeviceFilter { School = "Theirs" }));
        Assert.Equal(0, await node.Queries.Count(scope, new DeviceFilter { Query = "other" }));
        Assert.Equal(5, (await node.Queries.CountDevices(scope))[EnrolmentStatus.Enrolled]);
        Assert.NotNull(await node.Queries.FindDevice(scope, own[0].Id));
        foreach (var other in others) Assert.Null(await node.Queries.FindDevice(scope, other.Id));
        // A cursor of another school's iPad leads nowhere.
        Assert.Empty(await node.Queries.ListDevices(scope, All, others[4].Id, 9, new DeviceOrder(DeviceSort.Name)));
    }

    [Fact]
    public async Task An_operation_reaches_the_iPads_of_its_scope_and_is_found_by_those_whose_scope_covers_it()
    {
        var (node, mine, theirs, own, others) = await District();
        await using var closing = node;
        Scope scope = Scope.Of([mine.Id]), both = Scope.Of([theirs.Id, mine.Id]);
        var all = await node.Operations.Append(Operation(scope));
        Assert.Equal(5, all.Total);
        var named = await node.Operations.Append(Operation(scope, [own[0].Id, .. others.Select(row => row.Id)]));
        Assert.Equal((1, 5), (named.Total, named.UnknownIds.Count));
        var found = await node.Operations.Append(Operation(both, filter: new DeviceFilter { Expression = DeviceExpression.Parse("not school:Mine", Make.Now) }));
        Assert.Equal(3, found.Total);
        var district = await node.Operations.Append(Operation(Scope.District));
        Assert.Equal(10, district.Total);
        Assert.Equal(0, (await Assert.ThrowsAsync<OperationRefusedException>(() => node.Operations.Append(Operation(scope, filter: new DeviceFilter { School = "Theirs" })))).Found);
        Assert.Equal(0, (await Assert.ThrowsAsync<OperationRefusedException>(() => node.Operations.Append(Operation(scope, filter: new DeviceFilter { School = "Theirs" }) with { Expected = 3 }))).Found);

        Assert.Equal([named.Id, all.Id], (await node.Operations.List(scope, null, 9)).Select(row => row.Id));
        Assert.Equal([found.Id, named.Id, all.Id], (await node.Operations.List(both, null, 9)).Select(row => row.Id));
        Assert.Equal([all.Id], (await node.Operations.List(both, named.Id, 9)).Select(row => row.Id));
        Assert.Equal(4, (await node.Operations.List(Scope.District, null, 9)).Count);
        Assert.Null(await node.Operations.Find(scope, district.Id));
        Assert.Null(await node.Operations.Find(scope, found.Id));
        // What is repeated reaches no further.
        Assert.Equal([theirs.Id, mine.Id], (await node.Operations.Find(both, found.Id))!.Scope.SchoolIds);
        Assert.Null((await node.Operations.Find(Scope.District, district.Id))!.Scope.SchoolIds);

        var plan = await node.Operations.Plan(scope, [own[1].Id, others[0].Id], null, [], 5);
        Assert.Equal((1, 1), (plan.Total, plan.UnknownIds.Count));
        Assert.Equal(5, (await node.Operations.Plan(scope, null, All, [], 5)).Total);
        Assert.Equal(5, await node.Operations.CountTarget(scope, All));
    }

    [Fact]
    public async Task Invitations_claims_permissions_and_placeholders_are_those_of_the_schools()
    {
        var (node, mine, _, own, others) = await District();
        await using var closing = node;
        var scope = Scope.Of([mine.Id]);
        foreach (var school in (string?[])["Mine", "Theirs", "Nowhere", null])
        {
            await node.Enrolments.CreateInvitation(new Invitation
            {
                Id = "inv-" + (school ?? "none"),
                School = school,
                CreatedAt = Make.Now,
                ExpiresAt = Make.Now.AddDays(1),
                CreatedBy = "ada",
            });
        }

        var invitation = Assert.Single(await node.Enrolments.ListInvitations(scope, null, 9));
        Assert.Equal("Mine", invitation.School);
        Assert.NotNull(await node.Enrolments.FindInvitation(scope, invitation.Number));
        Assert.Null(await node.Enrolments.FindInvitation(scope, "inv-Theirs"));
        Assert.Null(await node.Enrolments.FindInvitation(scope, "inv-none"));

        foreach (var device in (DeviceRow[])[own[0], others[0], others[4]])
            await node.Reenrolments.Keep(new Claim { DeviceId = device.Id, ClaimId = Guid.NewGuid(), Sha256 = Make.Hash(), FirstAt = Make.Now, LastAt = Make.Now });
        Assert.Equal([own[0].Id], (await node.Reenrolments.ListOpenClaims(scope, null, 9)).Select(claim => claim.DeviceId));
        Assert.Equal((1, 3), (await node.Reenrolments.CountOpenClaims(scope), await node.Reenrolments.CountOpenClaims(Scope.District)));
        Assert.Equal(1, await node.Reenrolments.Allow(scope, [own[0].Id, others[4].Id], Make.Now, Make.Now.AddHours(1)));
        Assert.Equal(5, await node.Reenrolments.Allow(scope, All, Make.Now, Make.Now.AddHours(1)));

        PlaceholderWrite Write(string serial, string? school) => new() { Rows = [new Placeholder { SerialNumber = serial, School = school }], By = "ada", At = Make.Now };
        await node.Placeholders.Write(Scope.District, Write("THEIRS", "Theirs"));
        await node.Placeholders.Write(Scope.District, Write("NOBODYS", null));
        foreach (var (serial, school) in new (string, string?)[] { ("NEW", "Theirs"), ("NEW", null), ("NEW", "Nowhere"), ("THEIRS", "Mine"), ("NOBODYS", "Mine"), ("OTHER0", "Mine"), ("OTHER4", "Mine") })
            Assert.Equal(1, (await node.Placeholders.Write(scope, Write(serial, school))).Outside);
        Assert.Equal(new PlaceholdersWritten(1, 0, 0, 0), await node.Placeholders.Write(scope, Write("NEW", "Mine")));
        Assert.Equal(new PlaceholdersWritten(1, 0, 0, 1), await node.Placeholders.Write(scope, Write("OWN0", "Mine")));
        Assert.Equal(["NEW", "OWN0"], (await node.Placeholders.List(scope, null, 9, null)).Select(row => row.Placeholder.SerialNumber));
        Assert.Null(await node.Placeholders.Standing(scope, "THEIRS"));
        Assert.False(await node.Placeholders.Remove(scope, "THEIRS", null));
        Assert.True(await node.Placeholders.Remove(scope, "NEW", null));
    }
}
