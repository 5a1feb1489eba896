using System.Globalization;
using System.Text.Json;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;

namespace FleetMdm.Storage.Campaigns;

/// <inheritdoc cref="ICampaignStore"/>
internal sealed class CampaignStore(Database database) : ICampaignStore
{
    private const string Columns = "c.id, c.name, c.school_id, c.target, c.class_ids, c.due_on, c.created_at, c.created_by, c.closed_at, c.closed_by";

    private const int Width = 10;

    /// <summary>Of <c>campaign_devices x</c>: it acknowledged EraseDevice after the campaign <c>c</c> was made.</summary>
    private const string ErasedAt =
        "(SELECT max(t.finished_at) FROM history t WHERE t.enrolment_id = x.device_id AND t.request_type = 'EraseDevice' AND t.ending = 1 AND t.finished_at >= c.created_at)";

    private const string Devices = $"""
        SELECT x.device_id, x.serial_number, x.device_name, x.school, p.asset_tag, x.person_id, w.given_name, w.family_name, x.collected_at, x.collected_by, {ErasedAt},
          (SELECT 1 FROM queue q WHERE q.enrolment_id = x.device_id AND q.request_type = 'EraseDevice' LIMIT 1), k.device_id, d.status, a.last_seen_at
        FROM campaign_devices x JOIN campaigns c ON c.id = x.campaign_id LEFT JOIN placeholders p ON p.serial_number = x.serial_number LEFT JOIN people w ON w.id = x.person_id
        LEFT JOIN activation_lock_codes k ON k.device_id = x.device_id LEFT JOIN devices d ON d.id = x.device_id LEFT JOIN device_activity a ON a.id = x.device_id
        """;

    private const int MostFound = 2;

    /// <summary>200,000 rows take some seconds.</summary>
    private static readonly TimeSpan LongTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Of <c>campaigns c</c>: it has iPads that were of a school within the scope when it was made.</summary>
    private string Covers(Scope scope) => scope.SchoolIds is null
        ? "1 = 1"
        : $"({scope.Covers(database, "c.school_id")} OR EXISTS (SELECT 1 FROM campaign_devices o WHERE o.campaign_id = c.id AND {scope.CoversName(database, "o.school")}))";

    private string Rows(Scope scope) => $"SELECT {Columns}, s.name FROM campaigns c LEFT JOIN schools s ON s.id = c.school_id WHERE {Covers(scope)}";

