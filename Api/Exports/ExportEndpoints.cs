using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Exports;

/// <summary><c>/api/v1/export</c> and <c>/api/v1/enrolment-exports</c>.</summary>
internal static class ExportEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        api.MapGet("/export", District).Needs(DistrictExport.Needed).WithTags("Exports").Produces<byte[]>(200, ExportArchive.ContentType).Fails(409);
        api.MapPost("/enrolment-exports", Enrolments).Needs(EnrolmentExport.Needed).Takes<EnrolmentExportRequest>().Idempotent().Audit(AuditVerbs.EnrolmentExport).AnswersSecret()
            .WithTags("Exports").Produces<byte[]>(200, ExportArchive.ContentType).Fails(400, 409, 413, 415);
    }

    /// <summary>Everything of the district in open formats, as one zip</summary>
    /// <remarks>CSV and JSON lines: iPads with their inventory, people, classes, schools, groups, assignments, profiles, operations, incidents, accounts, the audit record and the rest. There are
    /// no secrets in it. <c>README.txt</c> says what each file is. <c>manifest.json</c> is the last file; an archive without it is not whole. It needs each right to read what is in it, for the whole
    /// district. The server makes one export at a time: 409 while there is another one. It is recorded.</remarks>
    public static async Task<EmptyHttpResult> District(HttpContext context, DistrictExport export)
    {
        await export.Write(context);
        return TypedResults.Empty;
    }

    /// <summary>Enrolments for another server, encrypted, as one zip</summary>
    /// <remarks>What another server needs so that enrolled iPads go on there: their last messages, certificates and tokens, in the form that <c>/api/v1/enrolment-imports</c> takes; and the secrets
    /// that the export of the district lacks. Each file is encrypted for the certificate (CMS EnvelopedData), and <c>openssl cms -decrypt</c> opens it. It is recorded with the reason.
    /// 409: another export runs.</remarks>
    public static async Task<EmptyHttpResult> Enrolments(HttpContext context, EnrolmentExport export)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.EnrolmentExportRequest);
        await export.Write(context, Encoding.UTF8.GetBytes(request.Certificate), request.Reason);
        return TypedResults.Empty;
    }
}
