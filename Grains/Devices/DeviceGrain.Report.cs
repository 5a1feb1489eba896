using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Grains.Devices;

internal sealed partial class DeviceGrain
{
    private static readonly TimeSpan LongestNotNowRetry = TimeSpan.FromHours(1);

    private const string EraseDevice = "EraseDevice";
    private const string DeviceInformation = "DeviceInformation";

    /// <summary>An iPad is not woken sooner, whatever a clock says.</summary>
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    /// <summary>A database that is away must not hold up a node that stops.</summary>
    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(2);

    private IGrainTimer? _owedPush;

    public async ValueTask<DeviceReply> Report(CommandReportMessage report, PresentedCertificate certificate)
    {
        // 1, 2
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        // 3, 4: Idle begins a connection; a report on a command that is not queued (repeated, unknown) changes nothing. What is still in the
        // iPad's hands after this was not answered.
        if (report.Status == ReportStatus.Idle) _queue.BeginConnection();
        else if (report.CommandUuid is { } uuid && await Find(uuid) is { } command) await Settle(command, report);
        if (_queue.InFlight is { } silent) await PassOver(silent);

        // 5
        var next = await Next();
        if (next is null && Now() >= _refreshAt && report.Status != ReportStatus.NotNow) next = await Refresh();
        if (next is null)
        {
            OwePush(report.Status);
            LeaveIdle(certificate);
        }

        return next ?? DeviceReply.Empty;
    }

    /// <summary>A command that this activation did not hand over was delivered by another one, which may have finished others and read rows
    /// newer than these: the store is asked before the report is settled, or taken for a repetition.</summary>
    private async ValueTask<PendingCommand?> Find(string commandUuid)
    {
        if (_queue.Find(commandUuid) is { InFlight: true } command) return command;
        await Read();
        return _queue.Find(commandUuid);
    }

    private async Task Settle(PendingCommand command, CommandReportMessage report)
    {
        var now = Now();
        if (report.Status == ReportStatus.NotNow)
        {
            await Mark(command, command.Row with { NotNowCount = command.Row.NotNowCount + 1, NotNowAt = now, UnansweredCount = 0, UnansweredAt = null });
            command.Skipped = true;
            return;
        }

        var ending = report.Status switch
        {
            ReportStatus.Acknowledged => CommandEnding.Acknowledged,
            ReportStatus.Error => CommandEnding.Error,
            _ => CommandEnding.CommandFormatError,
        };
        // First: the answer is not taken before what it says is kept.
        if (ending == CommandEnding.Acknowledged && report.Device is { } facts && command.Row.RequestType == DeviceInformation) await Learn(facts, now);
        await Conclude(command, ending, now, report);
        if (ending == CommandEnding.Acknowledged && command.Row.RequestType == EraseDevice) await Leave(EnrolmentStatus.Erased, CommandEnding.Erased);
        if (ending != CommandEnding.Acknowledged)
            LogCommandFailed(Id, command.Row.RequestType, command.Row.CommandUuid, report.ErrorSummary);
    }

    /// <summary>Finishes a command that was answered, with what the answer tells.</summary>
    private async Task Conclude(PendingCommand command, CommandEnding ending, DateTimeOffset now, CommandReportMessage report)
    {
        var told = ending == CommandEnding.Acknowledged ? await Told(command, report, now) : null;
        // Where an iPad was stands in its inventory as long as it is lost, and nowhere for longer.
        // What the server asked of itself nobody reads: it stands in the inventory.
        if (InventoryLists.Of(command.Row.RequestType) == InventoryList.Location || RefreshQuestions.Is(command.Row.CommandUuid))
            report = report with { Result = null, ResultHash = null };
        try
        {
            await Finish(command, ending, now, report, told: told);
        }
        catch (StoreRejectedException e) when (told is not null)
        {
            // An iPad whose answer is refused sends it for ever.
            LogNotTold(Id, command.Row.RequestType, command.Row.CommandUuid, e);
            await Finish(command, ending, now, report);
        }
    }

