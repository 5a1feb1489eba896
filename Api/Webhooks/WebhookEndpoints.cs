using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Webhooks;

/// <summary><c>/api/v1/webhooks</c>.</summary>
internal static class WebhookEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var hooks = api.MapGroup("/webhooks").Needs(Rights.WebhookRead).WithTags("Webhooks");
        hooks.MapGet("", List).Fails();
        hooks.MapPost("", Create).Needs(Rights.WebhookChange).Takes<WebhookRequest>().Idempotent()
            .Audit(AuditVerbs.WebhookCreate, AuditTargets.Webhook, AuditPlace.WithTheChange).AnswersSecret().Fails(400, 409, 413, 415, 422);
        hooks.MapGet("/{id}", Get).Fails(404);
        hooks.MapPut("/{id}", Change).Needs(Rights.WebhookChange).Takes<WebhookRequest>()
            .Audit(AuditVerbs.WebhookChange, AuditTargets.Webhook, AuditPlace.WithTheChange).Fails(400, 404, 412, 413, 415, 422, 428);
        hooks.MapDelete("/{id}", Delete).Needs(Rights.WebhookChange).Audit(AuditVerbs.WebhookDelete, AuditTargets.Webhook, AuditPlace.WithTheChange).Fails(404);
        hooks.MapPost("/{id}/pause", Pause).Needs(Rights.WebhookChange).Idempotent().Audit(AuditVerbs.WebhookPause, AuditTargets.Webhook, AuditPlace.WithTheChange).Fails(404);
        hooks.MapPost("/{id}/go-on", GoOn).Needs(Rights.WebhookChange).Idempotent().Audit(AuditVerbs.WebhookGoOn, AuditTargets.Webhook, AuditPlace.WithTheChange).Fails(404);
        hooks.MapPost("/{id}/rotate", Rotate).Needs(Rights.WebhookChange).Takes<WebhookRotateRequest>().Idempotent()
            .Audit(AuditVerbs.WebhookRotate, AuditTargets.Webhook, AuditPlace.WithTheChange).AnswersSecret().Fails(400, 404, 413, 415, 422);
        hooks.MapPost("/{id}/test", Test).Needs(Rights.WebhookChange).Idempotent().Audit(AuditVerbs.WebhookTest, AuditTargets.Webhook).Fails(404, 409);
        hooks.MapGet("/{id}/deliveries", Deliveries).WithQuery("state", "after", "limit").Fails(400, 404);
        hooks.MapPost("/{id}/deliveries/resend", SendAllAgain).Needs(Rights.WebhookChange).Idempotent()
            .Audit(AuditVerbs.WebhookResend, AuditTargets.Webhook, AuditPlace.WithTheChange).Fails(404);
        hooks.MapPost("/{id}/deliveries/{delivery}/resend", SendAgain).Needs(Rights.WebhookChange).Idempotent()
            .Audit(AuditVerbs.WebhookResend, AuditTargets.Webhook, AuditPlace.WithTheChange).Fails(404);
    }

    /// <summary>List webhooks, oldest first</summary>
    public static async Task<Ok<Page<WebhookView>>> List(WebhookService service) => TypedResults.Ok(new Page<WebhookView>(await service.List(), null));

    /// <summary>Create a webhook</summary>
    /// <remarks>The secret is in this answer and nowhere else. It is told what happens from some seconds after it was created. Types that begin with <c>audit.</c> need the right
    /// <c>audit.read</c> too. 409: there are 50 webhooks already.</remarks>
    public static async Task<Created<WebhookMade>> Create(HttpContext context, WebhookService service)
    {
        var made = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.WebhookRequest));
        context.Response.Headers.CacheControl = "no-store";
        EntityTag.Write(context, made.Webhook.Version);
        return TypedResults.Created($"/api/v1/webhooks/{made.Webhook.Id}", made);
    }

    /// <summary>One webhook, and how it is</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<WebhookView>> Get(string id, HttpContext context, WebhookService service) => Answer(context, await service.Get(id));

    /// <summary>Change a webhook</summary>
    /// <remarks>As a whole. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c> to write over whatever stands. What waits is sent as it stands then. 412: somebody else
    /// has changed it in between; nothing was saved.</remarks>
    public static async Task<Ok<WebhookView>> Change(string id, HttpContext context, WebhookService service)
    {
        var basedOn = EntityTag.Required(context);
        return Answer(context, await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.WebhookRequest)));
    }

    /// <summary>Delete a webhook</summary>
    /// <remarks>With all events that wait for it or were given up.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, WebhookService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>Pause a webhook</summary>
    /// <remarks>Events are kept, up to the limit, and sent when it goes on.</remarks>
    public static async Task<Ok<WebhookView>> Pause(string id, HttpContext context, WebhookService service) => Answer(context, await service.Pause(context, id));

    /// <summary>Let a webhook go on</summary>
    /// <remarks>One that was paused, or disabled by the server.</remarks>
    public static async Task<Ok<WebhookView>> GoOn(string id, HttpContext context, WebhookService service) => Answer(context, await service.GoOn(context, id));

    /// <summary>Give a webhook a new secret</summary>
    /// <remarks>For <c>overlapHours</c> events are signed with both secrets, so that the receiver can change over. The new one is in this answer and nowhere else.</remarks>
    public static async Task<Ok<WebhookMade>> Rotate(string id, HttpContext context, WebhookService service)
    {
        var made = await service.Rotate(context, id, await RequestBody.ReadJsonAsync(context, AdminJson.Default.WebhookRotateRequest));
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(made);
    }

    /// <summary>Send a test event</summary>
    /// <remarks>Its type is <c>webhook.test</c>. What became of it stands among the deliveries. 409: the webhook is paused or disabled.</remarks>
    public static async Task<Accepted<WebhookDeliveryView>> Test(string id, HttpContext context, WebhookService service) =>
        TypedResults.Accepted((string?)null, await service.Test(context, id));

    /// <summary>What a webhook was told, and is to be told, newest first</summary>
    /// <remarks>Delivered events leave the list after <c>Webhooks:DeliveredDays</c>, those that were given up after <c>Webhooks:DeadDays</c>.</remarks>
    /// <param name="id">Of the webhook.</param>
    /// <param name="state">waiting, delivered or dead; all when absent.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<WebhookDeliveryView>>> Deliveries(
        string id, WebhookService service, [FromQuery] string? state = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.Deliveries(id, state, after, Page.Limit(limit)));

    /// <summary>Send one event again</summary>
    /// <remarks>One that was delivered or given up, with the same id. It does not wait for other events of its iPad. 404: there is none, or it waits already.</remarks>
    public static async Task<Ok<WebhookResent>> SendAgain(string id, string delivery, HttpContext context, WebhookService service) =>
        TypedResults.Ok(await service.SendAgain(context, id, delivery));

    /// <summary>Send all events again that were given up</summary>
    /// <remarks>The oldest 10,000 of them.</remarks>
    public static async Task<Ok<WebhookResent>> SendAllAgain(string id, HttpContext context, WebhookService service) => TypedResults.Ok(await service.SendAgain(context, id, null));

    private static Ok<WebhookView> Answer(HttpContext context, WebhookView webhook)
    {
        EntityTag.Write(context, webhook.Version);
        return TypedResults.Ok(webhook);
    }
}
