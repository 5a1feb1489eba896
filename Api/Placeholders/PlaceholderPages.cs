using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Placeholders;

/// <summary>The list of placeholders, with the forms that fill it.</summary>
internal static class PlaceholderPages
{
    private const int RowsOnPage = 50;
    private const int SharedOnPage = 20;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/placeholders", List).WithinSchools().Needs(Rights.DeviceRead);
        pages.MapPost("/placeholders", Put).WithinSchools().Needs(Rights.DeviceChange).Audit(AuditVerbs.PlaceholderWrite, AuditTargets.Placeholder, AuditPlace.WithTheChange);
        pages.MapPost("/placeholders/import", Import).Needs(Rights.DeviceChange).Audit(AuditVerbs.PlaceholderWrite, AuditTargets.Placeholder, AuditPlace.WithTheChange);
        pages.MapPost("/placeholders/{serialNumber}/remove", Remove).WithinSchools().Needs(Rights.DeviceChange).Audit(AuditVerbs.PlaceholderRemove, AuditTargets.Placeholder, AuditPlace.WithTheChange);
    }

    private static Task<RazorComponentResult<PlaceholdersPage>> List(HttpContext context, PlaceholderService service, string? after, string? state, string? done) =>
        Show(context, service, after, state, done switch
        {
            "written" => "The placeholder is written.",
            "written-school" => "The placeholder is written. There is no school with this name yet: create it under Schools, or mend the placeholder.",
            "removed" => "The placeholder is removed. The iPad stays as it is.",
            _ => null,
        });

    private static async Task<RazorComponentResult<PlaceholdersPage>> Show(
        HttpContext context, PlaceholderService service, string? after = null, string? state = null, string? note = null,
        ImportResult? imported = null, ApiProblem? problem = null, FormBody? form = null)
    {
        var page = await service.List(FleetUser.Of(context), after, RowsOnPage, string.IsNullOrEmpty(state) ? null : state);
        if (problem is not null) context.Response.StatusCode = problem.Status;
        return new RazorComponentResult<PlaceholdersPage>(new
        {
            User = FleetUser.Of(context),
            Placeholders = page,
            Shared = FleetUser.Of(context).IsOfDistrict ? await service.Shared(null, SharedOnPage) : new Page<SharedSerialView>([], null),
            State = state,
            Note = note,
            Imported = imported,
            Problem = problem?.Message,
            Form = form is null || problem is null ? FormState.Fresh : FormState.Refused(problem, form.Get),
            FormKey = PageForms.NewKey(),
        });
    }

    private static async Task<IResult> Put(HttpContext context, RequestIds ids, PlaceholderService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Put(context, form.Get("serialNumber")?.Trim() ?? "",
                new PlaceholderRequest { Name = form.Get("name")?.Trim(), School = form.Get("school")?.Trim(), AssetTag = form.Get("assetTag")?.Trim() });
        }
        catch (ApiProblem problem)
        {
            return await Show(context, service, problem: problem, form: form);
        }

        return PageForms.See((await service.Unknown(context, [form.Get("school")?.Trim() is { Length: > 0 } school ? school : null])).Count > 0
            ? "/placeholders?done=written-school"
            : "/placeholders?done=written");
    }

    /// <summary>Answers with the page itself: what is wrong with which line is too long for an address.</summary>
    private static async Task<IResult> Import(HttpContext context, RequestIds ids, PlaceholderService service)
    {
        try
        {
            var form = await UploadForm.Read(context, ids, ListReading.MostBytes);
            var file = await form.File("file", context.RequestAborted) ?? throw ApiProblem.Field("file", "Choose a file.");
            var imported = await service.Import(context, file, skip: form.Get("skip") is not null, dryRun: form.Get("dryRun") is not null);
            return await Show(context, service, imported: imported);
        }
        catch (ApiProblem problem)
        {
            return await Show(context, service, problem: problem);
        }
    }

    private static async Task<IResult> Remove(string serialNumber, HttpContext context, RequestIds ids, PlaceholderService service)
    {
        await PageForms.Read(context, ids);
        await service.Remove(context, serialNumber);
        return PageForms.See("/placeholders?done=removed");
    }
}
