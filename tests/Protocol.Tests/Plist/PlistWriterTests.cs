using System.Buffers;
using System.Text;
using System.Text.Json;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

public sealed class PlistWriterTests
{
    [Fact]
    public void A_document_has_Apples_header_and_every_type_in_its_form()
    {
        var root = new PlistDictionary
        {
            ["Text"] = "a & b <c> \r\n ]]>",
            ["Number"] = 42,
            ["Real"] = new PlistReal(0.5),
            ["Yes"] = true,
            ["No"] = false,
            ["When"] = new DateTimeOffset(2026, 11, 24, 9, 30, 15, 900, TimeSpan.FromHours(1)),
            ["Bytes"] = new byte[] { 0, 1, 2, 3 },
            ["List"] = new PlistArray { "x", new PlistDictionary() },
        };
        const string Expected = """
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
            <plist version="1.0"><dict><key>Text</key><string>a &amp; b &lt;c&gt; &#13;
             ]]&gt;</string><key>Number</key><integer>42</integer><key>Real</key><real>0.5</real><key>Yes</key><true/><key>No</key><false/><key>When</key><date>2026-11-24T08:30:15Z</date><key>Bytes</key><data>AAECAw==</data><key>List</key><array><string>x</string><dict></dict></array></dict></plist>

            """;
        Assert.Equal(Expected, Encoding.UTF8.GetString(PlistWriter.ToBytes(root)));
    }

    [Fact]
    public void A_fragment_is_the_value_alone()
    {
        var output = new ArrayBufferWriter<byte>();
        PlistWriter.WriteFragment(output, new PlistDictionary { ["RequestType"] = "SecurityInfo" });
        Assert.Equal("<dict><key>RequestType</key><string>SecurityInfo</string></dict>", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0x61, 0x1B, 0x62)]
    [InlineData(0xFFFE)]
    [InlineData(0xD800)]
    [InlineData(0x61, 0xDC00, 0xD800)]
    [InlineData(0xD83D, 0xDE00, 0xD83D)]
    public void A_character_that_XML_cannot_carry_is_refused_in_texts_and_keys(params int[] codes)
    {
        var text = string.Concat(codes.Select(code => (char)code));
        Assert.Equal(PlistReason.InvalidCharacter, Assert.Throws<PlistFormatException>(() => PlistWriter.ToBytes(text)).Reason);
        Assert.Throws<PlistFormatException>(() => PlistWriter.ToFragment(new PlistDictionary { [text] = true }));
    }

    [Theory]
    [InlineData(double.NaN, "nan")]
    [InlineData(double.PositiveInfinity, "+infinity")]
    [InlineData(double.NegativeInfinity, "-infinity")]
    [InlineData(0.1, "0.1")]
    public void Reals_are_written_as_Apple_reads_them(double value, string text)
    {
        var fragment = PlistWriter.ToFragment(new PlistReal(value));
        Assert.Equal($"<real>{text}</real>", Encoding.UTF8.GetString(fragment));
        Assert.Equal(value, ((PlistReal)PlistReader.Read(fragment, PlistLimits.Device)).Value);
    }

    [Fact]
    public void A_tree_deeper_than_any_reader_takes_is_refused_and_not_recursed_into()
    {
        PlistNode deep = "bottom";
        for (var level = 0; level < PlistLimits.HighestDepth; level++)
            deep = level % 2 == 0 ? new PlistArray { deep } : new PlistDictionary { ["k"] = deep };
        PlistReader.Read(PlistWriter.ToBytes(deep), PlistLimits.Admin);

        var deeper = new PlistArray { deep };
        Assert.Equal(PlistReason.TooDeep, Assert.Throws<PlistFormatException>(() => PlistWriter.ToBytes(deeper)).Reason);
        Assert.Equal(PlistReason.TooDeep, Assert.Throws<PlistFormatException>(() => Json(deeper)).Reason);
        Assert.Equal(PlistReason.TooDeep, Assert.Throws<PlistFormatException>(() => PlistWriter.ToFragment(new PlistDictionary { ["k"] = deep })).Reason);
    }

    [Fact]
    public void JSON_has_data_as_Base64_and_dates_as_ISO_8601()
    {
        var root = new PlistDictionary
        {
            ["Text"] = "ä",
            ["Negative"] = -42,
            ["Large"] = new PlistInteger(ulong.MaxValue),
            ["Real"] = new PlistReal(0.5),
            ["None"] = new PlistReal(double.NaN),
            ["Yes"] = true,
            ["When"] = new DateTimeOffset(2026, 11, 24, 8, 30, 15, TimeSpan.Zero),
            ["Bytes"] = new byte[] { 255, 254 },
            ["List"] = new PlistArray { 1L, new PlistDictionary() },
        };
        Assert.Equal("""{"Text":"\u00E4","Negative":-42,"Large":18446744073709551615,"Real":0.5,"None":"nan","Yes":true,"When":"2026-11-24T08:30:15Z","Bytes":"//4=","List":[1,{}]}""",
            Json(root));
    }

    private static string Json(PlistNode node)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
            PlistJson.Write(writer, node);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
