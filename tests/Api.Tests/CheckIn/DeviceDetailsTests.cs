using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>An answer to DeviceInformation fills the row of the iPad.</summary>
public abstract class DeviceDetailsTests(AdministeredServer server)
{
    private static readonly string[] Details =
    [
        "deviceName", "serialNumber", "productName", "model", "modelName", "osVersion", "buildVersion", "isSupervised", "batteryLevel", "deviceCapacity",
        "availableDeviceCapacity", "detailsAt",
    ];

    private static string Responses(string name, string battery = "<real>0.55</real>") =>
        $"<key>QueryResponses</key><dict><key>AvailableDeviceCapacity</key><real>41.5</real><key>BatteryLevel</key>{battery}<key>BuildVersion</key><string>22E240</string>" +
        $"<key>DeviceCapacity</key><integer>64</integer><key>DeviceName</key><string>{name}</string><key>IsSupervised</key><true/><key>Model</key><string>MK2K3LL/A</string>" +
        "<key>ModelName</key><string>iPad</string><key>OSVersion</key><string>18.4</string><key>ProductName</key><string>iPad12,1</string>" +
        "<key>ServiceSubscriptions</key><array><dict><key>DeviceName</key><string>wrong</string></dict></array></dict>";

    private static async Task Answer(EnrolledPad pad, string more, string requestType = "DeviceInformation", string status = "Acknowledged")
    {
        var uuid = await pad.Send(requestType);
        Assert.Equal(uuid, await pad.Idle());
        Assert.Null(await pad.Report(status, uuid, more));
    }

    /// <summary>As the list shows it and as it is shown alone, which must be the same.</summary>
    private async Task<JsonNode> Shown(EnrolledPad pad)
    {
        var alone = await server.Get(pad.Path);
        var listed = Assert.Single((await server.Get("/api/v1/devices?q=" + pad.Udid))["items"]!.AsArray())!;
        foreach (var detail in Details)
        {
            Assert.True(listed.AsObject().ContainsKey(detail) && alone.AsObject().ContainsKey(detail), detail);
            Assert.Equal(alone[detail]?.ToJsonString(), listed[detail]?.ToJsonString());
        }

        return alone;
    }

    [Fact]
    public async Task What_the_iPad_tells_is_shown_and_found_by_name()
    {
        var pad = await server.Enrol();
        Assert.Null((await Shown(pad))["isSupervised"]);
        Assert.Null((await Shown(pad))["detailsAt"]);
        var name = $"Åsa & {pad.Udid[..8]}";
        await Answer(pad, Responses(name.Replace("&", "&amp;", StringComparison.Ordinal)));

        var shown = await Shown(pad);
        Assert.Equal(name, (string?)shown["deviceName"]);
        Assert.Equal(("iPad12,1", "MK2K3LL/A", "iPad"), ((string?)shown["productName"], (string?)shown["model"], (string?)shown["modelName"]));
        Assert.Equal(("18.4", "22E240"), ((string?)shown["osVersion"], (string?)shown["buildVersion"]));
        Assert.Equal((true, 0.55, 64, 41.5), ((bool)shown["isSupervised"]!, (double)shown["batteryLevel"]!, (double)shown["deviceCapacity"]!, (double)shown["availableDeviceCapacity"]!));
        Assert.NotNull((string?)shown["detailsAt"]);
        Assert.Equal("F1", (string?)shown["serialNumber"]);

        var found = (await server.Get("/api/v1/devices?q=" + Uri.EscapeDataString(name.ToUpperInvariant())))["items"]!.AsArray();
        Assert.Equal(pad.Udid, (string?)Assert.Single(found)!["id"]);
        Assert.Contains(pad.Udid, await server.Admin.GetStringAsync(new Uri("/ipads?q=" + Uri.EscapeDataString(name), UriKind.Relative)));
        var page = await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}", UriKind.Relative));
        Assert.Contains("55 %", page);
        Assert.Contains("41.5 of 64 GB free", page);

