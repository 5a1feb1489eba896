using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Devices;

// What is assigned to this iPad (PlanPart decides; here it is read, written and sent):
//
//   1. nothing due: two comparisons, and no statement
//   2. read what is assigned, what became of it, and what the iPad listed
//   3. write what was decided, before anything is queued: a command that is then lost is sent again
//   4. append the commands; the iPad gets the first of them in this very answer
//
// In the grain of a user of a Shared iPad it is the same, of what is assigned to users: this grain acts only when its user is there, and so what is assigned waits for the user.

internal sealed partial class DeviceGrain
{
    /// <summary>A store that says that there is something to do, and a plan that finds nothing, are not asked again and again.</summary>
    private static readonly TimeSpan PlanAgainAfter = TimeSpan.FromMinutes(10);

    private const int MostAttempts = 3;

    private static readonly TimeSpan NewcomerFor = TimeSpan.FromHours(1);

    private DateTimeOffset? _planDue;
    private bool _planChanged;
    private bool _planAnswered;

    /// <summary>Whether something may be to do.</summary>
    private bool PlanIsDue(DateTimeOffset now) => _planChanged || _planAnswered || _planDue <= now;

    /// <summary>The iPad said something of itself by which it may come under an assignment, or leave it.</summary>
    private void FactsChanged()
    {
        _planChanged = true;
        _examChanged |= !IsUserChannel;
    }

    /// <summary>Whoever activates it anew does not know whether anybody has looked since it enrolled.</summary>
    private bool IsNewcomer(DeviceRow? row) => row is { Status: EnrolmentStatus.Enrolled, EnrolledAt: { } at } && at.IsWithin(NewcomerFor, Now());

    /// <summary>A command of the plan has ended: there may be more to do.</summary>
    private void PlanCommandEnded(string commandUuid)
    {
        _planAnswered |= PlanCommands.Is(commandUuid) || DeclarationCommands.Is(commandUuid);
        _examChanged |= ExamCommands.Is(commandUuid);
    }

    /// <summary>Sends what the iPad lacks, and takes away what it should not have.</summary>
    private async ValueTask<DeviceReply?> FollowPlan()
    {
        try
        {
            return await FollowPlanNow(attempt: 1);
        }
        catch (Exception e) when (e is not (StoreUnavailableException or FleetUnavailableException or OperationCanceledException))
        {
            // Whatever is wrong with the plan, the iPad is answered.
            LogPlanFailed(Id, e);
            (_planChanged, _planAnswered) = (false, false);
            if (_planDue is not null) _planDue = Now() + PlanAgainAfter;
            return null;
        }
    }

