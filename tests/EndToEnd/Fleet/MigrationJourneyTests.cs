using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>An iPad in use moves to another device management service without an erase, by a deadline of Apple School Manager.</summary>
public sealed class MigrationJourneyTests : IAsyncLifetime
{
    private const string Numbers = "com.apple.Numbers", Pages = "com.apple.Pages";

    private RunningServer _server = null!;
    private DeviceEnrolmentSimulator _apple = null!;
    private string _folder = "";

    public async ValueTask InitializeAsync()
    {
        _apple = await DeviceEnrolmentSimulator.StartAsync(new DeviceEnrolmentOptions());
        _folder = Directory.CreateTempSubdirectory("fleetmdm-migration-").FullName;
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
    public Task An_iPad_moves_here_without_an_erase_though_its_goodbye_was_lost_and_leaves_again() => _server.RunAsync(async fleet =>
    {
        var admin = _server.Admin;
        using var patience = new CancellationTokenSource(RunningServer.Guard);
        var profile = (await admin.PostAsync("/api/v1/automated/profiles", new JsonObject { ["name"] = "Pupils" }))["id"]!.GetValue<string>();
        var (before, portalBefore) = await ConnectAsync("Before", profile);
        var (after, portalAfter) = await ConnectAsync("After", profile);
        var ipad = fleet.Add(IPadDescription.Number(88_101) with { Automated = true, Supervised = true, OsVersion = "26.1" });
        var serial = ipad.Description.SerialNumber;
        async Task<JsonNode> Device() => await admin.GetAsync($"/api/v1/automated/devices/{serial}", patience.Token);
        async Task Until(Func<Task<bool>> there, string? service = null)
        {
            for (var looks = 0; !await there(); looks++)
            {
                // Who asks while Apple is being asked is not heard.
                if (service is not null && looks % 20 == 0) await admin.PostAsync($"/api/v1/automated/servers/{service}/sync", new JsonObject());
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
            }
        }

        Task Synced(string service, string migration, string state) => Until(
            async () => await Device() is var one && one["migration"]!.GetValue<string>() == migration && one["state"]!.GetValue<string>() == state, service);

        _apple.Portal.Assign(portalBefore, [serial]);
        await Until(() => Task.FromResult(_apple.Portal.Find(serial).ProfileUuid is not null), before);
        await ipad.SetUpAsync(_apple.Portal, patience.Token);
        await Until(() => Task.FromResult(!ipad.AwaitsConfiguration));
        await admin.PostAsync($"/api/v1/devices/{ipad.Udid}/commands", new JsonObject { ["requestType"] = "InstallApplication", ["iTunesStoreID"] = 361304891, ["options"] = new JsonObject { ["purchaseMethod"] = 1 }, ["managementFlags"] = 1 });
        await Until(() => Task.FromResult(ipad.InstalledApps.Contains(Numbers)));
        var early = await Assert.ThrowsAsync<EnrolmentException>(() => ipad.MigrateAsync(_apple.Portal, patience.Token));
        Assert.Contains("does not move", early.Message, StringComparison.Ordinal);

        _apple.Portal.Migrate(portalAfter, TimeProvider.System.GetUtcNow().AddDays(3), serial);
        await Synced(after, "comes", "assigned");
        Assert.Equal(after, (await Device())["serverId"]!.GetValue<string>());

        await ipad.MigrateAsync(_apple.Portal, patience.Token, saysGoodbye: false);

        Assert.True(ipad.IsEnrolled);
        await Until(async () => (await Device())["migration"]!.GetValue<string>() == "came");
        await Until(() => Task.FromResult(!ipad.AwaitsConfiguration));
        Assert.Equal((0, true, false), (ipad.TimesErased, ipad.InstalledApps.Contains(Pages), ipad.InstalledApps.Contains(Numbers)));
        Assert.Equal(ipad.Udid, (await Device())["deviceId"]!.GetValue<string>());

        // It leaves for a service that is not ours, and is enrolled here until it has gone. Apple tells times in seconds: one that it has enrolled in is over.
        await Task.Delay(TimeSpan.FromMilliseconds(1_000 - TimeProvider.System.GetUtcNow().Millisecond), TimeProvider.System, patience.Token);
        _apple.Portal.Migrate(_apple.Portal.AddServer("Foreign", ""), TimeProvider.System.GetUtcNow().AddDays(3), serial);
        await Synced(after, "leaves", "released");
        await ipad.RemoveManagementAsync(patience.Token);
        await Until(async () => (await Device())["migration"]!.GetValue<string>() == "none");
    });

    private async Task<(string Id, SimulatedMdmServer Portal)> ConnectAsync(string name, string profile)
    {
        var admin = _server.Admin;
        var id = (await admin.PostAsync("/api/v1/automated/servers", new JsonObject { ["name"] = name, ["profileId"] = profile }))["id"]!.GetValue<string>();
        var portal = _apple.Portal.AddServer(name, await admin.GetTextAsync($"/api/v1/automated/servers/{id}/certificate"));
        await admin.PutBytesAsync($"/api/v1/automated/servers/{id}/token", _apple.Portal.DownloadToken(portal), "application/pkcs7-mime");
        return (id, portal);
    }
}
