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

    /// <summary>More than a page has, and few enough for an address.</summary>
    private const int MostSelected = 100;

    public static void MapPages(RouteGroupBuilder pages)
    {
        pages.MapGet("/operations", List);
        pages.MapGet("/operations/new", Ask).RequireAuthorization(FleetPolicies.Administer);
        pages.MapPost("/operations", Start).Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange);
        pages.MapGet("/operations/{id}", Show);
        pages.MapGet("/operations/{id}/cancel", AskCancel).RequireAuthorization(FleetPolicies.Administer);
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

    private static async Task<RazorComponentResult<OperationCancelPage>> AskCancel(string id, HttpContext context, IGrainFactory grains)
    {
        var operation = OperationView.Of(await OperationEndpoints.Grain(grains, id).Describe() ?? throw OperationEndpoints.NotFound());
        return new RazorComponentResult<OperationCancelPage>(new { User = FleetUser.Of(context), Operation = operation });
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

    private static Task<RazorComponentResult<OperationNewPage>> Ask(HttpContext context, IOperationStore store, IFleetQueries fleet, TimeProvider time)
    {
        // A selection of nothing is no iPad, not every iPad.
        var ids = context.Request.Query.ContainsKey("selected") ? Selected(context.Request.Query["id"]) : null;
        return AskWith(new Chosen(DeviceQuery.Of(context.Request), ids), context, store, fleet, time, FormState.Fresh);
    }

    private static async Task<RazorComponentResult<OperationNewPage>> AskWith(
        Chosen chosen, HttpContext context, IOperationStore store, IFleetQueries fleet, TimeProvider time, FormState form)
    {
        var now = time.GetUtcNow();
        var (total, rows) = chosen.Ids is { } ids ? await Find(fleet, ids) : await Find(store, fleet, chosen.Query.ToFilter(now));
        var user = FleetUser.Of(context);
        var view = new OperationNewView(
            user, chosen.Query, chosen.Ids, OperationWords.Of(OperationTargetView.Of(chosen.Target(now))), total,
            [.. rows.Take(Examples).Select(row => DeviceSummary.Of(row, user))], PageForms.NewKey(), form);
        return new RazorComponentResult<OperationNewPage>(new { View = view }) { StatusCode = form.Status };
    }

    private static async Task<(long Total, IReadOnlyList<DeviceRow> Rows)> Find(IOperationStore store, IFleetQueries fleet, DeviceFilter filter) =>
        (await store.CountTarget(filter), await fleet.ListDevices(
            filter with { Status = filter.Status ?? EnrolmentStatus.Enrolled, Kind = EnrolmentKind.Device }, null, Examples, new DeviceOrder(DeviceSort.Name)));

    private static async Task<(long Total, IReadOnlyList<DeviceRow> Rows)> Find(IFleetQueries fleet, IReadOnlyList<string> ids)
    {
        var rows = (await Task.WhenAll(ids.Select(fleet.FindDevice))).OfType<DeviceRow>()
            .Where(row => row.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled).ToList();
        return (rows.Count, rows);
    }

    private static async Task<IResult> Start(
        HttpContext context, RequestIds ids, IGrainFactory grains, IOperationStore store, IFleetQueries fleet, TimeProvider time)
    {
        var form = await UploadForm.Read(context, ids);
        var chosen = new Chosen(DeviceQuery.Of(form.Get), form.Get("ids") is { } selected ? Selected(selected.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)) : null);
        try
        {
            var request = new OperationRequest
            {
                Target = chosen.Target(time.GetUtcNow()),
                Command = await ConsoleCommands.Read(form, context.RequestAborted),
                Expected = Expected(form.Get("expected")),
            };
            var started = await OperationEndpoints.Begin(request, context, grains, time);
            return PageForms.See($"/operations/{started.Id}");
        }
        catch (ApiProblem problem) when (problem.Found is { } found)
        {
            var words = $"Nothing was started. To do this to {DeviceOrders.IPads(found)}, type their number: {found.ToString(CultureInfo.InvariantCulture)}.";
            return await Again(new ApiProblem(problem.Status, problem.Code, problem.Title, words) { Errors = new Dictionary<string, string[]> { ["expected"] = [words] } });
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Again(problem);
        }

        async Task<IResult> Again(ApiProblem problem) => await AskWith(chosen, context, store, fleet, time, FormState.Refused(problem, form.Get));
    }

    private static List<string> Selected(IEnumerable<string?> ids)
    {
        List<string> known = [.. ids.Select(id => Text.EnrolmentId(id) ?? throw ApiProblem.Field("id", Text.NotAnEnrolmentId)).Distinct(StringComparer.Ordinal)];
        return known.Count <= MostSelected ? known : throw ApiProblem.Field("id", $"At most {MostSelected} iPads can be selected. Use a filter for more.");
    }

    private static long? Expected(string? typed)
    {
        if (typed is null) return null;
        return long.TryParse(typed.Trim(), NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number
            : throw new ApiProblem(StatusCodes.Status400BadRequest, ProblemCodes.InvalidRequest, "The number is not valid", "Type the number of iPads in digits.")
            {
                Errors = new Dictionary<string, string[]> { ["expected"] = ["Type the number of iPads in digits."] },
            };
    }
}

/// <summary>What the page of an operation shows.</summary>
/// <param name="Part">Which of its iPads are listed; null: all.</param>
public sealed record OperationPageView(
    FleetUser User, OperationView Operation, Page<OperationDeviceView> Devices, OperationPart? Part, bool IsLaterPage, string? Problem);

/// <summary>Which iPads a new operation is for.</summary>
/// <param name="Query">All that it finds.</param>
/// <param name="Ids">These alone; null: the query.</param>
internal sealed record Chosen(DeviceQuery Query, IReadOnlyList<string>? Ids)
{
    public OperationTargetRequest Target(DateTimeOffset now) => Ids is null ? Query.Target(now) : new OperationTargetRequest { Ids = Ids };
}

/// <summary>What the form for a new operation shows.</summary>
/// <param name="Ids">Those that were selected; null: all that the query finds.</param>
/// <param name="Total">How many iPads it would be for.</param>
public sealed record OperationNewView(
    FleetUser User, DeviceQuery Query, IReadOnlyList<string>? Ids, string Target, long Total, IReadOnlyList<DeviceSummary> Examples, string FormKey, FormState Form);
