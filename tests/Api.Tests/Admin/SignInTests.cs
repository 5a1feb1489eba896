using System.Net;
using System.Text;
using FleetMdm.Api.Access;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>How people sign in with an account, and what they do with their own.</summary>
public sealed class SignInTests(AdminServer server)
{
    private static int _number;

    private static string Name() => $"person-{Interlocked.Increment(ref _number)}";

    private static async Task<string> Text(HttpResponseMessage response) => WebUtility.HtmlDecode(await response.Content.ReadAsStringAsync());

    [Fact]
    public async Task A_person_signs_in_with_a_password_does_what_their_role_may_and_signs_out()
    {
        var account = await TestAccount.Ready(server, Name(), "helpdesk");
        using var entered = await account.SignIn(returnUrl: "/ipads?q=a");
        Assert.Equal("/ipads?q=a", entered.Headers.Location?.OriginalString);
        var session = entered.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("fleetmdm-session=", StringComparison.Ordinal)).ToLowerInvariant();
        Assert.Contains("httponly", session);
        Assert.Contains("samesite=strict", session);

        using var browser = server.Client();
        browser.DefaultRequestHeaders.Add("Cookie", session.Length > 0 ? TestAccount.CookieOf(entered, TestAccount.SessionCookie) : "");
        using var allowed = await browser.GetAsync("/api/v1/devices");
        await AdminServer.Body(allowed, 200);
        using var forbidden = await browser.GetAsync("/api/v1/invitations");
        Assert.Contains("You have the role Helpdesk", (string)(await AdminServer.Problem(forbidden, 403))["detail"]!);
        using var home = await browser.GetAsync("/");
        Assert.Contains("Your account", await Text(home));

        using var out1 = await browser.SendAsync(account.Form("/logout", null));
        Assert.Equal("/login", out1.Headers.Location?.OriginalString);
        using var after = await browser.GetAsync("/api/v1/devices");
        await AdminServer.Problem(after, 401);
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?who={account.Id}&verb=session.");
        var records = (await AdminServer.Body(audit, 200))["items"]!.AsArray();
        Assert.Equal(["session.sign-out account", "session.sign-in account"], records.Select(record => $"{record!["verb"]} {record["actorKind"]}"));
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_name_look_alike_and_are_recorded()
    {
        var account = await TestAccount.Ready(server, Name());
        using var wrong = await account.SignIn("not the password at all");
        var unknown = new TestAccount(server, "", Name() + "-unknown", "");
        using var nobody = await unknown.SignIn("not the password at all");
        foreach (var response in (HttpResponseMessage[])[wrong, nobody])
        {
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.False(response.Headers.Contains("Set-Cookie"));
            Assert.Contains("User name or password is wrong.", await Text(response));
            Assert.DoesNotContain("not the password", await Text(response));
        }

        using var audit = await server.Admin.GetAsync("/api/v1/audit?verb=session.sign-in&result=refused");
        Assert.NotEmpty((await AdminServer.Body(audit, 200))["items"]!.AsArray());
    }

