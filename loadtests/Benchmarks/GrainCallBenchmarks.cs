using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace FleetMdm.Benchmarks;

/// <summary>
/// What the grain's part of an idle poll costs: pin check, queue, nothing to deliver. The baseline is a call that asks a grain of the
/// same silo for nothing at all. The difference is ours; no statement reaches the database in either.
/// </summary>
[Config(typeof(InThisProcess))]
[MemoryDiagnoser]
public class GrainCallBenchmarks
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-bench-").FullName;
    private readonly PresentedCertificate _certificate = new(RandomNumberGenerator.GetBytes(32), DateTimeOffset.MaxValue);
    private IHost? _host;
    private IDeviceGrain? _ipad;
    private IDeviceGrain? _stranger;

    [GlobalSetup]
    public async Task Start()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Storage:DataDirectory"] = _folder,
            ["Secrets:MasterKey"] = Convert.ToBase64String(new byte[32]),
        }).Build();
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddFleetStorage(configuration);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(siloPort: 21111, gatewayPort: 0);
            silo.AddAdoNetGrainStorage("control", (OptionsBuilder<AdoNetGrainStorageOptions> options) => options.Configure<IStoreControl>(
                (storage, store) => (storage.Invariant, storage.ConnectionString) = store.Orleans));
            silo.AddFleetGrains(configuration);
        });
        _host = builder.Build();
        await _host.StartAsync();

        var grains = _host.Services.GetRequiredService<IGrainFactory>();
        _ipad = grains.GetGrain<IDeviceGrain>("BENCHMARK");
        _stranger = grains.GetGrain<IDeviceGrain>("BENCHMARK-UNKNOWN");
        await _ipad.Authenticate(new AuthenticateMessage { Udid = "BENCHMARK", Topic = "com.apple.mgmt.External.1" }, _certificate);
        await _ipad.TokenUpdate(
            new TokenUpdateMessage { Topic = "com.apple.mgmt.External.1", Token = RandomNumberGenerator.GetBytes(32), PushMagic = "magic" }, _certificate);
    }

    [GlobalCleanup]
    public async Task Stop()
    {
        await _host!.StopAsync();
        _host.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark(Baseline = true)]
    public async Task CallThatDoesNothing() => await _stranger!.PushTokenDied([], "", null);

    [Benchmark]
    public async Task<DeviceReply> IdlePoll() => await _ipad!.Report(CommandReportMessage.Idle, _certificate);

    private sealed class InThisProcess : ManualConfig
    {
        public InThisProcess() => AddJob(Job.ShortRun.WithToolchain(new InProcessNoEmitToolchain(TimeSpan.FromMinutes(10), logOutput: true)));
    }
}
