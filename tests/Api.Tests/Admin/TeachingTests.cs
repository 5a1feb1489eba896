using System.Net;
using System.Text.Json.Nodes;
using CsCheck;
using FleetMdm.Api.SelfService;
using FleetMdm.Api.Teaching;
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

    private async Task<TestPad> Pad(string pupil, bool unlock = true)
    {
        var pad = await district.Give(pupil);
        if (unlock) await Server.Execute($"UPDATE devices SET unlock_token = x'00' WHERE id = '{pad.Id}'");
        return pad;
    }

    private static IEnumerable<(HttpMethod Method, string Path, HttpContent? Body)> On(string @class, string pad)
    {
        yield return (HttpMethod.Get, $"/api/v1/teach/classes/{@class}", null);
        yield return (HttpMethod.Get, $"/teach/{@class}", null);
        yield return (HttpMethod.Post, $"/api/v1/teach/classes/{@class}/look", null);
        yield return (HttpMethod.Post, $"/teach/{@class}/look", new FormUrlEncodedContent([]));
        foreach (var one in OnPad(@class, pad)) yield return one;
    }

    private static IEnumerable<(HttpMethod Method, string Path, HttpContent? Body)> OnPad(string @class, string pad)
    {
        yield return (HttpMethod.Post, $"/api/v1/teach/classes/{@class}/devices/{pad}/clear-passcode", null);
        yield return (HttpMethod.Post, $"/teach/{@class}/ipads/{pad}/clear-passcode", new FormUrlEncodedContent([]));
    }

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
