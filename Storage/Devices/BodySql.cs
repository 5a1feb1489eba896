namespace FleetMdm.Storage.Devices;

/// <summary>The rule by which bodies are kept, and why none can be lost to a concurrent clean-up.</summary>
/// <remarks>
/// <para>Whoever stores a body takes it as stored when a row with <c>last_used</c> younger than <see cref="RefreshAfter"/> is there (no lock, so
/// that a thousand appends of one command do not queue up behind its row); else he inserts it or sets <c>last_used</c> to now.</para>
/// <para>The clean-up deletes only rows that nothing refers to and whose <c>last_used</c> is older than both the retention and
/// <see cref="KeepUnusedFor"/>. So (1) a body that was taken as stored without a lock is at least two days too young for the
/// clean-up of that moment, and the reference commits within seconds, long before it is old enough; (2) a body that was
/// refreshed is locked by the refresh: a clean-up that waits for the lock finds it young afterwards and leaves it, and one
/// that came first has deleted it, so that the refresh inserts it anew; (3) a body whose reference committed before the
/// clean-up began is seen by the clean-up's own NOT EXISTS.</para>
/// </remarks>
internal static class BodySql
{
    public static readonly TimeSpan RefreshAfter = TimeSpan.FromDays(1);

    /// <summary>Days longer than <see cref="RefreshAfter"/>, and than any transaction or difference of clocks.</summary>
    public static readonly TimeSpan KeepUnusedFor = TimeSpan.FromDays(3);

    /// <summary>One body: @hash, @body, @now, @fresh (now less <see cref="RefreshAfter"/>).</summary>
    public const string Upsert = """
        INSERT INTO bodies (hash, body, last_used)
        SELECT @hash, @body, @now
        WHERE NOT EXISTS (SELECT 1 FROM bodies b WHERE b.hash = @hash AND b.last_used >= @fresh)
        ON CONFLICT (hash) DO UPDATE SET last_used = excluded.last_used WHERE bodies.last_used < excluded.last_used
        """;

    /// <summary>Bodies that may go, at most @limit: @cutoff.</summary>
    public const string DropUnused = """
        DELETE FROM bodies WHERE hash IN (
          SELECT b.hash FROM bodies b
          WHERE b.last_used < @cutoff
            AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.body_hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.body_hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM history h WHERE h.body_hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM history h WHERE h.result_hash = b.hash)
          LIMIT @limit)
        AND last_used < @cutoff
        """;
}
