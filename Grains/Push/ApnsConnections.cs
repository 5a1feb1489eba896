using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Grains.Outside;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Push;

/// <summary>Makes HTTP/2 connections to APNs: each invoker keeps exactly one open.</summary>
internal sealed class ApnsConnections
{
    /// <summary>Finds new addresses of APNs now and then; the jitter keeps connections from being replaced together.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(4);
    private const int LifetimeJitterMinutes = 30;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    /// <summary>Finds connections that a firewall forgot, and keeps the others in its memory.</summary>
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(15);

    private readonly X509Certificate2Collection? _trustedRoots;
    private readonly IWebProxy? _proxy;

    public ApnsConnections(IOptions<PushOptions> options)
    {
        Endpoint = new Uri(options.Value.Endpoint);
        _trustedRoots = options.Value.LoadTrustedRoots();
        _proxy = OutsideService.Proxy(options.Value.Proxy);
    }

    public Uri Endpoint { get; }

    public HttpMessageInvoker Connect(PushIdentity identity)
    {
        var tls = new SslClientAuthenticationOptions
        {
            ClientCertificateContext = SslStreamCertificateContext.Create(identity.Certificate.Certificate, additionalCertificates: null, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
        if (_trustedRoots is not null)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(_trustedRoots);
        }
        return new HttpMessageInvoker(new SocketsHttpHandler
        {
            SslOptions = tls,
            // A second connection would open only when the first is full, and take its turn first: our lanes do better.
            EnableMultipleHttp2Connections = false,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            PooledConnectionLifetime = Lifetime + TimeSpan.FromMinutes(Random.Shared.Next(LifetimeJitterMinutes)),
            ConnectTimeout = ConnectTimeout,
            KeepAlivePingDelay = PingDelay,
            KeepAlivePingTimeout = PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
            Proxy = _proxy,
            UseProxy = _proxy is not null,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
        });
    }
}
