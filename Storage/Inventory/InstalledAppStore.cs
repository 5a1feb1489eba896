using System.Text.Json;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Inventory;

/// <inheritdoc cref="IInstalledAppStore"/>
/// <remarks>
/// A count goes over the iPads by their ids, a piece at a time, and adds up in memory: what it holds grows with the number of apps, not of iPads
/// (<see cref="MostApps"/>). Then the rows that differ are written, some at a time. Two counts at the same time come to the same.
/// </remarks>
internal sealed class InstalledAppStore(Database database, TimeProvider time) : IInstalledAppStore
{
    /// <summary>A piece of iPads with 40 apps each is read in a tenth of a second.</summary>
    private const int Piece = 1_000;

    /// <summary>Of a large district; with versions some 50 MB while it is counted.</summary>
    private const int MostApps = 100_000;

    /// <summary>Of one app, while it is counted.</summary>
    private const int MostSpellings = 1_000;

    private const int RowsAtATime = 500;

    /// <summary>Between two pieces, for those who work.</summary>
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(10);

    private const string Columns = "identifier, name, devices, versions";

    public async Task<int> CountAll(CancellationToken cancellationToken = default)
    {
        var apps = new Dictionary<string, Tally>(StringComparer.Ordinal);
        var (devices, cut) = (0L, false);
        for (var after = ""; await NextPiece(after, cancellationToken) is { } piece; after = piece.Last)
        {
            // Between two pieces; a small fleet is one.
            if (after.Length > 0) await Task.Delay(Breath, time, cancellationToken);
            foreach (var (identifier, name, version, count) in await Read(after, piece.Last, cancellationToken))
            {
                if (!apps.TryGetValue(identifier, out var tally))
                {
                    if (apps.Count >= MostApps)
                    {
                        cut = true;
                        continue;
                    }

                    apps[identifier] = tally = new Tally();
                }

                tally.Add(name, version, count);
            }

            devices += piece.Devices;
        }

        await Write(apps, cancellationToken);
        await database.Write(s => s
            .Sql("""
                INSERT INTO installed_apps_count (id, counted_at, devices, cut) VALUES (1, @at, @devices, @cut)
                ON CONFLICT (id) DO UPDATE SET counted_at = excluded.counted_at, devices = excluded.devices, cut = excluded.cut
                """)
            .Time("@at", time.GetUtcNow()).Long("@devices", devices).Bool("@cut", cut).Execute(), cancellationToken);
        return apps.Count;
    }

    public Task<InstalledAppCount?> LastCount() => database.Read(s => s
        .Sql("SELECT counted_at, devices, cut FROM installed_apps_count").First(row => new InstalledAppCount(row.Time(0), row.Long(1), row.Bool(2))));

    public async Task<IReadOnlyList<InstalledApp>> List(string? text, InstalledAppPlace? after, int limit)
    {
        StoredText.Check("The search", text);
        StoredText.Check("The identifier to go on after", after?.Identifier);
        return await database.Read(s => s
            .Sql($"""
                SELECT {Columns} FROM installed_apps
                WHERE devices <= @devices AND (devices < @devices OR identifier > @identifier){(text is null ? "" : " AND search LIKE @text ESCAPE '!'")}
                ORDER BY devices DESC, identifier LIMIT @limit
                """)
            .Long("@devices", after?.Devices ?? long.MaxValue).Text("@identifier", after?.Identifier ?? "").Int("@limit", limit)
            .Bind(statement =>
            {
                if (text is not null) statement.Text("@text", Keys.Part(text));
            })
            .List(Read));
    }

    public async Task<IReadOnlyList<(string Identifier, string? Name)>> Sample(Scope scope, int limit) => await database.Read(s => s
        .Sql($"""
            SELECT i.key, max(i.name) FROM (SELECT d.id FROM devices d WHERE d.status = 2 AND d.device_id = d.id{scope.AndDevice(database)} ORDER BY d.id LIMIT {IInstalledAppStore.MostSampled}) some
            JOIN inventory_items i ON i.device_id = some.id AND i.list = {(short)InventoryList.Apps}
            GROUP BY i.key ORDER BY count(*) DESC, i.key LIMIT @limit
            """)
        .Int("@limit", limit).Within(scope).List(row => (row.Text(0), row.TextOrNull(1))));

    public Task<InstalledApp?> Find(string identifier)
    {
        StoredText.Check("The identifier", identifier);
        return database.Read(s => s.Sql($"SELECT {Columns} FROM installed_apps WHERE identifier = @id").Text("@id", identifier).First(Read));
    }

    public Task<long> CountNow(string identifier)
    {
        StoredText.Check("The identifier", identifier);
        return database.Read(s => s
            .Sql($"""
                SELECT count(*) FROM inventory_items t JOIN devices d ON d.id = t.device_id
                WHERE t.list = {(short)InventoryList.Apps} AND t.key = @id AND d.status = {(short)EnrolmentStatus.Enrolled}
                """)
            .Text("@id", identifier).First(row => row.Long(0)));
    }

