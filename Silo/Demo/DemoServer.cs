using System.Net;
using System.Net.Sockets;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Silo.Hosting;
using FleetMdm.VirtualFleet.Administration;

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

    /// <param name="apnsRootPem">What the endpoint's certificate comes from.</param>
    public static async Task<DemoServer> StartAsync(Uri apns, string apnsRootPem)
    {
        var folder = Directory.CreateTempSubdirectory("fleetmdm-demo-").FullName;
        var apnsRoot = Path.Combine(folder, "simulated-apns.pem");
        await File.WriteAllTextAsync(apnsRoot, apnsRootPem);
        var url = new Uri($"https://localhost:{FreePort()}");
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

    private static int FreePort()
    {
        foreach (var port in (ReadOnlySpan<int>)[UsualPort, 0])
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException) when (port != 0)
            {
                // Somebody has it: any other will do.
            }
        }
        throw new InvalidOperationException("There is no free port on the loopback address.");
    }
}
