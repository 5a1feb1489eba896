using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;
using Npgsql;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>A server on a PostgreSQL of its own, on two small disks (data and write-ahead log), behind a link that can be slow.</summary>
public class PostgresUnderFaults : IAsyncLifetime
{
    /// <summary>PostgreSQL's own files take 40 MB of the first, and each time that the log's disk is filled with commands up to 32 MB; the second holds the log of a
    /// checkpoint and some more.</summary>
    private const int DataMegabytes = 320;
    private const int LogMegabytes = 48;
    private const int IPads = 8;

    private TinyDisk? _data, _log;
    private string _refusal = "";

    public PrivatePostgres Postgres { get; private set; } = null!;
    public PostgresDatabase Database { get; private set; } = null!;
    public FaultyLink Link { get; private set; } = null!;
    public RunningServer Server { get; private set; } = null!;
    public FaultAudit Audit { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _data = TinyDisk.TryMount(DataMegabytes, out _refusal);
        _log = TinyDisk.TryMount(LogMegabytes, out _refusal);
        Postgres = await PrivatePostgres.Create(parent: _data?.Path, log: _log?.Path);
        Database = await PostgresDatabase.CreateOn(Postgres.ConnectionString);
        // Little enough for the small disk of the log.
        await Database.Execute("ALTER SYSTEM SET max_wal_size = '16MB'");
        await Database.Execute("ALTER SYSTEM SET min_wal_size = '2MB'");
        await Database.Execute("SELECT pg_reload_conf()");
        Link = new FaultyLink(Postgres.Port);
        Server = new RunningServer
        {
            Options = new Dictionary<string, string>
            {
                ["Storage:Provider"] = "PostgreSQL",
                ["Storage:ConnectionString"] = ConnectionString(new NpgsqlConnectionStringBuilder(Database.ConnectionString) { Port = Link.Port }),
                ["Secrets:MasterKey"] = Convert.ToBase64String("a master key for the fault tests"u8),
            },
        };
        await Server.InitializeAsync();
        Audit = await FaultAudit.Begin(Server, IPads);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (Audit is not null) await Audit.DisposeAsync();
        if (Server is not null) await Server.DisposeAsync();
        if (Link is not null) await Link.DisposeAsync();
        if (Postgres is not null) await Postgres.DisposeAsync();
        _data?.Dispose();
        _log?.Dispose();
    }

    /// <summary>The disk of the data; the test reports it where this machine lets nobody mount.</summary>
    public TinyDisk DataDisk => Mounted(_data);

    /// <summary>The disk of the write-ahead log.</summary>
    public TinyDisk LogDisk => Mounted(_log);

    protected virtual string ConnectionString(NpgsqlConnectionStringBuilder usual) => usual.ConnectionString;

    private TinyDisk Mounted(TinyDisk? disk)
    {
        if (disk is null) Assert.Skip(_refusal);
        return disk;
    }

    /// <summary>The same, with a server that gives up a statement after seconds.</summary>
    public sealed class Soon : PostgresUnderFaults
    {
        private const int StatementSeconds = 2;

        protected override string ConnectionString(NpgsqlConnectionStringBuilder usual)
        {
            usual.CommandTimeout = StatementSeconds;
            return base.ConnectionString(usual);
        }
    }
}

/// <summary>What may happen to a database, under a server that goes on.</summary>
public abstract class PostgresFaultRules(PostgresUnderFaults world)
{
    /// <summary>Commands accepted before and after a fault, so that it meets every stage of their lives.</summary>
    private const int Around = 60;

    protected PostgresUnderFaults World => world;

    /// <summary>How often each fault is made.</summary>
    protected virtual int Times => 1;

    [Fact]
    public Task PostgreSQL_killed_and_started_again_costs_nothing() => Through("PostgreSQL killed (SIGKILL of the postmaster)", async audit =>
    {
        world.Postgres.KillPostmaster();
        await audit.UnavailableMore(1);
        await world.Postgres.StartAgain();
    });

