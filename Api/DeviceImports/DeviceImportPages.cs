using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.DeviceImports;

/// <summary>The form for a list of iPads, and the page that shows what it would do and asks before it does.</summary>
internal static class DeviceImportPages
{
    private const int ShownOfEach = 20;

    public static readonly (string Change, string Words)[] Kinds =
        [("handedOver", "Change hands"), ("kept", "Another person has these: they keep that one"), ("handedOut", "Handed out now"), ("waiting", "Handed out when they enrol"), ("added", "New"), ("changed", "Changed")];

    public static void MapPages(RouteGroupBuilder pages)
    {
        var imports = pages.MapGroup("/device-imports").Needs(Rights.DeviceChange, Rights.PeopleReadContact);
        imports.MapGet("", (Delegate)Ask);
        imports.MapGet("/{id}", Show);
        imports.MapPost("", Upload).Audit(AuditVerbs.ImportStage, AuditTargets.Import);
        imports.MapPost("/{id}/apply", Apply).Audit(AuditVerbs.ImportApply, AuditTargets.Import, AuditPlace.WithTheChange);
        imports.MapPost("/{id}/undo", Undo).Audit(AuditVerbs.ImportUndo, AuditTargets.Import, AuditPlace.WithTheChange);
        imports.MapPost("/{id}/discard", Discard).Audit(AuditVerbs.ImportDiscard, AuditTargets.Import);
    }

    private static Task<RazorComponentResult<DeviceImportNewPage>> Ask(HttpContext context, DeviceImportService service) => Form(context, service, FormState.Fresh);

    private static async Task<RazorComponentResult<DeviceImportNewPage>> Form(HttpContext context, DeviceImportService service, FormState form) =>
        new(new { User = FleetUser.Of(context), Applied = await service.Applied(), Form = form, FormKey = PageForms.NewKey() }) { StatusCode = form.Status };

    private static Task<RazorComponentResult<DeviceImportPage>> Show(string id, HttpContext context, DeviceImportService service) => Page(context, id, service, FormState.Fresh);

    private static async Task<RazorComponentResult<DeviceImportPage>> Page(HttpContext context, string id, DeviceImportService service, FormState form)
    {
        var import = await service.Get(id);
        var shown = new Dictionary<string, Page<DeviceImportChangeView>>();
        if (import.State == "preview")
        {
            foreach (var (change, _) in Kinds) shown[change] = await service.Changes(id, change, null, ShownOfEach);
        }

        return new RazorComponentResult<DeviceImportPage>(new { User = FleetUser.Of(context), Import = import, Shown = shown, Form = form, FormKey = PageForms.NewKey() })
        {
            StatusCode = form.Status,
        };
    }

    private static async Task<IResult> Upload(HttpContext context, RequestIds ids, DeviceImportService service)
    {
        UploadForm? form = null;
        try
        {
            form = await UploadForm.Read(context, ids, ListReading.MostBytes);
            var file = await form.File("file", context.RequestAborted) ?? throw ApiProblem.Field("file", "Choose a file.");
            return PageForms.See($"/device-imports/{(await service.Stage(context, file, form.Get("skip") is not null, form.Get("handOver") is not null)).Id}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status413PayloadTooLarge)
        {
            var sent = form;
            return await Form(context, service, FormState.Refused(problem, field => sent?.Get(field)));
        }
    }

    private static async Task<IResult> Apply(string id, HttpContext context, RequestIds ids, DeviceImportService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Apply(context, id, PageForms.Number(form, "handedOver"));
            return PageForms.See($"/device-imports/{Uri.EscapeDataString(id)}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(context, id, service, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Undo(string id, HttpContext context, RequestIds ids, DeviceImportService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Undo(context, id);
            return PageForms.See($"/device-imports/{Uri.EscapeDataString(id)}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(context, id, service, FormState.Refused(problem, form.Get));
        }
    }

    private static async Task<IResult> Discard(string id, HttpContext context, RequestIds ids, DeviceImportService service)
    {
        await PageForms.Read(context, ids);
        await service.Discard(id);
        return PageForms.See("/placeholders");
    }
}
