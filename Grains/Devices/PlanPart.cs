using FleetMdm.Grains.Assignments;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Devices;
using static FleetMdm.Grains.Devices.StandingRules;

namespace FleetMdm.Grains.Devices;

// How an iPad becomes what it should be, each time that it is here and has nothing else to do:
//
//   1. anew     what was there before the iPad enrolled is not there any more
//   2. settle   commands that ended: installed, refused, or never delivered, which is as if it had not been sent
//   3. come, go which assignments the iPad comes under now
//   4. look     what the iPad does not list any more, or has in an older version, is sent again
//   5. fit      what this iPad cannot have
//   6. send     certificates, then network, then the rest; nothing later before all earlier. An app of Apps and Books waits for its licence
//   7. remove   what nothing else wants; a network only when every new profile is in place
//
// A failure is tried again after a pause that grows.

/// <summary>An assignment as the iPad's grain sees it.</summary>
/// <param name="Wanted">The version of the profile, or the revision of the command.</param>
/// <param name="InForce">It has begun and is not over.</param>
/// <param name="Keep">It stays on an iPad that it is not for any more.</param>
/// <param name="Precedence">Of two that set the same, the one with the larger number comes first.</param>
internal sealed record PlanEntry(string Id, string Name, string Item, int Wanted, bool InForce, bool Keep, (bool OfSchool, DateTimeOffset CreatedAt) Precedence, PlanContent Content)
{
    /// <summary>What the iPad needs first; null: nothing.</summary>
    public AssignedLicence? Licence { get; init; }

    /// <summary>It is for the users of Shared iPads, and not for iPads.</summary>
    public bool ForUsers { get; init; }
}

/// <summary>What is known of the iPad.</summary>
internal sealed record PlanKnown
{
    public required DateTimeOffset Now { get; init; }
    public required DateTimeOffset EnrolledAt { get; init; }
    /// <summary>CommandUUIDs in its queue.</summary>
    public required IReadOnlySet<string> Waiting { get; init; }
    /// <summary>The assignments that it comes under; null: nobody looked, it is as it was.</summary>
    public IReadOnlySet<string>? Matches { get; init; }
    /// <summary>The profiles that it listed, and when; null: never since it enrolled.</summary>
    public (DateTimeOffset At, IReadOnlySet<string> Keys)? Profiles { get; init; }
    /// <summary>Likewise the apps.</summary>
    public (DateTimeOffset At, IReadOnlySet<string> Keys)? Apps { get; init; }
    /// <summary>What speaks against something on this iPad; null: nothing.</summary>
    public required Func<PlanContent, string?> Misfit { get; init; }
    /// <summary>Its licences of Apps and Books, as far as they are known.</summary>
    public Func<AssignedLicence, ContentLicence?> Licence { get; init; } = _ => null;
    /// <summary>Of a command that takes something away, or brings something, for an assignment.</summary>
    public required Func<bool, string, string> NewUuid { get; init; }
}

/// <summary>A command to send for an assignment.</summary>
internal sealed record PlanSend(PlanEntry Entry, string CommandUuid, bool Remove);

/// <param name="Changes">Of what is stored.</param>
/// <param name="Sends">In order.</param>
internal sealed record PlanDecision(IReadOnlyList<AssignmentChange> Changes, IReadOnlyList<PlanSend> Sends);

/// <summary>What has to be done so that an iPad becomes as it is assigned: rules without a store, a clock or a grain.</summary>
internal static class PlanPart
{
    /// <summary>At a time; the next ones follow when these are answered.</summary>
    public const int MostAtOnce = 10;

    /// <summary>An app that was accepted is on its way; only a list that is younger than that says that it is missing.</summary>
    private static readonly TimeSpan AppsTake = TimeSpan.FromHours(2);

