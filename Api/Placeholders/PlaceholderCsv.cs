using System.Text;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Api.Placeholders;

/// <summary>What is wrong with a line of a CSV file.</summary>
/// <param name="Line">Of the file, from 1: the heading is line 1.</param>
/// <param name="Message">What is wrong, and with which column.</param>
public sealed record CsvFault(int Line, string Message);

/// <summary>A list of placeholders as a spreadsheet saves it.</summary>
/// <param name="Rows">Those that can be taken.</param>
/// <param name="Faults">The lines that cannot; at most <see cref="MostFaults"/> are named.</param>
/// <param name="FaultCount">How many there are.</param>
/// <param name="WithName">There is a column for names; likewise the two below.</param>
/// <param name="WithSchool">Likewise.</param>
/// <param name="WithAssetTag">Likewise.</param>
/// <param name="Unread">Titles of columns that mean nothing here, cut.</param>
public sealed record PlaceholderCsv(
    IReadOnlyList<Placeholder> Rows, IReadOnlyList<CsvFault> Faults, int FaultCount, bool WithName, bool WithSchool, bool WithAssetTag, IReadOnlyList<string> Unread)
{
    public const int MostRows = 100_000;

    public const int MostFaults = 100;

    public const int LongestText = 200;

    private const int LongestSerial = 20;

    private static readonly string[] SerialHeadings = ["serial number", "serial", "serialnumber", "serial no", "serial no.", "serienummer", "seriennummer"];
    private static readonly string[] NameHeadings = ["name", "device name", "devicename", "ipad"];
    private static readonly string[] SchoolHeadings = ["school", "site", "location"];
    private static readonly string[] TagHeadings = ["asset tag", "assettag", "asset", "tag", "inventory number"];

    /// <summary>Commas, semicolons or tabs; UTF-8 or UTF-16, with or without a byte order mark; quotation marks as in RFC 4180.</summary>
    /// <exception cref="CsvException">The file as a whole cannot be read.</exception>
    public static PlaceholderCsv Parse(ReadOnlyMemory<byte> bytes)
    {
        using var reader = CsvText.Open(bytes);
        var heading = reader.Next() ?? throw new CsvException("The file is empty. Its first line must name the columns: serial number, name, school, asset tag.");
        var serial = Column(heading, SerialHeadings, "serial number");
        if (serial is null)
        {
            throw new CsvException(
                $"The column \"serial number\" is missing. The first line names these columns: {string.Join(", ", heading.Select(name => $"\"{Shown(name)}\""))}.");
        }

        var (name, school, tag) = (Column(heading, NameHeadings, "name"), Column(heading, SchoolHeadings, "school"), Column(heading, TagHeadings, "asset tag"));
        var rows = new List<Placeholder>();
        var faults = new List<CsvFault>();
        var faultCount = 0;
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        while (reader.Next() is { } fields)
        {
            // A spreadsheet saves empty lines at the end, with or without delimiters.
            if (fields.TrueForAll(string.IsNullOrWhiteSpace)) continue;
            if (rows.Count + faultCount == MostRows) throw new CsvException($"The file has more than {MostRows} rows. Split it.");
            if (Fault(fields) is { } fault)
            {
                faultCount++;
                if (faults.Count < MostFaults) faults.Add(new CsvFault(reader.Line, fault));
                continue;
            }

            rows.Add(new Placeholder
            {
                SerialNumber = Field(fields, serial)!.ToUpperInvariant(),
                Name = Field(fields, name),
                School = Field(fields, school),
                AssetTag = Field(fields, tag),
            });
        }

        int?[] read = [serial, name, school, tag];
        var unread = Enumerable.Range(0, heading.Count).Where(at => !read.Contains(at) && !string.IsNullOrWhiteSpace(heading[at])).Select(at => Shown(heading[at].Trim()));
        return new PlaceholderCsv(rows, faults, faultCount, name is not null, school is not null, tag is not null, [.. unread]);

        string? Fault(List<string> fields)
        {
            if (reader.Fault is { } broken) return broken;
            if (fields.Count > heading.Count) return $"it has {fields.Count} fields, but the heading names {heading.Count}: a text with a delimiter in it must stand in quotation marks";
            if (Field(fields, serial) is not { } found) return "the serial number is missing";
            if (SerialFault(found) is { } odd) return odd;
            foreach (var (column, words) in (ReadOnlySpan<(int?, string)>)[(name, "name"), (school, "school"), (tag, "asset tag")])
            {
                if (Field(fields, column) is { } value && TextFault(value) is { } wrong) return $"the {words} {wrong}";
            }

            return lines.TryAdd(found.ToUpperInvariant(), reader.Line) ? null : $"the serial number {found} stands in line {lines[found.ToUpperInvariant()]} already";
        }
    }

    /// <summary>Null: an iPad can have that serial number.</summary>
    public static string? SerialFault(string serial) => serial.Length <= LongestSerial && serial.All(char.IsAsciiLetterOrDigit)
        ? null
        : $"the serial number \"{Shown(serial)}\" must be 1 to {LongestSerial} letters and digits";

    /// <summary>Null: it can be stored and shown.</summary>
    public static string? TextFault(string value)
    {
        if (value.Length > LongestText) return $"may have at most {LongestText} characters, but has {value.Length}";
        foreach (var rune in value.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar) return "holds control characters, or text that is not valid Unicode";
        }

        return null;
    }

    private static string? Field(List<string> fields, int? column) =>
        column is { } at && at < fields.Count && fields[at].Trim() is { Length: > 0 } value ? value : null;

    private static int? Column(List<string> heading, string[] names, string words)
    {
        var found = Enumerable.Range(0, heading.Count).Where(at => names.Contains(heading[at].Trim().ToLowerInvariant().Replace('_', ' '))).ToList();
        return found.Count switch
        {
            0 => null,
            1 => found[0],
            _ => throw new CsvException($"The column \"{words}\" stands there twice: \"{Shown(heading[found[0]])}\" and \"{Shown(heading[found[1]])}\"."),
        };
    }

    private static string Shown(string value) => Rest.Text.Printable(value, 40);
}
