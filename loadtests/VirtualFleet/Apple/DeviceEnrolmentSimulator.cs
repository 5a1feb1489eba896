using System.Collections.Concurrent;
using System.Net;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.VirtualFleet.Apple;

public sealed record DeviceEnrolmentOptions
{
    /// <summary>0: a free one.</summary>
    public int Port { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>As <c>GET /account</c> says it.</summary>
    public string OrganizationName { get; init; } = "Springfield School District";

    public string OrganizationId { get; init; } = "4711";

    /// <summary>How long a session lasts.</summary>
    public TimeSpan SessionLasts { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>After so many requests the answer carries another session, and the one before is over; 0: never.</summary>
    public int RotateSessionEvery { get; init; } = 5;

    /// <summary>Of devices in a page.</summary>
    public int MostInPage { get; init; } = 1000;

    /// <summary>Of serial numbers in a request.</summary>
    public int MostSerials { get; init; } = 1000;

    /// <summary>Of one server, within any minute; one more is answered 429. 0: as many as come. Apple documents no such limit.</summary>
    public int RequestsPerMinute { get; init; }
}

/// <summary>A request that came.</summary>
/// <param name="Answer">Its status.</param>
/// <param name="Word">What was said, when it was refused.</param>
public sealed record DeviceEnrolmentRequest(DateTimeOffset At, string Method, string Path, string? ServerUuid, string Body, int Answer, string? Word);

/// <summary>
/// Apple's device enrolment service and, beside it, what a person does in Apple School Manager: both on this machine. Written from Apple's documentation and what is known of
/// the real service; shares no code with the server that it tests.
/// </summary>
/// <remarks>Nothing is kept when it stops. Safe for any number of callers.</remarks>
public sealed class DeviceEnrolmentSimulator : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1);

    private readonly ApnsAuthority _authority;
    private readonly DeviceEnrolmentEndpoint _endpoint;
    private readonly ConcurrentQueue<DeviceEnrolmentRequest> _requests = new();
    private WebApplication? _application;

    private DeviceEnrolmentSimulator(DeviceEnrolmentOptions options)
    {
        _authority = new ApnsAuthority(options.Time);
        Portal = new SchoolManagerPortal(options.Time);
        _endpoint = new DeviceEnrolmentEndpoint(options, Portal, Faults, _requests.Enqueue);
    }

    /// <summary>What a person does.</summary>
    public SchoolManagerPortal Portal { get; }

    public DeviceEnrolmentFaults Faults { get; } = new();

    /// <summary>https, with the port.</summary>
    public Uri Endpoint { get; private set; } = new("https://localhost");

    /// <summary>What a client has to trust.</summary>
    public string RootPem => _authority.RootPem;

    /// <summary>All requests since it started, or since <see cref="ForgetRequests"/>.</summary>
    public IReadOnlyList<DeviceEnrolmentRequest> Requests => [.. _requests];

    public void ForgetRequests() => _requests.Clear();

    public static async Task<DeviceEnrolmentSimulator> StartAsync(DeviceEnrolmentOptions? options = null)
    {
        options ??= new DeviceEnrolmentOptions();
        var simulator = new DeviceEnrolmentSimulator(options);
        // An empty builder: no configuration of the surrounding process leaks in.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host => host.ShutdownTimeout = StopPatience);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(simulator._authority.IssueServerCertificate([]));
            });
        });
        var application = builder.Build();
        application.Run(simulator._endpoint.Handle);
        await application.StartAsync();
        simulator._application = application;
        var address = application.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        simulator.Endpoint = new UriBuilder(new Uri(address)) { Host = "localhost" }.Uri;
        return simulator;
    }

    public async ValueTask DisposeAsync()
    {
        Faults.Release();
        if (_application is not null)
            await _application.DisposeAsync();
        _authority.Dispose();
    }
}
