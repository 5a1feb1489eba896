using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

public sealed class CommandTests(AdminServer server)
{
    private const string Lock = """{"requestType": "DeviceLock", "message": "Bring me home"}""";

    [Fact]
    public async Task A_command_is_accepted_with_an_upper_case_uuid_and_a_location()
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands?push=false&expiresInHours=2", AdminServer.Json(Lock));
        var accepted = await AdminServer.Body(response, 202);
        var uuid = (string)accepted["commandUuid"]!;
        Assert.Matches("^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$", uuid);
        Assert.Equal($"{pad.Path}/commands/{uuid}", response.Headers.Location?.OriginalString);
        Assert.NotNull((string?)accepted["expiresAt"]);

        using var read = await server.Admin.GetAsync(response.Headers.Location);
        var command = await AdminServer.Body(read, 200);
        Assert.Equal("Queued", (string?)command["state"]);
        Assert.Equal("DeviceLock", (string?)command["requestType"]);
        Assert.False((bool)command["finished"]!);
    }

    [Fact]
    public async Task The_iPad_gets_the_command_that_was_sent()
    {
        var pad = await server.Enrol();
        var uuid = await pad.Send(Lock);
        var reply = await pad.Idle();
        var text = Encoding.UTF8.GetString(reply.Body!);
        Assert.Contains(uuid, text);
        Assert.Contains("<string>Bring me home</string>", text);
    }

    [Fact]
    public async Task An_answer_is_given_as_JSON_and_as_the_property_list_that_came()
    {
        var pad = await server.Enrol();
        var uuid = await pad.Send("""{"requestType": "DeviceInformation", "queries": ["DeviceName"]}""");
        await pad.Answer(uuid, extra: "<key>QueryResponses</key><dict><key>DeviceName</key><string>Ada's iPad</string><key>BatteryLevel</key><real>0.5</real></dict>");

        using var json = await server.Admin.GetAsync($"{pad.Path}/commands/{uuid}");
        var command = await AdminServer.Body(json, 200);
        Assert.Equal("Acknowledged", (string?)command["state"]);
        Assert.Equal("Ada's iPad", (string?)command["result"]!["QueryResponses"]!["DeviceName"]);
        Assert.Equal(0.5, (double?)command["result"]!["QueryResponses"]!["BatteryLevel"]);

        using var request = new HttpRequestMessage(HttpMethod.Get, $"{pad.Path}/commands/{uuid.ToLowerInvariant()}");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/xml"));
        using var xml = await server.Admin.SendAsync(request);
        Assert.Equal("application/xml", xml.Content.Headers.ContentType?.MediaType);
        Assert.Contains("<string>Ada's iPad</string>", await xml.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task The_list_is_newest_first_over_queue_and_history_with_pages_that_meet()
    {
        var pad = await server.Enrol();
        List<string> sent = [];
        for (var i = 0; i < 7; i++) sent.Add(await pad.Send());
        // The first four are done; of the last three one was put off.
        for (var i = 0; i < 4; i++) await pad.Answer(sent[i], i == 2 ? ReportStatus.Error : ReportStatus.Acknowledged);
        await pad.Answer(sent[4], ReportStatus.NotNow);

        List<(string Uuid, string State)> listed = [];
        string? after = null;
        do
        {
            using var response = await server.Admin.GetAsync($"{pad.Path}/commands?limit=3{(after is null ? "" : "&after=" + after)}");
            var page = await AdminServer.Body(response, 200);
            listed.AddRange(page["items"]!.AsArray().Select(item => ((string)item!["commandUuid"]!, (string)item["state"]!)));
            after = (string?)page["next"];
        }
        while (after is not null);

        sent.Reverse();
        Assert.Equal(sent, listed.Select(row => row.Uuid));
        Assert.Equal(["Queued", "Sent", "NotNow", "Acknowledged", "Error", "Acknowledged", "Acknowledged"], listed.Select(row => row.State));
    }

    [Fact]
    public async Task A_property_list_that_is_marked_raw_is_taken_for_any_request_type_and_keeps_its_uuid()
    {
        var pad = await server.Enrol();
        const string Uuid = "7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E6B7C";
        var plist = $"<plist version=\"1.0\"><dict><key>CommandUUID</key><string>{Uuid.ToLowerInvariant()}</string><key>Command</key><dict><key>RequestType</key><string>SomethingNew</string></dict></dict></plist>";
        using var unmarked = await server.Admin.PostAsync($"{pad.Path}/commands?push=false", Xml(plist));
        await AdminServer.Blames(unmarked, "Command.RequestType", 422);
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands?push=false&raw=true", Xml(plist));
        var accepted = await AdminServer.Body(response, 202);
        Assert.Equal(Uuid, (string?)accepted["commandUuid"]);
        Assert.Equal("SomethingNew", (string?)accepted["requestType"]);

        using var again = await server.Admin.PostAsync($"{pad.Path}/commands?push=false&raw=true", Xml(plist));
        await AdminServer.Body(again, 202);
        using var other = await server.Admin.PostAsync($"{pad.Path}/commands?push=false&raw=true", Xml(plist.Replace("SomethingNew", "SomethingElse")));
        Assert.Equal("command-uuid-taken", (string?)(await AdminServer.Problem(other, 409))["code"]);

        using var list = await server.Admin.GetAsync($"{pad.Path}/commands");
        Assert.Single((await AdminServer.Body(list, 200))["items"]!.AsArray());
    }

    [Fact]
    public async Task Cancelling_works_once_and_only_before_the_iPad_has_the_command()
    {
        var pad = await server.Enrol();
        var first = await pad.Send();
        var second = await pad.Send();

        using var cancelled = await server.Admin.DeleteAsync($"{pad.Path}/commands/{second}");
        Assert.Equal(HttpStatusCode.NoContent, cancelled.StatusCode);
        using var again = await server.Admin.DeleteAsync($"{pad.Path}/commands/{second}");
        Assert.Equal("command-finished", (string?)(await AdminServer.Problem(again, 409))["code"]);

        await pad.Idle();
        using var inFlight = await server.Admin.DeleteAsync($"{pad.Path}/commands/{first}");
        Assert.Equal("command-in-flight", (string?)(await AdminServer.Problem(inFlight, 409))["code"]);
        using var unknown = await server.Admin.DeleteAsync($"{pad.Path}/commands/{Guid.NewGuid()}");
        await AdminServer.Problem(unknown, 404);
        using var nonsense = await server.Admin.DeleteAsync($"{pad.Path}/commands/nonsense");
        await AdminServer.Problem(nonsense, 404);
    }

    [Fact]
    public async Task A_full_queue_is_answered_429_and_takes_commands_again_when_there_is_room()
    {
        var pad = await server.Enrol();
        var first = await pad.Send();
        for (var i = 1; i < 20; i++) await pad.Send();

        using var full = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json(Lock));
        Assert.Equal("queue-full", (string?)(await AdminServer.Problem(full, 429))["code"]);
        Assert.NotNull(full.Headers.RetryAfter);
        using var cancelled = await server.Admin.DeleteAsync($"{pad.Path}/commands/{first}");
        await pad.Send();
    }

    [Theory]
    [InlineData("{}", "requestType")]
    [InlineData("""{"requestType": null}""", "requestType")]
    [InlineData("""{"requestType": 5}""", "requestType")]
    [InlineData("""{"requestType": "DeviceLock", "Message": "a"}""", "Message")]
    [InlineData("""{"requestType": "Settings", "settings": [{"item": "Bluetooth", "enabled": "yes"}]}""", "settings[0].enabled")]
    [InlineData("""{"requestType": "DeviceLock", "message": 5}""", "message")]
    [InlineData("""{"requestType": "DeviceInformation", "queries": ["DeviceName", 5]}""", "queries[1]")]
    [InlineData("""{"requestType": "InstallProfile"}""", "payload")]
    [InlineData("""{"requestType": "InstallProfile", "payload": "no base64!"}""", "payload")]
    [InlineData("[]", "command")]
    public async Task A_wrong_field_of_a_command_is_named(string json, string field)
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json(json));
        await AdminServer.Blames(response, field);
    }

    [Fact]
    public async Task A_key_that_is_not_known_is_sent_and_named_in_the_answer()
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync(
            $"{pad.Path}/commands", AdminServer.Json("""{"requestType": "EraseDevice", "returnToService": {"enabled": true, "enabeld": false}}"""));
        var warning = Assert.Single((await AdminServer.Body(response, 202))["warnings"]!.AsArray())!;
        Assert.Equal("returnToService.enabeld", (string?)warning["field"]);
        Assert.Contains("Did you mean enabled?", (string?)warning["detail"], StringComparison.Ordinal);
        Assert.Contains("<key>enabeld</key><false/>", Encoding.UTF8.GetString((await pad.Idle()).Body!), StringComparison.Ordinal);

        using var quiet = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json(Lock));
        Assert.Empty((await AdminServer.Body(quiet, 202))["warnings"]!.AsArray());
    }

    [Fact]
    public async Task A_command_that_had_to_be_a_property_list_can_be_written_as_JSON()
    {
        var pad = await server.Enrol();
        var uuid = await pad.Send("""{"requestType": "Settings", "settings": [{"item": "DeviceName", "deviceName": "Room 12"}, {"item": "Bluetooth", "enabled": false}]}""");
        var text = Encoding.UTF8.GetString((await pad.Idle()).Body!);
        Assert.Contains(uuid, text, StringComparison.Ordinal);
        Assert.Contains(
            "<array><dict><key>Item</key><string>DeviceName</string><key>DeviceName</key><string>Room 12</string></dict><dict><key>Item</key><string>Bluetooth</string><key>Enabled</key><false/></dict></array>",
            text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_request_type_is_answered_with_the_known_ones()
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "MakeCoffee"}"""));
        var problem = await AdminServer.Problem(response, 422);
        Assert.Equal("unknown-request-type", (string?)problem["code"]);
        Assert.NotNull(problem["errors"]!["requestType"]);
        Assert.Contains("DeviceInformation", (string?)problem["detail"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{"requestType": "DeviceLock", "requestType": "EraseDevice"}""")]
    [InlineData("""{"requestType": "DeviceLock", "message": "\udc00"}""")]
    public async Task A_command_that_is_no_JSON_is_refused(string json)
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json(json));
        await AdminServer.Problem(response, 400);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<plist>")]
    [InlineData("<plist version=\"1.0\"><array/></plist>")]
    [InlineData("<plist version=\"1.0\"><dict/></plist>")]
    [InlineData("<plist version=\"1.0\"><dict><key>Command</key><string>a</string></dict></plist>")]
    [InlineData("<!DOCTYPE a [<!ENTITY b \"c\">]><plist version=\"1.0\"><dict/></plist>")]
    public async Task A_property_list_that_is_no_command_is_refused(string xml)
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands", Xml(xml));
        await AdminServer.Problem(response, 400);
    }

    [Theory]
    [InlineData("?push=no", "push")]
    [InlineData("?expiresInHours=0", "expiresInHours")]
    [InlineData("?expiresInHours=9000", "expiresInHours")]
    [InlineData("?expiresAt=2020-01-01T00:00:00Z", "expiresAt")]
    [InlineData("?expiresAt=soon", "expiresAt")]
    [InlineData("?expiresAt=2026-12-24T08:00:00", "expiresAt")]
    [InlineData("?expiresAt=2999-01-01T00:00:00Z", "expiresAt")]
    [InlineData("?expiresAt=2030-01-01T00:00:00Z&expiresInHours=1", "expiresAt")]
    [InlineData("?psh=false", "psh")]
    [InlineData("?raw=true", "raw")]
    [InlineData("?raw=yes", "raw")]
    public async Task A_wrong_option_of_a_command_is_named_and_queues_nothing(string query, string field)
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands{query}", AdminServer.Json(Lock));
        await AdminServer.Blames(response, field);
        using var list = await server.Admin.GetAsync($"{pad.Path}/commands");
        Assert.Empty((await AdminServer.Body(list, 200))["items"]!.AsArray());
    }

    [Theory]
    [InlineData("?after=x", "after")]
    [InlineData("?after=-1", "after")]
    [InlineData("?after=99999999999999999999", "after")]
    [InlineData("?limit=0", "limit")]
    public async Task A_wrong_query_of_the_history_is_named(string query, string field)
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.GetAsync($"{pad.Path}/commands{query}");
        await AdminServer.Blames(response, field);
    }

    [Fact]
    public async Task A_command_as_plain_text_is_answered_415()
    {
        var pad = await server.Enrol();
        using var response = await server.Admin.PostAsync($"{pad.Path}/commands", new StringContent(Lock));
        await AdminServer.Problem(response, 415);
    }

    private static StringContent Xml(string xml) => new(xml, Encoding.UTF8, "application/xml");
}
