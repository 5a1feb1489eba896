using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Tests.Admin;
using FleetMdm.Api.Tests.CheckIn;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apns;

namespace FleetMdm.Api.Tests.Enrolment;

/// <summary>A district comes from another server, and its iPads go on without a hand on them.</summary>
public sealed class EnrolmentImportTests(EnrolmentImportTests.Server server) : IClassFixture<EnrolmentImportTests.Server>
{
    private const string Path = "/api/v1/enrolment-imports";
    private const string Topic = "com.apple.mgmt.External.1";

    public sealed class Server : DeviceServer
    {
        public TrustedIdentityCaTests.OtherCa Old { get; } = new();

        public HttpClient Admin { get; private set; } = null!;

        /// <summary>No migration window: who imports vouches for each iPad.</summary>
        protected override IEnumerable<string> Further(TemporaryFolder folder)
        {
            File.WriteAllText(folder.File("old.pem"), Old.Certificate.ExportCertificatePem());
            return [$"--Mdm:TrustedIdentityCas:0={folder.File("old.pem")}"];
        }

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            Admin = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Address };
            Admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await FirstToken.Ensure(Grains, DataDirectory));
            using var apns = new ApnsAuthority(TimeProvider.System);
            using var minted = apns.MintPushCertificate(Topic);
            await Grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Install(new PushCertificateUpload(Encoding.ASCII.GetBytes(minted.ToPem()), null, false));
        }

        public override ValueTask DisposeAsync()
        {
            Admin?.Dispose();
            return base.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_iPad_of_another_server_is_taken_over_and_goes_on_with_its_own_certificate_and_its_unlock_token()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = server.Old.Issue(notBefore: -100, notAfter: 200);
        var line = Line(udid, certificate);
        line["unlockToken"] = Convert.ToBase64String("opens"u8);
        line["bootstrapToken"] = Convert.ToBase64String("boots"u8);
        // Before, it is a stranger.
        Assert.Equal(403, (await server.Put("/mdm", Message.Report(udid, "Idle"), certificate)).Status);

        var dry = await Import(line.ToJsonString(), "?dryRun=true");
        Assert.Equal((true, 1, 0), ((bool)dry["dryRun"]!, (int)dry["imported"]!, (int)dry["refused"]!));
        Assert.Equal(403, (await server.Put("/mdm", Message.Report(udid, "Idle"), certificate)).Status);

        var done = await Import(line.ToJsonString());
        Assert.Equal((1, 0, 0), ((int)done["imported"]!, (int)done["standing"]!, (int)done["refused"]!));
        Assert.Equal(certificate.NotAfter.ToUniversalTime(), ((DateTimeOffset)done["firstCertificateEndsAt"]!).UtcDateTime, TimeSpan.FromSeconds(1));

        using var shown = await server.Admin.GetAsync($"/api/v1/devices/{udid}");
        var device = await AdminServer.Body(shown, 200);
        Assert.Equal(("Enrolled", "F1"), ((string)device["status"]!, (string)device["serialNumber"]!));
        using var sent = await server.Admin.PostAsync($"/api/v1/devices/{udid}/commands?push=false", AdminServer.Json("""{"requestType": "ClearPasscode"}"""));
        var uuid = (string)(await AdminServer.Body(sent, 202))["commandUuid"]!;
        // NanoMDM's iPads come to /mdm, MicroMDM's to the two others.
        var command = await server.Put("/mdm", Message.Report(udid, "Idle"), certificate);
        Assert.Contains(Convert.ToBase64String("opens"u8), command.Body, StringComparison.Ordinal);
        Assert.Equal(200, (await server.Put("/mdm/connect", Message.Report(udid, "Idle"), certificate)).Status);
        using var other = server.Old.Issue(notBefore: -1, notAfter: 100);
        Assert.Equal(403, (await server.Put("/mdm", Message.Report(udid, "Idle"), other)).Status);

        // The same file again changes nothing: what the iPad has begun goes on.
        var again = await Import(line.ToJsonString());
        Assert.Equal((0, 1, 0), ((int)again["imported"]!, (int)again["standing"]!, (int)again["refused"]!));
        await server.Put("/mdm/connect", Message.Report(udid, "Acknowledged", uuid), certificate);
        using var ended = await server.Admin.GetAsync($"/api/v1/devices/{udid}/commands/{uuid}");
        Assert.Equal("Acknowledged", (string)(await AdminServer.Body(ended, 200))["state"]!);
        using var records = await server.Admin.GetAsync($"/api/v1/audit?target={udid}&verb=enrolment.import");
        Assert.Single((await AdminServer.Body(records, 200))["items"]!.AsArray());
        using var runs = await server.Admin.GetAsync("/api/v1/audit?verb=enrolment.import&limit=1000");
        Assert.Contains("0 taken over, 1 there before, 0 left out", (await AdminServer.Body(runs, 200))["items"]!.AsArray().Select(one => (string?)one!["detail"]));
    }

    [Fact]
    public async Task An_iPad_that_was_taken_over_was_not_seen_until_it_comes()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = server.Old.Issue(notBefore: -100, notAfter: 200);
        await Import(Line(udid, certificate).ToJsonString());
        async Task<string?> Seen()
        {
            using var shown = await server.Admin.GetAsync($"/api/v1/devices/{udid}");
            return (string?)(await AdminServer.Body(shown, 200))["lastSeenAt"];
        }

        Assert.Null(await Seen());
        await server.Put("/mdm", Message.Report(udid, "Idle"), certificate);
        Assert.NotNull(await Seen());
    }

    [Fact]
    public async Task Two_lines_with_one_certificate_or_one_iPad_are_found_by_the_check_too()
    {
        var (first, second) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        using var certificate = server.Old.Issue(notBefore: -100, notAfter: 200);
        using var other = server.Old.Issue(notBefore: -100, notAfter: 200);
        var file = string.Join('\n', Line(first, certificate).ToJsonString(), Line(second, certificate).ToJsonString(), Line(first, other).ToJsonString());
        foreach (var query in new[] { "?dryRun=true", "" })
        {
            var done = await Import(file, query);
            Assert.Equal((1, 2), ((int)done["imported"]!, (int)done["refused"]!));
            Assert.Equal(["Its certificate stands in line 1 too: two iPads cannot have one.", "This iPad stands in line 1 too."], done["refusals"]!.AsArray().Select(one => (string)one!["reason"]!));
        }
    }

    [Fact]
    public async Task An_iPad_whose_second_message_was_lost_with_the_server_is_taken_over_by_the_same_file()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = server.Old.Issue(notBefore: -100, notAfter: 200);
        var sha = System.Security.Cryptography.SHA256.HashData(certificate.RawData);
        await server.Grains.GetGrain<IDeviceGrain>(udid).Authenticate(
            new AuthenticateMessage { Topic = Topic, Udid = udid, SerialNumber = "F1" }, new PresentedCertificate(sha, certificate.NotAfter));

        Assert.Equal(1, (int)(await Import(Line(udid, certificate).ToJsonString()))["imported"]!);

        Assert.Equal(200, (await server.Put("/mdm/connect", Message.Report(udid, "Idle"), certificate)).Status);
    }

    [Fact]
    public async Task An_iPad_whose_bootstrap_token_was_lost_with_the_server_gets_it_by_the_same_file()
    {
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var certificate = server.Old.Issue(notBefore: -100, notAfter: 200);
        var line = Line(udid, certificate);
        await Import(line.ToJsonString());
        async Task<bool> HasToken() => (await server.Service<IFleetQueries>().FindDevice(udid))!.HasBootstrapToken;

        line["bootstrapToken"] = Convert.ToBase64String("boots"u8);
        await Import(line.ToJsonString(), "?dryRun=true");
        Assert.False(await HasToken());
        Assert.Equal(1, (int)(await Import(line.ToJsonString()))["standing"]!);
        Assert.True(await HasToken());
    }

    [Fact]
    public async Task An_iPad_with_the_serial_number_of_another_one_that_is_enrolled_is_taken_with_a_warning()
    {
        var (first, second) = (Guid.NewGuid().ToString().ToUpperInvariant(), Guid.NewGuid().ToString().ToUpperInvariant());
        var serial = $"TWIN{Guid.NewGuid():N}"[..12].ToUpperInvariant();
        using var one = server.Old.Issue(notBefore: -100, notAfter: 200);
        using var two = server.Old.Issue(notBefore: -100, notAfter: 200);
        string Of(string udid, X509Certificate2 certificate)
        {
            var line = Line(udid, certificate);
            line["authenticate"] = ((string)line["authenticate"]!).Replace(">F1<", $">{serial}<", StringComparison.Ordinal);
            return line.ToJsonString();
        }

        Assert.Empty((await Import(Of(first, one)))["warnings"]!.AsArray());
        foreach (var query in (string[])["?dryRun=true", ""])
        {
            var done = await Import(Of(second, two), query);
            Assert.Equal(1, (int)done["imported"]!);
            var warning = Assert.Single(done["warnings"]!.AsArray())!;
            Assert.Equal((1, second, serial), ((int)warning["line"]!, (string)warning["id"]!, (string)warning["serialNumber"]!));
            Assert.Contains(first, (string)warning["message"]!, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Each_wrong_line_is_named_with_its_reason_and_the_others_are_taken()
    {
        using var good = server.Old.Issue(notBefore: -100, notAfter: 200);
        using var ended = server.Old.Issue(notBefore: -100, notAfter: -1);
        using var stranger = new TrustedIdentityCaTests.OtherCa().Issue(notBefore: -1, notAfter: 100);
        using var own = await server.IssueIdentity();
        using var taken = server.Old.Issue(notBefore: -100, notAfter: 200);
        var (here, udid) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        await Import(Line(here, taken).ToJsonString());
        using var second = server.Old.Issue(notBefore: -100, notAfter: 200);
        JsonObject Changed(string field, JsonNode? value)
        {
            var line = Line(Guid.NewGuid().ToString(), second);
            line[field] = value;
            return line;
        }

        using var third = server.Old.Issue(notBefore: -100, notAfter: 200);
        var elsewhere = Line(Guid.NewGuid().ToString(), third);
        elsewhere["tokenUpdate"] = ((string)elsewhere["tokenUpdate"]!).Replace("External.1<", "External.2<", StringComparison.Ordinal);
        (string Line, string Says)[] wrong =
        [
            ("{", "no JSON object"), ("[]", "no JSON object"), ("null", "It is null"), ("""{"authenticate": "x"}""", "no JSON object"),
            (Changed("more", "x").ToJsonString(), "no other fields"),
            (Changed("authenticate", "<plist>").ToJsonString(), "authenticate cannot be read"), (Changed("authenticate", "!").ToJsonString(), "nor Base64"),
            (Changed("authenticate", Message.TokenUpdate(udid)).ToJsonString(), "authenticate is another message"),
            (Changed("tokenUpdate", Message.TokenUpdate(udid)).ToJsonString(), "two iPads"),
            (Changed("certificate", "-----BEGIN CERTIFICATE-----").ToJsonString(), "no certificate in PEM"), (Changed("certificate", "AQID").ToJsonString(), "Its certificate is not taken: The certificate"), (Changed("unlockToken", "???").ToJsonString(), "unlockToken"),
            (Changed("bootstrapToken", Convert.ToBase64String(new byte[65 * 1024])).ToJsonString(), "at most 65536"),
            (elsewhere.ToJsonString(), "push certificate of the old server"),
            (Line(Guid.NewGuid().ToString(), ended).ToJsonString(), "has ended"), (Line(Guid.NewGuid().ToString(), stranger).ToJsonString(), "Mdm:TrustedIdentityCas"),
            (Line(Guid.NewGuid().ToString(), own).ToJsonString(), "issued here"), (Line(here, second).ToJsonString(), "enrolled here already"),
            (Line(Guid.NewGuid().ToString(), taken).ToJsonString(), "used here before"),
        ];

        var done = await Import("\uFEFF" + string.Join("\r\n", wrong.Select(one => one.Line)) + "\r\n\r\n" + Line(udid, good, base64: true).ToJsonString() + "\n");

        Assert.Equal((wrong.Length + 1, 1, wrong.Length), ((int)done["read"]!, (int)done["imported"]!, (int)done["refused"]!));
        var refusals = done["refusals"]!.AsArray();
        Assert.Equal(Enumerable.Range(1, wrong.Length), refusals.Select(one => (int)one!["line"]!));
        // That sentence stands only where it helps.
        Assert.Single(refusals, one => ((string)one!["reason"]!).Contains("Mdm:TrustedIdentityCas", StringComparison.Ordinal));
        Assert.All(wrong.Zip(refusals), pair => Assert.Contains(pair.First.Says, (string)pair.Second!["reason"]!, StringComparison.Ordinal));
        Assert.Equal(200, (await server.Put("/mdm/checkin", Message.Report(udid, "Idle"), good)).Status);
        Assert.Equal(403, (await server.Put("/mdm", Message.Report(here, "Idle"), second)).Status);
    }

    [Fact]
    public async Task A_file_that_is_none_is_refused()
    {
        using var json = await server.Admin.PostAsync(Path, AdminServer.Json("{}"));
        await AdminServer.Problem(json, 415);
        using var empty = await server.Admin.PostAsync(Path, Lines("\n\n"));
        await AdminServer.Problem(empty, 400);
        using var flag = await server.Admin.PostAsync(Path + "?dryRun=perhaps", Lines("{}"));
        await AdminServer.Problem(flag, 400);
    }

    [Fact]
    public async Task The_page_takes_the_file_too()
    {
        using var certificate = server.Old.Issue(notBefore: -100, notAfter: 200);
        Assert.Contains("enrolled elsewhere", await server.Admin.GetStringAsync("/enrolment-imports"), StringComparison.Ordinal);

        async Task<string> Upload(string content)
        {
            using var file = new ByteArrayContent(Encoding.UTF8.GetBytes(content));
            using var form = new MultipartFormDataContent { { file, "file", "ipads.jsonl" } };
            using var request = new HttpRequestMessage(HttpMethod.Post, "/enrolment-imports") { Content = form };
            request.Headers.Add("Origin", server.Address.GetLeftPart(UriPartial.Authority));
            using var response = await server.Admin.SendAsync(request);
            return await response.Content.ReadAsStringAsync();
        }

        var page = await Upload(Line(Guid.NewGuid().ToString(), certificate).ToJsonString() + "\n{");
        Assert.Contains("1 iPad.", page, StringComparison.Ordinal);
        Assert.Contains("Line 2: It is no JSON object", page, StringComparison.Ordinal);
        Assert.Contains("It has no lines", await Upload("\n"), StringComparison.Ordinal);
    }

    private static JsonObject Line(string udid, X509Certificate2 certificate, bool base64 = false)
    {
        string Written(string message) => base64 ? Convert.ToBase64String(Encoding.UTF8.GetBytes(message)) : message;
        return new JsonObject
        {
            ["authenticate"] = Written(Message.Authenticate(udid)),
            ["tokenUpdate"] = Written(Message.TokenUpdate(udid)),
            ["certificate"] = base64 ? Convert.ToBase64String(certificate.RawData) : certificate.ExportCertificatePem(),
        };
    }

    private static StringContent Lines(string text) => new(text, Encoding.UTF8, "application/x-ndjson");

    private async Task<JsonObject> Import(string file, string query = "")
    {
        using var response = await server.Admin.PostAsync(Path + query, Lines(file));
        return await AdminServer.Body(response, 200);
    }
}
