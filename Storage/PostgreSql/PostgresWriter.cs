using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// One batch, one round trip, one transaction: an <see cref="NpgsqlBatch"/> of set-based statements, which PostgreSQL runs as one
/// implicit transaction. Each change is all or nothing by itself, without savepoints (which would cost a round trip and a
/// subtransaction each): every statement after the guarded one acts only on rows that this transaction has just written.
/// </summary>
/// <remarks>
/// <para>The steps, in this order (each statement sees what those before it did):</para>
/// <para>1. changes of enrolments: pins, guarded rows, what belongs to them (<see cref="PostgresCommits"/>);
/// 2. bodies; 3. appends; 4. marks; 5. finishes, what they tell of the iPad (<see cref="PostgresInventory"/>, <see cref="PostgresProfiles"/>), and that their bodies, and those of finishes in 1,
/// were used; 6. certificates (<see cref="PostgresIssues"/>);
/// 7. audit records of what was written by 1, 3 and 5 (<see cref="PostgresAudit"/>), and events for webhooks (<see cref="PostgresEvents"/>).</para>
/// <para>Rows are written in the order of their keys where two nodes may meet, so that they wait for each other instead of
/// deadlocking; where they deadlock all the same (40P01) the lane repeats.</para>
/// </remarks>
internal sealed class PostgresWriter(PostgresConnections connections, AuditSeal seal, TimeProvider time) : PostgresExecutor(connections)
{
    private const string UpsertBodies = """
        INSERT INTO bodies (hash, content, last_used)
        SELECT i.hash, i.content, $3 FROM unnest($1, $2) AS i(hash, content)
        WHERE NOT EXISTS (SELECT 1 FROM bodies b WHERE b.hash = i.hash AND b.last_used >= $4)
        ORDER BY i.hash
        ON CONFLICT (hash) DO UPDATE SET last_used = excluded.last_used WHERE bodies.last_used < excluded.last_used
        """;

    private const string AppendRows = """
        INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at, expires_at)
        SELECT i.enrolment_id, i.command_uuid, i.request_type, i.body_hash, i.accepted_at, i.expires_at
        FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY
          AS i(enrolment_id, command_uuid, request_type, body_hash, accepted_at, expires_at, number)
        WHERE NOT EXISTS (SELECT 1 FROM history h WHERE h.command_uuid = i.command_uuid AND h.enrolment_id = i.enrolment_id)
        ORDER BY i.number
        ON CONFLICT (command_uuid, enrolment_id) DO NOTHING
        RETURNING enrolment_id, command_uuid, sequence
        """;

    private const string FindRows = """
        SELECT q.enrolment_id, q.command_uuid, q.sequence, q.body_hash, q.accepted_at
        FROM unnest($1, $2) AS i(enrolment_id, command_uuid)
        JOIN queue q ON q.command_uuid = i.command_uuid AND q.enrolment_id = i.enrolment_id
        UNION ALL
        SELECT h.enrolment_id, h.command_uuid, h.sequence, h.body_hash, h.accepted_at
        FROM unnest($1, $2) AS i(enrolment_id, command_uuid)
        JOIN history h ON h.command_uuid = i.command_uuid AND h.enrolment_id = i.enrolment_id
        """;

    private const string MarkRows = """
        UPDATE queue q SET not_now_at = i.not_now_at, not_now_count = i.not_now_count,
          unanswered_at = i.unanswered_at, unanswered_count = i.unanswered_count
        FROM unnest($1, $2, $3, $4, $5, $6) AS i(enrolment_id, sequence, not_now_at, not_now_count, unanswered_at, unanswered_count)
        WHERE q.enrolment_id = i.enrolment_id AND q.sequence = i.sequence
        """;

    private const string FinishRows = $"""
        WITH gone AS (
          DELETE FROM queue q
          USING unnest($1, $2, $3, $4, $5, $6, $7, $8)
            AS i(enrolment_id, sequence, ending, sent_at, finished_at, error_summary, answer, result_hash)
          WHERE q.enrolment_id = i.enrolment_id AND q.sequence = i.sequence
          RETURNING q.enrolment_id, q.sequence, q.command_uuid, q.request_type, q.body_hash, q.accepted_at, q.not_now_count, q.operation_id,
            i.ending, i.sent_at, i.finished_at, i.error_summary, i.answer, i.result_hash),
        kept AS (
          INSERT INTO history ({QueueColumns.Kept}, {QueueColumns.Added})
          SELECT {QueueColumns.Kept}, {QueueColumns.Added} FROM gone)
        SELECT enrolment_id, sequence FROM gone
        """;

