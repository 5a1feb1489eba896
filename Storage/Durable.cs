using System.Runtime.InteropServices;

namespace FleetMdm.Storage;

/// <summary>What makes files outlive a power failure.</summary>
internal static partial class Durable
{
    private const int ReadOnly = 0;

    /// <summary>Creates a file that only its owner may read, or empties the one that stands.</summary>
    /// <remarks>On Unix another process that opens it this way is kept out while the stream lives; SQLite is not.</remarks>
    public static FileStream CreateForOwner(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            options.Share = FileShare.None;
        }

        return new FileStream(path, options);
    }

    /// <summary>Makes what was renamed, created or removed in the folder of this file last. (fsync of the file itself is not enough.)</summary>
    public static void SyncFolderOf(string path)
    {
        // NTFS keeps its own journal of names.
        if (OperatingSystem.IsWindows())
            return;
        var folder = Open(Path.GetDirectoryName(Path.GetFullPath(path))!, ReadOnly);
        if (folder < 0)
            throw new IOException($"The folder of {path} cannot be opened: error {Marshal.GetLastPInvokeError()}.");
        // Some file systems refuse to flush a folder (EINVAL); they have no need of it.
        _ = Flush(folder);
        _ = Close(folder);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
