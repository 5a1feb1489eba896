using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Operations;

/// <summary>
/// Operations on either database. The append is one INSERT … SELECT for the whole target, in id order, so that two of the three
/// indexes of the queue grow at one place.
/// </summary>
internal sealed class OperationStore(Database database, BodySealer sealer, TimeProvider time) : IOperationStore
{
    /// <summary>Half a million rows take some ten seconds.</summary>
    private static readonly TimeSpan AppendTimeout = TimeSpan.FromMinutes(3);

    private const int MaxUnknownIds = 1_000;

    private const string Columns =
        "id, command_uuid, request_type, body_hash, accepted_at, requested_by, total, announced_at, cancelled_at, pushed_after, pushed, target";

    public async Task<OperationRow> Append(OperationAppend operation)
    {
        Check(operation);
        var hash = sealer.Name(operation.Body.Span);
        // Made once: a repetition after a lost answer finds its own operation.
        Task<Appended> Write(bool guarded) => database.Write(s => AppendOnce(s, operation, hash, guarded), timeout: AppendTimeout);
        Appended appended;
        try
        {
            appended = await Write(guarded: false);
        }
        catch (StoreRejectedException)
        {
            // Somebody queued the same CommandUUID for one of these iPads in this very moment; whatever else was wrong is wrong once more.
            appended = await Write(guarded: true);
        }
        catch (TargetMovedException)
        {
            // iPads came or went between counting and queueing; nothing was stored, and the number that is told is the new one.
            appended = await Write(guarded: false);
        }

        return appended.Row ?? throw new OperationRefusedException(appended.Found);
    }

    public Task<long> CountTarget(DeviceFilter filter)
    {
        DeviceConditions.Check(filter);
        return database.Read(s => s
            .Sql($"SELECT count(*) FROM {DeviceColumns.Joined} WHERE d.status IN (1, 2){Channels(filter)}{DeviceConditions.Of(filter, database)}")
            .Bind(p => DeviceConditions.Bind(p, filter)).First(row => row.Long(0)));
    }

