using FleetMdm.Storage.GroupCommit;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>
/// A lane's own connection with its prepared statements. SQLite works on the calling thread: while a batch is on its way the lane
/// holds one thread of the pool, most of the time waiting for the disk.
/// </summary>
internal abstract class SqliteExecutor(string begin) : IBatchExecutor
{
    private readonly Dictionary<string, SqliteCommand> _prepared = [];
    private SqliteConnection? _connection;

    protected SqliteConnection Connection => _connection!;

    public async Task Execute(Batch batch, CancellationToken cancellationToken)
    {
        _connection ??= await Open(cancellationToken);
        try
        {
            Run(begin);
            await ExecuteInTransaction(batch, cancellationToken);
            Run("COMMIT");
        }
        catch (Exception exception)
        {
            await Undo(exception);
            throw;
        }
    }

    public FailureKind Classify(Exception exception) => SqliteErrors.Classify(exception);

    public async ValueTask DisposeAsync() => await Close();

    protected abstract Task<SqliteConnection> Open(CancellationToken cancellationToken);

    protected abstract Task ExecuteInTransaction(Batch batch, CancellationToken cancellationToken);

    /// <summary>Executes a statement whose parameters are named @1, @2, …</summary>
    /// <returns>How many rows it changed.</returns>
    protected int Run(string sql, params ReadOnlySpan<object?> values) => Bound(sql, values).ExecuteNonQuery();

    protected T? First<T>(string sql, Func<Row, T> read, params ReadOnlySpan<object?> values)
    {
        using var reader = Bound(sql, values).ExecuteReader();
        return reader.Read() ? read(new Row(reader, SqliteDatabase.TimeAt)) : default;
    }

    protected List<T> List<T>(string sql, Func<Row, T> read, params ReadOnlySpan<object?> values)
    {
        using var reader = Bound(sql, values).ExecuteReader();
        var rows = new List<T>();
        var row = new Row(reader, SqliteDatabase.TimeAt);
        while (reader.Read())
            rows.Add(read(row));
        return rows;
    }

    private SqliteCommand Bound(string sql, ReadOnlySpan<object?> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = _connection!.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < values.Length; i++)
                command.Parameters.Add(new SqliteParameter { ParameterName = $"@{i + 1}" });
            _prepared[sql] = command;
        }

        for (var i = 0; i < values.Length; i++)
        {
            var parameter = command.Parameters[i];
            parameter.ResetSqliteType();
            parameter.Value = values[i] switch
            {
                null => DBNull.Value,
                DateTimeOffset time => time.ToUnixTimeMilliseconds(),
                Guid guid => guid.ToByteArray(),
                ReadOnlyMemory<byte> bytes => bytes.ToArray(),
                var value => value,
            };
        }

        return command;
    }

    private async Task Undo(Exception exception)
    {
        try
        {
            if (SqliteErrors.Classify(exception) == FailureKind.Data)
            {
                Run("ROLLBACK");
                return;
            }
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself; a new connection settles it in any case.
        }

        await Close();
    }

    private async Task Close()
    {
        foreach (var command in _prepared.Values)
            await command.DisposeAsync();
        _prepared.Clear();
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }
}
