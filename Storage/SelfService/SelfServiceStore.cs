using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.People;

namespace FleetMdm.Storage.SelfService;

/// <inheritdoc cref="ISelfServiceStore"/>
internal sealed class SelfServiceStore(Database database) : ISelfServiceStore
{
    private const int HoldingWidth = 9;

    private static readonly string Own = $"""
        SELECT {HoldingStore.Columns}, {DeviceColumns.Selected}
        FROM holdings h JOIN people p ON p.id = h.person_id AND p.active JOIN devices d ON d.id = h.device_id LEFT JOIN device_activity a ON a.id = d.id
        WHERE h.person_id = @person AND h.returned_at IS NULL
        """;

    private const string NotOver = "(h.due_on IS NULL OR h.due_on >= @today)";

    public Task<PersonRow?> FindPerson(string personId)
    {
        StoredText.Check("The person's id", personId);
        return database.Read(s => s
            .Sql($"SELECT {PersonColumns.Person}, s.name FROM people p LEFT JOIN schools s ON s.id = p.school_id WHERE p.id = @id AND p.active")
            .Text("@id", personId).First(row => new PersonRow(PersonColumns.ReadPerson(row), row.TextOrNull(PersonColumns.PersonWidth))));
    }

    public async Task<IReadOnlyList<OwnDevice>> ListDevices(string personId, int limit)
    {
        StoredText.Check("The person's id", personId);
        return await database.Read(s => s
            .Sql($"{Own} ORDER BY h.given_at DESC, h.id DESC LIMIT @limit").Text("@person", personId).Int("@limit", limit).List(Read));
    }

    public Task<OwnDevice?> FindDevice(string personId, string deviceId, DateOnly today)
    {
        StoredText.Check("The person's id", personId);
        StoredText.Check("The iPad's id", deviceId);
        return database.Read(s => s
            .Sql($"{Own} AND h.device_id = @device AND {NotOver}")
            .Text("@person", personId).Text("@device", deviceId).Text("@today", PersonColumns.Day(today)).First(Read));
    }

    public Task<bool> AskReturn(string personId, string deviceId, DateOnly today, DateTimeOffset? at, AuditRecord? audit)
    {
        StoredText.Check("The person's id", personId);
        StoredText.Check("The iPad's id", deviceId);
        return database.Write(async s =>
        {
            var standing = await s
                .Sql($"""
                    SELECT {HoldingStore.Columns} FROM holdings h
                    WHERE h.person_id = @person AND h.device_id = @device AND h.returned_at IS NULL AND {NotOver}
                      AND EXISTS (SELECT 1 FROM people p WHERE p.id = h.person_id AND p.active){database.ForUpdate}
                    """)
                .Text("@person", personId).Text("@device", deviceId).Text("@today", PersonColumns.Day(today)).First(HoldingStore.Read);
            if (standing is null) return false;
            if (standing.ReturnAskedAt is null == at is null) return true;
            await s.Sql("UPDATE holdings SET return_asked_at = @at WHERE id = @id").Time("@at", at).Text("@id", standing.Id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit with { Subject = personId });
            return true;
        });
    }

    public Task<bool> Take(SelfServiceAct act, int most, DateTimeOffset since)
    {
        StoredText.Check("The id", act.Id);
        StoredText.Check("The person's id", act.PersonId);
        StoredText.Check("The iPad's id", act.DeviceId);
        return database.Write(async s =>
        {
            // The person is locked: of two at once, one after the other is counted.
            if (await s.Sql($"SELECT id FROM people WHERE id = @id AND active{database.ForUpdate}").Text("@id", act.PersonId).First(row => row.Text(0)) is null) return false;
            if (await s.Sql("SELECT 1 FROM self_service_acts WHERE id = @id").Text("@id", act.Id).First(_ => true)) return true;
            var done = await s.Sql("SELECT count(*) FROM self_service_acts WHERE person_id = @person AND kind = @kind AND at > @since")
                .Text("@person", act.PersonId).Short("@kind", (short)act.Kind).Time("@since", since).First(row => row.Long(0));
            if (done >= most) return false;
            // An iPad that is still lost is ended by whoever began it, however long it takes.
            await s.Sql("DELETE FROM self_service_acts WHERE at < @before AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = self_service_acts.device_id AND d.is_lost)").Time("@before", act.At - ISelfServiceStore.ActsKnown).Execute();
            await s.Sql("INSERT INTO self_service_acts (id, person_id, kind, device_id, at) VALUES (@id, @person, @kind, @device, @at)")
                .Text("@id", act.Id).Text("@person", act.PersonId).Short("@kind", (short)act.Kind).Text("@device", act.DeviceId).Time("@at", act.At).Execute();
            return true;
        });
    }

    public Task<SelfServiceAct?> Newest(string deviceId, SelfServiceActKind kind)
    {
        StoredText.Check("The iPad's id", deviceId);
        return database.Read(s => s
            .Sql("SELECT id, person_id, kind, device_id, at FROM self_service_acts WHERE device_id = @device AND kind = @kind ORDER BY at DESC, id DESC LIMIT 1")
            .Text("@device", deviceId).Short("@kind", (short)kind)
            .First(row => new SelfServiceAct(row.Text(0), row.Text(1), (SelfServiceActKind)row.Short(2), row.TextOrNull(3), row.Time(4))));
    }

    private static OwnDevice Read(Row row) => new(DeviceColumns.Read(row, HoldingWidth), HoldingStore.Read(row));
}