    /// <summary>A command that nobody knows of any more is looked for again.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromDays(1);

    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(8), TimeSpan.FromHours(24)];

    /// <summary>Apple gives a licence, and the iPad hears of it seconds to minutes later.</summary>
    private static readonly TimeSpan[] LicencePauses =
        [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(30), TimeSpan.FromHours(1)];

    private static readonly TimeSpan MadeAgainAfter = TimeSpan.FromMinutes(1);

    private const string NotMadeYet = "The server makes the profiles of other iPads at the moment. This one follows.";

    private const string NotSeenYet = "The licence is there, and the iPad does not see it yet. The installation is tried again.";

    private static readonly string[] NotThere = ["not found", "not installed", "not managed", "no such"];

    /// <param name="rows">As they are stored.</param>
    /// <param name="plan">All assignments, by id.</param>
    public static PlanDecision Decide(IReadOnlyList<AssignmentStandingRow> rows, IReadOnlyDictionary<string, PlanEntry> plan, PlanKnown known)
    {
        var now = known.Now;
        // 1, 2. Null: the iPad has nothing to do with it any more.
        var standings = rows.ToDictionary(
            row => row.Standing.AssignmentId,
            row => row.Standing.ChangedAt >= known.EnrolledAt ? Settle(row, plan.GetValueOrDefault(row.Standing.AssignmentId)?.Licence is not null, known)
                : IsLeaving(row.Standing.State) ? null
                : Wait(row.Standing, now) with { Installed = null, Revision = 0, CommandUuid = null },
            StringComparer.Ordinal);

        // What one removal has taken away, no other assignment of the same has any more.
        foreach (var item in rows.Where(row => row.Standing.ChangedAt >= known.EnrolledAt && HasJustGone(row)).Select(row => plan.GetValueOrDefault(row.Standing.AssignmentId)?.Item).Distinct().ToList())
        {
            foreach (var other in standings.Values.OfType<AssignmentStanding>().Where(one => one.Installed is not null && plan.GetValueOrDefault(one.AssignmentId)?.Item == item).ToList())
                standings[other.AssignmentId] = (other.State == AssignmentState.Installed ? Wait(other, now) : other) with { Installed = null, CommandUuid = IsPending(other, known) ? other.CommandUuid : null };
        }

        // 3. What is assigned by something that the plan does not hold is forgotten: it was deleted, and the iPad came.
        foreach (var id in standings.Keys.Union(known.Matches ?? new HashSet<string>()).ToList())
        {
            if (!plan.TryGetValue(id, out var entry))
            {
                if (standings.ContainsKey(id)) standings[id] = null;
                continue;
            }

            var matches = known.Matches is { } found ? entry.InForce && found.Contains(id) : (bool?)null;
            if (!standings.TryGetValue(id, out var one))
            {
                if (matches == true) standings[id] = new AssignmentStanding { AssignmentId = id, State = AssignmentState.Waiting, DueAt = now, ChangedAt = now };
            }
            else if (one is not null && !IsLeaving(one.State) && (!entry.InForce || matches == false)) standings[id] = Leave(one, now);
            else if (one is not null && IsLeaving(one.State) && matches == true) standings[id] = Wait(one, now);
        }

        var all = standings.Where(one => one.Value is not null).Select(one => (Entry: plan[one.Key], Standing: one.Value!)).ToList();

        // 4, 5
        for (var i = 0; i < all.Count; i++)
        {
            var (entry, one) = all[i];
            if (IsLeaving(one.State) || IsPending(one, known)) continue;
            if (one.State == AssignmentState.Installed)
            {
                if (one.Installed != entry.Wanted || Outranked(entry, all) is not null) one = Wait(one, now);
                else if (IsMissing(entry, one, known)) one = Wait(one, now) with { Installed = null, CommandUuid = null, Reason = "It was on the iPad and is not there any more." };
            }

            // It came back before it was taken away, or arrived after it had left.
            if (one.State == AssignmentState.Waiting && one.Installed == entry.Wanted && Outranked(entry, all) is null && !IsBeingTaken(entry, all)) one = Done(one, entry.Wanted, now);
            if (one.State != AssignmentState.Installed)
            {
                if ((Outranked(entry, all) ?? known.Misfit(entry.Content)) is { } misfit)
                {
                    one = one.State == AssignmentState.NotApplicable && one.Reason == misfit && one.Revision == entry.Wanted && one.DueAt is null
                        ? one
                        : one with { State = AssignmentState.NotApplicable, Reason = misfit, Revision = entry.Wanted, DueAt = null, ChangedAt = now };
                }
                else if (one.State == AssignmentState.NotApplicable || (one.State == AssignmentState.Failed && (one.DueAt is null || one.DueAt <= now || one.Revision != entry.Wanted)))
                {
                    one = one with { State = AssignmentState.Waiting, DueAt = now, ChangedAt = now };
                }
            }

            all[i] = (entry, one);
        }

        // What another assignment has brought already is there.
        for (var i = 0; i < all.Count; i++)
        {
            var (entry, one) = all[i];
            if (one.State != AssignmentState.Waiting || IsPending(one, known) || IsBeingTaken(entry, all)) continue;
            if (all.Exists(other => other.Entry.Id != entry.Id && other.Entry.Item == entry.Item && entry.Content.Rank <= PlanRank.Profile
                && other.Standing is { State: AssignmentState.Installed or AssignmentState.Leaving } there && there.Installed == entry.Wanted && !IsPending(there, known)))
            {
                all[i] = (entry, Done(one, entry.Wanted, now));
            }
        }

        // 6
        var sends = new List<PlanSend>();
        var waiting = all.Select((one, at) => (At: at, one.Entry, one.Standing))
            .Where(one => one.Standing.State == AssignmentState.Waiting && !IsPending(one.Standing, known) && !IsResting(one.Standing, now)).ToList();
        // What is on its way holds up what comes after it.
        var first = all.Where(one => one.Standing.State is AssignmentState.Sent or AssignmentState.Waiting && !(one.Standing.Reason == NotMadeYet && IsResting(one.Standing, now))).Select(one => (PlanRank?)one.Entry.Content.Rank).Min();
        foreach (var (at, entry, standing) in waiting.OrderBy(one => one.Entry.Content.Rank).ThenBy(one => one.Standing.ChangedAt).ThenBy(one => one.Entry.Id, StringComparer.Ordinal))
        {
            if (entry.Licence is { } licence && known.Licence(licence) is not { State: LicenceState.Held })
            {
                all[at] = (entry, Held(standing, WhyNoLicence(known.Licence(licence)), now));
                continue;
            }

            var isSent = all.Exists(other => other.Entry.Id != entry.Id && other.Entry.Item == entry.Item && other.Standing.State is AssignmentState.Sent or AssignmentState.Removing);
            if (entry.Content.Rank > first || isSent || sends.Count >= MostAtOnce)
            {
                var reason = entry.Content.Rank > first ? $"It waits for {Earlier(all, first!.Value)}." : "It waits for others that are on their way.";
                all[at] = (entry, Held(standing, standing.Attempts > 0 && standing.Reason != NotSeenYet ? standing.Reason ?? reason : reason, now));
                continue;
            }

            var send = new PlanSend(entry, known.NewUuid(false, entry.Id), Remove: false);
            sends.Add(send);
            all[at] = (entry, standing with
            {
                State = AssignmentState.Sent,
                CommandUuid = send.CommandUuid,
                Revision = entry.Wanted,
                DueAt = now + LookAgain,
                ChangedAt = now,
                Reason = null,
            });
        }

        // 7
        var arriving = all.Where(one => one.Entry.Content.Rank <= PlanRank.Profile && one.Standing.State is AssignmentState.Waiting or AssignmentState.Sent or AssignmentState.Failed).ToList();
        var gone = standings.Where(one => one.Value is null).Select(one => one.Key).ToList();
        for (var i = 0; i < all.Count; i++)
        {
            var (entry, one) = all[i];
            if (!IsLeaving(one.State) || one.State == AssignmentState.Removing || IsPending(one, known)) continue;
            if (one.State == AssignmentState.RemovalFailed && one.DueAt > now) continue;
            var heirs = all.Where(other => other.Entry.Item == entry.Item && !IsLeaving(other.Standing.State) && other.Standing.State != AssignmentState.NotApplicable).ToList();
            if (entry.Keep || one.Installed is null || entry.Content.Removal is null || heirs.Exists(other => other.Standing.Installed is not null))
            {
                gone.Add(entry.Id);
                continue;
            }

            if (heirs is [var heir, ..])
            {
                all[i] = (entry, Held(one, $"It stays until \"{heir.Entry.Name}\" has brought the same.", now));
                continue;
            }

            if (IsBeingTaken(entry, all))
            {
                all[i] = (entry, Held(one, "Another assignment is taking it away.", now));
                continue;
            }

            if (entry.Content.IsNetwork && arriving is [var next, ..])
            {
                all[i] = (entry, Held(one, $"It stays until \"{next.Entry.Name}\" is on the iPad, so that the iPad keeps its network.", now));
                continue;
            }

            if (sends.Count >= MostAtOnce)
            {
                all[i] = (entry, Held(one, "It waits for others that are on their way.", now));
                continue;
            }

            var send = new PlanSend(entry, known.NewUuid(true, entry.Id), Remove: true);
            sends.Add(send);
            all[i] = (entry, one with { State = AssignmentState.Removing, CommandUuid = send.CommandUuid, DueAt = now + LookAgain, ChangedAt = now });
        }

        var before = rows.ToDictionary(row => row.Standing.AssignmentId, row => row.Standing, StringComparer.Ordinal);
        return new PlanDecision(
            [
                .. all.Select(one => one.Standing).Where(one => !gone.Contains(one.AssignmentId)).Select(one => new AssignmentChange(before.GetValueOrDefault(one.AssignmentId), one))
                    .Where(change => change.Before != change.After),
                .. gone.Where(before.ContainsKey).Select(id => new AssignmentChange(before[id], null)),
            ],
            sends);
    }

    /// <param name="licensed">It needs a licence, which was there when it was sent.</param>
    private static AssignmentStanding? Settle(AssignmentStandingRow row, bool licensed, PlanKnown known)
    {
        var (one, now) = (row.Standing, known.Now);
        if (IsPending(one, known)) return one.DueAt > now || one.State is not (AssignmentState.Sent or AssignmentState.Removing) ? one : one with { DueAt = now + LookAgain };
        // Whatever was decided in between: what an iPad has acknowledged is so.
        if (row.Ending == CommandEnding.Acknowledged && one is { CommandUuid: { } uuid })
        {
            // A removal says so once: what comes later is another command's.
            if (PlanCommands.Takes(uuid)) one = one with { Installed = null, CommandUuid = null };
            else if (one.Revision > 0) one = one with { Installed = one.Revision };
        }

        if (one.State is not (AssignmentState.Sent or AssignmentState.Removing)) return one;
        return (one.State, row.Ending) switch
        {
            (AssignmentState.Sent, CommandEnding.Acknowledged) => Done(one, one.Revision, row.EndedAt ?? now),
            (AssignmentState.Sent, CommandEnding.Error) when licensed && one.Attempts < LicencePauses.Length && IsLicenceNotSeen(row.Summary) => Rest(one, now),
            (AssignmentState.Sent, CommandEnding.Error or CommandEnding.CommandFormatError) => Fail(one, AssignmentState.Failed, row.Summary, now),
            (AssignmentState.Sent, CommandEnding.Cancelled) => Fail(one, AssignmentState.Failed, row.Summary ?? "Somebody cancelled the command.", now),
            (AssignmentState.Sent, _) => Wait(one, now),
            (_, CommandEnding.Acknowledged) => null,
            (_, CommandEnding.Error or CommandEnding.CommandFormatError) => IsNotThere(row.Summary) ? null : Fail(one, AssignmentState.RemovalFailed, row.Summary, now),
            _ => one with { State = AssignmentState.Leaving, DueAt = now, ChangedAt = now },
        };
    }

    private static AssignmentStanding Done(AssignmentStanding one, int revision, DateTimeOffset at) => one with
    {
        State = AssignmentState.Installed,
        Installed = revision,
        Revision = revision,
        Attempts = 0,
        DueAt = null,
        ChangedAt = at,
        Reason = null,
    };

    private static AssignmentStanding Fail(AssignmentStanding one, AssignmentState state, string? summary, DateTimeOffset now) => one with
    {
        State = state,
        Attempts = (short)Math.Min(one.Attempts + 1, 1000),
        DueAt = now + Pauses[Math.Min(one.Attempts, Pauses.Length - 1)],
        ChangedAt = now,
        Reason = string.IsNullOrEmpty(summary) ? "The iPad refused it, and did not say why." : summary,
    };

    /// <summary>It waits, and is not sent before its time.</summary>
    private static AssignmentStanding Rest(AssignmentStanding one, DateTimeOffset now) => one with
    {
        State = AssignmentState.Waiting,
        Attempts = (short)(one.Attempts + 1),
        DueAt = now + LicencePauses[Math.Min(one.Attempts, LicencePauses.Length - 1)],
        ChangedAt = now,
        Reason = NotSeenYet,
    };

    private static bool IsResting(AssignmentStanding one, DateTimeOffset now) => one.Reason is NotSeenYet or NotMadeYet && one.DueAt > now;

    /// <summary>It was to be sent, and could not be made: it is as if the iPad had refused it.</summary>
    public static AssignmentStanding NotMade(AssignmentStanding sent, string reason, DateTimeOffset now) => Fail(sent, AssignmentState.Failed, reason, now) with { CommandUuid = null };

    /// <summary>It was to be sent, and the server makes others: it waits a little, and nothing waits for it.</summary>
    public static AssignmentStanding Later(AssignmentStanding sent, DateTimeOffset now) => sent with
    {
        State = AssignmentState.Waiting,
        CommandUuid = null,
        DueAt = now + MadeAgainAfter,
        ChangedAt = now,
        Reason = NotMadeYet,
    };

    private static string WhyNoLicence(ContentLicence? licence) => licence?.State switch
    {
        null => ContentWords.Wanted,
        LicenceState.Asked => ContentWords.Asked,
        LicenceState.Wanted => licence.Reason ?? ContentWords.Wanted,
        _ => "The licence is just given back. Then it is asked for again.",
    };

    /// <summary>Looked at again with the next answer of the iPad, and otherwise tomorrow.</summary>
    private static AssignmentStanding Held(AssignmentStanding one, string reason, DateTimeOffset now) =>
        one.Reason == reason && one.DueAt > now ? one : one with { DueAt = now + LookAgain, Reason = reason };

    /// <summary>Its command is in the queue: whatever comes now waits until that has ended.</summary>
    private static bool IsPending(AssignmentStanding one, PlanKnown known) => one.CommandUuid is { } uuid && known.Waiting.Contains(uuid);

    /// <summary>The iPad has answered that it took it away, and this is looked at for the first time.</summary>
    private static bool HasJustGone(AssignmentStandingRow row) =>
        row is { Ending: CommandEnding.Acknowledged, Standing: { CommandUuid: { } uuid, Installed: not null } } && PlanCommands.Takes(uuid);

    /// <summary>Another assignment of the same has left, and its removal is on its way.</summary>
    private static bool IsBeingTaken(PlanEntry entry, List<(PlanEntry Entry, AssignmentStanding Standing)> all) =>
        all.Exists(other => other.Entry.Id != entry.Id && other.Entry.Item == entry.Item && other.Standing.State == AssignmentState.Removing);

    private static bool IsMissing(PlanEntry entry, AssignmentStanding one, PlanKnown known)
    {
        if (entry.Content.Identifier is not { } identifier) return false;
        return entry.Content.Rank == PlanRank.App
            ? known.Apps is { } apps && apps.At > one.ChangedAt + AppsTake && !apps.Keys.Contains(identifier)
            : known.Profiles is { } profiles && profiles.At > one.ChangedAt && !profiles.Keys.Contains(identifier);
    }

    /// <summary>Two profiles of one identifier are one; of two settings, or two ways to install one app, only one can be.</summary>
    private static string? Outranked(PlanEntry entry, List<(PlanEntry Entry, AssignmentStanding Standing)> all) =>
        entry.Content.Rank > PlanRank.Profile ? WhyOutranked(entry, all) : null;

    /// <summary>As iPads say it: error 9610 of the store, or 12064 of the management.</summary>
    private static bool IsLicenceNotSeen(string? summary) => summary is not null
        && (summary.Contains("9610", StringComparison.Ordinal) || summary.Contains("12064", StringComparison.Ordinal)
            || ((summary.Contains("license", StringComparison.OrdinalIgnoreCase) || summary.Contains("licence", StringComparison.OrdinalIgnoreCase)) && summary.Contains("not", StringComparison.OrdinalIgnoreCase)));

    private static bool IsNotThere(string? summary) => summary is not null && Array.Exists(NotThere, part => summary.Contains(part, StringComparison.OrdinalIgnoreCase));

    private static string Earlier(List<(PlanEntry Entry, AssignmentStanding Standing)> all, PlanRank rank) =>
        $"\"{all.First(one => one.Entry.Content.Rank == rank && one.Standing.State is AssignmentState.Sent or AssignmentState.Waiting).Entry.Name}\"";
}
