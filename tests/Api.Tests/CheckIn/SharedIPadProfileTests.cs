using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Api.Tests.CheckIn;

public sealed class SqliteSharedIPadProfileTests(AdministeredOnSqlite server) : SharedIPadProfileTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class PostgresSharedIPadProfileTests(AdministeredOnPostgreSql server) : SharedIPadProfileTests(server), IClassFixture<AdministeredOnPostgreSql>;

/// <summary>Profiles that are assigned to the users of Shared iPads, by HTTP on both sides.</summary>
public abstract class SharedIPadProfileTests(AdministeredServer server)
{
    private const string Anna = "anna@school.example", Bo = "bo@school.example";

    private static string User(string name) =>
        $"<key>UserID</key><string>FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF</string><key>UserShortName</key><string>{name}</string><key>UserLongName</key><string>{name}</string>";

    private async Task<EnrolledPad> Pad(bool shared = true)
    {
        var pad = await server.Enrol();
        var uuid = await pad.Send("DeviceInformation");
        Assert.Equal(uuid, await pad.Idle());
        await pad.Report("Acknowledged", uuid,
            $"<key>QueryResponses</key><dict><key>DeviceName</key><string>{pad.Udid}</string><key>IsMultiUser</key><{(shared ? "true" : "false")}/><key>IsSupervised</key><true/><key>OSVersion</key><string>18.3</string></dict>");
        return pad;
    }

    private async Task LogIn(EnrolledPad pad, string name, bool awaits = false)
    {
        var answer = await server.Put("/mdm/checkin", Message.Of(pad.Udid, "TokenUpdate",
            $"<key>Token</key><data>{Convert.ToBase64String(new byte[32])}</data><key>PushMagic</key><string>magic</string>{User(name)}{(awaits ? "<key>AwaitingConfiguration</key><true/>" : "")}"), pad.Certificate);
        Assert.True(answer.Status == 200, answer.Body);
    }

