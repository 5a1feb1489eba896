using System.Reflection;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Sqlite;
using FleetMdm.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using SQLitePCL;

namespace FleetMdm.Storage.Tests;

/// <summary>
/// What an iPad's message costs, and what administrators look at, does not grow with the fleet or its history: no table is read
/// from end to end. Everything is done once, by the ports, and the database says what it has read.
/// </summary>
internal static class Traffic
{
    public const string OperationId = "op-small";
    public const string OperationUuid = "UUID-OF-OP-SMALL";

    /// <summary>The tables that grow.</summary>
    public static readonly string[] Tables =
        ["devices", "device_activity", "pins", "queue", "history", "bodies", "issued_certificates", "used_challenges", "inventory_lists", "inventory_items", "profile_installs"];

    /// <param name="finishedUuid">Of a command that the enrolment has in its history.</param>
    public static async Task Run(Node node, string id, string finishedUuid)
    {
        // 1. A message: the grain wakes, its commands are delivered and finished.
        var snapshot = await node.Devices.Load(id);
        await node.Devices.Load(Make.Id());
        var first = await node.Devices.Append(Make.Command(id, at: Make.Now));
        Assert.True((await node.Devices.Append(Make.Command(id, finishedUuid))).AlreadyThere);
        await node.Devices.Mark(Make.NotNow(id, first.Sequence, Make.Now, 1));
        Assert.True(await node.Devices.Finish(Make.Finish(id, first.Sequence)));
        Assert.False(await node.Devices.Finish(Make.Finish(id, first.Sequence)));
        await FinishWithALostAnswer(node, id);
        await Tell(node, id);
        await node.Devices.LoadBody(await node.Devices.StoreBody("<dict>scan</dict>"u8.ToArray()));
        var profile = await node.Devices.Append(Make.Command(id));
        Assert.True(await node.Devices.Finish(Make.Finish(id, profile.Sequence) with { ProfileCommand = "UUID-OF-A-PROFILE" }));
        await node.Profiles.ListOfDevice(id, null, 10);

        // 2. An enrolment: certificates, pins, a queue that ends.
        await Issue(node);
        await node.Devices.FindCertificate(Make.Hash());
        var row = snapshot.Row! with { Version = snapshot.Row!.Version + 1 };
        await node.Devices.Commit(Make.Change(row) with
        {
            Pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now),
            DropPinsBefore = Make.Now,
            EndQueue = CommandEnding.Reenrolled,
            EndUserChannels = true,
            Inventory = InventoryEnd.LocationForgotten,
        });
        await node.Devices.Touch([(id, Make.Now)]);
        await node.Devices.RecordPushes([new PushRecord(id, Make.Now, "accepted")]);