    private const string RefreshBodies = """
        UPDATE bodies b SET last_used = u.at FROM unnest($1, $2) AS u(hash, at)
        WHERE b.hash = u.hash AND b.last_used < u.at - interval '1 day'
        """;

    private const string FindFinished = """
        SELECT h.enrolment_id, h.sequence
        FROM unnest($1, $2, $3) AS i(enrolment_id, sequence, finished_at)
        JOIN history h ON h.enrolment_id = i.enrolment_id AND h.sequence = i.sequence AND h.finished_at = i.finished_at
        """;

    private readonly UsedBodies _used = new();

    protected override async Task Execute(Batch batch, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        List<CommitItem> unwritten = [];
        List<AppendItem> missing;
        List<FinishItem> unmoved;
        var used = _used.ToNote(batch.Finishes.Select(item => item.Finish).Concat(batch.Commits.Select(item => item.Change.Finish).OfType<QueueFinish>()));
        await using (var statements = new NpgsqlBatch(connection))
        {
            if (batch.Commits.Count > 0)
                PostgresCommits.Add(statements, batch.Commits);
            AddBodies(statements, batch);
            AddQueue(statements, batch, used);
            if (batch.Issues.Count > 0)
                PostgresIssues.Add(statements, batch.Issues);
            PostgresAudit.Add(statements, batch, seal);
            PostgresEvents.Add(statements, batch);

            await using var reader = await statements.ExecuteReaderAsync(cancellationToken);
            if (batch.Commits.Count > 0)
                unwritten = await PostgresCommits.Read(reader, batch.Commits, cancellationToken);
            missing = await ReadAppends(reader, batch.Appends, cancellationToken);
            unmoved = await ReadFinishes(reader, batch.Finishes, cancellationToken);
            if (batch.Issues.Count > 0)
                await PostgresIssues.Read(reader, batch.Issues, cancellationToken);
            // The transaction is durable when the reader has come to the end without an error.
            while (await reader.NextResultAsync(cancellationToken))
            {
            }
        }

        _used.Noted(used);
        foreach (var item in batch.Bodies)
            item.Outcome = item.Hash;
        if (unwritten.Count > 0)
            await PostgresCommits.Explain(connection, unwritten, cancellationToken);
        if (missing.Count > 0)
            await FindAppended(connection, missing, batch.Repeated, cancellationToken);
        if (unmoved.Count > 0 && batch.Repeated)
            await FindAlreadyFinished(connection, unmoved, cancellationToken);
    }

    private void AddBodies(NpgsqlBatch statements, Batch batch)
    {
        var bodies = new Dictionary<BodyKey, (byte[] Hash, ReadOnlyMemory<byte> Body)>();
        foreach (var item in batch.Appends)
            bodies.TryAdd(new BodyKey(item.BodyHash), (item.BodyHash, item.Command.Body));
        foreach (var item in batch.Bodies)
            bodies.TryAdd(new BodyKey(item.Hash), (item.Hash, item.Body));
        if (bodies.Count == 0)
            return;
        var now = time.GetUtcNow();
        new ArrayStatement<(byte[] Hash, ReadOnlyMemory<byte> Body)>(statements, UpsertBodies, [.. bodies.Values])
            .Bytes(b => b.Hash).Bytes(b => b.Body.ToArray()).OneTime(now).OneTime(now - BodySql.RefreshAfter);
    }

