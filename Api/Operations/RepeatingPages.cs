using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Operations;

/// <summary>Repeating operations in the console. They are created by the form for a new operation.</summary>
internal static class RepeatingPages
{
    private const int OnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/operations/repeating", List).Needs(Rights.OperationRead);
        pages.MapGet("/operations/repeating/{id}", (string id, HttpContext context, RepeatingOperations service) => Show(id, context, service, null)).Needs(Rights.OperationRead);
        pages.MapPost("/operations/repeating/{id}/pause", (string id, HttpContext context, RepeatingOperations service) => Steered(id, context, service, () => service.Pause(context, id)))
            .Needs(Rights.OperationStart).Audit(AuditVerbs.RepeatingPause, AuditTargets.Repeating, AuditPlace.WithTheChange);
        pages.MapPost("/operations/repeating/{id}/go-on", (string id, HttpContext context, RepeatingOperations service) => Steered(id, context, service, () => service.GoOn(context, id)))
            .Needs(Rights.OperationStart).Audit(AuditVerbs.RepeatingGoOn, AuditTargets.Repeating, AuditPlace.WithTheChange);
        pages.MapPost("/operations/repeating/{id}/end", (string id, HttpContext context, RepeatingOperations service) => Steered(id, context, service, () => service.End(context, id)))
            .Needs(Rights.OperationStart).Audit(AuditVerbs.RepeatingEnd, AuditTargets.Repeating, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<RepeatingListPage>> List(HttpContext context, RepeatingOperations service, string? after) =>
        new(new { User = FleetUser.Of(context), Repeating = await service.List(after, OnPage), IsLaterPage = after is not null });

    private static async Task<RazorComponentResult<RepeatingPage>> Show(string id, HttpContext context, RepeatingOperations service, ApiProblem? problem) =>
        new(new { User = FleetUser.Of(context), Repeating = await service.Get(id), Problem = problem?.Message }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };

    private static async Task<IResult> Steered(string id, HttpContext context, RepeatingOperations service, Func<Task<RepeatingView>> steer)
    {
        try
        {
            return PageForms.See($"/operations/repeating/{(await steer()).Id}");
        }
        catch (ApiProblem problem) when (problem.Status == StatusCodes.Status409Conflict)
        {
            return await Show(id, context, service, problem);
        }
    }
}
