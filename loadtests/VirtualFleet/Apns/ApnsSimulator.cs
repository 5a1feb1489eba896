using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.VirtualFleet.Apns;

/// <summary>How a simulated APNs is set up.</summary>
public sealed record ApnsSimulatorOptions
{
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>0: a free one.</summary>
    public int Port { get; init; }

    /// <summary>Names under which clients reach it, besides localhost and the loopback addresses.</summary>
    public IReadOnlyList<string> HostNames { get; init; } = [];

    /// <summary>SETTINGS_MAX_CONCURRENT_STREAMS: how many requests a connection may have under way.</summary>
    public int MaxConcurrentStreams { get; init; } = 1000;

    /// <summary>Accept pushes to tokens that were never registered here, for load tests with made-up iPads.</summary>
    public bool AcceptUnknownTokens { get; init; }

    /// <summary>Of the random choices of <see cref="ApnsFaults.Always"/>.</summary>
    public int Seed { get; init; } = 1;

    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// Apple's push service on this machine: HTTP/2 over TLS with a root of its own, the client certificate required and checked,
/// Apple's limits and answers, and faults on demand. Like Apple's, it keeps the newest notification for an iPad that is away.
/// </summary>
/// <remarks>
/// iPads get their token by <see cref="Register"/>, come online by <see cref="Subscribe"/>, and go offline by disposing of what
/// that returned. Nothing is kept when it stops.
/// </remarks>
public sealed class ApnsSimulator : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1);

    private readonly ApnsPostbox _postbox;
    private readonly ApnsEndpoint _endpoint;
    private WebApplication? _application;

    private ApnsSimulator(ApnsSimulatorOptions options)
    {
        Authority = new ApnsAuthority(options.Time);
        Faults = new ApnsFaults(options.Seed);
        _postbox = new ApnsPostbox(options.Time, options.AcceptUnknownTokens);
        _endpoint = new ApnsEndpoint(Authority, _postbox, Faults, Statistics, options.Time);
    }

    public ApnsAuthority Authority { get; }

    public ApnsFaults Faults { get; }

    public ApnsStatistics Statistics { get; } = new();

    /// <summary>https, with the port.</summary>
    public Uri Endpoint { get; private set; } = new("https://localhost");

    public static async Task<ApnsSimulator> StartAsync(ApnsSimulatorOptions? options = null)
    {
        options ??= new ApnsSimulatorOptions();
        var simulator = new ApnsSimulator(options);
        await simulator.Listen(options);
        return simulator;
    }

    /// <summary>An iPad registers for a topic: its new token.</summary>
    public byte[] Register(string topic) => _postbox.Register(topic);

    /// <summary>The iPad is gone, or its profile is: pushes to the token are answered with 410.</summary>
    public void Unregister(byte[] token) => _postbox.Unregister(token);

    /// <summary>An iPad comes online: it is handed what was kept for it, and then whatever comes, on the thread pool. Takes the
    /// place of an earlier connection of the same iPad.</summary>
    /// <returns>Disposed of: the iPad is offline.</returns>
    public IDisposable Subscribe(byte[] token, Action<ApnsNotification> handler) => _postbox.Connect(token, handler);

    /// <summary>From now on the certificate is refused with 403, on connections that are open too.</summary>
    public void Revoke(MintedPushCertificate certificate) => _endpoint.Revoke(certificate.Certificate);

    /// <summary>Keeps every request under way until the returned object is disposed of.</summary>
    public IDisposable HoldAnswers() => _endpoint.Hold();

    /// <summary>Cuts every connection, as a broken network would.</summary>
    public void CutConnections() => _endpoint.CutConnections();

    public async ValueTask DisposeAsync()
    {
        if (_application is not null)
        {
            _endpoint.CutConnections();
            await _application.DisposeAsync();
        }
        Authority.Dispose();
    }

    private async Task Listen(ApnsSimulatorOptions options)
    {
        // An empty builder: no configuration of the surrounding process leaks in.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host => host.ShutdownTimeout = StopPatience);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.Http2.MaxStreamsPerConnection = options.MaxConcurrentStreams;
            kestrel.Listen(options.Address, options.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.Use(next => connection => _endpoint.Watch(connection, next));
                listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = Authority.IssueServerCertificate(options.HostNames),
                    ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                    // Judged with each request, since APNs answers 403 instead of failing the handshake.
                    ClientCertificateValidation = static (_, _, _) => true,
                });
            });
        });
        _application = builder.Build();
        _application.Run(_endpoint.Handle);
        await _application.StartAsync();
        var address = _application.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        Endpoint = new UriBuilder(new Uri(address)) { Host = "localhost" }.Uri;
    }
}
