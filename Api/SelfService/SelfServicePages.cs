using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.SelfService;

/// <summary><c>/my</c>: one's own iPads, on an iPad.</summary>
internal static class SelfServicePages
{
    public static void MapPages(RouteGroupBuilder pages)
    {
        var my = pages.MapGroup("/my").Needs(Rights.SelfUse).WithinSchools();
        my.MapGet("", List);
        my.MapGet("/ipads/{id}", Show);
        my.MapPost("/ipads/{id}/report", Report).Audit(AuditVerbs.IncidentOpen, AuditTargets.Device, AuditPlace.WithTheChange);
        my.MapGet("/ipads/{id}/lost", AskLost);
        my.MapPost("/ipads/{id}/lost-mode", Begin).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        my.MapPost("/ipads/{id}/lost-mode/end", End).Audit(AuditVerbs.CommandSend, AuditTargets.Device, AuditPlace.WithTheChange);
        my.MapPost("/ipads/{id}/location", Locate).Audit(AuditVerbs.SecretRead, AuditTargets.Device);
        my.MapPost("/ipads/{id}/hand-back", HandBack).Audit(AuditVerbs.DeviceReturnAsk, AuditTargets.Device, AuditPlace.WithTheChange);
        my.MapPost("/ipads/{id}/keep", Keep).Audit(AuditVerbs.DeviceReturnAsk, AuditTargets.Device, AuditPlace.WithTheChange);
        my.MapGet("/enrol", AskEnrol);
        my.MapPost("/enrol", Enrol).Audit(AuditVerbs.InvitationCreate, AuditTargets.Invitation, AuditPlace.WithTheChange);
        my.MapGet("/profiles/{id}", (string id, HttpContext context, SelfServiceService service) => service.Download(context, id));
    }

    internal static string PathOf(string id) => "/my/ipads/" + Uri.EscapeDataString(id);

    private static async Task<RazorComponentResult<MyPage>> List(HttpContext context, SelfServiceService service) =>
        new(new { User = FleetUser.Of(context), View = await service.List(context), Profiles = (await service.Profiles(context)).Items });

    private static Task<RazorComponentResult<MyIPadPage>> Show(string id, HttpContext context, SelfServiceService service, SelfServiceLostMode lostMode, string? done) => Page(id, context, service, lostMode, FormState.Fresh, done switch
    {
        "reported" => "The school knows. Somebody looks after it.",
        "lost" => "Lost mode begins as soon as the iPad is reached.",
        "found" => "Good. Lost mode ends as soon as the iPad is reached.",
        "asked" => "The iPad is asked where it is.",
        "back" => "The school knows that you want to hand it back. It is yours until somebody has taken it.",
        "kept" => "You keep it. The school knows.",
        _ => null,
    });

    private static async Task<RazorComponentResult<MyIPadPage>> Page(string id, HttpContext context, SelfServiceService service, SelfServiceLostMode lostMode, FormState form, string? done)
    {
        var view = await service.Get(context, id);
        var location = view.CanLocate ? await lostMode.LastTold(context, await service.Own(context, id)) : null;
        if (location is not null) context.Response.Headers.CacheControl = "no-store";
        return new(new { User = FleetUser.Of(context), View = view, Form = form, Location = location, FormKey = PageForms.NewKey(), Done = done }) { StatusCode = form.Status };
    }

    /// <summary>Asked before it is done: the iPad may be the one in the hand.</summary>
    private static async Task<IResult> AskLost(string id, HttpContext context, SelfServiceService service)
    {
        var view = await service.Get(context, id);
        return view is { LostMode: SelfServiceLostMode.Ready or SelfServiceLostMode.Failed, Exam: null }
            ? new RazorComponentResult<MyLostPage>(new { User = FleetUser.Of(context), View = view, FormKey = PageForms.NewKey() })
            : PageForms.See(PathOf(id));
    }

    private static Task<IResult> Report(string id, HttpContext context, RequestIds ids, SelfServiceService service, SelfServiceLostMode lostMode) => Do(id, context, ids, service, lostMode, "reported",
        form => service.Report(context, id, new MyReportRequest { Kind = form.Get("kind") ?? "", Text = form.Get("text") }));

    private static Task<IResult> Begin(string id, HttpContext context, RequestIds ids, SelfServiceService service, SelfServiceLostMode lostMode) =>
        Do(id, context, ids, service, lostMode, "lost", async _ => await lostMode.Begin(context, await service.Own(context, id)));

    private static Task<IResult> End(string id, HttpContext context, RequestIds ids, SelfServiceService service, SelfServiceLostMode lostMode) =>
        Do(id, context, ids, service, lostMode, "found", async _ => await lostMode.End(context, await service.Own(context, id)));

    private static Task<IResult> HandBack(string id, HttpContext context, RequestIds ids, SelfServiceService service, SelfServiceLostMode lostMode) =>
        Do(id, context, ids, service, lostMode, "back", _ => service.AskReturn(context, id, back: true));

    private static Task<IResult> Keep(string id, HttpContext context, RequestIds ids, SelfServiceService service, SelfServiceLostMode lostMode) =>
        Do(id, context, ids, service, lostMode, "kept", _ => service.AskReturn(context, id, back: false));

    private static Task<IResult> Locate(string id, HttpContext context, RequestIds ids, SelfServiceService service, SelfServiceLostMode lostMode) =>
        Do(id, context, ids, service, lostMode, "asked", async _ => await lostMode.Locate(context, await service.Own(context, id)));

    private static async Task<IResult> Do(string id, HttpContext context, RequestIds ids, SelfServiceService service, SelfServiceLostMode lostMode, string done, Func<FormBody, Task> work)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await work(form);
            return PageForms.See($"{PathOf(id)}?done={done}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Page(id, context, service, lostMode, FormState.Refused(problem, form.Get), null);
        }
    }

    private static async Task<RazorComponentResult<MyEnrolPage>> AskEnrol(HttpContext context, SelfServiceService service) =>
        new(new { User = FleetUser.Of(context), CanEnrol = (await service.List(context)).CanEnrol, FormKey = PageForms.NewKey() });

    /// <summary>The page itself holds the link: a redirect would have to carry it.</summary>
    private static async Task<IResult> Enrol(HttpContext context, RequestIds ids, SelfServiceService service)
    {
        var form = await PageForms.Read(context, ids);
        var user = FleetUser.Of(context);
        try
        {
            var own = form.Get("whose") switch
            {
                "own" => true,
                "school" => false,
                _ => throw ApiProblem.Field("whose", "Say whose iPad it is."),
            };
            context.Response.Headers.CacheControl = "no-store";
            var made = await service.Invite(context, new MyInvitationRequest { OwnIPad = own });
            return new RazorComponentResult<MyEnrolPage>(new { User = user, CanEnrol = true, FormKey = PageForms.NewKey(), Link = made, QrCode = QrImage.Svg(made.Url) });
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return new RazorComponentResult<MyEnrolPage>(new { User = user, CanEnrol = problem.Code != ProblemCodes.SwitchedOff, FormKey = PageForms.NewKey(), Form = FormState.Refused(problem, form.Get) })
            {
                StatusCode = problem.Status,
            };
        }
    }
}
