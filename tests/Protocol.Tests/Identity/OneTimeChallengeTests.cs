using System.Security.Cryptography;
using System.Text;
using FleetMdm.Protocol.Identity;

namespace FleetMdm.Protocol.Tests.Identity;

public sealed class OneTimeChallengeTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(OneTimeChallenge.KeyBytes);
    private static readonly DateTimeOffset Ends = TestPki.Now.AddHours(1);

    [Fact]
    public void A_challenge_says_whose_invitation_it_is()
    {
        var text = OneTimeChallenge.Create(Key, "in-vi_tation7", Ends);
        var challenge = OneTimeChallenge.Verify(Key, text, TestPki.Now);
        Assert.NotNull(challenge);
        Assert.Equal("in-vi_tation7", challenge.InvitationId);
        Assert.Equal(Ends, challenge.ExpiresAt);
        Assert.Equal(SHA256.HashData(Encoding.ASCII.GetBytes(text)), challenge.Sha256);
    }

    [Theory]
    [InlineData("mdm.district.example")]
    [InlineData("mdm.district.example:8443")]
    [InlineData("10.1.2.3")]
    public void A_challenge_says_by_which_address_the_iPad_is_enrolled(string authority)
    {
        var challenge = OneTimeChallenge.Verify(Key, OneTimeChallenge.Create(Key, "a", Ends, authority), TestPki.Now);
        Assert.Equal(("a", authority, null), (challenge!.InvitationId, challenge.Authority, challenge.Renews));
    }

    [Theory]
    [InlineData("mdm.schüle.example")]
    [InlineData("a.very-long-name-of-a-host-that-does-not-fit-into-a-challenge.a.very-long-name-of-a-host-that-does-not-fit-into-a-challenge.a.very-long-name-of-a-host.example")]
    public void An_address_that_does_not_fit_is_left_out(string authority)
    {
        var text = OneTimeChallenge.Create(Key, new string('a', OneTimeChallenge.MaxInvitationIdLength), Ends, authority);
        Assert.InRange(text.Length, 1, 255);
        Assert.Null(OneTimeChallenge.Verify(Key, text, TestPki.Now)!.Authority);
        Assert.Null(OneTimeChallenge.Verify(Key, OneTimeChallenge.CreateRenewal(Key, new byte[32], Ends, authority), TestPki.Now)!.Authority);
    }

    [Fact]
    public void A_challenge_to_renew_names_the_certificate_and_no_invitation()
    {
        var old = RandomNumberGenerator.GetBytes(32);
        var text = OneTimeChallenge.CreateRenewal(Key, old, Ends, "mdm.example");
        var challenge = OneTimeChallenge.Verify(Key, text, TestPki.Now)!;
        Assert.Equal(old, challenge.Renews);
        Assert.Equal((null, "mdm.example"), (challenge.InvitationId, challenge.Authority));
        Assert.InRange(text.Length, 1, 255);
        Assert.Null(OneTimeChallenge.Verify(Key, text, Ends.AddSeconds(1)));
        Assert.Null(OneTimeChallenge.Verify(Key, "v1" + text[2..], TestPki.Now));
        Assert.Throws<ArgumentException>(() => OneTimeChallenge.CreateRenewal(Key, [1], Ends, "mdm.example"));
    }

    [Fact]
    public void A_client_identifier_is_for_ACME_alone()
    {
        var device = new ProvenDevice("00008101-0011223344556677", "DMPX1A2B3C4D");
        var old = RandomNumberGenerator.GetBytes(32);
        var host = new string('a', 240) + ".example:8443";
        string Text(ChallengeKind kind, ProvenDevice? forDevice = null) => OneTimeChallenge.Create(Key, "a", Ends, host, kind, forDevice);

        var anybody = OneTimeChallenge.Verify(Key, Text(ChallengeKind.Attested), TestPki.Now, ChallengeKind.Attested)!;
        Assert.Equal(("a", host, null), (anybody.InvitationId, anybody.Authority, anybody.Device));
        var bound = OneTimeChallenge.Verify(Key, Text(ChallengeKind.Attested, device), TestPki.Now, ChallengeKind.Attested)!;
        Assert.Equal(("a", host, device), (bound.InvitationId, bound.Authority, bound.Device));
        var renewal = OneTimeChallenge.Verify(Key, OneTimeChallenge.CreateAttestedRenewal(Key, old, Ends, device, host), TestPki.Now, ChallengeKind.Attested)!;
        Assert.Equal((null, host, device), (renewal.InvitationId, renewal.Authority, renewal.Device));
        Assert.Equal(old, renewal.Renews);
        Assert.Equal("a", OneTimeChallenge.Verify(Key, Text(ChallengeKind.ManyAttested), TestPki.Now, ChallengeKind.ManyAttested)!.InvitationId);

        // By SCEP they bring nothing, and those of SCEP bring nothing by ACME.
        foreach (var text in new[] { Text(ChallengeKind.Attested), Text(ChallengeKind.Attested, device), Text(ChallengeKind.ManyAttested), OneTimeChallenge.CreateAttestedRenewal(Key, old, Ends, device, "mdm.example") })
        {
            foreach (var kind in new[] { ChallengeKind.Identity, ChallengeKind.Many, ChallengeKind.Step, ChallengeKind.Answer }) Assert.Null(OneTimeChallenge.Verify(Key, text, TestPki.Now, kind));
        }

        foreach (var text in new[] { OneTimeChallenge.Create(Key, "a", Ends), OneTimeChallenge.Create(Key, "a", Ends, "mdm.example", device: device), OneTimeChallenge.CreateRenewal(Key, old, Ends, "mdm.example") })
        {
            Assert.Null(OneTimeChallenge.Verify(Key, text, TestPki.Now, ChallengeKind.Attested));
            Assert.Null(OneTimeChallenge.Verify(Key, text, TestPki.Now, ChallengeKind.ManyAttested));
        }
    }

    [Fact]
    public void Two_challenges_are_never_the_same() =>
        Assert.NotEqual(OneTimeChallenge.Create(Key, "a", Ends), OneTimeChallenge.Create(Key, "a", Ends));

    [Fact]
    public void The_longest_challenge_fits_the_limit_of_PKCS_9() =>
        Assert.InRange(OneTimeChallenge.Create(Key, new string('a', OneTimeChallenge.MaxInvitationIdLength), Ends).Length, 1, 255);

    [Fact]
    public void A_challenge_expires()
    {
        var text = OneTimeChallenge.Create(Key, "a", Ends);
        Assert.NotNull(OneTimeChallenge.Verify(Key, text, Ends));
        Assert.Null(OneTimeChallenge.Verify(Key, text, Ends.AddSeconds(1)));
    }

    [Fact]
    public void No_changed_character_passes()
    {
        var text = OneTimeChallenge.Create(Key, "abc", Ends);
        for (var i = 0; i < text.Length; i++)
        {
            var changed = text.ToCharArray();
            changed[i] = changed[i] == '1' ? '2' : '1';
            Assert.Null(OneTimeChallenge.Verify(Key, new string(changed), TestPki.Now));
        }
    }

    [Fact]
    public void A_challenge_is_good_for_what_it_was_made_for_only()
    {
        var device = ProvenDevice.Of("00008101-0011223344556677", "DMP0000001VF");
        (ChallengeKind Kind, ProvenDevice? Device)[] made =
            [(ChallengeKind.Identity, null), (ChallengeKind.Identity, device), (ChallengeKind.Answer, null), (ChallengeKind.Step, device)];
        foreach (var (kind, named) in made)
        {
            var text = OneTimeChallenge.Create(Key, "a", Ends, "mdm.example", kind, named);
            foreach (var asked in Enum.GetValues<ChallengeKind>())
                Assert.Equal(asked == kind, OneTimeChallenge.Verify(Key, text, TestPki.Now, asked) is not null);
            Assert.Equal(named, OneTimeChallenge.Verify(Key, text, TestPki.Now, kind)!.Device);
        }

        Assert.Throws<ArgumentException>(() => OneTimeChallenge.Create(Key, "a", Ends, kind: ChallengeKind.Step));
    }

    [Fact]
    public void The_longest_challenge_with_an_iPad_fits_the_limit_of_PKCS_9()
    {
        var device = ProvenDevice.Of(new string('a', 40), new string('B', 20));
        var text = OneTimeChallenge.Create(Key, new string('a', 22), Ends, "mdm.district.example:8443", device: device);
        Assert.InRange(text.Length, 1, 255);
        Assert.Equal((device, "mdm.district.example:8443"), (OneTimeChallenge.Verify(Key, text, TestPki.Now)!.Device, OneTimeChallenge.Verify(Key, text, TestPki.Now)!.Authority));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("v1....")]
    [InlineData("v1.a.b.c.d")]
    [InlineData("v2.a.b.1.d")]
    [InlineData("....................")]
    public void What_is_not_ours_is_refused(string? text) => Assert.Null(OneTimeChallenge.Verify(Key, text, TestPki.Now));

    [Fact]
    public void Another_key_refuses()
    {
        Assert.Null(OneTimeChallenge.Verify(new byte[32], OneTimeChallenge.Create(Key, "a", Ends), TestPki.Now));
        Assert.Null(OneTimeChallenge.Verify(Key, new string('a', 5000), TestPki.Now));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("ü")]
    public void An_odd_invitation_gets_no_challenge(string id) => Assert.Throws<ArgumentException>(() => OneTimeChallenge.Create(Key, id, Ends));
}
