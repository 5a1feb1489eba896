using FleetMdm.EndToEnd.Server;
using FleetMdm.Storage.Hosting;
using FleetMdm.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.EndToEnd.Backup;

/// <summary><c>backup</c> and <c>restore</c> as an operator meets them: their exit codes, their sentences, and what they leave behind.</summary>
public sealed class BackupCommandTests : IDisposable
{
    private readonly TemporaryFolder _data = new();
    private readonly TemporaryFolder _elsewhere = new();

    public void Dispose()
    {
        _data.Dispose();
        _elsewhere.Dispose();
    }

    private Task<(int ExitCode, string Output)> Run(params string[] arguments) =>
        ServerProcess.RunToEnd([.. arguments, $"--Storage:DataDirectory={_data.Path}"]);

    private static void IsOneSentence(int expected, string about, (int ExitCode, string Output) ended)
    {
        Assert.Contains(about, ended.Output);
        Assert.Equal(expected, ended.ExitCode);
        Assert.Single(ended.Output.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("backup needs a file", "backup")]
    [InlineData("restore needs a file", "restore")]
    [InlineData("backup needs a file", "backup", "--Http:Listen=https://*:1")]
    [InlineData("\"two\" is not understood", "backup", "one", "two")]
    [InlineData("\"two\" is not understood", "restore", "one", "two")]
    [InlineData("There is no database at", "backup", "/tmp/never.db")]
    [InlineData("There is no file /tmp/never.db", "restore", "/tmp/never.db")]
    [InlineData("There is no option Storage:Nothing", "backup", "/tmp/never.db", "--Storage:Nothing=1")]
    public async Task Wrong_usage_is_told_in_one_sentence(string about, params string[] arguments) =>
        IsOneSentence(2, about, await Run(arguments));

    [Fact]
    public async Task While_a_server_runs_there_is_no_restore_and_no_second_server()
    {
        await using var server = await new ServerProcess(_data.Path).Start();
        var backup = _elsewhere.File("backup.db");
        Assert.Equal(0, (await Run("backup", backup)).ExitCode);

        IsOneSentence(1, "A FleetMdm server is running on", await Run("restore", backup));
        IsOneSentence(1, "A FleetMdm server is running on", await Run($"--Http:Listen=https://127.0.0.1:{Ports.Free()}"));
        IsOneSentence(2, "exists already", await Run("backup", backup));

        await server.Stop();
        var restored = await Run("restore", backup);
        Assert.True(restored.ExitCode == 0, restored.Output);
        Assert.Contains("is kept as", restored.Output);
        await server.Start();
        Assert.Single((await server.Trust()).Roots);
    }

    /// <summary>The options of a service stand in its unit, where a shell does not see them: a folder that nobody named would be filled, and never served.</summary>
    [Fact]
    public async Task A_restore_that_does_not_say_where_to_touches_nothing_where_no_server_has_run()
    {
        await using (var server = await new ServerProcess(_data.Path).Start())
        {
            Assert.Equal(0, (await Run("backup", _elsewhere.File("backup.db"))).ExitCode);
        }

        using var here = new TemporaryFolder();
        IsOneSentence(2, $"There is neither a database nor a master key in {here.File("data")}: name the server's data directory",
            await ServerProcess.RunToEnd(["restore", _elsewhere.File("backup.db")], workingDirectory: here.Path));
        Assert.Empty(Directory.EnumerateFileSystemEntries(here.Path));

        // A new machine: the old key is there, or the folder is named.
        Directory.CreateDirectory(here.File("data"));
        File.Copy(_data.File("master.key"), here.File("data/master.key"));
        var (code, output) = await ServerProcess.RunToEnd(["restore", _elsewhere.File("backup.db")], workingDirectory: here.Path);
        Assert.True(code == 0, output);
        Assert.Contains($"Restored {here.File("data/fleetmdm.db")}", output);
    }

    /// <summary>Whatever dies when: there is a whole database under its name, the old one or the new one.</summary>
    [Theory]
    [InlineData("fleetmdm.db.restoring")]
    [InlineData("fleetmdm.db.restoring-journal")]
    [InlineData("fleetmdm.db.before-restore-*")]
    public async Task A_restore_that_is_killed_leaves_a_whole_database(string killWhenThereIs)
    {
        await using var store = new ServiceCollection()
            .AddFleetStorage(new ConfigurationBuilder().AddInMemoryCollection([new("Storage:DataDirectory", _data.Path)]).Build())
            .BuildServiceProvider();
        await store.GetRequiredService<IStoreControl>().Migrate(CancellationToken.None);
        var backups = store.GetRequiredService<StoreBackup>();
        Execute("INSERT INTO facts (name, value) VALUES ('which', 'backup')");
        Execute("""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
            INSERT INTO bodies (hash, content, last_used) SELECT randomblob(32), randomblob(50000), i FROM n
            """);
        var backup = _elsewhere.File("backup.db");
        backups.Backup(backup);
        Execute("UPDATE facts SET value = 'present' WHERE name = 'which'");

        using (var watcher = new FileSystemWatcher(_data.Path, killWhenThereIs))
        using (var process = ServerProcess.Launch(["restore", backup, $"--Storage:DataDirectory={_data.Path}"], new Dictionary<string, string>(), _ => { }))
        {
            // Only the moment of the kill depends on the watcher: a restore that was faster has ended by itself.
            watcher.Created += (_, _) =>
            {
                if (!process.HasExited) process.Kill();
            };
            watcher.EnableRaisingEvents = true;
            await process.WaitForExitAsync().WaitAsync(ServerProcess.Patience);
            watcher.EnableRaisingEvents = false;
        }

        Assert.Contains(Scalar("SELECT value FROM facts WHERE name = 'which'"), new[] { "present", "backup" });
        Assert.Equal("ok", Scalar("PRAGMA integrity_check"));
        backups.Restore(backup);
        Assert.Equal("backup", Scalar("SELECT value FROM facts WHERE name = 'which'"));
        Assert.Empty(Directory.GetFiles(_data.Path, "*restoring*"));
    }

    private void Execute(string sql) => Scalar(sql);

    private string? Scalar(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_data.File("fleetmdm.db")};Mode=ReadWrite;Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() switch
        {
            byte[] bytes => System.Text.Encoding.UTF8.GetString(bytes),
            var value => value?.ToString(),
        };
    }
}
