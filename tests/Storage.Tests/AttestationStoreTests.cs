using FleetMdm.Storage.Attestation;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Renewals;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresAttestationStoreTests(PostgresFixture fixture) : AttestationStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteAttestationStoreTests(SqliteFixture fixture) : AttestationStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class AttestationStoreTests(StoreFixture fixture)
{
    private IAttestationStore Store => fixture.Node.Attestations;

    private static AttestedOrder Order(byte[]? challenge = null, byte[]? account = null) => new()
    {
        Id = Make.Id(),
        ChallengeHash = challenge ?? Make.Hash(),
        SealedIdentifier = [1, 2, 3],
        Account = account ?? Make.Hash(),
        InvitationId = "invitation",
        Authority = "mdm.example",
        Udid = "00008101-0011223344556677",
        SerialNumber = "DMP" + Make.Id()[..9],
        Token = Make.Id(),
        CreatedAt = Make.Now,
        ExpiresAt = Make.Now.AddHours(1),
    };

    private static AttestedOrder Ready(AttestedOrder order) => order with
    {
        State = AttestedOrderState.Ready,
        KeyHash = Make.Hash(),
        Leaf = [4, 5, 6],
        Attested = new AttestedProperties { Udid = order.Udid!, SerialNumber = order.SerialNumber!, OsVersion = "18.3", SepOsVersion = "18.3", SoftwareUpdateDeviceId = "J271AP", ProvedAt = Make.Now },
    };

    private async Task<string> Pinned(byte[] sha, DateTimeOffset at, string? id = null, long version = 1)
    {
        id ??= Make.Id();
        await fixture.Node.Devices.Commit(Make.Change(Make.Device(id, version) with { Udid = id }) with { Pin = new Pin(sha, Make.Now.AddYears(1), at) });
        return id;
    }

    [Fact]
    public async Task An_order_is_kept_as_it_began_and_its_account_gets_it_again()
    {
        var order = Order();
        var begun = (await Store.Begin(order))!;
        Assert.Equal((order.Id, AttestedOrderState.Pending, order.Token), (begun.Id, begun.State, begun.Token));
        Assert.Equal(order.SealedIdentifier, begun.SealedIdentifier);
        Assert.Equal((order.InvitationId, order.Authority, order.Udid, order.SerialNumber, order.ExpiresAt), (begun.InvitationId, begun.Authority, begun.Udid, begun.SerialNumber, begun.ExpiresAt));

        Assert.Equal(order.Id, (await Store.Begin(Order(order.ChallengeHash, order.Account)))!.Id);
        Assert.Equal(order.Id, (await Store.FindOrder(order.Id))!.Id);
        Assert.Null(await Store.FindOrder(Make.Id()));
    }

    [Fact]
    public async Task Of_one_client_identifier_there_is_one_order_and_after_a_certificate_no_other()
    {
        var first = (await Store.Begin(Order()))!;
        // The iPad begins anew, with another key: the order of before is gone.
        var second = (await Store.Begin(Order(first.ChallengeHash)))!;
        Assert.Null(await Store.FindOrder(first.Id));
        Assert.Null(await Store.Settle(Ready(first)));
        await Store.Settle(Ready(second));
        Assert.Equal(AttestedOrderState.Valid, (await Store.Complete(second.Id, Make.Hash()))!.State);

        Assert.Null(await Store.Begin(Order(first.ChallengeHash)));
        Assert.Equal(second.Id, (await Store.Begin(Order(first.ChallengeHash, second.Account)))!.Id);
    }

    [Fact]
    public async Task Eight_that_begin_at_once_leave_one_order()
    {
        var challenge = Make.Hash();
        var orders = Enumerable.Range(0, 8).Select(_ => Order(challenge)).ToList();
        await Task.WhenAll(orders.Select(Store.Begin));
        Assert.Single(await Task.WhenAll(orders.Select(order => Store.FindOrder(order.Id))), found => found is not null);
    }

    [Fact]
    public async Task A_challenge_ends_once_and_what_is_refused_begins_anew()
    {
        var order = (await Store.Begin(Order()))!;
        await Store.NoteTry(order.SerialNumber!, Make.Now);
        var refused = (await Store.Settle(order with { State = AttestedOrderState.Invalid, Problem = new string('x', 600) }))!;
        Assert.Equal((AttestedOrderState.Invalid, 500), (refused.State, refused.Problem!.Length));
        Assert.Equal(AttestedOrderState.Invalid, (await Store.Settle(Ready(order)))!.State);
        Assert.Null(await Store.Complete(order.Id, Make.Hash()));
        Assert.Equal(refused.Problem, (await Store.FindTry(order.SerialNumber!))!.Refused);

        var again = (await Store.Begin(Order(order.ChallengeHash, order.Account)))!;
        Assert.NotEqual(order.Id, again.Id);
        Assert.Equal((AttestedOrderState.Pending, null), (again.State, again.Problem));
    }

    [Fact]
    public async Task A_certificate_remembers_what_was_proved_when_it_was_issued()
    {
        var (order, sha) = ((await Store.Begin(Order()))!, Make.Hash());
        Assert.Null(await Store.Complete(order.Id, sha));
        var ready = (await Store.Settle(Ready(order)))!;
        Assert.Equal((AttestedOrderState.Ready, "J271AP"), (ready.State, ready.Attested!.SoftwareUpdateDeviceId));
        await Store.NoteTry(ready.Attested.SerialNumber, Make.Now);

        var done = (await Store.Complete(order.Id, sha))!;
        Assert.Equal(sha, done.Certificate);
        Assert.Equal(sha, (await Store.Complete(order.Id, Make.Hash()))!.Certificate);
        Assert.Equal(ready.Attested, await Store.OfCertificate(sha));
        Assert.Null(await Store.OfCertificate(Make.Hash()));
        Assert.Null(await Store.FindTry(ready.Attested.SerialNumber));
    }

    [Fact]
    public async Task The_certificate_that_an_iPad_speaks_with_says_whether_it_is_attested()
    {
        var (order, sha) = ((await Store.Begin(Order()))!, Make.Hash());
        await Store.Settle(Ready(order));
        await Store.Complete(order.Id, sha);
        var id = await Pinned(sha, Make.Now);
        Assert.Equal(order.SerialNumber, (await Store.OfDevice(id))!.SerialNumber);
        Assert.Equal((id, "iPad14,1", "18.3.1", true, 0), await Store.FindRenewing(sha) is { } renewing ? (renewing.Udid, renewing.ProductName, renewing.OsVersion, renewing.IsAttested, renewing.Failures) : default);

        // A newer one without.
        var newer = Make.Hash();
        await Pinned(newer, Make.Now.AddHours(1), id, 2);
        Assert.Null(await Store.OfDevice(id));
        Assert.False((await Store.FindRenewing(newer))!.IsAttested);
        var renewal = new RenewalRow { DeviceId = id, Sha256 = newer, NotAfter = Make.Now, NextAt = Make.Now };
        await fixture.Node.Renewals.Add([renewal]);
        await fixture.Node.Renewals.Save(renewal with { Failures = 3 });
        Assert.Equal(3, (await Store.FindRenewing(newer))!.Failures);
        Assert.Null(await Store.FindRenewing(Make.Hash()));
    }

    [Fact]
    public async Task Tries_are_counted_until_a_certificate_is_issued()
    {
        var serial = Make.Id();
        Assert.Null(await Store.FindTry(serial));
        await Store.NoteTry(serial, Make.Now);
        await Store.NoteTry(serial, Make.Now.AddMinutes(5));
        Assert.Equal(new AttestationTry(2, Make.Now.AddMinutes(5), null), await Store.FindTry(serial));
        // What was tried the day before counts no more.
        await Store.NoteTry(serial, Make.Now.AddMinutes(6).AddDays(1));
        Assert.Equal(new AttestationTry(1, Make.Now.AddMinutes(6).AddDays(1), null), await Store.FindTry(serial));
    }

    [Fact]
    public async Task An_order_that_has_ended_begins_anew_for_its_account_with_a_new_end()
    {
        var order = (await Store.Begin(Order()))!;
        var (soon, later) = (Order(order.ChallengeHash, order.Account) with { CreatedAt = order.ExpiresAt }, order.ExpiresAt.AddMinutes(1));
        Assert.Equal(order.Id, (await Store.Begin(soon with { ExpiresAt = later }))!.Id);
        var again = Order(order.ChallengeHash, order.Account) with { CreatedAt = later, ExpiresAt = later.AddHours(1), SealedIdentifier = [7, 8] };
        var begun = (await Store.Begin(again))!;
        Assert.Equal((again.Id, AttestedOrderState.Pending, later, later.AddHours(1)), (begun.Id, begun.State, begun.CreatedAt, begun.ExpiresAt));
        Assert.Equal([7, 8], begun.SealedIdentifier);

        // Not when a certificate was issued by it.
        await Store.Settle(Ready(begun));
        await Store.Complete(begun.Id, Make.Hash());
        Assert.Equal(begun.Id, (await Store.Begin(Order(order.ChallengeHash, order.Account) with { CreatedAt = later.AddDays(1), ExpiresAt = later.AddDays(2) }))!.Id);
    }

    [Fact]
    public async Task The_newest_question_counts()
    {
        var id = Make.Id();
        Assert.Null(await Store.FindQuestion(id));
        await Store.Ask(new AttestationQuestion(id, "ONE", [1], Make.Now, "ada"));
        await Store.Ask(new AttestationQuestion(id, "TWO", [2], Make.Now.AddMinutes(1), "eve"));
        var found = (await Store.FindQuestion(id))!;
        Assert.Equal(("TWO", "eve", Make.Now.AddMinutes(1)), (found.CommandUuid, found.AskedBy, found.AskedAt));
        Assert.Equal([2], found.Nonce);
    }

    [Fact]
    public async Task What_has_ended_is_forgotten_piece_by_piece()
    {
        var (old, young) = ((await Store.Begin(Order() with { ExpiresAt = Make.Now.AddDays(-2) }))!, (await Store.Begin(Order() with { ExpiresAt = Make.Now.AddDays(2) }))!);
        var serial = Make.Id();
        await Store.NoteTry(serial, Make.Now.AddDays(-100));
        while (await Store.Forget(Make.Now.AddDays(-1), Make.Now.AddDays(-90), 1) > 0) ;
        Assert.Null(await Store.FindOrder(old.Id));
        Assert.NotNull(await Store.FindOrder(young.Id));
        Assert.Null(await Store.FindTry(serial));
    }
}
