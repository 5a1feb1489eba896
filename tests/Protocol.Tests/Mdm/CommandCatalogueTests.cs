using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using CsCheck;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Tests.Plist;

namespace FleetMdm.Protocol.Tests.Mdm;

public sealed class CommandCatalogueTests
{
    private static readonly byte[] Profile = PlistWriter.ToBytes(new PlistDictionary
    {
        ["PayloadType"] = "Configuration",
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = "example.school.wifi",
        ["PayloadUUID"] = Samples.CommandUuid,
        ["PayloadContent"] = new PlistArray(),
    });

    [Theory]
    [InlineData("""{"requestType":"SecurityInfo"}""", "<dict><key>RequestType</key><string>SecurityInfo</string></dict>")]
    [InlineData("""{"requestType":"RestartDevice"}""", "<dict><key>RequestType</key><string>RestartDevice</string></dict>")]
    [InlineData("""{"requestType":"ClearPasscode"}""", "<dict><key>RequestType</key><string>ClearPasscode</string></dict>")]
    [InlineData("""{"phoneNumber":"+41 44 000 00 00","message":"Verloren: Schulhaus <Au> & Co.","requestType":"DeviceLock"}""",
        "<dict><key>RequestType</key><string>DeviceLock</string><key>Message</key><string>Verloren: Schulhaus &lt;Au&gt; &amp; Co.</string><key>PhoneNumber</key><string>+41 44 000 00 00</string></dict>")]
    [InlineData("""{"requestType":"DeviceLock","message":null}""", "<dict><key>RequestType</key><string>DeviceLock</string></dict>")]
    [InlineData("""{"requestType":"ProfileList","managedOnly":true}""", "<dict><key>RequestType</key><string>ProfileList</string><key>ManagedOnly</key><true/></dict>")]
    [InlineData("""{"requestType":"RemoveProfile","identifier":"example.school.wifi"}""",
        "<dict><key>RequestType</key><string>RemoveProfile</string><key>Identifier</key><string>example.school.wifi</string></dict>")]
    [InlineData("""{"requestType":"InstalledApplicationList","identifiers":["a.b"],"managedAppsOnly":false,"items":["Identifier","Version"]}""",
        "<dict><key>RequestType</key><string>InstalledApplicationList</string><key>Identifiers</key><array><string>a.b</string></array><key>ManagedAppsOnly</key><false/><key>Items</key><array><string>Identifier</string><string>Version</string></array></dict>")]
    [InlineData("""{"requestType":"DeviceInformation","queries":["UDID"],"deviceAttestationNonce":"AQI="}""",
        "<dict><key>RequestType</key><string>DeviceInformation</string><key>Queries</key><array><string>UDID</string></array><key>DeviceAttestationNonce</key><data>AQI=</data></dict>")]
    [InlineData("""{"requestType":"EraseDevice","preserveDataPlan":true,"disallowProximitySetup":true,"returnToService":{"enabled":true}}""",
        "<dict><key>RequestType</key><string>EraseDevice</string><key>PreserveDataPlan</key><true/><key>DisallowProximitySetup</key><true/><key>ReturnToService</key><dict><key>Enabled</key><true/></dict></dict>")]
    public void A_command_in_JSON_becomes_Apples_dictionary(string json, string fragment)
    {
        var command = FromJson(json);
        Assert.Equal(fragment, Encoding.UTF8.GetString(command.Fragment));
        Assert.Equal(JsonDocument.Parse(json).RootElement.GetProperty("requestType").GetString(), command.RequestType);
        Assert.Null(command.CommandUuid);
    }

    [Fact]
    public void DeviceInformation_asks_for_everything_of_use_unless_told_otherwise()
    {
        var queries = Command(FromJson("""{"requestType":"DeviceInformation"}""")).GetArray("Queries")!.Cast<PlistString>().Select(query => query.Value).ToList();
        Assert.Superset(new HashSet<string> { "UDID", "SerialNumber", "OSVersion", "IsSupervised", "BatteryLevel", "ServiceSubscriptions" }, queries.ToHashSet());
        Assert.Equal(queries.Count, queries.Distinct().Count());
        Assert.DoesNotContain("PushToken", queries);
    }

    [Theory]
    [InlineData("EraseDevice", true)]
    [InlineData("ClearPasscode", true)]
    [InlineData("SecurityInfo", false)]
    [InlineData("DeleteUser", true)]
    [InlineData("SomethingNew", false)]
    public void Commands_that_take_something_away_are_marked(string requestType, bool destructive) =>
        Assert.Equal(destructive, FromPlist(new PlistDictionary { ["RequestType"] = requestType }).Destructive);

