using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Protocol.Automated;
using FleetMdm.Storage;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Secrets;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.Grains.Tests.Automated;

/// <summary>A server of Automated Device Enrolment against the simulated Apple: the list, its faults, and the assignment of profiles.</summary>
public abstract class AutomatedRules(GrainCluster cluster, IAutomatedCluster automated) : IAsyncLifetime
{
    private static int _numbers;

    private GrainCluster Host => cluster;

    private DeviceEnrolmentSimulator Apple => automated.Apple;

    private IAutomatedStore Store => cluster.Service<IAutomatedStore>();

    private IAutomatedSyncStore Sync => cluster.Service<IAutomatedSyncStore>();

    public async ValueTask InitializeAsync()
    {
        Apple.Faults.Clear();
        await Store.SetAddress(new AutomatedAddress("https://mdm.example/mdm/automated/enroll", []));
    }

    public ValueTask DisposeAsync()
    {
        Apple.Faults.Clear();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private sealed record Connected(AutomatedRules Rules, string Id, SimulatedMdmServer Portal)
    {
        public IAutomatedServerGrain Grain => Rules.Host.Grains.GetGrain<IAutomatedServerGrain>(Id);

        public async Task<AutomatedServer> Row() => (await Rules.Sync.Load(Id))!;

        /// <summary>Lets the cadence pass, and waits until the round has ended.</summary>
        public async Task Round(TimeSpan? after = null)
        {
            Rules.Host.Clock.Advance(after ?? TimeSpan.FromMinutes(20));
            await Grain.Wake();
            await Settled();
        }

        public async Task Settled()
        {
            using var patience = new CancellationTokenSource(GrainCluster.Patience);
            while ((await Grain.Describe()).Working)
            {
                if (patience.IsCancellationRequested) throw new TimeoutException("The round did not end.");
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
            }
        }

        public IReadOnlyList<DeviceEnrolmentRequest> Requests(string? path = null) =>
            [.. Rules.Apple.Requests.Where(request => request.ServerUuid == Portal.Uuid && (path is null || request.Path == path))];
    }

    private async Task<(string Id, string Pem)> Server(string? profile = null)
    {
        var id = Guid.NewGuid().ToString("D");
        var now = cluster.Clock.GetUtcNow();
        var (certificate, key) = ServerKey.Create("Springfield", now);
        Assert.Equal(AutomatedOutcome.Written, await Store.CreateServer(
            new AutomatedServer
            {
                Id = id,
                Version = 1,
                Name = id,
                Certificate = certificate,
                SealedKey = cluster.Service<SecretSealer>().Seal(AutomatedServer.KeyPurpose(id), key),
                KeyMadeAt = now,
                InvitationId = "automated-" + id,
                ProfileId = profile,
                CreatedAt = now,
                CreatedBy = "ada",
                UpdatedAt = now,
                UpdatedBy = "ada",
            },
            new Invitation { Id = "automated-" + id, CreatedAt = now, ExpiresAt = now.AddYears(100), CreatedBy = "ada" }, null));
        return (id, ServerKey.ToPem(certificate));
    }

    private async Task<string> Profile(string definition = "{}")
    {
        var (id, now) = (Guid.NewGuid().ToString("D"), cluster.Clock.GetUtcNow());
        Assert.Equal(AutomatedOutcome.Written, await Store.CreateProfile(
            new AutomatedProfile { Id = id, Version = 1, Name = "Profile " + id, Definition = definition, CreatedAt = now, CreatedBy = "ada", UpdatedAt = now, UpdatedBy = "ada" }, null));
        return id;
    }

    /// <summary>A server that has its token, and has asked Apple once.</summary>
    private async Task<Connected> Connect(int iPads, string? profile = null)
    {
        var (id, pem) = await Server(profile);
        var portal = Apple.Portal.AddServer("Service " + id[..8], pem);
        Apple.Portal.Assign(portal, Serials(iPads));
        var connected = new Connected(this, id, portal);
        var taken = await connected.Grain.TakeToken(new AutomatedTokenUpload(Apple.Portal.DownloadToken(portal), "ada"));
        Assert.Null(taken.Problem);
        await connected.Settled();
        return connected;
    }

    private static string[] Serials(int count)
    {
        var first = Interlocked.Add(ref _numbers, count) - count;
        return [.. Enumerable.Range(first, count).Select(number => $"AUTO{number:D8}")];
    }

    private async Task<IReadOnlyList<AutomatedDeviceRow>> Devices(Connected server, bool? released = false) =>
        await Store.ListDevices(Scope.District, new AutomatedDeviceFilter { ServerId = server.Id, Released = released }, null, 10_000);

    [Fact]
    public async Task The_whole_list_comes_page_by_page_and_then_only_news_are_asked_for()
    {
        var server = await Connect(250);
        Assert.Equal(250, (await Devices(server)).Count);
        Assert.Equal(3, server.Requests("/server/devices").Count);
        var row = await server.Row();
        Assert.Equal((AutomatedProblem.None, false, "Springfield School District"), (row.Problem, row.Fetching, row.Organization));

        Apple.Portal.Assign(server.Portal, Serials(3));
        await server.Round();

        Assert.Equal(253, (await Devices(server)).Count);
        Assert.Equal(3, server.Requests("/server/devices").Count);
    }

    [Fact]
    public async Task A_list_without_news_costs_one_request_and_no_write()
    {
        var server = await Connect(5);
        await server.Round();
        var before = await server.Row();
        var requests = server.Requests().Count;

        await server.Round();

        Assert.Equal(requests + 1, server.Requests().Count);
        Assert.Equal(before.Revision, (await server.Row()).Revision);
        // What it knows in memory may be lost at any time.
        await cluster.Cluster.DeactivateAsync(server.Grain).WaitAsync(GrainCluster.Patience);
        Apple.Portal.Assign(server.Portal, Serials(2));
        await server.Round();
        Assert.Equal(7, (await Devices(server)).Count);
    }

    [Fact]
    public async Task Once_a_day_the_whole_list_shows_what_no_event_told()
    {
        var server = await Connect(2);
        var hidden = Serials(1);
        Apple.Faults.HiddenFromSync[hidden[0]] = true;
        Apple.Portal.Assign(server.Portal, hidden);
        await server.Round();
        Assert.Equal(2, (await Devices(server)).Count);

        await server.Round(TimeSpan.FromHours(25));
        Assert.Equal(3, (await Devices(server)).Count);
    }

    [Theory]
    [InlineData("EXPIRED_CURSOR")]
    [InlineData("INVALID_CURSOR")]
    [InlineData("CURSOR_REQUIRED")]
    public async Task A_cursor_that_Apple_does_not_take_has_the_whole_list_fetched_anew(string word)
    {
        var server = await Connect(3);
        Apple.Portal.Assign(server.Portal, Serials(1));
        Apple.Faults.Next("/devices/sync", new DeviceEnrolmentFault.Answer(400, word));
        await server.Round();

        Assert.Equal(4, (await Devices(server)).Count);
        Assert.Equal(AutomatedProblem.None, (await server.Row()).Problem);
        Assert.Equal(2, server.Requests("/server/devices").Count);
    }

    [Fact]
    public async Task A_fetch_that_Apple_calls_exhausted_has_ended_and_goes_on_with_news()
    {
        var server = await Connect(250);
        Apple.Faults.Next("/server/devices", new DeviceEnrolmentFault.Pass(), 2);
        Apple.Faults.Next("/server/devices", DeviceEnrolmentFault.ExhaustedCursor);
        await server.Grain.SyncNow(all: true);
        await server.Settled();
        var row = await server.Row();
        Assert.Equal((AutomatedProblem.None, false, 200), (row.Problem, row.Fetching, (await Devices(server)).Count));

        // What was not told has left as far as Apple says, and is back when it is told again.
        await server.Round(TimeSpan.FromHours(25));
        Assert.Equal(250, (await Devices(server)).Count);
    }

    [Fact]
    public async Task The_same_cursor_again_ends_the_round_instead_of_asking_for_ever()
    {
        var server = await Connect(3);
        Apple.Faults.Always("/devices/sync", new DeviceEnrolmentFault.SameCursor());
        var before = server.Requests().Count;
        await server.Round();
        Assert.InRange(server.Requests().Count - before, 1, 2);

        Apple.Faults.Clear();
        Apple.Portal.Assign(server.Portal, Serials(1));
        await server.Round();
        Assert.Equal(4, (await Devices(server)).Count);
    }

    [Fact]
    public async Task Events_that_come_twice_and_in_the_wrong_order_end_as_Apple_has_it()
    {
        var server = await Connect(4);
        var serials = (await Devices(server)).Select(row => row.Device.Apple.SerialNumber).ToList();
        (Apple.Faults.Twice, Apple.Faults.Shuffled) = (true, true);
        Apple.Portal.Modify(serials[0], one => one.Color = "PINK");
        cluster.Clock.Advance(TimeSpan.FromSeconds(5));
        Apple.Portal.Modify(serials[0], one => one.Color = "GREEN");
        Apple.Portal.Unassign(serials[1]);
        Apple.Portal.Unassign(serials[2]);
        cluster.Clock.Advance(TimeSpan.FromSeconds(5));
        Apple.Portal.Assign(server.Portal, serials[2]);
        Apple.Portal.TellAgain(serials[3], "deleted", cluster.Clock.GetUtcNow().AddDays(-30));
        await server.Round();

        Assert.Equal("GREEN", (await Store.FindDevice(Scope.District, serials[0]))!.Device.Apple.Color);
        Assert.Equal([serials[0], serials[2], serials[3]], (await Devices(server)).Select(row => row.Device.Apple.SerialNumber));
        Assert.Equal(serials[1], Assert.Single(await Devices(server, released: true)).Device.Apple.SerialNumber);
    }

    [Fact]
    public async Task Whoever_dies_between_two_pages_loses_none_of_them()
    {
        Apple.Faults.Next("/server/devices", new DeviceEnrolmentFault.Pass(), 2);
        Apple.Faults.Always("/server/devices", new DeviceEnrolmentFault.CutAfterwards());
        var server = await Connect(350);
        var row = await server.Row();
        Assert.Equal((AutomatedProblem.Unreachable, true, 200), (row.Problem, row.Fetching, (await Devices(server)).Count));
        var told = server.Requests("/server/devices").Count;

        await cluster.Cluster.DeactivateAsync(server.Grain).WaitAsync(GrainCluster.Patience);
        Apple.Faults.Clear();
        await server.Round(TimeSpan.FromHours(2));

        // The two pages that came are not asked for again.
        Assert.Equal(told + 2, server.Requests("/server/devices").Count);
        row = await server.Row();
        Assert.Equal((AutomatedProblem.None, false, 0, 350), (row.Problem, row.Fetching, row.Failures, (await Devices(server)).Count));
    }

    [Fact]
    public async Task Two_nodes_never_ask_for_one_token_at_once()
    {
        var server = await Connect(150);
        Apple.Faults.Delay = TimeSpan.FromMilliseconds(30);
        cluster.Clock.Advance(TimeSpan.FromHours(25));
        foreach (var factory in cluster.OfEverySilo<IGrainFactory>().Append(cluster.Grains))
        {
            for (var i = 0; i < 10; i++) await factory.GetGrain<IAutomatedServerGrain>(server.Id).Wake();
        }

        await server.Settled();
        Assert.Equal(1, server.Portal.MostAtOnce);
        Assert.Equal(150, (await Devices(server)).Count);
    }

    [Fact]
    public async Task New_terms_are_said_in_words_and_are_over_when_they_are_signed()
    {
        var server = await Connect(2);
        Apple.Faults.Always("*", DeviceEnrolmentFault.TermsNotSigned);
        await server.Round();
        var row = await server.Row();
        Assert.Equal(AutomatedProblem.TermsNotSigned, row.Problem);
        Assert.Contains("accepts them", row.ProblemDetail, StringComparison.Ordinal);
        var asked = server.Requests().Count;
        await server.Round(TimeSpan.FromMinutes(5));
        Assert.Equal(asked, server.Requests().Count);

        Apple.Faults.Clear();
        await server.Round(TimeSpan.FromHours(2));
        Assert.Equal((AutomatedProblem.None, null, 0), ((await server.Row()).Problem, (await server.Row()).ProblemDetail, (await server.Row()).Failures));
    }

    public static TheoryData<DeviceEnrolmentFault, AutomatedProblem, int> Faults => new()
    {
        { DeviceEnrolmentFault.Busy, AutomatedProblem.Unreachable, 120 },
        { DeviceEnrolmentFault.TooMany, AutomatedProblem.Unreachable, 90 },
        { DeviceEnrolmentFault.Broken, AutomatedProblem.Unreachable, 60 },
        { DeviceEnrolmentFault.AccessDenied, AutomatedProblem.AccessDenied, 3600 },
        { DeviceEnrolmentFault.TokenRejected, AutomatedProblem.TokenRejected, 3600 },
        { new DeviceEnrolmentFault.Answer(418, "TEAPOT"), AutomatedProblem.Unexpected, 60 },
        { new DeviceEnrolmentFault.Cut(), AutomatedProblem.Unreachable, 60 },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_fault_is_told_and_asked_again_no_earlier_than_Apple_wants(DeviceEnrolmentFault fault, AutomatedProblem problem, int seconds)
    {
        var server = await Connect(2);
        Apple.Faults.Always("/devices/sync", fault);
        await server.Round();

        var row = await server.Row();
        Assert.Equal((problem, 1), (row.Problem, row.Failures));
        Assert.False(string.IsNullOrWhiteSpace(row.ProblemDetail));
        Assert.InRange(row.NextAt!.Value, cluster.Clock.GetUtcNow().AddSeconds(seconds), cluster.Clock.GetUtcNow().AddSeconds(seconds * 1.3));
        var asked = server.Requests().Count;
        await server.Grain.Wake();
        await server.Settled();
        Assert.Equal(asked, server.Requests().Count);

        Apple.Faults.Clear();
        await server.Round(TimeSpan.FromHours(2));
        Assert.Equal(AutomatedProblem.None, (await server.Row()).Problem);
    }

    [Fact]
    public async Task A_session_that_ends_is_begun_anew_once_and_a_second_end_is_an_error()
    {
        var server = await Connect(2);
        Apple.Faults.Next("/devices/sync", DeviceEnrolmentFault.SessionEnded);
        await server.Round();
        Assert.Equal(AutomatedProblem.None, (await server.Row()).Problem);

        Apple.Faults.Next("/devices/sync", DeviceEnrolmentFault.SessionForbidden);
        await server.Round();
        Assert.Equal(AutomatedProblem.None, (await server.Row()).Problem);

        Apple.Faults.Always("/devices/sync", DeviceEnrolmentFault.SessionForbidden);
        await server.Round();
        Assert.Equal(AutomatedProblem.AccessDenied, (await server.Row()).Problem);
        // Sessions also end by their age.
        Apple.Faults.Clear();
        await server.Round(TimeSpan.FromHours(2));
        Assert.Equal(AutomatedProblem.None, (await server.Row()).Problem);
    }

    [Fact]
    public async Task Apple_away_for_a_day_is_asked_seldom_and_everything_catches_up()
    {
        var server = await Connect(3);
        Apple.Faults.Always("*", DeviceEnrolmentFault.Broken);
        var before = server.Requests().Count;
        for (var hour = 0; hour < 24 * 4; hour++) await server.Round(TimeSpan.FromMinutes(15));
        Assert.InRange(server.Requests().Count - before, 10, 90);

        Apple.Faults.Clear();
        Apple.Portal.Assign(server.Portal, Serials(2));
        await server.Round(TimeSpan.FromHours(2));
        Assert.Equal(5, (await Devices(server)).Count);
    }

    [Fact]
    public async Task A_profile_is_defined_once_and_assigned_in_batches()
    {
        var profile = await Profile("""{"department": "IT", "skippedItems": ["Siri", "AppleID"], "minimumOsVersion": "18.1"}""");
        var server = await Connect(230, profile);

        var defined = JsonNode.Parse(Assert.Single(server.Requests("/profile")).Body)!;
        Assert.Equal(("https://mdm.example/mdm/automated/enroll", "IT", false, true), ((string?)defined["url"], (string?)defined["department"], (bool)defined["is_mdm_removable"]!, (bool)defined["is_supervised"]!));
        Assert.Equal(["AppleID", "Siri"], defined["skip_setup_items"]!.AsArray().Select(item => (string?)item));
        Assert.All(server.Requests("/profile/devices"), request => Assert.InRange(JsonNode.Parse(request.Body)!["devices"]!.AsArray().Count, 1, 1000));
        Assert.All(await Devices(server), row => Assert.Equal(AutomatedState.Assigned, row.Device.State));

        // Apple tells of each; nothing is assigned again.
        var assigned = server.Requests("/profile/devices").Count;
        await server.Round();
        await server.Round(TimeSpan.FromHours(25));
        Assert.Equal(assigned, server.Requests("/profile/devices").Count);
        Assert.All(await Devices(server), row => Assert.Equal(1, Apple.Portal.Find(row.Device.Apple.SerialNumber).TimesAssigned));

        // A change is a new profile, and all get it.
        var standing = (await Store.FindProfile(Scope.District, profile))!;
        await Store.ChangeProfile(standing with { Version = 2, Definition = """{"department": "School"}""", UpdatedAt = cluster.Clock.GetUtcNow() }, null);
        await server.Grain.Wake();
        await server.Settled();
        Assert.Equal(2, server.Requests("/profile").Count);
        Assert.All(await Devices(server), row => Assert.Equal(2, Apple.Portal.Find(row.Device.Apple.SerialNumber).TimesAssigned));
    }

    [Fact]
    public async Task The_profile_of_a_group_is_assigned_in_batches_and_never_to_an_iPad_that_has_one_of_its_own()
    {
        var (ofServer, ofGroup, own) = (await Profile(), await Profile(), await Profile());
        var server = await Connect(130, ofServer);
        var serials = (await Devices(server)).Select(row => row.Device.Apple.SerialNumber).ToList();
        await Store.ChooseForDevice(serials[0], own, cluster.Clock.GetUtcNow(), null);
        await server.Grain.Wake();
        await server.Settled();
        int Times(string serial) => Apple.Portal.Find(serial).TimesAssigned;
        Assert.Equal((2, 1), (Times(serials[0]), Times(serials[1])));

        var groups = cluster.Service<IGroupStore>();
        var now = cluster.Clock.GetUtcNow();
        var group = new DeviceGroup { Id = Guid.NewGuid().ToString("D"), Version = 1, Name = "Trolley " + Guid.NewGuid(), CreatedAt = now, CreatedBy = "ada", UpdatedAt = now, UpdatedBy = "ada" };
        Assert.Equal(GroupOutcome.Written, await groups.Create(Scope.District, group, null));
        Assert.Equal(120, (await groups.Add(Scope.District, group.Id, new MemberChoice([.. serials.Take(120)], null), now, _ => null)).Changed);
        var batches = server.Requests("/profile/devices").Count;
        Assert.Equal(AutomatedOutcome.Written, await Store.ChooseForGroup(group.Id, ofGroup, 100, now, null));
        await server.Grain.Wake();
        await server.Settled();

        Assert.Equal(batches + 1, server.Requests("/profile/devices").Count);
        Assert.Equal((2, 2, 1), (Times(serials[0]), Times(serials[1]), Times(serials[125])));
        Assert.All((await Devices(server)).Where(row => serials.IndexOf(row.Device.Apple.SerialNumber) is > 0 and < 120), row => Assert.Equal((AutomatedState.Assigned, AutomatedOrigin.Group), (row.Device.State, row.Origin)));

        // Two come, one leaves: only these three are assigned anew.
        await groups.Add(Scope.District, group.Id, new MemberChoice([serials[125], serials[126]], null), cluster.Clock.GetUtcNow(), _ => null);
        await groups.Remove(Scope.District, group.Id, new MemberChoice([serials[1]], null), cluster.Clock.GetUtcNow(), _ => null);
        await server.Grain.Wake();
        await server.Settled();
        Assert.Equal((2, 3, 2, 2, 2, 1), (Times(serials[0]), Times(serials[1]), Times(serials[2]), Times(serials[125]), Times(serials[126]), Times(serials[127])));
    }

    [Fact]
    public async Task Each_iPad_stands_as_Apple_says_and_is_tried_again_as_Apple_wants()
    {
        var profile = await Profile();
        var server = await Connect(0, profile);
        var serials = Serials(5);
        Apple.Faults.AssignmentOf[serials[0]] = "FAILED";
        Apple.Faults.AssignmentOf[serials[1]] = "THROTTLED";
        Apple.Faults.AssignmentOf[serials[2]] = "NOT_ACCESSIBLE";
        Apple.Faults.ForgottenInAnswers[serials[3]] = true;
        Apple.Portal.Assign(server.Portal, serials);
        await server.Round();

        async Task<AutomatedState[]> States() => [.. (await Devices(server)).OrderBy(row => Array.IndexOf(serials, row.Device.Apple.SerialNumber)).Select(row => row.Device.State)];
        Assert.Equal([AutomatedState.Failed, AutomatedState.Throttled, AutomatedState.NotAccessible, AutomatedState.Failed, AutomatedState.Assigned], await States());
        Assert.All((await Devices(server)).Where(row => row.Device.State != AutomatedState.Assigned), row => Assert.False(string.IsNullOrWhiteSpace(row.Device.Reason)));

        // Before its time none is tried again; after an hour those that failed; after a day the throttled one.
        await server.Round();
        Assert.Equal(1, Apple.Portal.Find(serials[0]).TimesAssigned);
        Apple.Faults.Clear();
        await server.Round(TimeSpan.FromHours(2));
        Assert.Equal([AutomatedState.Assigned, AutomatedState.Throttled, AutomatedState.NotAccessible, AutomatedState.Assigned, AutomatedState.Assigned], await States());
        Assert.Equal(1, Apple.Portal.Find(serials[1]).TimesAssigned);
        await server.Round(TimeSpan.FromHours(25));
        Assert.All(await States(), state => Assert.Equal(AutomatedState.Assigned, state));
    }

    [Fact]
    public async Task A_profile_that_asks_for_a_sign_in_says_where_and_waits_until_the_server_knows()
    {
        var profile = await Profile("""{"asksSignIn": true}""");
        var server = await Connect(1, profile);
        var row = await server.Row();
        Assert.Equal(AutomatedProblem.ProfileRefused, row.Problem);
        Assert.Contains("SelfService:PublicUrl is not set", row.ProblemDetail, StringComparison.Ordinal);
        Assert.Empty(server.Requests("/profile"));

        Assert.True(await Store.SetAddress(new AutomatedAddress("https://mdm.example/mdm/automated/enroll", [], "https://mdm.example:8443/my/out-of-the-box")));
        await server.Round(TimeSpan.FromHours(2));
        Assert.Equal(AutomatedProblem.None, (await server.Row()).Problem);
        var told = JsonNode.Parse(server.Requests("/profile")[0].Body)!;
        Assert.Equal(
            ("https://mdm.example/mdm/automated/enroll", "https://mdm.example:8443/my/out-of-the-box"), ((string?)told["url"], (string?)told["configuration_web_url"]));
        Assert.Equal(AutomatedState.Assigned, Assert.Single(await Devices(server)).Device.State);
    }

    [Fact]
    public async Task A_profile_that_Apple_refuses_is_named_and_the_other_one_goes_on()
    {
        var (bad, good) = (await Profile($$"""{"department": "{{new string('x', 200)}}"}"""), await Profile());
        var server = await Connect(1, bad);
        var row = await server.Row();
        Assert.Equal(AutomatedProblem.ProfileRefused, row.Problem);
        Assert.Contains("DEPARTMENT_INVALID", row.ProblemDetail, StringComparison.Ordinal);

        var serial = Assert.Single(await Devices(server)).Device.Apple.SerialNumber;
        await Store.ChooseForDevice(serial, good, cluster.Clock.GetUtcNow(), null);
        await server.Grain.Wake();
        await server.Settled();
        Assert.Equal(AutomatedState.Assigned, (await Store.FindDevice(Scope.District, serial))!.Device.State);
        Assert.Equal(AutomatedProblem.None, (await server.Row()).Problem);
    }

    [Theory]
    [InlineData(404, "PROFILE_NOT_FOUND")]
    // Apple documents the status, and no word.
    [InlineData(404, "")]
    [InlineData(400, "PROFILE_NOT_FOUND")]
    public async Task A_profile_that_Apple_has_forgotten_is_defined_anew(int status, string word)
    {
        var profile = await Profile();
        var server = await Connect(1, profile);
        var serials = Serials(1);
        Apple.Portal.Assign(server.Portal, serials);
        Apple.Faults.Next("/profile/devices", new DeviceEnrolmentFault.Answer(status, word));
        await server.Round();
        await server.Round(TimeSpan.FromHours(2));

        Assert.Equal(2, server.Requests("/profile").Count);
        Assert.All(await Devices(server), row => Assert.Equal(AutomatedState.Assigned, row.Device.State));
    }

    [Fact]
    public async Task A_profile_that_somebody_took_from_an_iPad_is_assigned_again_though_Apple_goes_on_naming_it()
    {
        var server = await Connect(0, await Profile());
        var serial = Assert.Single(Serials(1));
        Apple.Portal.Assign(server.Portal, serial);
        await server.Round();
        Assert.Equal((1, "assigned"), (Apple.Portal.Find(serial).TimesAssigned, Apple.Portal.Find(serial).ProfileStatus));

        Apple.Portal.RemoveProfile(serial);
        await server.Round();

        Assert.NotNull(Apple.Portal.Find(serial).ProfileUuid);
        Assert.Equal((2, "assigned"), (Apple.Portal.Find(serial).TimesAssigned, Apple.Portal.Find(serial).ProfileStatus));
        Assert.Equal(AutomatedState.Assigned, Assert.Single(await Devices(server)).Device.State);
    }

    [Fact]
    public async Task A_token_is_taken_only_when_it_is_this_servers()
    {
        var (id, pem) = await Server();
        var grain = cluster.Grains.GetGrain<IAutomatedServerGrain>(id);
        async Task<string?> Upload(byte[] file) => (await grain.TakeToken(new AutomatedTokenUpload(file, "ada"))).ProblemCode;

        Assert.Equal("NotAToken", await Upload("hello"u8.ToArray()));
        Assert.Equal("Incomplete", await Upload(SimulatedServerToken.Encrypt("no token"u8.ToArray(), pem)));
        var (_, otherPem) = await Server();
        var portal = Apple.Portal.AddServer("Service " + id[..8], otherPem);
        Assert.Equal("OtherKey", await Upload(Apple.Portal.DownloadToken(portal)));
        Apple.Portal.UploadKey(portal, pem);
        Assert.Equal("Expired", await Upload(Apple.Portal.DownloadToken(portal, TimeSpan.FromMinutes(-1))));
        var old = Apple.Portal.DownloadToken(portal);
        var token = Apple.Portal.DownloadToken(portal);
        Assert.Equal("TokenRejected", await Upload(old));
        Apple.Faults.Next("/session", DeviceEnrolmentFault.Busy);
        Assert.True((await grain.TakeToken(new AutomatedTokenUpload(token, "ada"))).Unavailable);
        Assert.Null(await Upload(token));
        Assert.Equal(portal.Uuid, (await Sync.Load(id))!.AppleUuid);

        // Renewed by that of another service of the organisation, or used twice.
        var other = Apple.Portal.AddServer("Other " + id[..8], pem);
        Assert.Equal("OtherService", await Upload(Apple.Portal.DownloadToken(other)));
        var (second, secondPem) = await Server();
        Apple.Portal.UploadKey(portal, secondPem);
        Assert.Equal("ServiceTaken", (await cluster.Grains.GetGrain<IAutomatedServerGrain>(second).TakeToken(new AutomatedTokenUpload(Apple.Portal.DownloadToken(portal), "ada"))).ProblemCode);
        Apple.Portal.UploadKey(portal, pem);
        Assert.Null(await Upload(Apple.Portal.DownloadToken(portal)));
    }

    [Fact]
    public async Task A_token_that_was_downloaded_anew_elsewhere_is_rejected_and_a_new_one_mends_it()
    {
        var server = await Connect(2);
        var next = Apple.Portal.DownloadToken(server.Portal);
        await server.Round();
        var row = await server.Row();
        Assert.Equal(AutomatedProblem.TokenRejected, row.Problem);
        Assert.Contains("upload it here", row.ProblemDetail, StringComparison.Ordinal);

        Assert.Null((await server.Grain.TakeToken(new AutomatedTokenUpload(next, "ada"))).Problem);
        await server.Settled();
        Assert.Equal(AutomatedProblem.None, (await server.Row()).Problem);
        // The place in the list was kept.
        Assert.Single(server.Requests("/server/devices"));
    }

    [Fact]
    public async Task A_token_that_has_ended_is_not_sent()
    {
        var server = await Connect(2);
        var asked = server.Requests().Count;
        await server.Round(TimeSpan.FromDays(366));
        Assert.Equal(AutomatedProblem.TokenExpired, (await server.Row()).Problem);
        Assert.Equal(asked, server.Requests().Count);
    }
}
