using FleetMdm.Grains.Assignments;
using FleetMdm.Protocol.Declarations;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.Devices;
using static FleetMdm.Grains.Devices.StandingRules;

namespace FleetMdm.Grains.Devices;

// How an iPad comes to the declarations that are assigned to it, each time that something was learnt of it:
//
//   1. anew      what was declared to an earlier enrolment is not there any more
//   2. come, go  which assignments the iPad comes under now
//   3. fit       what this iPad cannot have, and updates that it has already
//   4. compile   the set that it should have; its token stands for it
//   5. ask       one command at a time, and only while the iPad has not fetched the set, or owes the report on it
//   6. look      what the iPad says of each declaration; what it has dropped is gone

/// <summary>What is known of the iPad.</summary>
internal sealed record DeclarationKnown
{
    public required DateTimeOffset Now { get; init; }
    public required DateTimeOffset EnrolledAt { get; init; }
    /// <summary>The assignments that it comes under; null: nobody looked, it is as it was.</summary>
    public IReadOnlySet<string>? Matches { get; init; }
    /// <summary>What speaks against something on this iPad; null: nothing.</summary>
    public required Func<PlanContent, string?> Misfit { get; init; }
    public string? OsVersion { get; init; }
    public string? BuildVersion { get; init; }
    /// <summary>A command of ours is in its queue.</summary>
    public bool IsAsked { get; init; }
    /// <summary>It is in the iPad's hands: what it carries is as old as that.</summary>
    public bool IsInFlight { get; init; }
    /// <summary>Which; null: nobody says, and it is the one that is known.</summary>
    public string? QueuedUuid { get; init; }
    /// <summary>What every iPad gets that gets anything, by a name that changes with it.</summary>
    public (string Name, IReadOnlyList<Declaration> Declarations)? Always { get; init; }
    public required Func<IReadOnlyList<(string Name, IReadOnlyList<Declaration> Declarations)>, DeclarationSet> Compile { get; init; }
    public required Func<string> NewUuid { get; init; }
}

/// <param name="Changes">Of the standings of assignments.</param>
/// <param name="After">How the iPad is to stand; null: as it was read.</param>
/// <param name="Set">The set that it should have.</param>
/// <param name="CommandUuid">Of the command to send; null: none.</param>
internal sealed record DeclarationDecision(IReadOnlyList<AssignmentChange> Changes, DeclarationDevice? After, DeclarationSet Set, string? CommandUuid);

/// <summary>What has to be done so that an iPad has the declarations that are assigned to it: rules without a store, a clock or a grain.</summary>
internal static class DeclarationPart
{
    /// <summary>An iPad that was asked and has not fetched its set, or has fetched it and said nothing of it, is asked again: so often, and no more.</summary>
    public static readonly TimeSpan AskAgain = TimeSpan.FromDays(1);

    private const string NotHeardOf = "The iPad has it, and has not said yet how it is.";