    [Theory]
    [InlineData("[]", "")]
    [InlineData("{}", "/requestType")]
    [InlineData("""{"requestType":null}""", "/requestType")]
    [InlineData("""{"requestType":5}""", "/requestType")]
    [InlineData("""{"requestType":""}""", "/requestType")]
    [InlineData("""{"requestType":"devicelock"}""", "/requestType")]
    [InlineData("""{"requestType":"\uD800"}""", "/requestType")]
    [InlineData("""{"requestType":"SecurityInfo","requestType":"SecurityInfo"}""", "/requestType")]
    [InlineData("""{"requestType":"SecurityInfo","Message":"x"}""", "/Message")]
    [InlineData("""{"requestType":"DeviceLock","PIN":"123456"}""", "/PIN")]
    [InlineData("""{"requestType":"DeviceLock","message":5}""", "/message")]
    [InlineData("""{"requestType":"DeviceLock","message":"a\u0007b"}""", "/message")]
    [InlineData("""{"requestType":"DeviceLock","message":"a\uDC00b"}""", "/message")]
    [InlineData("""{"requestType":"DeviceLock","message":"a","message":"b"}""", "/message")]
    [InlineData("""{"requestType":"DeviceLock","\uD800":"b"}""", "")]
    [InlineData("""{"requestType":"RestartDevice","notifyUser":true}""", "/notifyUser")]
    [InlineData("""{"requestType":"RemoveProfile"}""", "/identifier")]
    [InlineData("""{"requestType":"RemoveProfile","identifier":null}""", "/identifier")]
    [InlineData("""{"requestType":"RemoveProfile","identifier":""}""", "/identifier")]
    [InlineData("""{"requestType":"RemoveProfile","identifier":"a\nb"}""", "/identifier")]
    [InlineData("""{"requestType":"ProfileList","managedOnly":"yes"}""", "/managedOnly")]
    [InlineData("""{"requestType":"DeviceInformation","queries":"UDID"}""", "/queries")]
    [InlineData("""{"requestType":"DeviceInformation","queries":[]}""", "/queries")]
    [InlineData("""{"requestType":"DeviceInformation","queries":["UDID","OSVersion",7]}""", "/queries/2")]
    [InlineData("""{"requestType":"DeviceInformation","deviceAttestationNonce":"%%"}""", "/deviceAttestationNonce")]
    [InlineData("""{"requestType":"DeviceInformation","deviceAttestationNonce":"\uD800"}""", "/deviceAttestationNonce")]
    [InlineData("""{"requestType":"DeviceInformation","deviceAttestationNonce":""}""", "/deviceAttestationNonce")]
    [InlineData("""{"requestType":"EraseDevice","returnToService":true}""", "/returnToService")]
    [InlineData("""{"requestType":"EraseDevice","returnToService":{}}""", "/returnToService/enabled")]
    [InlineData("""{"requestType":"EraseDevice","returnToService":{"enabled":1}}""", "/returnToService/enabled")]
    [InlineData("""{"requestType":"EraseDevice","returnToService":{"enabled":true,"requestType":"x"}}""", "/returnToService/requestType")]
    [InlineData("""{"requestType":"EraseDevice","returnToService":{"enabled":true,"wiFiProfileData":"AAAA"}}""", "/returnToService/wiFiProfileData")]
    [InlineData("""{"requestType":"InstallProfile"}""", "/payload")]
    [InlineData("""{"requestType":"InstallProfile","payload":{}}""", "/payload")]
    public void What_is_wrong_with_a_command_is_named_by_its_field(string json, string field)
    {
        var refused = Assert.Throws<CommandFieldException>(() => FromJson(json));
        Assert.Equal(field, refused.Field);
        Assert.NotEmpty(refused.Message);
    }

    [Fact]
    public void An_unknown_request_type_is_answered_with_the_known_ones()
    {
        var refused = Assert.Throws<CommandFieldException>(() => FromJson("""{"requestType":"ManageApps"}"""));
        Assert.Contains("'ManageApps'", refused.Message, StringComparison.Ordinal);
        foreach (var known in CommandCatalogue.KnownRequestTypes)
            Assert.Contains(known, refused.Message, StringComparison.Ordinal);
        Assert.Equal(
            ["ClearPasscode", "DeviceInformation", "DeviceLock", "EraseDevice", "InstallProfile", "InstalledApplicationList", "ProfileList", "RemoveProfile", "RestartDevice", "SecurityInfo"],
            CommandCatalogue.KnownRequestTypes);
    }

