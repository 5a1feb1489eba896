using FleetMdm.VirtualFleet.Journal;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>
/// Each command of the catalogue, sent by REST to a simulated iPad that can do it, and answered as Apple's pages say. Beside it, what iPads refuse that
/// are not supervised, not shared, not new enough.
/// </summary>
public sealed class EveryCommandTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string User = "ada@school.example";
    private const string Provisioning = "0B7C2D4E-91AF-4D1B-8B57-6C5E2D3F4A10";

    /// <summary>One command, and a piece of the answer's JSON.</summary>
    private sealed record Row(string RequestType, string Keys = "{}", string Tells = "");

    /// <summary>Supervised, with a modem, enrolled as Automated Device Enrolment does it. In the order of a story: what is removed was installed before.</summary>
    private static readonly Row[] OnSupervised =
    [
        new("DeviceConfigured"),
        new("DeviceInformation", """{"queries": ["AwaitingConfiguration", "IsSupervised"]}""", "\"AwaitingConfiguration\":false"),
        new("SecurityInfo", Tells: "\"EnrolledViaDEP\":true"),
        new("InstallProfile", CommandDesk.Install(CommandDesk.Wifi("every.wifi", "School Wi-Fi", "School"))),
        new("ProfileList", Tells: "\"PayloadIdentifier\":\"every.wifi\""),
        new("CertificateList", """{"managedOnly": true}""", "\"IsIdentity\":true"),
        new("Restrictions", """{"profileRestrictions": true}""", "\"GlobalRestrictions\""),
        new("RemoveProfile", """{"identifier": "every.wifi"}"""),
        new("InstallProvisioningProfile", $$"""{"provisioningProfile": "{{Convert.ToBase64String(CommandDesk.ProvisioningProfile(Provisioning))}}"}"""),
        new("ProvisioningProfileList", Tells: "\"Name\":\"Timetable\""),
        new("RemoveProvisioningProfile", $$"""{"uuid": "{{Provisioning}}"}"""),
        new("InstallApplication", """{"iTunesStoreID": 361304891}""", "\"State\":\"NeedsRedemption\""),
        new("ApplyRedemptionCode", """{"identifier": "com.apple.Numbers", "redemptionCode": "E7XM3W4AWRT9"}"""),
        new("ManagedApplicationList", Tells: "\"Status\":\"Managed\""),
        new("InstalledApplicationList", """{"items": ["Identifier", "Name"]}""", "com.apple.Numbers"),
        new("ManagedApplicationAttributes", """{"identifiers": ["com.apple.Numbers"]}""", "\"ApplicationAttributes\":[]"),
        new("ManagedApplicationConfiguration", """{"identifiers": ["com.apple.Numbers"]}""", "\"ApplicationConfigurations\":[]"),
        new("ManagedApplicationFeedback", """{"identifiers": ["com.apple.Numbers"]}""", "\"ManagedApplicationFeedback\":[]"),
        new("ValidateApplications", """{"identifiers": ["com.apple.Numbers"]}"""),
        new("RemoveApplication", """{"identifier": "com.apple.Numbers"}"""),
        new("InstallMedia", """{"mediaURL": "https://books.school.example/atlas.epub", "mediaType": "Book", "persistentID": "example.atlas", "title": "Atlas"}""", "\"State\":\"Installed\""),
        new("ManagedMediaList", Tells: "\"Title\":\"Atlas\""),
        new("RemoveMedia", """{"mediaType": "Book", "persistentID": "example.atlas"}"""),
        new("Settings", """{"settings": [{"item": "DeviceName", "deviceName": "Room 12, no. 3"}]}""", "\"Status\":\"Acknowledged\""),
        new("DeviceLock", """{"message": "Bring me to room 12"}""", "\"MessageResult\":\"NoPasscodeSet\""),
        new("RequestUnlockToken"),
        new("ClearPasscode"),
        new("ClearRestrictionsPassword"),
        new("ActivationLockBypassCode"),
        new("ClearActivationLockBypassCode"),
        new("EnableLostMode", """{"message": "This iPad is lost", "phoneNumber": "555 0100"}"""),
        new("DeviceLocation"),
        new("PlayLostModeSound"),
        new("DisableLostMode"),
        new("AvailableOSUpdates", Tells: "\"Version\":\"18.6.2\""),
        new("ScheduleOSUpdate", """{"updates": [{"productVersion": "18.6.2", "installAction": "Default"}]}""", "\"InstallAction\":\"DownloadOnly\""),
        new("OSUpdateStatus", Tells: "\"IsDownloaded\":true"),
        new("RequestMirroring", """{"destinationName": "Room 12"}""", "\"MirroringResult\":\"Prompting\""),
        new("StopMirroring"),
        new("InviteToProgram", """{"programID": "com.apple.cloudvpp", "invitationURL": "https://buy.itunes.apple.com/invitation"}""", "\"InvitationResult\":\"Acknowledged\""),
        new("RefreshCellularPlans", """{"eSIMServerURL": "https://esim.carrier.example"}"""),
        new("DeclarativeManagement"),
        new("RestartDevice"),
        new("ShutDownDevice"),
        new("EraseDevice"),
    ];

    private static readonly Row[] OnNewest =
    [
        new("TriggerEnhancedLogCollection", """{"appleCareToken": "12345"}"""),
        new("CancelEnhancedLogCollection"),
    ];

    private static readonly Row[] OnShared =
    [
        new("UserList", Tells: $"\"UserName\":\"{User}\""),
        new("LogOutUser"),
        new("DeleteUser", $$"""{"userName": "{{User}}"}"""),
    ];

    private static readonly Row[] OfUser = [new("UserConfigured")];

    [Fact]
    public async Task Each_command_of_the_catalogue_is_run_here()
    {
        var known = (await server.Admin.GetAsync("/api/v1/command-types"))["items"]!.AsArray().Select(type => type!["requestType"]!.GetValue<string>());

        Assert.Equal(known.Order(StringComparer.Ordinal),
            OnSupervised.Concat(OnNewest).Concat(OnShared).Concat(OfUser).Select(row => row.RequestType).Order(StringComparer.Ordinal));
    }

    [Fact]
    public Task A_supervised_iPad_runs_what_it_can() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet, description => description with { Cellular = true, Automated = true });
        await RunAsync(new CommandDesk(server, ipad), OnSupervised);

        // The iPad erases itself after its answer was taken.
        await ipad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Erased, RunningServer.Guard);
        Assert.False(ipad.IsEnrolled);
        Assert.Equal(1, ipad.TimesErased);
    }, options => options with { DownloadTime = TimeSpan.Zero, RestartTime = TimeSpan.FromMilliseconds(100) });

    [Fact]
    public Task An_iPad_with_iPadOS_27_runs_what_came_with_it() => server.RunAsync(async fleet =>
    {
        var desk = new CommandDesk(server, await server.EnrolAsync(fleet, description => description with { OsVersion = "27.0", BuildVersion = "24A300" }));
        await RunAsync(desk, OnNewest);

        Assert.Contains("not a valid request type", await desk.RefusedAsync("AvailableOSUpdates"), StringComparison.Ordinal);
    });

    [Fact]
    public Task A_Shared_iPad_and_its_user_run_what_is_for_them() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet, description => description with { Shared = true, Automated = true });
        await ipad.LogInAsync(User);
        var desk = new CommandDesk(server, ipad);

        await RunAsync(desk, OfUser, User);
        await RunAsync(desk, OnShared);

        Assert.Contains("\"Users\":[]", await desk.AskAsync("UserList"), StringComparison.Ordinal);
    });

    [Theory]
    [InlineData("ActivationLockBypassCode", "{}")]
    [InlineData("EnableLostMode", """{"message": "Lost"}""")]
    [InlineData("RestartDevice", "{}")]
    [InlineData("UserList", "{}")]
    [InlineData("TriggerEnhancedLogCollection", """{"appleCareToken": "12345"}""")]
    [InlineData("RefreshCellularPlans", """{"eSIMServerURL": "https://esim.carrier.example"}""")]
    public Task An_iPad_that_is_not_supervised_refuses_what_is_not_for_it(string requestType, string keys) => server.RunAsync(async fleet =>
    {
        var desk = new CommandDesk(server, await server.EnrolAsync(fleet, description => description with { Supervised = false }));

        var refused = await desk.RefusedAsync(requestType, keys);

        Assert.Contains($"“{requestType}” is not a valid request type.", refused, StringComparison.Ordinal);
        Assert.Contains("12021", refused, StringComparison.Ordinal);
    });

    [Fact]
    public Task What_belongs_to_a_Mac_is_no_command_for_an_iPad() => server.RunAsync(async fleet =>
    {
        var ipad = await server.EnrolAsync(fleet);
        var uuid = await server.Admin.SendRawCommandAsync(ipad.Udid,
            "<plist version=\"1.0\"><dict><key>RequestType</key><string>RotateFileVaultKey</string></dict></plist>"u8.ToArray());

        await RunningServer.ReportedAsync(ipad, uuid, "Error");
    });

    private static async Task RunAsync(CommandDesk desk, IEnumerable<Row> rows, string? user = null)
    {
        foreach (var row in rows)
        {
            var view = await desk.SendAsync(row.RequestType, row.Keys, user: user);
            if (row.Tells.Length > 0)
                Assert.True(view["result"]!.ToJsonString().Contains(row.Tells, StringComparison.Ordinal), $"{row.RequestType} answered {view["result"]!.ToJsonString()}, without {row.Tells}");
            if (row.RequestType == "ShutDownDevice")
                desk.IPad.TurnOn();
        }
    }
}
