using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Exports;

/// <summary>What can be taken along, and the form for the enrolments.</summary>
internal static class ExportPages
{
    public const string Path = "/export";

    /// <summary>A certificate has some kilobytes.</summary>
    private const int LargestCertificate = 64 * 1024;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet(Path, Show).Needs(DistrictExport.Needed);
        pages.MapPost(Path + "/enrolments", Enrolments).Needs(EnrolmentExport.Needed).Audit(AuditVerbs.EnrolmentExport);
    }

    private static RazorComponentResult<ExportPage> Show(HttpContext context) => Page(context, FormState.Fresh);

    private static RazorComponentResult<ExportPage> Page(HttpContext context, FormState form) =>
        new(new { User = FleetUser.Of(context), Form = form, FormKey = PageForms.NewKey() }) { StatusCode = form.Status };

    /// <summary>The answer is the file.</summary>
    private static async Task<IResult> Enrolments(HttpContext context, RequestIds ids, EnrolmentExport export)
    {
        UploadForm? form = null;
        try
        {
            form = await UploadForm.Read(context, ids, LargestCertificate);
            var certificate = await form.File("certificate", context.RequestAborted) ?? throw ApiProblem.Field("certificate", "Choose the receiver's certificate.");
            await export.Write(context, certificate, form.Get("reason"));
            return TypedResults.Empty;
        }
        catch (ApiProblem problem) when (!context.Response.HasStarted && (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status413PayloadTooLarge))
        {
            var sent = form;
            return Page(context, FormState.Refused(problem, field => sent?.Get(field)));
        }
    }
}
