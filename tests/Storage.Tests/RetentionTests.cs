using FleetMdm.Testing;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Storage.Tests;

/// <summary>Old history leaves by the month, or in small pieces, and there is always room for the new.</summary>
public sealed class PostgresRetentionTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>The names of the tables in which the rows of the history lie.</summary>
    private const string Where = "SELECT coalesce(string_agg(DISTINCT tableoid::regclass::text, ',' ORDER BY tableoid::regclass::text), '') FROM history";

    private static async Task Finish(Node node, DateTimeOffset at)
    {
        var id = Make.Id();
        var appended = await node.Devices.Append(Make.Command(id, at: at));
        Assert.True(await node.Devices.Finish(Make.Finish(id, appended.Sequence) with { FinishedAt = at }));
    }

    [Fact]
    public async Task A_month_goes_as_a_whole_when_its_last_day_is_past_and_no_row_is_deleted()
    {
        await using var database = await PostgresDatabase.Create();
        var time = new FakeTimeProvider(Make.Now.AddMonths(-2));
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString), time);
        time.SetUtcNow(Make.Now);
        await node.Control.PrepareHistory(None);
        foreach (var at in new[] { Make.Now.AddMonths(-2), Make.Now.AddMonths(-1), Make.Now }) await Finish(node, at);
        Assert.Equal("history_202601,history_202602,history_202603", await database.Scalar<string>(Where));

        // The last day of January that is to be kept keeps all of January.
        await node.Control.DropHistory(new DateTimeOffset(2026, 1, 31, 23, 0, 0, TimeSpan.Zero), None);
        Assert.Equal("history_202601,history_202602,history_202603", await database.Scalar<string>(Where));
        await node.Control.DropHistory(new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero), None);

        Assert.Equal("history_202602,history_202603", await database.Scalar<string>(Where));
        Assert.True(await database.Scalar<bool>("SELECT to_regclass('history_202601') IS NULL"));
        Assert.Equal(0, await database.Scalar<long>("SELECT coalesce(sum(n_tup_del), 0)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'history%'"));
    }

    [Fact]
    public async Task A_server_that_runs_for_years_has_a_partition_for_each_month_before_it_begins()
    {
        await using var database = await PostgresDatabase.Create();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString), time);
        for (var month = 0; month < 14; month++)
        {
            await node.Control.PrepareHistory(None);
            for (var ahead = 0; ahead <= 3; ahead++)
            {
                var name = $"history_{time.GetUtcNow().AddMonths(ahead):yyyyMM}";
                Assert.True(await database.Scalar<bool>($"SELECT to_regclass('{name}') IS NOT NULL"), $"{name} is missing at {time.GetUtcNow():d}.");
            }

            await Finish(node, time.GetUtcNow());
            time.SetUtcNow(new DateTimeOffset(2026, 1, 28, 12, 0, 0, TimeSpan.Zero).AddMonths(month + 1));
        }

        Assert.Equal(0, await database.Scalar<long>("SELECT count(*) FROM history_default"));
    }

    [Fact]
    public async Task Where_no_partition_was_made_nothing_is_refused_and_it_leaves_in_small_pieces()
    {
        await using var database = await PostgresDatabase.Create();
        var time = new FakeTimeProvider(Make.Now);
        await using var node = await Node.Start(PostgresFixture.SettingsFor(database.ConnectionString), time);
        await Finish(node, Make.Now.AddYears(1));
        await database.Execute("""
            INSERT INTO history (enrolment_id, sequence, command_uuid, request_type, body_hash, ending, accepted_at, finished_at, not_now_count)
            SELECT 'D', i + 1000, 'U' || i, 'DeviceInformation', '\x01', 1, timestamptz '2020-01-01Z', timestamptz '2020-01-01Z', 0
            FROM generate_series(1, 5000) i
            """);
        Assert.Equal("history_default", await database.Scalar<string>(Where));

        var pieces = new List<long>();
        while (await node.Control.DropHistory(Make.Now.AddMonths(-2), None) is > 0 and var dropped) pieces.Add(dropped);

        Assert.Equal([2000, 2000, 1000], pieces);
        Assert.Equal(1, await database.Scalar<long>("SELECT count(*) FROM history"));
    }
}

public sealed class SqliteRetentionTests(SqliteFixture fixture) : IClassFixture<SqliteFixture>
{
    [Fact]
    public async Task History_leaves_in_small_pieces_and_the_one_writer_works_between_them()
    {
        await fixture.Execute("""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
            INSERT INTO history (sequence, enrolment_id, command_uuid, request_type, body_hash, ending, accepted_at, finished_at, not_now_count)
            SELECT i + 100000, 'D', 'U' || i, 'DeviceInformation', x'01', 1, 0, 0, 0 FROM n
            """);
        var pieces = new List<long>();
        long dropped;
        do
        {
            dropped = await fixture.Node.Control.DropHistory(Make.Now, CancellationToken.None);
            pieces.Add(dropped);
            // In the lane behind it, and not behind the rest of what is old.
            await fixture.Node.Devices.Append(Make.Command(Make.Id()));
        }
        while (dropped > 0);

        Assert.Equal([2000, 2000, 1000, 0], pieces);
    }
}
