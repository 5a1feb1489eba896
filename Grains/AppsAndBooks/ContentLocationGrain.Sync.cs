using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.AppsAndBooks;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.AppsAndBooks;

// What Apple says of a location (step 5 of a round):
//
//   assets       all pages; read anew when the version changes between two of them. What a whole read does not list is gone
//   names        of what is new, and of the rest once a month. Names are for people: without them the licences go on
//   assignments  once a day all pages, else what is new since the version of the first page. Only a whole read says what is gone

internal sealed partial class ContentLocationGrain
{
    private static readonly TimeSpan LicencesEvery = TimeSpan.FromDays(1);
    private static readonly TimeSpan NamesEvery = TimeSpan.FromDays(30);

    private const int MostNewReads = 3;
    private const int MostNames = 50;

    private async Task<ContentLocation> Sync(ContentLocation location, string token, bool all, DateTimeOffset began, CancellationToken stopping)
    {
        await Assets(token, began, stopping);
        await Names(location, token, began, stopping);
        var whole = all || location.SinceVersion is null || location.LicencesAt is not { } read || began - read >= LicencesEvery || read > began;
        string? version;
        bool complete;
        try
        {
            (version, complete) = await Assignments(token, whole ? null : location.SinceVersion, began, stopping);
        }
        catch (ContentException e) when (e.Number is 9721 && !whole)
        {
            whole = true;
            (version, complete) = await Assignments(token, null, began, stopping);
        }

        // What was bought meanwhile is for those who wait.
        await store.Retry(Id, all: false, clock.GetUtcNow());
        if (await store.Load(Id) is not { } latest) return location;
        var next = latest with { AssetsAt = began, SinceVersion = version ?? latest.SinceVersion, LicencesAt = whole && complete ? began : latest.LicencesAt };
        await store.Save(latest, next);
        if (whole && complete) LogRead(Id, location.Name);
        return await store.Load(Id) ?? next;
    }

    /// <summary>Only what notifications told of: counts of these apps, and who has a licence since.</summary>
    private async Task<ContentLocation> Hear(ContentLocation location, ContentHeard heard, string token, DateTimeOffset began, CancellationToken stopping)
    {
        if (heard.Apps.Count == 0 && !heard.Given) return location;
        await Recount(heard.Apps, [], token, stopping);
        var standing = location;
        if (heard.Given && location.SinceVersion is { } since)
        {
            try
            {
                var (version, _) = await Assignments(token, since, began, stopping);
                if (await store.Load(Id) is not { } latest) return location;
                var next = latest with { SinceVersion = version ?? latest.SinceVersion };
                await store.Save(latest, next);
                standing = await store.Load(Id) ?? next;
            }
            catch (ContentException e) when (e.Number is 9721)
            {
                standing = await ReadWholeNext(location);
            }
        }

        // What was bought meanwhile is for those who wait.
        await store.Retry(Id, all: false, clock.GetUtcNow());
        return standing;
    }

    /// <summary>The next read of the location is one of all licences: what is gone, only that tells.</summary>
    private async Task<ContentLocation> ReadWholeNext(ContentLocation location)
    {
        if (location.LicencesAt is null || await store.Load(Id) is not { } latest) return location;
        await store.Save(latest, latest with { LicencesAt = null });
        return await store.Load(Id) ?? location;
    }

    /// <summary>All that the location owns. It is read anew when it changes meanwhile.</summary>
    private async Task Assets(string token, DateTimeOffset began, CancellationToken stopping)
    {
        var generation = began.ToUnixTimeMilliseconds();
        for (var attempt = 1; ; attempt++)
        {
            string? version = null;
            var changed = false;
            int? next = 0;
            for (var pages = 0; next is { } page && pages < MostPages && !changed; pages++)
            {
                ContentPage<ContentAsset> told;
                await _budget.Take(stopping);
                try
                {
                    told = await apple.Assets(token, page, null, stopping);
                }
                catch (ContentException e) when (e.Number == 9650 && page > 0)
                {
                    changed = true;
                    break;
                }

                version ??= told.Version;
                changed = told.Version != version;
                await store.WriteAssets(Id, told.Items, generation, clock.GetUtcNow());
                next = told.Next > page ? told.Next : null;
            }

            if (!changed && next is null)
            {
                await store.EndAssets(Id, generation);
                return;
            }

            // Somebody buys and gives all the time: what was read counts, and nothing is taken for gone.
            if (attempt >= MostNewReads) return;
        }
    }

    private async Task Names(ContentLocation location, string token, DateTimeOffset now, CancellationToken stopping)
    {
        if (_limits?.Lookup is not { } lookup || location.Country is not { Length: 2 } country) return;
        try
        {
            for (var batch = 0; batch < MostBatches && await store.ListNameless(Id, now - NamesEvery, MostNames) is { Count: > 0 } nameless; batch++)
            {
                await _budget.Take(stopping);
                var names = (await apple.Names(token, lookup, country, nameless, stopping)).DistinctBy(one => one.AdamId).ToDictionary(one => one.AdamId, StringComparer.Ordinal);
                // One that was withdrawn is not in the store any more, and is shown by its number.
                await store.WriteNames(Id, [.. nameless.Select(adam => names.TryGetValue(adam, out var known) ? (adam, known.Name, known.BundleId) : (adam, null, null))], now);
            }
        }
        catch (ContentException e)
        {
            // Names are for people: the licences go on. They are asked for with the next turn.
            LogNames(Id, e.Message);
        }
    }

    /// <param name="since">Null: all are read.</param>
    /// <returns>The version of the first page: what changed while it was read comes with the next turn. And whether all was read as it stood: else nothing is taken for gone, and it is read as a whole with the next turn.</returns>
    private async Task<(string? Version, bool Whole)> Assignments(string token, string? since, DateTimeOffset began, CancellationToken stopping)
    {
        long? generation = since is null ? began.ToUnixTimeMilliseconds() : null;
        string? version = null;
        var changed = false;
        var due = 0L;
        int? next = 0;
        for (var pages = 0; next is { } page && pages < MostPages; pages++)
        {
            await _budget.Take(stopping);
            ContentPage<(string, string, string)> told;
            try
            {
                told = await apple.Assignments(token, page, since, null, null, stopping);
            }
            catch (ContentException e) when (e.Number == 9650 && page > 0)
            {
                // There are fewer pages than there were.
                return (version, false);
            }

            version ??= told.Version;
            changed |= told.Version != version;
            due += await store.TakeLicences(Id, told.Items, generation, clock.GetUtcNow());
            next = told.Next > page ? told.Next : null;
        }

        var complete = next is null && !changed;
        if (generation is { } read && complete) await store.EndLicences(Id, read, began);
        if (due > 0) await GrainFactory.GetGrain<IPlanGrain>(0).Changed();
        return (version, complete);
    }

    [LoggerMessage(2609, LogLevel.Information, "Apps and Books, location {Id} ({Location}): all that Apple says of it is here")]
    private partial void LogRead(string id, string location);

    [LoggerMessage(2611, LogLevel.Information, "Apps and Books, location {Id}: {Why} Apps keep the names that they have")]
    private partial void LogNames(string id, string why);
}
