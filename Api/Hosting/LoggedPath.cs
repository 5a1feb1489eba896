namespace FleetMdm.Api.Hosting;

/// <summary>A request's path as the log may hold it. The id of an invitation lets its bearer enrol, the link of a public profile gives it away, the
/// token of an app lets its bearer download it, and a link to set a password lets its bearer in: their places are named instead of them.</summary>
internal static class LoggedPath
{
    public static string Of(HttpContext context)
    {
        var path = context.Request.Path;
        var secret = path.StartsWithSegments("/enroll") || path.StartsWithSegments("/profile") || path.StartsWithSegments("/app") || path.StartsWithSegments("/set-password") || path.StartsWithSegments("/invitations") || path.StartsWithSegments("/api/v1/invitations");
        return !secret ? path.Value ?? "/" : context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } pattern } ? pattern : "/…";
    }
}
