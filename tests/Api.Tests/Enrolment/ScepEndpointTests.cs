using System.Net;
using System.Net.Http.Headers;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using CsCheck;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Tests.Identity;

namespace FleetMdm.Api.Tests.Enrolment;

[Collection(EnrolmentCollection.Name)]
public sealed class ScepEndpointTests(EnrolmentHost host)
{
    private async Task<KeyedCertificate> Ra()
    {
        var cms = new SignedCms();
        cms.Decode(await host.Client.GetByteArrayAsync("/scep?operation=GetCACert&message=ca"));
        return new KeyedCertificate(cms.Certificates.Single(c => !c.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority).RawData, []);
    }

    private async Task<byte[]> Request(AsymmetricAlgorithm key, string? challenge, string messageType = "19", X509Certificate2? signer = null) =>
        TestScepClient.Message(TestScepClient.Envelope(TestPki.Csr(key, challenge: challenge), to: await Ra()), messageType, signer);

    private async Task<byte[]> Post(byte[] message)
    {
        var answer = await host.Client.PostAsync("/scep?operation=PKIOperation", new ByteArrayContent(message));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/x-pki-message", answer.Content.Headers.ContentType!.MediaType);
        return await answer.Content.ReadAsByteArrayAsync();
    }

    private async Task<ScepAnswer> Ask(byte[] message) => TestScepClient.Read(await Post(message), ra: (await Ra()).Certificate);

    [Fact]
    public async Task GetCACaps_is_a_list_of_lines()
    {
        var answer = await host.Client.GetAsync("/scep?operation=GetCACaps");
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains("SCEPStandard", (await answer.Content.ReadAsStringAsync()).Split('\n'));
    }

    [Fact]
    public async Task GetCACert_gives_RA_and_CA()
    {
        var answer = await host.Client.GetAsync("/scep?operation=GetCACert");
        Assert.Equal("application/x-x509-ca-ra-cert", answer.Content.Headers.ContentType!.MediaType);
    }

    public static TheoryData<bool> Escaped => [true, false];

    [Theory, MemberData(nameof(Escaped))]
    public async Task A_certificate_can_be_had_by_GET(bool escaped)
    {
        var invitation = await host.Invite();
        var message = Convert.ToBase64String(await Request(TestPki.RsaKey, await host.Challenge(invitation.Id)));
        var answer = await host.Client.GetAsync($"/scep?operation=PKIOperation&message={(escaped ? Uri.EscapeDataString(message) : message)}");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var read = TestScepClient.Read(await answer.Content.ReadAsByteArrayAsync(), ra: (await Ra()).Certificate);
        Assert.Equal("0", read.Status);
        Assert.NotNull(read.Issued);
    }

