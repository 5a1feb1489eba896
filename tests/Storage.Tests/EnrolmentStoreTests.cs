using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresEnrolmentStoreTests(PostgresFixture fixture) : EnrolmentStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteEnrolmentStoreTests(SqliteFixture fixture) : EnrolmentStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class EnrolmentStoreTests(StoreFixture fixture)
{
    private IEnrolmentStore Store => fixture.Node.Enrolments;

    private static Invitation New(int? maxUses = null) => new()
    {
        Id = Make.Id(),
        Name = "Class 7b",
        School = "North",
        MaxUses = maxUses,
        CreatedAt = Make.Now,
        ExpiresAt = Make.Now.AddDays(7),
        CreatedBy = "ada",
    };

    private static IssueRequest Request(string? invitationId, byte[]? challenge = null, byte[]? key = null, DateTimeOffset? at = null) => new()
    {
        ChallengeHash = challenge ?? Make.Hash(),
        PublicKeyHash = key ?? Make.Hash(),
        Certificate = Certificate(invitationId),
        At = at ?? Make.Now,
    };

    private static IssuedCertificate Certificate(string? invitationId = null) => new()
    {
        Sha256 = Make.Hash(),
        Der = [0x30, 1, 2, 3],
        InvitationId = invitationId,
        IssuedAt = Make.Now,
        NotAfter = Make.Now.AddYears(1),
    };

    private async Task<Invitation> Stored(int? maxUses = null)
    {
        var invitation = New(maxUses);
        Assert.True(await Store.CreateInvitation(invitation));
        return invitation;
    }

    [Fact]
    public async Task An_invitation_is_found_as_it_was_created()
    {
        var invitation = await Stored(maxUses: 30);

        var found = await Store.FindInvitation(invitation.Id);
        Assert.Equal(invitation with { Number = found!.Number }, found);
        Assert.Equal(found, await Store.FindInvitation(Scope.District, found.Number));
        Assert.Null(await Store.FindInvitation(Make.Id()));
    }

    [Fact]
    public async Task Creating_an_invitation_again_leaves_the_first_as_it_is()
    {
        var invitation = await Stored();

        Assert.False(await Store.CreateInvitation(invitation with { Name = "other" }));

        Assert.Equal("Class 7b", (await Store.FindInvitation(invitation.Id))!.Name);
    }

    [Fact]
    public async Task Invitations_are_listed_newest_first_page_by_page()
    {
        var invitations = new List<Invitation>();
        for (var i = 0; i < 5; i++)
            invitations.Add(await Stored());

        var first = await Store.ListInvitations(Scope.District, null, 2);
        var second = await Store.ListInvitations(Scope.District, first[^1].Number, 2);

        Assert.Equal([invitations[4].Id, invitations[3].Id], first.Select(i => i.Id));
        Assert.Equal([invitations[2].Id, invitations[1].Id], second.Select(i => i.Id));
        Assert.Empty(await Store.ListInvitations(Scope.District, 0, 2));
    }

    [Fact]
    public async Task A_revoked_invitation_keeps_the_time_of_its_first_revocation_and_issues_nothing()
    {
        var invitation = await Stored();

        Assert.True(await Store.RevokeInvitation(invitation.Id, Make.Now.AddHours(1)));
        Assert.True(await Store.RevokeInvitation(invitation.Id, Make.Now.AddHours(2)));
        Assert.False(await Store.RevokeInvitation(Make.Id(), Make.Now));

        Assert.Equal(Make.Now.AddHours(1), (await Store.FindInvitation(invitation.Id))!.RevokedAt);
        var request = Request(invitation.Id);
        Assert.Equal(IssueOutcome.InvitationClosed, (await Store.Issue(request)).Outcome);
        Assert.Null(await Issued(request.Certificate.Sha256));
    }

    [Fact]
    public async Task A_challenge_gives_one_certificate_and_counts_one_use()
    {
        var invitation = await Stored();
        var request = Request(invitation.Id);

        var issued = await Store.Issue(request);

        Assert.Equal(IssueOutcome.Issued, issued.Outcome);
        Assert.Equal(request.Certificate.Sha256, issued.Certificate!.Sha256);
        Assert.Equal(1, (await Store.FindInvitation(invitation.Id))!.Uses);
        var found = (await Issued(request.Certificate.Sha256))!;
        Assert.Equal(request.Certificate.Der, found.Der);
        Assert.Equal("North", found.School);
        Assert.Equal(invitation.Id, found.InvitationId);
        Assert.Equal(request.Certificate.NotAfter, found.NotAfter);
        Assert.Equal(request.Certificate.IssuedAt, found.IssuedAt);
    }

    [Fact]
    public async Task A_repeated_challenge_with_the_same_key_gives_the_certificate_of_the_first_time()
    {
        var invitation = await Stored(maxUses: 1);
        var first = Request(invitation.Id);
        await Store.Issue(first);

        var again = await Store.Issue(Request(invitation.Id, first.ChallengeHash, first.PublicKeyHash));

        Assert.Equal(IssueOutcome.IssuedBefore, again.Outcome);
        Assert.Equal(first.Certificate.Sha256, again.Certificate!.Sha256);
        Assert.Equal(1, (await Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task The_very_same_request_is_issued_again_without_a_second_use()
    {
        var invitation = await Stored(maxUses: 1);
        var request = Request(invitation.Id);
        await Store.Issue(request);

        Assert.Equal(IssueOutcome.Issued, (await Store.Issue(request)).Outcome);
        Assert.Equal(1, (await Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task A_challenge_cannot_be_used_with_another_key()
    {
        var invitation = await Stored();
        var first = Request(invitation.Id);
        await Store.Issue(first);
        var stolen = Request(invitation.Id, first.ChallengeHash);

        var outcome = await Store.Issue(stolen);

        Assert.Equal(IssueOutcome.ChallengeUsed, outcome.Outcome);
        Assert.Null(outcome.Certificate);
        Assert.Null(await Issued(stolen.Certificate.Sha256));
        Assert.Equal(1, (await Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task An_unknown_expired_or_missing_invitation_issues_nothing()
    {
        var invitation = await Stored();

        Assert.Equal(IssueOutcome.InvitationClosed, (await Store.Issue(Request(Make.Id()))).Outcome);
        Assert.Equal(IssueOutcome.InvitationClosed, (await Store.Issue(Request(null))).Outcome);
        Assert.Equal(IssueOutcome.InvitationClosed, (await Store.Issue(Request(invitation.Id, at: invitation.ExpiresAt))).Outcome);
        Assert.Equal(0, (await Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task An_invitation_is_never_used_more_often_than_it_may_be_whoever_asks_at_once()
    {
        await using var other = await fixture.OpenNode();
        var invitation = await Stored(maxUses: 25);
        var requests = Enumerable.Range(0, 60).Select(_ => Request(invitation.Id)).ToList();

        var outcomes = await Task.WhenAll(requests.Select((r, i) => (i % 2 == 0 ? Store : other.Enrolments).Issue(r)));

        Assert.Equal(25, outcomes.Count(o => o.Outcome == IssueOutcome.Issued));
        Assert.Equal(35, outcomes.Count(o => o.Outcome == IssueOutcome.InvitationClosed));
        Assert.Equal(25, (await Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task One_challenge_sent_twice_at_once_gives_one_certificate()
    {
        var invitation = await Stored();
        var challenge = Make.Hash();
        var key = Make.Hash();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Store.Issue(Request(invitation.Id, challenge, key))));

        Assert.Single(outcomes, o => o.Outcome == IssueOutcome.Issued);
        Assert.Equal(3, outcomes.Count(o => o.Outcome == IssueOutcome.IssuedBefore));
        Assert.Single(outcomes.Select(o => Convert.ToHexString(o.Certificate!.Sha256)).Distinct());
        Assert.Equal(1, (await Store.FindInvitation(invitation.Id))!.Uses);
    }

    private async Task<IssuedCertificate?> Issued(byte[] sha256) => (await fixture.Node.Devices.FindCertificate(sha256)).Issued;

    /// <summary>An enrolled iPad whose only pin was issued by an invitation.</summary>
    private async Task<(string DeviceId, IssuedCertificate Certificate, Invitation Invitation)> Enrolled()
    {
        var invitation = await Stored();
        var request = Request(invitation.Id);
        await Store.Issue(request);
        var row = Make.Change(Make.Device()).Row;
        await fixture.Node.Devices.Commit(new EnrolmentChange
        {
            Row = row,
            WriteId = Guid.NewGuid(),
            At = Make.Now,
            Pin = new Pin(request.Certificate.Sha256, request.Certificate.NotAfter, Make.Now),
        });
        return (row.Id, request.Certificate, invitation);
    }

    private static RenewalRequest Renewal(byte[] old, byte[]? key = null) => new()
    {
        PublicKeyHash = key ?? Make.Hash(),
        Certificate = Certificate() with { Renews = old },
        At = Make.Now.AddHours(1),
    };

    private async Task Use(string deviceId, IssuedCertificate certificate, DateTimeOffset at)
    {
        var row = (await fixture.Node.Devices.Load(deviceId)).Row!;
        var committed = await fixture.Node.Devices.Commit(new EnrolmentChange
        {
            Row = row with { Version = row.Version + 1 },
            WriteId = Guid.NewGuid(),
            At = at,
            Pin = new Pin(certificate.Sha256, certificate.NotAfter, at),
        });
        Assert.Equal(CommitOutcome.Committed, committed.Outcome);
    }

    [Fact]
    public async Task A_renewal_carries_the_invitation_and_the_school_of_what_it_renews_and_uses_no_place()
    {
        var (_, old, invitation) = await Enrolled();

        var renewed = await Store.Renew(Renewal(old.Sha256));

        Assert.Equal(RenewalOutcome.Renewed, renewed.Outcome);
        var found = (await Issued(renewed.Certificate!.Sha256))!;
        Assert.Equal(old.Sha256, found.Renews);
        Assert.Equal(invitation.Id, found.InvitationId);
        Assert.Equal("North", found.School);
        Assert.Equal(1, (await Store.FindInvitation(invitation.Id))!.Uses);
    }

    [Fact]
    public async Task The_same_key_gets_the_same_renewal_however_often_it_asks()
    {
        var (_, old, _) = await Enrolled();
        var first = Renewal(old.Sha256);

        await Store.Renew(first);
        var again = await Store.Renew(Renewal(old.Sha256, first.PublicKeyHash));

        Assert.Equal(RenewalOutcome.RenewedBefore, again.Outcome);
        Assert.Equal(first.Certificate.Sha256, again.Certificate!.Sha256);
    }

    [Fact]
    public async Task A_certificate_has_one_live_successor_whoever_asks_at_once()
    {
        await using var other = await fixture.OpenNode();
        var (id, old, _) = await Enrolled();

        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => (i % 2 == 0 ? Store : other.Enrolments).Renew(Renewal(old.Sha256))));

        Assert.All(results, result => Assert.Equal(RenewalOutcome.Renewed, result.Outcome));
        var standings = await Task.WhenAll(results.Select(result => fixture.Node.Devices.FindCertificate(result.Certificate!.Sha256)));
        Assert.Single(standings, standing => standing.Pinned is null);
        Assert.All(standings.Where(standing => standing.Pinned is not null), standing =>
        {
            Assert.Equal(id, standing.Pinned!.DeviceId);
            Assert.NotNull(standing.Pinned.DroppedAt);
        });
    }

    [Fact]
    public async Task Only_the_newest_pin_renews()
    {
        var (id, old, _) = await Enrolled();
        var renewed = (await Store.Renew(Renewal(old.Sha256))).Certificate!;
        await Use(id, renewed, Make.Now.AddHours(2));

        Assert.Equal(RenewalOutcome.Replaced, (await Store.Renew(Renewal(old.Sha256))).Outcome);
        Assert.Equal(RenewalOutcome.Renewed, (await Store.Renew(Renewal(renewed.Sha256))).Outcome);
    }

    [Fact]
    public async Task A_certificate_that_no_iPad_has_used_does_not_renew()
    {
        var invitation = await Stored();
        var request = Request(invitation.Id);
        await Store.Issue(request);

        Assert.Equal(RenewalOutcome.NeverUsed, (await Store.Renew(Renewal(request.Certificate.Sha256))).Outcome);
    }

    [Theory]
    [InlineData(EnrolmentStatus.Unenrolled)]
    [InlineData(EnrolmentStatus.Removed)]
    [InlineData(EnrolmentStatus.Erased)]
    public async Task The_certificate_of_an_enrolment_that_ended_does_not_renew(EnrolmentStatus status)
    {
        var (id, old, _) = await Enrolled();
        var before = Renewal(old.Sha256);
        await Store.Renew(before);
        var row = (await fixture.Node.Devices.Load(id)).Row!;
        await fixture.Node.Devices.Commit(new EnrolmentChange
        {
            Row = row with { Version = row.Version + 1, Status = status },
            WriteId = Guid.NewGuid(),
            At = Make.Now,
        });

        Assert.Equal(RenewalOutcome.Ended, (await Store.Renew(Renewal(old.Sha256))).Outcome);
        Assert.Equal(RenewalOutcome.Ended, (await Store.Renew(before)).Outcome);
    }

    [Fact]
    public async Task Certificates_renew_after_their_invitation_was_revoked_and_not_after_they_were_withdrawn()
    {
        var (_, old, invitation) = await Enrolled();
        await Store.RevokeInvitation(invitation.Id, Make.Now);
        Assert.Equal(RenewalOutcome.Renewed, (await Store.Renew(Renewal(old.Sha256))).Outcome);

        await Store.RevokeInvitation(invitation.Id, Make.Now, withdrawCertificates: true);
        Assert.Equal(RenewalOutcome.Withdrawn, (await Store.Renew(Renewal(old.Sha256))).Outcome);
    }

    [Fact]
    public async Task A_dropped_pin_is_known_for_whose_it_was_and_pins_nothing_again()
    {
        var (id, old, _) = await Enrolled();
        var renewed = (await Store.Renew(Renewal(old.Sha256))).Certificate!;
        var row = (await fixture.Node.Devices.Load(id)).Row!;
        await fixture.Node.Devices.Commit(new EnrolmentChange
        {
            Row = row with { Version = row.Version + 1 },
            WriteId = Guid.NewGuid(),
            At = Make.Now.AddHours(3),
            Pin = new Pin(renewed.Sha256, renewed.NotAfter, Make.Now.AddHours(3)),
            DropPinsBefore = Make.Now.AddHours(3),
        });

        var standing = await fixture.Node.Devices.FindCertificate(old.Sha256);
        Assert.Equal(new PinOwner(id, Make.Now.AddHours(3)), standing.Pinned);
        Assert.Equal([renewed.Sha256], (await fixture.Node.Devices.Load(id)).Pins.Select(pin => pin.Sha256));
        var other = Make.Change(Make.Device()).Row;
        foreach (var change in new[] { other, row with { Version = row.Version + 2 } })
        {
            var committed = await fixture.Node.Devices.Commit(new EnrolmentChange
            {
                Row = change,
                WriteId = Guid.NewGuid(),
                At = Make.Now.AddHours(4),
                Pin = new Pin(old.Sha256, old.NotAfter, Make.Now.AddHours(4)),
            });
            Assert.Equal(CommitOutcome.PinnedElsewhere, committed.Outcome);
        }
    }

    [Fact]
    public async Task A_certificate_remembers_the_iPad_that_proved_who_it_is()
    {
        var invitation = await Stored();
        var proven = new ProvenIPad("00008101-0011223344556677", "DMP0000001VF");
        var request = Request(invitation.Id);
        var with = await Store.Issue(request with { Certificate = request.Certificate with { Proven = proven } });
        var without = await Store.Issue(Request(invitation.Id));

        Assert.Equal(proven, (await fixture.Node.Devices.FindCertificate(with.Certificate!.Sha256)).Proven);
        Assert.Null((await fixture.Node.Devices.FindCertificate(without.Certificate!.Sha256)).Proven);
    }

    [Fact]
    public async Task An_answer_is_taken_once_until_its_challenge_has_ended()
    {
        var hash = Make.Hash();
        var tries = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Store.Spend(hash, Make.Now.AddHours(1))));
        Assert.Single(tries, taken => taken);
        Assert.True(await Store.Spend(Make.Hash(), Make.Now.AddHours(3)));

        Assert.Equal(0, await Store.ForgetSpent(Make.Now.AddHours(1), 100));
        Assert.Equal(1, await Store.ForgetSpent(Make.Now.AddHours(2), 100));
        Assert.True(await Store.Spend(hash, Make.Now.AddHours(1)));
        Assert.Equal(2, await Store.ForgetSpent(Make.Now.AddDays(1), 100));
    }

    [Fact]
    public async Task A_certificate_that_nobody_issued_is_not_found() =>
        Assert.Equal(new CertificateStanding(), await fixture.Node.Devices.FindCertificate(Make.Hash()));
}
