using FleetMdm.Storage.Access;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresAccessStoresTests(PostgresFixture fixture) : AccessStoresTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteAccessStoresTests(SqliteFixture fixture) : AccessStoresTests(fixture), IClassFixture<SqliteFixture>;

public abstract class AccessStoresTests(StoreFixture fixture)
{
    private IIdempotencyStore Store => fixture.Node.Idempotency;

    [Fact]
    public async Task The_first_claim_of_a_key_is_new_and_the_second_finds_it()
    {
        var (key, hash) = (Make.Id(), Make.Hash());

        var first = await Store.Claim("ada", key, hash, Make.Now);
        var second = await Store.Claim("ada", key, Make.Hash(), Make.Now);
        var elsewhere = await Store.Claim("bob", key, hash, Make.Now);

        Assert.True(first.IsNew);
        Assert.False(second.IsNew);
        Assert.Equal(hash, second.RequestHash);
        Assert.Null(second.Status);
        Assert.True(elsewhere.IsNew);
    }

    [Fact]
    public async Task Of_claims_at_once_one_is_new()
    {
        await using var other = await fixture.OpenNode();
        var key = Make.Id();

        var claims = await Task.WhenAll(Enumerable.Range(0, 10)
            .Select(i => (i % 2 == 0 ? Store : other.Idempotency).Claim("ada", key, Make.Hash(), Make.Now)));

        Assert.Single(claims, c => c.IsNew);
    }

    [Fact]
    public async Task The_answer_stored_first_is_found_by_every_repetition()
    {
        var (key, hash) = (Make.Id(), Make.Hash());
        await Store.Claim("ada", key, hash, Make.Now);

        await Store.Complete("ada", key, 202, "application/json", "{}"u8.ToArray(), "/api/v1/operations/1");
        await Store.Complete("ada", key, 500, null, default, null);
        var found = await Store.Claim("ada", key, hash, Make.Now);

        Assert.False(found.IsNew);
        Assert.Equal(202, found.Status);
        Assert.Equal("application/json", found.ContentType);
        Assert.Equal("{}"u8.ToArray(), found.Body);
        Assert.Equal("/api/v1/operations/1", found.Location);
    }

    [Fact]
    public async Task Old_keys_are_forgotten_a_few_at_a_time()
    {
        await using var another = await fixture.CreateAnother();
        var store = another.Node.Idempotency;
        for (var i = 0; i < 5; i++)
            await store.Claim("ada", $"old-{i}", Make.Hash(), Make.Now.AddDays(-2));
        await store.Claim("ada", "young", Make.Hash(), Make.Now);

        Assert.Equal(3, await store.Prune(Make.Now.AddDays(-1), 3));
        Assert.Equal(2, await store.Prune(Make.Now.AddDays(-1), 3));
        Assert.Equal(0, await store.Prune(Make.Now.AddDays(-1), 3));
        Assert.False((await store.Claim("ada", "young", Make.Hash(), Make.Now)).IsNew);
        Assert.True((await store.Claim("ada", "old-0", Make.Hash(), Make.Now)).IsNew);
    }

    [Fact]
    public async Task Keys_of_the_key_ring_are_shared_by_all_nodes()
    {
        await using var other = await fixture.OpenNode();
        var (a, b) = ("key-a" + Make.Id(), "key-b" + Make.Id());

        fixture.Node.KeyRing.StoreKey(a, "<key>1</key>");
        fixture.Node.KeyRing.StoreKey(b, "<key>2</key>");
        fixture.Node.KeyRing.StoreKey(a, "<key>3</key>");

        Assert.Equal(["<key>3</key>", "<key>2</key>"], other.KeyRing.LoadKeys());
    }

    [Fact]
    public async Task A_fact_keeps_its_first_value()
    {
        await using var other = await fixture.OpenNode();
        var name = Make.Id();

        var first = await fixture.Node.Control.GetOrAddFact(name, [1], CancellationToken.None);
        var second = await other.Control.GetOrAddFact(name, [2], CancellationToken.None);

        Assert.Equal([1], first);
        Assert.Equal([1], second);
    }
}
