using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Commands;

/// <summary><c>/api/v1/devices/{id}/commands</c>.</summary>
internal static class CommandEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var commands = api.MapGroup("/devices/{id}/commands").Needs(Rights.DeviceRead).WithTags("Commands");
        commands.MapPost("", Send).NeedsOneOf(Rights.AnyCommand).Idempotent().Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange)
            .TakesCommand().WithQuery("expiresAt", "expiresInHours", "push", "raw", "force")
            .Fails(400, 404, 409, 413, 415, 422);
        commands.MapGet("", List).WithQuery("after", "limit").Fails(400, 404);
        commands.MapGet("/{uuid}", Get).WithQuery("reason").Produces<CommandView>(200, RequestBody.Json, RequestBody.Xml).Fails(400, 404);
        commands.MapDelete("/{uuid}", Cancel).NeedsOneOf(Rights.AnyCommand).Audit(AuditVerbs.CommandCancel, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404, 409);
    }

    /// <summary>Send a command to an iPad</summary>
    /// <remarks>
    /// When it is answered 202 the command is durable; the iPad is woken, and gets it in the order of acceptance. A JSON body takes
    /// every command of iPadOS (<c>GET /api/v1/command-types</c>), its keys being Apple's in camel case; a property list is sent
    /// with <c>Content-Type: application/xml</c>. A key that is not known is sent as it is, and named in <c>warnings</c>. A <c>.mobileconfig</c> file is installed when it is sent as it is, with
    /// <c>Content-Type: application/x-apple-aspen-config</c>; it may be signed (DER, PEM, S/MIME). 422: Apple documents no such command
    /// for iPads, or iPads would refuse the profile. 422 <c>does-not-fit</c>: by what is known of it, this iPad would refuse the command (not supervised, its iPadOS too old, the
    /// access right not granted, a payload in its profile that needs supervision, …); <c>reasons</c> has all of them, and nothing was queued. Send <c>"force": true</c> in the command where what is known may be old. 409: the iPad is not enrolled. 429: its queue is full.
    /// </remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="expiresAt">From when on it is not delivered any more.</param>
    /// <param name="expiresInHours">The same, 1 to 8760 hours from now.</param>
    /// <param name="push">false: do not wake the iPad; it gets the command when it next comes.</param>
    /// <param name="raw">true: take a property list as it is: any RequestType, keys and values, and any profile.</param>
    /// <param name="force">true: queue it even if this iPad would refuse it, by what is known of it. In JSON also as a member of the command.</param>
    public static async Task<Accepted<CommandAccepted>> Send(
        string id, HttpContext context, DeviceLookup lookup, CommandLog log, TimeProvider time,
        [FromQuery] string? expiresAt = null, [FromQuery] string? expiresInHours = null, [FromQuery] string? push = null, [FromQuery] string? raw = null,
        [FromQuery] string? force = null)
    {
        var (command, forced) = await CommandReader.ReadAsync(context, Text.Flag("raw", raw) ?? false);
        forced |= Text.Flag("force", force) ?? false;
        var expires = CommandExpiry.Read(Text.Time("expiresAt", expiresAt), CommandExpiry.Hours(expiresInHours), time.GetUtcNow());
        var accepted = await Enqueue(id, context, command, expires, Text.Flag("push", push) ?? true, lookup, log, forced);
        return TypedResults.Accepted($"/api/v1/devices/{Uri.EscapeDataString(id)}/commands/{accepted.CommandUuid}", accepted);
    }

    /// <summary>Queues a command for one iPad.</summary>
    /// <param name="force">Even if the iPad would refuse it, by what is known of it.</param>
    /// <exception cref="ApiProblem">403, 404, 409, 422 or 429: nothing was queued.</exception>
    internal static async Task<CommandAccepted> Enqueue(
        string id, HttpContext context, BuiltCommand command, DateTimeOffset? expires, bool push, DeviceLookup lookup, CommandLog log, bool force = false)
    {
        AuditTrail.About(context, command.RequestType);
        CommandRights.Require(context, command.RequestType);
        return await Queue(id, context, command, expires, push, lookup, log, force);
    }

    /// <summary>The same, for who may send this command to this iPad by another right: it was asked for already.</summary>
    /// <exception cref="ApiProblem">404, 409, 422 or 429: nothing was queued.</exception>
    internal static async Task<CommandAccepted> Queue(
        string id, HttpContext context, BuiltCommand command, DateTimeOffset? expires, bool push, DeviceLookup lookup, CommandLog log, bool force = false)
    {
        AuditTrail.About(context, command.RequestType);
        if (command.CommandUuid is { } own && (RefreshQuestions.IsReserved(own) || PlanCommands.IsReserved(own) || ExamCommands.IsReserved(own) || HoldCommands.IsReserved(own) || DeclarationCommands.IsReserved(own)))
        {
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.CommandUuidReserved, "The CommandUUID is reserved",
                "CommandUUIDs that begin with F1EE7000- to F1EE7008- are those of the server's own commands. Nothing was queued; leave CommandUUID out, or make a new one.")
            {
                Errors = new Dictionary<string, string[]> { ["CommandUUID"] = ["It must not begin with F1EE7000- to F1EE7008-."] },
            };
        }

        await lookup.Apps.NoteUse(command);
        var order = new CommandOrder
        {
            CommandUuid = command.CommandUuid ?? RequestIds.NewCommandUuid(context, lookup.Time),
            RequestType = command.RequestType,
            Command = command.Fragment,
            ExpiresAt = expires,
            Push = push,
            Force = force,
            Requirements = CommandFit.ToGrain(command.Requirements),
        };

        var result = await MovedGrain.Call(() => lookup.Grain(id).Enqueue(order), lookup.Time);
        var acceptedAt = result.AcceptedAt;
        switch (result.Outcome)
        {
            case EnqueueOutcome.Accepted:
                break;

            case EnqueueOutcome.AlreadyAccepted:
                // The same command again is fine; another one under the same CommandUUID was not queued, and must not look so.
                if (await log.FindStanding(id, order.CommandUuid) is not { } standing) break;
                acceptedAt = standing.AcceptedAt;
                if (log.IsSame(standing, order.Command)) break;
                throw ApiProblem.Conflict(ProblemCodes.CommandUuidTaken, "The CommandUUID is taken",
                    "This iPad has another command with this CommandUUID. Nothing was queued; leave CommandUUID out, or make a new one.");

            case EnqueueOutcome.Unfit:
                throw CommandFit.Problem(result.Misfits ?? []);

            case EnqueueOutcome.NotEnrolled:
                throw ApiProblem.Conflict(ProblemCodes.NotEnrolled, "The iPad is not enrolled",
                    "The iPad left or was removed: no command can reach it before it enrols again.");

            case EnqueueOutcome.QueueFull:
                throw new ApiProblem(StatusCodes.Status429TooManyRequests, ProblemCodes.QueueFull, "The iPad's queue is full",
                    "As many commands wait for this iPad as may. Cancel some, or wait until it has come.")
                {
                    RetryAfter = 60,
                };

            default:
                throw DeviceLookup.NotFound();
        }

        return new CommandAccepted
        {
            CommandUuid = order.CommandUuid,
            RequestType = order.RequestType,
            AcceptedAt = acceptedAt,
            ExpiresAt = expires,
            Warnings = command.Ignored.Count == 0
                ? CommandReader.Warnings(command)
                : [.. CommandReader.Warnings(command), .. CommandFit.Ignored(command, await lookup.Row(id))],
        };
    }

    /// <summary>List an iPad's commands, newest first, those that wait included</summary>
    /// <param name="id">Of the iPad.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<CommandSummary>>> List(
        string id, CommandLog log, [FromQuery] string? after = null, [FromQuery] string? limit = null)
    {
        var page = await log.List(id, after, Page.Limit(limit));
        return TypedResults.Ok(new Page<CommandSummary>(page.Items, page.Next));
    }

    /// <summary>One command with the iPad's answer</summary>
    /// <remarks>With <c>Accept: application/xml</c> the answer is the property list that the iPad sent. Secrets in the answer are shown to those
    /// who have the right <c>secret.read</c> and say why. Each look is recorded with the reason.</remarks>
    /// <param name="id">Of the iPad.</param>
    /// <param name="uuid">Of the command.</param>
    /// <param name="reason">Why you look at secrets in it. The header Audit-Reason does as well.</param>
    public static async Task<IResult> Get(string id, string uuid, HttpContext context, DeviceLookup lookup, CommandLog log, [FromQuery] string? reason = null)
    {
        await lookup.Row(id);
        var (view, answer) = await log.Find(context, id, CommandUuid(uuid), reason) ?? throw NotFound();
        if (!context.Request.Headers.Accept.ToString().Contains(RequestBody.Xml, StringComparison.OrdinalIgnoreCase)) return TypedResults.Ok(view);

        if (view.ReasonNeeded) _ = AuditReason.Required(context, reason);
        if (view.SecretsHidden)
        {
            throw new ApiProblem(StatusCodes.Status403Forbidden, ProblemCodes.NotAllowed, "The answer holds secrets",
                "Your token may not see secrets. As JSON the rest of the answer is shown.");
        }

        return answer is null
            ? throw ApiProblem.NotFound("The iPad has not answered this command.")
            : TypedResults.Bytes(answer, RequestBody.Xml);
    }

    /// <summary>Cancel a command that the iPad does not have yet</summary>
    /// <remarks>For those who may send it.</remarks>
    public static async Task<NoContent> Cancel(string id, string uuid, HttpContext context, DeviceLookup lookup, CommandLog log)
    {
        await CancelCommand(context, lookup, log, id, uuid);
        return TypedResults.NoContent();
    }

    /// <exception cref="ApiProblem">403: they may not send it, either; 404; 409 when it is too late.</exception>
    internal static async Task CancelCommand(HttpContext context, DeviceLookup lookup, CommandLog log, string id, string uuid)
    {
        var commandUuid = CommandUuid(uuid);
        if (await log.FindStanding(id, commandUuid) is { } known) CommandRights.Require(context, known.RequestType);
        switch (await lookup.Grain(id).Cancel(commandUuid))
        {
            case CancelOutcome.Cancelled:
                return;
            case CancelOutcome.InFlight:
                throw ApiProblem.Conflict(ProblemCodes.CommandInFlight, "The iPad has it",
                    "The command was delivered and is not answered yet: it may be running.");
            // The grain knows its queue; what left it stands in the history.
            case CancelOutcome.UnknownCommand when await log.FindStanding(id, commandUuid) is { IsFinished: true }:
                throw ApiProblem.Conflict(ProblemCodes.CommandFinished, "It is finished",
                    "The command is finished; there is nothing to cancel.");
            default:
                throw NotFound();
        }
    }

    internal static string CommandUuid(string uuid) => Text.Uuid(uuid)?.ToString("D").ToUpperInvariant() ?? throw NotFound();

    internal static ApiProblem NotFound() => ApiProblem.NotFound("This iPad has no command with this CommandUUID.");
}

/// <summary>Until when a command is worth delivering.</summary>
internal static class CommandExpiry
{
    /// <summary>A year.</summary>
    public const int MostHours = 8760;

    public static int? Hours(string? value) => value is null ? null : Text.Number("expiresInHours", value, 1, MostHours, 0);

    public static DateTimeOffset? Read(DateTimeOffset? at, int? hours, DateTimeOffset now)
    {
        if (at is not null && hours is not null) throw ApiProblem.Field("expiresAt", "Send either expiresInHours or expiresAt.");
        if (hours is { } value) return now.AddHours(Text.Number("expiresInHours", value, 1, MostHours));
        if (at is not { } time) return null;
        return time > now && time <= now.AddHours(MostHours + 24)
            ? time.ToUniversalTime()
            : throw ApiProblem.Field("expiresAt", "It must lie in the future, at most a year from now.");
    }
}
