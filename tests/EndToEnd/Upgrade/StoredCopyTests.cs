using System.IO.Compression;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FleetMdm.EndToEnd.Server;
using FleetMdm.Storage.Secrets;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Enrolment;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace FleetMdm.EndToEnd.Upgrade;

/// <summary>
/// Databases that a server of an earlier version wrote for iPads that enrolled with it, kept as they were (<c>Stored/</c>, see the README there).
/// Today's server opens them: nothing is lost, every enrolled iPad goes on with the identity that it has, and what was sealed opens.
/// </summary>
public sealed partial class StoredCopyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_SQLite_database_of_version_427e6a4_goes_on()
    {
        using var folder = new TemporaryFolder();
        await Unpack(folder);

        await GoesOn("sqlite", folder, new Dictionary<string, string>());
    }

    [Fact]
    public async Task Its_master_key_can_be_changed_by_a_command_that_is_killed_in_the_middle_and_run_again()
    {
        using var folder = new TemporaryFolder();
        await Unpack(folder);
        string[] options = [$"--Storage:DataDirectory={folder.Path}", $"--Secrets:MasterKeyFile={Stored("master.key")}"];
        Assert.Equal(0, (await ServerProcess.RunToEnd(["migrate", .. options])).ExitCode);
        await using var database = new SqliteConnection($"Data Source={folder.File("fleetmdm.db")};Pooling=false");
        await database.OpenAsync(TestContext.Current.CancellationToken);
        AddDevices(database, 20_000);
        var (newKey, otherKey) = (folder.File("new.key"), folder.File("other.key"));
        foreach (var key in new[] { newKey, otherKey }) await File.WriteAllTextAsync(key, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));

        using (var rekey = ServerProcess.Launch(["rekey", newKey, .. options], new Dictionary<string, string>(), _ => { }))
        {
            while (Count(database, "SELECT count(*) FROM devices WHERE id LIKE 'ADDED%' AND substr(unlock_token, 2, 4) <> (SELECT substr(unlock_token, 2, 4) FROM devices WHERE id = 'ADDED-019999')") == 0)
                Assert.False(rekey.HasExited);
            rekey.Kill();
            await rekey.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        // It was in the middle: no server starts on this, whichever key it has, and no other new key is taken.
        Assert.Equal(1, Count(database, "SELECT count(*) FROM facts WHERE name = 'master-key-change'"));
        foreach (var key in new[] { Stored("master.key"), newKey })
        {
            var (code, output) = await ServerProcess.RunToEnd([$"--Storage:DataDirectory={folder.Path}", $"--Secrets:MasterKeyFile={key}"]);
            Assert.Equal(2, code);
            Assert.Contains("run rekey again", output);
        }

        Assert.Equal(2, (await ServerProcess.RunToEnd(["rekey", otherKey, .. options])).ExitCode);
        var (ended, said) = await ServerProcess.RunToEnd(["rekey", newKey, .. options]);
        Assert.True(ended == 0, said);
        Assert.DoesNotContain("could not be opened", said);
        Assert.Contains("already", (await ServerProcess.RunToEnd(["rekey", newKey, .. options])).Output);
        await database.CloseAsync();

        Assert.Equal(2, (await ServerProcess.RunToEnd(options)).ExitCode);
        await GoesOn("sqlite", folder, new Dictionary<string, string>(), newKey);

        // The root for TLS was made since. It is sealed anew like the rest.
        var (code2, said2) = await ServerProcess.RunToEnd(["rekey", otherKey, $"--Storage:DataDirectory={folder.Path}", $"--Secrets:MasterKeyFile={newKey}"]);
        Assert.True(code2 == 0, said2);
        Assert.DoesNotContain("could not be opened", said2);
        await using var server = await new ServerProcess(
            folder.Path, new Dictionary<string, string> { ["Secrets:MasterKeyFile"] = otherKey, ["Http:SeparateTlsRoot"] = "true" }).Start();
        await Readiness.WaitAsync(server.Url, Patience, TimeProvider.System);
        using var network = Network(await server.Trust());
        Assert.Equal(System.Net.HttpStatusCode.OK, (await network.GetAsync(new Uri(server.Url, "/ca.pem"), TestContext.Current.CancellationToken)).StatusCode);
    }

    private static void AddDevices(SqliteConnection database, int count)
    {
        var sealer = new SecretSealer(Convert.FromBase64String(File.ReadAllText(Stored("master.key")).Trim()));
        using var transaction = database.BeginTransaction();
        using var insert = database.CreateCommand();
        insert.CommandText = "INSERT INTO devices (id, device_id, kind, status, version, write_id, search, unlock_token) VALUES (@id, @id, 1, 3, 1, randomblob(16), '', @token)";
        for (var i = 0; i < count; i++)
        {
            insert.Parameters.Clear();
            insert.Parameters.AddWithValue("@id", $"ADDED-{i:000000}");
            insert.Parameters.AddWithValue("@token", sealer.Seal($"unlock-token/ADDED-{i:000000}", [1, 2, 3]));
            insert.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    private static long Count(SqliteConnection database, string sql)
    {
        using var command = database.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private static async Task Unpack(TemporaryFolder folder)
    {
        using var packed = new GZipStream(File.OpenRead(Stored("sqlite", "fleetmdm.db.gz")), CompressionMode.Decompress);
        using var database = File.Create(folder.File("fleetmdm.db"));
        await packed.CopyToAsync(database, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_PostgreSQL_database_of_version_427e6a4_goes_on()
    {
        using var folder = new TemporaryFolder();
        await using var database = await PostgresDatabase.Create();
        await PostgresTools.Run(
            "psql", database.ConnectionString, "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null", $"--file={Stored("postgresql", "fleetmdm.sql")}");

        await GoesOn("postgresql", folder, new Dictionary<string, string>
        {
            ["Storage:Provider"] = "PostgreSQL",
            ["Storage:ConnectionString"] = new NpgsqlConnectionStringBuilder(database.ConnectionString) { MaxPoolSize = 10 }.ConnectionString,
        });
    }

    private static async Task GoesOn(string kind, TemporaryFolder folder, Dictionary<string, string> options, string? masterKeyFile = null)
    {
        var known = JsonNode.Parse(await File.ReadAllTextAsync(Stored(kind, "fleet.json")))!;
        // The pushes of this test must not go to Apple.
        await using var apns = await ApnsSimulator.StartAsync();
        await File.WriteAllTextAsync(folder.File("apns.pem"), apns.Authority.RootPem);
        var settings = new Dictionary<string, string>(options)
        {
            ["Secrets:MasterKeyFile"] = masterKeyFile ?? Stored("master.key"),
            ["Push:Endpoint"] = apns.Endpoint.GetLeftPart(UriPartial.Authority),
            ["Push:TrustedRootFile"] = folder.File("apns.pem"),
            // The copy grows older than any server keeps things.
            ["Mdm:ExpiredCertificateGraceDays"] = "3650",
            ["Retention:HistoryDays"] = "0",
            ["Retention:EscrowDays"] = "0",
        };
        await using var server = await new ServerProcess(folder.Path, settings).Start();
        await Readiness.WaitAsync(server.Url, Patience, TimeProvider.System);
        // The root that these iPads trust is still the one that the server's certificate comes from.
        var trust = TrustAnchors.FromPem(known["ca"]!.GetValue<string>());
        using var admin = new AdminClient(server.Url, known["adminToken"]!.GetValue<string>(), trust);
        using var network = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = trust.NewPolicy() } });

        var operation = known["operationCommand"]!.GetValue<string>();
        foreach (var ipad in known["ipads"]!.AsArray().Select(ipad => new StoredIPad(ipad!)))
        {
            var device = await admin.GetDeviceAsync(ipad.Udid);
            Assert.Equal((ipad.Status, ipad.SerialNumber), (device["status"]!.GetValue<string>(), device["serialNumber"]!.GetValue<string>()));
            Assert.True(JsonNode.DeepEquals(ipad.Answer, (await admin.GetCommandAsync(ipad.Udid, ipad.Answered))["result"]), ipad.Udid);

            if (ipad.Status != "Enrolled")
            {
                Assert.Equal(403, (await ipad.Report(network, server.Url, "Idle")).Status);
                continue;
            }

            var delivered = new List<string>();
            var (status, body) = await ipad.Report(network, server.Url, "Idle");
            while (status == 200 && body.Length > 0)
            {
                var uuid = CommandUuid().Match(body).Groups[1].Value;
                delivered.Add(uuid);
                if (body.Contains("<string>ClearPasscode</string>", StringComparison.Ordinal))
                    Assert.Contains(ipad.UnlockToken!, Space().Replace(body, ""));
                (status, body) = await ipad.Report(network, server.Url, "Acknowledged", uuid);
            }

            Assert.Equal(200, status);
            Assert.Equal([.. ipad.Waiting, operation], delivered);
            foreach (var uuid in delivered)
                Assert.Equal("Acknowledged", (await admin.GetCommandAsync(ipad.Udid, uuid))["state"]!.GetValue<string>());
        }

        var counts = await admin.GetOperationAsync(known["operation"]!.GetValue<string>());
        Assert.Equal((known["operationTotal"]!.GetValue<long>(), counts.Total), (counts.Acknowledged + counts.Queued, counts.Total));

        // What it stored plain is sealed now, and it starts a second time as if nothing had been.
        for (var waited = TimeSpan.Zero; !server.Output.Contains("stored plain is sealed now", StringComparison.Ordinal); waited += TimeSpan.FromMilliseconds(100))
        {
            Assert.True(waited < Patience, server.Output);
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        Assert.Equal(0, await server.Stop());
        await server.Start();
        await Readiness.WaitAsync(server.Url, Patience, TimeProvider.System);
        foreach (var ipad in known["ipads"]!.AsArray().Select(ipad => new StoredIPad(ipad!)))
            Assert.True(JsonNode.DeepEquals(ipad.Answer, (await admin.GetCommandAsync(ipad.Udid, ipad.Answered))["result"]), ipad.Udid);

        await MovesToARootOfItsOwn(server, settings, trust, [.. known["ipads"]!.AsArray().Select(ipad => new StoredIPad(ipad!)).Where(ipad => ipad.Status == "Enrolled")]);
    }

    /// <summary>The two steps of docs/operations.md: both roots are handed out while the certificate is of the old one, and then the certificate is of the new one.</summary>
    private static async Task MovesToARootOfItsOwn(ServerProcess server, Dictionary<string, string> settings, TrustAnchors old, IReadOnlyList<StoredIPad> ipads)
    {
        var both = await server.Trust();
        Assert.Equal([old.Roots.Single().RawData], both.Roots.Take(1).Select(root => root.RawData));
        Assert.Equal(2, both.Roots.Count);
        var handedOut = (await TrustProfile.FetchAsync(server.Url)).Roots.Select(root => root.RawData);
        Assert.Equal(both.Roots.Select(root => root.RawData), handedOut);
        Assert.Equal(0, await server.Stop());

        await using var moved = await new ServerProcess(server.Folder, new Dictionary<string, string>(settings) { ["Http:SeparateTlsRoot"] = "true" }).Start();
        await Readiness.WaitAsync(moved.Url, Patience, TimeProvider.System);
        Assert.Equal([both.Roots.Last().RawData], (await moved.Trust()).Roots.Select(root => root.RawData));
        using (var withBoth = Network(both))
        {
            foreach (var ipad in ipads) Assert.Equal(200, (await ipad.Report(withBoth, moved.Url, "Idle")).Status);
        }

        // One that was away during the first step does not believe the server. Going back one step helps it.
        using (var withOld = Network(old))
            await Assert.ThrowsAsync<HttpRequestException>(() => ipads[0].Report(withOld, moved.Url, "Idle"));
        Assert.Equal(0, await moved.Stop());
        await using var back = await new ServerProcess(server.Folder, settings).Start();
        await Readiness.WaitAsync(back.Url, Patience, TimeProvider.System);
        using (var withOld = Network(old))
            Assert.Equal(200, (await ipads[0].Report(withOld, back.Url, "Idle")).Status);
    }

    private static HttpClient Network(TrustAnchors trust) => new(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = trust.NewPolicy() } });

    private static string Stored(params ReadOnlySpan<string> path) => Repository.File(["tests", "EndToEnd", "Upgrade", "Stored", .. path]);

    [GeneratedRegex(@"<key>CommandUUID</key>\s*<string>([^<]+)</string>")]
    private static partial Regex CommandUuid();

    [GeneratedRegex(@"\s")]
    private static partial Regex Space();

    /// <summary>One of those that enrolled with the earlier version, with the key that it has.</summary>
    private sealed class StoredIPad(JsonNode stored)
    {
        private readonly DeviceIdentity _identity = new(X509CertificateLoader.LoadPkcs12(Convert.FromBase64String(stored["identity"]!.GetValue<string>()), null));

        public string Udid => stored["udid"]!.GetValue<string>();
        public string Status => stored["status"]!.GetValue<string>();
        public string SerialNumber => stored["serialNumber"]!.GetValue<string>();
        public string? UnlockToken => stored["unlockToken"]?.GetValue<string>();
        public string Answered => stored["answered"]!.GetValue<string>();
        public JsonNode? Answer => stored["answer"];
        public IReadOnlyList<string> Waiting => [.. stored["waiting"]!.AsArray().Select(uuid => uuid!.GetValue<string>())];

        public async Task<(int Status, string Body)> Report(HttpClient network, Uri server, string status, string? commandUuid = null)
        {
            var command = commandUuid is null ? "" : $"<key>CommandUUID</key><string>{commandUuid}</string>";
            var body = Encoding.UTF8.GetBytes(
                $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict>{command}<key>Status</key><string>{status}</string><key>UDID</key><string>{Udid}</string></dict></plist>");
            using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(server, "/mdm/connect")) { Content = new ByteArrayContent(body) };
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/x-apple-aspen-mdm");
            request.Headers.TryAddWithoutValidation("Mdm-Signature", _identity.Sign(body));
            using var answer = await network.SendAsync(request, TestContext.Current.CancellationToken);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }
}
