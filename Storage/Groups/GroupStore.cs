using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;

namespace FleetMdm.Storage.Groups;

/// <inheritdoc cref="IGroupStore"/>
internal sealed class GroupStore(Database database) : IGroupStore
{
    private const string Columns = "g.id, g.version, g.name, g.school_id, g.note, g.rule, g.created_at, g.created_by, g.updated_at, g.updated_by";

    private const int Width = 10;

    private const string Standings = $"""
        SELECT {Columns}, x.name, (SELECT count(*) FROM device_group_members m WHERE m.group_id = g.id), (SELECT count(*) FROM device_group_serials w WHERE w.group_id = g.id)
        FROM device_groups g LEFT JOIN schools x ON x.id = g.school_id
        """;

    /// <summary>In group <c>@group</c>, of its serial numbers <c>w</c>: those that no enrolled iPad has.</summary>
    private const string Waiting = "w.group_id = @group AND NOT EXISTS (SELECT 1 FROM devices e WHERE e.serial_number = w.serial_number AND e.id = e.device_id AND e.status IN (1, 2))";

    /// <summary>An iPad <c>d</c> that is not in group <c>@group</c> yet.</summary>
    private const string Fresh = """
        NOT EXISTS (SELECT 1 FROM device_group_members m WHERE m.group_id = @group AND m.device_id = d.id)
        AND NOT EXISTS (SELECT 1 FROM device_group_serials w WHERE w.group_id = @group AND w.serial_number = d.serial_number)
        """;

    /// <summary>A serial number that is not in group <c>@group</c> yet.</summary>
    private const string FreshSerial = """
        NOT EXISTS (SELECT 1 FROM device_group_serials w WHERE w.group_id = @group AND w.serial_number = ids.id)
        AND NOT EXISTS (SELECT 1 FROM device_group_members m JOIN devices e ON e.id = m.device_id WHERE m.group_id = @group AND e.serial_number = ids.id)
        """;

    /// <summary>Only iPads that are enrolled, and no channels of users.</summary>
    private const string Enrolled = $"{DeviceColumns.Joined} WHERE d.id = d.device_id AND d.status IN (1, 2)";

    private const int MostTold = 20;

    /// <summary>Rules that are looked at by one statement.</summary>
    private const int RulesAtOnce = 25;

    private static readonly TimeSpan MembersTimeout = TimeSpan.FromMinutes(1);

