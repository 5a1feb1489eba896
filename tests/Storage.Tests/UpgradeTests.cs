using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresUpgradeTests(PostgresFixture fixture) : UpgradeTests(fixture, "PostgreSql"), IClassFixture<PostgresFixture>;

public sealed class SqliteUpgradeTests(SqliteFixture fixture) : UpgradeTests(fixture, "Sqlite"), IClassFixture<SqliteFixture>;

/// <summary>A database of the version before ids had one spelling and certificates belonged to one enrolment.</summary>
public abstract class UpgradeTests(StoreFixture fixture, string folder)
{
    private const int Before = 2;

    private static string Time => "'2026-03-02T08:00:00Z'";

    private string Sql(string sql) => folder == "PostgreSql"
        ? sql
        : sql.Replace(Time, "1772438400000", StringComparison.Ordinal).Replace("'\\x", "X'", StringComparison.Ordinal)
            .Replace("gen_random_uuid()", "randomblob(16)", StringComparison.Ordinal);

    private static string Hash(char digit) => $"'\\x{new string(digit, 64)}'";

    private static string Device(string id, int status, string? deviceId = null) => $"""
        INSERT INTO devices (id, device_id, kind, status, version, write_id, udid, search, enrolled_at, unlock_token)
        VALUES ('{id}', '{deviceId ?? id}', 1, {status}, 1, gen_random_uuid(), '{id}', '', {Time}, '\x0102');
        INSERT INTO device_activity (id) VALUES ('{id}');
        INSERT INTO queue (enrolment_id, command_uuid, request_type, body_hash, accepted_at)
        VALUES ('{id}', 'UUID', 'DeviceLock', {Hash('0')}, {Time});
        """;

    private static string Certificate(char digit, string? invitation, char? renews, string? pinnedTo) =>
        $"INSERT INTO issued_certificates (sha256, der, invitation_id, renews, issued_at, not_after) VALUES ({Hash(digit)}, '\\x00', {Text(invitation)}, {(renews is { } old ? Hash(old) : "NULL")}, {Time}, {Time});" +
        (pinnedTo is null ? "" : $"INSERT INTO pins (sha256, device_id, not_after, pinned_at) VALUES ({Hash(digit)}, '{pinnedTo}', {Time}, {Time});");

    private static string Text(string? text) => text is null ? "NULL" : $"'{text}'";

    private static byte[] Fingerprint(char digit) => Convert.FromHexString(new string(digit, 64));

    [Theory]
    [InlineData("17.5", "17.5")]
    [InlineData("9.3.5", "9.3.5")]
    [InlineData("17.10.1.2", "17.10.1.2")]
    [InlineData("17.", null)]
    [InlineData("", null)]
    [InlineData("1.2.3.4.5", null)]
    [InlineData("1234.5", null)]
    [InlineData("17.5 (a)", null)]
    public async Task A_version_that_stands_there_becomes_a_number(string version, string? read)
    {
        await using var old = await fixture.CreateAnother();
        await old.ForgetSchema();
        foreach (var migration in Migration.Of(folder).Where(migration => migration.Number < 10)) await old.Execute(migration.Script);
        await old.Execute(folder == "PostgreSql"
            ? "CREATE TABLE schema_version (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); INSERT INTO schema_version (version, name) VALUES (9, 'before')"
            : "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL); INSERT INTO schema_version VALUES (9, 'before', 0)");
        await old.Execute(Sql($"INSERT INTO devices (id, device_id, kind, status, version, write_id, search, os_version) VALUES ('D', 'D', 1, 2, 1, gen_random_uuid(), '', '{version}')"));

        await using var node = await Node.Start(old.Settings);

        var found = await node.Queries.Count(Scope.District, new DeviceFilter { Expression = DeviceExpression.Parse("os>=0", Make.Now) });
        Assert.Equal(read is null ? 0 : 1, found);
        if (read is not null)
            Assert.Equal(1, await node.Queries.Count(Scope.District, new DeviceFilter { Expression = DeviceExpression.Parse($"os:{read} and os>={read}", Make.Now) }));
    }

    [Fact]
    public async Task Each_name_of_a_school_that_stands_there_becomes_a_school()
    {
        await using var old = await fixture.CreateAnother();
        await old.ForgetSchema();
        foreach (var migration in Migration.Of(folder).Where(migration => migration.Number < 20)) await old.Execute(migration.Script);
        await old.Execute(folder == "PostgreSql"
            ? "CREATE TABLE schema_version (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); INSERT INTO schema_version (version, name) VALUES (19, 'before')"
            : "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL); INSERT INTO schema_version VALUES (19, 'before', 0)");
        await old.Execute(Sql(string.Concat(((string[])["North", "North", "\u00C5s\u00F6"]).Select((school, i) =>
            $"INSERT INTO devices (id, device_id, kind, status, version, write_id, search, school) VALUES ('D{i}', 'D{i}', 1, 2, 1, gen_random_uuid(), '', '{school}');"))
            + $"INSERT INTO invitations (id, school, created_at, expires_at, created_by) VALUES ('inv', 'South', {Time}, {Time}, 'x');"
            + $"INSERT INTO placeholders (serial_number, school, created_at, created_by, updated_at) VALUES ('S', 'West', {Time}, 'x', {Time});"));

        await using var node = await Node.Start(old.Settings);

        var schools = await node.Schools.List(Scope.District, null, null, null, 10);
        Assert.Equal([("North", 2L), ("South", 0L), ("West", 0L), ("\u00C5s\u00F6", 1L)], schools.Select(row => (row.School.Name, row.IPads)));
        Assert.All(schools, row => Assert.True(Guid.TryParseExact(row.School.Id, "D", out _)));
        Assert.Empty(await node.Schools.ListUnknown(Scope.District, 10));
        // Page by page too, though this database has folded the names itself.
        Assert.Equal("\u00C5s\u00F6", Assert.Single(await node.Schools.List(Scope.District, null, null, schools[2].School, 10)).School.Name);
    }

