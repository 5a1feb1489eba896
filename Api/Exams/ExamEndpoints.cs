using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Exams;

/// <summary><c>/api/v1/exams</c>.</summary>
internal static class ExamEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var exams = api.MapGroup("/exams").Needs(Rights.DeviceRead).WithinSchools().WithTags("Exams");
        exams.MapGet("", List).WithQuery("q", "phase", "lessons", "after", "limit").Fails(400);
        exams.MapPost("", Create).Needs(Rights.ExamChange).Takes<ExamRequest>(BodyLimit.Operation).Idempotent()
            .Audit(AuditVerbs.ExamCreate, AuditTargets.Exam, AuditPlace.WithTheChange)
            .WithQuery("dryRun").Produces<ExamView>(201).Produces<ExamPlanView>(200).Fails(400, 403, 409, 413, 415, 422);
        exams.MapGet("/{id}", Get).Fails(404);
        exams.MapPut("/{id}", Change).Needs(Rights.ExamChange).Takes<ExamRequest>(BodyLimit.Operation)
            .Audit(AuditVerbs.ExamChange, AuditTargets.Exam, AuditPlace.WithTheChange)
            .WithQuery("dryRun").Produces<ExamView>(200).Fails(400, 403, 404, 409, 412, 413, 415, 422, 428);
        exams.MapDelete("/{id}", Delete).Needs(Rights.ExamChange)
            .Audit(AuditVerbs.ExamDelete, AuditTargets.Exam, AuditPlace.WithTheChange).Fails(403, 404, 409, 412);
        exams.MapGet("/{id}/devices", Devices).WithQuery("state", "after", "limit").Fails(400, 404);
        exams.MapPost("/{id}/devices", Add).Needs(Rights.ExamChange).Takes<ExamDevicesRequest>(BodyLimit.Operation).Idempotent()
            .Audit(AuditVerbs.ExamAdd, AuditTargets.Exam, AuditPlace.WithTheChange).Produces<ExamDoneView>(200).Fails(400, 403, 404, 409, 413, 415, 422);
        exams.MapPost("/{id}/release", Release).Needs(Rights.ExamChange).Takes<ExamReleaseRequest>(BodyLimit.Operation).Idempotent()
            .Audit(AuditVerbs.ExamRelease, AuditTargets.Exam, AuditPlace.WithTheChange).Produces<ExamDoneView>(200).Fails(400, 403, 404, 409, 413, 415, 422);
        exams.MapPost("/{id}/prolong", Prolong).Needs(Rights.ExamChange).Takes<ExamProlongRequest>().Idempotent()
            .Audit(AuditVerbs.ExamProlong, AuditTargets.Exam, AuditPlace.WithTheChange).Produces<ExamView>(200).Fails(400, 403, 404, 409, 413, 415, 422);
        api.MapGet("/devices/{id}/exams", Of).Needs(Rights.DeviceRead).WithTags("Exams").Fails(404);
    }

    /// <summary>List exams, the latest first</summary>
    /// <param name="q">Part of the name, in whatever case.</param>
    /// <param name="phase">Only these: coming, running or over.</param>
    /// <param name="lessons">true: the locks of lessons, in place of exams.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ExamView>>> List(
        HttpContext context, ExamService service,
        [FromQuery] string? q = null, [FromQuery] string? phase = null, [FromQuery] string? lessons = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), q, phase, Text.Flag("lessons", lessons) ?? false, after, Page.Limit(limit)));

    /// <summary>Create an exam</summary>
    /// <remarks>When it begins, the iPads that the target finds are locked; which they are does not change any more. When it ends, each is released, and is asked again until it has said that
    /// it is. <c>dryRun</c> answers 200 with whom it would lock, who cannot be locked and why, and changes nothing. 403: the token may not send the command that locks.</remarks>
    /// <param name="dryRun">true: only say what would be done.</param>
    public static async Task<IResult> Create(HttpContext context, ExamService service, [FromQuery] string? dryRun = null)
    {
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ExamRequest);
        if (Text.Flag("dryRun", dryRun) ?? false) return TypedResults.Ok(await service.Plan(context, null, request));
        var exam = await service.Create(context, request);
        EntityTag.Write(context, exam.Version);
        return TypedResults.Created($"/api/v1/exams/{exam.Id}", exam);
    }

    /// <summary>One exam, with how it stands</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<ExamView>> Get(string id, HttpContext context, ExamService service)
    {
        var exam = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, exam.Version);
        return TypedResults.Ok(exam);
    }

    /// <summary>Change an exam that has not begun</summary>
    /// <remarks>As a whole: what is not sent is cleared. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c>. <c>dryRun</c> answers with whom it would lock, needs no
    /// <c>If-Match</c>, and changes nothing. 409: it has begun; prolong it, or release its iPads. 412: somebody else has changed it in between; nothing was saved.</remarks>
    /// <param name="dryRun">true: only say what would be done.</param>
    public static async Task<IResult> Change(string id, HttpContext context, ExamService service, [FromQuery] string? dryRun = null)
    {
        var isDry = Text.Flag("dryRun", dryRun) ?? false;
        var basedOn = isDry ? null : EntityTag.Required(context);
        var request = await RequestBody.ReadJsonAsync(context, AdminJson.Default.ExamRequest);
        if (isDry) return TypedResults.Ok(await service.Plan(context, id, request));
        var exam = await service.Change(context, id, basedOn, request);
        EntityTag.Write(context, exam.Version);
        return TypedResults.Ok(exam);
    }

    /// <summary>Delete an exam</summary>
    /// <remarks>One that has not begun: nothing is locked. One that is over, with all of its iPads released. 409: iPads are still locked; release them first. With <c>If-Match</c>, only if it
    /// still stands as you read it.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, ExamService service)
    {
        await service.Delete(context, id, EntityTag.Optional(context));
        return TypedResults.NoContent();
    }

    /// <summary>The iPads of an exam, and why each is as it is</summary>
    /// <param name="state">Only these: notLocked, notReleased, planned, sent, locked, notPossible, failed, releasing, released, releasedByItself, neverLocked or gone.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<ExamDeviceView>>> Devices(
        string id, HttpContext context, ExamService service, [FromQuery] string? state = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Devices(FleetUser.Of(context), id, state, after, Page.Limit(limit)));

    /// <summary>Add iPads to an exam</summary>
    /// <remarks>While it runs they are locked at once. One that was released is locked again.</remarks>
    public static async Task<Ok<ExamDoneView>> Add(string id, HttpContext context, ExamService service) =>
        TypedResults.Ok(await service.Add(context, id, (await RequestBody.ReadJsonAsync(context, AdminJson.Default.ExamDevicesRequest)).IPads));

    /// <summary>Release iPads of an exam now</summary>
    /// <remarks>Without <c>iPads</c> all of them, and the exam is over. From the answer on no lock is sent to them any more. They are woken at once, and again until each has said that it is
    /// released.</remarks>
    public static async Task<Ok<ExamDoneView>> Release(string id, HttpContext context, ExamService service) =>
        TypedResults.Ok(await service.Release(context, id, (await RequestBody.ReadJsonAsync(context, AdminJson.Default.ExamReleaseRequest)).IPads));

    /// <summary>Move the end of an exam that runs</summary>
    /// <remarks>iPads that are locked get the new end. One that does not come before the old one frees itself a quarter of an hour after it.</remarks>
    public static async Task<Ok<ExamView>> Prolong(string id, HttpContext context, ExamService service)
    {
        var exam = await service.Prolong(context, id, (await RequestBody.ReadJsonAsync(context, AdminJson.Default.ExamProlongRequest)).EndsAt);
        EntityTag.Write(context, exam.Version);
        return TypedResults.Ok(exam);
    }

    /// <summary>The exams that an iPad is in</summary>
    public static async Task<Ok<DeviceExamsView>> Of(string id, HttpContext context, ExamService service) => TypedResults.Ok(await service.Of(FleetUser.Of(context), id));
}
