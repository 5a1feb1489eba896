using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Incidents;

/// <summary><c>/api/v1/incidents</c>, and notes and incidents below <c>/api/v1/devices/{id}</c>.</summary>
internal static class IncidentEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var incidents = api.MapGroup("").Needs(Rights.DeviceRead).WithinSchools().WithTags("Incidents");
        incidents.MapGet("/incidents", List).WithQuery("state", "kind", "school", "after", "limit").Fails(400);
        incidents.MapGet("/incidents/{id}", Get).Fails(404);
        incidents.MapPut("/incidents/{id}", Change).Needs(Rights.IncidentChange).Takes<IncidentChangeRequest>()
            .Audit(AuditVerbs.IncidentChange, AuditTargets.Device, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        incidents.MapPost("/devices/{id}/incidents", Open).Needs(Rights.IncidentChange).Takes<IncidentRequest>().Idempotent()
            .Audit(AuditVerbs.IncidentOpen, AuditTargets.Device, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415, 422);
        incidents.MapGet("/devices/{id}/notes", Notes).WithQuery("after", "limit").Fails(400, 404);
        incidents.MapPost("/devices/{id}/notes", AddNote).Needs(Rights.IncidentChange).Takes<NoteRequest>().Idempotent()
            .Audit(AuditVerbs.NoteWrite, AuditTargets.Device, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415, 422);
        incidents.MapDelete("/devices/{id}/notes/{noteId}", RemoveNote).Needs(Rights.IncidentChange)
            .Audit(AuditVerbs.NoteRemove, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404);
    }

    /// <summary>List incidents, the newest first</summary>
    /// <param name="state">open (also when absent), closed or all.</param>
    /// <param name="kind">brokenScreen, inRepair, lost or other.</param>
    /// <param name="school">The id of a school: its iPads.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<IncidentView>>> List(
        HttpContext context, IncidentService service, [FromQuery] string? state = null, [FromQuery] string? kind = null, [FromQuery] string? school = null,
        [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), IncidentService.Filter(state, kind, school), after, Page.Limit(limit)));

    /// <summary>One incident with its history</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<IncidentDetailView>> Get(string id, HttpContext context, IncidentService service)
    {
        var incident = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, incident.Version);
        return TypedResults.Ok(incident);
    }

    /// <summary>Change, close or reopen an incident</summary>
    /// <remarks>Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c>. What it was, and what you say, stays in its history.</remarks>
    public static async Task<Ok<IncidentDetailView>> Change(string id, HttpContext context, IncidentService service)
    {
        var basedOn = EntityTag.Required(context);
        var incident = await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.IncidentChangeRequest));
        EntityTag.Write(context, incident.Version);
        return TypedResults.Ok(incident);
    }

    /// <summary>Open an incident for an iPad</summary>
    /// <remarks>409: one of this kind is open for it.</remarks>
    public static async Task<Created<IncidentDetailView>> Open(string id, HttpContext context, IncidentService service)
    {
        var incident = await service.Open(context, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.IncidentRequest));
        EntityTag.Write(context, incident.Version);
        return TypedResults.Created($"/api/v1/incidents/{incident.Id}", incident);
    }

    /// <summary>What was said of an iPad, the newest first</summary>
    /// <remarks>Notes, and the history of its incidents.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<NoteView>>> Notes(
        string id, HttpContext context, IncidentService service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Notes(FleetUser.Of(context), id, after, Page.Limit(limit)));

    /// <summary>Write a note on an iPad</summary>
    /// <remarks>Everybody who may read sees it. At most 1,000 notes an iPad.</remarks>
    public static async Task<Created<NoteView>> AddNote(string id, HttpContext context, IncidentService service)
    {
        var note = await service.AddNote(context, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.NoteRequest));
        return TypedResults.Created($"/api/v1/devices/{Uri.EscapeDataString(id)}/notes", note);
    }

    /// <summary>Remove what was said</summary>
    /// <remarks>A note goes. Of an incident's history only the text goes.</remarks>
    public static async Task<NoContent> RemoveNote(string id, string noteId, HttpContext context, IncidentService service)
    {
        await service.RemoveNote(context, id, noteId);
        return TypedResults.NoContent();
    }
}
