using System.Net;
using FleetMdm.Api.Limits;
using FleetMdm.Storage.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Hosting;

/// <summary>Kestrel: listeners, TLS, limits of the transport.</summary>
public static class WebHosting
{
    /// <summary>SCEP by GET carries the whole message in the request line (RFC 8894, 4.1).</summary>
    private const int MaxRequestLine = 16 * 1024;

    /// <summary>An Mdm-Signature with its certificate takes 4 to 8 KiB.</summary>
    private const int MaxHeaders = 48 * 1024;

    /// <summary>More than any client sends; each one is an object.</summary>
    private const int MaxHeaderCount = 100;

    /// <summary>What a connection may buffer of a request before anybody asks for it. No less than its headers may have, and than the bodies
    /// that are awaited before admission; no more, since there are many connections.</summary>
    private const int MaxRequestBuffer = 64 * 1024;

    /// <summary>A client that trickles its headers is let go after this.</summary>
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(15);

    /// <summary>An iPad on a bad network needs a few round trips; nobody needs longer.</summary>
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Connections without a request. Longer than common proxies keep theirs (60 s), so that none sends into one that is being closed.</summary>
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromSeconds(130);

    /// <summary>Bodies and answers that come or go slower, on average, are broken off. A crowded Wi-Fi may be silent for seconds, which is
    /// what the grace is for; below this rate not even a TLS handshake would have come through.</summary>
    private static readonly MinDataRate SlowestRate = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(10));

    /// <summary>HTTP/2: requests at once on one connection. An iPad makes one at a time, a proxy a few dozen.</summary>
    private const int MaxStreams = 100;

    /// <summary>HTTP/2: what a client may send before anybody has read it, on a stream and on the whole connection. As small as HTTP/1's buffer:
    /// it is memory that strangers decide on.</summary>
    private const int StreamWindow = 96 * 1024;
    private const int ConnectionWindow = 128 * 1024;

    /// <summary>How long a stop waits for requests and for grains, once it no longer serves (<see cref="Draining"/>).</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Read by Kestrel when it starts. A line of a request ends with CR LF and nothing else: what a proxy in front reads otherwise could hide a second request.</summary>
    private const string NoBareLineFeeds = "Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators";

    public static void ConfigureFleetWeb(this WebApplicationBuilder builder)
    {
        AppContext.SetSwitch(NoBareLineFeeds, true);
        builder.Services
            .AddFleetOptions<MdmOptions>(builder.Configuration, MdmOptions.Section, options => options.FindFault())
            .AddFleetOptions<HttpOptions>(builder.Configuration, HttpOptions.Section, options => options.FindFault())
            .AddFleetOptions<FleetClusterOptions>(builder.Configuration, FleetClusterOptions.Section, options => options.FindFault());
        builder.Services.AddOptions<MdmOptions>().PostConfigure<IOptions<HttpOptions>>((mdm, http) =>
        {
            if (ListenAddress.TryParse(http.Value.Listen) is { } listen) (mdm.ListenPort, mdm.ListensWithTls) = (listen.Port, listen.Https);
        });
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<FleetClusterOptions>>((options, cluster) =>
            options.ShutdownTimeout = ShutdownTimeout + TimeSpan.FromSeconds(cluster.Value.DrainSeconds));
        builder.Services.AddHostedService<Draining>();
        builder.Services.TryAddSingleton<ClientAddress>();
        builder.Services.AddSingleton<ProxyProtocol>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(Configure);
        // A buffer of 4 KiB for each open connection, instead of a system call for each request that asks whether there is something to read.
        builder.WebHost.UseSockets(sockets => sockets.WaitForDataBeforeAllocatingBuffer = false);
    }

    private static void Configure(KestrelServerOptions kestrel)
    {
        var http = kestrel.ApplicationServices.GetRequiredService<IOptions<HttpOptions>>().Value;
        var mdm = kestrel.ApplicationServices.GetRequiredService<IOptions<MdmOptions>>().Value;
        var certificates = kestrel.ApplicationServices.GetRequiredService<ServerCertificates>();

        kestrel.AddServerHeader = false;
        StrictFraming.Configure(kestrel);
        kestrel.Limits.MaxRequestLineSize = MaxRequestLine;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaders;
        kestrel.Limits.MaxRequestHeaderCount = MaxHeaderCount;
        kestrel.Limits.MaxRequestBufferSize = MaxRequestBuffer;
        kestrel.Limits.MaxRequestBodySize = mdm.MaxMessageBytes;
        kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
        kestrel.Limits.KeepAliveTimeout = KeepAliveTimeout;
        kestrel.Limits.MinRequestBodyDataRate = SlowestRate;
        kestrel.Limits.MinResponseDataRate = SlowestRate;
        kestrel.Limits.Http2.MaxStreamsPerConnection = MaxStreams;
        kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindow;
        kestrel.Limits.Http2.InitialConnectionWindowSize = ConnectionWindow;

        Listen(kestrel, http.Listen, http.AdminListen is null ? Side.Both : Side.Device, certificates);
        if (http.AdminListen is { } admin) Listen(kestrel, admin, Side.Admin, certificates);
        if (http.RedirectListen is { } redirect) Listen(kestrel, redirect, Side.Redirect, certificates);
    }

    private static void Listen(KestrelServerOptions kestrel, string url, Side side, ServerCertificates certificates)
    {
        var limit = kestrel.ApplicationServices.GetRequiredService<ConnectionLimit>();
        var handshakes = kestrel.ApplicationServices.GetRequiredService<HandshakeLimit>();
        var proxyProtocol = kestrel.ApplicationServices.GetRequiredService<IOptions<MdmOptions>>().Value.ProxyProtocol
            ? kestrel.ApplicationServices.GetRequiredService<ProxyProtocol>()
            : null;
        var address = ListenAddress.TryParse(url)!;
        void Setup(ListenOptions listen)
        {
            if (proxyProtocol is not null) listen.Use(proxyProtocol.Read);
            listen.Use(limit.NewListener());
            var feature = new ListenerFeature(side);
            if (side == Side.Redirect) listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection =>
            {
                connection.Features.Set(feature);
                return next(connection);
            });
            if (!address.Https) return;
            handshakes.UseHttps(listen, new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => certificates.Options(askForClientCertificate: side != Side.Admin),
                HandshakeTimeout = HandshakeTimeout,
            });
        }

        switch (address.Host)
        {
            case "*": kestrel.ListenAnyIP(address.Port, Setup); break;
            case "localhost" when address.Port != 0: kestrel.ListenLocalhost(address.Port, Setup); break;
            case "localhost": kestrel.Listen(IPAddress.Loopback, 0, Setup); break;
            default: kestrel.Listen(IPAddress.Parse(address.Host.Trim('[', ']')), address.Port, Setup); break;
        }
    }
}
