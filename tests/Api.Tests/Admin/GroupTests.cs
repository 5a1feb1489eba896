using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Groups over HTTP and in the console.</summary>
public sealed class GroupTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/groups";

    private static int _number;

    private static string Name(string what = "Group") => $"{what} {Interlocked.Increment(ref _number)}";

    private async Task<JsonObject> Create(string name, string? rule = null, string? schoolId = null)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(new JsonObject { ["name"] = name, ["rule"] = rule, ["schoolId"] = schoolId }.ToJsonString()));
        return await AdminServer.Body(answer, 201);
    }

    private async Task<JsonObject> Refused(string json, int status)
    {
        using var answer = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        return await AdminServer.Body(answer, status);
    }

    private Task<HttpResponseMessage> Put(string id, string json, string match)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{id}") { Content = AdminServer.Json(json) };
        request.Headers.TryAddWithoutValidation("If-Match", match);
        return server.Admin.SendAsync(request);
    }

    private async Task<JsonObject> Move(JsonObject group, string way, string json, int status = 200)
    {
        using var answer = await server.Admin.PostAsync($"{Path}/{group["id"]}/{way}", AdminServer.Json(json));
        return await AdminServer.Body(answer, status);
    }

    private async Task<string[]> IPadsOf(string name)
    {
        using var answer = await server.Admin.GetAsync($"/api/v1/devices?filter={Uri.EscapeDataString($"group:\"{name}\"")}");
        return [.. (await AdminServer.Body(answer, 200))["items"]!.AsArray().Select(item => (string)item!["serialNumber"]!).Order(StringComparer.Ordinal)];
    }

    /// <summary>Of these: other tests' groups may find the iPad too.</summary>
    private async Task<string[]> GroupsOf(TestPad pad, params string[] names)
    {
        using var answer = await server.Admin.GetAsync($"{pad.Path}/groups");
        return [.. (await AdminServer.Body(answer, 200))["items"]!.AsArray().Select(item => (string)item!["name"]!).Where(names.Contains)];
    }

    [Fact]
    public async Task iPads_are_put_into_a_group_by_serial_number_and_taken_out()
    {
        var (first, second) = (await server.Enrol(serial: "GRPHAND1"), await server.Enrol(serial: "GRPHAND2"));
        var group = await Create(Name());
        var name = (string)group["name"]!;

        // As they are scanned or copied: a serial number in small letters, and an id.
        Assert.Equal(2, (int)(await Move(group, "members", $$"""{"iPads": ["grphand1", "{{second.Id.ToLowerInvariant()}}"]}"""))["changed"]!);
        Assert.Equal(0, (int)(await Move(group, "members", """{"iPads": ["GRPHAND1"]}"""))["changed"]!);

        Assert.Equal(["GRPHAND1", "GRPHAND2"], await IPadsOf(name.ToUpperInvariant()));
        Assert.Equal([name], await GroupsOf(first, name));
        using var read = await server.Admin.GetAsync($"{Path}/{group["id"]}");
        Assert.Equal(2, (int)(await AdminServer.Body(read, 200))["iPads"]!);

        Assert.Equal(1, (int)(await Move(group, "members/remove", """{"iPads": ["GRPHAND1", "GRPNOBODY"]}"""))["changed"]!);
        Assert.Equal(["GRPHAND2"], await IPadsOf(name));
    }

    [Fact]
    public async Task One_wrong_serial_number_puts_none_into_the_group_and_is_named()
    {
        await server.Enrol(serial: "GRPWRONG1");
        var group = await Create(Name());

        var refused = await Move(group, "members", """{"iPads": ["GRPWRONG1", "GRPNOBODY", "GRPNEITHER"]}""", 400);

        Assert.Contains("GRPNOBODY, GRPNEITHER", (string)refused["errors"]!["iPads"]![0]!);
        Assert.Empty(await IPadsOf((string)group["name"]!));
    }

    [Fact]
    public async Task A_rule_follows_its_iPads_at_once()
    {
        var pad = await server.Enrol(serial: "GRPRULE1", name: "Regelwagen 1");
        await server.Enrol(serial: "GRPRULE2", name: "Regelwagen 2");
        var (inner, outer) = (Name(), Name());
        await Create(inner, "name:Regelwagen");
        await Create(outer, $"group:\"{inner}\" and not serial:GRPRULE2");

        Assert.Equal(["GRPRULE1"], await IPadsOf(outer));
        Assert.Equal([inner, outer], await GroupsOf(pad, inner, outer));

        await server.Execute($"UPDATE devices SET serial_number = 'GRPRULE3' WHERE id = '{pad.Id}'");
        using var changed = await Put((string)(await Find(outer))["id"]!, $$"""{"name": "{{outer}}", "rule": "group:\"{{inner}}\" and serial:GRPRULE3"}""", "\"1\"");
        await AdminServer.Body(changed, 200);
        Assert.Equal(["GRPRULE3"], await IPadsOf(outer));
    }

    [Fact]
    public async Task A_group_of_a_school_holds_only_iPads_of_that_school()
    {
        var school = Name("Group school");
        using var made = await server.Admin.PostAsync("/api/v1/schools", AdminServer.Json($$"""{"name": "{{school}}"}"""));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        var here = await server.Enrol(serial: "GRPHERE", name: "Schulwagen 1");
        var there = await server.Enrol(serial: "GRPTHERE", name: "Schulwagen 2");
        await server.Execute($"UPDATE devices SET school = '{school}' WHERE id = '{here.Id}'");
        var (byRule, byHand) = (Name(), Name());
        await Create(byRule, "name:Schulwagen", id);
        await Move(await Create(byHand, schoolId: id), "members", """{"iPads": ["GRPHERE", "GRPTHERE"]}""");

        Assert.Equal(["GRPHERE"], await IPadsOf(byRule));
        Assert.Equal(["GRPHERE"], await IPadsOf(byHand));
        Assert.Equal([byRule, byHand], await GroupsOf(here, byRule, byHand));
        Assert.Empty(await GroupsOf(there, byRule, byHand));
        using var deleted = await server.Admin.DeleteAsync($"/api/v1/schools/{id}");
        Assert.Equal("in-use", (string)(await AdminServer.Body(deleted, 409))["code"]!);
    }

    [Fact]
    public async Task A_rule_that_cannot_be_is_refused_at_its_field()
    {
        var (first, second) = (Name(), Name());
        var made = await Create(first, "os>1");
        await Create(second, $"group:\"{first}\"");

        Assert.Contains("At character 4", (string)(await Refused($$"""{"name": "{{Name()}}", "rule": "os<"}""", 400))["errors"]!["rule"]![0]!);
        Assert.Contains("No group is called \"none of these\"",
            (string)(await Refused($$"""{"name": "{{Name()}}", "rule": "group:\"None of these\""}""", 400))["errors"]!["rule"]![0]!);
        var itself = Name();
        Assert.Contains("cannot name the group itself", (string)(await Refused($$"""{"name": "{{itself}}", "rule": "group:\"{{itself}}\""}""", 400))["errors"]!["rule"]![0]!);
        using var circle = await Put((string)made["id"]!, $$"""{"name": "{{first}}", "rule": "group:\"{{second}}\""}""", "\"1\"");
        Assert.Contains("leads back to itself", (string)(await AdminServer.Body(circle, 400))["errors"]!["rule"]![0]!);
        Assert.Equal("os>1", (string?)(await Find(first))["rule"]);
    }

    [Fact]
    public async Task A_group_that_a_rule_names_keeps_its_name_and_stays()
    {
        var (used, user) = (Name(), Name());
        var group = await Create(used);
        await Create(user, $"not group:\"{used.ToUpperInvariant()}\"");

        using var renamed = await Put((string)group["id"]!, $$"""{"name": "{{Name()}}"}""", "\"1\"");
        Assert.Contains(user, (string)(await AdminServer.Body(renamed, 409))["detail"]!);
        using var deleted = await server.Admin.DeleteAsync($"{Path}/{group["id"]}");
        Assert.Equal("in-use", (string)(await AdminServer.Body(deleted, 409))["code"]!);
        using var changed = await Put((string)group["id"]!, $$"""{"name": "{{used}}", "note": "Kept in room 3"}""", "\"1\"");
        Assert.Equal(2, (int)(await AdminServer.Body(changed, 200))["version"]!);
    }

    [Fact]
    public async Task Of_two_who_change_a_group_the_later_one_is_told()
    {
        var name = Name();
        var group = await Create(name);
        using var first = await Put((string)group["id"]!, $$"""{"name": "{{name}}", "note": "mine"}""", "\"1\"");
        using var second = await Put((string)group["id"]!, $$"""{"name": "{{name}}", "note": "yours"}""", "\"1\"");

        Assert.Equal(200, (int)first.StatusCode);
        Assert.Equal("changed", (string)(await AdminServer.Body(second, 412))["code"]!);
        Assert.Equal("mine", (string?)(await Find(name))["note"]);
        Assert.Equal("name-taken", (string)(await Refused($$"""{"name": "{{name.ToUpperInvariant()}}"}""", 409))["code"]!);
    }

    [Fact]
    public async Task A_group_with_a_rule_takes_no_iPads_by_hand_and_one_that_gets_a_rule_loses_them()
    {
        await server.Enrol(serial: "GRPTURNS");
        var name = Name();
        var group = await Create(name);
        await Move(group, "members", """{"filter": "serial:GRPTURNS"}""");
        using var turned = await Put((string)group["id"]!, $$"""{"name": "{{name}}", "rule": "serial:NOBODY"}""", "\"1\"");
        await AdminServer.Body(turned, 200);

        Assert.Equal("group-has-rule", (string)(await Move(group, "members", """{"iPads": ["GRPTURNS"]}""", 409))["code"]!);
        using var back = await Put((string)group["id"]!, $$"""{"name": "{{name}}"}""", "\"2\"");
        Assert.Equal(0, (int)(await AdminServer.Body(back, 200))["chosen"]!);
    }

    [Fact]
    public async Task A_command_goes_to_the_iPads_of_a_group_and_never_past_a_name_that_is_wrong()
    {
        var pad = await server.Enrol(serial: "GRPORDER", name: "Auftragswagen");
        var name = Name();
        await Create(name, "name:Auftragswagen");
        string Order(string filter) => $$"""{"target": {"filter": {"filter": "{{filter}}" } }, "command": {"requestType": "DeviceLock"}, "push": false}""";

        using var started = await server.Admin.PostAsync("/api/v1/operations", AdminServer.Json(Order($"group:\\\"{name}\\\"")));
        Assert.Equal(1, (int)(await AdminServer.Body(started, 202))["total"]!);
        using var queued = await server.Admin.GetAsync(pad.Path);
        Assert.Equal("DeviceLock", (string)(await AdminServer.Body(queued, 200))["queue"]![0]!["requestType"]!);

        // Whoever mistypes "not this group" must not reach all the others.
        using var wrong = await server.Admin.PostAsync("/api/v1/operations", AdminServer.Json(Order("not group:\\\"Mistyped\\\"")));
        Assert.Equal("invalid-filter", (string)(await AdminServer.Body(wrong, 400))["code"]!);
        using var listed = await server.Admin.GetAsync("/api/v1/devices?filter=not+group:Mistyped");
        Assert.Contains("No group is called", (string)(await AdminServer.Body(listed, 400))["errors"]!["filter"]![0]!);
    }

    [Fact]
    public async Task The_pages_show_a_group_what_a_rule_would_find_and_whom_it_holds()
    {
        var pad = await server.Enrol(serial: "GRPPAGE", name: "Seitenwagen");
        var name = Name();

        var tried = await server.Admin.GetStringAsync($"/groups/new?name={Uri.EscapeDataString(name)}&rule=name%3ASeitenwagen&preview=true");
        Assert.Contains("The rule finds 1 iPad<", tried);
        Assert.Contains($"value=\"{name}\"", tried);
        using var wrong = await server.Admin.GetAsync("/groups/new?rule=nonsense&preview=true");
        Assert.Contains("id=\"rule-error\"", await wrong.Content.ReadAsStringAsync());

        var group = await Create(name, "name:Seitenwagen");
        var page = await server.Admin.GetStringAsync($"/groups/{group["id"]}");
        Assert.Contains("Seitenwagen", page);
        Assert.Contains("name:Seitenwagen", page);
        Assert.Contains($"/groups/{group["id"]}", await server.Admin.GetStringAsync($"/ipads/{pad.Id}"));
        Assert.Contains("GRPPAGE", await server.Admin.GetStringAsync($"/ipads?group={Uri.EscapeDataString(name)}"));
        using var unknown = await server.Admin.GetAsync("/ipads?group=Nobody");
        Assert.Equal(400, (int)unknown.StatusCode);
        Assert.Contains("No group is called", await unknown.Content.ReadAsStringAsync());
    }

    private async Task<JsonObject> Find(string name)
    {
        using var answer = await server.Admin.GetAsync($"{Path}?q={Uri.EscapeDataString(name)}");
        return (await AdminServer.Body(answer, 200))["items"]!.AsArray().Single(item => (string?)item!["name"] == name)!.AsObject();
    }
}
