using FleetMdm.Storage.AppsAndBooks;

namespace FleetMdm.Grains.AppsAndBooks;

// How a licence comes to an iPad, and goes back:
//
//   1. wanted     an assignment wants it (ContentSyncStore.Review: one statement for all iPads of the location)
//   2. reserved   no more are asked for than Apple has left, less those that were asked for and are not counted yet
//   3. asked      written before Apple is asked; then the id of the request. Who dies in between reads at Apple what became of it
//   4. looked     what Apple says of the request: for each iPad, since others may have got theirs
//   5. held       the app is installed. Or, when nothing wants it any more, the same way back

/// <summary>The rules of licences: no store, no clock, no Apple.</summary>
internal static class LicencePart
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>Only a person can mend it: asked now and then, so that it goes on by itself.</summary>
    private static readonly TimeSpan PauseForPeople = TimeSpan.FromHours(1);

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    /// <summary>Apple wants nobody to ask more often once a request takes its time.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(30);

    /// <summary>Then it is asked for again.</summary>
    internal static readonly TimeSpan LooksFor = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan[] Pauses = [TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(8), TimeSpan.FromHours(24)];

    /// <summary>Days before the end of a token at which it is told.</summary>
    private static readonly int[] WarnedAt = [1, 7, 14, 30];

    private const int NoneLeft = 9709;
    private const int GivenAlready = 9616, NotGiven = 9619;

    public static TimeSpan Pause(ContentProblem problem, int failures, TimeSpan? retryAfter, double jitter)
    {
        var pause = problem is ContentProblem.Unreachable or ContentProblem.Unexpected or ContentProblem.Throttled
            ? TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Clamp(failures - 1, 0, 10)))
            : PauseForPeople;
        if (retryAfter > pause) pause = retryAfter.Value < LongestRetryAfter ? retryAfter.Value : LongestRetryAfter;
        // Never earlier than Apple asked for.
        return pause + (pause * (0.25 * jitter));
    }

    /// <summary>When Apple is asked again what became of a request.</summary>
    public static DateTimeOffset LookAgainAt(DateTimeOffset asked, DateTimeOffset now)
    {
        // Small requests are done in a second.
        var next = (now - asked) switch
        {
            var took when took < TimeSpan.FromSeconds(2) => TimeSpan.FromSeconds(2),
            var took when took < TimeSpan.FromSeconds(15) => TimeSpan.FromSeconds(10),
            _ => LookEvery,
        };
        return now + next;
    }

    /// <summary>4.</summary>
    /// <param name="licences">Of the request.</param>
    /// <returns>Null: Apple works on it yet. Of those that are not in it, only Apple's list tells.</returns>
    public static IReadOnlyList<LicenceAnswer>? Answer(ContentStatus status, IReadOnlyList<ContentLicence> licences, DateTimeOffset asked, DateTimeOffset now, double jitter)
    {
        if (status.Pending) return now - asked < LooksFor ? null : [.. licences.Select(one => Again(one, null, now))];
        // It failed, and Apple does not say for whom.
        if (status.Failed && status.Failures.All(failure => failure.Serials.Count == 0 && failure.AdamIds.Count == 0)) return [];
        return [.. licences.Select(one => status.Failures.FirstOrDefault(failure => IsOf(failure, one)) is { } failure ? Failed(one, failure, now, jitter) : Done(one))];
    }

    private const int QuickAttempts = 3;
    private const string NotSaid = "Apple did not do it, and does not say why.";

    /// <summary>What became of those of which nobody heard an answer, by Apple's list.</summary>
    public static LicenceAnswer BySight(ContentLicence one, bool isThere, DateTimeOffset now) =>
        (one.State, isThere) switch
        {
            (LicenceState.Asked, true) or (LicenceState.Returning, false) => Done(one),
            _ when one.Attempts > QuickAttempts => Again(one, NotSaid, Later(one with { Attempts = one.Attempts - QuickAttempts }, now, 0)),
            _ => Again(one, null, now),
        };

    /// <summary>Apple did not begin with it.</summary>
    public static LicenceAnswer Refused(ContentLicence one, string why, DateTimeOffset now, double jitter) => Again(one, why, Later(one, now, jitter));

    public static string NoneLeftWords(long missing) => missing == 1 ? $"{ContentWords.NoneLeft}: 1 is missing." : $"{ContentWords.NoneLeft}: {missing} are missing.";

    /// <summary>The number of days to tell of now; null: it was told, or is far away.</summary>
    public static int? Warning(DateTimeOffset ends, int? told, DateTimeOffset now)
    {
        var left = Math.Max(0, (int)Math.Ceiling((ends - now).TotalDays));
        var step = Array.Find(WarnedAt, days => left <= days);
        return step == 0 || (told is { } before && before <= step) ? null : step;
    }

    private static bool IsOf(ContentFailure failure, ContentLicence one) =>
        (failure.AdamIds.Count == 0 || failure.AdamIds.Contains(one.AdamId)) && (failure.Serials.Count == 0 || failure.Serials.Contains(one.SerialNumber));

    private static LicenceAnswer Done(ContentLicence one) =>
        new(one.AdamId, one.Pricing, one.SerialNumber, LicenceState.Held, Gone: one.State == LicenceState.Returning, null, null);

    public static bool IsNoneLeft(int? number) => number == NoneLeft;

    /// <summary>Apple says that it is as it was asked to be: after a request that was made twice.</summary>
    public static bool IsSo(int? number) => number is GivenAlready or NotGiven;

    private static LicenceAnswer Failed(ContentLicence one, ContentFailure failure, DateTimeOffset now, double jitter) => (failure.Number, one.State) is (GivenAlready, LicenceState.Asked) or (NotGiven, LicenceState.Returning)
        ? Done(one)
        : failure.Number == NoneLeft
        ? Again(one, $"{ContentWords.NoneLeft}.", one.Attempts > 2 ? Later(one, now, jitter) : now)
        : Again(one, $"Apple refuses the licence ({failure.Number}{(failure.Message.Length > 0 ? $": {failure.Message}" : "")}).", Later(one, now, jitter));

    private static LicenceAnswer Again(ContentLicence one, string? reason, DateTimeOffset next) =>
        new(one.AdamId, one.Pricing, one.SerialNumber, one.State == LicenceState.Returning ? LicenceState.Leaving : LicenceState.Wanted, Gone: false, next, reason);

    private static DateTimeOffset Later(ContentLicence one, DateTimeOffset now, double jitter) => now + (Pauses[Math.Clamp(one.Attempts - 1, 0, Pauses.Length - 1)] * (1 + (0.25 * jitter)));
}
