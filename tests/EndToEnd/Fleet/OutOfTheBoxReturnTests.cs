using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>An iPad that Apple sends here is erased, and finds the way back by Automated Device Enrolment.</summary>
public sealed class OutOfTheBoxReturnTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private DeviceEnrolmentSimulator _apple = null!;
    private string _folder = "";

    public async ValueTask InitializeAsync()
    {
        _apple = await DeviceEnrolmentSimulator.StartAsync(new DeviceEnrolmentOptions());
        _folder = Directory.CreateTempSubdirectory("fleetmdm-return-").FullName;
        var root = Path.Combine(_folder, "apple.pem");
        await File.WriteAllTextAsync(root, _apple.RootPem);
        _server = new RunningServer
        {
            Options = new Dictionary<string, string>
            {
                ["Automated:Endpoint"] = _apple.Endpoint.GetLeftPart(UriPartial.Authority),
                ["Automated:TrustedRootFile"] = root,
            },
        };
        await _server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _apple.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public Task It_comes_back_out_of_the_box_and_the_list_says_how() => _server.RunAsync(async fleet =>
    {
        var admin = _server.Admin;
        using var patience = new CancellationTokenSource(RunningServer.Guard);
        async Task Until(Func<Task<bool>> there)
        {
            while (!await there()) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
        }

        var profile = (await admin.PostAsync("/api/v1/automated/profiles", new JsonObject { ["name"] = "Pupils" }))["id"]!.GetValue<string>();
        var service = (await admin.PostAsync("/api/v1/automated/servers", new JsonObject { ["name"] = "Service", ["profileId"] = profile }))["id"]!.GetValue<string>();
        var portal = _apple.Portal.AddServer("Service", await admin.GetTextAsync($"/api/v1/automated/servers/{service}/certificate"));
        await admin.PutBytesAsync($"/api/v1/automated/servers/{service}/token", _apple.Portal.DownloadToken(portal), "application/pkcs7-mime");
        var ipad = fleet.Add(IPadDescription.Number(88_301) with { Automated = true, Supervised = true, OsVersion = "18.3" });
        _apple.Portal.Assign(portal, [ipad.Description.SerialNumber]);
        await admin.PostAsync($"/api/v1/automated/servers/{service}/sync", new JsonObject());
        await Until(() => Task.FromResult(_apple.Portal.Find(ipad.Description.SerialNumber).ProfileUuid is not null));
        await ipad.SetUpAsync(_apple.Portal, patience.Token);
        await Until(() => Task.FromResult(!ipad.AwaitsConfiguration));
        var wifi = (await admin.PostAsync("/api/v1/profiles", new JsonObject
        {
            ["profile"] = new JsonObject
            {
                ["PayloadIdentifier"] = "return.out-of-the-box",
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

        var id = (await admin.PostAsync("/api/v1/returns", new JsonObject { ["target"] = new JsonObject { ["ids"] = new JsonArray(ipad.Udid) }, ["wifiProfileId"] = wifi }))["id"]!.GetValue<string>();

        async Task<JsonNode> Row() => (await admin.GetAsync($"/api/v1/returns/{id}/devices", patience.Token))["items"]!.AsArray().Single()!;
        await Until(async () => (await Row())["state"]!.GetValue<string>() == "Back");
        Assert.Equal("automatedEnrolment", (await Row())["returnedBy"]!.GetValue<string>());
        Assert.True(ipad.IsEnrolled);
        Assert.Equal(1, ipad.TimesErased);
    });
}
