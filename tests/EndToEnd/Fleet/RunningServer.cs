using FleetMdm.EndToEnd.Server;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>The server as a process (on SQLite unless <see cref="Options"/> say otherwise), a simulated APNs, an administrator's client.</summary>
public sealed class RunningServer : IAsyncLifetime
{
    /// <summary>Every wait for something to happen ends by then, with the journal of the iPad in the failure.</summary>
    public static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("fleetmdm-journeys-").FullName;
    private readonly KeySource _keys = KeySource.Shared(4);
    private int _devices;

    public ServerProcess Process { get; private set; } = null!;
    public ApnsSimulator Apns { get; private set; } = null!;

    /// <summary>Who made the iPads; the server knows it.</summary>
    public DeviceAuthority Factory { get; } = new();

    /// <summary>Who attests for the iPads; the server knows it when <see cref="Options"/> name an <c>Attestation:Identity</c>.</summary>
    public AttestationAuthority Attestation { get; } = new();

    public TrustAnchors Trust { get; private set; } = null!;
    public AdminClient Admin { get; private set; } = null!;
    public Uri Url => Process.Url;

    /// <summary>Where administrators have a listener of their own (<c>Http:AdminListen</c>); null: they share the iPads'.</summary>
    public Uri? AdminUrl { get; init; }

    /// <summary>Options beyond the usual ones.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    public async ValueTask InitializeAsync()
    {
        Apns = await ApnsSimulator.StartAsync();
        var root = Path.Combine(_folder, "apns.pem");
        await File.WriteAllTextAsync(root, Apns.Authority.RootPem);
        var factory = Path.Combine(_folder, "factory.pem");
        await File.WriteAllTextAsync(factory, Factory.Pem);
        var attestation = new Dictionary<string, string>();
        if (Options.ContainsKey("Attestation:Identity"))
        {
            attestation["Attestation:RootFiles"] = Path.Combine(_folder, "attestation.pem");
            await File.WriteAllTextAsync(attestation["Attestation:RootFiles"], Attestation.Pem);
        }

        Process = await new ServerProcess(_folder, new Dictionary<string, string>(Options.Concat(attestation))
        {
            ["Push:Endpoint"] = Apns.Endpoint.GetLeftPart(UriPartial.Authority),
            ["Push:TrustedRootFile"] = root,
            ["OverTheAir:DeviceCaFiles"] = factory,
        }).Start();
        await Readiness.WaitAsync(Url, Guard, TimeProvider.System);
        Trust = await TrustProfile.FetchAsync(Url);
        Admin = new AdminClient(AdminUrl ?? Url, Process.AdminToken, Trust);
        using var certificate = Apns.Authority.MintPushCertificate();
        await Admin.PutPushCertificateAsync(certificate.ToPem());
    }

    public async ValueTask DisposeAsync()
    {
        Admin?.Dispose();
        if (Process is not null)
            await Process.DisposeAsync();
        if (Apns is not null)
            await Apns.DisposeAsync();
        Factory.Dispose();
        Attestation.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>iPads that trust this server and its APNs.</summary>
    public IPadFleet NewFleet(Func<FleetOptions, FleetOptions>? change = null)
    {
        var options = new FleetOptions { Trust = Trust, Apns = Apns, Factory = Factory, Attestation = Attestation, Keys = _keys, FirstRetry = TimeSpan.FromMilliseconds(100) };
        return new IPadFleet(change?.Invoke(options) ?? options);
    }

    /// <summary>Lets a fleet run; at the end no iPad may have seen the server break a rule of Apple's, a 401 least of all.</summary>
    public async Task RunAsync(Func<IPadFleet, Task> journey, Func<FleetOptions, FleetOptions>? change = null)
    {
        await using var fleet = NewFleet(change);
        await journey(fleet);
        Assert.Empty(fleet.Violations);
        Assert.Equal(0, fleet.Measurements.Answers(401));
    }

    /// <summary>An iPad that no other journey has, enrolled by an invitation of its own.</summary>
    public async Task<VirtualIPad> EnrolAsync(IPadFleet fleet, Func<IPadDescription, IPadDescription>? change = null)
    {
        var description = IPadDescription.Number(Interlocked.Increment(ref _devices));
        var ipad = fleet.Add(change?.Invoke(description) ?? description);
        await ipad.EnrolAsync((await Admin.CreateInvitationAsync("Journey", maxUses: 1)).Url);
        return ipad;
    }

    /// <summary>Waits until the server has taken this report of the iPad.</summary>
    public static Task<JournalEntry> ReportedAsync(VirtualIPad ipad, string commandUuid, string status, string channel = "device") =>
        ipad.Journal.WaitForAsync(entry => entry is { Kind: JournalKind.Report, HttpStatus: 200 }
            && entry.Channel == channel && entry.CommandUuid == commandUuid && entry.What == status, Guard);

    /// <summary>What the server's history says of a command.</summary>
    public async Task<string> StateAsync(string deviceId, string commandUuid) =>
        (await Admin.GetCommandAsync(deviceId, commandUuid))["state"]!.GetValue<string>();
}
