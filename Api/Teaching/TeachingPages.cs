using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Teaching;

/// <summary><c>/teach</c>: a teacher's classes, on an iPad.</summary>
internal static class TeachingPages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        var teach = pages.MapGroup("/teach").Needs(Rights.ClassTeach).WithinSchools();
        teach.MapGet("", List);
        teach.MapGet("/{id}", Show);
        teach.MapPost("/{id}/look", Look).Audit(AuditVerbs.DevicePush, AuditTargets.Class);
        teach.MapPost("/{class}/ipads/{id}/clear-passcode", ClearPasscode).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<TeachPage>> List(HttpContext context, TeachingService service) =>
        new(new { User = FleetUser.Of(context), Classes = (await service.List(context)).Items });

    private static Task<RazorComponentResult<TeachClassPage>> Show(string id, HttpContext context, TeachingService service, string? done) => Page(id, context, service, FormState.Fresh, done switch
    {
        "looked" => "The iPads are asked. Those that are on show up here within a minute.",
        "cleared" => "The passcode is cleared as soon as the iPad is reached.",
        _ => null,
    });

    private static async Task<RazorComponentResult<TeachClassPage>> Page(string id, HttpContext context, TeachingService service, FormState form, string? done) =>
        new(new { User = FleetUser.Of(context), View = await service.Get(context, id), Form = form, FormKey = PageForms.NewKey(), Done = done }) { StatusCode = form.Status };

    private static Task<IResult> Look(string id, HttpContext context, RequestIds ids, TeachingService service) => Do(id, context, ids, service, "looked", () => service.Look(context, id));

    private static Task<IResult> ClearPasscode(string @class, string id, HttpContext context, RequestIds ids, TeachingService service) =>
        Do(@class, context, ids, service, "cleared", () => service.ClearPasscode(context, @class, id));

    private static async Task<IResult> Do(string id, HttpContext context, RequestIds ids, TeachingService service, string done, Func<Task> work)
    {
        await PageForms.Read(context, ids);
        try
        {
            await work();
            return PageForms.See($"/teach/{Uri.EscapeDataString(id)}?done={done}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, service, FormState.Refused(problem), null);
        }
    }
}
