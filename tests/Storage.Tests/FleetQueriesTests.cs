using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresFleetQueriesTests(PostgresFixture fixture) : FleetQueriesTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteFleetQueriesTests(SqliteFixture fixture) : FleetQueriesTests(fixture), IClassFixture<SqliteFixture>;

public abstract class FleetQueriesTests(StoreFixture fixture)
{
    private IFleetQueries Queries => fixture.Node.Queries;

    private Task<DeviceRow> Enrolled(Func<DeviceRow, DeviceRow> change) => Make.Enrolled(fixture.Node, change);

    private async Task<IEnumerable<string>> Ids(DeviceFilter filter) => (await Queries.ListDevices(Scope.District, filter, null, 100)).Select(r => r.Id);

    [Fact]
    public async Task Devices_are_listed_by_id_page_by_page()
    {
        var school = Make.Id();
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
            ids.Add((await Enrolled(r => r with { School = school })).Id);
        ids.Sort(StringComparer.Ordinal);
        var filter = new DeviceFilter { School = school };

        var first = await Queries.ListDevices(Scope.District, filter, null, 2);
        var second = await Queries.ListDevices(Scope.District, filter, first[1].Id, 2);
        var third = await Queries.ListDevices(Scope.District, filter, second[1].Id, 2);

        Assert.Equal(ids, first.Concat(second).Concat(third).Select(r => r.Id));
    }

    [Fact]
    public async Task Ids_are_compared_byte_by_byte()
    {
        var school = Make.Id();
        foreach (var id in new[] { "b-", "A_", "a-", "B_" })
            await Make.Enrolled(fixture.Node, r => r with { School = school }, id + school);

        Assert.Equal(["A_", "B_", "a-", "b-"], (await Ids(new DeviceFilter { School = school })).Select(id => id[..2]));
    }

    [Theory]
    [InlineData("dmpx77")]
    [InlineData("MPX77A")]
    [InlineData("zoë's")]
    [InlineData("lovelace")]
    [InlineData("ada.l")]
    [InlineData("100%_")]
    [InlineData("\\back")]
    public async Task A_search_finds_parts_of_numbers_and_names_whatever_their_case(string query)
    {
        var school = Make.Id();
        var row = await Enrolled(r => r with
        {
            School = school,
            SerialNumber = "DMPX77A1",
            DeviceName = "Zoë's iPad 100%_ \\BACK",
            UserShortName = "ada.l",
            UserLongName = "Ada Lovelace",
        });
        await Enrolled(r => r with { School = school, SerialNumber = "DMPX99", DeviceName = "100 x back" });

        Assert.Equal([row.Id], await Ids(new DeviceFilter { School = school, Query = query }));
    }

    [Fact]
    public async Task A_search_finds_the_id_and_not_across_two_fields()
    {
        var row = await Enrolled(r => r with { SerialNumber = "AAA", DeviceName = "BBB" });

        Assert.Equal([row.Id], await Ids(new DeviceFilter { Query = row.Id.ToLowerInvariant()[4..] }));
        Assert.Empty(await Ids(new DeviceFilter { Query = "aaabbb" }));
        Assert.Empty(await Ids(new DeviceFilter { Query = "aaa bbb" }));
    }

    [Fact]
    public async Task A_device_is_found_by_its_new_name_after_a_change()
    {
        var school = Make.Id();
        var row = await Enrolled(r => r with { School = school, DeviceName = "before" });
        await fixture.Node.Devices.Commit(Make.Change(row with { Version = 2, DeviceName = new string('é', 3_000) + "after" }));
        await fixture.Node.Devices.Commit(Make.Change(row with { Version = 3, DeviceName = "after" }));

        Assert.Equal([row.Id], await Ids(new DeviceFilter { School = school, Query = "AFTER" }));
        Assert.Empty(await Ids(new DeviceFilter { School = school, Query = "before" }));
    }

