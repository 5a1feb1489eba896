using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>What iPads should have by declarations, over HTTP and in the console, with iPads that fetch them and tell how they are.</summary>
public sealed class DeclarationTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/assignments";
    private const string Passcode = """{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLength": 6}}""";
    private const string Update = """{"version": "18.5", "deadline": "2026-12-04T18:00"}""";

    private static int _number;

    private static string Name() => $"Declared {Interlocked.Increment(ref _number)}";

    private static JsonObject Body(string member, string json, string? target, string? name = null) =>
        new() { ["name"] = name ?? Name(), [member] = JsonNode.Parse(json), ["target"] = target };

    private async Task<JsonObject> Create(JsonObject body)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(body.ToJsonString()));
        return await AdminServer.Body(answer, 201);
    }

    private async Task<JsonObject> Get(string path)
    {
        using var answer = await server.Admin.GetAsync(path);
        return await AdminServer.Body(answer, 200);
    }

    private async Task<JsonObject> Put(JsonObject assignment, JsonObject body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{assignment["id"]}") { Content = AdminServer.Json(body.ToJsonString()) };
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        using var answer = await server.Admin.SendAsync(request);
        return await AdminServer.Body(answer, 200);
    }

    private async Task Delete(JsonObject assignment)
    {
        using var answer = await server.Admin.DeleteAsync($"{Path}/{assignment["id"]}");
        Assert.Equal(204, (int)answer.StatusCode);
    }

    private async Task<(string State, string Words)> Of(TestPad pad, JsonObject assignment) =>
        (await Get($"{pad.Path}/assignments"))["items"]!.AsArray().Where(one => (string)one!["assignmentId"]! == (string)assignment["id"]!)
            .Select(one => ((string)one!["state"]!, (string)one!["words"]!)).SingleOrDefault(("none", ""));

    private static async Task<DeviceReply> Ask(TestPad pad, string endpoint, string? data = null) =>
        await pad.Grain.DeclarativeManagement(new DeclarativeManagementMessage(endpoint, data is null ? null : Encoding.UTF8.GetBytes(data)), pad.Certificate);

    private static async Task<JsonObject> Json(TestPad pad, string endpoint)
    {
        var reply = await Ask(pad, endpoint);
        Assert.Equal((DeviceRefusal.None, ReplyContent.Json), (reply.Refusal, reply.Content));
        return JsonNode.Parse(reply.Body!)!.AsObject();
    }

    /// <summary>Takes the command that asks it to look, and answers it. Null: there is none.</summary>
    private static async Task<JsonObject?> Asked(TestPad pad)
    {
        if ((await pad.Idle()).Body is not { } body) return null;
        var text = Encoding.UTF8.GetString(body);
        Assert.Contains("<string>DeclarativeManagement</string>", text, StringComparison.Ordinal);
        var uuid = text.Split("<key>CommandUUID</key>")[1].Split("<string>")[1].Split('<')[0];
        Assert.StartsWith("F1EE7008-", uuid, StringComparison.Ordinal);
        var next = await pad.Grain.Report(new CommandReportMessage { Status = ReportStatus.Acknowledged, CommandUuid = uuid, Result = "<plist version=\"1.0\"><dict/></plist>"u8.ToArray() }, pad.Certificate);
        Assert.Null(next.Body);
        return JsonNode.Parse(Convert.FromBase64String(text.Split("<data>")[1].Split('<')[0].Trim()))!["SyncTokens"]!.AsObject();
    }

    private static readonly (string List, string Kind)[] Kinds = [("Activations", "activation"), ("Configurations", "configuration"), ("Assets", "asset"), ("Management", "management")];

    /// <summary>Fetches the list and all that is in it: each comes with the token that was announced.</summary>
    private static async Task<List<(string Kind, JsonObject Declaration)>> Fetch(TestPad pad)
    {
        var items = await Json(pad, "declaration-items");
        var found = new List<(string, JsonObject)>();
        foreach (var (list, kind) in Kinds)
        {
            foreach (var item in items["Declarations"]![list]!.AsArray())
            {
                var one = await Json(pad, $"declaration/{kind}/{item!["Identifier"]}");
                Assert.Equal((string)item["ServerToken"]!, (string)one["ServerToken"]!);
                Assert.Equal((string)item["Identifier"]!, (string)one["Identifier"]!);
                found.Add((kind, one));
            }
        }

        return found;
    }

    private static string Report(IEnumerable<(string Kind, JsonObject Declaration)> has, string valid = "valid", string reasons = "[]", string more = "", bool full = true)
    {
        string List(string kind) => string.Join(',', has.Where(one => one.Kind == kind).Select(one =>
            $$"""{"identifier": "{{one.Declaration["Identifier"]}}", "server-token": "{{one.Declaration["ServerToken"]}}", "active": {{(valid == "valid" ? "true" : "false")}}, "valid": "{{valid}}", "reasons": {{reasons}}}"""));
        return $$"""
            {"StatusItems": {"management": {"declarations": {"activations": [{{List("activation")}}], "configurations": [{{List("configuration")}}], "assets": [{{List("asset")}}], "management": [{{List("management")}}]} }{{more}} },
             "Errors": [], "FullReport": {{(full ? "true" : "false")}} }
            """;
    }

    [Fact]
    public async Task A_declaration_comes_to_the_iPads_of_its_target_is_told_of_and_goes_when_the_assignment_does()
    {
        var (pad, other) = (await server.Enrol(serial: "DMONE1"), await server.Enrol(serial: "DMONE2"));
        var assignment = await Create(Body("declaration", Passcode, "serial:DMONE1"));
        Assert.Equal("declaration", (string)assignment["kind"]!);

        var tokens = await Asked(pad);
        Assert.Null(await Asked(other));
        Assert.Equal(tokens!.ToJsonString(), (await Json(pad, "tokens"))["SyncTokens"]!.ToJsonString());
        Assert.Equal("sent", (await Of(pad, assignment)).State);

        var has = await Fetch(pad);
        Assert.Equal((string)tokens["DeclarationsToken"]!, (string)(await Json(pad, "declaration-items"))["DeclarationsToken"]!);
        var passcode = has.Single(one => (string)one.Declaration["Type"]! == "com.apple.configuration.passcode.settings").Declaration;
        Assert.Equal(6, (int)passcode["Payload"]!["MinimumLength"]!);
        Assert.Contains(has, one => one.Kind == "activation" && one.Declaration["Payload"]!["StandardConfigurations"]!.AsArray().Any(id => (string)id! == (string)passcode["Identifier"]!));
        Assert.Equal(("sent", "The iPad has it, and has not said yet how it is."), await Of(pad, assignment));

        Assert.Equal(DeviceRefusal.None, (await Ask(pad, "status", Report(has))).Refusal);
        Assert.Equal(("installed", "It is on the iPad."), await Of(pad, assignment));
        Assert.Equal(1, (int)(await Get($"{Path}/{assignment["id"]}"))["iPads"]!["installed"]!);
        var view = await Get($"{pad.Path}/declarations");
        Assert.True((bool)view["fetched"]!);
        var shown = view["items"]!.AsArray().Single(one => (string)one!["identifier"]! == (string)passcode["Identifier"]!)!;
        Assert.Equal(("inForce", (string)assignment["id"]!, "valid"), ((string)shown["state"]!, (string)shown["assignmentId"]!, (string)shown["valid"]!));
        // Nothing more is asked of it.
        Assert.Null(await Asked(pad));

        await Delete(assignment);
        Assert.NotEqual((string)tokens["DeclarationsToken"]!, (string)(await Asked(pad))!["DeclarationsToken"]!);
        Assert.Equal("removing", (await Of(pad, assignment)).State);
        Assert.Empty(await Fetch(pad));
        Assert.Equal("none", (await Of(pad, assignment)).State);
        Assert.Equal(DeviceRefusal.DeclarationNotFound, (await Ask(pad, $"declaration/configuration/{passcode["Identifier"]}")).Refusal);
        Assert.Null(await Asked(pad));
    }

    [Fact]
    public async Task What_was_announced_is_what_the_iPad_gets_whatever_is_assigned_in_between()
    {
        var pad = await server.Enrol(serial: "DMSNAP1");
        var name = Name();
        var assignment = await Create(Body("declaration", Passcode, "serial:DMSNAP1", name));
        await Asked(pad);
        var item = (await Json(pad, "declaration-items"))["Declarations"]!["Configurations"]!.AsArray().Single(one => (string)one!["Identifier"]! == (string)assignment["id"]!)!;

        await Put(assignment, Body("declaration", Passcode.Replace("6", "9", StringComparison.Ordinal), "serial:DMSNAP1", name));
        Assert.NotNull(await Asked(pad));

        var old = await Json(pad, $"declaration/configuration/{assignment["id"]}");
        Assert.Equal(((string)item["ServerToken"]!, 6), ((string)old["ServerToken"]!, (int)old["Payload"]!["MinimumLength"]!));
        var has = await Fetch(pad);
        Assert.Equal(9, (int)has.Single(one => (string)one.Declaration["Identifier"]! == (string)assignment["id"]!).Declaration["Payload"]!["MinimumLength"]!);
        // The token of what did not change is as it was.
        await Put(assignment, Body("declaration", Passcode, "serial:DMSNAP1", name));
        Assert.Equal((string)item["ServerToken"]!, (string)(await Fetch(pad, await Asked(pad))).Single(one => (string)one.Declaration["Identifier"]! == (string)assignment["id"]!).Declaration["ServerToken"]!);
    }

    private static Task<List<(string Kind, JsonObject Declaration)>> Fetch(TestPad pad, JsonObject? asked)
    {
        Assert.NotNull(asked);
        return Fetch(pad);
    }

    [Fact]
    public async Task A_status_report_that_comes_again_writes_nothing_and_one_that_says_nothing_new_neither()
    {
        var pad = await server.Enrol(serial: "DMTWICE1");
        await Create(Body("declaration", Passcode, "serial:DMTWICE1"));
        await Asked(pad);
        var has = await Fetch(pad);
        await Ask(pad, "status", Report(has));
        var version = await Version(pad);

        Assert.Equal(DeviceRefusal.None, (await Ask(pad, "status", Report(has))).Refusal);
        Assert.Equal(DeviceRefusal.None, (await Ask(pad, "status", Report(has, full: false))).Refusal);
        Assert.Equal(DeviceRefusal.None, (await Ask(pad, "status", """{"StatusItems": {}, "Errors": []}""")).Refusal);

        Assert.Equal(version, await Version(pad));
    }

    private async Task<int> Version(TestPad pad)
    {
        for (var version = 1; version < 50; version++)
        {
            if (await server.Execute($"UPDATE declaration_devices SET version = version WHERE device_id = '{pad.Id}' AND version = {version}") == 1) return version;
        }

        return 0;
    }

    [Fact]
    public async Task What_the_iPad_refuses_is_told_in_words_and_can_only_be_changed()
    {
        var pad = await server.Enrol(serial: "DMFAIL1");
        var assignment = await Create(Body("declaration", Passcode, "serial:DMFAIL1"));
        await Asked(pad);
        var has = await Fetch(pad);

        await Ask(pad, "status", Report(has, "invalid", """[{"code": "Error.ConfigurationIsInvalid", "description": "Too short", "details": {"Key": "MinimumLength"}}]"""));

        var (state, words) = await Of(pad, assignment);
        Assert.Equal("failed", state);
        Assert.Contains("A value of the configuration is not valid. (Error.ConfigurationIsInvalid) Too short.", words, StringComparison.Ordinal);
        Assert.Contains("MinimumLength", words, StringComparison.Ordinal);
        using var retried = await server.Admin.PostAsync($"{Path}/{assignment["id"]}/retry", null);
        Assert.Equal("tried-by-the-ipad", (string)(await AdminServer.Problem(retried, 409))["code"]!);
    }

    [Fact]
    public async Task An_iPad_that_is_too_old_is_told_nothing_and_the_reason_stands_at_the_assignment()
    {
        var pad = await server.Enrol(serial: "DMOLD1");
        await pad.Tell(new DeviceFacts { OsVersion = "16.7.10" });
        var (passcode, update) = (await Create(Body("declaration", Passcode, "serial:DMOLD1")), await Create(Body("softwareUpdate", Update, "serial:DMOLD1")));

        Assert.NotNull(await Asked(pad));

        Assert.Equal("sent", (await Of(pad, passcode)).State);
        var (state, words) = await Of(pad, update);
        Assert.Equal(("notApplicable", "A declared update needs iPadOS 17.0, and this iPad has 16.7.10. Send the command ScheduleOSUpdate instead."), (state, words));
    }

    [Fact]
    public async Task An_iPad_that_can_have_nothing_of_what_is_declared_or_has_it_already_is_asked_nothing()
    {
        var (old, newer) = (await server.Enrol(serial: "DMALONE1"), await server.Enrol(serial: "DMALONE2"));
        await old.Tell(new DeviceFacts { OsVersion = "16.7.10" });
        await newer.Tell(new DeviceFacts { OsVersion = "26.1" });
        var update = await Create(Body("softwareUpdate", Update, "serial:DMALONE1 or serial:DMALONE2"));

        Assert.Null(await Asked(old));
        Assert.Null(await Asked(newer));

        Assert.Equal("notApplicable", (await Of(old, update)).State);
        Assert.Equal(("installed", "It has iPadOS 26.1."), await Of(newer, update));
        await Delete(update);
        Assert.Null(await Asked(old));
        Assert.Null(await Asked(newer));
        Assert.Equal("none", (await Of(newer, update)).State);
    }

    [Fact]
    public async Task An_update_is_declared_told_of_and_done_when_the_iPad_says_that_it_has_it()
    {
        var pad = await server.Enrol(serial: "DMUPDATE1");
        var assignment = await Create(Body("softwareUpdate", """{"version": "18.5", "build": "22F76", "deadline": "2026-12-04T18:00", "detailsUrl": "https://school.example/update"}""", "serial:DMUPDATE1"));
        Assert.Equal(("softwareUpdate", "18.5"), ((string)assignment["kind"]!, (string)assignment["softwareUpdate"]!["version"]!));
        await Asked(pad);
        var has = await Fetch(pad);
        var payload = has.Single(one => (string)one.Declaration["Type"]! == "com.apple.configuration.softwareupdate.enforcement.specific").Declaration["Payload"]!;
        Assert.Equal("""{"TargetOSVersion":"18.5","TargetBuildVersion":"22F76","TargetLocalDateTime":"2026-12-04T18:00:00","DetailsURL":"https://school.example/update"}""", payload.ToJsonString());

        await Ask(pad, "status", Report(has, more: """, "softwareupdate": {"install-state": "prepared", "pending-version": {"os-version": "18.5", "build-version": "22F76"} }"""));
        Assert.Equal(("sent", "The iPad has loaded iPadOS 18.5 (22F76), and installs it at the deadline or when its user agrees."), await Of(pad, assignment));

        await Ask(pad, "status", Report(has, full: false, more: """, "device": {"operating-system": {"version": "18.5", "build-version": "22F76"} }"""));
        // It comes for the push at once: nothing has its grain read what waits.
        Assert.NotNull(await Asked(pad));
        // What the iPad says of itself stands in the inventory too, and nobody has asked it.
        Assert.Equal("18.5", (string)(await Get(pad.Path))["osVersion"]!);
        Assert.Equal(("installed", "It has iPadOS 18.5."), await Of(pad, assignment));
        Assert.DoesNotContain(await Fetch(pad), one => ((string)one.Declaration["Type"]!).Contains("softwareupdate", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_version_with_a_zero_in_it_is_passed_over_and_the_rest_of_the_report_counts()
    {
        var pad = await server.Enrol(serial: "DMZERO1");
        await Create(Body("declaration", Passcode, "serial:DMZERO1"));
        await Asked(pad);
        var has = await Fetch(pad);

        var reply = await Ask(pad, "status", Report(has, more: """, "device": {"operating-system": {"version": "18.6", "build-version": "a\u0000b"} }"""));

        Assert.Equal(DeviceRefusal.None, reply.Refusal);
        Assert.Equal("18.6", (string)(await Get(pad.Path))["osVersion"]!);
        Assert.NotEmpty((await Get($"{pad.Path}/declarations"))["statusItems"]!.AsArray());
    }

    [Fact]
    public async Task What_it_said_before_it_fetched_another_list_proves_nothing_of_that_list()
    {
        var pad = await server.Enrol(serial: "DMBACK1");
        await Create(Body("declaration", Passcode, "serial:DMBACK1"));
        await Asked(pad);
        await Ask(pad, "status", Report(await Fetch(pad)));
        var second = await Create(Body("declaration", """{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLength": 4}}""", "serial:DMBACK1"));
        await Asked(pad);
        await Fetch(pad);

        // It has fetched the longer list, and has not said so yet.
        await Delete(second);

        Assert.NotNull(await Asked(pad));
    }

    [Fact]
    public async Task Assets_get_identifiers_of_their_own_and_the_configuration_names_them()
    {
        var pad = await server.Enrol(serial: "DMASSET1");
        var assignment = await Create(Body("declaration", """
            {"type": "com.apple.configuration.account.google", "payload": {"VisibleName": "School", "UserIdentityAssetReference": "me"},
             "assets": [{"name": "me", "type": "com.apple.asset.useridentity", "payload": {"FullName": "Pupil", "EmailAddress": "pupil@school.example"}}]}
            """, "serial:DMASSET1"));
        await Asked(pad);

        var has = await Fetch(pad);
        var account = has.Single(one => (string)one.Declaration["Identifier"]! == (string)assignment["id"]!).Declaration;
        var asset = has.Single(one => one.Kind == "asset").Declaration;
        Assert.Equal($"{assignment["id"]}.me", (string)asset["Identifier"]!);
        Assert.Equal((string)asset["Identifier"]!, (string)account["Payload"]!["UserIdentityAssetReference"]!);
        Assert.Equal("pupil@school.example", (string)asset["Payload"]!["EmailAddress"]!);
    }

    [Fact]
    public async Task An_iPad_that_enrols_again_is_asked_again_and_what_it_said_before_is_forgotten()
    {
        var pad = await server.Enrol(serial: "DMAGAIN1");
        var assignment = await Create(Body("declaration", Passcode, "serial:DMAGAIN1"));
        var before = await Asked(pad);
        await Ask(pad, "status", Report(await Fetch(pad)));
        Assert.Equal("installed", (await Of(pad, assignment)).State);

        await pad.Grain.Authenticate(new AuthenticateMessage { Topic = "com.apple.mgmt.test", Udid = pad.Id, SerialNumber = "DMAGAIN1", ProductName = "iPad14,1", OsVersion = "18.3.2" }, pad.Certificate);
        // Not yet: an iPad that has only begun has nothing.
        Assert.Equal("empty", (string)(await Json(pad, "tokens"))["SyncTokens"]!["DeclarationsToken"]!);
        await pad.Grain.TokenUpdate(new TokenUpdateMessage { Topic = "com.apple.mgmt.test", Token = new byte[32], PushMagic = "magic" }, pad.Certificate);

        Assert.Equal((string)before!["DeclarationsToken"]!, (string)(await Asked(pad))!["DeclarationsToken"]!);
        Assert.Equal("sent", (await Of(pad, assignment)).State);
        await Ask(pad, "status", Report(await Fetch(pad)));
        Assert.Equal("installed", (await Of(pad, assignment)).State);
    }

    [Theory]
    [InlineData("declaration", """{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLength": "six"}}""", "declaration.payload.MinimumLength")]
    [InlineData("declaration", """{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLength": 99}}""", "declaration.payload.MinimumLength")]
    [InlineData("declaration", """{"type": "com.apple.configuration.passcode.settings", "payload": {"MinimumLenght": 6}}""", "declaration.payload.MinimumLenght")]
    [InlineData("declaration", """{"type": "com.apple.configuration.passcode.setings", "payload": {}}""", "declaration.type")]
    [InlineData("declaration", """{"type": "com.apple.activation.simple", "payload": {}}""", "declaration.type")]
    [InlineData("declaration", """{"type": "com.apple.configuration.management.status-subscriptions", "payload": {"StatusItems": []}}""", "declaration.type")]
    [InlineData("declaration", """{"type": "com.apple.configuration.softwareupdate.enforcement.specific", "payload": {}}""", "declaration.type")]
    [InlineData("declaration", """{"type": "com.apple.configuration.account.google", "payload": {"UserIdentityAssetReference": "me"}}""", "declaration.payload.UserIdentityAssetReference")]
    [InlineData("declaration", """{"type": "com.apple.configuration.account.google", "payload": {"UserIdentityAssetReference": "me"}, "assets": [{"name": "me", "type": "com.apple.asset.data", "payload": {"Reference": {"DataURL": "https://a.example"}}}]}""", "declaration.payload.UserIdentityAssetReference")]
    [InlineData("declaration", """{"type": "com.apple.configuration.passcode.settings", "payload": {}, "assets": [{"name": "me", "type": "com.apple.asset.useridentity", "payload": {}}]}""", "declaration.assets[0].name")]
    [InlineData("declaration", """{"type": "com.apple.configuration.account.google", "payload": {"VisibleName": "{{serial}}", "UserIdentityAssetReference": "me"}, "assets": [{"name": "me", "type": "com.apple.asset.useridentity", "payload": {}}]}""", "declaration.payload")]
    [InlineData("declaration", """{"payload": {}}""", "declaration.type")]
    [InlineData("declaration", """{"type": "com.apple.configuration.passcode.settings"}""", "declaration.payload")]
    [InlineData("declaration", """[]""", "declaration")]
    [InlineData("softwareUpdate", """{"version": "eighteen", "deadline": "2026-12-04T18:00"}""", "softwareUpdate.version")]
    [InlineData("softwareUpdate", """{"version": "18.2", "deadline": "2026-12-04T18:00Z"}""", "softwareUpdate.deadline")]
    [InlineData("softwareUpdate", """{"version": "18.2", "build": "newest", "deadline": "2026-12-04T18:00"}""", "softwareUpdate.build")]
    [InlineData("softwareUpdate", """{"version": "18.2", "detailsUrl": "http://a.example", "deadline": "2026-12-04T18:00"}""", "softwareUpdate.detailsUrl")]
    public async Task What_an_iPad_would_refuse_is_refused_and_the_key_is_named(string member, string json, string field)
    {
        using var refused = await server.Admin.PostAsync(Path, AdminServer.Json(Body(member, json, "serial:NOBODY").ToJsonString()));
        await AdminServer.Blames(refused, field);
    }

    [Fact]
    public async Task A_declaration_cannot_be_left_on_iPads_and_two_things_are_not_one_assignment()
    {
        var kept = Body("declaration", Passcode, "serial:NOBODY");
        kept["keep"] = true;
        using (var refused = await server.Admin.PostAsync(Path, AdminServer.Json(kept.ToJsonString()))) await AdminServer.Blames(refused, "keep");
        var both = Body("declaration", Passcode, "serial:NOBODY");
        both["softwareUpdate"] = JsonNode.Parse(Update);
        using (var refused = await server.Admin.PostAsync(Path, AdminServer.Json(both.ToJsonString()))) await AdminServer.Blames(refused, "profileId");
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused_and_changes_nothing()
    {
        var pad = await server.Enrol(serial: "DMBAD1");
        await Create(Body("declaration", Passcode, "serial:DMBAD1"));
        await Asked(pad);
        var has = await Fetch(pad);
        await Ask(pad, "status", Report(has));
        var version = await Version(pad);

        foreach (var broken in new[] { "{", "[]", "7", "\"\\ud800\"", """{"StatusItems": {"device": {"model": {"identifier": "\ud800"}}}}""", "{\"StatusItems\": ", new string('[', 5000) })
            Assert.Equal(DeviceRefusal.BadMessage, (await Ask(pad, "status", broken)).Refusal);
        // Odd, and readable: nothing of it counts.
        foreach (var odd in new[] { """{"StatusItems": 7}""", """{"StatusItems": {"device": [], "management": {"declarations": 3}}, "Errors": {}}""", "{}" })
            Assert.Equal(DeviceRefusal.None, (await Ask(pad, "status", odd)).Refusal);
        foreach (var endpoint in new[] { "nonsense", "declarations", "" }) Assert.Equal(DeviceRefusal.BadMessage, (await Ask(pad, endpoint)).Refusal);
        foreach (var endpoint in new[] { "declaration/", "declaration/configuration", "declaration/configuration/", "declaration/thing/x", "declaration/configuration/../x", $"declaration/activation/{has[0].Declaration["Identifier"]}/x" })
            Assert.Equal(DeviceRefusal.DeclarationNotFound, (await Ask(pad, endpoint)).Refusal);
        var stranger = pad.Certificate with { Sha256 = new byte[32] };
        foreach (var endpoint in new[] { "tokens", "declaration-items", "status", $"declaration/configuration/{has[^1].Declaration["Identifier"]}" })
        {
            var reply = await pad.Grain.DeclarativeManagement(new DeclarativeManagementMessage(endpoint, "{}"u8.ToArray()), stranger);
            Assert.Equal((DeviceRefusal.NotPinned, null), (reply.Refusal, reply.Body));
        }

        Assert.Equal(version, await Version(pad));
    }

    [Fact]
    public async Task In_the_console_a_declaration_and_an_update_are_assigned_and_what_is_wrong_stands_at_its_field()
    {
        var pad = await server.Enrol(serial: "DMPAGE1");
        var page = await Post("/assignments", 400, ("what", "declaration"), ("name", Name()), ("type", "com.apple.configuration.passcode.settings"), ("payload", """{"MinimumLength": 99}"""), ("target", "serial:DMPAGE1"));
        Assert.Contains("id=\"payload-error\"", page, StringComparison.Ordinal);
        Assert.Contains("MinimumLength: ", page, StringComparison.Ordinal);
        page = await Post("/assignments", 400, ("what", "declaration"), ("name", Name()), ("type", "com.apple.configuration.passcode.settings"), ("payload", "{"), ("target", "serial:DMPAGE1"));
        Assert.Contains("This is not valid JSON", page, StringComparison.Ordinal);
        page = await Post("/assignments", 400, ("what", "update"), ("name", Name()), ("osVersion", "x"), ("deadline", "2090-12-04T18:00"), ("target", "serial:DMPAGE1"));
        Assert.Contains("id=\"osVersion-error\"", page, StringComparison.Ordinal);

        var name = Name();
        await Post("/assignments", 303, ("what", "declaration"), ("name", name), ("type", "com.apple.configuration.passcode.settings"), ("payload", """{"MinimumLength": 7}"""), ("target", "serial:DMPAGE1"));
        await Post("/assignments", 303, ("what", "update"), ("name", Name()), ("osVersion", "18.5"), ("deadline", "2090-12-04T18:00"), ("target", "serial:DMPAGE1"));
        page = await Post("/assignments", 400, ("what", "update"), ("name", Name()), ("osVersion", "18.5"), ("deadline", "2025-12-04T18:00"), ("target", "serial:DMPAGE1"));
        Assert.Contains("This time is past", page, StringComparison.Ordinal);
        await Post("/assignments", 303, ("what", "update"), ("name", Name()), ("osVersion", "18.5"), ("deadline", "2025-12-04T18:00"), ("atOnce", "true"), ("target", "serial:DMPAGE1"));
        var made = (await Get($"{Path}?q={Uri.EscapeDataString(name)}"))["items"]!.AsArray().Single(one => (string)one!["name"]! == name)!;
        Assert.Contains("MinimumLength", await Page($"/assignments/{made["id"]}/edit"), StringComparison.Ordinal);
        await Post($"/assignments/{made["id"]}/edit", 303, ("name", name), ("type", "com.apple.configuration.passcode.settings"), ("payload", """{"MinimumLength": 8}"""), ("target", "serial:DMPAGE1"), ("version", "1"));

        Assert.Contains("Nothing is declared", await Page($"/ipads/{pad.Id}/declarations"), StringComparison.Ordinal);
        await Asked(pad);
        await Ask(pad, "status", Report(await Fetch(pad), more: """, "passcode": {"is-present": true}"""));
        page = await Page($"/ipads/{pad.Id}/declarations");
        Assert.Contains("configuration.passcode.settings", page, StringComparison.Ordinal);
        Assert.Contains("In force", page, StringComparison.Ordinal);
        Assert.Contains("passcode.is-present", page, StringComparison.Ordinal);
        Assert.Contains("The iPad has been told of the update.", await Page($"/ipads/{pad.Id}/assigned"), StringComparison.Ordinal);
    }

    private async Task<string> Page(string path)
    {
        using var answer = await server.Admin.GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode}");
        return System.Net.WebUtility.HtmlDecode(text);
    }

    private async Task<string> Post(string path, int status, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(field => new KeyValuePair<string, string>(field.Name, field.Value)));
        using var answer = await server.Admin.PostAsync(path, form);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"{(int)answer.StatusCode} instead of {status}: {text}");
        return System.Net.WebUtility.HtmlDecode(text);
    }
}
