using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.GroupCommit;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>Batched loading: many grains that wake, one round trip.</summary>
internal sealed class PostgresReader(PostgresConnections connections) : PostgresExecutor(connections)
{
    // With the status of the device channel; that of an enrolment that is not known yet is told by its id.
    private static readonly string Devices = $"""
        SELECT i.id, m.status,
          (SELECT min({AssignmentCommands.DueAt("'1970-01-01 00:00:00+00'", "'9999-01-01 00:00:00+00'")}) FROM assignment_devices x WHERE x.device_id = i.id),
          (SELECT min(coalesce(x.due_at, '9999-01-01 00:00:00+00')) FROM exam_devices x WHERE x.device_id = i.id AND x.state < 10), {DeviceColumns.Selected}
        FROM unnest($1) AS i(id) LEFT JOIN devices d ON d.id = i.id LEFT JOIN device_activity a ON a.id = d.id
        LEFT JOIN devices m ON m.id = coalesce(d.device_id, split_part(i.id, ':', 1))
        """;

    private const string Pins = $"""
        SELECT i.id, p.sha256, p.not_after, p.pinned_at
        FROM unnest($1) AS i(id) LEFT JOIN devices d ON d.id = i.id JOIN pins p ON p.device_id = coalesce(d.device_id, split_part(i.id, ':', 1)) AND {PostgresCommits.PinSpeaks}
        ORDER BY i.id, p.pinned_at DESC, p.sha256
        """;

    private const string Queue = """
        SELECT q.enrolment_id, q.sequence, q.command_uuid, q.request_type, q.body_hash, q.accepted_at, q.expires_at, q.operation_id,
          q.not_now_count, q.not_now_at, o.cancelled_at IS NOT NULL, q.unanswered_count, q.unanswered_at
        FROM unnest($1) AS i(id) JOIN queue q ON q.enrolment_id = i.id LEFT JOIN operations o ON o.id = q.operation_id
        ORDER BY q.enrolment_id, q.sequence
        """;

    private const string Bodies = "SELECT b.hash, b.content FROM unnest($1) AS i(hash) JOIN bodies b ON b.hash = i.hash";

    private const string Certificates =
        $"SELECT i.sha256, {CertificateColumns.Standing} FROM unnest($1) AS i(sha256) {CertificateColumns.StandingJoins}";

    protected override async Task Execute(Batch batch, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var ids = batch.Loads.Select(l => l.EnrolmentId).Distinct().ToList();
        var hashes = batch.BodyLoads.Select(l => l.Hash).DistinctBy(hash => new BodyKey(hash)).ToList();
        var fingerprints = batch.Finds.Select(f => f.Sha256).DistinctBy(hash => new BodyKey(hash)).ToList();
        await using var statements = new NpgsqlBatch(connection);
        if (ids.Count > 0)
        {
            foreach (var sql in new[] { Devices, Pins, Queue })
                new ArrayStatement<string>(statements, sql, ids).Text(id => id);
        }

        if (hashes.Count > 0)
            new ArrayStatement<byte[]>(statements, Bodies, hashes).Bytes(hash => hash);
        if (fingerprints.Count > 0)
            new ArrayStatement<byte[]>(statements, Certificates, fingerprints).Bytes(hash => hash);

        await using var reader = await statements.ExecuteReaderAsync(cancellationToken);
        if (ids.Count > 0)
            await ReadSnapshots(reader, batch.Loads, cancellationToken);
        if (hashes.Count > 0)
            await ReadBodies(reader, batch.BodyLoads, cancellationToken);
        if (fingerprints.Count > 0)
            await ReadCertificates(reader, batch.Finds, cancellationToken);
    }

    private static async Task ReadSnapshots(NpgsqlDataReader reader, List<LoadItem> loads, CancellationToken cancellationToken)
    {
        var row = RowOf(reader);
        var devices = new Dictionary<string, DeviceRow>();
        var statuses = new Dictionary<string, EnrolmentStatus>();
        var plans = new Dictionary<string, DateTimeOffset>();
        var exams = new Dictionary<string, DateTimeOffset>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = row.Text(0);
            if (!row.IsNull(1))
                statuses[id] = (EnrolmentStatus)row.Short(1);
            if (row.TimeOrNull(2) is { } due)
                plans[id] = due;
            if (row.TimeOrNull(3) is { } exam)
                exams[id] = exam;
            if (!row.IsNull(4))
                devices[id] = DeviceColumns.Read(row, 4);
        }

        await reader.NextResultAsync(cancellationToken);
        var pins = new Dictionary<string, List<Pin>>();
        while (await reader.ReadAsync(cancellationToken))
            Of(pins, row.Text(0)).Add(new Pin(row.Bytes(1), row.Time(2), row.Time(3)));

        await reader.NextResultAsync(cancellationToken);
        var queues = new Dictionary<string, List<QueuedRow>>();
        while (await reader.ReadAsync(cancellationToken))
            Of(queues, row.Text(0)).Add(QueueColumns.Read(row, 1));
        await reader.NextResultAsync(cancellationToken);

        foreach (var load in loads)
        {
            var id = load.EnrolmentId;
            load.Outcome = new DeviceSnapshot(
                devices.GetValueOrDefault(id),
                pins.TryGetValue(id, out var p) ? p : [],
                statuses.TryGetValue(id, out var status) ? status : null,
                queues.TryGetValue(id, out var q) ? q : [])
            {
                PlanDueAt = plans.TryGetValue(id, out var due) ? due : null,
                ExamDueAt = exams.TryGetValue(id, out var exam) ? exam : null,
            };
        }
    }

    private static async Task ReadBodies(NpgsqlDataReader reader, List<LoadBodyItem> loads, CancellationToken cancellationToken)
    {
        var row = RowOf(reader);
        var bodies = new Dictionary<BodyKey, byte[]>();
        while (await reader.ReadAsync(cancellationToken))
            bodies[new BodyKey(row.Bytes(0))] = row.Bytes(1);
        await reader.NextResultAsync(cancellationToken);
        foreach (var load in loads)
            load.Outcome = bodies.GetValueOrDefault(new BodyKey(load.Hash));
    }

    private static async Task ReadCertificates(NpgsqlDataReader reader, List<FindCertificateItem> finds, CancellationToken cancellationToken)
    {
        var row = RowOf(reader);
        var found = new Dictionary<BodyKey, CertificateStanding>();
        while (await reader.ReadAsync(cancellationToken))
            found[new BodyKey(row.Bytes(0))] = CertificateColumns.ReadStanding(row, 1);

        await reader.NextResultAsync(cancellationToken);
        foreach (var find in finds)
            find.Outcome = found[new BodyKey(find.Sha256)];
    }

    private static List<T> Of<T>(Dictionary<string, List<T>> lists, string id)
    {
        if (!lists.TryGetValue(id, out var list))
            lists[id] = list = [];
        return list;
    }
}
