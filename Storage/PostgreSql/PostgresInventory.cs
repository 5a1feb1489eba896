using FleetMdm.Storage.GroupCommit;
using FleetMdm.Storage.Inventory;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>
/// The statements for the inventory, behind those of the answers that it comes with. A difference is written only where the list is still the one that
/// it was worked out from; its items follow the row of the list that this transaction has just written, so a repetition changes nothing.
/// </summary>
/// <remarks>1. lists that are the same: their time; 2. lists that are new, 3. that are others than before; 4. items that are gone; 5. items that are
/// new or other; 6. lists that are forgotten. An answer that came within a change of its enrolment speaks only where the change has passed.</remarks>
internal static class PostgresInventory
{
    private const string Mine = "l.xmin = pg_current_xact_id()::xid";

    private static readonly AnswerSql Same = AnswerSql.Of(4, (unnest, write, passed) => $"""
        UPDATE inventory_lists l SET as_of = i.at
        FROM unnest({unnest}) AS i(device_id, list, digest, at{write})
        WHERE l.device_id = i.device_id AND l.list = i.list AND l.digest = i.digest AND l.as_of < i.at{passed}
        """);

    private static readonly AnswerSql First = AnswerSql.Of(6, (unnest, write, passed) => $"""
        INSERT INTO inventory_lists (device_id, list, digest, as_of, changed_at, items, cut)
        SELECT i.device_id, i.list, i.digest, i.at, i.at, i.items, i.cut
        FROM unnest({unnest}) AS i(device_id, list, digest, at, items, cut{write})
        WHERE true{passed}
        ORDER BY i.device_id, i.list
        ON CONFLICT (device_id, list) DO NOTHING
        """);

    private static readonly AnswerSql Other = AnswerSql.Of(8, (unnest, write, passed) => $"""
        UPDATE inventory_lists l
        SET digest = i.digest, as_of = i.at, changed_at = CASE WHEN i.news THEN i.at ELSE l.changed_at END, items = i.items, cut = i.cut
        FROM unnest({unnest}) AS i(device_id, list, digest, at, items, cut, before, news{write})
        WHERE l.device_id = i.device_id AND l.list = i.list AND l.digest = i.before{passed}
        """);

    private const string Drop = $"""
        DELETE FROM inventory_items t
        USING unnest($1, $2, $3) AS i(device_id, list, key), inventory_lists l
        WHERE t.device_id = i.device_id AND t.list = i.list AND t.key = i.key
          AND l.device_id = i.device_id AND l.list = i.list AND {Mine}
        """;

    private const string Put = $"""
        INSERT INTO inventory_items (device_id, list, key, name, value, expires_at, details)
        SELECT i.device_id, i.list, i.key, i.name, i.value, i.expires_at, i.details
        FROM unnest($1, $2, $3, $4, $5, $6, $7) AS i(device_id, list, key, name, value, expires_at, details)
        JOIN inventory_lists l ON l.device_id = i.device_id AND l.list = i.list AND {Mine}
        ORDER BY i.device_id, i.list, i.key
        ON CONFLICT (device_id, list, key) DO UPDATE
        SET name = excluded.name, value = excluded.value, expires_at = excluded.expires_at, details = excluded.details
        """;

    private static readonly AnswerSql ForgetItems = AnswerSql.Of(2, (unnest, write, passed) => $"""
        DELETE FROM inventory_items t USING unnest({unnest}) AS i(device_id, list{write}) WHERE t.device_id = i.device_id AND t.list = i.list{passed}
        """);

    private static readonly AnswerSql ForgetLists = AnswerSql.Of(2, (unnest, write, passed) => $"""
        DELETE FROM inventory_lists t USING unnest({unnest}) AS i(device_id, list{write}) WHERE t.device_id = i.device_id AND t.list = i.list{passed}
        """);

    private static readonly string EndItems = End("inventory_items");

    private static readonly string EndLists = End("inventory_lists");

