using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Exams, over HTTP and in the console, with iPads that come and answer.</summary>
public sealed class ExamTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/exams";
    private const string NotThere = "MCMDMErrorDomain 12075: The profile is not installed.";

    private static int _number;

    private static string Name(string what = "Exam") => $"{what} {Interlocked.Increment(ref _number)}";

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private static JsonObject Body(string? target, params (string Member, JsonNode? Value)[] more)
    {
        var body = new JsonObject { ["name"] = Name(), ["app"] = new JsonObject { ["bundleId"] = "org.example.exam" }, ["endsAt"] = Now.AddHours(1).ToString("O") };
        if (target is not null) body["target"] = target;
        foreach (var (member, value) in more) body[member] = value;
        return body;
    }

    private static (string, JsonNode?) Later => ("startsAt", Now.AddMinutes(30).ToString("O"));

    private async Task<JsonObject> Post(string path, JsonObject body, int status = 200)
    {
        using var answer = await server.Admin.PostAsync(path, AdminServer.Json(body.ToJsonString()));
        return await AdminServer.Body(answer, status);
    }

    private Task<JsonObject> Create(JsonObject body) => Post(Path, body, 201);

    private async Task<JsonObject> Get(string path)
    {
        using var answer = await server.Admin.GetAsync(path);
        return await AdminServer.Body(answer, 200);
    }

    private async Task<(string State, string Why)> Of(TestPad pad, JsonObject exam) =>
        (await Get($"{Path}/{exam["id"]}/devices"))["items"]!.AsArray().Where(one => (string)one!["deviceId"]! == pad.Id)
            .Select(one => ((string)one!["state"]!, (string)one!["why"]!)).SingleOrDefault(("none", ""));

    private async Task<TestPad> Supervised(string serial)
    {
        var pad = await server.Enrol(serial: serial);
        await pad.Tell(new DeviceFacts { IsSupervised = true });
        return pad;
    }

    /// <summary>The CommandUUID and the bytes of what the iPad gets now.</summary>
    private static async Task<(string Uuid, string Body)?> Next(TestPad pad)
    {
        var reply = await pad.Idle();
        if (reply.Profile is { } profile) return (profile.CommandUuid, Encoding.UTF8.GetString(profile.Profile));
        if (reply.Body is not { } body) return null;
        var text = Encoding.UTF8.GetString(body);
        return (text.Split("<key>CommandUUID</key>")[1].Split("<string>")[1].Split('<')[0], text);
    }

    private static Task Report(TestPad pad, string uuid, string? error = null, ReportStatus? status = null) => pad.Grain.Report(
        new CommandReportMessage
        {
            Status = status ?? (error is null ? ReportStatus.Acknowledged : ReportStatus.Error),
            CommandUuid = uuid,
            ErrorSummary = error,
            Result = "<plist version=\"1.0\"><dict/></plist>"u8.ToArray(),
        }, pad.Certificate).AsTask();

    [Fact]
    public async Task It_locks_its_iPads_shows_why_others_are_not_locked_and_releases_them()
    {
        var (pad, plain, silent) = (await Supervised("EXA1"), await server.Enrol(serial: "EXA2"), await Supervised("EXA3"));
        await plain.Tell(new DeviceFacts { IsSupervised = false });
        var exam = await Create(Body("serial:EXA1 or serial:EXA2 or serial:EXA3"));
        Assert.Equal("running", (string)exam["phase"]!);

        var locked = await Next(pad);
        Assert.Contains("org.example.exam", locked!.Value.Body, StringComparison.Ordinal);
        Assert.Contains("RemovalDate", locked.Value.Body, StringComparison.Ordinal);
        Assert.Contains("DisableAutoLock", locked.Value.Body, StringComparison.Ordinal);
        Assert.StartsWith("F1EE7003-", locked.Value.Uuid, StringComparison.Ordinal);
        await Report(pad, locked.Value.Uuid);
        Assert.Null(await Next(pad));
        Assert.Null(await Next(plain));
        Assert.Equal("locked", (await Of(pad, exam)).State);
        Assert.Contains("needs supervision", (await Of(plain, exam)).Why, StringComparison.Ordinal);
        Assert.Equal("planned", (await Of(silent, exam)).State);
        var counts = (await Get($"{Path}/{exam["id"]}"))["counts"]!;
        Assert.Equal((1, 1, 1), ((int)counts["locked"]!, (int)counts["notPossible"]!, (int)counts["planned"]!));
        var device = Assert.Single((await Get($"{pad.Path}/exams"))["items"]!.AsArray())!;
        Assert.Contains("It is locked until", (string)device["words"]!, StringComparison.Ordinal);
        Assert.Contains("In the exam", await server.Admin.GetStringAsync($"/ipads/{pad.Id}"), StringComparison.Ordinal);

        // One at once, and then all.
        Assert.Equal(1, (int)(await Post($"{Path}/{exam["id"]}/release", new JsonObject { ["iPads"] = new JsonArray("EXA1") }))["iPads"]!);
        var release = await Next(pad);
        Assert.Contains("RemoveProfile", release!.Value.Body, StringComparison.Ordinal);
        Assert.Equal("releasing", (await Of(pad, exam)).State);
        Assert.Contains("frees itself at", (await Of(pad, exam)).Why, StringComparison.Ordinal);
        await Report(pad, release.Value.Uuid);
        Assert.Equal("released", (await Of(pad, exam)).State);
        Assert.Equal("running", (string)(await Get($"{Path}/{exam["id"]}"))["phase"]!);

        await Post($"{Path}/{exam["id"]}/release", []);
        Assert.Equal("over", (string)(await Get($"{Path}/{exam["id"]}"))["phase"]!);
        Assert.Equal("neverLocked", (await Of(silent, exam)).State);
        Assert.Null(await Next(silent));
        using var again = await server.Admin.PostAsync($"{Path}/{exam["id"]}/prolong", AdminServer.Json(new JsonObject { ["endsAt"] = Now.AddHours(2).ToString("O") }.ToJsonString()));
        Assert.Equal("exam-not-running", (string)(await AdminServer.Problem(again, 409))["code"]!);
    }

    [Fact]
    public async Task Who_is_not_released_stands_on_the_list_with_the_reason_until_the_iPad_says_so()
    {
        var pad = await Supervised("EXB1");
        var exam = await Create(Body(null, ("iPads", new JsonArray("EXB1"))));
        await Report(pad, (await Next(pad))!.Value.Uuid);
        await Post($"{Path}/{exam["id"]}/release", []);
        using var refused = await server.Admin.DeleteAsync($"{Path}/{exam["id"]}");
        Assert.Equal("exam-not-released", (string)(await AdminServer.Problem(refused, 409))["code"]!);

        var release = await Next(pad);
        await Report(pad, release!.Value.Uuid, status: ReportStatus.NotNow);
        Assert.Contains("cannot now", (await Of(pad, exam)).Why, StringComparison.Ordinal);
        await Report(pad, (await Next(pad))!.Value.Uuid, "MCMDMErrorDomain 12001: Busy.");
        Assert.Contains("It refused to be released: MCMDMErrorDomain 12001: Busy.", (await Of(pad, exam)).Why, StringComparison.Ordinal);
        Assert.Equal(1, (int)(await Get($"{Path}/{exam["id"]}"))["counts"]!["releasing"]!);
        Assert.Equal("releasing", (string)(await Get($"{Path}/{exam["id"]}"))["phase"]!);
        Assert.Contains("not released from the exam", await server.Admin.GetStringAsync("/"), StringComparison.Ordinal);
        var page = await server.Admin.GetStringAsync($"/exams/{exam["id"]}");
        Assert.Contains("EXB1", page, StringComparison.Ordinal);
        Assert.Contains("Release all now", page, StringComparison.Ordinal);

        // "Release this one now" does not wait for the pause.
        await Post($"{Path}/{exam["id"]}/release", new JsonObject { ["iPads"] = new JsonArray(pad.Id) });
        var second = await Next(pad);
        Assert.Contains("RemoveProfile", second!.Value.Body, StringComparison.Ordinal);
        await Report(pad, second.Value.Uuid, NotThere);
        Assert.Equal("released", (await Of(pad, exam)).State);
        using var deleted = await server.Admin.DeleteAsync($"{Path}/{exam["id"]}");
        Assert.Equal(204, (int)deleted.StatusCode);
    }

    [Fact]
    public async Task A_person_who_is_deleted_in_the_middle_frees_nobody_and_is_released_at_the_end()
    {
        var pad = await Supervised("EXC1");
        var person = await Post("/api/v1/people", new JsonObject { ["role"] = "pupil", ["givenName"] = "Ali", ["familyName"] = "Examined" }, 201);
        using var given = await server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json(new JsonObject { ["personId"] = (string)person["id"]! }.ToJsonString()));
        await AdminServer.Body(given, 200);
        var exam = await Create(Body("person:\"Ali Examined\""));
        await Report(pad, (await Next(pad))!.Value.Uuid);

        using var returned = await server.Admin.DeleteAsync($"{pad.Path}/holder");
        using var deleted = await server.Admin.DeleteAsync($"/api/v1/people/{person["id"]}");
        Assert.True(deleted.IsSuccessStatusCode, await deleted.Content.ReadAsStringAsync());

        Assert.Null(await Next(pad));
        Assert.Equal("locked", (await Of(pad, exam)).State);
        await Post($"{Path}/{exam["id"]}/release", []);
        var release = await Next(pad);
        Assert.Contains("RemoveProfile", release!.Value.Body, StringComparison.Ordinal);
        await Report(pad, release.Value.Uuid);
        Assert.Equal("over", (string)(await Get($"{Path}/{exam["id"]}"))["phase"]!);
    }

    [Fact]
    public async Task One_is_added_late_and_a_later_end_reaches_those_that_are_locked()
    {
        var (pad, late) = (await Supervised("EXD1"), await Supervised("EXD2"));
        var exam = await Create(Body("serial:EXD1"));
        await Report(pad, (await Next(pad))!.Value.Uuid);
        Assert.Equal(1, (int)(await Post($"{Path}/{exam["id"]}/devices", new JsonObject { ["iPads"] = new JsonArray("EXD2") }))["iPads"]!);
        await Report(late, (await Next(late))!.Value.Uuid);
        var end = DateTimeOffset.FromUnixTimeSeconds(Now.AddHours(3).ToUnixTimeSeconds());

        var prolonged = await Post($"{Path}/{exam["id"]}/prolong", new JsonObject { ["endsAt"] = end.ToString("O") });

        Assert.Equal(end, (DateTimeOffset)prolonged["endsAt"]!);
        Assert.Contains("has not heard of the new end", (await Of(late, exam)).Why, StringComparison.Ordinal);
        foreach (var one in new[] { pad, late })
        {
            var next = await Next(one);
            Assert.Contains(end.AddMinutes(15).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture), next!.Value.Body, StringComparison.Ordinal);
            await Report(one, next.Value.Uuid);
            Assert.Null(await Next(one));
        }

        using var earlier = await server.Admin.PostAsync($"{Path}/{exam["id"]}/prolong", AdminServer.Json(new JsonObject { ["endsAt"] = Now.AddHours(1).ToString("O") }.ToJsonString()));
        await AdminServer.Problem(earlier, 400);
        using var changed = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{exam["id"]}") { Content = AdminServer.Json(Body("serial:EXD1").ToJsonString()), Headers = { { "If-Match", "*" } } };
        using var refused = await server.Admin.SendAsync(changed);
        Assert.Equal("exam-begun", (string)(await AdminServer.Problem(refused, 409))["code"]!);
    }

    [Fact]
    public async Task A_dry_run_says_who_cannot_be_locked_and_who_is_in_another_exam_and_changes_nothing()
    {
        var pad = await Supervised("EXE1");
        var plain = await server.Enrol(serial: "EXE2");
        await plain.Tell(new DeviceFacts { IsSupervised = false });
        var other = await Create(Body("serial:EXE1", ("startsAt", Now.AddMinutes(30).ToString("O"))));
        var body = Body("serial:EXE1 or serial:EXE2", ("startsAt", Now.AddMinutes(20).ToString("O")));

        var plan = await Post($"{Path}?dryRun=true", body);

        Assert.Equal((2, 1, 1), ((int)plan["total"]!, (int)plan["can"]!, (int)plan["cannot"]!));
        Assert.Equal("supervision", (string)plan["reasons"]![0]!["code"]!);
        Assert.Equal((string)other["name"]!, (string)Assert.Single(plan["overlaps"]!.AsArray())!["name"]!);
        Assert.Null(await Next(pad));
        using var gone = await server.Admin.DeleteAsync($"{Path}/{other["id"]}");
        Assert.Equal(204, (int)gone.StatusCode);
        Assert.Empty((await Post($"{Path}?dryRun=true", body))["overlaps"]!.AsArray());
    }

    [Fact]
    public async Task Several_apps_and_a_profile_of_the_library_lock_as_well()
    {
        var pad = await Supervised("EXF1");
        var body = Body("serial:EXF1", ("apps", new JsonArray("org.example.one", "org.example.two")));
        body.Remove("app");
        var exam = await Create(body);
        var locked = await Next(pad);
        Assert.Contains("allowListedAppBundleIDs", locked!.Value.Body, StringComparison.Ordinal);
        await Report(pad, locked.Value.Uuid);
        await Post($"{Path}/{exam["id"]}/release", []);
        await Report(pad, (await Next(pad))!.Value.Uuid);

        var identifier = ProfileTests.NewIdentifier();
        using var made = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(ProfileTests.Body(ProfileTests.WiFi(identifier))));
        var profile = (string)(await AdminServer.Body(made, 201))["id"]!;
        var second = Body("serial:EXF1", ("profileId", profile));
        second.Remove("app");
        var library = await Create(second);
        var text = (await Next(pad))!.Value.Body;
        Assert.Contains($"com.fleetmdm.exam.{library["id"]}", text, StringComparison.Ordinal);
        Assert.DoesNotContain($"<string>{identifier}</string>", text, StringComparison.Ordinal);
        // The library does not hold what an exam has taken from it.
        using var deleted = await server.Admin.DeleteAsync($"/api/v1/profiles/{profile}");
        Assert.True(deleted.IsSuccessStatusCode);
    }

    [Fact]
    public async Task The_same_request_twice_makes_one_exam()
    {
        var body = Body("serial:NOBODY", Later).ToJsonString();
        string[] ids = ["", ""];
        for (var time = 0; time < 2; time++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = AdminServer.Json(body), Headers = { { "Idempotency-Key", "exam-twice" } } };
            using var answer = await server.Admin.SendAsync(request);
            ids[time] = (string)(await AdminServer.Body(answer, 201))["id"]!;
        }

        Assert.Equal(ids[0], ids[1]);
    }

    [Theory]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A"}""", "app")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "app": {"bundleId": "a"}, "apps": ["b"]}""", "app")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "app": {"bundleId": "a"}}""", "target")]
    [InlineData("""{"name": "", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "app": {"bundleId": "a"}}""", "name")]
    [InlineData("""{"name": "{{serial}}", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "app": {"bundleId": "a"}}""", "name")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T11:00:00Z", "target": "serial:A", "app": {"bundleId": "a"}}""", "endsAt")]
    [InlineData("""{"name": "x", "endsAt": "2020-01-01T10:00:00Z", "target": "serial:A", "app": {"bundleId": "a"}}""", "endsAt")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-03T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "app": {"bundleId": "a"}}""", "endsAt")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "colour:red", "app": {"bundleId": "a"}}""", "target")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "group:nobody", "app": {"bundleId": "a"}}""", "target")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "iPads": ["NOSUCH"], "app": {"bundleId": "a"}}""", "iPads")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "app": {"bundleId": "with blank"}}""", "app.bundleId")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "app": {"bundleId": "a", "options": ["explode"]}}""", "app.options")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "apps": []}""", "apps")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "profileId": "nothing"}""", "profileId")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00Z", "target": "serial:A", "schoolId": "x", "app": {"bundleId": "a"}}""", "schoolId")]
    [InlineData("""{"name": "x", "endsAt": "9999-12-31T23:59:00Z", "startsAt": "9999-12-31T23:00:00Z", "target": "serial:A", "app": {"bundleId": "a"}}""", "startsAt")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00Z", "startsAt": "YEAR-01-01T09:00:00", "target": "serial:A", "app": {"bundleId": "a"}}""", "startsAt")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01T10:00:00", "startsAt": "YEAR-01-01T09:00:00+02:00", "target": "serial:A", "app": {"bundleId": "a"}}""", "endsAt")]
    [InlineData("""{"name": "x", "endsAt": "YEAR-01-01", "target": "serial:A", "app": {"bundleId": "a"}}""", "endsAt")]
    public async Task What_cannot_be_an_exam_is_refused_and_named(string json, string field)
    {
        json = json.Replace("YEAR", (Now.Year + 1).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        var problem = await AdminServer.Problem(answer, 400);
        Assert.True(problem["errors"]!.AsObject().ContainsKey(field), problem.ToJsonString());
        using var plan = await server.Admin.PostAsync($"{Path}?dryRun=true", AdminServer.Json(json));
        await AdminServer.Problem(plan, 400);
    }

    [Fact]
    public async Task A_viewer_looks_and_a_technician_of_a_school_has_to_choose_it_and_reaches_no_other_iPad()
    {
        var exam = await Create(Body("serial:NOBODY", Later));
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        using var read = await viewer.GetAsync($"{Path}/{exam["id"]}");
        await AdminServer.Body(read, 200);
        using var refused = await viewer.PostAsync($"{Path}/{exam["id"]}/release", AdminServer.Json("{}"));
        await AdminServer.Problem(refused, 403);
        await server.Enrol(serial: "EXG1");
        var school = await Post("/api/v1/schools", new JsonObject { ["name"] = Name("School") }, 201);
        var made = await Post("/api/v1/tokens", new JsonObject { ["name"] = "t", ["role"] = "school-technician", ["schools"] = new JsonArray((string)school["id"]!) }, 201);
        using var technician = server.Client((string)made["token"]!);

        using var none = await technician.PostAsync(Path, AdminServer.Json(Body("serial:EXG1").ToJsonString()));
        Assert.True((await AdminServer.Problem(none, 400))["errors"]!.AsObject().ContainsKey("schoolId"));
        using var named = await technician.PostAsync(Path, AdminServer.Json(Body(null, ("iPads", new JsonArray("EXG1")), ("schoolId", (string)school["id"]!)).ToJsonString()));
        Assert.True((await AdminServer.Problem(named, 400))["errors"]!.AsObject().ContainsKey("iPads"));
        using var own = await technician.PostAsync(Path, AdminServer.Json(Body("serial:EXG1", ("schoolId", (string)school["id"]!), Later).ToJsonString()));
        Assert.Equal(0, (int)(await AdminServer.Body(own, 201))["counts"]!["planned"]!);
        using var unseen = await technician.GetAsync($"{Path}/{exam["id"]}");
        await AdminServer.Problem(unseen, 404);
    }

    [Fact]
    public async Task The_form_shows_whom_it_locks_creates_prolongs_adds_releases_and_deletes()
    {
        var pad = await Supervised("EXH1");
        var name = Name("From the form");
        var (starts, ends) = (Now.AddDays(1).ToString("yyyy-MM-dd'T'10:00"), Now.AddDays(1).ToString("yyyy-MM-dd'T'11:00"));
        var preview = await server.Admin.GetStringAsync($"/exams/new?what=app&name={Uri.EscapeDataString(name)}&bundleId=org.example.exam&target=serial%3AEXH1&starts={starts}&ends={ends}&preview=true");
        Assert.Contains("it would lock 1 iPad", preview, StringComparison.Ordinal);
        using var wrong = await server.Admin.PostAsync("/exams", Form(("name", name), ("target", "serial:EXH1"), ("ends", ends)));
        Assert.Contains("Enter the bundle identifier", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var created = await server.Admin.PostAsync("/exams", Form(("name", name), ("bundleId", "org.example.exam"), ("disableAutoLock", "true"), ("target", "serial:EXH1"), ("starts", starts), ("ends", ends)));
        Assert.Equal(303, (int)created.StatusCode);
        var path = created.Headers.Location!.ToString().Split('?')[0];
        Assert.Contains("Not begun", await server.Admin.GetStringAsync(path), StringComparison.Ordinal);
        Assert.Contains($"value=\"{starts}\"", await server.Admin.GetStringAsync($"{path}/edit"), StringComparison.Ordinal);
        // At once.
        using var saved = await server.Admin.PostAsync($"{path}/edit", Form(("name", name), ("bundleId", "org.example.exam"), ("target", "serial:EXH1"), ("ends", Now.AddHours(2).ToString("yyyy-MM-dd'T'HH:mm")), ("version", "1")));
        Assert.Equal(303, (int)saved.StatusCode);
        await Report(pad, (await Next(pad))!.Value.Uuid);

        var page = await server.Admin.GetStringAsync($"{path}?state=all");
        Assert.Contains("Locked", page, StringComparison.Ordinal);
        var until = page.Split("name=\"endsAt\" value=\"")[1].Split('"')[0];
        foreach (var _ in new[] { 1, 2 })
        {
            using var prolonged = await server.Admin.PostAsync($"{path}/prolong", Form(("endsAt", until), ("minutes", "10")));
            Assert.Equal(303, (int)prolonged.StatusCode);
        }

        using var released = await server.Admin.PostAsync($"{path}/release", Form(("device", pad.Id), ("back", "ipad")));
        Assert.Equal($"/ipads/{pad.Id}?done=exam-released", released.Headers.Location!.ToString());
        Assert.Contains("RemoveProfile", (await Next(pad))!.Value.Body, StringComparison.Ordinal);
        using var all = await server.Admin.PostAsync($"{path}/release", Form());
        Assert.Contains("done=released", all.Headers.Location!.ToString(), StringComparison.Ordinal);
        using var deleted = await server.Admin.PostAsync($"{path}/delete", Form(("version", "3")));
        Assert.NotEqual(303, (int)deleted.StatusCode);
        Assert.Contains(name, await server.Admin.GetStringAsync("/exams?phase=over"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exam_begins_two_years_from_now_at_the_latest()
    {
        using var late = await server.Admin.PostAsync(Path, AdminServer.Json(Body("serial:NOBODY", ("startsAt", Now.AddYears(2).AddDays(1).ToString("O")), ("endsAt", Now.AddYears(2).AddDays(1).AddHours(1).ToString("O"))).ToJsonString()));
        Assert.Contains("2 years", (string)(await AdminServer.Problem(late, 400))["errors"]!["startsAt"]![0]!, StringComparison.Ordinal);
        using var form = await server.Admin.PostAsync("/exams", Form(("name", Name()), ("bundleId", "org.example.exam"), ("target", "serial:NOBODY"), ("starts", "9998-12-31T22:00"), ("ends", "9998-12-31T23:00")));
        Assert.Equal(400, (int)form.StatusCode);
        await Create(Body("serial:NOBODY", ("startsAt", Now.AddYears(2).AddDays(-1).ToString("O")), ("endsAt", Now.AddYears(2).AddDays(-1).AddHours(1).ToString("O"))));
    }

    [Fact]
    public async Task A_new_end_without_an_offset_is_refused()
    {
        await Supervised("EXI1");
        var exam = await Create(Body("serial:EXI1"));
        var end = Now.AddHours(2).ToString("yyyy-MM-dd'T'HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);

        using var refused = await server.Admin.PostAsync($"{Path}/{exam["id"]}/prolong", AdminServer.Json(new JsonObject { ["endsAt"] = end }.ToJsonString()));

        Assert.Contains("Write the offset", (string)(await AdminServer.Problem(refused, 400))["errors"]!["endsAt"]![0]!, StringComparison.Ordinal);
        await Post($"{Path}/{exam["id"]}/prolong", new JsonObject { ["endsAt"] = end + "+00:00" });
    }

    [Fact]
    public async Task An_exam_that_begins_at_once_for_nobody_is_refused_and_not_there()
    {
        var body = Body("serial:NOBODY");
        using var refused = await server.Admin.PostAsync(Path, AdminServer.Json(body.ToJsonString()));
        Assert.Equal("empty-target", (string)(await AdminServer.Problem(refused, 422))["code"]!);
        Assert.DoesNotContain((await Get($"{Path}?q={Uri.EscapeDataString((string)body["name"]!)}"))["items"]!.AsArray(), one => (string)one!["name"]! == (string)body["name"]!);
        Assert.Equal("coming", (string)(await Create(Body("serial:NOBODY", Later)))["phase"]!);
    }

    [Fact]
    public async Task Named_iPads_of_another_school_are_refused_and_one_that_moves_there_is_out_of_the_schools_sight()
    {
        var (own, other, moves) = (await Supervised("EXJ1"), await Supervised("EXJ2"), await Supervised("EXJ3"));
        var (north, south) = (await Post("/api/v1/schools", new JsonObject { ["name"] = Name("North") }, 201), await Post("/api/v1/schools", new JsonObject { ["name"] = Name("South") }, 201));
        await Move(own, north);
        await Move(other, south);
        await Move(moves, north);
        JsonObject Named(params string[] iPads) => Body(null, ("iPads", new JsonArray([.. iPads.Select(one => (JsonNode)one)])), ("schoolId", (string)north["id"]!));

        foreach (var path in new[] { Path, $"{Path}?dryRun=true" })
        {
            using var refused = await server.Admin.PostAsync(path, AdminServer.Json(Named("EXJ1", "EXJ2").ToJsonString()));
            Assert.Contains("EXJ2", (string)(await AdminServer.Problem(refused, 400))["errors"]!["iPads"]![0]!, StringComparison.Ordinal);
        }

        var exam = await Create(Named("EXJ1", "EXJ3"));
        using var added = await server.Admin.PostAsync($"{Path}/{exam["id"]}/devices", AdminServer.Json("""{"iPads": ["EXJ2"]}"""));
        Assert.Contains("EXJ2", (string)(await AdminServer.Problem(added, 400))["errors"]!["iPads"]![0]!, StringComparison.Ordinal);
        var coming = Named("EXJ1");
        coming["startsAt"] = Now.AddMinutes(30).ToString("O");
        var later = await Create(coming);
        using var changed = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{later["id"]}") { Content = AdminServer.Json(Named("EXJ2").ToJsonString()), Headers = { { "If-Match", "*" } } };
        using var unchanged = await server.Admin.SendAsync(changed);
        Assert.True((await AdminServer.Problem(unchanged, 400))["errors"]!.AsObject().ContainsKey("iPads"));

        // One leaves the school in the middle.
        foreach (var pad in new[] { own, moves }) await Report(pad, (await Next(pad))!.Value.Uuid);
        await Move(own, north);
        await Move(moves, south);
        var made = await Post("/api/v1/tokens", new JsonObject { ["name"] = "t", ["role"] = "school-technician", ["schools"] = new JsonArray((string)north["id"]!) }, 201);
        using var technician = server.Client((string)made["token"]!);
        using var rows = await technician.GetAsync($"{Path}/{exam["id"]}/devices");
        Assert.Equal(own.Id, (string)Assert.Single((await AdminServer.Body(rows, 200))["items"]!.AsArray())!["deviceId"]!);
        using var seen = await technician.GetAsync($"{Path}/{exam["id"]}");
        Assert.Equal(1, (int)(await AdminServer.Body(seen, 200))["counts"]!["locked"]!);
        using var foreign = await technician.PostAsync($"{Path}/{exam["id"]}/release", AdminServer.Json(new JsonObject { ["iPads"] = new JsonArray(moves.Id) }.ToJsonString()));
        await AdminServer.Problem(foreign, 400);
        using var all = await technician.PostAsync($"{Path}/{exam["id"]}/release", AdminServer.Json("{}"));
        Assert.Equal(1, (int)(await AdminServer.Body(all, 200))["iPads"]!);
        Assert.Equal(("releasing", "locked"), ((await Of(own, exam)).State, (await Of(moves, exam)).State));
    }

    [Fact]
    public async Task The_page_offers_no_release_where_nothing_is_locked_and_the_reason_wraps()
    {
        var plain = await server.Enrol(serial: "EXK1");
        await plain.Tell(new DeviceFacts { IsSupervised = false });
        var exam = await Create(Body("serial:EXK1"));

        var page = await server.Admin.GetStringAsync($"/exams/{exam["id"]}?state=all");

        Assert.Contains("Not possible", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Release now", page, StringComparison.Ordinal);
        Assert.Contains("class=\"lines\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_that_an_exam_names_says_so_when_it_is_to_go()
    {
        var name = Name("Examined");
        var group = await Post("/api/v1/groups", new JsonObject { ["name"] = name }, 201);
        await Create(Body($"group:\"{name}\"", Later));

        using var refused = await server.Admin.DeleteAsync($"/api/v1/groups/{group["id"]}");

        Assert.Contains("or an exam names it", (string)(await AdminServer.Problem(refused, 409))["detail"]!, StringComparison.Ordinal);
    }

    private async Task Move(TestPad pad, JsonObject school) => Assert.Equal(1, await server.Execute($"UPDATE devices SET school = '{school["name"]}' WHERE id = '{pad.Id}'"));

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) => new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
}
