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
        await _database.Execute(Sql().Match(Documentation()).Groups[1].Value);
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
        var line = Documentation().Split('\n').Single(line => line.StartsWith(program + " ", StringComparison.Ordinal));
        return FileName().Replace(line, _elsewhere.File("fleetmdm.dump")).Replace("--dbname=fleetmdm", $"--dbname={_database!.Name}")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];
    }

    private static string Documentation() => File.ReadAllText(Repository.File("docs", "operations.md"));

    [GeneratedRegex("```sql\n(WITH .*?)```", RegexOptions.Singleline)]
    private static partial Regex Sql();

    [GeneratedRegex("/backups/.*$")]
    private static partial Regex FileName();
}
