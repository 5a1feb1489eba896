using System.Text;
using FleetMdm.Api.Placeholders;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Lists of serial numbers as spreadsheets save them.</summary>
public sealed class PlaceholderCsvTests
{
    private const string Heading = "Serial number,Name,School,Asset tag";

    private static PlaceholderCsv Parse(string text, Encoding? encoding = null, bool mark = false) =>
        PlaceholderCsv.Parse((byte[])[.. mark ? (encoding ?? Encoding.UTF8).GetPreamble() : [], .. (encoding ?? Encoding.UTF8).GetBytes(text)]);

    private static string Refused(string text) => Assert.Throws<CsvException>(() => Parse(text)).Message;

    private static readonly Placeholder Expected = new() { SerialNumber = "DMP1", Name = "Åsa 1", School = "Södra", AssetTag = "T-1" };

    public static TheoryData<string, bool, string> Encodings => new()
    {
        { "utf-8", false, "," }, { "utf-8", true, ";" }, { "utf-16", true, "\t" }, { "utf-16", false, ";" }, { "utf-16BE", true, "," }, { "utf-16BE", false, "," },
    };

    [Theory]
    [MemberData(nameof(Encodings))]
    public void A_file_is_read_in_each_encoding_and_with_each_delimiter(string encoding, bool mark, string delimiter)
    {
        var text = $"{Heading}\r\ndmp1,Åsa 1,Södra,T-1\r\n".Replace(",", delimiter);
        var csv = Parse(text, Encoding.GetEncoding(encoding), mark);
        Assert.Equal(Expected, Assert.Single(csv.Rows));
        Assert.Empty(csv.Faults);
    }

    [Theory]
    [InlineData("Asset tag,school,NAME,serial\nT-1,Södra,Åsa 1,DMP1")]
    [InlineData("serial_number,device name,site,asset_tag,price\nDMP1,Åsa 1,Södra,T-1,300\n")]
    [InlineData("\"Serial number\",\"Name\",\"School\",\"Asset tag\"\n\"DMP1\",\"Åsa 1\",\"Södra\",\"T-1\"\n\n,,,\n")]
    [InlineData("sep=;\nSerial number;Name;School;Asset tag\nDMP1;Åsa 1;Södra;T-1")]
    [InlineData("Serial number,Name,School,Asset tag\rDMP1,Åsa 1,Södra,T-1\r")]
    public void Columns_come_in_any_order_and_others_are_left_alone(string text) => Assert.Equal(Expected, Assert.Single(Parse(text).Rows));

    [Fact]
    public void A_text_in_quotation_marks_may_hold_delimiters_lines_and_quotation_marks()
    {
        var csv = Parse($"{Heading}\nDMP1,\"a, \"\"b\"\"\",School,\nDMP2,c,,");
        Assert.Equal(["a, \"b\"", "c"], csv.Rows.Select(row => row.Name));
        var fault = Assert.Single(Parse($"{Heading}\nDMP1,\"two\nlines\",,\nDMP2,c,,\nDMP 3,d,,").Faults, fault => fault.Line == 5);
        Assert.Contains("DMP 3", fault.Message);
    }

    [Fact]
    public void A_column_that_is_not_there_is_told_apart_from_one_that_is_empty()
    {
        var csv = Parse("serial number,name\nDMP1,\n");
        Assert.Equal((true, false, false), (csv.WithName, csv.WithSchool, csv.WithAssetTag));
        Assert.Null(Assert.Single(csv.Rows).Name);
    }

    [Fact]
    public void Of_a_hundred_thousand_rows_the_three_that_are_wrong_are_named_by_their_line()
    {
        var text = new StringBuilder(Heading).Append('\n');
        for (var i = 0; i < PlaceholderCsv.MostRows; i++)
        {
            text.Append(i switch { 10 => "", 5_000 => "DMP0000003", 99_999 => "DMP/1", _ => $"DMP{i:D7}" }).Append(";Name;North;T\n".Replace(';', ','));
        }

        var csv = Parse(text.ToString());
        Assert.Equal(99_997, csv.Rows.Count);
        Assert.Equal(3, csv.FaultCount);
        Assert.Equal([12, 5_002, 100_001], csv.Faults.Select(fault => fault.Line));
        Assert.Contains("missing", csv.Faults[0].Message);
        Assert.Contains("line 5 already", csv.Faults[1].Message);
        Assert.Contains("DMP/1", csv.Faults[2].Message);
    }

    [Fact]
    public void More_rows_than_that_are_refused_as_a_whole()
    {
        var text = new StringBuilder("serial\n");
        for (var i = 0; i <= PlaceholderCsv.MostRows; i++) text.Append('A').Append(i).Append('\n');
        Assert.Contains("100000", Refused(text.ToString()));
    }

    [Theory]
    [InlineData("DMP1,a,b,c,d", "5 fields")]
    [InlineData("DMP1,\"open", "never closed")]
    [InlineData("DMP1,bad\u0007name", "name holds control characters")]
    [InlineData("ABCDEFGHIJKLMNOPQRSTUVWXYZ,a", "1 to 20 letters and digits")]
    public void A_wrong_line_says_what_is_wrong(string line, string words) => Assert.Contains(words, Assert.Single(Parse($"{Heading}\n{line}").Faults).Message);

    [Fact]
    public void A_text_that_is_too_long_is_named()
    {
        Assert.Contains("at most 200", Assert.Single(Parse($"{Heading}\nDMP1,,,{new string('x', 201)}").Faults).Message);
        Assert.Equal(PlaceholderCsv.MostFaults, Parse($"{Heading}\n{string.Join('\n', Enumerable.Repeat("?", 250))}").Faults.Count);
    }

    [Fact]
    public void A_field_that_nobody_means_is_refused_at_once_and_never_held()
    {
        var file = Encoding.UTF8.GetBytes($"serial,name\nDMP1,{new string('A', 20_000_000)}\n");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.StartsWith("Line 2: A field has more than 10,000 characters.", Assert.Throws<CsvException>(() => PlaceholderCsv.Parse(file)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("name,school\na,b", "\"serial number\" is missing")]
    [InlineData("serial,serial number\na,b", "stands there twice")]
    public void A_file_without_its_heading_is_refused_with_what_is_missing(string text, string words) => Assert.Contains(words, Refused(text));

    [Fact]
    public void Bytes_of_another_encoding_are_refused_with_what_to_do()
    {
        byte[] latin = [.. "serial,name\nDMP1,"u8, 0xC5, 0x73, 0x61];
        Assert.Contains("CSV UTF-8", Assert.Throws<CsvException>(() => PlaceholderCsv.Parse(latin)).Message);
        Assert.Throws<CsvException>(() => PlaceholderCsv.Parse((byte[])[0xFF, 0xFE, 0x41]));
        Assert.Throws<CsvException>(() => PlaceholderCsv.Parse((byte[])[0x00, 0x01, 0x02]));
    }
}
