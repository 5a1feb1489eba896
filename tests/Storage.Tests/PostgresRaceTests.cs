using FleetMdm.Storage.Operations;
using Npgsql;

namespace FleetMdm.Storage.Tests;

/// <summary>What only two transactions at once can do.</summary>
public sealed class PostgresRaceTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task An_operation_passes_over_a_device_for_which_its_CommandUUID_is_being_queued_in_the_same_moment()
    {
        var (taken, free) = (await Make.Enrolled(fixture.Node), await Make.Enrolled(fixture.Node));
        var uuid = Make.Id();
        await using var other = new NpgsqlConnection(fixture.Database.ConnectionString);
        await other.OpenAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand(
            "INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at) VALUES ($1, $2, 'DeviceLock', $3, now())", other, transaction)
        {
            Parameters = { new() { Value = taken.Id }, new() { Value = uuid }, new() { Value = Make.Hash() } },
        })
        {
            await insert.ExecuteNonQueryAsync();
        }

        var operation = fixture.Node.Operations.Append(new OperationAppend
        {
            Id = Make.Id(),
            CommandUuid = uuid,
            RequestType = "RestartDevice",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = [taken.Id, free.Id],
        });
        await UntilSomebodyWaitsForALock();
        await transaction.CommitAsync();

        Assert.Equal(1, (await operation.WaitAsync(Guard)).Total);
        Assert.Equal("DeviceLock", Assert.Single((await fixture.Node.Devices.Load(taken.Id)).Queue).RequestType);
        Assert.Equal("RestartDevice", Assert.Single((await fixture.Node.Devices.Load(free.Id)).Queue).RequestType);
    }

    private async Task UntilSomebodyWaitsForALock()
    {
        using var guard = new CancellationTokenSource(Guard);
        while (await fixture.Database.Scalar<long>(
            $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{fixture.Database.Name}' AND wait_event_type = 'Lock'") == 0)
            await Task.Delay(LookEvery, TimeProvider.System, guard.Token);
    }
}
