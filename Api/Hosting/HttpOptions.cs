namespace FleetMdm.Api.Hosting;

/// <summary>Section <c>Http</c>: where the server listens.</summary>
public sealed class HttpOptions
{
    public const string Section = "Http";

    /// <summary>Where iPads connect, and administrators too unless <see cref="AdminListen"/> is set: <c>https://*:8443</c>. With
    /// <c>http</c> only behind a proxy that ends TLS. Port 0 takes a free one.</summary>
    public string Listen { get; set; } = "https://*:8443";

    /// <summary>A listener of their own for administrators; the device side is then not served there, nor theirs on
    /// <see cref="Listen"/>.</summary>
    public string? AdminListen { get; set; }

    /// <summary>A plain listener, <c>http://*:80</c>, that sends browsers to <see cref="MdmOptions.PublicUrl"/> and does nothing else. Null: none.</summary>
    public string? RedirectListen { get; set; }

    /// <summary>PEM file (certificate, then intermediates) or PKCS#12 of the server certificate. Null: one of the built-in CA.
    /// A changed file is used for new connections within a minute.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>PEM file of the private key; null when <see cref="CertificateFile"/> holds it.</summary>
    public string? CertificateKeyFile { get; set; }

    /// <summary>Password of the key or the PKCS#12.</summary>
    public string? CertificatePassword { get; set; }

    /// <summary>The server's own TLS certificate comes from a root that permits this server's host only, and that root alone is handed out. Null: as the
    /// installation began. False: from the CA of identities, as in an installation of an earlier version; both roots are handed out.</summary>
    public bool? SeparateTlsRoot { get; set; }

    /// <summary>Whether clients see a certificate of the built-in CA: TLS ends here, and nobody gave another one.</summary>
    internal bool PresentsBuiltInCa => CertificateFile is null && ListenAddress.TryParse(Listen) is { Https: true };

    /// <summary>Where administrators reach this server: <paramref name="publicUrl"/>, unless they have a listener of their own. That one is at the same host as
    /// the public URL, for which the certificate is, unless it listens on one address only.</summary>
    public Uri AdminUri(Uri publicUrl)
    {
        if (AdminListen is null || ListenAddress.TryParse(AdminListen) is not { } admin) return publicUrl;
        var host = admin.Host is "*" or "0.0.0.0" or "[::]" ? publicUrl.Host : admin.Host;
        return new UriBuilder(admin.Https ? Uri.UriSchemeHttps : Uri.UriSchemeHttp, host, admin.Port).Uri;
    }

    internal string? FindFault()
    {
        foreach (var (name, value) in new[] { ("Http:Listen", Listen), ("Http:AdminListen", AdminListen) })
        {
            if (value is not null && ListenAddress.TryParse(value) is null)
                return $"{name} must be a URL such as https://*:8443 or http://127.0.0.1:8080, but is \"{value}\".";
        }

        if (RedirectListen is not null && ListenAddress.TryParse(RedirectListen) is not { Https: false })
            return $"Http:RedirectListen must be an http URL such as http://*:80, but is \"{RedirectListen}\".";

        foreach (var (name, file) in new[] { ("Http:CertificateFile", CertificateFile), ("Http:CertificateKeyFile", CertificateKeyFile) })
        {
            if (file is not null && !File.Exists(file)) return $"{name} names \"{file}\", which is not a file.";
        }

        return null;
    }
}

/// <summary>A listening URL taken apart.</summary>
/// <param name="Host"><c>*</c>, <c>localhost</c> or an IP address.</param>
public sealed record ListenAddress(bool Https, string Host, int Port)
{
    public static ListenAddress? TryParse(string url)
    {
        var scheme = url.StartsWith("https://", StringComparison.Ordinal) ? "https://" : url.StartsWith("http://", StringComparison.Ordinal) ? "http://" : null;
        if (scheme is null) return null;
        var rest = url[scheme.Length..].TrimEnd('/');
        var colon = rest.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(rest[(colon + 1)..], out var port)) return null;
        var host = rest[..colon];
        return host is "*" or "localhost" || System.Net.IPAddress.TryParse(host.Trim('[', ']'), out _)
            ? new ListenAddress(scheme == "https://", host, port)
            : null;
    }
}
