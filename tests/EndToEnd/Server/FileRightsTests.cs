using System.Diagnostics;
using System.Runtime.Versioning;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Server;

/// <summary>What the server writes is its user's alone, on a machine that has others.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class FileRightsTests
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = Owner | UnixFileMode.UserExecute;
    private const UnixFileMode Loose = Owner | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private const string Line = "were made readable by their owner only";

    [Fact]
    public async Task Whatever_the_umask_the_data_directory_and_all_files_in_it_are_for_their_owner_only()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no umask.");
        using var folder = new TemporaryFolder();
        var data = folder.File("data");
        await using var server = await new ServerProcess(data) { Umask = "000" }.Start();

        AssertTight(data, "admin-token", "fleetmdm.db", "fleetmdm.db-shm", "fleetmdm.db-wal", "fleetmdm.db.lock", "master.key");
        Assert.DoesNotContain(Line, server.Output);

        var backup = folder.File("backup.db");
        using (var made = Process.Start("sh", ["-c", $"umask 000 && exec dotnet '{ServerProcess.Built}' backup '{backup}' '--Storage:DataDirectory={data}'"]))
        {
            await made.WaitForExitAsync().WaitAsync(ServerProcess.Patience);
            Assert.Equal(0, made.ExitCode);
        }

        Assert.Equal(Owner, File.GetUnixFileMode(backup));
    }

    [Fact]
    public async Task A_directory_that_others_could_read_is_tightened_with_one_line_and_only_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no umask.");
        using var folder = new TemporaryFolder();
        var data = folder.File("data");
        await using var server = await new ServerProcess(data).Start();
        await server.Stop();
        foreach (var file in Directory.GetFiles(data)) File.SetUnixFileMode(file, Loose);
        File.SetUnixFileMode(data, OwnerFolder | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        var elsewhere = folder.File("elsewhere");
        File.WriteAllText(elsewhere, "not ours");
        File.SetUnixFileMode(elsewhere, Loose);
        File.CreateSymbolicLink(Path.Combine(data, "link"), elsewhere);

        await server.Start();
        await server.Stop();
        await server.Start();

        AssertTight(data, "admin-token", "fleetmdm.db", "master.key");
        Assert.Equal(Loose, File.GetUnixFileMode(elsewhere));
        Assert.Single(server.Output.Split('\n'), line => line.Contains(Line, StringComparison.Ordinal));
    }

    private static void AssertTight(string data, params string[] names)
    {
        Assert.Equal(OwnerFolder, File.GetUnixFileMode(data));
        var files = new DirectoryInfo(data).GetFiles().Where(file => file.LinkTarget is null).ToList();
        Assert.Subset(files.Select(file => file.Name).ToHashSet(), names.ToHashSet());
        Assert.All(files, file => Assert.Equal(Owner, file.UnixFileMode));
    }
}
