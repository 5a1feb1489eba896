using System.Text;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.SharedIPads;

namespace FleetMdm.Protocol.Tests.SharedIPads;

/// <summary>What a configuration of Shared iPads may say, and what is made of it.</summary>
public sealed class SharedIPadConfigurationTests
{
    private static string[] Blamed(SharedIPadConfiguration configuration) => [.. configuration.Faults().Select(fault => fault.Field)];

    [Fact]
    public void What_Apple_allows_is_good_up_to_the_bounds()
    {
        Assert.Empty(Blamed(new() { ResidentUsers = 1 }));
        Assert.Empty(Blamed(new() { ResidentUsers = 32, UserSessionTimeout = 0, TemporarySessionTimeout = 30, OnlineAuthenticationGracePeriod = 0, PasscodeLockGracePeriod = 14400, AutoLockTime = 120 }));
        Assert.Empty(Blamed(new() { QuotaSize = 1, TemporarySessionOnly = true, TemporarySessionTimeout = 86_400 }));
        Assert.Empty(Blamed(new() { TemporarySessionOnly = false, UserSessionTimeout = 30 }));
        Assert.Empty(Blamed(new() { ManagedAppleIDDefaultDomains = ["school.example", "xn--skla-5qa.example", "skåla.example"] }));
    }

    [Fact]
    public void What_an_iPad_would_refuse_is_said_at_the_field()
    {
        Assert.Equal(["quotaSize"], Blamed(new()));
        Assert.Equal(["residentUsers"], Blamed(new() { QuotaSize = 1000, ResidentUsers = 5 }));
        Assert.Equal(["quotaSize"], Blamed(new() { QuotaSize = 0 }));
        Assert.Equal(["residentUsers"], Blamed(new() { ResidentUsers = 33 }));
        Assert.Equal(["userSessionTimeout"], Blamed(new() { UserSessionTimeout = 29 }));
        Assert.Equal(["temporarySessionTimeout"], Blamed(new() { TemporarySessionTimeout = 86_401 }));
        Assert.Equal(["userSessionTimeout"], Blamed(new() { UserSessionTimeout = -1 }));
        Assert.Equal(["onlineAuthenticationGracePeriod"], Blamed(new() { OnlineAuthenticationGracePeriod = 366 }));
        Assert.Equal(["passcodeLockGracePeriod"], Blamed(new() { PasscodeLockGracePeriod = 299 }));
        Assert.Equal(["autoLockTime"], Blamed(new() { AutoLockTime = 119 }));
    }

    [Theory]
    [InlineData("school")]
    [InlineData("school.example ")]
    [InlineData("-a.example")]
    [InlineData("a..example")]
    [InlineData("{{school}}.example")]
    public void A_domain_is_a_domain(string domain) => Assert.Equal(["managedAppleIDDefaultDomains"], Blamed(new() { ManagedAppleIDDefaultDomains = [domain] }));

    [Fact]
    public void Domains_are_some_and_each_once()
    {
        Assert.Equal(["managedAppleIDDefaultDomains"], Blamed(new() { ManagedAppleIDDefaultDomains = [] }));
        Assert.Equal(["managedAppleIDDefaultDomains"], Blamed(new() { ManagedAppleIDDefaultDomains = ["a.example", "A.example"] }));
        Assert.Equal(["managedAppleIDDefaultDomains"], Blamed(new() { ManagedAppleIDDefaultDomains = [.. Enumerable.Range(0, 21).Select(n => $"a{n}.example")] }));
    }

    [Fact]
    public void Where_nobody_signs_in_nothing_is_said_about_people_who_do()
    {
        Assert.Equal(
            ["residentUsers", "userSessionTimeout", "managedAppleIDDefaultDomains", "onlineAuthenticationGracePeriod", "awaitUserConfiguration", "passcodeLockGracePeriod"],
            Blamed(new()
            {
                TemporarySessionOnly = true,
                ResidentUsers = 5,
                UserSessionTimeout = 60,
                ManagedAppleIDDefaultDomains = ["a.example"],
                OnlineAuthenticationGracePeriod = 7,
                AwaitUserConfiguration = true,
                PasscodeLockGracePeriod = 60,
            }));
    }

