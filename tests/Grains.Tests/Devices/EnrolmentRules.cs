using System.Security.Cryptography;
using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>Who may speak for an enrolment, and what its messages do to it.</summary>
public abstract class EnrolmentRules(GrainCluster cluster, bool forgetful)
{
    private TestIPad NewIPad(string? id = null) => new(cluster, forgetful, id);

    [Fact]
    public async Task An_iPad_is_enrolled_after_Authenticate_and_TokenUpdate()
    {
        using var ipad = NewIPad();
        await ipad.Authenticate();
        Assert.Equal(EnrolmentStatus.Authenticated, (await cluster.Queries.FindDevice(ipad.Id))!.Status);
        await ipad.TokenUpdate();

        var row = await cluster.Queries.FindDevice(ipad.Id);
        Assert.Equal(EnrolmentStatus.Enrolled, row!.Status);
        Assert.Equal("iPad14,1", row.ProductName);
        Assert.Equal(cluster.Clock.GetUtcNow(), row.EnrolledAt);
    }

    [Fact]
    public async Task A_message_of_an_enrolment_that_never_was_is_refused()
    {
        using var ipad = NewIPad();
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.TokenUpdate()).Refusal);
        Assert.Null(await cluster.Queries.FindDevice(ipad.Id));
    }

    [Fact]
    public async Task A_message_with_a_certificate_that_is_not_pinned_is_refused_and_changes_nothing()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();
        var own = ipad.Certificate;
        var before = await cluster.Queries.FindDevice(ipad.Id);

        await ipad.AllowReenrolment();
        ipad.Certificate = TestIPad.NewCertificate();
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Acknowledged, a)).Refusal);
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.TokenUpdate()).Refusal);
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.CheckOut()).Refusal);
        Assert.Equal(before!.Version, (await cluster.Queries.FindDevice(ipad.Id))!.Version);

        ipad.Certificate = own;
        Assert.Equal(a, await ipad.Connect());
    }

    [Fact]
    public async Task Authenticate_with_the_certificate_of_another_iPad_is_refused_and_changes_nothing()
    {
        using var first = await NewIPad().Enrolled();
        using var second = NewIPad();
        second.Certificate = first.Certificate;

        Assert.Equal(DeviceRefusal.PinnedElsewhere, (await second.Authenticate()).Refusal);
        Assert.Null(await cluster.Queries.FindDevice(second.Id));
        Assert.Null(await first.Connect());
    }

    [Fact]
    public async Task After_enrolling_again_the_old_certificate_speaks_no_more()
    {
        using var ipad = await NewIPad().Enrolled();
        var old = ipad.Certificate;
        await ipad.AllowReenrolment();
        ipad.Certificate = TestIPad.NewCertificate();
        await ipad.Enrolled();

        ipad.Certificate = old;
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
    }

    [Fact]
    public async Task A_renewed_certificate_speaks_at_once_and_the_old_one_for_a_grace_period()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();
        var old = ipad.Certificate;
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        var renewed = await ipad.Renew();

        ipad.Certificate = renewed;
        Assert.Equal(a, await ipad.Connect());
        ipad.Certificate = old;
        Assert.Equal(a, await ipad.Connect());

        cluster.Clock.Advance(TimeSpan.FromDays(8));
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        ipad.Certificate = renewed;
        Assert.Equal(a, await ipad.Connect());
    }

    [Fact]
    public async Task Authenticate_with_a_renewed_certificate_is_no_new_enrolment()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();
        var renewed = await ipad.Renew();

        ipad.Certificate = renewed;
        await ipad.Authenticate();
        Assert.Equal(EnrolmentStatus.Enrolled, (await cluster.Queries.FindDevice(ipad.Id))!.Status);
        Assert.Equal(a, await ipad.Connect());
    }

    [Fact]
    public async Task The_school_of_the_invitation_becomes_the_school_of_the_iPad()
    {
        using var ipad = NewIPad();
        string? invitation = null;
        ipad.Certificate = await ipad.Invited(made => { invitation = made.Id; return made; });

        await ipad.Enrolled();
        var row = await cluster.Queries.FindDevice(ipad.Id);
        Assert.Equal("Elm Street", row!.School);
        Assert.Equal(invitation, row.InvitationId);
    }

    [Fact]
    public async Task A_removed_iPad_is_told_to_unenrol_until_it_is_invited_anew()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();

        Assert.Equal(RemoveOutcome.Removed, await ipad.Step(grain => grain.Remove()));
        Assert.Equal(RemoveOutcome.AlreadyRemoved, await ipad.Step(grain => grain.Remove()));
        Assert.Equal(CommandEnding.Removed, await ipad.EndingOf(a));
        Assert.Equal(DeviceRefusal.Unrecognized, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.Unrecognized, (await ipad.TokenUpdate()).Refusal);
        Assert.Equal(DeviceRefusal.Unrecognized, (await ipad.Authenticate()).Refusal);

        var stranger = ipad.Certificate;
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        ipad.Certificate = await ipad.Invited();
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        await ipad.Enrolled();
        Assert.Null(await ipad.Connect());
        ipad.Certificate = stranger;
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
    }

    [Fact]
    public async Task Two_enrolments_may_carry_the_same_push_token()
    {
        using var first = NewIPad();
        using var second = NewIPad();
        await first.Enrolled();
        second.TakePushToken(first.Token);
        await second.Enrolled();

        Assert.Null(await first.Connect());
        Assert.Null(await second.Connect());
    }

    [Fact]
    public async Task TokenUpdate_that_brings_nothing_new_writes_nothing()
    {
        using var ipad = await NewIPad().Enrolled();
        await ipad.TokenUpdate(unlockToken: [1, 2, 3]);
        var before = (await cluster.Queries.FindDevice(ipad.Id))!.Version;
        await ipad.TokenUpdate(unlockToken: [1, 2, 3]);
        await ipad.TokenUpdate();
        Assert.Equal(before, (await cluster.Queries.FindDevice(ipad.Id))!.Version);
    }

    [Fact]
    public async Task ClearPasscode_carries_the_unlock_token_that_came_last_and_no_row_holds_it_in_clear()
    {
        var unlock = RandomNumberGenerator.GetBytes(2048);
        using var ipad = await NewIPad().Enrolled();
        await ipad.TokenUpdate(unlockToken: [9, 9, 9]);
        await ipad.TokenUpdate(unlockToken: unlock);
        await ipad.TokenUpdate();
        await ipad.Enqueue("ClearPasscode");

        var body = (await ipad.RawReport(ReportStatus.Idle, null)).Body!;
        Assert.Equal(unlock, TestIPad.CommandIn(body).GetDictionary("Command")!.GetData("UnlockToken"));
        var stored = await cluster.Escrow.Find(ipad.Id, EscrowedToken.Unlock);
        Assert.NotNull(stored);
        Assert.Equal(-1, stored.AsSpan().IndexOf(unlock.AsSpan(0, 64)));
    }

    [Fact]
    public async Task The_bootstrap_token_is_escrowed_given_back_and_deleted()
    {
        using var ipad = await NewIPad().Enrolled();
        Assert.Null((await ipad.Step(grain => grain.GetBootstrapToken(ipad.Certificate))).Body);

        var token = RandomNumberGenerator.GetBytes(64);
        await ipad.Step(grain => grain.SetBootstrapToken(token, ipad.Certificate));
        var answer = (await ipad.Step(grain => grain.GetBootstrapToken(ipad.Certificate))).Body!;
        Assert.Equal(token, TestIPad.CommandIn(answer).GetData("BootstrapToken"));

        await ipad.Step(grain => grain.SetBootstrapToken(null, ipad.Certificate));
        Assert.Null((await ipad.Step(grain => grain.GetBootstrapToken(ipad.Certificate))).Body);
    }

    [Fact]
    public async Task Declarative_management_answers_with_an_empty_set()
    {
        using var ipad = await NewIPad().Enrolled();
        async Task<DeviceReply> Ask(string endpoint) =>
            await ipad.Step(grain => grain.DeclarativeManagement(new DeclarativeManagementMessage(endpoint, null), ipad.Certificate));

        var tokens = Encoding.UTF8.GetString((await Ask("tokens")).Body!);
        var items = Encoding.UTF8.GetString((await Ask("declaration-items")).Body!);
        Assert.Contains("\"DeclarationsToken\":\"empty\"", tokens);
        Assert.Contains("\"Configurations\":[]", items);
        Assert.Equal(DeviceRefusal.DeclarationNotFound, (await Ask("declaration/configuration/x")).Refusal);
        Assert.Equal(DeviceReply.Empty, await Ask("status"));
        Assert.Equal(DeviceRefusal.BadMessage, (await Ask("nonsense")).Refusal);
    }

    [Fact]
    public async Task Other_services_users_of_a_Mac_and_return_to_service_get_their_answers()
    {
        using var ipad = await NewIPad().Enrolled();
        Assert.Equal(DeviceRefusal.UnknownTokenService, (await ipad.Step(grain => grain.GetToken("com.apple.maid", ipad.Certificate))).Refusal);
        Assert.Equal(DeviceRefusal.WillNotManageUser, (await ipad.Step(grain => grain.UserAuthenticate(ipad.Certificate))).Refusal);
        var answer = (await ipad.Step(grain => grain.ReturnToService(ipad.Certificate))).Body!;
        Assert.False(TestIPad.CommandIn(answer).GetDictionary("ReturnToService")!.GetBoolean("Enabled"));
    }

    [Fact]
    public async Task A_Shared_iPad_user_has_a_queue_of_its_own_under_the_certificate_of_the_device()
    {
        using var ipad = await NewIPad().Enrolled();
        using var user = NewIPad($"{ipad.Id}:pupil@school.example");
        user.Certificate = ipad.Certificate;
        Assert.Equal(DeviceRefusal.NotPinned, (await user.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.None, (await user.TokenUpdate(userShortName: "pupil@school.example")).Refusal);

        var forUser = await user.Enqueue("ProfileList");
        var forDevice = await ipad.Enqueue("DeviceLock");
        Assert.Equal(forUser, await user.Connect());
        Assert.Null(await user.Acknowledge(forUser));
        Assert.Equal(forDevice, await ipad.Connect());
        Assert.Equal(EnrolmentKind.SharedUser, (await cluster.Queries.FindDevice(user.Id))!.Kind);
        Assert.Equal(DeviceRefusal.WillNotManageUser, (await user.Step(grain => grain.UserAuthenticate(user.Certificate))).Refusal);
        Assert.Equal(DeviceRefusal.BadMessage, (await user.Authenticate()).Refusal);
    }

    [Fact]
    public async Task A_stranger_cannot_open_a_user_channel_on_somebody_elses_iPad()
    {
        using var ipad = await NewIPad().Enrolled();
        using var stranger = NewIPad($"{ipad.Id}:stranger");
        Assert.Equal(DeviceRefusal.NotPinned, (await stranger.TokenUpdate(userShortName: "stranger")).Refusal);
    }

    [Fact]
    public async Task Beyond_a_hundred_users_of_an_iPad_the_one_who_was_away_longest_gives_way_and_nobody_who_was_there_today()
    {
        using var ipad = await NewIPad().Enrolled();
        async Task<DeviceRefusal> SignsIn(string name)
        {
            using var user = NewIPad($"{ipad.Id}:{name}");
            user.Certificate = ipad.Certificate;
            return (await user.TokenUpdate(userShortName: name)).Refusal;
        }

        Assert.Equal(DeviceRefusal.None, await SignsIn("first"));
        cluster.Clock.Advance(TimeSpan.FromHours(1));
        var others = await Task.WhenAll(Enumerable.Range(0, 110).Select(n => SignsIn($"pupil{n}")));
        Assert.Equal((99, 11), (others.Count(refusal => refusal == DeviceRefusal.None), others.Count(refusal => refusal == DeviceRefusal.TooManyUsers)));

        using var first = NewIPad($"{ipad.Id}:first");
        first.Certificate = ipad.Certificate;
        var command = await first.Enqueue();
        cluster.Clock.Advance(TimeSpan.FromHours(23));
        Assert.Equal(DeviceRefusal.None, await SignsIn("new"));
        Assert.Null(await cluster.Queries.FindDevice(first.Id));
        Assert.Equal(CommandEnding.CheckedOut, await first.EndingOf(command));
        Assert.Equal(DeviceRefusal.NotPinned, (await first.RawReport(ReportStatus.Idle, null)).Refusal);

        // Whoever had to go comes back at the next sign-in.
        cluster.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal(DeviceRefusal.None, (await first.TokenUpdate(userShortName: "first")).Refusal);
        Assert.Null(await first.Connect());
    }

    [Theory]
    [InlineData("iPhone15,2", "pupil")]
    [InlineData("iPad14,1", null)]
    public async Task What_cannot_be_a_Shared_iPad_has_no_users(string product, string? shortName)
    {
        using var device = NewIPad();
        await device.Authenticate(message => message with { ProductName = product });
        await device.TokenUpdate();
        using var user = NewIPad($"{device.Id}:pupil");
        user.Certificate = device.Certificate;
        Assert.Equal(DeviceRefusal.NotShared, (await user.TokenUpdate(userShortName: shortName)).Refusal);
        Assert.Null(await cluster.Queries.FindDevice(user.Id));
    }

    [Fact]
    public async Task Enrolling_the_device_again_ends_its_user_channels()
    {
        using var ipad = await NewIPad().Enrolled();
        using var user = NewIPad($"{ipad.Id}:pupil");
        user.Certificate = ipad.Certificate;
        await user.TokenUpdate(userShortName: "pupil");
        var a = await user.Enqueue();

        await ipad.AllowReenrolment();
        ipad.Certificate = TestIPad.NewCertificate();
        await ipad.Enrolled();
        Assert.Equal(CommandEnding.Reenrolled, await user.EndingOf(a));
        Assert.Equal(DeviceRefusal.NotPinned, (await user.RawReport(ReportStatus.Idle, null)).Refusal);

        user.Certificate = ipad.Certificate;
        Assert.Equal(DeviceRefusal.NotPinned, (await user.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(DeviceRefusal.None, (await user.TokenUpdate(userShortName: "pupil")).Refusal);
        Assert.Null(await user.Connect());
    }

    [Fact]
    public async Task When_an_iPad_was_last_seen_is_written_within_a_minute()
    {
        using var ipad = await NewIPad().Enrolled();
        cluster.Clock.Advance(TimeSpan.FromMinutes(3));
        await ipad.Connect();
        await cluster.FlushSeen();
        Assert.Equal(cluster.Clock.GetUtcNow(), (await cluster.Queries.FindDevice(ipad.Id))!.LastSeenAt);
    }
}