    /// <summary>The iPads after this id; null: there are no more.</summary>
    private Task<(string Last, long Devices)?> NextPiece(string after, CancellationToken cancellationToken) => database.Read<(string, long)?>(async s =>
    {
        var (last, devices) = await s
            .Sql("SELECT max(p.id), count(*) FROM (SELECT id FROM devices WHERE id > @after ORDER BY id LIMIT @most) AS p")
            .Text("@after", after).Int("@most", Piece).First(row => (row.TextOrNull(0), row.Long(1)));
        return last is null ? null : (last, devices);
    }, cancellationToken);

    private Task<List<(string Identifier, string? Name, string? Version, long Count)>> Read(string after, string last, CancellationToken cancellationToken) =>
        database.Read(s => s
            .Sql($"""
                SELECT t.key, t.name, t.value, count(*)
                FROM devices d JOIN inventory_items t ON t.device_id = d.id
                WHERE d.id > @after AND d.id <= @last AND d.status = {(short)EnrolmentStatus.Enrolled}
                  AND t.device_id > @after AND t.device_id <= @last AND t.list = {(short)InventoryList.Apps}
                GROUP BY t.key, t.name, t.value
                """)
            .Text("@after", after).Text("@last", last)
            .List(row => (row.Text(0), row.TextOrNull(1), row.TextOrNull(2), row.Long(3))), cancellationToken);

    private async Task Write(Dictionary<string, Tally> apps, CancellationToken cancellationToken)
    {
        var known = new Dictionary<string, (string? Name, long Devices, string Versions)>(StringComparer.Ordinal);
        foreach (var row in await database.Read(s => s.Sql($"SELECT {Columns} FROM installed_apps")
            .List(row => (row.Text(0), (row.TextOrNull(1), row.Long(2), row.Text(3)))), cancellationToken)) known.Add(row.Item1, row.Item2);

        var put = apps.Select(app => (Identifier: app.Key, App: (app.Value.Name, app.Value.Devices, Versions: Written(app.Value.Versions))))
            .Where(app => !known.TryGetValue(app.Identifier, out var was) || was != app.App).ToList();
        foreach (var rows in put.Chunk(RowsAtATime))
        {
            await database.Write(async s =>
            {
                foreach (var (identifier, app) in rows)
                {
                    await s.Sql("""
                        INSERT INTO installed_apps (identifier, name, search, devices, versions) VALUES (@id, @name, @search, @devices, @versions)
                        ON CONFLICT (identifier) DO UPDATE
                        SET name = excluded.name, search = excluded.search, devices = excluded.devices, versions = excluded.versions
                        """)
                        .Text("@id", identifier).Text("@name", app.Name).Text("@search", $"{app.Name}\n{identifier}".ToLowerInvariant())
                        .Long("@devices", app.Devices).Text("@versions", app.Versions).Execute();
                }
            }, cancellationToken);
        }

        foreach (var gone in known.Keys.Where(identifier => !apps.ContainsKey(identifier)).Chunk(RowsAtATime))
            await database.Write(s => s.Sql($"DELETE FROM installed_apps WHERE identifier IN (SELECT id FROM {database.IdsTable})").Ids(gone).Execute(), cancellationToken);
    }

    private static string Written(IEnumerable<InstalledAppVersion> versions) =>
        JsonSerializer.Serialize(versions.Select(version => new object?[] { version.Version, version.Devices }));

    private static InstalledApp Read(Row row)
    {
        using var versions = JsonDocument.Parse(row.Text(3));
        return new InstalledApp(row.Text(0), row.TextOrNull(1), row.Long(2),
            [.. versions.RootElement.EnumerateArray().Select(version => new InstalledAppVersion(version[0].GetString(), version[1].GetInt64()))]);
    }

    /// <summary>What is known of one app while it is counted. An iPad names an app once, so lists of versions and of names add up to the iPads.</summary>
    private sealed class Tally
    {
        private readonly Dictionary<string, long> _versions = new(StringComparer.Ordinal);
        private readonly Dictionary<string, long> _names = new(StringComparer.Ordinal);
        private long _without;

        public long Devices { get; private set; }

        public string? Name => _names.Count == 0 ? null : _names.OrderByDescending(name => name.Value).ThenBy(name => name.Key, StringComparer.Ordinal).First().Key;

        public IEnumerable<InstalledAppVersion> Versions => _versions.Select(version => new InstalledAppVersion(version.Key, version.Value))
            .Concat(_without == 0 ? [] : [new InstalledAppVersion(null, _without)])
            .OrderByDescending(version => version.Devices).ThenByDescending(version => version.Version, StringComparer.Ordinal).Take(InstalledApp.MostVersions);

        public void Add(string? name, string? version, long count)
        {
            Devices += count;
            if (name is not null) Add(_names, name, count);
            if (version is null) _without += count;
            else Add(_versions, version, count);
        }

        private static void Add(Dictionary<string, long> counts, string key, long count)
        {
            if (counts.TryGetValue(key, out var before)) counts[key] = before + count;
            else if (counts.Count < MostSpellings) counts[key] = count;
        }
    }
}
