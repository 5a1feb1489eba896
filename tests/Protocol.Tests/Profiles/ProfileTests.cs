using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Protocol.Tests.Identity;

namespace FleetMdm.Protocol.Tests.Profiles;

public sealed class ProfileTests
{
    private const string Topic = "com.apple.mgmt.External.0";

    private static readonly EnrolmentProfileSettings Settings = new()
    {
        Organization = "District <&> \"Ö\"",
        PublicUrl = new Uri("https://mdm.example.org:8443"),
        Topic = Topic,
        Roots = [TestPki.Root.Certificate],
        Challenge = "v1.secret",
        SignMessage = true,
    };

    private static PlistDictionary Read(ConfigurationProfile profile) => PlistReader.ReadDictionary(profile.ToBytes(), PlistLimits.Admin);

    private static PlistDictionary PayloadOf(PlistDictionary profile, string type) =>
        profile.GetArray("PayloadContent")!.Cast<PlistDictionary>().Single(payload => payload.GetString("PayloadType") == type);

    private static MdmPayload Mdm() => new()
    {
        Name = "mdm",
        DisplayName = "MDM",
        IdentityCertificateUuid = Guid.NewGuid(),
        Topic = Topic,
        ServerUrl = new Uri("https://mdm.example.org/mdm/connect"),
        AccessRights = MdmAccessRights.All,
    };

    private static PlistDictionary Plist(Payload payload) => PayloadOf(
        Read(new ConfigurationProfile { Identifier = "a.b", DisplayName = "x", Payloads = [payload] }), payload.Type);

    [Fact]
    public void The_enrolment_profile_holds_root_identity_and_management_in_this_order()
    {
        var profile = Read(EnrolmentProfile.Build(Settings));
        Assert.Equal("Configuration", profile.GetString("PayloadType"));
        Assert.Equal(1, profile.GetInteger("PayloadVersion"));
        Assert.Equal("com.fleetmdm.enrolment", profile.GetString("PayloadIdentifier"));
        Assert.Equal(Settings.Organization, profile.GetString("PayloadOrganization"));
        Assert.Equal(["com.apple.security.root", "com.apple.security.scep", "com.apple.mdm"],
            profile.GetArray("PayloadContent")!.Cast<PlistDictionary>().Select(payload => payload.GetString("PayloadType")!));
        Assert.Equal(TestPki.Root.Certificate, PayloadOf(profile, "com.apple.security.root").GetData("PayloadContent"));
    }

    [Fact]
    public void Every_payload_has_a_version_an_identifier_and_a_UUID_of_its_own()
    {
        var profile = Read(EnrolmentProfile.Build(Settings));
        var payloads = profile.GetArray("PayloadContent")!.Cast<PlistDictionary>().Append(profile).ToList();
        Assert.All(payloads, payload => Assert.Equal(1, payload.GetInteger("PayloadVersion")));
        Assert.All(payloads, payload => Assert.Matches("^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$", payload.GetString("PayloadUUID")));
        Assert.Equal(4, payloads.Select(payload => payload.GetString("PayloadUUID")).Distinct().Count());
        Assert.Equal(4, payloads.Select(payload => payload.GetString("PayloadIdentifier")).Distinct().Count());
        Assert.All(payloads, payload => Assert.NotEmpty(payload.GetString("PayloadDisplayName")!));
    }

    [Fact]
    public void The_SCEP_payload_asks_for_a_2048_bit_key_by_the_challenge()
    {
        var content = PayloadOf(Read(EnrolmentProfile.Build(Settings)), "com.apple.security.scep").GetDictionary("PayloadContent")!;
        Assert.Equal("https://mdm.example.org:8443/scep", content.GetString("URL"));
        Assert.Equal("v1.secret", content.GetString("Challenge"));
        Assert.Equal("RSA", content.GetString("Key Type"));
        Assert.Equal(2048, content.GetInteger("Keysize"));
        Assert.Equal(5, content.GetInteger("Key Usage"));
        var subject = content.GetArray("Subject")!;
        var first = (PlistArray)((PlistArray)subject[0])[0];
        Assert.Equal(["O", Settings.Organization], first.Cast<PlistString>().Select(text => text.Value));
    }

