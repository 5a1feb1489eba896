using CsCheck;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresAuditChainTests(PostgresFixture fixture) : AuditChainTests(fixture, postgres: true), IClassFixture<PostgresFixture>;

public sealed class SqliteAuditChainTests(SqliteFixture fixture) : AuditChainTests(fixture, postgres: false), IClassFixture<SqliteFixture>;

/// <summary>Each test has a database to itself: a chain is about all records.</summary>
public abstract class AuditChainTests(StoreFixture shared, bool postgres)
{
    private static readonly AuditActor Ada = new(ActorKind.Token, "4f1c6d0a-0000-4000-8000-000000000001", "Ada", "192.0.2.7");

    private readonly string _unguard = postgres ? "ALTER TABLE audit DISABLE TRIGGER ALL;" : "DROP TRIGGER IF EXISTS audit_rows_are_kept; DROP TRIGGER IF EXISTS audit_rows_are_not_changed; DROP TRIGGER IF EXISTS audit_rows_await_their_seal;";

    private static AuditRecord New(string detail, DateTimeOffset? at = null) =>
        AuditRecord.New(at ?? Make.Now, Ada, AuditVerbs.CommandSend) with { TargetKind = AuditTargets.Device, TargetId = "D", Detail = detail, Right = "command.send" };

    private async Task<StoreFixture> With(int records, bool sealedToo = true)
    {
        var fixture = await shared.CreateAnother();
        for (var n = 0; n < records; n++) await fixture.Node.Audit.Write(New("record " + n, Make.Now.AddSeconds(n)));
        if (sealedToo) await fixture.Node.Chain.Seal(null, 1000);
        return fixture;
    }

    /// <summary>As somebody who has the database, and not the key.</summary>
    private Task Meddle(StoreFixture fixture, string sql) => fixture.Execute(_unguard + sql);

    /// <summary>Puts back the trigger by which new records wait for their seal.</summary>
    private Task Guard(StoreFixture fixture) =>
        fixture.Execute(postgres ? "ALTER TABLE audit ENABLE TRIGGER ALL" : "CREATE TRIGGER again AFTER INSERT ON audit BEGIN INSERT INTO audit_unsealed (id) VALUES (NEW.id); END");

    private static async Task<List<AuditBreak>> AllBreaks(StoreFixture fixture)
    {
        var (found, after) = (new List<AuditBreak>(), (string?)null);
        do
        {
            var check = await fixture.Node.Chain.Verify(after, 100);
            if (check.Break is not null) found.Add(check.Break);
            after = check.Next;
        }
        while (after is not null);
        return found;
    }

    private static async Task<AuditBreak?> FirstBreak(StoreFixture fixture)
    {
        string? after = null;
        do
        {
            var check = await fixture.Node.Chain.Verify(after, 2);
            if (check.Break is not null) return check.Break;
            after = check.Next;
        }
        while (after is not null);
        return null;
    }

    [Fact]
    public async Task Records_stand_in_the_chain_in_order_without_a_gap_and_verify()
    {
        await using var fixture = await With(5);

        var chained = await fixture.Node.Chain.Read(0, 10);
        var check = await fixture.Node.Chain.Verify(null, 1000);

        Assert.Equal([1L, 2, 3, 4, 5], chained.Select(one => one.Number));
        Assert.Equal(Enumerable.Range(0, 5).Select(n => "record " + n), chained.Select(one => one.Record.Detail));
        Assert.All(chained, one => Assert.Equal("command.send", one.Record.Right));
        Assert.Null(check.Break);
        Assert.Null(check.Next);
        Assert.Equal((5, 0, 5), (check.Checked, check.Unsigned, check.Head.Number));
        Assert.Null(await FirstBreak(fixture));
    }

    [Fact]
    public async Task A_record_whose_id_is_older_than_those_that_are_sealed_comes_after_them()
    {
        await using var fixture = await With(3);
        var head = await fixture.Node.Chain.Head();

        await fixture.Node.Audit.Write(New("late", Make.Now.AddDays(-1)));
        var piece = await fixture.Node.Chain.Seal(head, 1000);

        Assert.Equal((1, 4L, null), (piece.Count, piece.Head.Number, piece.Broken));
        Assert.Equal(["late"], (await fixture.Node.Chain.Read(3, 10)).Select(one => one.Record.Detail));
        Assert.Null(await FirstBreak(fixture));
    }

