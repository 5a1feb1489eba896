using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresInventoryStoreTests(PostgresFixture fixture) : InventoryStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteInventoryStoreTests(SqliteFixture fixture) : InventoryStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>What an iPad tells is written with its answer, and only where it differs.</summary>
public abstract class InventoryStoreTests(StoreFixture fixture)
{
    private static readonly Guid One = new("11111111-2222-3333-4444-555555555555");
    private static readonly Guid Two = new("21111111-2222-3333-4444-555555555555");

    private IInventoryStore Store => fixture.Node.Inventory;

    private static InventoryItem Item(string key, string? value = "1.0", DateTimeOffset? expires = null) => new(key, key.ToUpperInvariant(), value, expires, "{}");

    private static InventoryChange Change(
        Guid digest, InventoryDifference? difference, InventoryList list = InventoryList.Apps, DateTimeOffset? at = null, bool forget = false) =>
        new() { List = list, Digest = digest, At = at ?? Make.Now, Difference = difference, Forget = forget };

    private static InventoryDifference First(params InventoryItem[] items) => new(null, items, [], items.Length, Cut: false);

    private async Task Answer(string id, InventoryChange change)
    {
        var queued = await fixture.Node.Devices.Append(Make.Command(id));
        Assert.True(await fixture.Node.Devices.Finish(Make.Finish(id, queued.Sequence) with { Inventory = change }));
    }

    private async Task<string> Enrol() => (await Make.Enrolled(fixture.Node)).Id;

    private async Task<List<(string, string?)>> Items(string id, InventoryList list = InventoryList.Apps) =>
        [.. (await Store.ListItems(id, list, null, 1000)).Select(item => (item.Key, item.Value))];

    [Fact]
    public async Task A_first_list_is_kept_with_its_items_in_order_of_their_keys()
    {
        var id = await Enrol();
        await Answer(id, Change(One, First(Item("b", null, Make.Now.AddYears(1)), Item("a"), Item("Ä"))));

        Assert.Equal(new InventoryListRow(InventoryList.Apps, One, Make.Now, Make.Now, 3, Cut: false), Assert.Single(await Store.FindLists(id)));
        var items = await Store.ListItems(id, InventoryList.Apps, null, 2);
        Assert.Equal([Item("a"), Item("b", null, Make.Now.AddYears(1))], items);
        Assert.Equal([Item("Ä")], await Store.ListItems(id, InventoryList.Apps, "b", 2));
        Assert.Empty(await Store.FindLists(await Enrol()));
    }

    [Fact]
    public async Task The_same_list_moves_the_time_only_and_an_older_answer_not_even_that()
    {
        var id = await Enrol();
        await Answer(id, Change(One, First(Item("a"))));
        await Answer(id, Change(One, null, at: Make.Now.AddDays(1)));
        await Answer(id, Change(One, null, at: Make.Now.AddHours(1)));
        await Answer(id, Change(Two, null, at: Make.Now.AddDays(2)));

        var row = Assert.Single(await Store.FindLists(id));
        Assert.Equal((One, Make.Now.AddDays(1), Make.Now), (row.Digest, row.AsOf, row.ChangedAt));
    }

    [Fact]
    public async Task A_difference_changes_what_it_names()
    {
        var id = await Enrol();
        var other = await Enrol();
        foreach (var one in new[] { id, other }) await Answer(one, Change(One, First(Item("a"), Item("b"), Item("c"))));
        await Answer(id, Change(Two, new InventoryDifference(One, [Item("b", "2.0"), Item("d")], ["a"], 3, Cut: true), at: Make.Now.AddDays(1)));

        Assert.Equal([("b", "2.0"), ("c", "1.0"), ("d", "1.0")], await Items(id));
        Assert.Equal(new InventoryListRow(InventoryList.Apps, Two, Make.Now.AddDays(1), Make.Now.AddDays(1), 3, Cut: true), Assert.Single(await Store.FindLists(id)));
        Assert.Equal([("a", "1.0"), ("b", "1.0"), ("c", "1.0")], await Items(other));

        // Other words for the same: no change that is worth telling.
        await Answer(id, Change(One, new InventoryDifference(Two, [], [], 3, Cut: false), at: Make.Now.AddDays(2)));
        var row = Assert.Single(await Store.FindLists(id));
        Assert.Equal((One, Make.Now.AddDays(2), Make.Now.AddDays(1)), (row.Digest, row.AsOf, row.ChangedAt));
    }

