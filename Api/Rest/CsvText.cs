using System.Text;

namespace FleetMdm.Api.Rest;

/// <summary>A file that cannot be read at all.</summary>
public sealed class CsvException(string message) : Exception(message);

/// <summary>CSV as spreadsheets and other systems save it: its encoding and its delimiter. It is read twice, to know the encoding and for what it says, and never
/// held as a whole.</summary>
internal static class CsvText
{
    public const string Windows1252 = "windows-1252";

    private const int Piece = 16 * 1024;

    private const string Unreadable =
        "The file is neither UTF-8 nor UTF-16. In Excel, choose \"CSV UTF-8\" when you save it.";

    static CsvText() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>UTF-8 or UTF-16, with or without a byte order mark.</summary>
    /// <exception cref="CsvException">It is neither.</exception>
    public static CsvReader Open(ReadOnlyMemory<byte> bytes) => Open(() => BytesOf(bytes), windows: false, null, out _);

    /// <param name="open">The bytes from the start, as often as it is asked.</param>
    /// <param name="windows">What is neither UTF-8 nor UTF-16 is read as Windows-1252, which older systems write.</param>
    /// <param name="file">Its name, when there are several.</param>
    /// <param name="encoding">How it is read.</param>
    /// <exception cref="CsvException">Its encoding is not known.</exception>
    public static CsvReader Open(Func<Stream> open, bool windows, string? file, out string encoding)
    {
        var (known, mark) = EncodingOf(open, windows, file);
        encoding = known.WebName;
        var stream = open();
        try
        {
            Span<byte> skipped = stackalloc byte[3];
            stream.ReadExactly(skipped[..mark]);
            var reader = new CsvReader(new StreamReader(stream, known, detectEncodingFromByteOrderMarks: false, Piece), file);
            reader.FindDelimiter();
            return reader;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    public static Stream BytesOf(ReadOnlyMemory<byte> bytes) => System.Runtime.InteropServices.MemoryMarshal.TryGetArray(bytes, out var array)
        ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
        : new MemoryStream(bytes.ToArray(), writable: false);

    /// <summary>How it is written, and how long its byte order mark is.</summary>
    private static (Encoding Encoding, int Mark) EncodingOf(Func<Stream> open, bool windows, string? file)
    {
        using var stream = open();
        var (bytes, chars) = (new byte[Piece], new char[Piece + 2]);
        var count = stream.ReadAtLeast(bytes, Piece, throwOnEndOfStream: false);
        var (encoding, mark) = bytes.AsSpan(0, count) switch
        {
            [0xEF, 0xBB, 0xBF, ..] => (Utf8, 3),
            [0xFF, 0xFE, ..] => (Utf16(bigEndian: false), 2),
            [0xFE, 0xFF, ..] => (Utf16(bigEndian: true), 2),
            // The first character of a heading is a letter: its other byte is zero.
            [0, not 0, ..] => (Utf16(bigEndian: true), 0),
            [not 0, 0, ..] => (Utf16(bigEndian: false), 0),
            _ => (Utf8, 0),
        };
        var decoder = encoding.GetDecoder();
        var (from, valid, zero) = (mark, true, false);
        while (true)
        {
            var piece = bytes.AsSpan(from, count - from);
            zero |= bytes.AsSpan(0, count).Contains((byte)0);
            try
            {
                if (valid) decoder.GetChars(piece, chars, flush: count == 0);
            }
            catch (ArgumentException)
            {
                valid = false;
            }

            if (!valid && (!windows || zero)) throw new CsvException(file is null ? Unreadable : $"{file}: {Unreadable}");
            if (count == 0) return valid ? (encoding, mark) : (Encoding.GetEncoding(1252), 0);
            (from, count) = (0, stream.Read(bytes));
        }
    }

    private static Encoding Utf8 { get; } = new UTF8Encoding(false, true);

    private static UnicodeEncoding Utf16(bool bigEndian) => new(bigEndian, false, true);
}
