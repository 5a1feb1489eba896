using System.Globalization;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

// A command that an iPad never answers must not hold up the others:
//
//   1. It is handed over in its place, up to SetAsideAfter times. Each time the iPad comes with anything but the answer counts.
//   2. Then it is set aside: the others go first, and it is tried again with growing pauses.
//   3. After Most times, and one more pause, it ends as an error.
//   4. An answer that comes after that takes the place of the error, and does what it would have done in time.
//
// A command that would do harm when it is carried out again, or much later, is repeated once at most, and is never tried again later.

/// <summary>What becomes of a command that was handed over and not answered: rules, and their words for people.</summary>
internal static class Unanswered
{
    /// <summary>Enough for answers that were lost on the way. Few enough that the others do not wait for long.</summary>
    public const int SetAsideAfter = 5;

    private const int MostTimes = 10;

    /// <summary>The first hand-over may have been lost on the way: one repetition.</summary>
    private const int MostTimesOnceOnly = 2;

    /// <summary>Doubles with each hand-over after the command was set aside.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    public static bool IsSetAside(QueuedRow row) => row.UnansweredCount > 0 && row.UnansweredCount >= Math.Min(SetAsideAfter, Most(row));

    /// <summary>It is not handed over again; it ends when its last pause is over.</summary>
    public static bool IsGivenUp(QueuedRow row) => row.UnansweredCount > 0 && row.UnansweredCount >= Most(row);

    /// <summary>Its pause is not over.</summary>
    public static bool IsPaused(QueuedRow row, DateTimeOffset now) =>
        IsSetAside(row) && row.UnansweredAt is { } at && at.IsWithin(Pause(row), now);

    /// <summary>When its pause is over; null for one that is not set aside.</summary>
    public static DateTimeOffset? PausedUntil(QueuedRow row) => IsSetAside(row) ? row.UnansweredAt + Pause(row) : null;

    /// <summary>For people; null as long as nothing is remarkable.</summary>
    public static string? Reason(QueuedRow row)
    {
        if (!IsSetAside(row)) return null;
        var until = Minute(PausedUntil(row)!.Value);
        return IsGivenUp(row)
            ? $"Handed over {Times(row)}, never answered. It is not handed over again. An answer still counts until {until}; then it ends as an error."
            : $"Handed over {Times(row)}, never answered. The other commands go first. It is tried again after {until}.";
    }

    /// <summary>What the history says of one that was given up.</summary>
    public static string Summary(QueuedRow row) => CommandCatalogue.IsOnceOnly(row.RequestType)
        ? $"The iPad was handed this command {Times(row)} and never answered. It was not tried again, since it may have been carried out. Look at the iPad before you send it again."
        : $"The iPad was handed this command {Times(row)} and never answered.";

    /// <summary>What the history says of an answer that came after the command had ended.</summary>
    /// <param name="said">By the iPad, where it failed.</param>
    public static string LateSummary(string? said, DateTimeOffset at)
    {
        var late = $"The answer came late, on {Minute(at)}, when the command had ended already.";
        return said is null ? late : $"{said} ({late})";
    }

    private static string Minute(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private static string Times(QueuedRow row) => row.UnansweredCount == 1 ? "once" : $"{row.UnansweredCount} times";

    private static int Most(QueuedRow row) => CommandCatalogue.IsOnceOnly(row.RequestType) ? MostTimesOnceOnly : MostTimes;

    private static TimeSpan Pause(QueuedRow row) => IsGivenUp(row)
        ? LongestPause
        : TimeSpan.FromTicks(Math.Min(FirstPause.Ticks << Math.Clamp(row.UnansweredCount - SetAsideAfter, 0, 10), LongestPause.Ticks));
}
