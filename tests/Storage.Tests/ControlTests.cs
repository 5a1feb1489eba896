using FleetMdm.Storage.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresControlTests(PostgresFixture fixture) : ControlTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteControlTests(SqliteFixture fixture) : ControlTests(fixture), IClassFixture<SqliteFixture>;

public abstract class ControlTests(StoreFixture fixture)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_store_that_answers_is_healthy() => await fixture.Node.Control.Check(None);

    [Fact]
    public async Task A_migrated_database_has_nothing_to_migrate() => Assert.Empty(await fixture.Node.Control.Migrate(None));

    [Fact]
    public async Task Three_nodes_that_start_at_once_migrate_once()
    {
        await using var another = await fixture.CreateAnother();
        var settings = new Dictionary<string, string?>(another.Settings);
        await another.ForgetSchema();
        await using var a = new Node(settings);
        await using var b = new Node(settings);
        await using var c = new Node(settings);

        var applied = await Task.WhenAll(a.Control.Migrate(None), b.Control.Migrate(None), c.Control.Migrate(None));

        var names = Assert.Single(applied, names => names.Count > 0);
        Assert.Equal(["001_device_plane", "002_orleans", "003_audit"], names.Take(3));
        Assert.Equal(names.Order(StringComparer.Ordinal).Distinct(), names);
        await Make.Enrolled(c);
    }

    [Fact]
    public async Task A_database_that_is_newer_than_the_program_is_refused()
    {
        await using var another = await fixture.CreateAnother();
        await another.Execute("INSERT INTO schema_version (version, name, applied_at) VALUES (999, 'future', CURRENT_TIMESTAMP)");

        var refused = await Assert.ThrowsAsync<StorageConfigurationException>(() => another.OpenNode());

        Assert.Contains("999", refused.Message);
    }

    [Fact]
    public async Task Without_migration_at_start_an_old_database_is_refused_with_a_word_on_what_to_do()
    {
        await using var another = await fixture.CreateAnother();
        var settings = new Dictionary<string, string?>(another.Settings) { ["Storage:MigrateAtStart"] = "false" };
        await using (await Node.Start(settings))
        {
            // The schema is there: nothing to refuse.
        }

        await another.ForgetSchema();
        var refused = await Assert.ThrowsAsync<StorageConfigurationException>(() => Node.Start(settings));

        Assert.Contains("001_device_plane", refused.Message);
        Assert.Contains("migrate", refused.Message);
    }

    [Fact]
    public async Task Old_history_is_dropped_and_the_recent_stays()
    {
        await using var another = await fixture.CreateAnother();
        var now = Make.Now;
        var time = new FakeTimeProvider(now);
        await using var node = await another.OpenNode(time);
        var id = Make.Id();
        foreach (var days in new[] { 200, 100, 1 })
        {
            var appended = await node.Devices.Append(Make.Command(id, $"{days}", $"<dict>{days}</dict>"));
            await node.Devices.Finish(Make.Finish(id, appended.Sequence, bodyHash: appended.BodyHash) with { FinishedAt = now.AddDays(-days) });
        }

        long dropped, total = 0;
        while ((dropped = await node.Control.DropHistory(now.AddDays(-31), None)) > 0)
            total += dropped;

        Assert.True(total >= 2);
        Assert.Equal(["1"], (await node.Queries.ListHistory(id, null, 10)).Select(h => h.CommandUuid));
    }

    [Fact]
    public async Task Bodies_that_nothing_refers_to_are_dropped_when_they_are_old()
    {
        await using var another = await fixture.CreateAnother();
        var time = new FakeTimeProvider(Make.Now);
        await using var node = await another.OpenNode(time);
        var id = Make.Id();
        var queued = await node.Devices.Append(Make.Command(id, body: "<dict>queued</dict>"));
        var finished = await node.Devices.Append(Make.Command(id, body: "<dict>finished</dict>"));
        var report = await node.Devices.StoreBody("report"u8.ToArray());
        await node.Devices.Finish(Make.Finish(id, finished.Sequence, bodyHash: finished.BodyHash) with
        {
            FinishedAt = Make.Now.AddDays(60),
            Result = null,
            ResultHash = report,
        });
        var pad = await Make.Enrolled(node);
        var operation = await node.Operations.Append(new()
        {
            Id = Make.Id(),
            CommandUuid = Make.Id(),
            RequestType = "RestartDevice",
            Body = "<dict>operation</dict>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = [pad.Id],
        });
        var ofOperation = (await node.Devices.Load(pad.Id)).Queue.Single();
        await node.Devices.Finish(Make.Finish(pad.Id, ofOperation.Sequence, bodyHash: operation.BodyHash) with { FinishedAt = Make.Now });
        var unused = await node.Devices.StoreBody("unused"u8.ToArray());

        // Two days on it is still too young, whatever the retention.
        time.Advance(TimeSpan.FromDays(2));
        await node.Control.DropHistory(time.GetUtcNow(), None);
        await using (var fresh = await another.OpenNode(time))
            Assert.NotNull(await fresh.Devices.LoadBody(unused));

        // Weeks later it goes; what is queued, in the history that is left, or an operation's stays.
        time.Advance(TimeSpan.FromDays(70));
        await node.Control.DropHistory(Make.Now.AddDays(50), None);
        await using var later = await another.OpenNode(time);
        Assert.Null(await later.Devices.LoadBody(unused));
        Assert.NotNull(await later.Devices.LoadBody(queued.BodyHash));
        Assert.NotNull(await later.Devices.LoadBody(finished.BodyHash));
        Assert.NotNull(await later.Devices.LoadBody(report));
        Assert.NotNull(await later.Devices.LoadBody(operation.BodyHash));
    }

    [Fact]
    public async Task A_body_that_is_used_again_and_again_stays_for_its_newest_command()
    {
        await using var another = await fixture.CreateAnother();
        var time = new FakeTimeProvider(Make.Now);
        await using var node = await another.OpenNode(time);
        byte[] hash = [];
        foreach (var (days, minutes) in new[] { (0, 0), (0, 1), (0, 59), (2, 0), (60, 0), (60, 30), (61, 0) })
        {
            var id = Make.Id();
            var at = Make.Now.AddDays(days).AddMinutes(minutes);
            // The row was appended long ago: what keeps its body is that it ends now.
            var appended = await node.Devices.Append(Make.Command(id, body: "<dict>again</dict>", at: Make.Now));
            hash = appended.BodyHash;
            await node.Devices.Finish(Make.Finish(id, appended.Sequence, bodyHash: hash) with { FinishedAt = at });
        }

        time.Advance(TimeSpan.FromDays(100));
        await node.Control.DropHistory(Make.Now.AddDays(50), None);

        await using var later = await another.OpenNode(time);
        Assert.NotNull(await later.Devices.LoadBody(hash));
    }

    [Fact]
    public async Task A_body_is_never_lost_to_a_clean_up_that_runs_while_it_is_appended_again()
    {
        await using var another = await fixture.CreateAnother();
        var time = new FakeTimeProvider(Make.Now);
        await using var node = await another.OpenNode(time);
        await using var sweeper = await another.OpenNode(time);
        for (var round = 0; round < 10; round++)
        {
            // Old enough to go, all of them; then the clean-up and the appends of the same bodies begin at once.
            var bodies = Enumerable.Range(0, 20).Select(i => $"<dict>{round}-{i}</dict>").ToList();
            foreach (var body in bodies)
                await node.Devices.StoreBody(System.Text.Encoding.UTF8.GetBytes(body));
            time.Advance(TimeSpan.FromDays(70));

            var sweep = sweeper.Control.DropHistory(time.GetUtcNow(), None);
            var appends = bodies.Select(body => node.Devices.Append(Make.Command(Make.Id(), body: body))).ToList();
            var appended = await Task.WhenAll(appends);
            await sweep;
            await sweeper.Control.DropHistory(time.GetUtcNow(), None);

            // What the table says, not what the node has in memory.
            foreach (var append in appended)
            {
                Assert.Equal(1, await node.Parts.Database.Read(s => s
                    .Sql("SELECT count(*) FROM bodies WHERE hash = @hash").Bytes("@hash", append.BodyHash).First(row => row.Long(0))));
            }
        }
    }

    [Fact]
    public void Orleans_is_told_a_provider_that_it_knows() =>
        Assert.Contains(fixture.Node.Control.Orleans.Invariant, new[] { "Npgsql", "System.Data.SQLite" });
}
