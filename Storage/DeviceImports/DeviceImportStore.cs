using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;

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
            await s
                .Sql("""
                    INSERT INTO device_imports (id, columns, notes, rows, created_at, created_by) VALUES (@id, @columns, @notes, @rows, @at, @by)
                    ON CONFLICT (id) DO NOTHING
                    """)
                .Text("@id", file.Id).Text("@columns", JsonSerializer.Serialize(columns)).Text("@notes", file.Notes).Text("@rows", rows)
                .Time("@at", file.CreatedAt).Text("@by", file.CreatedBy).Execute();
        });
    }

    public Task<DeviceImport?> Find(string id)
    {
        StoredText.Check("The import's id", id);
        return database.Read(s => Header(s, id, ""));
    }

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
                        SELECT c.serial_number, c.device_id, c.person_id, p.given_name, p.family_name FROM ({Compared(staged)}) c LEFT JOIN people p ON p.id = c.person_id
                        WHERE {Is(kind)} AND c.serial_number > @after ORDER BY c.serial_number LIMIT @limit
                        """)
                    .Ids(piece).Text("@after", after ?? "").Int("@limit", limit - found.Count)
                    .List(row => new DeviceImportChange(row.Text(0), row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3), row.TextOrNull(4))));
            }

            return found;
        });
    }

    public Task<DeviceImportCounts?> Apply(string id, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The import's id", id);
        StoredText.Check("The name of who asked", by);
        return database.Write(async s =>
        {
            // 1. locked: of two who apply it, one does
            if (await Header(s, id, database.ForUpdate) is not { } import) return null;
            if (import.Result is not null) return import.Result;
            var staged = await Staged(s, id);
            var counts = await Count(s, staged);
            foreach (var piece in staged.Pieces)
            {
                // 2. what is known of each, 3. who gets it now, 4. who gets it when it enrols
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
                        INSERT INTO placeholders (serial_number, created_at, created_by, updated_at, person_id)
                        SELECT c.serial_number, @at, @by, @at, c.person_id FROM ({Compared(staged)}) c WHERE {Is(DeviceImportChangeKind.Waiting)}
                        ON CONFLICT (serial_number) DO UPDATE SET person_id = excluded.person_id
                        """)
                    .Ids(piece).Time("@at", at).Text("@by", by).Execute();
                await s
                    .Sql($"""
                        INSERT INTO holdings (id, device_id, person_id, given_at, given_by)
                        SELECT c.holding_id, c.device_id, c.person_id, @at, @by FROM ({Compared(staged)}) c WHERE {Is(DeviceImportChangeKind.HandedOut)}
                        ON CONFLICT DO NOTHING
                        """)
                    .Ids(piece).Time("@at", at).Text("@by", by).Execute();
            }

            await s.Sql("UPDATE device_imports SET rows = '[]', applied_at = @at, applied_by = @by, result = @result WHERE id = @id")
                .Time("@at", at).Text("@by", by).Text("@result", JsonSerializer.Serialize(counts)).Text("@id", id).Execute();
            if (audit is not null && counts.Added + counts.Changed + counts.HandedOut + counts.Waiting is > 0 and var changed) await AuditColumns.Add(s, audit with { Count = changed });
            return counts;
        }, timeout: ApplyTimeout);
    }

    public Task<bool> Discard(string id)
    {
        StoredText.Check("The import's id", id);
        return database.Write(async s => await s.Sql("DELETE FROM device_imports WHERE id = @id AND applied_at IS NULL").Text("@id", id).Execute() > 0);
    }

    private sealed record StagedRows(string[] Columns, IReadOnlyList<IReadOnlyList<string>> Pieces);

    private static async Task<StagedRows> Staged(Session s, string id)
    {
        var (columns, rows) = await s.Sql("SELECT columns, rows FROM device_imports WHERE id = @id").Text("@id", id).First(row => (row.Text(0), row.Text(1)));
        using var json = JsonDocument.Parse(rows ?? "[]");
        return new StagedRows(
            [.. AllColumns.Intersect(JsonSerializer.Deserialize<string[]>(columns ?? "[]")!)],
            [.. json.RootElement.EnumerateArray().Select(row => row.GetRawText()).Chunk(PieceSize)]);
    }

    private async Task<DeviceImportCounts> Count(Session s, StagedRows staged)
    {
        var sum = new long[6];
        foreach (var piece in staged.Pieces)
        {
            var counts = await s
                .Sql($"""
                    SELECT count(CASE WHEN {Is(DeviceImportChangeKind.Added)} THEN 1 END), count(CASE WHEN {Is(DeviceImportChangeKind.Changed)} THEN 1 END),
                      count(CASE WHEN NOT ({Is(DeviceImportChangeKind.Added)}) AND NOT ({Is(DeviceImportChangeKind.Changed)}) THEN 1 END),
                      count(CASE WHEN {Is(DeviceImportChangeKind.HandedOut)} THEN 1 END), count(CASE WHEN {Is(DeviceImportChangeKind.Waiting)} THEN 1 END),
                      count(CASE WHEN {Is(DeviceImportChangeKind.Kept)} THEN 1 END)
                    FROM ({Compared(staged)}) c
                    """)
                .Ids(piece).First(row => Enumerable.Range(0, sum.Length).Select(row.Long).ToArray());
            for (var n = 0; n < sum.Length; n++) sum[n] += counts![n];
        }

        return new DeviceImportCounts(sum[0], sum[1], sum[2], sum[3], sum[4], sum[5]);
    }

    /// <summary>Of <see cref="Compared"/>.</summary>
    private static string Is(DeviceImportChangeKind kind) => kind switch
    {
        DeviceImportChangeKind.Added => "c.is_new = 1",
        DeviceImportChangeKind.Changed => "c.is_new = 0 AND c.differs = 1",
        // Whoever has left in between gets nothing.
        DeviceImportChangeKind.HandedOut => "c.can_have = 1 AND c.device_id IS NOT NULL AND c.holder_id IS NULL",
        DeviceImportChangeKind.Waiting => "c.can_have = 1 AND c.device_id IS NULL AND (c.meant_for IS NULL OR c.meant_for <> c.person_id)",
        _ => "c.can_have = 1 AND c.holder_id IS NOT NULL AND c.holder_id <> c.person_id",
    };

    /// <summary>The rows that were bound as ids, with what stands. Two iPads that say the same serial number are nobody's.</summary>
    private string Compared(StagedRows staged) => $"""
        SELECT w.*, h.person_id AS holder_id, CASE WHEN EXISTS (SELECT 1 FROM people cp WHERE cp.id = w.person_id AND cp.active) THEN 1 ELSE 0 END AS can_have FROM (
          SELECT i.serial_number, i.person_id, i.holding_id, p.person_id AS meant_for, CASE WHEN p.serial_number IS NULL THEN 1 ELSE 0 END AS is_new,
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

    private static Task<DeviceImport?> Header(Session s, string id, string forUpdate) => s
        .Sql($"SELECT id, notes, created_at, created_by, applied_at, applied_by, result FROM device_imports WHERE id = @id{forUpdate}")
        .Text("@id", id).First(row => new DeviceImport(
            row.Text(0), row.Text(1), row.Time(2), row.Text(3), row.TimeOrNull(4), row.TextOrNull(5),
            row.TextOrNull(6) is { } result ? JsonSerializer.Deserialize<DeviceImportCounts>(result) : null));
}
