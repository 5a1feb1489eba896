using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Tests.Identity;
using FleetMdm.Storage.Enrolment;
using FleetMdm.VirtualFleet;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Plist;
using MdmSignature = FleetMdm.VirtualFleet.Enrolment.MdmSignature;

namespace FleetMdm.Api.Tests.Enrolment;

/// <summary>Enrolment over the air: the iPad proves with its device certificate which iPad it is.</summary>
[Collection(EnrolmentCollection.Name)]
public sealed class OverTheAirTests(EnrolmentHost host)
{
    private const string SafariOnIPad = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1";

    private async Task<IPadFleet> Fleet(DeviceAuthority? factory) => new(new FleetOptions
    {
        Trust = TrustAnchors.FromPem(await host.Client.GetStringAsync("/ca.pem")),
        Factory = factory,
        Keys = KeySource.Shared(2),
        Time = host.Time,
    });

    private async Task<byte[]> Download(string invitation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/enroll/{invitation}");
        request.Headers.UserAgent.ParseAdd(SafariOnIPad);
        using var answer = await host.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/x-apple-aspen-config", answer.Content.Headers.ContentType!.MediaType);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        return await answer.Content.ReadAsByteArrayAsync();
    }

    private static PlistDict Content(byte[] profile)
    {
        var cms = new SignedCms();
        cms.Decode(profile);
        return PlistReader.ReadDict(cms.ContentInfo.Content);
    }

    private async Task<ProfileServiceRequest> Asked(string invitation) =>
        ProfileServiceRequest.Read(Content(await Download(invitation))) ?? throw new InvalidOperationException("It asks nothing.");

