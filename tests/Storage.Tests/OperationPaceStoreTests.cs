using System.Text;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresOperationPaceStoreTests(PostgresFixture fixture) : OperationPaceStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteOperationPaceStoreTests(SqliteFixture fixture) : OperationPaceStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Who begins when, as rows.</summary>
public abstract class OperationPaceStoreTests(StoreFixture fixture)
{
    private static readonly DateTimeOffset LongAgo = Make.Now.AddDays(-1);

    private IOperationPaceStore Paces => fixture.Node.Paces;

    private IOperationStore Store => fixture.Node.Operations;

    private async Task<OperationAppend> Paced(string school, OperationPace pace, int iPads = 0, IReadOnlyList<string>? ids = null)
    {
        for (var i = 0; i < iPads; i++) await Make.Enrolled(fixture.Node, row => row with { School = school });
        var operation = new OperationAppend
        {
            Id = Guid.NewGuid().ToString(),
            CommandUuid = Make.Id(),
            RequestType = "RestartDevice",
            Body = Encoding.UTF8.GetBytes("<dict>restart</dict>"),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = ids,
            Filter = ids is null ? new DeviceFilter { School = school } : null,
            Pace = pace,
        };
        await Store.Append(operation);
        return operation;
    }

    private static School NewSchool(string name, int? atOnce) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Version = 1,
        Name = name,
        AtOnce = atOnce,
        Hours = [new SchoolHours(DayOfWeek.Monday, 480, 930)],
        TimeZone = "Europe/Stockholm",
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        UpdatedAt = Make.Now,
        UpdatedBy = "ada",
    };

    private async Task<School> AddSchool(string name, int? atOnce)
    {
        var school = NewSchool(name, atOnce);
        Assert.Equal(SchoolOutcome.Written, await fixture.Node.Schools.Create(school, null));
        return school;
    }

    [Fact]
    public async Task Its_members_are_fixed_and_nobody_has_it_in_the_queue()
    {
        var school = Make.Id();
        var operation = await Paced(school, new OperationPace { Waves = ["2", "50%"] }, iPads: 9);
        await Make.Enrolled(fixture.Node, row => row with { School = school });

        var standing = (await Paces.Find(operation.Id))!;
        Assert.Equal((9, 9, 0, 1, OperationPhase.Running), (standing.Total, standing.NotBegun, standing.Begun, standing.Wave, standing.Phase));
        Assert.Equal([(1, 2), (3, 5), (6, 9)], (await Paces.ListWaves(operation.Id)).Select(wave => ((int)wave.First, (int)wave.Last)));
        Assert.Equal(new OperationCounts(0, 0, 0, 0, 0), await Store.Count(operation.Id));
        // There is nothing to announce and nothing to push: an older node has nothing to do for it.
        Assert.DoesNotContain(operation.Id, await Store.ListUnfinished(Make.Now.AddDays(1)));
        Assert.Contains(operation.Id, await Paces.ListDue(Make.Now, 10_000));
        Assert.DoesNotContain(operation.Id, await Paces.ListDue(Make.Now.AddMinutes(-1), 10_000));

        Assert.Equal(2, await Paces.Begin(operation.Id, new PacedBegin(1, 2, null, Make.Now, LongAgo)));
        Assert.Equal(0, await Paces.Begin(operation.Id, new PacedBegin(1, 2, null, Make.Now, LongAgo)));
        Assert.Null(await Paces.Begin(operation.Id, new PacedBegin(2, 5, null, Make.Now, LongAgo)));
        Assert.Equal(2, (await Store.Count(operation.Id)).Queued);
        Assert.Contains(operation.Id, await Store.ListUnfinished(Make.Now.AddDays(1)));
        Assert.Equal(2, (await Store.PushTargets(operation.Id, (await Store.Find(operation.Id))!.PushedAfter!.Value, 100)).Count);
        Assert.Equal(7, (await Store.ListDevices(operation.Id, OperationPart.NotBegun, null, 100)).Count);
        Assert.Equal(2, (await Store.ListDevices(operation.Id, null, null, 100)).Count);
    }

    [Fact]
    public async Task Two_nodes_at_once_begin_each_iPad_once()
    {
        await using var other = await fixture.OpenNode();
        var school = Make.Id();
        var operation = await Paced(school, new OperationPace(), iPads: 6);
        var begin = new PacedBegin(1, 6, null, Make.Now, LongAgo);

        var begun = await Task.WhenAll(Paces.Begin(operation.Id, begin), other.Paces.Begin(operation.Id, begin));

        Assert.Equal(6, begun.Sum());
        Assert.Equal(6, (await Store.Count(operation.Id)).Queued);
    }

    [Fact]
    public async Task Two_operations_of_two_nodes_share_the_places_of_a_school()
    {
        await using var other = await fixture.OpenNode();
        var school = Make.Id();
        await AddSchool(school, atOnce: 3);
        var one = await Paced(school, new OperationPace { SchoolLimits = true }, iPads: 5);
        var two = await Paced(school, new OperationPace { SchoolLimits = true });
        var begin = new PacedBegin(1, 5, null, Make.Now, LongAgo);

        var begun = await Task.WhenAll(Paces.Begin(one.Id, begin), other.Paces.Begin(two.Id, begin));

        // An iPad that both begin on is one iPad.
        Assert.Contains(begun.Sum(), (long?[])[3, 4, 5, 6]);
        var started = new HashSet<string>();
        foreach (var operation in new[] { one, two })
            started.UnionWith((await Store.ListDevices(operation.Id, null, null, 100)).Select(row => row.EnrolmentId));
        Assert.InRange(started.Count, 1, 3);
    }

    [Fact]
    public async Task Only_schools_that_may_begin_do_and_one_without_a_limit_begins_whole()
    {
        var (limited, free, closed) = (Make.Id(), Make.Id(), Make.Id());
        await AddSchool(limited, atOnce: 2);
        await AddSchool(free, atOnce: null);
        List<string> ids = [];
        foreach (var school in new[] { limited, limited, limited, free, free, closed })
            ids.Add((await Make.Enrolled(fixture.Node, row => row with { School = school })).Id);
        ids.Add((await Make.Enrolled(fixture.Node, row => row with { School = null })).Id);
        var operation = await Paced("", new OperationPace { SchoolLimits = true }, ids: ids);

        var waiting = await Paces.ListWaiting(operation.Id, 7);
        Assert.Equal([(limited, 3L), (free, 2L)], waiting.Take(2).Select(one => (one.School, one.IPads)));
        Assert.Equal(("Europe/Stockholm", 2, 930), (waiting[0].TimeZone, waiting[0].AtOnce, waiting[0].Hours[0].To));
        Assert.Equal(["", closed], waiting.Skip(2).Select(one => one.School).Order(StringComparer.Ordinal));

        Assert.Equal(5, await Paces.Begin(operation.Id, new PacedBegin(1, 7, [limited, free, ""], Make.Now, LongAgo)));
        Assert.Equal([closed, limited], (await Paces.ListWaiting(operation.Id, 7)).Select(one => one.School).Order(StringComparer.Ordinal).OrderBy(one => one == limited));
        // Places are taken until their time is over.
        Assert.Equal(0, await Paces.Begin(operation.Id, new PacedBegin(1, 7, [limited], Make.Now, LongAgo)));
        Assert.Equal(1, await Paces.Begin(operation.Id, new PacedBegin(1, 7, [limited], Make.Now, Make.Now)));
    }

    [Fact]
    public async Task A_school_that_gets_a_new_name_takes_those_that_wait_with_it()
    {
        var (before, after) = (Make.Id(), Make.Id());
        var school = await AddSchool(before, atOnce: 4);
        var operation = await Paced(before, new OperationPace { SchoolLimits = true }, iPads: 2);
        Assert.Equal(SchoolOutcome.Written, await fixture.Node.Schools.Change(Scope.District, school with { Name = after, Version = 2 }, null));
        var waiting = Assert.Single(await Paces.ListWaiting(operation.Id, 2));
        Assert.Equal((after, 2L, 4), (waiting.School, waiting.IPads, waiting.AtOnce));
    }

    [Fact]
    public async Task Failures_are_counted_by_wave_and_the_most_frequent_error_is_named()
    {
        var operation = await Paced(Make.Id(), new OperationPace { Waves = ["3"] }, iPads: 5);
        await Paces.Begin(operation.Id, new PacedBegin(1, 3, null, Make.Now, LongAgo));
        var begun = await Store.ListDevices(operation.Id, null, null, 10);
        string?[] errors = ["one", "two", "two"];
        for (var i = 0; i < 3; i++)
        {
            var row = Assert.Single((await fixture.Node.Devices.Load(begun[i].EnrolmentId)).Queue);
            await fixture.Node.Devices.Finish(Make.Finish(begun[i].EnrolmentId, row.Sequence, CommandEnding.Error, row.BodyHash) with { ErrorSummary = errors[i] });
        }

        var wave = (await Paces.ListWaves(operation.Id))[0];
        Assert.Equal(new WaveCounts(0, 3, Make.Now, 0, 3, 3), await Paces.Count(operation.Id, wave));
        Assert.Equal("two", await Paces.MostFrequentError(operation.Id, wave));
        Assert.Equal(3, await Store.CountFailures(Scope.District, operation.Id));
        Assert.True(await Paces.Pause(operation.Id, "3 failed", null));
        Assert.Null(await Paces.Begin(operation.Id, new PacedBegin(1, 5, null, Make.Now, LongAgo)));
        Assert.DoesNotContain(operation.Id, await Paces.ListDue(Make.Now.AddDays(9), 10_000));
        Assert.True(await Paces.GoOn(operation.Id, Make.Now, null));
        var standing = (await Paces.Find(operation.Id))!;
        Assert.Equal((2, 1, null), (standing.Wave, standing.Excused, standing.StopReason));
    }

    [Fact]
    public async Task Members_of_old_operations_are_forgotten_when_nothing_begins_any_more()
    {
        var school = Make.Id();
        var (over, running) = (await Paced(school, new OperationPace(), iPads: 3), await Paced(school, new OperationPace()));
        await Paces.Begin(over.Id, new PacedBegin(1, 3, null, Make.Now, LongAgo));
        await Paces.Finish(over.Id, Make.Now);
        while (await Paces.ForgetMembers(Make.Now.AddDays(1), 2) == 2)
        {
            // Piece by piece.
        }

        Assert.Empty(await Store.ListDevices(over.Id, OperationPart.NotBegun, null, 10));
        Assert.Equal(0, (await Paces.Count(over.Id, (await Paces.ListWaves(over.Id))[0])).Begun);
        Assert.Equal(3, (await Paces.Count(running.Id, (await Paces.ListWaves(running.Id))[0])).Waiting);
        Assert.Equal(3, (await Paces.Find(over.Id))!.Begun);
    }

    [Fact]
    public async Task A_repeating_operation_keeps_its_command_and_is_forgotten_long_after_its_end()
    {
        var body = Encoding.UTF8.GetBytes($"<dict>{Make.Id()}</dict>");
        var repeating = new RepeatingOperation
        {
            Id = Guid.NewGuid().ToString(),
            Name = "Fridays",
            RequestType = "RestartDevice",
            BodyHash = await fixture.Node.Devices.StoreBody(body),
            Target = "{}",
            Asked = "{}",
            Pace = new OperationPace { Waves = ["10"], Window = new OperationWindow { Kind = OperationWindowKind.Daily, From = 1, To = 2, Days = [DayOfWeek.Friday] } },
            Push = true,
            Force = false,
            ExpiresHours = 5,
            Days = [DayOfWeek.Sunday, DayOfWeek.Friday],
            AtMinutes = 1020,
            TimeZone = "Europe/Stockholm",
            State = RepeatState.Running,
            NextAt = Make.Now,
            CreatedAt = Make.Now,
            CreatedBy = "ada",
        };
        Assert.True(await fixture.Node.Repeats.Create(repeating, null));
        Assert.True(await fixture.Node.Repeats.Create(repeating, null));

        var stored = (await fixture.Node.Repeats.Find(repeating.Id))!;
        Assert.Equal((5, 1020, "Europe/Stockholm", Make.Now), (stored.ExpiresHours, stored.AtMinutes, stored.TimeZone, stored.NextAt));
        Assert.Equal(repeating.Days, stored.Days);
        Assert.Equal(repeating.Pace.Write(), stored.Pace!.Write());
        Assert.Equal(body, await fixture.Node.Devices.LoadBody(stored.BodyHash));

        // One that another node has noted is not noted again.
        await fixture.Node.Repeats.NoteRun(repeating.Id, Make.Now, Make.Now, Make.Now.AddDays(1), "run", null);
        await fixture.Node.Repeats.NoteRun(repeating.Id, Make.Now, Make.Now, Make.Now.AddDays(9), "other", null);
        stored = (await fixture.Node.Repeats.Find(repeating.Id))!;
        Assert.Equal(("run", Make.Now.AddDays(1)), (stored.LastOperationId, stored.NextAt));

        Assert.Equal(0, await fixture.Node.Repeats.ForgetEnded(Make.Now.AddDays(1), 10));
        Assert.True(await fixture.Node.Repeats.Set(repeating.Id, RepeatState.Ended, null, null));
        Assert.False(await fixture.Node.Repeats.Set(repeating.Id, RepeatState.Paused, null, null));
        Assert.Equal(1, await fixture.Node.Repeats.ForgetEnded(Make.Now.AddDays(1), 10));
        Assert.Null(await fixture.Node.Repeats.Find(repeating.Id));
    }
}
