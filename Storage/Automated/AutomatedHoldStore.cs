using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Automated;

/// <inheritdoc cref="IAutomatedHoldStore"/>
internal sealed class AutomatedHoldStore(Database database) : IAutomatedHoldStore
{
    private const string Columns = "h.device_id, h.serial_number, h.enrolled_at, h.until_at, h.state, h.command_uuid, h.missing, h.ended_at";

    private const int LongestMissing = 1_000;

    public async Task<AutomatedHold> Hold(string deviceId, string? serialNumber, DateTimeOffset enrolledAt, DateTimeOffset untilAt)
    {
        StoredText.Check("The serial number", serialNumber);
        // It is asked with each report of an iPad that waits.
        if (await Find(deviceId) is { } known && known.EnrolledAt.ToUnixTimeMilliseconds() == enrolledAt.ToUnixTimeMilliseconds()) return known;
        return (await database.Write(async s =>
        {
            await s
                .Sql("""
                    INSERT INTO automated_holds (device_id, serial_number, enrolled_at, until_at, state) VALUES (@id, @serial, @enrolled, @until, 1)
                    ON CONFLICT (device_id) DO UPDATE SET serial_number = excluded.serial_number, enrolled_at = excluded.enrolled_at, until_at = excluded.until_at, state = 1, command_uuid = NULL,
                      missing = NULL, ended_at = NULL
                    WHERE automated_holds.enrolled_at <> excluded.enrolled_at
                    """)
                .Text("@id", deviceId).Text("@serial", serialNumber).Time("@enrolled", enrolledAt).Time("@until", untilAt).Execute();
            return await Find(s, deviceId);
        }))!;
    }

    public Task<AutomatedHold?> Find(string deviceId)
    {
        StoredText.Check("The iPad's id", deviceId);
        return database.Read(s => Find(s, deviceId));
    }

    public async Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql("""
            SELECT due.device_id FROM (
              SELECT device_id, until_at FROM automated_holds WHERE state = 1 AND until_at <= @now
              UNION ALL
              SELECT h.device_id, h.until_at FROM automated_holds h JOIN devices d ON d.id = h.device_id WHERE h.state IN (2, 3) AND h.until_at <= @now AND d.awaiting_configuration = FALSE
            ) due ORDER BY due.until_at LIMIT @limit
            """).Time("@now", now).Int("@limit", limit).List(row => row.Text(0)));

    public Task Write(AutomatedHold hold)
    {
        StoredText.Check("What is missing", hold.Missing);
        return database.Write(s => s
            .Sql("UPDATE automated_holds SET state = @state, command_uuid = @command, missing = @missing, ended_at = @ended WHERE device_id = @id AND enrolled_at = @enrolled")
            .Short("@state", (short)hold.State).Text("@command", hold.CommandUuid)
            .Text("@missing", hold.Missing is { Length: > LongestMissing } tooLong ? tooLong[..LongestMissing] : hold.Missing).Time("@ended", hold.EndedAt)
            .Text("@id", hold.DeviceId).Time("@enrolled", hold.EnrolledAt).Execute());
    }

    public async Task<IReadOnlyList<AutomatedHoldRow>> List(Scope scope, HoldState? state, string? after, int limit)
    {
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT {Columns}, d.device_name, d.school FROM automated_holds h LEFT JOIN devices d ON d.id = h.device_id
                WHERE h.device_id > @after AND {scope.CoversDevice(database)}{(state is null ? "" : " AND h.state = @state")} ORDER BY h.device_id LIMIT @limit
                """)
            .Text("@after", after ?? "").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (state is { } wanted) statement.Short("@state", (short)wanted);
            })
            .List(row => new AutomatedHoldRow(Read(row), row.TextOrNull(8), row.TextOrNull(9))));
    }

    public async Task<(long Held, long Incomplete)> Count(Scope scope) => await database.Read(s => s
        .Sql($"""
            SELECT count(CASE WHEN h.state IN (1, 2, 3) THEN 1 END), count(CASE WHEN h.state = 5 THEN 1 END)
            FROM automated_holds h{(scope.SchoolIds is null ? "" : " JOIN devices d ON d.id = h.device_id")} WHERE h.state IN (1, 2, 3, 5) AND {scope.CoversDevice(database)}
            """)
        .Within(scope).First(row => (row.Long(0), row.Long(1))));

    public Task<bool> Dismiss(string deviceId, AuditRecord? audit)
    {
        StoredText.Check("The iPad's id", deviceId);
        return database.Write(async s =>
        {
            var gone = await s.Sql("DELETE FROM automated_holds WHERE device_id = @id AND state IN (4, 5, 6)").Text("@id", deviceId).Execute() > 0;
            if (gone && audit is not null) await AuditColumns.Add(s, audit);
            return gone;
        });
    }

    private static Task<AutomatedHold?> Find(Session s, string deviceId) => s.Sql($"SELECT {Columns} FROM automated_holds h WHERE h.device_id = @id").Text("@id", deviceId).First(Read);

    private static AutomatedHold Read(Row row) => new()
    {
        DeviceId = row.Text(0),
        SerialNumber = row.TextOrNull(1),
        EnrolledAt = row.Time(2),
        UntilAt = row.Time(3),
        State = (HoldState)row.Short(4),
        CommandUuid = row.TextOrNull(5),
        Missing = row.TextOrNull(6),
        EndedAt = row.TimeOrNull(7),
    };
}
