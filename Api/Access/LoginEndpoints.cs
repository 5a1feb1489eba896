using System.Globalization;
using System.Security.Cryptography;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary><c>/login</c> and <c>/logout</c>: a browser's session, begun with an account (<see cref="SignInService"/>) or an API token.</summary>
internal static class LoginEndpoints
{
    private const int SessionIdBytes = 16;

    public static void MapPages(RouteGroupBuilder open)
    {
        var pages = open.MapGroup("").ExcludeFromDescription().WithMetadata(ContentPolicy.Page);
        pages.MapGet("/login", Show);
        pages.MapPost("/login", Login).WithMetadata(new AuditedMetadata(AuditVerbs.SessionSignIn, AuditTargets.Token, AuditPlace.Here));
        pages.MapPost("/login/password", WithPassword).WithMetadata(new AuditedMetadata(AuditVerbs.SessionSignIn, AuditTargets.Account, AuditPlace.WithTheChange));
        pages.MapPost("/login/passkey", WithPasskey).WithMetadata(new AuditedMetadata(AuditVerbs.SessionSignIn, AuditTargets.Account, AuditPlace.WithTheChange));
        pages.MapGet("/login/code", AskCode);
        pages.MapPost("/login/code", WithCode).WithMetadata(new AuditedMetadata(AuditVerbs.SessionSignIn, AuditTargets.Account, AuditPlace.WithTheChange));
        pages.MapPost("/logout", Logout).WithMetadata(new AuditedMetadata(AuditVerbs.SessionSignOut, AuditTargets.Token, AuditPlace.Here));
    }

    /// <summary>A path of this server, as a header may carry it: never another one's, whatever a link says. The server's own pages escape what is beyond
    /// ASCII; a link with such characters was made by hand, and leads to the overview.</summary>
    public static string LocalPath(string? path) =>
        path is { Length: > 0 and <= 2000 } && path[0] == '/' && (path.Length == 1 || path[1] is not ('/' or '\\')) && !path.Any(c => char.IsControl(c) || !char.IsAscii(c))
            ? path
            : "/";

    /// <summary>A time in words, never less than it is.</summary>
    public static string Told(TimeSpan wait) => wait < TimeSpan.FromSeconds(90)
        ? Words.Count((long)Math.Ceiling(wait.TotalSeconds), "second", "seconds")
        : Words.Count((long)Math.Ceiling(wait.TotalMinutes), "minute", "minutes");

    private static RazorComponentResult<LoginPage> Show(string? returnUrl, string? done) =>
        new(new { ReturnUrl = LocalPath(returnUrl), Done = done == "password" ? "The password is set. Sign in with it." : null });

