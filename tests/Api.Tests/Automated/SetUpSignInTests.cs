using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using FleetMdm.Api.Tests.Admin;
using FleetMdm.Storage.Placeholders;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Automated;

/// <summary>Somebody signs in on an iPad in Setup Assistant: who gets it, who is refused, and with which words.</summary>
public sealed class SetUpSignInTests : IAsyncLifetime
{
    private const string Begin = "/my/out-of-the-box";

    private const string Person = Begin + "/person";

    private static int _ipads = 70_000;

    private readonly AutomatedHost _host = new() { More = ["--SelfService:PublicUrl=https://mdm.example:8443"] };

    private IPadFleet _fleet = null!;

    private AdminServer Server => _host.Server;

    public async ValueTask InitializeAsync()
    {
        await _host.InitializeAsync();
        _fleet = new IPadFleet(new FleetOptions { Trust = TrustAnchors.FromPem(_host.Apple.RootPem), Factory = _host.Factory });
        await _host.InstallPushCertificate();
    }

    public async ValueTask DisposeAsync()
    {
        await _fleet.DisposeAsync();
        await _host.DisposeAsync();
    }

    /// <summary>An iPad that Apple has assigned, with a profile that asks for a sign-in.</summary>
    private async Task<VirtualIPad> Bought(string more = "", bool signIn = true)
    {
        var profile = (string)(await _host.Post("profiles", $$"""{"name": "{{Guid.NewGuid():N}}", "signIn": {{(signIn ? "true" : "false")}}{{more}}}"""))["id"]!;
        var ipad = _fleet.Add(IPadDescription.Number(Interlocked.Increment(ref _ipads)) with { OsVersion = "18.3" });
        await _host.Connect(profile, ipad.Description.SerialNumber);
        return ipad;
    }

