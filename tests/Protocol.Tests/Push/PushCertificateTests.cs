using System.Text;
using CsCheck;
using FleetMdm.Protocol.Push;
using Org.BouncyCastle.Asn1.Pkcs;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Pkcs;
using Org.BouncyCastle.Security;

namespace FleetMdm.Protocol.Tests.Push;

public sealed class PushCertificateTests(OpenSsl openssl) : IClassFixture<OpenSsl>
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow().AddHours(1);

    [Fact]
    public void Pem_with_certificate_and_key_is_read()
    {
        using var certificate = Read(openssl.Text("certificate.pem") + openssl.Text("key.pem"));

        Assert.Equal(OpenSsl.Topic, certificate.Topic);
        Assert.Contains("APSP:6f1de2a7", certificate.Subject, StringComparison.Ordinal);
        Assert.True(certificate.Certificate.HasPrivateKey);
        Assert.InRange((certificate.NotAfter - certificate.NotBefore).TotalDays, 364, 366);
        Assert.Matches("^[0-9A-F]+$", certificate.SerialNumber);
    }

    [Fact]
    public void The_order_other_certificates_text_between_and_windows_line_ends_do_not_matter()
    {
        var text = "Bag Attributes\n  friendlyName: mdm\n" + openssl.Text("key.pem") + "subject=/C=US\n" + openssl.Text("other.pem") + openssl.Text("certificate.pem");

        using var certificate = Read(text.ReplaceLineEndings("\r\n"));

        Assert.Equal(OpenSsl.Topic, certificate.Topic);
    }

    [Fact]
    public void A_key_in_the_old_rsa_form_is_read()
    {
        openssl.Run("rsa", "-in", "key.pem", "-traditional", "-out", "old.pem");
        Assert.Contains("BEGIN RSA PRIVATE KEY", openssl.Text("old.pem"), StringComparison.Ordinal);

        using var certificate = Read(openssl.Text("old.pem") + openssl.Text("certificate.pem"));

        Assert.Equal(OpenSsl.Topic, certificate.Topic);
    }

    [Theory]
    [InlineData("pkcs8", "-topk8", "-v2", "aes-256-cbc")]
    [InlineData("pkcs8", "-topk8", "-v2", "des3")]
    [InlineData("rsa", "-traditional", "-aes128")]
    [InlineData("rsa", "-traditional", "-des3")]
    public void An_encrypted_key_is_read_with_its_password_only(string command, params string[] arguments)
    {
        var file = string.Concat(arguments) + ".pem";
        openssl.Run([command, .. arguments, "-in", "key.pem", "-out", file, "-passout", "pass:" + OpenSsl.Password]);
        var pem = openssl.Text("certificate.pem") + openssl.Text(file);

        using var certificate = Read(pem, OpenSsl.Password);
        Assert.Equal(OpenSsl.Topic, certificate.Topic);
        AssertProblem(PushCertificateProblem.PasswordNeeded, pem, null);
        AssertProblem(PushCertificateProblem.PasswordNeeded, pem, "");
        AssertProblem(PushCertificateProblem.WrongPassword, pem, "wrong");
    }

    [Theory]
    [InlineData("modern", "-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC", "-macalg", "sha256")]
    [InlineData("old", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1")]
    [InlineData("keychain", "-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1")]
    public void Pkcs12_from_openssl_is_read_with_its_password_only(string name, params string[] arguments)
    {
        var file = name + ".p12";
        openssl.Run(["pkcs12", "-export", "-inkey", "key.pem", "-in", "certificate.pem", "-certfile", "other.pem", "-out", file,
            "-passout", "pass:" + OpenSsl.Password, .. arguments]);

        using var certificate = PushCertificate.Read(openssl.Bytes(file), OpenSsl.Password, Now);
        Assert.Equal(OpenSsl.Topic, certificate.Topic);
        Assert.True(certificate.Certificate.HasPrivateKey);
        AssertProblem(PushCertificateProblem.PasswordNeeded, openssl.Bytes(file), null);
        AssertProblem(PushCertificateProblem.WrongPassword, openssl.Bytes(file), "wrong");
    }

    [Fact]
    public void Pkcs12_from_bouncy_castle_is_read()
    {
        var bytes = BouncyPkcs12(includeKey: true);

        using var certificate = PushCertificate.Read(bytes, OpenSsl.Password, Now);

        Assert.Equal(OpenSsl.Topic, certificate.Topic);
    }

    [Fact]
    public void Pkcs12_without_a_key_or_without_a_certificate_says_so()
    {
        AssertProblem(PushCertificateProblem.NoPrivateKey, BouncyPkcs12(includeKey: false), OpenSsl.Password);
        openssl.Run("pkcs12", "-export", "-nocerts", "-inkey", "key.pem", "-in", "key.pem", "-out", "only-key.p12", "-passout", "pass:" + OpenSsl.Password);
        AssertProblem(PushCertificateProblem.NoCertificate, openssl.Bytes("only-key.p12"), OpenSsl.Password);
    }

    [Fact]
    public void Pkcs12_that_asks_for_too_much_hashing_is_refused_at_once()
    {
        openssl.Run("pkcs12", "-export", "-inkey", "key.pem", "-in", "certificate.pem", "-out", "slow.p12", "-iter", "200001",
            "-passout", "pass:" + OpenSsl.Password);

        AssertProblem(PushCertificateProblem.TooMuchWork, openssl.Bytes("slow.p12"), OpenSsl.Password);
    }

    [Fact]
    public void A_pem_key_that_asks_for_too_much_hashing_is_refused_at_once()
    {
        openssl.Run("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "200001", "-in", "key.pem", "-out", "slow.pem", "-passout", "pass:" + OpenSsl.Password);

        AssertProblem(PushCertificateProblem.TooMuchWork, openssl.Text("certificate.pem") + openssl.Text("slow.pem"), OpenSsl.Password);
    }

    [Fact]
    public void Each_part_that_is_missing_is_named()
    {
        AssertProblem(PushCertificateProblem.NoPrivateKey, openssl.Text("certificate.pem"), null);
        AssertProblem(PushCertificateProblem.NoCertificate, openssl.Text("key.pem"), null);
        AssertProblem(PushCertificateProblem.KeyDoesNotMatch, openssl.Text("certificate.pem") + openssl.Text("other-key.pem"), null);
        AssertProblem(PushCertificateProblem.NoTopic, openssl.Text("other.pem") + openssl.Text("other-key.pem"), null);
        AssertProblem(PushCertificateProblem.Unreadable, "hello", null);
        AssertProblem(PushCertificateProblem.Unreadable, "", null);
        AssertProblem(PushCertificateProblem.Unreadable, "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----", null);
    }

    [Theory]
    [InlineData("com.example.app")]
    [InlineData("com.apple.mgmt.")]
    [InlineData("com.apple.mgmt.a b")]
    public void A_certificate_for_something_else_is_not_a_push_certificate(string uid)
    {
        openssl.Run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "app-key.pem", "-out", "app.pem",
            "-days", "365", "-subj", $"/UID={uid}/CN=x");

        AssertProblem(PushCertificateProblem.NotAnMdmTopic, openssl.Text("app.pem") + openssl.Text("app-key.pem"), null);
    }

    [Theory]
    [InlineData("PRIVATE KEY")]
    [InlineData("EC PRIVATE KEY")]
    public void A_certificate_with_an_elliptic_key_is_read_in_both_forms(string label)
    {
        var keyFile = "ec-key.pem";
        openssl.Run("ecparam", "-name", "prime256v1", "-genkey", "-out", keyFile);
        openssl.Run("req", "-x509", "-new", "-key", keyFile, "-out", "ec.pem", "-days", "365", "-subj", $"/UID={OpenSsl.Topic}");
        if (label == "PRIVATE KEY")
            openssl.Run("pkcs8", "-topk8", "-nocrypt", "-in", keyFile, "-out", keyFile = "ec-key.p8.pem");
        Assert.Contains($"-----BEGIN {label}-----", openssl.Text(keyFile), StringComparison.Ordinal);

        using var certificate = Read(openssl.Text(keyFile) + openssl.Text("ec.pem"));

        Assert.Equal(OpenSsl.Topic, certificate.Topic);
        using var again = PushCertificate.Open(certificate.ExportCertificate(), certificate.ExportPrivateKey());
        Assert.Equal(certificate.SerialNumber, again.SerialNumber);
    }

    [Fact]
    public void Keys_of_other_kinds_are_named_as_such()
    {
        openssl.Run("genpkey", "-algorithm", "ed25519", "-out", "ed.pem");

        AssertProblem(PushCertificateProblem.UnsupportedKey, openssl.Text("certificate.pem") + openssl.Text("ed.pem"), null);
        AssertProblem(PushCertificateProblem.UnsupportedKey,
            openssl.Text("certificate.pem") + "-----BEGIN DSA PRIVATE KEY-----\naGVsbG8=\n-----END DSA PRIVATE KEY-----", null);
    }

    [Fact]
    public void An_expired_certificate_and_one_that_is_not_valid_yet_are_refused_with_the_day()
    {
        var pem = openssl.Text("certificate.pem") + openssl.Text("key.pem");
        using var certificate = Read(pem);

        var expired = AssertProblem(PushCertificateProblem.Expired, Encoding.UTF8.GetBytes(pem), null, certificate.NotAfter);
        Assert.Contains(certificate.NotAfter.ToString("yyyy-MM-dd"), expired.Message, StringComparison.Ordinal);
        AssertProblem(PushCertificateProblem.NotYetValid, Encoding.UTF8.GetBytes(pem), null, certificate.NotBefore.AddSeconds(-1));
    }

    [Fact]
    public void What_was_taken_apart_can_be_put_together_again()
    {
        using var certificate = Read(openssl.Text("certificate.pem") + openssl.Text("key.pem"));

        using var again = PushCertificate.Open(certificate.ExportCertificate(), certificate.ExportPrivateKey());

        Assert.Equal(certificate.Topic, again.Topic);
        Assert.True(again.Certificate.HasPrivateKey);
    }

    [Fact]
    public void A_stored_key_of_another_certificate_is_refused()
    {
        using var certificate = Read(openssl.Text("certificate.pem") + openssl.Text("key.pem"));
        openssl.Run("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", "other-key.pem", "-out", "other.p8");

        var refused = Assert.Throws<PushCertificateException>(() => PushCertificate.Open(certificate.ExportCertificate(), openssl.Bytes("other.p8")));

        Assert.Equal(PushCertificateProblem.KeyDoesNotMatch, refused.Problem);
    }

    [Fact]
    public void No_damaged_upload_makes_it_fail_in_another_way()
    {
        openssl.Run("pkcs12", "-export", "-inkey", "key.pem", "-in", "certificate.pem", "-out", "some.p12", "-passout", "pass:" + OpenSsl.Password);
        openssl.Run("pkcs8", "-topk8", "-in", "key.pem", "-out", "some.pem", "-passout", "pass:" + OpenSsl.Password);
        openssl.Run("rsa", "-traditional", "-aes128", "-in", "key.pem", "-out", "some-old.pem", "-passout", "pass:" + OpenSsl.Password);
        byte[][] files =
        [
            openssl.Bytes("some.p12"),
            Encoding.UTF8.GetBytes(openssl.Text("certificate.pem") + openssl.Text("key.pem")),
            Encoding.UTF8.GetBytes(openssl.Text("some.pem") + openssl.Text("certificate.pem")),
            Encoding.UTF8.GetBytes(openssl.Text("some-old.pem") + openssl.Text("certificate.pem")),
        ];

        Gen.Select(Gen.Int[0, files.Length - 1], Gen.Int[0, int.MaxValue], Gen.Byte, Gen.Bool).Sample((file, at, value, cut) =>
        {
            var damaged = files[file].ToArray();
            if (cut)
                damaged = damaged[..(at % damaged.Length)];
            else
                damaged[at % damaged.Length] = value;
            try
            {
                PushCertificate.Read(damaged, OpenSsl.Password, Now).Dispose();
            }
            catch (PushCertificateException)
            {
                // The only way to fail.
            }
        }, iter: 200);
    }

    private byte[] BouncyPkcs12(bool includeKey)
    {
        using var own = Read(openssl.Text("certificate.pem") + openssl.Text("key.pem"));
        var store = new Pkcs12StoreBuilder().Build();
        var entry = new X509CertificateEntry(new Org.BouncyCastle.X509.X509Certificate(own.ExportCertificate()));
        AsymmetricKeyParameter key = PrivateKeyFactory.CreateKey(PrivateKeyInfo.GetInstance(own.ExportPrivateKey()));
        if (includeKey)
            store.SetKeyEntry("push", new AsymmetricKeyEntry(key), [entry]);
        else
            store.SetCertificateEntry("push", entry);
        using var stream = new MemoryStream();
        store.Save(stream, OpenSsl.Password.ToCharArray(), new SecureRandom());
        return stream.ToArray();
    }

    private static PushCertificate Read(string pem, string? password = null) => PushCertificate.Read(Encoding.UTF8.GetBytes(pem), password, Now);

    private static void AssertProblem(PushCertificateProblem problem, string pem, string? password) =>
        AssertProblem(problem, Encoding.UTF8.GetBytes(pem), password);

    private static PushCertificateException AssertProblem(PushCertificateProblem problem, byte[] content, string? password, DateTimeOffset? at = null)
    {
        var refused = Assert.Throws<PushCertificateException>(() => PushCertificate.Read(content, password, at ?? Now));
        Assert.Equal(problem, refused.Problem);
        if (!string.IsNullOrEmpty(password))
            Assert.DoesNotContain(password, refused.Message, StringComparison.Ordinal);
        return refused;
    }
}
