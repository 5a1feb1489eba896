using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>An iPad in an exam: its grain, the store and the clock.</summary>
public abstract class ExamRules(GrainCluster cluster, bool forgetful)
{
    private static readonly TimeSpan Lasts = TimeSpan.FromHours(1);

    private IExamStore Store => cluster.Service<IExamStore>();

    private DateTimeOffset Now => cluster.Clock.GetUtcNow();

    private async Task<TestIPad> Enrolled() => await new TestIPad(cluster, forgetful).Enrolled();

    /// <summary>One that runs from now on.</summary>
    private async Task<string> Begin(params TestIPad[] ipads)
    {
        var id = Guid.NewGuid().ToString();
        var exam = new Exam
        {
            Id = id,
            Version = 1,
            Name = "Maths",
            Kind = ExamKind.OneApp,
            Asked = "{}"u8.ToArray(),
            Profile = PlistWriter.ToBytes(ExamProfile.OfApp(id, "Maths", "org.example.exam", [])),
            StartsAt = Now,
            EndsAt = Now + Lasts,
            CreatedAt = Now,
            CreatedBy = "test",
            UpdatedAt = Now,
            UpdatedBy = "test",
        };
        Assert.Equal(ExamOutcome.Written, await Store.Create(Scope.District, exam, [.. ipads.Select(ipad => ipad.Id)], null));
        await Tell();
        return id;
    }

    private Task Tell() => cluster.Grains.GetGrain<IExamGrain>(0).Changed();

    private async Task<ExamStanding?> Of(TestIPad ipad) => (await Store.Standings(ipad.Id)).SingleOrDefault()?.Standing;

    private async Task<ExamState> StateOf(TestIPad ipad, string exam) =>
        (await Store.ListDevices(Scope.District, exam, [], null, 100)).Single(row => row.DeviceId == ipad.Id).Shown;

    /// <summary>What the iPad gets: the CommandUUID of a lock, with its profile, or of another command.</summary>
    private static async Task<(string Uuid, PlistDictionary? Lock, string? Type)?> Next(TestIPad ipad, ReportStatus status = ReportStatus.Idle, string? uuid = null)
    {
        var reply = await ipad.RawReport(status, uuid);
        Assert.Equal(DeviceRefusal.None, reply.Refusal);
        if (reply.Profile is { } profile) return (profile.CommandUuid, PlistReader.ReadDictionary(profile.Profile, PlistLimits.Admin), "InstallProfile");
        if (reply.Body is not { } body) return null;
        var command = TestIPad.CommandIn(body);
        return (command.GetString("CommandUUID")!, null, command.GetDictionary("Command")!.GetString("RequestType"));
    }

