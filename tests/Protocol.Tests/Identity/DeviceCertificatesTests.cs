using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Protocol.Tests.Identity;

/// <summary>Who signed an iPad's answer, with a device CA of the tests' own that is as old as Apple's.</summary>
public sealed class DeviceCertificatesTests
{
    private const string Sha1 = "1.3.14.3.2.26";

    private static readonly byte[] Content = new ProfileService { Organization = "District", Url = new Uri("https://mdm.test/x"), Challenge = "c" }.ToBytes();
    private static readonly ProvenDevice Device = ProvenDevice.Of("00008101-0011223344556677", "DMP0000001VF")!;
    private static readonly RSA CaKey = RSA.Create(1024);
    private static readonly RSA DeviceKey = RSA.Create(1024);
    private static readonly X509Certificate2 DeviceCa = Old(CaKey, "CN=Device CA", null, isCa: true, new DateTimeOffset(2014, 4, 16, 0, 0, 0, TimeSpan.Zero));

    private static DeviceCertificates Known => new([IdentityCertificate.Parse(DeviceCa.RawData)]);

    private static X509Certificate2 Old(RSA key, string subject, X509Certificate2? issuer, bool isCa, DateTimeOffset ends,
        X509KeyUsageFlags usage = X509KeyUsageFlags.DigitalSignature)
    {
        var request = TestPki.Request(key, subject);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isCa, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(isCa ? X509KeyUsageFlags.KeyCertSign : usage, true));
        var made = request.Create(issuer?.SubjectName ?? request.SubjectName, new TestPki.Sha1Generator(issuer is null ? key : CaKey), ends.AddYears(-7), ends,
            RandomNumberGenerator.GetBytes(8));
        return TestPki.WithKey(made.RawData, key);
    }

    private static X509Certificate2 IPad(DateTimeOffset? ends = null, X509KeyUsageFlags usage = X509KeyUsageFlags.DigitalSignature) =>
        Old(DeviceKey, "CN=2ef6d884-d265-4059-bcef-2dc7b951b6ee", DeviceCa, isCa: false, ends ?? TestPki.Now.AddDays(30), usage);

    private static byte[] Signed(X509Certificate2 signer, string digest = Sha1, bool attributes = true) =>
        TestPki.Sign(Content, signer, digest, attributes, detached: false);

    private static SignedAnswer Check(byte[] answer, DeviceCertificates? known = null) =>
        (known ?? Known).Check(DeviceCertificates.Read(answer), [TestPki.Ca.Certificate], TestPki.Now);

    private static X509Certificate2 Step()
    {
        var csr = CertificateSigningRequest.Parse(TestPki.Csr(TestPki.RsaKey));
        return TestPki.WithKey(TestPki.Ca.IssueOverTheAirStep(csr, Device, TestPki.Now, TimeSpan.FromHours(1)).Der.ToArray(), TestPki.RsaKey);
    }

    [Fact]
    public void Apples_device_CA_is_the_one_that_Apple_published()
    {
        Assert.Equal("76f27d00e1333bc88de0e2916c38c9a7f2b75774c25a794c092a80e3c4c66cce", DeviceCertificates.Apple.Sha256Hex);
        Assert.Contains("CN=Apple iPhone Device CA", DeviceCertificates.Apple.SubjectName);

        // OpenSSL follows it to Apple's root.
        var folder = Directory.CreateTempSubdirectory("fleetmdm-device-ca-");
        try
        {
            var ca = Path.Combine(folder.FullName, "ca.pem");
            File.WriteAllText(ca, PemEncoding.WriteString("CERTIFICATE", DeviceCertificates.Apple.Der.Span));
            var issuers = Path.Combine(AppContext.BaseDirectory, "Identity", "Apple", "issuers.pem");
            Assert.Contains("OK", TestPki.Run("openssl", $"verify -CAfile {issuers} -no_check_time -auth_level 0 {ca}"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(Sha1, true)]
    [InlineData(Sha1, false)]
    [InlineData("2.16.840.1.101.3.4.2.1", true)]
    public void An_answer_signed_with_a_device_certificate_is_the_iPads(string digest, bool attributes)
    {
        using var ipad = IPad();
        var answer = DeviceCertificates.Read(Signed(ipad, digest, attributes));
        Assert.Equal(Content, answer.Content);
        Assert.Equal(DeviceSigner.DeviceCertificate, Known.Check(answer, [TestPki.Ca.Certificate], TestPki.Now).Signer);
    }

    [Fact]
    public void A_CA_that_nobody_named_makes_strangers()
    {
        using var ipad = IPad();
        Assert.Equal(DeviceSigner.Stranger, Check(Signed(ipad), new DeviceCertificates([])).Signer);
    }

    [Fact]
    public void A_CA_of_the_same_name_makes_strangers()
    {
        using var otherKey = RSA.Create(1024);
        using var other = Old(otherKey, "CN=Device CA", null, isCa: true, TestPki.Now.AddDays(30));
        using var ipad = IPad();
        Assert.Equal(DeviceSigner.Stranger, Check(Signed(ipad), new DeviceCertificates([IdentityCertificate.Parse(other.RawData)])).Signer);
    }

    [Fact]
    public void A_device_certificate_that_has_ended_proves_nothing()
    {
        using var ipad = IPad(TestPki.Now.AddDays(-2));
        var checkedAnswer = Check(Signed(ipad));
        Assert.Equal(DeviceSigner.Stranger, checkedAnswer.Signer);
        Assert.Contains("ended", checkedAnswer.Why);
    }

    [Fact]
    public void A_changed_answer_is_refused_also_from_a_stranger()
    {
        using var ipad = IPad();
        var signed = Signed(ipad);
        var at = signed.AsSpan().IndexOf("District"u8);
        signed[at]++;
        Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => Check(signed)));
        Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => Check(signed, new DeviceCertificates([]))));
    }

    [Fact]
    public void The_device_CA_itself_and_a_key_that_may_not_sign_are_refused()
    {
        using var ca = Old(CaKey, "CN=Sub", DeviceCa, isCa: true, TestPki.Now.AddDays(30));
        Assert.Equal(IdentityRefusal.WrongUsage, TestPki.Refusal(() => Check(Signed(ca))));
        using var mute = IPad(usage: X509KeyUsageFlags.KeyEncipherment);
        Assert.Equal(IdentityRefusal.WrongUsage, TestPki.Refusal(() => Check(Signed(mute))));
    }

    [Fact]
    public void A_certificate_of_the_second_step_names_its_iPad_for_an_hour()
    {
        using var step = Step();
        var checkedAnswer = Check(Signed(step));
        Assert.Equal((DeviceSigner.OverTheAirStep, Device), (checkedAnswer.Signer, checkedAnswer.Device));
        var later = TestPki.Now.AddHours(2);
        Assert.Equal(IdentityRefusal.Expired, TestPki.Refusal(() => Known.Check(DeviceCertificates.Read(Signed(step)), [TestPki.Ca.Certificate], later)));
    }

    [Fact]
    public void A_certificate_of_the_second_step_identifies_no_iPad_and_an_identity_is_none_of_that_step()
    {
        using var step = Step();
        Assert.Equal(IdentityRefusal.WrongUsage, TestPki.Refusal(() => TestPki.Verifier().Verify(step.RawData, TestPki.Now)));
        Assert.Equal(IdentityRefusal.WrongUsage, TestPki.Refusal(() => Check(Signed(TestPki.RsaIdentity))));
    }

    [Fact]
    public void A_device_certificate_identifies_no_iPad_to_the_device_side()
    {
        using var ipad = IPad();
        Assert.Equal(IdentityRefusal.UntrustedIssuer, TestPki.Refusal(() => TestPki.Verifier().Verify(ipad.RawData, TestPki.Now)));
    }

    [Fact]
    public void An_answer_without_its_content_or_with_two_signers_is_refused()
    {
        using var ipad = IPad();
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => DeviceCertificates.Read(TestPki.Sign(Content, ipad))));
        var twice = new SignedCms();
        twice.Decode(Signed(ipad, "2.16.840.1.101.3.4.2.1"));
        twice.ComputeSignature(new CmsSigner(ipad) { DigestAlgorithm = new Oid("2.16.840.1.101.3.4.2.1"), IncludeOption = X509IncludeOption.EndCertOnly });
        Assert.Equal(IdentityRefusal.SeveralSigners, TestPki.Refusal(() => DeviceCertificates.Read(twice.Encode())));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => DeviceCertificates.Read("no CMS"u8.ToArray())));
    }

    [Theory]
    [InlineData("00008101-0011223344556677", "dmp0000001vf", "DMP0000001VF")]
    [InlineData("ABCDEF0123456789ABCDEF0123456789ABCDEF01", "F9FXH", "F9FXH")]
    public void UDID_and_serial_number_are_kept_in_one_spelling(string udid, string serial, string expected)
    {
        var device = ProvenDevice.Of(udid, serial);
        Assert.Equal(expected, device!.SerialNumber);
        Assert.Equal(udid.Length == 40 ? udid.ToLowerInvariant() : udid, device.Udid);
    }

    [Theory]
    [InlineData(null, "A")]
    [InlineData("00008101-0011223344556677", null)]
    [InlineData("00008101-0011223344556677", "")]
    [InlineData("00008101.0011223344556677", "A")]
    [InlineData("00008101-0011223344556677", "A.B")]
    [InlineData("00008101-0011223344556677", "AAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("00008101-00112233445566770000000000000000000000000", "A")]
    public void What_no_iPad_is_called_proves_nothing(string? udid, string? serial) => Assert.Null(ProvenDevice.Of(udid, serial));
}
