using System.Net;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Notes and incidents of iPads over HTTP and in the console.</summary>
public sealed class IncidentTests(AdminServer server) : IClassFixture<AdminServer>
{
    private async Task<JsonObject> Read(string path)
    {
        using var answer = await server.Admin.GetAsync("/api/v1/" + path);
        return await AdminServer.Body(answer, 200);
    }

    private async Task<JsonObject> Post(string path, string json)
    {
        using var answer = await server.Admin.PostAsync(path, AdminServer.Json(json));
        return await AdminServer.Body(answer, 201);
    }

    private async Task<HttpResponseMessage> Put(string id, string json, string version)
    {
        using var put = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/incidents/{id}") { Content = AdminServer.Json(json) };
        put.Headers.TryAddWithoutValidation("If-Match", version);
        return await server.Admin.SendAsync(put);
    }

    [Fact]
    public async Task An_incident_is_opened_shown_everywhere_repaired_and_closed_with_its_history()
    {
        var pad = await server.Enrol();
        using var made = await server.Admin.PostAsync("/api/v1/schools", AdminServer.Json($$"""{"name": "School of {{pad.Id}}"}"""));
        var school = (string)(await AdminServer.Body(made, 201))["id"]!;
        await server.Execute($"UPDATE devices SET school = 'School of {pad.Id}' WHERE id = '{pad.Id}'");
        var id = (string)(await Post($"{pad.Path}/incidents", """{"kind": "brokenScreen", "text": "It fell\r\nfrom a desk."}"""))["id"]!;
        using (var twice = await server.Admin.PostAsync($"{pad.Path}/incidents", AdminServer.Json("""{"kind": "brokenScreen"}""")))
            Assert.Equal("incident-open", (string?)(await AdminServer.Problem(twice, 409))["code"]);

        Assert.Equal([pad.Id], (await Read($"incidents?school={school}"))["items"]!.AsArray().Select(one => (string?)one!["deviceId"]));
        Assert.Contains("open</span>", await server.Admin.GetStringAsync("/"));
        Assert.Contains("with an open incident", await server.Admin.GetStringAsync($"/schools/{school}"));
        Assert.Contains("Broken screen", await server.Admin.GetStringAsync($"/ipads/{pad.Id}"));
        Assert.Contains(pad.Id, await server.Admin.GetStringAsync($"/incidents?kind=brokenScreen&school={school}"));
        Assert.Equal([pad.Id], (await Read($"devices?filter=incident:brokenScreen&school=School of {pad.Id}"))["items"]!.AsArray().Select(one => (string?)one!["id"]));

        using (var repair = await Put(id, """{"kind": "inRepair", "closed": false, "text": "Sent away."}""", "\"1\"")) await AdminServer.Body(repair, 200);
        using (var late = await Put(id, """{"kind": "lost", "closed": false}""", "\"1\"")) await AdminServer.Problem(late, 412);
        using (var none = await Put(id, """{"kind": "lost", "closed": false}""", "")) await AdminServer.Problem(none, 428);
        using (var over = await Put(id, """{"kind": "inRepair", "closed": true}""", "\"2\"")) Assert.NotNull((await AdminServer.Body(over, 200))["closedAt"]);
        using (var again = await Put(id, """{"kind": "inRepair", "closed": true}""", "*")) Assert.Equal(3, (int)(await AdminServer.Body(again, 200))["version"]!);

        var history = (await Read($"incidents/{id}"))["notes"]!.AsArray();
        Assert.Equal([("closed", null), ("changed", "Sent away."), ("opened", "It fell\nfrom a desk.")], history.Select(note => ((string?)note!["what"], (string?)note["text"])));
        Assert.Empty((await Read($"incidents?school={school}"))["items"]!.AsArray());
        Assert.Single((await Read($"incidents?school={school}&state=closed"))["items"]!.AsArray());

        // What was done is known; what was said stands in no record.
        var records = (await Read($"audit?target={pad.Id}"))["items"]!.AsArray();
        Assert.Equal(["incident.change", "incident.change", "incident.open"], records.Where(record => (string?)record!["result"] == "done").Select(record => (string?)record!["verb"]));
        Assert.DoesNotContain("fell", records.ToJsonString());
    }

    [Fact]
    public async Task A_note_is_written_read_by_everybody_and_removed()
    {
        var pad = await server.Enrol();
        var id = (string)(await Post($"{pad.Path}/notes", """{"text": "A new <case>."}"""))["id"]!;
        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        var page = await viewer.GetStringAsync($"/ipads/{pad.Id}/notes");
        Assert.Contains("A new &lt;case&gt;.", page);
        Assert.DoesNotContain("Write note", page);
        using (var refused = await viewer.PostAsync($"{pad.Path}/notes", AdminServer.Json("""{"text": "x"}"""))) await AdminServer.Problem(refused, 403);
        using (var removed = await server.Admin.DeleteAsync($"{pad.Path}/notes/{id}")) Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        using (var twice = await server.Admin.DeleteAsync($"{pad.Path}/notes/{id}")) await AdminServer.Problem(twice, 404);
        Assert.Empty((await Read($"devices/{pad.Id}/notes"))["items"]!.AsArray());
    }

    [Theory]
    [InlineData("notes", """{"text": "  "}""", "text")]
    [InlineData("notes", """{"text": "a\u0007b"}""", "text")]
    [InlineData("incidents", """{"kind": "stolen"}""", "kind")]
    public async Task What_is_wrong_is_named(string what, string json, string field)
    {
        using var answer = await server.Admin.PostAsync($"{(await server.Enrol()).Path}/{what}", AdminServer.Json(json));
        await AdminServer.Blames(answer, field);
    }
}
