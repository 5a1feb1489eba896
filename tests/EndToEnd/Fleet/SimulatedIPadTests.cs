using System.Security.Cryptography.Pkcs;
using System.Text;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Journal;
using FleetMdm.VirtualFleet.Plist;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.EndToEnd.Fleet;

/// <summary>The simulated iPad keeps Apple's rules, also with a server that does not.</summary>
public sealed class SimulatedIPadTests : IAsyncLifetime
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(20);

    private ScriptedServer _server = null!;
    private IPadFleet _fleet = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        _fleet = NewFleet(TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        await _fleet.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task It_signs_every_report_with_its_identity()
    {
        var ipad = await _server.EnrolAsync(_fleet);

        await ipad.ConnectAsync();

        var report = await _server.NextReportAsync();
        var cms = new SignedCms(new ContentInfo(report.Body), detached: true);
        cms.Decode(Convert.FromBase64String(report.Signature));
        cms.CheckSignature(verifySignatureOnly: true);
        Assert.Equal(ipad.IdentitySha256, cms.SignerInfos[0].Certificate!.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256));
    }

    [Fact]
    public async Task It_runs_what_comes_in_the_answers_until_one_is_empty()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(
            ScriptedAnswer.Command("A", "DeviceInformation", ("Queries", new List<object> { "SerialNumber", "NoSuchQuery" })),
            ScriptedAnswer.Command("B", "ProfileList"));

        await ipad.ConnectAsync();

        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
        var answers = (await _server.NextReportAsync()).Message.Dict("QueryResponses")!;
        Assert.Equal([new KeyValuePair<string, object>("SerialNumber", ipad.Description.SerialNumber)], answers);
        Assert.Equal("B", (await _server.NextReportAsync()).CommandUuid);
        Assert.Equal(0, _server.UnreadReports);
        Assert.Equal(["A", "B"], ipad.Journal.ExecutionOrder());
    }

    [Fact]
    public async Task A_locked_iPad_says_NotNow_and_polls_by_itself_once_it_is_unlocked()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        ipad.Lock();
        _server.WillAnswer(ScriptedAnswer.Command("A", "SecurityInfo"), ScriptedAnswer.Nothing, ScriptedAnswer.Command("A", "SecurityInfo"));
        await ipad.ConnectAsync();
        Assert.Equal(["Idle", "NotNow"], [(await _server.NextReportAsync()).Status, (await _server.NextReportAsync()).Status]);

        ipad.Unlock();

        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
        Assert.Equal("Acknowledged", (await _server.NextReportAsync()).Status);
    }

    [Fact]
    public async Task An_iPad_that_is_told_to_fail_reports_the_whole_ErrorChain()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        ipad.FailOn("ProfileList", new AppleError("MCInstallationErrorDomain", 4001, "What failed"), new AppleError("MCWIFIErrorDomain", 15000, "Why"));
        _server.WillAnswer(ScriptedAnswer.Command("A", "ProfileList"), ScriptedAnswer.Command("B", "SecurityInfo"));

        await ipad.ConnectAsync();

        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
        var failed = await _server.NextReportAsync();
        Assert.Equal("Error", failed.Status);
        Assert.Equal(["What failed", "Why"], failed.Message.Array("ErrorChain")!.Cast<PlistDict>().Select(error => error.Text("USEnglishDescription")));
        Assert.Equal("Acknowledged", (await _server.NextReportAsync()).Status);
    }

    [Fact]
    public async Task It_does_not_poll_by_itself_when_something_else_followed_the_NotNow()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        ipad.Lock();
        _server.WillAnswer(ScriptedAnswer.Command("A", "SecurityInfo"), ScriptedAnswer.Command("B", "DeviceLock"));
        await ipad.ConnectAsync();
        Assert.Equal(["Idle", "NotNow", "Acknowledged"],
            [(await _server.NextReportAsync()).Status, (await _server.NextReportAsync()).Status, (await _server.NextReportAsync()).Status]);

        ipad.Unlock();
        // A poll of its own would have come before or between these two.
        await ipad.ConnectAsync();
        await ipad.ConnectAsync();

        Assert.Equal(2, _server.UnreadReports);
    }

    [Theory]
    [InlineData("DeviceInformation", "Acknowledged")]
    [InlineData("ProfileList", "Acknowledged")]
    [InlineData("DeviceLock", "Acknowledged")]
    [InlineData("InstalledApplicationList", "Acknowledged")]
    [InlineData("EraseDevice", "Acknowledged")]
    [InlineData("ClearPasscode", "Error")]
    [InlineData("InstallProfile", "NotNow")]
    [InlineData("RemoveProfile", "NotNow")]
    [InlineData("RestartDevice", "NotNow")]
    public async Task Before_first_unlock_only_some_commands_run(string requestType, string status)
    {
        var ipad = await _server.EnrolAsync(_fleet);
        ipad.Lock();
        _server.WillAnswer(ScriptedAnswer.Command("A", requestType, ("Queries", new List<object> { "UDID" }), ("UnlockToken", new byte[] { 1 })));

        await ipad.ConnectAsync();

        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
        Assert.Equal(status, (await _server.NextReportAsync()).Status);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(400)]
    [InlineData(503)]
    public async Task A_report_that_was_not_taken_is_sent_again_as_it_was(int status)
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(ScriptedAnswer.Command("A", "SecurityInfo"), new ScriptedAnswer(status), ScriptedAnswer.Nothing);

        await ipad.ConnectAsync();

        await _server.NextReportAsync();
        var first = await _server.NextReportAsync();
        var second = await _server.NextReportAsync();
        Assert.Equal("A", first.CommandUuid);
        Assert.Equal(first.Body, second.Body);
        await ipad.Journal.WaitForAsync(entry => entry is { Kind: JournalKind.Report, CommandUuid: "A", HttpStatus: 200 }, Guard);
        Assert.Equal(1, ipad.Journal.Command("A")!.Executed);
        Assert.Equal(1, ipad.Journal.Command("A")!.AcceptedReports);
    }

    [Fact]
    public async Task It_waits_as_long_as_Retry_After_says()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var fleet = NewFleet(time);
        var ipad = await _server.EnrolAsync(fleet);
        _server.WillAnswer(new ScriptedAnswer(503, RetryAfter: 30));
        await ipad.ConnectAsync();
        await _server.NextReportAsync();

        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(1, ipad.Journal.Entries.Count(entry => entry.Kind == JournalKind.Report));
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
    }

    [Fact]
    public async Task A_401_ends_its_management_and_is_recorded_as_a_breach()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(new ScriptedAnswer(401));

        await ipad.ConnectAsync();

        Assert.False(ipad.IsEnrolled);
        Assert.Single(_fleet.Violations, violation => violation.Contains("401", StringComparison.Ordinal));
        Assert.Equal(1, _fleet.Measurements.Answers(401));
    }

    [Theory]
    [InlineData("application/json", """{"code": "com.apple.unrecognized.device"}""", false)]
    [InlineData("application/json", """{"code": "com.apple.well-known.failed"}""", true)]
    [InlineData("text/plain", """{"code": "com.apple.unrecognized.device"}""", true)]
    [InlineData("application/xml", "<plist version=\"1.0\"><dict><key>code</key><string>com.apple.unrecognized.device</string></dict></plist>", false)]
    public async Task A_403_ends_its_management_only_with_the_body_that_says_so(string type, string body, bool staysEnrolled)
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(new ScriptedAnswer(403, Encoding.UTF8.GetBytes(body), type));

        await ipad.ConnectAsync();

        Assert.Equal(staysEnrolled, ipad.IsEnrolled);
        Assert.Empty(_fleet.Violations);
    }

    [Fact]
    public async Task An_erase_is_acknowledged_once_and_then_everything_is_forgotten()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(ScriptedAnswer.Command("A", "InstallProfile", ("Payload", Profile("wifi"))),
            ScriptedAnswer.Command("B", "EraseDevice"), new ScriptedAnswer(500));

        await ipad.ConnectAsync();

        Assert.False(ipad.IsEnrolled);
        Assert.Empty(ipad.InstalledProfiles);
        Assert.Equal(1, ipad.TimesErased);
        await _server.EnrolAsync(_fleet);
        Assert.Equal(["Idle", "Acknowledged", "Acknowledged"],
            [(await _server.NextReportAsync()).Status, (await _server.NextReportAsync()).Status, (await _server.NextReportAsync()).Status]);
        Assert.Equal(0, _server.UnreadReports);
    }

    [Fact]
    public async Task A_report_made_while_the_network_went_is_sent_when_it_is_back()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(ScriptedAnswer.Command("A", "SecurityInfo") with { Meanwhile = ipad.GoOffline });
        await ipad.ConnectAsync();
        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
        Assert.Equal(0, _server.UnreadReports);

        ipad.GoOnline();

        Assert.Equal("A", (await _server.NextReportAsync()).CommandUuid);
    }

    [Fact]
    public async Task An_iPad_whose_network_goes_before_it_could_report_erases_itself_all_the_same()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(ScriptedAnswer.Command("A", "EraseDevice") with { Meanwhile = ipad.GoOffline });

        await ipad.ConnectAsync();

        Assert.False(ipad.IsEnrolled);
        await _server.NextReportAsync();
        Assert.Equal(0, _server.UnreadReports);
    }

    [Fact]
    public async Task After_a_restart_an_iPad_with_a_passcode_is_off_the_network_until_somebody_enters_it()
    {
        var ipad = await _server.EnrolAsync(_fleet, IPadDescription.Number(1) with { PasscodeSet = true });
        _server.WillAnswer(ScriptedAnswer.Command("A", "RestartDevice"));

        await ipad.ConnectAsync();

        Assert.True(ipad is { IsLocked: true, IsOnline: false });
        ipad.Unlock();
        Assert.True(ipad is { IsLocked: false, IsOnline: true });
    }

    [Fact]
    public async Task A_profile_with_the_same_identifier_replaces_the_earlier_one()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(
            ScriptedAnswer.Command("A", "InstallProfile", ("Payload", Profile("wifi"))),
            ScriptedAnswer.Command("B", "InstallProfile", ("Payload", Profile("wifi"))),
            ScriptedAnswer.Command("C", "InstallProfile", ("Payload", Profile("mail"))),
            ScriptedAnswer.Command("D", "RemoveProfile", ("Identifier", "mail")),
            ScriptedAnswer.Command("E", "RemoveProfile", ("Identifier", "mail")),
            ScriptedAnswer.Command("F", "InstallProfile", ("Payload", "nothing"u8.ToArray())));

        await ipad.ConnectAsync();

        Assert.Equal(["wifi"], ipad.InstalledProfiles);
        Assert.Equal("Acknowledged", ipad.Journal.Command("D")!.LastStatus);
        Assert.Equal("Error", ipad.Journal.Command("E")!.LastStatus);
        Assert.Equal("Error", ipad.Journal.Command("F")!.LastStatus);
    }

    [Fact]
    public async Task An_in_house_app_is_installed_by_its_manifest_from_the_server_alone()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.Files["/app.plist"] = Manifest(_server.Address("/app.ipa"));
        _server.Files["/broken.plist"] = Manifest(_server.Address("/none.ipa"));
        // Larger than an iPad of these tests reads: it looks at the beginning only.
        var app = new byte[20 << 20];
        "PK"u8.CopyTo(app);
        _server.Files["/app.ipa"] = app;
        _server.WillAnswer(
            ScriptedAnswer.Command("A", "InstallApplication", ("ManifestURL", _server.Address("/app.plist"))),
            ScriptedAnswer.Command("B", "InstallApplication", ("ManifestURL", _server.Address("/broken.plist"))),
            ScriptedAnswer.Command("C", "InstallApplication", ("ManifestURL", "https://elsewhere.example/app.plist")),
            ScriptedAnswer.Command("D", "InstallApplication", ("ManifestURL", "http://localhost/app.plist")),
            ScriptedAnswer.Command("E", "ManagedApplicationList"));

        await ipad.ConnectAsync();

        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
        var installed = (await _server.NextReportAsync()).Message;
        Assert.Equal(("com.example.timetable", "Installing"), (installed.Text("Identifier"), installed.Text("State")));
        Assert.Equal(12033, await CodeAsync());
        Assert.Equal(12024, await CodeAsync());
        Assert.Equal(12034, await CodeAsync());
        var list = (await _server.NextReportAsync()).Message.Dict("ManagedApplicationList")!;
        Assert.Equal(["com.example.timetable"], list.Keys);
        Assert.False(list.Dict("com.example.timetable")!.Flag("IsValidated"));

        async Task<long> CodeAsync() => ((PlistDict)(await _server.NextReportAsync()).Message.Array("ErrorChain")![0]).Integer("ErrorCode")!.Value;
    }

    [Fact]
    public async Task An_app_that_is_installed_by_a_licence_is_refused_without_it()
    {
        await using var apple = await AppsAndBooksSimulator.StartAsync();
        await using var fleet = NewFleet(TimeProvider.System, apple);
        var location = apple.AddLocation("North");
        location.Buy(new SimulatedAsset("700700700", "STDQ"), 1);
        var ipad = await _server.EnrolAsync(fleet);
        var byLicence = ("Options", (object)new PlistDict { ["PurchaseMethod"] = 1L });
        _server.WillAnswer(ScriptedAnswer.Command("A", "InstallApplication", ("iTunesStoreID", 700700700L), byLicence));

        await ipad.ConnectAsync();
        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
        var refused = (await _server.NextReportAsync()).Message;
        Assert.Equal(("Error", 9610), (refused.Text("Status"), ((PlistDict)refused.Array("ErrorChain")![0]).Integer("ErrorCode")));

        location.Give("700700700", ipad.Description.SerialNumber);
        _server.WillAnswer(ScriptedAnswer.Command("B", "InstallApplication", ("iTunesStoreID", 700700700L), byLicence));
        await ipad.ConnectAsync();
        Assert.Equal("Idle", (await _server.NextReportAsync()).Status);
        Assert.Equal("Acknowledged", (await _server.NextReportAsync()).Status);
    }

    [Fact]
    public async Task An_iPad_that_only_polls_has_nothing_but_its_enrolment()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(ScriptedAnswer.Command("A", "DeviceInformation", ("Queries", new List<object> { "DeviceName", "IsMDMLostModeEnabled" })),
            ScriptedAnswer.Command("B", "SecurityInfo"), ScriptedAnswer.Command("C", "ProfileList"));

        await ipad.ConnectAsync();

        Assert.Equal("Acknowledged", ipad.Journal.Command("C")!.LastStatus);
        Assert.False(ipad.HasState);
    }

    [Fact]
    public async Task An_encrypted_profile_is_read_with_the_identity_that_it_is_for()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        var inside = Encoding.UTF8.GetBytes(
            $"""
            <plist version="1.0"><array><dict>
            <key>PayloadType</key><string>com.apple.wifi.managed</string><key>PayloadVersion</key><integer>1</integer>
            <key>PayloadIdentifier</key><string>secret.0</string><key>PayloadUUID</key><string>{Guid.NewGuid()}</string>
            </dict></array></plist>
            """);
        var envelope = new EnvelopedCms(new ContentInfo(inside));
        envelope.Encrypt(new CmsRecipient(ipad.Identity!.Certificate));
        var profile = new PlistDict
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = "secret",
            ["PayloadUUID"] = Guid.NewGuid().ToString(),
            ["EncryptedPayloadContent"] = envelope.Encode(),
        };
        var stranger = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(ScriptedAnswer.Command("A", "InstallProfile", ("Payload", PlistWriter.Write(profile))));
        await ipad.ConnectAsync();
        _server.WillAnswer(ScriptedAnswer.Command("B", "InstallProfile", ("Payload", PlistWriter.Write(profile))));
        await stranger.ConnectAsync();

        Assert.Equal(["secret"], ipad.InstalledProfiles);
        Assert.Empty(stranger.InstalledProfiles);
        Assert.Equal("Error", stranger.Journal.Command("B")!.LastStatus);
    }

    [Fact]
    public async Task What_it_does_not_know_is_an_error_and_what_is_no_command_a_format_error()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(ScriptedAnswer.Command("A", "MakeCoffee"),
            new ScriptedAnswer(200, PlistWriter.Write(new PlistDict { ["CommandUUID"] = "B" })));

        await ipad.ConnectAsync();

        await _server.NextReportAsync();
        var unknown = await _server.NextReportAsync();
        Assert.Equal("Error", unknown.Status);
        Assert.IsType<PlistDict>(Assert.Single(unknown.Message.Array("ErrorChain")!));
        Assert.Equal("CommandFormatError", (await _server.NextReportAsync()).Status);
        Assert.Empty(_fleet.Violations);
    }

    [Fact]
    public async Task An_answer_that_is_no_property_list_is_recorded_as_a_breach()
    {
        var ipad = await _server.EnrolAsync(_fleet);
        _server.WillAnswer(new ScriptedAnswer(200, "OK"u8.ToArray()));

        await ipad.ConnectAsync();

        Assert.Single(_fleet.Violations);
    }

    [Fact]
    public async Task A_person_removes_the_profile_and_the_iPad_checks_out()
    {
        var ipad = await _server.EnrolAsync(_fleet);

        await ipad.RemoveManagementAsync();

        Assert.Equal(["Authenticate", "TokenUpdate", "CheckOut"], _server.CheckIns);
        Assert.False(ipad.IsEnrolled);
    }

    [Fact]
    public async Task A_user_of_a_Shared_iPad_has_a_channel_without_device_commands()
    {
        var ipad = await _server.EnrolAsync(_fleet, IPadDescription.Number(1) with { Shared = true });
        await ipad.LogInAsync("ada@school.example");
        _server.WillAnswer(ScriptedAnswer.Command("A", "InstallProfile", ("Payload", Profile("dock"))), ScriptedAnswer.Command("B", "DeviceLock"));

        await ipad.ConnectAsync("ada@school.example");

        var idle = await _server.NextReportAsync();
        Assert.Equal("ada@school.example", idle.Message.Text("UserShortName"));
        Assert.Equal("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", idle.Message.Text("UserID"));
        Assert.Equal("Acknowledged", ipad.Journal.Command("A", "ada@school.example")!.LastStatus);
        Assert.Equal("Error", ipad.Journal.Command("B", "ada@school.example")!.LastStatus);
        Assert.Empty(ipad.InstalledProfiles);
    }

    private IPadFleet NewFleet(TimeProvider time, AppsAndBooksSimulator? apps = null) => new(new FleetOptions
    {
        AppsAndBooks = apps,
        Trust = _server.Trust,
        Time = time,
        FirstRetry = TimeSpan.FromMilliseconds(20),
    });

    private static byte[] Manifest(string app) => PlistWriter.Write(new PlistDict
    {
        ["items"] = new List<object>
        {
            new PlistDict
            {
                ["assets"] = new List<object> { new PlistDict { ["kind"] = "software-package", ["url"] = app } },
                ["metadata"] = new PlistDict { ["bundle-identifier"] = "com.example.timetable", ["bundle-version"] = "3.1", ["kind"] = "software", ["title"] = "Timetable" },
            },
        },
    });

    private static byte[] Profile(string identifier) => PlistWriter.Write(new PlistDict
    {
        ["PayloadType"] = "Configuration",
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = identifier,
        ["PayloadUUID"] = Guid.NewGuid().ToString(),
        ["PayloadContent"] = new List<object>(),
    });
}
