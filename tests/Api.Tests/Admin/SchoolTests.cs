using System.Net;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Schools over HTTP and in the console.</summary>
public sealed class SchoolTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/schools";

    private static int _number;

    private static string Name() => $"School {Interlocked.Increment(ref _number)}";

    private async Task<JsonObject> Create(string json)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        return await AdminServer.Body(answer, 201);
    }

    private async Task<JsonObject> Create() => await Create($$"""{"name": "{{Name()}}"}""");

    private Task<HttpResponseMessage> Put(string id, string json, string? match)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{id}") { Content = AdminServer.Json(json) };
        if (match is not null) request.Headers.TryAddWithoutValidation("If-Match", match);
        return server.Admin.SendAsync(request);
    }

    private async Task<HttpResponseMessage> Form(string path, params (string Name, string Value)[] fields)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent(fields.Select(field => new KeyValuePair<string, string>(field.Name, field.Value))),
            Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
        };
        return await server.Admin.SendAsync(request);
    }

    [Fact]
    public async Task Many_who_write_over_whatever_stands_all_succeed()
    {
        var id = (string)(await Create())["id"]!;
        foreach (var answer in await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Put(id, $$"""{"name": "{{Name()}}"}""", "*"))))
        {
            using (answer) await AdminServer.Body(answer, 200);
        }

        using var read = await server.Admin.GetAsync($"{Path}/{id}");
        Assert.Equal("\"13\"", read.Headers.ETag!.ToString());
    }

    [Fact]
    public async Task A_school_is_created_read_changed_and_deleted()
    {
        var name = Name();
        var made = await Create($$"""
            {"name": "{{name}}", "code": "c-{{name}}", "timeZone": "America/Argentina/Buenos_Aires", "atOnce": 25,
             "hours": [{"day": "Friday", "from": "8:00", "to": "13:00"}, {"day": "monday", "from": "08:15", "to": "24:00"}]}
            """);
        var id = (string)made["id"]!;
        using var read = await server.Admin.GetAsync($"{Path}/{id.ToUpperInvariant()}");
        Assert.Equal("\"1\"", read.Headers.ETag!.ToString());
        var school = await AdminServer.Body(read, 200);
        Assert.Equal("""[{"day":"monday","from":"08:15","to":"24:00"},{"day":"friday","from":"08:00","to":"13:00"}]""", school["hours"]!.ToJsonString());
        Assert.Equal((25, "America/Argentina/Buenos_Aires", false), ((int)school["atOnce"]!, (string?)school["timeZone"], (bool)school["archived"]!));

        using var changed = await Put(id, $$"""{"name": "{{name}}", "archived": true}""", "\"1\"");
        Assert.Equal("\"2\"", changed.Headers.ETag!.ToString());
        Assert.Null((await AdminServer.Body(changed, 200))["code"]);
        using var listed = await server.Admin.GetAsync($"{Path}?archived=true&q={Uri.EscapeDataString(name)}");
        Assert.Contains((await AdminServer.Body(listed, 200))["items"]!.AsArray(), item => (string?)item!["id"] == id);

        using var deleted = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await server.Admin.GetAsync($"{Path}/{id}");
        await AdminServer.Problem(gone, 404);
    }

    [Fact]
    public async Task Of_two_who_change_a_school_the_later_one_is_told_and_nobody_writes_without_having_read()
    {
        var school = await Create();
        var (id, name) = ((string)school["id"]!, (string)school["name"]!);
        using var first = await Put(id, $$"""{"name": "{{name}}", "code": "one {{name}}"}""", "\"1\"");
        await AdminServer.Body(first, 200);
        using var second = await Put(id, $$"""{"name": "{{name}}", "code": "two {{name}}"}""", "\"1\"");
        Assert.Equal("changed", (string?)(await AdminServer.Problem(second, 412))["code"]);
        using var blind = await Put(id, $$"""{"name": "{{name}}"}""", null);
        await AdminServer.Problem(blind, 428);

        // In the console: what was typed stays, and saving again is a decision.
        using var form = await Form($"/schools/{id}/edit", ("name", name), ("code", "typed"), ("version", "1"));
        Assert.Equal(HttpStatusCode.PreconditionFailed, form.StatusCode);
        var page = await form.Content.ReadAsStringAsync();
        Assert.Contains("Somebody else has changed the school", page);
        Assert.Contains("value=\"typed\"", page);
        Assert.Contains("name=\"version\" value=\"2\"", page);
    }

    [Theory]
    [InlineData("""{"name": " "}""", "name")]
    [InlineData("""{"name": "x", "timeZone": "W. Europe Standard Time"}""", "timeZone")]
    [InlineData("""{"name": "x", "timeZone": "../../etc/passwd"}""", "timeZone")]
    [InlineData("""{"name": "x", "timeZone": "Europe/Nowhere"}""", "timeZone")]
    [InlineData("""{"name": "x", "atOnce": 0}""", "atOnce")]
    [InlineData("""{"name": "x", "hours": [{"day": "monday", "from": "08:00", "to": "08:00"}]}""", "hours[0].to")]
    [InlineData("""{"name": "x", "hours": [null]}""", "hours[0]")]
    [InlineData("""{"name": "x", "hours": [{"day": "someday", "from": "08:00", "to": "09:00"}]}""", "hours[0].day")]
    [InlineData("""{"name": "x", "hours": [{"day": "monday", "from": "08:00", "to": "24:01"}]}""", "hours[0].to")]
    [InlineData("""{"name": "x", "hours": [{"day": "monday", "from": "08:00", "to": "09:00"}, {"day": "Monday", "from": "10:00", "to": "11:00"}]}""", "hours[1].day")]
    public async Task What_is_wrong_is_named(string json, string field)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        await AdminServer.Blames(answer, field);
    }

    [Fact]
    public async Task A_new_name_reaches_an_iPad_whose_grain_remembers_the_old_one()
    {
        var pad = await server.Enrol();
        var name = Name();
        await server.Execute($"UPDATE devices SET school = '{name}', version = version + 1 WHERE id = '{pad.Id}'");
        using var unknown = await server.Admin.GetAsync("/api/v1/unknown-schools");
        Assert.Contains((await AdminServer.Body(unknown, 200))["items"]!.AsArray(), item => (string?)item!["name"] == name && (int)item["iPads"]! == 1);
        Assert.Contains("Not a school yet", await server.Admin.GetStringAsync("/schools"));

        // One click makes it.
        using var made = await Form("/schools", ("name", name));
        Assert.Equal(HttpStatusCode.SeeOther, made.StatusCode);
        var id = made.Headers.Location!.ToString().Split('/', '?')[2];
        Assert.Contains("1 enrolled", await server.Admin.GetStringAsync($"/schools/{id}"));
        using var renamed = await Put(id, $$"""{"name": "{{name}} renamed"}""", "*");
        Assert.Equal(1, (int)(await AdminServer.Body(renamed, 200))["iPads"]!);
        using var used = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal("in-use", (string?)(await AdminServer.Problem(used, 409))["code"]);

        await pad.Idle();
        using var device = await server.Admin.GetAsync(pad.Path);
        Assert.Equal($"{name} renamed", (string?)(await AdminServer.Body(device, 200))["school"]);
    }

    [Fact]
    public async Task A_viewer_reads_schools_and_changes_none()
    {
        var id = (string)(await Create())["id"]!;
        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        using var read = await viewer.GetAsync($"{Path}/{id}");
        await AdminServer.Body(read, 200);
        Assert.DoesNotContain("/edit", await viewer.GetStringAsync($"/schools/{id}"));
        using var refused = await viewer.DeleteAsync($"{Path}/{id}");
        await AdminServer.Problem(refused, 403);
        using var form = await viewer.GetAsync($"/schools/{id}/edit");
        Assert.Equal(HttpStatusCode.Forbidden, form.StatusCode);
    }

    [Fact]
    public async Task The_form_names_the_day_that_is_wrong_and_keeps_what_was_typed()
    {
        using var answer = await Form("/schools", ("name", Name()), ("mondayFrom", "08:00"), ("mondayTo", "7:30"), ("tuesdayFrom", "eight"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Contains("later than the beginning", page);
        Assert.Contains("value=\"eight\"", page);
    }
}
