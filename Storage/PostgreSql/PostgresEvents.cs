using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;
using FleetMdm.Storage.Webhooks;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>Events for webhooks that travel with a batch. One is added only where this transaction has written the row that it speaks of. Where nobody wants to be told, a batch
/// costs a look at each of its changes.</summary>
internal static class PostgresEvents
{
    private const string Mine = "xmin = pg_current_xact_id()::xid";

    private const string Insert = "INSERT INTO webhook_outbox (id, at, kind, device_id, subject, data) SELECT i.id, i.at, i.kind, i.device_id, i.subject, i.data FROM";

    private const string WithCommits = $"""
        {Insert} unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY AS i(id, at, kind, device_id, subject, data, row_id, write_id, number)
        WHERE EXISTS (SELECT 1 FROM devices d WHERE d.id = i.row_id AND d.write_id = i.write_id AND d.{Mine})
        ORDER BY i.number
        """;

    private const string WithFinishes = $"""
        {Insert} unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY AS i(id, at, kind, device_id, subject, data, enrolment, sequence, finished, number)
        WHERE EXISTS (SELECT 1 FROM history h
          WHERE h.enrolment_id = i.enrolment AND h.sequence = i.sequence AND h.finished_at = i.finished AND h.{Mine})
        ORDER BY i.number
        """;

    public static void Add(NpgsqlBatch statements, Batch batch)
    {
        // The end of a command comes before what it changes: an iPad is erased because it has answered.
        if (batch.Finishes.Exists(item => item.Finish.Event is not null) || batch.Commits.Exists(item => item.Change.Finish?.Event is not null))
        {
            List<QueueFinish> finishes =
            [
                .. batch.Finishes.Select(item => item.Finish).Where(finish => finish.Event is not null),
                .. batch.Commits.Select(item => item.Change.Finish).OfType<QueueFinish>().Where(finish => finish.Event is not null),
            ];
            Columns(new ArrayStatement<QueueFinish>(statements, WithFinishes, finishes), finish => finish.Event!)
                .Text(finish => finish.EnrolmentId).Long(finish => finish.Sequence).Time(finish => finish.FinishedAt);
        }

        if (batch.Commits.Exists(item => item.Change.Event is not null))
        {
            var commits = batch.Commits.FindAll(item => item.Change.Event is not null);
            Columns(new ArrayStatement<CommitItem>(statements, WithCommits, commits), item => item.Change.Event!)
                .Text(item => item.Change.Row.Id).Guid(item => item.Change.WriteId);
        }
    }

    private static ArrayStatement<T> Columns<T>(ArrayStatement<T> statement, Func<T, WebhookEvent> happened) => statement
        .Text(item => happened(item).Id.ToString("D")).Time(item => happened(item).At).Text(item => happened(item).Kind).Text(item => happened(item).DeviceId)
        .Text(item => happened(item).Subject).Text(item => happened(item).Data);
}
