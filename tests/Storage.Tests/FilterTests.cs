using CsCheck;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Incidents;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresFilterTests(PostgresFixture fixture) : FilterTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteFilterTests(SqliteFixture fixture) : FilterTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Which iPads a filter finds: the same on both databases, and the same as a loop over all of them would.</summary>
public abstract class FilterTests(StoreFixture fixture) : IAsyncLifetime
{
    private static readonly string[] Versions = ["9.3", "17.5", "17.5.1", "17.10", "18.1.1", "no version"];

    private StoreFixture? _alone;
    private List<Pad> _pads = [];

    private Node Node => _alone!.Node;

    /// <summary>What a test knows of an iPad.</summary>
    private sealed record Pad(DeviceRow Row, DateTimeOffset? SeenAt, string[]? Apps, string[]? Profiles, bool? Compliant, DateTimeOffset? Ends, Held? Held, IncidentKind? Incident);

    /// <param name="Name">Of the person, as it is sorted; null: forgotten.</param>
    private sealed record Held(string PersonId, string? Name, bool Left, DateOnly? Until);

    public async ValueTask InitializeAsync()
    {
        _alone = await fixture.CreateAnother();
        var random = new Random(7);
        T? One<T>(params T?[] values) => values[random.Next(values.Length)];
        var people = new List<Held?> { null, null };
        foreach (var (family, active, until) in ((string, bool, int?)[])[("North", true, null), ("Berg", true, -1), ("Öst", false, 1), ("Org.A", true, 0)])
            people.Add(new Held(await HoldingStoreTests.Person(Node, family), family.ToLowerInvariant() + " ali", !active, until is { } days ? DateOnly.FromDateTime(Make.Now.UtcDateTime).AddDays(days) : null));
        people.Add(new Held(await HoldingStoreTests.Person(Node, "Forgotten"), null, true, null));
        for (var n = 0; n < 40; n++)
        {
            var name = One(null, "Rum 7 \"Å\"", "Library \\ 1");
            var row = await Make.Enrolled(Node, r => r with
            {
                OsVersion = One([null, .. Versions]),
                ProductName = One("iPad14,1", "iPad12,1", null),
                ModelName = One("iPad14,1", "iPad (9th generation)"),
                Model = null,
                DeviceName = name,
                SerialNumber = One("s1", "s2", "s3"),
                School = One(null, "North", "South"),
                Status = One(EnrolmentStatus.Enrolled, EnrolmentStatus.Unenrolled),
                IsSupervised = One<bool?>(null, true, false),
                BatteryLevel = One<double?>(null, 0.1, 0.5, 0.9),
                DeviceCapacity = One<double?>(null, 32, 64, 128),
                AvailableDeviceCapacity = One<double?>(null, 1, 12.5, 60),
                EnrolledAt = One<DateTimeOffset?>(null, Make.Now.AddDays(-20), Make.Now.AddDays(-2)),
            });
            var pad = new Pad(row, One<DateTimeOffset?>(null, Make.Now.AddDays(-25), Make.Now.AddDays(-5)), One<string[]?>(null, [], ["org.a"], ["org.a", "org.b"]),
                One<string[]?>(null, [], ["p.1"]), One<bool?>(null, true, false), One<DateTimeOffset?>(null, Make.Now.AddDays(10), Make.Now.AddDays(50)), One([.. people]), One<IncidentKind?>(null, IncidentKind.Lost, IncidentKind.InRepair));
            if (pad.Incident is { } kind) await IncidentStoreTests.Open(Node, row.Id, kind, closed: n % 4 == 0);
            if (n % 4 == 0) pad = pad with { Incident = null };
            if (pad.Held is { } held) await Node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(row.Id, held.PersonId, held.Until));
            if (pad.SeenAt is { } seen) await Node.Devices.Touch([(row.Id, seen)]);
            await Tell(row.Id, InventoryList.Apps, pad.Apps?.Select(app => new InventoryItem(app, null, "1", null, "{}")));
            await Tell(row.Id, InventoryList.Profiles, pad.Profiles?.Select(profile => new InventoryItem(profile, null, "1", null, "{}")));
            await Tell(row.Id, InventoryList.Security, pad.Compliant is { } compliant ? [new InventoryItem("PasscodeCompliant", null, compliant ? "true" : "false", null, "{}")] : null);
            await Tell(row.Id, InventoryList.Certificates, pad.Ends is { } ends ? [new InventoryItem("fingerprint", null, null, ends, "{}")] : null);
            _pads.Add(pad);
        }

