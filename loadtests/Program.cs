using FleetMdm.LoadTests;
using FleetMdm.LoadTests.Report;
using FleetMdm.LoadTests.Scenarios;
using FleetMdm.LoadTests.Servers;
using Spectre.Console;

if (args is [BareServer.Bare or BareServer.AdoNet, ..]) return await BareServer.Run(args);
if (args is ["-h" or "--help" or "help", ..])
{
    Console.WriteLine(LoadOptions.Usage);
    return 0;
}

try
{
    var options = LoadOptions.Parse(args);
    Leftovers.RemoveWhenStopped();
    Func<ScenarioRun, Task> scenario = options.Scenario switch
    {
        "idle" => IdleScenario.Run,
        "cycle" => CycleScenario.Run,
        "enqueue" => EnqueueScenario.Run,
        "enrol" => EnrolScenario.Run,
        "scep" => ScepScenario.Run,
        "morning" => MorningScenario.Run,
        "exam" => ExamScenario.Run,
        "push" => PushScenario.Run,
        "soak" => SoakScenario.Run,
        "overload" => OverloadScenario.Run,
        "storm" => StormScenario.Run,
        "inventory" => InventoryScenario.Run,
        "filter" => FilterScenario.Run,
        "export" => ExportScenario.Run,
        "automated" => AutomatedScenario.Run,
        "licences" => LicencesScenario.Run,
        "declarations" => DeclarationsScenario.Run,
        _ => throw new LoadException($"There is no scenario {options.Scenario}; --help lists them."),
    };
    var report = new ScenarioReport(options.Scenario, string.Join(' ', args.Skip(1)));
    if (Console.IsOutputRedirected)
    {
        // No terminal: a line for each step, not for each count.
        await scenario(new ScenarioRun(options, report, what => Console.Error.WriteLine($"{options.Scenario}: {what}"), counts: false));
    }
    else
    {
        await AnsiConsole.Status().StartAsync(options.Scenario, status =>
            scenario(new ScenarioRun(options, report, what => status.Status(Markup.Escape($"{options.Scenario}: {what}")))));
    }

    ConsoleReport.Write(report);
    if (options.Json is { } json) JsonReport.Write(report, json);
    if (options.Html is { } html) HtmlReport.Write(report, html);
    return report.AllHold ? 0 : 1;
}
catch (Exception) when (Leftovers.AreBeingRemoved)
{
    // The process ends when they are.
    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
    throw;
}
catch (Exception e) when (e is LoadException or InvalidOperationException or IOException or HttpRequestException or FleetMdm.VirtualFleet.Administration.AdminException)
{
    await Console.Error.WriteLineAsync($"loadtests: {e.Message}");
    return e is LoadException ? 2 : 1;
}