    [Fact]
    public void It_is_sent_by_Apples_keys_and_asks_for_a_Shared_iPad()
    {
        var configuration = new SharedIPadConfiguration { ResidentUsers = 10, AwaitUserConfiguration = true, PasscodeLockGracePeriod = 0, AutoLockTime = 300, ManagedAppleIDDefaultDomains = ["a.example"] };

        var command = CommandCatalogue.FromPlist(configuration.ToCommand());

        Assert.Empty(command.Warnings);
        var item = (PlistDictionary)PlistReader.ReadDictionary(command.Fragment, PlistLimits.Admin).GetArray("Settings")![0];
        Assert.Equal(("SharedDeviceConfiguration", 10L), (item.GetString("Item"), item.GetInteger("ResidentUsers")));
        Assert.True(item.GetDictionary("AwaitUserConfiguration")!.GetBoolean("Enabled"));
        Assert.Equal((0L, 300L), (item.GetDictionary("PasscodePolicy")!.GetInteger("PasscodeLockGracePeriod"), item.GetDictionary("PasscodePolicy")!.GetInteger("AutoLockTime")));
        Assert.Contains(command.Requirements, one => one.Kind == RequirementKind.SharedIPad);
        Assert.Contains(command.Requirements, one => one is { Kind: RequirementKind.Since, What: "AwaitUserConfiguration", Text: "17.0" });
    }

    [Fact]
    public void An_item_that_was_refused_is_found_in_an_answer_that_is_acknowledged()
    {
        static byte[] Answer(string items) => Encoding.UTF8.GetBytes($"<plist version=\"1.0\"><dict><key>Status</key><string>Acknowledged</string><key>Settings</key><array>{items}</array></dict></plist>");
        const string taken = "<dict><key>Item</key><string>DeviceName</string><key>Status</key><string>Acknowledged</string></dict>";
        const string refused = """
            <dict><key>Item</key><string>SharedDeviceConfiguration</string><key>Status</key><string>Error</string><key>ErrorChain</key><array><dict>
            <key>ErrorDomain</key><string>MCSettingsErrorDomain</string><key>ErrorCode</key><integer>28000</integer><key>LocalizedDescription</key><string>Too late.</string></dict></array></dict>
            """;

        Assert.Null(SettingsAnswer.Refusal(Answer(taken)));
        Assert.Equal("SharedDeviceConfiguration: Too late. (MCSettingsErrorDomain 28000)", SettingsAnswer.Refusal(Answer(taken + refused)));
        Assert.Contains("did not say why", SettingsAnswer.Refusal(Answer("<dict><key>Item</key><string>X</string><key>Status</key><string>Error</string></dict>")), StringComparison.Ordinal);
        Assert.Null(SettingsAnswer.Refusal("<plist"u8.ToArray()));
        Assert.Null(SettingsAnswer.Refusal([]));
    }

    [Fact]
    public void Whom_a_deletion_is_for_is_read_from_the_command()
    {
        static DeletedUsers? Of(string keys) => SharedIPadUsers.Deleted(Encoding.UTF8.GetBytes($"<dict><key>RequestType</key><string>DeleteUser</string>{keys}</dict>"));

        Assert.Equal("anna@school.example", Of("<key>UserName</key><string>anna@school.example</string>")!.UserName);
        Assert.Null(Of("<key>UserName</key><string>anna</string><key>DeleteAllUsers</key><true/>")!.UserName);
        Assert.Null(Of(""));
        Assert.Null(SharedIPadUsers.Deleted("<dict><key>RequestType</key><string>UserList</string></dict>"u8.ToArray()));
    }
}
