using FleetMdm.Api.Imports;
using FleetMdm.Api.Placeholders;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.DeviceImports;

namespace FleetMdm.Api.DeviceImports;

/// <summary>A list of iPads as Jamf School, Mosyle and other servers export it: columns in any order, and many that nobody needs here.</summary>
internal sealed class DeviceCsv
{
    public const int MostFaults = 100;

    /// <summary>The headings that are known, without blanks, hyphens and underscores, and in lower case.</summary>
    private static readonly (string Field, string[] Names)[] Headings =
    [
        ("serial", ["serialnumber", "serial", "serialno", "serialno.", "deviceserialnumber", "serienummer", "seriennummer"]),
        ("name", ["name", "devicename", "identification", "displayname", "ipad", "device"]),
        ("tag", ["assettag", "asset", "tag", "assetid", "assetnumber", "inventorynumber"]),
        ("school", ["school", "location", "locationname", "site", "building", "skola", "schule"]),
        ("email", ["email", "emailaddress", "useremail", "owneremail", "assigneduseremail"]),
        ("user", ["username", "owner", "ownerusername", "ownername", "user", "userid", "assigntouser", "assigneduser", "assignedto", "assigneeid", "managedappleid", "managedappleaccount"]),
        ("model", ["model", "modelname", "devicemodel", "devicetype", "devicemodelname", "type"]),
    ];

    /// <summary>What other servers manage besides.</summary>
    private static readonly string[] Others = ["mac", "appletv", "apple tv", "iphone", "ipod", "watch", "vision", "windows", "android", "chrome"];

    public List<ImportedDevice> Rows { get; } = [];
    public List<ImportFault> Faults { get; } = [];
    public int FaultCount { get; private set; }
    public List<string> Remarks { get; } = [];
    public bool WithName { get; private set; }
    public bool WithSchool { get; private set; }
    public bool WithAssetTag { get; private set; }

