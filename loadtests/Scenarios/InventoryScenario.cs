using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Fleet;
using FleetMdm.LoadTests.Servers;
using Npgsql;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// What it costs to read an iPad's list of apps: commands that are answered with 150 apps which did not change. Beside it, in the same run, commands of a
/// kind that the inventory does not read, answered with the very same list: rounds of both alternate, so that a noisy neighbour hits both. Then each iPad
/// tells its list with one app that changed, and the rows that this writes are counted.
/// </summary>
internal static class InventoryScenario
{
    private const int Apps = 150;
    private const int CommandsEach = 5;
    private const int Rounds = 3;

    /// <summary>A connection of PostgreSQL that has nothing to do tells what it counted after ten seconds.</summary>
    private static readonly TimeSpan StatisticsAreIn = TimeSpan.FromSeconds(12);

    /// <summary>The server asks nothing by itself.</summary>
    internal static readonly Dictionary<string, string> NoQuestions = new[]
    {
        "DeviceInformation", "SecurityInfo", "InstalledApplicationList", "ProfileList", "CertificateList",
    }.ToDictionary(question => $"Inventory:{question}Hours", _ => "0");

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options, NoQuestions);
        if (bed.Postgres is null) throw new LoadException("inventory needs a PostgreSQL that is started here.");
        var (ipads, connections) = (run.IPads(1_000), run.Connections(8));
        var fleet = await run.Enrolled(bed, ipads);
        var read = new Side("InstalledApplicationList", [], Answer("InstalledApplicationList", changed: false));
        var unread = new Side("ManagedApplicationAttributes", new JsonObject { ["identifiers"] = new JsonArray("com.example.app0") }, Answer("ApplicationAttributes", changed: false));

        run.Say("each iPad tells its list for the first time");
        await Tell(run, bed, fleet, read, 1, connections);
        var first = await Written(bed);
        await Tell(run, bed, fleet, read, 1, connections);
        await Tell(run, bed, fleet, unread, 1, connections);
        for (var round = 1; round <= Rounds; round++)
        {
            run.Say($"round {round} of {Rounds}");
            read.Add(await Tell(run, bed, fleet, read, CommandsEach, connections, $"{Apps} apps, read, round {round}"));
            unread.Add(await Tell(run, bed, fleet, unread, CommandsEach, connections, $"the same, not read, round {round}"));
        }

        var unchanged = await Written(bed) - first;
        var commands = ipads * CommandsEach * Rounds;
        run.Report.Add("bytes of one answer", Encoding.UTF8.GetByteCount(read.Answer), "");
        run.Report.Add("commands a second, read", commands / read.Seconds, "");
        run.Report.Add("times the duration of the same without reading it", read.Seconds / unread.Seconds, "");
        run.Report.Add("CPU of server and database for 1,000 commands, read", read.Cpu * 1_000 / commands, "s");
        run.Report.Add("times the CPU of the same without reading it", read.Cpu / unread.Cpu, "");
        run.Report.Check("a list that did not change writes no app", unchanged == 0);

        run.Say("one app of each iPad changes");
        var before = await Written(bed);
        await Tell(run, bed, fleet, read with { Answer = Answer("InstalledApplicationList", changed: true) }, 1, connections);
        var changed = await Written(bed) - before;
        run.Report.Add($"rows of apps written by a list of {Apps} of which one changed", (double)changed / ipads, "");
        run.Report.Check("one app that changed writes one row", changed == ipads);
        run.Report.Check("every command was answered once", fleet.IPads.All(ipad => ipad.Repeated == 0 && ipad.Acknowledged.Count == ipad.Acknowledged.Distinct().Count()
            && ipad.Acknowledged.Count == 4 + (2 * Rounds * CommandsEach)));
    }

    /// <summary>Queues so many of one command for all iPads, and lets them come.</summary>
    private static async Task<Report.Phase?> Tell(ScenarioRun run, TestBed bed, LoadFleet fleet, Side side, int each, int connections, string? name = null)
    {
        for (var i = 0; i < each; i++)
        {
            var command = side.Keys.DeepClone().AsObject();
            command["requestType"] = side.RequestType;
            await bed.Admin.PostAsync("/api/v1/operations", new JsonObject { ["target"] = new JsonObject { ["all"] = true }, ["command"] = command, ["push"] = false });
        }

        var turns = new Turns(fleet, 0, fleet.IPads.Count);
        LoadResult Load() => Driver.Load.Full(name ?? "warm-up", fleet.Target, connections, duration: null, (worker, connection) =>
            turns.Next(worker) is { } ipad ? fleet.WithConnection(ipad, connection, own => ipad.Session(own, side.Answer)) : -1, run.Counting("iPads"));
        if (name is not null) return run.Measure(bed, Load);
        if (Load() is { Measurement.Failures: > 0 } failed) throw new LoadException($"iPads were refused: {ScenarioRun.Statuses(failed.Measurement)}.");
        return null;
    }

    /// <summary>Rows of apps that were inserted, updated or deleted up to now.</summary>
    private static async Task<long> Written(TestBed bed)
    {
        await Task.Delay(StatisticsAreIn, TimeProvider.System);
        await using var source = NpgsqlDataSource.Create(bed.ConnectionString);
        await using var command = source.CreateCommand("SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'inventory_items'");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>As an iPad writes it, with all that iPadOS 18 tells of an app.</summary>
    private static string Answer(string root, bool changed)
    {
        var text = new StringBuilder($"\t<key>{root}</key>\n\t<array>\n");
        for (var app = 0; app < Apps; app++)
        {
            var version = changed && app == Apps / 2 ? "14.4" : "14.3";
            text.Append(CultureInfo.InvariantCulture, $"""
                		<dict>
                			<key>AdHocCodeSigned</key>
                			<false/>
                			<key>AppStoreVendable</key>
                			<true/>
                			<key>BetaApp</key>
                			<false/>
                			<key>BundleSize</key>
                			<integer>{412_000_000 + app}</integer>
                			<key>DeviceBasedVPP</key>
                			<true/>
                			<key>DynamicSize</key>
                			<integer>8192</integer>
                			<key>ExternalVersionIdentifier</key>
                			<integer>{850_000_000 + app}</integer>
                			<key>HasUpdateAvailable</key>
                			<false/>
                			<key>Identifier</key>
                			<string>com.example.app{app}</string>
                			<key>Installing</key>
                			<false/>
                			<key>IsAppClip</key>
                			<false/>
                			<key>IsValidated</key>
                			<true/>
                			<key>Name</key>
                			<string>Example App {app}</string>
                			<key>ShortVersion</key>
                			<string>{version}</string>
                			<key>Version</key>
                			<string>{version}.1{app}</string>
                		</dict>

                """);
        }

        return text.Append("\t</array>\n").ToString();
    }

    /// <summary>One of the two kinds of command, and what its rounds took.</summary>
    private sealed record Side(string RequestType, JsonObject Keys, string Answer)
    {
        public double Seconds { get; private set; }
        public double Cpu { get; private set; }

        public void Add(Report.Phase? phase)
        {
            if (phase!.Load.Measurement.Failures > 0) throw new LoadException($"iPads were refused: {ScenarioRun.Statuses(phase.Load.Measurement)}.");
            Seconds += phase.Load.Seconds;
            Cpu += phase.Spent.ServerSeconds + phase.Spent.DatabaseSeconds;
        }
    }
}
