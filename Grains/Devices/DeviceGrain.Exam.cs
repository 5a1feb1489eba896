using FleetMdm.Grains.Assignments;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Exams;
using FleetMdm.Storage.Inventory;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Devices;

// Exams that lock this iPad and release it (ExamPart decides; here it is read, written and sent):
//
//   1. in none: one comparison, and no statement
//   2. before anything is handed over: read how it stands, withdraw locks that nobody wants any more, write what was decided, queue what is to be sent
//   3. before a lock is handed over, it is read once more: a release that was answered 2xx is in what is read
//   4. a lock that the iPad says late that it has, when it counts as released: it is released once more

internal sealed partial class DeviceGrain
{
    private const int MostExamAttempts = 3;

    /// <summary>What could not be worked out is tried again; the iPad is answered meanwhile.</summary>
    private static readonly TimeSpan ExamAgainAfter = TimeSpan.FromMinutes(1);

    private DateTimeOffset? _examDue;
    private bool _examChanged;

    /// <summary>Locks that may be handed over, as the store had it a moment ago.</summary>
    private IReadOnlySet<string> _examLocks = new HashSet<string>();

    private bool ExamIsDue(DateTimeOffset now) => _examDue is { } due && (_examChanged || due <= now);

    /// <summary>It has enrolled: a lock from before is not there any more, and an exam that runs locks it again.</summary>
    private void ExamForNewcomer()
    {
        if (_examDue is null) return;
        _examChanged = true;
        RequestPush();
    }

