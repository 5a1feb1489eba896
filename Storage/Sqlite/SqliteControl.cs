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

    // NOT IN reads each of the two tables once; NOT EXISTS would read them once for each body. It is read beside the writer, who has
    // better things to do: whoever refers to a body after that has refreshed it, which the one that deletes sees.
    private const string FindUnusedBodies = """
        SELECT hash FROM bodies
        WHERE last_used < @cutoff AND hash NOT IN (SELECT body_hash FROM queue) AND hash NOT IN (SELECT body_hash FROM operations)
          AND hash NOT IN (SELECT body_hash FROM repeating_operations)
        LIMIT @limit
        """;

    private const string DropBody = "DELETE FROM bodies WHERE hash = @hash AND last_used < @cutoff";

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
        var oldest = await database.Read(
            s => s.Sql("SELECT min(finished_at) FROM history").First(row => row.TimeOrNull(0)), cancellationToken);
        var cutoff = BodySql.Cutoff(finishedBefore, oldest, time.GetUtcNow());
        var unused = await database.Read(
            s => s.Sql(FindUnusedBodies).Time("@cutoff", cutoff).Int("@limit", DropBatch).List(row => row.Bytes(0)), cancellationToken);
        if (unused.Count == 0)
            return dropped;
        return dropped + await database.Write(async s =>
        {
            var gone = 0;
            foreach (var hash in unused)
                gone += await s.Sql(DropBody).Bytes("@hash", hash).Time("@cutoff", cutoff).Execute();
            return gone;
        }, cancellationToken);
    }

    [LoggerMessage(1020, LogLevel.Information, "Schema migration {Name} applied")]
    private static partial void LogMigrated(ILogger logger, string name);
}
