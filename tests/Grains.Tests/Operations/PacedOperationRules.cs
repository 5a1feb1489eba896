using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Schools;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Grains.Tests.Operations;

/// <summary>Operations that begin in waves, in windows, and within what a school's network takes.</summary>
public abstract class PacedOperationRules(GrainCluster cluster)
{
    private IOperationPaceStore Paces => cluster.Service<IOperationPaceStore>();

    /// <summary>In the order in which they begin.</summary>
    private async Task<List<TestIPad>> Fleet(int count, string? school = null)
    {
        var fleet = new List<TestIPad>();
        for (var i = 0; i < count; i++)
        {
            var ipad = new TestIPad(cluster, forgetful: false);
            if (school is not null) ipad.Certificate = await ipad.Invited(invitation => invitation with { School = school });
            fleet.Add(await ipad.Enrolled());
        }

        return [.. fleet.OrderBy(ipad => ipad.Id[^6..], StringComparer.Ordinal)];
    }

    private async Task<string> School(int? atOnce = null, params SchoolHours[] hours)
    {
        var name = "School " + Guid.NewGuid().ToString("N");
        Assert.Equal(SchoolOutcome.Written, await cluster.Service<ISchoolStore>().Create(new School
        {
            Id = Guid.NewGuid().ToString(),
            Version = 1,
            Name = name,
            TimeZone = "Europe/Stockholm",
            Hours = hours,
            AtOnce = atOnce,
            CreatedAt = cluster.Clock.GetUtcNow(),
            CreatedBy = "test",
            UpdatedAt = cluster.Clock.GetUtcNow(),
            UpdatedBy = "test",
        }, null));
        return name;
    }

    /// <summary>Every day from now on for some minutes (two hours at most), by the clock of Stockholm.</summary>
    private SchoolHours[] OpenFor(int minutes)
    {
        var now = Wall();
        if (now > 1_260)
        {
            // Tests before this one moved the clock into the evening, and a school's hours end on their day.
            cluster.Clock.Advance(TimeSpan.FromMinutes(1_450 - now));
            now = Wall();
        }

        return [.. Enum.GetValues<DayOfWeek>().Select(day => new SchoolHours(day, now, now + minutes))];

        int Wall() => (int)TimeZoneInfo.ConvertTime(cluster.Clock.GetUtcNow(), TimeZoneInfo.FindSystemTimeZoneById("Europe/Stockholm")).TimeOfDay.TotalMinutes;
    }

    private sealed record Begun(IOperationGrain Grain, string Id, string Uuid);

