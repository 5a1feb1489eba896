using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Api.Automated;

/// <summary>Server tokens that end, services that Apple refuses, iPads whose profile fails or that were let go without everything.</summary>
internal sealed class AutomatedAttention(IAutomatedStore store, IAutomatedHoldStore holds, TimeProvider time) : IAttention
{
    private const int OrderOfServers = 5;
    private const int OrderOfDevices = 45;

    /// <summary>Said from the first of these days on; from the second on it is urgent.</summary>
    private const int SoonDays = 30, UrgentDays = 7;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        if (!reader.IsOfDistrict || !reader.May(Rights.AutomatedRead)) return [];
        var items = new List<AttentionItem>();
        var rows = await store.ListServers(reader.Scope);
        foreach (var row in rows)
        {
            var (server, path) = (row.Server, $"/automated/servers/{row.Server.Id}");
            // What Apple cannot answer for a few minutes mends itself.
            if (server.Problem is not (AutomatedProblem.None or AutomatedProblem.Unreachable) || server.Failures >= 5)
                items.Add(new AttentionItem(OrderOfServers, null, $"Automated enrolment, {server.Name}: {server.ProblemDetail}", path, server.Problem is not (AutomatedProblem.Unreachable or AutomatedProblem.ProfileRefused)));
            else if (server.TokenExpiresAt is { } ends && Left(ends) is <= SoonDays and var days)
                items.Add(new AttentionItem(OrderOfServers, days, $"{(days == 1 ? "day" : "days")} until the server token of {server.Name} ends", path, days <= UrgentDays));
        }

        if (rows.Count == 0) return items;
        var failed = (await store.Count(reader.Scope)).Where(one => one.State == AutomatedState.Failed).Sum(one => one.Count);
        if (failed > 0) items.Add(new AttentionItem(OrderOfDevices, failed, "enrolment profiles that Apple did not assign", "/automated/devices?state=failed"));
        if ((await holds.Count(reader.Scope)).Incomplete is > 0 and var incomplete)
            items.Add(new AttentionItem(OrderOfDevices, incomplete, $"{(incomplete == 1 ? "iPad that was" : "iPads that were")} let go from Setup Assistant without everything", "/automated/held?state=letGoIncomplete"));
        var moving = await store.CountMigrations(reader.Scope, time.GetUtcNow(), AutomatedMigrations.LastDays, AutomatedMigrations.NextDays, AutomatedMigrations.FirstDays);
        if (moving.Late > 0)
            items.Add(new AttentionItem(OrderOfServers, moving.Late, $"{IPads(moving.Late)} that should have come by migration by now", "/automated/devices?migration=late", Urgent: true));
        // The nearest one: those of later days are on the same list.
        (int Days, long Count)[] near = [(AutomatedMigrations.LastDays, moving.Within[0]), (AutomatedMigrations.NextDays, moving.Within[1]), (AutomatedMigrations.FirstDays, moving.Within[2])];
        if (Array.Find(near, one => one.Count > 0) is { Count: > 0 and var coming, Days: var left })
        {
            items.Add(new AttentionItem(
                OrderOfDevices, coming, $"{IPads(coming)} that {(coming == 1 ? "has" : "have")} to come by migration within {(left == 1 ? "a day" : $"{left} days")}", "/automated/devices?migration=comes",
                Urgent: left == AutomatedMigrations.LastDays));
        }

        if (moving.Leaves > 0)
            items.Add(new AttentionItem(OrderOfDevices, moving.Leaves, $"{IPads(moving.Leaves)} enrolled here and assigned elsewhere", "/automated/devices?migration=leaves"));
        return items;
    }

    private static string IPads(long count) => count == 1 ? "iPad" : "iPads";

    private int Left(DateTimeOffset ends) => Math.Max(0, (int)Math.Floor((ends - time.GetUtcNow()).TotalDays));
}
