using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Schools;

/// <summary><c>/api/v1/schools</c>.</summary>
internal static class SchoolEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var schools = api.MapGroup("/schools").Needs(Rights.SchoolRead).WithinSchools().WithTags("Schools");
        schools.MapGet("", List).WithQuery("q", "archived", "after", "limit").Fails(400);
        schools.MapPost("", Create).Needs(Rights.SchoolChange).Takes<SchoolRequest>().Idempotent()
            .Audit(AuditVerbs.SchoolCreate, AuditTargets.School, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        schools.MapGet("/{id}", Get).Fails(404);
        schools.MapPut("/{id}", Change).Needs(Rights.SchoolChange).Takes<SchoolRequest>()
            .Audit(AuditVerbs.SchoolChange, AuditTargets.School, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        schools.MapDelete("/{id}", Delete).Needs(Rights.SchoolChange)
            .Audit(AuditVerbs.SchoolDelete, AuditTargets.School, AuditPlace.WithTheChange).Fails(404, 409);
        api.MapGet("/unknown-schools", Unknown).WithinSchools().Needs(Rights.SchoolRead).WithTags("Schools").Fails();
    }

    /// <summary>List schools, by name</summary>
    /// <param name="q">Part of the name or the code, in whatever case.</param>
    /// <param name="archived">true: only archived ones; false: only others. Absent: all.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<SchoolView>>> List(
        HttpContext context, SchoolService service, [FromQuery] string? q = null, [FromQuery] string? archived = null, [FromQuery] string? after = null,
        [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), q, Text.Flag("archived", archived), after, Page.Limit(limit)));

    /// <summary>Create a school</summary>
    /// <remarks>iPads, invitations and placeholders that name it already are its own from then on. 409: another school has the name, the code or the source
    /// id.</remarks>
    public static async Task<Created<SchoolView>> Create(HttpContext context, SchoolService service)
    {
        var school = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.SchoolRequest));
        EntityTag.Write(context, school.Version);
        return TypedResults.Created($"/api/v1/schools/{school.Id}", school);
    }

    /// <summary>One school</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<SchoolView>> Get(string id, HttpContext context, SchoolService service)
    {
        var school = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, school.Version);
        return TypedResults.Ok(school);
    }

    /// <summary>Change a school</summary>
    /// <remarks>As a whole: what is not sent is cleared. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c> to write over whatever stands. 412:
    /// somebody else has changed it in between; nothing was saved. A new name goes to its iPads, invitations and placeholders at the same moment.</remarks>
    public static async Task<Ok<SchoolView>> Change(string id, HttpContext context, SchoolService service)
    {
        var basedOn = EntityTag.Required(context);
        var school = await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.SchoolRequest));
        EntityTag.Write(context, school.Version);
        return TypedResults.Ok(school);
    }

    /// <summary>Delete a school</summary>
    /// <remarks>409: iPads, placeholders, people, classes or groups are there. Archive it instead: nothing is lost.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, SchoolService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>Names of schools that no school has</summary>
    /// <remarks>They stand on iPads, invitations or placeholders: somebody wrote a name that is not in the list of schools. Create a school of this name, or correct
    /// it where it stands.</remarks>
    public static async Task<Ok<UnknownSchoolsView>> Unknown(HttpContext context, SchoolService service) =>
        TypedResults.Ok(await service.Unknown(FleetUser.Of(context)));
}