    [Fact]
    public Task Without_connections_left_the_server_says_503_and_goes_on_when_there_are_some() => Through("PostgreSQL out of connections", async audit =>
    {
        // Ours are cut, and whoever took their places keeps them.
        var others = new List<NpgsqlConnection>();
        try
        {
            var rival = new NpgsqlConnectionStringBuilder(world.Postgres.ConnectionString) { Pooling = false }.ConnectionString;
            while (others.Count < PrivatePostgres.MaxConnections)
            {
                try
                {
                    var connection = new NpgsqlConnection(rival);
                    await connection.OpenAsync();
                    others.Add(connection);
                }
                catch (PostgresException full) when (full.SqlState == PostgresErrorCodes.TooManyConnections)
                {
                    await using var cut = new NpgsqlCommand(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'fleetmdm'", others[0]);
                    if ((long)(await cut.ExecuteScalarAsync())! == 0) break;
                }
            }

            await audit.UnavailableMore(1);
        }
        finally
        {
            foreach (var connection in others) await connection.DisposeAsync();
        }
    });

    [Fact]
    public Task With_the_disk_of_the_data_full_the_server_says_503_and_goes_on_when_there_is_room() => Through("PostgreSQL's data disk full", async audit =>
    {
        var disk = world.DataDisk;
        audit.Command = _ => FaultAudit.Plist("ProfileList", padding: 100_000);
        disk.Fill();
        await audit.UnavailableMore(1);
        audit.Command = null;
        disk.Free();
    });

    [Fact]
    public Task A_database_that_is_200_ms_away_is_slow_and_nothing_else() => Through("PostgreSQL slow (200 ms each way)", async audit =>
    {
        world.Link.Delay = TimeSpan.FromMilliseconds(200);
        await audit.AcceptedMore(12);
        world.Link.Delay = TimeSpan.Zero;
    });

    [Fact]
    public Task A_database_that_hangs_is_given_up_and_found_again() => Through("PostgreSQL hangs (no answer, no end)", async audit =>
    {
        world.Link.Hang();
        await audit.UnavailableMore(1);
        world.Link.GoOn();
    });

    protected Task Through(string fault, Func<FaultAudit, Task> make) => world.Audit.Through(fault, Times, Around, () => make(world.Audit));
}

/// <summary>Each fault once, with a server that gives up a statement that hangs sooner than it does by default.</summary>
public sealed class PostgresFaultTests(PostgresUnderFaults.Soon world) : PostgresFaultRules(world), IClassFixture<PostgresUnderFaults.Soon>;

/// <summary>Each fault several times, as the server is by default, and what takes longer.</summary>
[Trait("Length", "Long")]
public sealed class PostgresFaultsRepeated(PostgresUnderFaults world) : PostgresFaultRules(world), IClassFixture<PostgresUnderFaults>
{
    protected override int Times => 5;

    [Fact]
    public Task PostgreSQL_restarted_in_order_costs_nothing() => Through("PostgreSQL restarted (fast)", async _ =>
    {
        await World.Postgres.StopFast();
        await World.Postgres.Start();
    });

    [Fact]
    public Task PostgreSQL_restarted_at_once_costs_nothing() => Through("PostgreSQL restarted (immediate)", async _ =>
    {
        await World.Postgres.StopAtOnce();
        await World.Postgres.Start();
    });

    [Fact]
    public Task With_the_disk_of_the_log_full_PostgreSQL_dies_and_the_server_goes_on_when_it_is_back() => Through("PostgreSQL's log disk full", async audit =>
    {
        var disk = World.LogDisk;
        audit.Command = _ => FaultAudit.Plist("ProfileList", padding: 100_000);
        disk.Fill();
        await audit.UnavailableMore(1);
        audit.Command = null;
        disk.Free();
        if (!World.Postgres.IsRunning) await World.Postgres.StartAgain();
    });
}
