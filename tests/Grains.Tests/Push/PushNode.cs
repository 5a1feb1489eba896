using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Push;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apns;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace FleetMdm.Grains.Tests.Push;

/// <summary>A silo with the real grains and a real SQLite database, and a simulated APNs that it reaches by real sockets.</summary>
public sealed class PushNode : IAsyncDisposable
{
    /// <summary>Every wait of a test ends by then.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private readonly TimeProvider _time;
    private InProcessTestCluster? _cluster;
    private ApnsSimulator? _apns;
    private MintedPushCertificate? _certificate;

    private PushNode(TimeProvider time) => _time = time;

    public ApnsSimulator Apns => _apns!;

    /// <summary>The certificate that is installed at the start.</summary>
    public MintedPushCertificate Certificate => _certificate!;

    public IGrainFactory Grains => _cluster!.Client;

    public IPushCertificateGrain CertificateGrain => Grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key);

    public PushOutbox Outbox => Service<PushOutbox>();

    internal ApnsSender Sender => Service<ApnsSender>();

    public IFleetQueries Queries => Service<IFleetQueries>();

    public static async Task<PushNode> Start(
        ApnsSimulatorOptions? apns = null, IReadOnlyDictionary<string, string?>? settings = null, bool install = true, TimeProvider? time = null)
    {
        var node = new PushNode(time ?? TimeProvider.System);
        try
        {
            await node.Run(apns ?? new ApnsSimulatorOptions(), settings, install);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public T Service<T>() where T : notnull =>
        _cluster!.GetSiloServiceProvider(_cluster.GetActiveSilos().First().SiloAddress).GetRequiredService<T>();

    /// <summary>Calls of grains that fail before they arrive, as by a node that has just died: interface and method.</summary>
    public Func<string, string, bool> Unreachable { get; set; } = static (_, _) => false;

    public string DatabaseFile => _folder.File("fleetmdm.db");

    /// <summary>How many pushes ended so.</summary>
    public long Counted(string result) => _counts.GetValueOrDefault(result);

    public Task<PushCertificateInstalled> Install(string pem, string? password = null, bool force = false) =>
        CertificateGrain.Install(new PushCertificateUpload(Encoding.ASCII.GetBytes(pem), password, force));

    public async Task InstallAndUse(MintedPushCertificate certificate, bool force = false)
    {
        var installed = await Install(certificate.ToPem(), force: force);
        Assert.Equal(PushCertificateOutcome.Installed, installed.Outcome);
        await Eventually(() => Service<PushCertificateSource>().Current?.Version == installed.Certificate!.Version);
    }

    /// <summary>An iPad that has enrolled for the installed topic.</summary>
    public async Task<PushedIPad> Enrol()
    {
        var ipad = new PushedIPad(this, Apns.Register(Certificate.Topic));
        await ipad.Enrol();
        return ipad;
    }

    /// <summary>Somewhere to push to, without an enrolment behind it.</summary>
    public PushTarget Target(string? id = null, byte[]? token = null) =>
        new(id ?? Guid.NewGuid().ToString(), Certificate.Topic, token ?? Apns.Register(Certificate.Topic), "magic");

    public void Push(IEnumerable<PushTarget> targets)
    {
        foreach (var target in targets)
            Assert.True(Outbox.TryAdd(target));
    }

    /// <summary>Ends when the sweep's duties have.</summary>
    public Task SweepEnded() => SweepDuties().WaitAsync(Patience);

    /// <summary>For duties that wait by the test's clock.</summary>
    public bool SweepHasEnded() => SweepDuties().IsCompleted;

    private Task SweepDuties()
    {
        Assert.True(_cluster!.TryGetGrainContext(Grains.GetGrain<ISweepGrain>(0).GetGrainId(), out var context));
        return ((SweepGrain)context!.GrainInstance!).Running;
    }

    /// <summary>Waits for it. A clock of the test's own goes on meanwhile, about as fast as the real one: a push whose connection broke
    /// is then tried again instead of waiting for ever.</summary>
    public Task Eventually(Func<bool> condition) => Eventually(() => Task.FromResult(condition()));

    public async Task Eventually(Func<Task<bool>> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                var counts = string.Join(", ", _counts.Select(count => $"{count.Key} {count.Value}"));
                Assert.Fail($"It did not happen. Counted: {counts}. Requests at APNs: {Apns.Statistics.Requests}, under way {Apns.Statistics.InFlight}. "
                    + $"Outbox {Outbox.Count}, sender {Sender.Count}.");
            }
            await Task.Delay(Poll, TimeProvider.System);
            (_time as FakeTimeProvider)?.Advance(Poll);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_apns is not null)
        {
            // Nothing is left for the node to wait for when it stops.
            _apns.Faults.Clear();
        }
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        if (_apns is not null)
            await _apns.DisposeAsync();
        _certificate?.Dispose();
        _listener.Dispose();
        _folder.Dispose();
    }

    private async Task Run(ApnsSimulatorOptions apns, IReadOnlyDictionary<string, string?>? settings, bool install)
    {
        _apns = await ApnsSimulator.StartAsync(apns with { Time = _time });
        _certificate = _apns.Authority.MintPushCertificate();
        await File.WriteAllTextAsync(_folder.File("apns.pem"), _apns.Authority.RootPem);
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Storage:DataDirectory"] = _folder.Path,
                ["Push:Endpoint"] = _apns.Endpoint.ToString(),
                ["Push:TrustedRootFile"] = _folder.File("apns.pem"),
                // Tests of other things do not wait for the pace.
                ["Push:RatePerSecond"] = "5000",
            })
            .AddInMemoryCollection(settings ?? new Dictionary<string, string?>())
            .Build();
        await using (var storage = new ServiceCollection().AddFleetStorage(configuration).BuildServiceProvider())
            await storage.StartFleetStorage();

        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            if (_time != TimeProvider.System)
            {
                silo.Services.RemoveAll<TimeProvider>();
                silo.Services.AddSingleton(_time);
                silo.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
            }
            silo.Services.AddSingleton<IConfiguration>(configuration);
            silo.Services.AddFleetStorage(configuration);
            silo.AddAdoNetGrainStorage(GrainServices.ControlStorage, (OptionsBuilder<AdoNetGrainStorageOptions> options) => options.Configure<IStoreControl>(
                (control, store) => (control.Invariant, control.ConnectionString) = store.Orleans));
            silo.AddFleetGrains(configuration);
            silo.AddOutgoingGrainCallFilter(call => Unreachable(call.InterfaceMethod.DeclaringType!.Name, call.InterfaceMethod.Name)
                ? throw new SiloUnavailableException("on purpose")
                : call.Invoke());
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();

        var meters = Service<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == PushMetrics.MeterName && ReferenceEquals(instrument.Meter.Scope, meters))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (instrument.Name == "fleetmdm.push.notifications")
                _counts.AddOrUpdate((string)tags[0].Value!, value, (_, count) => count + value);
        });
        _listener.Start();

        if (install)
            await InstallAndUse(_certificate);
    }
}

