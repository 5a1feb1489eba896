using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace FleetMdm.Protocol.Plist;

/// <summary>The text forms of numbers, dates and data. Each answers null for a text that is not one.</summary>
internal static class PlistScalars
{
    private const string DateFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>No finite double needs more digits; a longer text is somebody's test of our patience.</summary>
    private const int LongestReal = 512;

    public static Int128? ParseInteger(ReadOnlySpan<byte> text)
    {
        text = Trim(text);
        var negative = false;
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+')
        {
            negative = text[0] == (byte)'-';
            text = text[1..];
        }

        var hexadecimal = text.Length > 2 && text[0] == (byte)'0' && text[1] is (byte)'x' or (byte)'X';
        if (hexadecimal)
            text = text[2..];
        if (text.IsEmpty)
            return null;

        ulong magnitude = 0;
        foreach (var digit in text)
        {
            if (!(hexadecimal ? char.IsAsciiHexDigit((char)digit) : char.IsAsciiDigit((char)digit)))
                return null;
            var value = (ulong)(digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
            var radix = hexadecimal ? 16ul : 10ul;
            if (magnitude > (ulong.MaxValue - value) / radix)
                return null;
            magnitude = magnitude * radix + value;
        }

        Int128 result = negative ? -(Int128)magnitude : magnitude;
        return result < long.MinValue ? null : result;
    }

    public static double? ParseReal(ReadOnlySpan<byte> text)
    {
        text = Trim(text);
        if (text.IsEmpty || text.Length > LongestReal)
            return null;
        if (text.ContainsAnyExcept("0123456789+-.eE"u8))
            return NamedReal(text);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null;
    }

    /// <summary>The form that Apple's reader takes back.</summary>
    public static string FormatReal(double value) => value switch
    {
        double.NaN => "nan",
        double.PositiveInfinity => "+infinity",
        double.NegativeInfinity => "-infinity",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    public static DateTimeOffset? ParseDate(ReadOnlySpan<byte> text)
    {
        text = Trim(text);
        if (text.Length != "2000-01-01T00:00:00Z".Length)
            return null;
        Span<char> characters = stackalloc char[text.Length];
        Encoding.ASCII.GetChars(text, characters);
        return DateTimeOffset.TryParseExact(characters, DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment)
            ? moment
            : null;
    }

    public static string FormatDate(DateTimeOffset moment) => moment.UtcDateTime.ToString(DateFormat, CultureInfo.InvariantCulture);

    /// <summary>White space may stand anywhere in Base64.</summary>
    public static byte[]? ParseData(ReadOnlySpan<byte> text)
    {
        if (!Base64.IsValid(text, out var length))
            return null;
        if (length == 0)
            return [];
        var bytes = new byte[length];
        if (Base64.DecodeFromUtf8(text, bytes, out _, out var written) == OperationStatus.Done && written == length)
            return bytes;

        // With white space near its end the decoder wants more room than it fills.
        bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        return Base64.DecodeFromUtf8(text, bytes, out _, out written) == OperationStatus.Done ? bytes[..written] : null;
    }

    private static double? NamedReal(ReadOnlySpan<byte> text) => Encoding.ASCII.GetString(text).ToLowerInvariant() switch
    {
        "nan" => double.NaN,
        "inf" or "+inf" or "infinity" or "+infinity" => double.PositiveInfinity,
        "-inf" or "-infinity" => double.NegativeInfinity,
        _ => null,
    };

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r\n"u8);
}
