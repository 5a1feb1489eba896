using FleetMdm.Grains.Interfaces;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

// What becomes of a queued command, as pure functions of its row, what came, and the time:
//
//   Judge        it is its turn: hand it over, or end it without
//   PutOff       the iPad answered NotNow
//   PassedOver   it was handed over, and the iPad came with something else (see Unanswered.cs for what follows from how often)
//   EndingOf     the iPad answered
//   OwedAfter    when an iPad that has nothing left to fetch now is to be woken for what waits
//
// DeviceQueue keeps the order and what this activation knows; the grain commits.

/// <summary>A command that is ended without being handed over.</summary>
/// <param name="Summary">For the history; null: the ending says all.</param>
internal sealed record EndedUnsent(CommandEnding Ending, string? Summary);

/// <summary>The rules of the queue: without a store, a clock or a grain.</summary>
internal static class QueuePart
{
    /// <summary>An iPad that is locked for the day is not woken more often than that.</summary>
    private static readonly TimeSpan LongestNotNowRetry = TimeSpan.FromHours(1);

    /// <summary>An iPad is not woken sooner, whatever a clock says.</summary>
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    /// <summary>Doublings after which the pause is at its longest in any case.</summary>
    private const int MostDoublings = 10;

    /// <summary>Null: hand it over.</summary>
    public static EndedUnsent? Judge(QueuedRow row, DateTimeOffset now)
    {
        if (row.OperationCancelled) return new EndedUnsent(CommandEnding.Cancelled, "the operation was cancelled");
        if (row.ExpiresAt <= now) return new EndedUnsent(CommandEnding.Expired, null);
        return Unanswered.IsGivenUp(row) ? new EndedUnsent(CommandEnding.Error, Unanswered.Summary(row)) : null;
    }

    public static QueuedRow PutOff(QueuedRow row, DateTimeOffset now) =>
        row with { NotNowCount = row.NotNowCount + 1, NotNowAt = now, UnansweredCount = 0, UnansweredAt = null };

    public static QueuedRow PassedOver(QueuedRow row, DateTimeOffset now) =>
        row with { UnansweredCount = row.UnansweredCount + 1, UnansweredAt = now };

    public static CommandEnding EndingOf(ReportStatus status) => status switch
    {
        ReportStatus.Acknowledged => CommandEnding.Acknowledged,
        ReportStatus.Error => CommandEnding.Error,
        _ => CommandEnding.CommandFormatError,
    };

    /// <summary>Until the first of what waits may be offered again: the pause doubles with each NotNow.</summary>
    /// <param name="waiting">At least one.</param>
    /// <param name="firstPause">After the first NotNow.</param>
    public static TimeSpan OwedAfter(IReadOnlyCollection<QueuedRow> waiting, TimeSpan firstPause, DateTimeOffset now)
    {
        var notNows = waiting.Where(row => !Unanswered.IsSetAside(row)).Max(row => (int?)row.NotNowCount);
        var wait = notNows is { } times ? Doubled(firstPause, times - 1) : LongestNotNowRetry;
        var aside = waiting.Min(Unanswered.PausedUntil) - now;
        if (aside < wait) wait = aside.Value;
        return wait > ShortestWait ? wait : ShortestWait;
    }

    private static TimeSpan Doubled(TimeSpan first, int times) =>
        TimeSpan.FromTicks(Math.Min(first.Ticks << Math.Clamp(times, 0, MostDoublings), LongestNotNowRetry.Ticks));
}
