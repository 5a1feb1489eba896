using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;
using Npgsql;
using NpgsqlTypes;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>A lane's own connection: opened at the first batch, and again after a failure that may have broken it.</summary>
internal abstract class PostgresExecutor(PostgresConnections connections) : IBatchExecutor
{
    private NpgsqlConnection? _connection;

    public async Task Execute(Batch batch, CancellationToken cancellationToken)
    {
        _connection ??= await connections.OpenLane(cancellationToken);
        try
        {
            await Execute(batch, _connection, cancellationToken);
        }
        catch (Exception exception)
        {
            // After a refusal of the data the connection is as good as before.
            if (exception is not PostgresException || Classify(exception) != FailureKind.Data)
                await Close();
            throw;
        }
    }

    public FailureKind Classify(Exception exception) => PostgresErrors.Classify(exception);

    public async ValueTask DisposeAsync() => await Close();

    protected abstract Task Execute(Batch batch, NpgsqlConnection connection, CancellationToken cancellationToken);

    internal static Row RowOf(NpgsqlDataReader reader) => new(reader, PostgresDatabase.TimeAt);

    private async Task Close()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }
}

/// <summary>One statement of a batch whose parameters are arrays: a column each, a row for each item.</summary>
internal sealed class ArrayStatement<T>(NpgsqlBatch batch, string sql, IReadOnlyList<T> items)
{
    private readonly NpgsqlBatchCommand _command = Added(batch, sql);

    public ArrayStatement<T> Text(Func<T, string?> value) => Add(NpgsqlDbType.Text, value);

    public ArrayStatement<T> Bytes(Func<T, byte[]?> value) => Add(NpgsqlDbType.Bytea, value);

    public ArrayStatement<T> Long(Func<T, long> value) => Add(NpgsqlDbType.Bigint, value);

    public ArrayStatement<T> LongOrNull(Func<T, long?> value) => Add(NpgsqlDbType.Bigint, value);

    public ArrayStatement<T> IntOrNull(Func<T, int?> value) => Add(NpgsqlDbType.Integer, value);

    public ArrayStatement<T> Int(Func<T, int> value) => Add(NpgsqlDbType.Integer, value);

    public ArrayStatement<T> Short(Func<T, short?> value) => Add(NpgsqlDbType.Smallint, value);

    public ArrayStatement<T> Bool(Func<T, bool?> value) => Add(NpgsqlDbType.Boolean, value);

    public ArrayStatement<T> Double(Func<T, double?> value) => Add(NpgsqlDbType.Double, value);

    public ArrayStatement<T> Guid(Func<T, Guid> value) => Add(NpgsqlDbType.Uuid, value);

    public ArrayStatement<T> Time(Func<T, DateTimeOffset?> value) =>
        Add<DateTime?>(NpgsqlDbType.TimestampTz, item => value(item) is { } time ? StoredText.ToMilliseconds(time) : null);

    /// <summary>A parameter that is the same for all rows.</summary>
    public ArrayStatement<T> OneTime(DateTimeOffset value)
    {
        _command.Parameters.Add(new NpgsqlParameter<DateTime>
        {
            TypedValue = StoredText.ToMilliseconds(value),
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        });
        return this;
    }

    private ArrayStatement<T> Add<TValue>(NpgsqlDbType type, Func<T, TValue> value)
    {
        var values = new TValue[items.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = value(items[i]);
        _command.Parameters.Add(new NpgsqlParameter<TValue[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type });
        return this;
    }

    private static NpgsqlBatchCommand Added(NpgsqlBatch batch, string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        batch.BatchCommands.Add(command);
        return command;
    }
}
