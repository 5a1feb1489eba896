using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.GroupCommit;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>Batched loading: one read transaction, that is one snapshot, for many grains that wake.</summary>
internal sealed class SqliteReader(SqliteConnections connections) : SqliteExecutor("BEGIN")
{
    private static readonly string Device = $"SELECT {DeviceColumns.Selected} FROM {DeviceColumns.Joined} WHERE d.id = @1";

    private const string Pins = "SELECT sha256, not_after, pinned_at FROM pins WHERE device_id = @1 AND dropped_at IS NULL ORDER BY pinned_at DESC, sha256";

    private const string Queue = """
        SELECT q.sequence, q.command_uuid, q.request_type, q.body_hash, q.accepted_at, q.expires_at, q.operation_id,
          q.not_now_count, q.not_now_at, o.cancelled_at IS NOT NULL, q.unanswered_count, q.unanswered_at
        FROM queue q LEFT JOIN operations o ON o.id = q.operation_id
        WHERE q.enrolment_id = @1
        ORDER BY q.sequence
        """;

    private static readonly string Plan = $"SELECT min({AssignmentCommands.DueAt("0", "253370764800000")}) FROM assignment_devices x WHERE x.device_id = @1";

    private const string Exam = "SELECT min(coalesce(x.due_at, 253370764800000)) FROM exam_devices x WHERE x.device_id = @1 AND x.state < 10";

    private const string Certificate = $"SELECT {CertificateColumns.Standing} FROM (SELECT @1 AS sha256) i {CertificateColumns.StandingJoins}";

    protected override Task<SqliteConnection> Open(CancellationToken cancellationToken) => connections.OpenReader(cancellationToken);

    protected override Task ExecuteInTransaction(Batch batch, CancellationToken cancellationToken)
    {
        foreach (var load in batch.Loads)
            load.Outcome = Load(load.EnrolmentId);
        foreach (var load in batch.BodyLoads)
            load.Outcome = First("SELECT content FROM bodies WHERE hash = @1", row => row.Bytes(0), load.Hash);
        foreach (var find in batch.Finds)
            find.Outcome = First(Certificate, row => CertificateColumns.ReadStanding(row), find.Sha256);
        return Task.CompletedTask;
    }

    private DeviceSnapshot Load(string id)
    {
        var device = First(Device, row => DeviceColumns.Read(row), id);
        var channel = device?.DeviceId ?? EnrolmentIds.DeviceOf(id);
        var status = channel == id
            ? device?.Status
            : First("SELECT status FROM devices WHERE id = @1", row => (EnrolmentStatus?)row.Short(0), channel);
        return new DeviceSnapshot(
            device,
            List(Pins, row => new Pin(row.Bytes(0), row.Time(1), row.Time(2)), channel),
            status,
            List(Queue, row => QueueColumns.Read(row, 0), id))
        {
            PlanDueAt = First(Plan, row => row.TimeOrNull(0), id),
            ExamDueAt = First(Exam, row => row.TimeOrNull(0), id),
        };
    }
}
