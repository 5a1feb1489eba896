using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using DeviceFilter = FleetMdm.Grains.Interfaces.DeviceFilter;

namespace FleetMdm.Api.Operations;

/// <summary><c>/api/v1/operations</c>.</summary>
internal static class OperationEndpoints
{
    private const int MostIds = 100_000;

    public static void MapRest(RouteGroupBuilder api)
    {
        var operations = api.MapGroup("/operations").WithTags("Operations");
        operations.MapPost("", Start).Idempotent().Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange)
            .Takes<OperationRequest>(BodyLimit.Operation).Fails(400, 409, 413, 415, 422);
        operations.MapGet("", List).WithQuery("after", "limit").Fails(400);
        operations.MapGet("/{id}", Get).Fails(404);
        operations.MapDelete("/{id}", Cancel).Audit(AuditVerbs.OperationCancel, AuditTargets.Operation, AuditPlace.WithTheChange).Fails(404, 409);
        operations.MapGet("/{id}/devices", Devices).WithQuery("status", "after", "limit").Fails(400, 404);
        operations.MapGet("/{id}/events", OperationEvents.Stream).RequireStreamAdmission()
            .Produces<OperationView>(200, OperationEvents.ContentType).Fails(404);
    }

    /// <summary>Send one command to many iPads</summary>
    /// <remarks>When it is answered 202, the command is durable in the queue of every iPad of the target. They are woken at a pace
    /// that APNs and the network can take. Commands that take something away from more than one iPad (EraseDevice, ClearPasscode, RemoveProfile
    /// and others that Apple calls destructive) need <c>expected</c>, the number of iPads. 409: there are more or fewer; the answer says how many.
    /// 422: the target is no iPad.</remarks>
    public static async Task<Accepted<OperationStarted>> Start(HttpContext context, IGrainFactory grains, TimeProvider time)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.OperationRequest);
        var started = await Begin(request, context, grains, time);
        return TypedResults.Accepted($"/api/v1/operations/{started.Id}", started);
    }

    /// <exception cref="ApiProblem">Nothing was started.</exception>
    internal static async Task<OperationStarted> Begin(OperationRequest request, HttpContext context, IGrainFactory grains, TimeProvider time)
    {
        var target = Target(request.Target);
        var command = CommandReader.FromJson(request.Command, "command");
        var order = new CommandOrder
        {
            CommandUuid = RequestIds.NewCommandUuid(context, time),
            RequestType = command.RequestType,
            Command = command.Fragment,
            ExpiresAt = CommandExpiry.Read(request.ExpiresAt, request.ExpiresInHours, time.GetUtcNow()),
            Push = request.Push,
        };

        var id = RequestIds.NewOrderedGuid(context, "operation", time).ToString("D");
        var operation = new OperationOrder
        {
            Target = target,
            Command = order,
            RequestedBy = FleetUser.Of(context).Name,
            Asked = OperationTargetView.Write(request.Target),
            Expected = request.Expected is { } expected and < 0
                ? throw ApiProblem.Field("expected", $"It must be a number of iPads, but is {expected}.")
                : request.Expected,
            MustBeExpected = command.Destructive,
        };
        var grain = grains.GetGrain<IOperationGrain>(id);
        var accepted = await (target.Filter?.Expression is null ? grain.Start(operation) : grain.StartFiltered(operation));
        if (accepted.Refused) throw Refusal(request, order.RequestType, accepted.Total);
        return new OperationStarted
        {
            Id = accepted.Id,
            CommandUuid = order.CommandUuid,
            RequestType = order.RequestType,
            Total = accepted.Total,
            AcceptedAt = accepted.AcceptedAt,
            UnknownIds = accepted.UnknownIds,
            Warnings = CommandReader.Warnings(command, "command"),
        };
    }

    private static ApiProblem Refusal(OperationRequest request, string requestType, long found)
    {
        if (found == 0)
        {
            return new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.EmptyTarget, "The target is no iPad", request.Target.Ids is null
                ? "No enrolled iPad matches the target. Nothing was started."
                : "None of these ids is an enrolled iPad. Nothing was started.")
            {
                Errors = new Dictionary<string, string[]> { ["target"] = ["No enrolled iPad matches it."] },
            };
        }

        var iPads = found == 1 ? "1 iPad" : string.Create(CultureInfo.InvariantCulture, $"{found} iPads");
        var said = request.Expected is { } expected
            ? string.Create(CultureInfo.InvariantCulture, $"The target is {iPads}, but {expected} {(expected == 1 ? "was" : "were")} expected.")
            : $"{requestType} takes something away that cannot be brought back, and the target is {iPads}.";
        return new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.NotAsExpected, "The number of iPads must be confirmed",
            string.Create(CultureInfo.InvariantCulture, $"{said} Nothing was started. If these are the iPads that you mean, send \"expected\": {found}."))
        {
            Errors = new Dictionary<string, string[]> { ["expected"] = [string.Create(CultureInfo.InvariantCulture, $"It must be {found}.")] },
            Found = found,
        };
    }

    /// <summary>List operations, newest first</summary>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<OperationSummary>>> List(
        IOperationStore store, [FromQuery] string? after = null, [FromQuery] string? limit = null)
    {
        var most = Page.Limit(limit);
        if (after is not null && (Text.Uuid(after) is not { } cursor || await store.Find(cursor.ToString("D")) is null))
            throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);

        var rows = await store.List(after?.ToLowerInvariant(), most + 1);
        return TypedResults.Ok(Page.Of(rows, most, OperationSummary.Of, row => row.Id));
    }

    /// <summary>One operation with its counts</summary>
    public static async Task<Ok<OperationView>> Get(string id, IGrainFactory grains) =>
        TypedResults.Ok(OperationView.Of(await Grain(grains, id).Describe() ?? throw NotFound()));

    /// <summary>The iPads of an operation, by id, and what became of its command on each</summary>
    /// <param name="id">Of the operation.</param>
    /// <param name="status">queued, notNow, acknowledged, failed or ended: those that the operation's count of this name counts.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<OperationDeviceView>>> Devices(
        string id, IOperationStore store, [FromQuery] string? status = null, [FromQuery] string? after = null, [FromQuery] string? limit = null)
    {
        var known = Text.Uuid(id)?.ToString("D") ?? throw NotFound();
        var page = await PageOfDevices(store, known, Text.Name<OperationPart>("status", status), after, Page.Limit(limit));
        // An operation without iPads is none; one whose history has gone by its age still is one.
        if (page.Items.Count == 0 && await store.Find(known) is null) throw NotFound();
        return TypedResults.Ok(page);
    }

    internal static async Task<Page<OperationDeviceView>> PageOfDevices(IOperationStore store, string id, OperationPart? part, string? after, int limit)
    {
        if (after is not null && Text.EnrolmentId(after) is null)
            throw ApiProblem.Field("after", "It must be the \"next\" of a page.", ProblemCodes.InvalidCursor);
        var rows = await store.ListDevices(id, part, after, limit + 1);
        return Page.Of(rows, limit, OperationDeviceView.Of, row => row.EnrolmentId);
    }

    /// <summary>Cancel an operation</summary>
    /// <remarks>iPads that do not have the command yet never get it; what runs or is finished stays as it is. 409: it is finished.</remarks>
    public static async Task<Accepted<OperationView>> Cancel(string id, IGrainFactory grains)
    {
        var operation = OperationView.Of(await CancelOperation(id, grains));
        return TypedResults.Accepted($"/api/v1/operations/{operation.Id}", operation);
    }

    /// <exception cref="ApiProblem">404, or 409 when it is too late.</exception>
    internal static async Task<OperationDescription> CancelOperation(string id, IGrainFactory grains)
    {
        var grain = Grain(grains, id);
        var cancelled = await grain.Cancel();
        var operation = await grain.Describe() ?? throw NotFound();
        return cancelled
            ? operation
            : throw ApiProblem.Conflict(ProblemCodes.OperationFinished, "It is finished", "The operation is finished; there is nothing to cancel.");
    }

    internal static IOperationGrain Grain(IGrainFactory grains, string id) =>
        grains.GetGrain<IOperationGrain>(Text.Uuid(id)?.ToString("D") ?? throw NotFound());

    internal static ApiProblem NotFound() => ApiProblem.NotFound("There is no operation with this id.");

    private static OperationTarget Target(OperationTargetRequest target)
    {
        var named = (target.All is not null ? 1 : 0) + (target.Ids is not null ? 1 : 0) + (target.Filter is not null ? 1 : 0);
        if (named != 1) throw ApiProblem.Field("target", "It must have exactly one of all, ids and filter.");
        if (target.All is { } all)
            return all ? new OperationTarget { All = true } : throw ApiProblem.Field("target.all", "It can only be true; leave it out otherwise.");
        return target.Ids is { } ids ? new OperationTarget { Ids = Ids("target.ids", ids) } : new OperationTarget { Filter = Filter(target.Filter!) };
    }

    /// <summary>A list of ids, each in its one spelling and once.</summary>
    internal static List<string> Ids(string field, IReadOnlyList<string> ids)
    {
        if (ids.Count is 0 or > MostIds) throw ApiProblem.Field(field, $"It must have 1 to {MostIds} ids, but has {ids.Count}.");
        return [.. ids.Select((id, i) => Text.EnrolmentId(id) ?? throw ApiProblem.Field($"{field}[{i}]", Text.NotAnEnrolmentId)).Distinct(StringComparer.Ordinal)];
    }

    private static DeviceFilter Filter(DeviceFilterRequest filter)
    {
        // A filter that lost its parts on the way must not mean the whole fleet.
        if (filter == new DeviceFilterRequest())
            throw ApiProblem.Field("target.filter", "It has no parts. For every iPad, write {\"all\": true}.");
        return new DeviceFilter
        {
            Query = Text.Optional("target.filter.q", filter.Q),
            Status = Text.Name<EnrolmentStatus>("target.filter.status", filter.Status)?.ToString(),
            School = Text.Optional("target.filter.school", filter.School),
            ProductName = Text.Optional("target.filter.productName", filter.ProductName),
            OsVersion = Text.Optional("target.filter.osVersion", filter.OsVersion),
            SerialNumber = Text.Optional("target.filter.serialNumber", filter.SerialNumber),
            Kind = Text.Name<EnrolmentKind>("target.filter.kind", filter.Kind)?.ToString(),
            SeenBefore = filter.SeenBefore,
            SeenAfter = filter.SeenAfter,
            Expression = DeviceFilters.Check("target.filter.filter", filter.Filter),
        };
    }
}
