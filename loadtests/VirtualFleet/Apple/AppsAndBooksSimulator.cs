using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.VirtualFleet.Apple;

public sealed record AppsAndBooksSimulatorOptions
{
    /// <summary>0: a free one.</summary>
    public int Port { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Of assets and assignments.</summary>
    public int PageSize { get; init; } = 200;

    public int MaxAssets { get; init; } = 25;
    public int MaxSerialNumbers { get; init; } = 1000;

    /// <summary>Of one location, all callers together. More: 9646.</summary>
    public int MaxRequestsPerSecond { get; init; } = 15;

    /// <summary>How long an event is PENDING.</summary>
    public TimeSpan EventTakes { get; init; }

    /// <summary>By which notifications go out; null: none are sent, and every address counts as reached.</summary>
    public HttpMessageInvoker? Notifier { get; init; }
}

/// <summary>A request that came.</summary>
/// <param name="Path">Without what is before it, as in <c>assets/associate</c>.</param>
/// <param name="Error">Apple's number, when it was refused.</param>
public sealed record AppsAndBooksRequest(DateTimeOffset At, string Method, string Path, string Query, string? UId, string Body, int Answer, int? Error);

/// <summary>
/// Apple's Apps and Books and, beside it, what a content manager does in Apple School Manager: both on this machine. Written from Apple's documentation and what is known of the
/// real service; shares no code with the server that it tests.
/// </summary>
/// <remarks>Nothing is kept when it stops. Safe for any number of callers.</remarks>
public sealed class AppsAndBooksSimulator : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1);

    private readonly AppsAndBooksSimulatorOptions _options;
    private readonly ApnsAuthority _authority;
    private readonly AppsAndBooksEndpoint _endpoint;
    private readonly ConcurrentQueue<AppsAndBooksRequest> _requests = new();
    private readonly ConcurrentDictionary<string, SimulatedLocation> _locations = new(StringComparer.Ordinal);
    private WebApplication? _application;

    private AppsAndBooksSimulator(AppsAndBooksSimulatorOptions options)
    {
        _options = options;
        _authority = new ApnsAuthority(options.Time);
        _endpoint = new AppsAndBooksEndpoint(options, () => _locations.Values, Faults, _requests.Enqueue, () => Endpoint);
    }

    public AppsAndBooksFaults Faults { get; } = new();

    /// <summary>https, with the port.</summary>
    public Uri Endpoint { get; private set; } = new("https://localhost");

    /// <summary>What a client has to trust.</summary>
    public string RootPem => _authority.RootPem;

    /// <summary>All requests since it started, or since <see cref="ForgetRequests"/>.</summary>
    public IReadOnlyList<AppsAndBooksRequest> Requests => [.. _requests];

    public void ForgetRequests() => _requests.Clear();

    public SimulatedLocation AddLocation(string name, string organization = "Springfield School District")
    {
        var location = new SimulatedLocation(name, organization, _options.Time);
        return _locations[location.UId] = location;
    }

    /// <summary>An iPad asks whether it may install an app by its licence: one of any location counts.</summary>
    public bool HasLicence(long adamId, string serialNumber) =>
        _locations.Values.Any(location => location.Holders(adamId.ToString(System.Globalization.CultureInfo.InvariantCulture)).Contains(serialNumber, StringComparer.OrdinalIgnoreCase));

    /// <summary>Sends a notification about a location, as after something that was done elsewhere.</summary>
    /// <returns>It was taken.</returns>
    public Task<bool> Notify(SimulatedLocation location, string type, JsonObject content) => _endpoint.Notify(location, AppsAndBooksEndpoint.Notification(location, type, content));

    public static async Task<AppsAndBooksSimulator> StartAsync(AppsAndBooksSimulatorOptions? options = null)
    {
        options ??= new AppsAndBooksSimulatorOptions();
        var simulator = new AppsAndBooksSimulator(options);
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
        if (_application is not null) await _application.DisposeAsync();
        _authority.Dispose();
    }
}
