using System.Text;
using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Operations;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace FleetMdm.Grains.Tests.Fixture;

/// <summary>Real silos with a real store and a simulated APNs. Time stands still for grains until a test moves it; what Orleans
/// does behind them runs by the real clock.</summary>
public abstract class GrainCluster : IAsyncLifetime
{
    /// <summary>Every wait of a test ends by then, with a sentence on what did not happen.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-grains-").FullName;
    private InProcessTestCluster? _cluster;
    private ApnsSimulator? _apns;
    private MintedPushCertificate? _pushCertificate;

    public TestClock Clock { get; } = new(new DateTimeOffset(2026, 9, 1, 7, 0, 0, TimeSpan.Zero));

    public InProcessTestCluster Cluster => _cluster!;

    public ApnsSimulator Apns => _apns!;

    public string Topic => _pushCertificate!.Topic;

    public IGrainFactory Grains => Cluster.Client;

    public IDeviceStore Devices => Service<IDeviceStore>();

    public IFleetQueries Queries => Service<IFleetQueries>();

    public IEnrolmentStore Enrolments => Service<IEnrolmentStore>();

    public IEscrowStore Escrow => Service<IEscrowStore>();

    public IReenrolmentStore Reenrolments => Service<IReenrolmentStore>();

    public IOperationStore Operations => Service<IOperationStore>();

    protected abstract short Silos { get; }

    /// <summary>How often iPads are asked about themselves; 0: never, so that tests that move the clock find only what they queued.</summary>
    protected virtual string RefreshHours => "0";

    protected abstract Task<IReadOnlyDictionary<string, string?>> OpenStore(string folder);

    protected abstract Task CloseStore();

    /// <summary>What a cluster that differs adds to each silo.</summary>
    protected virtual void Configure(IServiceCollection services)
    {
    }

    public async ValueTask InitializeAsync()
    {
        _apns = await ApnsSimulator.StartAsync(new ApnsSimulatorOptions { Time = Clock });
        _pushCertificate = _apns.Authority.MintPushCertificate(notBefore: Clock.GetUtcNow().AddDays(-1), notAfter: Clock.GetUtcNow().AddDays(365));
        var root = Path.Combine(_folder, "apns-root.pem");
        await File.WriteAllTextAsync(root, _apns.Authority.RootPem);

        var settings = new Dictionary<string, string?>(await OpenStore(_folder))
        {
            ["Inventory:DeviceInformationHours"] = RefreshHours,
            ["Inventory:SecurityInfoHours"] = RefreshHours,
            ["Inventory:InstalledApplicationListHours"] = RefreshHours,
            ["Inventory:ProfileListHours"] = RefreshHours,
            ["Inventory:CertificateListHours"] = RefreshHours,
            ["Storage:DataDirectory"] = _folder,
            ["Secrets:MasterKey"] = Convert.ToBase64String(Encoding.UTF8.GetBytes("a master key for the grain tests")),
            ["Push:Endpoint"] = _apns.Endpoint.ToString(),
            ["Push:TrustedRootFile"] = root,
            // The clock stands still: what waits for the pace would wait for ever.
            ["Push:RatePerSecond"] = "5000",
        };
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        await Prepare(configuration);

        var builder = new InProcessTestClusterBuilder(Silos);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.RemoveAll<TimeProvider>();
            silo.Services.AddSingleton<TimeProvider>(Clock);
            silo.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
            silo.Services.AddSingleton<IConfiguration>(configuration);
            silo.Services.AddFleetStorage(configuration);
            silo.AddAdoNetGrainStorage(GrainServices.ControlStorage, (OptionsBuilder<AdoNetGrainStorageOptions> options) => options.Configure<IStoreControl>(
                (storage, store) => (storage.Invariant, storage.ConnectionString) = store.Orleans));
            silo.AddFleetGrains(configuration);
            Configure(silo.Services);
            silo.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        });
        builder.ConfigureClient(client => client.Services.AddExceptionsBetweenNodes());
        _cluster = builder.Build();
        await _cluster.DeployAsync();

        var installed = await Grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key)
            .Install(new PushCertificateUpload(Encoding.ASCII.GetBytes(_pushCertificate.ToPem()), null, false));
        Assert.Equal(PushCertificateOutcome.Installed, installed.Outcome);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
        if (_apns is not null) await _apns.DisposeAsync();
        _pushCertificate?.Dispose();
        await CloseStore();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    public T Service<T>() where T : notnull =>
        Cluster.GetSiloServiceProvider(Cluster.GetActiveSilos().First().SiloAddress).GetRequiredService<T>();

    public IEnumerable<T> OfEverySilo<T>() where T : notnull =>
        Cluster.GetActiveSilos().Select(silo => Cluster.GetSiloServiceProvider(silo.SiloAddress).GetRequiredService<T>());

    /// <summary>Writes the times when iPads were last seen, as the loop does every half minute.</summary>
    public async Task FlushSeen()
    {
        foreach (var seen in OfEverySilo<SeenBuffer>()) await seen.Flush();
    }

    private static async Task Prepare(IConfiguration configuration)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddMetrics();
        services.AddSingleton(TimeProvider.System);
        services.AddFleetStorage(configuration);
        await using var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<IStoreControl>().Migrate(CancellationToken.None);
    }
}
