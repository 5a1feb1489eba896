using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Audit;
using FleetMdm.Grains.Interfaces;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>
/// Each route of an administrator that changes something is driven once, as a person or a program would, and its record is looked for. A new route
/// fails the first test until it stands in <see cref="Drives"/>.
/// </summary>
public sealed class EveryChangeTests : IAsyncLifetime
{
    private const string Profile = """
        <?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>
        <key>PayloadIdentifier</key><string>org.example.wifi</string><key>PayloadUUID</key><string>6D6A0B43-62C5-4B3A-9C53-2E2F6F1C1234</string>
        <key>PayloadContent</key><array/></dict></plist>
        """;

    private readonly AdminServer _server = new();
    private string _origin = "";

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _origin = _server.Address.GetLeftPart(UriPartial.Authority);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>Method and route; then what is sent, and what the record must be about (null: it has no target, or the answer names it).</summary>
    private Dictionary<string, Func<Task<Drive>>> Drives => new()
    {
        ["POST /api/v1/devices/{id}/commands"] = () => OnPad(pad => Json(HttpMethod.Post, $"{pad.Path}/commands", """{"requestType": "DeviceLock"}""")),
        ["DELETE /api/v1/devices/{id}/commands/{uuid}"] = () => OnPad(async pad => new(HttpMethod.Delete, $"{pad.Path}/commands/{await pad.Send()}")),
        ["DELETE /api/v1/devices/{id}"] = () => OnPad(pad => new(HttpMethod.Delete, pad.Path)),
        ["POST /api/v1/devices/{id}/push"] = () => OnPad(pad => new(HttpMethod.Post, $"{pad.Path}/push")),
        ["POST /api/v1/devices/{id}/claim/allow"] = () => OnPad(async pad => Json(HttpMethod.Post, $"{pad.Path}/claim/allow", $$"""{"claimId": "{{await Claim(pad)}}"}""")),
        ["POST /api/v1/devices/{id}/claim/refuse"] = () => OnPad(async pad => Json(HttpMethod.Post, $"{pad.Path}/claim/refuse", $$"""{"claimId": "{{await Claim(pad)}}"}""")),
        ["POST /api/v1/devices/{id}/reenrolment"] = () => OnPad(pad => Json(HttpMethod.Post, $"{pad.Path}/reenrolment", """{"hours": 2}""")),
        ["DELETE /api/v1/devices/{id}/reenrolment"] = () => OnPad(pad => new(HttpMethod.Delete, $"{pad.Path}/reenrolment")),
        ["POST /api/v1/reenrolment"] = async () => new(Json(HttpMethod.Post, "/api/v1/reenrolment", $$"""{"ids": ["{{(await _server.Enrol()).Id}}"]}"""), null),
        ["POST /api/v1/operations"] = async () => new(Json(HttpMethod.Post, "/api/v1/operations", await Lock()), null),
        ["DELETE /api/v1/operations/{id}"] = async () => await Operation() is var id ? new(new(HttpMethod.Delete, $"/api/v1/operations/{id}"), id) : null!,
        ["POST /api/v1/invitations"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/invitations", "{}"), null)),
        ["DELETE /api/v1/invitations/{id}"] = async () => await Invitation() is var number ? new(new(HttpMethod.Delete, $"/api/v1/invitations/{number}"), number) : null!,
        ["POST /api/v1/tokens"] = () => Task.FromResult(new Drive(Json(HttpMethod.Post, "/api/v1/tokens", """{"name": "made", "role": "viewer"}"""), null)),
        ["DELETE /api/v1/tokens/{id}"] = async () => (await _server.MakeToken("viewer")).Id is var id ? new(new(HttpMethod.Delete, $"/api/v1/tokens/{id}"), id) : null!,
        ["PUT /api/v1/push-certificate"] = () => Task.FromResult(new Drive(
            new(HttpMethod.Put, "/api/v1/push-certificate") { Content = new StringContent(PushCertificate(), Encoding.UTF8, "application/x-pem-file") }, null)),

        ["POST /api/v1/push-certificate/request"] = () => Task.FromResult(new Drive(new(HttpMethod.Post, "/api/v1/push-certificate/request"), null)),
        ["PUT /api/v1/placeholders/{serialNumber}"] = () => Task.FromResult(new Drive(Json(HttpMethod.Put, "/api/v1/placeholders/EVERY1", """{"name": "one"}"""), "EVERY1")),
        ["DELETE /api/v1/placeholders/{serialNumber}"] = async () => new(new(HttpMethod.Delete, $"/api/v1/placeholders/{await Placeholder("EVERY2")}"), "EVERY2"),
        ["POST /api/v1/placeholder-imports"] = () => Task.FromResult(new Drive(
            new(HttpMethod.Post, "/api/v1/placeholder-imports") { Content = new StringContent(Csv("EVERY3"), Encoding.UTF8, "text/csv") }, null)),

        ["POST /ipads/{id}/push"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/push")),
        ["POST /ipads/{id}/query"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/query")),
        ["POST /ipads/{id}/lock"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/lock")),
        ["POST /ipads/{id}/restart"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/restart")),
        ["POST /ipads/{id}/command/{type}"] = () => OnPad(pad => Upload($"/ipads/{pad.Id}/command/ProfileList", "none", "")),
        ["POST /ipads/{id}/apps"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/apps")),
        ["POST /ipads/{id}/managed-apps"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/managed-apps")),
        ["POST /ipads/{id}/profiles"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/profiles")),
        ["POST /ipads/{id}/certificates"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/certificates")),
        ["POST /ipads/{id}/provisioning-profiles"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/provisioning-profiles")),
        ["POST /ipads/{id}/security"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/security")),
        ["POST /ipads/{id}/restrictions"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/restrictions")),
        ["POST /ipads/{id}/users"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/users")),
        ["POST /ipads/{id}/location"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/location")),
        ["POST /ipads/{id}/profile"] = () => OnPad(pad => Upload($"/ipads/{pad.Id}/profile", "profile", Profile)),
        ["POST /ipads/{id}/clear-passcode"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/clear-passcode", ("confirm", Serial)), Serial),
        ["POST /ipads/{id}/erase"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/erase", ("confirm", Serial)), Serial),
        ["POST /ipads/{id}/remove"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/remove", ("confirm", Serial)), Serial),
        ["POST /ipads/{id}/commands/{uuid}/cancel"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/commands/{await pad.Send()}/cancel")),
        ["POST /ipads/{id}/claim/allow"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/claim/allow", ("claim", await Claim(pad)))),
        ["POST /ipads/{id}/claim/refuse"] = () => OnPad(async pad => Form($"/ipads/{pad.Id}/claim/refuse", ("claim", await Claim(pad)))),
        ["POST /ipads/{id}/reenrolment"] = () => OnPad(pad => Form($"/ipads/{pad.Id}/reenrolment")),
        ["POST /invitations"] = () => Task.FromResult(new Drive(Form("/invitations"), null)),
        ["POST /invitations/{id}/revoke"] = async () => await Invitation() is var number ? new(Form($"/invitations/{number}/revoke"), number) : null!,
        ["POST /tokens"] = () => Task.FromResult(new Drive(Form("/tokens", ("name", "made"), ("role", "viewer")), null)),
        ["POST /tokens/{id}/revoke"] = async () => (await _server.MakeToken("viewer")).Id is var id ? new(Form($"/tokens/{id}/revoke"), id) : null!,
        ["POST /operations"] = async () => new(Form("/operations", ("q", (await _server.Enrol()).Id), ("requestType", "DeviceInformation")), null),
        ["POST /operations/{id}/cancel"] = async () => await Operation() is var id ? new(Form($"/operations/{id}/cancel"), id) : null!,
        ["POST /placeholders"] = () => Task.FromResult(new Drive(Form("/placeholders", ("serialNumber", "EVERY4"), ("name", "four")), "EVERY4")),
        ["POST /placeholders/import"] = () => Task.FromResult(new Drive(Upload("/placeholders/import", "file", Csv("EVERY5")), null)),
        ["POST /placeholders/{serialNumber}/remove"] = async () => new(Form($"/placeholders/{await Placeholder("EVERY6")}/remove"), "EVERY6"),
        ["POST /push-certificate/request"] = () => Task.FromResult(new Drive(Form("/push-certificate/request"), null)),
        ["POST /push-certificate"] = () => Task.FromResult(new Drive(Upload("/push-certificate", "certificate", PushCertificate()), null)),
        ["POST /login"] = async () => await _server.MakeToken("viewer") is var (id, token) ? new(Form("/login", ("token", token)), id, Anonymous: true) : null!,
        ["POST /logout"] = async () => await SignedIn() is var (id, cookie) ? new(Form("/logout", cookie), id, Anonymous: true) : null!,
    };

    [Fact]
    public async Task Each_leaves_its_record()
    {
        string[] others = ["/mdm/", "/scep", "/enroll", "/orleans", "/MDMServiceConfig", "/theme"];
        // Only a certificate of this server's own CA can be renewed; these iPads have others.
        string[] elsewhere = ["POST /api/v1/devices/{id}/renewal", "POST /ipads/{id}/renewal"];
        var routes = _server.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [])
                .Where(method => method is not ("GET" or "HEAD"))
                .Select(method => (Method: method, Route: "/" + endpoint.RoutePattern.RawText!.Trim('/'), Audited: endpoint.Metadata.GetMetadata<AuditedMetadata>())))
            .Where(route => !others.Any(other => route.Route.StartsWith(other, StringComparison.OrdinalIgnoreCase)))
            .Where(route => !elsewhere.Contains($"{route.Method} {route.Route}"))
            .ToDictionary(route => $"{route.Method} {route.Route}", route => route.Audited!);
        var drives = Drives;
        Assert.Equal(routes.Keys.Order(), drives.Keys.Order());

        var missing = new List<string>();
        foreach (var (route, audited) in routes)
        {
            // What the request says as its reason finds the record again.
            var reason = $"{route} {Guid.NewGuid()}";
            var drive = await drives[route]();
            drive.Request.Headers.Add("Audit-Reason", reason);
            using var client = _server.Client(drive.Anonymous ? null : _server.Token);
            using var response = await client.SendAsync(drive.Request);
            Assert.True((int)response.StatusCode < 400, $"{route}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");

            using var page = await _server.Admin.GetAsync("/api/v1/audit?limit=20&verb=" + audited.Verb);
            var found = (await AdminServer.Body(page, 200))["items"]!.AsArray().Where(record => (string?)record!["reason"] == reason).ToList();
            if (found.Count != 1 || !IsRight(found[0]!, audited, drive))
                missing.Add($"{route}: {(found.Count == 0 ? "no record" : string.Join('\n', found.Select(record => record!.ToJsonString())))}");
        }

        Assert.Empty(missing);
    }

    private static bool IsRight(JsonNode record, AuditedMetadata audited, Drive drive) =>
        (string?)record["result"] == "done" && (string?)record["address"] == "127.0.0.1" && (string?)record["actorId"] is { Length: > 0 }
        && (string?)record["targetKind"] == audited.TargetKind && (drive.Target is null || (string?)record["targetId"] == drive.Target);

    [Fact]
    public async Task What_the_other_device_did_and_what_was_decided_about_it_stands_in_the_records_of_the_iPad()
    {
        var pad = await _server.Enrol();
        using var refused = await _server.Admin.SendAsync(Json(HttpMethod.Post, $"{pad.Path}/claim/refuse", $$"""{"claimId": "{{await Claim(pad)}}"}"""));
        await AdminServer.Body(refused, 200);
        var other = NewCertificate();
        using var allowed = await _server.Admin.SendAsync(Json(HttpMethod.Post, $"{pad.Path}/claim/allow", $$"""{"claimId": "{{await Claim(pad, other)}}"}"""));
        await AdminServer.Body(allowed, 200);
        Assert.Equal(DeviceRefusal.None, await Authenticate(pad, other));

        var records = await Of(pad);
        // Both are of one message, in one millisecond: the list has them in either order.
        if ((string?)records[0]["verb"] == "enrolment.serial-number") records.Reverse(0, 2);
        Assert.Equal(
            ["enrolment.displace", "enrolment.serial-number", "reenrolment.allow", "enrolment.claim", "reenrolment.refuse", "enrolment.claim"],
            records.Select(record => (string)record["verb"]!));
        foreach (var (record, kind, address) in records.Zip(["device", "device", "token", "device", "token", "device"], ["192.0.2.7", "192.0.2.7", "127.0.0.1", "192.0.2.7", "127.0.0.1", "192.0.2.7"]))
            Assert.Equal((kind, address, "done"), ((string)record["actorKind"]!, (string)record["address"]!, (string)record["result"]!));
        Assert.False(string.IsNullOrEmpty((string?)records[0]["detail"]));
        Assert.Equal("ANOTHER1", (string?)records[3]["detail"]);
    }

    [Fact]
    public async Task Each_use_of_a_secret_in_escrow_is_a_record_that_does_not_hold_it()
    {
        var pad = await _server.Enrol();
        var (unlock, bootstrap) = (Encoding.ASCII.GetBytes("UNLOCK-SECRET"), Encoding.ASCII.GetBytes("BOOTSTRAP-SECRET"));
        await pad.Grain.TokenUpdate(
            new TokenUpdateMessage { Topic = "com.apple.mgmt.test", Token = new byte[32], PushMagic = "magic", UnlockToken = unlock }, pad.Certificate);
        await pad.Grain.SetBootstrapToken(bootstrap, pad.Certificate);
        Assert.Empty(await Of(pad));

        Assert.NotNull((await pad.Grain.GetBootstrapToken(pad.Certificate)).Body);
        var uuid = await pad.Send("""{"requestType": "ClearPasscode"}""");
        Assert.Contains(Convert.ToBase64String(unlock), Encoding.UTF8.GetString((await pad.Idle()).Body!).ReplaceLineEndings("").Replace("\t", "", StringComparison.Ordinal));

        var uses = (await Of(pad)).Where(record => (string?)record["verb"] == "escrow.use").ToList();
        Assert.Equal([uuid, null], uses.Select(record => (string?)record["subject"]));
        Assert.Equal(["UnlockToken for ClearPasscode", "BootstrapToken"], uses.Select(record => (string?)record["detail"]));
        Assert.All(uses, record => Assert.Equal(("device", pad.Id), ((string)record["actorKind"]!, (string)record["actorId"]!)));
        Assert.DoesNotContain("SECRET", string.Concat(uses.Select(record => record.ToJsonString())));
    }

    /// <param name="Target">The id that the record must name.</param>
    /// <param name="Anonymous">Sent without the administrator's token.</param>
    private sealed record Drive(HttpRequestMessage Request, string? Target, bool Anonymous = false);

    private const string Serial = "EVERYCHANGE1";

    private Task<Drive> OnPad(Func<TestPad, HttpRequestMessage> request, string? serial = null) => OnPad(pad => Task.FromResult(request(pad)), serial);

    private async Task<Drive> OnPad(Func<TestPad, Task<HttpRequestMessage>> request, string? serial = null)
    {
        var pad = await _server.Enrol(serial);
        return new Drive(await request(pad), pad.Id);
    }

    private async Task<List<JsonNode>> Of(TestPad pad)
    {
        using var response = await _server.Admin.GetAsync("/api/v1/audit?target=" + pad.Id);
        return [.. (await AdminServer.Body(response, 200))["items"]!.AsArray().Select(item => item!).Where(record => (string?)record["verb"] != "command.send")];
    }

    private static HttpRequestMessage Json(HttpMethod method, string path, string json) => new(method, path) { Content = AdminServer.Json(json) };

    private HttpRequestMessage Form(string path, params (string Name, string Value)[] fields) =>
        Own(path, new FormUrlEncodedContent(fields.Append(("key", Guid.NewGuid().ToString("N"))).Select(field => new KeyValuePair<string, string>(field.Item1, field.Item2))));

    private HttpRequestMessage Form(string path, string cookie)
    {
        var request = Form(path);
        request.Headers.Add("Cookie", cookie);
        return request;
    }

    private HttpRequestMessage Upload(string path, string field, string file) =>
        Own(path, new MultipartFormDataContent { { new StringContent(file), field, field }, { new StringContent(""), "password" } });

    private HttpRequestMessage Own(string path, HttpContent content) => new(HttpMethod.Post, path) { Content = content, Headers = { { "Origin", _origin } } };

    private async Task<string> Lock() => $$$"""{"target": {"ids": ["{{{(await _server.Enrol()).Id}}}"]}, "command": {"requestType": "DeviceInformation"}}""";

    private async Task<string> Operation()
    {
        using var started = await _server.Admin.PostAsync("/api/v1/operations", AdminServer.Json(await Lock()));
        return (string)(await AdminServer.Body(started, 202))["id"]!;
    }

    private async Task<string> Placeholder(string serialNumber)
    {
        using var made = await _server.Admin.PutAsync($"/api/v1/placeholders/{serialNumber}", AdminServer.Json("""{"name": "one"}"""));
        Assert.True(made.IsSuccessStatusCode);
        return serialNumber;
    }

    private static string Csv(string serialNumber) => $"serial number,name\n{serialNumber},NS-1\n";

    /// <summary>Its number: the id is a secret, and stands in no record.</summary>
    private async Task<string> Invitation()
    {
        using var made = await _server.Admin.PostAsync("/api/v1/invitations", AdminServer.Json("{}"));
        return ((long)(await AdminServer.Body(made, 201))["number"]!).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task<(string TokenId, string Cookie)> SignedIn()
    {
        var (id, token) = await _server.MakeToken("viewer");
        using var client = _server.Client();
        using var login = await client.SendAsync(Form("/login", ("token", token)));
        return (id, login.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
    }

    private static PresentedCertificate NewCertificate() => new(RandomNumberGenerator.GetBytes(32), DateTimeOffset.MaxValue.AddYears(-5000));

    private static async Task<DeviceRefusal> Authenticate(TestPad pad, PresentedCertificate certificate) => (await pad.Grain.Authenticate(
        new AuthenticateMessage { Topic = "com.apple.mgmt.test", Udid = pad.Id, SerialNumber = "ANOTHER1", Address = "192.0.2.7" }, certificate)).Refusal;

    private async Task<string> Claim(TestPad pad, PresentedCertificate? certificate = null)
    {
        Assert.Equal(DeviceRefusal.Claimed, await Authenticate(pad, certificate ?? NewCertificate()));
        using var response = await _server.Admin.GetAsync(pad.Path + "/claim");
        return (string)(await AdminServer.Body(response, 200))["claimId"]!;
    }

    /// <summary>One topic: a second one with another would be refused.</summary>
    private static string PushCertificate()
    {
        using var apns = new ApnsAuthority(TimeProvider.System);
        using var minted = apns.MintPushCertificate("com.apple.mgmt.External.11111111-2222-3333-4444-555555555555");
        return minted.ToPem();
    }
}