    private async ValueTask<DeviceReply?> FollowPlanNow(int attempt)
    {
        var (now, row) = (Now(), _row!);
        if (attempt == 1) _queuedAsk = null;
        if (row.Status != EnrolmentStatus.Enrolled) return null;
        if (_planChanged && _planDue is null && !await AnythingIsInForce())
        {
            (_planChanged, _planAnswered) = (false, false);
            return null;
        }

        var (rows, number) = await assignments.Standings(Id);
        IReadOnlySet<string>? matches = null;
        if (_planChanged)
        {
            (var found, number) = await assignments.Match(Id, now);
            matches = found.ToHashSet(StringComparer.Ordinal);
        }

        var plan = await plans.Current(number);
        ClassroomDevice? ofClasses = null;
        if (plan.TryGetValue(IClassroomStore.AssignmentId, out var classes) && (matches?.Contains(classes.Id) == true || rows.Any(one => one.Standing.AssignmentId == classes.Id)))
        {
            ofClasses = await classroom.Find(Id);
            plan = new Dictionary<string, PlanEntry>(plan, StringComparer.Ordinal) { [classes.Id] = classes with { Wanted = ofClasses?.Revision ?? 0 } };
        }

        var entries = rows.Select(one => one.Standing.AssignmentId).Union(matches ?? new HashSet<string>()).Select(id => plan.GetValueOrDefault(id)).OfType<PlanEntry>().ToList();
        var concerned = entries.Select(entry => entry.Content).ToList();
        // After the rows: whoever gives a licence writes those too, and what is decided here is then read anew.
        var held = entries.Exists(entry => entry.Licence is not null) && row.SerialNumber is { Length: > 0 } serial ? (await licences.OfDevice(serial)).ToDictionary(one => one.Which, one => one.Licence) : [];
        var automated = concerned.Exists(content => FitnessPart.AsksForAutomated(content.Requirements))
            ? FitnessPart.IsAutomated(await inventory.ListItems(DeviceId, InventoryList.Security, FitnessPart.BeforeAutomatedKey, 1))
            : null;
        var ipad = concerned.Count > 0 ? await ItsIPad() : row;
        var values = concerned.Exists(content => content.Variables.Count > 0) ? await Values(ipad) : null;
        var types = _queue.Commands.Select(command => command.Row.RequestType).ToList();
        var lists = rows.Count == 0 ? [] : await inventory.FindLists(Id);
        var known = new PlanKnown
        {
            Now = now,
            EnrolledAt = row.EnrolledAt ?? now,
            Waiting = _queue.Commands.Select(command => command.Row.CommandUuid).ToHashSet(StringComparer.OrdinalIgnoreCase),
            Matches = matches,
            Profiles = await Listed(lists, InventoryList.Profiles),
            Apps = await Listed(lists, InventoryList.Apps),
            Misfit = content => (content.IsOfEachIPad ? ofClasses?.Problem : null) ?? (values is null ? null : content.Missing(values)) ?? (FitnessPart.Misfits(ipad, types, automated, content.Requirements) is { Count: > 0 } misfits ? string.Join(' ', misfits.Select(one => one.Reason)) : null),
            Licence = which => held.GetValueOrDefault(which),
            NewUuid = PlanCommands.NewUuid,
        };
        // 3, by declarations: they wait for nothing.
        var declares = rows.Any(one => IsDeclared(plan, one.Standing.AssignmentId)) || matches?.Any(id => IsDeclared(plan, id)) == true;
        var asked = false;
        if (declares)
        {
            var declared = await Declare(
                [.. rows.Where(one => IsDeclared(plan, one.Standing.AssignmentId))], plan, matches?.Where(id => IsDeclared(plan, id)).ToHashSet(StringComparer.Ordinal), null, now);
            if (declared is null) return await FollowPlanAnew(attempt, now);
            asked = declared.Value;
        }

        var decided = declares
            ? PlanPart.Decide(
                [.. rows.Where(one => !IsDeclared(plan, one.Standing.AssignmentId))], plan, known with { Matches = matches?.Where(id => !IsDeclared(plan, id)).ToHashSet(StringComparer.Ordinal) })
            : PlanPart.Decide(rows, plan, known);
        if (decided.Changes.Count > 0)
        {
            var write = assignments.Write(Id, decided.Changes);
            await Durably(write);
            if (!await write) return await FollowPlanAnew(attempt, now);
        }

        // Of a newcomer's licence nobody has heard.
        foreach (var location in decided.Changes.Where(change => change.After?.State == AssignmentState.Waiting).Select(change => plan.GetValueOrDefault(change.After!.AssignmentId)?.Licence)
            .OfType<AssignedLicence>().Where(which => held.GetValueOrDefault(which)?.State is null or LicenceState.Leaving or LicenceState.Returning).Select(which => which.LocationId).Distinct())
        {
            GrainFactory.GetGrain<IContentLocationGrain>(location).Wake().Ignore();
        }

        var (queued, notMade) = (0, 0);
        foreach (var send in decided.Sends)
        {
            (string RequestType, ReadOnlyMemory<byte> Body)? made;
            if (send is { Remove: false, Entry.Content.IsOfEachIPad: true })
            {
                made = await OrderOwn(send, decided, now);
                if (made is null) notMade++;
            }
            else
            {
                made = await Order(send, values);
            }

            // It was deleted in between. Nobody finds its command, and it is forgotten next time.
            if (made is not { } order) continue;
            queued++;
            await Durably(store.Append(new QueueAppend { EnrolmentId = Id, CommandUuid = send.CommandUuid, RequestType = order.RequestType, Body = order.Body, AcceptedAt = now }));
        }

        // What waited for it waits no more, and no answer of the iPad would say so.
        if (notMade > 0 && queued == 0 && !asked) return await FollowPlanAnew(attempt, now);

        (_planChanged, _planAnswered) = (false, false);
        // The store has given the rows their places in the queue, and says when there is more to do.
        if (decided.Sends.Count > 0 || decided.Changes.Count > 0 || declares) await Read();
        if (_planDue <= now) _planDue = now + PlanAgainAfter;
        if (queued > 0) LogPlanned(Id, queued);
        return decided.Sends.Count > 0 || asked ? await Next() : null;
    }

