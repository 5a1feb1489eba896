using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.IPads;

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

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    protected abstract Task<IReadOnlyDictionary<string, string>> OpenStore();

    [Fact]
    public async Task A_server_that_is_killed_under_load_loses_nothing_that_it_promised()
    {
        using var patience = new CancellationTokenSource(Patience);
        await using var server = new RunningServer
        {
            Options = new Dictionary<string, string>(await OpenStore()) { ["Webhooks:AllowPrivateAddresses"] = "true", ["Webhooks:AllowHttp"] = "true" },
        };
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

        // A receiver is told of each command that has ended, at least once.
        await using var receiver = await EventReceiver.Start();
        await admin.PostAsync("/api/v1/webhooks", new JsonObject { ["name"] = "Kill test", ["url"] = receiver.Url, ["events"] = new JsonArray("command.finished") }, cancellation);

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
            await server.Process.KillAndStart();
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
        await Until(() => accepted.Keys.All(key => receiver.Told.ContainsKey(key.CommandUuid)), "an event of every accepted command", cancellation);
    }

    [Fact]
    public async Task iPads_become_what_they_are_assigned_to_be_though_the_server_is_killed_again_and_again()
    {
        using var patience = new CancellationTokenSource(Patience);
        await using var server = new RunningServer { Options = await OpenStore() };
        await server.InitializeAsync();
        await server.RunAsync(
            fleet => Assign(server, fleet, patience.Token), options => options with { LongestRetry = TimeSpan.FromSeconds(2), JournalCapacity = 20_000 });
    }

    private static async Task Assign(RunningServer server, IPadFleet fleet, CancellationToken cancellation)
    {
        const int profiles = 5, changes = 8;
        var admin = server.Admin;
        for (var i = 0; i < IPads; i++) fleet.Add();
        var invitation = await admin.CreateInvitationAsync("Kill test", cancellation: cancellation);
        await fleet.EnrolAllAsync(fleet.IPads, invitation.Url, cancellation: cancellation);
        var assignments = new List<(string Id, string Identifier, string Body)>();
        for (var i = 0; i < profiles; i++)
        {
            var profile = await admin.CreateProfileAsync(new JsonObject
            {
                ["PayloadIdentifier"] = $"org.example.assigned{i}",
                ["PayloadDisplayName"] = $"Assigned {i}",
                ["PayloadContent"] = new JsonArray(new JsonObject { ["PayloadType"] = "com.apple.webClip.managed", ["Label"] = $"Page {i}", ["URL"] = "https://school.example/" }),
            }, cancellation);
            var body = $$"""{"name": "Assigned {{i}}", "profileId": "{{profile}}", "target": """;
            var made = await admin.PostAsync("/api/v1/assignments", JsonNode.Parse(body + "\"serial:NOBODY\"}")!.AsObject(), cancellation);
            assignments.Add((made["id"]!.GetValue<string>(), $"org.example.assigned{i}", body));
        }

        // Each change gives an assignment to other iPads; kills come while iPads are at work on them, and while changes are written.
        var wanted = new Dictionary<string, HashSet<string>>();
        for (var round = 0; round < changes; round++)
        {
            var killing = Task.CompletedTask;
            foreach (var (number, (id, identifier, body)) in assignments.Index())
            {
                var chosen = fleet.IPads.Where((_, at) => (at + number + round) % 3 != 0).ToList();
                var target = string.Join(" or ", chosen.Select(ipad => $"serial:{ipad.Description.SerialNumber}"));
                if (number == round % profiles) killing = server.Process.KillAndStart();
                await Insist(() => admin.PutAsync($"/api/v1/assignments/{id}", JsonNode.Parse($"{body}\"{target}\"}}")!.AsObject(), cancellation, "*"));
                wanted[identifier] = [.. chosen.Select(ipad => ipad.Udid)];
            }

            await killing;
        }

        string[] Assigned(VirtualIPad ipad) => [.. ipad.InstalledProfiles.Where(wanted.ContainsKey).Order(StringComparer.Ordinal)];
        string[] Wanted(VirtualIPad ipad) => [.. wanted.Where(one => one.Value.Contains(ipad.Udid)).Select(one => one.Key).Order(StringComparer.Ordinal)];
        try
        {
            await Until(() => fleet.IPads.All(ipad => Assigned(ipad).SequenceEqual(Wanted(ipad))), "all that is assigned on all iPads", cancellation);
        }
        catch (TimeoutException)
        {
            var late = fleet.IPads.First(ipad => !Assigned(ipad).SequenceEqual(Wanted(ipad)));
            Assert.Fail($"It has {string.Join(' ', Assigned(late))}, and should have {string.Join(' ', Wanted(late))}: {await admin.GetTextAsync($"/api/v1/devices/{late.Udid}/assignments", CancellationToken.None)}");
        }

        // What iPads have done is known in a moment, when their answers have come.
        foreach (var (id, identifier, _) in assignments)
        {
            var settled = "";
            while (settled != $"{wanted[identifier].Count} 0 0 0 0")
            {
                var counts = (await admin.GetAsync($"/api/v1/assignments/{id}", cancellation))["iPads"]!;
                settled = $"{counts["installed"]} {counts["waiting"]} {counts["sent"]} {counts["failed"]} {counts["leaving"]}";
            }
        }

        // And then nothing more is sent.
        var commands = fleet.IPads.Sum(ipad => ipad.Journal.Commands.Count());
        foreach (var ipad in fleet.IPads) await ipad.ConnectAsync(cancellation: cancellation);
        Assert.Equal(commands, fleet.IPads.Sum(ipad => ipad.Journal.Commands.Count()));

        Task Insist(Func<Task> step) => FaultSteps.Insist(step, cancellation);
    }

    [Fact]
    public async Task Nobody_stays_locked_in_an_exam_though_the_server_is_killed_and_iPads_are_offline()
    {
        using var patience = new CancellationTokenSource(Patience);
        await using var server = new RunningServer { Options = await OpenStore() };
        await server.InitializeAsync();
        await server.RunAsync(
            fleet => Examine(server, fleet, patience.Token), options => options with { LongestRetry = TimeSpan.FromSeconds(2), JournalCapacity = 20_000 });
    }

    private static async Task Examine(RunningServer server, IPadFleet fleet, CancellationToken cancellation)
    {
        var admin = server.Admin;
        for (var i = 0; i < IPads; i++) fleet.Add();
        var invitation = await admin.CreateInvitationAsync("Kill test", cancellation: cancellation);
        await fleet.EnrolAllAsync(fleet.IPads, invitation.Url, cancellation: cancellation);
        var supervised = fleet.IPads.Where(ipad => ipad.Description.Supervised).ToList();
        Assert.NotEmpty(supervised);

        // 1. It begins, and the server dies while iPads come for their locks.
        string? exam = null;
        var begin = Insist(async () => exam = (await admin.PostAsync("/api/v1/exams", new JsonObject
        {
            ["name"] = "Kill test",
            ["app"] = new JsonObject { ["bundleId"] = "org.example.exam" },
            ["iPads"] = new JsonArray([.. fleet.IPads.Select(ipad => JsonValue.Create(ipad.Udid))]),
            ["endsAt"] = TimeProvider.System.GetUtcNow().AddMinutes(30).ToString("O"),
        }, cancellation))["id"]!.GetValue<string>());
        await begin;
        await server.Process.KillAndStart();
        // A push that died with the server is repeated after a minute; here an iPad is used, and comes by itself.
        await Come(fleet.IPads);
        await Until(() => supervised.All(ipad => ipad.LockedIntoApp == "org.example.exam"), "a lock on all supervised iPads", cancellation);

        // 2. The end moves while a third of them are offline, and the server dies again.
        var offline = supervised.Where((_, at) => at % 3 == 0).ToList();
        foreach (var ipad in offline) ipad.GoOffline();
        var later = TimeProvider.System.GetUtcNow().AddMinutes(60);
        var killing = server.Process.KillAndStart();
        await Insist(() => admin.PostAsync($"/api/v1/exams/{exam}/prolong", new JsonObject { ["endsAt"] = later.ToString("O") }, cancellation));
        await killing;

        // 3. Some are locked by their passcode, the exam is ended, and the server dies in the middle of it.
        var passcode = supervised.Except(offline).Where((_, at) => at % 2 == 0).ToList();
        foreach (var ipad in passcode) ipad.Lock();
        await Insist(() => admin.PostAsync($"/api/v1/exams/{exam}/release", [], cancellation));
        killing = server.Process.KillAndStart();
        await Come(supervised.Except(offline));
        await killing;
        await Come(supervised.Except(offline).Except(passcode));
        await Until(() => supervised.Except(offline).Except(passcode).All(ipad => ipad.LockedIntoApp is null), "a release of those that can", cancellation);
        Assert.All(offline, ipad => Assert.NotNull(ipad.LockedIntoApp));
        var left = (await admin.GetAsync($"/api/v1/exams/{exam}", cancellation))["counts"]!["releasing"]!.GetValue<int>();
        Assert.InRange(left, offline.Count, offline.Count + passcode.Count);

        // 4. The others come at last.
        foreach (var ipad in passcode) ipad.Unlock();
        foreach (var ipad in offline) ipad.GoOnline();
        await Come(supervised);
        await Until(() => supervised.All(ipad => ipad.LockedIntoApp is null), "a release of all", cancellation);
        while ((await admin.GetAsync($"/api/v1/exams/{exam}", cancellation))["phase"]!.GetValue<string>() != "over") await Come(supervised);
        Assert.Equal(0, fleet.IPads.Count(ipad => ipad.InstalledProfiles.Any(profile => profile.StartsWith("com.fleetmdm.exam.", StringComparison.Ordinal))));

        async Task Come(IEnumerable<VirtualIPad> ipads)
        {
            foreach (var ipad in ipads.ToList()) await Insist(() => ipad.ConnectAsync(cancellation: cancellation));
        }

        Task Insist(Func<Task> step) => FaultSteps.Insist(step, cancellation);
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
