using System.Globalization;

namespace FleetMdm.Storage.People;

/// <summary>The columns of <c>people p</c> and <c>classes c</c>, once for all who read them.</summary>
internal static class PersonColumns
{
    public const string Person =
        "p.id, p.version, p.school_id, p.role, p.given_name, p.family_name, p.source_id, p.username, p.email, p.managed_account, p.grade, p.active, p.left_at, p.created_at, p.created_by, p.updated_at, p.updated_by";

    public const int PersonWidth = 17;

    public const string Class =
        "c.id, c.version, c.school_id, c.name, c.code, c.source_id, c.ends_on, c.active, c.created_at, c.created_by, c.updated_at, c.updated_by";

    public const int ClassWidth = 12;

    public static string SortName(string given, string family) => Keys.Sort($"{family} {given}".Trim());

    /// <summary>Both orders of the name, so that "ali berg" and "berg ali" are found.</summary>
    public static string Search(Person person) => Search(
        person.GivenName, person.FamilyName, person.SourceId, person.Username, person.Email, person.ManagedAccount);

    public static string Search(string given, string family, string? sourceId, string? username, string? email, string? account) =>
        Keys.Sort($"{given} {family}\n{family} {given}\n{sourceId}\n{username}\n{email}\n{account}");

    /// <summary>Who is at a school of the scope, or in a class of one.</summary>
    public static string Covers(Scope scope, Database database) => scope.SchoolIds is null
        ? "1 = 1"
        : $"""
            ({scope.Covers(database, "p.school_id")} OR EXISTS (
              SELECT 1 FROM class_members sm JOIN classes sc ON sc.id = sm.class_id WHERE sm.person_id = p.id AND {scope.Covers(database, "sc.school_id")}))
            """;

    public static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static Person ReadPerson(Row row, int at = 0) => new()
    {
        Id = row.Text(at),
        Version = row.Int(at + 1),
        SchoolId = row.TextOrNull(at + 2),
        Role = (PersonRole)row.Short(at + 3),
        GivenName = row.Text(at + 4),
        FamilyName = row.Text(at + 5),
        SourceId = row.TextOrNull(at + 6),
        Username = row.TextOrNull(at + 7),
        Email = row.TextOrNull(at + 8),
        ManagedAccount = row.TextOrNull(at + 9),
        Grade = row.TextOrNull(at + 10),
        Active = row.Bool(at + 11),
        LeftAt = row.TimeOrNull(at + 12),
        CreatedAt = row.Time(at + 13),
        CreatedBy = row.Text(at + 14),
        UpdatedAt = row.Time(at + 15),
        UpdatedBy = row.Text(at + 16),
    };

    public static SchoolClass ReadClass(Row row, int at = 0) => new()
    {
        Id = row.Text(at),
        Version = row.Int(at + 1),
        SchoolId = row.Text(at + 2),
        Name = row.Text(at + 3),
        Code = row.TextOrNull(at + 4),
        SourceId = row.TextOrNull(at + 5),
        EndsOn = row.TextOrNull(at + 6) is { } day ? DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null,
        Active = row.Bool(at + 7),
        CreatedAt = row.Time(at + 8),
        CreatedBy = row.Text(at + 9),
        UpdatedAt = row.Time(at + 10),
        UpdatedBy = row.Text(at + 11),
    };
}
