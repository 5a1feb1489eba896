using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>A server on SQLite whose data directory is a small disk of its own.</summary>
public sealed class SqliteOnATinyDisk : IAsyncLifetime
{
    private const int Megabytes = 64;
    private const int IPads = 8;

    private TinyDisk? _disk;
    private string _refusal = "";

    public RunningServer Server { get; private set; } = null!;
    public FaultAudit Audit { get; private set; } = null!;

    /// <summary>The test reports it where this machine lets nobody mount.</summary>
    public TinyDisk Disk
    {
        get
        {
            if (_disk is null) Assert.Skip(_refusal);
            return _disk;
        }
    }

    public async ValueTask InitializeAsync()
    {
        _disk = TinyDisk.TryMount(Megabytes, out _refusal);
        var options = new Dictionary<string, string>();
        if (_disk is not null) options["Storage:ConnectionString"] = $"Data Source={Path.Combine(_disk.Path, "fleetmdm.db")}";
        Server = new RunningServer { Options = options };
        await Server.InitializeAsync();
        Audit = await FaultAudit.Begin(Server, IPads);
    }

    public async ValueTask DisposeAsync()
    {
        if (Audit is not null) await Audit.DisposeAsync();
        if (Server is not null) await Server.DisposeAsync();
        _disk?.Dispose();
    }
}

/// <summary>The disk under SQLite runs full, again and again, while administrators send and iPads work.</summary>
public sealed class SqliteFaultTests(SqliteOnATinyDisk world) : IClassFixture<SqliteOnATinyDisk>
{
    private const int Times = 3;
    private const int Around = 60;

    [Fact]
    public Task With_the_disk_full_the_server_says_503_and_goes_on_when_there_is_room()
    {
        var (disk, audit) = (world.Disk, world.Audit);
        return audit.Through("SQLite's disk full", Times, Around, async () =>
        {
            audit.Command = _ => FaultAudit.Plist("ProfileList", padding: 100_000);
            disk.Fill();
            await audit.UnavailableMore(3);
            audit.Command = null;
            disk.Free();
        });
    }
}
