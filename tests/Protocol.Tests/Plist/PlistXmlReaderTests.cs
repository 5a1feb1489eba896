using System.Diagnostics;
using System.Globalization;
using System.Text;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

public sealed class PlistXmlReaderTests
{
    /// <summary>What stands in a hostile document must cost no more than its bytes: this many times the body, and a little.</summary>
    private const int AllocationFactor = 64;

    [Fact]
    public void A_document_as_Apple_writes_it_is_read_with_all_its_types()
    {
        var root = PlistReader.ReadDictionary(Encoding.UTF8.GetBytes("""
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
            <plist version="1.0">
            <dict>
            	<key>Name</key>
            	<string>iPad of Müller &amp; Søn &#x1F34E;</string>
            	<key>Capacity</key>
            	<real>64.5</real>
            	<key>Level</key>
            	<integer>-1</integer>
            	<key>Supervised</key>
            	<true/>
            	<key>Lost</key>
            	<false/>
            	<key>Seen</key>
            	<date>2026-11-24T08:30:15Z</date>
            	<key>Token</key>
            	<data>
            	AAEC
            	Aw==
            	</data>
            	<key>Users</key>
            	<array>
            		<string>a</string>
            		<dict/>
            	</array>
            </dict>
            </plist>
            """), PlistLimits.Device);

        Assert.Equal("iPad of Müller & Søn 🍎", root.GetString("Name"));
        Assert.Equal(64.5, root.GetReal("Capacity"));
        Assert.Equal(-1, root.GetInteger("Level"));
        Assert.Equal(-1.0, root.GetReal("Level"));
        Assert.True(root.GetBoolean("Supervised"));
        Assert.False(root.GetBoolean("Lost"));
        Assert.Equal(new DateTimeOffset(2026, 11, 24, 8, 30, 15, TimeSpan.Zero), root.GetDate("Seen"));
        Assert.Equal([0, 1, 2, 3], root.GetData("Token"));
        Assert.Equal(2, root.GetArray("Users")!.Count);
        Assert.Equal(["Name", "Capacity", "Level", "Supervised", "Lost", "Seen", "Token", "Users"], root.Select(entry => entry.Key));
    }

    [Theory]
    [InlineData("<integer>18446744073709551615</integer>", "18446744073709551615")]
    [InlineData("<integer>-9223372036854775808</integer>", "-9223372036854775808")]
    [InlineData("<integer> +0x1F\n</integer>", "31")]
    [InlineData("<integer>-0Xff</integer>", "-255")]
    [InlineData("<integer>000</integer>", "0")]
    public void Integers_of_64_bits_are_read_with_and_without_sign_and_in_hexadecimal(string xml, string expected) =>
        Assert.Equal(Int128.Parse(expected, CultureInfo.InvariantCulture), ((PlistInteger)Read(xml)).Value);

    [Theory]
    [InlineData("<integer></integer>")]
    [InlineData("<integer/>")]
    [InlineData("<integer>-</integer>")]
    [InlineData("<integer>0x</integer>")]
    [InlineData("<integer>1.0</integer>")]
    [InlineData("<integer>1 2</integer>")]
    [InlineData("<integer>0xG</integer>")]
    [InlineData("<integer>18446744073709551616</integer>")]
    [InlineData("<integer>-9223372036854775809</integer>")]
    [InlineData("<integer>٣</integer>")]
    [InlineData("<real></real>")]
    [InlineData("<real>one</real>")]
    [InlineData("<real>1e999</real>")]
    [InlineData("<real>1,5</real>")]
    [InlineData("<real>--1</real>")]
    [InlineData("<date>2026-02-29T00:00:00Z</date>")]
    [InlineData("<date>2026-01-01T00:00:00</date>")]
    [InlineData("<date>2026-01-01T00:00:00.5Z</date>")]
    [InlineData("<date>2026-01-01T00:00:0öZ</date>")]
    [InlineData("<date/>")]
    [InlineData("<data>A</data>")]
    [InlineData("<data>AA=A</data>")]
    [InlineData("<data>A*==</data>")]
    public void A_scalar_that_does_not_hold_what_its_name_says_is_refused(string xml) => Refused(PlistReason.InvalidValue, xml);

