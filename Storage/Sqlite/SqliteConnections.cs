using FleetMdm.Storage.Hosting;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>
/// Connections to one database file: one writer (the lane's) and pooled readers, who never wait for it (WAL). Orleans writes grain
/// state of the control plane over connections of its own; SQLite lets one writer in at a time, and the others wait.
/// </summary>
internal sealed class SqliteConnections : IDisposable
{
    /// <summary>How long a writer waits for another one (Orleans' or a second process') before it repeats.</summary>
    private const int BusyMilliseconds = 2_000;

    private const int TimeoutSeconds = 5;

    private readonly string _readerConnectionString;

    public SqliteConnections(string? connectionString, string dataDirectory)
    {
        var builder = new SqliteConnectionStringBuilder(connectionString ?? "");
        if (string.IsNullOrEmpty(builder.DataSource))
            builder.DataSource = Path.Combine(dataDirectory, "fleetmdm.db");
        builder.DataSource = Path.GetFullPath(builder.DataSource);
        if (!builder.ContainsKey("Default Timeout") || !builder.ShouldSerialize("Default Timeout"))
            builder.DefaultTimeout = TimeoutSeconds;
        builder.ForeignKeys = false;
        builder.Mode = SqliteOpenMode.ReadWriteCreate;
        File = builder.DataSource;
        ConnectionString = builder.ConnectionString;
        // Another string is another pool: a connection that may only query must never be lent to Orleans, which writes.
        builder.Mode = SqliteOpenMode.ReadWrite;
        _readerConnectionString = builder.ConnectionString;
    }

    public string File { get; }

    /// <summary>Where the database of these options is.</summary>
    public static string FileOf(StorageOptions options) => new SqliteConnections(options.ConnectionString, options.DataDirectory).File;

    public string ConnectionString { get; }

    /// <summary>A connection of its own whose commits are on disk (fsync) when they return.</summary>
    public async Task<SqliteConnection> OpenWriter(CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            Configure(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;");
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async Task<SqliteConnection> OpenReader(CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(_readerConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            Configure(connection, "PRAGMA query_only = ON;");
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public SqliteConnection OpenShort()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
        try
        {
            connection.Open();
            Configure(connection, "PRAGMA synchronous = FULL;");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var pool in new[] { ConnectionString, _readerConnectionString })
        {
            using var connection = new SqliteConnection(pool);
            SqliteConnection.ClearPool(connection);
        }
    }

    private static void Configure(SqliteConnection connection, string pragmas)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"PRAGMA busy_timeout = {BusyMilliseconds}; {pragmas}";
        command.ExecuteNonQuery();
    }
}
