using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Imports;

/// <summary>The form for a file, and the page that shows what it would do and asks before it does.</summary>
internal static class ImportPages
{
    private const int NamesOnPage = 20;

    public static void MapPages(RouteGroupBuilder pages)
    {
        var imports = pages.MapGroup("").Needs(Rights.PeopleChange);
        imports.MapGet("/people/import", (Delegate)Ask);
        imports.MapGet("/people/imports/{id}", Show);
        imports.MapPost("/people/import", Upload).Audit(AuditVerbs.ImportStage, AuditTargets.Import);
        imports.MapPost("/people/imports/{id}/apply", Apply).Audit(AuditVerbs.ImportApply, AuditTargets.Import, AuditPlace.WithTheChange);
        imports.MapPost("/people/imports/{id}/discard", Discard).Audit(AuditVerbs.ImportDiscard, AuditTargets.Import);
    }

    private static RazorComponentResult<ImportNewPage> Ask(HttpContext context) => Form(context, FormState.Fresh);

    private static RazorComponentResult<ImportNewPage> Form(HttpContext context, FormState form) =>
        new(new { User = FleetUser.Of(context), Form = form, FormKey = PageForms.NewKey() }) { StatusCode = form.Status };

    private static Task<RazorComponentResult<ImportPage>> Show(string id, HttpContext context, ImportService service) => Page(context, id, service, FormState.Fresh);

    private static async Task<RazorComponentResult<ImportPage>> Page(HttpContext context, string id, ImportService service, FormState form)
    {
        var import = await service.Get(id);
        var names = new Dictionary<string, Page<ImportChangeView>>();
        if (import.State == "preview")
        {
            foreach (var change in (string[])["removed", "added", "changed"]) names[change] = await service.Changes(id, change, null, NamesOnPage);
        }

        return new RazorComponentResult<ImportPage>(new { User = FleetUser.Of(context), Import = import, Names = names, Form = form, FormKey = PageForms.NewKey() })
        {
            StatusCode = form.Status,
        };
    }

    private static async Task<IResult> Upload(HttpContext context, RequestIds ids, ImportService service)
    {
        UploadForm? form = null;
        try
        {
            form = await UploadForm.Read(context, ids, ListReading.MostBytes);
            var file = await form.File("file", context.RequestAborted) ?? throw ApiProblem.Field("file", "Choose a file.");
            var import = await service.Stage(context, file, complete: form.Get("complete") is not null, skip: form.Get("skip") is not null);
            return PageForms.See($"/people/imports/{import.Id}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status413PayloadTooLarge)
        {
            var sent = form;
            return Form(context, FormState.Refused(problem, field => sent?.Get(field)));
        }
    }

    private static async Task<IResult> Apply(string id, HttpContext context, RequestIds ids, ImportService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Apply(context, id, PageForms.Number(form, "removals"));
            return PageForms.See($"/people/imports/{Uri.EscapeDataString(id)}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(context, id, service, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Discard(string id, HttpContext context, RequestIds ids, ImportService service)
    {
        await PageForms.Read(context, ids);
        await service.Discard(id);
        return PageForms.See("/people");
    }
}
