using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

public sealed class BinaryPlistReaderTests
{
    /// <summary>Written by Python's plistlib: another hand than the writer of these tests.</summary>
    private const string ByPython =
        "YnBsaXN0MDDcAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcaVE5hbWVlAEcAcgD2AN8AZVVDb3VudFNCaWdTTmVnVFJlYWxUV2hlblRCbG9iU1llc1JOb1RMaXN0"
        + "VExvbmdZS2xhc3NlIDViZW8iW1cAINg93gARASwUAAAAAAAAAAD//////////xP/////////+yM/4AAAAAAAADNByFrBS4AAAEQAAQL/CQijGBgZUWHRGBhf"
        + "ECh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4CCEmMTc7P0RJTlJVWl9pdHeIkZqjqKmqrrCzAAAAAAAAAQEAAAAAAAAAGwAAAAAA"
        + "AAAAAAAAAAAAAN4=";

    [Fact]
    public void A_document_that_another_program_wrote_is_read_with_all_its_types()
    {
        var root = PlistReader.ReadDictionary(Convert.FromBase64String(ByPython), PlistLimits.Admin);
        Assert.Equal("Klasse 5b", root.GetString("Name"));
        Assert.Equal("漢字 😀", root.GetString("Größe"));
        Assert.Equal(300, root.GetInteger("Count"));
        Assert.Null(root.GetInteger("Big"));
        Assert.Equal(ulong.MaxValue, ((PlistInteger)root["Big"]).Value);
        Assert.Equal(-5, root.GetInteger("Neg"));
        Assert.Equal(0.5, root.GetReal("Real"));
        Assert.Equal(new DateTimeOffset(2026, 11, 24, 8, 30, 15, TimeSpan.Zero), root.GetDate("When"));
        Assert.Equal([0, 1, 2, 255], root.GetData("Blob"));
        Assert.True(root.GetBoolean("Yes"));
        Assert.False(root.GetBoolean("No"));
        Assert.Equal("a", ((PlistDictionary)root.GetArray("List")![2]).GetString("a"));
        Assert.Equal(new string('x', 40), root.GetString("Long"));
    }

    [Fact]
    public void A_real_of_four_bytes_is_read() =>
        Assert.Equal(1.5, ((PlistReal)Single(0x22, 0x3F, 0xC0, 0x00, 0x00)).Value);

    [Fact]
    public void An_array_that_holds_itself_is_refused()
    {
        var writer = new BinaryPlistWriter();
        writer.AddRaw(writer.Container(0xA, 0));
        Refused(PlistReason.TooDeep, writer.Finish(0));
    }

    [Fact]
    public void Dictionaries_that_hold_each_other_are_refused()
    {
        var writer = new BinaryPlistWriter();
        var key = writer.Add("k");
        var first = writer.AddRaw();
        var second = writer.AddRaw(writer.Container(0xD, key, first));
        writer.Replace(first, writer.Container(0xD, key, second));
        Refused(PlistReason.TooDeep, writer.Finish(first));
    }

