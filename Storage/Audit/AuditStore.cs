using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Audit;

/// <summary>Audit records on either database.</summary>
internal sealed class AuditStore(Database database) : IAuditStore
{
    /// <summary>A record is made just before or in the transaction that accepts its command; clocks of nodes differ a little.</summary>
    private static readonly TimeSpan ClockDifference = TimeSpan.FromMinutes(10);

    /// <summary>An operation has one record, however many iPads it is for. Only their rows say whom it reached.</summary>
    private const string Targets = $"""
        {Named} UNION ALL
        SELECT operation_id FROM queue WHERE enrolment_id IN ({Named}) AND operation_id IS NOT NULL UNION ALL
        SELECT operation_id FROM history WHERE enrolment_id IN ({Named}) AND operation_id IS NOT NULL
        """;

    /// <summary>People know an iPad by its serial number.</summary>
    private const string Named = "SELECT @target UNION ALL SELECT id FROM devices WHERE serial_number IN (@target, upper(@target))";

    /// <summary>Sending a profile of the library is about the profile; the operation that did it is the subject.</summary>
    private const string OfProfiles = $"verb IN ('{AuditVerbs.ProfileInstall}', '{AuditVerbs.ProfileRemove}')";

    public Task Write(AuditRecord record) => database.Write(s => AuditColumns.Add(s, record));

    public async Task<IReadOnlyList<AuditRecord>> List(AuditFilter filter, Guid? before, int limit)
    {
        StoredText.Check("who", filter.Who);
        StoredText.Check("verb", filter.Verb);
        StoredText.Check("targetKind", filter.TargetKind);
        StoredText.Check("target", filter.Target);
        var upper = Earlier(before?.ToByteArray(bigEndian: true), filter.To is { } to ? AuditRecord.FirstKeyAt(to) : null);
        var conditions = string.Concat(
            filter.Who is null ? "" : " AND (actor_id = @who OR actor_name = @who)",
            filter.Verb is null ? "" : filter.Verb.EndsWith('.') ? " AND verb >= @verb AND verb < @verbEnd" : " AND verb = @verb",
            filter.TargetKind is null ? "" : " AND target_kind = @kind",
            filter.Target is null ? "" : $" AND (target_id IN ({Targets}) OR ({OfProfiles} AND subject IN ({Targets})))",
            filter.Result is null ? "" : " AND result = @result",
            upper is null ? "" : " AND id < @upper",
            filter.From is null ? "" : " AND id >= @lower");
        return await database.Read(s =>
        {
            var statement = s.Sql($"SELECT {AuditColumns.Names} FROM audit WHERE 1 = 1{conditions} ORDER BY id DESC LIMIT @limit").Int("@limit", limit);
            if (filter.Who is not null) statement.Text("@who", filter.Who);
            if (filter.Verb is not null) statement.Text("@verb", filter.Verb);
            if (filter.Verb?.EndsWith('.') == true) statement.Text("@verbEnd", filter.Verb[..^1] + '/');
            if (filter.TargetKind is not null) statement.Text("@kind", filter.TargetKind);
            if (filter.Target is not null) statement.Text("@target", filter.Target);
            if (filter.Result is { } result) statement.Short("@result", (short)result);
            if (upper is not null) statement.Bytes("@upper", upper);
            if (filter.From is { } from) statement.Bytes("@lower", AuditRecord.FirstKeyAt(from));
            return statement.List(AuditColumns.Read);
        });
    }

    public async Task<IReadOnlyDictionary<string, AuditRecord>> FindSenders(
        string enrolmentId, IReadOnlyCollection<string> commandUuids, DateTimeOffset acceptedAfter)
    {
        if (commandUuids.Count == 0) return new Dictionary<string, AuditRecord>();
        StoredText.Check("The enrolment's id", enrolmentId);
        var found = await database.Read(s => s
            .Sql($"""
                SELECT {AuditColumns.Names} FROM audit
                WHERE target_id = @id AND id >= @lower AND verb = @verb AND result = @done
                  AND subject IN (SELECT ids.id FROM {database.IdsTable})
                ORDER BY id DESC
                """)
            .Text("@id", enrolmentId).Bytes("@lower", AuditRecord.FirstKeyAt(acceptedAfter - ClockDifference))
            .Text("@verb", AuditVerbs.CommandSend).Short("@done", (short)AuditResult.Done).Ids([.. commandUuids]).List(AuditColumns.Read));
        // The earliest: whoever sends the same command again has not queued it.
        var senders = new Dictionary<string, AuditRecord>(StringComparer.Ordinal);
        foreach (var record in found) senders[record.Subject!] = record;
        return senders;
    }

    public async Task<IReadOnlyDictionary<string, AuditRecord>> FindStarters(IReadOnlyCollection<string> operationIds)
    {
        if (operationIds.Count == 0) return new Dictionary<string, AuditRecord>();
        var found = await database.Read(s => s
            .Sql($"""
                SELECT {AuditColumns.Names} FROM audit
                WHERE result = @done AND ((verb = @verb AND target_id IN (SELECT ids.id FROM {database.IdsTable}))
                  OR ({OfProfiles} AND subject IN (SELECT ids.id FROM {database.IdsTable})))
                """)
            .Text("@verb", AuditVerbs.OperationStart).Short("@done", (short)AuditResult.Done).Ids([.. operationIds]).List(AuditColumns.Read));
        return found.ToDictionary(record => record.Verb == AuditVerbs.OperationStart ? record.TargetId! : record.Subject!, StringComparer.Ordinal);
    }

    private static byte[]? Earlier(byte[]? one, byte[]? other) =>
        one is null ? other : other is null || one.AsSpan().SequenceCompareTo(other) < 0 ? one : other;
}