    [Fact]
    public void A_real_with_more_digits_than_a_number_has_is_refused() =>
        Refused(PlistReason.InvalidValue, $"<real>{new string('1', 600)}</real>");

    [Theory]
    [InlineData("<real>nan</real>", double.NaN)]
    [InlineData("<real>+infinity</real>", double.PositiveInfinity)]
    [InlineData("<real>-Infinity</real>", double.NegativeInfinity)]
    [InlineData("<real>\t-1.5e-3 </real>", -0.0015)]
    public void Reals_may_be_named(string xml, double expected) => Assert.Equal(expected, ((PlistReal)Read(xml)).Value);

    [Theory]
    [InlineData("<string>a&amp;&lt;&gt;&quot;&apos;&#65;&#x42;&#x000043;</string>", "a&<>\"'ABC")]
    [InlineData("<string><![CDATA[<b> & ]] &amp;]]></string>", "<b> & ]] &amp;")]
    [InlineData("<string>a<!-- < & > -->b<?x y?>c<?z?>d</string>", "abcd")]
    [InlineData("<string>a<!--> & -->b<!---> & -->c<!---->d</string>", "abcd")]
    [InlineData("<string>a\r\nb\rc<![CDATA[d\r\ne\r]]>&#13;</string>", "a\nb\ncd\ne\n\r")]
    [InlineData("<string> a ] b ]] c > </string>", " a ] b ]] c > ")]
    [InlineData("<string/>", "")]
    [InlineData("<string></string >", "")]
    [InlineData("<string>\uFFFD\uFEFF｡</string>", "\uFFFD\uFEFF｡")]
    public void Texts_are_read_as_XML_means_them(string xml, string expected) => Assert.Equal(expected, ((PlistString)Read(xml)).Value);

    [Theory]
    [InlineData("&bomb;")]
    [InlineData("&")]
    [InlineData("&;")]
    [InlineData("&amp")]
    [InlineData("&AMP;")]
    [InlineData("&#;")]
    [InlineData("&#x;")]
    [InlineData("&#xG;")]
    [InlineData("&#X41;")]
    [InlineData("&#0;")]
    [InlineData("&#11;")]
    [InlineData("&#xD800;")]
    [InlineData("&#xFFFE;")]
    [InlineData("&#1114112;")]
    [InlineData("&#99999999999999999999;")]
    public void A_reference_to_anything_but_a_character_is_refused(string reference) =>
        Refused(PlistReason.UnknownEntity, $"<string>{reference}</string>");

    [Theory]
    [InlineData("<!DOCTYPE plist [<!ENTITY a \"b\">]><plist><string>&a;</string></plist>")]
    [InlineData("<!DOCTYPE plist SYSTEM \"x\" [\n]><plist><true/></plist>")]
    [InlineData("<!DOCTYPE plist PUBLIC \"x\" \"y\"[<!ENTITY % p SYSTEM \"file:///etc/passwd\"> %p;]><plist><true/></plist>")]
    public void A_document_type_with_declarations_is_refused_before_anything_is_declared(string xml) => Refused(PlistReason.DtdRefused, xml);

