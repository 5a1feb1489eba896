using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Audit;

/// <summary>Where the record of an endpoint's change is written.</summary>
public enum AuditPlace
{
    /// <summary>By the filter, after the endpoint has done its work; unless the endpoint wrote one itself by <see cref="AuditTrail.Record"/>.</summary>
    Here,
    /// <summary>By the grain or the store, in the transaction of the change.</summary>
    WithTheChange,
}

/// <summary>Endpoint metadata: what is recorded of it. A test reads the route table, and fails for an endpoint that changes something without it.</summary>
public sealed record AuditedMetadata(string Verb, string? TargetKind, AuditPlace Place);

// A request that changes something:
//
//   1. caller      grains that are called for it know who asks (Caller)
//   2. endpoint    does it; the record travels with the change, or is written before it
//   3. after       done, and no record yet: it is written now
//   4. refused     403, 409, 422 and 429 leave a record too; so does what was begun and then failed

internal static class Audited
{
    /// <summary>What this endpoint does is recorded under this verb. After <c>Idempotent()</c>: a replay does nothing.</summary>
    public static RouteHandlerBuilder Audit(
        this RouteHandlerBuilder endpoint, string verb, string? targetKind = null, AuditPlace place = AuditPlace.Here) => endpoint
            .WithMetadata(new AuditedMetadata(verb, targetKind, place))
            .AddEndpointFilter((invocation, next) => Run(invocation, next));

    /// <summary>Of the target, as the path names it; not the id of an invitation, which is a secret.</summary>
    public static string? TargetOf(HttpContext context, AuditedMetadata audited) =>
        audited.TargetKind == AuditTargets.Invitation ? null : context.Request.RouteValues[audited.TargetKind == AuditTargets.Role ? "name" : "id"] as string;

    private static async ValueTask<object?> Run(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        var audited = context.GetEndpoint()!.Metadata.GetRequiredMetadata<AuditedMetadata>();
        var trail = context.RequestServices.GetRequiredService<AuditTrail>();

        // 1
        var entry = trail.Entry(context, audited.Verb, audited.TargetKind, TargetOf(context, audited), context.Request.RouteValues["uuid"] as string);
        if (FleetUser.Find(context.User) is { } user)
            Caller.Current = new Caller(user.TokenId, user.Name, entry.Actor.Address, entry.Reason, user.AccountId is not null, entry.Right);

        object? result;
        try
        {
            // 2
            result = await next(invocation);
        }
        catch (Exception e)
        {
            // 4
            await NotDone(context, trail, entry, e);
            throw;
        }

        if (result is IStatusCodeHttpResult { StatusCode: >= StatusCodes.Status400BadRequest })
        {
            // A page that says what went wrong.
            await Write(trail, (AuditTrail.RecordedFor(context) is { } begun ? Again(trail, context, begun) : entry with { Detail = AuditTrail.WhatOf(context), Right = AuditTrail.RightOf(context) }) with { Result = AuditResult.Refused });
            return result;
        }

        // 3
        if (audited.Place == AuditPlace.Here && AuditTrail.RecordedFor(context) is null) await trail.Write(entry);
        return result;
    }

    private static async Task NotDone(HttpContext context, AuditTrail trail, AuditRecord entry, Exception exception)
    {
        var begun = AuditTrail.RecordedFor(context);
        var refused = exception is ApiProblem
        {
            Status: StatusCodes.Status403Forbidden or StatusCodes.Status409Conflict or StatusCodes.Status422UnprocessableEntity or StatusCodes.Status429TooManyRequests
        };
        if (begun is null && !refused) return;

        var why = exception is ApiProblem problem ? problem.Code : "unavailable";
        var record = begun is not null ? Again(trail, context, begun) : entry with { Detail = AuditTrail.WhatOf(context) is { } what ? $"{what}: {why}" : why, Right = AuditTrail.RightOf(context) };
        await Write(trail, record with { Result = refused ? AuditResult.Refused : AuditResult.Failed });
    }

    /// <summary>A second record of what was begun, later than the first.</summary>
    private static AuditRecord Again(AuditTrail trail, HttpContext context, AuditRecord begun) =>
        trail.Entry(context, begun.Verb, begun.TargetKind, begun.TargetId, begun.Subject, begun.Detail);

    private static async Task Write(AuditTrail trail, AuditRecord record)
    {
        try
        {
            await trail.Write(record);
        }
        catch (Storage.StoreUnavailableException)
        {
            // The caller hears of the failure itself; nothing was changed of which this record would be the only trace.
        }
    }
}
