using System.Data;
using System.Data.Common;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.GroupCommit;

namespace FleetMdm.Storage;

/// <summary>
/// One of the two databases, for everything that is not on an iPad's path: the same statements run on both, and what differs stands
/// here. The iPads' path has its own statements for each database, in batches (see <see cref="Lane"/>).
/// </summary>
/// <remarks>Safe for any number of callers. Every read and write ends within a few attempts and their time-outs, with
/// <see cref="StoreUnavailableException"/> or <see cref="StoreRejectedException"/> where it could not be done.</remarks>
internal abstract class Database(AuditSeal auditSeal) : IAsyncDisposable
{
    /// <summary>Signs the records of who did what.</summary>
    public AuditSeal AuditSeal => auditSeal;

    /// <summary>A table <c>ids</c> with a column <c>id</c>, one row for each of the ids bound as <c>@ids</c>.</summary>
    public abstract string IdsTable { get; }

    /// <summary>Adds links to the chain of the audit record, in one statement: thousands a second are made when many commands are sent.</summary>
    public abstract Task AddLinks(Session session, IReadOnlyList<AuditLink> links);

    /// <summary>A query for the texts of a JSON array, one a row.</summary>
    public abstract string JsonElements(string expression);

    /// <summary>A condition: a column has one of the values of a query, which is asked once and first. An index on the column is used, however many values the planner expects.</summary>
    public abstract string IsOneOf(string column, string query);

    /// <summary>The same value, which no index has: a short list is sorted, where the index would be read to its end to find it.</summary>
    public abstract string Unindexed(string expression, bool isTime);

    /// <summary>The text at this place of a JSON array that a column holds.</summary>
    public abstract string JsonText(string column, int at);

    /// <summary>The text of this top-level member of a JSON object that a column holds.</summary>
    public abstract string JsonMember(string column, string name);

    /// <summary>The type of a column that holds a time.</summary>
    public abstract string TimeType { get; }

    /// <summary>A time, from a text with milliseconds since 1970; null of null.</summary>
    public abstract string TimeOf(string expression);

    /// <summary>When an iPad without any contact was seen: long ago. As the index has it.</summary>
    public abstract string NeverSeen { get; }

    /// <summary>Appended to a text: it is compared byte by byte.</summary>
    public abstract string ByBytes { get; }

    /// <summary>Appended to the first SELECT of a transaction that decides by what it reads.</summary>
    public abstract string ForUpdate { get; }

    /// <summary>Appended to a SELECT: the row is there as long as this transaction lasts. Others may change it.</summary>
    public abstract string ForKeeping { get; }

    /// <summary>A condition on <c>devices d</c>: what the search looks into has the parameter in it.</summary>
    public string Search(string parameter) => Contains("devices", "d", "search", parameter);

    /// <summary>A condition on a table with an <c>id</c>: a column, which has an index for it, has the parameter in it.</summary>
    public abstract string Contains(string table, string alias, string column, string parameter);

    public abstract void BindIds(DbCommand command, IReadOnlyList<string> ids);

    public abstract void BindTime(DbParameter parameter, DateTimeOffset? time);

    public abstract void BindGuid(DbParameter parameter, Guid value);

    public abstract DateTimeOffset ReadTime(DbDataReader reader, int column);

    /// <summary>Reads on a connection of the pool. The work may be repeated.</summary>
    public abstract Task<T> Read<T>(Func<Session, Task<T>> work, CancellationToken cancellationToken = default);

    /// <summary>Writes in one transaction. The work may be repeated, after an attempt whose outcome is unknown too: it must be idempotent.</summary>
    /// <param name="timeout">How long one attempt may take; null: as long as any write.</param>
    public abstract Task<T> Write<T>(
        Func<Session, Task<T>> work, CancellationToken cancellationToken = default, TimeSpan? timeout = null);

    /// <summary>A trivial statement that shows that the database answers.</summary>
    public abstract Task Ping(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    public Task Write(Func<Session, Task> work, CancellationToken cancellationToken = default) => Write(async session =>
    {
        await work(session);
        return true;
    }, cancellationToken);
}

/// <summary>A connection, and a transaction where one was begun, for the time of one piece of work.</summary>
internal sealed class Session(
    Database database, DbConnection connection, DbTransaction? transaction, CancellationToken cancellationToken, int? timeoutSeconds = null)
{
    public Database Database => database;

    public Statement Sql(string text)
    {
        var command = connection.CreateCommand();
        command.CommandText = text;
        command.Transaction = transaction;
        if (timeoutSeconds is { } seconds)
            command.CommandTimeout = seconds;
        return new Statement(database, command, cancellationToken);
    }
}

/// <summary>One statement with its parameters. Executed once; then it is disposed.</summary>
internal sealed class Statement(Database database, DbCommand command, CancellationToken cancellationToken)
{
    public Database Database => database;

    public Statement Text(string name, string? value) => Add(name, DbType.String, value);

    public Statement Bytes(string name, byte[]? value) => Add(name, DbType.Binary, value);

    public Statement Bool(string name, bool value) => Add(name, DbType.Boolean, value);

    public Statement Long(string name, long? value) => Add(name, DbType.Int64, value);

    public Statement Double(string name, double value) => Add(name, DbType.Double, value);

    public Statement Int(string name, int? value) => Add(name, DbType.Int32, value);

    public Statement Short(string name, short value) => Add(name, DbType.Int16, value);

    public Statement Time(string name, DateTimeOffset? value)
    {
        var parameter = Parameter(name);
        database.BindTime(parameter, value);
        return this;
    }

    public Statement Guid(string name, Guid value)
    {
        var parameter = Parameter(name);
        database.BindGuid(parameter, value);
        return this;
    }

    public Statement Ids(IReadOnlyList<string> ids)
    {
        database.BindIds(command, ids);
        return this;
    }

    /// <summary>A parameter that only this database knows.</summary>
    public Statement Own(DbParameter parameter)
    {
        command.Parameters.Add(parameter);
        return this;
    }

    public Statement Bind(Action<Statement>? bind)
    {
        bind?.Invoke(this);
        return this;
    }

    /// <returns>How many rows it changed.</returns>
    public async Task<int> Execute()
    {
        await using (command)
            return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<List<T>> List<T>(Func<Row, T> read)
    {
        await using (command)
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var rows = new List<T>();
            var row = new Row(reader, database.ReadTime);
            while (await reader.ReadAsync(cancellationToken))
                rows.Add(read(row));
            return rows;
        }
    }

    public async Task<T?> First<T>(Func<Row, T> read)
    {
        var rows = await List(read);
        return rows.Count > 0 ? rows[0] : default;
    }

    private Statement Add(string name, DbType type, object? value)
    {
        var parameter = Parameter(name);
        parameter.DbType = type;
        parameter.Value = value ?? DBNull.Value;
        return this;
    }

    private DbParameter Parameter(string name)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = name;
        command.Parameters.Add(parameter);
        return parameter;
    }
}
