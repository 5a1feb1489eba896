using System.Net;
using System.Security.Cryptography.Pkcs;
using System.Text.Json;
using FleetMdm.Api.Enrolment;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Tests.Identity;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Enrolment;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Enrolment;

[Collection(EnrolmentCollection.Name)]
public sealed class InvitationTests(EnrolmentHost host)
{
    private const string SafariOnIPad = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1";
    private const string SafariOnMac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15";

    private async Task<HttpResponseMessage> Get(string path, string? agent = SafariOnIPad, HttpMethod? method = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        if (agent is not null)
            request.Headers.UserAgent.ParseAdd(agent);
        return await host.Client.SendAsync(request);
    }

    [Fact]
    public async Task An_iPad_gets_the_signed_profile_that_enrols_it()
    {
        await host.InstallPushCertificate();
        var invitation = await host.Invite();
        var answer = await Get($"/enroll/{invitation.Id}?profile=plain");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/x-apple-aspen-config", answer.Content.Headers.ContentType!.MediaType);
        Assert.True(answer.Headers.CacheControl!.NoStore);
        var bytes = await answer.Content.ReadAsByteArrayAsync();

        // Read by the simulated iPad, which was written against Apple's documentation.
        var profile = EnrolmentProfile.Read(ConfigurationProfile.Read(bytes));
        Assert.Equal(new Uri(host.Https, "/mdm/connect"), profile.ServerUrl);
        Assert.Equal(new Uri(host.Https, "/mdm/checkin"), profile.CheckInUrl);
        Assert.Equal(new Uri(host.Https, "/scep"), profile.Scep.Url);
        Assert.Equal(EnrolmentHost.Topic, profile.Topic);
        Assert.True(profile.SignMessage);
        Assert.True(profile.CheckOutWhenRemoved);
        Assert.Equal(8191, profile.AccessRights);
        // What it is told to trust can be this server only; the CA of identities is not among it.
        Assert.Equal((await host.Authority.Get()).TlsIssuer.Certificate.Der, Assert.Single(profile.Roots).RawData);
        Assert.NotEqual((await host.Authority.Get()).Ca.Certificate.Der, profile.Roots[0].RawData);
        Assert.Contains("com.apple.mdm.per-user-connections", profile.ServerCapabilities);

        // Verified by openssl against that root alone.
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.File("profile"), bytes);
        await File.WriteAllTextAsync(folder.File("ca.pem"), await host.Client.GetStringAsync("/ca.pem"));
        TestPki.Run("openssl", $"cms -verify -inform DER -in {folder.File("profile")} -CAfile {folder.File("ca.pem")} -purpose any -out {folder.File("plain")}");
        var plain = PlistReader.ReadDictionary(await File.ReadAllBytesAsync(folder.File("plain")), PlistLimits.Admin);
        Assert.Equal("com.apple.security.root", ((PlistDictionary)plain.GetArray("PayloadContent")![0]).GetString("PayloadType"));
    }

    [Fact]
    public async Task Each_profile_has_a_challenge_of_its_own()
    {
        await host.InstallPushCertificate();
        var invitation = await host.Invite();
        var challenges = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            var bytes = await (await Get($"/enroll/{invitation.Id}?profile=plain")).Content.ReadAsByteArrayAsync();
            challenges.Add(EnrolmentProfile.Read(ConfigurationProfile.Read(bytes)).Scep.Challenge!);
        }
        Assert.Equal(3, challenges.Count);
        Assert.Equal(0, (await host.Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task A_computer_gets_a_page_with_a_button_and_a_code()
    {
        await host.InstallPushCertificate();
        var invitation = await host.Invite();
        var answer = await Get($"/enroll/{invitation.Id}", SafariOnMac);
        Assert.Equal("text/html", answer.Content.Headers.ContentType!.MediaType);
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Contains($"/enroll/{invitation.Id}?profile=1", page);
        Assert.Contains("<svg", page);
        Assert.Contains(EnrolmentHost.Organization, page);
        Assert.Contains("script-src 'nonce-", answer.Headers.GetValues("Content-Security-Policy").Single());

        var profile = await Get($"/enroll/{invitation.Id}?profile=1", SafariOnMac);
        Assert.Equal("application/x-apple-aspen-config", profile.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task With_the_servers_own_authority_the_page_says_how_to_trust_it_and_does_not_run_ahead()
    {
        await host.InstallPushCertificate();
        var page = await (await Get($"/enroll/{(await host.Invite()).Id}", SafariOnMac)).Content.ReadAsStringAsync();
        Assert.Contains(new Uri(host.Https, "/trust").AbsoluteUri, page);
        Assert.Contains("Certificate Trust Settings", page);
        Assert.Contains("VPN &amp; Device Management", page);
        Assert.DoesNotContain("<script", page);
        Assert.Contains("<html lang=\"en\">", page);
        Assert.Contains("<main>", page);
        Assert.Contains("prefers-color-scheme: dark", page);
    }

    [Fact]
    public async Task A_profile_for_many_is_good_as_long_as_its_invitation()
    {
        await host.InstallPushCertificate();
        var invitation = await host.Invite();
        var profiles = host.Services.GetRequiredService<EnrolmentProfiles>();
        var (open, _) = await profiles.Open(invitation.Id);

        var profile = EnrolmentProfile.Read(ConfigurationProfile.Read(profiles.ForMany(open!).ToBytes()));

        var challenge = OneTimeChallenge.Verify(open!.Authority.ChallengeKey, profile.Scep.Challenge, host.Time.GetUtcNow(), ChallengeKind.Many);
        Assert.Equal(invitation.Id, challenge!.InvitationId);
        Assert.Equal(invitation.ExpiresAt.ToUnixTimeSeconds(), challenge.ExpiresAt.ToUnixTimeSeconds());
    }

    [Fact]
    public async Task Setup_Assistant_asks_by_POST()
    {
        await host.InstallPushCertificate();
        var invitation = await host.Invite();
        var answer = await Get($"/enroll/{invitation.Id}", agent: null, HttpMethod.Post);
        Assert.Equal("application/x-apple-aspen-config", answer.Content.Headers.ContentType!.MediaType);
    }

    [Theory]
    [InlineData("nobody-made-this")]
    [InlineData("a%00b")]
    [InlineData("%F0%9F%98%80")]
    [InlineData("..%2F..%2Fetc")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task An_unknown_invitation_is_not_found(string id)
    {
        var answer = await Get($"/enroll/{id}");
        Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.NotFound, HttpStatusCode.BadRequest]);
    }

    [Fact]
    public async Task A_closed_invitation_is_gone_and_says_why()
    {
        await host.InstallPushCertificate();
        var revoked = await host.Invite();
        await host.Store.RevokeInvitation(revoked.Id, host.Time.GetUtcNow());
        await Gone(revoked.Id, "withdrawn");

        var usedUp = await host.Invite(maxUses: 1);
        var ra = new SignedCms();
        ra.Decode(await host.Client.GetByteArrayAsync("/scep?operation=GetCACert"));
        var csr = TestPki.Csr(TestPki.RsaKey, challenge: await host.Challenge(usedUp.Id));
        var message = TestScepClient.Message(TestScepClient.Envelope(csr, to: new(ra.Certificates[0].RawData, [])));
        (await host.Client.PostAsync("/scep?operation=PKIOperation", new ByteArrayContent(message))).EnsureSuccessStatusCode();
        await Gone(usedUp.Id, "as often as it may be");

        var expired = await host.Invite(lifetime: TimeSpan.Zero);
        await Gone(expired.Id, "expired");
    }

    private async Task Gone(string id, string why)
    {
        var answer = await Get($"/enroll/{id}");
        Assert.Equal(HttpStatusCode.Gone, answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains(why, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Without_an_invitation_there_is_an_explanation() =>
        Assert.Contains("invitation", await (await Get("/enroll")).Content.ReadAsStringAsync());

    [Fact]
    public async Task Tools_find_the_server_and_learn_to_trust_it()
    {
        var answer = await host.Client.GetAsync("/MDMServiceConfig");
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        using var config = JsonDocument.Parse(await answer.Content.ReadAsStreamAsync());
        string Path(string key) => new Uri(config.RootElement.GetProperty(key).GetString()!).AbsolutePath;
        Assert.StartsWith(host.Https.AbsoluteUri, config.RootElement.GetProperty("dep_enrollment_url").GetString());

        var ca = (await host.Authority.Get()).TlsIssuer.Certificate.Der.ToArray();
        var anchors = JsonSerializer.Deserialize<string[]>(await host.Client.GetStringAsync(Path("dep_anchor_certs_url")))!;
        Assert.Equal(ca, Convert.FromBase64String(Assert.Single(anchors)));

        var trust = ConfigurationProfile.Read(await host.Client.GetByteArrayAsync(Path("trust_profile_url")));
        Assert.Equal(ca, Assert.Single(trust.Certificates()).RawData);
        Assert.Equal("com.apple.security.root", Assert.Single(trust.Payloads).Text("PayloadType"));
    }
}
