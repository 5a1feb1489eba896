using System.Net;
using System.Net.Security;
using System.Text;
using System.Text.RegularExpressions;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>The web view that an iPad in Setup Assistant opens, with somebody in front of it: keeps cookies, follows redirects, fills in the first form of a page. No scripts.</summary>
/// <param name="trust">What the iPad trusts.</param>
public sealed partial class WebView(TrustAnchors trust) : IDisposable
{
    private const int MostRedirects = 10;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        CookieContainer = new CookieContainer(),
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust.NewPolicy() },
    })
    {
        DefaultRequestHeaders = { { "Accept", "text/html,application/xhtml+xml,*/*;q=0.8" } },
    };

    public async Task<WebViewPage> OpenAsync(Uri address, string? deviceInfo, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        // With the first page alone, and not where it leads to.
        if (deviceInfo is not null) request.Headers.TryAddWithoutValidation("x-apple-aspen-deviceinfo", deviceInfo);
        return await ReadAsync(request, cancellation);
    }

    /// <summary>Sends the first form of a page, with its hidden fields.</summary>
    /// <param name="values">What the person types, and the button that they press.</param>
    public async Task<WebViewPage> SubmitAsync(WebViewPage page, IReadOnlyDictionary<string, string> values, CancellationToken cancellation = default)
    {
        var form = FirstForm().Match(page.Text);
        if (!form.Success) throw new EnrolmentException($"{page.Address} has no form: {page.Text}");
        var fields = Hidden().Matches(form.Value).ToDictionary(field => field.Groups["name"].Value, field => WebUtility.HtmlDecode(field.Groups["value"].Value));
        foreach (var (name, value) in values) fields[name] = value;
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(page.Address, WebUtility.HtmlDecode(form.Groups["action"].Value))) { Content = new FormUrlEncodedContent(fields) };
        request.Headers.Add("Origin", page.Address.GetLeftPart(UriPartial.Authority));
        return await ReadAsync(request, cancellation);
    }

    public void Dispose() => _http.Dispose();

    private async Task<WebViewPage> ReadAsync(HttpRequestMessage first, CancellationToken cancellation)
    {
        var address = first.RequestUri!;
        var answer = await _http.SendAsync(first, cancellation);
        for (var redirects = 0; answer.StatusCode is HttpStatusCode.Found or HttpStatusCode.SeeOther; redirects++)
        {
            if (redirects == MostRedirects) throw new EnrolmentException($"{first.RequestUri} leads on and on.");
            address = new Uri(address, answer.Headers.Location!);
            answer.Dispose();
            answer = await _http.GetAsync(address, cancellation);
        }

        using (answer)
            return new WebViewPage(address, (int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsByteArrayAsync(cancellation));
    }

    [GeneratedRegex("""<form[^>]*action="(?<action>[^"]*)".*?</form>""", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex FirstForm();

    [GeneratedRegex("""<input type="hidden" name="(?<name>[^"]*)" value="(?<value>[^"]*)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Hidden();
}

/// <summary>What a web view shows.</summary>
public sealed record WebViewPage(Uri Address, int Status, string? MediaType, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>Somebody who signs in on an iPad in Setup Assistant.</summary>
public sealed record SignInName(string UserName, string Password);