    [Fact]
    public async Task Every_enrolment_has_one_spelling_and_every_certificate_its_owner_and_nothing_is_lost()
    {
        await using var old = await fixture.CreateAnother();
        await old.ForgetSchema();
        foreach (var migration in Migration.Of(folder).Where(migration => migration.Number <= Before)) await old.Execute(migration.Script);
        await old.Execute(folder == "PostgreSql"
            ? "CREATE TABLE schema_version (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); INSERT INTO schema_version (version, name) VALUES (2, 'before')"
            : "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL); INSERT INTO schema_version VALUES (2, 'before', 0)");
        await old.Execute(Sql(
            Device("00008030-001C2D3E4F50802E", 2) + Device("00008030-001C2D3E4F50802E:\u00C5sa/7b", 2, "00008030-001C2D3E4F50802E") +
            Device("5b1a0f86e2c94d3a8f7061524334251606f7e8d9", 2) +
            Device("lower-case", 2) + Device("Twice", 3) + Device("TWICE", 2) + Device("twice:user", 2, "twice") + Device("twice", 3) + Device("A/B", 2) +
            $"INSERT INTO invitations (id, max_uses, created_at, expires_at, created_by) VALUES ('inv', 1, {Time}, {Time}, 'x');" +
            Certificate('1', "inv", null, null) + Certificate('2', null, '1', "00008030-001C2D3E4F50802E") + Certificate('3', "inv", null, "lower-case")));

        await using var node = await Node.Start(old.Settings);

        var kept = await node.Devices.Load("00008030-001C2D3E4F50802E");
        Assert.Equal((EnrolmentStatus.Enrolled, 1, 1), (kept.Row!.Status, kept.Row.Version, kept.Queue.Count));
        Assert.Equal([Fingerprint('2')], kept.Pins.Select(pin => pin.Sha256));
        Assert.True(kept.Row.HasUnlockToken);
        Assert.Equal([1, 2], (await node.Escrow.Find(kept.Row.Id, EscrowedToken.Unlock))!);
        Assert.Single((await node.Devices.Load("00008030-001C2D3E4F50802E:\u00C5sa%2F7b")).Queue);
        Assert.Equal(1, (await node.Devices.Load("5b1a0f86e2c94d3a8f7061524334251606f7e8d9")).Row!.Version);

        var renamed = await node.Devices.Load("LOWER-CASE");
        Assert.Equal((EnrolmentStatus.Enrolled, "lower-case", 1, 1), (renamed.Row!.Status, renamed.Row.Udid, renamed.Queue.Count, renamed.Pins.Count));

        // Of three spellings the living one keeps the id; the others, and what no iPad can be called, can be seen and removed.
        Assert.Equal(EnrolmentStatus.Enrolled, (await node.Devices.Load("TWICE")).Row!.Status);
        var others = (await node.Queries.ListDevices(Scope.District, new DeviceFilter(), "OTHER-SPELLING", 100)).Where(row => row.Id.StartsWith("OTHER", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, others.Count);
        Assert.All(others, row => Assert.Equal(EnrolmentStatus.Unenrolled, row.Status));
        Assert.Equal(["A/B", "Twice", "twice", "twice:user"], others.Select(row => row.Udid!).Order(StringComparer.Ordinal));
        var user = others.Single(row => row.Udid == "twice:user");
        Assert.Equal("twice", others.Single(row => row.Id == user.DeviceId).Udid);
        Assert.Empty((await node.Devices.Load(user.Id)).Queue);
        Assert.Single(await node.Queries.ListHistory(user.Id, null, 10));

        var replaced = await node.Devices.FindCertificate(Fingerprint('1'));
        Assert.Equal("00008030-001C2D3E4F50802E", replaced.Pinned!.DeviceId);
        Assert.NotNull(replaced.Pinned.DroppedAt);
        Assert.Equal("inv", (await node.Devices.FindCertificate(Fingerprint('2'))).Issued!.InvitationId);
        Assert.Equal("LOWER-CASE", (await node.Devices.FindCertificate(Fingerprint('3'))).Pinned!.DeviceId);
    }
}
