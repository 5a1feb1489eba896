using System.Diagnostics;
using FleetMdm.LoadTests.Driver;
using FleetMdm.LoadTests.Servers;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace FleetMdm.LoadTests.Scenarios;

/// <summary>
/// Filters with three conditions over a large fleet: the first page by REST, and the count, which the console shows beside it and an operation asks for, by
/// the store, since REST has none. Nothing else happens meanwhile.
/// </summary>
internal static class FilterScenario
{
    private const int Rounds = 15, WarmUps = 5;
    private const int OnPage = 50;

    private static readonly (string What, string Filter)[] Filters =
    [
        ("old, supervised, all but full", "os<17.5 and supervised and storageFree<2GB"),
        ("silent and empty in one school", $"school:\"{District.School}\" and lastSeen>7d and battery<20"),
        ("one model that lacks an app", $"missingApp:{District.App} and model:{District.Model} and not supervised"),
        ("new, enrolled, with an app", $"hasApp:{District.App} and status:enrolled and os>=18"),
        ("next to none", "storageFree<0.1GB and battery<5 and not supervised"),
    ];

    public static async Task Run(ScenarioRun run)
    {
        await using var bed = await TestBed.Start(run.Options);
        if (bed.Postgres is null) throw new LoadException("filter needs a PostgreSQL that is started here.");
        var rows = Math.Max(run.Options.Rows, run.IPads(500_000));
        run.Say($"filling the database with {rows:N0} iPads and their apps");
        await District.Fill(bed.ConnectionString, rows);
        // As docs/performance.md tells operators with an SSD.
        await using (var source = NpgsqlDataSource.Create(bed.ConnectionString))
        await using (var command = source.CreateCommand("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET random_page_cost = 1.1', current_database()); END $$"))
            await command.ExecuteNonQueryAsync();
        NpgsqlConnection.ClearAllPools();
        await bed.Restart();
        await using var services = new ServiceCollection()
            .AddFleetStorage(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Storage:Provider"] = "PostgreSQL",
                ["Storage:ConnectionString"] = bed.ConnectionString,
                ["Secrets:MasterKey"] = bed.MasterKey,
            }).Build())
            .BuildServiceProvider();
        var fleet = services.GetRequiredService<IFleetQueries>();
        using var connection = new HttpConnection(new HttpTarget(bed.Url), 0);
        foreach (var (what, text) in Filters)
        {
            run.Say($"filter: {what}");
            var page = ScenarioRun.AdminGet(bed, $"/api/v1/devices?limit={OnPage}&filter={Uri.EscapeDataString(text)}");
            var byName = ScenarioRun.AdminGet(bed, $"/api/v1/devices?limit={OnPage}&sort=name&filter={Uri.EscapeDataString(text)}");
            var filter = new DeviceFilter { Expression = DeviceExpression.Parse(text, TimeProvider.System.GetUtcNow()) };
            var (pages, named, counts) = (new List<double>(), new List<double>(), new List<double>());
            var count = 0L;
            for (var i = -WarmUps; i < Rounds; i++)
            {
                var (first, inOrder) = (Ask(page), Ask(byName));
                var began = Stopwatch.GetTimestamp();
                count = await fleet.Count(Scope.District, filter);
                var counted = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
                if (i < 0) continue;
                pages.Add(first);
                named.Add(inOrder);
                counts.Add(counted);
            }

            pages.Sort();
            named.Sort();
            counts.Sort();
            run.Report.Add($"{what}: found of {rows:N0}", count, "");
            run.Report.Add($"{what}: first page of {OnPage}, median", pages[Rounds / 2], "ms");
            run.Report.Add($"{what}: the same by name, as the console has it", named[Rounds / 2], "ms");
            run.Report.Add($"{what}: count, median", counts[Rounds / 2], "ms");
            run.Report.Check($"{what}: something is found", count > 0);

            double Ask(byte[] request)
            {
                var began = Stopwatch.GetTimestamp();
                return connection.Send(request).Status == 200
                    ? Stopwatch.GetElapsedTime(began).TotalMilliseconds
                    : throw new LoadException($"The filter {text} was not answered 200.");
            }
        }
    }
}
