using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresGroupStoreTests(PostgresFixture fixture) : GroupStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteGroupStoreTests(SqliteFixture fixture) : GroupStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Groups, the same on both databases.</summary>
public abstract class GroupStoreTests(StoreFixture fixture)
{
    private static DeviceGroup New(string name, string? rule = null, string? school = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        Name = name,
        Rule = rule,
        SchoolId = school,
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private static DeviceFilter Find(string filter) => new() { Expression = DeviceExpression.Parse(filter, Make.Now) };

    private static MemberChoice Named(params string[] names) => new(names, null);

    private static AuditRecord? NoRecord(long count) => null;

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static Task<DeviceRow> Enrol(Node node, string serial) => Make.Enrolled(node, row => row with { SerialNumber = serial, DeviceName = serial });

    private static async Task<string[]> Found(Node node, string filter) =>
        [.. (await node.Queries.ListDevices(Scope.District, Find(filter), null, 100, new DeviceOrder(DeviceSort.SerialNumber))).Select(row => row.SerialNumber!)];

    [Fact]
    public async Task A_filter_finds_a_group_by_hand_by_rule_and_their_opposites()
    {
        await using var node = await Fresh();
        foreach (var serial in (string[])["ALPHA1", "ALPHA2", "BETA1"]) await Enrol(node, serial);
        var hand = New("Trolley");
        Assert.Equal(GroupOutcome.Written, await node.Groups.Create(Scope.District, hand, null));
        Assert.Equal(GroupOutcome.Written, await node.Groups.Create(Scope.District, New("As", "name:alpha and serial!=ALPHA3"), null));
        Assert.Equal(GroupOutcome.Written, await node.Groups.Create(Scope.District, New("Both", "group:as group:trolley"), null));
        Assert.Equal(2, (await node.Groups.Add(Scope.District, hand.Id, Named("ALPHA1", "BETA1"), Make.Now, NoRecord)).Changed);

        Assert.Equal(["ALPHA1", "BETA1"], await Found(node, "group:TROLLEY"));
        Assert.Equal(["ALPHA2"], await Found(node, "not group:Trolley"));
        Assert.Equal(["ALPHA1", "ALPHA2"], await Found(node, "group:As"));
        Assert.Equal(["ALPHA1"], await Found(node, "group:Both"));
        Assert.Equal(["ALPHA2", "BETA1"], await Found(node, "not group:Both"));
        Assert.Equal(2, await node.Queries.Count(Scope.District, Find("group:As")));
        Assert.Equal(2, await node.Operations.CountTarget(Scope.District, Find("group:As")));
        await Assert.ThrowsAsync<FilterException>(() => node.Queries.Count(Scope.District, Find("not group:Nobody")));
    }

    [Fact]
    public async Task A_group_is_kept_as_it_was_written_and_the_groups_of_an_iPad_are_found()
    {
        await using var node = await Fresh();
        var ipad = await Enrol(node, "C1");
        var (hand, rule, other) = (New("b hand") with { Note = "Room 3" }, New("A rule", "serial:C1 and lastSeen<7d or name:C"), New("other", "serial:C2"));
        foreach (var group in (DeviceGroup[])[hand, rule, other]) Assert.Equal(GroupOutcome.Written, await node.Groups.Create(Scope.District, group, null));
        await node.Groups.Add(Scope.District, hand.Id, Named(ipad.Id), Make.Now, NoRecord);

        Assert.Equal(hand, (await node.Groups.Find(Scope.District, hand.Id))!.Group);
        Assert.Equal(["A rule", "b hand"], (await node.Groups.ListOf(Scope.District, ipad.Id, Make.Now)).Select(row => row.Group.Name));
        Assert.Equal(["A rule", "b hand", "other"], (await node.Groups.List(Scope.District, null, null, 10)).Select(row => row.Group.Name));
        Assert.Equal(["b hand", "other"], (await node.Groups.List(Scope.District, null, "A RULE", 10)).Select(row => row.Group.Name));
        Assert.Empty(await node.Groups.List(Scope.Of([]), null, null, 10));
        Assert.Null(await node.Groups.Find(Scope.Of([Guid.NewGuid().ToString()]), hand.Id));
    }

    [Fact]
    public async Task A_serial_number_that_is_known_waits_in_the_group_until_its_iPad_enrols()
    {
        await using var node = await Fresh();
        await node.Placeholders.Write(Scope.District, new PlaceholderWrite { Rows = [new Placeholder { SerialNumber = "WAIT1", Name = "NS-1" }, new Placeholder { SerialNumber = "WAIT2" }], By = "ada", At = Make.Now });
        var group = New("Waiting");
        Assert.Equal(GroupOutcome.Written, await node.Groups.Create(Scope.District, group, null));
        // Mistyped: known nowhere.
        Assert.Equal(["WAIT9"], (await node.Groups.Add(Scope.District, group.Id, Named("WAIT1", "WAIT9"), Make.Now, NoRecord)).Unknown);
        Assert.Equal(2, (await node.Groups.Add(Scope.District, group.Id, Named("WAIT1", "WAIT2"), Make.Now, NoRecord)).Changed);
        Assert.Equal(0, (await node.Groups.Add(Scope.District, group.Id, Named("WAIT1"), Make.Now, NoRecord)).Changed);
        Assert.Equal([("WAIT1", "NS-1"), ("WAIT2", null)], (await node.Groups.ListWaiting(Scope.District, group.Id, null, 10)).Select(one => (one.SerialNumber, one.Name)));
        Assert.Equal((2, 2), (await node.Groups.CountWaiting(Scope.District, group.Id), (await node.Groups.Find(Scope.District, group.Id))!.ByHand));
        Assert.Empty(await node.Groups.ListWaiting(Scope.Of(["school"]), group.Id, null, 10));
        Assert.Empty(await Found(node, "group:Waiting"));

        var ipad = await Enrol(node, "WAIT1");
        await Enrol(node, "OTHER1");
        Assert.Equal(["WAIT1"], await Found(node, "group:Waiting"));
        Assert.Equal(["OTHER1"], await Found(node, "not group:Waiting"));
        Assert.Equal(["Waiting"], (await node.Groups.ListOf(Scope.District, ipad.Id, Make.Now)).Select(row => row.Group.Name));
        Assert.Equal("WAIT2", Assert.Single(await node.Groups.ListWaiting(Scope.District, group.Id, null, 10)).SerialNumber);
        // It is in already, whatever it is called now.
        Assert.Equal(0, (await node.Groups.Add(Scope.District, group.Id, Named(ipad.Id), Make.Now, NoRecord)).Changed);
        Assert.Equal(1, (await node.Groups.Remove(Scope.District, group.Id, Named(ipad.Id), Make.Now, NoRecord)).Changed);
        Assert.Empty(await Found(node, "group:Waiting"));
        Assert.Equal(1, (await node.Groups.Remove(Scope.District, group.Id, Named("WAIT2"), Make.Now, NoRecord)).Changed);
        Assert.Equal(0, (await node.Groups.Find(Scope.District, group.Id))!.ByHand);
    }

    [Fact]
    public async Task Who_is_for_some_schools_puts_in_only_serial_numbers_of_their_placeholders()
    {
        await using var node = await Fresh();
        var schools = new List<School>();
        foreach (var name in (string[])["North", "South"])
        {
            var school = new School { Id = Guid.NewGuid().ToString("D"), Version = 1, Name = name, CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
            Assert.Equal(SchoolOutcome.Written, await node.Schools.Create(school, null));
            schools.Add(school);
            await node.Placeholders.Write(Scope.District, new PlaceholderWrite { Rows = [new Placeholder { SerialNumber = name.ToUpperInvariant() + "1", School = name }], By = "ada", At = Make.Now });
        }

        var (group, mine) = (New("Ours", school: schools[0].Id), Scope.Of([schools[0].Id]));
        Assert.Equal(GroupOutcome.Written, await node.Groups.Create(mine, group, null));
        Assert.Equal(["SOUTH1"], (await node.Groups.Add(mine, group.Id, Named("NORTH1", "SOUTH1"), Make.Now, NoRecord)).Unknown);
        Assert.Equal(1, (await node.Groups.Add(mine, group.Id, Named("NORTH1"), Make.Now, NoRecord)).Changed);
        Assert.Equal("NORTH1", Assert.Single(await node.Groups.ListWaiting(mine, group.Id, null, 10)).SerialNumber);
    }

    [Fact]
    public async Task The_same_twice_changes_nothing_and_leaves_one_record()
    {
        await using var node = await Fresh();
        await Enrol(node, "D1");
        var group = New("Twice");
        var record = AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.GroupCreate);
        Assert.Equal(GroupOutcome.Written, await node.Groups.Create(Scope.District, group, record));
        Assert.Equal(GroupOutcome.Written, await node.Groups.Create(Scope.District, group, record));
        var told = new List<long>();
        AuditRecord? Told(long count)
        {
            told.Add(count);
            return null;
        }

        await node.Groups.Add(Scope.District, group.Id, new MemberChoice(null, Find("serial:D1")), Make.Now, Told);
        await node.Groups.Add(Scope.District, group.Id, new MemberChoice(null, Find("serial:D1")), Make.Now, Told);
        Assert.Equal([1], told);
        Assert.Equal(1, (await node.Groups.Remove(Scope.District, group.Id, new MemberChoice(null, Find("group:Twice")), Make.Now, Told)).Changed);
        Assert.Equal(0, (await node.Groups.Find(Scope.District, group.Id))!.ByHand);
        Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 10));
    }

    [Fact]
    public async Task Two_iPads_with_one_serial_number_are_named_and_none_is_taken()
    {
        await using var node = await Fresh();
        var first = await Enrol(node, "E1");
        await Enrol(node, "E1");
        var group = New("Ambiguous");
        await node.Groups.Create(Scope.District, group, null);

        var refused = await node.Groups.Add(Scope.District, group.Id, Named("E1", "E2"), Make.Now, NoRecord);

        Assert.Equal(GroupOutcome.UnknownDevices, refused.Outcome);
        Assert.Equal(["E1", "E2"], refused.Unknown!.Order(StringComparer.Ordinal));
        Assert.Equal(1, (await node.Groups.Add(Scope.District, group.Id, Named(first.Id), Make.Now, NoRecord)).Changed);
    }
}
