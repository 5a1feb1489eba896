using System.Net;
using System.Text.RegularExpressions;
using FleetMdm.Api.Access;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>A person with an account, at a browser.</summary>
public sealed partial class TestAccount(AdminServer server, string id, string userName, string link)
{
    public const string SessionCookie = "fleetmdm-session";

    public const string Password = "violet tramway 62 onion";

    private TestApp? _app;

    public string Id => id;

    public string Path => "/api/v1/accounts/" + id;

    public string UserName => userName;

    public string Link => link;

    /// <summary>Shown when the second step was set up.</summary>
    public IReadOnlyList<string> RecoveryCodes { get; private set; } = [];

    /// <summary>What is sent for an account.</summary>
    public static string Body(string userName, string role = "viewer", string? schools = null, string? person = null) =>
        $$"""{"userName": "{{userName}}", "name": "Name of {{userName}}", "role": "{{role}}"{{(schools is null ? "" : $", \"schoolIds\": {schools}")}}{{(person is null ? "" : $", \"personId\": \"{person}\"")}}}""";

    public static async Task<TestAccount> Create(AdminServer server, string userName, string role, HttpClient? maker = null, string? schools = null, string? person = null)
    {
        using var made = await (maker ?? server.Admin).PostAsync("/api/v1/accounts", AdminServer.Json(Body(userName, role, schools, person)));
        var body = await AdminServer.Body(made, 201);
        return new TestAccount(server, (string)body["account"]!["id"]!, userName, (string)body["passwordLink"]!["url"]!);
    }

    /// <summary>One that can sign in.</summary>
    /// <param name="server">Where.</param>
    /// <param name="userName">Of it.</param>
    /// <param name="role">Its role.</param>
    /// <param name="totp">With a second step.</param>
    /// <param name="person">The id of whom it is linked to.</param>
    public static async Task<TestAccount> Ready(AdminServer server, string userName, string role = "viewer", bool totp = false, string? person = null)
    {
        var account = await Create(server, userName, role, person: person);
        await account.SetPassword();
        if (totp) await account.SetUpTotp();
        return account;
    }

    public async Task SetPassword(string password = Password)
    {
        using var client = server.Client();
        using var response = await client.SendAsync(Form(new Uri(link).AbsolutePath, null, ("password", password), ("again", password)));
        Assert.Equal("/login?done=password", response.Headers.Location?.OriginalString);
    }

    public async Task<HttpResponseMessage> SignIn(string password = Password, string? cookie = null, string returnUrl = "/")
    {
        using var client = server.Client();
        return await client.SendAsync(Form("/login/password", cookie, ("userName", userName), ("password", password), ("returnUrl", returnUrl)));
    }

    public async Task<HttpResponseMessage> SendCode(string owedCookie, string code)
    {
        using var client = server.Client();
        return await client.SendAsync(Form("/login/code", owedCookie, ("code", code)));
    }

    /// <summary>Of a new session.</summary>
    public async Task<string> Cookie()
    {
        using var response = await SignIn();
        if (_app is null) return CookieOf(response, SessionCookie);
        using var second = await SendCode(CookieOf(response, "fleetmdm-second"), NextCode());
        return CookieOf(second, SessionCookie);
    }

    /// <summary>A browser that is signed in.</summary>
    public async Task<HttpClient> Browser()
    {
        var browser = server.Client();
        browser.DefaultRequestHeaders.Add("Cookie", await Cookie());
        return browser;
    }

    /// <summary>A browser that is signed in, and sends from the server's own pages.</summary>
    public async Task<HttpClient> OwnBrowser()
    {
        var browser = await Browser();
        browser.DefaultRequestHeaders.Add("Origin", server.Address.GetLeftPart(UriPartial.Authority));
        return browser;
    }

    /// <summary>Of somebody who has shown the password.</summary>
    public async Task<string> OwedCookie()
    {
        using var response = await SignIn();
        return CookieOf(response, "fleetmdm-second");
    }

