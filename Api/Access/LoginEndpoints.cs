using System.Security.Cryptography;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Console;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary><c>/login</c> and <c>/logout</c>: a browser's session, begun with an API token.</summary>
internal static class LoginEndpoints
{
    private const int SessionIdBytes = 16;

    public static void MapPages(RouteGroupBuilder open)
    {
        var pages = open.MapGroup("").ExcludeFromDescription().WithMetadata(ContentPolicy.Page);
        pages.MapGet("/login", Show);
        pages.MapPost("/login", Login).WithMetadata(new AuditedMetadata(AuditVerbs.SessionSignIn, AuditTargets.Token, AuditPlace.Here));
        pages.MapPost("/logout", Logout).WithMetadata(new AuditedMetadata(AuditVerbs.SessionSignOut, AuditTargets.Token, AuditPlace.Here));
    }

    /// <summary>A path of this server, as a header may carry it: never another one's, whatever a link says. The server's own pages escape what is beyond
    /// ASCII; a link with such characters was made by hand, and leads to the overview.</summary>
    public static string LocalPath(string? path) =>
        path is { Length: > 0 and <= 2000 } && path[0] == '/' && (path.Length == 1 || path[1] is not ('/' or '\\')) && !path.Any(c => char.IsControl(c) || !char.IsAscii(c))
            ? path
            : "/";

    private static RazorComponentResult<LoginPage> Show(string? returnUrl) => Page(LocalPath(returnUrl), null, StatusCodes.Status200OK);

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
        var principal = FleetUser.Principal(found, CookieAuthenticationDefaults.AuthenticationScheme, session);
        context.User = principal;
        await trail.Record(context, AuditVerbs.SessionSignIn, AuditTargets.Token, found.Id);
        await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).BeginSession(
            new SessionOrder(session, found.Id, time.GetUtcNow() + AccessRoom.SessionLength));
        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, principal);
        return TypedResults.Redirect(returnUrl);
    }

    /// <summary>Ends the session here and, within the verifier's few seconds, on every node: a copy of the cookie opens nothing.</summary>
    private static async Task<IResult> Logout(HttpContext context, TokenVerifier tokens, IGrainFactory grains, AuditTrail trail)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return Refused();
        var session = await context.AuthenticateAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        if (session.Principal is { } principal && FleetUser.Find(principal) is { SessionId: { } id } user)
        {
            context.User = principal;
            if (await tokens.FindBySession(id) is not null)
                await trail.Record(context, AuditVerbs.SessionSignOut, AuditTargets.Token, user.TokenId);
            await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).EndSession(id);
            tokens.Forget();
        }

        await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return TypedResults.Redirect("/login");
    }

    internal static IResult Refused() => Problems.Of(StatusCodes.Status403Forbidden, ProblemCodes.CrossOrigin, "From another page",
        "This form is taken only from this server's own pages.");

    private static RazorComponentResult<LoginPage> Page(string returnUrl, string? error, int status) =>
        new(new { ReturnUrl = returnUrl, Error = error }) { StatusCode = status };
}
