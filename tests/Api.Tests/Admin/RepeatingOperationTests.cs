using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Operations that are started again and again: by REST and in the console.</summary>
public sealed class RepeatingOperationTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/repeating-operations";

    private static string Request(string more = "", string command = "RestartDevice", string target = """{"all": true}""") =>
        $$"""{"name": "Friday", "target": {{target}}, "command": {"requestType": "{{command}}" }, "at": "17:00", "days": ["friday"], "timeZone": "Europe/Stockholm"{{more}}}""";

    private async Task<JsonObject> Create(string more = "")
    {
        using var made = await server.Admin.PostAsync(Path, AdminServer.Json(Request(more)));
        return await AdminServer.Body(made, 201);
    }

    private async Task<JsonObject> Post(string path, int status)
    {
        using var answer = await server.Admin.PostAsync(path, null);
        return status < 300 ? await AdminServer.Body(answer, status) : await AdminServer.Problem(answer, status);
    }

    [Fact]
    public async Task It_is_created_shown_paused_let_go_on_and_ended()
    {
        var made = await Create(""", "pace": {"waves": [5]}, "expiresInHours": 12""");
        var path = $"{Path}/{made["id"]}";
        Assert.Equal(("Running", "17:00", "Europe/Stockholm", 12), ((string?)made["state"], (string?)made["at"], (string?)made["timeZone"], (int?)made["expiresInHours"]));
        Assert.StartsWith("Friday at 17:00 (Europe/Stockholm); in waves: the first 5, then all", (string?)made["words"]);
        var next = TimeZoneInfo.ConvertTime((DateTimeOffset)made["nextAt"]!, TimeZoneInfo.FindSystemTimeZoneById("Europe/Stockholm"));
        Assert.Equal((DayOfWeek.Friday, 17), (next.DayOfWeek, next.Hour));

        var paused = await Post(path + "/pause", 200);
        Assert.Equal(("Paused", null), ((string?)paused["state"], paused["nextAt"]));
        Assert.Equal("Paused", (string?)(await Post(path + "/pause", 200))["state"]);
        var on = await Post(path + "/go-on", 200);
        Assert.Equal(("Running", (string?)made["nextAt"]), ((string?)on["state"], (string?)on["nextAt"]));
        using (var list = await server.Admin.GetAsync(Path))
            Assert.Contains((await AdminServer.Body(list, 200))["items"]!.AsArray(), item => (string?)item!["id"] == (string?)made["id"]);
        using (var ended = await server.Admin.DeleteAsync(path))
            Assert.Equal("Ended", (string?)(await AdminServer.Body(ended, 200))["state"]);
        Assert.Equal("operation-finished", (string?)(await Post(path + "/go-on", 409))["code"]);
        await Post(path + "/pause", 409);
        await Post($"{Path}/{Guid.NewGuid()}/pause", 404);
        await Post($"{Path}/nothing/go-on", 404);
    }

    [Theory]
    [InlineData(""", "pace": {"startAt": "2030-01-01T00:00:00Z"}""", "pace.startAt")]
    [InlineData(""", "pace": {"waves": [0]}""", "pace.waves[0]")]
    [InlineData(""", "expiresInHours": 0""", "expiresInHours")]
    public async Task What_makes_no_sense_is_refused(string more, string field)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(Request(more)));
        await AdminServer.Blames(answer, field);
    }

    [Theory]
    [InlineData("at", "\"25:00\"", "at")]
    [InlineData("at", "\"24:00\"", "at")]
    [InlineData("at", "\"\"", "at")]
    [InlineData("days", "[]", "days")]
    [InlineData("days", "[\"Caturday\"]", "days[0]")]
    [InlineData("days", "[\"1\"]", "days[0]")]
    [InlineData("timeZone", "\"Nowhere/None\"", "timeZone")]
    [InlineData("timeZone", "\"../../etc/passwd\"", "timeZone")]
    [InlineData("name", "\" \"", "name")]
    [InlineData("target", """{"ids": ["A"]}""", "target.ids")]
    [InlineData("target", """{"filter": {"seenBefore": "2026-01-01T00:00:00Z"}}""", "target.filter")]
    [InlineData("target", "{}", "target")]
    [InlineData("command", """{"requestType": "EraseDevice"}""", "command")]
    public async Task A_field_that_makes_no_sense_is_refused(string field, string value, string blamed)
    {
        var request = JsonNode.Parse(Request())!.AsObject();
        request[field] = JsonNode.Parse(value);
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(request.ToJsonString()));
        await AdminServer.Blames(answer, blamed);
    }

    [Fact]
    public async Task A_form_that_comes_twice_creates_one()
    {
        async Task<JsonObject> Send()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = AdminServer.Json(Request()), Headers = { { "Idempotency-Key", "twice" } } };
            using var answer = await server.Admin.SendAsync(request);
            return await AdminServer.Body(answer, 201);
        }

        Assert.Equal((string?)(await Send())["id"], (string?)(await Send())["id"]);
    }

    [Fact]
    public async Task The_console_creates_shows_and_ends_it()
    {
        await server.Enrol(name: "Wiederkehr");
        (string, string)[] chosen = [("q", "wiederkehr"), ("type", "DeviceInformation")];
        using (var wrong = await server.SendToMany([.. chosen, ("repeat-days", "weekdays"), ("repeat-at", "17:00")]))
        {
            Assert.Equal(400, (int)wrong.StatusCode);
            Assert.Contains("repeat-name-error", await wrong.Content.ReadAsStringAsync());
        }

        using var check = await server.SendToMany([.. chosen, ("repeat-days", "weekdays"), ("repeat-at", "17:00"), ("repeat-name", "After school")]);
        var shown = await check.Content.ReadAsStringAsync();
        Assert.Contains("Monday to Friday at 17:00", shown);
        Assert.Contains("Save the repeating operation", shown);
        using var saved = await server.SendToMany([.. AdminServer.ConfirmFields(shown), ("repeat-days", "weekdays"), ("repeat-at", "17:00"), ("repeat-name", "After school")]);
        Assert.Equal(303, (int)saved.StatusCode);
        var path = saved.Headers.Location!.ToString();
        Assert.StartsWith("/operations/repeating/", path);
        Assert.Contains("Monday, Tuesday, Wednesday, Thursday, Friday at 17:00 (UTC)", await server.Admin.GetStringAsync(path));
        Assert.Contains("After school", await server.Admin.GetStringAsync("/operations/repeating"));
        foreach (var (step, state) in new[] { ("pause", "Paused"), ("go-on", "Running"), ("end", "Ended") })
        {
            using var steered = await server.Admin.PostAsync($"{path}/{step}", new FormUrlEncodedContent([]));
            Assert.Equal(303, (int)steered.StatusCode);
            Assert.Contains(state, await server.Admin.GetStringAsync(path));
        }

        using var late = await server.Admin.PostAsync($"{path}/go-on", new FormUrlEncodedContent([]));
        Assert.Equal(409, (int)late.StatusCode);
    }
}
