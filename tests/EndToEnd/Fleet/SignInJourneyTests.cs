using System.Text.Json.Nodes;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>Somebody signs in on a new iPad in Setup Assistant, which is theirs from then on.</summary>
public sealed class SignInJourneyTests : IAsyncLifetime
{
    private const string Password = "violet tramway 62 onion";

    private static readonly int AdminPort = Ports.Free();

    private RunningServer _server = null!;
    private DeviceEnrolmentSimulator _apple = null!;
    private string _folder = "";

    public async ValueTask InitializeAsync()
    {
        _apple = await DeviceEnrolmentSimulator.StartAsync(new DeviceEnrolmentOptions());
        _folder = Directory.CreateTempSubdirectory("fleetmdm-sign-in-").FullName;
        var root = Path.Combine(_folder, "apple.pem");
        await File.WriteAllTextAsync(root, _apple.RootPem);
        _server = new RunningServer
        {
            AdminUrl = new Uri($"https://localhost:{AdminPort}"),
            Options = new Dictionary<string, string>
            {
                ["Http:AdminListen"] = $"https://127.0.0.1:{AdminPort}",
                ["SelfService:PublicUrl"] = $"https://localhost:{AdminPort}",
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
    public Task A_pupil_signs_in_on_a_new_iPad_and_has_it() => _server.RunAsync(async fleet =>
    {
        var admin = _server.Admin;
        var pupil = (await admin.PostAsync("/api/v1/people", new JsonObject { ["role"] = "pupil", ["givenName"] = "Ali", ["familyName"] = "Berg" }))["id"]!.GetValue<string>();
        await AccountAsync("ali", pupil);
        var profile = (await admin.PostAsync("/api/v1/automated/profiles", new JsonObject { ["name"] = "Pupils", ["signIn"] = true, ["awaitConfiguration"] = false }))["id"]!.GetValue<string>();
        var id = (await admin.PostAsync("/api/v1/automated/servers", new JsonObject { ["name"] = "FleetMdm", ["profileId"] = profile }))["id"]!.GetValue<string>();
        var service = _apple.Portal.AddServer("FleetMdm", await admin.GetTextAsync($"/api/v1/automated/servers/{id}/certificate"));
        var ipad = fleet.Add(IPadDescription.Number(88_001) with { Automated = true, Supervised = true });
        _apple.Portal.Assign(service, [ipad.Description.SerialNumber]);
        await admin.PutBytesAsync($"/api/v1/automated/servers/{id}/token", _apple.Portal.DownloadToken(service), "application/pkcs7-mime");
        using var patience = new CancellationTokenSource(RunningServer.Guard);
        while ((await admin.GetAsync($"/api/v1/automated/servers/{id}", patience.Token))["counts"]!["assigned"]!.GetValue<long>() == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);

        // Nobody is there, and nobody goes round the page.
        await Assert.ThrowsAsync<EnrolmentException>(() => ipad.SetUpAsync(_apple.Portal, patience.Token));
        var wrong = await Assert.ThrowsAsync<EnrolmentException>(() => ipad.SetUpAsync(_apple.Portal, patience.Token, new SignInName("ali", "not this one")));
        Assert.Contains("401", wrong.Message, StringComparison.Ordinal);

        await ipad.SetUpAsync(_apple.Portal, patience.Token, new SignInName("ali", Password));

        Assert.True(ipad.IsEnrolled);
        var holder = (await admin.GetAsync($"/api/v1/devices/{ipad.Udid}/holders", patience.Token))["items"]![0]!;
        Assert.Equal((pupil, "sign-in"), (holder["personId"]!.GetValue<string>(), holder["givenBy"]!.GetValue<string>()));
    });

    private async Task AccountAsync(string userName, string person)
    {
        var made = await _server.Admin.PostAsync("/api/v1/accounts", new JsonObject { ["userName"] = userName, ["name"] = userName, ["role"] = "self-service", ["personId"] = person });
        using var browser = new WebView(_server.Trust);
        var link = new Uri(made["passwordLink"]!["url"]!.GetValue<string>());
        var page = await browser.OpenAsync(new Uri(_server.AdminUrl!, link.AbsolutePath), null);
        var set = await browser.SubmitAsync(page, new Dictionary<string, string> { ["password"] = Password, ["again"] = Password });
        Assert.Equal("/login", set.Address.AbsolutePath);
    }
}
