using System.Text.Json.Nodes;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>iPads that get a new identity certificate from the server, over HTTPS, with a key of their own and real SCEP.</summary>
public sealed class RenewalJourneyTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public Task An_iPad_renews_its_certificate_and_goes_on_with_the_new_one() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        await server.RenewAsync(ipad);
        await server.GoesOnAsync(ipad);
        // And the renewed one likewise: it knows by which address the iPad is enrolled.
        await server.RenewAsync(ipad);
        await server.GoesOnAsync(ipad);
    });

    [Fact]
    public Task The_same_in_TLS_instead_of_by_signatures() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        await server.RenewAsync(ipad);
        await server.GoesOnAsync(ipad);
    }, options => options with { Identity = IdentityPresentation.TlsClientCertificate });

    [Fact]
    public Task A_locked_iPad_puts_it_off_and_renews_when_it_is_unlocked() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        var before = ipad.IdentitySha256;
        ipad.Lock();
        var command = await server.Admin.RenewAsync(ipad.Udid);
        await RunningServer.ReportedAsync(ipad, command, "NotNow");
        Assert.Equal(before, ipad.IdentitySha256);
        // What is asked for twice is one command.
        Assert.Equal(command, await server.Admin.RenewAsync(ipad.Udid));

        ipad.Unlock();
        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");

        Assert.NotEqual(before, ipad.IdentitySha256);
        await server.GoesOnAsync(ipad);
    });

    [Fact]
    public Task An_iPad_that_fails_keeps_its_certificate_and_is_tried_again() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        var before = ipad.IdentitySha256;
        ipad.FailOn("InstallProfile", new AppleError("MCInstallationErrorDomain", 4001, "The profile could not be installed."));
        var command = await server.Admin.RenewAsync(ipad.Udid);
        await RunningServer.ReportedAsync(ipad, command, "Error");
        var renewal = await server.Admin.GetRenewalAsync(ipad.Udid);
        Assert.Equal(("retrying", 1), (renewal["state"]!.GetValue<string>(), renewal["failures"]!.GetValue<int>()));
        Assert.Contains("could not be installed", renewal["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(before, ipad.IdentitySha256);
        await server.GoesOnAsync(ipad);

        ipad.FailOn("InstallProfile");
        await server.RenewAsync(ipad);
        await server.GoesOnAsync(ipad);
    });

    [Fact]
    public Task The_history_says_that_the_server_sent_it_and_holds_no_challenge() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        var command = await server.RenewAsync(ipad);

        var sent = await server.Admin.GetCommandAsync(ipad.Udid, command);

        Assert.Equal("InstallProfile", sent["requestType"]!.GetValue<string>());
        Assert.DoesNotContain("r1.", sent.ToJsonString(), StringComparison.Ordinal);
    });
}

/// <summary>The server is killed while iPads renew.</summary>
public abstract class RenewalKillRules
{
    private const int IPads = 6;

    protected abstract Task<IReadOnlyDictionary<string, string>> OpenStore();

    [Fact]
    public async Task After_a_kill_every_renewal_goes_on_and_each_iPad_has_one_new_certificate()
    {
        await using var server = new RunningServer { Options = await OpenStore() };
        await server.InitializeAsync();
        await server.RunAsync(async fleet =>
        {
            var ipads = new List<VirtualIPad>();
            for (var i = 0; i < IPads; i++) ipads.Add(await server.EnrolAsync(fleet));
            var before = ipads.Select(ipad => ipad.IdentitySha256).ToList();

            // Half of them have the command in the queue at the kill, half are in the middle of it.
            foreach (var ipad in ipads.Take(IPads / 2)) ipad.GoOffline();
            var commands = await Task.WhenAll(ipads.Select(ipad => server.Admin.RenewAsync(ipad.Udid)));
            await server.Process.Kill();
            await server.Process.Start();
            foreach (var ipad in ipads.Take(IPads / 2)) ipad.GoOnline();

            for (var i = 0; i < IPads; i++)
            {
                await server.Admin.PushAsync(ipads[i].Udid);
                // One that was in the middle of it may have failed, and is asked again by another command.
                await ipads[i].Journal.WaitForAsync(entry => entry is { Kind: JournalKind.Report, HttpStatus: 200, RequestType: "InstallProfile" }, RunningServer.Guard);
                if (ipads[i].IdentitySha256 == before[i]) await server.RenewAsync(ipads[i]);
                await server.GoesOnAsync(ipads[i]);
                Assert.NotEqual(before[i], ipads[i].IdentitySha256);
                Assert.Contains((await server.Admin.ListCommandsAsync(ipads[i].Udid)), command => command.CommandUuid == commands[i] && command.Finished);
            }
        }, options => options with { LongestRetry = TimeSpan.FromSeconds(1) });
    }
}

public sealed class RenewalKillsOnSqlite : RenewalKillRules
{
    protected override Task<IReadOnlyDictionary<string, string>> OpenStore() =>
        Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>());
}

public sealed class RenewalKillsOnPostgreSql : RenewalKillRules, IAsyncLifetime
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

internal static class Renewing
{
    /// <summary>Asks for a renewal and waits until the iPad has a new identity; the command.</summary>
    public static async Task<string> RenewAsync(this RunningServer server, VirtualIPad ipad)
    {
        var before = ipad.IdentitySha256;
        var command = await server.Admin.RenewAsync(ipad.Udid);
        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");
        Assert.NotEqual(before, ipad.IdentitySha256);
        Assert.Equal(404, await Status(() => server.Admin.GetRenewalAsync(ipad.Udid)));
        return command;
    }

    /// <summary>It is the same enrolment, and answers.</summary>
    public static async Task GoesOnAsync(this RunningServer server, VirtualIPad ipad)
    {
        var command = await server.Admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "DeviceInformation" });
        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");
        Assert.Equal("Enrolled", (await server.Admin.GetDeviceAsync(ipad.Udid))["status"]!.GetValue<string>());
    }

    private static async Task<int> Status(Func<Task> ask)
    {
        try
        {
            await ask();
            return 200;
        }
        catch (FleetMdm.VirtualFleet.Administration.AdminException e)
        {
            return e.Status;
        }
    }
}
