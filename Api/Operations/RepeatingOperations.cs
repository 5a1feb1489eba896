using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Operations;

/// <summary>Operations that are started again and again: <c>/api/v1/repeating-operations</c>. The runs are started by <c>RepeatSweep</c>.</summary>
internal sealed class RepeatingOperations(IRepeatStore store, IDeviceStore bodies, OperationPlans plans, AuditTrail trail, IOptions<OperationOptions> options, TimeProvider time)
{
    private const int ShownRuns = 20;
    private const int MostHours = 8760;

    public static void MapRest(RouteGroupBuilder api)
    {
        var repeating = api.MapGroup("/repeating-operations").Needs(Rights.OperationRead).WithTags("Operations");
        repeating.MapPost("", Add).Needs(Rights.OperationStart).Idempotent().Audit(AuditVerbs.RepeatingCreate, AuditTargets.Repeating, AuditPlace.WithTheChange)
            .Takes<RepeatingRequest>(BodyLimit.Command).Fails(400, 409, 413, 415, 422);
        repeating.MapGet("", ListAll).WithQuery("after", "limit").Fails(400);
        repeating.MapGet("/{id}", GetOne).Fails(404);
        repeating.MapPost("/{id}/pause", PauseOne).Needs(Rights.OperationStart).Idempotent().Audit(AuditVerbs.RepeatingPause, AuditTargets.Repeating, AuditPlace.WithTheChange).Fails(404, 409);
        repeating.MapPost("/{id}/go-on", GoOnOne).Needs(Rights.OperationStart).Idempotent().Audit(AuditVerbs.RepeatingGoOn, AuditTargets.Repeating, AuditPlace.WithTheChange).Fails(404, 409);
        repeating.MapDelete("/{id}", EndOne).Needs(Rights.OperationStart).Audit(AuditVerbs.RepeatingEnd, AuditTargets.Repeating, AuditPlace.WithTheChange).Fails(404);
    }

