using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.Silo.Demo;

/// <summary>Automated Device Enrolment in the demo: ten iPads and an app are bought, and nobody touches them.</summary>
internal sealed class DemoOutOfTheBox(DeviceEnrolmentSimulator apple, AppsAndBooksSimulator content, DemoScreen screen, AdminClient admin, IPadFleet fleet)
{
    public const int Count = 10;

    /// <summary>Beyond all others of the demo.</summary>
    private const int FirstNumber = 900_001;

    private const string Names = "OUT-OF-THE-BOX-";

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    // 1. An enrolment profile, a service, its certificate at Apple, its token here.
    // 2. Placeholders: names, and the first school, to whose iPads a profile is assigned.
    // 3. Apple has the iPads, and gets their profile.
    // 4. An app is bought and assigned to them.
    // 5. They come out of the box, enrol, are held, get what is assigned to them, and are let go.

    public async Task TellAsync(CancellationToken cancellation)
    {
        var profile = (await admin.PostAsync("/api/v1/automated/profiles", new JsonObject
        {
            ["name"] = "Pupils",
            ["department"] = "Demo School District",
            ["supportPhone"] = "+46 8 555 0100",
            ["skipSetupItems"] = new JsonArray("AppleID", "Siri", "Diagnostics", "Payment", "ScreenTime", "Privacy"),
        }, cancellation))["id"]!.GetValue<string>();
        var server = (await admin.PostAsync("/api/v1/automated/servers", new JsonObject { ["name"] = "FleetMdm", ["profileId"] = profile }, cancellation))["id"]!.GetValue<string>();
        var service = apple.Portal.AddServer("FleetMdm", await admin.GetTextAsync($"/api/v1/automated/servers/{server}/certificate", cancellation));
        var ipads = Enumerable.Range(FirstNumber, Count)
            .Select(number => fleet.Add(IPadDescription.Number(number) with { Name = "iPad", Automated = true, Supervised = true })).ToList();
        apple.Portal.Assign(service, ipads.Select(ipad => ipad.Description.SerialNumber));
        foreach (var (ipad, number) in ipads.Select((ipad, index) => (ipad, index + 1)))
            await admin.PutAsync($"/api/v1/placeholders/{ipad.Description.SerialNumber}", new JsonObject { ["name"] = Names + number, ["school"] = DemoFleet.Schools[0].Name }, cancellation);
        await admin.PutBytesAsync($"/api/v1/automated/servers/{server}/token", apple.Portal.DownloadToken(service), "application/pkcs7-mime", cancellation);

        var assigned = 0L;
        await screen.StageAsync($"Apple School Manager: {Count} iPads get their enrolment profile", Count, () => Interlocked.Read(ref assigned), async token =>
        {
            while (Interlocked.Read(ref assigned) < Count)
            {
                await Task.Delay(LookEvery, fleet.Options.Time, token);
                Interlocked.Exchange(ref assigned, (await admin.GetAsync($"/api/v1/automated/servers/{server}", token))["counts"]!["assigned"]!.GetValue<long>());
            }
        }, cancellation);

        await new DemoBoughtApp(content, screen, admin).TellAsync(ipads, cancellation);

        bool IsReady(VirtualIPad ipad) => ipad is { IsEnrolled: true, AwaitsConfiguration: false }
            && ipad.InstalledProfiles.Contains(DemoProfiles.LibraryIdentifier) && ipad.InstalledApps.Contains(DemoBoughtApp.Identifier);
        await screen.StageAsync("They come out of the box, are held until their profile and their app are there, and are let go", Count, () => ipads.Count(IsReady), async token =>
        {
            await Task.WhenAll(ipads.Select(ipad => ipad.SetUpAsync(apple.Portal, token)));
            await fleet.WhenAsync(() => ipads.TrueForAll(IsReady), token);
        }, cancellation);
    }
}
