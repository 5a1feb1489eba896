using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.Silo.Demo;

/// <summary>What is to become of a command until the story's end.</summary>
internal enum Outcome
{
    Acknowledged,
    /// <summary>Its iPad sleeps or says NotNow: the server keeps it.</summary>
    Waits,
    /// <summary>Its iPad reports an error.</summary>
    Fails,
}

/// <summary>A command that the server accepted with 2xx for one iPad.</summary>
internal sealed record AcceptedCommand(string Udid, string CommandUuid, string RequestType, Outcome Outcome);

/// <summary>What happens in the demo, told once.</summary>
internal sealed class DemoStory
{
    /// <summary>One of three iPads lies locked in a trolley.</summary>
    private const int LockedOneOf = 3;

    /// <summary>How long the iPads that say NotNow go on saying it after the story.</summary>
    public static readonly TimeSpan UnlockedAfter = TimeSpan.FromMinutes(5);

    private readonly DemoScreen _screen;
    private readonly List<AcceptedCommand> _accepted = [];
    private readonly List<(DemoIPad Demo, VirtualIPad IPad)> _ipads;
    private readonly List<Uri> _invitations = [];
    private bool _asleep;

    public DemoStory(int count, DemoScreen screen, AdminClient admin, ApnsSimulator apns, IPadFleet fleet)
    {
        (_screen, Admin, Apns, Fleet) = (screen, admin, apns, fleet);
        _ipads = [.. Enumerable.Range(0, count).Select(DemoFleet.Number).Select(demo => (demo, fleet.Add(demo.Description)))];
    }

    public int Count => _ipads.Count;
    public IPadFleet Fleet { get; }
    public AdminClient Admin { get; }
    public ApnsSimulator Apns { get; }

    /// <summary>Everything that the server has promised to deliver.</summary>
    public IReadOnlyList<AcceptedCommand> Accepted => _accepted;

    public int Those(DemoPart part) => _ipads.Count(ipad => ipad.Demo.Part == part);

    // 1. A push certificate, and an invitation for each school.
    // 2. All enrol.
    // 3. All are asked for DeviceInformation, by one operation.
    // 4. Some fall asleep for good: what comes for them from now on waits.
    // 5. A third is locked and answers NotNow to SecurityInfo. Then most of them are unlocked and come by themselves.
    // 6. All get a Wi-Fi profile, by one operation. Some cannot install it and report an error.
    // 7. One is erased and enrols again.
    // 8. One renews its identity certificate, as all do before it ends.

    public async Task TellAsync(CancellationToken cancellation)
    {
        using (var certificate = Apns.Authority.MintPushCertificate())
            await Admin.PutPushCertificateAsync(certificate.ToPem(), cancellation);
        foreach (var (_, school) in DemoFleet.Schools)
            _invitations.Add((await Admin.CreateInvitationAsync($"{school}, this year", school, cancellation: cancellation)).Url);

        var enrolled = 0;
        var schools = _ipads.ToDictionary(ipad => ipad.IPad, ipad => ipad.Demo.School);
        await _screen.StageAsync("iPads enrol", Count, () => Volatile.Read(ref enrolled),
            token => Fleet.EnrolAllAsync(schools.Keys, ipad => _invitations[schools[ipad]], _ => Interlocked.Increment(ref enrolled), token),
            cancellation);

        await FinishAsync("DeviceInformation of all", await StartAsync(new JsonObject { ["requestType"] = "DeviceInformation" }, cancellation), cancellation);
        FallAsleep();
        await LockedThirdAsync(cancellation);
        await FinishAsync("Wi-Fi profile on all",
            await StartAsync(new JsonObject { ["requestType"] = "InstallProfile", ["payload"] = Convert.ToBase64String(WifiProfile()) }, cancellation), cancellation);
        await EraseOneAsync(cancellation);
        await RenewOneAsync(cancellation);
    }

    /// <summary>After the story, a teacher unlocks the iPads that still say NotNow.</summary>
    public async Task UnlockLaterAsync(CancellationToken cancellation)
    {
        await Task.Delay(UnlockedAfter, Fleet.Options.Time, cancellation);
        foreach (var (_, ipad) in _ipads.Where(ipad => ipad.Demo.Part == DemoPart.SaysNotNow))
            ipad.Unlock();
    }

    private void FallAsleep()
    {
        foreach (var (demo, ipad) in _ipads)
        {
            if (demo.Part == DemoPart.Sleeps)
                ipad.GoOffline();
            else if (demo.Part == DemoPart.Fails)
                ipad.FailOn("InstallProfile", DemoFleet.InstallationFailed);
        }
        _asleep = true;
    }

    private async Task LockedThirdAsync(CancellationToken cancellation)
    {
        var locked = _ipads.Where((ipad, number) => ipad.Demo.Part != DemoPart.Sleeps
            && (number % LockedOneOf == 0 || ipad.Demo.Part == DemoPart.SaysNotNow)).ToList();
        foreach (var (_, ipad) in locked)
            ipad.Lock();
        var command = await StartAsync(new JsonObject { ["requestType"] = "SecurityInfo" }, cancellation);
        var tally = Fleet.Measurements.Tally(command);
        var others = Count - locked.Count - Those(DemoPart.Sleeps);

        await _screen.StageAsync($"SecurityInfo of all: {locked.Count} are locked and say NotNow", others + locked.Count,
            () => Math.Min(tally.Acknowledged, others) + Math.Min(tally.NotNow, locked.Count),
            token => Fleet.WhenAsync(() => tally.Acknowledged >= others && tally.NotNow >= locked.Count, token), cancellation);
        foreach (var (demo, ipad) in locked)
        {
            if (demo.Part != DemoPart.SaysNotNow)
                ipad.Unlock();
        }
        await FinishAsync("Unlocked, the others answer too", command, cancellation);
    }

