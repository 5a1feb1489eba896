using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Exams;

namespace FleetMdm.Grains.Devices;

// What an exam makes of an iPad, each time that it is here:
//
//   1. settle    commands that ended: locked, released, refused, or never delivered, which is as if it had not been sent
//   2. anew      a lock from before the iPad enrolled is not there any more
//   3. yield     a lesson's lock gives way to every exam that this iPad can have: it counts as over
//   4. end       over, or released by somebody: a lock that waits is withdrawn. Whoever was ever sent one is released, until it says so itself; nobody else can say it
//   5. room      two exams do not hold one iPad: the one that holds it comes first, then the one that began first
//   6. fit       what this iPad cannot have
//   7. lock      while the exam runs; anew when its end was moved, and when the iPad does not list it any more
//   8. strays    a lock in the queue that no exam stands behind is withdrawn
//
// A lock that ends with the exam in the queue expires there. One that an iPad took all the same, and says so late, is followed by a release (DeviceGrain.Exam.cs).
// What is withdrawn is withdrawn first, then it is written, then the new command is queued: whatever dies in between leaves nothing that locks.

/// <summary>What is known of the iPad.</summary>
internal sealed record ExamKnown
{
    public required DateTimeOffset Now { get; init; }
    public required DateTimeOffset EnrolledAt { get; init; }
    /// <summary>CommandUUIDs in its queue, in order.</summary>
    public required IReadOnlyList<string> Waiting { get; init; }
    /// <summary>The profiles that it listed, and when; null: never since it enrolled.</summary>
    public (DateTimeOffset At, IReadOnlySet<string> Keys)? Profiles { get; init; }
    /// <summary>What speaks against this exam's lock on this iPad; null: nothing.</summary>
    public required Func<string, string?> Misfit { get; init; }
    /// <summary>Of a command that releases, or locks.</summary>
    public required Func<bool, string> NewUuid { get; init; }
}

/// <summary>A command to send for an exam.</summary>
/// <param name="Revision">Of the lock.</param>
/// <param name="EndsAt">From then on a lock is not delivered any more.</param>
internal sealed record ExamSend(string ExamId, string CommandUuid, bool Release, int Revision, DateTimeOffset EndsAt);

/// <param name="Withdraws">CommandUUIDs that are to be taken from the queue, before anything is written.</param>
/// <param name="Changes">Of what is stored.</param>
/// <param name="Sends">Releases first.</param>
/// <param name="Locks">CommandUUIDs of locks that may be handed over.</param>
/// <param name="AsksProfiles">It refused to be released: its list of profiles says whether there is anything to release.</param>
internal sealed record ExamDecision(
    IReadOnlyList<string> Withdraws, IReadOnlyList<ExamChange> Changes, IReadOnlyList<ExamSend> Sends, IReadOnlySet<string> Locks, bool AsksProfiles);

/// <summary>How an iPad is locked for an exam and released from it: rules without a store, a clock or a grain.</summary>
internal static class ExamPart
{
    /// <summary>While a command waits, this is how soon the next look comes, whatever was lost in between.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);

    /// <summary>Between two tries that the iPad refused.</summary>
    private static readonly TimeSpan[] Pauses = [.. new[] { 1, 2, 5, 10, 20, 40, 60 }.Select(minutes => TimeSpan.FromMinutes(minutes))];

    /// <summary>Apple's code for "there is no such profile", and words for it. Whatever they say, a release that fails is repeated: taking an error for this one would leave somebody locked in.</summary>
    private static readonly string[] NotThere = ["MCMDMErrorDomain 12075", "is not installed"];

    /// <summary>What the history says of a lock that was withdrawn here.</summary>
    public const string Withdrawn = "The exam does not want it any more.";

    private const string Refused = "The iPad refused it, and did not say why.";

