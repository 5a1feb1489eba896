using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

public sealed class ScepTests
{
    private const string Sha1 = "1.3.14.3.2.26";
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    public static TheoryData<string> Ciphers => [TestScepClient.Aes128, TestScepClient.Aes192, TestScepClient.Aes256, TestScepClient.TripleDes];

    private static ScepFailInfo Failure(byte[] message, bool allowLegacy = false)
    {
        using var responder = TestScepClient.Responder(allowLegacy);
        var request = responder.Read(message);
        var refusal = Assert.Throws<ScepException>(() => responder.Open(request)).FailInfo;
        var answer = TestScepClient.Read(responder.Failure(request, refusal));
        Assert.Equal(("3", "2", ((int)refusal).ToString(), request.TransactionId),
            (answer.MessageType, answer.Status, answer.FailInfo, answer.Transaction));
        Assert.Equal(request.SenderNonce, answer.RecipientNonce);
        Assert.Null(answer.Issued);
        return refusal;
    }

    [Theory, MemberData(nameof(Ciphers))]
    public void A_request_is_answered_with_a_certificate_for_its_key(string cipher)
    {
        using var responder = TestScepClient.Responder();
        var csr = TestPki.Csr(TestPki.RsaKey, "CN=iPad 7, O=School", "the secret_challenge");
        var request = responder.Read(TestScepClient.Message(TestScepClient.Envelope(csr, cipher), transaction: "T1"));
        Assert.Equal(ScepMessageType.PkcsReq, request.MessageType);
        var opened = responder.Open(request);
        Assert.Equal("the secret_challenge", opened.Challenge);
        var issued = TestPki.Ca.IssueIdentity(opened, TestPki.Now, Year);

        var answer = TestScepClient.Read(responder.Success(request, issued.Der));
        Assert.Equal(("3", "0", null, "T1"), (answer.MessageType, answer.Status, answer.FailInfo, answer.Transaction));
        Assert.Equal(request.SenderNonce, answer.RecipientNonce);
        Assert.Equal($"CN=iPad {Convert.ToHexStringLower(opened.PublicKeySha256.AsSpan(0, 8))}, O=District", answer.Issued!.Subject);
        Assert.Equal(TestPki.RsaKey.ExportSubjectPublicKeyInfo(), answer.Issued.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.True(TestPki.Verifier().Verify(answer.Issued.RawData, TestPki.Now).IssuedByUs);
    }

    [Fact]
    public void The_certified_key_may_be_another_kind_than_the_signers()
    {
        using var responder = TestScepClient.Responder();
        var request = responder.Read(TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.EcKey))));
        var issued = TestPki.Ca.IssueIdentity(responder.Open(request), TestPki.Now, Year);
        var answer = TestScepClient.Read(responder.Success(request, issued.Der));
        Assert.Equal(TestPki.EcKey.ExportSubjectPublicKeyInfo(), answer.Issued!.PublicKey.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public void A_renewal_names_the_certificate_that_it_renews()
    {
        using var responder = TestScepClient.Responder();
        var request = responder.Read(TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey)), "17", TestPki.RsaIdentity));
        responder.Open(request);
        Assert.Equal(ScepMessageType.RenewalReq, request.MessageType);
        Assert.Equal(TestPki.RsaIdentity.RawData, request.Signer.Der);
    }

    [Fact]
    public void An_envelope_for_the_previous_RA_is_still_opened()
    {
        var next = TestPki.Ca.IssueRegistrationAuthority("District", TestPki.Now, Year);
        using var responder = new ScepResponder(TestPki.Ca.Certificate, [next, TestScepClient.Ra]);
        responder.Open(responder.Read(TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey)))));
        responder.Open(responder.Read(TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey), to: next))));
    }

    [Fact]
    public void An_envelope_may_name_the_RA_by_its_key_identifier()
    {
        using var responder = TestScepClient.Responder();
        var envelope = new EnvelopedCms(new ContentInfo(TestPki.Csr(TestPki.RsaKey)));
        envelope.Encrypt(new CmsRecipient(SubjectIdentifierType.SubjectKeyIdentifier, X509CertificateLoader.LoadCertificate(TestScepClient.Ra.Certificate)));
        responder.Open(responder.Read(TestScepClient.Message(envelope.Encode())));
    }

    [Fact]
    public void An_envelope_for_somebody_else_is_refused()
    {
        var other = TestPki.Ca.IssueRegistrationAuthority("District", TestPki.Now, Year);
        Assert.Equal(ScepFailInfo.BadCertId, Failure(TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey), to: other))));
    }

    [Fact]
    public void A_wrong_key_and_a_wrong_content_are_refused_alike()
    {
        // RSA first: the wrapped key is the last but one octet string of 256 bytes. Then the content's last block.
        var envelope = TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey));
        var wrapped = envelope.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x04, 0x82, 0x01, 0x00]);
        Assert.True(wrapped > 0);
        envelope[wrapped + 100] ^= 1;
        Assert.Contains(Failure(TestScepClient.Message(envelope)), (ScepFailInfo[])[ScepFailInfo.BadMessageCheck, ScepFailInfo.BadRequest]);
        envelope[wrapped + 100] ^= 1;
        envelope[^1] ^= 1;
        Assert.Contains(Failure(TestScepClient.Message(envelope)), (ScepFailInfo[])[ScepFailInfo.BadMessageCheck, ScepFailInfo.BadRequest]);
    }

    [Theory]
    [InlineData("20", ScepFailInfo.BadCertId)]
    [InlineData("21", ScepFailInfo.BadRequest)]
    [InlineData("22", ScepFailInfo.BadRequest)]
    [InlineData("3", ScepFailInfo.BadRequest)]
    [InlineData("4711", ScepFailInfo.BadRequest)]
    public void What_is_not_a_request_for_a_certificate_is_refused(string messageType, ScepFailInfo failInfo) =>
        Assert.Equal(failInfo, Failure(TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey)), messageType)));

    [Fact]
    public void DES_and_MD5_need_the_option()
    {
        var csr = TestPki.Csr(TestPki.RsaKey);
        var des = TestScepClient.Message(TestScepClient.Envelope(csr, TestScepClient.Des));
        var md5 = TestScepClient.Message(TestScepClient.Envelope(csr), digest: "1.2.840.113549.2.5");
        Assert.Equal(ScepFailInfo.BadAlg, Failure(des));
        Assert.Equal(ScepFailInfo.BadAlg, Failure(md5));
        using var lenient = TestScepClient.Responder(allowLegacy: true);
        var request = lenient.Read(des);
        var issued = TestPki.Ca.IssueIdentity(lenient.Open(request), TestPki.Now, Year);
        Assert.NotNull(TestScepClient.Read(lenient.Success(request, issued.Der)).Issued);
        lenient.Open(lenient.Read(md5));
    }

    [Fact]
    public void SHA_1_and_3DES_are_taken_everywhere_in_a_request()
    {
        using var responder = TestScepClient.Responder();
        var csr = TestPki.Csr(TestPki.RsaKey, challenge: "c", hash: HashAlgorithmName.SHA1);
        var request = responder.Read(TestScepClient.Message(TestScepClient.Envelope(csr, TestScepClient.TripleDes), digest: Sha1));
        Assert.Equal("c", responder.Open(request).Challenge);
    }

    [Fact]
    public void A_request_signed_with_a_huge_key_is_refused_before_it_is_checked()
    {
        using var key = RSA.Create(4104);
        using var requester = TestPki.Custom(key, "CN=iPad", _ => { });
        var message = TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey)), signer: requester);
        Assert.Equal(ScepFailInfo.BadAlg, Failure(message));
        // Not the signature is what it is refused for.
        message[^1] ^= 1;
        Assert.Equal(ScepFailInfo.BadAlg, Failure(message));
    }

    [Fact]
    public void A_requester_with_an_EC_key_cannot_be_answered()
    {
        using var requester = TestPki.Custom(TestPki.EcKey, "CN=iPad", _ => { });
        Assert.Equal(ScepFailInfo.BadAlg, Failure(TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.EcKey)), signer: requester)));
    }

    [Fact]
    public void A_request_for_a_short_key_is_refused()
    {
        using var key = RSA.Create(1024);
        Assert.Equal(ScepFailInfo.BadAlg, Failure(TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(key)))));
    }

    [Fact]
    public void A_request_without_proof_of_possession_is_refused()
    {
        var csr = TestPki.Csr(TestPki.RsaKey);
        csr[^1] ^= 1;
        Assert.Equal(ScepFailInfo.BadMessageCheck, Failure(TestScepClient.Message(TestScepClient.Envelope(csr))));
    }

    [Fact]
    public void Something_else_in_the_envelope_is_refused()
    {
        Assert.Equal(ScepFailInfo.BadRequest, Failure(TestScepClient.Message(TestScepClient.Envelope([1, 2, 3]))));
        Assert.Equal(ScepFailInfo.BadRequest, Failure(TestScepClient.Message([1, 2, 3])));
        Assert.Equal(ScepFailInfo.BadRequest, Failure(TestScepClient.Message(TestPki.Sign([1], TestPki.RsaIdentity))));
    }

    [Fact]
    public void A_changed_message_is_refused()
    {
        var message = TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey)));
        message[^1] ^= 1;
        Assert.Equal(ScepFailInfo.BadMessageCheck, Failure(message));
    }

    [Theory]
    [InlineData("2")]
    [InlineData("5")]
    [InlineData("7")]
    public void A_message_that_cannot_be_answered_is_refused_as_a_whole(string attribute)
    {
        using var responder = TestScepClient.Responder();
        var message = TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey)), without: attribute);
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(message)));
    }

    [Fact]
    public void Broken_attributes_are_refused_as_a_whole()
    {
        using var responder = TestScepClient.Responder();
        var envelope = TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(TestScepClient.Message(envelope, transaction: ""))));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(TestScepClient.Message(envelope, transaction: new string('A', 256)))));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(TestScepClient.Message(envelope, transaction: "under_score"))));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(TestScepClient.Message(envelope, messageType: "nineteen"))));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(TestScepClient.Message(envelope, nonce: []))));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(TestScepClient.Message(envelope, nonce: new byte[65]))));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => responder.Read(new byte[ScepResponder.MaxMessageBytes + 1])));
    }

    [Fact]
    public void The_capabilities_are_those_of_RFC_8894()
    {
        using var responder = TestScepClient.Responder();
        Assert.Equal("AES\nDES3\nSHA-256\nSHA-384\nSHA-512\nPOSTPKIOperation\nRenewal\nSCEPStandard\n", responder.Capabilities);
    }

    [Fact]
    public void GetCACert_gives_the_RA_and_the_CA()
    {
        using var responder = TestScepClient.Responder();
        var cms = new SignedCms();
        cms.Decode(responder.CaCertificates());
        Assert.Empty(cms.SignerInfos);
        byte[][] given = [.. cms.Certificates.Select(c => c.RawData)];
        Assert.Equal(2, given.Length);
        Assert.Contains(given, der => der.AsSpan().SequenceEqual(TestScepClient.Ra.Certificate));
        Assert.Contains(given, der => der.AsSpan().SequenceEqual(TestPki.Root.Certificate));
        // DER has one order for a SET; some readers complain of any other.
        Assert.True(given[0].AsSpan().SequenceCompareTo(given[1]) < 0);
    }
}
