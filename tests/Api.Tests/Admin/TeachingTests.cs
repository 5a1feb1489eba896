using System.Net;
using System.Text.Json.Nodes;
using CsCheck;
using FleetMdm.Api.SelfService;
using FleetMdm.Api.Teaching;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Schools;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>The page of a teacher, over HTTP.</summary>
public sealed class TeachingTests(SelfServiceServer district) : IClassFixture<SelfServiceServer>
{
    private const string Always =
        """[{"day": "monday", "from": "00:00", "to": "23:59"}, {"day": "tuesday", "from": "00:00", "to": "23:59"}, {"day": "wednesday", "from": "00:00", "to": "23:59"}, {"day": "thursday", "from": "00:00", "to": "23:59"}, {"day": "friday", "from": "00:00", "to": "23:59"}, {"day": "saturday", "from": "00:00", "to": "23:59"}, {"day": "sunday", "from": "00:00", "to": "23:59"}]""";

    private static readonly string[] Zones = ["Europe/Stockholm", "America/Chicago", "Asia/Kolkata", "UTC", "No/Where"];

    private AdminServer Server => district.Server;

    /// <summary>In no time zone it is this day now.</summary>
    private static string Never => $$"""[{"day": "{{TimeProvider.System.GetUtcNow().AddDays(3).DayOfWeek.ToString().ToLowerInvariant()}}", "from": "08:00", "to": "15:00"}]""";

    private const string App = "org.example.lesson";

    private async Task<TestPad> Pad(string pupil, bool unlock = true, bool supervised = true)
    {
        var pad = await district.Give(pupil, supervised);
        if (unlock) await Server.Execute($"UPDATE devices SET unlock_token = x'00' WHERE id = '{pad.Id}'");
        return pad;
    }

    private static IEnumerable<(HttpMethod Method, string Path, HttpContent? Body)> On(string @class, string pad)
    {
        yield return (HttpMethod.Get, $"/api/v1/teach/classes/{@class}", null);
        yield return (HttpMethod.Get, $"/teach/{@class}", null);
        yield return (HttpMethod.Post, $"/api/v1/teach/classes/{@class}/look", null);
        yield return (HttpMethod.Post, $"/teach/{@class}/look", new FormUrlEncodedContent([]));
        yield return (HttpMethod.Post, $"/api/v1/teach/classes/{@class}/lock", AdminServer.Json(Body()));
        yield return (HttpMethod.Post, $"/teach/{@class}/lock", Form());
        yield return (HttpMethod.Post, $"/api/v1/teach/classes/{@class}/attention", null);
        yield return (HttpMethod.Post, $"/teach/{@class}/attention", new FormUrlEncodedContent([]));
        foreach (var one in OnPad(@class, pad)) yield return one;
    }

    private static IEnumerable<(HttpMethod Method, string Path, HttpContent? Body)> OnPad(string @class, string pad)
    {
        yield return (HttpMethod.Post, $"/api/v1/teach/classes/{@class}/devices/{pad}/clear-passcode", null);
        yield return (HttpMethod.Post, $"/teach/{@class}/ipads/{pad}/clear-passcode", new FormUrlEncodedContent([]));
        yield return (HttpMethod.Post, $"/api/v1/teach/classes/{@class}/devices/{pad}/lock", AdminServer.Json(Body()));
        yield return (HttpMethod.Post, $"/teach/{@class}/ipads/{pad}/lock", Form());
    }

    private static string Body(string app = App, int? minutes = null) => new JsonObject { ["bundleId"] = app, ["minutes"] = minutes }.ToJsonString();

    private static FormUrlEncodedContent Form() => new([new("app", App), new("minutes", "45")]);

    /// <summary>As the iPads told it.</summary>
    private async Task Has(TestPad pad, params string[] apps)
    {
        await Server.Execute($"INSERT INTO inventory_lists (device_id, list, digest, as_of, changed_at, items, cut) VALUES ('{pad.Id}', 1, x'00112233445566778899AABBCCDDEEFF', 0, 0, 1, 0)");
        foreach (var app in apps) await Server.Execute($"INSERT INTO inventory_items (device_id, list, key, name, details) VALUES ('{pad.Id}', 1, '{app}', 'App {app.Split('.')[^1]}', '{{}}')");
    }

