using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CsCheck;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Protocol.Tests.Plist;

namespace FleetMdm.Protocol.Tests.Profiles;

/// <summary>Each kind of profile in docs/profile-checks.md, with its answer. The tables are read from there: a row without a file, or a file without a row, fails.</summary>
public sealed class ProfileInspectionTests
{
    private static readonly DateTimeOffset Now = new(2027, 3, 1, 8, 0, 0, TimeSpan.Zero);

    private static readonly ProfileRules Rules = new() { Now = Now };

    private static readonly X509Certificate2 Signer = SelfSigned("School District", Now.AddYears(-1), Now.AddYears(5));

    private static readonly byte[] Pkcs12 = Signer.ExportPkcs12(Pkcs12ExportPbeParameters.Pkcs12TripleDesSha1, "secret");

    private static readonly byte[] OldPkcs12 = OldIdentity();

    private static readonly byte[] Plain = PlistWriter.ToBytes(Profile(Wifi()));

    public static TheoryData<string, string, string> Files => Table("## Kinds of files");

    public static TheoryData<string, string, string> Profiles => Table("## Kinds of profiles");

    private static Dictionary<string, byte[][]> KindsOfFiles => new()
    {
        ["XML, a binary property list, UTF-16, a byte order mark, spaces before the XML"] =
        [
            Plain, BinaryPlistWriter.Write(Profile(Wifi())), [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Text(Plain).Replace("UTF-8", "UTF-16", StringComparison.Ordinal))],
            [.. Encoding.UTF8.GetPreamble(), .. Plain], [.. "\r\n  "u8, .. Plain],
        ],
        ["signed: DER, PEM or S/MIME"] =
        [
            Signed(Plain), Encoding.ASCII.GetBytes(PemEncoding.WriteString("PKCS7", Signed(Plain))),
            Encoding.ASCII.GetBytes($"MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n{Convert.ToBase64String(Signed(Plain))}\r\n"),
        ],
        ["signed by nobody that is known"] = [Signed(Plain)],
        ["the signer's certificate has ended"] = [Signed(Plain, SelfSigned("Old", Now.AddYears(-3), Now.AddDays(-1)))],
        ["changed after it was signed"] = [Changed(Signed(Plain))],
        ["the form of a signed profile, without a signer"] = [WithoutSigner(Plain)],
        ["broken: XML that ends in the middle"] = [Plain[..(Plain.Length / 2)], Signed(Plain[..(Plain.Length / 2)])],
        ["empty"] = [[]],
        ["larger than 4 MB"] = [new byte[4 * 1024 * 1024 + 1]],
        ["JSON"] = ["""{"PayloadType": "Configuration"}"""u8.ToArray(), " [1]"u8.ToArray()],
        ["something else: a certificate, a ZIP archive, a mail"] =
            [Signer.RawData, Encoding.ASCII.GetBytes(Signer.ExportCertificatePem()), "PK\u0003\u0004"u8.ToArray(), "MIME-Version: 1.0\nContent-Type: text/plain\n\nhello"u8.ToArray(), "hello"u8.ToArray()],
        ["a signature that stands beside the profile"] = ["Content-Type: multipart/signed; boundary=x\n\n--x\n"u8.ToArray(), Signed(Plain, detached: true)],
        ["signed twice"] = [Signed(Signed(Plain)), Signed(Encoding.ASCII.GetBytes(PemEncoding.WriteString("CMS", Signed(Plain)))), Signed("MIME-Version: 1.0\r\n\r\nx"u8.ToArray())],
        ["encrypted as a whole"] = [Enveloped(Plain), Signed(Enveloped(Plain))],
        ["encrypted for one iPad (EncryptedPayloadContent)"] = [PlistWriter.ToBytes(Encrypted())],
    };

    private static Dictionary<string, PlistDictionary> KindsOfProfiles => new()
    {
        ["PayloadType of the profile is not Configuration"] = With(Profile(Wifi()), "PayloadType", "com.apple.wifi.managed"),
        ["a Profile Service"] = With(Profile(), "PayloadType", "Profile Service"),
        ["PayloadContent is no list of payloads"] = With(Profile(), "PayloadContent", new PlistDictionary()),
        ["no PayloadContent"] = Without(Profile(), "PayloadContent"),
        ["an empty PayloadContent"] = Profile(),
        ["PayloadUUID is missing"] = Without(Profile(Without(Wifi(), "PayloadUUID")), "PayloadUUID"),
        ["PayloadVersion is missing"] = Profile(Without(Wifi(), "PayloadVersion")),
        ["PayloadIdentifier is missing"] = Without(Profile(Wifi()), "PayloadIdentifier"),
        ["more than 250 payloads"] = Profile([.. Enumerable.Range(1, 251).Select(number => Wifi(number))]),
        ["a secret that is only (hidden)"] = Profile(Wifi(1, ("Password", "(hidden)"))),
        ["two payloads with the same PayloadUUID"] = Profile(Wifi(1), With(Wifi(2), "PayloadUUID", Uuid(1).ToLowerInvariant())),
        ["two payloads with the same PayloadIdentifier"] = Profile(Wifi(1), With(Wifi(2), "PayloadIdentifier", "example.school.1")),
        ["two payloads where one may stand"] = Profile(Lock(1), Lock(2)),
        ["a payload for another management server (com.apple.mdm)"] = Profile(Wifi(1), Of("com.apple.mdm", 2)),
        ["the identifier of the enrolment profile"] = With(Profile(Wifi()), "PayloadIdentifier", "COM.fleetmdm.enrolment"),
        ["the identifier of another profile of this server"] = With(Profile(Wifi()), "PayloadIdentifier", EnrolmentProfile.TrustIdentifier),
        ["RemovalDate has passed"] = With(Profile(Wifi()), "RemovalDate", Now.AddMinutes(-1)),
        ["DurationUntilRemoval is 0"] = With(Profile(Wifi()), "DurationUntilRemoval", 0),
        ["PayloadExpirationDate has passed"] = With(Profile(Wifi()), "PayloadExpirationDate", Now.AddMinutes(-1)),
        ["TargetDeviceType of a Mac"] = With(Profile(Wifi()), "TargetDeviceType", 5),
        ["PayloadRemovalDisallowed"] = With(Profile(Wifi()), "PayloadRemovalDisallowed", true),
        ["a payload for the Mac"] = Profile(Of("com.apple.MCX.FileVault2")),
        ["a payload type that nobody knows"] = Profile(Of("com.apple.wifi.manged")),
        ["a key that nobody knows"] = Profile(Wifi(1, ("SSID_STRING", "School"))),
        ["a key of the wrong type"] = Profile(Wifi(1, ("AutoJoin", "yes"))),
        ["a value out of range"] = Profile(Of("com.apple.mobiledevice.passwordpolicy", 1, ("minLength", 99))),
        ["a required key is missing"] = Profile(Of("com.apple.airprint")),
        ["a payload for supervised iPads"] = Profile(Lock(1)),
        ["keys for supervised iPads"] = Profile(Restrictions(("allowAirDrop", false))),
        ["a key that Apple gave up"] = Profile(Restrictions(("forceITunesStorePasswordEntry", true))),
        ["a key that newer iPads do not know"] = Profile(Restrictions(("forceDelayedSoftwareUpdates", true))),
        ["a payload that newer iPads do not know"] = Profile(Of("com.apple.osxserver.account", 1, ("HostName", "a.example"), ("UserName", "a"), ("ConfiguredAccounts", new PlistArray()))),
        ["a Wi-Fi network without a name"] = Profile(Without(Wifi(), "SSID_STR")),
        ["a Wi-Fi network without its password"] = Profile(Without(Wifi(), "Password")),
        ["a Wi-Fi password that is too short"] = Profile(Wifi(1, ("Password", "short"))),
        ["EAP-TLS without an identity"] = Profile(Wifi(1, ("EAPClientConfiguration", EapTls()))),
        ["the identity of a Wi-Fi network is not in the profile"] = Profile(Wifi(1, ("EAPClientConfiguration", EapTls()), ("PayloadCertificateUUID", Uuid(9)))),
        ["the identity of a Wi-Fi network has no private key"] =
            Profile(Wifi(1, ("EAPClientConfiguration", EapTls()), ("PayloadCertificateUUID", Uuid(2))), Root(2, Signer.RawData)),
        ["the identity of a VPN is not in the profile"] = Profile(Vpn(("PayloadCertificateUUID", Uuid(9)))),
        ["a VPN without the settings of its type"] = Profile(Without(Vpn(), "IKEv2")),
        ["a VPN by certificate without an identity"] = Profile(Vpn()),
        ["a VPN that is always on"] = Profile(With(With(Without(Vpn(), "IKEv2"), "VPNType", "AlwaysOn"), "AlwaysOn",
            new PlistDictionary { ["TunnelConfigurations"] = new PlistArray { new PlistDictionary { ["ProtocolType"] = "IKEv2" } } })),
        ["an account for a per-app VPN that is not in the profile"] = Profile(Of("com.apple.caldav.account", 1, ("CalDAVHostName", "a.example"), ("VPNUUID", Uuid(9)))),
        ["a global proxy"] = Profile(Of("com.apple.proxy.http.global", 1, ("ProxyServer", "a.example"), ("ProxyServerPort", 8080))),
        ["a global proxy without its server"] = Profile(Of("com.apple.proxy.http.global")),
        ["a content filter by an app, without the app"] = Profile(Of("com.apple.webcontent-filter", 1, ("FilterType", "Plugin"))),
        ["a web clip without an address"] = Profile(Without(WebClip(), "URL")),
        ["a web clip whose address is none"] = Profile(With(WebClip(), "URL", "school")),
        ["a web clip whose icon is no picture"] = Profile(With(WebClip(), "Icon", "GIF89a"u8.ToArray())),
        ["a font that is none"] = Profile(Of("com.apple.font", 1, ("Font", "ttcf"u8.ToArray()))),
        ["a certificate that cannot be read"] = Profile(Root(1, [1, 2, 3])),
        ["a certificate that has ended"] = Profile(Root(1, SelfSigned("Old", Now.AddYears(-3), Now.AddDays(-1)).RawData)),
        ["a PKCS #12 file with a wrong password"] = Profile(Identity(1, Pkcs12, "guess")),
        ["a PKCS #12 file without its password"] = Profile(Identity(1, Pkcs12, null)),
        ["a PKCS #12 file that is none"] = Profile(Identity(1, [1, 2, 3], "secret")),
        ["a PKCS #12 file whose certificate has ended"] = Profile(Identity(1, OldPkcs12, "secret")),
        ["the identity of an Exchange account with a wrong password"] = Profile(Of("com.apple.eas.account", 1, ("Host", "a.example"), ("Certificate", Pkcs12), ("CertificatePassword", "guess"))),
        ["a restriction that shuts out Apple Configurator"] = Profile(Restrictions(("allowHostPairing", false))),
        ["a restriction that shuts out Classroom"] = Profile(Restrictions(("allowScreenShot", false))),
        ["a restriction that nobody can undo on the iPad"] = Profile(Restrictions(("allowEraseContentAndSettings", false))),
        ["only networks from profiles, and no network"] = Profile(Restrictions(("forceWiFiToAllowedNetworksOnly", true))),
        ["a list of apps without Settings"] = Profile(Restrictions(("allowListedAppBundleIDs", PlistArray.OfStrings(["com.apple.mobilesafari"])))),
        ["App Lock without touch"] = Profile(Of("com.apple.app.lock", 1, ("App", new PlistDictionary { ["Identifier"] = "com.apple.calculator", ["Options"] = new PlistDictionary { ["DisableTouch"] = true } }))),
        ["an iPad that erases itself after wrong passcodes"] = Profile(Of("com.apple.mobiledevice.passwordpolicy", 1, ("maxFailedAttempts", 5))),
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_of_each_kind_gets_its_answer(string kind, string answer, string code)
    {
        Assert.All(KindsOfFiles[kind], file =>
        {
            var rules = kind == "signed: DER, PEM or S/MIME" ? Rules with { KnownIssuers = [Signer.RawData] } : Rules;
            Expect(ProfileInspection.OfFile(file, rules), answer, code);
        });
    }

    [Theory]
    [MemberData(nameof(Profiles))]
    public void A_profile_of_each_kind_gets_its_answer_uploaded_or_built(string kind, string answer, string code)
    {
        if (kind == "PayloadUUID is missing in a signed profile")
        {
            Expect(ProfileInspection.OfFile(Signed(PlistWriter.ToBytes(Profile(Without(Wifi(), "PayloadUUID")))), Rules), answer, code);
            return;
        }

        var profile = KindsOfProfiles[kind];
        Expect(ProfileInspection.OfFile(PlistWriter.ToBytes(profile), Rules), answer, code);
        Expect(ProfileInspection.OfProfile(profile, Rules), answer, code);
    }

    [Fact]
    public void Each_kind_stands_in_the_tables_and_each_code_is_explained()
    {
        Assert.Equal(KindsOfFiles.Keys.Order(), Files.Select(row => row.Data.Item1).Order());
        Assert.Equal(KindsOfProfiles.Keys.Append("PayloadUUID is missing in a signed profile").Order(), Profiles.Select(row => row.Data.Item1).Order());
        var codes = typeof(ProfileCodes).GetFields().Select(field => (string)field.GetValue(null)!);
        Assert.Empty(codes.Except([.. Files.Select(row => row.Data.Item3), .. Profiles.Select(row => row.Data.Item3)]));
    }

    [Fact]
    public void A_profile_that_is_right_has_no_findings_and_says_what_is_in_it()
    {
        var profile = With(With(Profile(Wifi()), "PayloadDisplayName", "School Wi-Fi"), "RemovalDate", Now.AddDays(1));
        var inspection = ProfileInspection.OfFile(PlistWriter.ToBytes(profile), Rules);
        Assert.Empty(inspection.Findings);
        Assert.Equal(("example.school", "School Wi-Fi", Now.AddDays(1), false, false), (inspection.Identifier, inspection.Name, inspection.RemovalDate, inspection.RemovalDisallowed, inspection.NeedsSupervision));
        var payload = Assert.Single(inspection.Payloads);
        Assert.Equal(("com.apple.wifi.managed", CatalogueTexts.English.Payload("com.apple.wifi.managed").Label, true), (payload.Type, payload.Label, payload.Known));
        Assert.Equal(["SSID_STR", "EncryptionType", "Password"], payload.Keys);
        Assert.Null(inspection.Signature);
    }

    [Fact]
    public void A_signed_profile_is_kept_to_the_byte_and_its_signer_is_named()
    {
        var signed = Signed(Plain);
        var inspection = ProfileInspection.OfFile(Encoding.ASCII.GetBytes(PemEncoding.WriteString("CMS", signed)), Rules with { KnownIssuers = [Signer.RawData] });
        Assert.Equal(signed, inspection.Bytes);
        Assert.Equal(new ProfileSignature("School District", true, true, Signer.NotAfter.ToUniversalTime()), inspection.Signature);
        Assert.Empty(inspection.Findings);
    }

    [Fact]
    public void A_signer_is_known_when_a_known_certificate_issued_its_own()
    {
        using var ca = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=District CA", ca, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = request.CreateSelfSigned(Now.AddYears(-1), Now.AddYears(5));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = new CertificateRequest("CN=Profiles", key, HashAlgorithmName.SHA256).Create(root, Now.AddDays(-1), Now.AddYears(1), [1, 2, 3]).CopyWithPrivateKey(key);
        var inspection = ProfileInspection.OfFile(Signed(Plain, issued), Rules with { KnownIssuers = [Signer.RawData, root.RawData] });
        Assert.True(inspection.Signature!.IsKnown);
        Assert.False(ProfileInspection.OfFile(Signed(Plain, issued), Rules with { KnownIssuers = [Signer.RawData] }).Signature!.IsKnown);
    }

    [Fact]
    public void UUIDs_that_are_made_are_the_same_for_the_same_content_and_differ_for_another()
    {
        static ProfileInspection Look(string ssid) =>
            ProfileInspection.OfFile(PlistWriter.ToBytes(Without(Profile(Without(Wifi(1, ("SSID_STR", ssid)), "PayloadUUID"), Without(Wifi(2), "PayloadUUID")), "PayloadUUID")), Rules);
        var (first, again, other) = (Look("a"), Look("a"), Look("b"));
        Assert.Equal(first.Bytes, again.Bytes);
        Assert.NotEqual(first.Uuid, other.Uuid);
        Assert.Equal(3, new[] { first.Uuid, first.Payloads[0].Uuid, first.Payloads[1].Uuid }.Distinct().Count());
        Assert.All(first.Payloads, payload => Assert.True(Guid.TryParseExact(payload.Uuid, "D", out _)));
        // What was made stands in what is installed.
        Assert.Equal(first.Uuid, ProfileInspection.OfFile(first.Bytes, Rules).Uuid);
        Assert.Empty(ProfileInspection.OfFile(first.Bytes, Rules).Findings);
    }

    [Fact]
    public void Somebody_who_sends_a_profile_once_is_refused_only_what_is_none_or_ends_the_enrolment()
    {
        var command = new ProfileRules { Use = ProfileUse.Command };
        var refused = Profiles.Select(row => row.Data).Where(row => KindsOfProfiles.ContainsKey(row.Item1) && ProfileInspection.OfFile(PlistWriter.ToBytes(KindsOfProfiles[row.Item1]), command).IsRefused);
        Assert.Equal(
            [
                "PayloadType of the profile is not Configuration", "a Profile Service", "PayloadContent is no list of payloads", "PayloadUUID is missing", "PayloadVersion is missing",
                "PayloadIdentifier is missing", "a secret that is only (hidden)", "a payload for another management server (com.apple.mdm)", "the identifier of the enrolment profile",
            ],
            refused.Select(row => row.Item1));
        var erased = ProfileInspection.OfFile(PlistWriter.ToBytes(Profile(Of("com.apple.mdm"))), new ProfileRules { Use = ProfileUse.AfterErase });
        Assert.False(erased.IsRefused);
    }

    [Fact]
    public void A_variable_is_not_taken_for_a_wrong_value()
    {
        var clip = With(WebClip(), "URL", "{{school}}");
        Assert.Empty(ProfileInspection.OfProfile(Profile(clip, Wifi(2, ("Password", "{{x}}")), Identity(3, Pkcs12, "{{serial}}")), Rules).Findings);
        // Neither a format nor a list of values is known before the variable is.
        Assert.Empty(ProfileInspection.OfProfile(Profile(Wifi(1, ("EncryptionType", "{{x}}"), ("NAIRealmNames", PlistArray.OfStrings(["{{x}}"])), ("MCCAndMNCs", PlistArray.OfStrings(["{{x}}"])))), Rules).Findings);
    }

    [Fact]
    public void A_PKCS12_file_of_the_old_kind_and_a_right_one_are_taken()
    {
        Assert.Empty(ProfileInspection.OfProfile(Profile(Identity(1, Pkcs12, "secret"), Wifi(2, ("EAPClientConfiguration", EapTls()), ("PayloadCertificateUUID", Uuid(1)))), Rules).Findings);
    }

    [Fact]
    public void A_profile_with_ten_thousand_wrong_keys_gets_a_list_of_bounded_length()
    {
        var payloads = Enumerable.Range(0, 240).Select(number => Wifi(number, [.. Enumerable.Range(0, 25).Select(key => ($"Key{key}", (PlistNode)"x")), ("AutoJoin", 1)]));
        var inspection = ProfileInspection.OfProfile(Profile([.. payloads]), Rules);
        Assert.InRange(inspection.Findings.Count, 100, 400);
        Assert.True(inspection.IsRefused);
    }

    /// <summary>Whatever the bytes are, an answer comes, and what it says is bounded.</summary>
    [Fact]
    public void Damaged_profiles_are_answered()
    {
        var signed = Signed(PlistWriter.ToBytes(Profile(Wifi(1), Identity(2, Pkcs12, "secret"), Root(3, Signer.RawData))));
        Gen.Select(Gen.Int[0, signed.Length - 1], Gen.Byte, Gen.Int[1, signed.Length]).Sample((at, value, length) =>
        {
            byte[] damaged = [.. signed];
            damaged[at] = value;
            Assert.InRange(ProfileInspection.OfFile(damaged, Rules).Findings.Count, 0, 400);
            Assert.NotEmpty(ProfileInspection.OfFile(damaged[..length], Rules).Findings);
        }, iter: 300);
    }

    /// <summary>Every payload of the catalogue, right and whole, is taken: the rules beside the catalogue ask for nothing that it does not know.</summary>
    [Fact]
    public void An_example_of_each_payload_of_the_catalogue_is_not_called_unknown()
    {
        foreach (var type in AppleCatalogue.Instance.Payloads.Values.SelectMany(variants => variants).Where(type => type.Name != "com.apple.mdm"))
        {
            var example = FleetMdm.Protocol.Tests.Catalogue.Examples.Of(type.Keys, all: true);
            example["PayloadType"] = type.Name;
            var inspection = ProfileInspection.OfProfile(Profile(example), Rules);
            Assert.True(inspection.Payloads[0].Known, type.Name);
            Assert.DoesNotContain(inspection.Findings, finding => finding.Code is ProfileCodes.InvalidKey or ProfileCodes.UnknownKey or ProfileCodes.UnknownPayload or ProfileCodes.OtherPlatform);
        }
    }

    private static void Expect(ProfileInspection inspection, string answer, string code)
    {
        var all = string.Join("\n", inspection.Findings);
        Assert.True(inspection.IsRefused == (answer == "refused"), all);
        Assert.Equal(inspection.Profile is null, inspection.Bytes.Length == 0);
        if (code.Length == 0)
        {
            Assert.Empty(inspection.Findings);
            return;
        }

        var severity = answer switch { "refused" => ProfileSeverity.Refused, "warning" => ProfileSeverity.Warning, _ => ProfileSeverity.Note };
        var finding = inspection.Findings.FirstOrDefault(finding => finding.Code == code && finding.Severity == severity);
        Assert.True(finding is not null, $"{code} {severity} is not among:\n{all}");
        Assert.Contains(finding.Message[^1], ".?)");
    }

    private static PlistDictionary Profile(params PlistDictionary[] payloads) => new()
    {
        ["PayloadType"] = "Configuration",
        ["PayloadVersion"] = 1,
        ["PayloadIdentifier"] = "example.school",
        ["PayloadUUID"] = Uuid(0),
        ["PayloadContent"] = new PlistArray(payloads),
    };

    private static PlistDictionary Of(string type, int number = 1, params (string Key, PlistNode Value)[] keys)
    {
        var payload = new PlistDictionary
        {
            ["PayloadType"] = type,
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = $"example.school.{number}",
            ["PayloadUUID"] = Uuid(number),
        };
        foreach (var (key, value) in keys)
            payload[key] = value;
        return payload;
    }

    private static PlistDictionary Wifi(int number = 1, params (string Key, PlistNode Value)[] keys) =>
        Of("com.apple.wifi.managed", number, [("SSID_STR", "School"), ("EncryptionType", "WPA2"), ("Password", "eight characters"), .. keys]);

    private static PlistDictionary EapTls() => new() { ["AcceptEAPTypes"] = new PlistArray { 13 } };

    private static PlistDictionary Lock(int number) => Of("com.apple.app.lock", number, ("App", new PlistDictionary { ["Identifier"] = "com.apple.calculator" }));

    private static PlistDictionary Restrictions(params (string Key, PlistNode Value)[] keys) => Of("com.apple.applicationaccess", 1, keys);

    private static PlistDictionary WebClip() => Of("com.apple.webClip.managed", 1, ("URL", "https://school.example/"), ("Label", "School"));

    private static PlistDictionary Root(int number, byte[] certificate) => Of("com.apple.security.root", number, ("PayloadContent", certificate));

    private static PlistDictionary Identity(int number, byte[] pkcs12, string? password)
    {
        var payload = Of("com.apple.security.pkcs12", number, ("PayloadContent", pkcs12));
        if (password is not null)
            payload["Password"] = password;
        return payload;
    }

    private static PlistDictionary Vpn(params (string Key, PlistNode Value)[] keys)
    {
        var ikev2 = new PlistDictionary { ["RemoteAddress"] = "vpn.example", ["RemoteIdentifier"] = "vpn.example", ["LocalIdentifier"] = "ipad", ["AuthenticationMethod"] = "Certificate" };
        foreach (var (key, value) in keys)
            ikev2[key] = value;
        return Of("com.apple.vpn.managed", 1, ("VPNType", "IKEv2"), ("UserDefinedName", "School"), ("IKEv2", ikev2));
    }

    private static PlistDictionary Encrypted()
    {
        var profile = Without(Profile(), "PayloadContent");
        profile["IsEncrypted"] = true;
        profile["EncryptedPayloadContent"] = Enveloped(Plain);
        return profile;
    }

    private static PlistDictionary With(PlistDictionary dictionary, string key, PlistNode value)
    {
        dictionary[key] = value;
        return dictionary;
    }

    private static PlistDictionary Without(PlistDictionary dictionary, string key)
    {
        dictionary.Remove(key);
        return dictionary;
    }

    private static string Uuid(int number) => $"7D3C1B0A-52E5-4B8E-9C61-0F2A4D5E{number:X4}";

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    private static X509Certificate2 SelfSigned(string name, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = RSA.Create(2048);
        return new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(from, to);
    }

    private static byte[] OldIdentity()
    {
        using var certificate = SelfSigned("Old", Now.AddYears(-3), Now.AddDays(-1));
        return certificate.ExportPkcs12(Pkcs12ExportPbeParameters.Pbes2Aes256Sha256, "secret");
    }

    private static byte[] Signed(byte[] content, X509Certificate2? signer = null, bool detached = false)
    {
        var cms = new SignedCms(new ContentInfo(content), detached);
        cms.ComputeSignature(new CmsSigner(signer ?? Signer) { IncludeOption = X509IncludeOption.EndCertOnly });
        return cms.Encode();
    }

    private static byte[] Changed(byte[] signed)
    {
        byte[] changed = [.. signed];
        var at = changed.AsSpan().IndexOf("School"u8);
        changed[at + 1]++;
        return changed;
    }

    private static byte[] WithoutSigner(byte[] content)
    {
        var cms = new SignedCms(new ContentInfo(content));
        cms.ComputeSignature(new CmsSigner(Signer) { IncludeOption = X509IncludeOption.EndCertOnly });
        cms.RemoveSignature(0);
        return cms.Encode();
    }

    private static byte[] Enveloped(byte[] content)
    {
        var cms = new EnvelopedCms(new ContentInfo(content));
        cms.Encrypt(new CmsRecipient(Signer));
        return cms.Encode();
    }

    /// <summary>The rows of a table in docs/profile-checks.md: kind, answer, code.</summary>
    private static TheoryData<string, string, string> Table(string heading)
    {
        var rows = new TheoryData<string, string, string>();
        foreach (var line in File.ReadLines(Page()).SkipWhile(line => line != heading).Skip(1).TakeWhile(line => !line.StartsWith('#')).Where(line => line.StartsWith('|')).Skip(2))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            rows.Add(cells[1], cells[2], cells[3].Trim('`'));
        }

        return rows;
    }

    private static string Page([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/profile-checks.md");
}
