using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Renewals;

/// <inheritdoc cref="IRenewalStore"/>
internal sealed class RenewalStore(Database database) : IRenewalStore
{
    private const int LongestDetail = 500;

    /// <summary>Of a row <c>r</c>: its enrolment lives, and speaks with this certificate. What is not so goes at the next look.</summary>
    private const string Live = """
        EXISTS (SELECT 1 FROM devices e WHERE e.id = r.device_id AND e.status IN (1, 2))
          AND EXISTS (SELECT 1 FROM pins p WHERE p.sha256 = r.sha256 AND p.dropped_at IS NULL)
        """;

    private const string Columns =
        "r.device_id, r.sha256, r.not_after, r.next_at, r.command_uuid, r.started_at, r.failures, r.problem, r.detail";

    /// <summary>Of a pin <c>p</c>: its iPad has none that is newer.</summary>
    private const string Newest = """
        NOT EXISTS (
          SELECT 1 FROM pins n WHERE n.device_id = p.device_id AND n.dropped_at IS NULL
            AND (n.pinned_at > p.pinned_at OR (n.pinned_at = p.pinned_at AND n.sha256 < p.sha256)))
        """;

    public async Task<IReadOnlyList<EndingIdentity>> ListEnding(DateTimeOffset before, int limit) => await database.Read(s => s
        .Sql($"""
            SELECT p.device_id, p.sha256, c.issued_at, p.not_after
            FROM pins p
            JOIN devices d ON d.id = p.device_id
            LEFT JOIN issued_certificates c ON c.sha256 = p.sha256
            WHERE p.dropped_at IS NULL AND p.not_after < @before AND d.status IN (1, 2)
              AND {Newest}
              AND NOT EXISTS (SELECT 1 FROM renewals r WHERE r.device_id = p.device_id AND r.sha256 = p.sha256)
            ORDER BY p.not_after, p.sha256 LIMIT @limit
            """)
        .Time("@before", before).Int("@limit", limit)
        .List(row => new EndingIdentity(row.Text(0), row.Bytes(1), row.TimeOrNull(2), row.Time(3))));

