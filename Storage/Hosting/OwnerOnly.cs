using System.Runtime.InteropServices;
using FleetMdm.Storage.Sqlite;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Storage.Hosting;

/// <summary>Keeps the data directory and the files in it to the user that the server runs as. On Windows the directory's own rights decide.</summary>
public static partial class OwnerOnly
{
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;
    private const uint NoneForOthers = 0b000_111_111;

    /// <summary>From now on this process creates nothing that others may read, whatever umask it was started with. SQLite makes its log with
    /// the rights of the database, and the database with those that are left.</summary>
    public static void ForThisProcess()
    {
        if (!OperatingSystem.IsWindows())
            _ = SetMask(NoneForOthers);
    }

    /// <summary>
    /// Takes the rights of others away from the data directory (made when it is missing) and from what lies in it, as an older version or a copy
    /// made by hand has left it; one line says so. Links are left alone, and so is a directory that several users share (/tmp).
    /// </summary>
    internal static void Tighten(StorageOptions options, ILogger logger)
    {
        if (OperatingSystem.IsWindows())
            return;
        var folder = new DirectoryInfo(Path.GetFullPath(options.DataDirectory));
        if (!folder.Exists)
            Directory.CreateDirectory(folder.FullName, OwnerFolder);
        try
        {
            var changed = 0;
            if (!folder.UnixFileMode.HasFlag(UnixFileMode.StickyBit) && (folder.UnixFileMode & ~OwnerFolder) != 0)
            {
                folder.UnixFileMode &= OwnerFolder;
                changed++;
            }

            foreach (var file in Ours(folder, options))
            {
                if (!file.Exists || file.LinkTarget is not null || (file.UnixFileMode & ~OwnerFile) == 0)
                    continue;
                file.UnixFileMode &= OwnerFile;
                changed++;
            }

            if (changed > 0)
                LogTightened(logger, folder.FullName, changed);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A volume that belongs to another user, or that knows no rights: its owner's to put right.
            LogLoose(logger, folder.FullName, exception.Message);
        }
    }

    private static IEnumerable<FileInfo> Ours(DirectoryInfo folder, StorageOptions options)
    {
        var files = folder.EnumerateFiles();
        if (options.Provider != StorageProvider.Sqlite)
            return files;
        // It may lie elsewhere (Storage:ConnectionString), among files that are not ours.
        var database = SqliteConnections.FileOf(options);
        return Path.GetDirectoryName(database) == folder.FullName
            ? files
            : files.Concat(new[] { "", "-wal", "-shm", ".lock" }.Select(ending => new FileInfo(database + ending)));
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint SetMask(uint mask);

    [LoggerMessage(1031, LogLevel.Information, "Others could read {Folder} or files in it: {Count} were made readable by their owner only")]
    private static partial void LogTightened(ILogger logger, string folder, int count);

    [LoggerMessage(1032, LogLevel.Warning, "The rights of {Folder} could not be checked or changed: {Reason}. Let nobody but the server's user read it")]
    private static partial void LogLoose(ILogger logger, string folder, string reason);
}
