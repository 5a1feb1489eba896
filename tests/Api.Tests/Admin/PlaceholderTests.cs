using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Serial numbers that are known beforehand, by REST and in the console, and what their iPads get.</summary>
public sealed class PlaceholderTests(AdminServer server)
{
    private const string Path = "/api/v1/placeholders";

    private static int _next;

    private static string Serial() => $"PLACE{Interlocked.Increment(ref _next):D5}";

    private static StringContent Csv(string text) => new(text, Encoding.UTF8, "text/csv");

    private async Task<JsonObject> Import(string text, string query = "", int status = 200)
    {
        using var answer = await server.Admin.PostAsync("/api/v1/placeholder-imports" + query, Csv(text));
        return await AdminServer.Body(answer, status);
    }

    private async Task<JsonObject> Device(TestPad pad)
    {
        using var answer = await server.Admin.GetAsync(pad.Path);
        return await AdminServer.Body(answer, 200);
    }

    [Fact]
    public async Task An_iPad_gets_what_was_known_of_it_the_moment_it_enrols()
    {
        var serial = Serial();
        await Import($"serial number;name;school;asset tag\n{serial};NS-7B-014;North School;2026-0413\n");

        var pad = await server.Enrol(serial, name: "iPad");

        var device = await Device(pad);
        Assert.Equal(("NS-7B-014", "North School"), ((string?)device["deviceName"], (string?)device["school"]));
        Assert.Contains("2026-0413", await server.Admin.GetStringAsync("/ipads/" + pad.Id));
        using var placeholder = await server.Admin.GetAsync($"{Path}/{serial.ToLowerInvariant()}");
        var read = await AdminServer.Body(placeholder, 200);
        Assert.Equal(("enrolled", pad.Id), ((string?)read["state"], (string?)read["deviceId"]));

        // The name goes to the iPad, once.
        var command = Encoding.UTF8.GetString((await pad.Idle()).Body!);
        Assert.Contains("<string>Settings</string>", command);
        Assert.Contains("<string>DeviceName</string>", command);
        Assert.Contains("<string>NS-7B-014</string>", command);
        using var queued = await server.Admin.GetAsync(pad.Path + "/commands");
        Assert.Single((await AdminServer.Body(queued, 200))["items"]!.AsArray());
    }

    [Fact]
    public async Task An_iPad_that_nobody_knew_keeps_its_own_name_and_gets_no_command()
    {
        var pad = await server.Enrol(Serial(), name: "Ada's iPad");
        Assert.Equal("Ada's iPad", (string?)(await Device(pad))["deviceName"]);
        Assert.Equal(0, (await pad.Idle()).Body?.Length ?? 0);
    }

    [Fact]
    public async Task An_iPad_that_enrols_again_is_the_same_and_keeps_name_school_and_history()
    {
        var serial = Serial();
        await Import($"serial,name,school\n{serial},NS-1,North School\n");
        var pad = await server.Enrol(serial, name: "iPad");
        var sent = await pad.Send();

        var again = await pad.Grain.Authenticate(
            new AuthenticateMessage { Topic = "com.apple.mgmt.test", Udid = pad.Id, SerialNumber = serial, DeviceName = "iPad" }, pad.Certificate);
        Assert.Equal(DeviceRefusal.None, again.Refusal);

        var device = await Device(pad);
        Assert.Equal(("NS-1", "North School"), ((string?)device["deviceName"], (string?)device["school"]));
        using var history = await server.Admin.GetAsync(pad.Path + "/commands/" + sent);
        Assert.Equal("Reenrolled", (string?)(await AdminServer.Body(history, 200))["state"]);
    }

