using System.Net;
using System.Text.RegularExpressions;

namespace FleetMdm.Api.Tests.Admin;

public sealed class InvitationTests(AdminServer server)
{
    private const string Path = "/api/v1/invitations";

    [Fact]
    public async Task The_form_grants_every_right_unless_a_box_is_cleared_and_says_what_each_takes_away()
    {
        var form = WebUtility.HtmlDecode(await server.Admin.GetStringAsync("/invitations/new"));
        Assert.Equal(13, Regex.Count(form, "name=\"accessRights\" value=\"[A-Za-z]+\" checked"));
        Assert.Contains("Without it: A lost iPad cannot be erased from here.", form, StringComparison.Ordinal);
        string[] all = [.. Regex.Matches(form, "name=\"accessRights\" value=\"([A-Za-z]+)\"").Select(match => match.Groups[1].Value)];
        async Task<HttpResponseMessage> Post(params string[] rights)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/invitations")
            {
                Content = new FormUrlEncodedContent([new("rights", "shown"), .. rights.Select(right => KeyValuePair.Create("accessRights", right))]),
                Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
            };
            return await server.Admin.SendAsync(request);
        }

        using var everything = await Post(all);
        Assert.DoesNotContain("Not allowed to", await server.Admin.GetStringAsync(everything.Headers.Location!.ToString()), StringComparison.Ordinal);
        using var less = await Post([.. all.Except(["AllowDeviceErase", "AllowAppInstallation"])]);
        Assert.Contains("erase, install and remove apps", await server.Admin.GetStringAsync(less.Headers.Location!.ToString()), StringComparison.Ordinal);
        foreach (var (wrong, words) in new[] { (Array.Empty<string>(), "Name at least one right"), (["AllowInstallationRemoval"], "AllowInstallationRemoval needs AllowInspection.") })
        {
            using var refused = await Post(wrong);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            var page = await refused.Content.ReadAsStringAsync();
            Assert.Contains(words, page, StringComparison.Ordinal);
            Assert.Equal(wrong.Length, Regex.Count(page, "name=\"accessRights\" value=\"[A-Za-z]+\" checked"));
        }
    }

    [Fact]
    public async Task An_invitation_is_answered_with_its_link_and_can_be_read_again()
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json("""{"name": "Trolley 3", "school": "Nordschule", "maxUses": 30, "expiresInDays": 7}"""));
        var made = await AdminServer.Body(response, 201);
        var id = (string)made["id"]!;
        Assert.Equal($"{Path}/{id}", response.Headers.Location?.OriginalString);
        Assert.Equal($"https://mdm.test/enroll/{id}", (string?)made["url"]);
        Assert.Equal("open", (string?)made["state"]);

        using var again = await server.Admin.GetAsync($"{Path}/{id}");
        var read = await AdminServer.Body(again, 200);
        Assert.Equal("Trolley 3", (string?)read["name"]);
        Assert.Equal("Nordschule", (string?)read["school"]);
        Assert.Equal(30, (int?)read["maxUses"]);
        Assert.Equal(0, (int?)read["uses"]);
        Assert.Equal("first administrator", (string?)read["createdBy"]);
        var days = DateTimeOffset.Parse((string)read["expiresAt"]!, null) - DateTimeOffset.Parse((string)read["createdAt"]!, null);
        Assert.Equal(7, days.TotalDays, 3);
    }

    [Fact]
    public async Task The_sheet_for_printing_has_the_code_the_steps_and_the_iPads()
    {
        using var known = await server.Admin.PutAsync("/api/v1/placeholders/SHEET0001", AdminServer.Json("""{"name": "NS-1", "assetTag": "T-77"}"""));
        Assert.Equal(HttpStatusCode.OK, known.StatusCode);
        var id = await Make("""{"name": "Room 12", "school": "North School", "onlyFor": ["SHEET0001", "SHEET0002"]}""");

        var sheet = await server.Admin.GetStringAsync($"/invitations/{id}/sheet");
        Assert.Contains("<svg", sheet);
        Assert.Contains("Room 12", sheet);
        Assert.Contains("North School", sheet);
        Assert.Contains($"https://mdm.test/enroll/{id}", sheet);
        Assert.Contains("Profile Downloaded", sheet);
        Assert.Contains("SHEET0002", sheet);
        Assert.Contains("T-77", sheet);
    }

    [Fact]
    public async Task A_sheet_is_not_shown_to_those_who_may_not_see_the_link_nor_of_a_closed_invitation()
    {
        var id = await Make("{}");
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        using var read = await server.Admin.GetAsync($"{Path}/{id}");
        var number = (long)(await AdminServer.Body(read, 200))["number"]!;
        using var sheet = await viewer.GetAsync($"/invitations/{number}/sheet");
        Assert.Equal(HttpStatusCode.SeeOther, sheet.StatusCode);
        using var profile = await viewer.GetAsync($"{Path}/{number}/profile");
        await AdminServer.Problem(profile, 403);

        using var revoked = await server.Admin.DeleteAsync($"{Path}/{id}");
        using var closed = await server.Admin.GetAsync($"/invitations/{id}/sheet");
        Assert.Equal(HttpStatusCode.SeeOther, closed.StatusCode);
        using var gone = await server.Admin.GetAsync($"{Path}/{id}/profile");
        await AdminServer.Problem(gone, 410);
    }

    [Fact]
    public async Task Without_a_push_certificate_there_is_no_profile_for_Apple_Configurator()
    {
        using var answer = await server.Admin.GetAsync($"{Path}/{await Make("{}")}/profile");
        await AdminServer.Problem(answer, 409);
    }

    [Fact]
    public async Task Two_invitations_never_share_an_id()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Make("{}")));
        Assert.Equal(20, ids.Distinct().Count());
        Assert.All(ids, id => Assert.True(id.Length >= 22, id));
    }

    [Fact]
    public async Task A_revoked_invitation_says_so_and_revoking_again_changes_nothing()
    {
        var id = await Make("{}");
        using var first = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        using var afterFirst = await server.Admin.GetAsync($"{Path}/{id}");
        var revoked = await AdminServer.Body(afterFirst, 200);
        Assert.Equal("revoked", (string?)revoked["state"]);

        using var second = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal(HttpStatusCode.NoContent, second.StatusCode);
        using var afterSecond = await server.Admin.GetAsync($"{Path}/{id}");
        Assert.Equal((string?)revoked["revokedAt"], (string?)(await AdminServer.Body(afterSecond, 200))["revokedAt"]);
    }

    [Fact]
    public async Task The_list_is_newest_first_and_pages_meet_without_gap_or_overlap()
    {
        List<string> made = [];
        for (var i = 0; i < 5; i++) made.Add(await Make("{}"));
        made.Reverse();

        List<string> listed = [];
        string? after = null;
        while (listed.Count < 5)
        {
            using var response = await server.Admin.GetAsync($"{Path}?limit=2{(after is null ? "" : "&after=" + after)}");
            var page = await AdminServer.Body(response, 200);
            var items = page["items"]!.AsArray();
            Assert.InRange(items.Count, 1, 2);
            listed.AddRange(items.Select(item => (string)item!["id"]!));
            after = (string?)page["next"];
            if (after is null) break;
        }

        // Others make invitations meanwhile: ours stand in order all the same.
        Assert.Equal(listed.Distinct(), listed);
        Assert.Equal(made.Where(listed.Contains), listed.Where(made.Contains));
    }

    [Theory]
    [InlineData("""{"maxUses": 0}""", "maxUses")]
    [InlineData("""{"maxUses": 1000001}""", "maxUses")]
    [InlineData("""{"maxUses": "3"}""", "maxUses")]
    [InlineData("""{"maxUses": 1.5}""", "maxUses")]
    [InlineData("""{"maxUses": 99999999999}""", "maxUses")]
    [InlineData("""{"expiresInDays": 0}""", "expiresInDays")]
    [InlineData("""{"expiresInDays": 731}""", "expiresInDays")]
    [InlineData("""{"expiresAt": "2020-01-01T00:00:00Z"}""", "expiresAt")]
    [InlineData("""{"expiresAt": "9999-12-31T23:59:59Z"}""", "expiresAt")]
    [InlineData("""{"expiresAt": "tomorrow"}""", "expiresAt")]
    [InlineData("""{"expiresAt": "2030-01-01T00:00:00Z", "expiresInDays": 3}""", "expiresAt")]
    [InlineData("""{"name": ""}""", "name")]
    [InlineData("""{"name": "a\u0000b"}""", "name")]
    [InlineData("""{"name": "line\nline"}""", "name")]
    [InlineData("""{"name": 5}""", "name")]
    [InlineData("""{"name": ["a"]}""", "name")]
    [InlineData("""{"school": "\u0007"}""", "school")]
    [InlineData("""{"schol": "Nordschule"}""", "schol")]
    public async Task A_wrong_field_is_named(string json, string field)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        await AdminServer.Blames(response, field);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("3")]
    [InlineData("\"text\"")]
    [InlineData("{")]
    [InlineData("{}}")]
    [InlineData("{'name': 'a'}")]
    [InlineData("""{"name": "a",}""")]
    [InlineData("""{"name": "a", "name": "b"}""")]
    [InlineData("""{"name": "\ud800"}""")]
    [InlineData("// comment\n{}")]
    public async Task What_is_no_JSON_object_is_refused(string json)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        await AdminServer.Problem(response, 400);
    }

    [Fact]
    public async Task A_name_that_is_too_long_is_named()
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"name": "{{new string('a', 201)}}"}"""));
        await AdminServer.Blames(response, "name");
    }

    [Fact]
    public async Task JSON_that_is_nested_a_hundred_thousand_deep_is_refused()
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json("{\"name\":" + new string('[', 30_000)));
        await AdminServer.Problem(response, 400);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_answered_413()
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"name": "{{new string('a', 70_000)}}"}"""));
        await AdminServer.Problem(response, 413);
    }

    [Fact]
    public async Task A_body_over_the_limit_without_a_length_is_answered_413()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = AdminServer.Json($$"""{"name": "{{new string('a', 70_000)}}"}""") };
        request.Headers.TransferEncodingChunked = true;
        using var response = await server.Admin.SendAsync(request);
        await AdminServer.Problem(response, 413);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Another_content_type_is_answered_415(string type)
    {
        using var response = await server.Admin.PostAsync(Path, new StringContent("{}", System.Text.Encoding.UTF8, type));
        await AdminServer.Problem(response, 415);
    }

    [Fact]
    public async Task A_compressed_body_is_answered_415()
    {
        var content = AdminServer.Json("{}");
        content.Headers.ContentEncoding.Add("gzip");
        using var response = await server.Admin.PostAsync(Path, content);
        await AdminServer.Problem(response, 415);
    }

    [Theory]
    [InlineData("?limit=0", "limit")]
    [InlineData("?limit=1001", "limit")]
    [InlineData("?limit=-1", "limit")]
    [InlineData("?limit=ten", "limit")]
    [InlineData("?limit=", "limit")]
    [InlineData("?limit=1&limit=2", "limit")]
    [InlineData("?after=nowhere", "after")]
    [InlineData("?after=%00", "after")]
    [InlineData("?befor=x", "befor")]
    public async Task A_wrong_query_parameter_is_named(string query, string field)
    {
        using var response = await server.Admin.GetAsync(Path + query);
        await AdminServer.Blames(response, field);
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("..%2F..%2Fetc")]
    [InlineData("a%20b")]
    public async Task An_id_that_does_not_exist_is_answered_404(string id)
    {
        using var get = await server.Admin.GetAsync($"{Path}/{id}");
        await AdminServer.Problem(get, 404);
        using var delete = await server.Admin.DeleteAsync($"{Path}/{id}");
        await AdminServer.Problem(delete, 404);
    }

    [Fact]
    public async Task A_method_that_a_path_does_not_take_is_answered_405_with_those_it_takes()
    {
        using var response = await server.Admin.PutAsync(Path, AdminServer.Json("{}"));
        await AdminServer.Problem(response, 405);
        Assert.Contains("POST", response.Content.Headers.Allow);
    }

    [Fact]
    public async Task A_path_that_does_not_exist_is_answered_404_as_a_problem()
    {
        using var response = await server.Admin.GetAsync("/api/v1/nothing");
        await AdminServer.Problem(response, 404);
    }

    private async Task<string> Make(string json)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        return (string)(await AdminServer.Body(response, 201))["id"]!;
    }
}