    [Fact]
    public void The_MDM_payload_uses_the_identity_and_asks_for_everything()
    {
        var profile = Read(EnrolmentProfile.Build(Settings));
        var mdm = PayloadOf(profile, "com.apple.mdm");
        Assert.Equal(PayloadOf(profile, "com.apple.security.scep").GetString("PayloadUUID"), mdm.GetString("IdentityCertificateUUID"));
        Assert.Equal("https://mdm.example.org:8443/mdm/connect", mdm.GetString("ServerURL"));
        Assert.Equal("https://mdm.example.org:8443/mdm/checkin", mdm.GetString("CheckInURL"));
        Assert.Equal(Topic, mdm.GetString("Topic"));
        Assert.Equal(8191, mdm.GetInteger("AccessRights"));
        Assert.True(mdm.GetBoolean("SignMessage"));
        Assert.True(mdm.GetBoolean("CheckOutWhenRemoved"));
        Assert.Equal(["com.apple.mdm.per-user-connections", "com.apple.mdm.bootstraptoken"],
            mdm.GetArray("ServerCapabilities")!.Cast<PlistString>().Select(text => text.Value));
        Assert.False(mdm.ContainsKey("UseDevelopmentAPNS"));
    }

    [Fact]
    public void Every_key_of_the_MDM_payload_can_be_set()
    {
        var pin = Guid.NewGuid();
        var mdm = Plist(Mdm() with
        {
            UseDevelopmentApns = true,
            ServerUrlPinningCertificateUuids = [pin],
            CheckInUrlPinningCertificateUuids = [pin, pin],
            PinningRevocationCheckRequired = true,
            AssignedManagedAppleId = "pupil@example.org",
            EnrollmentMode = MdmEnrollmentMode.Byod,
            AccessRights = null,
            RequiredAppIdForMdm = 123,
        });
        Assert.True(mdm.GetBoolean("UseDevelopmentAPNS"));
        Assert.Equal(pin.ToString().ToUpperInvariant(), ((PlistString)mdm.GetArray("ServerURLPinningCertificateUUIDs")![0]).Value);
        Assert.Equal(2, mdm.GetArray("CheckInURLPinningCertificateUUIDs")!.Count);
        Assert.True(mdm.GetBoolean("PinningRevocationCheckRequired"));
        Assert.Equal("pupil@example.org", mdm.GetString("AssignedManagedAppleID"));
        Assert.Equal("BYOD", mdm.GetString("EnrollmentMode"));
        Assert.Equal(123, mdm.GetInteger("RequiredAppIDForMDM"));
        Assert.False(mdm.ContainsKey("AccessRights"));
        Assert.False(mdm.ContainsKey("CheckInURL"));
        Assert.Equal("ADDE", Plist(Mdm() with { EnrollmentMode = MdmEnrollmentMode.Adde }).GetString("EnrollmentMode"));
    }

    public static TheoryData<string> Faults => ["topic", "http", "http check-in", "byod with rights", "no rights", "zero", "2 without 1", "128 without 64"];

    [Theory, MemberData(nameof(Faults))]
    public void What_an_iPad_would_refuse_is_not_built(string fault)
    {
        var payload = fault switch
        {
            "topic" => Mdm() with { Topic = "com.example" },
            "http" => Mdm() with { ServerUrl = new Uri("http://mdm.example.org") },
            "http check-in" => Mdm() with { CheckInUrl = new Uri("http://mdm.example.org") },
            "byod with rights" => Mdm() with { EnrollmentMode = MdmEnrollmentMode.Byod },
            "no rights" => Mdm() with { AccessRights = null },
            "zero" => Mdm() with { AccessRights = 0 },
            "2 without 1" => Mdm() with { AccessRights = MdmAccessRights.ChangeProfiles },
            _ => Mdm() with { AccessRights = MdmAccessRights.ChangeProvisioningProfiles },
        };
        Assert.Throws<InvalidOperationException>(() => Plist(payload));
    }

    [Fact]
    public void A_SCEP_payload_can_name_CA_and_patience()
    {
        var content = Plist(new ScepPayload
        {
            Name = "scep",
            DisplayName = "SCEP",
            Url = new Uri("https://mdm.example.org/scep"),
            CaName = "ca",
            Subject = [("CN", "x"), ("1.2.3", "y")],
            Retries = 5,
            RetryDelay = 20,
            KeyUsage = ScepKeyUsage.Signing,
            KeySize = 4096,
        }).GetDictionary("PayloadContent")!;
        Assert.Equal("ca", content.GetString("Name"));
        Assert.Equal((5, 20), (content.GetInteger("Retries"), content.GetInteger("RetryDelay")));
        Assert.Equal((1, 4096), (content.GetInteger("Key Usage"), content.GetInteger("Keysize")));
        Assert.False(content.ContainsKey("Challenge"));
    }

