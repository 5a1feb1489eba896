using CsCheck;
using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>How an iPad is locked for exams and released from them, without a grain and a store: with an iPad and a store that are played.</summary>
public sealed class ExamPartTests
{
    private static readonly DateTimeOffset Start = new(2027, 6, 1, 8, 0, 0, TimeSpan.Zero);

    private const string NotInstalled = "MCMDMErrorDomain 12075: The profile is not installed.";

    private sealed record PlayedExam(string Id, DateTimeOffset StartsAt, DateTimeOffset EndsAt, ExamPhase Phase, int Revision, bool IsLesson = false);

    private sealed record Waiting(string Uuid, ExamSend Send);

    private sealed class CrashException : Exception;

    /// <summary>Where the process dies while it looks.</summary>
    private enum Crash
    {
        None,
        Withdrawn,
        Written,
        OneSent,
    }

    /// <summary>An iPad with its queue, and what is stored of its exams: with the same statements as the store, and the same steps as the grain.</summary>
    private sealed class Played(bool removesByItself, params PlayedExam[] exams)
    {
        private readonly Dictionary<string, ExamStanding> _rows = [];
        private readonly List<Waiting> _queue = [];
        private readonly Dictionary<string, (CommandEnding Ending, DateTimeOffset At, string? Summary, ExamSend Send)> _history = [];
        private readonly List<Waiting> _slow = [];
        private IReadOnlySet<string> _locks = new HashSet<string>();

        public Dictionary<string, PlayedExam> Exams { get; } = exams.ToDictionary(exam => exam.Id);

        /// <summary>Locks that it has, by exam: when each removes itself.</summary>
        public Dictionary<string, DateTimeOffset> Has { get; } = [];

        public DateTimeOffset Now { get; private set; } = Start;

        public DateTimeOffset EnrolledAt { get; private set; } = Start.AddDays(-1);

        public List<string> Wrong { get; } = [];

        public int Commands { get; private set; }

        public string? Misfit { get; set; }

        public bool ListsProfiles { get; set; }

        public ExamStanding? Of(string id) => _rows.GetValueOrDefault(id);

        public void Pass(TimeSpan time)
        {
            Now += time;
            if (removesByItself) foreach (var (id, at) in Has.ToList()) if (at <= Now) Has.Remove(id);
        }

        public void Turn()
        {
            foreach (var exam in Exams.Values.ToList())
            {
                if (exam.Phase == ExamPhase.Coming && exam.StartsAt <= Now && exam.EndsAt > Now)
                {
                    Exams[exam.Id] = exam with { Phase = ExamPhase.Running };
                    _rows[exam.Id] = new ExamStanding { ExamId = exam.Id, Stamp = 1, State = ExamState.Planned, DueAt = Now, PushAt = Now, ChangedAt = Now };
                }
                else if (exam.Phase != ExamPhase.Over && exam.EndsAt <= Now)
                {
                    Exams[exam.Id] = exam with { Phase = ExamPhase.Over };
                    Let(exam.Id);
                }
            }
        }

        public void Prolong(string id, TimeSpan by)
        {
            if (Exams[id] is not { Phase: ExamPhase.Running } exam || exam.EndsAt <= Now) return;
            Exams[id] = exam with { EndsAt = exam.EndsAt + by, Revision = exam.Revision + 1 };
            if (_rows[id] is { State: < ExamState.Releasing, FreedAt: null } one) _rows[id] = AtOnce(one);
        }

        public void ReleaseAll(string id)
        {
            if (Exams[id] is not { Phase: ExamPhase.Running } exam) return;
            Exams[id] = exam with { Phase = ExamPhase.Over, EndsAt = exam.EndsAt < Now ? exam.EndsAt : Now };
            Let(id);
        }

        public void ReleaseThis(string id)
        {
            if (_rows.GetValueOrDefault(id) is not { State: <= ExamState.Releasing } one) return;
            _rows[id] = AtOnce(one) with { FreedAt = one.FreedAt ?? Now };
            Let(id);
        }

        public void AddAgain(string id)
        {
            if (Exams[id] is not { Phase: ExamPhase.Running } exam || exam.EndsAt <= Now || _rows.GetValueOrDefault(id) is not { } one || !(one.IsDone || one.FreedAt is not null)) return;
            _rows[id] = AtOnce(one) with { State = ExamState.Planned, FreedAt = null, Installed = null, ChangedAt = Now, ReleasedAt = null, Reason = null };
        }

