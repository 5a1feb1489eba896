using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Apps;

/// <summary>In-house apps in the console.</summary>
internal static class HostedAppPages
{
    private const int OnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages = pages.MapGroup("").WithinSchools();
        pages.MapGet("/hosted-apps", List).Needs(Rights.AppRead);
        pages.MapPost("/hosted-apps", Upload).Needs(Rights.AppChange).RequireStreamAdmission().Audit(AuditVerbs.AppUpload, AuditTargets.App, AuditPlace.WithTheChange);
        pages.MapGet("/hosted-apps/{id}/delete", Ask).Needs(Rights.AppChange);
        pages.MapPost("/hosted-apps/{id}/delete", Delete).Needs(Rights.AppChange).Audit(AuditVerbs.AppDelete, AuditTargets.App, AuditPlace.WithTheChange);
    }

    private static Task<RazorComponentResult<AppsPage>> List(HttpContext context, HostedAppService service, string? after, string? done) =>
        Page(context, service, after, done switch { "uploaded" => "The app is here.", "known" => "This very file was here already.", "deleted" => "The app is deleted. It stays on the iPads that have it.", _ => null }, FormState.Fresh);

    private static async Task<RazorComponentResult<AppsPage>> Page(HttpContext context, HostedAppService service, string? after, string? done, FormState form) =>
        new(new { User = FleetUser.Of(context), Apps = await service.List(context, string.IsNullOrEmpty(after) ? null : after, OnPage), Done = done, Form = form }) { StatusCode = form.Status };

    private static async Task<IResult> Upload(HttpContext context, HostedAppService service)
    {
        try
        {
            RequestBody.RequireForm(context.Request);
            service.Allow(context);
            var fields = await Fields(context);
            if (fields.Files.GetFile("file") is not { Length: > 0 } file) throw ApiProblem.Field("file", "Choose the .ipa file of the app.");
            await using var content = file.OpenReadStream();
            var (_, isNew) = await service.Upload(context, content);
            return PageForms.See($"/hosted-apps?done={(isNew ? "uploaded" : "known")}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status413PayloadTooLarge)
        {
            return await Page(context, service, null, null, FormState.Refused(problem));
        }
    }

    private static async Task<IFormCollection> Fields(HttpContext context)
    {
        try
        {
            return await context.Request.ReadFormAsync(new FormOptions { MultipartBodyLengthLimit = long.MaxValue, BufferBodyLengthLimit = long.MaxValue }, context.RequestAborted);
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw ApiProblem.Field("file", "The form is damaged, or ends too early.");
        }
    }

    private static async Task<RazorComponentResult<AppDeletePage>> Ask(string id, HttpContext context, HostedAppService service) =>
        new(new { User = FleetUser.Of(context), App = service.View(context, await service.Find(id)), Form = FormState.Fresh });

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, HostedAppService service)
    {
        await PageForms.Read(context, ids);
        try
        {
            await service.Delete(context, id);
            return PageForms.See("/hosted-apps?done=deleted");
        }
        catch (ApiProblem problem) when (problem.Status == StatusCodes.Status409Conflict)
        {
            return new RazorComponentResult<AppDeletePage>(new { User = FleetUser.Of(context), App = service.View(context, await service.Find(id)), Form = FormState.Refused(problem) }) { StatusCode = problem.Status };
        }
    }
}
