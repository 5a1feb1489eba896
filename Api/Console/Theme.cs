using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Console;

/// <summary>Light or dark, as a person chose for this browser: a cookie, and nothing on the server.</summary>
internal static class Theme
{
    public const string Path = "/theme";

    private const string Cookie = "fleetmdm-theme";
    private static readonly TimeSpan Lasts = TimeSpan.FromDays(365);

    /// <summary>What can be chosen; the first one is kept by no cookie.</summary>
    public static readonly (string Value, string Words)[] Choices = [("system", "As the system"), ("light", "Light"), ("dark", "Dark")];

    /// <summary>light or dark; null: as the system.</summary>
    public static string? Of(HttpContext? context) => context?.Request.Cookies[Cookie] is "light" or "dark" ? context.Request.Cookies[Cookie] : null;

    public static async Task<IResult> Choose(HttpContext context)
    {
        if (!CrossOrigin.IsOwnPage(context.Request)) return LoginEndpoints.Refused();
        var form = await FormBody.ReadAsync(context);
        var options = new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, IsEssential = true, MaxAge = Lasts, Path = "/" };
        switch (form.Get("theme"))
        {
            case "system":
                context.Response.Cookies.Delete(Cookie, options);
                break;
            case ("light" or "dark") and var theme:
                context.Response.Cookies.Append(Cookie, theme, options);
                break;
            default:
                throw ApiProblem.Field("theme", "It must be system, light or dark.");
        }

        return PageForms.See(LoginEndpoints.LocalPath(form.Get("returnUrl")));
    }
}
