using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Placeholders;

/// <summary><c>/api/v1/placeholders</c>.</summary>
internal static class PlaceholderEndpoints
{
    public const string Csv = "text/csv";

    public static void MapRest(RouteGroupBuilder api)
    {
        var placeholders = api.MapGroup("/placeholders").Needs(Rights.DeviceRead).WithTags("Placeholders");
        placeholders.MapGet("", List).WithinSchools().WithQuery("after", "limit", "state").Fails(400);
        placeholders.MapGet("/{serialNumber}", Get).WithinSchools().Fails(400, 404);
        placeholders.MapPut("/{serialNumber}", Put).WithinSchools().Needs(Rights.DeviceChange).Takes<PlaceholderRequest>()
            .Audit(AuditVerbs.PlaceholderWrite, AuditTargets.Placeholder, AuditPlace.WithTheChange).Fails(400, 404, 413, 415, 422);
        placeholders.MapDelete("/{serialNumber}", Remove).WithinSchools().Needs(Rights.DeviceChange)
            .Audit(AuditVerbs.PlaceholderRemove, AuditTargets.Placeholder, AuditPlace.WithTheChange).Fails(400, 404);
        api.MapPost("/placeholder-imports", Import).Needs(Rights.DeviceChange).WithTags("Placeholders").WithQuery("onError", "dryRun").Idempotent()
            .WithMetadata(new BodyLimitMetadata(BodyLimit.Csv))
            .Audit(AuditVerbs.PlaceholderWrite, AuditTargets.Placeholder, AuditPlace.WithTheChange).Fails(400, 409, 413, 415, 422);
        api.MapGet("/shared-serial-numbers", Shared).Needs(Rights.DeviceRead).WithTags("Placeholders").WithQuery("after", "limit").Fails(400);
    }

    /// <summary>List placeholders, in the order of the serial numbers</summary>
    /// <remarks>A placeholder says what an iPad with this serial number gets when it enrols: name, school, asset tag.</remarks>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    /// <param name="state">waiting: no iPad with this serial number is enrolled; enrolled: one is. Absent: all.</param>
    public static async Task<Ok<Page<PlaceholderView>>> List(string? after, string? limit, string? state, HttpContext context, PlaceholderService service) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), after, Page.Limit(limit), state));

    /// <summary>One placeholder</summary>
    public static async Task<Ok<PlaceholderView>> Get(string serialNumber, HttpContext context, PlaceholderService service) =>
        TypedResults.Ok(await service.Find(FleetUser.Of(context), serialNumber));

    /// <summary>Write a placeholder</summary>
    /// <remarks>It is created, or replaced as a whole. An iPad that is enrolled already keeps its name and school until it enrols again.</remarks>
    public static async Task<Ok<PlaceholderView>> Put(string serialNumber, HttpContext context, PlaceholderService service)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.PlaceholderRequest);
        return TypedResults.Ok(await service.Put(context, serialNumber, request));
    }

    /// <summary>Remove a placeholder</summary>
    /// <remarks>The iPad stays as it is.</remarks>
    public static async Task<NoContent> Remove(string serialNumber, HttpContext context, PlaceholderService service)
    {
        await service.Remove(context, serialNumber);
        return TypedResults.NoContent();
    }

    /// <summary>Write placeholders from a CSV file</summary>
    /// <remarks>Content-Type: text/csv. The first line names the columns: serial number (required), name, school, asset tag, in any order. Commas, semicolons or
    /// tabs; UTF-8 or UTF-16. At most 100,000 rows. A column that is not there leaves what stands; an empty field clears it. When lines are wrong, they are
    /// named and nothing is written.</remarks>
    /// <param name="onError">skip: leave wrong lines out and write the others. refuse (the default): write nothing.</param>
    /// <param name="dryRun">true: write nothing, and say what would be written.</param>
    public static async Task<Ok<ImportResult>> Import(string? onError, string? dryRun, HttpContext context, PlaceholderService service)
    {
        var skip = onError switch
        {
            null or "refuse" => false,
            "skip" => true,
            _ => throw ApiProblem.Field("onError", "It must be refuse or skip."),
        };
        var dry = Text.Flag("dryRun", dryRun) ?? false;
        RequestBody.RequireMediaType(context.Request, Csv);
        return TypedResults.Ok(await service.Import(context, await RequestBody.ReadAsync(context), skip, dry));
    }

    /// <summary>List serial numbers that more than one iPad says is its own</summary>
    /// <remarks>A serial number is what the iPad says. Two iPads with the same one: a board was exchanged, or one of them does not tell the truth. They are never
    /// merged.</remarks>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<SharedSerialView>>> Shared(string? after, string? limit, PlaceholderService service) =>
        TypedResults.Ok(await service.Shared(after, Page.Limit(limit)));
}
