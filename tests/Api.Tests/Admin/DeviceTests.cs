using System.Net;

namespace FleetMdm.Api.Tests.Admin;

public sealed class DeviceTests(AdminServer server)
{
    private const string Path = "/api/v1/devices";

    [Fact]
    public async Task One_iPad_shows_its_state_its_queue_and_why_it_waits()
    {
        var pad = await server.Enrol(serial: "DMPTEST0001", name: "Library 7");
        var uuid = await pad.Send();
        using var response = await server.Admin.GetAsync(pad.Path);
        var device = await AdminServer.Body(response, 200);
        Assert.Equal("Enrolled", (string?)device["status"]);
        Assert.Equal("DMPTEST0001", (string?)device["serialNumber"]);
        Assert.Equal("Library 7", (string?)device["deviceName"]);
        Assert.Equal("iPad14,1", (string?)device["productName"]);
        var queued = Assert.Single(device["queue"]!.AsArray());
        Assert.Equal(uuid, (string?)queued!["commandUuid"]);
        Assert.Equal("Queued", (string?)queued["state"]);
        Assert.False(string.IsNullOrEmpty((string?)device["waiting"]));
        Assert.NotNull((string?)device["lastSeenAt"]);
    }

    [Fact]
    public async Task No_answer_holds_a_push_token_or_a_push_magic()
    {
        var pad = await server.Enrol();
        foreach (var path in new[] { pad.Path, $"{Path}?q={pad.Id}" })
        {
            var text = await server.Admin.GetStringAsync(path);
            Assert.Contains(pad.Id, text);
            Assert.DoesNotContain("magic", text);
            Assert.DoesNotContain(Convert.ToBase64String(new byte[32]), text);
        }
    }

    [Fact]
    public async Task The_list_finds_by_each_filter_and_not_by_another_value()
    {
        var pad = await server.Enrol(serial: "DMPFILTER01", name: "Blaue Klasse");
        foreach (var (hit, miss) in new[]
        {
            ("q=dmpfilter01", "q=dmpfilter02"), ("q=blaue", "q=grüne"), ("serialNumber=DMPFILTER01", "serialNumber=DMPFILTER"),
            ("q=dmpfilter01&status=Enrolled", "q=dmpfilter01&status=removed"), ("q=dmpfilter01&kind=Device", "q=dmpfilter01&kind=SharedUser"),
            ("q=dmpfilter01&productName=iPad14,1", "q=dmpfilter01&productName=iPad14"), ("q=dmpfilter01&osVersion=18.", "q=dmpfilter01&osVersion=18"),
            ("q=dmpfilter01&osVersion=18.3.2", "q=dmpfilter01&osVersion=19."),
        })
        {
            Assert.Equal([pad.Id], await Ids(hit));
            Assert.Empty(await Ids(miss));
        }
    }

    [Fact]
    public async Task The_longest_silent_come_first_by_last_contact_page_by_page()
    {
        List<string> enrolled = [];
        for (var i = 0; i < 5; i++)
        {
            enrolled.Add((await server.Enrol(serial: $"STILLE{i}")).Id);
            // The third was never seen.
            if (i != 2) await server.Execute($"UPDATE device_activity SET last_seen_at = {1_700_000_000_000 + i} WHERE id = '{enrolled[i]}'");
            else await server.Execute($"UPDATE device_activity SET last_seen_at = NULL WHERE id = '{enrolled[i]}'");
        }

        List<string> expected = [enrolled[2], enrolled[0], enrolled[1], enrolled[3], enrolled[4]];
        Assert.Equal(expected, await Walked("sort=lastSeenAt"));
        expected.Reverse();
        Assert.Equal(expected, await Walked("sort=-lastSeenAt"));
        var page = await server.Admin.GetStringAsync("/ipads?q=stille&sort=-lastSeenAt");
        Assert.Contains("aria-sort=\"descending\"", page);
        foreach (var after in new[] { enrolled[0], "~" + enrolled[0], "1~", "x~A", "-1~A", "999999999999999999~A" })
        {
            using var wrong = await server.Admin.GetAsync($"{Path}?sort=lastSeenAt&after={Uri.EscapeDataString(after)}");
            await AdminServer.Blames(wrong, "after");
        }

        async Task<List<string>> Walked(string sort)
        {
            List<string> walked = [];
            string? next = null;
            do
            {
                using var response = await server.Admin.GetAsync($"{Path}?q=stille&limit=2&{sort}" + (next is null ? "" : "&after=" + Uri.EscapeDataString(next)));
                var body = await AdminServer.Body(response, 200);
                walked.AddRange(body["items"]!.AsArray().Select(item => (string)item!["id"]!));
                next = (string?)body["next"];
            }
            while (next is not null);
            return walked;
        }
    }

