using System.Collections.Concurrent;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.Silo.Demo;

/// <summary>
/// Compares what the server says with what the iPads know. A command is lost when the server accepted it and the two sides do not
/// agree on what became of it: it ran exactly once and was acknowledged, or failed where the story wants that, or still waits for
/// an iPad that sleeps. It is lost too when an iPad's report was answered 2xx and the server's history does not show it.
/// </summary>
internal sealed record DemoAudit
{
    /// <summary>Devices read at the same time; the server limits its administrators.</summary>
    private const int ReadAtOnce = 4;

    /// <summary>Enrolled by the server's list and by the iPads' own account.</summary>
    public required int Enrolled { get; init; }
    public required int Expected { get; init; }

    /// <summary>Commands that both sides say were acknowledged.</summary>
    public required long Acknowledged { get; init; }

    /// <summary>Commands that wait, on purpose: their iPads sleep or say NotNow.</summary>
    public required long Waiting { get; init; }

    /// <summary>Commands that failed, on purpose.</summary>
    public required long Failed { get; init; }

    /// <summary>All commands in the server's answers, by their state.</summary>
    public required IReadOnlyDictionary<string, long> ByState { get; init; }

    /// <summary>One sentence each.</summary>
    public required IReadOnlyList<string> Lost { get; init; }

    /// <summary>Breaches of Apple's rules that the iPads saw.</summary>
    public required IReadOnlyCollection<string> Violations { get; init; }

    public bool Holds => Enrolled == Expected && Lost.Count == 0 && Violations.Count == 0;

    public static async Task<DemoAudit> TakeAsync(DemoStory story, CancellationToken cancellation)
    {
        var known = (await story.Admin.ListDevicesAsync("Enrolled", cancellation))
            .Select(device => device["id"]!.GetValue<string>()).ToHashSet(StringComparer.Ordinal);
        var accepted = story.Accepted.ToLookup(command => command.Udid, StringComparer.Ordinal);
        var lost = new ConcurrentQueue<string>();
        var states = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        long acknowledged = 0, waiting = 0, failed = 0;
        await Parallel.ForEachAsync(story.Fleet.IPads,
            new ParallelOptions { MaxDegreeOfParallelism = ReadAtOnce, CancellationToken = cancellation },
            async (ipad, token) =>
            {
                var commands = await story.Admin.ListCommandsAsync(ipad.Udid, token);
                foreach (var command in commands)
                    states.AddOrUpdate(command.State, 1, static (_, count) => count + 1);
                var agreed = Compare(ipad, commands, accepted[ipad.Udid]);
                Interlocked.Add(ref acknowledged, agreed.Acknowledged);
                Interlocked.Add(ref waiting, agreed.Waiting);
                Interlocked.Add(ref failed, agreed.Failed);
                foreach (var difference in agreed.Differences)
                    lost.Enqueue($"{ipad.Udid}: {difference}");
            });
        return new DemoAudit
        {
            Enrolled = story.Fleet.IPads.Count(ipad => ipad.IsEnrolled && known.Contains(ipad.Udid)),
            Expected = story.Count + DemoOutOfTheBox.Count,
            Acknowledged = acknowledged,
            Waiting = waiting,
            Failed = failed,
            ByState = states,
            Lost = [.. lost],
            Violations = story.Fleet.Violations,
        };
    }

    /// <summary>One iPad: on how many commands both sides agree, and where they differ.</summary>
    private static Agreement Compare(VirtualIPad ipad, IReadOnlyList<CommandInfo> commands, IEnumerable<AcceptedCommand> accepted)
    {
        var differences = new List<string>();
        if (ipad.Journal.Dropped > 0)
            differences.Add($"the journal lost {ipad.Journal.Dropped} entries, so nothing can be said about them");
        var byUuid = commands.ToDictionary(command => command.CommandUuid, StringComparer.OrdinalIgnoreCase);
        var reported = ipad.Journal.Commands.Where(record => record.Channel == "device").ToDictionary(record => record.CommandUuid, StringComparer.OrdinalIgnoreCase);
        long acknowledged = 0, waiting = 0, failed = 0;
        foreach (var record in reported.Values.Where(record => record.AcceptedReports > 0))
        {
            var state = byUuid.GetValueOrDefault(record.CommandUuid)?.State ?? "nothing";
            if (state != record.AcceptedStatus)
                differences.Add($"{record.RequestType} {record.CommandUuid} was reported {record.AcceptedStatus} and taken, but the server shows {state}");
            else if (state == "Acknowledged" && record.Executed == 1)
                acknowledged++;
        }
        foreach (var order in accepted)
        {
            var command = $"{order.RequestType} {order.CommandUuid}";
            var record = reported.GetValueOrDefault(order.CommandUuid);
            var status = order.Outcome == Outcome.Fails ? "Error" : "Acknowledged";
            if (order.Outcome == Outcome.Waits)
            {
                var known = byUuid.GetValueOrDefault(order.CommandUuid);
                if (known is { Finished: false } && record is null or { Executed: 0 })
                    waiting++;
                else
                    differences.Add($"{command} should wait for the iPad, but the server shows {known?.State ?? "nothing"} and it ran {record?.Executed ?? 0} times");
            }
            else if (record is not { AcceptedReports: > 0 })
                differences.Add($"{command} was accepted, but the iPad never had a report on it taken");
            else if (record.Executed != 1 || record.AcceptedStatus != status || record.LastStatus != status)
                differences.Add($"{command} ran {record.Executed} times and was last reported {record.LastStatus}");
            else if (order.Outcome == Outcome.Fails)
                failed++;
        }
        return new Agreement(acknowledged, waiting, failed, differences);
    }

    private sealed record Agreement(long Acknowledged, long Waiting, long Failed, IReadOnlyList<string> Differences);
}
