using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Api.Tests.CheckIn;

public sealed class SqliteSharedIPadTests(AdministeredOnSqlite server) : SharedIPadTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class PostgresSharedIPadTests(AdministeredOnPostgreSql server) : SharedIPadTests(server), IClassFixture<AdministeredOnPostgreSql>;

/// <summary>The users of a Shared iPad and its configuration, by HTTP on both sides.</summary>
public abstract class SharedIPadTests(AdministeredServer server)
{
    private const string Anna = "anna@school.example", Bo = "bo@school.example";

    private static string User(string name) =>
        $"<key>UserID</key><string>FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF</string><key>UserShortName</key><string>{name}</string><key>UserLongName</key><string>{name}</string>";

    private static string Listed(string name, bool loggedIn = false, bool unsynced = false) =>
        $"<dict><key>UserName</key><string>{name}</string><key>IsLoggedIn</key><{(loggedIn ? "true" : "false")}/><key>HasDataToSync</key><{(unsynced ? "true" : "false")}/>"
        + "<key>DataQuota</key><integer>2000000000</integer><key>DataUsed</key><integer>300000000</integer></dict>";

    private static string Users(params string[] users) => $"<key>Users</key><array>{string.Concat(users)}</array>";

    private async Task<EnrolledPad> Shared()
    {
        var pad = await server.Enrol();
        var uuid = await pad.Send("DeviceInformation");
        Assert.Equal(uuid, await pad.Idle());
        await pad.Report("Acknowledged", uuid, "<key>QueryResponses</key><dict><key>DeviceName</key><string>" + pad.Udid + "</string><key>IsMultiUser</key><true/><key>IsSupervised</key><true/><key>OSVersion</key><string>18.3</string></dict>");
        return pad;
    }

    private async Task LogIn(EnrolledPad pad, string name, bool awaits = false)
    {
        var answer = await server.Put("/mdm/checkin", Message.Of(pad.Udid, "TokenUpdate",
            $"<key>Token</key><data>{Convert.ToBase64String(new byte[32])}</data><key>PushMagic</key><string>magic</string>{User(name)}{(awaits ? "<key>AwaitingConfiguration</key><true/>" : "")}"), pad.Certificate);
        Assert.True(answer.Status == 200, answer.Body);
    }

    /// <summary>The next command on the user's channel; null: nothing.</summary>
    private async Task<(string Uuid, string RequestType)?> OfUser(EnrolledPad pad, string name, string status = "Idle", string? uuid = null)
    {
        var answer = await server.Put("/mdm/connect", Message.Report(pad.Udid, status, uuid, User(name)), pad.Certificate);
        Assert.True(answer.Status == 200, $"{answer.Status}: {answer.Body}");
        if (answer.Body.Length == 0) return null;
        var root = PlistReader.ReadDictionary(System.Text.Encoding.UTF8.GetBytes(answer.Body), PlistLimits.Admin);
        return (root.GetString("CommandUUID")!, root.GetDictionary("Command")!.GetString("RequestType")!);
    }

    private async Task<string> Ask(EnrolledPad pad, string path, string body = "", int expected = 202)
    {
        var (status, answer) = await server.Post($"{pad.Path}/shared-ipad/{path}", body);
        Assert.True(status == expected, $"{status}: {answer}");
        return (string?)answer["commandUuid"] ?? (string)answer["code"]!;
    }

    private async Task Tell(EnrolledPad pad, string users)
    {
        var uuid = await Ask(pad, "refresh");
        Assert.Equal(uuid, await pad.Idle());
        Assert.Null(await pad.Report("Acknowledged", uuid, users));
    }

    private async Task<JsonNode?> Of(EnrolledPad pad, string name) =>
        (await server.Get($"{pad.Path}/shared-ipad"))["users"]!.AsArray().SingleOrDefault(user => (string?)user!["userName"] == name);

    private async Task<string> ForUser(EnrolledPad pad, string name)
    {
        var (status, body) = await server.Post($"{pad.Path}:{name}/commands?push=false", """{"requestType": "ProfileList"}""");
        Assert.True(status == 202, $"{status}: {body}");
        return (string)body["commandUuid"]!;
    }