    [Theory]
    [InlineData("userName=%00&password=x")]
    [InlineData("userName=%ed%a0%80&password=x")]
    [InlineData("userName=&password=")]
    [InlineData("password=x")]
    [InlineData("userName=a&userName=b&password=x")]
    public async Task Nonsense_signs_nobody_in(string body)
    {
        using var browser = server.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/login/password")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded"),
            Headers = { { "Origin", server.Address.GetLeftPart(UriPartial.Authority) } },
        };
        using var response = await browser.SendAsync(request);
        Assert.True(response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.TooManyRequests, $"{response.StatusCode}");
    }

    [Fact]
    public async Task A_password_of_any_length_signs_nobody_in_but_the_right_one()
    {
        var account = await TestAccount.Ready(server, Name());
        foreach (var password in (string[])["", new string('x', 60_000), TestAccount.Password + " ", " " + TestAccount.Password])
        {
            using var response = await account.SignIn(password);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }
    }

    [Fact]
    public async Task Whoever_guesses_waits_longer_and_longer_and_a_browser_that_is_known_does_not_wait_for_them()
    {
        // Its clock stands still: a machine that is busy would let the pause pass.
        await using var own = new AdminServer { Configure = builder => builder.Services.AddSingleton(new SignInThrottle(new FakeTimeProvider())) };
        await own.InitializeAsync();
        var account = await TestAccount.Ready(own, Name());
        using var before = await account.SignIn();
        var device = TestAccount.CookieOf(before, "fleetmdm-device");
        for (var i = 0; i < SignInThrottle.FreeTries; i++)
        {
            using var wrong = await account.SignIn("wrong");
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        }

        using var paused = await account.SignIn();
        Assert.Equal(HttpStatusCode.TooManyRequests, paused.StatusCode);
        Assert.NotNull(paused.Headers.RetryAfter);
        Assert.Contains("Too many wrong passwords", await Text(paused));
        using var known = await account.SignIn(cookie: device);
        Assert.Equal(HttpStatusCode.Redirect, known.StatusCode);
        // Another person's name at the same address is not hindered either.
        var other = await TestAccount.Ready(own, Name());
        using var others = await other.SignIn();
        Assert.Equal(HttpStatusCode.Redirect, others.StatusCode);
        // What a browser says of itself counts only if this server wrote it, and for the accounts that it wrote.
        using var strange = await account.SignIn(cookie: "fleetmdm-device=CfDJ8AAAAAA");
        Assert.Equal(HttpStatusCode.TooManyRequests, strange.StatusCode);
        using var borrowed = await account.SignIn(cookie: TestAccount.CookieOf(others, "fleetmdm-device"));
        Assert.Equal(HttpStatusCode.TooManyRequests, borrowed.StatusCode);
    }

    [Fact]
    public async Task The_second_step_asks_for_a_code_that_is_taken_once()
    {
        var account = await TestAccount.Ready(server, Name(), totp: true);
        using var first = await account.SignIn(returnUrl: "/ipads");
        Assert.Equal("/login/code", first.Headers.Location?.OriginalString);
        Assert.DoesNotContain(first.Headers.GetValues("Set-Cookie"), cookie => cookie.StartsWith("fleetmdm-session=", StringComparison.Ordinal));
        var owed = TestAccount.CookieOf(first, "fleetmdm-second");
        // What set it up is spent.
        using var spent = await account.SendCode(owed, account.SameCode());
        Assert.Equal(HttpStatusCode.Unauthorized, spent.StatusCode);
        using var wrong = await account.SendCode(owed, "000000");
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        using var right = await account.SendCode(owed, account.NextCode());
        Assert.Equal("/ipads", right.Headers.Location?.OriginalString);
        TestAccount.CookieOf(right, TestAccount.SessionCookie);
        using var again = await account.SendCode(owed, account.SameCode());
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
    }

    [Fact]
    public async Task A_recovery_code_opens_once_and_codes_cannot_be_guessed()
    {
        var account = await TestAccount.Ready(server, Name(), totp: true);
        var code = account.RecoveryCodes[3];
        using var opened = await account.SendCode(await account.OwedCookie(), code.ToLowerInvariant().Replace('-', ' '));
        TestAccount.CookieOf(opened, TestAccount.SessionCookie);
        var owed = await account.OwedCookie();
        using var again = await account.SendCode(owed, code);
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);

        for (var i = 0; i < SignInThrottle.FreeTries - 1; i++)
        {
            using var wrong = await account.SendCode(owed, "123456");
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        }

        using var paused = await account.SendCode(owed, account.RecoveryCodes[4]);
        Assert.Equal(HttpStatusCode.TooManyRequests, paused.StatusCode);
        using var nobody = await account.SendCode("fleetmdm-second=CfDJ8AAAA", account.NextCode());
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
    }

    [Fact]
    public async Task A_session_is_new_at_each_sign_in_and_the_one_before_in_this_browser_ends()
    {
        var account = await TestAccount.Ready(server, Name());
        var before = await account.Cookie();
        using var entered = await account.SignIn(cookie: before);
        Assert.NotEqual(before, TestAccount.CookieOf(entered, TestAccount.SessionCookie));
        using var client = server.Client();
        client.DefaultRequestHeaders.Add("Cookie", before);
        using var old = await client.GetAsync("/api/v1/devices");
        await AdminServer.Problem(old, 401);
    }

    [Fact]
    public async Task Sessions_are_listed_and_ended_and_nobody_ends_those_of_others()
    {
        var (account, other) = (await TestAccount.Ready(server, Name()), await TestAccount.Ready(server, Name()));
        using var browser = await account.Browser();
        using var second = await account.Browser();
        var theirs = await other.OtherSession();
        using var list = await browser.GetAsync("/sessions");
        Assert.Contains("(this one)", await Text(list));

        using var not = await browser.SendAsync(account.Form($"/sessions/{theirs}/end", null));
        using var stands = await server.Admin.GetAsync(other.Path + "/sessions");
        Assert.Single((await AdminServer.Body(stands, 200))["items"]!.AsArray());
        using var ended = await browser.SendAsync(account.Form("/sessions/end", null));
        Assert.Equal("/sessions?done=others", ended.Headers.Location?.OriginalString);
        using var out1 = await second.GetAsync("/api/v1/devices");
        await AdminServer.Problem(out1, 401);
        using var in1 = await browser.GetAsync("/api/v1/devices");
        await AdminServer.Body(in1, 200);
        using var strange = await browser.SendAsync(account.Form("/sessions/nonsense/end", null));
        Assert.Equal(HttpStatusCode.NotFound, strange.StatusCode);

        // Idle and old ones are asked again; the store says which.
        await server.Execute($"UPDATE account_sessions SET seen_at = seen_at - 7300000 WHERE account_id = '{account.Id}'");
        using var byAdministrator = await server.Admin.DeleteAsync(other.Path + "/sessions");
        Assert.Equal(1, (int)(await AdminServer.Body(byAdministrator, 200))["ended"]!);
        using var idle = await browser.GetAsync("/api/v1/devices");
        await AdminServer.Problem(idle, 401);
    }

    [Fact]
    public async Task A_new_password_ends_the_other_sessions_and_needs_the_present_one()
    {
        var account = await TestAccount.Ready(server, Name());
        using var browser = await account.Browser();
        using var other = await account.Browser();
        const string next = "quiet lamp 7 harvester";
        foreach (var (present, password, again, told) in ((string, string, string, string)[])
            [
                ("wrong", next, next, "not the password that you have now"), (TestAccount.Password, "short", "short", "at least 12"),
                (TestAccount.Password, next, next + "x", "not the same"), (TestAccount.Password, "Password1234!", "Password1234!", "too easy to guess"),
                (TestAccount.Password, TestAccount.Password, TestAccount.Password, "that you have now"), ("", next, next, "Enter the password"),
            ])
        {
            using var refused = await browser.SendAsync(account.Form("/account/password", null, ("present", present), ("password", password), ("again", again)));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains(told, await Text(refused));
        }

        using var changed = await browser.SendAsync(account.Form("/account/password", null, ("present", TestAccount.Password), ("password", next), ("again", next)));
        Assert.Equal("/account?done=password", changed.Headers.Location?.OriginalString);
        using var mine = await browser.GetAsync("/account");
        Assert.Equal(HttpStatusCode.OK, mine.StatusCode);
        using var ended = await other.GetAsync("/api/v1/devices");
        await AdminServer.Problem(ended, 401);
        using var old = await account.SignIn();
        Assert.Equal(HttpStatusCode.Unauthorized, old.StatusCode);
        using var entered = await account.SignIn(next);
        Assert.Equal(HttpStatusCode.Redirect, entered.StatusCode);
    }

    [Fact]
    public async Task The_second_step_is_set_up_only_with_a_code_of_the_app_and_the_password()
    {
        var account = await TestAccount.Ready(server, Name());
        var cookie = await account.Cookie();
        var offer = await account.Offer(cookie);
        using var client = server.Client();
        foreach (var (sent, code, present) in ((string, string, string)[])
            [(offer, "000000", TestAccount.Password), (offer, account.NextCode(), "wrong"), ("forged", account.NextCode(), TestAccount.Password)])
        {
            using var refused = await client.SendAsync(account.Form("/account/totp", cookie, ("offer", sent), ("code", code), ("present", present)));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }

        // Another person's offer is none.
        var other = await TestAccount.Ready(server, Name());
        using var borrowed = await client.SendAsync(other.Form("/account/totp", await other.Cookie(), ("offer", offer), ("code", account.SameCode()), ("present", TestAccount.Password)));
        Assert.Equal(HttpStatusCode.BadRequest, borrowed.StatusCode);
        using var still = await account.SignIn();
        Assert.Equal("/", still.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task An_administrator_removes_the_second_step_of_somebody_who_has_lost_the_phone()
    {
        var account = await TestAccount.Ready(server, Name(), totp: true);
        using var removed = await server.Admin.DeleteAsync(account.Path + "/totp");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        using var entered = await account.SignIn();
        Assert.Equal("/", entered.Headers.Location?.OriginalString);
        using var link = await server.Admin.PostAsync(account.Path + "/password-link", null);
        await AdminServer.Body(link, 200);
    }

    [Fact]
    public async Task A_token_has_no_account()
    {
        foreach (var path in (string[])["/account", "/account/password", "/account/totp", "/sessions"])
        {
            using var response = await server.Admin.GetAsync(path);
            Assert.Equal("no-account", (string?)(await AdminServer.Problem(response, 404))["code"]);
        }
    }

    [Theory]
    [InlineData("/login/password")]
    [InlineData("/login/code")]
    [InlineData("/set-password/x")]
    [InlineData("/account/password")]
    [InlineData("/account/totp")]
    [InlineData("/sessions/end")]
    public async Task No_other_page_signs_somebody_in_or_changes_their_account(string path)
    {
        var account = await TestAccount.Ready(server, Name());
        using var browser = await account.Browser();
        foreach (var origin in (string?[])["https://evil.example", "null", null])
        {
            using var request = account.Form(path, null, ("userName", account.UserName), ("password", TestAccount.Password));
            request.Headers.Remove("Origin");
            if (origin is not null) request.Headers.Add("Origin", origin);
            using var response = await browser.SendAsync(request);
            Assert.Equal("cross-origin", (string?)(await AdminServer.Problem(response, 403))["code"]);
        }
    }

    [Fact]
    public async Task No_secret_of_an_account_is_stored_as_it_is()
    {
        var account = await TestAccount.Ready(server, Name(), totp: true);
        var unused = await TestAccount.Create(server, Name(), "viewer");
        var secret = new Uri(unused.Link).Segments[^1];
        var plain = account.RecoveryCodes[0].Replace("-", "", StringComparison.Ordinal);
        Assert.Equal(0, await server.Execute($"UPDATE accounts SET id = id WHERE password_hash LIKE '%{TestAccount.Password}%' OR CAST(link_sha256 AS TEXT) LIKE '%{secret}%'"));
        Assert.Equal(0, await server.Execute($"UPDATE account_recovery_codes SET account_id = account_id WHERE CAST(code_sha256 AS TEXT) LIKE '%{plain}%'"));
        Assert.Equal(10, await server.Execute($"UPDATE account_recovery_codes SET account_id = account_id WHERE account_id = '{account.Id}' AND length(code_sha256) = 32"));
    }

    [Theory]
    [InlineData("password1234")]
    [InlineData("Password1234")]
    [InlineData("P@ssw0rd1234")]
    [InlineData("Welcome2026!!")]
    [InlineData("qwertyuiop123")]
    [InlineData("1qaz2wsx3edc")]
    [InlineData("123456789012")]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("abcabcabcabc")]
    [InlineData("jkdfjkdfjkdf")]
    [InlineData("iloveyou12345")]
    [InlineData("footballfootball")]
    [InlineData("SummerHoliday2026")]
    [InlineData("fleetmdmfleetmdm")]
    [InlineData("FleetMdm2026!")]
    [InlineData("annalind1234")]
    [InlineData("Anna.Lind.2026")]
    [InlineData("anna.lind@example.org")]
    [InlineData("letmeinletmein1")]
    [InlineData("Administrator1!")]
    [InlineData("lösenord1234")]
    public void A_password_that_is_tried_first_is_refused(string password) => Assert.True(PasswordRules.IsGuessed(password, "anna.lind@example.org", "Anna Lind"));

    [Theory]
    [InlineData("correct horse battery staple")]
    [InlineData("violet tramway 62 onion")]
    [InlineData("f7Kq2mZx9LpR")]
    [InlineData("kajak-brygga-tisdag")]
    [InlineData("Anna likes her 3 tortoises")]
    public void A_password_that_nobody_tries_first_is_taken(string password) => Assert.False(PasswordRules.IsGuessed(password, "anna.lind@example.org", "Anna Lind"));

    /// <summary>RFC 6238, appendix B; its codes have eight digits, of which these are the last six.</summary>
    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(2000000000, "279037")]
    [InlineData(20000000000, "353130")]
    public void Codes_are_those_of_the_standard(long seconds, string code)
    {
        var secret = "12345678901234567890"u8;
        var at = DateTimeOffset.FromUnixTimeSeconds(seconds);
        Assert.Equal(code, Totp.Code(secret, Totp.StepOf(at)));
        Assert.Equal(Totp.StepOf(at), Totp.Find(secret, code, at.AddSeconds(30)));
        Assert.Equal(Totp.StepOf(at), Totp.Find(secret, code, at.AddSeconds(-30)));
        Assert.Null(Totp.Find(secret, code, at.AddSeconds(60)));
        Assert.Null(Totp.Find(secret, "", at));
        Assert.Equal("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Totp.Base32(secret));
    }

    [Fact]
    public void Pauses_grow_to_their_longest_and_are_forgotten_and_memory_is_bounded()
    {
        var time = new FakeTimeProvider();
        var throttle = new SignInThrottle(time);
        for (var i = 0; i < SignInThrottle.FreeTries; i++) Assert.Equal(TimeSpan.Zero, throttle.Take("a"));
        Assert.Equal(TimeSpan.FromSeconds(2), throttle.Take("a"));
        Assert.Equal(TimeSpan.Zero, throttle.Take("b"));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.Zero, throttle.Take("a"));
        Assert.Equal(TimeSpan.FromSeconds(4), throttle.Take("a"));
        Assert.InRange(SignInThrottle.OfAddress(IPAddress.IPv6Loopback, new string('x', 60_000)).Length, 1, 100);
        throttle.Succeeded("a");
        Assert.Equal(TimeSpan.Zero, throttle.Take("a"));
        Assert.Equal(SignInThrottle.LongestPause, SignInThrottle.Pause(1000));

        for (var i = 0; i < SignInThrottle.FreeTries - 1; i++) throttle.Take("a");
        Assert.NotEqual(TimeSpan.Zero, throttle.Take("a"));
        // Others, as many as they are, make it forget at the worst; it never grows.
        for (var i = 0; i < 100_000; i++) throttle.Take($"other {i}");
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(TimeSpan.Zero, throttle.Take("a"));
    }
}
