using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Storage.DeviceImports;

/// <inheritdoc cref="IDeviceImportStore"/>
internal sealed class DeviceImportStore(Database database) : IDeviceImportStore
{
    /// <summary>Of one statement.</summary>
    private const int PieceSize = 10_000;

    /// <summary>100,000 rows take some seconds.</summary>
    private static readonly TimeSpan ApplyTimeout = TimeSpan.FromMinutes(5);

    private static readonly string[] AllColumns = ["name", "school", "asset_tag"];

    public async Task<IReadOnlyList<PersonLogin>> ListLogins(Scope scope) => await database.Read(s => s
        .Sql($"SELECT p.id, p.active, p.username, p.email, p.account_key FROM people p WHERE {PersonColumns.Covers(scope, database)}").Within(scope)
        .List(row => new PersonLogin(row.Text(0), row.Bool(1), Keys.Sort(row.TextOrNull(2)), Keys.Sort(row.TextOrNull(3)), row.TextOrNull(4))));

    public Task Stage(DeviceImportFile file)
    {
        foreach (var row in file.Rows)
        {
            foreach (var text in (ReadOnlySpan<string?>)[row.SerialNumber, row.Name, row.School, row.AssetTag, row.PersonId]) StoredText.Check("An iPad", text);
        }

        StoredText.Check("The import's id", file.Id);
        StoredText.Check("The name of who asked", file.CreatedBy);
        string[] columns = [.. file.WithName ? ["name"] : Array.Empty<string>(), .. file.WithSchool ? ["school"] : Array.Empty<string>(), .. file.WithAssetTag ? ["asset_tag"] : Array.Empty<string>()];
        var rows = JsonSerializer.Serialize(file.Rows.OrderBy(row => row.SerialNumber, StringComparer.Ordinal)
            .Select(row => (string?[])[row.SerialNumber, row.Name, row.School, row.AssetTag, row.PersonId, row.HoldingId]));
        return database.Write(async s =>
        {
            await s.Sql("DELETE FROM device_imports WHERE created_at < @before AND applied_at IS NULL").Time("@before", file.CreatedAt - IDeviceImportStore.KeptFor).Execute();
            await s.Sql("DELETE FROM device_import_moves WHERE import_id IN (SELECT id FROM device_imports WHERE applied_at < @before)")
                .Time("@before", file.CreatedAt - IDeviceImportStore.CanBeUndoneFor).Execute();
            await s
                .Sql("""
                    INSERT INTO device_imports (id, columns, notes, rows, created_at, created_by, hand_over) VALUES (@id, @columns, @notes, @rows, @at, @by, @over)
                    ON CONFLICT (id) DO NOTHING
                    """)
                .Text("@id", file.Id).Text("@columns", JsonSerializer.Serialize(columns)).Text("@notes", file.Notes).Text("@rows", rows)
                .Time("@at", file.CreatedAt).Text("@by", file.CreatedBy).Bool("@over", file.HandOver).Execute();
        });
    }

    public Task<DeviceImport?> Find(string id)
    {
        StoredText.Check("The import's id", id);
        return database.Read(s => Header(s, id, ""));
    }

    public async Task<IReadOnlyList<DeviceImport>> ListApplied(int limit) => await database.Read(s => s
        .Sql($"{Headers} WHERE applied_at IS NOT NULL ORDER BY applied_at DESC, id LIMIT @limit").Int("@limit", limit).List(ReadHeader));

    public async Task<DeviceImportCounts> Compare(string id)
    {
        StoredText.Check("The import's id", id);
        return (await database.Read(async s => await Header(s, id, "") is { } import ? import.Result ?? await Count(s, await Staged(s, id)) : null))
            ?? new DeviceImportCounts(0, 0, 0, 0, 0, 0);
    }

