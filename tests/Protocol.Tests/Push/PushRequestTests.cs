using System.Security.Cryptography;
using System.Text;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Push;

namespace FleetMdm.Protocol.Tests.Push;

/// <summary>Requests for push certificates, with openssl as the one who reads them.</summary>
public sealed class PushRequestTests : IClassFixture<PushRequestTests.Vendor>
{
    private readonly Vendor _vendor;

    public PushRequestTests(Vendor vendor) => _vendor = vendor;

    /// <summary>A vendor certificate under an intermediate and a root, as Apple's are.</summary>
    public sealed class Vendor : IDisposable
    {
        public Vendor()
        {
            OpenSsl.Run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root-key.pem", "-out", "root.pem", "-days", "365", "-subj", "/CN=Root CA");
            Issue("intermediate", "/CN=Intermediate CA", "root", "basicConstraints=critical,CA:true");
            Issue("vendor", "/CN=MDM Vendor: District", "intermediate", "basicConstraints=CA:false");
        }

        public OpenSsl OpenSsl { get; } = new();

        public string File(params string[] names) => string.Concat(names.Select(OpenSsl.Text));

        public void Dispose() => OpenSsl.Dispose();

        private void Issue(string name, string subject, string issuer, string extension)
        {
            System.IO.File.WriteAllText(OpenSsl.Path(name + ".ext"), extension);
            OpenSsl.Run("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", name + "-key.pem", "-out", name + ".csr", "-subj", subject);
            OpenSsl.Run("x509", "-req", "-in", name + ".csr", "-CA", issuer + ".pem", "-CAkey", issuer + "-key.pem", "-CAcreateserial", "-days", "300",
                "-extfile", name + ".ext", "-out", name + ".pem");
        }
    }

    [Fact]
    public void The_signed_request_is_what_Apples_portal_takes_and_openssl_agrees()
    {
        var made = PushSigningRequest.Create("Öster district");
        // In any order, with other things between.
        using var signer = PushRequestSigner.Read(_vendor.File("root.pem", "vendor-key.pem", "other.pem", "intermediate.pem", "vendor.pem"));

        var plist = PlistReader.ReadDictionary(Convert.FromBase64String(signer.Sign(made.Request)), PlistLimits.Admin);

        Assert.Equal(["PushCertCertificateChain", "PushCertRequestCSR", "PushCertSignature"], plist.Select(entry => entry.Key).Order(StringComparer.Ordinal));
        var openssl = _vendor.OpenSsl;
        File.WriteAllBytes(openssl.Path("csr.der"), Convert.FromBase64String(plist.GetString("PushCertRequestCSR")!));
        File.WriteAllBytes(openssl.Path("signature"), Convert.FromBase64String(plist.GetString("PushCertSignature")!));
        var chain = plist.GetString("PushCertCertificateChain")!;
        Assert.Equal(3, chain.Split("-----BEGIN CERTIFICATE-----").Length - 1);
        File.WriteAllText(openssl.Path("chain.pem"), chain);
        openssl.Run("req", "-inform", "DER", "-in", "csr.der", "-verify", "-noout");
        // The first certificate of the chain is the one that signed.
        openssl.Run("x509", "-in", "chain.pem", "-pubkey", "-noout", "-out", "vendor.pub");
        openssl.Run("dgst", "-sha256", "-verify", "vendor.pub", "-signature", "signature", "csr.der");
        openssl.Run("verify", "-CAfile", "root.pem", "-untrusted", "chain.pem", "chain.pem");
        Assert.Equal(made.Request, File.ReadAllBytes(openssl.Path("csr.der")));
    }

    [Fact]
    public void The_request_is_for_an_RSA_key_of_2048_bits_that_is_given_with_it()
    {
        var made = PushSigningRequest.Create("District");
        File.WriteAllText(_vendor.OpenSsl.Path("request.pem"), PushSigningRequest.ToPem(made.Request));
        _vendor.OpenSsl.Run("req", "-in", "request.pem", "-pubkey", "-noout", "-out", "request.pub");

        using var key = RSA.Create();
        key.ImportPkcs8PrivateKey(made.PrivateKey, out _);
        Assert.Equal(2048, key.KeySize);
        Assert.Equal(key.ExportSubjectPublicKeyInfoPem(), _vendor.OpenSsl.Text("request.pub").Trim());
        Assert.DoesNotContain("PrivateKey =", made.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_vendor_file_that_lacks_something_says_what()
    {
        (string File, string Words)[] cases =
        [
            (_vendor.File("vendor.pem", "intermediate.pem", "root.pem"), "no private key"),
            (_vendor.File("vendor-key.pem"), "no certificate"),
            (_vendor.File("vendor.pem", "intermediate.pem", "root.pem", "other-key.pem"), "does not belong"),
            (_vendor.File("vendor.pem", "vendor-key.pem", "root.pem"), "CN=Intermediate CA"),
            (_vendor.File("vendor.pem", "vendor-key.pem", "intermediate.pem"), "CN=Root CA"),
            ("nothing", "no certificate"),
        ];
        foreach (var (file, words) in cases)
            Assert.Contains(words, Assert.Throws<PushCertificateException>(() => PushRequestSigner.Read(file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PEM")]
    [InlineData("DER")]
    public void A_certificate_that_comes_alone_is_joined_with_the_kept_key(string form)
    {
        var made = PushSigningRequest.Create("District");
        var openssl = _vendor.OpenSsl;
        File.WriteAllBytes(openssl.Path("push.csr"), made.Request);
        openssl.Run("x509", "-req", "-inform", "DER", "-in", "push.csr", "-CA", "intermediate.pem", "-CAkey", "intermediate-key.pem", "-CAcreateserial", "-days", "100",
            "-subj", $"/C=US/CN=APSP:6f1de2a7/UID={OpenSsl.Topic}", "-outform", form, "-out", "push." + form);
        var alone = openssl.Bytes("push." + form);
        var now = TimeProvider.System.GetUtcNow().AddHours(1);

        using var joined = PushCertificate.Read(alone, null, now, made.PrivateKey);

        Assert.Equal(OpenSsl.Topic, joined.Topic);
        Assert.True(joined.Certificate.HasPrivateKey);
        Assert.Equal(PushCertificateProblem.NoPrivateKey, Assert.Throws<PushCertificateException>(() => PushCertificate.Read(alone, null, now)).Problem);
        var other = PushSigningRequest.Create("District").PrivateKey;
        Assert.Equal(PushCertificateProblem.KeyDoesNotMatch, Assert.Throws<PushCertificateException>(() => PushCertificate.Read(alone, null, now, other)).Problem);
        // A certificate that brings its own key needs no kept one.
        using var whole = PushCertificate.Read(Encoding.ASCII.GetBytes(openssl.Text("certificate.pem") + openssl.Text("key.pem")), null, now, made.PrivateKey);
        Assert.Equal(OpenSsl.Topic, whole.Topic);
    }
}
