using FleetMdm.Api.Access;
using FleetMdm.Api.Console;
using FleetMdm.Storage.AppsAndBooks;

namespace FleetMdm.Api.AppsAndBooks;

/// <summary>Content tokens that end, locations that Apple refuses or another server has claimed, and apps that have run out.</summary>
internal sealed class ContentAttention(IContentStore store, TimeProvider time) : IAttention
{
    private const int OrderOfLocations = 5;
    private const int OrderOfApps = 46;

    /// <summary>Said from the first of these days on; from the second on it is urgent.</summary>
    private const int SoonDays = 30, UrgentDays = 7;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        if (!reader.IsOfDistrict || !reader.May(Rights.AutomatedRead)) return [];
        var items = new List<AttentionItem>();
        var rows = await store.ListLocations(reader.Scope);
        foreach (var row in rows)
        {
            var (location, path) = (row.Location, $"/apps-and-books/locations/{row.Location.Id}");
            // What Apple cannot answer for a few minutes mends itself.
            if (location.Problem is not (ContentProblem.None or ContentProblem.Unreachable or ContentProblem.Throttled) || location.Failures >= 5)
                items.Add(new AttentionItem(OrderOfLocations, null, $"Apps and Books, {location.Name}: {location.ProblemDetail}", path, location.Problem is not (ContentProblem.Unreachable or ContentProblem.Throttled)));
            else if (Left(location.TokenExpiresAt) is <= SoonDays and var days)
                items.Add(new AttentionItem(OrderOfLocations, days, $"{(days == 1 ? "day" : "days")} until the content token of {location.Name} ends", path, days <= UrgentDays));
        }

        if (rows.Sum(row => row.Short) is > 0 and var missing) items.Add(new AttentionItem(OrderOfApps, missing, $"{(missing == 1 ? "app has" : "apps have")} too few licences", "/apps-and-books?short=true"));
        return items;
    }

    private int Left(DateTimeOffset ends) => Math.Max(0, (int)Math.Floor((ends - time.GetUtcNow()).TotalDays));
}
