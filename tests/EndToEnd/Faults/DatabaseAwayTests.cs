using System.Text.Json.Nodes;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>PostgreSQL dies under a serving node, and comes back.</summary>
public sealed class DatabaseAwayTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task While_the_database_is_away_everything_is_answered_503_and_afterwards_nothing_is_missing()
    {
        using var patience = new CancellationTokenSource(Patience);
        await using var postgres = await PrivatePostgres.Create();
        await using var database = await PostgresDatabase.CreateOn(postgres.ConnectionString);
        await using var server = new RunningServer
        {
            Options = new Dictionary<string, string>
            {
                ["Storage:Provider"] = "PostgreSQL",
                ["Storage:ConnectionString"] = database.ConnectionString,
                ["Secrets:MasterKey"] = Convert.ToBase64String(new byte[32]),
            },
        };
        await server.InitializeAsync();
        await server.RunAsync(
            fleet => Run(server, fleet, postgres, patience.Token), options => options with { LongestRetry = TimeSpan.FromSeconds(1) });
    }

    private static async Task Run(RunningServer server, IPadFleet fleet, PrivatePostgres postgres, CancellationToken cancellation)
    {
        var admin = server.Admin;
        var ipad = await server.EnrolAsync(fleet);

        // The iPad has the command in hand when the database dies: its report is what must not be lost.
        ipad.GoOffline();
        var uuid = await admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "DeviceInformation" }, cancellation);
        await postgres.StopAtOnce();
        ipad.GoOnline();
        await ipad.Journal.WaitForAsync(entry => entry.HttpStatus == 503, Patience, cancellation: cancellation);
        var refused = await Assert.ThrowsAsync<AdminException>(
            () => admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "SecurityInfo" }, cancellation));
        Assert.Equal(503, refused.Status);

        await postgres.Start();
        await ipad.Journal.WaitForAsync(entry => entry.HttpStatus == 200 && entry.CommandUuid == uuid && entry.What == "Acknowledged", Patience, cancellation: cancellation);
        var command = await admin.GetCommandAsync(ipad.Udid, uuid, cancellation);
        Assert.Equal("Acknowledged", command["state"]!.GetValue<string>());
    }
}
