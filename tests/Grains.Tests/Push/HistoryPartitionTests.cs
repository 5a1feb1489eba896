using FleetMdm.Grains.Interfaces;
using FleetMdm.Testing;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Grains.Tests.Push;

/// <summary>A silo on PostgreSQL that is not restarted for months: its sweep makes room for the months to come and drops those past.</summary>
public sealed class HistoryPartitionTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Start = new(2026, 11, 30, 22, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Start);
    private PostgresDatabase? _database;

    public async ValueTask InitializeAsync() => _database = await PostgresDatabase.Create();

    public async ValueTask DisposeAsync() => await _database!.DisposeAsync();

    [Theory]
    [InlineData(0, "history_202611")]
    [InlineData(1, "history_202704")]
    [InlineData(60, "history_202703")]
    public async Task After_months_of_running_there_is_room_for_the_next(int keepDays, string oldest)
    {
        await using var node = await PushNode.Start(install: false, time: _time, settings: new Dictionary<string, string?>
        {
            ["Storage:Provider"] = "PostgreSQL",
            ["Storage:ConnectionString"] = _database!.ConnectionString,
            ["Secrets:MasterKey"] = Convert.ToBase64String("a master key for partition tests"u8),
            ["Retention:HistoryDays"] = $"{keepDays}",
        });

        for (var month = 1; month <= 5; month++)
        {
            _time.SetUtcNow(Start.AddMonths(month));
            await node.Grains.GetGrain<ISweepGrain>(0).Tick();
            // Between what it drops it waits, by the time that the test moves.
            var ended = node.SweepEnded();
            await node.Eventually(() => ended.IsCompleted);
            await ended;
        }

        // It is the end of April.
        Assert.True(await _database.Scalar<bool>("SELECT to_regclass('history_202707') IS NOT NULL"));
        Assert.Equal(oldest, await _database.Scalar<string>(
            "SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'history'::regclass AND inhrelid::regclass::text <> 'history_default'"));
    }
}