    /// <summary>The next command on the user's channel; null: nothing.</summary>
    private async Task<Sent?> OfUser(EnrolledPad pad, string name, string status = "Idle", string? uuid = null, string more = "")
    {
        var answer = await server.Put("/mdm/connect", Message.Report(pad.Udid, status, uuid, User(name) + more), pad.Certificate);
        Assert.True(answer.Status == 200, $"{answer.Status}: {answer.Body}");
        if (answer.Body.Length == 0) return null;
        var root = PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(answer.Body), PlistLimits.Admin);
        var command = root.GetDictionary("Command")!;
        return new Sent(root.GetString("CommandUUID")!, command.GetString("RequestType")!, command.GetData("Payload") is { } payload ? Encoding.UTF8.GetString(payload) : answer.Body);
    }

    private sealed record Sent(string Uuid, string RequestType, string Body);

    private async Task<(string Id, string Identifier)> Profile(string payload = """{"PayloadType": "com.apple.webClip.managed", "Label": "Timetable", "URL": "https://one.example"}""")
    {
        var identifier = $"org.example.u{Guid.NewGuid():N}";
        var (status, body) = await server.Post("/api/v1/profiles", ProfileBody(identifier, payload));
        Assert.True(status == 201, $"{status}: {body}");
        return ((string)body["id"]!, identifier);
    }

    private static string ProfileBody(string identifier, string payload) =>
        $$$"""{"profile": {"PayloadIdentifier": "{{{identifier}}}", "PayloadDisplayName": "For users", "PayloadContent": [{{{payload}}}]}}""";

    private async Task<JsonNode> Assign(string profile, string target, string channel = "user", int expected = 201)
    {
        var (status, body) = await server.Post("/api/v1/assignments", $$"""{"name": "{{Guid.NewGuid():N}}", "profileId": "{{profile}}", "target": "{{target}}", "channel": "{{channel}}"}""");
        Assert.True(status == expected, $"{status}: {body}");
        return body;
    }

    private static string Target(EnrolledPad pad) => $"name:{pad.Udid}";

    private async Task<JsonNode?> UserOf(EnrolledPad pad, string name) =>
        (await server.Get($"{pad.Path}/shared-ipad"))["users"]!.AsArray().SingleOrDefault(user => (string?)user!["userName"] == name);

    /// <summary>How it stands with this user; "none": the user has nothing to do with it.</summary>
    private async Task<(string State, string Words)> Standing(EnrolledPad pad, string name, JsonNode assignment) =>
        ((await UserOf(pad, name))?["profiles"]!.AsArray() ?? []).Where(one => (string)one!["assignmentId"]! == (string)assignment["id"]!)
        .Select(one => ((string)one!["state"]!, (string)one!["words"]!)).SingleOrDefault(("none", ""));

    private async Task<(string State, string Words)> Standing(EnrolledPad pad, JsonNode assignment)
    {
        var one = (await server.Get($"{pad.Path}/assignments"))["forUsers"]!.AsArray().SingleOrDefault(found => (string)found!["assignmentId"]! == (string)assignment["id"]!);
        return one is null ? ("none", "") : ("there", (string)one["words"]!);
    }

    private async Task<HttpStatusCode> Delete(JsonNode assignment)
    {
        using var answer = await server.Admin.DeleteAsync(new Uri($"/api/v1/assignments/{assignment["id"]}", UriKind.Relative));
        return answer.StatusCode;
    }

    [Fact]
    public async Task A_profile_for_users_comes_to_each_user_who_logs_in_and_goes_when_the_assignment_does()
    {
        var pad = await Pad();
        var (profile, identifier) = await Profile();
        var assignment = await Assign(profile, Target(pad));
        Assert.Equal("user", (string?)assignment["channel"]);
        Assert.Equal(("there", "Nobody has logged in on this iPad yet. Whoever does gets it."), await Standing(pad, assignment));

        foreach (var name in new[] { Anna, Bo })
        {
            await LogIn(pad, name);
            var sent = await OfUser(pad, name);
            Assert.Equal("InstallProfile", sent?.RequestType);
            Assert.Contains(identifier, sent!.Body, StringComparison.Ordinal);
            Assert.StartsWith("F1EE7001-", sent.Uuid, StringComparison.Ordinal);
            Assert.Equal("sent", (await Standing(pad, name, assignment)).State);
            Assert.Null(await OfUser(pad, name, "Acknowledged", sent.Uuid));
            Assert.Equal(("installed", $"{name} has it on this iPad."), await Standing(pad, name, assignment));
        }

        // It is the users', and not the iPad's.
        Assert.Null(await pad.Idle());
        Assert.Empty((await server.Get($"{pad.Path}/assignments"))["items"]!.AsArray());
        Assert.Equal(("there", "2 users have it, of 2."), await Standing(pad, assignment));
        Assert.Equal(2, (int)(await server.Get($"/api/v1/assignments/{assignment["id"]}"))["iPads"]!["installed"]!);
        var listed = (await server.Get($"/api/v1/assignments/{assignment["id"]}/devices"))["items"]!.AsArray();
        Assert.Equal([(pad.Udid, Anna), (pad.Udid, Bo)], listed.Select(one => ((string)one!["deviceId"]!, (string)one["userName"]!)));

        // Who logs in once more gets nothing again.
        await LogIn(pad, Anna);
        Assert.Null(await OfUser(pad, Anna));

        Assert.Equal(HttpStatusCode.NoContent, await Delete(assignment));
        var leaving = await Standing(pad, Bo, assignment);
        Assert.Equal("leaving", leaving.State);
        Assert.StartsWith($"It is to be removed. Waits until {Bo} logs in", leaving.Words, StringComparison.Ordinal);
        var removal = await OfUser(pad, Anna);
        Assert.Equal("RemoveProfile", removal?.RequestType);
        Assert.Null(await OfUser(pad, Anna, "Acknowledged", removal!.Uuid));
        Assert.Equal(("none", "leaving"), ((await Standing(pad, Anna, assignment)).State, (await Standing(pad, Bo, assignment)).State));
    }

    [Fact]
    public async Task What_is_assigned_waits_until_its_user_logs_in_and_both_sides_say_so()
    {
        var pad = await Pad();
        await LogIn(pad, Anna);
        Assert.Null(await OfUser(pad, Anna));
        var (profile, _) = await Profile();
        var assignment = await Assign(profile, Target(pad));

        var (state, words) = await Standing(pad, Anna, assignment);
        Assert.Equal("waiting", state);
        Assert.Matches($"^Waits until {Anna} logs in; last here \\d+ \\w+ \\d+\\.$", words);
        var page = await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}/shared-ipad", UriKind.Relative));
        Assert.Contains("For users: Waiting", page, StringComparison.Ordinal);
        Assert.Contains($"Waits until {Anna} logs in", page, StringComparison.Ordinal);
        Assert.Contains("0 users have it, of 1.", await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}/assigned", UriKind.Relative)), StringComparison.Ordinal);
        Assert.Contains(Anna, await server.Admin.GetStringAsync(new Uri($"/assignments/{assignment["id"]}", UriKind.Relative)), StringComparison.Ordinal);

        // The iPad's own visits bring nothing.
        Assert.Null(await pad.Idle());
        await LogIn(pad, Anna);
        Assert.Equal("InstallProfile", (await OfUser(pad, Anna))?.RequestType);
    }

    [Fact]
    public async Task A_newer_version_comes_to_users_and_what_one_refuses_is_said_of_that_user()
    {
        var pad = await Pad();
        var (profile, identifier) = await Profile();
        var assignment = await Assign(profile, Target(pad));
        foreach (var name in new[] { Anna, Bo })
        {
            await LogIn(pad, name);
            await OfUser(pad, name, "Acknowledged", (await OfUser(pad, name))!.Uuid);
        }

        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri($"/api/v1/profiles/{profile}", UriKind.Relative))
        {
            Content = new StringContent(ProfileBody(identifier, """{"PayloadType": "com.apple.webClip.managed", "Label": "Timetable", "URL": "https://two.example"}"""), Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        using var changed = await server.Admin.SendAsync(request);
        Assert.True(changed.IsSuccessStatusCode, await changed.Content.ReadAsStringAsync());

        Sent? sent = null;
        for (var tries = 0; sent is null && tries < 1_200; tries++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            sent = await OfUser(pad, Anna);
        }

        Assert.Contains("https://two.example", sent!.Body, StringComparison.Ordinal);
        Assert.Null(await OfUser(pad, Anna, "Error", sent.Uuid,
            "<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>4001</integer><key>ErrorDomain</key><string>MCInstallationErrorDomain</string><key>LocalizedDescription</key><string>There is no room.</string></dict></array>"));
        var failed = await Standing(pad, Anna, assignment);
        Assert.Equal("failed", failed.State);
        Assert.Contains("There is no room.", failed.Words, StringComparison.Ordinal);
        Assert.NotNull((string?)(await UserOf(pad, Anna))!["profiles"]![0]!["triedAgainAt"]);
        Assert.Equal("waiting", (await Standing(pad, Bo, assignment)).State);
    }

    [Fact]
    public async Task Who_is_deleted_from_the_iPad_while_it_waits_waits_no_more_and_begins_anew()
    {
        var pad = await Pad();
        await LogIn(pad, Anna);
        var (profile, _) = await Profile();
        var assignment = await Assign(profile, Target(pad));
        var sent = await OfUser(pad, Anna);
        Assert.Equal("InstallProfile", sent?.RequestType);

        var deletion = await pad.Send(new JsonObject { ["requestType"] = "DeleteUser", ["userName"] = Anna });
        Assert.Equal(deletion, await pad.Idle());
        var list = await pad.Report("Acknowledged", deletion);
        Assert.Null(await pad.Report("Acknowledged", list, "<key>Users</key><array></array>"));

        Assert.Null(await UserOf(pad, Anna));
        Assert.Equal(("there", "Nobody has logged in on this iPad yet. Whoever does gets it."), await Standing(pad, assignment));
        Assert.Equal("UserDeleted", (string?)(await server.Get($"{pad.Path}:{Anna}/commands/{sent!.Uuid}"))["state"]);

        await LogIn(pad, Anna);
        var again = await OfUser(pad, Anna);
        Assert.Equal("InstallProfile", again?.RequestType);
        Assert.NotEqual(sent.Uuid, again!.Uuid);
        Assert.Null(await OfUser(pad, Anna, "Acknowledged", again.Uuid));
        // The same answer once more changes nothing.
        Assert.Null(await OfUser(pad, Anna, "Acknowledged", again.Uuid));
        Assert.Equal("installed", (await Standing(pad, Anna, assignment)).State);
    }

    [Fact]
    public async Task On_an_iPad_that_is_not_shared_nobody_can_have_it_and_that_is_said()
    {
        var pad = await Pad(shared: false);
        var (profile, _) = await Profile();
        var (status, plan) = await server.Post("/api/v1/assignments?dryRun=true",
            $$"""{"name": "{{Guid.NewGuid():N}}", "profileId": "{{profile}}", "target": "{{Target(pad)}}", "channel": "user"}""");
        Assert.Equal(200, status);
        Assert.Equal((0, 1, 1), ((int)plan["total"]!, (int)plan["users"]!["iPads"]!, (int)plan["users"]!["notShared"]!));
        Assert.Equal("None of these iPads is shared: nobody on them can have it.", (string?)plan["users"]!["words"]);

        var assignment = await Assign(profile, Target(pad));
        Assert.Null(await pad.Idle());
        Assert.Equal(("there", "It is for users of Shared iPads. This iPad is not shared: nobody on it can have it."), await Standing(pad, assignment));
        Assert.Contains("This iPad is not shared", await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}/assigned", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_profile_goes_on_the_channel_that_Apple_allows()
    {
        var pad = await Pad();
        var (wiFi, _) = await Profile("""{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "North", "EncryptionType": "None"}""");
        var refused = await Assign(wiFi, Target(pad), expected: 400);
        Assert.Contains("is for the iPad, not for one of its users", refused["errors"]!["channel"]!.ToJsonString(), StringComparison.Ordinal);

        // On iPads that are not shared it is good: the Shared one says that it cannot.
        var (clip, _) = await Profile();
        var assignment = await Assign(clip, Target(pad), "device");
        Assert.Null(await pad.Idle());
        var stands = Assert.Single((await server.Get($"{pad.Path}/assignments"))["items"]!.AsArray())!;
        Assert.Equal("notApplicable", (string?)stands["state"]);
        Assert.Contains("is for a user of a Shared iPad, not for the iPad", (string?)stands["words"], StringComparison.Ordinal);

        using var moved = new HttpRequestMessage(HttpMethod.Put, new Uri($"/api/v1/assignments/{assignment["id"]}", UriKind.Relative))
        {
            Content = new StringContent($$"""{"name": "{{Guid.NewGuid():N}}", "profileId": "{{clip}}", "target": "{{Target(pad)}}", "channel": "user"}""", Encoding.UTF8, "application/json"),
        };
        moved.Headers.TryAddWithoutValidation("If-Match", "*");
        using var answer = await server.Admin.SendAsync(moved);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("cannot be moved from iPads to users", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"setting": {"item": "DeviceName", "deviceName": "x"}, "channel": "user"}""")]
    [InlineData("""{"setting": {"item": "DeviceName", "deviceName": "x"}, "channel": "both"}""")]
    public async Task Another_channel_is_refused_at_its_field(string what)
    {
        var body = JsonNode.Parse(what)!.AsObject();
        body["name"] = Guid.NewGuid().ToString("N");
        var (status, answer) = await server.Post("/api/v1/assignments", body.ToJsonString());
        Assert.Equal(400, status);
        Assert.NotNull(answer["errors"]!["channel"]);
    }

    [Fact]
    public async Task The_person_whose_account_it_is_stands_beside_the_user_and_in_the_profile()
    {
        var pad = await Pad();
        var account = $"cy{Guid.NewGuid():N}@school.example";
        var (made, person) = await server.Post("/api/v1/people", $$"""{"role": "pupil", "givenName": "Cy", "familyName": "Dahl", "managedAccount": "{{account.ToUpperInvariant()}}"}""");
        Assert.True(made == 201, person.ToJsonString());
        var (profile, _) = await Profile("""{"PayloadType": "com.apple.webClip.managed", "Label": "Of {{person given name}}", "URL": "https://one.example"}""");
        await Assign(profile, Target(pad));
        await LogIn(pad, account);
        await LogIn(pad, Bo);

        Assert.Contains("Of Cy", (await OfUser(pad, account))!.Body, StringComparison.Ordinal);
        Assert.Null(await OfUser(pad, Bo));
        var bo = (await UserOf(pad, Bo))!;
        Assert.Equal("notApplicable", (string?)bo["profiles"]![0]!["state"]);
        Assert.Contains("{{person given name}}", (string?)bo["profiles"]![0]!["words"], StringComparison.Ordinal);
        Assert.Null((string?)bo["personId"]);
        var cy = (await UserOf(pad, account))!;
        Assert.Equal(((string?)person["id"], "Cy Dahl"), ((string?)cy["personId"], (string?)cy["person"]));

        // Whose account it is tells the account: a viewer does not see it.
        var (_, token) = await server.Post("/api/v1/tokens", $$"""{"name": "viewer {{Guid.NewGuid():N}}", "role": "viewer"}""");
        using var client = new HttpClient { BaseAddress = server.Admin.BaseAddress, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", (string)token["token"]!) } };
        var seen = await client.GetStringAsync(new Uri($"{pad.Path}/shared-ipad", UriKind.Relative));
        Assert.Contains(account, seen, StringComparison.Ordinal);
        Assert.DoesNotContain("Cy Dahl", seen, StringComparison.Ordinal);
        using var change = new StringContent($$"""{"name": "x", "profileId": "{{profile}}", "channel": "user"}""", Encoding.UTF8, "application/json");
        using var refused = await client.PostAsync(new Uri("/api/v1/assignments", UriKind.Relative), change);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public async Task A_login_that_is_held_goes_on_after_the_user_has_the_profiles()
    {
        var pad = await Pad();
        var (profile, _) = await Profile();
        await Assign(profile, Target(pad));
        await LogIn(pad, Anna, awaits: true);

        var sent = await OfUser(pad, Anna);
        Assert.Equal("InstallProfile", sent?.RequestType);
        var letIn = await OfUser(pad, Anna, "Acknowledged", sent!.Uuid);
        Assert.Equal("UserConfigured", letIn?.RequestType);
        Assert.Null(await OfUser(pad, Anna, "Acknowledged", letIn!.Uuid));
    }

    [Fact]
    public async Task The_form_assigns_to_users_and_shows_whom_it_finds()
    {
        var pad = await Pad();
        await LogIn(pad, Anna);
        var (profile, _) = await Profile();
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = server.Admin.BaseAddress };
        client.DefaultRequestHeaders.Authorization = server.Admin.DefaultRequestHeaders.Authorization;
        var name = $"Clips {Guid.NewGuid():N}";
        var shown = await client.GetStringAsync(new Uri($"/assignments/new?what=profile&preview=true&name=x&profileId={profile}&channel=user&target={Uri.EscapeDataString(Target(pad))}", UriKind.Relative));
        Assert.Contains("It is for 1 user", shown, StringComparison.Ordinal);
        Assert.Contains("Whoever logs in gets it.", shown, StringComparison.Ordinal);

        using var made = await client.PostAsync(new Uri("/assignments", UriKind.Relative), new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["key"] = Guid.NewGuid().ToString("N"),
            ["what"] = "profile",
            ["name"] = name,
            ["profileId"] = profile,
            ["channel"] = "user",
            ["target"] = Target(pad),
        }));
        Assert.Equal(HttpStatusCode.SeeOther, made.StatusCode);
        Assert.Contains(Anna, await server.Admin.GetStringAsync(made.Headers.Location), StringComparison.Ordinal);
        Assert.Equal("InstallProfile", (await OfUser(pad, Anna))?.RequestType);
    }
}