        foreach (var held in people.OfType<Held>().Where(one => one.Left))
        {
            if (held.Name is null) await Node.People.Delete(Scope.District, held.PersonId, null);
            else await Node.People.Change(Scope.District, (await Node.People.Find(Scope.District, held.PersonId))!.Person with { Version = 2, Active = false }, null);
        }

        _pads = [.. _pads.OrderBy(pad => pad.Row.Id, StringComparer.Ordinal)];
    }

    public async ValueTask DisposeAsync()
    {
        if (_alone is not null) await _alone.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private async Task Tell(string id, InventoryList list, IEnumerable<InventoryItem>? items)
    {
        if (items?.ToList() is not { } told) return;
        var queued = await Node.Devices.Append(Make.Command(id));
        await Node.Devices.Finish(Make.Finish(id, queued.Sequence) with
        {
            Inventory = new InventoryChange { List = list, Digest = Guid.NewGuid(), At = Make.Now, Difference = new InventoryDifference(null, told, [], told.Count, Cut: false) },
        });
    }

    private async Task<List<string>> Find(FilterNode node) =>
        [.. (await Node.Queries.ListDevices(Scope.District, new DeviceFilter { Expression = new DeviceExpression("", node, Make.Now) }, null, 1000)).Select(row => row.Id)];

    [Fact]
    public async Task A_filter_finds_what_a_loop_over_all_iPads_finds() =>
        await FilterSamples.Filters.SampleAsync(async filter =>
        {
            Assert.Equal(_pads.Where(pad => Holds(filter, pad)).Select(pad => pad.Row.Id), await Find(filter));
        }, iter: 300, threads: 1);

    [Theory]
    [InlineData("os<17.10")]
    [InlineData("os:17")]
    [InlineData("os<=17.5 supervised")]
    [InlineData("not os<17.10 and (battery<50 or storageFree>=12.5GB)")]
    [InlineData("hasApp:org.a and not hasApp:org.b")]
    [InlineData("missingApp:org.b or missingProfile:p.1")]
    [InlineData("not missingProfile:p.1")]
    [InlineData("lastSeen>7d status:enrolled")]
    [InlineData("not lastSeen>7d")]
    [InlineData("passcodeCompliant:no or certificateExpires<30d")]
    [InlineData("person:\"ali BERG\"")]
    [InlineData("overdue or personLeft")]
    [InlineData("assigned:no")]
    [InlineData("incident:any and not incident:lost")]
    [InlineData("not overdue and assigned")]
    [InlineData("overdue:no personLeft:no")]
    [InlineData("name:\"rum 7 \\\"å\"")]
    public async Task A_filter_in_words_finds_some_and_the_count_agrees(string text)
    {
        var expression = DeviceExpression.Parse(text, Make.Now);
        var found = await Find(expression.Node);
        Assert.Equal(_pads.Where(pad => Holds(expression.Node, pad)).Select(pad => pad.Row.Id), found);
        Assert.InRange(found.Count, 1, _pads.Count - 1);
        Assert.Equal(found.Count, await Node.Queries.Count(Scope.District, new DeviceFilter { Expression = expression }));
        Assert.Equal(_pads.Count(pad => Holds(expression.Node, pad) && pad.Row.Status == EnrolmentStatus.Enrolled), await Node.Operations.CountTarget(Scope.District, new DeviceFilter { Expression = expression }));
    }

    [Fact]
    public async Task It_joins_the_other_filters_and_the_pages_of_every_order()
    {
        var filter = new DeviceFilter { School = "North", Expression = DeviceExpression.Parse("status:enrolled or not status:enrolled", Make.Now) };
        var north = _pads.Where(pad => pad.Row.School == "North").Select(pad => pad.Row.Id).ToList();
        foreach (var sort in Enum.GetValues<DeviceSort>())
        {
            var order = new DeviceOrder(sort);
            var paged = new List<DeviceRow>();
            while (true)
            {
                var page = await Node.Queries.ListDevices(Scope.District, filter, paged.Count == 0 ? null : DeviceCursor.Of(paged[^1], order), 3, order);
                paged.AddRange(page);
                if (page.Count < 3) break;
            }

            Assert.Equal(north.Order(StringComparer.Ordinal), paged.Select(row => row.Id).Order(StringComparer.Ordinal));
        }
    }

    private static bool Holds(FilterNode node, Pad pad) => node switch
    {
        FilterAnd and => Holds(and.Left, pad) && Holds(and.Right, pad),
        FilterOr or => Holds(or.Left, pad) || Holds(or.Right, pad),
        FilterNot not => !Holds(not.Inner, pad),
        FilterCondition condition => Holds(condition, pad),
        _ => throw new ArgumentOutOfRangeException(nameof(node)),
    };

    private static bool Holds(FilterCondition condition, Pad pad)
    {
        var row = pad.Row;
        var text = (condition.Value as FilterText)?.Text;
        switch (condition.Field)
        {
            case FilterField.Os:
                var (from, to) = VersionNumber.Range(((FilterVersion)condition.Value).Text)!.Value;
                return VersionNumber.Of(row.OsVersion) is { } number && condition.Operator switch
                {
                    FilterOperator.Less => number < from,
                    FilterOperator.LessOrEqual => number < to,
                    FilterOperator.Greater => number >= to,
                    FilterOperator.GreaterOrEqual => number >= from,
                    _ => number >= from && number < to,
                };
            case FilterField.Model: return text == row.ProductName || text == row.Model || text == row.ModelName;
            case FilterField.Name:
                return new[] { row.SerialNumber, row.DeviceName, row.Id }.Any(part => part?.ToLowerInvariant().Contains(text!.ToLowerInvariant(), StringComparison.Ordinal) == true);
            case FilterField.Serial: return row.SerialNumber == text;
            case FilterField.School: return row.School == text;
            case FilterField.Status: return row.Status.ToString() == text;
            case FilterField.Supervised: return row.IsSupervised == ((FilterFlag)condition.Value).Flag;
            case FilterField.Battery: return Compare(row.BatteryLevel * 100);
            case FilterField.Storage: return Compare(row.DeviceCapacity);
            case FilterField.StorageFree: return Compare(row.AvailableDeviceCapacity);
            case FilterField.LastSeen:
                var then = Make.Now - ((FilterAge)condition.Value).Age;
                return condition.Operator == FilterOperator.Greater ? pad.SeenAt < then && !(row.EnrolledAt >= then) : pad.SeenAt > then;
            case FilterField.HasApp: return pad.Apps?.Contains(text) == true;
            case FilterField.MissingApp: return pad.Apps?.Contains(text) == false;
            case FilterField.HasProfile: return pad.Profiles?.Contains(text) == true;
            case FilterField.MissingProfile: return pad.Profiles?.Contains(text) == false;
            case FilterField.PasscodeCompliant: return pad.Compliant == ((FilterFlag)condition.Value).Flag;
            case FilterField.CertificateExpires: return pad.Ends < Make.Now + ((FilterAge)condition.Value).Age;
            case FilterField.Person:
                return pad.Held?.Name is { } holder && text!.ToLowerInvariant().Split(' ').All(part => holder.Contains(part, StringComparison.Ordinal));
            case FilterField.Assigned: return pad.Held is not null == ((FilterFlag)condition.Value).Flag;
            case FilterField.Overdue: return pad.Held?.Until is { } until && until < DateOnly.FromDateTime(Make.Now.UtcDateTime) == ((FilterFlag)condition.Value).Flag;
            case FilterField.Incident: return pad.Incident is { } kind && (text == "Any" || text == kind.ToString());
            case FilterField.PersonLeft: return pad.Held is { } one && one.Left == ((FilterFlag)condition.Value).Flag;
            default: throw new ArgumentOutOfRangeException(nameof(condition));
        }

        bool Compare(double? value)
        {
            var limit = ((FilterNumber)condition.Value).Number;
            return condition.Operator switch
            {
                FilterOperator.Less => value < limit,
                FilterOperator.LessOrEqual => value <= limit,
                FilterOperator.Greater => value > limit,
                _ => value >= limit,
            };
        }
    }
}

