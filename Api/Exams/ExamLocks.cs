using FleetMdm.Api.Audit;
using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Api.Exams;

/// <summary>A short exam of some iPads, as another room makes it.</summary>
/// <param name="Name">It stands on the iPads.</param>
/// <param name="SchoolId">Whose people see it in the list of exams; null: the district's alone.</param>
/// <param name="DeviceIds">Enrolled iPads, by id.</param>
/// <param name="App">Null: <paramref name="Apps"/>.</param>
/// <param name="Apps">Bundle identifiers; null: <paramref name="App"/>.</param>
/// <param name="EndsAt">In the future, at most 24 hours from now.</param>
internal sealed record ExamLockOrder(string Name, string? SchoolId, IReadOnlyList<string> DeviceIds, ExamAppRequest? App, IReadOnlyList<string>? Apps, DateTimeOffset EndsAt);

/// <summary>How one iPad is, for a tile.</summary>
/// <param name="State">planned, sent, locked, notPossible, failed or releasing; no entry: it is in no exam.</param>
/// <param name="Reason">Why it is not locked, or not released; null: there is none.</param>
/// <param name="TimeZone">Of the exam's school; null: it has none.</param>
internal sealed record ExamTile(string DeviceId, string ExamId, string Name, string State, DateTimeOffset EndsAt, DateTimeOffset Since, string? Reason, string? TimeZone);

/// <summary>Exams for other rooms, as for a lesson: locked now, released at the end or before. <b>Whoever calls has checked the rights</b>: nothing here asks what the person may do. Each
/// change is in the audit record, under the request's person.</summary>
internal sealed class ExamLocks(IExamStore store, ExamService exams, AuditTrail trail, TimeProvider time)
{
    /// <summary>Locks these iPads from now on. They are released at the end by themselves.</summary>
    /// <returns>The id of the exam.</returns>
    /// <exception cref="ApiProblem">400, 409.</exception>
    public async Task<string> Lock(HttpContext context, ExamLockOrder order)
    {
        if (order.DeviceIds.Count == 0) throw ApiProblem.Field("iPads", "Name at least one iPad.");
        var (id, by) = (RequestIds.NewGuid(context, "exam").ToString("D"), Access.FleetUser.Of(context).Name);
        var built = await exams.Build(
            new ExamRequest { Name = order.Name, SchoolId = order.SchoolId, StartsAt = null, EndsAt = order.EndsAt, App = order.App, Apps = order.Apps }, id, null, null, order.SchoolId);
        var now = time.GetUtcNow();
        var exam = built with { Version = 1, CreatedAt = now, CreatedBy = by, UpdatedAt = now, UpdatedBy = by };
        ExamService.Check(await store.Create(Scope.District, exam, order.DeviceIds, trail.Entry(context, AuditVerbs.ExamCreate, AuditTargets.Exam, id, detail: ExamService.Told(exam))));
        await exams.Tell();
        return id;
    }

    /// <summary>Puts more iPads into one that runs; one that was released is locked again.</summary>
    public async Task<long> Add(HttpContext context, string examId, IReadOnlyList<string> deviceIds) => (await exams.Add(context, Scope.District, await Find(examId), deviceIds)).IPads;

    /// <summary>Releases some, or all.</summary>
    /// <param name="deviceIds">Null: all; the exam is over.</param>
    /// <returns>For how many iPads.</returns>
    public async Task<long> Release(HttpContext context, string examId, IReadOnlyList<string>? deviceIds) => (await exams.Release(context, Scope.District, await Find(examId), deviceIds)).IPads;

    public async Task Prolong(HttpContext context, string examId, DateTimeOffset endsAt) => await exams.Prolong(context, Scope.District, await Find(examId), endsAt);

    /// <summary>How these iPads are; those that are in no exam are left out. One that is in several comes once for each, the first to begin first.</summary>
    public async Task<IReadOnlyList<ExamTile>> Of(IReadOnlyList<string> deviceIds) =>
    [
        .. (await store.ListOfDevices(deviceIds)).Select(one => new ExamTile(
            one.DeviceId, one.Row.Exam.Id, one.Row.Exam.Name, ExamWords.State(one.Standing.State), one.Row.Exam.EndsAt, one.Standing.ChangedAt, one.Standing.Reason, one.Row.TimeZone)),
    ];

    private async Task<Exam> Find(string examId) => (await store.Find(Scope.District, examId))?.Exam ?? throw ExamService.NotFound();
}
