namespace FleetMdm.Api.Hosting;

/// <summary>A request's path as the log may hold it. The id of an invitation lets its bearer enrol, so its place is named instead of it.</summary>
internal static class LoggedPath
{
    public static string Of(HttpContext context)
    {
        var path = context.Request.Path;
        var secret = path.StartsWithSegments("/enroll") || path.StartsWithSegments("/invitations") || path.StartsWithSegments("/api/v1/invitations");
        return !secret ? path.Value ?? "/" : context.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } pattern } ? pattern : "/…";
    }
}
