using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Storage.Sqlite;

/// <summary>Schema, health and age of a SQLite store.</summary>
internal sealed partial class SqliteControl(
    SqliteDatabase database, SqliteConnections connections, TimeProvider time, ILogger<SqliteControl> logger)
    : StoreControl(database), IStoreControl
{
    /// <summary>Small, since the one writer does nothing else meanwhile.</summary>
    private const int DropBatch = 2_000;

    // NOT IN reads each of the two tables once; NOT EXISTS would read them once for each body.
    private const string DropBodies = """
        DELETE FROM bodies WHERE rowid IN (
          SELECT rowid FROM bodies
          WHERE last_used < @cutoff
            AND hash NOT IN (SELECT body_hash FROM queue) AND hash NOT IN (SELECT body_hash FROM operations)
          LIMIT @limit)
        """;

    private static readonly IReadOnlyList<Migration> Migrations = Migration.Of("Sqlite");

    // Orleans knows Microsoft.Data.Sqlite by the older library's name.
    public (string Invariant, string ConnectionString) Orleans => ("System.Data.SQLite", connections.ConnectionString);

    public async Task<IReadOnlyList<string>> Migrate(CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(connections.File)!);
            await using var connection = await connections.OpenWriter(cancellationToken);
            var applied = new List<string>();
            // A second process waits at BEGIN IMMEDIATE and then finds nothing to do.
            await using var transaction = connection.BeginTransaction(deferred: false);
            Execute(connection, transaction,
                "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)");
            foreach (var migration in Migration.Pending(Migrations, Version(connection, transaction)))
            {
                Execute(connection, transaction, migration.Script);
                Execute(connection, transaction, "INSERT INTO schema_version (version, name, applied_at) VALUES (@version, @name, @at)",
                    new("@version", migration.Number), new("@name", migration.Name), new("@at", time.GetUtcNow().ToUnixTimeMilliseconds()));
                applied.Add(migration.Name);
                LogMigrated(logger, migration.Name);
            }

            await transaction.CommitAsync(cancellationToken);
            return applied;
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"The database file {connections.File} cannot be used: {exception.Message}", exception);
        }
    }

    public override async Task<IReadOnlyList<string>> Pending(CancellationToken cancellationToken)
    {
        if (!File.Exists(connections.File))
            return [.. Migrations.Select(migration => migration.Name)];
        await using var connection = await connections.OpenReader(cancellationToken);
        using var exists = connection.CreateCommand();
        exists.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = 'schema_version'";
        var version = (long)exists.ExecuteScalar()! > 0 ? Version(connection, null) : 0;
        return [.. Migration.Pending(Migrations, version).Select(migration => migration.Name)];
    }

    public async Task<long> DropHistory(DateTimeOffset finishedBefore, CancellationToken cancellationToken)
    {
        var dropped = await database.Write(s => s
            .Sql("DELETE FROM history WHERE sequence IN (SELECT sequence FROM history WHERE finished_at < @before LIMIT @limit)")
            .Time("@before", finishedBefore).Int("@limit", DropBatch).Execute(), cancellationToken);
        dropped += await database.Write(async s =>
        {
            var oldest = await s.Sql("SELECT min(finished_at) FROM history").First(row => row.TimeOrNull(0));
            return await s.Sql(DropBodies)
                .Time("@cutoff", BodySql.Cutoff(finishedBefore, oldest, time.GetUtcNow())).Int("@limit", DropBatch).Execute();
        }, cancellationToken);
        return dropped;
    }

    private static int Version(SqliteConnection connection, SqliteTransaction? transaction)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "SELECT coalesce(max(version), 0) FROM schema_version";
        return (int)(long)command.ExecuteScalar()!;
    }

    private static void Execute(
        SqliteConnection connection, SqliteTransaction transaction, string sql, params ReadOnlySpan<SqliteParameter> parameters)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        command.ExecuteNonQuery();
    }

    [LoggerMessage(1020, LogLevel.Information, "Schema migration {Name} applied")]
    private static partial void LogMigrated(ILogger logger, string name);
}
