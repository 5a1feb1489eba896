using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Attestation;

/// <summary><c>/api/v1/devices/{id}/attestation</c>.</summary>
internal static class AttestationEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var device = api.MapGroup("/devices/{id}/attestation").Needs(Rights.DeviceRead).WithTags("Attestation");
        device.MapGet("", Get).Fails(404);
        device.MapPost("", Ask).Needs(Rights.DeviceRefresh).Idempotent().Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404, 409, 422, 429);
    }

    /// <summary>What Apple's attestations prove of an iPad</summary>
    /// <remarks>How its identity certificate was issued, and what became of the newest question for an attestation of its properties. The answer is checked each time it is read, as of when it
    /// was given. It stands as long as the history of commands has it.</remarks>
    public static async Task<Ok<AttestationView>> Get(string id, AttestationService service) => TypedResults.Ok(await service.Find(id));

    /// <summary>Ask an iPad for an attestation of its properties</summary>
    /// <remarks>Queues DeviceInformation with DevicePropertiesAttestation and a nonce. Apple makes a new attestation at most every seven days: asked earlier, the iPad sends the one of before.
    /// 422: by what is known of it, this iPad cannot.</remarks>
    public static async Task<Accepted<AttestationAsked>> Ask(string id, HttpContext context, AttestationService service)
    {
        var asked = await service.Ask(context, id);
        return TypedResults.Accepted($"/api/v1/devices/{Uri.EscapeDataString(asked.DeviceId)}/attestation", asked);
    }
}
