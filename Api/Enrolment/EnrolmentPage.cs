using System.Security.Cryptography;
using System.Text.Encodings.Web;
using QRCoder;

namespace FleetMdm.Api.Enrolment;

/// <summary>The pages that people see when they open an invitation: plain HTML that needs nothing else from the server.</summary>
internal static class EnrolmentPage
{
    private const int QrPixelsPerModule = 5;

    /// <summary>
    /// The invitation with a button, and a QR code for a computer's screen. Safari on an iPad passes for a Mac's, so that the
    /// server cannot know; the page can, by the touch screen, and goes for the profile by itself.
    /// </summary>
    public static IResult Invitation(HttpContext context, string organization, Uri link, DateTimeOffset expiresAt)
    {
        using var generator = new QRCodeGenerator();
        using var data = generator.CreateQrCode(link.AbsoluteUri, QRCodeGenerator.ECCLevel.M);
        using var code = new SvgQRCode(data);
        var name = HtmlEncoder.Default.Encode(organization);
        var profile = HtmlEncoder.Default.Encode($"{link.AbsoluteUri}?profile=1");
        return Page(context, StatusCodes.Status200OK, $"Enrol an iPad: {name}",
            $"""
            <h1>{name}</h1>
            <p>This invitation puts an iPad under the management of {name}. It can be used until {expiresAt:yyyy-MM-dd HH:mm} UTC.</p>
            <p><a class="button" id="install" href="{profile}">Enrol this iPad</a></p>
            <p>Afterwards open Settings, tap <em>Profile Downloaded</em>, and install it.</p>
            <p>On a computer: point the iPad's camera at this code.</p>
            {code.GetGraphic(QrPixelsPerModule)}
            """,
            """
            if (navigator.maxTouchPoints > 1 && /Macintosh|iPad/.test(navigator.userAgent)) location.replace(document.getElementById("install").href);
            """);
    }

    public static IResult Refusal(HttpContext context, int status, string title, string explanation) =>
        Page(context, status, title, $"<h1>{HtmlEncoder.Default.Encode(title)}</h1><p>{HtmlEncoder.Default.Encode(explanation)}</p>", null);

    private static IResult Page(HttpContext context, int status, string title, string body, string? script)
    {
        var nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = $"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        return Results.Content(
            $$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{{title}}</title>
            <style nonce="{{nonce}}">
            body { font: 18px/1.5 system-ui, sans-serif; max-width: 34em; margin: 3em auto; padding: 0 1em; color: #1d1d1f; background: #fff; }
            .button { display: inline-block; padding: .6em 1.4em; border-radius: .6em; background: #0a5fd0; color: #fff; text-decoration: none; }
            svg { max-width: 100%; height: auto; }
            </style>
            </head>
            <body>
            {{body}}
            {{(script is null ? "" : $"<script nonce=\"{nonce}\">{script}</script>")}}
            </body>
            </html>
            """, "text/html; charset=utf-8", statusCode: status);
    }
}
