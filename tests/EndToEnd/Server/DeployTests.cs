using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using FleetMdm.Testing;
using Npgsql;

namespace FleetMdm.EndToEnd.Server;

/// <summary>The files of <c>deploy/</c>, by the programs that read them.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class DeployTests
{
    /// <summary>Of 100, as systemd counts: below 20 is "OK", the best of its grades for a service that listens.</summary>
    private const int MostExposure = 20;

    private static readonly string[] Units = ["fleetmdm.service", "fleetmdm-backup.service", "fleetmdm-backup.timer"];

    [Fact]
    public async Task Systemd_takes_the_units_as_they_are_and_finds_little_that_they_leave_open()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "systemd is Linux's.");
        using var folder = new TemporaryFolder();
        foreach (var unit in Units)
        {
            // Programs have to be there to be verified, wherever they are on this machine.
            File.WriteAllText(folder.File(unit), File.ReadAllText(Repository.File("deploy", unit))
                .Replace("/usr/bin/dotnet", Environment.ProcessPath, StringComparison.Ordinal)
                .Replace("/opt/fleetmdm/deploy", Repository.File("deploy"), StringComparison.Ordinal));
        }

        var verified = await Run("systemd-analyze", ["verify", "--man=no", .. Units.Select(folder.File)]);
        Assert.Equal((0, ""), verified);
        foreach (var service in Units.Where(unit => unit.EndsWith(".service", StringComparison.Ordinal)))
        {
            var exposed = await Run("systemd-analyze", ["security", "--offline=true", $"--threshold={MostExposure}", "--no-pager", folder.File(service)]);
            Assert.True(exposed.ExitCode == 0, exposed.Output);
        }
    }

    [Fact]
    public async Task The_backup_of_the_service_is_a_good_one_and_only_then_old_ones_go()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The script is for Unix.");
        using var folder = new TemporaryFolder();
        var (data, backups) = (folder.File("data"), folder.File("backups"));
        Directory.CreateDirectory(backups);
        var (old, recent, foreign) = (Path.Combine(backups, "fleetmdm-old.db"), Path.Combine(backups, "fleetmdm-recent.db"), Path.Combine(backups, "notes.txt"));
        foreach (var (file, days) in new[] { (old, 20), (recent, 2), (foreign, 20) })
        {
            File.WriteAllText(file, "");
            File.SetLastWriteTimeUtc(file, TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-days));
        }

        var environment = new Dictionary<string, string>
        {
            ["FLEETMDM_PROGRAM"] = ServerProcess.Built,
            ["FLEETMDM__STORAGE__DATADIRECTORY"] = data,
        };
        var early = await Run(Repository.File("deploy", "backup.sh"), [backups], environment);
        Assert.NotEqual(0, early.ExitCode);
        Assert.True(File.Exists(old));

        await using var server = await new ServerProcess(data).Start();
        var made = await Run(Repository.File("deploy", "backup.sh"), [backups], environment);
        Assert.True(made.ExitCode == 0, made.Output);

        Assert.False(File.Exists(old));
        Assert.True(File.Exists(recent) && File.Exists(foreign));
        var backup = Assert.Single(Directory.GetFiles(backups, "fleetmdm-2*.db"));
        await server.Stop();
        var (restored, output) = await ServerProcess.RunToEnd(["restore", backup, $"--Storage:DataDirectory={data}"]);
        Assert.True(restored == 0, output);
    }

    [Fact]
    public async Task On_PostgreSQL_the_same_script_makes_a_dump_that_restores()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The script is for Unix.");
        using var folder = new TemporaryFolder();
        await using var database = await PostgresDatabase.Create();
        await database.Execute("CREATE TABLE kept (x integer); INSERT INTO kept VALUES (42)");
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        var environment = new Dictionary<string, string>
        {
            ["FLEETMDM__STORAGE__PROVIDER"] = "PostgreSQL",
            ["PGHOST"] = connection.Host!,
            ["PGPORT"] = connection.Port.ToString(CultureInfo.InvariantCulture),
            ["PGUSER"] = connection.Username!,
            ["PGPASSWORD"] = connection.Password ?? "",
            ["PGDATABASE"] = "no_such_database",
        };
        var failed = await Run(Repository.File("deploy", "backup.sh"), [folder.Path], environment);
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Empty(Directory.GetFiles(folder.Path));

        environment["PGDATABASE"] = connection.Database!;
        var made = await Run(Repository.File("deploy", "backup.sh"), [folder.Path], environment);
        Assert.True(made.ExitCode == 0, made.Output);
        var dump = Assert.Single(Directory.GetFiles(folder.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(dump));

        await using var other = await PostgresDatabase.Create();
        await PostgresTools.Run("pg_restore", other.ConnectionString, "--exit-on-error", "--no-owner", $"--dbname={new NpgsqlConnectionStringBuilder(other.ConnectionString).Database}", dump);
        await using var source = NpgsqlDataSource.Create(other.ConnectionString);
        await using var count = source.CreateCommand("SELECT x FROM kept");
        Assert.Equal(42, await count.ExecuteScalarAsync());
    }

    [Fact]
    public void The_nodes_of_Compose_never_ask_PostgreSQL_for_more_connections_than_it_has()
    {
        // See PostgresConnections: the lanes have six at most.
        const int Lanes = 6;
        const int ForPeople = 20;
        var compose = File.ReadAllText(Repository.File("docker-compose.yml"));
        var nodes = Regex.Count(compose, @"hostname: node\d");
        var pool = int.Parse(Regex.Match(compose, @"Maximum Pool Size=(\d+)").Groups[1].Value, CultureInfo.InvariantCulture);
        var most = int.Parse(Regex.Match(compose, @"max_connections=(\d+)").Groups[1].Value, CultureInfo.InvariantCulture);

        Assert.Equal(3, nodes);
        Assert.InRange(nodes * ((2 * pool) + Lanes), nodes, most - ForPeople);
    }

    [Fact]
    public void The_nodes_of_Compose_believe_their_balancer_and_nobody_else()
    {
        var compose = File.ReadAllText(Repository.File("docker-compose.yml"));
        var balancer = Regex.Match(compose, @"ipv4_address: (\S+) ").Groups[1].Value;

        Assert.Equal(balancer, Regex.Match(compose, @"MDM__TRUSTEDPROXIES: (\S+)").Groups[1].Value);
        Assert.Contains("MDM__PROXYPROTOCOL: \"true\"", compose);
        Assert.Contains("default-server send-proxy-v2 check-send-proxy", File.ReadAllText(Repository.File("deploy", "haproxy", "balancer.cfg")));
    }

    private static async Task<(int ExitCode, string Output)> Run(string program, string[] arguments, Dictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? []) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(ServerProcess.Patience);
        return (process.ExitCode, string.Concat(await output));
    }
}