    private async Task LookAtExams()
    {
        if (IsUserChannel || _row!.Status != EnrolmentStatus.Enrolled) return;
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                if (await LookAtExamsOnce()) return;
                if (attempt < MostExamAttempts) continue;
                // Somebody changes exams at this very moment, again and again.
                _examDue = Now();
                RequestPush(evenIfOutstanding: true);
                return;
            }
        }
        catch (Exception e) when (e is not (StoreUnavailableException or FleetUnavailableException or OperationCanceledException))
        {
            // Whatever is wrong, the iPad is answered; it is not locked meanwhile.
            LogExamFailed(Id, e);
            _examLocks = new HashSet<string>();
            _examChanged = false;
            _examDue = Now() + ExamAgainAfter;
        }
    }

    /// <returns>False: somebody has changed one of them in between.</returns>
    private async Task<bool> LookAtExamsOnce()
    {
        var (now, row) = (Now(), _row!);
        var rows = await exams.Standings(Id);
        var contents = new Dictionary<string, PlanContent>(StringComparer.Ordinal);
        foreach (var id in rows.Where(one => one.Phase == ExamPhase.Running && one.EndsAt > now).Select(one => one.Standing.ExamId))
        {
            if (await examProfiles.Find(id) is { } profile) contents[id] = profile.Content;
        }

        var automated = contents.Values.Any(content => FitnessPart.AsksForAutomated(content.Requirements))
            ? FitnessPart.IsAutomated(await inventory.ListItems(DeviceId, InventoryList.Security, FitnessPart.BeforeAutomatedKey, 1))
            : null;
        var values = contents.Values.Any(content => content.Variables.Count > 0) ? await Values(_row!) : null;
        var types = _queue.Commands.Select(command => command.Row.RequestType).ToList();
        var decided = ExamPart.Decide(rows, new ExamKnown
        {
            Now = now,
            EnrolledAt = row.EnrolledAt ?? now,
            Waiting = [.. _queue.Commands.Select(command => command.Row.CommandUuid)],
            // Only who has a lock, or would not let go of it, is worth a look into its list.
            Profiles = rows.Any(one => one.Standing.Installed is not null || one.Standing.Attempts > 0) ? await Listed(await inventory.FindLists(Id), InventoryList.Profiles) : null,
            Misfit = id => contents.TryGetValue(id, out var content)
                ? (values is null ? null : content.Missing(values)) ?? (FitnessPart.Misfits(row, types, automated, content.Requirements) is { Count: > 0 } misfits ? string.Join(' ', misfits.Select(one => one.Reason)) : null)
                : "The profile of this exam is not there any more.",
            NewUuid = ExamCommands.NewUuid,
        });

        foreach (var uuid in decided.Withdraws)
        {
            if (_queue.Find(uuid) is { } command) await Finish(command, CommandEnding.Cancelled, now, ExamPart.Withdrawn);
        }

        if (decided.Changes.Count > 0)
        {
            var write = exams.Write(Id, decided.Changes);
            await Durably(write);
            if (!await write) return false;
        }

        foreach (var send in decided.Sends)
        {
            if (await ExamOrder(send) is not { } order) continue;
            await Durably(store.Append(new QueueAppend
            {
                EnrolmentId = Id,
                CommandUuid = send.CommandUuid,
                RequestType = order.RequestType,
                Body = order.Body,
                AcceptedAt = now,
                // It must not lock anybody after the end, whoever is left to withdraw it.
                ExpiresAt = send.Release ? null : send.EndsAt,
            }));
        }

        if (decided.AsksProfiles && !types.Contains(RefreshPart.ProfileList.RequestType))
        {
            await Durably(store.Append(new QueueAppend
            {
                EnrolmentId = Id,
                CommandUuid = RefreshQuestions.NewUuid(),
                RequestType = RefreshPart.ProfileList.RequestType,
                Body = RefreshPart.ProfileList.Fragment,
                AcceptedAt = now,
                ExpiresAt = now + RefreshPart.GoodFor,
            }));
        }

        // The store has given the rows their places in the queue, and says when there is more to do. What somebody has changed since is due.
        if (decided.Sends.Count > 0 || decided.Changes.Count > 0 || decided.AsksProfiles) await Read();
        else if (_examDue <= now) _examDue = now + ExamAgainAfter;
        _examLocks = decided.Locks;
        _examChanged = false;
        if (decided.Sends.Count > 0) LogExam(Id, decided.Sends.Count(send => !send.Release), decided.Sends.Count(send => send.Release));
        return true;
    }

    /// <summary>Whether this lock may be handed over now. One that may not is not in the queue any more, or was looked at just now and is looked at again.</summary>
    private async ValueTask<bool> MayLock(PendingCommand command, bool looked)
    {
        if (!looked)
        {
            await LookAtExams();
            return false;
        }

        if (_examLocks.Contains(command.Row.CommandUuid)) return true;
        await Finish(command, CommandEnding.Cancelled, Now(), ExamPart.Withdrawn);
        return false;
    }

    /// <summary>The iPad says that it has a lock whose command had ended: expired, withdrawn, or given up.</summary>
    private async Task LockedLate(string commandUuid, byte[] bodyHash, DateTimeOffset now)
    {
        if (!ExamCommands.IsLock(commandUuid) || await store.LoadBody(bodyHash) is not { } body || ExamProfile.ExamOf(ProfileCommand.IdentifierOf(body)) is not { } exam) return;
        var reopen = exams.Reopen(Id, exam, now);
        await Durably(reopen);
        if (!await reopen) return;
        LogLockedLate(Id, exam);
        _examDue = now;
    }

    private async ValueTask<(string RequestType, ReadOnlyMemory<byte> Body)?> ExamOrder(ExamSend send)
    {
        if (send.Release) return (ProfileCommand.Remove, ProfileCommand.Removing(ExamProfile.IdentifierOf(send.ExamId)));
        // Whoever answers the iPad puts its values in, and signs.
        return await examProfiles.Find(send.ExamId) is { } profile ? (ProfileCommand.Install, profile.Lock(send.Revision, send.EndsAt)) : null;
    }

    [LoggerMessage(2500, LogLevel.Information, "{Id}: {Locks} locks and {Releases} releases of exams were queued")]
    private partial void LogExam(string id, int locks, int releases);

    [LoggerMessage(2501, LogLevel.Error, "{Id}: how exams stand on it could not be worked out. It is tried again in a minute")]
    private partial void LogExamFailed(string id, Exception exception);

    [LoggerMessage(2502, LogLevel.Warning, "{Id}: it says late that it is locked for the exam {Exam}, which has released it. It is released once more")]
    private partial void LogLockedLate(string id, string exam);
}
