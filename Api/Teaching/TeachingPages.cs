using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Teaching;

/// <summary><c>/teach</c>: a teacher's classes, on an iPad.</summary>
internal static class TeachingPages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        var teach = pages.MapGroup("/teach").Needs(Rights.ClassTeach).WithinSchools();
        teach.MapGet("", List);
        teach.MapGet("/{id}", Show);
        teach.MapPost("/{id}/look", Look).Audit(AuditVerbs.DevicePush, AuditTargets.Class);
        teach.MapGet("/{id}/lock", AskLock);
        teach.MapGet("/{class}/ipads/{id}/lock", AskLockOne);
        teach.MapPost("/{id}/lock", Lock).Audit(AuditVerbs.LessonLock, AuditTargets.Class, AuditPlace.WithTheChange);
        teach.MapPost("/{class}/ipads/{id}/lock", LockOne).Audit(AuditVerbs.LessonLock, AuditTargets.Class, AuditPlace.WithTheChange);
        teach.MapPost("/{id}/release", Release).Audit(AuditVerbs.LessonRelease, AuditTargets.Class, AuditPlace.WithTheChange);
        teach.MapPost("/{class}/ipads/{id}/release", ReleaseOne).Audit(AuditVerbs.LessonRelease, AuditTargets.Class, AuditPlace.WithTheChange);
        teach.MapPost("/{id}/attention", Attention).Audit(AuditVerbs.LessonAttention, AuditTargets.Class);
        teach.MapPost("/{class}/ipads/{id}/clear-passcode", ClearPasscode).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<TeachPage>> List(HttpContext context, TeachingService service) =>
        new(new { User = FleetUser.Of(context), Classes = (await service.List(context)).Items });

    private static Task<RazorComponentResult<TeachClassPage>> Show(string id, HttpContext context, TeachingService service, string? done) => Page(id, context, service, FormState.Fresh, done switch
    {
        "looked" => "The iPads are asked. Those that are on show up here within a minute.",
        "cleared" => "The passcode is cleared as soon as the iPad is reached.",
        "locked" => "The iPads are being locked. How each one is stands below.",
        "released" => "The iPads are being released. How each one is stands below.",
        "unlocked" => "Nothing of this class is locked.",
        "attention" => "The screens turn off, with a line that asks to listen.",
        _ => null,
    });

    private static async Task<RazorComponentResult<TeachClassPage>> Page(string id, HttpContext context, TeachingService service, FormState form, string? done) =>
        new(new { User = FleetUser.Of(context), View = await service.Get(context, id), Form = form, FormKey = PageForms.NewKey(), Done = done }) { StatusCode = form.Status };

    private static Task<IResult> Look(string id, HttpContext context, RequestIds ids, TeachingService service) => Do(id, context, ids, service, "looked", () => service.Look(context, id));

    private static Task<IResult> ClearPasscode(string @class, string id, HttpContext context, RequestIds ids, TeachingService service) =>
        Do(@class, context, ids, service, "cleared", () => service.ClearPasscode(context, @class, id));

    private static Task<RazorComponentResult<TeachLockPage>> AskLock(string id, HttpContext context, TeachingService service, string? q) => LockPage(id, null, context, service, q, FormState.Fresh);

    private static Task<RazorComponentResult<TeachLockPage>> AskLockOne(string @class, string id, HttpContext context, TeachingService service, string? q) =>
        LockPage(@class, id, context, service, q, FormState.Fresh);

    private static async Task<RazorComponentResult<TeachLockPage>> LockPage(string classId, string? deviceId, HttpContext context, TeachingService service, string? q, FormState form)
    {
        var view = await service.Get(context, classId);
        var pupil = deviceId is null ? null : view.Items.FirstOrDefault(one => one.Device?.Id == deviceId) ?? throw ApiProblem.NotFound("No pupil of this class has this iPad.");
        return new(new { User = FleetUser.Of(context), View = view, Pupil = pupil, (await service.Apps(context, classId, q)).Items, Search = q, Form = form, FormKey = PageForms.NewKey() }) { StatusCode = form.Status };
    }

    private static Task<IResult> Lock(string id, HttpContext context, RequestIds ids, TeachingService service) => LockSome(id, null, context, ids, service);

    private static Task<IResult> LockOne(string @class, string id, HttpContext context, RequestIds ids, TeachingService service) => LockSome(@class, id, context, ids, service);

    private static async Task<IResult> LockSome(string classId, string? deviceId, HttpContext context, RequestIds ids, TeachingService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Lock(context, classId, deviceId, new LessonLockRequest { BundleId = form.Get("app") ?? throw ApiProblem.Field("app", "Choose an app."), Minutes = PageForms.Number(form, "minutes") });
            return PageForms.See($"/teach/{Uri.EscapeDataString(classId)}?done=locked");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(classId, context, service, FormState.Refused(problem), null);
        }
    }

    private static Task<IResult> Release(string id, HttpContext context, RequestIds ids, TeachingService service) => ReleaseSome(id, null, context, ids, service);

    private static Task<IResult> ReleaseOne(string @class, string id, HttpContext context, RequestIds ids, TeachingService service) => ReleaseSome(@class, id, context, ids, service);

    private static async Task<IResult> ReleaseSome(string classId, string? deviceId, HttpContext context, RequestIds ids, TeachingService service)
    {
        await PageForms.Read(context, ids);
        var done = await service.Release(context, classId, deviceId);
        return PageForms.See($"/teach/{Uri.EscapeDataString(classId)}?done={(done.IPads > 0 ? "released" : "unlocked")}");
    }

    private static Task<IResult> Attention(string id, HttpContext context, RequestIds ids, TeachingService service) => Do(id, context, ids, service, "attention", () => service.Attention(context, id));

    private static async Task<IResult> Do(string id, HttpContext context, RequestIds ids, TeachingService service, string done, Func<Task> work)
    {
        await PageForms.Read(context, ids);
        try
        {
            await work();
            return PageForms.See($"/teach/{Uri.EscapeDataString(id)}?done={done}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, service, FormState.Refused(problem), null);
        }
    }
}
