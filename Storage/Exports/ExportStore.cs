using System.Globalization;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Exports;

/// <inheritdoc cref="IExportStore"/>
internal sealed class ExportStore(Database database) : IExportStore
{
    public Task<ExportedPage> Read(ExportTable table, ExportPosition? after, int limit, CancellationToken cancellationToken) => database.Read(async s =>
    {
        var rows = await s.Sql(table.Statement(after is not null)).Int("@limit", limit + 1).Bind(statement => Place(statement, table, after)).List(row => Values(table, row));
        var more = rows.Count > limit;
        var page = more ? rows.GetRange(0, limit) : rows;
        return new ExportedPage([.. page.Select(row => row.Shown)], more ? new ExportPosition(page[^1].Key) : null);
    }, cancellationToken);

    public Task<IReadOnlyList<ExportedEnrolment>> Enrolments(string? after, int limit, CancellationToken cancellationToken) => database.Read<IReadOnlyList<ExportedEnrolment>>(async s => await s
        .Sql($"""
            SELECT d.id, d.kind, d.udid, d.serial_number, d.product_name, d.model, d.model_name, d.device_name, d.os_version, d.build_version, d.imei, d.meid, d.topic, d.push_token,
              d.push_magic, d.awaiting_configuration, d.unlock_token, d.bootstrap_token, p.sha256, p.not_after, c.der
            FROM devices d
            LEFT JOIN pins p ON p.sha256 = (
              SELECT newest.sha256 FROM pins newest WHERE newest.device_id = d.id AND newest.dropped_at IS NULL ORDER BY newest.pinned_at DESC, newest.sha256 LIMIT 1)
            LEFT JOIN issued_certificates c ON c.sha256 = p.sha256
            WHERE d.id > @after AND d.status = {Number((short)EnrolmentStatus.Enrolled)} AND d.kind <> {Number((short)EnrolmentKind.SharedUser)}
            ORDER BY d.id LIMIT @limit
            """)
        .Text("@after", after ?? "").Int("@limit", limit).List(row => new ExportedEnrolment
        {
            Id = row.Text(0),
            Kind = (EnrolmentKind)row.Short(1),
            Udid = row.TextOrNull(2),
            SerialNumber = row.TextOrNull(3),
            ProductName = row.TextOrNull(4),
            Model = row.TextOrNull(5),
            ModelName = row.TextOrNull(6),
            DeviceName = row.TextOrNull(7),
            OsVersion = row.TextOrNull(8),
            BuildVersion = row.TextOrNull(9),
            Imei = row.TextOrNull(10),
            Meid = row.TextOrNull(11),
            Topic = row.TextOrNull(12),
            PushToken = row.BytesOrNull(13),
            PushMagic = row.TextOrNull(14),
            AwaitingConfiguration = row.Bool(15),
            UnlockToken = row.BytesOrNull(16),
            BootstrapToken = row.BytesOrNull(17),
            CertificateSha256 = row.BytesOrNull(18),
            CertificateEndsAt = row.TimeOrNull(19),
            Certificate = row.BytesOrNull(20),
        }), cancellationToken);

    public Task<IReadOnlyList<ExportedLockCode>> LockCodes(string? after, int limit, CancellationToken cancellationToken) => database.Read<IReadOnlyList<ExportedLockCode>>(async s => await s
        .Sql("""
            SELECT l.device_id, d.serial_number, l.code, l.fetched_at, l.cleared_at FROM activation_lock_codes l LEFT JOIN devices d ON d.id = l.device_id
            WHERE l.device_id > @after ORDER BY l.device_id LIMIT @limit
            """)
        .Text("@after", after ?? "").Int("@limit", limit).List(row => new ExportedLockCode(row.Text(0), row.TextOrNull(1), row.Bytes(2), row.Time(3), row.TimeOrNull(4))), cancellationToken);

    private static void Place(Statement statement, ExportTable table, ExportPosition? after)
    {
        if (after is null) return;
        for (var i = 0; i < table.Keys.Count; i++)
        {
            if (after.Values[i] is string text)
                statement.Text($"@key{Number(i)}", text);
            else
                statement.Long($"@key{Number(i)}", (long)after.Values[i]);
        }
    }

    private static (object?[] Shown, object[] Key) Values(ExportTable table, Row row)
    {
        var shown = new object?[table.Columns.Count];
        for (var i = 0; i < shown.Length; i++) shown[i] = row.IsNull(i) ? null : Value(table.Columns[i], row, i);
        var key = new object[table.Keys.Count];
        for (var i = 0; i < key.Length; i++) key[i] = table.Keys[i].IsNumber ? row.Long(shown.Length + i) : row.Text(shown.Length + i);
        return (shown, key);
    }

    private static object? Value(ExportColumn column, Row row, int at) => column.Kind switch
    {
        ExportKind.Number => row.Long(at),
        ExportKind.Real => row.DoubleOrNull(at),
        ExportKind.Flag => row.Bool(at),
        ExportKind.Time => row.Time(at),
        ExportKind.Word => column.Word!(row.Long(at)),
        _ => row.Text(at),
    };

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