    [Fact]
    public async Task A_difference_from_another_list_than_the_stored_one_changes_nothing()
    {
        var id = await Enrol();
        await Answer(id, Change(One, First(Item("a"))));
        await Answer(id, Change(Two, new InventoryDifference(Two, [Item("b")], ["a"], 1, Cut: false)));
        await Answer(id, Change(Two, First(Item("c"))));
        Assert.Equal([("a", "1.0")], await Items(id));
        Assert.Equal(One, Assert.Single(await Store.FindLists(id)).Digest);
    }

    [Fact]
    public async Task What_an_answer_tells_within_a_change_of_its_enrolment_counts_when_the_change_passes_and_only_then()
    {
        var row = await Make.Enrolled(fixture.Node);
        var queued = await fixture.Node.Devices.Append(Make.Command(row.Id));
        var finish = Make.Finish(row.Id, queued.Sequence) with { Inventory = Change(One, First(Item("a"))) };
        var late = await fixture.Node.Devices.Commit(Make.Change(row with { Version = 7 }) with { Finish = finish });
        Assert.Equal((CommitOutcome.VersionConflict, false), (late.Outcome, late.Finished));
        Assert.Empty(await Store.FindLists(row.Id));

        var passed = await fixture.Node.Devices.Commit(Make.Change(row with { Version = 2 }) with { Finish = finish });
        Assert.Equal((CommitOutcome.Committed, true), (passed.Outcome, passed.Finished));
        Assert.Equal([("a", "1.0")], await Items(row.Id));

        async Task Tell(long version, InventoryChange told)
        {
            var next = await fixture.Node.Devices.Append(Make.Command(row.Id));
            var change = Make.Change(row with { Version = version }) with { Finish = Make.Finish(row.Id, next.Sequence) with { Inventory = told } };
            Assert.Equal((CommitOutcome.Committed, true), (await fixture.Node.Devices.Commit(change)) is var done ? (done.Outcome, done.Finished) : default);
        }

        await Tell(3, Change(Two, new InventoryDifference(One, [Item("b")], ["a"], 1, Cut: false), at: Make.Now.AddDays(1)));
        Assert.Equal([("b", "1.0")], await Items(row.Id));
        await Tell(4, Change(Two, null, at: Make.Now.AddDays(2)));
        Assert.Equal(Make.Now.AddDays(2), Assert.Single(await Store.FindLists(row.Id)).AsOf);
        await Tell(5, Change(Two, null, forget: true));
        Assert.Empty(await Store.FindLists(row.Id));
        Assert.Empty(await Items(row.Id));
    }

    [Fact]
    public async Task An_answer_whose_commit_was_lost_on_the_way_counts_once()
    {
        var id = await Enrol();
        await Answer(id, Change(One, First(Item("a"))));
        var queued = await fixture.Node.Devices.Append(Make.Command(id));
        var lane = fixture.Node.Lanes.Writer(id);
        lane.AfterExecution = _ =>
        {
            lane.AfterExecution = null;
            throw new TimeoutException("lost on purpose");
        };
        var change = Change(Two, new InventoryDifference(One, [Item("b")], ["a"], 1, Cut: false), at: Make.Now.AddDays(1));
        Assert.True(await fixture.Node.Devices.Finish(Make.Finish(id, queued.Sequence) with { Inventory = change }));

        Assert.Equal([("b", "1.0")], await Items(id));
        Assert.Equal(Two, Assert.Single(await Store.FindLists(id)).Digest);
    }

