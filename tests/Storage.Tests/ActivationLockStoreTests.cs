using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresActivationLockStoreTests(PostgresFixture fixture) : ActivationLockStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteActivationLockStoreTests(SqliteFixture fixture) : ActivationLockStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class ActivationLockStoreTests(StoreFixture fixture)
{
    private IActivationLockStore Store => fixture.Node.ActivationLock;

    [Fact]
    public async Task The_newest_code_stands_and_is_not_void()
    {
        var id = Make.Id();
        Assert.Null(await Store.Find(id));
        await Store.Keep(id, [1], Make.Now);
        await Store.MarkCleared(id, Make.Now.AddDays(1));
        Assert.Equal(Make.Now.AddDays(1), (await Store.Find(id))!.ClearedAt);
        await Store.Keep(id, [2], Make.Now.AddDays(2));
        var found = (await Store.Find(id))!;
        Assert.Equal((2, Make.Now.AddDays(2), null), (found.Code[0], found.FetchedAt, found.ClearedAt));
    }

    [Fact]
    public async Task The_code_of_an_enrolment_that_ended_long_ago_is_forgotten_and_no_other()
    {
        var gone = await Make.Enrolled(fixture.Node, row => row with { Status = EnrolmentStatus.Removed, UnenrolledAt = Make.Now.AddDays(-40) });
        var fresh = await Make.Enrolled(fixture.Node, row => row with { Status = EnrolmentStatus.Removed, UnenrolledAt = Make.Now.AddDays(-2) });
        var enrolled = await Make.Enrolled(fixture.Node);
        foreach (var row in new[] { gone, fresh, enrolled }) await Store.Keep(row.Id, [1], Make.Now.AddDays(-50));
        while (await Store.ForgetEnded(Make.Now.AddDays(-30), 10) == 10)
        {
            // In pieces.
        }

        Assert.Null(await Store.Find(gone.Id));
        Assert.NotNull(await Store.Find(fresh.Id));
        Assert.NotNull(await Store.Find(enrolled.Id));
    }
}