    public Task<OperationRow?> Find(string id)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(s => FindIn(s, id));
    }

    public async Task<IReadOnlyList<OperationRow>> List(string? before, int limit)
    {
        StoredText.Check("The operation's id", before);
        return await database.Read(s => s
            .Sql($"""
                SELECT {Columns} FROM operations
                WHERE @before IS NULL OR number < (SELECT b.number FROM operations b WHERE b.id = @before)
                ORDER BY number DESC LIMIT @limit
                """)
            .Text("@before", before).Int("@limit", limit).List(Read));
    }

    public Task<OperationCounts> Count(string id)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(async s =>
        {
            var queued = await s
                .Sql("SELECT count(*), coalesce(sum(CASE WHEN not_now_at IS NOT NULL THEN 1 ELSE 0 END), 0) FROM queue WHERE operation_id = @id")
                .Text("@id", id).First(row => (All: row.Long(0), NotNow: row.Long(1)));
            var finished = await s
                .Sql("""
                    SELECT h.ending, count(*) FROM history h
                    WHERE h.command_uuid = (SELECT command_uuid FROM operations WHERE id = @id) AND h.operation_id = @id
                    GROUP BY h.ending
                    """)
                .Text("@id", id).List(row => (Ending: (CommandEnding)row.Short(0), Count: row.Long(1)));
            long Sum(Func<CommandEnding, bool> which) => finished.Where(f => which(f.Ending)).Sum(f => f.Count);
            return new OperationCounts(
                queued.All,
                queued.NotNow,
                Sum(e => e == CommandEnding.Acknowledged),
                Sum(e => e is CommandEnding.Error or CommandEnding.CommandFormatError),
                Sum(e => e > CommandEnding.CommandFormatError));
        });
    }

    public async Task<IReadOnlyList<OperationDeviceRow>> ListDevices(string id, OperationPart? part, string? after, int limit)
    {
        StoredText.Check("The operation's id", id);
        StoredText.Check("The id to go on after", after);
        return await database.Read(async s =>
        {
            if (await FindIn(s, id) is not { } operation) return [];
            // What a cancelled operation still has in queues is never delivered any more, and counts as ended.
            var (waiting, finished) = Conditions(part, operation.CancelledAt is not null);
            return await s
                .Sql($"""
                    SELECT r.enrolment_id, d.serial_number, d.device_name, r.ending, r.not_now_count, r.not_now_at, r.sent_at, r.finished_at, r.error_summary
                    FROM (
                      SELECT * FROM (
                        SELECT h.enrolment_id, h.ending, h.not_now_count, CAST(NULL AS {database.TimeType}) AS not_now_at, h.sent_at, h.finished_at, h.error_summary
                        FROM history h
                        WHERE h.command_uuid = @uuid AND h.operation_id = @id AND h.enrolment_id > @after AND {finished}
                        ORDER BY h.enrolment_id LIMIT @limit) AS f
                      UNION ALL
                      SELECT * FROM (
                        SELECT q.enrolment_id, CAST(NULL AS smallint) AS ending, q.not_now_count, q.not_now_at, CAST(NULL AS {database.TimeType}) AS sent_at,
                          CAST(NULL AS {database.TimeType}) AS finished_at, CAST(NULL AS text) AS error_summary
                        FROM queue q
                        WHERE q.command_uuid = @uuid AND q.operation_id = @id AND q.enrolment_id > @after AND {waiting}
                        ORDER BY q.enrolment_id LIMIT @limit) AS w) AS r
                    LEFT JOIN devices d ON d.id = r.enrolment_id
                    ORDER BY r.enrolment_id LIMIT @limit
                    """)
                .Text("@uuid", operation.CommandUuid).Text("@id", id).Text("@after", after ?? "").Int("@limit", limit)
                .List(row => new OperationDeviceRow
                {
                    EnrolmentId = row.Text(0),
                    SerialNumber = row.TextOrNull(1),
                    DeviceName = row.TextOrNull(2),
                    Ending = !row.IsNull(3) ? (CommandEnding)row.Short(3) : operation.CancelledAt is not null ? CommandEnding.Cancelled : null,
                    NotNowCount = row.Int(4),
                    NotNowAt = row.TimeOrNull(5),
                    SentAt = row.TimeOrNull(6),
                    FinishedAt = row.TimeOrNull(7),
                    ErrorSummary = row.TextOrNull(8),
                });
        });
    }

    public async Task<bool> Cancel(string id, DateTimeOffset at, AuditRecord? audit = null)
    {
        StoredText.Check("The operation's id", id);
        return await database.Write(async s =>
        {
            var cancelled = await s
                .Sql("""
                    UPDATE operations SET cancelled_at = @at
                    WHERE id = @id AND cancelled_at IS NULL AND EXISTS (SELECT 1 FROM queue q WHERE q.operation_id = @id)
                    """)
                .Text("@id", id).Time("@at", at).Execute();
            if (cancelled > 0 && audit is not null) await AuditColumns.Add(s, audit);
            return cancelled > 0 || await FindIn(s, id) is { CancelledAt: not null };
        });
    }

    public Task MarkAnnounced(string id, DateTimeOffset at)
    {
        StoredText.Check("The operation's id", id);
        return database.Write(s => s
            .Sql("UPDATE operations SET announced_at = coalesce(announced_at, @at) WHERE id = @id").Text("@id", id).Time("@at", at).Execute());
    }

    public Task MarkPushed(string id, long? afterSequence, long pushed)
    {
        StoredText.Check("The operation's id", id);
        return database.Write(s => s
            .Sql("UPDATE operations SET pushed_after = @after, pushed = @pushed WHERE id = @id")
            .Text("@id", id).Long("@after", afterSequence).Long("@pushed", pushed).Execute());
    }

    public async Task<IReadOnlyList<string>> ListUnfinished(DateTimeOffset acceptedBefore) =>
        await database.Read(s => s
            .Sql("""
                SELECT id FROM operations
                WHERE (announced_at IS NULL OR pushed_after IS NOT NULL) AND accepted_at < @before
                ORDER BY accepted_at
                """)
            .Time("@before", acceptedBefore).List(row => row.Text(0)));

    public async Task<IReadOnlyList<OperationPushTarget>> PushTargets(string id, long afterSequence, int limit)
    {
        StoredText.Check("The operation's id", id);
        return await database.Read(s => s
            .Sql($"""
                SELECT q.sequence, {FleetQueries.PushColumns}
                FROM queue q JOIN devices d ON d.id = q.enrolment_id
                WHERE q.operation_id = @id AND q.sequence > @after AND {FleetQueries.Pushable}
                ORDER BY q.sequence LIMIT @limit
                """)
            .Text("@id", id).Long("@after", afterSequence).Int("@limit", limit)
            .List(row => new OperationPushTarget(row.Long(0), FleetQueries.ReadPushTarget(row, 1))));
    }

    /// <param name="guarded">Against others who queue the same CommandUUID at the same time, which next to nobody does: PostgreSQL then looks up and
    /// confirms each row by itself, which takes a third longer.</param>
    private async Task<Appended> AppendOnce(Session s, OperationAppend operation, byte[] hash, bool guarded)
    {
        // 0. What needs a number is counted first: a refusal of half a million rows must not write them.
        var target = Target(operation, out var bind);
        var numbered = operation.Expected is not null || operation.MustBeExpected;
        if (numbered && await FindIn(s, operation.Id) is null)
        {
            var found = await s.Sql($"SELECT count(*) FROM {target}").Text("@uuid", operation.CommandUuid).Bind(bind).First(row => row.Long(0));
            if (found == 0 || !IsExpected(operation, found)) return new Appended(null, found);
        }

        // 1. Whoever stores the operation's row appends; a repetition waits here for the first one, and finds it.
        var added = await s
            .Sql("""
                INSERT INTO operations (id, command_uuid, request_type, body_hash, accepted_at, expires_at, requested_by, pushed_after, target)
                VALUES (@id, @uuid, @type, @hash, @accepted, @expires, @by, @pushed, @target)
                ON CONFLICT (id) DO NOTHING
                """)
            .Text("@id", operation.Id).Text("@uuid", operation.CommandUuid).Text("@type", operation.RequestType).Bytes("@hash", hash)
            .Time("@accepted", operation.AcceptedAt).Time("@expires", operation.ExpiresAt).Text("@by", operation.RequestedBy)
            .Long("@pushed", operation.Push ? 0 : null).Text("@target", operation.Asked).Execute();
        if (added == 0)
            return new Appended(await FindIn(s, operation.Id), 0);

        // 2. The body, once.
        await s.Sql(BodySql.Upsert)
            .Bytes("@hash", hash).Bytes("@body", sealer.SealBody(hash, operation.Body.Span))
            .Time("@now", time.GetUtcNow()).Time("@fresh", time.GetUtcNow() - BodySql.RefreshAfter).Execute();

        // 3. The queue rows.
        var total = await s
            .Sql($"""
                INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at, expires_at, operation_id)
                SELECT d.id, @uuid, @type, @hash, @accepted, @expires, @operation
                FROM {target}
                ORDER BY d.id{(guarded ? " ON CONFLICT (command_uuid, enrolment_id) DO NOTHING" : "")}
                """)
            .Text("@uuid", operation.CommandUuid).Text("@type", operation.RequestType).Bytes("@hash", hash)
            .Time("@accepted", operation.AcceptedAt).Time("@expires", operation.ExpiresAt).Text("@operation", operation.Id)
            .Bind(bind).Execute();

        // 4. How many they are, and who was not found.
        if (numbered && !IsExpected(operation, total)) throw new TargetMovedException();
        if (total == 0)
        {
            await s.Sql("DELETE FROM operations WHERE id = @id").Text("@id", operation.Id).Execute();
            return new Appended(null, 0);
        }

        await s.Sql("UPDATE operations SET total = @total WHERE id = @id").Long("@total", total).Text("@id", operation.Id).Execute();
        if (operation.Audit is { } audit)
            await AuditColumns.Add(s, audit with { Count = total });
        var unknown = operation.Ids is null ? [] : await s
            .Sql($"""
                SELECT ids.id FROM {database.IdsTable}
                WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = ids.id AND d.status IN (1, 2))
                LIMIT {MaxUnknownIds}
                """)
            .Ids(operation.Ids).List(row => row.Text(0));
        return new Appended((await FindIn(s, operation.Id))! with { UnknownIds = unknown }, total);
    }

    private static bool IsExpected(OperationAppend operation, long found) =>
        operation.Expected is { } expected ? expected == found : !operation.MustBeExpected || found <= 1;

    /// <summary>Which rows of queue and of history belong to a part.</summary>
    private static (string Waiting, string Finished) Conditions(OperationPart? part, bool cancelled) => part switch
    {
        null => ("1 = 1", "1 = 1"),
        OperationPart.Queued => (cancelled ? "1 = 0" : "1 = 1", "1 = 0"),
        OperationPart.NotNow => (cancelled ? "1 = 0" : "q.not_now_at IS NOT NULL", "1 = 0"),
        OperationPart.Acknowledged => ("1 = 0", "h.ending = 1"),
        OperationPart.Failed => ("1 = 0", "h.ending IN (2, 3)"),
        _ => (cancelled ? "1 = 1" : "1 = 0", "h.ending > 3"),
    };

    /// <summary>The enrolments that the operation is for, as <c>d</c>.</summary>
    private string Target(OperationAppend operation, out Action<Statement>? bind) => $"""
        {DeviceColumns.Joined}
        WHERE d.status IN (1, 2){Named(operation, out bind)}
          AND NOT EXISTS (SELECT 1 FROM history h WHERE h.command_uuid = @uuid AND h.enrolment_id = d.id)
          AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.command_uuid = @uuid AND q.enrolment_id = d.id)
        """;

    private string Named(OperationAppend operation, out Action<Statement>? bind)
    {
        if (operation.Ids is { } ids)
        {
            bind = statement => statement.Ids(ids);
            return $" AND d.id IN (SELECT ids.id FROM {database.IdsTable})";
        }

        var filter = operation.Filter!;
        bind = statement => DeviceConditions.Bind(statement, filter);
        return Channels(filter) + DeviceConditions.Of(filter, database);
    }

    /// <summary>User channels are only meant when their kind is named.</summary>
    private static string Channels(DeviceFilter filter) => filter.Kind is null ? $" AND d.kind <> {(short)EnrolmentKind.SharedUser}" : "";

    private static void Check(OperationAppend operation)
    {
        if (operation.Ids is null == operation.Filter is null)
            throw new ArgumentException("Exactly one of Ids and Filter is set.", nameof(operation));
        StoredText.Check("The operation's id", operation.Id);
        StoredText.Check("The CommandUUID", operation.CommandUuid);
        StoredText.Check("The request type", operation.RequestType);
        StoredText.Check("The name of who asked", operation.RequestedBy);
        foreach (var id in operation.Ids ?? [])
            StoredText.Check("An id of the target", id);
        if (operation.Filter is { } filter)
            DeviceConditions.Check(filter);
    }

    private static Task<OperationRow?> FindIn(Session s, string id) =>
        s.Sql($"SELECT {Columns} FROM operations WHERE id = @id").Text("@id", id).First(Read);

    private static OperationRow Read(Row row) => new()
    {
        Id = row.Text(0),
        CommandUuid = row.Text(1),
        RequestType = row.Text(2),
        BodyHash = row.Bytes(3),
        AcceptedAt = row.Time(4),
        RequestedBy = row.Text(5),
        Total = row.Long(6),
        AnnouncedAt = row.TimeOrNull(7),
        CancelledAt = row.TimeOrNull(8),
        PushedAfter = row.LongOrNull(9),
        Pushed = row.Long(10),
        Asked = row.TextOrNull(11),
    };

    /// <param name="Row">Null: it was refused.</param>
    private sealed record Appended(OperationRow? Row, long Found);

    /// <summary>Rolls back what was queued for another number of iPads than was counted.</summary>
    private sealed class TargetMovedException : Exception;
}
