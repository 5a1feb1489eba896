using FleetMdm.Storage.Sqlite;
using FleetMdm.Testing;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Tests;

/// <summary>What only a file can do: be locked, be full, be something else.</summary>
public sealed class SqliteOutageTests : IDisposable
{
    private static readonly TimeSpan Guard = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new();

    private Dictionary<string, string?> Settings => new() { ["Storage:DataDirectory"] = _folder.Path };

    public void Dispose() => _folder.Dispose();

    private async Task<SqliteConnection> Lock()
    {
        var connection = new SqliteConnection($"Data Source={_folder.File("fleetmdm.db")};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    [Fact]
    public async Task A_second_writer_is_waited_for_and_reads_go_on()
    {
        await using var node = await Node.Start(Settings);
        var row = await Make.Enrolled(node);
        Task<Devices.QueueAppended> append;
        await using (await Lock())
        {
            append = node.Devices.Append(Make.Command(row.Id));
            Assert.NotNull((await node.Devices.Load(row.Id).WaitAsync(Guard)).Row);
            Assert.NotNull(await node.Queries.FindDevice(row.Id).WaitAsync(Guard));
            Assert.False(append.IsCompleted);
        }

        Assert.False((await append.WaitAsync(Guard)).AlreadyThere);
    }

    [Fact]
    public async Task A_writer_that_never_ends_makes_the_store_unavailable_and_then_it_goes_on()
    {
        await using var node = await Node.Start(Settings);
        var command = Make.Command(Make.Id());
        await using (await Lock())
            await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Devices.Append(command).WaitAsync(Guard));

        Assert.False((await node.Devices.Append(command).WaitAsync(Guard)).AlreadyThere);
    }

    [Fact]
    public async Task A_file_that_cannot_grow_refuses_without_losing_what_it_has()
    {
        await using var node = await Node.Start(Settings);
        var row = await Make.Enrolled(node);
        // As a full disk would: SQLite may not add a page any more. The limit belongs to the connection of the lane.
        var database = node.Parts.Database;
        var full = database.Write(async s =>
        {
            await s.Sql("PRAGMA max_page_count = 1").List(r => r.Long(0));
            return await s.Sql("INSERT INTO bodies (hash, content, last_used) VALUES (randomblob(32), zeroblob(10000000), 0)").Execute();
        });

        await Assert.ThrowsAsync<StoreUnavailableException>(() => full.WaitAsync(Guard));
        await node.Devices.Append(Make.Command(row.Id)).WaitAsync(Guard);

        Assert.Single((await node.Devices.Load(row.Id)).Queue);
    }

    [Fact]
    public async Task While_writing_fails_and_reading_goes_on_the_store_does_not_call_itself_well_and_then_it_does()
    {
        await using var node = await Node.Start(Settings);
        await using (await Lock())
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Devices.Append(Make.Command(Make.Id())).WaitAsync(Guard));

            Assert.Null(await node.Queries.FindDevice("A").WaitAsync(Guard));
            await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Control.Check(CancellationToken.None).WaitAsync(Guard));
        }

        // Nobody but the question itself has written since.
        await node.Control.Check(CancellationToken.None).WaitAsync(Guard);
    }

    [Fact]
    public async Task A_commit_is_on_disk_before_it_is_told()
    {
        await using var node = await Node.Start(Settings);

        var (journal, synchronous) = await node.Parts.Database.Write(async s =>
            (await s.Sql("PRAGMA journal_mode").First(r => r.Text(0)), await s.Sql("PRAGMA synchronous").First(r => r.Long(0))));

        Assert.Equal("wal", journal);
        Assert.Equal(2, synchronous);
    }

    [Theory]
    [InlineData("")]
    [InlineData(";Mode=ReadWrite")]
    public async Task Orleans_is_never_lent_a_connection_that_may_only_read_and_its_commits_are_on_disk_too(string mode)
    {
        var settings = Settings;
        settings["Storage:ConnectionString"] = $"Data Source={_folder.File("fleetmdm.db")}{mode}";
        await using (await Node.Start(Settings))
        {
            // The file is there from now on, as a connection string with Mode=ReadWrite needs it.
        }

        await using var node = await Node.Start(settings);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => node.Queries.FindDevice("A")));
        for (var i = 0; i < 20; i++)
        {
            await using var connection = new SqliteConnection(node.Control.Orleans.ConnectionString);
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = $"INSERT INTO facts (name, value) VALUES ('orleans-{i}', x'00'); PRAGMA synchronous";
            Assert.Equal(2L, await command.ExecuteScalarAsync());
        }
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_by_its_name()
    {
        await File.WriteAllTextAsync(_folder.File("fleetmdm.db"), new string('x', 5_000));

        var settings = new Dictionary<string, string?>(Settings) { ["Secrets:MasterKey"] = Convert.ToBase64String(new byte[32]) };
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => Node.Start(settings));

        Assert.Contains("fleetmdm.db", refused.Message);
    }

    [Fact]
    public async Task A_file_that_became_unreadable_is_reported()
    {
        await using var node = await Node.Start(Settings);
        await node.Queries.FindDevice("A");
        foreach (var file in Directory.GetFiles(_folder.Path, "fleetmdm.db*"))
            File.Delete(file);
        // The pools of this file only: other tests have theirs.
        new SqliteConnections(null, _folder.Path).Dispose();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Control.Check(CancellationToken.None).WaitAsync(Guard));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => node.Queries.FindDevice("A").WaitAsync(Guard));
        Assert.Throws<StoreUnavailableException>(() => node.KeyRing.LoadKeys());
    }

    [Fact]
    public async Task The_file_may_be_named_by_a_connection_string()
    {
        var settings = Settings;
        settings["Storage:ConnectionString"] = $"Data Source={_folder.File("sub/other.db")}";

        await using (await Node.Start(settings))
        {
        }

        Assert.True(File.Exists(_folder.File("sub/other.db")));
    }

    [Fact]
    public async Task A_writer_that_is_cancelled_before_it_is_accepted_writes_nothing()
    {
        await using var node = await Node.Start(Settings);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => node.Control.GetOrAddFact("a", [1], new CancellationToken(canceled: true)));
        Assert.Equal([2], await node.Control.GetOrAddFact("a", [2], CancellationToken.None));
    }

    [Fact]
    public async Task An_old_database_is_told_apart_from_none()
    {
        await using var node = new Node(Settings);
        Assert.NotEmpty(await node.Parts.Control.Pending(CancellationToken.None));
        await node.Start();
        Assert.Empty(await node.Parts.Control.Pending(CancellationToken.None));
    }
}
