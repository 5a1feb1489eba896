using FleetMdm.Testing;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Tests;

/// <summary>A database for the tests of one class, with one node open on it. The suites know nothing else of their database.</summary>
public abstract class StoreFixture : IAsyncLifetime
{
    private Node? _node;

    public Node Node => _node!;

    /// <summary>For a further node on the same database.</summary>
    public abstract IReadOnlyDictionary<string, string?> Settings { get; }

    public Task<Node> OpenNode(TimeProvider? time = null) => Node.Start(Settings, time);

    public async ValueTask InitializeAsync()
    {
        await CreateDatabase();
        _node = await OpenNode();
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
        await DropDatabase();
        GC.SuppressFinalize(this);
    }

    /// <summary>An empty database of the same kind, for tests that must have one to themselves.</summary>
    public abstract Task<StoreFixture> CreateAnother();

    /// <summary>Takes the database back to before the first migration.</summary>
    public abstract Task ForgetSchema();

    public abstract Task Execute(string sql);

    protected abstract Task CreateDatabase();

    protected abstract ValueTask DropDatabase();
}

public sealed class PostgresFixture : StoreFixture
{
    private PostgresDatabase? _database;

    public PostgresDatabase Database => _database!;

    /// <summary>A busy disk may hold up a statement for longer than a school would wait. What an outage does has tests of its own.</summary>
    public override IReadOnlyDictionary<string, string?> Settings => SettingsFor(Database.ConnectionString + ";Timeout=60;Command Timeout=180");

    public static Dictionary<string, string?> SettingsFor(string connectionString) => new()
    {
        ["Storage:Provider"] = "PostgreSQL",
        ["Storage:ConnectionString"] = connectionString,
        ["Secrets:MasterKey"] = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=",
    };

    public override async Task<StoreFixture> CreateAnother()
    {
        var another = new PostgresFixture();
        await another.InitializeAsync();
        return another;
    }

    public override Task ForgetSchema() => Database.Execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");

    public override Task Execute(string sql) => Database.Execute(sql);

    protected override async Task CreateDatabase() => _database = await PostgresDatabase.Create();

    protected override ValueTask DropDatabase() => _database?.DisposeAsync() ?? ValueTask.CompletedTask;
}

public sealed class SqliteFixture : StoreFixture
{
    private readonly TemporaryFolder _folder = new();

    public string Folder => _folder.Path;

    public override IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["Storage:DataDirectory"] = _folder.Path,
    };

    public override async Task<StoreFixture> CreateAnother()
    {
        var another = new SqliteFixture();
        await another.InitializeAsync();
        return another;
    }

    public override async Task ForgetSchema()
    {
        await Node.DisposeAsync();
        foreach (var file in Directory.GetFiles(Folder, "fleetmdm.db*"))
            File.Delete(file);
    }

    public override async Task Execute(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(Folder, "fleetmdm.db")};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    protected override Task CreateDatabase() => Task.CompletedTask;

    protected override ValueTask DropDatabase()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
