using System.Diagnostics;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Silo.Hosting;

/// <summary><c>backup FILE</c>: a checked copy of the database of SQLite, while the server runs or not.</summary>
internal static class BackupCommand
{
    public static async Task<int> Run(string[] arguments)
    {
        var (file, options) = FileArgument.Take("backup", arguments);
        await using var services = FileArgument.OpenStore(options);
        var started = Stopwatch.GetTimestamp();
        var backup = services.GetRequiredService<StoreBackup>().Backup(file);
        Console.WriteLine(
            $"Backed up to {backup.File}: {FileArgument.Size(backup.Bytes)}, {backup.Enrolments} enrolments, {backup.Waiting} commands waiting, " +
            $"checked and on disk after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s.");
        Console.WriteLine("The master key is not in it. Keep a copy of the key in another place: without it this backup opens nothing.");
        return 0;
    }
}

/// <summary>What <c>backup</c>, <c>restore</c>, <c>rekey</c> and <c>admin-token</c> have in common: a file, options, and a store without a server.</summary>
internal static class FileArgument
{
    /// <exception cref="FleetStartException">No file, or more than one.</exception>
    public static (string File, string[] Options) Take(string command, string[] arguments)
    {
        if (arguments is not [var file, .. var options] || file.StartsWith('-') || file.Length == 0)
            throw new FleetStartException($"{command} needs a file before the options: fleetmdm {command} FILE [OPTIONS].");
        FleetConfiguration.CheckArguments(options);
        return (file, options);
    }

    public static ServiceProvider OpenStore(string[] options, Action<StorageOptions>? change = null)
    {
        var configuration = new ConfigurationManager();
        configuration.AddFleetConfiguration(options);
        var services = new ServiceCollection().AddFleetStorage(configuration);
        if (change is not null) services.PostConfigure(change);
        return services.BuildServiceProvider();
    }

    /// <summary>Somebody named the place of the data, by whatever way options come; otherwise it is <c>data</c> in the working directory.</summary>
    public static bool SaysWhere(string[] options)
    {
        var configuration = new ConfigurationManager();
        configuration.AddFleetConfiguration(options);
        var storage = configuration.GetSection(StorageOptions.Section);
        return storage[nameof(StorageOptions.DataDirectory)] is not null || storage[nameof(StorageOptions.ConnectionString)] is not null;
    }

    /// <summary>The file of SQLite that these options name, when it is not there; null: it is, or the database is on PostgreSQL.</summary>
    public static string? FindMissingDatabase(string[] options)
    {
        using var services = OpenStore(options);
        return services.GetRequiredService<StoreBackup>().FindMissingDatabase();
    }

    public static string Size(long bytes) => bytes < 10 * 1024 * 1024 ? $"{bytes / 1024.0:0} KiB" : $"{bytes / 1024.0 / 1024.0:0} MiB";
}
