using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using FleetMdm.Storage.Profiles;

namespace FleetMdm.Storage.Operations;

/// <summary>How an operation begins on its iPads, where it does not begin on all at once. Kept as JSON, and told between nodes as JSON: a new part has a default
/// that means what it meant without it.</summary>
public sealed record OperationPace
{
    private static readonly JsonSerializerOptions Options = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    /// <summary>How many have begun when each wave ends; what they leave is one more wave. Empty: one wave.</summary>
    public IReadOnlyList<string> Waves { get; init; } = [];
    /// <summary>Stops by itself when more than so many of a hundred that answered in a wave failed. Null: never.</summary>
    public int? StopPercent { get; init; }
    /// <summary>So many must have answered before it is judged, or all of a smaller wave.</summary>
    public int Sample { get; init; } = 5;
    /// <summary>The next wave begins when so many of a hundred of this one have ended …</summary>
    public int DonePercent { get; init; } = 90;
    /// <summary>… or so many hours after the last of it began.</summary>
    public int WaveHours { get; init; } = 24;
    /// <summary>Nothing begins before.</summary>
    public DateTimeOffset? StartAt { get; init; }
    /// <summary>When iPads may begin, by the clock of their school. Null: at any time.</summary>
    public OperationWindow? Window { get; init; }
    /// <summary>No more iPads of one school at once than its network takes.</summary>
    public bool SchoolLimits { get; init; }
    /// <summary>How long an iPad that does not end takes a place of its school, in minutes.</summary>
    public int SlotMinutes { get; init; } = 20;
    /// <summary>It takes its place for the whole time: it acknowledges the command before it downloads.</summary>
    public bool HoldsSlot { get; init; }
    /// <summary>Wakes its iPads.</summary>
    public bool Push { get; init; } = true;
    public ProfileOrder? Profile { get; init; }

    public string Write() => JsonSerializer.Serialize(this, Options);

    public static OperationPace? Read(string? json) => json is null ? null : JsonSerializer.Deserialize<OperationPace>(json, Options);

    /// <summary>The last position of each wave, rising; the last one is <paramref name="total"/>.</summary>
    public IReadOnlyList<long> Ends(long total)
    {
        var ends = new List<long>();
        foreach (var wave in Waves)
        {
            var end = Math.Min(total, wave.EndsWith('%') ? (total * Number(wave[..^1]) + 99) / 100 : Number(wave));
            if (end > (ends.Count == 0 ? 0 : ends[^1])) ends.Add(end);
        }

        if (ends.Count == 0 || ends[^1] < total) ends.Add(total);
        return ends;
    }

    private static long Number(string digits) => long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
}

/// <summary>When iPads of a school may begin, by its clock.</summary>
public sealed record OperationWindow
{
    public OperationWindowKind Kind { get; init; }
    /// <summary>Minutes after midnight. Only of <see cref="OperationWindowKind.Daily"/>.</summary>
    public int From { get; init; }
    /// <summary>Minutes after midnight; less than <see cref="From"/>: on the next day.</summary>
    public int To { get; init; }
    /// <summary>On which days it begins.</summary>
    public IReadOnlyList<DayOfWeek> Days { get; init; } = [];
}

/// <summary>Kept as a number: never renumber.</summary>
public enum OperationWindowKind
{
    /// <summary>From the end of the school's hours to midnight, on days that have hours.</summary>
    AfterSchoolHours = 0,
    /// <summary>Whenever the school's hours are not.</summary>
    OutsideLessons = 1,
    /// <summary>From a time to a time.</summary>
    Daily = 2,
}

/// <summary>Stored as a number: never renumber.</summary>
public enum OperationPhase : short
{
    Running = 1,
    /// <summary>Nothing begins until somebody lets it go on.</summary>
    Paused = 2,
    /// <summary>Nothing more begins.</summary>
    Over = 3,
}

/// <summary>Where an operation with a pace stands.</summary>
/// <param name="Wave">The present one, from 1.</param>
/// <param name="Excused">Up to this wave somebody has accepted the failures.</param>
public sealed record PacedOperation(
    string Id, OperationPace Pace, OperationPhase Phase, int Wave, int Excused, long Total, long Begun, long Skipped, DateTimeOffset? NextAt, string? StopReason,
    DateTimeOffset? CancelledAt, DateTimeOffset? ExpiresAt)
{
    public long NotBegun => Total - Begun - Skipped;
}

/// <param name="First">The position of its first iPad, from 1.</param>
public sealed record OperationWaveRow(int Wave, long First, long Last, DateTimeOffset? BeganAt, DateTimeOffset? EndedAt);

/// <summary>What became of a wave so far.</summary>
/// <param name="Begun">How many have begun.</param>
/// <param name="LastBegunAt">When the last of them did; null: none has.</param>
/// <param name="Ended">Ended in any way.</param>
public sealed record WaveCounts(long Waiting, long Begun, DateTimeOffset? LastBegunAt, long Acknowledged, long Failed, long Ended);

/// <summary>iPads of a school that have not begun, up to the end of the present wave.</summary>
/// <param name="School">Its name; empty: they have none.</param>
/// <param name="TimeZone">Null: the school has none, or is none.</param>
public sealed record WaitingSchool(string School, long IPads, string? TimeZone, IReadOnlyList<Schools.SchoolHours> Hours, int? AtOnce);

/// <param name="Wave">The present one: what another has moved on does not begin.</param>
/// <param name="Last">Up to this position.</param>
/// <param name="Schools">Whose iPads may begin now; null: all.</param>
/// <param name="SlotsSince">Places that were taken before are free again.</param>
public sealed record PacedBegin(int Wave, long Last, IReadOnlyList<string>? Schools, DateTimeOffset At, DateTimeOffset SlotsSince);
