using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Report;
using FleetMdm.LoadTests.Servers;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>What every scenario has at hand.</summary>
internal sealed class ScenarioRun(LoadOptions options, ScenarioReport report, Action<string> progress, bool counts = true)
{
    /// <summary>Long enough for the first tier of compiled code to be replaced by the second.</summary>
    public static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public LoadOptions Options => options;

    public ScenarioReport Report => report;

    public void Say(string what) => progress(what);

    public Action<long>? Counting(string what) => counts ? count => progress($"{what}: {count:N0}") : null;

    public int IPads(int usual) => options.IPads ?? usual;

    public int Connections(int usual) => options.Connections ?? usual;

    public TimeSpan For(int usualSeconds) => options.For ?? TimeSpan.FromSeconds(usualSeconds);

    /// <summary>Runs a phase and notes what it cost.</summary>
    public Phase Measure(TestBed bed, Func<LoadResult> load)
    {
        var before = bed.Spent();
        var result = load();
        return report.Add(result, bed.Spent().Since(before));
    }

    public async Task<Phase> Measure(TestBed bed, Func<Task<LoadResult>> load)
    {
        var before = bed.Spent();
        var result = await load();
        return report.Add(result, bed.Spent().Since(before));
    }

    /// <summary>A fleet that is enrolled, with the rows that the options ask for beside it.</summary>
    public Task<LoadFleet> Enrolled(TestBed bed, int ipads) => Enrolled(bed, ipads, options.Rows);

    /// <param name="bed">With the server.</param>
    /// <param name="ipads">How many.</param>
    /// <param name="rows">iPads in the database altogether.</param>
    /// <param name="connections">At once; null: as the options say.</param>
    public async Task<LoadFleet> Enrolled(TestBed bed, int ipads, int rows, int? connections = null)
    {
        Say($"making {ipads:N0} iPads");
        var fleet = bed.NewFleet(ipads);
        var enrolled = fleet.Enrol(connections ?? Connections(32), Counting("enrolled"));
        if (enrolled.Measurement.Failures > 0)
            throw new LoadException($"{enrolled.Measurement.Failures} of {ipads} iPads could not enrol: {Statuses(enrolled.Measurement)}.");
        if (rows > ipads || options.History > 0)
        {
            Say($"filling the database with {rows:N0} iPads and {options.History:N0} finished commands");
            await bed.Fill(fleet.IPads[0], Math.Max(0, rows - ipads), options.History);
        }

        return fleet;
    }

    /// <summary>Waits for what the server does by itself.</summary>
    /// <param name="what">It has come so far.</param>
    public static async Task Until(Func<Task<bool>> there, string what)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await there())
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new LoadException($"It did not come so far within {Patience.TotalMinutes:0} minutes: {what}.");
            await Task.Delay(Glance, TimeProvider.System);
        }
    }

    public static Task Until(Func<bool> there, string what) => Until(() => Task.FromResult(there()), what);

    public static string Statuses(Measurement measurement) =>
        string.Join(", ", measurement.Statuses.Select(status => $"{status.Value:N0} times {(status.Key == 0 ? "no answer" : status.Key)}"));

    /// <summary>A request of an administrator as bytes.</summary>
    public static byte[] AdminRequest(TestBed bed, string path, JsonObject body)
    {
        var text = body.ToJsonString();
        return Encoding.UTF8.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: {bed.Url.Authority}\r\nAuthorization: Bearer {bed.AdminToken}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(text)}\r\n\r\n{text}");
    }

    /// <summary>A question of an administrator as bytes.</summary>
    public static byte[] AdminGet(TestBed bed, string path) =>
        Encoding.UTF8.GetBytes($"GET {path} HTTP/1.1\r\nHost: {bed.Url.Authority}\r\nAuthorization: Bearer {bed.AdminToken}\r\n\r\n");

    /// <summary>One command for all iPads that the server knows, or for those of one fleet; without pushes.</summary>
    public static Task Queue(TestBed bed, bool push = false, LoadFleet? only = null) => bed.Admin.PostAsync("/api/v1/operations", new JsonObject
    {
        ["target"] = only is null
            ? new JsonObject { ["all"] = true }
            : new JsonObject { ["ids"] = new JsonArray([.. only.IPads.Select(ipad => (JsonNode)ipad.Udid)]) },
        ["command"] = new JsonObject { ["requestType"] = "DeviceInformation", ["queries"] = new JsonArray("DeviceName", "OSVersion", "SerialNumber") },
        ["push"] = push,
    });
}
