using System.Text;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>The simulated iPads read and write property lists with their own code; here it is held to plist(5).</summary>
public sealed class SimulatedPlistTests
{
    [Fact]
    public void Every_kind_of_value_comes_back_as_it_was_written()
    {
        var date = new DateTimeOffset(2026, 11, 24, 3, 13, 30, TimeSpan.Zero);
        var written = new PlistDict
        {
            ["string"] = "<&> \u00e9\U0001F600",
            ["empty"] = "",
            ["integer"] = -42L,
            ["real"] = 0.25,
            ["yes"] = true,
            ["no"] = false,
            ["data"] = new byte[] { 0, 1, 254, 255 },
            ["date"] = date,
            ["array"] = new List<object> { "a", new List<object>(), new PlistDict() },
            ["dict"] = new PlistDict { ["inner"] = 7L },
        };

        var read = PlistReader.ReadDict(PlistWriter.Write(written));

        Assert.Equal(written.Keys, read.Keys);
        Assert.Equal("<&> \u00e9\U0001F600", read.Text("string"));
        Assert.Equal("", read.Text("empty"));
        Assert.Equal(-42, read.Integer("integer"));
        Assert.Equal(0.25, read["real"]);
        Assert.True(read.Flag("yes"));
        Assert.False(read.Flag("no"));
        Assert.Equal([0, 1, 254, 255], read.Data("data"));
        Assert.Equal(date, read["date"]);
        Assert.Equal(["a", new List<object>(), new PlistDict()], read.Array("array")!);
        Assert.Equal(7, read.Dict("dict")!.Integer("inner"));
    }

    [Fact]
    public void Data_may_be_broken_over_lines_and_the_dictionary_indented()
    {
        var read = PlistReader.ReadDict(Xml("<dict>\n\t<key>Token</key>\n\t<data>\n\tAAEC\n\t/w==\n\t</data>\n</dict>"));

        Assert.Equal([0, 1, 2, 255], read.Data("Token"));
    }

    [Theory]
    [InlineData("<dict><key>a</key></dict>")]
    [InlineData("<dict><string>a</string></dict>")]
    [InlineData("<dict><key>a</key><key>b</key></dict>")]
    [InlineData("<dict><key>a</key><true/><key>a</key><true/></dict>")]
    [InlineData("<dict><key>a</key><true>yes</true></dict>")]
    [InlineData("<dict><key>a</key><integer>1.5</integer></dict>")]
    [InlineData("<dict><key>a</key><data>???</data></dict>")]
    [InlineData("<dict><key>a</key><word>b</word></dict>")]
    [InlineData("<dict/><dict/>")]
    [InlineData("<array/>")]
    [InlineData("")]
    public void What_is_no_property_list_is_refused(string content) =>
        Assert.Throws<PlistException>(() => PlistReader.ReadDict(Xml(content)));

    [Fact]
    public void Entities_of_a_document_type_are_not_expanded()
    {
        const string Bomb = "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY a \"aaaa\">]><plist><dict><key>k</key><string>&a;</string></dict></plist>";

        Assert.Throws<PlistException>(() => PlistReader.ReadDict(Encoding.UTF8.GetBytes(Bomb)));
    }

    [Fact]
    public void Nesting_is_bounded()
    {
        var deep = string.Concat(Enumerable.Repeat("<array>", 1000)) + string.Concat(Enumerable.Repeat("</array>", 1000));

        Assert.Throws<PlistException>(() => PlistReader.Read(Xml(deep)));
    }

    private static byte[] Xml(string content) => Encoding.UTF8.GetBytes(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
        + $"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">{content}</plist>");
}