    private static async Task<JsonObject> Post(HttpClient browser, string path, string? body = null, int status = 200)
    {
        using var answer = await browser.PostAsync(path, body is null ? null : AdminServer.Json(body));
        return status < 400 ? await AdminServer.Body(answer, status) : await AdminServer.Problem(answer, status);
    }

    private static async Task<JsonObject> Get(HttpClient browser, string path)
    {
        using var answer = await browser.GetAsync(path);
        return await AdminServer.Body(answer, 200);
    }

    private static string? State(JsonObject view, string pupil) => (string?)view["items"]!.AsArray().Single(one => (string)one!["name"]! == pupil)!["device"]!["standing"]?["state"];

    /// <summary>What the iPad gets now, and answers.</summary>
    private static async Task<string?> Answers(TestPad pad, ReportStatus status = ReportStatus.Acknowledged)
    {
        var reply = await pad.Idle();
        var uuid = reply.Profile is { } profile ? profile.CommandUuid
            : reply.Body is { } body ? System.Text.Encoding.UTF8.GetString(body).Split("<key>CommandUUID</key>")[1].Split("<string>")[1].Split('<')[0] : null;
        if (uuid is not null) await pad.Grain.Report(new CommandReportMessage { Status = status, CommandUuid = uuid, Result = "<plist version=\"1.0\"><dict/></plist>"u8.ToArray() }, pad.Certificate);
        return uuid;
    }

    private async Task<int> Recorded(string verb, string @class) => (await Get(Server.Admin, $"/api/v1/audit?verb={verb}&target={@class}&result=done"))["items"]!.AsArray().Count;