    [Fact]
    public async Task What_many_write_while_two_seal_stands_in_the_chain_once()
    {
        await using var fixture = await With(0);
        await using var other = await fixture.OpenNode();
        using var over = new CancellationTokenSource();
        async Task Sealing(Node node)
        {
            while (!over.IsCancellationRequested) await node.Chain.Seal(null, 7);
        }

        var sealers = new[] { Task.Run(() => Sealing(fixture.Node)), Task.Run(() => Sealing(other)) };
        await Parallel.ForAsync(0, 200, async (n, _) => await (n % 2 == 0 ? fixture.Node : other).Audit.Write(New("record " + n, Make.Now.AddMilliseconds(-n))));
        await over.CancelAsync();
        await Task.WhenAll(sealers);
        while ((await fixture.Node.Chain.Seal(null, 100)).Count > 0)
        {
        }

        var chained = await fixture.Node.Chain.Read(0, 1000);
        Assert.Equal(Enumerable.Range(1, 200).Select(n => (long)n), chained.Select(one => one.Number));
        Assert.Equal(200, chained.Select(one => one.Record.Id).Distinct().Count());
        Assert.Null(await FirstBreak(fixture));
    }

    [Theory]
    [InlineData("UPDATE audit SET detail = 'another' WHERE detail = 'record 2'", AuditBreakKind.Changed, 3L)]
    [InlineData("UPDATE audit SET actor_name = NULL WHERE detail = 'record 2'", AuditBreakKind.Changed, 3L)]
    [InlineData("UPDATE audit SET used_right = 'audit.read' WHERE detail = 'record 0'", AuditBreakKind.Changed, 1L)]
    [InlineData("DELETE FROM audit WHERE detail = 'record 3'", AuditBreakKind.Missing, 4L)]
    [InlineData("DELETE FROM audit WHERE detail = 'record 3'; DELETE FROM audit_chain WHERE seq = 4", AuditBreakKind.Missing, 4L)]
    [InlineData("DELETE FROM audit WHERE detail = 'record 4'; DELETE FROM audit_chain WHERE seq = 5", AuditBreakKind.CutOff, 5L)]
    [InlineData("DELETE FROM audit WHERE detail = 'record 0'; DELETE FROM audit_chain WHERE seq = 1", AuditBreakKind.Missing, 1L)]
    [InlineData("UPDATE audit_chain SET seq = 6 WHERE seq = 3; UPDATE audit_chain SET seq = 3 WHERE seq = 4; UPDATE audit_chain SET seq = 4 WHERE seq = 6", AuditBreakKind.Chain, 3L)]
    [InlineData("UPDATE audit_chain SET standing = 1 WHERE seq = 2", AuditBreakKind.Chain, 2L)]
    [InlineData("UPDATE audit_chain_ends SET start_seq = 2, start_hash = (SELECT hash FROM audit_chain WHERE seq = 2); DELETE FROM audit WHERE detail IN ('record 0', 'record 1'); DELETE FROM audit_chain WHERE seq <= 2", AuditBreakKind.Chain, null)]
    [InlineData("DELETE FROM audit_chain_ends", AuditBreakKind.Chain, null)]
    public async Task Whoever_has_the_database_and_not_the_key_cannot_change_what_is_sealed_unseen(string sql, AuditBreakKind kind, long? number)
    {
        await using var fixture = await With(5);

        await Meddle(fixture, sql);

        var found = await FirstBreak(fixture);
        Assert.Equal((kind, number), (found!.Kind, found.Number));
        Assert.NotEmpty(found.Words);
    }

