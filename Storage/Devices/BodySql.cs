namespace FleetMdm.Storage.Devices;

/// <summary>The rule by which bodies are kept, and why none can be lost to a concurrent clean-up.</summary>
/// <remarks>
/// <para>Whoever stores a body takes it as stored when a row with <c>last_used</c> younger than <see cref="RefreshAfter"/> is there (no lock, so
/// that a thousand appends of one command do not queue up behind its row); else he inserts it or sets <c>last_used</c> to now.
/// Whoever moves a command to the history sets <c>last_used</c> of its body and its report to the time of the ending by the same rule;
/// who has done so within the hour need not ask again. So a row of the history never refers to a body that was last used more than
/// <see cref="RefreshAfter"/> and an hour before it ended, and no index of the history by body is needed to find that out.</para>
/// <para>The clean-up deletes only rows whose <c>last_used</c> is older by <see cref="KeepUnusedFor"/> than the oldest history that is
/// left, and than now, and that neither queue nor operations, nor those that repeat, refer to. Nothing can be lost: (1) a body that was taken as stored
/// without a lock is two days too young for the clean-up of that moment, and its reference commits within seconds; (2) a body that
/// was refreshed is locked by the refresh: a clean-up that waits for the lock finds it young afterwards and leaves it, and one that
/// came first has deleted it, so that the refresh inserts it anew; (3) a reference in the queue that committed before the clean-up
/// began is seen by it, also when the row moves to the history meanwhile; (4) one in the history is told by time.</para>
/// </remarks>
internal static class BodySql
{
    public static readonly TimeSpan RefreshAfter = TimeSpan.FromDays(1);

    /// <summary>Days longer than <see cref="RefreshAfter"/>, and than any transaction or difference of clocks.</summary>
    public static readonly TimeSpan KeepUnusedFor = TimeSpan.FromDays(3);

    /// <summary>One body: @hash, @body, @now, @fresh (now less <see cref="RefreshAfter"/>).</summary>
    public const string Upsert = """
        INSERT INTO bodies (hash, content, last_used)
        SELECT @hash, @body, @now
        WHERE NOT EXISTS (SELECT 1 FROM bodies b WHERE b.hash = @hash AND b.last_used >= @fresh)
        ON CONFLICT (hash) DO UPDATE SET last_used = excluded.last_used WHERE bodies.last_used < excluded.last_used
        """;

    /// <summary>Up to when unused bodies may go.</summary>
    /// <param name="finishedBefore">The history before it has been dropped.</param>
    /// <param name="oldestHistory">The oldest that is left, whatever kept it; null: none.</param>
    public static DateTimeOffset Cutoff(DateTimeOffset finishedBefore, DateTimeOffset? oldestHistory, DateTimeOffset now)
    {
        var oldest = finishedBefore < now ? finishedBefore : now;
        return (oldestHistory < oldest ? oldestHistory.Value : oldest) - KeepUnusedFor;
    }
}
