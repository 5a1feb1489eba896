using System.Globalization;
using System.IO.Compression;
using FleetMdm.Api.Rest;
using FleetMdm.Api.Schools;
using FleetMdm.Storage.Imports;
using FleetMdm.Storage.People;

namespace FleetMdm.Api.Imports;

/// <summary>OneRoster 1.1 and 1.2 as a zip of CSV files (1EdTech, CSV binding): orgs, users, roles, academicSessions, classes, enrollments. Other files are left
/// alone.</summary>
/// <remarks>Tolerant as other importers are: columns in any order, enumerations in any case, a byte order mark, files in a folder. What is <c>bulk</c> is the whole
/// truth of its schools; what is <c>delta</c> says of each line whether it goes.</remarks>
internal static class OneRoster
{
    public const string Format = "oneRoster";

    /// <summary>Of what a zip holds, unpacked: 200,000 people with five classes each.</summary>
    private const int MostBytes = 192 * 1024 * 1024;
    private const int MostEntries = 64;

    public static bool IsZip(ReadOnlySpan<byte> bytes) => bytes.StartsWith("PK\u0003\u0004"u8);

    /// <exception cref="CsvException">The file as a whole cannot be read.</exception>
    public static PeopleFile Parse(ReadOnlyMemory<byte> bytes, KnownSchools schools)
    {
        try
        {
            using var zip = new ZipArchive(CsvText.BytesOf(bytes), ZipArchiveMode.Read);
            return Parse(FilesOf(zip), schools);
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException or EndOfStreamException)
        {
            throw new CsvException("The zip is damaged, or it is encrypted.");
        }
    }

    private static PeopleFile Parse(Dictionary<string, Func<Stream>> files, KnownSchools schools)
    {
        var modes = Manifest(files);
        var file = new PeopleFile { Format = Format };
        foreach (var column in (string[])[PersonImportColumns.School, PersonImportColumns.Role, PersonImportColumns.Username, PersonImportColumns.Email, PersonImportColumns.Grade])
            file.Columns.Add(column);

        // 1. schools, 2. people, 3. classes, 4. who is in them
        var orgs = Orgs(file, Table(files, modes, "orgs", needed: true)!, schools);
        var users = Table(files, modes, "users", needed: true)!;
        Users(file, users, Table(files, modes, "roles", needed: false), orgs);
        var terms = Terms(Table(files, modes, "academicSessions", needed: false));
        var classes = Table(files, modes, "classes", needed: false);
        if (classes is not null) Classes(file, classes, orgs, terms);
        var enrollments = Table(files, modes, "enrollments", needed: false);
        if (enrollments is not null) Enrollments(file, enrollments);

        file.Complete = users.Bulk;
        if (users.Bulk != (classes?.Bulk ?? users.Bulk) || users.Bulk != (enrollments?.Bulk ?? users.Bulk))
            throw new CsvException("The manifest says bulk for some files and delta for others. Export all of them in one way.");
        if (classes is null) file.Remarks.Add("There are no classes in it: classes stay as they are.");
        return file;
    }

    private static Dictionary<string, string> Orgs(PeopleFile file, RosterTable table, KnownSchools schools)
    {
        var orgs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in table.Rows(file, "sourcedId", "name", "type"))
        {
            if (!row.Is("type", "school")) continue;
            if (row.IsGone) continue;
            var (id, name, identifier) = (row["sourcedId"]!, row["name"]!, row["identifier"]);
            if (PeopleFile.Fault(name, Text.NameLength) is { } odd)
            {
                row.Wrong("name", odd);
                continue;
            }

            if (PeopleFile.Fault(id, SchoolService.LongestSourceId) is { } fault)
            {
                row.Wrong("sourcedId", fault);
                continue;
            }

            var code = identifier is { Length: <= SchoolService.LongestCode } && PeopleFile.Fault(identifier, SchoolService.LongestCode) is null ? identifier : null;
            // A school that has another id is another school.
            var alike = schools.ByCode(code) ?? schools.ByName(name);
            var known = schools.BySource(id) ?? (alike is { SourceId: null } ? alike : null);
            if (known is null && schools.ByName(name) is not null)
            {
                row.Wrong("name", $"The school \"{Text.Printable(name, 40)}\" is known with another id.");
                continue;
            }

            var school = known is null
                ? new ImportedSchool(Guid.NewGuid().ToString("D"), id, name, schools.ByCode(code) is null ? code : null, IsNew: true)
                : new ImportedSchool(known.Id, known.SourceId is null ? id : null, known.Name, known.Code, IsNew: false);
            if (school.IsNew && file.Schools.Values.Any(other => other.IsNew && (other.Name == name || (code is not null && string.Equals(other.Code, code, StringComparison.OrdinalIgnoreCase)))))
            {
                row.Wrong("name", "Another school of the file has this name or identifier.");
                continue;
            }

            if (!orgs.TryAdd(id, school.Id))
            {
                row.Wrong("sourcedId", "This id stands there twice.");
                continue;
            }

            file.Schools.TryAdd(school.Id, school);
        }

