using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Assignments;

/// <inheritdoc cref="IAssignmentStore"/>
internal sealed partial class AssignmentStore(Database database, BodySealer sealer) : IAssignmentStore
{
    private const string Columns = $"""
        a.id, a.version, a.name, a.kind, a.item, a.reference, a.removal, a.command, a.asked, a.revision, a.target, a.except_filter, a.school_id, a.keep, a.starts_at, a.ends_at,
        a.phase, a.deleted_at, a.created_at, a.created_by, a.updated_at, a.updated_by, a.content_location, a.content_adam, a.content_pricing, a.channel,
        {RollOutColumns}
        """;

    private const int Width = 34;

    private const string Rows = $"""
        SELECT {Columns}, x.name, p.version, p.name
        FROM assignments a LEFT JOIN schools x ON x.id = a.school_id LEFT JOIN profiles p ON p.id = a.reference AND a.kind = 1
        """;

    internal const string StandingColumns = "x.assignment_id, x.state, x.revision, x.installed, x.command_uuid, x.attempts, x.due_at, x.changed_at, x.reason";

    private const int StandingWidth = 9;

    /// <summary>Of what is sealed; bytes.</summary>
    private const int NameLength = 32;

    /// <summary>Assignments that are looked at by one statement.</summary>
    private const int AtOnce = 25;

    private const int LongestReason = 500;

    /// <summary>What people write, and may change.</summary>
    private const string ByPeople = "a.kind <> 6";

    private static readonly TimeSpan ReachTimeout = TimeSpan.FromMinutes(2);