    public async Task<IReadOnlyList<EndingIdentity>> ListIssuedBy(byte[] issuer, bool first, string? after, int limit)
    {
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT p.device_id, p.sha256, c.issued_at, p.not_after
                FROM pins p
                JOIN devices d ON d.id = p.device_id
                JOIN issued_certificates c ON c.sha256 = p.sha256
                WHERE p.device_id > @after AND p.dropped_at IS NULL AND d.status IN (1, 2) AND (c.issuer = @issuer{(first ? " OR c.issuer IS NULL" : "")})
                  AND {Newest}
                  AND NOT EXISTS (SELECT 1 FROM renewals r WHERE r.device_id = p.device_id AND r.sha256 = p.sha256)
                ORDER BY p.device_id LIMIT @limit
                """)
            .Text("@after", after ?? "").Bytes("@issuer", issuer).Int("@limit", limit)
            .List(row => new EndingIdentity(row.Text(0), row.Bytes(1), row.TimeOrNull(2), row.Time(3))));
    }

    public async Task<IReadOnlyList<IssuerCount>> CountIssuers() => await database.Read(s => s
        .Sql($"""
            SELECT c.issuer, c.sha256 IS NOT NULL, count(*)
            FROM pins p
            JOIN devices d ON d.id = p.device_id
            LEFT JOIN issued_certificates c ON c.sha256 = p.sha256
            WHERE p.dropped_at IS NULL AND d.status IN (1, 2) AND {Newest}
            GROUP BY c.issuer, c.sha256 IS NOT NULL
            """)
        .List(row => new IssuerCount(row.BytesOrNull(0), row.Bool(1), row.Long(2))));

    public Task Add(IReadOnlyList<RenewalRow> rows) => database.Write(async s =>
    {
        foreach (var row in rows)
        {
            await Bind(s.Sql("""
                INSERT INTO renewals (device_id, sha256, not_after, next_at, command_uuid, started_at, failures, problem, detail)
                VALUES (@id, @sha, @end, @next, @command, @started, @failures, @problem, @detail)
                ON CONFLICT (device_id) DO UPDATE SET
                  sha256 = excluded.sha256, not_after = excluded.not_after, next_at = excluded.next_at, command_uuid = excluded.command_uuid,
                  started_at = excluded.started_at, failures = excluded.failures, problem = excluded.problem, detail = excluded.detail
                WHERE renewals.sha256 <> excluded.sha256
                """), row).Execute();
        }
    });

    public async Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql("SELECT device_id FROM renewals WHERE next_at <= @now ORDER BY next_at LIMIT @limit").Time("@now", now).Int("@limit", limit)
        .List(row => row.Text(0)));

    public Task<long> CountStarted(DateTimeOffset since) => database.Read(s => s
        .Sql("SELECT count(*) FROM renewals WHERE started_at > @since").Time("@since", since).First(row => row.Long(0)));

    public Task<RenewalRow?> Find(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(s => s.Sql($"SELECT {Columns} FROM renewals r WHERE r.device_id = @id").Text("@id", deviceId).First(row => Read(row)));
    }

    public async Task<bool> Save(RenewalRow row) => await database.Write(s => Bind(s.Sql("""
        UPDATE renewals SET
          not_after = @end, next_at = @next, command_uuid = @command, started_at = @started, failures = @failures, problem = @problem, detail = @detail
        WHERE device_id = @id AND sha256 = @sha
        """), row).Execute()) > 0;

    public Task Postpone(string deviceId, DateTimeOffset nextAt) => database.Write(s => s
        .Sql("UPDATE renewals SET next_at = @next WHERE device_id = @id").Text("@id", deviceId).Time("@next", nextAt).Execute());

    public async Task<bool> Forget(string deviceId, byte[]? sha256 = null) => await database.Write(s => s
        .Sql("DELETE FROM renewals WHERE device_id = @id AND (@any OR sha256 = @sha)")
        .Text("@id", deviceId).Bool("@any", sha256 is null).Bytes("@sha", sha256).Execute()) > 0;

    public async Task<IReadOnlyList<RenewalListing>> List(bool withProblem, RenewalPlace? after, int limit)
    {
        StoredText.Check("The id to go on after", after?.DeviceId);
        return await database.Read(s => s
            .Sql($"""
                SELECT {Columns}, d.serial_number, d.device_name, d.school, a.last_seen_at
                FROM renewals r JOIN devices d ON d.id = r.device_id LEFT JOIN device_activity a ON a.id = r.device_id
                WHERE {(withProblem ? "r.problem <> 0 AND " : "")}{Live}{(after is null ? "" : " AND (r.not_after, r.device_id) > (@afterEnd, @afterId)")}
                ORDER BY r.not_after, r.device_id LIMIT @limit
                """)
            .Bind(statement =>
            {
                if (after is not null) statement.Time("@afterEnd", after.NotAfter).Text("@afterId", after.DeviceId);
            })
            .Int("@limit", limit)
            .List(row => new RenewalListing(Read(row), row.TextOrNull(9), row.TextOrNull(10), row.TextOrNull(11), row.TimeOrNull(12))));
    }

    public async Task<RenewalCounts> Count() => (await database.Read(s => s
        .Sql($"""
            SELECT count(*), count(CASE WHEN r.problem = 0 AND r.command_uuid IS NOT NULL THEN 1 END), count(CASE WHEN r.problem <> 0 THEN 1 END)
            FROM renewals r WHERE {Live}
            """)
        .First(row => new RenewalCounts(row.Long(0), row.Long(1), row.Long(2)))))!;

    public Task<long> CountProblems() => database.Read(s => s
        .Sql($"SELECT count(*) FROM renewals r WHERE r.problem <> 0 AND {Live}").First(row => row.Long(0)));

    private static Statement Bind(Statement statement, RenewalRow row)
    {
        StoredText.Check("The device id", row.DeviceId);
        var detail = row.Detail is { Length: > LongestDetail } tooLong ? Shortened(tooLong) : row.Detail;
        return statement
            .Text("@id", row.DeviceId).Bytes("@sha", row.Sha256).Time("@end", row.NotAfter).Time("@next", row.NextAt)
            .Text("@command", row.CommandUuid).Time("@started", row.StartedAt).Int("@failures", row.Failures)
            .Short("@problem", (short)row.Problem).Text("@detail", detail);
    }

    private static string Shortened(string text) => text[..(char.IsHighSurrogate(text[LongestDetail - 1]) ? LongestDetail - 1 : LongestDetail)];

    private static RenewalRow Read(Row row) => new()
    {
        DeviceId = row.Text(0),
        Sha256 = row.Bytes(1),
        NotAfter = row.Time(2),
        NextAt = row.Time(3),
        CommandUuid = row.TextOrNull(4),
        StartedAt = row.TimeOrNull(5),
        Failures = row.Int(6),
        Problem = (RenewalProblem)row.Short(7),
        Detail = row.TextOrNull(8),
    };
}
