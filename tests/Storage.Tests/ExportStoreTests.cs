using System.Security.Cryptography;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Exports;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresExportStoreTests(PostgresFixture fixture) : ExportStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteExportStoreTests(SqliteFixture fixture) : ExportStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Whole tables for somebody who leaves, the same on both databases.</summary>
public abstract class ExportStoreTests(StoreFixture fixture)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Each_table_can_be_read_from_its_beginning_and_from_any_place()
    {
        foreach (var table in ExportTables.All)
        {
            await fixture.Node.Exports.Read(table, null, 10, None);
            var place = new ExportPosition([.. table.Keys.Select(key => key.IsNumber ? (object)0L : "0")]);
            await fixture.Node.Exports.Read(table, place, 10, None);
        }
    }

    [Fact]
    public void No_table_has_a_column_that_could_hold_a_secret()
    {
        string[] never = ["unlock_token", "bootstrap_token", "push_token", "push_magic", "secret", "hash", "sha256", "private_key", "stamp", "cursor", "body", "result", "content", "command", "invitation_id", "link"];
        foreach (var table in ExportTables.All)
        {
            Assert.Equal([], table.Columns.Where(column => column.Kind != ExportKind.Flag).Select(column => column.Sql[(column.Sql.IndexOf('.') + 1)..])
                .Where(sql => never.Any(word => sql == word || (word is "secret" or "hash" or "sha256" && sql.Contains(word, StringComparison.Ordinal)))));
            Assert.Equal([], table.Columns.Select(column => column.Sql).Where(sql => sql.EndsWith(".token", StringComparison.Ordinal)));
        }

        Assert.Equal(ExportTables.All.Count, ExportTables.All.Select(table => table.Name).Distinct().Count());
        Assert.All(ExportTables.All, table => Assert.Equal(table.Columns.Count, table.Columns.Select(column => column.Name).Distinct().Count()));
    }

    [Fact]
    public async Task Each_row_comes_once_whatever_the_length_of_a_page_and_where_a_key_goes_down()
    {
        await using var node = await (await fixture.CreateAnother()).OpenNode();
        List<string> uuids = [];
        for (var i = 0; i < 7; i++)
        {
            var row = await Make.Enrolled(node, device => device with { School = "Nørre", IsSupervised = i % 2 == 0, BatteryLevel = 0.5, EnrolledAt = Make.Now });
            for (var j = 0; j < 3; j++)
            {
                var command = Make.Command(row.Id);
                var appended = await node.Devices.Append(command);
                await node.Devices.Finish(Make.Finish(row.Id, appended.Sequence));
                uuids.Add(command.CommandUuid);
            }

            await node.Devices.Append(Make.Command(row.Id));
        }

        foreach (var limit in new[] { 1, 2, 3, 5, 100 })
        {
            Assert.Equal(7, (await All(node, "devices", limit)).Select(row => row[0]).Distinct().Count());
            var finished = await All(node, "commands-finished", limit);
            Assert.Equal(uuids.Order(), finished.Select(row => (string)row[1]!).Order());
            Assert.Equal(7, (await All(node, "commands-waiting", limit)).Count);
        }

        var table = ExportTables.All.Single(one => one.Name == "devices");
        var device = (await All(node, "devices", 100))[0];
        object? Value(string name) => device[table.Columns.ToList().FindIndex(column => column.Name == name)];
        Assert.Equal(("Device", "Enrolled", "Nørre", 0.5, Make.Now), (Value("kind"), Value("status"), Value("school"), Value("batteryLevel"), Value("enrolledAt")));
        Assert.IsType<bool>(Value("isSupervised"));
        Assert.Null(Value("udid"));
        Assert.Equal("Acknowledged", (await All(node, "commands-finished", 100))[0][3]);
    }

    [Fact]
    public async Task An_enrolment_comes_with_its_newest_certificate_and_its_tokens_and_only_while_it_lives()
    {
        await using var node = await (await fixture.CreateAnother()).OpenNode();
        var der = RandomNumberGenerator.GetBytes(100);
        var (first, second) = (SHA256.HashData(der), Make.Hash());
        await node.Enrolments.CreateInvitation(new Enrolment.Invitation { Id = "invited", CreatedAt = Make.Now, ExpiresAt = Make.Now.AddDays(1), CreatedBy = "ada" });
        await node.Enrolments.Issue(new Enrolment.IssueRequest
        {
            ChallengeHash = Make.Hash(),
            PublicKeyHash = Make.Hash(),
            At = Make.Now,
            Certificate = new Enrolment.IssuedCertificate { Sha256 = first, Der = der, InvitationId = "invited", IssuedAt = Make.Now, NotAfter = Make.Now.AddYears(1) },
        });
        var row = Make.Device("A");
        await node.Devices.Commit(Make.Change(row) with { Pin = new Pin(first, Make.Now.AddYears(1), Make.Now), UnlockToken = new EscrowChange([1, 2]), BootstrapToken = new EscrowChange([3]) });
        var shared = Make.Device("A:user") with { DeviceId = "A", Kind = EnrolmentKind.SharedUser };
        await node.Devices.Commit(Make.Change(shared));
        await node.Devices.Commit(Make.Change(Make.Device("B") with { Status = EnrolmentStatus.Unenrolled }));
        await node.Devices.Commit(Make.Change(Make.Device("C")));

        var found = await node.Exports.Enrolments(null, 10, None);
        Assert.Equal(["A", "C"], found.Select(one => one.Id));
        Assert.Equal([first, der, [1, 2], [3]], new[] { found[0].CertificateSha256!, found[0].Certificate!, found[0].UnlockToken!, found[0].BootstrapToken! });
        Assert.Equal("magic", found[0].PushMagic);
        Assert.Null(found[1].CertificateSha256);
        Assert.Equal(["C"], (await node.Exports.Enrolments("A", 10, None)).Select(one => one.Id));

        await node.Devices.Commit(Make.Change(row with { Version = 2 }) with { Pin = new Pin(second, Make.Now.AddYears(2), Make.Now.AddDays(1)), DropPinsBefore = Make.Now.AddDays(1) });
        var renewed = (await node.Exports.Enrolments(null, 1, None))[0];
        Assert.Equal(second, renewed.CertificateSha256);
        Assert.Null(renewed.Certificate);
    }

    private static async Task<List<object?[]>> All(Node node, string name, int limit)
    {
        var table = ExportTables.All.Single(one => one.Name == name);
        List<object?[]> rows = [];
        ExportPosition? after = null;
        do
        {
            var page = await node.Exports.Read(table, after, limit, None);
            rows.AddRange(page.Rows);
            after = page.Next;
        }
        while (after is not null);
        return rows;
    }
}