        private void Let(string id)
        {
            if (_rows.GetValueOrDefault(id) is not { State: < ExamState.Releasing } one) return;
            _rows[id] = one.Revision == 0
                ? one with { Stamp = one.Stamp + 1, State = ExamState.NeverLocked, DueAt = null, PushAt = null, ChangedAt = Now }
                : AtOnce(one) with { State = ExamState.Releasing, ChangedAt = Now, Reason = null };
        }

        private ExamStanding AtOnce(ExamStanding one) => one with { Stamp = one.Stamp + 1, Attempts = 0, DueAt = Now, PushAt = Now, Pushes = 0 };

        public void Erase()
        {
            foreach (var one in _queue) _history[one.Uuid] = (CommandEnding.Erased, Now, null, one.Send);
            _queue.Clear();
            _slow.Clear();
            Has.Clear();
            Pass(TimeSpan.FromMinutes(1));
            EnrolledAt = Now;
        }

        /// <summary>It was set up anew, and its locks stayed: the most careful view of an enrolment that nobody understood.</summary>
        public void EnrolAnew()
        {
            foreach (var one in _queue) _history[one.Uuid] = (CommandEnding.Reenrolled, Now, null, one.Send);
            _queue.Clear();
            Pass(TimeSpan.FromMinutes(1));
            EnrolledAt = Now;
        }

        /// <summary>Somebody cancels what waits, by hand.</summary>
        public void CancelAll()
        {
            foreach (var one in _queue) _history[one.Uuid] = (CommandEnding.Cancelled, Now, null, one.Send);
            _queue.Clear();
        }

        public void Look(Crash crash = Crash.None)
        {
            var rows = _rows.Values.Where(row => !row.IsDone).Select(row =>
            {
                var exam = Exams[row.ExamId];
                var ended = row.CommandUuid is { } uuid && _history.TryGetValue(uuid, out var found) ? found : default((CommandEnding Ending, DateTimeOffset At, string? Summary, ExamSend Send)?);
                return new ExamStandingRow(row, exam.Id, exam.Phase, exam.StartsAt, exam.EndsAt, exam.Revision, ended?.Ending, ended?.At, ended?.Summary) { IsLesson = exam.IsLesson };
            }).ToList();
            var decided = ExamPart.Decide(rows, new ExamKnown
            {
                Now = Now,
                EnrolledAt = EnrolledAt,
                Waiting = [.. _queue.Select(one => one.Uuid)],
                Profiles = ListsProfiles ? (Now, Has.Keys.Select(ExamProfile.IdentifierOf).ToHashSet()) : null,
                Misfit = _ => Misfit,
                NewUuid = ExamCommands.NewUuid,
            });
            foreach (var uuid in decided.Withdraws) Finish(uuid, CommandEnding.Cancelled, ExamPart.Withdrawn);
            if (crash == Crash.Withdrawn) throw new CrashException();
            foreach (var (before, after) in decided.Changes)
            {
                Assert.Equal(before, _rows[before.ExamId]);
                _rows[before.ExamId] = after with { Stamp = before.Stamp + 1 };
            }

            if (crash == Crash.Written) throw new CrashException();
            foreach (var send in decided.Sends)
            {
                _queue.Add(new Waiting(send.CommandUuid, send));
                Commands++;
                if (crash == Crash.OneSent) throw new CrashException();
            }

            _locks = decided.Locks;
        }

        private void Finish(string uuid, CommandEnding ending, string? summary)
        {
            if (_queue.Find(one => one.Uuid == uuid) is not { } found) return;
            _queue.Remove(found);
            _history[uuid] = (ending, Now, summary, found.Send);
        }

        public enum Answer
        {
            Does,
            NotNow,
            Refuses,
            /// <summary>It does it, and its answer is lost.</summary>
            DoesSilently,
            /// <summary>It takes it, and does it much later.</summary>
            DoesLate,
        }

