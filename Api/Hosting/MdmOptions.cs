using System.Net;

namespace FleetMdm.Api.Hosting;

/// <summary>Section <c>Mdm</c>: how iPads reach this server and prove who they are.</summary>
public sealed class MdmOptions
{
    public const string Section = "Mdm";

    /// <summary>Where iPads reach this server: <c>https://mdm.district.example</c>, with a port when it is not 443. It is written
    /// into every enrolment profile, so it must never change while iPads are enrolled. Default: this machine's name and the
    /// port of <c>Http:Listen</c>.</summary>
    public string? PublicUrl { get; set; }

    /// <summary>Enrolment profiles ask iPads to sign each message (the Mdm-Signature header). Needed where a proxy ends TLS
    /// without passing the client certificate on.</summary>
    public bool SignMessage { get; set; } = true;

    /// <summary>Take an Mdm-Signature made with SHA-1, as iPads were seen to make it.</summary>
    public bool AllowSha1Signatures { get; set; } = true;

    /// <summary>How many minutes the time that an Mdm-Signature says may be from the server's, either way; 1 to 10080. Null: it is not looked at. A
    /// signature that says no time is taken, and iPads were seen to say none.</summary>
    public int? SigningTimeToleranceMinutes { get; set; }

    /// <summary>A message needs the client certificate of its TLS connection, here or told by a trusted proxy; Mdm-Signature alone is refused.</summary>
    public bool RequireClientCertificate { get; set; }

    /// <summary>PEM files of further CAs whose identity certificates are accepted: of the server that a district comes from.</summary>
    public IList<string> TrustedIdentityCas { get; set; } = [];

    /// <summary>Until when a certificate of <see cref="TrustedIdentityCas"/> may enrol an iPad: the end of the migration, as in
    /// <c>2026-09-30T00:00:00Z</c>. Null, and after it: such a certificate goes on where it is pinned, and enrols nothing.</summary>
    public DateTimeOffset? TrustedIdentityCasEnrolUntil { get; set; }

    /// <summary>How many days after its expiry an identity certificate that is pinned may still check in, 0 to 3650. An iPad that
    /// slept in a cupboard over the summer then renews instead of being lost.</summary>
    public int ExpiredCertificateGraceDays { get; set; } = 90;

    /// <summary>The header in which a trusted proxy passes the client certificate, in any form of <see cref="Protocol.Identity.CertificateHeader"/>. Null:
    /// no header is believed.</summary>
    public string? ClientCertificateHeader { get; set; }

    /// <summary>Addresses or networks (CIDR) of the proxies whose headers are believed: the client certificate's, and <c>X-Forwarded-Proto</c>.</summary>
    public IList<string> TrustedProxies { get; set; } = [];

    /// <summary>Connections from <see cref="TrustedProxies"/> begin with a PROXY header (version 1 or 2) that tells the client's address: for a balancer that passes
    /// TLS through. One that does not is closed. Connections from elsewhere are taken as they are.</summary>
    public bool ProxyProtocol { get; set; }

    /// <summary>The header in which <see cref="TrustedProxies"/> tell the client's address: <c>X-Forwarded-For</c>. Null: none is believed.</summary>
    public string? ForwardedForHeader { get; set; }

    /// <summary>The largest message of an iPad, in bytes: 64 KiB to 64 MiB. A larger one is answered 413.</summary>
    public int MaxMessageBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary><see cref="PublicUrl"/>, or what stands in for it.</summary>
    public Uri PublicUri => new(PublicUrl ?? $"https://{Dns.GetHostName().ToLowerInvariant()}:{ListenPort}");

    /// <summary>The host of <see cref="PublicUri"/>: a DNS name in ASCII and lower case, or an IP address without brackets.</summary>
    public string PublicHost => PublicUri.IdnHost.Trim('[', ']').ToLowerInvariant();

    /// <summary>Of <c>Http:Listen</c>: the port of a URL that nobody gave.</summary>
    internal int ListenPort { get; set; } = 8443;

    /// <summary>Of <c>Http:Listen</c>: TLS ends here.</summary>
    internal bool ListensWithTls { get; set; } = true;

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault()
    {
        if (PublicUrl is not null &&
            (!Uri.TryCreate(PublicUrl, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps || uri.AbsolutePath != "/" || uri.Query.Length > 0))
            return $"Mdm:PublicUrl must be an https URL without a path, as in https://mdm.district.example, but is \"{PublicUrl}\".";
        if (ProxyProtocol && TrustedProxies.Count == 0)
            return "Mdm:ProxyProtocol is set, but Mdm:TrustedProxies names no proxy whose header may be believed.";
        if (ForwardedForHeader is not null && TrustedProxies.Count == 0)
            return "Mdm:ForwardedForHeader is set, but Mdm:TrustedProxies names no proxy whose header may be believed.";
        if (ForwardedForHeader is not null && (ForwardedForHeader.Length == 0 || !ForwardedForHeader.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
            return $"Mdm:ForwardedForHeader must be the name of a header such as X-Forwarded-For, but is \"{ForwardedForHeader}\".";
        if (ExpiredCertificateGraceDays is < 0 or > 3650)
            return $"Mdm:ExpiredCertificateGraceDays must be 0 to 3650, but is {ExpiredCertificateGraceDays}.";
        if (MaxMessageBytes is < 64 * 1024 or > 64 * 1024 * 1024)
            return $"Mdm:MaxMessageBytes must be 65536 to 67108864, but is {MaxMessageBytes}.";
        if (SigningTimeToleranceMinutes is < 1 or > 10_080)
            return $"Mdm:SigningTimeToleranceMinutes must be 1 to 10080, but is {SigningTimeToleranceMinutes}.";
        if (RequireClientCertificate && !ListensWithTls && ClientCertificateHeader is null)
            return "Mdm:RequireClientCertificate is set, but no message can bring one: Http:Listen is http, and Mdm:ClientCertificateHeader is not set.";
        foreach (var proxy in TrustedProxies)
        {
            if (!Hosting.TrustedProxies.IsAddressOrNetwork(proxy))
                return $"Mdm:TrustedProxies must hold addresses or networks, with commas between them, as in 10.1.2.3,10.1.2.16/28, but holds \"{proxy}\".";
        }

        if (ClientCertificateHeader is not null && TrustedProxies.Count == 0)
            return "Mdm:ClientCertificateHeader is set, but Mdm:TrustedProxies names no proxy whose header may be believed. Set it as in Mdm:TrustedProxies=10.1.2.3,10.1.2.4.";
        if (TrustedIdentityCasEnrolUntil is not null && TrustedIdentityCas.Count == 0)
            return "Mdm:TrustedIdentityCasEnrolUntil is set, but Mdm:TrustedIdentityCas names no CA.";
        foreach (var file in TrustedIdentityCas)
        {
            if (!File.Exists(file)) return $"Mdm:TrustedIdentityCas names \"{file}\", which is not a file.";
        }

        return null;
    }
}
