using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Operations that begin in waves and in windows: by REST and in the console.</summary>
public sealed class OperationPaceTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/operations";
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    private async Task<List<TestPad>> Fleet(int count)
    {
        var pads = new List<TestPad>();
        for (var i = 0; i < count; i++) pads.Add(await server.Enrol());
        // As they begin.
        return [.. pads.OrderBy(pad => pad.Id[^6..], StringComparer.Ordinal)];
    }

    private static string Request(IEnumerable<TestPad> pads, string pace, string command = "DeviceInformation", string more = "") =>
        $$$"""{"target": {"ids": [{{{string.Join(',', pads.Select(pad => $"\"{pad.Id}\""))}}}]}, "command": {"requestType": "{{{command}}}"}, "push": false, "pace": {{{pace}}}{{{more}}}}""";

    private async Task<JsonObject> Start(IEnumerable<TestPad> pads, string pace)
    {
        using var started = await server.Admin.PostAsync(Path, AdminServer.Json(Request(pads, pace)));
        return await AdminServer.Body(started, 202);
    }

    private async Task<JsonObject> Operation(string id, Func<JsonObject, bool> there)
    {
        using var guard = new CancellationTokenSource(Guard);
        while (true)
        {
            using var answer = await server.Admin.GetAsync($"{Path}/{id}", guard.Token);
            var operation = await AdminServer.Body(answer, 200);
            if (there(operation)) return operation;
            await server.Grains.GetGrain<IOperationGrain>(id).Resume();
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, guard.Token);
        }
    }

    private async Task<JsonObject> Post(string path, int status, string? body = null)
    {
        using var answer = await server.Admin.PostAsync(path, body is null ? null : AdminServer.Json(body));
        return status < 300 ? await AdminServer.Body(answer, status) : await AdminServer.Problem(answer, status);
    }

    [Fact]
    public async Task An_operation_in_waves_stops_goes_on_and_tries_the_failed_again()
    {
        var pads = await Fleet(4);
        var started = await Start(pads, """{"waves": [2, "100%"], "stopWhenFailed": 20, "sample": 2}""");
        var (id, uuid) = ((string)started["id"]!, (string)started["commandUuid"]!);
        Assert.Equal(4, (long?)started["total"]);
        await Operation(id, one => (long?)one["queued"] == 2);
        Assert.Null((await pads[2].Idle()).Body);

        await pads[0].Answer(uuid, ReportStatus.Error);
        await pads[1].Answer(uuid, ReportStatus.Error);
        var stopped = await Operation(id, one => (string?)one["pace"]!["state"] == "Paused");
        Assert.StartsWith("2 of the first 2 failed", (string?)stopped["pace"]!["stopReason"]);
        Assert.False((bool?)stopped["complete"]);
        Assert.Equal(2, (long?)stopped["pace"]!["notBegun"]);
        using (var listed = await server.Admin.GetAsync($"{Path}/{id}/devices?status=notBegun"))
        {
            var items = (await AdminServer.Body(listed, 200))["items"]!.AsArray();
            Assert.Equal([pads[2].Id, pads[3].Id], items.Select(item => (string)item!["id"]!).OrderBy(one => one[^6..], StringComparer.Ordinal));
            Assert.All(items, item => Assert.Equal("NotBegun", (string?)item!["state"]));
        }

        using (var trail = await server.Admin.GetAsync($"/api/v1/audit?target={id}&verb=operation.pause"))
        {
            var record = Assert.Single((await AdminServer.Body(trail, 200))["items"]!.AsArray())!;
            Assert.Equal("server", (string?)record["actorKind"]);
            Assert.StartsWith("2 of the first 2 failed", (string?)record["detail"]);
        }

        await Post($"{Path}/{id}/pause", 200);
        await Post($"{Path}/{id}/go-on", 200);
        await Operation(id, one => (string?)one["pace"]!["state"] == "Over" && (long?)one["queued"] == 2);
        Assert.Contains(uuid, System.Text.Encoding.UTF8.GetString((await pads[2].Idle()).Body!));
        Assert.Equal("operation-finished", (string?)(await Post($"{Path}/{id}/pause", 409))["code"]);
        Assert.Equal("operation-finished", (string?)(await Post($"{Path}/{id}/go-on", 409))["code"]);

        Assert.Equal("not-as-expected", (string?)(await Post($"{Path}/{id}/retry", 409, """{"expected": 3}"""))["code"]);
        var again = await Post($"{Path}/{id}/retry", 202, """{"expected": 2}""");
        Assert.Equal(2, (long?)again["total"]);
        var retry = await Operation((string)again["id"]!, one => (long?)one["queued"] == 2);
        Assert.Equal(id, (string?)retry["retryOf"]);
        // The limits of schools stay; the waves do not.
        Assert.Single(retry["pace"]!["waves"]!.AsArray());
        var first = await Operation(id, _ => true);
        Assert.Equal([(string)again["id"]!], first["retries"]!.AsArray().Select(one => (string)one!));
        Assert.Equal("empty-target", (string?)(await Post($"{Path}/{again["id"]}/retry", 422, "{}"))["code"]);
    }

    [Fact]
    public async Task A_plain_operation_has_no_pace_and_cannot_be_paused()
    {
        var pads = await Fleet(1);
        using var started = await server.Admin.PostAsync(Path, AdminServer.Json(
            $$$"""{"target": {"ids": ["{{{pads[0].Id}}}"]}, "command": {"requestType": "DeviceInformation"}, "push": false}"""));
        var id = (string)(await AdminServer.Body(started, 202))["id"]!;
        Assert.Null((await Operation(id, _ => true))["pace"]);
        await Post($"{Path}/{id}/pause", 409);
        await Post($"{Path}/{id}/go-on", 409);
        await Post($"{Path}/{Guid.NewGuid()}/pause", 404);
        await Post($"{Path}/nothing/go-on", 404);
        await Post($"{Path}/{Guid.NewGuid()}/retry", 404, "{}");
    }

    [Fact]
    public async Task What_waits_says_for_what()
    {
        var pads = await Fleet(1);
        var later = TimeProvider.System.GetUtcNow().AddHours(5);
        var id = (string)(await Start(pads, $$$"""{"startAt": "{{{later:O}}}", "window": {"when": "afterSchoolHours"}}"""))["id"]!;
        var operation = await Operation(id, one => one["pace"]!["waits"]!.AsArray().Count > 0);
        var wait = operation["pace"]!["waits"]![0]!;
        Assert.Equal(("start", 1), ((string?)wait["code"], (long?)wait["iPads"]));
        Assert.Matches("^1 iPad waits for .*[0-9]{2}:[0-9]{2}, when the operation begins$", (string?)wait["words"]);
        Assert.Equal("afterSchoolHours", (string?)operation["pace"]!["window"]!["when"]);
        using var cancelled = await server.Admin.DeleteAsync($"{Path}/{id}");
        var ended = await AdminServer.Body(cancelled, 202);
        Assert.Equal((1, 0, true), ((long?)ended["ended"], (long?)ended["pace"]!["notBegun"], (bool?)ended["complete"]));
        Assert.Null((await pads[0].Idle()).Body);
    }

    [Theory]
    [InlineData("""{"waves": [0]}""", "pace.waves[0]")]
    [InlineData("""{"waves": ["101%"]}""", "pace.waves[0]")]
    [InlineData("""{"waves": [10, true]}""", "pace.waves[1]")]
    [InlineData("""{"waves": [10, "ten"]}""", "pace.waves[1]")]
    [InlineData("""{"waves": [1.5]}""", "pace.waves[0]")]
    [InlineData("""{"waves": [1e3]}""", "pace.waves[0]")]
    [InlineData("""{"waves": [-1]}""", "pace.waves[0]")]
    [InlineData("""{"waves": [99999999999999999999]}""", "pace.waves[0]")]
    [InlineData("""{"waves": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}""", "pace.waves")]
    [InlineData("""{"stopWhenFailed": 0}""", "pace.stopWhenFailed")]
    [InlineData("""{"stopWhenFailed": 101}""", "pace.stopWhenFailed")]
    [InlineData("""{"sample": 0}""", "pace.sample")]
    [InlineData("""{"nextWhenDone": 0}""", "pace.nextWhenDone")]
    [InlineData("""{"waveHours": 721}""", "pace.waveHours")]
    [InlineData("""{"slotMinutes": 0}""", "pace.slotMinutes")]
    [InlineData("""{"startAt": "2020-01-01T00:00:00Z"}""", "pace.startAt")]
    [InlineData("""{"startAt": "9999-01-01T00:00:00Z"}""", "pace.startAt")]
    [InlineData("""{"window": {}}""", "pace.window.from")]
    [InlineData("""{"window": {"when": "sometimes"}}""", "pace.window.when")]
    [InlineData("""{"window": {"when": "afterSchoolHours", "from": "10:00"}}""", "pace.window")]
    [InlineData("""{"window": {"from": "10:00"}}""", "pace.window.to")]
    [InlineData("""{"window": {"from": "10:00", "to": "10:00"}}""", "pace.window.to")]
    [InlineData("""{"window": {"from": "25:00", "to": "10:00"}}""", "pace.window.from")]
    [InlineData("""{"window": {"from": "10:00", "to": "12:00", "days": []}}""", "pace.window.days")]
    [InlineData("""{"window": {"from": "10:00", "to": "12:00", "days": ["Caturday"]}}""", "pace.window.days[0]")]
    public async Task A_pace_that_makes_no_sense_is_refused(string pace, string field)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(Request(await Fleet(1), pace)));
        await AdminServer.Blames(answer, field);
    }

    [Theory]
    [InlineData("""{"waves": null, "colour": 1}""")]
    [InlineData("""{"window": "afterSchoolHours"}""")]
    [InlineData("[]")]
    public async Task A_pace_of_another_shape_is_refused(string pace)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(Request(await Fleet(1), pace)));
        await AdminServer.Problem(answer, 400);
    }

    [Fact]
    public async Task A_confirmation_is_for_the_pace_that_was_shown_and_no_other()
    {
        var pads = await Fleet(2);
        using var dry = await server.Admin.PostAsync(Path + "?dryRun=true", AdminServer.Json(Request(pads, """{"waves": [1]}""", "ClearPasscode")));
        var confirmation = (string)(await AdminServer.Body(dry, 200))["confirmation"]!;
        using var other = await server.Admin.PostAsync(Path, AdminServer.Json(Request(pads, "{}", "ClearPasscode", $", \"confirmation\": \"{confirmation}\"")));
        await AdminServer.Blames(other, "confirmation");
        using var same = await server.Admin.PostAsync(Path, AdminServer.Json(Request(pads, """{"waves": [1]}""", "ClearPasscode", $", \"confirmation\": \"{confirmation}\"")));
        await AdminServer.Body(same, 202);
    }

    [Fact]
    public async Task Who_may_not_send_the_command_may_not_let_it_go_on_or_try_it_again()
    {
        var pads = await Fleet(2);
        using var dry = await server.Admin.PostAsync(Path + "?dryRun=true", AdminServer.Json(Request(pads, """{"waves": [1]}""", "EraseDevice")));
        var confirmation = (string)(await AdminServer.Body(dry, 200))["confirmation"]!;
        using var started = await server.Admin.PostAsync(Path, AdminServer.Json(Request(pads, """{"waves": [1]}""", "EraseDevice", $", \"confirmation\": \"{confirmation}\"")));
        var id = (string)(await AdminServer.Body(started, 202))["id"]!;
        using var role = await server.Admin.PostAsync("/api/v1/roles", AdminServer.Json("""{"name": "sender", "title": "Sender", "rights": ["device.read", "operation.start", "operation.read", "command.send"]}"""));
        await AdminServer.Body(role, 201);
        var (_, token) = await server.MakeToken("sender");
        using var sender = server.Client(token);
        using var paused = await sender.PostAsync($"{Path}/{id}/pause", null);
        await AdminServer.Body(paused, 200);
        using var goOn = await sender.PostAsync($"{Path}/{id}/go-on", null);
        await AdminServer.Problem(goOn, 403);
        using var retry = await sender.PostAsync($"{Path}/{id}/retry", AdminServer.Json("{}"));
        await AdminServer.Problem(retry, 403);
        var (_, viewer) = await server.MakeToken("viewer");
        using var reader = server.Client(viewer);
        using var refused = await reader.PostAsync($"{Path}/{id}/pause", null);
        await AdminServer.Problem(refused, 403);
    }

    [Fact]
    public async Task The_console_asks_shows_and_steers()
    {
        var pads = await Fleet(2);
        (string, string)[] chosen = [("ids", string.Join('\n', pads.Select(pad => pad.Id))), ("type", "DeviceInformation")];
        using (var wrong = await server.SendToMany([.. chosen, ("pace-stopWhenFailed", "many"), ("pace-waves", "usual")]))
        {
            Assert.Equal(400, (int)wrong.StatusCode);
            var page = await wrong.Content.ReadAsStringAsync();
            Assert.Contains("Enter a whole number from 1 to 100", page);
            Assert.Contains("value=\"many\"", page);
        }

        using var check = await server.SendToMany([.. chosen, ("pace-waves", "usual"), ("pace-stopWhenFailed", "20"), ("pace-window", "daily"), ("pace-window-from", "00:00"), ("pace-window-to", "23:59"), ("pace-schoolLimits", "true")]);
        var shown = await check.Content.ReadAsStringAsync();
        Assert.Contains("In waves: the first 10, then up to 10%, then all; stops when more than 20 % of a wave fail; 00:00 to 23:59; no more iPads of a school at once than its network takes", shown);
        using var started = await server.Confirm(shown);
        Assert.Equal(303, (int)started.StatusCode);
        var path = started.Headers.Location!.ToString();

        using (var paused = await server.Admin.PostAsync(path + "/pause", new FormUrlEncodedContent([])))
            Assert.Contains((int)paused.StatusCode, (int[])[303, 409]);
        var html = await server.Admin.GetStringAsync(path);
        Assert.Contains("Have not begun", html);
        await Operation(path.Split('/')[^1], _ => true);
        using (var goOn = await server.Admin.PostAsync(path + "/go-on", new FormUrlEncodedContent([])))
            Assert.Contains((int)goOn.StatusCode, (int[])[303, 409]);
        var operation = await Operation(path.Split('/')[^1], one => (long?)one["queued"] == 2);
        await pads[0].Answer((string)operation["commandUuid"]!, ReportStatus.Error);
        await Operation(path.Split('/')[^1], one => (long?)one["failed"] == 1);
        Assert.Contains("Try the failed again", await server.Admin.GetStringAsync(path));
        var confirm = await server.Admin.GetStringAsync(path + "/retry");
        Assert.Contains("Send again to 1 iPad", confirm);
        using var retried = await server.Admin.PostAsync(path + "/retry", new FormUrlEncodedContent([new("expected", "1")]));
        Assert.Equal(303, (int)retried.StatusCode);
        Assert.Contains("It tries again what", await server.Admin.GetStringAsync(retried.Headers.Location!.ToString()));
        Assert.Contains("The failed were tried again", await server.Admin.GetStringAsync(path));
    }
}
