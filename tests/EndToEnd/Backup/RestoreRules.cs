using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Backup;

/// <summary>
/// A backup is made while administrators send commands and iPads work on them; then everything but the master key is lost, and the
/// backup is restored. What was there when the backup was made goes on, and what came later does no harm.
/// </summary>
public abstract class RestoreRules
{
    private const int Busy = 4;
    private const int Senders = 3;

    /// <summary>Commands accepted before the backup is made.</summary>
    private const int Before = 40;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private static JsonObject DeviceInformation => new() { ["requestType"] = "DeviceInformation" };

    protected abstract Task<IReadOnlyDictionary<string, string>> OpenStore();

    /// <summary>As the documentation says.</summary>
    protected abstract Task Backup(RunningServer server);

    /// <summary>The server is dead. Everything is gone but the backup and the master key; then it is restored as the documentation says.</summary>
    protected abstract Task LoseAndRestore(RunningServer server);

    [Fact]
    public async Task A_restored_server_goes_on_with_its_iPads()
    {
        using var patience = new CancellationTokenSource(Patience);
        await using var server = new RunningServer { Options = await OpenStore() };
        await server.InitializeAsync();
        await server.RunAsync(
            fleet => Run(server, fleet, patience.Token),
            options => options with { LongestRetry = TimeSpan.FromSeconds(1), JournalCapacity = 20_000 });
    }

    private async Task Run(RunningServer server, IPadFleet fleet, CancellationToken cancellation)
    {
        var admin = server.Admin;
        var invitation = await admin.CreateInvitationAsync("Restore test", cancellation: cancellation);
        for (var i = 0; i < Busy; i++) fleet.Add();
        await fleet.EnrolAllAsync(fleet.IPads, invitation.Url, cancellation: cancellation);
        var busy = fleet.IPads;
        var away = await server.EnrolAsync(fleet, description => description with { Udid = "AWAY-0001" });
        var doomed = await server.EnrolAsync(fleet, description => description with { Udid = "DOOMED-0001" });
        var renewed = await server.EnrolAsync(fleet, description => description with { Udid = "RENEWED-0001" });

        // Two iPads are switched off with commands waiting, one of them with one that must not be run twice.
        away.GoOffline();
        doomed.GoOffline();
        string[] waiting =
        [
            await admin.SendCommandAsync(away.Udid, DeviceInformation, cancellation),
            await admin.SendCommandAsync(away.Udid, new JsonObject { ["requestType"] = "SecurityInfo" }, cancellation),
        ];
        var erase = await admin.SendCommandAsync(doomed.Udid, new JsonObject { ["requestType"] = "EraseDevice" }, cancellation);

        // The backup is made under load, which it must not disturb.
        var load = new Load(admin, busy, cancellation);
        await fleet.WhenAsync(() => load.Accepted.Count >= Before, cancellation);
        var before = load.Accepted.ToArray();
        await Backup(server);
        await load.Stop();
        Assert.Empty(load.Failures);
        Assert.True(load.Accepted.Count > before.Length, "Nothing was accepted while the backup was made.");

        // What came after it: a certificate, an enrolment, a command.
        await Renew(server, renewed, cancellation);
        var late = await server.EnrolAsync(fleet, description => description with { Udid = "LATE-0001" });
        var lost = await admin.SendCommandAsync(away.Udid, DeviceInformation, cancellation);

        await server.Process.Kill();
        await LoseAndRestore(server);
        await server.Process.Start();
        await Readiness.WaitAsync(server.Url, Patience, TimeProvider.System, cancellation);

        await What_waited_is_delivered_once(admin, away, waiting, lost, cancellation);
        await What_was_promised_is_there(admin, fleet, busy, before, cancellation);
        await It_goes_on_with(admin, [.. busy, away, renewed], cancellation);
        await Nothing_is_erased_by_an_old_command(admin, doomed, erase, cancellation);
        await Who_enrolled_later_enrols_again(server, late, cancellation);
    }

    private static async Task What_waited_is_delivered_once(
        AdminClient admin, VirtualIPad away, string[] waiting, string lost, CancellationToken cancellation)
    {
        away.GoOnline();
        await RunningServer.ReportedAsync(away, waiting[^1], "Acknowledged");
        Assert.Equal(waiting, away.Journal.ExecutionOrder());
        var unknown = await Assert.ThrowsAsync<AdminException>(() => admin.GetCommandAsync(away.Udid, lost, cancellation));
        Assert.Equal(404, unknown.Status);
    }

