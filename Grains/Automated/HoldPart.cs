using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Grains.Automated;

/// <summary>What is to be done with an iPad that waits in Setup Assistant.</summary>
internal enum HoldStep
{
    /// <summary>It has something to get yet.</summary>
    Wait,
    /// <summary>It is told to go on.</summary>
    LetGo,
    /// <summary>It was told, and has the command in its queue.</summary>
    Told,
}

/// <param name="Missing">What it goes without; null: nothing.</param>
internal sealed record HoldDecision(HoldStep Step, string? Missing = null);

/// <summary>How long an iPad is held in Setup Assistant: rules without a store, a clock or a grain.</summary>
internal static class HoldPart
{
    private const int MostNames = 10;

    /// <param name="hold">As it stands.</param>
    /// <param name="told">The command that lets it go is in its queue.</param>
    /// <param name="queued">Other commands in its queue.</param>
    /// <param name="standings">What is assigned to it, with names.</param>
    /// <param name="looking">What is assigned to it is not worked out yet.</param>
    public static HoldDecision Decide(
        AutomatedHold hold, bool told, int queued, IReadOnlyList<(AssignmentState State, string Name)> standings, bool looking, DateTimeOffset now)
    {
        if (told) return new HoldDecision(HoldStep.Told);
        var over = now >= hold.UntilAt;
        var coming = standings.Where(one => one.State is AssignmentState.Waiting or AssignmentState.Sent).ToList();
        if (!over && hold.State == HoldState.Held && (looking || queued > 0 || coming.Count > 0)) return new HoldDecision(HoldStep.Wait);

        // What failed is told too: it is tried again later, and the pupil begins without it.
        var missing = standings.Where(one => one.State is AssignmentState.Waiting or AssignmentState.Sent or AssignmentState.Failed)
            .Select(one => $"{one.Name} ({(one.State == AssignmentState.Failed ? "the iPad refused it" : one.State == AssignmentState.Sent ? "not answered yet" : "not sent yet")})").ToList();
        var words = missing.Take(MostNames).Concat(missing.Count > MostNames ? [$"and {missing.Count - MostNames} more"] : []).ToList();
        if (words.Count == 0 && over && queued > 0) words.Add(queued == 1 ? "one command of its queue" : $"{queued} commands of its queue");
        return new HoldDecision(HoldStep.LetGo, words.Count > 0 ? string.Join(", ", words) : null);
    }
}
