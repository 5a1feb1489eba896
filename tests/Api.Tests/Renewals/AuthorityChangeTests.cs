using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Silo.Hosting;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Renewals;

/// <summary>The CA of identities is changed under iPads that work, as an administrator does it, by HTTPS and SCEP.</summary>
public sealed class AuthorityChangeTests : IAsyncLifetime
{
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new();
    private readonly LaterClock _time = new();
    private ApnsSimulator _apns = null!;
    private WebApplication _app = null!;
    private HttpClient _admin = null!;
    private AdminClient _client = null!;
    private IPadFleet _fleet = null!;
    private string _token = "";

    /// <summary>Only what o'clock it is moves: nothing that runs is late by it.</summary>
    private sealed class LaterClock : TimeProvider
    {
        public TimeSpan Later { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Later;
    }

    public async ValueTask InitializeAsync()
    {
        _apns = await ApnsSimulator.StartAsync(new ApnsSimulatorOptions());
        await File.WriteAllTextAsync(_folder.File("apns.pem"), _apns.Authority.RootPem);
        var port = Ports.Free();
        var url = new Uri($"https://localhost:{port}");
        _app = ServerHost.Build(
        [
            $"--Storage:DataDirectory={_folder.File("data")}", $"--Http:Listen=https://127.0.0.1:{port}", $"--Mdm:PublicUrl={url.GetLeftPart(UriPartial.Authority)}",
            "--Inventory:DeviceInformationHours=0", "--Inventory:SecurityInfoHours=0", "--Inventory:InstalledApplicationListHours=0", "--Inventory:ProfileListHours=0",
            "--Inventory:CertificateListHours=0", "--Logging:LogLevel:FleetMdm=Error",
            $"--Push:Endpoint={_apns.Endpoint.GetLeftPart(UriPartial.Authority)}", $"--Push:TrustedRootFile={_folder.File("apns.pem")}",
        ], builder => builder.Services.AddSingleton<TimeProvider>(_time));
        await FleetProcess.Start(_app, CancellationToken.None);
        _token = (await FirstToken.Ensure(_app.Services.GetRequiredService<IGrainFactory>(), _folder.Path))!;
        var trust = await TrustProfile.FetchAsync(url);
        _client = new AdminClient(url, _token, trust);
        using var certificate = _apns.Authority.MintPushCertificate();
        await _client.PutPushCertificateAsync(certificate.ToPem());
        _fleet = new IPadFleet(new FleetOptions { Trust = trust, Apns = _apns, FirstRetry = TimeSpan.FromMilliseconds(100) });
        _admin = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true, AllowAutoRedirect = false }) { BaseAddress = url };
        _admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _token);
    }

    public async ValueTask DisposeAsync()
    {
        await _fleet.DisposeAsync();
        _admin.Dispose();
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _apns.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_new_CA_is_prepared_activated_iPads_move_over_and_the_old_one_is_retired()
    {
        var (moved, waits) = (await Enrolled(), await Enrolled());
        var first = Assert.Single(await Authorities());
        Assert.Equal(("active", 2L), (State(first), Devices(first)));

        // 1. Prepared: both are known, and nothing changes for iPads.
        var (status, next) = await Send(HttpMethod.Post, "/api/v1/authorities");
        Assert.Equal((201, "prepared"), (status, State(next)));
        Assert.Contains("MDM root 2", (string?)next["subject"]);
        Assert.Equal("authority-state", Code(await Send(HttpMethod.Post, "/api/v1/authorities"), 409));
        var whilePrepared = await Snapshot();
        Assert.Equal(Id(first), whilePrepared.Ca.Certificate.Sha256Hex);
        var third = await Enrolled();
        Assert.Equal(Id(first), Issuer(third));
        Assert.Equal("authority-state", Code(await Send(HttpMethod.Post, $"/api/v1/authorities/{Id(next)}/activate"), 409));

        // 2. Activated, when every node has had time to learn of it. What stays away goes on with its old certificate.
        _time.Later = SealedAuthority.LearntAfter;
        (status, var active) = await Send(HttpMethod.Post, $"/api/v1/authorities/{Id(next)}/activate");
        Assert.Equal((200, "active"), (status, State(active)));
        Assert.Equal(200, (await Send(HttpMethod.Post, $"/api/v1/authorities/{Id(next)}/activate")).Status);
        Assert.Equal(["active", "former"], (await Authorities()).Select(State));
        Assert.Equal(200, await Poll(waits));
        var fourth = await Enrolled();
        Assert.Equal(Id(next), Issuer(fourth));
        // A node that has not looked since takes the new certificates, and opens requests that are made for the new registration authority.
        Assert.True(whilePrepared.Verifier.Verify(fourth.Identity!.Certificate.RawData, _time.GetUtcNow()).IssuedByUs);
        Assert.Equal("authority-state", Code(await Send(HttpMethod.Post, $"/api/v1/authorities/{Id(first)}/activate"), 409));

        // 3. Renewed, one after the other. The old CA cannot go before.
        await Renew(moved);
        Assert.Equal(Id(next), Issuer(moved));
        Assert.Equal([2L, 2L], (await Authorities()).Select(Devices));
        Assert.Equal("authority-in-use", Code(await Send(HttpMethod.Delete, $"/api/v1/authorities/{Id(first)}"), 409));
        Assert.Equal("authority-state", Code(await Send(HttpMethod.Delete, $"/api/v1/authorities/{Id(next)}"), 409));
        await Renew(third);

        // A node that starts now knows the same.
        await _app.Services.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
        await _app.Services.GetRequiredService<EnrolmentAuthority>().Refresh();
        Assert.Equal([3L, 1L], (await Authorities()).Select(Devices));

        // 4. One iPad is left. By force it goes all the same, and that iPad is refused; the others go on.
        Assert.Equal(204, (await Send(HttpMethod.Delete, $"/api/v1/authorities/{Id(first)}?force=true")).Status);
        Assert.Equal(Id(next), Id(Assert.Single(await Authorities())));
        foreach (var (ipad, expected) in new[] { (moved, 200), (third, 200), (fourth, 200), (waits, 400) }) Assert.Equal(expected, await Poll(ipad));
        Assert.Equal(404, (await Send(HttpMethod.Delete, $"/api/v1/authorities/{Id(first)}")).Status);

        var verbs = (await Get("/api/v1/audit?verb=authority."))["items"]!.AsArray().Where(record => (string?)record!["result"] == "done").Select(record => (string)record!["verb"]!);
        Assert.Equal(["authority.retire", "authority.activate", "authority.prepare"], verbs.Where(verb => verb.StartsWith("authority.", StringComparison.Ordinal)).Distinct());
    }

    [Fact]
    public async Task The_page_leads_through_it_and_asks_for_the_number_of_iPads_that_would_be_lost()
    {
        await Enrolled();
        var old = Id(Assert.Single(await Authorities()));
        Assert.Contains("/authorities/prepare", await Page("/authorities"));
        Assert.Equal("/authorities?done=prepare", await Form("/authorities/prepare"));
        var next = (await Authorities()).Single(ca => State(ca) == "prepared");
        var page = await Page("/authorities?done=prepare");
        Assert.Contains("is prepared", page);
        Assert.DoesNotContain($"/authorities/{Id(next)}/activate", page);
        _time.Later = SealedAuthority.LearntAfter;
        Assert.Contains($"/authorities/{Id(next)}/activate", await Page("/authorities"));
        Assert.Contains("cannot be undone", await Page($"/authorities/{Id(next)}/activate"));
        Assert.Equal("/authorities?done=activate", await Form($"/authorities/{Id(next)}/activate"));

        Assert.Contains("1 enrolled iPad still has", await Page($"/authorities/{old}/retire"));
        Assert.Null(await Form($"/authorities/{old}/retire", ("confirm", "7")));
        Assert.Equal(2, (await Authorities()).Count);
        Assert.Equal("/authorities?done=retire", await Form($"/authorities/{old}/retire", ("confirm", "1")));

        using var made = await _admin.PostAsync("/api/v1/tokens", new StringContent("""{"name": "reader", "role": "viewer"}""", System.Text.Encoding.UTF8, "application/json"));
        _admin.DefaultRequestHeaders.Authorization = new("Bearer", (string)JsonNode.Parse(await made.Content.ReadAsStringAsync())!["token"]!);
        Assert.DoesNotContain("/authorities/prepare", await Page("/authorities"));
        Assert.Equal(403, (await Send(HttpMethod.Post, "/api/v1/authorities")).Status);
        using var refused = await _admin.GetAsync(new Uri("/authorities/prepare", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    private async Task<VirtualIPad> Enrolled()
    {
        var ipad = _fleet.Add();
        await ipad.EnrolAsync((await _client.CreateInvitationAsync("Change")).Url);
        return ipad;
    }

    private static async Task<int> Poll(VirtualIPad ipad)
    {
        await ipad.ConnectAsync();
        return ipad.Journal.Entries.Last(entry => entry.Kind == JournalKind.Report).HttpStatus;
    }

    private async Task Renew(VirtualIPad ipad)
    {
        var before = ipad.IdentitySha256;
        var (status, body) = await Send(HttpMethod.Post, $"/api/v1/devices/{ipad.Udid}/renewal");
        Assert.True(status == 202, $"{status}: {body}");
        await ipad.Journal.WaitForAsync(entry => entry is { Kind: JournalKind.Report, HttpStatus: 200, RequestType: "InstallProfile", What: "Acknowledged" }, Guard);
        Assert.NotEqual(before, ipad.IdentitySha256);
    }

    /// <summary>SHA-256 of the CA that signed its certificate.</summary>
    private string Issuer(VirtualIPad ipad)
    {
        return _app.Services.GetRequiredService<EnrolmentAuthority>().Current!.OwnCas.Single(Signed).Sha256Hex;

        bool Signed(IdentityCertificate ca)
        {
            try
            {
                return new IdentityVerifier(new IdentityVerifierSettings { OwnCas = [ca] }).Verify(ipad.Identity!.Certificate.RawData, _time.GetUtcNow()).IssuedByUs;
            }
            catch (IdentityException)
            {
                return false;
            }
        }
    }

    private ValueTask<AuthoritySnapshot> Snapshot() => _app.Services.GetRequiredService<EnrolmentAuthority>().Get();

    private async Task<List<JsonNode>> Authorities() => [.. (await Get("/api/v1/authorities"))["items"]!.AsArray().Select(item => item!)];

    private static string Id(JsonNode ca) => (string)ca["id"]!;

    private static string State(JsonNode ca) => (string)ca["state"]!;

    private static long Devices(JsonNode ca) => (long)ca["devices"]!;

    private static string? Code((int Status, JsonNode Body) answer, int status)
    {
        Assert.Equal(status, answer.Status);
        return (string?)answer.Body["code"];
    }

    private async Task<JsonNode> Get(string path) => JsonNode.Parse(await _admin.GetStringAsync(new Uri(path, UriKind.Relative)))!;

    private async Task<(int Status, JsonNode Body)> Send(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await _admin.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!);
    }

    private async Task<string> Page(string path) => WebUtility.HtmlDecode(await _admin.GetStringAsync(new Uri(path, UriKind.Relative)));

    /// <summary>Where a form leads; null: it is shown again.</summary>
    private async Task<string?> Form(string path, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Append(("key", Guid.NewGuid().ToString("N"))).Select(field => new KeyValuePair<string, string>(field.Item1, field.Item2)));
        using var response = await _admin.PostAsync(new Uri(path, UriKind.Relative), content);
        return response.StatusCode == HttpStatusCode.SeeOther ? response.Headers.Location!.OriginalString : null;
    }
}