        /// <summary>It comes, and answers all that it gets. A process may die while it is here.</summary>
        public void Come(Answer answer, Crash crash = Crash.None)
        {
            try
            {
                // What it did late, it tells first.
                foreach (var late in _slow.ToList())
                {
                    _slow.Remove(late);
                    Do(late.Send);
                    if (_queue.Contains(late)) Finish(late.Uuid, CommandEnding.Acknowledged, null);
                    else if (!late.Send.Release && _rows[late.Send.ExamId] is { IsDone: true, Revision: > 0 } done)
                        _rows[late.Send.ExamId] = AtOnce(done) with { State = ExamState.Releasing, ChangedAt = Now, ReleasedAt = null, CommandUuid = null, Reason = null };
                }

                var skipped = new HashSet<string>();
                for (var turn = 0; turn < 20; turn++)
                {
                    Look(crash);
                    crash = Crash.None;
                    foreach (var expired in _queue.Where(one => !one.Send.Release && one.Send.EndsAt <= Now).ToList()) Finish(expired.Uuid, CommandEnding.Expired, null);
                    var next = _queue.Where(one => !skipped.Contains(one.Uuid)).OrderByDescending(one => one.Send.Release).FirstOrDefault();
                    if (next is null) return;
                    if (!next.Send.Release && !_locks.Contains(next.Uuid))
                    {
                        Finish(next.Uuid, CommandEnding.Cancelled, ExamPart.Withdrawn);
                        continue;
                    }

                    if (!next.Send.Release) Delivered(next);
                    switch (answer)
                    {
                        case Answer.NotNow:
                            skipped.Add(next.Uuid);
                            break;
                        case Answer.Refuses:
                            Finish(next.Uuid, CommandEnding.Error, "The iPad is busy.");
                            break;
                        case Answer.DoesSilently:
                            Do(next.Send);
                            skipped.Add(next.Uuid);
                            break;
                        case Answer.DoesLate when !next.Send.Release:
                            _slow.Add(next);
                            return;
                        default:
                            var refusal = Do(next.Send);
                            Finish(next.Uuid, refusal is null ? CommandEnding.Acknowledged : CommandEnding.Error, refusal);
                            break;
                    }

                    Pass(TimeSpan.FromSeconds(1));
                }

                Wrong.Add("It is sent commands without an end.");
            }
            catch (CrashException)
            {
                // Another process goes on, when it comes again.
            }
        }

        private string? Do(ExamSend send)
        {
            if (send.Release) return Has.Remove(send.ExamId) ? null : NotInstalled;
            if (Has.Keys.Any(other => other != send.ExamId)) return "MCInstallationErrorDomain 4019: Another profile has a payload com.apple.app.lock already.";
            Has[send.ExamId] = send.EndsAt + ExamProfile.FreesItselfAfter;
            return null;
        }

        private void Delivered(Waiting waiting)
        {
            var (exam, row) = (Exams[waiting.Send.ExamId], _rows[waiting.Send.ExamId]);
            if (exam.Phase != ExamPhase.Running || exam.EndsAt <= Now || exam.StartsAt > Now) Wrong.Add($"A lock of {exam.Id} was delivered at {Now:t}, outside of the exam.");
            if (row.FreedAt is not null) Wrong.Add($"A lock of {exam.Id} was delivered though somebody had released the iPad.");
        }
    }

    private static PlayedExam Exam(string id, int from = 10, int to = 70) => new(id, Start.AddMinutes(from), Start.AddMinutes(to), ExamPhase.Coming, 1);

    /// <summary>Whatever happened: the exams end, the iPad comes again and again and is well.</summary>
    private static void Settle(Played ipad)
    {
        ipad.Misfit = null;
        ipad.Pass(TimeSpan.FromHours(12));
        ipad.Turn();
        for (var visit = 0; visit < 60; visit++)
        {
            ipad.Come(Played.Answer.Does);
            ipad.Pass(TimeSpan.FromMinutes(1));
        }
    }

    private static void AllReleased(Played ipad, string story)
    {
        Assert.True(ipad.Wrong.Count == 0, $"{string.Join(' ', ipad.Wrong)} {story}");
        Assert.True(ipad.Has.Count == 0, $"It is still locked for {string.Join(' ', ipad.Has.Keys)}. {story}");
        foreach (var id in ipad.Exams.Keys)
            Assert.True(ipad.Of(id) is null or { IsDone: true }, $"{id} stands as {ipad.Of(id)}. {story}");
    }

