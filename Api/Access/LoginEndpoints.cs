using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FleetMdm.Api.Access;

/// <summary><c>/login</c> and <c>/logout</c>: a browser's session, begun with an API token.</summary>
internal static class LoginEndpoints
{
    public static void MapPages(RouteGroupBuilder open)
    {
        var pages = open.MapGroup("").ExcludeFromDescription().WithMetadata(ContentPolicy.Page);
        pages.MapGet("/login", Show);
        pages.MapPost("/login", Login);
        pages.MapPost("/logout", (Delegate)Logout);
    }

    /// <summary>A path of this server: never another one's, whatever a link says.</summary>
    public static string LocalPath(string? path) =>
        path is { Length: > 0 and <= 2000 } && path[0] == '/' && (path.Length == 1 || path[1] is not ('/' or '\\')) && !path.Any(char.IsControl)
            ? path
            : "/";

    private static RazorComponentResult<LoginPage> Show(string? returnUrl) => Page(LocalPath(returnUrl), null, StatusCodes.Status200OK);

    private static async Task<IResult> Login(HttpContext context, TokenVerifier tokens, GuessingThrottle throttle)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return Refused();

        var form = await FormBody.ReadAsync(context);
        var returnUrl = LocalPath(form.Get("returnUrl"));
        var token = form.Get("token")?.Trim() ?? "";
        var address = context.Connection.RemoteIpAddress;
        var looksRight = ApiToken.LooksRight(token);
        if (throttle.IsThrottled(address) && !(looksRight && tokens.WasGood(token)))
        {
            context.Response.Headers.RetryAfter = "60";
            return Page(returnUrl, "Too many wrong tokens came from your address. Try again in a minute.", StatusCodes.Status429TooManyRequests);
        }

        if (!looksRight || await tokens.FindBySecret(token) is not { } found)
        {
            throttle.CountFailure(address);
            return Page(returnUrl, "This token is unknown, revoked or expired.", StatusCodes.Status401Unauthorized);
        }

        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme,
            FleetUser.Principal(found, CookieAuthenticationDefaults.AuthenticationScheme));
        return TypedResults.Redirect(returnUrl);
    }

    private static async Task<IResult> Logout(HttpContext context)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return Refused();
        await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return TypedResults.Redirect("/login");
    }

    private static IResult Refused() => Problems.Of(StatusCodes.Status403Forbidden, ProblemCodes.CrossOrigin, "From another page",
        "This form is taken only from this server's own pages.");

    private static RazorComponentResult<LoginPage> Page(string returnUrl, string? error, int status) =>
        new(new { ReturnUrl = returnUrl, Error = error }) { StatusCode = status };
}