        // 3. What administrators look at again and again, and what operations ask.
        await node.Queries.FindDevice(id);
        await node.Queries.ListDevices(Scope.District, new DeviceFilter { SerialNumber = row.SerialNumber }, null, 50);
        Assert.NotEmpty(await node.Queries.ListHistory(id, null, 50));
        Assert.NotNull(await node.Queries.FindHistory(id, finishedUuid));
        Assert.Null(await node.Queries.FindHistory(id, "unknown"));
        await node.Operations.Count(OperationId);
        await node.Operations.PushTargets(OperationId, 0, 100);
    }

    /// <summary>What an iPad tells of itself: a first list, the same, another one, one that is forgotten.</summary>
    private static async Task Tell(Node node, string id)
    {
        var item = new InventoryItem("key", null, null, null, "{}");
        var (first, other) = (Guid.NewGuid(), Guid.NewGuid());
        await Finish(new InventoryChange { List = InventoryList.Users, Digest = first, At = Make.Now, Difference = new InventoryDifference(null, [item], [], 1, Cut: false) });
        await Finish(new InventoryChange { List = InventoryList.Users, Digest = first, At = Make.Now });
        await Finish(new InventoryChange { List = InventoryList.Users, Digest = other, At = Make.Now, Difference = new InventoryDifference(first, [item], ["gone"], 1, Cut: false) });
        Assert.Contains(await node.Inventory.FindLists(id), row => row.List == InventoryList.Users);
        Assert.NotEmpty(await node.Inventory.ListItems(id, InventoryList.Users, null, 10));
        await Finish(new InventoryChange { List = InventoryList.Users, Digest = other, At = Make.Now, Forget = true });

        async Task Finish(InventoryChange change)
        {
            var appended = await node.Devices.Append(Make.Command(id));
            Assert.True(await node.Devices.Finish(Make.Finish(id, appended.Sequence) with { Inventory = change }));
        }
    }

    private static async Task FinishWithALostAnswer(Node node, string id)
    {
        var appended = await node.Devices.Append(Make.Command(id));
        var lane = node.Lanes.Writer(id);
        lane.AfterExecution = _ =>
        {
            lane.AfterExecution = null;
            throw new TimeoutException("lost on purpose");
        };
        Assert.True(await node.Devices.Finish(Make.Finish(id, appended.Sequence)));
    }

    private static async Task Issue(Node node)
    {
        var invitation = Make.Id();
        await node.Enrolments.CreateInvitation(new Invitation
        {
            Id = invitation,
            CreatedAt = Make.Now,
            ExpiresAt = Make.Now.AddDays(1),
            CreatedBy = "ada",
        });
        var certificate = new IssuedCertificate
        {
            Sha256 = Make.Hash(),
            Der = [1],
            InvitationId = invitation,
            IssuedAt = Make.Now,
            NotAfter = Make.Now.AddYears(1),
        };
        await node.Enrolments.Issue(new IssueRequest
        {
            ChallengeHash = Make.Hash(),
            PublicKeyHash = Make.Hash(),
            Certificate = certificate,
            At = Make.Now,
        });
        await node.Enrolments.Renew(new RenewalRequest
        {
            PublicKeyHash = Make.Hash(),
            Certificate = certificate with { Sha256 = Make.Hash(), Renews = certificate.Sha256 },
            At = Make.Now,
        });
    }
}

/// <summary>Each order of the list of iPads, its first page and a later one.</summary>
internal static class ListOrders
{
    public static readonly (DeviceOrder Order, bool Later)[] All =
    [
        .. Enum.GetValues<DeviceSort>().SelectMany(sort => new[]
        {
            (new DeviceOrder(sort), false), (new DeviceOrder(sort), true), (new DeviceOrder(sort, Descending: true), false), (new DeviceOrder(sort, Descending: true), true),
        }),
    ];

    public static string IndexOf(DeviceSort sort) => sort switch
    {
        DeviceSort.Name => "devices_by_name",
        DeviceSort.SerialNumber => "devices_in_order_of_serial",
        DeviceSort.LastSeen => "device_activity_by_last_seen",
        _ => "devices_pkey",
    };
}

