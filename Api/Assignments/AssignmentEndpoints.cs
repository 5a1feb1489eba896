using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Assignments;

/// <summary><c>/api/v1/assignments</c>.</summary>
internal static class AssignmentEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var assignments = api.MapGroup("/assignments").Needs(Rights.DeviceRead).WithinSchools().WithTags("Assignments");
        assignments.MapGet("", List).WithQuery("q", "after", "limit").Fails(400);
        assignments.MapPost("", Create).Needs(Rights.AssignmentChange).Takes<AssignmentRequest>(BodyLimit.Command).Idempotent()
            .Audit(AuditVerbs.AssignmentCreate, AuditTargets.Assignment, AuditPlace.WithTheChange)
            .WithQuery("dryRun").Produces<AssignmentView>(201).Produces<AssignmentPlanView>(200).Fails(400, 403, 409, 413, 415, 422);
        assignments.MapGet("/{id}", Get).Fails(404);
        assignments.MapPut("/{id}", Change).Needs(Rights.AssignmentChange).Takes<AssignmentRequest>(BodyLimit.Command)
            .Audit(AuditVerbs.AssignmentChange, AuditTargets.Assignment, AuditPlace.WithTheChange)
            .WithQuery("dryRun").Produces<AssignmentView>(200).Fails(400, 403, 404, 409, 412, 413, 415, 422, 428);
        assignments.MapDelete("/{id}", Delete).Needs(Rights.AssignmentChange)
            .Audit(AuditVerbs.AssignmentDelete, AuditTargets.Assignment, AuditPlace.WithTheChange).Fails(403, 404, 412);
        assignments.MapGet("/{id}/devices", Devices).WithQuery("state", "after", "limit").Fails(400, 404);
        assignments.MapPost("/{id}/retry", Retry).Needs(Rights.AssignmentChange).Idempotent()
            .Audit(AuditVerbs.AssignmentRetry, AuditTargets.Assignment, AuditPlace.WithTheChange).Fails(403, 404, 409);
        assignments.MapPost("/{id}/go-on", GoOn).Needs(Rights.AssignmentChange).Idempotent()
            .Audit(AuditVerbs.AssignmentGoOn, AuditTargets.Assignment, AuditPlace.WithTheChange).Fails(403, 404, 409);
        assignments.MapPost("/{id}/take-back", TakeBack).Needs(Rights.AssignmentChange).Idempotent()
            .Audit(AuditVerbs.AssignmentTakeBack, AuditTargets.Assignment, AuditPlace.WithTheChange).Fails(403, 404, 409);
        api.MapGet("/devices/{id}/assignments", Of).Needs(Rights.DeviceRead).WithTags("Assignments").Fails(404);
        api.MapGet("/devices/{id}/assignments/history", History).Needs(Rights.DeviceRead).WithQuery("after", "limit").WithTags("Assignments").Fails(400, 404);
    }

    /// <summary>List assignments, by name</summary>
    /// <param name="q">Part of the name, in whatever case.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<AssignmentView>>> List(
        HttpContext context, AssignmentService service, [FromQuery] string? q = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), q, after, Page.Limit(limit)));

    /// <summary>Assign a profile, an app, a setting, a declaration or an update</summary>
    /// <remarks>From now on, or from <c>startsAt</c> on, the iPads that the target finds are made to have it, and kept so: one that comes later gets it, one that leaves loses it, one
    /// on which somebody removed it gets it again. <c>dryRun</c> answers 200 with whom it would touch, and changes nothing. 403: the token may not send the command that brings
    /// it. 409: another assignment has the name.</remarks>
    /// <param name="dryRun">true: only say what would be done.</param>
    public static async Task<IResult> Create(HttpContext context, AssignmentService service, [FromQuery] string? dryRun = null)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.AssignmentRequest);
        if (Text.Flag("dryRun", dryRun) ?? false) return TypedResults.Ok(await service.Plan(context, null, request));
        var assignment = await service.Create(context, request);
        EntityTag.Write(context, assignment.Version);
        return TypedResults.Created($"/api/v1/assignments/{assignment.Id}", assignment);
    }

    /// <summary>One assignment, with how it stands</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<AssignmentView>> Get(string id, HttpContext context, AssignmentService service)
    {
        var assignment = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, assignment.Version);
        return TypedResults.Ok(assignment);
    }

    /// <summary>Change an assignment</summary>
    /// <remarks>As a whole: what is not sent is cleared. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c> to write over whatever stands. The profile, the app or
    /// the item of Settings stays the same; its keys may change, and are sent again. <c>dryRun</c> answers with whom it would touch (as for <c>POST</c>), needs no <c>If-Match</c>, and changes nothing. 412: somebody else has changed it in between; nothing was saved.</remarks>
    /// <param name="dryRun">true: only say what would be done.</param>
    public static async Task<IResult> Change(string id, HttpContext context, AssignmentService service, [FromQuery] string? dryRun = null)
    {
        var isDry = Text.Flag("dryRun", dryRun) ?? false;
        var basedOn = isDry ? null : EntityTag.Required(context);
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.AssignmentRequest);
        if (isDry) return TypedResults.Ok(await service.Plan(context, id, request));
        var assignment = await service.Change(context, id, basedOn, request);
        EntityTag.Write(context, assignment.Version);
        return TypedResults.Ok(assignment);
    }

    /// <summary>Delete an assignment</summary>
    /// <remarks>What it brought is taken from the iPads, unless it has <c>keep</c> or another assignment brings it too. With <c>If-Match</c>, only if it still stands as you read it.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, AssignmentService service)
    {
        await service.Delete(context, id, EntityTag.Optional(context));
        return TypedResults.NoContent();
    }

    /// <summary>The iPads of an assignment, and how it stands on each</summary>
    /// <param name="state">Only these: waiting, sent, installed, failed, notApplicable, leaving, removing or removalFailed.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<AssignmentDeviceView>>> Devices(
        string id, HttpContext context, AssignmentService service, [FromQuery] string? state = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Devices(FleetUser.Of(context), id, state, after, Page.Limit(limit)));

    /// <summary>Try again at once where it failed</summary>
    /// <remarks>409: it is a declaration. An iPad tries it again by itself.</remarks>
    public static async Task<Ok<AssignmentRetryView>> Retry(string id, HttpContext context, AssignmentService service) => TypedResults.Ok(await service.Retry(context, id));

    /// <summary>Let the roll-out of an assignment go on</summary>
    /// <remarks>One that stopped by itself goes on with the next wave: whoever says so accepts the failures. 409: it has not stopped.</remarks>
    public static async Task<Ok<AssignmentView>> GoOn(string id, HttpContext context, RollOutService service) => TypedResults.Ok(await service.GoOn(context, id));

    /// <summary>Take an assignment back whose roll-out is under way</summary>
    /// <remarks>It ends now, and what it brought is taken from the iPads, as at its end. The assignment stays: when its end is changed, it begins with the first wave. 409: it is not
    /// rolled out in waves, or all its iPads have been reached.</remarks>
    public static async Task<Ok<AssignmentView>> TakeBack(string id, HttpContext context, RollOutService service) => TypedResults.Ok(await service.TakeBack(context, id));

    /// <summary>What an iPad should have, and how it stands</summary>
    public static async Task<Ok<DeviceAssignmentsView>> Of(string id, HttpContext context, AssignmentService service) =>
        TypedResults.Ok(await service.Of(FleetUser.Of(context), id));

    /// <summary>What assignments did on an iPad, newest first</summary>
    /// <remarks>Each command that brought something or took it away, and what became of it, as long as the history of commands holds it. What is under way stands in
    /// <c>/api/v1/devices/{id}/assignments</c>. Who made and changed an assignment stands in the audit record, by its id.</remarks>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<AssignmentEventView>>> History(
        string id, HttpContext context, AssignmentService service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.History(FleetUser.Of(context), id, after, Page.Limit(limit)));
}
