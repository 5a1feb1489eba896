using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresDeviceStoreTests(PostgresFixture fixture) : DeviceStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteDeviceStoreTests(SqliteFixture fixture) : DeviceStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class DeviceStoreTests(StoreFixture fixture)
{
    private IDeviceStore Store => fixture.Node.Devices;

    [Fact]
    public async Task An_unknown_enrolment_loads_as_nothing()
    {
        var snapshot = await Store.Load(Make.Id());

        Assert.Null(snapshot.Row);
        Assert.Empty(snapshot.Pins);
        Assert.Null(snapshot.DeviceStatus);
        Assert.Empty(snapshot.Queue);
    }

    [Fact]
    public async Task A_committed_row_loads_as_it_was_written()
    {
        var id = Make.Id();
        var row = new DeviceRow
        {
            Id = id,
            DeviceId = id,
            Kind = EnrolmentKind.UserEnrollment,
            Status = EnrolmentStatus.Authenticated,
            Version = 1,
            Udid = "00008030-001",
            SerialNumber = "DMPX1",
            ProductName = "iPad14,1",
            Model = "MK2K3",
            ModelName = "iPad",
            DeviceName = "Zoë’s iPad 🎒",
            OsVersion = "18.3.1",
            BuildVersion = "22D72",
            Imei = "35",
            Meid = "99",
            UserShortName = "zoe",
            UserLongName = "Zoë Q.",
            School = "North",
            InvitationId = "inv",
            Topic = "com.apple.mgmt.External.1",
            PushToken = [0, 1, 255],
            PushMagic = "magic",
            PushTokenDead = "Unregistered",
            HasUnlockToken = true,
            HasBootstrapToken = true,
            AwaitingConfiguration = true,
            IsSupervised = true,
            BatteryLevel = 0.55,
            DeviceCapacity = 64,
            AvailableDeviceCapacity = 41.5,
            DetailsAt = Make.Now.AddMinutes(3),
            AuthenticatedAt = Make.Now,
            EnrolledAt = Make.Now.AddSeconds(1),
            TokenUpdatedAt = Make.Now.AddSeconds(2),
            UnenrolledAt = Make.Now.AddSeconds(3),
            LastSeenAt = Make.Now,
            PushResult = "ignored",
        };

        var unlock = RandomNumberGenerator.GetBytes(3000);
        var committed = await Store.Commit(Make.Change(row) with { UnlockToken = new EscrowChange(unlock), BootstrapToken = new EscrowChange([9]) });
        var loaded = (await Store.Load(id)).Row!;

        Assert.Equal(CommitOutcome.Committed, committed.Outcome);
        Assert.Equal(row.PushToken, loaded.PushToken);
        Assert.Equal(unlock, await fixture.Node.Escrow.Find(id, EscrowedToken.Unlock));
        Assert.Equal([9], await fixture.Node.Escrow.Find(id, EscrowedToken.Bootstrap));
        // What Touch and RecordPushes write is not written by a commit.
        Assert.Equal(
            row with { PushToken = null, LastSeenAt = null, PushResult = null }, loaded with { PushToken = null });
        Assert.Equal(EnrolmentStatus.Authenticated, (await Store.Load(id)).DeviceStatus);
    }

    [Fact]
    public async Task A_token_in_escrow_stays_until_a_change_replaces_or_forgets_it()
    {
        var row = await Make.Enrolled(fixture.Node);
        Assert.False(row.HasUnlockToken);
        Assert.Null(await fixture.Node.Escrow.Find(row.Id, EscrowedToken.Unlock));

        await Store.Commit(Make.Change(row with { Version = 2 }) with { UnlockToken = new EscrowChange([1, 2]), BootstrapToken = new EscrowChange([3]) });
        await Store.Commit(Make.Change(row with { Version = 3, DeviceName = "another name" }));
        Assert.Equal([1, 2], await fixture.Node.Escrow.Find(row.Id, EscrowedToken.Unlock));

        await Store.Commit(Make.Change(row with { Version = 4 }) with { UnlockToken = EscrowChange.Forget, BootstrapToken = new EscrowChange([4]) });
        Assert.Null(await fixture.Node.Escrow.Find(row.Id, EscrowedToken.Unlock));
        Assert.Equal([4], await fixture.Node.Escrow.Find(row.Id, EscrowedToken.Bootstrap));
        var loaded = (await Store.Load(row.Id)).Row!;
        Assert.Equal((false, true), (loaded.HasUnlockToken, loaded.HasBootstrapToken));
    }

    [Fact]
    public async Task User_channels_of_a_device_are_told_together_and_only_one_that_ended_is_dropped()
    {
        var device = await Make.Enrolled(fixture.Node);
        var user = await Make.Enrolled(fixture.Node, r => r with { Id = device.Id + ":ada", DeviceId = device.Id, Kind = EnrolmentKind.SharedUser });
        var users = fixture.Node.UserChannels;

        Assert.Null(await users.Find("nobody"));
        var found = (await users.Find(device.Id))!;
        Assert.Equal((device.Kind, device.ProductName, user.Id), (found.Kind, found.ProductName, Assert.Single(found.Users).Id));

        Assert.False(await users.Drop(user.Id));
        await Store.Commit(Make.Change(user with { Version = 2, Status = EnrolmentStatus.Unenrolled }));
        Assert.True(await users.Drop(user.Id));
        Assert.False(await users.Drop(user.Id));
        Assert.False(await users.Drop(device.Id));
        Assert.Empty((await users.Find(device.Id))!.Users);

        // It may come again, as if it had never been there.
        Assert.Equal(CommitOutcome.Committed, (await Store.Commit(Make.Change(user))).Outcome);
    }

    [Fact]
    public async Task Times_are_kept_to_the_millisecond()
    {
        var fine = Make.Now.AddTicks(4_567);
        var row = await Make.Enrolled(fixture.Node, r => r with { EnrolledAt = fine.ToOffset(TimeSpan.FromHours(2)) });

        var loaded = (await Store.Load(row.Id)).Row!;

        Assert.Equal(Make.Now, loaded.EnrolledAt);
        Assert.Equal(TimeSpan.Zero, loaded.EnrolledAt!.Value.Offset);
    }

    [Fact]
    public async Task A_change_needs_the_version_before_it()
    {
        var row = await Make.Enrolled(fixture.Node);

        var again = await Store.Commit(Make.Change(row with { DeviceName = "first write again" }));
        var skipping = await Store.Commit(Make.Change(row with { Version = 3, DeviceName = "skips one" }));
        var next = await Store.Commit(Make.Change(row with { Version = 2, DeviceName = "next" }));
        var stale = await Store.Commit(Make.Change(row with { Version = 2, DeviceName = "stale" }));

        Assert.Equal(CommitOutcome.VersionConflict, again.Outcome);
        Assert.Equal(CommitOutcome.VersionConflict, skipping.Outcome);
        Assert.Equal(CommitOutcome.Committed, next.Outcome);
        Assert.Equal(CommitOutcome.VersionConflict, stale.Outcome);
        Assert.Equal("next", (await Store.Load(row.Id)).Row!.DeviceName);
    }

    [Fact]
    public async Task A_later_version_of_an_unknown_enrolment_is_a_conflict()
    {
        var row = Make.Device(Make.Id(), version: 2);

        var committed = await Store.Commit(Make.Change(row));

        Assert.Equal(CommitOutcome.VersionConflict, committed.Outcome);
        Assert.Null((await Store.Load(row.Id)).Row);
    }

    [Fact]
    public async Task A_repeated_change_is_recognised_and_not_done_twice()
    {
        var row = await Make.Enrolled(fixture.Node);
        await Store.Append(Make.Command(row.Id));
        var change = Make.Change(row with { Version = 2 }) with { EndQueue = CommandEnding.Reenrolled };

        var first = await Store.Commit(change);
        var later = await Store.Append(Make.Command(row.Id));
        var second = await Store.Commit(change);

        Assert.Equal(CommitOutcome.Committed, first.Outcome);
        Assert.Equal(CommitOutcome.Committed, second.Outcome);
        var queued = Assert.Single((await Store.Load(row.Id)).Queue);
        Assert.Equal(later.Sequence, queued.Sequence);
    }

    [Fact]
    public async Task Of_two_nodes_that_write_the_same_version_one_wins()
    {
        await using var other = await fixture.OpenNode();
        var row = await Make.Enrolled(fixture.Node);

        var outcomes = await Task.WhenAll(
            Store.Commit(Make.Change(row with { Version = 2, DeviceName = "a" })),
            other.Devices.Commit(Make.Change(row with { Version = 2, DeviceName = "b" })));

        Assert.Single(outcomes, o => o.Outcome == CommitOutcome.Committed);
        Assert.Single(outcomes, o => o.Outcome == CommitOutcome.VersionConflict);
    }

    [Fact]
    public async Task Of_two_nodes_that_write_first_one_wins()
    {
        await using var other = await fixture.OpenNode();
        var row = Make.Device(Make.Id());

        var outcomes = await Task.WhenAll(Store.Commit(Make.Change(row)), other.Devices.Commit(Make.Change(row)));

        Assert.Single(outcomes, o => o.Outcome == CommitOutcome.Committed);
        Assert.Single(outcomes, o => o.Outcome == CommitOutcome.VersionConflict);
    }

    [Fact]
    public async Task A_pin_belongs_to_one_device_in_the_fleet()
    {
        var pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now);
        var first = Make.Device(Make.Id());
        var second = Make.Device(Make.Id());

        var pinned = await Store.Commit(Make.Change(first) with { Pin = pin });
        var refused = await Store.Commit(Make.Change(second) with { Pin = pin });

        Assert.Equal(CommitOutcome.Committed, pinned.Outcome);
        Assert.Equal(CommitOutcome.PinnedElsewhere, refused.Outcome);
        Assert.Null((await Store.Load(second.Id)).Row);
        Assert.Empty((await Store.Load(second.Id)).Pins);
        var kept = Assert.Single((await Store.Load(first.Id)).Pins);
        Assert.Equal(pin.Sha256, kept.Sha256);
        Assert.Equal(pin.NotAfter, kept.NotAfter);
        Assert.Equal(pin.PinnedAt, kept.PinnedAt);
    }

    [Fact]
    public async Task A_pin_refused_elsewhere_ends_nothing()
    {
        var pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now);
        await Store.Commit(Make.Change(Make.Device(Make.Id())) with { Pin = pin });
        var victim = await Make.Enrolled(fixture.Node);
        await Store.Append(Make.Command(victim.Id));
        var own = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now);
        await Store.Commit(Make.Change(victim with { Version = 2 }) with { Pin = own });

        var refused = await Store.Commit(Make.Change(victim with { Version = 3, DeviceName = "taken" }) with
        {
            Pin = pin,
            DropPinsBefore = Make.Now.AddDays(1),
            EndQueue = CommandEnding.Reenrolled,
            EndUserChannels = true,
        });

        Assert.Equal(CommitOutcome.PinnedElsewhere, refused.Outcome);
        var snapshot = await Store.Load(victim.Id);
        Assert.Equal(2, snapshot.Row!.Version);
        Assert.Single(snapshot.Queue);
        Assert.Equal(own.Sha256, Assert.Single(snapshot.Pins).Sha256);
    }

    [Fact]
    public async Task A_version_conflict_pins_nothing_and_ends_nothing()
    {
        var row = await Make.Enrolled(fixture.Node);
        await Store.Append(Make.Command(row.Id));
        var pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now);

        var conflict = await Store.Commit(Make.Change(row with { Version = 7 }) with { Pin = pin, EndQueue = CommandEnding.Reenrolled });
        var elsewhere = await Store.Commit(Make.Change(Make.Device(Make.Id())) with { Pin = pin });

        Assert.Equal(CommitOutcome.VersionConflict, conflict.Outcome);
        Assert.Equal(CommitOutcome.Committed, elsewhere.Outcome);
        var snapshot = await Store.Load(row.Id);
        Assert.Empty(snapshot.Pins);
        Assert.Single(snapshot.Queue);
    }

    [Fact]
    public async Task Pins_before_a_time_are_dropped_and_the_new_one_stays()
    {
        var old = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now.AddDays(-30));
        var recent = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now.AddDays(-1));
        var renewed = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now.AddDays(-40));
        var row = Make.Device(Make.Id());
        await Store.Commit(Make.Change(row) with { Pin = old });
        await Store.Commit(Make.Change(row with { Version = 2 }) with { Pin = recent });

        await Store.Commit(Make.Change(row with { Version = 3 }) with { Pin = renewed, DropPinsBefore = Make.Now.AddDays(-7) });

        Assert.Equal([recent.Sha256, renewed.Sha256], (await Store.Load(row.Id)).Pins.Select(p => p.Sha256));
    }

    [Fact]
    public async Task A_pin_that_is_its_own_already_is_accepted()
    {
        var pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now);
        var row = Make.Device(Make.Id());
        await Store.Commit(Make.Change(row) with { Pin = pin });

        var again = await Store.Commit(Make.Change(row with { Version = 2 }) with { Pin = pin, DropPinsBefore = Make.Now.AddDays(1) });

        Assert.Equal(CommitOutcome.Committed, again.Outcome);
        Assert.Single((await Store.Load(row.Id)).Pins);
    }

    [Fact]
    public async Task Reenrolment_ends_the_queue_into_the_history()
    {
        var row = await Make.Enrolled(fixture.Node);
        var first = Make.Command(row.Id);
        var second = Make.Command(row.Id);
        await Store.Append(first);
        await Store.Append(second);

        await Store.Commit(Make.Change(row with { Version = 2 }) with { EndQueue = CommandEnding.Reenrolled, At = Make.Now.AddHours(1) });

        Assert.Empty((await Store.Load(row.Id)).Queue);
        var history = await fixture.Node.Queries.ListHistory(row.Id, null, 10);
        Assert.Equal([second.CommandUuid, first.CommandUuid], history.Select(h => h.CommandUuid));
        Assert.All(history, h => Assert.Equal(CommandEnding.Reenrolled, h.Ending));
        Assert.All(history, h => Assert.Equal(Make.Now.AddHours(1), h.FinishedAt));
    }

    [Fact]
    public async Task Ending_the_user_channels_unenrols_them_with_their_queues()
    {
        var device = await Make.Enrolled(fixture.Node);
        var ada = await Make.Enrolled(fixture.Node, r => r with { DeviceId = device.Id, Kind = EnrolmentKind.SharedUser }, device.Id + ":ada");
        var bob = await Make.Enrolled(fixture.Node, r => r with { DeviceId = device.Id, Kind = EnrolmentKind.SharedUser }, device.Id + ":bob");
        var gone = await Make.Enrolled(
            fixture.Node,
            r => r with { DeviceId = device.Id, Kind = EnrolmentKind.SharedUser, Status = EnrolmentStatus.Unenrolled },
            device.Id + ":gone");
        var stranger = await Make.Enrolled(fixture.Node);
        await Store.Append(Make.Command(ada.Id));
        await Store.Append(Make.Command(stranger.Id));
        await Store.Append(Make.Command(device.Id));
        var change = Make.Change(device with { Version = 2 }) with { EndUserChannels = true, EndQueue = CommandEnding.CheckedOut };

        var committed = await Store.Commit(change);
        var repeated = await Store.Commit(change);

        Assert.Equal([ada.Id, bob.Id], committed.EndedUserChannels);
        Assert.Equal([ada.Id, bob.Id], repeated.EndedUserChannels);
        var snapshot = await Store.Load(ada.Id);
        Assert.Equal(EnrolmentStatus.Unenrolled, snapshot.Row!.Status);
        Assert.Equal(Make.Now, snapshot.Row.UnenrolledAt);
        Assert.Equal(2, snapshot.Row.Version);
        Assert.Empty(snapshot.Queue);
        Assert.Equal(1, (await Store.Load(gone.Id)).Row!.Version);
        Assert.Equal(CommandEnding.CheckedOut, Assert.Single(await fixture.Node.Queries.ListHistory(ada.Id, null, 10)).Ending);
        Assert.Single((await Store.Load(stranger.Id)).Queue);
    }

    [Fact]
    public async Task What_waits_for_the_users_of_a_device_is_listed_in_order_and_nothing_else()
    {
        var device = await Make.Enrolled(fixture.Node);
        var ada = await Make.Enrolled(
            fixture.Node, r => r with { DeviceId = device.Id, Kind = EnrolmentKind.SharedUser, UserShortName = "ada@school.example", UserLongName = "Ada", AwaitingConfiguration = true }, device.Id + ":ada");
        var bob = await Make.Enrolled(fixture.Node, r => r with { DeviceId = device.Id, Kind = EnrolmentKind.SharedUser }, device.Id + ":bob");
        var (first, second, third) = (Make.Command(bob.Id), Make.Command(ada.Id), Make.Command(bob.Id));
        foreach (var command in new[] { first, Make.Command(device.Id), second, third, Make.Command((await Make.Enrolled(fixture.Node)).Id) }) await Store.Append(command);

        var waiting = await fixture.Node.UserChannels.ListWaiting(device.Id, 10);

        Assert.Equal([(bob.Id, first.CommandUuid), (ada.Id, second.CommandUuid), (bob.Id, third.CommandUuid)], waiting.Select(one => (one.UserId, one.CommandUuid)));
        Assert.Equal((first.RequestType, first.AcceptedAt, 0, null), (waiting[0].RequestType, waiting[0].AcceptedAt, waiting[0].NotNowCount, waiting[0].NotNowAt));
        Assert.Equal(2, (await fixture.Node.UserChannels.ListWaiting(device.Id, 2)).Count);
        Assert.Empty(await fixture.Node.UserChannels.ListWaiting("nobody", 10));
        var found = (await fixture.Node.UserChannels.Find(device.Id))!.Users.Single(user => user.Id == ada.Id);
        Assert.Equal(("ada@school.example", "Ada", true), (found.ShortName, found.LongName, found.AwaitingConfiguration));
    }

    [Fact]
    public async Task A_user_channel_shares_the_pins_and_tells_the_status_of_its_device()
    {
        var pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now);
        var device = Make.Device(Make.Id());
        await Store.Commit(Make.Change(device) with { Pin = pin });

        var unknown = await Store.Load(device.Id + ":ada:lovelace");
        await Make.Enrolled(
            fixture.Node,
            r => r with { DeviceId = device.Id, Kind = EnrolmentKind.SharedUser, Status = EnrolmentStatus.Authenticated },
            device.Id + ":ada");
        var known = await Store.Load(device.Id + ":ada");

        Assert.Null(unknown.Row);
        Assert.Equal(pin.Sha256, Assert.Single(unknown.Pins).Sha256);
        Assert.Equal(EnrolmentStatus.Enrolled, unknown.DeviceStatus);
        Assert.Equal(EnrolmentStatus.Authenticated, known.Row!.Status);
        Assert.Equal(pin.Sha256, Assert.Single(known.Pins).Sha256);
        Assert.Equal(EnrolmentStatus.Enrolled, known.DeviceStatus);
    }

    [Fact]
    public async Task Pins_load_newest_first()
    {
        var row = Make.Device(Make.Id());
        var pins = Enumerable.Range(0, 3).Select(day => new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now.AddDays(day))).ToList();
        for (var i = 0; i < pins.Count; i++)
            await Store.Commit(Make.Change(row with { Version = i + 1 }) with { Pin = pins[i] });

        Assert.Equal(pins.Select(p => p.Sha256).Reverse(), (await Store.Load(row.Id)).Pins.Select(p => p.Sha256));
    }

    [Fact]
    public async Task An_appended_command_loads_as_it_was_given()
    {
        var row = await Make.Enrolled(fixture.Node);
        var command = Make.Command(row.Id, body: "<dict><key>Ä</key></dict>") with { ExpiresAt = Make.Now.AddDays(1) };

        var appended = await Store.Append(command);
        var queued = Assert.Single((await Store.Load(row.Id)).Queue);

        Assert.False(appended.AlreadyThere);
        Assert.True(Store.IsBody(appended.BodyHash, command.Body));
        Assert.Equal(appended.Sequence, queued.Sequence);
        Assert.Equal(command.CommandUuid, queued.CommandUuid);
        Assert.Equal(command.RequestType, queued.RequestType);
        Assert.Equal(appended.BodyHash, queued.BodyHash);
        Assert.Equal(command.AcceptedAt, queued.AcceptedAt);
        Assert.Equal(command.ExpiresAt, queued.ExpiresAt);
        Assert.Null(queued.OperationId);
        Assert.False(queued.OperationCancelled);
        Assert.Equal(command.Body.ToArray(), await Store.LoadBody(queued.BodyHash));
    }

    [Fact]
    public async Task A_command_can_be_queued_for_an_enrolment_that_is_not_known_yet()
    {
        var id = Make.Id();

        await Store.Append(Make.Command(id));

        Assert.Single((await Store.Load(id)).Queue);
    }

    [Fact]
    public async Task A_repeated_append_queues_nothing_twice()
    {
        var row = await Make.Enrolled(fixture.Node);
        var command = Make.Command(row.Id);

        var first = await Store.Append(command);
        var second = await Store.Append(command with { Body = Encoding.UTF8.GetBytes("<dict>other</dict>") });

        Assert.True(second.AlreadyThere);
        Assert.Equal(first.Sequence, second.Sequence);
        Assert.Equal(first.BodyHash, second.BodyHash);
        Assert.Single((await Store.Load(row.Id)).Queue);
    }

    [Fact]
    public async Task An_append_of_a_finished_command_queues_nothing()
    {
        var row = await Make.Enrolled(fixture.Node);
        var command = Make.Command(row.Id);
        var first = await Store.Append(command);
        await Store.Finish(Make.Finish(row.Id, first.Sequence));

        var second = await Store.Append(command);

        Assert.True(second.AlreadyThere);
        Assert.Equal(first.Sequence, second.Sequence);
        Assert.Empty((await Store.Load(row.Id)).Queue);
    }

    [Fact]
    public async Task The_same_CommandUUID_may_be_queued_for_two_enrolments()
    {
        var uuid = Make.Id();
        var (one, two) = (Make.Id(), Make.Id());

        Assert.False((await Store.Append(Make.Command(one, uuid))).AlreadyThere);
        Assert.False((await Store.Append(Make.Command(two, uuid))).AlreadyThere);
    }

    [Fact]
    public async Task Concurrent_appends_of_one_command_by_two_nodes_queue_it_once()
    {
        await using var other = await fixture.OpenNode();
        var commands = Enumerable.Range(0, 20).Select(_ => Make.Command(Make.Id())).ToList();

        var appended = await Task.WhenAll(commands.SelectMany(c => new[] { Store.Append(c), other.Devices.Append(c), Store.Append(c) }));

        Assert.Equal(commands.Count, appended.Count(a => !a.AlreadyThere));
        Assert.Equal(commands.Count, appended.Select(a => a.Sequence).Distinct().Count());
    }

    [Fact]
    public async Task Commands_of_the_same_second_keep_the_order_in_which_they_were_called()
    {
        var ids = Enumerable.Range(0, 20).Select(_ => Make.Id()).ToList();
        var commands = Enumerable.Range(0, 25).SelectMany(n => ids.Select(id => Make.Command(id, $"{n:D3}-{id}"))).ToList();

        await Task.WhenAll(commands.Select(Store.Append));

        foreach (var id in ids)
        {
            var uuids = (await Store.Load(id)).Queue.Select(q => q.CommandUuid).ToList();
            Assert.Equal(commands.Where(c => c.EnrolmentId == id).Select(c => c.CommandUuid), uuids);
        }
    }

    [Fact]
    public async Task Calls_for_one_enrolment_take_effect_in_the_order_in_which_they_were_made()
    {
        // None of them is awaited before the next one: they meet in one batch or in several.
        for (var round = 0; round < 20; round++)
        {
            var row = await Make.Enrolled(fixture.Node);
            var before = Store.Append(Make.Command(row.Id, "before"));
            var end = Store.Commit(Make.Change(row with { Version = 2 }) with { EndQueue = CommandEnding.Reenrolled });
            var after = Store.Append(Make.Command(row.Id, "after"));
            var again = Store.Commit(Make.Change(row with { Version = 3 }));
            await Task.WhenAll(before, end, after, again);

            Assert.Equal(CommitOutcome.Committed, (await again).Outcome);
            Assert.Equal(["after"], (await Store.Load(row.Id)).Queue.Select(q => q.CommandUuid));
            Assert.Equal(["before"], (await fixture.Node.Queries.ListHistory(row.Id, null, 10)).Select(h => h.CommandUuid));
        }
    }

    [Fact]
    public async Task A_finished_command_moves_to_the_history_with_its_result()
    {
        var row = await Make.Enrolled(fixture.Node);
        var command = Make.Command(row.Id);
        var appended = await Store.Append(command);
        await Store.Mark(Make.NotNow(row.Id, appended.Sequence, Make.Now.AddSeconds(5), 2));
        var finish = Make.Finish(row.Id, appended.Sequence, CommandEnding.Error) with { ErrorSummary = "MCProfile 4001: no" };

        var moved = await Store.Finish(finish);
        var found = (await fixture.Node.Queries.FindHistory(row.Id, command.CommandUuid))!;

        Assert.True(moved);
        Assert.Empty((await Store.Load(row.Id)).Queue);
        Assert.Equal(appended.Sequence, found.Sequence);
        Assert.Equal(command.RequestType, found.RequestType);
        Assert.Equal(appended.BodyHash, found.BodyHash);
        Assert.Equal(CommandEnding.Error, found.Ending);
        Assert.Equal(command.AcceptedAt, found.AcceptedAt);
        Assert.Equal(finish.SentAt, found.SentAt);
        Assert.Equal(finish.FinishedAt, found.FinishedAt);
        Assert.Equal(2, found.NotNowCount);
        Assert.Equal("MCProfile 4001: no", found.ErrorSummary);
        Assert.Equal(finish.Result!.Value.ToArray(), found.Result);
        Assert.Null(found.ResultHash);
    }

    [Fact]
    public async Task A_change_keeps_the_answer_that_it_follows_from_and_then_ends_the_rest()
    {
        var row = await Make.Enrolled(fixture.Node);
        var answered = Make.Command(row.Id);
        var waiting = Make.Command(row.Id);
        var sequence = (await Store.Append(answered)).Sequence;
        await Store.Append(waiting);
        var change = Make.Change(row with { Version = 2, Status = EnrolmentStatus.Erased }) with
        {
            Finish = Make.Finish(row.Id, sequence),
            EndQueue = CommandEnding.Erased,
        };

        var committed = await Store.Commit(change);

        Assert.Equal((CommitOutcome.Committed, true), (committed.Outcome, committed.Finished));
        Assert.Empty((await Store.Load(row.Id)).Queue);
        var history = (await fixture.Node.Queries.FindHistory(row.Id, answered.CommandUuid))!;
        Assert.Equal((CommandEnding.Acknowledged, change.Finish.FinishedAt), (history.Ending, history.FinishedAt));
        Assert.Equal(change.Finish.Result!.Value.ToArray(), history.Result);
        Assert.Equal(CommandEnding.Erased, (await fixture.Node.Queries.FindHistory(row.Id, waiting.CommandUuid))!.Ending);
        Assert.Equal((CommitOutcome.Committed, false), await Again(change));

        async Task<(CommitOutcome, bool)> Again(EnrolmentChange same)
        {
            var repeated = await Store.Commit(same);
            return (repeated.Outcome, repeated.Finished);
        }
    }

    [Fact]
    public async Task A_change_that_does_not_pass_keeps_no_answer_and_one_without_its_command_passes()
    {
        var row = await Make.Enrolled(fixture.Node);
        var sequence = (await Store.Append(Make.Command(row.Id))).Sequence;
        var conflict = await Store.Commit(Make.Change(row with { Version = 7 }) with { Finish = Make.Finish(row.Id, sequence) });
        Assert.Equal((CommitOutcome.VersionConflict, false), (conflict.Outcome, conflict.Finished));
        Assert.Single((await Store.Load(row.Id)).Queue);

        await Store.Finish(Make.Finish(row.Id, sequence));
        var late = await Store.Commit(Make.Change(row with { Version = 2 }) with { Finish = Make.Finish(row.Id, sequence) });
        Assert.Equal((CommitOutcome.Committed, false), (late.Outcome, late.Finished));
    }

    [Fact]
    public async Task What_an_iPad_says_of_itself_fits_into_the_indexes_however_long_it_is()
    {
        // Different characters of three bytes each: what repeats itself would be compressed.
        string Long(int from) => string.Concat(Enumerable.Range(0, 1024).Select(n => (char)(0x4E00 + (((n * 7919) + from) % 20_000))));
        var row = Make.Device() with
        {
            SerialNumber = Long(1),
            DeviceName = Long(2),
            ProductName = Long(3),
            Model = Long(4),
            ModelName = Long(5),
            School = Long(6)[..200],
        };
        var committed = await Store.Commit(Make.Change(row));
        Assert.Equal(CommitOutcome.Committed, committed.Outcome);
        var kept = (await Store.Load(row.Id)).Row!;
        Assert.Equal((255, 255, 128, 128, 128), (kept.SerialNumber!.Length, kept.DeviceName!.Length, kept.ProductName!.Length, kept.Model!.Length, kept.ModelName!.Length));
        Assert.StartsWith(kept.DeviceName, row.DeviceName, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_late_answer_is_kept_once_and_only_for_a_command_that_the_server_ended()
    {
        var row = await Make.Enrolled(fixture.Node);
        var (given, told, left) = (Make.Command(row.Id), Make.Command(row.Id), Make.Command(row.Id));
        var sequence = (await Store.Append(given)).Sequence;
        await Store.Finish(Make.Finish(row.Id, sequence, CommandEnding.Error) with { Result = null, ErrorSummary = "never answered" });
        await Store.Finish(Make.Finish(row.Id, (await Store.Append(told)).Sequence, CommandEnding.Error));
        await Store.Finish(Make.Finish(row.Id, (await Store.Append(left)).Sequence, CommandEnding.CheckedOut) with { Result = null });
        var store = fixture.Node.LateAnswers;

        var unanswered = (await store.Find(row.Id, given.CommandUuid))!;
        Assert.Equal((sequence, "DeviceInformation", CommandEnding.Error), (unanswered.Sequence, unanswered.RequestType, unanswered.Ending));
        Assert.Null(await store.Find(row.Id, told.CommandUuid));
        Assert.Null(await store.Find(row.Id, left.CommandUuid));
        Assert.Null(await store.Find(Make.Id(), given.CommandUuid));

        var answer = new LateAnswer
        {
            EnrolmentId = row.Id,
            CommandUuid = given.CommandUuid,
            Sequence = sequence,
            Ending = CommandEnding.Acknowledged,
            Summary = "late",
            Result = "<dict>late</dict>"u8.ToArray(),
        };
        Assert.True(await store.Keep(answer));
        Assert.False(await store.Keep(answer with { Ending = CommandEnding.Error }));
        var kept = (await fixture.Node.Queries.FindHistory(row.Id, given.CommandUuid))!;
        Assert.Equal((CommandEnding.Acknowledged, "late", Make.Now.AddMinutes(1)), (kept.Ending, kept.ErrorSummary, kept.FinishedAt));
        Assert.Equal("<dict>late</dict>"u8.ToArray(), kept.Result);
    }

    [Fact]
    public async Task A_repeated_acknowledgement_leaves_the_rest_of_the_queue()
    {
        var row = await Make.Enrolled(fixture.Node);
        var first = await Store.Append(Make.Command(row.Id));
        var second = await Store.Append(Make.Command(row.Id));

        Assert.True(await Store.Finish(Make.Finish(row.Id, first.Sequence)));
        Assert.False(await Store.Finish(Make.Finish(row.Id, first.Sequence, CommandEnding.Error)));

        Assert.Equal([second.Sequence], (await Store.Load(row.Id)).Queue.Select(q => q.Sequence));
        Assert.Equal(CommandEnding.Acknowledged, Assert.Single(await fixture.Node.Queries.ListHistory(row.Id, null, 10)).Ending);
    }

    [Fact]
    public async Task One_enrolment_cannot_finish_the_command_of_another()
    {
        var appended = await Store.Append(Make.Command(Make.Id()));

        Assert.False(await Store.Finish(Make.Finish(Make.Id(), appended.Sequence)));
    }

    [Fact]
    public async Task NotNow_keeps_the_command_queued_and_is_remembered()
    {
        var id = Make.Id();
        var appended = await Store.Append(Make.Command(id));

        await Store.Mark(Make.NotNow(id, appended.Sequence, Make.Now.AddMinutes(5), 3));

        var queued = Assert.Single((await Store.Load(id)).Queue);
        Assert.Equal(3, queued.NotNowCount);
        Assert.Equal(Make.Now.AddMinutes(5), queued.NotNowAt);
    }

    [Fact]
    public async Task That_a_command_was_not_answered_is_remembered_until_it_is_answered()
    {
        var id = Make.Id();
        var appended = await Store.Append(Make.Command(id));
        Assert.Equal((0, null), Counted((await Store.Load(id)).Queue.Single()));

        await Store.Mark(new QueueMark { EnrolmentId = id, Sequence = appended.Sequence, UnansweredCount = 4, UnansweredAt = Make.Now.AddMinutes(1) });
        Assert.Equal((4, Make.Now.AddMinutes(1)), Counted((await Store.Load(id)).Queue.Single()));
        await Store.Mark(Make.NotNow(id, appended.Sequence, Make.Now.AddMinutes(5), 1));
        Assert.Equal((0, null), Counted((await Store.Load(id)).Queue.Single()));

        static (int, DateTimeOffset?) Counted(QueuedRow row) => (row.UnansweredCount, row.UnansweredAt);
    }

    [Fact]
    public async Task A_large_result_is_stored_by_its_hash()
    {
        var id = Make.Id();
        var command = Make.Command(id);
        var appended = await Store.Append(command);
        var report = RandomNumberGenerator.GetBytes(300_000);

        var hash = await Store.StoreBody(report);
        await Store.Finish(Make.Finish(id, appended.Sequence) with { Result = null, ResultHash = hash });

        var found = (await fixture.Node.Queries.FindHistory(id, command.CommandUuid))!;
        Assert.Null(found.Result);
        Assert.Equal(hash, found.ResultHash);
        Assert.True(Store.IsBody(hash, report));
        Assert.Equal(report, await Store.LoadBody(found.ResultHash!));
        Assert.Equal(hash, await Store.StoreBody(report));
    }

    [Fact]
    public async Task An_unknown_body_is_null() => Assert.Null(await Store.LoadBody(Make.Hash()));

    [Fact]
    public async Task A_hash_of_the_wrong_length_is_refused()
    {
        await Assert.ThrowsAsync<StoreRejectedException>(async () => await Store.LoadBody([1, 2, 3]));
        await Assert.ThrowsAsync<StoreRejectedException>(() => Store.FindCertificate([]));
    }

    [Fact]
    public async Task The_latest_contact_wins()
    {
        var row = await Make.Enrolled(fixture.Node);
        var unknown = Make.Id();

        await Store.Touch([(row.Id, Make.Now.AddMinutes(2)), (unknown, Make.Now), (row.Id, Make.Now.AddMinutes(1))]);
        await Store.Touch([(row.Id, Make.Now)]);
        await Store.Touch([]);

        Assert.Equal(Make.Now.AddMinutes(2), (await Store.Load(row.Id)).Row!.LastSeenAt);
        Assert.Null((await Store.Load(unknown)).Row);
    }

    [Fact]
    public async Task Times_of_a_clock_that_was_far_ahead_give_way_to_true_ones()
    {
        var row = await Make.Enrolled(fixture.Node);
        await Store.Touch([(row.Id, Make.Now.AddHours(6))]);
        await Store.RecordPushes([new(row.Id, Make.Now.AddHours(6), "accepted")]);

        await Store.Touch([(row.Id, Make.Now)]);
        await Store.RecordPushes([new(row.Id, Make.Now, "TooManyRequests")]);

        var loaded = (await Store.Load(row.Id)).Row!;
        Assert.Equal((Make.Now, Make.Now, "TooManyRequests"), (loaded.LastSeenAt, loaded.PushedAt, loaded.PushResult));
    }

    [Fact]
    public async Task What_APNs_answered_last_is_remembered_and_survives_a_commit()
    {
        var row = await Make.Enrolled(fixture.Node);

        await Store.RecordPushes([new(row.Id, Make.Now.AddMinutes(2), "accepted"), new(row.Id, Make.Now.AddMinutes(1), "TooManyRequests")]);
        await Store.RecordPushes([new(row.Id, Make.Now, "InternalServerError")]);
        await Store.RecordPushes([]);
        await Store.Commit(Make.Change(row with { Version = 2 }));

        var loaded = (await Store.Load(row.Id)).Row!;
        Assert.Equal(Make.Now.AddMinutes(2), loaded.PushedAt);
        Assert.Equal("accepted", loaded.PushResult);
    }

    [Fact]
    public async Task Text_that_cannot_be_stored_is_refused_alone()
    {
        var good = await Make.Enrolled(fixture.Node);

        await Assert.ThrowsAsync<StoreRejectedException>(() => Store.Commit(Make.Change(Make.Device(Make.Id()) with { DeviceName = "a\0b" })));
        await Assert.ThrowsAsync<StoreRejectedException>(() => Store.Commit(Make.Change(Make.Device(Make.Id()) with { DeviceName = "\ud800" })));
        await Assert.ThrowsAsync<StoreRejectedException>(() => Store.Append(Make.Command(good.Id, "a\0b")));

        Assert.NotNull((await Store.Load(good.Id)).Row);
    }

    [Fact]
    public async Task A_poisoned_row_fails_alone_in_its_batch()
    {
        // Longer than the column allows: the database finds it, in the middle of a batch.
        var poisoned = Make.Command(Make.Id(), new string('X', 5_000));
        var innocent = Enumerable.Range(0, 40).Select(_ => Make.Command(Make.Id())).ToList();

        var before = innocent[..20].Select(Store.Append).ToList();
        var poison = Store.Append(poisoned);
        var after = innocent[20..].Select(Store.Append).ToList();

        await Assert.ThrowsAsync<StoreRejectedException>(() => poison);
        Assert.All(await Task.WhenAll(before.Concat(after)), a => Assert.False(a.AlreadyThere));
        foreach (var command in innocent)
            Assert.Single((await Store.Load(command.EnrolmentId)).Queue);
    }

    [Fact]
    public async Task What_was_told_to_be_done_is_there_after_the_node_is_gone()
    {
        var row = Make.Device(Make.Id());
        await using (var node = await fixture.OpenNode())
        {
            await node.Devices.Commit(Make.Change(row));
            await node.Devices.Append(Make.Command(row.Id));
        }

        await using var next = await fixture.OpenNode();
        var snapshot = await next.Devices.Load(row.Id);

        Assert.NotNull(snapshot.Row);
        Assert.Single(snapshot.Queue);
    }
}
