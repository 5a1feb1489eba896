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

    // Orleans knows Microsoft.Data.Sqlite by the older library's name.
    public (string Invariant, string ConnectionString) Orleans => ("System.Data.SQLite", connections.ConnectionString);

    public async Task<IReadOnlyList<string>> Migrate(CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(connections.File)!);
            await using var connection = await connections.OpenWriter(cancellationToken);
            var applied = SqliteSchema.Migrate(connection, time.GetUtcNow());
            foreach (var name in applied)
                LogMigrated(logger, name);
            return applied;
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"The database file {connections.File} cannot be used: {exception.Message}", exception);
        }
    }

    public override async Task<IReadOnlyList<string>> Pending(CancellationToken cancellationToken)
    {
        var version = 0;
        if (File.Exists(connections.File))
        {
            await using var connection = await connections.OpenReader(cancellationToken);
            version = SqliteSchema.Version(connection);
        }

        return [.. Migration.Pending(SqliteSchema.Migrations, version).Select(migration => migration.Name)];
    }

    public Task PrepareHistory(CancellationToken cancellationToken) => Task.CompletedTask;

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

    [LoggerMessage(1020, LogLevel.Information, "Schema migration {Name} applied")]
    private static partial void LogMigrated(ILogger logger, string name);
}
