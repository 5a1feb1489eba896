using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Incidents;

/// <inheritdoc cref="IIncidentStore"/>
internal sealed class IncidentStore(Database database) : IIncidentStore
{
    /// <summary>Of one iPad, over all its years.</summary>
    public const int MostNotes = 1_000;

    private const string Columns = "i.id, i.version, i.device_id, i.kind, i.opened_at, i.opened_by, i.closed_at, i.closed_by";

    private const string NoteColumns = "n.id, n.device_id, n.incident_id, n.what, n.kind, n.text, n.written_at, n.written_by";

    private const string Rows = $"""
        SELECT {Columns}, d.device_name, d.serial_number, d.school,
          (SELECT n.text FROM device_notes n WHERE n.incident_id = i.id AND n.text IS NOT NULL ORDER BY n.written_at DESC, n.id DESC LIMIT 1)
        FROM incidents i LEFT JOIN devices d ON d.id = i.device_id
        """;

    public async Task<IReadOnlyList<IncidentRow>> List(Scope scope, IncidentFilter filter, string? after, int limit)
    {
        StoredText.Check("The iPad's id", filter.DeviceId);
        StoredText.Check("The school's id", filter.SchoolId);
        StoredText.Check("The id to go on after", after);
        var conditions = new List<string> { scope.CoversDevice(database) };
        if (filter.DeviceId is not null) conditions.Add("i.device_id = @device");
        if (filter.Open is { } open) conditions.Add($"i.closed_at IS {(open ? "" : "NOT ")}NULL");
        if (filter.Kind is not null) conditions.Add("i.kind = @kind");
        if (filter.SchoolId is not null) conditions.Add("d.school = (SELECT fs.name FROM schools fs WHERE fs.id = @school)");
        return await database.Read(async s =>
        {
            var last = after is null ? null : await s.Sql($"SELECT {Columns} FROM incidents i WHERE i.id = @after").Text("@after", after).First(row => Read(row));
            if (after is not null && last is null) return [];
            if (last is not null) conditions.Add("(i.opened_at, i.id) < (@lastTime, @after)");
            return await s.Sql($"{Rows} WHERE {string.Join(" AND ", conditions)} ORDER BY i.opened_at DESC, i.id DESC LIMIT @limit")
                .Int("@limit", limit).Within(scope)
                .Bind(statement =>
                {
                    if (filter.DeviceId is { } device) statement.Text("@device", device);
                    if (filter.Kind is { } kind) statement.Short("@kind", (short)kind);
                    if (filter.SchoolId is { } school) statement.Text("@school", school);
                    if (last is not null) statement.Time("@lastTime", last.OpenedAt).Text("@after", last.Id);
                })
                .List(ReadRow);
        });
    }

