using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;

namespace FleetMdm.Storage.Classroom;

/// <inheritdoc cref="IClassroomStore"/>
internal sealed class ClassroomStore(Database database) : IClassroomStore
{
    private const string Name = "Classroom";

    /// <summary>Of no name that a person can write.</summary>
    private const string NameKey = "\u001fclassroom";

    private const string Item = "classroom:";

    private const string Schools = "SELECT s.id, s.name, s.sort_name, k.school_id, k.switched_at, k.switched_by FROM schools s LEFT JOIN classroom_schools k ON k.school_id = s.id";

    /// <summary>Enrolled iPads with what they should have and how it stands, and each of these schools of their classes once.</summary>
    private static string Standing(string schools) => $"""
        FROM (SELECT DISTINCT q.device_id, c.school_id FROM classes c JOIN classroom_device_classes q ON q.class_id = c.id WHERE c.school_id {schools}) t
        JOIN classroom_devices k ON k.device_id = t.device_id
        JOIN devices d ON d.id = t.device_id AND d.status = 2
        LEFT JOIN assignment_devices x ON x.device_id = t.device_id AND x.assignment_id = @assignment
        """;

    /// <summary>An iPad for which there can be no profile has none that could stand anyhow.</summary>
    private const string StateNow = "coalesce(x.state, CASE WHEN k.problem IS NOT NULL THEN CAST(5 AS SMALLINT) END)";

    private const string DeviceColumns =
        "k.person_id, k.role, k.revision, (SELECT count(*) FROM classroom_device_classes n WHERE n.device_id = k.device_id), k.people, k.problem, k.certificate_ends_at";

    private const int DeviceWidth = 7;

    /// <summary>Of a class <c>c</c> that has not ended.</summary>
    private const string GoesOn = "c.active = @active AND (c.ends_on IS NULL OR c.ends_on >= @today)";

    private const string WithoutTeacher = $"""
        {GoesOn} AND NOT EXISTS (
          SELECT 1 FROM class_members m JOIN holdings h ON h.person_id = m.person_id AND h.returned_at IS NULL JOIN devices d ON d.id = h.device_id AND d.status = 2
          WHERE m.class_id = c.id AND m.role = 2)
        """;

