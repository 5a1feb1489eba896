using System.Globalization;
using FleetMdm.EndToEnd.Faults;
using FleetMdm.EndToEnd.Server;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Enrolment;
using Npgsql;

namespace FleetMdm.EndToEnd.Cluster;

/// <summary>Nodes as processes of their own on one PostgreSQL database, a balancer before them, and a simulated APNs.</summary>
public sealed class RunningCluster : IAsyncDisposable
{
    /// <summary>Of a database that all tests of the run share.</summary>
    private const int PoolSize = 20;

    /// <summary>Long enough for a machine whose cores all have other things to do.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-cluster-").FullName;
    private readonly int _balancerPort = Ports.Free();
    private readonly List<ServerProcess> _nodes = [];
    private readonly List<FaultyLink> _links = [];
    private IReadOnlyDictionary<string, string> _options = new Dictionary<string, string>();
    private PostgresDatabase _database = null!;
    private Balancer _balancer = null!;

    public IReadOnlyList<ServerProcess> Nodes => _nodes;
    public ApnsSimulator Apns { get; private set; } = null!;
    public TrustAnchors Trust { get; private set; } = null!;
    public AdminClient Admin { get; private set; } = null!;

    /// <summary>The database's own server, where the cluster was started with one.</summary>
    public PrivatePostgres? Postgres { get; private set; }

    /// <summary>Each node's way to the database, where it has a server of its own.</summary>
    public IReadOnlyList<FaultyLink> Links => _links;

    /// <summary>Of the balancer: where iPads and administrators connect.</summary>
    public Uri Url => new($"https://localhost:{_balancerPort}");

    public string BalancerOutput => _balancer?.Output ?? "";

    public string AdminToken => _nodes.First(node => node.HasAdminToken).AdminToken;

    /// <summary>The first node is started alone, and makes the schema; the others join it together.</summary>
    /// <param name="roles">One node for each.</param>
    public static Task<RunningCluster> Start(params IReadOnlyList<string> roles) => Start(postgres: null, roles);

    /// <summary>The same, with further options for each node.</summary>
    public static Task<RunningCluster> Start(IReadOnlyDictionary<string, string> options, params IReadOnlyList<string> roles) => Start(postgres: null, roles, options);

    /// <summary>The same, on a PostgreSQL that tests may kill and nodes that can be cut off from it.</summary>
    /// <param name="disk">Where its data are to be; null: among the temporary files.</param>
    /// <param name="roles">One node for each.</param>
    public static async Task<RunningCluster> StartOnItsOwnPostgres(string? disk, params IReadOnlyList<string> roles) =>
        await Start(await PrivatePostgres.Create(parent: disk), roles);

    private static async Task<RunningCluster> Start(PrivatePostgres? postgres, IReadOnlyList<string> roles, IReadOnlyDictionary<string, string>? options = null)
    {
        var cluster = new RunningCluster { Postgres = postgres, _options = options ?? new Dictionary<string, string>() };
        try
        {
            await cluster.StartAll(roles);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds a node to the list, not started yet.</summary>
    public ServerProcess AddNode(string role, string? program = null)
    {
        var name = $"node{_nodes.Count + 1}";
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        var database = new NpgsqlConnectionStringBuilder(_database.ConnectionString) { MaxPoolSize = PoolSize };
        if (Postgres is not null)
        {
            _links.Add(new FaultyLink(Postgres.Port));
            database.Port = _links[^1].Port;
        }

        var node = new ServerProcess(folder, new Dictionary<string, string>(_options)
        {
            ["Mdm:PublicUrl"] = Url.GetLeftPart(UriPartial.Authority),
            ["Storage:Provider"] = "PostgreSQL",
            ["Storage:ConnectionString"] = database.ConnectionString,
            ["Secrets:MasterKey"] = Convert.ToBase64String("a master key for a test cluster!"u8),
            ["Push:Endpoint"] = Apns.Endpoint.GetLeftPart(UriPartial.Authority),
            ["Push:TrustedRootFile"] = Path.Combine(_folder, "apns.pem"),
            ["Mdm:ProxyProtocol"] = "true",
            ["Mdm:TrustedProxies"] = Balancer.Address,
            ["Cluster:Enabled"] = "true",
            ["Cluster:Role"] = role,
            ["Cluster:AdvertisedAddress"] = "127.0.0.1",
            ["Cluster:SiloPort"] = Ports.Free().ToString(CultureInfo.InvariantCulture),
            ["Cluster:GatewayPort"] = (role == "Silo" ? Ports.Free() : 0).ToString(CultureInfo.InvariantCulture),
            ["Cluster:DrainSeconds"] = Balancer.NoticesWithin.TotalSeconds.ToString(CultureInfo.InvariantCulture),
        }, program: program);
        _nodes.Add(node);
        return node;
    }

    public static Task Ready(ServerProcess node) => Readiness.WaitAsync(node.Url, Patience, TimeProvider.System);

    /// <summary>Traffic by way of the balancer, with what is added up afterwards.</summary>
    public Task<FaultAudit> Audit(int ipads) => FaultAudit.Begin(
        Admin,
        new AdminClient(Url, AdminToken, Trust, tries: 2, longestWait: TimeSpan.FromMilliseconds(50)),
        new IPadFleet(FaultAudit.Impatient(new FleetOptions
        {
            Trust = Trust,
            Apns = Apns,
            Keys = KeySource.Shared(4),
            FirstRetry = TimeSpan.FromMilliseconds(100),
        })),
        ipads);

    /// <summary>No node is stuck.</summary>
    public async Task AllReady()
    {
        foreach (var node in _nodes.Where(node => node.IsRunning)) await Ready(node);
    }

    /// <summary>What fails in it, fails with what each node said.</summary>
    public async Task Tell(Func<Task> story)
    {
        try
        {
            await story();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(Output, e);
        }
    }

    private string Output => string.Join('\n', _nodes.Select((node, i) => $"---- node{i + 1} ----\n{node.Output}").Append($"---- balancer ----\n{BalancerOutput}"));

    public async ValueTask DisposeAsync()
    {
        Admin?.Dispose();
        foreach (var node in _nodes) await node.DisposeAsync();
        if (_balancer is not null) await _balancer.DisposeAsync();
        if (Apns is not null) await Apns.DisposeAsync();
        foreach (var link in _links) await link.DisposeAsync();
        if (_database is not null && Postgres is null) await _database.DisposeAsync();
        if (Postgres is not null) await Postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAll(IReadOnlyList<string> roles)
    {
        _database = Postgres is null ? await PostgresDatabase.Create() : await PostgresDatabase.CreateOn(Postgres.ConnectionString);
        Apns = await ApnsSimulator.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "apns.pem"), Apns.Authority.RootPem);
        foreach (var role in roles) AddNode(role);
        await _nodes[0].Start();
        await Ready(_nodes[0]);
        await Task.WhenAll(_nodes.Skip(1).Select(node => node.Start()));
        await Task.WhenAll(_nodes.Skip(1).Select(Ready));

        var serving = _nodes.Where((_, i) => roles[i] != "Silo").ToList();
        _balancer = await Balancer.Start(_folder, _balancerPort, serving.Select(node => node.Port));
        await Readiness.WaitAsync(Url, Patience, TimeProvider.System);
        Trust = await TrustProfile.FetchAsync(Url);
        Admin = new AdminClient(Url, AdminToken, Trust);
        using var certificate = Apns.Authority.MintPushCertificate();
        await Admin.PutPushCertificateAsync(certificate.ToPem());
    }
}
