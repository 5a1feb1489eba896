using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Lists of iPads of other servers over HTTP and in the console.</summary>
public sealed class DeviceImportTests(AdminServer server) : IClassFixture<AdminServer>
{
    private const string Path = "/api/v1/device-imports";

    private static string Mark() => Guid.NewGuid().ToString("N")[..10].ToUpperInvariant();

    private async Task<JsonObject> Read(string path)
    {
        using var answer = await server.Admin.GetAsync("/api/v1/" + path);
        return await AdminServer.Body(answer, 200);
    }

    private async Task<string> Create(string path, string json)
    {
        using var made = await server.Admin.PostAsync("/api/v1/" + path, AdminServer.Json(json));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    private Task<string> Person(string family, string more) => Create("people", $$"""{"role": "pupil", "givenName": "Ali", "familyName": "{{family}}", {{more}}}""");

    private async Task<JsonObject> Look(byte[] file, string query = "")
    {
        using var content = new ByteArrayContent(file);
        content.Headers.ContentType = new MediaTypeHeaderValue("text/csv");
        using var answer = await server.Admin.PostAsync(Path + query, content);
        return await AdminServer.Body(answer, 201);
    }

    private Task<JsonObject> Look(string csv, string query = "") => Look(Encoding.UTF8.GetBytes(csv), query);

    private async Task<JsonObject> Applied(JsonObject import)
    {
        using var answer = await server.Admin.PostAsync($"{Path}/{import["id"]}/apply", null);
        return await AdminServer.Body(answer, 200);
    }

    private static string Counts(JsonObject import) =>
        string.Join('/', ((string[])["added", "changed", "unchanged", "handedOut", "waiting", "kept"]).Select(what => (long)import["counts"]![what]!));

    [Fact]
    public async Task A_list_is_looked_at_applied_and_once_more_changes_nothing()
    {
        var mark = Mark();
        var pad = await server.Enrol($"IN{mark}");
        var taken = await server.Enrol($"TK{mark}");
        await Create("schools", $$"""{"name": "North {{mark}}", "code": "N{{mark}}"}""");
        var ali = await Person("Berg" + mark, $"\"email\": \"ali.{mark}@school.example\", \"username\": \"ali{mark}\"");
        var bo = await Person("Bo" + mark, $"\"username\": \"bo{mark}\"");
        using (var given = await server.Admin.PutAsync($"{taken.Path}/holder", AdminServer.Json($$"""{"personId": "{{bo}}"}"""))) await AdminServer.Body(given, 200);

        // As Jamf School exports it: more columns than are needed, a Mac, what spreadsheets do to numbers.
        var csv = $"Name,UDID,Serial Number,Model Name,Asset Tag,Location,Owner Username,Owner Email,Notes\r\n" +
            $"NS-1,x,in{mark},iPad (9th generation),\"=\"\"0012\"\"\",North {mark},ALI{mark},,\r\n" +
            $"NS-2,x,TK{mark},iPad,-,n{mark},,Ali.{mark}@School.example,\r\n" +
            $"NS-3,x,NEW{mark},iPad Air,T-3,,bo{mark},,\"two, words\"\r\n" +
            $"Mac-1,x,C02{mark}AB,MacBook Air,,Nowhere,,,\r\n";
        var look = await Look(csv);
        Assert.Equal(("preview", true, "3/0/0/1/1/1"), ((string)look["state"]!, (bool)look["canBeApplied"]!, Counts(look)));
        Assert.Contains("no iPad", (string?)look["remarks"]![0]);
        Assert.Equal([$"TK{mark}"], (await Read($"device-imports/{look["id"]}/devices?change=kept"))["items"]!.AsArray().Select(one => (string?)one!["serialNumber"]));
        Assert.Contains("Another person has these", await server.Admin.GetStringAsync($"/device-imports/{look["id"]}"));
        using (var nothing = await server.Admin.GetAsync($"/api/v1/placeholders/IN{mark}")) Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);

        for (var n = 0; n < 2; n++) Assert.Equal(("applied", "3/0/0/1/1/1"), ((string)(await Applied(look))["state"]!, Counts(await Applied(look))));
        var placeholder = await Read($"placeholders/IN{mark}");
        Assert.Equal(("NS-1", $"North {mark}", "0012"), ((string?)placeholder["name"], (string?)placeholder["school"], (string?)placeholder["assetTag"]));
        Assert.Equal(ali, (string?)(await Read($"devices/{pad.Id}"))["holder"]!["personId"]);
        Assert.Equal(bo, (string?)(await Read($"devices/{taken.Id}"))["holder"]!["personId"]);
        Assert.Equal("0/0/3/0/0/1", Counts(await Look(csv)));

        // The third gets its person the moment it enrols, and only once.
        var late = await server.Enrol($"NEW{mark}");
        Assert.Equal(bo, (string?)(await Read($"devices/{late.Id}"))["holder"]!["personId"]);
        Assert.Contains("device.hand-out", (await Read($"audit?target={late.Id}")).ToJsonString());
        Assert.Equal("0/0/3/0/0/1", Counts(await Look(csv)));
    }

