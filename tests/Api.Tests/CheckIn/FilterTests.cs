using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>The filter in words, wherever a filter is taken: the list, an operation, re-enrolment, the console, the export.</summary>
public abstract class FilterTests(AdministeredServer server)
{
    /// <summary>Two iPads of one name; the first is older, fuller, and has the app.</summary>
    private async Task<(EnrolledPad Old, EnrolledPad New, string Name)> Two()
    {
        var name = "Room " + Guid.NewGuid().ToString("N")[..12];
        var (old, young) = (await server.Enrol(), await server.Enrol());
        await Answer(old, "DeviceInformation", Details(name, "17.5", 1.5));
        await Answer(young, "DeviceInformation", Details(name, "17.10", 40));
        await Answer(old, "InstalledApplicationList", "<key>InstalledApplicationList</key><array><dict><key>Identifier</key><string>org.sketch</string></dict></array>");
        await Answer(young, "InstalledApplicationList", "<key>InstalledApplicationList</key><array/>");
        return (old, young, name);
    }

    private static string Details(string name, string os, double free) =>
        $"<key>QueryResponses</key><dict><key>DeviceName</key><string>{name}</string><key>OSVersion</key><string>{os}</string><key>AvailableDeviceCapacity</key><real>{free.ToString(System.Globalization.CultureInfo.InvariantCulture)}</real></dict>";

    private static async Task Answer(EnrolledPad pad, string requestType, string more)
    {
        var uuid = await pad.Send(requestType);
        Assert.Equal(uuid, await pad.Idle());
        Assert.Null(await pad.Report("Acknowledged", uuid, more));
    }

    private async Task<List<string?>> Ids(string filter, string more = "") =>
        [.. (await server.Get($"/api/v1/devices?filter={Uri.EscapeDataString(filter)}{more}"))["items"]!.AsArray().Select(item => (string?)item!["id"])];

    [Fact]
    public async Task The_list_finds_by_version_storage_and_app()
    {
        var (old, young, name) = await Two();
        Assert.Equal([old.Udid], await Ids($"name:\"{name}\" os<17.10"));
        Assert.Equal([young.Udid], await Ids($"name:\"{name}\" os>17.5"));
        Assert.Equal([old.Udid], await Ids($"storageFree<2GB and name:\"{name}\""));
        Assert.Equal([old.Udid], await Ids($"name:\"{name}\" and hasApp:org.sketch"));
        Assert.Equal([young.Udid], await Ids($"name:\"{name}\" and missingApp:org.sketch"));
        Assert.Equal([young.Udid], await Ids("os:17.10", $"&q={Uri.EscapeDataString(name)}&status=Enrolled"));
        Assert.Equal(2, (await Ids($"name:\"{name}\" and (os:17.5 or storageFree>2GB) and not lastSeen>1m")).Count);
        Assert.Empty(await Ids($"name:\"{name}\" and status:removed"));
    }

    [Fact]
    public async Task What_cannot_be_read_is_400_with_the_character_everywhere()
    {
        const string Fault = "At character 4: A version is one to four numbers with dots between them, as in 17.5.";
        using var listed = await server.Admin.GetAsync(new Uri("/api/v1/devices?filter=os%3Cold", UriKind.Relative));
        Assert.Equal(HttpStatusCode.BadRequest, listed.StatusCode);
        var problem = JsonNode.Parse(await listed.Content.ReadAsStringAsync())!;
        Assert.Equal(("invalid-filter", Fault), ((string?)problem["code"], (string?)problem["errors"]!["filter"]![0]));

        var (status, body) = await server.Post("/api/v1/operations", """{"target": {"filter": {"filter": "os<old"}}, "command": {"requestType": "DeviceInformation"}}""");
        Assert.Equal((400, Fault), (status, (string?)body["errors"]!["target.filter.filter"]![0]));
        (status, body) = await server.Post("/api/v1/reenrolment", """{"filter": {"filter": "os<old"}}""");
        Assert.Equal((400, Fault), (status, (string?)body["errors"]!["filter.filter"]![0]));

        using var page = await server.Admin.GetAsync(new Uri("/ipads?filter=os%3Cold", UriKind.Relative));
        Assert.Equal(HttpStatusCode.BadRequest, page.StatusCode);
        var html = await page.Content.ReadAsStringAsync();
        Assert.Contains(Fault, WebUtility.HtmlDecode(html));
        Assert.Contains("value=\"os&lt;old\"", html);
    }

    [Fact]
    public async Task An_operation_is_for_those_that_the_filter_finds_and_shows_it()
    {
        var (old, young, name) = await Two();
        var filter = $"name:\"{name}\" and os<17.10";
        var request = new JsonObject
        {
            ["target"] = new JsonObject { ["filter"] = new JsonObject { ["filter"] = filter } },
            ["command"] = new JsonObject { ["requestType"] = "SecurityInfo" },
        };
        var announced = server.Calls.Next("QueueChanged");
        var (status, started) = await server.Post("/api/v1/operations", request.ToJsonString());
        Assert.True(status == 202, started.ToJsonString());
        Assert.Equal(1, (int)started["total"]!);
        await announced;
        Assert.Equal((string?)started["commandUuid"], await old.Idle());
        Assert.Null(await young.Idle());
        Assert.Equal(filter, (string?)(await server.Get($"/api/v1/operations/{started["id"]}"))["target"]!["filter"]!["filter"]);
        Assert.Contains(filter, WebUtility.HtmlDecode(await server.Admin.GetStringAsync(new Uri($"/operations/{started["id"]}", UriKind.Relative))));
    }