    /// <summary>Repeat an operation</summary>
    /// <remarks>It is started on the given days at the given time, each time for the iPads that the target finds then. Each run is an operation of its own
    /// (<c>repeatId</c>). Runs that were missed are one run, late. Commands that take something away cannot be repeated. 409: there are 500.</remarks>
    public static async Task<Created<RepeatingView>> Add(HttpContext context, RepeatingOperations service)
    {
        var made = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.RepeatingRequest));
        return TypedResults.Created($"/api/v1/repeating-operations/{made.Id}", made);
    }

    /// <summary>List repeating operations, oldest first</summary>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<RepeatingView>>> ListAll(RepeatingOperations service, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(after, Page.Limit(limit)));

    /// <summary>One repeating operation, with its last runs</summary>
    public static async Task<Ok<RepeatingView>> GetOne(string id, RepeatingOperations service) => TypedResults.Ok(await service.Get(id));

    /// <summary>Pause a repeating operation</summary>
    /// <remarks>Runs that have started go on. 409: it has ended.</remarks>
    public static async Task<Ok<RepeatingView>> PauseOne(string id, HttpContext context, RepeatingOperations service) => TypedResults.Ok(await service.Pause(context, id));

    /// <summary>Let a repeating operation go on</summary>
    /// <remarks>With its next day and time: what it missed meanwhile is not made up for. 409: it has ended.</remarks>
    public static async Task<Ok<RepeatingView>> GoOnOne(string id, HttpContext context, RepeatingOperations service) => TypedResults.Ok(await service.GoOn(context, id));

    /// <summary>End a repeating operation</summary>
    /// <remarks>It never runs again, and stays in the list. Runs that have started go on.</remarks>
    public static async Task<Ok<RepeatingView>> EndOne(string id, HttpContext context, RepeatingOperations service) => TypedResults.Ok(await service.End(context, id));

    /// <exception cref="ApiProblem">Nothing was stored.</exception>
    public async Task<RepeatingView> Create(HttpContext context, RepeatingRequest request) =>
        await Create(context, request, CommandReader.FromJson(await plans.Apps.Resolve(request.Command, "command"), "command"));

    /// <exception cref="ApiProblem">Nothing was stored.</exception>
    public async Task<RepeatingView> Create(HttpContext context, RepeatingRequest request, BuiltCommand command)
    {
        CommandRights.Require(context, command.RequestType);
        if (!FleetUser.Of(context).IsOfDistrict)
        {
            throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NeedsDistrict, "For the whole district only",
                "Your rights are for some schools only. Only rights for the whole district let an operation start again and again. Start it once.");
        }

        Check(request, command);
        var planned = PlannedOperation.Of(FleetUser.Of(context), request.Target, command, request.Force ?? false);
        await plans.Confirm(context, planned, confirmation: null, expected: null);
        var days = Days(request.Days);
        var at = At(request.At);
        var zone = request.TimeZone is { } named ? TimeZones.Read("timeZone", named) : options.Value.Zone();
        var now = time.GetUtcNow();
        await plans.Apps.NoteUse(command);
        var row = new RepeatingOperation
        {
            Id = RequestIds.NewOrderedGuid(context, "repeating", time).ToString("D"),
            Name = Text.Required("name", request.Name).Trim(),
            RequestType = command.RequestType,
            BodyHash = await bodies.StoreBody(command.Fragment),
            Target = JsonSerializer.Serialize(planned.Target),
            Asked = OperationTargetView.Write(request.Target),
            Pace = OperationPaces.Read(request.Pace, command.RequestType, time),
            Push = request.Push,
            Force = request.Force ?? false,
            ExpiresHours = request.ExpiresInHours,
            Days = days,
            AtMinutes = at,
            TimeZone = zone.Id,
            State = RepeatState.Running,
            NextAt = WeeklyTime.Next(at, days, zone, now),
            CreatedAt = now,
            CreatedBy = FleetUser.Of(context).Name,
        };
        if (!await store.Create(row, trail.Entry(context, AuditVerbs.RepeatingCreate, AuditTargets.Repeating, row.Id, detail: $"{row.Name}: {row.RequestType}")))
            throw ApiProblem.Conflict(ProblemCodes.TooMany, "There are too many repeating operations", $"There can be {IRepeatStore.Most}. End one first.");
        return RepeatingView.Of(row);
    }

    /// <summary>What can be said before it is stored: the console asks while the form is shown.</summary>
    public static void Check(RepeatingRequest request, BuiltCommand command)
    {
        if (command.Destructive)
            throw ApiProblem.Field("command", $"{command.RequestType} takes something away that cannot be brought back. It cannot be repeated by itself.");
        if (request.Target.Ids is not null)
            throw ApiProblem.Field("target.ids", "It must be a filter, or all: a repeating operation looks anew each time which iPads it is for.");
        if (request.Target.Filter is { } filter && (filter.SeenBefore ?? filter.SeenAfter) is not null)
            throw ApiProblem.Field("target.filter", "A fixed time of the last contact does not move with the runs. Write it as a condition, as in lastSeen>7d.");
        if (request.Pace?.StartAt is not null) throw ApiProblem.Field("pace.startAt", "Each run starts at its own time. Leave it out.");
        Text.Required("name", request.Name);
        Days(request.Days);
        At(request.At);
        if (request.TimeZone is { } zone) TimeZones.Read("timeZone", zone);
        if (request.ExpiresInHours is { } hours) Text.Number("expiresInHours", hours, 1, MostHours);
    }

    public async Task<Page<RepeatingView>> List(string? after, int limit)
    {
        if (after is not null && Text.Uuid(after) is null) throw ApiProblem.InvalidCursor();
        return Page.Of(await store.List(after?.ToLowerInvariant(), limit + 1), limit, RepeatingView.Of, row => row.Id);
    }

    public async Task<RepeatingView> Get(string id)
    {
        var row = await Row(id);
        return RepeatingView.Of(row) with { Runs = [.. (await store.ListRuns(row.Id, ShownRuns)).Select(OperationSummary.Of)] };
    }

    public async Task<RepeatingView> Pause(HttpContext context, string id) => await Set(context, await Row(id), RepeatState.Paused, null, AuditVerbs.RepeatingPause);

    public async Task<RepeatingView> GoOn(HttpContext context, string id)
    {
        var row = await Row(id);
        CommandRights.Require(context, row.RequestType);
        return await Set(context, row, RepeatState.Running, WeeklyTime.Next(row.AtMinutes, row.Days, TimeZoneInfo.FindSystemTimeZoneById(row.TimeZone), time.GetUtcNow()), AuditVerbs.RepeatingGoOn);
    }

    public async Task<RepeatingView> End(HttpContext context, string id) => await Set(context, await Row(id), RepeatState.Ended, null, AuditVerbs.RepeatingEnd);

    private async Task<RepeatingView> Set(HttpContext context, RepeatingOperation row, RepeatState state, DateTimeOffset? next, string verb)
    {
        if (!await store.Set(row.Id, state, next, trail.Entry(context, verb, AuditTargets.Repeating, row.Id, detail: row.Name)))
            throw ApiProblem.Conflict(ProblemCodes.OperationFinished, "It has ended", "A repeating operation that has ended cannot change. Create a new one.");
        return await Get(row.Id);
    }

    private async Task<RepeatingOperation> Row(string id) =>
        Text.Uuid(id) is { } uuid && await store.Find(uuid.ToString("D")) is { } row ? row : throw ApiProblem.NotFound("There is no repeating operation with this id.");

    private static List<DayOfWeek> Days(IReadOnlyList<string>? asked)
    {
        List<DayOfWeek> days = [.. (asked ?? Enum.GetNames<DayOfWeek>()).Select((day, i) =>
            Text.Name<DayOfWeek>($"days[{i}]", day) ?? throw ApiProblem.Field($"days[{i}]", "It is required.")).Distinct()];
        return days.Count > 0 ? days : throw ApiProblem.Field("days", "It must name at least one day.");
    }

    private static int At(string at) => OperationPaces.Clock("at", at) is < 24 * 60 and var minutes ? minutes : throw ApiProblem.Field("at", "It must be a time as in 17:00.");
}