    [Fact]
    public async Task Answers_of_many_iPads_travel_together()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Enrol()));
        await Task.WhenAll(ids.Select((id, n) => Answer(id, Change(One, First(Item("a"), Item($"own{n}"))))));
        await Task.WhenAll(ids.Select((id, n) => n % 2 == 0
            ? Answer(id, Change(One, null, at: Make.Now.AddDays(1)))
            : Answer(id, Change(Two, new InventoryDifference(One, [Item("a", "2.0")], [$"own{n}"], 1, Cut: false), at: Make.Now.AddDays(1)))));
        for (var n = 0; n < ids.Length; n++)
        {
            Assert.Equal(n % 2 == 0 ? [("a", "1.0"), ($"own{n}", "1.0")] : [("a", "2.0")], await Items(ids[n]));
            Assert.Equal(Make.Now.AddDays(1), Assert.Single(await Store.FindLists(ids[n])).AsOf);
        }
    }

    [Fact]
    public async Task A_list_is_forgotten_by_an_answer_and_the_others_stay()
    {
        var id = await Enrol();
        await Answer(id, Change(One, First(Item("a"))));
        await Answer(id, Change(One, First(Item("location")), InventoryList.Location));
        await Answer(id, Change(default, null, InventoryList.Location, forget: true));
        Assert.Equal([InventoryList.Apps], (await Store.FindLists(id)).Select(row => row.List));
        Assert.Empty(await Items(id, InventoryList.Location));
        Assert.Single(await Items(id));
    }

    [Theory]
    [InlineData(InventoryEnd.Kept, 2, 1)]
    [InlineData(InventoryEnd.LocationForgotten, 1, 1)]
    [InlineData(InventoryEnd.Forgotten, 0, 0)]
    public async Task A_change_of_the_enrolment_says_what_is_left(InventoryEnd end, int lists, int apps)
    {
        var row = await Make.Enrolled(fixture.Node);
        var other = await Enrol();
        foreach (var id in new[] { row.Id, other })
        {
            await Answer(id, Change(One, First(Item("a"))));
            await Answer(id, Change(One, First(Item("location")), InventoryList.Location));
        }

        // Refused: nothing is forgotten.
        Assert.Equal(CommitOutcome.VersionConflict, (await fixture.Node.Devices.Commit(Make.Change(row with { DeviceId = row.Id, Version = 9 }) with { Inventory = InventoryEnd.Forgotten })).Outcome);
        Assert.Equal(2, (await Store.FindLists(row.Id)).Count);

        Assert.Equal(CommitOutcome.Committed, (await fixture.Node.Devices.Commit(Make.Change(row with { DeviceId = row.Id, Version = 2 }) with { Inventory = end })).Outcome);
        Assert.Equal((lists, apps), ((await Store.FindLists(row.Id)).Count, (await Items(row.Id)).Count));
        Assert.Equal(2, (await Store.FindLists(other)).Count);
    }

    [Fact]
    public async Task The_inventory_of_iPads_that_left_is_forgotten_after_its_time()
    {
        await using var alone = await fixture.CreateAnother();
        var ended = new List<string>();
        for (var n = 0; n < 3; n++)
        {
            var row = await Make.Enrolled(alone.Node, r => r with { Status = n == 2 ? EnrolmentStatus.Enrolled : EnrolmentStatus.Unenrolled, UnenrolledAt = Make.Now.AddDays(-100 + (n * 50)) });
            var queued = await alone.Node.Devices.Append(Make.Command(row.Id));
            Assert.True(await alone.Node.Devices.Finish(Make.Finish(row.Id, queued.Sequence) with { Inventory = Change(One, First(Item("a"))) }));
            ended.Add(row.Id);
        }

        Assert.Equal(1, await alone.Node.Inventory.ForgetEnded(Make.Now.AddDays(-90), 10));
        Assert.Equal(0, await alone.Node.Inventory.ForgetEnded(Make.Now.AddDays(-90), 10));
        foreach (var (id, left) in ended.Zip([0, 1, 1]))
        {
            Assert.Equal(left, (await alone.Node.Inventory.FindLists(id)).Count);
            Assert.Equal(left, (await alone.Node.Inventory.ListItems(id, InventoryList.Apps, null, 9)).Count);
        }
    }

    [Fact]
    public async Task A_text_that_cannot_be_stored_is_refused_before_it_joins_others()
    {
        var id = await Enrol();
        var queued = await fixture.Node.Devices.Append(Make.Command(id));
        await Assert.ThrowsAsync<StoreRejectedException>(async () =>
            await fixture.Node.Devices.Finish(Make.Finish(id, queued.Sequence) with { Inventory = Change(One, First(Item("a\0"))) }));
        Assert.Single((await fixture.Node.Devices.Load(id)).Queue);
    }

    [Fact]
    public async Task When_an_iPad_is_next_to_be_asked_is_loaded_with_it_and_outside_of_its_version()
    {
        var id = await Enrol();
        Assert.Null((await fixture.Node.Devices.Load(id)).Row!.RefreshAt);
        await Store.Schedule(id, Make.Now.AddDays(1));
        await Store.Schedule(Make.Id(), Make.Now);
        var row = (await fixture.Node.Devices.Load(id)).Row!;
        Assert.Equal((Make.Now.AddDays(1), 1), (row.RefreshAt, row.Version));
    }
}
