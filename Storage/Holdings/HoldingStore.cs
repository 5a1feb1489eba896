using System.Globalization;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Storage.Holdings;

/// <inheritdoc cref="IHoldingStore"/>
internal sealed class HoldingStore(Database database) : IHoldingStore
{
    private const int MostFound = 3;

    internal const string Columns = "h.id, h.device_id, h.person_id, h.due_on, h.given_at, h.given_by, h.returned_at, h.returned_by, h.return_asked_at";

    private const string Rows = $"""
        SELECT {Columns}, p.given_name, p.family_name, p.active, d.device_name, d.serial_number
        FROM holdings h LEFT JOIN people p ON p.id = h.person_id LEFT JOIN devices d ON d.id = h.device_id
        """;

    public async Task<IReadOnlyList<HoldingRow>> List(Scope scope, HoldingFilter filter, string? after, int limit)
    {
        StoredText.Check("The iPad's id", filter.DeviceId);
        StoredText.Check("The person's id", filter.PersonId);
        StoredText.Check("The school's id", filter.SchoolId);
        StoredText.Check("The id to go on after", after);
        var loans = filter.Loans || filter.DueBefore is not null;
        var conditions = new List<string> { scope.CoversDevice(database) };
        if (filter.DeviceId is not null) conditions.Add("h.device_id = @device");
        if (filter.PersonId is not null) conditions.Add("h.person_id = @person");
        if (filter.Current || loans) conditions.Add("h.returned_at IS NULL");
        if (loans) conditions.Add("h.due_on IS NOT NULL");
        if (filter.DueBefore is not null) conditions.Add("h.due_on < @before");
        if (filter.ReturnAsked) conditions.Add("h.returned_at IS NULL AND h.return_asked_at IS NOT NULL");
        if (filter.SchoolId is not null) conditions.Add("d.school = (SELECT fs.name FROM schools fs WHERE fs.id = @school)");
        return await database.Read(async s =>
        {
            Holding? last = null;
            if (after is not null)
            {
                last = await s.Sql($"SELECT {Columns} FROM holdings h WHERE h.id = @after").Text("@after", after).First(row => Read(row));
                // Returned since: it stands in no list of loans any more, and says where it stood all the same.
                if (last is null || (loans && last.DueOn is null)) return [];
                conditions.Add(loans ? "(h.due_on, h.id) > (@lastDay, @after)" : "(h.given_at, h.id) < (@lastTime, @after)");
            }

            var order = loans ? "h.due_on, h.id" : "h.given_at DESC, h.id DESC";
            return await s.Sql($"{Rows} WHERE {string.Join(" AND ", conditions)} ORDER BY {order} LIMIT @limit")
                .Int("@limit", limit).Within(scope)
                .Bind(statement =>
                {
                    if (filter.DeviceId is { } device) statement.Text("@device", device);
                    if (filter.PersonId is { } person) statement.Text("@person", person);
                    if (filter.DueBefore is { } before) statement.Text("@before", PersonColumns.Day(before));
                    if (filter.SchoolId is { } school) statement.Text("@school", school);
                    if (last is null) return;
                    statement.Text("@after", last.Id);
                    if (loans) statement.Text("@lastDay", PersonColumns.Day(last.DueOn));
                    else statement.Time("@lastTime", last.GivenAt);
                })
                .List(ReadRow);
        });
    }

    public async Task<IReadOnlyDictionary<string, HoldingRow>> Current(Scope scope, IReadOnlyList<string> deviceIds)
    {
        if (deviceIds.Count == 0) return new Dictionary<string, HoldingRow>();
        foreach (var id in deviceIds) StoredText.Check("The iPad's id", id);
        var rows = await database.Read(s => s
            .Sql($"{Rows} WHERE h.returned_at IS NULL AND h.device_id IN (SELECT ids.id FROM {database.IdsTable}) AND {scope.CoversDevice(database)}")
            .Ids(deviceIds).Within(scope).List(ReadRow));
        return rows.ToDictionary(row => row.Holding.DeviceId, StringComparer.Ordinal);
    }

    public Task<long> CountOverdue(Scope scope, DateOnly today) => database.Read(s => s
        .Sql($"""
            SELECT count(*) FROM holdings h{(scope.SchoolIds is null ? "" : " JOIN devices d ON d.id = h.device_id")}
            WHERE h.returned_at IS NULL AND h.due_on IS NOT NULL AND h.due_on < @today AND {scope.CoversDevice(database)}
            """)
        .Text("@today", PersonColumns.Day(today)).Within(scope).First(row => row.Long(0)));

