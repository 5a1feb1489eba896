using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Exams;

/// <summary>The lock of a lesson: an exam of one class, one at a time, that leaves to exams what is theirs.</summary>
internal sealed partial class ExamStore
{
    public Task<ExamRow?> FindLesson(string classId, DateTimeOffset endedAfter)
    {
        StoredText.Check("The class's id", classId);
        return database.Read(s => s
            .Sql($"""
                {Rows} WHERE e.lesson_class_id = @class
                  AND (e.phase = 1 OR e.ends_at > @after OR EXISTS (SELECT 1 FROM exam_devices x JOIN devices d ON d.id = x.device_id AND d.status IN (1, 2) WHERE x.exam_id = e.id AND x.state = 6))
                ORDER BY e.phase, e.starts_at DESC, e.id DESC LIMIT 1
                """)
            .Text("@class", classId).Time("@after", endedAfter).First(ReadRow));
    }

    public Task<LessonLocked> LockLesson(Exam lesson, IReadOnlyList<string> deviceIds, Func<Exam, long, AuditRecord?> audit)
    {
        Check(lesson, deviceIds);
        var (of, now) = (lesson.Lesson!, lesson.UpdatedAt);
        StoredText.Check("The class's id", of.ClassId);
        StoredText.Check("The app", of.App);
        StoredText.Check("The app's name", of.AppName);
        return database.Write(async s =>
        {
            // Two teachers of a class at once: one after the other.
            if (!await s.Sql($"SELECT id FROM classes WHERE id = @class{database.ForUpdate}").Text("@class", of.ClassId).First(_ => true)) return new LessonLocked(ExamOutcome.NotFound, 0, null, []);
            var standing = await s.Sql($"SELECT {Columns} FROM exams e WHERE e.lesson_class_id = @class AND e.phase <> 2{database.ForUpdate}").Text("@class", of.ClassId).First(row => Read(row));
            if (standing is not null && standing.EndsAt <= now)
            {
                // Its time is over, and nobody has ended it yet.
                await s.Sql("UPDATE exams SET phase = 2 WHERE id = @id").Text("@id", standing.Id).Execute();
                await AuditColumns.Add(s, ByServer(now, AuditVerbs.ExamEnd, standing, await End(s, standing.Id, now)));
                standing = null;
            }

            var held = await s
                .Sql($"""
                    SELECT DISTINCT x.device_id FROM exam_devices x JOIN exams e ON e.id = x.exam_id AND e.phase = 1 AND e.lesson_class_id IS NULL AND e.ends_at > @now
                    WHERE x.device_id IN (SELECT id FROM {database.IdsTable}) AND x.state IN (1, 2, 3, 5)
                    """)
                .Time("@now", now).Ids(deviceIds).List(row => row.Text(0));
            var enrolled = await s.Sql($"SELECT d.id FROM {AssignmentTargets.Enrolled} AND d.id IN (SELECT id FROM {database.IdsTable})").Ids(deviceIds).List(row => row.Text(0));
            var free = enrolled.Except(held, StringComparer.Ordinal).ToList();
            if (standing is not null && standing.Lesson!.App != of.App) return new LessonLocked(ExamOutcome.OtherApp, 0, standing, held);
            // By an attempt whose answer was lost, or by the same request before.
            if (standing?.Id == lesson.Id) return new LessonLocked(ExamOutcome.Written, await Named(s, lesson.Id), standing, held);
            long count;
            if (standing is not null)
            {
                if (await Put(s, Scope.District, standing, free, now) is not { } put) return new LessonLocked(ExamOutcome.TooManyDevices, 0, standing, held);
                count = put;
            }
            else
            {
                if (free.Count == 0) return new LessonLocked(ExamOutcome.Nobody, 0, null, held);
                if (!await Insert(s, lesson)) return new LessonLocked(ExamOutcome.NotRunning, 0, null, held);
                await Name(s, Scope.District, lesson, free);
                count = await Begin(s, lesson, now);
                standing = lesson with { Phase = ExamPhase.Running };
            }

            if (count > 0 && audit(standing, count) is { } record) await AuditColumns.Add(s, record with { Count = count });
            return new LessonLocked(ExamOutcome.Written, count, standing, held);
        });
    }
}