    [Fact]
    public async Task A_list_for_the_new_year_hands_iPads_over_when_it_is_said_how_many_and_can_be_undone()
    {
        var mark = Mark();
        var (one, two) = (await server.Enrol($"YA{mark}"), await server.Enrol($"YB{mark}"));
        var old = await Person("Old" + mark, $"\"username\": \"old{mark}\"");
        var young = await Person("Young" + mark, $"\"username\": \"young{mark}\"");
        foreach (var pad in new[] { one, two })
        {
            using var given = await server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json($$"""{"personId": "{{old}}"}"""));
            await AdminServer.Body(given, 200);
        }

        var csv = $"Serial Number,User Name\nYA{mark},young{mark}\n";
        Assert.Equal("1/0/0/0/0/1", Counts(await Look(csv)));
        var look = await Look(csv, "?handOver=true");
        Assert.Equal((true, 1L, "1/0/0/0/0/0"), ((bool)look["handOver"]!, (long)look["counts"]!["handedOver"]!, Counts(look)));
        var change = Assert.Single((await Read($"device-imports/{look["id"]}/devices?change=handedOver"))["items"]!.AsArray())!;
        Assert.Equal(($"Ali Young{mark}", $"Ali Old{mark}"), ((string?)change["person"], (string?)change["holder"]));
        Assert.Contains($"from Ali Old{mark} to Ali Young{mark}", await server.Admin.GetStringAsync($"/device-imports/{look["id"]}"));

        using (var unsaid = await server.Admin.PostAsync($"{Path}/{look["id"]}/apply", null))
        {
            var problem = await AdminServer.Problem(unsaid, 409);
            Assert.Equal(("not-as-expected", 1L), ((string?)problem["code"], (long)problem["found"]!));
        }

        using (var early = await server.Admin.PostAsync($"{Path}/{look["id"]}/undo", null)) Assert.Equal("cannot-be-undone", (string?)(await AdminServer.Problem(early, 409))["code"]);
        using (var wrong = await server.Admin.PostAsync($"{Path}/{look["id"]}/apply?handedOver=some", null)) await AdminServer.Problem(wrong, 400);
        using (var said = await server.Admin.PostAsync($"{Path}/{look["id"]}/apply?handedOver=1", null)) Assert.Equal("applied", (string?)(await AdminServer.Body(said, 200))["state"]);
        Assert.Equal(young, (string?)(await Read($"devices/{one.Id}"))["holder"]!["personId"]);
        Assert.Equal(old, (string?)(await Read($"devices/{two.Id}"))["holder"]!["personId"]);
        Assert.Contains("Take back what was handed out", await server.Admin.GetStringAsync($"/device-imports/{look["id"]}"));

        for (var n = 0; n < 2; n++)
        {
            using var undone = await server.Admin.PostAsync($"{Path}/{look["id"]}/undo", null);
            var body = await AdminServer.Body(undone, 200);
            Assert.Equal(("undone", 1L, 1L), ((string?)body["state"], (long)body["undone"]!["takenBack"]!, (long)body["undone"]!["givenBack"]!));
        }