    [Fact]
    public async Task Pages_meet_without_gap_or_overlap()
    {
        List<string> enrolled = [];
        for (var i = 0; i < 5; i++) enrolled.Add((await server.Enrol(name: "Paging 4711")).Id);

        List<string> listed = [];
        string? after = null;
        var pages = 0;
        do
        {
            using var response = await server.Admin.GetAsync($"{Path}?q=paging%204711&limit=2{(after is null ? "" : "&after=" + Uri.EscapeDataString(after))}");
            var page = await AdminServer.Body(response, 200);
            listed.AddRange(page["items"]!.AsArray().Select(item => (string)item!["id"]!));
            after = (string?)page["next"];
            pages++;
        }
        while (after is not null);

        Assert.Equal(3, pages);
        Assert.Equal(enrolled.Order(StringComparer.Ordinal), listed);
    }

    [Theory]
    [InlineData("?limit=0", "limit")]
    [InlineData("?limit=2000", "limit")]
    [InlineData("?limit=1e3", "limit")]
    [InlineData("?status=Lost", "status")]
    [InlineData("?status=1", "status")]
    [InlineData("?status=Enrolled,Removed", "status")]
    [InlineData("?kind=Mac", "kind")]
    [InlineData("?seenBefore=yesterday", "seenBefore")]
    [InlineData("?seenBefore=2026-09-01T08:00:00", "seenBefore")]
    [InlineData("?seenAfter=2026-09-01", "seenAfter")]
    [InlineData("?seenAfter=2026-13-01T00:00:00Z", "seenAfter")]
    [InlineData("?q=", "q")]
    [InlineData("?q=%00", "q")]
    [InlineData("?q=a%0Ab", "q")]
    [InlineData("?school=%ED%A0%80%00", "school")]
    [InlineData("?after=%01", "after")]
    [InlineData("?stauts=Enrolled", "stauts")]
    [InlineData("?status=Enrolled&status=Removed", "status")]
    public async Task A_wrong_query_parameter_is_named(string query, string field)
    {
        using var response = await server.Admin.GetAsync(Path + query);
        await AdminServer.Blames(response, field);
    }

    [Fact]
    public async Task A_search_text_that_is_too_long_is_named()
    {
        using var response = await server.Admin.GetAsync($"{Path}?q={new string('a', 201)}");
        await AdminServer.Blames(response, "q");
    }

    [Theory]
    [InlineData("NOBODY", 404)]
    [InlineData("nobody", 404)]
    [InlineData("NOBODY%3Auser", 404)]
    [InlineData("%01", 400)]
    [InlineData("%20", 400)]
    [InlineData("%C2%A0", 400)]
    [InlineData("%E2%80%A8", 400)]
    [InlineData("A%2FB", 400)]
    [InlineData("...", 400)]
    [InlineData("%F0%9F%92%A9", 400)]
    [InlineData("%27%20OR%201%3D1--", 400)]
    [InlineData("00000000000000000000000000000000000000000000000000000000000000000", 400)]
    [InlineData("NOBODY%3A", 400)]
    [InlineData("NOBODY%3Aa%20b", 400)]
    public async Task An_iPad_that_nobody_knows_is_answered_404_and_an_id_that_nobody_can_have_400_whatever_is_asked(string id, int status)
    {
        foreach (var (method, path, body) in new[]
        {
            ("GET", "", null), ("DELETE", "", null), ("POST", "/push", null), ("GET", "/commands", null),
            ("POST", "/commands", """{"requestType": "DeviceLock"}"""),
            ("GET", "/commands/7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C", null), ("DELETE", "/commands/7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C", null),
        })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), $"{Path}/{id}{path}") { Content = body is null ? null : AdminServer.Json(body) };
            using var response = await server.Admin.SendAsync(request);
            await AdminServer.Problem(response, status);
        }
    }

    [Fact]
    public async Task An_iPad_is_found_by_its_id_in_whatever_case()
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.GetAsync($"{Path}/{pad.Id.ToLowerInvariant()}");
        Assert.Equal(pad.Id, (string?)(await AdminServer.Body(response, 200))["id"]);
    }

    [Fact]
    public async Task A_removed_iPad_takes_no_command_and_no_push_and_is_removed_once()
    {
        var pad = await server.Enrol();
        await pad.Send();
        for (var i = 0; i < 2; i++)
        {
            using var removed = await server.Admin.DeleteAsync(pad.Path);
            Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        }

        using var read = await server.Admin.GetAsync(pad.Path);
        var device = await AdminServer.Body(read, 200);
        Assert.Equal("Removed", (string?)device["status"]);
        Assert.Empty(device["queue"]!.AsArray());

        using var command = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "DeviceLock"}"""));
        Assert.Equal("not-enrolled", (string?)(await AdminServer.Problem(command, 409))["code"]);
        using var push = await server.Admin.PostAsync($"{pad.Path}/push", null);
        Assert.Equal("no-push-token", (string?)(await AdminServer.Problem(push, 409))["code"]);
    }

    [Fact]
    public async Task A_push_is_accepted_for_an_iPad_that_has_a_token()
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync($"{pad.Path}/push", null);
        await AdminServer.Body(response, 202);
    }

    private async Task<string[]> Ids(string query)
    {
        using var response = await server.Admin.GetAsync($"{Path}?{query}");
        return [.. (await AdminServer.Body(response, 200))["items"]!.AsArray().Select(item => (string)item!["id"]!)];
    }
}