    [Fact]
    public void The_trust_profile_holds_the_root_only()
    {
        var profile = Read(EnrolmentProfile.BuildTrust("District", [TestPki.Root.Certificate]));
        Assert.Equal("com.fleetmdm.trust", profile.GetString("PayloadIdentifier"));
        var root = (PlistDictionary)Assert.Single(profile.GetArray("PayloadContent")!);
        Assert.Equal("com.apple.security.root", root.GetString("PayloadType"));
        Assert.Equal("root.cer", root.GetString("PayloadCertificateFileName"));
        Assert.Null(Plist(new RootCertificatePayload { Name = "r", DisplayName = "r", Certificate = new byte[] { 1 } }).GetString("PayloadCertificateFileName"));
    }

    [Fact]
    public void Two_roots_come_before_all_else_and_are_told_apart()
    {
        foreach (var profile in new[]
        {
            Read(EnrolmentProfile.BuildTrust("District", [TestPki.Root.Certificate, new byte[] { 2 }])),
            Read(EnrolmentProfile.Build(Settings with { Roots = [TestPki.Root.Certificate, new byte[] { 2 }] })),
        })
        {
            var roots = profile.GetArray("PayloadContent")!.Cast<PlistDictionary>().Take(2).ToList();
            Assert.All(roots, root => Assert.Equal("com.apple.security.root", root.GetString("PayloadType")));
            Assert.Equal(["root.cer", "root-2.cer"], roots.Select(root => root.GetString("PayloadCertificateFileName")));
            Assert.NotEqual(roots[0].GetString("PayloadIdentifier"), roots[1].GetString("PayloadIdentifier"));
            Assert.NotEqual(roots[0].GetString("PayloadUUID"), roots[1].GetString("PayloadUUID"));
        }
    }

    [Fact]
    public void A_challenge_never_shows_in_text()
    {
        Assert.DoesNotContain("v1.secret", Settings.ToString());
        Assert.DoesNotContain("v1.secret", string.Concat(EnrolmentProfile.Build(Settings).Payloads.Select(payload => payload.ToString())));
    }

    [Fact]
    public void A_signed_profile_holds_the_profile_the_signer_and_the_CA()
    {
        var profile = EnrolmentProfile.Build(Settings).ToBytes();
        using var signer = TestPki.Ca.IssueProfileSigner("District", TestPki.Now, TimeSpan.FromDays(30)).Open();
        var cms = new SignedCms();
        cms.Decode(ProfileSigner.Sign(profile, signer, TestPki.Root.Certificate));
        cms.CheckSignature(verifySignatureOnly: true);
        Assert.Equal(profile, cms.ContentInfo.Content);
        Assert.Equal([signer.RawData, TestPki.Root.Certificate], cms.Certificates.Select(c => c.RawData).OrderBy(c => c.AsSpan().SequenceEqual(TestPki.Root.Certificate)));
        Assert.Equal("2.16.840.1.101.3.4.2.1", cms.SignerInfos[0].DigestAlgorithm.Value);
    }

    [Fact]
    public void Openssl_verifies_a_signed_profile_and_refuses_a_changed_one()
    {
        var now = TimeProvider.System.GetUtcNow();
        var root = CertificateAuthority.CreateRoot(CaKeyType.EcP256, "District", now, TimeSpan.FromDays(100));
        using var ca = new CertificateAuthority(root);
        using var signer = ca.IssueProfileSigner("District", now, TimeSpan.FromDays(30)).Open();
        var folder = Directory.CreateTempSubdirectory("fleetmdm-profile-").FullName;
        try
        {
            string File(string name) => Path.Combine(folder, name);
            var signed = ProfileSigner.Sign(EnrolmentProfile.Build(Settings).ToBytes(), signer, root.Certificate);
            System.IO.File.WriteAllText(File("root.pem"), PemEncoding.WriteString("CERTIFICATE", root.Certificate));
            System.IO.File.WriteAllBytes(File("good"), signed);
            signed[signed.AsSpan().IndexOf("mdm.example.org"u8)] = (byte)'x';
            System.IO.File.WriteAllBytes(File("bad"), signed);
            TestPki.Run("openssl", $"cms -verify -inform DER -in {File("good")} -CAfile {File("root.pem")} -out {File("out")}");
            TestPki.Run("openssl", $"cms -verify -inform DER -in {File("bad")} -CAfile {File("root.pem")} -out {File("out")}", expectFailure: true);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
