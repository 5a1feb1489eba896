using Npgsql;

namespace FleetMdm.Testing;

/// <summary>A fresh database on the PostgreSQL of the test run; dropped when it is disposed.</summary>
/// <remarks>The server is the one that <c>FLEETMDM_TEST_POSTGRES</c> names, which <c>./test.sh</c> starts. A test that cannot find it fails.</remarks>
public sealed class PostgresDatabase : IAsyncDisposable
{
    public const string Variable = "FLEETMDM_TEST_POSTGRES";

    private readonly string _administrator;

    private PostgresDatabase(string administrator, string name)
    {
        _administrator = administrator;
        Name = name;
        ConnectionString = new NpgsqlConnectionStringBuilder(administrator) { Database = name }.ConnectionString;
    }

    public string Name { get; }

    /// <summary>For Npgsql, with the right to do anything.</summary>
    public string ConnectionString { get; }

    /// <exception cref="InvalidOperationException">There is no PostgreSQL for tests.</exception>
    public static async Task<PostgresDatabase> Create(string options = "")
    {
        var administrator = Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrWhiteSpace(administrator))
            throw new InvalidOperationException("run ./test.sh, or set FLEETMDM_TEST_POSTGRES");
        return await CreateOn(administrator, options);
    }

    /// <summary>The same on a server that the test has started itself.</summary>
    public static async Task<PostgresDatabase> CreateOn(string administrator, string options = "")
    {
        var database = new PostgresDatabase(administrator, "test_" + Guid.NewGuid().ToString("N"));
        await database.Administrate($"CREATE DATABASE {database.Name} {options}");
        return database;
    }

    /// <summary>Cuts every connection to this database, as a restart or a failover would.</summary>
    public Task CutConnections() =>
        Administrate($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{Name}' AND pid <> pg_backend_pid()");

    /// <summary>A new, empty one takes its name.</summary>
    public async Task Recreate()
    {
        await Drop();
        await Administrate($"CREATE DATABASE {Name}");
    }

    public async Task<T> Scalar<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task Execute(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync() => await Drop();

    private async Task Drop()
    {
        NpgsqlConnection.ClearPool(new NpgsqlConnection(ConnectionString));
        await Administrate($"DROP DATABASE IF EXISTS {Name} WITH (FORCE)");
    }

    private async Task Administrate(string sql)
    {
        await using var connection = new NpgsqlConnection(_administrator + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
