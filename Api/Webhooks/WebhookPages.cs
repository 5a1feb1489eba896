using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Webhooks;

/// <summary>Webhooks in the console: the list, one of them with what it was told, and its forms.</summary>
internal static class WebhookPages
{
    private const int DeliveriesOnPage = 50;

    public static void MapPages(RouteGroupBuilder pages)
    {
        var hooks = pages.MapGroup("/webhooks").Needs(Rights.WebhookRead);
        hooks.MapGet("", List);
        hooks.MapGet("/new", AskCreate).Needs(Rights.WebhookChange);
        hooks.MapGet("/{id}", Show);
        hooks.MapGet("/{id}/edit", AskChange).Needs(Rights.WebhookChange);
        hooks.MapGet("/{id}/delete", AskDelete).Needs(Rights.WebhookChange);
        hooks.MapPost("", Create).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookCreate, AuditTargets.Webhook, AuditPlace.WithTheChange);
        hooks.MapPost("/{id}/edit", Change).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookChange, AuditTargets.Webhook, AuditPlace.WithTheChange);
        hooks.MapPost("/{id}/delete", Delete).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookDelete, AuditTargets.Webhook, AuditPlace.WithTheChange);
        hooks.MapPost("/{id}/pause", Pause).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookPause, AuditTargets.Webhook, AuditPlace.WithTheChange);
        hooks.MapPost("/{id}/go-on", GoOn).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookGoOn, AuditTargets.Webhook, AuditPlace.WithTheChange);
        hooks.MapPost("/{id}/rotate", Rotate).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookRotate, AuditTargets.Webhook, AuditPlace.WithTheChange);
        hooks.MapPost("/{id}/test", Test).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookTest, AuditTargets.Webhook);
        hooks.MapPost("/{id}/resend", SendAgain).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookResend, AuditTargets.Webhook, AuditPlace.WithTheChange);
    }

    private static async Task<RazorComponentResult<WebhooksPage>> List(HttpContext context, WebhookService service, string? done) => new(new
    {
        User = FleetUser.Of(context),
        Webhooks = await service.List(),
        Done = done == "deleted" ? "The webhook is deleted." : null,
    });

    private static Task<RazorComponentResult<WebhookPage>> Show(string id, HttpContext context, WebhookService service, string? state, string? after, string? done) =>
        Render(id, context, service, state, after, null, done switch
        {
            "saved" => "The webhook is saved.",
            "paused" => "The webhook is paused. Events are kept until it goes on.",
            "on" => "The webhook goes on.",
            "tested" => "The test event is on its way. What became of it stands in the list.",
            "resent" => "The events are sent again.",
            _ => null,
        });

    private static async Task<RazorComponentResult<WebhookPage>> Render(
        string id, HttpContext context, WebhookService service, string? state, string? after, string? secret, string? done, ApiProblem? problem = null)
    {
        var chosen = string.IsNullOrWhiteSpace(state) ? null : state;
        return new RazorComponentResult<WebhookPage>(new
        {
            User = FleetUser.Of(context),
            Webhook = await service.Get(id),
            Deliveries = await service.Deliveries(id, chosen, after, DeliveriesOnPage),
            State = chosen,
            IsLaterPage = after is not null,
            Secret = secret,
            Done = done,
            Problem = problem?.Message,
            FormKey = PageForms.NewKey(),
        })
        {
            StatusCode = problem?.Status ?? StatusCodes.Status200OK,
        };
    }

    private static RazorComponentResult<WebhookFormPage> AskCreate(HttpContext context) => Form(context, null, FormState.Fresh);

    private static async Task<RazorComponentResult<WebhookFormPage>> AskChange(string id, HttpContext context, WebhookService service) =>
        Form(context, await service.Get(id), FormState.Fresh);

    private static async Task<RazorComponentResult<WebhookDeletePage>> AskDelete(string id, HttpContext context, WebhookService service) =>
        new(new { User = FleetUser.Of(context), Webhook = await service.Get(id), FormKey = PageForms.NewKey() });

    /// <summary>The page itself holds the secret: a redirect would have to carry it.</summary>
    private static async Task<IResult> Create(HttpContext context, RequestIds ids, WebhookService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            var made = await service.Create(context, Read(form));
            return await Render(made.Webhook.Id, context, service, null, null, made.Secret, "The webhook is created.");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status403Forbidden)
        {
            return Form(context, null, FormState.Refused(problem, Typed(form)));
        }
    }

    private static async Task<IResult> Change(string id, HttpContext context, RequestIds ids, WebhookService service)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await service.Change(context, id, PageForms.Number(form, "version"), Read(form));
            return PageForms.See($"/webhooks/{Uri.EscapeDataString(id)}?done=saved");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem) || problem.Status == StatusCodes.Status403Forbidden || problem.Code == ProblemCodes.Changed)
        {
            return Form(context, await service.Get(id), FormState.Refused(problem, Typed(form)));
        }
    }

    private static async Task<IResult> Delete(string id, HttpContext context, RequestIds ids, WebhookService service)
    {
        await PageForms.Read(context, ids);
        await service.Delete(context, id);
        return PageForms.See("/webhooks?done=deleted");
    }

    private static Task<IResult> Pause(string id, HttpContext context, RequestIds ids, WebhookService service) => Do(id, context, ids, service, "paused", _ => service.Pause(context, id));

    private static Task<IResult> GoOn(string id, HttpContext context, RequestIds ids, WebhookService service) => Do(id, context, ids, service, "on", _ => service.GoOn(context, id));

    private static Task<IResult> Test(string id, HttpContext context, RequestIds ids, WebhookService service) => Do(id, context, ids, service, "tested", _ => service.Test(context, id));

    private static Task<IResult> SendAgain(string id, HttpContext context, RequestIds ids, WebhookService service) =>
        Do(id, context, ids, service, "resent", form => service.SendAgain(context, id, form.Get("delivery")));

    private static async Task<IResult> Rotate(string id, HttpContext context, RequestIds ids, WebhookService service)
    {
        await PageForms.Read(context, ids);
        var made = await service.Rotate(context, id, new WebhookRotateRequest());
        return await Render(id, context, service, null, null, made.Secret, "The webhook has a new secret. For 24 hours events are signed with both.");
    }

    private static async Task<IResult> Do(string id, HttpContext context, RequestIds ids, WebhookService service, string done, Func<FormBody, Task> work)
    {
        var form = await PageForms.Read(context, ids);
        try
        {
            await work(form);
            return PageForms.See($"/webhooks/{Uri.EscapeDataString(id)}?done={done}");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return await Render(id, context, service, null, null, null, null, problem);
        }
    }

    private static RazorComponentResult<WebhookFormPage> Form(HttpContext context, WebhookView? webhook, FormState form) =>
        new(new { User = FleetUser.Of(context), Webhook = webhook, Form = form, FormKey = PageForms.NewKey() }) { StatusCode = form.Status };

    private static WebhookRequest Read(FormBody form) => new()
    {
        Name = form.Get("name") ?? "",
        Url = form.Get("url") ?? "",
        Events = form.Get("events")?.Split(['\r', '\n', ',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
        Format = form.Get("format"),
    };

    private static Func<string, string?> Typed(FormBody form) => form.Get;
}