    [Fact]
    public async Task An_iPad_that_says_another_serial_number_than_before_is_told_of()
    {
        var pad = await server.Enrol(Serial());
        var changed = Serial();
        await pad.Grain.Authenticate(new AuthenticateMessage { Topic = "com.apple.mgmt.test", Udid = pad.Id, SerialNumber = changed }, pad.Certificate);

        using var audit = await server.Admin.GetAsync("/api/v1/audit?verb=enrolment.serial-number&limit=100");
        Assert.Contains((await AdminServer.Body(audit, 200))["items"]!.AsArray(), item => ((string?)item!["detail"])!.EndsWith($"became {changed}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_iPads_with_one_serial_number_stay_two_and_are_shown()
    {
        var serial = Serial();
        var (one, other) = (await server.Enrol(serial), await server.Enrol(serial));

        using var answer = await server.Admin.GetAsync("/api/v1/shared-serial-numbers?limit=1000");
        var shared = Assert.Single((await AdminServer.Body(answer, 200))["items"]!.AsArray(), item => (string?)item!["serialNumber"] == serial);
        Assert.Equal(2, (int)shared!["count"]!);
        Assert.Contains(other.Id, await server.Admin.GetStringAsync("/ipads/" + one.Id));
        Assert.Contains("The same serial number twice", await server.Admin.GetStringAsync("/placeholders"));
    }

    [Fact]
    public async Task A_file_with_wrong_lines_writes_nothing_unless_asked()
    {
        var (good, other) = (Serial(), Serial());
        var text = $"serial,name\n{good},a\n?,b\n{other},c\n{good},d\n";

        var refused = await Import(text, status: 422);
        Assert.Equal("invalid-csv", (string?)refused["code"]);
        Assert.Contains("Nothing was written", (string?)refused["detail"]);
        Assert.NotNull(refused["errors"]!["line 3"]);
        Assert.NotNull(refused["errors"]!["line 5"]);
        using var none = await server.Admin.GetAsync($"{Path}/{good}");
        await AdminServer.Problem(none, 404);

        var dry = await Import(text, "?dryRun=true");
        Assert.Equal((2, 2, true), ((int)dry["created"]!, (int)dry["skipped"]!, (bool)dry["dryRun"]!));
        using var still = await server.Admin.GetAsync($"{Path}/{good}");
        await AdminServer.Problem(still, 404);

        var skipped = await Import(text, "?onError=skip");
        Assert.Equal((2, 2), ((int)skipped["created"]!, (int)skipped["skipped"]!));
        Assert.Equal(3, (int)skipped["faults"]![0]!["line"]!);
        Assert.Equal(2, (int)(await Import(text, "?onError=skip"))["unchanged"]!);
    }

    [Fact]
    public async Task Columns_that_are_not_read_and_schools_that_do_not_exist_are_named()
    {
        var school = "Nowhere " + Guid.NewGuid();
        var result = await Import($"Serienummer;Namn;school\n{Serial()};NS-1;{school}\n");

        Assert.Equal(["Namn"], result["unreadColumns"]!.AsArray().Select(title => (string?)title));
        Assert.Equal([school], result["unknownSchools"]!.AsArray().Select(name => (string?)name));

        using var created = await server.Admin.PostAsync("/api/v1/schools", AdminServer.Json(new JsonObject { ["name"] = school }.ToJsonString()));
        await AdminServer.Body(created, 201);
        var known = await Import($"serial number;name;school\n{Serial()};NS-2;{school}\n");
        Assert.Empty(known["unreadColumns"]!.AsArray());
        Assert.Empty(known["unknownSchools"]!.AsArray());
    }

    [Theory]
    [InlineData("name,school\na,b\n", "serial number")]
    [InlineData("", "empty")]
    public async Task A_file_that_cannot_be_read_says_why(string text, string words) =>
        Assert.Contains(words, (string?)(await Import(text, status: 400))["detail"]);

    [Fact]
    public async Task JSON_where_a_file_is_expected_is_refused()
    {
        using var answer = await server.Admin.PostAsync("/api/v1/placeholder-imports", AdminServer.Json("{}"));
        await AdminServer.Problem(answer, 415);
        using var odd = await server.Admin.PostAsync("/api/v1/placeholder-imports?onError=maybe", Csv("serial\nA"));
        await AdminServer.Blames(odd, "onError");
    }

    [Fact]
    public async Task One_placeholder_is_written_listed_changed_and_removed()
    {
        var serial = Serial();
        using var put = await server.Admin.PutAsync($"{Path}/{serial}", AdminServer.Json("""{"name": "a", "assetTag": "T"}"""));
        Assert.Equal("waiting", (string?)(await AdminServer.Body(put, 200))["state"]);
        using var list = await server.Admin.GetAsync($"{Path}?state=waiting&limit=1000");
        Assert.Contains((await AdminServer.Body(list, 200))["items"]!.AsArray(), item => (string?)item!["serialNumber"] == serial);
        using var changed = await server.Admin.PutAsync($"{Path}/{serial}", AdminServer.Json("""{"school": "South"}"""));
        Assert.Equal((null, "South"), ((string?)(await AdminServer.Body(changed, 200))["name"], (string?)(await AdminServer.Body(changed, 200))["school"]));

        using var removed = await server.Admin.DeleteAsync($"{Path}/{serial}");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        using var again = await server.Admin.DeleteAsync($"{Path}/{serial}");
        await AdminServer.Problem(again, 404);
    }

    [Fact]
    public async Task What_is_no_serial_number_is_named()
    {
        using var odd = await server.Admin.PutAsync($"{Path}/A-B", AdminServer.Json("{}"));
        await AdminServer.Blames(odd, "serialNumber");
        using var blank = await server.Admin.PutAsync($"{Path}/{Serial()}", AdminServer.Json("""{"name": " "}"""));
        await AdminServer.Blames(blank, "name");
    }

    [Fact]
    public async Task A_viewer_reads_and_does_not_write()
    {
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        using var read = await viewer.GetAsync(Path);
        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        using var write = await viewer.PutAsync($"{Path}/{Serial()}", AdminServer.Json("{}"));
        await AdminServer.Problem(write, 403);
        using var import = await viewer.PostAsync("/api/v1/placeholder-imports", Csv("serial\nA1"));
        await AdminServer.Problem(import, 403);
        Assert.DoesNotContain("Upload a list", await viewer.GetStringAsync("/placeholders"));
    }

    [Fact]
    public async Task The_page_takes_a_file_and_says_what_became_of_it()
    {
        var serial = Serial();
        async Task<string> Upload(string text)
        {
            using var file = new ByteArrayContent(Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(text)).ToArray())
            {
                Headers = { ContentType = new MediaTypeHeaderValue("text/csv") },
            };
            using var form = new MultipartFormDataContent { { file, "file", "ipads.csv" }, { new StringContent(Guid.NewGuid().ToString("N")), "key" } };
            using var answer = await server.Admin.PostAsync("/placeholders/import", form);
            return await answer.Content.ReadAsStringAsync();
        }

        Assert.Contains("1 placeholder was created, 0 changed.", await Upload($"serial;name\n{serial};a\n"));
        Assert.Contains("Line 3", await Upload($"serial;name\n{serial};b\n??;c\n"));
        using var unchanged = await server.Admin.GetAsync($"{Path}/{serial}");
        Assert.Equal("a", (string?)(await AdminServer.Body(unchanged, 200))["name"]);

        using var one = new FormUrlEncodedContent([new("serialNumber", serial), new("name", "c"), new("key", Guid.NewGuid().ToString("N"))]);
        using var written = await server.Admin.PostAsync("/placeholders", one);
        Assert.Equal(HttpStatusCode.SeeOther, written.StatusCode);
        using var remove = new FormUrlEncodedContent([new("key", Guid.NewGuid().ToString("N"))]);
        using var removed = await server.Admin.PostAsync($"/placeholders/{serial}/remove", remove);
        Assert.Equal(HttpStatusCode.SeeOther, removed.StatusCode);
    }
}
