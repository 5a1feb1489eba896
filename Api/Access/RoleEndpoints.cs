using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary><c>/api/v1/roles</c>, and the rights that a role can have.</summary>
internal static class RoleEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var roles = api.MapGroup("/roles").Needs(Rights.TokenRead).WithTags("Roles");
        roles.MapGet("", List).Fails();
        roles.MapPost("", Add).Needs(Rights.TokenChange).Takes<RoleRequest>().Idempotent().Audit(AuditVerbs.RoleCreate, AuditTargets.Role).Fails(400, 409, 413, 415, 422);
        roles.MapGet("/{name}", Get).Fails(404);
        roles.MapPut("/{name}", Change).Needs(Rights.TokenChange).Takes<RoleChange>().Audit(AuditVerbs.RoleChange, AuditTargets.Role, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        roles.MapDelete("/{name}", Delete).Needs(Rights.TokenChange).Audit(AuditVerbs.RoleDelete, AuditTargets.Role).Fails(404, 409);
        api.MapGet("/rights", ListRights).ForEverybodySignedIn("They stand in the documentation.").WithTags("Roles").Fails();
    }

    /// <summary>List roles, those that are always there first</summary>
    public static async Task<Ok<Page<RoleView>>> List(RoleService service) => TypedResults.Ok(new Page<RoleView>(await service.List(), null));

    /// <summary>Add a role</summary>
    /// <remarks>A set of rights with a name. 403: you cannot give rights that your own token does not have. 409: the name is taken.</remarks>
    public static async Task<Created<RoleView>> Add(HttpContext context, RoleService service)
    {
        var role = await service.Add(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.RoleRequest));
        EntityTag.Write(context, role.Version);
        return TypedResults.Created($"/api/v1/roles/{role.Name}", role);
    }

    /// <summary>One role</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<RoleView>> Get(string name, HttpContext context, RoleService service)
    {
        var role = await service.Get(name);
        EntityTag.Write(context, role.Version);
        return TypedResults.Ok(role);
    }

    /// <summary>Change a role</summary>
    /// <remarks>As a whole. What its tokens may do changes with it, on every node within 5 seconds. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c>.
    /// 403: the role has, or would have, rights that your own token does not have. 409: it is one that is always there.</remarks>
    public static async Task<Ok<RoleView>> Change(string name, HttpContext context, RoleService service)
    {
        var basedOn = EntityTag.Required(context);
        var role = await service.Change(context, name, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.RoleChange));
        EntityTag.Write(context, role.Version);
        return TypedResults.Ok(role);
    }

    /// <summary>Delete a role</summary>
    /// <remarks>409: a token has it that works, or it is one that is always there.</remarks>
    public static async Task<NoContent> Delete(string name, HttpContext context, RoleService service)
    {
        await service.Delete(context, name);
        return TypedResults.NoContent();
    }

    /// <summary>List the rights that a role can have</summary>
    public static Ok<Page<RightView>> ListRights() =>
        TypedResults.Ok(new Page<RightView>([.. Rights.All.Select(right => new RightView(right.Name, right.Group, right.Words, right.With, right.ForSchools))], null));
}
