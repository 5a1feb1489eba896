using System.Net.Security;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Identity;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// Kestrel's TLS certificate, issued by the root for TLS: for the host of <c>Mdm:PublicUrl</c> and localhost. From the CA of an earlier version that was not
/// moved: for this machine's name too.
/// </summary>
/// <remarks>
/// Each node issues its own, in memory, at the first connection, and a new one when a third of its life is left; iPads trust the root, not
/// the certificate, so that nodes need not share one. Connections that were opened with the old one go on.
/// </remarks>
public sealed partial class ServerCertificateProvider(
    EnrolmentAuthority authority, IOptions<MdmOptions> options, TimeProvider time, ILogger<ServerCertificateProvider> logger)
{
    private readonly Lock _issuing = new();
    private volatile Issued? _issued;

    /// <summary>The certificate with its chain built once; for <see cref="SslServerAuthenticationOptions"/>, which otherwise
    /// builds it for every connection. Null while the CA has not been fetched.</summary>
    public SslStreamCertificateContext? Context => Current?.Context;

    private Issued? Current
    {
        get
        {
            var issued = _issued;
            if (authority.Current is not { } snapshot)
                return null;
            if (issued is not null && ReferenceEquals(issued.Issuer, snapshot.TlsIssuer) && time.GetUtcNow() < issued.RenewAt)
                return issued;
            lock (_issuing)
            {
                if (_issued is null || ReferenceEquals(_issued, issued))
                    _issued = Issue(snapshot);
                return _issued;
            }
        }
    }

    private Issued Issue(AuthoritySnapshot snapshot)
    {
        var now = time.GetUtcNow();
        var names = Names(options.Value.PublicHost, snapshot.HasTlsRoot);
        var keyed = snapshot.TlsIssuer.IssueServer(names, now, CertificateAuthority.MaxServerLifetime);
        var certificate = keyed.Open();
        var notAfter = IdentityCertificate.Parse(keyed.Certificate).NotAfter;
        LogIssued(string.Join(", ", names), notAfter);
        return new Issued(SslStreamCertificateContext.Create(certificate, null, offline: true), snapshot.TlsIssuer, now + (notAfter - now) * 2 / 3);
    }

    /// <summary>A name that the root does not permit would spoil the whole certificate.</summary>
    private static List<string> Names(string publicHost, bool constrained)
    {
        var names = CertificateAuthority.NamesOfTlsRoot(publicHost);
        if (!constrained) names = [.. names, Environment.MachineName.ToLowerInvariant()];
        return [.. names.Where(name => Uri.CheckHostName(name) is not UriHostNameType.Unknown).Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    private sealed record Issued(SslStreamCertificateContext Context, CertificateAuthority Issuer, DateTimeOffset RenewAt);

    [LoggerMessage(3310, LogLevel.Information, "TLS certificate issued for {Names}, until {NotAfter:yyyy-MM-dd}.")]
    private partial void LogIssued(string names, DateTimeOffset notAfter);
}
