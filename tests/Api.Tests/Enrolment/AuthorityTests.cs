using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Api.Enrolment;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Tests.Identity;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Enrolment;

/// <summary>Each with a server of its own, because they move its clock by years.</summary>
[Collection(EnrolmentCollection.Name)]
public sealed class AuthorityTests
{
    private static async Task<EnrolmentHost> Start()
    {
        var host = new EnrolmentHost();
        await host.InitializeAsync();
        return host;
    }

    [Fact]
    public async Task The_TLS_certificate_is_trusted_by_its_root_alone_and_renewed_in_time()
    {
        await using var host = await Start();
        var root = X509CertificateLoader.LoadCertificate((await host.Authority.Get()).TlsIssuer.Certificate.Der.Span);
        X509Certificate2? seen = null;
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { root },
                    RevocationMode = X509RevocationMode.NoCheck,
                    ApplicationPolicy = { new("1.3.6.1.5.5.7.3.1") },
                },
                RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                {
                    seen = (X509Certificate2)certificate!;
                    return errors == SslPolicyErrors.None;
                },
            },
        };
        using var client = new HttpClient(handler) { BaseAddress = host.Https };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/ca.pem")).StatusCode);
        Assert.True(seen!.MatchesHostname("localhost"));
        Assert.True(seen.MatchesHostname("127.0.0.1"));
        Assert.InRange((seen.NotAfter - seen.NotBefore).TotalDays, 390, 397.01);

        var provider = host.Services.GetRequiredService<ServerCertificateProvider>();
        var first = provider.Context!.TargetCertificate;
        Assert.Same(first, provider.Context!.TargetCertificate);
        host.Time.Shift = TimeSpan.FromDays(200);
        Assert.Same(first, provider.Context!.TargetCertificate);
        host.Time.Shift = TimeSpan.FromDays(300);
        Assert.NotSame(first, provider.Context!.TargetCertificate);
    }

    [Fact]
    public async Task Services_certificates_are_renewed_and_the_CA_stays()
    {
        await using var host = await Start();
        var first = await host.Authority.Get();
        await host.Authority.Refresh();
        Assert.Same(first, await host.Authority.Get());
        Assert.Same(first, host.Authority.Current);
        var grain = host.Grains.GetGrain<ICertificateAuthorityGrain>(ICertificateAuthorityGrain.Key);
        var before = await grain.GetSealed();

        host.Time.Shift = TimeSpan.FromDays(500);
        await host.Authority.Refresh();
        var second = await host.Authority.Get();
        Assert.Equal(first.Version + 1, second.Version);
        Assert.Equal(first.Ca.Certificate.Der, second.Ca.Certificate.Der);
        Assert.Same(first.Verifier, second.Verifier);
        Assert.NotEqual(first.ProfileSigner.RawData, second.ProfileSigner.RawData);
        Assert.Equal(first.TlsIssuer.Certificate.Der, second.TlsIssuer.Certificate.Der);
        var after = await grain.GetSealed();
        Assert.Equal(2, after.RegistrationAuthorities.Length);
        Assert.Equal(before.RegistrationAuthorities[0].Certificate, after.RegistrationAuthorities[1].Certificate);

        // A request that was made before, for the old RA.
        var invitation = await host.Invite();
        var csr = TestPki.Csr(TestPki.RsaKey, challenge: await host.Challenge(invitation.Id));
        var message = TestScepClient.Message(TestScepClient.Envelope(csr, to: new(before.RegistrationAuthorities[0].Certificate, [])));
        var answer = await host.Client.PostAsync("/scep?operation=PKIOperation", new ByteArrayContent(message));
        Assert.Equal("0", TestScepClient.Read(await answer.Content.ReadAsByteArrayAsync(), ra: after.RegistrationAuthorities[0].Certificate).Status);
    }

    [Fact]
    public async Task A_grain_that_starts_again_keeps_the_CA_and_nothing_of_it_is_readable()
    {
        await using var host = await Start();
        var grain = host.Grains.GetGrain<ICertificateAuthorityGrain>(ICertificateAuthorityGrain.Key);
        var before = await grain.GetSealed();
        await host.Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
        var after = await grain.GetSealed();
        Assert.Equal(before.Ca.Certificate, after.Ca.Certificate);
        Assert.Equal(before.SealedChallengeKey, after.SealedChallengeKey);
        Assert.NotEqual(0x30, before.Ca.SealedKey[0]);
    }

    [Fact]
    public async Task Another_host_gets_another_root_and_an_earlier_host_gets_its_own_back()
    {
        await using var host = await Start();
        var grain = host.Grains.GetGrain<ITlsRootGrain>(ITlsRootGrain.Key);
        var first = await grain.Get(EnrolmentHost.Organization, "localhost");
        Assert.Equal(first.Root.Certificate, (await host.Authority.Get()).TlsIssuer.Certificate.Der.ToArray());

        var other = await grain.Get(EnrolmentHost.Organization, "mdm.example.org");
        Assert.NotEqual(first.Root.Certificate, other.Root.Certificate);
        await host.Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
        Assert.Equal(other.Root.Certificate, (await grain.Get(EnrolmentHost.Organization, "mdm.example.org")).Root.Certificate);
        Assert.Equal(first.Root.Certificate, (await grain.Get(EnrolmentHost.Organization, "localhost")).Root.Certificate);
        Assert.NotEqual(0x30, other.Root.SealedKey[0]);
        Assert.NotEqual(0x30, other.ProfileSigner.SealedKey[0]);
    }

    [Fact]
    public async Task A_server_without_a_push_certificate_invites_nobody()
    {
        await using var host = await Start();
        var invitation = await host.Invite();
        var answer = await host.Client.GetAsync($"/enroll/{invitation.Id}?profile=1");
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Contains("push certificate", await answer.Content.ReadAsStringAsync());
    }
}
