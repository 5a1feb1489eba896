using Microsoft.Extensions.Logging;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// Tells PostgreSQL's planner soon when a table that it takes for empty has filled. A queue is empty at night, and VACUUM notes that; in the
/// morning an operation fills it within a second, and until autovacuum comes, a minute later, each look-up of the lanes would be planned for a single
/// row: by any index, from end to end.
/// </summary>
/// <remarks>
/// Plans are right from a hundred rows on, so this has something to do about once a morning. The single column keeps it to some
/// 50 ms, and leaves the table's own ANALYZE to autovacuum. Tables that were never looked at need nothing: for those the planner assumes ten pages.
/// </remarks>
internal sealed partial class TableSizes : IAsyncDisposable
{
    private const string TakenForEmpty = """
        SELECT relname::text FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relname = ANY ($1)
          AND reltuples >= 0 AND reltuples < 500 AND pg_stat_get_live_tuples(oid) >= 1000
        """;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // The real database, the real clock.
    private static readonly TimeProvider Clock = TimeProvider.System;

    /// <summary>What lanes look up, each with a narrow column.</summary>
    private static readonly Dictionary<string, string> Columns = new()
    {
        ["queue"] = "sequence",
        ["devices"] = "id",
        ["device_activity"] = "id",
        ["pins"] = "sha256",
        ["bodies"] = "hash",
        ["issued_certificates"] = "sha256",
        ["used_challenges"] = "hash",
        ["inventory_lists"] = "list",
        ["inventory_items"] = "list",
        ["profile_installs"] = "wanted",
        ["operation_members"] = "state",
    };

    private readonly PostgresConnections _connections;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public TableSizes(PostgresConnections connections, ILogger<TableSizes> logger)
    {
        _connections = connections;
        _logger = logger;
        _loop = Task.Run(Loop);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task Loop()
    {
        using var timer = new PeriodicTimer(Pause, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
                await Look();
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // Whatever was under way was cancelled.
        }
    }

    private async Task Look()
    {
        try
        {
            await using var connection = await _connections.Pool.OpenConnectionAsync(_stop.Token);
            foreach (var table in await Grown(connection))
            {
                // Another node, or autovacuum, may be at it.
                await using var analyze = new NpgsqlCommand($"ANALYZE (SKIP_LOCKED) {table} ({Columns[table]})", connection);
                await analyze.ExecuteNonQueryAsync(_stop.Token);
                LogGrown(_logger, table);
            }
        }
        catch (Exception exception) when (!_stop.IsCancellationRequested)
        {
            // Those who need the database now say that it is away; here the next look will do.
            LogNotSeen(_logger, exception.Message);
        }
    }

    private async Task<List<string>> Grown(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(TakenForEmpty, connection) { Parameters = { new() { Value = Columns.Keys.ToArray() } } };
        await using var reader = await command.ExecuteReaderAsync(_stop.Token);
        var tables = new List<string>();
        while (await reader.ReadAsync(_stop.Token))
            tables.Add(reader.GetString(0));
        return tables;
    }

    [LoggerMessage(1014, LogLevel.Debug, "PostgreSQL took the table {Table} for empty and was told how large it is")]
    private static partial void LogGrown(ILogger logger, string table);

    [LoggerMessage(1015, LogLevel.Debug, "The sizes of PostgreSQL's tables could not be looked at now: {Reason}")]
    private static partial void LogNotSeen(ILogger logger, string reason);
}
