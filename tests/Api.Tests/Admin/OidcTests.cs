using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Signing in by the district's own provider.</summary>
public sealed class OidcTests : IAsyncLifetime
{
    private readonly TestOpenIdProvider _provider = new();
    private AdminServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        await _provider.Start();
        _server = new AdminServer
        {
            Arguments =
            [
                $"--Oidc:Authority={_provider.Issuer}", $"--Oidc:ClientId={TestOpenIdProvider.Client}", $"--Oidc:ClientSecret={TestOpenIdProvider.Secret}",
                "--Oidc:Roles=cn=chiefs=administrator,staff=helpdesk,north=viewer/7D7F8A68-0000-4000-8000-000000000001,odd=no-such-role", "--Oidc:Name=Northside ID",
            ],
        };
        await _server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _provider.DisposeAsync();
    }

    private IAccountStore Accounts => _server.Services.GetRequiredService<IAccountStore>();

    private static JsonObject Anna(params string[] groups) => new()
    {
        ["sub"] = "anna-1",
        ["name"] = "Anna Lind",
        ["preferred_username"] = "anna.lind@example.org",
        ["groups"] = new JsonArray([.. groups.Select(group => JsonValue.Create(group))]),
    };

    /// <summary>As a browser does it: it keeps cookies, and follows.</summary>
    private async Task<(HttpClient Browser, HttpResponseMessage Last)> Visit(JsonObject person, string returnUrl = "/ipads", Func<Uri, Uri>? onTheWay = null)
    {
        _provider.Person = person;
        var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = _server.Address };
        var at = new Uri(_server.Address, "/login/provider?returnUrl=" + Uri.EscapeDataString(returnUrl));
        for (var i = 0; ; i++)
        {
            var response = await browser.GetAsync(at);
            if (response.StatusCode != HttpStatusCode.Redirect || i == 5) return (browser, response);
            at = new Uri(at, response.Headers.Location!);
            if (at.AbsolutePath == "/login/oidc" && onTheWay is not null) at = onTheWay(at);
            response.Dispose();
        }
    }

    private static async Task<string> Text(HttpResponseMessage response) => WebUtility.HtmlDecode(await response.Content.ReadAsStringAsync());

    private async Task Refused(JsonObject person, HttpStatusCode status, string words)
    {
        var (browser, last) = await Visit(person);
        using (browser)
        using (last)
        {
            var text = await Text(last);
            Assert.True(last.StatusCode == status, $"{last.StatusCode}: {text}");
            Assert.Contains(words, text);
            using var page = await browser.GetAsync("/api/v1/devices");
            await AdminServer.Problem(page, 401);
        }
    }

    [Fact]
    public async Task A_group_gives_a_role_an_account_is_made_and_follows_the_groups()
    {
        using var login = await _server.Admin.GetAsync("/login");
        Assert.Contains("Northside ID", await Text(login));

        var (browser, last) = await Visit(Anna("pupils", "staff", "cn=chiefs"), "/ipads?q=a");
        using var first = browser;
        Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        Assert.Equal("0; url=/ipads?q=a", last.Headers.GetValues("Refresh").Single());
        // The first entry that fits counts, not the first group.
        using var roles = await first.GetAsync("/api/v1/tokens");
        await AdminServer.Body(roles, 200);

        var account = (await Accounts.FindBySubject(_provider.Issuer, "anna-1"))!;
        Assert.Equal(("anna.lind@example.org", "Anna Lind", "administrator", null), (account.UserName, account.Name, account.Role, account.Schools));

        var (second, _) = await Visit(Anna("staff"));
        using (second)
        {
            using var tokens = await second.GetAsync("/api/v1/tokens");
            await AdminServer.Problem(tokens, 403);
        }

        // The session that had more has ended.
        using var before = await first.GetAsync("/api/v1/devices");
        await AdminServer.Problem(before, 401);
        await Visit(Anna("north"));
        account = (await Accounts.FindBySubject(_provider.Issuer, "anna-1"))!;
        Assert.Equal(("viewer", "7d7f8a68-0000-4000-8000-000000000001"), (account.Role, account.Schools!.Single()));
        using var audit = await _server.Admin.GetAsync($"/api/v1/audit?target={account.Id}");
        var records = (await AdminServer.Body(audit, 200))["items"]!.AsArray();
        Assert.Equal(3, records.Count(record => (string?)record!["verb"] == "session.sign-in"));
        Assert.Equal(2, records.Count(record => (string?)record!["verb"] == "account.change"));
        Assert.Equal("anna.lind@example.org (administrator), by Northside ID", (string?)records.Single(record => (string?)record!["verb"] == "account.create")!["detail"]);
    }

    [Fact]
    public async Task Whoever_has_no_group_that_counts_is_told_so()
    {
        foreach (var groups in (string[][])[[], ["pupils"], ["STAFF"], ["odd"]])
            await Refused(Anna(groups), HttpStatusCode.Forbidden, "none of your groups gives a role");
        Assert.Null(await Accounts.FindBySubject(_provider.Issuer, "anna-1"));
        var without = Anna();
        without.Remove("groups");
        await Refused(without, HttpStatusCode.Forbidden, "none of your groups gives a role");
    }

    [Fact]
    public async Task An_account_is_never_found_by_a_name_or_an_address()
    {
        var local = await TestAccount.Ready(_server, "anna.lind@example.org", "administrator");
        var person = Anna("staff");
        person["email"] = "anna.lind@example.org";
        person["email_verified"] = true;
        var (browser, last) = await Visit(person);
        browser.Dispose();
        Assert.Equal(HttpStatusCode.OK, last.StatusCode);

        var account = (await Accounts.FindBySubject(_provider.Issuer, "anna-1"))!;
        Assert.NotEqual(local.Id, account.Id);
        Assert.Equal(("anna-1@127.0.0.1", "helpdesk"), (account.UserName, account.Role));
        Assert.Null((await Accounts.Find(Scope.District, local.Id))!.Subject);
    }

    [Fact]
    public async Task Whoever_is_disabled_here_stays_out()
    {
        await Visit(Anna("staff"));
        var account = (await Accounts.FindBySubject(_provider.Issuer, "anna-1"))!;
        await Accounts.Change(Scope.District, account with { Version = 2, Disabled = true }, "stamp", true, null);
        await Refused(Anna("staff"), HttpStatusCode.Forbidden, "Your account is disabled");
        await Refused(Anna("cn=chiefs"), HttpStatusCode.Forbidden, "Your account is disabled");
    }

    public static TheoryData<string> Wrongs => ["nonce", "no nonce", "issuer", "audience", "expired", "not yet", "no subject", "signature", "other subject"];

    [Theory]
    [MemberData(nameof(Wrongs))]
    public async Task A_token_that_is_wrong_in_one_way_lets_nobody_in(string wrong)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        _provider.SpoilSignature = wrong == "signature";
        _provider.Spoil = claims =>
        {
            switch (wrong)
            {
                case "nonce": claims["nonce"] = "another"; break;
                case "no nonce": claims.Remove("nonce"); break;
                case "issuer": claims["iss"] = "https://evil.example"; break;
                case "audience": claims["aud"] = "another-client"; break;
                case "expired": claims["exp"] = now - 3600; claims["iat"] = now - 7200; break;
                case "not yet": claims["nbf"] = now + 3600; claims["exp"] = now + 7200; break;
                case "no subject": claims.Remove("sub"); break;
                // What the provider says of the person elsewhere is of somebody else.
                case "other subject": claims["sub"] = "bo-2"; break;
                default: break;
            }
        };
        await Refused(Anna("staff"), HttpStatusCode.Unauthorized, "did not work");
        Assert.Empty(await Accounts.List(Scope.District, null, null, 10));
    }

    [Fact]
    public async Task A_forged_or_repeated_answer_lets_nobody_in()
    {
        Uri? first = null;
        var (browser, _) = await Visit(Anna("staff"), onTheWay: at => first = at);
        using (browser)
        {
            using var again = await browser.GetAsync(first);
            Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
        }

        // Somebody else's browser has no cookie for this state.
        using var other = _server.Client();
        using var stolen = await other.GetAsync(first);
        Assert.Equal(HttpStatusCode.Unauthorized, stolen.StatusCode);
        foreach (var query in (string[])["", "?code=x", "?state=x", "?code=x&state=y", "?error=access_denied"])
        {
            using var nonsense = await other.GetAsync("/login/oidc" + query);
            Assert.True((int)nonsense.StatusCode is >= 300 and < 500, $"{query}: {nonsense.StatusCode}");
        }

        _provider.Error = "access_denied";
        await Refused(Anna("staff"), HttpStatusCode.Unauthorized, "did not work");
    }

    [Fact]
    public async Task A_new_key_of_the_provider_is_found()
    {
        var (browser, last) = await Visit(Anna("staff"));
        browser.Dispose();
        Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        _provider.ChangeKey();
        // At the worst, one person has to try twice.
        await Visit(Anna("staff"));
        var (second, after) = await Visit(Anna("staff"));
        second.Dispose();
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task While_the_provider_is_away_the_page_says_so_and_passwords_work()
    {
        var local = await TestAccount.Ready(_server, "local");
        await _provider.Stop();
        await Refused(Anna("staff"), HttpStatusCode.ServiceUnavailable, "Northside ID cannot be reached now.");
        using var entered = await local.SignIn();
        Assert.Equal("/", entered.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task It_leads_to_no_other_server_and_paths_of_iPads_know_nothing_of_it()
    {
        var (browser, last) = await Visit(Anna("staff"), "https://evil.example/");
        browser.Dispose();
        Assert.Equal("0; url=/", last.Headers.GetValues("Refresh").Single());
        using var client = _server.Client();
        foreach (var path in (string[])["/mdm/checkin", "/mdm/connect", "/scep", "/enroll/none"])
        {
            using var response = await client.GetAsync(path);
            Assert.NotEqual(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Null(response.Headers.Location);
        }
    }

    [Theory]
    [InlineData("http://login.example", "staff=viewer", "https")]
    [InlineData("https://login.example", "staff", "Oidc:Roles")]
    [InlineData("https://login.example", "staff=viewer/not-an-id", "Oidc:Roles")]
    [InlineData("https://login.example", "=viewer", "Oidc:Roles")]
    [InlineData("https://login.example", null, "Oidc:Roles")]
    public void Wrong_options_are_named(string authority, string? role, string words) => Assert.Contains(
        words, new OidcOptions { Authority = authority, ClientId = "x", Roles = role is null ? [] : [role] }.FindFault());

    [Fact]
    public void Options_without_a_provider_and_two_secrets_are_named()
    {
        Assert.Null(new OidcOptions().FindFault());
        Assert.Contains("Oidc:Authority", new OidcOptions { ClientId = "x" }.FindFault());
        Assert.Contains("Oidc:ClientId", new OidcOptions { Authority = "https://login.example" }.FindFault());
        Assert.Contains("one of", new OidcOptions { Authority = "https://login.example", ClientId = "x", ClientSecret = "y", ClientSecretFile = "z" }.FindFault());
        Assert.Contains("no file", new OidcOptions { Authority = "https://login.example", ClientId = "x", ClientSecretFile = "/none" }.FindFault());
    }
}
