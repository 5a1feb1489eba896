using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Console;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Mdm;
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
        var operations = api.MapGroup("/operations").Needs(Rights.OperationRead).WithinSchools().WithTags("Operations");
        operations.MapPost("", Start).Needs(Rights.OperationStart).Idempotent().Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange)
            .Takes<OperationRequest>(BodyLimit.Operation).WithQuery("dryRun").Produces<OperationPlanView>(200).Fails(400, 409, 413, 415, 422);
        operations.MapGet("", List).WithQuery("after", "limit").Fails(400);
        operations.MapGet("/{id}", Get).Fails(404);
        operations.MapDelete("/{id}", Cancel).Needs(Rights.OperationStart).Audit(AuditVerbs.OperationCancel, AuditTargets.Operation, AuditPlace.WithTheChange).Fails(404, 409);
        OperationSteering.MapRest(operations);
        operations.MapGet("/{id}/devices", Devices).WithQuery("status", "after", "limit").Fails(400, 404);
        operations.MapGet("/{id}/left-out", LeftOut).WithQuery("after", "limit").Fails(400, 404);
        operations.MapGet("/{id}/events", OperationEvents.Stream).RequireStreamAdmission()
            .Produces<OperationView>(200, OperationEvents.ContentType).Fails(404);
    }

    /// <summary>Send one command to many iPads</summary>
    /// <remarks>When it is answered 202, the command is durable in the queue of every iPad of the target that can run it. iPads that would refuse it, by what is known of them,
    /// are left out and named (<c>leftOut</c>); <c>"force": true</c> sends it to them too. They are woken at a pace
    /// that APNs and the network can take. <c>dryRun</c> answers 200 with what would be done: how many can, how many cannot, and why. Commands that take something away (EraseDevice,
    /// ClearPasscode, RemoveProfile and others that Apple calls destructive) need the <c>confirmation</c> that a dry run of the same request returned, for more than one iPad. 409: there
    /// are more or fewer by now, or than <c>expected</c>; <c>found</c> says how many, <c>confirmed</c> how many were told.
    /// 422: the target is no iPad, or none that can run it.</remarks>
    /// <param name="dryRun">true: only say what would be done.</param>
    public static async Task<IResult> Start(HttpContext context, IGrainFactory grains, OperationPlans plans, TimeProvider time, [FromQuery] string? dryRun = null)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.OperationRequest);
        var command = CommandReader.FromJson(await plans.Apps.Resolve(request.Command, "command"), "command");
        // A dry run refuses what the start would refuse.
        _ = Expiry(request, time);
        if (Text.Flag("dryRun", dryRun) ?? false)
            return TypedResults.Ok(await plans.Run(context, Planned(FleetUser.Of(context), request, command, time)));
        var started = await Begin(request, command, context, grains, plans, time);
        return TypedResults.Accepted($"/api/v1/operations/{started.Id}", started);
    }

    /// <param name="dryRun">Where its dry run is asked for, in words; null: here.</param>
    /// <exception cref="ApiProblem">Nothing was started.</exception>
    internal static async Task<OperationStarted> Begin(
        OperationRequest request, BuiltCommand command, HttpContext context, IGrainFactory grains, OperationPlans plans, TimeProvider time, string? dryRun = null)
    {
        CommandRights.Require(context, command.RequestType);
        var expected = Expected(request.Expected);
        var force = request.Force ?? false;
        var planned = Planned(FleetUser.Of(context), request, command, time);
        if (dryRun is not null) planned = planned with { DryRun = dryRun };
        var confirmed = await plans.Confirm(context, planned, request.Confirmation, expected);
        await plans.Apps.NoteUse(command);
        var order = new CommandOrder
        {
            CommandUuid = confirmed?.CommandUuid ?? RequestIds.NewCommandUuid(context, time),
            RequestType = command.RequestType,
            Command = command.Fragment,
            ExpiresAt = Expiry(request, time),
            Push = request.Push,
            Force = force,
            Requirements = CommandFit.ToGrain(command.Requirements),
        };
        var operation = new OperationOrder
        {
            Target = planned.Target,
            Command = order,
            RequestedBy = FleetUser.Of(context).Name,
            Asked = OperationTargetView.Write(request.Target),
            Expected = confirmed?.Count ?? expected,
            MustBeExpected = command.Destructive,
            Pace = planned.Pace,
        };
        return await Begin(operation, planned, confirmed, [.. CommandReader.Warnings(command, "command"), .. await plans.Ignored(planned)], context, grains, time);
    }

    private static DateTimeOffset? Expiry(OperationRequest request, TimeProvider time)
    {
        var expiresAt = CommandExpiry.Read(request.ExpiresAt, request.ExpiresInHours, time.GetUtcNow());
        return request.Pace?.StartAt is { } begins && expiresAt <= begins
            ? throw ApiProblem.Field("expiresAt", "The command would expire before the operation begins. Let it expire later, or not at all.")
            : expiresAt;
    }

    /// <exception cref="ApiProblem">400: it cannot be asked so, and a dry run says that too.</exception>
    internal static PlannedOperation Planned(FleetUser user, OperationRequest request, BuiltCommand command, TimeProvider time)
    {
        _ = Expiry(request, time);
        return PlannedOperation.Of(user, request.Target, command, request.Force ?? false) with { Pace = OperationPaces.Read(request.Pace, command.RequestType, time)?.Write() };
    }

    /// <summary>The number of iPads that a caller expects, checked.</summary>
    internal static long? Expected(long? number) =>
        number is < 0 ? throw ApiProblem.Field("expected", $"It must be a number of iPads, but is {number}.") : number;

    /// <summary>Starts an operation that is checked.</summary>
    /// <param name="confirmed">What a person was told before; null: nothing.</param>
    /// <exception cref="ApiProblem">Nothing was started.</exception>
    internal static async Task<OperationStarted> Begin(
        OperationOrder operation, PlannedOperation planned, Confirmation? confirmed, IReadOnlyList<CommandWarning> warnings, HttpContext context, IGrainFactory grains, TimeProvider time)
    {
        var grain = grains.GetGrain<IOperationGrain>((confirmed?.OperationId ?? RequestIds.NewOrderedGuid(context, "operation", time)).ToString("D"));
        var accepted = await (operation.Target.Schools is not null ? grain.StartInSchools(operation)
            : operation.Pace is not null || operation.Target.FailedOf is not null ? grain.StartPaced(operation)
            : operation.Profile is not null ? grain.StartProfile(operation)
            : operation.Target.Filter?.Expression is null ? grain.Start(operation) : grain.StartFiltered(operation));
        var order = operation.Command;
        if (accepted.Refused) throw Refusal(planned, operation.Expected, accepted.Total, accepted.Reasons, mustConfirm: operation.MustBeExpected && confirmed is null, confirmed?.Count);
        return new OperationStarted
        {
            Id = accepted.Id,
            CommandUuid = order.CommandUuid,
            RequestType = order.RequestType,
            Total = accepted.Total,
            AcceptedAt = accepted.AcceptedAt,
            UnknownIds = accepted.UnknownIds,
            LeftOut = LeftOutView.Of(accepted.LeftOut, accepted.Reasons),
            Warnings = warnings,
        };
    }

    /// <param name="expected">How many were expected; null: nobody said.</param>
    /// <param name="reasons">Why others would not get it.</param>
    /// <param name="mustConfirm">It needs a confirmation that it lacks.</param>
    /// <param name="confirmed">How many were told; null: there was no confirmation.</param>
    internal static ApiProblem Refusal(
        PlannedOperation planned, long? expected, long found, IReadOnlyList<LeftOutReason>? reasons, bool mustConfirm, long? confirmed = null)
    {
        var requestType = planned.Command.RequestType;
        if (found == 0 && reasons is { Count: > 0 })
        {
            return new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.DoesNotFit, "The command fits none of these iPads",
                $"{string.Join(' ', reasons.Select(reason => reason.Reason))} Nothing was started. If what is known of the iPads is old, send \"force\": true.")
            {
                Errors = new Dictionary<string, string[]> { ["target"] = [.. reasons.Select(reason => reason.Reason)] },
                More = new Dictionary<string, object> { ["reasons"] = reasons.Select(reason => new LeftOutReasonView(reason.Code, reason.Reason, reason.Devices)).ToArray() },
            };
        }

        if (found == 0)
        {
            return new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.EmptyTarget, "The target is no iPad", !planned.IsNamed
                ? "No enrolled iPad matches the target. Nothing was started."
                : "None of these ids is an enrolled iPad. Nothing was started.")
            {
                Errors = new Dictionary<string, string[]> { ["target"] = ["No enrolled iPad matches it."] },
            };
        }

        var iPads = DeviceOrders.IPads(found);
        if (mustConfirm && found > 1)
        {
            return new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.NotConfirmed, "It must be confirmed",
                $"{requestType} takes something away that cannot be brought back, and the target is {iPads}. Nothing was started. " +
                $"{planned.DryRun}, look at the answer, and send the request with its \"confirmation\".")
            {
                Errors = new Dictionary<string, string[]> { ["confirmation"] = ["It is required: send what the dry run returned."] },
                Found = found,
            };
        }

        var said = confirmed is { } told
            ? $"{DeviceOrders.IPads(told)} {(told == 1 ? "was" : "were")} confirmed, and the target is {iPads} by now."
            : expected is { } number
            ? $"The target is {iPads}, but {Words.Number(number)} {(number == 1 ? "was" : "were")} expected."
            : $"{requestType} takes something away that cannot be brought back, and the target is {iPads}. If these are the iPads that you mean, send \"expected\": {found}.";
        var field = confirmed is null ? "expected" : "confirmation";
        return new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.NotAsExpected, "The number of iPads has changed", $"{said} Nothing was started.")
        {
            Errors = new Dictionary<string, string[]> { [field] = [said] },
            Found = found,
            More = confirmed is { } count ? new Dictionary<string, object> { ["confirmed"] = count } : null,
        };
    }

    /// <summary>List operations, newest first</summary>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<OperationSummary>>> List(
        IOperationStore store, HttpContext context, [FromQuery] string? after = null, [FromQuery] string? limit = null)
    {
        var most = Page.Limit(limit);
        var scope = FleetUser.Of(context).Scope;
        if (after is not null && (Text.Uuid(after) is not { } cursor || await store.Find(scope, cursor.ToString("D")) is null))
            throw ApiProblem.InvalidCursor();

        var rows = await store.List(scope, after?.ToLowerInvariant(), most + 1);
        return TypedResults.Ok(Page.Of(rows, most, OperationSummary.Of, row => row.Id));
    }

    /// <summary>One operation with its counts</summary>
    public static async Task<Ok<OperationView>> Get(string id, IGrainFactory grains, OperationSteering steering) =>
        TypedResults.Ok(await steering.WithRetries(OperationView.Of(await Grain(grains, id).Describe() ?? throw NotFound())));

    /// <summary>The iPads of an operation, by id, and what became of its command on each</summary>
    /// <param name="id">Of the operation.</param>
    /// <param name="status">queued, notNow, acknowledged, failed or ended: those that the operation's count of this name counts. notBegun or skipped: those of its pace.</param>
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
            throw ApiProblem.InvalidCursor();
        var rows = await store.ListDevices(id, part, after, limit + 1);
        return Page.Of(rows, limit, OperationDeviceView.Of, row => row.EnrolmentId);
    }

    /// <summary>The iPads that were left out of an operation, by id, and why</summary>
    /// <remarks>They would have refused its command, by what was known of them when it started. Who they were is kept as long as the history.</remarks>
    /// <param name="id">Of the operation.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<LeftOutDeviceView>>> LeftOut(
        string id, IGrainFactory grains, IOperationStore store, [FromQuery] string? after = null, [FromQuery] string? limit = null)
    {
        var operation = await Grain(grains, id).Describe() ?? throw NotFound();
        return TypedResults.Ok(await PageOfLeftOut(store, operation, after, Page.Limit(limit)));
    }

    internal static async Task<Page<LeftOutDeviceView>> PageOfLeftOut(IOperationStore store, OperationDescription operation, string? after, int limit)
    {
        if (after is not null && Text.EnrolmentId(after) is null)
            throw ApiProblem.InvalidCursor();
        var rows = operation.LeftOut == 0 ? [] : await store.ListLeftOut(operation.Id, after, limit + 1);
        return Page.Of(rows, limit, row => LeftOutDeviceView.Of(row, operation.LeftOutReasons ?? []), row => row.EnrolmentId);
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

    /// <param name="parts">What a target may have.</param>
    internal static OperationTarget Target(OperationTargetRequest target, string parts = "all, ids and filter")
    {
        var named = (target.All is not null ? 1 : 0) + (target.Ids is not null ? 1 : 0) + (target.Filter is not null ? 1 : 0);
        if (named != 1) throw ApiProblem.Field("target", $"It must have exactly one of {parts}.");
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
