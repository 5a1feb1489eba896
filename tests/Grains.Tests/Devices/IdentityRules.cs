using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>A certificate, and what descends from it by renewal, speaks for the enrolment that first used it, and displacing a living enrolment
/// needs more than an invitation.</summary>
public abstract class IdentityRules(GrainCluster cluster, bool forgetful)
{
    private TestIPad NewIPad(string? id = null) => new(cluster, forgetful, id);

    /// <summary>An iPad that was enrolled by an invitation, and somebody else with a certificate of another one.</summary>
    private async Task<(TestIPad IPad, TestIPad Other)> Two()
    {
        var ipad = NewIPad();
        ipad.Certificate = await ipad.Invited();
        await ipad.Enrolled();
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        var other = NewIPad(ipad.Id);
        other.Certificate = await other.Invited();
        return (ipad, other);
    }

    private async Task<Claim> ClaimOn(TestIPad ipad) => (await cluster.Reenrolments.FindClaim(ipad.Id))!;

    private async Task<Claim> Decide(TestIPad ipad, ClaimDecision decision)
    {
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        var now = cluster.Clock.GetUtcNow();
        var claim = await ClaimOn(ipad);
        return (await cluster.Reenrolments.Decide(ipad.Id, claim.ClaimId, decision, now, "anna",
            decision == ClaimDecision.Allowed ? now.AddHours(72) : null))!;
    }

    [Fact]
    public async Task Another_certificate_for_a_living_iPad_is_refused_and_changes_nothing()
    {
        var (ipad, other) = await Two();
        await ipad.TokenUpdate(unlockToken: [1, 2, 3]);
        var command = await ipad.Enqueue();
        var before = await cluster.Queries.FindDevice(ipad.Id);

        Assert.Equal(DeviceRefusal.Claimed, (await other.Authenticate()).Refusal);
        Assert.Equal(DeviceRefusal.NotPinned, (await other.TokenUpdate()).Refusal);
        Assert.Equal(DeviceRefusal.NotPinned, (await other.RawReport(ReportStatus.Idle, null)).Refusal);

        var after = await cluster.Queries.FindDevice(ipad.Id);
        Assert.Equal(before!.Version, after!.Version);
        Assert.True(after.HasUnlockToken);
        Assert.Equal(before.SerialNumber, after.SerialNumber);
        Assert.Equal(command, await ipad.Connect());
        var claim = await ClaimOn(ipad);
        Assert.Equal((ClaimDecision.Open, other.SerialNumber, 1), (claim.Decision, claim.SerialNumber, claim.Attempts));
        Assert.Equal(other.Certificate.Sha256, claim.Sha256);
    }

    [Fact]
    public async Task A_claim_that_is_repeated_is_counted_and_the_newest_one_takes_the_place_of_the_one_before()
    {
        var (ipad, other) = await Two();
        await other.Authenticate();
        var first = await ClaimOn(ipad);
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        await other.Authenticate();
        Assert.Equal((first.ClaimId, 2), ((await ClaimOn(ipad)).ClaimId, (await ClaimOn(ipad)).Attempts));

        other.Certificate = await other.Invited();
        await other.Authenticate();
        Assert.NotEqual(first.ClaimId, (await ClaimOn(ipad)).ClaimId);
        // Who decides about the one that was shown does not decide about the other.
        await cluster.Reenrolments.Decide(ipad.Id, first.ClaimId, ClaimDecision.Refused, cluster.Clock.GetUtcNow(), "anna", null);
        Assert.Equal(ClaimDecision.Open, (await ClaimOn(ipad)).Decision);
        Assert.Null(await cluster.Reenrolments.Decide(ipad.Id, Guid.NewGuid(), ClaimDecision.Allowed, cluster.Clock.GetUtcNow(), "anna", null));
    }