        Assert.Equal(old, (string?)(await Read($"devices/{one.Id}"))["holder"]!["personId"]);
        Assert.DoesNotContain("Take back what was handed out", await server.Admin.GetStringAsync($"/device-imports/{look["id"]}"));
        Assert.Contains("import.undo", (await Read($"audit?target={look["id"]}")).ToJsonString());
    }

    [Fact]
    public async Task A_list_with_semicolons_in_Windows_1252_or_UTF_16_is_read_too_and_an_empty_field_leaves_what_stands()
    {
        var mark = Mark();
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        var mosyle = $"serial_number;device_name;asset-tag;USER ID\r\n{mark};Åsas iPad;T1;\r\n";
        foreach (var encoding in (Encoding[])[Encoding.GetEncoding(1252), Encoding.Unicode, new UTF8Encoding(true)])
            await Applied(await Look([.. encoding.GetPreamble(), .. encoding.GetBytes(mosyle)]));
        Assert.Equal("Åsas iPad", (string?)(await Read($"placeholders/{mark}"))["name"]);

        Assert.Equal("0/1/0/0/0/0", Counts(await Applied(await Look($"Serial\tName\tAsset tag\n{mark}\t\tT2\n"))));
        var placeholder = await Read($"placeholders/{mark}");
        Assert.Equal(("Åsas iPad", "T2"), ((string?)placeholder["name"], (string?)placeholder["assetTag"]));
    }

    [Fact]
    public async Task Wrong_lines_are_named_by_line_and_column_and_nothing_is_applied_unless_they_are_left_out()
    {
        var mark = Mark();
        await Person("Left" + mark, $"\"username\": \"left{mark}\", \"active\": false");
        await Person("One" + mark, $"\"username\": \"two{mark}\"");
        await Person("Two" + mark, $"\"email\": \"x{mark}@x.example\", \"username\": \"two{mark}\"");
        var csv = $"Serial Number,Location,User\nA{mark},Nowhere,\nB{mark},,nobody{mark}\nC{mark},,left{mark}\nD{mark},,two{mark}\nno serial!,,\n,,\nA{mark},,\n ,,x\nE{mark},,,,\nF{mark},,x{mark}@x.example\n";
        var look = await Look(csv);
        Assert.Equal(["2 Location", "3 User", "4 User", "5 User", "6 Serial Number", "8 Serial Number", "9 Serial Number", "10 "],
            look["faults"]!.AsArray().Select(fault => $"{fault!["line"]} {fault["column"]}"));
        using (var refused = await server.Admin.PostAsync($"{Path}/{look["id"]}/apply", null)) Assert.Equal("invalid-csv", (string?)(await AdminServer.Problem(refused, 422))["code"]);
        using (var discarded = await server.Admin.DeleteAsync($"{Path}/{look["id"]}")) Assert.Equal(HttpStatusCode.NoContent, discarded.StatusCode);

        var skipped = await Applied(await Look(csv, "?onError=skip"));
        Assert.Equal("5/0/0/0/1/0", Counts(skipped));
    }

    [Fact]
    public async Task A_file_that_is_no_list_is_refused_in_words_and_a_viewer_sees_nothing_of_it()
    {
        foreach (var (file, words) in ((string, string)[])[("", "empty"), ("Name,Tag\nx,y\n", "serial number"), ("Serial,Serial Number\nx,y\n", "mean the same")])
        {
            using var answer = await server.Admin.PostAsync(Path, new StringContent(file, Encoding.UTF8, "text/csv"));
            Assert.Contains(words, (string?)(await AdminServer.Problem(answer, 400))["detail"]);
        }

        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        using var page = await viewer.GetAsync("/device-imports");
        Assert.Equal(HttpStatusCode.Forbidden, page.StatusCode);
        using var refused = await viewer.GetAsync($"{Path}/{Guid.NewGuid()}");
        await AdminServer.Problem(refused, 403);
    }
}
