using Npgsql;

namespace FleetMdm.LoadTests.Servers;

/// <summary>A PostgreSQL of this load test's own, with <c>fsync</c> and <c>synchronous_commit</c> on, in a temporary folder.</summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    private readonly Func<Task> _stop;

    private PrivatePostgres(Func<Task> stop, string administrator, int process) =>
        (_stop, Administrator, Meter) = (stop, administrator, new ProcessMeter(process));

    public string Administrator { get; }

    public ProcessMeter Meter { get; }

    public static async Task<PrivatePostgres> Start()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"fleetmdm-load-pg-{Guid.NewGuid():N}");
        var stop = Leftovers.Add(() => ChildProcess.Run("bash", Repository.File("scripts/postgres.sh"), "stop", folder));
        var output = await ChildProcess.Run("bash", Repository.File("scripts/postgres.sh"), "start", folder);
        var connection = output.Trim().Split('\n')[^1];
        var pid = int.Parse(System.IO.File.ReadLines(Path.Combine(folder, "data", "postmaster.pid")).First(), System.Globalization.CultureInfo.InvariantCulture);
        return new PrivatePostgres(stop, connection, pid);
    }

    /// <summary>A connection string of a new, empty database.</summary>
    public async Task<string> CreateDatabase(string name)
    {
        await using var source = NpgsqlDataSource.Create(Administrator);
        await using var command = source.CreateCommand($"CREATE DATABASE {name}");
        await command.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(Administrator) { Database = name }.ConnectionString;
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await _stop();
    }
}

/// <summary>The checkout that this program was built from.</summary>
internal static class Repository
{
    public static string File(string path)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (System.IO.File.Exists(Path.Combine(folder, "FleetMdm.sln"))) return Path.Combine(folder, path);
        }

        throw new InvalidOperationException($"{path} was not found: start the load tests from a checkout, or give a --target.");
    }
}
