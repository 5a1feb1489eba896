using FleetMdm.EndToEnd.Fleet;
using FleetMdm.EndToEnd.Server;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Backup;

/// <summary><c>backup</c> and <c>restore</c>, as the processes that an operator starts.</summary>
public sealed class RestoreOnSqlite : RestoreRules, IDisposable
{
    private readonly TemporaryFolder _elsewhere = new();

    public void Dispose() => _elsewhere.Dispose();

    protected override Task<IReadOnlyDictionary<string, string>> OpenStore() =>
        Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>());

    protected override async Task Backup(RunningServer server)
    {
        var backup = _elsewhere.File("backup.db");
        var (code, output) = await ServerProcess.RunToEnd(["backup", backup, $"--Storage:DataDirectory={server.Process.Folder}"]);

        Assert.True(code == 0, output);
        Assert.Contains("master key is not in it", output);
        Assert.Equal(["backup.db"], Directory.GetFiles(_elsewhere.Path).Select(Path.GetFileName));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(backup));
    }

    protected override async Task LoseAndRestore(RunningServer server)
    {
        var folder = server.Process.Folder;
        var key = Path.Combine(folder, "master.key");
        File.Copy(key, _elsewhere.File("master.key"));
        foreach (var file in Directory.GetFiles(folder).Where(file => Path.GetFileName(file) is "master.key" or "admin-token" || file.Contains("fleetmdm.db")))
            File.Delete(file);

        var (code, output) = await ServerProcess.RunToEnd(["restore", _elsewhere.File("backup.db"), $"--Storage:DataDirectory={folder}"]);
        Assert.True(code == 0, output);
        Assert.Contains("The master key is not here", output);
        Assert.Contains("1 EraseDevice", output);
        Assert.DoesNotContain("is kept as", output);
        File.Copy(_elsewhere.File("master.key"), key);
    }
}
