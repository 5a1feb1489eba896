using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Operations;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Returns;

/// <summary><c>/api/v1/returns</c>.</summary>
internal static class ReturnEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var returns = api.MapGroup("/returns").Needs(Rights.OperationRead).WithinSchools().WithTags("Return to Service");
        returns.MapPost("", Start).Needs(Rights.OperationStart, Rights.CommandErase, Rights.ProfileRead).Idempotent()
            .Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange)
            .Takes<ReturnRequest>(BodyLimit.Operation).WithQuery("dryRun").Produces<OperationStarted>(202).Produces<ReturnPlanView>(200).Fails(400, 409, 413, 415, 422);
        returns.MapGet("", List).WithQuery("after", "limit").Fails(400);
        returns.MapGet("/{id}", Get).Fails(404);
        returns.MapPost("/{id}/close", Close).Needs(Rights.OperationStart).Idempotent().Audit(AuditVerbs.ReturnClose, AuditTargets.Operation, AuditPlace.WithTheChange).Fails(404);
        returns.MapGet("/{id}/devices", Devices).WithQuery("state", "school", "after", "limit").Fails(400, 404);
        returns.MapGet("/{id}/export", Export).WithQuery("state", "school").Produces<string>(200, "text/csv").Fails(400, 404);

        // Any iPad of the district may ask: it is decided for all of them.
        var answer = api.MapGroup("/return-answer").Needs(Rights.OperationRead).WithTags("Return to Service");
        answer.MapGet("", Answer).Needs(Rights.ProfileRead).Fails(404);
        answer.MapPut("", WriteAnswer).Needs(Rights.CommandErase, Rights.ProfileChange).Takes<ReturnAnswerRequest>()
            .Audit(AuditVerbs.ReturnAnswer, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(400, 409, 413, 415);
        answer.MapDelete("", DeleteAnswer).Needs(Rights.CommandErase, Rights.ProfileChange).Audit(AuditVerbs.ReturnAnswerRemove, AuditTargets.Profile, AuditPlace.WithTheChange).Fails(404);
    }

    /// <summary>Erase iPads that come back by themselves</summary>
    /// <remarks>Each erases itself, joins the Wi-Fi and enrols again without hands (Apple: Return to Service, iPadOS 17). It is an operation: when it is answered 202, the command is durable for
    /// every iPad of the target that can. For more than one iPad it needs the <c>confirmation</c> that a dry run of the same request returned. <c>dryRun</c> answers 200 with who can, who
    /// cannot, and why. 409: there are more or fewer by now. 422: the target is no iPad, or none that can.</remarks>
    /// <param name="dryRun">true: only say what would be done.</param>
    public static async Task<IResult> Start(HttpContext context, ReturnService service, [FromQuery] string? dryRun = null)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ReturnRequest);
        if (Text.Flag("dryRun", dryRun) ?? false) return TypedResults.Ok(await service.Plan(context, request));
        var started = await service.Start(context, request);
        return TypedResults.Accepted($"/api/v1/returns/{started.Id}", started);
    }

    /// <summary>List returns, the newest first</summary>
    /// <remarks>Those that reach no further than your schools.</remarks>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ReturnView>>> List(HttpContext context, ReturnService service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), after, Page.Limit(limit)));

    /// <summary>One return, with how it stands at each school</summary>
    public static async Task<Ok<ReturnView>> Get(string id, HttpContext context, ReturnService service) => TypedResults.Ok(await service.Get(FleetUser.Of(context), id));

    /// <summary>Close a return</summary>
    /// <remarks>Nobody waits any more for those that did not come back: they stay on its list, and are not counted on the overview.</remarks>
    public static async Task<Ok<ReturnView>> Close(string id, HttpContext context, ReturnService service) => TypedResults.Ok(await service.Close(context, id));

    /// <summary>The iPads of a return</summary>
    /// <param name="state">NotBegun, Waiting, Told, Erased, Missing, Back, Failed or Ended; absent: all.</param>
    /// <param name="school">Only those that were of this school, by its name.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ReturnDeviceView>>> Devices(
        string id, HttpContext context, ReturnService service, [FromQuery] string? state = null, [FromQuery] string? school = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Devices(FleetUser.Of(context), id, state, school, after, Page.Limit(limit)));

    /// <summary>The iPads of a return as CSV</summary>
    /// <param name="state">As for the list.</param>
    /// <param name="school">As for the list.</param>
    public static Task<IResult> Export(string id, HttpContext context, ReturnService service, [FromQuery] string? state = null, [FromQuery] string? school = null) =>
        service.Export(context, id, state, school);

    /// <summary>How iPads return that ask for it themselves</summary>
    /// <remarks>An iPad asks when a person or an idle time wants it to return (the check-in message ReturnToService). 404: nobody has said so, and it is told not to erase itself.</remarks>
    public static async Task<Ok<ReturnAnswerView>> Answer(ReturnService service) => TypedResults.Ok(await service.Answer());

    /// <summary>Say how iPads return that ask for it themselves</summary>
    /// <remarks>From now on an iPad that asks erases itself, joins this Wi-Fi and enrols again. 409: it was changed meanwhile.</remarks>
    public static async Task<Ok<ReturnAnswerView>> WriteAnswer(HttpContext context, ReturnService service) =>
        TypedResults.Ok(await service.WriteAnswer(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.ReturnAnswerRequest)));

    /// <summary>iPads do not return any more because they ask</summary>
    public static async Task<NoContent> DeleteAnswer(HttpContext context, ReturnService service)
    {
        await service.DeleteAnswer(context);
        return TypedResults.NoContent();
    }
}