    public Task<long> CountReturnAsked(Scope scope) => database.Read(s => s
        .Sql($"""
            SELECT count(*) FROM holdings h{(scope.SchoolIds is null ? "" : " JOIN devices d ON d.id = h.device_id")}
            WHERE h.returned_at IS NULL AND h.return_asked_at IS NOT NULL AND {scope.CoversDevice(database)}
            """)
        .Within(scope).First(row => row.Long(0)));

    public async Task<IReadOnlyList<string>> FindDevices(Scope scope, string serialOrTag)
    {
        StoredText.Check("The serial number or asset tag", serialOrTag);
        return await database.Read(s => s
            .Sql($"""
                SELECT d.id FROM devices d WHERE d.serial_number = @serial AND d.id = d.device_id AND {scope.CoversDevice(database)}
                UNION SELECT d.id FROM placeholders t JOIN devices d ON d.serial_number = t.serial_number
                  WHERE t.asset_tag = @tag AND d.id = d.device_id AND {scope.CoversDevice(database)}
                LIMIT {MostFound}
                """)
            .Text("@serial", serialOrTag.ToUpperInvariant()).Text("@tag", serialOrTag).Within(scope).List(row => row.Text(0)));
    }

    public Task<HandOutResult> HandOut(Scope scope, HandOut handOut)
    {
        var holding = handOut.Holding;
        StoredText.Check("The id", holding.Id);
        StoredText.Check("The iPad's id", holding.DeviceId);
        StoredText.Check("The person's id", holding.PersonId);
        StoredText.Check("The name of who asked", holding.GivenBy);
        return database.Write(async s =>
        {
            // 1. the iPad and the person; the person is locked, so that they are not forgotten meanwhile
            if (await s.Sql($"SELECT d.id FROM devices d WHERE d.id = @id AND d.device_id = d.id AND {scope.CoversDevice(database)}")
                    .Text("@id", holding.DeviceId).Within(scope).First(row => row.Text(0)) is null)
            {
                return new HandOutResult(HandOutOutcome.NoDevice);
            }

            var active = await s.Sql($"SELECT p.active FROM people p WHERE p.id = @id AND {PersonColumns.Covers(scope, database)}{database.ForUpdate}")
                .Text("@id", holding.PersonId).Within(scope).First(row => (bool?)row.Bool(0));
            if (active is null) return new HandOutResult(HandOutOutcome.NoPerson);

            // 2. who has it
            var standing = await Standing(s, holding.DeviceId, database.ForUpdate);
            if (standing?.PersonId == holding.PersonId)
            {
                if (standing.DueOn == holding.DueOn) return new HandOutResult(HandOutOutcome.Written);
                await s.Sql("UPDATE holdings SET due_on = @due WHERE id = @id").Text("@due", PersonColumns.Day(holding.DueOn)).Text("@id", standing.Id).Execute();
                if (handOut.Audit is not null) await AuditColumns.Add(s, handOut.Audit);
                return new HandOutResult(HandOutOutcome.Written);
            }

            if (active is false) return new HandOutResult(HandOutOutcome.PersonLeft);
            if (standing is not null)
            {
                if (!handOut.ReturnFirst) return new HandOutResult(HandOutOutcome.Taken, await By(s, standing.Id));
                await End(s, standing.Id, holding.GivenAt, holding.GivenBy);
                if (handOut.AuditOfReturn is { } returned) await AuditColumns.Add(s, returned with { Subject = standing.PersonId });
            }

            // 3. it changes hands; of two at once, one wins
            var added = await s
                .Sql("""
                    INSERT INTO holdings (id, device_id, person_id, due_on, given_at, given_by) VALUES (@id, @device, @person, @due, @at, @by)
                    ON CONFLICT DO NOTHING
                    """)
                .Text("@id", holding.Id).Text("@device", holding.DeviceId).Text("@person", holding.PersonId).Text("@due", PersonColumns.Day(holding.DueOn))
                .Time("@at", holding.GivenAt).Text("@by", holding.GivenBy).Execute();
            if (added == 0)
            {
                return await Standing(s, holding.DeviceId, "") is { } other
                    ? new HandOutResult(HandOutOutcome.Taken, await By(s, other.Id))
                    : new HandOutResult(HandOutOutcome.Written);
            }

            if (handOut.Audit is not null) await AuditColumns.Add(s, handOut.Audit);
            return new HandOutResult(HandOutOutcome.Written);
        });
    }

    public Task<bool> Return(Scope scope, string deviceId, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The iPad's id", deviceId);
        StoredText.Check("The name of who asked", by);
        return database.Write(async s =>
        {
            if (await s.Sql($"SELECT d.id FROM devices d WHERE d.id = @id AND {scope.CoversDevice(database)}").Text("@id", deviceId).Within(scope).First(row => row.Text(0)) is null
                || await Standing(s, deviceId, database.ForUpdate) is not { } standing)
            {
                return false;
            }

            await End(s, standing.Id, at, by);
            if (audit is not null) await AuditColumns.Add(s, audit with { Subject = standing.PersonId });
            return true;
        });
    }

