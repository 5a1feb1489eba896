using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>A command that an iPad would refuse is refused beforehand, with the reasons; and can be forced.</summary>
public sealed class CommandFitTests(AdminServer server)
{
    [Fact]
    public async Task A_command_that_the_iPad_would_refuse_is_refused_with_all_reasons_and_nothing_is_queued()
    {
        var pad = await Enrol(new DeviceFacts { IsSupervised = false, OsVersion = "10.2" });
        var problem = await Refused(pad, """{"requestType": "RestartDevice"}""");
        Assert.Equal("does-not-fit", (string?)problem["code"]);
        var reasons = problem["reasons"]!.AsArray();
        Assert.Equal(["supervision", "ipados-too-old"], reasons.Select(reason => (string?)reason!["code"]));
        Assert.Equal("RestartDevice needs iPadOS 10.3, and this iPad has 10.2.", (string?)reasons[1]!["reason"]);
        Assert.Equal(2, problem["errors"]!["requestType"]!.AsArray().Count);
        Assert.Null((await pad.Idle()).Body);
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?target={pad.Id}&result=refused");
        Assert.Equal("RestartDevice: does-not-fit", (string?)(await AdminServer.Body(audit, 200))["items"]![0]!["detail"]);
        // On its own history it needs not be said which iPad it was.
        var history = await server.Admin.GetStringAsync($"/ipads/{pad.Id}/history");
        Assert.Contains("RestartDevice: does-not-fit", history, StringComparison.Ordinal);
        Assert.DoesNotContain($"device {pad.Id}", history, StringComparison.Ordinal);

        var setting = await Refused(pad, """{"requestType": "Settings", "settings": [{"item": "DeviceName", "deviceName": "Room 12"}]}""");
        Assert.NotNull(setting["errors"]!["settings[0]"]);
    }

