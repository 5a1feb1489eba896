using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Access;

/// <summary><c>/api/v1/accounts</c>.</summary>
internal static class AccountEndpoints
{
    public static void MapRest(RouteGroupBuilder api)
    {
        var accounts = api.MapGroup("/accounts").Needs(Rights.AccountRead).WithTags("Accounts");
        accounts.MapGet("", List).WithQuery("q", "after", "limit").Fails(400);
        accounts.MapPost("", Create).Needs(Rights.AccountChange).Takes<AccountRequest>().Idempotent()
            .Audit(AuditVerbs.AccountCreate, AuditTargets.Account, AuditPlace.WithTheChange).AnswersSecret().Fails(400, 409, 413, 415, 422);
        accounts.MapGet("/{id}", Get).Fails(404);
        accounts.MapPut("/{id}", Change).Needs(Rights.AccountChange).Takes<AccountRequest>()
            .Audit(AuditVerbs.AccountChange, AuditTargets.Account, AuditPlace.WithTheChange).Fails(400, 404, 409, 412, 413, 415, 422, 428);
        accounts.MapDelete("/{id}", Delete).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountDelete, AuditTargets.Account, AuditPlace.WithTheChange).Fails(404, 409);
        accounts.MapPost("/{id}/password-link", MakeLink).Needs(Rights.AccountChange).Idempotent()
            .Audit(AuditVerbs.AccountLink, AuditTargets.Account, AuditPlace.WithTheChange).AnswersSecret().Fails(404, 409, 422);
        accounts.MapDelete("/{id}/totp", RemoveTotp).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountTotpRemove, AuditTargets.Account, AuditPlace.WithTheChange).Fails(404);
        accounts.MapDelete("/{id}/passkeys", RemovePasskeys).Needs(Rights.AccountChange).Audit(AuditVerbs.AccountPasskeyRemove, AuditTargets.Account, AuditPlace.WithTheChange).Fails(404);
        accounts.MapGet("/{id}/sessions", Sessions).Fails(404);
        accounts.MapDelete("/{id}/sessions", EndSessions).Needs(Rights.AccountChange).Audit(AuditVerbs.SessionEnd, AuditTargets.Account).Fails(404);
    }

    /// <summary>List accounts, by user name</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="service">The room.</param>
    /// <param name="q">Part of the user name or the name, in whatever case.</param>
    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<Ok<Page<AccountView>>> List(
        HttpContext context, AccountService service, [FromQuery] string? q = null, [FromQuery] string? after = null, [FromQuery] string? limit = null) =>
        TypedResults.Ok(await service.List(FleetUser.Of(context), q, after, Page.Limit(limit)));

    /// <summary>Create an account</summary>
    /// <remarks>The person sets a password by the link in this answer, within 24 hours. The link is nowhere else. 403: you cannot give rights or schools that you do not
    /// have. 409: another account has the user name.</remarks>
    public static async Task<Created<AccountMade>> Create(HttpContext context, AccountService service)
    {
        var made = await service.Create(context, await RequestBody.ReadJsonAsync(context, AdminJson.Default.AccountRequest));
        context.Response.Headers.CacheControl = "no-store";
        EntityTag.Write(context, made.Account.Version);
        return TypedResults.Created($"/api/v1/accounts/{made.Account.Id}", made);
    }

    /// <summary>One account</summary>
    /// <remarks>The <c>ETag</c> of the answer is what a change is sent with.</remarks>
    public static async Task<Ok<AccountView>> Get(string id, HttpContext context, AccountService service)
    {
        var account = await service.Get(FleetUser.Of(context), id);
        EntityTag.Write(context, account.Version);
        return TypedResults.Ok(account);
    }

    /// <summary>Change an account</summary>
    /// <remarks>As a whole: what is not sent is cleared. Send <c>If-Match</c> with the <c>ETag</c> that you read, or with <c>*</c> to write over whatever stands. With
    /// another role, with other schools, or when the account is disabled, the sessions of the person end, and the tokens that they made are revoked.
    /// 409: another account has the user name, or nobody could administer any more. 412: somebody else has changed it in between; nothing was saved.</remarks>
    public static async Task<Ok<AccountView>> Change(string id, HttpContext context, AccountService service)
    {
        var basedOn = EntityTag.Required(context);
        var account = await service.Change(context, id, basedOn, await RequestBody.ReadJsonAsync(context, AdminJson.Default.AccountRequest));
        EntityTag.Write(context, account.Version);
        return TypedResults.Ok(account);
    }

    /// <summary>Delete an account</summary>
    /// <remarks>The person's sessions end, and the tokens that they made are revoked. What they did stays in the audit record. 409: nobody could administer any more.</remarks>
    public static async Task<NoContent> Delete(string id, HttpContext context, AccountService service)
    {
        await service.Delete(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>Make a link to set a password</summary>
    /// <remarks>For somebody who has forgotten theirs, or whose first link has ended. It works once, for 24 hours, and is in this answer alone. The link before it ends. The
    /// present password works until another one is set. 409: the account is disabled.</remarks>
    public static async Task<Ok<PasswordLinkView>> MakeLink(string id, HttpContext context, AccountService service)
    {
        var (_, link) = await service.MakeLink(context, id);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(link);
    }

    /// <summary>Remove the second step of an account</summary>
    /// <remarks>For somebody who has lost the phone and the recovery codes. The password is enough from then on, until they set it up again.</remarks>
    public static async Task<NoContent> RemoveTotp(string id, HttpContext context, AccountService service)
    {
        await service.RemoveTotp(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>Remove all passkeys of an account</summary>
    /// <remarks>For somebody who has lost a device. They sign in with the password from then on, and add passkeys anew. Their sessions go on: end those too when a device was stolen.</remarks>
    public static async Task<NoContent> RemovePasskeys(string id, HttpContext context, AccountService service)
    {
        await service.RemovePasskeys(context, id);
        return TypedResults.NoContent();
    }

    /// <summary>In which browsers a person has signed in, newest first</summary>
    public static async Task<Ok<Page<SessionView>>> Sessions(string id, HttpContext context, AccountService service) =>
        TypedResults.Ok(new Page<SessionView>(await service.Sessions(FleetUser.Of(context), id), null));

    /// <summary>End all sessions of a person</summary>
    /// <remarks>Every node refuses them within 5 seconds.</remarks>
    public static async Task<Ok<SessionsEnded>> EndSessions(string id, HttpContext context, AccountService service) =>
        TypedResults.Ok(await service.EndSessions(context, id));
}
