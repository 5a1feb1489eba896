using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.Silo.Demo;

/// <summary>A command that the server accepted with 2xx for one iPad.</summary>
internal sealed record AcceptedCommand(string Udid, string CommandUuid, string RequestType);

/// <summary>What happens in the demo, told once.</summary>
internal sealed class DemoStory(int count, DemoScreen screen, AdminClient admin, ApnsSimulator apns, IPadFleet fleet)
{
    /// <summary>One of three iPads lies locked in a trolley.</summary>
    private const int LockedOneOf = 3;

    private readonly List<AcceptedCommand> _accepted = [];
    private List<VirtualIPad> _ipads = [];

    public int Count => count;
    public IPadFleet Fleet => fleet;
    public AdminClient Admin => admin;
    public ApnsSimulator Apns => apns;

    /// <summary>Everything that the server has promised to deliver.</summary>
    public IReadOnlyList<AcceptedCommand> Accepted => _accepted;

    // 1. A push certificate and an invitation.
    // 2. All enrol.
    // 3. All are asked for DeviceInformation, by one operation.
    // 4. A third is locked and answers NotNow to SecurityInfo; then it is unlocked and comes by itself.
    // 5. All get a Wi-Fi profile, by one operation.
    // 6. One is erased and enrols again.

    public async Task TellAsync(CancellationToken cancellation)
    {
        using (var certificate = apns.Authority.MintPushCertificate())
            await admin.PutPushCertificateAsync(certificate.ToPem(), cancellation);
        var invitation = await admin.CreateInvitationAsync("Demo", "Demo School", cancellation: cancellation);

        _ipads = [.. Enumerable.Range(0, count).Select(_ => fleet.Add())];
        var enrolled = 0;
        await screen.StageAsync("iPads enrol", count, () => Volatile.Read(ref enrolled),
            token => fleet.EnrolAllAsync(_ipads, invitation.Url, _ => Interlocked.Increment(ref enrolled), token), cancellation);

        await OperationAsync("DeviceInformation of all", new JsonObject { ["requestType"] = "DeviceInformation" }, cancellation);
        await LockedThirdAsync(cancellation);
        await OperationAsync("Wi-Fi profile on all",
            new JsonObject { ["requestType"] = "InstallProfile", ["payload"] = Convert.ToBase64String(WifiProfile()) }, cancellation);
        await EraseOneAsync(invitation.Url, cancellation);
    }

    private async Task LockedThirdAsync(CancellationToken cancellation)
    {
        var locked = _ipads.Where((_, number) => number % LockedOneOf == 0).ToList();
        foreach (var ipad in locked)
            ipad.Lock();
        var command = await StartAsync(new JsonObject { ["requestType"] = "SecurityInfo" }, cancellation);
        var tally = fleet.Measurements.Tally(command);
        var others = count - locked.Count;

        await screen.StageAsync($"SecurityInfo of all: {locked.Count} are locked and say NotNow", count,
            () => Math.Min(tally.Acknowledged, others) + Math.Min(tally.NotNow, locked.Count),
            token => fleet.WhenAsync(() => tally.Acknowledged >= others && tally.NotNow >= locked.Count, token), cancellation);
        foreach (var ipad in locked)
            ipad.Unlock();
        await AllAcknowledgeAsync("Unlocked, the others answer too", command, cancellation);
    }

    private async Task EraseOneAsync(Uri invitation, CancellationToken cancellation)
    {
        var ipad = _ipads[^1];
        var (before, started) = (ipad.TimesErased, fleet.Options.Time.GetTimestamp());
        var command = await admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "EraseDevice" }, cancellation);
        Accept(command, "EraseDevice", [ipad], started);
        await screen.StageAsync($"{ipad.Description.Name} is erased and enrols again", 2,
            () => (ipad.TimesErased > before ? 1 : 0) + (ipad.TimesErased > before && ipad.IsEnrolled ? 1 : 0),
            async token =>
            {
                await fleet.WhenAsync(() => ipad.TimesErased > before, token);
                await ipad.EnrolAsync(invitation, token);
            },
            cancellation);
    }

    private async Task OperationAsync(string title, JsonObject command, CancellationToken cancellation) =>
        await AllAcknowledgeAsync(title, await StartAsync(command, cancellation), cancellation);

    /// <summary>Queues a command for all iPads.</summary>
    /// <returns>Its CommandUUID, which they share.</returns>
    private async Task<string> StartAsync(JsonObject command, CancellationToken cancellation)
    {
        var started = fleet.Options.Time.GetTimestamp();
        var operation = await admin.StartOperationAsync(new JsonObject { ["all"] = true }, command, cancellation);
        Accept(operation.CommandUuid, operation.RequestType, _ipads, started);
        return operation.CommandUuid;
    }

    private void Accept(string commandUuid, string requestType, IEnumerable<VirtualIPad> ipads, long timestamp)
    {
        fleet.Enqueued(commandUuid, timestamp);
        _accepted.AddRange(ipads.Select(ipad => new AcceptedCommand(ipad.Udid, commandUuid, requestType)));
    }

    private Task AllAcknowledgeAsync(string title, string command, CancellationToken cancellation)
    {
        var tally = fleet.Measurements.Tally(command);
        return screen.StageAsync(title, count, () => tally.Acknowledged,
            token => fleet.WhenAsync(() => tally.Acknowledged >= count, token), cancellation);
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
