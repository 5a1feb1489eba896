using FleetMdm.Storage.Audit;
using FleetMdm.Storage.GroupCommit;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// The records that travel with a batch: one statement for each kind of change. A record is added only where this transaction has
/// written the row that it speaks of, so that a change that did not pass, or stands already, leaves none.
/// </summary>
internal static class PostgresAudit
{
    private const string Mine = "xmin = pg_current_xact_id()::xid";

    private const string Columns = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16";

    private const string WithCommits = $"""
        INSERT INTO audit ({AuditColumns.Names})
        SELECT {AuditColumns.Names} FROM unnest({Columns}, $17, $18) AS i({AuditColumns.Names}, row_id, write_id)
        WHERE EXISTS (SELECT 1 FROM devices d WHERE d.id = i.row_id AND d.write_id = i.write_id AND d.{Mine})
        ON CONFLICT (id) DO NOTHING
        """;

    private const string WithAppends = $"""
        INSERT INTO audit ({AuditColumns.Names})
        SELECT {AuditColumns.Names} FROM unnest({Columns}, $17, $18) AS i({AuditColumns.Names}, enrolment, command)
        WHERE EXISTS (SELECT 1 FROM queue q WHERE q.command_uuid = i.command AND q.enrolment_id = i.enrolment AND q.{Mine})
        ON CONFLICT (id) DO NOTHING
        """;

    private const string WithFinishes = $"""
        INSERT INTO audit ({AuditColumns.Names})
        SELECT {AuditColumns.Names} FROM unnest({Columns}, $17, $18, $19) AS i({AuditColumns.Names}, enrolment, sequence, finished)
        WHERE EXISTS (SELECT 1 FROM history h
          WHERE h.enrolment_id = i.enrolment AND h.sequence = i.sequence AND h.finished_at = i.finished AND h.{Mine})
        ON CONFLICT (id) DO NOTHING
        """;

    public static void Add(NpgsqlBatch statements, Batch batch, AuditSeal seal)
    {
        // Nearly every batch has none: nothing is allocated for it.
        if (batch.Commits.Exists(c => c.Change.Audit.Count > 0))
        {
            List<(CommitItem Item, AuditRecord Record)> records =
                [.. batch.Commits.SelectMany(item => item.Change.Audit.Select(record => (item, record)))];
            Record(statements, seal, WithCommits, records, r => r.Record).Text(r => r.Item.Change.Row.Id).Guid(r => r.Item.Change.WriteId);
        }

        var appends = batch.Appends.FindAll(a => a.Command.Audit is not null);
        if (appends.Count > 0)
            Record(statements, seal, WithAppends, appends, a => a.Command.Audit!).Text(a => a.Command.EnrolmentId).Text(a => a.Command.CommandUuid);

        if (batch.Finishes.Exists(f => f.Finish.Audit is not null))
        {
            var finishes = batch.Finishes.FindAll(f => f.Finish.Audit is not null);
            Record(statements, seal, WithFinishes, finishes, f => f.Finish.Audit!)
                .Text(f => f.Finish.EnrolmentId).Long(f => f.Finish.Sequence).Time(f => f.Finish.FinishedAt);
        }
    }

    private static ArrayStatement<T> Record<T>(NpgsqlBatch statements, AuditSeal seal, string sql, IReadOnlyList<T> items, Func<T, AuditRecord> record) =>
        new ArrayStatement<T>(statements, sql, items)
            .Bytes(i => record(i).Key).Time(i => record(i).At).Short(i => (short)record(i).Actor.Kind).Text(i => record(i).Actor.Id)
            .Text(i => record(i).Actor.Name).Text(i => record(i).Actor.Address).Text(i => record(i).Verb).Text(i => record(i).TargetKind)
            .Text(i => record(i).TargetId).Text(i => record(i).Subject).Text(i => record(i).Detail).LongOrNull(i => record(i).Count)
            .Text(i => record(i).Reason).Short(i => (short)record(i).Result)
            .Text(i => record(i).Right).Bytes(i => seal.Sign(record(i)));
}