    /// <param name="rows">Of assignments that declare something, as they are stored.</param>
    /// <param name="plan">All assignments, by id.</param>
    /// <param name="device">As it is stored; null: nothing is.</param>
    /// <param name="learnt">The same with what the iPad has just done or said; null: nothing.</param>
    public static DeclarationDecision Decide(
        IReadOnlyList<AssignmentStandingRow> rows, IReadOnlyDictionary<string, PlanEntry> plan, DeclarationDevice? device, DeclarationDevice? learnt, string deviceId, DeclarationKnown known)
    {
        var now = known.Now;
        // 1
        var state = learnt ?? device;
        if (state is null || state.EnrolledAt != known.EnrolledAt)
        {
            state = new DeclarationDevice { DeviceId = deviceId, Version = device?.Version ?? 0, EnrolledAt = known.EnrolledAt, Wanted = DeclarationSet.EmptyToken, WantedAt = now };
        }

        var standings = rows.ToDictionary(
            row => row.Standing.AssignmentId,
            row => row.Standing.ChangedAt >= known.EnrolledAt ? row.Standing : IsLeaving(row.Standing.State) ? null : Wait(row.Standing, now) with { Installed = null, Revision = 0, CommandUuid = null },
            StringComparer.Ordinal);

        // 2
        foreach (var id in standings.Keys.Union(known.Matches ?? new HashSet<string>()).ToList())
        {
            if (plan.GetValueOrDefault(id) is not { Content.Declarations: not null } entry)
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

        // 3
        var all = standings.Where(one => one.Value is not null).Select(one => (Entry: plan[one.Key], Standing: one.Value!)).OrderBy(one => one.Entry.Id, StringComparer.Ordinal).ToList();
        var declared = new List<PlanEntry>();
        for (var i = 0; i < all.Count; i++)
        {
            var (entry, one) = all[i];
            if (IsLeaving(one.State)) continue;
            if ((WhyOutranked(entry, all) ?? known.Misfit(entry.Content)) is { } misfit) all[i] = (entry, Set(one, entry, AssignmentState.NotApplicable, misfit, null, now));
            else if (entry.Content.Update is { } update && update.IsMet(known.OsVersion, known.BuildVersion))
                all[i] = (entry, Set(one, entry, AssignmentState.Installed, $"It has iPadOS {known.OsVersion}.", null, now));
            else declared.Add(entry);
        }

        // 4
        var parts = declared.Select(entry => ($"{entry.Id}:{entry.Wanted}", entry.Content.Declarations!)).ToList();
        if (parts.Count > 0 && known.Always is { } always) parts.Add(always);
        var set = known.Compile(parts);
        if (set.Token != state.Wanted) state = state with { Wanted = set.Token, WantedAt = now };

        // 5
        var status = DeviceStatus.Read(state.Status);
        // What it said before it fetched another list proves nothing of that list.
        if (state.Fetched != state.Wanted && set.Declarations.Count > 0 && HasAll(status, set) && !(state.ReportedAt < state.FetchedAt)) state = state with { Fetched = state.Wanted, FetchedAt = now };
        string? uuid = null;
        var isReached = state.Fetched == state.Wanted || (state.Fetched is null && set.Declarations.Count == 0);
        var owesReport = isReached && set.Declarations.Count > 0 && !(state.ReportedAt >= state.FetchedAt) && !HasAll(status, set);
        if (known.IsAsked)
        {
            // What waits in the queue carries the newest tokens when it is handed over.
            if (!isReached && !known.IsInFlight && state.Asked != state.Wanted)
                state = state with { Asked = state.Wanted, AskedAt = now, CommandUuid = known.QueuedUuid ?? state.CommandUuid };
        }
        else if ((!isReached && (state.Asked != state.Wanted || now - state.AskedAt >= AskAgain)) || (owesReport && now - state.FetchedAt >= AskAgain && !(now - state.AskedAt < AskAgain)))
        {
            uuid = known.NewUuid();
            state = state with { Asked = state.Wanted, AskedAt = now, CommandUuid = uuid };
        }

        // 6
        // Of several updates the iPad does the one whose deadline is the earliest; of one deadline, the newer one, which brings the other with it.
        var updates = declared.Where(entry => entry.Content.Update is not null)
            .OrderBy(entry => entry.Content.Update!.Deadline).ThenByDescending(entry => entry.Content.Update!.Version, Comparer<string>.Create((one, other) => IPadOsVersion.Compare(one, other) ?? 0))
            .ThenBy(entry => entry.Id, StringComparer.Ordinal).ToList();
        var ended = rows.Where(row => row.Standing.CommandUuid is { } own && own == state.CommandUuid && own != uuid).Select(row => (row.Ending, row.Summary)).FirstOrDefault();
        for (var i = 0; i < all.Count; i++)
        {
            var (entry, one) = all[i];
            if (declared.Contains(entry)) all[i] = (entry, Told(one, entry, status, state, isReached, owesReport, updates, ended.Ending, ended.Summary, now));
            else if (IsLeaving(one.State)) standings[entry.Id] = isReached ? null : one;
        }

        all = [.. all.Select(one => IsLeaving(one.Standing.State) && standings[one.Entry.Id] is not null ? (one.Entry, Removing(one.Standing, state.CommandUuid, now)) : one)];
        var before = rows.ToDictionary(row => row.Standing.AssignmentId, row => row.Standing, StringComparer.Ordinal);
        // As long as something is awaited of the iPad, one of its rows has it looked at: also when none waits for itself.
        if ((!isReached || owesReport) && all.FindIndex(one => standings[one.Entry.Id] is not null) is >= 0 and var any && !all.Exists(one => standings[one.Entry.Id] is not null && one.Standing.DueAt is not null))
        {
            var (entry, one) = all[any];
            var was = before.GetValueOrDefault(entry.Id);
            var due = was?.DueAt > now ? was.DueAt : now + AskAgain;
            all[any] = (entry, was is not null && one with { DueAt = due, ChangedAt = was.ChangedAt } == was ? was : one with { DueAt = due, ChangedAt = now });
        }

        return new DeclarationDecision(
            [
                .. all.Select(one => one.Standing).Where(one => standings[one.AssignmentId] is not null).Select(one => new AssignmentChange(before.GetValueOrDefault(one.AssignmentId), one))
                    .Where(change => change.Before != change.After),
                .. standings.Where(one => one.Value is null && before.ContainsKey(one.Key)).Select(one => new AssignmentChange(before[one.Key], null)),
            ],
            state with { Version = device?.Version ?? 0 } == device || (device is null && state is { Version: 0, Status: null } && set.Declarations.Count == 0) ? null : state with { Version = (device?.Version ?? 0) + 1 },
            set,
            uuid);
    }

    /// <summary>How an assignment stands whose declarations are in the set.</summary>
    private static AssignmentStanding Told(
        AssignmentStanding one, PlanEntry entry, DeviceStatus status, DeclarationDevice device, bool isReached, bool owesReport,
        IReadOnlyList<PlanEntry> updates, CommandEnding? ending, string? summary, DateTimeOffset now)
    {
        var own = entry.Content.Declarations!.Select(declaration => (Declaration: declaration, State: StateOf(status, declaration))).ToList();
        // What the iPad has, came by an earlier command: a change of its set leaves it as it is written.
        var commandUuid = own.Exists(part => part.State is null) ? device.CommandUuid : null;
        if (own.Select(part => part.State).FirstOrDefault(part => part is { HasFailed: true }) is { } failed)
            return Set(one, entry, AssignmentState.Failed, StatusWords.Sentence(failed) ?? "The iPad refused it, and did not say why.", commandUuid, now);
        // The thing itself comes first.
        var itself = own[0].State;
        if (entry.Content.Update is { } update)
        {
            if (updates[0] is { } first && first != entry)
            {
                var why = first.Content.Update!.Deadline != update.Deadline ? "it has an earlier deadline"
                    : IPadOsVersion.Compare(first.Content.Update.Version, update.Version) > 0 ? "it has the same deadline, and is newer" : "it has the same deadline and version";
                return Set(one, entry, AssignmentState.Sent, $"The update \"{first.Name}\" comes first: {why}.", commandUuid, now, look: !isReached || (owesReport && itself is null));
            }

            if (status.Text("softwareupdate.install-state") is "failed" or "none" && StatusWords.UpdateFailure(status) is { } failure) return Set(one, entry, AssignmentState.Failed, failure, commandUuid, now);
            var words = StatusWords.OfUpdate(status) ?? (isReached ? "The iPad has been told of the update." : null);
            if (updates.Count > 1 && words is not null) words = $"{words} It comes before the other updates of this iPad.";
            return Set(one, entry, AssignmentState.Sent, itself is null && !isReached ? null : words, commandUuid, now, look: !isReached || (owesReport && itself is null));
        }

        if (itself is { IsInForce: true }) return Set(one, entry, AssignmentState.Installed, StatusWords.Sentence(itself), commandUuid, now);
        if (itself is { Valid: "valid" })
            return Set(one, entry, AssignmentState.Sent, $"It is on the iPad, and not in force. {StatusWords.Sentence(itself)}".TrimEnd(), commandUuid, now);
        if (!isReached && ending is CommandEnding.Error or CommandEnding.CommandFormatError)
            return Set(one, entry, AssignmentState.Failed, string.IsNullOrEmpty(summary) ? "The iPad does not take declarations, and did not say why." : summary, commandUuid, now, look: true);
        return Set(one, entry, AssignmentState.Sent, isReached ? NotHeardOf : null, commandUuid, now, look: !isReached || (owesReport && itself is null));
    }

    /// <summary>What the iPad says of this very version of a declaration; null: nothing yet.</summary>
    private static DeclarationState? StateOf(DeviceStatus status, Declaration declaration) =>
        status.Find(DeviceStatus.ListOf(declaration.Kind), declaration.Identifier) is { } state && state.ServerToken == declaration.ServerToken ? state : null;

    private static bool HasAll(DeviceStatus status, DeclarationSet set)
    {
        var has = status.Declarations.Select(one => (one.Kind, one.Identifier, one.ServerToken)).ToHashSet();
        return set.Declarations.All(one => has.Contains((DeviceStatus.ListOf(one.Kind), one.Identifier, one.ServerToken))) && status.Declarations.Count == set.Declarations.Count;
    }

    /// <param name="look">It is looked at once more, should nothing be heard.</param>
    private static AssignmentStanding Set(
        AssignmentStanding one, PlanEntry entry, AssignmentState state, string? reason, string? commandUuid, DateTimeOffset now, bool look = false)
    {
        var due = !look ? (DateTimeOffset?)null : one.State == state && one.DueAt > now ? one.DueAt : now + AskAgain;
        var after = one with
        {
            State = state,
            Reason = reason,
            Revision = entry.Wanted,
            Installed = state == AssignmentState.Installed ? entry.Wanted : one.Installed,
            CommandUuid = commandUuid ?? one.CommandUuid,
            Attempts = 0,
            DueAt = due,
        };
        return after == one ? one : after with { ChangedAt = now };
    }

    private static AssignmentStanding Removing(AssignmentStanding one, string? commandUuid, DateTimeOffset now)
    {
        var after = one with { State = AssignmentState.Removing, CommandUuid = commandUuid ?? one.CommandUuid, Reason = null, DueAt = one.State == AssignmentState.Removing && one.DueAt > now ? one.DueAt : now + AskAgain };
        return after == one ? one : after with { ChangedAt = now };
    }
}
