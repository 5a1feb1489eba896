using System.Globalization;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Secrets;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>Puts a backup in the place of the database file.</summary>
/// <remarks>
/// <para>1. no server runs, and none can start; 2. the backup is copied beside the database; 3. the copy is checked from end to end,
/// opened with the master key, and brought up to date; 4. commands that must not run twice are ended in it; 5. on disk;
/// 6. the present database is closed (its log written into it) and found to be unused; 7. it is kept aside, and the copy takes its name.</para>
/// <para>Up to 6 the present database is not touched. In 7 it keeps both names until one rename puts the copy there: whatever dies when,
/// there is a whole database under its name.</para>
/// </remarks>
internal sealed class SqliteRestore(string database, Func<byte[]?> masterKey, TimeProvider time)
{
    /// <summary>What cannot be undone. It may have been run, or cancelled, after the backup was made: an administrator decides anew.</summary>
    private const string NotTwice = "EraseDevice";

    private const string Reason = "the database was restored from a backup; what was queued to erase has to be ordered again";

    private const string EndErases = $"""
        INSERT INTO history ({QueueColumns.Kept}, ending, finished_at, error_summary)
        SELECT {QueueColumns.Kept}, @ending, @now, @reason FROM queue WHERE request_type = @type
        """;

    private const string RefreshBodies =
        "UPDATE bodies SET last_used = @now WHERE last_used < @now AND hash IN (SELECT body_hash FROM queue WHERE request_type = @type)";

    private readonly string _temporary = database + ".restoring";

    public RestoreSummary Read(string backup)
    {
        if (!File.Exists(backup))
            throw new StorageConfigurationException($"There is no file {backup}.");
        if (backup == database)
            throw new StorageConfigurationException($"{backup} is the present database itself.");
        // 1
        using var guard = StoreLock.Take(database);
        try
        {
            using var stream = Durable.CreateForOwner(_temporary);
            // 2
            Guarded(backup, () => SqliteBackup.Copy(backup, _temporary));
            // 3, 4
            var (summary, migrations, erases) = Guarded(backup, () => Prepare(backup));
            var keyIsThere = Guarded(backup, () => CheckKey(backup));
            // 5
            stream.Flush(flushToDisk: true);
            // 6, 7
            CloseDatabase();
            var aside = Swap();
            return new RestoreSummary(summary with { Bytes = stream.Length }, database, aside, migrations, erases, keyIsThere);
        }
        finally
        {
            File.Delete(_temporary);
            File.Delete(_temporary + "-journal");
        }
    }

    private (BackupSummary, IReadOnlyList<string>, long) Prepare(string backup)
    {
        using var copy = SqliteBackup.Open(_temporary, SqliteOpenMode.ReadWrite);
        copy.Run("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF");
        var summary = SqliteBackup.Describe(copy, backup);
        var migrations = SqliteSchema.Migrate(copy, time.GetUtcNow());
        return (summary, migrations, EndErasesIn(copy));
    }

    private long EndErasesIn(SqliteConnection copy)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        using var transaction = copy.BeginTransaction(deferred: false);
        // A row of the history never refers to a body that was last used long before: see BodySql.
        copy.Run(RefreshBodies, ("@now", now), ("@type", NotTwice));
        var ended = copy.Run(EndErases, ("@now", now), ("@type", NotTwice), ("@ending", (int)CommandEnding.Cancelled), ("@reason", Reason));
        copy.Run("DELETE FROM queue WHERE request_type = @type", ("@type", NotTwice));
        // What would begin later.
        copy.Run("UPDATE operations SET cancelled_at = @now, next_at = NULL WHERE request_type = @type AND phase IN (1, 2) AND cancelled_at IS NULL", ("@now", now), ("@type", NotTwice));
        transaction.Commit();
        return ended;
    }

    /// <returns>False when there is no key to try.</returns>
    private bool CheckKey(string backup)
    {
        if (masterKey() is not { } key)
            return false;
        using var copy = SqliteBackup.Open(_temporary, SqliteOpenMode.ReadOnly);
        var mark = copy.Scalar<byte[]>("SELECT value FROM facts WHERE name = @name", ("@name", MasterKey.CheckFact));
        if (mark is not null && !MasterKey.Opens(key, mark))
        {
            throw new StorageConfigurationException(
                $"The secrets in {backup} were sealed with another master key than the one here (Secrets:MasterKey, Secrets:MasterKeyFile or " +
                "master.key in the data directory): put the right one there, then restore again.");
        }

        return true;
    }

    /// <summary>Step 6: a log that is left is written into the file, so that it stands for itself.</summary>
    private void CloseDatabase()
    {
        if (!File.Exists(database))
            return;
        try
        {
            using var present = SqliteBackup.Open(database, SqliteOpenMode.ReadWrite);
            // Needs the file for itself alone.
            present.Run("PRAGMA journal_mode = DELETE");
        }
        catch (SqliteException exception) when (SqliteBackup.IsDamage(exception))
        {
            // Then it is kept as it is, with its log.
        }
        catch (SqliteException exception)
        {
            throw new StoreUnavailableException($"{database} is used by another program, or cannot be opened: {exception.Message}", exception);
        }
    }

    /// <summary>Step 7.</summary>
    private string? Swap()
    {
        var aside = Unused($"{database}.before-restore-{time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}");
        // A log under the name of the database would be taken for the new one's.
        if (File.Exists(database + "-wal"))
            File.Move(database + "-wal", aside + "-wal");
        File.Delete(database + "-shm");
        File.Delete(database + "-journal");
        Durable.SyncFolderOf(database);
        var existed = File.Exists(database);
        if (existed)
            File.Replace(_temporary, database, aside);
        else
            File.Move(_temporary, database);
        Durable.SyncFolderOf(database);
        return existed ? aside : null;
    }

    private static string Unused(string name)
    {
        var free = name;
        for (var i = 2; File.Exists(free); i++)
            free = $"{name}-{i}";
        return free;
    }

    private static void Guarded(string backup, Action work) => Guarded(backup, () =>
    {
        work();
        return true;
    });

    private static T Guarded<T>(string backup, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException exception)
        {
            throw SqliteBackup.IsDamage(exception)
                ? new StoreUnavailableException($"{backup} is not a backup of FleetMdm, or it is damaged: name a file that \"backup\" wrote.", exception)
                : new StoreUnavailableException($"{backup} could not be restored: {exception.Message}", exception);
        }
    }
}
