using System.Security.Cryptography;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Enrolment;
using Npgsql;

namespace FleetMdm.LoadTests.Servers;

/// <summary>
/// What a scenario runs against: a server that is given (<c>--target</c>), or one that is started here with all that it needs: PostgreSQL, a
/// simulated APNs, a CA that it trusts.
/// </summary>
public sealed class TestBed : IAsyncDisposable
{
    private const string HeaderName = "Client-Cert";

    private readonly LoadOptions _options;
    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-load-").FullName;
    private readonly LoadAuthority _authority;
    private readonly Dictionary<string, string> _settings = [];
    private MintedPushCertificate? _pushCertificate;
    private readonly List<ChildProcess> _servers = [];
    private readonly List<CpuLimit> _limits = [];
    private int[] _ports = [];
    private uint _fleets;
    private string _connectionString = "";
    private IReadOnlyList<ProcessMeter> _meters = [];

    private readonly bool _adoNet;
    private readonly Func<Task> _deleteFolder;

    private TestBed(LoadOptions options, bool adoNet)
    {
        _options = options;
        _adoNet = adoNet;
        _deleteFolder = Leftovers.Add(DeleteFolder);
        _authority = new LoadAuthority(options.RsaKeys);
    }

    public Uri Url { get; private set; } = null!;
    public AdminClient Admin { get; private set; } = null!;
    public string AdminToken { get; private set; } = "";
    public ApnsSimulator? Apns { get; private set; }
    public PrivatePostgres? Postgres { get; private set; }
    /// <summary>The first server, when there are several.</summary>
    public ProcessMeter? Server => _meters.FirstOrDefault();

    /// <summary>Of the database of a server that is started here.</summary>
    public string ConnectionString => _connectionString;

    /// <summary>The database of a server that is started here on SQLite.</summary>
    internal string SqliteFile => Path.Combine(_folder, "fleetmdm.db");

    /// <summary>Of a server that is started here.</summary>
    public string MasterKey { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    public string Topic => _pushCertificate?.Topic ?? _options.Topic;

    /// <param name="extra">Options of the server beyond the usual ones.</param>
    /// <param name="adoNet">The server for comparison, with <see cref="AdoNetQueues"/>.</param>
    public static async Task<TestBed> Start(LoadOptions options, IReadOnlyDictionary<string, string>? extra = null, bool adoNet = false)
    {
        var bed = new TestBed(options, adoNet);
        try
        {
            if (options.Target is { } target) await bed.Use(target);
            else await bed.StartServer(extra ?? new Dictionary<string, string>());
            return bed;
        }
        catch
        {
            await bed.DisposeAsync();
            throw;
        }
    }

    public LoadFleet NewFleet(int ipads) => new(_authority, _options.Identity, Url, Topic, ipads, HeaderName, ++_fleets, _options.Sticky, _ports);

    /// <summary>Stops the server and starts it again: no grain is in memory, no plan and no page of its own is warm.</summary>
    public async Task Restart()
    {
        if (_servers.Count == 0) return;
        await Stop();
        await Launch();
    }

    /// <summary>CPU of all servers and of the database up to now.</summary>
    public Spent Spent() =>
        new(_meters.Sum(meter => meter.CpuSeconds), Postgres?.Meter.CpuSeconds ?? 0, _meters.Sum(meter => meter.AnonymousBytes), Commits());

    /// <summary>Rows of iPads that never come, and of finished commands: for the question whether a large fleet or a long history makes a
    /// request dearer. Copies of an enrolled iPad, made in the database.</summary>
    public async Task Fill(LoadIPad like, int ipads, int history)
    {
        if (Postgres is null) throw new LoadException("--rows and --history need a PostgreSQL that is started here.");
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_connectionString) { CommandTimeout = 600 }.ConnectionString);
        if (ipads > 0)
        {
            var columns = await Columns(source, "devices");
            var values = columns.Select(column => column switch
            {
                "id" or "device_id" or "udid" => "'FFFFFFFF-' || lpad(n::text, 16, '0')",
                "serial_number" => "'F' || lpad(n::text, 11, '0')",
                "search" => "'f' || lpad(n::text, 11, '0')",
                "push_token" => "sha256(('t' || n)::bytea)",
                "write_id" => "gen_random_uuid()",
                _ => column,
            });
            await Execute(source, $"INSERT INTO devices ({string.Join(", ", columns)}) SELECT {string.Join(", ", values)} FROM devices, generate_series(1, {ipads}) n WHERE id = '{like.Udid}'");
            await Execute(source, "INSERT INTO device_activity (id) SELECT id FROM devices WHERE id LIKE 'FFFFFFFF-%'");
            await Execute(source, "INSERT INTO pins SELECT sha256(id::bytea), id, now() + interval '5 years', now() FROM devices WHERE id LIKE 'FFFFFFFF-%'");
        }