    private static async Task AllAre(HttpClient browser, HttpStatusCode status, IEnumerable<(HttpMethod Method, string Path, HttpContent? Body)> asked)
    {
        List<string> wrong = [];
        foreach (var (method, path, body) in asked)
        {
            using var response = await browser.SendAsync(new HttpRequestMessage(method, path) { Content = body });
            if (response.StatusCode != status) wrong.Add($"{method} {path} → {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task A_teacher_sees_her_class_and_clears_a_passcode_and_what_is_of_another_class_does_not_exist()
    {
        var school = await district.School("Teaching school", Always);
        var (teacher, other, pupil, foreign) = (await district.Person("Teacher", role: "teacher"), await district.Person("Colleague", role: "teacher"), await district.Person("Mine"), await district.Person("Theirs"));
        var mine = await district.Class(school, "7B", teacher, pupil, await district.Person("Without"));
        var theirs = await district.Class(school, "8C", other, foreign);
        var (pad, foreignPad) = (await Pad(pupil), await Pad(foreign));
        using var browser = await district.Browser(teacher, "teacher");

        using var list = await browser.GetAsync("/api/v1/teach/classes");
        var one = Assert.Single((await AdminServer.Body(list, 200))["items"]!.AsArray())!;
        Assert.Equal((mine, 2, 1, true), ((string)one["id"]!, (int)one["pupils"]!, (int)one["iPads"]!, (bool)one["lesson"]!));
        // Written with others, up to a minute later.
        await Server.Services.GetRequiredService<IDeviceStore>().Touch([(pad.Id, TimeProvider.System.GetUtcNow())]);
        using (var shown = await browser.GetAsync($"/api/v1/teach/classes/{mine}"))
        {
            var items = (await AdminServer.Body(shown, 200))["items"]!.AsArray();
            Assert.Equal(["Mine", "Without"], items.Select(item => (string)item!["name"]!));
            Assert.Equal((pad.Id, true, true), ((string)items[0]!["device"]!["id"]!, (bool)items[0]!["device"]!["here"]!, (bool)items[0]!["device"]!["canClearPasscode"]!));
        }

        using (var cleared = await browser.PostAsync($"/api/v1/teach/classes/{mine}/devices/{pad.Id}/clear-passcode", null)) Assert.Equal(HttpStatusCode.NoContent, cleared.StatusCode);
        var command = Assert.Single(JsonNode.Parse(await Server.Admin.GetStringAsync(pad.Path))!["queue"]!.AsArray())!;
        Assert.Equal("ClearPasscode", (string?)command["requestType"]);
        using (var looked = await browser.PostAsync($"/api/v1/teach/classes/{mine}/look", null)) await AdminServer.Body(looked, 200);
        using (var again = await browser.PostAsync($"/api/v1/teach/classes/{mine}/look", null)) await AdminServer.Problem(again, 429);

        // Another's class, another's iPad in one's own class, one's own iPad in another's class.
        await AllAre(browser, HttpStatusCode.NotFound, On(theirs, foreignPad.Id));
        await AllAre(browser, HttpStatusCode.NotFound, OnPad(mine, foreignPad.Id));
        await AllAre(browser, HttpStatusCode.NotFound, OnPad(theirs, pad.Id));
        Assert.Empty(JsonNode.Parse(await Server.Admin.GetStringAsync(foreignPad.Path))!["queue"]!.AsArray());

        // Who is a pupil in it teaches nothing, whatever the role of the account.
        await district.Member(mine, teacher, "pupil");
        await AllAre(browser, HttpStatusCode.NotFound, On(mine, pad.Id));
        await district.Member(mine, teacher, "teacher");
        // The pupil has handed it back.
        using (var returned = await Server.Admin.DeleteAsync($"{pad.Path}/holder")) Assert.True(returned.IsSuccessStatusCode);
        await AllAre(browser, HttpStatusCode.NotFound, OnPad(mine, pad.Id));
        await Server.Execute($"UPDATE classes SET ends_on = '2020-01-01' WHERE id = '{mine}'");
        await AllAre(browser, HttpStatusCode.NotFound, On(mine, pad.Id));
        using var none = await browser.GetAsync("/api/v1/teach/classes");
        Assert.Empty((await AdminServer.Body(none, 200))["items"]!.AsArray());
    }

    [Fact]
    public async Task Outside_the_schools_hours_a_teacher_looks_and_does_nothing()
    {
        var school = await district.School("Closed school", Never);
        var (teacher, pupil) = (await district.Person("Early", role: "teacher"), await district.Person("Late"));
        var id = await district.Class(school, "1A", teacher, pupil);
        var pad = await Pad(pupil);
        using var browser = await district.Browser(teacher, "teacher");
        Assert.Contains("It is no lesson now", await browser.GetStringAsync($"/teach/{id}"));
        await AllAre(browser, HttpStatusCode.Conflict, On(id, pad.Id).Skip(2));
        Assert.Empty(JsonNode.Parse(await Server.Admin.GetStringAsync(pad.Path))!["queue"]!.AsArray());
    }

    [Fact]
    public async Task A_teacher_locks_her_class_into_an_app_and_another_teacher_of_it_releases_it()
    {
        var school = await district.School("Lesson school", Always);
        var (teacher, colleague) = (await district.Person("Lind", role: "teacher"), await district.Person("Colleague", role: "teacher"));
        var (ali, bo, cia, disa) = (await district.Person("Ali"), await district.Person("Bo"), await district.Person("Cia"), await district.Person("Disa"));
        var id = await district.Class(school, "7L", teacher, ali, bo, cia, disa);
        await district.Member(id, colleague, "teacher");
        var (first, second, plain, without) = (await Pad(ali), await Pad(bo), await Pad(cia, supervised: false), await Pad(disa));
        await Has(first, App, "org.example.other");
        await Has(second, App);
        await Has(without, "org.example.other");
        using var browser = await district.Browser(teacher, "teacher");
        using var other = await district.Browser(colleague, "teacher");
        var path = $"/api/v1/teach/classes/{id}";

        Assert.Equal([App, "org.example.other"], (await Get(browser, $"{path}/apps"))["items"]!.AsArray().Select(one => (string)one!["bundleId"]!));
        Assert.Equal(["App other"], (await Get(browser, $"{path}/apps?q=OTHER"))["items"]!.AsArray().Select(one => (string)one!["name"]!));
        Assert.Equal("does-not-fit", (string)(await Post(browser, $"{path}/lock", Body("org.example.nowhere"), 409))["code"]!);
        await Post(browser, $"{path}/lock", Body(minutes: 121), 400);

        var done = await Post(browser, $"{path}/lock", Body());
        Assert.Equal(2, (int)done["iPads"]!);
        Assert.Equal(["Cia: It is not supervised. Ask a technician.", "Disa: App lesson is not on it."], done["leftOut"]!.AsArray().Select(one => (string)one!));
        // Pressed twice is once, by whomever.
        Assert.Equal(0, (int)(await Post(browser, $"{path}/lock", Body()))["iPads"]!);
        Assert.Equal(0, (int)(await Post(other, $"{path}/devices/{second.Id}/lock", Body()))["iPads"]!);
        Assert.Equal(1, await Recorded("lesson.lock", id));
        Assert.Equal("lesson-running", (string)(await Post(other, $"{path}/lock", Body("org.example.other"), 409))["code"]!);

        Assert.StartsWith("F1EE7003-", await Answers(first), StringComparison.Ordinal);
        var view = await Get(browser, path);
        Assert.Equal(("App lesson", true, 1, 1), ((string)view["lock"]!["appName"]!, (bool)view["lock"]!["running"]!, (int)view["lock"]!["locked"]!, (int)view["lock"]!["waiting"]!));
        Assert.Equal(("locked", "waits", null), (State(view, "Ali"), State(view, "Bo"), State(view, "Cia")));
        Assert.InRange((DateTimeOffset)view["lock"]!["endsAt"]!, TimeProvider.System.GetUtcNow(), TimeProvider.System.GetUtcNow().AddMinutes(45));
        var page = await browser.GetStringAsync($"/teach/{id}");
        Assert.Contains("Release the class", page, StringComparison.Ordinal);
        Assert.Contains("It has never come.", page, StringComparison.Ordinal);
        // What is locked into an app is not locked by its passcode as well: it could not be released.
        Assert.Contains("Ali: it is locked into an app.", (await Post(browser, $"{path}/attention"))["leftOut"]!.AsArray().Select(one => (string)one!));
        Assert.DoesNotContain("DeviceLock", await Server.Admin.GetStringAsync(first.Path), StringComparison.Ordinal);

        // One, whatever the pupil has done with it since: nobody stays locked in.
        using (var returned = await Server.Admin.DeleteAsync($"{first.Path}/holder")) Assert.True(returned.IsSuccessStatusCode);
        Assert.Equal(first.Id, (string)Assert.Single((await Get(browser, path))["others"]!.AsArray())!["id"]!);
        Assert.Equal(1, (int)(await Post(other, $"{path}/devices/{first.Id}/release"))["iPads"]!);
        Assert.StartsWith("F1EE7004-", await Answers(first), StringComparison.Ordinal);
        Assert.Empty((await Get(browser, path))["others"]!.AsArray());
        // Now it is nobody's of the class.
        await Post(browser, $"{path}/devices/{first.Id}/lock", Body(), 404);
        Assert.Equal(0, (int)(await Post(browser, $"{path}/devices/{plain.Id}/release"))["iPads"]!);
        await Post(browser, $"{path}/devices/{(await Pad(await district.Person("Stranger"))).Id}/release", null, 404);

        Assert.True((int)(await Post(other, $"{path}/release"))["iPads"]! >= 0);
        Assert.Null(await Answers(second));
        view = await Get(browser, path);
        Assert.Equal((false, "released"), ((bool)view["lock"]!["running"]!, State(view, "Bo")));
        Assert.Equal(2, await Recorded("lesson.release", id));
        Assert.Equal(0, (int)(await Post(other, $"{path}/release"))["iPads"]!);
        Assert.Equal(1, (int)(await Post(browser, $"{path}/lock", Body()))["iPads"]!);
    }

    [Fact]
    public async Task Outside_the_schools_hours_a_class_that_is_locked_can_be_released_and_not_locked()
    {
        var school = await district.School("Closing school", Always);
        var (teacher, pupil) = (await district.Person("Dusk", role: "teacher"), await district.Person("Night"));
        var id = await district.Class(school, "7D", teacher, pupil);
        var pad = await Pad(pupil);
        await Has(pad, App);
        using var browser = await district.Browser(teacher, "teacher");
        await Post(browser, $"/api/v1/teach/classes/{id}/lock", Body());
        await Answers(pad);
        await Server.Execute($"UPDATE schools SET hours = (SELECT hours FROM schools WHERE id = '{await district.School("Shut", Never)}') WHERE id = '{school}'");

        Assert.Equal("not-in-lesson", (string)(await Post(browser, $"/api/v1/teach/classes/{id}/lock", Body(), 409))["code"]!);
        Assert.Contains("You can release the class.", await browser.GetStringAsync($"/teach/{id}"), StringComparison.Ordinal);
        Assert.Equal(1, (int)(await Post(browser, $"/api/v1/teach/classes/{id}/release"))["iPads"]!);
        Assert.StartsWith("F1EE7004-", await Answers(pad), StringComparison.Ordinal);
        Assert.Contains("lesson 7D: App lesson", await Server.Admin.GetStringAsync($"/ipads/{pad.Id}/commands"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exam_of_a_technician_comes_first_and_the_teacher_is_told()
    {
        var school = await district.School("Exam school", Always);
        var (teacher, ali, bo) = (await district.Person("Exam", role: "teacher"), await district.Person("Ali"), await district.Person("Bo"));
        var id = await district.Class(school, "7E", teacher, ali, bo);
        var (inExam, free) = (await Pad(ali), await Pad(bo));
        await Has(inExam, App);
        await Has(free, App);
        using var browser = await district.Browser(teacher, "teacher");
        var ends = TimeProvider.System.GetUtcNow().AddHours(1).ToString("O");
        string Exam(string pad) => $$"""{"name": "Maths", "app": {"bundleId": "org.example.exam"}, "iPads": ["{{pad}}"], "endsAt": "{{ends}}"}""";
        await Post(Server.Admin, "/api/v1/exams", Exam(inExam.Id), 201);

        var done = await Post(browser, $"/api/v1/teach/classes/{id}/lock", Body());
        Assert.Equal((1, "Ali: an exam has it, and comes first."), ((int)done["iPads"]!, (string)Assert.Single(done["leftOut"]!.AsArray())!));
        Assert.Equal("exam-holds", (string)(await Post(browser, $"/api/v1/teach/classes/{await district.Class(school, "8E", teacher, ali)}/lock", Body(), 409))["code"]!);
        await Answers(inExam);
        Assert.Contains("In the exam Maths until", await browser.GetStringAsync($"/teach/{id}"), StringComparison.Ordinal);

        // One that begins in the middle of the lesson takes the iPad over.
        await Answers(free);
        Assert.Equal("locked", State(await Get(browser, $"/api/v1/teach/classes/{id}"), "Bo"));
        await Post(Server.Admin, "/api/v1/exams", Exam(free.Id), 201);
        Assert.StartsWith("F1EE7004-", await Answers(free), StringComparison.Ordinal);
        Assert.StartsWith("F1EE7003-", await Answers(free), StringComparison.Ordinal);
        var page = await browser.GetStringAsync($"/teach/{id}");
        Assert.Equal(2, page.Split("In the exam Maths until").Length - 1);
        Assert.Equal("released", State(await Get(browser, $"/api/v1/teach/classes/{id}"), "Bo"));
    }

    [Fact]
    public async Task Attention_turns_the_screens_off_once_in_half_a_minute()
    {
        var school = await district.School("Loud school", Always);
        var (teacher, pupil) = (await district.Person("Loud", role: "teacher"), await district.Person("Busy"));
        var id = await district.Class(school, "7A", teacher, pupil, await district.Person("Nobody"));
        var pad = await Pad(pupil);
        using var browser = await district.Browser(teacher, "teacher");
        Assert.Equal(1, (int)(await Post(browser, $"/api/v1/teach/classes/{id}/attention"))["iPads"]!);
        var command = Assert.Single(JsonNode.Parse(await Server.Admin.GetStringAsync(pad.Path))!["queue"]!.AsArray())!;
        Assert.Equal("DeviceLock", (string?)command["requestType"]);
        await Post(browser, $"/api/v1/teach/classes/{id}/attention", null, 429);
        Assert.Equal(1, await Recorded("lesson.attention", id));
    }

    [Fact]
    public async Task An_iPad_without_an_unlock_token_is_not_promised_anything()
    {
        var school = await district.School("Tokenless school", Always);
        var (teacher, pupil) = (await district.Person("T2", role: "teacher"), await district.Person("P2"));
        var id = await district.Class(school, "2A", teacher, pupil);
        var pad = await Pad(pupil, unlock: false);
        using var browser = await district.Browser(teacher, "teacher");
        Assert.DoesNotContain("Clear the passcode", await browser.GetStringAsync($"/teach/{id}"));
        await AllAre(browser, HttpStatusCode.Conflict, OnPad(id, pad.Id));
    }

    [Fact]
    public void It_is_a_lesson_exactly_while_the_clock_on_the_wall_is_within_the_hours_and_its_end_is_ahead() =>
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 1438], Gen.Int[1, 1439], Gen.Int[0, 4].Select(i => Zones[i]), Gen.Long[1_767_225_600, 1_830_297_600])
            .Where(made => made.Item2 < made.Item3)
            .Sample(made =>
            {
                var (day, from, to, zone, seconds) = made;
                var now = DateTimeOffset.FromUnixTimeSeconds(seconds);
                var lesson = LessonTime.At([new SchoolHours((DayOfWeek)day, from, to)], zone, now);
                var wall = TimeZoneInfo.ConvertTime(now, zone == "No/Where" ? TimeZoneInfo.Utc : TimeZoneInfo.FindSystemTimeZoneById(zone));
                Assert.Equal((int)wall.DayOfWeek == day && wall.TimeOfDay.TotalMinutes >= from && wall.TimeOfDay.TotalMinutes < to, lesson.IsOpen);
                if (lesson.IsOpen) Assert.InRange(lesson.Ends!.Value - now, TimeSpan.FromTicks(1), TimeSpan.FromHours(26));
                else Assert.Null(lesson.Ends);
            }, iter: 20_000);

    [Fact]
    public void What_the_school_can_do_is_said_exactly_where_the_enrolment_allows_it() =>
        Gen.Select(Gen.Int[0, 8191], Gen.Int[0, 2].Select(i => i == 0 ? (bool?)null : i == 1), Gen.Enum<EnrolmentKind>(), Gen.Enum<EnrolmentStatus>(), Gen.Bool).Sample(made =>
        {
            var (rights, supervised, kind, status, everything) = made;
            var words = SchoolWords.Of(new DeviceRow
            {
                Id = "a",
                DeviceId = "a",
                Kind = kind,
                Status = status,
                IsSupervised = supervised,
                AccessRights = everything ? null : rights,
            });
            var managed = status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled;
            bool May(int right) => managed && (everything || (rights & right) != 0);
            var own = kind == EnrolmentKind.UserEnrollment;
            Assert.Equal(May(8) && !own, words.MayDo.Any(line => line.StartsWith("Erase it", StringComparison.Ordinal)));
            var canBeLost = May(4) && supervised == true && !own;
            Assert.Equal(canBeLost, words.Sees.Any(line => line.StartsWith("Where it is", StringComparison.Ordinal)));
            Assert.Equal(managed && !canBeLost, words.NeverSees.Contains("Where it is."));
            Assert.Equal(managed && !May(256), words.NeverSees.Contains("Which apps are on it."));
            Assert.All((string[])[.. words.Sees, .. words.MayDo, .. words.NeverSees], line => Assert.EndsWith(".", line));
            Assert.NotEmpty(words.MayDo);
        }, iter: 20_000);
}
