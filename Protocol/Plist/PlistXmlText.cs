using System.Text;

namespace FleetMdm.Protocol.Plist;

/// <summary>What stands for something else in an XML text: references, CDATA, comments, line ends.</summary>
internal static class PlistXmlText
{
    private const int HighestCodePoint = 0x10FFFF;

    /// <summary>The text that a raw one means. The scanner has checked it, and it never grows.</summary>
    public static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> raw)
    {
        var result = new byte[raw.Length];
        var written = 0;
        while (!raw.IsEmpty)
        {
            var plain = raw.IndexOfAny((byte)'<', (byte)'&', (byte)'\r');
            if (plain < 0)
                plain = raw.Length;
            raw[..plain].CopyTo(result.AsSpan(written));
            written += plain;
            raw = raw[plain..];
            if (raw.IsEmpty)
                break;
            raw = raw[UnescapeOne(raw, result, ref written)..];
        }

        return result.AsSpan(0, written);
    }

    /// <summary>A reference to one of XML's five entities or to a character by number.</summary>
    public static bool TryReadReference(ReadOnlySpan<byte> text, out Rune rune, out int length)
    {
        rune = default;
        length = text.IndexOf((byte)';') + 1;
        if (length < "&lt;"u8.Length)
            return false;
        var name = text[1..(length - 1)];
        if (name[0] == (byte)'#')
            return TryReadNumber(name[1..], out rune);
        var character =
            name.SequenceEqual("amp"u8) ? '&'
            : name.SequenceEqual("lt"u8) ? '<'
            : name.SequenceEqual("gt"u8) ? '>'
            : name.SequenceEqual("quot"u8) ? '"'
            : name.SequenceEqual("apos"u8) ? '\''
            : '\0';
        rune = new Rune(character);
        return character != '\0';
    }

    private static bool TryReadNumber(ReadOnlySpan<byte> digits, out Rune rune)
    {
        rune = default;
        var hexadecimal = digits.Length > 0 && digits[0] == (byte)'x';
        if (hexadecimal)
            digits = digits[1..];
        if (digits.IsEmpty)
            return false;
        var value = 0;
        foreach (var digit in digits)
        {
            if (!(hexadecimal ? char.IsAsciiHexDigit((char)digit) : char.IsAsciiDigit((char)digit)))
                return false;
            value = value * (hexadecimal ? 16 : 10) + (digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
            if (value > HighestCodePoint)
                return false;
        }

        return IsXmlCharacter(value) && Rune.TryCreate(value, out rune);
    }

    private static bool IsXmlCharacter(int value) =>
        value is '\t' or '\n' or '\r' or (>= 0x20 and <= 0xD7FF) or (>= 0xE000 and <= 0xFFFD) or >= 0x10000;

    /// <summary>Handles the reference, markup or line end at the start of <paramref name="raw"/>; answers its length.</summary>
    private static int UnescapeOne(ReadOnlySpan<byte> raw, Span<byte> result, ref int written)
    {
        if (raw[0] == (byte)'&')
        {
            TryReadReference(raw, out var rune, out var length);
            written += rune.EncodeToUtf8(result[written..]);
            return length;
        }

        if (raw[0] == (byte)'\r')
            return NormaliseLineEnd(raw, result, ref written);
        if (raw.StartsWith("<!--"u8))
            return EndOf("-->"u8, raw, "<!--"u8.Length);
        if (raw.StartsWith("<?"u8))
            return EndOf("?>"u8, raw, "<?"u8.Length);

        var start = "<![CDATA["u8.Length;
        var end = raw.IndexOf("]]>"u8);
        var section = raw[start..end];
        while (section.IndexOf((byte)'\r') is >= 0 and var at)
        {
            section[..at].CopyTo(result[written..]);
            written += at;
            section = section[at..];
            section = section[NormaliseLineEnd(section, result, ref written)..];
        }

        section.CopyTo(result[written..]);
        written += section.Length;
        return end + 3;
    }

    /// <summary>Behind the next <paramref name="end"/>, which may not share a character with the beginning: <c>&lt;!--&gt;</c> only begins a comment.</summary>
    private static int EndOf(ReadOnlySpan<byte> end, ReadOnlySpan<byte> raw, int from) => from + raw[from..].IndexOf(end) + end.Length;

    private static int NormaliseLineEnd(ReadOnlySpan<byte> raw, Span<byte> result, ref int written)
    {
        result[written++] = (byte)'\n';
        return raw.Length > 1 && raw[1] == (byte)'\n' ? 2 : 1;
    }
}