    [Fact]
    public async Task Its_users_stand_there_with_what_waits_for_each_and_why()
    {
        var pad = await Shared();
        Assert.Null((string?)(await server.Get($"{pad.Path}/shared-ipad"))["asOf"]);
        await LogIn(pad, Anna);
        var waits = await ForUser(pad, Anna);
        await Tell(pad, Users(Listed(Anna, unsynced: true), Listed(Bo, loggedIn: true)));

        var anna = (await Of(pad, Anna))!;
        Assert.Equal((true, false, true, 300_000_000L), ((bool)anna["isOnIPad"]!, (bool)anna["isLoggedIn"]!, (bool)anna["hasDataToSync"]!, (long)anna["dataUsed"]!));
        Assert.Equal(waits, (string?)Assert.Single(anna["waiting"]!.AsArray())!["commandUuid"]);
        Assert.Matches($"^Waits until {Anna} logs in; last here \\d+ \\w+ \\d+\\.$", (string?)anna["words"]);
        Assert.True((bool)(await Of(pad, Bo))!["isLoggedIn"]!);

        var page = await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}/shared-ipad", UriKind.Relative));
        Assert.Contains($"Waits until {Anna} logs in", page, StringComparison.Ordinal);
        Assert.Contains("300 MB of 2 GB, not all in iCloud", page, StringComparison.Ordinal);
        Assert.Contains($"/ipads/{pad.Udid}/shared-ipad/delete?user=anna", page, StringComparison.Ordinal);
        Assert.DoesNotContain("delete?user=bo", page, StringComparison.Ordinal);
        using var asked = await server.Admin.GetAsync(new Uri($"/ipads/{pad.Udid}/shared-ipad/delete?user={Uri.EscapeDataString(Anna)}", UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, asked.StatusCode);
        Assert.Contains("data that is not in iCloud yet", await asked.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        // The user comes: it is handed over.
        await LogIn(pad, Anna);
        Assert.Equal(waits, (await OfUser(pad, Anna))?.Uuid);
        Assert.Null(await OfUser(pad, Anna, "Acknowledged", waits));
        Assert.Null((string?)(await Of(pad, Anna))!["words"]);
    }

    [Fact]
    public async Task Who_is_deleted_loses_the_channel_and_what_waited_ends_with_the_reason()
    {
        var pad = await Shared();
        await LogIn(pad, Anna);
        await LogIn(pad, Bo);
        var (ofAnna, ofBo) = (await ForUser(pad, Anna), await ForUser(pad, Bo));
        await Tell(pad, Users(Listed(Anna), Listed(Bo)));

        var deletion = await Ask(pad, "delete-users", $$"""{"userName": "ANNA@school.example"}""");
        Assert.Equal(deletion, await pad.Idle());
        var refresh = await pad.Report("Acknowledged", deletion);
        Assert.StartsWith("F1EE7000-", refresh, StringComparison.Ordinal);
        Assert.Null(await pad.Report("Acknowledged", refresh, Users(Listed(Bo))));

        Assert.Null(await Of(pad, Anna));
        Assert.Equal("UserDeleted", (string?)(await server.Get($"{pad.Path}:{Anna}/commands/{ofAnna}"))["state"]);
        Assert.Equal("Queued", (string?)(await server.Get($"{pad.Path}:{Bo}/commands/{ofBo}"))["state"]);
        Assert.Equal("Unenrolled", (string?)(await server.Get($"{pad.Path}:{Anna}"))["status"]);
        var sent = await server.Get($"{pad.Path}/commands/{deletion}");
        Assert.DoesNotContain("ForceDeletion", sent.ToJsonString(), StringComparison.OrdinalIgnoreCase);

        // Whoever comes again begins anew.
        await LogIn(pad, Anna);
        Assert.Null(await OfUser(pad, Anna));
    }

    [Fact]
    public async Task Who_is_logged_in_is_not_deleted_and_what_is_not_in_iCloud_only_with_force()
    {
        var pad = await Shared();
        await Tell(pad, Users(Listed(Anna, loggedIn: true), Listed(Bo, unsynced: true)));

        Assert.Equal("user-signed-in", await Ask(pad, "delete-users", $$"""{"userName": "{{Anna}}", "force": true}""", 409));
        Assert.Equal("user-signed-in", await Ask(pad, "delete-users", """{"all": true, "force": true}""", 409));
        Assert.Equal("data-not-synced", await Ask(pad, "delete-users", $$"""{"userName": "{{Bo}}"}""", 409));
        Assert.Equal("invalid-request", await Ask(pad, "delete-users", """{"userName": "nobody@school.example"}""", 400));
        Assert.Equal("invalid-request", await Ask(pad, "delete-users", """{}""", 400));
        Assert.Equal("invalid-request", await Ask(pad, "delete-users", $$"""{"userName": "{{Bo}}", "all": true}""", 400));
        Assert.Null(await pad.Idle());

        Assert.Equal(await Ask(pad, "delete-users", $$"""{"userName": "{{Bo}}", "force": true}"""), await pad.Idle());
    }

    [Fact]
    public async Task After_all_were_deleted_the_list_says_who_is_gone()
    {
        var pad = await Shared();
        await LogIn(pad, Anna);
        var waits = await ForUser(pad, Anna);
        await Tell(pad, Users(Listed(Anna)));
        var deletion = await Ask(pad, "delete-users", """{"all": true}""");
        Assert.Equal(deletion, await pad.Idle());
        var refresh = await pad.Report("Acknowledged", deletion);
        Assert.Equal("Queued", (string?)(await server.Get($"{pad.Path}:{Anna}/commands/{waits}"))["state"]);
        Assert.Null(await pad.Report("Acknowledged", refresh, Users()));
        Assert.Equal("UserDeleted", (string?)(await server.Get($"{pad.Path}:{Anna}/commands/{waits}"))["state"]);
        Assert.Empty((await server.Get($"{pad.Path}/shared-ipad"))["users"]!.AsArray());
    }

    [Fact]
    public async Task A_user_who_is_logged_out_is_asked_after()
    {
        var pad = await Shared();
        var logOut = await Ask(pad, "log-out");
        Assert.Equal(logOut, await pad.Idle());
        Assert.StartsWith("F1EE7000-", await pad.Report("Acknowledged", logOut), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_logout_is_for_whoever_is_there_now_and_not_for_who_is_there_tomorrow()
    {
        var pad = await Shared();
        var (status, answer) = await server.Post($"{pad.Path}/shared-ipad/log-out", "");
        Assert.True(status == 202, $"{status}: {answer}");
        var (accepted, expires) = ((DateTimeOffset)answer["acceptedAt"]!, (DateTimeOffset?)answer["expiresAt"]);
        Assert.InRange(expires!.Value - accepted, TimeSpan.FromMinutes(14), TimeSpan.FromMinutes(16));
    }

    [Fact]
    public async Task A_user_is_asked_for_no_attestation()
    {
        var pad = await Shared();
        await LogIn(pad, Anna);
        var (status, answer) = await server.Post($"{pad.Path}:{Anna}/attestation", "");
        Assert.Equal((422, "does-not-fit"), (status, (string?)answer["code"]));
        Assert.Empty((await server.Get($"{pad.Path}:{Anna}/commands"))["items"]!.AsArray());
    }

    [Fact]
    public async Task A_login_that_is_held_goes_on_when_the_user_has_what_waits()
    {
        var pad = await Shared();
        await LogIn(pad, Anna);
        var waits = await ForUser(pad, Anna);
        await LogIn(pad, Anna, awaits: true);

        Assert.Equal(waits, (await OfUser(pad, Anna))?.Uuid);
        // It is put off: the user is let in all the same.
        var letIn = await OfUser(pad, Anna, "NotNow", waits);
        Assert.Equal("UserConfigured", letIn?.RequestType);
        Assert.Null(await OfUser(pad, Anna, "Acknowledged", letIn!.Value.Uuid));
        Assert.Equal(waits, (await OfUser(pad, Anna))?.Uuid);
        Assert.Null(await OfUser(pad, Anna, "Acknowledged", waits));
        Assert.Null(await OfUser(pad, Anna));
    }

    [Fact]
    public async Task What_lets_a_user_in_is_queued_with_the_login_once_and_comes_after_what_was_queued_later()
    {
        var pad = await Shared();
        for (var n = 0; n < 2; n++) await LogIn(pad, Anna, awaits: true);
        var queued = (await server.Get($"{pad.Path}:{Anna}/commands"))["items"]!.AsArray();
        Assert.Equal("UserConfigured", (string?)Assert.Single(queued)!["requestType"]);

        var later = await ForUser(pad, Anna);
        Assert.Equal(later, (await OfUser(pad, Anna))?.Uuid);
        var letIn = await OfUser(pad, Anna, "Acknowledged", later);
        Assert.Equal(("UserConfigured", (string?)queued[0]!["commandUuid"]), (letIn?.RequestType, letIn?.Uuid));
        Assert.Null(await OfUser(pad, Anna, "Acknowledged", letIn!.Value.Uuid));
        Assert.Null(await OfUser(pad, Anna));
    }

    [Fact]
    public async Task Numbers_that_no_iPad_has_are_shown_as_far_as_they_go()
    {
        var pad = await Shared();
        await Tell(pad, Users(Listed(Anna).Replace("<integer>300000000</integer>", "<real>1.5</real>", StringComparison.Ordinal)));
        Assert.NotNull(await Of(pad, Anna));
    }

    [Fact]
    public async Task An_iPad_that_is_not_shared_has_no_users_to_log_out()
    {
        var pad = await server.Enrol();
        var uuid = await pad.Send("DeviceInformation");
        Assert.Equal(uuid, await pad.Idle());
        await pad.Report("Acknowledged", uuid, "<key>QueryResponses</key><dict><key>IsMultiUser</key><false/></dict>");
        Assert.Equal("does-not-fit", await Ask(pad, "log-out", "", 422));
        Assert.Contains("This is no Shared iPad", await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}/shared-ipad", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deletion_needs_the_right_to_erase()
    {
        var (_, made) = await server.Post("/api/v1/tokens", """{"name": "viewer of shared", "role": "viewer"}""");
        var pad = await Shared();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{pad.Path}/shared-ipad/delete-users", UriKind.Relative))
        {
            Content = new StringContent("""{"all": true}""", System.Text.Encoding.UTF8, "application/json"),
            Headers = { Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", (string)made["token"]!) },
        };
        using var client = new HttpClient { BaseAddress = server.Admin.BaseAddress };
        using var answer = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("command.erase", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private async Task<(string State, string Words)> Assigned(EnrolledPad pad, string assignment) =>
        (await server.Get($"{pad.Path}/assignments"))["items"]!.AsArray().Where(one => (string)one!["assignmentId"]! == assignment)
            .Select(one => ((string)one!["state"]!, (string)one!["words"]!)).SingleOrDefault(("none", ""));

    private async Task<string> Assign(string target, string configuration)
    {
        var (status, body) = await server.Post("/api/v1/assignments", $$"""{"name": "{{Guid.NewGuid():N}}", "target": "{{target}}", "sharedIPad": {{configuration}}}""");
        Assert.True(status == 201, $"{status}: {body}");
        Assert.Equal("sharedIPad", (string?)body["kind"]);
        return (string)body["id"]!;
    }

    private static string Answer(string status) =>
        $"<key>Settings</key><array><dict><key>Item</key><string>SharedDeviceConfiguration</string><key>Status</key><string>{status}</string></dict></array>";

    [Fact]
    public async Task A_configuration_comes_to_Shared_iPads_and_not_to_others()
    {
        var (shared, plain) = (await Shared(), await server.Enrol());
        var asked = await plain.Send("DeviceInformation");
        Assert.Equal(asked, await plain.Idle());
        await plain.Report("Acknowledged", asked, $"<key>QueryResponses</key><dict><key>DeviceName</key><string>{plain.Udid}</string><key>IsMultiUser</key><false/></dict>");
        var assignment = await Assign($"name:{shared.Udid} or name:{plain.Udid}", """{"residentUsers": 10, "temporarySessionTimeout": 60}""");

        var uuid = (await shared.Idle())!;
        Assert.Contains("residentUsers", (await server.Get($"/api/v1/assignments/{assignment}")).ToJsonString(), StringComparison.Ordinal);
        Assert.Null(await shared.Report("Acknowledged", uuid, Answer("Acknowledged")));
        Assert.Equal("installed", (await Assigned(shared, assignment)).State);
        Assert.Null(await plain.Idle());
        Assert.Equal(("notApplicable", "SharedDeviceConfiguration needs a Shared iPad."), await Assigned(plain, assignment));
        Assert.Contains("Makes room for", await server.Admin.GetStringAsync(new Uri($"/assignments/{assignment}", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_iPad_that_acknowledges_and_takes_nothing_does_not_have_it()
    {
        var pad = await Shared();
        var assignment = await Assign($"name:{pad.Udid}", """{"quotaSize": 2000}""");
        var uuid = (await pad.Idle())!;
        Assert.Null(await pad.Report("Acknowledged", uuid, Answer("Error")));
        var (state, words) = await Assigned(pad, assignment);
        Assert.Equal("failed", state);
        Assert.StartsWith("SharedDeviceConfiguration: ", words, StringComparison.Ordinal);
        Assert.Equal("Error", (string?)(await pad.Command(uuid))["state"]);
    }

    [Theory]
    [InlineData("""{"sharedIPad": {"quotaSize": 1000, "residentUsers": 5}}""", "sharedIPad.residentUsers")]
    [InlineData("""{"sharedIPad": {}}""", "sharedIPad.quotaSize")]
    [InlineData("""{"sharedIPad": {"userSessionTimeout": 5}}""", "sharedIPad.userSessionTimeout")]
    [InlineData("""{"sharedIPad": {"managedAppleIDDefaultDomains": ["a.example", null]}}""", "sharedIPad.managedAppleIDDefaultDomains[1]")]
    [InlineData("""{"setting": {"item": "SharedDeviceConfiguration", "quotaSize": 1000, "residentUsers": 5}}""", "setting.item")]
    [InlineData("""{"sharedIPad": {"residentUsers": 5}, "setting": {"item": "DeviceName", "deviceName": "x"}}""", "profileId")]
    public async Task What_breaks_a_rule_of_Apples_is_said_at_the_field(string what, string field)
    {
        var body = JsonNode.Parse(what)!.AsObject();
        body["name"] = Guid.NewGuid().ToString("N");
        var (status, answer) = await server.Post("/api/v1/assignments", body.ToJsonString());
        Assert.Equal(400, status);
        Assert.Contains($"\"{field}\"", answer["errors"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_form_makes_one_and_says_what_is_wrong_at_its_fields()
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = server.Admin.BaseAddress };
        client.DefaultRequestHeaders.Authorization = server.Admin.DefaultRequestHeaders.Authorization;
        async Task<HttpResponseMessage> Send(string users, string quota) => await client.PostAsync(new Uri("/assignments", UriKind.Relative), new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["key"] = Guid.NewGuid().ToString("N"),
            ["what"] = "shared",
            ["name"] = "Carts " + Guid.NewGuid().ToString("N"),
            ["target"] = "serial:NOBODY",
            ["residentUsers"] = users,
            ["quotaSize"] = quota,
            ["managedAppleIDDefaultDomains"] = "a.example b.example",
        }));

        using var refused = await Send("5", "100");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("residentUsers-error", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var odd = await Send("many", "");
        Assert.Contains("Enter a whole number", await odd.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var made = await Send("5", "");
        Assert.Equal(HttpStatusCode.SeeOther, made.StatusCode);
        var page = await server.Admin.GetStringAsync(made.Headers.Location);
        Assert.Contains("a.example, b.example", page, StringComparison.Ordinal);
        var id = made.Headers.Location!.ToString().Split('/', '?')[2];
        Assert.Contains("value=\"a.example b.example\"", await server.Admin.GetStringAsync(new Uri($"/assignments/{id}/edit", UriKind.Relative)), StringComparison.Ordinal);
    }
}
