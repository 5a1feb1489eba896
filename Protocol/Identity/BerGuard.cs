using System.Formats.Asn1;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// Walks BER from a stranger once, before any parser sees it, and refuses what could cost more than its length: deep nesting
/// (parsers look for the end of an indefinite length at every level, which is quadratic) and swarms of tiny elements.
/// Runs in linear time, without recursion and without allocating.
/// </summary>
internal static class BerGuard
{
    /// <summary>A certificate inside CMS inside an attribute is about 14 deep.</summary>
    public const int MaxDepth = 32;

    /// <summary>An honest signature with three certificates has about 600.</summary>
    public const int MaxElements = 8192;

    /// <exception cref="IdentityException">BadCms: nested too deep, too many elements, or lengths that do not fit.</exception>
    public static void Check(ReadOnlySpan<byte> ber)
    {
        // The end of each open definite-length element, or -1 for one that ends with end-of-contents.
        Span<int> ends = stackalloc int[MaxDepth];
        var depth = 0;
        var elements = 0;
        var at = 0;
        var limit = ber.Length;
        while (true)
        {
            while (depth > 0 && ends[depth - 1] == at)
                depth--;
            if (depth == 0 && at > 0)
            {
                if (at != ber.Length)
                    throw Refuse("there is something after its end");
                return;
            }
            limit = Limit(ends[..depth], ber.Length);
            if (++elements > MaxElements)
                throw Refuse($"it has more than {MaxElements} elements");
            if (!Asn1Tag.TryDecode(ber[at..limit], out var tag, out var tagLength))
                throw Refuse("a tag is broken");
            if (tag == EndOfContents)
            {
                if (depth == 0 || ends[depth - 1] != -1 || at + 2 > limit || ber[at + 1] != 0)
                    throw Refuse("an end-of-contents stands where none may");
                depth--;
                at += 2;
                continue;
            }
            if (!AsnDecoder.TryDecodeLength(ber[(at + tagLength)..limit], AsnEncodingRules.BER, out var length, out var lengthLength))
                throw Refuse("a length is broken");
            at += tagLength + lengthLength;
            if (length is null && !tag.IsConstructed)
                throw Refuse("a primitive element has an indefinite length");
            if (length > limit - at)
                throw Refuse("an element is longer than what holds it");
            if (!tag.IsConstructed)
            {
                at += length!.Value;
                continue;
            }
            if (depth == MaxDepth)
                throw Refuse($"it is nested deeper than {MaxDepth}");
            ends[depth++] = length is null ? -1 : at + length.Value;
        }
    }

    private static readonly Asn1Tag EndOfContents = new(TagClass.Universal, 0);

    private static int Limit(ReadOnlySpan<int> ends, int whole)
    {
        for (var i = ends.Length - 1; i >= 0; i--)
        {
            if (ends[i] >= 0)
                return ends[i];
        }
        return whole;
    }

    private static IdentityException Refuse(string why) => new(IdentityRefusal.BadCms, $"The ASN.1 is refused: {why}.");
}
