using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.AppsAndBooks;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.AppsAndBooks;

// Licences of a location that is claimed (steps 3, 4 and 7 of a round; the rules are LicencePart). Each request to Apple is written down before it is made, and again when Apple has said under which id.

internal sealed partial class ContentLocationGrain
{
    private const int MostLost = 2_000;
    private const int MostSettled = 500;

    /// <summary>Then the next round looks first what became of what was asked for: those iPads wait.</summary>
    private static readonly TimeSpan LongestWork = TimeSpan.FromSeconds(30);

    /// <summary>Of so few Apple is asked one by one, else for all of the app.</summary>
    private const int FewSerials = 20;

    private async Task Lost(string token, CancellationToken stopping)
    {
        var lost = await store.ListLost(Id, MostLost);
        if (lost.Count == 0) return;
        LogLost(Id, lost.Count);
        var answers = await Sighted(lost, token, stopping);
        await Recount(lost.Select(one => one.AdamId), [], token, stopping);
        await Tell(answers);
        await store.Retry(Id, all: false, clock.GetUtcNow());
    }

    /// <summary>What became of them, by Apple's list.</summary>
    private async Task<IReadOnlyList<LicenceAnswer>> Sighted(IReadOnlyList<ContentLicence> licences, string token, CancellationToken stopping)
    {
        var there = new HashSet<(string, string, string)>();
        foreach (var group in licences.GroupBy(one => one.AdamId))
        {
            if (group.Count() <= FewSerials)
            {
                foreach (var one in group) await Read(one.AdamId, one.SerialNumber);
            }
            else
            {
                await Read(group.Key, null);
            }
        }

        return [.. licences.Select(one => LicencePart.BySight(one, there.Contains((one.AdamId, one.Pricing, one.SerialNumber)), clock.GetUtcNow()))];

        async Task Read(string adam, string? serial)
        {
            int? next = 0;
            for (var pages = 0; next is { } page && pages < MostPages; pages++)
            {
                await _budget.Take(stopping);
                var told = await apple.Assignments(token, page, null, adam, serial, stopping);
                there.UnionWith(told.Items);
                next = told.Next > page ? told.Next : null;
            }
        }
    }

    /// <summary>Requests of which it is known what became of them: Apple goes on to tell of them for minutes.</summary>
    private readonly HashSet<string> _settled = new(StringComparer.Ordinal);
    private readonly Queue<string> _settledInOrder = [];

    /// <param name="told">Of which a notification said that they have ended.</param>
    private async Task Events(string token, IReadOnlySet<string> told, CancellationToken stopping)
    {
        var recounted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var happening in await store.ListEvents(Id))
        {
            var licences = await store.ListOfEvent(Id, happening.EventId);
            var now = clock.GetUtcNow();
            if (licences.Count == 0 || (!told.Contains(happening.EventId) && licences.Min(one => one.NextAt) > now)) continue;
            IReadOnlyList<LicenceAnswer>? answers;
            try
            {
                await _budget.Take(stopping);
                answers = LicencePart.Answer(await apple.Status(token, happening.EventId, stopping), licences, happening.Since, clock.GetUtcNow(), Random.Shared.NextDouble());
            }
            catch (ContentException e) when (e.Number == 9708 || (e is { Refused: true, Problem: ContentProblem.Unexpected } && now - happening.Since >= LicencePart.LooksFor))
            {
                // Apple does not know the request: its list tells.
                answers = [];
            }
            catch (ContentException e) when (e is { Refused: true, Problem: ContentProblem.Unexpected })
            {
                // One request that Apple does not speak of holds up no other.
                answers = null;
            }

            if (answers is null)
            {
                await store.Postpone(Id, happening.EventId, LicencePart.LookAgainAt(happening.Since, clock.GetUtcNow()));
                continue;
            }

            if (answers.Count == 0) answers = await Sighted(licences, token, stopping);
            await Recount(licences.Select(one => one.AdamId), recounted, token, stopping);
            await Tell(answers);
            if (_settled.Add(happening.EventId)) _settledInOrder.Enqueue(happening.EventId);
            if (_settledInOrder.Count > MostSettled) _settled.Remove(_settledInOrder.Dequeue());
        }

