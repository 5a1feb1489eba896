using Microsoft.Data.Sqlite;
using Npgsql;

namespace FleetMdm.LoadTests.Servers;

/// <summary>
/// Counts rows that are inserted, updated or deleted, by table, in the database of a server that is started here. PostgreSQL counts them itself; in SQLite a trigger does, on each table, which
/// only a database of the load test's own gets.
/// </summary>
internal sealed class StoreWrites
{
    /// <summary>A connection of PostgreSQL that has nothing to do tells what it counted after ten seconds.</summary>
    private static readonly TimeSpan StatisticsAreIn = TimeSpan.FromSeconds(12);

    private const string Counts = "load_writes";

    private readonly TestBed _bed;

    private StoreWrites(TestBed bed) => _bed = bed;

    public static async Task<StoreWrites> Watch(TestBed bed)
    {
        var writes = new StoreWrites(bed);
        if (bed.Postgres is null) await writes.AddTriggers();
        return writes;
    }

    /// <summary>Up to now.</summary>
    public async Task<IReadOnlyDictionary<string, long>> Count()
    {
        if (_bed.Postgres is null) return await Read(await OpenSqlite(), $"SELECT name, written FROM {Counts}");
        await Task.Delay(StatisticsAreIn, TimeProvider.System);
        var connection = new NpgsqlConnection(_bed.ConnectionString);
        await connection.OpenAsync();
        return await Read(connection, "SELECT relname::text, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables");
    }

    /// <summary>How often each table was read by one statement or another, up to now. PostgreSQL only.</summary>
    public async Task<IReadOnlyDictionary<string, long>> CountReads()
    {
        await Task.Delay(StatisticsAreIn, TimeProvider.System);
        var connection = new NpgsqlConnection(_bed.ConnectionString);
        await connection.OpenAsync();
        return await Read(connection, "SELECT relname::text, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables");
    }

    /// <summary>Of tables whose names begin so.</summary>
    public static long Between(IReadOnlyDictionary<string, long> before, IReadOnlyDictionary<string, long> after, params ReadOnlySpan<string> beginnings)
    {
        var sum = 0L;
        foreach (var (name, count) in after)
        {
            foreach (var beginning in beginnings)
            {
                if (!name.StartsWith(beginning, StringComparison.Ordinal)) continue;
                sum += count - before.GetValueOrDefault(name);
                break;
            }
        }

        return sum;
    }

    private static async Task<IReadOnlyDictionary<string, long>> Read(System.Data.Common.DbConnection opened, string sql)
    {
        await using var connection = opened;
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await reader.ReadAsync()) counts[reader.GetString(0)] = reader.GetInt64(1);
        return counts;
    }

    private async Task AddTriggers()
    {
        await using var connection = await OpenSqlite();
        var tables = new List<string>();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync()) tables.Add(reader.GetString(0));
        }

        var count = $"INSERT INTO {Counts} (name, written) VALUES ('{{0}}', 1) ON CONFLICT (name) DO UPDATE SET written = written + 1";
        command.CommandText = $"CREATE TABLE {Counts} (name TEXT PRIMARY KEY, written INTEGER NOT NULL);" + string.Concat(
            from table in tables
            from change in new[] { "INSERT", "UPDATE", "DELETE" }
            select $"CREATE TRIGGER {Counts}_{table}_{change} AFTER {change} ON {table} BEGIN {string.Format(System.Globalization.CultureInfo.InvariantCulture, count, table)}; END;");
        await command.ExecuteNonQueryAsync();
    }

    private async Task<SqliteConnection> OpenSqlite()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _bed.SqliteFile, Mode = SqliteOpenMode.ReadWrite, Pooling = false, DefaultTimeout = 30 }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }
}