/// <summary>An enrolled iPad as far as pushes go.</summary>
public sealed class PushedIPad(PushNode node, byte[] token)
{
    private static readonly PresentedCertificate NoCertificate = new(new byte[32], DateTimeOffset.MaxValue);
    private readonly PresentedCertificate _identity = NoCertificate with { Sha256 = Guid.NewGuid().ToByteArray().Concat(new byte[16]).ToArray() };

    public string Id { get; } = $"00008112-{Guid.NewGuid():N}".ToUpperInvariant();

    public byte[] Token { get; } = token;

    public string PushMagic { get; } = Guid.NewGuid().ToString();

    public IDeviceGrain Grain => node.Grains.GetGrain<IDeviceGrain>(Id);

    public PushTarget Target => new(Id, node.Certificate.Topic, Token, PushMagic);

    public async Task Enrol()
    {
        Assert.Equal(DeviceRefusal.None, (await Grain.Authenticate(new AuthenticateMessage { Topic = node.Certificate.Topic, Udid = Id }, _identity)).Refusal);
        Assert.Equal(DeviceRefusal.None,
            (await Grain.TokenUpdate(new TokenUpdateMessage { Topic = node.Certificate.Topic, Token = Token, PushMagic = PushMagic }, _identity)).Refusal);
    }

    public async Task<string> Enqueue(bool push = true)
    {
        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        var result = await Grain.Enqueue(new CommandOrder
        {
            CommandUuid = uuid,
            RequestType = "DeviceInformation",
            Command = "<dict><key>RequestType</key><string>DeviceInformation</string></dict>"u8.ToArray(),
            Push = push,
        });
        Assert.Equal(EnqueueOutcome.Accepted, result.Outcome);
        return uuid;
    }

    public async Task Acknowledge(string uuid) =>
        Assert.Equal(DeviceRefusal.None, (await Grain.Report(
            new CommandReportMessage { Status = ReportStatus.Acknowledged, CommandUuid = uuid, Result = "<plist/>"u8.ToArray() }, _identity)).Refusal);

    public async Task<string?> PushResult() => (await node.Queries.FindDevice(Id))?.PushResult;

    public async Task<string?> PushTokenDead() => (await node.Queries.FindDevice(Id))?.PushTokenDead;
}
