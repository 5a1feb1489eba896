using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.People;

/// <inheritdoc cref="IPeopleStore"/>
internal sealed class PeopleStore(Database database) : IPeopleStore
{
    private const string Rows = $"SELECT {PersonColumns.Person}, s.name FROM people p LEFT JOIN schools s ON s.id = p.school_id";

    public async Task<IReadOnlyList<PersonRow>> List(Scope scope, PersonFilter filter, Person? after, int limit)
    {
        StoredText.Check("The search", filter.Text);
        StoredText.Check("The school's id", filter.SchoolId);
        var conditions = new List<string> { PersonColumns.Covers(scope, database) };
        if (after is not null) conditions.Add("(p.sort_name > @name OR (p.sort_name = @name AND p.id > @id))");
        if (filter.Text is not null) conditions.Add(database.Contains("people", "p", filter.NamesOnly ? "sort_name" : "search", "@text"));
        if (filter.SchoolId is not null) conditions.Add("p.school_id = @school");
        if (filter.Role is not null) conditions.Add("p.role = @role");
        if (filter.Active is not null) conditions.Add("p.active = @active");
        return await database.Read(s => s
            .Sql($"{Rows} WHERE {string.Join(" AND ", conditions)} ORDER BY p.sort_name, p.id LIMIT @limit")
            .Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (after is not null) statement.Text("@name", PersonColumns.SortName(after.GivenName, after.FamilyName)).Text("@id", after.Id);
                if (filter.Text is { } text) statement.Text("@text", Keys.Sort(text));
                if (filter.SchoolId is { } school) statement.Text("@school", school);
                if (filter.Role is { } role) statement.Short("@role", (short)role);
                if (filter.Active is { } active) statement.Bool("@active", active);
            })
            .List(Read));
    }

    public Task<PersonRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The person's id", id);
        return database.Read(s => s.Sql($"{Rows} WHERE p.id = @id AND {PersonColumns.Covers(scope, database)}").Text("@id", id).Within(scope).First(Read));
    }

    public async Task<IReadOnlyList<Person>> ListByAccounts(Scope scope, IReadOnlyList<string> accounts)
    {
        foreach (var account in accounts) StoredText.Check("The managed Apple Account", account);
        var keys = accounts.Select(Keys.Sort).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        return keys.Count == 0 ? [] : await database.Read(s => s
            .Sql($"SELECT {PersonColumns.Person} FROM people p WHERE p.account_key IN (SELECT id FROM {database.IdsTable}) AND {PersonColumns.Covers(scope, database)}")
            .Ids(keys).Within(scope).List(row => PersonColumns.ReadPerson(row)));
    }

    public Task<PersonOutcome> Create(Scope scope, Person person, AuditRecord? audit)
    {
        Check(person);
        return database.Write(async s =>
        {
            if (!await HasSchool(s, scope, person.SchoolId)) return PersonOutcome.NoSchool;
            var added = await Bind(s.Sql("""
                INSERT INTO people (id, version, school_id, role, given_name, family_name, sort_name, search, source_id, username, email, managed_account,
                  account_key, grade, active, left_at, created_at, created_by, updated_at, updated_by)
                VALUES (@id, @version, @school, @role, @given, @family, @sort, @search, @source, @username, @email, @account,
                  @accountKey, @grade, @active, @left, @at, @by, @at, @by)
                ON CONFLICT DO NOTHING
                """), person).Execute();
            if (added == 0) return await IsWritten(s, person) ? PersonOutcome.Written : await Taken(s, person) ?? PersonOutcome.VersionConflict;
            if (audit is not null) await AuditColumns.Add(s, audit);
            return PersonOutcome.Written;
        });
    }

    public Task<PersonOutcome> Change(Scope scope, Person person, AuditRecord? audit)
    {
        Check(person);
        return database.Write(async s =>
        {
            var standing = await s
                // Who only teaches in one of the schools is seen there, and changed where they belong.
                .Sql($"SELECT {PersonColumns.Person} FROM people p WHERE p.id = @id AND {scope.Covers(database, "p.school_id")}{database.ForUpdate}")
                .Text("@id", person.Id).Within(scope).First(row => PersonColumns.ReadPerson(row));
            if (standing is null) return PersonOutcome.NotFound;
            if (standing.Version != person.Version - 1) return await IsWritten(s, person) ? PersonOutcome.Written : PersonOutcome.VersionConflict;
            if (standing.SchoolId != person.SchoolId && !await HasSchool(s, scope, person.SchoolId)) return PersonOutcome.NoSchool;
            if (await Taken(s, person) is { } taken) return taken;
            await Bind(s.Sql("""
                UPDATE people SET version = @version, school_id = @school, role = @role, given_name = @given, family_name = @family, sort_name = @sort,
                  search = @search, source_id = @source, username = @username, email = @email, managed_account = @account, account_key = @accountKey,
                  grade = @grade, active = @active, left_at = @left, updated_at = @at, updated_by = @by
                WHERE id = @id
                """), person).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return PersonOutcome.Written;
        });
    }

    public Task<PersonOutcome> Delete(Scope scope, string id, AuditRecord? audit)
    {
        StoredText.Check("The person's id", id);
        return database.Write(async s =>
        {
            var deleted = await s
                .Sql($"DELETE FROM people WHERE id = @id AND {scope.Covers(database, "school_id")}")
                .Text("@id", id).Within(scope).Execute();
            if (deleted == 0) return PersonOutcome.NotFound;
            await s.Sql("UPDATE placeholders SET person_id = NULL, person_by = NULL, person_at = NULL WHERE person_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM class_members WHERE person_id = @id").Text("@id", id).Execute();
            await s.Sql("UPDATE accounts SET person_id = NULL WHERE person_id = @id").Text("@id", id).Execute();
            await s.Sql("UPDATE invitations SET person_id = NULL WHERE person_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM self_service_acts WHERE person_id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return PersonOutcome.Written;
        });
    }

    public async Task<IReadOnlyList<ClassOfPerson>> ListClasses(Scope scope, string personId, int limit)
    {
        StoredText.Check("The person's id", personId);
        return await database.Read(s => s
            .Sql($"""
                SELECT {PersonColumns.Class}, s.name, m.role FROM class_members m JOIN classes c ON c.id = m.class_id JOIN schools s ON s.id = c.school_id
                WHERE m.person_id = @id AND {scope.Covers(database, "c.school_id")} ORDER BY c.sort_name, c.id LIMIT @limit
                """)
            .Text("@id", personId).Int("@limit", limit).Within(scope)
            .List(row => new ClassOfPerson(
                PersonColumns.ReadClass(row), row.Text(PersonColumns.ClassWidth), (PersonRole)row.Short(PersonColumns.ClassWidth + 1))));
    }

    /// <summary>Locked, so that it is not deleted meanwhile.</summary>
    internal static async Task<bool> HasSchool(Session s, Scope scope, string? schoolId) => schoolId is null
        ? scope.SchoolIds is null
        : await s.Sql($"SELECT id FROM schools WHERE id = @id AND {scope.Covers(s.Database, "id")}{s.Database.ForUpdate}")
            .Text("@id", schoolId).Within(scope).First(row => row.Text(0)) is not null;

    private static async Task<PersonOutcome?> Taken(Session s, Person person)
    {
        var found = await s
            .Sql("SELECT CASE WHEN source_id = @source THEN 1 ELSE 2 END AS what FROM people WHERE id <> @id AND (source_id = @source OR account_key = @account) ORDER BY what LIMIT 1")
            .Text("@source", person.SourceId).Text("@account", Keys.Sort(person.ManagedAccount)).Text("@id", person.Id).First(row => row.Int(0));
        return found switch { 1 => PersonOutcome.SourceTaken, 2 => PersonOutcome.AccountTaken, _ => null };
    }

    /// <summary>By an attempt whose answer was lost, or by the same request before.</summary>
    private static async Task<bool> IsWritten(Session s, Person person) =>
        await s.Sql($"SELECT {PersonColumns.Person} FROM people p WHERE p.id = @id").Text("@id", person.Id).First(row => PersonColumns.ReadPerson(row)) is { } standing
        && standing with { CreatedAt = default, UpdatedAt = default, LeftAt = null, CreatedBy = "" } == person with { CreatedAt = default, UpdatedAt = default, LeftAt = null, CreatedBy = "" };

    private static Statement Bind(Statement statement, Person person) => statement
        .Text("@id", person.Id).Int("@version", person.Version).Text("@school", person.SchoolId).Short("@role", (short)person.Role)
        .Text("@given", person.GivenName).Text("@family", person.FamilyName)
        .Text("@sort", PersonColumns.SortName(person.GivenName, person.FamilyName)).Text("@search", PersonColumns.Search(person))
        .Text("@source", person.SourceId).Text("@username", person.Username).Text("@email", person.Email).Text("@account", person.ManagedAccount)
        .Text("@accountKey", Keys.Sort(person.ManagedAccount)).Text("@grade", person.Grade).Bool("@active", person.Active).Time("@left", person.LeftAt)
        .Time("@at", person.UpdatedAt).Text("@by", person.UpdatedBy);

    private static void Check(Person person)
    {
        StoredText.Check("The person's id", person.Id);
        StoredText.Check("The school's id", person.SchoolId);
        StoredText.Check("The given name", person.GivenName);
        StoredText.Check("The family name", person.FamilyName);
        StoredText.Check("The id of the school's own system", person.SourceId);
        StoredText.Check("The user name", person.Username);
        StoredText.Check("The e-mail address", person.Email);
        StoredText.Check("The managed Apple Account", person.ManagedAccount);
        StoredText.Check("The grade", person.Grade);
        StoredText.Check("The name of who asked", person.UpdatedBy);
    }

    private static PersonRow Read(Row row) => new(PersonColumns.ReadPerson(row), row.TextOrNull(PersonColumns.PersonWidth));
}