    /// <summary>A user of a Shared iPad is asked about the iPad too; the iPad itself knows best.</summary>
    private async Task Learn(DeviceFacts facts, DateTimeOffset now)
    {
        if (IsUserChannel || _row is not { } row) return;
        var learnt = InventoryPart.DeviceInformation(row, facts, now);
        if (learnt != row) await Commit(new EnrolmentChange { Row = NextVersion(learnt), WriteId = Guid.NewGuid(), At = now });
    }

    /// <summary>It was handed over, and the iPad came with something else.</summary>
    private async Task PassOver(PendingCommand command)
    {
        var row = command.Row with { UnansweredCount = command.Row.UnansweredCount + 1, UnansweredAt = Now() };
        await Mark(command, row);
        if (Unanswered.IsSetAside(row)) LogUnanswered(Id, row.RequestType, row.CommandUuid, row.UnansweredCount);
    }

    private async Task Mark(PendingCommand command, QueuedRow row)
    {
        await Durably(store.Mark(QueueMark.Of(Id, row)));
        command.Row = row;
        command.InFlight = false;
    }

    public async ValueTask NotDelivered(string commandUuid)
    {
        await Fresh();
        if (_queue.Find(commandUuid) is { } command) command.InFlight = false;
    }

    /// <summary>Who activates next does not know what is in the iPad's hands: that it was handed over is written down for him.</summary>
    private async Task LeaveUnanswered(CancellationToken cancellationToken)
    {
        if (_queue.InFlight is not { } command || !_believed || !lease.IsHeld) return;
        try
        {
            await PassOver(command).WaitAsync(LongestFarewell, clock, cancellationToken);
        }
        catch (Exception e)
        {
            // It counts once less.
            LogNotCounted(Id, command.Row.CommandUuid, e);
        }
    }

    private async Task Finish(
        PendingCommand command, CommandEnding ending, DateTimeOffset at, CommandReportMessage? report, string? summary = null,
        AuditRecord? audit = null, InventoryChange? told = null)
    {
        var finish = store.Finish(new QueueFinish
        {
            EnrolmentId = Id,
            Sequence = command.Row.Sequence,
            BodyHash = command.Row.BodyHash,
            Ending = ending,
            FinishedAt = at,
            SentAt = command.SentAt,
            // Spelled out: a null array would become an empty report on its way into the nullable memory.
            Result = report?.Result is { } result ? result : default(ReadOnlyMemory<byte>?),
            ResultHash = report?.ResultHash,
            ErrorSummary = report?.ErrorSummary ?? summary,
            Audit = audit,
            Inventory = told,
        });
        await Durably(finish);
        _queue.Remove(command);
        if (told is not null) Keep(told);

        // Another activation has finished it: what else memory holds is as old.
        if (!await finish) await Read();
    }

    /// <summary>The next command's bytes; what has expired, was cancelled meanwhile or was given up is ended on the way.</summary>
    private async ValueTask<DeviceReply?> Next()
    {
        while (_queue.Next(Now()) is { } command)
        {
            var now = Now();
            if (command.Row.OperationCancelled)
            {
                await Finish(command, CommandEnding.Cancelled, now, report: null, "the operation was cancelled");
                continue;
            }

            if (command.Row.ExpiresAt <= now)
            {
                await Finish(command, CommandEnding.Expired, now, report: null);
                continue;
            }

            if (Unanswered.IsGivenUp(command.Row))
            {
                var summary = Unanswered.Summary(command.Row);
                await Finish(command, CommandEnding.Error, now, report: null, summary);
                LogCommandFailed(Id, command.Row.RequestType, command.Row.CommandUuid, summary);
                continue;
            }

            if (await store.LoadBody(command.Row.BodyHash) is not { } body)
            {
                LogBodyMissing(Id, command.Row.RequestType, command.Row.CommandUuid);
                await Finish(command, CommandEnding.Cancelled, now, report: null, "the command's body is missing from the store");
                continue;
            }

            // Whoever comes next with the iPad's UDID is the erased iPad, when nothing more is heard of this one.
            if (command.Row.RequestType == EraseDevice)
                await Commit(new EnrolmentChange { Row = NextVersion(_row!) with { EraseSentAt = now }, WriteId = Guid.NewGuid(), At = now });

            if (CarriesUnlockToken(command.Row.RequestType))
                await audit.Write(Record(now, AuditVerbs.EscrowUse, address: null, command.Row.CommandUuid, "UnlockToken for ClearPasscode"));

            var delivered = await WithSecrets(command.Row.RequestType, body);

            // Memory may have been read, and time may have passed, since this turn began.
            lease.Check();
            command.SentAt = now;
            command.InFlight = true;
            return DeviceReply.Plist(CommandEnvelope.Compose(command.Row.CommandUuid, delivered));
        }

        return null;
    }