    [Fact]
    public void It_is_locked_while_the_exam_runs_and_released_at_the_end()
    {
        var ipad = new Played(removesByItself: false, Exam("maths"));
        ipad.Come(Played.Answer.Does);
        Assert.Empty(ipad.Has);

        ipad.Pass(TimeSpan.FromMinutes(10));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        Assert.Equal(["maths"], ipad.Has.Keys);
        Assert.Equal((ExamState.Locked, 1), (ipad.Of("maths")!.State, ipad.Of("maths")!.Installed));

        ipad.Pass(TimeSpan.FromMinutes(60));
        ipad.Come(Played.Answer.Does);
        Assert.Empty(ipad.Has);
        Assert.Equal(ExamState.Released, ipad.Of("maths")!.State);
        Assert.Equal(2, ipad.Commands);
    }

    [Fact]
    public void A_lesson_gives_way_to_an_exam_that_begins_and_is_not_locked_again_by_itself()
    {
        var ipad = new Played(removesByItself: false, Exam("lesson", 0, 120) with { IsLesson = true }, Exam("maths"));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        Assert.Equal(["lesson"], ipad.Has.Keys);

        ipad.Pass(TimeSpan.FromMinutes(10));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        Assert.Equal(["maths"], ipad.Has.Keys);
        Assert.Equal((ExamState.Released, ExamState.Locked), (ipad.Of("lesson")!.State, ipad.Of("maths")!.State));

        ipad.Pass(TimeSpan.FromMinutes(60));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        Assert.Empty(ipad.Has);
        Settle(ipad);
        AllReleased(ipad, "");
    }

    [Fact]
    public void A_lesson_that_has_locked_nobody_yet_is_over_when_an_exam_has_the_iPad_and_says_why()
    {
        var ipad = new Played(removesByItself: false, Exam("lesson", 0, 120) with { IsLesson = true }, Exam("maths"));
        ipad.Pass(TimeSpan.FromMinutes(10));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        Assert.Equal(["maths"], ipad.Has.Keys);
        Assert.Equal((ExamState.NeverLocked, "The exam \"maths\" has it."), (ipad.Of("lesson")!.State, ipad.Of("lesson")!.Reason));
    }

    [Fact]
    public void An_exam_that_this_iPad_cannot_have_takes_no_lesson_from_it()
    {
        var ipad = new Played(removesByItself: false, Exam("lesson", 0, 120) with { IsLesson = true }, Exam("maths"));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        ipad.Misfit = "Its iPadOS is too old.";
        ipad.Pass(TimeSpan.FromMinutes(10));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        Assert.Equal(["lesson"], ipad.Has.Keys);
        Assert.Equal((ExamState.Locked, ExamState.NotPossible), (ipad.Of("lesson")!.State, ipad.Of("maths")!.State));
    }

    [Fact]
    public void A_lock_that_waits_at_the_end_is_never_delivered()
    {
        var ipad = new Played(removesByItself: false, Exam("maths"));
        ipad.Pass(TimeSpan.FromMinutes(10));
        ipad.Turn();
        ipad.Come(Played.Answer.NotNow);
        ipad.Pass(TimeSpan.FromMinutes(61));

        ipad.Come(Played.Answer.Does);

        Assert.Empty(ipad.Wrong);
        Assert.Empty(ipad.Has);
        Assert.True(ipad.Of("maths")!.IsDone);
    }

    [Fact]
    public void A_later_end_is_a_new_lock_in_place_of_the_old_one()
    {
        var ipad = new Played(removesByItself: true, Exam("maths"));
        ipad.Pass(TimeSpan.FromMinutes(10));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        ipad.Prolong("maths", TimeSpan.FromMinutes(30));
        ipad.Come(Played.Answer.Does);

        Assert.Equal(Start.AddMinutes(100) + ExamProfile.FreesItselfAfter, ipad.Has["maths"]);
        Assert.Equal((ExamState.Locked, 2), (ipad.Of("maths")!.State, ipad.Of("maths")!.Installed));
    }

