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
        return items;
    }

    private int Left(DateTimeOffset ends) => Math.Max(0, (int)Math.Floor((ends - time.GetUtcNow()).TotalDays));
}
