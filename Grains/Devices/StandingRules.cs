using FleetMdm.Storage.Assignments;

namespace FleetMdm.Grains.Devices;

/// <summary>How an assignment stands on an iPad changes in the same ways, whether commands bring it or a declaration.</summary>
internal static class StandingRules
{
    public static AssignmentStanding Wait(AssignmentStanding one, DateTimeOffset now) =>
        one with { State = AssignmentState.Waiting, Attempts = 0, DueAt = now, ChangedAt = now, Reason = null };

    /// <summary>What was never sent leaves at once.</summary>
    public static AssignmentStanding? Leave(AssignmentStanding one, DateTimeOffset now) =>
        one.Installed is null && one.CommandUuid is null ? null : one with { State = AssignmentState.Leaving, Attempts = 0, DueAt = now, ChangedAt = now, Reason = null };

    public static bool IsLeaving(AssignmentState state) => state >= AssignmentState.Leaving;

    /// <summary>Of several assignments of one item, one counts. Null: this one.</summary>
    public static string? WhyOutranked(PlanEntry entry, List<(PlanEntry Entry, AssignmentStanding Standing)> all) =>
        all.Where(other => other.Entry.Item == entry.Item && !IsLeaving(other.Standing.State)).Select(other => other.Entry).MaxBy(other => (other.Precedence, other.Id)) is { } first && first.Id != entry.Id
            ? $"The assignment \"{first.Name}\" says otherwise, and comes first."
            : null;
}
