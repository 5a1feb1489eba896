using FleetMdm.Api.Rest;
using FleetMdm.Storage.Imports;
using FleetMdm.Storage.People;

namespace FleetMdm.Api.Imports;

/// <summary>A list of people as a spreadsheet saves it: one line a person, columns in any order.</summary>
internal static class PeopleCsv
{
    public const string Format = "csv";

    private static readonly (string Field, string[] Names)[] Headings =
    [
        ("sourceId", ["id", "source id", "sourceid", "sourcedid", "person id", "personid", "student id", "user id"]),
        ("role", ["role", "type"]),
        ("givenName", ["given name", "givenname", "first name", "firstname", "förnamn", "vorname"]),
        ("familyName", ["family name", "familyname", "last name", "lastname", "surname", "efternamn", "nachname"]),
        ("school", ["school", "site", "location", "skola", "schule"]),
        ("class", ["class", "classes", "klass", "klasse"]),
        ("grade", ["grade", "year", "årskurs"]),
        ("username", ["username", "user name"]),
        ("email", ["email", "e-mail", "email address"]),
        ("managedAccount", ["managed apple account", "managed apple id", "managedappleid", "apple id", "appleid"]),
    ];

    /// <exception cref="CsvException">The file as a whole cannot be read.</exception>
    public static PeopleFile Parse(ReadOnlyMemory<byte> bytes, bool complete, KnownSchools schools)
    {
        var file = new PeopleFile { Format = Format, Complete = complete };
        using var reader = CsvText.Open(() => CsvText.BytesOf(bytes), windows: true, null, out var encoding);
        if (encoding == CsvText.Windows1252) file.Remarks.Add("The file is not UTF-8. It was read as Windows-1252: look whether names are right.");
        var heading = reader.Next() ?? throw new CsvException("The file is empty. Its first line must name the columns: id, given name, family name, role, school, class.");
        var columns = Columns(heading);
        if (!columns.ContainsKey("sourceId")) throw Missing("id", heading);
        if (!columns.ContainsKey("givenName")) throw Missing("given name", heading);
        if (!columns.ContainsKey("familyName")) throw Missing("family name", heading);
        foreach (var (field, column) in ((string, string)[])[
            ("school", PersonImportColumns.School), ("role", PersonImportColumns.Role), ("username", PersonImportColumns.Username), ("email", PersonImportColumns.Email), ("managedAccount", PersonImportColumns.ManagedAccount), ("grade", PersonImportColumns.Grade)])
        {
            if (columns.ContainsKey(field)) file.Columns.Add(column);
        }

        while (reader.Next() is { } fields)
        {
            if (fields.TrueForAll(string.IsNullOrWhiteSpace)) continue;
            Line(file, reader, heading, fields, columns, schools);
        }

        return file;
    }

    private static void Line(
        PeopleFile file, CsvReader reader, List<string> heading, List<string> fields, Dictionary<string, int> columns, KnownSchools schools)
    {
        var line = reader.Line;
        if (reader.Fault is { } broken)
        {
            file.Wrong(null, line, null, Text.Capital(broken) + ".");
            return;
        }

        if (fields.Count > heading.Count)
        {
            file.Wrong(null, line, null, $"It has {fields.Count} fields, but the heading names {heading.Count}. A text with a delimiter in it must stand in quotation marks.");
            return;
        }

        if (Field("sourceId") is not { } id)
        {
            file.Wrong(null, line, NameOf("sourceId"), "The id is missing.");
            return;
        }

        if (!RoleOf(Field("role"), out var role))
        {
            file.Wrong(null, line, NameOf("role"), $"\"{Text.Printable(Field("role")!, 40)}\" is none of pupil, teacher, staff.");
            return;
        }

        ImportedSchool? school = null;
        if (Field("school") is { } named)
        {
            if (schools.Any(named) is not { } known)
            {
                file.Wrong(null, line, NameOf("school"), $"There is no school \"{Text.Printable(named, 40)}\", by id, code or name. Create it first.");
                return;
            }

            school = new ImportedSchool(known.Id, null, known.Name, known.Code, IsNew: false);
        }

        var taken = file.Take(null, new ImportedPerson(
            id, school?.Id, role, Field("givenName") ?? "", Field("familyName") ?? "", Field("username"), Field("email")?.ToLowerInvariant(), Field("managedAccount"),
            Field("grade"), Active: true, line), NameOf);
        if (!taken) return;
        if (school is null) return;
        file.Schools.TryAdd(school.Id, school);
        foreach (var name in Field("class")?.Split([';', '|'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
        {
            if (PeopleFile.Fault(name, Text.NameLength) is { } fault)
            {
                file.Wrong(null, line, NameOf("class"), fault);
                continue;
            }

            // A class of a spreadsheet has no id: its school and its name are one.
            var source = $"csv:{school.Id}:{name.ToLowerInvariant()}";
            file.Classes.TryAdd(source, new ImportedClass(source, school.Id, name, null, null, Active: true));
            file.Take(new ImportedMember(source, id, role == PersonRole.Pupil ? PersonRole.Pupil : PersonRole.Teacher, Active: true));
        }

        string? Field(string field) => columns.TryGetValue(field, out var at) && at < fields.Count && fields[at].Trim() is { Length: > 0 } value ? value : null;

        string NameOf(string field) => columns.TryGetValue(field, out var at) ? heading[at].Trim() : field;
    }

    private static bool RoleOf(string? text, out PersonRole role)
    {
        role = text?.ToLowerInvariant() switch
        {
            null or "pupil" or "student" or "elev" or "schüler" => PersonRole.Pupil,
            "teacher" or "lärare" or "lehrer" or "instructor" => PersonRole.Teacher,
            "staff" or "personal" or "administrator" or "aide" => PersonRole.Staff,
            _ => 0,
        };
        return role != 0;
    }

    private static Dictionary<string, int> Columns(List<string> heading)
    {
        var columns = new Dictionary<string, int>();
        for (var i = 0; i < heading.Count; i++)
        {
            var name = heading[i].Trim().ToLowerInvariant().Replace('_', ' ');
            if (Array.Find(Headings, known => known.Names.Contains(name)).Field is not { } field) continue;
            if (!columns.TryAdd(field, i))
                throw new CsvException($"The columns \"{Text.Printable(heading[columns[field]], 40)}\" and \"{Text.Printable(heading[i], 40)}\" mean the same. Remove one.");
        }

        return columns;
    }

    private static CsvException Missing(string column, List<string> heading) => new(
        $"The column \"{column}\" is missing. The first line names these columns: {string.Join(", ", heading.Select(name => $"\"{Text.Printable(name, 40)}\""))}.");
}
