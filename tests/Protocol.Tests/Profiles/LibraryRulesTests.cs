using System.Text.Json;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Tests.Profiles;

/// <summary>Variables, secrets and comparison of the library's profiles: rules without a store.</summary>
public sealed class LibraryRulesTests
{
    private static PlistDictionary Profile(PlistNode value, string key = "Label") => new()
    {
        ["PayloadIdentifier"] = "org.example.a",
        ["PayloadContent"] = new PlistArray([new PlistDictionary { ["PayloadType"] = "com.apple.webClip.managed", ["PayloadIdentifier"] = "org.example.a.1", [key] = value }]),
    };

    private static PlistDictionary Payload(PlistDictionary profile) => (PlistDictionary)profile.GetArray("PayloadContent")![0];

    [Theory]
    [InlineData("{{serial}}", "X1")]
    [InlineData("{{ SERIAL }}-{{serial}}", "X1-X1")]
    [InlineData("{{serial}", "{{serial}")]
    [InlineData("{ {serial}}", "{ {serial}}")]
    [InlineData("{{{serial}}}", "{X1}")]
    [InlineData("{{name}}", "{{serial}} </string>&amp;")]
    [InlineData("plain", "plain")]
    public void A_variable_becomes_its_value_and_nothing_else_changes(string text, string expected)
    {
        var values = new Dictionary<string, string?> { ["serial"] = "X1", ["name"] = "{{serial}} </string>&amp;" };
        var expanded = ProfileVariables.Expand(Profile(text), values, out var missing)!;
        Assert.Empty(missing);
        // As an iPad reads it.
        Assert.Equal(expected, Payload(PlistReader.ReadDictionary(PlistWriter.ToBytes(expanded), PlistLimits.Admin)).GetString("Label"));
    }

    [Fact]
    public void Payloads_are_counted_before_anything_is_made_for_each()
    {
        var root = new PlistDictionary
        {
            ["PayloadIdentifier"] = "org.example.many",
            ["PayloadContent"] = new PlistArray([.. Enumerable.Range(0, 500_000).Select(_ => new PlistDictionary { ["PayloadType"] = "com.apple.webClip.managed" })]),
        };

        // Whoever made the names first would be at it for hours: each differs from those before it.
        var refused = Assert.Throws<LibraryProfileException>(() => LibraryProfile.OfBuilt(root, "B1F1D4D2-1D0A-4B4E-9B53-0D3B1F5E7A11", new ProfileRules { Now = DateTimeOffset.UnixEpoch }));

        Assert.Equal("There are 500000 payloads; at most 250 are taken.", refused.Message);
    }

    [Fact]
    public void Empty_values_are_named_and_characters_that_XML_cannot_carry_are_left_out()
    {
        var values = new Dictionary<string, string?> { ["serial"] = " ", ["name"] = "a\u0001b\ud800c\ufffe" };
        Assert.Null(ProfileVariables.Expand(Profile("{{serial}} {{asset tag}} {{serial}}"), values, out var missing));
        Assert.Equal(["serial", "asset tag"], missing);
        Assert.Equal("abc", Payload(ProfileVariables.Expand(Profile("{{name}}"), values, out _)!).GetString("Label"));
    }

    [Theory]
    [InlineData("Label", "{{shoe size}}", true)]
    [InlineData("Label", "{{}}", false)]
    [InlineData("Label", "{{serial}}", false)]
    [InlineData("PayloadUUID", "{{serial}}", true)]
    public void Variables_that_nobody_knows_or_that_stand_where_none_can_are_named_with_their_place(string key, string text, bool wrong)
    {
        var faults = ProfileVariables.FaultsOf(Profile(text, key));
        Assert.Equal(wrong ? [$"PayloadContent[0].{key}"] : [], faults.Select(fault => fault.Path));
    }

    [Fact]
    public void Every_secret_of_Apples_payloads_is_known_as_one()
    {
        string[] secrets =
        [
            "AttachAPN/Password", "AuthPassword", "CalDAVPassword", "CardDAVPassword", "CertificatePassword", "HTTPProxyPassword", "IncomingPassword", "LDAPAccountPassword", "OutgoingPassword",
            "Password", "PayloadContent/Challenge", "ProxyPassword", "RemovalPassword", "SharedSecret", "SubCalAccountPassword", "UserPassword", "XAuthPassword",
        ];
        foreach (var name in secrets.Select(path => path[(path.LastIndexOf('/') + 1)..]))
        {
            var profile = Profile("secret", name);
            Assert.True(ProfileSecrets.Has(profile), name);
            Assert.Equal(SecretAnswers.Hidden, Payload(ProfileSecrets.Hide(profile)).GetString(name));
        }

        foreach (var (name, value) in new (string, PlistNode)[] { ("allowPasswordSharing", false), ("OAuthTokenRequestURL", "https://a"), ("EncryptionType", "WPA2"), ("Label", "Password"), ("forcePIN", true) })
            Assert.False(ProfileSecrets.Has(Profile(value, name)), name);
    }

