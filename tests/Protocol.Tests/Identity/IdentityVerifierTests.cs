using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

public sealed class IdentityVerifierTests
{
    private static readonly X509Certificate2 Root = TestPki.Root.Open();

    [Fact]
    public void A_certificate_of_our_CA_identifies_an_iPad()
    {
        var identity = TestPki.Verifier().Verify(TestPki.EcIdentity.RawData, TestPki.Now);
        Assert.True(identity.IssuedByUs);
        Assert.False(identity.Expired);
        Assert.Equal(SHA256.HashData(TestPki.EcIdentity.RawData), identity.Sha256);
        Assert.Equal(TestPki.EcIdentity.NotAfter.ToUniversalTime(), identity.NotAfter.UtcDateTime);
    }

    [Fact]
    public void A_CA_of_the_same_name_with_another_key_is_not_ours()
    {
        using var impostor = new CertificateAuthority(
            CertificateAuthority.CreateRoot(CaKeyType.EcP256, "District", TestPki.Now, TimeSpan.FromDays(7300)));
        Assert.Equal(TestPki.Ca.Certificate.Subject, impostor.Certificate.Subject);
        using var forged = TestPki.Identity(TestPki.EcKey, impostor);
        Assert.Equal(IdentityRefusal.UntrustedIssuer, TestPki.Refusal(() => TestPki.Verifier().Verify(forged.RawData, TestPki.Now)));
    }

    [Fact]
    public void A_further_trusted_CA_is_trusted_and_told_apart()
    {
        using var other = new CertificateAuthority(
            CertificateAuthority.CreateRoot(CaKeyType.Rsa3072, "Old server", TestPki.Now, TimeSpan.FromDays(7300)));
        using var certificate = TestPki.Identity(TestPki.RsaKey, other);
        Assert.Equal(IdentityRefusal.UntrustedIssuer, TestPki.Refusal(() => TestPki.Verifier().Verify(certificate.RawData, TestPki.Now)));
        var verifier = TestPki.Verifier(trusted: [other.Certificate]);
        Assert.False(verifier.Verify(certificate.RawData, TestPki.Now).IssuedByUs);
        Assert.False(verifier.Verify(certificate.RawData, TestPki.Now).IssuedByUs);
        Assert.True(verifier.Verify(TestPki.EcIdentity.RawData, TestPki.Now).IssuedByUs);
    }

    [Fact]
    public void An_expired_certificate_identifies_within_the_grace_period_only()
    {
        var notAfter = new DateTimeOffset(TestPki.EcIdentity.NotAfter.ToUniversalTime());
        var verifier = TestPki.Verifier(TimeSpan.FromDays(30));
        Assert.False(verifier.Verify(TestPki.EcIdentity.RawData, notAfter).Expired);
        Assert.True(verifier.Verify(TestPki.EcIdentity.RawData, notAfter.AddSeconds(1)).Expired);
        Assert.True(verifier.Verify(TestPki.EcIdentity.RawData, notAfter.AddDays(30)).Expired);
        Assert.Equal(IdentityRefusal.Expired, TestPki.Refusal(() => verifier.Verify(TestPki.EcIdentity.RawData, notAfter.AddDays(30).AddSeconds(1))));
        Assert.Equal(IdentityRefusal.Expired, TestPki.Refusal(() => TestPki.Verifier().Verify(TestPki.EcIdentity.RawData, notAfter.AddSeconds(1))));
    }

    [Fact]
    public void A_certificate_of_tomorrow_is_refused_today() =>
        Assert.Equal(IdentityRefusal.NotYetValid,
            TestPki.Refusal(() => TestPki.Verifier().Verify(TestPki.EcIdentity.RawData, TestPki.Now.AddDays(-1))));

    [Fact]
    public void Our_own_services_certificates_never_pass_for_an_iPads()
    {
        var verifier = TestPki.Verifier();
        var lifetime = TimeSpan.FromDays(90);
        KeyedCertificate[] services =
        [
            TestPki.Ca.IssueRegistrationAuthority("District", TestPki.Now, lifetime),
            TestPki.Ca.IssueProfileSigner("District", TestPki.Now, lifetime),
            TestPki.Ca.IssueServer(["mdm.example.org"], TestPki.Now, lifetime),
        ];
        foreach (var service in services)
            Assert.Equal(IdentityRefusal.WrongUsage, TestPki.Refusal(() => verifier.Verify(service.Certificate, TestPki.Now)));
        Assert.NotEqual(IdentityRefusal.Missing, TestPki.Refusal(() => verifier.Verify(TestPki.Root.Certificate, TestPki.Now)));
        Assert.Equal(0, verifier.KnownCount);
    }

    public static TheoryData<string> Unfit => ["ca", "critical", "encipherment", "server"];