        // It is renamed: the old name finds it no more.
        await Answer(pad, Responses($"Bo {pad.Udid[..8]}"));
        Assert.Empty((await server.Get("/api/v1/devices?q=" + Uri.EscapeDataString(name)))["items"]!.AsArray());
        Assert.Single((await server.Get($"/api/v1/devices?q=bo%20{pad.Udid[..8]}"))["items"]!.AsArray());
    }

    [Fact]
    public async Task What_was_not_asked_for_stays_and_a_TokenUpdate_takes_nothing_away()
    {
        var pad = await server.Enrol();
        await Answer(pad, Responses("Library 7"));
        await Answer(pad, "<key>QueryResponses</key><dict><key>OSVersion</key><string>18.5</string></dict>");
        var token = Message.Of(pad.Udid, "TokenUpdate", $"<key>Token</key><data>{Convert.ToBase64String(new byte[31])}</data><key>PushMagic</key><string>other</string>");
        Assert.Equal(200, (await server.Put("/mdm/checkin", token, pad.Certificate)).Status);

        var shown = await Shown(pad);
        Assert.Equal(("Library 7", "18.5", true, 0.55), ((string?)shown["deviceName"], (string?)shown["osVersion"], (bool)shown["isSupervised"]!, (double)shown["batteryLevel"]!));
    }

    [Fact]
    public async Task The_same_answer_twice_and_one_of_another_command_change_nothing()
    {
        var pad = await server.Enrol();
        await Answer(pad, Responses("First"));
        await Answer(pad, Responses("Of another command"), requestType: "SecurityInfo");
        await Answer(pad, Responses("Failed"), status: "Error");
        Assert.Null(await pad.Report("Acknowledged", Guid.NewGuid().ToString().ToUpperInvariant(), Responses("Unknown command")));
        Assert.Equal("First", (string?)(await Shown(pad))["deviceName"]);
    }

    [Theory]
    [InlineData("<key>QueryResponses</key><array/>")]
    [InlineData("<key>QueryResponses</key><dict><key>DeviceName</key><integer>5</integer><key>IsSupervised</key><string>yes</string><key>BatteryLevel</key><string>full</string></dict>")]
    [InlineData("<key>QueryResponses</key><dict><key>DeviceName</key><string>  </string><key>BatteryLevel</key><real>-1</real><key>DeviceCapacity</key><real>nan</real><key>AvailableDeviceCapacity</key><real>-3</real></dict>")]
    [InlineData("<key>QueryResponses</key><dict><key>BatteryLevel</key><real>abc</real><key>DeviceCapacity</key><integer>99999999999999999999999</integer></dict>")]
    public async Task What_makes_no_sense_is_passed_over_and_the_command_ends(string more)
    {
        var pad = await server.Enrol();
        await Answer(pad, Responses("Library 7"));
        await Answer(pad, more);
        var shown = await Shown(pad);
        Assert.Equal(("Library 7", 0.55, true), ((string?)shown["deviceName"], (double)shown["batteryLevel"]!, (bool)shown["isSupervised"]!));
    }

    [Fact]
    public async Task A_long_name_is_cut_and_a_large_or_damaged_answer_fills_the_row_too()
    {
        var pad = await server.Enrol();
        await Answer(pad, Responses(new string('n', 5_000)));
        Assert.Equal(new string('n', 255), (string?)(await Shown(pad))["deviceName"]);
        await Answer(pad, Responses("Large") + $"<key>More</key><string>{new string('x', 50_000)}</string>");
        Assert.Equal("Large", (string?)(await Shown(pad))["deviceName"]);
        await Answer(pad, Responses("Odd \u0007 name"));
        Assert.Equal("Odd \uFFFD name", (string?)(await Shown(pad))["deviceName"]);
    }
}

public sealed class DeviceDetailsOnSqlite(AdministeredOnSqlite server) : DeviceDetailsTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class DeviceDetailsOnPostgreSql(AdministeredOnPostgreSql server) : DeviceDetailsTests(server), IClassFixture<AdministeredOnPostgreSql>;