    /// <param name="rows">As they are stored; only those that are not done.</param>
    public static ExamDecision Decide(IReadOnlyList<ExamStandingRow> rows, ExamKnown known)
    {
        var now = known.Now;
        var waiting = known.Waiting.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var withdraws = new List<string>();
        var sends = new List<ExamSend>();
        var asks = false;
        var all = rows.OrderBy(row => row.StartsAt).ThenBy(row => row.Standing.ExamId, StringComparer.Ordinal).Select(row => (Row: row, One: row.Standing)).ToList();

        // 1, 2
        for (var i = 0; i < all.Count; i++)
        {
            var (row, one) = all[i];
            if (one.CommandUuid is { } uuid && !waiting.Contains(uuid))
            {
                one = Settle(row, known);
                asks |= one is { State: ExamState.Releasing, Attempts: > 0 } && ExamCommands.IsRelease(uuid);
            }

            if (one.Installed is not null && one.LockedAt < known.EnrolledAt) one = one with { Installed = null, LockedAt = null };
            all[i] = (row, one);
        }

        // 3
        var first = all.FirstOrDefault(other => !other.Row.IsLesson && !other.One.IsDone && IsRunning(other.Row, now) && (other.One.Installed is not null || known.Misfit(other.One.ExamId) is null)).Row;
        bool Over(ExamStandingRow row) => IsOver(row, now) || (row.IsLesson && first is not null);

        // 4
        for (var i = 0; i < all.Count; i++)
        {
            var (row, one) = all[i];
            if (one.IsDone || !Over(row)) continue;
            var releases = false;
            if (one.CommandUuid is { } uuid && waiting.Contains(uuid))
            {
                releases = ExamCommands.IsRelease(uuid);
                if (!releases) withdraws.Add(uuid);
            }

            if (one.Revision == 0)
            {
                all[i] = (row, Done(one, ExamState.NeverLocked, now) with { Reason = IsOver(row, now) ? one.Reason : $"The exam \"{first!.Name}\" has it." });
                continue;
            }

            if (one.State != ExamState.Releasing) one = one with { State = ExamState.Releasing, ChangedAt = now, Attempts = 0, DueAt = now, PushAt = now, Pushes = 0, Reason = null };
            if (!releases && one.Attempts > 0 && known.Profiles is { } listed && listed.At > one.ChangedAt && !listed.Keys.Contains(ExamProfile.IdentifierOf(one.ExamId)))
            {
                // It was told to let go, and its list says that there is nothing.
                one = Released(one, row, now, thereWas: false);
            }
            else if (releases)
            {
                if (one.DueAt is null || one.DueAt <= now) one = one with { DueAt = now + LookAgain };
            }
            else if (one.Attempts == 0 || one.DueAt is null || one.DueAt <= now)
            {
                var send = new ExamSend(one.ExamId, known.NewUuid(true), Release: true, one.Revision, row.EndsAt);
                sends.Add(send);
                one = one with { CommandUuid = send.CommandUuid, DueAt = now + LookAgain };
            }

            all[i] = (row, one);
        }

        for (var i = 0; i < all.Count; i++)
        {
            var (row, one) = all[i];
            if (one.IsDone || Over(row) || !IsRunning(row, now)) continue;
            var (pending, releases) = (false, false);
            if (one.CommandUuid is { } uuid && waiting.Contains(uuid)) (pending, releases) = (true, ExamCommands.IsRelease(uuid));

            // Somebody put it in again.
            if (releases)
            {
                withdraws.Add(one.CommandUuid!);
                (pending, one) = (false, one with { CommandUuid = null });
            }

            // 5
            if (Before(i) is { } before)
            {
                if (pending) withdraws.Add(one.CommandUuid!);
                var holds = Over(before.Row);
                var named = $"the {(before.Row.IsLesson ? "lesson" : "exam")} \"{before.Row.Name}\"";
                var words = holds ? $"It waits until {named} has released it." : $"It is in {named} at the same time.";
                all[i] = (row, Stand(one, holds ? ExamState.Planned : ExamState.NotPossible, now) with
                {
                    CommandUuid = null,
                    Reason = words,
                    DueAt = holds ? now + LookAgain : before.Row.EndsAt < row.EndsAt ? before.Row.EndsAt : row.EndsAt,
                    PushAt = holds ? one.PushAt ?? now + LookAgain : null,
                });
                continue;
            }

            // 6
            if (one.Installed is null && known.Misfit(one.ExamId) is { } misfit)
            {
                if (pending) withdraws.Add(one.CommandUuid!);
                all[i] = (row, Stand(one, ExamState.NotPossible, now) with { CommandUuid = null, Reason = misfit, DueAt = row.EndsAt, PushAt = null });
                continue;
            }

            // 7
            if (pending)
            {
                if (one.Revision == row.Wanted)
                {
                    if (one.DueAt is null || one.DueAt <= now) all[i] = (row, one with { DueAt = Earlier(now + LookAgain, row.EndsAt) });
                    else all[i] = (row, one);
                    continue;
                }

                // It has another end.
                withdraws.Add(one.CommandUuid!);
                one = one with { CommandUuid = null };
            }

            if (one.Installed == row.Wanted)
            {
                var isListed = known.Profiles is not { } listed || listed.At <= one.LockedAt || listed.Keys.Contains(ExamProfile.IdentifierOf(one.ExamId));
                if (isListed)
                {
                    all[i] = (row, Stand(one, ExamState.Locked, now) with { Attempts = 0, DueAt = row.EndsAt, PushAt = null, Pushes = 0, Reason = null });
                    continue;
                }

                one = one with { Installed = null, Attempts = 0 };
            }

            // It was refused, and its pause is not over.
            if (one.Attempts > 0 && one.DueAt > now)
            {
                all[i] = (row, one);
                continue;
            }

            var order = new ExamSend(one.ExamId, known.NewUuid(false), Release: false, row.Wanted, row.EndsAt);
            sends.Add(order);
            all[i] = (row, Stand(one, one.Installed is null ? ExamState.Sent : ExamState.Locked, now) with
            {
                CommandUuid = order.CommandUuid,
                Revision = row.Wanted,
                DueAt = Earlier(now + LookAgain, row.EndsAt),
                PushAt = one.PushAt ?? now + LookAgain,
                Reason = null,
            });
        }

        // 8
        var locks = all.Where(one => !one.One.IsDone && !Over(one.Row)).Select(one => one.One.CommandUuid).OfType<string>().Where(uuid => ExamCommands.IsLock(uuid))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        withdraws.AddRange(known.Waiting.Where(uuid => ExamCommands.IsLock(uuid) && !locks.Contains(uuid) && !withdraws.Contains(uuid, StringComparer.OrdinalIgnoreCase)));
        return new ExamDecision(
            withdraws,
            [.. all.Where(one => one.One != one.Row.Standing).Select(one => new ExamChange(one.Row.Standing, one.One))],
            [.. sends.OrderByDescending(send => send.Release)],
            locks,
            asks);

        // The one that stands in this one's way; null: none does.
        (ExamStandingRow Row, ExamStanding One)? Before(int at)
        {
            for (var other = 0; other < all.Count; other++)
            {
                var (row, one) = all[other];
                if (other == at || one.IsDone) continue;
                var holds = one.Revision > 0;
                var wants = !Over(row) && IsRunning(row, now) && one.State != ExamState.NotPossible;
                // Who holds it comes first; of two that want it, the one that began first.
                if (holds && (all[at].One.Revision == 0 || other < at)) return (row, one);
                if (!holds && wants && all[at].One.Revision == 0 && other < at) return (row, one);
            }

            return null;
        }
    }

