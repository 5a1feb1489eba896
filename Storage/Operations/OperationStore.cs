using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Returns;
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

    internal const string Columns =
        "id, command_uuid, request_type, body_hash, accepted_at, requested_by, total, announced_at, cancelled_at, pushed_after, pushed, target, left_out, pace, phase, retry_of, repeat_id, schools";

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

        return appended.Row ?? throw new OperationRefusedException(appended.Found, appended.Reasons);
    }

    public async Task<OperationPlan> Plan(Scope scope, IReadOnlyList<string>? ids, DeviceFilter? filter, IReadOnlyList<DeviceRequirement> requirements, int examples, string? holdersOf = null)
    {
        if (ids is null == filter is null)
            throw new ArgumentException("Exactly one of ids and filter is set.", nameof(ids));
        if (holdersOf is not null && filter is null)
            throw new ArgumentException("Those that have a profile are found by a filter.", nameof(holdersOf));
        StoredText.Check("The profile's id", holdersOf);
        foreach (var id in ids ?? [])
            StoredText.Check("An id of the target", id);
        if (filter is not null)
            DeviceConditions.Check(filter);
        var asked = RequirementSql.Checked(requirements);
        return await database.Read(async s =>
        {
            var target = Enrolled(scope, ids, filter is null ? null : await GroupRules.Expand(s, filter with { Scope = scope }), out var bind, holdersOf);
            var (total, fits, reasons) = await CountUnmet(s, target, asked, bind);
            var told = new List<OperationReason>();
            foreach (var reason in reasons)
            {
                told.Add(reason with
                {
                    Examples = await s
                        .Sql($"""
                            SELECT d.id, d.serial_number, d.device_name, d.os_version, 0 FROM {target} AND ({RequirementSql.Fails(reason.Requirement)})
                            ORDER BY d.id LIMIT @examples
                            """)
                        .Int("@examples", examples).Bind(bind).List(ReadLeftOut),
                });
            }

            return new OperationPlan(total, fits, told, await Unknown(s, scope, ids));
        });
    }

    public async Task<IReadOnlyList<OperationReason>> ListReasons(string id)
    {
        StoredText.Check("The operation's id", id);
        return await database.Read(s => s
            .Sql("SELECT number, kind, what, value, devices FROM operation_reasons WHERE operation_id = @id ORDER BY number").Text("@id", id)
            .List(row => new OperationReason(
                row.Short(0), new DeviceRequirement((DeviceRequirementKind)row.Short(1), row.Text(2), row.TextOrNull(3)), row.Long(4))));
    }

    public async Task<IReadOnlyList<LeftOutRow>> ListLeftOut(string id, string? after, int limit)
    {
        StoredText.Check("The operation's id", id);
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql("""
                SELECT l.enrolment_id, d.serial_number, d.device_name, d.os_version, l.unmet
                FROM operation_left_out l LEFT JOIN devices d ON d.id = l.enrolment_id
                WHERE l.operation_id = @id AND l.enrolment_id > @after ORDER BY l.enrolment_id LIMIT @limit
                """)
            .Text("@id", id).Text("@after", after ?? "").Int("@limit", limit).List(ReadLeftOut));
    }

    public Task<int> ForgetLeftOut(DateTimeOffset acceptedBefore, int limit) => database.Write(s => s
        .Sql("""
            DELETE FROM operation_left_out WHERE (operation_id, enrolment_id) IN (
              SELECT l.operation_id, l.enrolment_id FROM operations o JOIN operation_left_out l ON l.operation_id = o.id
              WHERE o.left_out > 0 AND o.accepted_at < @before LIMIT @limit)
            """)
        .Time("@before", acceptedBefore).Int("@limit", limit).Execute());

    private static LeftOutRow ReadLeftOut(Row row) => new(row.Text(0), row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3), row.Long(4));

    public Task<long> CountTarget(Scope scope, DeviceFilter filter)
    {
        DeviceConditions.Check(filter);
        filter = filter with { Scope = scope };
        return database.Read(async s =>
        {
            var meant = await GroupRules.Expand(s, filter);
            return await s.Sql($"SELECT count(*) FROM {DeviceColumns.Joined} WHERE d.status IN (1, 2){Channels(meant)}{DeviceConditions.Of(meant, database)}")
                .Bind(p => DeviceConditions.Bind(p, meant)).First(row => row.Long(0));
        });
    }

    public Task<OperationRow?> Find(string id)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(s => FindIn(s, id));
    }

    public Task<OperationRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(s => s
            .Sql($"SELECT {Columns} FROM operations WHERE id = @id AND {scope.CoversAll(database, "schools")}").Text("@id", id).Within(scope).First(Read));
    }

    public async Task<IReadOnlyList<OperationRow>> List(Scope scope, string? before, int limit)
    {
        StoredText.Check("The operation's id", before);
        return await database.Read(s => s
            .Sql($"""
                SELECT {Columns} FROM operations
                WHERE (@before IS NULL OR number < (SELECT b.number FROM operations b WHERE b.id = @before)) AND {scope.CoversAll(database, "schools")}
                ORDER BY number DESC LIMIT @limit
                """)
            .Text("@before", before).Int("@limit", limit).Within(scope).List(Read));
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
            if (part is OperationPart.NotBegun or OperationPart.Skipped) return operation.Pace is null ? [] : await Members(s, operation, part.Value, after, limit);
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

    /// <summary>Those of an operation with a pace that have no row in queue or history.</summary>
    private static async Task<IReadOnlyList<OperationDeviceRow>> Members(Session s, OperationRow operation, OperationPart part, string? after, int limit) => await s
        .Sql("""
            SELECT m.enrolment_id, d.serial_number, d.device_name FROM operation_members m LEFT JOIN devices d ON d.id = m.enrolment_id
            WHERE m.operation_id = @id AND m.enrolment_id > @after AND m.state = @state ORDER BY m.enrolment_id LIMIT @limit
            """)
        .Text("@id", operation.Id).Text("@after", after ?? "").Short("@state", (short)(part == OperationPart.NotBegun ? 0 : 2)).Int("@limit", limit)
        .List(row => new OperationDeviceRow
        {
            EnrolmentId = row.Text(0),
            SerialNumber = row.TextOrNull(1),
            DeviceName = row.TextOrNull(2),
            Part = part,
            NotNowCount = 0,
        });

    /// <summary>Those that answered an error; only they are tried again.</summary>
    public Task<long> CountFailures(Scope scope, string id)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(s => s.Sql($"SELECT count(*) FROM {Failures(scope, id, out var bind)}").Bind(bind).First(row => row.Long(0)));
    }

    public Task<ProfileOrder?> FindProfile(string id)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(s => s
            .Sql("""
                SELECT i.profile_id, i.version, i.wanted FROM operations o
                JOIN history h ON h.command_uuid = o.command_uuid AND h.operation_id = o.id AND h.ending IN (2, 3)
                JOIN profile_installs i ON i.device_id = h.enrolment_id AND i.command_uuid = o.command_uuid
                WHERE o.id = @id LIMIT 1
                """)
            .Text("@id", id).First(row => new ProfileOrder(row.Text(0), row.Int(1), row.Short(2) == 2)));
    }

    public async Task<bool> Cancel(string id, DateTimeOffset at, AuditRecord? audit = null)
    {
        StoredText.Check("The operation's id", id);
        return await database.Write(async s =>
        {
            var cancelled = await s
                .Sql("""
                    UPDATE operations SET cancelled_at = @at, next_at = NULL
                    WHERE id = @id AND cancelled_at IS NULL AND (phase IN (1, 2) OR EXISTS (SELECT 1 FROM queue q WHERE q.operation_id = @id))
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
        var requirements = RequirementSql.Checked(operation.Requirements);
        var unmet = RequirementSql.Unmet(requirements);
        if (operation.Filter is { } filter) operation = operation with { Filter = await GroupRules.ExpandOrNothing(s, filter with { Scope = operation.Scope }) };
        var target = Target(operation, out var bind);
        var numbered = operation.Expected is not null || operation.MustBeExpected;
        if (numbered && await FindIn(s, operation.Id) is null)
        {
            var (_, found, why) = await CountUnmet(s, target, requirements, statement => statement.Text("@uuid", operation.CommandUuid).Bind(bind));
            if (found == 0 || !IsExpected(operation, found)) return new Appended(null, found, why);
        }

        // 1. Whoever stores the operation's row appends; a repetition waits here for the first one, and finds it.
        var added = await s
            .Sql("""
                INSERT INTO operations (id, command_uuid, request_type, body_hash, accepted_at, expires_at, requested_by, pushed_after, target,
                  pace, phase, wave, next_at, announced_at, retry_of, repeat_id, schools)
                VALUES (@id, @uuid, @type, @hash, @accepted, @expires, @by, @pushed, @target, @pace, @phase, @wave, @next, @announced, @retryOf, @repeat, @schools)
                ON CONFLICT (id) DO NOTHING
                """)
            .Text("@id", operation.Id).Text("@uuid", operation.CommandUuid).Text("@type", operation.RequestType).Bytes("@hash", hash)
            .Time("@accepted", operation.AcceptedAt).Time("@expires", operation.ExpiresAt).Text("@by", operation.RequestedBy)
            .Long("@pushed", operation.Push && operation.Pace is null ? 0 : null).Text("@target", operation.Asked)
            .Text("@pace", operation.Pace?.Write()).Int("@phase", operation.Pace is null ? null : (int)OperationPhase.Running).Int("@wave", operation.Pace is null ? null : 1)
            // With a pace nothing is in queues yet: there is nothing to announce before its first wave begins.
            .Time("@next", operation.Pace is null ? null : operation.AcceptedAt).Time("@announced", operation.Pace is null ? null : operation.AcceptedAt)
            .Text("@retryOf", operation.FailedOf).Text("@repeat", operation.RepeatId).Text("@schools", operation.Scope.Stored).Execute();
        if (added == 0)
            return new Appended(await FindIn(s, operation.Id), 0, []);

        // 2. The body, once.
        await s.Sql(BodySql.Upsert)
            .Bytes("@hash", hash).Bytes("@body", sealer.SealBody(hash, operation.Body.Span))
            .Time("@now", time.GetUtcNow()).Time("@fresh", time.GetUtcNow() - BodySql.RefreshAfter).Execute();

        // 3. The queue rows, of those who can. With a pace: who they are, in an order that mixes models and ages, which the first digits of an id tell.
        var total = operation.Pace is not null
            ? await s
                .Sql($"""
                    INSERT INTO operation_members (operation_id, enrolment_id, position, school)
                    SELECT @operation, d.id, row_number() OVER (ORDER BY substr(d.id, length(d.id) - 5), d.id), coalesce(d.school, '')
                    FROM {target}{(requirements.Count > 0 ? $" AND ({unmet}) = 0" : "")}
                    """)
                .Text("@operation", operation.Id).Text("@uuid", operation.CommandUuid).Bind(bind).Execute()
            : await s
            .Sql($"""
                INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at, expires_at, operation_id)
                SELECT d.id, @uuid, @type, @hash, @accepted, @expires, @operation
                FROM {target}{(requirements.Count > 0 ? $" AND ({unmet}) = 0" : "")}
                ORDER BY d.id{(guarded ? " ON CONFLICT (command_uuid, enrolment_id) DO NOTHING" : "")}
                """)
            .Text("@uuid", operation.CommandUuid).Text("@type", operation.RequestType).Bytes("@hash", hash)
            .Time("@accepted", operation.AcceptedAt).Time("@expires", operation.ExpiresAt).Text("@operation", operation.Id)
            .Bind(bind).Execute();

        // 4. Those who cannot: who has the command now is no part of the target any more.
        if (numbered && !IsExpected(operation, total)) throw new TargetMovedException();
        var (leftOut, reasons) = requirements.Count > 0 ? await LeaveOut(s, operation, target, unmet, requirements, bind) : (0, []);

        // 5. How many they are, and who was not found.
        if (total == 0)
        {
            await s.Sql("DELETE FROM operation_left_out WHERE operation_id = @id").Text("@id", operation.Id).Execute();
            await s.Sql("DELETE FROM operation_reasons WHERE operation_id = @id").Text("@id", operation.Id).Execute();
            await s.Sql("DELETE FROM operations WHERE id = @id").Text("@id", operation.Id).Execute();
            return new Appended(null, 0, reasons);
        }

        if (operation.Pace is { } pace)
            await AddWaves(s, operation.Id, pace.Ends(total));
        else if (operation.Profile is { } profile)
            await KeepSent(s, operation.Id, operation.CommandUuid, operation.AcceptedAt, profile, after: 0);
        if (operation.Return is { } returns)
            await ReturnStore.Add(s, operation.Id, operation.CommandUuid, operation.AcceptedAt, operation.RequestedBy, returns, operation.Pace is not null);
        await s.Sql("UPDATE operations SET total = @total, left_out = @leftOut WHERE id = @id")
            .Long("@total", total).Long("@leftOut", leftOut).Text("@id", operation.Id).Execute();
        if (operation.Audit is { } audit)
            await AuditColumns.Add(s, audit with { Count = total });
        return new Appended((await FindIn(s, operation.Id))! with { UnknownIds = await Unknown(s, operation.Scope, operation.Ids) }, total, reasons);
    }

    private async Task<IReadOnlyList<string>> Unknown(Session s, Scope scope, IReadOnlyList<string>? ids) => ids is null ? [] : await s
        .Sql($"""
            SELECT ids.id FROM {database.IdsTable}
            WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = ids.id AND d.status IN (1, 2){scope.AndDevice(database)})
            LIMIT {MaxUnknownIds}
            """)
        .Ids(ids).Within(scope).List(row => row.Text(0));

    /// <summary>Names those of the target that do not meet the requirements, and counts why.</summary>
    private static async Task<(long LeftOut, IReadOnlyList<OperationReason> Reasons)> LeaveOut(
        Session s, OperationAppend operation, string target, string unmet, IReadOnlyList<DeviceRequirement> requirements, Action<Statement>? bind)
    {
        var leftOut = await s
            .Sql($"INSERT INTO operation_left_out (operation_id, enrolment_id, unmet) SELECT @operation, d.id, {unmet} FROM {target} AND ({unmet}) <> 0")
            .Text("@operation", operation.Id).Text("@uuid", operation.CommandUuid).Bind(bind).Execute();
        if (leftOut == 0)
            return (0, []);
        var counted = await s
            .Sql($"SELECT {Counts(requirements)} FROM operation_left_out u WHERE u.operation_id = @id").Text("@id", operation.Id)
            .First(row => requirements.Select((_, number) => row.Long(number)).ToList());
        var reasons = Reasons(requirements, counted!);
        foreach (var reason in reasons)
        {
            await s
                .Sql("INSERT INTO operation_reasons (operation_id, number, kind, what, value, devices) VALUES (@id, @number, @kind, @what, @value, @devices)")
                .Text("@id", operation.Id).Short("@number", (short)reason.Number).Short("@kind", (short)reason.Requirement.Kind)
                .Text("@what", reason.Requirement.What).Text("@value", reason.Requirement.Value).Long("@devices", reason.Devices).Execute();
        }

        return (leftOut, reasons);
    }

    private static async Task<(long Total, long Fits, IReadOnlyList<OperationReason> Reasons)> CountUnmet(
        Session s, string target, IReadOnlyList<DeviceRequirement> requirements, Action<Statement>? bind)
    {
        if (requirements.Count == 0)
        {
            var all = await s.Sql($"SELECT count(*) FROM {target}").Bind(bind).First(row => row.Long(0));
            return (all, all, []);
        }

        var counted = await s
            .Sql($"""
                SELECT count(*), coalesce(sum(CASE WHEN u.unmet = 0 THEN 1 ELSE 0 END), 0), {Counts(requirements)}
                FROM (SELECT {RequirementSql.Unmet(requirements)} AS unmet FROM {target}) AS u
                """)
            .Bind(bind).First(row => Enumerable.Range(0, requirements.Count + 2).Select(row.Long).ToList());
        return (counted![0], counted[1], Reasons(requirements, counted[2..]));
    }

    /// <summary>How many have each bit of <c>u.unmet</c>.</summary>
    private static string Counts(IReadOnlyList<DeviceRequirement> requirements) => string.Join(", ",
        requirements.Select((_, number) => $"coalesce(sum(CASE WHEN (u.unmet & {1L << number}) <> 0 THEN 1 ELSE 0 END), 0)"));

    private static List<OperationReason> Reasons(IReadOnlyList<DeviceRequirement> requirements, IReadOnlyList<long> counted) =>
        [.. requirements.Select((one, number) => new OperationReason(number, one, counted[number])).Where(reason => reason.Devices > 0)];

    private static async Task AddWaves(Session s, string id, IReadOnlyList<long> ends)
    {
        for (var i = 0; i < ends.Count; i++)
        {
            await s.Sql("INSERT INTO operation_waves (operation_id, wave, first_position, last_position) VALUES (@id, @wave, @first, @last)")
                .Text("@id", id).Int("@wave", i + 1).Long("@first", i == 0 ? 1 : ends[i - 1] + 1).Long("@last", ends[i]).Execute();
        }
    }

    /// <summary>What the library sent last to each enrolment of the operation.</summary>
    /// <param name="after">Only rows of the queue after this one.</param>
    internal static Task<int> KeepSent(Session s, string id, string commandUuid, DateTimeOffset at, ProfileOrder profile, long after) => s
        .Sql($"""
            INSERT INTO profile_installs (device_id, profile_id, version, command_uuid, wanted, outcome, changed_at)
            SELECT q.enrolment_id, @profile, @version, @uuid, @wanted, 0, @at FROM queue q
            WHERE q.command_uuid = @uuid AND q.operation_id = @operation AND q.sequence > @after
            {ProfileStore.InPlaceOfEarlier}
            """)
        .Text("@profile", profile.ProfileId).Int("@version", profile.Version).Text("@uuid", commandUuid).Short("@wanted", (short)(profile.Remove ? 2 : 1))
        .Time("@at", at).Text("@operation", id).Long("@after", after).Execute();

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
        {(operation.FailedOf is { } failed ? Failures(operation.Scope, failed, out bind) : Enrolled(operation.Scope, operation.Ids, operation.Filter, out bind, operation.HoldersOnly ? operation.Profile?.ProfileId : null))}
          AND NOT EXISTS (SELECT 1 FROM history h WHERE h.command_uuid = @uuid AND h.enrolment_id = d.id)
          AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.command_uuid = @uuid AND q.enrolment_id = d.id)
        """;

    /// <summary>Those on which an operation failed, and that are enrolled, as <c>d</c>.</summary>
    private string Failures(Scope scope, string operationId, out Action<Statement>? bind)
    {
        bind = statement => statement.Text("@failedOf", operationId).Within(scope);
        return $"""
            {DeviceColumns.Joined} WHERE d.status IN (1, 2) AND {scope.CoversDevice(database)} AND d.id IN (
              SELECT f.enrolment_id FROM history f
              WHERE f.command_uuid = (SELECT command_uuid FROM operations WHERE id = @failedOf) AND f.operation_id = @failedOf AND f.ending IN (2, 3))
            """;
    }

    /// <summary>Those that are enrolled and named, as <c>d</c>, whatever they have got.</summary>
    /// <param name="scope">Of the one who asks; that of the filter is the same.</param>
    /// <param name="ids">Named; null: found by the filter.</param>
    /// <param name="filter">Null: named.</param>
    /// <param name="bind">What the statement is given.</param>
    /// <param name="holders">Of a profile: only those that have it.</param>
    private string Enrolled(Scope scope, IReadOnlyList<string>? ids, DeviceFilter? filter, out Action<Statement>? bind, string? holders = null)
    {
        const string from = $"{DeviceColumns.Joined} WHERE d.status IN (1, 2)";
        if (ids is not null)
        {
            bind = statement => statement.Ids(ids).Within(scope);
            return $"{from} AND d.id IN (SELECT ids.id FROM {database.IdsTable}){scope.AndDevice(database)}";
        }

        if (holders is not null)
        {
            bind = statement =>
            {
                DeviceConditions.Bind(statement, filter!);
                statement.Text("@holders", holders);
            };
            return $"{from} AND d.id IN (SELECT i.device_id FROM profile_installs i WHERE i.profile_id = @holders AND {ProfileStore.Holds}){DeviceConditions.Of(filter!, database)}";
        }

        bind = statement => DeviceConditions.Bind(statement, filter!);
        return from + Channels(filter!) + DeviceConditions.Of(filter!, database);
    }

    /// <summary>User channels are only meant when their kind is named.</summary>
    private static string Channels(DeviceFilter filter) => filter.Kind is null ? $" AND d.kind <> {(short)EnrolmentKind.SharedUser}" : "";

    private static void Check(OperationAppend operation)
    {
        if ((operation.Ids is not null ? 1 : 0) + (operation.Filter is not null ? 1 : 0) + (operation.FailedOf is not null ? 1 : 0) != 1)
            throw new ArgumentException("Exactly one of Ids, Filter and FailedOf is set.", nameof(operation));
        StoredText.Check("The operation that is tried again", operation.FailedOf);
        StoredText.Check("The repeating operation's id", operation.RepeatId);
        StoredText.Check("The operation's id", operation.Id);
        StoredText.Check("The CommandUUID", operation.CommandUuid);
        StoredText.Check("The request type", operation.RequestType);
        StoredText.Check("The name of who asked", operation.RequestedBy);
        StoredText.Check("The profile's id", operation.Profile?.ProfileId);
        StoredText.Check("The profile's id", operation.Return?.WifiProfileId);
        StoredText.Check("The profile's name", operation.Return?.WifiName);
        if (operation.HoldersOnly && (operation.Profile is null || operation.Filter is null))
            throw new ArgumentException("HoldersOnly needs a profile and a filter.", nameof(operation));
        foreach (var id in operation.Ids ?? [])
            StoredText.Check("An id of the target", id);
        if (operation.Filter is { } filter)
            DeviceConditions.Check(filter);
    }

    private static Task<OperationRow?> FindIn(Session s, string id) =>
        s.Sql($"SELECT {Columns} FROM operations WHERE id = @id").Text("@id", id).First(Read);

    internal static OperationRow Read(Row row) => new()
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
        LeftOut = row.Long(12),
        Pace = row.TextOrNull(13),
        Phase = row.IsNull(14) ? null : (OperationPhase)row.Short(14),
        RetryOf = row.TextOrNull(15),
        RepeatId = row.TextOrNull(16),
        Scope = Scope.Read(row.TextOrNull(17)),
    };

    /// <param name="Row">Null: it was refused.</param>
    /// <param name="Reasons">Why others do not get it.</param>
    private sealed record Appended(OperationRow? Row, long Found, IReadOnlyList<OperationReason> Reasons);

    /// <summary>Rolls back what was queued for another number of iPads than was counted.</summary>
    private sealed class TargetMovedException() : WorkRefusedException("The target has changed.");
}
