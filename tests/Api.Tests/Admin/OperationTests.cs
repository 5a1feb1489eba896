using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

public sealed class OperationTests(AdminServer server)
{
    private const string Path = "/api/v1/operations";
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

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
    public async Task What_takes_something_away_from_many_needs_their_number()
    {
        var pads = new[] { await server.Enrol(), await server.Enrol() };
        foreach (var command in new[] { """{"requestType": "EraseDevice"}""", """{"requestType": "ClearPasscode"}""", """{"requestType": "RemoveProfile", "identifier": "a"}""" })
        {
            foreach (var expected in new[] { "", ", \"expected\": 1", ", \"expected\": 3" })
            {
                using var refused = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids(pads)}}, "command": {{command}}{{expected}} }"""));
                var problem = await AdminServer.Problem(refused, 409);
                Assert.Equal("not-as-expected", (string?)problem["code"]);
                Assert.Equal(2, (int?)problem["found"]);
                Assert.NotNull(problem["errors"]?["expected"]);
            }
        }

        Assert.Null((await pads[0].Idle()).Body);
        using var one = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids([pads[0]])}}, "command": {"requestType": "ClearPasscode"} }"""));
        await AdminServer.Body(one, 202);
        using var both = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids(pads)}}, "command": {"requestType": "ClearPasscode"}, "expected": 2}"""));
        await AdminServer.Body(both, 202);
        using var harmless = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids(pads)}}, "command": {"requestType": "RestartDevice"}, "expected": 5}"""));
        await AdminServer.Problem(harmless, 409);
        using var negative = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"target": {{Ids(pads)}}, "command": {"requestType": "RestartDevice"}, "expected": -1}"""));
        await AdminServer.Blames(negative, "expected");
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