    [Theory, MemberData(nameof(Unfit))]
    public void A_certificate_that_is_not_for_clients_is_refused(string kind)
    {
        using var certificate = TestPki.Custom(TestPki.EcKey, "CN=odd", request =>
        {
            X509Extension clientAuthentication = new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false);
            request.CertificateExtensions.Add(kind == "server"
                ? new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false)
                : clientAuthentication);
            if (kind == "ca")
                request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            if (kind == "critical")
                request.CertificateExtensions.Add(new X509Extension("1.2.3.4", [5, 0], true));
            if (kind == "encipherment")
                request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyEncipherment, true));
        }, Root);
        Assert.Equal(IdentityRefusal.WrongUsage, TestPki.Refusal(() => TestPki.Verifier().Verify(certificate.RawData, TestPki.Now)));
    }

    [Fact]
    public void A_further_CA_need_not_say_that_its_certificates_are_for_clients()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var other = TestPki.Custom(key, "CN=Old server", r => r.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true)));
        using var bare = TestPki.Custom(TestPki.EcKey, "CN=iPad", r => r.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.DecipherOnly, true)), other);
        Assert.False(TestPki.Verifier(trusted: [IdentityCertificate.Parse(other.RawData)]).Verify(bare.RawData, TestPki.Now).IssuedByUs);
        using var ours = TestPki.Custom(TestPki.EcKey, "CN=iPad", _ => { }, Root);
        Assert.Equal(IdentityRefusal.WrongUsage, TestPki.Refusal(() => TestPki.Verifier().Verify(ours.RawData, TestPki.Now)));
    }

    [Fact]
    public void A_further_CA_that_signs_with_SHA_1_is_taken_only_when_asked_for()
    {
        using var other = TestPki.Custom(TestPki.RsaKey, "CN=Old server", r => r.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true)));
        var request = TestPki.Request(TestPki.EcKey, "CN=iPad");
        var der = request.Create(other.SubjectName, new TestPki.Sha1Generator(TestPki.RsaKey), TestPki.Now.AddDays(-1), TestPki.Now.AddDays(9), [1, 2, 3]).RawData;
        var trusted = new[] { IdentityCertificate.Parse(other.RawData) };
        Assert.Equal(IdentityRefusal.UnsupportedAlgorithm, TestPki.Refusal(() => TestPki.Verifier(trusted: trusted).Verify(der, TestPki.Now)));
        TestPki.Verifier(trusted: trusted, certificates: WeakestHash.Sha1).Verify(der, TestPki.Now);
    }

    [Fact]
    public void No_certificate_and_no_DER_are_refused()
    {
        var verifier = TestPki.Verifier();
        Assert.Equal(IdentityRefusal.Missing, TestPki.Refusal(() => verifier.Verify(default, TestPki.Now)));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => verifier.Verify(new byte[] { 1, 2, 3 }, TestPki.Now)));
        Assert.Equal(IdentityRefusal.BadCms, TestPki.Refusal(() => verifier.Verify(new byte[IdentityCertificate.MaxBytes + 1], TestPki.Now)));
    }

    [Fact]
    public void The_cache_is_bounded_and_forgets_nothing_that_matters()
    {
        // Without keys sixteen of them take the room of one.
        const int Capacity = 1;
        const int Most = 2 * 16 * Capacity;
        var verifier = TestPki.Verifier(capacity: Capacity);
        var certificates = Enumerable.Range(0, 40).Select(_ => TestPki.Identity(TestPki.EcKey).RawData).ToArray();
        for (var round = 0; round < 3; round++)
        {
            foreach (var certificate in certificates)
            {
                Assert.True(verifier.Verify(certificate, TestPki.Now).IssuedByUs);
                Assert.InRange(verifier.KnownCount, 1, Most);
            }
        }
    }

    [Fact]
    public void A_certificate_that_was_shown_without_a_signature_may_sign_the_next_message()
    {
        var verifier = TestPki.Verifier();
        var certificate = TestPki.Identity(TestPki.EcKey);
        byte[] body = [1, 2, 3];
        var shown = verifier.Verify(certificate.RawData, TestPki.Now);
        for (var i = 0; i < 2; i++)
            Assert.Equal(shown, verifier.VerifySignature(body, TestPki.Header(body, certificate), TestPki.Now));
        Assert.Equal(1, verifier.KnownCount);
    }

    [Fact]
    public async Task Many_threads_may_verify_at_once()
    {
        var verifier = TestPki.Verifier(capacity: 16);
        var certificates = Enumerable.Range(0, 24).Select(_ => TestPki.Identity(TestPki.EcKey)).ToArray();
        byte[] body = [1, 2, 3];
        var headers = certificates.Select(c => TestPki.Header(body, c)).ToArray();
        await Parallel.ForAsync(0, 400, (i, _) =>
        {
            var expected = SHA256.HashData(certificates[i % certificates.Length].RawData);
            Assert.Equal(expected, verifier.VerifySignature(body, headers[i % headers.Length], TestPki.Now).Sha256);
            return ValueTask.CompletedTask;
        });
        Assert.InRange(verifier.KnownCount, 1, 32 + Environment.ProcessorCount);
    }
}
