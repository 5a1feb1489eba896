using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>Apple's queue rules, as transcripts. Each store runs them twice: with a grain that stays, and with one that is
/// deactivated after every single step.</summary>
public abstract class QueueRules(GrainCluster cluster, bool forgetful)
{
    private TestIPad NewIPad() => new(cluster, forgetful);

    [Fact]
    public async Task Commands_are_delivered_in_the_order_in_which_they_were_accepted()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue("SecurityInfo");
        var b = await ipad.Enqueue("ProfileList");
        var c = await ipad.Enqueue("DeviceInformation");

        Assert.Equal(a, await ipad.Connect());
        Assert.Equal(b, await ipad.Acknowledge(a));
        Assert.Equal(c, await ipad.Acknowledge(b));
        Assert.Null(await ipad.Acknowledge(c));
    }

    [Fact]
    public async Task Twenty_commands_accepted_in_the_same_millisecond_keep_their_order()
    {
        using var ipad = await NewIPad().Enrolled();
        var queued = new List<string>();
        for (var i = 0; i < 20; i++) queued.Add(await ipad.Enqueue(push: false));

        var delivered = new List<string>();
        for (var next = await ipad.Connect(); next is not null; next = await ipad.Acknowledge(next)) delivered.Add(next);
        Assert.Equal(queued, delivered);
    }

    [Fact]
    public async Task A_repeated_acknowledgement_leaves_the_rest_of_the_queue()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();
        var b = await ipad.Enqueue();
        var c = await ipad.Enqueue();

        Assert.Equal(a, await ipad.Connect());
        Assert.Equal(b, await ipad.Acknowledge(a));
        Assert.Equal(b, await ipad.Acknowledge(a));
        Assert.Equal(c, await ipad.Acknowledge(b));
        Assert.Null(await ipad.Acknowledge(c));
    }

    [Fact]
    public async Task A_report_on_an_unknown_command_changes_nothing_and_is_answered_with_the_next_one()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();

        Assert.Equal(a, await ipad.Acknowledge(Guid.NewGuid().ToString().ToUpperInvariant()));
        Assert.Null(await ipad.Acknowledge(a));
    }

    [Fact]
    public async Task A_command_that_was_delivered_and_never_answered_is_delivered_again()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();

        Assert.Equal(a, await ipad.Connect());
        Assert.Equal(a, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(a));
    }

    [Fact]
    public async Task A_command_that_is_never_answered_is_set_aside_and_the_others_go_on()
    {
        using var ipad = await NewIPad().Enrolled();
        var silent = await ipad.Enqueue("InstallProfile");
        var other = await ipad.Enqueue("SecurityInfo");

        for (var i = 0; i < 5; i++) Assert.Equal(silent, await ipad.Connect());
        Assert.Equal(other, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(other));

        var description = (await ipad.Step(grain => grain.Describe()))!;
        var waiting = Assert.Single(description.Queue);
        Assert.Equal((CommandState.SetAside, 5), (waiting.State, waiting.UnansweredCount));
        Assert.StartsWith("Handed over 5 times, never answered. The other commands go first. It is tried again after ", waiting.Reason);
        Assert.Contains("InstallProfile: Handed over 5 times", description.Waiting);
    }

    [Fact]
    public async Task A_command_that_was_set_aside_is_tried_again_with_growing_pauses_and_ends_as_an_error()
    {
        using var ipad = await NewIPad().Enrolled();
        var silent = await ipad.Enqueue("InstallProfile");
        for (var i = 0; i < 5; i++) Assert.Equal(silent, await ipad.Connect());

        foreach (var minutes in (int[])[5, 10, 20, 40, 60])
        {
            Assert.Null(await ipad.Connect());
            cluster.Clock.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(1));
            Assert.Null(await ipad.Connect());
            cluster.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(silent, await ipad.Connect());
        }

        // Handed over for the tenth time: an answer counts for an hour more.
        Assert.Null(await ipad.Connect());
        cluster.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(await ipad.Connect());
        var history = await cluster.Queries.FindHistory(ipad.Id, silent);
        Assert.Equal(CommandEnding.Error, history?.Ending);
        Assert.Equal("The iPad was handed this command 10 times and never answered.", history?.ErrorSummary);
    }

    [Fact]
    public async Task A_late_answer_to_a_command_that_was_set_aside_ends_it()
    {
        using var ipad = await NewIPad().Enrolled();
        var silent = await ipad.Enqueue("InstallProfile");
        for (var i = 0; i < 5; i++) await ipad.Connect();
        Assert.Null(await ipad.Connect());

        Assert.Null(await ipad.Acknowledge(silent));
        Assert.Equal(CommandEnding.Acknowledged, await ipad.EndingOf(silent));
    }

    [Theory]
    [InlineData(ReportStatus.Acknowledged, CommandEnding.Acknowledged)]
    [InlineData(ReportStatus.Error, CommandEnding.Error)]
    public async Task An_answer_that_comes_after_the_command_was_given_up_takes_the_place_of_the_error(ReportStatus status, CommandEnding ending)
    {
        using var ipad = await NewIPad().Enrolled();
        var once = await ipad.Enqueue("RestartDevice");
        for (var i = 0; i < 3; i++) await ipad.Connect();
        cluster.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(await ipad.Connect());
        var before = (await cluster.Queries.FindHistory(ipad.Id, once))!;
        Assert.Equal((CommandEnding.Error, null), (before.Ending, before.Result));
        cluster.Clock.Advance(TimeSpan.FromHours(1));
        var other = await ipad.Enqueue("SecurityInfo");

        // NotNow is no answer, and the answer of another iPad is not this one's.
        Assert.Equal(other, await ipad.NotNow(once));
        using var stranger = await NewIPad().Enrolled();
        Assert.Null(await stranger.Acknowledge(once));
        Assert.Equal(CommandEnding.Error, await ipad.EndingOf(once));

        Assert.Equal(other, await ipad.Report(status, once));
        var after = (await cluster.Queries.FindHistory(ipad.Id, once))!;
        Assert.Equal((ending, before.FinishedAt), (after.Ending, after.FinishedAt));
        Assert.NotNull(after.Result);
        Assert.Contains("The answer came late", after.ErrorSummary);

        // It stays: a repetition, or another word, changes nothing.
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(other, await ipad.Fail(once));
        var again = (await cluster.Queries.FindHistory(ipad.Id, once))!;
        Assert.Equal((after.Ending, after.ErrorSummary), (again.Ending, again.ErrorSummary));
        Assert.Null(await ipad.Acknowledge(other));
    }

    [Fact]
    public async Task An_answer_to_a_command_that_expired_in_the_iPads_hands_is_kept()
    {
        using var ipad = await NewIPad().Enrolled();
        var command = await ipad.Enqueue("SecurityInfo", cluster.Clock.GetUtcNow().AddMinutes(5));
        Assert.Equal(command, await ipad.Connect());
        cluster.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Null(await ipad.Connect());
        Assert.Equal(CommandEnding.Expired, await ipad.EndingOf(command));

        Assert.Null(await ipad.Acknowledge(command));
        Assert.Equal(CommandEnding.Acknowledged, await ipad.EndingOf(command));
    }

    [Fact]
    public async Task Not_now_is_an_answer_and_the_count_begins_anew()
    {
        using var ipad = await NewIPad().Enrolled();
        var silent = await ipad.Enqueue("InstallProfile");
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 4; i++) Assert.Equal(silent, await ipad.Connect());
            Assert.Null(await ipad.NotNow(silent));
        }

        Assert.Equal(silent, await ipad.Connect());
    }

    [Fact]
    public async Task Two_silent_commands_take_turns_behind_the_others()
    {
        using var ipad = await NewIPad().Enrolled();
        var first = await ipad.Enqueue("InstallProfile");
        var second = await ipad.Enqueue("ProfileList");
        for (var i = 0; i < 5; i++) Assert.Equal(first, await ipad.Connect());
        for (var i = 0; i < 5; i++) Assert.Equal(second, await ipad.Connect());
        Assert.Null(await ipad.Connect());

        cluster.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(first, await ipad.Connect());
        Assert.Equal(second, await ipad.Connect());
        Assert.Null(await ipad.Connect());
    }

    [Fact]
    public async Task An_iPad_that_answers_with_a_wrong_uuid_does_not_get_the_same_command_for_ever()
    {
        using var ipad = await NewIPad().Enrolled();
        var silent = await ipad.Enqueue("InstallProfile");
        var other = await ipad.Enqueue("SecurityInfo");

        Assert.Equal(silent, await ipad.Connect());
        for (var i = 0; i < 4; i++) Assert.Equal(silent, await ipad.Acknowledge(Guid.NewGuid().ToString().ToUpperInvariant()));
        Assert.Equal(other, await ipad.Acknowledge(Guid.NewGuid().ToString().ToUpperInvariant()));
    }

    [Theory]
    [InlineData("EraseDevice")]
    [InlineData("RestartDevice")]
    [InlineData("ShutDownDevice")]
    [InlineData("LogOutUser")]
    public async Task What_does_harm_when_it_runs_again_is_repeated_once_and_never_tried_later(string requestType)
    {
        using var ipad = await NewIPad().Enrolled();
        var once = await ipad.Enqueue(requestType);
        var other = await ipad.Enqueue("SecurityInfo");

        Assert.Equal(once, await ipad.Connect());
        Assert.Equal(once, await ipad.Connect());
        Assert.Equal(other, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(other));
        Assert.Contains("It is not handed over again", (await ipad.Step(grain => grain.Describe()))!.Queue.Single().Reason);

        cluster.Clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Null(await ipad.Connect());
        Assert.Null(await ipad.EndingOf(once));
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await ipad.Connect());
        var history = await cluster.Queries.FindHistory(ipad.Id, once);
        Assert.Equal(CommandEnding.Error, history?.Ending);
        Assert.Contains("It was not tried again, since it may have been carried out", history?.ErrorSummary);
    }

    [Fact]
    public async Task A_command_that_was_set_aside_can_be_cancelled()
    {
        using var ipad = await NewIPad().Enrolled();
        var silent = await ipad.Enqueue("InstallProfile");
        for (var i = 0; i < 6; i++) await ipad.Connect();

        Assert.Equal(CancelOutcome.Cancelled, await ipad.Step(grain => grain.Cancel(silent)));
        Assert.Equal(CommandEnding.Cancelled, await ipad.EndingOf(silent));
    }

    [Theory]
    [InlineData(ReportStatus.Acknowledged, CommandEnding.Acknowledged)]
    [InlineData(ReportStatus.Error, CommandEnding.Error)]
    [InlineData(ReportStatus.CommandFormatError, CommandEnding.CommandFormatError)]
    public async Task A_final_status_ends_the_command_and_the_history_keeps_the_report(ReportStatus status, CommandEnding ending)
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue("ProfileList");
        await ipad.Connect();

        Assert.Null(await ipad.Report(status, a));
        var history = await cluster.Queries.FindHistory(ipad.Id, a);
        Assert.NotNull(history);
        Assert.Equal(ending, history.Ending);
        Assert.Equal("ProfileList", history.RequestType);
        Assert.NotNull(history.Result);
    }

    [Fact]
    public async Task A_late_second_verdict_does_not_change_the_first()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();
        await ipad.Connect();
        await ipad.Acknowledge(a);

        Assert.Null(await ipad.Fail(a));
        Assert.Equal(CommandEnding.Acknowledged, await ipad.EndingOf(a));
    }

    [Fact]
    public async Task Not_now_keeps_the_command_for_the_next_connection()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue("InstallProfile");

        Assert.Equal(a, await ipad.Connect());
        Assert.Null(await ipad.NotNow(a));
        Assert.Equal(a, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(a));

        var history = await cluster.Queries.FindHistory(ipad.Id, a);
        Assert.Equal(1, history!.NotNowCount);
    }

    [Fact]
    public async Task After_not_now_the_commands_behind_it_go_on()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue("InstallProfile");
        var b = await ipad.Enqueue("DeviceInformation");

        Assert.Equal(a, await ipad.Connect());
        Assert.Equal(b, await ipad.NotNow(a));
        await ipad.Acknowledge(b);
        Assert.Equal(CommandEnding.Acknowledged, await ipad.EndingOf(b));

        Assert.Equal(a, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(a));
    }

    [Fact]
    public async Task A_command_that_expired_is_not_delivered_and_the_history_says_so()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue(expiresAt: cluster.Clock.GetUtcNow().AddHours(-1));
        var b = await ipad.Enqueue();

        Assert.Equal(b, await ipad.Connect());
        Assert.Equal(CommandEnding.Expired, await ipad.EndingOf(a));
        await ipad.Acknowledge(b);
    }

    [Fact]
    public async Task A_queued_command_can_be_cancelled_and_is_never_delivered()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();
        var b = await ipad.Enqueue();

        Assert.Equal(CancelOutcome.Cancelled, await ipad.Step(grain => grain.Cancel(a)));
        Assert.Equal(b, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(b));
        Assert.Equal(CommandEnding.Cancelled, await ipad.EndingOf(a));
        Assert.Equal(CancelOutcome.UnknownCommand, await ipad.Step(grain => grain.Cancel(a)));
    }

    [Fact]
    public async Task A_repeated_order_with_the_same_uuid_is_queued_once()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();

        Assert.Equal(EnqueueOutcome.AlreadyAccepted, (await ipad.Step(grain => grain.Enqueue(TestIPad.Order("DeviceInformation", a)))).Outcome);
        Assert.Equal(a, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(a));
        Assert.Equal(EnqueueOutcome.AlreadyAccepted, (await ipad.Step(grain => grain.Enqueue(TestIPad.Order("DeviceInformation", a)))).Outcome);
        Assert.Null(await ipad.Connect());
    }

    [Fact]
    public async Task Enrolling_again_ends_what_was_queued_and_the_history_says_so()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();
        var b = await ipad.Enqueue();
        await ipad.Connect();

        await ipad.AllowReenrolment();
        ipad.Certificate = TestIPad.NewCertificate();
        await ipad.Enrolled();

        Assert.Null(await ipad.Connect());
        Assert.Equal(CommandEnding.Reenrolled, await ipad.EndingOf(a));
        Assert.Equal(CommandEnding.Reenrolled, await ipad.EndingOf(b));
    }

    [Fact]
    public async Task A_command_queued_between_Authenticate_and_TokenUpdate_is_delivered()
    {
        using var ipad = NewIPad();
        await ipad.Authenticate();
        var a = await ipad.Enqueue();
        await ipad.TokenUpdate();

        Assert.Equal(a, await ipad.Connect());
        Assert.Null(await ipad.Acknowledge(a));
    }

    [Fact]
    public async Task Checking_out_ends_what_was_queued_and_takes_no_more()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue();

        Assert.Equal(DeviceRefusal.None, (await ipad.CheckOut()).Refusal);
        Assert.Equal(CommandEnding.CheckedOut, await ipad.EndingOf(a));
        var refused = await ipad.Step(grain => grain.Enqueue(TestIPad.Order("DeviceLock", Guid.NewGuid().ToString())));
        Assert.Equal(EnqueueOutcome.NotEnrolled, refused.Outcome);
    }

    [Fact]
    public async Task The_description_tells_the_queue_in_order_and_why_it_waits()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue("SecurityInfo");
        var b = await ipad.Enqueue("DeviceLock");

        var description = await ipad.Step(grain => grain.Describe());
        Assert.Equal([a, b], description!.Queue.Select(command => command.CommandUuid));
        Assert.Contains($"last seen on {cluster.Clock.GetUtcNow():yyyy-MM-dd HH:mm:ss} UTC", description.Waiting);
        await ipad.Connect();
        await ipad.Acknowledge(a);
        await ipad.Acknowledge(b);
        Assert.Null((await ipad.Step(grain => grain.Describe()))!.Waiting);
    }

    [Fact]
    public async Task A_queue_that_is_full_says_so()
    {
        using var ipad = await NewIPad().Enrolled();
        var grain = ipad.Grain;
        for (var i = 0; i < 1_000; i++)
            Assert.Equal(EnqueueOutcome.Accepted, (await grain.Enqueue(TestIPad.Order("ProfileList", Guid.NewGuid().ToString()) with { Push = false })).Outcome);
        Assert.Equal(EnqueueOutcome.QueueFull, (await grain.Enqueue(TestIPad.Order("ProfileList", Guid.NewGuid().ToString()))).Outcome);
    }
}