    [Fact]
    public async Task A_record_that_was_put_in_is_found_whether_it_waits_for_its_seal_or_not()
    {
        await using var fixture = await With(2);
        // A copy of a record as if it had been written a day before, by somebody else, with the signature of the copied one.
        var copy = $"INSERT INTO audit ({AuditColumns.Names}) SELECT {(postgres ? "'\\x019c00000000700080000000000000ff'" : "X'019c00000000700080000000000000ff'")}, at, actor_kind, actor_id, 'Eve', address, verb, target_kind, target_id, subject, 'forged', affected, reason, result, used_right, mac FROM audit WHERE detail = 'record 1'";

        await fixture.Execute(copy);
        await fixture.Node.Chain.Seal(null, 1000);
        var sealedOne = await FirstBreak(fixture);
        Assert.Equal((AuditBreakKind.Inserted, 3L), (sealedOne!.Kind, sealedOne.Number!.Value));

        await using var second = await With(2);
        await Meddle(second, copy);
        var stray = await FirstBreak(second);
        Assert.Equal((AuditBreakKind.Inserted, null), (stray!.Kind, stray.Number));
    }

    [Fact]
    public async Task A_record_that_is_changed_before_it_is_sealed_shows_too()
    {
        await using var fixture = await With(2, sealedToo: false);
        await Meddle(fixture, "UPDATE audit SET detail = 'another' WHERE detail = 'record 1'");

        await fixture.Node.Chain.Seal(null, 1000);

        Assert.Equal((AuditBreakKind.Inserted, 2L), (await FirstBreak(fixture) is { } found ? (found.Kind, found.Number) : default));
    }

    [Fact]
    public async Task A_chain_that_was_cut_off_is_noticed_by_whoever_seals_next_and_its_numbers_are_not_given_again()
    {
        await using var fixture = await With(5);
        var head = await fixture.Node.Chain.Head();

        await Meddle(fixture, "DELETE FROM audit WHERE detail = 'record 4'; DELETE FROM audit_chain WHERE seq = 5");
        if (!postgres) await fixture.Execute("CREATE TRIGGER again AFTER INSERT ON audit BEGIN INSERT INTO audit_unsealed (id) VALUES (NEW.id); END");
        else await fixture.Execute("ALTER TABLE audit ENABLE TRIGGER ALL");
        await fixture.Node.Audit.Write(New("after it"));
        var piece = await fixture.Node.Chain.Seal(head, 1000);

        Assert.Contains("cut off", piece.Broken);
        Assert.Equal([1L, 2, 3, 4, 6, 7], (await fixture.Node.Chain.Read(0, 100)).Select(one => one.Number));
        Assert.Contains(AuditVerbs.AuditBreak, (await fixture.Node.Chain.Read(4, 100)).Select(one => one.Record.Verb));
        var first = await fixture.Node.Chain.Verify(null, 1000);
        Assert.Equal((AuditBreakKind.Missing, 5L), (first.Break!.Kind, first.Break.Number!.Value));
        Assert.Equal(AuditBreakKind.Noticed, (await fixture.Node.Chain.Verify(first.Next, 1000)).Break!.Kind);
        Assert.Null((await fixture.Node.Chain.Seal(piece.Head, 1000)).Broken);
    }

    [Fact]
    public async Task An_end_that_was_put_back_to_an_older_one_is_noticed_by_whoever_remembers_the_newer_one()
    {
        await using var fixture = await With(3);
        await fixture.Execute("CREATE TABLE kept AS SELECT * FROM audit_chain_ends");
        await fixture.Node.Audit.Write(New("newer"));
        var known = (await fixture.Node.Chain.Seal(null, 1000)).Head;

        await Meddle(fixture, "DELETE FROM audit WHERE detail = 'newer'; DELETE FROM audit_chain WHERE seq = 4; DELETE FROM audit_chain_ends; INSERT INTO audit_chain_ends SELECT * FROM kept");
        Assert.Null(await FirstBreak(fixture));
        if (!postgres) await fixture.Execute("CREATE TRIGGER again AFTER INSERT ON audit BEGIN INSERT INTO audit_unsealed (id) VALUES (NEW.id); END");
        else await fixture.Execute("ALTER TABLE audit ENABLE TRIGGER ALL");
        await fixture.Node.Audit.Write(New("after it"));

        Assert.Contains("cut off", (await fixture.Node.Chain.Seal(known, 1000)).Broken);
        Assert.Null(await fixture.Node.Chain.FindHash(4));
        Assert.Equal((AuditBreakKind.Missing, 4L), (await FirstBreak(fixture) is { } found ? (found.Kind, found.Number) : default));
    }

