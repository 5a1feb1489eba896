using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Grains.Interfaces;
using Orleans.Core.Internal;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Roles over HTTP and in the console: those that are always there, own ones, and what each lets somebody do with commands.</summary>
public sealed class RoleTests(AdminServer server)
{
    private const string Path = "/api/v1/roles";

    private static int _number;

    private static string Name() => $"own-{Interlocked.Increment(ref _number)}";

    private Task<string> Add(params string[] rights) => Add(server, rights);

    private static async Task<string> Add(AdminServer server, string[] rights)
    {
        var name = Name();
        using var made = await server.Admin.PostAsync(Path, Role(name, rights));
        await AdminServer.Body(made, 201);
        return name;
    }

    private static StringContent Role(string? name, params string[] rights) => AdminServer.Json(
        $$"""{{{(name is null ? "" : $"\"name\": \"{name}\", ")}}"title": "Own", "rights": [{{string.Join(", ", rights.Select(right => $"\"{right}\""))}}]}""");

    private async Task<HttpResponseMessage> Put(HttpClient client, string name, string match, params string[] rights)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{name}") { Content = Role(null, rights) };
        request.Headers.TryAddWithoutValidation("If-Match", match);
        return await client.SendAsync(request);
    }

    private Task<HttpClient> With(params string[] rights) => With(server, rights);

    /// <summary>Sends with a token that has these rights and no others.</summary>
    internal static async Task<HttpClient> With(AdminServer server, params string[] rights) => server.Client((await server.MakeToken(await Add(server, rights))).Token);

    private static async Task Lacks(HttpResponseMessage response, string right)
    {
        var problem = await AdminServer.Problem(response, 403);
        Assert.Equal("not-allowed", (string?)problem["code"]);
        Assert.Contains(right, problem["missingRights"]!.AsArray().Select(one => (string)one!));
        Assert.Contains(Rights.Of(right).Words, (string)problem["detail"]!);
    }

    [Fact]
    public async Task A_role_is_added_read_changed_and_deleted_and_each_is_recorded()
    {
        var name = await Add("profile.change", "device.read", "profile.read", "device.read");
        using var read = await server.Admin.GetAsync($"{Path}/{name}");
        Assert.Equal("\"1\"", read.Headers.ETag!.ToString());
        var role = await AdminServer.Body(read, 200);
        Assert.Equal("""["device.read","profile.read","profile.change"]""", role["rights"]!.ToJsonString());
        Assert.Equal((false, 0), ((bool)role["builtIn"]!, (int)role["tokens"]!));

        using var changed = await Put(server.Admin, name, "\"1\"", "device.read", "device.refresh");
        Assert.Equal("\"2\"", changed.Headers.ETag!.ToString());
        using var same = await Put(server.Admin, name, "\"2\"", "device.refresh", "device.read");
        Assert.Equal("\"2\"", same.Headers.ETag!.ToString());
        using var late = await Put(server.Admin, name, "\"1\"", "device.read");
        Assert.Equal("changed", (string?)(await AdminServer.Problem(late, 412))["code"]);
        using var blind = await server.Admin.PutAsync($"{Path}/{name}", Role(null, "device.read"));
        await AdminServer.Problem(blind, 428);

        using var deleted = await server.Admin.DeleteAsync($"{Path}/{name}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await server.Admin.GetAsync($"{Path}/{name}");
        await AdminServer.Problem(gone, 404);

        using var audit = await server.Admin.GetAsync($"/api/v1/audit?targetKind=role&target={name}");
        var records = (await AdminServer.Body(audit, 200))["items"]!.AsArray();
        Assert.Equal(["role.delete done", "role.change done", "role.create done"], records.Select(record => $"{record!["verb"]} {record["result"]}"));
        Assert.Contains("added: device.refresh; taken away: profile.read, profile.change", string.Concat(records.Select(record => (string?)record!["detail"])));
    }

    [Fact]
    public async Task A_role_that_is_always_there_cannot_be_changed_or_deleted_or_added_again()
    {
        using var list = await server.Admin.GetAsync(Path);
        var names = (await AdminServer.Body(list, 200))["items"]!.AsArray().Where(role => (bool)role!["builtIn"]!).Select(role => (string)role!["name"]!);
        Assert.Equal(["administrator", "district-administrator", "school-technician", "helpdesk", "auditor", "viewer", "teacher", "self-service"], names);
        using var changed = await Put(server.Admin, "viewer", "*", "device.read", "command.erase");
        Assert.Equal("role-is-built-in", (string?)(await AdminServer.Problem(changed, 409))["code"]);
        using var deleted = await server.Admin.DeleteAsync($"{Path}/auditor");
        await AdminServer.Problem(deleted, 409);
        using var again = await server.Admin.PostAsync(Path, Role("helpdesk", "device.read"));
        await AdminServer.Blames(again, "name", 409);
    }

    [Theory]
    [InlineData("""{"name": "Upper", "title": "x", "rights": ["device.read"]}""", "name")]
    [InlineData("""{"name": "1st", "title": "x", "rights": ["device.read"]}""", "name")]
    [InlineData("""{"name": "a b", "title": "x", "rights": ["device.read"]}""", "name")]
    [InlineData("""{"name": "x", "title": " ", "rights": ["device.read"]}""", "title")]
    [InlineData("""{"name": "x", "title": "x", "rights": []}""", "rights")]
    [InlineData("""{"name": "x", "title": "x", "rights": ["device.read", "device.fly"]}""", "rights[1]")]
    [InlineData("""{"name": "x", "title": "x", "rights": ["command.lock"]}""", "rights")]
    public async Task A_wrong_field_of_a_role_is_named(string json, string field)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        await AdminServer.Blames(response, field);
    }

    [Fact]
    public async Task A_role_of_a_token_cannot_be_deleted_until_the_token_is_revoked()
    {
        var name = await Add("device.read");
        var (id, _) = await server.MakeToken(name);
        using var refused = await server.Admin.DeleteAsync($"{Path}/{name}");
        Assert.Equal("in-use", (string?)(await AdminServer.Problem(refused, 409))["code"]);
        Assert.Equal(RoleOutcome.InUse, await server.Grains.GetGrain<IAccessGrain>(IAccessGrain.Key).DeleteRole(name));
        using var revoked = await server.Admin.DeleteAsync($"/api/v1/tokens/{id}");
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        using var deleted = await server.Admin.DeleteAsync($"{Path}/{name}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
    }

    [Fact]
    public async Task A_changed_role_changes_what_its_tokens_may_do()
    {
        var pad = await server.Enrol();
        var name = await Add("device.read");
        using var client = server.Client((await server.MakeToken(name)).Token);
        using var before = await client.PostAsync($"{pad.Path}/push", null);
        await Lacks(before, "device.refresh");
        using var changed = await Put(server.Admin, name, "*", "device.read", "device.refresh");
        await AdminServer.Body(changed, 200);
        using var after = await client.PostAsync($"{pad.Path}/push", null);
        Assert.True(after.IsSuccessStatusCode, await after.Content.ReadAsStringAsync());
        using var narrowed = await Put(server.Admin, name, "*", "operation.read", "device.read");
        await AdminServer.Body(narrowed, 200);
        using var again = await client.PostAsync($"{pad.Path}/push", null);
        await Lacks(again, "device.refresh");
    }

    [Fact]
    public async Task Nobody_gives_or_takes_what_they_do_not_have()
    {
        using var keeper = await With("device.read", "device.refresh", "token.read", "token.change", "people.read");
        foreach (var (role, missing) in new[] { ("administrator", "command.erase"), ("viewer", "operation.read"), ("helpdesk", "command.lock") })
        {
            using var made = await keeper.PostAsync("/api/v1/tokens", AdminServer.Json($$"""{"name": "more", "role": "{{role}}"}"""));
            await Lacks(made, missing);
        }

        var less = Name();
        using var added = await keeper.PostAsync(Path, Role(less, "device.read", "device.refresh"));
        await AdminServer.Body(added, 201);
        using var child = await keeper.PostAsync("/api/v1/tokens", AdminServer.Json($$"""{"name": "less", "role": "{{less}}"}"""));
        await AdminServer.Body(child, 201);
        using var more = await Put(keeper, less, "*", "device.read", "command.lock");
        await Lacks(more, "command.lock");
        using var another = await keeper.PostAsync(Path, Role(Name(), "device.read", "secret.read"));
        await Lacks(another, "secret.read");

        // Neither from those who may do more.
        var above = await Add("device.read", "audit.read");
        using var lowered = await Put(keeper, above, "*", "device.read");
        await Lacks(lowered, "audit.read");
        using var removed = await keeper.DeleteAsync($"{Path}/{above}");
        await Lacks(removed, "audit.read");
        var (administrator, token) = await server.MakeToken("administrator");
        using var revoked = await keeper.DeleteAsync($"/api/v1/tokens/{administrator}");
        await Lacks(revoked, "command.erase");
        using var stands = server.Client(token);
        using var works = await stands.GetAsync("/api/v1/status");
        Assert.Equal(HttpStatusCode.OK, works.StatusCode);
    }

    [Fact]
    public async Task Only_a_viewer_s_token_can_be_made_to_see_secrets()
    {
        using var helpdesk = await server.Admin.PostAsync("/api/v1/tokens", AdminServer.Json("""{"name": "x", "role": "helpdesk", "secrets": true}"""));
        await AdminServer.Blames(helpdesk, "secrets");
        using var viewer = await server.Admin.PostAsync("/api/v1/tokens", AdminServer.Json("""{"name": "x", "role": "Viewer", "secrets": true}"""));
        var made = (await AdminServer.Body(viewer, 201))["description"]!;
        Assert.Equal("viewer", (string?)made["role"]);
        Assert.Contains("secret.read", made["rights"]!.AsArray().Select(right => (string)right!));
        using var keeper = await With("token.read", "token.change", "device.read", "operation.read", "profile.read", "app.read", "school.read", "people.read", "invitation.read", "certificate.read", "status.read");
        using var plain = await keeper.PostAsync("/api/v1/tokens", AdminServer.Json("""{"name": "x", "role": "viewer"}"""));
        await AdminServer.Body(plain, 201);
        using var secret = await keeper.PostAsync("/api/v1/tokens", AdminServer.Json("""{"name": "x", "role": "viewer", "secrets": true}"""));
        await Lacks(secret, "secret.read");
    }

    public static TheoryData<string, string, bool> Commands => new()
    {
        { """{"requestType": "DeviceLock"}""", "command.lock", true },
        { """{"requestType": "ClearPasscode"}""", "command.clearPasscode", true },
        { """{"requestType": "EnableLostMode", "message": "x", "force": true}""", "command.lostMode", true },
        { """{"requestType": "DeviceInformation"}""", "device.refresh", true },
        { """{"requestType": "EraseDevice"}""", "command.erase", false },
        { """{"requestType": "EraseDevice", "force": true}""", "command.erase", false },
        { """{"requestType": "RestartDevice"}""", "command.send", false },
        { """{"requestType": "RemoveProfile", "identifier": "x"}""", "command.send", false },
    };

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task The_helpdesk_sends_what_it_may_and_nothing_else(string json, string right, bool may)
    {
        var pad = await server.Enrol();
        using var helpdesk = server.Client((await server.MakeToken("helpdesk")).Token);
        using var sent = await helpdesk.PostAsync($"{pad.Path}/commands?push=false", AdminServer.Json(json));
        if (may) await AdminServer.Body(sent, 202);
        else await Lacks(sent, right);

        // As a property list, taken as it is or not.
        var type = (string)JsonNode.Parse(json)!["requestType"]!;
        foreach (var query in may ? Array.Empty<string>() : ["?push=false", "?push=false&raw=true", "?push=false&raw=true&force=true"])
        {
            using var list = await helpdesk.PostAsync($"{pad.Path}/commands{query}", new StringContent(
                $"<plist version=\"1.0\"><dict><key>RequestType</key><string>{type}</string><key>Identifier</key><string>x</string></dict></plist>", Encoding.UTF8, "application/xml"));
            await Lacks(list, right);
        }

        using var device = await server.Admin.GetAsync(pad.Path);
        Assert.Equal(may ? 1 : 0, (await AdminServer.Body(device, 200))["queue"]!.AsArray().Count);
        if (may) return;
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?verb=command.send&target={pad.Id}&result=refused");
        Assert.NotEmpty((await AdminServer.Body(audit, 200))["items"]!.AsArray());
    }

    [Fact]
    public async Task An_unknown_request_type_needs_the_right_for_all_others()
    {
        var pad = await server.Enrol();
        using var helpdesk = server.Client((await server.MakeToken("helpdesk")).Token);
        using var list = await helpdesk.PostAsync($"{pad.Path}/commands?raw=true", new StringContent(
            "<plist version=\"1.0\"><dict><key>RequestType</key><string>devicelock</string></dict></plist>", Encoding.UTF8, "application/xml"));
        await Lacks(list, "command.send");
        using var profile = await helpdesk.PostAsync($"{pad.Path}/commands", new StringContent(
            """
            <plist version="1.0"><dict><key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer><key>PayloadIdentifier</key><string>x</string>
            <key>PayloadUUID</key><string>6D6A0B43-62C5-4B3A-9C53-2E2F6F1C1234</string><key>PayloadContent</key><array/></dict></plist>
            """, Encoding.UTF8, "application/x-apple-aspen-config"));
        await Lacks(profile, "command.send");
    }

    [Fact]
    public async Task An_operation_its_dry_run_and_its_page_need_the_right_of_their_command()
    {
        var pad = await server.Enrol();
        using var client = await With("device.read", "device.refresh", "operation.read", "operation.start", "command.lock", "profile.read");
        string Body(string type) => $$$"""{"target": {"ids": ["{{{pad.Id}}}"]}, "command": {"requestType": "{{{type}}}"}, "push": false}""";
        foreach (var query in new[] { "", "?dryRun=true" })
        {
            using var erased = await client.PostAsync("/api/v1/operations" + query, AdminServer.Json(Body("EraseDevice")));
            await Lacks(erased, "command.erase");
            using var locked = await client.PostAsync("/api/v1/operations" + query, AdminServer.Json(Body("DeviceLock")));
            Assert.True(locked.IsSuccessStatusCode, await locked.Content.ReadAsStringAsync());
        }

        using var form = new MultipartFormDataContent { { new StringContent(pad.Id), "ids" }, { new StringContent("EraseDevice"), "type" } };
        using var page = await client.PostAsync("/operations", form);
        Assert.Equal(HttpStatusCode.Forbidden, page.StatusCode);
        using var made = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(
            $$"""{"profile": {"PayloadIdentifier": "example.{{Name()}}", "PayloadContent": [{"PayloadType": "com.apple.applicationaccess", "allowCamera": false}]} }"""));
        var profile = (string)(await AdminServer.Body(made, 201))["id"]!;
        using var installed = await client.PostAsync($"/api/v1/profiles/{profile}/install", AdminServer.Json($$$"""{"target": {"ids": ["{{{pad.Id}}}"]}}"""));
        await Lacks(installed, "command.send");
    }

    [Fact]
    public async Task Who_may_delete_a_profile_may_not_therefore_take_it_from_iPads()
    {
        var pad = await server.Enrol();
        using var made = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(
            $$"""{"profile": {"PayloadIdentifier": "example.{{Name()}}", "PayloadContent": [{"PayloadType": "com.apple.applicationaccess", "allowCamera": false}]} }"""));
        var profile = (string)(await AdminServer.Body(made, 201))["id"]!;
        using var installed = await server.Admin.PostAsync($"/api/v1/profiles/{profile}/install", AdminServer.Json($$$"""{"target": {"ids": ["{{{pad.Id}}}"]}, "push": false}"""));
        await AdminServer.Body(installed, 202);
        using var librarian = await With("device.read", "profile.read", "profile.change");
        using var deleted = await librarian.DeleteAsync($"/api/v1/profiles/{profile}?expected=1&remove=true");
        await Lacks(deleted, "operation.start");
        using var stands = await server.Admin.GetAsync($"/api/v1/profiles/{profile}");
        await AdminServer.Body(stands, 200);
    }

    [Fact]
    public async Task Who_may_not_send_a_command_may_not_cancel_it()
    {
        var pad = await server.Enrol();
        var (erase, locked) = (await pad.Send("""{"requestType": "EraseDevice"}"""), await pad.Send());
        using var helpdesk = server.Client((await server.MakeToken("helpdesk")).Token);
        using var refused = await helpdesk.DeleteAsync($"{pad.Path}/commands/{erase}");
        await Lacks(refused, "command.erase");
        using var cancelled = await helpdesk.DeleteAsync($"{pad.Path}/commands/{locked}");
        Assert.Equal(HttpStatusCode.NoContent, cancelled.StatusCode);
    }

    [Fact]
    public async Task The_console_offers_what_the_reader_may_do()
    {
        var pad = await server.Enrol();
        using var helpdesk = server.Client((await server.MakeToken("helpdesk")).Token);
        var page = await helpdesk.GetStringAsync($"/ipads/{pad.Id}");
        Assert.Contains($"/ipads/{pad.Id}/lock\"", page);
        Assert.Contains($"/ipads/{pad.Id}/clear-passcode\"", page);
        foreach (var absent in new[] { "/erase\"", "/remove\"", "/restart\"", "/profile\"", "/reenrolment\"", "href=\"/tokens\"", "href=\"/operations\"", "href=\"/audit\"" })
            Assert.DoesNotContain(absent, page);
        var list = await helpdesk.GetStringAsync($"/ipads/{pad.Id}/command");
        Assert.Contains("/command/DeviceLock\"", list);
        Assert.DoesNotContain("/command/EraseDevice\"", list);
        using var form = await helpdesk.GetAsync($"/ipads/{pad.Id}/command/EraseDevice");
        Assert.Equal(HttpStatusCode.Forbidden, form.StatusCode);
        var home = await helpdesk.GetStringAsync("/");
        Assert.DoesNotContain("Newest operations", home);
        Assert.Contains("Helpdesk", home);
    }

    [Fact]
    public async Task A_role_is_added_and_changed_on_its_pages()
    {
        var origin = server.Address.GetLeftPart(UriPartial.Authority);
        async Task<HttpResponseMessage> Form(string path, params (string Name, string Value)[] fields)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new FormUrlEncodedContent(fields.Select(field => new KeyValuePair<string, string>(field.Name, field.Value))),
                Headers = { { "Origin", origin } },
            };
            return await server.Admin.SendAsync(request);
        }

        var name = Name();
        using var wrong = await Form("/roles", ("name", name), ("title", "Pages"), ("command.lock", "true"));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("needs device.read", await wrong.Content.ReadAsStringAsync());
        using var added = await Form("/roles", [("name", name), ("title", "Pages"), .. Rights.All.Select(right => (right.Name, "true"))]);
        Assert.Equal($"/roles/{name}?done=created", added.Headers.Location?.OriginalString);
        using var changed = await Form($"/roles/{name}/edit", ("title", "Few"), ("version", "1"), ("device.read", "true"));
        Assert.Equal(HttpStatusCode.SeeOther, changed.StatusCode);
        Assert.Contains("May not lock an iPad", await server.Admin.GetStringAsync($"/roles/{name}"));
        using var late = await Form($"/roles/{name}/edit", ("title", "Late"), ("version", "1"), ("device.read", "true"));
        Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
        Assert.Contains("Late", await late.Content.ReadAsStringAsync());
        await server.MakeToken(name);
        using var used = await Form($"/roles/{name}/delete");
        Assert.Equal(HttpStatusCode.Conflict, used.StatusCode);
        Assert.Contains("Few", await server.Admin.GetStringAsync("/tokens/new"));
    }

    [Fact]
    public async Task A_browser_s_session_has_the_rights_of_its_token()
    {
        var (_, token) = await server.MakeToken("auditor");
        using var client = server.Client();
        using var login = new HttpRequestMessage(HttpMethod.Post, "/login")
        {
            Content = new FormUrlEncodedContent([new("token", token)]),
            Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
        };
        using var signedIn = await client.SendAsync(login);
        client.DefaultRequestHeaders.Add("Cookie", signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        Assert.Contains("href=\"/tokens\"", await client.GetStringAsync("/audit"));
        Assert.DoesNotContain("/tokens/new", await client.GetStringAsync("/tokens"));
        using var refused = await client.GetAsync("/tokens/new");
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public async Task Tokens_of_other_roles_survive_a_restart_of_their_grain_and_end_with_what_made_them()
    {
        var access = server.Grains.GetGrain<IAccessGrain>(4712);
        await access.EnsureFirstToken(ApiToken.Hash(ApiToken.Create()));
        var first = Assert.Single(await access.List());
        await access.Create(new TokenOrder("11111111-0000-0000-0000-000000000001", ApiToken.Hash("m"), "maker", AccessRole.Administrator, null, first.Name, first.Id));
        Assert.Equal(RoleOutcome.Written, await access.AddRole(new RoleOrder("own", "Own", "", ["device.read"], "test")));
        await access.Create(new TokenOrder("11111111-0000-0000-0000-000000000002", ApiToken.Hash("c"), "child", AccessRole.Viewer, null, "maker",
            "11111111-0000-0000-0000-000000000001", RoleName: "own"));
        await access.Cast<IGrainManagementExtension>().DeactivateOnIdle();

        var child = await access.FindBySecret(ApiToken.Hash("c"));
        Assert.Equal(("own", "Own", "device.read"), (child!.RoleName, child.RoleTitle, Assert.Single(child.Rights!)));
        // What a node of an earlier version sees of it is a viewer.
        Assert.Equal(AccessRole.Viewer, child.Role);
        Assert.Equal(RoleOutcome.InUse, await access.DeleteRole("own"));
        Assert.Equal(TokenRevocation.Revoked, await access.RevokeTree("11111111-0000-0000-0000-000000000001", keepDescendants: false));
        Assert.Null(await access.FindBySecret(ApiToken.Hash("c")));
        Assert.Equal(RoleOutcome.Written, await access.DeleteRole("own"));
        Assert.Equal(TokenRevocation.LastAdministrator, await access.RevokeTree(first.Id, keepDescendants: true));
    }
}
