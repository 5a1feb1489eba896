using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

public sealed class CertificateSigningRequestTests
{
    private const string ChallengePassword = "1.2.840.113549.1.9.7";

    private static byte[] WithChallenge(params byte[][] values)
    {
        var request = TestPki.Request(TestPki.EcKey, "CN=iPad");
        foreach (var value in values)
            request.OtherRequestAttributes.Add(new AsnEncodedData(ChallengePassword, value));
        return request.CreateSigningRequest();
    }

    [Theory]
    [InlineData("1.2.840.10045.3.1.7")]
    [InlineData("1.3.132.0.34")]
    [InlineData("1.3.132.0.35")]
    public void Every_curve_is_taken(string curve)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromValue(curve));
        var csr = CertificateSigningRequest.Parse(TestPki.Csr(key, hash: HashAlgorithmName.SHA512));
        Assert.False(csr.IsRsa);
        Assert.Equal(SHA256.HashData(key.ExportSubjectPublicKeyInfo()), csr.PublicKeySha256);
        Assert.NotNull(TestPki.Ca.IssueIdentity(csr, TestPki.Now, TimeSpan.FromDays(1)));
    }

    [Fact]
    public void A_curve_that_is_not_Apples_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.brainpoolP256r1);
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm, TestPki.Refusal(() => CertificateSigningRequest.Parse(TestPki.Csr(key))));
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(1536)]
    [InlineData(4104)]
    public void An_RSA_key_that_is_too_short_or_too_long_is_refused(int bits)
    {
        using var key = RSA.Create(bits);
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm, TestPki.Refusal(() => CertificateSigningRequest.Parse(TestPki.Csr(key))));
    }

    [Fact]
    public void A_challenge_may_be_any_kind_of_text()
    {
        Assert.Null(CertificateSigningRequest.Parse(TestPki.Csr(TestPki.EcKey)).Challenge);
        Assert.Equal("a_b", CertificateSigningRequest.Parse(WithChallenge(TestPki.PrintableString("a_b"))).Challenge);
        Assert.Equal("a_b", CertificateSigningRequest.Parse(WithChallenge([0x0C, 3, .. "a_b"u8])).Challenge);
        Assert.Equal("a_b", CertificateSigningRequest.Parse(WithChallenge([0x1E, 6, 0, .. "a"u8, 0, .. "_"u8, 0, .. "b"u8])).Challenge);
    }

    [Fact]
    public void Two_challenges_or_an_endless_one_are_refused()
    {
        Assert.Equal(IdentityRefusal.BadCms,
            TestPki.Refusal(() => CertificateSigningRequest.Parse(WithChallenge(TestPki.PrintableString("a"), TestPki.PrintableString("b")))));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => CertificateSigningRequest.Parse(WithChallenge(TestPki.PrintableString(new string('a', 513))))));
    }

    [Fact]
    public void A_request_without_a_name_gets_one()
    {
        var csr = CertificateSigningRequest.Parse(TestPki.Csr(TestPki.EcKey, ""));
        Assert.StartsWith("CN=iPad ", TestPki.Ca.IssueIdentity(csr, TestPki.Now, TimeSpan.FromDays(1)).SubjectName, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_request_asks_for_beyond_its_name_is_not_given()
    {
        var request = TestPki.Request(TestPki.EcKey, "CN=iPad");
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("mdm.example.org");
        request.CertificateExtensions.Add(names.Build());
        var csr = CertificateSigningRequest.Parse(request.CreateSigningRequest());
        var issued = TestPki.Ca.IssueIdentity(csr, TestPki.Now, TimeSpan.FromDays(1));
        Assert.False(issued.IsCa);
        Assert.DoesNotContain(X509CertificateLoader.LoadCertificate(issued.Der.Span).Extensions, e => e is X509SubjectAlternativeNameExtension);
    }

    [Fact]
    public void A_request_signed_by_another_key_is_refused()
    {
        var generator = X509SignatureGenerator.CreateForECDsa(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        var forged = new CertificateRequest(new X500DistinguishedName("CN=iPad"), new PublicKey(TestPki.EcKey), HashAlgorithmName.SHA256).CreateSigningRequest(generator);
        Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => CertificateSigningRequest.Parse(forged)));
    }

    [Fact]
    public void A_request_signed_with_another_kind_of_key_is_refused()
    {
        var generator = X509SignatureGenerator.CreateForRSA(TestPki.RsaKey, RSASignaturePadding.Pkcs1);
        var forged = new CertificateRequest(new X500DistinguishedName("CN=iPad"), new PublicKey(TestPki.EcKey), HashAlgorithmName.SHA256).CreateSigningRequest(generator);
        Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => CertificateSigningRequest.Parse(forged)));
    }
}