    [Fact]
    public void Arrays_that_share_arrays_do_not_unfold_to_a_forest()
    {
        // 30 arrays, each holding the next one ten times: 10^30 values in a kilobyte.
        var writer = new BinaryPlistWriter();
        var last = writer.Add(true);
        for (var level = 0; level < 30; level++)
            last = writer.AddRaw(writer.Container(0xA, [.. Enumerable.Repeat(last, 10)]));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refused(PlistReason.TooManyObjects, writer.Finish(last));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32 * 1024 * 1024);
    }

    [Fact]
    public void A_long_text_that_is_referred_to_often_counts_each_time()
    {
        var writer = new BinaryPlistWriter();
        var text = writer.Add(new string('x', 100_000));
        writer.AddRaw(writer.Container(0xA, [.. Enumerable.Repeat(text, 100)]));
        Refused(PlistReason.TooMuchExpanded, writer.Finish(1));
    }

    [Fact]
    public void Many_objects_over_the_same_bytes_count_each_time()
    {
        var writer = new BinaryPlistWriter();
        int[] copies = [writer.Add(new byte[100_000]), .. Enumerable.Range(0, 100).Select(_ => writer.AddRaw(9))];
        writer.AddRaw(writer.Container(0xA, copies));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refused(PlistReason.TooMuchExpanded, writer.Finish(copies.Length, oneOffset: true));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 * PlistLimits.Device.MaxExpandedBytes);
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(2147483648ul)]
    [InlineData(9223372036854775808ul)]
    [InlineData(ulong.MaxValue)]
    public void A_trailer_that_lies_about_the_number_of_objects_is_refused(ulong count) =>
        Refused(PlistReason.MalformedBinary, WithOneText().Finish(0, count: count));

    [Theory]
    [InlineData(0ul)]
    [InlineData(7ul)]
    [InlineData(4096ul)]
    [InlineData(2147483648ul)]
    [InlineData(ulong.MaxValue)]
    public void A_trailer_that_lies_about_the_table_of_offsets_is_refused(ulong tableStart) =>
        Refused(PlistReason.MalformedBinary, WithOneText().Finish(0, tableStart: tableStart));

    [Theory]
    [InlineData(0ul)]
    [InlineData(7ul)]
    [InlineData(1000ul)]
    [InlineData(0xFFFFFFFFul)]
    public void An_offset_that_points_outside_of_the_objects_is_refused(ulong offset) =>
        Refused(PlistReason.MalformedBinary, WithOneText().Finish(0, firstOffset: offset));

    [Fact]
    public void A_root_that_does_not_exist_is_refused() => Refused(PlistReason.MalformedBinary, WithOneText().Finish(1));

    [Fact]
    public void More_objects_than_the_limit_are_refused_before_any_is_read()
    {
        var writer = new BinaryPlistWriter();
        for (var number = 0; number < 200; number++)
            writer.AddRaw(9);
        var limits = PlistLimits.Device with { MaxObjects = 100 };
        var refused = Assert.Throws<PlistFormatException>(() => PlistReader.Read(writer.Finish(0), limits));
        Assert.Equal(PlistReason.TooManyObjects, refused.Reason);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(9, 2)]
    [InlineData(2, 0)]
    [InlineData(2, 255)]
    public void Impossible_lengths_of_offsets_and_references_are_refused(int offsetLength, int referenceLength)
    {
        var document = WithOneText().Finish(0);
        document[^26] = (byte)offsetLength;
        document[^25] = (byte)referenceLength;
        Refused(PlistReason.MalformedBinary, document);
    }

    [Theory]
    [InlineData("bplist15")]
    [InlineData("bplist")]
    public void Another_version_is_refused(string header) =>
        Refused(PlistReason.MalformedBinary, [.. System.Text.Encoding.ASCII.GetBytes(header), .. new byte[64]]);

    [Fact]
    public void A_header_alone_is_refused() => Refused(PlistReason.Truncated, "bplist00"u8.ToArray());

    [Theory]
    [InlineData(0xAF, 0x13, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)]
    [InlineData(0xAF, 0x12, 0x80, 0x00, 0x00, 0x00)]
    [InlineData(0xDF, 0x13, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)]
    [InlineData(0x4F, 0x12, 0x7F, 0xFF, 0xFF, 0xFF)]
    [InlineData(0x5F, 0x11, 0x10, 0x00)]
    [InlineData(0x6F, 0x12, 0x40, 0x00, 0x00, 0x00)]
    [InlineData(0x4F, 0x14, 0x00, 0x00)]
    [InlineData(0x4F, 0x59)]
    [InlineData(0x5E, 0x41)]
    public void A_length_beyond_the_document_is_refused(params int[] bytes) => RefusedSingle(PlistReason.MalformedBinary, bytes);

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x0F)]
    [InlineData(0x15)]
    [InlineData(0x21, 0, 0)]
    [InlineData(0x30, 0)]
    [InlineData(0x80, 0)]
    [InlineData(0xC0)]
    [InlineData(0xF0)]
    public void Objects_that_property_lists_do_not_have_are_refused(params int[] bytes) => RefusedSingle(PlistReason.UnknownElement, bytes);

    [Theory]
    [InlineData(0x51, 0x80)]
    [InlineData(0x51, 0x00)]
    [InlineData(0x61, 0xD8, 0x00)]
    [InlineData(0x61, 0xFF, 0xFE)]
    [InlineData(0x61, 0x00, 0x07)]
    public void Texts_that_XML_cannot_carry_are_refused(params int[] bytes) => RefusedSingle(PlistReason.InvalidCharacter, bytes);

    [Theory]
    [InlineData(0x33, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0)]
    [InlineData(0x33, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0)]
    [InlineData(0x33, 0xC3, 0, 0, 0, 0, 0, 0, 0)]
    [InlineData(0x14, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    [InlineData(0x14, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    public void Numbers_and_dates_out_of_range_are_refused(params int[] bytes) => RefusedSingle(PlistReason.InvalidValue, bytes);

    [Fact]
    public void A_number_that_reaches_beyond_the_document_is_refused() =>
        RefusedSingle(PlistReason.MalformedBinary, offsetLength: 1, 0x14, 1);

    [Fact]
    public void Keys_must_be_texts_and_stand_once()
    {
        var writer = new BinaryPlistWriter();
        var number = writer.Add(7L);
        var text = writer.Add("k");
        var odd = writer.AddRaw(writer.Container(0xD, number, text));
        var twice = writer.AddRaw(writer.Container(0xD, text, text, number, number));
        Refused(PlistReason.OddDictionary, writer.Finish(odd));
        Refused(PlistReason.DuplicateKey, writer.Finish(twice));
    }

    [Fact]
    public void A_reference_to_no_object_is_refused()
    {
        var writer = new BinaryPlistWriter();
        writer.AddRaw(writer.Container(0xA, 17));
        Refused(PlistReason.MalformedBinary, writer.Finish(0));
    }

    private static BinaryPlistWriter WithOneText()
    {
        var writer = new BinaryPlistWriter();
        writer.Add("text");
        return writer;
    }

    private static PlistNode Single(params int[] bytes)
    {
        var writer = new BinaryPlistWriter();
        writer.AddRaw([.. bytes.Select(value => (byte)value)]);
        return PlistReader.Read(writer.Finish(0), PlistLimits.Device);
    }

    private static void RefusedSingle(PlistReason reason, params int[] bytes) => RefusedSingle(reason, offsetLength: 4, bytes);

    private static void RefusedSingle(PlistReason reason, int offsetLength, params int[] bytes)
    {
        var writer = new BinaryPlistWriter { OffsetLength = offsetLength };
        writer.AddRaw([.. bytes.Select(value => (byte)value)]);
        Refused(reason, writer.Finish(0));
    }

    private static void Refused(PlistReason reason, byte[] document)
    {
        var refused = Assert.Throws<PlistFormatException>(() => PlistReader.Read(document, PlistLimits.Device));
        Assert.Equal(reason, refused.Reason);
        Assert.Null(refused.Line);
        Assert.NotNull(refused.Offset);
    }
}
