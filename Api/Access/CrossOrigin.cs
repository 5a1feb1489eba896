namespace FleetMdm.Api.Access;

/// <summary>Whether a browser sends a request from one of our own pages. What changes something by a session's cookie must.</summary>
/// <remarks>
/// <c>Sec-Fetch-Site</c> cannot be set by a page and is sent by every current browser over https; <c>Origin</c> is sent with
/// every POST. A request with neither comes from no browser we know, and is refused. The cookie is SameSite=Strict besides.
/// </remarks>
internal static class CrossOrigin
{
    private static readonly object Refused = new();

    public static bool IsOwnPage(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0) return site == "same-origin";

        var origin = request.Headers.Origin;
        return origin.Count == 1 && string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);
    }

    public static void MarkRefused(HttpContext context) => context.Items[Refused] = true;

    public static bool IsRefused(HttpContext context) => context.Items.ContainsKey(Refused);
}
