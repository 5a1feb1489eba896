using FleetMdm.Storage.Secrets;
using FleetMdm.Storage.Sqlite;
using Microsoft.Extensions.Options;

namespace FleetMdm.Storage.Hosting;

/// <summary>Backup of the database file of SQLite while a server uses it, and its way back. PostgreSQL has its own tools.</summary>
/// <remarks>The master key is not in a backup: who has both has every secret, and who has only the backup has none.</remarks>
public sealed class StoreBackup(IOptions<StorageOptions> storage, IOptions<SecretsOptions> secrets, TimeProvider time)
{
    /// <summary>Writes a consistent copy, checked and on disk before it has its name.</summary>
    /// <param name="file">Must not exist; readable by its owner only.</param>
    /// <exception cref="StorageConfigurationException">It cannot be asked for like this.</exception>
    /// <exception cref="StoreUnavailableException">It could not be done; nothing is left under <paramref name="file"/>.</exception>
    public BackupSummary Backup(string file) => new SqliteBackup(DatabaseFile(), time).Write(Path.GetFullPath(file));

    /// <summary>
    /// Puts a backup in the place of the present database, which is kept aside. Refuses while a server runs. Until the backup was
    /// copied and checked nothing changes, and then one rename decides.
    /// </summary>
    /// <exception cref="StorageConfigurationException">Not a backup, of a newer version, or sealed with another master key.</exception>
    /// <exception cref="StoreUnavailableException">A server runs, the backup is damaged, or the disk failed.</exception>
    public RestoreSummary Restore(string file) =>
        new SqliteRestore(DatabaseFile(), () => MasterKey.Find(secrets.Value, storage.Value), time).Read(Path.GetFullPath(file));

    /// <summary>The data directory, when neither a database nor a master key is in it: no server has run there. Null: one has.</summary>
    /// <exception cref="StorageConfigurationException">The database is on PostgreSQL.</exception>
    public string? FindNothing() =>
        File.Exists(DatabaseFile()) || File.Exists(Path.Combine(storage.Value.DataDirectory, MasterKey.DefaultFile)) ? null : Path.GetFullPath(storage.Value.DataDirectory);

    /// <summary>The database file, when it is not there; null: it is, or the database is on PostgreSQL.</summary>
    public string? FindMissingDatabase() =>
        storage.Value.Provider == StorageProvider.Sqlite && SqliteConnections.FileOf(storage.Value) is var file && !File.Exists(file) ? file : null;

    private string DatabaseFile()
    {
        if (storage.Value.Provider == StorageProvider.Sqlite)
            return SqliteConnections.FileOf(storage.Value);
        throw new StorageConfigurationException(
            "The database is on PostgreSQL: back it up with pg_dump or pg_basebackup, and restore it with pg_restore; docs/operations.md " +
            "(\"Backup and restore\") has the commands.");
    }
}

/// <param name="File">Full path.</param>
/// <param name="MadeAt">Null: a copy that was made by other means.</param>
/// <param name="Enrolments">Rows that stand for an iPad or a user of a Shared iPad.</param>
/// <param name="Waiting">Commands in the queues.</param>
public sealed record BackupSummary(string File, long Bytes, int SchemaVersion, DateTimeOffset? MadeAt, long Enrolments, long Waiting);

/// <param name="Backup">What was restored.</param>
/// <param name="Database">Where it is now.</param>
/// <param name="Aside">Where the database is that stood there before; null: there was none.</param>
/// <param name="Migrations">What the backup lacked of the schema and has now.</param>
/// <param name="ErasesEnded">EraseDevice commands of the backup that were ended instead of being delivered.</param>
/// <param name="KeyIsThere">False: the master key has to be put back before the server starts.</param>
public sealed record RestoreSummary(
    BackupSummary Backup, string Database, string? Aside, IReadOnlyList<string> Migrations, long ErasesEnded, bool KeyIsThere);
