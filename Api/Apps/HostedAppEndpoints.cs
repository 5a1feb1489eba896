using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Apps;

/// <summary><c>/api/v1/apps</c>.</summary>
internal static class HostedAppEndpoints
{
    private const string Binary = "application/octet-stream";

    public static void MapRest(RouteGroupBuilder api)
    {
        var apps = api.MapGroup("/apps").Needs(Rights.AppRead).WithinSchools().WithTags("Apps");
        // By its content: the same file again is the same app. Uploads take their time, and no place of others.
        apps.MapPost("", Upload).Needs(Rights.AppChange).RequireStreamAdmission().Audit(AuditVerbs.AppUpload, AuditTargets.App, AuditPlace.WithTheChange)
            .Produces<HostedAppView>(200).Produces<HostedAppView>(201).Fails(400, 413, 415, 422);
        apps.MapGet("", List).WithQuery("after", "limit").Fails(400, 404);
        apps.MapGet("/{id}", Get).Fails(404);
        apps.MapDelete("/{id}", Delete).Needs(Rights.AppChange).Audit(AuditVerbs.AppDelete, AuditTargets.App, AuditPlace.WithTheChange).Fails(404, 409);
    }

    /// <summary>Put an in-house app on this server</summary>
    /// <remarks>The body is the .ipa file, with <c>Content-Type: application/octet-stream</c>. Identifier, name and version are read from it. 200: this very file is here already.
    /// 413: it is larger than Apps:MaxMegabytes. 422: it is no app for iPads. To install it, send InstallApplication with <c>hostedApp</c>.</remarks>
    public static async Task<IResult> Upload(HttpContext context, HostedAppService service)
    {
        RequestBody.RequireMediaType(context.Request, Binary);
        service.Allow(context);
        var (app, isNew) = await service.Upload(context, context.Request.Body);
        return isNew ? TypedResults.Created($"/api/v1/apps/{app.Id}", service.View(context, app)) : TypedResults.Ok(service.View(context, app));
    }

    /// <summary>List the in-house apps, oldest first</summary>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<HostedAppView>>> List(HttpContext context, HostedAppService service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(context, after, Page.Limit(limit)));

    /// <summary>One in-house app</summary>
    public static async Task<Ok<HostedAppView>> Get(string id, HttpContext context, HostedAppService service) =>
        TypedResults.Ok(service.View(context, await service.Find(id)));

    /// <summary>Delete an in-house app from this server</summary>
    /// <remarks>It stays on the iPads that have it. 409: commands that install it wait for iPads.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, HostedAppService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }
}
