using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Placeholders;

/// <inheritdoc cref="IPlaceholderStore"/>
internal sealed class PlaceholderStore(Database database) : IPlaceholderStore
{
    /// <summary>Of one statement.</summary>
    private const int PieceSize = 10_000;

    private const int MostDevices = 10;

    /// <summary>With the iPad of that serial number; of several, one that is enrolled.</summary>
    private const string Standings = """
        SELECT p.serial_number, p.name, p.school, p.asset_tag, d.id, d.status, p.updated_at
        FROM placeholders p
        LEFT JOIN devices d ON d.id = (
          SELECT x.id FROM devices x WHERE x.serial_number = p.serial_number AND x.id = x.device_id
          ORDER BY CASE WHEN x.status = 2 THEN 0 ELSE 1 END, x.id LIMIT 1)
        """;

    /// <summary>100,000 rows take a few seconds.</summary>
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromMinutes(2);

    public Task<Placeholder?> Find(string serialNumber)
    {
        StoredText.Check("The serial number", serialNumber);
        return database.Read(s => s
            .Sql("""
                SELECT p.serial_number, p.name, p.school, p.asset_tag, p.person_id, p.person_by, p.person_at, s.name
                FROM placeholders p LEFT JOIN people w ON w.id = p.person_id AND w.active AND p.person_by = @means LEFT JOIN schools s ON s.id = w.school_id
                WHERE p.serial_number = @serial
                """)
            .Text("@serial", serialNumber.ToUpperInvariant()).Short("@means", (short)PersonBy.SignIn)
            .First(row => Read(row) with
            {
                PersonId = row.TextOrNull(4),
                PersonBy = row.IsNull(5) ? null : (PersonBy)row.Short(5),
                PersonAt = row.TimeOrNull(6),
                PersonSchool = row.TextOrNull(7),
            }));
    }

    public async Task<IReadOnlyList<PlaceholderStanding>> List(Scope scope, string? after, int limit, bool? enrolled)
    {
        StoredText.Check("The serial number", after);
        var wanted = enrolled switch
        {
            true => " AND d.status = 2",
            false => " AND (d.status IS NULL OR d.status <> 2)",
            null => "",
        };
        return await database.Read(s => s
            .Sql($"{Standings} WHERE p.serial_number > @after AND {scope.CoversName(database, "p.school")}{wanted} ORDER BY p.serial_number LIMIT @limit")
            .Text("@after", after ?? "").Within(scope).Int("@limit", limit).List(ReadStanding));
    }

    public Task<PlaceholderStanding?> Standing(Scope scope, string serialNumber)
    {
        StoredText.Check("The serial number", serialNumber);
        return database.Read(s => s
            .Sql($"{Standings} WHERE p.serial_number = @serial AND {scope.CoversName(database, "p.school")}").Text("@serial", serialNumber.ToUpperInvariant()).Within(scope)
            .First(ReadStanding));
    }

    public async Task<PlaceholdersWritten> Write(Scope scope, PlaceholderWrite write)
    {
        foreach (var row in write.Rows)
        {
            StoredText.Check("The serial number", row.SerialNumber);
            StoredText.Check("The name", row.Name);
            StoredText.Check("The school", row.School);
            StoredText.Check("The asset tag", row.AssetTag);
        }

        StoredText.Check("The name of who asked", write.By);
        return (await database.Write(async s =>
        {
            long created = 0, changed = 0, enrolled = 0;
            foreach (var piece in write.Rows.Chunk(PieceSize))
            {
                var rows = piece.Select(row => JsonSerializer.Serialize(
                    (string?[])[row.SerialNumber.ToUpperInvariant(), row.Name, row.School, row.AssetTag])).ToList();
                if (await Outside(s, scope, rows) is > 0 and var outside) return new PlaceholdersWritten(0, 0, 0, 0) { Outside = outside };
                var (standing, differing, living) = await Compare(s, rows, write);
                created += piece.Length - standing;
                changed += differing;
                enrolled += living;
                if (!write.DryRun) await Upsert(s, rows, write);
            }

            if (!write.DryRun && created + changed > 0 && write.Audit is { } audit) await AuditColumns.Add(s, audit with { Count = created + changed });
            return new PlaceholdersWritten(created, changed, write.Rows.Count - created - changed, enrolled);
        }, timeout: WriteTimeout))!;
    }

