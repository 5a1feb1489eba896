using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.ActivationLock;

/// <inheritdoc cref="IActivationLockStore"/>
internal sealed class ActivationLockStore(Database database) : IActivationLockStore
{
    public Task Keep(string deviceId, byte[] code, DateTimeOffset at)
    {
        StoredText.Check("The device id", deviceId);
        return database.Write(s => s
            .Sql("""
                INSERT INTO activation_lock_codes (device_id, code, fetched_at) VALUES (@id, @code, @at)
                ON CONFLICT (device_id) DO UPDATE SET code = excluded.code, fetched_at = excluded.fetched_at, cleared_at = NULL
                """)
            .Text("@id", deviceId).Bytes("@code", code).Time("@at", at).Execute());
    }

    public Task MarkCleared(string deviceId, DateTimeOffset at)
    {
        StoredText.Check("The device id", deviceId);
        return database.Write(s => s.Sql("UPDATE activation_lock_codes SET cleared_at = @at WHERE device_id = @id").Time("@at", at).Text("@id", deviceId).Execute());
    }

    public Task<ActivationLockCode?> Find(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(s => s
            .Sql("SELECT code, fetched_at, cleared_at FROM activation_lock_codes WHERE device_id = @id").Text("@id", deviceId)
            .First(row => new ActivationLockCode(row.Bytes(0), row.Time(1), row.TimeOrNull(2))));
    }

    public Task<int> ForgetEnded(DateTimeOffset endedBefore, int limit) => database.Write(s => s
        .Sql("""
            DELETE FROM activation_lock_codes WHERE device_id IN (
              SELECT c.device_id FROM activation_lock_codes c JOIN devices d ON d.id = c.device_id
              WHERE d.status IN (3, 4, 5) AND d.unenrolled_at < @before LIMIT @limit)
            """)
        .Time("@before", endedBefore).Int("@limit", limit).Execute());
}
