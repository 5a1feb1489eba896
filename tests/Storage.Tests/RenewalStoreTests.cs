using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Renewals;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresRenewalStoreTests(PostgresFixture fixture) : RenewalStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteRenewalStoreTests(SqliteFixture fixture) : RenewalStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class RenewalStoreTests(StoreFixture fixture)
{
    private static readonly DateTimeOffset End = Make.Now.AddDays(100);

    private IRenewalStore Store => fixture.Node.Renewals;

    /// <summary>An enrolled device with these certificates, the newest one last.</summary>
    private async Task<string> Pinned(params (byte[] Sha, DateTimeOffset End)[] pins)
    {
        var id = Make.Id();
        for (var i = 0; i < pins.Length; i++)
        {
            var committed = await fixture.Node.Devices.Commit(Make.Change(Make.Device(id, i + 1)) with
            {
                Pin = new Pin(pins[i].Sha, pins[i].End, Make.Now.AddMinutes(i)),
            });
            Assert.Equal(CommitOutcome.Committed, committed.Outcome);
        }

        return id;
    }

    private static RenewalRow Row(string id, byte[] sha, DateTimeOffset? next = null) =>
        new() { DeviceId = id, Sha256 = sha, NotAfter = End, NextAt = next ?? Make.Now };

    private async Task<IReadOnlyList<EndingIdentity>> Ending(string id) => [.. (await Store.ListEnding(End.AddDays(1), 1000)).Where(e => e.DeviceId == id)];

    [Fact]
    public async Task The_newest_certificate_of_a_living_enrolment_that_ends_soon_is_found_until_it_has_a_row()
    {
        var (old, newest) = (Make.Hash(), Make.Hash());
        var id = await Pinned((old, End), (newest, End));
        Assert.Equal(new EndingIdentity(id, newest, null, End), Assert.Single(await Ending(id)) with { Sha256 = newest });

        await Store.Add([Row(id, newest)]);
        Assert.Empty(await Ending(id));
        var renewed = await Pinned((old = Make.Hash(), End), (Make.Hash(), End.AddYears(1)));
        Assert.Empty(await Ending(renewed));
        var left = await Pinned((Make.Hash(), End));
        await fixture.Node.Devices.Commit(Make.Change(Make.Device(left, 2) with { Status = EnrolmentStatus.Removed }));
        Assert.Empty(await Ending(left));
    }

    private async Task<byte[]> Issued(byte[]? issuer)
    {
        var (sha, invitation) = (Make.Hash(), Make.Id());
        await fixture.Node.Enrolments.CreateInvitation(new Invitation { Id = invitation, CreatedAt = Make.Now, ExpiresAt = Make.Now.AddDays(1), CreatedBy = "ada" });
        var issued = await fixture.Node.Enrolments.Issue(new IssueRequest
        {
            ChallengeHash = Make.Hash(),
            PublicKeyHash = Make.Hash(),
            At = Make.Now,
            Certificate = new IssuedCertificate { Sha256 = sha, Der = [1], InvitationId = invitation, IssuedAt = Make.Now, NotAfter = End, Issuer = issuer },
        });
        Assert.Equal(IssueOutcome.Issued, issued.Outcome);
        return sha;
    }

    [Fact]
    public async Task Whose_newest_certificate_a_CA_has_issued_is_listed_and_counted()
    {
        var (ca, other) = (Make.Hash(), Make.Hash());
        async Task<List<string>> Of(byte[] issuer, bool first) => [.. (await Store.ListIssuedBy(issuer, first, null, 10_000)).Select(identity => identity.DeviceId)];
        async Task<long> Count(byte[]? issuer, bool known = true) => (await Store.CountIssuers())
            .Where(count => count.Known == known && (issuer is null ? count.Sha256 is null : count.Sha256?.AsSpan().SequenceEqual(issuer) == true)).Sum(count => count.Devices);

        var (nobodys, foreign) = (await Count(null), await Count(null, known: false));
        var one = await Pinned((await Issued(ca), End));
        var two = await Pinned((await Issued(ca), End));
        var moved = await Pinned((await Issued(ca), End), (await Issued(other), End));
        var before = await Pinned((await Issued(null), End));
        await Pinned((Make.Hash(), End));
        Assert.Equal(new[] { one, two }.Order(StringComparer.Ordinal), await Of(ca, first: false));
        Assert.Equal([moved], await Of(other, first: false));
        var first = await Of(ca, first: true);
        Assert.Contains(before, first);
        Assert.DoesNotContain(moved, first);
        Assert.Equal((2L, 1L, 1L, 1L), (await Count(ca), await Count(other), await Count(null) - nobodys, await Count(null, known: false) - foreign));

        // In pages; what has a row already is not listed again, what has ended neither.
        var page = Assert.Single(await Store.ListIssuedBy(ca, false, null, 1));
        Assert.Single(await Store.ListIssuedBy(ca, false, page.DeviceId, 1));
        await Store.Add([Row(one, page.DeviceId == one ? page.Sha256 : (await Store.ListIssuedBy(ca, false, page.DeviceId, 1))[0].Sha256)]);
        Assert.Equal([two], await Of(ca, first: false));
        await fixture.Node.Devices.Commit(Make.Change(Make.Device(two, 2) with { Status = EnrolmentStatus.Removed }));
        Assert.Empty(await Of(ca, first: false));
        Assert.Equal(1, await Count(ca));
    }

    [Fact]
    public async Task When_it_was_issued_is_told_and_by_which_address_its_iPad_is_enrolled()
    {
        var sha = Make.Hash();
        var invitation = Make.Id();
        await fixture.Node.Enrolments.CreateInvitation(new Invitation { Id = invitation, CreatedAt = Make.Now, ExpiresAt = Make.Now.AddDays(1), CreatedBy = "ada" });
        var issued = await fixture.Node.Enrolments.Issue(new IssueRequest
        {
            ChallengeHash = Make.Hash(),
            PublicKeyHash = Make.Hash(),
            At = Make.Now,
            Certificate = new IssuedCertificate
            {
                Sha256 = sha,
                Der = [1],
                InvitationId = invitation,
                IssuedAt = Make.Now,
                NotAfter = End,
                Authority = "mdm.example:8443",
            },
        });
        Assert.Equal((IssueOutcome.Issued, "mdm.example:8443"), (issued.Outcome, issued.Certificate!.Authority));
        var id = await Pinned((sha, End));

        Assert.Equal(Make.Now, Assert.Single(await Ending(id)).IssuedAt);
        Assert.Equal("mdm.example:8443", (await fixture.Node.Devices.FindCertificate(sha)).Issued!.Authority);
        var renewal = await fixture.Node.Enrolments.Renew(Renewal(sha, Make.Hash()));
        Assert.Equal("mdm.example:8443", (await fixture.Node.Devices.FindCertificate(renewal.Certificate!.Sha256)).Issued!.Authority);
    }

    private static RenewalRequest Renewal(byte[] old, byte[] key, byte[]? challenge = null) => new()
    {
        PublicKeyHash = key,
        ChallengeHash = challenge,
        Certificate = new IssuedCertificate { Sha256 = Make.Hash(), Der = [2], Renews = old, IssuedAt = Make.Now, NotAfter = End.AddYears(1) },
        At = Make.Now,
    };

    [Fact]
    public async Task A_challenge_to_renew_gives_one_certificate_the_same_to_the_same_key_and_none_to_another()
    {
        var (old, challenge, key) = (Make.Hash(), Make.Hash(), Make.Hash());
        await Pinned((old, End));

        var first = await fixture.Node.Enrolments.Renew(Renewal(old, key, challenge));
        var again = await fixture.Node.Enrolments.Renew(Renewal(old, key, challenge));
        var other = await fixture.Node.Enrolments.Renew(Renewal(old, Make.Hash(), challenge));
        var fresh = await fixture.Node.Enrolments.Renew(Renewal(old, Make.Hash(), Make.Hash()));

        Assert.Equal(RenewalOutcome.Renewed, first.Outcome);
        Assert.Equal(RenewalOutcome.RenewedBefore, again.Outcome);
        Assert.Equal(first.Certificate!.Sha256, again.Certificate!.Sha256);
        Assert.Equal((RenewalOutcome.ChallengeUsed, (IssuedCertificate?)null), (other.Outcome, other.Certificate));
        Assert.Equal(RenewalOutcome.Renewed, fresh.Outcome);
    }

    [Fact]
    public async Task A_row_is_found_as_it_was_saved_and_one_of_a_former_certificate_gives_way()
    {
        var sha = Make.Hash();
        var row = Row(await Pinned((sha, End)), sha) with
        {
            CommandUuid = "UUID",
            StartedAt = Make.Now,
            Failures = 3,
            Problem = RenewalProblem.RepeatedErrors,
            Detail = "It failed.",
        };
        await Store.Add([row]);
        Assert.Equal(row, (await Store.Find(row.DeviceId))! with { Sha256 = sha });

        await Store.Add([Row(row.DeviceId, sha)]);
        Assert.Equal(3, (await Store.Find(row.DeviceId))!.Failures);
        Assert.True(await Store.Save(row with { Problem = RenewalProblem.None, Detail = new string('x', 2000) }));
        Assert.InRange((await Store.Find(row.DeviceId))!.Detail!.Length, 1, 500);
        Assert.False(await Store.Save(row with { Sha256 = Make.Hash() }));

        await Store.Add([Row(row.DeviceId, Make.Hash())]);
        Assert.Equal((0, (string?)null), ((await Store.Find(row.DeviceId))!.Failures, (await Store.Find(row.DeviceId))!.CommandUuid));
        Assert.False(await Store.Forget(row.DeviceId, sha));
        Assert.True(await Store.Forget(row.DeviceId));
        Assert.Null(await Store.Find(row.DeviceId));
    }

    [Fact]
    public async Task Those_that_are_due_come_first_come_first_and_one_that_is_put_off_makes_room()
    {
        var rows = new List<RenewalRow>();
        for (var i = 0; i < 3; i++)
        {
            var sha = Make.Hash();
            rows.Add(Row(await Pinned((sha, End)), sha, Make.Now.AddYears(-5).AddMinutes(i)) with { StartedAt = Make.Now.AddYears(20).AddMinutes(i) });
        }

        await Store.Add(rows);
        Assert.Equal([rows[0].DeviceId, rows[1].DeviceId], await Store.ListDue(Make.Now.AddYears(-4), 2));
        Assert.Equal([rows[0].DeviceId], await Store.ListDue(Make.Now.AddYears(-5), 2));
        await Store.Postpone(rows[0].DeviceId, Make.Now.AddYears(5));
        Assert.Equal([rows[1].DeviceId, rows[2].DeviceId], await Store.ListDue(Make.Now.AddYears(-4), 2));
        Assert.Equal(2, await Store.CountStarted(Make.Now.AddYears(20)));
    }

    [Fact]
    public async Task The_list_goes_by_the_end_page_by_page_and_counts_those_with_a_problem()
    {
        await using var own = await fixture.CreateAnother();
        var (store, devices) = (own.Node.Renewals, own.Node.Devices);
        var rows = new List<RenewalRow>();
        for (var i = 0; i < 5; i++)
        {
            var sha = Make.Hash();
            var id = $"PAD{i}";
            await devices.Commit(Make.Change(Make.Device(id) with { DeviceId = id, School = "North" }) with { Pin = new Pin(sha, End.AddHours(i / 2), Make.Now) });
            rows.Add(Row(id, sha) with
            {
                NotAfter = End.AddHours(i / 2),
                Problem = i % 2 == 0 ? RenewalProblem.Silent : RenewalProblem.None,
                CommandUuid = i == 1 ? "C" : null,
            });
        }

        await store.Add(rows);
        var first = await store.List(withProblem: false, null, 3);
        var second = await store.List(withProblem: false, new RenewalPlace(first[^1].Renewal.NotAfter, first[^1].Renewal.DeviceId), 3);
        Assert.Equal(["PAD0", "PAD1", "PAD2"], first.Select(listing => listing.Renewal.DeviceId));
        Assert.Equal(["PAD3", "PAD4"], second.Select(listing => listing.Renewal.DeviceId));
        Assert.Equal(("DMPX1", "iPad", "North"), (first[0].SerialNumber, first[0].DeviceName, first[0].School));
        Assert.Equal(["PAD0", "PAD2", "PAD4"], (await store.List(withProblem: true, null, 9)).Select(listing => listing.Renewal.DeviceId));
        Assert.Equal(new RenewalCounts(5, 1, 3), await store.Count());
        Assert.Equal(3, await store.CountProblems());

        // One that left, and one that enrolled anew, are not shown though nobody has looked at their rows yet.
        await devices.Commit(Make.Change(Make.Device("PAD0", 2) with { DeviceId = "PAD0", Status = EnrolmentStatus.Unenrolled }));
        await devices.Commit(Make.Change(Make.Device("PAD2", 2) with { DeviceId = "PAD2" }) with { Pin = new Pin(Make.Hash(), End, Make.Now.AddDays(1)), DropPinsBefore = Make.Now.AddDays(1) });
        Assert.Equal(["PAD4"], (await store.List(withProblem: true, null, 9)).Select(listing => listing.Renewal.DeviceId));
        Assert.Equal(new RenewalCounts(3, 1, 1), await store.Count());
        Assert.Equal(1, await store.CountProblems());
    }
}
