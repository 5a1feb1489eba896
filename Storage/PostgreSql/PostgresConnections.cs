using Microsoft.Extensions.Logging;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// The connections of one node: each lane owns one that no administrator's query can take from it; a small pool serves everything else;
/// Orleans has a pool of its own by its connection string.
/// </summary>
/// <remarks>In all: the lanes (four to six), at most <see cref="PoolSize"/> and at most <see cref="PoolSize"/> of Orleans. A value in the connection
/// string wins. Statements are prepared by Npgsql on their second use; behind a pooler that does not carry prepared statements,
/// set <c>Max Auto Prepare=0</c>.</remarks>
internal sealed class PostgresConnections : IAsyncDisposable
{
    public const int PoolSize = 20;

    private const int PreparedStatements = 100;

    /// <summary>A batch takes milliseconds; a lane that waits longer is better off with a new connection.</summary>
    private const int LaneTimeoutSeconds = 5;

    private const int ConnectTimeoutSeconds = 3;
    private const int CommandTimeoutSeconds = 15;

    private readonly NpgsqlDataSource _lanes;

    public PostgresConnections(string connectionString, ILoggerFactory loggers)
    {
        var pool = new NpgsqlConnectionStringBuilder(connectionString);
        Default(pool, "Application Name", "fleetmdm");
        Default(pool, "Timeout", ConnectTimeoutSeconds);
        Default(pool, "Maximum Pool Size", PoolSize);
        // Orleans' statements are the same few texts too; they are prepared by their second use.
        Default(pool, "Max Auto Prepare", PreparedStatements);
        Default(pool, "Auto Prepare Min Usages", 2);
        Orleans = pool.ConnectionString;
        Default(pool, "Command Timeout", CommandTimeoutSeconds);
        var lane = new NpgsqlConnectionStringBuilder(pool.ConnectionString) { Pooling = false, CommandTimeout = LaneTimeoutSeconds };
        // The names are labels of Npgsql's metrics, which would else be the connection strings.
        Pool = new NpgsqlDataSourceBuilder(pool.ConnectionString) { Name = "fleetmdm" }.UseLoggerFactory(loggers).Build();
        _lanes = new NpgsqlDataSourceBuilder(lane.ConnectionString) { Name = "fleetmdm-lanes" }.UseLoggerFactory(loggers).Build();
    }

    public NpgsqlDataSource Pool { get; }

    public string Orleans { get; }

    /// <summary>A connection for a lane.</summary>
    /// <remarks>The statements of the lanes look up some hundred keys each: by the index, whatever the statistics of a table that was empty
    /// a minute ago say. A commit is not told before it is on disk, whatever the default of the database is.</remarks>
    public async Task<NpgsqlConnection> OpenLane(CancellationToken cancellationToken)
    {
        var connection = await _lanes.OpenConnectionAsync(cancellationToken);
        await using var settings = new NpgsqlCommand(
            """
            SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
              set_config('enable_mergejoin', 'off', false), set_config('enable_bitmapscan', 'off', false), set_config('jit', 'off', false),
              set_config('plan_cache_mode', 'force_generic_plan', false),
              CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END
            """, connection);
        await settings.ExecuteNonQueryAsync(cancellationToken);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        await Pool.DisposeAsync();
        await _lanes.DisposeAsync();
    }

    private static void Default(NpgsqlConnectionStringBuilder builder, string keyword, object value)
    {
        if (!builder.ContainsKey(keyword) || !builder.ShouldSerialize(keyword))
            builder[keyword] = value;
    }
}
