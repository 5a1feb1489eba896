using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Nodes;
using FleetMdm.Grains.Tests.Fixture;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>When a grain leaves word that there is nothing to fetch, so that polls are answered without it, and when that word no longer holds.
/// (All other rules ask for the word before they ask the grain, too: what they promise holds with it.)</summary>
public abstract class IdleRules(GrainCluster cluster)
{
    /// <summary>One that has polled and found nothing.</summary>
    private async Task<TestIPad> IdleIPad()
    {
        var ipad = await new TestIPad(cluster, forgetful: false).Enrolled();
        Assert.False(ipad.HasWordOfNothing());
        Assert.Null(await ipad.Connect());
        Assert.True(ipad.HasWordOfNothing());
        return ipad;
    }

    [Fact]
    public async Task A_command_that_was_accepted_is_found_by_the_next_poll()
    {
        using var ipad = await IdleIPad();
        var uuid = await ipad.Enqueue(push: false);

        Assert.False(ipad.HasWordOfNothing());
        Assert.Equal(uuid, await ipad.Connect());
        Assert.False(ipad.HasWordOfNothing());
    }

    [Fact]
    public async Task The_last_report_leaves_word_again()
    {
        using var ipad = await IdleIPad();
        var uuid = await ipad.Enqueue(push: false);
        await ipad.Connect();
        Assert.Null(await ipad.Acknowledge(uuid));

        Assert.True(ipad.HasWordOfNothing());
    }

    [Fact]
    public async Task A_command_that_was_put_off_is_offered_by_the_next_poll()
    {
        using var ipad = await IdleIPad();
        var uuid = await ipad.Enqueue(push: false);
        await ipad.Connect();
        Assert.Null(await ipad.NotNow(uuid));

        Assert.False(ipad.HasWordOfNothing());
        Assert.Equal(uuid, await ipad.Connect());
    }

    [Fact]
    public async Task A_poll_after_a_push_is_told_to_the_grain_so_that_the_next_command_wakes_the_iPad_again()
    {
        using var ipad = await IdleIPad();
        Assert.Equal(PushOutcome.Requested, await ipad.Grain.Push());
        await ipad.NextPush();

        Assert.False(ipad.HasWordOfNothing());
        Assert.Null(await ipad.Connect());
        await ipad.Enqueue();
        await ipad.NextPush();
    }

    [Fact]
    public async Task Another_certificate_finds_no_word()
    {
        using var ipad = await IdleIPad();
        await ipad.AllowReenrolment();
        ipad.Certificate = TestIPad.NewCertificate();

        Assert.False(ipad.HasWordOfNothing());
        Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
    }

    [Fact]
    public async Task A_certificate_that_was_replaced_always_asks_the_grain()
    {
        using var ipad = await IdleIPad();
        var old = ipad.Certificate;
        ipad.Certificate = await ipad.Renew();
        Assert.Null(await ipad.Connect());
        Assert.True(ipad.HasWordOfNothing());

        ipad.Certificate = old;
        Assert.Null(await ipad.Connect());
        Assert.False(ipad.HasWordOfNothing());
    }

    [Fact]
    public async Task An_iPad_that_was_removed_is_told_so_by_its_next_poll()
    {
        using var ipad = await IdleIPad();
        Assert.Equal(RemoveOutcome.Removed, await ipad.Grain.Remove());

        Assert.Equal(DeviceRefusal.Unrecognized, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
    }

    [Fact]
    public async Task News_of_an_operation_makes_all_words_void()
    {
        using var ipad = await IdleIPad();
        foreach (var epoch in cluster.OfEverySilo<QueueEpoch>()) epoch.Advance();

        Assert.False(ipad.HasWordOfNothing());
    }

    [Fact]
    public async Task While_nodes_come_and_go_no_word_counts_and_none_that_was_left_meanwhile_counts_after_it()
    {
        using var ipad = await IdleIPad();
        foreach (var epoch in cluster.OfEverySilo<QueueEpoch>()) epoch.BeginMove();
        try
        {
            Assert.False(ipad.HasWordOfNothing());
            Assert.Null(await ipad.Connect());
            Assert.False(ipad.HasWordOfNothing());
        }
        finally
        {
            foreach (var epoch in cluster.OfEverySilo<QueueEpoch>()) epoch.EndMove();
        }

        Assert.False(ipad.HasWordOfNothing());
        Assert.Null(await ipad.Connect());
        Assert.True(ipad.HasWordOfNothing());
    }

    [Fact]
    public async Task A_node_that_cannot_confirm_its_membership_does_not_answer_by_words()
    {
        using var ipad = await IdleIPad();
        foreach (var lease in cluster.OfEverySilo<NodeLease>()) lease.Begin(TimeSpan.Zero);
        try
        {
            Assert.False(ipad.HasWordOfNothing());
            await Assert.ThrowsAsync<FleetUnavailableException>(() => ipad.Connect());
        }
        finally
        {
            foreach (var lease in cluster.OfEverySilo<NodeLease>()) lease.Begin(TimeSpan.FromDays(36_500));
        }
    }

    [Theory]
    [InlineData(15)]
    [InlineData(-1)]
    public async Task A_word_counts_for_a_quarter_of_an_hour_and_not_before_it_was_left(int minutes)
    {
        using var ipad = await IdleIPad();
        cluster.Clock.Put(TimeSpan.FromMinutes(minutes));
        try
        {
            Assert.False(ipad.HasWordOfNothing());
        }
        finally
        {
            cluster.Clock.Put(TimeSpan.FromMinutes(-minutes));
        }
    }

    [Fact]
    public async Task A_grain_that_ends_takes_its_word_with_it()
    {
        using var ipad = await IdleIPad();
        await cluster.Cluster.DeactivateAsync(ipad.Grain).WaitAsync(GrainCluster.Patience);

        Assert.False(ipad.HasWordOfNothing());
    }

    [Fact]
    public async Task A_poll_that_was_answered_by_a_word_is_the_last_contact()
    {
        using var ipad = await IdleIPad();
        cluster.Clock.Advance(TimeSpan.FromMinutes(3));
        var now = cluster.Clock.GetUtcNow();
        Assert.True(ipad.HasWordOfNothing());
        await cluster.FlushSeen();

        Assert.Equal(now, (await cluster.Queries.FindDevice(ipad.Id))!.LastSeenAt);
        Assert.Equal(now, (await ipad.Grain.Describe())!.LastSeenAt);
    }
}
