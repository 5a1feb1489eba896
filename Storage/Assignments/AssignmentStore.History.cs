using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Assignments;

/// <inheritdoc cref="IAssignmentStore"/>
internal sealed partial class AssignmentStore
{
    public Task<IReadOnlyList<AssignmentHistoryRow>> ListHistory(string deviceId, long? before, int limit)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(async s =>
        {
            var found = await s
                .Sql($"""
                    SELECT h.sequence, h.command_uuid, h.request_type, h.accepted_at, h.finished_at, h.ending, h.error_summary FROM history h
                    WHERE h.enrolment_id = @device AND h.sequence < @before AND (h.command_uuid LIKE '{AssignmentCommands.Bringing}%' OR h.command_uuid LIKE '{AssignmentCommands.Taking}%')
                    ORDER BY h.sequence DESC LIMIT @limit
                    """)
                .Text("@device", deviceId).Long("@before", before ?? long.MaxValue).Int("@limit", limit)
                .List(row => (Sequence: row.Long(0), Uuid: row.Text(1), Type: row.Text(2), SentAt: row.Time(3), EndedAt: row.Time(4), Ending: (CommandEnding)row.Short(5), Summary: row.TextOrNull(6)));
            // Their ids: of 2,000 at most, and what they send stays sealed.
            var ids = found.Count == 0 ? [] : await s.Sql("SELECT a.id FROM assignments a").List(row => row.Text(0));
            var byEnd = ids.ToLookup(End, StringComparer.OrdinalIgnoreCase);
            var named = found.SelectMany(one => byEnd[End(one.Uuid)]).Distinct().ToList();
            var rows = named.Count == 0 ? [] : (await s.Sql($"{Rows} WHERE a.id IN (SELECT id FROM {database.IdsTable})").Ids(named).List(ReadRow)).ToDictionary(row => row.Assignment.Id);
            return (IReadOnlyList<AssignmentHistoryRow>)
            [
                .. found.Select(one => new AssignmentHistoryRow(
                    one.Sequence, one.Uuid, one.Type, one.Uuid.StartsWith(AssignmentCommands.Taking, StringComparison.OrdinalIgnoreCase), one.SentAt, one.EndedAt, one.Ending, one.Summary,
                    byEnd[End(one.Uuid)].ToList() is [var only] ? rows[only] : null)),
            ];
        });
    }

    private static string End(string uuid) => uuid.Length < AssignmentCommands.EndsWith ? uuid : uuid[^AssignmentCommands.EndsWith..];
}
