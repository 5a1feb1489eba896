using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Api.Operations;

/// <summary>How an operation begins, where it does not begin on all its iPads at once.</summary>
public sealed record OperationPaceRequest
{
    /// <summary>How many have begun when each wave ends: numbers of iPads, or shares as in "10%", at most 20 of them. What they leave is one more wave. Absent: one wave.
    /// Usual: <c>[10, "10%", "100%"]</c>.</summary>
    public IReadOnlyList<JsonElement>? Waves { get; init; }
    /// <summary>1 to 100: it stops by itself when more than so many of a hundred that answered in a wave failed. Absent: never.</summary>
    public int? StopWhenFailed { get; init; }
    /// <summary>1 to 1000: so many must have answered before a wave is judged, or all of a smaller wave. 5 when absent.</summary>
    public int? Sample { get; init; }
    /// <summary>1 to 100: the next wave begins when so many of a hundred of this one have ended. 90 when absent.</summary>
    public int? NextWhenDone { get; init; }
    /// <summary>1 to 720: or so many hours after the last of it began. 24 when absent.</summary>
    public int? WaveHours { get; init; }
    /// <summary>Nothing begins before. With its offset, as in <c>2026-09-01T16:00:00+02:00</c>.</summary>
    public DateTimeOffset? StartAt { get; init; }
    /// <summary>When iPads may begin, by the clock of their school.</summary>
    public OperationWindowRequest? Window { get; init; }
    /// <summary>false: more iPads of a school at once than its <c>atOnce</c>. true when absent.</summary>
    public bool? SchoolLimits { get; init; }
    /// <summary>1 to 1440: how many minutes an iPad that does not end takes a place of its school. 20 when absent.</summary>
    public int? SlotMinutes { get; init; }
}

/// <summary>When iPads may begin: either <c>when</c>, or <c>from</c> and <c>to</c>.</summary>
public sealed record OperationWindowRequest
{
    /// <summary>afterSchoolHours: from the end of the school's hours to midnight, on days that have hours. outsideLessons: whenever its hours are not.</summary>
    [OneOf("afterSchoolHours", "outsideLessons")]
    public string? When { get; init; }
    /// <summary>As in 17:00.</summary>
    public string? From { get; init; }
    /// <summary>As in 22:00. Earlier than <c>from</c>: on the next day.</summary>
    public string? To { get; init; }
    /// <summary>Monday to Sunday: on which days it begins. Absent: on each.</summary>
    public IReadOnlyList<string>? Days { get; init; }
}

/// <summary>How an operation begins, and how far it is.</summary>
public sealed record OperationPaceView
{
    /// <summary>Running; Paused: nothing begins until somebody lets it go on; Over: nothing more begins.</summary>
    [OneOf("Running", "Paused", "Over")]
    public required string State { get; init; }
    /// <summary>Why it stopped by itself.</summary>
    public string? StopReason { get; init; }
    /// <summary>iPads that wait for their turn. They have no command yet.</summary>
    public required long NotBegun { get; init; }
    /// <summary>iPads that had left when their turn came.</summary>
    public required long Skipped { get; init; }
    /// <summary>The present wave, from 1.</summary>
    public required int Wave { get; init; }
    public required IReadOnlyList<OperationWaveView> Waves { get; init; }
    /// <summary>What those that have not begun wait for, of the present wave: schools with most iPads first, at most 50.</summary>
    public required IReadOnlyList<OperationWaitView> Waits { get; init; }
    /// <summary>How it begins, as a sentence.</summary>
    public required string Words { get; init; }
    /// <summary>When it is looked at again.</summary>
    public DateTimeOffset? NextAt { get; init; }
    public int? StopWhenFailed { get; init; }
    public required int Sample { get; init; }
    public required int NextWhenDone { get; init; }
    public required int WaveHours { get; init; }
    public DateTimeOffset? StartAt { get; init; }
    public OperationWindowRequest? Window { get; init; }
    public required bool SchoolLimits { get; init; }
    public required int SlotMinutes { get; init; }

    internal static OperationPaceView? Of(OperationPacing? pacing) => pacing is null || OperationPace.Read(pacing.Pace) is not { } pace ? null : new()
    {
        State = pacing.Phase,
        StopReason = pacing.StopReason,
        NotBegun = pacing.NotBegun,
        Skipped = pacing.Skipped,
        Wave = pacing.Wave,
        Waves = [.. pacing.Waves.Select(wave => new OperationWaveView(wave.Number, wave.Size, wave.BeganAt, wave.EndedAt))],
        Waits = [.. pacing.Waits.Select(wait => new OperationWaitView(wait.Code, wait.School, wait.IPads, wait.Until, OperationPaces.Words(wait, pace)))],
        Words = OperationPaces.Words(pace),
        NextAt = pacing.NextAt,
        StopWhenFailed = pace.StopPercent,
        Sample = pace.Sample,
        NextWhenDone = pace.DonePercent,
        WaveHours = pace.WaveHours,
        StartAt = pace.StartAt,
        Window = OperationPaces.Asked(pace.Window),
        SchoolLimits = pace.SchoolLimits,
        SlotMinutes = pace.SlotMinutes,
    };
}

