using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Schools;

/// <inheritdoc cref="ISchoolStore"/>
internal sealed class SchoolStore(Database database) : ISchoolStore
{
    private const string Columns =
        "s.id, s.version, s.name, s.code, s.source_id, s.time_zone, s.hours, s.at_once, s.archived, s.created_at, s.created_by, s.updated_at, s.updated_by, s.sort_name";

    private const int Width = 14;

    private const string Standings = $"""
        SELECT {Columns},
          (SELECT count(*) FROM devices d WHERE d.school = s.name AND d.status = 2 AND d.id = d.device_id),
          (SELECT count(*) FROM people m WHERE m.school_id = s.id AND m.active),
          (SELECT count(*) FROM placeholders p WHERE p.school = s.name)
        FROM schools s
        """;

    /// <summary>Each text once, found by jumping through the index: it costs as many steps as there are texts, not iPads.</summary>
    private static readonly string Texts = string.Concat(((string[])["devices", "invitations", "placeholders"]).Select((table, i) => $"""
        {(i == 0 ? "WITH RECURSIVE " : ", ")}{table}_texts (school) AS (
          SELECT min(school) FROM {table} WHERE school IS NOT NULL
          UNION ALL
          SELECT (SELECT min(x.school) FROM {table} x WHERE x.school > t.school) FROM {table}_texts t WHERE t.school IS NOT NULL)
        """));

    /// <summary>A school with 20,000 iPads is renamed in a few seconds.</summary>
    private static readonly TimeSpan RenameTimeout = TimeSpan.FromMinutes(1);

