using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>What iPads live through, against the real server, over HTTPS, with pushes through a simulated APNs.</summary>
public sealed class JourneyTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static JsonObject DeviceInformation => new() { ["requestType"] = "DeviceInformation" };
    private static JsonObject SecurityInfo => new() { ["requestType"] = "SecurityInfo" };
    private static JsonObject DeviceLock => new() { ["requestType"] = "DeviceLock" };
    private static JsonObject EraseDevice => new() { ["requestType"] = "EraseDevice" };

    [Fact]
    public Task An_iPad_enrols_by_a_link_is_woken_and_answers() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);

        var command = await server.Admin.SendCommandAsync(ipad.Udid, DeviceInformation);
        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");

        var device = await server.Admin.GetDeviceAsync(ipad.Udid);
        Assert.Equal("Enrolled", device["status"]!.GetValue<string>());
        Assert.Equal(ipad.Description.SerialNumber, device["serialNumber"]!.GetValue<string>());
        var answer = (await server.Admin.GetCommandAsync(ipad.Udid, command))["result"]!["QueryResponses"]!;
        Assert.Equal(ipad.Description.SerialNumber, answer["SerialNumber"]!.GetValue<string>());
        Assert.Contains(ipad.Journal.Entries, entry => entry.Kind == JournalKind.PushReceived);
    });

    [Fact]
    public Task An_iPad_shows_its_certificate_in_TLS_instead_of_signing() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);

        var command = await server.Admin.SendCommandAsync(ipad.Udid, DeviceInformation);

        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");
    }, options => options with { Identity = IdentityPresentation.TlsClientCertificate });

    [Fact]
    public Task An_iPad_speaks_over_HTTP_2() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);

        var command = await server.Admin.SendCommandAsync(ipad.Udid, DeviceInformation);

        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");
    }, options => options with { HttpVersion = System.Net.HttpVersion.Version20 });

    [Fact]
    public Task An_invitation_for_one_iPad_enrols_no_second() => server.RunAsync(async fleet =>
    {
        var invitation = await server.Admin.CreateInvitationAsync("One", maxUses: 1);
        await fleet.Add(IPadDescription.Number(900_001)).EnrolAsync(invitation.Url);

        var refused = await Assert.ThrowsAsync<EnrolmentException>(() => fleet.Add(IPadDescription.Number(900_002)).EnrolAsync(invitation.Url));

        Assert.Contains("410", refused.Message, StringComparison.Ordinal);
    });

    [Fact]
    public Task Commands_run_in_the_order_in_which_they_were_accepted_each_once() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        ipad.GoOffline();
        var commands = new List<string>();
        foreach (var command in new[] { DeviceInformation, SecurityInfo, DeviceLock, DeviceInformation, SecurityInfo })
            commands.Add(await server.Admin.SendCommandAsync(ipad.Udid, command));

        ipad.GoOnline();
        await RunningServer.ReportedAsync(ipad, commands[^1], "Acknowledged");

        Assert.Equal(commands, ipad.Journal.ExecutionOrder());
        Assert.All(await server.Admin.ListCommandsAsync(ipad.Udid), command => Assert.Equal("Acknowledged", command.State));
    });

    [Fact]
    public Task An_iPad_that_was_switched_off_gets_its_commands_when_it_comes_back() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        ipad.GoOffline();
        var command = await server.Admin.SendCommandAsync(ipad.Udid, DeviceInformation);
        Assert.Equal("Queued", await server.StateAsync(ipad.Udid, command));
        var device = await server.Admin.GetDeviceAsync(ipad.Udid);
        Assert.StartsWith("Waiting:", device["waiting"]!.GetValue<string>(), StringComparison.Ordinal);

        ipad.GoOnline();

        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");
        Assert.Equal("Acknowledged", await server.StateAsync(ipad.Udid, command));
    });

    [Fact]
    public Task A_locked_iPad_puts_off_what_it_cannot_run_and_comes_by_itself_once_unlocked() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        ipad.GoOffline();
        ipad.Lock();
        var first = await server.Admin.SendCommandAsync(ipad.Udid, SecurityInfo);
        var runs = await server.Admin.SendCommandAsync(ipad.Udid, DeviceLock);
        var last = await server.Admin.SendCommandAsync(ipad.Udid, Install("journey.locked"));

        ipad.GoOnline();
        var putOff = await RunningServer.ReportedAsync(ipad, last, "NotNow");
        Assert.Equal(["NotNow " + first, "Acknowledged " + runs, "NotNow " + last], Transcript(ipad));
        Assert.Equal("NotNow", await server.StateAsync(ipad.Udid, first));
        Assert.Equal("Acknowledged", await server.StateAsync(ipad.Udid, runs));

        // NotNow was the last thing it said: Apple's rule makes it come without a push.
        ipad.Unlock();
        await ipad.Journal.WaitForAsync(entry => entry is { What: "Acknowledged", HttpStatus: 200 } && entry.CommandUuid == last,
            RunningServer.Guard, putOff.Sequence);

        Assert.Equal(["Acknowledged " + first, "Acknowledged " + last], Transcript(ipad).Skip(3));
        Assert.Contains("journey.locked", ipad.InstalledProfiles);
    });

    [Fact]
    public Task What_was_put_off_goes_before_what_came_later() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        ipad.Lock();
        var putOff = await server.Admin.SendCommandAsync(ipad.Udid, SecurityInfo);
        await RunningServer.ReportedAsync(ipad, putOff, "NotNow");
        var runs = await server.Admin.SendCommandAsync(ipad.Udid, DeviceLock);
        await RunningServer.ReportedAsync(ipad, runs, "Acknowledged");

        // It said something else after the NotNow, so it does not come by itself: the next command's push brings it.
        ipad.Unlock();
        var later = await server.Admin.SendCommandAsync(ipad.Udid, DeviceInformation);
        await RunningServer.ReportedAsync(ipad, later, "Acknowledged");

        Assert.Equal([runs, putOff, later], ipad.Journal.ExecutionOrder());
    });

    [Fact]
    public Task An_erased_iPad_enrols_again_and_starts_with_an_empty_queue() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        var identity = ipad.IdentitySha256;
        ipad.GoOffline();
        var erase = await server.Admin.SendCommandAsync(ipad.Udid, EraseDevice);
        var tooLate = await server.Admin.SendCommandAsync(ipad.Udid, SecurityInfo);

        ipad.GoOnline();
        await ipad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Erased, RunningServer.Guard);
        Assert.Equal("Acknowledged", await server.StateAsync(ipad.Udid, erase));
        await ipad.EnrolAsync((await server.Admin.CreateInvitationAsync("Again")).Url);
        var command = await server.Admin.SendCommandAsync(ipad.Udid, DeviceInformation);
        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");

        Assert.NotEqual(identity, ipad.IdentitySha256);
        Assert.Equal("Erased", await server.StateAsync(ipad.Udid, tooLate));
        Assert.Equal([erase, command], ipad.Journal.ExecutionOrder());
    });

    [Fact]
    public Task An_iPad_that_was_restored_by_hand_proves_who_it_is_and_a_stranger_with_its_UDID_does_not() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        var invitation = (await server.Admin.CreateInvitationAsync("Again")).Url;
        await using var elsewhere = server.NewFleet(options => options with { Factory = null });
        var refused = await Assert.ThrowsAsync<EnrolmentException>(() => elsewhere.Add(ipad.Description).EnrolAsync(invitation));
        Assert.Contains("403", refused.Message);

        var restored = fleet.Add(ipad.Description);
        await restored.EnrolAsync(invitation);

        var command = await server.Admin.SendCommandAsync(ipad.Udid, DeviceInformation);
        await RunningServer.ReportedAsync(restored, command, "Acknowledged");
        Assert.DoesNotContain(command, ipad.Journal.ExecutionOrder());
    });

    [Fact]
    public Task A_user_of_a_Shared_iPad_has_a_queue_of_its_own() => server.RunAsync(async fleet =>
    {
        const string User = "ada@school.example";
        var ipad = await server.EnrolAsync(fleet, description => description with { Shared = true });
        await ipad.LogInAsync(User);
        var userId = $"{ipad.Udid}:{User}";

        var forUser = await server.Admin.SendCommandAsync(userId, Install("journey.user"));
        var forDevice = await server.Admin.SendCommandAsync(ipad.Udid, Install("journey.device"));
        await RunningServer.ReportedAsync(ipad, forUser, "Acknowledged", User);
        await RunningServer.ReportedAsync(ipad, forDevice, "Acknowledged");

        Assert.Equal([forUser], ipad.Journal.ExecutionOrder(User));
        Assert.Equal([forDevice], ipad.Journal.ExecutionOrder());
        Assert.Equal(["journey.device"], ipad.InstalledProfiles);
        Assert.Equal("Acknowledged", await server.StateAsync(userId, forUser));
        Assert.Equal("SharedUser", (await server.Admin.GetDeviceAsync(userId))["kind"]!.GetValue<string>());
    });

    [Fact]
    public Task An_iPad_that_an_administrator_removed_gives_up_its_management() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);

        await server.Admin.RemoveDeviceAsync(ipad.Udid);
        // It is woken, comes by itself and is told.
        await ipad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Unenrolled, RunningServer.Guard);

        Assert.False(ipad.IsEnrolled);
        Assert.Equal("Removed", (await server.Admin.GetDeviceAsync(ipad.Udid))["status"]!.GetValue<string>());
    });

    [Fact]
    public Task An_iPad_whose_owner_removed_the_profile_is_told_apart_from_a_silent_one() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);

        await ipad.RemoveManagementAsync();

        Assert.Equal("Unenrolled", (await server.Admin.GetDeviceAsync(ipad.Udid))["status"]!.GetValue<string>());
    });

    [Fact]
    public Task The_passcode_is_cleared_with_the_unlock_token_that_the_iPad_escrowed() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet, description => description with { PasscodeSet = true });

        var command = await server.Admin.SendCommandAsync(ipad.Udid, new JsonObject { ["requestType"] = "ClearPasscode" });
        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");

        Assert.False(ipad.PasscodeSet);
    });

    [Fact]
    public Task An_iPad_with_a_new_push_token_is_woken_by_the_new_one() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);

        await ipad.ChangePushTokenAsync();
        var command = await server.Admin.SendCommandAsync(ipad.Udid, DeviceInformation);

        await RunningServer.ReportedAsync(ipad, command, "Acknowledged");
    });

    [Fact]
    public Task One_operation_reaches_every_iPad_that_it_names_once() => server.RunAsync(async fleet =>
    {
        var ipads = new List<VirtualIPad>();
        for (var i = 0; i < 5; i++)
            ipads.Add(await server.EnrolAsync(fleet));

        var operation = await server.Admin.StartOperationAsync(
            new JsonObject { ["ids"] = new JsonArray([.. ipads.Select(ipad => JsonValue.Create(ipad.Udid))]) }, Install("journey.operation"));
        foreach (var ipad in ipads)
            await RunningServer.ReportedAsync(ipad, operation.CommandUuid, "Acknowledged");

        Assert.Equal(5, operation.Total);
        var counts = await server.Admin.GetOperationAsync(operation.Id);
        Assert.Equal((5, 0, 5), (counts.Total, counts.Queued, counts.Acknowledged));
        Assert.All(ipads, ipad => Assert.Equal([operation.CommandUuid], ipad.Journal.ExecutionOrder()));
    });

    /// <summary>Statuses with their commands, as reported, without Idle.</summary>
    private static IReadOnlyList<string> Transcript(VirtualIPad ipad) =>
    [
        .. ipad.Journal.Entries.Where(entry => entry is { Kind: JournalKind.Report, CommandUuid: not null })
            .Select(entry => $"{entry.What} {entry.CommandUuid}"),
    ];

    private static JsonObject Install(string identifier) => new()
    {
        ["requestType"] = "InstallProfile",
        ["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(
            $"""
            <?xml version="1.0" encoding="UTF-8"?>
            <plist version="1.0"><dict>
            <key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>
            <key>PayloadIdentifier</key><string>{identifier}</string><key>PayloadUUID</key><string>{Guid.NewGuid()}</string>
            <key>PayloadContent</key><array/>
            </dict></plist>
            """)),
    };
}
