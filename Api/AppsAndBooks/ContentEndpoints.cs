using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.AppsAndBooks;

/// <summary><c>/api/v1/apps-and-books</c>.</summary>
internal static class ContentEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var content = api.MapGroup("/apps-and-books").Needs(Rights.AutomatedRead).WithTags("Apps and Books");
        content.MapGet("/locations", List).Fails();
        content.MapPost("/locations", TakeToken).Needs(Rights.AutomatedChange).Takes<ContentTokenRequest>().Idempotent()
            .Audit(AuditVerbs.ContentToken, AuditTargets.ContentLocation, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        content.MapGet("/locations/{id}", Get).Fails(404);
        content.MapDelete("/locations/{id}", Delete).Needs(Rights.AutomatedChange).Audit(AuditVerbs.ContentDelete, AuditTargets.ContentLocation, AuditPlace.WithTheChange).Fails(404, 409);
        content.MapPost("/locations/{id}/claim", Claim).Needs(Rights.AutomatedChange).WithQuery("takeOver").Idempotent().Audit(AuditVerbs.ContentClaim, AuditTargets.ContentLocation).Fails(400, 404, 409, 422);
        content.MapPost("/locations/{id}/sync", Sync).Needs(Rights.AutomatedChange).Idempotent().Audit(AuditVerbs.ContentSync, AuditTargets.ContentLocation).Fails(404, 409, 422);
        content.MapGet("/locations/{id}/licences", Licences).WithQuery("adamId", "state", "after", "limit").Fails(400, 404);
        content.MapGet("/assets", Assets).WithQuery("location", "q", "short", "after", "limit").Fails(400);
    }

    /// <summary>List the locations of Apps and Books, by name</summary>
    public static async Task<Ok<Page<ContentLocationView>>> List(HttpContext context, ContentLocationService service) => TypedResults.Ok(await service.List(FleetUser.Of(context)));

    /// <summary>Upload or renew the content token of a location</summary>
    /// <remarks>Apple is asked whose it is. A token of a location that is here takes the place of the older one. It is kept sealed, and never shown. Nothing is written at Apple until the location is
    /// claimed. 422: it is no content token, has ended, is older than the one that is used, or Apple does not take it. 503: Apple could not be asked; nothing was stored.</remarks>
    public static async Task<Ok<ContentLocationView>> TakeToken(HttpContext context, ContentLocationService service) =>
        TypedResults.Ok(await service.TakeToken(context, (await RequestBody.ReadJsonAsync(context, AdminJson.Default.ContentTokenRequest)).Token));

    /// <summary>One location: whose token it is, who manages it, and how it stands</summary>
    public static async Task<Ok<ContentLocationView>> Get(string id, HttpContext context, ContentLocationService service) => TypedResults.Ok(await service.Get(FleetUser.Of(context), id));

    /// <summary>Remove a location</summary>
    /// <remarks>Its token is forgotten. Licences stay with the iPads that have them. 409: assignments install its apps.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, ContentLocationService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>Claim a location for this server</summary>
    /// <remarks>From then on this server gives its licences and takes them back, and Apple sends it notifications where it can reach it. 409: another server has claimed it; with <c>takeOver</c> it is
    /// taken from that server.</remarks>
    /// <param name="takeOver">true: also from another server.</param>
    public static async Task<Ok<ContentLocationView>> Claim(string id, HttpContext context, ContentLocationService service, [FromQuery] string? takeOver = null) =>
        TypedResults.Ok(await service.Claim(context, id, Text.Flag("takeOver", takeOver) ?? false));

    /// <summary>Ask Apple now</summary>
    /// <remarks>Answers at once; all that the location owns and has given is read in the background.</remarks>
    public static async Task<Ok<ContentLocationView>> Sync(string id, HttpContext context, ContentLocationService service) => TypedResults.Ok(await service.Sync(context, id));

    /// <summary>List what locations own, by name, with how many licences are left</summary>
    /// <param name="location">Only of this location, by its id.</param>
    /// <param name="q">Part of the name, or the number in the App Store.</param>
    /// <param name="short">true: only those of which fewer are left than are wanted.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ContentAssetView>>> Assets(
        HttpContext context, ContentLocationService service, [FromQuery] string? location = null, [FromQuery] string? q = null, [FromQuery] string? @short = null, [FromQuery] string? after = null,
        [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Assets(FleetUser.Of(context), location, q, Text.Flag("short", @short) ?? false, after, Page.Limit(limit)));

    /// <summary>List the licences of a location: which iPads have one, or wait for it</summary>
    /// <param name="adamId">Only of this app.</param>
    /// <param name="state">wanted, asked, held, leaving or returning.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ContentLicenceView>>> Licences(
        string id, HttpContext context, ContentLocationService service, [FromQuery] string? adamId = null, [FromQuery] string? state = null, [FromQuery] string? after = null,
        [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Licences(FleetUser.Of(context), id, adamId, state, after, Page.Limit(limit)));
}
