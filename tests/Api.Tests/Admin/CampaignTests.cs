using System.Net;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>The end of a year, over HTTP and in the console.</summary>
public sealed class CampaignTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/campaigns";

    private static async Task<JsonObject> Post(HttpClient client, string path, string? body = null, int status = 200)
    {
        using var answer = await client.PostAsync(path, body is null ? null : AdminServer.Json(body));
        return status < 400 ? await AdminServer.Body(answer, status) : await AdminServer.Problem(answer, status);
    }

    private async Task<JsonObject> Get(string path, HttpClient? client = null)
    {
        using var answer = await (client ?? server.Admin).GetAsync(path);
        return await AdminServer.Body(answer, 200);
    }

    private Task<JsonObject> Collect(JsonObject campaign, string code, int status = 200) =>
        Post(server.Admin, $"{Path}/{campaign["id"]}/collect", new JsonObject { ["code"] = code }.ToJsonString(), status);

    private async Task<string> Person(string name)
    {
        var made = await Post(server.Admin, "/api/v1/people", $$"""{"role": "pupil", "familyName": "{{name}}"}""", 201);
        return (string)made["id"]!;
    }

    [Fact]
    public async Task A_year_ends_iPads_are_looked_at_written_down_collected_and_the_missing_stand_in_a_list()
    {
        var (first, second) = (await server.Enrol(serial: "CMPA1"), await server.Enrol(serial: "CMPA2"));
        using (var tagged = await server.Admin.PutAsync("/api/v1/placeholders/CMPA2", AdminServer.Json("""{"assetTag": "0012"}"""))) await AdminServer.Body(tagged, 200);
        var ali = await Person("Zweig");
        using (var given = await server.Admin.PutAsync($"{first.Path}/holder", AdminServer.Json($$"""{"personId": "{{ali}}"}"""))) await AdminServer.Body(given, 200);
        const string body = """{"name": "Year 2027", "target": "serial:CMPA1 or serial:CMPA2", "dueOn": "2027-06-11"}""";

        var plan = await Post(server.Admin, Path + "?dryRun=true", body);
        Assert.Equal((2, 1), ((int)plan["total"]!, (int)plan["assigned"]!));
        Assert.DoesNotContain((await Get(Path))["items"]!.AsArray(), one => (string)one!["name"]! == "Year 2027");
        var campaign = await Post(server.Admin, Path, body, 201);
        Assert.Equal((2, 2, "2027-06-11"), ((int)campaign["total"]!, (int)campaign["missing"]!, (string)campaign["dueOn"]!));

        var collected = await Collect(campaign, "cmpa1");
        Assert.Equal(("collected", "Collected: iPad, which Zweig had."), ((string)collected["outcome"]!, ((string)collected["words"]!).Replace((string)collected["device"]!["deviceName"]!, "iPad", StringComparison.Ordinal)));
        Assert.Equal("twice", (string)(await Collect(campaign, "CMPA1"))["outcome"]!);
        Assert.Null((await Get(first.Path))["holder"]);
        Assert.Equal("unknown", (string)(await Collect(campaign, "NOBODYS"))["outcome"]!);
        await server.Enrol(serial: "CMPA3");
        Assert.Equal("notInCampaign", (string)(await Collect(campaign, "CMPA3"))["outcome"]!);
        await Collect(campaign, " ", 400);
        await Collect(campaign, new string('A', 101), 400);

        var missing = Assert.Single((await Get($"{Path}/{campaign["id"]}/devices?part=missing"))["items"]!.AsArray())!;
        Assert.Equal(("CMPA2", "0012", "no", false), ((string)missing["serialNumber"]!, (string)missing["assetTag"]!, (string)missing["erasure"]!, (bool)missing["hasBypassCode"]!));
        var csv = await server.Admin.GetStringAsync($"{Path}/{campaign["id"]}/export?part=missing");
        Assert.Contains("CMPA2,0012,", csv, StringComparison.Ordinal);
        Assert.DoesNotContain("CMPA1", csv, StringComparison.Ordinal);
        // By its tag, as a scanner reads it.
        Assert.Equal("collected", (string)(await Collect(campaign, "0012"))["outcome"]!);

        // The usual confirmation stands before the erasure: this filter is its target.
        var target = $$"""{"target": {"filter": {"filter": "collected:{{campaign["id"]}}" } }, "command": {"requestType": "EraseDevice"} }""";
        Assert.Equal(2, (int)(await Post(server.Admin, "/api/v1/operations?dryRun=true", target))["can"]!);
        Assert.Equal("not-confirmed", (string)(await Post(server.Admin, "/api/v1/operations", target, 409))["code"]!);
        Assert.Contains("Erase collected iPads", await server.Admin.GetStringAsync($"/campaigns/{campaign["id"]}"), StringComparison.Ordinal);

        // The iPad is removed, the person forgotten: both stand in the list all the same.
        using (var removed = await server.Admin.DeleteAsync(second.Path)) Assert.True(removed.IsSuccessStatusCode);
        using (var deleted = await server.Admin.DeleteAsync($"/api/v1/people/{ali}")) Assert.True(deleted.IsSuccessStatusCode);
        var items = (await Get($"{Path}/{campaign["id"]}/devices"))["items"]!.AsArray();
        Assert.Equal(2, items.Count);
        Assert.Contains(items, one => (string)one!["serialNumber"]! == "CMPA2" && !(bool)one["managed"]!);
        Assert.Contains(items, one => (string?)one!["personId"] == ali && one["person"] is null);

        Assert.Equal("campaign-open", (string)(await AdminServer.Problem(await server.Admin.DeleteAsync($"{Path}/{campaign["id"]}"), 409))["code"]!);
        await Post(server.Admin, $"{Path}/{campaign["id"]}/close");
        Assert.Equal("campaign-closed", (string)(await Collect(campaign, "CMPA1", 409))["code"]!);
        using var gone = await server.Admin.DeleteAsync($"{Path}/{campaign["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
    }

    [Theory]
    [InlineData("""{"name": "X"}""", 400)]
    [InlineData("""{"name": "", "target": "serial:A"}""", 400)]
    [InlineData("""{"name": "X", "target": "serial:"}""", 400)]
    [InlineData("""{"name": "X", "target": "group:nobody"}""", 400)]
    [InlineData("""{"name": "X", "schoolId": "nowhere"}""", 400)]
    [InlineData("""{"name": "X", "classIds": ["8d9c1c5e-2f6c-4a46-9d0a-0a8b9f1d2c3e"]}""", 400)]
    [InlineData("""{"name": "X", "target": "serial:NOBODYATALL"}""", 422)]
    public async Task What_cannot_be_a_campaign_is_refused_and_nothing_is_saved(string body, int status)
    {
        await Post(server.Admin, Path, body, status);
        Assert.DoesNotContain((await Get(Path))["items"]!.AsArray(), one => (string)one!["name"]! == "X");
    }

    [Fact]
    public async Task A_scanner_types_into_the_page_and_reads_what_became_of_it()
    {
        await server.Enrol(serial: "CMPS1");
        var campaign = await Post(server.Admin, Path, """{"name": "Scanner", "target": "serial:CMPS1"}""", 201);
        var path = $"/campaigns/{campaign["id"]}/collect";
        using var browser = await (await TestAccount.Ready(server, $"scan-{Guid.NewGuid():N}", "administrator")).OwnBrowser();
        Assert.Matches("<input id=\"code\"[^>]*autofocus", await browser.GetStringAsync(path));
        foreach (var (code, words) in new[] { ("CMPS1", "Collected: "), ("CMPS1", "was collected already"), ("CMPS9", "No iPad has the serial number or asset tag CMPS9") })
        {
            using var sent = await browser.PostAsync(path, new FormUrlEncodedContent([new("code", code), new("key", Guid.NewGuid().ToString("N"))]));
            Assert.Equal(HttpStatusCode.SeeOther, sent.StatusCode);
            Assert.Contains(words, await browser.GetStringAsync(sent.Headers.Location!.OriginalString), StringComparison.Ordinal);
        }

        using var empty = await browser.PostAsync(path, new FormUrlEncodedContent([]));
        Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
        using var seen = await server.Admin.GetAsync($"/campaigns/new?name=X&target=serial%3ACMPS1&preview=true");
        Assert.Contains("It would write down 1 iPad", await seen.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
