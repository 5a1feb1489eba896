using System.Security.Cryptography;
using System.Text.Encodings.Web;
using FleetMdm.Api.Hosting;
using QRCoder;

namespace FleetMdm.Api.Enrolment;

/// <summary>The pages that people see when they open an invitation: plain HTML that needs nothing else from the server.</summary>
internal static class EnrolmentPage
{
    private const int QrPixelsPerModule = 5;

    /// <summary>
    /// The invitation with a button, and a QR code for a computer's screen. Safari on an iPad passes for a Mac's, so that the
    /// server cannot know; the page can, by the touch screen, and goes for the profile by itself, unless the iPad has to trust the
    /// server first.
    /// </summary>
    /// <param name="trust">Where the server's own root is installed; null: the server's certificate is from an authority that iPads know.</param>
    public static IResult Invitation(HttpContext context, string organization, Uri link, DateTimeOffset expiresAt, Uri? trust)
    {
        using var generator = new QRCodeGenerator();
        using var data = generator.CreateQrCode(link.AbsoluteUri, QRCodeGenerator.ECCLevel.M);
        using var code = new SvgQRCode(data);
        var name = HtmlEncoder.Default.Encode(organization);
        var profile = HtmlEncoder.Default.Encode($"{link.AbsoluteUri}?profile=1");
        var plain = HtmlEncoder.Default.Encode($"{link.AbsoluteUri}?profile=plain");
        return Page(context, StatusCodes.Status200OK, $"Enrol an iPad: {name}",
            $"""
            <h1>{name}</h1>
            <p>By this link an iPad joins the iPads that the school manages. The school can then set it up, send it apps and settings, lock it and erase it. The link works until {expiresAt:yyyy-MM-dd HH:mm} UTC.</p>
            {(trust is null ? "" : TrustSteps(trust))}
            <h2>{(trust is null ? "On the iPad" : "2. Enrol the iPad")}</h2>
            <ol>
            <li><a class="button" id="install" href="{profile}">Enrol this iPad</a> and tap <em>Allow</em>.</li>
            <li>Open <em>Settings</em>, tap <em>Profile Downloaded</em> and then <em>Install</em>. It is also under <em>General</em>, <em>VPN &amp; Device Management</em>.</li>
            </ol>
            <p>Settings says that the profile could not be installed? Take <a href="{plain}">the profile for older devices</a> instead.</p>
            <h2>On a computer</h2>
            <p>Point the iPad's camera at this code.</p>
            <div class="qr" role="img" aria-label="QR code with the link of this page">{code.GetGraphic(QrPixelsPerModule)}</div>
            """,
            trust is not null ? null :
            """
            if (navigator.maxTouchPoints > 1 && /Macintosh|iPad/.test(navigator.userAgent)) location.replace(document.getElementById("install").href);
            """);
    }

    /// <summary>A root that was installed by hand is trusted for TLS only after a second step.
    /// <see href="https://support.apple.com/en-us/102390"/></summary>
    private static string TrustSteps(Uri trust) =>
        $"""
        <h2>1. Let the iPad trust this server</h2>
        <p>This server's certificate is from its own authority, which the iPad does not know yet. So Safari warned that the connection is not private. Do this once for each iPad, on a network that you trust.</p>
        <ol>
        <li><a class="button" href="{HtmlEncoder.Default.Encode(trust.AbsoluteUri)}">Download the root certificate</a> and tap <em>Allow</em>.</li>
        <li>Open <em>Settings</em>, <em>General</em>, <em>VPN &amp; Device Management</em>. Tap the downloaded profile and install it.</li>
        <li>Open <em>Settings</em>, <em>General</em>, <em>About</em>, <em>Certificate Trust Settings</em>. Switch the certificate on.</li>
        </ol>
        """;

    /// <summary>A profile that everybody can install by hand.</summary>
    /// <param name="download">Where the file is.</param>
    public static IResult Profile(HttpContext context, string organization, string profile, string? description, string download)
    {
        var (from, name) = (HtmlEncoder.Default.Encode(organization), HtmlEncoder.Default.Encode(profile));
        return Page(context, StatusCodes.Status200OK, $"{name}: {from}",
            $"""
            <h1>{name}</h1>
            <p>A profile for iPads, from {from}.</p>
            {(string.IsNullOrWhiteSpace(description) ? "" : $"<p>{HtmlEncoder.Default.Encode(description)}</p>")}
            <ol>
            <li>Open this page on the iPad, in Safari.</li>
            <li><a class="button" href="{HtmlEncoder.Default.Encode(download)}">Download profile</a> and tap <em>Allow</em>.</li>
            <li>Open <em>Settings</em>, tap <em>Profile Downloaded</em> and then <em>Install</em>. It is also under <em>General</em>, <em>VPN &amp; Device Management</em>.</li>
            </ol>
            <p>To remove it later, open <em>Settings</em>, <em>General</em>, <em>VPN &amp; Device Management</em>, and tap the profile.</p>
            """,
            null);
    }

    /// <summary>Where a person arrives who opens the iPads' address by hand. It says nothing of the server.</summary>
    public static IResult Front(HttpContext context) => Page(context, StatusCodes.Status200OK, "An address for iPads",
        """
        <h1>An address for iPads</h1>
        <p>The iPads of a school get their settings and apps here. There is nothing else to see.</p>
        <p>Do you want to enrol an iPad? Open the link, or scan the code, that the school has given you. Do you manage the iPads? Your console has an address of its own.</p>
        """,
        null);

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
        ForwardedScheme.DemandTls(context);
        return Results.Content(
            $$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{{title}}</title>
            <style nonce="{{nonce}}">
            :root { color-scheme: light dark; --ink: #16202c; --paper: #f4f6f9; --card: #fff; --line: #d9dfe7; --accent: #0b57d0; --on-accent: #fff; }
            @media (prefers-color-scheme: dark) {
              :root { --ink: #e6ebf2; --paper: #11161d; --card: #1a212b; --line: #323c4a; --accent: #8ab4f8; --on-accent: #0b1b33; }
            }
            * { box-sizing: border-box; }
            html { -webkit-text-size-adjust: 100%; }
            body { margin: 0; padding: 1.25rem; font: 1.0625rem/1.5 system-ui, -apple-system, sans-serif; color: var(--ink); background: var(--paper); }
            main { max-width: 38rem; margin: 0 auto; padding: 1.5rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); overflow-wrap: anywhere; }
            h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .75rem; }
            h2 { font-size: 1.15rem; margin: 1.5rem 0 .5rem; }
            li { margin: .6rem 0; }
            .button { display: inline-block; min-height: 2.75rem; padding: .5rem 1.1rem; border-radius: .5rem; background: var(--accent); color: var(--on-accent); font-weight: 600; text-decoration: none; }
            :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
            .qr { width: min(16rem, 100%); padding: 1rem; border-radius: .75rem; background: #fff; }
            .qr svg { display: block; width: 100%; height: auto; }
            </style>
            </head>
            <body>
            <main>
            {{body}}
            </main>
            {{(script is null ? "" : $"<script nonce=\"{nonce}\">{script}</script>")}}
            </body>
            </html>
            """, "text/html; charset=utf-8", statusCode: status);
    }
}
