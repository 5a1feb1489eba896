using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml;
using CsCheck;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

public sealed class PlistProperties
{
    private static readonly PlistLimits Limits = PlistLimits.Device with { MaxDepth = PlistLimits.HighestDepth };

    private static readonly byte[][] Splinters =
    [
        .. new[]
        {
            "<", ">", "&", "]]>", "<!--", "-->", "--", "<![CDATA[", "<?x ", "?>", "<?xml version=\"1.0\"?>", "&#0;", "&#65;", "&bomb;", "&lt;", "&#xD800;", "/>", "</",
            "<dict>", "</dict>", "<dict/>", "<array>", "</array>", "<key>k</key>", "<key/>", "<string>", "</string>", "<true/>", "<integer>1</integer>", "<data>AA==</data>",
            "<real>1e400</real>", "<date>2026-02-30T00:00:00Z</date>", "</plist>", "<plist version=\"1.0\">", "<!DOCTYPE plist [<!ENTITY a \"b\">]>", "<ustring>", "\r", "\r\n", "\0", "\u0001",
            " version=\"1\"", " a='b'", ":", "\uFEFF", "\uFFFF",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xEF, 0xBF], [0xFF, 0xFE],
    ];

    /// <summary>Cuts, doublings, wrong bytes and splinters of markup, a few at a time.</summary>
    private static readonly Gen<(int Kind, double At, double Length, int Value)[]> Wounds =
        Gen.Select(Gen.Int[0, 4], Gen.Double[0, 1], Gen.Double[0, 1], Gen.Int[0, 1000]).Array[1, 4];

    [Fact]
    public void What_is_written_as_XML_is_read_back_the_same() =>
        PlistTrees.Tree.Sample(tree =>
            PlistTrees.Describe(tree) == PlistTrees.Describe(PlistReader.Read(PlistWriter.ToBytes(tree), Limits)));

    [Fact]
    public void A_fragment_is_read_back_like_a_document() =>
        PlistTrees.Tree.Sample(tree =>
            PlistTrees.Describe(tree) == PlistTrees.Describe(PlistReader.Read(PlistWriter.ToFragment(tree), Limits)));

    [Fact]
    public void What_is_written_as_binary_is_read_back_the_same() =>
        Gen.Select(PlistTrees.Tree, Gen.Int[3, 8], Gen.Int[2, 8]).Sample((tree, offsetLength, referenceLength) =>
            Assert.Equal(PlistTrees.Describe(tree), PlistTrees.Describe(PlistReader.Read(BinaryPlistWriter.Write(tree, offsetLength, referenceLength), Limits))));

    [Fact]
    public void However_oddly_a_document_is_written_it_reads_as_XmlReader_reads_it() =>
        Gen.Select(PlistTrees.Tree, Gen.Int).Sample((tree, seed) =>
        {
            var document = new UglyXml(seed).Write(tree);
            var read = PlistTrees.Describe(PlistReader.Read(document, Limits));
            Assert.Equal(PlistTrees.Describe(XmlReaderOracle.Read(document)), read);
            Assert.Equal(PlistTrees.Describe(tree), read);
        }, iter: 2000);

    [Fact]
    public void A_damaged_XML_document_is_refused_or_read_as_XmlReader_reads_it() =>
        Gen.Select(PlistTrees.Tree, Gen.Int, Wounds).Sample((tree, seed, wounds) =>
        {
            var document = Damage(new UglyXml(seed).Write(tree), wounds);
            if (TryRead(document) is { } read)
                Assert.Equal(PlistTrees.Describe(XmlReaderOracle.Read(document)), PlistTrees.Describe(read));
        }, iter: 8_000);

    [Fact]
    public void A_document_that_only_XmlReader_takes_uses_what_property_lists_do_not() =>
        Gen.Select(PlistTrees.Tree, Gen.Int, Wounds).Sample((tree, seed, wounds) =>
        {
            var document = Damage(new UglyXml(seed).Write(tree), wounds);
            try
            {
                XmlReaderOracle.Read(document);
            }
            catch (Exception refused) when (refused is XmlException or FormatException or OverflowException)
            {
                return;
            }

            var text = Encoding.UTF8.GetString(document);
            if (TryRead(document, out var reason) is null)
            {
                // A DOCTYPE of another form or with declarations, names beyond ASCII in processing instructions, UTF-16; another
                // version than 1.0; half a character at the very end, which XmlReader does not look at; and Base64 with bits that belong to no byte.
                Assert.True(text.Contains("<!DOCTYPE", StringComparison.Ordinal) || text.Contains("<?", StringComparison.Ordinal)
                    || HasOddVersion(text) || (reason is PlistReason.InvalidValue && HasLooseBase64(text))
                    || reason is PlistReason.UnsupportedEncoding or PlistReason.InvalidCharacter, $"{reason}: {text}");
            }
        }, iter: 4_000);

