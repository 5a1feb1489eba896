using System.Globalization;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Operations;

/// <inheritdoc cref="IRepeatStore"/>
internal sealed class RepeatStore(Database database) : IRepeatStore
{
    private const string Columns =
        "id, name, request_type, body_hash, target, asked, pace, push, force, expires_hours, days, at_minutes, time_zone, state, next_at, last_at, last_operation_id, last_problem, created_at, created_by";

    public Task<bool> Create(RepeatingOperation repeating, AuditRecord? audit)
    {
        Check(repeating);
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT count(*) FROM repeating_operations WHERE state <> 3").First(row => row.Long(0)) >= IRepeatStore.Most) return false;
            var added = await s
                .Sql($"""
                    INSERT INTO repeating_operations ({Columns})
                    VALUES (@id, @name, @type, @hash, @target, @asked, @pace, @push, @force, @expires, @days, @at, @zone, @state, @next, NULL, NULL, NULL, @created, @by)
                    ON CONFLICT (id) DO NOTHING
                    """)
                .Text("@id", repeating.Id).Text("@name", repeating.Name).Text("@type", repeating.RequestType).Bytes("@hash", repeating.BodyHash)
                .Text("@target", repeating.Target).Text("@asked", repeating.Asked).Text("@pace", repeating.Pace?.Write()).Bool("@push", repeating.Push)
                .Bool("@force", repeating.Force).Int("@expires", repeating.ExpiresHours)
                .Text("@days", string.Join(',', repeating.Days.Select(day => ((int)day).ToString(CultureInfo.InvariantCulture)))).Int("@at", repeating.AtMinutes)
                .Text("@zone", repeating.TimeZone).Short("@state", (short)repeating.State).Time("@next", repeating.NextAt).Time("@created", repeating.CreatedAt)
                .Text("@by", repeating.CreatedBy).Execute();
            if (added > 0 && audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public Task<RepeatingOperation?> Find(string id)
    {
        StoredText.Check("The id", id);
        return database.Read(s => s.Sql($"SELECT {Columns} FROM repeating_operations WHERE id = @id").Text("@id", id).First(Read));
    }

    public async Task<IReadOnlyList<RepeatingOperation>> List(string? after, int limit)
    {
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"SELECT {Columns} FROM repeating_operations WHERE id > @after ORDER BY id LIMIT @limit").Text("@after", after ?? "").Int("@limit", limit).List(Read));
    }

    public async Task<IReadOnlyList<OperationRow>> ListRuns(string id, int limit)
    {
        StoredText.Check("The id", id);
        return await database.Read(s => s
            .Sql($"SELECT {OperationStore.Columns} FROM operations WHERE repeat_id = @id ORDER BY number DESC LIMIT @limit").Text("@id", id).Int("@limit", limit)
            .List(OperationStore.Read));
    }

    public async Task<IReadOnlyList<RepeatingOperation>> ListDue(DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql($"SELECT {Columns} FROM repeating_operations WHERE next_at <= @now ORDER BY next_at LIMIT @limit").Time("@now", now).Int("@limit", limit).List(Read));

    public Task NoteRun(string id, DateTimeOffset due, DateTimeOffset at, DateTimeOffset next, string? operationId, string? problem)
    {
        StoredText.Check("The id", id);
        return database.Write(s => s
            .Sql("""
                UPDATE repeating_operations SET last_at = @at, next_at = @next, last_operation_id = @operation, last_problem = @problem
                WHERE id = @id AND state = 1 AND next_at = @due
                """)
            .Text("@id", id).Time("@due", due).Time("@at", at).Time("@next", next).Text("@operation", operationId).Text("@problem", problem).Execute());
    }

    public Task<bool> Set(string id, RepeatState state, DateTimeOffset? next, AuditRecord? audit)
    {
        StoredText.Check("The id", id);
        return database.Write(async s =>
        {
            var changed = await s
                .Sql("UPDATE repeating_operations SET state = @state, next_at = @next WHERE id = @id AND state <> 3 AND state <> @state")
                .Text("@id", id).Short("@state", (short)state).Time("@next", next).Execute();
            if (changed > 0 && audit is not null) await AuditColumns.Add(s, audit);
            // A repetition after a lost answer.
            return changed > 0 || await s.Sql("SELECT state FROM repeating_operations WHERE id = @id").Text("@id", id).First(row => row.Short(0)) == (short)state;
        });
    }

    public Task<int> ForgetEnded(DateTimeOffset before, int limit) => database.Write(s => s
        .Sql("""
            DELETE FROM repeating_operations WHERE id IN (
              SELECT r.id FROM repeating_operations r WHERE r.state = 3 AND coalesce(r.last_at, r.created_at) < @before LIMIT @limit)
            """)
        .Time("@before", before).Int("@limit", limit).Execute());

    private static void Check(RepeatingOperation repeating)
    {
        StoredText.Check("The id", repeating.Id);
        StoredText.Check("The name", repeating.Name);
        StoredText.Check("The request type", repeating.RequestType);
        StoredText.Check("The target", repeating.Target);
        StoredText.Check("The target in words", repeating.Asked);
        StoredText.Check("The time zone", repeating.TimeZone);
        StoredText.Check("The name of who asked", repeating.CreatedBy);
    }

    private static RepeatingOperation Read(Row row) => new()
    {
        Id = row.Text(0),
        Name = row.Text(1),
        RequestType = row.Text(2),
        BodyHash = row.Bytes(3),
        Target = row.Text(4),
        Asked = row.Text(5),
        Pace = OperationPace.Read(row.TextOrNull(6)),
        Push = row.Bool(7),
        Force = row.Bool(8),
        ExpiresHours = row.IntOrNull(9),
        Days = [.. row.Text(10).Split(',').Select(day => (DayOfWeek)int.Parse(day, NumberStyles.None, CultureInfo.InvariantCulture))],
        AtMinutes = row.Int(11),
        TimeZone = row.Text(12),
        State = (RepeatState)row.Short(13),
        NextAt = row.TimeOrNull(14),
        LastAt = row.TimeOrNull(15),
        LastOperationId = row.TextOrNull(16),
        LastProblem = row.TextOrNull(17),
        CreatedAt = row.Time(18),
        CreatedBy = row.Text(19),
    };
}
