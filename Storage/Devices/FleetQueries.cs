using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Devices;

/// <summary>Statements that both databases understand; see <see cref="IFleetQueries"/>.</summary>
internal sealed class FleetQueries(Database database, BodySealer sealer) : IFleetQueries
{
    /// <summary>An enrolment that can be pushed to.</summary>
    public const string Pushable =
        "d.status IN (1, 2) AND d.push_token IS NOT NULL AND d.push_magic IS NOT NULL AND d.topic IS NOT NULL AND d.push_token_dead IS NULL";

    /// <summary>Of a row of <c>queue</c>: its operation was not cancelled.</summary>
    public const string NotCancelled =
        "(operation_id IS NULL OR operation_id NOT IN (SELECT o.id FROM operations o WHERE o.cancelled_at IS NOT NULL))";

    public const string PushColumns = "d.id, d.topic, d.push_token, d.push_magic";

    private const string HistoryColumns =
        "enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, sent_at, finished_at, not_now_count, " +
        "operation_id, error_summary, result_hash";

    /// <summary>What stands for the last contact of an iPad that had none; see <see cref="Database.NeverSeen"/>.</summary>
    internal static readonly DateTimeOffset NeverSeen = DateTimeOffset.UnixEpoch;

    public async Task<IReadOnlyList<DeviceRow>> ListDevices(Scope scope, DeviceFilter filter, string? after, int limit, DeviceOrder order = default)
    {
        DeviceConditions.Check(filter);
        filter = filter with { Scope = scope };
        StoredText.Check("The cursor to go on after", after);
        var last = after is null || order.By != DeviceSort.LastSeen ? null : DeviceCursor.Read(after);
        if (after is not null && order.By == DeviceSort.LastSeen && last is null) return [];
        return await database.Read(async s =>
        {
            var meant = await GroupRules.Expand(s, filter);
            string? from = null;
            if (after is not null && order.By is DeviceSort.Name or DeviceSort.SerialNumber)
            {
                // Where the page before ended: its last row may have another name by now, and stands there then.
                from = await s.Sql($"SELECT {Key(order.By, database)} FROM devices d WHERE d.id = @after{scope.AndDevice(database)}").Text("@after", after).Within(scope).First(row => row.Text(0));
                if (from is null) return [];
            }

            return await s.Sql(ListSql(meant, after is not null, order, database)).Bind(p => DeviceConditions.Bind(p, meant))
                .Bind(p =>
                {
                    if (after is not null) p.Text("@after", last?.Id ?? after);
                    if (from is not null) p.Text("@from", from);
                    if (last is { } seen) p.Time("@from", seen.At);
                })
                .Int("@limit", limit).List(row => DeviceColumns.Read(row));
        });
    }

    /// <summary>A page, from the index that has its order. The last contact is a column of the other table, which leads then.</summary>
    internal static string ListSql(DeviceFilter filter, bool later, DeviceOrder order, Database database)
    {
        var key = Key(order.By, database);
        var (direction, beyond) = order.Descending ? (" DESC", "<") : ("", ">");
        var (tables, id) = order.By == DeviceSort.LastSeen ? ("device_activity a JOIN devices d ON d.id = a.id", "a.id") : (DeviceColumns.Joined, "d.id");
        var from = (later, key) switch
        {
            (false, _) => "1 = 1",
            (true, null) => $"{id} {beyond} @after",
            _ => $"({key}, {id}) {beyond} (@from, @after)",
        };
        // Of some schools there are few: they are found by their school, and sorted.
        string Sorted(string expression, bool isTime = false) => filter.Scope.SchoolIds is null ? expression : database.Unindexed(expression, isTime);
        var sorted = $"ORDER BY {(key is null ? "" : Sorted(key, order.By == DeviceSort.LastSeen) + direction + ", ")}{Sorted(id)}{direction}";
        if (filter.Expression is null)
            return $"SELECT {DeviceColumns.Selected} FROM {tables} WHERE {from}{DeviceConditions.Of(filter, database)} {sorted} LIMIT @limit";
        // First the ids, from the narrow index that has what filters look at (devices_facts); then the rows of this page alone.
        return $"SELECT {DeviceColumns.Selected} FROM (SELECT {id} AS id FROM {tables} WHERE {from}{DeviceConditions.Of(filter, database)} {sorted} LIMIT @limit) page " +
            $"JOIN devices d ON d.id = page.id LEFT JOIN device_activity a ON a.id = page.id {sorted}";
    }

    public Task<long> Count(Scope scope, DeviceFilter filter)
    {
        DeviceConditions.Check(filter);
        filter = filter with { Scope = scope };
        return database.Read(async s =>
        {
            var meant = await GroupRules.Expand(s, filter);
            return await s.Sql($"SELECT count(*) FROM {DeviceColumns.Joined} WHERE 1 = 1{DeviceConditions.Of(meant, database)}")
                .Bind(p => DeviceConditions.Bind(p, meant)).First(row => row.Long(0));
        });
    }

    /// <summary>What rows are ordered by, before their id; as the indexes have it.</summary>
    private static string? Key(DeviceSort sort, Database database) => sort switch
    {
        DeviceSort.Name => $"lower(coalesce(d.device_name, d.serial_number, d.id){database.ByBytes})",
        DeviceSort.SerialNumber => "coalesce(d.serial_number, '')",
        DeviceSort.LastSeen => $"coalesce(a.last_seen_at, {database.NeverSeen})",
        _ => null,
    };

    public Task<DeviceRow?> FindDevice(string enrolmentId) => FindDevice(Scope.District, enrolmentId);

