using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>What commands change on an iPad, as a person sees it: sent by REST, looked at by asking the iPad afterwards.</summary>
public sealed class ManagedIPadTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Restrictions = "com.apple.applicationaccess";

    [Fact]
    public Task A_second_profile_with_the_same_identifier_replaces_the_first() => With(async desk =>
    {
        await desk.InstallAsync(CommandDesk.Wifi("managed.wifi", "Old Wi-Fi", "Old"));
        await desk.InstallAsync(CommandDesk.Wifi("managed.wifi", "New Wi-Fi", "New"));

        var profiles = JsonNode.Parse(await desk.AskAsync("ProfileList"))!["ProfileList"]!.AsArray()
            .Where(profile => profile!["PayloadIdentifier"]!.GetValue<string>() == "managed.wifi").ToList();

        var profile = Assert.Single(profiles)!;
        Assert.Equal("New Wi-Fi", profile["PayloadDisplayName"]!.GetValue<string>());
        Assert.Equal("com.apple.wifi.managed", Assert.Single(profile["PayloadContent"]!.AsArray())!["PayloadType"]!.GetValue<string>());
        var inventory = await server.Admin.GetAsync($"/api/v1/devices/{desk.IPad.Udid}/profiles");
        Assert.Single(inventory["items"]!.AsArray(), item => item!.ToJsonString().Contains("managed.wifi", StringComparison.Ordinal));
    });

    [Fact]
    public Task A_profile_is_removed_once() => With(async desk =>
    {
        await desk.InstallAsync(CommandDesk.Wifi("managed.removed", "Wi-Fi", "School"));

        await desk.SendAsync("RemoveProfile", """{"identifier": "managed.removed"}""");

        Assert.DoesNotContain("managed.removed", await desk.AskAsync("ProfileList"), StringComparison.Ordinal);
        Assert.Contains("“managed.removed” is not installed", await desk.RefusedAsync("RemoveProfile", """{"identifier": "managed.removed"}"""), StringComparison.Ordinal);
    });

    [Fact]
    public Task A_profile_that_needs_supervision_is_refused_without_it() => With(async desk =>
    {
        var profile = CommandDesk.Profile("managed.message", "Lock screen", ("com.apple.shareddeviceconfiguration", new PlistDict { ["AssetTagInformation"] = "4711" }));

        var view = await desk.SendAsync("InstallProfile", CommandDesk.Install(profile), "Error");

        Assert.Contains("The profile “Lock screen” could not be installed.", view["error"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("supervised", view["errorChain"]![1]!["usEnglishDescription"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(4025, view["errorChain"]![1]!["code"]!.GetValue<int>());
        Assert.Empty(desk.IPad.InstalledProfiles);
    }, description => description with { Supervised = false });

    [Fact]
    public Task The_stricter_restriction_wins_and_goes_with_its_profile() => With(async desk =>
    {
        await desk.InstallAsync(CommandDesk.Profile("managed.open", "Open", (Restrictions, new PlistDict
        {
            ["allowCamera"] = true,
            ["allowAirDrop"] = false,
            ["blockedAppBundleIDs"] = new List<object> { "com.example.game" },
        })));
        await desk.InstallAsync(CommandDesk.Profile("managed.strict", "Strict", (Restrictions, new PlistDict
        {
            ["allowCamera"] = false,
            ["blockedAppBundleIDs"] = new List<object> { "com.example.chat" },
        })));

        var all = JsonNode.Parse(await desk.AskAsync("Restrictions", """{"profileRestrictions": true}"""))!;

        Assert.False(all["GlobalRestrictions"]!["restrictedBool"]!["allowCamera"]!["value"]!.GetValue<bool>());
        Assert.Equal(["com.example.chat", "com.example.game"],
            all["GlobalRestrictions"]!["union"]!["blockedAppBundleIDs"]!["values"]!.AsArray().Select(app => app!.GetValue<string>()));
        Assert.True(all["ProfileRestrictions"]!["managed.open"]!["restrictedBool"]!["allowCamera"]!["value"]!.GetValue<bool>());

        await desk.SendAsync("RemoveProfile", """{"identifier": "managed.strict"}""");
        Assert.Contains("\"allowCamera\":{\"value\":true}", await desk.AskAsync("Restrictions"), StringComparison.Ordinal);
    });

    [Fact]
    public Task A_restriction_that_needs_supervision_does_nothing_without_it() => With(async desk =>
    {
        await desk.InstallAsync(CommandDesk.Profile("managed.mixed", "Mixed", (Restrictions, new PlistDict { ["allowCamera"] = false, ["allowAirDrop"] = false })));

        var restrictions = await desk.AskAsync("Restrictions");

        Assert.Contains("allowCamera", restrictions, StringComparison.Ordinal);
        Assert.DoesNotContain("allowAirDrop", restrictions, StringComparison.Ordinal);
    }, description => description with { Supervised = false });

    [Fact]
    public Task An_iPad_is_locked_into_one_app_as_long_as_the_profile_is_there() => With(async desk =>
    {
        static byte[] AppLock(string identifier) => CommandDesk.Profile(identifier, "Exam",
            ("com.apple.app.lock", new PlistDict { ["App"] = new PlistDict { ["Identifier"] = "com.example.exam" } }));
        await desk.InstallAsync(AppLock("managed.exam"));
        Assert.Equal("com.example.exam", desk.IPad.LockedIntoApp);

        // Two apps cannot be the only one.
        Assert.Contains("4019", await desk.RefusedAsync("InstallProfile", CommandDesk.Install(AppLock("managed.exam2"))), StringComparison.Ordinal);

        await desk.SendAsync("RemoveProfile", """{"identifier": "managed.exam"}""");
        Assert.Null(desk.IPad.LockedIntoApp);
    });

    [Fact]
    public Task The_certificates_of_a_profile_are_on_the_list() => With(async desk =>
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var root = new CertificateRequest("CN=District Filter CA", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        await desk.InstallAsync(CommandDesk.Profile("managed.root", "Filter", ("com.apple.security.root", new PlistDict { ["PayloadContent"] = root.RawData })));

        Assert.Contains("District Filter CA", await desk.AskAsync("CertificateList"), StringComparison.Ordinal);
    });

    [Fact]
    public Task Security_tells_whether_the_passcode_is_as_a_profile_wants_it() => With(async desk =>
    {
        Assert.Contains("\"PasscodeCompliant\":true", await desk.AskAsync("SecurityInfo"), StringComparison.Ordinal);
        await desk.InstallAsync(CommandDesk.Profile("managed.passcode", "Passcode", ("com.apple.mobiledevice.passwordpolicy",
            new PlistDict { ["forcePIN"] = true, ["minLength"] = 8L, ["maxGracePeriod"] = 5L })));

        Assert.Contains("\"PasscodeCompliant\":false", await desk.AskAsync("SecurityInfo"), StringComparison.Ordinal);
        desk.IPad.SetPasscode("31415926");

        var security = await desk.AskAsync("SecurityInfo");
        Assert.Contains("\"PasscodeCompliant\":true", security, StringComparison.Ordinal);
        Assert.Contains("\"PasscodeLockGracePeriodEnforced\":300", security, StringComparison.Ordinal);
    }, description => description with { PasscodeSet = true });

    [Fact]
    public Task Each_setting_succeeds_or_fails_alone_and_is_told_afterwards() => With(async desk =>
    {
        var answer = JsonNode.Parse(await desk.AskAsync("Settings",
            """
            {"settings": [
              {"item": "DeviceName", "deviceName": "Room 12, no. 3"},
              {"item": "TimeZone", "timeZone": "Europe/Stockholm"},
              {"item": "Bluetooth", "enabled": false},
              {"item": "Wallpaper", "image": "R0lGODlhAQABAAAAACw=", "where": 3},
              {"item": "DataRoaming", "enabled": true},
              {"item": "OrganizationInfo", "organizationInfo": {"organizationName": "Hillside"}}
            ]}
            """))!["Settings"]!.AsArray();

        Assert.Equal(["Acknowledged", "Acknowledged", "Acknowledged", "Error", "Error", "Acknowledged"], answer.Select(item => item!["Status"]!.GetValue<string>()));
        Assert.Equal(28001, answer[3]!["ErrorChain"]![0]!["ErrorCode"]!.GetValue<int>());
        Assert.Equal("\"Room 12, no. 3\"", await desk.FactAsync("DeviceName"));
        Assert.Equal("\"Europe/Stockholm\"", await desk.FactAsync("TimeZone"));
        Assert.Contains("Hillside", await desk.FactAsync("OrganizationInfo"), StringComparison.Ordinal);
        Assert.Equal("nothing", await desk.FactAsync("DataRoamingEnabled"));
        Assert.Equal("Room 12, no. 3", (await server.Admin.GetDeviceAsync(desk.IPad.Udid))["deviceName"]!.GetValue<string>());
    });

    [Fact]
    public Task An_iPad_that_is_not_supervised_keeps_its_name() => With(async desk =>
    {
        var answer = await desk.AskAsync("Settings", """{"settings": [{"item": "DeviceName", "deviceName": "Other"}]}""");

        Assert.Contains("This iPad is not supervised.", answer, StringComparison.Ordinal);
        Assert.NotEqual("Other", desk.IPad.Name);
    }, description => description with { Supervised = false });

    [Fact]
    public Task An_app_with_a_licence_is_installed_and_told_and_taken_away() => With(async desk =>
    {
        const string Pick = """{"identifiers": ["com.apple.Numbers"]}""";
        await desk.SendAsync("InstallApplication",
            """{"iTunesStoreID": 361304891, "options": {"purchaseMethod": 1}, "managementFlags": 1, "configuration": {"room": "12"}, "attributes": {"removable": false}}""");

        Assert.Contains("com.apple.Numbers", desk.IPad.InstalledApps);
        Assert.Contains("\"Status\":\"Managed\"", await desk.AskAsync("ManagedApplicationList", Pick), StringComparison.Ordinal);
        Assert.Contains("\"room\":\"12\"", await desk.AskAsync("ManagedApplicationConfiguration", Pick), StringComparison.Ordinal);
        Assert.Contains("\"Removable\":false", await desk.AskAsync("ManagedApplicationAttributes", Pick), StringComparison.Ordinal);
        Assert.DoesNotContain("Pages", await desk.AskAsync("InstalledApplicationList", """{"managedAppsOnly": true}"""), StringComparison.Ordinal);
        Assert.Contains("AppAlreadyInstalled", (await desk.SendAsync("InstallApplication", """{"iTunesStoreID": 361309726, "options": {"purchaseMethod": 1}}""", "Error"))["result"]!.ToJsonString(), StringComparison.Ordinal);

        desk.IPad.DeleteApp("com.apple.Numbers");
        Assert.Contains("ManagedButUninstalled", await desk.AskAsync("ManagedApplicationList"), StringComparison.Ordinal);
        await desk.SendAsync("RemoveApplication", """{"identifier": "com.apple.Numbers"}""");
        Assert.Contains("is not managed", await desk.RefusedAsync("RemoveApplication", """{"identifier": "com.apple.Numbers"}"""), StringComparison.Ordinal);
    });

    [Fact]
    public Task An_app_of_a_person_is_taken_over_and_its_feedback_read_and_deleted() => With(async desk =>
    {
        const string Pick = """{"identifiers": ["com.apple.Pages"], "deleteFeedback": true}""";
        await desk.SendAsync("InstallApplication", """{"iTunesStoreID": 361309726, "options": {"purchaseMethod": 1}, "changeManagementState": "Managed"}""");
        desk.IPad.GiveFeedback("com.apple.Pages", new PlistDict { ["errors"] = 3L });

        Assert.Contains("\"errors\":3", await desk.AskAsync("ManagedApplicationFeedback", Pick), StringComparison.Ordinal);
        Assert.DoesNotContain("errors", await desk.AskAsync("ManagedApplicationFeedback", Pick), StringComparison.Ordinal);
    });

    [Fact]
    public Task A_lost_iPad_tells_where_it_is_and_does_little_else() => With(async desk =>
    {
        Assert.Contains("12067", await desk.RefusedAsync("DeviceLocation"), StringComparison.Ordinal);
        await desk.SendAsync("EnableLostMode", """{"message": "This iPad is lost"}""");

        Assert.Equal("true", await desk.FactAsync("IsMDMLostModeEnabled"));
        await desk.SendAsync("DeviceLocation");
        var place = await server.Admin.GetAsync($"/api/v1/devices/{desk.IPad.Udid}/location?reason=test");
        Assert.Contains("13.405", place.ToJsonString(), StringComparison.Ordinal);
        await desk.SendAsync("PlayLostModeSound");
        Assert.Contains("DeviceInLostMode", await desk.AskAsync("DeviceLock", """{"message": "Lock"}"""), StringComparison.Ordinal);
        Assert.Contains("12078", await desk.RefusedAsync("ProfileList"), StringComparison.Ordinal);
        desk.IPad.Whereabouts = null;
        Assert.Contains("12068", await desk.RefusedAsync("DeviceLocation"), StringComparison.Ordinal);

        await desk.SendAsync("DisableLostMode");
        await desk.AskAsync("ProfileList");
        Assert.Contains("12067", await desk.RefusedAsync("PlayLostModeSound"), StringComparison.Ordinal);
    });

    [Fact]
    public Task The_users_of_a_Shared_iPad_are_listed_logged_out_and_deleted() => With(async desk =>
    {
        await desk.IPad.LogInAsync("ada@school.example");
        await desk.IPad.LogInAsync("bo@school.example");
        desk.IPad.LogOut("bo@school.example");
        desk.IPad.LeaveUnsynced("bo@school.example");
        Assert.Contains("\"UserName\":\"bo@school.example\",\"IsLoggedIn\":false,\"HasDataToSync\":true", await desk.AskAsync("UserList"), StringComparison.Ordinal);

        Assert.Contains("12071", await desk.RefusedAsync("DeleteUser", """{"userName": "cy@school.example"}"""), StringComparison.Ordinal);
        Assert.Contains("12072", await desk.RefusedAsync("DeleteUser", """{"userName": "ada@school.example"}"""), StringComparison.Ordinal);
        Assert.Contains("12073", await desk.RefusedAsync("DeleteUser", """{"userName": "bo@school.example"}"""), StringComparison.Ordinal);
        await desk.SendAsync("DeleteUser", """{"userName": "bo@school.example", "forceDeletion": true}""");
        await desk.SendAsync("LogOutUser");
        await desk.SendAsync("DeleteUser", """{"deleteAllUsers": true}""");

        Assert.Contains("\"Users\":[]", await desk.AskAsync("UserList"), StringComparison.Ordinal);
    }, description => description with { Shared = true });

    [Fact]
    public Task An_update_is_downloaded_installed_and_told() => With(async desk =>
    {
        const string Update = """{"updates": [{"productVersion": "18.6.2", "installAction": "Default"}]}""";
        await desk.SendAsync("ScheduleOSUpdate", Update);

        await desk.SendAsync("ScheduleOSUpdate", Update);

        Assert.Equal("\"18.6.2\"", await desk.FactAsync("OSVersion"));
        Assert.Contains("\"AvailableOSUpdates\":[]", await desk.AskAsync("AvailableOSUpdates"), StringComparison.Ordinal);
        Assert.Equal("18.6.2", (await server.Admin.GetDeviceAsync(desk.IPad.Udid))["osVersion"]!.GetValue<string>());
    });

    [Fact]
    public Task An_iPad_that_restarts_is_away_for_a_while() => With(async desk =>
    {
        await desk.SendAsync("RestartDevice");
        await desk.IPad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.WentOffline, RunningServer.Guard);

        await desk.AskAsync("DeviceInformation");

        Assert.Contains(desk.IPad.Journal.Entries, entry => entry.Kind == JournalKind.WentOnline);
    });

    [Fact]
    public Task An_erased_iPad_returns_to_service_by_itself() => With(async desk =>
    {
        var invitation = (await server.Admin.CreateInvitationAsync("Return", maxUses: 1)).Url;
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = server.Trust.NewPolicy() } });
        using var request = new HttpRequestMessage(HttpMethod.Get, invitation + "?profile=plain");
        request.Headers.TryAddWithoutValidation("User-Agent", "Mozilla/5.0 (iPad; CPU OS 18_3 like Mac OS X)");
        using var response = await http.SendAsync(request);
        var (management, wifi) = (await response.Content.ReadAsByteArrayAsync(), CommandDesk.Wifi("managed.return", "School Wi-Fi", "School"));
        desk.IPad.SetPasscode("1234");
        var (identity, erased) = (desk.IPad.IdentitySha256, desk.IPad.Journal.Entries[^1].Sequence);

        await desk.SendAsync("EraseDevice",
            $$$"""{"returnToService": {"enabled": true, "wiFiProfileData": "{{{Convert.ToBase64String(wifi)}}}", "mdmProfileData": "{{{Convert.ToBase64String(management)}}}"}}""");
        await desk.IPad.Journal.WaitForAsync(entry => entry.Kind == JournalKind.Enrolled, RunningServer.Guard, erased);

        Assert.False(desk.IPad.PasscodeSet);
        Assert.NotEqual(identity, desk.IPad.IdentitySha256);
        Assert.Contains("managed.return", await desk.AskAsync("ProfileList"), StringComparison.Ordinal);
        Assert.DoesNotContain("managed.return", await desk.AskAsync("ProfileList", """{"managedOnly": true}"""), StringComparison.Ordinal);
    });

    private Task With(Func<CommandDesk, Task> story, Func<IPadDescription, IPadDescription>? change = null) => server.RunAsync(
        async fleet => await story(new CommandDesk(server, await server.EnrolAsync(fleet, change))),
        (FleetOptions options) => options with { DownloadTime = TimeSpan.Zero, RestartTime = TimeSpan.FromMilliseconds(200) });
}