    [Theory]
    [InlineData("a stranger claims after Allow")]
    [InlineData("a stranger claims before Allow")]
    [InlineData("strangers claim before and after")]
    public async Task What_a_person_allowed_stays_allowed_whoever_claims_the_iPad_meanwhile(string order)
    {
        var (ipad, other) = await Two();
        using var stranger = NewIPad(ipad.Id);
        await other.Authenticate();
        var seen = await ClaimOn(ipad);
        if (order != "a stranger claims after Allow") await StrangerClaims();
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        var now = cluster.Clock.GetUtcNow();
        var decided = await cluster.Reenrolments.Decide(ipad.Id, seen.ClaimId, ClaimDecision.Allowed, now, "anna", now.AddHours(72));
        Assert.Equal((ClaimDecision.Allowed, other.SerialNumber), (decided!.Decision, decided.SerialNumber));
        if (order != "a stranger claims before Allow") await StrangerClaims();

        // The stranger's is what is still to be decided; it got nothing by the permission of another.
        Assert.Equal(DeviceRefusal.Claimed, (await stranger.Authenticate()).Refusal);
        var open = await ClaimOn(ipad);
        Assert.Equal((ClaimDecision.Open, stranger.SerialNumber), (open.Decision, open.SerialNumber));
        await other.Enrolled();
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(DeviceRefusal.Claimed, (await stranger.Authenticate()).Refusal);

        async Task StrangerClaims()
        {
            cluster.Clock.Advance(TimeSpan.FromMinutes(1));
            stranger.Certificate = await stranger.Invited();
            Assert.Equal(DeviceRefusal.Claimed, (await stranger.Authenticate()).Refusal);
        }
    }

    [Fact]
    public async Task Of_claims_without_end_the_newest_are_kept_and_a_device_that_claims_again_is_seen_again()
    {
        var (ipad, other) = await Two();
        await other.Authenticate();
        var first = await ClaimOn(ipad);
        using var stranger = NewIPad(ipad.Id);
        for (var i = 0; i < IReenrolmentStore.MostEarlierClaims; i++) await Claims(stranger);
        Assert.Equal(IReenrolmentStore.MostEarlierClaims + 1, (await cluster.Reenrolments.FindClaims(ipad.Id)).Count);

        cluster.Clock.Advance(TimeSpan.FromSeconds(1));
        await other.Authenticate();
        Assert.Equal(first.ClaimId, (await ClaimOn(ipad)).ClaimId);

        for (var i = 0; i < IReenrolmentStore.MostEarlierClaims + 1; i++) await Claims(stranger);
        Assert.Equal(IReenrolmentStore.MostEarlierClaims + 1, (await cluster.Reenrolments.FindClaims(ipad.Id)).Count);
        Assert.Null(await cluster.Reenrolments.Decide(ipad.Id, first.ClaimId, ClaimDecision.Allowed, cluster.Clock.GetUtcNow(), "anna", null));

        async Task Claims(TestIPad pad)
        {
            cluster.Clock.Advance(TimeSpan.FromSeconds(1));
            pad.Certificate = await pad.Invited();
            Assert.Equal(DeviceRefusal.Claimed, (await pad.Authenticate()).Refusal);
        }
    }

    [Fact]
    public async Task A_device_whose_permission_is_over_can_be_allowed_again()
    {
        var (ipad, other) = await Two();
        await other.Authenticate();
        await Decide(ipad, ClaimDecision.Allowed);
        cluster.Clock.Advance(TimeSpan.FromHours(73));
        Assert.Equal(DeviceRefusal.Claimed, (await other.Authenticate()).Refusal);
        Assert.Equal(ClaimDecision.Open, (await ClaimOn(ipad)).Decision);
        await Decide(ipad, ClaimDecision.Allowed);
        await other.Enrolled();
    }

    [Fact]
    public async Task One_certificate_claims_one_iPad()
    {
        var (ipad, other) = await Two();
        var (second, _) = await Two();
        await other.Authenticate();

        using var again = NewIPad(second.Id);
        again.Certificate = other.Certificate;
        Assert.Equal(DeviceRefusal.Claimed, (await again.Authenticate()).Refusal);
        Assert.Null(await cluster.Reenrolments.FindClaim(second.Id));
        Assert.NotNull(await cluster.Reenrolments.FindClaim(ipad.Id));
    }

