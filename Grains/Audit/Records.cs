using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Grains.Audit;

/// <summary>Audit records of what grains change.</summary>
internal static class Records
{
    /// <summary>A record of what the present caller asks for; null when nobody does: the server's own work leaves none.</summary>
    public static AuditRecord? OfCaller(
        DateTimeOffset at, string verb, string targetKind, string targetId, string? subject = null, string? detail = null) => Caller.Current is { } caller
        ? AuditRecord.New(at, new AuditActor(caller.IsAccount ? ActorKind.Account : ActorKind.Token, caller.TokenId, caller.Name, caller.Address), verb) with
        {
            TargetKind = targetKind,
            TargetId = targetId,
            Subject = subject,
            Detail = detail,
            Reason = caller.Reason,
            Right = caller.Right,
        }
        : null;
}