        return orgs;
    }

    private static void Users(PeopleFile file, RosterTable table, RosterTable? roles, Dictionary<string, string> orgs)
    {
        // 1.2 says roles in a file of their own; the primary one counts.
        var said = new Dictionary<string, (string Role, string? Org, bool Primary)>(StringComparer.Ordinal);
        foreach (var row in roles?.Rows(file, "userSourcedId", "role") ?? [])
        {
            if (row.IsGone || row["userSourcedId"]!.Length > People.PeopleService.LongestId) continue;
            var primary = row.Is("roleType", "primary");
            if (!said.TryGetValue(row["userSourcedId"]!, out var other) || (primary && !other.Primary))
                said[row["userSourcedId"]!] = (row["role"]!, row["orgSourcedId"] is { Length: <= SchoolService.LongestSourceId } org ? org : null, primary);
        }

        foreach (var row in table.Rows(file, "sourcedId"))
        {
            var (text, org) = (row["role"], row["primaryOrgSourcedId"]);
            if (said.TryGetValue(row["sourcedId"]!, out var role)) (text, org) = (role.Role, org ?? role.Org);
            // Parents and relatives have no iPad of the district.
            if (Is(text, "parent", "guardian", "relative")) continue;
            var gone = row.IsGone;
            if (text is null && !gone)
            {
                row.Wrong("role", roles is null ? "The role is missing." : "The person has no line in roles.csv.");
                continue;
            }

            // Of the schools that a person has, the first one of the file.
            var candidates = (row["orgSourcedIds"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Prepend(org ?? "");
            var school = candidates.Select(orgs.GetValueOrDefault).FirstOrDefault(found => found is not null);
            file.Take(table.Name, new ImportedPerson(
                row["sourcedId"]!, school, Is(text, "student") ? PersonRole.Pupil : Is(text, "teacher", "proctor") ? PersonRole.Teacher : PersonRole.Staff,
                row["preferredGivenName"] ?? row["givenName"] ?? "", row["preferredFamilyName"] ?? row["familyName"] ?? "", row["username"], row["email"]?.ToLowerInvariant(),
                null, row["grades"], Active: !gone && !row.Is("enabledUser", "false"), row.Line), ColumnOf);
        }

        static string ColumnOf(string field) => field switch { "sourceId" => "sourcedId", "grade" => "grades", _ => field };
    }

    private static Dictionary<string, DateOnly> Terms(RosterTable? table)
    {
        var terms = new Dictionary<string, DateOnly>(StringComparer.Ordinal);
        foreach (var row in table?.Rows(null, "sourcedId", "endDate") ?? [])
        {
            if (row["sourcedId"]!.Length <= People.PeopleService.LongestId && DateOnly.TryParseExact(row["endDate"], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var ends)) terms.TryAdd(row["sourcedId"]!, ends);
        }

        return terms;
    }

    private static void Classes(PeopleFile file, RosterTable table, Dictionary<string, string> orgs, Dictionary<string, DateOnly> terms)
    {
        foreach (var row in table.Rows(file, "sourcedId", "title", "schoolSourcedId"))
        {
            if (!orgs.TryGetValue(row["schoolSourcedId"]!, out var school))
            {
                row.Wrong("schoolSourcedId", $"orgs.csv has no school \"{Text.Printable(row["schoolSourcedId"]!, 40)}\".");
                continue;
            }

            if (PeopleFile.Fault(row["title"]!, Text.NameLength) is { } fault)
            {
                row.Wrong("title", fault);
                continue;
            }

            var last = (row["termSourcedIds"] ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Where(terms.ContainsKey).Select(term => terms[term]).DefaultIfEmpty().Max();
            var code = row["classCode"] is { } given && PeopleFile.Fault(given, ClassCode) is null ? given : null;
            var one = new ImportedClass(row["sourcedId"]!, school, row["title"]!, code, last == default ? null : last, Active: !row.IsGone);
            if (PeopleFile.Fault(one.SourceId, People.PeopleService.LongestId) is { } odd) row.Wrong("sourcedId", odd);
            else if (!file.Classes.TryAdd(one.SourceId, one)) row.Wrong("sourcedId", "This id stands there twice.");
        }
    }

    private static readonly string TooLong = $"An id may have at most {People.PeopleService.LongestId} characters.";

    private const int ClassCode = People.ClassService.LongestCode;

    private static void Enrollments(PeopleFile file, RosterTable table)
    {
        foreach (var row in table.Rows(file, "classSourcedId", "userSourcedId", "role"))
        {
            var role = row["role"]!;
            if (!Is(role, "student", "teacher", "aide", "proctor", "administrator"))
            {
                row.Wrong("role", $"\"{Text.Printable(role, 40)}\" is no role in a class.");
                continue;
            }

            // In a delta, the class and the person may stand already.
            if (row["classSourcedId"]!.Length > People.PeopleService.LongestId) row.Wrong("classSourcedId", TooLong);
            else if (row["userSourcedId"]!.Length > People.PeopleService.LongestId) row.Wrong("userSourcedId", TooLong);
            else if (table.Bulk && !file.Classes.ContainsKey(row["classSourcedId"]!)) row.Wrong("classSourcedId", "classes.csv has no such class.");
            else if (table.Bulk && !file.People.ContainsKey(row["userSourcedId"]!)) row.Wrong("userSourcedId", "users.csv has no such person.");
            else file.Take(new ImportedMember(row["classSourcedId"]!, row["userSourcedId"]!, Is(role, "student") ? PersonRole.Pupil : PersonRole.Teacher, Active: !row.IsGone));
        }
    }

    /// <summary>Which files are bulk, delta or absent; empty: there is no manifest, and all are bulk.</summary>
    private static Dictionary<string, string> Manifest(Dictionary<string, Func<Stream>> files)
    {
        var modes = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (!files.TryGetValue("manifest", out var manifest)) return modes;
        using var reader = CsvText.Open(manifest, windows: true, "manifest.csv", out _);
        while (reader.Next() is { } fields)
        {
            if (fields.Count >= 2 && fields[0].Trim() is var name && name.StartsWith("file.", StringComparison.OrdinalIgnoreCase)) modes[name["file.".Length..]] = fields[1].Trim();
        }

        return modes;
    }

    private static RosterTable? Table(Dictionary<string, Func<Stream>> files, Dictionary<string, string> modes, string name, bool needed)
    {
        var mode = modes.GetValueOrDefault(name);
        if (files.TryGetValue(name, out var open) && !Is(mode, "absent")) return new RosterTable(name + ".csv", open, Bulk: !Is(mode, "delta"));
        return needed ? throw new CsvException($"The zip has no {name}.csv. It must be an export of OneRoster 1.1 or 1.2 as CSV.") : null;
    }

    private static Dictionary<string, Func<Stream>> FilesOf(ZipArchive zip)
    {
        if (zip.Entries.Count > MostEntries) throw new CsvException($"The zip has more than {MostEntries} files.");
        var files = new Dictionary<string, Func<Stream>>(StringComparer.OrdinalIgnoreCase);
        var left = (long)MostBytes;
        foreach (var entry in zip.Entries.Where(entry => entry.Name.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) && !entry.FullName.StartsWith("__MACOSX", StringComparison.Ordinal)))
        {
            var seen = 0L;
            if (!files.TryAdd(entry.Name[..^4], () => new UnpackedStream(entry.Open(), Count))) throw new CsvException($"The zip has {entry.Name} twice.");

            // What the zip says of its sizes is not believed. A file is read more than once, and counts once.
            void Count(long position)
            {
                if (position <= seen) return;
                if ((left -= position - seen) < 0) throw new CsvException($"The files of the zip have more than {MostBytes / 1024 / 1024} MiB when they are unpacked.");
                seen = position;
            }
        }

        return files;
    }

    private static bool Is(string? value, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (string.Equals(value, name, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    /// <summary>One file of the zip.</summary>
    private sealed record RosterTable(string Name, Func<Stream> Open, bool Bulk)
    {
        /// <summary>The lines that have these columns. The others are noted.</summary>
        public IEnumerable<RosterRow> Rows(PeopleFile? file, params string[] needed)
        {
            using var reader = CsvText.Open(Open, windows: true, Name, out _);
            var heading = reader.Next() ?? throw new CsvException($"{Name} is empty.");
            var columns = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
            for (var i = 0; i < heading.Count; i++) columns.TryAdd(heading[i].Trim(), i);
            foreach (var column in needed)
            {
                if (!columns.ContainsKey(column)) throw new CsvException($"{Name} has no column \"{column}\".");
            }

            while (reader.Next() is { } fields)
            {
                if (fields.TrueForAll(string.IsNullOrWhiteSpace)) continue;
                var row = new RosterRow(file, this, columns, fields, reader.Line);
                if (reader.Fault is not null || fields.Count > heading.Count) row.Wrong(null, reader.Fault is not null ? "A quotation mark is never closed." : "It has more fields than the heading names.");
                else if (Array.Find(needed, column => row[column] is null) is { } empty) row.Wrong(empty, "It is empty.");
                else yield return row;
            }
        }
    }

    private sealed record RosterRow(PeopleFile? File, RosterTable Table, Dictionary<string, int> Columns, List<string> Fields, int Line)
    {
        public string? this[string column] => Columns.TryGetValue(column, out var at) && at < Fields.Count && Fields[at].Trim() is { Length: > 0 } value ? value : null;

        public bool Is(string column, string value) => OneRoster.Is(this[column], value);

        public bool IsGone => Is("status", "tobedeleted");

        public void Wrong(string? column, string message) => File?.Wrong(Table.Name, Line, column, message);
    }
}