    public Task<IReadOnlyList<ClassroomSchool>> ListSchools(Scope scope, ClassroomSchool? after, int limit) => database.Read(async s =>
        (IReadOnlyList<ClassroomSchool>)await s
            .Sql($"""
                {Schools} WHERE {scope.Covers(database, "s.id")} AND (s.archived = @archived OR k.school_id IS NOT NULL)
                {(after is null ? "" : " AND (s.sort_name > @name OR (s.sort_name = @name AND s.id > @id))")}
                ORDER BY s.sort_name, s.id LIMIT @limit
                """)
            .Bool("@archived", false).Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (after is not null) statement.Text("@name", after.SortName).Text("@id", after.Id);
            })
            .List(ReadSchool));

    public Task<ClassroomSchool?> FindSchool(Scope scope, string schoolId)
    {
        StoredText.Check("The school's id", schoolId);
        return database.Read(s => FindSchool(s, scope, schoolId));
    }

    private Task<ClassroomSchool?> FindSchool(Session s, Scope scope, string schoolId) =>
        s.Sql($"{Schools} WHERE s.id = @id AND {scope.Covers(database, "s.id")}").Text("@id", schoolId).Within(scope).First(ReadSchool);

    public Task<bool?> Switch(Scope scope, string schoolId, bool on, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The school's id", schoolId);
        StoredText.Check("The name of who asked", by);
        return database.Write<bool?>(async s =>
        {
            if (await FindSchool(s, scope, schoolId) is null) return null;
            var changed = on
                ? await s.Sql("INSERT INTO classroom_schools (school_id, switched_at, switched_by) VALUES (@id, @at, @by) ON CONFLICT DO NOTHING")
                    .Text("@id", schoolId).Time("@at", at).Text("@by", by).Execute()
                : await s.Sql("DELETE FROM classroom_schools WHERE school_id = @id").Text("@id", schoolId).Execute();
            if (changed == 0) return false;
            if (on && await s
                .Sql("""
                    INSERT INTO assignments (id, version, name, name_key, kind, item, revision, uses, keep, phase, created_at, created_by, updated_at, updated_by)
                    VALUES (@id, 1, @name, @key, @kind, @item, 1, '', @keep, 1, @at, @by, @at, @by) ON CONFLICT DO NOTHING
                    """)
                .Text("@id", IClassroomStore.AssignmentId).Text("@name", Name).Text("@key", NameKey).Short("@kind", (short)AssignmentKind.Classroom).Text("@item", Item)
                .Bool("@keep", false).Time("@at", at).Text("@by", "").Execute() > 0)
            {
                await AssignmentStore.NextNumber(s);
            }

            if (audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public async Task<IReadOnlyList<ClassroomCount>> Count(Scope scope, IReadOnlyList<string> schoolIds) => schoolIds.Count == 0 ? [] : await database.Read(s => s
        .Sql($"""
            SELECT t.school_id, k.role, {StateNow}, count(*) {Standing($"IN (SELECT id FROM {database.IdsTable})")}
            WHERE {scope.CoversDevice(database)} GROUP BY t.school_id, k.role, {StateNow}
            """)
        .Text("@assignment", IClassroomStore.AssignmentId).Ids(schoolIds).Within(scope)
        .List(row => new ClassroomCount(row.Text(0), (PersonRole)row.Short(1), row.IsNull(2) ? null : (AssignmentState)row.Short(2), row.Long(3))));

    public async Task<IReadOnlyDictionary<string, long>> CountWithoutTeacher(IReadOnlyList<string> schoolIds, DateOnly today) => schoolIds.Count == 0 ? new Dictionary<string, long>() : (await database.Read(s => s
        .Sql($"SELECT c.school_id, count(*) FROM classes c WHERE c.school_id IN (SELECT id FROM {database.IdsTable}) AND {WithoutTeacher} GROUP BY c.school_id")
        .Ids(schoolIds).Bool("@active", true).Text("@today", PersonColumns.Day(today))
        .List(row => (Id: row.Text(0), Count: row.Long(1))))).ToDictionary(one => one.Id, one => one.Count, StringComparer.Ordinal);

    public async Task<IReadOnlyList<SchoolClass>> ListWithoutTeacher(Scope scope, string schoolId, DateOnly today, SchoolClass? after, int limit)
    {
        StoredText.Check("The school's id", schoolId);
        return await database.Read(s => s
            .Sql($"""
                SELECT {PersonColumns.Class} FROM classes c WHERE c.school_id = @school AND {scope.Covers(database, "c.school_id")} AND {WithoutTeacher}
                {(after is null ? "" : " AND (c.sort_name > @name OR (c.sort_name = @name AND c.id > @id))")} ORDER BY c.sort_name, c.id LIMIT @limit
                """)
            .Text("@school", schoolId).Bool("@active", true).Text("@today", PersonColumns.Day(today)).Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (after is not null) statement.Text("@name", Keys.Sort(after.Name)).Text("@id", after.Id);
            })
            .List(row => PersonColumns.ReadClass(row)));
    }

    public async Task<IReadOnlyList<ClassroomDeviceRow>> ListDevices(Scope scope, string schoolId, AssignmentState? state, string? after, int limit)
    {
        StoredText.Check("The school's id", schoolId);
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"""
                SELECT {DeviceColumns}, d.id, d.device_name, d.serial_number, {AssignmentStore.StandingColumns} {Standing("= @school")}
                WHERE d.id > @after AND {scope.CoversDevice(database)}{(state is null ? "" : $" AND {StateNow} = @state")} ORDER BY d.id LIMIT @limit
                """)
            .Text("@assignment", IClassroomStore.AssignmentId).Text("@school", schoolId).Text("@after", after ?? "").Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (state is { } one) statement.Short("@state", (short)one);
            })
            .List(row => new ClassroomDeviceRow(
                row.Text(DeviceWidth), row.TextOrNull(DeviceWidth + 1), row.TextOrNull(DeviceWidth + 2), ReadDevice(row),
                row.IsNull(DeviceWidth + 3) ? null : AssignmentStore.ReadStanding(row, DeviceWidth + 3))));
    }

    public Task<ClassroomDevice?> Find(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(s => s.Sql($"SELECT {DeviceColumns} FROM classroom_devices k WHERE k.device_id = @id").Text("@id", deviceId).First(ReadDevice));
    }

    public Task<bool> IsUsed() => database.Read(s => s
        .Sql("SELECT 1 FROM (SELECT 1 FROM classroom_schools UNION ALL SELECT 1 FROM classroom_devices) u LIMIT 1").First(_ => true));

    public Task<IReadOnlyList<string>> ListTouched(ClassroomThing thing, string id)
    {
        StoredText.Check("The id", id);
        const string holders = "SELECT h.device_id FROM class_members m JOIN holdings h ON h.person_id = m.person_id AND h.returned_at IS NULL WHERE m.class_id";
        const string told = "SELECT q.device_id FROM classroom_device_classes q WHERE q.class_id";
        return database.Read(async s => (IReadOnlyList<string>)await s.Sql(thing switch
        {
            ClassroomThing.Device => "SELECT @id",
            ClassroomThing.Class => $"{holders} = @id UNION {told} = @id",
            _ => $"""
                SELECT h.device_id FROM holdings h WHERE h.person_id = @id AND h.returned_at IS NULL
                UNION SELECT k.device_id FROM classroom_devices k WHERE k.person_id = @id
                UNION {holders} IN (SELECT o.class_id FROM class_members o WHERE o.person_id = @id)
                UNION {told} IN (SELECT o.class_id FROM class_members o WHERE o.person_id = @id)
                """,
        }).Text("@id", id).List(row => row.Text(0)));
    }

    public Task<IReadOnlyList<string>> ListAll(string? after, int limit) => database.Read(async s => (IReadOnlyList<string>)await s
        .Sql("""
            SELECT device_id FROM (
              SELECT device_id FROM (SELECT h.device_id FROM holdings h WHERE h.returned_at IS NULL AND h.device_id > @after ORDER BY h.device_id LIMIT @limit) held
              UNION SELECT device_id FROM (SELECT k.device_id FROM classroom_devices k WHERE k.device_id > @after ORDER BY k.device_id LIMIT @limit) told) u
            ORDER BY device_id LIMIT @limit
            """)
        .Text("@after", after ?? "").Int("@limit", limit).List(row => row.Text(0)));

    public async Task NumberClasses(DateOnly today)
    {
        const string missing = $"""
            SELECT c.id FROM classes c JOIN classroom_schools k ON k.school_id = c.school_id
            WHERE {GoesOn} AND NOT EXISTS (SELECT 1 FROM classroom_beacons b WHERE b.class_id = c.id)
            """;
        Statement Sql(Session s, string sql) => s.Sql(sql).Bool("@active", true).Text("@today", PersonColumns.Day(today));
        if (!await database.Read(s => Sql(s, missing + " LIMIT 1").First(_ => true))) return;
        await database.Write(async s =>
        {
            await Sql(s, $"DELETE FROM classroom_beacons WHERE NOT EXISTS (SELECT 1 FROM classes c WHERE c.id = classroom_beacons.class_id AND {GoesOn})").Execute();
            var used = (await s.Sql("SELECT beacon FROM classroom_beacons").List(row => row.Int(0))).ToHashSet();
            // A number that was free for long first: iPads may still know an earlier class by a lower one.
            var highest = used.DefaultIfEmpty().Max();
            var free = Enumerable.Range(1, IClassroomStore.MostBeacons).Where(number => !used.Contains(number)).OrderBy(number => number < highest);
            foreach (var (id, beacon) in (await Sql(s, missing + " ORDER BY c.id").List(row => row.Text(0))).Zip(free))
                await s.Sql("INSERT INTO classroom_beacons (class_id, beacon) VALUES (@id, @beacon) ON CONFLICT DO NOTHING").Text("@id", id).Int("@beacon", beacon).Execute();
        });
    }

    public async Task<IReadOnlyList<ClassroomFacts>> ReadFacts(IReadOnlyList<string> deviceIds, DateOnly today)
    {
        if (deviceIds.Count == 0) return [];
        return await database.Read(async s =>
        {
            var holders = await s
                .Sql($"""
                    SELECT h.device_id, p.id, p.given_name, p.family_name FROM holdings h JOIN people p ON p.id = h.person_id AND p.active = @active
                    WHERE h.returned_at IS NULL AND h.device_id IN (SELECT id FROM {database.IdsTable})
                    """)
                .Bool("@active", true).Ids(deviceIds).List(row => (DeviceId: row.Text(0), Person: ReadPerson(row, 1)));
            var groups = await s
                .Sql($"""
                    SELECT m.person_id, m.role, c.id, c.name, b.beacon FROM class_members m JOIN classes c ON c.id = m.class_id JOIN classroom_schools k ON k.school_id = c.school_id
                    LEFT JOIN classroom_beacons b ON b.class_id = c.id
                    WHERE m.person_id IN (SELECT id FROM {database.IdsTable}) AND m.role IN (1, 2) AND {GoesOn}
                    """)
                .Bool("@active", true).Text("@today", PersonColumns.Day(today)).Ids([.. holders.Select(one => one.Person.Id).Distinct()])
                .List(row => (PersonId: row.Text(0), Role: (PersonRole)row.Short(1), Id: row.Text(2), Name: row.Text(3), Beacon: row.IntOrNull(4)));
            var teachers = await Members(s, PersonRole.Teacher, groups.Select(group => group.Id));
            var pupils = await Members(s, PersonRole.Pupil, groups.Where(group => group.Role == PersonRole.Teacher).Select(group => group.Id));
            var of = groups.ToLookup(group => group.PersonId, StringComparer.Ordinal);
            return (IReadOnlyList<ClassroomFacts>)
            [
                .. holders.Where(holder => of.Contains(holder.Person.Id)).Select(holder => new ClassroomFacts(holder.DeviceId, holder.Person,
                [
                    .. of[holder.Person.Id].OrderBy(group => group.Id, StringComparer.Ordinal).Select(group => new ClassroomGroupRow(
                        group.Id, group.Name, group.Beacon, group.Role, [.. teachers[group.Id]], group.Role == PersonRole.Teacher ? [.. pupils[group.Id]] : [holder.Person])),
                ])),
            ];
        });
    }

    private async Task<ILookup<string, ClassroomPersonRow>> Members(Session s, PersonRole role, IEnumerable<string> classIds) => (await s
        .Sql($"""
            SELECT m.class_id, p.id, p.given_name, p.family_name FROM class_members m JOIN people p ON p.id = m.person_id AND p.active = @active
            WHERE m.role = @role AND m.class_id IN (SELECT id FROM {database.IdsTable}) ORDER BY p.id
            """)
        .Bool("@active", true).Short("@role", (short)role).Ids([.. classIds.Distinct()])
        .List(row => (ClassId: row.Text(0), Person: ReadPerson(row, 1)))).ToLookup(one => one.ClassId, one => one.Person, StringComparer.Ordinal);

    public async Task<long> Write(IReadOnlyList<string> deviceIds, IReadOnlyList<ClassroomWish> wishes, DateTimeOffset now)
    {
        if (deviceIds.Count == 0) return 0;
        var wanted = wishes.ToDictionary(wish => wish.DeviceId, StringComparer.Ordinal);
        // Nearly always nothing has changed: whoever writes is not held up.
        if (Differ(await database.Read(s => Present(s, deviceIds, forUpdate: false)), deviceIds, wanted).Count == 0) return 0;
        return await database.Write(async s =>
        {
            var present = await Present(s, deviceIds, forUpdate: true);
            var changed = Differ(present, deviceIds, wanted);
            if (changed.Count == 0) return 0L;
            await s.Sql($"DELETE FROM classroom_device_classes WHERE device_id IN (SELECT id FROM {database.IdsTable})").Ids(changed).Execute();
            await s.Sql($"DELETE FROM classroom_devices WHERE device_id IN (SELECT id FROM {database.IdsTable})").Ids([.. changed.Where(id => !wanted.ContainsKey(id))]).Execute();
            foreach (var wish in changed.Select(wanted.GetValueOrDefault).OfType<ClassroomWish>())
            {
                await s
                    .Sql("""
                        INSERT INTO classroom_devices (device_id, person_id, role, revision, content, people, problem)
                        VALUES (@device, @person, @role,
                          1 + coalesce((SELECT CASE WHEN coalesce(x.installed, 0) > x.revision THEN x.installed ELSE x.revision END FROM assignment_devices x WHERE x.device_id = @device AND x.assignment_id = @assignment), 0),
                          @content, @people, @problem)
                        ON CONFLICT (device_id) DO UPDATE SET person_id = excluded.person_id, role = excluded.role,
                          revision = CASE WHEN excluded.revision > classroom_devices.revision THEN excluded.revision ELSE classroom_devices.revision + 1 END,
                          content = excluded.content, people = excluded.people, problem = excluded.problem, certificate_ends_at = NULL
                        """)
                    .Text("@device", wish.DeviceId).Text("@person", wish.PersonId).Short("@role", (short)wish.Role).Text("@assignment", IClassroomStore.AssignmentId)
                    .Bytes("@content", wish.Content).Int("@people", wish.People).Text("@problem", wish.Problem).Execute();
                foreach (var id in wish.ClassIds)
                    await s.Sql("INSERT INTO classroom_device_classes (device_id, class_id) VALUES (@device, @class) ON CONFLICT DO NOTHING").Text("@device", wish.DeviceId).Text("@class", id).Execute();
            }

            return await Reach(s, changed, now);
        });
    }

    public Task Issued(string deviceId, int revision, byte[] content, DateTimeOffset endsAt) => database.Write(s => s
        .Sql("""
            UPDATE classroom_devices SET certificate_ends_at = CASE WHEN content = @content THEN @ends ELSE certificate_ends_at END,
              content = CASE WHEN content = @content THEN content ELSE @none END
            WHERE device_id = @device AND revision = @revision
            """)
        .Text("@device", deviceId).Int("@revision", revision).Bytes("@content", content).Bytes("@none", []).Time("@ends", endsAt).Execute());

    public async Task<long> RenewCertificates(DateTimeOffset before, DateTimeOffset now, int limit)
    {
        const string due = "SELECT device_id FROM classroom_devices WHERE certificate_ends_at < @before ORDER BY certificate_ends_at LIMIT @limit";
        if (!await database.Read(s => s.Sql(due).Time("@before", before).Int("@limit", 1).First(_ => true))) return 0;
        return await database.Write(async s =>
        {
            var ids = await s.Sql(due).Time("@before", before).Int("@limit", limit).List(row => row.Text(0));
            await s.Sql($"UPDATE classroom_devices SET revision = revision + 1, certificate_ends_at = NULL WHERE device_id IN (SELECT id FROM {database.IdsTable})").Ids(ids).Execute();
            await Reach(s, ids, now);
            return (long)ids.Count;
        });
    }

    private static async Task<long> Reach(Session s, IReadOnlyList<string> ids, DateTimeOffset now)
    {
        var reached = await AssignmentStore.Reach(s, TheOne, now, ids);
        if (reached > 0) await AssignmentStore.NextNumber(s);
        return reached;
    }

    private async Task<Dictionary<string, (string PersonId, byte[] Content, string? Problem)>> Present(Session s, IReadOnlyList<string> ids, bool forUpdate) => (await s
        .Sql($"SELECT k.device_id, k.person_id, k.content, k.problem FROM classroom_devices k WHERE k.device_id IN (SELECT id FROM {database.IdsTable}){(forUpdate ? database.ForUpdate : "")}").Ids(ids)
        .List(row => (Id: row.Text(0), PersonId: row.Text(1), Content: row.BytesOrNull(2)!, Problem: row.TextOrNull(3)))).ToDictionary(one => one.Id, one => (one.PersonId, one.Content, one.Problem), StringComparer.Ordinal);

    private static List<string> Differ(Dictionary<string, (string PersonId, byte[] Content, string? Problem)> present, IReadOnlyList<string> ids, Dictionary<string, ClassroomWish> wanted) =>
    [
        .. ids.Where(id => (present.TryGetValue(id, out var one), wanted.GetValueOrDefault(id)) switch
        {
            (false, null) => false,
            (true, { } wish) => one.PersonId != wish.PersonId || one.Problem != wish.Problem || !one.Content.AsSpan().SequenceEqual(wish.Content),
            _ => true,
        }),
    ];

    /// <summary>As its row stands, as far as it matters for whom it is.</summary>
    private static readonly AssignmentRow TheOne = new(
        new Assignment
        {
            Id = IClassroomStore.AssignmentId,
            Version = 1,
            Name = Name,
            Kind = AssignmentKind.Classroom,
            Item = Item,
            Phase = AssignmentPhase.InForce,
            CreatedAt = default,
            CreatedBy = "",
            UpdatedAt = default,
            UpdatedBy = "",
        }, null, null, null);

    private static ClassroomSchool ReadSchool(Row row) => new(row.Text(0), row.Text(1), row.Text(2), !row.IsNull(3), row.TimeOrNull(4), row.TextOrNull(5));

    private static ClassroomDevice ReadDevice(Row row) => new(
        row.Text(0), (PersonRole)row.Short(1), row.Int(2), (int)row.Long(3), row.Int(4), row.TextOrNull(5), row.TimeOrNull(6));

    private static ClassroomPersonRow ReadPerson(Row row, int at) => new(row.Text(at), row.Text(at + 1), row.Text(at + 2));
}