    private async Task<(HttpStatusCode Status, string Text, byte[] Body)> Post(Uri url, byte[] body)
    {
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/pkcs7-signature") } };
        using var answer = await host.Client.PostAsync(url.AbsolutePath, content);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(), await answer.Content.ReadAsByteArrayAsync());
    }

    private static byte[] Answer(ProfileServiceRequest asked, IPadDescription ipad, DeviceIdentity signer) =>
        MdmSignature.SignAttached(PlistWriter.Write(asked.Answer(ipad, "iPad")), signer.Certificate);

    /// <summary>By SCEP; null: refused.</summary>
    private async Task<X509Certificate2?> Certificate(string challenge)
    {
        var ra = new SignedCms();
        ra.Decode(await host.Client.GetByteArrayAsync("/scep?operation=GetCACert"));
        var envelope = TestScepClient.Envelope(TestPki.Csr(TestPki.RsaKey, challenge: challenge), to: new(ra.Certificates[0].RawData, []));
        using var answer = await host.Client.PostAsync("/scep?operation=PKIOperation", new ByteArrayContent(TestScepClient.Message(envelope)));
        var issued = TestScepClient.Read(await answer.Content.ReadAsByteArrayAsync(), ra: ra.Certificates[0].RawData).Issued;
        return issued?.CopyWithPrivateKey(TestPki.RsaKey);
    }

    private async Task<OneTimeChallenge> ChallengeIn(byte[] enrolmentProfile)
    {
        var profile = EnrolmentProfile.Read(ConfigurationProfile.Read(enrolmentProfile));
        return OneTimeChallenge.Verify((await host.Authority.Get()).ChallengeKey, profile.Scep.Challenge, host.Time.GetUtcNow())!;
    }

    private async Task<Invitation> Invite()
    {
        await host.InstallPushCertificate();
        return await host.Invite(maxUses: 1);
    }

    [Fact]
    public async Task An_iPad_is_asked_who_it_is()
    {
        var invitation = await Invite();
        var profile = Content(await Download(invitation.Id));

        Assert.Equal("Profile Service", profile.Text("PayloadType"));
        var content = profile.Dict("PayloadContent")!;
        Assert.Equal(new Uri(host.Https, $"/enroll/{invitation.Id}/device").AbsoluteUri, content.Text("URL"));
        Assert.Contains("UDID", content.Array("DeviceAttributes")!);
        Assert.Contains("SERIAL", content.Array("DeviceAttributes")!);
        Assert.NotNull(content.Text("Challenge"));
    }

    [Fact]
    public async Task An_iPad_that_proves_who_it_is_gets_a_challenge_for_itself_and_uses_one_place()
    {
        var invitation = await Invite();
        await using var fleet = await Fleet(host.Factory);
        var ipad = fleet.Add();

        var challenge = await ChallengeIn(await ipad.OverTheAirAsync(await Download(invitation.Id)));

        Assert.Equal(new ProvenDevice(ipad.Udid, ipad.Description.SerialNumber), challenge.Device);
        Assert.Equal(invitation.Id, challenge.InvitationId);
        // The certificate of the step between takes no place.
        Assert.Equal(0, (await host.Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task A_stranger_gets_the_profile_that_anybody_gets()
    {
        var invitation = await Invite();
        await using var fleet = await Fleet(factory: null);

        var challenge = await ChallengeIn(await fleet.Add().OverTheAirAsync(await Download(invitation.Id)));

        Assert.Null(challenge.Device);
    }

    [Fact]
    public async Task An_iPad_whose_device_certificate_has_ended_is_a_stranger()
    {
        var asked = await Asked((await Invite()).Id);
        var ended = host.Factory.Issue(TimeSpan.FromDays(-5));

        var (status, _, body) = await Post(asked.Url, Answer(asked, IPadDescription.Number(7), ended));

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Null((await ChallengeIn(body)).Device);
    }

    [Fact]
    public async Task A_recorded_answer_is_worth_nothing()
    {
        var invitation = await Invite();
        var asked = await Asked(invitation.Id);
        var answer = Answer(asked, IPadDescription.Number(1), host.Factory.Issue());
        Assert.Equal(HttpStatusCode.OK, (await Post(asked.Url, answer)).Status);

        // The same again; with another invitation; after its time.
        var (status, why, _) = await Post(asked.Url, answer);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("taken before", why);
        var other = await Asked((await Invite()).Id);
        Assert.Equal(HttpStatusCode.Forbidden, (await Post(other.Url, Answer(asked, IPadDescription.Number(1), host.Factory.Issue()))).Status);
        var late = Answer(other, IPadDescription.Number(1), host.Factory.Issue());
        try
        {
            host.Time.Shift = TimeSpan.FromMinutes(61);
            Assert.Equal(HttpStatusCode.Forbidden, (await Post(other.Url, late)).Status);
        }
        finally
        {
            host.Time.Shift = TimeSpan.Zero;
        }
    }

    [Fact]
    public async Task The_second_answer_counts_once_and_only_for_the_iPad_of_the_first()
    {
        var asked = await Asked((await Invite()).Id);
        var (_, _, body) = await Post(asked.Url, Answer(asked, IPadDescription.Number(1), host.Factory.Issue()));
        var scep = ScepPayload.Read(Assert.Single(ConfigurationProfile.Read(body).Payloads));
        var step = new DeviceIdentity((await Certificate(scep.Challenge!))!);

        Assert.Equal(HttpStatusCode.Forbidden, (await Post(asked.Url, Answer(asked, IPadDescription.Number(2), step))).Status);
        var (status, _, profile) = await Post(asked.Url, Answer(asked, IPadDescription.Number(1), step));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(IPadDescription.Number(1).SerialNumber, (await ChallengeIn(profile)).Device!.SerialNumber);
        Assert.Equal(HttpStatusCode.Forbidden, (await Post(asked.Url, Answer(asked, IPadDescription.Number(1), step))).Status);
    }

    [Fact]
    public async Task The_challenge_of_an_answer_brings_no_certificate()
    {
        var asked = await Asked((await Invite()).Id);
        Assert.Null(await Certificate(asked.Challenge!));
    }

    [Fact]
    public async Task An_invitation_for_another_iPad_is_refused_before_a_certificate_is_made()
    {
        await host.InstallPushCertificate();
        var made = new Invitation
        {
            Id = Guid.NewGuid().ToString("N"),
            CreatedAt = host.Time.GetUtcNow(),
            ExpiresAt = host.Time.GetUtcNow().AddDays(1),
            CreatedBy = "test",
            OnlyFor = [IPadDescription.Number(3).SerialNumber],
        };
        await host.Store.CreateInvitation(made);
        var asked = await Asked(made.Id);

        Assert.Equal(HttpStatusCode.Forbidden, (await Post(asked.Url, Answer(asked, IPadDescription.Number(4), host.Factory.Issue()))).Status);
        Assert.Equal(HttpStatusCode.OK, (await Post(asked.Url, Answer(asked, IPadDescription.Number(3), host.Factory.Issue()))).Status);
    }

    [Fact]
    public async Task Nonsense_is_refused_with_a_sentence()
    {
        var asked = await Asked((await Invite()).Id);
        Assert.Equal(HttpStatusCode.BadRequest, (await Post(asked.Url, "nothing signed"u8.ToArray())).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await Post(asked.Url, [])).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await Post(asked.Url, MdmSignature.SignAttached("no plist"u8.ToArray(), host.Factory.Issue().Certificate))).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await Post(asked.Url, new byte[40_000])).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Post(new Uri(host.Https, "/enroll/nobody/device"), [])).Status);
        var unasked = Answer(asked with { Challenge = null }, IPadDescription.Number(1), host.Factory.Issue());
        Assert.Equal(HttpStatusCode.Forbidden, (await Post(asked.Url, unasked)).Status);

        // None of that has used the challenge up.
        Assert.Equal(HttpStatusCode.OK, (await Post(asked.Url, Answer(asked, IPadDescription.Number(1), host.Factory.Issue()))).Status);
    }

    [Fact]
    public async Task A_revoked_invitation_takes_no_answer()
    {
        var invitation = await Invite();
        var asked = await Asked(invitation.Id);
        await host.Store.RevokeInvitation(invitation.Id, host.Time.GetUtcNow());

        Assert.Equal(HttpStatusCode.Gone, (await Post(asked.Url, Answer(asked, IPadDescription.Number(1), host.Factory.Issue()))).Status);
    }
}
