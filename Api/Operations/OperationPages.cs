using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Operations;

/// <summary>Operations in the console: their list, the page of one with what became of it on each iPad, and the form that starts one.</summary>
internal static class OperationPages
{
    private const int OperationsOnPage = 20;
    private const int DevicesOnPage = 50;
    private const int Examples = 10;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/operations", List);
        pages.MapGet("/operations/new", Ask).RequireAuthorization(FleetPolicies.Administer);
        pages.MapPost("/operations", Start).Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange);
        pages.MapGet("/operations/{id}", Show);
        pages.MapPost("/operations/{id}/cancel", Cancel).Audit(AuditVerbs.OperationCancel, AuditTargets.Operation, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<OperationsPage>> List(
        HttpContext context, IOperationStore store, OperationWatch watch, string? after)
    {
        if (after is not null && (Text.Uuid(after) is not { } cursor || await store.Find(cursor.ToString("D")) is null))
            throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);
        var rows = await store.List(after?.ToLowerInvariant(), OperationsOnPage + 1);
        var counted = await Task.WhenAll(rows.Take(OperationsOnPage).Select(row => watch.Describe(row.Id)));
        var page = new Page<OperationView>(
            [.. counted.OfType<Grains.Interfaces.OperationDescription>().Select(OperationView.Of)],
            rows.Count > OperationsOnPage ? rows[OperationsOnPage - 1].Id : null);
        return new RazorComponentResult<OperationsPage>(new { User = FleetUser.Of(context), Operations = page, IsLaterPage = after is not null });
    }

    private static Task<RazorComponentResult<OperationPage>> Show(
        string id, HttpContext context, IGrainFactory grains, IOperationStore store, string? status, string? after) =>
        Render(id, context, grains, store, status, after, problem: null);

    private static async Task<RazorComponentResult<OperationPage>> Render(
        string id, HttpContext context, IGrainFactory grains, IOperationStore store, string? status, string? after, ApiProblem? problem)
    {
        var operation = OperationView.Of(await OperationEndpoints.Grain(grains, id).Describe() ?? throw OperationEndpoints.NotFound());
        var part = Text.Name<OperationPart>("status", string.IsNullOrEmpty(status) ? null : status);
        var devices = await OperationEndpoints.PageOfDevices(store, operation.Id, part, after, DevicesOnPage);
        var view = new OperationPageView(FleetUser.Of(context), operation, devices, part, after is not null, problem?.Message);
        return new RazorComponentResult<OperationPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> Cancel(string id, HttpContext context, IGrainFactory grains, IOperationStore store)
    {
        try
        {
            var operation = await OperationEndpoints.CancelOperation(id, grains);
            return PageForms.See($"/operations/{operation.Id}");
        }
        catch (ApiProblem problem) when (problem.Status == StatusCodes.Status409Conflict)
        {
            return await Render(id, context, grains, store, null, null, problem);
        }
    }

    private static Task<RazorComponentResult<OperationNewPage>> Ask(HttpContext context, IOperationStore store, IFleetQueries fleet, TimeProvider time) =>
        AskWith(DeviceQuery.Of(context.Request), context, store, fleet, time, form: null, problem: null);

    private static async Task<RazorComponentResult<OperationNewPage>> AskWith(
        DeviceQuery query, HttpContext context, IOperationStore store, IFleetQueries fleet, TimeProvider time, UploadForm? form, ApiProblem? problem)
    {
        var filter = query.ToFilter(time.GetUtcNow());
        var total = await store.CountTarget(filter);
        var rows = await fleet.ListDevices(
            filter with { Status = filter.Status ?? EnrolmentStatus.Enrolled, Kind = EnrolmentKind.Device }, null, Examples, new DeviceOrder(DeviceSort.Name));
        var user = FleetUser.Of(context);
        var view = new OperationNewView(
            user, query, OperationWords.Of(OperationTargetView.Of(query.Target(time.GetUtcNow()))), total,
            [.. rows.Select(row => DeviceSummary.Of(row, user))], PageForms.NewKey(), problem?.Message,
            form?.Get("requestType"), form?.Get("message"), form?.Get("identifier"));
        return new RazorComponentResult<OperationNewPage>(new { View = view }) { StatusCode = problem?.Status ?? StatusCodes.Status200OK };
    }

    private static async Task<IResult> Start(
        HttpContext context, RequestIds ids, IGrainFactory grains, IOperationStore store, IFleetQueries fleet, TimeProvider time)
    {
        var form = await UploadForm.Read(context, ids);
        var query = DeviceQuery.Of(form.Get);
        try
        {
            var request = new OperationRequest
            {
                Target = query.Target(time.GetUtcNow()),
                Command = await ConsoleCommands.Read(form, context.RequestAborted),
                Expected = Expected(form.Get("expected")),
            };
            var started = await OperationEndpoints.Begin(request, context, grains, time);
            return PageForms.See($"/operations/{started.Id}");
        }
        catch (ApiProblem problem) when (problem.Found is { } found)
        {
            var iPads = DeviceOrders.IPads(found);
            return await AskWith(query, context, store, fleet, time, form, new ApiProblem(problem.Status, problem.Code, problem.Title,
                $"Nothing was started. To do this to {iPads}, type their number: {found.ToString(CultureInfo.InvariantCulture)}."));
        }
        catch (ApiProblem problem) when (problem.Status is >= 400 and < 500)
        {
            return await AskWith(query, context, store, fleet, time, form, problem);
        }
    }

    private static long? Expected(string? typed)
    {
        if (typed is null) return null;
        return long.TryParse(typed.Trim(), NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number
            : throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The number is not valid", "Type the number of iPads in digits.");
    }
}

/// <summary>What the page of an operation shows.</summary>
/// <param name="Part">Which of its iPads are listed; null: all.</param>
public sealed record OperationPageView(
    FleetUser User, OperationView Operation, Page<OperationDeviceView> Devices, OperationPart? Part, bool IsLaterPage, string? Problem);

/// <summary>What the form for a new operation shows.</summary>
/// <param name="Total">How many iPads it would be for.</param>
public sealed record OperationNewView(
    FleetUser User, DeviceQuery Query, string Target, long Total, IReadOnlyList<DeviceSummary> Examples, string FormKey, string? Problem,
    string? RequestType, string? Message, string? Identifier);
