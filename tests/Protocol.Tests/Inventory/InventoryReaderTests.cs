using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using CsCheck;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Tests.Plist;

namespace FleetMdm.Protocol.Tests.Inventory;

/// <summary>What iPads answer about themselves is read, and nothing that makes no sense loses the rest.</summary>
public sealed class InventoryReaderTests
{
    private const string Head = "<plist version=\"1.0\"><dict><key>CommandUUID</key><string>U</string><key>Status</key><string>Acknowledged</string><key>UDID</key><string>00008103-001A2B3C4D5E6F70</string>";

    private static byte[] Report(string more) => Encoding.UTF8.GetBytes(Head + more + "</dict></plist>");

    private static string App(string identifier, string version = "1.0", string more = "") =>
        $"<dict><key>Identifier</key><string>{identifier}</string><key>ShortVersion</key><string>{version}</string>{more}</dict>";

    private static byte[] Apps(params string[] apps) => Report($"<key>InstalledApplicationList</key><array>{string.Concat(apps)}</array>");

    private static Guid? DigestOf(byte[] report) => ((CommandReport)MdmMessageReader.Read(report, PlistLimits.Device)).InventoryDigest;

    private static JsonElement Details(InventoryEntry entry) => JsonDocument.Parse(entry.Details).RootElement;

    [Fact]
    public void An_app_is_read_with_its_version_for_people_and_flags_that_are_set()
    {
        var answer = InventoryReader.Read(InventoryKind.Apps, Apps(
            "<dict><key>Identifier</key><string>org.sketch</string><key>Name</key><string>Sketch</string><key>Version</key><string>4711</string>" +
            "<key>ShortVersion</key><string>3.2</string><key>BundleSize</key><integer>81234567</integer><key>DynamicSize</key><integer>99</integer>" +
            "<key>IsValidated</key><true/><key>BetaApp</key><false/><key>HasUpdateAvailable</key><true/></dict>"))!;

        var app = Assert.Single(answer.Entries);
        Assert.Equal(("org.sketch", "Sketch", "3.2"), (app.Key, app.Name, app.Value));
        Assert.Equal("{\"version\":\"4711\",\"bundleSize\":81234567,\"isValidated\":true,\"hasUpdateAvailable\":true}", app.Details);
    }

    [Theory]
    [InlineData("<string>no dictionary</string>")]
    [InlineData("<dict><key>Name</key><string>nameless</string></dict>")]
    [InlineData("<dict><key>Identifier</key><integer>5</integer></dict>")]
    [InlineData("<dict><key>Identifier</key><string>  </string></dict>")]
    [InlineData("<integer>abc</integer>")]
    [InlineData("<data>?</data>")]
    public void An_entry_that_makes_no_sense_is_passed_over(string entry)
    {
        var answer = InventoryReader.Read(InventoryKind.Apps, Apps(App("a"), entry, App("b")))!;
        Assert.Equal(["a", "b"], answer.Entries.Select(app => app.Key));
    }

    [Theory]
    [InlineData("<key>BundleSize</key><integer>abc</integer>")]
    [InlineData("<key>BundleSize</key><integer>99999999999999999999999</integer>")]
    [InlineData("<key>BundleSize</key><real>nan</real>")]
    [InlineData("<key>IsValidated</key><array><true/></array>")]
    [InlineData("<key>Identifier</key><string>twice</string>")]
    public void A_value_that_makes_no_sense_loses_itself_only(string more)
    {
        var app = Assert.Single(InventoryReader.Read(InventoryKind.Apps, Apps(App("a", "7", more)))!.Entries);
        Assert.Equal(("a", "7", "{}"), (app.Key, app.Value, app.Details));
    }

    [Fact]
    public void A_name_that_XML_cannot_carry_does_not_lose_the_list()
    {
        var answer = InventoryReader.Read(InventoryKind.Apps, Apps(App("a", more: "<key>Name</key><string>Bell \u0007</string>"), App("b")))!;
        Assert.Equal(["a", "b"], answer.Entries.Select(app => app.Key));
        Assert.Equal("Bell \uFFFD", answer.Entries[0].Name);
    }

    [Fact]
    public void No_more_than_a_thousand_are_kept_and_long_texts_are_cut()
    {
        var answer = InventoryReader.Read(InventoryKind.Apps, Apps([.. Enumerable.Range(0, 1_500).Select(n => App($"app{n}", new string('9', 400)))]))!;
        Assert.True(answer.Cut);
        Assert.Equal(InventoryReader.MostEntries, answer.Entries.Count);
        Assert.Equal(InventoryReader.LongestText, answer.Entries[0].Value!.Length);
        Assert.False(InventoryReader.Read(InventoryKind.Apps, Apps([.. Enumerable.Range(0, 1_000).Select(n => App($"app{n}"))]))!.Cut);
    }