    private async Task<HttpResponseMessage> Open(string? info, string? cookie = null)
    {
        using var client = Server.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, Begin);
        if (info is not null) request.Headers.TryAddWithoutValidation("x-apple-aspen-deviceinfo", info);
        if (cookie is not null) request.Headers.Add("Cookie", cookie);
        return await client.SendAsync(request);
    }

    private static string Info(VirtualIPad ipad) => Convert.ToBase64String(OutOfTheBox.MachineInfo(ipad));

    /// <summary>The cookie that the iPad's web view keeps.</summary>
    private async Task<string> Opened(VirtualIPad ipad)
    {
        using var answer = await Open(Info(ipad));
        Assert.Equal((HttpStatusCode.SeeOther, Person), (answer.StatusCode, answer.Headers.Location!.OriginalString));
        return TestAccount.CookieOf(answer, "fleetmdm-ipad");
    }

    private async Task<(HttpStatusCode Status, string? Type, string Text)> Send(HttpMethod method, string cookies, string whose = "me")
    {
        using var client = Server.Client();
        using var request = new HttpRequestMessage(method, Person) { Headers = { { "Cookie", cookies }, { "Origin", Server.Address.GetLeftPart(UriPartial.Authority) } } };
        if (method == HttpMethod.Post) request.Content = new FormUrlEncodedContent([new("key", Guid.NewGuid().ToString("N")), new("whose", whose)]);
        using var answer = await client.SendAsync(request);
        return (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsStringAsync());
    }

    private async Task<(string Id, string Cookie)> Pupil(string role = "self-service")
    {
        using var made = await Server.Admin.PostAsync("/api/v1/people", AdminServer.Json("""{"role": "pupil", "givenName": "Ali", "familyName": "Berg"}"""));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        return (id, await Account(role, id));
    }

    private async Task<string> Account(string role, string? person = null) => await (await TestAccount.Ready(Server, $"s-{Guid.NewGuid():N}", role, person: person)).Cookie();

    private async Task<string?> MeantFor(VirtualIPad ipad) => await Server.Services.GetRequiredService<IPlaceholderStore>().Find(ipad.Description.SerialNumber) is { } found ? found.PersonId : null;

    [Fact]
    public async Task A_person_signs_in_takes_the_iPad_and_gets_its_enrolment_profile_and_only_by_that_page()
    {
        var ipad = await Bought();
        var (pupil, session) = await Pupil();
        using var client = Server.Client();
        using var round = await client.PostAsync("/mdm/automated/enroll", new ByteArrayContent(OutOfTheBox.MachineInfo(ipad)) { Headers = { ContentType = new MediaTypeHeaderValue("application/pkcs7-signature") } });
        Assert.Equal(HttpStatusCode.Forbidden, round.StatusCode);
        Assert.Contains("has old instructions for its set-up", await round.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        var cookie = await Opened(ipad);
        using (var asked = await client.SendAsync(new HttpRequestMessage(HttpMethod.Get, Person) { Headers = { { "Cookie", cookie }, { "Accept", "text/html" } } }))
            Assert.EndsWith("/login?returnUrl=%2Fmy%2Fout-of-the-box%2Fperson", asked.Headers.Location?.OriginalString, StringComparison.Ordinal);
        var (status, _, page) = await Send(HttpMethod.Get, $"{cookie}; {session}");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("You are Ali Berg", page, StringComparison.Ordinal);
        Assert.DoesNotContain("for nobody yet", page, StringComparison.Ordinal);

        (status, var type, _) = await Send(HttpMethod.Post, $"{cookie}; {session}");

        Assert.Equal((HttpStatusCode.OK, "application/x-apple-aspen-config"), (status, type));
        Assert.Equal(pupil, await MeantFor(ipad));
        using var records = await Server.Admin.GetAsync($"/api/v1/audit?verb=automated.sign-in&target={ipad.Description.SerialNumber}");
        var record = (await AdminServer.Body(records, 200))["items"]![0]!;
        Assert.Equal("for who signed in", (string?)record["detail"]);
        // Another one who comes before it has enrolled has it in their hands.
        var (second, other) = await Pupil();
        Assert.Equal(HttpStatusCode.OK, (await Send(HttpMethod.Post, $"{cookie}; {other}")).Status);
        Assert.Equal(second, await MeantFor(ipad));
    }

    [Fact]
    public async Task An_iPad_that_the_list_gives_to_another_is_refused_in_words()
    {
        var ipad = await Bought();
        var (pupil, session) = await Pupil();
        var (other, _) = await Pupil();
        await Server.Execute($"INSERT INTO placeholders (serial_number, created_at, created_by, updated_at, person_id) VALUES ('{ipad.Description.SerialNumber}', 1, 'import', 1, '{other}')");
        var (status, _, page) = await Send(HttpMethod.Post, $"{await Opened(ipad)}; {session}");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("this iPad is for somebody else", page, StringComparison.Ordinal);
        Assert.NotEqual(pupil, await MeantFor(ipad));
    }

    [Fact]
    public async Task Who_is_no_person_sets_it_up_for_nobody_when_they_may_enrol_iPads_and_not_otherwise()
    {
        var ipad = await Bought();
        var cookie = await Opened(ipad);
        var helpdesk = await Account("helpdesk");
        var (status, _, page) = await Send(HttpMethod.Get, $"{cookie}; {helpdesk}");
        Assert.Contains("not linked to a person", page, StringComparison.Ordinal);
        foreach (var whose in (string[])["me", "nobody"])
            Assert.Equal(HttpStatusCode.Forbidden, (await Send(HttpMethod.Post, $"{cookie}; {helpdesk}", whose)).Status);
        var (_, pupil) = await Pupil();
        Assert.Equal(HttpStatusCode.Forbidden, (await Send(HttpMethod.Post, $"{cookie}; {pupil}", "nobody")).Status);

        var technician = await Account("school-technician");
        Assert.Equal(HttpStatusCode.Forbidden, (await Send(HttpMethod.Post, $"{cookie}; {technician}")).Status);
        (status, var type, _) = await Send(HttpMethod.Post, $"{cookie}; {technician}", "nobody");
        Assert.Equal((HttpStatusCode.OK, "application/x-apple-aspen-config"), (status, type));
        Assert.Null(await MeantFor(ipad));
        // Somebody who may see nothing of their own does not come so far.
        Assert.Equal(HttpStatusCode.Forbidden, (await Send(HttpMethod.Post, $"{cookie}; {await Account("viewer")}", "nobody")).Status);
    }

    [Fact]
    public async Task Strangers_noise_and_a_browser_that_is_no_iPad_are_told_so()
    {
        var ipad = await Bought();
        using var none = await Open(null);
        Assert.Equal(HttpStatusCode.BadRequest, none.StatusCode);
        Assert.Contains("works only on an iPad that is being set up", await none.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        foreach (var noise in (string[])["***", "AAAA", Convert.ToBase64String(new byte[100])])
        {
            using var refused = await Open(noise);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("did not understand this iPad", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        await using var strangers = new IPadFleet(new FleetOptions { Trust = TrustAnchors.FromPem(_host.Apple.RootPem) });
        using var stranger = await Open(Info(strangers.Add(ipad.Description)));
        Assert.Equal(HttpStatusCode.Forbidden, stranger.StatusCode);
        using var unknown = await Open(Info(_fleet.Add(IPadDescription.Number(Interlocked.Increment(ref _ipads)))));
        Assert.Equal(HttpStatusCode.Forbidden, unknown.StatusCode);
        Assert.Contains("on no device management service", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        // The cookie is what this server wrote, or nothing.
        var (_, session) = await Pupil();
        var cookie = await Opened(ipad);
        Assert.Equal(HttpStatusCode.BadRequest, (await Send(HttpMethod.Post, $"{cookie[..^4]}AAAA; {session}")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await Send(HttpMethod.Get, session)).Status);
        using var back = await Open(null, cookie);
        Assert.Equal(HttpStatusCode.SeeOther, back.StatusCode);
        Assert.Null(await MeantFor(ipad));
    }

    [Fact]
    public async Task Where_the_profile_asks_for_no_sign_in_the_page_gives_it_at_once_and_to_nobody()
    {
        var ipad = await Bought(signIn: false);
        using var answer = await Open(Info(ipad));
        Assert.Equal((HttpStatusCode.OK, "application/x-apple-aspen-config"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        Assert.False(answer.Headers.Contains("Set-Cookie"));
        Assert.Null(await MeantFor(ipad));
    }

    [Fact]
    public async Task After_the_profile_was_given_the_cookie_of_the_iPad_lives_for_minutes()
    {
        var ipad = await Bought();
        var (_, session) = await Pupil();
        using var client = Server.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, Person)
        {
            Headers = { { "Cookie", $"{await Opened(ipad)}; {session}" }, { "Origin", Server.Address.GetLeftPart(UriPartial.Authority) } },
            Content = new FormUrlEncodedContent([new("key", Guid.NewGuid().ToString("N")), new("whose", "me")]),
        };
        using var answer = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        // Five minutes, less what the answer took.
        Assert.Matches("max-age=(300|29[0-9]);", Assert.Single(answer.Headers.GetValues("Set-Cookie"), cookie => cookie.StartsWith("fleetmdm-ipad=", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_old_iPad_updates_itself_before_anybody_is_asked()
    {
        var ipad = await Bought(", \"minimumOsVersion\": \"18.4\"");
        using var answer = await Open(Info(ipad));
        Assert.Equal((HttpStatusCode.Forbidden, "application/json"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        Assert.Equal("com.apple.softwareupdate.required", (string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["code"]);
    }
}
