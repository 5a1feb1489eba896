using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;

namespace FleetMdm.Storage.Imports;

/// <inheritdoc cref="IImportStore"/>
/// <remarks>Staged in pieces of their own, so that no writer waits long. Compared and applied by statements over the staged rows, never by a loop over people.
/// A node that dies while it stages leaves rows that nobody applies; one that dies while it applies has applied nothing.</remarks>
internal sealed class ImportStore(Database database) : IImportStore
{
    private const int PieceSize = 5_000;

    /// <summary>100,000 people with their classes take some seconds.</summary>
    private static readonly TimeSpan ApplyTimeout = TimeSpan.FromMinutes(5);

    private static readonly string[] Tables = ["import_schools", "import_people", "import_classes", "import_members"];

    private const string Missing = """
        p.active AND p.source_id IS NOT NULL AND p.school_id IN (SELECT x.id FROM import_schools x WHERE x.import_id = @id)
        AND NOT EXISTS (SELECT 1 FROM import_people i WHERE i.import_id = @id AND i.source_id = p.source_id)
        """;

    /// <summary>A file without any class says nothing of classes.</summary>
    private const string MissingClasses = """
        c.active AND c.source_id IS NOT NULL AND c.school_id IN (SELECT x.id FROM import_schools x WHERE x.import_id = @id)
        AND EXISTS (SELECT 1 FROM import_classes i WHERE i.import_id = @id)
        AND NOT EXISTS (SELECT 1 FROM import_classes i WHERE i.import_id = @id AND i.source_id = c.source_id)
        """;

    private const string ClassDiffers = """
        (c.school_id <> i.school_id OR c.name <> i.name OR c.code IS DISTINCT FROM i.code OR c.ends_on IS DISTINCT FROM i.ends_on OR c.active <> i.active)
        """;

    /// <summary>Who is in a class of the file, and is not there by the file: of the people that came from a file.</summary>
    private const string MissingMembers = """
        EXISTS (SELECT 1 FROM classes c JOIN import_classes ic ON ic.import_id = @id AND ic.source_id = c.source_id
          JOIN people p ON p.id = m.person_id AND p.source_id IS NOT NULL
          WHERE c.id = m.class_id
            AND NOT EXISTS (SELECT 1 FROM import_members i WHERE i.import_id = @id AND i.class_source_id = c.source_id AND i.person_source_id = p.source_id))
        """;

    private const string OutOfClass = """
        EXISTS (SELECT 1 FROM import_members i JOIN classes c ON c.source_id = i.class_source_id JOIN people p ON p.source_id = i.person_source_id
          WHERE i.import_id = @id AND NOT i.active AND c.id = m.class_id AND p.id = m.person_id)
        """;

