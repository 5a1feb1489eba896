using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>When an iPad is woken, seen from where iPads see it: at APNs.</summary>
public abstract class PushRules(GrainCluster cluster)
{
    private TestIPad NewIPad() => new(cluster, forgetful: false);

    [Fact]
    public async Task A_queued_command_wakes_the_iPad_with_its_push_magic()
    {
        using var ipad = await NewIPad().Enrolled();
        await ipad.Enqueue();
        Assert.Equal(ipad.PushMagic, (await ipad.NextPush()).PushMagic);
    }

    [Fact]
    public async Task An_iPad_that_is_removed_is_woken_once_more_so_that_it_learns_of_it()
    {
        using var ipad = await NewIPad().Enrolled();
        await ipad.Enqueue();
        await ipad.NextPush();
        Assert.Equal(RemoveOutcome.Removed, await ipad.Grain.Remove());

        Assert.Equal(ipad.PushMagic, (await ipad.NextPush()).PushMagic);
        Assert.Equal(DeviceRefusal.Unrecognized, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
        Assert.Equal(RemoveOutcome.AlreadyRemoved, await ipad.Grain.Remove());
        Assert.Equal(PushOutcome.NoPushToken, await ipad.Grain.Push());
        Assert.Equal(0, ipad.UnseenPushes);
    }

    [Fact]
    public async Task Several_commands_wake_the_iPad_once_until_it_comes()
    {
        using var ipad = await NewIPad().Enrolled();
        await ipad.Enqueue();
        await ipad.NextPush();
        await ipad.Enqueue();
        await ipad.Enqueue();

        // An own push for certain comes after whatever the two commands might have caused.
        Assert.Equal(PushOutcome.Requested, await ipad.Grain.Push());
        await ipad.NextPush();
        Assert.Equal(0, ipad.UnseenPushes);

        await ipad.Connect();
        await ipad.Enqueue();
        await ipad.NextPush();
    }

    [Fact]
    public async Task A_command_that_comes_when_the_last_push_may_have_been_given_up_wakes_the_iPad_again()
    {
        using var ipad = await NewIPad().Enrolled();
        await ipad.Enqueue();
        await ipad.NextPush();

        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        await ipad.Enqueue();
        await ipad.NextPush();
    }

    [Fact]
    public async Task A_command_that_is_sent_again_since_its_answer_was_lost_wakes_the_iPad()
    {
        using var ipad = await NewIPad().Enrolled();
        // As if the first attempt had ended between the commit and the push.
        var uuid = await ipad.Enqueue(push: false);
        var again = await ipad.Grain.Enqueue(TestIPad.Order("DeviceInformation", uuid));

        Assert.Equal(EnqueueOutcome.AlreadyAccepted, again.Outcome);
        await ipad.NextPush();
    }

    [Fact]
    public async Task A_command_that_asks_for_no_push_sends_none()
    {
        using var ipad = await NewIPad().Enrolled();
        await ipad.Enqueue(push: false);
        await ipad.Grain.Push();
        await ipad.NextPush();
        Assert.Equal(0, ipad.UnseenPushes);
    }

    [Fact]
    public async Task Not_now_as_the_last_status_owes_no_push_since_the_iPad_comes_by_itself()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue("InstallProfile");
        await ipad.NextPush();
        await ipad.Connect();
        await ipad.NotNow(a);

        cluster.Clock.Advance(TimeSpan.FromMinutes(11));
        await ipad.Grain.Push();
        await ipad.NextPush();
        Assert.Equal(0, ipad.UnseenPushes);
    }

    [Fact]
    public async Task Not_now_followed_by_another_status_owes_a_push_later()
    {
        using var ipad = await NewIPad().Enrolled();
        var a = await ipad.Enqueue("InstallProfile");
        var b = await ipad.Enqueue("DeviceInformation");
        await ipad.NextPush();
        await ipad.Connect();
        Assert.Equal(b, await ipad.NotNow(a));
        Assert.Null(await ipad.Acknowledge(b));

        cluster.Clock.Advance(TimeSpan.FromMinutes(5));
        await ipad.NextPush();
        Assert.Equal(a, await ipad.Connect());
    }

    [Fact]
    public async Task An_iPad_without_a_push_token_cannot_be_woken_and_says_why_it_waits()
    {
        using var ipad = NewIPad();
        Assert.Equal(PushOutcome.UnknownDevice, await ipad.Grain.Push());
        await ipad.Authenticate();
        Assert.Equal(PushOutcome.NoPushToken, await ipad.Grain.Push());
        await ipad.Enqueue();
        Assert.Contains("no push token has come yet", (await ipad.Grain.Describe())!.Waiting);
    }

    [Fact]
    public async Task A_token_that_APNs_calls_dead_is_not_used_until_the_iPad_sends_a_new_one()
    {
        using var ipad = await NewIPad().Enrolled();
        var dead = ipad.Token;
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        await ipad.Grain.PushTokenDied(dead, "Unregistered", cluster.Clock.GetUtcNow());

        Assert.Equal(PushOutcome.NoPushToken, await ipad.Grain.Push());
        await ipad.Enqueue();
        Assert.Contains("dead (Unregistered)", (await ipad.Grain.Describe())!.Waiting);

        ipad.TakePushToken(cluster.Apns.Register(cluster.Topic));
        await ipad.TokenUpdate();
        Assert.Equal(PushOutcome.Requested, await ipad.Grain.Push());
        await ipad.NextPush();
    }

    [Fact]
    public async Task News_of_an_older_token_or_of_an_older_time_kills_nothing()
    {
        using var ipad = await NewIPad().Enrolled();
        await ipad.Grain.PushTokenDied([1, 2, 3], "Unregistered", cluster.Clock.GetUtcNow());
        await ipad.Grain.PushTokenDied(ipad.Token, "Unregistered", cluster.Clock.GetUtcNow().AddDays(-1));
        Assert.Equal(PushOutcome.Requested, await ipad.Grain.Push());
    }

    [Fact]
    public async Task APNs_answer_of_410_reaches_the_iPads_grain()
    {
        using var ipad = await NewIPad().Enrolled();
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        cluster.Apns.Unregister(ipad.Token);
        await ipad.Enqueue();

        using var patience = new CancellationTokenSource(GrainCluster.Patience);
        while (await ipad.Grain.Push() != PushOutcome.NoPushToken) await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        Assert.NotNull((await cluster.Queries.FindDevice(ipad.Id))!.PushTokenDead);
    }
}