    /// <summary>For answers of iPads: all by themselves, or all within changes of their enrolments.</summary>
    public static void Add(NpgsqlBatch statements, List<Answered> answers)
    {
        var told = answers.Where(answer => answer.Finish.Inventory is not null)
            .Select(answer => new Told(answer.Finish.EnrolmentId, answer.WriteId, answer.Finish.Inventory!)).ToList();
        if (told.Count == 0)
            return;
        var same = told.FindAll(t => t.Change is { Difference: null, Forget: false });
        if (same.Count > 0)
        {
            Passed(same, new ArrayStatement<Told>(statements, Same.For(same[0].WriteId), same)
                .Text(t => t.DeviceId).Short(t => (short)t.Change.List).Guid(t => t.Change.Digest).Time(t => t.Change.At));
        }

        AddDifferences(statements, told);
        var forgotten = told.FindAll(t => t.Change.Forget);
        if (forgotten.Count > 0)
        {
            foreach (var sql in new[] { ForgetItems, ForgetLists })
                Passed(forgotten, new ArrayStatement<Told>(statements, sql.For(forgotten[0].WriteId), forgotten).Text(t => t.DeviceId).Short(t => (short)t.Change.List));
        }
    }

    private static void Passed(List<Told> told, ArrayStatement<Told> statement)
    {
        if (told[0].WriteId is not null)
            statement.Guid(t => t.WriteId!.Value);
    }

    private readonly record struct Told(string DeviceId, Guid? WriteId, InventoryChange Change);

    /// <summary>For changes of enrolments.</summary>
    public static void AddEnds(NpgsqlBatch statements, List<CommitItem> commits)
    {
        foreach (var sql in new[] { EndItems, EndLists })
        {
            new ArrayStatement<CommitItem>(statements, sql, commits)
                .Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId).Bool(c => c.Change.Inventory == InventoryEnd.Forgotten);
        }
    }

    private static void AddDifferences(NpgsqlBatch statements, List<Told> told)
    {
        var first = told.FindAll(t => t.Change.Difference is { Before: null });
        if (first.Count > 0)
        {
            Passed(first, new ArrayStatement<Told>(statements, First.For(first[0].WriteId), first)
                .Text(t => t.DeviceId).Short(t => (short)t.Change.List).Guid(t => t.Change.Digest).Time(t => t.Change.At)
                .Int(t => t.Change.Difference!.Items).Bool(t => t.Change.Difference!.Cut));
        }

        var other = told.FindAll(t => t.Change.Difference is { Before: not null });
        if (other.Count > 0)
        {
            Passed(other, new ArrayStatement<Told>(statements, Other.For(other[0].WriteId), other)
                .Text(t => t.DeviceId).Short(t => (short)t.Change.List).Guid(t => t.Change.Digest).Time(t => t.Change.At)
                .Int(t => t.Change.Difference!.Items).Bool(t => t.Change.Difference!.Cut).Guid(t => t.Change.Difference!.Before!.Value)
                .Bool(t => t.Change.Difference!.IsNews));
        }

        var dropped = told.SelectMany(t => t.Change.Difference?.Dropped.Select(key => (t.DeviceId, t.Change.List, Key: key)) ?? []).ToList();
        if (dropped.Count > 0)
            new ArrayStatement<(string DeviceId, InventoryList List, string Key)>(statements, Drop, dropped).Text(d => d.DeviceId).Short(d => (short)d.List).Text(d => d.Key);
        var put = told.SelectMany(t => t.Change.Difference?.Put.Select(item => (t.DeviceId, t.Change.List, Item: item)) ?? []).ToList();
        if (put.Count > 0)
        {
            new ArrayStatement<(string DeviceId, InventoryList List, InventoryItem Item)>(statements, Put, put)
                .Text(p => p.DeviceId).Short(p => (short)p.List).Text(p => p.Item.Key).Text(p => p.Item.Name).Text(p => p.Item.Value)
                .Time(p => p.Item.ExpiresAt).Text(p => p.Item.Details);
        }
    }

    private static string End(string table) => $"""
        DELETE FROM {table} t
        USING unnest($1, $2, $3) AS i(id, write_id, whole), devices d
        WHERE d.id = i.id AND d.write_id = i.write_id AND d.xmin = pg_current_xact_id()::xid
          AND t.device_id = i.id AND (i.whole OR t.list = {(short)InventoryList.Location})
        """;
}
