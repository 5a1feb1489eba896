using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Exams;

/// <summary>Exams, and how each stands on each of its iPads.</summary>
/// <remarks>
/// Which iPads are in an exam is written down when it begins: what happens to groups, people and schools afterwards frees nobody and locks nobody. An iPad stays in the exam until it
/// has said itself that it is released, or was erased or left management. What is to be done on an iPad is done by its grain (<see cref="DeviceSnapshot.ExamDueAt"/>).
/// </remarks>
public interface IExamStore
{
    /// <summary>That have not begun, or run.</summary>
    const int MostOpen = 500;

    const int MostDevices = 20_000;

    /// <summary>Of one class at a time, so a district's are no more than its classes.</summary>
    const int MostOfLesson = 500;

    // ---- for people ----

    /// <summary>The latest first.</summary>
    /// <param name="lessons">The locks of lessons in place of exams.</param>
    Task<IReadOnlyList<ExamRow>> List(Scope scope, string? text, ExamPhase? phase, bool lessons, (DateTimeOffset StartsAt, string Id)? after, int limit);

    Task<ExamRow?> Find(Scope scope, string id);

    /// <param name="scope">Of the one who reads: other iPads are not counted.</param>
    Task<IReadOnlyList<ExamCount>> Count(Scope scope, IReadOnlyList<string> ids);

    /// <summary>iPads that are in it, or would be if it began now, and whose list of apps lacks this one.</summary>
    Task<long> CountWithoutApp(Scope scope, string id, string app, DateTimeOffset now);

    /// <summary>Exams that are over and have iPads that are not released yet, with their number, as far as these rights reach.</summary>
    Task<IReadOnlyList<(string Id, string Name, long Devices)>> ListUnreleased(Scope scope, int limit);

    /// <summary>What it would do, now.</summary>
    /// <param name="scope">Of the one who asks: other groups and iPads do not exist for the target.</param>
    /// <param name="id">Of the one that it would change; null: a new one.</param>
    /// <param name="app">Without which an iPad has nothing to be locked into; null: it is not looked for.</param>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    Task<ExamPlan> Plan(Scope scope, string? id, ExamTarget target, DateTimeOffset startsAt, DateTimeOffset endsAt, IReadOnlyList<DeviceRequirement> requirements, string? app, int examples);

    /// <summary>Writes it, with the iPads that were named. One whose beginning has come begins in the same transaction; it needs at least one iPad.</summary>
    /// <param name="deviceIds">Named one by one.</param>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    Task<ExamOutcome> Create(Scope scope, Exam exam, IReadOnlyList<string> deviceIds, AuditRecord? audit);

    /// <summary>Writes one that has not begun as a whole, with a version one higher than it stands.</summary>
    /// <param name="deviceIds">In place of those that were named before.</param>
    /// <exception cref="FilterException">Its target cannot be used.</exception>
    Task<ExamOutcome> Change(Scope scope, Exam exam, IReadOnlyList<string> deviceIds, AuditRecord? audit);

    /// <summary>Moves the end of one that runs.</summary>
    Task<ExamOutcome> Prolong(Scope scope, string id, DateTimeOffset endsAt, DateTimeOffset at, string by, AuditRecord? audit);

    /// <summary>Ends one that runs, for all of its iPads. One that is over already: its iPads are woken at once.</summary>
    Task<ExamOutcome> ReleaseAll(Scope scope, string id, DateTimeOffset at, string by, Func<long, AuditRecord?> audit);

    /// <summary>Releases these iPads, whatever the exam does; they are woken at once.</summary>
    /// <returns>How many of them were in it and are not released yet; null: there is no such exam.</returns>
    Task<long?> Release(Scope scope, string id, IReadOnlyList<string> deviceIds, DateTimeOffset at, Func<long, AuditRecord?> audit);

    /// <summary>Puts these iPads into one that runs or has not begun. One that was released is locked again.</summary>
    /// <returns>How many were put in; null: there is no such exam.</returns>
    Task<(ExamOutcome Outcome, long Count)> Add(Scope scope, string id, IReadOnlyList<string> deviceIds, DateTimeOffset at, Func<long, AuditRecord?> audit);

