using System.Text.Json;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Catalogue;

public sealed class CommandFitnessTests
{
    private static readonly KnownDevice Unknown = new(KnownKind.Device);

    private static IReadOnlyList<Misfit> Misfits(string json, KnownDevice known) =>
        CommandFitness.Misfits(CommandCatalogue.FromJson(JsonElement.Parse(json)).Requirements, known);

    public static TheoryData<string> Commands => [.. CommandCatalogue.KnownRequestTypes];

    [Theory]
    [MemberData(nameof(Commands))]
    public void What_is_not_known_of_an_iPad_refuses_nothing(string requestType) =>
        Assert.Empty(CommandFitness.Misfits(CommandFitness.Of(AppleCatalogue.Instance.Commands[requestType]), Unknown));

    [Theory]
    [MemberData(nameof(Commands))]
    public void What_the_catalogue_says_of_a_command_is_asked_of_the_iPad(string requestType)
    {
        var on = AppleCatalogue.Instance.Commands[requestType].On;
        List<string> Codes(KnownDevice known) =>
            [.. CommandFitness.Misfits(CommandFitness.Of(AppleCatalogue.Instance.Commands[requestType]), known).Select(misfit => misfit.Code)];

        Assert.Equal(on.Supervised, Codes(Unknown with { IsSupervised = false }).Contains("supervision"));
        Assert.Equal(on.AutomatedEnrolment, Codes(Unknown with { IsAutomated = false }).Contains("automated-enrolment"));
        Assert.Equal(on.SharedIPad == "required", Codes(Unknown with { IsShared = false }).Contains("shared-ipad-only"));
        Assert.Equal(on.SharedIPad == "forbidden", Codes(Unknown with { IsShared = true }).Contains("not-on-shared-ipad"));
        Assert.Equal(on.UserEnrolment == "forbidden", Codes(new KnownDevice(KnownKind.UserEnrolment)).Contains("not-in-user-enrolment"));
        Assert.Equal(on.Channels is ["device"], Codes(new KnownDevice(KnownKind.SharedUser)).Contains("device-channel-only"));
        Assert.Equal(on.Channels is ["user"], Codes(Unknown with { IsShared = true }).Contains("user-channel-only"));
        Assert.Equal(on.AccessRight is not (null or "Special Case"), Codes(Unknown with { AccessRights = 0 }).Contains("access-right"));
        Assert.Empty(Codes(Unknown with { AccessRights = 8191 }));
        Assert.Equal(requestType is "DeviceLocation" or "PlayLostModeSound", Codes(Unknown with { IsLost = false }).Contains("lost-mode-only"));
        Assert.Contains("ipados-too-old", Codes(Unknown with { OsVersion = "1.0" }));
        Assert.Equal(on.Removed is not null, Codes(Unknown with { OsVersion = "99.0" }).Contains("ipados-too-new"));
    }

    [Theory]
    [InlineData("""{"requestType": "EraseDevice", "returnToService": {"enabled": true}}""", "16.4", "/returnToService", "ReturnToService needs iPadOS 17.0, and this iPad has 16.4.")]
    [InlineData("""{"requestType": "EraseDevice", "returnToService": {"enabled": true, "shouldRetryEnrollment": true}}""", "26.1", "/returnToService/shouldRetryEnrollment", "ShouldRetryEnrollment needs iPadOS 27.0, and this iPad has 26.1.")]
    [InlineData("""{"requestType": "InstallApplication", "iTunesStoreID": 1, "attributes": {"hideable": false}}""", "18.0.1", "/attributes/hideable", "Hideable needs iPadOS 18.1, and this iPad has 18.0.1.")]
    [InlineData("""{"requestType": "Settings", "settings": [{"item": "DataRoaming", "enabled": true}, {"item": "TimeZone", "timeZone": "Europe/Berlin"}]}""", "13.7", "/settings/1", "TimeZone needs iPadOS 14.0, and this iPad has 13.7.")]
    [InlineData("""{"requestType": "ScheduleOSUpdate", "updates": [{"productVersion": "18.1", "installAction": "InstallASAP"}]}""", "27.0", "", "ScheduleOSUpdate was removed in iPadOS 27.0, and this iPad has 27.0.")]
    public void A_version_that_a_command_or_a_key_in_it_needs_is_named_with_the_one_that_the_iPad_has(string json, string has, string field, string reason)
    {
        var misfit = Assert.Single(Misfits(json, Unknown with { OsVersion = has }));
        Assert.Equal((field, reason), (misfit.Field, misfit.Reason));
        Assert.DoesNotContain(Misfits(json, Unknown with { OsVersion = has == "27.0" ? "26.4" : "27.10" }), other => other.Code == misfit.Code);
    }

    /// <summary>Those of which there is one form only.</summary>
    public static TheoryData<string> Payloads => [.. AppleCatalogue.Instance.Payloads.Where(type => type.Value.Count == 1).Select(type => type.Key)];

    private static PlistDictionary Profile(PlistDictionary payload) => new() { ["PayloadContent"] = new PlistArray([payload]) };

