using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Exams;

/// <summary>What the nodes ask for: grains of iPads, and the grain that begins and ends exams.</summary>
internal sealed partial class ExamStore
{
    private const string DueToTurn = "e.phase <> 2 AND ((e.phase = 0 AND e.starts_at <= @now) OR (e.phase = 1 AND e.ends_at <= @now))";

    private const int LongestReason = 500;

    /// <summary>Between two pushes to an iPad that does not come.</summary>
    private static readonly TimeSpan[] PushPauses = [.. new[] { 1, 2, 5, 10, 20, 40, 60 }.Select(minutes => TimeSpan.FromMinutes(minutes))];

    public async Task<IReadOnlyList<ExamStandingRow>> Standings(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return await database.Read(s => s
            .Sql($"""
                SELECT {StandingColumns}, e.name, e.phase, e.starts_at, e.ends_at, e.revision, h.ending, h.finished_at, h.error_summary, e.lesson_class_id
                FROM exam_devices x JOIN exams e ON e.id = x.exam_id LEFT JOIN history h ON h.command_uuid = x.command_uuid AND h.enrolment_id = x.device_id
                WHERE x.device_id = @device AND x.state < 10 ORDER BY e.starts_at, e.id
                """)
            .Text("@device", deviceId)
            .List(row => new ExamStandingRow(
                ReadStanding(row), row.Text(StandingWidth), (ExamPhase)row.Short(StandingWidth + 1), row.Time(StandingWidth + 2), row.Time(StandingWidth + 3), row.Int(StandingWidth + 4),
                row.IsNull(StandingWidth + 5) ? null : (CommandEnding)row.Short(StandingWidth + 5), row.TimeOrNull(StandingWidth + 6), row.TextOrNull(StandingWidth + 7))
            {
                IsLesson = !row.IsNull(StandingWidth + 8),
            }));
    }

    public async Task<bool> Write(string deviceId, IReadOnlyList<ExamChange> changes)
    {
        StoredText.Check("The device id", deviceId);
        try
        {
            await database.Write(s => Write(s, deviceId, changes));
            return true;
        }
        catch (ChangedInBetweenException)
        {
            return false;
        }
    }

    private static async Task Write(Session s, string deviceId, IReadOnlyList<ExamChange> changes)
    {
        foreach (var (before, after) in changes)
        {
            var written = await s
                .Sql("""
                    UPDATE exam_devices SET stamp = @stamp + 1, state = @state, revision = @revision, installed = @installed, command_uuid = @uuid, attempts = @attempts, due_at = @due,
                      push_at = @push, pushes = @pushes, changed_at = @changed, locked_at = @locked, released_at = @released, reason = @reason
                    WHERE device_id = @device AND exam_id = @id AND stamp = @stamp
                    """)
                .Text("@device", deviceId).Text("@id", before.ExamId).Int("@stamp", before.Stamp).Short("@state", (short)after.State).Int("@revision", after.Revision)
                .Int("@installed", after.Installed).Text("@uuid", after.CommandUuid).Short("@attempts", after.Attempts).Time("@due", after.DueAt).Time("@push", after.PushAt)
                .Short("@pushes", after.Pushes).Time("@changed", after.ChangedAt).Time("@locked", after.LockedAt).Time("@released", after.ReleasedAt)
                .Text("@reason", after.Reason is { Length: > LongestReason } reason ? reason[..LongestReason] : after.Reason)
                .Execute();
            if (written > 0) continue;
            // By an attempt whose answer was lost.
            var standing = await s
                .Sql($"SELECT {StandingColumns} FROM exam_devices x WHERE x.device_id = @device AND x.exam_id = @id").Text("@device", deviceId).Text("@id", before.ExamId).First(ReadStanding);
            if (standing is null || (standing.Stamp, standing.State, standing.CommandUuid, standing.Revision) != (before.Stamp + 1, after.State, after.CommandUuid, after.Revision))
                throw new ChangedInBetweenException();
        }
    }

    private sealed class ChangedInBetweenException() : WorkRefusedException("The standing was changed in between.");

    public Task<bool> Reopen(string deviceId, string examId, DateTimeOffset at)
    {
        StoredText.Check("The device id", deviceId);
        StoredText.Check("The exam's id", examId);
        return database.Write(async s => await s
            .Sql($"UPDATE exam_devices SET state = 6, changed_at = @now, released_at = NULL, command_uuid = NULL, reason = NULL, {AtOnce} WHERE device_id = @device AND exam_id = @id AND state >= 10 AND revision > 0")
            .Time("@now", at).Text("@device", deviceId).Text("@id", examId).Execute() > 0);
    }

