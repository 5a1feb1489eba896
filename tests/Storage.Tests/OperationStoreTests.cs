using System.Text;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresOperationStoreTests(PostgresFixture fixture) : OperationStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteOperationStoreTests(SqliteFixture fixture) : OperationStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class OperationStoreTests(StoreFixture fixture)
{
    private IOperationStore Store => fixture.Node.Operations;

    private IDeviceStore Devices => fixture.Node.Devices;

    private static OperationAppend New(DeviceFilter? filter = null, IReadOnlyList<string>? ids = null, string? uuid = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        CommandUuid = uuid ?? Make.Id(),
        RequestType = "RestartDevice",
        Body = Encoding.UTF8.GetBytes("<dict>restart</dict>"),
        AcceptedAt = Make.Now,
        RequestedBy = "ada",
        Ids = ids,
        Filter = filter,
    };

    private async Task<List<DeviceRow>> School(string school, int count, Func<DeviceRow, int, DeviceRow>? change = null)
    {
        var rows = new List<DeviceRow>();
        for (var i = 0; i < count; i++)
        {
            var n = i;
            rows.Add(await Make.Enrolled(fixture.Node, r => change is null ? r with { School = school } : change(r with { School = school }, n)));
        }

        return [.. rows.OrderBy(r => r.Id, StringComparer.Ordinal)];
    }

    [Fact]
    public async Task An_operation_queues_its_command_for_every_enrolled_device_of_its_filter()
    {
        var school = Make.Id();
        var rows = await School(school, 5, (r, i) => r with { Status = i == 0 ? EnrolmentStatus.Unenrolled : EnrolmentStatus.Enrolled });
        await School(Make.Id(), 1);
        var operation = New(new DeviceFilter { School = school }) with { ExpiresAt = Make.Now.AddDays(2) };

        var stored = await Store.Append(operation);

        Assert.Equal(4, stored.Total);
        Assert.Equal(0, stored.PushedAfter);
        Assert.Null(stored.AnnouncedAt);
        Assert.Empty(stored.UnknownIds);
        foreach (var row in rows)
        {
            var queue = (await Devices.Load(row.Id)).Queue;
            if (row.Status == EnrolmentStatus.Unenrolled)
            {
                Assert.Empty(queue);
                continue;
            }

            var queued = Assert.Single(queue);
            Assert.Equal(operation.CommandUuid, queued.CommandUuid);
            Assert.Equal("RestartDevice", queued.RequestType);
            Assert.Equal(operation.Id, queued.OperationId);
            Assert.Equal(operation.ExpiresAt, queued.ExpiresAt);
            Assert.Equal(operation.AcceptedAt, queued.AcceptedAt);
            Assert.Equal(operation.Body.ToArray(), await Devices.LoadBody(queued.BodyHash));
        }
    }

    [Fact]
    public async Task Ids_that_are_not_enrolled_are_told()
    {
        var rows = await School(Make.Id(), 2);
        var removed = await Make.Enrolled(fixture.Node, r => r with { Status = EnrolmentStatus.Removed });
        var unknown = Make.Id();

        var stored = await Store.Append(New(ids: [rows[0].Id, removed.Id, rows[1].Id, unknown]));

        Assert.Equal(2, stored.Total);
        Assert.Equal(new[] { removed.Id, unknown }.Order(), stored.UnknownIds.Order());
    }

    [Fact]
    public async Task A_repeated_operation_returns_what_stands_and_queues_nothing_twice()
    {
        var rows = await School(Make.Id(), 2);
        var operation = New(ids: [.. rows.Select(r => r.Id)]);
        var first = await Store.Append(operation);
        await Make.Enrolled(fixture.Node);

        var second = await Store.Append(operation with { Ids = null, Filter = DeviceFilter.Everything });

        Assert.Equal(first with { UnknownIds = [] }, second with { UnknownIds = [], BodyHash = first.BodyHash });
        Assert.Single((await Devices.Load(rows[0].Id)).Queue);
    }

    [Fact]
    public async Task The_same_operation_by_two_nodes_at_once_is_appended_once()
    {
        await using var other = await fixture.OpenNode();
        var rows = await School(Make.Id(), 3);
        var operation = New(ids: [.. rows.Select(r => r.Id)]);

        var stored = await Task.WhenAll(Store.Append(operation), other.Operations.Append(operation));

        Assert.All(stored, o => Assert.Equal(3, o.Total));
        Assert.Single((await Devices.Load(rows[0].Id)).Queue);
    }

    [Fact]
    public async Task A_device_that_has_the_CommandUUID_queued_or_finished_is_passed_over()
    {
        var rows = await School(Make.Id(), 3);
        var uuid = Make.Id();
        await Devices.Append(Make.Command(rows[0].Id, uuid));
        var finished = await Devices.Append(Make.Command(rows[1].Id, uuid));
        await Devices.Finish(Make.Finish(rows[1].Id, finished.Sequence));

        var stored = await Store.Append(New(ids: [.. rows.Select(r => r.Id)], uuid: uuid));

        Assert.Equal(1, stored.Total);
        Assert.Null(Assert.Single((await Devices.Load(rows[0].Id)).Queue).OperationId);
        Assert.Empty((await Devices.Load(rows[1].Id)).Queue);
        Assert.Equal(stored.Id, Assert.Single((await Devices.Load(rows[2].Id)).Queue).OperationId);
    }

    [Fact]
    public async Task User_channels_are_meant_only_when_named_or_filtered_by_kind()
    {
        var school = Make.Id();
        var device = (await School(school, 1))[0];
        var user = await Make.Enrolled(
            fixture.Node, r => r with { DeviceId = device.Id, Kind = EnrolmentKind.SharedUser, School = school }, device.Id + ":ada");

        Assert.Equal(1, (await Store.Append(New(new DeviceFilter { School = school }))).Total);
        Assert.Equal(1, (await Store.Append(New(new DeviceFilter { School = school, Kind = EnrolmentKind.SharedUser }))).Total);
        Assert.Equal(1, (await Store.Append(New(ids: [user.Id]))).Total);
        Assert.Equal(2, (await Devices.Load(user.Id)).Queue.Count);
    }

    [Fact]
    public async Task Everything_is_every_enrolled_device()
    {
        await using var another = await fixture.CreateAnother();
        await Make.Enrolled(another.Node);
        await Make.Enrolled(another.Node, r => r with { Status = EnrolmentStatus.Authenticated });
        await Make.Enrolled(another.Node, r => r with { Status = EnrolmentStatus.Removed });

        Assert.Equal(2, (await another.Node.Operations.Append(New(DeviceFilter.Everything))).Total);
    }

    [Fact]
    public async Task A_target_is_either_ids_or_a_filter()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Store.Append(New()));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.Append(New(DeviceFilter.Everything, ["a"])));
    }

    [Fact]
    public async Task An_operation_that_the_database_refuses_leaves_nothing_behind()
    {
        var rows = await School(Make.Id(), 1);
        var operation = New(ids: [rows[0].Id], uuid: new string('X', 5_000));

        await Assert.ThrowsAsync<StoreRejectedException>(() => Store.Append(operation));

        Assert.Null(await Store.Find(operation.Id));
        Assert.Empty((await Devices.Load(rows[0].Id)).Queue);
    }

    [Fact]
    public async Task Counts_follow_the_rows_from_the_queue_to_their_endings()
    {
        var rows = await School(Make.Id(), 7);
        var operation = await Store.Append(New(ids: [.. rows.Select(r => r.Id)]));
        // The same UUID for a device that the operation does not name is not counted.
        var stranger = await Devices.Append(Make.Command(Make.Id(), operation.CommandUuid));
        Assert.Equal(new OperationCounts(7, 0, 0, 0, 0), await Store.Count(operation.Id));

        async Task<long> Sequence(int i) => (await Devices.Load(rows[i].Id)).Queue.Single().Sequence;
        await Devices.Mark(Make.NotNow(rows[0].Id, await Sequence(0), Make.Now, 1));
        CommandEnding[] endings = [CommandEnding.Acknowledged, CommandEnding.Error, CommandEnding.CommandFormatError, CommandEnding.Cancelled, CommandEnding.Expired];
        for (var i = 0; i < endings.Length; i++)
            await Devices.Finish(Make.Finish(rows[i + 1].Id, await Sequence(i + 1), endings[i]));

        Assert.Equal(new OperationCounts(2, 1, 1, 2, 2), await Store.Count(operation.Id));
        Assert.True(stranger.Sequence > 0);
        Assert.Equal(new OperationCounts(0, 0, 0, 0, 0), await Store.Count("unknown"));
    }

    [Fact]
    public async Task A_cancelled_operation_shows_in_the_queue_of_its_devices()
    {
        var rows = await School(Make.Id(), 1);
        var operation = await Store.Append(New(ids: [rows[0].Id]));
        Assert.False((await Devices.Load(rows[0].Id)).Queue.Single().OperationCancelled);

        Assert.True(await Store.Cancel(operation.Id, Make.Now.AddMinutes(1)));
        Assert.True(await Store.Cancel(operation.Id, Make.Now.AddMinutes(2)));
        Assert.False(await Store.Cancel("unknown", Make.Now));

        Assert.True((await Devices.Load(rows[0].Id)).Queue.Single().OperationCancelled);
        Assert.Equal(Make.Now.AddMinutes(1), (await Store.Find(operation.Id))!.CancelledAt);
    }

    [Fact]
    public async Task An_operation_for_nobody_is_refused_and_leaves_nothing_behind()
    {
        foreach (var operation in new[] { New(ids: [Make.Id()]), New(new DeviceFilter { School = Make.Id() }), New(ids: [Make.Id()]) with { Expected = 0 } })
        {
            Assert.Equal(0, (await Assert.ThrowsAsync<OperationRefusedException>(() => Store.Append(operation))).Found);
            Assert.Null(await Store.Find(operation.Id));
        }
    }

    [Fact]
    public async Task An_operation_that_must_be_expected_is_refused_with_the_true_number_until_it_is()
    {
        var school = Make.Id();
        var rows = await School(school, 3);
        await School(Make.Id(), 1);
        var operation = New(new DeviceFilter { School = school }) with { MustBeExpected = true, Asked = "the school" };

        foreach (var refused in new[] { operation, operation with { Expected = 2 }, operation with { Expected = 4, MustBeExpected = false } })
            Assert.Equal(3, (await Assert.ThrowsAsync<OperationRefusedException>(() => Store.Append(refused))).Found);
        Assert.Empty((await Devices.Load(rows[0].Id)).Queue);
        Assert.Null(await Store.Find(operation.Id));

        var stored = await Store.Append(operation with { Expected = 3 });
        Assert.Equal((3, "the school"), (stored.Total, stored.Asked));
        // A repetition finds its own, whatever the target is by now.
        await School(school, 1);
        Assert.Equal(stored.Id, (await Store.Append(operation with { Expected = 3 })).Id);
        Assert.Equal(1, (await Store.Append(New(ids: [rows[0].Id]) with { MustBeExpected = true })).Total);
    }

    [Fact]
    public async Task The_iPads_of_an_operation_are_listed_by_what_became_of_them_page_by_page()
    {
        var rows = await School(Make.Id(), 6);
        var operation = await Store.Append(New(ids: [.. rows.Select(r => r.Id)]));
        await Devices.Append(Make.Command(Make.Id(), operation.CommandUuid));
        async Task<long> Sequence(int i) => (await Devices.Load(rows[i].Id)).Queue.Single().Sequence;
        async Task<IEnumerable<string>> Ids(OperationPart? part, string? after = null, int limit = 100) =>
            (await Store.ListDevices(operation.Id, part, after, limit)).Select(d => d.EnrolmentId);
        await Devices.Mark(new QueueMark { EnrolmentId = rows[0].Id, Sequence = await Sequence(0), NotNowAt = Make.Now, NotNowCount = 2 });
        await Devices.Finish(Make.Finish(rows[2].Id, await Sequence(2)));
        await Devices.Finish(Make.Finish(rows[3].Id, await Sequence(3), CommandEnding.Error) with { ErrorSummary = "No such profile" });
        await Devices.Finish(Make.Finish(rows[4].Id, await Sequence(4), CommandEnding.CommandFormatError));
        await Devices.Finish(Make.Finish(rows[5].Id, await Sequence(5), CommandEnding.Expired));

        Assert.Equal(rows.Select(r => r.Id), await Ids(null));
        Assert.Equal(rows.Take(2).Select(r => r.Id), await Ids(null, limit: 2));
        Assert.Equal(rows.Skip(2).Take(3).Select(r => r.Id), await Ids(null, rows[1].Id, 3));
        Assert.Equal(rows.Take(2).Select(r => r.Id), await Ids(OperationPart.Queued));
        Assert.Equal([rows[0].Id], await Ids(OperationPart.NotNow));
        Assert.Equal([rows[2].Id], await Ids(OperationPart.Acknowledged));
        Assert.Equal([rows[3].Id, rows[4].Id], await Ids(OperationPart.Failed));
        Assert.Equal([rows[5].Id], await Ids(OperationPart.Ended));
        var failed = (await Store.ListDevices(operation.Id, OperationPart.Failed, null, 1))[0];
        Assert.Equal((CommandEnding.Error, "No such profile", rows[3].SerialNumber), (failed.Ending!.Value, failed.ErrorSummary, failed.SerialNumber));
        var waits = (await Store.ListDevices(operation.Id, OperationPart.NotNow, null, 1))[0];
        Assert.Equal((null, 2, Make.Now), (waits.Ending, waits.NotNowCount, waits.NotNowAt!.Value));

        Assert.True(await Store.Cancel(operation.Id, Make.Now));
        Assert.Empty(await Ids(OperationPart.Queued));
        Assert.Empty(await Ids(OperationPart.NotNow));
        Assert.Equal([rows[0].Id, rows[1].Id, rows[5].Id], await Ids(OperationPart.Ended));
        Assert.Equal(CommandEnding.Cancelled, (await Store.ListDevices(operation.Id, OperationPart.Ended, null, 1))[0].Ending);
        Assert.Empty(await Store.ListDevices("unknown", null, null, 10));
    }

    [Fact]
    public async Task What_is_finished_is_not_cancelled()
    {
        var row = (await School(Make.Id(), 1))[0];
        var operation = await Store.Append(New(ids: [row.Id]));
        await Devices.Finish(Make.Finish(row.Id, (await Devices.Load(row.Id)).Queue.Single().Sequence));

        Assert.False(await Store.Cancel(operation.Id, Make.Now));
        Assert.Null((await Store.Find(operation.Id))!.CancelledAt);
    }

    [Fact]
    public async Task Commands_of_a_cancelled_operation_do_not_wait()
    {
        await using var another = await fixture.CreateAnother();
        var row = await Make.Enrolled(another.Node);
        await another.Node.Devices.Append(Make.Command(row.Id));
        var operation = await another.Node.Operations.Append(New(DeviceFilter.Everything));
        Assert.Equal(2, (await another.Node.Queries.CountWaiting()).All);

        await another.Node.Operations.Cancel(operation.Id, Make.Now);
        Assert.Equal(1, (await another.Node.Queries.CountWaiting()).All);
    }

    [Fact]
    public async Task What_is_not_announced_or_not_pushed_is_unfinished()
    {
        await using var another = await fixture.CreateAnother();
        var store = another.Node.Operations;
        await Make.Enrolled(another.Node);
        var waiting = await store.Append(New(DeviceFilter.Everything));
        var quiet = await store.Append(New(DeviceFilter.Everything) with { Push = false });
        var young = await store.Append(New(DeviceFilter.Everything) with { AcceptedAt = Make.Now.AddHours(1) });
        Assert.Null(quiet.PushedAfter);

        Assert.Equal(
            new[] { waiting.Id, quiet.Id }.Order(), (await store.ListUnfinished(Make.Now.AddMinutes(1))).Order());

        await store.MarkAnnounced(waiting.Id, Make.Now);
        await store.MarkAnnounced(quiet.Id, Make.Now);
        Assert.Equal([waiting.Id], await store.ListUnfinished(Make.Now.AddMinutes(1)));

        await store.MarkPushed(waiting.Id, 17, 5);
        var found = (await store.Find(waiting.Id))!;
        Assert.Equal((17L, 5L), (found.PushedAfter!.Value, found.Pushed));
        Assert.Equal([waiting.Id], await store.ListUnfinished(Make.Now.AddMinutes(1)));

        await store.MarkPushed(waiting.Id, null, 9);
        Assert.Empty(await store.ListUnfinished(Make.Now.AddMinutes(1)));
        Assert.Equal(young.Id, Assert.Single(await store.ListUnfinished(Make.Now.AddDays(1))));
    }

    [Fact]
    public async Task Pushes_go_to_what_is_queued_and_has_a_live_token_in_order_of_sequence()
    {
        var rows = await School(Make.Id(), 5, (r, i) => i switch
        {
            0 => r with { PushToken = null },
            1 => r with { PushTokenDead = "Unregistered" },
            _ => r with { PushToken = [(byte)i] },
        });
        var live = rows.Where(r => r.PushToken is not null && r.PushTokenDead is null).ToList();
        var operation = await Store.Append(New(ids: [.. rows.Select(r => r.Id)]));
        await Devices.Finish(Make.Finish(live[0].Id, (await Devices.Load(live[0].Id)).Queue.Single().Sequence));

        var first = await Store.PushTargets(operation.Id, 0, 1);
        var rest = await Store.PushTargets(operation.Id, first[0].Sequence, 10);

        Assert.Equal(live[1].Id, Assert.Single(first).Target.EnrolmentId);
        var target = Assert.Single(rest).Target;
        Assert.Equal(live[2].Id, target.EnrolmentId);
        Assert.Equal(live[2].PushToken, target.Token);
        Assert.Equal("magic", target.PushMagic);
        Assert.Equal("com.apple.mgmt.External.1", target.Topic);
    }

    [Fact]
    public async Task Operations_are_listed_newest_first_page_by_page()
    {
        var one = await Make.Enrolled(fixture.Node);
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
            ids.Add((await Store.Append(New(ids: [one.Id]))).Id);

        Assert.Equal([ids[3], ids[2]], (await Store.List(Scope.District, null, 2)).Select(o => o.Id));
        Assert.Equal([ids[1], ids[0]], (await Store.List(Scope.District, ids[2], 2)).Select(o => o.Id));
        Assert.Null(await Store.Find("unknown"));
    }

    private static readonly DeviceRequirement Supervision = new(DeviceRequirementKind.Supervision, "RestartDevice");

    /// <summary>Each kind of requirement, with what an iPad must not be to meet it.</summary>
    public static TheoryData<DeviceRequirementKind, string?, int> Kinds => new()
    {
        { DeviceRequirementKind.Supervision, null, 0 }, { DeviceRequirementKind.Since, "17.10", 0 }, { DeviceRequirementKind.Removed, "17.5", 0 },
        { DeviceRequirementKind.SharedIPad, null, 0 }, { DeviceRequirementKind.NotSharedIPad, null, 0 }, { DeviceRequirementKind.NotUserEnrolment, null, 0 },
        { DeviceRequirementKind.AccessRight, "AllowDeviceErase", 8 }, { DeviceRequirementKind.LostMode, null, 0 }, { DeviceRequirementKind.UserChannel, null, 0 },
        { DeviceRequirementKind.SharedSince, "18.0", 0 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task An_iPad_that_does_not_meet_a_requirement_is_left_out_and_one_of_which_it_is_not_known_is_not(DeviceRequirementKind kind, string? value, int bit)
    {
        var school = Make.Id();
        // 0: nothing is known; 1: it is met; 2: it is not.
        var rows = new List<DeviceRow>();
        for (var i = 0; i < 3; i++)
        {
            var n = i;
            rows.Add(await Make.Enrolled(fixture.Node, r => Change(r with { School = school, OsVersion = null }, kind, n)));
        }

        DeviceRequirement[] requirements = [new(kind, "Something", value, bit)];
        var plan = await Store.Plan(Scope.District, null, new DeviceFilter { School = school }, requirements, 5);
        Assert.Equal((3, 2), (plan.Total, plan.Fits));
        var reason = Assert.Single(plan.Reasons);
        Assert.Equal((0, 1, rows[2].Id), (reason.Number, reason.Devices, Assert.Single(reason.Examples).EnrolmentId));

        var operation = New(new DeviceFilter { School = school }) with { Requirements = requirements, Expected = 2 };
        var stored = await Store.Append(operation);
        Assert.Equal((2, 1), (stored.Total, stored.LeftOut));
        Assert.Equal(rows[2].Id, Assert.Single(await Store.ListLeftOut(operation.Id, null, 10)).EnrolmentId);
        Assert.Empty((await Devices.Load(rows[2].Id)).Queue);
        Assert.Single((await Devices.Load(rows[0].Id)).Queue);
    }

    private static DeviceRow Change(DeviceRow row, DeviceRequirementKind kind, int n) => (kind, n) switch
    {
        (DeviceRequirementKind.NotUserEnrolment, 2) => row with { Kind = EnrolmentKind.UserEnrollment },
        (_, 0) => row,
        (DeviceRequirementKind.Supervision, _) => row with { IsSupervised = n == 1 },
        (DeviceRequirementKind.Since, _) => row with { OsVersion = n == 1 ? "17.10" : "17.9.1" },
        (DeviceRequirementKind.Removed, _) => row with { OsVersion = n == 1 ? "17.4.1" : "17.5" },
        (DeviceRequirementKind.SharedIPad, _) => row with { IsShared = n == 1 },
        (DeviceRequirementKind.NotSharedIPad or DeviceRequirementKind.UserChannel, _) => row with { IsShared = n == 2 },
        (DeviceRequirementKind.AccessRight, _) => row with { AccessRights = n == 1 ? 8 + 1 : 1 },
        (DeviceRequirementKind.LostMode, _) => row with { IsLost = n == 1 },
        (DeviceRequirementKind.SharedSince, _) => row with { IsShared = true, OsVersion = n == 1 ? "18.0" : "17.7" },
        _ => row,
    };

    [Fact]
    public async Task Who_was_left_out_has_all_reasons_and_is_forgotten_with_its_age()
    {
        var school = Make.Id();
        await School(school, 4, (r, i) => r with { IsSupervised = i != 1 && i != 3, OsVersion = i >= 2 ? "10.2" : "18.0" });
        DeviceRequirement[] requirements = [Supervision, new(DeviceRequirementKind.Since, "RestartDevice", "10.3")];
        var operation = New(new DeviceFilter { School = school }) with { Requirements = requirements, AcceptedAt = Make.Now.AddDays(-400) };

        var stored = await Store.Append(operation);

        Assert.Equal((1, 3), (stored.Total, stored.LeftOut));
        Assert.Equal([(0, "RestartDevice", 2L), (1, "RestartDevice", 2L)], (await Store.ListReasons(operation.Id)).Select(reason => (reason.Number, reason.Requirement.What, reason.Devices)));
        var first = await Store.ListLeftOut(operation.Id, null, 2);
        var rest = await Store.ListLeftOut(operation.Id, first[^1].EnrolmentId, 2);
        Assert.Equal([1L, 2L, 3L], first.Concat(rest).Select(row => row.Unmet).Order());
        Assert.Equal(first.Concat(rest).Select(row => row.EnrolmentId).Order(StringComparer.Ordinal), first.Concat(rest).Select(row => row.EnrolmentId));

        while (await Store.ForgetLeftOut(Make.Now.AddDays(-300), 2) > 0)
        {
            // In pieces.
        }

        Assert.Empty(await Store.ListLeftOut(operation.Id, null, 10));
        Assert.Equal(3, (await Store.Find(operation.Id))!.LeftOut);
    }

    [Fact]
    public async Task An_operation_that_none_can_run_stores_nothing_and_says_why()
    {
        var rows = await School(Make.Id(), 2, (r, _) => r with { IsSupervised = false });
        foreach (var operation in new[] { New(ids: [.. rows.Select(r => r.Id)]), New(ids: [.. rows.Select(r => r.Id)]) with { Expected = 2 } })
        {
            var refused = await Assert.ThrowsAsync<OperationRefusedException>(() => Store.Append(operation with { Requirements = [Supervision] }));
            Assert.Equal((0, 2), (refused.Found, Assert.Single(refused.Reasons).Devices));
            Assert.Null(await Store.Find(operation.Id));
            Assert.Empty(await Store.ListLeftOut(operation.Id, null, 10));
            Assert.Empty(await Store.ListReasons(operation.Id));
        }
    }
}
