using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.ActivationLock;

/// <summary>Whether a code is there.</summary>
public sealed record ActivationLockView
{
    /// <summary>The server has a code of this iPad.</summary>
    public required bool HasCode { get; init; }
    /// <summary>When the iPad told it.</summary>
    public DateTimeOffset? FetchedAt { get; init; }
    /// <summary>When the iPad acknowledged that its code is void; null: it has not.</summary>
    public DateTimeOffset? ClearedAt { get; init; }
}

/// <summary>The code. Whoever has it, and the iPad, can set the iPad up as a new one.</summary>
/// <param name="Code">As the iPad told it.</param>
public sealed record ActivationLockCodeView(string Code, DateTimeOffset FetchedAt, DateTimeOffset? ClearedAt);

/// <summary>Reads codes, for REST and for the page.</summary>
internal sealed class ActivationLockService(IActivationLockStore store, SecretSealer sealer, AuditTrail trail, DeviceLookup devices)
{
    private const string What = "activation-lock-bypass-code";

    public async Task<ActivationLockView> Find(string id)
    {
        var found = await store.Find((await devices.Row(id)).Id);
        return new ActivationLockView { HasCode = found is not null, FetchedAt = found?.FetchedAt, ClearedAt = found?.ClearedAt };
    }

    /// <summary>Recorded before it is shown.</summary>
    /// <exception cref="ApiProblem">400: nobody said why; 403; 404.</exception>
    public async Task<ActivationLockCodeView> Read(HttpContext context, string id, string? said)
    {
        var device = await devices.Row(id);
        if (!FleetUser.Of(context).MaySeeSecrets)
            throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NotAllowed, "Not allowed", "This token may not see secrets.");
        var reason = AuditReason.Required(context, said);
        var found = await store.Find(device.Id)
            ?? throw ApiProblem.NotFound("The server has no code of this iPad. Send ActivationLockBypassCode: a supervised iPad answers with it.");
        var code = Encoding.UTF8.GetString(sealer.Open(ActivationLockCode.Purpose(device.Id), found.Code));
        await trail.Record(context, AuditVerbs.SecretRead, AuditTargets.Device, device.Id, detail: What, reason: reason);
        return new ActivationLockCodeView(code, found.FetchedAt, found.ClearedAt);
    }
}
