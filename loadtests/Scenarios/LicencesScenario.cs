using System.Diagnostics;
using System.Text.Json.Nodes;
using FleetMdm.LoadTests.Servers;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// An app is assigned to all iPads, and each gets a licence of it from a simulated Apps and Books, within the serial numbers a request and the requests a second that Apple's service allows. The
/// requests are counted by kind, and compared with the fewest that there can be.
/// </summary>
internal static class LicencesScenario
{
    private const long App = 361309726;

    private const string Associate = "assets/associate", Status = "status", Assets = "assets", Assignments = "assignments";

    private const int RealIPads = 100;

    /// <summary>Then the server looks what became of what it has asked for, before it asks for more.</summary>
    private const int RoundSeconds = 30;

    /// <summary>How long Apple works on a request before it has given the licences.</summary>
    private static readonly TimeSpan EventTakes = TimeSpan.FromSeconds(1);

    /// <summary>The way to Apple and back, and what Apple takes to answer.</summary>
    private static readonly TimeSpan AppleTakes = TimeSpan.FromMilliseconds(50);

    public static async Task Run(ScenarioRun run)
    {
        var (ipads, limits) = (run.IPads(50_000), new AppsAndBooksSimulatorOptions { EventTakes = EventTakes });
        await using var apple = await AppsAndBooksSimulator.StartAsync(limits);
        apple.Faults.Delay = AppleTakes;
        await using var root = await TrustedRoot.Write(apple.RootPem);
        await using var bed = await TestBed.Start(run.Options, new Dictionary<string, string>
        {
            ["AppsAndBooks:Endpoint"] = apple.Endpoint.GetLeftPart(UriPartial.Authority),
            ["AppsAndBooks:TrustedRootFile"] = root.File,
        });
        if (bed.Server is null) throw new LoadException("licences needs a server that is started here.");
        // Rows do: none of them comes before its licence is there.
        if (bed.Postgres is null) await run.Enrolled(bed, ipads);
        else await run.Enrolled(bed, Math.Min(RealIPads, ipads), ipads);

        run.Say("a location is claimed");
        var location = apple.AddLocation("District");
        // No more than are wanted: who asks for one too many is refused.
        location.Buy(new SimulatedAsset($"{App}", "STDQ") { Store = ("Pages", "com.apple.Pages") }, ipads);
        var id = (string)(await bed.Admin.PostAsync("/api/v1/apps-and-books/locations", new JsonObject { ["token"] = location.Token }))["id"]!;
        var path = $"/api/v1/apps-and-books/locations/{id}";
        await bed.Admin.PostAsync($"{path}/claim", []);
        await ScenarioRun.Until(async () => await bed.Admin.GetAsync(path) is { } there && (long)there["apps"]! == 1 && !(bool)there["working"]!, "the location is read");

        run.Say($"{ipads:N0} licences are given");
        apple.ForgetRequests();
        var (before, began) = (bed.Spent(), Stopwatch.GetTimestamp());
        await bed.Admin.PostAsync("/api/v1/assignments", new JsonObject
        {
            ["name"] = "Pages",
            ["app"] = new JsonObject { ["iTunesStoreID"] = App, ["location"] = id, ["managementFlags"] = 1 },
        });
        await ScenarioRun.Until(() => location.Holders($"{App}").Count == ipads, "Apple has given all licences");
        var given = Stopwatch.GetElapsedTime(began).TotalSeconds;
        await ScenarioRun.Until(async () => await Asset(bed, id) is { } asset && (long)asset["wanted"]! == 0, "the server knows that all are given");
        var known = Stopwatch.GetElapsedTime(began).TotalSeconds;
        await ScenarioRun.Until(async () => !(bool)(await bed.Admin.GetAsync(path))["working"]!, "the round is over");
        var (spent, requests) = (bed.Spent().Since(before), apple.Requests);

        var batches = (ipads + limits.MaxSerialNumbers - 1) / limits.MaxSerialNumbers;
        int Count(string kind) => requests.Count(one => one.Path == kind);
        var busiest = requests.Max(one => requests.Count(other => other.At >= one.At && other.At - one.At < TimeSpan.FromSeconds(1)));
        // What a round reads of its own: how much Apple takes at a time, and whose the location is, each once in five minutes.
        var config = requests.Count(one => one.Path is "service/config" or "client/config");
        run.Report.Add($"{ipads:N0} licences given by Apple after", given, "s");
        run.Report.Add("and known here after", known, "s");
        run.Report.Add("CPU of the server for 1,000 licences", spent.ServerSeconds * 1_000 / ipads, "s");
        if (bed.Postgres is not null) run.Report.Add("CPU of the database for 1,000 licences", spent.DatabaseSeconds * 1_000 / ipads, "s");
        run.Report.Add("requests that give licences", Count(Associate), "");
        run.Report.Add("– the fewest that there can be", batches, "");
        run.Report.Add("requests for what became of them", Count(Status), "");
        run.Report.Add("– the fewest that there can be", batches, "");
        run.Report.Add("requests for the count of the app", Count(Assets), "");
        run.Report.Add("requests for limits and for whose the location is", config, "");
        run.Report.Add("other requests", requests.Count - Count(Associate) - Count(Status) - Count(Assets) - config, "");
        run.Report.Add("the most requests within a second", busiest, "");
        run.Report.Check("no request was refused", requests.All(one => one.Answer == 200 && one.Error is null));
        run.Report.Check("no request gives licences that was not needed", Count(Associate) == batches);
        run.Report.Check("no request asks what became of one more often than once", Count(Status) == batches);
        run.Report.Check($"the app is counted once, and once more for each {RoundSeconds} s that it takes", Count(Assets) <= 1 + (int)(known / RoundSeconds));
        run.Report.Check("nothing else is asked", requests.Count - Count(Associate) - Count(Status) - Count(Assets) - config == 0 && config <= 2 * (1 + (int)(known / 300)));

        run.Say("all is read, as once a day");
        apple.ForgetRequests();
        await bed.Admin.PostAsync($"{path}/sync", []);
        var pages = (ipads + limits.PageSize - 1) / limits.PageSize;
        await ScenarioRun.Until(() => apple.Requests.Count(one => one.Path == Assignments) >= pages, "all is read");
        await ScenarioRun.Until(async () => !(bool)(await bed.Admin.GetAsync(path))["working"]!, "the round is over");
        run.Report.Add($"requests of the whole read, once a day, in pages of {limits.PageSize}", apple.Requests.Count, "");
        run.Report.Check("the whole read asks for each page once, and gives nothing", apple.Requests.Count(one => one.Path == Assignments) == pages && apple.Requests.All(one => one.Path != Associate));
    }

    private static async Task<JsonNode?> Asset(TestBed bed, string location) => (await bed.Admin.GetAsync($"/api/v1/apps-and-books/assets?location={location}"))["items"]!.AsArray().FirstOrDefault();
}