    public async Task<IReadOnlyList<CampaignRow>> List(Scope scope, (DateTimeOffset CreatedAt, string Id)? after, int limit)
    {
        StoredText.Check("The campaign to go on after", after?.Id);
        var beyond = after is null ? "" : " AND (c.created_at, c.id) < (@time, @after)";
        return await database.Read(s => s.Sql($"{Rows(scope)}{beyond} ORDER BY c.created_at DESC, c.id DESC LIMIT @limit").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (after is { } last) statement.Time("@time", last.CreatedAt).Text("@after", last.Id);
            })
            .List(ReadRow));
    }

    public Task<CampaignRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The campaign's id", id);
        return database.Read(s => s.Sql($"{Rows(scope)} AND c.id = @id").Text("@id", id).Within(scope).First(ReadRow));
    }

    public async Task<IReadOnlyList<CampaignCount>> Count(Scope scope, IReadOnlyList<string> ids) => await database.Read(s => s
        .Sql($"""
            SELECT x.campaign_id, x.school, count(*), count(x.collected_at), count({ErasedAt})
            FROM campaign_devices x JOIN campaigns c ON c.id = x.campaign_id
            WHERE x.campaign_id IN (SELECT id FROM {database.IdsTable}) AND {scope.CoversName(database, "x.school")} GROUP BY x.campaign_id, x.school ORDER BY x.campaign_id, x.school
            """)
        .Ids(ids).Within(scope).List(row => new CampaignCount(row.Text(0), row.TextOrNull(1), row.Long(2), row.Long(3), row.Long(4))));

    public async Task<CampaignPlan> Plan(Scope scope, CampaignTarget target, int examples)
    {
        Check(target);
        return await database.Read(async s =>
        {
            var (found, bind) = await Found(s, scope, target);
            var counted = await s.Sql($"SELECT count(*), count((SELECT h.id FROM holdings h WHERE h.device_id = d.id AND h.returned_at IS NULL)) FROM {found}").Bind(bind)
                .First(row => (Total: row.Long(0), Assigned: row.Long(1)));
            var some = await s.Sql($"SELECT d.id, d.device_name, d.serial_number FROM {found} ORDER BY d.id LIMIT @examples").Bind(bind).Int("@examples", examples)
                .List(row => (row.Text(0), row.TextOrNull(1), row.TextOrNull(2)));
            return new CampaignPlan(counted.Total, counted.Assigned, some);
        });
    }

    public Task<CampaignOutcome> Create(Scope scope, Campaign campaign, Func<long, AuditRecord?> audit)
    {
        var target = new CampaignTarget(campaign.Target, campaign.ClassIds, campaign.SchoolId, campaign.CreatedAt);
        Check(target);
        StoredText.Check("The campaign's id", campaign.Id);
        StoredText.Check("The name", campaign.Name);
        StoredText.Check("The name of who asked", campaign.CreatedBy);
        return database.Write(async s =>
        {
            // By an attempt whose answer was lost, or by the same request before.
            if (await s.Sql("SELECT 1 FROM campaigns WHERE id = @id").Text("@id", campaign.Id).First(_ => true)) return CampaignOutcome.Written;
            if (campaign.SchoolId is { } school && !await s.Sql("SELECT 1 FROM schools WHERE id = @id").Text("@id", school).First(_ => true)) return CampaignOutcome.UnknownSchool;
            if (await s.Sql("SELECT count(*) FROM campaigns WHERE closed_at IS NULL").First(row => row.Long(0)) >= ICampaignStore.MostOpen) return CampaignOutcome.TooMany;
            var (found, bind) = await Found(s, scope, target);
            var count = await s.Sql($"SELECT count(*) FROM {found}").Bind(bind).First(row => row.Long(0));
            if (count == 0) return CampaignOutcome.Nobody;
            if (count > ICampaignStore.MostDevices) return CampaignOutcome.TooManyDevices;
            await s
                .Sql("""
                    INSERT INTO campaigns (id, version, name, school_id, target, class_ids, due_on, created_at, created_by) VALUES (@id, 1, @name, @school, @target, @classes, @due, @at, @by)
                    ON CONFLICT DO NOTHING
                    """)
                .Text("@id", campaign.Id).Text("@name", campaign.Name).Text("@school", campaign.SchoolId).Text("@target", campaign.Target)
                .Text("@classes", campaign.ClassIds.Count == 0 ? null : JsonSerializer.Serialize(campaign.ClassIds)).Text("@due", PersonColumns.Day(campaign.DueOn))
                .Time("@at", campaign.CreatedAt).Text("@by", campaign.CreatedBy).Execute();
            long written = await s
                .Sql($"""
                    INSERT INTO campaign_devices (campaign_id, device_id, serial_number, device_name, school, person_id)
                    SELECT @campaign, d.id, d.serial_number, d.device_name, d.school, (SELECT h.person_id FROM holdings h WHERE h.device_id = d.id AND h.returned_at IS NULL)
                    FROM {found} ORDER BY d.id ON CONFLICT DO NOTHING
                    """)
                .Text("@campaign", campaign.Id).Bind(bind).Execute();
            if (audit(written) is { } record) await AuditColumns.Add(s, record);
            return CampaignOutcome.Written;
        }, timeout: LongTimeout);
    }

    public Task<CampaignOutcome> Close(Scope scope, string id, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The campaign's id", id);
        StoredText.Check("The name of who asked", by);
        return database.Write(async s =>
        {
            if (await Own(s, scope, id) is not { } standing) return CampaignOutcome.NotFound;
            if (standing.ClosedAt is not null) return CampaignOutcome.Written;
            await s.Sql("UPDATE campaigns SET closed_at = @at, closed_by = @by, version = version + 1 WHERE id = @id").Time("@at", at).Text("@by", by).Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return CampaignOutcome.Written;
        });
    }

    public Task<CampaignOutcome> Delete(Scope scope, string id, AuditRecord? audit)
    {
        StoredText.Check("The campaign's id", id);
        return database.Write(async s =>
        {
            if (await Own(s, scope, id) is not { } standing) return CampaignOutcome.NotFound;
            if (standing.ClosedAt is null) return CampaignOutcome.Open;
            await Drop(s, id);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return CampaignOutcome.Written;
        }, timeout: LongTimeout);
    }

    public async Task<IReadOnlyList<CampaignDeviceRow>> ListDevices(Scope scope, string id, CampaignPart part, string? school, string? after, int limit)
    {
        StoredText.Check("The campaign's id", id);
        StoredText.Check("The school", school);
        StoredText.Check("The id to go on after", after);
        var which = part switch
        {
            CampaignPart.Missing => " AND x.collected_at IS NULL",
            CampaignPart.Collected => " AND x.collected_at IS NOT NULL",
            CampaignPart.NotErased => $" AND x.collected_at IS NOT NULL AND {ErasedAt} IS NULL",
            _ => "",
        };
        return await database.Read(s => s
            .Sql($"{Devices} WHERE x.campaign_id = @id AND x.device_id > @after AND {scope.CoversName(database, "x.school")}{which}{(school is null ? "" : " AND x.school = @school")} ORDER BY x.device_id LIMIT @limit")
            .Text("@id", id).Text("@after", after ?? "").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (school is not null) statement.Text("@school", school);
            })
            .List(ReadDevice));
    }

    public async Task<IReadOnlyList<CampaignDeviceRow>> ListLatest(Scope scope, string id, int limit)
    {
        StoredText.Check("The campaign's id", id);
        return await database.Read(s => s
            .Sql($"{Devices} WHERE x.campaign_id = @id AND x.collected_at IS NOT NULL AND {scope.CoversName(database, "x.school")} ORDER BY x.collected_at DESC, x.device_id LIMIT @limit")
            .Text("@id", id).Int("@limit", limit).Within(scope).List(ReadDevice));
    }

    public Task<CollectResult> Collect(Scope scope, string id, string code, string? school, DateTimeOffset at, string by, Func<string, AuditRecord?> audit, AuditRecord? ofReturn)
    {
        StoredText.Check("The campaign's id", id);
        StoredText.Check("The serial number or asset tag", code);
        StoredText.Check("The school", school);
        StoredText.Check("The name of who asked", by);
        var serial = code.ToUpperInvariant();
        return database.Write(async s =>
        {
            if (await s.Sql($"SELECT {Columns} FROM campaigns c WHERE c.id = @id AND {Covers(scope)}").Text("@id", id).Within(scope).First(row => Read(row)) is not { } campaign)
                return new CollectResult(CollectOutcome.NoCampaign);
            if (campaign.ClosedAt is not null) return new CollectResult(CollectOutcome.Closed);

            // 1. which one; on boxes, S stands before the serial number
            var found = await s
                .Sql($"""
                    SELECT x.device_id, x.school, CASE WHEN {scope.CoversName(database, "x.school")} THEN 1 ELSE 0 END FROM campaign_devices x LEFT JOIN placeholders p ON p.serial_number = x.serial_number
                    WHERE x.campaign_id = @id AND (x.serial_number = @serial OR x.serial_number = @boxed OR p.asset_tag = @tag) ORDER BY x.device_id LIMIT {MostFound}
                    """)
                .Text("@id", id).Text("@serial", serial).Text("@boxed", serial.StartsWith('S') ? serial[1..] : serial).Text("@tag", code).Within(scope)
                .List(row => (Id: row.Text(0), School: row.TextOrNull(1), IsOwn: row.Int(2) == 1));
            if (found.Count > 1) return new CollectResult(CollectOutcome.Several);
            if (found.Count == 0)
            {
                var known = await s
                    .Sql($"""
                        SELECT 1 FROM devices d LEFT JOIN placeholders p ON p.serial_number = d.serial_number
                        WHERE (d.serial_number = @serial OR d.serial_number = @boxed OR p.asset_tag = @tag) AND d.id = d.device_id AND {scope.CoversDevice(database)} LIMIT 1
                        """)
                    .Text("@serial", serial).Text("@boxed", serial.StartsWith('S') ? serial[1..] : serial).Text("@tag", code).Within(scope).First(_ => true);
                return new CollectResult(known ? CollectOutcome.NotInCampaign : CollectOutcome.Unknown);
            }

            var (device, whose, isOwn) = found[0];
            if (!isOwn || (school is not null && school != whose)) return new CollectResult(CollectOutcome.OtherSchool, School: whose);

            // 2. once, by whoever is first
            var holding = await s.Sql($"SELECT h.id, h.person_id FROM holdings h WHERE h.device_id = @device AND h.returned_at IS NULL{database.ForUpdate}").Text("@device", device)
                .First(row => (Id: (string?)row.Text(0), Person: (string?)row.Text(1)));
            var taken = await s.Sql("UPDATE campaign_devices SET collected_at = @at, collected_by = @by, holding_id = @holding WHERE campaign_id = @id AND device_id = @device AND collected_at IS NULL")
                .Time("@at", at).Text("@by", by).Text("@holding", holding.Id).Text("@id", id).Text("@device", device).Execute();
            if (taken > 0)
            {
                // 3. whoever had it has returned it
                if (holding.Id is not null)
                {
                    await s.Sql("UPDATE holdings SET returned_at = @at, returned_by = @by WHERE id = @holding").Time("@at", at).Text("@by", by).Text("@holding", holding.Id).Execute();
                    if (ofReturn is not null) await AuditColumns.Add(s, ofReturn with { TargetId = device, Subject = holding.Person });
                }

                if (audit(device) is { } record) await AuditColumns.Add(s, record);
            }

            var row = await s.Sql($"{Devices} WHERE x.campaign_id = @id AND x.device_id = @device").Text("@id", id).Text("@device", device).First(ReadDevice);
            return new CollectResult(taken > 0 ? CollectOutcome.Collected : CollectOutcome.Twice, row);
        });
    }

    public Task<bool> PutBack(Scope scope, string id, string deviceId, AuditRecord? audit, AuditRecord? ofHandOut = null)
    {
        StoredText.Check("The campaign's id", id);
        StoredText.Check("The iPad's id", deviceId);
        return database.Write(async s =>
        {
            var holding = await s
                .Sql($"""
                    SELECT x.device_id, x.holding_id FROM campaign_devices x JOIN campaigns c ON c.id = x.campaign_id
                    WHERE x.campaign_id = @id AND x.device_id = @device AND x.collected_at IS NOT NULL AND c.closed_at IS NULL AND {scope.CoversName(database, "x.school")}
                    """)
                .Text("@id", id).Text("@device", deviceId).Within(scope).First(row => (Device: (string?)row.Text(0), Holding: row.TextOrNull(1)));
            if (holding.Device is null) return false;
            await s.Sql("UPDATE campaign_devices SET collected_at = NULL, collected_by = NULL, holding_id = NULL WHERE campaign_id = @id AND device_id = @device").Text("@id", id).Text("@device", deviceId).Execute();
            if (holding.Holding is not null)
            {
                var again = await s
                    .Sql("""
                        UPDATE holdings SET returned_at = NULL, returned_by = NULL WHERE id = @holding AND returned_at IS NOT NULL
                          AND NOT EXISTS (SELECT 1 FROM holdings o WHERE o.device_id = @device AND (o.returned_at IS NULL OR o.given_at > (SELECT m.returned_at FROM holdings m WHERE m.id = @holding)))
                        """)
                    .Text("@holding", holding.Holding).Text("@device", deviceId).Execute();
                if (again > 0 && ofHandOut is not null)
                {
                    var person = await s.Sql("SELECT person_id FROM holdings WHERE id = @holding").Text("@holding", holding.Holding).First(row => row.Text(0));
                    await AuditColumns.Add(s, ofHandOut with { TargetId = deviceId, Subject = person });
                }
            }

            if (audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public async Task<int> Forget(DateTimeOffset closedBefore)
    {
        var ids = await database.Read(s => s.Sql("SELECT id FROM campaigns WHERE closed_at < @before").Time("@before", closedBefore).List(row => row.Text(0)));
        foreach (var id in ids) await database.Write(s => Drop(s, id));
        return ids.Count;
    }

    private static async Task Drop(Session s, string id)
    {
        await s.Sql("DELETE FROM campaign_devices WHERE campaign_id = @id").Text("@id", id).Execute();
        await s.Sql("DELETE FROM campaigns WHERE id = @id").Text("@id", id).Execute();
    }

    /// <summary>One that reaches no further than the rights: a school's, or the district's for the district.</summary>
    private Task<Campaign?> Own(Session s, Scope scope, string id) => s
        .Sql($"SELECT {Columns} FROM campaigns c WHERE c.id = @id AND {scope.Covers(database, "c.school_id")}{database.ForUpdate}").Text("@id", id).Within(scope).First(row => Read(row));

    private async Task<(string From, Action<Statement> Bind)> Found(Session s, Scope scope, CampaignTarget target)
    {
        var node = await AssignmentTargets.Node(s, new AssignmentTarget(target.Filter, null, target.SchoolId, target.Now), scope);
        var (condition, bind) = AssignmentTargets.Condition(node, target.Now, database);
        var ofClasses = target.ClassIds.Count == 0 ? "" : $"""
             AND d.id IN (SELECT h.device_id FROM holdings h JOIN class_members m ON m.person_id = h.person_id AND m.role = 1
              WHERE h.returned_at IS NULL AND m.class_id IN ({database.JsonElements("@classes")}))
            """;
        return ($"{AssignmentTargets.Enrolled}{condition}{ofClasses}{scope.AndDevice(database)}", statement =>
        {
            statement.Bind(bind).Within(scope);
            if (target.ClassIds.Count > 0) statement.Text("@classes", JsonSerializer.Serialize(target.ClassIds));
        }
        );
    }

    private static void Check(CampaignTarget target)
    {
        StoredText.Check("The target", target.Filter);
        StoredText.Check("The school's id", target.SchoolId);
        foreach (var id in target.ClassIds) StoredText.Check("The class's id", id);
    }

    private static CampaignRow ReadRow(Row row) => new(Read(row), row.TextOrNull(Width));

    private static Campaign Read(Row row) => new()
    {
        Id = row.Text(0),
        Name = row.Text(1),
        SchoolId = row.TextOrNull(2),
        Target = row.TextOrNull(3),
        ClassIds = row.TextOrNull(4) is { } classes ? JsonSerializer.Deserialize<List<string>>(classes) ?? [] : [],
        DueOn = row.TextOrNull(5) is { } day ? DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null,
        CreatedAt = row.Time(6),
        CreatedBy = row.Text(7),
        ClosedAt = row.TimeOrNull(8),
        ClosedBy = row.TextOrNull(9),
    };

    private static CampaignDeviceRow ReadDevice(Row row) => new()
    {
        DeviceId = row.Text(0),
        SerialNumber = row.TextOrNull(1),
        DeviceName = row.TextOrNull(2),
        School = row.TextOrNull(3),
        AssetTag = row.TextOrNull(4),
        PersonId = row.TextOrNull(5),
        Person = row.TextOrNull(7) is { } family ? $"{row.TextOrNull(6)} {family}".Trim() : null,
        CollectedAt = row.TimeOrNull(8),
        CollectedBy = row.TextOrNull(9),
        ErasedAt = row.TimeOrNull(10),
        ErasureWaits = !row.IsNull(11),
        HasBypassCode = !row.IsNull(12),
        Status = row.IsNull(13) ? null : (EnrolmentStatus)row.Short(13),
        LastSeenAt = row.TimeOrNull(14),
    };
}