    public Task HandOutWaiting(string serialNumber, Holding holding, AuditRecord? audit)
    {
        StoredText.Check("The serial number", serialNumber);
        StoredText.Check("The iPad's id", holding.DeviceId);
        return database.Write(async s =>
        {
            var waiting = await s.Sql($"SELECT person_id, person_by, person_at FROM placeholders WHERE serial_number = @serial AND person_id IS NOT NULL{database.ForUpdate}")
                .Text("@serial", serialNumber.ToUpperInvariant())
                .First(row => new { Person = row.Text(0), IsOver = Placeholder.IsOver(row.IsNull(1) ? null : (PersonBy)row.Short(1), row.TimeOrNull(2), holding.GivenAt) });
            if (waiting is null) return;
            await s.Sql("UPDATE placeholders SET person_id = NULL, person_by = NULL, person_at = NULL WHERE serial_number = @serial").Text("@serial", serialNumber.ToUpperInvariant()).Execute();
            // Whoever signed in that long ago did not finish.
            if (waiting.IsOver) return;
            var person = waiting.Person;
            var added = await s
                .Sql("""
                    INSERT INTO holdings (id, device_id, person_id, given_at, given_by)
                    SELECT @id, @device, p.id, @at, @by FROM people p WHERE p.id = @person AND p.active
                    ON CONFLICT DO NOTHING
                    """)
                .Text("@id", holding.Id).Text("@device", holding.DeviceId).Text("@person", person).Time("@at", holding.GivenAt).Text("@by", holding.GivenBy).Execute();
            if (added > 0 && audit is not null) await AuditColumns.Add(s, audit with { Subject = person });
        });
    }

    public Task HandOutInvited(Holding holding, DateTimeOffset since, AuditRecord? audit)
    {
        StoredText.Check("The iPad's id", holding.DeviceId);
        return database.Write(async s =>
        {
            // Who had it by this invitation and has handed it back does not get it again when the iPad says once more that it enrols.
            var added = await s
                .Sql("""
                    INSERT INTO holdings (id, device_id, person_id, given_at, given_by)
                    SELECT @id, @device, p.id, @at, @by FROM people p
                    WHERE p.id = @person AND p.active
                      AND NOT EXISTS (SELECT 1 FROM holdings h WHERE h.device_id = @device AND h.person_id = @person AND h.given_at >= @since)
                    ON CONFLICT DO NOTHING
                    """)
                .Text("@id", holding.Id).Text("@device", holding.DeviceId).Text("@person", holding.PersonId).Time("@at", holding.GivenAt).Text("@by", holding.GivenBy)
                .Time("@since", since).Execute();
            if (added > 0 && audit is not null) await AuditColumns.Add(s, audit with { Subject = holding.PersonId });
        });
    }

    public Task<Person?> PersonOf(string deviceId)
    {
        StoredText.Check("The iPad's id", deviceId);
        return database.Read(s => s
            .Sql($"SELECT {PersonColumns.Person} FROM holdings h JOIN people p ON p.id = h.person_id WHERE h.device_id = @device AND h.returned_at IS NULL")
            .Text("@device", deviceId).First(row => PersonColumns.ReadPerson(row)));
    }

    private static Task<Holding?> Standing(Session s, string deviceId, string forUpdate) => s
        .Sql($"SELECT {Columns} FROM holdings h WHERE h.device_id = @device AND h.returned_at IS NULL{forUpdate}")
        .Text("@device", deviceId).First(row => Read(row));

    private static Task<HoldingRow?> By(Session s, string id) => s.Sql($"{Rows} WHERE h.id = @id").Text("@id", id).First(ReadRow);

    private static Task<int> End(Session s, string id, DateTimeOffset at, string by) => s
        .Sql("UPDATE holdings SET returned_at = @at, returned_by = @by WHERE id = @id").Time("@at", at).Text("@by", by).Text("@id", id).Execute();

    private static HoldingRow ReadRow(Row row) => new(
        Read(row), row.TextOrNull(9), row.TextOrNull(10), row.BoolOrNull(11) == false, row.TextOrNull(12), row.TextOrNull(13));

    internal static Holding Read(Row row) => new()
    {
        Id = row.Text(0),
        DeviceId = row.Text(1),
        PersonId = row.Text(2),
        DueOn = row.TextOrNull(3) is { } day ? DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null,
        GivenAt = row.Time(4),
        GivenBy = row.Text(5),
        ReturnedAt = row.TimeOrNull(6),
        ReturnedBy = row.TextOrNull(7),
        ReturnAskedAt = row.TimeOrNull(8),
    };
}
