using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Operations;

/// <inheritdoc cref="IOperationPaceStore"/>
internal sealed class OperationPaceStore(Database database) : IOperationPaceStore
{
    /// <summary>As of an append for half a million.</summary>
    private static readonly TimeSpan BeginTimeout = TimeSpan.FromMinutes(3);

    private const string Runs = "phase = 1 AND cancelled_at IS NULL";

    public Task<PacedOperation?> Find(string id)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(s => FindIn(s, id));
    }

    public async Task<IReadOnlyList<OperationWaveRow>> ListWaves(string id)
    {
        StoredText.Check("The operation's id", id);
        return await database.Read(s => s
            .Sql("SELECT wave, first_position, last_position, began_at, ended_at FROM operation_waves WHERE operation_id = @id ORDER BY wave").Text("@id", id)
            .List(row => new OperationWaveRow(row.Int(0), row.Long(1), row.Long(2), row.TimeOrNull(3), row.TimeOrNull(4))));
    }

    public async Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql("SELECT id FROM operations WHERE next_at <= @now ORDER BY next_at LIMIT @limit").Time("@now", now).Int("@limit", limit).List(row => row.Text(0)));

    public Task<WaveCounts> Count(string id, OperationWaveRow wave)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(async s =>
        {
            var members = await s
                .Sql("""
                    SELECT state, count(*), max(begun_at) FROM operation_members
                    WHERE operation_id = @id AND position BETWEEN @first AND @last GROUP BY state
                    """)
                .Text("@id", id).Long("@first", wave.First).Long("@last", wave.Last)
                .List(row => (State: row.Short(0), Count: row.Long(1), Last: row.TimeOrNull(2)));
            var endings = await s
                .Sql("""
                    SELECT h.ending, count(*) FROM operation_members m
                    JOIN history h ON h.command_uuid = (SELECT command_uuid FROM operations WHERE id = @id) AND h.enrolment_id = m.enrolment_id AND h.operation_id = @id
                    WHERE m.operation_id = @id AND m.position BETWEEN @first AND @last AND m.state = 1 GROUP BY h.ending
                    """)
                .Text("@id", id).Long("@first", wave.First).Long("@last", wave.Last)
                .List(row => (Ending: (CommandEnding)row.Short(0), Count: row.Long(1)));
            var begun = members.Find(one => one.State == 1);
            return new WaveCounts(
                members.Find(one => one.State == 0).Count, begun.Count, begun.Last,
                endings.Where(one => one.Ending == CommandEnding.Acknowledged).Sum(one => one.Count),
                endings.Where(one => one.Ending is CommandEnding.Error or CommandEnding.CommandFormatError).Sum(one => one.Count),
                endings.Sum(one => one.Count));
        });
    }

    public Task<string?> MostFrequentError(string id, OperationWaveRow wave)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(s => s
            .Sql("""
                SELECT h.error_summary FROM operation_members m
                JOIN history h ON h.command_uuid = (SELECT command_uuid FROM operations WHERE id = @id) AND h.enrolment_id = m.enrolment_id AND h.operation_id = @id
                WHERE m.operation_id = @id AND m.position BETWEEN @first AND @last AND m.state = 1 AND h.ending IN (2, 3) AND h.error_summary IS NOT NULL
                GROUP BY h.error_summary ORDER BY count(*) DESC, h.error_summary LIMIT 1
                """)
            .Text("@id", id).Long("@first", wave.First).Long("@last", wave.Last).First(row => row.TextOrNull(0)));
    }

    public async Task<IReadOnlyList<WaitingSchool>> ListWaiting(string id, long last)
    {
        StoredText.Check("The operation's id", id);
        return await database.Read(s => s
            .Sql("""
                SELECT w.school, w.ipads, c.time_zone, c.hours, c.at_once FROM (
                  SELECT school, count(*) AS ipads FROM operation_members WHERE operation_id = @id AND position <= @last AND state = 0 GROUP BY school) w
                LEFT JOIN schools c ON c.name = w.school
                ORDER BY w.ipads DESC, w.school
                """)
            .Text("@id", id).Long("@last", last)
            .List(row => new WaitingSchool(row.Text(0), row.Long(1), row.TextOrNull(2), SchoolStore.ReadHours(row.TextOrNull(3)), row.IntOrNull(4))));
    }

    public Task<long?> Begin(string id, PacedBegin begin)
    {
        StoredText.Check("The operation's id", id);
        foreach (var school in begin.Schools ?? [])
            StoredText.Check("The school", school);
        return database.Write(s => BeginIn(s, id, begin), timeout: BeginTimeout);
    }

    private async Task<long?> BeginIn(Session s, string id, PacedBegin begin)
    {
        // 1. Only one at a time, and only what is still meant.
        var operation = await s
            .Sql($"SELECT command_uuid, pace, wave FROM operations WHERE id = @id AND {Runs}{database.ForUpdate}").Text("@id", id)
            .First(row => (Uuid: row.Text(0), Pace: OperationPace.Read(row.TextOrNull(1)), Wave: row.IntOrNull(2)));
        if (operation.Pace is not { } pace || operation.Wave != begin.Wave) return null;

        // 2. Free places, under the rows of the schools: two operations do not give away the same one. Before the members: who renames a school locks in this order too.
        var limits = pace.SchoolLimits ? await Limits(s, id, begin) : [];

        // 3. Those that have left, or have the command already, are passed over.
        var named = begin.Schools is null ? "" : $" AND m.school IN ({database.JsonElements("@schools")})";
        void Bind(Statement statement)
        {
            statement.Text("@id", id).Long("@last", begin.Last);
            if (begin.Schools is { } schools) statement.Text("@schools", JsonSerializer.Serialize(schools));
        }

        var waits = $"m.operation_id = @id AND m.position <= @last AND m.state = 0{named}";
        var skipped = await s
            .Sql($"""
                UPDATE operation_members SET state = 2 WHERE operation_id = @id AND enrolment_id IN (
                  SELECT m.enrolment_id FROM operation_members m WHERE {waits} AND (
                    NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = m.enrolment_id AND d.status IN (1, 2))
                    OR EXISTS (SELECT 1 FROM queue q WHERE q.command_uuid = @uuid AND q.enrolment_id = m.enrolment_id)
                    OR EXISTS (SELECT 1 FROM history h WHERE h.command_uuid = @uuid AND h.enrolment_id = m.enrolment_id)))
                """)
            .Bind(Bind).Text("@uuid", operation.Uuid).Execute();
        var sequence = await s.Sql("SELECT coalesce(max(sequence), 0) FROM queue WHERE operation_id = @id").Text("@id", id).First(row => row.Long(0));

        // 4. Queue rows, and that these have begun: both by the same condition on rows that only the holder of the operation's row changes.
        long begun = 0;
        async Task Take(string which, Action<Statement> bind, short slot)
        {
            begun += await s
                .Sql($"""
                    INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at, expires_at, operation_id)
                    SELECT m.enrolment_id, o.command_uuid, o.request_type, o.body_hash, @at, o.expires_at, o.id
                    FROM operation_members m JOIN operations o ON o.id = m.operation_id WHERE {which} ORDER BY m.enrolment_id
                    """)
                .Bind(bind).Time("@at", begin.At).Execute();
            await s
                .Sql($"UPDATE operation_members SET state = 1, begun_at = @at, slot = @slot WHERE operation_id = @id AND enrolment_id IN (SELECT m.enrolment_id FROM operation_members m WHERE {which})")
                .Bind(bind).Time("@at", begin.At).Short("@slot", slot).Execute();
        }

        foreach (var (school, free) in limits)
        {
            if (free <= 0) continue;
            await Take(
                """
                m.operation_id = @id AND m.enrolment_id IN (
                  SELECT l.enrolment_id FROM operation_members l WHERE l.operation_id = @id AND l.position <= @last AND l.state = 0 AND l.school = @school
                  ORDER BY l.position LIMIT @free)
                """,
                statement => statement.Text("@id", id).Long("@last", begin.Last).Text("@school", school).Int("@free", free), (short)(pace.HoldsSlot ? 2 : 1));
        }

        await Take(
            waits + (limits.Count == 0 ? "" : $" AND m.school NOT IN ({database.JsonElements("@limited")})"),
            statement =>
            {
                Bind(statement);
                if (limits.Count > 0) statement.Text("@limited", JsonSerializer.Serialize(limits.Select(limit => limit.School)));
            },
            slot: 0);

        // 5. What is told of a profile of the library, and that there is something to announce and to push: a node that dies now leaves it to the next.
        if (begun > 0 && pace.Profile is { } profile) await OperationStore.KeepSent(s, id, operation.Uuid, begin.At, profile, sequence);
        if (begun + skipped > 0)
        {
            await s
                .Sql($"""
                    UPDATE operations SET begun = begun + @begun, skipped = skipped + @skipped
                      {(begun > 0 ? ", announced_at = NULL" : "")}{(begun > 0 && pace.Push ? ", pushed_after = coalesce(pushed_after, @sequence)" : "")}
                    WHERE id = @id
                    """)
                .Text("@id", id).Long("@begun", begun).Long("@skipped", skipped).Bind(statement =>
                {
                    if (begun > 0 && pace.Push) statement.Long("@sequence", sequence);
                }).Execute();
            await s.Sql("UPDATE operation_waves SET began_at = coalesce(began_at, @at) WHERE operation_id = @id AND wave = @wave")
                .Text("@id", id).Int("@wave", begin.Wave).Time("@at", begin.At).Execute();
        }

        return begun;
    }

    /// <summary>Free places of the schools that have a limit and whose iPads may begin.</summary>
    private async Task<List<(string School, int Free)>> Limits(Session s, string id, PacedBegin begin)
    {
        var named = begin.Schools is null
            ? "c.name IN (SELECT m.school FROM operation_members m WHERE m.operation_id = @id AND m.state = 0)"
            : $"c.name IN ({database.JsonElements("@schools")})";
        var limited = await s
            .Sql($"SELECT c.name, c.at_once FROM schools c WHERE c.at_once IS NOT NULL AND {named} ORDER BY c.name{database.ForUpdate}")
            .Bind(statement => _ = begin.Schools is { } schools ? statement.Text("@schools", JsonSerializer.Serialize(schools)) : statement.Text("@id", id))
            .List(row => (School: row.Text(0), AtOnce: row.Int(1)));
        if (limited.Count == 0) return [];
        // One that waits for nothing, or whose time is over, takes no place.
        var taken = (await s
            .Sql($"""
                SELECT m.school, count(DISTINCT m.enrolment_id) FROM operation_members m
                WHERE m.school IN ({database.JsonElements("@limited")}) AND m.slot > 0 AND m.state = 1 AND m.begun_at > @since
                  AND (m.slot = 2 OR EXISTS (SELECT 1 FROM queue q JOIN operations o ON o.id = q.operation_id
                    WHERE q.operation_id = m.operation_id AND q.enrolment_id = m.enrolment_id AND q.command_uuid = o.command_uuid AND o.cancelled_at IS NULL))
                GROUP BY m.school
                """)
            .Text("@limited", JsonSerializer.Serialize(limited.Select(one => one.School))).Time("@since", begin.SlotsSince)
            .List(row => (School: row.Text(0), Taken: row.Long(1)))).ToDictionary(one => one.School, one => one.Taken, StringComparer.Ordinal);
        return [.. limited.Select(one => (one.School, (int)Math.Max(0, one.AtOnce - taken.GetValueOrDefault(one.School))))];
    }

    public Task NextWave(string id, int ended, DateTimeOffset at)
    {
        StoredText.Check("The operation's id", id);
        return database.Write(s => Advance(s, id, ended, at));
    }

    private static async Task<bool> Advance(Session s, string id, int ended, DateTimeOffset at)
    {
        if (await s.Sql($"UPDATE operations SET wave = wave + 1 WHERE id = @id AND wave = @ended AND {Runs}").Text("@id", id).Int("@ended", ended).Execute() == 0)
            return false;
        await s.Sql("UPDATE operation_waves SET ended_at = @at WHERE operation_id = @id AND wave = @ended").Text("@id", id).Int("@ended", ended).Time("@at", at).Execute();
        return true;
    }

    public Task SetNext(string id, DateTimeOffset? at)
    {
        StoredText.Check("The operation's id", id);
        return database.Write(s => s.Sql($"UPDATE operations SET next_at = @at WHERE id = @id AND {Runs}").Text("@id", id).Time("@at", at).Execute());
    }

    public Task Finish(string id, DateTimeOffset at)
    {
        StoredText.Check("The operation's id", id);
        return database.Write(async s =>
        {
            if (await s.Sql($"UPDATE operations SET phase = 3, next_at = NULL WHERE id = @id AND {Runs}").Text("@id", id).Execute() == 0) return;
            await s.Sql("UPDATE operation_waves SET ended_at = @at WHERE operation_id = @id AND ended_at IS NULL AND began_at IS NOT NULL").Text("@id", id).Time("@at", at).Execute();
        });
    }

    public Task<bool> Pause(string id, string? reason, AuditRecord? audit)
    {
        StoredText.Check("The operation's id", id);
        return database.Write(async s =>
        {
            var paused = await s
                .Sql($"UPDATE operations SET phase = 2, next_at = NULL, stop_reason = @reason WHERE id = @id AND {Runs}")
                .Text("@id", id).Text("@reason", reason).Execute();
            if (paused > 0 && audit is not null) await AuditColumns.Add(s, audit);
            // A repetition after a lost answer is paused too.
            return paused > 0 || await FindIn(s, id) is { Phase: OperationPhase.Paused, CancelledAt: null };
        });
    }

    public Task<bool> GoOn(string id, DateTimeOffset now, AuditRecord? audit)
    {
        StoredText.Check("The operation's id", id);
        return database.Write(async s =>
        {
            if (await FindIn(s, id) is not { CancelledAt: null } operation || operation.Phase == OperationPhase.Over) return false;
            var stopped = operation.StopReason is not null;
            var went = await s
                .Sql("""
                    UPDATE operations SET phase = 1, next_at = @now, stop_reason = NULL, excused = @excused
                    WHERE id = @id AND phase = 2 AND cancelled_at IS NULL AND wave = @wave
                    """)
                .Text("@id", id).Time("@now", now).Int("@excused", stopped ? operation.Wave : operation.Excused).Int("@wave", operation.Wave).Execute();
            if (went > 0)
            {
                // What is left of the wave that stopped begins with the next one.
                if (stopped && await s.Sql("SELECT max(wave) FROM operation_waves WHERE operation_id = @id").Text("@id", id).First(row => row.IntOrNull(0)) > operation.Wave)
                    await Advance(s, id, operation.Wave, now);
                if (audit is not null) await AuditColumns.Add(s, audit);
            }

            return went > 0 || operation.Phase == OperationPhase.Running;
        });
    }

    public async Task<IReadOnlyList<OperationRow>> ListRetries(string id, int limit)
    {
        StoredText.Check("The operation's id", id);
        return await database.Read(s => s
            .Sql($"SELECT {OperationStore.Columns} FROM operations WHERE retry_of = @id ORDER BY number DESC LIMIT @limit")
            .Text("@id", id).Int("@limit", limit).List(OperationStore.Read));
    }

    public Task<int> ForgetMembers(DateTimeOffset acceptedBefore, int limit) => database.Write(s => s
        .Sql("""
            DELETE FROM operation_members WHERE (operation_id, enrolment_id) IN (
              SELECT m.operation_id, m.enrolment_id FROM operations o JOIN operation_members m ON m.operation_id = o.id
              WHERE o.pace IS NOT NULL AND o.accepted_at < @before AND (o.phase = 3 OR o.cancelled_at IS NOT NULL) LIMIT @limit)
            """)
        .Time("@before", acceptedBefore).Int("@limit", limit).Execute());

    private static Task<PacedOperation?> FindIn(Session s, string id) => s
        .Sql("SELECT id, pace, phase, wave, excused, total, begun, skipped, next_at, stop_reason, cancelled_at, expires_at FROM operations WHERE id = @id AND pace IS NOT NULL")
        .Text("@id", id)
        .First(row => new PacedOperation(
            row.Text(0), OperationPace.Read(row.Text(1))!, (OperationPhase)row.Short(2), row.Int(3), row.Int(4), row.Long(5), row.Long(6), row.Long(7), row.TimeOrNull(8),
            row.TextOrNull(9), row.TimeOrNull(10), row.TimeOrNull(11)));
}