    public Task<DeviceRow?> FindDevice(Scope scope, string enrolmentId)
    {
        StoredText.Check("The enrolment id", enrolmentId);
        return database.Read(s => s
            .Sql($"SELECT {DeviceColumns.Selected} FROM {DeviceColumns.Joined} WHERE d.id = @id{scope.AndDevice(database)}").Text("@id", enrolmentId).Within(scope)
            .First(row => DeviceColumns.Read(row)));
    }

    public async Task<IReadOnlyDictionary<EnrolmentStatus, long>> CountDevices(Scope scope)
    {
        var counts = await database.Read(s => s
            .Sql($"SELECT d.status, count(*) FROM devices d WHERE d.kind <> @user{scope.AndDevice(database)} GROUP BY d.status")
            .Short("@user", (short)EnrolmentKind.SharedUser).Within(scope)
            .List(row => ((EnrolmentStatus)row.Short(0), row.Long(1))));
        return counts.ToDictionary(c => c.Item1, c => c.Item2);
    }

    public async Task<WaitingCommands> CountWaiting() =>
        (await database.Read(s => s
            .Sql($"SELECT count(*), count(not_now_at) FROM queue WHERE {NotCancelled}").First(row => new WaitingCommands(row.Long(0), row.Long(1)))))!;

    public Task<long> CountByTopic(string topic)
    {
        StoredText.Check("The topic", topic);
        return database.Read(s => s
            .Sql("SELECT count(*) FROM devices WHERE topic = @topic AND status IN (1, 2)").Text("@topic", topic).First(row => row.Long(0)));
    }

    public async Task<IReadOnlyList<HistoryRow>> ListHistory(string enrolmentId, long? beforeSequence, int limit)
    {
        StoredText.Check("The enrolment id", enrolmentId);
        return await database.Read(s => s
            .Sql($"""
                SELECT {HistoryColumns} FROM history
                WHERE enrolment_id = @id AND sequence < @before
                ORDER BY sequence DESC LIMIT @limit
                """)
            .Text("@id", enrolmentId).Long("@before", beforeSequence ?? long.MaxValue).Int("@limit", limit)
            .List(ReadHistory));
    }

    public Task<HistoryRow?> FindHistory(string enrolmentId, string commandUuid)
    {
        StoredText.Check("The enrolment id", enrolmentId);
        StoredText.Check("The CommandUUID", commandUuid);
        return database.Read(s => s
            .Sql($"SELECT {HistoryColumns}, answer FROM history WHERE command_uuid = @uuid AND enrolment_id = @id LIMIT 1")
            .Text("@uuid", commandUuid).Text("@id", enrolmentId)
            .First(row =>
            {
                var history = ReadHistory(row);
                return history with { Result = row.BytesOrNull(13) is { } answer ? sealer.OpenAnswer(history.Sequence, answer) : null };
            }));
    }

    public async Task<IReadOnlyList<PushTarget>> ListSilent(SilentSince since, string? after, int limit)
    {
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT {PushColumns} FROM {DeviceColumns.Joined}
                WHERE d.id > @after AND {Pushable}
                  AND (a.last_seen_at IS NULL OR a.last_seen_at < @silent OR a.last_seen_at > @ahead)
                  AND EXISTS (
                    SELECT 1 FROM queue q
                    WHERE q.enrolment_id = d.id AND (q.accepted_at < @silent OR q.accepted_at > @ahead)
                      AND (a.pushed_at IS NULL OR a.pushed_at < @pushed OR a.pushed_at > @ahead
                        OR a.pushed_at < q.accepted_at OR (a.push_result <> 'accepted' AND (a.pushed_at < @silent OR a.push_result = '{PushRecord.NoAnswer}'))))
                ORDER BY d.id LIMIT @limit
                """)
            .Text("@after", after ?? "").Time("@silent", since.Silent).Time("@pushed", since.Pushed).Time("@ahead", since.Ahead).Int("@limit", limit)
            .List(row => ReadPushTarget(row)));
    }

    public async Task<IReadOnlyList<PushTarget>> ListUntold(
        DateTimeOffset acceptedSince, DateTimeOffset acceptedBefore, string? after, int limit)
    {
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT {PushColumns} FROM {DeviceColumns.Joined}
                WHERE d.id > @after AND {Pushable}
                  AND EXISTS (
                    SELECT 1 FROM queue q
                    WHERE q.enrolment_id = d.id AND q.accepted_at >= @since AND q.accepted_at < @before
                      AND (a.last_seen_at IS NULL OR a.last_seen_at <= q.accepted_at) AND (a.pushed_at IS NULL OR a.pushed_at <= q.accepted_at OR a.push_result = '{PushRecord.NoAnswer}'))
                ORDER BY d.id LIMIT @limit
                """)
            .Text("@after", after ?? "").Time("@since", acceptedSince).Time("@before", acceptedBefore).Int("@limit", limit)
            .List(row => ReadPushTarget(row)));
    }

    public static PushTarget ReadPushTarget(Row row, int at = 0) =>
        new(row.Text(at), row.Text(at + 1), row.Bytes(at + 2), row.Text(at + 3));

    private static HistoryRow ReadHistory(Row row) => new()
    {
        EnrolmentId = row.Text(0),
        Sequence = row.Long(1),
        CommandUuid = row.Text(2),
        RequestType = row.Text(3),
        BodyHash = row.Bytes(4),
        Ending = (CommandEnding)row.Short(5),
        AcceptedAt = row.Time(6),
        SentAt = row.TimeOrNull(7),
        FinishedAt = row.Time(8),
        NotNowCount = row.Int(9),
        OperationId = row.TextOrNull(10),
        ErrorSummary = row.TextOrNull(11),
        ResultHash = row.BytesOrNull(12),
    };
}