    /// <summary>The id of a session that was just begun.</summary>
    public async Task<string> OtherSession()
    {
        await Cookie();
        using var sessions = await server.Admin.GetAsync(Path + "/sessions");
        return (string)(await AdminServer.Body(sessions, 200))["items"]![0]!["id"]!;
    }

    public async Task<string> Offer(string cookie)
    {
        using var client = server.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/account/totp") { Headers = { { "Cookie", cookie } } };
        using var response = await client.SendAsync(request);
        var page = await response.Content.ReadAsStringAsync();
        _app = new TestApp(Key().Match(page).Groups[1].Value);
        return WebUtility.HtmlDecode(Offered().Match(page).Groups[1].Value);
    }

    public async Task SetUpTotp()
    {
        var cookie = await Cookie();
        var offer = await Offer(cookie);
        using var client = server.Client();
        using var response = await client.SendAsync(Form("/account/totp", cookie, ("offer", offer), ("code", NextCode()), ("present", Password)));
        var page = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, page);
        RecoveryCodes = [.. Code().Matches(page).Select(match => match.Groups[1].Value)];
        Assert.Equal(10, RecoveryCodes.Count);
    }

    public string NextCode() => _app!.Next();

    /// <summary>The code that was shown last.</summary>
    public string SameCode() => _app!.Same();

    public HttpRequestMessage Form(string path, string? cookie, params (string Name, string Value)[] fields)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent(fields.Select(field => new KeyValuePair<string, string>(field.Name, field.Value))),
            Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
        };
        if (cookie is not null) request.Headers.Add("Cookie", cookie);
        return request;
    }

    public static string CookieOf(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues("Set-Cookie", out var cookies) && cookies.FirstOrDefault(cookie => cookie.StartsWith(name + "=", StringComparison.Ordinal)) is { } found
            ? found.Split(';')[0]
            : throw new InvalidOperationException($"{(int)response.StatusCode}: no cookie {name}");

    [GeneratedRegex("data-copy=\"([A-Z2-7]{32})\"")]
    private static partial Regex Key();

    [GeneratedRegex("name=\"offer\" value=\"([^\"]+)\"")]
    private static partial Regex Offered();

    [GeneratedRegex("<code>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})</code>")]
    private static partial Regex Code();
}

/// <summary>An app for one-time codes.</summary>
/// <param name="key">As it is typed in; blanks do not matter.</param>
public sealed class TestApp(string key)
{
    private readonly byte[] _secret = Bytes(key.Replace(" ", "", StringComparison.Ordinal));
    private long _step;

    /// <summary>On its way to the server no code may become too old.</summary>
    private static readonly TimeSpan OnItsWay = TimeSpan.FromSeconds(6);

    /// <summary>A code that was not shown yet. There are three at any time.</summary>
    public string Next()
    {
        var now = TimeProvider.System.GetUtcNow();
        var soon = Totp.StepOf(now + OnItsWay);
        if (soon > Totp.StepOf(now) && _step + 1 < soon - 1) SpinWait.SpinUntil(() => Totp.StepOf(TimeProvider.System.GetUtcNow()) >= soon);
        _step = Math.Max(_step + 1, Totp.StepOf(TimeProvider.System.GetUtcNow()) - 1);
        return Totp.Code(_secret, _step);
    }

    /// <summary>The one that was shown last.</summary>
    public string Same() => Totp.Code(_secret, _step);

    private static byte[] Bytes(string base32)
    {
        var (bytes, bits, count) = (new List<byte>(), 0, 0);
        foreach (var c in base32)
        {
            (bits, count) = ((bits << 5) | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal), count + 5);
            if (count < 8) continue;
            bytes.Add((byte)(bits >> (count - 8)));
            count -= 8;
            bits &= (1 << count) - 1;
        }

        return [.. bytes];
    }
}
