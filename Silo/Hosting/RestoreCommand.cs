using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;

namespace FleetMdm.Silo.Hosting;

/// <summary><c>restore FILE</c>: a backup takes the place of the database of SQLite. The server must be stopped.</summary>
internal static class RestoreCommand
{
    public static async Task<int> Run(string[] arguments)
    {
        var (file, options) = FileArgument.Take("restore", arguments);
        await using var services = FileArgument.OpenStore(options);
        var backups = services.GetRequiredService<StoreBackup>();
        // A server's options may stand where this command does not see them (a unit of systemd): then it would fill a folder that no server reads.
        if (!FileArgument.SaysWhere(options) && backups.FindNothing() is { } folder)
        {
            throw new FleetStartException(
                $"There is neither a database nor a master key in {folder}: name the server's data directory (--Storage:DataDirectory=/var/lib/fleetmdm). " +
                "A directory that is named may be empty.");
        }

        var restored = backups.Restore(file);
        var backup = restored.Backup;
        var made = backup.MadeAt is { } at ? $" of {at:yyyy-MM-dd HH:mm:ss} UTC" : "";
        Console.WriteLine(
            $"Restored {restored.Database} from {backup.File}{made}: {FileArgument.Size(backup.Bytes)}, {backup.Enrolments} enrolments, " +
            $"{backup.Waiting - restored.ErasesEnded} commands waiting.");
        if (restored.Migrations.Count > 0)
            Console.WriteLine($"It was of an older version; applied {string.Join(", ", restored.Migrations)}.");
        if (restored.ErasesEnded > 0)
        {
            Console.WriteLine(
                $"{restored.ErasesEnded} EraseDevice commands were ended instead of being delivered, since they may have been run or cancelled " +
                "after the backup: they are in the history of their iPads, to be ordered again.");
        }

        if (restored.Aside is { } aside)
            Console.WriteLine($"The database that was there is kept as {aside}; delete it when all is well.");
        if (!restored.KeyIsThere)
            Console.WriteLine("The master key is not here: put it back (master.key, or what Secrets:MasterKeyFile names) before the server starts.");
        Console.WriteLine("What came after the backup is unknown to it: docs/operations.md, \"After a restore\", says what that means for iPads and tokens.");
        return 0;
    }
}
