using FleetMdm.Storage.Automated;

namespace FleetMdm.Grains.Automated;

// How the list of a server is kept:
//
//   1. without a cursor, once a day, and when somebody asks for it: the whole list, page by page (/server/devices). What it does not name has left
//   2. else what is new since the cursor (/devices/sync)
//   3. a page counts when its iPads are stored, and its cursor with them: whoever goes on begins there
//   4. the same cursor again: Apple has nothing more for now, whatever it says
//   5. EXHAUSTED: the whole list is there. EXPIRED, INVALID: the whole list anew
//   6. of several records of one iPad, the newest operation counts

/// <summary>What is asked next.</summary>
/// <param name="Fetch">The whole list.</param>
/// <param name="Cursor">Null: from its beginning.</param>
/// <param name="Generation">Of the list.</param>
internal sealed record SyncStep(bool Fetch, string? Cursor, long Generation);

/// <summary>The rules of the list: no store, no clock, no Apple.</summary>
internal static class SyncPart
{
    private static readonly TimeSpan FetchEvery = TimeSpan.FromDays(1);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>Only a person can mend it: asked now and then, so that it goes on by itself.</summary>
    private static readonly TimeSpan PauseForPeople = TimeSpan.FromHours(1);

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    /// <summary>Apple's advice for an iPad that is throttled and of which it does not say for how long: whoever comes earlier makes it last.</summary>
    private static readonly TimeSpan Throttled = TimeSpan.FromHours(24);

    private static readonly TimeSpan[] AssignPauses = [TimeSpan.FromHours(1), TimeSpan.FromHours(4), TimeSpan.FromHours(24)];

    /// <summary>1, 2.</summary>
    /// <param name="cursor">The newest that is known.</param>
    /// <param name="all">Somebody asks for the whole list.</param>
    public static SyncStep Next(AutomatedServer server, string? cursor, bool all, DateTimeOffset now)
    {
        if (server.Fetching && server.Cursor is not null) return new SyncStep(true, server.Cursor, server.Generation);
        return cursor is null || all || server.FetchedAt is not { } fetched || now - fetched >= FetchEvery || fetched > now + FetchEvery
            ? new SyncStep(true, null, server.Generation + 1)
            : new SyncStep(false, cursor, server.Generation);
    }

    /// <summary>4.</summary>
    public static bool Stands(SyncStep step, ApplePage page) => page.More && (page.Cursor is null || page.Cursor == step.Cursor);

    /// <summary>6: the newest of each serial number. Of the same moment, one that says that the iPad is there; then the later one.</summary>
    public static IReadOnlyList<AppleDevice> Merge(IEnumerable<AppleDevice> devices)
    {
        var newest = new Dictionary<string, AppleDevice>(StringComparer.Ordinal);
        foreach (var device in devices)
        {
            if (!newest.TryGetValue(device.SerialNumber, out var before) || IsNewer(device, before)) newest[device.SerialNumber] = device;
        }

        return [.. newest.Values];
    }

    public static TimeSpan Pause(AutomatedProblem problem, int failures, TimeSpan? retryAfter, double jitter)
    {
        var pause = problem is AutomatedProblem.Unreachable or AutomatedProblem.Unexpected
            ? TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Clamp(failures - 1, 0, 10)))
            : PauseForPeople;
        if (retryAfter > pause) pause = retryAfter.Value < LongestRetryAfter ? retryAfter.Value : LongestRetryAfter;
        // Never earlier than Apple asked for.
        return pause + (pause * (0.25 * jitter));
    }

    /// <summary>How an iPad stands after Apple's word.</summary>
    /// <param name="word">Null: Apple did not speak of it.</param>
    public static AutomatedAnswer Answer(AutomatedOrder order, string? word, TimeSpan? retryAfter, DateTimeOffset now, double jitter) => word switch
    {
        "SUCCESS" => new AutomatedAnswer(order.SerialNumber, AutomatedState.Assigned, 0, null, null),
        "NOT_ACCESSIBLE" => new AutomatedAnswer(order.SerialNumber, AutomatedState.NotAccessible, order.Attempts + 1, null, "Apple says that it is not on this server. It is looked at again when Apple lists it."),
        "THROTTLED" => new AutomatedAnswer(order.SerialNumber, AutomatedState.Throttled, Grown(order), now + (retryAfter ?? Throttled) + (TimeSpan.FromMinutes(30) * jitter),
            "Apple wants this iPad left alone for a while, since it got profiles too often."),
        _ => new AutomatedAnswer(order.SerialNumber, AutomatedState.Failed, Grown(order), now + (AssignPauses[Math.Min(order.Attempts, AssignPauses.Length - 1)] * (1 + (0.25 * jitter))),
            word is null or "FAILED" ? "Apple could not assign the profile. If it stays so, ask Apple's support." : $"Apple answered {(word.Length <= 60 ? word : word[..60])}."),
    };

    private static int Grown(AutomatedOrder order) => Math.Min(order.Attempts + 1, 1_000);

    private static bool IsNewer(AppleDevice one, AppleDevice before) => (one.OperationAt ?? DateTimeOffset.MinValue).CompareTo(before.OperationAt ?? DateTimeOffset.MinValue) switch
    {
        > 0 => true,
        < 0 => false,
        _ => one.Operation != AutomatedOperation.Deleted || before.Operation == AutomatedOperation.Deleted,
    };
}