    public async Task<ExamTurn> Turn(DateTimeOffset now)
    {
        // Every few seconds, and nearly always nothing: nobody waits for a write that changes nothing.
        return await database.Read(s => s.Sql($"SELECT 1 FROM exams e WHERE {DueToTurn} LIMIT 1").Time("@now", now).First(_ => true)) ? await TurnThose(now) : new ExamTurn(0, 0);
    }

    private Task<ExamTurn> TurnThose(DateTimeOffset now) => database.Write(async s =>
    {
        var due = await s.Sql($"SELECT {Columns} FROM exams e WHERE {DueToTurn} ORDER BY e.id{database.ForUpdate}").Time("@now", now).List(row => Read(row));
        var (begun, ended) = (0, 0);
        foreach (var exam in due)
        {
            if (exam.Phase == ExamPhase.Coming && exam.EndsAt > now)
            {
                var count = await Begin(s, exam, now);
                await AuditColumns.Add(s, ByServer(now, AuditVerbs.ExamBegin, exam, count));
                begun++;
                continue;
            }

            var missed = exam.Phase == ExamPhase.Coming ? "The server did not run at the time of this exam. No iPad was locked." : null;
            await s.Sql("UPDATE exams SET phase = 2, problem = coalesce(@problem, problem) WHERE id = @id").Text("@problem", missed).Text("@id", exam.Id).Execute();
            await AuditColumns.Add(s, ByServer(now, AuditVerbs.ExamEnd, exam, await End(s, exam.Id, now)));
            ended++;
        }

        return new ExamTurn(begun, ended);
    }, timeout: LongTimeout);

    public async Task<IReadOnlyList<PushTarget>> TakePushes(DateTimeOffset now, int limit)
    {
        var ids = await database.Read(s => s
            .Sql("SELECT x.device_id FROM exam_devices x WHERE x.push_at <= @now ORDER BY x.push_at, x.device_id LIMIT @limit").Time("@now", now).Int("@limit", limit).List(row => row.Text(0)));
        return ids.Count == 0 ? [] : await TakePushes(now, [.. ids.Distinct(StringComparer.Ordinal)]);
    }

    private Task<IReadOnlyList<PushTarget>> TakePushes(DateTimeOffset now, IReadOnlyList<string> ids) => database.Write(async s =>
    {
        for (var level = PushPauses.Length - 1; level >= 0; level--)
        {
            await s
                .Sql($"""
                    UPDATE exam_devices SET pushes = CASE WHEN pushes < 1000 THEN pushes + 1 ELSE pushes END, push_at = @next
                    WHERE push_at <= @now AND pushes {(level == PushPauses.Length - 1 ? ">=" : "=")} @level AND device_id IN (SELECT id FROM {database.IdsTable})
                    """)
                .Time("@next", now + PushPauses[level]).Time("@now", now).Int("@level", level).Ids(ids).Execute();
        }

        return (IReadOnlyList<PushTarget>)await s.Sql($"SELECT {FleetQueries.PushColumns} FROM {DeviceColumns.Joined} WHERE {FleetQueries.Pushable} AND d.id IN (SELECT id FROM {database.IdsTable})").Ids(ids)
            .List(row => FleetQueries.ReadPushTarget(row));
    });

    public Task<int> CloseGone(DateTimeOffset now) => database.Write(s => s
        .Sql("""
            UPDATE exam_devices SET state = 14, due_at = NULL, push_at = NULL, changed_at = @now, released_at = @now, stamp = stamp + 1
            WHERE state < 10 AND state = 6 AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = exam_devices.device_id AND d.status IN (1, 2))
            """)
        .Time("@now", now).Execute());

    public async Task<int> Forget(DateTimeOffset endedBefore)
    {
        var ids = await database.Read(s => s
            .Sql("SELECT e.id FROM exams e WHERE e.phase = 2 AND e.ends_at < @before AND NOT EXISTS (SELECT 1 FROM exam_devices x WHERE x.exam_id = e.id AND x.state < 10)")
            .Time("@before", endedBefore).List(row => row.Text(0)));
        foreach (var id in ids) await database.Write(s => Drop(s, id));
        return ids.Count;
    }
}
