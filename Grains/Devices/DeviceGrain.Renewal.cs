using FleetMdm.Grains.Audit;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Renewals;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Renewals;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Devices;

// The renewal of the identity certificate. Its rules are RenewalPart; here they are carried out. The row of the renewal is written beside the queue, not
// with it: whatever is lost between the two is found when the sweep looks at the row.
internal sealed partial class DeviceGrain
{
    public async ValueTask<RenewalStep> RenewIdentity(bool now)
    {
        // What the store knows counts: it may be long since this iPad came.
        await Read();
        if (IsUserChannel || _row is null || _pins.Count == 0)
        {
            await renewals.Forget(Id);
            return RenewalStep.Nothing;
        }

        var newest = _pins[0];
        var renewal = await renewals.Find(Id);
        if (now && IsAlive && renewal?.Sha256.AsSpan().SequenceEqual(newest.Sha256) != true)
        {
            renewal = new RenewalRow { DeviceId = Id, Sha256 = newest.Sha256, NotAfter = newest.NotAfter, NextAt = Now() };
            await renewals.Add([renewal]);
        }

        if (renewal is null) return RenewalStep.Nothing;
        var standing = await store.FindCertificate(newest.Sha256);
        var queued = _queue.Commands.FirstOrDefault(command => IsRenewal(command.Row));
        var decision = RenewalPart.Look(new RenewalState(_row, _pins, renewal, standing, queued?.Row, _lastSeen, now), Now());
        if (decision.Row is not { } after)
        {
            await renewals.Forget(Id);
            return decision.Step;
        }

        if (decision.Step == RenewalStep.Started) await QueueRenewal(after);
        await renewals.Save(after);
        if (after.Problem != renewal.Problem && after.Problem != RenewalProblem.None) LogNotRenewed(Id, after.NotAfter, after.Problem, after.Detail);
        if (after.Failures > renewal.Failures) renewalMetrics.Failed.Add(after.Failures - renewal.Failures);
        return decision.Step;
    }

    /// <summary>Nobody is asked whether the queue has room: an iPad whose queue is full needs its certificate too.</summary>
    private async Task QueueRenewal(RenewalRow renewal)
    {
        var (uuid, now) = (renewal.CommandUuid!, Now());
        const string Detail = "InstallProfile: renews the identity certificate";
        var append = store.Append(new QueueAppend
        {
            EnrolmentId = Id,
            CommandUuid = uuid,
            RequestType = RenewalCommand.RequestType,
            Body = RenewalCommand.Stored,
            AcceptedAt = now,
            Audit = Records.OfCaller(now, AuditVerbs.CommandSend, AuditTargets.Device, Id, uuid, Detail)
                ?? AuditRecord.New(now, AuditActor.Server, AuditVerbs.CommandSend) with
                {
                    TargetKind = AuditTargets.Device,
                    TargetId = Id,
                    Subject = uuid,
                    Detail = Detail,
                },
        });
        await Durably(append);
        if (!(await append).AlreadyThere)
        {
            renewalMetrics.Started.Add(1);
            LogRenewing(Id, renewal.NotAfter);
        }

        await Read();
        RequestPush();
    }

    private bool IsRenewal(QueuedRow row) => row.RequestType == RenewalCommand.RequestType && store.IsBody(row.BodyHash, RenewalCommand.Stored);

    /// <summary>What the iPad is sent is made by whoever answers it. Null: there is nothing to renew any more, and the command has ended.</summary>
    private async ValueTask<DeviceReply?> HandOverRenewal(PendingCommand command, DateTimeOffset now)
    {
        if (await renewals.Find(Id) is not { } renewal || _pins.Count == 0 || !renewal.Sha256.AsSpan().SequenceEqual(_pins[0].Sha256) || _row?.Topic is not { } topic)
        {
            await Finish(command, CommandEnding.Cancelled, now, "the identity certificate is renewed already");
            return null;
        }

        var standing = await store.FindCertificate(renewal.Sha256);
        lease.Check();
        command.SentAt = now;
        command.InFlight = true;
        return DeviceReply.Empty with
        {
            Renewal = new RenewalOrder { CommandUuid = command.Row.CommandUuid, Renews = renewal.Sha256, Authority = standing.Issued?.Authority, Topic = topic, AccessRights = _row.AccessRights },
        };
    }

    public async ValueTask<DeviceReply> AddressUnknown(string commandUuid)
    {
        await Fresh();
        if (_queue.Find(commandUuid) is { } command && IsRenewal(command.Row))
        {
            var now = Now();
            await Finish(command, CommandEnding.Cancelled, now, "nobody knows by which address the iPad is enrolled");
            await Note(command.Row, renewal => RenewalPart.AddressUnknown(renewal, now));
        }

        return await Next() ?? DeviceReply.Empty;
    }

    /// <summary>The iPad's answer to the renewing command.</summary>
    private Task RenewalAnswered(QueuedRow row, CommandEnding ending, string? summary, DateTimeOffset now) => Note(row, renewal =>
        ending == CommandEnding.Acknowledged ? RenewalPart.Acknowledged(renewal, now) : RenewalPart.Failed(renewal, summary, now));

    private async Task Note(QueuedRow row, Func<RenewalRow, RenewalRow> change)
    {
        try
        {
            if (await renewals.Find(Id) is not { } renewal || renewal.CommandUuid != row.CommandUuid) return;
            var after = change(renewal);
            await renewals.Save(after);
            if (after.Failures > renewal.Failures) renewalMetrics.Failed.Add(1);
            if (after.Problem != renewal.Problem && after.Problem != RenewalProblem.None) LogNotRenewed(Id, after.NotAfter, after.Problem, after.Detail);
        }
        catch (Exception e)
        {
            // The sweep finds that the command has ended.
            LogRenewalNotNoted(Id, e);
        }
    }

    /// <summary>The renewed certificate has spoken.</summary>
    private async Task RenewalDone()
    {
        renewalMetrics.Done.Add(1);
        try
        {
            await renewals.Forget(Id);
        }
        catch (Exception e)
        {
            LogRenewalNotNoted(Id, e);
        }
    }

    [LoggerMessage(2060, LogLevel.Information, "{Id} is to renew its identity certificate, which ends on {NotAfter:yyyy-MM-dd}")]
    private partial void LogRenewing(string id, DateTimeOffset notAfter);

    [LoggerMessage(2061, LogLevel.Warning, "{Id}: the identity certificate that ends on {NotAfter:yyyy-MM-dd} is not renewed: {Problem}. {Detail}")]
    private partial void LogNotRenewed(string id, DateTimeOffset notAfter, RenewalProblem problem, string? detail);

    [LoggerMessage(2062, LogLevel.Information, "{Id}: the state of the renewal could not be written down; the sweep finds it")]
    private partial void LogRenewalNotNoted(string id, Exception exception);
}
