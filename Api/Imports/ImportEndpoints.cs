using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Imports;

/// <summary><c>/api/v1/people-imports</c>.</summary>
internal static class ImportEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var imports = api.MapGroup("/people-imports").Needs(Rights.PeopleChange).WithTags("Imports");
        imports.MapPost("", Stage).WithQuery("complete", "onError").Idempotent().WithMetadata(new BodyLimitMetadata(BodyLimit.Csv))
            .Audit(AuditVerbs.ImportStage, AuditTargets.Import).Fails(400, 409, 413, 415, 422);
        imports.MapGet("/{id}", Get).Fails(404);
        imports.MapGet("/{id}/people", Changes).WithQuery("change", "after", "limit").Fails(400, 404);
        imports.MapPost("/{id}/apply", Apply).Takes<ImportApplyRequest>().Idempotent()
            .Audit(AuditVerbs.ImportApply, AuditTargets.Import, AuditPlace.WithTheChange).Fails(400, 404, 409, 413, 415, 422);
        imports.MapDelete("/{id}", Discard).Audit(AuditVerbs.ImportDiscard, AuditTargets.Import).Fails(404);
    }

    /// <summary>Look at a file of people and classes</summary>
    /// <remarks>Nothing is changed yet. The answer says what applying it would add, change and remove, and which lines are wrong. Content-Type: <c>text/csv</c> for a list
    /// with the columns id, given name, family name (all three required), role, school, class, grade, email, user name, managed Apple Account;
    /// <c>application/zip</c> for OneRoster 1.1 or 1.2. At most 24 MiB and 200,000 people. The rows are kept for a day.</remarks>
    /// <param name="complete">true: a CSV file is the whole list of its schools, and who is not in it has left. OneRoster says it in its manifest.</param>
    /// <param name="onError">skip: leave wrong lines out. Then nobody leaves by this file. refuse (the default): a file with wrong lines cannot be applied.</param>
    public static async Task<Created<ImportView>> Stage(
        HttpContext context, ImportService service, [FromQuery] string? complete = null, [FromQuery] string? onError = null)
    {
        var whole = Text.Flag("complete", complete) ?? false;
        var skip = ListReading.Skips(onError);
        RequestBody.RequireMediaType(context.Request, "text/csv", "application/zip");
        var import = await service.Stage(context, await RequestBody.ReadAsync(context), whole, skip);
        return TypedResults.Created($"/api/v1/people-imports/{import.Id}", import);
    }

    /// <summary>One import</summary>
    /// <remarks>As long as it is not applied, it is compared with what stands now.</remarks>
    public static async Task<Ok<ImportView>> Get(string id, ImportService service) => TypedResults.Ok(await service.Get(id));

    /// <summary>The people whom an import would change, by source id</summary>
    /// <param name="id">Of the import.</param>
    /// <param name="change">added, changed or removed.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ImportChangeView>>> Changes(
        string id, ImportService service, [FromQuery] string? change = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Changes(id, change, after, Page.Limit(limit)));

    /// <summary>Apply an import</summary>
    /// <remarks>All of it, in one transaction, or nothing. Once more: nothing happens, and the answer is the same. 409: more than a tenth of the people would leave,
    /// and <c>removals</c> does not say how many; <c>found</c> does. 422: lines are wrong.</remarks>
    public static async Task<Ok<ImportView>> Apply(string id, HttpContext context, ImportService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ImportApplyRequest);
        return TypedResults.Ok(await service.Apply(context, id, request.Removals));
    }

    /// <summary>Discard an import that was not applied</summary>
    public static async Task<NoContent> Discard(string id, ImportService service)
    {
        await service.Discard(id);
        return TypedResults.NoContent();
    }
}