/// <summary>A filter with three conditions reads what it is about, and not the fleet.</summary>
public abstract class FilterPlanTests(StoreFixture fixture, string explain, int column) : IAsyncLifetime
{
    private StoreFixture? _alone;

    /// <summary>20,000 iPads with three apps each; one in a thousand has a rare app, one in a hundred an old iPadOS.</summary>
    protected abstract string[] Seed { get; }

    public async ValueTask InitializeAsync()
    {
        _alone = await fixture.CreateAnother();
        foreach (var sql in Seed) await _alone.Execute(sql);
    }

    public async ValueTask DisposeAsync()
    {
        if (_alone is not null) await _alone.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private Task<List<string>> Plan(string text, string what, string end)
    {
        var database = _alone!.Node.Parts.Database;
        var filter = new DeviceFilter { Expression = DeviceExpression.Parse(text, Make.Now) };
        return database.Read(s => s
            .Sql($"{explain} SELECT {what} FROM {DeviceColumns.Joined} WHERE 1 = 1{DeviceConditions.Of(filter, database)}{end}")
            .Bind(p => DeviceConditions.Bind(p, filter)).List(row => row.Text(column)));
    }

    /// <summary>Of a whole page, as the list asks for it.</summary>
    protected Task<List<string>> ListPlan(string text, DeviceOrder order, string set)
    {
        var database = _alone!.Node.Parts.Database;
        var filter = new DeviceFilter { Expression = DeviceExpression.Parse(text, Make.Now) };
        return database.Read(async s =>
        {
            await s.Sql(set).Execute();
            return await s.Sql($"{explain} {FleetQueries.ListSql(filter, later: false, order, database)}")
                .Bind(p => DeviceConditions.Bind(p, filter)).Int("@limit", 101).List(row => row.Text(column));
        });
    }

    [Theory]
    [InlineData("os<16 and supervised and hasApp:org.rare")]
    [InlineData("hasApp:org.rare and battery<20 and status:enrolled")]
    [InlineData("os:15 and missingProfile:p.1 and storageFree<2GB")]
    public async Task A_count_and_a_page_begin_with_an_index(string text)
    {
        foreach (var plan in new[] { await Plan(text, "count(*)", ""), await Plan(text, DeviceColumns.Selected, " ORDER BY d.id LIMIT 101") })
            Assert.True(IsNarrow(plan), string.Join("\n", plan));
    }

    [Fact]
    public async Task A_filter_finds_what_it_is_about_in_a_large_fleet()
    {
        var filter = new DeviceFilter { Expression = DeviceExpression.Parse("os<16 and supervised and hasApp:org.rare", Make.Now) };
        Assert.Equal(20, await _alone!.Node.Queries.Count(Scope.District, filter));
        Assert.Equal(20, (await _alone.Node.Queries.ListDevices(Scope.District, filter, null, 101)).Count);
    }

    protected abstract bool IsNarrow(List<string> plan);
}

public sealed class PostgresFilterPlanTests(PostgresFixture fixture) : FilterPlanTests(fixture, "EXPLAIN", 0), IClassFixture<PostgresFixture>
{
    protected override string[] Seed =>
    [
        """
        INSERT INTO devices (id, device_id, kind, status, version, write_id, serial_number, search, os_version, os_number, is_supervised, battery_level, available_device_capacity)
        SELECT 'D' || i, 'D' || i, 1, 2, 1, gen_random_uuid(), 'S' || i, 's' || i, CASE WHEN i % 100 = 0 THEN '15.1' ELSE '18.1' END,
          CASE WHEN i % 100 = 0 THEN 15001000000 ELSE 18001000000 END, true, 0.5, 30
        FROM generate_series(1, 20000) i
        """,
        "INSERT INTO device_activity (id) SELECT id FROM devices",
        "INSERT INTO inventory_lists SELECT id, 1, gen_random_uuid(), now(), now(), 3, false FROM devices",
        "INSERT INTO inventory_items SELECT d.id, 1, 'app' || k, NULL, '1', NULL, '{}' FROM devices d, generate_series(1, 3) k",
        "INSERT INTO inventory_items SELECT 'D' || i, 1, 'org.rare', NULL, '1', NULL, '{}' FROM generate_series(1000, 20000, 1000) i",
        "VACUUM ANALYZE",
    ];

