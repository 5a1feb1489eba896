using System.Globalization;
using FleetMdm.VirtualFleet;
using Spectre.Console;

namespace FleetMdm.Silo.Demo;

/// <summary>The tables at the end of the demo.</summary>
internal static class DemoReport
{
    /// <summary>Enough to see what kind of trouble it is.</summary>
    private const int MostTroubles = 10;

    public static void Print(DemoAudit audit, DemoStory story)
    {
        var measured = story.Fleet.Measurements;
        Console.WriteLine();
        Write("iPads", [("enrolled", Number(audit.Enrolled)), ("expected", Number(audit.Expected))]);
        Write("Commands by state", [.. audit.ByState.OrderByDescending(state => state.Value).Select(state => (state.Key, Number(state.Value)))]);
        Write("Pushes by result",
        [
            ("accepted", Number(story.Apns.Statistics.Accepted)),
            .. story.Apns.Statistics.Refused.OrderByDescending(refused => refused.Value).Select(refused => (refused.Key, Number(refused.Value))),
        ]);
        Write("HTTP answers to iPads",
        [
            .. measured.AnswersByStatus.OrderBy(status => status.Key).Select(status => (status.Key.ToString(CultureInfo.InvariantCulture), Number(status.Value))),
            .. measured.NoAnswer > 0 ? [("none", Number(measured.NoAnswer))] : Array.Empty<(string, string)>(),
        ]);
        WriteLatencies([measured.Enrolment, measured.Request, measured.PushToConnect, measured.EnqueueToAcknowledged]);
        if (audit.Waiting + audit.Failed > 0)
        {
            Write("On purpose",
            [
                ("iPads that sleep", Number(story.Those(DemoPart.Sleeps))),
                ("iPads that say NotNow", Number(story.Those(DemoPart.SaysNotNow))),
                ("commands that wait for them", Number(audit.Waiting)),
                ("iPads that cannot install profiles", Number(story.Those(DemoPart.Fails))),
                ("iPads left out, since they are not supervised", Number(story.LeftOut)),
                ("commands that failed", Number(audit.Failed)),
            ]);
        }
        WriteTroubles("Lost", audit.Lost);
        WriteTroubles("Against Apple's rules", [.. audit.Violations]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"demo: {audit.Enrolled} iPads enrolled, {audit.Acknowledged} commands acknowledged, {audit.Lost.Count} lost"));
    }

    /// <summary>Says where to look around, and waits for Ctrl-C.</summary>
    public static async Task ServeOnAsync(DemoServer server, DemoStory story)
    {
        Console.WriteLine();
        Console.WriteLine("The server and the iPads go on until Ctrl-C. The certificate is from the server's own CA, so your browser will warn.");
        if (story.Those(DemoPart.SaysNotNow) > 0)
            Console.WriteLine($"The iPads that say NotNow are unlocked in {DemoStory.UnlockedAfter.TotalMinutes:0} minutes. They take their commands with the next push, within an hour; \"Send push\" on their page does it at once.");
        Console.WriteLine($"  Console           {server.Url}");
        Console.WriteLine($"  API documentation {server.Url}docs");
        Console.WriteLine($"  Dashboard         {server.Url}orleans/");
        Console.WriteLine($"  Token             {server.Token}");
        Console.WriteLine($"  Log               {Path.Combine(server.Folder, "server.log")}");
        Console.WriteLine("Look at:");
        Console.WriteLine($"  a profile that is installed on some iPads, waits for some, and failed on some   {server.Url}profiles/{story.RulesId}/ipads");
        Console.WriteLine($"  an assignment: which iPads have it, and why others do not                       {server.Url}assignments/{story.AssignmentId}");
        Console.WriteLine($"  an exam that is over: who was locked, who was not, and why                      {server.Url}exams/{story.ExamId}?state=all");
        Console.WriteLine($"  iPads whose storage is all but full, found by a filter                          {server.Url}ipads?filter={Uri.EscapeDataString("storageFree<2GB")}");
        Console.WriteLine($"  three schools with people, and an iPad on loan                                  {server.Url}loans");
        Console.WriteLine($"  iPads that enrolled out of the box                                              {server.Url}automated/held");
        Console.WriteLine($"  the apps of one iPad                                                            {server.Url}ipads/{Uri.EscapeDataString(story.Example)}/apps");
        var unlocking = story.UnlockLaterAsync(server.Stopping);
        await server.WaitForShutdownAsync();
        await unlocking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static void Write(string title, IReadOnlyList<(string Name, string Value)> rows)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn(title).AddColumn(new TableColumn("").RightAligned());
        foreach (var (name, value) in rows)
            table.AddRow(Markup.Escape(name), value);
        AnsiConsole.Write(table);
    }

    private static void WriteLatencies(IReadOnlyList<Latency> latencies)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("Latency");
        foreach (var heading in (ReadOnlySpan<string>)["count", "p50", "p99", "max"])
            table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (var latency in latencies)
            table.AddRow(latency.Name, Number(latency.Count), Milliseconds(latency.At(50)), Milliseconds(latency.At(99)), Milliseconds(latency.Highest));
        AnsiConsole.Write(table);
    }

    private static void WriteTroubles(string title, IReadOnlyList<string> troubles)
    {
        if (troubles.Count == 0)
            return;
        Console.WriteLine($"{title}:");
        foreach (var trouble in troubles.Take(MostTroubles))
            Console.WriteLine($"  {trouble}");
        if (troubles.Count > MostTroubles)
            Console.WriteLine($"  and {troubles.Count - MostTroubles} more");
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:N1} ms");
}