    [Fact]
    public async Task All_parts_of_a_filter_must_hold()
    {
        var school = Make.Id();
        var row = await Enrolled(r => r with { School = school, SerialNumber = "S" + school, ProductName = "iPad13,18", OsVersion = "18.3.2" });
        await Enrolled(r => r with { School = school, ProductName = "iPad13,18", OsVersion = "18.30", Status = EnrolmentStatus.Removed });
        await Enrolled(r => r with { School = school, ProductName = "iPad14,1", OsVersion = "180.1", Kind = EnrolmentKind.UserEnrollment });
        var here = new DeviceFilter { School = school };

        Assert.Equal(3, (await Ids(here)).Count());
        Assert.Equal([row.Id], await Ids(here with { SerialNumber = "S" + school }));
        Assert.Equal(2, (await Ids(here with { ProductName = "iPad13,18" })).Count());
        Assert.Equal([row.Id], await Ids(here with { ProductName = "iPad13,18", Status = EnrolmentStatus.Enrolled }));
        Assert.Equal([row.Id], await Ids(here with { OsVersion = "18.3.2" }));
        Assert.Equal([row.Id], await Ids(here with { OsVersion = "18.3." }));
        Assert.Equal(2, (await Ids(here with { OsVersion = "18." })).Count());
        Assert.Single(await Ids(here with { Kind = EnrolmentKind.UserEnrollment }));
        Assert.Empty(await Ids(here with { OsVersion = "18.3" }));
    }

    [Fact]
    public async Task Devices_are_filtered_by_when_they_were_seen()
    {
        var school = Make.Id();
        var never = await Enrolled(r => r with { School = school });
        var old = await Enrolled(r => r with { School = school });
        var recent = await Enrolled(r => r with { School = school });
        var again = await Enrolled(r => r with { School = school, AuthenticatedAt = Make.Now, EnrolledAt = Make.Now });
        await fixture.Node.Devices.Touch([(old.Id, Make.Now.AddDays(-3)), (recent.Id, Make.Now), (again.Id, Make.Now.AddDays(-3))]);
        var here = new DeviceFilter { School = school };

        // Neither one that was never seen nor one that has enrolled since: its last contact is of an earlier enrolment.
        Assert.Equal([old.Id], await Ids(here with { SeenBefore = Make.Now.AddDays(-1) }));
        Assert.DoesNotContain(never.Id, await Ids(here with { SeenBefore = Make.Now.AddDays(1) }));
        Assert.Equal([recent.Id], await Ids(here with { SeenAfter = Make.Now.AddDays(-1) }));
    }

    [Theory]
    [InlineData("100%")]
    [InlineData("a_b")]
    [InlineData("c:\\d")]
    [InlineData("it's")]
    public async Task A_search_takes_every_sign_for_itself(string name)
    {
        var mark = Make.Id();
        var row = await Enrolled(r => r with { DeviceName = mark + name });
        await Enrolled(r => r with { DeviceName = mark + "1000 axb c:d it is" });
        Assert.Equal([row.Id], await Ids(new DeviceFilter { Query = mark + name }));
        Assert.Equal([row.Id], await Ids(new DeviceFilter { Query = (mark + name)[1..] }));
        Assert.Equal(1, await fixture.Node.Queries.Count(Scope.District, new DeviceFilter { Query = mark + name }));
    }

    [Fact]
    public async Task Devices_are_listed_in_each_order_and_its_opposite_page_by_page()
    {
        var school = Make.Id();
        foreach (var (name, serial) in new (string?, string?)[] { ("beta", "S3"), ("Alpha", "S1"), (null, "S2"), ("gamma", null), ("Alpha", "S1") })
            await Enrolled(r => r with { School = school, DeviceName = name, SerialNumber = serial });
        // Two in the same moment, three never.
        var seen = (await Ids(new DeviceFilter { School = school })).Take(2).ToList();
        await fixture.Node.Devices.Touch([.. seen.Select(id => (id, Make.Now))]);
        var here = new DeviceFilter { School = school };
        Assert.Equal(5, await fixture.Node.Queries.Count(Scope.District, here));
        foreach (var sort in Enum.GetValues<DeviceSort>())
        {
            foreach (var descending in new[] { false, true })
            {
                var order = new DeviceOrder(sort, descending);
                List<DeviceRow> rows = [];
                for (string? after = null; ;)
                {
                    var page = await fixture.Node.Queries.ListDevices(Scope.District, here, after, 2, order);
                    rows.AddRange(page);
                    if (page.Count < 2) break;
                    after = DeviceCursor.Of(page[^1], order);
                }

                string Key(DeviceRow row) => sort switch
                {
                    DeviceSort.Name => (row.DeviceName ?? row.SerialNumber ?? row.Id).ToLowerInvariant(),
                    DeviceSort.SerialNumber => row.SerialNumber ?? "",
                    DeviceSort.LastSeen => row.LastSeenAt is null ? "" : "seen",
                    _ => "",
                };
                var expected = rows.OrderBy(Key, StringComparer.Ordinal).ThenBy(row => row.Id, StringComparer.Ordinal).Select(row => row.Id).ToList();
                if (descending) expected.Reverse();
                Assert.Equal(expected, rows.Select(row => row.Id));
                Assert.Equal(5, rows.Distinct().Count());
            }
        }

        Assert.Empty(await fixture.Node.Queries.ListDevices(Scope.District, here, "nobody", 2, new DeviceOrder(DeviceSort.Name)));
    }

