using System.Globalization;
using System.Text;
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
public sealed record PlaceholderCsv(
    IReadOnlyList<Placeholder> Rows, IReadOnlyList<CsvFault> Faults, int FaultCount, bool WithName, bool WithSchool, bool WithAssetTag)
{
    public const int MostRows = 100_000;

    /// <summary>100,000 rows of 100 characters in UTF-16.</summary>
    public const int MostBytes = 24 * 1024 * 1024;

    public const int MostFaults = 100;

    public const int LongestText = 200;

    private const int MostColumns = 100;
    private const int LongestSerial = 20;

    private const string Unreadable =
        "The file is neither UTF-8 nor UTF-16. In Excel, choose \"CSV UTF-8\" when you save it.";

    private static readonly string[] SerialHeadings = ["serial number", "serial", "serialnumber", "serial no", "serial no.", "serienummer", "seriennummer"];
    private static readonly string[] NameHeadings = ["name", "device name", "devicename", "ipad"];
    private static readonly string[] SchoolHeadings = ["school", "site", "location"];
    private static readonly string[] TagHeadings = ["asset tag", "assettag", "asset", "tag", "inventory number"];

    /// <summary>Commas, semicolons or tabs; UTF-8 or UTF-16, with or without a byte order mark; quotation marks as in RFC 4180.</summary>
    /// <exception cref="CsvException">The file as a whole cannot be read.</exception>
    public static PlaceholderCsv Parse(ReadOnlySpan<byte> bytes)
    {
        var text = Decode(bytes);
        var reader = ReaderOf(text);
        var heading = reader.Next() ?? throw new CsvException("The file is empty. Its first line must name the columns: serial number, name, school, asset tag.");
        if (heading.Count > MostColumns) throw new CsvException($"The file has more than {MostColumns} columns.");
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

        return new PlaceholderCsv(rows, faults, faultCount, name is not null, school is not null, tag is not null);

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

    /// <summary>Excel may write <c>sep=;</c> before the heading.</summary>
    private static CsvReader ReaderOf(string text)
    {
        if (!text.StartsWith("sep=", StringComparison.OrdinalIgnoreCase) || text.Length < 5) return new CsvReader(text, DelimiterOf(text));
        var reader = new CsvReader(text, text[4]);
        reader.Next();
        return reader;
    }

    /// <summary>Of the heading: the one of the three that stands there most.</summary>
    private static char DelimiterOf(string text)
    {
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        var heading = end < 0 ? text.AsSpan() : text.AsSpan(0, end);
        var best = ',';
        foreach (var candidate in (ReadOnlySpan<char>)[';', '\t'])
        {
            if (heading.Count(candidate) > heading.Count(best)) best = candidate;
        }

        return best;
    }

    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return bytes switch
            {
                [0xEF, 0xBB, 0xBF, .. var rest] => Strict(new UTF8Encoding(false, true), rest),
                [0xFF, 0xFE, .. var rest] => Strict(new UnicodeEncoding(false, false, true), rest),
                [0xFE, 0xFF, .. var rest] => Strict(new UnicodeEncoding(true, false, true), rest),
                // The first character of a heading is a letter: its other byte is zero.
                [0, not 0, ..] => Strict(new UnicodeEncoding(true, false, true), bytes),
                [not 0, 0, ..] => Strict(new UnicodeEncoding(false, false, true), bytes),
                _ => Strict(new UTF8Encoding(false, true), bytes),
            };
        }
        catch (ArgumentException)
        {
            throw new CsvException(Unreadable);
        }
    }

    private static string Strict(Encoding encoding, ReadOnlySpan<byte> bytes) => encoding.GetString(bytes);
}

/// <summary>A file that cannot be read at all.</summary>
public sealed class CsvException(string message) : Exception(message);

/// <summary>Records of a CSV text (RFC 4180), each with the line on which it begins. Linear; a quotation mark that is never closed spoils its own record only
/// as far as the end of the file.</summary>
internal sealed class CsvReader(string text, char delimiter)
{
    private int _at;
    private int _nextLine = 1;

    /// <summary>Where the last record began.</summary>
    public int Line { get; private set; }

    /// <summary>What is wrong with the last record; null: nothing.</summary>
    public string? Fault { get; private set; }

    /// <summary>The fields of the next record; null at the end.</summary>
    public List<string>? Next()
    {
        if (_at >= text.Length) return null;
        (Line, Fault) = (_nextLine, null);
        var fields = new List<string>();
        var field = new StringBuilder();
        while (true)
        {
            if (_at < text.Length && text[_at] == '"' && field.Length == 0) Quoted(field);
            while (_at < text.Length && text[_at] != delimiter && text[_at] is not ('\r' or '\n')) field.Append(text[_at++]);
            fields.Add(field.ToString());
            field.Clear();
            if (_at < text.Length && text[_at] == delimiter)
            {
                _at++;
                if (_at < text.Length) continue;
                fields.Add("");
            }

            EndLine();
            return fields;
        }
    }

    private void Quoted(StringBuilder field)
    {
        for (_at++; _at < text.Length; _at++)
        {
            if (text[_at] == '"')
            {
                if (_at + 1 >= text.Length || text[_at + 1] != '"')
                {
                    _at++;
                    return;
                }

                _at++;
            }

            if (text[_at] == '\n' || (text[_at] == '\r' && (_at + 1 >= text.Length || text[_at + 1] != '\n'))) _nextLine++;
            field.Append(text[_at]);
        }

        Fault = string.Create(CultureInfo.InvariantCulture, $"a quotation mark is never closed");
    }

    private void EndLine()
    {
        if (_at >= text.Length) return;
        if (text[_at] == '\r' && _at + 1 < text.Length && text[_at + 1] == '\n') _at++;
        _at++;
        _nextLine++;
    }
}
