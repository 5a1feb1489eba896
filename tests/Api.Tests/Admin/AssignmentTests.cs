using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>What iPads should have, over HTTP and in the console, with iPads that come and answer.</summary>
public sealed class AssignmentTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/assignments";

    private static int _number;

    private static string Name(string what = "Assignment") => $"{what} {Interlocked.Increment(ref _number)}";

    private async Task<(string Id, string Identifier)> Profile(Func<string, string>? make = null)
    {
        var identifier = ProfileTests.NewIdentifier();
        using var response = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(ProfileTests.Body((make ?? (id => ProfileTests.WiFi(id)))(identifier))));
        return ((string)(await AdminServer.Body(response, 201))["id"]!, identifier);
    }

    private static JsonObject Body(string name, string? profileId, string? target, params (string Member, JsonNode? Value)[] more)
    {
        var body = new JsonObject { ["name"] = name, ["target"] = target };
        if (profileId is not null) body["profileId"] = profileId;
        foreach (var (member, value) in more) body[member] = value;
        return body;
    }

    private async Task<JsonObject> Create(JsonObject body, int status = 201)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(body.ToJsonString()));
        return await AdminServer.Body(answer, status);
    }

    private async Task<JsonObject> Get(string path, int status = 200)
    {
        using var answer = await server.Admin.GetAsync(path);
        return await AdminServer.Body(answer, status);
    }

    private async Task<JsonObject> Put(JsonObject assignment, JsonObject body, string match = "*", int status = 200)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{assignment["id"]}") { Content = AdminServer.Json(body.ToJsonString()) };
        request.Headers.TryAddWithoutValidation("If-Match", match);
        using var answer = await server.Admin.SendAsync(request);
        return await AdminServer.Body(answer, status);
    }

    private async Task Delete(JsonObject assignment)
    {
        using var answer = await server.Admin.DeleteAsync($"{Path}/{assignment["id"]}");
        Assert.Equal(204, (int)answer.StatusCode);
    }

    private async Task<(string State, string Words)> Of(TestPad pad, JsonObject assignment) =>
        (await Get($"{pad.Path}/assignments"))["items"]!.AsArray().Where(one => (string)one!["assignmentId"]! == (string)assignment["id"]!)
            .Select(one => ((string)one!["state"]!, (string)one!["words"]!)).SingleOrDefault(("none", ""));

    /// <summary>The CommandUUID and the bytes of what the iPad gets now.</summary>
    private static async Task<(string Uuid, string Body)?> Next(TestPad pad)
    {
        var reply = await pad.Idle();
        if (reply.Profile is { } profile) return (profile.CommandUuid, Encoding.UTF8.GetString(profile.Profile));
        if (reply.Body is not { } body) return null;
        var text = Encoding.UTF8.GetString(body);
        return (text.Split("<key>CommandUUID</key>")[1].Split("<string>")[1].Split('<')[0], text);
    }

    private static Task Report(TestPad pad, string uuid, string? error = null) => pad.Grain.Report(
        new CommandReportMessage
        {
            Status = error is null ? ReportStatus.Acknowledged : ReportStatus.Error,
            CommandUuid = uuid,
            ErrorSummary = error,
            Result = "<plist version=\"1.0\"><dict/></plist>"u8.ToArray(),
        }, pad.Certificate).AsTask();

    private static string Serial(string serial) => $"serial:{serial}";

    [Fact]
    public async Task A_profile_comes_to_the_iPads_of_its_target_and_goes_when_the_assignment_does()
    {
        var (pad, other) = (await server.Enrol(serial: "ASGONE1"), await server.Enrol(serial: "ASGONE2"));
        var (profile, identifier) = await Profile();

        var assignment = await Create(Body(Name(), profile, Serial("ASGONE1")));

        Assert.Equal(("waiting", "It is sent when the iPad comes."), await Of(pad, assignment));
        var sent = await Next(pad);
        Assert.Contains(identifier, sent!.Value.Body, StringComparison.Ordinal);
        Assert.StartsWith("F1EE7001-", sent.Value.Uuid, StringComparison.Ordinal);
        Assert.Equal("sent", (await Of(pad, assignment)).State);
        Assert.Null(await Next(other));
        await Report(pad, sent.Value.Uuid);
        Assert.Null(await Next(pad));
        Assert.Equal(("installed", "It is on the iPad."), await Of(pad, assignment));
        Assert.Equal(1, (int)(await Get($"{Path}/{assignment["id"]}"))["iPads"]!["installed"]!);
        // The library knows of it too.
        Assert.Contains("ASGONE1", (await Get($"/api/v1/profiles/{profile}/devices")).ToJsonString(), StringComparison.Ordinal);

        await Delete(assignment);
        var removal = await Next(pad);
        Assert.Contains("RemoveProfile", removal!.Value.Body, StringComparison.Ordinal);
        Assert.Contains(identifier, removal.Value.Body, StringComparison.Ordinal);
        await Report(pad, removal.Value.Uuid);
        Assert.Null(await Next(pad));
        Assert.Equal("none", (await Of(pad, assignment)).State);
        await Get($"{Path}/{assignment["id"]}", 404);
    }

    [Fact]
    public async Task An_iPad_that_enrols_later_gets_what_is_assigned()
    {
        var (profile, identifier) = await Profile();
        var assignment = await Create(Body(Name(), profile, Serial("ASLATER1")));

        var pad = await server.Enrol(serial: "ASLATER1");

        var sent = await Next(pad);
        Assert.Contains(identifier, sent!.Value.Body, StringComparison.Ordinal);
        await Report(pad, sent.Value.Uuid);
        Assert.Null(await Next(pad));
        Assert.Equal("installed", (await Of(pad, assignment)).State);
    }

    [Fact]
    public async Task An_iPad_comes_under_an_assignment_by_what_it_says_of_itself_and_leaves_it()
    {
        var pad = await server.Enrol(serial: "ASFACT1");
        var (profile, identifier) = await Profile();
        await Create(Body(Name(), profile, "serial:ASFACT1 and os>=26"));
        Assert.Null(await Next(pad));

        await pad.Tell(new DeviceFacts { OsVersion = "26.1" });
        var sent = await Next(pad);
        Assert.Contains(identifier, sent!.Value.Body, StringComparison.Ordinal);
        await Report(pad, sent.Value.Uuid);
        Assert.Null(await Next(pad));

        await pad.Tell(new DeviceFacts { OsVersion = "18.6" });
        Assert.Contains("RemoveProfile", (await Next(pad))!.Value.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_version_of_the_profile_is_sent_to_all_that_should_have_it()
    {
        var pad = await server.Enrol(serial: "ASNEWER1");
        var (profile, identifier) = await Profile();
        var assignment = await Create(Body(Name(), profile, Serial("ASNEWER1")));
        await Report(pad, (await Next(pad))!.Value.Uuid);
        Assert.Null(await Next(pad));

        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/profiles/{profile}") { Content = AdminServer.Json(ProfileTests.Body(ProfileTests.WiFi(identifier, ssid: "Southside"))) };
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        using var changed = await server.Admin.SendAsync(request);
        await AdminServer.Body(changed, 200);

        Assert.Contains("Southside", (await Woken(pad)).Body, StringComparison.Ordinal);
        Assert.Equal("sent", (await Of(pad, assignment)).State);
    }

    [Fact]
    public async Task One_that_is_put_into_a_group_gets_what_the_group_has_and_loses_it_when_it_is_taken_out()
    {
        var pad = await server.Enrol(serial: "ASGROUP1");
        var (profile, identifier) = await Profile();
        var name = Name("Group");
        using var created = await server.Admin.PostAsync("/api/v1/groups", AdminServer.Json(new JsonObject { ["name"] = name }.ToJsonString()));
        var group = (string)(await AdminServer.Body(created, 201))["id"]!;
        var assignment = await Create(Body(Name(), profile, $"group:\"{name}\""));
        Assert.Null(await Next(pad));

        await Members("members");
        await Report(pad, (await Woken(pad)).Uuid);
        Assert.Null(await Next(pad));
        Assert.Equal("installed", (await Of(pad, assignment)).State);
        await Members("members/remove");
        Assert.Contains("RemoveProfile", (await Woken(pad)).Body, StringComparison.Ordinal);

        // The group cannot go as long as the assignment names it.
        using var refused = await server.Admin.DeleteAsync($"/api/v1/groups/{group}");
        Assert.Contains((string)assignment["name"]!, (string)(await AdminServer.Problem(refused, 409))["detail"]!, StringComparison.Ordinal);

        async Task Members(string way)
        {
            using var answer = await server.Admin.PostAsync($"/api/v1/groups/{group}/{way}", AdminServer.Json("""{"iPads": ["ASGROUP1"]}"""));
            await AdminServer.Body(answer, 200);
        }
    }

    [Fact]
    public async Task What_an_iPad_refuses_is_told_in_its_words_and_tried_again_on_demand()
    {
        var pad = await server.Enrol(serial: "ASFAIL1");
        var (profile, _) = await Profile();
        var assignment = await Create(Body(Name(), profile, Serial("ASFAIL1")));

        await Report(pad, (await Next(pad))!.Value.Uuid, "The certificate has expired.");
        Assert.Null(await Next(pad));
        Assert.Equal(("failed", "The certificate has expired."), await Of(pad, assignment));
        var listed = (await Get($"{Path}/{assignment["id"]}/devices?state=failed"))["items"]!.AsArray();
        Assert.NotNull(Assert.Single(listed)!["triedAgainAt"]);
        var page = await server.Admin.GetStringAsync($"/assignments/{assignment["id"]}?state=failed");
        Assert.Contains("The certificate has expired.", page, StringComparison.Ordinal);
        Assert.Contains("Try again now where it failed", page, StringComparison.Ordinal);

        using var retried = await server.Admin.PostAsync($"{Path}/{assignment["id"]}/retry", null);
        Assert.Equal(1, (int)(await AdminServer.Body(retried, 200))["iPads"]!);
        await Report(pad, (await Next(pad))!.Value.Uuid);
        Assert.Null(await Next(pad));
        Assert.Equal("installed", (await Of(pad, assignment)).State);
    }

    [Fact]
    public async Task An_iPad_tells_when_something_came_failed_was_installed_and_left_and_who_assigned_it()
    {
        var pad = await server.Enrol(serial: "ASHISTORY1");
        var (profile, _) = await Profile();
        var assignment = await Create(Body(Name("Told"), profile, Serial("ASHISTORY1")));
        await Report(pad, (await Next(pad))!.Value.Uuid, "The certificate has expired.");
        using var retried = await server.Admin.PostAsync($"{Path}/{assignment["id"]}/retry", null);
        await AdminServer.Body(retried, 200);
        await Report(pad, (await Next(pad))!.Value.Uuid);
        Assert.Null(await Next(pad));
        await Put(assignment, Body((string)assignment["name"]!, profile, "serial:ASNOBODY"));
        await Report(pad, (await Woken(pad)).Uuid);

        var told = await Get($"{pad.Path}/assignments/history?limit=2");
        Assert.Equal(["removed", "installed"], told["items"]!.AsArray().Select(one => (string)one!["what"]!));
        var oldest = Assert.Single((await Get($"{pad.Path}/assignments/history?after={told["next"]}"))["items"]!.AsArray())!;
        Assert.Equal(("failed", "The certificate has expired.", (string)assignment["id"]!, (string)assignment["createdBy"]!),
            ((string)oldest["what"]!, (string)oldest["reason"]!, (string)oldest["assignmentId"]!, (string)oldest["createdBy"]!));
        var page = await server.Admin.GetStringAsync($"/ipads/{pad.Id}/assigned");
        Assert.Contains("What happened", page, StringComparison.Ordinal);
        Assert.Contains("Removed", page, StringComparison.Ordinal);
        Assert.Contains($"target={assignment["id"]}", page, StringComparison.Ordinal);
        await Get($"{pad.Path}/assignments/history?after=x", 400);

        // Who may not see the iPad does not hear what happened on it.
        await Get("/api/v1/devices/ASUNKNOWN/assignments/history", 404);
    }

    [Fact]
    public async Task A_setting_has_the_values_of_each_iPad_and_one_that_lacks_a_value_says_so()
    {
        var (pad, supervised) = (await server.Enrol(serial: "ASNAME1"), await server.Enrol(serial: "ASNAME2"));
        await supervised.Tell(new DeviceFacts { IsSupervised = true });
        await pad.Tell(new DeviceFacts { IsSupervised = true });
        var byTag = await Create(Body(Name(), null, Serial("ASNAME1"), ("setting", JsonNode.Parse("""{"item": "DeviceName", "deviceName": "Tag {{asset tag}}"}"""))));
        var bySerial = await Create(Body(Name(), null, Serial("ASNAME2"), ("setting", JsonNode.Parse("""{"item": "DeviceName", "deviceName": "iPad {{serial}}"}"""))));

        Assert.Contains("<string>iPad ASNAME2</string>", (await Next(supervised))!.Value.Body, StringComparison.Ordinal);
        Assert.Null(await Next(pad));

        Assert.Equal(("notApplicable", "It has the variable {{asset tag}}, and nothing is known of it for this iPad."), await Of(pad, byTag));
        Assert.Equal("iPad {{serial}}", (string)(await Get($"{Path}/{bySerial["id"]}"))["setting"]!["deviceName"]!);
    }

    [Fact]
    public async Task An_app_of_the_App_Store_is_installed_and_removed_by_its_bundle_identifier()
    {
        var pad = await server.Enrol(serial: "ASAPP1");
        var assignment = await Create(Body(Name(), null, Serial("ASAPP1"), ("app", JsonNode.Parse("""{"iTunesStoreID": 361309726, "managementFlags": 1, "bundleId": "com.apple.Pages"}"""))));

        var sent = await Next(pad);
        Assert.Contains("<integer>361309726</integer>", sent!.Value.Body, StringComparison.Ordinal);
        await Report(pad, sent.Value.Uuid);
        await Delete(assignment);

        var removal = await Next(pad);
        Assert.Contains("RemoveApplication", removal!.Value.Body, StringComparison.Ordinal);
        Assert.Contains("com.apple.Pages", removal.Value.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_says_whom_it_touches_and_changes_nothing()
    {
        var pad = await server.Enrol(serial: "ASPLAN1");
        await server.Enrol(serial: "ASPLAN2");
        await pad.Tell(new DeviceFacts { IsSupervised = false });
        var body = Body(Name(), null, "serial:ASPLAN1 or serial:ASPLAN2", ("setting", JsonNode.Parse("""{"item": "DeviceName", "deviceName": "A"}""")));

        using var answer = await server.Admin.PostAsync($"{Path}?dryRun=true", AdminServer.Json(body.ToJsonString()));
        var plan = await AdminServer.Body(answer, 200);

        Assert.Equal((2, 1, 1, 2, 0), ((int)plan["total"]!, (int)plan["can"]!, (int)plan["cannot"]!, (int)plan["arriving"]!, (int)plan["leaving"]!));
        Assert.Equal("supervision", (string)Assert.Single(plan["reasons"]!.AsArray())!["code"]!);
        Assert.Null(await Next(pad));

        var assignment = await Create(body);
        var narrower = Body((string)body["name"]!, null, "serial:ASPLAN2", ("setting", JsonNode.Parse("""{"item": "DeviceName", "deviceName": "A"}""")));
        using var again = await server.Admin.PutAsync($"{Path}/{assignment["id"]}?dryRun=true", AdminServer.Json(narrower.ToJsonString()));
        var changed = await AdminServer.Body(again, 200);
        Assert.Equal((1, 0, 1), ((int)changed["total"]!, (int)changed["arriving"]!, (int)changed["leaving"]!));
    }

    [Fact]
    public async Task The_same_request_twice_makes_one_assignment_and_the_later_of_two_changes_is_told()
    {
        var (profile, _) = await Profile();
        var body = Body(Name(), profile, "serial:ASNOBODY");
        var first = await Create(body);
        using var taken = await server.Admin.PostAsync(Path, AdminServer.Json(body.ToJsonString()));
        Assert.Equal("name-taken", (string)(await AdminServer.Problem(taken, 409))["code"]!);

        await Put(first, body, "\"1\"");
        // The answer may have been lost: the same once more is no conflict, another one is.
        await Put(first, body, "\"1\"");
        var refused = await Put(first, Body((string)body["name"]!, profile, "serial:ASNEITHER"), "\"1\"", 412);
        Assert.Equal("changed", (string)refused["code"]!);
    }

    [Fact]
    public async Task A_profile_that_is_assigned_cannot_be_deleted()
    {
        var (profile, _) = await Profile();
        var assignment = await Create(Body(Name(), profile, "serial:ASNOBODY"));

        using var refused = await server.Admin.DeleteAsync($"/api/v1/profiles/{profile}");
        Assert.Contains((string)assignment["name"]!, (string)(await AdminServer.Problem(refused, 409))["detail"]!, StringComparison.Ordinal);

        await Delete(assignment);
        using var deleted = await server.Admin.DeleteAsync($"/api/v1/profiles/{profile}");
        Assert.True(deleted.IsSuccessStatusCode);
    }

    /// <summary>A profile with variables is queued with its variables: that is no command of Apple's.</summary>
    [Fact]
    public async Task A_profile_with_variables_that_failed_by_an_operation_is_tried_again()
    {
        var pad = await server.Enrol(serial: "ASRETRY1");
        var (profile, identifier) = await Profile(id => $$$"""
            {"PayloadIdentifier": "{{{id}}}", "PayloadDisplayName": "Help", "PayloadContent": [{"PayloadType": "com.apple.webClip.managed", "Label": "Help", "URL": "https://help.example/{{serial}}"}]}
            """);
        using var sent = await server.Admin.PostAsync($"/api/v1/profiles/{profile}/install", AdminServer.Json($$$"""{"target": {"ids": ["{{{pad.Id}}}"]}, "push": false}"""));
        var operation = (string)(await AdminServer.Body(sent, 202))["id"]!;
        await Report(pad, (await Woken(pad)).Uuid, "No room.");

        using var again = await server.Admin.PostAsync($"/api/v1/operations/{operation}/retry", AdminServer.Json("{}"));
        await AdminServer.Body(again, 202);

        Assert.Contains(identifier, (await Woken(pad)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_form_of_a_change_shows_the_group_where_it_was_chosen()
    {
        var (profile, _) = await Profile();
        var name = Name("Chosen");
        using var created = await server.Admin.PostAsync("/api/v1/groups", AdminServer.Json(new JsonObject { ["name"] = name }.ToJsonString()));
        await AdminServer.Body(created, 201);
        var assignment = await Create(Body(Name(), profile, $"group:\"{name}\" and (os>=17)"));

        var form = await server.Admin.GetStringAsync($"/assignments/{assignment["id"]}/edit");

        Assert.Contains($"<option value=\"{name}\" selected", form, StringComparison.Ordinal);
        Assert.Contains("value=\"os&gt;=17\"", form, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name": "x"}""", "profileId")]
    [InlineData("""{"name": "", "setting": {"item": "DeviceName", "deviceName": "A"}}""", "name")]
    [InlineData("""{"name": "x", "profileId": "nothing"}""", "profileId")]
    [InlineData("""{"name": "x", "profileId": "11111111-1111-1111-1111-111111111111", "app": {}}""", "profileId")]
    [InlineData("""{"name": "x", "app": {}}""", null)]
    [InlineData("""{"name": "x", "app": []}""", "app")]
    [InlineData("""{"name": "x", "app": {"requestType": "EraseDevice", "iTunesStoreID": 1}}""", "app.requestType")]
    [InlineData("""{"name": "x", "app": {"iTunesStoreID": -1}}""", "app.iTunesStoreID")]
    [InlineData("""{"name": "x", "app": {"iTunesStoreID": 1, "options": "x"}}""", "app.options")]
    [InlineData("""{"name": "x", "app": {"iTunesStoreID": 1, "options": {"purchaseMethod": "x"}}}""", "app.options.purchaseMethod")]
    [InlineData("""{"name": "x", "setting": {"item": "DeviceName", "deviceName": 5}}""", "setting.deviceName")]
    [InlineData("""{"name": "x", "app": {"manifestURL": "file:///etc/passwd"}}""", "app.manifestURL")]
    [InlineData("""{"name": "x", "app": {"manifestURL": "http://school.example/a.plist"}}""", "app.manifestURL")]
    [InlineData("""{"name": "x", "setting": {"item": "TimeZone", "timeZone": "Mars/X"}}""", "setting.timeZone")]
    [InlineData("""{"name": "x", "setting": {"item": "TimeZone", "timeZone": "W. Europe Standard Time"}}""", "setting.timeZone")]
    [InlineData("""{"name": "x", "setting": {"item": "TimeZone", "timeZone": "../Europe/Rome"}}""", "setting.timeZone")]
    [InlineData("""{"name": "x", "app": {"iTunesStoreID": 1, "bundleId": 5}}""", "app.bundleId")]
    [InlineData("""{"name": "x", "app": {"iTunesStoreID": 1, "bundleId": "with blank"}}""", "app.bundleId")]
    [InlineData("""{"name": "x", "app": {"hostedApp": "00000000000000000000000000000000"}}""", "app.hostedApp")]
    [InlineData("""{"name": "x", "setting": {"item": "Nonsense"}}""", null)]
    [InlineData("""{"name": "x", "setting": "DeviceName"}""", "setting")]
    [InlineData("""{"name": "x", "setting": {"item": "DeviceName", "deviceName": "{{nothing}}"}}""", "setting")]
    [InlineData("""{"name": "x", "setting": {"item": "DeviceName", "deviceName": "A"}, "target": "colour:red"}""", "target")]
    [InlineData("""{"name": "x", "setting": {"item": "DeviceName", "deviceName": "A"}, "target": "group:\"nobody has this\""}""", "target")]
    [InlineData("""{"name": "x", "setting": {"item": "DeviceName", "deviceName": "A"}, "except": "("}""", "except")]
    [InlineData("""{"name": "x", "setting": {"item": "DeviceName", "deviceName": "A"}, "schoolId": "x"}""", "schoolId")]
    [InlineData("""{"name": "x", "setting": {"item": "DeviceName", "deviceName": "A"}, "endsAt": "2020-01-01T00:00:00Z"}""", "endsAt")]
    [InlineData("""{"name": "x", "app": {"iTunesStoreID": 1, "bundleId": "org.example.a"}, "target": "missingApp:org.example.a"}""", "target")]
    public async Task What_cannot_be_assigned_is_refused_and_named(string json, string? field)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        var problem = await AdminServer.Problem(answer, 400);
        if (field is not null) Assert.True(problem["errors"]!.AsObject().ContainsKey(field), problem.ToJsonString());
        using var plan = await server.Admin.PostAsync($"{Path}?dryRun=true", AdminServer.Json(json));
        await AdminServer.Problem(plan, 400);
    }

    [Fact]
    public async Task Who_may_not_send_the_command_may_not_assign_it_and_a_viewer_only_looks()
    {
        var (profile, _) = await Profile();
        var assignment = await Create(Body(Name(), profile, "serial:ASNOBODY"));
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);

        using var refused = await viewer.PostAsync(Path, AdminServer.Json(Body(Name(), profile, null).ToJsonString()));
        await AdminServer.Problem(refused, 403);
        using var read = await viewer.GetAsync($"{Path}/{assignment["id"]}");
        await AdminServer.Body(read, 200);
    }

    [Fact]
    public async Task A_token_for_a_school_can_name_no_group_of_another_one()
    {
        var (profile, _) = await Profile();
        var (own, other, name) = (Name("School"), Name("School"), Name("Their group"));
        string[] ids = [await School(own), await School(other)];
        using var grouped = await server.Admin.PostAsync("/api/v1/groups", AdminServer.Json(new JsonObject { ["name"] = name, ["schoolId"] = ids[1] }.ToJsonString()));
        await AdminServer.Body(grouped, 201);
        using var made = await server.Admin.PostAsync("/api/v1/tokens", AdminServer.Json(new JsonObject { ["name"] = "t", ["role"] = "school-technician", ["schools"] = new JsonArray(ids[0]) }.ToJsonString()));
        using var technician = server.Client((string)(await AdminServer.Body(made, 201))["token"]!);

        foreach (var member in new[] { "target", "except" })
        {
            var body = Body(Name(), profile, null, ("schoolId", ids[0]), (member, $"group:\"{name}\"")).ToJsonString();
            using var dry = await technician.PostAsync($"{Path}?dryRun=true", AdminServer.Json(body));
            Assert.Contains("No group is called", (string)(await AdminServer.Problem(dry, 400))["errors"]![member]![0]!, StringComparison.Ordinal);
            using var refused = await technician.PostAsync(Path, AdminServer.Json(body));
            await AdminServer.Problem(refused, 400);
        }

        async Task<string> School(string school)
        {
            using var answer = await server.Admin.PostAsync("/api/v1/schools", AdminServer.Json(new JsonObject { ["name"] = school }.ToJsonString()));
            return (string)(await AdminServer.Body(answer, 201))["id"]!;
        }
    }

    [Fact]
    public async Task The_form_shows_whom_it_touches_creates_changes_and_deletes()
    {
        var pad = await server.Enrol(serial: "ASFORM1");
        var (profile, _) = await Profile();
        var name = Name("From the form");
        var preview = await server.Admin.GetStringAsync($"/assignments/new?what=profile&name={Uri.EscapeDataString(name)}&profileId={profile}&target=serial%3AASFORM1&preview=true");
        Assert.Contains("It is for 1 iPad", preview, StringComparison.Ordinal);
        Assert.Contains("ASFORM1", preview, StringComparison.Ordinal);

        using var created = await server.Admin.PostAsync("/assignments", new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["what"] = "profile",
            ["name"] = name,
            ["profileId"] = profile,
            ["target"] = "serial:ASFORM1",
            ["key"] = Guid.NewGuid().ToString("N"),
        }));
        Assert.Equal(303, (int)created.StatusCode);
        var page = created.Headers.Location!.ToString().Split('?')[0];
        Assert.Contains("Waiting", await server.Admin.GetStringAsync(page), StringComparison.Ordinal);
        Assert.Contains(name, await server.Admin.GetStringAsync($"/ipads/{pad.Id}/assigned"), StringComparison.Ordinal);
        Assert.Contains(name, await server.Admin.GetStringAsync("/assignments"), StringComparison.Ordinal);
        Assert.Contains("serial:ASFORM1", await server.Admin.GetStringAsync($"{page}/edit"), StringComparison.Ordinal);

        using var wrong = await server.Admin.PostAsync($"{page}/edit", new FormUrlEncodedContent(new Dictionary<string, string> { ["name"] = name, ["target"] = "((", ["version"] = "1" }));
        Assert.Equal(400, (int)wrong.StatusCode);
        // What takes it from somebody is shown first.
        var change = new Dictionary<string, string> { ["name"] = name, ["target"] = "serial:ASNOBODY", ["version"] = "1", ["starts"] = "2026-07-01" };
        using var asked = await server.Admin.PostAsync($"{page}/edit", new FormUrlEncodedContent(change));
        Assert.Equal(409, (int)asked.StatusCode);
        Assert.Contains("Save and take it from 1 iPad", await asked.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("Waiting", await server.Admin.GetStringAsync(page), StringComparison.Ordinal);
        change["losing"] = "1";
        using var saved = await server.Admin.PostAsync($"{page}/edit", new FormUrlEncodedContent(change));
        Assert.Equal(303, (int)saved.StatusCode);
        Assert.Contains("It is for no enrolled iPad now.", await server.Admin.GetStringAsync(page), StringComparison.Ordinal);

        Assert.Contains("Delete assignment", await server.Admin.GetStringAsync($"{page}/delete"), StringComparison.Ordinal);
        using var deleted = await server.Admin.PostAsync($"{page}/delete", new FormUrlEncodedContent(new Dictionary<string, string> { ["version"] = "2" }));
        Assert.Equal("/assignments?done=deleted", deleted.Headers.Location!.ToString());
    }

    [Fact]
    public async Task A_day_in_the_form_begins_by_the_clock_of_the_school_and_keeps_its_hour_when_nobody_changes_it()
    {
        var (profile, _) = await Profile();
        var name = Name("By the clock");
        using var answer = await server.Admin.PostAsync("/api/v1/schools", AdminServer.Json(new JsonObject { ["name"] = name, ["timeZone"] = "Europe/Stockholm" }.ToJsonString()));
        var school = (string)(await AdminServer.Body(answer, 201))["id"]!;
        using var created = await server.Admin.PostAsync("/assignments", new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["what"] = "profile",
            ["name"] = name,
            ["profileId"] = profile,
            ["schoolId"] = school,
            ["starts"] = "2036-07-10",
        }));
        Assert.Equal(303, (int)created.StatusCode);
        var page = created.Headers.Location!.ToString().Split('?')[0];
        Assert.Contains("datetime=\"2036-07-09T22:00:00Z\"", await server.Admin.GetStringAsync(page), StringComparison.Ordinal);

        var change = new JsonObject { ["name"] = name, ["profileId"] = profile, ["schoolId"] = school, ["startsAt"] = "2036-07-10T06:30:00Z" };
        await Put(new JsonObject { ["id"] = page.Split('/')[^1] }, change);
        var form = await server.Admin.GetStringAsync($"{page}/edit");
        Assert.Contains("value=\"2036-07-10\"", form, StringComparison.Ordinal);
        Assert.Contains("When the day begins, Europe/Stockholm.", form, StringComparison.Ordinal);
        using var saved = await server.Admin.PostAsync($"{page}/edit", new FormUrlEncodedContent(
            new Dictionary<string, string> { ["name"] = name + " 2", ["schoolId"] = school, ["starts"] = "2036-07-10", ["version"] = "2" }));
        Assert.Equal(303, (int)saved.StatusCode);
        Assert.Contains("datetime=\"2036-07-10T06:30:00Z\"", await server.Admin.GetStringAsync(page), StringComparison.Ordinal);
    }

    /// <summary>The grain that looks after assignments looks every three seconds, and then wakes the iPad.</summary>
    private static async Task<(string Uuid, string Body)> Woken(TestPad pad)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (true)
        {
            if (await Next(pad) is { } next) return next;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }
}
