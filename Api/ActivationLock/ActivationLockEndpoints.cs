using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.ActivationLock;

/// <summary><c>/api/v1/devices/{id}/activation-lock</c>.</summary>
internal static class ActivationLockEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var device = api.MapGroup("/devices/{id}/activation-lock").Needs(Rights.DeviceRead).WithTags("Activation Lock");
        device.MapGet("", Get).Fails(404);
        device.MapGet("/code", Code).Needs(Rights.SecretRead).WithQuery("reason").Fails(400, 403, 404);
    }

    /// <summary>Whether the server has the code that lifts Activation Lock</summary>
    /// <remarks>An iPad that is supervised tells it in its answer to ActivationLockBypassCode. The code is kept sealed, and longer than the history: until
    /// Retention:EscrowDays after the iPad has left.</remarks>
    public static async Task<Ok<ActivationLockView>> Get(string id, ActivationLockService service) => TypedResults.Ok(await service.Find(id));

    /// <summary>The code that lifts Activation Lock</summary>
    /// <remarks>For those who may see secrets, and say why. Each reading is recorded with the reason.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="reason">Why you read it. The header Audit-Reason does as well.</param>
    public static async Task<Ok<ActivationLockCodeView>> Code(string id, HttpContext context, ActivationLockService service, [FromQuery] string? reason = null) =>
        TypedResults.Ok(await service.Read(context, id, reason));
}
