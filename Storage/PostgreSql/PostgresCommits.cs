using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;
using FleetMdm.Storage.Inventory;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// The statements for changes of enrolments. A change passes when its pin is free or its own, and when the row has the version before
/// it. <c>xmin = pg_current_xact_id()</c> names the rows that this transaction has written: what belongs to a change happens only
/// for those, so a repetition after a lost answer does not end a queue twice.
/// </summary>
/// <remarks>
/// 1. pins are taken, first come first served; 2. rows are inserted or updated under their version, if their pin is theirs, and told; a first
/// one gets its row of activity; 3. pins taken for a change that did not pass are given back; 4. old pins speak no more; 5. places of
/// invitations are counted, and commands that ended with the change move to the history, with what their answers tell; 6. user channels end; 7. queues move to the history; 8. the user channels that ended are told. Between 4 and 5 inventories are forgotten. Why a change did not pass is asked afterwards.
/// </remarks>
internal static class PostgresCommits
{
    /// <summary>That a pin <c>p</c> was not dropped. Not <c>IS NULL</c>: the index of pins by their end has that as its condition, and to a planner that
    /// has not seen the table yet it looks so small that it is read from end to end for each iPad.</summary>
    internal const string PinSpeaks = "coalesce(p.dropped_at, timestamptz 'infinity') = timestamptz 'infinity'";

    private const string Mine = "xmin = pg_current_xact_id()::xid";

    private const string TakePins = """
        INSERT INTO pins (sha256, device_id, not_after, pinned_at)
        SELECT * FROM unnest($1, $2, $3, $4) AS i(sha256, device_id, not_after, pinned_at)
        ORDER BY i.sha256
        ON CONFLICT (sha256) DO NOTHING
        """;

    /// <summary>Joins, not EXISTS within an OR: of that, PostgreSQL would make a hash of every enrolment that there is.</summary>
    private static readonly string Upsert = $"""
        WITH written AS (
          INSERT INTO devices ({DeviceColumns.Names})
          SELECT {string.Join(", ", DeviceColumns.All.Select(c => "i." + c.Name))}
          FROM unnest({string.Join(", ", DeviceColumns.All.Select((_, n) => $"${n + 1}"))}, ${DeviceColumns.All.Count + 1})
            AS i({DeviceColumns.Names}, pin)
          LEFT JOIN devices d ON d.id = i.id
          LEFT JOIN pins p ON p.sha256 = i.pin AND p.device_id = i.device_id AND {PinSpeaks}
          WHERE (i.version = 1 OR d.id IS NOT NULL) AND (i.pin IS NULL OR p.sha256 IS NOT NULL)
          ORDER BY i.id
          ON CONFLICT (id) DO UPDATE SET {DeviceColumns.Assignments} WHERE devices.version = excluded.version - 1
          RETURNING id, version),
        active AS (
          INSERT INTO device_activity (id) SELECT id FROM written WHERE version = 1 ON CONFLICT (id) DO NOTHING)
        SELECT id FROM written
        """;

    private const string GiveBackPins = $"""
        DELETE FROM pins p
        USING unnest($1, $2, $3) AS i(sha256, id, write_id)
        WHERE p.sha256 = i.sha256 AND p.{Mine}
          AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = i.id AND d.write_id = i.write_id)
        """;

    private const string DropPins = $"""
        UPDATE pins p SET dropped_at = i.at
        FROM unnest($1, $2, $3, $4, $5, $6) AS i(id, write_id, device_id, before, keep, at), devices d
        WHERE d.id = i.id AND d.write_id = i.write_id AND d.{Mine}
          AND p.device_id = i.device_id AND p.pinned_at < i.before AND p.sha256 IS DISTINCT FROM i.keep AND {PinSpeaks}
        """;

    private const string CountPlaces = $"""
        UPDATE invitations v SET uses = greatest(0, v.uses + n.delta)
        FROM (
          SELECT i.invitation_id, sum(i.delta) AS delta
          FROM unnest($1, $2, $3, $4) AS i(id, write_id, invitation_id, delta), devices d
          WHERE d.id = i.id AND d.write_id = i.write_id AND d.{Mine}
          GROUP BY i.invitation_id) n
        WHERE v.id = n.invitation_id
        """;

    private const string FinishCommands = $"""
        WITH gone AS (
          DELETE FROM queue q
          USING unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
            AS i(id, write_id, sequence, ending, sent_at, finished_at, error_summary, answer, result_hash), devices d
          WHERE d.id = i.id AND d.write_id = i.write_id AND d.{Mine} AND q.enrolment_id = i.id AND q.sequence = i.sequence
          RETURNING q.enrolment_id, q.sequence, q.command_uuid, q.request_type, q.body_hash, q.accepted_at, q.not_now_count, q.operation_id,
            i.ending, i.sent_at, i.finished_at, i.error_summary, i.answer, i.result_hash),
        kept AS (
          INSERT INTO history ({QueueColumns.Kept}, {QueueColumns.Added})
          SELECT {QueueColumns.Kept}, {QueueColumns.Added} FROM gone)
        SELECT enrolment_id FROM gone
        """;