    [Fact]
    public void An_unknown_field_is_answered_with_the_known_ones()
    {
        var refused = Assert.Throws<CommandFieldException>(() => FromJson("""{"requestType":"DeviceLock","text":"x"}"""));
        Assert.Contains("message, phoneNumber", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_and_lists_have_a_limit()
    {
        Assert.Equal("/message", Assert.Throws<CommandFieldException>(() => FromJson($$"""{"requestType":"DeviceLock","message":"{{new string('m', 1025)}}"}""")).Field);
        var queries = string.Join(',', Enumerable.Repeat("\"UDID\"", 1001));
        Assert.Equal("/queries", Assert.Throws<CommandFieldException>(() => FromJson($$"""{"requestType":"DeviceInformation","queries":[{{queries}}]}""")).Field);
    }

    [Fact]
    public void A_profile_is_installed_as_it_came_plain_binary_or_signed()
    {
        foreach (var profile in (byte[][])[Profile, BinaryPlistWriter.Write(PlistReader.Read(Profile, PlistLimits.Device)), Signed(Profile)])
        {
            var command = FromJson(InstallProfile(profile));
            Assert.Equal("InstallProfile", command.RequestType);
            Assert.Equal(profile, Command(command).GetData("Payload"));
            Assert.False(command.Destructive);
        }
    }

    [Fact]
    public void What_is_no_profile_is_refused_here_and_not_by_every_iPad()
    {
        byte[] app = PlistWriter.ToBytes(new PlistDictionary { ["PayloadType"] = "com.apple.wifi.managed" });
        byte[] truncated = Signed(Profile)[..^20];
        foreach (var profile in (byte[][])[app, Signed(app), truncated, "hello"u8.ToArray(), "<array/>"u8.ToArray(), [0x30, 0x80, 0x30, 0x80], [0x30]])
            Assert.Equal("/payload", Assert.Throws<CommandFieldException>(() => FromJson(InstallProfile(profile))).Field);
        Assert.Contains("4194304", Assert.Throws<CommandFieldException>(() => FromJson(InstallProfile(new byte[4 * 1024 * 1024 + 1]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_signed_profiles_are_refused_and_nothing_else_happens()
    {
        var signed = Signed(Profile);
        Gen.Select(Gen.Int[0, signed.Length - 1], Gen.Byte, Gen.Int[1, signed.Length]).Sample((at, value, length) =>
        {
            byte[] damaged = [.. signed];
            damaged[at] = value;
            try
            {
                FromJson(InstallProfile(damaged[..length]));
            }
            catch (CommandFieldException refused)
            {
                Assert.Equal("/payload", refused.Field);
            }
        }, iter: 2000);
    }

    [Fact]
    public void ClearPasscode_gets_its_secret_only_at_delivery()
    {
        var command = FromJson("""{"requestType":"ClearPasscode"}""");
        Assert.False(Command(command).ContainsKey("UnlockToken"));
        var delivered = (PlistDictionary)PlistReader.Read(CommandCatalogue.WithUnlockToken(command.Fragment, [1, 2, 3]), PlistLimits.Device);
        Assert.Equal([1, 2, 3], delivered.GetData("UnlockToken"));
        Assert.Equal(CommandCatalogue.ClearPasscode, delivered.GetString("RequestType"));
    }

    [Fact]
    public void No_other_command_gets_the_secret()
    {
        Assert.Throws<ArgumentException>(() => CommandCatalogue.WithUnlockToken(FromJson("""{"requestType":"SecurityInfo"}""").Fragment, [1]));
        Assert.Throws<ArgumentException>(() => CommandCatalogue.WithUnlockToken("<array/>"u8, [1]));
    }

    [Fact]
    public void A_ClearPasscode_that_brings_a_secret_into_the_queue_is_refused()
    {
        var refused = Assert.Throws<CommandFieldException>(() => FromPlist(new PlistDictionary
        {
            ["Command"] = new PlistDictionary { ["RequestType"] = "ClearPasscode", ["UnlockToken"] = new byte[] { 1 } },
        }));
        Assert.Equal("/Command/UnlockToken", refused.Field);
    }

    [Fact]
    public void A_property_list_of_any_command_is_taken_whole_or_as_the_command_alone()
    {
        var inner = new PlistDictionary { ["RequestType"] = "Settings", ["Settings"] = new PlistArray { new PlistDictionary { ["Item"] = "DeviceName", ["DeviceName"] = "5b & 1" } } };
        var whole = new PlistDictionary { ["CommandUUID"] = Samples.CommandUuid.ToLowerInvariant(), ["Command"] = inner };

        Assert.Equal(PlistWriter.ToFragment(inner), FromPlist(inner).Fragment);
        Assert.Null(FromPlist(inner).CommandUuid);
        Assert.Equal(PlistWriter.ToFragment(inner), FromPlist(whole).Fragment);
        Assert.Equal(Samples.CommandUuid, FromPlist(whole).CommandUuid);
        Assert.Equal("Settings", FromPlist(whole).RequestType);
        Assert.Equal(PlistWriter.ToFragment(inner), CommandCatalogue.FromPlist(BinaryPlistWriter.Write(whole)).Fragment);
    }

    [Theory]
    [InlineData("<array/>", "")]
    [InlineData("<dict/>", "/RequestType")]
    [InlineData("<dict><key>RequestType</key><integer>1</integer></dict>", "/RequestType")]
    [InlineData("<dict><key>RequestType</key><string>Device Lock</string></dict>", "/RequestType")]
    [InlineData("<dict><key>RequestType</key><string/></dict>", "/RequestType")]
    [InlineData("<dict><key>Command</key><string>DeviceLock</string></dict>", "/Command")]
    [InlineData("<dict><key>Command</key><dict/></dict>", "/Command/RequestType")]
    [InlineData("<dict><key>CommandUUID</key><string>1</string><key>Command</key><dict><key>RequestType</key><string>DeviceLock</string></dict></dict>", "/CommandUUID")]
    [InlineData("<dict><key>CommandUUID</key><true/><key>Command</key><dict><key>RequestType</key><string>DeviceLock</string></dict></dict>", "/CommandUUID")]
    public void A_property_list_that_is_no_command_is_refused_by_its_field(string xml, string field) =>
        Assert.Equal(field, Assert.Throws<CommandFieldException>(() => CommandCatalogue.FromPlist(Encoding.UTF8.GetBytes(xml))).Field);

    [Fact]
    public void What_is_no_property_list_is_refused_as_that() =>
        Assert.Throws<PlistFormatException>(() => CommandCatalogue.FromPlist("<dict>"u8.ToArray()));

    [Fact]
    public void A_binary_command_that_unfolds_to_more_than_a_document_may_have_is_refused()
    {
        var writer = new BinaryPlistWriter();
        var key = writer.Add("RequestType");
        var value = writer.Add("InstallProfile");
        var list = writer.Add("Payload");
        var data = writer.Add(new byte[4 * 1024 * 1024]);
        var many = writer.AddRaw(writer.Container(0xA, [.. Enumerable.Repeat(data, 5)]));
        var root = writer.AddRaw(writer.Container(0xD, key, list, value, many));
        var refused = Assert.Throws<CommandFieldException>(() => CommandCatalogue.FromPlist(writer.Finish(root)));
        Assert.Contains("at most 16777216", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_JSON_becomes_a_command_or_names_a_field()
    {
        var name = Gen.OneOf("requestType", "message", "queries", "payload", "returnToService", "enabled", "identifier", "x");
        var scalar = Gen.OneOf("null", "true", "0", "-1.5e3", "\"\"", "\"UDID\"", "\"\\uD800\"", "\"\\u0000\"", "\"AAAA\"", "[]", "{}");
        var value = Gen.OneOf(scalar, scalar.Array[0, 3].Select(items => $"[{string.Join(',', items)}]"),
            Gen.Select(name, scalar).Array[0, 3].Select(members => $"{{{string.Join(',', members.Select(member => $"\"{member.Item1}\":{member.Item2}"))}}}"));
        Gen.Select(Gen.Int[0, CommandCatalogue.KnownRequestTypes.Count - 1], Gen.Select(name, value).Array[0, 4]).Sample((type, members) =>
        {
            var json = $"{{\"requestType\":\"{CommandCatalogue.KnownRequestTypes[type]}\"{string.Concat(members.Select(member => $",\"{member.Item1}\":{member.Item2}"))}}}";
            try
            {
                Assert.NotEmpty(FromJson(json).Fragment);
            }
            catch (CommandFieldException refused)
            {
                Assert.NotEmpty(refused.Message);
            }
        }, iter: 5000);
    }

    private static string InstallProfile(byte[] profile) => $$"""{"requestType":"InstallProfile","payload":"{{Convert.ToBase64String(profile)}}"}""";

    private static BuiltCommand FromJson(string json)
    {
        using var document = JsonDocument.Parse(json);
        return CommandCatalogue.FromJson(document.RootElement);
    }

    private static BuiltCommand FromPlist(PlistNode node) => CommandCatalogue.FromPlist(PlistWriter.ToBytes(node));

    private static PlistDictionary Command(BuiltCommand command) => (PlistDictionary)PlistReader.Read(command.Fragment, PlistLimits.Admin);

    private static byte[] Signed(byte[] content)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using var certificate = new CertificateRequest("CN=School", key, HashAlgorithmName.SHA256).CreateSelfSigned(start, start.AddYears(10));
        var cms = new SignedCms(new ContentInfo(content));
        cms.ComputeSignature(new CmsSigner(certificate) { IncludeOption = X509IncludeOption.EndCertOnly });
        return cms.Encode();
    }
}
