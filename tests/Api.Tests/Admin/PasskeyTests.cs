using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FleetMdm.Storage.Access;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>People sign in with a key in their device, in the place of a password and a code.</summary>
public sealed partial class PasskeyTests(AdminServer server)
{
    private readonly PasskeyBrowser _browser = new(server);

    private static int _number;

    private static string Name() => $"passkey-{Interlocked.Increment(ref _number)}";

    [Fact]
    public async Task A_passkey_signs_in_in_the_place_of_password_and_code()
    {
        var account = await TestAccount.Ready(server, Name(), totp: true);
        var device = await _browser.Added(account, "iPad at home");
        using var entered = await SignIn(device, await _browser.Ask(), "/ipads");
        Assert.Equal("/ipads", entered.Headers.Location?.OriginalString);

        using var browser = server.Client();
        browser.DefaultRequestHeaders.Add("Cookie", TestAccount.CookieOf(entered, TestAccount.SessionCookie));
        var page = WebUtility.HtmlDecode(await browser.GetStringAsync("/account/passkeys"));
        Assert.Contains("iPad at home", page);
        using var seen = await server.Admin.GetAsync(account.Path);
        Assert.Equal(1, (int)(await AdminServer.Body(seen, 200))["passkeys"]!);
        using var sessions = await server.Admin.GetAsync(account.Path + "/sessions");
        Assert.Equal("passkey", (string)(await AdminServer.Body(sessions, 200))["items"]![0]!["way"]!);
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?who={account.Id}");
        var records = (await AdminServer.Body(audit, 200))["items"]!.AsArray().Select(record => $"{record!["verb"]}: {record["detail"]}").ToList();
        Assert.Contains("account.passkey: iPad at home", records);
        Assert.Contains("session.sign-in: by passkey", records);
    }

