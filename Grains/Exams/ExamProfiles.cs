using System.Collections.Concurrent;
using FleetMdm.Grains.Assignments;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Grains.Exams;

/// <summary>What the exams that run lock iPads with, as this node last read it. It does not change while an exam runs; only its end does.</summary>
/// <remarks>Any thread. Thousands of iPads get the same, one after the other: it is read once for them. Bounded: <see cref="Most"/> exams.</remarks>
internal sealed class ExamProfiles(IExamStore store)
{
    private const int Most = 64;

    private readonly ConcurrentDictionary<string, ExamLock> _known = new(StringComparer.Ordinal);

    /// <summary>Of an exam that runs; null: it is not there any more.</summary>
    public async ValueTask<ExamLock?> Find(string examId)
    {
        if (_known.TryGetValue(examId, out var known)) return known;
        if (await store.Find(Scope.District, examId) is not { Exam: { Phase: ExamPhase.Running } exam }) return null;
        if (_known.Count >= Most) _known.Clear();
        return _known[examId] = new ExamLock(examId, exam.Profile);
    }
}

/// <summary>The lock of an exam.</summary>
internal sealed class ExamLock(string examId, byte[] profile)
{
    private (int Revision, DateTimeOffset EndsAt, byte[] Body)? _newest;
    private readonly Lock _gate = new();

    /// <summary>What it asks of an iPad.</summary>
    public PlanContent Content { get; } = PlanContent.OfProfile(profile) with
    {
        Requirements =
        [
            .. ExamProfile.Needs(LibraryProfile.Stored(profile).Root).Select(one => new CommandRequirement((byte)one.Kind, one.What, one.Field, one.Text)),
        ],
    };

    /// <summary>What is put into the queue.</summary>
    public byte[] Lock(int revision, DateTimeOffset endsAt)
    {
        lock (_gate)
        {
            if (_newest is { } newest && newest.Revision == revision && newest.EndsAt == endsAt) return newest.Body;
            var body = ProfileCommand.Template(ExamProfile.Ending(profile, examId, revision, endsAt + ExamProfile.FreesItselfAfter));
            _newest = (revision, endsAt, body);
            return body;
        }
    }
}