    private static async Task What_was_promised_is_there(
        AdminClient admin, IPadFleet fleet, IReadOnlyList<VirtualIPad> busy, (string Udid, string Uuid)[] before, CancellationToken cancellation)
    {
        foreach (var ipad in busy) await admin.PushAsync(ipad.Udid, cancellation);
        var byUdid = busy.ToDictionary(ipad => ipad.Udid);
        await fleet.WhenAsync(() => before.All(key => byUdid[key.Udid].Journal.Command(key.Uuid) is { AcceptedReports: > 0 }), cancellation);
        foreach (var ipad in busy)
        {
            // A command whose report came after the backup was delivered again.
            await ipad.ConnectAsync(cancellation: cancellation);
            var known = (await admin.ListCommandsAsync(ipad.Udid, cancellation)).ToDictionary(command => command.CommandUuid);
            foreach (var (_, uuid) in before.Where(key => key.Udid == ipad.Udid))
                Assert.True(known.TryGetValue(uuid, out var command) && command.Finished, $"{uuid} was accepted before the backup and is not finished.");
        }
    }

    /// <summary>Pushes, certificates, tokens: the whole way.</summary>
    private static async Task It_goes_on_with(AdminClient admin, IReadOnlyList<VirtualIPad> ipads, CancellationToken cancellation)
    {
        foreach (var ipad in ipads)
            await RunningServer.ReportedAsync(ipad, await admin.SendCommandAsync(ipad.Udid, DeviceInformation, cancellation), "Acknowledged");
    }

    private static async Task Nothing_is_erased_by_an_old_command(
        AdminClient admin, VirtualIPad doomed, string erase, CancellationToken cancellation)
    {
        doomed.GoOnline();
        await doomed.ConnectAsync(cancellation: cancellation);
        Assert.Equal(0, doomed.TimesErased);
        var command = await admin.GetCommandAsync(doomed.Udid, erase, cancellation);
        Assert.Equal("Cancelled", command["state"]!.GetValue<string>());
        Assert.Contains("restored", command["error"]!.GetValue<string>());
    }

    /// <summary>Nobody here knows it; it keeps its management, is told so in a way that it survives, and can be enrolled anew.</summary>
    private static async Task Who_enrolled_later_enrols_again(RunningServer server, VirtualIPad late, CancellationToken cancellation)
    {
        var refused = late.Journal.Entries.Count == 0 ? 0 : late.Journal.Entries[^1].Sequence;
        await late.ConnectAsync(cancellation: cancellation);
        var answer = await late.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Report, Patience, refused, cancellation);
        Assert.Equal(403, answer.HttpStatus);
        Assert.True(late.IsEnrolled);

        await late.RemoveManagementAsync(cancellation);
        await late.EnrolAsync((await server.Admin.CreateInvitationAsync("Again", cancellation: cancellation)).Url, cancellation);
        await It_goes_on_with(server.Admin, [late], cancellation);
    }

    /// <summary>The enrolment profile comes again, and with it a new certificate.</summary>
    private static async Task Renew(RunningServer server, VirtualIPad ipad, CancellationToken cancellation)
    {
        var before = ipad.IdentitySha256;
        await server.Admin.RenewAsync(ipad.Udid, cancellation);
        await ipad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Renewed, Patience, cancellation: cancellation);
        Assert.NotEqual(before, ipad.IdentitySha256);
    }

    /// <summary>Administrators who send one command after the other until they are stopped.</summary>
    private sealed class Load
    {
        private readonly CancellationTokenSource _stop;
        private readonly Task _senders;

        public Load(AdminClient admin, IReadOnlyList<VirtualIPad> ipads, CancellationToken cancellation)
        {
            _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            _senders = Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(() => Send(sender), cancellation)));
            async Task Send(int sender)
            {
                for (var i = sender; !_stop.IsCancellationRequested; i++)
                {
                    var udid = ipads[i % ipads.Count].Udid;
                    try
                    {
                        // Not withdrawn: a command that is under way is finished.
                        Accepted.Add((udid, await admin.SendCommandAsync(udid, DeviceInformation, cancellation)));
                    }
                    catch (Exception e) when (e is HttpRequestException or AdminException)
                    {
                        Failures.Add(e.Message);
                    }
                }
            }
        }

        public ConcurrentBag<(string Udid, string Uuid)> Accepted { get; } = [];

        public ConcurrentBag<string> Failures { get; } = [];

        public async Task Stop()
        {
            await _stop.CancelAsync();
            await _senders;
            _stop.Dispose();
        }
    }
}
