namespace FleetMdm.Storage.Audit;

/// <summary>The columns of a record, once for both databases.</summary>
internal static class AuditColumns
{
    public const string Names =
        "id, at, actor_kind, actor_id, actor_name, address, verb, target_kind, target_id, subject, detail, affected, reason, result, used_right, mac";

    public const string Insert = $"""
        INSERT INTO audit ({Names})
        VALUES (@id, @at, @kind, @actor, @name, @address, @verb, @targetKind, @target, @subject, @detail, @affected, @reason, @result, @right, @mac)
        ON CONFLICT (id) DO NOTHING
        """;

    public static Task<int> Add(Session session, AuditRecord record) => session.Sql(Insert)
        .Bytes("@id", record.Key).Time("@at", record.At).Short("@kind", (short)record.Actor.Kind).Text("@actor", record.Actor.Id)
        .Text("@name", record.Actor.Name).Text("@address", record.Actor.Address).Text("@verb", record.Verb)
        .Text("@targetKind", record.TargetKind).Text("@target", record.TargetId).Text("@subject", record.Subject)
        .Text("@detail", record.Detail).Long("@affected", record.Count).Text("@reason", record.Reason)
        .Short("@result", (short)record.Result)
        .Text("@right", record.Right).Bytes("@mac", session.Database.AuditSeal.Sign(record)).Execute();

    public static AuditRecord Read(Row row) => AuditRecord.Stored(
        row.Bytes(0), row.Time(1), new AuditActor((ActorKind)row.Short(2), row.TextOrNull(3), row.TextOrNull(4), row.TextOrNull(5)), row.Text(6)) with
    {
        TargetKind = row.TextOrNull(7),
        TargetId = row.TextOrNull(8),
        Subject = row.TextOrNull(9),
        Detail = row.TextOrNull(10),
        Count = row.LongOrNull(11),
        Reason = row.TextOrNull(12),
        Result = (AuditResult)row.Short(13),
        Right = row.TextOrNull(14),
    };

    /// <summary>The signature, after the columns of a record that begin here.</summary>
    public static byte[]? ReadSignature(Row row) => row.BytesOrNull(15);
}
