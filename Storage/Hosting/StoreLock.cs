namespace FleetMdm.Storage.Hosting;

/// <summary>
/// Says that one process has the database file of SQLite to itself: a server while it runs, a restore while it works. The operating
/// system holds it (<c>fleetmdm.db.lock</c> beside the database) and ends it with the process, however that dies; the file stays and
/// means nothing by itself.
/// </summary>
/// <remarks>SQLite's own locks would not do: a restore puts another file under the database's name, and a server that began at that
/// moment would go on with the file that had the name before.</remarks>
internal sealed class StoreLock : IDisposable
{
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);

    private readonly FileStream _file;

    private StoreLock(FileStream file) => _file = file;

    /// <exception cref="StoreUnavailableException">Another process has it; the message is a sentence.</exception>
    public static StoreLock Take(string databaseFile)
    {
        var folder = Path.GetDirectoryName(databaseFile)!;
        try
        {
            Directory.CreateDirectory(folder);
            return new StoreLock(new FileStream(databaseFile + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (exception.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
        {
            throw new StoreUnavailableException($"A FleetMdm server is running on {databaseFile}: stop it first.", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new StoreUnavailableException(
                $"The user {Environment.UserName} may not write to {folder} (Storage:DataDirectory), or not to {Path.GetFileName(databaseFile)}.lock in it: " +
                "give both to this user with chown, or run the command as their owner.", exception);
        }
    }

    public void Dispose() => _file.Dispose();
}
