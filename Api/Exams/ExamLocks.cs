using FleetMdm.Api.Access;
using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Api.Exams;

/// <summary>The lock of a lesson, as another room asks for it.</summary>
/// <param name="Name">It stands on the iPads.</param>
/// <param name="SchoolId">Whose people see it beside the exams.</param>
/// <param name="Lesson">Whose lesson, and which app.</param>
/// <param name="DeviceIds">Enrolled iPads, by id.</param>
/// <param name="EndsAt">In the future.</param>
internal sealed record LessonOrder(string Name, string SchoolId, ExamLesson Lesson, IReadOnlyList<string> DeviceIds, DateTimeOffset EndsAt);

/// <summary>The lock of a class, and how each of its iPads is.</summary>
/// <param name="IsRunning">False: it is over. Some of its iPads may not be released yet.</param>
/// <param name="Until">When it ends, by the school's clock.</param>
internal sealed record LessonStanding(string ExamId, string AppName, string BundleId, bool IsRunning, DateTimeOffset EndsAt, string Until, IReadOnlyList<ExamDeviceView> Devices);

/// <summary>How one iPad is, for a tile.</summary>
/// <param name="State">planned, sent, locked, notPossible, failed or releasing; no entry: it is in no exam.</param>
/// <param name="IsLesson">It is the lock of a teacher's lesson.</param>
/// <param name="IsComing">It has not begun: it holds nobody yet.</param>
/// <param name="Reason">Why it is not locked, or not released; null: there is none.</param>
/// <param name="TimeZone">Of the exam's school; null: it has none.</param>
internal sealed record ExamTile(string DeviceId, string ExamId, string Name, bool IsLesson, bool IsComing, string State, DateTimeOffset EndsAt, DateTimeOffset Since, string? Reason, string? TimeZone);

/// <summary>Exams for other rooms: who is in one, and the locks of lessons, which are exams of one class that give way to all others. <b>Whoever calls has checked the rights</b>: nothing here
/// asks what the person may do. Each change is in the audit record, under the request's person.</summary>
internal sealed class ExamLocks(IExamStore store, ExamService exams, AuditTrail trail, TimeProvider time)
{
    /// <summary>So long after its end a teacher sees who was released.</summary>
    private static readonly TimeSpan ShownAfterwards = TimeSpan.FromMinutes(15);

    private const int LongestDetail = 300;

    /// <summary>Locks these iPads until the end, or puts them into the lock that the class has with this app. Once more changes nothing.</summary>
    /// <returns>How many were put in; the ids of those that an exam holds.</returns>
    /// <exception cref="ApiProblem">400, 409.</exception>
    public async Task<(long Count, IReadOnlyList<string> Held)> LockLesson(HttpContext context, LessonOrder order)
    {
        var (id, by) = (RequestIds.NewGuid(context, "lesson").ToString("D"), FleetUser.Of(context).Name);
        var built = await exams.Build(
            new ExamRequest { Name = order.Name, SchoolId = order.SchoolId, EndsAt = order.EndsAt, App = new ExamAppRequest { BundleId = order.Lesson.App } }, id, null, null, order.SchoolId);
        var now = time.GetUtcNow();
        var lesson = built with { Lesson = order.Lesson, Version = 1, CreatedAt = now, CreatedBy = by, UpdatedAt = now, UpdatedBy = by };
        var locked = await store.LockLesson(lesson, order.DeviceIds, (standing, count) => trail.Entry(
            context, AuditVerbs.LessonLock, AuditTargets.Class, order.Lesson.ClassId,
            detail: Text.Printable($"{standing.Name} ({standing.Lesson!.App}) until {standing.EndsAt:u}", LongestDetail)) with
        { Count = count });
        switch (locked.Outcome)
        {
            case ExamOutcome.OtherApp:
                throw ApiProblem.Conflict(ProblemCodes.LessonRunning, "The class is locked into another app",
                    $"It is locked into {locked.Standing!.Lesson!.AppName}. Release the class, then choose the other app.");
            case ExamOutcome.Nobody:
                throw ApiProblem.Conflict(ProblemCodes.ExamHolds, "An exam has these iPads", "A technician has put them into an exam, and an exam comes first. Nothing was locked.");
            default:
                ExamService.Check(locked.Outcome);
                break;
        }

        await exams.Tell();
        return (locked.Count, locked.Held);
    }

    /// <summary>Releases iPads from the lock of a class, at whatever time: nobody stays locked in.</summary>
    /// <param name="deviceId">Null: all; the lock is over.</param>
    /// <returns>For how many iPads; 0: nothing of this class is locked. Null: this iPad is not in it.</returns>
    public async Task<long?> ReleaseLesson(HttpContext context, string classId, string? deviceId)
    {
        if (await store.FindLesson(classId, time.GetUtcNow()) is not { Exam: var lesson }) return deviceId is null ? 0 : null;
        if (deviceId is not null && (await store.ListDeviceIds(Scope.District, lesson.Id, [deviceId])).Count == 0) return null;
        var (done, now) = (0L, time.GetUtcNow());
        AuditRecord? Record(long count)
        {
            done = count;
            return trail.Entry(context, AuditVerbs.LessonRelease, AuditTargets.Class, classId, detail: Text.Printable($"{lesson.Name}: {deviceId ?? "all"}", LongestDetail)) with { Count = count };
        }

        if (deviceId is null) ExamService.Check(await store.ReleaseAll(Scope.District, lesson.Id, now, FleetUser.Of(context).Name, Record));
        else await store.Release(Scope.District, lesson.Id, [deviceId], now, Record);
        await exams.Tell();
        return done;
    }

    /// <summary>The lock of a class as it stands, or stood a moment ago; null: none.</summary>
    public async Task<LessonStanding?> Lesson(string classId)
    {
        var now = time.GetUtcNow();
        if (await store.FindLesson(classId, now - ShownAfterwards) is not { } row) return null;
        var zone = exams.ZoneOf(row);
        return new LessonStanding(
            row.Exam.Id, row.Exam.Lesson!.AppName, row.Exam.Lesson.App, row.Exam.Phase == ExamPhase.Running && row.Exam.EndsAt > now, row.Exam.EndsAt, ExamWords.Clock(row.Exam.EndsAt, zone, now),
            [.. (await store.ListDevices(Scope.District, row.Exam.Id, [], null, IExamStore.MostOfLesson)).Select(one => ExamDeviceView.Of(one, row.Exam, zone, now))]);
    }

    /// <summary>How these iPads are; those that are in no exam are left out. One that is in several comes once for each, the first to begin first.</summary>
    public async Task<IReadOnlyList<ExamTile>> Of(IReadOnlyList<string> deviceIds) =>
    [
        .. (await store.ListOfDevices(deviceIds)).Select(one => new ExamTile(
            one.DeviceId, one.ExamId, one.Name, one.IsLesson, one.Phase == ExamPhase.Coming, ExamWords.State(one.Standing.State), one.EndsAt, one.Standing.ChangedAt, one.Standing.Reason, one.TimeZone)),
    ];
}