    [Fact]
    public async Task An_iPad_that_comes_between_two_pages_takes_no_other_with_it()
    {
        var school = Make.Id();
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            ids.Add((await Enrolled(r => r with { School = school })).Id);
            await fixture.Node.Devices.Touch([(ids[i], Make.Now.AddMinutes(i))]);
        }

        var here = new DeviceFilter { School = school };
        var order = new DeviceOrder(DeviceSort.LastSeen);
        var first = await Queries.ListDevices(Scope.District, here, null, 2, order);
        await fixture.Node.Devices.Touch([(ids[1], Make.Now.AddHours(1))]);

        Assert.Equal(ids.Take(2), first.Select(row => row.Id));
        Assert.Equal([ids[2], ids[3], ids[1]], (await Queries.ListDevices(Scope.District, here, DeviceCursor.Of(first[^1], order), 5, order)).Select(row => row.Id));
        Assert.Empty(await Queries.ListDevices(Scope.District, here, ids[0], 5, order));
    }

    [Fact]
    public async Task One_device_is_found_with_its_last_contact()
    {
        var row = await Enrolled(r => r);
        await fixture.Node.Devices.Touch([(row.Id, Make.Now)]);

        Assert.Equal(Make.Now, (await Queries.FindDevice(row.Id))!.LastSeenAt);
        Assert.Null(await Queries.FindDevice(Make.Id()));
    }

    [Fact]
    public async Task Devices_are_counted_by_status_without_user_channels()
    {
        await using var another = await fixture.CreateAnother();
        var device = await Make.Enrolled(another.Node);
        await Make.Enrolled(another.Node, r => r with { Status = EnrolmentStatus.Removed });
        await Make.Enrolled(another.Node, r => r with { Kind = EnrolmentKind.SharedUser, DeviceId = device.Id }, device.Id + ":ada");

        var counts = await another.Node.Queries.CountDevices(Scope.District);

        Assert.Equal(2, counts.Count);
        Assert.Equal(1, counts[EnrolmentStatus.Enrolled]);
        Assert.Equal(1, counts[EnrolmentStatus.Removed]);
    }

    [Fact]
    public async Task Those_that_depend_on_a_topic_are_counted()
    {
        var topic = Make.Id();
        await Enrolled(r => r with { Topic = topic });
        await Enrolled(r => r with { Topic = topic, Status = EnrolmentStatus.Authenticated });
        await Enrolled(r => r with { Topic = topic, Status = EnrolmentStatus.Unenrolled });

        Assert.Equal(2, await Queries.CountByTopic(topic));
        Assert.Equal(0, await Queries.CountByTopic("none"));
    }

    [Fact]
    public async Task History_is_listed_newest_first_page_by_page_without_results()
    {
        var id = Make.Id();
        var sequences = new List<long>();
        for (var i = 0; i < 5; i++)
        {
            sequences.Add((await fixture.Node.Devices.Append(Make.Command(id))).Sequence);
            await fixture.Node.Devices.Finish(Make.Finish(id, sequences[i]));
        }

        var first = await Queries.ListHistory(id, null, 2);
        var second = await Queries.ListHistory(id, first[1].Sequence, 10);

        Assert.Equal([sequences[4], sequences[3]], first.Select(h => h.Sequence));
        Assert.Equal([sequences[2], sequences[1], sequences[0]], second.Select(h => h.Sequence));
        Assert.All(first, h => Assert.Null(h.Result));
        Assert.Null(await Queries.FindHistory(id, "unknown"));
    }

    [Fact]
    public async Task The_silent_are_those_with_something_old_queued_and_no_contact_and_no_push_since()
    {
        await using var another = await fixture.CreateAnother();
        var node = another.Node;
        var since = new SilentSince(Silent: Make.Now.AddHours(-4), Pushed: Make.Now.AddHours(-10), Ahead: Make.Now.AddMinutes(5));
        async Task<string> Device(
            DateTimeOffset? queued, DateTimeOffset? seen = null, DateTimeOffset? pushed = null, string result = "accepted",
            Func<DeviceRow, DeviceRow>? change = null)
        {
            var row = await Make.Enrolled(node, change);
            if (queued is { } at)
                await node.Devices.Append(Make.Command(row.Id, at: at));
            if (seen is { } time)
                await node.Devices.Touch([(row.Id, time)]);
            if (pushed is { } push)
                await node.Devices.RecordPushes([new(row.Id, push, result)]);
            return row.Id;
        }

        var old = Make.Now.AddDays(-1);
        string[] expected =
        [
            await Device(old),
            await Device(old, seen: old, pushed: old),
            // The last push woke it for something else, an hour before its command came.
            await Device(Make.Now.AddHours(-5), pushed: Make.Now.AddHours(-6)),
            // APNs did not take the last push.
            await Device(old, pushed: Make.Now.AddHours(-5), result: "TooManyRequests"),
            // Times that a clock has written that was ahead.
            await Device(old, seen: Make.Now.AddHours(2)),
            await Device(old, pushed: Make.Now.AddHours(2)),
            await Device(Make.Now.AddHours(2)),
        ];
        await Device(null);
        await Device(Make.Now.AddHours(-1));
        await Device(old, seen: Make.Now.AddHours(-2));
        await Device(old, pushed: Make.Now.AddHours(-5));
        await Device(old, pushed: Make.Now.AddMinutes(-5), result: "TooManyRequests");
        await Device(old, seen: Make.Now.AddMinutes(1));
        await Device(old, change: r => r with { PushTokenDead = "Unregistered" });
        await Device(old, change: r => r with { PushToken = null });
        await Device(old, change: r => r with { Status = EnrolmentStatus.Unenrolled });
        Array.Sort(expected, StringComparer.Ordinal);


        Assert.Equal(expected, (await node.Queries.ListSilent(since, null, 10)).Select(t => t.EnrolmentId));
        Assert.Equal(expected[1..], (await node.Queries.ListSilent(since, expected[0], 10)).Select(t => t.EnrolmentId));
        Assert.Equal([expected[0]], (await node.Queries.ListSilent(since, null, 1)).Select(t => t.EnrolmentId));
    }

    [Fact]
    public async Task Untold_are_those_that_were_neither_seen_nor_pushed_to_since_their_command_came()
    {
        await using var another = await fixture.CreateAnother();
        var node = another.Node;
        async Task<string> Device(
            DateTimeOffset queued, DateTimeOffset? seen = null, DateTimeOffset? pushed = null, Func<DeviceRow, DeviceRow>? change = null)
        {
            var row = await Make.Enrolled(node, change);
            await node.Devices.Append(Make.Command(row.Id, at: queued));
            if (seen is { } time)
                await node.Devices.Touch([(row.Id, time)]);
            if (pushed is { } push)
                await node.Devices.RecordPushes([new(row.Id, push, "accepted")]);
            return row.Id;
        }

        var (since, queued, before) = (Make.Now.AddMinutes(-15), Make.Now.AddMinutes(-5), Make.Now.AddMinutes(-1));
        var earlier = queued.AddMinutes(-1);
        var later = queued.AddMilliseconds(100);
        var never = await Device(queued);
        var onlyEarlier = await Device(queued, seen: earlier, pushed: earlier);
        await Device(queued, pushed: later);
        await Device(queued, seen: later);
        await Device(since.AddMinutes(-1));
        await Device(before);
        await Device(queued, change: r => r with { PushTokenDead = "Unregistered" });
        string[] expected = [.. new[] { never, onlyEarlier }.Order(StringComparer.Ordinal)];

        Assert.Equal(expected, (await node.Queries.ListUntold(since, before, null, 10)).Select(t => t.EnrolmentId));
        Assert.Equal([expected[1]], (await node.Queries.ListUntold(since, before, expected[0], 10)).Select(t => t.EnrolmentId));
        Assert.Equal([expected[0]], (await node.Queries.ListUntold(since, before, null, 1)).Select(t => t.EnrolmentId));
    }

    [Fact]
    public async Task Text_that_cannot_be_stored_cannot_be_searched_for() =>
        await Assert.ThrowsAsync<StoreRejectedException>(() => Queries.ListDevices(Scope.District, new DeviceFilter { Query = "a\0" }, null, 1));
}