    /// <summary>Rows that name no school of the scope, or whose serial number is known for another one: by a placeholder, or by an iPad.</summary>
    private async Task<long> Outside(Session s, Scope scope, List<string> rows) => scope.SchoolIds is null ? 0 : await s
        .Sql($"""
            SELECT count(*) FROM {Rows} WHERE NOT {scope.CoversName(database, "i.school")}
              OR EXISTS (SELECT 1 FROM placeholders p WHERE p.serial_number = i.serial_number AND NOT {scope.CoversName(database, "p.school")})
              OR EXISTS (SELECT 1 FROM devices d WHERE d.serial_number = i.serial_number AND NOT {scope.CoversDevice(database)})
            """)
        .Ids(rows).Within(scope).First(row => row.Long(0));

    public Task<MeantForOutcome> MeanFor(string serialNumber, string personId, DateTimeOffset at, AuditRecord? audit)
    {
        StoredText.Check("The serial number", serialNumber);
        StoredText.Check("The person's id", personId);
        var serial = serialNumber.ToUpperInvariant();
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT id FROM people WHERE id = @person AND active").Text("@person", personId).First(row => row.Text(0)) is null) return MeantForOutcome.NoPerson;
            var holders = await s
                .Sql("SELECT h.person_id FROM holdings h JOIN devices d ON d.id = h.device_id WHERE d.serial_number = @serial AND h.returned_at IS NULL")
                .Text("@serial", serial).List(row => row.Text(0));
            if (holders.Exists(holder => holder != personId)) return MeantForOutcome.HeldByAnother;
            var meant = await s
                .Sql($"SELECT person_id, person_by FROM placeholders WHERE serial_number = @serial{database.ForUpdate}")
                .Text("@serial", serial).First(row => new { PersonId = row.TextOrNull(0), By = row.IsNull(1) ? PersonBy.Import : (PersonBy)row.Short(1) });
            if (meant is { PersonId: { } other, By: not PersonBy.SignIn } && other != personId) return MeantForOutcome.MeantForAnother;
            // Who has it already, by a list or in their hands, needs nothing more than that nobody else waits for it.
            if (holders.Count > 0)
                await s.Sql("UPDATE placeholders SET person_id = NULL, person_by = NULL, person_at = NULL WHERE serial_number = @serial").Text("@serial", serial).Execute();
            else if (meant?.PersonId != personId || meant.By == PersonBy.SignIn)
            {
                // Not the school of the person: it would count for more than the iPad's own.
                var written = await s
                    .Sql("""
                        INSERT INTO placeholders (serial_number, created_at, created_by, updated_at, person_id, person_by, person_at) VALUES (@serial, @at, @by, @at, @person, @means, @at)
                        ON CONFLICT (serial_number) DO UPDATE SET person_id = excluded.person_id, person_by = excluded.person_by, person_at = excluded.person_at
                        WHERE placeholders.person_id IS NULL OR placeholders.person_by = @means
                        """)
                    .Text("@serial", serial).Time("@at", at).Text("@by", "sign-in").Text("@person", personId).Short("@means", (short)PersonBy.SignIn).Execute();
                // A list was imported in this moment: it says for whom the iPad is.
                if (written == 0 && await s.Sql("SELECT person_id FROM placeholders WHERE serial_number = @serial").Text("@serial", serial).First(row => row.TextOrNull(0)) != personId)
                    return MeantForOutcome.MeantForAnother;
            }

            if (audit is not null) await AuditColumns.Add(s, audit with { Subject = personId });
            return MeantForOutcome.Written;
        });
    }

    public Task MeanForNobody(string serialNumber, AuditRecord? audit)
    {
        StoredText.Check("The serial number", serialNumber);
        return database.Write(async s =>
        {
            await s.Sql("UPDATE placeholders SET person_id = NULL, person_by = NULL, person_at = NULL WHERE serial_number = @serial AND person_by = @means")
                .Text("@serial", serialNumber.ToUpperInvariant()).Short("@means", (short)PersonBy.SignIn).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public Task<bool> Remove(Scope scope, string serialNumber, AuditRecord? audit)
    {
        StoredText.Check("The serial number", serialNumber);
        return database.Write(async s =>
        {
            var removed = await s.Sql($"DELETE FROM placeholders WHERE serial_number = @serial AND {scope.CoversName(database, "placeholders.school")}")
                .Text("@serial", serialNumber.ToUpperInvariant()).Within(scope).Execute() > 0;
            if (removed && audit is not null) await AuditColumns.Add(s, audit);
            return removed;
        });
    }

    public async Task<IReadOnlyList<SharedSerial>> Shared(string? after, int limit)
    {
        StoredText.Check("The serial number", after);
        return await database.Read(async s =>
        {
            var found = await s
                .Sql("""
                    SELECT serial_number, count(*) FROM devices
                    WHERE serial_number > @after AND id = device_id
                    GROUP BY serial_number HAVING count(*) > 1 ORDER BY serial_number LIMIT @limit
                    """)
                .Text("@after", after ?? "").Int("@limit", limit).List(row => (Serial: row.Text(0), Count: row.Long(1)));
            var shared = new List<SharedSerial>();
            foreach (var (serial, count) in found) shared.Add(new SharedSerial(serial, await DevicesWith(s, serial, ""), count));
            return shared;
        });
    }

    public async Task<IReadOnlyList<string>> OthersWith(string serialNumber, string deviceId)
    {
        StoredText.Check("The serial number", serialNumber);
        StoredText.Check("The device id", deviceId);
        return await database.Read(s => DevicesWith(s, serialNumber, deviceId));
    }

    private static Task<List<string>> DevicesWith(Session s, string serialNumber, string except) => s
        .Sql($"SELECT id FROM devices WHERE serial_number = @serial AND id = device_id AND id <> @except ORDER BY id LIMIT {MostDevices}")
        .Text("@serial", serialNumber).Text("@except", except).List(row => row.Text(0));

    private async Task<(long Standing, long Differing, long Enrolled)> Compare(Session s, List<string> rows, PlaceholderWrite write) => await s
        .Sql($"""
            SELECT count(p.serial_number),
              count(CASE WHEN p.serial_number IS NOT NULL AND ({Differs("p", Given(write))}) THEN 1 END),
              count(CASE WHEN EXISTS (SELECT 1 FROM devices d WHERE d.serial_number = i.serial_number AND d.status = 2 AND d.id = d.device_id) THEN 1 END)
            FROM {Rows} LEFT JOIN placeholders p ON p.serial_number = i.serial_number
            """)
        .Ids(rows).First(row => (row.Long(0), row.Long(1), row.Long(2)));

    private async Task Upsert(Session s, List<string> rows, PlaceholderWrite write)
    {
        var given = Given(write);
        await s
            .Sql($"""
                INSERT INTO placeholders (serial_number, name, school, asset_tag, created_at, created_by, updated_at)
                SELECT i.serial_number, i.name, i.school, i.asset_tag, @at, @by, @at FROM {Rows} WHERE 1 = 1
                ON CONFLICT (serial_number) DO UPDATE SET
                  {string.Concat(given.Select(column => $"{column} = excluded.{column}, "))}updated_at = excluded.updated_at
                WHERE {Differs("placeholders", given, "excluded")}
                """)
            .Ids(rows).Time("@at", write.At).Text("@by", write.By).Execute();
    }

    /// <summary>The rows that were bound as ids, one JSON array each.</summary>
    private string Rows => $"""
        (SELECT {database.JsonText("ids.id", 0)} AS serial_number, {database.JsonText("ids.id", 1)} AS name,
           {database.JsonText("ids.id", 2)} AS school, {database.JsonText("ids.id", 3)} AS asset_tag
         FROM {database.IdsTable}) i
        """;

    private static List<string> Given(PlaceholderWrite write)
    {
        var given = new List<string>();
        if (write.WithName) given.Add("name");
        if (write.WithSchool) given.Add("school");
        if (write.WithAssetTag) given.Add("asset_tag");
        return given;
    }

    private static string Differs(string standing, List<string> columns, string coming = "i") => columns.Count == 0
        ? "1 = 0"
        : string.Join(" OR ", columns.Select(column => $"{standing}.{column} IS DISTINCT FROM {coming}.{column}"));

    private static PlaceholderStanding ReadStanding(Row row) => new(
        Read(row), row.TextOrNull(4), !row.IsNull(5) && (EnrolmentStatus)row.Short(5) == EnrolmentStatus.Enrolled, row.Time(6));

    private static Placeholder Read(Row row) => new()
    {
        SerialNumber = row.Text(0),
        Name = row.TextOrNull(1),
        School = row.TextOrNull(2),
        AssetTag = row.TextOrNull(3),
    };
}