    [Fact]
    public void One_that_frees_itself_says_so_when_it_comes()
    {
        var ipad = new Played(removesByItself: true, Exam("maths"));
        ipad.Pass(TimeSpan.FromMinutes(10));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        ipad.Pass(TimeSpan.FromHours(5));
        Assert.Empty(ipad.Has);

        ipad.Come(Played.Answer.Does);

        Assert.Equal(ExamState.ReleasedByItself, ipad.Of("maths")!.State);
    }

    [Fact]
    public void A_refused_release_is_repeated_and_a_list_without_the_lock_ends_it()
    {
        var ipad = new Played(removesByItself: true, Exam("maths"));
        ipad.Pass(TimeSpan.FromMinutes(10));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        ipad.Pass(TimeSpan.FromMinutes(61));
        for (var attempt = 0; attempt < 5; attempt++)
        {
            ipad.Come(Played.Answer.Refuses);
            Assert.Equal((ExamState.Releasing, "The iPad is busy."), (ipad.Of("maths")!.State, ipad.Of("maths")!.Reason));
            ipad.Pass(TimeSpan.FromMinutes(1));
        }

        Assert.InRange(ipad.Commands, 3, 5);
        ipad.Pass(TimeSpan.FromHours(1));
        ipad.ListsProfiles = true;
        ipad.Look();
        Assert.True(ipad.Of("maths")!.IsDone);
    }

    [Fact]
    public void Of_two_exams_at_once_the_first_holds_it_and_the_second_follows_when_it_has_let_go()
    {
        var ipad = new Played(removesByItself: false, Exam("first", 10, 40), Exam("second", 20, 90));
        ipad.Pass(TimeSpan.FromMinutes(25));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);
        Assert.Equal(["first"], ipad.Has.Keys);
        Assert.Equal((ExamState.NotPossible, "It is in the exam \"first\" at the same time."), (ipad.Of("second")!.State, ipad.Of("second")!.Reason));

        ipad.Pass(TimeSpan.FromMinutes(20));
        ipad.Turn();
        ipad.Come(Played.Answer.Does);

        Assert.Equal(["second"], ipad.Has.Keys);
    }

    [Fact]
    public void Whatever_happens_in_whatever_order_nobody_stays_locked_in_and_no_lock_comes_after_the_end()
    {
        string[] ids = ["maths", "english", "physics"];
        var steps = Gen.Select(Gen.Int[0, 15], Gen.Int[0, 2], Gen.Int[0, 45], Gen.Int[1, 3]).Array[1, 40];
        Gen.Select(steps, Gen.Bool, Gen.Int[0, 3]).Sample((actions, removesByItself, lesson) =>
        {
            PlayedExam Of(int number, int from, int to) => Exam(ids[number], from, to) with { IsLesson = number == lesson };
            var ipad = new Played(removesByItself, Of(0, 10, 70), Of(1, 40, 100), Of(2, 70, 130));
            foreach (var (what, which, minutes, crash) in actions)
            {
                var id = ids[which];
                switch (what)
                {
                    case 0: ipad.Come(Played.Answer.Does); break;
                    case 1: ipad.Come(Played.Answer.NotNow); break;
                    case 2: ipad.Come(Played.Answer.Refuses); break;
                    case 3: ipad.Come(Played.Answer.DoesSilently); break;
                    case 4: ipad.Come(Played.Answer.DoesLate); break;
                    case 5: ipad.Come(Played.Answer.Does, (Crash)crash); break;
                    case 6: ipad.Turn(); break;
                    case 7: ipad.Prolong(id, TimeSpan.FromMinutes(minutes + 1)); break;
                    case 8: ipad.ReleaseAll(id); break;
                    case 9: ipad.ReleaseThis(id); break;
                    case 10: ipad.AddAgain(id); break;
                    case 11: ipad.Erase(); break;
                    case 12: ipad.EnrolAnew(); break;
                    case 13: ipad.CancelAll(); break;
                    case 14: ipad.Misfit = ipad.Misfit is null ? "It needs supervision." : null; break;
                    default: ipad.ListsProfiles = !ipad.ListsProfiles; break;
                }

                ipad.Pass(TimeSpan.FromMinutes(minutes));
                if (minutes % 2 == 0) ipad.Turn();
            }

            Settle(ipad);
            AllReleased(ipad, string.Join(", ", actions.Select(action => $"{action}")));
        }, iter: 20_000);
    }
}
