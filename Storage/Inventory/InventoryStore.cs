using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Inventory;

/// <summary>Statements that both databases understand; see <see cref="IInventoryStore"/>.</summary>
internal sealed class InventoryStore(Database database) : IInventoryStore
{
    public async Task<IReadOnlyList<InventoryListRow>> FindLists(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return await database.Read(s => s
            .Sql("SELECT list, digest, as_of, changed_at, items, cut FROM inventory_lists WHERE device_id = @id ORDER BY list")
            .Text("@id", deviceId)
            .List(row => new InventoryListRow((InventoryList)row.Short(0), row.Guid(1), row.Time(2), row.Time(3), row.Int(4), row.Bool(5))));
    }

    public async Task<IReadOnlyList<InventoryItem>> ListItems(string deviceId, InventoryList list, string? after, int limit)
    {
        StoredText.Check("The device id", deviceId);
        StoredText.Check("The key to go on after", after);
        return await database.Read(s => s
            .Sql("""
                SELECT key, name, value, expires_at, details FROM inventory_items
                WHERE device_id = @id AND list = @list AND key > @after ORDER BY key LIMIT @limit
                """)
            .Text("@id", deviceId).Short("@list", (short)list).Text("@after", after ?? "").Int("@limit", limit)
            .List(row => new InventoryItem(row.Text(0), row.TextOrNull(1), row.TextOrNull(2), row.TimeOrNull(3), row.Text(4))));
    }

    public async Task<IReadOnlySet<string>> ListKeys(string deviceId, InventoryList list)
    {
        StoredText.Check("The device id", deviceId);
        return (await database.Read(s => s.Sql("SELECT key FROM inventory_items WHERE device_id = @id AND list = @list").Text("@id", deviceId).Short("@list", (short)list).List(row => row.Text(0))))
            .ToHashSet(StringComparer.Ordinal);
    }

    public Task Schedule(string deviceId, DateTimeOffset refreshAt)
    {
        StoredText.Check("The device id", deviceId);
        return database.Write(s => s.Sql("UPDATE device_activity SET refresh_at = @at WHERE id = @id").Time("@at", refreshAt).Text("@id", deviceId).Execute());
    }

    public Task<int> ForgetEnded(DateTimeOffset endedBefore, int limit) => database.Write(async s =>
    {
        var ended = await s
            .Sql("""
                SELECT d.id FROM devices d
                WHERE d.status IN (3, 4, 5) AND d.unenrolled_at < @before
                  AND (EXISTS (SELECT 1 FROM inventory_lists l WHERE l.device_id = d.id) OR EXISTS (SELECT 1 FROM profile_installs i WHERE i.device_id = d.id)
                    OR EXISTS (SELECT 1 FROM assignment_devices x WHERE x.device_id = d.id) OR EXISTS (SELECT 1 FROM declaration_devices y WHERE y.device_id = d.id))
                LIMIT @limit
                """)
            .Time("@before", endedBefore).Int("@limit", limit).List(row => row.Text(0));
        if (ended.Count == 0)
            return 0;
        await s.Sql($"DELETE FROM inventory_items WHERE device_id IN (SELECT id FROM {database.IdsTable})").Ids(ended).Execute();
        await s.Sql($"DELETE FROM inventory_lists WHERE device_id IN (SELECT id FROM {database.IdsTable})").Ids(ended).Execute();
        await s.Sql($"DELETE FROM profile_installs WHERE device_id IN (SELECT id FROM {database.IdsTable})").Ids(ended).Execute();
        await s.Sql($"DELETE FROM assignment_devices WHERE device_id IN (SELECT id FROM {database.IdsTable})").Ids(ended).Execute();
        await s.Sql($"DELETE FROM declaration_devices WHERE device_id IN (SELECT id FROM {database.IdsTable})").Ids(ended).Execute();
        return ended.Count;
    });
}
