using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary><c>/set-password/…</c>: whoever has the link sets the password of its account, once.</summary>
internal static class SetPasswordPages
{
    public const string Path = "/set-password";

    public static void MapPages(RouteGroupBuilder open)
    {
        var pages = open.MapGroup(Path).ExcludeFromDescription().WithMetadata(ContentPolicy.Page);
        pages.MapGet("/{link}", Show);
        pages.MapPost("/{link}", Set).WithMetadata(new AuditedMetadata(AuditVerbs.AccountPassword, AuditTargets.Account, AuditPlace.WithTheChange));
    }

    private static async Task<RazorComponentResult<SetPasswordPage>> Show(string link, IAccountStore store, TimeProvider time) =>
        Page(link, await store.FindByLink(SignInService.Hash(link), time.GetUtcNow()), FormState.Fresh);

    private static async Task<IResult> Set(string link, HttpContext context, IAccountStore store, Passwords passwords, AccountVerifier verifier, AuditTrail trail, TimeProvider time)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return LoginEndpoints.Refused();
        var form = await FormBody.ReadAsync(context);
        var sha256 = SignInService.Hash(link);
        if (await store.FindByLink(sha256, time.GetUtcNow()) is not { } account) return Page(link, null, FormState.Fresh);
        try
        {
            PasswordRules.Check("password", form.Exactly("password"), account.UserName, account.Name);
            if (form.Exactly("password") != form.Exactly("again")) throw ApiProblem.Field("again", "It is not the same as the password above.");
        }
        catch (ApiProblem problem) when (PageForms.CanShow(problem))
        {
            return Page(link, account, FormState.Refused(problem));
        }

        var hash = await passwords.Hash(form.Exactly("password")!);
        context.User = FleetUser.Cookie(account, CookieAuthenticationDefaults.AuthenticationScheme, "");
        var entry = trail.Entry(context, AuditVerbs.AccountPassword, AuditTargets.Account, account.Id, detail: "by a link");
        if (await store.SetPasswordByLink(sha256, hash, Guid.NewGuid().ToString("N"), time.GetUtcNow(), entry) != AccountOutcome.Written) return Page(link, null, FormState.Fresh);
        verifier.Forget();
        return PageForms.See("/login?done=password");
    }

    /// <param name="link">As it came.</param>
    /// <param name="account">Null: the link has ended.</param>
    /// <param name="form">What is wrong.</param>
    private static RazorComponentResult<SetPasswordPage> Page(string link, Account? account, FormState form) =>
        new(new { Link = link, Account = account, Form = form }) { StatusCode = account is null ? StatusCodes.Status404NotFound : form.Status };
}
