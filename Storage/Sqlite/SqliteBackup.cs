using System.Globalization;
using System.Text;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>
/// A copy of the database file by SQLite's online backup. It copies the pages of one snapshot as they are: a reader in WAL mode, so
/// that the server's one writer goes on, and no more work than reading and writing them once. (VACUUM INTO would be as consistent and
/// its result smaller, but it builds every index anew: minutes of a core that serves iPads.) The log cannot shrink while the copy is made.
/// </summary>
/// <remarks>1. <c>FILE.tmp</c> beside the target, for its owner only; 2. the pages; 3. made one file, and checked from end to
/// end; 4. on disk; 5. renamed. Whatever dies in between leaves a FILE.tmp, which the next backup of that name takes over.</remarks>
internal sealed class SqliteBackup(string database, TimeProvider time)
{
    private const string MadeAtFact = "backup-made-at";
    private const int SqliteCorrupt = 11;
    private const int SqliteNotADatabase = 26;

    /// <summary>For a lock that somebody else has: nobody should.</summary>
    private const int TimeoutSeconds = 5;

    public BackupSummary Write(string file)
    {
        if (File.Exists(file) || Directory.Exists(file))
            throw new StorageConfigurationException($"{file} exists already: name a file that does not, as in backup-$(date +%F).db.");
        if (!Directory.Exists(Path.GetDirectoryName(file)))
            throw new StorageConfigurationException($"The folder of {file} does not exist.");
        if (!File.Exists(database))
            throw new StorageConfigurationException($"There is no database at {database} (Storage:DataDirectory) to back up.");

        var temporary = file + ".tmp";
        // 1
        using var stream = Create(temporary);
        var done = false;
        try
        {
            Copy(database, temporary);
            var summary = Check(temporary, file, time.GetUtcNow());
            // 4, 5
            stream.Flush(flushToDisk: true);
            File.Move(temporary, file);
            done = true;
            Durable.SyncFolderOf(file);
            return summary with { Bytes = stream.Length };
        }
        catch (SqliteException exception)
        {
            throw new StoreUnavailableException($"{database} could not be backed up: {exception.Message}", exception);
        }
        finally
        {
            if (!done)
            {
                File.Delete(temporary);
                File.Delete(temporary + "-journal");
            }
        }
    }

    /// <summary>Copies a consistent state of one database file over another.</summary>
    public static void Copy(string from, string to)
    {
        using var source = Open(from, SqliteOpenMode.ReadWrite);
        using var target = Open(to, SqliteOpenMode.ReadWrite);
        // It is flushed once, at the end.
        target.Run("PRAGMA synchronous = OFF");
        source.BackupDatabase(target);
    }

    /// <summary>Throws unless the file is a whole database of ours.</summary>
    public static BackupSummary Describe(SqliteConnection connection, string file)
    {
        if (connection.Scalar<string>("PRAGMA integrity_check(1)") is var verdict && verdict != "ok")
            throw new StoreUnavailableException($"{file} is damaged: {verdict}");
        var version = SqliteSchema.Version(connection);
        if (version == 0 || connection.Scalar<string>("SELECT name FROM schema_version WHERE version = 1") != SqliteSchema.Migrations[0].Name)
            throw new StorageConfigurationException($"{file} is not a database of FleetMdm.");
        var madeAt = connection.Scalar<byte[]>("SELECT value FROM facts WHERE name = @name", ("@name", MadeAtFact));
        return new BackupSummary(
            file, 0, version,
            madeAt is null ? null : DateTimeOffset.Parse(Encoding.UTF8.GetString(madeAt), CultureInfo.InvariantCulture),
            connection.Scalar<long>("SELECT count(*) FROM devices"),
            connection.Scalar<long>($"SELECT count(*) FROM queue WHERE {FleetQueries.NotCancelled}"));
    }

    public static bool IsDamage(SqliteException exception) => exception.SqliteErrorCode is SqliteCorrupt or SqliteNotADatabase;

    public static SqliteConnection Open(string file, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = file,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = TimeoutSeconds,
        }.ConnectionString);
        connection.Open();
        return connection;
    }

    /// <summary>Step 3.</summary>
    private static BackupSummary Check(string temporary, string file, DateTimeOffset now)
    {
        using var copy = Open(temporary, SqliteOpenMode.ReadWrite);
        // One file, without a log beside it.
        copy.Run("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF");
        var summary = Describe(copy, file);
        copy.Run("INSERT INTO facts (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            ("@name", MadeAtFact), ("@value", Encoding.UTF8.GetBytes(now.ToString("O", CultureInfo.InvariantCulture))));
        return summary with { MadeAt = now };
    }

    private static FileStream Create(string temporary)
    {
        try
        {
            return Durable.CreateForOwner(temporary);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"{temporary} cannot be written: {exception.Message}", exception);
        }
    }
}
