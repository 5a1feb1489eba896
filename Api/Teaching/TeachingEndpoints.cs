using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Teaching;

/// <summary><c>/api/v1/teach</c>.</summary>
internal static class TeachingEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var teach = api.MapGroup("/teach/classes").Needs(Rights.ClassTeach).WithinSchools().WithTags("Teaching");
        teach.MapGet("", List).Fails(404);
        teach.MapGet("/{id}", Get).Fails(404);
        teach.MapPost("/{id}/look", Look).Idempotent().Audit(AuditVerbs.DevicePush, AuditTargets.Class).Fails(404, 409);
        teach.MapPost("/{class}/devices/{id}/clear-passcode", ClearPasscode).Idempotent().Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange).Fails(404, 409, 422);
    }

    /// <summary>The classes that one teaches</summary>
    /// <remarks>Of the person whom the account is linked to. 404: it is linked to nobody, or to somebody who has left.</remarks>
    public static async Task<Ok<TaughtClassesView>> List(HttpContext context, TeachingService service) => TypedResults.Ok(await service.List(context));

    /// <summary>One class, with its pupils and their iPads</summary>
    /// <remarks>404: one does not teach it, or it has ended.</remarks>
    public static async Task<Ok<TaughtClassDetailView>> Get(string id, HttpContext context, TeachingService service) => TypedResults.Ok(await service.Get(context, id));

    /// <summary>See who is here</summary>
    /// <remarks>Wakes the iPads of the class. Those that are on are seen within a minute. 409: it is no lesson. 429: half a minute has not passed since the last time.</remarks>
    public static async Task<Ok<TaughtClassDetailView>> Look(string id, HttpContext context, TeachingService service)
    {
        await service.Look(context, id);
        return TypedResults.Ok(await service.Get(context, id));
    }

    /// <summary>Clear the passcode of a pupil's iPad</summary>
    /// <remarks>404: the iPad is of another class. 409: it is no lesson, or its passcode cannot be cleared from here. The iPad gets it within the hour, or not at all. 429: 100 in 24
    /// hours.</remarks>
    public static async Task<NoContent> ClearPasscode(string @class, string id, HttpContext context, TeachingService service)
    {
        await service.ClearPasscode(context, @class, id);
        return TypedResults.NoContent();
    }
}
