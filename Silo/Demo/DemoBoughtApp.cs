using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.Silo.Demo;

/// <summary>Apps and Books in the demo: the iPads out of the box get an app that the district has licences of.</summary>
internal sealed class DemoBoughtApp(AppsAndBooksSimulator apple, DemoScreen screen, AdminClient admin, IPadFleet fleet)
{
    private const long GarageBand = 408709785;
    private const string GarageBandIdentifier = "com.apple.mobilegarageband";
    private const int Licences = 20;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    // 1. What the district has, and the content token of its location; the location is claimed for this server.
    // 2. The app is assigned. Each iPad gets a licence, then the app.

    public async Task TellAsync(CancellationToken cancellation)
    {
        var location = apple.AddLocation("Demo School District", "Demo School District");
        location.Buy(new SimulatedAsset("408709785", "STDQ") { Store = ("GarageBand", GarageBandIdentifier) }, Licences);
        location.Buy(new SimulatedAsset("361304891", "STDQ") { Store = ("Numbers", "com.apple.Numbers") }, 500);
        location.Buy(new SimulatedAsset("377298193", "STDQ") { Store = ("iMovie", "com.apple.iMovie") }, 1);
        var id = (await admin.PostAsync("/api/v1/apps-and-books/locations", new JsonObject { ["token"] = location.Token }, cancellation))["id"]!.GetValue<string>();
        await admin.PostAsync($"/api/v1/apps-and-books/locations/{id}/claim", [], cancellation);
        while ((await admin.GetAsync($"/api/v1/apps-and-books/assets?location={id}&q=GarageBand", cancellation))["items"]!.AsArray().Count == 0) await Task.Delay(LookEvery, fleet.Options.Time, cancellation);

        var ipads = fleet.IPads.Where(ipad => ipad.Description.Automated).ToList();
        await admin.PostAsync("/api/v1/assignments", new JsonObject
        {
            ["name"] = "GarageBand",
            ["app"] = new JsonObject { ["iTunesStoreID"] = GarageBand, ["location"] = id, ["managementFlags"] = 1 },
            ["target"] = string.Join(" or ", ipads.Select(ipad => $"serial:{ipad.Description.SerialNumber}")),
        }, cancellation);
        await screen.StageAsync("Apps and Books: each of them gets a licence of GarageBand, then the app", ipads.Count, () => ipads.Count(ipad => ipad.InstalledApps.Contains(GarageBandIdentifier)),
            token => fleet.WhenAsync(() => ipads.TrueForAll(ipad => ipad.InstalledApps.Contains(GarageBandIdentifier)), token), cancellation);
    }
}
