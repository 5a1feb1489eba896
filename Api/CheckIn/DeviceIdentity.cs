using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Identity;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.CheckIn;

/// <summary>
/// Establishes the identity certificate of an iPad's message. In this order, the first that is there decides, and no other is
/// tried after it failed: the header of a trusted proxy, the client certificate of the TLS connection, <c>Mdm-Signature</c>.
/// </summary>
/// <remarks>Whether the certificate is pinned to the enrolment is the grain's question. Any thread; no state but caches.</remarks>
public sealed class DeviceIdentity
{
    /// <summary>In bytes of DER: most are shorter.</summary>
    private const int UsualCertificate = 2048;

    private readonly MdmOptions _options;
    private readonly EnrolmentAuthority _authority;
    private readonly TimeProvider _clock;
    private readonly TrustedProxies _proxies;

    public DeviceIdentity(IOptions<MdmOptions> options, TrustedProxies proxies, EnrolmentAuthority authority, TimeProvider clock)
    {
        _options = options.Value;
        _authority = authority;
        _clock = clock;
        _proxies = proxies;
    }

    /// <summary>Whom a message is from if it proves true: what can be told without its body. Of an Mdm-Signature, only the certificate is looked at.</summary>
    /// <exception cref="IdentityException">None is there, or it may not identify an iPad.</exception>
    public async ValueTask<VerifiedIdentity> Presume(HttpContext context)
    {
        if (IsBesideTheBody(context) || _options.RequireClientCertificate) return await Establish(context, ReadOnlyMemory<byte>.Empty);
        var signer = MdmSignature.Signer(context.Request.Headers[MdmSignature.HeaderName]);
        return (await _authority.Get()).Verifier.Verify(signer.Der.Span, _clock.GetUtcNow());
    }

    /// <exception cref="IdentityException">None was there, or it may not identify an iPad.</exception>
    public async ValueTask<VerifiedIdentity> Establish(HttpContext context, ReadOnlyMemory<byte> body)
    {
        var verifier = (await _authority.Get()).Verifier;
        var now = _clock.GetUtcNow();
        return FromProxy(context) is { } header ? VerifyHeader(verifier, header, now)
            : context.Connection.ClientCertificate is { } certificate ? verifier.Verify(certificate.RawDataMemory.Span, now)
            : _options.RequireClientCertificate ? throw new IdentityException(IdentityRefusal.Missing,
                "The connection has no client certificate, and Mdm:RequireClientCertificate asks for one.")
            : verifier.VerifySignature(body.Span, context.Request.Headers[MdmSignature.HeaderName], now);
    }

    /// <summary>Whether the identity can be established without the body.</summary>
    public bool IsBesideTheBody(HttpContext context) => FromProxy(context) is not null || context.Connection.ClientCertificate is not null;

    /// <summary>The whole certificate of a message whose identity was established.</summary>
    public IdentityCertificate Certificate(HttpContext context, ReadOnlyMemory<byte> body) =>
        FromProxy(context) is { } header ? IdentityCertificate.Parse(CertificateHeader.Parse(header, []).ToArray())
        : context.Connection.ClientCertificate is { } certificate ? IdentityCertificate.Parse(certificate.RawDataMemory)
        : MdmSignature.Verify(body.Span, context.Request.Headers[MdmSignature.HeaderName]);

    /// <summary>What a refused message brought, in words for the log.</summary>
    public string Presented(HttpContext context)
    {
        var headers = context.Request.Headers;
        var stranger = _options.ClientCertificateHeader is { } name && headers.ContainsKey(name) && !_proxies.Contains(context.Connection.RemoteIpAddress)
            ? $" The header {name} is not believed from this address: Mdm:TrustedProxies does not name it."
            : "";
        try
        {
            if (FromProxy(context) is { } header)
                return $"in the header {_options.ClientCertificateHeader} of a trusted proxy a certificate with {IdentityCertificate.Parse(CertificateHeader.Parse(header, []).ToArray()).Description}.";
            if (context.Connection.ClientCertificate is { } certificate)
                return $"by TLS a certificate with {IdentityCertificate.Parse(certificate.RawDataMemory).Description}.{stranger}";
            if (headers.TryGetValue(MdmSignature.HeaderName, out var signature))
                return $"by Mdm-Signature a certificate with {MdmSignature.Signer(signature).Description}.{stranger}";
            return $"no client certificate by TLS and no Mdm-Signature.{stranger}";
        }
        catch (IdentityException e)
        {
            return $"something that cannot be read ({e.Message}).{stranger}";
        }
    }

    /// <summary>What would have been taken, in words for the log.</summary>
    public async ValueTask<string> Taken()
    {
        var issuers = string.Join("\" or \"", (await _authority.Get()).Verifier.Issuers);
        var ways = _options.ClientCertificateHeader is { } name ? $"in the header {name} from Mdm:TrustedProxies, or by TLS" : "by TLS";
        return $"a certificate of \"{issuers}\", {ways}{(_options.RequireClientCertificate ? "" : ", or by Mdm-Signature")}";
    }

    private static VerifiedIdentity VerifyHeader(IdentityVerifier verifier, string header, DateTimeOffset now)
    {
        Span<byte> room = stackalloc byte[UsualCertificate];
        return verifier.Verify(CertificateHeader.Parse(header, room), now);
    }

    /// <summary>A header that is not from a trusted proxy is not refused but not seen: anybody could have set it.</summary>
    private string? FromProxy(HttpContext context)
    {
        if (_options.ClientCertificateHeader is not { } name || !context.Request.Headers.TryGetValue(name, out var values)) return null;
        if (values is [null or ""] || !_proxies.Contains(context.Connection.RemoteIpAddress)) return null;
        return values is [{ } value]
            ? value
            : throw new IdentityException(IdentityRefusal.SeveralHeaders, $"The header {name} is there {values.Count} times: the proxy must replace what a client sends.");
    }
}
