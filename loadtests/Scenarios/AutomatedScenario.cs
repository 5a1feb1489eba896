using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using FleetMdm.LoadTests.Servers;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// A district's whole list comes from a simulated Apple School Manager and each iPad is assigned its enrolment profile, within the page size, the serial numbers a request and the pace that Apple's
/// service allows. Then nothing is new for a while: the requests to Apple and the rows that are written are counted.
/// </summary>
internal static class AutomatedScenario
{
    /// <summary>Beside the requests for pages and assignments: a session and the account when the token comes, the same when the list begins, and the profile is defined.</summary>
    private const int RequestsBeside = 5;

    /// <summary>As often as the server asks by default; Apple says nothing of a limit.</summary>
    private const int RequestsPerMinute = 240;

    private const int MostSeconds = 120;

    /// <summary>The way to Apple and back, and what Apple takes to answer.</summary>
    private static readonly TimeSpan AppleTakes = TimeSpan.FromMilliseconds(200);

    /// <summary>What a sync could write, and what tells of it.</summary>
    private static readonly string[] TablesOfSync = ["automated_", "audit", "webhook", "invitations"];

    public static async Task Run(ScenarioRun run)
    {
        var (ipads, most) = (run.IPads(100_000), new DeviceEnrolmentOptions().MostInPage);
        await using var apple = await DeviceEnrolmentSimulator.StartAsync(new DeviceEnrolmentOptions { RequestsPerMinute = RequestsPerMinute });
        apple.Faults.Delay = AppleTakes;
        await using var root = await TrustedRoot.Write(apple.RootPem);
        await using var bed = await TestBed.Start(run.Options, new Dictionary<string, string>
        {
            ["Automated:Endpoint"] = apple.Endpoint.GetLeftPart(UriPartial.Authority),
            ["Automated:TrustedRootFile"] = root.File,
            // As often as can be: so that the time without news is short.
            ["Automated:SyncMinutes"] = "1",
        });
        if (bed.Server is null) throw new LoadException("automated needs a server that is started here.");

        run.Say($"{ipads:N0} iPads are bought");
        var profile = await bed.Admin.PostAsync("/api/v1/automated/profiles", new JsonObject { ["name"] = "Pupils", ["skipSetupItems"] = new JsonArray("AppleID", "Siri") });
        var server = await bed.Admin.PostAsync("/api/v1/automated/servers", new JsonObject { ["name"] = "District", ["profileId"] = (string)profile["id"]! });
        var path = $"/api/v1/automated/servers/{(string)server["id"]!}";
        var portal = apple.Portal.AddServer("District", await bed.Admin.GetTextAsync($"{path}/certificate"));
        string[] serials = [.. Enumerable.Range(0, ipads).Select(number => string.Create(CultureInfo.InvariantCulture, $"DLX{number:D8}Z"))];
        apple.Portal.Assign(portal, serials);

        run.Say("the list is fetched, and profiles are assigned");
        var (before, began) = (bed.Spent(), Stopwatch.GetTimestamp());
        await bed.Admin.PutBytesAsync($"{path}/token", apple.Portal.DownloadToken(portal), "application/pkcs7-mime");
        var pages = (ipads + most - 1) / most;
        await ScenarioRun.Until(() => Count(apple, "/server/devices") >= pages && Count(apple, "/profile") > 0, "the list is fetched");
        var fetched = Stopwatch.GetElapsedTime(began).TotalSeconds;
        await ScenarioRun.Until(() => Count(apple, "/profile/devices") >= pages, "all profiles are assigned");
        await ScenarioRun.Until(async () => (long)(await bed.Admin.GetAsync(path))["counts"]!["assigned"]! == ipads, "all iPads are kept as assigned");
        var assigned = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var spent = bed.Spent().Since(before);
        var (first, kept) = (apple.Requests, await bed.Admin.GetAsync(path));
        // Assignments are news as well: Apple tells each of them with the next sync.
        var own = first.Count(one => one.Path != "/devices/sync");

        run.Report.Add($"{ipads:N0} serial numbers fetched and kept after", fetched, "s");
        run.Report.Add("and each assigned its profile after", assigned, "s");
        run.Report.Add($"of it Apple's answers ({AppleTakes.TotalMilliseconds:0} ms each)", own * AppleTakes.TotalSeconds, "s");
        run.Report.Add("CPU of the server for 1,000 serial numbers", spent.ServerSeconds * 1_000 / ipads, "s");
        if (bed.Postgres is not null) run.Report.Add("CPU of the database for 1,000 serial numbers", spent.DatabaseSeconds * 1_000 / ipads, "s");
        run.Report.Add("requests to Apple", own, "");
        run.Report.Add("– the fewest that there can be", (2 * pages) + RequestsBeside, "");
        run.Report.Check($"within {MostSeconds} s", assigned <= MostSeconds);
        run.Report.Check("every iPad is kept", (long)kept["devices"]! == ipads && (long)kept["released"]! == 0);
        run.Report.Check("no request was refused", first.All(one => one.Answer == 200));
        run.Report.Check("no request was made that was not needed", own == (2 * pages) + RequestsBeside);
        run.Report.Check("every iPad was assigned its profile once", serials.All(serial => apple.Portal.Find(serial) is { TimesAssigned: 1, ProfileStatus: "assigned" }));

        run.Say("Apple tells of what was assigned");
        // While a round is under way it does nothing: then the next one asks.
        await bed.Admin.PostAsync($"{path}/sync", []);
        await ScenarioRun.Until(() => Count(apple, "/devices/sync") >= pages, "what was assigned is told");
        await ScenarioRun.Until(async () => !(bool)(await bed.Admin.GetAsync(path))["working"]!, "the round is over");
        run.Report.Add("requests in which Apple told of the assignments", Count(apple, "/devices/sync"), "");
        run.Report.Check("what Apple tells of assignments assigns nothing anew", Count(apple, "/profile/devices") == pages);

        run.Say("nothing is new");
        var writes = await StoreWrites.Watch(bed);
        var written = await writes.Count();
        apple.ForgetRequests();
        await Task.Delay(run.For(240), TimeProvider.System);
        await ScenarioRun.Until(async () => Count(apple, "/devices/sync") > 0 && !(bool)(await bed.Admin.GetAsync(path))["working"]!, "a sync without news");
        var quiet = apple.Requests;
        var since = await writes.Count();
        var syncs = quiet.Count(one => one.Path == "/devices/sync");
        run.Report.Add("syncs without news", syncs, "");
        run.Report.Add("requests to Apple for each", (double)quiet.Count / syncs, "");
        run.Report.Add("rows written by them", StoreWrites.Between(written, since, TablesOfSync), "");
        run.Report.Add($"rows written meanwhile by the rest of the server ({Others(written, since)})", StoreWrites.Between(written, since, ""), "");
        run.Report.Check("a sync without news costs one request", quiet.Count == syncs);
        run.Report.Check("and writes nothing", StoreWrites.Between(written, since, TablesOfSync) == 0);
    }

    private static int Count(DeviceEnrolmentSimulator apple, string path) => apple.Requests.Count(one => one.Path == path && one.Answer == 200);

    private static string Others(IReadOnlyDictionary<string, long> before, IReadOnlyDictionary<string, long> after)
    {
        var tables = after.Where(one => one.Value > before.GetValueOrDefault(one.Key)).Select(one => $"{one.Key} {one.Value - before.GetValueOrDefault(one.Key)}").Order(StringComparer.Ordinal);
        return string.Join(", ", tables) is { Length: > 0 } names ? names : "none";
    }
}
