using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using FleetMdm.Testing;

namespace FleetMdm.Storage.Tests;

/// <summary>What only a server can do: cut connections, restart, be somebody else's.</summary>
public sealed class PostgresOutageTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Connections_cut_in_the_middle_of_everything_lose_and_double_nothing()
    {
        await using var node = await fixture.OpenNode();
        var commands = Enumerable.Range(0, 3_000).Select(n => Make.Command($"D{n % 100}-{fixture.Database.Name}")).ToList();

        var appends = new List<Task<QueueAppended>>();
        foreach (var part in commands.Chunk(500))
        {
            appends.AddRange(part.Select(node.Devices.Append));
            await fixture.Database.CutConnections();
            await appends[^1].WaitAsync(Guard);
        }

        Assert.All(await Task.WhenAll(appends).WaitAsync(Guard), a => Assert.False(a.AlreadyThere));
        foreach (var id in commands.Select(c => c.EnrolmentId).Distinct())
        {
            Assert.Equal(
                commands.Where(c => c.EnrolmentId == id).Select(c => c.CommandUuid),
                (await node.Devices.Load(id)).Queue.Select(q => q.CommandUuid));
        }
    }

    [Fact]
    public async Task Reads_and_rare_writes_survive_cut_connections_too()
    {
        await using var node = await fixture.OpenNode();
        var row = await Make.Enrolled(node);
        await node.Queries.FindDevice(row.Id);

        await fixture.Database.CutConnections();
        Assert.NotNull(await node.Queries.FindDevice(row.Id));
        await fixture.Database.CutConnections();
        Assert.True((await node.Idempotency.Claim("ada", Make.Id(), Make.Hash(), Make.Now)).IsNew);
        await fixture.Database.CutConnections();
        await node.Devices.Touch([(row.Id, Make.Now)]);
        Assert.Equal(Make.Now, (await node.Devices.Load(row.Id)).Row!.LastSeenAt);
    }

    [Fact]
    public async Task Two_thousand_appends_are_few_transactions_for_the_server()
    {
        await using var database = await PostgresDatabase.Create();
        await using (var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString)))
            await Task.WhenAll(Enumerable.Range(0, 2_000).Select(_ => node.Devices.Append(Make.Command(Make.Id()))));

        var commits = await database.Scalar<long>($"SELECT xact_commit FROM pg_stat_database WHERE datname = '{database.Name}'");

        Assert.InRange(commits, 1, 300);
    }

    [Fact]
    public async Task A_server_that_dies_is_reported_and_what_it_had_promised_is_there_when_it_is_back()
    {
        await using var server = await PrivatePostgres.Create();
        await using var database = await PostgresDatabase.CreateOn(server.ConnectionString);
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString));
        var row = await Make.Enrolled(node);
        var promised = await node.Devices.Append(Make.Command(row.Id));

        await server.StopAtOnce();
        var refused = Make.Command(row.Id);
        Task[] calls =
        [
            node.Devices.Append(refused), node.Devices.Load(row.Id), node.Queries.FindDevice(row.Id), node.Devices.Touch([(row.Id, Make.Now)]),
            node.Control.Check(CancellationToken.None), node.Control.Migrate(CancellationToken.None),
        ];
        foreach (var call in calls)
            await Assert.ThrowsAsync<StoreUnavailableException>(() => call.WaitAsync(Guard));
        Assert.Throws<StoreUnavailableException>(() => node.KeyRing.LoadKeys());

        await server.Start();
        var repeated = await node.Devices.Append(refused).WaitAsync(Guard);
        await node.Control.Check(CancellationToken.None);

        Assert.False(repeated.AlreadyThere);
        Assert.Equal([promised.Sequence, repeated.Sequence], (await node.Devices.Load(row.Id)).Queue.Select(q => q.Sequence));
        Assert.Equal(row.SerialNumber, (await node.Queries.FindDevice(row.Id))!.SerialNumber);
    }

    [Fact]
    public async Task A_server_that_restarts_quickly_is_not_even_noticed()
    {
        await using var server = await PrivatePostgres.Create();
        await using var database = await PostgresDatabase.CreateOn(server.ConnectionString);
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString));
        // All of one device, that is of one lane, whose batch is between commit and answer when the server goes down.
        var id = Make.Id();
        var commands = Enumerable.Range(0, 50).Select(_ => Make.Command(id)).ToList();
        foreach (var lane in node.Lanes.Writers)
        {
            lane.AfterExecution = async _ =>
            {
                lane.AfterExecution = null;
                await server.StopAtOnce();
                await server.Start();
                throw new TimeoutException("The answer was lost.");
            };
        }

        var appended = await Task.WhenAll(commands.Select(node.Devices.Append)).WaitAsync(Guard);

        Assert.Equal(50, appended.Select(a => a.Sequence).Distinct().Count());
        Assert.All(appended, a => Assert.False(a.AlreadyThere));
        Assert.Equal(commands.Select(c => c.CommandUuid), (await node.Devices.Load(id)).Queue.Select(q => q.CommandUuid));
    }

    [Fact]
    public async Task A_database_of_another_encoding_is_refused()
    {
        await using var database = await PostgresDatabase.Create("ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");

        var refused = await Assert.ThrowsAsync<StorageConfigurationException>(
            () => Node.Start(PostgresFixture.SettingsFor(database.ConnectionString)));

        Assert.Contains("UTF8", refused.Message);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_reported_by_the_name_of_the_option_and_without_the_password()
    {
        var settings = PostgresFixture.SettingsFor("Host=127.0.0.1;Port=1;Username=u;Password=hush;Database=d");

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => Node.Start(settings));

        Assert.Contains("Storage:ConnectionString", refused.Message);
        Assert.DoesNotContain("hush", refused.ToString());
    }

    [Fact]
    public async Task Without_the_schema_the_caller_is_told_at_once()
    {
        await using var database = await PostgresDatabase.Create();
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString));
        await database.Execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Devices.Append(Make.Command("A")).WaitAsync(Guard));

        Assert.Contains("does not exist", refused.Message);
    }

    [Fact]
    public async Task A_partition_a_month_is_made_ahead_and_whole_months_are_dropped()
    {
        await using var database = await PostgresDatabase.Create();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(Make.Now);
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString), time);
        Task<string> Partitions() => database.Scalar<string>(
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname ~ '^history_([0-9]{6}|default)$'");
        Assert.Equal("history_202603 history_202604 history_202605 history_202606 history_default", await Partitions());

        var id = Make.Id();
        foreach (var at in new[] { Make.Now, Make.Now.AddMonths(1), Make.Now.AddYears(-1) })
        {
            var appended = await node.Devices.Append(Make.Command(id));
            await node.Devices.Finish(Make.Finish(id, appended.Sequence) with { FinishedAt = at });
        }

        time.Advance(TimeSpan.FromDays(60));
        // The second of April: March may go, April not yet, and what no month was made for goes by itself.
        Assert.True(await node.Control.DropHistory(Make.Now.AddMonths(1), CancellationToken.None) >= 2);
        await node.Control.PrepareHistory(CancellationToken.None);

        Assert.Equal("history_202604 history_202605 history_202606 history_202607 history_202608 history_default", await Partitions());
        Assert.Equal(Make.Now.AddMonths(1), Assert.Single(await node.Queries.ListHistory(id, null, 10)).FinishedAt);
    }

    [Fact]
    public async Task A_reader_of_the_history_keeps_a_partition_from_being_dropped_and_nobody_waits_for_long()
    {
        await using var database = await PostgresDatabase.Create();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(Make.Now);
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString), time);
        await using var connection = new Npgsql.NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var read = new Npgsql.NpgsqlCommand("SELECT count(*) FROM history", connection, transaction))
            await read.ExecuteScalarAsync();

        await node.Control.DropHistory(Make.Now.AddMonths(1), CancellationToken.None).WaitAsync(Guard);
        Assert.Equal(1, await database.Scalar<long>("SELECT count(*) FROM pg_class WHERE relname = 'history_202603'"));

        await transaction.RollbackAsync();
        await node.Control.DropHistory(Make.Now.AddMonths(1), CancellationToken.None).WaitAsync(Guard);
        Assert.Equal(0, await database.Scalar<long>("SELECT count(*) FROM pg_class WHERE relname = 'history_202603'"));
    }
}