    private const string EndUserChannels = $"""
        UPDATE devices u SET status = 3, unenrolled_at = i.at, version = u.version + 1, write_id = i.write_id
        FROM unnest($1, $2, $3) AS i(id, write_id, at), devices d
        WHERE d.id = i.id AND d.write_id = i.write_id AND d.{Mine}
          AND u.device_id = i.id AND u.id <> u.device_id AND u.status IN (1, 2)
        """;

    private static readonly string EndQueues = $"""
        WITH ended AS (
          SELECT i.id, i.ending, i.at
          FROM unnest($1, $2, $3, $4, $5) AS i(id, write_id, ending, users, at), devices d
          WHERE d.id = i.id AND d.write_id = i.write_id AND d.{Mine} AND i.ending IS NOT NULL
          UNION ALL
          SELECT u.id, coalesce(i.ending, {(short)CommandEnding.Reenrolled}), i.at
          FROM unnest($1, $2, $3, $4, $5) AS i(id, write_id, ending, users, at), devices d, devices u
          WHERE d.id = i.id AND d.write_id = i.write_id AND d.{Mine} AND i.users AND u.device_id = i.id AND u.id <> u.device_id),
        gone AS (
          DELETE FROM queue q USING ended e WHERE q.enrolment_id = e.id
          RETURNING q.enrolment_id, q.sequence, q.command_uuid, q.request_type, q.body_hash, q.accepted_at, q.not_now_count, q.operation_id,
            e.ending, e.at),
        used AS (
          UPDATE bodies b SET last_used = u.at
          FROM (SELECT body_hash AS hash, max(at) AS at FROM gone GROUP BY body_hash) u
          WHERE b.hash = u.hash AND b.last_used < u.at - interval '1 day')
        INSERT INTO history ({QueueColumns.Kept}, ending, finished_at)
        SELECT {QueueColumns.Kept}, ending, at FROM gone
        """;

    private const string Outcomes = """
        SELECT i.id, coalesce(d.write_id = i.write_id, false), coalesce(p.device_id <> i.device_id OR p.dropped_at IS NOT NULL, false)
        FROM unnest($1, $2, $3, $4) AS i(id, write_id, pin, device_id)
        LEFT JOIN devices d ON d.id = i.id LEFT JOIN pins p ON p.sha256 = i.pin
        """;

    private const string Ended = """
        SELECT i.id, u.id
        FROM unnest($1, $2) AS i(id, write_id)
        JOIN devices u ON u.device_id = i.id AND u.id <> u.device_id AND u.write_id = i.write_id
        ORDER BY u.id
        """;

    public static void Add(NpgsqlBatch statements, List<CommitItem> commits)
    {
        var pinned = commits.FindAll(c => c.Change.Pin is not null);
        if (pinned.Count > 0)
        {
            new ArrayStatement<CommitItem>(statements, TakePins, pinned)
                .Bytes(c => c.Change.Pin!.Sha256).Text(c => c.Change.Row.DeviceId).Time(c => c.Change.Pin!.NotAfter)
                .Time(c => c.Change.Pin!.PinnedAt);
        }

        AddUpsert(statements, commits);
        if (pinned.Count > 0)
        {
            new ArrayStatement<CommitItem>(statements, GiveBackPins, pinned)
                .Bytes(c => c.Change.Pin!.Sha256).Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId);
        }

