using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Secrets;
using FleetMdm.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FleetMdm.Storage.Tests;

public sealed class SqliteBackupTests : IDisposable
{
    private const string OtherKey = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

    private readonly TemporaryFolder _data = new();
    private readonly TemporaryFolder _elsewhere = new();
    private readonly FakeTimeProvider _time = new(Make.Now);

    public void Dispose()
    {
        _data.Dispose();
        _elsewhere.Dispose();
    }

    private string Database => _data.File("fleetmdm.db");

    private string File(string name = "backup.db") => _elsewhere.File(name);

    private StoreBackup Store(string? key = null) => new(
        Options.Create(new StorageOptions { DataDirectory = _data.Path }), Options.Create(new SecretsOptions { MasterKey = key }), _time);

    private Task<Node> Open() => Node.Start(new Dictionary<string, string?> { ["Storage:DataDirectory"] = _data.Path }, _time);

    /// <summary>A database with one iPad and a backup of it; then another iPad comes.</summary>
    private async Task<(string Before, string After)> BackedUp()
    {
        await using var node = await Open();
        var before = await Make.Enrolled(node);
        Store().Backup(File());
        var after = await Make.Enrolled(node);
        return (before.Id, after.Id);
    }

    private async Task<bool> Knows(string id)
    {
        await using var node = await Open();
        return await node.Queries.FindDevice(id) is not null;
    }

    [Fact]
    public async Task What_was_written_before_the_backup_is_in_it_and_nothing_else()
    {
        var (before, after) = await BackedUp();
        var restored = Store().Restore(File());

        Assert.Equal(1, restored.Backup.Enrolments);
        Assert.Equal(Make.Now, restored.Backup.MadeAt);
        Assert.True(restored.KeyIsThere);
        Assert.True(await Knows(before));
        Assert.False(await Knows(after));
    }

    [Fact]
    public async Task A_backup_does_not_wait_for_a_writer_and_does_not_see_what_is_not_committed()
    {
        await using var node = await Open();
        await Make.Enrolled(node);
        await using var writer = new SqliteConnection($"Data Source={Database};Pooling=false");
        await writer.OpenAsync();
        await using var transaction = writer.BeginTransaction(deferred: false);
        await using var insert = writer.CreateCommand();
        insert.CommandText = "INSERT INTO facts (name, value) VALUES ('late', x'00')";
        await insert.ExecuteNonQueryAsync();

        var backup = Store().Backup(File());
        await transaction.CommitAsync();

        Assert.Equal(1, backup.Enrolments);
        Assert.Equal(0L, Scalar(File(), "SELECT count(*) FROM facts WHERE name = 'late'"));
        Assert.Equal(1L, Scalar(Database, "SELECT count(*) FROM facts WHERE name = 'late'"));
    }

