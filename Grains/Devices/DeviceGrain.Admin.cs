using FleetMdm.Grains.Audit;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Grains.Devices;

internal sealed partial class DeviceGrain
{
    public async ValueTask<EnqueueResult> Enqueue(CommandOrder order)
    {
        await Fresh();
        if (_row is null) return new EnqueueResult(EnqueueOutcome.UnknownDevice, default);
        if (!IsAlive) return new EnqueueResult(EnqueueOutcome.NotEnrolled, default);
        if (_queue.Find(order.CommandUuid) is { } queued)
        {
            // Perhaps by an attempt whose outcome was lost, and that got no further than this.
            if (order.Push) RequestPush();
            return new EnqueueResult(EnqueueOutcome.AlreadyAccepted, queued.Row.AcceptedAt);
        }

        var misfits = order.Requirements is { Count: > 0 } requirements ? await Misfits(requirements) : [];
        if (misfits.Count > 0 && !order.Force) return new EnqueueResult(EnqueueOutcome.Unfit, default) { Misfits = misfits };
        if (_queue.Count >= options.Value.MaxPerDevice) return new EnqueueResult(EnqueueOutcome.QueueFull, default);

        var row = new QueuedRow
        {
            Sequence = 0,
            CommandUuid = order.CommandUuid,
            RequestType = order.RequestType,
            BodyHash = [],
            AcceptedAt = Now(),
            ExpiresAt = order.ExpiresAt,
        };
        var append = store.Append(new QueueAppend
        {
            EnrolmentId = Id,
            CommandUuid = row.CommandUuid,
            RequestType = row.RequestType,
            Body = order.Command,
            AcceptedAt = row.AcceptedAt,
            ExpiresAt = row.ExpiresAt,
            Audit = Records.OfCaller(row.AcceptedAt, AuditVerbs.CommandSend, AuditTargets.Device, Id, row.CommandUuid, row.RequestType + Forced(misfits)),
        });
        await Durably(append);
        var appended = await append;
        if (appended.AlreadyThere)
        {
            // Queued by an attempt whose outcome was lost, or finished long ago: the store knows, memory does not.
            _believed = false;
            if (order.Push) RequestPush();
            return new EnqueueResult(EnqueueOutcome.AlreadyAccepted, row.AcceptedAt);
        }

        _queue.Add(row with { Sequence = appended.Sequence, BodyHash = appended.BodyHash });
        if (order.Push) RequestPush();
        return new EnqueueResult(EnqueueOutcome.Accepted, row.AcceptedAt);
    }

    private async ValueTask<IReadOnlyList<CommandMisfit>> Misfits(IReadOnlyList<CommandRequirement> requirements)
    {
        var automated = FitnessPart.AsksForAutomated(requirements)
            ? FitnessPart.IsAutomated(await inventory.ListItems(DeviceId, InventoryList.Security, FitnessPart.BeforeAutomatedKey, 1))
            : null;
        return FitnessPart.Misfits(_row!, _queue.Commands.Select(command => command.Row.RequestType), automated, requirements);
    }

    /// <summary>For the record: what was known when somebody sent it all the same.</summary>
    private static string Forced(IReadOnlyList<CommandMisfit> misfits) =>
        misfits.Count == 0 ? "" : $", forced: {string.Join(' ', misfits.Select(misfit => misfit.Reason))}";

    public async ValueTask<CancelOutcome> Cancel(string commandUuid)
    {
        await Fresh();
        if (_queue.Find(commandUuid) is not { } command)
        {
            // The history knows whether it was ever here; the caller, who may read the history, tells the two apart.
            return CancelOutcome.UnknownCommand;
        }

        if (command.InFlight) return CancelOutcome.InFlight;
        var now = Now();
        await NotErased(command);
        await Finish(command, CommandEnding.Cancelled, now, audit: Records.OfCaller(
            now, AuditVerbs.CommandCancel, AuditTargets.Device, Id, command.Row.CommandUuid, command.Row.RequestType));
        return CancelOutcome.Cancelled;
    }

    public async ValueTask<PushOutcome> Push()
    {
        await Fresh();
        if (_row is null) return PushOutcome.UnknownDevice;
        return RequestPush(evenIfOutstanding: true) ? PushOutcome.Requested : PushOutcome.NoPushToken;
    }

    public async ValueTask<RemoveOutcome> Remove()
    {
        await Fresh();
        if (_row is null) return RemoveOutcome.UnknownDevice;
        if (_row.Status == EnrolmentStatus.Removed) return RemoveOutcome.AlreadyRemoved;

        var last = Pushable;
        await Leave(EnrolmentStatus.Removed, CommandEnding.Removed,
            Records.OfCaller(Now(), AuditVerbs.DeviceRemove, AuditTargets.Device, Id, detail: _row.SerialNumber ?? _row.DeviceName));
        // Woken once more, so that it comes and is told. Nobody repeats a push that is lost: it is told whenever it comes.
        if (last is not null) outbox.TryAdd(last);
        LogRemoved(Id);
        return RemoveOutcome.Removed;
    }

    public async ValueTask<DeviceDescription?> Describe()
    {
        // What APNs answered is written beside the row, not through this grain: people who ask get the newest.
        await Read();
        if (_row is null) return null;
        return new DeviceDescription
        {
            Id = Id,
            Status = _row.Status.ToString(),
            LastSeenAt = _lastSeen,
            Queue = [.. _queue.Commands.Select(Describe)],
            Waiting = IsAlive ? WaitingSentence.For(_row, _queue, _lastSeen, _pushRequestedAt) : null,
            PushRequestedAt = _pushRequestedAt,
        };
    }

    public async ValueTask PushTokenDied(byte[] token, string reason, DateTimeOffset? since)
    {
        await Fresh();
        if (_row is not { PushToken: { } mine, PushTokenDead: null } row || !mine.AsSpan().SequenceEqual(token)) return;

        // APNs may speak of a time before the iPad sent this very token again: then it lives.
        if (since is { } at && row.TokenUpdatedAt is { } updated && updated > at) return;

        _pushRequestedAt = null;
        await Commit(new EnrolmentChange { Row = NextVersion(row) with { PushTokenDead = reason }, WriteId = Guid.NewGuid(), At = Now() });
        LogPushTokenDead(Id, reason);
    }

    private static QueuedCommand Describe(PendingCommand command) => new()
    {
        CommandUuid = command.Row.CommandUuid,
        RequestType = command.Row.RequestType,
        State = command.Row.OperationCancelled ? CommandState.Cancelling
            : command.InFlight ? CommandState.Sent
            : Unanswered.IsSetAside(command.Row) ? CommandState.SetAside
            : command.Row.NotNowAt is not null ? CommandState.NotNow
            : CommandState.Queued,
        AcceptedAt = command.Row.AcceptedAt,
        SentAt = command.SentAt,
        NotNowAt = command.Row.NotNowAt,
        NotNowCount = command.Row.NotNowCount,
        ExpiresAt = command.Row.ExpiresAt,
        OperationId = command.Row.OperationId,
        UnansweredCount = command.Row.UnansweredCount,
        UnansweredAt = command.Row.UnansweredAt,
        Reason = command.InFlight || command.Row.OperationCancelled ? null : Unanswered.Reason(command.Row),
    };
}
