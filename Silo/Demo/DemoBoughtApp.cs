using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.Silo.Demo;

/// <summary>Apps and Books in the demo: the iPads out of the box get an app that the district has licences of.</summary>
internal sealed class DemoBoughtApp(AppsAndBooksSimulator apple, DemoScreen screen, AdminClient admin)
{
    private const long GarageBand = 408709785;
    public const string Identifier = "com.apple.mobilegarageband";
    private const int Licences = 20;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    // 1. What the district has, and the content token of its location; the location is claimed for this server.
    // 2. The app is assigned. Each serial number gets a licence; the app comes with the iPad.

    public async Task TellAsync(IReadOnlyList<VirtualIPad> ipads, CancellationToken cancellation)
    {
        var location = apple.AddLocation("Demo School District", "Demo School District");
        location.Buy(new SimulatedAsset("408709785", "STDQ") { Store = ("GarageBand", Identifier) }, Licences);
        location.Buy(new SimulatedAsset("361304891", "STDQ") { Store = ("Numbers", "com.apple.Numbers") }, 500);
        location.Buy(new SimulatedAsset("377298193", "STDQ") { Store = ("iMovie", "com.apple.iMovie") }, 1);
        var id = (await admin.PostAsync("/api/v1/apps-and-books/locations", new JsonObject { ["token"] = location.Token }, cancellation))["id"]!.GetValue<string>();
        await admin.PostAsync($"/api/v1/apps-and-books/locations/{id}/claim", [], cancellation);
        var read = 0L;
        await screen.StageAsync("Apps and Books: what the district has bought is read", 1, () => Interlocked.Read(ref read), async token =>
        {
            while ((await admin.GetAsync($"/api/v1/apps-and-books/assets?location={id}&q=GarageBand", token))["items"]!.AsArray().Count == 0) await Task.Delay(LookEvery, TimeProvider.System, token);
            Interlocked.Exchange(ref read, 1);
        }, cancellation);
        await admin.PostAsync("/api/v1/assignments", new JsonObject
        {
            ["name"] = "GarageBand",
            ["app"] = new JsonObject { ["iTunesStoreID"] = GarageBand, ["location"] = id, ["managementFlags"] = 1 },
            ["target"] = string.Join(" or ", ipads.Select(ipad => $"serial:{ipad.Description.SerialNumber}")),
        }, cancellation);
    }
}
