using FleetMdm.Api.Hosting;

namespace FleetMdm.Api.Rest;

/// <summary>Headers of every answer of the admin side: never cached, never framed, never taken for another type.</summary>
internal sealed class AdminHeaders(RequestDelegate next)
{
    /// <summary>For answers that are no page: nothing may be loaded or run from them.</summary>
    private const string NoPage = "default-src 'none'; frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = context.GetEndpoint()?.Metadata.GetMetadata<ContentPolicy>()?.Value ?? NoPage;
        ForwardedScheme.DemandTls(context);
        return next(context);
    }
}

/// <summary>Endpoint metadata: what a page may load and run.</summary>
internal sealed record ContentPolicy(string Value)
{
    /// <summary>Our own pages: our style sheet, our one script, our pictures, our forms. The script may ask this server alone.</summary>
    public static readonly ContentPolicy Page = new(
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");

    /// <summary>The Orleans dashboard: its own scripts, and the styles that it sets from them.</summary>
    public static readonly ContentPolicy Dashboard = new(
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
        "base-uri 'none'; frame-ancestors 'none'");
}