    protected override bool IsNarrow(List<string> plan) => !plan.Exists(step => step.Contains("Seq Scan", StringComparison.Ordinal));

    [Fact]
    public async Task What_no_index_narrows_is_looked_for_beside_the_rows()
    {
        // So few rows could as well be read from end to end.
        var plan = await ListPlan("battery<20 and storageFree<2GB and not supervised", new DeviceOrder(DeviceSort.Id), "SET enable_seqscan = off");

        Assert.True(plan.Exists(step => step.Contains("Index Only Scan using devices_facts", StringComparison.Ordinal)), string.Join("\n", plan));
    }
}

public sealed class SqliteFilterPlanTests(SqliteFixture fixture) : FilterPlanTests(fixture, "EXPLAIN QUERY PLAN", 3), IClassFixture<SqliteFixture>
{
    private const string Numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)";

    protected override string[] Seed =>
    [
        $"""
        INSERT INTO devices (id, device_id, kind, status, version, write_id, serial_number, search, os_version, os_number, is_supervised, battery_level, available_device_capacity)
        {Numbers} SELECT 'D' || i, 'D' || i, 1, 2, 1, randomblob(16), 'S' || i, 's' || i, CASE WHEN i % 100 = 0 THEN '15.1' ELSE '18.1' END,
          CASE WHEN i % 100 = 0 THEN 15001000000 ELSE 18001000000 END, 1, 0.5, 30 FROM n
        """,
        "INSERT INTO device_activity (id) SELECT id FROM devices",
        "INSERT INTO inventory_lists SELECT id, 1, randomblob(16), 0, 0, 3, 0 FROM devices",
        "INSERT INTO inventory_items SELECT d.id, 1, 'app' || k.column1, NULL, '1', NULL, '{}' FROM devices d, (VALUES (1), (2), (3)) k",
        $"INSERT INTO inventory_items {Numbers} SELECT 'D' || (i * 1000), 1, 'org.rare', NULL, '1', NULL, '{{}}' FROM n WHERE i <= 20",
    ];

    // In order of their ids the iPads are read as they lie, and the page ends early; nothing else is read from end to end.
    protected override bool IsNarrow(List<string> plan) => !plan.Exists(step =>
        step.StartsWith("SCAN", StringComparison.Ordinal) && !step.StartsWith("SCAN d", StringComparison.Ordinal));
}