    [Fact]
    public async Task What_is_left_after_retention_verifies_and_says_how_much_is_gone()
    {
        await using var fixture = await shared.CreateAnother();
        var old = Make.Now.AddYears(-3);
        for (var n = 0; n < 6; n++) await fixture.Node.Audit.Write(New("record " + n, old.AddDays(n)));
        var head = (await fixture.Node.Chain.Seal(null, 1000)).Head;

        Assert.Equal(4, await fixture.Node.Chain.Drop(old.AddDays(4), 100));
        var piece = await fixture.Node.Chain.Seal(head, 1000);

        var check = await fixture.Node.Chain.Verify(null, 1000);
        Assert.Null(piece.Broken);
        Assert.Null(check.Break);
        Assert.Equal((4, 3, 4), (check.Removed, check.Checked, (await fixture.Node.Chain.Start()).Number));
        Assert.Equal(["record 4", "record 5", "from before " + old.AddDays(4).ToString("yyyy-MM-dd") + ", up to number 4"], (await fixture.Node.Chain.Read(4, 10)).Select(one => one.Record.Detail));

        // And when nothing is left but the record of it.
        await fixture.Node.Chain.Drop(Make.Now.AddYears(1), 100);
        await fixture.Node.Chain.Seal(piece.Head, 1000);
        Assert.Null(await FirstBreak(fixture));
    }

    [Fact]
    public async Task A_chain_that_was_removed_as_a_whole_shows_before_and_after_the_next_start()
    {
        await using var fixture = await With(5);

        await Meddle(fixture, """
            DELETE FROM audit WHERE detail = 'record 2'; UPDATE audit SET mac = NULL WHERE detail = 'record 3';
            DELETE FROM audit_chain; DELETE FROM audit_chain_ends; DELETE FROM audit_unsealed; INSERT INTO audit_unsealed (id) SELECT id FROM audit
            """);
        await Guard(fixture);
        Assert.StartsWith("The chain was removed as a whole.", Assert.Single(await AllBreaks(fixture)).Words, StringComparison.Ordinal);

        await using var started = await fixture.OpenNode();
        Assert.Contains("removed as a whole", (await started.Chain.Seal(null, 1000)).Broken);
        Assert.Null((await started.Chain.Seal(null, 1000)).Broken);

        var found = await AllBreaks(fixture);
        Assert.Equal([AuditBreakKind.Inserted, AuditBreakKind.Noticed], found.Select(one => one.Kind));
        Assert.Contains("not signed by the server", found[0].Words);
        Assert.Contains("removed as a whole", found[1].Words);
    }

    [Theory]
    [InlineData("DELETE FROM facts WHERE name = 'audit-key'")]
    [InlineData("DELETE FROM facts WHERE name = 'audit-key'; DELETE FROM audit_chain; DELETE FROM audit_chain_ends; INSERT INTO audit_unsealed (id) SELECT id FROM audit")]
    [InlineData("DELETE FROM audit_chain; DELETE FROM audit_chain_ends")]
    public async Task Whoever_removes_the_key_of_the_chain_or_the_chain_leaves_a_break_after_the_next_start(string sql)
    {
        await using var fixture = await With(3);

        await fixture.Execute(sql);

        await using var started = await fixture.OpenNode();
        await started.Chain.Seal(null, 1000);
        Assert.NotNull((await started.Chain.Verify(null, 1000)).Break);
    }

