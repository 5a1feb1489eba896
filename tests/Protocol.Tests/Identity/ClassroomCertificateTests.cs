using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Classroom;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Identity;

/// <summary>The certificates of Apple's Classroom, and the profile that carries them.</summary>
public sealed class ClassroomCertificateTests
{
    private static ClassroomContent Content(byte[] leaders, byte[] members) => new()
    {
        OrganizationUuid = Guid.NewGuid(),
        OrganizationName = "District",
        UserId = "user-1",
        IsLeader = true,
        Groups = [new ClassroomGroup(7, "{{serial}} & <7B>", ["user-1"], ["user-2"])],
        Users = [new ClassroomUser("user-1", "Tea", "Lind"), new ClassroomUser("user-2", "", "Berg")],
        LeaderAnchors = [leaders],
        MemberAnchors = [members],
    };

    [Fact]
    public void Openssl_believes_an_identity_on_both_sides_under_its_own_CA_and_under_no_other_and_opens_its_file()
    {
        // openssl looks at its own clock.
        var now = TimeProvider.System.GetUtcNow();
        var (leaders, members) = (CertificateAuthority.CreateClassroomRoot("District", "Leader", now, TimeSpan.FromDays(3650)), CertificateAuthority.CreateClassroomRoot("District", "Member", now, TimeSpan.FromDays(3650)));
        using var ca = new CertificateAuthority(leaders);
        var identity = ca.IssueClassroomIdentity(ClassroomProfile.CommonName(true, "user-1"), now, TimeSpan.FromDays(365));
        var folder = Directory.CreateTempSubdirectory("fleetmdm-classroom-");
        try
        {
            string File(string name, byte[] content)
            {
                var path = Path.Combine(folder.FullName, name);
                System.IO.File.WriteAllBytes(path, content);
                return path;
            }

            string Pem(string name, byte[] der) => File(name, System.Text.Encoding.ASCII.GetBytes(new string(System.Security.Cryptography.PemEncoding.Write("CERTIFICATE", der))));
            string own = Pem("leaders.pem", leaders.Certificate), other = Pem("members.pem", members.Certificate), leaf = Pem("leaf.pem", identity.Certificate);
            foreach (var purpose in (string[])["sslclient", "sslserver"])
            {
                TestPki.Run("openssl", $"verify -x509_strict -purpose {purpose} -CAfile {own} {leaf}");
                TestPki.Run("openssl", $"verify -x509_strict -purpose {purpose} -CAfile {other} {leaf}", expectFailure: true);
            }

            var profile = PlistReader.ReadDictionary(ClassroomProfile.Build(Content(leaders.Certificate, members.Certificate), identity, "PAD", 3), PlistLimits.Admin);
            var pkcs12 = profile.GetArray("PayloadContent")!.OfType<PlistDictionary>().Single(one => one.GetString("PayloadType") == "com.apple.security.pkcs12");
            TestPki.Run("openssl", $"pkcs12 -legacy -in {File("identity.p12", pkcs12.GetData("PayloadContent")!)} -passin pass:{pkcs12.GetString("Password")} -nodes -out {Path.Combine(folder.FullName, "out.pem")}");
            using var read = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder.FullName, "out.pem"));
            Assert.Equal("leader user-1", read.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_profile_refers_to_its_own_payloads_and_a_name_like_a_variable_stays_a_name()
    {
        var now = TimeProvider.System.GetUtcNow();
        var root = CertificateAuthority.CreateClassroomRoot("District", "Leader", now, TimeSpan.FromDays(3650));
        using var ca = new CertificateAuthority(root);
        var identity = ca.IssueClassroomIdentity("leader user-1", now, TimeSpan.FromDays(365));
        var content = Content(root.Certificate, root.Certificate);

        var profile = PlistReader.ReadDictionary(ClassroomProfile.Build(content, identity, "PAD", 3), PlistLimits.Admin);

        Assert.Empty(FleetMdm.Protocol.Profiles.ProfileVariables.In(profile));
        var payloads = profile.GetArray("PayloadContent")!.OfType<PlistDictionary>().ToList();
        var education = payloads.Single(one => one.GetString("PayloadType") == "com.apple.education");
        string TypeOf(string uuid) => payloads.Single(one => one.GetString("PayloadUUID") == uuid).GetString("PayloadType")!;
        Assert.Equal("com.apple.security.pkcs12", TypeOf(education.GetString("PayloadCertificateUUID")!));
        Assert.Equal("com.apple.security.root", TypeOf(((PlistString)education.GetArray("LeaderPayloadCertificateAnchorUUID")![0]).Value));
        Assert.Equal("com.apple.security.root", TypeOf(((PlistString)education.GetArray("MemberPayloadCertificateAnchorUUID")![0]).Value));
        Assert.Equal("{ {serial}} & <7B>", education.GetArray("Groups")!.OfType<PlistDictionary>().Single().GetString("Name"));
        Assert.True(ClassroomProfile.IsOf(profile, "PAD", 3));
        Assert.False(ClassroomProfile.IsOf(profile, "PAD", 4));
        Assert.False(ClassroomProfile.IsOf(profile, "OTHER", 3));
        Assert.False(ClassroomProfile.IsOf(profile, "PAD", null));
        Assert.Equal(content.Hash(), (content with { }).Hash());
    }

    [Theory]
    [InlineData("{{{serial}}}", "{ { {serial}}}")]
    [InlineData("{{{{serial}}", "{ { { {serial}}")]
    [InlineData("{\uFFFE{serial}}", "{ {serial}}")]
    [InlineData("7\uFFFFB\u0001 \U0001F600", "7B \U0001F600")]
    public void No_name_is_a_variable_and_what_a_property_list_cannot_carry_is_left_out(string name, string told)
    {
        var now = TimeProvider.System.GetUtcNow();
        var root = CertificateAuthority.CreateClassroomRoot("District", "Leader", now, TimeSpan.FromDays(3650));
        using var ca = new CertificateAuthority(root);
        var identity = ca.IssueClassroomIdentity("leader user-1", now, TimeSpan.FromDays(365));
        var content = Content(root.Certificate, root.Certificate) with { OrganizationName = name, Groups = [new ClassroomGroup(7, name, ["user-1"], ["user-2"])] };
        content = content with { Users = [new ClassroomUser("user-1", name, "Lind")] };

        var profile = PlistReader.ReadDictionary(ClassroomProfile.Build(content, identity, "PAD", 3), PlistLimits.Admin);

        Assert.Empty(FleetMdm.Protocol.Profiles.ProfileVariables.In(profile));
        var education = profile.GetArray("PayloadContent")!.OfType<PlistDictionary>().Single(one => one.GetString("PayloadType") == "com.apple.education");
        Assert.Equal(told, education.GetArray("Groups")!.OfType<PlistDictionary>().Single().GetString("Name"));
        Assert.Equal(32, content.Hash().Length);
    }
}
