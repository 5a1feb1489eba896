using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Teaching;

/// <inheritdoc cref="ITeachingStore"/>
internal sealed class TeachingStore(Database database) : ITeachingStore
{
    /// <summary>More than anybody teaches, and more than a class has.</summary>
    private const int MostClasses = 200;
    private const int MostPupils = 500;

    /// <summary>From <c>classes c</c>: the teacher teaches it, and it goes on.</summary>
    private string Taught(Scope scope) => $"""
        c.active AND (c.ends_on IS NULL OR c.ends_on >= @today) AND {scope.Covers(database, "c.school_id")}
          AND EXISTS (SELECT 1 FROM class_members t JOIN people tp ON tp.id = t.person_id WHERE t.class_id = c.id AND t.person_id = @teacher AND t.role = 2 AND tp.active)
        """;

    /// <summary>From <c>class_members m</c>: an iPad that the pupil has now, and that is enrolled.</summary>
    private const string Held = "h.person_id = m.person_id AND h.returned_at IS NULL";

    private const string Enrolled = "d.id = h.device_id AND d.status IN (1, 2) AND d.kind = 1";

    private string Classes(Scope scope) => $"""
        SELECT {PersonColumns.Class}, s.name, s.time_zone, s.hours,
          (SELECT count(*) FROM class_members m JOIN people p ON p.id = m.person_id WHERE m.class_id = c.id AND m.role = 1 AND p.active),
          (SELECT count(*) FROM class_members m JOIN people p ON p.id = m.person_id JOIN holdings h ON {Held} JOIN devices d ON {Enrolled}
            WHERE m.class_id = c.id AND m.role = 1 AND p.active)
        FROM classes c JOIN schools s ON s.id = c.school_id WHERE {Taught(scope)}
        """;

    public async Task<IReadOnlyList<TaughtClass>> ListClasses(Scope scope, string teacherId, DateOnly today)
    {
        StoredText.Check("The teacher's id", teacherId);
        return await database.Read(s => s.Sql($"{Classes(scope)} ORDER BY c.sort_name, c.id LIMIT {MostClasses}")
            .Text("@teacher", teacherId).Text("@today", PersonColumns.Day(today)).Within(scope).List(ReadClass));
    }

    public Task<TaughtClass?> FindClass(Scope scope, string teacherId, string classId, DateOnly today)
    {
        StoredText.Check("The teacher's id", teacherId);
        StoredText.Check("The class's id", classId);
        return database.Read(s => s.Sql($"{Classes(scope)} AND c.id = @class")
            .Text("@teacher", teacherId).Text("@class", classId).Text("@today", PersonColumns.Day(today)).Within(scope).First(ReadClass));
    }

    public async Task<IReadOnlyList<PupilDevice>> ListPupils(Scope scope, string teacherId, string classId, DateOnly today)
    {
        StoredText.Check("The teacher's id", teacherId);
        StoredText.Check("The class's id", classId);
        return await database.Read(s => s
            .Sql($"""
                SELECT {PersonColumns.Person}, {DeviceColumns.Selected}
                FROM class_members m JOIN classes c ON c.id = m.class_id JOIN people p ON p.id = m.person_id
                LEFT JOIN (holdings h JOIN devices d ON {Enrolled}) ON {Held} LEFT JOIN device_activity a ON a.id = d.id
                WHERE m.class_id = @class AND m.role = 1 AND p.active AND {Taught(scope)} ORDER BY p.sort_name, p.id, d.id LIMIT {MostPupils}
                """)
            .Text("@teacher", teacherId).Text("@class", classId).Text("@today", PersonColumns.Day(today)).Within(scope).List(ReadPupil));
    }