    [Fact]
    public async Task What_is_forced_is_queued_and_recorded_as_forced()
    {
        var pad = await Enrol(new DeviceFacts { IsSupervised = false });
        var uuid = await pad.Send("""{"requestType": "RestartDevice", "force": true}""");
        var body = Encoding.UTF8.GetString((await pad.Idle()).Body!);
        Assert.Contains(uuid, body, StringComparison.Ordinal);
        Assert.DoesNotContain("orce", body, StringComparison.Ordinal);
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?target={pad.Id}");
        var record = (await AdminServer.Body(audit, 200))["items"]!.AsArray().Single(item => (string?)item!["subject"] == uuid)!;
        Assert.Equal("RestartDevice, forced: RestartDevice needs supervision, and this iPad is not supervised.", (string?)record["detail"]);

        // What fits needs no force, and is not called forced.
        var lockUuid = await pad.Send("""{"requestType": "DeviceLock", "force": true}""");
        using var again = await server.Admin.GetAsync($"/api/v1/audit?target={pad.Id}");
        Assert.Equal("DeviceLock", (string?)(await AdminServer.Body(again, 200))["items"]!.AsArray().Single(item => (string?)item!["subject"] == lockUuid)!["detail"]);

        using var plist = await server.Admin.PostAsync($"{pad.Path}/commands?force=true",
            new StringContent("<plist version=\"1.0\"><dict><key>RequestType</key><string>ShutDownDevice</string></dict></plist>", Encoding.UTF8, "application/xml"));
        await AdminServer.Body(plist, 202);
        using var wrong = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "DeviceLock", "force": "yes"}"""));
        await AdminServer.Blames(wrong, "force");
    }

    [Fact]
    public async Task An_iPad_of_which_nothing_is_known_gets_everything()
    {
        var pad = await server.Enrol();
        await pad.Send("""{"requestType": "RestartDevice"}""");
        await pad.Send("""{"requestType": "DeviceLocation"}""");
        await pad.Send("""{"requestType": "UserList"}""");
    }

    [Fact]
    public async Task Where_an_iPad_is_is_asked_in_lost_mode_only()
    {
        var pad = await Enrol(new DeviceFacts { IsSupervised = true, IsLost = false });
        Assert.Equal("lost-mode-only", (string?)(await Refused(pad, """{"requestType": "DeviceLocation"}"""))["reasons"]![0]!["code"]);

        // What waits before it counts.
        var enable = await pad.Send("""{"requestType": "EnableLostMode", "message": "Please call."}""");
        var first = await pad.Send("""{"requestType": "DeviceLocation"}""");
        await pad.Answer(enable);
        await pad.Answer(first);
        await pad.Answer(await pad.Send("""{"requestType": "PlayLostModeSound"}"""));
        await pad.Answer(await pad.Send("""{"requestType": "DisableLostMode"}"""));
        await Refused(pad, """{"requestType": "PlayLostModeSound"}""");
    }

    [Fact]
    public async Task A_Shared_iPad_and_one_with_one_user_differ()
    {
        var shared = await Enrol(new DeviceFacts { IsShared = true });
        Assert.Equal("not-on-shared-ipad", (string?)(await Refused(shared, """{"requestType": "ClearPasscode"}"""))["reasons"]![0]!["code"]);
        await shared.Send("""{"requestType": "UserList"}""");
        var own = await Enrol(new DeviceFacts { IsShared = false });
        Assert.Equal("shared-ipad-only", (string?)(await Refused(own, """{"requestType": "UserList"}"""))["reasons"]![0]!["code"]);
    }

    [Fact]
    public async Task Which_iPads_came_by_Automated_Device_Enrolment_is_known_from_their_security()
    {
        var pad = await server.Enrol();
        var answer = """
            <key>SecurityInfo</key><dict><key>ManagementStatus</key><dict><key>EnrolledViaDEP</key><false/></dict></dict>
            """;
        var uuid = await pad.Send("""{"requestType": "SecurityInfo"}""");
        await pad.Idle();
        var report = $"<plist version=\"1.0\"><dict><key>CommandUUID</key><string>{uuid}</string><key>Status</key><string>Acknowledged</string>{answer}</dict></plist>";
        await pad.Grain.Report(
            new CommandReportMessage { Status = ReportStatus.Acknowledged, CommandUuid = uuid, Result = Encoding.UTF8.GetBytes(report), InventoryDigest = Guid.NewGuid() }, pad.Certificate);
        Assert.Equal("automated-enrolment", (string?)(await Refused(pad, """{"requestType": "DeviceConfigured"}"""))["reasons"]![0]!["code"]);
    }

    [Fact]
    public async Task The_form_says_why_it_would_be_refused_and_offers_to_send_it_anyway()
    {
        var pad = await Enrol(new DeviceFacts { IsSupervised = false });
        Assert.Contains("EnableLostMode needs supervision, and this iPad is not supervised.", await server.Admin.GetStringAsync($"/ipads/{pad.Id}/command"), StringComparison.Ordinal);
        var form = await server.Admin.GetStringAsync($"/ipads/{pad.Id}/command/EnableLostMode");
        Assert.Contains("This iPad would refuse it", form, StringComparison.Ordinal);
        Assert.DoesNotContain("name=\"force\"", form, StringComparison.Ordinal);

        using var refused = await Post(pad, "EnableLostMode", ("message", "Please call."));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        var page = await refused.Content.ReadAsStringAsync();
        Assert.Contains("name=\"force\"", page, StringComparison.Ordinal);
        Assert.Contains("value=\"Please call.\"", page, StringComparison.Ordinal);
        using var forced = await Post(pad, "EnableLostMode", ("message", "Please call."), ("force", "true"));
        Assert.Equal(HttpStatusCode.SeeOther, forced.StatusCode);
        Assert.NotNull((await pad.Idle()).Body);
    }

    [Fact]
    public async Task An_invitation_grants_access_rights_by_their_names()
    {
        using var made = await server.Admin.PostAsync("/api/v1/invitations", AdminServer.Json("""{"accessRights": ["AllowInspection", "AllowInstallationRemoval"]}"""));
        Assert.Equal(["AllowInspection", "AllowInstallationRemoval"], (await AdminServer.Body(made, 201))["accessRights"]!.AsArray().Select(right => (string?)right));
        foreach (var (rights, field) in new[] { ("[]", "accessRights"), ("[\"AllowCoffee\"]", "accessRights[0]"), ("[\"AllowInstallationRemoval\"]", "accessRights") })
        {
            using var refused = await server.Admin.PostAsync("/api/v1/invitations", AdminServer.Json($$"""{"accessRights": {{rights}}}"""));
            await AdminServer.Blames(refused, field);
        }
    }

    [Theory]
    [InlineData("F1EE7000-52E5-8B8E-9C61-0F2A4D5E6B7C")]
    [InlineData("F1EE7001-52E5-8B8E-9C61-0F2A4D5E6B7C")]
    [InlineData("f1ee7003-52E5-8B8E-9C61-0F2A4D5E6B7C")]
    [InlineData("F1EE7005-52E5-8B8E-9C61-0F2A4D5E6B7C")]
    [InlineData("F1EE7008-52E5-8B8E-9C61-0F2A4D5E6B7C")]
    [InlineData("f1ee7000-52e5-4b8e-9c61-0f2a4d5e6b7c")]
    public async Task A_CommandUUID_of_the_servers_own_questions_is_refused(string uuid)
    {
        var pad = await server.Enrol();
        using var refused = await server.Admin.PostAsync($"{pad.Path}/commands", new StringContent(
            $"<plist version=\"1.0\"><dict><key>CommandUUID</key><string>{uuid}</string><key>Command</key><dict><key>RequestType</key><string>DeviceLock</string></dict></dict></plist>",
            Encoding.UTF8, "application/xml"));
        Assert.Equal("command-uuid-reserved", (string?)(await AdminServer.Problem(refused, 422))["code"]);
        Assert.Null((await pad.Idle()).Body);
    }

    private static string Single(string identifier) => $$"""
        {"PayloadIdentifier": "{{identifier}}", "PayloadDisplayName": "Single app",
         "PayloadContent": [{"PayloadType": "com.apple.app.lock", "App": {"Identifier": "org.example.app"} }]}
        """;

    private static ByteArrayContent MobileConfig(byte[] file) => new(file) { Headers = { ContentType = new MediaTypeHeaderValue(ProfileTests.MobileConfig) } };

    private async Task<(string Id, byte[] File)> Profile(string json)
    {
        using var made = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(ProfileTests.Body(json)));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        return (id, await server.Admin.GetByteArrayAsync($"/api/v1/profiles/{id}/mobileconfig"));
    }

    [Fact]
    public async Task A_profile_with_a_payload_that_needs_supervision_is_refused_before_it_is_queued_however_it_is_sent()
    {
        var pad = await Enrol(new DeviceFacts { IsSupervised = false, OsVersion = "17.0" });
        var (id, file) = await Profile(Single(ProfileTests.NewIdentifier()));
        var json = $$"""{"requestType": "InstallProfile", "payload": "{{Convert.ToBase64String(file)}}"}""";
        const string Reason = "needs supervision, and this iPad is not supervised.";
        var problem = await Refused(pad, json);
        Assert.Equal(("does-not-fit", "supervision"), ((string?)problem["code"], (string?)problem["reasons"]![0]!["code"]));
        Assert.Contains(Reason, (string?)problem["errors"]!["payload"]![0], StringComparison.Ordinal);
        using var plain = await server.Admin.PostAsync($"{pad.Path}/commands", MobileConfig(file));
        Assert.Contains(Reason, (string?)(await AdminServer.Problem(plain, 422))["detail"], StringComparison.Ordinal);

        // By the library, and by an operation.
        using var library = await server.Admin.PostAsync($"/api/v1/profiles/{id}/install", AdminServer.Json($$"""{"target": {"ids": ["{{pad.Id}}"]} }"""));
        Assert.Equal("does-not-fit", (string?)(await AdminServer.Problem(library, 422))["code"]);
        using var operation = await server.Admin.PostAsync("/api/v1/operations", AdminServer.Json($$"""{"target": {"ids": ["{{pad.Id}}"]}, "command": {{json}} }"""));
        Assert.Equal("does-not-fit", (string?)(await AdminServer.Problem(operation, 422))["code"]);
        Assert.Null((await pad.Idle()).Body);

        // What is known may be old.
        using var forced = await server.Admin.PostAsync($"/api/v1/profiles/{id}/install", AdminServer.Json($$"""{"target": {"ids": ["{{pad.Id}}"]}, "force": true}"""));
        await AdminServer.Body(forced, 202);
        await pad.Send(json[..^1] + ", \"force\": true}");
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?target={id}");
        Assert.Contains("Single app, version 1, forced", (await AdminServer.Body(audit, 200))["items"]!.AsArray().Select(item => (string?)item!["detail"]));
    }

    [Fact]
    public async Task An_operation_leaves_out_who_would_refuse_a_payload_and_says_who_ignores_which_keys()
    {
        var (supervised, plain, old) = (
            await Enrol(new DeviceFacts { IsSupervised = true, OsVersion = "17.0" }), await Enrol(new DeviceFacts { IsSupervised = false, OsVersion = "17.0" }),
            await Enrol(new DeviceFacts { IsSupervised = true, OsVersion = "5.1" }));
        var target = $$"""{"target": {"ids": ["{{supervised.Id}}", "{{plain.Id}}", "{{old.Id}}"]} }""";
        var (single, _) = await Profile(Single(ProfileTests.NewIdentifier()));
        using var dry = await server.Admin.PostAsync($"/api/v1/profiles/{single}/install?dryRun=true", AdminServer.Json(target));
        var plan = await AdminServer.Body(dry, 200);
        Assert.Equal((3, 1, 2), ((int)plan["total"]!, (int)plan["can"]!, (int)plan["cannot"]!));
        Assert.Equal(["supervision", "ipados-too-old"], plan["reasons"]!.AsArray().Select(reason => (string?)reason!["code"]));
        using var started = await server.Admin.PostAsync($"/api/v1/profiles/{single}/install", AdminServer.Json(target));
        var operation = await AdminServer.Body(started, 202);
        Assert.Equal((1, 2), ((int)operation["total"]!, (int)operation["leftOut"]!["count"]!));

        // Single keys are ignored and nothing is refused: a warning names them.
        var (restrictions, file) = await Profile(ProfileTests.Restrictions(ProfileTests.NewIdentifier(), ", \"allowHostPairing\": false, \"allowAirDrop\": false"));
        using var all = await server.Admin.PostAsync($"/api/v1/profiles/{restrictions}/install?dryRun=true", AdminServer.Json(target));
        plan = await AdminServer.Body(all, 200);
        Assert.Equal((3, 3), ((int)plan["total"]!, (int)plan["can"]!));
        var warnings = plan["warnings"]!.AsArray().Select(warning => (string)warning!["detail"]!).ToList();
        Assert.Contains(warnings, warning => warning.Contains("allowHostPairing", StringComparison.Ordinal) && warning.Contains("allowAirDrop", StringComparison.Ordinal)
            && warning.Contains("need", StringComparison.Ordinal) && warning.EndsWith("1 iPad of the target does not meet this: it installs the profile, and ignores it.", StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning.Contains("needs iPadOS 7.0", StringComparison.Ordinal));
        foreach (var (pad, told) in new[] { (supervised, false), (plain, true) })
        {
            using var sent = await server.Admin.PostAsync($"{pad.Path}/commands", MobileConfig(file));
            var ignored = (await AdminServer.Body(sent, 202))["warnings"]!.AsArray().Select(warning => (string)warning!["detail"]!).Where(detail => detail.EndsWith("It installs the profile, and ignores this.", StringComparison.Ordinal));
            Assert.Equal(told ? 1 : 0, ignored.Count());
        }
    }

    [Fact]
    public async Task The_page_that_installs_a_profile_says_who_is_left_out_and_which_keys_are_ignored()
    {
        var (supervised, plain) = (await Enrol(new DeviceFacts { IsSupervised = true, OsVersion = "17.0" }), await Enrol(new DeviceFacts { IsSupervised = false, OsVersion = "17.0" }));
        async Task<string> Counted(string id, params (string Name, string Value)[] more)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/profiles/{id}/install")
            {
                Content = new FormUrlEncodedContent([new("target", "ids"), new("ids", $"{supervised.Id}\n{plain.Id}"), .. more.Select(field => KeyValuePair.Create(field.Name, field.Value))]),
                Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
            };
            using var page = await server.Admin.SendAsync(request);
            return WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
        }

        var (single, _) = await Profile(Single(ProfileTests.NewIdentifier()));
        var page = await Counted(single);
        Assert.Contains("Install on 1 iPad?", page, StringComparison.Ordinal);
        Assert.Contains("1 iPad of 2 is left out", page, StringComparison.Ordinal);
        page = await Counted(single, ("force", "true"));
        Assert.Contains("Install on 2 iPads?", page, StringComparison.Ordinal);
        Assert.Contains("name=\"force\" value=\"true\"", page, StringComparison.Ordinal);
        var (restrictions, _) = await Profile(ProfileTests.Restrictions(ProfileTests.NewIdentifier(), ", \"allowHostPairing\": false"));
        Assert.Contains("The key allowHostPairing needs supervision.", await Counted(restrictions), StringComparison.Ordinal);
    }

    /// <summary>An iPad that has said this of itself.</summary>
    private async Task<TestPad> Enrol(DeviceFacts facts)
    {
        var pad = await server.Enrol();
        await pad.Tell(facts);
        return pad;
    }

    private async Task<JsonObject> Refused(TestPad pad, string json)
    {
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json(json));
        return await AdminServer.Problem(response, 422);
    }

    private async Task<HttpResponseMessage> Post(TestPad pad, string type, params (string Name, string Value)[] fields)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, value) in fields) form.Add(new StringContent(value), name);
        return await server.Admin.PostAsync($"/ipads/{pad.Id}/command/{type}", form);
    }
}