        var dropping = commits.FindAll(c => HasPast(c) && c.Change.DropPinsBefore is not null);
        if (dropping.Count > 0)
        {
            new ArrayStatement<CommitItem>(statements, DropPins, dropping)
                .Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId).Text(c => c.Change.Row.DeviceId)
                .Time(c => c.Change.DropPinsBefore).Bytes(c => c.Change.Pin?.Sha256).Time(c => c.Change.At);
        }

        var inventories = commits.FindAll(c => HasPast(c) && c.Change.Inventory != InventoryEnd.Kept);
        if (inventories.Count > 0)
            PostgresInventory.AddEnds(statements, inventories);
        PostgresProfiles.AddEnds(statements, inventories.FindAll(c => c.Change.Inventory == InventoryEnd.Forgotten));

        var places = commits.FindAll(c => c.Change.Place is not null);
        if (places.Count > 0)
        {
            new ArrayStatement<CommitItem>(statements, CountPlaces, places)
                .Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId).Text(c => c.Change.Place!.InvitationId).Int(c => c.Change.Place!.Delta);
        }

        var finishing = commits.FindAll(Finishes);
        if (finishing.Count > 0)
        {
            new ArrayStatement<CommitItem>(statements, FinishCommands, finishing)
                .Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId).Long(c => c.Change.Finish!.Sequence).Short(c => (short)c.Change.Finish!.Ending)
                .Time(c => c.Change.Finish!.SentAt).Time(c => c.Change.Finish!.FinishedAt).Text(c => c.Change.Finish!.ErrorSummary)
                .Bytes(c => c.Change.Finish!.Result?.ToArray()).Bytes(c => c.Change.Finish!.ResultHash);
            var answers = finishing.ConvertAll(c => new Answered(c.Change.Finish!, c.Change.WriteId));
            PostgresInventory.Add(statements, answers);
            PostgresProfiles.Add(statements, answers);
        }

        var users = commits.FindAll(EndsUsers);
        if (users.Count > 0)
        {
            new ArrayStatement<CommitItem>(statements, EndUserChannels, users)
                .Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId).Time(c => c.Change.At);
        }

        var ending = commits.FindAll(c => HasPast(c) && (c.Change.EndUserChannels || c.Change.EndQueue is not null));
        if (ending.Count > 0)
        {
            new ArrayStatement<CommitItem>(statements, EndQueues, ending)
                .Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId).Short(c => (short?)c.Change.EndQueue)
                .Bool(c => c.Change.EndUserChannels).Time(c => c.Change.At);
        }

        if (users.Count > 0)
            new ArrayStatement<CommitItem>(statements, Ended, users).Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId);
    }

    /// <summary>The row of version 1 is the enrolment's first, and rows of devices are never deleted: no pin, no user channel and no queue can
    /// belong to it yet. A district that enrols for the first time is spared half of the statements.</summary>
    private static bool HasPast(CommitItem commit) => commit.Change.Row.Version > 1;

    private static bool Finishes(CommitItem commit) => HasPast(commit) && commit.Change.Finish is not null;

    private static bool EndsUsers(CommitItem commit) => HasPast(commit) && commit.Change.EndUserChannels;

    /// <summary>The changes that did not pass now; <see cref="Explain"/> says why.</summary>
    public static async Task<List<CommitItem>> Read(NpgsqlDataReader reader, List<CommitItem> commits, CancellationToken cancellationToken)
    {
        var row = PostgresExecutor.RowOf(reader);
        var written = new HashSet<string>();
        while (await reader.ReadAsync(cancellationToken))
            written.Add(row.Text(0));
        await reader.NextResultAsync(cancellationToken);

        var finished = new HashSet<string>();
        if (commits.Exists(Finishes))
        {
            while (await reader.ReadAsync(cancellationToken))
                finished.Add(row.Text(0));
            await reader.NextResultAsync(cancellationToken);
        }

        var ended = new Dictionary<string, List<string>>();
        if (commits.Exists(EndsUsers))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                if (!ended.TryGetValue(row.Text(0), out var list))
                    ended[row.Text(0)] = list = [];
                list.Add(row.Text(1));
            }

            await reader.NextResultAsync(cancellationToken);
        }

        foreach (var commit in commits)
        {
            commit.Outcome = new EnrolmentCommitted(
                CommitOutcome.Committed, ended.TryGetValue(commit.Change.Row.Id, out var list) ? list : [],
                commit.Change.Finish is not null && finished.Contains(commit.Change.Row.Id));
        }

        return commits.FindAll(commit => !written.Contains(commit.Change.Row.Id));
    }

    /// <summary>A change that stands already (the answer to it was lost) did pass.</summary>
    public static async Task Explain(NpgsqlConnection connection, List<CommitItem> unwritten, CancellationToken cancellationToken)
    {
        await using var statements = new NpgsqlBatch(connection);
        new ArrayStatement<CommitItem>(statements, Outcomes, unwritten)
            .Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId).Bytes(c => c.Change.Pin?.Sha256).Text(c => c.Change.Row.DeviceId);
        await using var reader = await statements.ExecuteReaderAsync(cancellationToken);
        var row = PostgresExecutor.RowOf(reader);
        var outcomes = new Dictionary<string, CommitOutcome>();
        while (await reader.ReadAsync(cancellationToken))
        {
            outcomes[row.Text(0)] =
                row.Bool(1) ? CommitOutcome.Committed : row.Bool(2) ? CommitOutcome.PinnedElsewhere : CommitOutcome.VersionConflict;
        }

        foreach (var commit in unwritten)
            commit.Outcome = commit.Outcome! with { Outcome = outcomes[commit.Change.Row.Id] };
    }

    private static void AddUpsert(NpgsqlBatch statements, List<CommitItem> commits)
    {
        var statement = new ArrayStatement<CommitItem>(statements, Upsert, commits);
        foreach (var column in DeviceColumns.All)
        {
            _ = column.Type switch
            {
                "text" => statement.Text(c => (string?)column.Value(c)),
                "bytea" => statement.Bytes(c => (byte[]?)column.Value(c)),
                "smallint" => statement.Short(c => (short)column.Value(c)!),
                "integer" => statement.IntOrNull(c => (int?)column.Value(c)),
                "bigint" => statement.LongOrNull(c => (long?)column.Value(c)),
                "uuid" => statement.Guid(c => (Guid)column.Value(c)!),
                "boolean" => statement.Bool(c => (bool?)column.Value(c)),
                "double precision" => statement.Double(c => (double?)column.Value(c)),
                _ => statement.Time(c => (DateTimeOffset?)column.Value(c)),
            };
        }

        statement.Bytes(c => c.Change.Pin?.Sha256);
    }
}
