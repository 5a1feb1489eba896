using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Grains.Interfaces;
using Orleans.Core.Internal;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Tokens for some schools: how they are made, and what they reach.</summary>
public sealed class SchoolsOfTokensTests(TwoSchools schools) : IClassFixture<TwoSchools>
{
    private static async Task<JsonObject> Read(HttpClient client, string path, int status = 200)
    {
        using var answer = await client.GetAsync("/api/v1/" + path);
        return status == 200 ? await AdminServer.Body(answer, 200) : await AdminServer.Problem(answer, status);
    }

    private static IEnumerable<string?> Ids(JsonObject page) => page["items"]!.AsArray().Select(one => (string?)one!["id"]);

    private static async Task<HttpResponseMessage> Post(HttpClient client, string path, string json) => await client.PostAsync("/api/v1/" + path, AdminServer.Json(json));

    [Theory]
    [InlineData("id")]
    [InlineData("code")]
    [InlineData("name")]
    public async Task A_token_is_given_for_schools_by_id_code_or_name_and_says_so_everywhere(string by)
    {
        var named = by switch { "id" => schools.Own.School, "code" => "ownc", _ => schools.Own.Name };
        var made = await schools.Post("tokens", $$"""{"name": "by {{by}}", "role": "district-administrator", "schools": ["{{named}}", "{{schools.Own.School}}"]}""");
        var token = made["description"]!.AsObject();
        Assert.Equal((schools.Own.School, "North"), ((string?)Assert.Single(token["schools"]!.AsArray())!["id"], (string?)token["schools"]![0]!["name"]));
        Assert.Equal("district-administrator", (string?)token["role"]);
        Assert.Contains("command.erase", token["rights"]!.AsArray().Select(right => (string?)right));
        Assert.DoesNotContain("token.change", token["rights"]!.AsArray().Select(right => (string?)right));
        Assert.Contains("North", (await Read(schools.Server.Admin, $"tokens/{token["id"]}"))["token"]!.ToJsonString());
        Assert.Contains("by " + by, await schools.Server.Admin.GetStringAsync("/tokens"));
        Assert.Contains("for North", (await Read(schools.Server.Admin, $"audit?target={token["id"]}"))["items"]!.ToJsonString());

        using var client = schools.Server.Client((string)made["token"]!);
        Assert.Equal(["North"], (await Read(client, "schools"))["items"]!.AsArray().Select(one => (string?)one!["name"]));
        // It makes no token, whatever its role has.
        using var another = await Post(client, "tokens", """{"name": "x", "role": "viewer", "schools": ["North"]}""");
        Assert.Equal("needs-district", (string?)(await AdminServer.Problem(another, 403))["code"]);

        using var revoked = await schools.Server.Admin.DeleteAsync($"/api/v1/tokens/{token["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        await Read(client, "schools", 401);
    }

    [Fact]
    public async Task A_profile_for_the_users_of_a_school_reaches_those_of_its_iPads_and_nobody_else()
    {
        const string Bea = "bea@school.example";
        foreach (var pad in new[] { schools.Own.Pad, schools.Foreign.Pad })
        {
            var opened = await schools.Server.Grains.GetGrain<IDeviceGrain>($"{pad.Id}:{Bea}").TokenUpdate(
                new TokenUpdateMessage { Topic = "com.apple.mgmt.test", Token = new byte[32], PushMagic = "magic", UserShortName = Bea }, pad.Certificate);
            Assert.Equal(DeviceRefusal.None, opened.Refusal);
        }

        var profile = await schools.Post("profiles", ProfileTests.Body(
            $$"""{"PayloadIdentifier": "{{ProfileTests.NewIdentifier()}}", "PayloadDisplayName": "Clip", "PayloadContent": [{"PayloadType": "com.apple.webClip.managed", "Label": "Clip", "URL": "https://one.example"}]}"""));
        using var client = await schools.Client("district-administrator");
        using var refused = await Post(client, "assignments", $$"""{"name": "Clip for all", "profileId": "{{profile["id"]}}", "channel": "user"}""");
        Assert.NotNull((await AdminServer.Problem(refused, 400))["errors"]!["schoolId"]);
        var assignment = await schools.Post("assignments", $$"""{"name": "Clip for ours", "profileId": "{{profile["id"]}}", "channel": "user", "schoolId": "{{schools.Own.School}}"}""", client);

        var listed = (await Read(client, $"assignments/{assignment["id"]}/devices"))["items"]!.AsArray().Where(one => (string?)one!["userName"] == Bea);
        Assert.Equal([schools.Own.Pad.Id], listed.Select(one => (string?)one!["deviceId"]));
        var users = (await Read(client, $"devices/{schools.Own.Pad.Id}/shared-ipad"))["users"]!.AsArray();
        Assert.Contains("Clip for ours", users.ToJsonString(), StringComparison.Ordinal);
        await Read(client, $"devices/{schools.Foreign.Pad.Id}/shared-ipad", 404);
        var foreign = await schools.Server.Grains.GetGrain<IDeviceGrain>($"{schools.Foreign.Pad.Id}:{Bea}").Report(new CommandReportMessage { Status = ReportStatus.Idle }, schools.Foreign.Pad.Certificate);
        Assert.True(foreign is { Body: null, Profile: null, Refusal: DeviceRefusal.None });
        using var gone = await client.DeleteAsync($"/api/v1/assignments/{assignment["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
    }

    [Fact]
    public async Task The_users_of_a_Shared_iPad_are_where_the_iPad_is()
    {
        using var client = await schools.Client("district-administrator");
        foreach (var (pad, status) in new[] { (schools.Own.Pad, 200), (schools.Foreign.Pad, 404), (schools.Nobodys, 404) })
        {
            var user = $"{pad.Id}:anna@school.example";
            var opened = await schools.Server.Grains.GetGrain<IDeviceGrain>(user).TokenUpdate(
                new TokenUpdateMessage { Topic = "com.apple.mgmt.test", Token = new byte[32], PushMagic = "magic", UserShortName = "anna@school.example" }, pad.Certificate);
            Assert.Equal(DeviceRefusal.None, opened.Refusal);
            await Read(client, $"devices/{user}", status);
            await Read(client, $"devices/{pad.Id}/shared-ipad", status);
            using var sent = await Post(client, $"devices/{user}/commands", """{"requestType": "ProfileList"}""");
            Assert.Equal(status == 200 ? 202 : 404, (int)sent.StatusCode);
        }

        await Read(client, $"devices/{schools.Own.Pad.Id}:nobody", 404);
    }

    [Theory]
    [InlineData("""["Nowhere"]""", "schools[0]")]
    [InlineData("""["North", " "]""", "schools[1]")]
    [InlineData("[]", "schools")]
    public async Task A_wrong_school_is_named(string list, string field)
    {
        using var answer = await Post(schools.Server.Admin, "tokens", $$"""{"name": "a", "role": "viewer", "schools": {{list}}}""");
        await AdminServer.Blames(answer, field);
    }

    [Fact]
    public async Task A_node_that_does_not_know_schools_lets_the_token_do_nothing()
    {
        var made = await schools.Post("tokens", """{"name": "mixed", "role": "administrator", "schools": ["North"]}""");
        var told = (await schools.Server.Grains.GetGrain<IAccessGrain>(IAccessGrain.Key).FindBySecret(ApiToken.Hash((string)made["token"]!)))!;
        // What the version before reads: no administrator, and a role that nobody has.
        Assert.Equal((AccessRole.Viewer, "(schools)", null), (told.Role, told.RoleName, told.Rights));
        Assert.False(told.Secrets);
        using var role = await Post(schools.Server.Admin, "roles", """{"name": "(schools)", "title": "x", "rights": ["device.read"]}""");
        await AdminServer.Blames(role, "name");
        using var alone = await schools.Server.Admin.DeleteAsync($"/api/v1/tokens/{made["description"]!["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, alone.StatusCode);
    }

    [Fact]
    public async Task A_role_of_ones_own_can_be_given_for_schools_and_cannot_be_deleted_then()
    {
        await schools.Post("roles", """{"name": "watchers", "title": "Watchers", "rights": ["device.read", "audit.read"]}""");
        var made = await schools.Post("tokens", """{"name": "w", "role": "watchers", "schools": ["North"]}""");
        using var client = schools.Server.Client((string)made["token"]!);
        Assert.NotEmpty(Ids(await Read(client, "devices")));
        Assert.Contains("audit.read", (string?)(await Read(client, "audit", 403))["detail"]);
        using var deleted = await schools.Server.Admin.DeleteAsync("/api/v1/roles/watchers");
        await AdminServer.Problem(deleted, 409);
    }

    [Fact]
    public async Task The_schools_of_a_token_survive_a_restart_of_their_grain_and_end_with_what_made_it()
    {
        var access = schools.Server.Grains.GetGrain<IAccessGrain>(4713);
        await access.EnsureFirstToken(ApiToken.Hash(ApiToken.Create()));
        var first = Assert.Single(await access.List());
        await access.Create(new TokenOrder("21111111-0000-0000-0000-000000000001", ApiToken.Hash("sm"), "maker", AccessRole.Administrator, null, first.Name, first.Id));
        await access.AddRole(new RoleOrder("own", "Own", "", ["device.read"], "test"));
        foreach (var (id, secret, role) in new[] { ("21111111-0000-0000-0000-000000000002", "sc", "own"), ("21111111-0000-0000-0000-000000000003", "sd", "viewer") })
        {
            await access.Create(new TokenOrder(id, ApiToken.Hash(secret), "child", AccessRole.Viewer, null, "maker", "21111111-0000-0000-0000-000000000001",
                RoleName: TokenSchools.NoRole, Schools: new TokenSchools { Ids = ["a", "b"], Role = role, Secrets = role == "viewer" }));
        }

        await access.Cast<IGrainManagementExtension>().DeactivateOnIdle();
        var child = (await access.FindBySecret(ApiToken.Hash("sc")))!;
        Assert.Equal(["a", "b"], child.Schools!.Ids);
        Assert.Equal(("own", "Own", "device.read"), (child.Schools.Role, child.Schools.RoleTitle, Assert.Single(child.Schools.Rights!)));
        Assert.True((await access.FindBySecret(ApiToken.Hash("sd")))!.Schools!.Secrets);
        Assert.Equal(RoleOutcome.InUse, await access.DeleteRole("own"));
        // One for some schools is no administrator that could be the last.
        Assert.Equal(4, (await access.List()).Count);
        Assert.Equal(TokenRevocation.Revoked, await access.RevokeTree("21111111-0000-0000-0000-000000000001", keepDescendants: false));
        Assert.Null(await access.FindBySecret(ApiToken.Hash("sc")));
        Assert.Null(await access.FindBySecret(ApiToken.Hash("sd")));
        Assert.Equal(RoleOutcome.Written, await access.DeleteRole("own"));
    }

    [Fact]
    public async Task A_session_has_the_schools_of_its_token()
    {
        var made = await schools.Post("tokens", """{"name": "console", "role": "school-technician", "schools": ["North"]}""");
        using var client = schools.Server.Client();
        using var login = new HttpRequestMessage(HttpMethod.Post, "/login") { Content = new FormUrlEncodedContent([new("token", (string)made["token"]!)]) };
        login.Headers.Add("Sec-Fetch-Site", "same-origin");
        using var signedIn = await client.SendAsync(login);
        client.DefaultRequestHeaders.Add("Cookie", signedIn.Headers.GetValues("Set-Cookie").First(cookie => cookie.StartsWith("fleetmdm-session", StringComparison.Ordinal)).Split(';')[0]);
        Assert.Contains("North iPad", await client.GetStringAsync("/ipads"));
        var home = await client.GetStringAsync("/");
        Assert.DoesNotContain(TwoSchools.ForeignMark, home);
        Assert.DoesNotContain("href=\"/tokens\"", home);
        Assert.DoesNotContain("href=\"/apps\"", home);
        using var foreign = await client.GetAsync($"/ipads/{schools.Foreign.Pad.Id}");
        Assert.Equal(HttpStatusCode.NotFound, foreign.StatusCode);
    }

    [Fact]
    public async Task iPads_of_other_schools_are_in_no_list_export_filter_or_search()
    {
        using var client = await schools.Client("school-technician");
        foreach (var query in new[] { "", "?filter=os>=1", "?sort=name", "?sort=-lastSeenAt", "?sort=serialNumber", $"?q={schools.Own.Pad.Id}" })
            Assert.Contains(schools.Own.Pad.Id, Ids(await Read(client, "devices" + query)));
        foreach (var query in new[] { "", $"?q={TwoSchools.ForeignMark}", $"?school={Uri.EscapeDataString(schools.Foreign.Name)}", "?filter=not school:North", $"?filter=serial:{TwoSchools.ForeignMark}1 or os>=1", "?sort=name", "?sort=-lastSeenAt" })
            Assert.DoesNotContain(TwoSchools.ForeignMark, (await Read(client, "devices" + query)).ToJsonString(), StringComparison.OrdinalIgnoreCase);
        // A cursor of another school's iPad tells nothing.
        Assert.Empty(Ids(await Read(client, $"devices?sort=name&after={schools.Foreign.Pad.Id}")));
        // A group of another school is unknown.
        await Read(client, $"devices?filter=group:\"{schools.Foreign.Name} group\"", 400);
        Assert.Equal([schools.Own.Pad.Id], Ids(await Read(client, $"devices?filter=group:\"{schools.Own.Name} group\"")));

        var csv = await client.GetStringAsync("/api/v1/devices/export");
        Assert.Contains(schools.Own.Pad.Id, csv);
        Assert.DoesNotContain(TwoSchools.ForeignMark, csv, StringComparison.OrdinalIgnoreCase);
        using var jump = await client.GetAsync($"/search?q={TwoSchools.ForeignMark}1");
        Assert.StartsWith("/ipads?", jump.Headers.Location!.OriginalString);
        Assert.DoesNotContain(schools.Foreign.Name, await client.GetStringAsync($"/ipads?q={TwoSchools.ForeignMark}"));
    }

    [Fact]
    public async Task An_iPad_whose_school_changes_moves_at_once_and_one_of_no_school_is_the_districts()
    {
        var pad = await schools.Enrol("North", "MOVES1", "moves");
        using var client = await schools.Client("school-technician");
        await Read(client, $"devices/{pad.Id}");
        await schools.Server.Execute($"UPDATE devices SET school = '{schools.Foreign.Name}' WHERE id = '{pad.Id}'");
        await Read(client, $"devices/{pad.Id}", 404);
        using (var push = await Post(client, $"devices/{pad.Id}/push", "{}")) await AdminServer.Problem(push, 404);
        await schools.Server.Execute($"UPDATE devices SET school = NULL WHERE id = '{pad.Id}'");
        await Read(client, $"devices/{pad.Id}", 404);
        await Read(schools.Server.Admin, $"devices/{pad.Id}");
        using var both = await schools.Client("viewer", schools.Own, schools.Foreign);
        Assert.Contains(schools.Foreign.Pad.Id, Ids(await Read(both, "devices")));
        await Read(both, $"devices/{pad.Id}", 404);
        await schools.Server.Execute($"UPDATE devices SET school = 'North' WHERE id = '{pad.Id}'");
        await Read(client, $"devices/{pad.Id}");
    }

    [Fact]
    public async Task An_operation_reaches_only_iPads_of_the_schools_of_its_token()
    {
        using var client = await schools.Client("school-technician");
        var before = (await Read(client, "devices?status=Enrolled&limit=1000"))["items"]!.AsArray().Count;
        foreach (var target in new[] { """{"all": true}""", """{"filter": {"filter": "os>=1"}}""", $$"""{"ids": ["{{schools.Own.Pad.Id}}", "{{schools.Foreign.Pad.Id}}", "{{schools.Nobodys.Id}}"]}""" })
        {
            var body = $$"""{"target": {{target}}, "command": {"requestType": "DeviceInformation"}, "push": false}""";
            using var dry = await Post(client, "operations?dryRun=true", body);
            var plan = await AdminServer.Body(dry, 200);
            using var answer = await Post(client, "operations", body);
            var started = await AdminServer.Body(answer, 202);
            var total = target.Contains("ids", StringComparison.Ordinal) ? 1 : before;
            Assert.Equal((total, total), ((int)plan["total"]!, (int)started["total"]!));
            if (target.Contains("ids", StringComparison.Ordinal)) Assert.Equal(2, started["unknownIds"]!.AsArray().Count);
            Assert.DoesNotContain(schools.Foreign.Pad.Id, (await Read(schools.Server.Admin, $"operations/{started["id"]}/devices"))["items"]!.ToJsonString());
            Assert.Contains((string?)started["id"], Ids(await Read(client, "operations")));
        }

        using var foreign = await Post(client, "operations", $$"""{"target": {"filter": {"school": "{{schools.Foreign.Name}}" } }, "command": {"requestType": "DeviceInformation" } }""");
        Assert.Equal("empty-target", (string?)(await AdminServer.Problem(foreign, 422))["code"]);
        using var sent = await Post(client, $"profiles/{schools.Profile}/install", """{"target": {"all": true}}""");
        var profile = await AdminServer.Body(sent, 202);
        Assert.Equal(before, (int)profile["total"]!);
        Assert.Equal(before, (await Read(client, $"profiles/{schools.Profile}/devices"))["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task Operations_are_seen_by_those_whose_schools_cover_theirs()
    {
        var ofDistrict = (string)(await schools.Post("operations", """{"target": {"all": true}, "command": {"requestType": "DeviceInformation"}, "push": false}"""))["id"]!;
        using var both = await schools.Client("school-technician", schools.Own, schools.Foreign);
        var ofBoth = (string)(await schools.Post("operations", """{"target": {"all": true}, "command": {"requestType": "DeviceInformation"}, "push": false}""", both))["id"]!;
        using var client = await schools.Client("school-technician");
        Assert.Equal([ofDistrict, ofBoth], Ids(await Read(schools.Server.Admin, "operations")).Where(id => id == ofDistrict || id == ofBoth).Reverse());
        Assert.Contains(schools.Foreign.Operation, Ids(await Read(both, "operations")));
        Assert.Contains(schools.Own.Operation, Ids(await Read(client, "operations")));
        foreach (var id in new[] { ofDistrict, ofBoth, schools.Foreign.Operation })
        {
            Assert.DoesNotContain(id, Ids(await Read(client, "operations")));
            await Read(client, $"operations/{id}", 404);
            await Read(client, $"operations/{id}/events", 404);
            await Read(client, $"operations?after={id}", 400);
        }

        // Its command on an iPad of one's own is seen there.
        Assert.Contains(ofDistrict, (await Read(client, $"devices/{schools.Own.Pad.Id}/commands")).ToJsonString());
    }

    [Fact]
    public async Task An_invitation_is_for_a_school_of_ones_own_and_takes_nobodys_iPads_over()
    {
        using var client = await schools.Client("school-technician");
        foreach (var (json, field) in new[]
        {
            ("{}", "school"), ($$"""{"school": "{{schools.Foreign.Name}}"}""", "school"), ("""{"school": "Nowhere"}""", "school"),
            ("""{"school": "North", "allowReenrolment": true}""", "allowReenrolment"),
        })
        {
            using var refused = await Post(client, "invitations", json);
            await AdminServer.Blames(refused, field);
        }

        var made = await schools.Post("invitations", """{"name": "mine", "school": "North"}""", client);
        Assert.NotNull(made["url"]);
        Assert.Equal(["North"], (await Read(client, "invitations"))["items"]!.AsArray().Select(one => (string?)one!["school"]).Distinct());
        await Read(client, $"invitations/{schools.Foreign.Invitation}", 404);
        await Read(client, $"invitations/{schools.Foreign.InvitationNumber}", 404);
    }

    [Fact]
    public async Task A_placeholder_is_for_a_school_of_ones_own_and_draws_no_iPad_out_of_another()
    {
        using var client = await schools.Client("school-technician");
        async Task<HttpResponseMessage> Put(string serial, string json) => await client.PutAsync($"/api/v1/placeholders/{serial}", AdminServer.Json(json));
        using (var none = await Put("FRESH1", "{}")) await AdminServer.Blames(none, "school");
        using (var other = await Put("FRESH1", $$"""{"school": "{{schools.Foreign.Name}}"}""")) await AdminServer.Blames(other, "school");
        // Known for another school: by a placeholder, by an iPad; and by an iPad of no school.
        foreach (var serial in new[] { schools.Foreign.Waiting, TwoSchools.ForeignMark.ToUpperInvariant() + "1", TwoSchools.ForeignMark.ToUpperInvariant() + "N" })
        {
            using var taken = await Put(serial, """{"school": "North"}""");
            await AdminServer.Problem(taken, 409);
        }

        using (var fresh = await Put("FRESH1", """{"school": "North", "name": "fresh"}""")) await AdminServer.Body(fresh, 200);
        Assert.DoesNotContain(TwoSchools.ForeignMark, (await Read(client, "placeholders")).ToJsonString(), StringComparison.OrdinalIgnoreCase);
        using (var foreign = await client.DeleteAsync($"/api/v1/placeholders/{schools.Foreign.Waiting}")) await AdminServer.Problem(foreign, 404);
        using var removed = await client.DeleteAsync("/api/v1/placeholders/FRESH1");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
    }

    [Fact]
    public async Task A_group_belongs_to_a_school_of_ones_own_and_holds_no_others_iPads()
    {
        using var client = await schools.Client("school-technician");
        foreach (var school in new[] { "null", $"\"{schools.Foreign.School}\"" })
        {
            using var refused = await Post(client, "groups", $$"""{"name": "mine", "schoolId": {{school}}}""");
            await AdminServer.Blames(refused, "schoolId");
        }

        using (var rule = await Post(client, "groups", $$"""{"name": "ruled", "schoolId": "{{schools.Own.School}}", "rule": "group:\"{{schools.Foreign.Name}} group\""}""")) await AdminServer.Blames(rule, "rule");
        var group = (string)(await schools.Post("groups", $$"""{"name": "mine", "schoolId": "{{schools.Own.School}}"}""", client))["id"]!;
        foreach (var named in new[] { schools.Foreign.Pad.Id, TwoSchools.ForeignMark.ToUpperInvariant() + "1" })
        {
            using var refused = await Post(client, $"groups/{group}/members", $$"""{"iPads": ["{{named}}"]}""");
            await AdminServer.Blames(refused, "iPads");
        }

        using var added = await Post(client, $"groups/{group}/members", """{"filter": "os>=1"}""");
        Assert.Equal((await Read(client, "devices?status=Enrolled&limit=1000"))["items"]!.AsArray().Count, (int)(await AdminServer.Body(added, 200))["changed"]!);
        using var put = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/groups/{group}") { Content = AdminServer.Json("""{"name": "mine"}""") };
        put.Headers.TryAddWithoutValidation("If-Match", "*");
        using var moved = await client.SendAsync(put);
        await AdminServer.Blames(moved, "schoolId");
    }

    [Fact]
    public async Task Permission_to_enrol_anew_reaches_only_ones_own()
    {
        using var client = await schools.Client("school-technician");
        using var some = await Post(client, "reenrolment", $$"""{"ids": ["{{schools.Own.Pad.Id}}", "{{schools.Foreign.Pad.Id}}"]}""");
        Assert.Equal(1, (int)(await AdminServer.Body(some, 200))["count"]!);
        using var filtered = await Post(client, "reenrolment", $$"""{"filter": {"school": "{{schools.Foreign.Name}}" } }""");
        Assert.Equal(0, (int)(await AdminServer.Body(filtered, 200))["count"]!);
    }
}
