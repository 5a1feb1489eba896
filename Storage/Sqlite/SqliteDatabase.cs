using System.Data;
using System.Data.Common;
using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>Reads on pooled connections; writes take their turn in the one write lane. See <see cref="Database"/>.</summary>
internal sealed class SqliteDatabase(SqliteConnections connections, StoreLanes lanes, AuditSeal seal) : Database(seal), IActivityStore
{
    private static readonly TimeSpan RetryFor = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan BackOff = TimeSpan.FromMilliseconds(50);
    private static readonly TimeProvider Clock = TimeProvider.System;

    /// <summary>As much as a busy moment writes: on a disk that is nearly full, a row of a few bytes may still find room.</summary>
    private const int TriedBytes = 64 * 1024;

    private const string TryToWrite =
        "INSERT INTO facts (name, value) VALUES ('tried-to-write', zeroblob(@size)) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    public override string IdsTable => "(SELECT value AS id FROM json_each(@ids)) AS ids";

    public override string IsOneOf(string column, string query) => $"{column} IN ({query})";

    public override string Unindexed(string expression, bool isTime) => "+" + expression;

    public override string JsonElements(string expression) => $"SELECT value FROM json_each({expression})";

    public override string JsonText(string column, int at) => $"json_extract({column}, '$[{at}]')";

    public override string JsonMember(string column, string name) => $"json_extract({column}, '$.{name}')";

    public override string TimeType => "integer";

    public override string TimeOf(string expression) => $"CAST({expression} AS integer)";

    public override string NeverSeen => "0";

    // As every text is.
    public override string ByBytes => "";

    // One writer at a time: what a write has read cannot change under it.
    public override string ForUpdate => "";

    public override string ForKeeping => "";

    // The narrow index of the search is read from end to end, not the rows, which are ten times as wide.
    public override string Contains(string table, string alias, string column, string parameter) =>
        $"{alias}.id IN (SELECT found.id FROM {table} found WHERE instr(found.{column}, {parameter}) > 0)";

    public override void BindIds(DbCommand command, IReadOnlyList<string> ids) =>
        command.Parameters.Add(new SqliteParameter("@ids", JsonSerializer.Serialize(ids)));

    public override Task AddLinks(Session session, IReadOnlyList<AuditLink> links)
    {
        var statement = session.Sql($"INSERT INTO audit_chain (seq, id, standing, hash) VALUES {string.Join(", ", links.Select((_, n) => $"(@n{n}, @i{n}, @s{n}, @h{n})"))}");
        for (var n = 0; n < links.Count; n++)
            statement.Long($"@n{n}", links[n].Number).Bytes($"@i{n}", links[n].Id).Short($"@s{n}", (short)links[n].Standing).Bytes($"@h{n}", links[n].Hash);
        return statement.Execute();
    }

    public override void BindTime(DbParameter parameter, DateTimeOffset? time)
    {
        parameter.DbType = DbType.Int64;
        parameter.Value = time is { } value ? value.ToUnixTimeMilliseconds() : DBNull.Value;
    }

    public override void BindGuid(DbParameter parameter, Guid value) => parameter.Value = value.ToByteArray();

    public override DateTimeOffset ReadTime(DbDataReader reader, int column) => TimeAt(reader, column);

    public static DateTimeOffset TimeAt(DbDataReader reader, int column) => DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));

    public override async Task<T> Read<T>(Func<Session, Task<T>> work, CancellationToken cancellationToken = default)
    {
        var start = Clock.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = await connections.OpenReader(cancellationToken);
                return await work(new Session(this, connection, null, cancellationToken));
            }
            catch (SqliteException exception)
            {
                if (SqliteErrors.Classify(exception) != FailureKind.Transient || Clock.GetElapsedTime(start) + BackOff > RetryFor)
                    throw new StoreUnavailableException($"The database is not available: {exception.Message}", exception);
            }

            await Task.Delay(BackOff, Clock, cancellationToken);
        }
    }

    public override Task<T> Write<T>(
        Func<Session, Task<T>> work, CancellationToken cancellationToken = default, TimeSpan? timeout = null)
    {
        // Once in the lane it is not withdrawn.
        cancellationToken.ThrowIfCancellationRequested();
        var item = new TransactionItem<T>((connection, token) => work(new Session(this, connection, null, token)));
        return lanes.Writers[0].Run(item, item.Done);
    }

    public Task Touch(IReadOnlyList<(string EnrolmentId, DateTimeOffset At)> seen) => Write(async s =>
    {
        foreach (var (id, at) in seen)
        {
            await s
                .Sql("UPDATE device_activity SET last_seen_at = @at WHERE id = @id AND (last_seen_at IS NULL OR last_seen_at < @at OR last_seen_at > @ahead)")
                .Text("@id", id).Time("@at", at).Time("@ahead", at + IActivityStore.ClockWasWrong).Execute();
        }
    });

    public Task RecordPushes(IReadOnlyList<PushRecord> pushes) => Write(async s =>
    {
        foreach (var push in pushes)
        {
            await s
                .Sql("""
                    UPDATE device_activity SET pushed_at = @at, push_result = @result
                    WHERE id = @id AND (pushed_at IS NULL OR pushed_at <= @at OR pushed_at > @ahead)
                    """)
                .Text("@id", push.EnrolmentId).Time("@at", push.At).Time("@ahead", push.At + IActivityStore.ClockWasWrong).Text("@result", push.Result).Execute();
        }
    });

    /// <summary>Reads; and writes too while the last write has failed. On a full disk reading goes on, and one who only reads would call the store well.</summary>
    public override async Task Ping(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await connections.OpenReader(cancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT count(*) FROM facts";
            await command.ExecuteScalarAsync(cancellationToken);
            if (lanes.Writers[0].IsAway)
                await Write(s => s.Sql(TryToWrite).Int("@size", TriedBytes).Execute(), cancellationToken);
        }
        catch (SqliteException exception)
        {
            throw new StoreUnavailableException($"The database file {connections.File} does not answer: {exception.Message}", exception);
        }
    }

    public override ValueTask DisposeAsync()
    {
        connections.Dispose();
        return ValueTask.CompletedTask;
    }
}
