using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Classroom;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Classroom;

// Every few seconds, when a school uses Classroom:
//
//   1. touched   what was changed since the last look, by the audit record: classes, people, who has which iPad. An import, a deletion, a switch, and every hour: all
//   2. number    classes that are new get the number by which iPads tell them apart
//   3. renew     certificates that end, before anything by which a look may fail
//   4. work out  what each iPad that is touched should know, a hundred at a time. What is equal to what it should know already changes nothing
//   5. tell      the plan wakes the iPads for which something changed
//
// All of it is in the store: this grain may be lost at any moment, and another one looks at all iPads.

/// <inheritdoc cref="IClassroomGrain"/>
[GrainType("classroom")]
internal sealed partial class ClassroomGrain(IClassroomStore store, IAuditStore audit, TimeProvider clock, ILogger<ClassroomGrain> logger) : Grain, IClassroomGrain
{
    private const int AtOnce = 100;

    /// <summary>More changes than this since the last look: all iPads are looked at. As many are read at a time.</summary>
    private const int MostRecords = 200;

    /// <summary>Each needs a key, and a node makes some five in a second: no more of them wait than can be made until the next look.</summary>
    private const int RenewedAtOnce = 15;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    /// <summary>Clocks of several nodes differ, and records of one transaction come with its end.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(20);

    /// <summary>A file that is applied has the time of its request, and is seen when all of it is written.</summary>
    private static readonly TimeSpan ImportsTake = TimeSpan.FromMinutes(5);

    /// <summary>A class ends by its day, and whatever was missed mends itself.</summary>
    private static readonly TimeSpan AllEvery = TimeSpan.FromHours(1);

    private const string Imports = "import.";

    /// <summary>What touches a few; whoever deletes or imports touches all.</summary>
    private static readonly (string Verbs, ClassroomThing? Thing)[] Changes =
    [
        ("class.", ClassroomThing.Class),
        ("person.", ClassroomThing.Person),
        (Imports, null),
        (AuditVerbs.ClassroomSwitch, null),
        (AuditVerbs.DeviceHandOut, ClassroomThing.Device),
        (AuditVerbs.DeviceReturn, ClassroomThing.Device),
    ];

    private readonly HashSet<Guid> _seen = [];
    private IGrainTimer? _timer;
    private DateTimeOffset _from;
    private DateTimeOffset _allAt;
    private bool _all = true;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _from = clock.GetUtcNow() - Overlap;
        _timer = this.RegisterGrainTimer(
            static (grain, stopping) => grain.Look(stopping), this, new GrainTimerCreationOptions(TimeSpan.Zero, Timeout.InfiniteTimeSpan) { Interleave = false, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task Wake() => Task.CompletedTask;

    /// <remarks>It comes in between: a look at all iPads takes longer than anybody waits for an answer.</remarks>
    public Task Switched()
    {
        _all = true;
        _timer!.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        return Task.CompletedTask;
    }

    private async Task Look(CancellationToken stopping)
    {
        try
        {
            if (await store.IsUsed()) await LookOnce(stopping);
            else (_all, _from) = (true, clock.GetUtcNow() - Overlap);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Another node goes on.
        }
        catch (Exception e)
        {
            _all = true;
            LogFailed(e);
        }
        finally
        {
            _timer!.Change(LookEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task LookOnce(CancellationToken stopping)
    {
        var now = clock.GetUtcNow();
        // 1
        var (touched, all) = await Touched();
        all |= _all || now >= _allAt;
        // Before anything else: who switches a school in the middle of this has all looked at once more.
        _all = false;
        // 2
        if (all || touched.Count > 0) await store.NumberClasses(DateOnly.FromDateTime(now.UtcDateTime));
        // 3
        var changed = await store.RenewCertificates(now + ClassroomProfiles.RenewedBefore, now, RenewedAtOnce);
        if (changed > 0) LogRenewed(changed);
        // 4
        if (all || touched.Count > 0)
        {
            var authority = await GrainFactory.GetGrain<IClassroomAuthorityGrain>(IClassroomAuthorityGrain.Key).Get();
            if (!all)
            {
                foreach (var some in touched.Order(StringComparer.Ordinal).Chunk(AtOnce)) changed += await WorkOut(some, authority);
            }
            else
            {
                string? after = null;
                do
                {
                    stopping.ThrowIfCancellationRequested();
                    var some = await store.ListAll(after, AtOnce);
                    changed += await WorkOut(some, authority);
                    after = some.Count < AtOnce ? null : some[^1];
                }
                while (after is not null);
                _allAt = now + AllEvery;
            }
        }

        // 5
        if (changed == 0) return;
        LogChanged(changed);
        await GrainFactory.GetGrain<IPlanGrain>(0).Changed();
    }

    private async Task<long> WorkOut(IReadOnlyList<string> deviceIds, SealedClassroomAuthority authority)
    {
        var now = clock.GetUtcNow();
        var facts = await store.ReadFacts(deviceIds, DateOnly.FromDateTime(now.UtcDateTime));
        return await store.Write(deviceIds, [.. facts.Select(one => Wish(one, authority)).OfType<ClassroomWish>()], now);
    }

    /// <summary>One iPad never stops the others.</summary>
    private ClassroomWish? Wish(ClassroomFacts facts, SealedClassroomAuthority authority)
    {
        try
        {
            return ClassroomPart.Of(facts, authority)?.Wish;
        }
        catch (Exception e)
        {
            LogBroken(facts.DeviceId, e);
            return ClassroomPart.Broken(facts, e);
        }
    }

    private async Task<(HashSet<string> Touched, bool All)> Touched()
    {
        var (devices, all) = (new HashSet<string>(StringComparer.Ordinal), false);
        var now = clock.GetUtcNow();
        var found = new HashSet<Guid>();
        var unseen = 0;
        foreach (var (verbs, thing) in Changes)
        {
            var filter = new AuditFilter { Verb = verbs, From = verbs == Imports ? _from - ImportsTake : _from, Result = AuditResult.Done };
            Guid? before = null;
            do
            {
                var records = await audit.List(filter, before, MostRecords);
                foreach (var record in records)
                {
                    found.Add(record.Id);
                    // What was only uploaded has changed nothing.
                    if (_seen.Contains(record.Id) || record.Verb is AuditVerbs.ImportStage or AuditVerbs.ImportDiscard) continue;
                    // Whom a person was in class with is not known any more.
                    if (thing is not { } one || record.TargetId is not { } id || record.Verb == AuditVerbs.PersonDelete || ++unseen > MostRecords) all = true;
                    else if (!all) devices.UnionWith(await store.ListTouched(one, id));
                }

                before = records.Count < MostRecords ? null : records[^1].Id;
            }
            while (before is not null);
        }

        _seen.Clear();
        _seen.UnionWith(found);
        _from = now - Overlap;
        return (devices, all);
    }

    [LoggerMessage(2722, LogLevel.Information, "What {Count} iPads should know of their classes has changed")]
    private partial void LogChanged(long count);

    [LoggerMessage(2723, LogLevel.Information, "The certificates of {Count} iPads for Apple's Classroom end and are renewed")]
    private partial void LogRenewed(long count);

    [LoggerMessage(2724, LogLevel.Warning, "Working out what iPads should know of their classes failed; all of them are looked at in a few seconds")]
    private partial void LogFailed(Exception exception);

    [LoggerMessage(2725, LogLevel.Error, "{Id}: what it should know of its classes could not be worked out. It has no profile until that is mended")]
    private partial void LogBroken(string id, Exception exception);
}
