using System.Net;

namespace FleetMdm.Api.Hosting;

/// <summary>Whether the client's connection is encrypted, where a proxy ends TLS; and what follows from it for browsers.</summary>
internal static class ForwardedScheme
{
    private const string HeaderName = "X-Forwarded-Proto";

    /// <summary>A year, as browsers' makers advise. Without subdomains: those are not ours.</summary>
    private const string OnlyWithTls = "max-age=31536000";

    /// <summary>Takes the scheme from a trusted proxy. Of several in one header, the last is what the nearest proxy saw.</summary>
    public static void UseForwardedScheme(this WebApplication app)
    {
        var proxies = app.Services.GetRequiredService<TrustedProxies>();
        if (!proxies.Any) return;
        app.Use((context, next) =>
        {
            var request = context.Request;
            if (request.Headers.TryGetValue(HeaderName, out var values) && values is [.., { } value] && proxies.Contains(context.Connection.RemoteIpAddress))
            {
                var scheme = value.AsSpan()[(value.LastIndexOf(',') + 1)..].Trim();
                if (scheme.Equals("https", StringComparison.OrdinalIgnoreCase)) request.Scheme = "https";
                else if (scheme.Equals("http", StringComparison.OrdinalIgnoreCase)) request.Scheme = "http";
            }

            return next(context);
        });
    }

    /// <summary>Tells a browser to come with TLS only from now on (RFC 6797). Not for a machine's own name for itself, which other servers share.</summary>
    public static void DemandTls(HttpContext context)
    {
        var host = context.Request.Host.Host;
        if (context.Request.IsHttps && host.Length > 0 && !host.Equals("localhost", StringComparison.OrdinalIgnoreCase) && !IPAddress.TryParse(host.Trim('[', ']'), out _))
            context.Response.Headers.StrictTransportSecurity = OnlyWithTls;
    }
}
