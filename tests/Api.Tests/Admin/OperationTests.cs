using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

public sealed class OperationTests(AdminServer server)
{
    private const string Path = "/api/v1/operations";
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task An_operation_reaches_the_ids_it_names_and_tells_which_it_does_not_know()
    {
        var (one, two, other) = (await server.Enrol(), await server.Enrol(), await server.Enrol());
        var started = await Start($$"""{"ids": ["{{one.Id}}", "{{two.Id}}", "{{two.Id}}", "NOBODY"]}""");
        Assert.Equal(2, (int?)started["total"]);
        Assert.Equal(["NOBODY"], started["unknownIds"]!.AsArray().Select(id => (string?)id));
        Assert.Matches("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", (string?)started["id"]);

        Assert.Contains((string)started["commandUuid"]!, System.Text.Encoding.UTF8.GetString((await one.Idle()).Body!));
        Assert.Null((await other.Idle()).Body);
    }

    [Fact]
    public async Task An_operation_by_filter_reaches_what_the_filter_finds()
    {
        var (one, two) = (await server.Enrol(name: "Filterziel 1"), await server.Enrol(name: "Filterziel 2"));
        await server.Enrol(name: "Anderswo");
        var started = await Start("""{"filter": {"q": "filterziel", "status": "enrolled"}}""");
        Assert.Equal(2, (int?)started["total"]);

        await one.Answer((string)started["commandUuid"]!);
        await two.Answer((string)started["commandUuid"]!, ReportStatus.Error);
        var operation = await WhenComplete($"{Path}/{((string)started["id"]!).ToUpperInvariant()}");
        Assert.Equal(1, (int?)operation["acknowledged"]);
        Assert.Equal(1, (int?)operation["failed"]);
        Assert.Equal(0, (int?)operation["queued"]);
        Assert.True((bool?)operation["complete"]);
        Assert.Equal("first administrator", (string?)operation["requestedBy"]);
    }

