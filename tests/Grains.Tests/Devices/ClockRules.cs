using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>The server's clock is wrong for a while: put forwards or back by hours. What depends on order does not depend on time.</summary>
public abstract class ClockRules(GrainCluster cluster, bool forgetful)
{
    private static readonly TimeSpan Hours = TimeSpan.FromHours(5);

    private async Task<TestIPad> NewIPad() => await new TestIPad(cluster, forgetful).Enrolled();

    [Fact]
    public async Task Commands_are_handed_over_in_the_order_in_which_they_were_accepted()
    {
        using var ipad = await NewIPad();
        var a = await ipad.Enqueue();
        var (b, c) = ("", "");
        await Elsewhen(-Hours, async () => b = await ipad.Enqueue());
        await Elsewhen(Hours, async () => c = await ipad.Enqueue());

        Assert.Equal(a, await ipad.Connect());
        await Elsewhen(-Hours, async () => Assert.Equal(b, await ipad.Acknowledge(a)));
        await Elsewhen(Hours, async () => Assert.Equal(c, await ipad.Acknowledge(b)));
        Assert.Null(await ipad.Acknowledge(c));
        foreach (var uuid in new[] { a, b, c }) Assert.Equal(CommandEnding.Acknowledged, await ipad.EndingOf(uuid));
    }

    [Fact]
    public async Task A_command_that_is_finished_in_a_month_that_no_partition_was_made_for_is_kept()
    {
        using var ipad = await NewIPad();
        // Nobody pushes in years in which the push certificate does not hold.
        var a = await ipad.Enqueue(push: false);
        await ipad.Connect();
        await Elsewhen(TimeSpan.FromDays(400), async () => Assert.Null(await ipad.Acknowledge(a)));
        var b = await ipad.Enqueue(push: false);
        await ipad.Connect();
        await Elsewhen(TimeSpan.FromDays(-400), async () => Assert.Null(await ipad.Acknowledge(b)));

        Assert.Equal([b, a], (await cluster.Queries.ListHistory(ipad.Id, null, 10)).Select(row => row.CommandUuid));
    }

    [Fact]
    public async Task Enrolling_anew_with_the_clock_put_back_ends_the_old_certificate_and_keeps_the_new_one() => await Elsewhen(Hours, async () =>
    {
        using var ipad = await NewIPad();
        var old = ipad.Certificate;
        var renewed = TestIPad.NewCertificate();
        await ipad.AllowReenrolment();
        await Elsewhen(-Hours, async () =>
        {
            ipad.Certificate = renewed;
            await ipad.Enrolled();
            ipad.Certificate = old;
            Assert.Equal(DeviceRefusal.NotPinned, (await ipad.RawReport(ReportStatus.Idle, null)).Refusal);
            ipad.Certificate = renewed;
        });

        // Also when the grace for replaced certificates is long over.
        await Elsewhen(TimeSpan.FromDays(30), async () => Assert.Null(await ipad.Connect()));
    });

    [Fact]
    public async Task A_renewed_certificate_counts_as_the_newer_one_with_the_clock_put_back()
    {
        using var ipad = await NewIPad();
        await Elsewhen(-Hours, async () =>
        {
            ipad.Certificate = await ipad.Renew();
            Assert.Null(await ipad.Connect());
        });

        await Elsewhen(TimeSpan.FromDays(30), async () => Assert.Null(await ipad.Connect()));
    }

    [Fact]
    public async Task A_command_wakes_its_iPad_though_the_clock_was_put_back_since_the_last_push()
    {
        using var ipad = await NewIPad();
        await ipad.Enqueue();
        await ipad.NextPush();
        await Elsewhen(-Hours, async () =>
        {
            await ipad.Enqueue();
            await ipad.NextPush();
        });
    }

    [Fact]
    public async Task A_time_of_last_contact_that_lies_ahead_is_corrected_by_the_next_contact()
    {
        using var ipad = await NewIPad();
        await Elsewhen(Hours, async () =>
        {
            await ipad.Connect();
            await cluster.FlushSeen();
        });
        await ipad.Connect();
        await cluster.FlushSeen();

        Assert.Equal(cluster.Clock.GetUtcNow(), (await cluster.Queries.FindDevice(ipad.Id))!.LastSeenAt);
    }

    /// <summary>The clock is put, and put right again.</summary>
    private async Task Elsewhen(TimeSpan ahead, Func<Task> step)
    {
        cluster.Clock.Put(ahead);
        try
        {
            await step();
        }
        finally
        {
            cluster.Clock.Put(-ahead);
        }
    }
}