    public async Task Stage(ImportFile file)
    {
        Check(file);
        await database.Write(async s =>
        {
            await Prune(s, file.CreatedAt - IImportStore.KeptFor);
            await s
                .Sql("""
                    INSERT INTO imports (id, format, complete, columns, notes, staged, created_at, created_by)
                    VALUES (@id, @format, @complete, @columns, @notes, @staged, @at, @by) ON CONFLICT (id) DO NOTHING
                    """)
                .Text("@id", file.Id).Text("@format", file.Format).Bool("@complete", file.Complete).Text("@columns", JsonSerializer.Serialize(file.Columns))
                .Text("@notes", file.Notes).Bool("@staged", false).Time("@at", file.CreatedAt).Text("@by", file.CreatedBy).Execute();
        });
        await StageRows(file.Id, "import_schools (import_id, id, source_id, name, sort_name, search, code, code_key, is_new)", "TTTTTTTB", file.Schools,
            school => [school.Id, school.SourceId, school.Name, Keys.Sort(school.Name), Keys.Sort($"{school.Name}\n{school.Code}"), school.Code, Keys.Sort(school.Code), Bit(school.IsNew)]);
        await StageRows(file.Id,
            "import_people (import_id, source_id, id, school_id, role, given_name, family_name, sort_name, given_first, username, email, managed_account, account_key, grade, active, line)",
            "TTTITTTTTTTTTBI", file.People,
            person => [person.SourceId, Guid.NewGuid().ToString("D"), person.SchoolId, Number((short)person.Role), person.GivenName, person.FamilyName,
                PersonColumns.SortName(person.GivenName, person.FamilyName), Keys.Sort($"{person.GivenName} {person.FamilyName}".Trim()), person.Username, person.Email, person.ManagedAccount,
                Keys.Sort(person.ManagedAccount), person.Grade, Bit(person.Active), Number(person.Line)]);
        await StageRows(file.Id, "import_classes (import_id, source_id, id, school_id, name, sort_name, search, code, ends_on, active)", "TTTTTTTTB", file.Classes,
            one => [one.SourceId, Guid.NewGuid().ToString("D"), one.SchoolId, one.Name, Keys.Sort(one.Name), Keys.Sort($"{one.Name}\n{one.Code}\n{one.SourceId}"),
                one.Code, PersonColumns.Day(one.EndsOn), Bit(one.Active)]);
        await StageRows(file.Id, "import_members (import_id, class_source_id, person_source_id, role, active)", "TTIB", file.Members,
            member => [member.ClassSourceId, member.PersonSourceId, Number((short)member.Role), Bit(member.Active)]);
        // Last: what is not staged as a whole cannot be applied.
        await database.Write(s => s.Sql("UPDATE imports SET staged = @staged WHERE id = @id").Bool("@staged", true).Text("@id", file.Id).Execute());
    }

    public Task<Import?> Find(string id)
    {
        StoredText.Check("The import's id", id);
        return database.Read(s => Header(s, id));
    }

    public Task<ImportCounts> Compare(string id)
    {
        StoredText.Check("The import's id", id);
        return database.Read(async s => await Count(s, id, await Header(s, id) is { Complete: true }, await Columns(s, id)));
    }

    public async Task<IReadOnlyList<ImportClash>> FindClashes(string id, int limit)
    {
        StoredText.Check("The import's id", id);
        return await database.Read(s => s
            .Sql("""
                SELECT i.source_id, i.line FROM import_people i JOIN people p ON p.account_key = i.account_key
                WHERE i.import_id = @id AND i.account_key IS NOT NULL AND p.source_id IS DISTINCT FROM i.source_id ORDER BY i.line LIMIT @limit
                """)
            .Text("@id", id).Int("@limit", limit).List(row => new ImportClash(row.Text(0), row.Int(1))));
    }

    public async Task<IReadOnlyList<ImportChange>> ListChanges(string id, ImportChangeKind kind, string? after, int limit)
    {
        StoredText.Check("The import's id", id);
        StoredText.Check("The id to go on after", after);
        return await database.Read(async s =>
        {
            var complete = await Header(s, id) is { Complete: true };
            var differs = Differs(await Columns(s, id));
            var missing = complete
                ? $"""
                     UNION ALL SELECT p.source_id, p.given_name, p.family_name, p.school_id FROM people p WHERE {Missing} AND p.source_id > @after
                    """
                : "";
            var found = kind switch
            {
                ImportChangeKind.Added => """
                    SELECT i.source_id, i.given_name, i.family_name, i.school_id FROM import_people i
                    WHERE i.import_id = @id AND i.active AND i.source_id > @after AND NOT EXISTS (SELECT 1 FROM people p WHERE p.source_id = i.source_id)
                    """,
                ImportChangeKind.Changed => $"""
                    SELECT i.source_id, i.given_name, i.family_name, i.school_id FROM import_people i JOIN people p ON p.source_id = i.source_id
                    WHERE i.import_id = @id AND i.source_id > @after AND {differs} AND NOT (p.active AND NOT i.active)
                    """,
                _ => $"""
                    SELECT i.source_id, p.given_name, p.family_name, p.school_id FROM import_people i JOIN people p ON p.source_id = i.source_id
                    WHERE i.import_id = @id AND i.source_id > @after AND p.active AND NOT i.active{missing}
                    """,
            };
            return await s
                .Sql($"""
                    SELECT f.source_id, f.given_name, f.family_name, coalesce(s.name, n.name) FROM ({found}) f
                    LEFT JOIN schools s ON s.id = f.school_id LEFT JOIN import_schools n ON n.import_id = @id AND n.id = f.school_id
                    ORDER BY f.source_id LIMIT @limit
                    """)
                .Text("@id", id).Text("@after", after ?? "").Int("@limit", limit)
                .List(row => new ImportChange(row.Text(0), row.Text(1), row.Text(2), row.TextOrNull(3)));
        });
    }