    [Fact]
    public async Task A_repeated_request_gets_the_same_certificate_and_another_key_none()
    {
        var invitation = await host.Invite(maxUses: 5);
        var challenge = await host.Challenge(invitation.Id);
        var first = await Ask(await Request(TestPki.RsaKey, challenge));
        var again = await Ask(await Request(TestPki.RsaKey, challenge));
        Assert.Equal(first.Issued!.RawData, again.Issued!.RawData);

        var thief = await Ask(await Request(TestPki.EcKey, challenge));
        Assert.Equal(("2", "2"), (thief.Status, thief.FailInfo));
        Assert.Equal(1, (await host.Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task An_invitation_gives_as_many_certificates_as_it_says()
    {
        var invitation = await host.Invite(maxUses: 1);
        Assert.Equal("0", (await Ask(await Request(TestPki.RsaKey, await host.Challenge(invitation.Id)))).Status);
        Assert.Equal("2", (await Ask(await Request(TestPki.RsaKey, await host.Challenge(invitation.Id)))).Status);
    }

    [Fact]
    public async Task A_profile_for_many_gives_each_key_its_certificate_and_each_takes_a_place()
    {
        var invitation = await host.Invite(maxUses: 2);
        var challenge = OneTimeChallenge.Create((await host.Authority.Get()).ChallengeKey, invitation.Id, host.Time.GetUtcNow().AddDays(1), kind: ChallengeKind.Many);
        using var third = RSA.Create(2048);

        var first = await Ask(await Request(TestPki.RsaKey, challenge));
        var second = await Ask(await Request(TestPki.EcKey, challenge));
        Assert.NotEqual(first.Issued!.RawData, second.Issued!.RawData);
        Assert.Equal(first.Issued.RawData, (await Ask(await Request(TestPki.RsaKey, challenge))).Issued!.RawData);
        Assert.Equal(("2", "2"), await Outcome(await Request(third, challenge)));
        Assert.Equal(2, (await host.Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task A_revoked_invitation_gives_none()
    {
        var invitation = await host.Invite();
        var message = await Request(TestPki.RsaKey, await host.Challenge(invitation.Id));
        await host.Store.RevokeInvitation(invitation.Id, host.Time.GetUtcNow());
        Assert.Equal(("2", "2"), await Outcome(message));
    }

    [Fact]
    public async Task A_challenge_that_is_missing_old_or_foreign_gives_none()
    {
        var invitation = await host.Invite();
        Assert.Equal(("2", "2"), await Outcome(await Request(TestPki.RsaKey, null)));
        Assert.Equal(("2", "2"), await Outcome(await Request(TestPki.RsaKey, await host.Challenge(invitation.Id, TimeSpan.FromSeconds(-1)))));
        Assert.Equal(("2", "2"), await Outcome(await Request(TestPki.RsaKey,
            OneTimeChallenge.Create(new byte[32], invitation.Id, host.Time.GetUtcNow().AddHours(1)))));
        Assert.Equal(("2", "2"), await Outcome(await Request(TestPki.RsaKey, await host.Challenge("unknown"))));
    }

    private async Task<(string?, string?)> Outcome(byte[] message)
    {
        var answer = await Ask(message);
        Assert.Null(answer.Issued);
        return (answer.Status, answer.FailInfo);
    }

    [Fact]
    public async Task The_server_names_the_certificate_whatever_was_asked_for()
    {
        var invitation = await host.Invite();
        var csr = TestPki.Csr(TestPki.RsaKey, "CN=FleetMdm MDM profiles, O=FleetMdm", await host.Challenge(invitation.Id));
        var answer = await Ask(TestScepClient.Message(TestScepClient.Envelope(csr, to: await Ra())));
        Assert.Matches("^CN=iPad [0-9a-f]{16}, O=Springfield Schools$", answer.Issued!.Subject);
    }

    [Fact]
    public async Task A_client_of_former_days_gets_a_certificate()
    {
        var invitation = await host.Invite();
        var csr = TestPki.Csr(TestPki.RsaKey, challenge: await host.Challenge(invitation.Id), hash: HashAlgorithmName.SHA1);
        var answer = await Ask(TestScepClient.Message(TestScepClient.Envelope(csr, TestScepClient.TripleDes, await Ra()), digest: "1.3.14.3.2.26"));
        Assert.Equal("0", answer.Status);
    }

    /// <summary>As micromdm's and mdmb's client do it: it encrypts to each certificate of GetCACert, and knows RSA only.</summary>
    [Fact]
    public async Task A_client_that_encrypts_to_every_certificate_gets_one()
    {
        var all = new SignedCms();
        all.Decode(await host.Client.GetByteArrayAsync("/scep?operation=GetCACert"));
        Assert.All(all.Certificates, certificate => Assert.NotNull(certificate.GetRSAPublicKey()));
        var invitation = await host.Invite();
        var envelope = new EnvelopedCms(new ContentInfo(TestPki.Csr(TestPki.RsaKey, challenge: await host.Challenge(invitation.Id))));
        envelope.Encrypt(new CmsRecipientCollection(SubjectIdentifierType.IssuerAndSerialNumber, all.Certificates));
        Assert.Equal("0", (await Ask(TestScepClient.Message(envelope.Encode()))).Status);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(17)]
    public async Task A_key_with_a_small_exponent_gets_none(int exponent)
    {
        var invitation = await host.Invite();
        using var key = WithExponent(exponent);
        Assert.Equal(("2", "0"), await Outcome(await Request(key, await host.Challenge(invitation.Id))));
    }

    [Fact]
    public async Task A_refused_message_gets_the_same_answer_for_a_minute_and_costs_nothing()
    {
        var message = await Request(TestPki.RsaKey, null);
        var first = await Post(message);
        // A nonce of the server's is in each answer that is made.
        Assert.Equal(first, await Post(message));
        try
        {
            host.Time.Shift = TimeSpan.FromSeconds(61);
            Assert.NotEqual(first, await Post(message));
        }
        finally
        {
            host.Time.Shift = TimeSpan.Zero;
        }
    }

    [Fact]
    public async Task A_granted_message_gets_the_same_answer_again_and_costs_nothing()
    {
        var invitation = await host.Invite(maxUses: 1);
        var message = await Request(TestPki.RsaKey, await host.Challenge(invitation.Id));
        var first = await Post(message);
        Assert.Equal(first, await Post(message));
        try
        {
            // Later it is worked on again, for the same certificate.
            host.Time.Shift = TimeSpan.FromSeconds(61);
            var later = await Ask(message);
            Assert.Equal("0", later.Status);
        }
        finally
        {
            host.Time.Shift = TimeSpan.Zero;
        }
    }

    [Fact]
    public async Task A_refused_message_is_known_again_when_a_byte_was_changed_that_nobody_signed()
    {
        var message = await Request(TestPki.RsaKey, null);
        var first = await Post(message);
        // The outermost version says nothing and is not signed: 1, and any other number.
        var version = message.AsSpan().IndexOf("\u0002\u0001\u0001"u8);
        message[version + 2] = 3;
        Assert.Equal(first, await Post(message));
    }

    /// <summary>.NET makes no key with a small exponent, but uses one.</summary>
    private static RSA WithExponent(int exponent)
    {
        var e = new BigInteger(exponent);
        while (true)
        {
            using var primes = RSA.Create(2048);
            var made = primes.ExportParameters(true);
            BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
            byte[] Bytes(BigInteger number, int length)
            {
                var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
                return [.. new byte[length - bytes.Length], .. bytes];
            }
            var (p, q) = (Number(made.P!), Number(made.Q!));
            var phi = (p - 1) * (q - 1);
            if (BigInteger.GreatestCommonDivisor(e, phi) != 1) continue;
            var d = Inverse(e, phi);
            return RSA.Create(made with
            {
                Exponent = e.ToByteArray(isUnsigned: true, isBigEndian: true),
                D = Bytes(d, 256),
                DP = Bytes(d % (p - 1), 128),
                DQ = Bytes(d % (q - 1), 128),
            });
        }
    }

    private static BigInteger Inverse(BigInteger value, BigInteger modulus)
    {
        // value is small, so the inverse is (k * modulus + 1) / value for a small k.
        for (var k = BigInteger.One; ; k++)
        {
            if ((k * modulus + 1) % value == 0) return (k * modulus + 1) / value;
        }
    }

    [Fact]
    public async Task Only_a_certificate_of_ours_is_renewed()
    {
        var invitation = await host.Invite();
        var issued = (await Ask(await Request(TestPki.RsaKey, await host.Challenge(invitation.Id)))).Issued!;
        using var ours = issued.CopyWithPrivateKey(TestPki.RsaKey);
        using var next = RSA.Create(2048);
        var renewal = await Request(next, null, "17", ours);
        Assert.Equal(("2", "4"), await Outcome(renewal));
        await host.Use(issued);
        var answer = TestScepClient.Read(await Post(renewal), ours, (await Ra()).Certificate);
        Assert.Equal("0", answer.Status);
        Assert.Equal(next.ExportSubjectPublicKeyInfo(), answer.Issued!.PublicKey.ExportSubjectPublicKeyInfo());
        // The very same message once more, as after a lost answer or from a recording.
        Assert.Equal(answer.Issued.RawData, TestScepClient.Read(await Post(renewal), ours, (await Ra()).Certificate).Issued!.RawData);

        // Self-signed, and of another CA of the same kind.
        Assert.Equal(("2", "1"), await Outcome(await Request(next, null, "17")));
        Assert.Equal(("2", "1"), await Outcome(await Request(next, null, "17", TestPki.RsaIdentity)));
    }

    [Fact]
    public async Task A_certificate_expired_beyond_grace_is_not_renewed()
    {
        var csr = CertificateSigningRequest.Parse(TestPki.Csr(TestPki.RsaKey));
        var old = (await host.Authority.Get()).Ca.IssueIdentity(csr, host.Time.GetUtcNow(), TimeSpan.FromDays(30));
        using var certificate = TestPki.WithKey(old.Der.ToArray(), TestPki.RsaKey);
        await host.Use(certificate);
        var message = await Request(TestPki.RsaKey, null, "17", certificate);
        try
        {
            host.Time.Shift = TimeSpan.FromDays(30 + 89);
            Assert.Equal("0", (await Ask(message)).Status);
            host.Time.Shift = TimeSpan.FromDays(30 + 91);
            Assert.Equal(("2", "3"), await Outcome(message));
        }
        finally
        {
            host.Time.Shift = TimeSpan.Zero;
        }
    }

    [Theory]
    [InlineData("/scep")]
    [InlineData("/scep?operation=GetNextCACert")]
    [InlineData("/scep?operation=PKIOperation")]
    [InlineData("/scep?operation=PKIOperation&message=%25%25")]
    [InlineData("/scep?operation=PKIOperation&message=AAAA")]
    [InlineData("/scep?operation=PKIOperation&message=AAAA&message=AAAA")]
    public async Task What_is_no_request_is_a_bad_request(string path) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await host.Client.GetAsync(path)).StatusCode);

    [Fact]
    public async Task A_body_over_the_limit_is_too_large()
    {
        var known = await host.Client.PostAsync("/scep?operation=PKIOperation", new ByteArrayContent(new byte[ScepResponder.MaxMessageBytes + 1]));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, known.StatusCode);
        using var chunked = new HttpRequestMessage(HttpMethod.Post, "/scep?operation=PKIOperation")
        {
            Content = new StreamContent(new MemoryStream(new byte[ScepResponder.MaxMessageBytes + 1])),
        };
        chunked.Headers.TransferEncodingChunked = true;
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await host.Client.SendAsync(chunked)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.Client.PostAsync("/scep?operation=PKIOperation", new ByteArrayContent([]))).StatusCode);
    }

    [Fact]
    public async Task No_mutation_of_a_request_makes_a_server_error_or_a_certificate()
    {
        var invitation = await host.Invite();
        var message = await Request(TestPki.RsaKey, await host.Challenge(invitation.Id));
        await Gen.Select(Gen.Int[0, message.Length - 1], Gen.Byte, Gen.Int[0, 3]).SampleAsync(async mutation =>
        {
            var (at, value, kind) = mutation;
            byte[] mutated = kind switch
            {
                0 => [.. message[..at], value, .. message[(at + 1)..]],
                1 => message[..at],
                2 => [.. message[..at], .. message[Math.Min(message.Length, at + value)..]],
                _ => [.. message[..at], .. new byte[value], .. message[at..]],
            };
            if (mutated.AsSpan().SequenceEqual(message))
                return true;
            using var content = new ByteArrayContent(mutated) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-pki-message") } };
            using var answer = await host.Client.PostAsync("/scep?operation=PKIOperation", content);
            // A change that no signature covers (the certificate's own, for one) may pass.
            return answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest;
        }, iter: 300, threads: 2);
        Assert.InRange((await host.Store.FindInvitation(invitation.Id))!.Uses, 0, 1);
    }
}
