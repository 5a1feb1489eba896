using System.Net.Http.Headers;
using System.Text;
using FleetMdm.Api.Placeholders;
using FleetMdm.Testing;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Each kind of file in the last table of docs/profile-checks.md, handed in over HTTP. The table is read from there: a row without a file fails.</summary>
public sealed class FileKindTests(AdminServer server)
{
    private const string Imports = "/api/v1/placeholder-imports";
    private const string Heading = "serial number,name\n";
    private const string PropertyList = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict><key>PayloadType</key><string>Configuration</string></dict></plist>";

    private static readonly Dictionary<string, (string Path, string Type, byte[] Body)> Kinds = new()
    {
        ["CSV in UTF-8"] = Csv(Utf8($"{Heading}FILEKIND1,Åsa\n")),
        ["CSV in UTF-8 with a byte order mark"] = Csv([.. Encoding.UTF8.GetPreamble(), .. Utf8($"{Heading}FILEKIND1,Åsa\n")]),
        ["CSV in UTF-16"] = Csv([.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes($"{Heading}FILEKIND1,Åsa\n")]),
        ["CSV with semicolons"] = Csv(Utf8("serial number;name\nFILEKIND1;Åsa\n")),
        ["CSV with tabs"] = Csv(Utf8("serial number\tname\nFILEKIND1\tÅsa\n")),
        ["CSV in another encoding"] = Csv([.. Utf8($"{Heading}FILEKIND1,"), 0xC5, 0x73, 0x61]),
        ["CSV without the column of serial numbers"] = Csv(Utf8("name,school\na,b\n")),
        ["CSV with a column that stands there twice"] = Csv(Utf8("serial,serial number\nA,B\n")),
        ["an empty file"] = Csv([]),
        ["100,000 rows of which three are wrong"] = Csv(Rows(PlaceholderCsv.MostRows, row => row switch { 10 => "", 5_000 => "FK0000003", 99_999 => "FK/1", _ => $"FK{row:D7}" })),
        ["100,001 rows"] = Csv(Rows(PlaceholderCsv.MostRows + 1, row => $"FK{row:D7}")),
        ["JSON where CSV is expected"] = (Imports, "application/json", "{}"u8.ToArray()),
        ["a property list where CSV is expected"] = Csv(Utf8(PropertyList)),
        ["a property list where JSON is expected"] = ("/api/v1/invitations", "application/xml", Utf8(PropertyList)),
        ["a property list that is called JSON"] = ("/api/v1/invitations", "application/json", Utf8(PropertyList)),
        ["JSON where a profile is expected"] = ("/api/v1/devices/NOBODY/commands", "application/json",
            Utf8($$"""{"requestType":"InstallProfile","payload":"{{Convert.ToBase64String("{\"PayloadType\":\"Configuration\"}"u8)}}"}""")),
    };

    public static TheoryData<string, int, string> Rows()
    {
        var rows = new TheoryData<string, int, string>();
        foreach (var line in File.ReadLines(Repository.File("docs", "profile-checks.md")).SkipWhile(line => line != "## Other files").Where(line => line.StartsWith('|')).Skip(2))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            rows.Add(cells[1], int.Parse(cells[2]), cells[3]);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task A_file_of_each_kind_gets_its_answer(string kind, int status, string words)
    {
        var (path, type, body) = Kinds[kind];
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var answer = await server.Admin.PostAsync(path, content);
        if (status == 200)
        {
            await AdminServer.Body(answer, 200);
            return;
        }

        Assert.Contains(words, (string?)(await AdminServer.Problem(answer, status))["detail"]);
    }

    [Fact]
    public async Task Of_a_file_with_three_wrong_rows_nothing_is_written()
    {
        var (path, type, body) = Kinds["100,000 rows of which three are wrong"];
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var answer = await server.Admin.PostAsync(path, content);
        var problem = await AdminServer.Problem(answer, 422);
        Assert.Equal(["line 12", "line 5002", "line 100001"], problem["errors"]!.AsObject().Select(error => error.Key));
        using var first = await server.Admin.GetAsync("/api/v1/placeholders/FK0000000");
        await AdminServer.Problem(first, 404);
    }

    [Fact]
    public void Each_kind_stands_in_the_table() => Assert.Equal(Kinds.Keys.Order(), Rows().Select(row => row.Data.Item1).Order());

    private static (string Path, string Type, byte[] Body) Csv(byte[] body) => (Imports, "text/csv", body);

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Rows(int count, Func<int, string> serial)
    {
        var text = new StringBuilder(Heading);
        for (var row = 0; row < count; row++) text.Append(serial(row)).Append(",Name\n");
        return Utf8(text.ToString());
    }
}