    [Fact]
    public async Task It_is_locked_when_it_comes_and_released_by_the_clock_whoever_else_is_late()
    {
        using var ipad = await Enrolled();
        Assert.Null(await Next(ipad));
        var exam = await Begin(ipad);

        // What waits longer comes later: the lock goes ahead.
        var other = await ipad.Enqueue();
        var locked = await Next(ipad);
        Assert.True(ExamCommands.IsLock(locked!.Value.Uuid));
        Assert.Equal(ExamProfile.IdentifierOf(exam), locked.Value.Lock!.GetString("PayloadIdentifier"));
        Assert.Equal(Now + Lasts + ExamProfile.FreesItselfAfter, locked.Value.Lock.GetDate("RemovalDate"));
        Assert.Equal(other, (await Next(ipad, ReportStatus.Acknowledged, locked.Value.Uuid))!.Value.Uuid);
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, other));
        Assert.Equal(ExamState.Locked, await StateOf(ipad, exam));

        // Nobody has ended the exam: the iPad's own grain goes by the clock.
        await ipad.Enqueue();
        cluster.Clock.Advance(Lasts);
        var release = await Next(ipad);
        Assert.True(ExamCommands.IsRelease(release!.Value.Uuid));
        Assert.Equal("RemoveProfile", release.Value.Type);
        Assert.NotNull(await Next(ipad, ReportStatus.Acknowledged, release.Value.Uuid));
        Assert.Equal(ExamState.Released, await StateOf(ipad, exam));
    }

    [Fact]
    public async Task A_release_that_was_answered_is_in_force_at_once()
    {
        using var ipad = await Enrolled();
        var exam = await Begin(ipad);
        var locked = await Next(ipad);
        // It says NotNow, so the lock waits in its queue when a person presses the button.
        await Next(ipad, ReportStatus.NotNow, locked!.Value.Uuid);
        await Store.ReleaseAll(Scope.District, exam, Now, "test", _ => null);
        await Tell();

        var next = await Next(ipad);

        Assert.True(ExamCommands.IsRelease(next!.Value.Uuid));
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, next.Value.Uuid));
        Assert.Equal(ExamState.Released, await StateOf(ipad, exam));
    }

    [Fact]
    public async Task A_lock_that_is_acknowledged_late_is_followed_by_a_release()
    {
        using var ipad = await Enrolled();
        var exam = await Begin(ipad);
        var locked = (await Next(ipad))!.Value.Uuid;
        cluster.Clock.Advance(Lasts);
        // It comes without having answered: it is released, and says that there is nothing.
        var release = (await Next(ipad))!.Value.Uuid;
        Assert.True(ExamCommands.IsRelease(release));
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, release));
        Assert.Equal(ExamState.Released, await StateOf(ipad, exam));

        // Only now it has done it.
        var again = await Next(ipad, ReportStatus.Acknowledged, locked);

        Assert.True(ExamCommands.IsRelease(again!.Value.Uuid));
        Assert.Equal(ExamState.Releasing, await StateOf(ipad, exam));
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, again.Value.Uuid));
        Assert.Equal(ExamState.Released, await StateOf(ipad, exam));
    }

    [Fact]
    public async Task A_later_end_goes_to_the_iPad_and_a_refused_release_is_repeated_until_it_is_done()
    {
        using var ipad = await Enrolled();
        var exam = await Begin(ipad);
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, (await Next(ipad))!.Value.Uuid));
        await Store.Prolong(Scope.District, exam, Now + (2 * Lasts), Now, "test", null);
        await Tell();

        var later = await Next(ipad);
        Assert.Equal(Now + (2 * Lasts) + ExamProfile.FreesItselfAfter, later!.Value.Lock!.GetDate("RemovalDate"));
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, later.Value.Uuid));
        cluster.Clock.Advance(Lasts);
        Assert.Null(await Next(ipad));

        cluster.Clock.Advance(Lasts);
        var release = (await Next(ipad))!.Value;
        Assert.True(ExamCommands.IsRelease(release.Uuid));
        // It refuses, and is asked which profiles it has.
        Assert.Equal("ProfileList", (await Next(ipad, ReportStatus.Error, release.Uuid))!.Value.Type);
        Assert.Equal(ExamState.Releasing, await StateOf(ipad, exam));
        Assert.Contains("12001", (await Of(ipad))!.Reason, StringComparison.Ordinal);
        cluster.Clock.Advance(TimeSpan.FromMinutes(2));
        var second = await Next(ipad);
        Assert.True(ExamCommands.IsRelease(second!.Value.Uuid));
        await Next(ipad, ReportStatus.Acknowledged, second.Value.Uuid);
        Assert.Equal(ExamState.Released, await StateOf(ipad, exam));
    }

    [Fact]
    public async Task An_iPad_that_is_erased_and_enrols_in_the_middle_is_locked_again_and_released_at_the_end()
    {
        using var ipad = await Enrolled();
        var exam = await Begin(ipad);
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, (await Next(ipad))!.Value.Uuid));
        await ipad.AllowReenrolment();
        ipad.Certificate = TestIPad.NewCertificate();
        await ipad.Enrolled();

        var again = await Next(ipad);

        Assert.True(ExamCommands.IsLock(again!.Value.Uuid));
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, again.Value.Uuid));
        cluster.Clock.Advance(Lasts);
        Assert.True(ExamCommands.IsRelease((await Next(ipad))!.Value.Uuid));
        Assert.Equal(ExamState.Releasing, await StateOf(ipad, exam));
    }

    [Fact]
    public async Task It_is_woken_at_the_beginning_at_the_end_and_again_until_it_comes()
    {
        using var ipad = await Enrolled();
        await Begin(ipad);
        await ipad.NextPush();
        Assert.Null(await Next(ipad, ReportStatus.Acknowledged, (await Next(ipad))!.Value.Uuid));

        cluster.Clock.Advance(Lasts);
        await Tell();
        await ipad.NextPush();
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        await Tell();
        await ipad.NextPush();
        cluster.Clock.Advance(TimeSpan.FromMinutes(2));
        await Tell();
        await ipad.NextPush();
    }
}