    [Theory]
    [MemberData(nameof(Payloads))]
    public void What_the_catalogue_says_of_a_payload_is_asked_of_the_iPad(string type)
    {
        var on = AppleCatalogue.Instance.Payloads[type][0].On;
        var needs = CommandFitness.OfProfile(Profile(new PlistDictionary { ["PayloadType"] = type }), "/payload");
        List<string> Codes(KnownDevice known) => [.. CommandFitness.Misfits(needs.Payloads, known).Select(misfit => misfit.Code)];

        Assert.Empty(Codes(Unknown));
        Assert.Equal(on.Supervised, Codes(Unknown with { IsSupervised = false }).Contains("supervision"));
        Assert.Equal(on.SharedIPad == "required", Codes(Unknown with { IsShared = false }).Contains("shared-ipad-only"));
        Assert.Equal(on.SharedIPad == "forbidden", Codes(Unknown with { IsShared = true }).Contains("not-on-shared-ipad"));
        Assert.Equal(on.UserEnrolment == "forbidden", Codes(new KnownDevice(KnownKind.UserEnrolment)).Contains("not-in-user-enrolment"));
        Assert.Equal(on.Channels is ["device"], Codes(new KnownDevice(KnownKind.SharedUser)).Contains("device-channel-only"));
        Assert.Equal(on.Channels is ["user"], Codes(Unknown with { IsShared = true }).Contains("user-channel-only"));
        Assert.Equal(on.Since is not null, Codes(Unknown with { OsVersion = "1.0" }).Contains("ipados-too-old"));
        Assert.Equal(on.Removed is not null, Codes(Unknown with { OsVersion = "99.0" }).Contains("ipados-too-new"));
        Assert.All(needs.Payloads, need => Assert.Equal("/payload", need.Field));
        Assert.Empty(needs.Keys);
    }

    [Fact]
    public void Keys_of_a_payload_that_ask_for_the_same_are_named_together_and_refuse_nothing()
    {
        var needs = CommandFitness.OfProfile(Profile(new PlistDictionary
        {
            ["PayloadType"] = "com.apple.applicationaccess",
            ["allowCamera"] = false,
            ["allowAirDrop"] = false,
            ["allowHostPairing"] = false,
        }));
        var unsupervised = Unknown with { IsSupervised = false, OsVersion = "17.0" };
        Assert.Empty(CommandFitness.Misfits(needs.Payloads, unsupervised));
        Assert.Equal("Each of the keys allowAirDrop, allowHostPairing needs supervision, and this iPad is not supervised.", Assert.Single(CommandFitness.Misfits(needs.Keys, unsupervised)).Reason);
        Assert.Empty(CommandFitness.OfProfile(Profile(new PlistDictionary { ["PayloadType"] = "com.vendor.unknown", ["x"] = 1 })).Payloads);
    }

    [Fact]
    public void An_item_of_Settings_asks_for_more_than_Settings()
    {
        const string name = """{"requestType": "Settings", "settings": [{"item": "DeviceName", "deviceName": "Room 12"}]}""";
        Assert.Equal("DeviceName needs supervision, and this iPad is not supervised.", Assert.Single(Misfits(name, Unknown with { IsSupervised = false })).Reason);
        Assert.Empty(Misfits("""{"requestType": "Settings", "settings": [{"item": "DataRoaming", "enabled": true}]}""", Unknown with { IsSupervised = false }));
    }

    [Fact]
    public void An_access_right_that_was_not_granted_is_named()
    {
        var misfit = Assert.Single(Misfits("""{"requestType": "EraseDevice"}""", Unknown with { AccessRights = 8191 - 8 }));
        Assert.Equal(("access-right", "EraseDevice needs the access right AllowDeviceErase, which the enrolment did not grant."), (misfit.Code, misfit.Reason));
    }

    [Fact]
    public void All_reasons_are_told()
    {
        var codes = Misfits("""{"requestType": "RestartDevice"}""", new KnownDevice(KnownKind.UserEnrolment) { OsVersion = "10.2", IsSupervised = false, AccessRights = 1 })
            .Select(misfit => misfit.Code);
        Assert.Equal(["supervision", "ipados-too-old", "not-in-user-enrolment", "access-right"], codes);
    }

    [Fact]
    public void The_question_that_asks_an_iPad_for_everything_fits_every_iPad() =>
        Assert.Empty(Misfits("""{"requestType": "DeviceInformation"}""", new KnownDevice(KnownKind.UserEnrolment) { OsVersion = "15.0", IsSupervised = false, IsShared = false }));

    [Theory]
    [InlineData("17 beta")]
    [InlineData("")]
    [InlineData("17..1")]
    [InlineData("99999999999999999999.0")]
    public void A_version_that_cannot_be_read_refuses_nothing(string version) =>
        Assert.Empty(Misfits("""{"requestType": "EraseDevice", "returnToService": {"enabled": true}}""", Unknown with { OsVersion = version }));
}
