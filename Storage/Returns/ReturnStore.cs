using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Returns;

/// <inheritdoc cref="IReturnStore"/>
internal sealed class ReturnStore(Database database) : IReturnStore
{
    /// <summary>An iPad enrols by it as long as its own challenge is good, which is days; a paced operation begins within a year. Nobody else can open it.</summary>
    private static readonly TimeSpan InvitationLasts = TimeSpan.FromDays(3 * 365);

    private static readonly TimeSpan ChallengesLast = TimeSpan.FromHours(IReturnStore.MostHours);

    private const string Columns = "r.operation_id, r.wifi_profile_id, r.wifi_name, r.hours, r.keep_apps, r.invitation_id, r.created_at, r.closed_at, r.closed_by";

    private const int Width = 9;

    private const string Rows = $"SELECT {Columns}, o.total, o.left_out, o.requested_by, o.target, o.cancelled_at, o.phase, o.pace FROM returns r JOIN operations o ON o.id = r.operation_id";

    /// <summary>Of <see cref="From"/>, as a number of <see cref="ReturnState"/>.</summary>
    private const string State = """
        CASE WHEN x.returned_at IS NOT NULL THEN 5
          WHEN x.due_at <= @now THEN 4
          WHEN x.erased_at IS NOT NULL THEN 3
          WHEN x.handed_at IS NOT NULL THEN 2
          WHEN q.sequence IS NOT NULL AND o.cancelled_at IS NULL THEN 1
          WHEN m.state = 0 AND o.cancelled_at IS NULL AND o.phase <> 3 THEN 0
          WHEN h.ending IN (2, 3) THEN 6
          ELSE 7 END
        """;

    private const string From = """
        return_devices x JOIN returns r ON r.operation_id = x.operation_id JOIN operations o ON o.id = x.operation_id
        LEFT JOIN queue q ON q.command_uuid = r.command_uuid AND q.enrolment_id = x.enrolment_id
        LEFT JOIN history h ON h.command_uuid = r.command_uuid AND h.enrolment_id = x.enrolment_id
        LEFT JOIN operation_members m ON m.operation_id = x.operation_id AND m.enrolment_id = x.enrolment_id
        """;

