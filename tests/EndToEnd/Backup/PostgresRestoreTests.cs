using System.Text.RegularExpressions;
using FleetMdm.EndToEnd.Fleet;
using FleetMdm.EndToEnd.Server;
using FleetMdm.Testing;

namespace FleetMdm.EndToEnd.Backup;

/// <summary>The commands of docs/operations.md, taken from there: what is documented is what is tested.</summary>
public sealed partial class RestoreOnPostgreSql : RestoreRules, IAsyncLifetime
{
    private readonly TemporaryFolder _elsewhere = new();
    private PostgresDatabase? _database;

    public async ValueTask InitializeAsync() => _database = await PostgresDatabase.Create();

    public async ValueTask DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
        _elsewhere.Dispose();
    }

    protected override Task<IReadOnlyDictionary<string, string>> OpenStore() =>
        Task.FromResult<IReadOnlyDictionary<string, string>>(new Dictionary<string, string>
        {
            ["Storage:Provider"] = "PostgreSQL",
            ["Storage:ConnectionString"] = _database!.ConnectionString,
            ["Secrets:MasterKey"] = Convert.ToBase64String("a master key for restore tests !"u8),
        });

    protected override Task Backup(RunningServer server) => PostgresTools.Run("pg_dump", _database!.ConnectionString, Documented("pg_dump"));

    protected override async Task LoseAndRestore(RunningServer server)
    {
        await _database!.Recreate();
        await PostgresTools.Run("pg_restore", _database.ConnectionString, Documented("pg_restore"));
        await PostgresTools.Run("psql", _database.ConnectionString, Documented("psql"));
    }

    [Theory]
    [InlineData("backup")]
    [InlineData("restore")]
    public async Task The_commands_for_SQLite_point_to_PostgreSQLs_own_tools(string command)
    {
        var file = _elsewhere.File("backup.db");
        var options = await OpenStore();
        var (code, output) = await ServerProcess.RunToEnd([command, file, .. options.Select(option => $"--{option.Key}={option.Value}")]);

        Assert.Equal(2, code);
        Assert.Contains("pg_dump", output);
        Assert.Contains("docs/operations.md", output);
        Assert.Single(output.TrimEnd().Split('\n'));
        Assert.False(File.Exists(file));
    }

    /// <summary>The arguments of a command as it stands there, with the file of this test and without the name of the database.</summary>
    private string[] Documented(string program)
    {
        var options = Command().Matches(Documentation()).Single(command => command.Groups[1].Value == program).Groups[2].Value;
        return FileName().Replace(options, _elsewhere.File("fleetmdm.dump")).Replace("--dbname=fleetmdm", $"--dbname={_database!.Name}")
            .Replace("/opt/fleetmdm/deploy", Repository.File("deploy")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Documentation() => File.ReadAllText(Repository.File("docs", "operations.md"));

    [GeneratedRegex("^ *(?:sudo -u fleetmdm )?(pg_dump|pg_restore|psql) (--.*)$", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex("[^ =]*/backups/.*$")]
    private static partial Regex FileName();
}
