using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Silo.Hosting;
using FleetMdm.Storage.Renewals;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.Journal;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Renewals;

/// <summary>Weeks pass, and nobody does anything.</summary>
/// <remarks>The clock is moved under a running silo, whose calls that are under way may then time out: on a busy machine it does not always pass. The rules and
/// the journeys of a renewal have their own tests, which run each time.</remarks>
[Trait("Length", "Long")]
public sealed class RenewalOverTimeTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_certificate_that_is_about_to_end_is_renewed_by_the_server_itself_over_HTTPS_and_by_SCEP()
    {
        using var folder = new TemporaryFolder();
        var time = new LaterTime();
        await using var apns = await ApnsSimulator.StartAsync(new ApnsSimulatorOptions());
        var root = folder.File("apns.pem");
        await File.WriteAllTextAsync(root, apns.Authority.RootPem);
        var port = Ports.Free();
        var url = new Uri($"https://localhost:{port}");
        await using var app = ServerHost.Build(
        [
            $"--Storage:DataDirectory={folder.File("data")}", $"--Http:Listen=https://127.0.0.1:{port}", $"--Mdm:PublicUrl={url.GetLeftPart(UriPartial.Authority)}",
            "--Inventory:DeviceInformationHours=0", "--Inventory:SecurityInfoHours=0", "--Inventory:InstalledApplicationListHours=0", "--Inventory:ProfileListHours=0",
            "--Inventory:CertificateListHours=0", "--Scep:CertificateLifetimeDays=30", "--Renewal:SpreadDays=0", "--Logging:LogLevel:FleetMdm=Error",
            $"--Push:Endpoint={apns.Endpoint.GetLeftPart(UriPartial.Authority)}", $"--Push:TrustedRootFile={root}",
        ], builder => builder.Services.AddSingleton<TimeProvider>(time));
        await FleetProcess.Start(app, CancellationToken.None);
        var grains = app.Services.GetRequiredService<IGrainFactory>();
        var trust = await TrustProfile.FetchAsync(url);
        using var admin = new AdminClient(url, (await FirstToken.Ensure(grains, folder.Path))!, trust);
        using var certificate = apns.Authority.MintPushCertificate();
        await admin.PutPushCertificateAsync(certificate.ToPem());
        await using var fleet = new IPadFleet(new FleetOptions { Trust = trust, Apns = apns, FirstRetry = TimeSpan.FromMilliseconds(100) });
        var ipad = fleet.Add();
        await ipad.EnrolAsync((await admin.CreateInvitationAsync("Weeks")).Url);
        var (first, store) = (ipad.IdentitySha256, app.Services.GetRequiredService<IRenewalStore>());

        // A third of its life is left after twenty days.
        time.Pass(TimeSpan.FromDays(19));
        await Tick(grains, time, () => Task.FromResult(true));
        Assert.Null((await store.Find(ipad.Udid))?.StartedAt);
        Assert.Equal(first, ipad.IdentitySha256);

        time.Pass(TimeSpan.FromDays(1.5));
        await Tick(grains, time, async () => await store.Find(ipad.Udid) is { StartedAt: not null } || ipad.IdentitySha256 != first);
        await ipad.Journal.WaitForAsync(entry => entry is { Kind: JournalKind.Report, HttpStatus: 200, RequestType: "InstallProfile", What: "Acknowledged" }, Guard);

        Assert.NotEqual(first, ipad.IdentitySha256);
        var command = Assert.Single(await admin.ListCommandsAsync(ipad.Udid));
        Assert.Equal("the server itself", (string?)(await admin.GetCommandAsync(ipad.Udid, command.CommandUuid))["requestedBy"]);

        // The old one ends, and the iPad goes on.
        time.Pass(TimeSpan.FromDays(11));
        await ipad.ConnectAsync();
        Assert.True(ipad.IsEnrolled);
        Assert.Null(await store.Find(ipad.Udid));
        Assert.Empty(fleet.Violations);
        await app.StopAsync();
    }

    /// <summary>The sweep's tick, until it has done this. Each gets real time to end: a call that is under way when an hour passes has timed out, and the
    /// sweep puts its iPad off by an hour.</summary>
    private static async Task Tick(IGrainFactory grains, LaterTime time, Func<Task<bool>> done)
    {
        const int LooksATick = 50;
        using var guard = new CancellationTokenSource(Guard);
        while (true)
        {
            time.Pass(TimeSpan.FromMinutes(61));
            await grains.GetGrain<ISweepGrain>(0).Tick();
            for (var looks = 0; looks < LooksATick; looks++)
            {
                if (await done()) return;
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, guard.Token);
            }
        }
    }

    /// <summary>The real time, and as much later as a test says.</summary>
    private sealed class LaterTime : TimeProvider
    {
        private long _ticks;

        public void Pass(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Volatile.Read(ref _ticks));

        public override long GetTimestamp() => System.GetTimestamp() + (Volatile.Read(ref _ticks) * System.TimestampFrequency / TimeSpan.TicksPerSecond);
    }
}