        // What was given back is for those who wait.
        if (recounted.Count > 0) await store.Retry(Id, all: false, clock.GetUtcNow());
    }

    /// <summary>Writes what became of licences, and has the iPads woken whose app can be installed now.</summary>
    private async Task Tell(IReadOnlyList<LicenceAnswer> answers)
    {
        if (answers.Count == 0) return;
        lease.Check();
        var due = await store.Settle(Id, answers, clock.GetUtcNow());
        metrics.Given.Add(answers.Count(one => one is { State: LicenceState.Held, Gone: false }));
        metrics.Returned.Add(answers.Count(one => one.Gone));
        metrics.Refused.Add(answers.Count(one => one.State != LicenceState.Held));
        LogSettled(Id, answers.Count(one => one is { State: LicenceState.Held, Gone: false }), answers.Count(one => one.Gone), answers.Count(one => one.State != LicenceState.Held));
        // What went back may be wanted again by now.
        if (answers.Any(one => one.Gone)) _review = true;
        if (due > 0) await GrainFactory.GetGrain<IPlanGrain>(0).Changed();
    }

    /// <summary>Counts apps anew, before what became of their licences is written: what is decided next, is decided by it.</summary>
    /// <param name="counted">Those that were counted in this round.</param>
    private async Task Recount(IEnumerable<string> apps, HashSet<string> counted, string token, CancellationToken stopping)
    {
        foreach (var adam in apps.Where(counted.Add))
        {
            await _budget.Take(stopping);
            var page = await apple.Assets(token, 0, adam, stopping);
            await store.WriteAssets(Id, page.Items, 0, clock.GetUtcNow());
        }
    }

    private async Task Licences(string token, CancellationToken stopping)
    {
        var began = clock.GetTimestamp();
        for (var batch = 0; batch < MostBatches; batch++)
        {
            var now = clock.GetUtcNow();
            var work = await store.ListWork(Id, now);
            if (work.Count == 0) return;
            foreach (var (asset, state, count) in work)
            {
                // Another node may have the location by now.
                stopping.ThrowIfCancellationRequested();
                lease.Check();
                if (clock.GetElapsedTime(began) >= LongestWork)
                {
                    _again = true;
                    return;
                }

                var gives = state == LicenceState.Wanted;
                if (gives && asset.Available == 0)
                {
                    await store.Refuse(Id, asset.AdamId, asset.Pricing, asset.Total == 0 ? "The location does not own this app." : LicencePart.NoneLeftWords(count), now + Cadence, now);
                    continue;
                }

                var most = (int)Math.Min(_limits!.MaxSerials, gives ? asset.Available : long.MaxValue);
                await Change(asset, state, await store.ListDueLicences(Id, asset.AdamId, asset.Pricing, state, now, most), token, stopping);
            }
        }
    }

    private async Task Change(ContentAsset asset, LicenceState state, IReadOnlyList<string> due, string token, CancellationToken stopping)
    {
        if (due.Count == 0) return;
        var to = state == LicenceState.Wanted ? LicenceState.Asked : LicenceState.Returning;
        await _budget.Take(stopping);
        var asked = clock.GetUtcNow();
        // Whoever dies from here on has left word. What another node has asked for meanwhile is its own.
        var serials = await store.Ask(Id, asset.AdamId, asset.Pricing, to, due, asked);
        if (serials.Count == 0) return;
        try
        {
            var happening = await apple.Change(token, state == LicenceState.Wanted, asset.AdamId, asset.Pricing, serials, stopping);
            // Apple works on it from now on: what was written before it was asked may have taken its time.
            var taken = clock.GetUtcNow();
            await store.SetEvent(Id, asset.AdamId, asset.Pricing, to, serials, happening, LicencePart.LookAgainAt(taken, taken));
            LogAsked(Id, to, asset.AdamId, serials.Count, happening);
        }
        catch (ContentException e) when (e.Refused)
        {
            var now = clock.GetUtcNow();
            // Nothing was done. What is not about these iPads is not held against them.
            var isOfThese = e.Problem == ContentProblem.Unexpected;
            if (e.Number is >= 9700 and <= 9702 or 9714) _limits = null;
            // With the attempts that they have, so that pauses grow.
            var named = serials.ToHashSet(StringComparer.Ordinal);
            List<ContentLicence> those = [.. (await store.ListLost(Id, MostLost)).Where(one => one.AdamId == asset.AdamId && one.Pricing == asset.Pricing && one.State == to && named.Contains(one.SerialNumber))];
            var jitter = Random.Shared.NextDouble();
            var isSo = LicencePart.IsSo(e.Number);
            IReadOnlyList<LicenceAnswer> answers = isSo ? await Sighted(those, token, stopping)
                : [.. those.Select(one => LicencePart.Refused(one, isOfThese ? $"{e.Message} It is tried again." : ContentWords.Wanted, now, jitter))];
            // Apple counts otherwise than we know: whoever is told next is told by its count.
            if (isSo || LicencePart.IsNoneLeft(e.Number)) await Recount([asset.AdamId], [], token, stopping);
            await Tell(answers);
            if (!isOfThese || _limits is null) throw;
        }
    }

    /// <summary>Those who wait see why.</summary>
    private async Task RefuseAll(string reason, DateTimeOffset nextAt)
    {
        var now = clock.GetUtcNow();
        foreach (var (asset, state, _) in await store.ListWork(Id, now))
        {
            if (state == LicenceState.Wanted) await store.Refuse(Id, asset.AdamId, asset.Pricing, reason, nextAt, now);
        }
    }

    [LoggerMessage(2607, LogLevel.Warning, "Apps and Books, location {Id}: of {Count} licences nobody heard what Apple answered. Apple's list is read")]
    private partial void LogLost(string id, int count);

    [LoggerMessage(2608, LogLevel.Information, "Apps and Books, location {Id}: {Given} licences given, {Returned} given back, {Refused} not yet")]
    private partial void LogSettled(string id, int given, int returned, int refused);

    [LoggerMessage(2610, LogLevel.Information, "Apps and Books, location {Id}: {To} for app {App} and {Count} iPads, request {Event}")]
    private partial void LogAsked(string id, LicenceState to, string app, int count, string @event);
}
