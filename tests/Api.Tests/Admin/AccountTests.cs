using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Accounts of people, for administrators.</summary>
public sealed class AccountTests(AdminServer server)
{
    private const string Path = "/api/v1/accounts";

    private static int _number;

    private static string Account(string userName, string role = "viewer", string? schools = null) => TestAccount.Body(userName, role, schools);

    private static string Name() => $"account-{Interlocked.Increment(ref _number)}@example.org";

    private static HttpRequestMessage Put(string path, string body, string match = "*") =>
        new(HttpMethod.Put, path) { Content = AdminServer.Json(body), Headers = { { "If-Match", match } } };

    private async Task<string> School(string name)
    {
        using var made = await server.Admin.PostAsync("/api/v1/schools", AdminServer.Json($$"""{"name": "{{name}}"}"""));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private Task<HttpResponseMessage> Post(string path, string key, string body = "{}") => server.Admin.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, path) { Content = AdminServer.Json(body), Headers = { { "Idempotency-Key", key } } });

    [Fact]
    public async Task A_request_that_comes_once_more_opens_no_link_that_was_used_and_ends_no_newer_one()
    {
        var account = await TestAccount.Create(server, Name(), "viewer");
        using var first = await Post($"{account.Path}/password-link", "link-1");
        var used = (string)(await AdminServer.Body(first, 200))["url"]!;
        using var anyone = server.Client();
        using var newer = await Post($"{account.Path}/password-link", "link-2");
        var open = (string)(await AdminServer.Body(newer, 200))["url"]!;

        using var again = await Post($"{account.Path}/password-link", "link-1");
        Assert.Equal(used, (string)(await AdminServer.Body(again, 200))["url"]!);

        Assert.Equal(404, (int)(await anyone.GetAsync(used)).StatusCode);
        Assert.Equal(200, (int)(await anyone.GetAsync(open)).StatusCode);
    }

    [Fact]
    public async Task A_request_that_comes_once_more_makes_no_account_anew_that_was_deleted()
    {
        var body = Account(Name());
        using var made = await Post(Path, "made-1", body);
        var id = (string)(await AdminServer.Body(made, 201))["account"]!["id"]!;
        using var deleted = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);

        using var again = await Post(Path, "made-1", body);

        await AdminServer.Problem(again, 404);
        using var gone = await server.Admin.GetAsync($"{Path}/{id}");
        await AdminServer.Problem(gone, 404);
    }

    [Fact]
    public async Task Tokens_that_a_person_made_end_when_the_person_gets_another_role()
    {
        var account = await TestAccount.Ready(server, Name(), "administrator");
        using var session = await account.Browser();
        session.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        using var made = await session.PostAsync("/api/v1/tokens", AdminServer.Json("""{"name": "made by a person", "role": "administrator"}"""));
        using var bearer = server.Client((string)(await AdminServer.Body(made, 201))["token"]!);
        using var before = await bearer.GetAsync("/api/v1/devices");
        Assert.Equal(200, (int)before.StatusCode);

        using var changed = await server.Admin.SendAsync(Put(account.Path, Account(account.UserName)));
        await AdminServer.Body(changed, 200);

        using var after = await bearer.GetAsync("/api/v1/devices");
        Assert.Equal(401, (int)after.StatusCode);
    }

    [Fact]
    public async Task An_account_is_created_read_changed_listed_and_deleted_and_each_is_recorded()
    {
        var name = Name();
        using var made = await server.Admin.PostAsync(Path, AdminServer.Json(Account(name, "helpdesk")));
        var body = await AdminServer.Body(made, 201);
        var id = (string)body["account"]!["id"]!;
        Assert.Equal($"{Path}/{id}", made.Headers.Location!.OriginalString);
        Assert.StartsWith(server.Address.AbsoluteUri + "set-password/", (string)body["passwordLink"]!["url"]!, StringComparison.Ordinal);
        Assert.Equal("no-store", made.Headers.CacheControl!.ToString());

        using var read = await server.Admin.GetAsync($"{Path}/{id}");
        Assert.Equal("\"1\"", read.Headers.ETag!.ToString());
        var account = await AdminServer.Body(read, 200);
        Assert.Equal((name, "helpdesk", null, null, false), ((string)account["userName"]!, (string)account["role"]!, account["schoolIds"], account["passwordAt"], (bool)account["disabled"]!));
        Assert.DoesNotContain("link", account.Select(member => member.Key).Where(key => key != "passwordLinkUntil"), StringComparer.OrdinalIgnoreCase);

        using var changed = await server.Admin.SendAsync(Put($"{Path}/{id}", Account(name, "auditor"), "\"1\""));
        Assert.Equal("auditor", (string)(await AdminServer.Body(changed, 200))["role"]!);
        using var late = await server.Admin.SendAsync(Put($"{Path}/{id}", Account(name), "\"1\""));
        await AdminServer.Problem(late, 412);
        using var blind = await server.Admin.PutAsync($"{Path}/{id}", AdminServer.Json(Account(name)));
        await AdminServer.Problem(blind, 428);
        using var list = await server.Admin.GetAsync($"{Path}?q={name[..^4]}");
        Assert.Equal(id, (string)Assert.Single((await AdminServer.Body(list, 200))["items"]!.AsArray())!["id"]!);

        using var deleted = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await server.Admin.GetAsync($"{Path}/{id}");
        await AdminServer.Problem(gone, 404);
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?targetKind=account&target={id}");
        var records = (await AdminServer.Body(audit, 200))["items"]!.AsArray();
        Assert.Equal(["account.delete done", "account.change done", "account.create done"], records.Select(record => $"{record!["verb"]} {record["result"]}"));
    }

    [Theory]
    [InlineData("""{"userName": "", "name": "x", "role": "viewer"}""", "userName")]
    [InlineData("""{"userName": "two words", "name": "x", "role": "viewer"}""", "userName")]
    [InlineData("""{"userName": "a\u0000b", "name": "x", "role": "viewer"}""", "userName")]
    [InlineData("""{"userName": "bad", "name": " ", "role": "viewer"}""", "name")]
    [InlineData("""{"userName": "bad", "name": "x", "role": "king"}""", "role")]
    [InlineData("""{"userName": "bad", "name": "x", "role": ""}""", "role")]
    [InlineData("""{"userName": "bad", "name": "x", "role": "viewer", "schoolIds": []}""", "schoolIds")]
    [InlineData("""{"userName": "bad", "name": "x", "role": "viewer", "schoolIds": ["nowhere"]}""", "schoolIds[0]")]
    [InlineData("""{"userName": "bad", "name": "x", "role": "viewer", "schoolIds": ["7d7f8a68-0000-4000-8000-000000000000"]}""", "schoolIds[0]")]
    [InlineData("""{"userName": "bad", "name": "x", "role": "viewer", "personId": "7d7f8a68-0000-4000-8000-000000000000"}""", "personId")]
    public async Task A_wrong_field_is_named(string body, string field)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(body));
        await AdminServer.Blames(response, field);
    }

    [Fact]
    public async Task A_user_name_belongs_to_one_in_whatever_case()
    {
        var name = Name();
        await TestAccount.Create(server, name, "viewer");
        using var again = await server.Admin.PostAsync(Path, AdminServer.Json(Account(name.ToUpperInvariant())));
        await AdminServer.Blames(again, "userName", 409);
    }

    [Fact]
    public async Task The_same_request_with_the_same_key_makes_one_account_and_gives_the_same_link()
    {
        var name = Name();
        async Task<JsonObject> Send()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = AdminServer.Json(Account(name)), Headers = { { "Idempotency-Key", name } } };
            using var response = await server.Admin.SendAsync(request);
            return await AdminServer.Body(response, 201);
        }

        var (first, second) = (await Send(), await Send());
        Assert.Equal((string)first["account"]!["id"]!, (string)second["account"]!["id"]!);
        Assert.Equal((string)first["passwordLink"]!["url"]!, (string)second["passwordLink"]!["url"]!);
        Assert.Equal(0, await server.Execute("UPDATE idempotency_keys SET key = key WHERE CAST(body AS TEXT) LIKE '%set-password%'"));
    }

    [Fact]
    public async Task Nobody_gives_or_takes_over_more_than_they_have()
    {
        using var maker = await RoleTests.With(server, Rights.AccountRead, Rights.AccountChange, Rights.DeviceRead);
        var strong = await TestAccount.Create(server, Name(), "administrator");
        var weak = await TestAccount.Create(server, Name(), "viewer");

        using var create = await maker.PostAsync(Path, AdminServer.Json(Account(Name(), "administrator")));
        Assert.Contains(Rights.CommandErase, (await AdminServer.Problem(create, 403))["missingRights"]!.AsArray().Select(one => (string)one!));
        foreach (var request in (HttpRequestMessage[])
            [
                Put(strong.Path, Account(strong.UserName)), new(HttpMethod.Delete, strong.Path), new(HttpMethod.Post, strong.Path + "/password-link"),
                new(HttpMethod.Delete, strong.Path + "/totp"), new(HttpMethod.Delete, strong.Path + "/sessions"),
                // A viewer sees more than this role does.
                new(HttpMethod.Post, weak.Path + "/password-link"), Put(weak.Path, Account(weak.UserName, "administrator")),
            ])
        {
            using (request)
            {
                using var response = await maker.SendAsync(request);
                await AdminServer.Problem(response, 403);
            }
        }

        using var kept = await server.Admin.GetAsync(strong.Path);
        Assert.Equal(("administrator", 1), (await AdminServer.Body(kept, 200)) is var body ? ((string)body["role"]!, (int)body["version"]!) : default);
    }

    [Fact]
    public async Task A_reader_of_accounts_changes_none()
    {
        using var reader = await RoleTests.With(server, Rights.AccountRead);
        var account = await TestAccount.Create(server, Name(), "viewer");
        using var list = await reader.GetAsync(Path);
        await AdminServer.Body(list, 200);
        using var link = await reader.PostAsync(account.Path + "/password-link", null);
        await AdminServer.Problem(link, 403);
        using var nobody = await RoleTests.With(server, Rights.DeviceRead);
        using var hidden = await nobody.GetAsync(account.Path);
        await AdminServer.Problem(hidden, 403);
    }

    [Fact]
    public async Task Whoever_is_disabled_is_out_at_once_and_the_tokens_that_they_made_with_them()
    {
        var account = await TestAccount.Ready(server, Name(), "administrator");
        using var browser = await account.Browser();
        using var made = await browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/api/v1/tokens")
        {
            Content = AdminServer.Json("""{"name": "made by a person", "role": "viewer"}"""),
            Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
        });
        var token = await AdminServer.Body(made, 201);
        Assert.Equal(account.Id, (string)token["description"]!["createdById"]!);
        using var program = server.Client((string)token["token"]!);
        using var works = await program.GetAsync("/api/v1/devices");
        await AdminServer.Body(works, 200);

        var body = JsonNode.Parse(Account(account.UserName, "administrator"))!;
        body["disabled"] = true;
        using var disabled = await server.Admin.SendAsync(Put(account.Path, body.ToJsonString()));
        await AdminServer.Body(disabled, 200);

        using var page = await browser.GetAsync("/api/v1/devices");
        await AdminServer.Problem(page, 401);
        using var refused = await program.GetAsync("/api/v1/devices");
        await AdminServer.Problem(refused, 401);
        using var signIn = await account.SignIn();
        Assert.Equal(HttpStatusCode.Unauthorized, signIn.StatusCode);
        using var link = await server.Admin.PostAsync(account.Path + "/password-link", null);
        Assert.Equal("account-disabled", (string?)(await AdminServer.Problem(link, 409))["code"]);
    }

    [Fact]
    public async Task An_account_of_some_schools_is_told_and_a_role_in_use_stays()
    {
        var school = await School("Accounts 1");
        var account = await TestAccount.Create(server, Name(), "viewer", schools: $"[\"{school}\"]");
        using var read = await server.Admin.GetAsync(account.Path);
        Assert.Equal($"[\"{school}\"]", (await AdminServer.Body(read, 200))["schoolIds"]!.ToJsonString());

        using var role = await server.Admin.PostAsync("/api/v1/roles", AdminServer.Json("""{"name": "of-accounts", "title": "Own", "rights": ["device.read"]}"""));
        await AdminServer.Body(role, 201);
        await TestAccount.Create(server, Name(), "of-accounts");
        using var deleted = await server.Admin.DeleteAsync("/api/v1/roles/of-accounts");
        Assert.Equal("in-use", (string?)(await AdminServer.Problem(deleted, 409))["code"]);
    }

    [Fact]
    public async Task A_link_is_made_anew_and_the_earlier_one_has_ended()
    {
        var account = await TestAccount.Create(server, Name(), "viewer");
        using var made = await server.Admin.PostAsync(account.Path + "/password-link", null);
        var link = new Uri((string)(await AdminServer.Body(made, 200))["url"]!).AbsolutePath;
        using var browser = server.Client();
        using var old = await browser.GetAsync(new Uri(account.Link).AbsolutePath);
        Assert.Equal(HttpStatusCode.NotFound, old.StatusCode);
        Assert.Contains("This link has ended", await old.Content.ReadAsStringAsync());
        using var page = await browser.GetAsync(link);
        Assert.Contains(account.UserName, await page.Content.ReadAsStringAsync());
        foreach (var nonsense in (string[])["/set-password/x", "/set-password/" + new string('a', 3000)])
        {
            using var nothing = await browser.GetAsync(nonsense);
            Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
        }
    }
}