    [Fact]
    public async Task A_backup_is_one_file_for_its_owner_only()
    {
        await BackedUp();

        Assert.Equal([File()], Directory.GetFiles(_elsewhere.Path));
        Assert.Equal("delete", Scalar(File(), "PRAGMA journal_mode"));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File()));
    }

    [Fact]
    public async Task What_a_killed_backup_left_is_taken_over()
    {
        await System.IO.File.WriteAllBytesAsync(File() + ".tmp", new byte[100_000]);
        await BackedUp();

        Assert.Equal([File()], Directory.GetFiles(_elsewhere.Path));
    }

    [Fact]
    public async Task A_file_that_exists_is_not_touched()
    {
        await (await Open()).DisposeAsync();
        await System.IO.File.WriteAllTextAsync(File(), "last night's");

        Assert.Throws<StorageConfigurationException>(() => Store().Backup(File()));
        Assert.Equal("last night's", await System.IO.File.ReadAllTextAsync(File()));
        Assert.Throws<StorageConfigurationException>(() => Store().Backup(File("no-such-folder/backup.db")));
    }

    [Fact]
    public async Task A_damaged_database_gives_no_backup()
    {
        var (before, _) = await BackedUp();
        Assert.NotEmpty(before);
        Damage(Database);

        Assert.Throws<StoreUnavailableException>(() => Store().Backup(File("second.db")));
        Assert.Equal([File()], Directory.GetFiles(_elsewhere.Path));
    }

    public static TheoryData<string, string> Unfit => new()
    {
        { "damaged", "damaged" },
        { "truncated", "damaged" },
        { "text", "is not a backup of FleetMdm" },
        { "empty", "not a database" },
        { "another program's", "not a database" },
        { "newer", "999" },
        { "sealed with another key", "another master key" },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public async Task What_cannot_be_restored_is_refused_and_the_present_database_stays_as_it_is(string kind, string word)
    {
        var (_, after) = await BackedUp();
        string? key = null;
        switch (kind)
        {
            case "damaged":
                Damage(File());
                break;
            case "truncated":
                await using (var file = System.IO.File.OpenWrite(File()))
                    file.SetLength(file.Length / 2 + 100);
                break;
            case "text":
                await System.IO.File.WriteAllTextAsync(File(), new string('x', 10_000));
                break;
            case "empty":
                await System.IO.File.WriteAllBytesAsync(File(), []);
                break;
            case "another program's":
                System.IO.File.Delete(File());
                Scalar(File(), "CREATE TABLE devices (id TEXT)");
                break;
            case "newer":
                Scalar(File(), "INSERT INTO schema_version (version, name, applied_at) VALUES (999, 'future', 0)");
                break;
            default:
                key = OtherKey;
                break;
        }

        var refused = Assert.ThrowsAny<Exception>(() => Store(key).Restore(File()));

        Assert.True(refused is StorageConfigurationException or StoreUnavailableException, refused.ToString());
        Assert.Contains(word, refused.Message);
        Assert.DoesNotContain(OtherKey, refused.ToString());
        Assert.True(await Knows(after));
        Assert.Empty(Directory.GetFiles(_data.Path, "*restor*"));
    }

    [Fact]
    public async Task A_database_that_somebody_else_has_open_is_not_replaced()
    {
        var (_, after) = await BackedUp();
        await using (var shell = new SqliteConnection($"Data Source={Database};Pooling=false"))
        {
            await shell.OpenAsync();
            await using var command = shell.CreateCommand();
            command.CommandText = "SELECT count(*) FROM devices";
            await command.ExecuteScalarAsync();

            var refused = Assert.Throws<StoreUnavailableException>(() => Store().Restore(File()));
            Assert.Contains("another program", refused.Message);
        }

        Assert.True(await Knows(after));
    }

    [Fact]
    public async Task The_database_that_was_there_is_kept_whole()
    {
        var (before, after) = await BackedUp();
        var first = Store().Restore(File());
        var second = Store().Restore(File());

        Assert.NotNull(first.Aside);
        Assert.NotNull(second.Aside);
        Assert.NotEqual(first.Aside, second.Aside);
        Assert.Equal(2L, Scalar(first.Aside, "SELECT count(*) FROM devices"));
        Assert.True(await Knows(before));
        Assert.False(await Knows(after));

        // And it can be put back like any backup.
        Store().Restore(first.Aside);
        Assert.True(await Knows(after));
    }

    [Fact]
    public async Task A_damaged_database_is_replaced_and_its_log_with_it()
    {
        await BackedUp();
        await using (var node = await Open())
        {
            await Make.Enrolled(node);
            System.IO.File.Copy(Database + "-wal", File("log"));
        }

        // As after a crash of the machine: a log that was not written into the file, and a file that nothing can open.
        System.IO.File.Move(File("log"), Database + "-wal");
        await System.IO.File.WriteAllBytesAsync(Database + "-shm", new byte[32768]);
        Damage(Database, from: 0);

        var restored = Store().Restore(File());

        Assert.True(System.IO.File.Exists(restored.Aside));
        Assert.False(System.IO.File.Exists(Database + "-wal"));
        Assert.Equal(1L, Scalar(Database, "SELECT count(*) FROM devices"));
    }

    [Fact]
    public async Task A_log_that_lies_there_without_its_database_is_not_taken_for_the_new_ones()
    {
        var (before, after) = await BackedUp();
        await using (var node = await Open())
        {
            await Make.Enrolled(node);
            System.IO.File.Copy(Database + "-wal", File("log"));
        }

        System.IO.File.Delete(Database);
        System.IO.File.Move(File("log"), Database + "-wal");
        var restored = Store().Restore(File());

        Assert.Null(restored.Aside);
        Assert.True(await Knows(before));
        Assert.False(await Knows(after));
    }

    [Fact]
    public async Task Commands_wait_again_but_for_those_that_erase()
    {
        string id, kept, erase;
        await using (var node = await Open())
        {
            id = (await Make.Enrolled(node)).Id;
            kept = (await Append(node, "DeviceInformation")).Body;
            erase = (await Append(node, "EraseDevice")).Body;
            Store().Backup(File());
        }

        _time.Advance(TimeSpan.FromDays(30));
        var restored = Store().Restore(File());

        Assert.Equal((2, 1), (restored.Backup.Waiting, restored.ErasesEnded));
        await using var again = await Open();
        Assert.Equal("DeviceInformation", Assert.Single((await again.Devices.Load(id)).Queue).RequestType);
        var ended = Assert.Single(await again.Queries.ListHistory(id, null, 10));
        Assert.Equal(("EraseDevice", CommandEnding.Cancelled), (ended.RequestType, ended.Ending));
        // The clean-up tells by time whether a body is still referred to by the history.
        await again.Control.DropHistory(_time.GetUtcNow().AddDays(-1), CancellationToken.None);
        Assert.NotNull(await again.Devices.LoadBody(ended.BodyHash));
        Assert.NotEqual(kept, erase);

        async Task<(string Body, QueueAppended Appended)> Append(Node node, string type)
        {
            var body = $"<dict>{type}</dict>";
            return (body, await node.Devices.Append(Make.Command(id, body: body) with { RequestType = type }));
        }
    }

    [Fact]
    public async Task Without_a_key_it_is_restored_and_said_so_and_no_key_is_invented()
    {
        await BackedUp();
        System.IO.File.Delete(_data.File("master.key"));

        Assert.False(Store().Restore(File()).KeyIsThere);

        var refused = await Assert.ThrowsAsync<StorageConfigurationException>(Open);
        Assert.Contains("master.key", refused.Message);
        Assert.False(System.IO.File.Exists(_data.File("master.key")));
    }

    [Fact]
    public void A_database_that_is_not_there_cannot_be_backed_up() =>
        Assert.Throws<StorageConfigurationException>(() => Store().Backup(File()));

    [Fact]
    public async Task A_backup_is_not_restored_over_itself()
    {
        await BackedUp();
        Assert.Throws<StorageConfigurationException>(() => Store().Restore(Database));
    }

    private static object? Scalar(string file, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    /// <summary>Overwrites what is in the middle of every page from there on.</summary>
    private static void Damage(string file, int from = 4096)
    {
        using var stream = System.IO.File.Open(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        for (long at = from; at < stream.Length; at += 4096)
        {
            stream.Position = at;
            stream.Write(new byte[64].Select((_, i) => (byte)(i * 7 + 1)).ToArray());
        }
    }
}
