using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.EnrolmentImports;

/// <summary><c>/api/v1/enrolment-imports</c>.</summary>
internal static class EnrolmentImportEndpoints
{
    private const string JsonLines = "application/x-ndjson";

    public static void MapRest(RouteGroupBuilder api) =>
        api.MapPost("/enrolment-imports", Import).Needs(Rights.DeviceChange, Rights.CertificateChange).WithQuery("dryRun").Idempotent().WithMetadata(new BodyLimitMetadata(BodyLimit.Csv))
            .Audit(AuditVerbs.EnrolmentImport).WithTags("Imports").Fails(400, 409, 413, 415);

    /// <summary>Take over iPads that are enrolled at another server</summary>
    /// <remarks>Content-Type: <c>application/x-ndjson</c>. Each line is an object with <c>authenticate</c> and <c>tokenUpdate</c> (the last messages of the iPad, as property lists or in
    /// Base64) and <c>certificate</c> (its identity certificate, PEM or DER in Base64), and may have <c>unlockToken</c> and <c>bootstrapToken</c> (Base64). Each line is whole by itself: a
    /// wrong one is left out and named. The same file again changes nothing. At most 24 MiB. The push certificate of the old server must be installed, and its CA be named in
    /// <c>Mdm:TrustedIdentityCas</c>.</remarks>
    /// <param name="dryRun">true: say what would come of it, and write nothing.</param>
    public static async Task<Ok<EnrolmentImportView>> Import(HttpContext context, EnrolmentImportService service, [FromQuery] string? dryRun = null)
    {
        RequestBody.RequireMediaType(context.Request, JsonLines);
        return TypedResults.Ok(await service.Import(context, await RequestBody.ReadAsync(context), Text.Flag("dryRun", dryRun) ?? false));
    }
}
