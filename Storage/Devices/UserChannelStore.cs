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
                    SELECT d.id, d.status, coalesce(a.last_seen_at, d.token_updated_at), d.user_short_name, d.user_long_name, d.token_updated_at, d.awaiting_configuration
                    FROM {DeviceColumns.Joined}
                    WHERE d.device_id = @id AND d.device_id <> d.id
                    """)
                .Text("@id", deviceId).List(row => new UserChannel(row.Text(0), (EnrolmentStatus)row.Short(1), row.TimeOrNull(2))
                {
                    ShortName = row.TextOrNull(3),
                    LongName = row.TextOrNull(4),
                    TokenUpdatedAt = row.TimeOrNull(5),
                    AwaitingConfiguration = row.Bool(6),
                });
            return device with { Users = users };
        });
    }

    public async Task<IReadOnlyList<UserWaitingRow>> ListWaiting(string deviceId, int limit)
    {
        StoredText.Check("The device id", deviceId);
        return await database.Read(s => s
            .Sql("""
                SELECT q.enrolment_id, q.command_uuid, q.request_type, q.accepted_at, q.not_now_count, q.not_now_at FROM queue q
                WHERE q.enrolment_id IN (SELECT d.id FROM devices d WHERE d.device_id = @id AND d.device_id <> d.id)
                ORDER BY q.sequence LIMIT @limit
                """)
            .Text("@id", deviceId).Int("@limit", limit)
            .List(row => new UserWaitingRow(row.Text(0), row.Text(1), row.Text(2), row.Time(3), row.Int(4), row.TimeOrNull(5))));
    }

    public Task<bool> Drop(string enrolmentId)
    {
        StoredText.Check("The enrolment id", enrolmentId);
        return database.Write(async s =>
        {
            if (await s.Sql("DELETE FROM devices WHERE id = @id AND device_id <> id AND status NOT IN (1, 2)").Text("@id", enrolmentId).Execute() == 0)
                return false;
            await s.Sql("DELETE FROM device_activity WHERE id = @id").Text("@id", enrolmentId).Execute();
            await s.Sql("DELETE FROM assignment_devices WHERE device_id = @id").Text("@id", enrolmentId).Execute();
            await s.Sql("DELETE FROM profile_installs WHERE device_id = @id").Text("@id", enrolmentId).Execute();
            return true;
        });
    }
}
