using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.DeviceImports;

/// <summary><c>/api/v1/device-imports</c>.</summary>
internal static class DeviceImportEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var imports = api.MapGroup("/device-imports").Needs(Rights.DeviceChange, Rights.PeopleReadContact).WithTags("Imports");
        imports.MapPost("", Stage).WithQuery("onError", "handOver").Idempotent().WithMetadata(new BodyLimitMetadata(BodyLimit.Csv))
            .Audit(AuditVerbs.ImportStage, AuditTargets.Import).Fails(400, 409, 413, 415, 422);
        imports.MapGet("", Applied).Fails();
        imports.MapGet("/{id}", Get).Fails(404);
        imports.MapGet("/{id}/devices", Changes).WithQuery("change", "after", "limit").Fails(400, 404);
        imports.MapPost("/{id}/apply", Apply).WithQuery("handedOver").Idempotent().Audit(AuditVerbs.ImportApply, AuditTargets.Import, AuditPlace.WithTheChange)
            .Fails(400, 404, 409, 422);
        imports.MapPost("/{id}/undo", Undo).Idempotent().Audit(AuditVerbs.ImportUndo, AuditTargets.Import, AuditPlace.WithTheChange).Fails(404, 409);
        imports.MapDelete("/{id}", Discard).Audit(AuditVerbs.ImportDiscard, AuditTargets.Import).Fails(404, 409);
    }

    /// <summary>Look at a list of iPads of another server</summary>
    /// <remarks>Nothing is changed yet. The answer says what applying it would add and change, and which lines are wrong. Content-Type: <c>text/csv</c>, as Jamf School
    /// and Mosyle export it: a serial number, and name, asset tag, school, user name or e-mail. At most 24 MiB and 100,000 iPads. The rows are kept for a day.</remarks>
    /// <param name="onError">skip: leave wrong lines out, and unknown schools and people. refuse (the default): a file with wrong lines cannot be applied.</param>
    /// <param name="handOver">true: an iPad that another person has comes back from that one, and is handed out, as at the beginning of a school year. false (the default): it
    /// keeps that person.</param>
    public static async Task<Created<DeviceImportView>> Stage(
        HttpContext context, DeviceImportService service, [FromQuery] string? onError = null, [FromQuery] string? handOver = null)
    {
        var skip = ListReading.Skips(onError);
        var over = Text.Flag("handOver", handOver) ?? false;
        RequestBody.RequireMediaType(context.Request, "text/csv");
        var import = await service.Stage(context, await RequestBody.ReadAsync(context), skip, over);
        return TypedResults.Created($"/api/v1/device-imports/{import.Id}", import);
    }

    /// <summary>The lists of iPads that were applied, the newest first</summary>
    /// <remarks>The newest 50.</remarks>
    public static async Task<Ok<IReadOnlyList<DeviceImportView>>> Applied(DeviceImportService service) => TypedResults.Ok(await service.Applied());

    /// <summary>One list of iPads</summary>
    /// <remarks>As long as it is not applied, it is compared with what stands now.</remarks>
    public static async Task<Ok<DeviceImportView>> Get(string id, DeviceImportService service) => TypedResults.Ok(await service.Get(id));

    /// <summary>The iPads of a list, by serial number</summary>
    /// <param name="id">Of the import.</param>
    /// <param name="change">added, changed, handedOut, handedOver, waiting or kept.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<DeviceImportChangeView>>> Changes(
        string id, DeviceImportService service, [FromQuery] string? change = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Changes(id, change, after, Page.Limit(limit)));

    /// <summary>Apply a list of iPads</summary>
    /// <remarks>All of it, in one transaction, or nothing. Once more: nothing happens, and the answer is the same. 409: iPads change hands, and <c>handedOver</c> does not say how
    /// many; <c>found</c> does. 422: lines are wrong.</remarks>
    /// <param name="id">Of the import.</param>
    /// <param name="handedOver">How many iPads come back from the person who has them, as the preview said. Needed when some do.</param>
    public static async Task<Ok<DeviceImportView>> Apply(string id, HttpContext context, DeviceImportService service, [FromQuery] string? handedOver = null) =>
        TypedResults.Ok(await service.Apply(context, id, Text.Number("handedOver", handedOver, 0, int.MaxValue, 0)));

    /// <summary>Take back what a list of iPads handed out</summary>
    /// <remarks>For 30 days after it was applied. Who had an iPad before has it again, if they have not left. An iPad that has changed hands since stays with whoever has it.
    /// Names, schools and asset tags stay as the list said. Once more: nothing happens, and the answer is the same. 409: it is not applied, or too long ago.</remarks>
    public static async Task<Ok<DeviceImportView>> Undo(string id, HttpContext context, DeviceImportService service) => TypedResults.Ok(await service.Undo(context, id));

    /// <summary>Discard a list of iPads that was not applied</summary>
    public static async Task<NoContent> Discard(string id, DeviceImportService service)
    {
        await service.Discard(id);
        return TypedResults.NoContent();
    }
}