        if (history > 0)
        {
            await Execute(source, $"""
                INSERT INTO history (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, sent_at, finished_at, not_now_count, answer)
                SELECT 'FFFFFFFF-' || lpad((n % 100000)::text, 16, '0'), n, gen_random_uuid()::text, 'DeviceInformation', sha256('x'), 1,
                  now() - interval '20 days' * n / {history}, now(), now() - interval '20 days' * n / {history}, 0, repeat('x', 400)::bytea
                FROM generate_series(1, {history}) n
                """);
        }

        await Execute(source, "VACUUM ANALYZE");
        await Execute(source, "CHECKPOINT");
    }

    public async ValueTask DisposeAsync()
    {
        Admin?.Dispose();
        await Stop();
        if (Apns is not null) await Apns.DisposeAsync();
        if (Postgres is not null) await Postgres.DisposeAsync();
        _pushCertificate?.Dispose();
        _authority.Dispose();
        await _deleteFolder();
    }

    private Task DeleteFolder()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    private async Task Use(Uri target)
    {
        if (_options.CaFile is { } file)
        {
            // The target is told before anything is asked of it: it need not run yet.
            await File.WriteAllTextAsync(file, _authority.Pem);
            await Console.Error.WriteLineAsync($"The CA of the iPads is in {file}. Start the server with it (Mdm:TrustedIdentityCas, Mdm:TrustedIdentityCasEnrolUntil), then press Enter.");
            await Console.In.ReadLineAsync();
        }

        Url = target;
        AdminToken = _options.Token ?? "";
        Admin = new AdminClient(target, AdminToken, target.Scheme == "https" ? await TrustProfile.FetchAsync(target) : new TrustAnchors([]));
        if (_options.ServerProcess is { } process) _meters = [new ProcessMeter(process)];
    }

    private async Task StartServer(IReadOnlyDictionary<string, string> extra)
    {
        Apns = await ApnsSimulator.StartAsync(new ApnsSimulatorOptions { AcceptUnknownTokens = true });
        _pushCertificate = Apns.Authority.MintPushCertificate();
        var ca = Path.Combine(_folder, "load-ca.pem");
        var apns = Path.Combine(_folder, "apns.pem");
        await File.WriteAllTextAsync(ca, _authority.Pem);
        await File.WriteAllTextAsync(apns, Apns.Authority.RootPem);
        var scheme = _options.Identity == LoadIdentity.Mtls ? "https" : "http";
        _ports = [.. Enumerable.Range(0, _options.Nodes).Select(_ => FreePorts.Next())];
        Url = new Uri($"{scheme}://localhost:{_ports[0]}");
        var settings = new Dictionary<string, string>
        {
            ["Mdm:PublicUrl"] = $"https://localhost:{_ports[0]}",
            ["Mdm:TrustedIdentityCas:0"] = ca,
            ["Mdm:TrustedIdentityCasEnrolUntil"] = TimeProvider.System.GetUtcNow().AddDays(1).ToString("O"),
            ["Storage:DataDirectory"] = _folder,
            ["Push:Endpoint"] = Apns.Endpoint.GetLeftPart(UriPartial.Authority),
            ["Push:TrustedRootFile"] = apns,
            // Scenarios measure the server, not the pace that spares a small machine.
            ["Push:RatePerSecond"] = "5000",
            ["Secrets:MasterKey"] = MasterKey,
        };
        if (_options.Identity == LoadIdentity.Header)
        {
            settings["Mdm:ClientCertificateHeader"] = HeaderName;
            settings["Mdm:TrustedProxies:0"] = "127.0.0.0/8";
            settings["Mdm:TrustedProxies:1"] = "::1";
        }

        if (_options.Postgres)
        {
            Postgres = await PrivatePostgres.Start();
            _connectionString = await Postgres.CreateDatabase("fleetmdm");
            settings["Storage:Provider"] = "PostgreSQL";
            settings["Storage:ConnectionString"] = _connectionString;
        }

        foreach (var (name, value) in settings.Concat(extra).Concat(_options.Server)) _settings[name] = value;
        await Launch();
        AdminToken = (await File.ReadAllTextAsync(Path.Combine(_folder, "admin-token"))).Trim();
        Admin = new AdminClient(Url, AdminToken, scheme == "https" ? await TrustProfile.FetchAsync(Url) : new TrustAnchors([]));
        await Admin.PutPushCertificateAsync(_pushCertificate.ToPem());
    }

    private async Task Launch()
    {
        // The first one alone: it makes the schema.
        foreach (var port in _ports)
        {
            var settings = new Dictionary<string, string>(_settings) { ["Http:Listen"] = $"{Url.Scheme}://127.0.0.1:{port}" };
            if (_ports.Length > 1)
            {
                settings["Cluster:Enabled"] = "true";
                settings["Cluster:AdvertisedAddress"] = "127.0.0.1";
                settings["Cluster:SiloPort"] = $"{FreePorts.Next()}";
            }

            if (_options.Cores is { } cores) _limits.Add(CpuLimit.Of(cores));
            var (program, first) = _adoNet ? ("FleetMdm.LoadTests.dll", new[] { BareServer.AdoNet }) : ("FleetMdm.Silo.dll", []);
            _servers.Add(await ChildProcess.DotNet(
                program, first.Concat(settings.Select(setting => $"--{setting.Key}={setting.Value}")), "FleetMdm listens on", _limits.LastOrDefault(),
                asServer: true));
        }

        _meters = [.. _servers.Select(server => new ProcessMeter(server.Id))];
    }

    private async Task Stop()
    {
        foreach (var server in _servers) await server.DisposeAsync();
        _servers.Clear();
        foreach (var limit in _limits) limit.Dispose();
        _limits.Clear();
    }

    private long Commits()
    {
        if (Postgres is null) return 0;
        using var source = NpgsqlDataSource.Create(_connectionString);
        using var command = source.CreateCommand("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()");
        return (long)command.ExecuteScalar()!;
    }

    private static async Task<List<string>> Columns(NpgsqlDataSource source, string table)
    {
        var columns = new List<string>();
        await using var command = source.CreateCommand($"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' AND table_schema = 'public' ORDER BY ordinal_position");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) columns.Add(reader.GetString(0));
        return columns;
    }

    private static async Task Execute(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

}

/// <summary>CPU seconds and memory at one moment, or between two.</summary>
/// <param name="ServerBytes">Memory of the server, at the later moment.</param>
/// <param name="Commits">Transactions of the database.</param>
public readonly record struct Spent(double ServerSeconds, double DatabaseSeconds, long ServerBytes, long Commits)
{
    public Spent Since(Spent earlier) =>
        new(ServerSeconds - earlier.ServerSeconds, DatabaseSeconds - earlier.DatabaseSeconds, ServerBytes, Commits - earlier.Commits);
}

/// <summary>The load test cannot go on; the message is one sentence for the one who started it.</summary>
public sealed class LoadException(string message) : Exception(message);