/// <param name="Size">How many iPads.</param>
public sealed record OperationWaveView(int Number, long Size, DateTimeOffset? BeganAt, DateTimeOffset? EndedAt);

/// <param name="Code">start, window, places, wave, turn or never.</param>
/// <param name="School">Absent: all iPads, or those without a school.</param>
/// <param name="Until">When it is over. Absent: that is not known.</param>
/// <param name="Words">A sentence.</param>
public sealed record OperationWaitView(string Code, string? School, long IPads, DateTimeOffset? Until, string Words);

/// <summary>Reads how an operation begins, and says it in words.</summary>
internal static class OperationPaces
{
    private const int MostWaves = 20;

    /// <summary>More than any district has.</summary>
    private const int MostIPads = 10_000_000;

    /// <summary>Longer is surely a mistake in the year.</summary>
    private static readonly TimeSpan Farthest = TimeSpan.FromDays(366);

    /// <summary>One that was typed a moment ago has just passed.</summary>
    private static readonly TimeSpan JustPassed = TimeSpan.FromHours(1);

    private const string After = "afterSchoolHours";
    private const string Outside = "outsideLessons";

    /// <summary>These are acknowledged before the iPad downloads what they are about.</summary>
    private static readonly HashSet<string> Downloads = new(StringComparer.Ordinal)
    {
        "InstallApplication", "InstallEnterpriseApplication", "InstallMedia", "ScheduleOSUpdate", "DeclarativeManagement",
    };

    /// <returns>Null: it begins on all at once.</returns>
    public static OperationPace? Read(OperationPaceRequest? request, string requestType, TimeProvider time)
    {
        if (request is null) return null;
        var start = request.StartAt;
        if (start is { } at && (at < time.GetUtcNow() - JustPassed || at > time.GetUtcNow() + Farthest))
            throw ApiProblem.Field("pace.startAt", "It must lie in the future, and not more than a year away.");
        var waves = Waves("pace.waves", request.Waves ?? []);
        return new OperationPace
        {
            Waves = waves,
            StopPercent = request.StopWhenFailed is { } percent ? Text.Number("pace.stopWhenFailed", percent, 1, 100) : null,
            Sample = Text.Number("pace.sample", request.Sample ?? 5, 1, 1000),
            DonePercent = Text.Number("pace.nextWhenDone", request.NextWhenDone ?? 90, 1, 100),
            WaveHours = Text.Number("pace.waveHours", request.WaveHours ?? 24, 1, 720),
            StartAt = start?.ToUniversalTime(),
            Window = Window(request.Window),
            SchoolLimits = request.SchoolLimits ?? true,
            SlotMinutes = Text.Number("pace.slotMinutes", request.SlotMinutes ?? 20, 1, 1440),
            HoldsSlot = Downloads.Contains(requestType),
        };
    }

    /// <summary>As a start of what failed goes by: within the same windows and limits, in one wave, now.</summary>
    public static OperationPace? OfRetry(string? pace) => OperationPace.Read(pace) is { } before && (before.Window is not null || before.SchoolLimits)
        ? before with { Waves = [], StopPercent = null, StartAt = null }
        : null;

    public static IReadOnlyList<string> Waves(string field, IReadOnlyList<JsonElement> asked)
    {
        if (asked.Count > MostWaves) throw ApiProblem.Field(field, $"It may have at most {MostWaves} waves, but has {asked.Count}.");
        return [.. asked.Select((wave, i) => Wave($"{field}[{i}]", wave))];
    }

