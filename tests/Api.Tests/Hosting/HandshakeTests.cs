using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Api.Limits;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Api.Tests.Hosting;

/// <summary>A listener that has one TLS handshake under way at a time.</summary>
public sealed class HandshakeTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PlaceIsKeptFor = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(45);

    /// <summary>How often who waits is looked at.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    private readonly CountedTime _time = new();
    private readonly TaskCompletionSource _oneClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly X509Certificate2 _certificate = NewCertificate();
    private readonly List<TcpClient> _connections = [];
    private WebApplication _app = null!;
    private HandshakeLimit _handshakes = null!;
    private int _port;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("Limits:TlsHandshakes", "1")]);
        builder.Services.AddSingleton<TimeProvider>(_time);
        builder.Services.AddFleetLimits(builder.Configuration);
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Use(next => connection =>
            {
                connection.ConnectionClosed.Register(() => _oneClosed.TrySetResult());
                return next(connection);
            });
            kestrel.ApplicationServices.GetRequiredService<HandshakeLimit>().UseHttps(listen, new()
            {
                // Not by what is tested here.
                HandshakeTimeout = TimeSpan.FromHours(1),
                OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificate = _certificate }),
            });
        }));
        _app = builder.Build();
        _app.MapGet("/", () => "served");
        await _app.StartAsync();
        _handshakes = _app.Services.GetRequiredService<HandshakeLimit>();
        _port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections) connection.Dispose();
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    [Fact]
    public async Task Handshakes_one_after_the_other_wait_for_nothing()
    {
        for (var i = 0; i < 3; i++) Assert.Equal("served", await Ask(await Connect()));
        Assert.Equal(0, _handshakes.Waiting);
    }

    [Fact]
    public async Task A_stranger_who_connects_and_says_nothing_keeps_others_out_for_two_seconds_at_most()
    {
        await Connect();
        var iPad = await Connect();
        var served = Ask(iPad);
        Assert.False(served.IsCompleted);

        _time.Advance(PlaceIsKeptFor);
        Assert.Equal("served", await served.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_handshake_that_fails_gives_its_place_back()
    {
        var stranger = await Connect();
        var iPad = Ask(await Connect());

        await stranger.GetStream().WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        Assert.Equal("served", await iPad.WaitAsync(Patience));
    }

    [Fact]
    public async Task Who_came_last_goes_first()
    {
        await Connect();
        var first = Ask(await Connect());
        await Connect();
        var last = Ask(await Connect());

        var timers = _time.Timers;
        _time.Advance(PlaceIsKeptFor);
        Assert.Equal("served", await last.WaitAsync(Patience));

        // Its place went to the silent one, which came second; each of the two has had a timer for its place.
        Assert.True(SpinWait.SpinUntil(() => _time.Timers == timers + 2, Patience));
        Assert.False(first.IsCompleted);
        _time.Advance(PlaceIsKeptFor);
        Assert.Equal("served", await first.WaitAsync(Patience));
    }

    [Fact]
    public async Task Who_has_waited_for_45_seconds_is_closed()
    {
        await Connect();
        var iPad = await Connect();
        await Connect();

        // In one step: the place becomes free in it, once, and goes to the newest.
        _time.Advance(LongestWait);
        await Assert.ThrowsAnyAsync<IOException>(() => Ask(iPad).WaitAsync(Patience));
        Assert.Equal(0, _handshakes.Waiting);
    }

    [Fact]
    public async Task Who_goes_away_waits_no_more()
    {
        await Connect();
        var iPad = await Connect();
        Assert.Equal(1, _handshakes.Waiting);

        iPad.Dispose();
        await _oneClosed.Task.WaitAsync(Patience);
        _time.Advance(Look);
        Assert.Equal(0, _handshakes.Waiting);
    }

    /// <summary>Returns when the server knows of it: it has its place, or waits for one.</summary>
    private async Task<TcpClient> Connect()
    {
        var (timers, waiting) = (_time.Timers, _handshakes.Waiting);
        var client = new TcpClient();
        _connections.Add(client);
        await client.ConnectAsync(IPAddress.Loopback, _port);
        Assert.True(SpinWait.SpinUntil(() => _time.Timers > timers || _handshakes.Waiting > waiting, Patience));
        return client;
    }

    private static async Task<string> Ask(TcpClient client)
    {
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true });
        await tls.WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(tls);
        return (await reader.ReadToEndAsync()).Split("\r\n").First(line => line == "served");
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }

    /// <summary>A place has a timer until it lapses.</summary>
    private sealed class CountedTime : FakeTimeProvider
    {
        private int _timers;

        public int Timers => Volatile.Read(ref _timers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _timers);
            return timer;
        }
    }
}