    [Theory]
    [InlineData("com.apple.security.pkcs12", true)]
    [InlineData("com.example.unknown", true)]
    [InlineData("com.apple.security.root", false)]
    [InlineData("com.apple.security.pem", false)]
    public void A_key_in_a_file_is_a_secret_and_a_certificate_is_none(string type, bool secret)
    {
        var profile = new PlistDictionary
        {
            ["PayloadContent"] = new PlistArray([new PlistDictionary { ["PayloadType"] = type, ["PayloadContent"] = new byte[] { 1, 2, 3 } }]),
        };
        Assert.Equal(secret, ProfileSecrets.Has(profile));
    }

    private static PlistDictionary OfXml(string payload, string type = "com.vendor.app") => PlistReader.ReadDictionary(System.Text.Encoding.UTF8.GetBytes(
        $"<plist><dict><key>PayloadContent</key><array><dict><key>PayloadType</key><string>{type}</string>{payload}</dict></array></dict></plist>"), PlistLimits.Admin);

    private static JsonElement Shown(PlistDictionary profile)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) PlistJson.Write(writer, ProfileSecrets.Hide(profile));
        using var document = JsonDocument.Parse(stream.ToArray());
        return document.RootElement.Clone();
    }

    [Theory]
    [InlineData("com.apple.relay.managed", "<key>Relays</key><array><dict><key>AdditionalHTTPHeaderFields</key><dict><key>Authorization</key><string>TOP</string><key>Via</key><string>TOP</string><key>N</key><integer>4711</integer><key>L</key><array><string>TOP</string></array></dict></dict></array>")]
    [InlineData("com.apple.relay.managed", "<key>Relays</key><array><dict><key>AdditionalHTTPHeaderFields</key><array><string>Via: TOP</string></array></dict></array>")]
    [InlineData("com.apple.wifi.managed", "<key>Password</key><integer>4711</integer>")]
    [InlineData("com.apple.wifi.managed", "<key>Password</key><real>4711.5</real>")]
    [InlineData("com.apple.wifi.managed", "<key>Password</key><array><string>TOP</string></array>")]
    [InlineData("com.apple.wifi.managed", "<key>Password</key><dict><key>a</key><string>TOP</string></dict>")]
    [InlineData("com.apple.airplay", "<key>Passwords</key><array><string>TOP</string></array>")]
    [InlineData("com.apple.security.pkcs12", "<key>PayloadContent</key><string>TOP</string>")]
    [InlineData("com.vendor.app", "<key>PIN</key><integer>4711</integer>")]
    [InlineData("com.apple.vpn.managed", "<key>VendorConfig</key><dict><key>passphrase</key><string>TOP</string><key>Pwd</key><string>TOP</string><key>api_key</key><string>TOP</string></dict>")]
    [InlineData("com.apple.vpn.managed", "<key>VendorConfig</key><dict><key>licenseKey</key><string>TOP</string><key>license</key><string>TOP</string><key>Authorization</key><string>TOP</string></dict>")]
    [InlineData("com.vendor.app", "<key>auth</key><string>TOP</string><key>key</key><string>TOP</string><key>Passwords</key><array><string>TOP</string></array><key>Secrets</key><array><dict><key>a</key><string>TOP</string></dict></array>")]
    [InlineData("com.vendor.app", "<key>options</key><array><dict><key>name</key><string>apiKey</string><key>value</key><string>TOP</string></dict></array>")]
    [InlineData("com.vendor.app", "<key>note</key><string>-----BEGIN PRIVATE KEY-----TOP</string><key>list</key><array><string>Bearer TOP</string></array>")]
    [InlineData("com.apple.webClip.managed", "<key>URL</key><string>https://user:TOP@x/a</string>")]
    [InlineData("com.apple.webClip.managed", "<key>URL</key><string>https://user:T/TOP@x/a</string>")]
    [InlineData("com.apple.webClip.managed", "<key>URL</key><string>https://x/?a=1&amp;access_token=TOP&amp;b=2</string>")]
    [InlineData("com.apple.vpn.managed", "<key>VendorConfig</key><dict><key>pw</key><string>TOP</string><key>Label</key><string>TOP</string><key>n</key><integer>1</integer><key>cert</key><data>VE9Q</data></dict>")]
    [InlineData("com.apple.vpn.managed", "<key>VPN</key><dict><key>VendorConfig</key><dict><key>a</key><dict><key>seed</key><string>TOP</string></dict><key>b</key><array><string>TOP</string><integer>1</integer></array><key>c</key><array><dict><key>d</key><string>TOP</string></dict></array></dict></dict>")]
    [InlineData("com.apple.webcontent-filter", "<key>VendorConfig</key><dict><key>conf</key><string>{\"password\": \"TOP\"}</string></dict>")]
    [InlineData("com.apple.dnsProxy.managed", "<key>ProviderConfiguration</key><dict><key>otp</key><string>TOP</string></dict>")]
    [InlineData("com.apple.extensiblesso", "<key>ExtensionData</key><dict><key>jwt</key><string>TOP</string></dict>")]
    [InlineData("com.vendor.app", "<key>settings</key><string> [{\"otp\": \"TOP\"}]</string>")]
    [InlineData("com.apple.webClip.managed", "<key>URL</key><string>https://x/a?pw=TOP</string>")]
    [InlineData("com.apple.webClip.managed", "<key>URL</key><string>https://x/a?page=1&amp;sig=TOP</string>")]
    [InlineData("com.apple.webClip.managed", "<key>URL</key><string>https://x/a#code=TOP</string>")]
    [InlineData("com.apple.airprint", "<key>AirPrint</key><array><dict><key>ResourcePath</key><string>ipp://u:TOP@x</string></dict></array>")]
    public void A_secret_is_hidden_whatever_its_type_and_wherever_it_stands_and_comes_back(string type, string payload)
    {
        var before = OfXml(payload, type);
        var shown = Shown(before);
        Assert.True(ProfileSecrets.Has(before));
        Assert.DoesNotContain("TOP", shown.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("4711", shown.GetRawText(), StringComparison.Ordinal);
        var back = ProfileSecrets.Reveal(shown, before).GetRawText();
        Assert.Matches("TOP|4711", back);
        Assert.DoesNotContain(SecretAnswers.Hidden, back, StringComparison.Ordinal);
        // As the file of somebody who copied it from the console.
        Assert.NotEmpty(ProfileSecrets.Marks(ProfileSecrets.Hide(before)));
        Assert.Empty(ProfileSecrets.Marks(before));
    }

    [Theory]
    [InlineData("com.apple.webClip.managed", "<key>URL</key><string>https://host:8443/@name?page=1</string><key>Label</key><string>(hidden)</string>")]
    [InlineData("com.apple.applicationaccess", "<key>allowPasswordSharing</key><true/><key>safariAcceptCookies</key><real>2</real>")]
    [InlineData("com.apple.security.scep", "<key>PayloadContent</key><dict><key>Key Type</key><string>RSA</string><key>Keysize</key><integer>2048</integer></dict>")]
    [InlineData("com.apple.relay.managed", "<key>Relays</key><array><dict><key>AdditionalHTTPHeaderFields</key><dict/><key>RawPublicKeys</key><array><data>AAAA</data></array></dict></array>")]
    [InlineData("com.apple.webClip.managed", "<key>URL</key><string>https://x/a?lang=sv&amp;page=12&amp;serial={{serial}}&amp;wide=true</string>")]
    [InlineData("com.apple.vpn.managed", "<key>VendorConfig</key><dict><key>port</key><integer>443</integer><key>on</key><true/><key>list</key><array><integer>1</integer></array><key>none</key><string></string></dict>")]
    [InlineData("com.vendor.app", "<key>a</key><string>{{serial}}</string><key>b</key><string>[1, 2]</string><key>c</key><string>{not JSON</string>")]
    [InlineData("com.vendor.app", "<key>Password</key><string></string><key>usePassword</key><true/><key>server</key><string>a@b.example</string>")]
    public void What_is_no_secret_is_shown(string type, string payload)
    {
        Assert.False(ProfileSecrets.Has(OfXml(payload, type)));
        Assert.Empty(ProfileSecrets.Marks(OfXml(payload, type)));
    }

    [Fact]
    public void Of_Apples_keys_only_those_that_hold_secrets_are_taken_for_some()
    {
        var odd = AppleCatalogue.Instance.Payloads.Values.SelectMany(variants => variants).SelectMany(type => type.Keys).SelectMany(All)
            .Where(key => key.Type is not (KeyType.String or KeyType.Data or KeyType.Boolean) && ProfileSecrets.IsSecretName(key.Name)).Select(key => key.Name).Distinct();
        Assert.Equal(["Passwords"], odd);

        static IEnumerable<CatalogueKey> All(CatalogueKey key) => key.Name == "" || key.Path.Count(letter => letter == '/') > 8 ? [] : [key, .. key.Keys.SelectMany(All), .. (key.Item?.Keys ?? KeySet.Empty).SelectMany(All)];
    }

    private const string TwoNetworks =
        """{"PayloadIdentifier": "a", "PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "A", "Password": "passwordA"}, {"PayloadType": "com.apple.wifi.managed", "SSID_STR": "B", "Password": "passwordB"}]}""";

    private static PlistDictionary Networks()
    {
        var profile = ProfileJson.Read(JsonDocument.Parse(TwoNetworks).RootElement, null);
        var number = 0;
        foreach (var payload in profile.GetArray("PayloadContent")!.Cast<PlistDictionary>())
        {
            payload["PayloadIdentifier"] = $"a.managed.{++number}";
            payload["PayloadUUID"] = $"U{number}";
        }

        return profile;
    }

    [Theory]
    [InlineData("""{"SSID_STR": "B"}, {"SSID_STR": "A"}""", "B passwordB, A passwordA")]
    [InlineData("""{"SSID_STR": "B"}""", "B passwordB")]
    [InlineData("""{"SSID_STR": "A", "PayloadUUID": "u2"}""", "A passwordB")]
    [InlineData("""{"SSID_STR": "C", "PayloadIdentifier": "a.managed.2"}, {"SSID_STR": "A"}""", "C passwordB, A passwordA")]
    [InlineData("""{"SSID_STR": "C"}, {"SSID_STR": "B"}""", null)]
    [InlineData("""{"SSID_STR": "C"}""", null)]
    [InlineData("""{"SSID_STR": "A"}, {"SSID_STR": "A"}""", null)]
    [InlineData("""{"SSID_STR": "A", "PayloadIdentifier": "a.managed.1", "PayloadUUID": "U2"}""", null)]
    [InlineData("""{"SSID_STR": "A", "PayloadIdentifier": "other"}""", null)]
    public void A_hidden_secret_stays_with_its_payload_or_is_asked_for_again(string payloads, string? expected)
    {
        var json = JsonDocument.Parse($$"""{"PayloadContent": [{{payloads.Replace("\"SSID", "\"PayloadType\": \"com.apple.wifi.managed\", \"Password\": \"(hidden)\", \"SSID", StringComparison.Ordinal)}}]}""").RootElement;
        if (expected is null)
        {
            Assert.Contains("Type the secret again", Assert.Throws<CommandFieldException>(() => ProfileJson.Read(json, Networks())).Message, StringComparison.Ordinal);
            return;
        }

        var after = ProfileJson.Read(json, Networks()).GetArray("PayloadContent")!.Cast<PlistDictionary>();
        Assert.Equal(expected, string.Join(", ", after.Select(payload => $"{payload.GetString("SSID_STR")} {payload.GetString("Password")}")));
    }

    [Theory]
    [InlineData("A:1 A:2 A:3", "A A A", "1 2 3")]
    [InlineData("A:1 A:2 A:3", "A A", null)]
    [InlineData("A:1 A:1 A:1", "A A", "1 1")]
    [InlineData("A:1 B:2 C:3", "C A", "3 1")]
    [InlineData("A:1 B:2", "A C", null)]
    [InlineData("A:1", "C", "1")]
    [InlineData("A:1", "C D", null)]
    public void Items_of_a_list_keep_their_secrets_where_it_is_certain(string before, string sent, string? expected)
    {
        static PlistDictionary Of(IEnumerable<string> items) => new()
        {
            ["PayloadContent"] = new PlistArray([new PlistDictionary
            {
                ["PayloadType"] = "com.apple.airplay", ["PayloadIdentifier"] = "a.1",
                ["Passwords"] = new PlistArray(items.Select(item => new PlistDictionary { ["DeviceName"] = item.Split(':')[0], ["Password"] = item.Split(':')[1] })),
            }]),
        };
        var json = Shown(Of(sent.Split(' ').Select(name => name + ":(hidden)")));
        if (expected is null)
            Assert.Contains("Type the secret again", Assert.Throws<CommandFieldException>(() => ProfileJson.Read(json, Of(before.Split(' ')))).Message, StringComparison.Ordinal);
        else
            Assert.Equal(expected, string.Join(' ', Payload(ProfileJson.Read(json, Of(before.Split(' ')))).GetArray("Passwords")!.Cast<PlistDictionary>().Select(item => item.GetString("Password"))));
    }

    [Fact]
    public void The_secret_of_an_address_does_not_move_to_another_host()
    {
        var before = OfXml("<key>URL</key><string>https://user:TOP@x/a</string>", "com.apple.webClip.managed");
        var moved = JsonDocument.Parse(Shown(before).GetRawText().Replace("@x/", "@evil.example/", StringComparison.Ordinal)).RootElement;
        Assert.Contains("Type it again", Assert.Throws<CommandFieldException>(() => ProfileJson.Read(moved, before)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_shown_and_sent_back_is_what_was_there()
    {
        var before = new PlistDictionary
        {
            ["PayloadIdentifier"] = "org.example.a",
            ["PayloadContent"] = new PlistArray([new PlistDictionary
            {
                ["PayloadType"] = "com.apple.security.pkcs12",
                ["PayloadIdentifier"] = "org.example.a.1",
                ["PayloadUUID"] = "U",
                ["PayloadVersion"] = 1,
                ["PayloadContent"] = new byte[] { 9, 8, 7 },
                ["Password"] = "pw",
                ["unknownReal"] = new PlistReal(2),
                ["unknownDate"] = new DateTimeOffset(2030, 5, 6, 7, 8, 9, TimeSpan.Zero),
            }]),
        };
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) PlistJson.Write(writer, ProfileSecrets.Hide(before));
        using var shown = JsonDocument.Parse(stream.ToArray());
        Assert.Equal(SecretAnswers.Hidden, shown.RootElement.GetProperty("PayloadContent")[0].GetProperty("PayloadContent").GetString());

        var after = ProfileJson.Read(shown.RootElement, before);
        Assert.Empty(ProfileComparison.Of(before, after));
        var wrong = Assert.Throws<CommandFieldException>(() => ProfileJson.Read(shown.RootElement, before: null));
        Assert.Contains("/PayloadContent/0/", wrong.Field);
    }

    [Fact]
    public void A_comparison_knows_payloads_by_their_identifiers_whatever_their_order_is()
    {
        static PlistDictionary Of(params (string Name, string Label)[] payloads) => new()
        {
            ["PayloadUUID"] = Guid.NewGuid().ToString(),
            ["PayloadContent"] = new PlistArray(payloads.Select(payload => new PlistDictionary { ["PayloadIdentifier"] = payload.Name, ["Label"] = payload.Label })),
        };
        var differences = ProfileComparison.Of(Of(("a", "1"), ("b", "2"), ("c", "3")), Of(("c", "3"), ("a", "9"), ("d", "4")));
        Assert.Equal(
            ["PayloadContent[a].Label", "PayloadContent[d]", "PayloadContent[b]"], differences.Select(difference => difference.Path));
        Assert.Equal((null, true), (differences[1].From, differences[2].To is null));
    }

    [Fact]
    public void A_template_is_known_by_its_beginning_and_a_damaged_one_ends_in_words()
    {
        var template = ProfileCommand.Template(PlistWriter.ToBytes(Profile("{{serial}}")));
        Assert.True(ProfileCommand.IsTemplate(template));
        Assert.False(ProfileCommand.IsTemplate(ProfileCommand.WithProfile([1])));
        Assert.False(ProfileCommand.IsTemplate(RenewalCommand.Stored));
        Assert.NotNull(ProfileCommand.Expand(template, new Dictionary<string, string?> { ["serial"] = "1" }, out var problem));
        Assert.Null(problem);
        Assert.Null(ProfileCommand.Expand(template, new Dictionary<string, string?>(), out problem));
        Assert.Contains("{{serial}}", problem);
        foreach (var damaged in (byte[][])[template[..^20], ProfileCommand.Template([1, 2]), ProfileCommand.Template([])])
        {
            Assert.Null(ProfileCommand.Expand(damaged, new Dictionary<string, string?>(), out problem));
            Assert.NotNull(problem);
        }
    }
}
