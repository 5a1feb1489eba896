using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Operations;

/// <summary>Tries what failed again.</summary>
public sealed record OperationRetryRequest
{
    /// <summary>For how many iPads it must be, or it is not started. Commands that take something away need it.</summary>
    public long? Expected { get; init; }
}

/// <summary>Holds an operation, lets it go on, and tries what failed again.</summary>
internal sealed class OperationSteering(IOperationStore store, IOperationPaceStore paces, IDeviceStore bodies, IGrainFactory grains, TimeProvider time)
{
    private const int MostRetries = 10;

    public static void MapRest(RouteGroupBuilder operations)
    {
        operations.MapPost("/{id}/pause", PauseOne).Needs(Rights.OperationStart).Idempotent().Audit(AuditVerbs.OperationPause, AuditTargets.Operation, AuditPlace.WithTheChange).Fails(404, 409);
        operations.MapPost("/{id}/go-on", GoOnOne).Needs(Rights.OperationStart).Idempotent().Audit(AuditVerbs.OperationGoOn, AuditTargets.Operation, AuditPlace.WithTheChange).Fails(404, 409);
        operations.MapPost("/{id}/retry", RetryOne).Needs(Rights.OperationStart).Idempotent().Audit(AuditVerbs.OperationStart, AuditTargets.Operation, AuditPlace.WithTheChange)
            .Takes<OperationRetryRequest>().Fails(400, 404, 409, 413, 415, 422);
    }

    /// <summary>Pause an operation</summary>
    /// <remarks>Nothing more begins until it goes on. iPads that have begun keep their command. 409: it began on all at once, or nothing more begins.</remarks>
    public static async Task<Ok<OperationView>> PauseOne(string id, OperationSteering steering) => TypedResults.Ok(OperationView.Of(await steering.Pause(id)));

    /// <summary>Let an operation go on</summary>
    /// <remarks>One that stopped by itself goes on with the next wave: whoever says so accepts the failures. 409: it is not paused.</remarks>
    public static async Task<Ok<OperationView>> GoOnOne(string id, HttpContext context, OperationSteering steering) => TypedResults.Ok(OperationView.Of(await steering.GoOn(context, id)));

    /// <summary>Try the failed again</summary>
    /// <remarks>Starts another operation with the same command, for exactly those on which this one failed and that are still enrolled. It keeps the window and the limits of
    /// the first, and begins in one wave. 409: the number is not as expected. 422: none failed.</remarks>
    public static async Task<Accepted<OperationStarted>> RetryOne(string id, HttpContext context, OperationSteering steering)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.OperationRetryRequest);
        var started = await steering.Retry(context, id, request.Expected);
        return TypedResults.Accepted($"/api/v1/operations/{started.Id}", started);
    }

    /// <exception cref="ApiProblem">404, 409.</exception>
    public async Task<OperationDescription> Pause(string id)
    {
        var grain = OperationEndpoints.Grain(grains, id);
        if (await grain.Describe() is null) throw OperationEndpoints.NotFound();
        if (!await grain.Pause())
        {
            throw ApiProblem.Conflict(ProblemCodes.OperationFinished, "It cannot be paused",
                "Every iPad of the operation has begun, or it was cancelled. To stop what iPads have not fetched yet, cancel the operation.");
        }

        return (await grain.Describe())!;
    }

    /// <exception cref="ApiProblem">403, 404, 409.</exception>
    public async Task<OperationDescription> GoOn(HttpContext context, string id)
    {
        var grain = OperationEndpoints.Grain(grains, id);
        var operation = await grain.Describe() ?? throw OperationEndpoints.NotFound();
        // It sends the command to those that have not begun.
        CommandRights.Require(context, operation.RequestType);
        return await grain.GoOn()
            ? (await grain.Describe())!
            : throw ApiProblem.Conflict(ProblemCodes.OperationFinished, "It cannot go on", "Every iPad of the operation has begun, or it was cancelled.");
    }

    /// <summary>For how many it would be.</summary>
    public Task<long> CountFailures(FleetUser reader, OperationView operation) => operation.Failed == 0 ? Task.FromResult(0L) : store.CountFailures(reader.Scope, operation.Id);

    public async Task<OperationView> WithRetries(OperationView operation) =>
        operation.Failed == 0 ? operation : operation with { Retries = [.. (await paces.ListRetries(operation.Id, MostRetries)).Select(row => row.Id)] };

    /// <exception cref="ApiProblem">Nothing was started.</exception>
    public async Task<OperationStarted> Retry(HttpContext context, string id, long? expected)
    {
        if (Text.Uuid(id) is not { } uuid || await store.Find(FleetUser.Of(context).Scope, uuid.ToString("D")) is not { } operation) throw OperationEndpoints.NotFound();
        CommandRights.Require(context, operation.RequestType);
        if (await bodies.LoadBody(operation.BodyHash) is not { } fragment)
            throw ApiProblem.Conflict(ProblemCodes.OperationFinished, "The command is no longer kept", "Start a new operation instead.");
        // Whether it would fit was asked before it was sent the first time.
        // A profile of the library with variables is no command that the catalogue knows.
        var command = new BuiltCommand(operation.RequestType, fragment, CommandCatalogue.IsDestructive(operation.RequestType));
        var failed = await store.CountFailures(operation.Scope, operation.Id);
        if (failed == 0)
        {
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.EmptyTarget, "Nothing failed",
                "No iPad that is enrolled answered an error to this operation. Nothing was started.");
        }

        OperationEndpoints.Expected(expected);
        if (expected is { } number && number != failed)
        {
            var said = $"It failed on {DeviceOrders.IPads(failed)}, but {number} were expected.";
            throw new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.NotAsExpected, "The number of iPads has changed", $"{said} Nothing was started.")
            {
                Errors = new Dictionary<string, string[]> { ["expected"] = [said] },
                Found = failed,
            };
        }

        if (command.Destructive && expected is null)
        {
            throw new ApiProblem(StatusCodes.Status409Conflict, ProblemCodes.NotConfirmed, "It must be confirmed",
                $"{command.RequestType} takes something away that cannot be brought back, and it failed on {DeviceOrders.IPads(failed)}. Nothing was started. Send \"expected\": {failed}.")
            {
                Errors = new Dictionary<string, string[]> { ["expected"] = ["It is required: the number of iPads."] },
                Found = failed,
            };
        }

        var target = OperationTargetView.Read(operation.Asked);
        var asked = new OperationTargetView { FailedOf = operation.Id, Profile = target?.Profile };
        var profile = await store.FindProfile(operation.Id);
        var planned = new PlannedOperation(operation.Id, new OperationTarget { FailedOf = operation.Id, Schools = operation.Scope.SchoolIds }, command, Force: true);
        return await OperationEndpoints.Begin(
            new OperationOrder
            {
                Target = planned.Target,
                Command = new CommandOrder
                {
                    CommandUuid = RequestIds.NewCommandUuid(context, time),
                    RequestType = command.RequestType,
                    Command = fragment,
                    Force = true,
                    Requirements = CommandFit.ToGrain([]),
                },
                RequestedBy = FleetUser.Of(context).Name,
                Asked = OperationTargetView.Write(asked, ids: null),
                Expected = expected,
                MustBeExpected = command.Destructive,
                Profile = profile is null ? null : new ProfileSending
                {
                    ProfileId = profile.ProfileId,
                    Version = profile.Version,
                    Remove = profile.Remove,
                    Words = target?.Profile ?? profile.ProfileId,
                },
                Pace = OperationPaces.OfRetry(operation.Pace)?.Write(),
            },
            planned, confirmed: null, [], context, grains, time);
    }
}