    private static void AddQueue(NpgsqlBatch statements, Batch batch, List<UsedBodies.Use> used)
    {
        if (batch.Appends.Count > 0)
        {
            new ArrayStatement<AppendItem>(statements, AppendRows, batch.Appends)
                .Text(i => i.Command.EnrolmentId).Text(i => i.Command.CommandUuid).Text(i => i.Command.RequestType).Bytes(i => i.BodyHash)
                .Time(i => i.Command.AcceptedAt).Time(i => i.Command.ExpiresAt);
        }

        if (batch.Marks.Count > 0)
        {
            new ArrayStatement<MarkItem>(statements, MarkRows, batch.Marks)
                .Text(i => i.Mark.EnrolmentId).Long(i => i.Mark.Sequence).Time(i => i.Mark.NotNowAt).Int(i => i.Mark.NotNowCount)
                .Time(i => i.Mark.UnansweredAt).Int(i => i.Mark.UnansweredCount);
        }

        if (batch.Finishes.Count > 0)
        {
            new ArrayStatement<FinishItem>(statements, FinishRows, batch.Finishes)
                .Text(i => i.Finish.EnrolmentId).Long(i => i.Finish.Sequence).Short(i => (short)i.Finish.Ending).Time(i => i.Finish.SentAt)
                .Time(i => i.Finish.FinishedAt).Text(i => i.Finish.ErrorSummary).Bytes(i => i.Finish.Result?.ToArray())
                .Bytes(i => i.Finish.ResultHash);
            var answers = batch.Finishes.ConvertAll(item => new Answered(item.Finish, null));
            PostgresInventory.Add(statements, answers);
            PostgresProfiles.Add(statements, answers);
        }

        if (used.Count > 0)
            new ArrayStatement<UsedBodies.Use>(statements, RefreshBodies, used).Bytes(u => u.Hash).Time(u => u.At);
    }

    private static async Task<List<AppendItem>> ReadAppends(
        NpgsqlDataReader reader, List<AppendItem> appends, CancellationToken cancellationToken)
    {
        if (appends.Count == 0)
            return [];
        var row = RowOf(reader);
        var added = new Dictionary<(string, string), long>();
        while (await reader.ReadAsync(cancellationToken))
            added[(row.Text(0), row.Text(1))] = row.Long(2);
        await reader.NextResultAsync(cancellationToken);
        var missing = new List<AppendItem>();
        foreach (var item in appends)
        {
            if (added.TryGetValue((item.Command.EnrolmentId, item.Command.CommandUuid), out var sequence))
                item.Outcome = new QueueAppended(sequence, item.BodyHash, AlreadyThere: false);
            else
                missing.Add(item);
        }

        return missing;
    }

    private static async Task<List<FinishItem>> ReadFinishes(
        NpgsqlDataReader reader, List<FinishItem> finishes, CancellationToken cancellationToken)
    {
        if (finishes.Count == 0)
            return [];
        var row = RowOf(reader);
        var moved = new HashSet<(string, long)>();
        while (await reader.ReadAsync(cancellationToken))
            moved.Add((row.Text(0), row.Long(1)));
        await reader.NextResultAsync(cancellationToken);
        foreach (var item in finishes)
            item.Outcome = moved.Contains((item.Finish.EnrolmentId, item.Finish.Sequence));
        return finishes.FindAll(item => !item.Outcome);
    }

    /// <summary>Tells the commands that stand already. After an attempt without an answer, the row with this very time is our own.</summary>
    private static async Task FindAppended(
        NpgsqlConnection connection, List<AppendItem> missing, bool repeated, CancellationToken cancellationToken)
    {
        await using var statements = new NpgsqlBatch(connection);
        new ArrayStatement<AppendItem>(statements, FindRows, missing).Text(i => i.Command.EnrolmentId).Text(i => i.Command.CommandUuid);
        await using var reader = await statements.ExecuteReaderAsync(cancellationToken);
        var row = RowOf(reader);
        var found = new Dictionary<(string, string), (long Sequence, byte[] Hash, DateTimeOffset At)>();
        while (await reader.ReadAsync(cancellationToken))
            found[(row.Text(0), row.Text(1))] = (row.Long(2), row.Bytes(3), row.Time(4));
        foreach (var item in missing)
        {
            // Refused for a row that has left in this very moment (its history was dropped): the repetition appends.
            if (!found.TryGetValue((item.Command.EnrolmentId, item.Command.CommandUuid), out var row0))
                throw new TimeoutException("A command was there, and is gone.");
            var own = repeated && row0.At == StoredText.ToMilliseconds(item.Command.AcceptedAt);
            item.Outcome = new QueueAppended(row0.Sequence, row0.Hash, AlreadyThere: !own);
        }
    }

    private static async Task FindAlreadyFinished(
        NpgsqlConnection connection, List<FinishItem> unmoved, CancellationToken cancellationToken)
    {
        await using var statements = new NpgsqlBatch(connection);
        new ArrayStatement<FinishItem>(statements, FindFinished, unmoved)
            .Text(i => i.Finish.EnrolmentId).Long(i => i.Finish.Sequence).Time(i => i.Finish.FinishedAt);
        await using var reader = await statements.ExecuteReaderAsync(cancellationToken);
        await ReadFinishes(reader, unmoved, cancellationToken);
    }
}