    private static string Wave(string field, JsonElement wave)
    {
        var text = wave.ValueKind switch
        {
            JsonValueKind.Number => wave.GetRawText(),
            JsonValueKind.String => wave.GetString()!,
            _ => "",
        };
        var share = text.EndsWith('%');
        return int.TryParse(share ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= (share ? 100 : MostIPads)
            ? number.ToString(CultureInfo.InvariantCulture) + (share ? "%" : "")
            : throw ApiProblem.Field(field, "It must be a number of iPads, as in 10, or a share of them, as in \"10%\".");
    }

    private static OperationWindow? Window(OperationWindowRequest? window)
    {
        if (window is null) return null;
        if (window.When is { } when)
        {
            if (window.From is not null || window.To is not null || window.Days is not null)
                throw ApiProblem.Field("pace.window", "It must have either when, or from and to.");
            return new OperationWindow
            {
                Kind = when switch
                {
                    After => OperationWindowKind.AfterSchoolHours,
                    Outside => OperationWindowKind.OutsideLessons,
                    _ => throw ApiProblem.Field("pace.window.when", $"It must be {After} or {Outside}."),
                },
            };
        }

        var (from, to) = (Clock("pace.window.from", window.From), Clock("pace.window.to", window.To));
        if (from == to) throw ApiProblem.Field("pace.window.to", "It must differ from the beginning.");
        var days = (window.Days ?? Enum.GetNames<DayOfWeek>()).Select((day, i) =>
            Text.Name<DayOfWeek>($"pace.window.days[{i}]", day) ?? throw ApiProblem.Field($"pace.window.days[{i}]", "It is required.")).Distinct().ToList();
        if (days.Count == 0) throw ApiProblem.Field("pace.window.days", "It must name at least one day.");
        return new OperationWindow { Kind = OperationWindowKind.Daily, From = from, To = to, Days = days };
    }

    /// <summary>Minutes after midnight.</summary>
    public static int Clock(string field, string? text) => text switch
    {
        null => throw ApiProblem.Field(field, "It is required, as in 17:00."),
        "24:00" => 24 * 60,
        _ => TimeOnly.TryParseExact(text, ["HH:mm", "H:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? (time.Hour * 60) + time.Minute
            : throw ApiProblem.Field(field, "It must be a time as in 17:00."),
    };

    public static OperationWindowRequest? Asked(OperationWindow? window) => window switch
    {
        null => null,
        { Kind: OperationWindowKind.AfterSchoolHours } => new OperationWindowRequest { When = After },
        { Kind: OperationWindowKind.OutsideLessons } => new OperationWindowRequest { When = Outside },
        _ => new OperationWindowRequest { From = Clock(window.From), To = Clock(window.To), Days = [.. window.Days.Select(day => day.ToString())] },
    };

    private static string Clock(int minutes) => string.Create(CultureInfo.InvariantCulture, $"{minutes / 60:00}:{minutes % 60:00}");

    /// <summary>As it was asked for, in words; null: on all at once.</summary>
    public static string? Words(string? pace) => OperationPace.Read(pace) is { } read ? Words(read) : null;

    /// <summary>How an operation begins, in words.</summary>
    public static string Words(OperationPace pace)
    {
        List<string> parts = [];
        if (pace.StartAt is { } start) parts.Add(start.UtcDateTime.ToString("'not before' yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        if (pace.Waves.Count > 0)
            parts.Add($"in waves: the first {string.Join(", then up to ", pace.Waves.Where(wave => wave != "100%"))}, then all".Replace("the first , then all", "all", StringComparison.Ordinal));
        if (pace.StopPercent is { } percent) parts.Add($"stops when more than {percent} % of a wave fail");
        if (pace.Window is { } window) parts.Add(Words(window));
        if (pace.SchoolLimits) parts.Add("no more iPads of a school at once than its network takes");
        return parts.Count == 0 ? "now, on all at once" : string.Join("; ", parts);
    }

    private static string Words(OperationWindow window) => window.Kind switch
    {
        OperationWindowKind.AfterSchoolHours => "after school hours",
        OperationWindowKind.OutsideLessons => "outside school hours",
        _ => $"{Clock(window.From)} to {Clock(window.To)}{(window.Days.Distinct().Count() == 7 ? "" : " on " + string.Join(", ", window.Days))}",
    };

    /// <summary>What iPads wait for, as a sentence.</summary>
    public static string Words(OperationWait wait, OperationPace pace)
    {
        var who = (wait.School ?? (wait.Code is OperationWait.Start or OperationWait.Wave ? null : "No school")) is { } school ? school + ": " : "";
        var one = wait.IPads == 1;
        var waits = $"{Console.Words.Count(wait.IPads, "iPad", "iPads")} {(one ? "waits" : "wait")}";
        return who + wait.Code switch
        {
            OperationWait.Start => $"{waits} for {wait.Clock}, when the operation begins",
            OperationWait.Window => $"{waits} for {wait.Clock} ({(pace.Window is null ? "" : Words(pace.Window))})",
            OperationWait.Places => $"{waits} until others of the school have ended",
            OperationWait.Wave => $"{waits} until the present wave has ended",
            OperationWait.Never => $"{waits} for ever: the hours of the school leave no time. Change its hours, or cancel the rest",
            _ => $"{waits} for the next moment",
        };
    }
}
