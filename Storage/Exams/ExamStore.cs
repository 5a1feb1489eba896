using System.Text.Json;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Exams;

/// <inheritdoc cref="IExamStore"/>
internal sealed partial class ExamStore(Database database, BodySealer sealer) : IExamStore
{
    private const string Columns = """
        e.id, e.version, e.name, e.school_id, e.target, e.class_ids, e.except_filter, e.kind, e.reference, e.asked, e.profile, e.needs, e.starts_at, e.ends_at, e.phase, e.revision, e.problem, e.ended_by,
        e.created_at, e.created_by, e.updated_at, e.updated_by, e.lesson_class_id, e.lesson_app, e.lesson_app_name
        """;

    private const int Width = 25;

    private const string Rows = $"SELECT {Columns}, c.name, c.time_zone FROM exams e LEFT JOIN schools c ON c.id = e.school_id";

    private const string StandingColumns = """
        x.exam_id, x.stamp, x.state, x.added, x.freed_at, x.revision, x.installed, x.command_uuid, x.attempts, x.due_at, x.push_at, x.pushes, x.changed_at, x.locked_at, x.released_at, x.reason
        """;

    private const int StandingWidth = 16;

    /// <summary>Of a row <c>x</c> and its iPad <c>d</c>, which may be missing: the state as it is shown.</summary>
    private const string ShownState = "CASE WHEN x.state < 10 AND (d.status IS NULL OR d.status NOT IN (1, 2)) THEN 14 ELSE x.state END";

    /// <summary>Who is to be released is woken at once, whatever was tried before.</summary>
    private const string AtOnce = "attempts = 0, due_at = @now, push_at = @now, pushes = 0, stamp = stamp + 1";

    /// <summary>Of what is sealed; bytes.</summary>
    private const int NameLength = 32;

    /// <summary>Exams at the same time that are looked at for a plan.</summary>
    private const int MostOverlaps = 20;

    private static readonly TimeSpan LongTimeout = TimeSpan.FromMinutes(2);