    /// <summary>Deletes one that has not begun, or whose iPads are all released.</summary>
    Task<ExamOutcome> Delete(Scope scope, string id, int? basedOn, AuditRecord? audit);

    /// <summary>By the id of the iPad, after <paramref name="after"/>.</summary>
    /// <param name="scope">Of the one who reads: an iPad that has moved to another school is not there.</param>
    /// <param name="states">As they are shown; empty: all.</param>
    Task<IReadOnlyList<ExamDeviceRow>> ListDevices(Scope scope, string id, IReadOnlyList<ExamState> states, string? after, int limit);

    /// <summary>Exams that these iPads are in, or will be because somebody named them, and have not been released from; the first to begin first.</summary>
    Task<IReadOnlyList<ExamOfDevice>> ListOfDevices(IReadOnlyList<string> deviceIds);

    /// <summary>Of its iPads the ids, as far as these rights reach.</summary>
    /// <param name="among">Only those of these; null: all.</param>
    Task<IReadOnlyList<string>> ListDeviceIds(Scope scope, string id, IReadOnlyList<string>? among);

    /// <summary>The exams that these commands of one iPad are of: by the last command for each exam.</summary>
    /// <returns>By CommandUUID.</returns>
    Task<IReadOnlyDictionary<string, (string Name, string CreatedBy, bool IsLesson)>> OfCommands(string deviceId, IReadOnlyList<string> commandUuids);

    // ---- for lessons ----

    /// <summary>The lock of a class that runs; else the last one, while iPads of it are not released or it ended after this time.</summary>
    Task<ExamRow?> FindLesson(string classId, DateTimeOffset endedAfter);

    /// <summary>Locks iPads for a lesson: begins <paramref name="lesson"/>, or puts them into the one that the class has with the same app. Those that are in an exam are left out.</summary>
    /// <param name="lesson">As it is to be when the class has none.</param>
    /// <param name="audit">Of the lock that stands, and how many were put in; nothing is recorded when nothing was changed.</param>
    /// <returns><see cref="ExamOutcome.OtherApp"/>: the class is locked into another app. <see cref="ExamOutcome.Nobody"/>: an exam holds each of them, or none is enrolled.</returns>
    Task<LessonLocked> LockLesson(Exam lesson, IReadOnlyList<string> deviceIds, Func<Exam, long, AuditRecord?> audit);

    /// <summary>Enrolled iPads by their ids or serial numbers.</summary>
    /// <returns>By what was asked for; what is missing does not exist.</returns>
    Task<IReadOnlyDictionary<string, string>> Resolve(Scope scope, IReadOnlyList<string> named);

    // ---- for the nodes ----

    /// <summary>All of one iPad that it is not released from, for its grain.</summary>
    Task<IReadOnlyList<ExamStandingRow>> Standings(string deviceId);

    /// <summary>Writes what a grain has worked out for its iPad: all of it, or nothing when somebody has changed one of them in between.</summary>
    /// <returns>False: nothing was written; read anew.</returns>
    Task<bool> Write(string deviceId, IReadOnlyList<ExamChange> changes);

    /// <summary>An iPad said that it has the lock of an exam that it counts as released from: it is to be released once more.</summary>
    /// <returns>Whether it counted as released.</returns>
    Task<bool> Reopen(string deviceId, string examId, DateTimeOffset at);

    /// <summary>Begins and ends exams whose time has come.</summary>
    Task<ExamTurn> Turn(DateTimeOffset now);

    /// <summary>Takes iPads that are to be woken now, and writes when they are to be woken again: after a pause that grows.</summary>
    Task<IReadOnlyList<PushTarget>> TakePushes(DateTimeOffset now, int limit);

    /// <summary>iPads that were erased or left management are not waited for any more.</summary>
    Task<int> CloseGone(DateTimeOffset now);

    /// <summary>Forgets exams that ended before this time, with all of their iPads released.</summary>
    Task<int> Forget(DateTimeOffset endedBefore);
}
