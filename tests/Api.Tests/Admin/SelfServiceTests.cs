using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Enrolment;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>What people do for themselves, over HTTP.</summary>
public sealed class SelfServiceTests(SelfServiceServer district) : IClassFixture<SelfServiceServer>
{
    private AdminServer Server => district.Server;

    private IAccountStore Accounts => Server.Services.GetRequiredService<IAccountStore>();

    private static JsonObject Somebody(string subject, string? email = null, bool? verified = true, string? upn = null, params string[] groups)
    {
        var person = new JsonObject { ["sub"] = subject, ["name"] = subject, ["groups"] = new JsonArray([.. groups.Select(group => JsonValue.Create(group))]) };
        if (email is not null) person["email"] = email;
        if (verified is { } known) person["email_verified"] = known;
        if (upn is not null) person["upn"] = upn;
        return person;
    }

    /// <summary>Signs in by the provider, as a browser does it.</summary>
    private async Task<(HttpClient Browser, HttpResponseMessage Last)> SignIn(JsonObject person)
    {
        district.Provider.Person = person;
        var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = Server.Address };
        browser.DefaultRequestHeaders.Add("Origin", Server.Address.GetLeftPart(UriPartial.Authority));
        var at = new Uri(Server.Address, "/login/provider");
        for (var i = 0; ; i++)
        {
            var response = await browser.GetAsync(at);
            if (response.StatusCode != HttpStatusCode.Redirect || i == 5) return (browser, response);
            at = new Uri(at, response.Headers.Location!);
            response.Dispose();
        }
    }

    private async Task Refused(JsonObject person, string words)
    {
        var (browser, last) = await SignIn(person);
        using (browser)
        using (last)
        {
            Assert.Equal(HttpStatusCode.Forbidden, last.StatusCode);
            Assert.Contains(words, WebUtility.HtmlDecode(await last.Content.ReadAsStringAsync()));
        }
    }

    private Task<Account?> Account(string subject) => Accounts.FindBySubject(district.Provider.Issuer, subject);

    [Fact]
    public async Task A_pupil_without_a_role_signs_in_and_has_her_own_page_and_nothing_else()
    {
        var ali = await district.Person("Ali", email: "Ali@Example.org");
        var pad = await district.Give(ali);
        var (browser, last) = await SignIn(Somebody("ali-1", "ali@example.ORG"));
        using var _ = browser;
        Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        var account = (await Account("ali-1"))!;
        Assert.Equal(("self-service", ali), (account.Role, account.PersonId));

        using var home = await browser.GetAsync("/");
        Assert.Equal("/my", home.Headers.Location?.OriginalString);
        var page = await browser.GetStringAsync("/my");
        Assert.Contains("/my/ipads/" + pad.Id, page);
        Assert.DoesNotContain("href=\"/ipads\"", page);
        foreach (var path in (string[])["/ipads", "/people", "/teach", "/accounts", "/api/v1/devices", "/api/v1/people/" + ali, $"/api/v1/devices/{pad.Id}"])
        {
            using var response = await browser.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        }
    }

    [Fact]
    public async Task An_address_links_only_when_the_provider_vouches_for_it_and_one_person_who_is_there_has_it()
    {
        await district.Person("Unverified", email: "unverified@example.org");
        await Refused(Somebody("u-1", "unverified@example.org", verified: false), "not known as one person");
        await Refused(Somebody("u-2", "unverified@example.org", verified: null), "not known as one person");
        await Refused(Somebody("u-3", "unverified@example.org ", verified: true), "not known as one person");

        await district.Person("One", email: "both@example.org");
        await district.Person("Other", account: "BOTH@example.org");
        await Refused(Somebody("b-1", "both@example.org"), "not known as one person");

        await district.Person("Left", email: "left@example.org", active: false);
        await Refused(Somebody("l-1", "left@example.org"), "not known as one person");
        // An address that was given anew belongs to nobody until somebody clears it up.
        await district.Person("New", email: "left@example.org");
        await Refused(Somebody("l-2", "left@example.org"), "not known as one person");

        await Refused(Somebody("n-1", "nobody@example.org"), "not known as one person");
        foreach (var subject in (string[])["u-1", "u-2", "u-3", "b-1", "l-1", "l-2", "n-1"]) Assert.Null(await Account(subject));

        // What only the district sets needs no such word.
        var managed = await district.Person("Managed", account: "managed@district.example");
        var (browser, last) = await SignIn(Somebody("m-1", "other@example.org", verified: false, upn: "Managed@district.example"));
        browser.Dispose();
        Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        Assert.Equal(managed, (await Account("m-1"))!.PersonId);
    }

    [Fact]
    public async Task A_person_has_one_account_of_the_provider_and_keeps_it_when_the_address_goes_to_somebody_else()
    {
        var first = await district.Person("First", email: "same@example.org");
        using ((await SignIn(Somebody("s-1", "same@example.org"))).Browser) Assert.Equal(first, (await Account("s-1"))!.PersonId);
        // Another person of the provider says that the address is theirs: who is right is for people to decide.
        await Refused(Somebody("s-2", "same@example.org"), "Somebody else signs in as the person");
        Assert.Null((await Account("s-2"))!.PersonId);
        var (browser, last) = await SignIn(Somebody("s-1", "changed@example.org"));
        browser.Dispose();
        Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        Assert.Equal(first, (await Account("s-1"))!.PersonId);

        using var left = await Server.Admin.SendAsync(new HttpRequestMessage(HttpMethod.Put, $"/api/v1/people/{first}")
        {
            Content = AdminServer.Json("""{"role": "pupil", "familyName": "First", "active": false}"""),
            Headers = { { "If-Match", "*" } },
        });
        await AdminServer.Body(left, 200);
        await Refused(Somebody("s-1", "same@example.org"), "none of your groups gives a role");
    }

    [Fact]
    public async Task Nobody_becomes_an_administrator_by_losing_the_group_and_a_group_goes_before()
    {
        var chief = await district.Person("Chief", role: "staff", email: "chief@example.org");
        using ((await SignIn(Somebody("c-1", "chief@example.org", groups: "chiefs"))).Browser)
            Assert.Equal(("administrator", chief), ((await Account("c-1"))!.Role, (await Account("c-1"))!.PersonId));
        var (browser, _) = await SignIn(Somebody("c-1", "chief@example.org"));
        using var own = browser;
        Assert.Equal("self-service", (await Account("c-1"))!.Role);
        using var devices = await own.GetAsync("/api/v1/devices");
        Assert.Equal(HttpStatusCode.Forbidden, devices.StatusCode);
    }

    /// <summary>Who must not: each is answered as if there were no such iPad, whatever they ask.</summary>
    [Theory]
    [InlineData("another")]
    [InlineData("former")]
    [InlineData("over")]
    [InlineData("left")]
    [InlineData("forgotten")]
    [InlineData("unlinked")]
    public async Task An_iPad_that_is_not_ones_own_does_not_exist(string why)
    {
        var (holder, other) = (await district.Person("Holder"), await district.Person("Other"));
        var pad = await district.Give(holder);
        using var browser = await district.Browser(why == "another" ? other : holder);
        switch (why)
        {
            case "former":
                await district.Hand(pad, other);
                break;
            case "over":
                await Server.Execute($"UPDATE holdings SET due_on = '2020-01-01' WHERE device_id = '{pad.Id}'");
                break;
            case "left":
                await Server.Execute($"UPDATE people SET active = 0 WHERE id = '{holder}'");
                break;
            case "forgotten":
                using (var gone = await Server.Admin.DeleteAsync($"/api/v1/people/{holder}")) Assert.True(gone.IsSuccessStatusCode);
                break;
            case "unlinked":
                await Server.Execute($"UPDATE accounts SET person_id = NULL WHERE person_id = '{holder}'");
                break;
        }

        List<string> wrong = [];
        foreach (var (method, path, body) in Own(pad.Id))
        {
            using var request = new HttpRequestMessage(method, path) { Content = body };
            using var response = await browser.SendAsync(request);
            if (response.StatusCode != HttpStatusCode.NotFound) wrong.Add($"{method} {path} → {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        var queue = JsonNode.Parse(await Server.Admin.GetStringAsync(pad.Path))!["queue"]!.AsArray();
        Assert.Empty(queue);
        using var list = await browser.GetAsync("/api/v1/my/devices");
        if (why is "another" or "former") Assert.DoesNotContain(pad.Id, await list.Content.ReadAsStringAsync());
        if (why == "over") Assert.True((bool)(await AdminServer.Body(list, 200))["items"]![0]!["loanEnded"]!);
        if (why is "left" or "forgotten" or "unlinked") Assert.Equal("no-person", (string?)(await AdminServer.Problem(list, 404))["code"]);
    }

    internal static IEnumerable<(HttpMethod Method, string Path, HttpContent? Body)> Own(string pad)
    {
        var rest = $"/api/v1/my/devices/{pad}";
        yield return (HttpMethod.Get, rest, null);
        yield return (HttpMethod.Post, rest + "/reports", AdminServer.Json("""{"kind": "other"}"""));
        yield return (HttpMethod.Post, rest + "/lost-mode", null);
        yield return (HttpMethod.Delete, rest + "/lost-mode", null);
        yield return (HttpMethod.Post, rest + "/location", null);
        yield return (HttpMethod.Put, rest + "/return-request", null);
        yield return (HttpMethod.Delete, rest + "/return-request", null);
        yield return (HttpMethod.Get, $"/my/ipads/{pad}", null);
        foreach (var act in (string[])["report", "lost-mode", "lost-mode/end", "location", "hand-back", "keep"])
            yield return (HttpMethod.Post, $"/my/ipads/{pad}/{act}", new FormUrlEncodedContent([new("kind", "other")]));
    }

    [Fact]
    public async Task A_lost_iPad_is_locked_found_and_released_by_whoever_has_it()
    {
        var person = await district.Person("Lost");
        var pad = await district.Give(person);
        using var browser = await district.Browser(person);
        using (var begun = await browser.PostAsync($"/api/v1/my/devices/{pad.Id}/lost-mode", null))
        {
            var view = await AdminServer.Body(begun, 200);
            Assert.Equal("waiting", (string?)view["lostMode"]);
            Assert.Equal("lost", (string?)view["reports"]![0]!["kind"]);
        }

        // The same once more sends nothing more.
        using (var again = await browser.PostAsync($"/api/v1/my/devices/{pad.Id}/lost-mode", null)) await AdminServer.Body(again, 200);
        var command = Assert.Single(JsonNode.Parse(await Server.Admin.GetStringAsync(pad.Path))!["queue"]!.AsArray())!;
        Assert.Equal("EnableLostMode", (string?)command["requestType"]);
        using (var early = await browser.PostAsync($"/api/v1/my/devices/{pad.Id}/location", null)) await AdminServer.Problem(early, 409);

        await pad.Answer((string)command["commandUuid"]!);
        Assert.Equal("on", (string?)JsonNode.Parse(await browser.GetStringAsync($"/api/v1/my/devices/{pad.Id}"))!["lostMode"]);
        using (var where = await browser.PostAsync($"/api/v1/my/devices/{pad.Id}/location", null)) Assert.Null((await AdminServer.Body(where, 200))["latitude"]);
        using (var looks = await Server.Admin.GetAsync($"/api/v1/audit?verb=secret.read&target={pad.Id}"))
        {
            // The one that was refused left a record too.
            var look = Assert.Single((await AdminServer.Body(looks, 200))["items"]!.AsArray(), one => (string?)one!["result"] == "done")!;
            Assert.Equal(("account", "location"), ((string?)look["actorKind"], (string?)look["detail"]));
        }

        for (var i = 0; i < 2; i++)
        {
            using var found = await browser.DeleteAsync($"/api/v1/my/devices/{pad.Id}/lost-mode");
            var view = await AdminServer.Body(found, 200);
            Assert.Equal("ending", (string?)view["lostMode"]);
            Assert.Empty(view["reports"]!.AsArray());
        }

        var waiting = JsonNode.Parse(await Server.Admin.GetStringAsync(pad.Path))!["queue"]!.AsArray().Select(one => (string)one!["requestType"]!);
        Assert.Equal(["DeviceLocation", "DisableLostMode"], waiting);
    }

    [Fact]
    public async Task What_is_already_on_its_way_is_ended_after_it_has_begun()
    {
        var person = await district.Person("Way");
        var pad = await district.Give(person);
        using var browser = await district.Browser(person);
        var path = $"/api/v1/my/devices/{pad.Id}";
        using (var begun = await browser.PostAsync($"{path}/lost-mode", null)) await AdminServer.Body(begun, 200);
        await pad.Idle();
        for (var i = 0; i < 2; i++)
        {
            using var found = await browser.DeleteAsync($"{path}/lost-mode");
            Assert.Equal("ending", (string?)(await AdminServer.Body(found, 200))["lostMode"]);
        }

        var queue = JsonNode.Parse(await Server.Admin.GetStringAsync(pad.Path))!["queue"]!.AsArray();
        Assert.Equal(["EnableLostMode", "DisableLostMode"], queue.Select(one => (string)one!["requestType"]!));
        foreach (var (command, state) in queue.Zip((string[])["ending", "ready"]))
        {
            await pad.Answer((string)command!["commandUuid"]!);
            Assert.Equal(state, (string?)JsonNode.Parse(await browser.GetStringAsync(path))!["lostMode"]);
        }
    }

    [Fact]
    public async Task What_was_not_delivered_yet_is_cancelled_and_what_the_school_has_begun_the_school_ends()
    {
        var person = await district.Person("Found");
        var pad = await district.Give(person);
        using var browser = await district.Browser(person);
        using (var begun = await browser.PostAsync($"/api/v1/my/devices/{pad.Id}/lost-mode", null)) await AdminServer.Body(begun, 200);
        using (var found = await browser.DeleteAsync($"/api/v1/my/devices/{pad.Id}/lost-mode")) Assert.Equal("ready", (string?)(await AdminServer.Body(found, 200))["lostMode"]);
        Assert.Empty(JsonNode.Parse(await Server.Admin.GetStringAsync(pad.Path))!["queue"]!.AsArray());

        using (var records = await Server.Admin.GetAsync($"/api/v1/audit?verb=command.cancel&target={pad.Id}")) Assert.Single((await AdminServer.Body(records, 200))["items"]!.AsArray());

        await pad.Answer(await pad.Send("""{"requestType": "EnableLostMode", "message": "By the school."}"""));
        Assert.Equal("others", (string?)JsonNode.Parse(await browser.GetStringAsync($"/api/v1/my/devices/{pad.Id}"))!["lostMode"]);
        using var end = await browser.DeleteAsync($"/api/v1/my/devices/{pad.Id}/lost-mode");
        await AdminServer.Problem(end, 409);
        using var locate = await browser.PostAsync($"/api/v1/my/devices/{pad.Id}/location", null);
        await AdminServer.Problem(locate, 409);

        // One that is not supervised is reported, and nothing else.
        var simple = await district.Give(person, supervised: false);
        using var refused = await browser.PostAsync($"/api/v1/my/devices/{simple.Id}/lost-mode", null);
        Assert.Equal("switched-off", (string?)(await AdminServer.Problem(refused, 409))["code"]);
    }

    [Fact]
    public async Task Reports_are_bounded_and_name_nobody()
    {
        var person = await district.Person("Reporter");
        var pad = await district.Give(person);
        using var browser = await district.Browser(person);
        var path = $"/api/v1/my/devices/{pad.Id}/reports";
        using (var first = await browser.PostAsync(path, AdminServer.Json("""{"kind": "brokenScreen", "text": "It fell."}"""))) await AdminServer.Body(first, 200);
        using (var repair = await browser.PostAsync(path, AdminServer.Json("""{"kind": "inRepair"}"""))) await AdminServer.Blames(repair, "kind");
        for (var i = 0; i < 9; i++)
        {
            using var again = await browser.PostAsync(path, AdminServer.Json("""{"kind": "brokenScreen"}"""));
            await AdminServer.Problem(again, 409);
        }

        using (var tooMany = await browser.PostAsync(path, AdminServer.Json("""{"kind": "other"}"""))) await AdminServer.Problem(tooMany, 429);
        using var incidents = await Server.Admin.GetAsync("/api/v1/incidents?limit=1000");
        var incident = Assert.Single((await AdminServer.Body(incidents, 200))["items"]!.AsArray(), one => (string?)one!["deviceId"] == pad.Id)!;
        Assert.Equal("the person who has it", (string?)incident["openedBy"]);
    }

    [Fact]
    public async Task Who_wants_to_hand_an_iPad_back_is_a_line_for_the_technician_until_it_is_returned()
    {
        var person = await district.Person("Back");
        var pad = await district.Give(person);
        using var browser = await district.Browser(person);
        using (var asked = await browser.PutAsync($"/api/v1/my/devices/{pad.Id}/return-request", null)) Assert.NotNull((await AdminServer.Body(asked, 200))["device"]!["returnAskedAt"]);
        using (var again = await browser.PutAsync($"/api/v1/my/devices/{pad.Id}/return-request", null)) await AdminServer.Body(again, 200);
        Assert.Contains(pad.Id, await Server.Admin.GetStringAsync("/api/v1/loans?handBack=true"));
        Assert.Contains("to be handed back", await Server.Admin.GetStringAsync("/"));
        Assert.Contains(pad.Id, await Server.Admin.GetStringAsync("/loans?state=handback"));
        using (var kept = await browser.DeleteAsync($"/api/v1/my/devices/{pad.Id}/return-request")) await AdminServer.Body(kept, 200);
        Assert.DoesNotContain(pad.Id, await Server.Admin.GetStringAsync("/api/v1/loans?handBack=true"));

        using (var asked = await browser.PutAsync($"/api/v1/my/devices/{pad.Id}/return-request", null)) await AdminServer.Body(asked, 200);
        using (var returned = await Server.Admin.DeleteAsync($"{pad.Path}/holder")) Assert.True(returned.IsSuccessStatusCode);
        Assert.DoesNotContain(pad.Id, await Server.Admin.GetStringAsync("/api/v1/loans?handBack=true"));
        using var records = await Server.Admin.GetAsync($"/api/v1/audit?verb=device.return-ask&target={pad.Id}");
        Assert.Equal(3, (await AdminServer.Body(records, 200))["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task An_invitation_is_for_one_iPad_for_an_hour_and_for_whoever_made_it()
    {
        var school = await district.School("Enrolment school");
        var person = await district.Person("Enroller", school: school);
        using var browser = await district.Browser(person);
        using var made = await browser.PostAsync("/api/v1/my/invitations", AdminServer.Json("""{"ownIPad": true}"""));
        var url = new Uri((string)(await AdminServer.Body(made, 200))["url"]!);
        var invitation = (await Server.Services.GetRequiredService<IEnrolmentStore>().FindInvitation(url.Segments[^1]))!;
        Assert.Equal((1, "Enrolment school", person, false), (invitation.MaxUses, invitation.School, invitation.PersonId, invitation.AllowReenrolment));
        Assert.Equal(TimeSpan.FromHours(1), invitation.ExpiresAt - invitation.CreatedAt);
        // Not erase, not the passcode, not the apps.
        Assert.Equal(8191 - 8 - 4 - 256, invitation.AccessRights);

        for (var i = 0; i < 2; i++)
        {
            using var more = await browser.PostAsync("/api/v1/my/invitations", AdminServer.Json("""{"ownIPad": false}"""));
            await AdminServer.Body(more, 200);
        }

        using var tooMany = await browser.PostAsync("/api/v1/my/invitations", AdminServer.Json("""{"ownIPad": false}"""));
        await AdminServer.Problem(tooMany, 429);
        // The link is the secret: it is nowhere else.
        Assert.DoesNotContain(invitation.Id, await Server.Admin.GetStringAsync("/api/v1/audit?verb=invitation.create&limit=100"));
    }

    [Fact]
    public async Task A_profile_is_downloaded_by_those_whom_it_is_offered_to()
    {
        async Task<string> Profile(string identifier, string payload)
        {
            using var made = await Server.Admin.PostAsync("/api/v1/profiles",
                AdminServer.Json($$$"""{"profile": {"PayloadDisplayName": "{{{identifier}}}", "PayloadIdentifier": "{{{identifier}}}", "PayloadContent": [{{{payload}}}]}}"""));
            return (string)(await AdminServer.Body(made, 201))["id"]!;
        }

        var plain = await Profile("offer.plain", """{"PayloadType": "com.apple.webClip.managed", "URL": "https://example.org", "Label": "Home"}""");
        var secret = await Profile("offer.secret", """{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "North", "EncryptionType": "WPA2", "Password": "a secret of it"}""");
        async Task<HttpResponseMessage> Offer(string id, string json) => await Server.Admin.PutAsync($"/api/v1/profiles/{id}/offer", AdminServer.Json(json));
        using (var pupils = await Offer(plain, """{"to": ["pupils"]}""")) await AdminServer.Body(pupils, 200);
        using (var refused = await Offer(secret, """{"to": ["teachers"]}""")) await AdminServer.Blames(refused, "secretsToo", 422);
        using (var teachers = await Offer(secret, """{"to": ["teachers"], "secretsToo": true}""")) await AdminServer.Body(teachers, 200);

        using var pupil = await district.Browser(await district.Person("P"));
        using var teacher = await district.Browser(await district.Person("T", role: "teacher"));
        foreach (var (browser, own, other) in new[] { (pupil, plain, secret), (teacher, secret, plain) })
        {
            using var list = await browser.GetAsync("/api/v1/my/profiles");
            Assert.Equal([own], (await AdminServer.Body(list, 200))["items"]!.AsArray().Select(one => (string)one!["id"]!));
            foreach (var path in (string[])["/api/v1/my/profiles/{0}/mobileconfig", "/my/profiles/{0}"])
            {
                using var file = await browser.GetAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, path, own));
                Assert.Equal("application/x-apple-aspen-config", file.Content.Headers.ContentType?.MediaType);
                using var none = await browser.GetAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, path, other));
                Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
            }
        }

        using var records = await Server.Admin.GetAsync($"/api/v1/audit?verb=secret.read&target={secret}");
        Assert.Equal(2, (await AdminServer.Body(records, 200))["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task An_account_is_linked_by_hand_on_its_page_and_made_for_a_person_from_theirs()
    {
        var person = await district.Person("Byhand", role: "teacher", email: "byhand@example.org");
        var account = await TestAccount.Ready(Server, "byhand", "self-service");
        using (var before = await (await account.OwnBrowser()).GetAsync("/api/v1/my/devices")) await AdminServer.Problem(before, 404);
        Assert.Contains("Byhand", await Server.Admin.GetStringAsync($"/accounts/{account.Id}?q=byhand"));
        using (var linked = await Server.Admin.SendAsync(account.Form($"/accounts/{account.Id}/person", null, ("personId", person), ("version", "1"))))
            Assert.Equal($"/accounts/{account.Id}?done=linked", linked.Headers.Location?.OriginalString);
        using var browser = await account.OwnBrowser();
        Assert.Equal("Byhand", (string?)JsonNode.Parse(await browser.GetStringAsync("/api/v1/my/devices"))!["name"]);

        var form = await Server.Admin.GetStringAsync($"/accounts/new?person={person}");
        Assert.Contains("value=\"byhand@example.org\"", form);
        Assert.Contains($"name=\"personId\" value=\"{person}\"", form);
        using var gone = await Server.Admin.DeleteAsync($"/api/v1/people/{person}");
        Assert.True(gone.IsSuccessStatusCode);
        Assert.Null((await Accounts.Find(Scope.District, account.Id))!.PersonId);
    }
}
