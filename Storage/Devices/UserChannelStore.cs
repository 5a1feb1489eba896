namespace FleetMdm.Storage.Devices;

/// <inheritdoc cref="IUserChannelStore"/>
internal sealed class UserChannelStore(Database database) : IUserChannelStore
{
    public Task<SharedDevice?> Find(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read<SharedDevice?>(async s =>
        {
            var device = await s.Sql("SELECT kind, product_name FROM devices WHERE id = @id").Text("@id", deviceId)
                .First(row => new SharedDevice((EnrolmentKind)row.Short(0), row.TextOrNull(1), []));
            if (device is null) return null;
            // The condition on the two ids stands as in the index.
            var users = await s
                .Sql($"""
                    SELECT d.id, d.status, coalesce(a.last_seen_at, d.token_updated_at) FROM {DeviceColumns.Joined}
                    WHERE d.device_id = @id AND d.device_id <> d.id
                    """)
                .Text("@id", deviceId).List(row => new UserChannel(row.Text(0), (EnrolmentStatus)row.Short(1), row.TimeOrNull(2)));
            return device with { Users = users };
        });
    }

    public Task<bool> Drop(string enrolmentId)
    {
        StoredText.Check("The enrolment id", enrolmentId);
        return database.Write(async s =>
        {
            if (await s.Sql("DELETE FROM devices WHERE id = @id AND device_id <> id AND status NOT IN (1, 2)").Text("@id", enrolmentId).Execute() == 0)
                return false;
            await s.Sql("DELETE FROM device_activity WHERE id = @id").Text("@id", enrolmentId).Execute();
            return true;
        });
    }
}
