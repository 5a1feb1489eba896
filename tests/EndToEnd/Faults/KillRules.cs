using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>
/// The server is killed (SIGKILL) again and again while administrators send commands and iPads work on them. Afterwards every
/// command that was answered 202 was run by its iPad and stands in the history, and so does every report answered 200.
/// </summary>
public abstract class KillRules
{
    private const int IPads = 12;
    private const int Senders = 6;
    private const int Kills = 3;

    /// <summary>Commands accepted between two kills: enough that the kill finds every stage of their lives.</summary>
    private const int BetweenKills = 120;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    protected abstract Task<IReadOnlyDictionary<string, string>> OpenStore();

    [Fact]
    public async Task A_server_that_is_killed_under_load_loses_nothing_that_it_promised()
    {
        using var patience = new CancellationTokenSource(Patience);
        await using var server = new RunningServer { Options = await OpenStore() };
        await server.InitializeAsync();
        await server.RunAsync(
            fleet => Run(server, fleet, patience.Token), options => options with { LongestRetry = TimeSpan.FromSeconds(2), JournalCapacity = 20_000 });
    }

    private static async Task Run(RunningServer server, IPadFleet fleet, CancellationToken cancellation)
    {
        var admin = server.Admin;
        for (var i = 0; i < IPads; i++) fleet.Add();
        var invitation = await admin.CreateInvitationAsync("Kill test", cancellation: cancellation);
        await fleet.EnrolAllAsync(fleet.IPads, invitation.Url, cancellation: cancellation);

        // Administrators send, one command after the other each, and go on through every kill.
        var accepted = new ConcurrentDictionary<(string Udid, string CommandUuid), bool>();
        using var stopSending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var senders = Enumerable.Range(0, Senders).Select(sender => Task.Run(() => Send(sender), cancellation)).ToArray();
        async Task Send(int sender)
        {
            for (var i = sender; !stopSending.IsCancellationRequested; i++)
            {
                var ipad = fleet.IPads[i % IPads];
                var requestType = i % 2 == 0 ? "DeviceInformation" : "SecurityInfo";
                try
                {
                    var uuid = await admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = requestType }, stopSending.Token);
                    accepted[(ipad.Udid, uuid)] = true;
                }
                catch (Exception e) when (e is HttpRequestException or AdminException or OperationCanceledException or IOException)
                {
                    // Not answered 202: nothing was promised.
                }
            }
        }

        for (var kill = 0; kill < Kills; kill++)
        {
            var goal = accepted.Count + BetweenKills;
            await Until(() => accepted.Count >= goal, $"{goal} accepted commands", cancellation);
            await server.Process.Kill();
            await server.Process.Start();
        }

        await stopSending.CancelAsync();
        await Task.WhenAll(senders);

        // A push that died with the server is repeated by the sweep, after minutes; here an administrator repeats it.
        foreach (var ipad in fleet.IPads) await admin.PushAsync(ipad.Udid, cancellation);
        var byUdid = fleet.IPads.ToDictionary(ipad => ipad.Udid);
        await Until(
            () => accepted.Keys.All(key => byUdid[key.Udid].Journal.Command(key.CommandUuid) is { AcceptedReports: > 0 }),
            "a report on every accepted command",
            cancellation);

        foreach (var ipad in fleet.IPads)
        {
            var history = (await admin.ListCommandsAsync(ipad.Udid, cancellation)).ToDictionary(command => command.CommandUuid);
            foreach (var (_, uuid) in accepted.Keys.Where(key => key.Udid == ipad.Udid))
                Assert.True(history.TryGetValue(uuid, out var known) && known.Finished, $"{uuid} was answered 202 and is not in the history of {ipad.Udid}.");
            foreach (var command in ipad.Journal.Commands.Where(command => command.AcceptedReports > 0))
                Assert.True(history[command.CommandUuid].Finished, $"The report on {command.CommandUuid} was answered 200 and is not in the history.");
        }

        Assert.True(accepted.Count >= Kills * BetweenKills);
    }

    private static async Task Until(Func<bool> condition, string what, CancellationToken cancellation)
    {
        try
        {
            while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"There was never {what}.");
        }
    }
}

public sealed class KillsOnSqlite : KillRules
{
    protected override Task<IReadOnlyDictionary<string, string>> OpenStore() =>
        Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>());
}

public sealed class KillsOnPostgreSql : KillRules, IAsyncLifetime
{
    private PostgresDatabase? _database;

    public async ValueTask InitializeAsync() => _database = await PostgresDatabase.Create();

    public async ValueTask DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
    }

    protected override Task<IReadOnlyDictionary<string, string>> OpenStore() =>
        Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>
        {
            ["Storage:Provider"] = "PostgreSQL",
            ["Storage:ConnectionString"] = _database!.ConnectionString,
            ["Secrets:MasterKey"] = Convert.ToBase64String("a master key for the kill tests!"u8),
        });
}
