using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

// The code that lifts Activation Lock: sealed and kept before the command ends. A node that dies in between is told it once more. It stands nowhere else:
// whoever reads it gives a reason, and leaves a record.
internal sealed partial class DeviceGrain
{
    /// <summary>Takes the code out of an answer.</summary>
    /// <returns>The report as it is kept.</returns>
    private async ValueTask<CommandReportMessage> Escrow(string requestType, CommandEnding ending, CommandReportMessage report, DateTimeOffset now)
    {
        if (ending != CommandEnding.Acknowledged || IsUserChannel) return report;
        if (requestType == ActivationLockAnswer.ClearRequestType) await activationLock.MarkCleared(Id, now);
        if (requestType != ActivationLockAnswer.RequestType) return report;
        var bytes = report.Result ?? (report.ResultHash is { } hash ? await store.LoadBody(hash) : null);
        if (bytes is null || ActivationLockAnswer.Read(bytes) is not { } code) return report;
        await activationLock.Keep(Id, sealer.Seal(ActivationLockCode.Purpose(Id), Encoding.UTF8.GetBytes(code)), now);
        return report with { Result = null, ResultHash = null };
    }
}