    [Fact]
    public async Task Watching_an_operation_shows_its_counts_as_they_change_and_ends_when_it_is_complete()
    {
        var pads = new[] { await server.Enrol(), await server.Enrol() };
        var started = await Start(Ids(pads));
        var (id, uuid) = ((string)started["id"]!, (string)started["commandUuid"]!);

        using var response = await server.Admin.GetAsync($"{Path}/{id}/events", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        Assert.Equal(2, (int?)(await NextEvent(reader, "counts"))["queued"]);
        await pads[0].Answer(uuid);
        JsonObject next;
        do next = await NextEvent(reader, "counts");
        while ((int?)next["queued"] != 1);
        await pads[1].Answer(uuid);
        var complete = await NextEvent(reader, "complete");
        Assert.Equal(2, (int?)complete["acknowledged"]);
        Assert.Null(await ReadLine(reader, skipEmpty: true));
    }

    [Fact]
    public async Task A_watch_ends_when_its_token_is_revoked()
    {
        var pad = await server.Enrol();
        var id = (string)(await Start(Ids([pad])))["id"]!;
        var (tokenId, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        using var response = await viewer.GetAsync($"{Path}/{id}/events", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await NextEvent(reader, "counts");

        using var revoked = await server.Admin.DeleteAsync($"/api/v1/tokens/{tokenId}");
        while (await ReadLine(reader) is not null)
        {
            // Until it ends; the guard is in the reading.
        }
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_does_not_hold_up_the_others()
    {
        var pad = await server.Enrol();
        var started = await Start(Ids([pad]));
        var id = (string)started["id"]!;
        List<HttpResponseMessage> asleep = [];
        for (var i = 0; i < 20; i++) asleep.Add(await server.Admin.GetAsync($"{Path}/{id}/events", HttpCompletionOption.ResponseHeadersRead));

        using var response = await server.Admin.GetAsync($"{Path}/{id}/events", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        await pad.Answer((string)started["commandUuid"]!);
        JsonObject last;
        do last = await NextEvent(reader, null);
        while ((int?)last["queued"] != 0);
        asleep.ForEach(sleeper => sleeper.Dispose());
    }

    [Fact]
    public async Task A_cancelled_operation_is_not_delivered_any_more()
    {
        var pad = await server.Enrol();
        var id = (string)(await Start(Ids([pad])))["id"]!;
        using var response = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.NotNull((string?)(await AdminServer.Body(response, 202))["cancelledAt"]);
        Assert.Null((await pad.Idle()).Body);

        using var read = await server.Admin.GetAsync($"{Path}/{id}");
        Assert.Equal(1, (int?)(await AdminServer.Body(read, 200))["ended"]);
    }

    [Theory]
    [InlineData("""{"ids": ["NOBODY", "NOBODY2"]}""")]
    [InlineData("""{"filter": {"school": "No such school"}}""")]
    [InlineData("""{"filter": {"status": "Removed"}}""")]
    public async Task A_target_that_is_no_iPad_is_refused(string target)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{target}}, "command": {"requestType": "DeviceLock"} }"""));
        await AdminServer.Blames(response, "target", 422);
    }

    [Fact]
    public async Task What_takes_something_away_from_many_needs_the_confirmation_of_a_dry_run()
    {
        var pads = new[] { await server.Enrol(), await server.Enrol() };
        foreach (var command in new[] { """{"requestType": "EraseDevice"}""", """{"requestType": "ClearPasscode"}""", """{"requestType": "RemoveProfile", "identifier": "a"}""" })
        {
            // Their number alone says nothing of who they are.
            foreach (var expected in new[] { "", ", \"expected\": 1", ", \"expected\": 2", ", \"expected\": 3" })
            {
                using var refused = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids(pads)}}, "command": {{command}}{{expected}} }"""));
                var problem = await AdminServer.Problem(refused, 409);
                Assert.Equal("not-confirmed", (string?)problem["code"]);
                Assert.Equal(2, (int?)problem["found"]);
                Assert.NotNull(problem["errors"]?["confirmation"]);
            }
        }

        Assert.Null((await pads[0].Idle()).Body);
        using var one = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids([pads[0]])}}, "command": {"requestType": "ClearPasscode"} }"""));
        await AdminServer.Body(one, 202);
        var plan = await DryRun($$"""{"target": {{Ids(pads)}}, "command": {"requestType": "ClearPasscode"} }""");
        Assert.Equal((2, 2, 0, true), ((int)plan["total"]!, (int)plan["can"]!, (int)plan["cannot"]!, (bool)plan["destructive"]!));
        Assert.Null((await pads[1].Idle()).Body);
        var confirmed = $$"""{"target": {{Ids(pads)}}, "command": {"requestType": "ClearPasscode"}, "confirmation": "{{plan["confirmation"]}}"}""";
        using var both = await server.Admin.PostAsync(Path, AdminServer.Json(confirmed));
        var started = await AdminServer.Body(both, 202);
        // Sent twice it starts one operation.
        using var again = await server.Admin.PostAsync(Path, AdminServer.Json(confirmed));
        var repeated = await AdminServer.Body(again, 202);
        Assert.Equal(((string?)started["id"], (string?)started["commandUuid"]), ((string?)repeated["id"], (string?)repeated["commandUuid"]));

        using var harmless = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids(pads)}}, "command": {"requestType": "RestartDevice"}, "expected": 5}"""));
        Assert.Equal("not-as-expected", (string?)(await AdminServer.Problem(harmless, 409))["code"]);
        using var negative = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids(pads)}}, "command": {"requestType": "RestartDevice"}, "expected": -1}"""));
        await AdminServer.Blames(negative, "expected");
    }

    [Fact]
    public async Task A_confirmation_is_good_for_one_person_one_command_one_target_and_one_number()
    {
        var pads = new[] { await server.Enrol(name: "Siegel 1"), await server.Enrol(name: "Siegel 2") };
        const string target = """{"filter": {"q": "siegel"}}""";
        var plan = await DryRun($$"""{"target": {{target}}, "command": {"requestType": "EraseDevice"} }""");
        var token = (string)plan["confirmation"]!;
        foreach (var (other, command, forced) in new[]
        {
            (Ids(pads), """{"requestType": "EraseDevice"}""", ""), (target, """{"requestType": "ClearPasscode"}""", ""),
            (target, """{"requestType": "EraseDevice", "preserveDataPlan": true}""", ""), (target, """{"requestType": "EraseDevice"}""", ", \"force\": true"),
        })
        {
            using var refused = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{other}}, "command": {{command}}, "confirmation": "{{token}}"{{forced}} }"""));
            await AdminServer.Blames(refused, "confirmation");
        }

        foreach (var forged in new[] { token.Replace(".2.", ".3.", StringComparison.Ordinal), token[..^2] + "AA", "", "a.b.c.d", new string('.', 3), new string('x', 10_000) })
        {
            using var refused = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{target}}, "command": {"requestType": "EraseDevice"}, "confirmation": "{{forged}}"}"""));
            await AdminServer.Blames(refused, "confirmation");
        }

        var (_, colleague) = await server.MakeToken("administrator");
        using var other1 = server.Client(colleague);
        using var stolen = await other1.PostAsync(Path, AdminServer.Json($$"""{"target": {{target}}, "command": {"requestType": "EraseDevice"}, "confirmation": "{{token}}"}"""));
        await AdminServer.Blames(stolen, "confirmation");

        // One more by now: both numbers are told, and nothing is started.
        await server.Enrol(name: "Siegel 3");
        using var changed = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{target}}, "command": {"requestType": "EraseDevice"}, "confirmation": "{{token}}"}"""));
        var problem = await AdminServer.Problem(changed, 409);
        Assert.Equal(("not-as-expected", 3, 2), ((string?)problem["code"], (int?)problem["found"], (int?)problem["confirmed"]));
        Assert.Null((await pads[0].Idle()).Body);
    }

    [Fact]
    public async Task Those_who_cannot_are_left_out_and_named()
    {
        var pads = new List<TestPad>();
        for (var i = 0; i < 8; i++) pads.Add(await server.Enrol(serial: $"GRENZE{i}"));
        // 0: fits; 1 to 6: not supervised; 6, 7: too old.
        for (var i = 1; i < 8; i++) await pads[i].Tell(new DeviceFacts { IsSupervised = i > 6, OsVersion = i >= 6 ? "10.2" : null });
        var request = $$"""{"target": {{Ids(pads)}}, "command": {"requestType": "RestartDevice"}, "push": false{0} }""";

        var plan = await DryRun(request.Replace("{0}", "", StringComparison.Ordinal));
        Assert.Equal((8, 1, 7), ((int)plan["total"]!, (int)plan["can"]!, (int)plan["cannot"]!));
        var reasons = plan["reasons"]!.AsArray();
        Assert.Equal([("supervision", 6), ("ipados-too-old", 2)], reasons.Select(reason => ((string)reason!["code"]!, (int)reason["count"]!)));
        Assert.Equal("RestartDevice needs supervision.", (string?)reasons[0]!["reason"]);
        Assert.Equal(5, reasons[0]!["examples"]!.AsArray().Count);
        Assert.Equal(["10.2", "10.2"], reasons[1]!["examples"]!.AsArray().Select(example => (string?)example!["osVersion"]));
        Assert.Null((await pads[0].Idle()).Body);

        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(request.Replace("{0}", ", \"expected\": 1", StringComparison.Ordinal)));
        var started = await AdminServer.Body(response, 202);
        Assert.Equal((1, 7), ((int)started["total"]!, (int)started["leftOut"]!["count"]!));
        using var read = await server.Admin.GetAsync($"{Path}/{started["id"]}");
        var operation = await AdminServer.Body(read, 200);
        Assert.Equal([6, 2], operation["leftOut"]!["reasons"]!.AsArray().Select(reason => (int)reason!["count"]!));
        Assert.Equal(0, (int?)operation["failed"]);

        List<string> named = [];
        string? after = null;
        do
        {
            using var list = await server.Admin.GetAsync($"{Path}/{started["id"]}/left-out?limit=3{(after is null ? "" : "&after=" + after)}");
            var page = await AdminServer.Body(list, 200);
            named.AddRange(page["items"]!.AsArray().Select(item => $"{item!["serialNumber"]} {item["reasons"]!.AsArray().Count}"));
            after = (string?)page["next"];
        }
        while (after is not null);
        Assert.Equal(["GRENZE1 1", "GRENZE2 1", "GRENZE3 1", "GRENZE4 1", "GRENZE5 1", "GRENZE6 2", "GRENZE7 1"], named.Order());
        Assert.Contains("Left out", await server.Admin.GetStringAsync($"/operations/{started["id"]}"), StringComparison.Ordinal);
        Assert.Contains("GRENZE3", await server.Admin.GetStringAsync($"/operations/{started["id"]}?status=leftOut"), StringComparison.Ordinal);

        // Forced, it is for all of them.
        using var all = await server.Admin.PostAsync(Path, AdminServer.Json(request.Replace("{0}", ", \"force\": true", StringComparison.Ordinal)));
        var forced = await AdminServer.Body(all, 202);
        Assert.Equal(8, (int?)forced["total"]);
        Assert.Null(forced["leftOut"]);
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?target={forced["id"]}");
        Assert.Equal("RestartDevice, forced", (string?)(await AdminServer.Body(audit, 200))["items"]![0]!["detail"]);
    }

    [Fact]
    public async Task An_operation_that_none_can_run_is_refused_with_the_reasons()
    {
        var pad = await server.Enrol();
        await pad.Tell(new DeviceFacts { IsSupervised = false });
        foreach (var expected in new[] { "", ", \"expected\": 1" })
        {
            using var refused = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids([pad])}}, "command": {"requestType": "ShutDownDevice"}{{expected}} }"""));
            var problem = await AdminServer.Problem(refused, 422);
            Assert.Equal(("does-not-fit", "supervision"), ((string?)problem["code"], (string?)problem["reasons"]![0]!["code"]));
        }

        var plan = await DryRun($$"""{"target": {{Ids([pad])}}, "command": {"requestType": "ShutDownDevice"} }""");
        Assert.Null(plan["confirmation"]);
    }

    private async Task<JsonObject> DryRun(string request)
    {
        using var response = await server.Admin.PostAsync($"{Path}?dryRun=true", AdminServer.Json(request));
        return await AdminServer.Body(response, 200);
    }

    [Fact]
    public async Task An_operation_shows_the_target_that_it_was_asked_for()
    {
        var pad = await server.Enrol(name: "Zielscheibe");
        var byIds = await Start(Ids([pad]));
        using var one = await server.Admin.GetAsync($"{Path}/{byIds["id"]}");
        var ids = (await AdminServer.Body(one, 200))["target"]!;
        Assert.Equal(pad.Id, (string?)ids["ids"]![0]);
        Assert.Equal(1, (int?)ids["idCount"]);

        var byFilter = await Start("""{"filter": {"q": "zielscheibe", "osVersion": "18."}}""");
        using var list = await server.Admin.GetAsync($"{Path}?limit=1");
        var listed = (await AdminServer.Body(list, 200))["items"]![0]!;
        Assert.Equal((string?)byFilter["id"], (string?)listed["id"]);
        Assert.Equal("zielscheibe", (string?)listed["target"]!["filter"]!["q"]);
    }

    [Fact]
    public async Task An_operation_tells_what_became_of_it_on_each_iPad()
    {
        var pads = new[] { await server.Enrol(serial: "ERGEBNIS1"), await server.Enrol(serial: "ERGEBNIS2"), await server.Enrol(serial: "ERGEBNIS3") };
        var started = await Start(Ids(pads));
        var (id, uuid) = ((string)started["id"]!, (string)started["commandUuid"]!);
        await pads[0].Answer(uuid);
        await pads[1].Answer(uuid, ReportStatus.Error);
        await WhenDone(id, queued: 1);

        async Task<JsonArray> Part(string query)
        {
            using var response = await server.Admin.GetAsync($"{Path}/{id}/devices{query}");
            return (await AdminServer.Body(response, 200))["items"]!.AsArray();
        }

        Assert.Equal(3, (await Part("")).Count);
        var failed = Assert.Single(await Part("?status=failed"))!;
        Assert.Equal("ERGEBNIS2", (string?)failed["serialNumber"]);
        Assert.Equal("Error", (string?)failed["state"]);
        Assert.Equal(pads[2].Id, (string?)Assert.Single(await Part("?status=queued"))!["id"]);
        Assert.Equal(2, (await Part("?limit=2")).Count);
        using var wrong = await server.Admin.GetAsync($"{Path}/{id}/devices?status=lost");
        await AdminServer.Blames(wrong, "status");
        using var none = await server.Admin.GetAsync($"{Path}/{Guid.NewGuid()}/devices");
        await AdminServer.Problem(none, 404);
    }

    [Fact]
    public async Task A_finished_operation_cannot_be_cancelled()
    {
        var pad = await server.Enrol();
        var started = await Start(Ids([pad]));
        await pad.Answer((string)started["commandUuid"]!);
        using var response = await server.Admin.DeleteAsync($"{Path}/{started["id"]}");
        Assert.Equal("operation-finished", (string?)(await AdminServer.Problem(response, 409))["code"]);
        using var read = await server.Admin.GetAsync($"{Path}/{started["id"]}");
        Assert.Null((await AdminServer.Body(read, 200))["cancelledAt"]);
    }

    [Fact]
    public async Task A_list_of_commands_says_nothing_of_answers_that_it_does_not_hold()
    {
        var pad = await server.Enrol();
        await pad.Answer(await pad.Send());
        using var list = await server.Admin.GetAsync(pad.Path + "/commands");
        var listed = Assert.Single((await AdminServer.Body(list, 200))["items"]!.AsArray())!.AsObject();
        Assert.False(listed.ContainsKey("result"));
        using var one = await server.Admin.GetAsync($"{pad.Path}/commands/{listed["commandUuid"]}");
        Assert.NotNull((await AdminServer.Body(one, 200))["result"]);
    }

    [Fact]
    public async Task The_list_is_newest_first_and_pages_meet()
    {
        var pad = await server.Enrol();
        List<string> started = [];
        for (var i = 0; i < 3; i++) started.Add((string)(await Start(Ids([pad])))["id"]!);
        started.Reverse();

        List<string> listed = [];
        string? after = null;
        do
        {
            using var response = await server.Admin.GetAsync($"{Path}?limit=2{(after is null ? "" : "&after=" + after)}");
            var page = await AdminServer.Body(response, 200);
            listed.AddRange(page["items"]!.AsArray().Select(item => (string)item!["id"]!));
            after = (string?)page["next"];
        }
        while (after is not null);

        Assert.Equal(listed.Distinct(), listed);
        Assert.Equal(started, listed.Where(started.Contains));
    }

    [Theory]
    [InlineData("""{"command": {"requestType": "DeviceLock"}}""", "target")]
    [InlineData("""{"target": {"all": true}}""", "command")]
    [InlineData("{}", "target")]
    [InlineData("{}", "command")]
    [InlineData("""{"target": null, "command": {"requestType": "DeviceLock"}}""", "target")]
    [InlineData("""{"target": {}, "command": {"requestType": "DeviceLock"}}""", "target")]
    [InlineData("""{"target": {"all": true, "ids": ["A"]}, "command": {"requestType": "DeviceLock"}}""", "target")]
    [InlineData("""{"target": {"all": false}, "command": {"requestType": "DeviceLock"}}""", "target.all")]
    [InlineData("""{"target": {"all": "yes"}, "command": {"requestType": "DeviceLock"}}""", "target.all")]
    [InlineData("""{"target": {"ids": []}, "command": {"requestType": "DeviceLock"}}""", "target.ids")]
    [InlineData("""{"target": {"ids": ["A", ""]}, "command": {"requestType": "DeviceLock"}}""", "target.ids[1]")]
    [InlineData("""{"target": {"ids": ["A", null]}, "command": {"requestType": "DeviceLock"}}""", "target.ids[1]")]
    [InlineData("""{"target": {"ids": ["A\u0000"]}, "command": {"requestType": "DeviceLock"}}""", "target.ids[0]")]
    [InlineData("""{"target": {"ids": ["A", 5]}, "command": {"requestType": "DeviceLock"}}""", "target.ids[1]")]
    [InlineData("""{"target": {"filter": {}}, "command": {"requestType": "DeviceLock"}}""", "target.filter")]
    [InlineData("""{"target": {"filter": {"scool": "a"}}, "command": {"requestType": "DeviceLock"}}""", "target.filter.scool")]
    [InlineData("""{"target": {"filter": {"status": "Lost"}}, "command": {"requestType": "DeviceLock"}}""", "target.filter.status")]
    [InlineData("""{"target": {"all": true}, "command": {"requestType": "DeviceLock", "message": 1}}""", "command.message")]
    [InlineData("""{"target": {"all": true}, "command": "DeviceLock"}""", "command")]
    [InlineData("""{"target": {"all": true}, "command": {"requestType": "DeviceLock"}, "expiresInHours": 0}""", "expiresInHours")]
    [InlineData("""{"target": {"all": true}, "command": {"requestType": "DeviceLock"}, "push": "no"}""", "push")]
    public async Task A_wrong_or_missing_field_of_an_operation_is_named_and_starts_nothing(string json, string field)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        await AdminServer.Blames(response, field);
        using var dry = await server.Admin.PostAsync(Path + "?dryRun=true", AdminServer.Json(json));
        await AdminServer.Blames(dry, field);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    public async Task An_operation_that_does_not_exist_is_answered_404(string id)
    {
        foreach (var path in new[] { "", "/events" })
        {
            using var get = await server.Admin.GetAsync($"{Path}/{id}{path}");
            await AdminServer.Problem(get, 404);
        }

        using var delete = await server.Admin.DeleteAsync($"{Path}/{id}");
        await AdminServer.Problem(delete, 404);
        using var list = await server.Admin.GetAsync($"{Path}?after={id}");
        await AdminServer.Blames(list, "after");
    }

    private async Task<JsonObject> Start(string target)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(
            $$"""{"target": {{target}}, "command": {"requestType": "DeviceLock"}, "push": false}"""));
        var started = await AdminServer.Body(response, 202);
        Assert.Equal($"{Path}/{(string?)started["id"]}", response.Headers.Location?.OriginalString);

        // The iPads' grains look for the new rows from the moment on when every node was told of them.
        using var guard = new CancellationTokenSource(Guard);
        while (true)
        {
            using var read = await server.Admin.GetAsync(response.Headers.Location, guard.Token);
            if ((await AdminServer.Body(read, 200))["announcedAt"] is not null) return started;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, guard.Token);
        }
    }

    private async Task WhenDone(string id, int queued)
    {
        using var guard = new CancellationTokenSource(Guard);
        while (true)
        {
            using var response = await server.Admin.GetAsync($"{Path}/{id}", guard.Token);
            if ((int?)(await AdminServer.Body(response, 200))["queued"] == queued) return;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, guard.Token);
        }
    }

    /// <summary>Counts are at most half a second old: asks again until they say that all is done.</summary>
    private async Task<JsonNode> WhenComplete(string path)
    {
        using var guard = new CancellationTokenSource(Guard);
        while (true)
        {
            using var response = await server.Admin.GetAsync(path, guard.Token);
            var operation = await AdminServer.Body(response, 200);
            if ((bool?)operation["complete"] == true) return operation;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, guard.Token);
        }
    }

    private static string Ids(IEnumerable<TestPad> pads) =>
        new JsonObject { ["ids"] = new JsonArray([.. pads.Select(pad => (JsonNode)pad.Id)]) }.ToJsonString();

    private static async Task<JsonObject> NextEvent(StreamReader reader, string? name)
    {
        string? line;
        do line = await ReadLine(reader) ?? throw new EndOfStreamException("The stream ended.");
        while (!line.StartsWith("event: ", StringComparison.Ordinal));
        if (name is not null) Assert.Equal("event: " + name, line);
        return JsonNode.Parse((await ReadLine(reader))!["data: ".Length..])!.AsObject();
    }

    private static async Task<string?> ReadLine(StreamReader reader, bool skipEmpty = false)
    {
        string? line;
        do line = await reader.ReadLineAsync().WaitAsync(Guard);
        while (skipEmpty && line is "");
        return line;
    }
}