    public Task<ReturnRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The operation's id", id);
        return database.Read(s => s.Sql($"{Rows} WHERE r.operation_id = @id AND {scope.CoversAll(database, "o.schools")}").Text("@id", id).Within(scope).First(ReadRow));
    }

    public async Task<IReadOnlyList<ReturnRow>> List(Scope scope, (DateTimeOffset CreatedAt, string Id)? after, int limit)
    {
        StoredText.Check("The return to go on after", after?.Id);
        var beyond = after is null ? "" : " AND (r.created_at, r.operation_id) < (@time, @after)";
        return await database.Read(s => s
            .Sql($"{Rows} WHERE {scope.CoversAll(database, "o.schools")}{beyond} ORDER BY r.created_at DESC, r.operation_id DESC LIMIT @limit").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (after is { } last) statement.Time("@time", last.CreatedAt).Text("@after", last.Id);
            })
            .List(ReadRow));
    }

    public async Task<IReadOnlyList<ReturnCount>> Count(IReadOnlyList<string> ids, DateTimeOffset now) => ids.Count == 0 ? [] : await database.Read(s => s
        .Sql($"""
            SELECT c.id, c.school, c.state, count(*) FROM (
              SELECT x.operation_id AS id, x.school AS school, {State} AS state FROM {From} WHERE x.operation_id IN (SELECT id FROM {database.IdsTable})) AS c
            GROUP BY c.id, c.school, c.state ORDER BY c.id, c.school, c.state
            """)
        .Ids(ids).Time("@now", now).List(row => new ReturnCount(row.Text(0), row.TextOrNull(1), (ReturnState)row.Int(2), row.Long(3))));

    public async Task<IReadOnlyList<ReturnDeviceRow>> ListDevices(string id, ReturnState? state, string? school, DateTimeOffset now, string? after, int limit)
    {
        StoredText.Check("The operation's id", id);
        StoredText.Check("The school", school);
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT x.enrolment_id, {State}, d.serial_number, coalesce(x.device_name, d.device_name), x.school, p.asset_tag, x.handed_at, x.erased_at, x.due_at, x.returned_at, x.returned_by,
                  coalesce(q.not_now_count, 0), h.ending, h.error_summary, c.last_at, d.status, k.device_id, a.last_seen_at
                FROM {From}
                LEFT JOIN devices d ON d.id = x.enrolment_id LEFT JOIN placeholders p ON p.serial_number = d.serial_number LEFT JOIN claims c ON c.device_id = x.enrolment_id
                LEFT JOIN activation_lock_codes k ON k.device_id = x.enrolment_id LEFT JOIN device_activity a ON a.id = x.enrolment_id
                WHERE x.operation_id = @id AND x.enrolment_id > @after{(state is null ? "" : $" AND {State} = @state")}{(school is null ? "" : " AND x.school = @school")}
                ORDER BY x.enrolment_id LIMIT @limit
                """)
            .Text("@id", id).Text("@after", after ?? "").Int("@limit", limit).Time("@now", now)
            .Bind(statement =>
            {
                if (state is { } one) statement.Short("@state", (short)one);
                if (school is not null) statement.Text("@school", school);
            })
            .List(ReadDevice));
    }

    public Task<long> CountMissing(Scope scope, DateTimeOffset now) => database.Read(s => s
        .Sql($"""
            SELECT count(*) FROM return_devices x JOIN returns r ON r.operation_id = x.operation_id JOIN operations o ON o.id = x.operation_id
            WHERE x.due_at <= @now AND x.due_at IS NOT NULL AND x.returned_at IS NULL AND r.closed_at IS NULL AND {scope.CoversAll(database, "o.schools")}
            """)
        .Time("@now", now).Within(scope).First(row => row.Long(0)));

    public Task<bool> Close(Scope scope, string id, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The operation's id", id);
        StoredText.Check("The name of who asked", by);
        return database.Write(async s =>
        {
            var standing = await s
                .Sql($"SELECT r.closed_at FROM returns r JOIN operations o ON o.id = r.operation_id WHERE r.operation_id = @id AND {scope.CoversAll(database, "o.schools")}")
                .Text("@id", id).Within(scope).First(row => (Found: true, ClosedAt: row.TimeOrNull(0)));
            if (!standing.Found) return false;
            var closed = await s.Sql("UPDATE returns SET closed_at = @at, closed_by = @by WHERE operation_id = @id AND closed_at IS NULL").Time("@at", at).Text("@by", by).Text("@id", id).Execute();
            if (closed > 0 && audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public Task<Return?> HandOver(string enrolmentId, string commandUuid, DateTimeOffset at)
    {
        Check(enrolmentId, commandUuid);
        return database.Write(async s =>
        {
            if (await s.Sql($"SELECT {Columns} FROM returns r WHERE r.command_uuid = @uuid").Text("@uuid", commandUuid).First(Read) is not { } found) return null;
            var handed = await s.Sql("UPDATE return_devices SET handed_at = @at, due_at = @due WHERE operation_id = @id AND enrolment_id = @device AND erased_at IS NULL AND returned_at IS NULL")
                .Time("@at", at).Time("@due", at.AddHours(found.Hours)).Text("@id", found.Id).Text("@device", enrolmentId).Execute();
            return handed > 0 ? found : null;
        });
    }

    public Task TakeBack(string enrolmentId, string commandUuid)
    {
        Check(enrolmentId, commandUuid);
        return database.Write(s => s
            .Sql("""
                UPDATE return_devices SET handed_at = NULL, due_at = NULL
                WHERE enrolment_id = @device AND operation_id = (SELECT r.operation_id FROM returns r WHERE r.command_uuid = @uuid) AND erased_at IS NULL AND returned_at IS NULL
                """)
            .Text("@device", enrolmentId).Text("@uuid", commandUuid).Execute());
    }

    public Task Erased(string enrolmentId, string commandUuid, DateTimeOffset at)
    {
        Check(enrolmentId, commandUuid);
        return database.Write(async s =>
        {
            if (await s.Sql($"SELECT {Columns} FROM returns r WHERE r.command_uuid = @uuid").Text("@uuid", commandUuid).First(Read) is not { } found) return;
            await s
                .Sql("""
                    UPDATE return_devices SET handed_at = coalesce(handed_at, @at), erased_at = @at, due_at = @due
                    WHERE operation_id = @id AND enrolment_id = @device AND erased_at IS NULL AND returned_at IS NULL
                    """)
                .Time("@at", at).Time("@due", at.AddHours(found.Hours)).Text("@id", found.Id).Text("@device", enrolmentId).Execute();
        });
    }

    public async Task CameBack(string enrolmentId, string? invitation, DateTimeOffset at)
    {
        StoredText.Check("The invitation's id", invitation);
        // Nearly every iPad that enrols was on no list: then nobody's turn to write is taken.
        if (await FindAway(enrolmentId) is null) return;
        await database.Write(s => s
            .Sql($"""
                UPDATE return_devices SET returned_at = @at, erased_at = coalesce(erased_at, handed_at), returned_by =
                  CASE WHEN @invitation = (SELECT r.invitation_id FROM returns r WHERE r.operation_id = return_devices.operation_id) THEN {(short)ReturnedBy.OwnProfile}
                    WHEN EXISTS (SELECT 1 FROM automated_servers s WHERE s.invitation_id = @invitation) THEN {(short)ReturnedBy.AutomatedEnrolment}
                    ELSE {(short)ReturnedBy.Another} END
                WHERE enrolment_id = @device AND handed_at IS NOT NULL AND returned_at IS NULL
                """)
            .Time("@at", at).Text("@invitation", invitation).Text("@device", enrolmentId).Execute());
    }

    public Task<AwayIPad?> FindAway(string enrolmentId)
    {
        StoredText.Check("The iPad's id", enrolmentId);
        return database.Read(s => s
            .Sql("""
                SELECT x.device_name, r.keep_apps FROM return_devices x JOIN returns r ON r.operation_id = x.operation_id
                WHERE x.enrolment_id = @device AND x.handed_at IS NOT NULL AND x.returned_at IS NULL ORDER BY x.handed_at DESC LIMIT 1
                """)
            .Text("@device", enrolmentId).First(row => new AwayIPad(row.TextOrNull(0), row.Bool(1))));
    }

    public Task<ReturnAnswer?> FindAnswer() => database.Read(FindAnswer);

    public Task<bool> WriteAnswer(ReturnAnswer answer, AuditRecord? audit)
    {
        StoredText.Check("The profile's id", answer.WifiProfileId);
        StoredText.Check("The name of who asked", answer.UpdatedBy);
        return database.Write(async s =>
        {
            var written = await s
                .Sql(answer.Version == 0
                    ? """
                        INSERT INTO return_answer (id, version, wifi_profile_id, keep_apps, preserve_data_plan, invitation_id, updated_at, updated_by)
                        VALUES (1, 1, @wifi, @apps, @plan, @invitation, @at, @by) ON CONFLICT (id) DO NOTHING
                        """
                    : """
                        UPDATE return_answer SET version = version + 1, wifi_profile_id = @wifi, keep_apps = @apps, preserve_data_plan = @plan, updated_at = @at, updated_by = @by
                        WHERE id = 1 AND version = @version
                        """)
                .Text("@wifi", answer.WifiProfileId).Bool("@apps", answer.KeepApps).Bool("@plan", answer.PreserveDataPlan).Time("@at", answer.UpdatedAt).Text("@by", answer.UpdatedBy)
                .Bind(statement => _ = answer.Version == 0 ? statement.Text("@invitation", answer.InvitationId) : statement.Int("@version", answer.Version)).Execute();
            if (written == 0) return false;
            if (answer.Version == 0) await Invite(s, answer.InvitationId, answer.UpdatedAt, answer.UpdatedBy, TimeSpan.FromDays(36_500));
            if (audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public Task<bool> DeleteAnswer(DateTimeOffset at, AuditRecord? audit) => database.Write(async s =>
    {
        if (await FindAnswer(s) is not { } answer) return false;
        await s.Sql("DELETE FROM return_answer").Execute();
        // An iPad that erases itself in this moment has a challenge of it, and needs it for some days.
        await s.Sql("UPDATE invitations SET expires_at = @ends WHERE id = @id").Time("@ends", at + ChallengesLast).Text("@id", answer.InvitationId).Execute();
        if (audit is not null) await AuditColumns.Add(s, audit);
        return true;
    });

    public Task<int> Forget(DateTimeOffset createdBefore, int limit) => database.Write(async s =>
    {
        var forgotten = await s
            .Sql("""
                DELETE FROM return_devices WHERE (operation_id, enrolment_id) IN (
                  SELECT x.operation_id, x.enrolment_id FROM returns r JOIN return_devices x ON x.operation_id = r.operation_id
                  WHERE r.created_at < @before
                    AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.enrolment_id = x.enrolment_id AND q.command_uuid = r.command_uuid)
                    AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = r.operation_id AND o.pace IS NOT NULL AND o.phase <> 3 AND o.cancelled_at IS NULL)
                  LIMIT @limit)
                """)
            .Time("@before", createdBefore).Int("@limit", limit).Execute();
        if (forgotten < limit)
        {
            await s.Sql("DELETE FROM returns WHERE created_at < @before AND NOT EXISTS (SELECT 1 FROM return_devices x WHERE x.operation_id = returns.operation_id)")
                .Time("@before", createdBefore).Execute();
        }

        return forgotten;
    });

    /// <summary>In the transaction of its operation, whose iPads are in the queue, or are its members.</summary>
    internal static async Task Add(Session s, string operationId, string commandUuid, DateTimeOffset at, string by, ReturnAppend order, bool paced)
    {
        await Invite(s, order.InvitationId, at, by, InvitationLasts);
        await s
            .Sql("""
                INSERT INTO returns (operation_id, command_uuid, wifi_profile_id, wifi_name, hours, keep_apps, invitation_id, created_at)
                VALUES (@id, @uuid, @wifi, @name, @hours, @apps, @invitation, @at)
                """)
            .Text("@id", operationId).Text("@uuid", commandUuid).Text("@wifi", order.WifiProfileId).Text("@name", order.WifiName).Int("@hours", order.Hours).Bool("@apps", order.KeepApps)
            .Text("@invitation", order.InvitationId).Time("@at", at).Execute();
        await s
            .Sql($"""
                INSERT INTO return_devices (operation_id, enrolment_id, school, device_name)
                SELECT @id, w.enrolment_id, d.school, d.device_name FROM {(paced ? "operation_members" : "queue")} w JOIN devices d ON d.id = w.enrolment_id WHERE w.operation_id = @id
                """)
            .Text("@id", operationId).Execute();
    }

    private static Task<int> Invite(Session s, string id, DateTimeOffset at, string by, TimeSpan lasts) => s
        .Sql("""
            INSERT INTO invitations (id, name, created_at, expires_at, created_by, automated) VALUES (@id, 'Return to Service', @at, @ends, @by, @yes)
            ON CONFLICT (id) DO NOTHING
            """)
        .Text("@id", id).Time("@at", at).Time("@ends", at + lasts).Text("@by", by).Bool("@yes", true).Execute();

    private static Task<ReturnAnswer?> FindAnswer(Session s) => s
        .Sql("SELECT version, wifi_profile_id, keep_apps, preserve_data_plan, invitation_id, updated_at, updated_by FROM return_answer")
        .First(row => new ReturnAnswer
        {
            Version = row.Int(0),
            WifiProfileId = row.Text(1),
            KeepApps = row.Bool(2),
            PreserveDataPlan = row.Bool(3),
            InvitationId = row.Text(4),
            UpdatedAt = row.Time(5),
            UpdatedBy = row.Text(6),
        });

    private static void Check(string enrolmentId, string commandUuid)
    {
        StoredText.Check("The iPad's id", enrolmentId);
        StoredText.Check("The CommandUUID", commandUuid);
    }

    private static ReturnRow ReadRow(Row row) => new(
        Read(row), row.Long(Width), row.Long(Width + 1), row.Text(Width + 2), row.TextOrNull(Width + 3), row.TimeOrNull(Width + 4),
        IsPaused: !row.IsNull(Width + 5) && row.Short(Width + 5) == (short)Operations.OperationPhase.Paused, IsPaced: !row.IsNull(Width + 6));

    private static Return Read(Row row) => new()
    {
        Id = row.Text(0),
        WifiProfileId = row.Text(1),
        WifiName = row.Text(2),
        Hours = row.Int(3),
        KeepApps = row.Bool(4),
        InvitationId = row.Text(5),
        CreatedAt = row.Time(6),
        ClosedAt = row.TimeOrNull(7),
        ClosedBy = row.TextOrNull(8),
    };

    private static ReturnDeviceRow ReadDevice(Row row) => new()
    {
        DeviceId = row.Text(0),
        State = (ReturnState)row.Int(1),
        SerialNumber = row.TextOrNull(2),
        DeviceName = row.TextOrNull(3),
        School = row.TextOrNull(4),
        AssetTag = row.TextOrNull(5),
        HandedAt = row.TimeOrNull(6),
        ErasedAt = row.TimeOrNull(7),
        DueAt = row.TimeOrNull(8),
        ReturnedAt = row.TimeOrNull(9),
        ReturnedBy = row.IsNull(10) ? null : (ReturnedBy)row.Short(10),
        NotNowCount = row.Int(11),
        Ending = row.IsNull(12) ? null : (CommandEnding)row.Short(12),
        ErrorSummary = row.TextOrNull(13),
        ClaimedAt = row.TimeOrNull(14),
        IsEnrolling = !row.IsNull(15) && (EnrolmentStatus)row.Short(15) == EnrolmentStatus.Authenticated,
        HasBypassCode = !row.IsNull(16),
        LastSeenAt = row.TimeOrNull(17),
    };
}
