using System.Net;
using System.Net.Sockets;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Silo.Hosting;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.Silo.Demo;

/// <summary>The server of the demo: the same host as in production, with its data in a temporary folder and its log in a file there.</summary>
internal sealed class DemoServer : IAsyncDisposable
{
    /// <summary>The documented port, if nobody has it.</summary>
    private const int UsualPort = 8443;

    /// <summary>Making the certificate authority's keys takes seconds on a busy machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly WebApplication _app;

    private DemoServer(WebApplication app, Uri url, string folder, string token)
    {
        _app = app;
        Url = url;
        Folder = folder;
        Token = token;
    }

    public Uri Url { get; }

    /// <summary>Database, master key, token and log.</summary>
    public string Folder { get; }

    /// <summary>The first administrator's.</summary>
    public string Token { get; }

    /// <summary>Ctrl-C or SIGTERM came.</summary>
    public CancellationToken Stopping => _app.Lifetime.ApplicationStopping;

    /// <summary>Leave the folder behind, for somebody to look at.</summary>
    public bool KeepFolder { get; set; }

    /// <param name="port">Where it listens, on the loopback addresses.</param>
    /// <param name="apns">The simulated APNs.</param>
    /// <param name="apnsRootPem">What the endpoint's certificate comes from.</param>
    /// <param name="deviceCaPem">Who made the simulated iPads.</param>
    /// <param name="attestationRootPem">Who attests for the simulated iPads.</param>
    /// <param name="apple">The simulated device enrolment service.</param>
    /// <param name="content">The simulated Apps and Books.</param>
    public static async Task<DemoServer> StartAsync(int port, Uri apns, string apnsRootPem, string deviceCaPem, string attestationRootPem, DeviceEnrolmentSimulator apple, AppsAndBooksSimulator content)
    {
        var folder = Directory.CreateTempSubdirectory("fleetmdm-demo-").FullName;
        var apnsRoot = Path.Combine(folder, "simulated-apns.pem");
        await File.WriteAllTextAsync(apnsRoot, apnsRootPem);
        var deviceCa = Path.Combine(folder, "simulated-device-ca.pem");
        await File.WriteAllTextAsync(deviceCa, deviceCaPem);
        var attestationRoot = Path.Combine(folder, "simulated-attestation.pem");
        await File.WriteAllTextAsync(attestationRoot, attestationRootPem);
        var appleRoot = Path.Combine(folder, "simulated-apple.pem");
        await File.WriteAllTextAsync(appleRoot, apple.RootPem);
        var contentRoot = Path.Combine(folder, "simulated-apps-and-books.pem");
        await File.WriteAllTextAsync(contentRoot, content.RootPem);
        var url = new Uri($"https://localhost:{port}");
        var app = ServerHost.Build(
            [
                "--Storage:Provider=Sqlite",
                $"--Storage:DataDirectory={folder}",
                $"--Storage:ConnectionString=Data Source={Path.Combine(folder, "fleetmdm.db")}",
                "--Cluster:Enabled=false",
                "--Cluster:Role=All",
                $"--Http:Listen={url.GetLeftPart(UriPartial.Authority)}",
                $"--Mdm:PublicUrl={url.GetLeftPart(UriPartial.Authority)}",
                $"--Push:Endpoint={apns.GetLeftPart(UriPartial.Authority)}",
                $"--Push:TrustedRootFile={apnsRoot}",
                $"--OverTheAir:DeviceCaFiles={deviceCa}",
                $"--Attestation:RootFiles={attestationRoot}",
                $"--Automated:Endpoint={apple.Endpoint.GetLeftPart(UriPartial.Authority)}",
                $"--Automated:TrustedRootFile={appleRoot}",
                $"--AppsAndBooks:Endpoint={content.Endpoint.GetLeftPart(UriPartial.Authority)}",
                $"--AppsAndBooks:TrustedRootFile={contentRoot}",
            ],
            builder =>
            {
                builder.Logging.ClearProviders();
                builder.Logging.AddProvider(new FileLog(Path.Combine(folder, "server.log"), TimeProvider.System));
            });
        try
        {
            await FleetProcess.Start(app, CancellationToken.None);
            await Readiness.WaitAsync(url, Patience, TimeProvider.System, app.Lifetime.ApplicationStopping);
            var token = await FirstToken.Ensure(app.Services.GetRequiredService<IGrainFactory>(), folder)
                ?? throw new InvalidOperationException("A new server had a first token already.");
            return new DemoServer(app, url, folder, token);
        }
        catch
        {
            await app.DisposeAsync();
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (!KeepFolder)
            Directory.Delete(Folder, recursive: true);
    }

    /// <param name="wanted">Null: the documented port, or another one when somebody has it.</param>
    /// <exception cref="IOException">The port that is wanted cannot be had.</exception>
    public static int FindPort(int? wanted)
    {
        if (wanted is { } port)
        {
            return TryPort(port) switch
            {
                { Error: null } => port,
                { Error: SocketError.AddressAlreadyInUse } => throw new IOException($"Port {port} is in use: choose another one with --port, or leave the option out."),
                { Error: SocketError.AccessDenied } => throw new IOException($"Port {port} is not allowed for this user: choose one from 1024 to 65535 with --port."),
                { Error: var error } => throw new IOException($"Port {port} cannot be used ({error}): choose another one with --port."),
            };
        }
        return TryPort(UsualPort) is { Error: null } usual ? usual.Port : TryPort(0).Port;
    }

    /// <summary>Listens for a moment, as Kestrel will: on 127.0.0.1, and on ::1 where there is IPv6.</summary>
    private static (int Port, SocketError? Error) TryPort(int port)
    {
        foreach (var address in (ReadOnlySpan<IPAddress>)[IPAddress.Loopback, .. Socket.OSSupportsIPv6 ? [IPAddress.IPv6Loopback] : Array.Empty<IPAddress>()])
        {
            try
            {
                using var listener = new TcpListener(address, port);
                listener.Start();
                port = ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException e) when (e.SocketErrorCode != SocketError.AddressNotAvailable)
            {
                return (port, e.SocketErrorCode);
            }
            catch (SocketException)
            {
                // A machine without that address: Kestrel does without it too.
            }
        }
        return (port, null);
    }
}
