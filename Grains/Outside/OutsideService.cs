using System.Net;
using System.Net.Security;
using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Grains.Outside;

/// <summary>How services of Apple's are reached: by the roots and the proxy that the options name, without cookies and redirects.</summary>
internal static class OutsideService
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>Who asks.</summary>
    public static string Agent { get; } =
        $"FleetMdm/{typeof(OutsideService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0"}";

    /// <param name="roots">The only ones that count; null: the system's.</param>
    /// <param name="proxy">Null: none.</param>
    public static HttpMessageInvoker Connect(X509Certificate2Collection? roots, string? proxy)
    {
        var tls = new SslClientAuthenticationOptions();
        if (roots is not null)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
        }

        var through = Proxy(proxy);
        return new HttpMessageInvoker(new SocketsHttpHandler
        {
            SslOptions = tls,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = Lifetime,
            Proxy = through,
            UseProxy = through is not null,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.All,
            ActivityHeadersPropagator = null,
        });
    }

    /// <summary>With the name and password that its address may hold. Null: none.</summary>
    public static WebProxy? Proxy(string? address)
    {
        if (string.IsNullOrEmpty(address)) return null;
        var uri = new Uri(address);
        var proxy = new WebProxy(new UriBuilder(uri) { UserName = "", Password = "" }.Uri);
        if (uri.UserInfo.Split(':', 2) is [{ Length: > 0 } user, var password])
            proxy.Credentials = new NetworkCredential(Uri.UnescapeDataString(user), Uri.UnescapeDataString(password));
        return proxy;
    }

    /// <summary>The certificates of a PEM file; null: no file.</summary>
    public static X509Certificate2Collection? Roots(string? file)
    {
        if (string.IsNullOrEmpty(file)) return null;
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(file);
        return roots;
    }

    /// <summary>A sentence on what is wrong with the options that these services share, or null.</summary>
    public static string? FindFault(string section, string endpoint, string? proxy, int answerSeconds, string? rootFile)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttps) return $"{section}:Endpoint must be an https address.";
        if (!string.IsNullOrEmpty(proxy) && !(Uri.TryCreate(proxy, UriKind.Absolute, out var through) && through.Scheme == Uri.UriSchemeHttp)) return $"{section}:Proxy must be an address as in http://proxy.example:3128.";
        if (answerSeconds is < 1 or > 600) return $"{section}:AnswerSeconds must be from 1 to 600.";
        try
        {
            return Roots(rootFile) is { Count: 0 } ? $"{section}:TrustedRootFile names {rootFile}, which has no certificate in it." : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return $"{section}:TrustedRootFile names {rootFile}, which cannot be read: {e.Message}";
        }
    }
}
