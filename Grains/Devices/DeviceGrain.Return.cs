using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Returns;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Devices;

// Return to Service: the iPad erases itself, joins a Wi-Fi and enrols again without hands.
//
//   1. Wi-Fi    as the library has it at this moment: a password that was changed since the order would leave the iPad in a drawer. One that is gone, or that an erased iPad could not
//               join any more, ends the command; the iPad keeps what it has
//   2. written  that it was told, and until when it is expected (IReturnStore.HandOver); that whoever comes next with its UDID is the erased iPad (EraseSentAt)
//   3. handed   to whoever answers the iPad, who adds the enrolment profile for this iPad alone (ReturnDelivery)
//   4. erased   when it has acknowledged
//   5. back     when it is enrolled again, by whatever

internal sealed partial class DeviceGrain
{
    /// <summary>So long it can enrol by what it was given. It is looked for earlier: whoever finds it then, in Setup Assistant, must not find that it cannot come back any more.</summary>
    private static readonly TimeSpan ReturnLasts = TimeSpan.FromHours(IReturnStore.MostHours);

    /// <summary>Null: the iPad is not told to erase itself, and the command has ended.</summary>
    private async ValueTask<DeviceReply?> HandOverReturn(PendingCommand command, byte[] body, DateTimeOffset now)
    {
        var order = ReturnCommand.Read(body);
        var (wifi, problem) = order is null ? (null, "The command cannot be read. The iPad was not erased.") : await Wifi(order.WifiProfileId);
        if (problem is null && (_row!.Udid is null || _row.SerialNumber is null)) problem = "The iPad has not told its UDID and serial number: no enrolment profile can be made for it alone. It was not erased.";
        if (problem is null && await returns.HandOver(Id, command.Row.CommandUuid, now) is { } found)
        {
            await Commit(new EnrolmentChange { Row = NextVersion(_row!) with { EraseSentAt = now }, WriteId = Guid.NewGuid(), At = now });
            var delivery = await Delivery(wifi!, order!.KeepApps, order.PreserveDataPlan, found.InvitationId, now);
            lease.Check();
            command.SentAt = now;
            command.InFlight = true;
            return DeviceReply.Empty with { Return = delivery with { CommandUuid = command.Row.CommandUuid } };
        }

        problem ??= "The iPad is in no list of those that return. It was not erased.";
        await Finish(command, CommandEnding.Error, now, problem);
        LogCommandFailed(Id, command.Row.RequestType, command.Row.CommandUuid, problem);
        return null;
    }

    public async ValueTask<DeviceReply> ReturnNotMade(string commandUuid, string reason)
    {
        await Fresh();
        if (_queue.Find(commandUuid) is { InFlight: true, Row.RequestType: ReturnCommand.RequestType } command)
        {
            var now = Now();
            await returns.TakeBack(Id, command.Row.CommandUuid);
            await Commit(new EnrolmentChange { Row = NextVersion(_row!) with { EraseSentAt = null }, WriteId = Guid.NewGuid(), At = now });
            await Finish(command, CommandEnding.Error, now, reason);
            LogCommandFailed(Id, command.Row.RequestType, command.Row.CommandUuid, reason);
        }

        return await Next() ?? DeviceReply.Empty;
    }

    public async ValueTask<DeviceReply> ReturnToService(PresentedCertificate certificate)
    {
        var refusal = await Admit(certificate);
        if (refusal != DeviceRefusal.None) return DeviceReply.Refused(refusal);

        var (answer, now) = (await returns.FindAnswer(), Now());
        if (answer is null || IsUserChannel || _row is not { Udid: not null, SerialNumber: not null }) return DeviceReply.Plist(ReturnCommand.No());
        var (wifi, problem) = await Wifi(answer.WifiProfileId);
        if (wifi is null)
        {
            LogNoReturn(Id, problem!);
            return DeviceReply.Plist(ReturnCommand.No());
        }

        // It erases itself without another word. Nothing is lost when it does not: the next thing that it says takes the permission back.
        await Commit(new EnrolmentChange
        {
            Row = NextVersion(_row) with { EraseSentAt = now },
            WriteId = Guid.NewGuid(),
            At = now,
            Audit = [Record(now, AuditVerbs.ReturnGive, address: null, detail: "the iPad asked for it")],
        });
        return DeviceReply.Empty with { Return = await Delivery(wifi, answer.KeepApps, answer.PreserveDataPlan, answer.InvitationId, now) };
    }

    private async Task<ReturnDelivery> Delivery(byte[] wifi, bool keepApps, bool preserveDataPlan, string invitation, DateTimeOffset now)
    {
        byte[]? token = null;
        if (keepApps && _row!.HasBootstrapToken && await escrow.Find(Id, EscrowedToken.Bootstrap) is { } held)
        {
            await audit.Write(Record(now, AuditVerbs.EscrowUse, address: null, detail: "BootstrapToken for Return to Service"));
            token = OpenEscrow("bootstrap-token", held);
        }

        return new ReturnDelivery
        {
            Wifi = wifi,
            BootstrapToken = token,
            PreserveDataPlan = preserveDataPlan,
            InvitationId = invitation,
            Udid = _row!.Udid!,
            SerialNumber = _row.SerialNumber!,
            Ends = now + ReturnLasts,
            ProductName = _row.ProductName,
            OsVersion = _row.OsVersion,
            BuildVersion = _row.BuildVersion,
        };
    }

    /// <summary>Step 1.</summary>
    private async Task<(byte[]? Profile, string? Problem)> Wifi(string profileId)
    {
        if (await library.Find(profileId) is not { } profile || await library.Load(profile.Id, profile.Newest.Version) is not { } bytes)
            return (null, "The profile of the Wi-Fi is not in the library any more. The iPad was not erased.");
        return ReturnWifi.FindFault(bytes) is { } fault
            ? (null, $"The profile {profile.Newest.Name} was changed, and an erased iPad could not join its Wi-Fi any more. The iPad was not erased. {fault}")
            : (bytes, null);
    }

    /// <summary>Steps 4, and its opposite. Before what the answer changes is written: an iPad that is erased says so once.</summary>
    private Task ReturnAnswered(string commandUuid, CommandEnding ending, DateTimeOffset now) =>
        ending == CommandEnding.Acknowledged ? returns.Erased(Id, commandUuid.ToUpperInvariant(), now) : returns.TakeBack(Id, commandUuid.ToUpperInvariant());

    /// <summary>A command ends that may have been in the iPad's hands before, and the iPad is here all the same: it is not on its way back.</summary>
    private Task NotErased(PendingCommand command) =>
        command.Row.RequestType == ReturnCommand.RequestType ? returns.TakeBack(Id, command.Row.CommandUuid) : Task.CompletedTask;

    /// <summary>Null: nobody told it to return, or it has come back. One that has begun to enrol may begin once more, and is on its way back until it has ended.</summary>
    private async Task<AwayIPad?> FindAway() =>
        _row is { Status: EnrolmentStatus.Erased or EnrolmentStatus.Authenticated } or { EraseSentAt: not null } ? await returns.FindAway(Id) : null;

    [LoggerMessage(2840, LogLevel.Warning, "{Id} asks how to return to service, and is told not to: {Problem}")]
    private partial void LogNoReturn(string id, string problem);
}
