using System.Security.Cryptography;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Renewals;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Renewals;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>iPads move from a former CA to the present one by the sweep, and the CA's state holds at each step.</summary>
public sealed class AuthorityMoveTests(RenewalSqliteCluster cluster) : IClassFixture<RenewalSqliteCluster>
{
    private ICertificateAuthorityGrain Authority => cluster.Grains.GetGrain<ICertificateAuthorityGrain>(ICertificateAuthorityGrain.Key);

    private IRenewalStore Renewals => cluster.Service<IRenewalStore>();

    private DateTimeOffset Now => cluster.Clock.GetUtcNow();

    [Fact]
    public async Task Certificates_of_a_former_CA_are_planned_over_the_spread_and_those_of_the_present_one_are_not()
    {
        using var before = await Enrolled();
        await Sweep();
        Assert.Null(await Renewals.Find(before.Id));

        var first = await Authority.GetSealed();
        Assert.Equal(AuthorityOutcome.Unknown, await Authority.ActivateNext(new byte[32]));
        Assert.Equal(AuthorityOutcome.Done, await Authority.PrepareNext());
        Assert.Equal(AuthorityOutcome.AlreadyDone, await Authority.PrepareNext());
        var prepared = await Authority.GetSealed();
        var next = SHA256.HashData(prepared.NextCa!.Certificate);
        Assert.Equal(first.Ca.Certificate, prepared.Ca.Certificate);
        Assert.NotEqual(0x30, prepared.NextCa.SealedKey[0]);
        Assert.Equal(AuthorityOutcome.TooEarly, await Authority.ActivateNext(next));
        await Sweep();
        Assert.Null(await Renewals.Find(before.Id));

        cluster.Clock.Advance(SealedAuthority.LearntAfter);
        Assert.Equal(AuthorityOutcome.Done, await Authority.ActivateNext(next));
        Assert.Equal(AuthorityOutcome.AlreadyDone, await Authority.ActivateNext(next));
        // Another activation finds what was written.
        await cluster.Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
        var active = await Authority.GetSealed();
        Assert.Equal(prepared.NextCa.Certificate, active.Ca.Certificate);
        Assert.Null(active.NextCa);
        Assert.Equal([first.Ca.Certificate], active.FormerCas!.Select(former => former.Certificate));
        Assert.Equal([prepared.NextRegistrationAuthority!.Certificate, first.RegistrationAuthorities[0].Certificate], active.RegistrationAuthorities.Select(ra => ra.Certificate));
        Assert.Equal(first.SealedChallengeKey, active.SealedChallengeKey);

        using var after = await Enrolled(next);
        await Sweep();
        var row = (await Renewals.Find(before.Id))!;
        Assert.InRange(row.NextAt, Now.AddMinutes(-1), Now.AddDays(30));
        Assert.Null(await Renewals.Find(after.Id));

        Assert.Equal(AuthorityOutcome.Unknown, await Authority.Retire(next));
        Assert.Equal(AuthorityOutcome.Done, await Authority.Retire(SHA256.HashData(first.Ca.Certificate)));
        Assert.Equal(AuthorityOutcome.Unknown, await Authority.Retire(SHA256.HashData(first.Ca.Certificate)));

        // One that is prepared can be dropped, and the third has a name of its own.
        await Authority.PrepareNext();
        var third = (await Authority.GetSealed()).NextCa!.Certificate;
        Assert.Contains("MDM root 3", FleetMdm.Protocol.Identity.IdentityCertificate.Parse(third).SubjectName, StringComparison.Ordinal);
        Assert.Equal(AuthorityOutcome.Done, await Authority.Retire(SHA256.HashData(third)));
        Assert.Null((await Authority.GetSealed()).NextRegistrationAuthority);
        Assert.Equal(SHA256.HashData(first.Ca.Certificate), (await Authority.GetSealed()).FirstCa);
    }

    private async Task<TestIPad> Enrolled(byte[]? issuer = null)
    {
        var ipad = new TestIPad(cluster, forgetful: false);
        var invitation = Guid.NewGuid().ToString("N");
        await cluster.Enrolments.CreateInvitation(new Invitation { Id = invitation, CreatedAt = Now, ExpiresAt = Now.AddDays(30), CreatedBy = "test" });
        ipad.Certificate = await ipad.InvitedBy(invitation, Now.AddDays(4000), issuer: issuer);
        return await ipad.Enrolled();
    }

    private Task Sweep() => new RenewalSweep(Renewals, cluster.Grains, Options.Create(new RenewalOptions()), cluster.Service<RenewalMetrics>(), cluster.Clock,
        NullLogger<RenewalSweep>.Instance).Run(CancellationToken.None);
}