    /// <summary>Somebody changed an assignment at this very moment.</summary>
    private async ValueTask<DeviceReply?> FollowPlanAnew(int attempt, DateTimeOffset now)
    {
        if (attempt < MostAttempts) return await FollowPlanNow(attempt + 1);
        _planDue = now;
        RequestPush(evenIfOutstanding: true);
        return null;
    }

    /// <remarks>Who logs in may do so seconds after something was assigned, and is not looked at again before the next login: for users the newest plan is asked for.</remarks>
    private async ValueTask<bool> AnythingIsInForce() => (IsUserChannel ? await plans.Current(await assignments.Number()) : await plans.Recent()).Values.Any(entry => entry.InForce && entry.ForUsers == IsUserChannel);

    /// <summary>It has just enrolled: it is woken for what is assigned, unless nothing is.</summary>
    private async Task PlanForNewcomer()
    {
        if (IsUserChannel || !await AnythingIsInForce()) return;
        FactsChanged();
        RequestPush();
    }

    private async ValueTask<(string RequestType, ReadOnlyMemory<byte> Body)?> Order(PlanSend send, IReadOnlyDictionary<string, string?>? values)
    {
        if (send.Remove) return send.Entry.Content.Removal is var (type, fragment) ? (type, fragment) : null;
        return await plans.Body(send.Entry) is { } body ? (send.Entry.Content.RequestType, values is null ? body : send.Entry.Content.Filled(body, values)) : null;
    }

    /// <summary>What is made for this iPad alone. If it cannot be made, it is as if the iPad had refused it: everything else goes on.</summary>
    private async ValueTask<(string RequestType, ReadOnlyMemory<byte> Body)?> OrderOwn(PlanSend send, PlanDecision decided, DateTimeOffset now)
    {
        var sent = decided.Changes.Select(change => change.After).OfType<AssignmentStanding>().First(one => one.AssignmentId == send.Entry.Id);
        AssignmentStanding instead;
        try
        {
            var made = await classroomProfiles.Command(Id, send.Entry.Wanted);
            if (made.Command is { } own) return (send.Entry.Content.RequestType, own);
            instead = made.IsBusy ? PlanPart.Later(sent, now) : PlanPart.NotMade(sent, "Who has this iPad, or their classes, are just changing. It is tried again.", now);
        }
        catch (Exception e) when (e is not (StoreUnavailableException or FleetUnavailableException or OperationCanceledException))
        {
            LogNotMade(Id, send.Entry.Name, e);
            instead = PlanPart.NotMade(sent, "The server could not make it. It is tried again; the log of the server says why.", now);
        }

        // Whoever changed it in between knows better.
        await Durably(assignments.Write(Id, [new AssignmentChange(sent, instead)]));
        return null;
    }

    /// <summary>Of the variables.</summary>
    /// <remarks>The person is who has the iPad; of a user's profile it is the user.</remarks>
    private async Task<IReadOnlyDictionary<string, string?>> Values(DeviceRow ipad)
    {
        var placeholder = ipad.SerialNumber is { Length: > 0 } serial ? await placeholders.Find(serial) : null;
        return VariablePart.ValuesOf(ipad, placeholder, IsUserChannel ? await PersonOfUser() : await holdings.PersonOf(DeviceId));
    }

    private async ValueTask<(DateTimeOffset At, IReadOnlySet<string> Keys)?> Listed(IReadOnlyList<InventoryListRow> lists, InventoryList list) =>
        lists.FirstOrDefault(one => one.List == list) is { } told ? (told.AsOf, await inventory.ListKeys(Id, list)) : null;

    [LoggerMessage(2026, LogLevel.Information, "{Id}: {Count} commands were queued, so that it becomes as it is assigned")]
    private partial void LogPlanned(string id, int count);

    [LoggerMessage(2028, LogLevel.Error, "{Id}: \"{Name}\" could not be made. It is tried again; everything else that is assigned goes on")]
    private partial void LogNotMade(string id, string name, Exception exception);

    [LoggerMessage(2027, LogLevel.Error, "{Id}: what is assigned to it could not be worked out. It is tried again in ten minutes")]
    private partial void LogPlanFailed(string id, Exception exception);
}
