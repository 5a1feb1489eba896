using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Classroom;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Classroom;

// Every few seconds, when a school uses Classroom:
//
//   1. touched   what was changed since the last look, by the audit record: classes, people, who has which iPad. An import, a deletion, a switch, and every hour: all
//   2. number    classes that are new get the number by which iPads tell them apart
//   3. work out  what each iPad that is touched should know, a hundred at a time. What is equal to what it should know already changes nothing
//   4. renew     certificates that end
//   5. tell      the plan wakes the iPads for which something changed
//
// All of it is in the store: this grain may be lost at any moment, and another one looks at all iPads.

/// <inheritdoc cref="IClassroomGrain"/>
[GrainType("classroom")]
internal sealed partial class ClassroomGrain(IClassroomStore store, IAuditStore audit, TimeProvider clock, ILogger<ClassroomGrain> logger) : Grain, IClassroomGrain
{
    private const int AtOnce = 100;

    /// <summary>More changes than this since the last look: all iPads are looked at.</summary>
    private const int MostRecords = 200;

    private const int RenewedAtOnce = 500;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    /// <summary>Clocks of several nodes differ, and records of one transaction come with its end.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(20);

    /// <summary>A class ends by its day, and whatever was missed mends itself.</summary>
    private static readonly TimeSpan AllEvery = TimeSpan.FromHours(1);

    /// <summary>What touches a few; whoever deletes or imports touches all.</summary>
    private static readonly (string Verbs, ClassroomThing? Thing)[] Changes =
    [
        ("class.", ClassroomThing.Class),
        ("person.", ClassroomThing.Person),
        (AuditVerbs.ImportApply, null),
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
        var changed = 0L;
        if (all || touched.Count > 0)
        {
            // 2
            await store.NumberClasses();
            var authority = await GrainFactory.GetGrain<IClassroomAuthorityGrain>(IClassroomAuthorityGrain.Key).Get();
            // 3
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
                (_all, _allAt) = (false, now + AllEvery);
            }
        }

        // 4
        if (await store.RenewCertificates(now + ClassroomProfiles.RenewedBefore, now, RenewedAtOnce) is > 0 and var renewed)
        {
            LogRenewed(renewed);
            changed += renewed;
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
        return await store.Write(deviceIds, [.. facts.Select(one => ClassroomPart.Of(one, authority)?.Wish).OfType<ClassroomWish>()], now);
    }

    private async Task<(HashSet<string> Touched, bool All)> Touched()
    {
        var (devices, all) = (new HashSet<string>(StringComparer.Ordinal), false);
        var now = clock.GetUtcNow();
        var found = new HashSet<Guid>();
        foreach (var (verbs, thing) in Changes)
        {
            var records = await audit.List(new AuditFilter { Verb = verbs, From = _from, Result = AuditResult.Done }, null, MostRecords);
            all |= records.Count >= MostRecords;
            foreach (var record in records)
            {
                found.Add(record.Id);
                if (_seen.Contains(record.Id)) continue;
                // Whom a person was in class with is not known any more.
                if (thing is not { } one || record.TargetId is not { } id || record.Verb == AuditVerbs.PersonDelete) all = true;
                else devices.UnionWith(await store.ListTouched(one, id));
            }
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
}