    public Task<ImportApplied> Apply(string id, long? removals, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The import's id", id);
        StoredText.Check("The name of who asked", by);
        return database.Write(async s =>
        {
            // 1. one at a time: two files at once would each count without the other
            await s.Sql("INSERT INTO facts (name, value) VALUES ('import-turn', @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
                .Bytes("@value", System.Text.Encoding.UTF8.GetBytes(id)).Execute();
            if (await Header(s, id) is not { } import) return new ImportApplied(ImportOutcome.NotFound, null);
            if (import.Result is { } done) return new ImportApplied(ImportOutcome.Applied, done);

            // 2. what it does now, which may differ from what the preview showed
            var columns = await Columns(s, id);
            var counts = await Count(s, id, import.Complete, columns);
            if (counts.RemovesMany && removals != counts.PeopleRemoved) return new ImportApplied(ImportOutcome.RemovesMany, counts);

            // 3. schools, people, classes, who is in them
            await Schools(s, id, at, by);
            await People(s, id, import.Complete, columns, at, by);
            await Classes(s, id, import.Complete, at, by);
            await Members(s, id, import.Complete);

            // 4. what was done, and the staged rows go
            foreach (var table in Tables) await s.Sql($"DELETE FROM {table} WHERE import_id = @id").Text("@id", id).Execute();
            await s.Sql("UPDATE imports SET applied_at = @at, applied_by = @by, result = @result WHERE id = @id")
                .Time("@at", at).Text("@by", by).Text("@result", JsonSerializer.Serialize(counts)).Text("@id", id).Execute();
            if (audit is not null && !counts.IsNothing)
                await AuditColumns.Add(s, audit with { Count = counts.PeopleAdded + counts.PeopleChanged + counts.PeopleRemoved });
            return new ImportApplied(ImportOutcome.Applied, counts);
        }, timeout: ApplyTimeout);
    }

    public Task<bool> Discard(string id)
    {
        StoredText.Check("The import's id", id);
        return database.Write(async s =>
        {
            if (await s.Sql("DELETE FROM imports WHERE id = @id AND applied_at IS NULL").Text("@id", id).Execute() == 0) return false;
            foreach (var table in Tables) await s.Sql($"DELETE FROM {table} WHERE import_id = @id").Text("@id", id).Execute();
            return true;
        });
    }

    /// <summary>What a person did not apply in time, and what a node that died has left.</summary>
    private static async Task Prune(Session s, DateTimeOffset before)
    {
        foreach (var table in Tables)
        {
            await s.Sql($"DELETE FROM {table} WHERE import_id IN (SELECT o.id FROM imports o WHERE o.created_at < @before AND o.applied_at IS NULL)")
                .Time("@before", before).Execute();
        }

        await s.Sql("DELETE FROM imports WHERE created_at < @before AND applied_at IS NULL").Time("@before", before).Execute();
    }

    /// <param name="kinds">Of each column after the import's id: T text, I number, B flag.</param>
    private async Task StageRows<T>(string id, string target, string kinds, IReadOnlyList<T> rows, Func<T, string?[]> read)
    {
        var selected = string.Join(", ", kinds.Select((kind, i) => kind switch
        {
            'I' => $"CAST({database.JsonText("ids.id", i)} AS integer)",
            'B' => $"{database.JsonText("ids.id", i)} = 'true'",
            _ => database.JsonText("ids.id", i),
        }));
        foreach (var piece in rows.Chunk(PieceSize))
        {
            var json = piece.Select(row => JsonSerializer.Serialize(read(row))).ToList();
            await database.Write(s => s
                .Sql($"INSERT INTO {target} SELECT @id, {selected} FROM {database.IdsTable} WHERE 1 = 1 ON CONFLICT DO NOTHING")
                .Text("@id", id).Ids(json).Execute());
        }
    }

    private static Task<Import?> Header(Session s, string id) => s
        .Sql("SELECT id, format, complete, notes, created_at, created_by, applied_at, applied_by, result FROM imports WHERE id = @id AND staged")
        .Text("@id", id).First(row => new Import
        {
            Id = row.Text(0),
            Format = row.Text(1),
            Complete = row.Bool(2),
            Notes = row.Text(3),
            CreatedAt = row.Time(4),
            CreatedBy = row.Text(5),
            AppliedAt = row.TimeOrNull(6),
            AppliedBy = row.TextOrNull(7),
            Result = row.TextOrNull(8) is { } result ? JsonSerializer.Deserialize<ImportCounts>(result) : null,
        });

    private static async Task<List<string>> Columns(Session s, string id) =>
        [.. PersonImportColumns.All.Intersect(
            JsonSerializer.Deserialize<string[]>(await s.Sql("SELECT columns FROM imports WHERE id = @id").Text("@id", id).First(row => row.Text(0)) ?? "[]")!)];

    /// <summary>Of a staged person <c>i</c> and the one that stands, <c>p</c>.</summary>
    private static string Differs(List<string> columns) =>
        $"(p.given_name <> i.given_name OR p.family_name <> i.family_name OR p.active <> i.active"
        + string.Concat(columns.Select(column => $" OR p.{column} IS DISTINCT FROM i.{column}")) + ")";

    private static async Task<ImportCounts> Count(Session s, string id, bool complete, List<string> columns)
    {
        var differs = Differs(columns);
        var people = await Counts($"""
            SELECT count(CASE WHEN p.id IS NULL AND i.active THEN 1 END), count(CASE WHEN p.id IS NOT NULL AND {differs} AND NOT (p.active AND NOT i.active) THEN 1 END),
              count(CASE WHEN p.active AND NOT i.active THEN 1 END), count(CASE WHEN p.id IS NOT NULL AND NOT {differs} THEN 1 END)
            FROM import_people i LEFT JOIN people p ON p.source_id = i.source_id WHERE i.import_id = @id
            """, 4);
        var missing = complete ? (await Counts($"SELECT count(*) FROM people p WHERE {Missing}", 1))[0] : 0;
        var before = (await Counts("""
            SELECT count(*) FROM people p WHERE p.active AND p.source_id IS NOT NULL AND p.school_id IN (SELECT x.id FROM import_schools x WHERE x.import_id = @id)
            """, 1))[0];
        var classes = await Counts($"""
            SELECT count(CASE WHEN c.id IS NULL AND i.active THEN 1 END), count(CASE WHEN c.id IS NOT NULL AND {ClassDiffers} AND NOT (c.active AND NOT i.active) THEN 1 END),
              count(CASE WHEN c.active AND NOT i.active THEN 1 END)
            FROM import_classes i LEFT JOIN classes c ON c.source_id = i.source_id WHERE i.import_id = @id
            """, 3);
        var ended = complete ? (await Counts($"SELECT count(*) FROM classes c WHERE {MissingClasses}", 1))[0] : 0;
        var members = await Counts("""
            SELECT count(CASE WHEN m.role IS NULL AND i.active THEN 1 END), count(CASE WHEN m.role <> i.role AND i.active THEN 1 END)
            FROM import_members i LEFT JOIN classes c ON c.source_id = i.class_source_id LEFT JOIN people p ON p.source_id = i.person_source_id
              LEFT JOIN class_members m ON m.class_id = c.id AND m.person_id = p.id
            WHERE i.import_id = @id
              AND (c.id IS NOT NULL OR EXISTS (SELECT 1 FROM import_classes ic WHERE ic.import_id = @id AND ic.source_id = i.class_source_id AND ic.active))
              AND (p.id IS NOT NULL OR EXISTS (SELECT 1 FROM import_people ip WHERE ip.import_id = @id AND ip.source_id = i.person_source_id AND ip.active))
            """, 2);
        var left = (await Counts($"SELECT count(*) FROM class_members m WHERE {OutOfClass}{(complete ? $" OR {MissingMembers}" : "")}", 1))[0];
        var schools = (await Counts("SELECT count(*) FROM import_schools x WHERE x.import_id = @id AND x.is_new", 1))[0];
        return new ImportCounts(
            schools, people[0], people[1], people[2] + missing, people[3], before, classes[0], classes[1], classes[2] + ended, members[0], members[1], left);

        async Task<long[]> Counts(string sql, int width) =>
            (await s.Sql(sql).Text("@id", id).First(row => Enumerable.Range(0, width).Select(row.Long).ToArray()))!;
    }

    private static async Task Schools(Session s, string id, DateTimeOffset at, string by)
    {
        await s
            .Sql("""
                INSERT INTO schools (id, version, name, sort_name, search, code, code_key, source_id, hours, archived, created_at, created_by, updated_at, updated_by)
                SELECT i.id, 1, i.name, i.sort_name, i.search, i.code, i.code_key, i.source_id, '[]', @archived, @at, @by, @at, @by
                FROM import_schools i WHERE i.import_id = @id AND i.is_new
                """)
            .Text("@id", id).Bool("@archived", false).Time("@at", at).Text("@by", by).Execute();
        // A school that was known by its name or code is known by its id from now on.
        await s
            .Sql("""
                UPDATE schools SET version = version + 1, updated_at = @at, updated_by = @by,
                  source_id = (SELECT i.source_id FROM import_schools i WHERE i.import_id = @id AND i.id = schools.id)
                WHERE source_id IS NULL AND id IN (SELECT i.id FROM import_schools i WHERE i.import_id = @id AND i.source_id IS NOT NULL)
                """)
            .Text("@id", id).Time("@at", at).Text("@by", by).Execute();
    }

    private static async Task People(Session s, string id, bool complete, List<string> columns, DateTimeOffset at, string by)
    {
        // Who leaves goes first: an address that another takes over is free then.
        var gone = complete ? $"{Missing} OR " : "";
        await s
            .Sql($"""
                UPDATE people SET active = @no, left_at = @at, version = version + 1, updated_at = @at, updated_by = @by WHERE id IN (
                  SELECT p.id FROM people p WHERE {gone}(p.active AND EXISTS (
                    SELECT 1 FROM import_people i WHERE i.import_id = @id AND i.source_id = p.source_id AND NOT i.active)))
                """)
            .Text("@id", id).Bool("@no", false).Time("@at", at).Text("@by", by).Execute();
        var values = string.Concat(columns.Select(column => $", {column} = excluded.{column}"));
        if (columns.Contains(PersonImportColumns.ManagedAccount)) values += ", account_key = excluded.account_key";
        await s
            .Sql($"""
                INSERT INTO people (id, version, school_id, role, given_name, family_name, sort_name, search, source_id, username, email, managed_account, account_key,
                  grade, active, left_at, created_at, created_by, updated_at, updated_by)
                SELECT i.id, 1, i.school_id, i.role, i.given_name, i.family_name, i.sort_name, '', i.source_id, i.username, i.email, i.managed_account, i.account_key,
                  i.grade, i.active, NULL, @at, @by, @at, @by
                FROM import_people i LEFT JOIN people p ON p.source_id = i.source_id
                WHERE i.import_id = @id AND (p.id IS NULL AND i.active OR p.id IS NOT NULL AND {Differs(columns)})
                ON CONFLICT (source_id) WHERE source_id IS NOT NULL DO UPDATE SET version = people.version + 1,
                  given_name = excluded.given_name, family_name = excluded.family_name, sort_name = excluded.sort_name, search = '', active = excluded.active,
                  left_at = CASE WHEN excluded.active THEN NULL ELSE people.left_at END, updated_at = excluded.updated_at, updated_by = excluded.updated_by{values}
                """)
            .Text("@id", id).Time("@at", at).Text("@by", by).Execute();
        // What the search looks into is made of what stands now: columns that the file does not have count too. sort_name is folded by the program; ids and
        // addresses are ASCII but for a few, which lower() of both databases folds alike.
        await s
            .Sql("""
                UPDATE people SET search = sort_name || '|' || (SELECT i.given_first FROM import_people i WHERE i.import_id = @id AND i.source_id = people.source_id)
                  || '|' || lower(coalesce(source_id, '') || '|' || coalesce(username, '') || '|' || coalesce(email, '')) || '|' || coalesce(account_key, '')
                WHERE search = '' AND source_id IN (SELECT i.source_id FROM import_people i WHERE i.import_id = @id)
                """)
            .Text("@id", id).Execute();
    }

    private static async Task Classes(Session s, string id, bool complete, DateTimeOffset at, string by)
    {
        if (complete)
        {
            await s
                .Sql($"""
                    UPDATE classes SET active = @no, version = version + 1, updated_at = @at, updated_by = @by
                    WHERE id IN (SELECT c.id FROM classes c WHERE {MissingClasses})
                    """)
                .Text("@id", id).Bool("@no", false).Time("@at", at).Text("@by", by).Execute();
        }

        await s
            .Sql($"""
                INSERT INTO classes (id, version, school_id, name, sort_name, search, code, source_id, ends_on, active, created_at, created_by, updated_at, updated_by)
                SELECT i.id, 1, i.school_id, i.name, i.sort_name, i.search, i.code, i.source_id, i.ends_on, i.active, @at, @by, @at, @by
                FROM import_classes i LEFT JOIN classes c ON c.source_id = i.source_id
                WHERE i.import_id = @id AND (c.id IS NULL AND i.active OR c.id IS NOT NULL AND {ClassDiffers})
                ON CONFLICT (source_id) WHERE source_id IS NOT NULL DO UPDATE SET version = classes.version + 1, school_id = excluded.school_id,
                  name = excluded.name, sort_name = excluded.sort_name, search = excluded.search, code = excluded.code, ends_on = excluded.ends_on,
                  active = excluded.active, updated_at = excluded.updated_at, updated_by = excluded.updated_by
                """)
            .Text("@id", id).Time("@at", at).Text("@by", by).Execute();
    }

    private static async Task Members(Session s, string id, bool complete)
    {
        await s
            .Sql($"""
                DELETE FROM class_members WHERE (class_id, person_id) IN (
                  SELECT m.class_id, m.person_id FROM class_members m WHERE {OutOfClass}{(complete ? $" OR {MissingMembers}" : "")})
                """)
            .Text("@id", id).Execute();
        await s
            .Sql("""
                INSERT INTO class_members (class_id, person_id, role)
                SELECT c.id, p.id, i.role FROM import_members i
                JOIN classes c ON c.source_id = i.class_source_id JOIN people p ON p.source_id = i.person_source_id
                WHERE i.import_id = @id AND i.active
                ON CONFLICT (class_id, person_id) DO UPDATE SET role = excluded.role WHERE class_members.role <> excluded.role
                """)
            .Text("@id", id).Execute();
    }

    private static string Bit(bool value) => value ? "true" : "false";

    private static string Number(int value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static void Check(ImportFile file)
    {
        StoredText.Check("The import's id", file.Id);
        StoredText.Check("The name of who asked", file.CreatedBy);
        foreach (var school in file.Schools)
        {
            StoredText.Check("The id of a school", school.SourceId);
            StoredText.Check("The name of a school", school.Name);
            StoredText.Check("The code of a school", school.Code);
        }

        foreach (var person in file.People)
        {
            foreach (var text in (ReadOnlySpan<string?>)[person.SourceId, person.GivenName, person.FamilyName, person.Username, person.Email, person.ManagedAccount, person.Grade])
                StoredText.Check("A person", text);
        }

        foreach (var one in file.Classes)
        {
            foreach (var text in (ReadOnlySpan<string?>)[one.SourceId, one.Name, one.Code])
                StoredText.Check("A class", text);
        }

        foreach (var member in file.Members)
        {
            StoredText.Check("A class", member.ClassSourceId);
            StoredText.Check("A person", member.PersonSourceId);
        }
    }
}