    public Task<IncidentRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The incident's id", id);
        return database.Read(s => s.Sql($"{Rows} WHERE i.id = @id AND {scope.CoversDevice(database)}").Text("@id", id).Within(scope).First(ReadRow));
    }

    public Task<long> CountOpen(Scope scope) => database.Read(s => s
        .Sql($"SELECT count(*) FROM incidents i{(scope.SchoolIds is null ? "" : " JOIN devices d ON d.id = i.device_id")} WHERE i.closed_at IS NULL AND {scope.CoversDevice(database)}")
        .Within(scope).First(row => row.Long(0)));

    public Task<IncidentOutcome> Open(Scope scope, Incident incident, DeviceNote note, AuditRecord? audit)
    {
        Check(incident);
        Check(note);
        return database.Write(async s =>
        {
            if (!await HasDevice(s, scope, incident.DeviceId)) return IncidentOutcome.NoDevice;
            if (await IsFull(s, note)) return IncidentOutcome.TooMany;
            var added = await s
                .Sql("""
                    INSERT INTO incidents (id, version, device_id, kind, opened_at, opened_by) VALUES (@id, @version, @device, @kind, @at, @by)
                    ON CONFLICT DO NOTHING
                    """)
                .Text("@id", incident.Id).Int("@version", incident.Version).Text("@device", incident.DeviceId).Short("@kind", (short)incident.Kind)
                .Time("@at", incident.OpenedAt).Text("@by", incident.OpenedBy).Execute();
            if (added == 0)
            {
                // By the same request before.
                return await s.Sql("SELECT id FROM incidents WHERE id = @id").Text("@id", incident.Id).First(row => row.Text(0)) is null
                    ? IncidentOutcome.IsOpen
                    : IncidentOutcome.Written;
            }

            await Add(s, note);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return IncidentOutcome.Written;
        });
    }

    public Task<IncidentOutcome> Change(Scope scope, Incident incident, DeviceNote note, AuditRecord? audit)
    {
        Check(incident);
        Check(note);
        return database.Write(async s =>
        {
            var standing = await s.Sql($"SELECT {Columns} FROM incidents i WHERE i.id = @id{database.ForUpdate}").Text("@id", incident.Id).First(row => Read(row));
            if (standing is null || !await HasDevice(s, scope, standing.DeviceId)) return IncidentOutcome.NotFound;
            if (standing.Version != incident.Version - 1)
            {
                // By an attempt whose answer was lost.
                return await s.Sql("SELECT id FROM device_notes WHERE id = @id").Text("@id", note.Id).First(row => row.Text(0)) is null
                    ? IncidentOutcome.VersionConflict
                    : IncidentOutcome.Written;
            }

            if (await IsFull(s, note)) return IncidentOutcome.TooMany;
            if (incident.ClosedAt is null
                && await s.Sql("SELECT id FROM incidents WHERE device_id = @device AND kind = @kind AND closed_at IS NULL AND id <> @id")
                    .Text("@device", standing.DeviceId).Short("@kind", (short)incident.Kind).Text("@id", incident.Id).First(row => row.Text(0)) is not null)
            {
                return IncidentOutcome.IsOpen;
            }

            await s.Sql("UPDATE incidents SET version = @version, kind = @kind, closed_at = @at, closed_by = @by WHERE id = @id")
                .Int("@version", incident.Version).Short("@kind", (short)incident.Kind).Time("@at", incident.ClosedAt).Text("@by", incident.ClosedBy)
                .Text("@id", incident.Id).Execute();
            await Add(s, note);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return IncidentOutcome.Written;
        });
    }

    public async Task<IReadOnlyList<DeviceNote>> ListNotes(Scope scope, string deviceId, string? incidentId, string? after, int limit)
    {
        StoredText.Check("The iPad's id", deviceId);
        StoredText.Check("The incident's id", incidentId);
        StoredText.Check("The id to go on after", after);
        return await database.Read(async s =>
        {
            if (!await HasDevice(s, scope, deviceId)) return [];
            var last = after is null ? null : await s.Sql($"SELECT {NoteColumns} FROM device_notes n WHERE n.id = @after").Text("@after", after).First(ReadNote);
            if (after is not null && last is null) return [];
            return await s
                .Sql($"""
                    SELECT {NoteColumns} FROM device_notes n WHERE n.device_id = @device{(incidentId is null ? "" : " AND n.incident_id = @incident")}
                      {(last is null ? "" : "AND (n.written_at, n.id) < (@lastTime, @after)")}
                    ORDER BY n.written_at DESC, n.id DESC LIMIT @limit
                    """)
                .Text("@device", deviceId).Int("@limit", limit)
                .Bind(statement =>
                {
                    if (incidentId is not null) statement.Text("@incident", incidentId);
                    if (last is not null) statement.Time("@lastTime", last.At).Text("@after", last.Id);
                })
                .List(ReadNote);
        });
    }

    public Task<IncidentOutcome> AddNote(Scope scope, DeviceNote note, AuditRecord? audit)
    {
        Check(note);
        return database.Write(async s =>
        {
            if (!await HasDevice(s, scope, note.DeviceId)) return IncidentOutcome.NoDevice;
            if (await IsFull(s, note)) return IncidentOutcome.TooMany;
            if (await Add(s, note) > 0 && audit is not null) await AuditColumns.Add(s, audit);
            return IncidentOutcome.Written;
        });
    }

    public Task<bool> RemoveNote(Scope scope, string deviceId, string noteId, AuditRecord? audit)
    {
        StoredText.Check("The iPad's id", deviceId);
        StoredText.Check("The note's id", noteId);
        return database.Write(async s =>
        {
            if (!await HasDevice(s, scope, deviceId)) return false;
            // That an incident was opened or closed stays; only what was said goes.
            var removed = await s.Sql($"DELETE FROM device_notes WHERE id = @id AND device_id = @device AND what = {(short)NoteKind.Note}")
                    .Text("@id", noteId).Text("@device", deviceId).Execute()
                + await s.Sql("UPDATE device_notes SET text = NULL WHERE id = @id AND device_id = @device AND text IS NOT NULL")
                    .Text("@id", noteId).Text("@device", deviceId).Execute();
            if (removed > 0 && audit is not null) await AuditColumns.Add(s, audit);
            return removed > 0;
        });
    }

    private async Task<bool> HasDevice(Session s, Scope scope, string id) => await s
        .Sql($"SELECT d.id FROM devices d WHERE d.id = @id AND d.device_id = d.id AND {scope.CoversDevice(database)}").Text("@id", id).Within(scope).First(row => row.Text(0)) is not null;

    /// <summary>What stands already is no more.</summary>
    private static async Task<bool> IsFull(Session s, DeviceNote note) => await s
        .Sql("SELECT count(*) FROM device_notes WHERE device_id = @device AND id <> @id").Text("@device", note.DeviceId).Text("@id", note.Id)
        .First(row => row.Long(0)) >= MostNotes;

    private static Task<int> Add(Session s, DeviceNote note) => s
        .Sql("""
            INSERT INTO device_notes (id, device_id, incident_id, what, kind, text, written_at, written_by)
            VALUES (@id, @device, @incident, @what, @kind, @text, @at, @by) ON CONFLICT DO NOTHING
            """)
        .Text("@id", note.Id).Text("@device", note.DeviceId).Text("@incident", note.IncidentId).Short("@what", (short)note.What)
        .Int("@kind", (int?)note.Kind).Text("@text", note.Text).Time("@at", note.At).Text("@by", note.By).Execute();

    private static void Check(Incident incident)
    {
        StoredText.Check("The incident's id", incident.Id);
        StoredText.Check("The iPad's id", incident.DeviceId);
        StoredText.Check("The name of who asked", incident.OpenedBy);
        StoredText.Check("The name of who asked", incident.ClosedBy);
    }

    private static void Check(DeviceNote note)
    {
        StoredText.Check("The note's id", note.Id);
        StoredText.Check("The iPad's id", note.DeviceId);
        StoredText.Check("The note", note.Text);
        StoredText.Check("The name of who asked", note.By);
    }

    private static IncidentRow ReadRow(Row row) => new(Read(row), row.TextOrNull(8), row.TextOrNull(9), row.TextOrNull(10), row.TextOrNull(11));

    private static Incident Read(Row row) => new()
    {
        Id = row.Text(0),
        Version = row.Int(1),
        DeviceId = row.Text(2),
        Kind = (IncidentKind)row.Short(3),
        OpenedAt = row.Time(4),
        OpenedBy = row.Text(5),
        ClosedAt = row.TimeOrNull(6),
        ClosedBy = row.TextOrNull(7),
    };

    private static DeviceNote ReadNote(Row row) => new()
    {
        Id = row.Text(0),
        DeviceId = row.Text(1),
        IncidentId = row.TextOrNull(2),
        What = (NoteKind)row.Short(3),
        Kind = row.IsNull(4) ? null : (IncidentKind)row.Short(4),
        Text = row.TextOrNull(5),
        At = row.Time(6),
        By = row.Text(7),
    };
}
