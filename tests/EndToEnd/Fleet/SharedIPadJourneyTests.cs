using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>A Shared iPad out of its box: it gets its configuration before anybody can use it, users come, and one is deleted.</summary>
public sealed class SharedIPadJourneyTests : IAsyncLifetime
{
    private const string Anna = "anna@school.example", Bo = "bo@school.example";

    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-shared-").FullName;
    private DeviceEnrolmentSimulator _apple = null!;
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _apple = await DeviceEnrolmentSimulator.StartAsync(new DeviceEnrolmentOptions());
        var root = Path.Combine(_folder, "apple.pem");
        await File.WriteAllTextAsync(root, _apple.RootPem);
        _server = new RunningServer
        {
            Options = new Dictionary<string, string> { ["Automated:Endpoint"] = _apple.Endpoint.GetLeftPart(UriPartial.Authority), ["Automated:TrustedRootFile"] = root },
        };
        await _server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _apple.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<JsonNode> Post(string path, string body) => await _server.Admin.PostAsync("/api/v1/" + path, JsonNode.Parse(body)!.AsObject());

    private Task<JsonNode> Get(string path) => _server.Admin.GetAsync("/api/v1/" + path);

    private static async Task Until(Func<Task<bool>> there, string what)
    {
        using var patience = new CancellationTokenSource(RunningServer.Guard);
        while (!await there())
        {
            if (patience.IsCancellationRequested) throw new TimeoutException($"It did not come so far: {what}.");
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None);
        }
    }

    private static Task Answered(VirtualIPad ipad, string requestType, string channel = "device") => ipad.Journal.WaitForAsync(
        entry => entry is { Kind: JournalKind.Report, What: "Acknowledged", HttpStatus: 200 } && entry.RequestType == requestType && entry.Channel == channel, RunningServer.Guard);

    [Fact]
    public Task It_has_its_configuration_before_anybody_can_use_it_and_its_users_come_and_go() => _server.RunAsync(async fleet =>
    {
        var ipad = fleet.Add(IPadDescription.Number(70_001) with { OsVersion = "18.3", Automated = true });
        var serial = ipad.Description.SerialNumber;
        Assert.False(ipad.Description.Shared);

        // The district's part: an enrolment profile, a service with this iPad, a configuration.
        var profile = (string)(await Post("automated/profiles", """{"name": "Carts", "sharedIPad": true}"""))["id"]!;
        var service = (string)(await Post("automated/servers", $$"""{"name": "District", "profileId": "{{profile}}"}"""))["id"]!;
        var portal = _apple.Portal.AddServer("District", await _server.Admin.GetTextAsync($"/api/v1/automated/servers/{service}/certificate"));
        _apple.Portal.Assign(portal, serial);
        await _server.Admin.PutBytesAsync($"/api/v1/automated/servers/{service}/token", _apple.Portal.DownloadToken(portal), "application/pkcs7-mime");
        await Until(async () => (long)(await Get($"automated/servers/{service}"))["counts"]!["assigned"]! == 1, "Apple has its profile");
        var assignment = (string)(await Post("assignments", $$"""{"name": "Carts", "target": "serial:{{serial}}", "sharedIPad": {"residentUsers": 8, "awaitUserConfiguration": true} }"""))["id"]!;

        // 1. Out of the box: held, configured, let go.
        await ipad.SetUpAsync(_apple.Portal);
        Assert.True(ipad.Description.Shared);
        await Answered(ipad, "DeviceConfigured");
        var id = ipad.Udid;
        var commands = (await Get($"devices/{id}/commands"))["items"]!.AsArray().Select(one => (string)one!["requestType"]!).Reverse().ToList();
        Assert.True(commands.IndexOf("Settings") >= 0 && commands.IndexOf("Settings") < commands.IndexOf("DeviceConfigured"), string.Join(", ", commands));
        Assert.Equal(1, (long)(await Get($"assignments/{assignment}"))["iPads"]!["installed"]!);

        // 2. Users come, and each login is held until what waits was handed over.
        await ipad.LogInAsync(Anna);
        await Answered(ipad, "UserConfigured", Anna);
        Assert.False(ipad.IsHeld(Anna));
        ipad.LogOut(Anna);
        var ofAnna = (string)(await Post($"devices/{id}:{Anna}/commands", """{"requestType": "ProfileList"}"""))["commandUuid"]!;
        await ipad.LogInAsync(Bo);
        await Answered(ipad, "UserConfigured", Bo);
        var ofBo = (string)(await Post($"devices/{id}:{Bo}/commands", """{"requestType": "ProfileList"}"""))["commandUuid"]!;
        await Answered(ipad, "ProfileList", Bo);

        // 3. What waits for Anna is told.
        await Post($"devices/{id}/shared-ipad/refresh", "{}");
        await Answered(ipad, "UserList");
        await Until(async () => (string?)(await Get($"devices/{id}/shared-ipad"))["asOf"] is not null, "the iPad has told who is on it");
        var users = (await Get($"devices/{id}/shared-ipad"))["users"]!.AsArray();
        Assert.Equal([Bo, Anna], users.Select(user => (string)user!["userName"]!));
        Assert.StartsWith($"Waits until {Anna} logs in", (string?)users[1]!["words"], StringComparison.Ordinal);

        // 4. Room for users is changed too late: the iPad acknowledges and refuses, and the assignment says so.
        await _server.Admin.PutAsync($"/api/v1/assignments/{assignment}",
            JsonNode.Parse($$"""{"name": "Carts", "target": "serial:{{serial}}", "sharedIPad": {"residentUsers": 4} }""")!.AsObject(), ifMatch: "*");
        await Until(async () => (long)(await Get($"assignments/{assignment}"))["iPads"]!["failed"]! == 1, "the iPad has refused it");
        Assert.Contains("before the first user", (await Get($"assignments/{assignment}/devices"))["items"]![0]!.ToJsonString(), StringComparison.Ordinal);

        // 5. Anna is deleted: what waited for her ends, and Bo stays.
        await Post($"devices/{id}/shared-ipad/delete-users", $$"""{"userName": "{{Anna}}"}""");
        await Until(async () => await _server.StateAsync($"{id}:{Anna}", ofAnna) == "UserDeleted", "what waited for Anna has ended");
        Assert.Equal("Acknowledged", await _server.StateAsync($"{id}:{Bo}", ofBo));
        await Until(async () => (await Get($"devices/{id}/shared-ipad"))["users"]!.AsArray().Count == 1, "the list is new");
    });
}
