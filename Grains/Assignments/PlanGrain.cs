using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Push;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.Filters;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Assignments;

// Every few seconds:
//
//   1. turn      assignments begin and end
//   2. reach     somebody changed a group, a person, a profile …: which iPads come under what depends on it is looked at anew. The audit record tells: every change has one
//   3. roll out  a wave that is through is followed by the next one, and one in which too many failed by none
//   4. announce  when the plan has a new number, every node is told, and iPads' grains look at their rows once more
//   5. push      iPads that have something to do and do not know it, at the pace of the outbox
//
// All of it is in the store: this grain may be lost at any moment, and another one does it again.

/// <inheritdoc cref="IPlanGrain"/>
[GrainType("plan")]
internal sealed partial class PlanGrain(
    IAssignmentStore store, IContentSyncStore licences, IDeclarationStore declarations, IAuditStore audit, QueueAnnouncer announcer, PushOutbox outbox, RollOutPacer rollOuts, TimeProvider clock, ILogger<PlanGrain> logger) : Grain, IPlanGrain
{
    private const int PushPage = 500;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    /// <summary>Clocks of several nodes differ, and records of one transaction come with its end.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(20);

    /// <summary>What depends on the time alone.</summary>
    private static readonly TimeSpan ClockEvery = TimeSpan.FromHours(1);

    /// <summary>Whatever was missed mends itself.</summary>
    private static readonly TimeSpan AllEvery = TimeSpan.FromHours(12);

    /// <summary>Longer than it takes until it is written down that a set is used.</summary>
    private static readonly TimeSpan SetsKept = TimeSpan.FromDays(3);

    private static readonly TimeSpan PushesEvery = TimeSpan.FromMinutes(1);

    /// <summary>An iPad that was woken and did not come is woken again.</summary>
    private static readonly TimeSpan PushAgainAfter = TimeSpan.FromHours(8);

    private static readonly HashSet<FilterField> OfClock =
        [FilterField.LastSeen, FilterField.CertificateExpires, FilterField.Overdue, FilterField.Battery, FilterField.StorageFree, FilterField.Status];

    /// <summary>What a change of this kind can move iPads by. A profile moves none, but may have a newer version.</summary>
    private static readonly (string Verbs, FilterField[] Fields)[] Changes =
    [
        ("group.", [FilterField.Group]),
        ("school.", [FilterField.School]),
        ("person.", [FilterField.Person, FilterField.PersonLeft]),
        ("import.", [FilterField.Person, FilterField.PersonLeft, FilterField.Assigned, FilterField.Overdue]),
        (AuditVerbs.DeviceHandOut, [FilterField.Assigned, FilterField.Person, FilterField.Overdue, FilterField.PersonLeft]),
        (AuditVerbs.DeviceReturn, [FilterField.Assigned, FilterField.Person, FilterField.Overdue, FilterField.PersonLeft]),
        ("incident.", [FilterField.Incident]),
        ("campaign.", [FilterField.Campaign, FilterField.Collected]),
        (AuditVerbs.ProfileChange, []),
    ];

    private readonly Dictionary<string, Guid> _seen = [];
    private IGrainTimer? _timer;
    private long? _announced;
    private bool _looking;
    private bool _again;
    private DateTimeOffset? _from;
    private DateTimeOffset _clockAt;
    private DateTimeOffset _allAt;
    private DateTimeOffset _pushesAt;
    private DateTimeOffset _pushedUpTo;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        // What happened while nobody looked.
        (_from, _clockAt, _allAt, _pushesAt, _pushedUpTo) = (now - ClockEvery, now, now + AllEvery, now, now - ClockEvery);
        _timer = this.RegisterGrainTimer(
            static (grain, stopping) => grain.Look(stopping), this, new GrainTimerCreationOptions(LookEvery, LookEvery) { Interleave = true, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task Wake() => Task.CompletedTask;

    public async Task Changed()
    {
        await announcer.Announce(CancellationToken.None);
        _announced = null;
        _pushesAt = clock.GetUtcNow();
        _timer!.Change(TimeSpan.Zero, LookEvery);
    }

    private async Task Look(CancellationToken stopping)
    {
        if (_looking)
        {
            _again = true;
            return;
        }

        _looking = true;
        try
        {
            do
            {
                _again = false;
                await LookOnce(stopping);
            }
            while (_again);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Another node goes on.
        }
        catch (Exception e)
        {
            LogFailed(e);
        }
        finally
        {
            _looking = false;
        }
    }

    private async Task LookOnce(CancellationToken stopping)
    {
        var now = clock.GetUtcNow();

        // 1
        if (await store.Turn(now) is > 0 and var turned) LogTurned(turned);

        // 2
        if (await Touched(now) is { } fields)
        {
            if (now >= _clockAt) fields.UnionWith(OfClock);
            await Reach(now >= _allAt ? _ => true : of => of.Overlaps(fields), now);
            if (now >= _clockAt)
            {
                await store.Forget();
                await declarations.ForgetSets(now - SetsKept);
                _clockAt = now + ClockEvery;
            }

            if (now >= _allAt) _allAt = now + AllEvery;
        }

        // 3
        await rollOuts.Look(now);

        // 4
        var number = await store.Number();
        if (number != _announced)
        {
            await announcer.Announce(stopping);
            (_announced, _pushesAt) = (number, now);
            // Of these, other licences are wanted now.
            foreach (var location in await licences.ListTouched()) GrainFactory.GetGrain<IContentLocationGrain>(location).Wake().Ignore();
        }

        // 5
        if (now < _pushesAt) return;
        var (since, began) = (_pushedUpTo - Overlap, now);
        string? after = null;
        do
        {
            var page = await store.ListUntold(clock.GetUtcNow(), since, now - PushAgainAfter, after, PushPage);
            if (page.Count > 0) await outbox.AddAsync(page, stopping);
            after = page.Count < PushPage ? null : page[^1].EnrolmentId;
        }
        while (after is not null);
        (_pushedUpTo, _pushesAt) = (began, now + PushesEvery);
    }

    /// <summary>By what iPads may have come or gone since the last look; null: by nothing.</summary>
    private async Task<HashSet<FilterField>?> Touched(DateTimeOffset now)
    {
        var fields = new HashSet<FilterField>();
        var any = now >= _clockAt || now >= _allAt;
        foreach (var (verbs, touched) in Changes)
        {
            if (await audit.List(new AuditFilter { Verb = verbs, From = _from }, null, 1) is not [var newest] || newest.Id == _seen.GetValueOrDefault(verbs)) continue;
            _seen[verbs] = newest.Id;
            fields.UnionWith(touched);
            any = true;
        }

        _from = now - Overlap;
        return any ? fields : null;
    }

    private async Task Reach(Func<IReadOnlySet<FilterField>, bool> depends, DateTimeOffset now)
    {
        if (await store.Reach(depends, now) is > 0 and var count) LogReached(count);
    }

    [LoggerMessage(2491, LogLevel.Information, "{Count} assignments began or ended")]
    private partial void LogTurned(int count);

    [LoggerMessage(2492, LogLevel.Information, "Something changed that assignments depend on: for {Count} iPads there is something to do")]
    private partial void LogReached(long count);

    [LoggerMessage(2493, LogLevel.Warning, "Looking after what is assigned failed; it goes on in a few seconds")]
    private partial void LogFailed(Exception exception);
}