    private async Task<Begun> Start(IReadOnlyList<TestIPad> fleet, OperationPace pace, string? failedOf = null)
    {
        var (id, uuid) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString().ToUpperInvariant());
        var grain = cluster.Grains.GetGrain<IOperationGrain>(id);
        var accepted = await grain.StartPaced(new OperationOrder
        {
            Target = failedOf is null ? new OperationTarget { Ids = [.. fleet.Select(ipad => ipad.Id)] } : new OperationTarget { FailedOf = failedOf },
            Command = TestIPad.Order("RestartDevice", uuid),
            RequestedBy = "test",
            Pace = pace.Write(),
        });
        Assert.Equal(fleet.Count, accepted.Total);
        return new Begun(grain, id, uuid);
    }

    /// <summary>What another node's sweep finds is due.</summary>
    private async Task Sweep(Begun operation)
    {
        cluster.Clock.Advance(TimeSpan.FromSeconds(20));
        if ((await Paces.ListDue(cluster.Clock.GetUtcNow(), 1_000)).Contains(operation.Id)) await operation.Grain.Resume();
    }

    /// <summary>Waits until it has taken its step, and has told the nodes.</summary>
    private async Task<PacedOperation> Until(Begun operation, Func<PacedOperation, bool> there, string what)
    {
        using var patience = new CancellationTokenSource(GrainCluster.Patience);
        while (true)
        {
            var standing = (await Paces.Find(operation.Id))!;
            if (there(standing) && (await cluster.Operations.Find(operation.Id)) is { AnnouncedAt: not null, PushedAfter: null }) return standing;
            if (patience.IsCancellationRequested) throw new TimeoutException($"It did not come so far: {what}. It is {standing}.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task<OperationDescription> Describe(Begun operation)
    {
        cluster.Clock.Advance(TimeSpan.FromSeconds(6));
        return (await operation.Grain.Describe())!;
    }

    [Fact]
    public async Task A_later_wave_gets_nothing_until_the_earlier_one_has_ended()
    {
        var fleet = await Fleet(6);
        var operation = await Start(fleet, new OperationPace { Waves = ["2", "100%"] });
        await Until(operation, standing => standing.Begun == 2, "the first wave began");

        // iPads that come by themselves get nothing early.
        foreach (var ipad in fleet.Skip(2)) Assert.Null(await ipad.Connect());
        await fleet[0].NextPush();
        await fleet[1].NextPush();
        Assert.Equal(operation.Uuid, await fleet[0].Connect());
        await fleet[0].Acknowledge(operation.Uuid);
        await Sweep(operation);
        var described = await Describe(operation);
        Assert.Equal((6, 4, 1, 1), (described.Total, described.Pacing!.NotBegun, described.Queued, described.Acknowledged));
        Assert.Equal(OperationWait.Wave, Assert.Single(described.Pacing.Waits).Code);

        Assert.Equal(operation.Uuid, await fleet[1].Connect());
        await fleet[1].Acknowledge(operation.Uuid);
        await Sweep(operation);
        await Until(operation, standing => standing is { Begun: 6, Phase: OperationPhase.Over, NextAt: null }, "the second wave began");
        foreach (var ipad in fleet.Skip(2))
        {
            await ipad.NextPush();
            Assert.Equal(operation.Uuid, await ipad.Connect());
            Assert.Null(await ipad.Acknowledge(operation.Uuid));
        }

        described = await Describe(operation);
        Assert.Equal((6, 0, 0, 6), (described.Total, described.Pacing!.NotBegun, described.Queued, described.Acknowledged));
        Assert.All(described.Pacing.Waves, wave => Assert.NotNull(wave.BeganAt));
    }

    [Fact]
    public async Task It_stops_by_itself_when_too_many_fail_and_goes_on_with_the_next_wave_when_somebody_says_so()
    {
        var fleet = await Fleet(5);
        var operation = await Start(fleet, new OperationPace { Waves = ["3", "100%"], StopPercent = 20, Sample = 2 });
        await Until(operation, standing => standing.Begun == 3, "the first wave began");
        foreach (var ipad in fleet.Take(2))
        {
            await ipad.Connect();
            await ipad.Fail(operation.Uuid);
        }

        await Sweep(operation);
        var stopped = await Until(operation, standing => standing.Phase == OperationPhase.Paused, "it stopped");
        Assert.Equal("2 of the first 2 failed. Most often: MCMDMErrorDomain 12001: it failed", stopped.StopReason);
        Assert.Null(stopped.NextAt);
        Assert.Equal("Paused", (await Describe(operation)).Pacing!.Phase);
        await Sweep(operation);
        Assert.Null(await fleet[3].Connect());

        Assert.True(await operation.Grain.GoOn());
        await Until(operation, standing => standing is { Begun: 5, Phase: OperationPhase.Over, StopReason: null }, "it went on");
        Assert.Equal(operation.Uuid, await fleet[3].Connect());
        Assert.False(await operation.Grain.Pause());
        Assert.False(await operation.Grain.GoOn());
    }

    [Fact]
    public async Task A_pause_holds_what_has_not_begun_and_a_cancelled_one_never_begins()
    {
        var fleet = await Fleet(3);
        var operation = await Start(fleet, new OperationPace { Waves = ["1", "2", "100%"] });
        await Until(operation, standing => standing.Begun == 1, "the first wave began");
        Assert.True(await operation.Grain.Pause());
        Assert.True(await operation.Grain.Pause());
        await fleet[0].Connect();
        await fleet[0].Acknowledge(operation.Uuid);
        await Sweep(operation);
        Assert.Null(await fleet[1].Connect());

        Assert.True(await operation.Grain.GoOn());
        await Until(operation, standing => standing.Begun == 2, "the second wave began");
        Assert.True(await operation.Grain.Cancel());
        Assert.False(await operation.Grain.GoOn());
        Assert.False(await operation.Grain.Pause());
        await Sweep(operation);
        Assert.Null(await fleet[2].Connect());
        var described = await Describe(operation);
        // One was delivered nothing and one never began: both have ended.
        Assert.Equal((3, 1, 2, 0, 0), (described.Total, described.Acknowledged, described.Ended, described.Queued, described.Pacing!.NotBegun));
    }

    [Fact]
    public async Task Those_that_failed_are_tried_again_and_nobody_else()
    {
        var fleet = await Fleet(3);
        var operation = await Start(fleet, new OperationPace());
        await Until(operation, standing => standing.Begun == 3, "it began");
        foreach (var ipad in fleet) await ipad.Connect();
        await fleet[0].Fail(operation.Uuid);
        await fleet[1].Acknowledge(operation.Uuid);
        await fleet[2].Fail(operation.Uuid);

        Assert.Equal(2, await cluster.Operations.CountFailures(FleetMdm.Storage.Scope.District, operation.Id));
        var again = await Start([fleet[0], fleet[2]], new OperationPace(), operation.Id);
        await Until(again, standing => standing.Begun == 2, "the failures began again");
        Assert.Equal(again.Uuid, await fleet[0].Connect());
        Assert.Null(await fleet[1].Connect());
        Assert.Equal(operation.Id, (await Describe(again)).RetryOf);
        Assert.Equal(again.Id, Assert.Single(await Paces.ListRetries(operation.Id, 10)).Id);
    }

    [Fact]
    public async Task An_iPad_that_left_before_its_turn_is_skipped_and_counted()
    {
        var fleet = await Fleet(3);
        var operation = await Start(fleet, new OperationPace { Waves = ["1"] });
        await Until(operation, standing => standing.Begun == 1, "the first wave began");
        await fleet[1].CheckOut();
        await fleet[0].Connect();
        await fleet[0].Acknowledge(operation.Uuid);
        await Sweep(operation);
        await Until(operation, standing => standing is { Begun: 2, Skipped: 1, Phase: OperationPhase.Over }, "the rest began");
        var skipped = Assert.Single(await cluster.Operations.ListDevices(operation.Id, OperationPart.Skipped, null, 10));
        Assert.Equal(fleet[1].Id, skipped.EnrolmentId);
    }

    [Fact]
    public async Task Each_school_begins_when_its_own_hours_have_ended()
    {
        var (early, late) = (await School(null, OpenFor(60)), await School(null, OpenFor(120)));
        var (first, second) = (await Fleet(1, early), await Fleet(1, late));
        var operation = await Start([.. first, .. second], new OperationPace { Window = new OperationWindow() });
        var standing = await Until(operation, at => at.NextAt > cluster.Clock.GetUtcNow(), "it waits");
        Assert.Equal(0, standing.Begun);
        var waits = (await Describe(operation)).Pacing!.Waits;
        Assert.Equal([early, late], waits.OrderBy(wait => wait.Until).Select(wait => wait.School));
        Assert.All(waits, wait => Assert.Equal(OperationWait.Window, wait.Code));
        Assert.Null(await first[0].Connect());

        cluster.Clock.Advance(TimeSpan.FromMinutes(60));
        await Sweep(operation);
        await Until(operation, at => at.Begun == 1, "the first school began");
        Assert.Equal(operation.Uuid, await first[0].Connect());
        Assert.Null(await second[0].Connect());

        cluster.Clock.Advance(TimeSpan.FromMinutes(60));
        await Sweep(operation);
        await Until(operation, at => at is { Begun: 2, Phase: OperationPhase.Over }, "the second school began");
        Assert.Equal(operation.Uuid, await second[0].Connect());
    }

    [Fact]
    public async Task What_has_not_begun_when_the_window_closes_waits_for_the_next_day()
    {
        // One at a time, in a window of half an hour that is open now.
        var school = await School(atOnce: 1);
        var fleet = await Fleet(2, school);
        var wall = TimeZoneInfo.ConvertTime(cluster.Clock.GetUtcNow(), TimeZoneInfo.FindSystemTimeZoneById("Europe/Stockholm"));
        var from = (int)wall.TimeOfDay.TotalMinutes;
        var window = new OperationWindow { Kind = OperationWindowKind.Daily, From = from, To = (from + 30) % 1440, Days = Enum.GetValues<DayOfWeek>() };
        var operation = await Start(fleet, new OperationPace { Window = window, SchoolLimits = true, SlotMinutes = 60 });
        await Until(operation, at => at.Begun == 1, "one began");

        cluster.Clock.Advance(TimeSpan.FromMinutes(31));
        await fleet[0].Connect();
        await fleet[0].Acknowledge(operation.Uuid);
        await Sweep(operation);
        await Until(operation, at => at.NextAt > cluster.Clock.GetUtcNow(), "it waits");
        Assert.Null(await fleet[1].Connect());

        cluster.Clock.Advance(TimeSpan.FromHours(23.5));
        await Sweep(operation);
        await Until(operation, at => at.Begun == 2, "the other began on the next day");
    }

    [Fact]
    public async Task It_does_not_begin_before_its_start()
    {
        var fleet = await Fleet(1);
        var operation = await Start(fleet, new OperationPace { StartAt = cluster.Clock.GetUtcNow().AddHours(3) });
        await Until(operation, at => at.NextAt == cluster.Clock.GetUtcNow().AddHours(3), "it waits");
        Assert.Equal(OperationWait.Start, Assert.Single((await Describe(operation)).Pacing!.Waits).Code);
        Assert.Null(await fleet[0].Connect());
        cluster.Clock.Advance(TimeSpan.FromHours(3));
        await Sweep(operation);
        await Until(operation, at => at.Begun == 1, "it began");
        Assert.Equal(operation.Uuid, await fleet[0].Connect());
    }

    [Fact]
    public async Task No_more_iPads_of_a_school_begin_than_its_network_takes_whichever_operation_it_is()
    {
        var school = await School(atOnce: 2);
        var fleet = await Fleet(4, school);
        var pace = new OperationPace { SchoolLimits = true, SlotMinutes = 30 };
        var operation = await Start(fleet, pace);
        await Until(operation, at => at.Begun == 2, "two began");
        var other = await Start(fleet, pace);
        await Until(other, at => at.NextAt > cluster.Clock.GetUtcNow(), "the other waits");
        await Sweep(operation);
        await Sweep(other);
        Assert.Equal((2, 0), ((await Paces.Find(operation.Id))!.Begun, (await Paces.Find(other.Id))!.Begun));
        Assert.Equal(OperationWait.Places, Assert.Single((await Describe(other)).Pacing!.Waits).Code);

        // One that ends makes room for one. Both ask for it, so the first is held.
        Assert.True(await operation.Grain.Pause());
        await fleet[0].Connect();
        await fleet[0].Acknowledge(operation.Uuid);
        await Sweep(other);
        await Until(other, at => at.Begun == 1, "one place was free");
        await Sweep(other);
        Assert.Equal(1, (await Paces.Find(other.Id))!.Begun);

        // One that does not come gives its place back after a time.
        cluster.Clock.Advance(TimeSpan.FromMinutes(30));
        await Sweep(other);
        await Until(other, at => at.Begun == 3, "places came back");
    }

    [Fact]
    public async Task A_download_takes_its_place_for_the_whole_time_and_a_school_without_a_limit_begins_at_once()
    {
        var (school, free) = (await School(atOnce: 1), await School());
        var (fleet, others) = (await Fleet(2, school), await Fleet(3, free));
        var operation = await Start([.. fleet, .. others], new OperationPace { SchoolLimits = true, SlotMinutes = 10, HoldsSlot = true });
        await Until(operation, at => at.Begun == 4, "one of the one and all of the other");
        await fleet[0].Connect();
        await fleet[0].Acknowledge(operation.Uuid);
        await Sweep(operation);
        Assert.Equal(4, (await Paces.Find(operation.Id))!.Begun);
        cluster.Clock.Advance(TimeSpan.FromMinutes(10));
        await Sweep(operation);
        await Until(operation, at => at.Begun == 5, "its time was over");
    }

    [Fact]
    public async Task What_a_node_left_that_died_after_any_step_is_gone_on_with()
    {
        var fleet = await Fleet(2);
        var (id, uuid) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString().ToUpperInvariant());
        var operation = new Begun(cluster.Grains.GetGrain<IOperationGrain>(id), id, uuid);
        // As if it had died right after its first transaction.
        await cluster.Operations.Append(new OperationAppend
        {
            Id = id,
            CommandUuid = uuid,
            RequestType = "RestartDevice",
            Body = TestIPad.Order("RestartDevice", uuid).Command,
            AcceptedAt = cluster.Clock.GetUtcNow(),
            RequestedBy = "test",
            Ids = [.. fleet.Select(ipad => ipad.Id)],
            Pace = new OperationPace { Waves = ["1"] },
        });
        await RunSweep();
        await Until(operation, at => at.Begun == 1, "the first wave began");
        await fleet[0].Connect();
        await fleet[0].Acknowledge(uuid);

        // As if it had died right after the transaction of the second wave: nothing is announced, nothing pushed.
        await Paces.NextWave(id, 1, cluster.Clock.GetUtcNow());
        Assert.Null(await fleet[1].Connect());
        Assert.Equal(1, await Paces.Begin(id, new PacedBegin(2, 2, null, cluster.Clock.GetUtcNow(), cluster.Clock.GetUtcNow())));
        Assert.Contains(id, await cluster.Operations.ListUnfinished(cluster.Clock.GetUtcNow().AddSeconds(1)));
        cluster.Clock.Advance(TimeSpan.FromMinutes(2));
        await RunSweep();
        await Until(operation, at => at.Phase == OperationPhase.Over, "it is over");
        await fleet[1].NextPush();
        Assert.Equal(uuid, await fleet[1].Connect());
    }

    [Fact]
    public async Task A_command_that_has_expired_begins_on_nobody()
    {
        var fleet = await Fleet(2);
        var (id, uuid) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString().ToUpperInvariant());
        var grain = cluster.Grains.GetGrain<IOperationGrain>(id);
        await grain.StartPaced(new OperationOrder
        {
            Target = new OperationTarget { Ids = [.. fleet.Select(ipad => ipad.Id)] },
            Command = TestIPad.Order("RestartDevice", uuid) with { ExpiresAt = cluster.Clock.GetUtcNow().AddHours(1) },
            RequestedBy = "test",
            Pace = new OperationPace { StartAt = cluster.Clock.GetUtcNow().AddHours(2) }.Write(),
        });
        var operation = new Begun(grain, id, uuid);
        await Until(operation, at => at.NextAt > cluster.Clock.GetUtcNow(), "it waits");
        cluster.Clock.Advance(TimeSpan.FromHours(2));
        await Sweep(operation);
        await Until(operation, at => at is { Phase: OperationPhase.Over, Begun: 0 }, "it is over");
        var described = await Describe(operation);
        Assert.Equal((2, 2, 0), (described.Total, described.Ended, described.Pacing!.NotBegun));
    }

    private async Task RunSweep()
    {
        var provider = cluster.Cluster.GetSiloServiceProvider(cluster.Cluster.GetActiveSilos().First().SiloAddress);
        await provider.GetServices<ISweepDuty>().OfType<OperationSweep>().Single().Run(CancellationToken.None);
    }
}
