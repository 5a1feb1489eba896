namespace FleetMdm.Storage.Inventory;

/// <summary>Writes one change of an iPad's inventory, item by item, for answers that do not travel with others. What comes in time is written in
/// batches; the rules are the same: a difference is written only where the list is still the one that it was worked out from.</summary>
internal static class InventoryChanges
{
    public static async Task Write(Session session, string deviceId, InventoryChange change)
    {
        Statement Sql(string text) => session.Sql(text).Text("@id", deviceId).Short("@list", (short)change.List);

        if (change.Forget)
        {
            await Sql("DELETE FROM inventory_items WHERE device_id = @id AND list = @list").Execute();
            await Sql("DELETE FROM inventory_lists WHERE device_id = @id AND list = @list").Execute();
            return;
        }

        if (change.Difference is not { } difference)
        {
            await Sql("UPDATE inventory_lists SET as_of = @at WHERE device_id = @id AND list = @list AND digest = @digest AND as_of < @at")
                .Guid("@digest", change.Digest).Time("@at", change.At).Execute();
            return;
        }

        var list = difference.Before is { } before
            ? Sql($"""
                UPDATE inventory_lists SET digest = @digest, as_of = @at, {(difference.IsNews ? "changed_at = @at, " : "")}items = @items, cut = @cut
                WHERE device_id = @id AND list = @list AND digest = @before
                """).Guid("@before", before)
            : Sql("""
                INSERT INTO inventory_lists (device_id, list, digest, as_of, changed_at, items, cut) VALUES (@id, @list, @digest, @at, @at, @items, @cut)
                ON CONFLICT (device_id, list) DO NOTHING
                """);
        if (await list.Guid("@digest", change.Digest).Time("@at", change.At).Int("@items", difference.Items).Bool("@cut", difference.Cut).Execute() == 0)
            return;
        foreach (var key in difference.Dropped)
            await Sql("DELETE FROM inventory_items WHERE device_id = @id AND list = @list AND key = @key").Text("@key", key).Execute();
        foreach (var item in difference.Put)
        {
            await Sql("""
                INSERT INTO inventory_items (device_id, list, key, name, value, expires_at, details)
                VALUES (@id, @list, @key, @name, @value, @expires, @details)
                ON CONFLICT (device_id, list, key) DO UPDATE
                SET name = excluded.name, value = excluded.value, expires_at = excluded.expires_at, details = excluded.details
                """)
                .Text("@key", item.Key).Text("@name", item.Name).Text("@value", item.Value).Time("@expires", item.ExpiresAt).Text("@details", item.Details).Execute();
        }
    }
}