    /// <summary>Base64 whose last character says more than its bytes: <c>AAN=</c> instead of <c>AAM=</c>.</summary>
    private static bool HasLooseBase64(string text) => Regex.Matches(text, "<data[^>]*>([^<]*)</data").Any(data =>
    {
        var written = string.Concat(data.Groups[1].Value.Where(c => !char.IsWhiteSpace(c)));
        var bytes = new byte[written.Length];
        return Convert.TryFromBase64String(written, bytes, out var length) && Convert.ToBase64String(bytes.AsSpan(0, length)) != written;
    });

    /// <summary>An attribute of the plist element that is not version 1.0 to the letter.</summary>
    private static bool HasOddVersion(string text)
    {
        var start = text.IndexOf("<plist", StringComparison.Ordinal);
        if (start < 0) return false;
        var attributes = text[(start + "<plist".Length)..text.IndexOf('>', start)];
        return attributes.Trim(' ', '\t', '\r', '\n', '/').Replace('\'', '"') is not ("" or "version=\"1.0\"");
    }

    [Fact]
    public void A_damaged_binary_document_is_refused_or_read_and_nothing_else_happens() =>
        Gen.Select(PlistTrees.Tree, Wounds).Sample((tree, wounds) =>
        {
            var document = Damage(BinaryPlistWriter.Write(tree), wounds);
            if (TryRead(document) is { } read)
                PlistWriter.ToBytes(read);
        }, iter: 8_000);

    [Fact]
    public void Bytes_at_random_are_refused_and_nothing_else_happens() =>
        Gen.Select(Gen.OneOf("", "bplist00", "<?xml", "<plist>", "<dict>", "<string>"), Gen.Byte.Array[0, 200]).Sample((start, bytes) =>
        {
            TryRead([.. Encoding.ASCII.GetBytes(start), .. bytes]);
        }, iter: 8_000);

    [Fact]
    public void Every_cut_of_a_document_is_refused()
    {
        var tree = PlistTrees.Dictionary([("a", "text & more"), ("b", new PlistArray { 1L, true, new byte[] { 1, 2 } }), ("c", new PlistDictionary())]);
        var xml = new UglyXml(7).Write(tree);
        var binary = BinaryPlistWriter.Write(tree);
        var xmlEnd = Encoding.UTF8.GetString(xml).LastIndexOf("</plist", StringComparison.Ordinal) + 8;
        for (var length = 0; length < xmlEnd; length++)
            Assert.Null(TryRead(xml[..length]));
        for (var length = 0; length < binary.Length; length++)
            Assert.Null(TryRead(binary[..length]));
    }

    [Fact]
    public void Every_tree_can_be_written_as_JSON() =>
        PlistTrees.Tree.Sample(tree =>
        {
            var stream = new MemoryStream();
            using (var writer = new Utf8JsonWriter(stream))
                PlistJson.Write(writer, tree);
            using var document = JsonDocument.Parse(stream.ToArray());
            Assert.Equal(tree is PlistDictionary, document.RootElement.ValueKind == JsonValueKind.Object);
        });

    private static byte[] Damage(byte[] document, (int Kind, double At, double Length, int Value)[] wounds)
    {
        foreach (var (kind, where, howMuch, value) in wounds)
        {
            var at = (int)(where * document.Length);
            var length = (int)(howMuch * Math.Min(20, document.Length - at));
            document = kind switch
            {
                0 => document[..at],
                1 => [.. document[..at], .. document[(at + length)..]],
                2 => [.. document[..(at + length)], .. document[at..]],
                3 when at < document.Length => [.. document[..at], (byte)value, .. document[(at + 1)..]],
                _ => [.. document[..at], .. Splinters[value % Splinters.Length], .. document[at..]],
            };
        }

        return document;
    }

    private static PlistNode? TryRead(byte[] document) => TryRead(document, out _);

    private static PlistNode? TryRead(byte[] document, out PlistReason? reason)
    {
        try
        {
            reason = null;
            return PlistReader.Read(document, Limits);
        }
        catch (PlistFormatException refused)
        {
            Assert.NotEmpty(refused.Message);
            Assert.InRange(refused.Offset ?? 0, 0, document.Length);
            reason = refused.Reason;
            return null;
        }
    }
}
