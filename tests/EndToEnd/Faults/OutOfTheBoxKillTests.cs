using System.Text.Json.Nodes;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>New iPads come out of the box while the server dies at each step of their way.</summary>
public sealed class OutOfTheBoxKillTests : IAsyncLifetime
{
    private const int IPads = 10;
    private const int FirstNumber = 91_001;
    private const long GarageBand = 408709785;
    private const string App = "com.apple.mobilegarageband";
    private const string Profile = "org.example.pupils";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    private readonly TemporaryFolder _folder = new();
    private PostgresDatabase _database = null!;
    private DeviceEnrolmentSimulator _apple = null!;
    private AppsAndBooksSimulator _content = null!;
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresDatabase.Create();
        _apple = await DeviceEnrolmentSimulator.StartAsync();
        _content = await AppsAndBooksSimulator.StartAsync();
        await File.WriteAllTextAsync(_folder.File("apple.pem"), _apple.RootPem);
        await File.WriteAllTextAsync(_folder.File("content.pem"), _content.RootPem);
        _server = new RunningServer
        {
            Options = new Dictionary<string, string>
            {
                ["Storage:Provider"] = "PostgreSQL",
                ["Storage:ConnectionString"] = _database.ConnectionString,
                ["Secrets:MasterKey"] = Convert.ToBase64String("a master key for the kill tests!"u8),
                ["Automated:Endpoint"] = _apple.Endpoint.GetLeftPart(UriPartial.Authority),
                ["Automated:TrustedRootFile"] = _folder.File("apple.pem"),
                ["AppsAndBooks:Endpoint"] = _content.Endpoint.GetLeftPart(UriPartial.Authority),
                ["AppsAndBooks:TrustedRootFile"] = _folder.File("content.pem"),
            },
        };
        await _server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _content.DisposeAsync();
        await _apple.DisposeAsync();
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Ten_iPads_come_out_of_the_box_though_the_server_is_killed_at_each_step()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _server.RunAsync(fleet => ComeOutOfTheBox(fleet, patience.Token), options => options with { LongestRetry = TimeSpan.FromSeconds(2) });
    }

    private async Task ComeOutOfTheBox(IPadFleet fleet, CancellationToken cancellation)
    {
        var admin = _server.Admin;
        var ipads = Enumerable.Range(FirstNumber, IPads).Select(number => fleet.Add(IPadDescription.Number(number) with { Automated = true, Supervised = true })).ToList();
        var serials = ipads.ConvertAll(ipad => ipad.Description.SerialNumber);
        var (server, location) = await PrepareAsync(serials, cancellation);

        // 1. It dies while Apple's list is read and the profile is assigned.
        await _server.Process.KillAndStart();
        await Until(async () => (await admin.GetAsync($"/api/v1/automated/servers/{server}", cancellation))["counts"]!["assigned"]!.GetValue<long>() == IPads);

        // 2. It dies when the first iPads have enrolled, and when the first have their app. Whoever stands at an iPad tries again.
        var setUp = ipads.Select(ipad => Task.Run(() => Insist(() => ipad.SetUpAsync(_apple.Portal, cancellation)), cancellation)).ToList();
        await Until(() => Task.FromResult(ipads.Exists(ipad => ipad.IsEnrolled)));
        await _server.Process.KillAndStart();
        await Until(() => Task.FromResult(ipads.Exists(ipad => ipad.InstalledApps.Contains(App))));
        await _server.Process.KillAndStart();
        await Task.WhenAll(setUp);

        // 3. Each is there, with all that it needs, and was held until then. A push that died with the server comes again after minutes: an administrator sends it.
        foreach (var ipad in ipads) await Insist(() => admin.PushAsync(ipad.Udid, cancellation));
        await Until(() => Task.FromResult(ipads.TrueForAll(ipad => ipad is { IsEnrolled: true, AwaitsConfiguration: false })));
        foreach (var ipad in ipads)
        {
            Assert.Contains(Profile, ipad.InstalledProfiles);
            Assert.Contains(App, ipad.InstalledApps);
            var done = ipad.Journal.ExecutionOrder().Select(uuid => ipad.Journal.Command(uuid)!.RequestType).ToList();
            var let = done.LastIndexOf("DeviceConfigured");
            Assert.InRange(done.IndexOf("InstallProfile"), 0, let);
            Assert.InRange(done.IndexOf("InstallApplication"), 0, let);
        }

        Assert.Equal(serials.Order(), location.Holders($"{GarageBand}").Order());
        var known = (await admin.GetAsync("/api/v1/automated/devices?limit=100", cancellation))["items"]!.AsArray();
        Assert.Equal(serials.Order(), known.Select(device => device!["serialNumber"]!.GetValue<string>()).Order());

        // While it is not up again, nobody knows.
        async Task Until(Func<Task<bool>> there)
        {
            var seen = false;
            while (!seen)
            {
                await Insist(async () => seen = await there());
                if (!seen) await Task.Delay(LookEvery, TimeProvider.System, cancellation);
            }
        }

        Task Insist(Func<Task> step) => FaultSteps.Insist(step, cancellation);
    }

    /// <summary>The iPads and an app are bought, a profile is written, and both are assigned.</summary>
    private async Task<(string Server, SimulatedLocation Location)> PrepareAsync(IReadOnlyList<string> serials, CancellationToken cancellation)
    {
        var admin = _server.Admin;
        var library = await admin.CreateProfileAsync(new JsonObject
        {
            ["PayloadIdentifier"] = Profile,
            ["PayloadDisplayName"] = "Pupils",
            ["PayloadContent"] = new JsonArray(new JsonObject { ["PayloadType"] = "com.apple.webClip.managed", ["Label"] = "School", ["URL"] = "https://school.example/" }),
        }, cancellation);
        var target = string.Join(" or ", serials.Select(serial => $"serial:{serial}"));
        await admin.PostAsync("/api/v1/assignments", new JsonObject { ["name"] = "Pupils", ["profileId"] = library, ["target"] = target }, cancellation);

        var location = _content.AddLocation("Northside");
        location.Buy(new SimulatedAsset($"{GarageBand}", "STDQ") { Store = ("GarageBand", App) }, IPads);
        var place = (await admin.PostAsync("/api/v1/apps-and-books/locations", new JsonObject { ["token"] = location.Token }, cancellation))["id"]!.GetValue<string>();
        await admin.PostAsync($"/api/v1/apps-and-books/locations/{place}/claim", [], cancellation);
        while ((await admin.GetAsync($"/api/v1/apps-and-books/assets?location={place}", cancellation))["items"]!.AsArray().Count == 0) await Task.Delay(LookEvery, TimeProvider.System, cancellation);
        await admin.PostAsync("/api/v1/assignments", new JsonObject
        {
            ["name"] = "GarageBand",
            ["app"] = new JsonObject { ["iTunesStoreID"] = GarageBand, ["location"] = place, ["managementFlags"] = 1 },
            ["target"] = target,
        }, cancellation);

        var profile = (await admin.PostAsync("/api/v1/automated/profiles", new JsonObject { ["name"] = "Pupils" }, cancellation))["id"]!.GetValue<string>();
        var server = (await admin.PostAsync("/api/v1/automated/servers", new JsonObject { ["name"] = "FleetMdm", ["profileId"] = profile }, cancellation))["id"]!.GetValue<string>();
        var service = _apple.Portal.AddServer("FleetMdm", await admin.GetTextAsync($"/api/v1/automated/servers/{server}/certificate", cancellation));
        _apple.Portal.Assign(service, serials);
        await admin.PutBytesAsync($"/api/v1/automated/servers/{server}/token", _apple.Portal.DownloadToken(service), "application/pkcs7-mime", cancellation);
        return (server, location);
    }
}