    private static bool IsRunning(ExamStandingRow row, DateTimeOffset now) => !IsOver(row, now) && row.Phase == ExamPhase.Running && row.StartsAt <= now;

    /// <summary>It is over for this iPad.</summary>
    private static bool IsOver(ExamStandingRow row, DateTimeOffset now) => row.Phase == ExamPhase.Over || row.EndsAt <= now || row.Standing.FreedAt is not null;

    /// <summary>A command that is not in the queue any more.</summary>
    private static ExamStanding Settle(ExamStandingRow row, ExamKnown known)
    {
        var (one, now, uuid) = (row.Standing, known.Now, row.Standing.CommandUuid!);
        if (ExamCommands.IsRelease(uuid))
        {
            return row.Ending switch
            {
                CommandEnding.Acknowledged => Released(one, row, now, thereWas: true),
                CommandEnding.Error or CommandEnding.CommandFormatError when IsNotThere(row.Summary) => Released(one, row, now, thereWas: false),
                CommandEnding.Error or CommandEnding.CommandFormatError => Fail(one with { CommandUuid = null }, row.Summary, now),
                // Withdrawn, lost, or ended with an enrolment: it is sent again.
                _ => one with { CommandUuid = null, Attempts = 0, DueAt = now },
            };
        }

        return row.Ending switch
        {
            CommandEnding.Acknowledged => Stand(one, IsOver(row, now) ? one.State : ExamState.Locked, now) with
            {
                CommandUuid = null,
                Installed = one.Revision,
                LockedAt = row.EndedAt ?? now,
                Attempts = 0,
                Reason = null,
            },
            CommandEnding.Error or CommandEnding.CommandFormatError when !IsOver(row, now) =>
                Fail(Stand(one, one.Installed is null ? ExamState.Failed : ExamState.Locked, now) with { CommandUuid = null }, row.Summary, now),
            CommandEnding.Cancelled when !IsOver(row, now) && row.Summary != Withdrawn =>
                Fail(Stand(one, one.Installed is null ? ExamState.Failed : ExamState.Locked, now) with { CommandUuid = null }, "Somebody cancelled the command that locks it.", now),
            _ => one with { CommandUuid = null, DueAt = now },
        };
    }

    private static ExamStanding Released(ExamStanding one, ExamStandingRow row, DateTimeOffset now, bool thereWas)
    {
        // An iPad that never had it lost nothing; one that had it, and has it no more, let go by itself when its time had come.
        var byItself = !thereWas && one.LockedAt is not null && now >= row.EndsAt + ExamProfile.FreesItselfAfter;
        return Done(one, byItself ? ExamState.ReleasedByItself : ExamState.Released, now) with { ReleasedAt = row.EndedAt ?? now };
    }

    private static ExamStanding Done(ExamStanding one, ExamState state, DateTimeOffset now) =>
        one with { State = state, Installed = null, ChangedAt = now, ReleasedAt = now, DueAt = null, PushAt = null, Pushes = 0, Attempts = 0, Reason = null };

    private static ExamStanding Stand(ExamStanding one, ExamState state, DateTimeOffset now) => one.State == state ? one : one with { State = state, ChangedAt = now };

    private static ExamStanding Fail(ExamStanding one, string? summary, DateTimeOffset now)
    {
        var again = now + Pauses[Math.Min(one.Attempts, Pauses.Length - 1)];
        return one with { Attempts = (short)Math.Min(one.Attempts + 1, 1000), DueAt = again, PushAt = again, Reason = string.IsNullOrEmpty(summary) ? Refused : summary };
    }

    private static bool IsNotThere(string? summary) => summary is not null && Array.Exists(NotThere, part => summary.Contains(part, StringComparison.OrdinalIgnoreCase));

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
