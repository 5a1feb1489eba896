using System.Net;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>People and classes over HTTP and in the console.</summary>
public sealed class PeopleTests(AdminServer server) : IClassFixture<AdminServer>
{
    private async Task<JsonObject> Create(string path, string json)
    {
        using var answer = await server.Admin.PostAsync("/api/v1/" + path, AdminServer.Json(json));
        return await AdminServer.Body(answer, 201);
    }

    private async Task<string> School() => (string)(await Create("schools", $$"""{"name": "School {{Guid.NewGuid()}}"}"""))["id"]!;

    [Fact]
    public async Task A_person_is_added_changed_put_into_a_class_and_forgotten()
    {
        var school = await School();
        var person = await Create("people", $$"""{"role": "pupil", "givenName": "Ali", "familyName": "Berg", "schoolId": "{{school}}", "email": " ali.berg@school.example ", "sourceId": "src-{{school}}"}""");
        var id = (string)person["id"]!;
        Assert.Equal(("ali.berg@school.example", true), ((string?)person["email"], (bool)person["active"]!));
        var @class = (string)(await Create("classes", $$"""{"name": "7B", "schoolId": "{{school}}", "endsOn": "2027-06-11"}"""))["id"]!;
        using var joined = await server.Admin.PutAsync($"/api/v1/classes/{@class}/members/{id}", AdminServer.Json("""{"role": "pupil"}"""));
        Assert.Equal(HttpStatusCode.NoContent, joined.StatusCode);
        using var read = await server.Admin.GetAsync($"/api/v1/classes/{@class}");
        var seen = await AdminServer.Body(read, 200);
        Assert.Equal((1, "2027-06-11"), ((int)seen["pupils"]!, (string?)seen["endsOn"]));
        Assert.Contains("7B", await server.Admin.GetStringAsync($"/people/{id}"));
        Assert.Contains("Berg, Ali", await server.Admin.GetStringAsync($"/classes/{@class}"));
        Assert.Contains("Berg, Ali", await server.Admin.GetStringAsync($"/people?q=berg+ali&school={school}"));

        using var put = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/people/{id}") { Content = AdminServer.Json("""{"role": "pupil", "familyName": "Berg", "active": false}""") };
        put.Headers.TryAddWithoutValidation("If-Match", "\"1\"");
        using var changed = await server.Admin.SendAsync(put);
        var left = await AdminServer.Body(changed, 200);
        Assert.Equal(("", null), ((string?)left["givenName"], (string?)left["email"]));
        Assert.NotNull(left["leftAt"]);
        using var late = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/people/{id}") { Content = AdminServer.Json("""{"role": "pupil", "familyName": "Late"}""") };
        late.Headers.TryAddWithoutValidation("If-Match", "\"1\"");
        using var refused = await server.Admin.SendAsync(late);
        await AdminServer.Problem(refused, 412);

        using var deleted = await server.Admin.DeleteAsync($"/api/v1/people/{id}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await server.Admin.GetAsync($"/people/{id}");
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        // What was done stays known, and names nobody.
        using var records = await server.Admin.GetAsync($"/api/v1/audit?target={id}");
        var audit = (await AdminServer.Body(records, 200))["items"]!.AsArray();
        Assert.Equal(["person.delete", "person.change", "person.create"], audit.Select(record => (string?)record!["verb"]));
        Assert.DoesNotContain("Berg", audit.ToJsonString());
    }

    [Fact]
    public async Task A_viewer_sees_names_and_neither_reads_nor_finds_addresses()
    {
        var mark = Guid.NewGuid().ToString("N");
        var id = (string)(await Create("people", $$"""{"role": "teacher", "familyName": "Holm {{mark}}", "email": "secret{{mark}}@x.example", "managedAccount": "acc{{mark}}@x.example", "username": "user{{mark}}", "sourceId": "src{{mark}}"}"""))["id"]!;
        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);

        Assert.Contains(id, await viewer.GetStringAsync($"/api/v1/people?q=HOLM {mark}"));
        foreach (var text in (string[])[$"/api/v1/people/{id}", $"/api/v1/people?q=holm {mark}", $"/people/{id}", $"/people?q=holm {mark}"])
        {
            var answer = await viewer.GetStringAsync(text);
            foreach (var hidden in (string[])["secret", "acc", "user", "src"]) Assert.DoesNotContain(hidden + mark, answer);
        }

        Assert.DoesNotContain(id, await viewer.GetStringAsync($"/api/v1/people?q=secret{mark}"));
        Assert.Contains(id, await server.Admin.GetStringAsync($"/api/v1/people?q=SECRET{mark}"));
        using var refused = await viewer.DeleteAsync($"/api/v1/people/{id}");
        await AdminServer.Problem(refused, 403);
        using var form = await viewer.GetAsync("/people/new");
        Assert.Equal(HttpStatusCode.Forbidden, form.StatusCode);
    }

    [Theory]
    [InlineData("people", """{"role": "pupil"}""", "familyName")]
    [InlineData("people", """{"role": "head", "familyName": "x"}""", "role")]
    [InlineData("people", """{"role": "pupil", "familyName": "x", "email": "no address"}""", "email")]
    [InlineData("people", """{"role": "pupil", "familyName": "x", "schoolId": "north"}""", "schoolId")]
    [InlineData("people", """{"role": "pupil", "familyName": "x", "schoolId": "00000000-0000-4000-8000-000000000000"}""", "schoolId")]
    [InlineData("classes", """{"name": "x", "schoolId": "00000000-0000-4000-8000-000000000000"}""", "schoolId")]
    [InlineData("classes", """{"name": " ", "schoolId": "00000000-0000-4000-8000-000000000000"}""", "name")]
    public async Task What_is_wrong_is_named(string path, string json, string field)
    {
        using var answer = await server.Admin.PostAsync("/api/v1/" + path, AdminServer.Json(json));
        await AdminServer.Blames(answer, field);
    }

    [Theory]
    [InlineData("people", "\"role\": \"pupil\", \"familyName\"")]
    [InlineData("classes", "\"name\"")]
    public async Task Many_who_write_over_whatever_stands_all_succeed(string path, string name)
    {
        var school = await School();
        string Json(int number) => $$"""{{{name}}: "Race {{number}}", "schoolId": "{{school}}"}""";
        var id = (string)(await Create(path, Json(0)))["id"]!;
        async Task<int> Put(int number)
        {
            using var put = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/{path}/{id}") { Content = AdminServer.Json(Json(number)), Headers = { { "If-Match", "*" } } };
            using var answer = await server.Admin.SendAsync(put);
            return (int)answer.StatusCode;
        }

        Assert.All(await Task.WhenAll(Enumerable.Range(1, 12).Select(Put)), status => Assert.Equal(200, status));
        using var read = await server.Admin.GetAsync($"/api/v1/{path}/{id}");
        Assert.Equal("\"13\"", read.Headers.ETag!.ToString());
    }

    [Fact]
    public async Task A_person_whose_school_was_archived_keeps_it_when_the_form_is_saved()
    {
        var school = await School();
        var id = (string)(await Create("people", $$"""{"role": "pupil", "familyName": "Berg", "schoolId": "{{school}}"}"""))["id"]!;
        using var put = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/schools/{school}") { Content = AdminServer.Json($$"""{"name": "Closed {{school}}", "archived": true}""") };
        put.Headers.TryAddWithoutValidation("If-Match", "*");
        using var archived = await server.Admin.SendAsync(put);
        await AdminServer.Body(archived, 200);
        Assert.Contains($"<option value=\"{school}\" selected", await server.Admin.GetStringAsync($"/people/{id}/edit"));
    }
}
