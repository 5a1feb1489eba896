using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.SharedIPads;

/// <summary><c>/api/v1/devices/{id}/shared-ipad</c>.</summary>
internal static class SharedIPadEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var shared = api.MapGroup("/devices/{id}/shared-ipad").Needs(Rights.DeviceRead).WithTags("Shared iPad");
        shared.MapGet("", Get).Fails(400, 404);
        shared.MapPost("/refresh", Refresh).Needs(Rights.DeviceRefresh).Idempotent().Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange).Fails(400, 404, 409, 422);
        shared.MapPost("/log-out", LogOut).Needs(CommandRights.Of(SharedIPadUsers.LogOutUser)).Idempotent().Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange)
            .Fails(400, 404, 409, 422);
        shared.MapPost("/delete-users", Delete).Needs(CommandRights.Of(SharedIPadUsers.DeleteUser)).Idempotent().Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange)
            .Fails(400, 404, 409, 422);
    }

    /// <summary>Who is on a Shared iPad, and what waits for whom</summary>
    /// <remarks>As the iPad last answered UserList, and those for whom a command waits or a profile is assigned. Guests of temporary sessions are on no list of Apple's.</remarks>
    /// <param name="id">Of the iPad.</param>
    public static async Task<Ok<SharedIPadView>> Get(string id, HttpContext context, SharedIPadService service) =>
        TypedResults.Ok(await service.Get(FleetUser.Of(context), id));

    /// <summary>Ask a Shared iPad who is on it</summary>
    /// <param name="id">Of the iPad.</param>
    public static async Task<Accepted<CommandAccepted>> Refresh(string id, HttpContext context, SharedIPadService service) => Accepted(id, await service.Refresh(context, id));

    /// <summary>Log out the user of a Shared iPad</summary>
    /// <remarks>Whoever is logged in, also a guest. An iPad that does not come within 15 minutes logs out nobody: the command expires. Afterwards the iPad is asked who is on it. It may answer nothing for up to two minutes.</remarks>
    /// <param name="id">Of the iPad.</param>
    public static async Task<Accepted<CommandAccepted>> LogOut(string id, HttpContext context, SharedIPadService service) => Accepted(id, await service.LogOut(context, id));

    /// <summary>Delete one user, or all, from a Shared iPad</summary>
    /// <remarks>
    /// What is in iCloud stays there. 409 <c>user-signed-in</c>: the user was logged in when the iPad last told who is on it; log the user out first, or refresh. 409 <c>data-not-synced</c>:
    /// the user has data that is not in iCloud yet, which <c>"force": true</c> would lose. When the iPad has deleted the user, what waited for the user ends with the state UserDeleted.
    /// </remarks>
    /// <param name="id">Of the iPad.</param>
    public static async Task<Accepted<CommandAccepted>> Delete(string id, HttpContext context, DeleteUsersRequest request, SharedIPadService service) =>
        Accepted(id, await service.Delete(context, id, request));

    private static Accepted<CommandAccepted> Accepted(string id, CommandAccepted accepted) =>
        TypedResults.Accepted($"/api/v1/devices/{Uri.EscapeDataString(id)}/commands/{accepted.CommandUuid}", accepted);
}
