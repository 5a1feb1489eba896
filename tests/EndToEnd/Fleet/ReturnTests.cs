using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>Erased, and back without hands: the whole way, with iPads that do what Apple says.</summary>
public sealed class ReturnTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public Task One_comes_back_by_itself_with_its_name_and_one_that_stays_away_stands_on_the_list() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        // It is too old to know Return to Service: it erases itself, and waits for hands.
        var silent = await server.EnrolAsync(fleet, description => description with { OsVersion = "16.7.2" });
        var desk = new CommandDesk(server, ipad);
        await desk.SendAsync("Settings", """{"settings": [{"item": "DeviceName", "deviceName": "Cart 7, no. 3"}]}""");
        await desk.SendAsync("DeviceInformation");
        var identity = ipad.IdentitySha256;
        var wifi = (await server.Admin.PostAsync("/api/v1/profiles", new JsonObject
        {
            ["profile"] = new JsonObject
            {
                ["PayloadIdentifier"] = $"return.{Guid.NewGuid():N}",
                ["PayloadDisplayName"] = "School",
                ["PayloadContent"] = new JsonArray(new JsonObject
                {
                    ["PayloadType"] = "com.apple.wifi.managed",
                    ["SSID_STR"] = "School",
                    ["EncryptionType"] = "WPA2",
                    ["Password"] = "journey-of-wifi",
                }),
            },
        }))["id"]!.GetValue<string>();

        var erased = ipad.Journal.Entries[^1].Sequence;
        JsonObject Body() => new() { ["target"] = new JsonObject { ["ids"] = new JsonArray(ipad.Udid, silent.Udid) }, ["wifiProfileId"] = wifi };
        var careful = await server.Admin.PostAsync("/api/v1/returns?dryRun=true", Body());
        Assert.Equal((1, 1), (careful["operation"]!["can"]!.GetValue<int>(), careful["operation"]!["cannot"]!.GetValue<int>()));
        var forced = Body();
        forced["force"] = true;
        var plan = await server.Admin.PostAsync("/api/v1/returns?dryRun=true", forced.DeepClone().AsObject());
        forced["confirmation"] = plan["operation"]!["confirmation"]!.GetValue<string>();
        var id = (await server.Admin.PostAsync("/api/v1/returns", forced))["id"]!.GetValue<string>();

        await ipad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Enrolled, RunningServer.Guard, erased);
        await silent.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Erased, RunningServer.Guard);
        Assert.NotEqual(identity, ipad.IdentitySha256);
        var back = await RowAsync(ipad);
        while (back["state"]!.GetValue<string>() != "Back") back = await Later(ipad);
        Assert.Equal("ownProfile", back["returnedBy"]!.GetValue<string>());
        var away = await RowAsync(silent);
        while (away["state"]!.GetValue<string>() != "Erased") away = await Later(silent);
        Assert.Equal(1, (await server.Admin.GetAsync($"/api/v1/returns/{id}"))["counts"]!["back"]!.GetValue<int>());

        // It takes commands again, and has the name that it had.
        Assert.Equal("\"Cart 7, no. 3\"", await desk.FactAsync("DeviceName"));

        async Task<JsonNode> RowAsync(VirtualIPad of) =>
            (await server.Admin.GetAsync($"/api/v1/returns/{id}/devices"))["items"]!.AsArray().Single(row => row!["deviceId"]!.GetValue<string>() == of.Udid)!;

        async Task<JsonNode> Later(VirtualIPad of)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);
            return await RowAsync(of);
        }
    });
}