    [Fact]
    public async Task After_Allow_the_iPad_enrols_with_the_certificate_that_it_has_and_the_old_one_is_of_no_use()
    {
        var (ipad, other) = await Two();
        await ipad.TokenUpdate(unlockToken: [1, 2, 3]);
        var command = await ipad.Enqueue();
        await other.Authenticate();
        await Decide(ipad, ClaimDecision.Allowed);

        await other.Enrolled();
        Assert.Null(await other.Connect());
        Assert.Equal(CommandEnding.Reenrolled, await ipad.EndingOf(command));
        Assert.False((await cluster.Queries.FindDevice(ipad.Id))!.HasUnlockToken);
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.Superseded, (await ipad.Authenticate()).Refusal);
    }

    [Fact]
    public async Task After_Allow_a_new_certificate_by_the_same_invitation_enrols_since_an_iPad_makes_a_new_key_for_each_profile()
    {
        var (ipad, other) = await Two();
        string? invitation = null;
        other.Certificate = await other.Invited(made => made with { Id = invitation = made.Id, MaxUses = 1 });
        await other.Authenticate();
        await Decide(ipad, ClaimDecision.Allowed);

        other.Certificate = await other.InvitedBy(invitation!);
        await other.Enrolled();
        Assert.Equal(1, (await cluster.Enrolments.FindInvitation(invitation!))!.Uses);
    }

    [Fact]
    public async Task An_allowed_claim_is_good_for_one_enrolment_and_for_72_hours()
    {
        var (ipad, other) = await Two();
        await other.Authenticate();
        await Decide(ipad, ClaimDecision.Allowed);
        await other.Enrolled();
        using var third = NewIPad(ipad.Id);
        third.SerialNumber = other.SerialNumber;
        third.Certificate = await third.InvitedBy((await ClaimOn(ipad)).InvitationId!);
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(DeviceRefusal.Claimed, (await third.Authenticate()).Refusal);

        await Decide(ipad, ClaimDecision.Allowed);
        cluster.Clock.Advance(TimeSpan.FromHours(73));
        Assert.Equal(DeviceRefusal.Claimed, (await third.Authenticate()).Refusal);
    }

    [Fact]
    public async Task A_refused_certificate_speaks_for_nobody()
    {
        var (ipad, other) = await Two();
        await other.Authenticate();
        await Decide(ipad, ClaimDecision.Refused);

        Assert.Equal(DeviceRefusal.Superseded, (await other.Authenticate()).Refusal);
        using var elsewhere = NewIPad();
        elsewhere.Certificate = other.Certificate;
        Assert.Equal(DeviceRefusal.PinnedElsewhere, (await elsewhere.Authenticate()).Refusal);
        Assert.Null(await ipad.Connect());
    }

    [Fact]
    public async Task An_iPad_that_checked_out_enrols_again_at_once()
    {
        var (ipad, other) = await Two();
        await ipad.CheckOut();
        await other.Enrolled();
        Assert.Null(await other.Connect());
    }

    [Fact]
    public async Task An_iPad_that_acknowledged_EraseDevice_is_Erased_and_enrols_again_at_once()
    {
        var (ipad, other) = await Two();
        var later = await ipad.Enqueue();
        var erase = await ipad.Enqueue("EraseDevice");
        Assert.Equal(erase, await ipad.Report(ReportStatus.Acknowledged, await ipad.Connect()));
        await ipad.RawReport(ReportStatus.Acknowledged, erase);

        Assert.Equal(EnrolmentStatus.Erased, (await cluster.Queries.FindDevice(ipad.Id))!.Status);
        Assert.Equal(CommandEnding.Acknowledged, await ipad.EndingOf(erase));
        Assert.Equal(CommandEnding.Acknowledged, await ipad.EndingOf(later));
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(EnqueueOutcome.NotEnrolled, (await ipad.Step(grain => grain.Enqueue(TestIPad.Order("DeviceLock", "A")))).Outcome);

        await other.Enrolled();
        Assert.Equal(EnrolmentStatus.Enrolled, (await cluster.Queries.FindDevice(ipad.Id))!.Status);
    }

    [Fact]
    public async Task An_iPad_that_acknowledged_EraseDevice_after_it_was_given_up_is_Erased()
    {
        var (ipad, other) = await Two();
        var erase = await ipad.Enqueue("EraseDevice");
        for (var i = 0; i < 3; i++) await ipad.Connect();
        cluster.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(await ipad.Connect());
        Assert.Equal(CommandEnding.Error, await ipad.EndingOf(erase));
        var waiting = await ipad.Enqueue("DeviceLock");

        var reply = await ipad.RawReport(ReportStatus.Acknowledged, erase);
        Assert.Equal((DeviceRefusal.None, (byte[]?)null), (reply.Refusal, reply.Body));
        Assert.Equal(EnrolmentStatus.Erased, (await cluster.Queries.FindDevice(ipad.Id))!.Status);
        Assert.Equal(CommandEnding.Acknowledged, await ipad.EndingOf(erase));
        Assert.Equal(CommandEnding.Erased, await ipad.EndingOf(waiting));
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        await other.Enrolled();
    }

    [Fact]
    public async Task An_iPad_that_was_handed_EraseDevice_and_is_silent_since_enrols_again_at_once()
    {
        var (ipad, other) = await Two();
        await ipad.Enqueue("EraseDevice");
        await ipad.Connect();
        cluster.Clock.Advance(TimeSpan.FromMinutes(5));

        await other.Enrolled();
    }

    [Fact]
    public async Task An_iPad_that_was_handed_EraseDevice_and_was_seen_since_is_not_displaced()
    {
        var (ipad, other) = await Two();
        var erase = await ipad.Enqueue("EraseDevice");
        await ipad.Connect();
        cluster.Clock.Advance(TimeSpan.FromMinutes(5));
        await ipad.Fail(erase);
        await cluster.FlushSeen();

        Assert.Equal(DeviceRefusal.Claimed, (await other.Authenticate()).Refusal);
    }

    [Fact]
    public async Task A_removed_iPad_comes_back_by_a_younger_invitation_only()
    {
        var (ipad, older) = await Two();
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        await ipad.Step(grain => grain.Remove());
        Assert.Equal(DeviceRefusal.Claimed, (await older.Authenticate()).Refusal);

        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        using var younger = NewIPad(ipad.Id);
        younger.Certificate = await younger.Invited();
        await younger.Enrolled();
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.Superseded, (await ipad.Authenticate()).Refusal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_descends_from_a_removed_iPad_does_not_bring_it_back_whatever_it_says_first(bool pollsFirst)
    {
        var (ipad, _) = await Two();
        var successor = await ipad.Renew();
        await ipad.Step(grain => grain.Remove());

        ipad.Certificate = successor;
        if (pollsFirst) Assert.Equal(DeviceRefusal.Unrecognized, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.Unrecognized, (await ipad.Authenticate()).Refusal);
        using var elsewhere = NewIPad();
        elsewhere.Certificate = successor;
        Assert.Equal(DeviceRefusal.PinnedElsewhere, (await elsewhere.Authenticate()).Refusal);
        Assert.Equal(EnrolmentStatus.Removed, (await cluster.Queries.FindDevice(ipad.Id))!.Status);
    }

    [Theory]
    [InlineData("used")]
    [InlineData("successor")]
    [InlineData("checked out")]
    public async Task A_certificate_and_its_successor_enrol_no_other_iPad(string which)
    {
        var (ipad, _) = await Two();
        using var elsewhere = NewIPad();
        elsewhere.Certificate = which == "successor" ? await ipad.Renew() : ipad.Certificate;
        if (which == "checked out") await ipad.CheckOut();

        Assert.Equal(DeviceRefusal.PinnedElsewhere, (await elsewhere.Authenticate()).Refusal);
        Assert.Null(await cluster.Queries.FindDevice(elsewhere.Id));
    }

    [Fact]
    public async Task A_replaced_key_does_not_begin_the_enrolment_again_and_makes_no_claim()
    {
        var (ipad, _) = await Two();
        var old = ipad.Certificate;
        ipad.Certificate = await ipad.Renew();
        await ipad.Connect();

        ipad.Certificate = old;
        Assert.Equal(DeviceRefusal.Superseded, (await ipad.Authenticate()).Refusal);
        Assert.Null(await cluster.Reenrolments.FindClaim(ipad.Id));
    }

    [Fact]
    public async Task A_successor_that_was_replaced_by_another_one_before_it_was_used_is_of_no_use()
    {
        var (ipad, _) = await Two();
        var first = await ipad.Renew();
        var second = await ipad.Renew();

        var old = ipad.Certificate;
        ipad.Certificate = first;
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.Superseded, (await ipad.Authenticate()).Refusal);
        ipad.Certificate = second;
        Assert.Null(await ipad.Connect());
        ipad.Certificate = old;
        Assert.Null(await ipad.Connect());
    }

    [Fact]
    public async Task Escrowed_tokens_survive_a_renewal_and_go_with_every_other_Authenticate()
    {
        var (ipad, _) = await Two();
        await ipad.TokenUpdate(unlockToken: [1, 2, 3]);
        await ipad.Step(grain => grain.SetBootstrapToken([4, 5, 6], ipad.Certificate));
        ipad.Certificate = await ipad.Renew();
        await ipad.Authenticate();
        var renewed = (await cluster.Queries.FindDevice(ipad.Id))!;
        Assert.True(renewed.HasUnlockToken);
        Assert.True(renewed.HasBootstrapToken);

        await ipad.Authenticate();
        var anew = (await cluster.Queries.FindDevice(ipad.Id))!;
        Assert.False(anew.HasUnlockToken);
        Assert.False(anew.HasBootstrapToken);
        Assert.Null(await cluster.Escrow.Find(ipad.Id, EscrowedToken.Unlock));
    }

    [Fact]
    public async Task A_certificate_of_a_revoked_invitation_that_no_iPad_has_used_enrols_none()
    {
        using var ipad = NewIPad();
        string? invitation = null;
        ipad.Certificate = await ipad.Invited(made => made with { Id = invitation = made.Id });
        await cluster.Enrolments.RevokeInvitation(invitation!, cluster.Clock.GetUtcNow());

        Assert.Equal(DeviceRefusal.InvitationWithdrawn, (await ipad.Authenticate()).Refusal);
    }

    [Fact]
    public async Task Withdrawn_certificates_go_on_speaking_and_begin_no_enrolment_again()
    {
        using var ipad = NewIPad();
        string? invitation = null;
        ipad.Certificate = await ipad.Invited(made => made with { Id = invitation = made.Id });
        await ipad.Enrolled();
        await cluster.Enrolments.RevokeInvitation(invitation!, cluster.Clock.GetUtcNow(), withdrawCertificates: true);

        Assert.Null(await ipad.Connect());
        Assert.Equal(DeviceRefusal.InvitationWithdrawn, (await ipad.Authenticate()).Refusal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_invitation_made_for_an_iPad_takes_it_over_and_enrols_no_other(bool bySerialNumber)
    {
        var (ipad, other) = await Two();
        other.Certificate = await other.Invited(made => made with { OnlyFor = [bySerialNumber ? ipad.SerialNumber.ToLowerInvariant() : ipad.Id] });
        using var stranger = NewIPad();
        stranger.Certificate = other.Certificate;

        Assert.Equal(DeviceRefusal.InvitationForAnother, (await stranger.Authenticate()).Refusal);
        other.SerialNumber = ipad.SerialNumber;
        await other.Enrolled();
    }

    [Fact]
    public async Task An_invitation_for_ones_own_serial_number_does_not_take_over_somebody_elses_iPad()
    {
        var (ipad, other) = await Two();
        other.Certificate = await other.Invited(made => made with { OnlyFor = [other.SerialNumber] });

        Assert.Equal(DeviceRefusal.Claimed, (await other.Authenticate()).Refusal);
        Assert.Null(await ipad.Connect());
    }

    [Fact]
    public async Task An_iPad_that_proved_who_it_is_enrols_again_at_once()
    {
        var (ipad, other) = await Two();
        other.SerialNumber = ipad.SerialNumber;
        other.Certificate = await other.Invited(proven: new ProvenIPad(ipad.Id, ipad.SerialNumber));

        await other.Enrolled();
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
    }

    [Fact]
    public async Task A_certificate_of_an_iPad_that_proved_who_it_is_serves_no_other()
    {
        var (ipad, other) = await Two();
        other.Certificate = await other.Invited(proven: new ProvenIPad("00008101-0011223344556677", other.SerialNumber));
        Assert.Equal(DeviceRefusal.ProvenAnother, (await other.Authenticate()).Refusal);

        other.Certificate = await other.Invited(proven: new ProvenIPad(ipad.Id, "ANOTHER1"));
        Assert.Equal(DeviceRefusal.ProvenAnother, (await other.Authenticate()).Refusal);
        Assert.Null(await ipad.Connect());
    }

    [Fact]
    public async Task An_iPad_that_proved_another_serial_number_than_the_enrolled_one_has_waits_for_a_person()
    {
        var (ipad, other) = await Two();
        other.SerialNumber = "CHANGED1";
        other.Certificate = await other.Invited(proven: new ProvenIPad(ipad.Id, "CHANGED1"));

        Assert.Equal(DeviceRefusal.Claimed, (await other.Authenticate()).Refusal);
        Assert.Null(await ipad.Connect());
    }

    [Fact]
    public async Task A_permission_to_enrol_anew_is_good_once_and_for_a_time()
    {
        var (ipad, other) = await Two();
        await ipad.AllowReenrolment();
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        await other.Enrolled();
        using var third = NewIPad(ipad.Id);
        third.Certificate = await third.Invited();
        Assert.Equal(DeviceRefusal.Claimed, (await third.Authenticate()).Refusal);

        await ipad.AllowReenrolment();
        cluster.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(DeviceRefusal.Claimed, (await third.Authenticate()).Refusal);
    }

    [Fact]
    public async Task An_invitation_that_allows_re_enrolment_takes_over()
    {
        var (_, other) = await Two();
        other.Certificate = await other.Invited(made => made with { AllowReenrolment = true });
        await other.Enrolled();
    }

    [Fact]
    public async Task An_EnrollmentID_that_equals_a_UDID_is_refused_whatever_state_the_iPad_is_in()
    {
        var (ipad, other) = await Two();
        Task<DeviceReply> AsUserEnrollment() => other.Authenticate(message => message with { Udid = null, EnrollmentId = ipad.Id });

        Assert.Equal(DeviceRefusal.OtherKind, (await AsUserEnrollment()).Refusal);
        await ipad.CheckOut();
        Assert.Equal(DeviceRefusal.OtherKind, (await AsUserEnrollment()).Refusal);
        Assert.Equal(EnrolmentKind.Device, (await cluster.Queries.FindDevice(ipad.Id))!.Kind);
    }

    [Fact]
    public async Task A_certificate_that_counts_only_where_it_is_pinned_enrols_nothing_and_begins_its_own_enrolment_again()
    {
        using var ipad = NewIPad();
        await ipad.Enrolled();
        ipad.Certificate = ipad.Certificate with { OnlyWherePinned = true };
        await ipad.Enrolled();

        using var stranger = NewIPad();
        stranger.Certificate = TestIPad.NewCertificate() with { OnlyWherePinned = true };
        Assert.Equal(DeviceRefusal.OnlyWherePinned, (await stranger.Authenticate()).Refusal);
    }

    [Fact]
    public async Task An_expired_certificate_begins_no_enrolment()
    {
        using var ipad = NewIPad();
        ipad.Certificate = ipad.Certificate with { NotAfter = cluster.Clock.GetUtcNow().AddSeconds(-1) };
        Assert.Equal(DeviceRefusal.CertificateExpired, (await ipad.Authenticate()).Refusal);
        Assert.Null(await cluster.Queries.FindDevice(ipad.Id));
    }

    [Fact]
    public async Task An_invitation_counts_iPads_and_not_certificates()
    {
        using var ipad = NewIPad();
        string? invitation = null;
        ipad.Certificate = await ipad.Invited(made => made with { Id = invitation = made.Id, MaxUses = 2 });
        await ipad.Enrolled();
        await ipad.CheckOut();
        ipad.Certificate = await ipad.InvitedBy(invitation!);
        Assert.Equal(2, (await cluster.Enrolments.FindInvitation(invitation!))!.Uses);
        await ipad.Enrolled();

        Assert.Equal(1, (await cluster.Enrolments.FindInvitation(invitation!))!.Uses);
    }

    [Fact]
    public async Task Escrow_is_forgotten_some_time_after_an_enrolment_has_ended()
    {
        var (ipad, _) = await Two();
        await ipad.TokenUpdate(unlockToken: [1, 2, 3]);
        Assert.Equal(0, await cluster.Reenrolments.ForgetEscrow(cluster.Clock.GetUtcNow().AddDays(1), 1_000));
        await ipad.Step(grain => grain.Remove());

        await cluster.Reenrolments.ForgetEscrow(cluster.Clock.GetUtcNow(), 1_000);
        Assert.True((await cluster.Queries.FindDevice(ipad.Id))!.HasUnlockToken);
        await cluster.Reenrolments.ForgetEscrow(cluster.Clock.GetUtcNow().AddSeconds(1), 1_000);
        Assert.False((await cluster.Queries.FindDevice(ipad.Id))!.HasUnlockToken);
    }
}
