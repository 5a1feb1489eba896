using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.Devices;
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

    [Fact]
    public async Task An_iPad_that_gets_a_set_of_declarations_does_not_wait_for_others_that_get_it_in_the_same_moment()
    {
        var (first, second) = (await Make.Enrolled(fixture.Node), await Make.Enrolled(fixture.Node));
        Assert.True(await fixture.Node.Declarations.Write(Gets(first)));
        await using var other = new NpgsqlConnection(fixture.Database.ConnectionString);
        await other.OpenAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using (var taken = new NpgsqlCommand("SELECT token FROM declaration_sets WHERE token = 'of-many' FOR UPDATE", other, transaction))
        {
            Assert.Equal("of-many", await taken.ExecuteScalarAsync());
        }

        Assert.True(await fixture.Node.Declarations.Write(Gets(second)).WaitAsync(Guard));

        await transaction.RollbackAsync();
        Assert.Equal("of-many", (await fixture.Node.Declarations.Find(second.Id))!.Wanted);

        static DeclarationChange Gets(DeviceRow ipad) => new(
            null, new DeclarationDevice { DeviceId = ipad.Id, Version = 1, EnrolledAt = Make.Now, Wanted = "of-many", WantedAt = Make.Now }, "[]"u8.ToArray(), []);
    }

    private async Task UntilSomebodyWaitsForALock()
    {
        using var guard = new CancellationTokenSource(Guard);
        while (await fixture.Database.Scalar<long>(
            $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{fixture.Database.Name}' AND wait_event_type = 'Lock'") == 0)
            await Task.Delay(LookEvery, TimeProvider.System, guard.Token);
    }
}