    /// <param name="bytes">Of the file.</param>
    /// <param name="schools">Of the district.</param>
    /// <param name="logins">How people are told; only read when the file says whose iPads they are.</param>
    /// <param name="skip">What is wrong with a school or a person is left out, and the rest of the line is taken.</param>
    /// <param name="newId">For holdings.</param>
    /// <exception cref="CsvException">The file as a whole cannot be read.</exception>
    public static async Task<DeviceCsv> Parse(ReadOnlyMemory<byte> bytes, KnownSchools schools, Func<Task<IReadOnlyList<PersonLogin>>> logins, bool skip, Func<int, string> newId)
    {
        var file = new DeviceCsv();
        using var reader = CsvText.Open(() => CsvText.BytesOf(bytes), windows: true, null, out var encoding);
        if (encoding == CsvText.Windows1252) file.Remarks.Add("The file is not UTF-8. It was read as Windows-1252: look whether names are right.");
        var heading = reader.Next();
        while (heading is not null && heading.TrueForAll(string.IsNullOrWhiteSpace)) heading = reader.Next();
        if (heading is null) throw new CsvException("The file is empty. Its first line must name the columns: serial number, and name, asset tag, school, user name or e-mail.");
        var columns = Columns(heading);
        if (!columns.ContainsKey("serial"))
            throw new CsvException($"The column \"serial number\" is missing. The first line names these columns: {string.Join(", ", heading.Select(name => $"\"{Text.Printable(name, 40)}\""))}.");
        (file.WithName, file.WithSchool, file.WithAssetTag) = (columns.ContainsKey("name"), columns.ContainsKey("school"), columns.ContainsKey("tag"));
        var people = columns.ContainsKey("user") || columns.ContainsKey("email") ? new KnownLogins(await logins()) : null;
        file.Read(reader, heading, columns, schools, people, skip, newId);
        return file;
    }

    private void Read(
        CsvReader reader, List<string> heading, Dictionary<string, List<int>> columns, KnownSchools schools, KnownLogins? people, bool skip, Func<int, string> newId)
    {
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        var others = 0;
        while (reader.Next() is { } fields)
        {
            if (fields.TrueForAll(string.IsNullOrWhiteSpace)) continue;
            if (Rows.Count + FaultCount >= PlaceholderCsv.MostRows) throw new CsvException($"The file has more than {PlaceholderCsv.MostRows} rows. Split it.");
            if (reader.Fault is { } broken)
            {
                Wrong(null, Text.Capital(broken) + ".");
                continue;
            }

            if (fields.Count > heading.Count)
            {
                Wrong(null, $"It has {fields.Count} fields, but the heading names {heading.Count}. A text with a delimiter in it must stand in quotation marks.");
                continue;
            }

            if (Field("model") is { } model && !model.Contains("ipad", StringComparison.OrdinalIgnoreCase) && Others.Any(other => model.Contains(other, StringComparison.OrdinalIgnoreCase)))
            {
                others++;
                continue;
            }

            if (Field("serial")?.ToUpperInvariant() is not { } serial)
            {
                Wrong("serial", "The serial number is missing.");
                continue;
            }

            if (PlaceholderCsv.SerialFault(serial) is { } odd)
            {
                Wrong("serial", Sentence(odd));
                continue;
            }

            if (!lines.TryAdd(serial, reader.Line))
            {
                Wrong("serial", $"Line {lines[serial]} has this serial number already.");
                continue;
            }

            var (name, tag) = (Field("name"), Field("tag"));
            if (name is not null && PlaceholderCsv.TextFault(name) is { } unnamed)
            {
                Wrong("name", Sentence("it " + unnamed));
                continue;
            }

            if (tag is not null && PlaceholderCsv.TextFault(tag) is { } untagged)
            {
                Wrong("tag", Sentence("it " + untagged));
                continue;
            }

            string? school = null, person = null;
            if (Field("school") is { } said)
            {
                school = schools.Any(said)?.Name;
                if (school is null)
                {
                    Wrong("school", $"There is no school \"{Text.Printable(said, 40)}\", by id, code or name. Create it first.");
                    if (!skip) continue;
                }
            }

            if (Owner(out var at, out var login, out var fault) is { } owner) person = owner;
            else if (fault is not null)
            {
                WrongAt(heading[at].Trim(), fault.Replace("{0}", Text.Printable(login, 40), StringComparison.Ordinal));
                if (!skip) continue;
            }

            Rows.Add(new ImportedDevice(serial, name, school, tag, person, newId(Rows.Count)));

            string? Owner(out int column, out string login, out string? fault)
            {
                (column, login, fault) = (0, "", null);
                foreach (var field in (string[])["email", "user"])
                {
                    foreach (var place in columns.GetValueOrDefault(field, []))
                    {
                        if (Cell(place) is not { } value) continue;
                        var (id, problem) = people!.Find(value);
                        if (id is not null)
                        {
                            fault = null;
                            return id;
                        }

                        if (fault is null) (column, login, fault) = (place, value, problem);
                    }
                }

                return null;
            }

            string? Field(string field)
            {
                foreach (var place in columns.GetValueOrDefault(field, []))
                {
                    if (Cell(place) is { } value) return value;
                }

                return null;
            }

            string? Cell(int place) => place < fields.Count ? Plain(fields[place]) : null;
        }

        if (others > 0) Remarks.Add(others == 1 ? "One line is no iPad, and is left out." : $"{others} lines are no iPads, and are left out.");

        void Wrong(string? field, string message) => WrongAt(field is null ? null : heading[columns[field][0]].Trim(), message);

        void WrongAt(string? column, string message)
        {
            FaultCount++;
            if (Faults.Count < MostFaults) Faults.Add(new ImportFault(null, reader.Line, column, message));
        }
    }

    /// <summary>Without what keeps spreadsheets from taking a number for one: <c>="0012"</c>, or an apostrophe before it. What stands for nothing is nothing.</summary>
    private static string? Plain(string field)
    {
        var value = field.Trim();
        if (value.StartsWith("=\"", StringComparison.Ordinal) && value.EndsWith('"') && value.Length > 3) value = value[2..^1].Trim();
        if (value.StartsWith('\'')) value = value[1..].Trim();
        return value.Length == 0 || value is "-" or "–" || value.Equals("n/a", StringComparison.OrdinalIgnoreCase) || value.Equals("none", StringComparison.OrdinalIgnoreCase) ? null : value;
    }

    private static string Sentence(string fault) => Text.Capital(fault) + ".";

    private static Dictionary<string, List<int>> Columns(List<string> heading)
    {
        var columns = new Dictionary<string, List<int>>();
        for (var at = 0; at < heading.Count; at++)
        {
            var name = string.Concat(heading[at].Where(c => !char.IsWhiteSpace(c) && c is not ('_' or '-'))).ToLowerInvariant();
            if (Array.Find(Headings, known => known.Names.Contains(name)).Field is not { } field) continue;
            if (!columns.TryAdd(field, [at])) columns[field].Add(at);
        }

        // What else stands there twice counts where it is not empty first.
        if (columns.GetValueOrDefault("serial") is [var first, var second, ..])
            throw new CsvException($"The columns \"{Text.Printable(heading[first], 40)}\" and \"{Text.Printable(heading[second], 40)}\" mean the same. Remove one.");

        return columns;
    }
}

/// <summary>People by their user names and addresses, in whatever case.</summary>
internal sealed class KnownLogins
{
    private readonly Dictionary<string, (string Id, bool Active, bool Twice)> _people = new(StringComparer.Ordinal);

    public KnownLogins(IReadOnlyList<PersonLogin> logins)
    {
        foreach (var login in logins)
        {
            foreach (var key in ((string?[])[login.Username, login.Email, login.Account]).OfType<string>().Distinct(StringComparer.Ordinal))
            {
                // Of one who has left and one who is there, the one who is there is meant.
                if (!_people.TryGetValue(key, out var other) || (login.Active && !other.Active)) _people[key] = (login.PersonId, login.Active, false);
                else if (login.Active == other.Active) _people[key] = other with { Twice = true };
            }
        }
    }

    /// <returns>The id of the person, or why there is none; <c>{0}</c> stands for what was looked for.</returns>
    public (string? Id, string? Problem) Find(string text) => _people.TryGetValue(text.ToLowerInvariant(), out var found)
        ? found switch
        {
            { Twice: true } => (null, "More than one person has the user name or address \"{0}\"."),
            { Active: false } => (null, "The person with the user name or address \"{0}\" has left."),
            _ => (found.Id, null),
        }
        : (null, "There is no person with the user name or address \"{0}\". Import people first.");
}
