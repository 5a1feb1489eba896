using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.EnrolmentImports;

/// <summary>The form for a file of enrolments, and what became of it.</summary>
internal static class EnrolmentImportPages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        var imports = pages.MapGroup("/enrolment-imports").Needs(Rights.DeviceChange, Rights.CertificateChange);
        imports.MapGet("", (Delegate)Ask);
        imports.MapPost("", Upload).Audit(AuditVerbs.EnrolmentImport);
    }

    private static RazorComponentResult<EnrolmentImportPage> Ask(HttpContext context) => Page(context, FormState.Fresh, null);

    private static RazorComponentResult<EnrolmentImportPage> Page(HttpContext context, FormState form, EnrolmentImportView? done) =>
        new(new { User = FleetUser.Of(context), Form = form, FormKey = PageForms.NewKey(), Done = done }) { StatusCode = form.Status };

    /// <summary>The same file again changes nothing: the answer is the page itself.</summary>
    private static async Task<RazorComponentResult<EnrolmentImportPage>> Upload(HttpContext context, RequestIds ids, EnrolmentImportService service)
    {
        UploadForm? form = null;
        try
        {
            form = await UploadForm.Read(context, ids, ListReading.MostBytes);
            var file = await form.File("file", context.RequestAborted) ?? throw ApiProblem.Field("file", "Choose a file.");
            return Page(context, FormState.Fresh, await service.Import(context, file, form.Get("dryRun") is not null));
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status413PayloadTooLarge)
        {
            var sent = form;
            return Page(context, FormState.Refused(problem, field => sent?.Get(field)), null);
        }
    }
}
