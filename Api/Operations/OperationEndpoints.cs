using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
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
            .Takes<OperationRequest>(BodyLimit.Operation).Fails(400, 413, 415, 422);
        operations.MapGet("", List).WithQuery("after", "limit").Fails(400);
        operations.MapGet("/{id}", Get).Fails(404);
        operations.MapDelete("/{id}", Cancel).Audit(AuditVerbs.OperationCancel, AuditTargets.Operation, AuditPlace.WithTheChange).Fails(404);
        operations.MapGet("/{id}/events", OperationEvents.Stream).RequireStreamAdmission()
            .Produces<OperationView>(200, OperationEvents.ContentType).Fails(404);
    }

    /// <summary>Send one command to many iPads</summary>
    /// <remarks>When it is answered 202, the command is durable in the queue of every iPad of the target. They are woken at a pace
    /// that APNs and the network can take.</remarks>
    public static async Task<Accepted<OperationStarted>> Start(HttpContext context, IGrainFactory grains, TimeProvider time)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.OperationRequest);
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
        var accepted = await grains.GetGrain<IOperationGrain>(id).Start(
            new OperationOrder { Target = target, Command = order, RequestedBy = FleetUser.Of(context).Name });
        return TypedResults.Accepted($"/api/v1/operations/{accepted.Id}", new OperationStarted
        {
            Id = accepted.Id,
            CommandUuid = order.CommandUuid,
            RequestType = order.RequestType,
            Total = accepted.Total,
            AcceptedAt = accepted.AcceptedAt,
            UnknownIds = accepted.UnknownIds,
        });
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

    /// <summary>Cancel an operation</summary>
    /// <remarks>iPads that do not have the command yet never get it; what runs or is finished stays as it is.</remarks>
    public static async Task<Accepted<OperationView>> Cancel(string id, IGrainFactory grains)
    {
        var grain = Grain(grains, id);
        if (!await grain.Cancel()) throw NotFound();
        var operation = await grain.Describe() ?? throw NotFound();
        return TypedResults.Accepted($"/api/v1/operations/{operation.Id}", OperationView.Of(operation));
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
        };
    }
}
