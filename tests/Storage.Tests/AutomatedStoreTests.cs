using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresAutomatedStoreTests(PostgresFixture fixture) : AutomatedStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteAutomatedStoreTests(SqliteFixture fixture) : AutomatedStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class AutomatedStoreTests(StoreFixture fixture)
{
    private IAutomatedStore Store => fixture.Node.Automated;

    private IAutomatedSyncStore Sync => fixture.Node.AutomatedSync;

    private static string Serial() => "A" + Convert.ToHexString(Make.Hash().AsSpan(0, 6));

    private async Task<string> Server(string? profile = null)
    {
        var id = Guid.NewGuid().ToString("D");
        Assert.Equal(AutomatedOutcome.Written, await Store.CreateServer(
            new AutomatedServer
            {
                Id = id,
                Version = 1,
                Name = id,
                Certificate = [1],
                SealedKey = [2],
                KeyMadeAt = Make.Now,
                InvitationId = "automated-" + id,
                ProfileId = profile,
                CreatedAt = Make.Now,
                CreatedBy = "ada",
                UpdatedAt = Make.Now,
                UpdatedBy = "ada",
            },
            new Invitation { Id = "automated-" + id, CreatedAt = Make.Now, ExpiresAt = Make.Now.AddYears(100), CreatedBy = "ada" }, null));
        Assert.Equal(AutomatedOutcome.Written, await Sync.SetToken(id, new AutomatedToken([3], Make.Now.AddYears(1), Make.Now, "ada", new AutomatedAccount(Make.Id(), "S", "Org", "1", 1000)), Make.Now));
        return id;
    }

    private async Task<string> Profile(string name = "")
    {
        var id = Guid.NewGuid().ToString("D");
        Assert.Equal(AutomatedOutcome.Written, await Store.CreateProfile(
            new AutomatedProfile { Id = id, Version = 1, Name = name + id, Definition = "{}", CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" }, null));
        return id;
    }

    private async Task Take(string server, bool fetch, DateTimeOffset at, params AppleDevice[] devices)
    {
        var standing = (await Sync.Load(server))!;
        Assert.True(await Sync.TakePage(standing, new AutomatedPage
        {
            Devices = devices,
            Cursor = "c" + at.ToUnixTimeMilliseconds(),
            Fetching = false,
            EndsFetch = fetch,
            Generation = fetch ? standing.Generation + 1 : standing.Generation,
            NextAt = at.AddMinutes(15),
            At = at,
        }));
    }

    private static AppleDevice Listed(string serial, string? profile = null) => new()
    {
        SerialNumber = serial,
        Model = "iPad",
        Color = "BLUE",
        ProfileUuid = profile,
        ProfileStatus = profile is null ? "empty" : "assigned",
        AssignedAt = Make.Now.AddDays(-1),
    };

    private static AppleDevice Event(AutomatedOperation operation, string serial, DateTimeOffset at, string? profile = null) =>
        Listed(serial, profile) with { Operation = operation, OperationAt = at };

    private async Task<AutomatedDevice> Find(string serial) => (await Store.FindDevice(Scope.District, serial))!.Device;

    private async Task Define(string server, string profile, string uuid)
    {
        var standing = (await Sync.Load(server))!;
        Assert.True(await Sync.SetDefinition(standing, new AutomatedDefinition(profile, uuid, uuid), Make.Now));
    }

    private async Task Review(string server, DateTimeOffset at) => Assert.True(await Sync.Review((await Sync.Load(server))!, at));

    [Fact]
    public async Task A_page_and_its_cursor_are_stored_together_and_only_by_who_has_read_the_newest()
    {
        var server = await Server();
        var before = (await Sync.Load(server))!;
        var serial = Serial();
        await Take(server, fetch: true, Make.Now, Listed(serial));

        Assert.False(await Sync.TakePage(before, new AutomatedPage { Devices = [Listed(Serial())], Cursor = "other", Fetching = false, Generation = 9, NextAt = Make.Now, At = Make.Now }));
        var standing = (await Sync.Load(server))!;
        Assert.Equal(("c" + Make.Now.ToUnixTimeMilliseconds(), 1L, false, (DateTimeOffset?)Make.Now), (standing.Cursor, standing.Generation, standing.Fetching, standing.FetchedAt));
        Assert.True(standing.Review);
        var row = Assert.Single(await Store.ListDevices(Scope.District, new AutomatedDeviceFilter { ServerId = server }, null, 10));
        Assert.Equal((serial, "BLUE", AutomatedState.None), (row.Device.Apple.SerialNumber, row.Device.Apple.Color, row.Device.State));
        Assert.Empty(await Store.ListDevices(Scope.Of(["school"]), new AutomatedDeviceFilter(), null, 10));
    }

    [Fact]
    public async Task What_a_whole_list_does_not_name_is_released_and_stays()
    {
        var server = await Server();
        var (stays, leaves) = (Serial(), Serial());
        await Take(server, true, Make.Now, Listed(stays), Listed(leaves));
        await Take(server, true, Make.Now.AddDays(1), Listed(stays));

        Assert.Null((await Find(stays)).ReleasedAt);
        Assert.Equal(Make.Now.AddDays(1), (await Find(leaves)).ReleasedAt);
        Assert.Null(await Store.FindForEnrolment(leaves));
        Assert.NotNull(await Store.FindForEnrolment(stays));

        await Take(server, true, Make.Now.AddDays(2), Listed(stays), Listed(leaves));
        Assert.Null((await Find(leaves)).ReleasedAt);
    }

    [Fact]
    public async Task An_event_that_is_older_than_what_stands_changes_nothing()
    {
        var server = await Server();
        var serial = Serial();
        await Take(server, false, Make.Now, Event(AutomatedOperation.Added, serial, Make.Now));
        await Take(server, false, Make.Now.AddMinutes(3), Event(AutomatedOperation.Modified, serial, Make.Now.AddMinutes(2)) with { Color = "PINK" });
        await Take(server, false, Make.Now.AddMinutes(4), Event(AutomatedOperation.Modified, serial, Make.Now.AddMinutes(1)) with { Color = "GREEN" });
        await Take(server, false, Make.Now.AddMinutes(5), Event(AutomatedOperation.Deleted, serial, Make.Now.AddMinutes(1)));

        var device = await Find(serial);
        Assert.Equal(("PINK", null), (device.Apple.Color, device.ReleasedAt));

        await Take(server, false, Make.Now.AddMinutes(7), Event(AutomatedOperation.Deleted, serial, Make.Now.AddMinutes(6)));
        Assert.Equal(Make.Now.AddMinutes(6), (await Find(serial)).ReleasedAt);
        // Once more, and for one that nobody knows.
        await Take(server, false, Make.Now.AddMinutes(8), Event(AutomatedOperation.Deleted, serial, Make.Now.AddMinutes(6)), Event(AutomatedOperation.Deleted, Serial(), Make.Now));
        Assert.Equal(Make.Now.AddMinutes(6), (await Find(serial)).ReleasedAt);
    }

    [Fact]
    public async Task An_iPad_that_moved_to_another_server_is_not_released_by_the_word_of_the_first()
    {
        var (first, second) = (await Server(), await Server());
        var serial = Serial();
        await Take(first, false, Make.Now, Event(AutomatedOperation.Added, serial, Make.Now));
        await Take(second, false, Make.Now.AddMinutes(1), Event(AutomatedOperation.Added, serial, Make.Now.AddMinutes(1)));
        await Take(first, false, Make.Now.AddMinutes(2), Event(AutomatedOperation.Deleted, serial, Make.Now.AddMinutes(1)));
        await Take(first, true, Make.Now.AddMinutes(3));

        var device = await Find(serial);
        Assert.Equal((second, null), (device.ServerId, device.ReleasedAt));
    }

    [Fact]
    public async Task An_iPad_gets_its_own_profile_then_that_of_its_school_then_that_of_the_server()
    {
        var (own, ofSchool, ofServer) = (await Profile(), await Profile(), await Profile());
        var server = await Server(ofServer);
        var school = new School { Id = Guid.NewGuid().ToString("D"), Version = 1, Name = "School " + Make.Id(), CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        Assert.Equal(SchoolOutcome.Written, await fixture.Node.Schools.Create(school, null));
        var (a, b, c) = (Serial(), Serial(), Serial());
        await fixture.Node.Placeholders.Write(Scope.District, new PlaceholderWrite { Rows = [new Placeholder { SerialNumber = b, School = school.Name }, new Placeholder { SerialNumber = c, School = school.Name }], By = "ada", At = Make.Now });
        await Take(server, true, Make.Now, Listed(a), Listed(b), Listed(c));
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForSchool(school.Id, ofSchool, AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.AutomatedChoose)));
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForDevice(c, own, Make.Now, null));
        Assert.Equal(AutomatedOutcome.UnknownProfile, await Store.ChooseForDevice(c, "none", Make.Now, null));

        Assert.Equal(new[] { own, ofSchool, ofServer }.Order(StringComparer.Ordinal), (await Sync.ListWanted(server)).Select(profile => profile.Id));
        await Define(server, own, "OWN");
        await Define(server, ofSchool, "SCHOOL");
        await Define(server, ofServer, "SERVER");
        await Review(server, Make.Now);

        var orders = await Sync.ListOrders(server, Make.Now, 100);
        Assert.Equal([("OWN", c), ("SCHOOL", b), ("SERVER", a)], orders.Select(order => (order.Uuid, order.SerialNumber)));
        Assert.Equal(AutomatedOutcome.InUse, await Store.DeleteProfile(own, null));
        Assert.Equal(own, (await Store.FindForEnrolment(c))!.Value.Profile!.Id);
        Assert.Equal(ofSchool, (await Store.FindForEnrolment(b))!.Value.Profile!.Id);
        Assert.Equal(ofServer, (await Store.FindForEnrolment(a))!.Value.Profile!.Id);
    }

    private async Task<string> Group(string name, string? school = null)
    {
        var group = new DeviceGroup
        {
            Id = Guid.NewGuid().ToString("D"),
            Version = 1,
            Name = name,
            SchoolId = school,
            CreatedAt = Make.Now,
            CreatedBy = "ada",
            UpdatedAt = Make.Now,
            UpdatedBy = "ada",
        };
        Assert.Equal(GroupOutcome.Written, await fixture.Node.Groups.Create(Scope.District, group, null));
        return group.Id;
    }

    private async Task PutIn(string group, params string[] serials) =>
        Assert.Equal((GroupOutcome.Written, (long)serials.Length), await fixture.Node.Groups.Add(Scope.District, group, new MemberChoice(serials, null), Make.Now, _ => null) is var done ? (done.Outcome, done.Changed) : default);

    private async Task<(string School, Func<string, Task> Place)> School()
    {
        var school = new School { Id = Guid.NewGuid().ToString("D"), Version = 1, Name = "School " + Make.Id(), CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        Assert.Equal(SchoolOutcome.Written, await fixture.Node.Schools.Create(school, null));
        return (school.Id, serial => fixture.Node.Placeholders.Write(
            Scope.District, new PlaceholderWrite { Rows = [new Placeholder { SerialNumber = serial, School = school.Name }], By = "ada", At = Make.Now }));
    }

    [Fact]
    public async Task The_profile_of_a_group_counts_after_that_of_the_iPad_and_before_that_of_its_school()
    {
        var (own, ofGroup, ofSchool, ofServer) = (await Profile(), await Profile(), await Profile(), await Profile());
        var server = await Server(ofServer);
        var (school, place) = await School();
        var (a, b, c, d) = (Serial(), Serial(), Serial(), Serial());
        foreach (var serial in (string[])[b, c, d]) await place(serial);
        await Take(server, true, Make.Now, Listed(a), Listed(b), Listed(c), Listed(d));
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForSchool(school, ofSchool, null));
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForDevice(d, own, Make.Now, null));
        var group = await Group("Trolley " + Make.Id());
        await PutIn(group, c, d);
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(group, ofGroup, 100, Make.Now, null));

        async Task<(string? Id, AutomatedOrigin From)> Wanted(string serial) => await Store.FindDevice(Scope.District, serial) is var row ? (row!.WantedId, row.Origin) : default;
        Assert.Equal((ofServer, AutomatedOrigin.Server), await Wanted(a));
        Assert.Equal((ofSchool, AutomatedOrigin.School), await Wanted(b));
        Assert.Equal((ofGroup, AutomatedOrigin.Group), await Wanted(c));
        Assert.Equal((own, AutomatedOrigin.IPad), await Wanted(d));
        Assert.Equal(group, (await Store.FindDevice(Scope.District, d))!.GroupId);
        Assert.Equal(ofGroup, (await Store.FindForEnrolment(c))!.Value.Profile!.Id);
        Assert.Equal(new[] { own, ofGroup, ofSchool, ofServer }.Order(StringComparer.Ordinal), (await Sync.ListWanted(server)).Select(profile => profile.Id));
        Assert.Equal(AutomatedOutcome.InUse, await Store.DeleteProfile(ofGroup, null));

        Assert.Equal(1, (await fixture.Node.Groups.Remove(Scope.District, group, new MemberChoice([c], null), Make.Now, _ => null)).Changed);
        Assert.Equal((ofSchool, AutomatedOrigin.School), await Wanted(c));
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(group, null, 100, Make.Now, null));
        Assert.Equal(AutomatedOutcome.Written, await Store.DeleteProfile(ofGroup, null));
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(group, null, 100, Make.Now, null));
    }

    [Fact]
    public async Task Of_several_groups_the_lowest_priority_counts_and_then_the_first_name()
    {
        var (one, two, three) = (await Profile(), await Profile(), await Profile());
        var server = await Server();
        var serial = Serial();
        await Take(server, true, Make.Now, Listed(serial));
        var mark = Make.Id();
        var (alpha, beta, gamma) = (await Group($"alpha {mark}"), await Group($"Beta {mark}"), await Group($"Gamma {mark}"));
        foreach (var (group, profile, priority) in ((string, string, int)[])[(gamma, three, 50), (beta, two, 100), (alpha, one, 100)])
        {
            await PutIn(group, serial);
            Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(group, profile, priority, Make.Now, null));
        }

        Assert.Equal(three, (await Store.FindDevice(Scope.District, serial))!.WantedId);
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(gamma, three, 101, Make.Now, null));
        Assert.Equal((one, $"alpha {mark}"), await Store.FindDevice(Scope.District, serial) is var row ? (row!.WantedId, row.Group) : default);
        Assert.Equal([alpha, beta, gamma], (await Store.ListGroups(Scope.District)).Where(group => group.Group.EndsWith(mark, StringComparison.Ordinal)).Select(group => group.GroupId));
        Assert.Empty(await Store.ListGroups(Scope.Of(["school"])));
    }

    [Fact]
    public async Task A_group_of_a_school_is_for_the_iPads_that_come_to_be_of_that_school()
    {
        var profile = await Profile();
        var server = await Server();
        var ((school, place), (_, elsewhere)) = (await School(), await School());
        var (inside, outside, nowhere) = (Serial(), Serial(), Serial());
        await place(inside);
        await elsewhere(outside);
        await Take(server, true, Make.Now, Listed(inside), Listed(outside), Listed(nowhere));
        var group = await Group("Of a school " + Make.Id(), school);
        await PutIn(group, inside, outside, nowhere);
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(group, profile, 1, Make.Now, null));

        Assert.Equal(profile, (await Store.FindDevice(Scope.District, inside))!.WantedId);
        Assert.Null((await Store.FindDevice(Scope.District, outside))!.WantedId);
        Assert.Null((await Store.FindDevice(Scope.District, nowhere))!.WantedId);

        await place(outside);
        Assert.Equal(profile, (await Store.FindDevice(Scope.District, outside))!.WantedId);
    }

    [Fact]
    public async Task An_iPad_that_is_enrolled_has_the_profile_of_its_group_for_its_next_set_up()
    {
        var profile = await Profile();
        var server = await Server();
        var serial = Serial();
        await Make.Enrolled(fixture.Node, row => row with { SerialNumber = serial });
        await Take(server, true, Make.Now, Listed(serial));
        var group = await Group("Enrolled " + Make.Id());
        await PutIn(group, serial);
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(group, profile, 1, Make.Now, null));

        Assert.Equal((profile, AutomatedOrigin.Group), await Store.FindDevice(Scope.District, serial) is var row ? (row!.WantedId, row.Origin) : default);
    }

    [Fact]
    public async Task Who_is_in_a_group_is_looked_at_anew_only_where_the_group_has_a_profile_and_such_a_group_stays_as_it_is()
    {
        var profile = await Profile();
        var server = await Server();
        var (first, second) = (Serial(), Serial());
        await Take(server, true, Make.Now, Listed(first), Listed(second));
        await Review(server, Make.Now);
        var group = await Group("Marks " + Make.Id());
        async Task<bool> Marked() => (await Sync.Load(server))!.Review;

        await PutIn(group, first);
        Assert.False(await Marked());
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(group, profile, 1, Make.Now, null));
        Assert.True(await Marked());
        await Review(server, Make.Now);
        await PutIn(group, second);
        Assert.True(await Marked());
        await Review(server, Make.Now);
        // Once more changes nothing.
        Assert.Equal(0, (await fixture.Node.Groups.Add(Scope.District, group, new MemberChoice([second], null), Make.Now, _ => null)).Changed);
        Assert.False(await Marked());

        var standing = (await fixture.Node.Groups.Find(Scope.District, group))!.Group;
        Assert.Equal(GroupOutcome.HasProfile, await fixture.Node.Groups.Delete(Scope.District, group, null));
        Assert.Equal(GroupOutcome.HasProfile, await fixture.Node.Groups.Change(Scope.District, standing with { Version = 2, Rule = "supervised" }, null));
        Assert.False(await Marked());
        Assert.Equal(GroupOutcome.Written, await fixture.Node.Groups.Change(Scope.District, standing with { Version = 2, Name = standing.Name + " 2" }, null));
        Assert.True(await Marked());

        var byRule = Guid.NewGuid().ToString("D");
        Assert.Equal(GroupOutcome.Written, await fixture.Node.Groups.Create(Scope.District, standing with { Id = byRule, Version = 1, Name = "Rule " + Make.Id(), Rule = "supervised" }, null));
        Assert.Equal(AutomatedOutcome.GroupHasRule, await Store.ChooseForGroup(byRule, profile, 1, Make.Now, null));
        Assert.Equal(AutomatedOutcome.UnknownGroup, await Store.ChooseForGroup(Guid.NewGuid().ToString("D"), profile, 1, Make.Now, null));
        Assert.Equal(AutomatedOutcome.UnknownProfile, await Store.ChooseForGroup(group, "none", 1, Make.Now, null));
    }

    [Fact]
    public async Task What_Apple_says_of_an_assignment_is_kept_and_what_is_throttled_is_left_alone()
    {
        var profile = await Profile();
        var server = await Server(profile);
        string[] serials = [Serial(), Serial(), Serial(), Serial(), Serial()];
        await Take(server, true, Make.Now, [.. serials.Take(4).Select(serial => Listed(serial)), Listed(serials[4], "ONE")]);
        await Define(server, profile, "ONE");
        await Review(server, Make.Now);
        Assert.Equal(serials.Take(4).Order(StringComparer.Ordinal), (await Sync.ListOrders(server, Make.Now, 10)).Select(order => order.SerialNumber));
        Assert.Equal(AutomatedState.Assigned, (await Find(serials[4])).State);

        var tomorrow = Make.Now.AddDays(1);
        await Sync.TakeAnswers(server, "ONE",
        [
            new(serials[0], AutomatedState.Assigned, 0, null, null), new(serials[1], AutomatedState.Failed, 1, Make.Now.AddHours(1), "FAILED"),
            new(serials[2], AutomatedState.Throttled, 1, tomorrow, "throttled"), new(serials[3], AutomatedState.NotAccessible, 1, null, "not here"),
        ], Make.Now);

        Assert.Empty(await Sync.ListOrders(server, Make.Now, 10));
        Assert.Equal(Make.Now.AddHours(1), await Sync.NextOrderAt(server));
        Assert.Equal(serials[1], Assert.Single(await Sync.ListOrders(server, Make.Now.AddHours(1), 10)).SerialNumber);
        Assert.Equal(("ONE", "assigned"), ((await Find(serials[0])).Apple.ProfileUuid, (await Find(serials[0])).Apple.ProfileStatus));

        // Another profile: all get it, and the throttled one keeps its rest.
        await Define(server, profile, "TWO");
        await Review(server, Make.Now.AddMinutes(5));
        Assert.Equal([serials[0], serials[1], serials[3], serials[4]], (await Sync.ListOrders(server, Make.Now.AddHours(2), 10)).Select(order => order.SerialNumber).OrderBy(serial => Array.IndexOf(serials, serial)));
        var throttled = await Find(serials[2]);
        Assert.Equal((AutomatedState.Throttled, (DateTimeOffset?)tomorrow, "TWO"), (throttled.State, throttled.NextAt, throttled.WantedUuid));
        Assert.Equal(5, (await Sync.ListOrders(server, tomorrow, 10)).Count);
        // An answer for the profile before comes too late.
        await Sync.TakeAnswers(server, "ONE", [new(serials[0], AutomatedState.Assigned, 0, null, null)], Make.Now);
        Assert.Equal(AutomatedState.Waiting, (await Find(serials[0])).State);
    }

    [Fact]
    public async Task An_iPad_that_left_and_comes_back_gets_its_profile_anew()
    {
        var profile = await Profile();
        var server = await Server(profile);
        var serial = Serial();
        await Define(server, profile, "ONE");
        await Take(server, true, Make.Now, Listed(serial));
        await Review(server, Make.Now);
        await Sync.TakeAnswers(server, "ONE", [new(serial, AutomatedState.Assigned, 0, null, null)], Make.Now);
        await Take(server, false, Make.Now.AddHours(1), Event(AutomatedOperation.Deleted, serial, Make.Now.AddHours(1)));
        Assert.Equal((AutomatedState.None, null), ((await Find(serial)).State, (await Find(serial)).Apple.ProfileUuid));

        await Take(server, false, Make.Now.AddHours(2), Event(AutomatedOperation.Added, serial, Make.Now.AddHours(2)));
        await Review(server, Make.Now.AddHours(2));
        Assert.Equal(serial, Assert.Single(await Sync.ListOrders(server, Make.Now.AddHours(2), 10)).SerialNumber);
    }

    private async Task<string[]> Moving(AutomatedMigration migration, DateTimeOffset now, params string[] serials) =>
        [.. (await Store.ListDevices(Scope.District, new AutomatedDeviceFilter { Migration = migration, Now = now }, null, 10_000)).Select(row => row.Device.Apple.SerialNumber).Where(serials.Contains)];

    [Fact]
    public async Task An_iPad_comes_until_its_deadline_is_late_after_it_and_has_come_when_it_enrolled_since()
    {
        var server = await Server();
        var (comes, came, other) = (Serial(), Serial(), Serial());
        var deadline = Make.Now.AddDays(5);
        // Of the other tests of this store.
        var (now, then) = (await Store.CountMigrations(Scope.District, Make.Now, 14, 5, 4), await Store.CountMigrations(Scope.District, deadline, 14));
        // It was enrolled before, with another service: that is not coming.
        await Make.Enrolled(fixture.Node, row => row with { SerialNumber = comes, EnrolledAt = Make.Now.AddYears(-1) });
        await Take(server, true, Make.Now, Listed(comes) with { MigrationDeadline = deadline }, Listed(came) with { MigrationDeadline = deadline }, Listed(other));
        await Make.Enrolled(fixture.Node, row => row with { SerialNumber = came, EnrolledAt = Make.Now.AddHours(1) });

        Assert.Equal(new[] { comes }, await Moving(AutomatedMigration.Comes, Make.Now, comes, came, other));
        Assert.Empty(await Moving(AutomatedMigration.Late, deadline.AddSeconds(-1), comes, came, other));
        Assert.Equal([comes], await Moving(AutomatedMigration.Late, deadline, comes, came, other));
        Assert.Empty(await Moving(AutomatedMigration.Comes, deadline, comes, came, other));
        Assert.Equal([came], await Moving(AutomatedMigration.Came, Make.Now, comes, came, other));
        Assert.Equal([other], await Moving(AutomatedMigration.None, Make.Now, comes, came, other));
        Assert.Equal((AutomatedMigration.Comes, Make.Now), await Store.FindDevice(Scope.District, comes) is var row ? (row!.Migration, row.Device.MigrationSince!.Value) : default);

        var before = await Store.CountMigrations(Scope.District, Make.Now, 14, 5, 4);
        Assert.Equal((1, 1, 1, 0, 0, 1),
            (before.Comes - now.Comes, before.Within[0] - now.Within[0], before.Within[1] - now.Within[1], before.Within[2] - now.Within[2], before.Late - now.Late, before.Came - now.Came));
        var after = await Store.CountMigrations(Scope.District, deadline, 14);
        Assert.Equal((0, 0, 1), (after.Comes - then.Comes, after.Within[0] - then.Within[0], after.Late - then.Late));
        Assert.Equal(0, (await Store.CountMigrations(Scope.Of(["school"]), deadline, 14)).Late);

        // Told once more with a later deadline: the same move.
        await Take(server, true, Make.Now.AddDays(1), Listed(comes) with { MigrationDeadline = deadline.AddDays(20) }, Listed(came) with { MigrationDeadline = deadline }, Listed(other));
        Assert.Equal((Make.Now, deadline.AddDays(20)), await Find(comes) is var device ? (device.MigrationSince!.Value, device.Apple.MigrationDeadline!.Value) : default);
        // It comes. Once more: the same.
        await Take(server, true, Make.Now.AddDays(2), Listed(comes), Listed(came) with { MigrationDeadline = deadline }, Listed(other));
        Assert.Equal(AutomatedMigration.None, (await Store.FindDevice(Scope.District, comes))!.Migration);
        Assert.Null((await Find(comes)).MigrationSince);
    }

    [Fact]
    public async Task A_move_that_is_cancelled_is_over_and_one_that_begins_anew_is_another_one()
    {
        var server = await Server();
        var serial = Serial();
        AppleDevice Told(AutomatedOperation operation, DateTimeOffset at, DateTimeOffset assigned) =>
            Event(operation, serial, at) with { MigrationDeadline = Make.Now.AddDays(30), AssignedAt = assigned };
        async Task<AutomatedMigration> Standing() => (await Store.FindDevice(Scope.District, serial))!.Migration;

        await Take(server, false, Make.Now, Told(AutomatedOperation.Added, Make.Now, Make.Now));
        Assert.Equal(AutomatedMigration.Comes, await Standing());
        // The record of what is gone still names the deadline.
        await Take(server, false, Make.Now.AddHours(1), Told(AutomatedOperation.Deleted, Make.Now.AddHours(1), Make.Now));
        Assert.Equal(AutomatedMigration.None, await Standing());
        Assert.Null((await Find(serial)).MigrationSince);
        // A late event of before.
        await Take(server, false, Make.Now.AddHours(2), Told(AutomatedOperation.Modified, Make.Now.AddMinutes(30), Make.Now));
        Assert.Equal(AutomatedMigration.None, await Standing());

        await Take(server, false, Make.Now.AddHours(3), Told(AutomatedOperation.Added, Make.Now.AddHours(3), Make.Now.AddHours(3)));
        Assert.Equal(AutomatedMigration.Comes, await Standing());
        await Make.Enrolled(fixture.Node, row => row with { SerialNumber = serial, EnrolledAt = Make.Now.AddHours(4) });
        Assert.Equal(AutomatedMigration.Came, await Standing());
        // Away and back between two looks: Apple tells the last state alone.
        await Take(server, false, Make.Now.AddHours(6), Told(AutomatedOperation.Added, Make.Now.AddHours(6), Make.Now.AddHours(6)));
        Assert.Equal(AutomatedMigration.Comes, await Standing());
    }

    [Fact]
    public async Task An_iPad_that_is_enrolled_and_was_assigned_elsewhere_leaves_until_it_is_back_or_gone()
    {
        var (server, other) = (await Server(), await Server());
        var (leaves, gone, lost, here) = (Serial(), Serial(), Serial(), Serial());
        string[] all = [leaves, gone, lost, here];
        var standing = (await Store.CountMigrations(Scope.District, Make.Now)).Leaves;
        await Take(server, false, Make.Now, [.. all.Select(serial => Event(AutomatedOperation.Added, serial, Make.Now))]);
        foreach (var serial in (string[])[leaves, lost, here]) await Make.Enrolled(fixture.Node, row => row with { SerialNumber = serial, EnrolledAt = Make.Now.AddMinutes(5) });
        var deadline = Make.Now.AddDays(9);
        // With its deadline, as far as Apple says one; not enrolled here at all; only the whole list lacks it; for another service of ours.
        await Take(server, false, Make.Now.AddHours(1), Event(AutomatedOperation.Deleted, leaves, Make.Now.AddHours(1)) with { MigrationDeadline = deadline }, Event(AutomatedOperation.Deleted, gone, Make.Now.AddHours(1)));
        await Take(other, false, Make.Now.AddHours(1), Event(AutomatedOperation.Added, here, Make.Now.AddHours(1)) with { MigrationDeadline = deadline });
        await Take(server, true, Make.Now.AddHours(2));

        Assert.Equal(new[] { leaves, lost }.Order(StringComparer.Ordinal), await Moving(AutomatedMigration.Leaves, Make.Now, all));
        Assert.Equal([here], await Moving(AutomatedMigration.Comes, Make.Now, all));
        Assert.Equal((deadline, (DateTimeOffset?)null), ((await Find(leaves)).Apple.MigrationDeadline!.Value, (await Find(lost)).Apple.MigrationDeadline));
        Assert.Equal(2, (await Store.CountMigrations(Scope.District, Make.Now)).Leaves - standing);

        // The move is cancelled: Apple lists it again.
        await Take(server, false, Make.Now.AddHours(3), Event(AutomatedOperation.Added, leaves, Make.Now.AddHours(3)));
        Assert.Equal([lost], await Moving(AutomatedMigration.Leaves, Make.Now, all));
        Assert.Null((await Find(leaves)).Apple.MigrationDeadline);
    }

    [Fact]
    public async Task Two_servers_never_speak_for_one_service_of_Apples()
    {
        var (first, second) = (await Server(), await Server());
        var uuid = (await Sync.Load(first))!.AppleUuid;

        Assert.Equal(AutomatedOutcome.ServiceTaken, await Sync.SetToken(second, new AutomatedToken([9], Make.Now.AddYears(1), Make.Now, "ada", new AutomatedAccount(uuid, "S", "Org", "1", 100)), Make.Now));
    }

    [Fact]
    public async Task The_invitation_of_a_server_is_there_for_nobody_and_ends_with_it()
    {
        var server = await Server();
        var serial = Serial();
        await Take(server, true, Make.Now, Listed(serial));
        var invitation = (await Sync.Load(server))!.InvitationId;
        Assert.Null(await fixture.Node.Enrolments.FindInvitation(invitation));
        Assert.DoesNotContain(await fixture.Node.Enrolments.ListInvitations(Scope.District, null, 1000), one => one.Id == invitation);
        Assert.False(await fixture.Node.Enrolments.RevokeInvitation(invitation, Make.Now));
        Assert.Equal(IssueOutcome.Issued, (await Issue(invitation)).Outcome);

        Assert.Equal(AutomatedOutcome.Written, await Store.DeleteServer(server, Make.Now, null));
        Assert.Equal(IssueOutcome.InvitationClosed, (await Issue(invitation)).Outcome);
        Assert.Equal(Make.Now, (await Find(serial)).ReleasedAt);
        Assert.Null(await Sync.Load(server));
    }

    private Task<IssueResult> Issue(string invitation) => fixture.Node.Enrolments.Issue(new IssueRequest
    {
        ChallengeHash = Make.Hash(),
        PublicKeyHash = Make.Hash(),
        Certificate = new IssuedCertificate { Sha256 = Make.Hash(), Der = [1], InvitationId = invitation, IssuedAt = Make.Now, NotAfter = Make.Now.AddYears(1) },
        At = Make.Now,
    });

    [Fact]
    public async Task An_iPad_is_held_once_for_each_enrolment_and_stands_on_the_list_until_somebody_has_seen_it()
    {
        var device = await Make.Enrolled(fixture.Node);
        var holds = fixture.Node.Holds;
        var held = await holds.Hold(device.Id, "S1", Make.Now, Make.Now.AddMinutes(30));
        Assert.Equal(HoldState.Held, held.State);
        Assert.Contains(device.Id, await holds.ListDue(Make.Now.AddMinutes(30), 1000));
        Assert.DoesNotContain(device.Id, await holds.ListDue(Make.Now.AddMinutes(29), 1000));

        await holds.Write(held with { State = HoldState.LetGoIncomplete, Missing = "Wi-Fi", EndedAt = Make.Now.AddMinutes(31) });
        Assert.Equal(HoldState.LetGoIncomplete, (await holds.Hold(device.Id, "S1", Make.Now, Make.Now.AddHours(5))).State);
        Assert.DoesNotContain(device.Id, await holds.ListDue(Make.Now.AddYears(1), 1000));
        Assert.Contains(await holds.List(Scope.District, HoldState.LetGoIncomplete, null, 1000), row => row.Hold.DeviceId == device.Id && row.Hold.Missing == "Wi-Fi");

        // It is erased and enrols anew.
        Assert.Equal(HoldState.Held, (await holds.Hold(device.Id, "S1", Make.Now.AddDays(1), Make.Now.AddDays(2))).State);
        Assert.False(await holds.Dismiss(device.Id, null));
        await holds.Write((await holds.Find(device.Id))! with { State = HoldState.LetGo });
        Assert.True(await holds.Dismiss(device.Id, null));
        Assert.False(await holds.Dismiss(device.Id, null));
    }

    [Fact]
    public async Task A_change_of_the_address_has_all_profiles_looked_at_again()
    {
        var server = await Server();
        await Take(server, true, Make.Now);
        await Review(server, Make.Now);
        var address = new AutomatedAddress("https://mdm.example/" + Make.Id(), [[1, 2]]);

        Assert.True(await Store.SetAddress(address));
        Assert.True((await Sync.Load(server))!.Review);
        Assert.False(await Store.SetAddress(address));
        Assert.True(await Store.SetAddress(address with { SignInUrl = "https://people.example/my" }));
        Assert.Equal("https://people.example/my", (await Store.FindAddress())!.SignInUrl);
        Assert.True(await Store.SetAddress(address));
        Assert.Equal((address.Url, Convert.ToHexString([1, 2])), ((await Store.FindAddress())!.Url, Convert.ToHexString(Assert.Single((await Store.FindAddress())!.Anchors))));
    }
}