    public async Task<IReadOnlyList<GroupRow>> List(Scope scope, string? text, string? after, int limit)
    {
        StoredText.Check("The search", text);
        StoredText.Check("The name to go on after", after);
        var search = text is null ? "" : " AND g.name_key LIKE @text ESCAPE '!'";
        return await database.Read(s => s
            .Sql($"{Standings} WHERE g.name_key > @after AND {scope.Covers(database, "g.school_id")}{search} ORDER BY g.name_key LIMIT @limit")
            .Text("@after", Keys.Sort(after) ?? "").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (text is not null) statement.Text("@text", Keys.Part(text));
            })
            .List(ReadRow));
    }

    public Task<GroupRow?> Find(Scope scope, string id)
    {
        StoredText.Check("The group's id", id);
        return database.Read(s => s
            .Sql($"{Standings} WHERE g.id = @id AND {scope.Covers(database, "g.school_id")}").Text("@id", id).Within(scope).First(ReadRow));
    }

    public Task Check(Scope scope, DeviceExpression filter) => GroupRules.Names(filter.Node).Any()
        ? database.Read(s => GroupRules.Expand(s, filter.Text, filter.Node, within: null, scope))
        : Task.CompletedTask;

    public async Task<IReadOnlyList<GroupRow>> ListOf(Scope scope, string deviceId, DateTimeOffset now)
    {
        StoredText.Check("The enrolment id", deviceId);
        return await database.Read(async s =>
        {
            var byHand = await s
                .Sql($"""
                    {Standings} WHERE g.rule IS NULL AND {scope.Covers(database, "g.school_id")}
                      AND @device IN ({GroupRules.MembersOf("g.id")})
                      AND (x.name IS NULL OR x.name = (SELECT d.school FROM devices d WHERE d.id = @device))
                    """)
                .Text("@device", deviceId).Within(scope).List(ReadRow);
            var rules = await s.Sql($"{Standings} WHERE g.rule IS NOT NULL AND {scope.Covers(database, "g.school_id")}").Within(scope).List(ReadRow);
            var found = new List<GroupRow>(byHand);
            foreach (var some in rules.Chunk(RulesAtOnce)) found.AddRange(await Fulfilled(s, some, deviceId, now));
            return found.OrderBy(row => Keys.Sort(row.Group.Name), StringComparer.Ordinal).ToList();
        });
    }

    public Task<GroupOutcome> Create(Scope scope, DeviceGroup group, AuditRecord? audit)
    {
        Check(group);
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT count(*) FROM device_groups").First(row => row.Long(0)) >= IGroupStore.MostGroups) return GroupOutcome.TooMany;
            if (await Refused(s, scope, group) is { } refused) return refused;
            var added = await Bind(s.Sql("""
                INSERT INTO device_groups (id, version, name, name_key, school_id, note, rule, uses, created_at, created_by, updated_at, updated_by)
                VALUES (@id, 1, @name, @key, @school, @note, @rule, @uses, @at, @by, @at, @by)
                ON CONFLICT DO NOTHING
                """), group).Execute();
            if (added == 0) return await IsWritten(s, group) ? GroupOutcome.Written : GroupOutcome.NameTaken;
            if (audit is not null) await AuditColumns.Add(s, audit);
            return GroupOutcome.Written;
        });
    }

    public Task<GroupOutcome> Change(Scope scope, DeviceGroup group, AuditRecord? audit)
    {
        Check(group);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, group.Id) is not { } standing) return GroupOutcome.NotFound;
            if (standing.Version != group.Version - 1) return await IsWritten(s, group) ? GroupOutcome.Written : GroupOutcome.VersionConflict;
            if (await s.Sql("SELECT 1 FROM device_groups WHERE name_key = @key AND id <> @id").Text("@key", Keys.Sort(group.Name)).Text("@id", group.Id).First(_ => true))
                return GroupOutcome.NameTaken;
            if (Keys.Sort(group.Name) != Keys.Sort(standing.Name) && await IsUsed(s, standing)) return GroupOutcome.InUse;
            if (await Refused(s, scope, group) is { } refused) return refused;
            if (group.Rule is not null && await HasProfile(s, group.Id)) return GroupOutcome.HasProfile;

            await Bind(s.Sql("""
                UPDATE device_groups SET version = @version, name = @name, name_key = @key, school_id = @school, note = @note, rule = @rule, uses = @uses,
                  updated_at = @at, updated_by = @by
                WHERE id = @id
                """), group).Int("@version", group.Version).Execute();
            if (group.Rule is not null) await Empty(s, group.Id);
            // Its school says which of its iPads count, and its name which of several groups.
            await AutomatedStore.ReviewAfterGroup(s, group.Id, group.UpdatedAt);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return GroupOutcome.Written;
        }, timeout: MembersTimeout);
    }

    public Task<GroupOutcome> Delete(Scope scope, string id, AuditRecord? audit)
    {
        StoredText.Check("The group's id", id);
        return database.Write(async s =>
        {
            if (await Lock(s, scope, id) is not { } standing) return GroupOutcome.NotFound;
            if (await IsUsed(s, standing)) return GroupOutcome.InUse;
            if (await HasProfile(s, id)) return GroupOutcome.HasProfile;
            await Empty(s, id);
            await s.Sql("DELETE FROM device_groups WHERE id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return GroupOutcome.Written;
        }, timeout: MembersTimeout);
    }

    public async Task<IReadOnlyList<string>> ListUsers(Scope scope, string id, int limit)
    {
        StoredText.Check("The group's id", id);
        return await database.Read(async s =>
            await s.Sql($"SELECT {Columns} FROM device_groups g WHERE g.id = @id").Text("@id", id).First(Read) is { } group
                ? await s
                    .Sql($"""
                        SELECT name FROM (
                          SELECT name, name_key FROM device_groups WHERE id <> @id AND uses LIKE @used ESCAPE '!' AND {scope.Covers(database, "school_id")}
                          UNION ALL SELECT name, name_key FROM assignments WHERE deleted_at IS NULL AND uses LIKE @used ESCAPE '!' AND {scope.Covers(database, "school_id")}
                          UNION ALL SELECT name, name_key FROM exams WHERE phase = 0 AND uses LIKE @used ESCAPE '!' AND {scope.Covers(database, "school_id")}) users
                        ORDER BY name_key LIMIT @limit
                        """)
                    .Text("@id", group.Id).Text("@used", Used(group)).Within(scope).Int("@limit", limit).List(row => row.Text(0))
                : []);
    }

    public async Task<MembersOutcome> Add(Scope scope, string id, MemberChoice choice, DateTimeOffset at, Func<long, AuditRecord?> audit)
    {
        Check(id, choice);
        return await database.Write(async s =>
        {
            if (await Lock(s, scope, id) is not { } group) return new MembersOutcome(GroupOutcome.NotFound);
            if (group.Rule is not null) return new MembersOutcome(GroupOutcome.HasRule);
            var waiting = await NotEnrolled(s, scope, choice);
            var (chosen, bind, unknown) = await Chosen(s, scope, choice, waiting);
            if (unknown.Count > 0) return new MembersOutcome(GroupOutcome.UnknownDevices, Unknown: unknown);

            var coming = await s.Sql($"SELECT count(*) FROM {chosen} AND {Fresh}").Bind(bind).Text("@group", id).First(row => row.Long(0));
            if (waiting.Count > 0) coming += await s.Sql($"SELECT count(*) FROM {database.IdsTable} WHERE {FreshSerial}").Ids(waiting).Text("@group", id).First(row => row.Long(0));
            var standing = await s
                .Sql("SELECT (SELECT count(*) FROM device_group_members WHERE group_id = @group) + (SELECT count(*) FROM device_group_serials WHERE group_id = @group)")
                .Text("@group", id).First(row => row.Long(0));
            if (standing + coming > IGroupStore.MostMembers) return new MembersOutcome(GroupOutcome.TooManyMembers);
            if (coming == 0) return new MembersOutcome(GroupOutcome.Written);
            await s.Sql($"INSERT INTO device_group_members (group_id, device_id, added_at) SELECT @group, d.id, @at FROM {chosen} AND {Fresh}")
                .Bind(bind).Text("@group", id).Time("@at", at).Execute();
            if (waiting.Count > 0)
            {
                await s.Sql($"INSERT INTO device_group_serials (group_id, serial_number, added_at) SELECT @group, ids.id, @at FROM {database.IdsTable} WHERE {FreshSerial}")
                    .Ids(waiting).Text("@group", id).Time("@at", at).Execute();
            }

            return await Changed(s, id, coming, at, audit);
        }, timeout: MembersTimeout);
    }

    public async Task<IReadOnlyList<WaitingMember>> ListWaiting(Scope scope, string id, string? after, int limit)
    {
        StoredText.Check("The group's id", id);
        StoredText.Check("The serial number to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT w.serial_number, p.name, p.school, w.added_at FROM device_group_serials w JOIN device_groups g ON g.id = w.group_id LEFT JOIN placeholders p ON p.serial_number = w.serial_number
                WHERE {Waiting} AND w.serial_number > @after AND {scope.Covers(database, "g.school_id")} AND {scope.CoversName(database, "p.school")} ORDER BY w.serial_number LIMIT @limit
                """)
            .Text("@group", id).Text("@after", after ?? "").Within(scope).Int("@limit", limit)
            .List(row => new WaitingMember(row.Text(0), row.TextOrNull(1), row.TextOrNull(2), row.Time(3))));
    }

    public Task<long> CountWaiting(Scope scope, string id)
    {
        StoredText.Check("The group's id", id);
        return database.Read(s => s
            .Sql($"""
                SELECT count(*) FROM device_group_serials w JOIN device_groups g ON g.id = w.group_id LEFT JOIN placeholders p ON p.serial_number = w.serial_number
                WHERE {Waiting} AND {scope.Covers(database, "g.school_id")} AND {scope.CoversName(database, "p.school")}
                """)
            .Text("@group", id).Within(scope).First(row => row.Long(0)));
    }

    public async Task<MembersOutcome> Remove(Scope scope, string id, MemberChoice choice, DateTimeOffset at, Func<long, AuditRecord?> audit)
    {
        Check(id, choice);
        return await database.Write(async s =>
        {
            if (await Lock(s, scope, id) is not { } group) return new MembersOutcome(GroupOutcome.NotFound);
            if (group.Rule is not null) return new MembersOutcome(GroupOutcome.HasRule);
            // One that is not enrolled any more can be taken out too.
            var gone = choice.Names is { } names
                ? await Unlist(s, id, names) + await s
                    .Sql($"""
                        DELETE FROM device_group_members WHERE group_id = @group AND device_id IN (
                          SELECT d.id FROM devices d WHERE d.id = d.device_id AND (d.id IN (SELECT ids.id FROM {database.IdsTable})
                            OR d.serial_number IN (SELECT ids.id FROM {database.IdsTable})){scope.AndDevice(database)})
                        """)
                    .Text("@group", id).Ids(names).Within(scope).Execute()
                : await Filtered(s, id, await GroupRules.Expand(s, choice.Filter! with { Scope = scope }));
            return gone == 0 ? new MembersOutcome(GroupOutcome.Written) : await Changed(s, id, gone, at, audit);
        }, timeout: MembersTimeout);
    }

    private async Task<int> Filtered(Session s, string id, DeviceFilter filter)
    {
        var found = $"FROM {DeviceColumns.Joined} WHERE 1 = 1{DeviceConditions.Of(filter, database)}";
        return await s
            .Sql($"DELETE FROM device_group_serials WHERE group_id = @group AND serial_number IN (SELECT d.serial_number {found} AND d.id = d.device_id)")
            .Text("@group", id).Bind(statement => DeviceConditions.Bind(statement, filter)).Execute()
            + await s
            .Sql($"DELETE FROM device_group_members WHERE group_id = @group AND device_id IN (SELECT d.id {found})")
            .Text("@group", id).Bind(statement => DeviceConditions.Bind(statement, filter)).Execute();
    }

    /// <summary>Of serial numbers that were put in before their iPad enrolled, by themselves or by the id of the iPad. Whoever may change the group may: they are of its school, or of none yet.</summary>
    private Task<int> Unlist(Session s, string id, IReadOnlyList<string> names) => s
        .Sql($"""
            DELETE FROM device_group_serials WHERE group_id = @group AND (serial_number IN (SELECT ids.id FROM {database.IdsTable})
              OR serial_number IN (SELECT e.serial_number FROM devices e WHERE e.id = e.device_id AND e.id IN (SELECT ids.id FROM {database.IdsTable})))
            """)
        .Text("@group", id).Ids(names).Execute();

    private static async Task Empty(Session s, string id)
    {
        await s.Sql("DELETE FROM device_group_members WHERE group_id = @id").Text("@id", id).Execute();
        await s.Sql("DELETE FROM device_group_serials WHERE group_id = @id").Text("@id", id).Execute();
    }

    private static Task<bool> HasProfile(Session s, string id) => s.Sql("SELECT 1 FROM automated_groups WHERE group_id = @id").Text("@id", id).First(_ => true);

    private static async Task<MembersOutcome> Changed(Session s, string id, long changed, DateTimeOffset at, Func<long, AuditRecord?> audit)
    {
        await AutomatedStore.ReviewAfterGroup(s, id, at);
        if (audit(changed) is { } record) await AuditColumns.Add(s, record);
        return new MembersOutcome(GroupOutcome.Written, changed);
    }

    /// <summary>The enrolled iPads that are meant, as <c>d</c>, and the names that are nobody's or not one iPad's alone.</summary>
    private async Task<(string From, Action<Statement> Bind, IReadOnlyList<string> Unknown)> Chosen(Session s, Scope scope, MemberChoice choice, IReadOnlyList<string> waiting)
    {
        if (choice.Filter is { } filter)
        {
            var meant = await GroupRules.Expand(s, filter with { Scope = scope });
            return (Enrolled + DeviceConditions.Of(meant, database), statement => DeviceConditions.Bind(statement, meant), []);
        }

        var unknown = await s
            .Sql($"""
                SELECT ids.id FROM {database.IdsTable}
                WHERE (SELECT count(*) FROM devices d WHERE d.id = d.device_id AND d.status IN (1, 2) AND (d.id = ids.id OR d.serial_number = ids.id){scope.AndDevice(database)}) <> 1
                LIMIT {MostTold + waiting.Count}
                """)
            .Ids(choice.Names!).Within(scope).List(row => row.Text(0));
        if (waiting.Count > 0)
        {
            var known = waiting.ToHashSet(StringComparer.Ordinal);
            unknown = [.. unknown.Where(name => !known.Contains(name)).Take(MostTold)];
        }

        return ($"{Enrolled} AND (d.id IN (SELECT ids.id FROM {database.IdsTable}) OR d.serial_number IN (SELECT ids.id FROM {database.IdsTable})){scope.AndDevice(database)}",
            statement => statement.Ids(choice.Names!).Within(scope), unknown);
    }

    /// <summary>Of the names: serial numbers of iPads that are not enrolled, and known all the same: by a placeholder, or since Apple lists them. A mistyped one is neither.</summary>
    private async Task<IReadOnlyList<string>> NotEnrolled(Session s, Scope scope, MemberChoice choice) => choice.Names is not { } names
        ? []
        : await s
            .Sql($"""
                SELECT ids.id FROM {database.IdsTable}
                WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.id = d.device_id AND d.status IN (1, 2) AND (d.id = ids.id OR d.serial_number = ids.id))
                  AND (EXISTS (SELECT 1 FROM placeholders p WHERE p.serial_number = ids.id AND {scope.CoversName(database, "p.school")})
                    {(scope.SchoolIds is null ? "OR EXISTS (SELECT 1 FROM automated_devices a WHERE a.serial_number = ids.id)" : "")})
                """)
            .Ids(names).Within(scope).List(row => row.Text(0));

    private async Task<IReadOnlyList<GroupRow>> Fulfilled(Session s, IReadOnlyList<GroupRow> rows, string deviceId, DateTimeOffset now)
    {
        var conditions = new List<(string Condition, Action<Statement> Bind)>();
        foreach (var (number, row) in rows.Index())
        {
            var rule = FilterParser.Parse(row.Group.Rule!);
            var node = GroupRules.At(row.School, await GroupRules.Expand(s, row.Group.Rule!, rule, row.Group.Id));
            conditions.Add(FilterSql.Of(node, now, database, $"@r{number}_"));
        }

        var found = await s
            .Sql($"SELECT {string.Join(", ", conditions.Select(one => $"CASE WHEN {one.Condition} THEN 1 ELSE 0 END"))} FROM {DeviceColumns.Joined} WHERE d.id = @device")
            .Text("@device", deviceId)
            .Bind(statement =>
            {
                foreach (var (_, bind) in conditions) bind(statement);
            })
            .First(row => rows.Where((_, number) => row.Int(number) == 1).ToList());
        return found ?? [];
    }

    private Task<DeviceGroup?> Lock(Session s, Scope scope, string id) => s
        .Sql($"SELECT {Columns} FROM device_groups g WHERE g.id = @id AND {scope.Covers(database, "g.school_id")}{database.ForUpdate}")
        .Text("@id", id).Within(scope).First(Read);

    /// <summary>What speaks against the group as it is to be; null: nothing.</summary>
    /// <exception cref="FilterException">Its rule.</exception>
    private async Task<GroupOutcome?> Refused(Session s, Scope scope, DeviceGroup group)
    {
        // Who has rights for some schools makes no group of the whole district.
        if (group.SchoolId is null && scope.SchoolIds is not null) return GroupOutcome.UnknownSchool;
        if (group.SchoolId is { } school && !await s.Sql($"SELECT 1 FROM schools WHERE id = @id AND {scope.Covers(database, "id")}").Text("@id", school).Within(scope).First(_ => true)) return GroupOutcome.UnknownSchool;
        if (group.Rule is null) return null;
        var others = await s.Sql("SELECT count(*) FROM device_groups WHERE rule IS NOT NULL AND id <> @id").Text("@id", group.Id).First(row => row.Long(0));
        if (others >= IGroupStore.MostRules) return GroupOutcome.TooManyRules;
        var rule = FilterParser.Parse(group.Rule);
        if (GroupRules.Names(rule).Contains(Keys.Sort(group.Name))) throw new FilterException(0, "The rule of a group cannot name the group itself.");
        await GroupRules.Expand(s, group.Rule, rule, group.Id, scope);
        return null;
    }

    /// <summary>By the rule of another group, or by the target of an assignment or of an exam that has not begun.</summary>
    private static Task<bool> IsUsed(Session s, DeviceGroup group) => s
        .Sql("""
            SELECT 1 FROM device_groups WHERE id <> @id AND uses LIKE @used ESCAPE '!'
            UNION ALL SELECT 1 FROM assignments WHERE deleted_at IS NULL AND uses LIKE @used ESCAPE '!'
            UNION ALL SELECT 1 FROM exams WHERE phase = 0 AND uses LIKE @used ESCAPE '!'
            """).Text("@id", group.Id).Text("@used", Used(group)).First(_ => true);

    private static string Used(DeviceGroup group) => Keys.Part($"\n{group.Name}\n");

    /// <summary>By an attempt whose answer was lost, or by the same request before.</summary>
    private static async Task<bool> IsWritten(Session s, DeviceGroup group) =>
        await s.Sql($"SELECT {Columns} FROM device_groups g WHERE g.id = @id").Text("@id", group.Id).First(Read) is { } standing
        && standing == group with { CreatedAt = standing.CreatedAt, CreatedBy = standing.CreatedBy, UpdatedAt = standing.UpdatedAt };

    private static Statement Bind(Statement statement, DeviceGroup group) => statement
        .Text("@id", group.Id).Text("@name", group.Name).Text("@key", Keys.Sort(group.Name)).Text("@school", group.SchoolId).Text("@note", group.Note)
        .Text("@rule", group.Rule).Text("@uses", Uses(group.Rule)).Time("@at", group.UpdatedAt).Text("@by", group.UpdatedBy);

    private static string Uses(string? rule)
    {
        List<string> names = rule is null ? [] : [.. GroupRules.Names(FilterParser.Parse(rule)).Distinct(StringComparer.Ordinal)];
        return names.Count == 0 ? "" : $"\n{string.Join('\n', names)}\n";
    }

    private static void Check(DeviceGroup group)
    {
        StoredText.Check("The group's id", group.Id);
        StoredText.Check("The name", group.Name);
        StoredText.Check("The school's id", group.SchoolId);
        StoredText.Check("The note", group.Note);
        StoredText.Check("The rule", group.Rule);
        StoredText.Check("The name of who asked", group.UpdatedBy);
    }

    private static void Check(string id, MemberChoice choice)
    {
        if (choice.Names is null == choice.Filter is null) throw new ArgumentException("Exactly one of Names and Filter is set.", nameof(choice));
        StoredText.Check("The group's id", id);
        foreach (var name in choice.Names ?? []) StoredText.Check("An iPad", name);
        if (choice.Filter is not null) DeviceConditions.Check(choice.Filter);
    }

    private static GroupRow ReadRow(Row row) => new(Read(row), row.TextOrNull(Width), row.Long(Width + 1) + row.Long(Width + 2));

    private static DeviceGroup Read(Row row) => new()
    {
        Id = row.Text(0),
        Version = row.Int(1),
        Name = row.Text(2),
        SchoolId = row.TextOrNull(3),
        Note = row.TextOrNull(4),
        Rule = row.TextOrNull(5),
        CreatedAt = row.Time(6),
        CreatedBy = row.Text(7),
        UpdatedAt = row.Time(8),
        UpdatedBy = row.Text(9),
    };
}
