using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.People;

/// <inheritdoc cref="IClassStore"/>
internal sealed class ClassStore(Database database) : IClassStore
{
    private const string Rows = $"""
        SELECT {PersonColumns.Class}, s.name,
          (SELECT count(*) FROM class_members m WHERE m.class_id = c.id AND m.role = 1),
          (SELECT count(*) FROM class_members m WHERE m.class_id = c.id AND m.role = 2)
        FROM classes c JOIN schools s ON s.id = c.school_id
        """;

    public async Task<IReadOnlyList<ClassRow>> List(Scope scope, ClassFilter filter, SchoolClass? after, int limit)
    {
        StoredText.Check("The search", filter.Text);
        StoredText.Check("The school's id", filter.SchoolId);
        var conditions = new List<string> { scope.Covers(database, "c.school_id") };
        if (after is not null) conditions.Add("(c.sort_name > @name OR (c.sort_name = @name AND c.id > @id))");
        if (filter.Text is not null) conditions.Add("c.search LIKE @text ESCAPE '!'");
        if (filter.SchoolId is not null) conditions.Add("c.school_id = @school");
        if (filter.Active is not null) conditions.Add("c.active = @active");
        return await database.Read(s => s
            .Sql($"{Rows} WHERE {string.Join(" AND ", conditions)} ORDER BY c.sort_name, c.id LIMIT @limit")
            .Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (after is not null) statement.Text("@name", Keys.Sort(after.Name)).Text("@id", after.Id);
                if (filter.Text is { } text) statement.Text("@text", Keys.Part(text));
                if (filter.SchoolId is { } school) statement.Text("@school", school);
                if (filter.Active is { } active) statement.Bool("@active", active);
            })
            .List(Read));
    }

    public Task<ClassRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The class's id", id);
        return database.Read(s => s.Sql($"{Rows} WHERE c.id = @id AND {scope.Covers(database, "c.school_id")}").Text("@id", id).Within(scope).First(Read));
    }

    public Task<PersonOutcome> Create(Scope scope, SchoolClass @class, AuditRecord? audit)
    {
        Check(@class);
        return database.Write(async s =>
        {
            if (!await PeopleStore.HasSchool(s, scope, @class.SchoolId)) return PersonOutcome.NoSchool;
            var added = await Bind(s.Sql("""
                INSERT INTO classes (id, version, school_id, name, sort_name, search, code, source_id, ends_on, active, created_at, created_by, updated_at, updated_by)
                VALUES (@id, @version, @school, @name, @sort, @search, @code, @source, @ends, @active, @at, @by, @at, @by)
                ON CONFLICT DO NOTHING
                """), @class).Execute();
            if (added == 0) return await IsWritten(s, @class) ? PersonOutcome.Written : PersonOutcome.SourceTaken;
            if (audit is not null) await AuditColumns.Add(s, audit);
            return PersonOutcome.Written;
        });
    }

    public Task<PersonOutcome> Change(Scope scope, SchoolClass @class, AuditRecord? audit)
    {
        Check(@class);
        return database.Write(async s =>
        {
            var standing = await Locked(s, scope, @class.Id);
            if (standing is null) return PersonOutcome.NotFound;
            if (standing.Version != @class.Version - 1) return await IsWritten(s, @class) ? PersonOutcome.Written : PersonOutcome.VersionConflict;
            if (standing.SchoolId != @class.SchoolId && !await PeopleStore.HasSchool(s, scope, @class.SchoolId)) return PersonOutcome.NoSchool;
            if (await s.Sql("SELECT id FROM classes WHERE id <> @id AND source_id = @source").Text("@id", @class.Id).Text("@source", @class.SourceId)
                    .First(row => row.Text(0)) is not null)
            {
                return PersonOutcome.SourceTaken;
            }

            await Bind(s.Sql("""
                UPDATE classes SET version = @version, school_id = @school, name = @name, sort_name = @sort, search = @search, code = @code,
                  source_id = @source, ends_on = @ends, active = @active, updated_at = @at, updated_by = @by
                WHERE id = @id
                """), @class).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return PersonOutcome.Written;
        });
    }

    public Task<PersonOutcome> Delete(Scope scope, string id, AuditRecord? audit)
    {
        StoredText.Check("The class's id", id);
        return database.Write(async s =>
        {
            if (await Locked(s, scope, id) is null) return PersonOutcome.NotFound;
            await s.Sql("DELETE FROM class_members WHERE class_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM classes WHERE id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return PersonOutcome.Written;
        });
    }

    public async Task<IReadOnlyList<ClassMember>> ListMembers(Scope scope, string classId, Person? after, int limit)
    {
        StoredText.Check("The class's id", classId);
        var paged = after is null ? "" : " AND (p.sort_name > @name OR (p.sort_name = @name AND p.id > @id))";
        return await database.Read(s => s
            .Sql($"""
                SELECT {PersonColumns.Person}, s.name, m.role FROM class_members m
                JOIN classes c ON c.id = m.class_id JOIN people p ON p.id = m.person_id LEFT JOIN schools s ON s.id = p.school_id
                WHERE m.class_id = @class AND {scope.Covers(database, "c.school_id")}{paged} ORDER BY p.sort_name, p.id LIMIT @limit
                """)
            .Text("@class", classId).Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (after is not null) statement.Text("@name", PersonColumns.SortName(after.GivenName, after.FamilyName)).Text("@id", after.Id);
            })
            .List(row => new ClassMember(
                PersonColumns.ReadPerson(row), row.TextOrNull(PersonColumns.PersonWidth), (PersonRole)row.Short(PersonColumns.PersonWidth + 1))));
    }

    public Task<PersonOutcome> SetMember(Scope scope, string classId, string personId, PersonRole role, AuditRecord? audit)
    {
        StoredText.Check("The class's id", classId);
        StoredText.Check("The person's id", personId);
        return database.Write(async s =>
        {
            if (await Locked(s, scope, classId) is null) return PersonOutcome.NotFound;
            var found = await s
                .Sql($"SELECT p.id FROM people p WHERE p.id = @id AND {PersonColumns.Covers(scope, database)}{database.ForUpdate}")
                .Text("@id", personId).Within(scope).First(row => row.Text(0));
            if (found is null) return PersonOutcome.NoPerson;
            var changed = await s
                .Sql("""
                    INSERT INTO class_members (class_id, person_id, role) VALUES (@class, @person, @role)
                    ON CONFLICT (class_id, person_id) DO UPDATE SET role = excluded.role WHERE class_members.role <> excluded.role
                    """)
                .Text("@class", classId).Text("@person", personId).Short("@role", (short)role).Execute();
            if (audit is not null && changed > 0) await AuditColumns.Add(s, audit);
            return PersonOutcome.Written;
        });
    }

    public Task<PersonOutcome> RemoveMember(Scope scope, string classId, string personId, AuditRecord? audit)
    {
        StoredText.Check("The class's id", classId);
        StoredText.Check("The person's id", personId);
        return database.Write(async s =>
        {
            if (await Locked(s, scope, classId) is null) return PersonOutcome.NotFound;
            var removed = await s.Sql("DELETE FROM class_members WHERE class_id = @class AND person_id = @person")
                .Text("@class", classId).Text("@person", personId).Execute();
            if (removed == 0) return PersonOutcome.NoPerson;
            if (audit is not null) await AuditColumns.Add(s, audit);
            return PersonOutcome.Written;
        });
    }

    private Task<SchoolClass?> Locked(Session s, Scope scope, string id) => s
        .Sql($"SELECT {PersonColumns.Class} FROM classes c WHERE c.id = @id AND {scope.Covers(database, "c.school_id")}{database.ForUpdate}")
        .Text("@id", id).Within(scope).First(row => PersonColumns.ReadClass(row));

    private static async Task<bool> IsWritten(Session s, SchoolClass @class) =>
        await s.Sql($"SELECT {PersonColumns.Class} FROM classes c WHERE c.id = @id").Text("@id", @class.Id).First(row => PersonColumns.ReadClass(row)) is { } standing
        && standing with { CreatedAt = default, UpdatedAt = default, CreatedBy = "" } == @class with { CreatedAt = default, UpdatedAt = default, CreatedBy = "" };

    private static Statement Bind(Statement statement, SchoolClass @class) => statement
        .Text("@id", @class.Id).Int("@version", @class.Version).Text("@school", @class.SchoolId).Text("@name", @class.Name).Text("@sort", Keys.Sort(@class.Name))
        .Text("@search", Keys.Sort($"{@class.Name}\n{@class.Code}\n{@class.SourceId}")).Text("@code", @class.Code).Text("@source", @class.SourceId)
        .Text("@ends", PersonColumns.Day(@class.EndsOn)).Bool("@active", @class.Active).Time("@at", @class.UpdatedAt).Text("@by", @class.UpdatedBy);

    private static void Check(SchoolClass @class)
    {
        StoredText.Check("The class's id", @class.Id);
        StoredText.Check("The school's id", @class.SchoolId);
        StoredText.Check("The name", @class.Name);
        StoredText.Check("The code", @class.Code);
        StoredText.Check("The id of the school's own system", @class.SourceId);
        StoredText.Check("The name of who asked", @class.UpdatedBy);
    }

    private static ClassRow Read(Row row) => new(
        PersonColumns.ReadClass(row), row.Text(PersonColumns.ClassWidth), row.Long(PersonColumns.ClassWidth + 1), row.Long(PersonColumns.ClassWidth + 2));
}
