using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// Says for as long as the process lives that a server uses this database: alone, or as one of a cluster. Two that each believe to be alone would both
/// answer for every iPad. It is an advisory lock, exclusive or shared, in a transaction that does nothing else and stays open: it ends with its
/// connection, however the process dies, and works behind a pooler of transactions too.
/// </summary>
/// <remarks>Threads: one loop, which asks for a sign of life. What a failure loses: the lock, until the database is back; it is then taken again. If
/// another server has it by then, this one ends.</remarks>
internal sealed partial class PostgresPresence(
    Func<CancellationToken, Task<NpgsqlConnection>> open, bool shared, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<PostgresPresence> logger)
    : IDisposable
{
    /// <summary>Any number that nobody else uses for an advisory lock of the same database.</summary>
    private const long Lock = 0x466C_6565_744D_6470;

    /// <summary>The other one may have been killed a moment ago: the database finds out soon.</summary>
    private static readonly TimeSpan WaitAtStart = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan SignOfLifeEvery = TimeSpan.FromSeconds(5);

    /// <summary>A machine that lost its power holds the lock for no longer.</summary>
    private const string Silence = "30s";

    /// <summary>Longer than that: what is found then is not this process' own old connection.</summary>
    private static readonly TimeSpan WaitAfterLoss = TimeSpan.FromSeconds(45);

    private readonly CancellationTokenSource _stop = new();
    private NpgsqlConnection? _connection;

    /// <exception cref="StoreUnavailableException">Another server uses the database in a way that does not go with this one.</exception>
    public async Task Begin(CancellationToken cancellationToken)
    {
        if (!await Take(WaitAtStart, cancellationToken))
        {
            throw new StoreUnavailableException(shared
                ? "A FleetMdm server that was started without Cluster:Enabled uses this database. Stop it, then start it with Cluster:Enabled=true."
                : "Another FleetMdm server uses this database. Stop it first; or, to run several on one database, set Cluster:Enabled=true on each of them.");
        }

        _ = Task.Run(Keep, CancellationToken.None);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _connection?.Dispose();
    }

    private async Task<bool> Take(TimeSpan patience, CancellationToken cancellationToken)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            var connection = await open(cancellationToken);
            try
            {
                await connection.BeginTransactionAsync(cancellationToken);
                await using var command = new NpgsqlCommand(
                    $"SELECT set_config('idle_in_transaction_session_timeout', '{Silence}', true); SELECT pg_try_advisory_xact_lock{(shared ? "_shared" : "")}({Lock})",
                    connection);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                await reader.NextResultAsync(cancellationToken);
                if (await reader.ReadAsync(cancellationToken) && reader.GetBoolean(0))
                {
                    _connection = connection;
                    return true;
                }
            }
            finally
            {
                if (_connection != connection) await connection.DisposeAsync();
            }

            if (time.GetElapsedTime(since) >= patience) return false;
            await Task.Delay(AskAgainAfter, time, cancellationToken);
        }
    }

    private async Task Keep()
    {
        try
        {
            while (true)
            {
                await Task.Delay(SignOfLifeEvery, time, _stop.Token);
                try
                {
                    if (_connection is null)
                    {
                        if (await Take(WaitAfterLoss, _stop.Token)) continue;
                        LogTaken();
                        lifetime.StopApplication();
                        return;
                    }

                    await using var ping = new NpgsqlCommand("SELECT 1", _connection);
                    await ping.ExecuteScalarAsync(_stop.Token);
                }
                catch (Exception e) when (e is not OperationCanceledException && !_stop.IsCancellationRequested)
                {
                    // The database is away, which all others say too.
                    if (_connection is { } lost) await lost.DisposeAsync();
                    _connection = null;
                }
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    [LoggerMessage(1040, LogLevel.Critical, "While this server could not reach the database, another FleetMdm server has begun to use it; this one stops")]
    private partial void LogTaken();
}
