using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace FleetMdm.Protocol.Plist;

/// <summary>
/// Writes property lists as XML in UTF-8, without white space between the elements. What it writes, <see cref="PlistReader"/>
/// reads back as the same values; dates lose what is below a second.
/// </summary>
public static class PlistWriter
{
    /// <summary>Characters that begin another path than a plain copy.</summary>
    private static readonly SearchValues<char> Special = SearchValues.Create("&<>\r");

    internal static ReadOnlySpan<byte> DocumentStart =>
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <plist version="1.0">
        """u8;

    internal static ReadOnlySpan<byte> DocumentEnd => "</plist>\n"u8;

    /// <summary>A whole document, with XML declaration and document type.</summary>
    /// <exception cref="PlistFormatException">A text holds a character that XML cannot carry, or the tree is deeper than
    /// <see cref="PlistLimits.HighestDepth"/>.</exception>
    public static byte[] ToBytes(PlistNode root)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        Write(output, root);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The value alone, as <c>&lt;dict&gt;…&lt;/dict&gt;</c>, to be put into a document.</summary>
    /// <inheritdoc cref="ToBytes"/>
    public static byte[] ToFragment(PlistNode node)
    {
        var output = new ArrayBufferWriter<byte>(512);
        WriteFragment(output, node);
        return output.WrittenSpan.ToArray();
    }

    /// <inheritdoc cref="ToBytes"/>
    public static void Write(IBufferWriter<byte> output, PlistNode root)
    {
        output.Write(DocumentStart);
        WriteNode(output, root, depth: 0);
        output.Write(DocumentEnd);
    }

    /// <inheritdoc cref="ToFragment"/>
    public static void WriteFragment(IBufferWriter<byte> output, PlistNode node) => WriteNode(output, node, depth: 0);

    internal static void WriteText(IBufferWriter<byte> output, ReadOnlySpan<char> text)
    {
        var forbidden = PlistText.IndexOfForbidden(text);
        if (forbidden >= 0)
        {
            throw new PlistFormatException(PlistReason.InvalidCharacter,
                $"A text holds the character U+{(int)text[forbidden]:X4}, which XML cannot carry.");
        }

        while (text.IndexOfAny(Special) is >= 0 and var at)
        {
            Encoding.UTF8.GetBytes(text[..at], output);

            // A bare carriage return would be read as a line feed.
            output.Write(text[at] switch { '&' => "&amp;"u8, '<' => "&lt;"u8, '>' => "&gt;"u8, _ => "&#13;"u8 });
            text = text[(at + 1)..];
        }

        Encoding.UTF8.GetBytes(text, output);
    }

    private static void WriteNode(IBufferWriter<byte> output, PlistNode node, int depth)
    {
        switch (node)
        {
            case PlistString text:
                output.Write("<string>"u8);
                WriteText(output, text.Value);
                output.Write("</string>"u8);
                break;
            case PlistInteger integer:
                output.Write("<integer>"u8);
                WriteText(output, integer.Value.ToString(CultureInfo.InvariantCulture));
                output.Write("</integer>"u8);
                break;
            case PlistReal real:
                output.Write("<real>"u8);
                WriteText(output, PlistScalars.FormatReal(real.Value));
                output.Write("</real>"u8);
                break;
            case PlistBoolean boolean:
                output.Write(boolean.Value ? "<true/>"u8 : "<false/>"u8);
                break;
            case PlistDate date:
                output.Write("<date>"u8);
                WriteText(output, PlistScalars.FormatDate(date.Value));
                output.Write("</date>"u8);
                break;
            case PlistData data:
                output.Write("<data>"u8);
                WriteBase64(output, data.Value);
                output.Write("</data>"u8);
                break;
            case PlistArray array:
                CheckDepth(depth);
                output.Write("<array>"u8);
                foreach (var item in array)
                    WriteNode(output, item, depth + 1);
                output.Write("</array>"u8);
                break;
            case PlistDictionary dictionary:
                CheckDepth(depth);
                output.Write("<dict>"u8);
                foreach (var (key, value) in dictionary)
                {
                    output.Write("<key>"u8);
                    WriteText(output, key);
                    output.Write("</key>"u8);
                    WriteNode(output, value, depth + 1);
                }

                output.Write("</dict>"u8);
                break;
        }
    }

    private static void WriteBase64(IBufferWriter<byte> output, ReadOnlySpan<byte> data)
    {
        var length = Base64.GetMaxEncodedToUtf8Length(data.Length);
        Base64.EncodeToUtf8(data, output.GetSpan(length), out _, out var written);
        output.Advance(written);
    }

    private static void CheckDepth(int depth)
    {
        if (depth >= PlistLimits.HighestDepth)
            throw new PlistFormatException(PlistReason.TooDeep, $"More than {PlistLimits.HighestDepth} arrays and dictionaries inside each other.");
    }
}
