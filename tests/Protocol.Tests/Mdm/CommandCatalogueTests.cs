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
    [InlineData("CertificateList", false)]
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
    [InlineData("""{"requestType":"DeviceLock","message":5}""", "/message")]
    [InlineData("""{"requestType":"DeviceLock","message":"a\u0007b"}""", "/message")]
    [InlineData("""{"requestType":"DeviceLock","message":"a\uDC00b"}""", "/message")]
    [InlineData("""{"requestType":"DeviceLock","message":"a","message":"b"}""", "/message")]
    [InlineData("""{"requestType":"DeviceLock","\uD800":"b"}""", "")]
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
    [InlineData("""{"requestType":"EraseDevice","returnToService":{"enabled":true,"wiFiProfileData":"AAAA"}}""", "/returnToService/wiFiProfileData")]
    [InlineData("""{"requestType":"InstallProfile"}""", "/payload")]
    [InlineData("""{"requestType":"InstallProfile","payload":{}}""", "/payload")]
    [InlineData("""{"requestType":"InstallProfile","Payload":"AAAA"}""", "/Payload")]
    [InlineData("""{"requestType":"DeviceLock","Message":"x"}""", "/Message")]
    [InlineData("""{"requestType":"DeviceLock","MESSAGE":"x"}""", "/MESSAGE")]
    [InlineData("""{"requestType":"SecurityInfo","RequestType":"EraseDevice"}""", "/RequestType")]
    [InlineData("""{"requestType":"SecurityInfo","REQUESTTYPE":"EraseDevice"}""", "/REQUESTTYPE")]
    [InlineData("""{"requestType":"Settings","settings":[{"item":"New","Item":"Wallpaper"}]}""", "/settings/0/Item")]
    [InlineData("""{"requestType":"ClearPasscode","unlockToken":"AAAA"}""", "/unlockToken")]
    [InlineData("""{"requestType":"ClearPasscode","UNLOCKTOKEN":"AAAA"}""", "/UNLOCKTOKEN")]
    [InlineData("""{"requestType":"SecurityInfo","new":[1,null]}""", "/new/1")]
    [InlineData("""{"requestType":"SecurityInfo","new":{"a":"\u0000"}}""", "/new/a")]
    [InlineData("""{"requestType":"SecurityInfo","new":{"a\nb":1}}""", "/new/a?b")]
    [InlineData("""{"requestType":"SecurityInfo","":1}""", "/")]
    [InlineData("""{"requestType":"Settings"}""", "/settings")]
    [InlineData("""{"requestType":"Settings","settings":[]}""", "/settings")]
    [InlineData("""{"requestType":"Settings","settings":[{"deviceName":"5b"}]}""", "/settings/0/item")]
    [InlineData("""{"requestType":"Settings","settings":[{"item":"DeviceName","deviceName":""}]}""", "/settings/0/deviceName")]
    [InlineData("""{"requestType":"Settings","settings":[{"item":"Wallpaper","image":"AAAA","where":4}]}""", "/settings/0/where")]
    [InlineData("""{"requestType":"InstallApplication"}""", "/iTunesStoreID")]
    [InlineData("""{"requestType":"InstallApplication","iTunesStoreID":1,"manifestURL":"https://a.example/m"}""", "/manifestURL")]
    [InlineData("""{"requestType":"InstallApplication","identifier":"a.b","managementFlags":7}""", "/managementFlags")]
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
        Assert.Equal(51, CommandCatalogue.KnownRequestTypes.Count);
    }

    /// <summary>Apple adds keys every year: what is not known may be right, and is sent as it is written.</summary>
    [Theory]
    [InlineData("""{"requestType":"DeviceLock","text":"x"}""", "/text", "Known are message, phoneNumber", "<key>text</key><string>x</string>")]
    [InlineData("""{"requestType":"DeviceLock","mesage":"x"}""", "/mesage", "Did you mean message?", "<key>mesage</key>")]
    [InlineData("""{"requestType":"DeviceLock","PIN":"123456"}""", "/PIN", "for macOS", "<key>PIN</key><string>123456</string>")]
    [InlineData("""{"requestType":"SecurityInfo","Message":"x"}""", "/Message", "takes no keys", "<key>Message</key>")]
    [InlineData("""{"requestType":"RestartDevice","notifyUser":true}""", "/notifyUser", "for macOS", "<key>notifyUser</key><true/>")]
    [InlineData("""{"requestType":"EraseDevice","returnToService":{"enabled":true,"requestType":"x"}}""", "/returnToService/requestType", "not known", "<key>requestType</key><string>x</string>")]
    [InlineData("""{"requestType":"SecurityInfo","New":{"a":[1,2.5,false,"t",18446744073709551615],"b":null}}""", "/New", "not known",
        "<key>New</key><dict><key>a</key><array><integer>1</integer><real>2.5</real><false/><string>t</string><integer>18446744073709551615</integer></array></dict>")]
    [InlineData("""{"requestType":"DeviceInformation","queries":["UDID","OsVersion"]}""", "/queries/1", "Did you mean OSVersion?", "<string>OsVersion</string>")]
    [InlineData("""{"requestType":"DeviceInformation","queries":["OSUpdateSettings"]}""", "/queries/0", "for macOS", "<string>OSUpdateSettings</string>")]
    [InlineData("""{"requestType":"Settings","settings":[{"item":"Wallpapers","where":1}]}""", "/settings/0/item", "Did you mean Wallpaper?", "<key>where</key><integer>1</integer>")]
    [InlineData("""{"requestType":"Settings","settings":[{"item":"HostName","hostName":"x"}]}""", "/settings/0/item", "for macOS", "<string>HostName</string>")]
    public void What_the_catalogue_does_not_know_is_sent_and_named(string json, string field, string words, string sent)
    {
        var command = FromJson(json);
        var warning = Assert.Single(command.Warnings);
        Assert.Equal(field, warning.Field);
        Assert.Contains(words, warning.Message, StringComparison.Ordinal);
        Assert.Contains(sent, Encoding.UTF8.GetString(command.Fragment), StringComparison.Ordinal);
    }

    [Fact]
    public void A_property_list_is_compared_with_the_catalogue_unless_it_is_raw()
    {
        var odd = new PlistDictionary { ["RequestType"] = "DeviceLock", ["Mesage"] = "x" };
        var warning = Assert.Single(FromPlist(odd).Warnings);
        Assert.Equal("/Mesage", warning.Field);
        Assert.Contains("Did you mean Message?", warning.Message, StringComparison.Ordinal);

        var wrong = new PlistDictionary { ["RequestType"] = "DeviceLock", ["Message"] = 5, ["message"] = "x" };
        Assert.Equal("/Message", Assert.Throws<CommandFieldException>(() => FromPlist(wrong)).Field);
        Assert.Equal("/Command/Message", Assert.Throws<CommandFieldException>(() => FromPlist(new PlistDictionary { ["Command"] = wrong })).Field);
        var twoTypes = new PlistDictionary { ["RequestType"] = "SecurityInfo", ["requestType"] = "EraseDevice" };
        Assert.Equal("/requestType", Assert.Throws<CommandFieldException>(() => FromPlist(twoTypes)).Field);
        var raw = CommandCatalogue.FromPlist(PlistWriter.ToBytes(wrong), raw: true);
        Assert.Equal(PlistWriter.ToFragment(wrong), raw.Fragment);
        Assert.Empty(raw.Warnings);
    }

    /// <summary>What was checked and confirmed under one name must not run under another.</summary>
    [Fact]
    public void A_command_runs_under_the_name_under_which_it_was_checked()
    {
        foreach (var requestType in CommandCatalogue.KnownRequestTypes)
        {
            foreach (var other in (string[])["RequestType", "requesttype", "REQUESTTYPE", "RequesTType"])
            {
                using var document = JsonDocument.Parse($$"""{"requestType":"{{requestType}}","{{other}}":"EraseDevice","new":1}""");
                try
                {
                    var command = CommandCatalogue.FromJson(document.RootElement);
                    Assert.Equal(requestType, Command(command).GetString("RequestType"));
                    Assert.Single(Command(command), entry => entry.Key.Equals("RequestType", StringComparison.OrdinalIgnoreCase));
                }
                catch (CommandFieldException refused)
                {
                    Assert.NotEmpty(refused.Field);
                }
            }
        }
    }

    [Fact]
    public void A_profile_with_a_wrong_type_is_sent_with_a_warning()
    {
        var payload = Inner();
        payload["AutoJoin"] = "yes";
        payload["SSID_STRING"] = "School";
        var command = FromJson(InstallProfile(With(new PlistArray { payload })));
        Assert.Equal(
            [("/payload", "PayloadContent[0].AutoJoin: Must be true or false, and is a text."), ("/payload", "PayloadContent[0].SSID_STRING: 'SSID_STRING' is not known to the catalogue. It is sent as it is.")],
            command.Warnings.Select(warning => (warning.Field, warning.Message)));
        Assert.Equal(command.Warnings, CommandCatalogue.FromProfile(With(new PlistArray { payload })).Warnings);
    }

    [Fact]
    public void A_command_of_too_many_values_is_refused()
    {
        var values = string.Join(',', Enumerable.Repeat("1", 100_001));
        Assert.Contains("100000", Assert.Throws<CommandFieldException>(() => FromJson($$"""{"requestType":"RemoveProfile","identifier":"a","x":[{{values}}]}""")).Message, StringComparison.Ordinal);
        var deep = string.Concat(Enumerable.Repeat("[", 40)) + string.Concat(Enumerable.Repeat("]", 40));
        Assert.Contains("nested", Assert.Throws<CommandFieldException>(() => FromJson($$"""{"requestType":"SecurityInfo","x":{{deep}}}""")).Message, StringComparison.Ordinal);
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

    [Theory]
    [InlineData("PayloadType")]
    [InlineData("PayloadIdentifier")]
    [InlineData("PayloadUUID")]
    [InlineData("PayloadVersion")]
    public void A_profile_that_lacks_a_key_is_refused_with_the_name_of_the_key(string key)
    {
        var root = (PlistDictionary)PlistReader.Read(Profile, PlistLimits.Admin);
        root.Remove(key);
        Refused(PlistWriter.ToBytes(root), key);
        Refused(Signed(PlistWriter.ToBytes(root)), key);

        var inner = Inner();
        inner.Remove(key);
        Refused(With(new PlistArray { inner }), $"PayloadContent[0].{key} is missing");
        Refused(With(new PlistArray { Inner(), inner }), $"PayloadContent[1].{key} is missing");
        Assert.NotNull(FromJson(InstallProfile(With(new PlistArray { Inner() }))));
    }

    [Fact]
    public void A_profile_whose_content_is_no_array_of_dictionaries_is_refused()
    {
        Refused(With(new PlistDictionary()), "PayloadContent must be an array of payloads, and is <dict>");
        Refused(With(new PlistArray { "text" }), "PayloadContent[0] must be a dictionary, and is <string>");
    }

    [Fact]
    public void A_profile_that_is_about_management_itself_is_refused()
    {
        var mdm = Inner();
        mdm["PayloadType"] = "com.apple.mdm";
        Refused(With(new PlistArray { Inner(), mdm }), "PayloadContent[1] has the PayloadType com.apple.mdm", CommandFault.EndsEnrolment);
        Refused(Signed(With(new PlistArray { mdm })), "com.apple.mdm", CommandFault.EndsEnrolment);

        var own = (PlistDictionary)PlistReader.Read(Profile, PlistLimits.Admin);
        own["PayloadIdentifier"] = FleetMdm.Protocol.Profiles.EnrolmentProfile.Identifier.ToUpperInvariant();
        Refused(PlistWriter.ToBytes(own), "the iPad's enrolment with this server", CommandFault.EndsEnrolment);

        // Marked raw, it is the administrator's own word: so certificates are renewed.
        var renewal = PlistWriter.ToBytes(new PlistDictionary { ["RequestType"] = "InstallProfile", ["Payload"] = PlistWriter.ToBytes(own) });
        Assert.Equal(PlistWriter.ToBytes(own), Command(CommandCatalogue.FromPlist(renewal, raw: true)).GetData("Payload"));

        // One that was erased is told how to enrol.
        var erase = $$$"""{"requestType":"EraseDevice","returnToService":{"enabled":true,"mdmProfileData":"{{{Convert.ToBase64String(With(new PlistArray { mdm }))}}}"}}""";
        Assert.Equal("EraseDevice", FromJson(erase).RequestType);
    }

    [Fact]
    public void A_profile_in_PEM_or_S_MIME_or_UTF_16_becomes_what_iPads_take()
    {
        var der = Signed(Profile);
        Assert.Equal(der, Installed(Encoding.ASCII.GetBytes(PemEncoding.WriteString("PKCS7", der))));
        Assert.Equal(der, Installed(Encoding.ASCII.GetBytes("\n" + PemEncoding.WriteString("CMS", der))));
        var mail = $"MIME-Version: 1.0\r\nContent-Disposition: attachment; filename=\"smime.p7m\"\r\nContent-Type: application/x-pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n{Convert.ToBase64String(der, Base64FormattingOptions.InsertLineBreaks)}\r\n";
        Assert.Equal(der, Installed(Encoding.ASCII.GetBytes(mail)));

        var xml = Encoding.UTF8.GetString(Profile);
        Assert.Equal(Profile, Installed(Encoding.UTF8.GetBytes("\r\n \n" + xml)));
        foreach (var encoding in (Encoding[])[Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            var utf16 = xml.Replace("UTF-8", "UTF-16", StringComparison.Ordinal);
            foreach (var bytes in (byte[][])[[.. encoding.GetPreamble(), .. encoding.GetBytes(utf16)], encoding.GetBytes(utf16)])
                Assert.Equal("example.school.wifi", ((PlistDictionary)PlistReader.Read(Installed(bytes), PlistLimits.Device)).GetString("PayloadIdentifier"));
        }
    }

    [Fact]
    public void What_is_no_profile_is_called_by_its_name()
    {
        Refused(Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE", Signed(Profile))), "PEM of the kind CERTIFICATE");
        Refused("-----BEGIN PKCS7-----\nAAAA"u8.ToArray(), "damaged");
        Refused("Content-Type: multipart/signed; boundary=x\n\n--x\n"u8.ToArray(), "-nodetach");
        Refused("MIME-Version: 1.0\nContent-Type: text/plain\n\nhello"u8.ToArray(), "MIME mail");
        Refused("hello"u8.ToArray(), "begins with neither");
        Refused([0x30, 0x03, 0x02, 0x01, 0x01], "neither a property list nor one signed as CMS");
        Refused("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><plist version=\"1.0\"><dict/></plist>"u8.ToArray(), "UTF-8");
    }

    [Fact]
    public void The_profile_of_a_property_list_is_looked_at_as_that_of_JSON_is()
    {
        var bad = (PlistDictionary)PlistReader.Read(Profile, PlistLimits.Admin);
        bad.Remove("PayloadUUID");
        var refused = Assert.Throws<CommandFieldException>(() => FromPlist(new PlistDictionary { ["RequestType"] = "InstallProfile", ["Payload"] = PlistWriter.ToBytes(bad) }));
        Assert.Equal(("/Payload", CommandFault.Profile), (refused.Field, refused.Fault));
        Assert.Equal("/Payload", Assert.Throws<CommandFieldException>(() => FromPlist(new PlistDictionary { ["RequestType"] = "InstallProfile" })).Field);

        // The profile itself, where a command was expected.
        var command = CommandCatalogue.FromPlist(Profile);
        Assert.Equal(("InstallProfile", false), (command.RequestType, command.Destructive));
        Assert.Equal(Profile, Command(command).GetData("Payload"));
    }

    [Theory]
    [InlineData("MakeCoffee", null)]
    [InlineData("devicelock", "DeviceLock")]
    [InlineData("DeviceLok", "DeviceLock")]
    [InlineData("DeviceLocks", "DeviceLock")]
    [InlineData("ShutDownDevise", "ShutDownDevice")]
    [InlineData("UnlockUserAccount", null)]
    public void A_request_type_that_Apple_does_not_document_is_refused_unless_it_is_raw(string requestType, string? meant)
    {
        var command = PlistWriter.ToBytes(new PlistDictionary { ["RequestType"] = requestType });
        var refused = Assert.Throws<CommandFieldException>(() => CommandCatalogue.FromPlist(command));
        Assert.Equal(("/RequestType", CommandFault.UnknownRequestType), (refused.Field, refused.Fault));
        Assert.Equal(meant is not null, refused.Message.Contains("Did you mean", StringComparison.Ordinal));
        Assert.Contains(meant is null ? "raw" : $"Did you mean {meant}?", refused.Message, StringComparison.Ordinal);
        Assert.Equal(requestType, CommandCatalogue.FromPlist(command, raw: true).RequestType);
        Assert.Equal(CommandFault.UnknownRequestType, Assert.Throws<CommandFieldException>(() => FromJson($$"""{"requestType":"{{requestType}}"}""")).Fault);
    }

    private static PlistDictionary Inner() => new()
    {
        ["PayloadType"] = "com.apple.wifi.managed",
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = "example.school.wifi.network",
        ["PayloadUUID"] = Samples.CommandUuid,
        ["SSID_STR"] = "School",
    };

    private static byte[] With(PlistNode content)
    {
        var root = (PlistDictionary)PlistReader.Read(Profile, PlistLimits.Admin);
        root["PayloadContent"] = content;
        return PlistWriter.ToBytes(root);
    }

    private static byte[] Installed(byte[] profile) => Command(FromJson(InstallProfile(profile))).GetData("Payload")!;

    private static void Refused(byte[] profile, string why, CommandFault fault = CommandFault.Profile)
    {
        var refused = Assert.Throws<CommandFieldException>(() => FromJson(InstallProfile(profile)));
        Assert.Equal(("/payload", fault), (refused.Field, refused.Fault));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_DeclarativeManagement_that_brings_tokens_of_its_own_is_refused(bool raw)
    {
        var plist = new PlistDictionary { ["RequestType"] = "DeclarativeManagement", ["Data"] = "garbage"u8.ToArray() };
        var refused = Assert.Throws<CommandFieldException>(() => CommandCatalogue.FromPlist(PlistWriter.ToBytes(plist), raw));
        Assert.Equal("/Data", refused.Field);
        Assert.Contains("Leave Data out", refused.Message, StringComparison.Ordinal);
        Assert.Equal("/data", Assert.Throws<CommandFieldException>(() => FromJson("""{"requestType":"DeclarativeManagement","data":"Z2FyYmFnZQ=="}""")).Field);
        Assert.NotNull(FromJson("""{"requestType":"DeclarativeManagement"}"""));
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
        var value = writer.Add("SecurityInfo");
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
