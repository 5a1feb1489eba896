using System.Globalization;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>Schema, health and age of a PostgreSQL store.</summary>
internal sealed partial class PostgresControl(
    PostgresDatabase database, PostgresConnections connections, TimeProvider time, ILogger<PostgresControl> logger)
    : StoreControl(database), IStoreControl
{
    private const int OldestServer = 14;

    /// <summary>Of opening a connection that is not answered in time, each of a few seconds.</summary>
    private const int OpenAttempts = 5;

    /// <summary>Any number that nobody else uses for an advisory lock of the same database.</summary>
    private const long MigrationLock = 0x466C_6565_744D_646D;

    /// <summary>Partitions made ahead; a server that no one restarts or sweeps for this long still refuses nothing (default partition).</summary>
    private const int MonthsAhead = 3;

    /// <summary>How far another node's clock may be behind this one's. No more: a month that is past its retention must not come again.</summary>
    private static readonly TimeSpan ClockDifference = TimeSpan.FromHours(1);

    /// <summary>What one call takes from the default partition, and of bodies, at most.</summary>
    private const int DropBatch = 2_000;

    // The condition on last_used stands twice: the outer one is asked again for a row that a refresh has changed meanwhile.
    private const string DropBodies = """
        DELETE FROM bodies WHERE hash IN (
          SELECT b.hash FROM bodies b
          WHERE b.last_used < @cutoff
            AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.body_hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.body_hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM repeating_operations r WHERE r.body_hash = b.hash)
          LIMIT @limit)
        AND last_used < @cutoff
        """;

    private static readonly IReadOnlyList<Migration> Migrations = Migration.Of("PostgreSql");

    public (string Invariant, string ConnectionString) Orleans => ("Npgsql", connections.Orleans);

    public async Task<IReadOnlyList<string>> Migrate(CancellationToken cancellationToken)
    {
        await using var connection = await Open(cancellationToken);
        await CheckServer(connection, cancellationToken);
        // One node migrates, the others wait here and then find nothing to do. The lock ends with the connection.
        await Execute(connection, $"SELECT pg_advisory_lock({MigrationLock})", cancellationToken, TimeSpan.FromMinutes(10));
        try
        {
            await Execute(connection, """
                CREATE TABLE IF NOT EXISTS schema_version (
                  version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
                """, cancellationToken);
            var applied = new List<string>();
            foreach (var migration in Migration.Pending(Migrations, await Version(connection, cancellationToken)))
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await Execute(connection, migration.Script, cancellationToken, TimeSpan.FromHours(1));
                await using var note = new NpgsqlCommand("INSERT INTO schema_version (version, name) VALUES ($1, $2)", connection)
                {
                    Parameters = { new() { Value = migration.Number }, new() { Value = migration.Name } },
                };
                await note.ExecuteNonQueryAsync(cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                applied.Add(migration.Name);
                LogMigrated(logger, migration.Name);
            }

            await MakePartitions(connection, cancellationToken);
            return applied;
        }
        finally
        {
            await Execute(connection, $"SELECT pg_advisory_unlock({MigrationLock})", CancellationToken.None);
        }
    }

    public override async Task<IReadOnlyList<string>> Pending(CancellationToken cancellationToken)
    {
        await using var connection = await Open(cancellationToken);
        await CheckServer(connection, cancellationToken);
        await using var exists = new NpgsqlCommand("SELECT to_regclass('schema_version') IS NOT NULL", connection);
        var version = (bool)(await exists.ExecuteScalarAsync(cancellationToken))! ? await Version(connection, cancellationToken) : 0;
        return [.. Migration.Pending(Migrations, version).Select(migration => migration.Name)];
    }

    public async Task PrepareHistory(CancellationToken cancellationToken)
    {
        await using var connection = await Open(cancellationToken);
        await MakePartitions(connection, cancellationToken);
    }

    public async Task<long> DropHistory(DateTimeOffset finishedBefore, CancellationToken cancellationToken)
    {
        await using var connection = await Open(cancellationToken);
        var dropped = await DropPartitions(connection, finishedBefore, cancellationToken);
        dropped += await database.Write(s => s
            .Sql("""
                DELETE FROM history_default WHERE ctid = ANY (ARRAY(
                  SELECT ctid FROM history_default WHERE finished_at < @before LIMIT @limit))
                """)
            .Time("@before", finishedBefore).Int("@limit", DropBatch).Execute(), cancellationToken);
        var cutoff = BodySql.Cutoff(finishedBefore, await OldestHistory(connection, cancellationToken), time.GetUtcNow());
        dropped += await database.Write(s => s
            .Sql(DropBodies).Time("@cutoff", cutoff).Int("@limit", DropBatch).Execute(), cancellationToken);
        return dropped;
    }

    private static async Task<int> Version(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT coalesce(max(version), 0) FROM schema_version", connection);
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Lets this process be seen on the database; see <see cref="PostgresPresence"/>.</summary>
    public PostgresPresence Presence(bool shared, IHostApplicationLifetime lifetime, ILogger<PostgresPresence> log) =>
        new(Open, shared, lifetime, time, log);

    /// <summary>A process that starts has nothing better to do than to ask again; on a machine where much starts at once it has to.</summary>
    private async Task<NpgsqlConnection> Open(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await connections.Pool.OpenConnectionAsync(cancellationToken);
            }
            catch (Exception exception) when (attempt < OpenAttempts && (exception as TimeoutException ?? exception.InnerException) is TimeoutException)
            {
                // It was not refused, only not answered in time.
            }
            catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
            {
                throw new StoreUnavailableException(
                    $"PostgreSQL cannot be reached by Storage:ConnectionString: {exception.Message}", exception);
            }
        }
    }

    private static async Task CheckServer(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (connection.PostgreSqlVersion.Major < OldestServer)
        {
            throw new StorageConfigurationException(
                $"PostgreSQL {connection.PostgreSqlVersion} is too old: FleetMdm needs {OldestServer} or newer (Storage:ConnectionString).");
        }

        await using var command = new NpgsqlCommand("SHOW server_encoding", connection);
        var encoding = (string)(await command.ExecuteScalarAsync(cancellationToken))!;
        if (encoding != "UTF8")
        {
            throw new StorageConfigurationException(
                $"The database of Storage:ConnectionString is encoded as {encoding}: create one with ENCODING 'UTF8' TEMPLATE template0.");
        }
    }

    /// <summary>One partition a month, from this month on. A month for which rows lie in the default partition already is left there.</summary>
    private async Task MakePartitions(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var from = now - ClockDifference;
        var last = new DateTime(now.Year, now.Month, 1, 0, 0, 0, DateTimeKind.Utc).AddMonths(MonthsAhead);
        for (var month = new DateTime(from.Year, from.Month, 1, 0, 0, 0, DateTimeKind.Utc); month <= last; month = month.AddMonths(1))
        {
            var name = "history_" + month.ToString("yyyyMM", CultureInfo.InvariantCulture);
            try
            {
                await using var exists = new NpgsqlCommand($"SELECT to_regclass('{name}') IS NOT NULL", connection);
                if ((bool)(await exists.ExecuteScalarAsync(cancellationToken))!)
                    continue;
                await ExecuteOrGiveUp(connection, $"""
                    CREATE TABLE IF NOT EXISTS {name} PARTITION OF history
                    FOR VALUES FROM ('{month:yyyy-MM-dd}T00:00:00Z') TO ('{month.AddMonths(1):yyyy-MM-dd}T00:00:00Z')
                    """, cancellationToken);
            }
            catch (PostgresException exception)
            {
                LogNoPartition(logger, name, exception.MessageText);
            }
        }
    }

    private sealed record Partition(string Name, DateTime Month, long Rows);

    private static async Task<List<Partition>> Partitions(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var list = new NpgsqlCommand("""
            SELECT c.relname, greatest(c.reltuples::bigint, 1)
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'history'::regclass AND c.relname ~ '^history_[0-9]{6}$'
            ORDER BY c.relname
            """, connection);
        await using var reader = await list.ExecuteReaderAsync(cancellationToken);
        var partitions = new List<Partition>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var name = reader.GetString(0);
            var month = DateTime.ParseExact(name["history_".Length..], "yyyyMM", CultureInfo.InvariantCulture);
            partitions.Add(new Partition(name, DateTime.SpecifyKind(month, DateTimeKind.Utc), reader.GetInt64(1)));
        }

        return partitions;
    }

    /// <summary>No row of the history ended before it.</summary>
    private static async Task<DateTimeOffset?> OldestHistory(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var partitions = await Partitions(connection, cancellationToken);
        await using var oldest = new NpgsqlCommand("SELECT min(finished_at) FROM history_default", connection);
        var stray = await oldest.ExecuteScalarAsync(cancellationToken) as DateTime?;
        DateTime? month = partitions.Count > 0 ? partitions[0].Month : null;
        return (stray < month ? stray : month ?? stray) is { } time ? new DateTimeOffset(time) : null;
    }

    private async Task<long> DropPartitions(NpgsqlConnection connection, DateTimeOffset finishedBefore, CancellationToken cancellationToken)
    {
        // Whole months only: the last day of the partition must be past.
        var old = (await Partitions(connection, cancellationToken)).FindAll(p => p.Month.AddMonths(1) <= finishedBefore.UtcDateTime);
        long dropped = 0;
        foreach (var (name, _, rows) in old)
        {
            try
            {
                await ExecuteOrGiveUp(connection, $"DROP TABLE {name}", cancellationToken);
                dropped += rows;
                LogDropped(logger, name, rows);
            }
            catch (PostgresException exception)
            {
                LogNotDropped(logger, name, exception.MessageText);
            }
        }

        return dropped;
    }

    /// <summary>For statements that lock the history: a lock that cannot be had soon is given up, since every write waits behind it.</summary>
    private static async Task ExecuteOrGiveUp(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await Execute(connection, "SET LOCAL lock_timeout = '2s'", cancellationToken);
        await Execute(connection, sql, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task Execute(
        NpgsqlConnection connection, string sql, CancellationToken cancellationToken, TimeSpan? timeout = null)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        if (timeout is { } time)
            command.CommandTimeout = (int)time.TotalSeconds;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(1010, LogLevel.Information, "Schema migration {Name} applied")]
    private static partial void LogMigrated(ILogger logger, string name);

    [LoggerMessage(1011, LogLevel.Warning, "History partition {Name} could not be made, its rows go to the default partition: {Reason}")]
    private static partial void LogNoPartition(ILogger logger, string name, string reason);

    [LoggerMessage(1012, LogLevel.Information, "History partition {Name} dropped, about {Rows} rows")]
    private static partial void LogDropped(ILogger logger, string name, long rows);

    [LoggerMessage(1013, LogLevel.Warning, "History partition {Name} could not be dropped now: {Reason}")]
    private static partial void LogNotDropped(ILogger logger, string name, string reason);
}
