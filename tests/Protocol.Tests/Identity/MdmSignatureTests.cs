using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

public sealed class MdmSignatureTests
{
    private const string Sha1 = "1.3.14.3.2.26";
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("<plist><dict><key>Status</key><string>Idle</string></dict></plist>");

    public static TheoryData<string> Kinds => ["EC", "RSA"];

    private static X509Certificate2 Signer(string kind) => kind == "EC" ? TestPki.EcIdentity : TestPki.RsaIdentity;

    [Theory, MemberData(nameof(Kinds))]
    public void A_signature_over_the_body_gives_the_signers_certificate(string kind)
    {
        var certificate = MdmSignature.Verify(Body, TestPki.Header(Body, Signer(kind)));
        Assert.Equal(Signer(kind).RawData, certificate.Der);
        Assert.Equal(Signer(kind).GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256), certificate.Sha256);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Line_breaks_in_the_Base64_do_not_matter(string kind) =>
        MdmSignature.Verify(Body, TestPki.Header(Body, Signer(kind), lineBreaks: true));

    [Theory, MemberData(nameof(Kinds))]
    public void A_signature_without_signed_attributes_is_over_the_body_itself(string kind)
    {
        var header = Convert.ToBase64String(TestPki.Sign(Body, Signer(kind), attributes: false));
        MdmSignature.Verify(Body, header);
        Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => MdmSignature.Verify([1], header)));
    }

    [Theory]
    [InlineData("2.16.840.1.101.3.4.2.1")]
    [InlineData("2.16.840.1.101.3.4.2.2")]
    [InlineData("2.16.840.1.101.3.4.2.3")]
    public void Every_digest_of_SHA_2_is_taken(string digest)
    {
        MdmSignature.Verify(Body, Convert.ToBase64String(TestPki.Sign(Body, TestPki.RsaIdentity, digest)));
        MdmSignature.Verify(Body, Convert.ToBase64String(TestPki.Sign(Body, TestPki.EcIdentity, digest)));
    }

    [Fact]
    public void A_signer_may_be_named_by_its_key_identifier() =>
        MdmSignature.Verify(Body, Convert.ToBase64String(TestPki.Sign(Body, TestPki.EcIdentity, identifier: SubjectIdentifierType.SubjectKeyIdentifier)));

    [Fact]
    public void A_chain_beside_the_signers_certificate_is_allowed()
    {
        var cms = new SignedCms(new ContentInfo(Body), true);
        cms.ComputeSignature(new CmsSigner(TestPki.EcIdentity) { IncludeOption = X509IncludeOption.EndCertOnly });
        cms.AddCertificate(X509CertificateLoader.LoadCertificate(TestPki.Root.Certificate));
        cms.AddCertificate(TestPki.RsaIdentity);
        Assert.Equal(TestPki.EcIdentity.RawData, MdmSignature.Verify(Body, Convert.ToBase64String(cms.Encode())).Der);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_signature_over_another_body_is_refused(string kind)
    {
        var header = TestPki.Header(Body, Signer(kind));
        for (var i = 0; i < Body.Length; i++)
        {
            var other = (byte[])Body.Clone();
            other[i] ^= 1;
            Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => MdmSignature.Verify(other, header)));
        }
        Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => MdmSignature.Verify([], header)));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_signature_of_another_key_is_refused(string kind)
    {
        // Somebody else's certificate on one's own signature: the issuer and number are right, the key is not.
        var cms = TestPki.Sign(Body, Signer(kind));
        cms[^5] ^= 1;
        Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => MdmSignature.Verify(Body, Convert.ToBase64String(cms))));
    }

    [Fact]
    public void A_changed_signed_attribute_is_refused()
    {
        var cms = TestPki.Sign(Body, TestPki.RsaIdentity);
        // The year of the signing time: the digest of the body still agrees.
        var at = cms.AsSpan().LastIndexOf("260302"u8);
        Assert.True(at > 0);
        cms[at + 1]++;
        Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => MdmSignature.Verify(Body, Convert.ToBase64String(cms))));
    }

    [Fact]
    public void More_than_one_signer_is_refused()
    {
        var cms = new SignedCms(new ContentInfo(Body), true);
        cms.ComputeSignature(new CmsSigner(TestPki.EcIdentity) { IncludeOption = X509IncludeOption.EndCertOnly });
        cms.ComputeSignature(new CmsSigner(TestPki.RsaIdentity) { IncludeOption = X509IncludeOption.EndCertOnly });
        Assert.Equal(IdentityRefusal.SeveralSigners, TestPki.Refusal(() => MdmSignature.Verify(Body, Convert.ToBase64String(cms.Encode()))));
    }

    [Fact]
    public void No_signer_is_refused()
    {
        var cms = new SignedCms(new ContentInfo(Body), true);
        cms.ComputeSignature(new CmsSigner(TestPki.EcIdentity) { IncludeOption = X509IncludeOption.EndCertOnly });
        cms.RemoveSignature(0);
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => MdmSignature.Verify(Body, Convert.ToBase64String(cms.Encode()))));
    }

    [Fact]
    public void A_signer_without_its_certificate_is_refused()
    {
        var cms = new SignedCms(new ContentInfo(Body), true);
        cms.ComputeSignature(new CmsSigner(TestPki.EcIdentity) { IncludeOption = X509IncludeOption.None });
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => MdmSignature.Verify(Body, Convert.ToBase64String(cms.Encode()))));
        cms.AddCertificate(TestPki.RsaIdentity);
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => MdmSignature.Verify(Body, Convert.ToBase64String(cms.Encode()))));
    }

    [Fact]
    public void SHA_1_is_taken_unless_it_is_not_wanted_and_MD5_never()
    {
        var header = Convert.ToBase64String(TestPki.Sign(Body, TestPki.RsaIdentity, Sha1));
        MdmSignature.Verify(Body, header);
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm, TestPki.Refusal(() => MdmSignature.Verify(Body, header, WeakestHash.Sha256)));
        var md5 = Convert.ToBase64String(TestPki.Sign(Body, TestPki.RsaIdentity, "1.2.840.113549.2.5"));
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm, TestPki.Refusal(() => MdmSignature.Verify(Body, md5)));
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(3072)]
    [InlineData(4096)]
    public void SHA_1_is_checked_also_where_the_platform_will_not(int bits)
    {
        using var key = System.Security.Cryptography.RSA.Create(bits);
        var parameters = key.ExportParameters(false);
        var hash = System.Security.Cryptography.SHA1.HashData(Body);
        var signature = key.SignHash(hash, System.Security.Cryptography.HashAlgorithmName.SHA1, System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        Assert.True(VerificationKey.VerifySha1(parameters, hash, signature));
        Assert.False(VerificationKey.VerifySha1(parameters, System.Security.Cryptography.SHA1.HashData([1]), signature));
        foreach (var at in (int[])[0, 1, bits / 16, bits / 8 - 1])
        {
            var changed = (byte[])signature.Clone();
            changed[at] ^= 1;
            Assert.False(VerificationKey.VerifySha1(parameters, hash, changed));
        }
        Assert.False(VerificationKey.VerifySha1(parameters, hash, signature[1..]));
        Assert.False(VerificationKey.VerifySha1(parameters, hash, [0, .. signature]));
        Assert.False(VerificationKey.VerifySha1(parameters, hash, parameters.Modulus));
        // Another hash's name in the same place is another signature.
        Assert.False(VerificationKey.VerifySha1(parameters, hash,
            key.SignData(Body, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1)));
    }

    [Theory]
    [InlineData(null, IdentityRefusal.Missing)]
    [InlineData("", IdentityRefusal.Missing)]
    [InlineData("   ", IdentityRefusal.BadBase64)]
    [InlineData("not base64!", IdentityRefusal.BadBase64)]
    [InlineData("AAA", IdentityRefusal.BadBase64)]
    [InlineData("AAAA", IdentityRefusal.BadCms)]
    [InlineData("MAA=", IdentityRefusal.BadCms)]
    [InlineData("MIAAAA==", IdentityRefusal.BadCms)]
    public void What_is_no_signature_is_refused(string? header, IdentityRefusal refusal) =>
        Assert.Equal(refusal, TestPki.Refusal(() => MdmSignature.Verify(Body, header)));

    [Fact]
    public void A_header_over_16_KiB_is_refused_before_it_is_decoded() =>
        Assert.Equal(IdentityRefusal.BadBase64, TestPki.Refusal(() => MdmSignature.Verify(Body, new string('A', MdmSignature.MaxHeaderLength + 1))));

    [Fact]
    public void Enveloped_data_is_not_a_signature()
    {
        var envelope = new EnvelopedCms(new ContentInfo(Body));
        envelope.Encrypt(new CmsRecipient(TestPki.RsaIdentity));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => MdmSignature.Verify(Body, Convert.ToBase64String(envelope.Encode()))));
    }

    [Fact]
    public void The_verifier_refuses_a_stranger_before_it_looks_at_the_body()
    {
        using var stranger = TestPki.Custom(TestPki.EcKey, "CN=stranger", _ => { });
        var verifier = TestPki.Verifier();
        Assert.Equal(IdentityRefusal.UntrustedIssuer,
            TestPki.Refusal(() => verifier.VerifySignature([1], TestPki.Header(Body, stranger), TestPki.Now)));
        Assert.Equal(0, verifier.KnownCount);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_known_certificate_does_not_vouch_for_another_body(string kind)
    {
        var verifier = TestPki.Verifier();
        var header = TestPki.Header(Body, Signer(kind));
        for (var i = 0; i < 3; i++)
        {
            Assert.True(verifier.VerifySignature(Body, header, TestPki.Now).IssuedByUs);
            Assert.Equal(IdentityRefusal.WrongBody, TestPki.Refusal(() => verifier.VerifySignature([1], header, TestPki.Now)));
        }
        Assert.Equal(1, verifier.KnownCount);
    }
}