    public async Task<IReadOnlyList<ExamRow>> List(Scope scope, string? text, ExamPhase? phase, bool lessons, (DateTimeOffset StartsAt, string Id)? after, int limit)
    {
        StoredText.Check("The search", text);
        StoredText.Check("The exam to go on after", after?.Id);
        var search = text is null ? "" : " AND e.name_key LIKE @text ESCAPE '!'";
        var of = $"{(phase is null ? "" : " AND e.phase = @phase")} AND e.lesson_class_id IS {(lessons ? "NOT NULL" : "NULL")}";
        var beyond = after is null ? "" : " AND (e.starts_at < @starts OR (e.starts_at = @starts AND e.id < @after))";
        return await database.Read(s => s
            .Sql($"{Rows} WHERE {scope.Covers(database, "e.school_id")}{search}{of}{beyond} ORDER BY e.starts_at DESC, e.id DESC LIMIT @limit")
            .Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (text is not null) statement.Text("@text", Keys.Part(text));
                if (phase is { } one) statement.Short("@phase", (short)one);
                if (after is { } last) statement.Time("@starts", last.StartsAt).Text("@after", last.Id);
            })
            .List(ReadRow));
    }

    public Task<ExamRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The exam's id", id);
        return database.Read(s => s.Sql($"{Rows} WHERE e.id = @id AND {scope.Covers(database, "e.school_id")}").Text("@id", id).Within(scope).First(ReadRow));
    }

    public async Task<IReadOnlyList<ExamCount>> Count(Scope scope, IReadOnlyList<string> ids) => await database.Read(s => s
        .Sql($"""
            SELECT t.exam_id, t.state, count(*) FROM (
              SELECT x.exam_id, {ShownState} AS state FROM exam_devices x LEFT JOIN devices d ON d.id = x.device_id WHERE x.exam_id IN (SELECT id FROM {database.IdsTable}){scope.AndDevice(database)}) t
            GROUP BY t.exam_id, t.state
            """)
        .Ids(ids).Within(scope).List(row => new ExamCount(row.Text(0), (ExamState)row.Int(1), row.Long(2))));

    public async Task<long> CountWithoutApp(Scope scope, string id, string app, DateTimeOffset now)
    {
        StoredText.Check("The exam's id", id);
        StoredText.Check("The app", app);
        var (missing, bind) = AssignmentTargets.Condition(new FilterCondition(FilterField.MissingApp, FilterOperator.Equal, new FilterText(app)), now, database, "@m");
        return await database.Read(async s =>
        {
            const string inIt = "EXISTS (SELECT 1 FROM exam_devices x WHERE x.exam_id = @id AND x.device_id = d.id AND x.state < 6)";
            // Before it begins, nothing is written down of whom its target finds.
            var (condition, more) = await s.Sql($"{BesideSql} FROM exams e WHERE e.id = @id").Text("@id", id).First(ReadBeside) is { Phase: ExamPhase.Coming, HasTarget: true } coming
                ? await Standing(s, coming, now, inIt) : (inIt, null);
            return await s.Sql($"SELECT count(*) FROM {AssignmentTargets.Enrolled} AND ({condition}){scope.AndDevice(database)}{missing}")
                .Text("@id", id).Within(scope).Bind(more).Bind(bind).First(row => row.Long(0));
        });
    }

    public async Task<IReadOnlyList<(string Id, string Name, long Devices)>> ListUnreleased(Scope scope, int limit) => await database.Read(s => s
        .Sql($"""
            SELECT e.id, e.name, count(*) FROM exams e JOIN exam_devices x ON x.exam_id = e.id AND x.state = 6 JOIN devices d ON d.id = x.device_id AND d.status IN (1, 2)
            WHERE e.phase = 2 AND {scope.Covers(database, "e.school_id")}{scope.AndDevice(database)}
            GROUP BY e.id, e.name ORDER BY max(CASE WHEN e.lesson_class_id IS NULL THEN 0 ELSE 1 END), count(*) DESC, e.id LIMIT @limit
            """)
        .Within(scope).Int("@limit", limit).List(row => (row.Text(0), row.Text(1), row.Long(2))));

    public async Task<ExamPlan> Plan(
        Scope scope, string? id, ExamTarget target, DateTimeOffset startsAt, DateTimeOffset endsAt, IReadOnlyList<DeviceRequirement> requirements, string? app, int examples)
    {
        Check(target.Filter, target.Except, target.SchoolId, [.. target.DeviceIds, .. target.ClassIds]);
        StoredText.Check("The exam's id", id);
        var asked = RequirementSql.Checked(requirements);
        return await database.Read(async s =>
        {
            var (found, bind) = await Found(s, scope, target);
            var counted = await s
                .Sql($"SELECT count(*), coalesce(sum(CASE WHEN ({RequirementSql.Unmet(asked)}) = 0 THEN 1 ELSE 0 END), 0) FROM {found}").Bind(bind)
                .First(row => (Total: row.Long(0), Fits: row.Long(1)));
            var reasons = new List<OperationReason>();
            foreach (var (number, requirement) in asked.Index())
            {
                var fails = $"{found} AND ({RequirementSql.Fails(requirement)})";
                var count = await s.Sql($"SELECT count(*) FROM {fails}").Bind(bind).First(row => row.Long(0));
                if (count > 0) reasons.Add(new OperationReason(number, requirement, count) { Examples = await Some(s, fails, bind, examples) });
            }

            var overlaps = new List<ExamOverlap>();
            // The lock of a lesson gives way.
            const string at = "e.phase <> 2 AND e.lesson_class_id IS NULL AND e.id <> @id AND e.starts_at < @ends AND e.ends_at > @starts";
            var beside = await s
                .Sql($"{BesideSql} FROM exams e WHERE {at} ORDER BY e.starts_at, e.id LIMIT @limit")
                .Text("@id", id ?? "").Time("@starts", startsAt).Time("@ends", endsAt).Int("@limit", MostOverlaps).List(ReadBeside);
            var all = beside.Count < MostOverlaps ? beside.Count
                : await s.Sql($"SELECT count(*) FROM exams e WHERE {at}").Text("@id", id ?? "").Time("@starts", startsAt).Time("@ends", endsAt).First(row => row.Long(0));
            foreach (var other in beside)
            {
                const string inIt = "EXISTS (SELECT 1 FROM exam_devices o WHERE o.exam_id = @other AND o.device_id = d.id AND o.state < 10)";
                var (condition, more) = other.Phase == ExamPhase.Running || !other.HasTarget ? (inIt, null) : await Standing(s, other, target.Now, inIt);
                var count = await s.Sql($"SELECT count(*) FROM {found} AND ({condition})").Bind(bind).Bind(more).Text("@other", other.Id).First(row => row.Long(0));
                if (count > 0) overlaps.Add(new ExamOverlap(other.Id, other.Name, other.StartsAt, other.EndsAt, count));
            }

            var locked = await s
                .Sql($"""
                    SELECT count(*) FROM {found} AND EXISTS (
                      SELECT 1 FROM assignment_devices y JOIN assignments b ON b.id = y.assignment_id AND b.kind = 1 AND b.phase = 1
                      JOIN profiles p ON p.id = b.reference JOIN profile_versions v ON v.profile_id = p.id AND v.version = p.version AND v.payloads LIKE '%com.apple.app.lock%'
                      WHERE y.device_id = d.id AND y.state IN (1, 2, 3, 4))
                    """)
                .Bind(bind).First(row => row.Long(0));
            var without = 0L;
            if (app is not null)
            {
                var (missing, named) = AssignmentTargets.Condition(new FilterCondition(FilterField.MissingApp, FilterOperator.Equal, new FilterText(app)), target.Now, database, "@m");
                without = await s.Sql($"SELECT count(*) FROM {found}{missing}").Bind(bind).Bind(named).First(row => row.Long(0));
            }

            return new ExamPlan(counted.Total, counted.Fits, reasons, overlaps, all - beside.Count, locked, without, await Some(s, found, bind, examples));
        });
    }

    public Task<ExamOutcome> Create(Scope scope, Exam exam, IReadOnlyList<string> deviceIds, AuditRecord? audit)
    {
        Check(exam, deviceIds);
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT count(*) FROM exams WHERE phase <> 2 AND lesson_class_id IS NULL").First(row => row.Long(0)) >= IExamStore.MostOpen) return ExamOutcome.TooMany;
            if (await Refused(s, scope, exam, deviceIds) is { } refused) return refused;
            // By an attempt whose answer was lost, or by the same request before.
            if (!await Insert(s, exam)) return ExamOutcome.Written;
            await Name(s, scope, exam, deviceIds);
            var count = exam.StartsAt <= exam.UpdatedAt ? await Begin(s, exam, exam.UpdatedAt) : await Named(s, exam.Id);
            if (audit is not null) await AuditColumns.Add(s, audit with { Count = count });
            return ExamOutcome.Written;
        }, timeout: LongTimeout);
    }

    public Task<ExamOutcome> Change(Scope scope, Exam exam, IReadOnlyList<string> deviceIds, AuditRecord? audit)
    {
        Check(exam, deviceIds);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, exam.Id) is not { } standing) return ExamOutcome.NotFound;
            if (standing.Phase != ExamPhase.Coming) return IsWritten(standing, exam) ? ExamOutcome.Written : ExamOutcome.HasBegun;
            if (standing.Version != exam.Version - 1) return IsWritten(standing, exam) ? ExamOutcome.Written : ExamOutcome.VersionConflict;
            if (await Refused(s, scope, exam, deviceIds) is { } refused) return refused;
            await Bind(s.Sql("""
                UPDATE exams SET version = @version, name = @name, name_key = @key, school_id = @school, target = @target, class_ids = @classes, except_filter = @except, uses = @uses, kind = @kind,
                  reference = @reference, asked = @asked, profile = @profile, needs = @needs, starts_at = @starts, ends_at = @ends, problem = NULL, updated_at = @at, updated_by = @by
                WHERE id = @id
                """), exam).Int("@version", exam.Version).Execute();
            await s.Sql("DELETE FROM exam_devices WHERE exam_id = @id").Text("@id", exam.Id).Execute();
            await Name(s, scope, exam, deviceIds);
            var count = exam.StartsAt <= exam.UpdatedAt ? await Begin(s, exam, exam.UpdatedAt) : await Named(s, exam.Id);
            if (audit is not null) await AuditColumns.Add(s, audit with { Count = count });
            return ExamOutcome.Written;
        }, timeout: LongTimeout);
    }

    public Task<ExamOutcome> Prolong(Scope scope, string id, DateTimeOffset endsAt, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The exam's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is not { } standing) return ExamOutcome.NotFound;
            // By an attempt whose answer was lost.
            if (standing.Phase == ExamPhase.Running && standing.EndsAt == Milliseconds(endsAt)) return ExamOutcome.Written;
            if (standing.Phase != ExamPhase.Running || standing.EndsAt <= at) return ExamOutcome.NotRunning;
            await s.Sql("UPDATE exams SET ends_at = @ends, revision = revision + 1, version = version + 1, updated_at = @at, updated_by = @by WHERE id = @id")
                .Time("@ends", endsAt).Time("@at", at).Text("@by", by).Text("@id", id).Execute();
            var count = await s.Sql($"UPDATE exam_devices SET {AtOnce} WHERE exam_id = @id AND state < 6 AND freed_at IS NULL").Text("@id", id).Time("@now", at).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit with { Count = count });
            return ExamOutcome.Written;
        }, timeout: LongTimeout);
    }

    public Task<ExamOutcome> ReleaseAll(Scope scope, string id, DateTimeOffset at, string by, Func<long, AuditRecord?> audit)
    {
        StoredText.Check("The exam's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is not { } standing) return ExamOutcome.NotFound;
            if (standing.Phase == ExamPhase.Coming) return ExamOutcome.NotRunning;
            if (standing.Phase == ExamPhase.Running)
            {
                await s.Sql("UPDATE exams SET ends_at = CASE WHEN ends_at > @at THEN @at ELSE ends_at END, phase = 2, ended_by = @by, version = version + 1, updated_at = @at, updated_by = @by WHERE id = @id")
                    .Time("@at", at).Text("@by", by).Text("@id", id).Execute();
                await End(s, id, at);
            }

            var count = await s.Sql($"UPDATE exam_devices SET {AtOnce} WHERE exam_id = @id AND state = 6").Text("@id", id).Time("@now", at).Execute();
            if (audit(count) is { } record) await AuditColumns.Add(s, record);
            return ExamOutcome.Written;
        }, timeout: LongTimeout);
    }

    public Task<long?> Release(Scope scope, string id, IReadOnlyList<string> deviceIds, DateTimeOffset at, Func<long, AuditRecord?> audit)
    {
        StoredText.Check("The exam's id", id);
        foreach (var device in deviceIds) StoredText.Check("The iPad's id", device);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is null) return (long?)null;
            var some = $"exam_id = @id AND device_id IN (SELECT id FROM {database.IdsTable})";
            long count = await s.Sql($"UPDATE exam_devices SET freed_at = coalesce(freed_at, @now), {AtOnce} WHERE {some} AND state <= 6").Text("@id", id).Ids(deviceIds).Time("@now", at).Execute();
            await Let(s, $"{some} AND state < 6", statement => statement.Text("@id", id).Ids(deviceIds), at);
            if (audit(count) is { } record) await AuditColumns.Add(s, record);
            return count;
        }, timeout: LongTimeout);
    }

    public Task<(ExamOutcome Outcome, long Count)> Add(Scope scope, string id, IReadOnlyList<string> deviceIds, DateTimeOffset at, Func<long, AuditRecord?> audit)
    {
        StoredText.Check("The exam's id", id);
        foreach (var device in deviceIds) StoredText.Check("The iPad's id", device);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is not { } standing) return (ExamOutcome.NotFound, 0L);
            if (standing.Phase == ExamPhase.Over || standing.EndsAt <= at) return (ExamOutcome.NotRunning, 0L);
            if (await Put(s, scope, standing, deviceIds, at) is not { } count) return (ExamOutcome.TooManyDevices, 0L);
            if (audit(count) is { } record) await AuditColumns.Add(s, record);
            return (ExamOutcome.Written, count);
        }, timeout: LongTimeout);
    }

    public Task<ExamOutcome> Delete(Scope scope, string id, int? basedOn, AuditRecord? audit)
    {
        StoredText.Check("The exam's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is not { } standing) return ExamOutcome.NotFound;
            if (basedOn is { } seen && seen != standing.Version) return ExamOutcome.VersionConflict;
            if (standing.Phase == ExamPhase.Running) return ExamOutcome.NotReleased;
            if (standing.Phase == ExamPhase.Over
                && await s.Sql("SELECT 1 FROM exam_devices x JOIN devices d ON d.id = x.device_id AND d.status IN (1, 2) WHERE x.exam_id = @id AND x.state < 10").Text("@id", id).First(_ => true))
                return ExamOutcome.NotReleased;
            await Drop(s, id);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return ExamOutcome.Written;
        }, timeout: LongTimeout);
    }

    public async Task<IReadOnlyList<ExamDeviceRow>> ListDevices(Scope scope, string id, IReadOnlyList<ExamState> states, string? after, int limit)
    {
        StoredText.Check("The exam's id", id);
        StoredText.Check("The id to go on after", after);
        // Only numbers of ours.
        var of = states.Count == 0 ? "" : $" AND {ShownState} IN ({string.Join(", ", states.Select(state => (short)state))})";
        return await database.Read(s => s
            .Sql($"""
                SELECT {StandingColumns}, x.device_id, d.device_name, d.serial_number, d.school, d.status, d.battery_level, v.last_seen_at, v.pushed_at, v.push_result, d.push_token_dead,
                  q.sequence, q.not_now_count, q.not_now_at, q.unanswered_count, h.person_id, p.given_name, p.family_name
                FROM exam_devices x LEFT JOIN devices d ON d.id = x.device_id LEFT JOIN device_activity v ON v.id = x.device_id
                LEFT JOIN queue q ON q.enrolment_id = x.device_id AND q.command_uuid = x.command_uuid
                LEFT JOIN holdings h ON h.device_id = x.device_id AND h.returned_at IS NULL LEFT JOIN people p ON p.id = h.person_id
                WHERE x.exam_id = @id AND x.device_id > @after AND EXISTS (SELECT 1 FROM exams e WHERE e.id = x.exam_id AND {scope.Covers(database, "e.school_id")}){scope.AndDevice(database)}{of}
                ORDER BY x.device_id LIMIT @limit
                """)
            .Text("@id", id).Text("@after", after ?? "").Int("@limit", limit).Within(scope)
            .List(row => new ExamDeviceRow(ReadStanding(row), row.Text(StandingWidth))
            {
                DeviceName = row.TextOrNull(StandingWidth + 1),
                SerialNumber = row.TextOrNull(StandingWidth + 2),
                School = row.TextOrNull(StandingWidth + 3),
                Status = row.IsNull(StandingWidth + 4) ? null : (EnrolmentStatus)row.Short(StandingWidth + 4),
                BatteryLevel = row.DoubleOrNull(StandingWidth + 5),
                LastSeenAt = row.TimeOrNull(StandingWidth + 6),
                PushedAt = row.TimeOrNull(StandingWidth + 7),
                PushResult = row.TextOrNull(StandingWidth + 8),
                PushTokenDead = !row.IsNull(StandingWidth + 9),
                Waits = !row.IsNull(StandingWidth + 10),
                NotNowCount = row.IntOrNull(StandingWidth + 11) ?? 0,
                NotNowAt = row.TimeOrNull(StandingWidth + 12),
                UnansweredCount = row.IntOrNull(StandingWidth + 13) ?? 0,
                Holder = row.IsNull(StandingWidth + 15) ? null : $"{row.Text(StandingWidth + 15)} {row.Text(StandingWidth + 16)}".Trim(),
            }));
    }

    public async Task<IReadOnlyList<ExamOfDevice>> ListOfDevices(IReadOnlyList<string> deviceIds)
    {
        foreach (var id in deviceIds) StoredText.Check("The iPad's id", id);
        if (deviceIds.Count == 0) return [];
        return await database.Read(s => s
            .Sql($"""
                SELECT {StandingColumns}, x.device_id, e.name, e.school_id, e.phase, e.starts_at, e.ends_at, e.lesson_class_id, c.time_zone
                FROM exam_devices x JOIN exams e ON e.id = x.exam_id LEFT JOIN schools c ON c.id = e.school_id
                WHERE x.device_id IN (SELECT id FROM {database.IdsTable}) AND x.state < 10 ORDER BY e.starts_at, e.id, x.device_id
                """)
            .Ids(deviceIds).List(row => new ExamOfDevice(
                row.Text(StandingWidth), row.Text(0), row.Text(StandingWidth + 1), row.TextOrNull(StandingWidth + 2), (ExamPhase)row.Short(StandingWidth + 3), row.Time(StandingWidth + 4),
                row.Time(StandingWidth + 5), !row.IsNull(StandingWidth + 6), row.TextOrNull(StandingWidth + 7), ReadStanding(row))));
    }

    public async Task<IReadOnlyList<string>> ListDeviceIds(Scope scope, string id, IReadOnlyList<string>? among)
    {
        StoredText.Check("The exam's id", id);
        foreach (var one in among ?? []) StoredText.Check("The iPad's id", one);
        var some = among is null ? "" : $" AND x.device_id IN (SELECT id FROM {database.IdsTable})";
        return await database.Read(s => s
            .Sql($"""
                SELECT x.device_id FROM exam_devices x LEFT JOIN devices d ON d.id = x.device_id
                WHERE x.exam_id = @id AND EXISTS (SELECT 1 FROM exams e WHERE e.id = x.exam_id AND {scope.Covers(database, "e.school_id")}){scope.AndDevice(database)}{some} ORDER BY x.device_id
                """)
            .Text("@id", id).Within(scope).Bind(statement =>
            {
                if (among is not null) statement.Ids(among);
            })
            .List(row => row.Text(0)));
    }

    public async Task<IReadOnlyDictionary<string, (string Name, string CreatedBy, bool IsLesson)>> OfCommands(string deviceId, IReadOnlyList<string> commandUuids)
    {
        StoredText.Check("The iPad's id", deviceId);
        foreach (var uuid in commandUuids) StoredText.Check("The CommandUUID", uuid);
        if (commandUuids.Count == 0) return new Dictionary<string, (string, string, bool)>();
        return (await database.Read(s => s
            .Sql($"""
                SELECT x.command_uuid, e.name, e.created_by, e.lesson_class_id FROM exam_devices x JOIN exams e ON e.id = x.exam_id
                WHERE x.device_id = @device AND x.command_uuid IN (SELECT id FROM {database.IdsTable})
                """)
            .Text("@device", deviceId).Ids(commandUuids).List(row => (Uuid: row.Text(0), Of: (row.Text(1), row.Text(2), !row.IsNull(3))))))
            .ToDictionary(one => one.Uuid, one => one.Of, StringComparer.Ordinal);
    }

    public async Task<IReadOnlyDictionary<string, string>> Resolve(Scope scope, IReadOnlyList<string> named)
    {
        foreach (var one in named) StoredText.Check("The iPad", one);
        if (named.Count == 0) return new Dictionary<string, string>();
        var found = await database.Read(s => s
            .Sql($"""
                SELECT ids.id, d.id FROM {database.IdsTable} JOIN devices d ON d.id = ids.id AND d.status = 2 AND d.id = d.device_id AND d.kind <> 3 WHERE {scope.CoversDevice(database)}
                UNION
                SELECT ids.id, d.id FROM {database.IdsTable} JOIN devices d ON d.serial_number = ids.id AND d.status = 2 AND d.id = d.device_id AND d.kind <> 3 WHERE {scope.CoversDevice(database)}
                """)
            .Ids(named).Within(scope).List(row => (Named: row.Text(0), Id: row.Text(1))));
        // Two iPads of one serial number cannot be told apart by it.
        return found.GroupBy(one => one.Named, StringComparer.Ordinal).Where(group => group.Count() == 1).ToDictionary(group => group.Key, group => group.First().Id, StringComparer.Ordinal);
    }

    /// <summary>Puts iPads in, and those that were released again.</summary>
    /// <returns>How many; null: there would be too many.</returns>
    private async Task<long?> Put(Session s, Scope scope, Exam standing, IReadOnlyList<string> deviceIds, DateTimeOffset at)
    {
        var there = await s.Sql("SELECT count(*) FROM exam_devices WHERE exam_id = @id").Text("@id", standing.Id).First(row => row.Long(0));
        if (there + deviceIds.Count > IExamStore.MostDevices) return null;
        var now = standing.Phase == ExamPhase.Running ? at : (DateTimeOffset?)null;
        long count = await s
            .Sql($"""
                INSERT INTO exam_devices (device_id, exam_id, stamp, state, added, revision, attempts, due_at, push_at, pushes, changed_at)
                SELECT d.id, @id, 1, 1, @added, 0, 0, @due, @due, 0, @now FROM {AssignmentTargets.Enrolled} AND d.id IN (SELECT id FROM {database.IdsTable}){scope.AndDevice(database)}
                ORDER BY d.id
                ON CONFLICT (device_id, exam_id) DO UPDATE SET stamp = exam_devices.stamp + 1, state = 1, freed_at = NULL, installed = NULL, attempts = 0, due_at = excluded.due_at, push_at = excluded.push_at,
                  pushes = 0, changed_at = excluded.changed_at, released_at = NULL, reason = NULL
                WHERE exam_devices.state >= 10 OR exam_devices.freed_at IS NOT NULL
                """)
            .Text("@id", standing.Id).Bool("@added", true).Time("@due", now).Time("@now", at).Ids(deviceIds).Within(scope).Execute();
        if (now is not null) await Judge(s, standing);
        return count;
    }

    private static async Task Drop(Session s, string id)
    {
        await s.Sql("DELETE FROM exam_devices WHERE exam_id = @id").Text("@id", id).Execute();
        await s.Sql("DELETE FROM exams WHERE id = @id").Text("@id", id).Execute();
    }

    /// <summary>Writes down which iPads are in it.</summary>
    /// <returns>How many.</returns>
    private async Task<long> Begin(Session s, Exam exam, DateTimeOffset now)
    {
        string? problem = null;
        if (exam.Target is not null || exam.ClassIds.Count > 0)
        {
            try
            {
                var (condition, bind) = await Condition(s, new ExamTarget(exam.Target, exam.ClassIds, exam.Except, exam.SchoolId, [], now), null, "@f");
                var found = $"{AssignmentTargets.Enrolled} AND ({condition})";
                var count = await s.Sql($"SELECT count(*) FROM {found}").Bind(bind).First(row => row.Long(0));
                if (count > IExamStore.MostDevices) problem = $"Its target finds {count} iPads. An exam can have {IExamStore.MostDevices}. No iPad of the target was locked.";
                else
                {
                    await s
                        .Sql($"""
                            INSERT INTO exam_devices (device_id, exam_id, stamp, state, added, revision, attempts, pushes, changed_at)
                            SELECT d.id, @id, 1, 1, @added, 0, 0, 0, @now FROM {found} ORDER BY d.id ON CONFLICT (device_id, exam_id) DO NOTHING
                            """)
                        .Text("@id", exam.Id).Bool("@added", false).Time("@now", now).Bind(bind).Execute();
                }
            }
            catch (FilterException e)
            {
                problem = $"Its target cannot be used: {e.Message} No iPad of the target was locked.";
            }
        }

        await s.Sql("UPDATE exams SET phase = 1, problem = @problem WHERE id = @id").Text("@problem", problem).Text("@id", exam.Id).Execute();
        var all = await s.Sql($"UPDATE exam_devices SET changed_at = @now, {AtOnce} WHERE exam_id = @id AND state = 1").Text("@id", exam.Id).Time("@now", now).Execute();
        await Judge(s, exam);
        return all;
    }

    /// <summary>Who cannot be locked is not woken for it. The grain of an iPad looks again when it comes.</summary>
    private static async Task Judge(Session s, Exam exam)
    {
        foreach (var need in exam.Needs)
        {
            await s
                .Sql($"""
                    UPDATE exam_devices SET state = 4, reason = @words, push_at = NULL, stamp = stamp + 1
                    WHERE exam_id = @id AND state = 1 AND revision = 0 AND EXISTS (SELECT 1 FROM devices d WHERE d.id = exam_devices.device_id AND ({RequirementSql.Fails(need.Requirement)}))
                    """)
                .Text("@words", need.Words).Text("@id", exam.Id).Execute();
        }
    }

    private static Task<int> End(Session s, string id, DateTimeOffset now) => Let(s, "exam_id = @id AND state < 6", statement => statement.Text("@id", id), now);

    /// <summary>Who was never sent a lock is free; all others are to say so.</summary>
    /// <returns>How many are to be released.</returns>
    private static async Task<int> Let(Session s, string which, Action<Statement> bind, DateTimeOffset now)
    {
        await s
            .Sql($"UPDATE exam_devices SET state = 13, due_at = NULL, push_at = NULL, changed_at = @now, released_at = @now, stamp = stamp + 1 WHERE {which} AND revision = 0")
            .Bind(bind).Time("@now", now).Execute();
        return await s.Sql($"UPDATE exam_devices SET state = 6, changed_at = @now, reason = NULL, {AtOnce} WHERE {which} AND revision > 0").Bind(bind).Time("@now", now).Execute();
    }

    /// <summary>Writes those that were named one by one.</summary>
    private Task Name(Session s, Scope scope, Exam exam, IReadOnlyList<string> deviceIds) => deviceIds.Count == 0 ? Task.CompletedTask : s
        .Sql($"""
            INSERT INTO exam_devices (device_id, exam_id, stamp, state, added, revision, attempts, pushes, changed_at)
            SELECT d.id, @id, 1, 1, @added, 0, 0, 0, @now FROM {AssignmentTargets.Enrolled} AND d.id IN (SELECT id FROM {database.IdsTable}){scope.AndDevice(database)}
            ORDER BY d.id ON CONFLICT (device_id, exam_id) DO NOTHING
            """)
        .Text("@id", exam.Id).Bool("@added", true).Time("@now", exam.UpdatedAt).Ids(deviceIds).Within(scope).Execute();

    private static Task<long> Named(Session s, string id) => s.Sql("SELECT count(*) FROM exam_devices WHERE exam_id = @id").Text("@id", id).First(row => row.Long(0));

    /// <summary>The iPads that a target finds, and those that were named.</summary>
    private async Task<(string From, Action<Statement> Bind)> Found(Session s, Scope scope, ExamTarget target)
    {
        var named = $"d.id IN (SELECT id FROM {database.IdsTable}){scope.AndDevice(database)}";
        // A lesson's few iPads are found by their ids, not among all.
        if (target.Filter is null && target.ClassIds.Count == 0) return ($"{AssignmentTargets.Enrolled} AND {named}", statement => statement.Ids(target.DeviceIds).Within(scope));
        var (condition, bind) = await Condition(s, target, scope, "@f");
        if (target.DeviceIds.Count == 0) return ($"{AssignmentTargets.Enrolled} AND {condition}", statement => statement.Bind(bind));
        return ($"{AssignmentTargets.Enrolled} AND ({condition} OR ({named}))", statement => statement.Bind(bind).Ids(target.DeviceIds).Within(scope));
    }

    /// <summary>A condition on <c>devices d</c>: the filter finds it, or a pupil of one of the classes has it; and nothing excepts it.</summary>
    /// <param name="scope">Of the one who writes it: other groups do not exist. Null: it was written before.</param>
    /// <exception cref="FilterException">It cannot be used.</exception>
    private async Task<(string Condition, Action<Statement>? Bind)> Condition(Session s, ExamTarget target, Scope? scope, string prefix)
    {
        var (filter, bindFilter) = target.Filter is null ? (" AND 1 = 0", null)
            : AssignmentTargets.Condition(await AssignmentTargets.Node(s, new AssignmentTarget(target.Filter, target.Except, target.SchoolId, target.Now), scope), target.Now, database, prefix);
        if (target.ClassIds.Count == 0) return ($"(1 = 1{filter})", bindFilter);
        var (rest, bindRest) = AssignmentTargets.Condition(
            await AssignmentTargets.Node(s, new AssignmentTarget(null, target.Except, target.SchoolId, target.Now), scope), target.Now, database, prefix + "c");
        var has = $"""
            d.id IN (
              SELECT h.device_id FROM holdings h JOIN class_members m ON m.person_id = h.person_id AND m.role = 1
              WHERE h.returned_at IS NULL AND m.class_id IN ({database.JsonElements(prefix + "classes")}))
            """;
        return ($"((1 = 1{filter}) OR ({has}{rest}))", statement => statement.Bind(bindFilter).Bind(bindRest).Text(prefix + "classes", JsonSerializer.Serialize(target.ClassIds)));
    }

    /// <summary>A condition on <c>devices d</c>: it is in an exam that has not begun.</summary>
    private async Task<(string Condition, Action<Statement>? Bind)> Standing(Session s, Beside exam, DateTimeOffset now, string named)
    {
        try
        {
            var (condition, bind) = await Condition(s, new ExamTarget(exam.Target, exam.ClassIds, exam.Except, exam.SchoolId, [], now), null, "@o");
            return ($"{named} OR {condition}", bind);
        }
        catch (FilterException)
        {
            return (named, null);
        }
    }

    /// <summary>What speaks against the exam as it is to be; null: nothing.</summary>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    private async Task<ExamOutcome?> Refused(Session s, Scope scope, Exam exam, IReadOnlyList<string> deviceIds)
    {
        if (exam.SchoolId is { } school && !await s.Sql("SELECT 1 FROM schools WHERE id = @id").Text("@id", school).First(_ => true)) return ExamOutcome.UnknownSchool;
        var (found, bind) = await Found(s, scope, new ExamTarget(exam.Target, exam.ClassIds, exam.Except, exam.SchoolId, deviceIds, exam.UpdatedAt));
        var count = await s.Sql($"SELECT count(*) FROM {found}").Bind(bind).First(row => row.Long(0));
        if (count == 0 && exam.StartsAt <= exam.UpdatedAt) return ExamOutcome.Nobody;
        return count > IExamStore.MostDevices ? ExamOutcome.TooManyDevices : null;
    }

    /// <summary>An exam at the same time, with what says whom it is for.</summary>
    private sealed record Beside(
        string Id, string Name, string? SchoolId, string? Target, IReadOnlyList<string> ClassIds, string? Except, DateTimeOffset StartsAt, DateTimeOffset EndsAt, ExamPhase Phase)
    {
        /// <summary>It has more than iPads that were named one by one.</summary>
        public bool HasTarget => Target is not null || ClassIds.Count > 0;
    }

    private const string BesideSql = "SELECT e.id, e.name, e.school_id, e.target, e.class_ids, e.except_filter, e.starts_at, e.ends_at, e.phase";

    private static Beside ReadBeside(Row row) => new(
        row.Text(0), row.Text(1), row.TextOrNull(2), row.TextOrNull(3), ReadClasses(row, 4), row.TextOrNull(5), row.Time(6), row.Time(7), (ExamPhase)row.Short(8));

    private static List<string> ReadClasses(Row row, int at) => row.TextOrNull(at) is { } classes ? JsonSerializer.Deserialize<List<string>>(classes) ?? [] : [];

    /// <returns>False: it is there already.</returns>
    private async Task<bool> Insert(Session s, Exam exam) => await Bind(s.Sql("""
        INSERT INTO exams (id, version, name, name_key, school_id, target, class_ids, except_filter, uses, kind, reference, asked, profile, needs, starts_at, ends_at, phase, revision,
          created_at, created_by, updated_at, updated_by, lesson_class_id, lesson_app, lesson_app_name)
        VALUES (@id, 1, @name, @key, @school, @target, @classes, @except, @uses, @kind, @reference, @asked, @profile, @needs, @starts, @ends, 0, 1, @at, @by, @at, @by, @lesson, @app, @appName)
        ON CONFLICT (id) DO NOTHING
        """), exam).Text("@lesson", exam.Lesson?.ClassId).Text("@app", exam.Lesson?.App).Text("@appName", exam.Lesson?.AppName).Execute() > 0;

    private Task<Exam?> Lock(Session s, Scope scope, string id) => s
        .Sql($"SELECT {Columns} FROM exams e WHERE e.id = @id AND {scope.Covers(database, "e.school_id")}{database.ForUpdate}").Text("@id", id).Within(scope).First(row => Read(row));

    private static Task<List<LeftOutRow>> Some(Session s, string from, Action<Statement>? bind, int examples) => s
        .Sql($"SELECT d.id, d.serial_number, d.device_name, d.os_version FROM {from} ORDER BY d.id LIMIT @examples").Bind(bind).Int("@examples", examples)
        .List(row => new LeftOutRow(row.Text(0), row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3), 0));

    private static AuditRecord ByServer(DateTimeOffset at, string verb, Exam exam, long count) => AuditRecord.New(at, AuditActor.Server, verb) with
    {
        TargetKind = AuditTargets.Exam,
        TargetId = exam.Id,
        Detail = exam.Name,
        Count = count,
    };

    /// <summary>By an attempt whose answer was lost.</summary>
    private static bool IsWritten(Exam standing, Exam exam) =>
        (standing.Version, standing.Name, standing.Target, standing.Except, standing.SchoolId, standing.StartsAt, standing.EndsAt, standing.UpdatedBy)
        == (exam.Version, exam.Name, exam.Target, exam.Except, exam.SchoolId, Milliseconds(exam.StartsAt), Milliseconds(exam.EndsAt), exam.UpdatedBy)
        && standing.Profile.AsSpan().SequenceEqual(exam.Profile);

    private static DateTimeOffset Milliseconds(DateTimeOffset at) => DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());

    /// <summary>Under the data keys, as bodies: its name, and then what is sealed.</summary>
    private byte[] Seal(byte[] plain)
    {
        var name = sealer.Name(plain);
        return [.. name, .. sealer.SealBody(name, plain)];
    }

    private byte[] Open(byte[] stored) => sealer.OpenBody(stored.AsSpan(0, NameLength), stored[NameLength..]);

    private Statement Bind(Statement statement, Exam exam) => statement
        .Text("@id", exam.Id).Text("@name", exam.Name).Text("@key", Keys.Sort(exam.Name)).Text("@school", exam.SchoolId).Text("@target", exam.Target)
        .Text("@classes", exam.ClassIds.Count == 0 ? null : JsonSerializer.Serialize(exam.ClassIds)).Text("@except", exam.Except)
        .Text("@uses", AssignmentTargets.Uses(new AssignmentTarget(exam.Target, exam.Except, exam.SchoolId, exam.UpdatedAt))).Short("@kind", (short)exam.Kind).Text("@reference", exam.Reference)
        .Bytes("@asked", Seal(exam.Asked)).Bytes("@profile", Seal(exam.Profile)).Text("@needs", JsonSerializer.Serialize(exam.Needs)).Time("@starts", exam.StartsAt).Time("@ends", exam.EndsAt)
        .Time("@at", exam.UpdatedAt).Text("@by", exam.UpdatedBy);

    private static void Check(Exam exam, IReadOnlyList<string> deviceIds)
    {
        StoredText.Check("The exam's id", exam.Id);
        StoredText.Check("The name", exam.Name);
        StoredText.Check("The reference", exam.Reference);
        StoredText.Check("The name of who asked", exam.UpdatedBy);
        Check(exam.Target, exam.Except, exam.SchoolId, [.. deviceIds, .. exam.ClassIds]);
    }

    private static void Check(string? target, string? except, string? school, IReadOnlyList<string> deviceIds)
    {
        StoredText.Check("The target", target);
        StoredText.Check("The exceptions", except);
        StoredText.Check("The school's id", school);
        foreach (var id in deviceIds) StoredText.Check("The iPad's id", id);
    }

    private ExamRow ReadRow(Row row) => ReadRow(row, 0);

    private ExamRow ReadRow(Row row, int at) => new(Read(row, at), row.TextOrNull(at + Width), row.TextOrNull(at + Width + 1));

    private static ExamStanding ReadStanding(Row row) => new()
    {
        ExamId = row.Text(0),
        Stamp = row.Int(1),
        State = (ExamState)row.Short(2),
        Added = row.Bool(3),
        FreedAt = row.TimeOrNull(4),
        Revision = row.Int(5),
        Installed = row.IntOrNull(6),
        CommandUuid = row.TextOrNull(7),
        Attempts = row.Short(8),
        DueAt = row.TimeOrNull(9),
        PushAt = row.TimeOrNull(10),
        Pushes = row.Short(11),
        ChangedAt = row.Time(12),
        LockedAt = row.TimeOrNull(13),
        ReleasedAt = row.TimeOrNull(14),
        Reason = row.TextOrNull(15),
    };

    private Exam Read(Row row, int at = 0) => new()
    {
        Id = row.Text(at),
        Version = row.Int(at + 1),
        Name = row.Text(at + 2),
        SchoolId = row.TextOrNull(at + 3),
        Target = row.TextOrNull(at + 4),
        ClassIds = ReadClasses(row, at + 5),
        Except = row.TextOrNull(at + 6),
        Kind = (ExamKind)row.Short(at + 7),
        Reference = row.TextOrNull(at + 8),
        Asked = Open(row.Bytes(at + 9)),
        Profile = Open(row.Bytes(at + 10)),
        Needs = JsonSerializer.Deserialize<List<ExamNeed>>(row.Text(at + 11)) ?? [],
        StartsAt = row.Time(at + 12),
        EndsAt = row.Time(at + 13),
        Phase = (ExamPhase)row.Short(at + 14),
        Revision = row.Int(at + 15),
        Problem = row.TextOrNull(at + 16),
        EndedBy = row.TextOrNull(at + 17),
        CreatedAt = row.Time(at + 18),
        CreatedBy = row.Text(at + 19),
        UpdatedAt = row.Time(at + 20),
        UpdatedBy = row.Text(at + 21),
        Lesson = row.IsNull(at + 22) ? null : new ExamLesson(row.Text(at + 22), row.Text(at + 23), row.Text(at + 24)),
    };
}