    [Fact]
    public async Task What_a_passkey_has_signed_signs_in_once_also_when_it_is_sent_eight_times_at_once()
    {
        var account = await TestAccount.Ready(server, Name());
        var device = await _browser.Added(account);
        var ask = await _browser.Ask();
        var credential = device.Sign(ask.Options);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Send(ask.Offer, credential)));
        Assert.Single(answers, answer => answer == HttpStatusCode.Redirect);
        Assert.Equal(7, answers.Count(answer => answer == HttpStatusCode.Unauthorized));
        Assert.Equal(HttpStatusCode.Unauthorized, await Send(ask.Offer, credential));
    }

    [Fact]
    public async Task What_is_not_signed_here_now_and_by_its_owner_signs_nobody_in()
    {
        var (account, other) = (await TestAccount.Ready(server, Name()), await TestAccount.Ready(server, Name()));
        var device = await _browser.Added(account);
        var (ask, another) = (await _browser.Ask(), await _browser.Ask());
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var first = device.Count;
        Dictionary<string, (string? Offer, string? Credential)> wrong = new()
        {
            ["nothing"] = (ask.Offer, null),
            ["no JSON"] = (ask.Offer, "{"),
            ["JSON of something else"] = (ask.Offer, """{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}, "clientExtensionResults": {}}"""),
            ["another page's challenge"] = (ask.Offer, device.Sign(another.Options)),
            ["another key"] = (ask.Offer, device.Sign(ask.Options, by: stranger)),
            ["another account"] = (ask.Offer, device.Sign(ask.Options, user: TestPasskey.Handle(other.Id))),
            ["an account that is none"] = (ask.Offer, device.Sign(ask.Options, user: TestPasskey.Handle("../\u0000"))),
            ["no offer"] = (null, device.Sign(ask.Options)),
            ["an offer of nobody's"] = ("CfDJ8AAAAAA", device.Sign(ask.Options)),
        };
        device.Verifies = false;
        wrong["nobody asked whose device it is"] = (ask.Offer, device.Sign(ask.Options));
        (device.Verifies, device.Origin) = (true, "https://mdm.district.example.phish.example");
        wrong["another site"] = (ask.Offer, device.Sign(ask.Options));
        device.Origin = server.Address.GetLeftPart(UriPartial.Authority);
        foreach (var (what, (offer, credential)) in wrong) Assert.Equal((what, HttpStatusCode.Unauthorized), (what, await Send(offer, credential)));

        Assert.Equal(HttpStatusCode.Redirect, await Send(ask.Offer, device.Sign(ask.Options)));
        // A copy of the device that has counted less.
        device.Count = first;
        var late = await _browser.Ask();
        Assert.Equal(HttpStatusCode.Unauthorized, await Send(late.Offer, device.Sign(late.Options)));
    }

    [Fact]
    public async Task A_passkey_that_was_removed_or_is_of_an_account_that_is_disabled_signs_nobody_in()
    {
        foreach (var how in (string[])["by its owner", "by an administrator", "on the page of the account", "disabled", "deleted"])
        {
            var account = await TestAccount.Ready(server, Name());
            var device = await _browser.Added(account);
            switch (how)
            {
                case "by its owner":
                    using (var browser = await account.OwnBrowser())
                    {
                        var remove = Remove().Match(await browser.GetStringAsync("/account/passkeys")).Groups[1].Value;
                        using var removed = await browser.PostAsync(remove, new FormUrlEncodedContent([]));
                        Assert.Equal("/account/passkeys?done=removed", removed.Headers.Location?.OriginalString);
                        using var again = await browser.PostAsync(remove, new FormUrlEncodedContent([]));
                        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
                    }

                    break;
                case "by an administrator":
                    using (var removed = await server.Admin.DeleteAsync(account.Path + "/passkeys")) Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
                    using (var again = await server.Admin.DeleteAsync(account.Path + "/passkeys")) Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
                    break;
                case "on the page of the account":
                    using (var removed = await server.Admin.PostAsync($"/accounts/{account.Id}/passkeys/remove", new FormUrlEncodedContent([])))
                        Assert.Equal($"/accounts/{account.Id}?done=passkeys", removed.Headers.Location?.OriginalString);
                    break;
                case "disabled":
                    using (var request = new HttpRequestMessage(HttpMethod.Put, account.Path)
                    {
                        Content = AdminServer.Json($$"""{"userName": "{{account.UserName}}", "name": "A", "role": "viewer", "disabled": true}"""),
                        Headers = { { "If-Match", "*" } },
                    })
                    using (var disabled = await server.Admin.SendAsync(request)) Assert.Equal(HttpStatusCode.OK, disabled.StatusCode);
                    break;
                default:
                    using (var deleted = await server.Admin.DeleteAsync(account.Path)) Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
                    break;
            }

            using var answer = await SignIn(device, await _browser.Ask());
            Assert.Equal((how, HttpStatusCode.Unauthorized), (how, answer.StatusCode));
            Assert.Contains("does not sign you in here", WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()));
        }
    }

    [Fact]
    public async Task Who_adds_a_passkey_shows_the_password_and_only_their_own_page_adds_it_once()
    {
        var (account, other) = (await TestAccount.Ready(server, Name()), await TestAccount.Ready(server, Name()));
        var (cookie, foreign) = (await account.Cookie(), await other.Cookie());
        foreach (var (name, present, words) in ((string, string, string)[])
            [("iPad", "wrong", "This is not the password"), ("iPad", "", "Enter the password"), ("", TestAccount.Password, "Say which device"), (new string('x', 81), TestAccount.Password, "80 characters")])
        {
            using var refused = await _browser.Post("/account/passkeys/begin", cookie, ("name", name), ("present", present));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains(words, WebUtility.HtmlDecode(await refused.Content.ReadAsStringAsync()));
        }

        var device = new TestPasskey(server.Address);
        var ask = await _browser.BeginAdding(cookie, "iPad");
        var credential = device.Create(ask.Options);
        using var anothers = await _browser.Post("/account/passkeys", foreign, ("offer", ask.Offer), ("credential", credential));
        Assert.Equal(HttpStatusCode.Conflict, anothers.StatusCode);
        using var damaged = await _browser.Post("/account/passkeys", cookie, ("offer", ask.Offer), ("credential", credential.Replace("public-key", "private-key", StringComparison.Ordinal)));
        Assert.Equal(HttpStatusCode.Conflict, damaged.StatusCode);
        device.Verifies = false;
        using var unverified = await _browser.Post("/account/passkeys", cookie, ("offer", ask.Offer), ("credential", device.Create(ask.Options)));
        Assert.Equal(HttpStatusCode.Conflict, unverified.StatusCode);
        foreach (var _ in (int[])[1, 2])
        {
            using var added = await _browser.Post("/account/passkeys", cookie, ("offer", ask.Offer), ("credential", credential));
            Assert.Equal("/account/passkeys?done=added", added.Headers.Location?.OriginalString);
        }

        // The browser is told which ones are there.
        var next = await _browser.BeginAdding(cookie, "another");
        Assert.Single(next.Options["excludeCredentials"]!.AsArray());
        // The password was changed by somebody else meanwhile.
        using var changed = await _browser.Post("/account/password", cookie, ("present", TestAccount.Password), ("password", "another-" + TestAccount.Password), ("again", "another-" + TestAccount.Password));
        Assert.Equal("/account?done=password", changed.Headers.Location?.OriginalString);
        using var late = await _browser.Post("/account/passkeys", cookie, ("offer", next.Offer), ("credential", new TestPasskey(server.Address).Create(next.Options)));
        Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
    }

    [Fact]
    public async Task An_account_has_a_bounded_number_of_passkeys()
    {
        var account = await TestAccount.Ready(server, Name());
        var cookie = await account.Cookie();
        for (var i = 0; i < IPasskeyStore.MostOfAccount; i++) await _browser.Add(cookie, $"device {i}");
        using var refused = await _browser.Post("/account/passkeys/begin", cookie, ("name", "one more"), ("present", TestAccount.Password));
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains("An account can have 20.", WebUtility.HtmlDecode(await refused.Content.ReadAsStringAsync()));
    }

    private Task<HttpResponseMessage> SignIn(TestPasskey device, (string Offer, JsonNode Options) ask, string returnUrl = "/") =>
        _browser.Post("/login/passkey", null, ("offer", ask.Offer), ("credential", device.Sign(ask.Options)), ("returnUrl", returnUrl));

    private async Task<HttpStatusCode> Send(string? offer, string? credential)
    {
        List<(string, string)> fields = [];
        if (offer is not null) fields.Add(("offer", offer));
        if (credential is not null) fields.Add(("credential", credential));
        using var response = await _browser.Post("/login/passkey", null, [.. fields]);
        return response.StatusCode;
    }

    [GeneratedRegex("action=\"(/account/passkeys/[^\"]+/remove)\"")]
    private static partial Regex Remove();
}