    /// <summary>ClearPasscode carries the unlock token that the iPad escrowed; it joins the command only here, on its way out.</summary>
    private async ValueTask<byte[]> WithSecrets(string requestType, byte[] body) =>
        CarriesUnlockToken(requestType) && await escrow.Find(Id, EscrowedToken.Unlock) is { } token
            ? CommandCatalogue.WithUnlockToken(body, OpenEscrow("unlock-token", token))
            : body;

    private bool CarriesUnlockToken(string requestType) => requestType == "ClearPasscode" && _row!.HasUnlockToken;

    /// <summary>
    /// An iPad whose last status was NotNow polls again by itself; after any other status it does not, and whatever it put off
    /// needs a push. The timer dies with this activation; then the sweep over silent iPads takes its place.
    /// <see href="https://developer.apple.com/documentation/devicemanagement/handling-notnow-status-responses"/>
    /// </summary>
    private void OwePush(ReportStatus lastStatus)
    {
        _owedPush?.Dispose();
        _owedPush = null;
        if (lastStatus == ReportStatus.NotNow || _queue.Count == 0) return;

        _owedPush = this.RegisterGrainTimer(
            static (grain, _) =>
            {
                if (grain._queue.Count > 0) grain.RequestPush(evenIfOutstanding: true);
                return Task.CompletedTask;
            },
            this,
            new GrainTimerCreationOptions(OwedAfter(), Timeout.InfiniteTimeSpan));
    }

    /// <summary>Until the first of what waits may be offered again.</summary>
    private TimeSpan OwedAfter()
    {
        var now = Now();
        var putOff = _queue.Commands.Where(command => !Unanswered.IsSetAside(command.Row)).Max(command => (int?)command.Row.NotNowCount);
        var aside = _queue.Commands.Min(command => Unanswered.PausedUntil(command.Row)) - now;
        var first = TimeSpan.FromMinutes(options.Value.NotNowRetryMinutes);
        var wait = putOff is { } notNows
            ? TimeSpan.FromTicks(Math.Min(first.Ticks << Math.Clamp(notNows - 1, 0, 10), LongestNotNowRetry.Ticks))
            : LongestNotNowRetry;
        if (aside < wait) wait = aside.Value;
        return wait > ShortestWait ? wait : ShortestWait;
    }

    /// <summary>Nothing is queued, and nothing that the next Idle would have to put right: polls need not ask this grain.</summary>
    private void LeaveIdle(PresentedCertificate certificate)
    {
        if (!_believed || !IsAlive || _queue.Count > 0 || _pushRequestedAt is not null || !_pins[0].Sha256.AsSpan().SequenceEqual(certificate.Sha256)) return;
        idle.Leave(Id, new IdleWord(_pins[0].Sha256, _memory, _refreshAt));
        _leftIdle = true;
    }

    private void TakeBackIdle()
    {
        if (!_leftIdle) return;
        idle.TakeBack(Id);
        _leftIdle = false;
    }

    /// <summary>A write whose outcome is unknown makes memory worthless: everything is read anew before the next answer.</summary>
    private async Task Durably(Task write)
    {
        try
        {
            await write;

            // Done, but perhaps behind the back of another node that has this iPad now: who asked repeats it there.
            lease.Check();
        }
        catch
        {
            _believed = false;
            throw;
        }
    }
}
