using System.Data.Common;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Api.Attestation;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Identity;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Push;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Hosting;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Enrolment;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Tests.Enrolment;

/// <summary>The tests that share one server, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class EnrolmentCollection : ICollectionFixture<EnrolmentHost>
{
    public const string Name = "enrolment";
}

/// <summary>
/// The enrolment endpoints as they run in the product: Kestrel, a silo with the CA's and the push certificate's grains, SQLite. Listens
/// on plain HTTP and on HTTPS with the built-in CA's certificate.
/// </summary>
public sealed class EnrolmentHost : IAsyncLifetime
{
    public const string Organization = "Springfield Schools";
    public const string Topic = "com.apple.mgmt.External.11111111-2222-3333-4444-555555555555";

    private readonly TemporaryFolder _folder = new();
    private WebApplication _app = null!;

    public ShiftedTime Time { get; } = new();

    /// <summary>Who made the iPads; the server knows it.</summary>
    public DeviceAuthority Factory { get; } = new();

    /// <summary>Who attests for the iPads; the server knows it.</summary>
    public AttestationAuthority Attestation { get; } = new();

    public Uri Http { get; private set; } = null!;

    public Uri Https { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    public IServiceProvider Services => _app.Services;

    public IEnrolmentStore Store => Services.GetRequiredService<IEnrolmentStore>();

    /// <summary>An iPad that enrolled with this certificate: only such a one is renewed.</summary>
    public async Task Use(X509Certificate2 certificate)
    {
        var now = Time.GetUtcNow();
        var id = Guid.NewGuid().ToString().ToUpperInvariant();
        var committed = await Services.GetRequiredService<IDeviceStore>().Commit(new EnrolmentChange
        {
            Row = new DeviceRow { Id = id, DeviceId = id, Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Enrolled, Version = 1 },
            WriteId = Guid.NewGuid(),
            At = now,
            Pin = new Pin(certificate.GetCertHash(HashAlgorithmName.SHA256), certificate.NotAfter, now),
        });
        Assert.Equal(CommitOutcome.Committed, committed.Outcome);
    }

    public EnrolmentAuthority Authority => Services.GetRequiredService<EnrolmentAuthority>();

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    /// <summary>Paths of the SCEP requests that arrived, with their method: <c>GET PKIOperation</c>.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> ScepOperations { get; } = new();

    public async ValueTask InitializeAsync()
    {
        DbProviderFactories.RegisterFactory("System.Data.SQLite", SqliteFactory.Instance);
        var (httpPort, httpsPort) = (Ports.Free(), Ports.Free());
        Http = new Uri($"http://127.0.0.1:{httpPort}");
        Https = new Uri($"https://localhost:{httpsPort}");

        await File.WriteAllTextAsync(_folder.File("factory.pem"), Factory.Pem);
        await File.WriteAllTextAsync(_folder.File("attestation.pem"), Attestation.Pem);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Storage:DataDirectory"] = _folder.Path,
            ["Ca:Organization"] = Organization,
            ["Mdm:PublicUrl"] = Https.AbsoluteUri,
            ["OverTheAir:DeviceCaFiles:0"] = _folder.File("factory.pem"),
            ["Attestation:RootFiles:0"] = _folder.File("attestation.pem"),
        });
        builder.Services.AddSingleton<TimeProvider>(Time);
        builder.Services.AddFleetStorage(builder.Configuration);
        builder.Services.AddCertificateAuthority(builder.Configuration);
        builder.Services.AddPush(builder.Configuration);
        builder.Services.AddSweeps(builder.Configuration);
        builder.Services.AddOptions<MdmOptions>().Bind(builder.Configuration.GetSection(MdmOptions.Section));
        builder.Services.AddEnrolment(builder.Configuration);
        builder.Host.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(Ports.Free(), Ports.Free(), serviceId: "enrolment", clusterId: "enrolment");
            silo.AddAdoNetGrainStorage("control");
            silo.Services.AddOptions<Orleans.Configuration.AdoNetGrainStorageOptions>("control").Configure<IStoreControl>((options, store) =>
                (options.Invariant, options.ConnectionString) = store.Orleans);
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestLineSize = 16 * 1024;
            kestrel.Listen(IPAddress.Loopback, httpPort);
            kestrel.Listen(IPAddress.Loopback, httpsPort, listen => listen.UseHttps(https =>
                https.ServerCertificateSelector = (_, _) => Services.GetRequiredService<ServerCertificateProvider>().Context?.TargetCertificate));
        });

        _app = builder.Build();
        _app.Use((context, next) =>
        {
            if (context.Request.Path.Value!.EndsWith("/scep", StringComparison.Ordinal))
                ScepOperations.Enqueue($"{context.Request.Method} {context.Request.Query["operation"]}");
            return next(context);
        });
        _app.MapEnrolment();
        await _app.StartAsync();
        await Authority.Get();
        Client = new HttpClient { BaseAddress = Http };
    }

    /// <summary>Gives the server a push certificate, without which it invites nobody.</summary>
    public async Task InstallPushCertificate()
    {
        using var apns = new ApnsAuthority(Time);
        using var minted = apns.MintPushCertificate(Topic);
        var installed = await Grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key)
            .Install(new PushCertificateUpload(Encoding.ASCII.GetBytes(minted.ToPem()), null, false));
        Assert.Equal(PushCertificateOutcome.Installed, installed.Outcome);
    }

    public async Task<Invitation> Invite(int? maxUses = null, TimeSpan? lifetime = null)
    {
        var invitation = new Invitation
        {
            Id = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()),
            CreatedAt = Time.GetUtcNow(),
            ExpiresAt = Time.GetUtcNow() + (lifetime ?? TimeSpan.FromDays(7)),
            CreatedBy = "test",
            MaxUses = maxUses,
            School = "East",
        };
        Assert.True(await Store.CreateInvitation(invitation));
        return invitation;
    }

    /// <summary>Attestation:Identity is this as long as a test runs.</summary>
    public IDisposable Set(AttestedIdentity mode)
    {
        var options = Services.GetRequiredService<IOptions<AttestationOptions>>().Value;
        options.Identity = mode;
        return new Reset(options);
    }

    private sealed class Reset(AttestationOptions options) : IDisposable
    {
        public void Dispose() => options.Identity = AttestedIdentity.Off;
    }

    public async Task<string> Challenge(string invitationId, TimeSpan? lifetime = null) =>
        OneTimeChallenge.Create((await Authority.Get()).ChallengeKey, invitationId, Time.GetUtcNow() + (lifetime ?? TimeSpan.FromHours(1)));

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }
        SqliteConnection.ClearAllPools();
        Factory.Dispose();
        Attestation.Dispose();
        _folder.Dispose();
    }
}

/// <summary>The real clock, whose date a test may move: silo and store need timers that run.</summary>
public sealed class ShiftedTime : TimeProvider
{
    public TimeSpan Shift { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;
}
