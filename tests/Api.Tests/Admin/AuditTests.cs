using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

public sealed class AuditTests(AdminServer server)
{
    private const string Path = "/api/v1/audit";

    private async Task<List<JsonNode>> Records(string query)
    {
        using var response = await server.Admin.GetAsync($"{Path}?{query}");
        return [.. (await AdminServer.Body(response, 200))["items"]!.AsArray().Select(item => item!)];
    }

    [Fact]
    public void Every_endpoint_that_changes_something_says_what_is_recorded_of_it()
    {
        // What iPads call, and the dashboard's own, are no work of administrators; the theme is a cookie of one browser.
        string[] others = ["/mdm/", "/scep", "/acme", "/enroll", "/orleans", "/MDMServiceConfig", "/theme"];
        var silent = server.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Any(method => method is not ("GET" or "HEAD")) == true)
            .Select(endpoint => (Route: "/" + endpoint.RoutePattern.RawText!.TrimStart('/'), Audited: endpoint.Metadata.GetMetadata<AuditedMetadata>()))
            .Where(endpoint => !others.Any(other => endpoint.Route.StartsWith(other, StringComparison.OrdinalIgnoreCase)))
            .ToList();

        Assert.InRange(silent.Count, 15, 400);
        Assert.Empty(silent.Where(endpoint => endpoint.Audited is null).Select(endpoint => endpoint.Route));
        Assert.All(silent, endpoint => Assert.Contains(endpoint.Audited!.Verb, AuditVerbs.All));
    }

    [Fact]
    public async Task What_is_done_to_an_iPad_names_who_did_it_and_the_command_says_who_sent_it()
    {
        var pad = await server.Enrol();
        var (tokenId, token) = await server.MakeToken("administrator", "Anna " + pad.Id);
        using var anna = server.Client(token);
        anna.DefaultRequestHeaders.Add("Audit-Reason", "lost on the bus");

        using var sent = await anna.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "DeviceLock"}"""));
        var uuid = (string)(await AdminServer.Body(sent, 202))["commandUuid"]!;
        using var cancelled = await anna.DeleteAsync($"{pad.Path}/commands/{uuid}");
        using var pushed = await anna.PostAsync($"{pad.Path}/push", null);
        using var removed = await anna.DeleteAsync(pad.Path);

        var records = await Records("target=" + pad.Id);
        Assert.Equal(["device.remove", "device.push", "command.cancel", "command.send"], records.Select(record => (string)record["verb"]!));
        Assert.All(records, record =>
        {
            Assert.Equal((tokenId, "127.0.0.1", "lost on the bus", "done"),
                ((string)record["actorId"]!, (string)record["address"]!, (string)record["reason"]!, (string)record["result"]!));
        });
        Assert.Equal((uuid, "DeviceLock"), ((string)records[3]["subject"]!, (string)records[3]["detail"]!));
        // People know it by its serial number.
        using var shown = await server.Admin.GetAsync(pad.Path);
        var serial = (string)(await AdminServer.Body(shown, 200))["serialNumber"]!;
        Assert.Equal(records.Select(record => (string)record["id"]!), (await Records("target=" + serial)).Select(record => (string)record["id"]!));
        using var command = await server.Admin.GetAsync($"{pad.Path}/commands/{uuid}");
        Assert.Equal("Anna " + pad.Id, (string?)(await AdminServer.Body(command, 200))["requestedBy"]);

        // It survives its actor, and says how it was called.
        using var revoked = await server.Admin.DeleteAsync($"/api/v1/tokens/{tokenId}");
        Assert.Equal(4, (await Records("who=" + tokenId)).Count(record => (string?)record["targetKind"] == "device"));
    }

    [Fact]
    public async Task What_was_begun_and_could_not_be_done_says_so_in_a_second_record()
    {
        var name = "begun " + Guid.NewGuid();
        var (id, token) = await server.MakeToken("administrator", name);
        using var client = server.Client(token);
        using var content = new StringContent("no certificate", System.Text.Encoding.UTF8, "application/x-pem-file");
        using var put = await client.PutAsync("/api/v1/push-certificate", content);
        await AdminServer.Problem(put, 422);

        var records = await Records($"who={id}&verb=push-certificate.");
        Assert.Equal(["refused", "done"], records.Select(record => (string)record["result"]!));
    }

    [Fact]
    public async Task What_a_viewer_tries_is_recorded_as_refused()
    {
        var pad = await server.Enrol();
        var (id, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        using var erase = await viewer.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "EraseDevice"}"""));
        Assert.Equal(HttpStatusCode.Forbidden, erase.StatusCode);

        var record = Assert.Single(await Records($"who={id}"));
        Assert.Equal(("command.send", "refused", pad.Id), ((string)record["verb"]!, (string)record["result"]!, (string)record["targetId"]!));
        using var audit = await viewer.GetAsync(Path);
        await AdminServer.Problem(audit, 403);
    }

    [Fact]
    public async Task Wrong_tokens_are_recorded_once_and_then_counted()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var store = server.Services.GetRequiredService<IAuditStore>();
        using var coalescer = new Coalescer(store, time);
        var address = "198.51.100." + Random.Shared.Next(256);
        for (var i = 0; i < 50; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await coalescer.Record(AuditRecord.New(time.GetUtcNow(), new AuditActor(ActorKind.Stranger, Name: "n" + address, Address: address), AuditVerbs.TokenReject));
        }

        await coalescer.Flush();

        var records = await store.List(new AuditFilter { Who = "n" + address }, null, 10);
        Assert.Equal([49, null], records.Select(record => record.Count));
    }

    [Fact]
    public async Task A_copy_of_the_cookie_opens_nothing_once_its_owner_has_signed_out()
    {
        using var browser = server.Client();
        browser.DefaultRequestHeaders.Add("Origin", server.Address.GetLeftPart(UriPartial.Authority));
        var (id, token) = await server.MakeToken("administrator");
        using var login = await browser.PostAsync("/login", new FormUrlEncodedContent([new("token", token)]));
        browser.DefaultRequestHeaders.Add("Cookie", login.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        using var before = await browser.GetAsync("/api/v1/status");
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        using var logout = await browser.PostAsync("/logout", new FormUrlEncodedContent([]));
        using var after = await browser.GetAsync("/api/v1/status");

        await AdminServer.Problem(after, 401);
        Assert.Equal(["session.sign-out", "session.sign-in"], (await Records("who=" + id)).Select(record => (string)record["verb"]!));
    }

    [Fact]
    public async Task Guessing_from_an_address_locks_nobody_out_who_holds_a_right_token()
    {
        // A token that this node has never seen, from an address that guesses.
        var (_, token) = await server.MakeToken("viewer");
        using var guesser = Elsewhere("fleetmdm_" + new string('A', 43));
        for (var i = 0; i <= GuessingThrottle.MostFailures; i++)
            (await guesser.GetAsync("/api/v1/status")).Dispose();
        using var guess = await guesser.GetAsync("/api/v1/status");
        using var right = Elsewhere(token);
        using var answer = await right.GetAsync("/api/v1/status");
        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (guess.StatusCode, answer.StatusCode));
        Assert.Contains(await Records("verb=token.reject&result=refused"), record => (string?)record["address"] == "127.0.0.2");
    }

    [Fact]
    public async Task A_token_expires_after_90_days_and_with_it_end_those_that_it_made()
    {
        var (parentId, parent) = await server.MakeToken("administrator", "parent");
        using var maker = server.Client(parent);
        using var made = await maker.PostAsync("/api/v1/tokens", AdminServer.Json("""{"name": "child", "role": "viewer"}"""));
        var child = (await AdminServer.Body(made, 201))["description"]!;
        Assert.Equal(parentId, (string?)child["createdById"]);
        Assert.InRange((DateTimeOffset)child["expiresAt"]! - TimeProvider.System.GetUtcNow(), TimeSpan.FromDays(89.9), TimeSpan.FromDays(90));

        using var shown = await server.Admin.GetAsync($"/api/v1/tokens/{parentId}");
        Assert.Equal("child", (string?)(await AdminServer.Body(shown, 200))["descendants"]!.AsArray().Single()!["name"]);
        Assert.Contains("child", await server.Admin.GetStringAsync($"/tokens/{parentId}/revoke"));
        using var kept = await server.Admin.DeleteAsync($"/api/v1/tokens/{parentId}?descendants=keep");
        Assert.Null((await Token((string)child["id"]!))["revokedAt"]);
        using var all = await server.Admin.DeleteAsync($"/api/v1/tokens/{parentId}");
        Assert.NotNull((await Token((string)child["id"]!))["revokedAt"]);
        Assert.Equal(["token.revoke", "token.create"], (await Records("target=" + (string)child["id"]!)).Select(record => (string)record["verb"]!));
    }

    [Theory]
    [InlineData("""{"requestType": "RemoveProfile", "identifier": "com.fleetmdm.enrolment"}""")]
    [InlineData("""{"requestType": "RemoveProfile", "identifier": " Com.FleetMdm.Enrolment "}""")]
    [InlineData("<plist><dict><key>RequestType</key><string>RemoveProfile</string><key>Identifier</key><string>COM.FLEETMDM.ENROLMENT</string></dict></plist>")]
    public async Task No_command_takes_an_iPads_own_enrolment_away(string command)
    {
        var pad = await server.Enrol();
        var xml = command[0] == '<';
        using var content = new StringContent(command, System.Text.Encoding.UTF8, xml ? "application/xml" : "application/json");
        using var one = await server.Admin.PostAsync($"{pad.Path}/commands", content);
        Assert.Equal("own-enrolment", (string?)(await AdminServer.Problem(one, 422))["code"]);
        if (xml) return;
        using var many = await server.Admin.PostAsync("/api/v1/operations", AdminServer.Json($$"""{"target": {"ids": ["{{pad.Id}}"]}, "command": {{command}}}"""));
        await AdminServer.Problem(many, 422);
    }

    [Fact]
    public async Task A_viewer_sees_no_link_of_an_open_invitation_and_who_sees_one_is_recorded()
    {
        using var made = await server.Admin.PostAsync("/api/v1/invitations", AdminServer.Json("""{"name": "Trolley 9"}"""));
        var invitation = await AdminServer.Body(made, 201);
        var (id, number) = ((string)invitation["id"]!, (long)invitation["number"]!);
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        foreach (var path in new[] { "/api/v1/invitations", $"/api/v1/invitations/{number}", "/invitations", $"/invitations/{number}" })
            Assert.DoesNotContain(id, await viewer.GetStringAsync(path));

        using var one = await server.Admin.GetAsync($"/api/v1/invitations/{number}");
        Assert.EndsWith("/enroll/" + id, (string?)(await AdminServer.Body(one, 200))["url"]);
        var verbs = (await Records($"target={number}&targetKind=invitation")).Select(record => (string)record["verb"]!).ToList();
        Assert.Equal("invitation.create", verbs[^1]);
        Assert.Contains("invitation.read", verbs);
    }

    [Fact]
    public async Task A_viewer_sees_no_secret_in_an_iPads_answer_and_who_sees_one_is_recorded()
    {
        var pad = await server.Enrol();
        using var sent = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "DeviceLock"}"""));
        var uuid = (string)(await AdminServer.Body(sent, 202))["commandUuid"]!;
        await pad.Answer(uuid, extra: "<key>ActivationLockBypassCode</key><string>ABC-SECRET</string><key>Other</key><string>seen</string>");
        var path = $"{pad.Path}/commands/{uuid}";
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        using var keeper = server.Client(await Keeper());

        var hidden = await viewer.GetStringAsync(path);
        Assert.DoesNotContain("ABC-SECRET", hidden);
        Assert.Contains("seen", hidden);
        using var raw = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", "application/xml" } } };
        using var refused = await viewer.SendAsync(raw);
        await AdminServer.Problem(refused, 403);
        Assert.Empty(await Records($"target={pad.Id}&verb=secret.read"));

        // Who may see it says why.
        using var silent = await keeper.GetAsync(path);
        var withheld = await AdminServer.Body(silent, 200);
        Assert.Equal((true, true), ((bool)withheld["secretsHidden"]!, (bool)withheld["reasonNeeded"]!));
        Assert.DoesNotContain("ABC-SECRET", withheld.ToJsonString());
        using var list = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", "application/xml" } } };
        using var asked = await keeper.SendAsync(list);
        await AdminServer.Blames(asked, "reason");
        Assert.Empty(await Records($"target={pad.Id}&verb=secret.read"));

        Assert.Contains("ABC-SECRET", await keeper.GetStringAsync(path + "?reason=the%20key%20is%20lost"));
        var record = Assert.Single(await Records($"target={pad.Id}&verb=secret.read"));
        Assert.Equal((uuid, "the key is lost"), ((string?)record["subject"], (string?)record["reason"]));

        // On its page.
        var page = $"/ipads/{pad.Id}/commands/{uuid}";
        Assert.Contains("Why do you look?", await server.Admin.GetStringAsync(page));
        using var unsaid = await server.Admin.PostAsync(page + "/answer", new FormUrlEncodedContent([new("reason", " ")]));
        Assert.Equal(HttpStatusCode.BadRequest, unsaid.StatusCode);
        using var said = await server.Admin.PostAsync(page + "/answer", new FormUrlEncodedContent([new("reason", "found")]));
        Assert.Contains("ABC-SECRET", await said.Content.ReadAsStringAsync());
        Assert.Equal(["found", "the key is lost"], (await Records($"target={pad.Id}&verb=secret.read&result=done")).Select(one => (string?)one["reason"]));
    }

    private async Task<string> Keeper()
    {
        using var made = await server.Admin.PostAsync("/api/v1/tokens", AdminServer.Json("""{"name": "keeper", "role": "viewer", "secrets": true}"""));
        return (string)(await AdminServer.Body(made, 201))["token"]!;
    }

    [Fact]
    public async Task The_export_has_every_record_and_no_formula()
    {
        var (id, token) = await server.MakeToken("administrator", "=cmd|' /C calc'!A0");
        using var client = server.Client(token);
        using var made = await client.PostAsync("/api/v1/invitations", AdminServer.Json("{}"));
        var csv = await client.GetStringAsync($"{Path}/export?who={id}");
        Assert.Contains("invitation.create", csv);
        Assert.Contains("audit.export", csv);
        Assert.Contains(",'=cmd|", csv);
        Assert.Contains(id, await server.Admin.GetStringAsync("/audit?who=" + id));
    }

    [Theory]
    [InlineData("from=2026-09-01T08:00:00", "from")]
    [InlineData("to=2026-09-01", "to")]
    public async Task A_time_without_an_offset_is_refused_and_a_day_on_the_page_is_one_of_UTC(string query, string field)
    {
        foreach (var path in (string[])["", "/export"])
        {
            using var refused = await server.Admin.GetAsync($"{Path}{path}?{query}");
            var problem = await AdminServer.Problem(refused, 400);
            Assert.Contains("Write the offset", (string)problem["errors"]![field]![0]!, StringComparison.Ordinal);
        }

        using var whole = await server.Admin.GetAsync($"{Path}?{field}=2026-09-01T08:00:00%2B02:00");
        Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
        Assert.Contains($"/api/v1/audit/export?{field}=2026-09-01T00%3A00%3A00Z", WebUtility.HtmlDecode(await server.Admin.GetStringAsync($"/audit?{field}=2026-09-01")), StringComparison.Ordinal);
    }

    /// <summary>From an address that no other test has.</summary>
    private HttpClient Elsewhere(string token)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        var client = new HttpClient(handler) { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    private async Task<JsonNode> Token(string id)
    {
        using var response = await server.Admin.GetAsync($"/api/v1/tokens/{id}");
        return (await AdminServer.Body(response, 200))["token"]!;
    }
}
