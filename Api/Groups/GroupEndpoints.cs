using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Groups;

/// <summary><c>/api/v1/groups</c>.</summary>
internal static class GroupEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var groups = api.MapGroup("/groups").Needs(Rights.DeviceRead).WithinSchools().WithTags("Groups");
        groups.MapGet("", List).WithQuery("q", "after", "limit").Fails(400);
        groups.MapPost("", Create).Needs(Rights.GroupChange).Takes<GroupRequest>().Idempotent()
            .Audit(AuditVerbs.GroupCreate, AuditTargets.Group, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        groups.MapGet("/{id}", Get).Fails(404);
        groups.MapPut("/{id}", Change).Needs(Rights.GroupChange).Takes<GroupRequest>()
            .Audit(AuditVerbs.GroupChange, AuditTargets.Group, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        groups.MapDelete("/{id}", Delete).Needs(Rights.GroupChange).Audit(AuditVerbs.GroupDelete, AuditTargets.Group, AuditPlace.WithTheChange).Fails(404, 409);
        groups.MapGet("/{id}/waiting", Waiting).WithQuery("after", "limit").Fails(400, 404);
        groups.MapPost("/{id}/members", Add).Needs(Rights.GroupChange).Takes<GroupMembersRequest>(BodyLimit.Operation).Idempotent()
            .Audit(AuditVerbs.GroupMembers, AuditTargets.Group, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415, 422);
        groups.MapPost("/{id}/members/remove", Remove).Needs(Rights.GroupChange).Takes<GroupMembersRequest>(BodyLimit.Operation).Idempotent()
            .Audit(AuditVerbs.GroupMembers, AuditTargets.Group, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415, 422);
        api.MapGet("/devices/{id}/groups", Of).Needs(Rights.DeviceRead).WithTags("Groups").Fails(404);
    }

    /// <summary>List groups, by name</summary>
    /// <remarks>The iPads of one are listed by the filter: <c>GET /api/v1/devices?filter=group:"Year 7"</c>.</remarks>
    /// <param name="q">Part of the name, in whatever case.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<GroupView>>> List(
        HttpContext context, GroupService service, [FromQuery] string? q = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), q, after, Page.Limit(limit)));

    /// <summary>Create a group</summary>
    /// <remarks>With a rule: its iPads are those that the rule finds, at each moment. Without: they are chosen by hand. A rule may name other groups. 400: it cannot
    /// be read, names a group that does not exist, or leads back to itself. 409: another group has the name.</remarks>
    public static async Task<Created<GroupView>> Create(HttpContext context, GroupService service)
    {
        var group = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.GroupRequest));
        EntityTag.Write(context, group.Version);
        return TypedResults.Created($"/api/v1/groups/{group.Id}", group);
    }

    /// <summary>One group, with the number of its iPads</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<GroupView>> Get(string id, HttpContext context, GroupService service)
    {
        var group = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, group.Version);
        return TypedResults.Ok(group);
    }

    /// <summary>Change a group</summary>
    /// <remarks>As a whole: what is not sent is cleared. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c> to write over whatever stands. A
    /// group that gets a rule loses the iPads that were chosen by hand. 409: another group has the name; or the rule of another group names this one, which keeps its
    /// name then. 412: somebody else has changed it in between; nothing was saved.</remarks>
    public static async Task<Ok<GroupView>> Change(string id, HttpContext context, GroupService service)
    {
        var basedOn = EntityTag.Required(context);
        var group = await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.GroupRequest));
        EntityTag.Write(context, group.Version);
        return TypedResults.Ok(group);
    }

    /// <summary>Delete a group</summary>
    /// <remarks>Its iPads stay as they are. 409: the rule of another group names it, or an enrolment profile is chosen for it.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, GroupService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>List the iPads of a group that are not enrolled, by serial number</summary>
    /// <remarks>They were put in by their serial number, and are in the group from when they enrol.</remarks>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<WaitingMemberView>>> Waiting(string id, HttpContext context, GroupService service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Waiting(FleetUser.Of(context), id, after, Page.Limit(limit)));

    /// <summary>Put iPads into a group</summary>
    /// <remarks>All of them, or none: 400 names those that no iPad has which is enrolled or known, or that several have. A serial number of an iPad that is not enrolled waits in the group, where a
    /// placeholder or Apple's list of automated enrolment knows it. With <c>filter</c>: all that it finds at this moment. The same
    /// once more changes nothing. 409: the group has a rule, or would have more than 100,000 iPads.</remarks>
    public static async Task<Ok<GroupMembersView>> Add(string id, HttpContext context, GroupService service) =>
        TypedResults.Ok(await service.Add(context, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.GroupMembersRequest)));

    /// <summary>Take iPads out of a group</summary>
    /// <remarks>Those that are not in it are passed over. 409: the group has a rule.</remarks>
    public static async Task<Ok<GroupMembersView>> Remove(string id, HttpContext context, GroupService service) =>
        TypedResults.Ok(await service.Remove(context, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.GroupMembersRequest)));

    /// <summary>In which groups an iPad is</summary>
    public static async Task<Ok<DeviceGroupsView>> Of(string id, HttpContext context, GroupService service) =>
        TypedResults.Ok(await service.Of(FleetUser.Of(context), id));
}