    private static async Task<IResult> WithPassword(HttpContext context, SignInService service)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return Refused();
        var form = await FormBody.ReadAsync(context);
        var returnUrl = LocalPath(form.Get("returnUrl"));
        var userName = form.Get("userName")?.Trim() ?? "";
        var result = await service.WithPassword(context, userName, form.Exactly("password") ?? "", returnUrl);
        return result.Kind switch
        {
            SignInKind.Done => TypedResults.Redirect(returnUrl),
            SignInKind.NeedsCode => PageForms.See("/login/code"),
            SignInKind.Paused => Again(context, result, "wrong passwords", (error, status) => OfAccount(returnUrl, userName, error, status)),
            _ => OfAccount(returnUrl, userName, "User name or password is wrong.", StatusCodes.Status401Unauthorized),
        };
    }

    private static async Task<IResult> WithPasskey(HttpContext context, SignInService service)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return Refused();
        var form = await FormBody.ReadAsync(context);
        var returnUrl = LocalPath(form.Get("returnUrl"));
        return (await service.WithPasskey(context, form.Get("offer"), form.Get("credential"))).Kind switch
        {
            SignInKind.Done => TypedResults.Redirect(returnUrl),
            SignInKind.Gone => OfAccount(returnUrl, null, "The page was open for too long. Use the passkey once more.", StatusCodes.Status401Unauthorized),
            _ => OfAccount(returnUrl, null, "This passkey does not sign you in here: it was removed, or is of another account. Use your password.", StatusCodes.Status401Unauthorized),
        };
    }

    private static IResult AskCode(HttpContext context, SignInCookies cookies) =>
        cookies.Owed(context) is null ? PageForms.See("/login") : new RazorComponentResult<CodePage>(new { Error = (string?)null });

    private static async Task<IResult> WithCode(HttpContext context, SignInService service, SignInCookies cookies)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return Refused();
        var form = await FormBody.ReadAsync(context);
        if (cookies.Owed(context) is not { } owed) return OfAccount("/", null, "It took more than five minutes. Begin again.", StatusCodes.Status401Unauthorized);
        var result = await service.WithCode(context, owed, form.Get("code") ?? "");
        return result.Kind switch
        {
            SignInKind.Done => TypedResults.Redirect(LocalPath(owed.ReturnUrl)),
            SignInKind.Paused => Again(context, result, "wrong codes", OfCode),
            SignInKind.Gone => OfAccount(LocalPath(owed.ReturnUrl), null, "The account has changed meanwhile. Begin again.", StatusCodes.Status401Unauthorized),
            _ => OfCode("The code is wrong, or was used already. Wait for the next one.", StatusCodes.Status401Unauthorized),
        };
    }

    private static IResult Again(HttpContext context, SignInResult result, string what, Func<string, int, IResult> page)
    {
        context.Response.Headers.RetryAfter = ((int)Math.Ceiling(result.Wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return page($"Too many {what}. Try again in {Told(result.Wait)}.", StatusCodes.Status429TooManyRequests);
    }

    private static RazorComponentResult<CodePage> OfCode(string? error, int status) => new(new { Error = error }) { StatusCode = status };

    private static RazorComponentResult<LoginPage> OfAccount(string returnUrl, string? userName, string? error, int status) =>
        new(new { ReturnUrl = returnUrl, Error = error, UserName = userName }) { StatusCode = status };

    private static async Task<IResult> Login(
        HttpContext context, TokenVerifier tokens, GuessingThrottle throttle, ClientAddress clients, IGrainFactory grains, AuditTrail trail, Coalescer refused,
        TimeProvider time)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return Refused();

        var form = await FormBody.ReadAsync(context);
        var returnUrl = LocalPath(form.Get("returnUrl"));
        var token = form.Get("token")?.Trim() ?? "";
        var address = clients.Of(context);
        if (!ApiToken.LooksRight(token) || await tokens.FindBySecret(token) is not { } found)
        {
            var throttled = throttle.IsThrottled(address);
            throttle.CountFailure(address);
            await refused.Record(trail.Entry(context, AuditVerbs.SessionSignIn) with { Result = AuditResult.Refused });
            if (!throttled) return Page(returnUrl, "This token is unknown, revoked or expired.", StatusCodes.Status401Unauthorized);

            context.Response.Headers.RetryAfter = "60";
            return Page(returnUrl, "Too many wrong tokens came from your address. Try again in a minute.", StatusCodes.Status429TooManyRequests);
        }

        var session = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SessionIdBytes));
        var principal = FleetUser.Cookie(found, CookieAuthenticationDefaults.AuthenticationScheme, session);
        context.User = principal;
        await trail.Record(context, AuditVerbs.SessionSignIn, AuditTargets.Token, found.Id);
        await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).BeginSession(
            new SessionOrder(session, found.Id, time.GetUtcNow() + AccessRoom.SessionLength));
        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, principal);
        return TypedResults.Redirect(returnUrl);
    }

    /// <summary>Ends the session here and, within the verifier's few seconds, on every node: a copy of the cookie opens nothing.</summary>
    /// <param name="returnUrl">Where whoever signs in next goes on; null: their own page.</param>
    private static async Task<IResult> Logout(
        HttpContext context, string? returnUrl, TokenVerifier tokens, AccountVerifier accounts, IAccountStore store, IGrainFactory grains, AuditTrail trail)
    {
        var login = returnUrl is null ? "/login" : "/login?returnUrl=" + Uri.EscapeDataString(LocalPath(returnUrl));
        if (!CrossOrigin.IsOwnPage(context.Request)) return Refused();
        var session = await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        if (session.Principal is { } principal && FleetUser.Find(principal) is { SessionId: { } id } user)
        {
            context.User = principal;
            if (user.AccountId is not null)
            {
                if (await accounts.FindBySession(id, use: false) is { } own)
                    await store.EndSessions(own.Account.Id, own.Session.Id, null, trail.Entry(context, AuditVerbs.SessionSignOut, AuditTargets.Account, own.Account.Id));
                accounts.Forget();
                await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
                return TypedResults.Redirect(login);
            }

            if (await tokens.FindBySession(id) is not null)
                await trail.Record(context, AuditVerbs.SessionSignOut, AuditTargets.Token, user.TokenId);
            await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).EndSession(id);
            tokens.Forget();
        }

        await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return TypedResults.Redirect(login);
    }

    internal static IResult Refused() => Problems.Of(StatusCodes.Status403Forbidden, ProblemCodes.CrossOrigin, "From another page",
        "This form is taken only from this server's own pages.");

    private static RazorComponentResult<LoginPage> Page(string returnUrl, string? error, int status) =>
        new(new { ReturnUrl = returnUrl, Error = error, ByToken = true }) { StatusCode = status };
}
