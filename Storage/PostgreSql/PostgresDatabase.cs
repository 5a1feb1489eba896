using System.Data;
using System.Data.Common;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;
using Npgsql;
using NpgsqlTypes;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>Reads and rare writes on the pool; see <see cref="Database"/>.</summary>
internal sealed class PostgresDatabase(PostgresConnections connections, AuditSeal seal) : Database(seal), IActivityStore
{
    private static readonly TimeSpan RetryFor = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan BackOff = TimeSpan.FromMilliseconds(100);

    // The back-off is about the real database: it runs on the real clock.
    private static readonly TimeProvider Clock = TimeProvider.System;

    // The hour is IActivityStore.ClockWasWrong.

    private const string TouchRows = """
        UPDATE device_activity a SET last_seen_at = i.at
        FROM (SELECT id, max(at) AS at FROM unnest($1, $2) AS u(id, at) GROUP BY id ORDER BY id) i
        WHERE a.id = i.id AND (a.last_seen_at IS NULL OR a.last_seen_at < i.at OR a.last_seen_at > i.at + interval '1 hour')
        """;

    private const string RecordPushRows = """
        UPDATE device_activity a SET pushed_at = i.at, push_result = i.result
        FROM (SELECT DISTINCT ON (id) id, at, result FROM unnest($1, $2, $3) AS u(id, at, result) ORDER BY id, at DESC) i
        WHERE a.id = i.id AND (a.pushed_at IS NULL OR a.pushed_at <= i.at OR a.pushed_at > i.at + interval '1 hour')
        """;

    public override string IdsTable => "(SELECT unnest(@ids) AS id) AS ids";

    public override string IsOneOf(string column, string query) => $"{column} = ANY (ARRAY({query}))";

    public override string Unindexed(string expression, bool isTime) => isTime ? $"({expression} + interval '0')" : $"({expression} || '')";

    public override string JsonElements(string expression) => $"SELECT jsonb_array_elements_text({expression}::jsonb)";

    public override string JsonText(string column, int at) => $"({column}::jsonb ->> {at})";

    public override string JsonMember(string column, string name) => $"({column}::jsonb ->> '{name}')";

    public override string TimeType => "timestamptz";

    public override string TimeOf(string expression) => $"to_timestamp(CAST({expression} AS numeric) / 1000)";

    public override string NeverSeen => "timestamptz '1970-01-01Z'";

    public override string ByBytes => " COLLATE \"C\"";

    public override string ForUpdate => " FOR UPDATE";

    public override string ForKeeping => " FOR KEY SHARE";

    // As a pattern, which the index of trigrams understands; what the parameter has of its signs stands for itself.
    public override string Contains(string table, string alias, string column, string parameter) =>
        $@"{alias}.{column} LIKE '%' || replace(replace(replace({parameter}, '\', '\\'), '%', '\%'), '_', '\_') || '%'";

    public override void BindIds(DbCommand command, IReadOnlyList<string> ids) =>
        command.Parameters.Add(new NpgsqlParameter("@ids", NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = ids.ToArray() });

    public override Task AddLinks(Session session, IReadOnlyList<AuditLink> links)
    {
        return session
            .Sql("INSERT INTO audit_chain (seq, id, standing, hash) SELECT * FROM unnest(@numbers, @ids, @standings, @hashes)")
            .Own(Array("@numbers", NpgsqlDbType.Bigint, link => link.Number))
            .Own(Array("@ids", NpgsqlDbType.Bytea, link => link.Id))
            .Own(Array("@standings", NpgsqlDbType.Smallint, link => (short)link.Standing))
            .Own(Array("@hashes", NpgsqlDbType.Bytea, link => link.Hash))
            .Execute();

        NpgsqlParameter<T[]> Array<T>(string name, NpgsqlDbType type, Func<AuditLink, T> value) =>
            new(name, NpgsqlDbType.Array | type) { TypedValue = [.. links.Select(value)] };
    }

    public override void BindTime(DbParameter parameter, DateTimeOffset? time)
    {
        parameter.DbType = DbType.DateTime;
        parameter.Value = time is { } value ? StoredText.ToMilliseconds(value) : DBNull.Value;
    }

    public override void BindGuid(DbParameter parameter, Guid value) => parameter.Value = value;

    public override DateTimeOffset ReadTime(DbDataReader reader, int column) => TimeAt(reader, column);

    public static DateTimeOffset TimeAt(DbDataReader reader, int column) => new(reader.GetFieldValue<DateTime>(column), TimeSpan.Zero);

    public override Task<T> Read<T>(Func<Session, Task<T>> work, CancellationToken cancellationToken = default) =>
        Repeat(connection => work(new Session(this, connection, null, cancellationToken)), cancellationToken);

    public override Task<T> Write<T>(
        Func<Session, Task<T>> work, CancellationToken cancellationToken = default, TimeSpan? timeout = null) =>
        Repeat(async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var outcome = await work(
                new Session(this, connection, transaction, cancellationToken, timeout is { } time ? (int)time.TotalSeconds : null));
            await transaction.CommitAsync(cancellationToken);
            return outcome;
        }, cancellationToken);

    public Task Touch(IReadOnlyList<(string EnrolmentId, DateTimeOffset At)> seen) => ExecuteArrays(batch =>
        new ArrayStatement<(string EnrolmentId, DateTimeOffset At)>(batch, TouchRows, seen).Text(s => s.EnrolmentId).Time(s => s.At));

    public Task RecordPushes(IReadOnlyList<PushRecord> pushes) => ExecuteArrays(batch =>
        new ArrayStatement<PushRecord>(batch, RecordPushRows, pushes).Text(p => p.EnrolmentId).Time(p => p.At).Text(p => p.Result));

    public override async Task Ping(CancellationToken cancellationToken)
    {
        // One attempt: whoever asks for the health wants to know it now.
        try
        {
            await using var connection = await connections.Pool.OpenConnectionAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            await command.ExecuteScalarAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StoreUnavailableException($"PostgreSQL does not answer: {exception.Message}", exception);
        }
    }

    public override ValueTask DisposeAsync() => connections.DisposeAsync();

    private Task ExecuteArrays(Action<NpgsqlBatch> fill) => Repeat(async connection =>
    {
        await using var batch = new NpgsqlBatch(connection);
        fill(batch);
        return await batch.ExecuteNonQueryAsync();
    }, CancellationToken.None);

    /// <summary>A pooled connection may be one that a restart of the server has cut: it is found out by using it.</summary>
    private async Task<T> Repeat<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        var start = Clock.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = await connections.Pool.OpenConnectionAsync(cancellationToken);
                return await work(connection);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                if (exception is ObjectDisposedException)
                    throw new StoreUnavailableException("The store is shutting down.", exception);
                switch (PostgresErrors.Classify(exception))
                {
                    case FailureKind.Data when exception is PostgresException:
                        throw new StoreRejectedException($"The database refused it: {exception.Message}", exception);
                    case FailureKind.Data:
                        throw;
                    case FailureKind.Transient when Clock.GetElapsedTime(start) + BackOff < RetryFor:
                        break;
                    default:
                        throw new StoreUnavailableException($"The database is not available: {exception.Message}", exception);
                }
            }

            await Task.Delay(BackOff, Clock, cancellationToken);
        }
    }
}
