using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Groups;

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
        Assert.Equal(1, (await node.Groups.Remove(Scope.District, group.Id, new MemberChoice(null, Find("group:Twice")), Told)).Changed);
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
