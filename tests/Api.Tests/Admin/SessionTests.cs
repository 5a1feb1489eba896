using System.Net;

namespace FleetMdm.Api.Tests.Admin;

public sealed class SessionTests(AdminServer server)
{
    [Fact]
    public async Task A_browser_without_a_session_is_sent_to_the_login_page_and_back()
    {
        using var browser = server.Client();
        foreach (var path in new[] { "/", "/ipads?q=a", "/orleans/" })
        {
            using var response = await Browse(browser, path);
            Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
            Assert.Equal("/login?returnUrl=" + Uri.EscapeDataString(path), response.Headers.Location?.OriginalString);
        }

        using var login = await Browse(browser, "/login?returnUrl=%2Fipads%3Fq%3Da");
        Assert.Contains("value=\"/ipads?q=a\"", await login.Content.ReadAsStringAsync());
        using var entered = await Login(browser, server.Token, "/ipads?q=a");
        Assert.Equal(HttpStatusCode.Redirect, entered.StatusCode);
        Assert.Equal("/ipads?q=a", entered.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task A_program_without_a_token_gets_401_where_a_browser_is_redirected()
    {
        using var client = server.Client();
        using var response = await client.GetAsync("/orleans/");
        await AdminServer.Problem(response, 401);
    }

    [Fact]
    public async Task The_cookie_is_kept_from_scripts_and_from_other_sites()
    {
        using var browser = server.Client();
        using var response = await Login(browser, server.Token);
        var cookie = response.Headers.GetValues("Set-Cookie").Single(value => value.StartsWith("fleetmdm-session=", StringComparison.Ordinal)).ToLowerInvariant();
        Assert.Contains("httponly", cookie);
        Assert.Contains("samesite=strict", cookie);
        Assert.Contains("path=/", cookie);
        Assert.DoesNotContain(server.Token.ToLowerInvariant(), cookie);
    }

    [Fact]
    public async Task A_session_opens_the_pages_the_API_and_the_dashboard_until_it_signs_out()
    {
        using var browser = await SignedIn(server.Token);
        foreach (var path in new[] { "/", "/ipads", "/invitations", "/api/v1/status", "/orleans/" })
        {
            using var response = await Browse(browser, path);
            Assert.Equal((path, HttpStatusCode.OK), (path, response.StatusCode));
        }

        using var logout = await Post(browser, "/logout", "");
        Assert.Equal("/login", logout.Headers.Location?.OriginalString);
        Assert.Contains("fleetmdm-session=;", logout.Headers.GetValues("Set-Cookie").Single());
    }

    [Fact]
    public async Task A_session_ends_with_its_token()
    {
        var (id, token) = await server.MakeToken("administrator");
        using var browser = await SignedIn(token);
        using var before = await Browse(browser, "/");
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        using var revoked = await server.Admin.DeleteAsync($"/api/v1/tokens/{id}");
        using var after = await Browse(browser, "/");
        Assert.Equal(HttpStatusCode.Redirect, after.StatusCode);
    }

    [Fact]
    public async Task A_cookie_that_somebody_made_up_opens_nothing()
    {
        using var browser = server.Client();
        browser.DefaultRequestHeaders.Add("Cookie", "fleetmdm-session=CfDJ8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        using var page = await Browse(browser, "/");
        Assert.Equal(HttpStatusCode.Redirect, page.StatusCode);
        using var api = await browser.GetAsync("/api/v1/status");
        await AdminServer.Problem(api, 401);
    }

    [Fact]
    public async Task A_viewer_sees_pages_but_neither_the_dashboard_nor_buttons()
    {
        var pad = await server.Enrol();
        using var browser = await SignedIn((await server.MakeToken("viewer")).Token);
        using var page = await Browse(browser, "/ipads/" + pad.Id);
        Assert.DoesNotContain("/push\"", await page.Content.ReadAsStringAsync());
        using var dashboard = await Browse(browser, "/orleans/");
        Assert.Equal(HttpStatusCode.Forbidden, dashboard.StatusCode);
        using var push = await Post(browser, $"/ipads/{pad.Id}/push", "");
        Assert.Equal(HttpStatusCode.Forbidden, push.StatusCode);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("\\\\evil.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/\t/evil.example")]
    [InlineData("evil.example")]
    [InlineData("")]
    [InlineData("/ipads?q=\u00e9")]
    [InlineData("/\u2028")]
    public async Task Signing_in_leads_to_no_other_server(string returnUrl)
    {
        using var browser = server.Client();
        using var response = await Login(browser, server.Token, returnUrl);
        Assert.Equal("/", response.Headers.Location?.OriginalString);
    }

    [Theory]
    [InlineData("https://evil.example", null)]
    [InlineData("null", null)]
    [InlineData(null, null)]
    [InlineData(null, "cross-site")]
    [InlineData(null, "same-site")]
    [InlineData("own", "cross-site")]
    public async Task What_another_page_sends_with_a_session_changes_nothing(string? origin, string? site)
    {
        var pad = await server.Enrol();
        using var browser = await SignedIn(server.Token);
        foreach (var path in new[] { "/api/v1/invitations", $"{pad.Path}/push", $"/ipads/{pad.Id}/lock", "/invitations", "/logout", "/login" })
        {
            using var response = await Post(browser, path, "{}", origin == "own" ? Own : origin, site);
            Assert.Equal("cross-origin", (string?)(await AdminServer.Problem(response, 403))["code"]);
        }

        Assert.Null((await pad.Idle()).Body);
    }

    [Fact]
    public async Task A_wrong_token_is_told_so_on_the_page_and_opens_nothing()
    {
        using var browser = server.Client();
        using var response = await Login(browser, "fleetmdm_nonsense", "/ipads");
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.False(response.Headers.Contains("Set-Cookie"));
        var page = await response.Content.ReadAsStringAsync();
        Assert.Contains("role=\"alert\"", page);
        Assert.DoesNotContain("fleetmdm_nonsense", page);
    }

    [Fact]
    public async Task A_login_form_of_another_type_or_with_too_many_fields_is_refused()
    {
        using var browser = server.Client();
        using var json = await Post(browser, "/login", "{}", type: "application/json");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, json.StatusCode);
        using var many = await Post(browser, "/login", string.Join('&', Enumerable.Range(0, 100).Select(i => $"f{i}=1")));
        Assert.Equal(HttpStatusCode.BadRequest, many.StatusCode);
        using var large = await Post(browser, "/login", "token=" + new string('a', 70_000));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
    }

    [Fact]
    public async Task Every_page_forbids_scripts_and_frames_of_others()
    {
        using var browser = await SignedIn(server.Token);
        foreach (var path in new[] { "/", "/ipads", "/invitations", "/push-certificate", "/login", "/docs", "/nowhere" })
        {
            using var response = await Browse(browser, path);
            var policy = response.Headers.GetValues("Content-Security-Policy").Single();
            Assert.Contains("default-src 'none'", policy);
            Assert.Contains("frame-ancestors 'none'", policy);
            Assert.DoesNotContain("unsafe", policy);
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("same-origin", response.Headers.GetValues("Referrer-Policy").Single());
            Assert.Contains("script-src 'self';", policy);
            Assert.All((await response.Content.ReadAsStringAsync()).Split("<script")[1..], script => Assert.Matches("^ src=\"/console/console\\.js\\?v=[0-9a-f]+\" defer></script>", script));
        }
    }

    private string Own => server.Address.GetLeftPart(UriPartial.Authority);

    private async Task<HttpClient> SignedIn(string token)
    {
        var browser = server.Client();
        using var response = await Login(browser, token);
        var cookie = response.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        browser.DefaultRequestHeaders.Add("Cookie", cookie);
        return browser;
    }

    private Task<HttpResponseMessage> Login(HttpClient browser, string token, string returnUrl = "/") =>
        Post(browser, "/login", $"token={Uri.EscapeDataString(token)}&returnUrl={Uri.EscapeDataString(returnUrl)}");

    private Task<HttpResponseMessage> Post(HttpClient browser, string path, string body, string type = "application/x-www-form-urlencoded") =>
        Post(browser, path, body, Own, null, type);

    private static async Task<HttpResponseMessage> Post(
        HttpClient browser, string path, string body, string? origin, string? site, string type = "application/x-www-form-urlencoded")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, System.Text.Encoding.UTF8, type) };
        if (origin is not null) request.Headers.Add("Origin", origin);
        if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
        return await browser.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> Browse(HttpClient browser, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        return await browser.SendAsync(request);
    }
}
