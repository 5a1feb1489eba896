using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Enrolment;
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
