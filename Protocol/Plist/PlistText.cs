using System.Buffers;

namespace FleetMdm.Protocol.Plist;

/// <summary>What the texts of property lists may hold.</summary>
internal static class PlistText
{
    private const int LongestExcerpt = 64;

    /// <summary>Characters that XML cannot carry, not even escaped; surrogates are here because lone ones are forbidden too.</summary>
    private static readonly SearchValues<char> Suspicious = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Except(['\t', '\n', '\r']).Select(code => (char)code),
         .. Enumerable.Range(0xD800, 0x800).Select(code => (char)code), '\uFFFE', '\uFFFF']);

    /// <summary>The place of the first character that XML cannot carry; −1 when the text is good.</summary>
    public static int IndexOfForbidden(ReadOnlySpan<char> text)
    {
        for (var from = 0; text[from..].IndexOfAny(Suspicious) is >= 0 and var at; from += at + 2)
        {
            var place = from + at;
            if (place + 1 >= text.Length || !char.IsSurrogatePair(text[place], text[place + 1]))
                return place;
        }

        return -1;
    }

    /// <summary>The beginning of a text, without half of a surrogate pair at its end.</summary>
    public static string Cut(string text, int longest)
    {
        if (text.Length <= longest)
            return text;
        return text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)];
    }

    /// <summary>A stranger's key, short and without control characters, for a message.</summary>
    public static string Excerpt(string text)
    {
        var cut = Cut(text, LongestExcerpt);
        return string.Create(cut.Length, cut, static (target, source) =>
        {
            for (var index = 0; index < target.Length; index++)
                target[index] = char.IsControl(source[index]) ? '?' : source[index];
        }) + (cut.Length < text.Length ? "…" : "");
    }
}