    [Fact]
    public void A_certificate_is_known_by_its_fingerprint_and_its_end()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var ends = new DateTimeOffset(2027, 5, 6, 7, 8, 9, TimeSpan.Zero);
        using var certificate = new CertificateRequest("CN=Wi-Fi 7B", key, HashAlgorithmName.SHA256).CreateSelfSigned(ends.AddYears(-1), ends);
        var answer = InventoryReader.Read(InventoryKind.Certificates, Report(
            $"<key>CertificateList</key><array><dict><key>CommonName</key><string>Wi-Fi 7B</string><key>IsIdentity</key><true/><key>Data</key><data>{Convert.ToBase64String(certificate.RawData)}</data></dict>" +
            "<dict><key>CommonName</key><string>broken</string><key>IsIdentity</key><false/><key>Data</key><data>AAAA</data></dict></array>"))!;

        Assert.Equal(2, answer.Entries.Count);
        Assert.Equal((certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant(), "Wi-Fi 7B", ends), (answer.Entries[0].Key, answer.Entries[0].Name, answer.Entries[0].ExpiresAt!.Value));
        Assert.Equal("CN=Wi-Fi 7B", Details(answer.Entries[0]).GetProperty("issuer").GetString());
        Assert.Equal(("broken", null), (answer.Entries[1].Name, answer.Entries[1].ExpiresAt));
    }

    [Fact]
    public void Secrets_are_not_read()
    {
        var security = InventoryReader.Read(InventoryKind.Security, Report(
            "<key>SecurityInfo</key><dict><key>PasscodePresent</key><true/><key>FDE_PersonalRecoveryKeyCMS</key><data>AAAA</data><key>RecoveryKey</key><string>1234-5678</string>" +
            "<key>ManagementStatus</key><dict><key>IsUserEnrollment</key><false/></dict></dict>"))!;
        Assert.Equal([("PasscodePresent", "true"), ("ManagementStatus.IsUserEnrollment", "false")], security.Entries.Select(fact => (fact.Key, fact.Value!)));

        var managed = InventoryReader.Read(InventoryKind.ManagedApps, Report(
            "<key>ManagedApplicationList</key><dict><key>org.sketch</key><dict><key>Status</key><string>Managed</string><key>UnusedRedemptionCode</key><string>WORTH-MONEY</string></dict></dict>"))!;
        Assert.Equal(("org.sketch", "Managed", "{}"), (managed.Entries[0].Key, managed.Entries[0].Value, managed.Entries[0].Details));
    }

    [Fact]
    public void Of_a_restriction_it_is_said_which_profiles_ask_for_it()
    {
        var answer = InventoryReader.Read(InventoryKind.Restrictions, Report(
            "<key>GlobalRestrictions</key><dict><key>restrictedBool</key><dict><key>allowCamera</key><dict><key>value</key><false/></dict></dict>" +
            "<key>restrictedValue</key><dict><key>maxInactivity</key><dict><key>value</key><integer>5</integer></dict></dict>" +
            "<key>union</key><dict><key>blocked</key><dict><key>values</key><array><string>a</string><string>b</string></array></dict></dict></dict>" +
            "<key>ProfileRestrictions</key><dict><key>district.base</key><dict><key>restrictedBool</key><dict><key>allowCamera</key><dict><key>value</key><false/></dict></dict></dict></dict>"))!;
        Assert.Equal([("allowCamera", "false", "{\"setBy\":[\"district.base\"]}"), ("maxInactivity", "5", "{}"), ("blocked", null, "{\"values\":[\"a\",\"b\"]}")],
            answer.Entries.Select(one => (one.Key, one.Value, one.Details)));
    }

    [Theory]
    [InlineData("<key>Latitude</key><real>59.33</real><key>Longitude</key><real>18.06</real>", true)]
    [InlineData("<key>Latitude</key><integer>59</integer><key>Longitude</key><integer>18</integer>", true)]
    [InlineData("<key>Latitude</key><real>91</real><key>Longitude</key><real>18.06</real>", false)]
    [InlineData("<key>Latitude</key><real>nan</real><key>Longitude</key><real>18.06</real>", false)]
    [InlineData("<key>Latitude</key><real>59.33</real>", false)]
    public void A_place_on_earth_is_a_location(string more, bool isOne) =>
        Assert.Equal(isOne, InventoryReader.Read(InventoryKind.Location, Report(more)) is not null);

    [Theory]
    [InlineData("<dict><key>RequestType</key><string>InstalledApplicationList</string></dict>", true)]
    [InlineData("<dict><key>RequestType</key><string>InstalledApplicationList</string><key>ManagedAppsOnly</key><false/></dict>", true)]
    [InlineData("<dict><key>RequestType</key><string>InstalledApplicationList</string><key>ManagedAppsOnly</key><true/></dict>", false)]
    [InlineData("<dict><key>RequestType</key><string>InstalledApplicationList</string><key>Identifiers</key><array><string>a</string></array></dict>", false)]
    [InlineData("<dict><key>RequestType</key><string>ProfileList</string><key>ManagedOnly</key><true/></dict>", false)]
    public void A_question_for_a_part_is_told_from_one_for_all(string command, bool all) =>
        Assert.Equal(all, InventoryReader.AsksForAll(Encoding.UTF8.GetBytes(command)));

    [Fact]
    public void The_digest_minds_what_is_kept_and_neither_the_order_nor_what_moves()
    {
        var digest = DigestOf(Apps(App("a"), App("b", more: "<key>DynamicSize</key><integer>1</integer>")));
        Assert.NotNull(digest);
        Assert.Equal(digest, DigestOf(Apps(App("b", more: "<key>DynamicSize</key><integer>2</integer>"), App("a"))));
        Assert.NotEqual(digest, DigestOf(Apps(App("a"), App("b", "1.1"))));
        Assert.NotEqual(digest, DigestOf(Apps(App("a"))));
        Assert.NotEqual(digest, DigestOf(Apps(App("a"), App("b"), App("b"))));
        Assert.NotEqual(digest, DigestOf(Apps()));
        Assert.NotNull(DigestOf(Apps()));
        Assert.NotEqual(DigestOf(Apps()), DigestOf(Report("<key>ProfileList</key><array/>")));
        Assert.Null(DigestOf(Report("<key>QueryResponses</key><dict/>")));
    }

    [Fact]
    public void A_binary_report_tells_the_same()
    {
        var xml = Apps(App("a", "2"), App("b", "3"));
        var binary = BinaryPlistWriter.Write(PlistReader.Read(xml, PlistLimits.Device));
        Assert.Equal(InventoryReader.Read(InventoryKind.Apps, xml)!.Entries, InventoryReader.Read(InventoryKind.Apps, binary)!.Entries);
        Assert.NotNull(DigestOf(binary));
        Assert.Equal(DigestOf(binary), DigestOf(BinaryPlistWriter.Write(PlistReader.Read(Apps(App("b", "3"), App("a", "2")), PlistLimits.Device))));
    }

    private static readonly Gen<PlistNode> Entry = Gen.Select(
        Gen.OneOf("Identifier", "Name", "ShortVersion", "BundleSize", "PayloadIdentifier", "PayloadContent", "CommonName", "Data", "UUID", "ExpiryDate", "UserName",
            "restrictedBool", "union", "value", "values", "Status"),
        PlistTrees.Tree).Array[0, 8].Select(PlistTrees.Dictionary);

    private static readonly Gen<PlistNode> Anything = Gen.OneOf(
        PlistTrees.Tree, Entry, Entry.Array[0, 5].Select(entries => (PlistNode)new PlistArray(entries)),
        Gen.Select(Gen.OneOf("restrictedBool", "union", "org.app", "profile"), Entry).Array[0, 4].Select(PlistTrees.Dictionary));

    /// <summary>Whatever the bytes are: an answer or none, of texts that every database stores.</summary>
    [Fact]
    public void Hostile_reports_are_answers_or_none() => Gen.Select(Gen.OneOf(Enum.GetValues<InventoryKind>()), Anything, Gen.Bool).Sample((kind, node, binary) =>
    {
        var root = new PlistDictionary();
        foreach (var key in new[] { "InstalledApplicationList", "ManagedApplicationList", "ProfileList", "CertificateList", "ProvisioningProfileList", "SecurityInfo", "GlobalRestrictions", "ProfileRestrictions", "Users" })
            root.Add(key, node);
        var answer = InventoryReader.Read(kind, binary ? BinaryPlistWriter.Write(root) : PlistWriter.ToBytes(root));
        foreach (var entry in answer?.Entries ?? [])
        {
            Assert.InRange(entry.Key.Length, 1, InventoryReader.LongestText);
            Assert.Equal(JsonValueKind.Object, Details(entry).ValueKind);
            foreach (var text in new[] { entry.Key, entry.Name, entry.Value, entry.Details })
                Assert.DoesNotContain('\0', text ?? "");
        }

        Assert.Equal(answer?.Entries.Count ?? 0, answer?.Entries.Select(entry => entry.Key).Distinct(StringComparer.Ordinal).Count() ?? 0);
    });
}
