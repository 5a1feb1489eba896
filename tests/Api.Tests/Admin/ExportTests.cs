using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Access;
using FleetMdm.Api.Tests.CheckIn;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Exports;
using FleetMdm.Storage.Secrets;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Somebody leaves, and takes everything along. On a server of its own: all of it is counted.</summary>
public sealed class ExportTests
{
    private const string District = "/api/v1/export";
    private const string Enrolments = "/api/v1/enrolment-exports";
    private const string WiFiPassword = "correct-horse-battery";
    private const string AppPassword = "app-secret-31415";
    private const string AppCode = "organisation-of-the-vendor-2718";
    private const string AddressToken = "token-in-an-address-1618";
    private const string LockCode = "ABCDE-FGHIJ-KLMNO";

    private static readonly byte[] UnlockToken = Encoding.ASCII.GetBytes("unlock-token-of-the-ipad");
    private static readonly byte[] BootstrapToken = Encoding.ASCII.GetBytes("bootstrap-token-of-the-ipad");

    [Fact]
    public async Task The_archive_has_what_the_store_has_its_manifest_fits_and_no_secret_is_in_it()
    {
        await using var server = await Start();
        var (secrets, device) = await Fill(server);

        var archive = await Download(server.Admin);

        // Whole, and as the manifest says.
        var manifest = JsonNode.Parse(archive["manifest.json"])!;
        Assert.Equal(("district", true, 1), ((string)manifest["kind"]!, (bool)manifest["complete"]!, (int)manifest["format"]!));
        var listed = manifest["files"]!.AsArray().ToDictionary(file => (string)file!["name"]!, file => file!);
        Assert.Equal(archive.Keys.Except(["manifest.json"]).Order(), listed.Keys.Order());
        foreach (var (name, file) in listed)
        {
            Assert.Equal(archive[name].LongLength, (long)file["bytes"]!);
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(archive[name])), (string)file["sha256"]!);
        }

        // As many as there are.
        foreach (var (file, sql) in new[]
        {
            ("devices.csv", "devices"), ("people.csv", "people"), ("classes.csv", "classes"), ("class-members.csv", "class_members"), ("schools.jsonl", "schools"), ("groups.jsonl", "device_groups"),
            ("group-members.csv", "device_group_members"), ("holdings.csv", "holdings"), ("placeholders.csv", "placeholders"), ("assignments.jsonl", "assignments"), ("profiles.jsonl", "profiles"),
            ("operations.jsonl", "operations"), ("incidents.csv", "incidents"), ("notes.csv", "device_notes"), ("commands-waiting.csv", "queue"), ("accounts.jsonl", "accounts"), ("webhooks.jsonl", "webhooks"),
            ("invitations.jsonl", "invitations"), ("assignment-devices.csv", "assignment_devices"),
        })
        {
            var count = await Count(server, sql);
            Assert.True(count > 0, $"Nothing is in {sql}.");
            Assert.Equal((file, count), (file, (long)listed[file]["rows"]!));
            Assert.Equal(count, Lines(archive[file]).Count - (file.EndsWith(".csv", StringComparison.Ordinal) ? 1 : 0));
        }

        // What a person looks for. A name that a spreadsheet would take for a formula is not one.
        var row = Lines(archive["devices.csv"]).Single(line => line.StartsWith(device, StringComparison.Ordinal));
        Assert.Contains(",\"'=HYPERLINK(\"\"https://evil.example\"\")\",", row, StringComparison.Ordinal);
        var group = JsonNode.Parse(Lines(archive["groups.jsonl"]).Single(line => line.Contains("Old ones", StringComparison.Ordinal)))!;
        Assert.Equal("os<18", (string)group["rule"]!);
        var assignment = JsonNode.Parse(Lines(archive["assignments.jsonl"]).Single(line => line.Contains("Library app", StringComparison.Ordinal)))!;
        Assert.Equal(("org.example.library", "(hidden)"), ((string)assignment["app"]!["bundleId"]!, (string)assignment["app"]!["configuration"]!["password"]!));
        Assert.All(Lines(archive["audit-record.jsonl"]), line => Assert.NotNull(JsonNode.Parse(line)!["verb"]));
        Assert.Contains(archive.Keys, name => name.StartsWith("profiles/", StringComparison.Ordinal) && name.EndsWith(".without-secrets.mobileconfig", StringComparison.Ordinal));
        var readme = Encoding.UTF8.GetString(archive["README.txt"]);
        Assert.All(archive.Keys.Except(["README.txt"]), name => Assert.Contains(name.Split('/')[0], readme, StringComparison.Ordinal));

        var docs = await File.ReadAllTextAsync(Repository.File("docs/moving.md"));
        Assert.All(archive.Keys, name => Assert.Contains($"`{(name.Contains('/', StringComparison.Ordinal) ? "profiles/" : name)}`", docs, StringComparison.Ordinal));

        // No secret, in whichever file.
        foreach (var (what, secret) in secrets)
        {
            foreach (var (name, content) in archive)
            {
                Assert.True(content.AsSpan().IndexOf(secret) < 0, $"{what} is in {name}.");
                Assert.True(content.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Convert.ToBase64String(secret))) < 0, $"{what} is in {name}, in Base64.");
            }
        }

        using var records = await server.Admin.GetAsync("/api/v1/audit?verb=district.export");
        Assert.Equal("done", (string)Assert.Single((await AdminServer.Body(records, 200))["items"]!.AsArray())!["result"]!);
    }

    [Fact]
    public async Task Who_may_not_read_everything_takes_nothing_and_the_secrets_are_for_administrators_who_say_why()
    {
        await using var server = await Start();
        using var receiver = Receiver();
        using var made = await server.Admin.PostAsync("/api/v1/schools", AdminServer.Json("""{"name": "Northside"}"""));
        var school = (string)(await AdminServer.Body(made, 201))["id"]!;
        using var scoped = await server.Admin.PostAsync("/api/v1/tokens", AdminServer.Json($$"""{"name": "north", "role": "administrator", "schools": ["{{school}}"]}"""));
        var ofSchool = (string)(await AdminServer.Body(scoped, 201))["token"]!;
        foreach (var (role, district, enrolments) in new[] { ("viewer", 403, 403), ("auditor", 403, 403), ("school-technician", 403, 403), ("district-administrator", 200, 403), ("administrator", 200, 200), ("", 403, 403) })
        {
            using var client = server.Client(role.Length == 0 ? ofSchool : (await server.MakeToken(role)).Token);
            using var read = await client.GetAsync(District);
            using var taken = await client.PostAsync(Enrolments, Request(receiver));
            Assert.Equal((role, district, enrolments), (role, (int)read.StatusCode, (int)taken.StatusCode));
            using var page = await client.GetAsync("/export");
            Assert.Equal(district, (int)page.StatusCode);
            if (district == 200) Assert.Equal(enrolments == 200, (await page.Content.ReadAsStringAsync()).Contains("Certificate of the receiver", StringComparison.Ordinal));
        }

        using var silent = await server.Admin.PostAsync(Enrolments, Request(receiver, reason: null));
        await AdminServer.Blames(silent, "reason");
        using var records = await server.Admin.GetAsync("/api/v1/audit?verb=enrolment.export&result=done");
        var record = Assert.Single((await AdminServer.Body(records, 200))["items"]!.AsArray())!;
        Assert.Equal("We move.", (string)record["reason"]!);
        Assert.Contains(receiver.GetCertHashString(HashAlgorithmName.SHA256), (string)record["detail"]!, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_certificate_that_nobody_should_encrypt_for_is_refused_in_words()
    {
        await using var server = await Start();
        using var small = Receiver(bits: 1024);
        using var over = Receiver(days: -1);
        using var signing = Receiver(usage: X509KeyUsageFlags.DigitalSignature);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var elliptic = new CertificateRequest("CN=EC", key, HashAlgorithmName.SHA256).CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(9));
        using var good = Receiver();
        foreach (var (pem, says) in new[]
        {
            ("", "no certificate"), ("hello", "no certificate"), ("-----BEGIN CERTIFICATE-----", "no certificate"), (small.ExportCertificatePem(), "1024 bits"), (over.ExportCertificatePem(), "not valid today"),
            (signing.ExportCertificatePem(), "keyEncipherment"), (elliptic.ExportCertificatePem(), "no RSA key"), (good.ExportCertificatePem() + "\n" + over.ExportCertificatePem(), "several"),
            (good.ExportCertificatePem() + "\n" + good.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem(), "private key"),
        })
        {
            using var refused = await server.Admin.PostAsync(Enrolments, Request(pem));
            var problem = await AdminServer.Problem(refused, 400);
            Assert.Contains(says, (string)problem["errors"]!["certificate"]![0]!, StringComparison.Ordinal);
        }

        Assert.Equal(0, await Count(server, "audit WHERE verb = 'enrolment.export'"));
    }

    [Fact]
    public async Task The_form_gives_the_file_and_says_on_the_page_what_was_wrong()
    {
        await using var server = await Start();
        using var receiver = Receiver();
        async Task<HttpResponseMessage> Send(string pem, string reason)
        {
            using var form = new MultipartFormDataContent { { new StringContent(reason), "reason" } };
            if (pem.Length > 0) form.Add(new StringContent(pem), "certificate", "receiver.pem");
            using var request = new HttpRequestMessage(HttpMethod.Post, "/export/enrolments") { Content = form };
            request.Headers.Add("Origin", server.Address.GetLeftPart(UriPartial.Authority));
            return await server.Admin.SendAsync(request);
        }

        using var none = await Send("", "We move.");
        Assert.Contains("Choose the receiver&#x27;s certificate.", await none.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var silent = await Send(receiver.ExportCertificatePem(), " ");
        Assert.Equal(400, (int)silent.StatusCode);
        Assert.Contains("Say why", await silent.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var wrong = await Send("no", "Because & so");
        Assert.Contains("Because &amp; so", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var file = await Send(receiver.ExportCertificatePem(), "We move.");
        Assert.Equal(("application/zip", "no-store"), (file.Content.Headers.ContentType!.MediaType, file.Headers.CacheControl!.ToString()));
        Assert.Contains("manifest.json", Unzip(await file.Content.ReadAsByteArrayAsync()).Keys);
    }

    [Fact]
    public async Task What_is_secret_is_in_the_second_archive_and_only_the_receiver_can_open_it()
    {
        await using var server = await Start();
        var (secrets, _) = await Fill(server);
        using var receiver = Receiver();

        using var response = await server.Admin.PostAsync(Enrolments, Request(receiver));
        var archive = Unzip(await response.Content.ReadAsByteArrayAsync());

        foreach (var (what, secret) in secrets)
            Assert.All(archive, file => Assert.True(file.Value.AsSpan().IndexOf(secret) < 0, $"{what} is in {file.Key}."));
        Assert.Equal("enrolments", (string)JsonNode.Parse(archive["manifest.json"])!["kind"]!);
        Assert.Contains(Convert.ToBase64String(UnlockToken), Open(archive, "enrolments-001.jsonl.p7m", receiver), StringComparison.Ordinal);
        Assert.Contains(LockCode, Open(archive, "activation-lock-codes-001.csv.p7m", receiver), StringComparison.Ordinal);
        Assert.Contains(AppPassword, Open(archive, "assignments-001.jsonl.p7m", receiver), StringComparison.Ordinal);
        var profile = Assert.Single(archive.Keys, name => name.StartsWith("profiles/", StringComparison.Ordinal));
        Assert.Contains(WiFiPassword, Open(archive, profile, receiver), StringComparison.Ordinal);
        using var stranger = Receiver();
        Assert.ThrowsAny<CryptographicException>(() => Open(archive, profile, stranger));
        Assert.DoesNotContain(archive, file => Encoding.UTF8.GetString(file.Value).Contains("PRIVATE KEY", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failure_in_the_middle_leaves_no_whole_archive_and_a_record()
    {
        await using var server = await Start(services => services.AddSingleton<IExportStore>(provider => new Failing()));
        using var response = await server.Admin.GetAsync(District, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(200, (int)response.StatusCode);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsByteArrayAsync());

        using var records = await server.Admin.GetAsync("/api/v1/audit?verb=district.export");
        Assert.Equal(["failed", "done"], (await AdminServer.Body(records, 200))["items"]!.AsArray().Select(item => (string)item!["result"]!));
    }

    [Fact]
    public async Task One_export_runs_at_a_time_and_it_ends_when_its_reader_goes()
    {
        var slow = new Waiting();
        await using var server = await Start(services => services.AddSingleton<IExportStore>(slow));
        using var gone = new CancellationTokenSource();
        var first = server.Admin.GetAsync(District, HttpCompletionOption.ResponseContentRead, gone.Token);
        await slow.Began.Task.WaitAsync(TimeSpan.FromMinutes(3));

        using var second = await server.Admin.GetAsync(District);
        Assert.Equal("export-running", (string)(await AdminServer.Problem(second, 409))["code"]!);
        using var receiver = Receiver();
        using var other = await server.Admin.PostAsync(Enrolments, Request(receiver));
        await AdminServer.Problem(other, 409);

        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await slow.Left.Task.WaitAsync(TimeSpan.FromMinutes(3));
        slow.Open = true;
        using var after = await Until(() => server.Admin.GetAsync(District), response => response.StatusCode != HttpStatusCode.Conflict);
        Assert.Equal(200, (int)after.StatusCode);
    }

    [Fact]
    public async Task Ten_thousand_iPads_cost_the_memory_of_a_few_pages()
    {
        const int IPads = 10_000;
        const int Items = 20;
        const int RowsOfAPage = 1_000;
        const int MostAlive = 4;
        var watched = new Watched();
        await using var server = await Start(watched.Add);
        await server.Execute($$"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {{IPads}})
            INSERT INTO devices (id, device_id, kind, status, version, write_id, serial_number, device_name, search)
            SELECT printf('MANY-%06d', i), printf('MANY-%06d', i), 1, 2, 1, zeroblob(16), printf('S%06d', i), printf('iPad %06d', i), '' FROM n
            """);
        await server.Execute($$"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {{Items}})
            INSERT INTO inventory_items (device_id, list, key, name, value, expires_at, details)
            SELECT d.id, 1, printf('org.example.app%03d', n.i), 'App', '1.0', NULL, json_object('bundleSize', 1, 'more', hex(randomblob(200))) FROM devices d, n
            """);

        var (most, looks, pagesAtFirst) = (0, 0, 0);
        using var response = await server.Admin.GetAsync(District, HttpCompletionOption.ResponseHeadersRead);
        await using (var stream = await response.Content.ReadAsStreamAsync())
        {
            var piece = new byte[64 * 1024];
            var (read, since) = (0, 0L);
            while ((read = await stream.ReadAsync(piece)) > 0)
            {
                if (pagesAtFirst == 0) pagesAtFirst = watched.Pages;
                if ((since += read) < 4 * 1024 * 1024) continue;
                since = 0;
                looks++;
                GC.Collect();
                most = Math.Max(most, watched.Alive);
            }
        }

        Assert.InRange(looks, 10, 1_000);
        Assert.InRange(watched.Pages, IPads * Items / RowsOfAPage, 10_000);
        // It is sent while it is read, and what was sent is let go.
        Assert.True(pagesAtFirst < watched.Pages / 2, $"{pagesAtFirst} of {watched.Pages} pages were read before the first byte came.");
        Assert.InRange(most, 0, MostAlive);
    }

    public sealed class Old : DeviceServer
    {
        public HttpClient Admin { get; private set; } = null!;

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            Admin = await Administrator(this);
        }
    }

    /// <summary>Trusts the CAs that came with the export.</summary>
    public sealed class New(string authorities) : DeviceServer
    {
        public HttpClient Admin { get; private set; } = null!;

        protected override IEnumerable<string> Further(TemporaryFolder folder)
        {
            File.WriteAllText(folder.File("old.pem"), authorities);
            return [$"--Mdm:TrustedIdentityCas:0={folder.File("old.pem")}"];
        }

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            Admin = await Administrator(this);
        }
    }

    [Fact]
    public async Task An_iPad_goes_on_at_a_second_server_with_what_the_first_one_exported()
    {
        await using var old = new Old();
        await old.InitializeAsync();
        var udid = Guid.NewGuid().ToString().ToUpperInvariant();
        using var identity = await old.IssueIdentity();
        await Keep(old, identity);
        Assert.Equal(200, (await old.Put("/mdm/checkin", Message.Of(udid, "Authenticate", "<key>OSVersion</key><string>18.3</string><key>SerialNumber</key><string>F1</string><key>DeviceName</key><string>Åsa &amp; Bo</string>"), identity)).Status);
        var tokens = $"<key>Token</key><data>{Convert.ToBase64String(new byte[32])}</data><key>PushMagic</key><string>magic-of-old</string><key>UnlockToken</key><data>{Convert.ToBase64String(UnlockToken)}</data>";
        Assert.Equal(200, (await old.Put("/mdm/checkin", Message.Of(udid, "TokenUpdate", tokens), identity)).Status);
        Assert.Equal(200, (await old.Put("/mdm/checkin", Message.Of(udid, "SetBootstrapToken", $"<key>BootstrapToken</key><data>{Convert.ToBase64String(BootstrapToken)}</data>"), identity)).Status);

        using var receiver = Receiver();
        using var exported = await old.Admin.PostAsync(Enrolments, Request(receiver));
        var archive = Unzip(await exported.Content.ReadAsByteArrayAsync());
        var lines = Open(archive, "enrolments-001.jsonl.p7m", receiver);
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(identity.RawData)), Open(archive, "identities-001.csv.p7m", receiver), StringComparison.Ordinal);

        await using var next = new New(Encoding.UTF8.GetString(archive["identity-ca.pem"]));
        await next.InitializeAsync();
        // Before, it is a stranger there.
        Assert.Equal(403, (await next.Put("/mdm/connect", Message.Report(udid, "Idle"), identity)).Status);
        using var imported = await next.Admin.PostAsync("/api/v1/enrolment-imports", new StringContent(lines, Encoding.UTF8, "application/x-ndjson"));
        var done = await AdminServer.Body(imported, 200);
        Assert.Equal((1, 0), ((int)done["imported"]!, (int)done["refused"]!));

        using var shown = await next.Admin.GetAsync($"/api/v1/devices/{udid}");
        var device = await AdminServer.Body(shown, 200);
        Assert.Equal(("Enrolled", "F1", "Åsa & Bo", "18.3"), ((string)device["status"]!, (string)device["serialNumber"]!, (string)device["deviceName"]!, (string)device["osVersion"]!));
        using var sent = await next.Admin.PostAsync($"/api/v1/devices/{udid}/commands?push=false", AdminServer.Json("""{"requestType": "ClearPasscode"}"""));
        var uuid = (string)(await AdminServer.Body(sent, 202))["commandUuid"]!;
        var command = await next.Put("/mdm/connect", Message.Report(udid, "Idle"), identity);
        Assert.Contains(Convert.ToBase64String(UnlockToken), command.Body, StringComparison.Ordinal);
        await next.Put("/mdm/connect", Message.Report(udid, "Acknowledged", uuid), identity);
        using var ended = await next.Admin.GetAsync($"/api/v1/devices/{udid}/commands/{uuid}");
        Assert.Equal("Acknowledged", (string)(await AdminServer.Body(ended, 200))["state"]!);
        var bootstrap = await next.Put("/mdm/checkin", Message.Of(udid, "GetBootstrapToken"), identity);
        Assert.Contains(Convert.ToBase64String(BootstrapToken), bootstrap.Body, StringComparison.Ordinal);
    }

    private static async Task<AdminServer> Start(Action<IServiceCollection>? configure = null)
    {
        var server = new AdminServer { Configure = builder => configure?.Invoke(builder.Services) };
        await server.InitializeAsync();
        return server;
    }

    private static async Task<HttpClient> Administrator(DeviceServer server)
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await FirstToken.Ensure(server.Grains, server.DataDirectory));
        using var apns = new ApnsAuthority(TimeProvider.System);
        using var minted = apns.MintPushCertificate("com.apple.mgmt.External.1");
        await server.Grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).Install(new PushCertificateUpload(Encoding.ASCII.GetBytes(minted.ToPem()), null, false));
        return client;
    }

    /// <summary>As the CA keeps what it has issued by an invitation.</summary>
    private static async Task Keep(DeviceServer server, X509Certificate2 identity)
    {
        var (store, now) = (server.Service<IEnrolmentStore>(), TimeProvider.System.GetUtcNow());
        await store.CreateInvitation(new Invitation { Id = "invited", CreatedAt = now, ExpiresAt = now.AddDays(1), CreatedBy = "test" });
        var issued = await store.Issue(new IssueRequest
        {
            ChallengeHash = RandomNumberGenerator.GetBytes(32),
            PublicKeyHash = RandomNumberGenerator.GetBytes(32),
            At = now,
            Certificate = new IssuedCertificate { Sha256 = SHA256.HashData(identity.RawData), Der = identity.RawData, InvitationId = "invited", IssuedAt = now, NotAfter = identity.NotAfter },
        });
        Assert.Equal(IssueOutcome.Issued, issued.Outcome);
    }

    /// <summary>A district with something of each kind; the secrets that are in its store, and the id of an iPad.</summary>
    private static async Task<(IReadOnlyList<(string What, byte[] Secret)> Secrets, string Device)> Fill(AdminServer server)
    {
        async Task<JsonObject> Post(string path, string body, int status = 201)
        {
            using var response = await server.Admin.PostAsync(path, AdminServer.Json(body));
            return await AdminServer.Body(response, status);
        }

        var pad = await server.Enrol("EXPORT1", "=HYPERLINK(\"https://evil.example\")");
        var unlocked = await pad.Grain.TokenUpdate(
            new TokenUpdateMessage { Topic = "com.apple.mgmt.test", Token = Encoding.ASCII.GetBytes("push-token-of-the-ipad-32-bytes!"), PushMagic = "push-magic-of-the-ipad", UnlockToken = UnlockToken }, pad.Certificate);
        Assert.Equal(DeviceRefusal.None, unlocked.Refusal);
        await pad.Grain.SetBootstrapToken(BootstrapToken, pad.Certificate);
        await server.Services.GetRequiredService<IActivationLockStore>().Keep(
            pad.Id, server.Services.GetRequiredService<SecretSealer>().Seal(ActivationLockCode.Purpose(pad.Id), Encoding.ASCII.GetBytes(LockCode)), TimeProvider.System.GetUtcNow());

        var school = (string)(await Post("/api/v1/schools", """{"name": "Northside", "code": "NS"}"""))["id"]!;
        var person = (string)(await Post("/api/v1/people", $$"""{"role": "pupil", "givenName": "Ali", "familyName": "Ångström", "schoolId": "{{school}}", "email": "ali@example.org"}"""))["id"]!;
        var @class = (string)(await Post("/api/v1/classes", $$"""{"name": "7B", "schoolId": "{{school}}"}"""))["id"]!;
        using var member = await server.Admin.PutAsync($"/api/v1/classes/{@class}/members/{person}", AdminServer.Json("""{"role": "pupil"}"""));
        Assert.True(member.IsSuccessStatusCode);
        using var given = await server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json($$"""{"personId": "{{person}}"}"""));
        Assert.True(given.IsSuccessStatusCode, await given.Content.ReadAsStringAsync());
        await Post("/api/v1/groups", """{"name": "Old ones", "rule": "os<18"}""");
        var hand = (string)(await Post("/api/v1/groups", """{"name": "By hand"}"""))["id"]!;
        await Post($"/api/v1/groups/{hand}/members", $$"""{"iPads": ["{{pad.Id}}"]}""", 200);
        using var placeholder = await server.Admin.PutAsync("/api/v1/placeholders/EXPORT2", AdminServer.Json("""{"name": "Later"}"""));
        Assert.True(placeholder.IsSuccessStatusCode);
        await Post("/api/v1/profiles", ProfileTests.Body(ProfileTests.WiFi("org.example.export", password: WiFiPassword)));
        await Post("/api/v1/profiles", ProfileTests.Body(ProfileTests.Restrictions("org.example.export.open")));
        await Post("/api/v1/assignments", $$$$"""{"name": "Library app", "app": {"iTunesStoreID": 361309726, "bundleId": "org.example.library", "configuration": {"password": "{{{{AppPassword}}}}", "orgCode": "{{{{AppCode}}}}"}}}""");
        await Post("/api/v1/assignments", $$$$"""{"name": "Update", "softwareUpdate": {"version": "18.6", "deadline": "2030-06-04T18:00", "detailsUrl": "https://district.example/?token={{{{AddressToken}}}}"}}""");
        await Post("/api/v1/operations", $$$"""{"command": {"requestType": "DeviceLock"}, "target": {"ids": ["{{{pad.Id}}}"]}, "push": false}""", 202);
        await Post($"{pad.Path}/incidents", """{"kind": "lost", "text": "On the bus."}""");
        var hook = (string)(await Post("/api/v1/webhooks", """{"name": "Sink", "url": "http://127.0.0.1:9/hook-path-5772", "events": ["device."]}"""))["secret"]!;
        var invitation = await Post("/api/v1/invitations", """{"name": "All"}""");
        var account = await TestAccount.Ready(server, "export-1", totp: true);
        var token = (await server.MakeToken("viewer")).Token;
        return (
        [
            ("The unlock token", UnlockToken), ("The bootstrap token", BootstrapToken), ("The push token", Encoding.ASCII.GetBytes("push-token-of-the-ipad-32-bytes!")),
            ("The push magic", Encoding.ASCII.GetBytes("push-magic-of-the-ipad")), ("The code of Activation Lock", Encoding.ASCII.GetBytes(LockCode)), ("The password of the Wi-Fi", Encoding.ASCII.GetBytes(WiFiPassword)),
            ("The password of the app", Encoding.ASCII.GetBytes(AppPassword)), ("The code of the vendor", Encoding.ASCII.GetBytes(AppCode)), ("The token in an address", Encoding.ASCII.GetBytes(AddressToken)),
            ("The path of the webhook", "hook-path-5772"u8.ToArray()), ("The secret of the webhook", Encoding.ASCII.GetBytes(hook)), ("A token", Encoding.ASCII.GetBytes(token)), ("The first token", Encoding.ASCII.GetBytes(server.Token)),
            ("The link of the invitation", Encoding.ASCII.GetBytes(new Uri((string)invitation["url"]!).Segments[^1])), ("A recovery code", Encoding.ASCII.GetBytes(account.RecoveryCodes[0])),
            ("The link of the account", Encoding.ASCII.GetBytes(new Uri(account.Link).Segments[^1])),
        ], pad.Id);
    }

    private static StringContent Request(X509Certificate2 receiver, string? reason = "We move.") => Request(receiver.ExportCertificatePem(), reason);

    private static StringContent Request(string certificate, string? reason = "We move.")
    {
        var body = new JsonObject { ["certificate"] = certificate };
        if (reason is not null) body["reason"] = reason;
        return AdminServer.Json(body.ToJsonString());
    }

    internal static X509Certificate2 Receiver(int bits = 2048, int days = 30, X509KeyUsageFlags? usage = null)
    {
        var key = RSA.Create(bits);
        var request = new CertificateRequest("CN=New server", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (usage is { } flags) request.CertificateExtensions.Add(new X509KeyUsageExtension(flags, true));
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-30), TimeProvider.System.GetUtcNow().AddDays(days));
    }

    private static string Open(Dictionary<string, byte[]> archive, string name, X509Certificate2 receiver)
    {
        var message = new EnvelopedCms();
        message.Decode(archive[name]);
        message.Decrypt(message.RecipientInfos[0], receiver.GetRSAPrivateKey()!);
        return Encoding.UTF8.GetString(message.ContentInfo.Content);
    }

    private static async Task<Dictionary<string, byte[]>> Download(HttpClient client)
    {
        using var response = await client.GetAsync(District);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(("application/zip", "no-store"), (response.Content.Headers.ContentType!.MediaType, response.Headers.CacheControl!.ToString()));
        return Unzip(await response.Content.ReadAsByteArrayAsync());
    }

    private static Dictionary<string, byte[]> Unzip(byte[] zip)
    {
        using var archive = new ZipArchive(new MemoryStream(zip), ZipArchiveMode.Read);
        Assert.Equal("manifest.json", archive.Entries[^1].FullName);
        return archive.Entries.ToDictionary(entry => entry.FullName, entry =>
        {
            using var stream = entry.Open();
            using var content = new MemoryStream();
            stream.CopyTo(content);
            return content.ToArray();
        });
    }

    private static List<string> Lines(byte[] file) => [.. Encoding.UTF8.GetString(file).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd('\r'))];

    private static async Task<long> Count(AdminServer server, string table)
    {
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(server.DataDirectory, "fleetmdm.db")};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM {table}";
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task<HttpResponseMessage> Until(Func<Task<HttpResponseMessage>> send, Func<HttpResponseMessage, bool> done)
    {
        for (var tries = 0; ; tries++)
        {
            var response = await send();
            if (done(response) || tries == 200) return response;
            response.Dispose();
        }
    }

    /// <summary>The store, and which of its pages somebody still holds.</summary>
    private sealed class Watched
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<WeakReference> _pages = new();

        public int Pages => _pages.Count;

        public int Alive => _pages.Count(page => page.IsAlive);

        public void Add(IServiceCollection services)
        {
            var real = services.Last(service => service.ServiceType == typeof(IExportStore)).ImplementationFactory!;
            services.AddSingleton<IExportStore>(provider => new Store(this, (IExportStore)real(provider)));
        }

        private sealed class Store(Watched watched, IExportStore real) : IExportStore
        {
            public async Task<ExportedPage> Read(ExportTable table, ExportPosition? after, int limit, CancellationToken cancellationToken)
            {
                var page = await real.Read(table, after, limit, cancellationToken);
                watched._pages.Enqueue(new WeakReference(page.Rows));
                return page;
            }

            public Task<IReadOnlyList<ExportedEnrolment>> Enrolments(string? after, int limit, CancellationToken cancellationToken) => real.Enrolments(after, limit, cancellationToken);

            public Task<IReadOnlyList<ExportedLockCode>> LockCodes(string? after, int limit, CancellationToken cancellationToken) => real.LockCodes(after, limit, cancellationToken);
        }
    }

    private class Failing : IExportStore
    {
        public virtual Task<ExportedPage> Read(ExportTable table, ExportPosition? after, int limit, CancellationToken cancellationToken) => table.Name == "people"
            ? throw new Storage.StoreUnavailableException("The database is away.", new IOException())
            : Task.FromResult(new ExportedPage([], null));

        public Task<IReadOnlyList<ExportedEnrolment>> Enrolments(string? after, int limit, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ExportedEnrolment>>([]);

        public Task<IReadOnlyList<ExportedLockCode>> LockCodes(string? after, int limit, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ExportedLockCode>>([]);
    }

    private sealed class Waiting : Failing
    {
        public TaskCompletionSource Began { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Open { get; set; }

        public override async Task<ExportedPage> Read(ExportTable table, ExportPosition? after, int limit, CancellationToken cancellationToken)
        {
            if (Open) return new ExportedPage([], null);
            Began.TrySetResult();
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }
            finally
            {
                Left.TrySetResult();
            }

            throw new InvalidOperationException();
        }
    }
}
