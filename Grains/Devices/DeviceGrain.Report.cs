using System.Runtime.CompilerServices;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Webhooks;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Classroom;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Grains.Devices;

internal sealed partial class DeviceGrain
{
    private const string EraseDevice = "EraseDevice";
    private const string DeviceInformation = "DeviceInformation";

    /// <summary>A database that is away must not hold up a node that stops.</summary>
    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(2);

    private static readonly ConditionalWeakTable<byte[], KnownProfile> ProfilesOfBodies = [];

    private IGrainTimer? _owedPush;

    public async ValueTask<DeviceReply> Report(CommandReportMessage report, PresentedCertificate certificate)
    {
        // 1, 2
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        // 3, 4: Idle begins a connection; a report on a command that is not queued (repeated, unknown) changes nothing, unless it is the late
        // answer to one that was ended without. What is still in the iPad's hands after this was not answered.
        if (report.Status == ReportStatus.Idle) _queue.BeginConnection();
        else if (report.CommandUuid is { } uuid)
        {
            if (await Find(uuid) is { } command) await Settle(command, report);
            else await SettleLate(uuid, report);
        }

        if (_queue.InFlight is { } silent) await PassOver(silent);

        // 5
        if (ExamIsDue(Now())) await LookAtExams();
        // Nobody is let in before what is assigned to them is queued.
        var next = IsUserAwaiting && report.Status != ReportStatus.NotNow && PlanIsDue(Now()) ? await FollowPlan() : null;
        next ??= await Next();
        if (next is null && report.Status != ReportStatus.NotNow && PlanIsDue(Now())) next = await FollowPlan();
        if (next is null && report.Status != ReportStatus.NotNow && IsAwaiting) next = await LetGo();
        next ??= await LetUserIn();
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
            if (command.Row.RequestType == EraseDevice) await ReturnAnswered(command.Row.CommandUuid, CommandEnding.Error, now);
            await Mark(command, QueuePart.PutOff(command.Row, now));
            command.Skipped = true;
            return;
        }