    [Fact]
    public async Task Records_of_an_older_version_are_sealed_as_they_are_and_counted()
    {
        await using var fixture = await With(1);
        await Meddle(fixture, "UPDATE audit SET mac = NULL");
        await Guard(fixture);
        await fixture.Execute("DELETE FROM facts WHERE name = 'audit-key'; DELETE FROM audit_chain; DELETE FROM audit_chain_ends; INSERT INTO audit_unsealed (id) SELECT id FROM audit");
        await using var upgraded = await fixture.OpenNode();
        await upgraded.Audit.Write(New("after it"));

        Assert.Null((await upgraded.Chain.Seal(null, 1000)).Broken);

        var check = await upgraded.Chain.Verify(null, 1000);
        Assert.Null(check.Break);
        Assert.Equal((2, 1), (check.Checked, check.Unsigned));
        Assert.NotNull(check.NewestUnsigned);

        // Later than an upgrade takes.
        await upgraded.Audit.Write(New("later", TimeProvider.System.GetUtcNow().AddHours(2)));
        await Meddle(fixture, "UPDATE audit SET mac = NULL WHERE detail = 'later'");
        await upgraded.Chain.Seal(null, 1000);
        Assert.Equal((AuditBreakKind.Inserted, 3L), (await upgraded.Chain.Verify(null, 1000)).Break is { } found ? (found.Kind, found.Number!.Value) : default);
    }

    [Fact]
    public async Task The_key_of_a_version_that_did_not_say_until_when_goes_on()
    {
        await using var fixture = await With(3);
        var stored = await fixture.Node.Control.GetOrAddFact(AuditSeal.Fact, [], TestContext.Current.CancellationToken);
        var old = Convert.ToHexStringLower(fixture.Node.Sealer.Seal(AuditSeal.Fact, fixture.Node.Sealer.Open(AuditSeal.Fact, stored)[..32]));
        var forget = $"UPDATE facts SET value = {(postgres ? $"'\\x{old}'" : $"X'{old}'")} WHERE name = 'audit-key'";

        await fixture.Execute(forget);
        await using var upgraded = await fixture.OpenNode();
        await upgraded.Audit.Write(New("after it"));
        Assert.Null((await upgraded.Chain.Seal(null, 1000)).Broken);
        Assert.Null((await upgraded.Chain.Verify(null, 1000)).Break);

        await fixture.Execute(forget + "; DELETE FROM audit_chain; DELETE FROM audit_chain_ends");
        await using var without = await fixture.OpenNode();
        Assert.Contains("removed as a whole", (await without.Chain.Verify(null, 1000)).Break!.Words);
    }

    [Fact]
    public async Task What_waits_for_its_seal_is_counted_and_not_called_whole()
    {
        await using var fixture = await With(0);
        Assert.False((await fixture.Node.Chain.Verify(null, 1000)).Nothing);

        await fixture.Node.Audit.Write(New("first"));
        var waiting = await fixture.Node.Chain.Verify(null, 1000);
        await fixture.Node.Chain.Seal(null, 1000);
        var after = await fixture.Node.Chain.Verify(null, 1000);

        Assert.Equal((0, 1, true), (waiting.Checked, waiting.Waiting, waiting.Nothing));
        Assert.Equal((1, 0, false), (after.Checked, after.Waiting, after.Nothing));
    }

    [Theory]
    [InlineData("4")]
    [InlineData("rffffffffffffffffffffffffffffffff")]
    [InlineData("yesterday")]
    public async Task A_check_does_not_go_on_beyond_the_end(string after)
    {
        await using var fixture = await With(3);

        await Assert.ThrowsAsync<FormatException>(() => fixture.Node.Chain.Verify(after, 1000));
    }

    [Fact]
    public async Task Whatever_stands_in_a_record_is_signed_as_it_is_read()
    {
        await using var fixture = await With(0);
        await Gen.Select(Gen.String.Null(), Gen.String.Null(), Gen.Long.Nullable(), Gen.String.Null()).SampleAsync(async (name, reason, count, subject) =>
            await fixture.Node.Audit.Write(AuditRecord.New(Make.Now, Ada with { Name = name }, AuditVerbs.TokenCreate) with { Reason = reason, Count = count, Subject = subject }),
            iter: 300, threads: 1);

        while ((await fixture.Node.Chain.Seal(null, 500)).Count > 0)
        {
        }

        var check = await fixture.Node.Chain.Verify(null, 10_000);
        Assert.Null(check.Break);
        Assert.Equal(300, check.Checked);
    }
}