    private async Task EraseOneAsync(CancellationToken cancellation)
    {
        var (demo, ipad) = _ipads.Last(candidate => candidate.Demo.Part == DemoPart.Answers);
        var (before, started) = (ipad.TimesErased, Fleet.Options.Time.GetTimestamp());
        var command = await Admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "EraseDevice" }, cancellation);
        Fleet.Enqueued(command, started);
        _accepted.Add(new AcceptedCommand(ipad.Udid, command, "EraseDevice", Outcome.Acknowledged));
        await _screen.StageAsync($"{ipad.Description.Name} is erased and enrols again", 2,
            () => (ipad.TimesErased > before ? 1 : 0) + (ipad.TimesErased > before && ipad.IsEnrolled ? 1 : 0),
            async token =>
            {
                await Fleet.WhenAsync(() => ipad.TimesErased > before, token);
                await ipad.EnrolAsync(_invitations[demo.School], token);
            },
            cancellation);
    }

    private async Task RenewOneAsync(CancellationToken cancellation)
    {
        var (_, ipad) = _ipads.First(candidate => candidate.Demo.Part == DemoPart.Answers);
        var (before, started) = (ipad.IdentitySha256, Fleet.Options.Time.GetTimestamp());
        var command = await Admin.RenewAsync(ipad.Udid, cancellation);
        Fleet.Enqueued(command, started);
        _accepted.Add(new AcceptedCommand(ipad.Udid, command, "InstallProfile", Outcome.Acknowledged));
        var tally = Fleet.Measurements.Tally(command);
        await _screen.StageAsync($"{ipad.Description.Name} renews its identity certificate", 1,
            () => tally.Acknowledged > 0 && ipad.IdentitySha256 != before ? 1 : 0,
            token => Fleet.WhenAsync(() => tally.Acknowledged > 0, token), cancellation);
    }

    /// <summary>Queues a command for all iPads.</summary>
    /// <returns>Its CommandUUID, which they share.</returns>
    private async Task<string> StartAsync(JsonObject command, CancellationToken cancellation)
    {
        var started = Fleet.Options.Time.GetTimestamp();
        var operation = await Admin.StartOperationAsync(new JsonObject { ["all"] = true }, command, cancellation);
        Fleet.Enqueued(operation.CommandUuid, started);
        _accepted.AddRange(_ipads.Select(ipad =>
            new AcceptedCommand(ipad.IPad.Udid, operation.CommandUuid, operation.RequestType, OutcomeOf(ipad.Demo.Part, operation.RequestType))));
        return operation.CommandUuid;
    }

    private Outcome OutcomeOf(DemoPart part, string requestType) => part switch
    {
        _ when !_asleep => Outcome.Acknowledged,
        DemoPart.Sleeps or DemoPart.SaysNotNow => Outcome.Waits,
        DemoPart.Fails when requestType == "InstallProfile" => Outcome.Fails,
        _ => Outcome.Acknowledged,
    };

    /// <summary>Waits until all have finished the command that are meant to.</summary>
    private Task FinishAsync(string title, string command, CancellationToken cancellation)
    {
        var tally = Fleet.Measurements.Tally(command);
        var finishing = _accepted.Count(accepted => accepted.CommandUuid == command && accepted.Outcome != Outcome.Waits);
        return _screen.StageAsync(title, finishing, () => tally.Acknowledged + tally.Failed,
            token => Fleet.WhenAsync(() => tally.Acknowledged + tally.Failed >= finishing, token), cancellation);
    }

    /// <summary>A network of the school's, with a name that nobody has.</summary>
    private static byte[] WifiProfile() => Encoding.UTF8.GetBytes(
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
        <plist version="1.0">
        <dict>
            <key>PayloadType</key><string>Configuration</string>
            <key>PayloadVersion</key><integer>1</integer>
            <key>PayloadIdentifier</key><string>demo.school.wifi</string>
            <key>PayloadUUID</key><string>5F0B4D5A-6A0C-4E6B-9D53-1C0B7E0F2A11</string>
            <key>PayloadDisplayName</key><string>School Wi-Fi</string>
            <key>PayloadContent</key>
            <array>
                <dict>
                    <key>PayloadType</key><string>com.apple.wifi.managed</string>
                    <key>PayloadVersion</key><integer>1</integer>
                    <key>PayloadIdentifier</key><string>demo.school.wifi.network</string>
                    <key>PayloadUUID</key><string>0C5E2B7B-4B1B-4E0B-8A63-0B1D3C9E7F22</string>
                    <key>SSID_STR</key><string>FleetMdm Demo School</string>
                    <key>AutoJoin</key><true/>
                    <key>EncryptionType</key><string>WPA2</string>
                    <key>Password</key><string>only-for-the-demo</string>
                </dict>
            </array>
        </dict>
        </plist>
        """);
}