        (var ending, report) = await EndingOf(command.Row.RequestType, command.Row.CommandUuid, report);
        await Conclude(command, ending, now, report);
        PlanCommandEnded(command.Row.CommandUuid);
        if (command.Row.RequestType == HoldCommands.RequestType && !IsUserChannel) await WentOn();
        if (ending == CommandEnding.Acknowledged) await AskWhoIsThere(command.Row.RequestType);
        if (IsRenewal(command.Row)) await RenewalAnswered(command.Row, ending, report.ErrorSummary, now);
        if (ending != CommandEnding.Acknowledged)
            LogCommandFailed(Id, command.Row.RequestType, command.Row.CommandUuid, report.ErrorSummary);
    }

    /// <summary>An iPad acknowledges Settings also where it took no item. What is assigned is one item, and an iPad that did not take it does not have it.</summary>
    private async ValueTask<(CommandEnding Ending, CommandReportMessage Report)> EndingOf(string requestType, string commandUuid, CommandReportMessage report)
    {
        var ending = QueuePart.EndingOf(report.Status);
        if (ending != CommandEnding.Acknowledged || requestType != NamingPart.Settings || !PlanCommands.Is(commandUuid)) return (ending, report);
        var answer = report.Result ?? (report.ResultHash is { } hash ? await store.LoadBody(hash) : null);
        return answer is not null && SettingsAnswer.Refusal(answer) is { } refusal ? (CommandEnding.Error, report with { ErrorSummary = refusal }) : (ending, report);
    }

    /// <summary>Ends a command that was answered, together with what the answer changes and tells.</summary>
    private async Task Conclude(PendingCommand command, CommandEnding ending, DateTimeOffset now, CommandReportMessage report)
    {
        var (type, uuid) = (command.Row.RequestType, command.Row.CommandUuid);
        if (ending == CommandEnding.Acknowledged) await EndGoneUsers(type, command.Row.BodyHash, command.SentAt ?? command.Row.AcceptedAt, report, now);
        if (type == EraseDevice) await ReturnAnswered(uuid, ending, now);
        var told = ending == CommandEnding.Acknowledged ? await Told(type, command.Row.BodyHash, report, now) : null;
        var change = Consequence(type, ending, report, now);
        if (told?.Difference is not null || (change is not null && change.Row.IsLost != _row!.IsLost) || (type == DeviceInformation && change is not null && TellsMore(_row!, change.Row))) FactsChanged();
        var finish = Ended(command, ending, now, ForHistory(type, uuid, await Escrow(type, ending, report, now))) with
        {
            Inventory = told,
            ProfileIdentifier = ending == CommandEnding.Acknowledged ? await ProfileOf(command.Row) : null,
        };
        try
        {
            await Commit(change, finish);
        }
        catch (StoreRejectedException e) when (told is not null)
        {
            // An iPad whose answer is refused sends it for ever.
            LogNotTold(Id, type, uuid, e);
            await Commit(change, finish with { Inventory = null });
        }
    }

    /// <summary>Which profile an answered command has installed or removed; null: it is another command.</summary>
    private async ValueTask<string?> ProfileOf(QueuedRow row)
    {
        if (row.RequestType is not (ProfileCommand.Install or ProfileCommand.Remove) || IsRenewal(row) || await store.LoadBody(row.BodyHash) is not { } body) return null;
        // Thousands of iPads get the same bytes, and a node remembers them: a profile is looked into once.
        return ProfilesOfBodies.GetValue(body, static bytes => new KnownProfile(ProfileCommand.IdentifierOf(bytes))).Identifier;
    }

    /// <summary>More than battery and free space, which move all the time.</summary>
    private static bool TellsMore(DeviceRow before, DeviceRow after) => after with
    {
        Version = before.Version,
        DetailsAt = before.DetailsAt,
        BatteryLevel = before.BatteryLevel,
        AvailableDeviceCapacity = before.AvailableDeviceCapacity,
    } != before;

    private Task Commit(EnrolmentChange? change, QueueFinish finish) => change is null ? Finish(finish) : Commit(change with { Finish = finish });

    /// <summary>What the history keeps of an answer. What the server asked of itself nobody reads: it stands in the inventory. Where an iPad was
    /// stands there as long as it is lost, and nowhere for longer.</summary>
    private static CommandReportMessage ForHistory(string requestType, string commandUuid, CommandReportMessage report) =>
        RefreshQuestions.Is(commandUuid) || InventoryLists.Of(requestType) == InventoryList.Location ? report with { Result = null, ResultHash = null } : report;

    /// <summary>What the answer changes beside the command, to be committed together with its end; null: nothing.</summary>
    private EnrolmentChange? Consequence(string requestType, CommandEnding ending, CommandReportMessage report, DateTimeOffset now)
    {
        // Whatever it says: an error means that it went on before.
        if (requestType == (IsUserChannel ? SharedIPadUsers.UserConfigured : HoldCommands.RequestType) && ending is CommandEnding.Acknowledged or CommandEnding.Error or CommandEnding.CommandFormatError && _row is { AwaitingConfiguration: true } waited)
            return new EnrolmentChange { Row = NextVersion(waited) with { AwaitingConfiguration = false }, WriteId = Guid.NewGuid(), At = now };
        if (ending != CommandEnding.Acknowledged || _row is not { } row) return null;
        if (requestType == EraseDevice) return EnrolmentPart.Leave(row, EnrolmentStatus.Erased, CommandEnding.Erased, now, Guid.NewGuid());

        if (!IsUserChannel && FitnessPart.LostAfter(requestType) is { } lost && lost != row.IsLost)
        {
            return new EnrolmentChange
            {
                Row = NextVersion(row) with { IsLost = lost },
                WriteId = Guid.NewGuid(),
                At = now,
                Inventory = lost ? InventoryEnd.Kept : InventoryEnd.LocationForgotten,
            };
        }

        // A user of a Shared iPad is asked about the iPad too; the iPad itself knows best.
        if (requestType != DeviceInformation || report.Device is not { } facts || IsUserChannel) return null;
        var learnt = InventoryPart.DeviceInformation(row, facts, now);
        return learnt == row ? null : new EnrolmentChange { Row = NextVersion(learnt), WriteId = Guid.NewGuid(), At = now };
    }

    /// <summary>The answer to a command that was given up, expired or cancelled while the iPad had it: what it says counts all the same.</summary>
    private async Task SettleLate(string commandUuid, CommandReportMessage report)
    {
        if (report.Status == ReportStatus.NotNow || (report.Result is null && report.ResultHash is null)) return;
        if (await lateAnswers.Find(Id, commandUuid.ToUpperInvariant()) is not { } ended) return;

        var now = Now();
        (var ending, report) = await EndingOf(ended.RequestType, commandUuid, report);
        if (ending == CommandEnding.Acknowledged) await LockedLate(commandUuid, ended.BodyHash, now);
        if (ending == CommandEnding.Acknowledged)
        {
            // A list that comes late says nothing.
            await EndGoneUsers(ended.RequestType, ended.BodyHash, ended.RequestType == SharedIPadUsers.DeleteUser ? ended.SentAt : null, report, now);
            await AskWhoIsThere(ended.RequestType);
        }

        if (ended.RequestType == EraseDevice) await ReturnAnswered(commandUuid, ending, now);
        // First what must not be lost: an iPad that is erased does not say so twice.
        if (Consequence(ended.RequestType, ending, report, now) is { } change) await Commit(change);
        if (ended.RequestType == HoldCommands.RequestType && !IsUserChannel) await WentOn();
        // Where it was then is of no use: it may have been found since.
        var told = ending == CommandEnding.Acknowledged && InventoryLists.Of(ended.RequestType) != InventoryList.Location
            ? await Told(ended.RequestType, ended.BodyHash, report, now)
            : null;
        var words = ForHistory(ended.RequestType, commandUuid, await Escrow(ended.RequestType, ending, report, now));
        var answer = new LateAnswer
        {
            EnrolmentId = Id,
            CommandUuid = commandUuid.ToUpperInvariant(),
            Sequence = ended.Sequence,
            Ending = ending,
            Summary = Unanswered.LateSummary(report.ErrorSummary, now),
            Result = words.Result is { } result ? result : default(ReadOnlyMemory<byte>?),
            ResultHash = words.ResultHash,
            Inventory = told,
        };
        bool kept;
        try
        {
            kept = await lateAnswers.Keep(answer);
        }
        catch (StoreRejectedException e) when (told is not null)
        {
            LogNotTold(Id, ended.RequestType, commandUuid, e);
            told = null;
            kept = await lateAnswers.Keep(answer with { Inventory = null });
        }

        if (!kept) return;
        if (told is not null) Keep(told);
        LogAnsweredLate(Id, ended.RequestType, commandUuid, ending, ended.Ending);
    }

    /// <summary>It was handed over, and the iPad came with something else.</summary>
    private async Task PassOver(PendingCommand command)
    {
        var row = QueuePart.PassedOver(command.Row, Now());
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

    private Task Finish(PendingCommand command, CommandEnding ending, DateTimeOffset at, string? summary = null, AuditRecord? audit = null) =>
        Finish(Ended(command, ending, at, report: null, summary) with { Audit = audit });

    private QueueFinish Ended(PendingCommand command, CommandEnding ending, DateTimeOffset at, CommandReportMessage? report, string? summary = null)
    {
        var finish = new QueueFinish
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
            ProfileCommand = command.Row.RequestType is ProfileCommand.Install or ProfileCommand.Remove ? command.Row.CommandUuid : null,
        };
        return webhooks.WantsCommands ? finish with { Event = EventPart.Of(_row, Id, command.Row, finish) } : finish;
    }

    private const string NotSigned = "The server could not sign the profile, so it was not sent. Look at the option Profiles:Signing and at the server's log, and install it again.";

    private sealed record KnownProfile(string? Identifier);

    /// <summary>A profile of the library with this iPad's own values. Null: it cannot be made, and the command has ended.</summary>
    private async ValueTask<DeviceReply?> HandOverProfile(PendingCommand command, byte[] template, DateTimeOffset now)
    {
        if (ProfileCommand.Expand(template, await Values(await ItsIPad()), out var problem) is not { } profile)
        {
            await Finish(command, CommandEnding.Error, now, problem);
            LogCommandFailed(Id, command.Row.RequestType, command.Row.CommandUuid, problem);
            return null;
        }

        if (PlanCommands.Is(command.Row.CommandUuid) && await IsOfAnother(profile))
        {
            await Finish(command, CommandEnding.Expired, now, "What the iPad is to know of classes has changed before it came.");
            PlanCommandEnded(command.Row.CommandUuid);
            return null;
        }

        lease.Check();
        command.SentAt = now;
        command.InFlight = true;
        return DeviceReply.Empty with { Profile = new ProfileDelivery(command.Row.CommandUuid, profile) };
    }

    /// <summary>Names of a class are for the iPads of that class alone: one that was handed over, or whose class has changed, does not get what was made before.</summary>
    private async ValueTask<bool> IsOfAnother(byte[] profile)
    {
        var root = PlistReader.ReadDictionary(profile, PlistLimits.Admin);
        return root.GetString("PayloadIdentifier") == ClassroomProfile.Identifier && !ClassroomProfile.IsOf(root, Id, (await classroom.Find(Id))?.Revision);
    }

    public async ValueTask<DeviceReply> ProfileNotSigned(string commandUuid)
    {
        await Fresh();
        if (_queue.Find(commandUuid) is { InFlight: true, Row.RequestType: ProfileCommand.Install } command)
        {
            await Finish(command, CommandEnding.Error, Now(), NotSigned);
            LogCommandFailed(Id, command.Row.RequestType, command.Row.CommandUuid, NotSigned);
        }

        return await Next() ?? DeviceReply.Empty;
    }

    private async Task Finish(QueueFinish command)
    {
        var finish = store.Finish(command);
        await Durably(finish);
        _queue.Remove(command.Sequence);
        if (command.Inventory is { } told) Keep(told);

        // Another activation has finished it: what else memory holds is as old.
        if (!await finish) await Read();
    }

    /// <summary>The next command's bytes; what has expired, was cancelled meanwhile or was given up is ended on the way.</summary>
    private async ValueTask<DeviceReply?> Next()
    {
        var looked = false;
        while (_queue.Next(Now()) is { } command)
        {
            // Who was released a moment ago is not locked: whoever released it is sure of that.
            if (ExamCommands.IsLock(command.Row.CommandUuid) && !await MayLock(command, looked))
            {
                looked = true;
                continue;
            }

            var now = Now();
            if (QueuePart.Judge(command.Row, now) is { } unsent)
            {
                await NotErased(command);
                await Finish(command, unsent.Ending, now, unsent.Summary);
                if (unsent.Ending == CommandEnding.Error) LogCommandFailed(Id, command.Row.RequestType, command.Row.CommandUuid, unsent.Summary);
                continue;
            }

            if (IsRenewal(command.Row))
            {
                if (await HandOverRenewal(command, now) is { } renewal) return renewal;
                continue;
            }

            if (await store.LoadBody(command.Row.BodyHash) is not { } body)
            {
                LogBodyMissing(Id, command.Row.RequestType, command.Row.CommandUuid);
                await NotErased(command);
                await Finish(command, CommandEnding.Cancelled, now, "the command's body is missing from the store");
                continue;
            }

            if (ProfileCommand.IsTemplate(body))
            {
                if (await HandOverProfile(command, body, now) is { } profile) return profile;
                continue;
            }

            if (ReturnCommand.IsTemplate(body))
            {
                if (await HandOverReturn(command, body, now) is { } returning) return returning;
                continue;
            }

            // Whoever comes next with the iPad's UDID is the erased iPad, when nothing more is heard of this one.
            if (command.Row.RequestType == EraseDevice)
                await Commit(new EnrolmentChange { Row = NextVersion(_row!) with { EraseSentAt = now }, WriteId = Guid.NewGuid(), At = now });

            if (CarriesUnlockToken(command.Row.RequestType))
                await audit.Write(Record(now, AuditVerbs.EscrowUse, address: null, command.Row.CommandUuid, "UnlockToken for ClearPasscode"));

            var delivered = command.Row.RequestType == DeclarationCommands.RequestType ? await WithTokens() : await WithSecrets(command.Row.RequestType, body);

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

    private TimeSpan OwedAfter() =>
        QueuePart.OwedAfter([.. _queue.Commands.Select(command => command.Row)], TimeSpan.FromMinutes(options.Value.NotNowRetryMinutes), Now());

    /// <summary>Nothing is queued, and nothing that the next Idle would have to put right: polls need not ask this grain.</summary>
    private void LeaveIdle(PresentedCertificate certificate)
    {
        if (!_believed || !IsAlive || _queue.Count > 0 || _pushRequestedAt is not null || !_pins[0].Sha256.AsSpan().SequenceEqual(certificate.Sha256)) return;
        if (PlanIsDue(Now()) || ExamIsDue(Now()) || IsAwaiting || IsUserAwaiting) return;
        var until = _planDue < _refreshAt ? _planDue.Value : _refreshAt;
        idle.Leave(Id, new IdleWord(_pins[0].Sha256, _memory, _examDue < until ? _examDue.Value : until));
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
