using System.Text.Json.Nodes;
using FleetMdm.EndToEnd.Server;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Apns;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>PostgreSQL dies under a serving node, and comes back.</summary>
public sealed class DatabaseAwayTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task While_the_database_is_away_everything_is_answered_503_and_afterwards_nothing_is_missing()
    {
        using var patience = new CancellationTokenSource(Patience);
        var cancellation = patience.Token;
        using var folder = new TemporaryFolder();
        await using var postgres = await PrivatePostgres.Create();
        await using var database = await PostgresDatabase.CreateOn(postgres.ConnectionString);
        await using var apns = await ApnsSimulator.StartAsync();
        using var pushCertificate = apns.Authority.MintPushCertificate();
        await File.WriteAllTextAsync(folder.File("apns-root.pem"), apns.Authority.RootPem, cancellation);
        await using var server = await new ServerProcess(folder.File("data"), new Dictionary<string, string>
        {
            ["Push:Endpoint"] = apns.Endpoint.ToString(),
            ["Push:TrustedRootFile"] = folder.File("apns-root.pem"),
            ["Storage:Provider"] = "PostgreSQL",
            ["Storage:ConnectionString"] = database.ConnectionString,
            ["Secrets:MasterKey"] = Convert.ToBase64String(new byte[32]),
        }).Start();
        var trust = await server.Trust();
        using var admin = new AdminClient(server.Url, server.AdminToken, trust);
        await admin.PutPushCertificateAsync(pushCertificate.ToPem(), cancellation);
        var invitation = await admin.CreateInvitationAsync("Database away", cancellation: cancellation);
        await using var fleet = new IPadFleet(new FleetOptions
        {
            Trust = trust,
            Apns = apns,
            FirstRetry = TimeSpan.FromMilliseconds(200),
            LongestRetry = TimeSpan.FromSeconds(1),
        });
        var ipad = fleet.Add();
        await ipad.EnrolAsync(invitation.Url, cancellation);

        // The iPad has the command in hand when the database dies: its report is what must not be lost.
        ipad.GoOffline();
        var uuid = await admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "DeviceInformation" }, cancellation);
        await postgres.StopAtOnce();
        ipad.GoOnline();
        await ipad.Journal.WaitForAsync(entry => entry.HttpStatus == 503, Patience);
        var refused = await Assert.ThrowsAsync<AdminException>(
            () => admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "SecurityInfo" }, cancellation));
        Assert.Equal(503, refused.Status);

        await postgres.Start();
        await ipad.Journal.WaitForAsync(entry => entry.HttpStatus == 200 && entry.CommandUuid == uuid && entry.What == "Acknowledged", Patience);
        var command = await admin.GetCommandAsync(ipad.Udid, uuid, cancellation);
        Assert.Equal("Acknowledged", command["state"]!.GetValue<string>());
        Assert.Empty(fleet.Violations);
        Assert.Equal(0, fleet.Measurements.Answers(401));
    }
}