    [Theory]
    [InlineData("<!DOCTYPE html><plist><true/></plist>")]
    [InlineData("<!DOCTYPEplist><plist><true/></plist>")]
    [InlineData("<!DOCTYPE plist PUBLIC \"x\"><plist><true/></plist>")]
    [InlineData("<!DOCTYPE plist SYSTEM x><plist><true/></plist>")]
    [InlineData("<!DOCTYPE plist NDATA><plist><true/></plist>")]
    [InlineData("<?xml encoding=\"UTF-8\"?><true/>")]
    [InlineData("<?xml version=\"1.1\"?><true/>")]
    [InlineData("<?xml version=\"1.0\" encodings=\"UTF-8\"?><true/>")]
    [InlineData("<?xml version=\"1.0\"encoding=\"UTF-8\"?><true/>")]
    [InlineData("<?xml version=\"1.0\" encoding=\"UTF-8\"standalone=\"yes\"?><true/>")]
    [InlineData("<?xml version=\"1.0\" standalone=\"maybe\"?><true/>")]
    [InlineData("<?xml version=\"1.0\" ><true/>")]
    [InlineData("<?xml version=\"&lt;\"?><true/>")]
    [InlineData("<?xml version?><true/>")]
    [InlineData(" <?xml version=\"1.0\"?><true/>")]
    [InlineData("<true/><?XML version=\"1.0\"?>")]
    [InlineData("<? x?><true/>")]
    [InlineData("<?a%b?><true/>")]
    [InlineData("<?a? b?><true/>")]
    [InlineData("<!-- a -- b --><true/>")]
    [InlineData("<!-- a ---><true/>")]
    [InlineData("<array></dict>")]
    [InlineData("<dict></array>")]
    [InlineData("<plist><true/></dict>")]
    [InlineData("<true/></plist>")]
    [InlineData("<string>a</key>")]
    [InlineData("<string>a</stringy>")]
    [InlineData("<string>]]></string>")]
    [InlineData("<array></array a=\"b\">")]
    public void Broken_XML_is_refused(string xml) => Refused(PlistReason.MalformedXml, xml);