    public async Task<IReadOnlyList<AssignmentRow>> List(Scope scope, string? text, string? after, int limit)
    {
        StoredText.Check("The search", text);
        StoredText.Check("The name to go on after", after);
        var search = text is null ? "" : " AND a.name_key LIKE @text ESCAPE '!'";
        return await database.Read(s => s
            .Sql($"{Rows} WHERE a.deleted_at IS NULL AND {ByPeople} AND a.name_key > @after AND {scope.Covers(database, "a.school_id")}{search} ORDER BY a.name_key LIMIT @limit")
            .Text("@after", Keys.Sort(after) ?? "").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (text is not null) statement.Text("@text", Keys.Part(text));
            })
            .List(ReadRow));
    }

    public Task<AssignmentRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The assignment's id", id);
        return database.Read(async s => await FindIn(s, scope, id) is { Assignment.Kind: not AssignmentKind.Classroom } row ? row : null);
    }

    public async Task<IReadOnlyList<AssignmentRow>> FindAll(IReadOnlyList<string> ids) =>
        ids.Count == 0 ? [] : await database.Read(s => s.Sql($"{Rows} WHERE a.id IN (SELECT id FROM {database.IdsTable})").Ids(ids).List(ReadRow));

    public async Task<IReadOnlyList<AssignmentCount>> Count(IReadOnlyList<string> ids) => await database.Read(s => s
        .Sql($"""
            SELECT x.assignment_id, x.state, count(*) FROM assignment_devices x JOIN devices d ON d.id = x.device_id AND d.status = 2
            WHERE x.assignment_id IN (SELECT id FROM {database.IdsTable}) GROUP BY x.assignment_id, x.state
            """)
        .Ids(ids).List(row => new AssignmentCount(row.Text(0), (AssignmentState)row.Short(1), row.Long(2))));

    public Task<long> CountFailed(Scope scope) => database.Read(s => s
        .Sql($"""
            SELECT count(DISTINCT d.id) FROM assignments a
            JOIN assignment_devices x ON x.assignment_id = a.id AND x.state IN (4, 8) JOIN devices e ON e.id = x.device_id AND e.status = 2 JOIN devices d ON d.id = e.device_id
            WHERE {scope.CoversDevice(database)}
            """)
        .Within(scope).First(row => row.Long(0)));

    public async Task<IReadOnlyList<string>> ListUsers(string reference, int limit)
    {
        StoredText.Check("The id", reference);
        return await database.Read(s => s
            .Sql("SELECT name FROM assignments WHERE reference = @reference AND deleted_at IS NULL AND phase <> 2 ORDER BY name_key LIMIT @limit")
            .Text("@reference", reference).Int("@limit", limit).List(row => row.Text(0)));
    }

    public async Task<AssignmentPlan> Plan(Scope scope, string? id, AssignmentTarget target, IReadOnlyList<DeviceRequirement> requirements, int examples, AssignedLicence? licence)
    {
        Check(target);
        StoredText.Check("The assignment's id", id);
        var asked = RequirementSql.Checked(requirements);
        return await database.Read(async s =>
        {
            var (condition, bind) = AssignmentTargets.Condition(await AssignmentTargets.Node(s, target, scope), target.Now, database);
            var (found, subject) = AssignmentTargets.Found(target.Channel, condition);
            var has = $"SELECT 1 FROM assignment_devices x WHERE x.device_id = {subject} AND x.assignment_id = @id AND x.state < 6";
            var counted = (await s
                .Sql($"""
                    SELECT count(*), coalesce(sum(CASE WHEN ({RequirementSql.Unmet(asked)}) = 0 THEN 1 ELSE 0 END), 0),
                      coalesce(sum(CASE WHEN EXISTS ({has}) THEN 0 ELSE 1 END), 0)
                    FROM {found}
                    """)
                .Bind(bind).Text("@id", id).First(row => (Total: row.Long(0), Fits: row.Long(1), Arriving: row.Long(2))));
            var reasons = new List<OperationReason>();
            foreach (var (number, requirement) in asked.Index())
            {
                var fails = $"{found} AND ({RequirementSql.Fails(requirement)})";
                var count = await s.Sql($"SELECT count(*) FROM {fails}").Bind(bind).First(row => row.Long(0));
                if (count > 0) reasons.Add(new OperationReason(number, requirement, count) { Examples = await Some(s, fails, bind, examples) });
            }

            // Of users: the iPad whose user it is.
            var leaves = $"""
                {DeviceColumns.Joined} JOIN devices e ON e.device_id = d.id AND e.status = 2 JOIN assignment_devices x ON x.device_id = e.id AND x.assignment_id = @id AND x.state < 6
                WHERE d.status = 2 AND NOT EXISTS (SELECT 1 FROM (SELECT {subject} AS found FROM {found}) f WHERE f.found = e.id)
                """;
            var (reached, notShared) = target.Channel == AssignmentChannel.Device ? (0L, 0L) : await s
                .Sql($"SELECT count(*), coalesce(sum(CASE WHEN d.is_shared THEN 0 ELSE 1 END), 0) FROM {AssignmentTargets.Enrolled}{condition}").Bind(bind).First(row => (row.Long(0), row.Long(1)));
            var leaving = id is null ? 0 : await s.Sql($"SELECT count(*) FROM {leaves}").Bind(bind).Text("@id", id).First(row => row.Long(0));
            return new AssignmentPlan(
                counted.Total, counted.Fits, reasons, counted.Arriving, leaving, await Some(s, found, bind, examples),
                leaving == 0 ? [] : await Some(s, leaves, statement => statement.Bind(bind).Text("@id", id), examples))
            {
                IPads = reached,
                NotShared = notShared,
                WithoutLicence = licence is null ? 0 : await CountLicences(s, licence, $"SELECT count(*) FROM {found} AND NOT EXISTS ({OfLicence} AND l.serial_number = d.serial_number AND l.state IN (2, 3))", bind),
                OthersWaiting = licence is null ? 0
                    : await CountLicences(s, licence, $"SELECT count(*) FROM ({OfLicence} AND l.state IN (1, 2) AND l.serial_number NOT IN (SELECT d.serial_number FROM {found} AND d.serial_number IS NOT NULL)) w", bind),
            };
        });
    }

    public Task<AssignmentOutcome> Create(Scope scope, Assignment assignment, AuditRecord? audit)
    {
        Check(assignment);
        return database.Write(async s =>
        {
            if (await s.Sql($"SELECT count(*) FROM assignments a WHERE a.deleted_at IS NULL AND {ByPeople}").First(row => row.Long(0)) >= IAssignmentStore.MostAssignments) return AssignmentOutcome.TooMany;
            if (await Refused(s, scope, assignment) is { } refused) return refused;
            var added = await Bind(s.Sql("""
                INSERT INTO assignments (id, version, name, name_key, kind, item, reference, removal, command, asked, revision, target, except_filter, uses, school_id, keep, starts_at, ends_at,
                  phase, created_at, created_by, updated_at, updated_by, content_location, content_adam, content_pricing, channel)
                VALUES (@id, 1, @name, @key, @kind, @item, @reference, @removal, @command, @asked, @revision, @target, @except, @uses, @school, @keep, @starts, @ends, @phase, @at, @by, @at, @by, @contentLocation, @contentAdam, @contentPricing, @channel)
                ON CONFLICT DO NOTHING
                """), assignment).Execute();
            if (added == 0) return await IsWritten(s, assignment) ? AssignmentOutcome.Written : AssignmentOutcome.NameTaken;
            await BeginAnew(s, assignment);
            await Written(s, assignment, audit);
            return AssignmentOutcome.Written;
        }, timeout: ReachTimeout);
    }

    public Task<AssignmentOutcome> Change(Scope scope, Assignment assignment, AuditRecord? audit)
    {
        Check(assignment);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, assignment.Id) is not { } standing) return AssignmentOutcome.NotFound;
            if (standing.Version != assignment.Version - 1) return await IsWritten(s, assignment) ? AssignmentOutcome.Written : AssignmentOutcome.VersionConflict;
            if (await s.Sql("SELECT 1 FROM assignments WHERE name_key = @key AND id <> @id AND deleted_at IS NULL").Text("@key", Keys.Sort(assignment.Name)).Text("@id", assignment.Id).First(_ => true))
                return AssignmentOutcome.NameTaken;
            if (await Refused(s, scope, assignment) is { } refused) return refused;
            await Bind(s.Sql("""
                UPDATE assignments SET version = @version, name = @name, name_key = @key, kind = @kind, item = @item, reference = @reference, removal = @removal, command = @command, asked = @asked,
                  revision = @revision, target = @target, except_filter = @except, uses = @uses, school_id = @school, keep = @keep, starts_at = @starts, ends_at = @ends, phase = @phase,
                  updated_at = @at, updated_by = @by, content_location = @contentLocation, content_adam = @contentAdam, content_pricing = @contentPricing, channel = @channel
                WHERE id = @id
                """), assignment).Int("@version", assignment.Version).Execute();
            await BeginAnew(s, assignment);
            await Written(s, assignment, audit, standing.Licence);
            return AssignmentOutcome.Written;
        }, timeout: ReachTimeout);
    }

    public Task<AssignmentOutcome> Delete(Scope scope, string id, DateTimeOffset at, AuditRecord? audit)
    {
        StoredText.Check("The assignment's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is not { } standing) return AssignmentOutcome.NotFound;
            await s.Sql("UPDATE assignments SET deleted_at = @at, phase = 2, version = version + 1 WHERE id = @id").Time("@at", at).Text("@id", id).Execute();
            await Written(s, standing with { Phase = AssignmentPhase.Over, UpdatedAt = at }, audit);
            return AssignmentOutcome.Written;
        }, timeout: ReachTimeout);
    }

    public async Task<IReadOnlyList<AssignmentDeviceRow>> ListDevices(Scope scope, string id, AssignmentState? state, string? after, int limit)
    {
        StoredText.Check("The assignment's id", id);
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT {StandingColumns}, e.id, d.id, e.user_short_name, d.device_name, d.serial_number, d.school, v.last_seen_at
                FROM assignment_devices x JOIN devices e ON e.id = x.device_id AND e.status = 2 JOIN devices d ON d.id = e.device_id LEFT JOIN device_activity v ON v.id = e.id
                WHERE x.assignment_id = @id AND x.device_id > @after AND {scope.CoversDevice(database)}{(state is null ? "" : " AND x.state = @state")}
                ORDER BY x.device_id LIMIT @limit
                """)
            .Text("@id", id).Text("@after", after ?? "").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (state is { } one) statement.Short("@state", (short)one);
            })
            .List(row => new AssignmentDeviceRow(
                ReadStanding(row), row.Text(StandingWidth), row.Text(StandingWidth + 1), row.TextOrNull(StandingWidth + 2), row.TextOrNull(StandingWidth + 3), row.TextOrNull(StandingWidth + 4),
                row.TextOrNull(StandingWidth + 5), row.TimeOrNull(StandingWidth + 6))));
    }

    public async Task<IReadOnlyList<AssignmentUserRow>> ListOfUsers(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return await database.Read(s => s
            .Sql($"""
                SELECT {StandingColumns}, e.id, n.name, p.name
                FROM devices e JOIN assignment_devices x ON x.device_id = e.id JOIN assignments n ON n.id = x.assignment_id LEFT JOIN profiles p ON p.id = n.reference AND n.kind = 1
                WHERE e.device_id = @device AND e.device_id <> e.id AND e.status = 2 ORDER BY e.id, n.name_key, n.id
                """)
            .Text("@device", deviceId).List(row => new AssignmentUserRow(row.Text(StandingWidth), ReadStanding(row), row.Text(StandingWidth + 1), row.TextOrNull(StandingWidth + 2))));
    }

    public async Task<IReadOnlyList<string>> MatchUsersOf(string deviceId, DateTimeOffset now)
    {
        StoredText.Check("The device id", deviceId);
        return await database.Read(s => Matching(s, deviceId, AssignmentChannel.User, now));
    }

    public async Task<IReadOnlyList<AssignmentStandingRow>> ListOfDevice(string deviceId) => (await Standings(deviceId)).Rows;

    public Task<(IReadOnlyList<AssignmentStandingRow> Rows, long Number)> Standings(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(async s =>
        {
            var rows = await s
                .Sql($"""
                    SELECT {StandingColumns}, h.ending, h.finished_at, h.error_summary
                    FROM assignment_devices x LEFT JOIN history h ON h.command_uuid = x.command_uuid AND h.enrolment_id = x.device_id
                    WHERE x.device_id = @device ORDER BY x.assignment_id
                    """)
                .Text("@device", deviceId)
                .List(row => new AssignmentStandingRow(
                    ReadStanding(row), row.IsNull(StandingWidth) ? null : (CommandEnding)row.Short(StandingWidth), row.TimeOrNull(StandingWidth + 1), row.TextOrNull(StandingWidth + 2)));
            // The number last: whatever wrote the rows is in that plan.
            return ((IReadOnlyList<AssignmentStandingRow>)rows, await Number(s));
        });
    }

    public Task<long> Retry(Scope scope, string id, DateTimeOffset at, Func<long, AuditRecord?> audit)
    {
        StoredText.Check("The assignment's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is null) return 0L;
            long count = await s
                .Sql("UPDATE assignment_devices SET due_at = @at, attempts = 0, changed_at = @at WHERE assignment_id = @id AND state IN (4, 8)").Time("@at", at).Text("@id", id).Execute();
            if (audit(count) is { } record) await AuditColumns.Add(s, record);
            return count;
        }, timeout: ReachTimeout);
    }

    public Task<long> Number() => database.Read(Number);

    public Task<(long Number, IReadOnlyList<AssignmentRow> Rows)> Load() => database.Read(async s =>
        // The number first: what changes in between makes it old.
        (await Number(s), (IReadOnlyList<AssignmentRow>)await s.Sql(Rows).List(ReadRow)));

    public Task<(IReadOnlyList<string> Ids, long Number)> Match(string deviceId, DateTimeOffset now)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(async s =>
        {
            // Neither ids of iPads nor those of users have a colon of their own.
            var channel = deviceId.Contains(':', StringComparison.Ordinal) ? AssignmentChannel.User : AssignmentChannel.Device;
            return (await Matching(s, deviceId, channel, now), await Number(s));
        });
    }

    /// <param name="enrolmentId">Of an iPad, or of one of its users.</param>
    private async Task<IReadOnlyList<string>> Matching(Session s, string enrolmentId, AssignmentChannel channel, DateTimeOffset now)
    {
        // Without what they send: it is sealed.
        var all = await s
            .Sql("SELECT id, target, except_filter, school_id, kind, roll_out_limit FROM assignments WHERE phase = 1 AND channel = @channel").Short("@channel", (short)channel)
            .List(row => (Id: row.Text(0), Target: new AssignmentTarget(row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3), now), IsClassroom: row.Short(4) == (short)AssignmentKind.Classroom, IsLimited: !row.IsNull(5)));
        var found = new List<string>();
        foreach (var some in all.Chunk(AtOnce))
        {
            var conditions = new List<(string Id, string Condition, Action<Statement>? Bind)>();
            foreach (var (number, (id, target, isClassroom, isLimited)) in some.Index())
            {
                var (usable, node) = await AssignmentTargets.Standing(s, target);
                var (condition, bind) = AssignmentTargets.Condition(node, now, database, $"@a{number}_");
                if (usable && !isLimited)
                {
                    conditions.Add((id, "1 = 1" + condition + (isClassroom ? AssignmentTargets.OfClassroom : ""), bind));
                    continue;
                }

                // What cannot be used any more changes nothing. Of one that is rolled out: whose turn has come has a row.
                var name = $"@has{number}";
                conditions.Add((id, $"EXISTS (SELECT 1 FROM assignment_devices x WHERE x.device_id = @device AND x.assignment_id = {name}{(usable ? " AND x.state < 6" : "")}){(usable ? condition : "")}", statement =>
                {
                    statement.Text(name, id);
                    if (usable) bind?.Invoke(statement);
                }
                ));
            }

            var flags = await s
                .Sql($"""
                    SELECT {string.Join(", ", conditions.Select(one => $"CASE WHEN {one.Condition} THEN 1 ELSE 0 END"))}
                    FROM {AssignmentTargets.Enrolled} AND d.id = (SELECT e.device_id FROM devices e WHERE e.id = @device AND e.status = 2)
                    """)
                .Text("@device", enrolmentId)
                .Bind(statement =>
                {
                    foreach (var (_, _, bind) in conditions) bind?.Invoke(statement);
                })
                .First(row => conditions.Where((_, number) => row.Int(number) == 1).Select(one => one.Id).ToList());
            if (flags is not null) found.AddRange(flags);
        }

        return found;
    }

    public async Task<bool> Write(string deviceId, IReadOnlyList<AssignmentChange> changes)
    {
        StoredText.Check("The device id", deviceId);
        try
        {
            await database.Write(s => WriteIn(s, deviceId, changes));
            return true;
        }
        catch (ChangedInBetweenException)
        {
            return false;
        }
    }

    /// <summary>For those who write more in the same transaction.</summary>
    /// <exception cref="ChangedInBetweenException">One of them is not as it was read.</exception>
    internal static async Task WriteIn(Session s, string deviceId, IReadOnlyList<AssignmentChange> changes)
    {
        foreach (var (before, after) in changes)
        {
            const string same = "device_id = @device AND assignment_id = @id AND state = @was AND revision = @wasRevision AND changed_at = @wasChanged";
            const string values = "@state, @revision, @installed, @uuid, @attempts, @due, @changed, @reason";
            var statement = s.Sql((before, after) switch
            {
                (null, not null) => $"""
                    INSERT INTO assignment_devices (device_id, assignment_id, state, revision, installed, command_uuid, attempts, due_at, changed_at, reason)
                    VALUES (@device, @id, {values}) ON CONFLICT (device_id, assignment_id) DO NOTHING
                    """,
                (not null, null) => $"DELETE FROM assignment_devices WHERE {same}",
                _ => $"""
                    UPDATE assignment_devices SET state = @state, revision = @revision, installed = @installed, command_uuid = @uuid, attempts = @attempts, due_at = @due,
                      changed_at = @changed, reason = @reason
                    WHERE {same}
                    """,
            });
            statement.Text("@device", deviceId).Text("@id", (before ?? after)!.AssignmentId);
            if (before is not null) statement.Short("@was", (short)before.State).Int("@wasRevision", before.Revision).Time("@wasChanged", before.ChangedAt);
            if (after is { } one)
            {
                statement.Short("@state", (short)one.State).Int("@revision", one.Revision).Int("@installed", one.Installed).Text("@uuid", one.CommandUuid)
                    .Short("@attempts", one.Attempts).Time("@due", one.DueAt).Time("@changed", one.ChangedAt)
                    .Text("@reason", one.Reason is { Length: > LongestReason } reason ? reason[..LongestReason] : one.Reason);
            }

            if (await statement.Execute() == 0 && !await IsDone(s, deviceId, before, after)) throw new ChangedInBetweenException();
        }

        // The library knows what was sent last, whoever sent it.
        foreach (var sent in changes.Select(change => change.After).OfType<AssignmentStanding>().Where(one => one.State is AssignmentState.Sent or AssignmentState.Removing))
        {
            await s
                .Sql($"""
                    INSERT INTO profile_installs (device_id, profile_id, version, command_uuid, wanted, outcome, changed_at)
                    SELECT @device, a.reference, @version, @uuid, @wanted, 0, @at FROM assignments a WHERE a.id = @id AND a.kind = 1
                    {ProfileStore.InPlaceOfEarlier}
                    """)
                .Text("@device", deviceId).Int("@version", sent.Revision).Text("@uuid", sent.CommandUuid).Short("@wanted", (short)(sent.State == AssignmentState.Removing ? 2 : 1))
                .Time("@at", sent.ChangedAt).Text("@id", sent.AssignmentId).Execute();
        }
    }

    /// <summary>By an attempt whose answer was lost.</summary>
    private static async Task<bool> IsDone(Session s, string deviceId, AssignmentStanding? before, AssignmentStanding? after)
    {
        var standing = await s
            .Sql($"SELECT {StandingColumns} FROM assignment_devices x WHERE x.device_id = @device AND x.assignment_id = @id")
            .Text("@device", deviceId).Text("@id", (before ?? after)!.AssignmentId).First(ReadStanding);
        return after is null ? standing is null : standing is not null && (standing.State, standing.Revision, standing.CommandUuid, standing.ChangedAt) == (after.State, after.Revision, after.CommandUuid, after.ChangedAt);
    }

    private const string DueToTurn = "(a.phase = 0 AND a.starts_at <= @now) OR (a.phase = 1 AND a.ends_at <= @now)";

    /// <remarks>It is asked every few seconds, and nearly always there is nothing: whoever writes is not held up.</remarks>
    public async Task<int> Turn(DateTimeOffset now) =>
        await database.Read(s => s.Sql($"SELECT 1 FROM assignments a WHERE {DueToTurn} LIMIT 1").Time("@now", now).First(_ => true)) ? await TurnThose(now) : 0;

    private Task<int> TurnThose(DateTimeOffset now) => database.Write(async s =>
    {
        var due = await s.Sql($"{Rows} WHERE {DueToTurn}").Time("@now", now).List(ReadRow);
        foreach (var row in due)
        {
            var turned = row.Assignment with { Phase = PhaseAt(row.Assignment, now), UpdatedAt = now };
            await s.Sql("UPDATE assignments SET phase = @phase WHERE id = @id").Short("@phase", (short)turned.Phase).Text("@id", turned.Id).Execute();
            // One whose target cannot be used any more is for no iPad that it is not for already, and holds up no other.
            if (turned.Phase != AssignmentPhase.InForce || (await AssignmentTargets.Standing(s, TargetOf(turned, now))).Usable)
                await Reach(s, row with { Assignment = turned }, now);
        }

        if (due.Count > 0) await NextNumber(s);
        return due.Count;
    }, timeout: ReachTimeout);

    public async Task<long> Reach(Func<IReadOnlySet<FilterField>, bool> depends, DateTimeOffset now)
    {
        var changed = 0L;
        // One transaction each: nobody waits for all of them.
        foreach (var id in await database.Read(s => s.Sql("SELECT id FROM assignments WHERE deleted_at IS NULL ORDER BY id").List(row => row.Text(0))))
        {
            changed += await database.Write(async s =>
            {
                if (await FindIn(s, Scope.District, id) is not { } standing) return 0L;
                var (usable, node) = await AssignmentTargets.Standing(s, TargetOf(standing.Assignment, now));
                // What is newer for Classroom, whoever works that out has renewed already, for those iPads alone.
                var count = usable && depends(AssignmentTargets.Fields(node)) ? await Reach(s, standing, now)
                    : standing.Assignment.Kind == AssignmentKind.Classroom ? 0
                    : await Renew(s, standing, now);
                if (count > 0) await NextNumber(s);
                return count;
            }, timeout: ReachTimeout);
        }

        return changed;
    }

    public Task<int> Forget() => database.Write(async s =>
    {
        // What an iPad that left should have is nobody's business.
        await s.Sql("""
            DELETE FROM assignment_devices WHERE assignment_id IN (SELECT a.id FROM assignments a WHERE a.deleted_at IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = assignment_devices.device_id AND d.status IN (1, 2))
            """).Execute();
        var gone = await s.Sql("DELETE FROM assignments WHERE deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM assignment_devices x WHERE x.assignment_id = assignments.id)").Execute();
        if (gone > 0) await NextNumber(s);
        return gone;
    });

    public async Task<IReadOnlyList<PushTarget>> ListUntold(DateTimeOffset now, DateTimeOffset dueSince, DateTimeOffset pushedBefore, string? after, int limit)
    {
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT {FleetQueries.PushColumns} FROM {DeviceColumns.Joined}
                WHERE d.id > @after AND {FleetQueries.Pushable} AND d.status = 2
                  AND EXISTS (
                    SELECT 1 FROM assignment_devices x
                    WHERE x.device_id = d.id AND x.due_at <= @now
                      AND ((x.state <> 2 AND x.state <> 7) OR EXISTS (SELECT 1 FROM assignments k WHERE k.id = x.assignment_id AND k.kind IN (4, 5)))
                      AND (x.due_at >= @since OR a.pushed_at IS NULL OR a.pushed_at < x.due_at OR a.pushed_at < @again))
                ORDER BY d.id LIMIT @limit
                """)
            .Text("@after", after ?? "").Time("@now", now).Time("@since", dueSince).Time("@again", pushedBefore).Int("@limit", limit)
            .List(row => FleetQueries.ReadPushTarget(row)));
    }

    /// <summary>The phase that an assignment has at a time.</summary>
    public static AssignmentPhase PhaseAt(Assignment assignment, DateTimeOffset now) =>
        assignment.DeletedAt is not null || assignment.EndsAt <= now ? AssignmentPhase.Over
        : assignment.StartsAt > now ? AssignmentPhase.Coming
        : AssignmentPhase.InForce;

    private async Task Written(Session s, Assignment assignment, AuditRecord? audit, AssignedLicence? before = null)
    {
        var reached = await Reach(s, (await FindIn(s, Scope.District, assignment.Id, deleted: true))!, assignment.UpdatedAt);
        await NextNumber(s);
        // Also when no iPad came or went: it may want another app, or leave it on iPads.
        await Touch(s, assignment.Licence);
        if (before is not null && before.LocationId != assignment.Licence?.LocationId) await Touch(s, before);
        if (audit is not null) await AuditColumns.Add(s, audit with { Count = reached });
    }

    /// <summary>Writes which iPads come under an assignment, and which leave it.</summary>
    /// <param name="only">Of these iPads; null: of all.</param>
    /// <returns>For how many something changed.</returns>
    internal static async Task<long> Reach(Session s, AssignmentRow row, DateTimeOffset now, IReadOnlyList<string>? only = null)
    {
        var assignment = row.Assignment;
        var node = assignment.Phase == AssignmentPhase.InForce ? await AssignmentTargets.Node(s, TargetOf(assignment, now)) : new FilterNothing();
        var (condition, bindTarget) = AssignmentTargets.Condition(node, now, s.Database);
        if (assignment.Kind == AssignmentKind.Classroom) condition += AssignmentTargets.OfClassroom;
        if (only is not null) condition += $" AND d.id IN (SELECT id FROM {s.Database.IdsTable})";
        var (found, subject) = AssignmentTargets.Found(assignment.Channel, condition);
        var changed = 0L;
        void bind(Statement statement)
        {
            bindTarget?.Invoke(statement);
            if (only is not null) statement.Ids(only);
        }

        var (wave, room) = await TurnOf(s, assignment, found, subject, bind, now);

        // 1. Those that come, or come back. Of one that is rolled out as many as their wave has room for: as operations begin, in an order that is nobody's.
        if (assignment.Phase == AssignmentPhase.InForce && room != 0)
        {
            changed += await s
                .Sql($"""
                    INSERT INTO assignment_devices (device_id, assignment_id, state, revision, attempts, due_at, changed_at, wave)
                    SELECT {subject}, @id, 1, 0, 0, @now, @now, @wave FROM {found}
                      AND NOT EXISTS (SELECT 1 FROM assignment_devices x WHERE x.device_id = {subject} AND x.assignment_id = @id AND x.state < 6)
                    ORDER BY {(room is null ? subject : $"substr({subject}, length({subject}) - 5), {subject} LIMIT @room")}
                    ON CONFLICT (device_id, assignment_id) DO UPDATE
                      SET state = 1, attempts = 0, due_at = excluded.due_at, changed_at = excluded.changed_at, reason = NULL, wave = excluded.wave
                    """)
                .Text("@id", assignment.Id).Time("@now", now).Int("@wave", wave).Bind(bind).Bind(statement =>
                {
                    if (room is { } most) statement.Long("@room", most);
                }).Execute();
        }

        // 2. Those that leave: who was never sent it needs to hear nothing.
        var leave = $"{(only is null ? "" : $"device_id IN (SELECT id FROM {s.Database.IdsTable}) AND ")}NOT EXISTS (SELECT 1 FROM (SELECT {subject} AS found FROM {found}) f WHERE f.found = assignment_devices.device_id)";
        changed += await s
            .Sql($"DELETE FROM assignment_devices WHERE assignment_id = @id AND state IN (1, 4, 5) AND installed IS NULL AND command_uuid IS NULL AND {leave}")
            .Text("@id", assignment.Id).Bind(bind).Execute();
        changed += await s
            .Sql($"UPDATE assignment_devices SET state = 6, attempts = 0, due_at = @now, changed_at = @now, reason = NULL WHERE assignment_id = @id AND state < 6 AND {leave}")
            .Text("@id", assignment.Id).Time("@now", now).Bind(bind).Execute();

        // 3. Those that have an older one.
        changed += await Renew(s, row, now, only);
        if (changed > 0) await Touch(s, assignment.Licence);
        return changed;
    }

    /// <summary>Which licences of the location are wanted may be other ones now. Last in its transaction: whoever works with the location waits for no more.</summary>
    private static Task Touch(Session s, AssignedLicence? licence) => licence is null ? Task.CompletedTask
        : s.Sql("UPDATE content_locations SET changes = changes + 1 WHERE id = @id").Text("@id", licence.LocationId).Execute();

    /// <remarks>A command that is on its way is followed by the next one when it has ended. A declaration has no command of its own.</remarks>
    private static async Task<long> Renew(Session s, AssignmentRow row, DateTimeOffset now, IReadOnlyList<string>? only = null) => await s
        .Sql($"""
            UPDATE assignment_devices SET state = 1, attempts = 0, due_at = @now, changed_at = @now, reason = NULL
            WHERE assignment_id = @id AND state IN (3, 4, 5{(row.Assignment.Kind.IsDeclared() ? ", 2" : "")}) AND revision < {(row.Assignment.Kind == AssignmentKind.Classroom ? "(SELECT k.revision FROM classroom_devices k WHERE k.device_id = assignment_devices.device_id)" : "@wanted")}
              {(only is null ? "" : $"AND device_id IN (SELECT id FROM {s.Database.IdsTable})")}
            """)
        .Text("@id", row.Assignment.Id).Time("@now", now).Bind(statement =>
        {
            if (row.Assignment.Kind != AssignmentKind.Classroom) statement.Int("@wanted", row.Wanted);
            if (only is not null) statement.Ids(only);
        }).Execute();

    private static async Task<long> Number(Session s) => await s.Sql("SELECT number FROM assignment_plan WHERE id = 1").First(row => row.Long(0));

    internal static Task NextNumber(Session s) => s.Sql("UPDATE assignment_plan SET number = number + 1 WHERE id = 1").Execute();

    private Task<AssignmentRow?> FindIn(Session s, Scope scope, string id, bool deleted = false) => s
        .Sql($"{Rows} WHERE a.id = @id{(deleted ? "" : " AND a.deleted_at IS NULL")} AND {scope.Covers(database, "a.school_id")}").Text("@id", id).Within(scope).First(ReadRow);

    private Task<Assignment?> Lock(Session s, Scope scope, string id) => s
        .Sql($"SELECT {Columns} FROM assignments a WHERE a.id = @id AND a.deleted_at IS NULL AND {ByPeople} AND {scope.Covers(database, "a.school_id")}{database.ForUpdate}")
        .Text("@id", id).Within(scope).First(Read);

    private const string OfLicence = "SELECT 1 AS one FROM content_licences l WHERE l.location_id = @location AND l.adam_id = @adam AND l.pricing = @pricing";

    private static Task<long> CountLicences(Session s, AssignedLicence licence, string sql, Action<Statement>? bind) =>
        s.Sql(sql).Bind(bind).Text("@location", licence.LocationId).Text("@adam", licence.AdamId).Text("@pricing", licence.Pricing).First(row => row.Long(0));

    private static Task<List<LeftOutRow>> Some(Session s, string from, Action<Statement>? bind, int examples) => s
        .Sql($"SELECT d.id, d.serial_number, d.device_name, d.os_version FROM {from} ORDER BY d.id LIMIT @examples").Bind(bind).Int("@examples", examples)
        .List(row => new LeftOutRow(row.Text(0), row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3), 0));

    /// <summary>What speaks against the assignment as it is to be; null: nothing.</summary>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    private async Task<AssignmentOutcome?> Refused(Session s, Scope scope, Assignment assignment)
    {
        if (assignment.SchoolId is { } school && !await s.Sql("SELECT 1 FROM schools WHERE id = @id").Text("@id", school).First(_ => true)) return AssignmentOutcome.UnknownSchool;
        if (assignment.Licence is { } licence && !await s.Sql($"SELECT 1 FROM content_locations WHERE id = @id{database.ForKeeping}").Text("@id", licence.LocationId).First(_ => true)) return AssignmentOutcome.UnknownReference;
        var table = assignment.Kind == AssignmentKind.Profile ? "profiles" : "hosted_apps";
        if (assignment.Reference is { } reference && !await s.Sql($"SELECT 1 FROM {table} WHERE id = @id").Text("@id", reference).First(_ => true)) return AssignmentOutcome.UnknownReference;
        await AssignmentTargets.Node(s, TargetOf(assignment, assignment.UpdatedAt), scope);
        return null;
    }

    /// <summary>By an attempt whose answer was lost, or by the same request before.</summary>
    private async Task<bool> IsWritten(Session s, Assignment assignment) =>
        await s.Sql($"SELECT {Columns} FROM assignments a WHERE a.id = @id").Text("@id", assignment.Id).First(Read) is { } standing
        && standing.Command.AsSpan().SequenceEqual(assignment.Command)
        && standing with { Command = null, Asked = null } == assignment with
        {
            Command = null,
            Asked = null,
            CreatedAt = standing.CreatedAt,
            CreatedBy = standing.CreatedBy,
            UpdatedAt = standing.UpdatedAt,
            Phase = standing.Phase,
            RollOut = standing.RollOut,
        };

    private static AssignmentTarget TargetOf(Assignment assignment, DateTimeOffset now) => new(assignment.Target, assignment.Except, assignment.SchoolId, now, assignment.Channel);

    /// <summary>Under the data keys, as bodies: its name, and then what is sealed.</summary>
    private byte[]? Seal(byte[]? plain)
    {
        if (plain is null) return null;
        var name = sealer.Name(plain);
        return [.. name, .. sealer.SealBody(name, plain)];
    }

    private byte[]? Open(byte[]? stored) => stored is null ? null : sealer.OpenBody(stored.AsSpan(0, NameLength), stored[NameLength..]);

    private Statement Bind(Statement statement, Assignment assignment) => statement
        .Text("@id", assignment.Id).Text("@name", assignment.Name).Text("@key", Keys.Sort(assignment.Name)).Short("@kind", (short)assignment.Kind).Text("@item", assignment.Item)
        .Text("@reference", assignment.Reference).Text("@removal", assignment.Removal).Bytes("@command", Seal(assignment.Command)).Bytes("@asked", Seal(assignment.Asked)).Int("@revision", assignment.Revision)
        .Text("@target", assignment.Target).Text("@except", assignment.Except).Text("@uses", AssignmentTargets.Uses(TargetOf(assignment, assignment.UpdatedAt)))
        .Text("@school", assignment.SchoolId).Bool("@keep", assignment.Keep).Time("@starts", assignment.StartsAt).Time("@ends", assignment.EndsAt)
        .Short("@phase", (short)PhaseAt(assignment, assignment.UpdatedAt)).Time("@at", assignment.UpdatedAt).Text("@by", assignment.UpdatedBy)
        .Text("@contentLocation", assignment.Licence?.LocationId).Text("@contentAdam", assignment.Licence?.AdamId).Text("@contentPricing", assignment.Licence?.Pricing)
        .Short("@channel", (short)assignment.Channel);

    private static void Check(Assignment assignment)
    {
        StoredText.Check("The assignment's id", assignment.Id);
        StoredText.Check("The name", assignment.Name);
        StoredText.Check("The item", assignment.Item);
        StoredText.Check("The reference", assignment.Reference);
        StoredText.Check("The bundle identifier", assignment.Removal);
        StoredText.Check("The name of who asked", assignment.UpdatedBy);
        Check(TargetOf(assignment, assignment.UpdatedAt));
    }

    private static void Check(AssignmentTarget target)
    {
        StoredText.Check("The target", target.Filter);
        StoredText.Check("The exceptions", target.Except);
        StoredText.Check("The school's id", target.SchoolId);
    }

    private AssignmentRow ReadRow(Row row) => new(Read(row), row.TextOrNull(Width), row.IntOrNull(Width + 1), row.TextOrNull(Width + 2));

    private static AssignmentStanding ReadStanding(Row row) => ReadStanding(row, 0);

    internal static AssignmentStanding ReadStanding(Row row, int at) => new()
    {
        AssignmentId = row.Text(at),
        State = (AssignmentState)row.Short(at + 1),
        Revision = row.Int(at + 2),
        Installed = row.IntOrNull(at + 3),
        CommandUuid = row.TextOrNull(at + 4),
        Attempts = row.Short(at + 5),
        DueAt = row.TimeOrNull(at + 6),
        ChangedAt = row.Time(at + 7),
        Reason = row.TextOrNull(at + 8),
    };

    private Assignment Read(Row row) => new()
    {
        Id = row.Text(0),
        Version = row.Int(1),
        Name = row.Text(2),
        Kind = (AssignmentKind)row.Short(3),
        Item = row.Text(4),
        Reference = row.TextOrNull(5),
        Removal = row.TextOrNull(6),
        Command = Open(row.BytesOrNull(7)),
        Asked = Open(row.BytesOrNull(8)),
        Revision = row.Int(9),
        Target = row.TextOrNull(10),
        Except = row.TextOrNull(11),
        SchoolId = row.TextOrNull(12),
        Keep = row.Bool(13),
        StartsAt = row.TimeOrNull(14),
        EndsAt = row.TimeOrNull(15),
        Phase = (AssignmentPhase)row.Short(16),
        DeletedAt = row.TimeOrNull(17),
        CreatedAt = row.Time(18),
        CreatedBy = row.Text(19),
        UpdatedAt = row.Time(20),
        UpdatedBy = row.Text(21),
        Channel = (AssignmentChannel)row.Short(25),
        RollOut = ReadRollOut(row, 26),
        Licence = row.TextOrNull(22) is { } location ? new AssignedLicence(location, row.Text(23), row.Text(24)) : null,
    };
}
