using System.Net;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Who has which iPad, over HTTP and in the console.</summary>
public sealed class HoldingTests(AdminServer server) : IClassFixture<AdminServer>
{
    private static readonly string Tomorrow = Day(1);

    private static string Day(int days) => TimeProvider.System.GetUtcNow().AddDays(days).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private async Task<string> Person(string family, string given = "Ali")
    {
        using var answer = await server.Admin.PostAsync("/api/v1/people", AdminServer.Json($$"""{"role": "pupil", "givenName": "{{given}}", "familyName": "{{family}}"}"""));
        return (string)(await AdminServer.Body(answer, 201))["id"]!;
    }

    private Task<HttpResponseMessage> HandOut(TestPad pad, string person, string more = "") =>
        server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json($$"""{"personId": "{{person}}"{{more}}}"""));

    private async Task<JsonObject> Read(string path)
    {
        using var answer = await server.Admin.GetAsync("/api/v1/" + path);
        return await AdminServer.Body(answer, 200);
    }

    private async Task<List<string>> Found(string filter) =>
        [.. (await Read("devices?limit=1000&filter=" + Uri.EscapeDataString(filter)))["items"]!.AsArray().Select(item => (string)item!["id"]!)];

    [Fact]
    public async Task An_iPad_is_handed_out_refused_to_another_returned_first_and_has_a_history()
    {
        var pad = await server.Enrol();
        var mark = Guid.NewGuid().ToString("N")[..8];
        string ali = await Person("Berg" + mark), bo = await Person("Alm" + mark, "Bo");
        using var first = await HandOut(pad, ali, $", \"until\": \"{Tomorrow}\"");
        var holder = await AdminServer.Body(first, 200);
        Assert.Equal(("Ali Berg" + mark, Tomorrow, false), ((string?)holder["name"], (string?)holder["until"], (bool)holder["overdue"]!));
        using (var again = await HandOut(pad, ali, $", \"until\": \"{Tomorrow}\"")) await AdminServer.Body(again, 200);

        using var refused = await HandOut(pad, bo);
        Assert.Contains("Ali Berg" + mark, (string?)(await AdminServer.Problem(refused, 409))["detail"]);
        using (var forGood = await HandOut(pad, ali)) Assert.Null((await AdminServer.Body(forGood, 200))["until"]);
        using (var taken = await HandOut(pad, bo, ", \"returnFirst\": true")) await AdminServer.Body(taken, 200);

        var had = (await Read($"devices/{pad.Id}/holders"))["items"]!.AsArray();
        Assert.Equal(["Bo Alm" + mark, "Ali Berg" + mark], had.Select(one => (string?)one!["person"]));
        Assert.NotNull(had[1]!["returnedAt"]);
        Assert.Empty((await Read($"people/{ali}/devices"))["items"]!.AsArray());
        Assert.Single((await Read($"people/{ali}/devices?returned=true"))["items"]!.AsArray());
        Assert.Equal(bo, (string?)(await Read($"devices/{pad.Id}"))["holder"]!["personId"]);
        Assert.Equal([pad.Id], await Found($"person:\"bo alm{mark}\""));
        Assert.Equal([pad.Id], await Found("person:" + bo));

        using (var returned = await server.Admin.DeleteAsync($"{pad.Path}/holder")) Assert.Equal(HttpStatusCode.NoContent, returned.StatusCode);
        using (var twice = await server.Admin.DeleteAsync($"{pad.Path}/holder")) await AdminServer.Problem(twice, 404);
        Assert.Empty(await Found("person:" + bo));

        // What was done names nobody, and the repetition is no record. Two are of one moment.
        var records = (await Read($"audit?target={pad.Id}"))["items"]!.AsArray();
        Assert.Equal(["device.hand-out", "device.hand-out", "device.hand-out", "device.return", "device.return"], records.Where(record => (string?)record!["result"] == "done").Select(record => (string?)record!["verb"]).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(mark, records.ToJsonString());
    }

    [Fact]
    public async Task A_loan_whose_day_is_over_stands_in_the_list_on_the_first_page_and_in_the_filter()
    {
        var (late, kept) = (await server.Enrol(), await server.Enrol());
        var person = await Person("Late");
        foreach (var pad in (TestPad[])[late, kept]) using (var given = await HandOut(pad, person, $", \"until\": \"{Tomorrow}\"")) await AdminServer.Body(given, 200);
        await server.Execute($"UPDATE holdings SET due_on = '{Day(-1)}' WHERE device_id = '{late.Id}'");

        Assert.Equal([late.Id], (await Read("loans?overdue=true"))["items"]!.AsArray().Select(loan => (string?)loan!["deviceId"]));
        Assert.Equal([late.Id, kept.Id], (await Read("loans"))["items"]!.AsArray().Select(loan => (string?)loan!["deviceId"]).Where(id => id == late.Id || id == kept.Id));
        Assert.Equal([late.Id], await Found("overdue"));
        Assert.Equal([kept.Id], await Found($"overdue:no and person:{person}"));
        Assert.Contains("loan is overdue", await server.Admin.GetStringAsync("/"));
        Assert.Contains(late.Id, await server.Admin.GetStringAsync("/loans?state=overdue"));
        Assert.DoesNotContain(kept.Id, await server.Admin.GetStringAsync("/loans?state=overdue"));
        Assert.Contains("The loan is overdue", await server.Admin.GetStringAsync($"/ipads/{late.Id}/person"));
        await server.Execute($"DELETE FROM holdings WHERE device_id IN ('{late.Id}', '{kept.Id}')");
    }

    [Fact]
    public async Task Who_is_forgotten_leaves_the_record_and_no_name_and_who_has_left_gets_nothing_more()
    {
        var pad = await server.Enrol();
        var person = await Person("Gone" + pad.Id);
        using (var given = await HandOut(pad, person)) await AdminServer.Body(given, 200);
        using (var put = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/people/{person}") { Content = AdminServer.Json($$"""{"role": "pupil", "familyName": "Gone{{pad.Id}}", "active": false}"""), Headers = { { "If-Match", "*" } } })
        using (var left = await server.Admin.SendAsync(put)) await AdminServer.Body(left, 200);
        Assert.True((bool)(await Read($"devices/{pad.Id}"))["holder"]!["personLeft"]!);
        Assert.Contains(pad.Id, await Found("personLeft"));
        using (var refused = await HandOut(await server.Enrol(), person)) Assert.Equal("person-left", (string?)(await AdminServer.Problem(refused, 409))["code"]);

        Assert.Contains("still has an iPad", await server.Admin.GetStringAsync($"/people/{person}/delete"));
        using (var deleted = await server.Admin.DeleteAsync($"/api/v1/people/{person}")) Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        var holder = (await Read($"devices/{pad.Id}"))["holder"]!;
        Assert.Equal((person, null), ((string?)holder["personId"], (string?)holder["name"]));
        foreach (var page in (string[])[$"/ipads/{pad.Id}/person", $"/ipads/{pad.Id}", "/ipads?columns=person"]) Assert.DoesNotContain("Gone" + pad.Id, await server.Admin.GetStringAsync(page));
        Assert.Contains(pad.Id, await Found("personLeft"));
        Assert.Contains(pad.Id, await Found("assigned"));
        using (var returned = await server.Admin.DeleteAsync($"{pad.Path}/holder")) Assert.Equal(HttpStatusCode.NoContent, returned.StatusCode);
    }

    [Fact]
    public async Task An_iPad_that_is_removed_and_enrols_again_keeps_its_person()
    {
        var pad = await server.Enrol();
        using (var given = await HandOut(pad, await Person("Keeps"))) await AdminServer.Body(given, 200);
        using (var removed = await server.Admin.DeleteAsync(pad.Path)) Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.Equal("Ali Keeps", (string?)(await Read($"devices/{pad.Id}"))["holder"]!["name"]);
    }

    [Fact]
    public async Task In_the_console_the_iPad_is_scanned_on_the_page_of_the_person_and_returned_there()
    {
        var pad = await server.Enrol();
        var serial = (string)(await Read($"devices/{pad.Id}"))["serialNumber"]!;
        using (var tagged = await server.Admin.PutAsync($"/api/v1/placeholders/{serial}", AdminServer.Json($$"""{"assetTag": "TAG {{serial}}"}"""))) Assert.True(tagged.IsSuccessStatusCode);
        var person = await Person("Scan");
        using (var nothing = await Post($"/people/{person}/ipads", ("ipad", "NOSUCHIPAD"))) Assert.Contains("No iPad has the serial number", await nothing.Content.ReadAsStringAsync());
        using (var given = await Post($"/people/{person}/ipads", ("ipad", $"TAG {serial}"), ("until", Tomorrow))) Assert.Equal($"/people/{person}?done=handed-out", given.Headers.Location?.ToString());
        Assert.Contains($"until {Tomorrow}", await server.Admin.GetStringAsync($"/people/{person}"));
        using (var other = await Post($"/ipads/{pad.Id}/person", ("person", await Person("Other")), ("q", "other")))
            Assert.Contains("Ali Scan has this iPad since", await other.Content.ReadAsStringAsync());
        using (var returned = await Post($"/ipads/{pad.Id}/person/return", ("from", person))) Assert.Equal($"/people/{person}?done=returned", returned.Headers.Location?.ToString());
        Assert.Contains("Nobody", await server.Admin.GetStringAsync($"/ipads/{pad.Id}/person?q=scan"));

        async Task<HttpResponseMessage> Post(string path, params (string, string)[] fields)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new FormUrlEncodedContent(fields.Append(("key", Guid.NewGuid().ToString("N"))).Select(field => new KeyValuePair<string, string>(field.Item1, field.Item2))),
                Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
            };
            return await server.Admin.SendAsync(request);
        }
    }

    [Fact]
    public async Task A_viewer_sees_who_has_it_and_hands_nothing_out()
    {
        var pad = await server.Enrol();
        var person = await Person("Seen");
        using (var given = await HandOut(pad, person)) await AdminServer.Body(given, 200);
        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        Assert.Contains("Ali Seen", await viewer.GetStringAsync(pad.Path));
        var page = await viewer.GetStringAsync($"/ipads/{pad.Id}/person");
        Assert.Contains("Ali Seen", page);
        Assert.DoesNotContain("Hand it out", page);
        using var refused = await viewer.DeleteAsync($"{pad.Path}/holder");
        await AdminServer.Problem(refused, 403);
    }

    [Theory]
    [InlineData("""{"personId": "ali"}""", "personId")]
    [InlineData("""{"personId": "00000000-0000-4000-8000-000000000000"}""", "personId")]
    [InlineData("""{"personId": "00000000-0000-4000-8000-000000000000", "until": "2020-01-01"}""", "until")]
    [InlineData("""{"personId": "00000000-0000-4000-8000-000000000000", "until": "2999-01-01"}""", "until")]
    public async Task What_is_wrong_is_named(string json, string field)
    {
        using var answer = await server.Admin.PutAsync($"{(await server.Enrol()).Path}/holder", AdminServer.Json(json));
        await AdminServer.Blames(answer, field);
    }
}