/// <summary>On tables that are large enough for the planner to have a choice; PostgreSQL counts the rows that it reads by scans.</summary>
public sealed class PostgresScanTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    // Four months of history; the last of them is this one.
    private const string Seed = """
        INSERT INTO devices (id, device_id, kind, status, version, write_id, serial_number, school, topic, push_token, push_magic, search)
        SELECT 'D' || i, 'D' || i, 1, 2, 1, gen_random_uuid(), 'S' || i, 'School ' || i % 10, 'topic', '\x01', 'magic', 's' || i
        FROM generate_series(1, 20000) i;
        INSERT INTO device_activity (id) SELECT id FROM devices;
        INSERT INTO pins SELECT sha256(id::bytea), id, timestamptz '2027-01-01Z', timestamptz '2026-01-01Z' FROM devices;
        INSERT INTO issued_certificates SELECT sha256(id::bytea), '\x01', 'i', NULL, timestamptz '2026-01-01Z', timestamptz '2027-01-01Z' FROM devices;
        INSERT INTO used_challenges SELECT sha256(id::bytea), 'i', '\x01', sha256(id::bytea), timestamptz '2026-01-01Z' FROM devices;
        INSERT INTO inventory_lists SELECT id, 1, gen_random_uuid(), timestamptz '2026-03-01Z', timestamptz '2026-03-01Z', 5, false FROM devices;
        INSERT INTO inventory_items SELECT d.id, 1, 'app' || k, NULL, '1', NULL, '{}' FROM devices d, generate_series(1, 5) k;
        INSERT INTO profile_installs SELECT d.id, 'profile' || k, 1, 'UUID', 1, 0, timestamptz '2026-03-01Z' FROM devices d, generate_series(1, 3) k;
        INSERT INTO bodies SELECT sha256(id::bytea), '\x01', timestamptz '2026-03-01Z' FROM devices;
        INSERT INTO operations (id, command_uuid, request_type, body_hash, accepted_at, requested_by)
        VALUES ('op-small', 'UUID-OF-OP-SMALL', 'DeviceInformation', '\x01', timestamptz '2026-03-01Z', 'ada');
        INSERT INTO history (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, finished_at, not_now_count, operation_id)
        SELECT 'D' || 1 + i % 20000, i, CASE WHEN i % 1000 = 0 THEN 'UUID-OF-OP-SMALL' ELSE 'U' || i END, 'DeviceInformation',
          sha256(('D' || 1 + i % 20000)::bytea), 1, t, t, 0, CASE WHEN i % 1000 = 0 THEN 'op-small' END
        FROM (SELECT i, timestamptz '2025-12-03Z' + i * interval '2 minutes 9 seconds' AS t FROM generate_series(1, 60000) i) s;
        INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at, operation_id)
        SELECT 'D' || 1 + i % 20000, CASE WHEN i <= 50 THEN 'UUID-OF-OP-SMALL' ELSE 'Q' || i END, 'DeviceInformation', '\x01',
          timestamptz '2026-03-01Z', CASE WHEN i <= 50 THEN 'op-small' END
        FROM generate_series(1, 20000) i;
        SELECT setval(pg_get_serial_sequence('queue', 'sequence'), 200000);
        ANALYZE;
        """;

    [Fact]
    public async Task Nothing_on_an_iPads_path_reads_a_table_from_end_to_end()
    {
        await using var database = await PostgresDatabase.Create();
        var settings = PostgresFixture.SettingsFor(database.ConnectionString);
        var time = new FakeTimeProvider(Make.Now.AddDays(-95));
        await using (await Node.Start(settings, time))
        {
            // The partitions of the months that are past.
        }

        time.SetUtcNow(Make.Now);
        await using (await Node.Start(settings, time))
            await database.Execute(Seed);
        Assert.Equal(0, await database.Scalar<long>("SELECT count(*) FROM history_default"));
        await Read(database);
        var (scannedBefore, foundBefore) = await Read(database);

        await using (var node = await Node.Start(settings, time))
            await Traffic.Run(node, "D77", "U40076");

        // The counters of a connection come when it is closed.
        var (scanned, found) = await Read(database);
        await Until(async () =>
        {
            var left = await HasConnections(database);
            (scanned, found) = await Read(database);
            return !left && found.GetValueOrDefault("queue") >= foundBefore.GetValueOrDefault("queue") + 5;
        }, "PostgreSQL did not count what was read.");

        var grown = Traffic.Tables.Append("history_").ToArray();
        Assert.Empty(scanned.Where(table => grown.Any(name => table.Key == name || table.Key.StartsWith("history_", StringComparison.Ordinal)))
            .Where(table => table.Value > scannedBefore.GetValueOrDefault(table.Key))
            .Select(table => $"{table.Key}: {table.Value - scannedBefore.GetValueOrDefault(table.Key)} rows"));
    }

    [Fact]
    public async Task Each_order_of_the_list_of_iPads_comes_from_an_index()
    {
        await using var database = await PostgresDatabase.Create();
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString));
        await database.Execute(Seed);
        await database.Execute("UPDATE device_activity SET last_seen_at = timestamptz '2026-03-01Z' + substr(id, 2)::int * interval '1 second' WHERE length(id) > 3; ANALYZE");
        await using var connection = new Npgsql.NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        foreach (var (order, later) in ListOrders.All)
        {
            await using var command = new Npgsql.NpgsqlCommand(
                "EXPLAIN (COSTS OFF) " + FleetQueries.ListSql(DeviceFilter.Everything, later, order, node.Parts.Database), connection);
            command.Parameters.AddWithValue("@limit", 50);
            command.Parameters.AddWithValue("@after", "D77");
            if (later && order.By != DeviceSort.Id)
                command.Parameters.AddWithValue("@from", order.By == DeviceSort.LastSeen ? new DateTime(2026, 3, 1, 1, 0, 0, DateTimeKind.Utc) : "s77");
            var plan = new List<string>();
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
                plan.Add(reader.GetString(0));

            var words = $"{order} {later}: {string.Join('\n', plan)}";
            Assert.True(plan.Exists(line => line.Contains(ListOrders.IndexOf(order.By), StringComparison.Ordinal)), words);
            Assert.False(plan.Exists(line => line.Contains("Sort", StringComparison.Ordinal) || line.Contains("Seq Scan", StringComparison.Ordinal)), words);
        }
    }

    [Fact]
    public async Task A_repeated_report_is_looked_for_in_its_own_month_only()
    {
        await using var database = await PostgresDatabase.Create();
        var settings = PostgresFixture.SettingsFor(database.ConnectionString);
        await using (var node = await Node.Start(settings, new FakeTimeProvider(Make.Now.AddDays(-5))))
        {
            await database.Execute("""
                INSERT INTO history (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, finished_at, not_now_count)
                SELECT 'D' || i, i, 'U' || i, 'DeviceInformation', '\x01', 1, t, t, 0
                FROM (SELECT i, timestamptz '2026-02-01Z' + i * interval '1 minute' AS t FROM generate_series(1, 80000) i) s;
                ANALYZE;
                """);
            var plan = new List<string>();
            await using var connection = new Npgsql.NpgsqlConnection(database.ConnectionString + ";Pooling=false");
            await connection.OpenAsync();
            await using var command = new Npgsql.NpgsqlCommand(
                $"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {Statement(typeof(PostgreSql.PostgresWriter), "FindFinished")}", connection)
            {
                Parameters =
                {
                    new() { Value = new[] { "D9" } }, new() { Value = new[] { 9L } },
                    new() { Value = new[] { new DateTime(2026, 2, 1, 0, 9, 0, DateTimeKind.Utc) } },
                },
            };
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
                plan.Add(reader.GetString(0));

            Assert.Contains(plan, line => line.Contains(" on history_202602 ", StringComparison.Ordinal) && line.Contains("rows=1", StringComparison.Ordinal));
            Assert.Contains(plan, line => line.Contains(" on history_202603 ", StringComparison.Ordinal) && line.Contains("never executed", StringComparison.Ordinal));
            Assert.DoesNotContain(
                plan, line => line.Contains("Seq Scan", StringComparison.Ordinal) && !line.Contains("never executed", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_queue_that_was_empty_when_PostgreSQL_counted_it_is_not_read_from_end_to_end_in_the_morning()
    {
        const int Waiting = 20_000;
        await using var database = await PostgresDatabase.Create();
        await using (var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString)))
        {
            // The night: VACUUM finds a queue that was worked off, but for one row on its last page. Autovacuum would put it right within a minute;
            // here it never does.
            await database.Execute("ALTER TABLE queue SET (autovacuum_enabled = off)");
            await database.Execute(Fill(5_000));
            await database.Execute("DELETE FROM queue WHERE enrolment_id <> 'D5000'");
            await database.Execute("VACUUM ANALYZE queue");
            var id = (await Make.Enrolled(node)).Id;
            for (var i = 0; i < 5; i++)
                await FinishOne(node, id);
            Assert.InRange(await Counted(database), 0, 10);

            await database.Execute(Fill(Waiting));
            await Until(async () => await Counted(database) >= Waiting, "Nobody told PostgreSQL how large the queue is.");

            for (var i = 0; i < 5; i++)
                await FinishOne(node, id);
        }

        // The counters of a connection come when it is closed.
        await Until(async () => !await HasConnections(database), "The node's connections did not end.");
        var read = await database.Scalar<decimal>("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'queue'");
        Assert.InRange(read, 20, Waiting / 10);
    }

    [Fact]
    public async Task The_certificates_of_an_iPad_are_found_by_its_id_while_PostgreSQL_has_not_looked_at_the_table_yet()
    {
        const int Loads = 50;
        await using var database = await PostgresDatabase.Create();
        await using (var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString)))
        {
            // The hour of enrolment: autovacuum has not come yet. Here it never does.
            foreach (var table in new[] { "devices", "device_activity", "pins" })
                await database.Execute($"ALTER TABLE {table} SET (autovacuum_enabled = off)");
            await database.Execute("""
                INSERT INTO devices (id, device_id, kind, status, version, write_id, serial_number, topic, push_token, push_magic, search)
                SELECT 'D' || i, 'D' || i, 1, 2, 1, gen_random_uuid(), 'S' || i, 'topic', '\x01', 'magic', 's' || i FROM generate_series(1, 5000) i;
                INSERT INTO device_activity (id) SELECT id FROM devices;
                INSERT INTO pins SELECT sha256(id::bytea), id, timestamptz '2027-01-01Z', timestamptz '2026-01-01Z' FROM devices;
                """);
            for (var i = 1; i <= Loads; i++)
            {
                var row = (await node.Devices.Load($"D{i}")).Row!;
                await node.Devices.Commit(Make.Change(row with { Version = 2 }) with
                {
                    Pin = new Pin(Make.Hash(), Make.Now.AddYears(1), Make.Now),
                    DropPinsBefore = Make.Now,
                });
            }
        }

        // The counters of a connection come when it is closed.
        await Until(async () => !await HasConnections(database), "The node's connections did not end.");
        var read = await database.Scalar<decimal>("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'pins'")
            + await database.Scalar<long>("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'pins'");
        Assert.InRange(read, Loads, Loads * 20);
    }

    private static async Task Until(Func<Task<bool>> condition, string otherwise)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Patience, otherwise);
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    private static async Task<bool> HasConnections(PostgresDatabase database) => await database.Scalar<long>(
        $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database.Name}' AND application_name = 'fleetmdm'") > 0;

    /// <summary>How many rows PostgreSQL's planner takes the queue for.</summary>
    private static Task<float> Counted(PostgresDatabase database) => database.Scalar<float>("SELECT reltuples FROM pg_class WHERE relname = 'queue'");

    private static string Fill(int rows) => $"""
        INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at)
        SELECT 'D' || i, gen_random_uuid()::text, 'DeviceInformation', '\x01', now() FROM generate_series(1, {rows}) i
        """;

    private static async Task FinishOne(Node node, string id)
    {
        var command = await node.Devices.Append(Make.Command(id));
        Assert.NotEmpty((await node.Devices.Load(id)).Queue);
        Assert.True(await node.Devices.Finish(Make.Finish(id, command.Sequence)));
    }

    private static string Statement(Type type, string name) =>
        (string)type.GetField(name, BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;

    /// <summary>Rows that scans have read, and look-ups by an index, by table.</summary>
    private static async Task<(Dictionary<string, long> Scanned, Dictionary<string, long> Found)> Read(PostgresDatabase database)
    {
        var scanned = new Dictionary<string, long>();
        var found = new Dictionary<string, long>();
        await using var connection = new Npgsql.NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand("SELECT relname, seq_tup_read, coalesce(idx_scan, 0) FROM pg_stat_user_tables", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            (scanned[reader.GetString(0)], found[reader.GetString(0)]) = (reader.GetInt64(1), reader.GetInt64(2));
        return (scanned, found);
    }
}

/// <summary>SQLite plans by the schema alone, so a few rows do: each statement that ran is explained.</summary>
public sealed class SqliteScanTests(SqliteFixture fixture) : IClassFixture<SqliteFixture>
{
    [Fact]
    public async Task Nothing_on_an_iPads_path_reads_a_table_from_end_to_end()
    {
        var node = fixture.Node;
        var id = (await Make.Enrolled(node)).Id;
        await node.Operations.Append(new()
        {
            Id = Traffic.OperationId,
            CommandUuid = Traffic.OperationUuid,
            RequestType = "DeviceInformation",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = [id],
        });
        var finished = await node.Devices.Append(Make.Command(id, "FINISHED"));
        await node.Devices.Finish(Make.Finish(id, finished.Sequence));

        var statements = new HashSet<string>();
        var watched = await Handles(node);
        foreach (var handle in watched)
        {
            raw.sqlite3_trace(handle, (_, statement) =>
            {
                lock (statements) statements.Add(statement);
            }, null);
        }

        await Traffic.Run(node, id, "FINISHED");
        foreach (var handle in watched)
            raw.sqlite3_trace(handle, (strdelegate_trace?)null, null);

        Assert.Contains(statements, s => s.StartsWith("INSERT INTO history", StringComparison.Ordinal));
        Assert.Contains(statements, s => s.Contains("ORDER BY sequence DESC LIMIT", StringComparison.Ordinal));
        Assert.Contains(statements, s => s.Contains("GROUP BY h.ending", StringComparison.Ordinal));
        Assert.Empty(statements.SelectMany(Scans));
    }

    [Fact]
    public void Each_order_of_the_list_of_iPads_comes_from_an_index()
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(fixture.Folder, "fleetmdm.db")};Pooling=false");
        connection.Open();
        foreach (var (order, later) in ListOrders.All)
        {
            using var command = connection.CreateCommand();
            command.CommandText = "EXPLAIN QUERY PLAN " + FleetQueries.ListSql(DeviceFilter.Everything, later, order, fixture.Node.Parts.Database);
            using var reader = command.ExecuteReader();
            var plan = new List<string>();
            while (reader.Read())
                plan.Add(reader.GetString(3));

            var words = $"{order} {later}: {string.Join('\n', plan)}";
            Assert.True(plan[0].Contains(order.By == DeviceSort.Id ? "USING" : ListOrders.IndexOf(order.By), StringComparison.Ordinal), words);
            Assert.False(plan.Exists(step => step.Contains("TEMP B-TREE", StringComparison.Ordinal)), words);
        }
    }

    [Fact]
    public void Apps_of_which_too_few_licences_are_left_are_counted_without_those_that_are_held()
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(fixture.Folder, "fleetmdm.db")};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "EXPLAIN QUERY PLAN " + Storage.AppsAndBooks.ContentStore.Locations;
        using var reader = command.ExecuteReader();
        var plan = new List<string>();
        while (reader.Read()) plan.Add(reader.GetString(3));

        Assert.Contains(plan, step => step.Contains("content_licences_waiting (location_id=? AND adam_id=? AND pricing=?)", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, step => step.Contains("sqlite_autoindex_content_licences", StringComparison.Ordinal));
    }

    /// <summary>The scans in a statement's plan.</summary>
    private List<string> Scans(string statement)
    {
        if (!new[] { "SELECT", "INSERT", "UPDATE", "DELETE" }.Any(verb => statement.StartsWith(verb, StringComparison.Ordinal)))
            return [];
        using var connection = new SqliteConnection($"Data Source={Path.Combine(fixture.Folder, "fleetmdm.db")};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "EXPLAIN QUERY PLAN " + statement;
        using var reader = command.ExecuteReader();
        var scans = new List<string>();
        while (reader.Read())
        {
            var step = reader.GetString(3);
            if (step.StartsWith("SCAN", StringComparison.Ordinal) && !step.Contains("json_each", StringComparison.Ordinal)
                && step is not ("SCAN CONSTANT ROW" or "SCAN 2-ROW VALUES CLAUSE" or OneFingerprint))
                scans.Add($"{step} by {statement}");
        }

        return scans;
    }

    /// <summary>The one row of parameters of the look for a certificate.</summary>
    private const string OneFingerprint = "SCAN i";

    /// <summary>Of the lanes' own connections, and of the one that the pool of readers lends next.</summary>
    private static async Task<List<sqlite3>> Handles(Node node)
    {
        // Each lane has opened its connection by then: they take turns.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => node.Devices.Load(Make.Id())));
        var found = node.Lanes.Writers.Concat(node.Lanes.Readers)
            .Select(lane => Field<SqliteConnection>(Field<SqliteExecutor>(lane)).Handle!)
            .ToList();
        await using var reader = await Field<SqliteConnections>(node.Parts.Database).OpenReader(CancellationToken.None);
        found.Add(reader.Handle!);
        return found;
    }

    private static T Field<T>(object of)
    {
        for (var type = of.GetType(); type is not null; type = type.BaseType)
        {
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                if (field.GetValue(of) is T value)
                    return value;
            }
        }

        throw new InvalidOperationException($"{of.GetType().Name} has no {typeof(T).Name}.");
    }
}
