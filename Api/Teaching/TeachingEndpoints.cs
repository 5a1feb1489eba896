using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

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
        teach.MapGet("/{id}/apps", Apps).WithQuery("q").Fails(404);
        teach.MapPost("/{id}/lock", Lock).Takes<LessonLockRequest>().Idempotent().Audit(AuditVerbs.LessonLock, AuditTargets.Class, AuditPlace.WithTheChange)
            .Produces<LessonDoneView>(200).Fails(400, 404, 409, 413, 415);
        teach.MapPost("/{id}/release", Release).Idempotent().Audit(AuditVerbs.LessonRelease, AuditTargets.Class, AuditPlace.WithTheChange).Fails(404);
        teach.MapPost("/{id}/attention", Attention).Idempotent().Audit(AuditVerbs.LessonAttention, AuditTargets.Class).Fails(404, 409);
        teach.MapPost("/{class}/devices/{id}/lock", LockOne).Takes<LessonLockRequest>().Idempotent().Audit(AuditVerbs.LessonLock, AuditTargets.Class, AuditPlace.WithTheChange)
            .Produces<LessonDoneView>(200).Fails(400, 404, 409, 413, 415);
        teach.MapPost("/{class}/devices/{id}/release", ReleaseOne).Idempotent().Audit(AuditVerbs.LessonRelease, AuditTargets.Class, AuditPlace.WithTheChange).Fails(404);
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

    /// <summary>The apps that a class can be locked into</summary>
    /// <remarks>What the iPads of its pupils told that they have.</remarks>
    /// <param name="q">A part of the name or the identifier, in whatever case.</param>
    public static async Task<Ok<TaughtAppsView>> Apps(string id, HttpContext context, TeachingService service, [FromQuery] string? q = null) =>
        TypedResults.Ok(await service.Apps(context, id, q));

    /// <summary>Lock the class into an app</summary>
    /// <remarks>Supervised iPads that pupils of the class have now. They are released by themselves at the end: after <c>minutes</c>, or when the school closes. Sent again while it runs, it puts in
    /// those that are not locked, and changes nothing else. An exam of a technician comes first. 409: it is no lesson, no iPad has the app, the class is locked into another app
    /// (<c>lesson-running</c>), or an exam has all of its iPads (<c>exam-holds</c>). 429: 100 in 24 hours.</remarks>
    public static async Task<Ok<LessonDoneView>> Lock(string id, HttpContext context, TeachingService service) =>
        TypedResults.Ok(await service.Lock(context, id, null, await RequestBody.ReadJsonAsync(context, AdminJson.Default.LessonLockRequest)));

    /// <summary>Lock the iPad of one pupil into an app</summary>
    /// <remarks>As the class is. While the class is locked: only into the same app.</remarks>
    public static async Task<Ok<LessonDoneView>> LockOne(string @class, string id, HttpContext context, TeachingService service) =>
        TypedResults.Ok(await service.Lock(context, @class, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.LessonLockRequest)));

    /// <summary>Release the class</summary>
    /// <remarks>At whatever time, whoever locked it. From the answer on no lock is sent any more. The iPads are woken until each has said that it is released.</remarks>
    public static async Task<Ok<LessonDoneView>> Release(string id, HttpContext context, TeachingService service) => TypedResults.Ok(await service.Release(context, id, null));

    /// <summary>Release one iPad</summary>
    /// <remarks>At whatever time, whoever has the iPad now. 404: this class has not locked it, and no pupil of it has it.</remarks>
    public static async Task<Ok<LessonDoneView>> ReleaseOne(string @class, string id, HttpContext context, TeachingService service) =>
        TypedResults.Ok(await service.Release(context, @class, id));

    /// <summary>Ask for attention</summary>
    /// <remarks>The screens of the class turn off once, with a line that asks to listen. Nobody is held. iPads that are locked into an app are left out. 409: it is no lesson, or none of the
    /// iPads can. 429: half a minute has not passed since the last time.</remarks>
    public static async Task<Ok<LessonDoneView>> Attention(string id, HttpContext context, TeachingService service) => TypedResults.Ok(await service.Attention(context, id));

    /// <summary>Clear the passcode of a pupil's iPad</summary>
    /// <remarks>404: the iPad is of another class. 409: it is no lesson, or its passcode cannot be cleared from here. The iPad gets it within the hour, or not at all. 429: 100 in 24
    /// hours.</remarks>
    public static async Task<NoContent> ClearPasscode(string @class, string id, HttpContext context, TeachingService service)
    {
        await service.ClearPasscode(context, @class, id);
        return TypedResults.NoContent();
    }
}