    [Fact]
    public async Task The_console_lists_by_the_filter_and_hands_it_to_what_follows()
    {
        var (old, young, name) = await Two();
        var address = $"/ipads?filter={Uri.EscapeDataString($"name:\"{name}\" and os<17.10")}";
        var html = await server.Admin.GetStringAsync(new Uri(address, UriKind.Relative));
        Assert.Contains(old.Udid, html);
        Assert.DoesNotContain(young.Udid, html);
        Assert.Contains("/operations/new?filter=", html);
        var export = html[html.IndexOf("/api/v1/devices/export?filter=", StringComparison.Ordinal)..];
        var csv = await server.Admin.GetStringAsync(new Uri(WebUtility.HtmlDecode(export[..export.IndexOf('"')]), UriKind.Relative));
        Assert.Equal(2, csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task The_fields_of_the_console_stand_for_conditions_and_go_along_to_export_and_operation()
    {
        var (old, young, name) = await Two();
        await Answer(young, "DeviceInformation", "<key>QueryResponses</key><dict><key>IsSupervised</key><true/><key>BatteryLevel</key><real>0.15</real></dict>");
        var q = Uri.EscapeDataString(name);
        async Task<(bool, bool)> Shown(string query)
        {
            var html = await server.Admin.GetStringAsync(new Uri($"/ipads?q={q}&{query}", UriKind.Relative));
            return (html.Contains($"/ipads/{old.Udid}", StringComparison.Ordinal), html.Contains($"/ipads/{young.Udid}", StringComparison.Ordinal));
        }

        Assert.Equal((false, true), await Shown("supervised=yes"));
        Assert.Equal((true, false), await Shown("osBelow=17.10"));
        Assert.Equal((true, false), await Shown("storageFreeBelow=2GB"));
        Assert.Equal((false, true), await Shown("batteryBelow=20&supervised=&passcodeCompliant="));
        Assert.Equal((false, false), await Shown("batteryBelow=20&osBelow=17.10"));
        Assert.Equal((true, true), await Shown($"osBelow=18&filter={Uri.EscapeDataString("os:17.5 or os:17.10")}"));

        // The page, what it leads to, and what is wrong.
        var page = await server.Admin.GetStringAsync(new Uri($"/ipads?q={q}&supervised=yes&filter={Uri.EscapeDataString("os>1 or os<1")}", UriKind.Relative));
        Assert.Contains("Remove the filter Supervised: Yes", page);
        var export = page[page.IndexOf("/api/v1/devices/export?", StringComparison.Ordinal)..];
        var csv = await server.Admin.GetStringAsync(new Uri(WebUtility.HtmlDecode(export[..export.IndexOf('"')]), UriKind.Relative));
        Assert.Contains(young.Udid, csv);
        Assert.DoesNotContain(old.Udid, csv);
        var asks = await server.Admin.GetStringAsync(new Uri($"/operations/new?q={q}&supervised=yes", UriKind.Relative));
        Assert.Contains("1 iPad", asks);
        Assert.Contains("supervised", asks);
        using var wrong = await server.Admin.GetAsync(new Uri("/ipads?osBelow=old", UriKind.Relative));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("A version is one to four numbers with dots between them, as in 17.5.", await wrong.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_export_holds_all_that_match_for_viewers_too_and_leaves_a_record()
    {
        var (old, young, name) = await Two();
        await Answer(old, "DeviceInformation", Details($"=HYPERLINK(&quot;{name}&quot;), x", "17.5", 1.5));
        var reader = "reader of " + name;
        var (_, made) = await server.Post("/api/v1/tokens", new JsonObject { ["name"] = reader, ["role"] = "viewer" }.ToJsonString());
        using var client = new HttpClient { BaseAddress = server.Admin.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new("Bearer", (string)made["token"]!);
        using var response = await client.GetAsync(new Uri($"/api/v1/devices/export?filter={Uri.EscapeDataString($"name:\"{name}\"")}", UriKind.Relative));

        Assert.Equal("text/csv; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("ipads.csv", response.Content.Headers.ContentDisposition!.FileName!.Trim('"'));
        var lines = (await response.Content.ReadAsStringAsync()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("id,kind,status,serialNumber,deviceName,", lines[0]);
        Assert.Equal(new[] { old.Udid, young.Udid }.Order(StringComparer.Ordinal), lines[1..].Select(line => line.Split(',')[0]));
        Assert.Contains($"\"'=HYPERLINK(\"\"{name}\"\"), x\"", lines.Single(line => line.StartsWith(old.Udid, StringComparison.Ordinal)));

        var records = (await server.Get("/api/v1/audit?who=" + Uri.EscapeDataString(reader)))["items"]!.AsArray();
        Assert.Contains(records, record => (string?)record!["verb"] == "device.export");
    }

    [Fact]
    public void A_cell_is_quoted_where_it_must_be_and_never_a_formula()
    {
        var text = new StringBuilder();
        Csv.Row(text, "plain", null, "a,b", "a\"b", "=1", "+1", "-1", "@x", "\tx", "line\nbreak", "", "1-1");
        Assert.Equal("plain,,\"a,b\",\"a\"\"b\",'=1,'+1,'-1,'@x,'\tx,\"line\nbreak\",,1-1\r\n", text.ToString());
    }
}

public sealed class FilterOnSqlite(AdministeredOnSqlite server) : FilterTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class FilterOnPostgreSql(AdministeredOnPostgreSql server) : FilterTests(server), IClassFixture<AdministeredOnPostgreSql>;