    public Task<PupilDevice?> FindDevice(Scope scope, string teacherId, string classId, string deviceId, DateOnly today)
    {
        StoredText.Check("The teacher's id", teacherId);
        StoredText.Check("The class's id", classId);
        StoredText.Check("The iPad's id", deviceId);
        return database.Read(s => s
            .Sql($"""
                SELECT {PersonColumns.Person}, {DeviceColumns.Selected}
                FROM class_members m JOIN classes c ON c.id = m.class_id JOIN people p ON p.id = m.person_id
                JOIN holdings h ON {Held} JOIN devices d ON {Enrolled} LEFT JOIN device_activity a ON a.id = d.id
                WHERE m.class_id = @class AND m.role = 1 AND p.active AND d.id = @device AND {Taught(scope)}
                """)
            .Text("@teacher", teacherId).Text("@class", classId).Text("@device", deviceId).Text("@today", PersonColumns.Day(today)).Within(scope).First(ReadPupil));
    }

    public async Task<IReadOnlyList<TaughtApp>> ListApps(Scope scope, string teacherId, string classId, DateOnly today, string? text, int limit)
    {
        Check(teacherId, classId);
        StoredText.Check("The search", text);
        var search = text is null ? "" : " AND (lower(i.name) LIKE @text ESCAPE '!' OR lower(i.key) LIKE @text ESCAPE '!')";
        return await database.Read(s => s.Sql($"{Apps(scope, search)} ORDER BY count(DISTINCT d.id) DESC, i.key LIMIT @limit")
            .Text("@teacher", teacherId).Text("@class", classId).Text("@today", PersonColumns.Day(today)).Int("@limit", limit).Within(scope)
            .Bind(statement =>
            {
                if (text is not null) statement.Text("@text", Keys.Part(text));
            })
            .List(ReadApp));
    }

    public Task<TaughtApp?> FindApp(Scope scope, string teacherId, string classId, DateOnly today, string identifier)
    {
        Check(teacherId, classId);
        StoredText.Check("The app", identifier);
        return database.Read(s => s.Sql(Apps(scope, " AND i.key = @app"))
            .Text("@teacher", teacherId).Text("@class", classId).Text("@today", PersonColumns.Day(today)).Text("@app", identifier).Within(scope).First(ReadApp));
    }

    public async Task<IReadOnlySet<string>> WithoutApp(IReadOnlyList<string> deviceIds, string identifier)
    {
        foreach (var id in deviceIds) StoredText.Check("The iPad's id", id);
        StoredText.Check("The app", identifier);
        return (await database.Read(s => s
            .Sql($"""
                SELECT l.device_id FROM inventory_lists l WHERE l.device_id IN (SELECT id FROM {database.IdsTable}) AND l.list = {(short)InventoryList.Apps}
                  AND NOT EXISTS (SELECT 1 FROM inventory_items i WHERE i.device_id = l.device_id AND i.list = {(short)InventoryList.Apps} AND i.key = @app)
                """)
            .Ids(deviceIds).Text("@app", identifier).List(row => row.Text(0)))).ToHashSet(StringComparer.Ordinal);
    }

    private string Apps(Scope scope, string and) => $"""
        SELECT i.key, max(i.name), count(DISTINCT d.id)
        FROM class_members m JOIN classes c ON c.id = m.class_id JOIN people p ON p.id = m.person_id
        JOIN holdings h ON {Held} JOIN devices d ON {Enrolled} JOIN inventory_items i ON i.device_id = d.id AND i.list = {(short)InventoryList.Apps}
        WHERE m.class_id = @class AND m.role = 1 AND p.active AND {Taught(scope)}{and} GROUP BY i.key
        """;

    private static TaughtApp ReadApp(Row row) => new(row.Text(0), row.TextOrNull(1) ?? row.Text(0), row.Long(2));

    private static void Check(string teacherId, string classId)
    {
        StoredText.Check("The teacher's id", teacherId);
        StoredText.Check("The class's id", classId);
    }

    private static TaughtClass ReadClass(Row row)
    {
        const int At = PersonColumns.ClassWidth;
        return new TaughtClass(PersonColumns.ReadClass(row), row.Text(At), row.TextOrNull(At + 1), SchoolStore.ReadHours(row.Text(At + 2)), row.Long(At + 3), row.Long(At + 4));
    }

    private static PupilDevice ReadPupil(Row row) => new(
        PersonColumns.ReadPerson(row), row.IsNull(PersonColumns.PersonWidth) ? null : DeviceColumns.Read(row, PersonColumns.PersonWidth));
}