    [Theory]
    [InlineData("<plist")]
    [InlineData("<plist>")]
    [InlineData("<plist><true/>")]
    [InlineData("<plist><array><true/>")]
    [InlineData("<array><")]
    [InlineData("<array")]
    [InlineData("<array></")]
    [InlineData("<array></array")]
    [InlineData("<string>abc")]
    [InlineData("<string><![CDATA[ ]]</string>")]
    [InlineData("<array><!-- </array>")]
    [InlineData("<array><?x </array>")]
    [InlineData("<?xml version=\"1.0")]
    public void A_document_that_ends_too_early_is_called_so(string xml)
    {
        var refused = Assert.Throws<PlistFormatException>(() => Read(xml));
        Assert.True(refused.Reason is PlistReason.Truncated or PlistReason.MalformedXml, refused.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n\t")]
    [InlineData("<!-- nothing -->")]
    [InlineData("<?xml version=\"1.0\"?>")]
    [InlineData("<plist/>")]
    [InlineData("<plist version=\"1.0\"></plist>")]
    public void A_document_without_a_value_is_called_empty(string xml) => Refused(PlistReason.Empty, xml);

    [Theory]
    [InlineData("text")]
    [InlineData("<true/>text")]
    [InlineData("<array>text</array>")]
    [InlineData("<dict><![CDATA[]]></dict>")]
    [InlineData("<true/><true/>")]
    [InlineData("<plist><true/><false/></plist>")]
    [InlineData("<plist><plist><true/></plist></plist>")]
    [InlineData("<plist><true/></plist><plist><true/></plist>")]
    [InlineData("<plist encoding=\"1.0\"><true/></plist>")]
    [InlineData("<plist version=\"1.0\" version=\"1.0\"><true/></plist>")]
    [InlineData("<string id=\"a\">b</string>")]
    [InlineData("<dict a/>")]
    [InlineData("<true>yes</true>")]
    [InlineData("<true> </true>")]
    [InlineData("<string>a<b/></string>")]
    [InlineData("<string>a<!DOCTYPE plist></string>")]
    [InlineData("<true/><!DOCTYPE plist>")]
    [InlineData("<!DOCTYPE plist><!DOCTYPE plist><true/>")]
    public void What_stands_where_it_may_not_is_refused(string xml) => Refused(PlistReason.UnexpectedContent, xml);

    [Theory]
    [InlineData("<ustring>a</ustring>")]
    [InlineData("<Dict/>")]
    [InlineData("<dict2/>")]
    [InlineData("<p:dict/>")]
    [InlineData("<html><body/></html>")]
    [InlineData("<>")]
    public void Elements_that_property_lists_do_not_have_are_refused(string xml) => Refused(PlistReason.UnknownElement, xml);

    [Theory]
    [InlineData("<dict><key>a</key></dict>")]
    [InlineData("<dict><key>a</key><key>b</key><true/></dict>")]
    [InlineData("<dict><true/></dict>")]
    [InlineData("<dict><key>a</key><true/><true/></dict>")]
    [InlineData("<array><key>a</key></array>")]
    [InlineData("<key>a</key>")]
    public void A_dictionary_whose_keys_and_values_do_not_alternate_is_refused(string xml) => Refused(PlistReason.OddDictionary, xml);

    [Theory]
    [InlineData("<dict><key>a</key><true/><key>b</key><true/><key>a</key><true/></dict>")]
    [InlineData("<array><dict><key/><true/><key></key><true/></dict></array>")]
    [InlineData("<dict><key>a&amp;b</key><true/><key>a<![CDATA[&]]>b</key><true/></dict>")]
    public void A_key_that_stands_twice_is_refused(string xml) => Refused(PlistReason.DuplicateKey, xml);

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x3C, 0x00 })]
    [InlineData(new byte[] { 0xFE, 0xFF, 0x00, 0x3C })]
    [InlineData(new byte[] { 0x3C, 0x00, 0x3F, 0x00 })]
    [InlineData(new byte[] { 0x00, 0x3C, 0x00, 0x3F })]
    public void UTF16_is_refused_by_its_name(byte[] bytes) => Refused(PlistReason.UnsupportedEncoding, bytes);

    [Fact]
    public void Another_encoding_is_refused_by_its_name() =>
        Refused(PlistReason.UnsupportedEncoding, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><true/>");

    [Fact]
    public void A_byte_order_mark_of_UTF8_is_passed_over() =>
        Assert.True(((PlistBoolean)PlistReader.Read((byte[])[0xEF, 0xBB, 0xBF, .. "<?xml version='1.0'?><true/>"u8], PlistLimits.Device)).Value);

    [Theory]
    [InlineData(new byte[] { 0xC3 }, 8)]
    [InlineData(new byte[] { 0xC0, 0x80 }, 8)]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 }, 8)]
    [InlineData(new byte[] { 0xF5, 0x80, 0x80, 0x80 }, 8)]
    [InlineData(new byte[] { 0x00 }, 8)]
    [InlineData(new byte[] { 0x1B }, 8)]
    [InlineData(new byte[] { 0xEF, 0xBF, 0xBE }, 8)]
    [InlineData(new byte[] { 0xEF, 0xBF, 0xBD, 0xEF, 0xBF, 0xBF }, 11)]
    public void Bytes_that_are_no_character_of_XML_are_refused_where_they_stand(byte[] bytes, int offset)
    {
        var refused = Refused(PlistReason.InvalidCharacter, [.. "<string>"u8, .. bytes, .. "</string>"u8]);
        Assert.Equal(offset, refused.Offset);
    }

    [Fact]
    public void A_complaint_names_line_and_byte()
    {
        var refused = Refused(PlistReason.UnknownElement, "<plist>\n<dict>\n\t<key>a</key><sting>b</sting>\n</dict></plist>");
        Assert.Equal(3, refused.Line);
        Assert.Equal(28, refused.Offset);
        Assert.Equal("A property list has no element <sting>. (line 3, byte 28)", refused.Message);
    }

    [Fact]
    public void A_complaint_quotes_nothing_harmful()
    {
        var refused = Refused(PlistReason.DuplicateKey,
            $"<dict><key>{new string('k', 500)}\n&#x85;</key><true/><key>{new string('k', 500)}\n&#x85;</key><true/></dict>");
        Assert.True(refused.Message.Length < 200);
        var controls = Refused(PlistReason.DuplicateKey, "<dict><key>a\nb</key><true/><key>a\nb</key><true/></dict>");
        Assert.Contains("'a?b'", controls.Message, StringComparison.Ordinal);
        var pair = Refused(PlistReason.DuplicateKey, string.Concat(Enumerable.Repeat($"<key>{new string('k', 63)}😀</key><true/>", 2)).Insert(0, "<dict>"));
        Assert.DoesNotContain(pair.Message, char.IsSurrogate);
    }

    [Fact]
    public void Nesting_is_read_to_its_limit_and_refused_beyond_it()
    {
        var limits = PlistLimits.Device with { MaxDepth = 5 };
        PlistReader.Read(Nested(5), limits);
        Assert.Equal(PlistReason.TooDeep, Assert.Throws<PlistFormatException>(() => PlistReader.Read(Nested(6), limits)).Reason);
        PlistReader.Read(Nested(PlistLimits.HighestDepth), PlistLimits.Admin);
        Refused(PlistReason.TooDeep, Nested(60_000));
    }

    [Fact]
    public void Size_and_objects_are_limited()
    {
        var limits = PlistLimits.ForBytes(64 * 1024) with { MaxObjects = 100 };
        Assert.Equal(PlistReason.TooLarge, Assert.Throws<PlistFormatException>(() => PlistReader.Read(new byte[64 * 1024 + 1], limits)).Reason);
        PlistReader.Read(Encoding.UTF8.GetBytes($"<array>{Repeat("<true/>", 99)}</array>"), limits);
        Assert.Equal(PlistReason.TooManyObjects,
            Assert.Throws<PlistFormatException>(() => PlistReader.Read(Encoding.UTF8.GetBytes($"<array>{Repeat("<true/>", 100)}</array>"), limits)).Reason);
    }

    [Theory]
    [InlineData("<array/>")]
    [InlineData("<string/>")]
    [InlineData("<string>&amp;</string>")]
    [InlineData("<dict><key/><true/></dict>")]
    [InlineData("<!---->")]
    [InlineData("<string>\r<!-- --></string>")]
    [InlineData("<")]
    [InlineData("&")]
    [InlineData("<string>&")]
    [InlineData("<![CDATA[")]
    [InlineData("<string>&#00000000000000000000065;</string>")]
    [InlineData("<string>]]</string>")]
    public void A_megabyte_of_anything_costs_no_more_than_its_size(string part)
    {
        var body = Encoding.UTF8.GetBytes("<array>" + Repeat(part, PlistLimits.DeviceBytes / part.Length - 2));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        Assert.Throws<PlistFormatException>(() => PlistReader.Read(body, PlistLimits.Device));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocationFactor * (long)PlistLimits.DeviceBytes / 4);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }

    [Fact]
    public void A_dictionary_with_very_many_keys_is_read_in_time()
    {
        var body = Encoding.UTF8.GetBytes($"<dict>{string.Concat(Enumerable.Range(0, 30_000).Select(number => $"<key>{number}</key><true/>"))}</dict>");
        Assert.Equal(30_000, PlistReader.ReadDictionary(body, PlistLimits.Device).Count);
    }

    [Theory]
    [InlineData("<array/>", "<array>")]
    [InlineData("<string/>", "<string>")]
    [InlineData("<integer>1</integer>", "<integer>")]
    [InlineData("<real>1</real>", "<real>")]
    [InlineData("<true/>", "<true>")]
    [InlineData("<date>2026-01-01T00:00:00Z</date>", "<date>")]
    [InlineData("<data/>", "<data>")]
    public void The_root_must_be_a_dictionary_where_one_is_asked_for(string xml, string named)
    {
        var refused = Assert.Throws<PlistFormatException>(() => PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(xml), PlistLimits.Device));
        Assert.Equal(PlistReason.UnexpectedContent, refused.Reason);
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        Assert.Null(refused.Offset);
    }

    [Fact]
    public void Limits_beyond_what_is_safe_cannot_be_set()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => PlistLimits.Device with { MaxDepth = PlistLimits.HighestDepth + 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => PlistLimits.Device with { MaxDepth = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => PlistLimits.ForBytes(0));
    }

    private static byte[] Nested(int depth) => Encoding.UTF8.GetBytes(Repeat("<array>", depth) + Repeat("</array>", depth));

    private static string Repeat(string part, int times) => new StringBuilder().Insert(0, part, times).ToString();

    private static PlistNode Read(string xml) => PlistReader.Read(Encoding.UTF8.GetBytes(xml), PlistLimits.Device);

    private static PlistFormatException Refused(PlistReason reason, string xml) => Refused(reason, Encoding.UTF8.GetBytes(xml));

    private static PlistFormatException Refused(PlistReason reason, byte[] document)
    {
        var refused = Assert.Throws<PlistFormatException>(() => PlistReader.Read(document, PlistLimits.Device));
        Assert.Equal(reason, refused.Reason);
        return refused;
    }
}