    public async Task<IReadOnlyList<SchoolStanding>> List(Scope scope, string? text, bool? archived, School? after, int limit)
    {
        StoredText.Check("The search", text);
        var search = text is null ? "" : " AND s.search LIKE @text ESCAPE '!'";
        var kind = archived is null ? "" : " AND s.archived = @archived";
        return await database.Read(s => s
            .Sql($"""
                {Standings} WHERE (s.sort_name > @name OR (s.sort_name = @name AND s.id > @id)) AND {scope.Covers(database, "s.id")}{search}{kind}
                ORDER BY s.sort_name, s.id LIMIT @limit
                """)
            .Text("@name", after?.SortName ?? "").Text("@id", after?.Id ?? "").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (text is not null) statement.Text("@text", Keys.Part(text));
                if (archived is { } wanted) statement.Bool("@archived", wanted);
            })
            .List(ReadStanding));
    }

    public Task<SchoolStanding?> Find(Scope scope, string id)
    {
        StoredText.Check("The school's id", id);
        return database.Read(s => s.Sql($"{Standings} WHERE s.id = @id AND {scope.Covers(database, "s.id")}").Text("@id", id).Within(scope).First(ReadStanding));
    }

    public Task<School?> FindByName(Scope scope, string name)
    {
        StoredText.Check("The name", name);
        return database.Read(s => s
            .Sql($"SELECT {Columns} FROM schools s WHERE s.name = @name AND {scope.Covers(database, "s.id")}").Text("@name", name).Within(scope).First(Read));
    }

    public Task<School?> FindByCode(Scope scope, string code)
    {
        StoredText.Check("The code", code);
        return database.Read(s => s
            .Sql($"SELECT {Columns} FROM schools s WHERE s.code_key = @code AND {scope.Covers(database, "s.id")}").Text("@code", Keys.Sort(code)).Within(scope).First(Read));
    }

    public Task<SchoolOutcome> Create(School school, AuditRecord? audit)
    {
        Check(school);
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT count(*) FROM schools").First(row => row.Long(0)) >= ISchoolStore.MostSchools) return SchoolOutcome.TooMany;
            var added = await Bind(s.Sql("""
                INSERT INTO schools (id, version, name, sort_name, search, code, code_key, source_id, time_zone, hours, at_once, archived,
                  created_at, created_by, updated_at, updated_by)
                VALUES (@id, 1, @name, @sort, @search, @code, @codeKey, @source, @zone, @hours, @atOnce, @archived, @at, @by, @at, @by)
                ON CONFLICT DO NOTHING
                """), school).Execute();
            if (added > 0)
            {
                if (audit is not null) await AuditColumns.Add(s, audit);
                return SchoolOutcome.Written;
            }

            return await IsWritten(s, school) ? SchoolOutcome.Written : await Taken(s, school);
        });
    }

    public Task<SchoolOutcome> Change(Scope scope, School school, AuditRecord? audit)
    {
        Check(school);
        return database.Write(async s =>
        {
            var standing = await s
                .Sql($"SELECT {Columns} FROM schools s WHERE s.id = @id AND {scope.Covers(database, "s.id")}{database.ForUpdate}")
                .Text("@id", school.Id).Within(scope).First(Read);
            if (standing is null) return SchoolOutcome.NotFound;
            if (standing.Version != school.Version - 1) return await IsWritten(s, school) ? SchoolOutcome.Written : SchoolOutcome.VersionConflict;
            if (await Taken(s, school) is var taken and not SchoolOutcome.NotFound) return taken;

            await Bind(s.Sql("""
                UPDATE schools SET version = @version, name = @name, sort_name = @sort, search = @search, code = @code, code_key = @codeKey,
                  source_id = @source, time_zone = @zone, hours = @hours, at_once = @atOnce, archived = @archived, updated_at = @at, updated_by = @by
                WHERE id = @id
                """), school).Int("@version", school.Version).Execute();
            if (standing.Name != school.Name) await Rename(s, standing.Name, school.Name);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return SchoolOutcome.Written;
        }, timeout: RenameTimeout);
    }

    public Task<SchoolOutcome> Delete(Scope scope, string id, AuditRecord? audit)
    {
        StoredText.Check("The school's id", id);
        return database.Write(async s =>
        {
            var school = await s
                .Sql($"SELECT {Columns} FROM schools s WHERE s.id = @id AND {scope.Covers(database, "s.id")}{database.ForUpdate}")
                .Text("@id", id).Within(scope).First(Read);
            if (school is null) return SchoolOutcome.NotFound;
            var deleted = await s
                .Sql("""
                    DELETE FROM schools WHERE id = @id
                      AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.school = @name AND d.status IN (1, 2))
                      AND NOT EXISTS (SELECT 1 FROM placeholders p WHERE p.school = @name)
                      AND NOT EXISTS (SELECT 1 FROM people m WHERE m.school_id = @id)
                      AND NOT EXISTS (SELECT 1 FROM classes c WHERE c.school_id = @id)
                      AND NOT EXISTS (SELECT 1 FROM device_groups g WHERE g.school_id = @id)
                    """)
                .Text("@id", id).Text("@name", school.Name).Execute();
            if (deleted == 0) return SchoolOutcome.InUse;
            await s.Sql("DELETE FROM classroom_schools WHERE school_id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return SchoolOutcome.Written;
        });
    }

    public async Task<IReadOnlyList<UnknownSchool>> ListUnknown(Scope scope, int limit)
    {
        if (scope.SchoolIds is not null) return [];
        return await database.Read(s => s
            .Sql($"""
                {Texts}
                SELECT school, ipads, invitations, placeholders FROM (
                  SELECT t.school AS school,
                    (SELECT count(*) FROM devices d WHERE d.school = t.school AND d.status = 2 AND d.id = d.device_id) AS ipads,
                    (SELECT count(*) FROM invitations i WHERE i.school = t.school AND i.revoked_at IS NULL) AS invitations,
                    (SELECT count(*) FROM placeholders p WHERE p.school = t.school) AS placeholders
                  FROM (SELECT school FROM devices_texts UNION SELECT school FROM invitations_texts UNION SELECT school FROM placeholders_texts) t
                  WHERE t.school IS NOT NULL AND NOT EXISTS (SELECT 1 FROM schools x WHERE x.name = t.school)) u
                WHERE ipads + invitations + placeholders > 0
                ORDER BY school LIMIT @limit
                """)
            .Int("@limit", limit).List(row => new UnknownSchool(row.Text(0), row.Long(1), row.Long(2), row.Long(3))));
    }

    /// <summary>Under a new version of each iPad's row, so that a grain that remembers the old name cannot write it back.</summary>
    private async Task Rename(Session s, string before, string after)
    {
        // In the order in which iPads' own changes take their rows.
        await s
            .Sql($"""
                UPDATE devices SET school = @after, version = version + 1
                WHERE id IN (SELECT x.id FROM devices x WHERE x.school = @before ORDER BY x.id{database.ForUpdate})
                """)
            .Text("@after", after).Text("@before", before).Execute();
        await s.Sql("UPDATE invitations SET school = @after WHERE school = @before").Text("@after", after).Text("@before", before).Execute();
        await s.Sql("UPDATE placeholders SET school = @after WHERE school = @before").Text("@after", after).Text("@before", before).Execute();
        // iPads that wait for their turn in an operation, by the hours and the limit of this school.
        await s.Sql("UPDATE operation_members SET school = @after WHERE school = @before AND operation_id IN (SELECT o.id FROM operations o WHERE o.phase IN (1, 2))")
            .Text("@after", after).Text("@before", before).Execute();
    }

    /// <summary>What another school has already; <see cref="SchoolOutcome.NotFound"/>: nothing.</summary>
    private static async Task<SchoolOutcome> Taken(Session s, School school)
    {
        var found = await s
            .Sql("""
                SELECT CASE WHEN name = @name THEN 1 WHEN code_key = @codeKey THEN 2 ELSE 3 END AS what FROM schools
                WHERE id <> @id AND (name = @name OR code_key = @codeKey OR source_id = @source) ORDER BY what LIMIT 1
                """)
            .Text("@name", school.Name).Text("@codeKey", Keys.Sort(school.Code)).Text("@source", school.SourceId).Text("@id", school.Id)
            .First(row => row.Int(0));
        return found switch { 1 => SchoolOutcome.NameTaken, 2 => SchoolOutcome.CodeTaken, 3 => SchoolOutcome.SourceTaken, _ => SchoolOutcome.NotFound };
    }

    /// <summary>By an attempt whose answer was lost, or by the same request before.</summary>
    private static async Task<bool> IsWritten(Session s, School school) =>
        await s.Sql($"SELECT {Columns} FROM schools s WHERE s.id = @id").Text("@id", school.Id).First(Read) is { } standing
        && standing.Version == school.Version && standing.UpdatedBy == school.UpdatedBy && standing.Name == school.Name && standing.Code == school.Code
        && standing.TimeZone == school.TimeZone && standing.AtOnce == school.AtOnce && standing.Archived == school.Archived
        && standing.SourceId == school.SourceId && standing.Hours.SequenceEqual(school.Hours);

    private static Statement Bind(Statement statement, School school) => statement
        .Text("@id", school.Id).Text("@name", school.Name).Text("@sort", Keys.Sort(school.Name))
        .Text("@search", Keys.Sort($"{school.Name}\n{school.Code}")).Text("@code", school.Code).Text("@codeKey", Keys.Sort(school.Code))
        .Text("@source", school.SourceId).Text("@zone", school.TimeZone)
        .Text("@hours", JsonSerializer.Serialize(school.Hours.Select(hours => (int[])[(int)hours.Day, hours.From, hours.To])))
        .Int("@atOnce", school.AtOnce).Bool("@archived", school.Archived).Time("@at", school.UpdatedAt).Text("@by", school.UpdatedBy);

    private static void Check(School school)
    {
        StoredText.Check("The school's id", school.Id);
        StoredText.Check("The name", school.Name);
        StoredText.Check("The code", school.Code);
        StoredText.Check("The id of the school's own system", school.SourceId);
        StoredText.Check("The time zone", school.TimeZone);
        StoredText.Check("The name of who asked", school.UpdatedBy);
    }

    private static SchoolStanding ReadStanding(Row row) => new(Read(row), row.Long(Width), row.Long(Width + 1), row.Long(Width + 2));

    /// <param name="json">Null: none.</param>
    internal static IReadOnlyList<SchoolHours> ReadHours(string? json) =>
        json is null ? [] : [.. JsonSerializer.Deserialize<int[][]>(json)!.Select(hours => new SchoolHours((DayOfWeek)hours[0], hours[1], hours[2]))];

    private static School Read(Row row) => new()
    {
        Id = row.Text(0),
        Version = row.Int(1),
        Name = row.Text(2),
        Code = row.TextOrNull(3),
        SourceId = row.TextOrNull(4),
        TimeZone = row.TextOrNull(5),
        Hours = ReadHours(row.Text(6)),
        AtOnce = row.IntOrNull(7),
        Archived = row.Bool(8),
        CreatedAt = row.Time(9),
        CreatedBy = row.Text(10),
        UpdatedAt = row.Time(11),
        UpdatedBy = row.Text(12),
        SortName = row.Text(13),
    };
}
