using System.Globalization;
using System.Text;

namespace FleetMdm.Api.Rest;

/// <summary>Records of a CSV text (RFC 4180), each with the line on which it begins. Linear, and never more of the text in memory than one record, which is bounded:
/// a few packed bytes can be a very long field.</summary>
/// <param name="text">Of the file. Closed with the reader.</param>
/// <param name="file">Its name, when there are several.</param>
internal sealed class CsvReader(TextReader text, string? file = null) : IDisposable
{
    public const int LongestField = 10_000;
    public const int LongestRecord = 100_000;
    public const int MostColumns = 100;

    /// <summary>Empty ones too.</summary>
    public const int MostRecords = 2_000_000;

    private const string Marker = "sep=";

    private readonly char[] _buffer = new char[16 * 1024];
    private readonly StringBuilder _field = new();
    private char _delimiter = ',';
    private int _at;
    private int _end;
    private int _nextLine = 1;
    private int _records;
    private int _length;

    /// <summary>Where the last record began.</summary>
    public int Line { get; private set; }

    /// <summary>What is wrong with the last record; null: nothing.</summary>
    public string? Fault { get; private set; }

    public void Dispose() => text.Dispose();

    /// <summary>Commas, semicolons or tabs: what stands most in the heading. Excel may write <c>sep=;</c> before it.</summary>
    public void FindDelimiter()
    {
        Peek();
        var start = _buffer.AsSpan(_at, _end - _at);
        if (start.StartsWith(Marker, StringComparison.OrdinalIgnoreCase) && start.Length > Marker.Length)
        {
            _delimiter = start[Marker.Length];
            Next();
            return;
        }

        var end = start.IndexOfAny('\r', '\n');
        var heading = end < 0 ? start : start[..end];
        foreach (var candidate in (ReadOnlySpan<char>)[';', '\t'])
        {
            if (heading.Count(candidate) > heading.Count(_delimiter)) _delimiter = candidate;
        }
    }

    /// <summary>The fields of the next record; null at the end.</summary>
    /// <exception cref="CsvException">It is longer than any that is meant.</exception>
    public List<string>? Next()
    {
        if (Peek() < 0) return null;
        (Line, Fault, _length) = (_nextLine, null, 0);
        if (++_records > MostRecords) throw Refuse($"The file has more than {MostRecords:#,0} lines. Split it.");
        var fields = new List<string>();
        while (true)
        {
            if (Peek() == '"') Quoted();
            Unquoted();
            Add(_field.ToString());
            _field.Clear();
            if (Peek() == _delimiter)
            {
                _at++;
                if (Peek() >= 0) continue;
                Add("");
            }

            EndLine();
            return fields;
        }

        void Add(string field)
        {
            if (fields.Count == MostColumns) throw Refuse($"It has more than {MostColumns} columns.");
            fields.Add(field);
        }
    }

    private int Peek()
    {
        if (_at == _end) (_at, _end) = (0, text.ReadBlock(_buffer));
        return _at < _end ? _buffer[_at] : -1;
    }

    private void Unquoted()
    {
        while (Peek() >= 0)
        {
            var rest = _buffer.AsSpan(_at, _end - _at);
            var stop = rest.IndexOfAny(_delimiter, '\r', '\n');
            Append(stop < 0 ? rest : rest[..stop]);
            if (stop >= 0) return;
        }
    }

    private void Quoted()
    {
        _at++;
        while (Peek() is >= 0 and var next)
        {
            if (next == '"')
            {
                _at++;
                if (Peek() != '"') return;
                Append(_buffer.AsSpan(_at, 1));
            }
            else if (next is '\r' or '\n')
            {
                Append(_buffer.AsSpan(_at, 1));
                if (next == '\n' || Peek() != '\n') _nextLine++;
            }
            else
            {
                var rest = _buffer.AsSpan(_at, _end - _at);
                var stop = rest.IndexOfAny('"', '\r', '\n');
                Append(stop < 0 ? rest : rest[..stop]);
            }
        }

        Fault = "a quotation mark is never closed";
    }

    private void Append(ReadOnlySpan<char> part)
    {
        if (_field.Length + part.Length > LongestField) throw Refuse($"A field has more than {LongestField:#,0} characters. Shorten it, or close the quotation mark before it.");
        if ((_length += part.Length) > LongestRecord) throw Refuse($"It has more than {LongestRecord:#,0} characters.");
        _field.Append(part);
        _at += part.Length;
    }

    private void EndLine()
    {
        if (Peek() is not ('\r' or '\n')) return;
        if (_buffer[_at++] == '\r' && Peek() == '\n') _at++;
        _nextLine++;
    }

    private CsvException Refuse(FormattableString what) => new(string.Create(
        CultureInfo.InvariantCulture, $"{(file is null ? "Line" : file + ", line")} {Line}: {what.ToString(CultureInfo.InvariantCulture)}"));
}