    public async Task<IReadOnlyList<DeviceImportChange>> ListChanges(string id, DeviceImportChangeKind kind, string? after, int limit)
    {
        StoredText.Check("The import's id", id);
        StoredText.Check("The serial number", after);
        return await database.Read(async s =>
        {
            var staged = await Staged(s, id);
            var found = new List<DeviceImportChange>();
            foreach (var piece in staged.Pieces)
            {
                if (found.Count == limit) break;
                found.AddRange(await s
                    .Sql($"""
                        SELECT c.serial_number, c.device_id, c.person_id, p.given_name, p.family_name, c.holder_id, hp.given_name, hp.family_name
                        FROM ({Compared(staged)}) c LEFT JOIN people p ON p.id = c.person_id LEFT JOIN people hp ON hp.id = c.holder_id
                        WHERE {Is(kind, staged)} AND c.serial_number > @after ORDER BY c.serial_number LIMIT @limit
                        """)
                    .Ids(piece).Text("@after", after ?? "").Int("@limit", limit - found.Count)
                    .List(row => new DeviceImportChange(row.Text(0), row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3), row.TextOrNull(4), row.TextOrNull(5), row.TextOrNull(6), row.TextOrNull(7))));
            }

            return found;
        });
    }

    public Task<DeviceImportApplied> Apply(string id, long handedOver, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The import's id", id);
        StoredText.Check("The name of who asked", by);
        return database.Write(async s =>
        {
            // 1. locked: of two who apply it, one does
            if (await Header(s, id, database.ForUpdate) is not { } import) return new DeviceImportApplied(DeviceImportOutcome.NotFound);
            if (import.Result is not null) return new DeviceImportApplied(DeviceImportOutcome.Written, import.Result);
            var staged = await Staged(s, id);
            var counts = await Count(s, staged);
            if (counts.HandedOver != handedOver) return new DeviceImportApplied(DeviceImportOutcome.NotAsExpected, counts);
            foreach (var piece in staged.Pieces)
            {
                // 2. what is known of each, 3. who gets it and who had it, written down, 4. who gets it when it enrols
                await s
                    .Sql($"""
                        INSERT INTO placeholders (serial_number, name, school, asset_tag, created_at, created_by, updated_at)
                        SELECT i.serial_number, i.name, i.school, i.asset_tag, @at, @by, @at FROM {Rows} WHERE 1 = 1
                        ON CONFLICT (serial_number) DO UPDATE SET {string.Concat(staged.Columns.Select(column => $"{column} = coalesce(excluded.{column}, placeholders.{column}), "))}updated_at = excluded.updated_at
                        WHERE {Differs("placeholders", staged.Columns, "excluded")}
                        """)
                    .Ids(piece).Time("@at", at).Text("@by", by).Execute();
                await s
                    .Sql($"""
                        INSERT INTO device_import_moves (import_id, serial_number, device_id, holding_id, person_id, ended_id, meant_before)
                        SELECT @id, c.serial_number, c.device_id, CASE WHEN c.device_id IS NOT NULL THEN c.holding_id END, c.person_id, c.standing_id, c.meant_by_list FROM ({Compared(staged)}) c
                        WHERE ({Is(DeviceImportChangeKind.Waiting, staged)}) OR ({Is(DeviceImportChangeKind.HandedOut, staged)}) OR ({Is(DeviceImportChangeKind.HandedOver, staged)})
                        """)
                    .Ids(piece).Text("@id", id).Execute();
                await s
                    .Sql($"""
                        INSERT INTO placeholders (serial_number, created_at, created_by, updated_at, person_id, person_by)
                        SELECT c.serial_number, @at, @by, @at, c.person_id, @means FROM ({Compared(staged)}) c WHERE {Is(DeviceImportChangeKind.Waiting, staged)}
                        ON CONFLICT (serial_number) DO UPDATE SET person_id = excluded.person_id, person_by = excluded.person_by, person_at = NULL
                        """)
                    .Ids(piece).Time("@at", at).Text("@by", by).Short("@means", (short)PersonBy.Import).Execute();
                // Who has signed in and is named by the list waits for it by the list's word.
                await s
                    .Sql($"""
                        UPDATE placeholders SET person_by = @means, person_at = NULL WHERE serial_number IN (
                          SELECT i.serial_number FROM {Rows} JOIN placeholders p ON p.serial_number = i.serial_number WHERE p.person_id = i.person_id AND p.person_by = @signIn)
                        """)
                    .Ids(piece).Short("@means", (short)PersonBy.Import).Short("@signIn", (short)PersonBy.SignIn).Execute();
            }

            // 5. it changes hands: all come back before the first is handed out
            await s
                .Sql($"""
                    UPDATE holdings SET returned_at = @at, returned_by = @by
                    WHERE returned_at IS NULL AND {database.IsOneOf("id", "SELECT m.ended_id FROM device_import_moves m WHERE m.import_id = @id AND m.ended_id IS NOT NULL")}
                    """)
                .Text("@id", id).Time("@at", at).Text("@by", by).Execute();
            await s
                .Sql("""
                    INSERT INTO holdings (id, device_id, person_id, given_at, given_by)
                    SELECT m.holding_id, m.device_id, m.person_id, @at, @by FROM device_import_moves m WHERE m.import_id = @id AND m.holding_id IS NOT NULL
                    ON CONFLICT DO NOTHING
                    """)
                .Text("@id", id).Time("@at", at).Text("@by", by).Execute();

            await s.Sql("UPDATE device_imports SET rows = '[]', applied_at = @at, applied_by = @by, result = @result WHERE id = @id")
                .Time("@at", at).Text("@by", by).Text("@result", JsonSerializer.Serialize(counts)).Text("@id", id).Execute();
            if (audit is not null && counts.Added + counts.Changed + counts.HandedOut + counts.Waiting + counts.HandedOver is > 0 and var changed)
                await AuditColumns.Add(s, audit with { Count = changed });
            return new DeviceImportApplied(DeviceImportOutcome.Written, counts);
        }, timeout: ApplyTimeout);
    }

    public Task<DeviceImportUndoOutcome> Undo(string id, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The import's id", id);
        StoredText.Check("The name of who asked", by);
        return database.Write(async s =>
        {
            if (await Header(s, id, database.ForUpdate) is not { } import) return DeviceImportUndoOutcome.NotFound;
            if (import.Undone is not null) return DeviceImportUndoOutcome.Written;
            if (import.AppliedAt is not { } applied) return DeviceImportUndoOutcome.NotApplied;
            if (applied < at - IDeviceImportStore.CanBeUndoneFor) return DeviceImportUndoOutcome.TooLate;
            if (!import.IsKept) return DeviceImportUndoOutcome.NotKept;

            // 1. whoever has it by this file has it no more; 2. whoever had it has it again, where nobody else got it; 3. nobody waits for it by this file
            const string Mine = "SELECT m.holding_id FROM device_import_moves m WHERE m.import_id = @id AND m.holding_id IS NOT NULL";
            var takenBack = await s.Sql($"UPDATE holdings SET returned_at = @at, returned_by = @by WHERE returned_at IS NULL AND {database.IsOneOf("id", Mine)}")
                .Text("@id", id).Time("@at", at).Text("@by", by).Execute();
            // Those that enrolled since got theirs by the placeholder.
            takenBack += await s
                .Sql("""
                    UPDATE holdings SET returned_at = @at, returned_by = @by
                    WHERE returned_at IS NULL AND id IN (
                      SELECT h.id FROM device_import_moves m JOIN devices d ON d.serial_number = m.serial_number JOIN holdings h ON h.device_id = d.id
                      WHERE m.import_id = @id AND m.device_id IS NULL AND h.returned_at IS NULL AND h.person_id = m.person_id AND h.given_at >= @applied)
                    """)
                .Text("@id", id).Time("@at", at).Text("@by", by).Time("@applied", applied).Execute();
            var givenBack = await s
                .Sql($"""
                    UPDATE holdings SET returned_at = NULL, returned_by = NULL
                    WHERE returned_at = @applied AND returned_by = @appliedBy AND {database.IsOneOf("id", """
                        SELECT m.ended_id FROM device_import_moves m JOIN holdings n ON n.id = m.holding_id
                        WHERE m.import_id = @id AND m.ended_id IS NOT NULL AND n.returned_at = @at AND n.returned_by = @by
                        """)}
                      AND EXISTS (SELECT 1 FROM people p WHERE p.id = holdings.person_id AND p.active)
                      AND NOT EXISTS (SELECT 1 FROM holdings o WHERE o.device_id = holdings.device_id AND o.returned_at IS NULL)
                    """)
                .Text("@id", id).Time("@at", at).Text("@by", by).Time("@applied", applied).Text("@appliedBy", import.AppliedBy).Execute();
            var notWaiting = await s
                .Sql("""
                    UPDATE placeholders SET person_id = (
                      SELECT p.id FROM device_import_moves m JOIN people p ON p.id = m.meant_before AND p.active WHERE m.import_id = @id AND m.serial_number = placeholders.serial_number)
                    WHERE EXISTS (
                      SELECT 1 FROM device_import_moves m
                      WHERE m.import_id = @id AND m.serial_number = placeholders.serial_number AND m.device_id IS NULL AND m.person_id = placeholders.person_id)
                      AND (placeholders.person_by IS NULL OR placeholders.person_by <> @signIn)
                    """)
                .Text("@id", id).Short("@signIn", (short)PersonBy.SignIn).Execute();
            await s
                .Sql("UPDATE placeholders SET person_by = NULL WHERE person_id IS NULL AND serial_number IN (SELECT m.serial_number FROM device_import_moves m WHERE m.import_id = @id)")
                .Text("@id", id).Execute();
            var moves = await s.Sql("SELECT count(*) FROM device_import_moves WHERE import_id = @id").Text("@id", id).First(row => row.Long(0));
            var undone = new DeviceImportUndone(takenBack, givenBack, notWaiting, moves - takenBack - notWaiting);
            await s.Sql("UPDATE device_imports SET undone_at = @at, undone_by = @by, undone = @undone WHERE id = @id")
                .Time("@at", at).Text("@by", by).Text("@undone", JsonSerializer.Serialize(undone)).Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit with { Count = takenBack + notWaiting });
            return DeviceImportUndoOutcome.Written;
        }, timeout: ApplyTimeout);
    }

    public Task<bool> Discard(string id)
    {
        StoredText.Check("The import's id", id);
        return database.Write(async s => await s.Sql("DELETE FROM device_imports WHERE id = @id AND applied_at IS NULL").Text("@id", id).Execute() > 0);
    }

    private sealed record StagedRows(string[] Columns, bool HandOver, IReadOnlyList<IReadOnlyList<string>> Pieces);

    private static async Task<StagedRows> Staged(Session s, string id)
    {
        var (columns, rows, handOver) = await s.Sql("SELECT columns, rows, hand_over FROM device_imports WHERE id = @id").Text("@id", id).First(row => (row.Text(0), row.Text(1), row.Bool(2)));
        using var json = JsonDocument.Parse(rows ?? "[]");
        return new StagedRows(
            [.. AllColumns.Intersect(JsonSerializer.Deserialize<string[]>(columns ?? "[]")!)], handOver,
            [.. json.RootElement.EnumerateArray().Select(row => row.GetRawText()).Chunk(PieceSize)]);
    }

    private async Task<DeviceImportCounts> Count(Session s, StagedRows staged)
    {
        DeviceImportChangeKind[] counted =
        [
            DeviceImportChangeKind.Added, DeviceImportChangeKind.Changed, DeviceImportChangeKind.HandedOut, DeviceImportChangeKind.Waiting, DeviceImportChangeKind.Kept,
            DeviceImportChangeKind.HandedOver,
        ];
        var (sum, all) = (new long[counted.Length], 0L);
        foreach (var piece in staged.Pieces)
        {
            var counts = await s
                .Sql($"SELECT count(*), {string.Join(", ", counted.Select(kind => $"count(CASE WHEN {Is(kind, staged)} THEN 1 END)"))} FROM ({Compared(staged)}) c")
                .Ids(piece).First(row => Enumerable.Range(0, counted.Length + 1).Select(row.Long).ToArray());
            all += counts![0];
            for (var n = 0; n < sum.Length; n++) sum[n] += counts[n + 1];
        }

        return new DeviceImportCounts(sum[0], sum[1], all - sum[0] - sum[1], sum[2], sum[3], sum[4], sum[5]);
    }

    /// <summary>Of <see cref="Compared"/>.</summary>
    private static string Is(DeviceImportChangeKind kind, StagedRows staged) => kind switch
    {
        DeviceImportChangeKind.Added => "c.is_new = 1",
        DeviceImportChangeKind.Changed => "c.is_new = 0 AND c.differs = 1",
        // Whoever has left in between gets nothing.
        DeviceImportChangeKind.HandedOut => "c.can_have = 1 AND c.device_id IS NOT NULL AND c.holder_id IS NULL",
        DeviceImportChangeKind.Waiting => "c.can_have = 1 AND c.device_id IS NULL AND (c.meant_for IS NULL OR c.meant_for <> c.person_id)",
        _ => (kind == DeviceImportChangeKind.HandedOver) == staged.HandOver ? "c.can_have = 1 AND c.holder_id IS NOT NULL AND c.holder_id <> c.person_id" : "1 = 0",
    };

    /// <summary>The rows that were bound as ids, with what stands. Two iPads that say the same serial number are nobody's.</summary>
    private string Compared(StagedRows staged) => $"""
        SELECT w.*, h.person_id AS holder_id, h.id AS standing_id, CASE WHEN EXISTS (SELECT 1 FROM people cp WHERE cp.id = w.person_id AND cp.active) THEN 1 ELSE 0 END AS can_have FROM (
          SELECT i.serial_number, i.person_id, i.holding_id, p.person_id AS meant_for,
            CASE WHEN p.person_by = {(short)PersonBy.SignIn} THEN NULL ELSE p.person_id END AS meant_by_list, CASE WHEN p.serial_number IS NULL THEN 1 ELSE 0 END AS is_new,
            CASE WHEN {Differs("p", staged.Columns, "i")} THEN 1 ELSE 0 END AS differs,
            (SELECT CASE WHEN count(*) = 1 THEN min(x.id) END FROM devices x WHERE x.serial_number = i.serial_number AND x.id = x.device_id AND x.status = 2) AS device_id
          FROM {Rows} LEFT JOIN placeholders p ON p.serial_number = i.serial_number
        ) w LEFT JOIN holdings h ON h.device_id = w.device_id AND h.returned_at IS NULL
        """;

    private string Rows => $"""
        (SELECT {database.JsonText("ids.id", 0)} AS serial_number, {database.JsonText("ids.id", 1)} AS name, {database.JsonText("ids.id", 2)} AS school,
           {database.JsonText("ids.id", 3)} AS asset_tag, {database.JsonText("ids.id", 4)} AS person_id, {database.JsonText("ids.id", 5)} AS holding_id
         FROM {database.IdsTable}) i
        """;

    /// <summary>What the file leaves empty, it does not say: exports of other servers are full of empty fields.</summary>
    private static string Differs(string standing, string[] columns, string coming) => columns.Length == 0
        ? "1 = 0"
        : string.Join(" OR ", columns.Select(column => $"({coming}.{column} IS NOT NULL AND {standing}.{column} IS DISTINCT FROM {coming}.{column})"));

    private const string Headers = """
        SELECT id, notes, created_at, created_by, applied_at, applied_by, result, hand_over, undone_at, undone_by, undone,
          EXISTS (SELECT 1 FROM device_import_moves m WHERE m.import_id = device_imports.id)
        FROM device_imports
        """;

    private static Task<DeviceImport?> Header(Session s, string id, string forUpdate) => s.Sql($"{Headers} WHERE id = @id{forUpdate}").Text("@id", id).First(ReadHeader);

    private static DeviceImport ReadHeader(Row row) => new(
        row.Text(0), row.Text(1), row.Time(2), row.Text(3), row.TimeOrNull(4), row.TextOrNull(5),
        row.TextOrNull(6) is { } result ? JsonSerializer.Deserialize<DeviceImportCounts>(result) : null)
    {
        HandOver = row.Bool(7),
        UndoneAt = row.TimeOrNull(8),
        UndoneBy = row.TextOrNull(9),
        Undone = row.TextOrNull(10) is { } undone ? JsonSerializer.Deserialize<DeviceImportUndone>(undone) : null,
        IsKept = row.Bool(11),
    };
}
